package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"xiaobu/store"
)

// byAPI is who pays in one step.
const byAPI = "api"

// Payouts brings what is payable to the people who earned it: somebody collects a month,
// somebody else approves, then it is paid; each step is one transaction.
type Payouts struct {
	Store        *store.Store
	Now          func() time.Time
	Zone         *time.Location              // of months
	SecondPerson bool                        // nothing is paid in one step
	CatchUp      func(context.Context) error // brings the ledger up to the moment before it is collected from; nil: it is
}

// PayoutAsk is what to collect.
type PayoutAsk struct {
	Period    string // 2026-11
	By        string // who collects; empty: it is paid at once
	CarryOver bool   // also what earlier months left over
}

// Make collects the payable entries of a month. Where nobody is named it pays them at once,
// also when there are none.
func (p *Payouts) Make(ctx context.Context, ask PayoutAsk, remember Remember) (store.Payout, error) {
	var out store.Payout
	end, err := p.endOf(ask.Period)
	if err != nil {
		return out, err
	}
	atOnce := ask.By == ""
	if atOnce && p.SecondPerson {
		return out, Invalidf("by", "is missing: here a second person approves what is paid (rewards.second_person), so say who collects")
	}
	if ask.By = strings.TrimSpace(ask.By); !atOnce {
		if err := CheckWords("by", ask.By, maxName); err != nil {
			return out, err
		}
	}
	if err := p.catchUp(ctx); err != nil {
		return out, err
	}
	err = p.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := p.checkSettled(tx, end); err != nil {
			return err
		}
		out = store.Payout{Period: ask.Period, CarryOver: ask.CarryOver}
		if err := collect(tx, &out, ask.By); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(out.ID))
	})
	return out, err
}

// catchUpTime is how long somebody who asks for a payout waits for the ledger. What is not
// done by then goes on without them, and the payout is refused until it is done.
const catchUpTime = 5 * time.Second

func (p *Payouts) catchUp(ctx context.Context) error {
	if p.CatchUp == nil {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	err := p.CatchUp(within)
	if within.Err() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// collect collects, and pays at once where nobody is named.
func collect(tx *store.Tx, out *store.Payout, by string) error {
	if by != "" {
		if err := tx.Collect(out, by); err != nil {
			return err
		}
		if out.Joins == 0 {
			return &Conflict{fmt.Sprintf("nothing of %s is payable that is in no payout yet", out.Period)}
		}
		return nil
	}
	if err := tx.Collect(out, byAPI); err != nil {
		return err
	}
	if err := tx.StepPayout(out, store.PayoutApproved, byAPI, ""); err != nil {
		return err
	}
	return pay(tx, out, byAPI)
}

func pay(tx *store.Tx, out *store.Payout, by string) error {
	if err := tx.PayEntries(*out); err != nil {
		return err
	}
	return tx.StepPayout(out, store.PayoutPaid, by, "")
}

// endOf returns the end of a month. It refuses what is no month and a month that is not over.
func (p *Payouts) endOf(period string) (time.Time, error) {
	from, err := time.ParseInLocation("2006-01", period, p.Zone)
	if err != nil {
		return from, Invalidf("period", "%q is no month; want one such as 2026-11", period)
	}
	end := from.AddDate(0, 1, 0)
	if p.Now().Before(end) {
		return end, Invalidf("period", "%s is not over: it may be paid from %s (%s) on", period, end.Format("2006-01-02 15:04"), p.Zone)
	}
	return end, nil
}

// checkSettled refuses to collect while joins are judged again: what would be set aside would
// stay as the rule was before.
func (p *Payouts) checkSettled(tx *store.Tx, end time.Time) error {
	if err := tx.LockLedger(); err != nil {
		return err
	}
	j, err := tx.Rejudging(end)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return &Conflict{fmt.Sprintf("joins since %s are being judged again (%d of %d done); collect when that is over", j.FromAt.In(p.Zone).Format("2006-01-02 15:04:05"), j.Judged, j.Stays)}
}

// Approve lets a second person agree to what is collected.
func (p *Payouts) Approve(ctx context.Context, id int64, by string, remember Remember) (store.Payout, error) {
	return p.step(ctx, id, by, remember, func(tx *store.Tx, out *store.Payout, by string) error {
		if err := inStatus(*out, "approved", store.PayoutCollected); err != nil {
			return err
		}
		steps, err := tx.PayoutSteps(id)
		if err != nil {
			return err
		}
		if len(steps) > 0 && strings.EqualFold(steps[0].Who, by) {
			return &Conflict{fmt.Sprintf("%s collected payout %d; somebody else has to approve it", steps[0].Who, id)}
		}
		if changed, err := proposeAgain(tx, out, by); err != nil || changed {
			return err
		}
		return tx.StepPayout(out, store.PayoutApproved, by, "")
	})
}

// Pay pays what is approved.
func (p *Payouts) Pay(ctx context.Context, id int64, by string, remember Remember) (store.Payout, error) {
	return p.step(ctx, id, by, remember, func(tx *store.Tx, out *store.Payout, by string) error {
		if err := inStatus(*out, "paid", store.PayoutApproved); err != nil {
			return err
		}
		if changed, err := proposeAgain(tx, out, by); err != nil || changed {
			return err
		}
		return pay(tx, out, by)
	})
}

// Discard gives up a payout that is not paid; its entries may be collected again.
func (p *Payouts) Discard(ctx context.Context, id int64, by, reason string, remember Remember) (store.Payout, error) {
	if err := CheckWords("reason", strings.TrimSpace(reason), maxNote); err != nil {
		return store.Payout{}, err
	}
	return p.step(ctx, id, by, remember, func(tx *store.Tx, out *store.Payout, by string) error {
		if err := inStatus(*out, "discarded", store.PayoutCollected, store.PayoutApproved); err != nil {
			return err
		}
		if err := tx.FreeEntries(*out); err != nil {
			return err
		}
		return tx.StepPayout(out, store.PayoutDiscarded, by, strings.TrimSpace(reason))
	})
}

// Reverse takes a paid payout back: its entries are payable again. One whose entries another
// payout kept back meanwhile can only be reversed after that one, or the staff concerned
// would pay twice.
func (p *Payouts) Reverse(ctx context.Context, id int64, by, reason string, remember Remember) (store.Payout, error) {
	if err := CheckWords("reason", strings.TrimSpace(reason), maxNote); err != nil {
		return store.Payout{}, err
	}
	return p.step(ctx, id, by, remember, func(tx *store.Tx, out *store.Payout, by string) error {
		if err := inStatus(*out, "reversed", store.PayoutPaid); err != nil {
			return err
		}
		later, err := tx.RecoveredLater(id)
		if err == nil {
			return &Conflict{fmt.Sprintf("payout %d kept back rewards that payout %d had paid; reverse payout %d first", later.ID, id, later.ID)}
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := tx.ReverseEntries(*out); err != nil {
			return err
		}
		return tx.StepPayout(out, store.PayoutReversed, by, strings.TrimSpace(reason))
	})
}

// whatChanged is the note of a payout that went back to collected.
const whatChanged = "what it would pay has changed since"

// step takes a payout one step on. A step that finds the payout changed is kept and refused
// all the same: the payout is then collected anew, to be approved again.
func (p *Payouts) step(ctx context.Context, id int64, by string, remember Remember, do func(tx *store.Tx, out *store.Payout, by string) error) (store.Payout, error) {
	by = strings.TrimSpace(by)
	var out store.Payout
	if err := CheckWords("by", by, maxName); err != nil {
		return out, err
	}
	changed := false
	err := p.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if err := tx.LockLedger(); err != nil {
			return err
		}
		if out, err = tx.Payout(id); err != nil {
			return err
		}
		if err := do(tx, &out, by); err != nil {
			return err
		}
		if changed = out.Status == store.PayoutCollected; changed {
			return nil
		}
		return remember(tx, fmt.Sprint(id))
	})
	if err == nil && changed {
		return out, &Conflict{fmt.Sprintf("%s: payout %d now pays %d fen for %d joins; approve it again", whatChanged, id, out.TotalFen, out.Joins)}
	}
	return out, err
}

// inStatus refuses a step that does not follow on the status.
func inStatus(p store.Payout, step string, from ...string) error {
	for _, s := range from {
		if p.Status == s {
			return nil
		}
	}
	return &Conflict{fmt.Sprintf("payout %d is %s; only one that is %s can be %s", p.ID, p.Status, strings.Join(from, " or "), step)}
}

// proposeAgain puts a payout whose entries changed since they were last shown back to
// collected, with what it would pay now.
func proposeAgain(tx *store.Tx, out *store.Payout, by string) (changed bool, err error) {
	stands, err := tx.StandsAsProposed(out.ID)
	if err != nil || stands {
		return false, err
	}
	if err := tx.Propose(out); err != nil {
		return true, err
	}
	return true, tx.StepPayout(out, store.PayoutCollected, by, whatChanged)
}

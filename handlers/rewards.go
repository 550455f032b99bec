package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// Why a join earned or not.
const (
	ReasonRewarded        = "rewarded"
	ReasonNoInviter       = "no_inviter"
	ReasonNotCustomer     = "not_customer"
	ReasonNotNew          = "not_new"
	ReasonBeforeEffective = "before_effective"
	ReasonLeftEarly       = "left_early"
	ReasonOverBudget      = store.ReasonOverBudget
)

// Scopes within which a person earns somebody a reward only once.
const (
	OncePerCorp  = "corp"
	OncePerStore = "store"
	OncePerGroup = "group"
)

// settleBatch is how many entries are settled in one transaction.
const settleBatch = 50

// Rewards books what joins earn. It judges a person's stays as a whole, in the order in
// which they began, and again whenever more becomes known, so that the books come out the
// same in whatever order the news arrive.
type Rewards struct {
	Store *store.Store
	Now   func() time.Time
	Zone  *time.Location // of the months; needed to book
	Log   *slog.Logger   // needed to audit
}

// Name is the handler's name.
func (r *Rewards) Name() string { return "rewards" }

// Handle judges the person whose stay began or ended.
func (r *Rewards) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	switch d := e.Data.(type) {
	case bot.MemberJoined:
		return r.judgePerson(tx, d.Member, d.UnionID)
	case bot.MemberLeft:
		return r.judgePerson(tx, d.Member, d.UnionID)
	}
	return nil
}

// judgement is what the rule says of one stay.
type judgement struct {
	reason  string
	rule    store.Rule
	terms   store.Terms // of a join that earns
	earlier store.Stint // the stay that makes the person not new
}

func (j judgement) earns() bool { return j.reason == ReasonRewarded }

// judgePerson brings the entries of one person's joins in line with the rule.
func (r *Rewards) judgePerson(tx *store.Tx, user bot.MemberID, unionID string) error {
	if err := tx.LockLedger(); err != nil {
		return err
	}
	stays, byStint, err := person(tx.Reader, user, unionID)
	if err != nil {
		return err
	}
	if byStint, err = r.reclaim(tx, stays, byStint); err != nil {
		return err
	}
	for i, st := range stays {
		j, err := judge(tx.Reader, stays, i, byStint)
		if err != nil {
			return err
		}
		if err := r.book(tx, st, j, byStint[st.ID], stays); err != nil {
			return err
		}
	}
	return nil
}

// reclaim settles what was paid, before anything is judged: what is clawed back no longer
// stands in the place of an earlier join.
func (r *Rewards) reclaim(tx *store.Tx, stays []store.Stint, entries map[int64]store.Entry) (map[int64]store.Entry, error) {
	moved := false
	for _, st := range stays {
		e := entries[st.ID]
		if e.Status != store.EntryPaid || st.LeftAt.IsZero() {
			continue
		}
		if err := r.settle(tx, st, e); err != nil {
			return nil, err
		}
		moved = true
	}
	if !moved {
		return entries, nil
	}
	return tx.EntriesOfStints(stays)
}

// person reads all stays of a person, oldest first, with their entries by stay.
func person(r store.Reader, user bot.MemberID, unionID string) ([]store.Stint, map[int64]store.Entry, error) {
	stays, err := r.PersonStints(user, unionID)
	if err != nil {
		return nil, nil, err
	}
	entries, err := r.EntriesOfStints(stays)
	return stays, entries, err
}

// judge decides whether a stay earns, given all stays of the person by join time.
func judge(r lawbook, stays []store.Stint, i int, entries map[int64]store.Entry) (judgement, error) {
	st := stays[i]
	if st.Inviter == "" {
		return judgement{reason: ReasonNoInviter}, nil
	}
	if st.Kind != string(bot.Customer) {
		return judgement{reason: ReasonNotCustomer}, nil
	}
	rule, scope, err := ruleAt(r, st)
	if err != nil {
		return judgement{}, err
	}
	j := judgement{reason: ReasonRewarded, rule: rule}
	for k, other := range stays {
		within := scope
		switch {
		case k == i || k > i && entries[other.ID].Status != store.EntryPaid:
			continue
		case k > i: // it was paid before this stay was known: that stands in its place
			if _, within, err = ruleAt(r, other); err != nil {
				return judgement{}, err
			}
		}
		same, err := inScope(r, within, st, other)
		if err != nil {
			return j, err
		}
		if same {
			return judgement{reason: ReasonNotNew, rule: rule, earlier: other}, nil
		}
	}
	if rule.Version == 0 {
		return judgement{reason: ReasonBeforeEffective}, nil
	}
	j.terms, err = termsOf(r, rule, st.ChatID)
	return j, err
}

// ruleAt returns the rule in force when a stay began, of version 0 if there was none, and within
// what a person was new then.
func ruleAt(r lawbook, st store.Stint) (rule store.Rule, scope string, err error) {
	rule, err = r.RuleAt(st.JoinedAt)
	if errors.Is(err, store.ErrNotFound) {
		return store.Rule{}, OncePerCorp, nil
	}
	return rule, rule.OncePer, err
}

// inScope reports whether two stays fall in one scope. A group without a store is a scope
// of its own.
func inScope(r lawbook, scope string, a, b store.Stint) (bool, error) {
	if scope == OncePerCorp || a.ChatID == b.ChatID {
		return true, nil
	}
	if scope != OncePerStore {
		return false, nil
	}
	ca, err := r.Chat(bot.ChatID(a.ChatID))
	if err != nil {
		return false, err
	}
	cb, err := r.Chat(bot.ChatID(b.ChatID))
	return err == nil && ca.ShopID != "" && ca.ShopID == cb.ShopID, err
}

// book brings one entry in line with its judgement. Outside of payouts an entry becomes what
// the rule in force at its join says, in whatever order rules and news came. Stays are all of
// the person.
func (r *Rewards) book(tx *store.Tx, st store.Stint, j judgement, e store.Entry, stays []store.Stint) error {
	switch {
	case e.ID == 0 && !j.earns():
		return nil
	case e.ID == 0:
		return r.enter(tx, st, j, stays)
	case e.Reason == ReasonDecided:
		return nil // somebody decided; no rule takes that back
	case e.CashOut():
		return r.settle(tx, st, e) // what was paid stands; only a leave takes it back
	case !j.earns():
		return refuse(tx, j, e)
	case e.PayoutID == nil && e.RuleVersion != j.rule.Version:
		return r.revise(tx, st, j, e)
	case e.Status == store.EntryVoid && e.Reason != ReasonLeftEarly && !decided(e):
		return r.readmit(tx, st, j, e)
	}
	return r.settle(tx, st, e)
}

// readmit lets an entry count again whose join did not earn for a while, because another join of
// the person stood before it. Its money was the budget's meanwhile.
func (r *Rewards) readmit(tx *store.Tx, st store.Stint, j judgement, e store.Entry) error {
	over, err := overBudget(tx, j.rule, e, 0)
	if err != nil {
		return err
	}
	if over {
		return tx.MoveEntry(e, store.EntryVoid, ReasonOverBudget, nil)
	}
	return r.settle(tx, st, e)
}

// enter books a join that earns, or that would but for the budget.
func (r *Rewards) enter(tx *store.Tx, st store.Stint, j judgement, stays []store.Stint) error {
	e, err := r.newEntry(tx, st, j, 0)
	if err != nil {
		return err
	}
	if fresh, err := tx.AddEntry(&e); err != nil || !fresh {
		return err
	}
	if status, _ := statusOf(st, e, j.terms, tx.Now); e.Status == store.EntryHeld && status == store.EntryHeld {
		_, err := r.inspect(tx, st, e, stays)
		return err
	}
	return r.settle(tx, st, e)
}

// newEntry is what a rule and its budget make of a join, before the stay and the clock are
// asked. Own is what the join has already in the books.
func (r *Rewards) newEntry(tx *store.Tx, st store.Stint, j judgement, own int64) (store.Entry, error) {
	e := r.entryOf(st, j)
	over, err := overBudget(tx, j.rule, e, own)
	if over {
		e.Status, e.Reason = store.EntryVoid, ReasonOverBudget
	}
	return e, err
}

// entryOf is what a join earns by its judgement.
func (r *Rewards) entryOf(st store.Stint, j judgement) store.Entry {
	ordinal := 0
	if st.Ordinal != nil {
		ordinal = *st.Ordinal
	}
	return store.Entry{
		Key: store.JoinKey(st), StintID: st.ID, Staff: st.Inviter, ChatID: st.ChatID, Member: st.UserID, UnionID: st.UnionID,
		Ordinal: ordinal, AmountFen: j.terms.Fen(ordinal), RuleVersion: j.rule.Version, Terms: j.terms.Name, Period: r.month(st.JoinedAt),
		Status: store.EntryHeld, EarnedAt: st.JoinedAt, DueAt: st.JoinedAt.Add(j.terms.Hold), Reason: ReasonRewarded,
	}
}

func (r *Rewards) month(t time.Time) string { return t.In(r.Zone).Format("2006-01") }

// overBudget reports whether what an entry would earn goes beyond the budget of its rule,
// with what stands in the books of that month already.
func overBudget(tx *store.Tx, rule store.Rule, e store.Entry, own int64) (bool, error) {
	if rule.Budget == nil {
		return false, nil
	}
	spent, err := tx.Spent(rule, e)
	return !rule.Budget.Allows(spent-own, e.AmountFen), err
}

// refuse voids an entry whose join no longer earns. It keeps the version that it was booked
// under: should the join earn again, the one in force then gives it its amount.
func refuse(tx *store.Tx, j judgement, e store.Entry) error {
	to := e
	to.Status, to.Reason, to.PayoutID = store.EntryVoid, j.reason, nil
	if to == e || decided(e) && j.rule.Version == e.RuleVersion {
		return nil
	}
	return tx.ChangeEntry(e, to, j.reason)
}

// decided reports whether an entry stays as it is while its rule is the same: what a budget
// refused is not paid because others left, nor what somebody voided.
func decided(e store.Entry) bool {
	return e.Reason == ReasonOverBudget || e.Reason == ReasonDecided
}

// revise gives an entry to another version of the rule.
func (r *Rewards) revise(tx *store.Tx, st store.Stint, j judgement, e store.Entry) error {
	own := int64(0)
	if e.Status == store.EntryHeld || e.Status == store.EntryPayable {
		own = e.AmountFen
	}
	to, err := r.newEntry(tx, st, j, own)
	if err != nil {
		return err
	}
	to.ID, to.Period = e.ID, e.Period
	if !decided(to) {
		if to.Status, to.Reason, err = r.standing(tx, st, e, to, j.terms); err != nil {
			return err
		}
	}
	return tx.ChangeEntry(e, to, fmt.Sprintf("rule %d", to.RuleVersion))
}

// settle takes an entry to the status that the stay and the clock give it.
func (r *Rewards) settle(tx *store.Tx, st store.Stint, e store.Entry) error {
	if decided(e) || e.RecoveredBy != nil {
		return nil
	}
	rule, err := tx.RuleVersion(e.RuleVersion)
	if err != nil {
		return fmt.Errorf("rule of entry %d: %w", e.ID, err)
	}
	status, reason, err := r.standing(tx, st, e, e, rule.TermsNamed(e.Terms))
	if err != nil {
		return err
	}
	payout := e.PayoutID
	switch {
	case !e.CashOut():
		if status != store.EntryPayable {
			payout = nil // it falls out of a payout that only collected it
		}
	case status == store.EntryVoid || status == store.EntryClawedBack:
		status = store.EntryClawedBack // what was paid cannot be undone, only taken back
	default:
		status = store.EntryPaid
	}
	if status == e.Status && (reason == e.Reason || status != store.EntryVoid && status != store.EntryClawedBack) {
		return nil
	}
	return tx.MoveEntry(e, status, reason, payout)
}

// standing is the status that the stay and the clock give an entry as it is to be. One that
// would be released is looked at first, and waits while it is flagged.
func (r *Rewards) standing(tx *store.Tx, st store.Stint, is, to store.Entry, terms store.Terms) (status, reason string, err error) {
	status, reason = statusOf(st, to, terms, tx.Now)
	if status != store.EntryPayable || is.Status == store.EntryPayable || is.CashOut() {
		return status, reason, nil
	}
	stopped, err := r.stops(tx, st, to)
	if stopped {
		status = store.EntryHeld
	}
	return status, reason, err
}

// statusOf is the rule of holding: a leave before the end of the hold voids, a leave within
// the clawback after it takes back.
func statusOf(st store.Stint, e store.Entry, terms store.Terms, now time.Time) (status, reason string) {
	switch {
	case !st.LeftAt.IsZero() && st.LeftAt.Before(e.DueAt):
		return store.EntryVoid, ReasonLeftEarly
	case !st.LeftAt.IsZero() && st.LeftAt.Before(e.DueAt.Add(terms.Clawback)):
		return store.EntryClawedBack, ReasonLeftEarly
	case now.Before(e.DueAt):
		return store.EntryHeld, ReasonRewarded
	}
	return store.EntryPayable, ReasonRewarded
}

// Next returns when the next held entry falls due.
func (r *Rewards) Next(ctx context.Context) (time.Time, bool, error) {
	return r.Store.Read(ctx).NextDueEntry()
}

// CatchUp does at once what the clock has asked for: it judges again what is to be, and releases
// what is due.
func (r *Rewards) CatchUp(ctx context.Context) error {
	if err := r.Rejudge(ctx); err != nil {
		return err
	}
	return r.Settle(ctx)
}

// Settle releases the entries whose hold has run out.
func (r *Rewards) Settle(ctx context.Context) error {
	for {
		due, err := r.Store.Read(ctx).DueEntries(r.Now(), settleBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		err = r.Store.Tx(ctx, func(tx *store.Tx) error {
			if err := tx.LockLedger(); err != nil {
				return err
			}
			for _, d := range due {
				if err := r.settleByID(tx, d.ID); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("settle rewards: %w", err)
		}
	}
}

func (r *Rewards) settleByID(tx *store.Tx, id int64) error {
	e, err := tx.Entry(id)
	if err != nil || e.Status != store.EntryHeld {
		return err
	}
	st, err := tx.Stint(e.StintID)
	if err != nil {
		return err
	}
	return r.settle(tx, st, e)
}

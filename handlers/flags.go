package handlers

import (
	"context"
	"errors"
	"fmt"

	"xiaobu/bot"
	"xiaobu/store"
)

// ReasonDecided is why an entry is void when somebody decided so. No rule takes that back.
const ReasonDecided = "decided"

// inspect looks for signals of an entry, given all stays of the person, and flags it when they
// weigh enough. It reports whether the entry is flagged.
func (r *Rewards) inspect(tx *store.Tx, st store.Stint, e store.Entry, stays []store.Stint) (bool, error) {
	checks, err := checksOf(tx.Reader)
	if err != nil || !checks.Data.Enabled {
		return false, err
	}
	i := &inspection{Reader: tx.Reader, sentences: sentences{r.Zone}, checks: checks.Data, st: st, e: e, stays: stays, now: tx.Now}
	signals, err := i.signals(checks.Data.Threshold)
	if err != nil {
		return false, fmt.Errorf("look at entry %d: %w", e.ID, err)
	}
	weight := weigh(signals)
	if weight < checks.Data.Threshold {
		return false, nil
	}
	return true, tx.AddFlag(store.Flag{EntryID: e.ID, Weight: weight, Threshold: checks.Data.Threshold, ChecksVersion: checks.Version, Signals: signals})
}

// stops reports whether an entry that is about to be released has to wait for somebody to
// decide. Whoever was released once is not looked at again.
func (r *Rewards) stops(tx *store.Tx, st store.Stint, e store.Entry) (bool, error) {
	f, err := tx.Flag(e.ID)
	if errors.Is(err, store.ErrNotFound) {
		stays, err := tx.PersonStints(bot.MemberID(st.UserID), st.UnionID)
		if err != nil {
			return false, err
		}
		return r.inspect(tx, st, e, stays)
	}
	return f.Status == store.FlagOpen, err
}

// DecideFlag closes the flag of a held entry: store.DecideRelease lets it be paid once its
// hold is over, store.DecideVoid voids it for good. A flag is decided once.
func (r *Rewards) DecideFlag(ctx context.Context, d store.FlagDecision) (store.FlaggedEntry, error) {
	if err := checkWho(d.Who, d.Note); err != nil {
		return store.FlaggedEntry{}, err
	}
	var f store.FlaggedEntry
	err := r.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockLedger(); err != nil {
			return err
		}
		e, err := tx.Entry(d.EntryID)
		if err != nil {
			return err
		}
		if err := r.decidable(tx, e); err != nil {
			return err
		}
		if err := tx.DecideFlag(d); err != nil {
			return err
		}
		if err := r.carryOut(tx, e, d.Decision); err != nil {
			return err
		}
		f, err = tx.FlaggedEntry(d.EntryID)
		return err
	})
	return f, err
}

// decidable says why there is nothing to decide about an entry.
func (r *Rewards) decidable(tx *store.Tx, e store.Entry) error {
	d, err := tx.FlagDecision(e.ID)
	if err == nil {
		done := map[string]string{store.DecideRelease: "released", store.DecideVoid: "voided"}[d.Decision]
		return &Conflict{fmt.Sprintf("entry %d was %s by %s at %s already; a decision stands", e.ID, done, d.Who, r.stamp(d.At))}
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if _, err := tx.Flag(e.ID); errors.Is(err, store.ErrNotFound) {
		return &Conflict{fmt.Sprintf("entry %d is not flagged; there is nothing to decide", e.ID)}
	} else if err != nil {
		return err
	}
	if e.Status != store.EntryHeld {
		return &Conflict{fmt.Sprintf("entry %d is %s (%s); there is nothing left to decide", e.ID, e.Status, e.Reason)}
	}
	return nil
}

func (r *Rewards) carryOut(tx *store.Tx, e store.Entry, decision string) error {
	if decision == store.DecideVoid {
		return tx.MoveEntry(e, store.EntryVoid, ReasonDecided, nil)
	}
	st, err := tx.Stint(e.StintID)
	if err != nil {
		return err
	}
	return r.settle(tx, st, e)
}

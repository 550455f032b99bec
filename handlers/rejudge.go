package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// rejudgeBatch is how many stays are judged again in one transaction: callbacks wait for it.
const rejudgeBatch = 50

// reasonRejudged stands in an entry whose money went back because its rule changed, until it
// is judged again.
const reasonRejudged = "rejudged"

// NextRejudge returns when joins are to be judged again: at once, if any.
func (r *Rewards) NextRejudge(ctx context.Context) (time.Time, bool, error) {
	j, err := r.Store.Read(ctx).OpenRejudge()
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, false, nil
	}
	return j.AskedAt, err == nil, err
}

// Rejudge judges joins again where a rule reaches into the past, in the order in which they
// came. It goes on where it was when it was cut off.
func (r *Rewards) Rejudge(ctx context.Context) error {
	for ctx.Err() == nil {
		j, err := r.Store.Read(ctx).OpenRejudge()
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = r.Store.Tx(ctx, func(tx *store.Tx) error { return r.rejudgeBatch(tx, j) })
		}
		if err != nil && !errors.Is(err, store.ErrStale) { // somebody else did this batch: on to the next
			return fmt.Errorf("judge again: %w", err)
		}
	}
	return ctx.Err()
}

func (r *Rewards) rejudgeBatch(tx *store.Tx, j store.Rejudge) error {
	if err := tx.LockLedger(); err != nil {
		return err
	}
	stays, err := tx.RejudgeStints(j, rejudgeBatch)
	if err != nil {
		return err
	}
	to := j
	for _, st := range stays {
		if err := r.rejudge(tx, st, j.Phase == store.RejudgeRetract); err != nil {
			return err
		}
		to.JoinedAt, to.StintID = st.JoinedAt, st.ID
	}
	if j.Phase == store.RejudgeJudge {
		to.Judged += int64(len(stays))
	}
	switch {
	case len(stays) == rejudgeBatch:
	case j.Phase == store.RejudgeRetract:
		to.Phase, to.JoinedAt, to.StintID = store.RejudgeJudge, time.Time{}, 0
	default:
		to.Phase, to.DoneAt = store.RejudgeDone, tx.Now
	}
	return tx.MoveRejudge(j, to)
}

// rejudge judges one stay again, or takes back what another version of the rule gave it.
func (r *Rewards) rejudge(tx *store.Tx, st store.Stint, retract bool) error {
	stays, entries, err := person(tx.Reader, bot.MemberID(st.UserID), st.UnionID)
	if err != nil {
		return err
	}
	e := entries[st.ID]
	if retract && (e.Status != store.EntryHeld && e.Status != store.EntryPayable || e.PayoutID != nil) {
		return nil
	}
	i := slices.IndexFunc(stays, func(s store.Stint) bool { return s.ID == st.ID })
	j, err := judge(tx, stays, i, entries)
	switch {
	case err != nil:
		return err
	case !retract:
		return r.book(tx, st, j, e, stays)
	case e.RuleVersion == j.rule.Version:
		return nil
	}
	return tx.MoveEntry(e, store.EntryVoid, reasonRejudged, nil)
}

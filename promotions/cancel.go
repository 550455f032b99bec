package promotions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// CancelMass is the action of stopping a task that nobody confirmed in time, so that the
// morning's sale is not posted at midnight.
type CancelMass struct {
	Task  int64  `json:"task"`
	MsgID string `json:"msgid"`
}

// ActionKind names the action.
func (CancelMass) ActionKind() string { return "mass_cancel" }

// ActionKey makes one cancellation of a task.
func (a CancelMass) ActionKey() string { return fmt.Sprintf("mass_cancel:%d", a.Task) }

// Retry is safe: cancelling twice is cancelling.
func (CancelMass) Retry() bot.RetryRule { return bot.RetrySafe }

// MassCanceller performs CancelMass.
type MassCanceller struct{ Platform bot.MassMessenger }

// ActionKind names the action it performs.
func (MassCanceller) ActionKind() string { return CancelMass{}.ActionKind() }

// Perform stops the task.
func (s MassCanceller) Perform(ctx context.Context, a store.Action) (any, error) {
	var m CancelMass
	if err := a.Decode(&m); err != nil {
		return nil, err
	}
	return nil, s.Platform.CancelMassMessage(ctx, m.MsgID)
}

// Record closes the task. The owner may have confirmed a moment before: one more look at
// the results follows.
func (MassCanceller) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	if o.State != store.ActionSent {
		return nil
	}
	var m CancelMass
	if err := a.Decode(&m); err != nil {
		return err
	}
	t, err := tx.Task(m.Task)
	if err == nil && t.Status == store.TaskClosed {
		return tx.PollTask(t.ID, tx.Now.Add(time.Minute))
	}
	if err != nil || t.Status != store.TaskSubmitted {
		return err
	}
	why, err := whyCancelled(tx, t)
	if err != nil {
		return err
	}
	if err := closeTask(tx, t, store.TaskCancelled, why.delivery(store.DeliveryCancelled)); err != nil {
		return err
	}
	return tx.PollTask(t.ID, tx.Now.Add(time.Minute))
}

func whyCancelled(tx *store.Tx, t store.Task) (reason, error) {
	if tx.Now.Before(t.ClosesAt) {
		return reasonStopped, nil
	}
	ch, err := tx.Chase(t.OccurrenceID, t.Owner)
	switch {
	case errors.Is(err, store.ErrNotFound): // submitted by a program that chased nobody
		return reasonUnconfirmed, nil
	case err == nil && !ch.DeclinedAt.IsZero():
		return reasonDeclined, nil
	}
	return reasonUnconfirmed, err
}

// Withdraw takes back all of a promotion that is not posted yet: what is planned, and what
// waits for its owners, which is cancelled at the platform. The schedule goes on.
func (p *Planner) Withdraw(ctx context.Context, id int64) (store.Promotion, error) {
	return p.takingBack(ctx, id, func(tx *store.Tx, promo store.Promotion, by string) error {
		if err := note(tx, promo, by, store.ChangeWithdrawn, ""); err != nil {
			return err
		}
		if err := takeBack(tx, promo.ID); err != nil {
			return err
		}
		occs, err := tx.OpenOccurrences(promo.ID)
		if err != nil {
			return err
		}
		for _, occ := range occs {
			tasks, err := tx.Tasks(occ.ID)
			if err != nil {
				return err
			}
			for _, t := range tasks {
				if t.Status != store.TaskSubmitted {
					continue
				}
				if _, err := tx.Enqueue(CancelMass{Task: t.ID, MsgID: t.MsgID}, store.When{}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

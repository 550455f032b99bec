package promotions

import (
	"context"
	"fmt"

	"xiaobu/bot"
	"xiaobu/store"
)

const maxReminders = 3 // WeCom's limit in 24 hours

// RemindMass is the action of reminding an owner who has not confirmed.
type RemindMass struct {
	Task  int64  `json:"task"`
	MsgID string `json:"msgid"`
	Nth   int    `json:"nth"`
}

// ActionKind names the action.
func (RemindMass) ActionKind() string { return "mass_remind" }

// ActionKey makes each reminder one.
func (a RemindMass) ActionKey() string { return fmt.Sprintf("mass_remind:%d:%d", a.Task, a.Nth) }

// Retry is never: a reminder too many is worse than one too few.
func (RemindMass) Retry() bot.RetryRule { return bot.RetryNever }

// MassReminder performs RemindMass.
type MassReminder struct{ Platform bot.MassMessenger }

// ActionKind names the action it performs.
func (MassReminder) ActionKind() string { return RemindMass{}.ActionKind() }

// Perform reminds the owner.
func (s MassReminder) Perform(ctx context.Context, a store.Action) (any, error) {
	var m RemindMass
	if err := a.Decode(&m); err != nil {
		return nil, err
	}
	return nil, s.Platform.RemindMassMessage(ctx, m.MsgID)
}

// Record counts the reminder; one that failed or was cut off counts too, or it would be
// tried for ever.
func (MassReminder) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	if o.State == store.ActionPending {
		return nil
	}
	var m RemindMass
	if err := a.Decode(&m); err != nil {
		return err
	}
	return tx.CountReminder(m.Task)
}

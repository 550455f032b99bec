package promotions

import (
	"context"
	"fmt"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// What happens to owners who do not confirm.
const (
	maxReminders = 3 // WeCom's limit in 24 hours
	// cancelPatience is how long a task that will not be cancelled is looked at.
	cancelPatience = 24 * time.Hour
)

// reminderAfter says when an owner who has not confirmed is reminded, after the submission.
var reminderAfter = [maxReminders]time.Duration{30 * time.Minute, 2 * time.Hour, 5 * time.Hour}

// unconfirmed reminds the owner, or cancels once the window is over.
func unconfirmed(tx *store.Tx, t store.Task, known string) error {
	if known == store.TaskCancelled {
		t.NextPollAt = time.Time{} // the last look, after the cancellation, found nothing new
		return tx.SaveTask(t, known)
	}
	if tx.Now.After(t.ClosesAt.Add(cancelPatience)) {
		return closeTask(tx, withStatus(t, known), store.TaskCancelled,
			store.Delivery{Status: store.DeliveryCancelled, Reason: "not confirmed, and WeCom would not cancel it either"})
	}
	if !tx.Now.Before(t.ClosesAt) {
		if _, err := tx.Enqueue(CancelMass{Task: t.ID, MsgID: t.MsgID}, store.When{}); err != nil {
			return err
		}
	} else if n := t.Reminders; n < maxReminders && tx.Now.Sub(t.SubmittedAt) >= reminderAfter[n] {
		if _, err := tx.Enqueue(RemindMass{Task: t.ID, MsgID: t.MsgID, Nth: n + 1}, store.When{}); err != nil {
			return err
		}
	}
	t.NextPollAt = tx.Now.Add(pollAfter(t.Polls, tx.Now.Sub(t.SubmittedAt)))
	if t.NextPollAt.After(t.ClosesAt) && tx.Now.Before(t.ClosesAt) {
		t.NextPollAt = t.ClosesAt
	}
	return tx.SaveTask(t, known)
}

// pollAfter is how long to wait for the next look: seconds at first, minutes later.
func pollAfter(polls int, age time.Duration) time.Duration {
	if age > 2*time.Hour {
		return latePoll
	}
	return min(firstPoll<<min(polls, 10), slowPoll)
}

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

package promotions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// When results are asked for, and what happens to owners who do not confirm.
const (
	submitGrace  = 5 * time.Minute  // a submission may be late by this much at least
	firstPoll    = 5 * time.Second  // after the submission; doubles from then on
	slowPoll     = 5 * time.Minute  // the longest wait in the first two hours
	latePoll     = 15 * time.Minute // the wait after that
	pollLease    = 2 * time.Minute  // how long one process has a task to itself; see store.releaseLeases
	resultsTime  = 30 * time.Minute // after the confirmation, for all groups to show a result
	pollBatch    = 50
	maxReminders = 3                // WeCom's limit in 24 hours
	absentAfter  = 30 * time.Second // before a list that lacks an attempt is believed
	maxFindPages = 50
	// cancelPatience is how long a task that will not be cancelled is looked at.
	cancelPatience = 24 * time.Hour
	// lastLooks is how often a task is looked at after its end: an owner may send later what
	// the first confirmation left out.
	lastLooks = 2 * time.Hour
)

// reminderAfter says when an owner who has not confirmed is reminded, after the submission.
var reminderAfter = [maxReminders]time.Duration{30 * time.Minute, 2 * time.Hour, 5 * time.Hour}

// SendMass is the action of making one owner's task.
type SendMass struct {
	Task int64 `json:"task"`
	bot.MassMessage
}

// ActionKind names the action.
func (SendMass) ActionKind() string { return "mass" }

// ActionKey makes one mass message of one task.
func (a SendMass) ActionKey() string { return fmt.Sprintf("mass:%d", a.Task) }

// Retry is unsure: WeCom has to be asked whether an attempt that was cut off made a task.
func (SendMass) Retry() bot.RetryRule { return bot.RetryUnsure }

// massResult is what the platform answered.
type massResult struct {
	MsgID string `json:"msgid"`
}

// MassSender performs SendMass.
type MassSender struct {
	Platform bot.MassMessenger
	Store    *store.Store
	Now      func() time.Time
}

// ActionKind names the action it performs.
func (*MassSender) ActionKind() string { return SendMass{}.ActionKind() }

// Perform submits the task.
func (s *MassSender) Perform(ctx context.Context, a store.Action) (any, error) {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return nil, err
	}
	id, err := s.Platform.CreateMassMessage(ctx, m.MassMessage)
	return massResult{id}, err
}

// ErrTooEarly says that the platform's answer may not show the last attempt yet.
var ErrTooEarly = errors.New("too early to tell")

// Find asks the platform whether an attempt that was cut off made a task after all: one
// with the same message, made since, for the same owner, and not known as another's.
func (s *MassSender) Find(ctx context.Context, a store.Action) (any, bool, error) {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return nil, false, err
	}
	from, to := a.TriedAt.Add(-time.Minute), s.Now().Add(time.Minute)
	cursor := ""
	for range maxFindPages {
		page, next, err := s.Platform.MassMessages(ctx, from, to, cursor)
		if err != nil {
			return nil, false, fmt.Errorf("list mass messages: %w", err)
		}
		for _, ref := range page {
			ours, err := s.matches(ctx, ref, m.MassMessage)
			if err != nil || ours {
				return massResult{ref.ID}, ours, err
			}
		}
		if next == "" || next == cursor {
			break
		}
		cursor = next
	}
	if s.Now().Sub(a.TriedAt) < absentAfter {
		return nil, false, ErrTooEarly
	}
	return nil, false, nil
}

func (s *MassSender) matches(ctx context.Context, ref bot.MassMessageRef, m bot.MassMessage) (bool, error) {
	if ref.Message.Text != m.Message.Text || len(ref.Message.Attachments) != len(m.Message.Attachments) {
		return false, nil
	}
	if _, err := s.Store.Read(ctx).TaskByMsgID(ref.ID); err == nil {
		return false, nil // another task's
	} else if !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	tasks, _, err := s.Platform.MassTasks(ctx, ref.ID, "")
	if err != nil {
		return false, fmt.Errorf("list owners of mass message: %w", err)
	}
	return slices.ContainsFunc(tasks, func(t bot.MassTask) bool { return t.Owner == m.Owner }), nil
}

// Record takes the task and its deliveries along with the action.
func (s *MassSender) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	var m SendMass
	if err := a.Decode(&m); err != nil {
		return err
	}
	task, err := tx.Task(m.Task)
	if err != nil {
		return err
	}
	switch o.State {
	case store.ActionSent:
		return submitted(tx, task, o)
	case store.ActionFailed, store.ActionExpired:
		reason := o.Error
		if o.State == store.ActionExpired {
			reason = "could not be submitted in time: " + a.Error
		}
		return closeTask(tx, task, store.TaskFailed, store.Delivery{Status: store.DeliveryFailed, Code: o.Code, Reason: reason})
	case store.ActionUnknown:
		_, err := tx.MoveDeliveries(task.ID, "", []string{store.DeliveryPlanned},
			store.Delivery{Status: store.DeliveryPlanned, Reason: "submission was cut off; asking WeCom what exists"})
		return err
	}
	return nil
}

func submitted(tx *store.Tx, task store.Task, o store.Outcome) error {
	res, ok := o.Result.(massResult)
	if !ok || res.MsgID == "" {
		// The platform says that there is nothing to send: no group of the owner is left.
		return closeTask(tx, task, store.TaskFailed, store.Delivery{Status: store.DeliveryFailed, Code: o.Code, Reason: o.Error})
	}
	known := task.Status
	task.Status, task.MsgID, task.SubmittedAt, task.NextPollAt = store.TaskSubmitted, res.MsgID, tx.Now, tx.Now.Add(firstPoll)
	if err := tx.SaveTask(task, known); err != nil {
		return err
	}
	_, err := tx.MoveDeliveries(task.ID, "", []string{store.DeliveryPlanned}, store.Delivery{Status: store.DeliverySubmitted, SubmittedAt: tx.Now})
	return err
}

// Results asks the platform what became of submitted tasks.
type Results struct {
	Platform bot.MassMessenger
	Store    *store.Store
	Now      func() time.Time
	Log      *slog.Logger
}

// Next returns when the next task is to be asked about.
func (r *Results) Next(ctx context.Context) (time.Time, bool, error) {
	return r.Store.Read(ctx).NextTask()
}

// Poll asks about every task that is due. A task that cannot be asked about is tried again
// after its lease.
func (r *Results) Poll(ctx context.Context) error {
	due, err := r.Store.Read(ctx).DueTasks(r.Now(), pollBatch)
	if err != nil {
		return err
	}
	for _, t := range due {
		var mine bool
		err := r.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			mine, err = tx.LeaseTask(t, tx.Now.Add(pollLease))
			return err
		})
		if err != nil {
			return err
		}
		if !mine {
			continue
		}
		if err := r.poll(ctx, t); err != nil {
			r.Log.Warn("ask for the results of a mass message", "task", t.ID, "error", err)
		}
	}
	return ctx.Err()
}

func (r *Results) poll(ctx context.Context, t store.Task) error {
	confirmed, err := r.confirmed(ctx, t)
	if err != nil {
		return err
	}
	var results []bot.SendResult
	if !confirmed.IsZero() {
		if results, err = r.results(ctx, t); err != nil {
			return err
		}
	}
	return r.Store.Tx(ctx, func(tx *store.Tx) error {
		task, err := tx.Task(t.ID)
		if err != nil || task.Status == store.TaskFailed {
			return err
		}
		return record(tx, task, confirmed, results)
	})
}

// confirmed returns when the owner confirmed; zero if not yet.
func (r *Results) confirmed(ctx context.Context, t store.Task) (time.Time, error) {
	cursor := ""
	for range maxFindPages {
		page, next, err := r.Platform.MassTasks(ctx, t.MsgID, cursor)
		if err != nil {
			return time.Time{}, err
		}
		for _, part := range page {
			if string(part.Owner) == t.Owner && part.Confirmed {
				if part.SentAt.IsZero() {
					return r.Now(), nil
				}
				return part.SentAt, nil
			}
		}
		if next == "" || next == cursor {
			break
		}
		cursor = next
	}
	return time.Time{}, nil
}

func (r *Results) results(ctx context.Context, t store.Task) ([]bot.SendResult, error) {
	var out []bot.SendResult
	cursor := ""
	for range maxFindPages {
		page, next, err := r.Platform.MassResults(ctx, t.MsgID, bot.UserID(t.Owner), cursor)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if next == "" || next == cursor {
			break
		}
		cursor = next
	}
	return out, nil
}

// record writes what the platform told of a task and decides when to ask again.
func record(tx *store.Tx, t store.Task, confirmed time.Time, results []bot.SendResult) error {
	open := []string{store.DeliverySubmitted, store.DeliveryPlanned, store.DeliveryCancelled, store.DeliveryUnsent}
	for _, res := range results {
		if d, final := deliveryOf(res); final {
			if _, err := tx.MoveDeliveries(t.ID, string(res.Chat), open, d); err != nil {
				return err
			}
		}
	}
	known := t.Status
	t.Polls++
	if known == store.TaskClosed {
		return lastLook(tx, t)
	}
	if confirmed.IsZero() {
		return unconfirmed(tx, t, known)
	}
	rest, err := tx.TaskDeliveries(t.ID)
	if err != nil {
		return err
	}
	waiting := slices.ContainsFunc(rest, func(d store.Delivery) bool { return d.Status == store.DeliverySubmitted })
	t.ConfirmedAt = confirmed
	if !waiting || tx.Now.Sub(confirmed) > resultsTime {
		err := closeTask(tx, withStatus(t, known), store.TaskClosed,
			store.Delivery{Status: store.DeliveryUnsent, Reason: "the owner confirmed, but WeCom lists no result for this group"})
		if err != nil || !waiting {
			return err
		}
		return tx.PollTask(t.ID, nextLastLook(tx, t))
	}
	t.Status, t.NextPollAt = store.TaskConfirmed, tx.Now.Add(pollAfter(t.Polls, tx.Now.Sub(confirmed)))
	return tx.SaveTask(t, known)
}

// lastLook looks at a task that is over although groups are unsent, until the time in which
// it may be confirmed is over too. Then what is left is stopped, or the morning's sale might
// be posted at midnight; one more look follows.
func lastLook(tx *store.Tx, t store.Task) error {
	rest, err := tx.TaskDeliveries(t.ID)
	if err != nil {
		return err
	}
	t.NextPollAt = time.Time{}
	if slices.ContainsFunc(rest, func(d store.Delivery) bool { return d.Status == store.DeliveryUnsent }) {
		if tx.Now.Before(t.ClosesAt) {
			t.NextPollAt = nextLastLook(tx, t)
		} else if _, err := tx.Enqueue(CancelMass{Task: t.ID, MsgID: t.MsgID}, store.When{}); err != nil {
			return err
		}
	}
	return tx.SaveTask(t, store.TaskClosed)
}

func nextLastLook(tx *store.Tx, t store.Task) time.Time {
	if at := tx.Now.Add(lastLooks); at.Before(t.ClosesAt) {
		return at
	}
	return t.ClosesAt
}

func withStatus(t store.Task, status string) store.Task {
	t.Status = status
	return t
}

func deliveryOf(res bot.SendResult) (store.Delivery, bool) {
	switch res.Status {
	case bot.SendDone:
		return store.Delivery{Status: store.DeliverySent, SentAt: res.SentAt}, true
	case bot.SendQuota:
		return store.Delivery{Status: store.DeliveryFailed, Code: 3, Reason: "the group already got all it may get in this period"}, true
	case bot.SendRefused:
		return store.Delivery{Status: store.DeliveryFailed, Code: 2, Reason: "no longer related"}, true
	}
	return store.Delivery{}, false
}

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
	reason := fmt.Sprintf("the owner had not confirmed by %s", t.ClosesAt.Format(time.RFC3339))
	if err := closeTask(tx, t, store.TaskCancelled, store.Delivery{Status: store.DeliveryCancelled, Reason: reason}); err != nil {
		return err
	}
	return tx.PollTask(t.ID, tx.Now.Add(time.Minute))
}

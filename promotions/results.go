package promotions

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// When results are asked for. Owners confirm soon after they are told, or hours later.
const (
	firstPoll   = 5 * time.Second       // after the submission; doubles from then on
	slowPoll    = 5 * time.Minute       // the longest wait in the first two hours
	latePoll    = 15 * time.Minute      // the wait after that
	pollPace    = 50 * time.Millisecond // on average between two looks, however many tasks are open
	crowdedPoll = time.Hour             // the longest wait for that reason
	pollLease   = 2 * time.Minute       // how long one process has a task to itself; see store.releaseLeases
	resultsTime = 30 * time.Minute      // after the confirmation, for all groups to show a result
	pollBatch   = 50
	// maxResultPages: a cursor that never ends is a lie.
	maxResultPages = 50
	// lastLooks is how often a task is looked at after its end: an owner may send later what
	// the first confirmation left out.
	lastLooks = 2 * time.Hour
	// cancelPatience is how long a task is looked at that will not be cancelled, or that WeCom
	// does not answer about.
	cancelPatience = 24 * time.Hour
)

// Results asks the platform what became of submitted tasks.
type Results struct {
	Platform bot.MassMessenger
	Store    *store.Store
	Now      func() time.Time
	Log      *slog.Logger
	AtOnce   int // so many tasks are asked about at once
	Quota    Quota
}

// Next returns when the next task is to be asked about.
func (r *Results) Next(ctx context.Context) (time.Time, bool, error) {
	return r.Store.Read(ctx).NextTask()
}

// Poll asks about every task that is due. A task that cannot be asked about is tried again
// after its lease.
func (r *Results) Poll(ctx context.Context) error {
	rd := r.Store.Read(ctx)
	due, err := rd.DueTasks(r.Now(), pollBatch)
	if err != nil {
		return err
	}
	open, err := rd.OpenTasks()
	if err != nil {
		return err
	}
	var asking sync.WaitGroup
	defer asking.Wait()
	turn := make(chan struct{}, max(r.AtOnce, 1))
	for _, t := range due {
		var mine bool
		err := r.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			mine, err = tx.LeaseTask(t, tx.Now.Add(pollLease))
			return err
		})
		if err != nil {
			return err
		}
		switch {
		case !mine:
		case r.AtOnce <= 1:
			r.ask(ctx, t, open)
		default:
			turn <- struct{}{}
			asking.Go(func() {
				defer func() { <-turn }()
				r.ask(ctx, t, open)
			})
		}
	}
	return ctx.Err()
}

// ask asks about one task. Where WeCom does not answer it is asked again later, but not for
// ever.
func (r *Results) ask(ctx context.Context, t store.Task, open int64) {
	err := r.poll(ctx, t, open)
	if err == nil {
		return
	}
	r.Log.Warn("ask for the results of a mass message", "task", t.ID, "error", err)
	gone, wait := bot.IsGone(err), bot.WaitOf(err)
	if !gone && wait <= pollLease && r.Now().Before(t.ClosesAt.Add(cancelPatience)) {
		return
	}
	why := reasonUncancelled.delivery(store.DeliveryCancelled)
	var refused *bot.APIError
	if errors.As(err, &refused) {
		why.Code, why.Reason = refused.Code, refused.Error()
	}
	err = r.Store.Tx(ctx, func(tx *store.Tx) error {
		task, err := tx.Task(t.ID)
		switch {
		case err != nil || task.Status == store.TaskFailed:
			return err
		case !gone && tx.Now.Before(t.ClosesAt.Add(cancelPatience)):
			return tx.PollTask(t.ID, tx.Now.Add(wait))
		case task.Status == store.TaskClosed || task.Status == store.TaskCancelled:
			return tx.PollTask(t.ID, time.Time{})
		}
		return closeTask(tx, task, store.TaskCancelled, why)
	})
	if err != nil {
		r.Log.Error("give up a mass message", "task", t.ID, "error", err)
	}
}

func (r *Results) poll(ctx context.Context, t store.Task, open int64) error {
	confirmed, err := r.confirmed(ctx, t)
	if err != nil {
		return err
	}
	var results []bot.SendResult
	if !confirmed.IsZero() {
		results, err = r.results(ctx, t)
		if err != nil && !bot.IsGone(err) { // an owner who left the company has no results any more
			return err
		}
	}
	return r.Store.Tx(ctx, func(tx *store.Tx) error {
		task, err := tx.Task(t.ID)
		if err != nil || task.Status == store.TaskFailed {
			return err
		}
		if err := r.Quota.remember(tx, confirmed, results); err != nil {
			return err
		}
		task.PolledAt = tx.Now
		task.Polls++
		return record(tx, task, confirmed, results, open)
	})
}

// confirmed returns when the owner confirmed; zero if not yet.
func (r *Results) confirmed(ctx context.Context, t store.Task) (time.Time, error) {
	if !t.ConfirmedAt.IsZero() {
		return t.ConfirmedAt, nil
	}
	cursor := ""
	for range maxResultPages {
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
	for range maxResultPages {
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
func record(tx *store.Tx, t store.Task, confirmed time.Time, results []bot.SendResult, open int64) error {
	known := []string{store.DeliverySubmitted, store.DeliveryPlanned, store.DeliveryCancelled, store.DeliveryUnsent}
	for _, res := range results {
		if d, final := deliveryOf(res); final {
			if _, err := tx.MoveDeliveries(t.ID, string(res.Chat), known, d); err != nil {
				return err
			}
		}
	}
	if t.Status == store.TaskClosed {
		return lastLook(tx, t)
	}
	if confirmed.IsZero() {
		return unconfirmed(tx, t, open)
	}
	rest, err := tx.TaskDeliveries(t.ID)
	if err != nil {
		return err
	}
	rest = slices.DeleteFunc(rest, func(d store.Delivery) bool { return d.Status != store.DeliverySubmitted })
	t.ConfirmedAt = confirmed
	if len(rest) > 0 && tx.Now.Sub(confirmed) <= resultsTime {
		was := t.Status
		t.Status, t.NextPollAt = store.TaskConfirmed, tx.Now.Add(pollAfter(t.Polls, tx.Now.Sub(confirmed), open))
		return tx.SaveTask(t, was)
	}
	if err := leftOut(tx, t, rest); err != nil {
		return err
	}
	if err := closeTask(tx, t, store.TaskClosed, reasonNoResult.delivery(store.DeliveryUnsent)); err != nil || len(rest) == 0 {
		return err
	}
	return tx.PollTask(t.ID, nextLastLook(tx, t))
}

// leftOut says of the groups that a confirmation did not reach why, where the group tells.
func leftOut(tx *store.Tx, t store.Task, rest []store.Delivery) error {
	for _, d := range rest {
		chat, err := tx.Chat(bot.ChatID(d.ChatID))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		var why reason
		switch {
		case chat.Status == store.ChatDismissed:
			why = reasonDismissed
		case chat.Owner != "" && chat.Owner != t.Owner:
			why = reasonHandedOver
		default:
			continue
		}
		if err := moveOne(tx, t.ID, d.ChatID, store.DeliverySubmitted, store.DeliveryUnsent, why); err != nil {
			return err
		}
	}
	return nil
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

func deliveryOf(res bot.SendResult) (store.Delivery, bool) {
	switch res.Status {
	case bot.SendDone:
		return store.Delivery{Status: store.DeliverySent, SentAt: res.SentAt}, true
	case bot.SendQuota:
		return reasonQuotaUsed.delivery(store.DeliveryFailed), true
	case bot.SendRefused:
		return reasonNoContact.delivery(store.DeliveryFailed), true
	}
	return store.Delivery{}, false
}

// unconfirmed looks at a task again later, or cancels it once its time is over.
func unconfirmed(tx *store.Tx, t store.Task, open int64) error {
	if t.Status == store.TaskCancelled {
		t.NextPollAt = time.Time{} // the last look, after the cancellation, found nothing new
		return tx.SaveTask(t, store.TaskCancelled)
	}
	if tx.Now.After(t.ClosesAt.Add(cancelPatience)) {
		return closeTask(tx, t, store.TaskCancelled, reasonUncancelled.delivery(store.DeliveryCancelled))
	}
	t.NextPollAt = tx.Now.Add(pollAfter(t.Polls, tx.Now.Sub(t.SubmittedAt), open))
	if !tx.Now.Before(t.ClosesAt) {
		if _, err := tx.Enqueue(CancelMass{Task: t.ID, MsgID: t.MsgID}, store.When{}); err != nil {
			return err
		}
	} else if t.NextPollAt.After(t.ClosesAt) {
		t.NextPollAt = t.ClosesAt
	}
	return tx.SaveTask(t, t.Status)
}

// pollAfter is how long to wait for the next look: seconds at first, minutes later, and
// longer when many tasks are open, for all share the calls that WeCom allows.
func pollAfter(polls int, age time.Duration, open int64) time.Duration {
	wait := min(firstPoll<<min(polls, 10), slowPoll)
	if age > 2*time.Hour {
		wait = latePoll
	}
	return max(wait, min(time.Duration(open)*pollPace, crowdedPoll))
}

package promotions

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// When results are asked for.
const (
	firstPoll   = 5 * time.Second  // after the submission; doubles from then on
	slowPoll    = 5 * time.Minute  // the longest wait in the first two hours
	latePoll    = 15 * time.Minute // the wait after that
	pollLease   = 2 * time.Minute  // how long one process has a task to itself; see store.releaseLeases
	resultsTime = 30 * time.Minute // after the confirmation, for all groups to show a result
	pollBatch   = 50
	// lastLooks is how often a task is looked at after its end: an owner may send later what
	// the first confirmation left out.
	lastLooks = 2 * time.Hour
)

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

package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/store"
)

// When an owner is told and reminded, and who else hears of it.
const (
	gather     = 2 * time.Second // for the tasks of an owner to be submitted, which share a card
	gatherMost = 2 * time.Minute // then the card goes out without those that hang
	gatherStep = 3 * time.Second
	shortest   = 2 * time.Hour    // a shorter window has one reminder, in its middle
	freshFor   = 10 * time.Minute // an answer of WeCom's that is older has to be asked for again
	freshStep  = 15 * time.Second
	outcomeLag = 10 * time.Minute // between two looks whether an occurrence is over
	chaseBatch = 50
)

// Steps of an owner's chase: the card, then each moment of the window. Of the managers': the
// warning, then the outcome.
const (
	stepCard    = 0
	stepWarning = 0
	stepOutcome = 1
)

// Chases has owners confirm in time: each gets a card with all that is to be sent, WeCom's
// reminders are spread over the window, and when half of it is over the stand-in is told, and
// later the manager of the store.
type Chases struct{ *Planner }

// chase begins to chase the owner of a task that was submitted.
func chase(tx *store.Tx, t store.Task) error {
	err := tx.AddChase(store.Chase{OccurrenceID: t.OccurrenceID, Owner: t.Owner, NextAt: tx.Now.Add(gather), BeganAt: tx.Now, ClosesAt: t.ClosesAt})
	if err != nil {
		return err
	}
	return tx.AddChase(store.Chase{OccurrenceID: t.OccurrenceID, NextAt: part23(tx.Now, t.ClosesAt), BeganAt: tx.Now, ClosesAt: t.ClosesAt})
}

// part23 is when two thirds of a window are over.
func part23(began, closes time.Time) time.Time { return began.Add(closes.Sub(began) * 2 / 3) }

// moments are when an owner is reminded: at one sixth of the window, in its middle and at
// five sixths.
func moments(began, closes time.Time) []time.Time {
	span := closes.Sub(began)
	if span < shortest {
		return []time.Time{began.Add(span / 2)}
	}
	return []time.Time{began.Add(span / 6), began.Add(span / 2), began.Add(span * 5 / 6)}
}

// Next returns when the next chase goes on.
func (c Chases) Next(ctx context.Context) (time.Time, bool, error) {
	return c.Store.Read(ctx).NextChase()
}

// Run does what is due of all chases. One that fails does not hold up the others; it comes
// again.
func (c Chases) Run(ctx context.Context) error {
	due, err := c.Store.Read(ctx).DueChases(c.Now(), chaseBatch)
	if err != nil {
		return err
	}
	var errs []error
	for _, ch := range due {
		err := c.Store.Tx(ctx, func(tx *store.Tx) error { return c.step(tx, ch) })
		if err != nil && !errors.Is(err, store.ErrStale) {
			errs = append(errs, fmt.Errorf("chase %q of occurrence %d: %w", ch.Owner, ch.OccurrenceID, err))
		}
	}
	return errors.Join(errs...)
}

func (c Chases) step(tx *store.Tx, ch store.Chase) error {
	w, err := c.workOf(tx, ch)
	if err != nil {
		return err
	}
	known := ch.NextAt
	if ch.Owner == "" {
		err = w.tellManagers(tx, &ch)
	} else {
		err = w.tellOwner(tx, &ch)
	}
	if err != nil {
		return err
	}
	return tx.SaveChase(ch, known)
}

// work is what a chase is about.
type work struct {
	plan
	occ     store.Occurrence
	promo   store.Promotion
	stopped bool   // nobody wants it to be sent any more
	today   string // the company's day, by which people are away; not the promotion's
}

func (c Chases) workOf(tx *store.Tx, ch store.Chase) (w work, err error) {
	w.today = tx.Now.In(c.Zone).Format(time.DateOnly)
	if w.occ, err = tx.Occurrence(ch.OccurrenceID); err != nil {
		return w, err
	}
	if w.promo, err = tx.Promotion(w.occ.PromotionID); err != nil {
		return w, err
	}
	if w.stopped, err = tx.StoppedSince(w.promo.ID, w.occ.CreatedAt); err != nil {
		return w, err
	}
	spec := w.occ.Spec
	if spec.Schedule.Timezone == "" {
		spec = w.promo.Spec // the occurrence is older than its own spec
	}
	w.plan, err = c.plan(tx.Reader, spec)
	return w, err
}

// silent reports whether nobody is to be bothered now.
func (w work) silent(now time.Time) bool { return w.stopped || w.isQuiet(now) }

// tellOwner does what is due of an owner's chase.
func (w work) tellOwner(tx *store.Tx, ch *store.Chase) error {
	tasks, err := tx.OwnerTasks(ch.OccurrenceID, ch.Owner)
	if err != nil {
		return err
	}
	waits := slices.ContainsFunc(tasks, func(t store.Task) bool { return t.Status == store.TaskPlanned })
	tasks = slices.DeleteFunc(tasks, func(t store.Task) bool { return t.Status != store.TaskSubmitted })
	if ch.Step == stepCard {
		waits = waits || w.occ.Status == store.OccurrencePlanned
		if waits && tx.Now.Before(ch.BeganAt.Add(gatherMost)) {
			ch.NextAt = tx.Now.Add(gatherStep)
			return nil
		}
		if len(tasks) > 0 && tx.Now.Before(ch.ClosesAt) && !w.stopped {
			if err := w.sendCard(tx, *ch, tasks); err != nil {
				return err
			}
		}
		forward(ch, tx.Now)
		return nil
	}
	if len(tasks) == 0 || !tx.Now.Before(ch.ClosesAt) {
		ch.NextAt = time.Time{}
		return nil
	}
	due := moments(ch.BeganAt, ch.ClosesAt)[ch.Step-1]
	if wait, err := freshen(tx, ch, due); err != nil || wait {
		return err
	}
	if !w.silent(tx.Now) {
		if err := w.nudge(tx, *ch, tasks); err != nil {
			return err
		}
	}
	forward(ch, tx.Now)
	return nil
}

// forward moves an owner's chase to its next moment. Moments that passed while nobody was
// there are left out.
func forward(ch *store.Chase, now time.Time) {
	ch.Step, ch.NextAt = stepCard+1, time.Time{}
	for _, at := range moments(ch.BeganAt, ch.ClosesAt) {
		if at.After(now) {
			ch.NextAt = at
			return
		}
		ch.Step++
	}
}

// freshen has the platform asked about the tasks that a chase is about, since nobody wants to
// be told of an owner who has confirmed. It reports whether the answers are still awaited.
func freshen(tx *store.Tx, ch *store.Chase, due time.Time) (bool, error) {
	since := due
	if old := tx.Now.Add(-freshFor); old.After(since) {
		since = old
	}
	n, err := tx.AskAbout(ch.OccurrenceID, ch.Owner, since)
	if n > 0 {
		ch.NextAt = tx.Now.Add(max(freshStep, tx.Now.Sub(due)/8))
	}
	return n > 0, err
}

// nudge reminds an owner of one task that was reminded of least, for whoever opens one sees
// them all. From the middle of the window on the stand-in knows, too.
func (w work) nudge(tx *store.Tx, ch store.Chase, tasks []store.Task) error {
	least := slices.MinFunc(tasks, func(a, b store.Task) int { return a.Reminders - b.Reminders })
	if least.Reminders < maxReminders && ch.DeclinedAt.IsZero() {
		if _, err := tx.Enqueue(RemindMass{Task: least.ID, MsgID: least.MsgID, Nth: least.Reminders + 1}, store.When{Deadline: ch.ClosesAt}); err != nil {
			return err
		}
	}
	if middle := ch.BeganAt.Add(ch.ClosesAt.Sub(ch.BeganAt) / 2); tx.Now.Before(middle) && ch.DeclinedAt.IsZero() {
		return nil
	}
	return w.tellStandIn(tx, ch, tasks)
}

package promotions

import (
	"context"
	"errors"
	"fmt"
	"time"

	"xiaobu/store"
)

// Next returns when the next slot of any promotion is, or the time of an occurrence that is
// still to be planned.
func (p *Planner) Next(ctx context.Context) (time.Time, bool, error) {
	r := p.Store.Read(ctx)
	if at, ok, err := r.NextPlanned(); err != nil || ok {
		return at, ok, err
	}
	return r.NextPromotion()
}

// Plan turns every slot that has come into an occurrence, or into one that was missed, and
// plans the occurrences: a batch of each in turn, so that a small one does not wait for a
// large one. One promotion that fails does not hold up the others.
func (p *Planner) Plan(ctx context.Context) error {
	failed := map[int64]bool{}
	var errs []error
	try := func(promotion int64, do func() error) {
		if failed[promotion] {
			return
		}
		err := do()
		failed[promotion] = err != nil
		if err != nil && !errors.Is(err, store.ErrStale) {
			errs = append(errs, fmt.Errorf("plan promotion %d: %w", promotion, err))
		}
	}
	for more := true; more; {
		r := p.Store.Read(ctx)
		due, err := r.DuePromotions(p.Now())
		if err != nil {
			return err
		}
		for _, promo := range due {
			try(promo.ID, func() error { return p.planOne(ctx, promo) })
		}
		open, err := r.PlannedOccurrences()
		if err != nil {
			return err
		}
		more = false
		for _, occ := range open {
			more = more || !failed[occ.PromotionID]
			try(occ.PromotionID, func() error { return p.goOn(ctx, occ) })
		}
	}
	return errors.Join(errs...)
}

// goOn plans one batch of an occurrence, or cancels one of what was taken back.
func (p *Planner) goOn(ctx context.Context, occ store.Occurrence) error {
	if occ.StoppingAt.IsZero() {
		return p.planBatch(ctx, occ.ID)
	}
	return p.Store.Tx(ctx, func(tx *store.Tx) error {
		_, err := cancelBatch(tx, occ.ID)
		return err
	})
}

// planOne takes a promotion from its slot to the next one, until none is due.
func (p *Planner) planOne(ctx context.Context, promo store.Promotion) error {
	pl, err := p.plan(p.Store.Read(ctx), promo.Spec)
	if err != nil {
		return err
	}
	if promo.NextAt, err = p.skipLong(ctx, promo, pl); err != nil {
		return err
	}
	for !promo.NextAt.IsZero() && !promo.NextAt.After(p.Now()) {
		var next time.Time
		err := p.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			next, err = p.planSlot(tx, promo)
			return err
		})
		if err != nil {
			return err
		}
		promo.NextAt = next
	}
	return nil
}

// skipLong jumps over slots that were missed so long ago that nobody needs a row for each.
func (p *Planner) skipLong(ctx context.Context, promo store.Promotion, pl plan) (time.Time, error) {
	recent := []time.Time{promo.NextAt}
	for t := pl.after(promo.NextAt); !t.IsZero() && !t.After(p.Now()); t = pl.after(t) {
		if recent = append(recent, t); len(recent) > maxMissed {
			recent = recent[1:]
		}
	}
	if recent[0].Equal(promo.NextAt) {
		return promo.NextAt, nil
	}
	err := p.Store.Tx(ctx, func(tx *store.Tx) error { return tx.MovePromotion(promo, promo.Status, recent[0]) })
	return recent[0], err
}

// planSlot takes a promotion from a slot that has come to its next one. What the calendar of
// this moment drops was no slot.
func (p *Planner) planSlot(tx *store.Tx, promo store.Promotion) (next time.Time, err error) {
	pl, err := p.plan(tx.Reader, promo.Spec)
	if err != nil {
		return next, err
	}
	status := promo.Status
	if next = pl.after(promo.NextAt); next.IsZero() {
		status = store.PromotionEnded
	}
	if err := tx.MovePromotion(promo, status, next); err != nil {
		return next, err
	}
	if next.IsZero() {
		if err := note(tx, promo, store.BySchedule, store.ChangeEnded, ""); err != nil {
			return next, err
		}
	}
	if pl.drops(promo.NextAt) != nil {
		return next, nil
	}
	occ := newOccurrence(promo, pl, promo.NextAt, tx.Now)
	if missed, reason := pl.late(tx.Now.Sub(promo.NextAt), next); missed != "" {
		occ.Status, occ.Reason = missed, reason
	} else if occ.Reason, err = p.stops(tx.Reader, occ); err != nil {
		return next, err
	} else if occ.Reason != "" {
		occ.Status = store.OccurrenceSkipped
	}
	_, err = tx.AddOccurrence(&occ)
	return next, err
}

func newOccurrence(promo store.Promotion, pl plan, at, now time.Time) store.Occurrence {
	return store.Occurrence{PromotionID: promo.ID, At: at, Status: store.OccurrencePlanned, Spec: promo.Spec, Version: promo.Version,
		Message: write(promo.Spec, at, pl.closesAt(now, promo.Spec), pl.zone)}
}

// takeBack takes back what a promotion has planned but not submitted: nothing of it goes out.
// What is still to be planned never will be. The tasks are cancelled in batches afterwards.
func takeBack(tx *store.Tx, promotion int64) error {
	occs, err := tx.OpenOccurrences(promotion)
	if err != nil {
		return err
	}
	for _, occ := range occs {
		if err := stopPlanning(tx, occ.ID); err != nil {
			return err
		}
		if err := takeBackOutlets(tx, occ.ID); err != nil {
			return err
		}
		if err := tx.StopOccurrence(occ.ID, massKey, "the promotion was stopped"); err != nil {
			return err
		}
	}
	return nil
}

// cancelBatch cancels some tasks that were taken back, and reports whether there are more.
func cancelBatch(tx *store.Tx, occurrence int64) (more bool, err error) {
	if err := tx.LockOccurrence(occurrence); err != nil {
		return false, err
	}
	tasks, err := tx.StoppedTasks(occurrence, massKey, cancelsPerBatch)
	if err != nil {
		return false, err
	}
	for _, t := range tasks {
		if err := closeTask(tx, t, store.TaskCancelled, reasonStopped.delivery(store.DeliveryCancelled)); err != nil {
			return false, err
		}
	}
	if len(tasks) == cancelsPerBatch {
		return true, nil
	}
	return false, tx.OccurrenceStopped(occurrence)
}

// stopPlanning ends an occurrence's planning wherever it is.
func stopPlanning(tx *store.Tx, id int64) error {
	if err := tx.LockOccurrence(id); err != nil {
		return err
	}
	occ, err := tx.Occurrence(id)
	if err != nil || occ.Status != store.OccurrencePlanned {
		return err
	}
	if err := tx.MoveOccurrence(id, store.OccurrenceRunning, occ.Cursor); err != nil {
		return err
	}
	return tx.EndOccurrence(id, "the promotion was stopped before it was planned")
}

// closeTask ends a task together with the deliveries that have no final state, and its
// occurrence when it was the last.
func closeTask(tx *store.Tx, t store.Task, status string, rest store.Delivery) error {
	if err := tx.LockOccurrence(t.OccurrenceID); err != nil {
		return err
	}
	known := t.Status
	t.Status, t.NextPollAt = status, time.Time{}
	if err := tx.SaveTask(t, known); err != nil {
		return err
	}
	if _, err := tx.MoveDeliveries(t.ID, "", []string{store.DeliveryPlanned, store.DeliverySubmitted}, rest); err != nil {
		return err
	}
	return tx.EndOccurrence(t.OccurrenceID, "")
}

package promotions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

const (
	chatsPerTask  = 2000           // WeCom's limit for one mass message
	confirmWindow = 12 * time.Hour // then a task nobody confirmed is cancelled
)

// Next returns when the next slot of any promotion is.
func (p *Planner) Next(ctx context.Context) (time.Time, bool, error) {
	return p.Store.Read(ctx).NextPromotion()
}

// Plan turns every slot that has come into an occurrence with its tasks and deliveries, or
// into one that was missed. One promotion that fails does not hold up the others.
func (p *Planner) Plan(ctx context.Context) error {
	due, err := p.Store.Read(ctx).DuePromotions(p.Now())
	if err != nil {
		return err
	}
	var errs []error
	for _, promo := range due {
		if err := p.planOne(ctx, promo); err != nil && !errors.Is(err, store.ErrStale) {
			errs = append(errs, fmt.Errorf("plan promotion %d: %w", promo.ID, err))
		}
	}
	return errors.Join(errs...)
}

// planOne takes a promotion from its slot to the next one, until none is due.
func (p *Planner) planOne(ctx context.Context, promo store.Promotion) error {
	pl, err := p.plan(promo.Spec)
	if err != nil {
		return err
	}
	if promo.NextAt, err = p.skipLong(ctx, promo, pl); err != nil {
		return err
	}
	for !promo.NextAt.IsZero() && !promo.NextAt.After(p.Now()) {
		next := pl.after(promo.NextAt)
		err := p.Store.Tx(ctx, func(tx *store.Tx) error { return p.planSlot(tx, promo, pl, next) })
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

func (p *Planner) planSlot(tx *store.Tx, promo store.Promotion, pl plan, next time.Time) error {
	status := promo.Status
	if next.IsZero() {
		status = store.PromotionEnded
	}
	if err := tx.MovePromotion(promo, status, next); err != nil {
		return err
	}
	occ := store.Occurrence{PromotionID: promo.ID, At: promo.NextAt, Status: store.OccurrenceRunning, Message: write(promo.Spec, promo.NextAt, tx.Now.Add(confirmWindow), pl.zone)}
	late := tx.Now.Sub(promo.NextAt)
	if late > pl.within {
		occ.Status, occ.Reason = store.OccurrenceMissed, fmt.Sprintf("late by %s, allowed %s", late.Round(time.Second), pl.within)
		if pl.policy == MissedSkip {
			occ.Status = store.OccurrenceSkipped
		}
	}
	fresh, err := tx.AddOccurrence(&occ)
	if err != nil || !fresh || occ.Status != store.OccurrenceRunning {
		return err
	}
	return p.fillOccurrence(tx, promo, pl, occ)
}

// fillOccurrence writes down which groups an occurrence goes to, one task per owner, and
// has the tasks submitted. Whether a group may get it is decided here.
func (p *Planner) fillOccurrence(tx *store.Tx, promo store.Promotion, pl plan, occ store.Occurrence) error {
	chats, err := targets(tx.Reader, promo.Spec)
	if err != nil {
		return err
	}
	used, err := tx.UsedQuota(p.month(occ.At))
	if err != nil {
		return err
	}
	words, err := contentFor(tx.Reader, occ.Message, chats)
	if err != nil {
		return err
	}
	byOwner := map[string]*parts{}
	var blocked []store.Delivery
	for _, c := range chats {
		d := store.Delivery{OccurrenceID: occ.ID, PromotionID: promo.ID, At: occ.At, ChatID: c.ChatID, Owner: c.Owner, Status: store.DeliveryBlocked}
		switch quota := p.quota(occ.At); {
		case c.Owner == "":
			d.Reason = "the group has no known owner"
			blocked = append(blocked, d)
		case used[c.ChatID] >= quota:
			d.Reason = fmt.Sprintf("the group got %d of %d messages of this month", used[c.ChatID], quota)
			blocked = append(blocked, d)
		default:
			m, err := words.For(c)
			if err != nil {
				d.Reason = err.Error()
				blocked = append(blocked, d)
				continue
			}
			if byOwner[c.Owner] == nil {
				byOwner[c.Owner] = &parts{}
			}
			if err := byOwner[c.Owner].add(m, c); err != nil {
				return err
			}
		}
	}
	if err := tx.AddDeliveries(blocked); err != nil {
		return err
	}
	owners := make([]string, 0, len(byOwner))
	for o := range byOwner {
		owners = append(owners, o)
	}
	slices.Sort(owners)
	for _, owner := range owners {
		for i, part := range byOwner[owner].list {
			if err := p.addTask(tx, pl, occ, owner, i+1, part); err != nil {
				return err
			}
		}
	}
	if len(owners) == 0 {
		return tx.EndOccurrence(occ.ID, store.OccurrenceDone, "no group to post in")
	}
	return nil
}

func (p *Planner) addTask(tx *store.Tx, pl plan, occ store.Occurrence, owner string, nth int, it part) error {
	task := store.Task{OccurrenceID: occ.ID, Owner: owner, Part: nth, Status: store.TaskPlanned, ClosesAt: tx.Now.Add(confirmWindow)}
	if err := tx.AddTask(&task); err != nil {
		return err
	}
	mass := bot.MassMessage{Owner: bot.UserID(owner), Message: it.message}
	deliveries := make([]store.Delivery, len(it.chats))
	for i, c := range it.chats {
		mass.Chats = append(mass.Chats, bot.ChatID(c.ChatID))
		deliveries[i] = store.Delivery{OccurrenceID: occ.ID, PromotionID: occ.PromotionID, TaskID: &task.ID, At: occ.At,
			ChatID: c.ChatID, Owner: owner, Status: store.DeliveryPlanned}
	}
	if err := tx.AddDeliveries(deliveries); err != nil {
		return err
	}
	deadline := occ.At.Add(max(pl.within, submitGrace))
	_, err := tx.Enqueue(SendMass{Task: task.ID, MassMessage: mass}, store.When{Deadline: deadline})
	return err
}

// targets are the active groups a promotion means at this moment, by id.
func targets(r store.Reader, spec store.PromotionSpec) ([]store.Chat, error) {
	chats, err := r.Chats(store.ChatFilter{Status: store.ChatActive})
	if err != nil {
		return nil, err
	}
	t := spec.Targets
	named := map[string]bool{}
	for _, id := range t.ChatIDs {
		named[id] = true
	}
	return slices.DeleteFunc(chats, func(c store.Chat) bool {
		labelled := slices.ContainsFunc(c.Labels, func(l string) bool { return slices.Contains(t.Labels, l) })
		return !t.All && !named[c.ChatID] && !labelled && (c.ShopID == "" || !slices.Contains(t.Stores, c.ShopID))
	}), nil
}

// month is the calendar month around a moment: WeCom counts a group's mass messages by it.
func (p *Planner) month(at time.Time) (from, to time.Time) {
	local := at.In(p.Zone)
	from = time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, p.Zone)
	return from, from.AddDate(0, 1, 0)
}

// quota is how many mass messages a group may get in the month of a moment: as many as the
// month has days.
// https://developer.work.weixin.qq.com/document/path/92135
func (p *Planner) quota(at time.Time) int {
	_, to := p.month(at)
	return to.AddDate(0, 0, -1).Day()
}

// takeBack cancels what a promotion has planned but not submitted.
func takeBack(tx *store.Tx, promotion int64) error {
	occs, err := tx.OpenOccurrences(promotion)
	if err != nil {
		return err
	}
	for _, occ := range occs {
		tasks, err := tx.Tasks(occ.ID)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if t.Status != store.TaskPlanned {
				continue
			}
			ok, err := tx.CancelAction(SendMass{Task: t.ID}.ActionKey())
			if err != nil {
				return err
			}
			if !ok {
				continue // it is on its way
			}
			if err := closeTask(tx, t, store.TaskCancelled, store.Delivery{Status: store.DeliveryCancelled, Reason: "the promotion was stopped"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// closeTask ends a task together with the deliveries that have no final state, and its
// occurrence when it was the last.
func closeTask(tx *store.Tx, t store.Task, status string, rest store.Delivery) error {
	known := t.Status
	t.Status, t.NextPollAt = status, time.Time{}
	if err := tx.SaveTask(t, known); err != nil {
		return err
	}
	if _, err := tx.MoveDeliveries(t.ID, "", []string{store.DeliveryPlanned, store.DeliverySubmitted}, rest); err != nil {
		return err
	}
	tasks, err := tx.Tasks(t.OccurrenceID)
	if err != nil {
		return err
	}
	for _, other := range tasks {
		switch other.Status {
		case store.TaskPlanned, store.TaskSubmitted, store.TaskConfirmed:
			return nil
		}
	}
	return tx.EndOccurrence(t.OccurrenceID, store.OccurrenceDone, "")
}

package promotions

import (
	"context"
	"fmt"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// own gives each owner so many groups more.
func (h *shop) own(owners map[string]int) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for owner, n := range owners {
			for i := range n {
				if err := tx.NewChat(store.Chat{ChatID: fmt.Sprintf("wr-%s-%05d", owner, i), Owner: owner, Status: store.ChatActive}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// due creates a sale whose slot has come and is an occurrence, of which nothing is planned.
func (h *shop) due(p *Planner) store.Occurrence {
	h.t.Helper()
	ctx := context.Background()
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.set(promo.NextAt)
	h.must(p.planOne(ctx, promo))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 1 || occs[0].Status != store.OccurrencePlanned {
		h.t.Fatalf("occurrences %+v", occs)
	}
	return occs[0]
}

// planned checks that an occurrence has one delivery for each of n groups, and returns the
// groups of each task by owner and part.
func (h *shop) planned(occ store.Occurrence, n int) map[string]int {
	h.t.Helper()
	r := h.store.Read(context.Background())
	ds, err := r.Deliveries(store.DeliveryFilter{Promotion: occ.PromotionID, At: occ.At})
	h.must(err)
	if len(ds) != n {
		h.t.Errorf("%d deliveries, want %d", len(ds), n)
	}
	tasks, err := r.Tasks(occ.ID)
	h.must(err)
	of := map[int64]store.Task{}
	for _, t := range tasks {
		of[t.ID] = t
		a, err := r.ActionByKey(SendMass{Task: t.ID}.ActionKey())
		h.must(err)
		var m SendMass
		h.must(a.Decode(&m))
		rows, err := r.TaskDeliveries(t.ID)
		h.must(err)
		if len(m.Chats) != len(rows) || m.Owner != bot.UserID(t.Owner) {
			h.t.Errorf("task %+v submits %d groups of %s and has %d deliveries", t, len(m.Chats), m.Owner, len(rows))
		}
	}
	out := map[string]int{}
	for _, d := range ds {
		if d.TaskID != nil {
			out[fmt.Sprintf("%s/%d", of[*d.TaskID].Owner, of[*d.TaskID].Part)]++
		}
	}
	return out
}

func TestOwnersConfirmAsRarelyAsWeComAllows(t *testing.T) {
	h := newShop(t)
	p := h.planner()
	// A batch ends in the middle of b and of c, who fit into one task each; d does not.
	h.own(map[string]int{"a": 1200, "b": 1500, "c": 900, "d": 4100, "e": 3, "": 5})
	occ := h.due(p)
	h.must(p.Plan(context.Background()))
	got := h.planned(occ, 1200+1500+900+4100+3+5)
	want := map[string]int{"a/1": 1200, "b/1": 1500, "c/1": 900, "d/1": 2000, "d/2": 2000, "d/3": 100, "e/1": 3}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("tasks %v, want %v", got, want)
	}
	occ, err := h.store.Read(context.Background()).Occurrence(occ.ID)
	h.must(err)
	if occ.Status != store.OccurrenceRunning {
		t.Errorf("status %s", occ.Status)
	}
}

func TestPlanningGoesOnWhereAnotherProcessEnded(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.own(map[string]int{"a": 1900, "b": 1900, "c": 1900})
	occ := h.due(h.planner())
	h.must(h.planner().planBatch(ctx, occ.ID))
	h.planned(occ, 1900)
	if at, ok, err := h.planner().Next(ctx); err != nil || !ok || at.After(h.clock()) {
		t.Errorf("next at %v, %v, %v", at, ok, err)
	}
	// Meanwhile a group that is planned goes to an owner who is not, and one that is not to an
	// owner who is.
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		for id, owner := range map[bot.ChatID]string{"wr-a-00007": "c", "wr-c-00007": "a"} {
			c, err := tx.Chat(id)
			if err != nil {
				return err
			}
			c.Owner = owner
			if err := tx.SaveChatRead(c); err != nil {
				return err
			}
		}
		return nil
	}))
	h.must(h.planner().Plan(ctx))
	if got, want := h.planned(occ, 5700), map[string]int{"a/1": 1900, "a/2": 1, "b/1": 1900, "c/1": 1899}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("tasks %v, want %v", got, want)
	}
}

func TestAPromotionThatIsStoppedInTheMiddleIsPlannedNoFurther(t *testing.T) {
	for name, stop := range map[string]func(p *Planner, id int64) error{
		"paused": func(p *Planner, id int64) error { _, err := p.Pause(context.Background(), id); return err },
		"ended":  func(p *Planner, id int64) error { _, err := p.End(context.Background(), id); return err },
	} {
		t.Run(name, func(t *testing.T) {
			h := newShop(t)
			ctx := context.Background()
			p := h.planner()
			h.own(map[string]int{"a": 1900, "b": 1900})
			occ := h.due(p)
			h.must(p.planBatch(ctx, occ.ID))
			h.must(stop(p, occ.PromotionID))
			h.must(p.Plan(ctx))
			h.must(p.planBatch(ctx, occ.ID))
			h.planned(occ, 1900)
			counts, err := h.store.Read(ctx).DeliveryCounts(occ.ID, "")
			h.must(err)
			got, err := h.store.Read(ctx).Occurrence(occ.ID)
			h.must(err)
			if counts[store.DeliveryCancelled] != 1900 || got.Status != store.OccurrenceDone {
				t.Errorf("deliveries %v, occurrence %s", counts, got.Status)
			}
		})
	}
}

// What was taken back stays so when the process ends before its tasks are cancelled.
func TestCancellingGoesOnWhereAnotherProcessEnded(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.planner()
	owners := map[string]int{}
	for i := range cancelsPerBatch + 1 {
		owners[fmt.Sprintf("o%02d", i)] = 2
	}
	h.own(owners)
	occ := h.due(p)
	h.must(p.Plan(ctx))
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return takeBack(tx, occ.PromotionID) }))
	if due, err := h.store.Read(ctx).ActionDue(h.clock().Add(time.Hour)); err != nil || due {
		t.Errorf("something is still to be sent: %v %v", due, err)
	}
	if at, ok, err := p.Next(ctx); err != nil || !ok || at.After(h.clock()) {
		t.Errorf("next at %v, %v, %v", at, ok, err)
	}
	h.must(h.planner().Plan(ctx))
	counts, err := h.store.Read(ctx).DeliveryCounts(occ.ID, "")
	h.must(err)
	occ, err = h.store.Read(ctx).Occurrence(occ.ID)
	h.must(err)
	if counts[store.DeliveryCancelled] != 2*len(owners) || occ.Status != store.OccurrenceDone || occ.Reason == "" || !occ.StoppingAt.IsZero() {
		t.Errorf("deliveries %v, occurrence %+v", counts, occ)
	}
	if at, _, err := p.Next(ctx); err != nil || !at.After(h.clock()) {
		t.Errorf("next at %v, %v", at, err)
	}
}

// The last task of a batch may be over before the next batch is written.
func TestAnOccurrenceIsNotOverBeforeItIsPlanned(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.planner()
	h.own(map[string]int{"a": 1900, "b": 1900})
	occ := h.due(p)
	h.must(p.planBatch(ctx, occ.ID))
	end := func() {
		tasks, err := h.store.Read(ctx).Tasks(occ.ID)
		h.must(err)
		h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
			return closeTask(tx, tasks[len(tasks)-1], store.TaskFailed, store.Delivery{Status: store.DeliveryFailed})
		}))
	}
	end()
	h.must(p.Plan(ctx))
	h.planned(occ, 3800)
	end()
	occ, err := h.store.Read(ctx).Occurrence(occ.ID)
	h.must(err)
	if occ.Status != store.OccurrenceDone {
		t.Errorf("status %s", occ.Status)
	}
}

func TestASmallPromotionDoesNotWaitForALargeOne(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.planner()
	h.own(map[string]int{"a": 1900, "b": 1900, "c": 1900})
	large, spec := h.due(p), sale()
	spec.Targets.All, spec.Targets.ChatIDs = false, []string{"wr-a-00000"}
	small, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	occ, err := p.RunNow(ctx, small.ID, false, noRemember)
	h.must(err)
	if occ.Status != store.OccurrenceRunning {
		t.Errorf("a small promotion that was run is %s", occ.Status)
	}
	h.planned(occ, 1)
	if large, err = h.store.Read(ctx).Occurrence(large.ID); err != nil || large.Status != store.OccurrencePlanned {
		t.Errorf("the large one: %+v %v", large, err)
	}
}

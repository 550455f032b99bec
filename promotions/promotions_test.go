package promotions

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

func TestAnOccurrenceMakesOneTaskPerOwner(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(5)
	p := h.planner()
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.plan(p, time.Hour)
	r := h.store.Read(ctx)
	occs, err := r.Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 1 || occs[0].Status != store.OccurrenceRunning || !strings.Contains(occs[0].Message.Text, "鸡蛋30枚 9.90元(原价19.90元) 限200份") {
		t.Fatalf("occurrences: %+v", occs)
	}
	tasks, err := r.Tasks(occs[0].ID)
	h.must(err)
	ds, err := r.Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	if len(tasks) != 2 || len(ds) != 5 || ds[0].Status != store.DeliveryPlanned {
		t.Errorf("%d tasks, %d deliveries: %+v", len(tasks), len(ds), ds)
	}
	if _, err := r.ActionByKey(SendMass{Task: tasks[0].ID}.ActionKey()); err != nil {
		t.Errorf("the task is not on its way: %v", err)
	}
}

func TestMissedSlotsFollowThePolicy(t *testing.T) {
	for policy, want := range map[string]string{MissedSkip: store.OccurrenceSkipped, MissedSendWithin: store.OccurrenceMissed} {
		h := newShop(t)
		ctx := context.Background()
		h.groups(2)
		p := h.planner()
		spec := sale()
		spec.Schedule.Missed.Policy = policy
		promo, err := p.Create(ctx, spec, noRemember)
		h.must(err)
		h.set(promo.NextAt.Add(2*time.Hour + 20*time.Minute)) // down over three slots
		h.must(p.Plan(ctx))
		occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
		h.must(err)
		last := occs[len(occs)-1]
		if len(occs) != 3 || occs[0].Status != want || occs[1].Status != want {
			t.Fatalf("%s: %+v", policy, occs)
		}
		if lastWant := map[string]string{MissedSkip: store.OccurrenceSkipped, MissedSendWithin: store.OccurrenceRunning}[policy]; last.Status != lastWant {
			t.Errorf("%s, 20 minutes late: %s, want %s", policy, last.Status, lastWant)
		}
	}
}

func TestAVeryLongDowntimeIsNotWrittenDownSlotBySlot(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.planner()
	spec := sale()
	spec.Schedule.Cron = "* * * * *"
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	h.set(h.clock().AddDate(0, 0, 30))
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) > maxMissed {
		t.Errorf("%d occurrences", len(occs))
	}
}

func TestAPausedPromotionSendsNothingStale(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(2)
	p := h.planner()
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.plan(p, time.Hour) // planned, not submitted
	_, err = p.Pause(ctx, promo.ID)
	h.must(err)
	ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	for _, d := range ds {
		if d.Status != store.DeliveryCancelled {
			t.Errorf("delivery %+v", d)
		}
	}
	h.plan(p, 5*time.Hour)
	promo, err = p.Resume(ctx, promo.ID)
	h.must(err)
	if !promo.NextAt.After(h.clock()) {
		t.Errorf("resumed at %v with next %v", h.clock(), promo.NextAt)
	}
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 1 || occs[0].Status != store.OccurrenceDone {
		t.Errorf("occurrences: %+v", occs)
	}
	_, err = p.End(ctx, promo.ID)
	h.must(err)
	var conflict *handlers.Conflict
	if _, err := p.Resume(ctx, promo.ID); !errors.As(err, &conflict) {
		t.Errorf("an ended promotion was resumed: %v", err)
	}
	if _, err := p.RunNow(ctx, promo.ID, false, noRemember); !errors.As(err, &conflict) {
		t.Errorf("an ended promotion was run: %v", err)
	}
}

func TestAGroupWhoseQuotaIsUsedUpIsBlocked(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(1)
	p := h.planner()
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.plan(p, 31*time.Hour) // November has 30 days
	ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	if len(ds) != 31 || ds[29].Status != store.DeliveryPlanned || ds[30].Status != store.DeliveryBlocked || ds[30].Reason == "" {
		t.Errorf("%d deliveries, the last two %+v", len(ds), ds[len(ds)-2:])
	}
}

func TestAScheduleEndsOnItsLastDay(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.planner()
	spec := sale()
	spec.Schedule.Cron = "0 0 * * *"
	spec.Schedule.StartsOn, spec.Schedule.EndsOn = "2026-11-25", "2026-11-26"
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	if want := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC); !promo.NextAt.Equal(want) {
		t.Errorf("first at %v, want %v", promo.NextAt, want)
	}
	h.plan(p, 10*24*time.Hour)
	promo, err = h.store.Read(ctx).Promotion(promo.ID)
	h.must(err)
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if promo.Status != store.PromotionEnded || len(occs) != 2 {
		t.Errorf("%s after %d occurrences", promo.Status, len(occs))
	}
}

func TestPromotionsThatMakeNoSenseAreRefused(t *testing.T) {
	h := newShop(t)
	h.groups(1)
	p := h.planner()
	long := strings.Repeat("鸡", 1400)
	for field, spoil := range map[string]func(*store.PromotionSpec){
		"name":                   func(s *store.PromotionSpec) { s.Name = "" },
		"schedule.cron":          func(s *store.PromotionSpec) { s.Schedule.Cron = "" },
		"schedule.timezone":      func(s *store.PromotionSpec) { s.Schedule.Timezone = "Asia/Peking" },
		"schedule.starts_on":     func(s *store.PromotionSpec) { s.Schedule.StartsOn = "2026-02-30" },
		"schedule.ends_on":       func(s *store.PromotionSpec) { s.Schedule.StartsOn, s.Schedule.EndsOn = "2026-12-02", "2026-12-01" },
		"schedule.missed.policy": func(s *store.PromotionSpec) { s.Schedule.Missed.Policy = "hope" },
		"schedule.missed.within": func(s *store.PromotionSpec) { s.Schedule.Missed.Within = "-5m" },
		"targets":                func(s *store.PromotionSpec) { s.Targets.All = false },
		"targets.chat_ids[0]":    func(s *store.PromotionSpec) { s.Targets.ChatIDs = []string{"nobody"} },
		"targets.stores[0]":      func(s *store.PromotionSpec) { s.Targets.Stores = []string{"nobody"} },
		"message.text":           func(s *store.PromotionSpec) { s.Message.Text = long },
		"message.attachments":    func(s *store.PromotionSpec) { s.Message.Attachments = make([]bot.Attachment, 10) },
		"message.attachments[0].type": func(s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: "virus"}}
		},
		"message.attachments[0].url": func(s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: "javascript:alert(1)"}}
		},
		"products[0].price_fen": func(s *store.PromotionSpec) { s.Products[0].PriceFen = -1 },
		"products[0].name":      func(s *store.PromotionSpec) { s.Products[0].Name = "" },
	} {
		s := sale()
		spoil(&s)
		_, err := p.Create(context.Background(), s, noRemember)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	s := sale()
	s.Message.Text = "{unknown}"
	if _, err := p.Create(context.Background(), s, noRemember); err == nil {
		t.Error("an unknown placeholder was accepted")
	}
	s = sale()
	s.Schedule.EndsOn = "2026-11-01"
	if _, err := p.Create(context.Background(), s, noRemember); err == nil {
		t.Error("a schedule that is over was accepted")
	}
}

package promotions

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

func TestPeriodsOfTheQuota(t *testing.T) {
	shanghai := time.FixedZone("Asia/Shanghai", 8*60*60)
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule     string
		at       string
		zone     *time.Location
		from, to string
		most     int
	}{
		{QuotaMonth, "2026-11-23T10:00:00+08:00", shanghai, "2026-11-01T00:00:00+08:00", "2026-12-01T00:00:00+08:00", 30},
		{"", "2026-12-31T23:59:59+08:00", shanghai, "2026-12-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00", 31},
		{QuotaMonth, "2028-02-10T10:00:00+08:00", shanghai, "2028-02-01T00:00:00+08:00", "2028-03-01T00:00:00+08:00", 29},
		{QuotaMonth, "2026-11-30T16:00:00Z", shanghai, "2026-12-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00", 31}, // December there
		{QuotaWeek, "2026-11-23T00:00:00+08:00", shanghai, "2026-11-23T00:00:00+08:00", "2026-11-30T00:00:00+08:00", 7},
		{QuotaWeek, "2026-11-29T23:59:59+08:00", shanghai, "2026-11-23T00:00:00+08:00", "2026-11-30T00:00:00+08:00", 7},
		{QuotaWeek, "2027-01-01T12:00:00+08:00", shanghai, "2026-12-28T00:00:00+08:00", "2027-01-04T00:00:00+08:00", 7},
		{QuotaDay, "2026-11-23T10:00:00+08:00", shanghai, "2026-11-23T00:00:00+08:00", "2026-11-24T00:00:00+08:00", 1},
		{QuotaDay, "2026-11-01T12:00:00-05:00", newYork, "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", 1}, // 25 hours
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		q := Quota{c.rule, c.zone}
		from, to := q.period(at)
		if from.Format(time.RFC3339) != c.from || to.Format(time.RFC3339) != c.to || q.most(at) != c.most {
			t.Errorf("%s at %s: %s to %s, %d", c.rule, c.at, from.Format(time.RFC3339), to.Format(time.RFC3339), q.most(at))
		}
	}
}

func TestPlanningKeepsToTheQuotaThatTheCompanySet(t *testing.T) {
	// Hourly from Monday 10:00, in UTC, until Wednesday: 14 slots on the first day, then 24 each.
	for rule, want := range map[string]int{QuotaDay: 3, QuotaWeek: 7, QuotaMonth: 30} {
		h := newShop(t)
		h.groups(1)
		p := h.planner()
		p.QuotaRule = rule
		promo, err := p.Create(context.Background(), sale(), noRemember)
		h.must(err)
		sent := 0
		for range 60 {
			h.plan(p, time.Hour)
			sent += h.confirmAll(promo)
		}
		if sent != want {
			t.Errorf("%s: %d went out, want %d", rule, sent, want)
		}
	}
}

// confirmAll lets what is planned be sent now, and says how much that was.
func (h *shop) confirmAll(promo store.Promotion) int {
	h.t.Helper()
	n := int64(0)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		ds, err := tx.Deliveries(store.DeliveryFilter{Promotion: promo.ID})
		for _, d := range ds {
			if d.TaskID == nil || d.Status != store.DeliveryPlanned {
				continue
			}
			moved, wrong := tx.MoveDeliveries(*d.TaskID, d.ChatID, []string{store.DeliveryPlanned}, store.Delivery{Status: store.DeliverySent, SentAt: tx.Now})
			n, err = n+moved, errors.Join(err, wrong)
		}
		return err
	}))
	return int(n)
}

// What waits for its owner may be sent on any day.
func TestWhatWaitsUsesTheQuotaOfTheDayOnWhichItMayBeSent(t *testing.T) {
	for name, c := range map[string]struct {
		confirmed time.Duration // after the first slot, which is at 23:00; 0: not yet
		second    string        // what becomes of the slot at 10:00 the next day
	}{
		"unconfirmed":            {0, store.DeliveryBlocked},
		"confirmed at once":      {time.Minute, store.DeliveryPlanned},
		"confirmed after twelve": {2 * time.Hour, store.DeliveryBlocked},
	} {
		h := newShop(t)
		h.groups(1)
		p := h.planner()
		p.QuotaRule = QuotaDay
		late, early := sale(), sale()
		late.Schedule.Cron, early.Schedule.Cron = "0 23 * * *", "0 10 * * *"
		first, err := p.Create(context.Background(), late, noRemember)
		h.must(err)
		h.set(first.NextAt)
		h.must(p.Plan(context.Background()))
		if c.confirmed > 0 {
			h.set(first.NextAt.Add(c.confirmed))
			h.confirmAll(first)
		}
		second, err := p.Create(context.Background(), early, noRemember)
		h.must(err)
		h.set(second.NextAt)
		h.must(p.Plan(context.Background()))
		ds, err := h.store.Read(context.Background()).Deliveries(store.DeliveryFilter{Promotion: second.ID})
		h.must(err)
		if len(ds) != 1 || ds[0].Status != c.second {
			t.Errorf("%s: %+v", name, ds)
		}
	}
}

// Nobody tells of what people send by hand, but WeCom answers that the quota is used up.
func TestAGroupThatWeComCallsFullIsLeftAloneUntilThePeriodIsOver(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(2)
	p := h.planner()
	spec := sale()
	spec.Schedule.Cron = "0 0 * * *"
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	full := []bot.SendResult{{Chat: "wr00", Status: bot.SendQuota}, {Chat: "wr01", Status: bot.SendDone}}
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		if err := p.quota().remember(tx, tx.Now.AddDate(0, -1, 0), full[:1]); err != nil { // that was in October
			return err
		}
		return p.quota().remember(tx, tx.Now, full)
	}))
	status := func() string {
		h.must(p.Plan(ctx))
		ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID})
		h.must(err)
		of := map[string]store.DeliveryView{}
		for _, d := range ds {
			of[d.ChatID] = d
		}
		if of["wr01"].Status != store.DeliveryPlanned {
			t.Errorf("the other group: %+v", of["wr01"])
		}
		if d := of["wr00"]; d.Status == store.DeliveryBlocked && !strings.Contains(d.Reason, "by hand") {
			t.Errorf("reason %q", d.Reason)
		}
		return of["wr00"].Status
	}
	h.set(promo.NextAt)
	if got := status(); got != store.DeliveryBlocked {
		t.Errorf("in the same month: %s", got)
	}
	h.set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	if got := status(); got != store.DeliveryPlanned {
		t.Errorf("in the next month: %s", got)
	}
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return tx.PruneQuota() }))
	if left, err := h.store.Read(ctx).FullGroups([]string{"wr00"}, time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)); err != nil || len(left) > 0 {
		t.Errorf("kept: %v %v", left, err)
	}
}

package promotions

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"xiaobu/store"
)

// shop is a database with groups in it and a clock that is moved by hand.
type shop struct {
	t     testing.TB
	store *store.Store
	now   time.Time
}

func newShop(t testing.TB) *shop {
	t.Helper()
	h := &shop{t: t, now: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)}
	s, err := store.OpenScratch(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), h.clock)
	h.must(err)
	t.Cleanup(func() { h.must(s.Close()) })
	h.store = s
	return h
}

func (h *shop) clock() time.Time { return h.now }

func (h *shop) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *shop) set(t time.Time) {
	if t.After(h.now) {
		h.now = t
	}
}

func noRemember(*store.Tx, string) error { return nil }

// groups makes wr00, wr01 …, which owner0 and owner1 own in turn.
func (h *shop) groups(n int) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for i := range n {
			err := tx.NewChat(store.Chat{ChatID: fmt.Sprintf("wr%02d", i), Name: fmt.Sprintf("群%02d", i), Owner: fmt.Sprintf("owner%d", i%2), Status: store.ChatActive})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// planner plans at the shop's clock, in UTC.
func (h *shop) planner() *Planner {
	return &Planner{Store: h.store, Now: h.clock, Zone: time.UTC, Log: slog.New(slog.DiscardHandler)}
}

func sale() store.PromotionSpec {
	var s store.PromotionSpec
	s.Name, s.Schedule.Cron, s.Targets.All = "秒杀", "0 * * * *", true
	s.Message.Text = "今天秒杀:{products}"
	stock := int64(200)
	s.Products = []store.Product{{Name: "鸡蛋30枚", PriceFen: 990, WasFen: 1990, Stock: &stock}}
	return s
}

func (h *shop) plan(p *Planner, d time.Duration) {
	h.t.Helper()
	end := h.clock().Add(d)
	for {
		h.must(p.Plan(context.Background()))
		at, ok, err := p.Next(context.Background())
		h.must(err)
		if !ok || at.After(end) {
			break
		}
		h.set(at)
	}
	h.set(end)
}

package handlers

import (
	"context"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// place puts a group into a store and labels it.
func (h *house) place(chat bot.ChatID, shop string, labels ...string) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		if shop != "" {
			if err := tx.PutShop(store.Shop{ID: shop, Name: shop}); err != nil {
				return err
			}
		}
		return tx.PlaceChat(chat, shop, labels)
	}))
}

// An entry keeps the terms it was booked under, also when its group moves to another store.
func TestAStoresOwnTermsJudgeItsJoins(t *testing.T) {
	h := houseWithGroup(t)
	hold, clawback := time.Minute.Milliseconds(), time.Hour.Milliseconds()
	h.place(g1, "s1")
	h.rule(store.Rule{HoldMS: time.Hour.Milliseconds(), Overrides: []store.Override{
		{Name: "新店", Stores: []string{"s1"}, Tiers: []store.Tier{{Fen: 200}}, HoldMS: &hold, ClawbackMS: &clawback},
	}})
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(30 * time.Second)
	e := h.entries()
	if len(e) != 1 || e[0].AmountFen != 200 || e[0].Terms != "新店" || e[0].DueAt.Sub(e[0].EarnedAt) != time.Minute {
		t.Fatalf("entries: %+v", e)
	}
	h.place(g1, "")
	h.deliver(h.world.join(g1, customer(2)))
	h.pass(time.Minute)
	if e = h.entries(); len(e) != 2 || e[1].AmountFen != 50 || e[1].Terms != "" || e[0].Status != store.EntryPayable {
		t.Fatalf("entries: %+v", e)
	}
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Minute)
	h.status(store.EntryClawedBack, store.EntryHeld)
}

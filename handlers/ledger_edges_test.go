package handlers

import (
	"context"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// A later join that was paid stands in the place of an earlier one that becomes known; once it is
// clawed back, the earlier one earns, in the same moment.
func TestAnEarlierJoinEarnsOnceTheLaterOneIsClawedBack(t *testing.T) {
	h := newHouse(t)
	h.set(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC))
	h.rewards.Zone = time.UTC
	h.rule(store.Rule{HoldMS: 1000, ClawbackMS: (48 * time.Hour).Milliseconds(), EffectiveFrom: h.clock()})
	h.world.group(g1, "owner")
	h.world.group(g2, "owner")
	h.readGroup(g1)
	h.pass(time.Minute)
	early := customer(1)
	early.Inviter = "early"
	h.world.join(g1, early) // lost
	h.pass(time.Minute)
	h.deliver(h.world.join(g2, customer(1)))
	h.pass(2 * time.Hour)
	p := Payouts{Store: h.store, Now: h.clock, Zone: time.UTC, CatchUp: h.rewards.CatchUp}
	_, err := p.Make(context.Background(), PayoutAsk{Period: "2026-11"}, noRemember)
	h.must(err)
	h.readGroup(g1)
	h.pass(time.Minute)
	h.status(store.EntryPaid)
	h.deliver(h.world.leave(g2, "wm001", 0))
	h.pass(time.Minute)
	h.status(store.EntryClawedBack, store.EntryPayable)
	if e := h.entries()[1]; e.Staff != "early" {
		t.Errorf("%+v earned", e)
	}
}

// What a new rule is about to change is changed before it is collected.
func TestAPayoutWaitsForRulesThatReachIntoThePast(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.rewards.Zone = time.UTC
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: 1000, EffectiveFrom: start})
	h.world.group(g1, "owner")
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	h.set(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		r := store.Rule{Tiers: []store.Tier{{Fen: 70}}, HoldMS: 1000, OncePer: OncePerCorp, EffectiveFrom: start}
		if err := tx.AddRule(&r); err != nil {
			return err
		}
		return tx.AskRejudge(start)
	}))
	p := Payouts{Store: h.store, Now: h.clock, Zone: time.UTC}
	if _, err := p.Make(ctx, PayoutAsk{Period: "2026-11"}, noRemember); err == nil {
		t.Error("a month was paid by a rule that no longer holds")
	}
	p.CatchUp = h.rewards.CatchUp
	got, err := p.Make(ctx, PayoutAsk{Period: "2026-11"}, noRemember)
	h.must(err)
	if got.TotalFen != 70 {
		t.Errorf("paid %d, want 70", got.TotalFen)
	}
}

// Whoever turns out to be somebody else has earned only one reward.
func TestAUnionIDThatIsLearnedLateVoidsTheSecondReward(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.group(g2, "owner")
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	h.deliver(h.world.join(g2, customer(2)))
	h.pass(time.Minute)
	h.status(store.EntryHeld, store.EntryHeld)
	for _, g := range []bot.ChatID{g1, g2} {
		for i := range h.world.groups[g].Members {
			if m := &h.world.groups[g].Members[i]; m.Kind == bot.Customer {
				m.UnionID = "one person"
			}
		}
		h.readGroup(g)
	}
	h.pass(time.Minute)
	h.status(store.EntryHeld, store.EntryVoid)
}

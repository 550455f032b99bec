package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// place puts a group into a store and labels it.
func (h *house) place(chat bot.ChatID, shop string, labels ...string) {
	h.t.Helper()
	if shop != "" {
		h.openShops(shop)
	}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { return tx.PlaceChat(chat, shop, labels) }))
}

func (h *house) openShops(ids ...string) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for _, id := range ids {
			if err := tx.PutShop(store.Shop{ID: id, Name: id}); err != nil {
				return err
			}
		}
		return nil
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

func TestRulesThatMakeNoSenseAreRefused(t *testing.T) {
	h := newHouse(t)
	h.openShops("s1", "s2")
	override := func(o store.Override) func(*store.Rule) {
		if o.Tiers == nil {
			o.Tiers = []store.Tier{{Fen: 1}}
		}
		return func(r *store.Rule) { r.Overrides = append(r.Overrides, o) }
	}
	both := func(a, b func(*store.Rule)) func(*store.Rule) { return func(r *store.Rule) { a(r); b(r) } }
	from := func(at time.Time) func(*store.Rule) { return func(r *store.Rule) { r.EffectiveFrom = at } }
	negative := int64(-1)
	first := override(store.Override{Name: "a", Stores: []string{"s1"}, Labels: []string{"会员"}})
	for name, c := range map[string]struct {
		field string
		spoil func(*store.Rule)
	}{
		"no tiers":                  {"tiers", func(r *store.Rule) { r.Tiers = nil }},
		"too many tiers":            {"tiers", func(r *store.Rule) { r.Tiers = make([]store.Tier, 21) }},
		"negative money":            {"tiers[1].fen", func(r *store.Rule) { r.Tiers[1].Fen = -1 }},
		"absurd money":              {"tiers[1].fen", func(r *store.Rule) { r.Tiers[1].Fen = maxFen + 1 }},
		"tiers out of order":        {"tiers[1].up_to", func(r *store.Rule) { r.Tiers = []store.Tier{{UpTo: 100}, {UpTo: 50}, {}} }},
		"tiers that overlap":        {"tiers[1].up_to", func(r *store.Rule) { r.Tiers = []store.Tier{{UpTo: 100}, {UpTo: 100}, {}} }},
		"no last tier":              {"tiers[0].up_to", func(r *store.Rule) { r.Tiers = []store.Tier{{UpTo: 100}} }},
		"a hole in tiers":           {"tiers[0].up_to", func(r *store.Rule) { r.Tiers = []store.Tier{{}, {}} }},
		"a group beyond all":        {"tiers[0].up_to", func(r *store.Rule) { r.Tiers = []store.Tier{{UpTo: maxUpTo + 1}, {}} }},
		"negative hold":             {"hold", func(r *store.Rule) { r.HoldMS = -1 }},
		"endless clawback":          {"clawback", func(r *store.Rule) { r.ClawbackMS = 1 << 50 }},
		"unknown scope":             {"once_per", func(r *store.Rule) { r.OncePer = "galaxy" }},
		"a long note":               {"note", func(r *store.Rule) { r.Note = strings.Repeat("备", maxNote+1) }},
		"a long name":               {"by", func(r *store.Rule) { r.By = strings.Repeat("名", maxName+1) }},
		"no budget at all":          {"budget.fen", func(r *store.Rule) { r.Budget = &store.Budget{Per: store.BudgetCorp} }},
		"a negative budget":         {"budget.fen", func(r *store.Rule) { r.Budget = &store.Budget{Fen: -1, Per: store.BudgetCorp} }},
		"an absurd budget":          {"budget.fen", func(r *store.Rule) { r.Budget = &store.Budget{Fen: maxBudget + 1, Per: store.BudgetCorp} }},
		"a budget of the galaxy":    {"budget.per", func(r *store.Rule) { r.Budget = &store.Budget{Fen: 1, Per: "galaxy"} }},
		"an override of nothing":    {"overrides[0]", override(store.Override{Name: "a"})},
		"no name":                   {"overrides[0].name", override(store.Override{Stores: []string{"s1"}})},
		"one name twice":            {"overrides[1].name", both(first, override(store.Override{Name: "a", Stores: []string{"s2"}}))},
		"one store twice":           {"overrides[1].stores", both(first, override(store.Override{Name: "b", Stores: []string{"s2", "s1"}}))},
		"one label twice":           {"overrides[1].labels", both(first, override(store.Override{Name: "b", Labels: []string{"会员"}}))},
		"one store twice in one":    {"overrides[0].stores", override(store.Override{Name: "a", Stores: []string{"s1", "s1"}})},
		"an empty label":            {"overrides[0].labels", override(store.Override{Name: "a", Labels: []string{""}})},
		"an unknown store":          {"overrides[0].stores", override(store.Override{Name: "a", Stores: []string{"s404"}})},
		"an override's tiers":       {"overrides[0].tiers[0].fen", override(store.Override{Name: "a", Stores: []string{"s1"}, Tiers: []store.Tier{{Fen: -5}}})},
		"an override's hold":        {"overrides[0].hold", override(store.Override{Name: "a", Stores: []string{"s1"}, HoldMS: &negative})},
		"too many overrides":        {"overrides", func(r *store.Rule) { r.Overrides = make([]store.Override, maxOverrides+1) }},
		"before all groups":         {"effective_from", from(time.Date(2015, 12, 31, 0, 0, 0, 0, time.UTC))},
		"no date":                   {"effective_from", from(time.Time{})},
		"more than a year from now": {"effective_from", from(start.Add(maxAhead + time.Second))},
	} {
		r := store.Rule{Tiers: []store.Tier{{UpTo: 100, Fen: 50}, {Fen: 100}}, OncePer: OncePerCorp, EffectiveFrom: start}
		c.spoil(&r)
		_, err := h.rewards.PutRule(context.Background(), r, noRemember)
		var inv *Invalid
		if !errors.As(err, &inv) || inv.Field != c.field {
			t.Errorf("%s: %v, want a refusal of %s", name, err, c.field)
		}
	}
	last, err := h.store.Read(context.Background()).LastRule()
	h.must(err)
	if last.Version != 1 {
		t.Errorf("a refused rule was kept: version %d", last.Version)
	}
}

// A month that was paid, and any before it, is judged by the rules it was paid by.
func TestARuleReachesIntoNoClosedMonth(t *testing.T) {
	h := newHouse(t)
	zone, err := time.LoadLocation("Asia/Shanghai")
	h.must(err)
	h.rewards.Zone = zone
	november := time.Date(2026, 11, 1, 0, 0, 0, 0, zone)
	put := func(from time.Time) error {
		_, err := h.rewards.PutRule(context.Background(), store.Rule{Tiers: []store.Tier{{Fen: 1}}, OncePer: OncePerCorp, EffectiveFrom: from}, noRemember)
		return err
	}
	h.must(put(november.AddDate(0, -3, 0))) // nothing was paid yet
	entries := 0
	collect := func(period, then string, joins int) {
		p := store.Payout{Period: period}
		h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
			for range joins {
				entries++
				st := store.Stint{ChatID: string(g1), UserID: fmt.Sprint("wm", entries), Kind: "customer", JoinedAt: november}
				if _, err := tx.AddStint(&st); err != nil {
					return err
				}
				e := store.Entry{Key: store.JoinKey(st), StintID: st.ID, Staff: "lin", RuleVersion: 1, Period: period, AmountFen: 1,
					Status: store.EntryPayable, EarnedAt: november, DueAt: november}
				if _, err := tx.AddEntry(&e); err != nil {
					return err
				}
			}
			if err := tx.Collect(&p, "anna"); err != nil || then == "" {
				return err
			}
			return tx.StepPayout(&p, then, "anna", "")
		}))
	}
	collect("2026-10", "", 1)
	collect("2026-12", "", 0) // a payout of nothing
	collect("2026-08", store.PayoutPaid, 1)
	collect("2026-11", store.PayoutReversed, 1)
	collect("2026-11", store.PayoutDiscarded, 1)
	for from, refused := range map[time.Time]bool{
		november.AddDate(0, -3, 0): true, november.AddDate(0, -1, 0): true, november.Add(-time.Second): true,
		november: false, start: false, start.AddDate(0, 1, 0): false,
	} {
		var inv *Invalid
		if err := put(from); errors.As(err, &inv) != refused {
			t.Errorf("from %s: %v, want a refusal: %v", from, err, refused)
		}
	}
	// From now on is never refused, whatever was paid.
	collect("2026-11", store.PayoutApproved, 1)
	h.must(put(start))
}

func TestWhatMayNotBeMeantIsSaid(t *testing.T) {
	h := houseWithGroup(t)
	h.place(g1, "s1", "会员")
	tiers := []store.Tier{{Fen: 50}}
	for want, r := range map[int]store.Rule{
		0: {Tiers: tiers, Overrides: []store.Override{{Name: "a", Labels: []string{"会员"}, Tiers: tiers}}, Budget: &store.Budget{Fen: 50, Per: store.BudgetCorp}},
		1: {Tiers: tiers, Overrides: []store.Override{{Name: "a", Labels: []string{"秒杀", "会员"}, Tiers: tiers}}},
		2: {Tiers: tiers, Overrides: []store.Override{{Name: "a", Labels: []string{"秒杀"}, Tiers: []store.Tier{{Fen: 60}}}}, Budget: &store.Budget{Fen: 50, Per: store.BudgetCorp}},
	} {
		if got, err := h.rewards.Warnings(context.Background(), r); err != nil || len(got) != want {
			t.Errorf("%q %v, want %d warnings", got, err, want)
		}
	}
}

func TestAPutIntoThePastIsAppliedToTheJoinsSince(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 70}}, EffectiveFrom: start})
	h.pass(time.Minute)
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 90}}, EffectiveFrom: start.AddDate(0, 0, 7)})
	h.pass(time.Minute)
	if e := h.entries(); len(e) != 1 || e[0].AmountFen != 70 || e[0].RuleVersion != 2 {
		t.Errorf("entries: %+v", e)
	}
	if _, err := h.store.Read(context.Background()).OpenRejudge(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("still to judge again: %v", err)
	}
}

package handlers

import (
	"context"
	"errors"
	"testing"
	"time"

	"xiaobu/store"
)

// Where a person is new once in each store, the books say what they would if the groups had always
// been where they are now, and so does the explanation, without anything else happening.
func TestAGroupThatChangesStoresIsJudgedWhereItStands(t *testing.T) {
	const once, both = "1 held 50 rewarded v2, 1 void 50 not_new v2", "1 held 50 rewarded v2, 1 held 50 rewarded v2"
	type move struct {
		shop string // of the second group; the first is in s1
		want string
	}
	for name, tc := range map[string]struct {
		scope  string
		budget *store.Budget
		first  string // where the second group is when it is joined
		moves  []move
	}{
		"into the store":     {OncePerStore, nil, "s2", []move{{"s1", once}}},
		"from none":          {OncePerStore, nil, "", []move{{"s1", once}}},
		"and out again":      {OncePerStore, nil, "s2", []move{{"s1", once}, {"s3", both}, {"s1", once}, {"", both}}},
		"out, for the first": {OncePerStore, nil, "s1", []move{{"s2", both}}},
		"to a third store":   {OncePerStore, nil, "s2", []move{{"s3", both}}},
		"new in each group":  {OncePerGroup, nil, "s2", []move{{"s1", both}}},
		"new only once":      {OncePerCorp, nil, "s1", []move{{"s2", "1 held 50 rewarded v2"}}},
		"what is free again is spent again": {OncePerStore, &store.Budget{Fen: 100, Per: store.BudgetCorp}, "s2",
			[]move{{"s1", once}, {"s2", both}}},
	} {
		t.Run(name, func(t *testing.T) {
			h := houseWithGroup(t)
			h.world.group(g2, "owner")
			h.readGroup(g2)
			h.rule(store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: (24 * time.Hour).Milliseconds(), OncePer: tc.scope, Budget: tc.budget})
			h.pass(time.Minute)
			h.place(g1, "s1")
			h.place(g2, tc.first)
			h.deliver(h.world.join(g1, customer(1)))
			h.pass(time.Minute)
			h.deliver(h.world.join(g2, customer(1)))
			h.pass(time.Minute)
			for _, m := range tc.moves {
				h.place(g2, m.shop)
				h.pass(time.Second)
				h.says(m.want)
				earned := m.want == both
				if x := h.explain(g2, "wm001"); (x.Decision == "rewarded") != earned {
					t.Errorf("in %q it is explained as %s %s", m.shop, x.Decision, x.Reason)
				}
			}
		})
	}
}

// A join that did not earn under a new rule, and does so again, earns what that rule says; of a budget
// that others have spent meanwhile it gets nothing.
func TestAJoinThatEarnsAgainEarnsByTheRuleInForce(t *testing.T) {
	for name, tc := range map[string]struct {
		budget *store.Budget
		want   string
	}{
		"its amount": {nil, "1 held 80 rewarded v3, 1 held 80 rewarded v3, 2 held 80 rewarded v3"},
		"its budget": {&store.Budget{Fen: 160, Per: store.BudgetCorp}, "1 held 80 rewarded v3, 1 void 80 over_budget v3, 2 held 80 rewarded v3"},
	} {
		t.Run(name, func(t *testing.T) {
			h := houseWithGroup(t)
			h.world.group(g2, "owner")
			h.readGroup(g2)
			hold := (24 * time.Hour).Milliseconds()
			h.rule(store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: hold, OncePer: OncePerGroup})
			h.pass(time.Minute)
			h.place(g1, "s1")
			h.place(g2, "s1")
			h.deliver(h.world.join(g1, customer(1)))
			h.pass(time.Minute)
			h.deliver(h.world.join(g2, customer(1)))
			h.pass(time.Minute)
			h.rule(store.Rule{Tiers: []store.Tier{{Fen: 80}}, HoldMS: hold, OncePer: OncePerStore, Budget: tc.budget})
			h.pass(time.Minute)
			h.deliver(h.world.join(g1, customer(2)))
			h.pass(time.Minute)
			h.place(g2, "s2")
			h.pass(time.Second)
			h.says(tc.want)
		})
	}
}

// Placing many groups one after another asks for one rejudge; one that is under way is followed by
// one more, however many groups are placed meanwhile.
func TestPlacingManyGroupsAsksOnce(t *testing.T) {
	h := houseWithGroup(t)
	ctx := context.Background()
	h.world.group(g2, "owner")
	h.readGroup(g2)
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 50}}, OncePer: OncePerStore})
	h.pass(time.Minute)
	rejudges := func() int {
		js, err := h.store.Read(ctx).Rejudges(0, 0)
		h.must(err)
		return len(js)
	}
	before := rejudges()
	h.deliver(h.world.join(g1, customer(100)))
	h.pass(time.Minute)
	h.place(g1, "s1")
	if rejudges() != before {
		t.Error("nobody was in two groups, and joins are judged again")
	}
	for n := range rejudgeBatch + 1 {
		h.deliver(h.world.join(g1, customer(n)), h.world.join(g2, customer(n)))
	}
	h.pass(time.Minute)
	for _, want := range []int{1, 2} {
		for _, shop := range []string{"s2", "s3", "s1"} {
			h.place(g2, shop)
			h.place(g1, shop, "labels alone ask for nothing")
			h.place(g1, shop)
		}
		if got := rejudges() - before; got != want {
			t.Errorf("%d rejudges, want %d", got, want)
		}
		j, err := h.store.Read(ctx).OpenRejudge()
		h.must(err)
		h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return h.rewards.rejudgeBatch(tx, j) })) // one is under way
	}
	h.pass(time.Second)
	if _, err := h.store.Read(ctx).OpenRejudge(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

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

// ruleSince puts a rule that reaches into the past.
func (h *house) ruleSince(since time.Time, r store.Rule) {
	h.t.Helper()
	r.EffectiveFrom, r.OncePer = since, OncePerCorp
	if r.HoldMS == 0 {
		r.HoldMS = time.Hour.Milliseconds()
	}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		if err := tx.AddRule(&r); err != nil {
			return err
		}
		return tx.AskRejudge(since)
	}))
}

// said is what the books say: of each entry its member, status, amount and reason.
func (h *house) said() string {
	h.t.Helper()
	var out []string
	for _, e := range h.entries() {
		out = append(out, fmt.Sprintf("%s %s %d %s v%d", strings.TrimPrefix(e.Member, "wm00"), e.Status, e.AmountFen, e.Reason, e.RuleVersion))
	}
	return strings.Join(out, ", ")
}

func (h *house) says(want string) {
	h.t.Helper()
	if got := h.said(); got != want {
		h.t.Errorf("the books say\n%s, want\n%s", got, want)
	}
}

func TestARuleThatReachesIntoThePastIsAppliedToWhatIsNotInAPayout(t *testing.T) {
	h := houseWithGroup(t)
	h.ruleSince(start.Add(time.Hour), store.Rule{Tiers: []store.Tier{{Fen: 50}}})
	h.deliver(h.world.join(g1, customer(1))) // by the seeded rule, so held for a week
	h.pass(2 * time.Hour)
	h.deliver(h.world.join(g1, customer(2), customer(3), customer(4), customer(5)))
	h.pass(30 * time.Minute)
	h.deliver(h.world.leave(g1, "wm003", 0))
	h.pass(30 * time.Minute)
	es, payout := h.entries(), int64(5)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		collected, paid := es[3], es[4]
		collected.PayoutID = &payout
		if err := tx.ChangeEntry(es[3], collected, "collected"); err != nil {
			return err
		}
		return tx.MoveEntry(paid, store.EntryPaid, "payout", &payout)
	}))
	h.says("1 held 50 rewarded v1, 2 payable 50 rewarded v2, 3 void 50 left_early v2, 4 payable 50 rewarded v2, 5 paid 50 payout v2")
	h.ruleSince(start.Add(-time.Hour), store.Rule{Tiers: []store.Tier{{UpTo: 1, Fen: 70}, {Fen: 80}}, HoldMS: (20 * time.Minute).Milliseconds(), ClawbackMS: time.Minute.Milliseconds()})
	h.pass(time.Second)
	h.says("1 payable 70 rewarded v3, 2 payable 80 rewarded v3, 3 payable 80 rewarded v3, 4 payable 50 rewarded v2, 5 paid 50 payout v2")
	h.balances(map[string]int64{"company": -330, "payable:cashier": 280, "paid:cashier": 50})
	if j, err := h.store.Read(context.Background()).Rejudges(0, 1); err != nil || j[0].Judged != 6 || j[0].Stays != 6 || j[0].DoneAt.IsZero() {
		t.Errorf("%+v %v", j, err)
	}
}

// The money of the old version is taken back first, so that a new budget serves the joins in
// their order and not those that happened to be judged last.
func TestANewBudgetServesThePastInItsOrder(t *testing.T) {
	h := houseWithGroup(t)
	h.ruleSince(start, store.Rule{Tiers: []store.Tier{{Fen: 50}}})
	for n := 1; n <= 4; n++ {
		h.deliver(h.world.join(g1, customer(n)))
		h.pass(2 * time.Second)
	}
	h.says("1 held 50 rewarded v2, 2 held 50 rewarded v2, 3 held 50 rewarded v2, 4 held 50 rewarded v2")
	h.ruleSince(start, store.Rule{Tiers: []store.Tier{{Fen: 60}}, Budget: &store.Budget{Fen: 130, Per: store.BudgetCorp}})
	h.pass(time.Second)
	h.says("1 held 60 rewarded v3, 2 held 60 rewarded v3, 3 void 60 over_budget v3, 4 void 60 over_budget v3")
	h.ruleSince(start, store.Rule{Tiers: []store.Tier{{Fen: 60}}})
	h.pass(time.Second)
	h.says("1 held 60 rewarded v4, 2 held 60 rewarded v4, 3 held 60 rewarded v4, 4 held 60 rewarded v4")
	h.balances(map[string]int64{"company": -240, "held:cashier": 240})
}

// Joins that had no rule may earn later, and a wider scope takes back; news that come while
// the work goes on change nothing of what comes out.
func TestARejudgeGoesOnWhereItWasCutOff(t *testing.T) {
	h := houseWithGroup(t)
	ctx := context.Background()
	early := start.AddDate(0, 0, -1)
	var ms []bot.Member
	for n := range rejudgeBatch + 20 {
		m := customer(n + 1)
		m.JoinedAt = early.Add(time.Duration(n) * time.Second / 2) // two in a second
		ms = append(ms, m)
	}
	h.deliver(h.world.join(g1, ms...))
	h.pass(time.Minute)
	h.says("")
	h.ruleSince(early, store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: (48 * time.Hour).Milliseconds(), Budget: &store.Budget{Fen: 50 * (rejudgeBatch + 10), Per: store.BudgetCorp}})
	steps, cut := 0, context.Canceled
	for {
		j, err := h.store.Read(ctx).OpenRejudge()
		if err == store.ErrNotFound {
			break
		}
		h.must(err)
		if err := h.store.Tx(ctx, func(tx *store.Tx) error { h.must(h.rewards.rejudgeBatch(tx, j)); return cut }); err != cut {
			t.Fatal(err)
		}
		h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return h.rewards.rejudgeBatch(tx, j) }))
		if err := h.store.Tx(ctx, func(tx *store.Tx) error { return h.rewards.rejudgeBatch(tx, j) }); err != store.ErrStale {
			t.Fatalf("a batch was done twice: %v", err)
		}
		steps++
	}
	es := h.entries()
	if len(es) != len(ms) || steps != 4 {
		t.Fatalf("%d entries after %d batches", len(es), steps)
	}
	for i, e := range es {
		want := store.EntryHeld
		if i >= rejudgeBatch+10 {
			want = store.EntryVoid
		}
		if e.Status != want || i > 0 && e.EarnedAt.Before(es[i-1].EarnedAt) {
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	h.balances(map[string]int64{"company": -50 * (rejudgeBatch + 10), "held:cashier": 50 * (rejudgeBatch + 10)})
}

// A payout that catches up while the duty judges again does not fail: each batch is done by
// one of them.
func TestTwoMayJudgeAgainAtOnce(t *testing.T) {
	h := houseWithGroup(t)
	var ms []bot.Member
	for n := range 4 * rejudgeBatch {
		ms = append(ms, customer(n+1))
	}
	h.deliver(h.world.join(g1, ms...))
	h.pass(time.Minute)
	h.ruleSince(start, store.Rule{Tiers: []store.Tier{{Fen: 70}}})
	errs := make(chan error)
	for range 4 {
		go func() { errs <- h.rewards.Rejudge(context.Background()) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	h.balances(map[string]int64{"company": -70 * 4 * rejudgeBatch, "held:cashier": 70 * 4 * rejudgeBatch})
	for _, e := range h.entries()[:3] {
		if !e.SettledAt.IsZero() {
			t.Errorf("entry %d is held, and settled at %s", e.ID, e.SettledAt)
		}
	}
}

// What is paid is what the rule in force says, not what an older one said.
func TestNothingIsCollectedWhileItsMonthIsJudgedAgain(t *testing.T) {
	h := houseWithGroup(t)
	h.ruleSince(start, store.Rule{Tiers: []store.Tier{{Fen: 50}}})
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(10 * 24 * time.Hour)
	p := &Payouts{Store: h.store, Now: h.clock, Zone: shanghai}
	ask := PayoutAsk{Period: "2026-11", By: "anna"}
	nothing := func(*store.Tx, string) error { return nil }
	h.ruleSince(start, store.Rule{Tiers: []store.Tier{{Fen: 80}}})
	var conflict *Conflict
	if _, err := p.Make(context.Background(), ask, nothing); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "0 of 2") {
		t.Fatalf("%v", err)
	}
	h.pass(time.Second)
	h.ruleSince(start.AddDate(0, 0, 9), store.Rule{Tiers: []store.Tier{{Fen: 90}}}) // in December
	if made, err := p.Make(context.Background(), ask, nothing); err != nil || made.TotalFen != 80 {
		t.Errorf("%+v %v", made, err)
	}
}

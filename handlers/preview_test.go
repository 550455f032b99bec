package handlers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// by is a customer whom somebody of the staff brings.
func by(n int, staff string) bot.Member {
	m := customer(n)
	m.Inviter = bot.UserID(staff)
	return m
}

func (h *house) preview(r store.Rule, period string) Preview {
	h.t.Helper()
	if r.OncePer == "" {
		r.OncePer = OncePerCorp
	}
	v, err := h.rewards.PreviewRule(context.Background(), r, period)
	h.must(err)
	return v
}

// threeGroups are in two stores and in none; the second is labelled.
func threeGroups(t *testing.T) (*house, []bot.ChatID) {
	h := newHouse(t)
	groups := []bot.ChatID{g1, g2, "wr3"}
	for _, g := range groups {
		h.world.group(g, "owner")
		h.readGroup(g)
	}
	h.pass(time.Minute)
	h.place(g1, "s1")
	h.place(g2, "s2", "会员")
	return h, groups
}

// Whatever happened: a month under a rule that says the same as the one in force would have
// cost what it did cost, in all its parts.
func TestAPreviewOfTheSameRuleCostsTheSame(t *testing.T) {
	t.Parallel()
	hour := time.Hour.Milliseconds()
	budget := func(fen int64, per string) *store.Budget { return &store.Budget{Fen: fen, Per: per} }
	for seed, c := range []struct {
		scope  string
		budget *store.Budget
	}{
		{OncePerCorp, nil}, {OncePerStore, nil}, {OncePerGroup, nil},
		{OncePerCorp, budget(900, store.BudgetCorp)}, {OncePerStore, budget(420, store.BudgetStore)}, {OncePerGroup, budget(250, store.BudgetStaff)},
	} {
		t.Run(fmt.Sprintf("%s %+v", c.scope, c.budget), func(t *testing.T) {
			h, groups := threeGroups(t)
			rule := store.Rule{Tiers: []store.Tier{{UpTo: 3, Fen: 50}, {Fen: 70}}, HoldMS: 24 * hour, ClawbackMS: 12 * hour, OncePer: c.scope, Budget: c.budget,
				Overrides: []store.Override{{Name: "会员群", Labels: []string{"会员"}, Tiers: []store.Tier{{UpTo: 1, Fen: 20}, {Fen: 90}}, HoldMS: &hour}}}
			h.rule(rule)
			r := rand.New(rand.NewPCG(uint64(seed), 1))
			for range 60 {
				h.stir(r, groups)
			}
			v := h.preview(rule, "2026-11")
			was := v.Total.Was
			if was.Joins < 10 || was.VoidFen+was.ClawedBackFen == 0 || (was.RefusedJoins == 0) != (c.budget == nil) || was.HeldFen == 0 && c.budget == nil {
				t.Errorf("too little happened: %+v", v.Total.Was)
			}
			for _, side := range append(append([]Beside{v.Total}, v.Terms...), v.Stores...) {
				if side.Was != side.Would {
					t.Errorf("%q was %+v, would be %+v", side.Name, side.Was, side.Would)
				}
			}
			if len(v.Terms) != 2 || len(v.Stores) != 3 || len(v.Gain)+len(v.Lose) != 0 {
				t.Errorf("%+v", v)
			}
		})
	}
}

// stir lets somebody join or leave, some in several groups and some for the second time.
func (h *house) stir(r *rand.Rand, groups []bot.ChatID) {
	g := groups[r.IntN(len(groups))]
	person := by(r.IntN(40), fmt.Sprint("staff", r.IntN(3)))
	present := false
	for _, m := range h.world.groups[g].Members {
		present = present || m.ID == person.ID
	}
	if present {
		h.deliver(h.world.leave(g, person.ID, 0))
	} else {
		h.deliver(h.world.join(g, person))
	}
	h.pass(time.Duration(1+r.IntN(150)) * time.Minute)
}

func TestAPreviewTellsWhatWouldHaveBeenDifferent(t *testing.T) {
	h, groups := threeGroups(t)
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: time.Hour.Milliseconds()})
	for i, at := range []int{0, 0, 0, 1, 1, 2} {
		h.deliver(h.world.join(groups[at], by(i, []string{"anna", "bo", "chen"}[at])))
		h.pass(time.Minute)
	}
	h.deliver(h.world.leave(g1, customer(0).ID, 0)) // within the hold
	h.pass(2 * time.Hour)
	h.deliver(h.world.leave(g2, customer(3).ID, 0)) // after it, but within the candidate's
	h.pass(time.Minute)
	versions := func() int {
		rules, err := h.store.Read(context.Background()).RuleSpans(0, 0)
		h.must(err)
		return len(rules)
	}
	before := versions()
	v := h.preview(store.Rule{Tiers: []store.Tier{{UpTo: 2, Fen: 50}, {Fen: 100}}, HoldMS: 24 * time.Hour.Milliseconds(),
		Overrides: []store.Override{{Name: "会员群", Labels: []string{"会员"}, Tiers: []store.Tier{{Fen: 300}}}},
		Budget:    &store.Budget{Fen: 100, Per: store.BudgetStaff}}, "2026-11")
	// anna: 50 void, 50, 100 refused by the budget of 100; bo: twice 300 refused; chen: 50.
	want := Beside{Was: Cost{Joins: 6, Fen: 250, VoidFen: 50}, Would: Cost{Joins: 3, Fen: 100, HeldFen: 100, VoidFen: 50, RefusedJoins: 3, RefusedFen: 700}}
	if v.Total != want || v.Joins != 6 || v.Total.Difference() != -150 || len(v.Gain) != 0 {
		t.Errorf("%+v, want %+v", v.Total, want)
	}
	var lose []string
	for _, b := range v.Lose {
		lose = append(lose, fmt.Sprint(b.Name, b.Difference()))
	}
	if !reflect.DeepEqual(lose, []string{"bo-100", "anna-50"}) {
		t.Errorf("who loses: %v", lose)
	}
	var tiers []string
	for _, tier := range v.Tiers {
		tiers = append(tiers, fmt.Sprint(tier.Terms, tier.Step.UpTo, ":", tier.Cost.Joins, "/", tier.Cost.RefusedJoins))
	}
	if !reflect.DeepEqual(tiers, []string{"2:3/0", "0:0/1", "会员群0:0/2"}) {
		t.Errorf("steps: %v", tiers)
	}
	if versions() != before {
		t.Error("a preview wrote a version")
	}
	if len(v.Notes) != 2 { // the month is not over, something is held
		t.Errorf("notes: %q", v.Notes)
	}
	longer := h.preview(store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: 24 * time.Hour.Milliseconds()}, "2026-11")
	if longer.Total.Would != (Cost{Joins: 6, Fen: 200, HeldFen: 200, VoidFen: 100}) {
		t.Errorf("a longer hold: %+v", longer.Total.Would)
	}
}

func TestWhichMonthIsPreviewed(t *testing.T) {
	h := newHouse(t)
	rule := store.Rule{Tiers: []store.Tier{{Fen: 50}}, OncePer: OncePerCorp}
	for period, want := range map[string]string{"": "2026-10", "2026-10": "2026-10", "2026-11": "2026-11", "2026-12": "", "2026-13": "", "November": "", "2026-1": ""} {
		v, err := h.rewards.PreviewRule(context.Background(), rule, period)
		if (err != nil) != (want == "") || err == nil && (v.Period != want || v.From.Format("2006-01-02 15:04") != want+"-01 00:00" || v.Total != Beside{}) {
			t.Errorf("%q: %+v %v, want %q", period, v, err, want)
		}
	}
	rule.Tiers = nil
	if _, err := h.rewards.PreviewRule(context.Background(), rule, ""); err == nil {
		t.Error("a rule without steps was previewed")
	}
}

// BenchmarkPreview is a preview of a month with -stays joins, some of them of people who
// were somewhere before.
func BenchmarkPreview(b *testing.B) {
	ctx := context.Background()
	s, err := store.OpenScratch(ctx, "sqlite:"+filepath.Join(b.TempDir(), "x.db"), func() time.Time { return start })
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	joins := *benchStays
	from := start.AddDate(0, 0, -14)
	for batch := range joins / 1000 {
		err := s.Tx(ctx, func(tx *store.Tx) error {
			if batch == 0 {
				if err := tx.AddRule(&store.Rule{EffectiveFrom: from, Tiers: []store.Tier{{UpTo: 100, Fen: 50}, {Fen: 100}}, OncePer: OncePerCorp}); err != nil {
					return err
				}
			}
			return manyJoins(tx, batch*1000, from)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	r := &Rewards{Store: s, Now: func() time.Time { return start }, Zone: time.UTC}
	rule := store.Rule{Tiers: []store.Tier{{UpTo: 100, Fen: 50}, {Fen: 120}}, OncePer: OncePerStore, Budget: &store.Budget{Fen: 1_000_000, Per: store.BudgetStaff},
		Overrides: []store.Override{{Name: "会员", Labels: []string{"会员"}, Tiers: []store.Tier{{Fen: 7}}}}}
	for b.Loop() {
		if v, err := r.PreviewRule(ctx, rule, "2026-11"); err != nil || v.Joins != joins || v.Total.Was.Joins < joins*3/4 {
			b.Fatalf("%+v %v", v.Total, err)
		}
	}
}

// manyJoins puts a thousand joins of a busy chain into the books.
func manyJoins(tx *store.Tx, n int, from time.Time) error {
	chat := fmt.Sprint("wr", n/1000)
	if err := tx.NewChat(store.Chat{ChatID: chat, Owner: "owner", Status: store.ChatActive}); err != nil {
		return err
	}
	for i := n; i < n+1000; i++ {
		person, ordinal := i%80_000, i%500+1
		st := store.Stint{ChatID: chat, UserID: fmt.Sprint("wm", person), UnionID: fmt.Sprint("u", person), Kind: "customer", JoinedAt: from.Add(time.Duration(i) * 10 * time.Second),
			Inviter: fmt.Sprint("staff", i%2000), InviterBy: ByInvitor, Ordinal: &ordinal}
		if _, err := tx.AddStint(&st); err != nil {
			return err
		}
		if person != i {
			continue
		}
		e := store.Entry{Key: store.JoinKey(st), StintID: st.ID, Staff: st.Inviter, ChatID: chat, Member: st.UserID, UnionID: st.UnionID, Ordinal: ordinal, AmountFen: 50,
			RuleVersion: 2, Period: "2026-11", Status: store.EntryHeld, EarnedAt: st.JoinedAt, DueAt: st.JoinedAt.AddDate(0, 0, 7), Reason: ReasonRewarded}
		if _, err := tx.AddEntry(&e); err != nil {
			return err
		}
	}
	return nil
}

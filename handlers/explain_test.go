package handlers

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

func (h *house) explain(chat bot.ChatID, member string) Explanation {
	h.t.Helper()
	x, err := h.rewards.Explain(context.Background(), chat, bot.MemberID(member), time.Time{}, time.UTC)
	h.must(err)
	return x
}

func (x Explanation) step(t testingT, kind string) Step {
	t.Helper()
	i := slices.IndexFunc(x.Steps, func(s Step) bool { return s.Kind == kind })
	if i < 0 {
		t.Fatalf("no step %s in %v", kind, x.Evidence(English))
	}
	return x.Steps[i]
}

// tiers pays 50 fen for the first two customers, 100 beyond.
func tiers() []store.Tier { return []store.Tier{{UpTo: 2, Fen: 50}, {Fen: 100}} }

// joins lets customers come one after the other, a minute apart.
func (h *house) joins(chat bot.ChatID, people ...bot.Member) {
	h.t.Helper()
	for _, m := range people {
		h.deliver(h.world.join(chat, m))
		h.pass(time.Minute)
	}
}

// Everything that is told of a join is so: which callback, which read, who was counted.
func TestAnExplanationTellsWhatHappened(t *testing.T) {
	h := houseWithGroup(t)
	h.rule(store.Rule{Tiers: tiers(), HoldMS: time.Hour.Milliseconds()})
	code := h.channel(store.Channel{Name: "三号收银台", Kind: store.ChannelGroup, Staff: "wang", State: "S1"})
	h.joins(g1, customer(1), customer(2))
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Minute)
	h.joins(g1, customer(9))
	c := customer(3)
	c.State = "S1"
	began := h.clock().Truncate(time.Second)
	e := h.world.join(g1, c)
	h.deliver(e, e, e)
	h.pass(time.Minute)
	h.joins(g1, customer(4))
	h.deliver(e)

	x := h.explain(g1, "wm003")
	if x.Decision != "rewarded" || x.Reason != ReasonRewarded {
		t.Errorf("decided %s %s", x.Decision, x.Reason)
	}
	call := x.step(t, "callback")
	if call.EventKey != e.Key || !call.At.Equal(began) || call.Received.Before(began) || call.Duplicates != 3 || call.EventID == 0 {
		t.Errorf("callback: %+v", call.Facts)
	}
	want := h.evidenceOf(x.Stint)
	if read := x.step(t, "read"); !read.At.Equal(want.JoinRead) || read.At.Before(began) || read.Version != want.JoinVersion || read.Version == "" {
		t.Errorf("read: %+v, want %v %s", read.Facts, want.JoinRead, want.JoinVersion)
	}
	if by := x.step(t, "inviter"); by.Staff != "wang" || by.ChannelID != code || !strings.Contains(by.ZH, "三号收银台") {
		t.Errorf("inviter: %+v", by)
	}
	if o := x.step(t, "ordinal"); o.Ordinal != 3 || o.People != 3 {
		t.Errorf("ordinal: %+v", o.Facts)
	}
	var people []string
	for _, p := range x.People {
		people = append(people, p.UserID)
	}
	if !slices.Equal(people, []string{"wm002", "wm009", "wm003"}) {
		t.Errorf("counted %v", people)
	}
	if a := x.step(t, "amount"); a.AmountFen != 100 || a.Rule != x.Entry.RuleVersion {
		t.Errorf("amount: %+v", a.Facts)
	}
	if m := x.step(t, "transfer"); m.Debit != "company" || m.Credit != "held:wang" || m.AmountFen != 100 {
		t.Errorf("transfer: %+v", m.Facts)
	}
	if zh, en := x.Evidence(Chinese), x.Evidence(English); len(zh) != len(en) || slices.Equal(zh, en) || strings.Contains(strings.Join(append(zh, en...), ""), "%!") {
		t.Errorf("told %q\n%q", zh, en)
	}
}

func (h *house) evidenceOf(st store.Stint) store.Evidence {
	h.t.Helper()
	e, err := h.store.Read(context.Background()).Evidence(st.ID)
	h.must(err)
	return e
}

// Of a stay that is older than the evidence nothing is made up.
func TestAnOldStayIsExplainedHonestly(t *testing.T) {
	h := houseWithGroup(t)
	st := store.Stint{ChatID: string(g1), UserID: "wm001", Kind: string(bot.Customer), JoinedAt: h.clock(), Inviter: "cashier", InviterBy: ByInvitor}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		_, err := tx.AddStint(&st)
		return err
	}))
	x := h.explain(g1, "wm001")
	if x.Steps[0].Kind != "read" || !strings.Contains(x.Steps[0].EN, "before evidence was kept") {
		t.Errorf("told %v", x.Evidence(English))
	}
}

// One of several stays in a group is chosen by its beginning.
func TestAStayIsChosenByItsBeginning(t *testing.T) {
	h := houseWithGroup(t)
	first := h.clock().Truncate(time.Second)
	h.joins(g1, customer(1))
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Hour)
	h.joins(g1, customer(1))
	last := h.explain(g1, "wm001")
	if last.Reason != ReasonNotNew || len(last.Others) != 1 || !last.Others[0].JoinedAt.Equal(first) {
		t.Errorf("the latest: %s, others %+v", last.Reason, last.Others)
	}
	x, err := h.rewards.Explain(context.Background(), g1, "wm001", first, time.UTC)
	h.must(err)
	if x.Reason != ReasonLeftEarly || !x.Stint.JoinedAt.Equal(first) {
		t.Errorf("the first: %s %v", x.Reason, x.Stint.JoinedAt)
	}
	if _, err := h.rewards.Explain(context.Background(), g1, "wm001", first.Add(time.Second), time.UTC); err != store.ErrNotFound {
		t.Errorf("a stay that never was: %v", err)
	}
}

// supposedHistory lives once as it was and, with what an explanation supposes, once as it
// might have been.
type supposedHistory struct {
	kinds []string
	live  func(h *house, w *WhatIf) // w is nil in the history as it was
	chat  bot.ChatID                // where wm001 is asked about
}

// What is supposed is made so in a second history, and there the books say what was
// predicted.
func TestWhatIfComesTrue(t *testing.T) {
	t.Parallel()
	for name, y := range supposedHistories() {
		t.Run(name, func(t *testing.T) {
			was := houseWithTwoGroups(t)
			y.live(was, nil)
			x := was.explain(y.chat, "wm001")
			i := slices.IndexFunc(x.WhatIf, func(w WhatIf) bool { return slices.Equal(w.Kinds, y.kinds) })
			if i < 0 {
				t.Fatalf("%s: nothing of %v in %+v", x.Reason, y.kinds, x.WhatIf)
			}
			w := x.WhatIf[i]
			if strings.Contains(w.ZH+w.EN, "%!") || !strings.HasPrefix(w.ZH, "如果") || !strings.HasPrefix(w.EN, "If ") {
				t.Errorf("told %q %q", w.ZH, w.EN)
			}
			other := houseWithTwoGroups(t)
			y.live(other, &w)
			got := other.explain(y.chat, "wm001")
			if got.Decision != w.Decision || got.Reason != w.Reason {
				t.Fatalf("it became %s %s, predicted: %s", got.Decision, got.Reason, w.EN)
			}
			if got.Decision == "rewarded" && (got.Entry.AmountFen != w.AmountFen || got.Entry.Status != w.Status || w.Staff != "" && got.Entry.Staff != w.Staff) {
				t.Errorf("it became %+v, predicted: %s", *got.Entry, w.EN)
			}
			if x.Decision == got.Decision && x.Entry.AmountFen == got.Entry.AmountFen && x.Entry.Staff == got.Entry.Staff && x.Entry.DueAt.Equal(got.Entry.DueAt) && x.Entry.Status == got.Entry.Status {
				t.Errorf("nothing would have been different: %s", w.EN)
			}
		})
	}
}

func houseWithTwoGroups(t *testing.T) *house {
	h := houseWithGroup(t)
	h.world.group(g2, "owner")
	h.readGroup(g2)
	h.pass(time.Minute)
	return h
}

// hourRule holds for an hour and claws back for half of one.
func hourRule() store.Rule {
	return store.Rule{Tiers: tiers(), HoldMS: time.Hour.Milliseconds(), ClawbackMS: (30 * time.Minute).Milliseconds()}
}

func supposedHistories() map[string]supposedHistory {
	stranger := customer(1)
	stranger.Inviter = ""
	out := map[string]supposedHistory{
		"stayed until the clawback was over": {[]string{"stay_longer"}, func(h *house, w *WhatIf) {
			h.rule(hourRule())
			h.joins(g1, customer(1))
			if w != nil {
				h.pass(w.At.Sub(h.clock()))
			}
			h.deliver(h.world.leave(g1, "wm001", 0))
			h.pass(3 * time.Hour)
		}, g1},
		"was in no group before": {[]string{"first_stay"}, func(h *house, w *WhatIf) {
			h.rule(hourRule())
			if w == nil {
				h.joins(g1, customer(1))
			}
			h.joins(g2, customer(2), customer(3), customer(1))
		}, g2},
		"was brought by somebody": {[]string{"inviter"}, func(h *house, w *WhatIf) {
			c := stranger
			if w != nil {
				c.Inviter = "cashier"
			}
			h.rule(hourRule())
			h.joins(g1, c)
		}, g1},
		"was brought by somebody, and new": {[]string{"inviter", "first_stay"}, func(h *house, w *WhatIf) {
			c := stranger
			h.rule(hourRule())
			if w == nil {
				h.joins(g1, customer(1))
				h.joins(g2, customer(1))
				h.deliver(h.world.leave(g2, "wm001", 0))
				h.pass(time.Minute)
			} else {
				c.Inviter = "cashier"
			}
			h.joins(g2, c)
		}, g2},
		"joined within 30 days of the contact": {[]string{"contact"}, func(h *house, w *WhatIf) {
			h.channel(store.Channel{Name: "李的名片", Kind: store.ChannelContact, Staff: "li", State: "C1"})
			added, joined := start.Add(-31*24*time.Hour), h.clock().Truncate(time.Second)
			h.rule(store.Rule{Tiers: tiers(), EffectiveFrom: start.AddDate(0, -2, 0)})
			h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
				return tx.AddContact(store.Contact{Customer: "wm001", UserID: "li", AddedAt: added, State: "C1"})
			}))
			if w != nil {
				joined = w.At
			}
			c := stranger
			c.JoinedAt = joined
			h.joins(g1, c)
		}, g1},
		"was a customer": {[]string{"customer"}, func(h *house, w *WhatIf) {
			h.rule(hourRule())
			h.joins(g1, customer(2), customer(3))
			c := customer(1)
			if c.Kind = bot.Staff; w != nil {
				c.Kind = bot.Customer
			}
			h.joins(g1, c)
		}, g1},
		"the rule was in force": {[]string{"rule_in_force"}, func(h *house, w *WhatIf) {
			c := customer(1)
			c.JoinedAt = start.AddDate(0, 0, -3)
			r := hourRule()
			if w != nil {
				r.EffectiveFrom = c.JoinedAt
			}
			h.rule(r)
			h.joins(g1, c)
		}, g1},
		"was the third": {[]string{"ordinal"}, func(h *house, w *WhatIf) {
			h.rule(hourRule())
			h.joins(g1, customer(2))
			if w != nil {
				h.joins(g1, customer(3))
			}
			h.joins(g1, customer(1))
		}, g1},
		"was the second": {[]string{"ordinal"}, func(h *house, w *WhatIf) {
			h.rule(hourRule())
			h.joins(g1, customer(2), customer(3))
			if w != nil {
				h.deliver(h.world.leave(g1, "wm003", 0))
				h.pass(time.Minute)
			}
			h.joins(g1, customer(1))
		}, g1},
		"the code was not scanned": {[]string{"other_inviter"}, func(h *house, w *WhatIf) {
			h.channel(store.Channel{Name: "三号收银台", Kind: store.ChannelGroup, Staff: "wang", State: "S1"})
			c := customer(1)
			if w == nil {
				c.State = "S1"
			}
			h.rule(hourRule())
			h.joins(g1, c)
		}, g1},
		"leaves before the hold ends": {[]string{"leave"}, func(h *house, w *WhatIf) {
			h.rule(hourRule())
			h.joins(g1, customer(1))
			if w != nil {
				h.pass(w.At.Add(-time.Second).Sub(h.clock()))
				h.deliver(h.world.leave(g1, "wm001", 0))
				h.pass(time.Hour)
			}
		}, g1},
		"leaves before the clawback ends": {[]string{"leave"}, func(h *house, w *WhatIf) {
			h.rule(hourRule())
			h.joins(g1, customer(1))
			h.pass(time.Hour)
			if w != nil {
				h.pass(w.At.Add(-time.Second).Sub(h.clock()))
				h.deliver(h.world.leave(g1, "wm001", 0))
				h.pass(time.Hour)
			}
		}, g1},
		"another version judged": {[]string{"rule_version"}, func(h *house, w *WhatIf) {
			next := store.Rule{Tiers: []store.Tier{{Fen: 300}}, HoldMS: time.Hour.Milliseconds(), EffectiveFrom: start.AddDate(0, 0, 7)}
			if w != nil {
				next.EffectiveFrom = time.Time{} // in force from the start
			}
			h.rule(next)
			h.joins(g1, customer(1))
		}, g1},
		"there was no budget": {[]string{"budget"}, func(h *house, w *WhatIf) {
			r := hourRule()
			if w == nil {
				r.Budget = &store.Budget{Fen: 60, Per: store.BudgetCorp}
			}
			h.rule(r)
			h.joins(g1, customer(2), customer(1))
		}, g1},
		"somebody releases it": {[]string{"release"}, func(h *house, w *WhatIf) {
			h.flagged()
			if w != nil {
				h.must(h.decide(0, store.DecideRelease))
			}
			h.pass(2 * time.Hour)
		}, g1},
		"it was released instead of voided": {[]string{"decision"}, func(h *house, w *WhatIf) {
			h.flagged()
			how := store.DecideVoid
			if w != nil {
				how = store.DecideRelease
			}
			h.must(h.decide(0, how))
			h.pass(2 * time.Hour)
		}, g1},
	}
	return out
}

// flagged lets two people join in one second, which is enough to be flagged here.
func (h *house) flagged() {
	h.t.Helper()
	h.rule(store.Rule{Tiers: tiers(), HoldMS: time.Hour.Milliseconds()})
	h.checks(func(c *store.CheckSettings) { c.Threshold, c.Burst.Count = 0.4, 2 })
	h.deliver(h.world.join(g1, customer(1), customer(2)))
	h.pass(time.Minute)
}

// Why an entry waits, for which signs, and who decided, is told.
func TestFlagsAndDecisionsAreTold(t *testing.T) {
	h := houseWithGroup(t)
	h.flagged()
	x := h.explain(g1, "wm001")
	if f, s, d := x.step(t, "flag"), x.step(t, "signal"), x.step(t, "decision"); f.Status != store.FlagOpen || s.Signal != "burst" || d.By != "" || !strings.Contains(f.EN, "0.4") {
		t.Errorf("flagged: %q", x.Evidence(English))
	}
	h.must(h.decide(0, store.DecideVoid))
	x = h.explain(g1, "wm001")
	if d := x.step(t, "decision"); x.Decision != "not_rewarded" || x.Reason != ReasonDecided || d.By != "wang" || !strings.Contains(d.ZH, "问过了") || d.Status != store.FlagVoided {
		t.Errorf("voided: %s %+v", x.Reason, d)
	}
}

// An entry's way through payouts is told to its end: who collected, approved and paid, and
// which payout kept back what was clawed back afterwards.
func TestPayoutsAreToldToTheirEnd(t *testing.T) {
	h := houseWithGroup(t)
	h.rule(store.Rule{Tiers: tiers(), HoldMS: time.Hour.Milliseconds(), ClawbackMS: (90 * 24 * time.Hour).Milliseconds()})
	h.joins(g1, customer(1), customer(2), customer(3))
	h.pass(10 * 24 * time.Hour)
	ctx := context.Background()
	forget := func(*store.Tx, string) error { return nil }
	p := &Payouts{Store: h.store, Now: h.clock, Zone: time.UTC}
	first, err := p.Make(ctx, PayoutAsk{Period: "2026-11", By: "anna"}, forget)
	h.must(err)
	if s := h.explain(g1, "wm001").step(t, "payout"); s.Payout != first.ID || s.Status != store.PayoutCollected || s.By != "anna" {
		t.Errorf("collected: %+v", s)
	}
	_, err = p.Approve(ctx, first.ID, "bert", forget)
	h.must(err)
	_, err = p.Pay(ctx, first.ID, "carl", forget)
	h.must(err)
	if s := h.explain(g1, "wm001").step(t, "payout"); s.Status != store.PayoutPaid || s.By != "carl" || !strings.Contains(s.EN, "approved at") {
		t.Errorf("paid: %+v", s)
	}
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Hour)
	x := h.explain(g1, "wm001")
	if last := x.Steps[len(x.Steps)-2]; x.Reason != ReasonLeftEarly || last.Kind != "payout" || last.AmountFen != 50 || last.Payout != 0 {
		t.Errorf("owed: %s %+v", x.Reason, last)
	}
	h.joins(g1, customer(5))
	h.pass(31 * 24 * time.Hour)
	second, err := p.Make(ctx, PayoutAsk{Period: "2026-12"}, forget)
	h.must(err)
	x = h.explain(g1, "wm001")
	if last := x.Steps[len(x.Steps)-2]; last.Payout != second.ID || last.Status != store.PayoutPaid || !strings.Contains(last.ZH, "扣回") {
		t.Errorf("recovered: %+v", last)
	}
	if told := strings.Join(x.Evidence(English), "\n"); strings.Contains(told, "%!") {
		t.Error(told)
	}
}

// The override that held for a group is named, and so is the rule that judged a join again.
func TestOverridesAndChangedRulesAreNamed(t *testing.T) {
	h := houseWithGroup(t)
	h.openShops("s1")
	h.place(g1, "s1")
	h.rule(store.Rule{Tiers: tiers(), HoldMS: time.Hour.Milliseconds(), Overrides: []store.Override{{Name: "开业", Stores: []string{"s1"}, Tiers: []store.Tier{{Fen: 300}}}}})
	h.joins(g1, customer(1))
	if a := h.explain(g1, "wm001").step(t, "amount"); a.Override != "开业" || a.AmountFen != 300 || a.Rule != 2 {
		t.Errorf("under the override: %+v", a)
	}
	h.ruleSince(start, store.Rule{Tiers: []store.Tier{{Fen: 400}}})
	h.pass(time.Minute)
	x := h.explain(g1, "wm001")
	if a := x.step(t, "amount"); a.Override != "" || a.AmountFen != 400 || a.Rule != 3 {
		t.Errorf("judged again: %+v", a)
	}
	told := strings.Join(x.Evidence(Chinese), "\n")
	if !strings.Contains(told, "3.00元 从cashier的观察期内转到公司") || !strings.Contains(told, "按规则版本 3 重算") {
		t.Error(told)
	}
}

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

// till is a house at the end of a month: li brought three customers, wang one, all payable;
// who leaves within a hundred days gives the reward back.
type till struct {
	*house
	p *Payouts
}

func newTill(t *testing.T) *till {
	t.Helper()
	h := houseWithGroup(t)
	h.rule(store.Rule{Tiers: []store.Tier{{UpTo: 2, Fen: 50}, {Fen: 100}}, HoldMS: time.Hour.Milliseconds(), ClawbackMS: (100 * 24 * time.Hour).Milliseconds()})
	x := &till{h, &Payouts{Store: h.store, Now: h.clock, Zone: shanghai}}
	x.bring("li", 1, 2, 3)
	x.bring("wang", 4)
	x.to(2026, 12)
	return x
}

// bring lets a cashier bring customers.
func (x *till) bring(staff string, customers ...int) {
	x.t.Helper()
	for _, n := range customers {
		m := customer(n)
		m.Inviter = bot.UserID(staff)
		x.deliver(x.world.join(g1, m))
		x.pass(time.Minute)
	}
}

func (x *till) gone(member bot.MemberID) {
	x.t.Helper()
	x.deliver(x.world.leave(g1, member, 0))
	x.pass(time.Minute)
}

// to goes on to the beginning of a month.
func (x *till) to(year int, month time.Month) {
	x.t.Helper()
	x.pass(time.Date(year, month, 1, 0, 0, 0, 0, shanghai).Sub(x.clock()))
}

// says tells how a payout stands, and demands that the books agree with themselves.
func (x *till) says(id int64, want string) {
	x.t.Helper()
	r := x.store.Read(context.Background())
	p, err := r.Payout(id)
	x.must(err)
	lines, err := r.PayoutLines(id)
	x.must(err)
	out := []string{p.Status}
	for _, l := range lines {
		out = append(out, fmt.Sprintf("%s %d: %d-%d=%d", l.Staff, l.Joins, l.GrossFen, l.RecoveredFen, l.AmountFen))
	}
	if got := strings.Join(out, ", "); got != want {
		x.t.Errorf("payout %d says %s, want %s", id, got, want)
	}
	found, err := r.Audit()
	x.must(err)
	for _, d := range found.Differences {
		x.t.Errorf("the books differ: %+v", d)
	}
}

// refused demands a refusal that says something.
func (x *till) refused(err error, want string) {
	x.t.Helper()
	var c *Conflict
	var inv *Invalid
	switch {
	case errors.As(err, &c) && strings.Contains(c.Detail, want):
	case errors.As(err, &inv) && strings.Contains(inv.Field+" "+inv.Detail, want):
	default:
		x.t.Errorf("got %v, want a refusal that says %q", err, want)
	}
}

func only(_ store.Payout, err error) error { return err }

func TestAPayoutsLife(t *testing.T) {
	x, ctx := newTill(t), context.Background()
	p, err := x.p.Make(ctx, PayoutAsk{Period: "2026-11", By: " Anna "}, noRemember)
	x.must(err)
	x.says(p.ID, "collected, li 3: 200-0=200, wang 1: 100-0=100")
	x.balances(map[string]int64{"company": -300, "payable:li": 200, "payable:wang": 100})
	x.refused(only(x.p.Make(ctx, PayoutAsk{Period: "2026-11", By: "ben"}, noRemember)), "nothing of 2026-11 is payable")
	x.refused(only(x.p.Pay(ctx, p.ID, "ben", noRemember)), "payout 1 is collected; only one that is approved can be paid")
	x.refused(only(x.p.Approve(ctx, p.ID, "aNNA\t", noRemember)), "somebody else")
	x.must(only(x.p.Approve(ctx, p.ID, "ben", noRemember)))
	x.refused(only(x.p.Approve(ctx, p.ID, "carl", noRemember)), "is approved")

	x.gone("wm001") // falls out of what was approved
	x.refused(only(x.p.Pay(ctx, p.ID, "anna", noRemember)), "now pays 250 fen for 3 joins; approve it again")
	x.says(p.ID, "collected, li 2: 150-0=150, wang 1: 100-0=100")
	x.refused(only(x.p.Approve(ctx, p.ID, "anna", noRemember)), "somebody else")
	x.must(only(x.p.Approve(ctx, p.ID, "ben", noRemember)))
	x.must(only(x.p.Pay(ctx, p.ID, "anna", noRemember)))
	x.says(p.ID, "paid, li 2: 150-0=150, wang 1: 100-0=100")
	x.refused(only(x.p.Pay(ctx, p.ID, "anna", noRemember)), "is paid")
	x.refused(only(x.p.Discard(ctx, p.ID, "anna", "x", noRemember)), "is paid; only one that is collected or approved can be discarded")
	steps, err := x.store.Read(ctx).PayoutSteps(p.ID)
	x.must(err)
	var told []string
	for _, s := range steps {
		told = append(told, s.Status+" "+s.Who)
	}
	if got := strings.Join(told, ", "); got != "collected Anna, approved ben, collected anna, approved ben, paid anna" {
		t.Errorf("steps: %s", got)
	}

	x.gone("wm002") // paid, and clawed back: li owes 50
	x.bring("li", 5)
	x.to(2027, 1)
	second, err := x.p.Make(ctx, PayoutAsk{Period: "2026-12"}, noRemember)
	x.must(err)
	x.says(second.ID, "paid, li 1: 100-50=50")
	x.balances(map[string]int64{"company": -300, "paid:li": 200, "paid:wang": 100})
	x.refused(only(x.p.Reverse(ctx, p.ID, "ben", "转账失败", noRemember)), "reverse payout 2 first")
	x.must(only(x.p.Reverse(ctx, second.ID, "ben", "转账失败", noRemember)))
	x.says(second.ID, "reversed, li 1: 100-50=50")
	x.balances(map[string]int64{"company": -300, "paid:li": 150, "payable:li": 50, "paid:wang": 100})
	x.must(only(x.p.Reverse(ctx, p.ID, "ben", "转账失败", noRemember)))
	x.says(p.ID, "reversed, li 2: 150-0=150, wang 1: 100-0=100")
	x.balances(map[string]int64{"company": -300, "payable:li": 200, "payable:wang": 100})
	x.refused(only(x.p.Make(ctx, PayoutAsk{Period: "2026-12", CarryOver: true}, noRemember)), "are being judged again")
	x.pass(time.Minute)
	third, err := x.p.Make(ctx, PayoutAsk{Period: "2026-12", CarryOver: true}, noRemember)
	x.must(err)
	x.says(third.ID, "paid, li 2: 200-0=200, wang 1: 100-0=100")
}

// A join that stood only because it was paid is judged anew when the payment is reversed, and
// so is the earlier one of the same person.
func TestAReversalLetsTheEarlierJoinEarn(t *testing.T) {
	x, ctx := newTill(t), context.Background()
	x.world.group(g2, "owner")
	x.readGroup(g2)
	x.pass(time.Minute)
	early := customer(7)
	early.Inviter = "early"
	x.world.join(g2, early) // the callback is lost
	x.pass(time.Minute)
	x.bring("li", 7)
	x.to(2027, 1)
	p, err := x.p.Make(ctx, PayoutAsk{Period: "2026-12"}, noRemember)
	x.must(err)
	x.says(p.ID, "paid, li 1: 100-0=100")
	x.readGroup(g2)
	x.pass(time.Minute)
	x.balances(map[string]int64{"company": -400, "payable:li": 200, "payable:wang": 100, "paid:li": 100})
	x.must(only(x.p.Reverse(ctx, p.ID, "ben", "重复", noRemember)))
	x.pass(2 * time.Hour)
	x.balances(map[string]int64{"company": -350, "payable:li": 200, "payable:wang": 100, "payable:early": 50})
	x.says(p.ID, "reversed, li 1: 100-0=100")
}

// The same where the earlier join was by another user id, and the union id became known only
// after the entry had been paid.
func TestAReversalKnowsUnionIDsThatWereLearnedLate(t *testing.T) {
	x, ctx := newTill(t), context.Background()
	x.world.group(g2, "owner")
	x.readGroup(g2)
	x.pass(time.Minute)
	early := customer(8)
	early.Inviter, early.UnionID = "early", "one person"
	x.world.join(g2, early) // the callback is lost
	x.pass(time.Minute)
	x.bring("li", 7)
	x.to(2027, 1)
	p, err := x.p.Make(ctx, PayoutAsk{Period: "2026-12"}, noRemember)
	x.must(err)
	for i := range x.world.groups[g1].Members {
		if m := &x.world.groups[g1].Members[i]; m.ID == customer(7).ID {
			m.UnionID = "one person"
		}
	}
	x.readGroup(g1)
	x.pass(time.Minute)
	x.readGroup(g2)
	x.pass(time.Minute)
	x.balances(map[string]int64{"company": -400, "payable:li": 200, "payable:wang": 100, "paid:li": 100})
	x.must(only(x.p.Reverse(ctx, p.ID, "ben", "重复", noRemember)))
	x.pass(2 * time.Hour)
	x.balances(map[string]int64{"company": -350, "payable:li": 200, "payable:wang": 100, "payable:early": 50})
}

func TestADebtChangesAnApprovedPayout(t *testing.T) {
	x, ctx := newTill(t), context.Background()
	x.must(only(x.p.Make(ctx, PayoutAsk{Period: "2026-11"}, noRemember)))
	x.bring("li", 5)
	x.to(2027, 1)
	p, err := x.p.Make(ctx, PayoutAsk{Period: "2026-12", By: "anna"}, noRemember)
	x.must(err)
	x.must(only(x.p.Approve(ctx, p.ID, "ben", noRemember)))
	x.gone("wm001")
	x.refused(only(x.p.Pay(ctx, p.ID, "anna", noRemember)), "now pays 50 fen for 1 joins")
	x.says(p.ID, "collected, li 1: 100-50=50")
	x.must(only(x.p.Approve(ctx, p.ID, "ben", noRemember)))
	x.must(only(x.p.Discard(ctx, p.ID, "ben", "下月再发", noRemember)))
	x.says(p.ID, "discarded, li 1: 100-50=50")
	again, err := x.p.Make(ctx, PayoutAsk{Period: "2026-12"}, noRemember)
	x.must(err)
	x.says(again.ID, "paid, li 1: 100-50=50")
}

func TestWhatCannotBePaidIsRefused(t *testing.T) {
	x, ctx := newTill(t), context.Background()
	for want, ask := range map[string]PayoutAsk{
		`period "2026-13" is no month`: {Period: "2026-13"},
		`period "" is no month`:        {},
		`period "2026-1" is no month`:  {Period: "2026-1"},
		`period 2026-12 is not over: it may be paid from 2027-01-01 00:00 (Asia/Shanghai) on`: {Period: "2026-12"},
		"period 2099-01 is not over": {Period: "2099-01"},
		"by is empty":                {Period: "2026-11", By: " \t"},
		"by has 65 characters":       {Period: "2026-11", By: strings.Repeat("安", 65)},
		"nothing of 2026-10":         {Period: "2026-10", By: "anna"},
	} {
		x.refused(only(x.p.Make(ctx, ask, noRemember)), want)
	}
	if n, err := x.store.Read(ctx).Payouts(store.PayoutFilter{}); err != nil || len(n) != 0 {
		t.Errorf("%d payouts came into being %v", len(n), err)
	}
	x.p.SecondPerson = true
	x.refused(only(x.p.Make(ctx, PayoutAsk{Period: "2026-11"}, noRemember)), "by is missing: here a second person approves")
	p, err := x.p.Make(ctx, PayoutAsk{Period: "2026-11", By: "anna"}, noRemember)
	x.must(err)
	x.refused(only(x.p.Approve(ctx, p.ID, "", noRemember)), "by is empty")
	x.refused(only(x.p.Discard(ctx, p.ID, "ben", " ", noRemember)), "reason is empty")
	x.refused(only(x.p.Discard(ctx, p.ID, "ben", strings.Repeat("x", 501), noRemember)), "reason has 501 characters")
	x.refused(only(x.p.Reverse(ctx, p.ID, "ben", "x", noRemember)), "is collected; only one that is paid can be reversed")
	if err := only(x.p.Approve(ctx, 99, "ben", noRemember)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown payout: %v", err)
	}
}

// The second before the month ends is too early, in the zone of the shops.
func TestAMonthIsPaidFromItsEndOn(t *testing.T) {
	h := houseWithGroup(t)
	p := &Payouts{Store: h.store, Now: h.clock, Zone: shanghai}
	end := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)
	h.pass(end.Add(-time.Second).Sub(h.clock()))
	var inv *Invalid
	if err := only(p.Make(context.Background(), PayoutAsk{Period: "2026-11"}, noRemember)); !errors.As(err, &inv) {
		t.Errorf("a second too early: %v", err)
	}
	h.pass(time.Second)
	if err := only(p.Make(context.Background(), PayoutAsk{Period: "2026-11"}, noRemember)); err != nil {
		t.Errorf("at midnight: %v", err)
	}
}

// The power goes at the end of each step, before it is committed: nothing of it was done, and
// the step can be taken as if nothing had been.
func TestAStepThatIsCutOffLeavesNothing(t *testing.T) {
	x, ctx := newTill(t), context.Background()
	cut := errors.New("the power is gone")
	state := func() string {
		r := x.store.Read(ctx)
		payouts, err := r.Payouts(store.PayoutFilter{})
		x.must(err)
		out := fmt.Sprint(payouts)
		for _, p := range payouts {
			lines, err := r.PayoutLines(p.ID)
			x.must(err)
			items, err := r.PayoutItems(p.ID)
			x.must(err)
			steps, err := r.PayoutSteps(p.ID)
			x.must(err)
			out += fmt.Sprint(lines, len(items), steps)
		}
		for _, e := range x.entries() {
			ts, err := r.Transfers(e.ID)
			x.must(err)
			out += fmt.Sprint(e.Status, e.PayoutID == nil, e.RecoveredBy == nil, len(ts))
		}
		statement, err := r.Statement(store.StatementFilter{Period: "2026-11"})
		x.must(err)
		return out + fmt.Sprint(statement)
	}
	for i, step := range []func(Remember) error{
		func(r Remember) error { return only(x.p.Make(ctx, PayoutAsk{Period: "2026-11", By: "anna"}, r)) },
		func(r Remember) error { return only(x.p.Approve(ctx, 1, "ben", r)) },
		func(r Remember) error { return only(x.p.Discard(ctx, 1, "ben", "x", r)) },
		func(r Remember) error { return only(x.p.Make(ctx, PayoutAsk{Period: "2026-11", By: "anna"}, r)) },
		func(r Remember) error { return only(x.p.Approve(ctx, 2, "ben", r)) },
		func(r Remember) error { return only(x.p.Pay(ctx, 2, "anna", r)) },
		func(r Remember) error { return only(x.p.Reverse(ctx, 2, "ben", "x", r)) },
		func(r Remember) error { x.pass(0); return only(x.p.Make(ctx, PayoutAsk{Period: "2026-11"}, r)) },
	} {
		x.pass(0)
		before := state()
		if err := step(func(*store.Tx, string) error { return cut }); !errors.Is(err, cut) {
			t.Fatalf("step %d was not cut off: %v", i, err)
		}
		if after := state(); after != before {
			t.Errorf("step %d was cut off and left\n%s, before it was\n%s", i, after, before)
		}
		x.must(step(noRemember))
	}
	x.says(3, "paid, li 3: 200-0=200, wang 1: 100-0=100")
}

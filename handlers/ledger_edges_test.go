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

// The hundredth customer of a group earns by the first step, the next by the second; who left
// makes room.
func TestTheStepChangesAfterTheHundredthCustomer(t *testing.T) {
	h := newHouse(t)
	h.rule(store.Rule{})
	h.world.group(g1, "owner")
	var people []bot.Member
	for n := range 101 {
		people = append(people, customer(n))
	}
	h.deliver(h.world.join(g1, people...))
	h.pass(time.Minute)
	h.deliver(h.world.leave(g1, "wm000", 0), h.world.leave(g1, "wm001", 0))
	h.pass(time.Minute)
	h.deliver(h.world.join(g1, customer(200)))
	h.pass(time.Minute)
	h.deliver(h.world.join(g1, customer(201)))
	h.pass(time.Minute)
	want := map[string]int64{"wm098": 50, "wm099": 50, "wm100": 100, "wm200": 50, "wm201": 100}
	for _, e := range h.entries() {
		if fen, ok := want[e.Member]; ok && fen != e.AmountFen {
			t.Errorf("%s as number %d earns %d, want %d", e.Member, e.Ordinal, e.AmountFen, fen)
		}
		delete(want, e.Member)
	}
	if len(want) > 0 {
		t.Errorf("no entries for %v", want)
	}
}

// A month ends at midnight where the company is, wherever the program runs: what was joined in its
// last second is paid with it, what was joined a second later is not.
func TestAMonthEndsAtMidnightOfItsZone(t *testing.T) {
	t.Parallel()
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		zone  *time.Location
		next  time.Time // the first moment of the next month
		month string
	}{
		"a month of 30 days":      {shanghai, time.Date(2026, 12, 1, 0, 0, 0, 0, shanghai), "2026-11"},
		"a month of 31 days":      {shanghai, time.Date(2027, 1, 1, 0, 0, 0, 0, shanghai), "2026-12"},
		"February of 28 days":     {shanghai, time.Date(2027, 3, 1, 0, 0, 0, 0, shanghai), "2027-02"},
		"February of 29 days":     {shanghai, time.Date(2028, 3, 1, 0, 0, 0, 0, shanghai), "2028-02"},
		"before the clock is set": {chicago, time.Date(2026, 12, 1, 0, 0, 0, 0, chicago), "2026-11"},
		"after it was set":        {chicago, time.Date(2027, 4, 1, 0, 0, 0, 0, chicago), "2027-03"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.set(tc.next.Add(-time.Hour))
			h.rewards.Zone = tc.zone
			h.rule(store.Rule{EffectiveFrom: h.clock()})
			h.world.group(g1, "owner")
			h.readGroup(g1)
			h.pass(time.Minute)
			p := Payouts{Store: h.store, Now: h.clock, Zone: tc.zone, CatchUp: h.rewards.CatchUp}
			h.pass(tc.next.Add(-time.Second).Sub(h.clock()))
			last := h.world.join(g1, customer(1))
			if _, err := p.Make(context.Background(), PayoutAsk{Period: tc.month}, noRemember); err == nil {
				t.Error("a month was paid in its last second")
			}
			h.pass(time.Second)
			h.deliver(last, h.world.join(g1, customer(2)))
			h.pass(169 * time.Hour)
			paid, err := p.Make(context.Background(), PayoutAsk{Period: tc.month}, noRemember)
			h.must(err)
			h.status(store.EntryPaid, store.EntryPayable)
			if e := h.entries(); paid.Joins != 1 || e[0].Period != tc.month || e[1].Period != tc.next.Format("2006-01") {
				t.Errorf("paid %+v of %+v", paid, e)
			}
			// The month is over in its very first second.
			if _, err := p.Make(context.Background(), PayoutAsk{Period: tc.next.Format("2006-01")}, noRemember); err == nil {
				t.Error("a month was paid that is not over")
			}
			h.set(tc.next.AddDate(0, 1, 0))
			if paid, err = p.Make(context.Background(), PayoutAsk{Period: tc.next.Format("2006-01")}, noRemember); err != nil || paid.Joins != 1 {
				t.Errorf("the next month: %+v %v", paid, err)
			}
		})
	}
}

// A rule holds from its second on, that second included; of two rules of one second the newer.
func TestARuleHoldsFromItsSecondOn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from []time.Duration // of versions, from the join on
		want int64
	}{
		"a second before":    {[]time.Duration{-time.Second}, 1},
		"in its second":      {[]time.Duration{0}, 1},
		"a second after":     {[]time.Duration{time.Second}, 50},
		"two in its second":  {[]time.Duration{0, 0}, 2},
		"the newer is later": {[]time.Duration{0, time.Second}, 1},
		"the newer is older": {[]time.Duration{0, -time.Second}, 2},
	} {
		for _, when := range []string{"before the join", "after the join"} {
			t.Run(name+", put "+when, func(t *testing.T) {
				h := houseWithGroup(t)
				joined := h.clock().Add(time.Hour)
				put := func() {
					for i, from := range tc.from {
						h.rule(store.Rule{Tiers: []store.Tier{{Fen: int64(i + 1)}}, EffectiveFrom: joined.Add(from)})
					}
				}
				if when == "before the join" {
					put()
				}
				h.pass(time.Hour)
				h.deliver(h.world.join(g1, customer(1)))
				h.pass(time.Minute)
				if when == "after the join" {
					put()
					h.must(h.rewards.CatchUp(context.Background()))
				}
				if e := h.entries(); len(e) != 1 || e[0].AmountFen != tc.want {
					t.Errorf("%+v, want %d fen", e, tc.want)
				}
			})
		}
	}
}

// The clawback of what was paid ends to the second too.
func TestTheClawbackOfAPaidRewardEndsToTheSecond(t *testing.T) {
	for stays, want := range map[time.Duration]string{
		48*time.Hour - time.Second: store.EntryClawedBack,
		48 * time.Hour:             store.EntryPaid,
		48*time.Hour + time.Second: store.EntryPaid,
	} {
		h := houseWithGroup(t)
		h.set(time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC))
		h.rewards.Zone = time.UTC
		h.rule(store.Rule{HoldMS: 1, ClawbackMS: (48 * time.Hour).Milliseconds() - 1, EffectiveFrom: h.clock()})
		h.deliver(h.world.join(g1, customer(1)))
		joined := h.clock()
		h.pass(time.Hour)
		p := Payouts{Store: h.store, Now: h.clock, Zone: time.UTC, CatchUp: h.rewards.CatchUp}
		_, err := p.Make(context.Background(), PayoutAsk{Period: "2026-11"}, noRemember)
		h.must(err)
		h.pass(joined.Add(stays).Sub(h.clock()))
		h.deliver(h.world.leave(g1, "wm001", 0))
		h.pass(time.Minute)
		h.status(want)
	}
}

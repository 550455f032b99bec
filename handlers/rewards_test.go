package handlers

import (
	"context"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

func (h *house) rule(r store.Rule) {
	h.t.Helper()
	if r.Tiers == nil {
		r.Tiers = []store.Tier{{UpTo: 100, Fen: 50}, {Fen: 100}}
	}
	if r.OncePer == "" {
		r.OncePer = OncePerCorp
	}
	if r.EffectiveFrom.IsZero() {
		r.EffectiveFrom = start
	}
	_, err := h.rewards.PutRule(context.Background(), r, noRemember)
	h.must(err)
}

func (h *house) status(want ...string) {
	h.t.Helper()
	var got []string
	for _, e := range h.entries() {
		got = append(got, e.Status)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		h.t.Errorf("entries are %v, want %v", got, want)
	}
	balances, err := h.store.Read(context.Background()).Balances()
	h.must(err)
	sum := int64(0)
	for _, fen := range balances {
		sum += fen
	}
	if sum != 0 {
		h.t.Errorf("the books do not balance: %v", balances)
	}
}

func TestARewardIsHeldThenPayable(t *testing.T) {
	h := newHouse(t)
	h.rule(store.Rule{HoldMS: time.Hour.Milliseconds()})
	h.world.group(g1, "owner")
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Hour - time.Millisecond)
	h.status(store.EntryHeld)
	h.pass(time.Millisecond)
	h.status(store.EntryPayable)
}

func TestTheHoldAndTheClawbackEndToTheSecond(t *testing.T) {
	for name, tc := range map[string]struct {
		stays time.Duration
		want  string
	}{
		"a second before the hold ends":     {time.Hour - time.Second, store.EntryVoid},
		"when the hold ends":                {time.Hour, store.EntryClawedBack},
		"a second before the clawback ends": {90*time.Minute - time.Second, store.EntryClawedBack},
		"when the clawback ends":            {90 * time.Minute, store.EntryPayable},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.rule(store.Rule{HoldMS: time.Hour.Milliseconds(), ClawbackMS: (30 * time.Minute).Milliseconds()})
			h.world.group(g1, "owner")
			h.deliver(h.world.join(g1, customer(1)))
			h.pass(tc.stays)
			h.deliver(h.world.leave(g1, "wm001", 0))
			h.pass(3 * time.Hour)
			h.status(tc.want)
		})
	}
}

func TestTheTierIsChosenByOrdinal(t *testing.T) {
	h := newHouse(t)
	h.rule(store.Rule{Tiers: []store.Tier{{UpTo: 2, Fen: 50}, {Fen: 100}}})
	h.world.group(g1, "owner")
	h.deliver(h.world.join(g1, customer(1), customer(2), customer(3)))
	h.pass(time.Minute)
	var got []int64
	for _, e := range h.entries() {
		got = append(got, e.AmountFen)
	}
	if len(got) != 3 || got[0] != 50 || got[1] != 50 || got[2] != 100 {
		t.Errorf("got %v, want 50 50 100", got)
	}
}

func TestAPersonEarnsOncePerScope(t *testing.T) {
	for scope, want := range map[string]int{OncePerCorp: 1, OncePerStore: 2, OncePerGroup: 3} {
		t.Run(scope, func(t *testing.T) {
			h := newHouse(t)
			h.rule(store.Rule{OncePer: scope})
			const g3 = bot.ChatID("wr3")
			for _, g := range []bot.ChatID{g1, g2, g3} {
				h.world.group(g, "owner")
				h.readGroup(g)
			}
			h.pass(time.Minute)
			h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
				if err := tx.PlaceChat(g1, "s1", nil); err != nil {
					return err
				}
				return tx.PlaceChat(g2, "s1", nil)
			}))
			for _, g := range []bot.ChatID{g1, g2, g3, g1} {
				h.deliver(h.world.join(g, customer(1)))
				h.pass(time.Minute)
				h.deliver(h.world.leave(g, "wm001", 0))
				h.pass(time.Minute)
			}
			if got := len(h.entries()); got != want {
				t.Errorf("%d entries, want %d", got, want)
			}
		})
	}
}

func TestOnePersonIsKnownByTheUnionID(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.group(g2, "owner")
	a, b := customer(1), customer(2)
	a.UnionID, b.UnionID = "same person", "same person"
	h.deliver(h.world.join(g1, a))
	h.pass(time.Minute)
	h.deliver(h.world.join(g2, b))
	h.pass(time.Minute)
	h.status(store.EntryHeld)
}

// The news of an earlier join may come later: then that one earns, and the later one not.
func TestTheEarlierJoinEarnsHoweverLateItIsKnown(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.group(g2, "owner")
	h.readGroup(g1)
	h.readGroup(g2)
	h.pass(time.Minute)
	first := customer(1)
	first.Inviter = "early"
	h.world.join(g1, first) // the callback is lost
	h.pass(time.Minute)
	second := customer(1)
	second.Inviter = "late"
	h.deliver(h.world.join(g2, second))
	h.pass(time.Minute)
	h.status(store.EntryHeld)
	h.readGroup(g1)
	h.pass(time.Minute)
	h.status(store.EntryVoid, store.EntryHeld)
	if e := h.entries(); e[0].Staff != "late" || e[0].Reason != ReasonNotNew || e[1].Staff != "early" {
		t.Errorf("entries: %+v", e)
	}
}

func TestWhatWasPaidStands(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.rule(store.Rule{HoldMS: 1000})
	h.world.group(g1, "owner")
	h.world.group(g2, "owner")
	h.readGroup(g1)
	h.pass(time.Minute)
	h.world.join(g1, customer(1)) // lost
	h.pass(time.Minute)
	h.deliver(h.world.join(g2, customer(1)))
	h.pass(time.Minute)
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		p := store.Payout{Period: "2026-11"}
		if err := tx.Collect(&p, "anna"); err != nil {
			return err
		}
		return tx.PayEntries(p)
	}))
	h.status(store.EntryPaid)
	h.readGroup(g1)
	h.pass(time.Minute)
	h.status(store.EntryPaid)
}

func TestNoRewardForStaffStrangersAndEarlierDays(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	early := customer(1)
	early.JoinedAt = start.AddDate(0, 0, -3)
	alone := customer(2)
	alone.Inviter = ""
	colleague := bot.Member{ID: "colleague", Kind: bot.Staff, Inviter: "owner"}
	h.deliver(h.world.join(g1, early, alone, colleague))
	h.pass(time.Minute)
	h.status()
	for member, want := range map[bot.MemberID]string{"wm001": ReasonBeforeEffective, "wm002": ReasonNoInviter, "colleague": ReasonNotCustomer} {
		x, err := h.rewards.Explain(context.Background(), g1, member, time.Time{}, time.UTC)
		h.must(err)
		if x.Decision != "not_rewarded" || x.Reason != want || len(x.Steps) < 2 {
			t.Errorf("%s: %+v, want %s", member, x, want)
		}
	}
	// Having been there counts all the same.
	h.world.group(g2, "owner")
	h.deliver(h.world.join(g2, customer(1)))
	h.pass(time.Minute)
	h.status()
}

func TestExplainTellsWhatTheBooksDid(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.deliver(h.world.join(g1, customer(1), customer(2)))
	h.pass(time.Hour)
	h.deliver(h.world.leave(g1, "wm002", 0))
	h.pass(time.Minute)
	for member, want := range map[bot.MemberID][2]string{"wm001": {"rewarded", ReasonRewarded}, "wm002": {"not_rewarded", ReasonLeftEarly}} {
		x, err := h.rewards.Explain(context.Background(), g1, member, time.Time{}, time.UTC)
		h.must(err)
		if x.Decision != want[0] || x.Reason != want[1] || x.Entry == nil {
			t.Errorf("%s: %+v, want %v", member, x, want)
		}
	}
}

// A newer version holds from its effective date on, over any older one.
func TestTheNewestVersionInForceJudges(t *testing.T) {
	h := newHouse(t)
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 70}}, EffectiveFrom: start.AddDate(0, 0, -30)})
	h.rule(store.Rule{Tiers: []store.Tier{{Fen: 90}}, EffectiveFrom: start.Add(time.Hour)})
	h.world.group(g1, "owner")
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(2 * time.Hour)
	h.deliver(h.world.join(g1, customer(2)))
	h.pass(time.Minute)
	e := h.entries()
	if len(e) != 2 || e[0].AmountFen != 70 || e[1].AmountFen != 90 {
		t.Errorf("entries: %+v", e)
	}
}

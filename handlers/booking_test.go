package handlers

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"xiaobu/store"
)

// balances demands what the accounts hold, those with nothing left out.
func (h *house) balances(want map[string]int64) {
	h.t.Helper()
	got, err := h.store.Read(context.Background()).Balances()
	h.must(err)
	maps.DeleteFunc(got, func(_ string, fen int64) bool { return fen == 0 })
	if !maps.Equal(got, want) {
		h.t.Errorf("balances %v, want %v", got, want)
	}
}

// payAll pays what is payable, past the manners of a payout.
func (h *house) payAll(payout int64) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for _, e := range h.entries() {
			if e.Status != store.EntryPayable {
				continue
			}
			if err := tx.MoveEntry(e, store.EntryPaid, "payout", &payout); err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestWhatIsClawedBackAfterPaymentIsADebtUntilItIsRecovered(t *testing.T) {
	h := houseWithGroup(t)
	h.rule(store.Rule{HoldMS: time.Hour.Milliseconds(), ClawbackMS: (24 * time.Hour).Milliseconds()})
	h.deliver(h.world.join(g1, customer(1), customer(2)))
	h.pass(2 * time.Hour)
	h.payAll(7)
	h.balances(map[string]int64{"company": -100, "paid:cashier": 100})
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Minute)
	h.status(store.EntryClawedBack, store.EntryPaid)
	h.balances(map[string]int64{"company": -50, "paid:cashier": 100, "payable:cashier": -50})
	e := h.entries()[0]
	if e.PayoutID == nil || *e.PayoutID != 7 {
		t.Fatalf("the payout is forgotten: %+v", e)
	}
	to, payout := e, int64(8)
	to.RecoveredBy = &payout
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { return tx.ChangeEntry(e, to, "recovered") }))
	h.balances(map[string]int64{"company": -50, "paid:cashier": 50})
	steps, err := h.store.Read(context.Background()).Transfers(e.ID)
	h.must(err)
	var said []string
	for _, s := range steps {
		said = append(said, fmt.Sprint(strings.TrimPrefix(s.Key, e.Key+":"), " ", s.Debit, ">", s.Credit, " ", s.AmountFen))
	}
	want := "1:held:rewarded company>held:cashier 50, 2:payable:rewarded held:cashier>payable:cashier 50, 3:paid:payout payable:cashier>paid:cashier 50, " +
		"4:clawed_back:left_early payable:cashier>company 50, 5:clawed_back:recovered paid:cashier>payable:cashier 50"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("transfers\n%s, want\n%s", got, want)
	}
}

// An entry that was only collected falls out of its payout when the customer leaves.
func TestWhatIsClawedBackBeforePaymentFallsOutOfThePayout(t *testing.T) {
	h := houseWithGroup(t)
	h.rule(store.Rule{HoldMS: time.Hour.Milliseconds(), ClawbackMS: (24 * time.Hour).Milliseconds()})
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(2 * time.Hour)
	e, payout := h.entries()[0], int64(7)
	to := e
	to.PayoutID = &payout
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { return tx.ChangeEntry(e, to, "collected") }))
	h.balances(map[string]int64{"company": -50, "payable:cashier": 50})
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Minute)
	if e := h.entries()[0]; e.Status != store.EntryClawedBack || e.PayoutID != nil {
		t.Errorf("%+v", e)
	}
	h.balances(map[string]int64{})
}

func TestABudgetServesWhoWasBookedFirst(t *testing.T) {
	for per, want := range map[string]string{
		store.BudgetCorp:  "held held void void",
		store.BudgetStore: "held held held void",
		store.BudgetStaff: "held held void void",
	} {
		t.Run(per, func(t *testing.T) {
			h := houseWithGroup(t)
			h.rule(store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: time.Hour.Milliseconds(), Budget: &store.Budget{Fen: 100, Per: per}})
			h.world.group(g2, "owner")
			h.readGroup(g2)
			h.deliver(h.world.join(g1, customer(1)))
			h.pass(time.Minute)
			h.place(g1, "s1")
			if per == store.BudgetStore {
				h.deliver(h.world.join(g2, customer(2))) // a group without a store is a scope of its own
			} else {
				h.deliver(h.world.join(g1, customer(2)))
			}
			h.pass(time.Minute)
			for n := 3; n <= 4; n++ {
				h.deliver(h.world.join(g1, customer(n)))
				h.pass(time.Minute)
			}
			h.status(strings.Fields(want)...)
			last := h.entries()[3]
			if last.Reason != ReasonOverBudget || last.AmountFen != 50 {
				t.Errorf("%+v", last)
			}
			h.deliver(h.world.leave(g1, "wm001", 0)) // what is free again serves later joins only
			h.pass(2 * time.Hour)
			h.deliver(h.world.join(g1, customer(5)))
			h.pass(time.Minute)
			if es := h.entries(); es[3].Status != store.EntryVoid || es[4].Status != store.EntryHeld {
				t.Errorf("%+v", es)
			}
			lines, err := h.store.Read(context.Background()).Statement(store.StatementFilter{Period: "2026-11"})
			h.must(err)
			refused := int64(strings.Count(want, "void"))
			if l := lines[0]; len(lines) != 1 || l.Joins != 5-refused || l.VoidFen != 50*(refused+1) || l.HeldFen != 50 || l.PayableFen != 50*(3-refused) {
				t.Errorf("statement %+v", lines)
			}
		})
	}
}

// The month is that of the configured zone.
func TestAnEntryBelongsToTheMonthOfItsJoin(t *testing.T) {
	h := houseWithGroup(t)
	end := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC) // midnight in Shanghai
	h.pass(end.Add(-time.Second).Sub(h.clock()))
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Second)
	h.deliver(h.world.join(g1, customer(2)))
	h.pass(time.Minute)
	if e := h.entries(); len(e) != 2 || e[0].Period != "2026-11" || e[1].Period != "2026-12" {
		t.Errorf("%+v", e)
	}
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// bookPayable writes an entry for each amount, all of them payable, and returns their ids.
func bookPayable(t *testing.T, s *Store, staff, period string, amounts ...int64) []int64 {
	t.Helper()
	var out []int64
	tx(t, s, func(tx *Tx) error {
		out = nil
		var n int64
		if err := tx.db.Table("stint").Count(&n).Error; err != nil {
			return err
		}
		for _, fen := range amounts {
			n++
			st := Stint{ChatID: "wr1", UserID: fmt.Sprint("wm", n), Kind: "customer", JoinedAt: tx.Now.Add(time.Duration(n) * time.Second), Inviter: staff}
			if _, err := tx.AddStint(&st); err != nil {
				return err
			}
			e := Entry{Key: JoinKey(st), StintID: st.ID, Staff: staff, ChatID: "wr1", Member: st.UserID, Ordinal: int(n), AmountFen: fen, RuleVersion: 1,
				Period: period, Status: EntryHeld, EarnedAt: st.JoinedAt, DueAt: st.JoinedAt, Reason: "rewarded"}
			if _, err := tx.AddEntry(&e); err != nil {
				return err
			}
			if err := tx.MoveEntry(e, EntryPayable, "rewarded", nil); err != nil {
				return err
			}
			out = append(out, e.ID)
		}
		return nil
	})
	return out
}

// payOut pays a month.
func payOut(t *testing.T, s *Store, period string) Payout {
	t.Helper()
	var p Payout
	tx(t, s, func(tx *Tx) error {
		p = Payout{Period: period}
		if err := tx.Collect(&p, "anna"); err != nil {
			return err
		}
		if err := tx.PayEntries(p); err != nil {
			return err
		}
		return tx.StepPayout(&p, PayoutPaid, "anna", "")
	})
	return p
}

func clawBack(t *testing.T, s *Store, id int64) {
	t.Helper()
	tx(t, s, func(tx *Tx) error {
		e, err := tx.Entry(id)
		if err != nil {
			return err
		}
		payout := e.PayoutID
		if !e.CashOut() {
			payout = nil
		}
		return tx.MoveEntry(e, EntryClawedBack, "left_early", payout)
	})
}

// booksAgree demands what an accountant would: the accounts of everybody tell the same as
// the entries, the sum of all is zero, and the cached figures are those of the entries.
func booksAgree(t *testing.T, s *Store) {
	t.Helper()
	r := s.Read(t.Context())
	entries, err := r.Entries(EntryFilter{})
	must(t, err)
	want, tallies := map[string]int64{}, map[[3]string]Tally{}
	for _, e := range entries {
		switch {
		case e.Status == EntryHeld, e.Status == EntryPayable, e.Status == EntryPaid:
			want[e.Status+":"+e.Staff] += e.AmountFen
		case e.Status == EntryClawedBack && e.PayoutID != nil && e.RecoveredBy == nil:
			want["paid:"+e.Staff] += e.AmountFen
			want["payable:"+e.Staff] -= e.AmountFen
		}
		k := [3]string{e.Period, e.Staff, e.ChatID}
		sum := tallies[k]
		sum.PayableFen += e.tally().PayableFen
		sum.PaidFen += e.tally().PaidFen
		sum.ClawedBackFen += e.tally().ClawedBackFen
		sum.Kept += e.tally().Kept
		tallies[k] = sum
	}
	balances, err := r.Balances()
	must(t, err)
	total := int64(0)
	for account, fen := range balances {
		total += fen
		if account != AccountCompany && fen != want[account] {
			t.Errorf("%s has %d fen, the entries say %d", account, fen, want[account])
		}
	}
	for account, fen := range want {
		if fen != balances[account] {
			t.Errorf("%s has %d fen, the entries say %d", account, balances[account], fen)
		}
	}
	if total != 0 {
		t.Errorf("the accounts sum to %d", total)
	}
	cached, err := all[Tally](r.db)
	must(t, err)
	for _, c := range cached {
		w := tallies[[3]string{c.Period, c.Staff, c.ChatID}]
		if c.PayableFen != w.PayableFen || c.PaidFen != w.PaidFen || c.ClawedBackFen != w.ClawedBackFen || c.Kept != w.Kept {
			t.Errorf("figures %+v, the entries say %+v", c, w)
		}
	}
}

func linesOf(t *testing.T, s *Store, id int64) (out []string) {
	t.Helper()
	lines, err := s.Read(t.Context()).PayoutLines(id)
	must(t, err)
	for _, l := range lines {
		out = append(out, fmt.Sprintf("%s %d: %d-%d=%d", l.Staff, l.Joins, l.GrossFen, l.RecoveredFen, l.AmountFen))
	}
	return out
}

func TestDebtsAreRecoveredOldestFirstAndWhole(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		paid := bookPayable(t, s, "li", "2026-10", 30, 80, 10, 5)
		first := payOut(t, s, "2026-10")
		for _, id := range []int64{paid[1], paid[0], paid[2]} { // in whatever order they became debts
			clawBack(t, s, id)
		}
		booksAgree(t, s)
		bookPayable(t, s, "li", "2026-11", 50)
		bookPayable(t, s, "wang", "2026-11", 7)
		second := payOut(t, s, "2026-11")
		equal(t, "the first that fits", linesOf(t, s, second.ID), []string{"li 1: 50-30=20", "wang 1: 7-0=7"})
		booksAgree(t, s)
		bookPayable(t, s, "li", "2026-12", 90)
		third := payOut(t, s, "2026-12")
		equal(t, "the rest", linesOf(t, s, third.ID), []string{"li 1: 90-90=0"})
		if second.TotalFen != 27 || third.TotalFen != 0 || third.RecoveredFen != 90 {
			t.Errorf("payouts %+v %+v", second, third)
		}
		booksAgree(t, s)
		bookPayable(t, s, "li", "2027-01", 1)
		equal(t, "nothing owed", linesOf(t, s, payOut(t, s, "2027-01").ID), []string{"li 1: 1-0=1"})
		items, err := s.Read(t.Context()).PayoutItems(third.ID)
		must(t, err)
		equal(t, "items", ids(items, func(it PayoutItem) string {
			return fmt.Sprint(it.Kind, " ", it.EntryID, " ", it.AmountFen, " ", it.PaidIn != nil && *it.PaidIn == first.ID)
		}),
			[]string{fmt.Sprint("reward ", paid[3]+3, " 90 false"), fmt.Sprint("recovery ", paid[1], " 80 true"), fmt.Sprint("recovery ", paid[2], " 10 true")})
	})
}

// A reversal gives back what was paid, owes again what was kept back, and forgives what was
// clawed back since, for the money is back.
func TestAReversalTurnsEverythingBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		reverse := func(p Payout) error {
			return s.Tx(t.Context(), func(tx *Tx) error {
				return errors.Join(tx.ReverseEntries(p), tx.StepPayout(&p, PayoutReversed, "ben", "twice"))
			})
		}
		october := bookPayable(t, s, "li", "2026-10", 30, 40, 0)
		first := payOut(t, s, "2026-10")
		clawBack(t, s, october[0])
		lost, err := s.Read(t.Context()).Entry(october[0])
		must(t, err)
		c.Add(time.Hour)
		bookPayable(t, s, "li", "2026-11", 100)
		second := payOut(t, s, "2026-11")
		equal(t, "paid", linesOf(t, s, second.ID), []string{"li 1: 100-30=70"})
		r := s.Read(t.Context())
		if later, err := r.RecoveredLater(first.ID); err != nil || later.ID != second.ID {
			t.Errorf("who kept back: %+v %v", later, err)
		}
		must(t, reverse(second))
		booksAgree(t, s)
		if _, err := r.RecoveredLater(first.ID); !errors.Is(err, ErrNotFound) {
			t.Errorf("nobody keeps anything back: %v", err)
		}
		balances, err := r.Balances()
		must(t, err)
		if balances["payable:li"] != 100-30 || balances["paid:li"] != 70 {
			t.Errorf("the debt is owed again: %v", balances)
		}
		must(t, reverse(first))
		booksAgree(t, s)
		balances, err = r.Balances()
		must(t, err)
		if balances["payable:li"] != 140 || balances["paid:li"] != 0 {
			t.Errorf("all is payable, nothing owed: %v", balances)
		}
		e, err := r.Entry(october[0])
		must(t, err)
		if e.Status != EntryClawedBack || e.PayoutID != nil || !e.SettledAt.Equal(lost.SettledAt) {
			t.Errorf("what was clawed back, once: %+v", e)
		}
		if p, err := r.Payout(first.ID); err != nil || p.Status != PayoutReversed {
			t.Errorf("%+v %v", p, err)
		}
		equal(t, "the lines stay", linesOf(t, s, second.ID), []string{"li 1: 100-30=70"})
		if fen, err := r.Released(c.Now().Add(-2*time.Hour), c.Now().Add(time.Second)); err != nil || fen != 30+40+100 {
			t.Errorf("%d fen became payable %v, want 170 once", fen, err)
		}
		if j, err := r.Rejudging(c.Now().Add(time.Hour)); err != nil || j.Stays == 0 {
			t.Errorf("the joins are judged again: %+v %v", j, err)
		}
		tx(t, s, func(tx *Tx) error {
			p := Payout{Period: "2026-11", CarryOver: true}
			err := tx.Collect(&p, "anna")
			if p.TotalFen != 140 {
				t.Errorf("collected again: %+v", p)
			}
			return errors.Join(err, tx.PayEntries(p))
		})
		booksAgree(t, s)
	})
}

// Many at once leave the same transfers, balances and figures as one by one.
func TestManyEntriesMoveAsOneDoes(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		at := bookPayable(t, s, "li", "2026-10", 30, 0, 50)
		single := bookPayable(t, s, "li", "2026-11", 30)[0]
		p := payOut(t, s, "2026-10")
		tx(t, s, func(tx *Tx) error {
			e, err := tx.Entry(single)
			if err != nil {
				return err
			}
			return tx.MoveEntry(e, EntryPaid, "payout", &p.ID)
		})
		steps := func(id int64) string {
			e, err := s.Read(t.Context()).Entry(id)
			must(t, err)
			ts, err := s.Read(t.Context()).Transfers(id)
			must(t, err)
			return fmt.Sprint(e.Status, e.Reason, e.SettledAt, *e.PayoutID, ids(ts, func(tr Transfer) string {
				return fmt.Sprint(strings.TrimPrefix(tr.Key, e.Key), tr.Debit, tr.Credit, tr.AmountFen, tr.At, tr.Reason)
			}))
		}
		if one, many := steps(single), steps(at[0]); one != many {
			t.Errorf("one by one\n%s, at once\n%s", one, many)
		}
		booksAgree(t, s)
	})
}

// However many collect a month at once, each entry is in one payout.
func TestNothingIsCollectedTwice(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		bookPayable(t, s, "li", "2026-11", slices.Repeat([]int64{7}, 60)...)
		var wg sync.WaitGroup
		var mu sync.Mutex
		total, joins := int64(0), int64(0)
		for range 8 {
			wg.Go(func() {
				var p Payout
				err := s.Tx(context.Background(), func(tx *Tx) error {
					p = Payout{Period: "2026-11"}
					if err := tx.Collect(&p, "anna"); err != nil {
						return err
					}
					return tx.PayEntries(p)
				})
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				total, joins = total+p.TotalFen, joins+p.Joins
			})
		}
		wg.Wait()
		if total != 420 || joins != 60 {
			t.Errorf("%d fen for %d joins, want 420 for 60", total, joins)
		}
		booksAgree(t, s)
	})
}

// While somebody pays, customers leave: an entry is either paid and owed, or fell out, and the
// payout pays what it said or nothing.
func TestACustomerLeavesWhileTheMonthIsPaid(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		entries := bookPayable(t, s, "li", "2026-11", slices.Repeat([]int64{7}, 40)...)
		p := Payout{Period: "2026-11"}
		tx(t, s, func(tx *Tx) error { p = Payout{Period: "2026-11"}; return tx.Collect(&p, "anna") })
		order := rand.New(rand.NewPCG(1, 2)).Perm(len(entries))
		var wg sync.WaitGroup
		wg.Go(func() {
			for _, i := range order[:10] {
				err := s.Tx(context.Background(), func(tx *Tx) error {
					e, err := tx.Entry(entries[i])
					if err != nil || e.Status == EntryClawedBack {
						return err
					}
					payout := e.PayoutID
					if !e.CashOut() {
						payout = nil
					}
					return tx.MoveEntry(e, EntryClawedBack, "left_early", payout)
				})
				if err != nil && !errors.Is(err, ErrStale) {
					t.Error(err)
				}
			}
		})
		paid := false
		for !paid {
			err := s.Tx(context.Background(), func(tx *Tx) error {
				stands, err := tx.StandsAsProposed(p.ID)
				if err != nil {
					return err
				}
				if !stands {
					if err := tx.Propose(&p); err != nil {
						return err
					}
				}
				return tx.PayEntries(p)
			})
			if err != nil && !errors.Is(err, ErrStale) {
				t.Fatal(err)
			}
			paid = err == nil
		}
		wg.Wait()
		booksAgree(t, s)
		got, err := s.Read(t.Context()).Payout(p.ID)
		must(t, err)
		items, err := s.Read(t.Context()).PayoutItems(p.ID)
		must(t, err)
		if int64(len(items)) != got.Joins || got.TotalFen != 7*got.Joins {
			t.Errorf("%d items, %+v", len(items), got)
		}
	})
}

// A payout keeps the names of its day.
func TestAPayoutKeepsItsNames(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		tx(t, s, func(tx *Tx) error {
			return errors.Join(tx.NewChat(Chat{ChatID: "wr1", Name: "一号群", Status: ChatActive}), tx.NameStaff("li", "李"), tx.PutShop(Shop{ID: "s2", Name: "乙店", Staff: []string{"li"}}),
				tx.PutShop(Shop{ID: "s1", Name: "甲店", Region: "华东", Manager: "chen", Staff: []string{"li"}}))
		})
		bookPayable(t, s, "li", "2026-11", 5)
		bookPayable(t, s, "nobody", "2026-11", 5)
		p := payOut(t, s, "2026-11")
		tx(t, s, func(tx *Tx) error {
			return errors.Join(tx.NameStaff("li", "李四"), tx.PutShop(Shop{ID: "s1", Name: "丙店"}), tx.db.Exec(`DELETE FROM staff WHERE user_id = 'li'`).Error, tx.db.Exec(`UPDATE chat SET name = 'x'`).Error)
		})
		r := s.Read(t.Context())
		lines, err := r.PayoutLines(p.ID)
		must(t, err)
		want := PayoutLine{p.ID, "li", "李", "s1", "甲店", "华东", 1, 5, 0, 5}
		if len(lines) != 2 || lines[0] != want || lines[1].StaffName != "" || lines[1].ShopID != "" {
			t.Errorf("%+v", lines)
		}
		items, err := r.PayoutItems(p.ID)
		must(t, err)
		if items[0].ChatName != "一号群" {
			t.Errorf("%+v", items)
		}
		steps, err := r.PayoutSteps(p.ID)
		must(t, err)
		equal(t, "steps", ids(steps, func(s PayoutStep) string { return s.Status + " " + s.Who }), []string{"collected anna", "paid anna"})
	})
}

func TestUnpaidMonthsAreListed(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		bookPayable(t, s, "li", "2026-10", 1, 2)
		bookPayable(t, s, "wang", "2026-10", 4)
		bookPayable(t, s, "li", "2026-12", 8)
		tx(t, s, func(tx *Tx) error { return tx.Collect(&Payout{Period: "2026-11", CarryOver: true}, "anna") })
		bookPayable(t, s, "li", "2026-10", 16)
		payable, err := s.Read(t.Context()).Unpaid("", 0)
		must(t, err)
		equal(t, "unpaid", payable, []Unpaid{{"2026-10", 4, 2, 23, 7}, {"2026-12", 1, 1, 8, 0}})
		payable, err = s.Read(t.Context()).Unpaid("2026-10", 1)
		must(t, err)
		equal(t, "next page", payable, []Unpaid{{"2026-12", 1, 1, 8, 0}})
	})
}

// Payouts from before there were steps are paid, with lines and items.
func TestOldPayoutsArePaidOnes(t *testing.T) {
	for name, dsn := range dsns(t) {
		t.Run(name, func(t *testing.T) {
			oldSchema(t, dsn, 1, func(db *sql.DB) { oldBooks(t, db) })
			old := &Store{now: newClock().Now}
			var err error
			if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
				err = old.openSQLite(t.Context(), path)
			} else {
				err = old.openPostgres(t.Context(), dsn)
			}
			must(t, err)
			db, err := old.write.DB()
			must(t, err)
			exec(t, db, `INSERT INTO payout (id, period, total_fen, created_at) VALUES (5, '2026-12', 10, 77)`)
			exec(t, db, `INSERT INTO shop (id, name, region, manager, staff, created_at, updated_at) VALUES ('s1', '店', '东', '', '["chen","li"]', 0, 0)`)
			must(t, old.Close())
			s := open(t, dsn, newClock())
			r := s.Read(t.Context())
			p, err := r.Payout(5)
			must(t, err)
			if want := (Payout{5, "2026-12", PayoutPaid, false, 2, 10, 0, 10, time.UnixMilli(77).UTC()}); p != want {
				t.Errorf("%+v, want %+v", p, want)
			}
			lines, err := r.PayoutLines(5)
			must(t, err)
			equal(t, "lines", lines, []PayoutLine{{5, "li", "", "s1", "店", "东", 2, 10, 0, 10}})
			items, err := r.PayoutItems(5)
			must(t, err)
			equal(t, "items", ids(items, func(it PayoutItem) string { return fmt.Sprint(it.EntryID, it.AmountFen) }), []string{"4 8", "2 2"})
			steps, err := r.PayoutSteps(5)
			must(t, err)
			equal(t, "steps", ids(steps, func(s PayoutStep) string { return s.Status + s.Who }), []string{"collectedapi", "approvedapi", "paidapi"})
			booksAgree(t, s)
		})
	}
}

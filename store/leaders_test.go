package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

func TestLeadersAreRankedByWhatStays(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		t0 := c.Now()
		tx(t, s, func(tx *Tx) error {
			for _, shop := range []Shop{{ID: "s1", Name: "一店", Region: "东", Staff: []string{"a", "b"}}, {ID: "s2", Name: "二店", Region: "西", Manager: "c", Staff: []string{"a"}}} {
				if err := tx.PutShop(shop); err != nil {
					return err
				}
			}
			for i, shop := range []string{"s1", "s2", "s2", ""} {
				if err := tx.NewChat(Chat{ChatID: fmt.Sprint("wr", i), Status: ChatActive, ShopID: shop}); err != nil {
					return err
				}
			}
			if err := tx.NameStaff("a", "安"); err != nil {
				return err
			}
			n := 0
			for _, e := range []struct {
				staff  string
				chat   int
				fen    int64
				status string
				days   int
			}{
				{"b", 0, 100, EntryHeld, 0}, {"a", 0, 50, EntryHeld, 0}, {"a", 1, 50, EntryHeld, 1}, {"c", 2, 100, EntryHeld, 1},
				{"d", 3, 150, EntryHeld, 0}, {"e", 1, 500, EntryVoid, 0}, {"c", 2, 900, EntryHeld, 30},
			} {
				n++
				st := Stint{ChatID: fmt.Sprint("wr", e.chat), UserID: fmt.Sprint("wm", n), Kind: "customer", JoinedAt: t0}
				if _, err := tx.AddStint(&st); err != nil {
					return err
				}
				entry := Entry{Key: fmt.Sprint(n), StintID: st.ID, Staff: e.staff, ChatID: st.ChatID, Member: st.UserID, AmountFen: e.fen, RuleVersion: 1, Status: e.status,
					EarnedAt: t0.AddDate(0, 0, e.days), DueAt: t0, Period: t0.AddDate(0, 0, e.days).Format("2006-01")}
				if e.status == EntryVoid && e.fen == 500 {
					entry.Reason = "left_early"
				}
				if _, err := tx.AddEntry(&entry); err != nil {
					return err
				}
			}
			st := Stint{ChatID: "wr1", UserID: "wm99", Kind: "customer", JoinedAt: t0}
			if _, err := tx.AddStint(&st); err != nil {
				return err
			}
			_, err := tx.AddEntry(&Entry{Key: "over", StintID: st.ID, Staff: "f", ChatID: "wr1", AmountFen: 7, RuleVersion: 1, Status: EntryVoid, Reason: ReasonOverBudget, EarnedAt: t0, DueAt: t0, Period: "2026-11"})
			return err
		})
		r := s.Read(t.Context())
		for name, tc := range map[string]struct {
			f    LeaderFilter
			want []string
		}{
			"a month": {LeaderFilter{Period: "2026-11", By: LeadersStaff}, []string{"1 d   150/1/1", "2 a 安 一店 100/2/2", "3 b  一店 100/1/1", "3 c  二店 100/1/1", "5 e   0/1/0"}},
			"a day":   {LeaderFilter{From: t0, To: t0.AddDate(0, 0, 1), By: LeadersStaff}, []string{"1 d   150/1/1", "2 b  一店 100/1/1", "3 a 安 一店 50/1/1", "4 e   0/1/0"}},
			"a page":  {LeaderFilter{Period: "2026-11", By: LeadersStaff, Offset: 2, Limit: 2}, []string{"3 b  一店 100/1/1", "3 c  二店 100/1/1"}},
			"a store": {LeaderFilter{Period: "2026-11", By: LeadersStaff, Shop: "s2"}, []string{"1 c  二店 100/1/1", "2 a 安 一店 50/1/1", "3 e   0/1/0"}},
			"stores":  {LeaderFilter{Period: "2026-11", By: LeadersStore}, []string{"1 s1 一店 一店 150/2/2", "1 s2 二店 二店 150/3/2"}},
			"region":  {LeaderFilter{Period: "2026-11", By: LeadersStore, Region: "西"}, []string{"1 s2 二店 二店 150/3/2"}},
			"nobody":  {LeaderFilter{Period: "2026-10", By: LeadersStaff}, nil},
		} {
			leaders, err := r.Leaders(tc.f)
			must(t, err)
			var got []string
			for _, l := range leaders {
				got = append(got, fmt.Sprintf("%d %s %s %s %d/%d/%d", l.Rank, l.ID, l.Name, l.ShopName, l.EarnedFen, l.Joins, l.Kept))
			}
			equal(t, name, got, tc.want)
		}
	})
}

func TestTransfersAndBalancesArePagedWhole(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		sampleBooks(t, s, c)
		r := s.Read(t.Context())
		whole, err := r.FindTransfers(TransferFilter{})
		must(t, err)
		if len(whole) < 20 {
			t.Fatalf("only %d transfers", len(whole))
		}
		sums := map[string]int64{}
		var paged []Transfer
		f := TransferFilter{Limit: 4}
		for {
			page, err := r.FindTransfers(f)
			must(t, err)
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			f.AfterAt, f.AfterID = page[len(page)-1].At, page[len(page)-1].ID
		}
		equal(t, "pages of transfers", paged, whole)
		li := 0
		for _, m := range whole {
			sums[m.Debit] -= m.AmountFen
			sums[m.Credit] += m.AmountFen
			if m.Debit[len(m.Debit)-3:] == ":li" || m.Credit[len(m.Credit)-3:] == ":li" {
				li++
			}
		}
		mine, err := r.FindTransfers(TransferFilter{Staff: "li", From: whole[0].At, To: c.Now().Add(time.Second)})
		must(t, err)
		one, err := r.FindTransfers(TransferFilter{Entry: 1})
		must(t, err)
		none, err := r.FindTransfers(TransferFilter{To: whole[0].At})
		must(t, err)
		if len(mine) != li || len(one) != 5 || len(none) != 0 {
			t.Errorf("%d of li (want %d), %d of an entry, %d of before", len(mine), li, len(one), len(none))
		}
		got, after, total := map[string]int64{}, "", int64(0)
		for {
			page, err := r.FindBalances(BalanceFilter{After: after, Limit: 2})
			must(t, err)
			if len(page) == 0 {
				break
			}
			for _, b := range page {
				if b.Account <= after {
					t.Errorf("%s comes after %s", b.Account, after)
				}
				got[b.Account], after, total = b.Fen, b.Account, total+b.Fen
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(sums) || total != 0 {
			t.Errorf("pages of balances %v, the transfers say %v", got, sums)
		}
		own, err := r.FindBalances(BalanceFilter{Staff: "wang"})
		must(t, err)
		equal(t, "one's accounts", own, []Balance{{"held:wang", sums["held:wang"]}, {"paid:wang", sums["paid:wang"]}, {"payable:wang", sums["payable:wang"]}})
	})
}

// What an accountant pages through must not read all there ever was.
func TestLooksAtTheLedgerReadNoWholeTable(t *testing.T) {
	c := newClock()
	s := open(t, dsns(t)["sqlite"], c)
	k := &keeper{Interface: logger.Discard}
	s.read = s.read.Session(&gorm.Session{Logger: k})
	r, now := s.Read(t.Context()), c.Now()
	for _, look := range []func() error{
		func() error { _, err := r.Statement(StatementFilter{Period: "2026-11", Limit: 51}); return err },
		func() error {
			_, err := r.Statement(StatementFilter{Period: "2026-11", Staff: "li", After: "a"})
			return err
		},
		func() error { _, err := r.Leaders(LeaderFilter{Period: "2026-11", By: LeadersStaff}); return err },
		func() error {
			_, err := r.Leaders(LeaderFilter{From: now, To: now.AddDate(0, 0, 1), By: LeadersStore, Region: "东"})
			return err
		},
		func() error { _, err := r.FindTransfers(TransferFilter{Entry: 1}); return err },
		func() error { _, err := r.FindTransfers(TransferFilter{Staff: "li", From: now}); return err },
		func() error {
			_, err := r.FindTransfers(TransferFilter{From: now, AfterAt: now, AfterID: 3, Limit: 51})
			return err
		},
		func() error { _, err := r.FindBalances(BalanceFilter{Staff: "li"}); return err },
		func() error {
			_, err := r.RejudgeStints(Rejudge{FromAt: now, JoinedAt: now, StintID: 7}, 50)
			return err
		},
		func() error { _, err := r.Differences(1, 2, 3); return err },
	} {
		must(t, look())
	}
	for _, look := range k.said {
		plan := planOf(t, s, look)
		for _, table := range []string{"tally", "entry", "transfer", "stint", "difference"} {
			if strings.Contains(plan, "SCAN "+table+"\n") || strings.Contains(plan, "SCAN "+table+" USING") {
				t.Errorf("%s\n%s", look, plan)
			}
		}
	}
	if len(k.said) < 10 {
		t.Errorf("only %d looks were seen", len(k.said))
	}
}

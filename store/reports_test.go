package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// joined books a join of a cashier at a moment.
func joined(t *testing.T, s *Store, staff, member string, at time.Time) Entry {
	t.Helper()
	var e Entry
	tx(t, s, func(tx *Tx) error {
		st := Stint{ChatID: "wr1", UserID: member, Kind: "customer", JoinedAt: at, Inviter: staff}
		if _, err := tx.AddStint(&st); err != nil {
			return err
		}
		e = Entry{Key: JoinKey(st), StintID: st.ID, Staff: staff, ChatID: "wr1", Member: member, Ordinal: 1, AmountFen: 50, RuleVersion: 1,
			Period: "2026-11", Status: EntryHeld, EarnedAt: at, DueAt: at.Add(time.Hour), Reason: "rewarded"}
		_, err := tx.AddEntry(&e)
		return err
	})
	return e
}

// News of a day: who brought somebody on it, who had a join of before booked since the last
// report, and who lost something or was paid since then; nobody else.
func TestNewsOfADay(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		from := c.Now().Truncate(24 * time.Hour)
		old := joined(t, s, "old", "wm1", from.Add(-50*time.Hour))
		lost := joined(t, s, "lost", "wm2", from.Add(-49*time.Hour))
		run := ReportRun{Kind: ReportCashier, Day: "2026-11-22", At: c.Now(), Status: RunPlanning, Until: c.Now()}
		run, err := s.Read(t.Context()).Window(run, from.AddDate(0, 0, -1), 7*24*time.Hour)
		must(t, err)
		tx(t, s, func(tx *Tx) error {
			fresh, err := tx.BeginRun(run)
			if again, _ := tx.BeginRun(run); !fresh || again {
				t.Errorf("begun %v and again %v", fresh, again)
			}
			return err
		})
		c.Add(time.Hour)
		late, today := joined(t, s, "late", "wm3", from.Add(-time.Hour)), joined(t, s, "today", "wm4", c.Now())
		tx(t, s, func(tx *Tx) error { return tx.MoveEntry(lost, EntryVoid, "left_early", nil) })
		tx(t, s, func(tx *Tx) error { return tx.MoveEntry(old, EntryPayable, "rewarded", nil) })
		next := ReportRun{Kind: ReportCashier, Day: "2026-11-23", Until: c.Now()}
		next, err = s.Read(t.Context()).Window(next, from, 7*24*time.Hour)
		must(t, err)
		if !next.Since.Equal(run.Until) || next.AfterEntry != lost.ID || next.LastEntry != today.ID {
			t.Errorf("the window is %+v", next)
		}
		r := s.Read(t.Context())
		staff, err := r.StaffWithNews(next, from, from.AddDate(0, 0, 1), "", 10)
		must(t, err)
		if want := []string{"late", "lost", "today"}; !slices.Equal(staff, want) {
			t.Errorf("news for %q, want %q", staff, want)
		}
		if rest, err := r.StaffWithNews(next, from, from.AddDate(0, 0, 1), "late", 1); err != nil || !slices.Equal(rest, []string{"lost"}) {
			t.Errorf("the page after late is %q, %v", rest, err)
		}
		news, err := r.NewsOf(next, from, from.AddDate(0, 0, 1), append(staff, "old"))
		must(t, err)
		var ids []int64
		for _, e := range news {
			ids = append(ids, e.ID)
		}
		if want := []int64{lost.ID, late.ID, today.ID}; !slices.Equal(ids, want) {
			t.Errorf("news %v, want %v", ids, want)
		}
		held, err := r.Balance(AccountHeld + ":today")
		must(t, err)
		payable, err := r.Balance(AccountPayable + ":old")
		must(t, err)
		if held != 50 || payable != 50 {
			t.Errorf("balances %d and %d", held, payable)
		}
	})
}

// What a program at rest asks for, and the figures of one person, read no whole table.
func TestReportsReadNoWholeTable(t *testing.T) {
	c := newClock()
	s := open(t, dsns(t)["sqlite"], c)
	k := &keeper{Interface: logger.Discard}
	s.read = s.read.Session(&gorm.Session{Logger: k})
	r := s.Read(t.Context())
	run := ReportRun{Kind: ReportCashier, Day: "2026-11-23", Since: c.Now(), Until: c.Now(), AfterEntry: 1, LastEntry: 2}
	for _, look := range []func() error{
		func() error { _, err := r.OpenRuns(); return err },
		func() error { _, err := r.StaffWithNews(run, c.Now(), c.Now(), "a", 10); return err },
		func() error { _, err := r.NewsOf(run, c.Now(), c.Now(), []string{"a", "b"}); return err },
		func() error { _, err := r.Balance("held:a"); return err },
		func() error { _, _, err := r.Overheld("a", c.Now()); return err },
		func() error { _, _, err := r.Lost("s1", EntryVoid, c.Now(), c.Now()); return err },
		func() error { _, _, err := r.OpenFlags("s1"); return err },
		func() error { _, err := r.ActionStates("report:x:"); return err },
	} {
		must(t, look())
	}
	if len(k.said) < 10 {
		t.Fatalf("%d looks were seen: %q", len(k.said), k.said)
	}
	for _, look := range k.said {
		plan := planOf(t, s, look)
		for _, table := range []string{"entry", "e", "transfer", "outbox", "flag", "f", "report_run"} {
			if strings.Contains(plan, "SCAN "+table+"\n") {
				t.Errorf("%s\n%s", look, plan)
			}
		}
	}
}

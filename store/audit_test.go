package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// sampleBooks writes entries in every state, a paid payout, and a debt that another kept back.
func sampleBooks(t *testing.T, s *Store, c *clock) {
	t.Helper()
	tx(t, s, func(tx *Tx) error {
		for n := 1; n <= 12; n++ {
			st := Stint{ChatID: fmt.Sprint("wr", n%2), UserID: fmt.Sprint("wm", n), Kind: "customer", JoinedAt: c.Now().Add(time.Duration(n) * time.Second), Inviter: "li"}
			if _, err := tx.AddStint(&st); err != nil {
				return err
			}
			e := Entry{Key: JoinKey(st), StintID: st.ID, Staff: []string{"li", "wang"}[n%2], ChatID: st.ChatID, Member: st.UserID, Ordinal: n, AmountFen: int64(10 * n), RuleVersion: 1,
				Period: "2026-10", Status: EntryHeld, EarnedAt: st.JoinedAt, DueAt: st.JoinedAt, Reason: "rewarded"}
			if n == 12 {
				e.Status, e.Reason = EntryVoid, ReasonOverBudget
			}
			if _, err := tx.AddEntry(&e); err != nil {
				return err
			}
		}
		return nil
	})
	step := func(id int64, status, why string) {
		tx(t, s, func(tx *Tx) error {
			e, err := tx.Entry(id)
			if err != nil {
				return err
			}
			payout := e.PayoutID
			return tx.MoveEntry(e, status, why, payout)
		})
	}
	for id := int64(1); id <= 6; id++ {
		step(id, EntryPayable, "rewarded")
	}
	pay := func() {
		tx(t, s, func(tx *Tx) error {
			p := Payout{Period: "2026-10"}
			if err := tx.Collect(&p, "a"); err != nil {
				return err
			}
			if err := tx.StepPayout(&p, PayoutApproved, "b", ""); err != nil {
				return err
			}
			if err := tx.PayEntries(p); err != nil {
				return err
			}
			return tx.StepPayout(&p, PayoutPaid, "b", "")
		})
	}
	pay()
	step(1, EntryClawedBack, "left_early")
	step(3, EntryClawedBack, "left_early")
	step(7, EntryVoid, "left_early")
	step(9, EntryPayable, "rewarded")
	pay() // keeps back entries 1 and 3 of wang
	step(5, EntryClawedBack, "left_early")
	step(8, EntryPayable, "rewarded")
	step(8, EntryClawedBack, "left_early")
	step(10, EntryPayable, "rewarded")
}

func audit(t *testing.T, s *Store) *Findings {
	t.Helper()
	var f *Findings
	must(t, s.Snapshot(t.Context(), func(r Reader) (err error) { f, err = r.Audit(); return err }))
	return f
}

func TestTheAuditFindsEveryDamage(t *testing.T) {
	for name, damage := range map[string]struct {
		sql, finds string
		fields     []string // in all
	}{
		"none":                        {"UPDATE entry SET reason = reason", "", nil},
		"a figure of the tally":       {"UPDATE tally SET paid_fen = paid_fen + 1 WHERE staff = 'wang'", "tally 2026-10 wang wr1 paid_fen", nil},
		"the joins of the tally":      {"UPDATE tally SET joins = 99, kept = 0 WHERE staff = 'li'", "tally 2026-10 li wr0 joins", []string{"joins", "kept"}},
		"a row of the tally missing":  {"DELETE FROM tally WHERE staff = 'li'", "tally 2026-10 li wr0 paid_fen", nil},
		"a row of the tally too much": {"INSERT INTO tally VALUES ('2026-09', 'li', 'wr0', 1, 0, 0, 0, 5, 0, 0)", "tally 2026-09 li wr0 void_fen", []string{"joins", "void_fen"}},
		"an entry's amount":           {"UPDATE entry SET amount_fen = 1 WHERE id = 11", "entry 11 held", nil},
		"an entry's status":           {"UPDATE entry SET status = 'payable' WHERE id = 11", "entry 11 payable", nil},
		"an entry's staff":            {"UPDATE entry SET staff = 'zhao' WHERE id = 11", "account held:wang fen", nil},
		"an entry's month":            {"UPDATE entry SET period = '2026-09' WHERE id = 11", "tally 2026-09 wang wr1 held_fen", nil},
		"a refusal made a reward":     {"UPDATE entry SET status = 'payable', reason = 'rewarded' WHERE id = 12", "entry 12 company", nil},
		"an entry's payout":           {"UPDATE entry SET payout_id = NULL WHERE id = 2", "payout 1 gross_fen", nil},
		"a payout that is not":        {"UPDATE entry SET payout_id = 77 WHERE id = 2", "payout 77 joins", nil},
		"a debt forgotten":            {"UPDATE entry SET recovered_by = NULL WHERE id = 1", "payout 2 recovered_fen", nil},
		"a debt forgiven":             {"UPDATE entry SET recovered_by = 1 WHERE id = 5", "entry 5 payable", nil},
		"a transfer's amount":         {"UPDATE transfer SET amount_fen = amount_fen + 1 WHERE entry_id = 11", "entry 11 held", nil},
		"a transfer's account":        {"UPDATE transfer SET credit = 'held:li' WHERE entry_id = 11", "account held:li fen", nil},
		"a transfer's entry":          {"UPDATE transfer SET entry_id = 12 WHERE entry_id = 11", "entry 12 company", nil},
		"a transfer missing":          {"DELETE FROM transfer WHERE entry_id = 11", "account company fen", nil},
		"a payout's sum":              {"UPDATE payout SET total_fen = total_fen + 1 WHERE id = 1", "payout 1 total_fen", []string{"total_fen", "lines_fen"}},
		"a payout's count":            {"UPDATE payout SET joins = 1 WHERE id = 1", "payout 1 joins", []string{"joins"}},
		"a payout's line":             {"UPDATE payout_line SET amount_fen = 1 WHERE payout_id = 2", "payout 2 lines_fen", []string{"lines_fen"}},
		"a payout's status":           {"UPDATE payout SET status = 'reversed' WHERE id = 2", "payout 2 joins", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s := open(t, dsns(t)["sqlite"], c)
			sampleBooks(t, s, c)
			tx(t, s, func(tx *Tx) error { return tx.db.Exec(damage.sql).Error })
			f := audit(t, s)
			var said []string
			for _, d := range f.Differences {
				said = append(said, fmt.Sprintf("%s %s %s", d.What, d.Subject, d.Field))
				if d.Want == d.Have {
					t.Errorf("%+v differs in nothing", d)
				}
			}
			all := strings.Join(said, "\n")
			if (damage.finds == "") != (all == "") || !strings.Contains(all, damage.finds) {
				t.Errorf("found\n%s\nwant %s", all, damage.finds)
			}
			if f.Audit.Entries != 12 || f.Audit.Differences != int64(len(said)) || damage.fields != nil && len(said) != len(damage.fields) {
				t.Errorf("%+v\n%s", f.Audit, all)
			}
		})
	}
}

// A transfer of an entry that is not there cannot be written while the keys are watched.
func TestTheAuditFindsTransfersOfNoEntry(t *testing.T) {
	c := newClock()
	s := open(t, dsns(t)["sqlite"], c)
	sampleBooks(t, s, c)
	db, err := s.write.DB()
	must(t, err)
	exec(t, db, "PRAGMA foreign_keys = 0")
	exec(t, db, "INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) VALUES ('x', 99, 1, 'company', 'paid:thief', 5, '')")
	f := audit(t, s)
	if len(f.Differences) != 3 || f.Differences[0] != (Difference{What: AuditEntry, Subject: "99", Field: "entry", Want: 1}) {
		t.Errorf("%+v", f.Differences)
	}
}

func TestTheTallyIsRebuiltAndNothingElse(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		sampleBooks(t, s, c)
		if f := audit(t, s); len(f.Differences) != 0 {
			t.Fatalf("sound books: %+v", f.Differences)
		}
		tx(t, s, func(tx *Tx) error {
			for _, damage := range []string{"UPDATE tally SET paid_fen = 0", "INSERT INTO tally VALUES ('2026-09', 'li', 'wr0', 1, 0, 0, 0, 5, 0, 0)", "UPDATE payout SET total_fen = total_fen + 1 WHERE id = 1"} {
				if err := tx.db.Exec(damage).Error; err != nil {
					return err
				}
			}
			return nil
		})
		f := audit(t, s)
		tx(t, s, func(tx *Tx) error { return tx.AddAudit(f) })
		for left := 1; left > 0; {
			tx(t, s, func(tx *Tx) (err error) { left, err = tx.RebuildTally(f, 2); return err })
			f.Repaired(left)
		}
		last, err := s.Read(context.Background()).LastAudit()
		must(t, err)
		if last != f.Audit || last.Repaired != 3 || last.Differences != 6 || !last.At.Equal(c.Now()) {
			t.Errorf("%+v, want %+v", last, f.Audit)
		}
		repaired := 0
		ds, err := s.Read(context.Background()).Differences(last.ID, 0, 10)
		must(t, err)
		for _, d := range ds {
			if d.Repaired {
				repaired++
			} else if d.What != AuditPayout {
				t.Errorf("left as it is: %+v", d)
			}
		}
		if repaired != 4 || len(ds) != 6 {
			t.Errorf("%d of %d repaired: %+v", repaired, len(ds), ds)
		}
		again := audit(t, s)
		if len(again.Differences) != 2 || again.Differences[0].What != AuditPayout || again.wrong != nil {
			t.Errorf("after the repair: %+v", again.Differences)
		}
	})
}

package store

import (
	"errors"
	"testing"
	"time"
)

func TestWhatIsCountedOfCases(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r, t0 := s.Read(t.Context()), c.Now()
		tx(t, s, func(tx *Tx) error {
			removed := Case{ChatID: "wr1", Member: "wm1", Action: "remove", Status: CaseOpen, Owner: "wang", NextAt: t0}
			late := Case{ChatID: "wr1", Member: "wm2", Action: "remove", Status: CaseAsked, Claims: 2, FalseClaims: 1}
			warned := Case{ChatID: "wr1", Member: "wm3", Action: "warn", Status: CaseAsked}
			suspect := Case{ChatID: "wr2", Member: "wm3", Action: "warn", Status: CaseOpen}
			if err := errors.Join(tx.NewChat(Chat{ChatID: "wr1", Name: "一群", Status: ChatActive, ShopID: "s1"}), tx.PutShop(Shop{ID: "s1", Name: "店"}),
				tx.AddCase(&removed), tx.AddCase(&late), tx.AddCase(&warned), tx.AddCase(&suspect)); err != nil {
				return err
			}
			if err := tx.AddCase(&Case{ChatID: "wr1", Member: "wm2", Status: CaseOpen}); !errors.Is(err, ErrStale) {
				t.Errorf("a second open case: %v", err)
			}
			removed.Status, removed.AskedAt, removed.ClosedAt = CaseRemoved, t0.Add(time.Second), t0.Add(20*time.Minute)
			return errors.Join(tx.SaveCase(removed, CaseOpen), tx.AddStep(CaseStep{CaseID: warned.ID, What: StepWarned, Who: "wang"}))
		})
		open, overdue, warnings, err := r.OpenCases("s1", t0.Add(time.Hour))
		if err != nil || open != 1 || overdue != 1 || warnings != 0 {
			t.Errorf("of the store: %d %d %d %v", open, overdue, warnings, err)
		}
		if open, _, warnings, err = r.OpenCases("", t0); err != nil || open != 2 || warnings != 1 {
			t.Errorf("of all: %d %d %v", open, warnings, err)
		}
		within, count, seconds, err := r.RemovalTimes([]time.Duration{time.Minute, time.Hour})
		if err != nil || count != 1 || seconds != 1200 || within[0] != 0 || within[1] != 1 {
			t.Errorf("removals %v %d %v %v", within, count, seconds, err)
		}
		rows, err := r.CaseFigures(t0, t0.Add(time.Second), t0.Add(time.Hour))
		if err != nil || len(rows) != 4 || rows[0].ShopName != "店" || rows[0].Owner != "wang" || !rows[1].Overdue || rows[2].Overdue || rows[3].ShopID != "" || !rows[0].ClosedAt.Equal(t0.Add(20*time.Minute)) {
			t.Errorf("figures %+v %v", rows, err)
		}
		if n, err := r.CaseStatuses(); err != nil || n[CaseAsked] != 2 || n[CaseRemoved] != 1 {
			t.Errorf("statuses %v %v", n, err)
		}
		list, err := r.CasesOf(CaseFilter{ShopID: "s1", Action: "remove", From: t0, To: t0.Add(time.Hour)})
		if err != nil || len(list) != 2 {
			t.Errorf("list %+v %v", list, err)
		}
	})
}

func TestStrikesCountUntilTheyExpireOrAreTakenBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		one := int64(1)
		tx(t, s, func(tx *Tx) error {
			return errors.Join(tx.AddStrike(Strike{Member: "wm1", Verdict: "spam", CaseID: &one, ExpiresAt: tx.Now.Add(time.Hour)}),
				tx.AddStrike(Strike{Member: "wm1", Verdict: "spam", ExpiresAt: tx.Now.Add(2 * time.Hour)}), tx.AddStrike(Strike{Member: "wm1", Verdict: "suspect", ExpiresAt: tx.Now.Add(time.Hour)}))
		})
		count := func(want int) {
			t.Helper()
			if n, err := s.Read(t.Context()).StrikeCount("wm1", "spam", c.Now(), c.Now().Add(time.Hour)); err != nil || n != want {
				t.Errorf("%d strikes, %v, want %d", n, err, want)
			}
		}
		count(2)
		tx(t, s, func(tx *Tx) error {
			n, err := tx.TakeStrikes(1, "anna")
			if n != 1 {
				t.Errorf("took %d back", n)
			}
			return err
		})
		count(1)
		if n, err := s.Read(t.Context()).StrikeCount("wm1", "spam", c.Now(), c.Now()); err != nil || n != 0 {
			t.Errorf("%d strikes before they were, %v", n, err)
		}
		for chat, want := range map[string]bool{"": true, "wr2": false} {
			if got, err := s.Read(t.Context()).StruckSince("wm1", "spam", chat, c.Now()); err != nil || got != want {
				t.Errorf("struck in %q: %v, %v", chat, got, err)
			}
		}
		c.Add(2 * time.Hour)
		count(0)
	})
}

// What grows with every wave of spam is forgotten in the end.
func TestWhatCasesLeaveBehindIsForgotten(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		t0, later := c.Now(), c.Now().Add(24*time.Hour)
		tx(t, s, func(tx *Tx) error {
			closed := Case{ChatID: "wr1", Member: "wm1", Status: CaseRemoved, ClosedAt: t0, Text: "加我"}
			open := Case{ChatID: "wr1", Member: "wm2", Status: CaseOpen, Text: "加我"}
			if err := errors.Join(tx.AddCase(&closed), tx.AddCase(&open)); err != nil {
				return err
			}
			return errors.Join(tx.AddMessages([]Message{{MessageID: "m1", SentAt: t0, CaseID: &closed.ID}, {MessageID: "m2", SentAt: t0, CaseID: &open.ID}, {MessageID: "m3", SentAt: t0}}),
				tx.AddStrike(Strike{Member: "wm1", ExpiresAt: t0}), tx.AddStrike(Strike{Member: "wm2", ExpiresAt: later}),
				tx.SeeHosts(map[int64]bool{1: false, 2: true}))
		})
		prune := func(at time.Time, want int64) {
			t.Helper()
			tx(t, s, func(tx *Tx) error {
				for name, prune := range map[string]func(time.Time, int) (int64, error){"messages": tx.PruneCaseMessages, "strikes": tx.PruneStrikes, "hosts": tx.PruneHosts, "texts": tx.ForgetTexts} {
					if n, err := prune(at, 10); err != nil || n != want {
						t.Errorf("%s: %d forgotten, want %d, %v", name, n, want, err)
					}
				}
				return nil
			})
		}
		prune(t0, 0)
		prune(t0.Add(time.Second), 1)
		prune(t0.Add(time.Second), 0)
		left, err := s.Read(t.Context()).Messages([]string{"m1", "m2", "m3"})
		if err != nil || len(left) != 2 || left[0].MessageID != "m2" {
			t.Errorf("left %+v, %v", left, err)
		}
		if cases, err := s.Read(t.Context()).Cases("", 0, 0); err != nil || cases[0].Text != "" || cases[1].Text != "加我" {
			t.Errorf("cases %+v, %v", cases, err)
		}
	})
}

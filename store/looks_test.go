package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"xiaobu/bot"
)

// keeper keeps every statement with its values.
type keeper struct {
	logger.Interface
	said []string
}

func (k *keeper) Trace(_ context.Context, _ time.Time, fc func() (string, int64), _ error) {
	sql, _ := fc()
	k.said = append(k.said, sql)
}

// The looks that a program at rest makes all the time must not read what was done long ago.
func TestLooksForWorkReadNoWholeTable(t *testing.T) {
	c := newClock()
	s := open(t, dsns(t)["sqlite"], c)
	k := &keeper{Interface: logger.Discard}
	s.read = s.read.Session(&gorm.Session{Logger: k})
	ctx := context.Background()
	r := s.Read(ctx)
	now := c.Now()
	_, err := s.RouteEvents(ctx, 10, func(*Tx, bot.Event) ([]Route, error) { return nil, nil })
	must(t, err)
	for _, look := range []func() error{
		func() error { _, err := r.LaneDue(now); return err },
		func() error { _, err := r.laneDue("sync", now); return err },
		func() error { _, err := r.ActionDue(now); return err },
		func() error { _, err := r.actionDue("welcome", now); return err },
		func() error { _, err := r.SendingOverdue(now); return err },
		func() error { _, _, err := r.NextLaneOfAll(); return err },
		func() error { _, _, err := r.NextActionOfAll(); return err },
		func() error { _, _, err := r.NextAction("welcome"); return err },
		func() error { _, _, err := r.NextDueEntry(); return err },
		func() error { _, _, err := r.NextTask(); return err },
		func() error { _, err := r.OpenTasks(); return err },
		func() error { _, _, err := r.NextChase(); return err },
		func() error { _, err := r.DueChases(now, 10); return err },
		func() error { _, err := r.Unsummed(now, 10); return err },
		func() error { _, err := r.DuePromotions(now); return err },
		func() error { _, _, err := r.NextPromotion(); return err },
		func() error { _, err := r.QuotaOccurrences(now, now); return err },
		func() error { _, err := r.OpenOutlets(1); return err },
		func() error { _, err := r.StoppedSince(1, now); return err },
		func() error { _, _, err := r.NextCase(); return err },
		func() error { _, _, err := r.NextPreflight(); return err },
		func() error { _, err := r.DuePreflights(now, 10); return err },
		func() error { _, err := r.FullGroups([]string{"wr1"}, now); return err },
		func() error { _, err := r.DueEntries(now, 10); return err },
		func() error { _, err := r.DueTasks(now, 10); return err },
		func() error { _, err := r.DueCases(now, 10); return err },
		func() error { _, _, err := r.NextPlanned(); return err },
		func() error { _, err := r.PlannedOccurrences(); return err },
		func() error {
			_, err := r.Targets(TargetFilter{TargetSpec: TargetSpec{All: true}, Occurrence: 1, After: GroupCursor{"a", "b"}, Limit: 10})
			return err
		},
		func() error {
			some := Selection{ChatIDs: []string{"wr1"}, Stores: []string{"s1"}, Owners: []string{"a"}, Labels: []string{"l"}}
			_, err := r.Targets(TargetFilter{TargetSpec: TargetSpec{Selection: some, Exclude: some}, Limit: 10})
			return err
		},
		func() error {
			_, err := r.CountTargets(TargetSpec{Selection: Selection{Stores: []string{"s1"}, Labels: []string{"l"}}})
			return err
		},
		func() error { _, err := r.LastParts(1, "a", "b"); return err },
		func() error { _, err := r.Deliveries(DeliveryFilter{Promotion: 1, Cursor: 7, Limit: 10}); return err },
		func() error {
			_, err := r.Deliveries(DeliveryFilter{Promotion: 1, At: now, Cursor: 7, Limit: 10})
			return err
		},
		func() error { _, err := r.UsedQuota([]string{"wr1", "wr2"}, now, now); return err },
		func() error { _, err := r.PersonStints("wm1", "o1"); return err },
		func() error { _, err := r.PresentPerson("wm1"); return err },
		func() error { _, err := r.EntriesOfStints([]Stint{{ID: 1}, {ID: 2}}); return err },
		func() error { _, err := r.JoinCount("xb1"); return err },
		func() error { _, err := r.ContactCount("xb1"); return err },
		func() error { _, err := r.TaskByMsgID("m1"); notFound(t, err); return nil },
		func() error { _, err := r.JoinsAtTill("till1", "", now, now, 10); return err },
		func() error { _, err := r.JoinsAtTill("", "wang", now, now, 10); return err },
		func() error { _, err := r.ShareOfGroup("wr1", "wang", now, now); return err },
		func() error { _, err := r.ShareOfStore("s1", "wang", "2026-11"); return err },
		func() error { _, err := r.ShortStays([]string{"wr1", "wr2"}, now, 1, 10); return err },
		func() error { _, err := r.LeftAfterHold("wang", now, now, 1, 10); return err },
		func() error { _, err := r.Entries(EntryFilter{Member: "wm1", Limit: 10}); return err },
		func() error { _, err := r.Flags(FlagFilter{Status: FlagOpen, Limit: 10}); return err },
		func() error { _, err := r.Flags(FlagFilter{Status: FlagLapsed, Shop: "s1", Limit: 10}); return err },
	} {
		must(t, look())
	}
	looks := k.said
	if len(looks) != 62 {
		t.Fatalf("%d looks were seen: %q", len(looks), looks)
	}
	for _, look := range looks {
		for _, table := range []string{"inbox", "run", "outbox", "chat", "occurrence", "stint", "entry", "task", "delivery", "mod_case", "contact", "preflight", "quota_full", "chase", "promotion", "promotion_change"} {
			if plan := planOf(t, s, look); strings.Contains(plan, "SCAN "+table+"\n") || strings.Contains(plan, "SCAN "+table+" USING COVERING INDEX entry_period\n") || strings.Contains(plan, "SEARCH entry USING INTEGER PRIMARY KEY (rowid>?)\n") || strings.Contains(plan, "PRIMARY KEY (period=?)\n") {
				t.Errorf("%s\n%s", look, plan)
			}
		}
	}
}

// An outlet's delivery is found among everything that the outlet ever got.
func TestSettlingAnOutletReadsOneDelivery(t *testing.T) {
	s := open(t, dsns(t)["sqlite"], newClock())
	k := &keeper{Interface: logger.Discard}
	tx(t, s, func(tx *Tx) error {
		tx.db = tx.db.Session(&gorm.Session{Logger: k})
		return tx.SettleOutlet(7, "robot:1", Delivery{Status: DeliverySent})
	})
	if plan := planOf(t, s, k.said[0]); !strings.Contains(plan, "(chat_id=? AND at=? AND occurrence_id=?)") || strings.Contains(plan, "SCAN") {
		t.Errorf("%s\n%s", k.said[0], plan)
	}
}

// What staff ask about, and the end of a case, do not read all messages and all reports.
func TestModerationReadsNoWholeTables(t *testing.T) {
	s := open(t, dsns(t)["sqlite"], newClock())
	k := &keeper{Interface: logger.Discard}
	tx(t, s, func(tx *Tx) error {
		tx.db = tx.db.Session(&gorm.Session{Logger: k})
		_, err := tx.SaidIn([]string{"wr1", "wr2"}, 7, tx.Now, 10)
		return errors.Join(err, tx.SettleReports(Case{ID: 1, Member: "wm1"}, ReportWrong))
	})
	for _, said := range k.said {
		if plan := planOf(t, s, said); strings.Contains(plan, "SCAN") {
			t.Errorf("%s\n%s", said, plan)
		}
	}
	if len(k.said) != 3 {
		t.Errorf("%d statements", len(k.said))
	}
}

func notFound(t *testing.T, err error) {
	t.Helper()
	if err != ErrNotFound {
		t.Error(err)
	}
}

func planOf(t *testing.T, s *Store, sql string) string {
	t.Helper()
	db, err := s.read.DB()
	must(t, err)
	rows, err := db.Query("EXPLAIN QUERY PLAN " + sql)
	must(t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, x int
		var detail string
		must(t, rows.Scan(&id, &parent, &x, &detail))
		plan.WriteString(detail + "\n")
	}
	must(t, rows.Err())
	return plan.String()
}

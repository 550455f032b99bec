package store

import (
	"database/sql"
	"errors"
	"testing"
)

func TestARobotIsKeptOnceAndNotTakenFromThoseWhoSpeakByIt(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, _ *clock) {
		var a, b Robot
		tx(t, s, func(tx *Tx) error {
			var err error
			var fresh bool
			if a, fresh, err = tx.AddRobot(Robot{Name: "店长群", Key: "k1"}); err != nil || !fresh || a.ID == 0 {
				t.Errorf("the first: %+v %v %v", a, fresh, err)
			}
			if again, fresh, err := tx.AddRobot(Robot{Name: "x", Key: "k1"}); err != nil || fresh || again.ID != a.ID || again.Name != "店长群" {
				t.Errorf("the same key: %+v %v %v", again, fresh, err)
			}
			b, _, err = tx.AddRobot(Robot{Key: "k2"})
			return err
		})
		promo := Promotion{Status: PromotionPaused}
		promo.Spec.Targets.Robots = []int64{a.ID}
		tx(t, s, func(tx *Tx) error {
			if err := tx.PutReportTarget(ReportTarget{Kind: ReportStore, ShopID: "s1", RobotID: &b.ID}); err != nil {
				return err
			}
			if err := tx.NameRobot(b.ID, "一店"); err != nil {
				return err
			}
			return tx.AddPromotion(&promo)
		})
		r := s.Read(t.Context())
		for id, want := range map[int64]string{a.ID: "promotion 1", b.ID: "report store s1"} {
			if use, err := r.RobotUse(id); err != nil || use != want {
				t.Errorf("robot %d is used by %q %v, want %q", id, use, err, want)
			}
		}
		tx(t, s, func(tx *Tx) error { return tx.MovePromotion(promo, PromotionEnded, promo.NextAt) })
		if use, err := r.RobotUse(a.ID); err != nil || use != "" {
			t.Errorf("after the end it is used by %q %v", use, err)
		}
		tx(t, s, func(tx *Tx) error { return tx.DropRobot(a.ID) })
		err := s.Tx(t.Context(), func(tx *Tx) error { return tx.DropRobot(a.ID) })
		if rest, listErr := r.Robots(0, 10); !errors.Is(err, ErrNotFound) || listErr != nil || len(rest) != 1 || rest[0].Name != "一店" {
			t.Errorf("left are %+v %v; dropped twice: %v", rest, listErr, err)
		}
	})
}

// Before robots were kept by themselves, their keys stood with the reports.
func TestReportsKeepTheirRobots(t *testing.T) {
	for name, dsn := range dsns(t) {
		t.Run(name, func(t *testing.T) {
			oldSchema(t, dsn, 9, func(db *sql.DB) {
				exec(t, db, `INSERT INTO report_target VALUES ('chain', '', '', 'key2', 7), ('store', 's1', '', 'key1', 5), ('store', 's2', 'chat', '', 5), ('store', 's3', '', 'key2', 6)`)
			})
			r := open(t, dsn, newClock()).Read(t.Context())
			robots, err := r.Robots(0, 0)
			must(t, err)
			if len(robots) != 2 || robots[0].Key != "key1" || robots[1].Key != "key2" || robots[1].CreatedAt.UnixMilli() != 6 {
				t.Errorf("robots %+v", robots)
			}
			for shop, want := range map[string]string{"": "key2", "s1": "key1", "s2": "", "s3": "key2"} {
				kind := ReportStore
				if shop == "" {
					kind = ReportChain
				}
				target, err := r.ReportTarget(kind, shop)
				must(t, err)
				var robot Robot
				if target.RobotID != nil {
					robot, err = r.Robot(*target.RobotID)
					must(t, err)
				}
				if robot.Key != want || (shop == "s2") != (target.AppChat == "chat") {
					t.Errorf("%q goes to %+v by %q, want %q", shop, target, robot.Key, want)
				}
			}
		})
	}
}

package store

import (
	"context"
	"testing"
	"time"
)

func TestTheCompanysDaysAndHoursAreKept(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(context.Background())
		if h, err := r.Quiet(); err != nil || h != nil {
			t.Errorf("quiet hours from the start: %v %v", h, err)
		}
		tx(t, s, func(tx *Tx) error {
			for _, d := range []CalendarDay{{Date: "2026-12-26", Kind: DayWorkday}, {Date: "2026-12-24", Kind: DayHoliday, Name: "店庆"}, {Date: "2026-12-24", Kind: DayBlackout}} {
				if err := tx.PutCalendarDay(d); err != nil {
					return err
				}
			}
			if err := tx.PutQuiet(&Hours{From: "21:00", To: "07:00"}); err != nil {
				return err
			}
			return tx.PutQuiet(&Hours{From: "22:00", To: "08:00"})
		})
		days, err := r.CalendarDays()
		must(t, err)
		if len(days) != 2 || days[0].Date != "2026-12-24" || days[0].Kind != DayBlackout || days[0].Name != "" || days[1].Kind != DayWorkday {
			t.Errorf("%+v", days)
		}
		h, err := r.Quiet()
		must(t, err)
		if h == nil || *h != (Hours{From: "22:00", To: "08:00"}) {
			t.Errorf("%+v", h)
		}
		tx(t, s, func(tx *Tx) error {
			if ok, err := tx.DropCalendarDay("2026-12-25"); ok || err != nil {
				t.Errorf("a day of which nothing was said: %v %v", ok, err)
			}
			if ok, err := tx.DropCalendarDay("2026-12-24"); !ok || err != nil {
				t.Errorf("dropped: %v %v", ok, err)
			}
			return tx.PutQuiet(nil)
		})
		days, err = r.CalendarDays()
		must(t, err)
		if h, err = r.Quiet(); len(days) != 1 || h != nil || err != nil {
			t.Errorf("%+v %v %v", days, h, err)
		}
	})
}

func TestComingPromotionsAreThoseThatHaveNotCome(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		now := c.Now()
		tx(t, s, func(tx *Tx) error {
			for _, at := range []time.Time{now.Add(-time.Minute), now, now.Add(time.Minute), {}} {
				if err := tx.AddPromotion(&Promotion{Name: "p", Status: PromotionActive, NextAt: at}); err != nil {
					return err
				}
			}
			return nil
		})
		coming, err := s.Read(context.Background()).ComingPromotions(now)
		must(t, err)
		if len(coming) != 1 || !coming[0].NextAt.Equal(now.Add(time.Minute)) {
			t.Errorf("%+v", coming)
		}
	})
}

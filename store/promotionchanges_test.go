package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// Who plans an occurrence holds it and refers to its promotion; who pauses the promotion holds
// that and wants the occurrence. Neither must wait for the other in turn.
func TestPlanningAndPausingDoNotBlockEachOther(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		if s.dialect == sqlite {
			return // it has one writer
		}
		promo := Promotion{Name: "a", Status: PromotionActive}
		tx(t, s, func(tx *Tx) error { return tx.AddPromotion(&promo) })
		occ := Occurrence{PromotionID: promo.ID, At: c.Now(), Status: OccurrencePlanned}
		tx(t, s, func(tx *Tx) error { _, err := tx.AddOccurrence(&occ); return err })
		planning, pausing := make(chan bool, maxConflicts), make(chan bool, maxConflicts*maxConflicts)
		var plans, pauses int
		done := make(chan error)
		go func() {
			done <- s.Tx(context.Background(), func(tx *Tx) error {
				plans++
				if err := tx.LockOccurrence(occ.ID); err != nil {
					return err
				}
				planning <- true
				<-pausing
				return tx.AddDeliveries([]Delivery{{OccurrenceID: occ.ID, PromotionID: promo.ID, At: occ.At, ChatID: "wr1", Status: DeliveryPlanned}})
			})
		}()
		<-planning
		err := s.Tx(context.Background(), func(tx *Tx) error {
			pauses++
			if err := tx.LockPromotion(promo.ID); err != nil {
				return err
			}
			for range maxConflicts { // also for those who try again
				pausing <- true
			}
			return tx.LockOccurrence(occ.ID)
		})
		if planned := <-done; err != nil || planned != nil || plans != 1 || pauses != 1 {
			t.Errorf("planned %d times: %v; paused %d times: %v", plans, planned, pauses, err)
		}
	})
}

func TestEveryVersionOfAPromotionIsKept(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		promo := Promotion{Name: "a", Status: PromotionActive, Spec: PromotionSpec{Name: "a"}, NextAt: c.Now(), By: "anna"}
		tx(t, s, func(tx *Tx) error { return tx.AddPromotion(&promo) })
		edited := promo
		edited.Name, edited.Spec.Name, edited.By, edited.Status = "b", "b", "ben", PromotionProposed
		edited.NextAt = time.Time{}
		tx(t, s, func(tx *Tx) error {
			_, err := tx.EditPromotion(promo, edited)
			return err
		})
		r := s.Read(context.Background())
		got, err := r.Promotion(promo.ID)
		must(t, err)
		if got.Name != "b" || got.Version != 2 || got.By != "ben" || got.Status != PromotionProposed || !got.NextAt.IsZero() || got.Spec.Name != "b" {
			t.Errorf("edited: %+v", got)
		}
		if err := s.Tx(context.Background(), func(tx *Tx) error { return tx.MovePromotion(promo, PromotionPaused, promo.NextAt) }); err != ErrStale {
			t.Errorf("moved by an old version: %v", err)
		}
		tx(t, s, func(tx *Tx) error { return tx.ApprovePromotion(got, "carl", PromotionActive, c.Now()) })
		if err := s.Tx(context.Background(), func(tx *Tx) error { return tx.ApprovePromotion(got, "carl", PromotionActive, c.Now()) }); err != ErrStale {
			t.Errorf("approved twice: %v", err)
		}
		for version, want := range map[int64]string{1: "a", 2: "b"} {
			if ch, err := r.PromotionVersion(promo.ID, version); err != nil || ch.Spec == nil || ch.Spec.Name != want || ch.Version != version {
				t.Errorf("version %d: %+v %v", version, ch, err)
			}
		}
		if _, err := r.PromotionVersion(promo.ID, 3); err != ErrNotFound {
			t.Errorf("version 3: %v", err)
		}
		again, err := r.Promotion(promo.ID)
		must(t, err)
		if again.ApprovedBy != "carl" || again.Status != PromotionActive || !again.NextAt.Equal(c.Now()) {
			t.Errorf("approved: %+v", again)
		}
		tx(t, s, func(tx *Tx) error { _, err := tx.EditPromotion(again, again); return err })
		if last, err := r.Promotion(promo.ID); err != nil || last.ApprovedBy != "" || last.Version != 3 {
			t.Errorf("edited after approval: %+v %v", last, err)
		}
		if list, err := r.PromotionChanges(promo.ID, 1, 10); err != nil || len(list) != 2 || list[1].Version != 3 || list[0].At != c.Now() {
			t.Errorf("changes: %+v %v", list, err)
		}
	})
}

// Of many who edit, approve and pause what they read at the same moment, one is first; what the
// others knew is stale.
func TestOfManyChangesAtOnceOneHolds(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		promo := Promotion{Name: "a", Status: PromotionProposed, By: "anna"}
		tx(t, s, func(tx *Tx) error { return tx.AddPromotion(&promo) })
		var mu sync.Mutex
		var wg sync.WaitGroup
		won := []string{}
		for i := range 12 {
			what := []string{"edit", "approve", "pause"}[i%3]
			wg.Go(func() {
				err := s.Tx(context.Background(), func(tx *Tx) error {
					switch what {
					case "edit":
						p := promo
						p.By = fmt.Sprint(i)
						_, err := tx.EditPromotion(promo, p)
						return err
					case "approve":
						return tx.ApprovePromotion(promo, fmt.Sprint(i), PromotionActive, c.Now())
					}
					return tx.MovePromotion(promo, PromotionPaused, time.Time{})
				})
				if err != nil && !errors.Is(err, ErrStale) {
					t.Error(err)
				}
				if err == nil {
					mu.Lock()
					won = append(won, what)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Errorf("%v held", won)
		}
	})
}

func TestWhoLocksAPromotionIsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		promo := Promotion{Name: "a", Status: PromotionActive}
		tx(t, s, func(tx *Tx) error { return tx.AddPromotion(&promo) })
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				err := s.Tx(context.Background(), func(tx *Tx) error {
					if err := tx.LockPromotion(promo.ID); err != nil {
						return err
					}
					p, err := tx.Promotion(promo.ID)
					if err != nil {
						return err
					}
					_, err = tx.EditPromotion(p, p)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if p, err := s.Read(context.Background()).Promotion(promo.ID); err != nil || p.Version != 11 {
			t.Errorf("version %d %v, want 11", p.Version, err)
		}
	})
}

func TestAbsencesAreListedByDay(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		tx(t, s, func(tx *Tx) error {
			must(t, tx.PutAbsence(Absence{UserID: "li", FromDay: "2026-11-01", ToDay: "2026-11-30"}))
			must(t, tx.PutAbsence(Absence{UserID: "li", FromDay: "2026-11-23", ToDay: "2026-11-24", StandIn: "wang"}))
			return tx.PutAbsence(Absence{UserID: "wang", FromDay: "2026-11-24", ToDay: "2026-11-24"})
		})
		r := s.Read(context.Background())
		for day, want := range map[string]int{"": 2, "2026-11-22": 0, "2026-11-23": 1, "2026-11-24": 2, "2026-11-25": 0} {
			if got, err := r.Absences(day, "", 10); err != nil || len(got) != want {
				t.Errorf("on %s: %+v %v", day, got, err)
			}
		}
		if got, err := r.Absences("", "li", 10); err != nil || len(got) != 1 || got[0].UserID != "wang" {
			t.Errorf("the next page: %+v %v", got, err)
		}
		tx(t, s, func(tx *Tx) error { must(t, tx.EndAbsence("li")); return tx.EndAbsence("nobody") })
		if _, err := r.Absence("li"); err != ErrNotFound {
			t.Errorf("still away: %v", err)
		}
	})
}

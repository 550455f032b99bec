package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// sold is two occurrences of a promotion: group wr0 and wr1 of anna (who has a task for each),
// wr2 of ben, wr3 of nobody; wr0 and wr2 are in store s1.
func sold(t *testing.T, s *Store, c *clock) (first, second Occurrence) {
	t.Helper()
	promo := Promotion{Name: "p", Status: PromotionActive}
	occs := []*Occurrence{&first, &second}
	tx(t, s, func(tx *Tx) error {
		for i, shop := range []string{"s1", "", "s1", ""} {
			if err := tx.NewChat(Chat{ChatID: fmt.Sprintf("wr%d", i), Name: fmt.Sprintf("群%d", i), Status: ChatActive}); err != nil {
				return err
			}
			if shop != "" {
				if err := tx.db.Exec(`UPDATE chat SET shop_id = ? WHERE chat_id = ?`, shop, fmt.Sprintf("wr%d", i)).Error; err != nil {
					return err
				}
			}
		}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		for n, occ := range occs {
			*occ = Occurrence{PromotionID: promo.ID, At: tx.Now.Add(time.Duration(n) * 48 * time.Hour), Status: OccurrenceDone}
			if _, err := tx.AddOccurrence(occ); err != nil {
				return err
			}
			var ds []Delivery
			for i, owner := range []string{"anna", "anna", "ben", ""} {
				d := Delivery{OccurrenceID: occ.ID, PromotionID: promo.ID, At: occ.At, ChatID: fmt.Sprintf("wr%d", i), Owner: owner, Status: DeliveryBlocked}
				if owner != "" {
					task := Task{OccurrenceID: occ.ID, Owner: owner, Part: i + 1, Status: TaskClosed, ClosesAt: tx.Now}
					if d.Status = DeliverySubmitted; i != 1 {
						task.ConfirmedAt, d.Status = occ.At, DeliverySent
					}
					if err := tx.AddTask(&task); err != nil {
						return err
					}
					d.TaskID = &task.ID
				}
				ds = append(ds, d)
			}
			for i, status := range []string{DeliverySent, DeliveryFailed} {
				ds = append(ds, Delivery{OccurrenceID: occ.ID, PromotionID: promo.ID, At: occ.At, ChatID: RobotChat(int64(i)), Outlet: OutletRobot, Status: status})
			}
			if err := tx.AddDeliveries(ds); err != nil {
				return err
			}
		}
		return tx.db.Exec(`UPDATE delivery SET sent_at = at + 3600000 WHERE status = 'sent'`).Error
	})
	// Around the first occurrence's posting in wr0, and none in wr1, which was not reached.
	posted := c.Now().Add(time.Hour)
	for i, st := range []struct {
		chat, kind string
		join, left time.Time
	}{
		{"wr0", "customer", posted.Add(-time.Millisecond), posted}, // left in the day
		{"wr0", "customer", posted, posted.Add(24*time.Hour - time.Millisecond)},
		{"wr0", "customer", posted.Add(24 * time.Hour), time.Time{}}, // too late
		{"wr0", "customer", posted.Add(time.Hour), posted.Add(24 * time.Hour)},
		{"wr0", "staff", posted.Add(time.Hour), posted.Add(2 * time.Hour)},
		{"wr1", "customer", posted.Add(time.Hour), time.Time{}},
		{"wr2", "customer", posted.Add(time.Hour), time.Time{}},
	} {
		tx(t, s, func(tx *Tx) error {
			_, err := tx.AddStint(&Stint{ChatID: st.chat, UserID: fmt.Sprint("u", i), Kind: st.kind, JoinedAt: st.join, LeftAt: st.left})
			return err
		})
	}
	return first, second
}

func TestFunnelsAreTheSameBeforeAndAfterTheyAreSummed(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		first, second := sold(t, s, c)
		r := s.Read(t.Context())
		whole := Funnel{Groups: 4, Blocked: 1, Tasks: 3, Owners: 2, Confirmed: 1, Sent: 2, Waiting: 1, Joins: 3, Leaves: 2, Outlets: 2, OutletsSent: 1}
		anna := Funnel{ID: "anna", Groups: 2, Tasks: 2, Owners: 1, Sent: 1, Waiting: 1, Joins: 2, Leaves: 2}
		ben := Funnel{ID: "ben", Groups: 1, Tasks: 1, Owners: 1, Confirmed: 1, Sent: 1, Joins: 1}
		s1 := Funnel{ID: "s1", Groups: 2, Tasks: 2, Owners: 2, Confirmed: 2, Sent: 2, Joins: 3, Leaves: 2}
		later := func(f Funnel) Funnel { f.Joins, f.Leaves = 0, 0; return f }
		for by, want := range map[string][]Funnel{
			ByAll: {whole}, ByOwner: {{Groups: 1, Blocked: 1}, anna, ben}, ByStore: {{Groups: 2, Blocked: 1, Tasks: 1, Owners: 1, Waiting: 1}, s1},
		} {
			got, err := r.Funnels(FunnelFilter{Promotion: first.PromotionID, Occurrence: first.ID, By: by})
			must(t, err)
			equal(t, "the first by "+by, got, want)
			both := []Funnel{}
			for _, f := range want {
				both = append(both, f.plus(later(f)))
			}
			for _, summed := range []int{0, 1, 2} {
				got, err := r.Funnels(FunnelFilter{Promotion: first.PromotionID, By: by})
				must(t, err)
				equal(t, fmt.Sprintf("%d summed, by %s", summed, by), got, both)
				if by != ByAll {
					got, err = r.Funnels(FunnelFilter{Promotion: first.PromotionID, By: by, Begun: true, Limit: 1})
					must(t, err)
					equal(t, "a page", got, both[1:2])
				}
				if summed < 2 {
					sumUp(t, s, []Occurrence{first, second}[summed])
				}
			}
			tx(t, s, func(tx *Tx) error { // once more from the beginning
				return errors.Join(tx.db.Exec(`UPDATE occurrence SET summed_at = NULL`).Error, tx.db.Exec(`DELETE FROM funnel`).Error)
			})
		}
		for shop, want := range map[string]Funnel{"": whole, "s1": s1} {
			got, err := r.FunnelOf(first.At, second.At, shop)
			if want.ID = ""; err != nil || got != want {
				t.Errorf("of a day in %q: %+v %v, want %+v", shop, got, err, want)
			}
		}
		if err := s.Tx(t.Context(), func(tx *Tx) error {
			return errors.Join(tx.SumFunnels(first, nil), tx.SumFunnels(first, nil))
		}); !errors.Is(err, ErrStale) && !errors.Is(err, ErrNotFound) {
			t.Errorf("summed twice: %v", err)
		}
		left, err := r.Unsummed(second.At, 10) // the second is not from before its own time
		must(t, err)
		if len(left) != 1 || left[0].ID != first.ID {
			t.Errorf("to be summed are %+v", left)
		}
	})
}

func sumUp(t testing.TB, s *Store, occ Occurrence) {
	t.Helper()
	kinds := map[string][]Funnel{}
	for _, by := range []string{ByAll, ByStore, ByOwner} {
		var err error
		kinds[by], err = s.Read(t.Context()).Funnels(FunnelFilter{Promotion: occ.PromotionID, Occurrence: occ.ID, By: by})
		must(t, err)
	}
	tx(t, s, func(tx *Tx) error { return tx.SumFunnels(occ, kinds) })
}

func TestCoverageIsCountedByPage(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		first, second := sold(t, s, c)
		r := s.Read(t.Context())
		f := CoverageFilter{From: first.At, To: second.At.Add(time.Second), By: ByOwner, Limit: 2}
		got, err := r.Coverage(f)
		must(t, err)
		equal(t, "owners", got, []Covered{{"", first.At, 1, 1, 0}, {"", second.At, 1, 1, 0}, {"anna", first.At, 2, 0, 1}, {"anna", second.At, 2, 0, 1}})
		f.Begun, f.After = true, "anna"
		got, err = r.Coverage(f)
		must(t, err)
		equal(t, "next owners", got, []Covered{{"ben", first.At, 1, 0, 1}, {"ben", second.At, 1, 0, 1}})
		got, err = r.Coverage(CoverageFilter{From: first.At, To: second.At, By: ByStore})
		must(t, err)
		equal(t, "stores", got, []Covered{{"", first.At, 2, 1, 0}, {"s1", first.At, 2, 0, 2}})
		got, err = r.Coverage(CoverageFilter{From: second.At, To: second.At.Add(time.Hour), By: ByGroup, Begun: true, After: "wr1"})
		must(t, err)
		equal(t, "groups", got, []Covered{{"wr2", second.At, 1, 0, 1}, {"wr3", second.At, 1, 1, 0}})
		if got, err := r.Coverage(CoverageFilter{From: second.At.Add(time.Second), To: second.At.Add(time.Hour), By: ByGroup, Limit: 3}); err != nil || len(got) != 0 {
			t.Errorf("of nothing: %+v %v", got, err)
		}
	})
}

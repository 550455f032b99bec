package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

func said(who, text string) *Correction {
	return &Correction{Label: LabelSpam, Text: text, Weight: 1, Who: who, Source: CorrectedByAPI}
}

func TestCorrectionsAreAddedAndTakenBack(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(t.Context())
		if head, err := r.CorrectionHead(); err != nil || head != 0 {
			t.Errorf("head %d %v", head, err)
		}
		begin := c.Now()
		for i := range 6 {
			tx(t, s, func(tx *Tx) error {
				row := said([]string{"anna", "bo"}[i%2], fmt.Sprint(i))
				if i == 5 {
					row.Source, row.Label = CorrectedByCase, LabelHam
				}
				return tx.AddCorrection(row)
			})
			c.Add(time.Hour)
		}
		tx(t, s, func(tx *Tx) error { return tx.EndCorrection(1, "chef", "why") })
		for _, id := range []int64{1, 99} {
			err := s.Tx(t.Context(), func(tx *Tx) error { return tx.EndCorrection(id, "x", "") })
			if want := map[int64]error{1: ErrStale, 99: ErrNotFound}[id]; !errors.Is(err, want) {
				t.Errorf("taking back %d: %v, want %v", id, err, want)
			}
		}
		yes, no := true, false
		for _, c := range []struct {
			f    CorrectionFilter
			want []int64
		}{
			{CorrectionFilter{}, []int64{1, 2, 3, 4, 5, 6}},
			{CorrectionFilter{Who: "anna"}, []int64{1, 3, 5}},
			{CorrectionFilter{Who: "anna", Active: &yes}, []int64{3, 5}},
			{CorrectionFilter{Active: &no}, []int64{1}},
			{CorrectionFilter{Label: LabelHam}, []int64{6}},
			{CorrectionFilter{Source: CorrectedByCase}, []int64{6}},
			{CorrectionFilter{From: begin.Add(time.Hour), To: begin.Add(3 * time.Hour)}, []int64{2, 3}},
			{CorrectionFilter{Cursor: 2, Limit: 2}, []int64{3, 4}},
		} {
			rows, err := r.Corrections(c.f)
			must(t, err)
			var ids []int64
			for _, row := range rows {
				ids = append(ids, row.ID)
			}
			if !slices.Equal(ids, c.want) {
				t.Errorf("%+v: %v, want %v", c.f, ids, c.want)
			}
			if n, err := r.CountCorrections(c.f); err != nil || c.f.Limit == 0 && n != len(c.want) {
				t.Errorf("%+v: counted %d, %v", c.f, n, err)
			}
		}
		var ended int64
		tx(t, s, func(tx *Tx) (err error) {
			ended, err = tx.EndCorrections(CorrectionFilter{Who: "bo", To: begin.Add(4 * time.Hour)}, "chef", "")
			return err
		})
		if ended != 2 {
			t.Errorf("%d were rolled back", ended)
		}
		if stands, refuted, err := r.CorrectionRecord("bo"); err != nil || stands != 1 || refuted != 0 {
			t.Errorf("bo has %d and %d, %v", stands, refuted, err)
		}
		if ends, err := r.CorrectionEnds([]int64{1, 2, 3}); err != nil || len(ends) != 2 || ends[0].Who != "chef" || ends[0].Note != "why" {
			t.Errorf("ends %+v %v", ends, err)
		}
	})
}

// Whoever follows the changes sees each once, whatever commits when: a transaction that
// counts a change holds up the next one.
func TestChangesOfCorrectionsAreSeenOnceAndInOrder(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		const writers, each = 6, 8
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					row := said(fmt.Sprint(w), fmt.Sprint(i))
					err := s.Tx(t.Context(), func(tx *Tx) error { row.ID = 0; return tx.AddCorrection(row) })
					if err == nil && i%2 == 0 {
						err = s.Tx(t.Context(), func(tx *Tx) error { return tx.EndCorrection(row.ID, "x", "") })
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		known, seen := map[int64]bool{}, int64(0)
		follow := func() {
			r := s.Read(t.Context())
			head, err := r.CorrectionHead()
			must(t, err)
			rows, err := r.NewCorrections(seen, head, 1000)
			must(t, err)
			ends, err := r.NewCorrectionEnds(seen, head)
			must(t, err)
			for _, row := range rows {
				if known[row.ID] {
					t.Errorf("correction %d came twice", row.ID)
				}
				known[row.ID] = true
			}
			for _, id := range ends {
				delete(known, id)
			}
			seen = head
		}
		done := make(chan struct{})
		go func() { wg.Wait(); close(done) }()
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			follow()
		}
		if seen != writers*each*3/2 || len(known) != writers*each/2 {
			t.Errorf("head %d with %d corrections known; want %d with %d", seen, len(known), writers*each*3/2, writers*each/2)
		}
	})
}

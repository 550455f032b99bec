package promotions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

// Many people edit, approve, pause and resume while slots come. Whatever order things happen in,
// an occurrence goes by a version that was written and, since it needs a second person, by one
// that somebody else had agreed to; and versions are counted without a gap.
func TestPeopleAndThePlannerMayMeet(t *testing.T) {
	ctx := context.Background()
	h := newShop(t)
	h.groups(4)
	p := h.planner()
	spec := sale()
	spec.Approval, spec.Schedule.Cron = true, "* * * * *"
	promo, err := p.As("anna").Create(ctx, spec, noRemember)
	h.must(err)
	fits := func(err error) bool {
		var c *handlers.Conflict
		return err == nil || errors.As(err, &c) || errors.Is(err, store.ErrStale)
	}
	for round := range 12 {
		var wg sync.WaitGroup
		for i, do := range []func() error{
			func() error {
				s := spec
				s.Message.Text = fmt.Sprintf("第%d次", round)
				_, err := p.As("anna").Edit(ctx, promo.ID, 0, s)
				return err
			},
			func() error { _, err := p.As("ben").Approve(ctx, promo.ID, Decision{}); return err },
			func() error { _, err := p.As("ben").Pause(ctx, promo.ID); return err },
			func() error { _, err := p.As("carl").Resume(ctx, promo.ID); return err },
			func() error { _, err := p.As("carl").Approve(ctx, promo.ID, Decision{}); return err },
			func() error { return p.Plan(ctx) },
		} {
			wg.Go(func() {
				if err := do(); !fits(err) {
					t.Errorf("round %d, %d: %v", round, i, err)
				}
			})
		}
		wg.Wait()
		_, err := p.As("carl").Resume(ctx, promo.ID)
		if _, again := p.As("ben").Approve(ctx, promo.ID, Decision{}); !fits(err) || !fits(again) {
			t.Errorf("round %d: %v, %v", round, err, again)
		}
		h.set(h.clock().Add(time.Minute))
		if round%3 == 0 { // in the other rounds the slot meets the others
			h.must(p.Plan(ctx))
		}
	}
	changes, err := h.store.Read(ctx).PromotionChanges(promo.ID, 0, 0)
	h.must(err)
	written, agreed := int64(0), map[int64]bool{}
	for _, c := range changes {
		if c.Spec != nil {
			if written++; c.Version != written {
				t.Errorf("version %d was written after %d", c.Version, written-1)
			}
		}
		if c.What == store.ChangeApproved {
			if c.Version != written || c.Who == "anna" {
				t.Errorf("%s agreed to version %d when %d was written", c.Who, c.Version, written)
			}
			agreed[c.Version] = true
		}
	}
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) == 0 || len(agreed) == 0 {
		t.Fatalf("%d occurrences, %d versions agreed to: the test shows nothing", len(occs), len(agreed))
	}
	for _, o := range occs {
		if !agreed[o.Version] {
			t.Errorf("an occurrence goes by version %d, which nobody agreed to", o.Version)
		}
	}
}

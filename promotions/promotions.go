package promotions

import (
	"context"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Limits of a promotion.
const (
	maxPromotionName = 100 // characters
	maxProducts      = 50
	maxProductName   = 200 // bytes
	maxPriceFen      = 1_000_000_000
	maxMissed        = 50 // missed slots that are written down after a long downtime
)

// Planner plans what is posted when and where.
type Planner struct {
	Store *store.Store
	Now   func() time.Time
	Zone  *time.Location // where a promotion names none
	// Calendar is what is known about public holidays; nil: nothing.
	Calendar *Calendar
	// PublicURL is where this program is reached from outside, without a slash at the end;
	// Random makes the codes of links: 16 or more letters and digits, new each time.
	PublicURL string
	Random    func() string
	Chats     bot.AppChatter // says whether an app chat can be posted in; nil takes every id
	// QuotaRule is what a group's mass messages are counted by; see Quota.
	QuotaRule string
	// Links asks whether links answer; nil: they are taken to.
	Links *Links
	// Notify are the user ids of those who are told what is wrong with promotions.
	Notify []string
	Log    *slog.Logger
}

// Create checks a promotion and plans its first occurrence.
func (p *Planner) Create(ctx context.Context, spec store.PromotionSpec, remember handlers.Remember) (store.Promotion, error) {
	spec.Schedule = p.defaults(spec.Schedule)
	plan, err := p.check(ctx, spec)
	if err != nil {
		return store.Promotion{}, err
	}
	promo := store.Promotion{Name: spec.Name, Status: store.PromotionActive, Spec: spec}
	err = p.Store.Tx(ctx, func(tx *store.Tx) error {
		promo.ID = 0
		if promo.NextAt = plan.after(tx.Now); promo.NextAt.IsZero() {
			return handlers.Invalidf("schedule.cron", "%s", plan.never(tx.Now))
		}
		if err := checkMedia(tx.HoldMedia, spec); err != nil { // it may have been deleted since
			return err
		}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(promo.ID))
	})
	if err != nil {
		return promo, err
	}
	if err := p.glance(ctx, promo); err != nil {
		p.Log.Error("look at a promotion that was written", "promotion", promo.ID, "error", err) // the duty does it
	}
	return promo, nil
}

func (p *Planner) check(ctx context.Context, spec store.PromotionSpec) (plan, error) {
	if n := utf8.RuneCountInString(spec.Name); n == 0 || n > maxPromotionName {
		return plan{}, handlers.Invalidf("name", "has %d characters; want 1 to %d", n, maxPromotionName)
	}
	pl, err := p.plan(p.Store.Read(ctx), spec)
	if err != nil {
		return pl, err
	}
	if _, err := confirmWithin(spec); err != nil {
		return pl, err
	}
	if err := checkLink(spec, p.links()); err != nil {
		return pl, err
	}
	if err := checkContent(p.Store.Read(ctx), spec, pl.zone, p.links()); err != nil {
		return pl, err
	}
	if err := checkAddresses(spec, p.PublicURL); err != nil {
		return pl, err
	}
	if err := p.CheckTargets(ctx, spec.Targets); err != nil {
		return pl, err
	}
	return pl, p.checkOutlets(ctx, spec, pl.zone)
}

// Pause stops a promotion; what has not been submitted yet is taken back.
func (p *Planner) Pause(ctx context.Context, id int64) (store.Promotion, error) {
	return p.stop(ctx, id, store.PromotionPaused)
}

// End ends a promotion for good.
func (p *Planner) End(ctx context.Context, id int64) (store.Promotion, error) {
	return p.stop(ctx, id, store.PromotionEnded)
}

func (p *Planner) stop(ctx context.Context, id int64, status string) (store.Promotion, error) {
	return p.change(ctx, id, func(tx *store.Tx, promo store.Promotion) error {
		if promo.Status == status {
			return nil
		}
		if promo.Status == store.PromotionEnded {
			return &handlers.Conflict{Detail: "the promotion has ended"}
		}
		if err := tx.MovePromotion(promo, status, time.Time{}); err != nil {
			return err
		}
		return takeBack(tx, promo.ID)
	})
}

// Resume lets a paused promotion go on with its next slot; nothing stale goes out.
func (p *Planner) Resume(ctx context.Context, id int64) (store.Promotion, error) {
	return p.change(ctx, id, func(tx *store.Tx, promo store.Promotion) error {
		switch promo.Status {
		case store.PromotionActive:
			return nil
		case store.PromotionEnded:
			return &handlers.Conflict{Detail: "the promotion has ended"}
		}
		pl, err := p.plan(tx.Reader, promo.Spec)
		if err != nil {
			return err
		}
		next := pl.after(tx.Now)
		if next.IsZero() {
			return &handlers.Conflict{Detail: "the promotion " + pl.never(tx.Now)}
		}
		return tx.MovePromotion(promo, store.PromotionActive, next)
	})
}

// RunNow posts a promotion at once, besides its schedule. One whose message cannot go out is a
// conflict, unless it is forced.
func (p *Planner) RunNow(ctx context.Context, id int64, force bool, remember handlers.Remember) (store.Occurrence, error) {
	var occ store.Occurrence
	_, err := p.change(ctx, id, func(tx *store.Tx, promo store.Promotion) error {
		if promo.Status == store.PromotionEnded {
			return &handlers.Conflict{Detail: "the promotion has ended"}
		}
		pl, err := p.plan(tx.Reader, promo.Spec)
		if err != nil {
			return err
		}
		occ = newOccurrence(promo, pl, tx.Now.Truncate(time.Second), tx.Now)
		if why := p.stops(occ); why != "" && !force {
			return &handlers.Conflict{Detail: why + ` To post it all the same, send {"force":true}.`}
		}
		fresh, err := tx.AddOccurrence(&occ)
		if err != nil {
			return err
		}
		if !fresh {
			return &handlers.Conflict{Detail: "the promotion was run in this very second"}
		}
		return remember(tx, fmt.Sprint(occ.ID))
	})
	if err != nil {
		return occ, err
	}
	if err := p.planBatch(ctx, occ.ID); err != nil {
		p.Log.Error("plan a promotion that was run", "promotion", id, "error", err) // the duty goes on with it
	}
	return p.Store.Read(ctx).Occurrence(occ.ID)
}

func (p *Planner) change(ctx context.Context, id int64, fn func(*store.Tx, store.Promotion) error) (store.Promotion, error) {
	err := p.Store.Tx(ctx, func(tx *store.Tx) error {
		promo, err := tx.Promotion(id)
		if err != nil {
			return err
		}
		return fn(tx, promo)
	})
	if err != nil {
		return store.Promotion{}, err
	}
	return p.Store.Read(ctx).Promotion(id)
}

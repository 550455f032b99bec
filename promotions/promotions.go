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
	// SecondPerson says that nothing is posted that only one person has seen.
	SecondPerson bool
	Log          *slog.Logger

	by string // in whose name it acts, see As
}

// Create checks a promotion and plans its first occurrence. One that needs a second person is
// only proposed.
func (p *Planner) Create(ctx context.Context, spec store.PromotionSpec, remember handlers.Remember) (store.Promotion, error) {
	spec.Schedule = p.defaults(spec.Schedule)
	plan, err := p.check(ctx, spec)
	if err != nil {
		return store.Promotion{}, err
	}
	promo := store.Promotion{Name: spec.Name, Spec: spec}
	if promo.By, err = p.who(p.needsSecond(spec)); err != nil {
		return promo, err
	}
	err = p.Store.Tx(ctx, func(tx *store.Tx) error {
		promo.ID = 0
		promo.Status, promo.NextAt = store.PromotionActive, plan.after(tx.Now)
		if promo.NextAt.IsZero() {
			return handlers.Invalidf("schedule.cron", "%s", plan.never(tx.Now))
		}
		if err := checkMedia(tx.HoldMedia, spec); err != nil { // it may have been deleted since
			return err
		}
		if p.needsSecond(spec) {
			promo.Status, promo.NextAt = store.PromotionProposed, time.Time{}
		}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(promo.ID))
	})
	if err != nil {
		return promo, err
	}
	p.look(ctx, promo)
	return promo, nil
}

// look looks at a promotion that was just written. Where that fails the duty does it.
func (p *Planner) look(ctx context.Context, promo store.Promotion) {
	if err := p.glance(ctx, promo); err != nil {
		p.Log.Error("look at a promotion that was written", "promotion", promo.ID, "error", err)
	}
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
	what := map[string]string{store.PromotionPaused: store.ChangePaused, store.PromotionEnded: store.ChangeEnded}[status]
	return p.takingBack(ctx, id, func(tx *store.Tx, promo store.Promotion, by string) error {
		if promo.Status == status {
			return nil
		}
		if promo.Status == store.PromotionEnded {
			return &handlers.Conflict{Detail: "the promotion has ended"}
		}
		if err := tx.MovePromotion(promo, status, time.Time{}); err != nil {
			return err
		}
		if err := note(tx, promo, by, what, ""); err != nil {
			return err
		}
		return takeBack(tx, promo.ID)
	})
}

// takingBack is change for what takes back what was planned: its tasks are cancelled at once.
func (p *Planner) takingBack(ctx context.Context, id int64, fn func(tx *store.Tx, promo store.Promotion, by string) error) (store.Promotion, error) {
	promo, err := p.change(ctx, id, fn)
	if err != nil {
		return promo, err
	}
	if err := p.cancelTaken(ctx, id); err != nil {
		p.Log.Error("cancel the tasks of a promotion that was stopped", "promotion", id, "error", err) // the duty goes on with it
	}
	return promo, nil
}

// cancelTaken cancels the tasks of a promotion that were taken back.
func (p *Planner) cancelTaken(ctx context.Context, promotion int64) error {
	open, err := p.Store.Read(ctx).PlannedOccurrences()
	if err != nil {
		return err
	}
	for _, occ := range open {
		for more := occ.PromotionID == promotion && !occ.StoppingAt.IsZero(); more; {
			err := p.Store.Tx(ctx, func(tx *store.Tx) (err error) {
				more, err = cancelBatch(tx, occ.ID)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Resume lets a paused promotion go on with its next slot; nothing stale goes out. One that
// needs a second person, and that nobody agreed to as it is now, is proposed.
func (p *Planner) Resume(ctx context.Context, id int64) (store.Promotion, error) {
	return p.change(ctx, id, func(tx *store.Tx, promo store.Promotion, by string) error {
		if promo.Status == store.PromotionActive {
			return nil
		}
		if promo.Status != store.PromotionPaused {
			return postable(promo)
		}
		next, err := p.nextSlot(tx, promo.Spec)
		if err != nil {
			return err
		}
		status := store.PromotionActive
		if p.unseen(promo) {
			status, next = store.PromotionProposed, time.Time{}
		}
		if err := tx.MovePromotion(promo, status, next); err != nil {
			return err
		}
		return note(tx, promo, by, store.ChangeResumed, "")
	})
}

// nextSlot is when a promotion is posted next; it is a conflict if never.
func (p *Planner) nextSlot(tx *store.Tx, spec store.PromotionSpec) (time.Time, error) {
	pl, err := p.plan(tx.Reader, spec)
	if err != nil {
		return time.Time{}, err
	}
	next := pl.after(tx.Now)
	if next.IsZero() {
		return next, &handlers.Conflict{Detail: "the promotion " + pl.never(tx.Now)}
	}
	return next, nil
}

// RunNow posts a promotion at once, besides its schedule. One whose message cannot go out is a
// conflict, unless it is forced.
func (p *Planner) RunNow(ctx context.Context, id int64, force bool, remember handlers.Remember) (store.Occurrence, error) {
	var occ store.Occurrence
	_, err := p.change(ctx, id, func(tx *store.Tx, promo store.Promotion, by string) error {
		if err := postable(promo); err != nil {
			return err
		}
		if p.unseen(promo) {
			return &handlers.Conflict{Detail: "nobody else has agreed to the promotion as it is now; resume it, and have it approved"}
		}
		pl, err := p.plan(tx.Reader, promo.Spec)
		if err != nil {
			return err
		}
		occ = newOccurrence(promo, pl, tx.Now.Truncate(time.Second), tx.Now)
		if why, err := p.stops(tx.Reader, occ); err != nil {
			return err
		} else if why != "" && !force {
			return &handlers.Conflict{Detail: why + ` To post it all the same, send {"force":true}.`}
		}
		fresh, err := tx.AddOccurrence(&occ)
		if err != nil {
			return err
		}
		if !fresh {
			return &handlers.Conflict{Detail: "the promotion was run in this very second"}
		}
		if err := note(tx, promo, by, store.ChangeRun, occ.At.In(pl.zone).Format(time.RFC3339)); err != nil {
			return err
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

// change changes a promotion that nobody else changes meanwhile, in the name of by.
func (p *Planner) change(ctx context.Context, id int64, fn func(tx *store.Tx, promo store.Promotion, by string) error) (store.Promotion, error) {
	by, err := p.who(false)
	if err != nil {
		return store.Promotion{}, err
	}
	err = p.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockPromotion(id); err != nil {
			return err
		}
		promo, err := tx.Promotion(id)
		if err != nil {
			return err
		}
		return fn(tx, promo, by)
	})
	if err != nil {
		return store.Promotion{}, err
	}
	return p.Store.Read(ctx).Promotion(id)
}

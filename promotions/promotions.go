package promotions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"xiaobu/handlers"
	"xiaobu/store"
)

// Limits of a promotion.
const (
	maxPromotionName = 100 // characters
	maxProducts      = 50
	maxProductName   = 200 // bytes
	maxPriceFen      = 1_000_000_000
	maxTargets       = 10_000 // group ids named in one promotion
	defaultWithin    = "30m"
	maxWithin        = 24 * time.Hour
	skipGrace        = time.Minute // lateness that is not yet a missed slot
	maxMissed        = 50          // missed slots that are written down after a long downtime
)

// Policies for a slot whose time passed while nothing could be sent.
const (
	MissedSkip       = "skip"
	MissedSendWithin = "send_within"
)

// NextFunc returns the first moment of a schedule after a moment; zero if there is none.
type NextFunc func(time.Time) time.Time

// Planner plans what is posted when and where.
type Planner struct {
	Store *store.Store
	Now   func() time.Time
	// Schedule reads a cron expression of five fields in a zone.
	Schedule func(cron string, zone *time.Location) (NextFunc, error)
	Zone     *time.Location // where a promotion names none
	// PublicURL is where this program is reached from outside, without a slash at the end;
	// Random makes the codes of links: 16 or more letters and digits, new each time.
	PublicURL string
	Random    func() string
	Log       *slog.Logger
}

// Create checks a promotion and plans its first occurrence.
func (p *Planner) Create(ctx context.Context, spec store.PromotionSpec, remember handlers.Remember) (store.Promotion, error) {
	if spec.Schedule.Timezone == "" {
		spec.Schedule.Timezone = p.Zone.String()
	}
	if spec.Schedule.Missed.Policy == "" {
		spec.Schedule.Missed.Policy = MissedSendWithin
	}
	if spec.Schedule.Missed.Policy == MissedSendWithin && spec.Schedule.Missed.Within == "" {
		spec.Schedule.Missed.Within = defaultWithin
	}
	plan, err := p.check(ctx, spec)
	if err != nil {
		return store.Promotion{}, err
	}
	promo := store.Promotion{Name: spec.Name, Status: store.PromotionActive, Spec: spec}
	err = p.Store.Tx(ctx, func(tx *store.Tx) error {
		promo.ID = 0
		if promo.NextAt = plan.after(tx.Now); promo.NextAt.IsZero() {
			return handlers.Invalidf("schedule.cron", "has no time from starts_on to ends_on that is still to come")
		}
		if err := tx.AddPromotion(&promo); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(promo.ID))
	})
	return promo, err
}

// plan is a promotion's schedule, ready to be asked.
type plan struct {
	next   NextFunc
	zone   *time.Location
	from   time.Time // zero: at once
	until  time.Time // excluded; zero: for ever
	policy string
	within time.Duration
}

func (p *Planner) plan(spec store.PromotionSpec) (plan, error) {
	s := spec.Schedule
	zone, err := loadZone(s.Timezone)
	if err != nil {
		return plan{}, handlers.Invalidf("schedule.timezone", "%q is no IANA zone; want one such as Asia/Shanghai", s.Timezone)
	}
	pl := plan{zone: zone, policy: s.Missed.Policy}
	if pl.next, err = p.Schedule(s.Cron, zone); err != nil {
		return pl, handlers.Invalidf("schedule.cron", "%s; want five fields such as 0 10 * * 1,3,5", err)
	}
	if pl.from, err = day("schedule.starts_on", s.StartsOn, zone, 0); err != nil {
		return pl, err
	}
	if pl.until, err = day("schedule.ends_on", s.EndsOn, zone, 1); err != nil {
		return pl, err
	}
	if !pl.until.IsZero() && !pl.from.IsZero() && !pl.from.Before(pl.until) {
		return pl, handlers.Invalidf("schedule.ends_on", "%s is before starts_on %s", s.EndsOn, s.StartsOn)
	}
	return pl, pl.readMissed(s.Missed.Within)
}

func (pl *plan) readMissed(within string) error {
	switch pl.policy {
	case MissedSkip:
		pl.within = skipGrace
		return nil
	case MissedSendWithin:
		d, err := time.ParseDuration(within)
		if err != nil || d < time.Minute || d > maxWithin {
			return handlers.Invalidf("schedule.missed.within", "is %q; want 1m to 24h, such as 30m", within)
		}
		pl.within = d
		return nil
	}
	return handlers.Invalidf("schedule.missed.policy", "is %q; want skip or send_within", pl.policy)
}

// loadZone refuses "Local" and the empty name, which time.LoadLocation takes: a plan must
// not depend on the machine it runs on.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("no zone")
	}
	return time.LoadLocation(name)
}

// day reads a date as its first moment in a zone, or that of a later day.
func day(field, s string, zone *time.Location, plus int) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		return t, handlers.Invalidf(field, "is %q; want a date such as 2026-11-23", s)
	}
	return t.AddDate(0, 0, plus), nil
}

// after returns the first slot after t. A wall-clock time that a change of daylight saving
// brings twice is one slot.
func (pl plan) after(t time.Time) time.Time {
	if !pl.from.IsZero() && t.Before(pl.from) {
		t = pl.from.Add(-time.Second)
	}
	n := pl.next(t.In(pl.zone))
	if n.IsZero() {
		return n
	}
	if wall(n, pl.zone) == wall(t, pl.zone) {
		return pl.after(n)
	}
	if !pl.until.IsZero() && !n.Before(pl.until) {
		return time.Time{}
	}
	return n.UTC()
}

func wall(t time.Time, zone *time.Location) string { return t.In(zone).Format("2006-01-02 15:04") }

func (p *Planner) check(ctx context.Context, spec store.PromotionSpec) (plan, error) {
	if n := utf8.RuneCountInString(spec.Name); n == 0 || n > maxPromotionName {
		return plan{}, handlers.Invalidf("name", "has %d characters; want 1 to %d", n, maxPromotionName)
	}
	pl, err := p.plan(spec)
	if err != nil {
		return pl, err
	}
	if err := checkContent(p.Store.Read(ctx), spec, pl.zone); err != nil {
		return pl, err
	}
	return pl, p.checkTargets(ctx, spec)
}

func (p *Planner) checkTargets(ctx context.Context, spec store.PromotionSpec) error {
	t := spec.Targets
	if !t.All && len(t.ChatIDs)+len(t.Labels)+len(t.Stores) == 0 {
		return handlers.Invalidf("targets", "select nothing; name chat_ids, labels or stores, or set all")
	}
	if len(t.ChatIDs) > maxTargets {
		return handlers.Invalidf("targets.chat_ids", "has %d groups; want at most %d", len(t.ChatIDs), maxTargets)
	}
	r := p.Store.Read(ctx)
	if err := handlers.CheckChats(r, "targets.chat_ids", t.ChatIDs); err != nil {
		return err
	}
	for i, id := range t.Stores {
		if _, err := r.Shop(id); errors.Is(err, store.ErrNotFound) {
			return handlers.Invalidf(fmt.Sprintf("targets.stores[%d]", i), "store %q is not known", id)
		} else if err != nil {
			return err
		}
	}
	return nil
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
		pl, err := p.plan(promo.Spec)
		if err != nil {
			return err
		}
		next := pl.after(tx.Now)
		if next.IsZero() {
			return &handlers.Conflict{Detail: "the promotion has no time left before ends_on"}
		}
		return tx.MovePromotion(promo, store.PromotionActive, next)
	})
}

// RunNow posts a promotion at once, besides its schedule.
func (p *Planner) RunNow(ctx context.Context, id int64, remember handlers.Remember) (store.Occurrence, error) {
	var occ store.Occurrence
	_, err := p.change(ctx, id, func(tx *store.Tx, promo store.Promotion) error {
		if promo.Status == store.PromotionEnded {
			return &handlers.Conflict{Detail: "the promotion has ended"}
		}
		pl, err := p.plan(promo.Spec)
		if err != nil {
			return err
		}
		occ = newOccurrence(promo, pl, tx.Now.Truncate(time.Second), tx.Now)
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

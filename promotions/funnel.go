package promotions

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// When an occurrence's funnel changes no more: owners have three days at most, the day after
// a message counts, and lists of groups lag.
const (
	funnelOpen  = 5 * 24 * time.Hour
	funnelBatch = 100
)

// FunnelRow is a funnel with what came by the links. A click or an order belongs to a store or
// an owner where the link does.
type FunnelRow struct {
	store.Funnel
	Name      string // of the store or owner
	Clicks    int64
	Orders    int64
	AmountFen int64
}

// Funnels lists what became of an occurrence or a promotion: everything, or store by store or
// owner by owner.
func Funnels(r store.Reader, f store.FunnelFilter) ([]FunnelRow, error) {
	funnels, err := r.Funnels(f)
	if err != nil {
		return nil, err
	}
	rows := map[string]FunnelRow{}
	for _, v := range funnels {
		rows[v.ID] = FunnelRow{Funnel: v}
	}
	sales := store.SaleFilter(f)
	if f.By == store.ByAll {
		sales.By, sales.Limit = "occurrence", 0
	}
	sold, err := r.Sales(sales)
	if err != nil {
		return nil, err
	}
	for _, s := range sold {
		if f.By == store.ByAll {
			s.Key = ""
		}
		row := rows[s.Key] // none where the groups of a link's store are of another one now
		row.ID = s.Key
		row.Clicks, row.Orders, row.AmountFen = row.Clicks+s.Clicks, row.Orders+s.Orders, row.AmountFen+s.AmountFen
		rows[s.Key] = row
	}
	out := slices.SortedFunc(maps.Values(rows), func(a, b FunnelRow) int { return cmp.Compare(a.ID, b.ID) })
	if f.Limit > 0 {
		out = out[:min(len(out), f.Limit)]
	}
	for i := range out {
		if out[i].Name, err = nameOf(r, f.By, out[i].ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// nameOf is what a store, an owner or a group is called; empty where that is not known.
func nameOf(r store.Reader, by, id string) (name string, err error) {
	if id == "" {
		return "", nil
	}
	switch by {
	case store.ByStore:
		var shop store.Shop
		shop, err = r.Shop(id)
		name = shop.Name
	case store.ByOwner:
		var staff store.StaffRow
		staff, err = r.Staff(bot.UserID(id))
		name = staff.Name
	case store.ByGroup:
		var chat store.Chat
		chat, err = r.Chat(bot.ChatID(id))
		name = chat.Name
	}
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return name, err
}

// SumFunnels puts the funnels of occurrences that change no more into the sums of their
// promotions.
func (p *Planner) SumFunnels(ctx context.Context) error {
	for {
		r := p.Store.Read(ctx)
		old, err := r.Unsummed(p.Now().Add(-funnelOpen), funnelBatch)
		if err != nil || len(old) == 0 {
			return err
		}
		for _, occ := range old {
			kinds := map[string][]store.Funnel{}
			for _, by := range []string{store.ByAll, store.ByStore, store.ByOwner} {
				if kinds[by], err = r.Funnels(store.FunnelFilter{Promotion: occ.PromotionID, Occurrence: occ.ID, By: by}); err != nil {
					return err
				}
			}
			err := p.Store.Tx(ctx, func(tx *store.Tx) error { return tx.SumFunnels(occ, kinds) })
			if err != nil && !errors.Is(err, store.ErrStale) { // another process did it
				return err
			}
		}
	}
}

// Limits of a coverage.
const (
	maxCoverage     = 366 // days
	defaultCoverage = 30
	defaultPeriod   = 7 // days
)

// Span is some local days, From and To included, such as 2026-11-23, in periods of so many
// days. Empty days are the last thirty until today, 0 a period of seven.
type Span struct {
	From, To string
	Days     int
}

// Covering is how many groups of a store or an owner, or whether one group, was meant and
// reached.
type Covering struct {
	ID, Name string
	store.Covered
	Periods []store.Covered // At is the first moment of each, oldest first; also those without anything
}

// Coverage counts which groups were meant and reached over time: how far what was planned gets.
func (p *Planner) Coverage(ctx context.Context, span Span, f store.CoverageFilter) ([]Covering, error) {
	starts, err := p.periods(span)
	if err != nil {
		return nil, err
	}
	f.From, f.To = starts[0], starts[len(starts)-1]
	r := p.Store.Read(ctx)
	rows, err := r.Coverage(f)
	if err != nil {
		return nil, err
	}
	var out []Covering
	for _, row := range rows {
		if n := len(out); n == 0 || out[n-1].ID != row.ID {
			c := Covering{ID: row.ID}
			if c.Name, err = nameOf(r, f.By, row.ID); err != nil {
				return nil, err
			}
			for _, from := range starts[:len(starts)-1] {
				c.Periods = append(c.Periods, store.Covered{At: from})
			}
			out = append(out, c)
		}
		c := &out[len(out)-1]
		i, exact := slices.BinarySearchFunc(starts, row.At, time.Time.Compare)
		if !exact {
			i--
		}
		for _, to := range []*store.Covered{&c.Covered, &c.Periods[i]} {
			to.Groups, to.Blocked, to.Sent = to.Groups+row.Groups, to.Blocked+row.Blocked, to.Sent+row.Sent
		}
	}
	return out, nil
}

// periods are the first moments of a span's periods, and the one behind the last.
func (p *Planner) periods(s Span) ([]time.Time, error) {
	read := func(field, day string, otherwise time.Time) (time.Time, error) {
		if day == "" {
			return otherwise, nil
		}
		t, err := time.ParseInLocation(time.DateOnly, day, p.Zone)
		if err != nil {
			return t, handlers.Invalidf(field, "is %q; want a date such as 2026-11-23", day)
		}
		return t, nil
	}
	y, m, d := p.Now().In(p.Zone).Date()
	last, err := read("to", s.To, time.Date(y, m, d, 0, 0, 0, 0, p.Zone))
	if err != nil {
		return nil, err
	}
	from, err := read("from", s.From, last.AddDate(0, 0, 1-defaultCoverage))
	if err != nil {
		return nil, err
	}
	end, days := last.AddDate(0, 0, 1), cmp.Or(s.Days, defaultPeriod)
	if !from.Before(end) || from.AddDate(0, 0, maxCoverage).Before(end) {
		return nil, handlers.Invalidf("from", "and to are %s and %s; want at most %d days, the later one last", from.Format(time.DateOnly), last.Format(time.DateOnly), maxCoverage)
	}
	if days < 1 || days > maxCoverage {
		return nil, handlers.Invalidf("days", "is %d; want 1 to %d", s.Days, maxCoverage)
	}
	var starts []time.Time
	for t := from; t.Before(end); t = t.AddDate(0, 0, days) {
		starts = append(starts, t)
	}
	return append(starts, end), nil
}

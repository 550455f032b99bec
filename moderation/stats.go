package moderation

import (
	"cmp"
	"context"
	"slices"
	"time"

	"xiaobu/handlers"
	"xiaobu/store"
)

// What figures are told by.
const (
	ByGroup = "group"
	ByStore = "store"
	ByOwner = "owner"
)

// maxStatsSpan bounds what is counted in one answer.
const maxStatsSpan = 400 * 24 * time.Hour

// Stats are figures of the cases of a group, a store or an owner, by when they were opened.
// Times are in milliseconds; nil: there is nothing to measure.
type Stats struct {
	ID   string
	Name string
	store.CaseCounts
	ToCardMedian, ToCardP90       *int64 // from the opening to the first card
	ToRemovalMedian, ToRemovalP90 *int64 // from the opening to the list without the person
}

// Precision is the share of the cases that were not dismissed among those that are decided;
// ok is false where none is.
func (s Stats) Precision() (share float64, ok bool) {
	decided := s.Removed + s.Dismissed
	if decided == 0 {
		return 0, false
	}
	return float64(s.Removed) / float64(decided), true
}

// Stats counts the cases that were opened from a time and before another, by group, store or
// owner, in the order of their ids; the first row sums them up, with an empty id. An owner is
// who was asked last; figures of a store go by where the groups are now.
func (m *Moderator) Stats(ctx context.Context, from, to time.Time, by string) ([]Stats, error) {
	if !to.After(from) || to.Sub(from) > maxStatsSpan {
		return nil, handlers.Invalidf("to", "want a time after from, at most %d days later", int(maxStatsSpan.Hours()/24))
	}
	rows, err := m.Store.Read(ctx).CaseFigures(from, to, m.Now().Add(-m.gap(levelManager)))
	if err != nil {
		return nil, err
	}
	groups := map[string]*figures{"": {}}
	for _, r := range rows {
		key, name := r.ChatID, r.ChatName
		switch by {
		case ByStore:
			key, name = r.ShopID, r.ShopName
		case ByOwner:
			key, name = r.Owner, ""
		}
		groups[""].add(r)
		if key == "" {
			continue
		}
		if groups[key] == nil {
			groups[key] = &figures{name: name}
		}
		groups[key].add(r)
	}
	out := make([]Stats, 0, len(groups))
	for id, f := range groups {
		out = append(out, f.stats(id))
	}
	slices.SortFunc(out, func(a, b Stats) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// figures are those of some cases.
type figures struct {
	name          string
	counts        store.CaseCounts
	card, removal []int64
}

func (f *figures) add(r store.CaseFigure) {
	f.counts.Add(r)
	if !r.AskedAt.IsZero() {
		f.card = append(f.card, r.AskedAt.Sub(r.CreatedAt).Milliseconds())
	}
	if r.Status == store.CaseRemoved {
		f.removal = append(f.removal, r.ClosedAt.Sub(r.CreatedAt).Milliseconds())
	}
}

func (f *figures) stats(id string) Stats {
	s := Stats{ID: id, Name: f.name, CaseCounts: f.counts}
	s.ToCardMedian, s.ToCardP90 = quantile(f.card, 50), quantile(f.card, 90)
	s.ToRemovalMedian, s.ToRemovalP90 = quantile(f.removal, 50), quantile(f.removal, 90)
	return s
}

// quantile is the smallest value that so many hundredths of all do not exceed.
func quantile(values []int64, hundredths int) *int64 {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	v := values[(len(values)*hundredths+99)/100-1]
	return &v
}

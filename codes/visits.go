package codes

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"xiaobu/store"
)

// flushEvery is how long visits are counted in memory before they are written down.
const flushEvery = 5 * time.Second

// Visits counts how often something is opened, by what it is and a stretch of time. It keeps
// nothing of whoever opened it. Counts are gathered in memory and written together: thousands
// of visits cost one row, and a crash loses at most the last seconds of a statistic.
type Visits struct {
	store   *store.Store
	stretch func(time.Time) time.Time // a moment that names the stretch of another
	put     func(*store.Tx, []visit) error

	mu     sync.Mutex
	counts map[visitKey]visit
}

type visitKey struct {
	id      int64
	stretch int64 // milliseconds
}

// visit is what was counted of one thing in one stretch of time.
type visit struct {
	id      int64
	stretch time.Time
	n       int64
	last    time.Time
}

func newVisits(s *store.Store, stretch func(time.Time) time.Time, put func(*store.Tx, []visit) error) *Visits {
	return &Visits{store: s, stretch: stretch, put: put, counts: map[visitKey]visit{}}
}

// NewScans counts the openings of a channel's page by days of a zone.
func NewScans(s *store.Store, zone *time.Location) *Visits {
	noon := func(at time.Time) time.Time { // every day has one, also where clocks change at midnight
		y, m, d := at.In(zone).Date()
		return time.Date(y, m, d, 12, 0, 0, 0, zone)
	}
	return newVisits(s, noon, func(tx *store.Tx, visits []visit) error {
		days := make([]store.ChannelDay, len(visits))
		for i, v := range visits {
			days[i] = store.ChannelDay{ChannelID: v.id, Day: v.stretch.In(zone).Format(time.DateOnly), Scans: v.n, LastAt: v.last}
		}
		return tx.AddScans(days)
	})
}

// NewClicks counts how often links are followed, by hours.
func NewClicks(s *store.Store) *Visits {
	hour := func(at time.Time) time.Time { return at.Truncate(time.Hour) }
	return newVisits(s, hour, func(tx *store.Tx, visits []visit) error {
		hours, uses := make([]store.LinkHour, len(visits)), []store.LinkUse{}
		for i, v := range visits { // the hours of a link follow each other
			hours[i] = store.LinkHour{LinkID: v.id, Hour: v.stretch, Clicks: v.n}
			if n := len(uses); n > 0 && uses[n-1].LinkID == v.id {
				uses[n-1].Clicks, uses[n-1].At = uses[n-1].Clicks+v.n, v.last
			} else {
				uses = append(uses, store.LinkUse{LinkID: v.id, Clicks: v.n, At: v.last})
			}
		}
		return tx.AddClicks(hours, uses)
	})
}

// Count counts one visit.
func (v *Visits) Count(id int64, at time.Time) {
	v.add(visit{id: id, stretch: v.stretch(at), n: 1, last: at})
}

func (v *Visits) add(one visit) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := visitKey{one.id, one.stretch.UnixMilli()}
	sum := v.counts[key]
	one.n += sum.n
	if sum.last.After(one.last) {
		one.last = sum.last
	}
	v.counts[key] = one
}

// Flush writes down what was counted and returns how many rows that took. What could not be
// written is kept for the next time.
func (v *Visits) Flush(ctx context.Context) (int, error) {
	v.mu.Lock()
	visits := make([]visit, 0, len(v.counts))
	for _, one := range v.counts {
		visits = append(visits, one)
	}
	clear(v.counts)
	v.mu.Unlock()
	if len(visits) == 0 {
		return 0, nil
	}
	slices.SortFunc(visits, func(a, b visit) int { return cmp.Or(cmp.Compare(a.id, b.id), a.stretch.Compare(b.stretch)) })
	if err := v.store.Tx(ctx, func(tx *store.Tx) error { return v.put(tx, visits) }); err != nil {
		for _, one := range visits {
			v.add(one)
		}
		return 0, err
	}
	return len(visits), nil
}

// Run writes down every few seconds, and once more when ctx ends. Errors go to failed.
func (v *Visits) Run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-tick.C:
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
		if _, err := v.Flush(last); err != nil {
			failed(err)
		}
		cancel()
	}
}

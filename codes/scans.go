package codes

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"xiaobu/store"
)

// flushEvery is how long scans are counted in memory before they are written down.
const flushEvery = 5 * time.Second

// Scans counts how often the page of a code is opened, by code and day. It keeps nothing of
// whoever opened it. Counts are gathered in memory and written together: thousands of scans
// cost one row a code, and a crash loses at most the last seconds of a statistic.
type Scans struct {
	store *store.Store
	zone  *time.Location // whose days are counted

	mu     sync.Mutex
	counts map[scanKey]store.ChannelDay
}

type scanKey struct {
	channel int64
	day     string
}

// NewScans makes a counter.
func NewScans(s *store.Store, zone *time.Location) *Scans {
	return &Scans{store: s, zone: zone, counts: map[scanKey]store.ChannelDay{}}
}

// Count counts one opening of a page.
func (s *Scans) Count(channel int64, at time.Time) {
	s.add(store.ChannelDay{ChannelID: channel, Day: at.In(s.zone).Format(time.DateOnly), Scans: 1, LastAt: at})
}

func (s *Scans) add(d store.ChannelDay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := scanKey{d.ChannelID, d.Day}
	sum := s.counts[key]
	d.Scans += sum.Scans
	if sum.LastAt.After(d.LastAt) {
		d.LastAt = sum.LastAt
	}
	s.counts[key] = d
}

// Flush writes down what was counted and returns how many rows that took. What could not be
// written is kept for the next time.
func (s *Scans) Flush(ctx context.Context) (int, error) {
	s.mu.Lock()
	days := make([]store.ChannelDay, 0, len(s.counts))
	for _, d := range s.counts {
		days = append(days, d)
	}
	clear(s.counts)
	s.mu.Unlock()
	if len(days) == 0 {
		return 0, nil
	}
	slices.SortFunc(days, func(a, b store.ChannelDay) int {
		return cmp.Or(cmp.Compare(a.ChannelID, b.ChannelID), cmp.Compare(a.Day, b.Day))
	})
	if err := s.store.Tx(ctx, func(tx *store.Tx) error { return tx.AddScans(days) }); err != nil {
		for _, d := range days {
			s.add(d)
		}
		return 0, err
	}
	return len(days), nil
}

// Run writes down every few seconds, and once more when ctx ends. Errors go to failed.
func (s *Scans) Run(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-tick.C:
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
		if _, err := s.Flush(last); err != nil {
			failed(err)
		}
		cancel()
	}
}

// Package pump does work that is found in the store: it claims what is due, works on so
// much of it at once and no more, and sleeps until something calls or falls due. Drain and
// Run do the same; tests and rehearsals drain by hand where a service runs.
package pump

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	idle     = time.Second          // between looks at the store when nobody calls
	endGrace = 20 * time.Second     // for running work when the program ends
	shortest = 5 * time.Millisecond // between two looks
	sayAgain = time.Minute          // while the same trouble goes on
)

// Pump is one kind of work. All fields but the first three are required; make it with a
// pointer and do not copy it.
type Pump struct {
	Name string
	Log  *slog.Logger
	// Now is the clock that Next speaks of.
	Now func() time.Time
	// Workers is how many pieces are worked on at once.
	Workers int
	// Claim takes up to n due pieces and returns how to do each.
	Claim func(ctx context.Context, n int) ([]func(context.Context), error)
	// Next tells when something falls due; false means that nothing waits.
	Next func(ctx context.Context) (time.Time, bool, error)

	once  sync.Once
	slots chan struct{} // one token per piece being worked on
	wake  chan struct{}
	wg    sync.WaitGroup
}

func (p *Pump) init() {
	p.once.Do(func() {
		p.slots = make(chan struct{}, p.Workers)
		p.wake = make(chan struct{}, 1)
	})
}

// Poke says that there may be work.
func (p *Pump) Poke() {
	p.init()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Drain does everything that is due now and returns how many pieces that were.
func (p *Pump) Drain(ctx context.Context) (int, error) {
	p.init()
	total := 0
	for {
		n, err := p.step(ctx, ctx)
		p.wg.Wait()
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}

// Run works until ctx ends. What is under way then has 20 seconds to finish.
func (p *Pump) Run(ctx context.Context) {
	p.init()
	work, stop := graceful(ctx)
	defer stop()
	defer p.wg.Wait()
	var trouble Trouble
	for ctx.Err() == nil {
		n, err := p.step(ctx, work)
		if trouble.News(p.Now(), err) && ctx.Err() == nil {
			p.Log.Error("claim work", "pump", p.Name, "error", err)
		}
		if n == 0 || err != nil {
			p.sleep(ctx)
		}
	}
}

// step starts as many due pieces as there are free workers.
func (p *Pump) step(ctx, work context.Context) (int, error) {
	free := cap(p.slots) - len(p.slots)
	if free == 0 {
		return 0, nil
	}
	pieces, err := p.Claim(ctx, free)
	for _, do := range pieces {
		p.slots <- struct{}{}
		p.wg.Go(func() {
			defer p.Poke()
			defer func() { <-p.slots }()
			do(work)
		})
	}
	return len(pieces), err
}

func (p *Pump) sleep(ctx context.Context) {
	d := idle
	if len(p.slots) < cap(p.slots) { // else a worker that gets free calls
		if at, ok, err := p.Next(ctx); err == nil && ok {
			d = min(max(at.Sub(p.Now()), shortest), idle)
		}
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-p.wake:
	case <-t.C:
	}
}

// Trouble keeps a failure that lasts, such as a database that is away, from filling the log.
type Trouble struct{ said time.Time }

// News reports whether an error is worth a line: when it begins, and once a minute while it
// goes on.
func (t *Trouble) News(now time.Time, err error) bool {
	if err == nil {
		t.said = time.Time{}
		return false
	}
	if now.Sub(t.said) < sayAgain {
		return false
	}
	t.said = now
	return true
}

// Group is several pumps that work side by side.
type Group []*Pump

// Drain lets each pump in turn do everything that is due now, once around, and returns how
// many pieces that were. One pump's work may leave some for another: drain until it is 0.
func (g Group) Drain(ctx context.Context) (int, error) {
	total := 0
	for _, p := range g {
		n, err := p.Drain(ctx)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, ctx.Err()
}

// Poke says that there may be work.
func (g Group) Poke() {
	for _, p := range g {
		p.Poke()
	}
}

// Run works until ctx ends.
func (g Group) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range g {
		wg.Go(func() { p.Run(ctx) })
	}
	wg.Wait()
}

// graceful returns a context that outlives ctx by the grace for running work.
func graceful(ctx context.Context) (context.Context, func()) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() {
		select {
		case <-over:
			return
		case <-ctx.Done():
		}
		t := time.NewTimer(endGrace)
		defer t.Stop()
		select {
		case <-over:
		case <-t.C:
			cancel()
		}
	}()
	return work, func() {
		close(over)
		cancel()
	}
}

// Earliest returns the earliest of several Next.
func Earliest(ctx context.Context, nexts ...func(context.Context) (time.Time, bool, error)) (at time.Time, ok bool, err error) {
	for _, next := range nexts {
		t, some, err := next(ctx)
		if err != nil {
			return at, ok, err
		}
		if some && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	return at, ok, nil
}

// Recovered runs fn and returns its panic as an error.
func Recovered(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return fn()
}

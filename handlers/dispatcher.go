package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"xiaobu/bot"
	"xiaobu/pump"
	"xiaobu/store"
)

// The dispatcher's limits.
const (
	routeBatch  = 200              // events handed out in one transaction
	routePause  = time.Second      // between looks for new events when nobody calls
	runLease    = 60 * time.Second // how long a lane belongs to a worker without a sign of life
	runTimeout  = 40 * time.Second // how long a fetch may take; well below the lease
	maxAttempts = 10               // then a run is dead
	fixPause    = 5 * time.Minute  // between tries while a person has to act
	serialLanes = 100              // claimed at once when one lane is worked in after the other
)

// Dispatcher is the pump between the inbox and the handlers. Each handler gets its own run
// of an event, so a failing or slow feature cannot hold up another; within a handler one run
// at a time per lane, a deadline before all others, then in order of arrival.
type Dispatcher struct {
	c      DispatcherConfig
	claims atomic.Int64
	pumps  pump.Group
}

// DispatcherConfig is what a Dispatcher needs.
type DispatcherConfig struct {
	Store  *store.Store
	Router *Router
	Now    func() time.Time
	Log    *slog.Logger
	Jitter func() float64 // in [0,1); spreads retries
	Owner  string         // unique for this process
	// Serial works on one lane at a time, so that the same events always lead to the same
	// order of effects.
	Serial bool
	// Seen is told of every run that ended: done, retry or dead. May be nil.
	Seen func(handler, outcome string)
}

// NewDispatcher returns a Dispatcher that has not started.
func NewDispatcher(c DispatcherConfig) *Dispatcher {
	if c.Seen == nil {
		c.Seen = func(string, string) {}
	}
	d := &Dispatcher{c: c}
	for _, rt := range c.Router.routes {
		workers := rt.workers
		if c.Serial {
			workers = 1
		}
		w := &worker{d: d, route: rt}
		d.pumps = append(d.pumps, &pump.Pump{Name: rt.name, Log: c.Log, Now: c.Now, Workers: workers, Claim: w.claim, Next: w.next})
	}
	return d
}

// Drain hands out and handles everything that is due now, what it leads to included, and
// returns how many events were handed out and lanes worked in.
func (d *Dispatcher) Drain(ctx context.Context) (int, error) {
	total := 0
	for {
		routed, err := d.routeAll(ctx)
		if err != nil {
			return total, err
		}
		// One look for all handlers: most of the time nothing is due.
		if due, err := d.c.Store.Read(ctx).LaneDue(d.c.Now()); err != nil || !due {
			return total + routed, err
		}
		worked, err := d.pumps.Drain(ctx)
		total += routed + worked
		if err != nil || routed+worked == 0 {
			return total, err
		}
	}
}

// NextDue returns when there will be something to do; ok is false when nothing waits.
func (d *Dispatcher) NextDue(ctx context.Context) (at time.Time, ok bool, err error) {
	return d.c.Store.Read(ctx).NextLaneOfAll()
}

// Run drains whenever there is something to do, until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { d.routeLoop(ctx) })
	d.pumps.Run(ctx)
	wg.Wait()
}

func (d *Dispatcher) routeLoop(ctx context.Context) {
	tick := time.NewTicker(routePause)
	defer tick.Stop()
	var trouble pump.Trouble
	for ctx.Err() == nil {
		if _, err := d.routeAll(ctx); trouble.News(d.c.Now(), err) && ctx.Err() == nil {
			d.c.Log.Error("route events", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-d.c.Store.InboxWake():
		case <-tick.C:
		}
	}
}

func (d *Dispatcher) routeAll(ctx context.Context) (int, error) {
	total := 0
	for {
		n, err := d.c.Store.RouteEvents(ctx, routeBatch, d.c.Router.route)
		if n > 0 {
			total += n
			d.pumps.Poke()
		}
		if err != nil || n < routeBatch {
			return total, err
		}
	}
}

// worker works for one handler.
type worker struct {
	d     *Dispatcher
	route *route
}

func (w *worker) next(ctx context.Context) (time.Time, bool, error) {
	return w.d.c.Store.Read(ctx).NextLane(w.route.name)
}

// claim takes up to n due lanes.
func (w *worker) claim(ctx context.Context, n int) ([]func(context.Context), error) {
	owner := fmt.Sprintf("%s-%d", w.d.c.Owner, w.d.claims.Add(1))
	if w.oneByOne() {
		n = serialLanes
	}
	claims, err := w.d.c.Store.ClaimLanes(ctx, w.route.name, owner, n, runLease)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(claims, func(a, b store.Claim) int { return cmp.Compare(firstRun(a), firstRun(b)) })
	if w.oneByOne() && len(claims) > 1 {
		return []func(context.Context){func(ctx context.Context) {
			if w.together(ctx, claims) {
				return
			}
			for _, c := range claims {
				w.work(ctx, c)
			}
		}}, nil
	}
	work := make([]func(context.Context), len(claims))
	for i, c := range claims {
		work[i] = func(ctx context.Context) { w.work(ctx, c) }
	}
	return work, nil
}

// oneByOne reports whether many lanes are claimed at once and worked in one after the other:
// in a serial dispatcher, where the work waits for nobody outside.
func (w *worker) oneByOne() bool {
	_, fetches := w.route.one.(Fetcher)
	return w.d.c.Serial && w.route.many == nil && !fetches
}

func firstRun(c store.Claim) int64 {
	if len(c.Runs) == 0 {
		return 0
	}
	return c.Runs[0].ID
}

// together handles the runs of many lanes in one transaction, which is what makes reading a
// big company in quick. It reports false when anything went wrong, a lost lease included:
// then nothing is done and the lanes are worked in one by one, so that a bad run harms only
// itself.
func (w *worker) together(ctx context.Context, claims []store.Claim) bool {
	var done []store.Run
	err := w.d.c.Store.Tx(ctx, func(tx *store.Tx) error {
		done = nil
		if err := tx.Hold(runLease, claims...); err != nil {
			return err
		}
		for _, c := range claims {
			for _, run := range c.Runs {
				if run.NotBefore.After(tx.Now) {
					break // the lane is due again when this run is
				}
				if err := w.route.one.Handle(ctx, tx, run.Event); err != nil {
					return err
				}
				done = append(done, run)
			}
		}
		if err := tx.FinishRuns(done...); err != nil {
			return err
		}
		return tx.Release(false, claims...)
	})
	if err != nil {
		return false
	}
	for range done {
		w.d.c.Seen(w.route.name, "done")
	}
	return true
}

// work handles the runs of a claimed lane.
func (w *worker) work(ctx context.Context, c store.Claim) {
	if w.route.many != nil {
		w.gather(ctx, c)
		return
	}
	for i, run := range c.Runs {
		if run.NotBefore.After(w.d.c.Now()) {
			w.release(ctx, c)
			return
		}
		if err := w.handle(ctx, c, run, i == len(c.Runs)-1); err != nil {
			w.failed(ctx, c, []store.Run{run}, err)
			return
		}
		w.d.c.Seen(w.route.name, "done")
	}
	if len(c.Runs) == 0 {
		w.release(ctx, c)
	}
}

func (w *worker) handle(ctx context.Context, c store.Claim, run store.Run, last bool) error {
	e := run.Event
	if f, ok := w.route.one.(Fetcher); ok {
		err := pump.Recovered(func() (err error) {
			ctx, cancel := context.WithTimeout(ctx, runTimeout)
			defer cancel()
			e, err = f.Fetch(ctx, e)
			return err
		})
		if err != nil {
			return err
		}
	}
	return w.d.c.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Hold(runLease, c); err != nil {
			return err
		}
		if err := w.route.one.Handle(ctx, tx, e); err != nil {
			return err
		}
		if err := tx.FinishRuns(run); err != nil || !last {
			return err
		}
		return tx.Release(false, c)
	})
}

func (w *worker) gather(ctx context.Context, c store.Claim) {
	var g Gathered
	err := pump.Recovered(func() (err error) {
		if len(c.Runs) == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, runTimeout)
		defer cancel()
		g, err = w.route.many.Gather(ctx, c.Runs)
		return err
	})
	if err == nil {
		err = w.d.c.Store.Tx(ctx, func(tx *store.Tx) error { return w.applyGathered(ctx, tx, c, g) })
	}
	if err != nil {
		w.failed(ctx, c, c.Runs, err)
		return
	}
	for range len(c.Runs) - len(g.Open) {
		w.d.c.Seen(w.route.name, "done")
	}
}

func (w *worker) applyGathered(ctx context.Context, tx *store.Tx, c store.Claim, g Gathered) error {
	if err := tx.Hold(runLease, c); err != nil {
		return err
	}
	if g.Apply != nil {
		if err := g.Apply(ctx, tx); err != nil {
			return err
		}
	}
	var done, open []store.Run
	for _, r := range c.Runs {
		if slices.Contains(g.Open, r.Event.ID) {
			open = append(open, r)
		} else {
			done = append(done, r)
		}
	}
	if err := tx.FinishRuns(done...); err != nil {
		return err
	}
	if err := tx.PostponeRuns(g.Again, open...); err != nil {
		return err
	}
	return tx.Release(true, c)
}

// failed keeps runs for another try, or buries them. The lane waits with them, so that
// nothing overtakes.
func (w *worker) failed(ctx context.Context, c store.Claim, runs []store.Run, cause error) {
	if errors.Is(cause, store.ErrStale) && !w.holds(ctx, c) {
		w.d.c.Log.Warn("lost the lease of a lane", "handler", w.route.name, "lane", c.Lane)
		return
	}
	err := w.d.c.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := tx.Hold(runLease, c); err != nil {
			return err
		}
		for _, r := range runs {
			if err := w.again(tx, r, cause); err != nil {
				return err
			}
		}
		return tx.Release(w.route.many != nil, c)
	})
	if err != nil {
		// The lease runs out, and the runs come again.
		w.d.c.Log.Error("keep failed runs", "handler", w.route.name, "lane", c.Lane, "cause", cause, "error", err)
	}
}

func (w *worker) holds(ctx context.Context, c store.Claim) bool {
	return w.d.c.Store.Tx(ctx, func(tx *store.Tx) error { return tx.Hold(runLease, c) }) == nil
}

// again decides what a failed run deserves.
func (w *worker) again(tx *store.Tx, run store.Run, cause error) error {
	log := w.d.c.Log.With("handler", w.route.name, "event", run.Event.ID, "kind", run.Event.Kind)
	attempts, wait := run.Attempts+1, w.backoff(run.Attempts+1)
	switch {
	case errors.Is(cause, context.Canceled): // the program ends
		attempts, wait = run.Attempts, 0
	case bot.ClassOf(cause) == bot.ClassBackoff:
		attempts, wait = run.Attempts, max(bot.WaitOf(cause), time.Second)
	case bot.ClassOf(cause) == bot.ClassFix:
		attempts, wait = run.Attempts, fixPause
	case bot.ClassOf(cause) == bot.ClassGiveUp, attempts >= maxAttempts:
		log.Error("gave a run up", "attempts", attempts, "error", cause)
		w.d.c.Seen(w.route.name, "dead")
		return tx.BuryRun(run, attempts, cause.Error())
	}
	log.Warn("run failed", "attempts", attempts, "again_in", wait, "error", cause)
	w.d.c.Seen(w.route.name, "retry")
	return tx.RetryRun(run, attempts, tx.Now.Add(wait), cause.Error())
}

// backoff is n⁴ seconds, a fifth more or less.
func (w *worker) backoff(n int) time.Duration {
	return time.Duration(math.Pow(float64(n), 4) * (0.8 + 0.4*w.d.c.Jitter()) * float64(time.Second))
}

func (w *worker) release(ctx context.Context, c store.Claim) {
	err := w.d.c.Store.Tx(ctx, func(tx *store.Tx) error { return tx.Release(w.route.many != nil, c) })
	if err != nil && !errors.Is(err, store.ErrStale) {
		w.d.c.Log.Error("release lane", "handler", w.route.name, "lane", c.Lane, "error", err)
	}
}

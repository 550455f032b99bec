package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"xiaobu/cron"
	"xiaobu/pump"
	"xiaobu/store"
)

// The runner's limits.
const (
	jobTimeout   = 30 * time.Minute
	slotLease    = jobTimeout + time.Minute
	maxSlotTries = 5
	maxOverdue   = 100              // slots that are written down after a long downtime
	dutyRest     = 10 * time.Second // after a duty that failed
)

// CatchUp says what happens to appointments that were not kept because nobody was there.
type CatchUp int

// The ways to catch up.
const (
	Skip CatchUp = iota // only an appointment whose time is now is kept
	Once                // the newest one that was missed is kept
)

// late is how far behind its time an appointment counts as now.
const late = time.Minute

// Job is something done by appointment. Each slot is a row that whoever keeps it claims, so
// several processes keep it once and a crash gives it to the next.
type Job struct {
	Name    string
	Spec    string // cron, five fields
	Zone    *time.Location
	CatchUp CatchUp
	Run     func(ctx context.Context, slot time.Time) error
}

// Duty is something done when a row says so: Next tells when, Run does all that is due.
type Duty struct {
	Name string
	Next func(ctx context.Context) (time.Time, bool, error)
	Run  func(ctx context.Context) error
}

// Runner does jobs and duties.
type Runner struct {
	store *store.Store
	now   func() time.Time
	log   *slog.Logger
	owner string
	jobs  []*job
	pumps []*pump.Pump
}

type job struct {
	Job
	next func(time.Time) time.Time
	base time.Time // no appointment before this is anybody's business
}

// NewRunner returns a Runner that has not started. The owner is unique for this process.
func NewRunner(s *store.Store, now func() time.Time, owner string, log *slog.Logger) *Runner {
	return &Runner{store: s, now: now, owner: owner, log: log}
}

// Job adds a job.
func (r *Runner) Job(j Job) error {
	s, err := cron.Parse(j.Spec)
	if err != nil {
		return fmt.Errorf("job %s: cron %q %w", j.Name, j.Spec, err)
	}
	next := func(t time.Time) time.Time { return s.Next(t, j.Zone) }
	added := &job{Job: j, next: next, base: r.now()}
	r.jobs = append(r.jobs, added)
	r.add(Duty{
		Name: j.Name,
		Next: func(ctx context.Context) (time.Time, bool, error) { return r.nextSlot(ctx, added) },
		Run:  func(ctx context.Context) error { return r.keep(ctx, added) },
	})
	return nil
}

// Duty adds a duty.
func (r *Runner) Duty(d Duty) { r.add(d) }

func (r *Runner) add(d Duty) {
	k := &keeper{Duty: d, r: r}
	r.pumps = append(r.pumps, &pump.Pump{Name: d.Name, Log: r.log, Now: r.now, Workers: 1, Next: k.next, Claim: k.claim})
}

// keeper does one duty, and leaves it alone for a while when it failed.
type keeper struct {
	Duty
	r        *Runner
	restTill atomic.Int64 // milliseconds
}

func (k *keeper) next(ctx context.Context) (time.Time, bool, error) {
	at, ok, err := k.Next(ctx)
	if rest := time.UnixMilli(k.restTill.Load()); at.Before(rest) {
		at = rest
	}
	return at, ok, err
}

func (k *keeper) claim(ctx context.Context, _ int) ([]func(context.Context), error) {
	at, ok, err := k.next(ctx)
	if err != nil || !ok || at.After(k.r.now()) {
		return nil, err
	}
	return []func(context.Context){k.do}, nil
}

// do runs the duty; its error or panic ends this run of it and nothing else.
func (k *keeper) do(ctx context.Context) {
	err := pump.Recovered(func() error { return k.Run(ctx) })
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	k.restTill.Store(k.r.now().Add(dutyRest).UnixMilli())
	k.r.log.Error("duty failed", "duty", k.Name, "error", err)
}

// Tick does everything that is due, once each, in the order it was added, and returns how
// much that was. A duty that finds itself due again is left for the next Tick, so one that
// fails cannot keep the others waiting.
func (r *Runner) Tick(ctx context.Context) (int, error) {
	total := 0
	for _, p := range r.pumps {
		work, err := p.Claim(ctx, 1)
		if err != nil {
			return total, err
		}
		for _, do := range work {
			do(ctx)
			total++
		}
	}
	return total, ctx.Err()
}

// NextDue returns when there will be something to do.
func (r *Runner) NextDue(ctx context.Context) (time.Time, bool, error) {
	nexts := make([]func(context.Context) (time.Time, bool, error), len(r.pumps))
	for i, p := range r.pumps {
		nexts[i] = p.Next
	}
	return pump.Earliest(ctx, nexts...)
}

// Run does everything when it is due, until ctx ends. A slow duty does not hold up others.
func (r *Runner) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, p := range r.pumps {
		wg.Go(func() { p.Run(ctx) })
	}
	wg.Wait()
}

// nextSlot returns when a job has an appointment to keep or one to take over.
func (r *Runner) nextSlot(ctx context.Context, j *job) (time.Time, bool, error) {
	free, last, err := r.store.Read(ctx).NextSlot(j.Name)
	if err != nil || !free.IsZero() {
		return free, err == nil, err
	}
	if last.IsZero() {
		last = j.base
	}
	at := j.next(last)
	return at, !at.IsZero(), nil
}

func (r *Runner) lastSlot(rd store.Reader, j *job) (time.Time, error) {
	last, err := rd.LastSlot(j.Name)
	if errors.Is(err, store.ErrNotFound) {
		return j.base, nil
	}
	return last.At, err
}

// keep keeps the appointments of a job that have come.
func (r *Runner) keep(ctx context.Context, j *job) error {
	rd := r.store.Read(ctx)
	open, free, err := rd.OpenSlot(j.Name)
	if err == nil && !free.After(r.now()) {
		return r.keepSlot(ctx, j, open.At)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	last, err := r.lastSlot(rd, j)
	if err != nil {
		return err
	}
	due := overdue(j.next, last, r.now(), maxOverdue)
	for i, at := range due {
		newest := i == len(due)-1
		if newest && (j.CatchUp == Once || r.now().Sub(at) <= late) {
			return r.keepSlot(ctx, j, at)
		}
		if err := r.store.Tx(ctx, func(tx *store.Tx) error { return tx.MissSlot(j.Name, at, j.local(at)) }); err != nil {
			return err
		}
	}
	return nil
}

// overdue lists the newest moments of a schedule after last up to now.
func overdue(next func(time.Time) time.Time, last, now time.Time, limit int) []time.Time {
	var out []time.Time
	for t := next(last); !t.IsZero() && !t.After(now); t = next(t) {
		if out = append(out, t); len(out) > limit {
			out = out[1:]
		}
	}
	return out
}

func (j *job) local(at time.Time) string { return at.In(j.Zone).Format("2006-01-02 15:04 MST") }

// keepSlot claims one appointment and keeps it; one that fails is tried again later, a few
// times.
func (r *Runner) keepSlot(ctx context.Context, j *job, at time.Time) error {
	owner := fmt.Sprintf("%s-%d", r.owner, r.now().UnixNano())
	var mine bool
	err := r.store.Tx(ctx, func(tx *store.Tx) (err error) {
		mine, err = tx.ClaimSlot(j.Name, at, j.local(at), owner, slotLease)
		return err
	})
	if err != nil || !mine {
		return err
	}
	cause := r.runJob(ctx, j, at)
	return r.store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if cause == nil {
			return tx.FinishSlot(j.Name, at, owner, store.SlotDone, "")
		}
		slot, err := tx.LastSlot(j.Name)
		if err != nil {
			return err
		}
		if slot.Attempts >= maxSlotTries {
			r.log.Error("gave an appointment up", "job", j.Name, "slot", slot.Local, "error", cause)
			return tx.FinishSlot(j.Name, at, owner, store.SlotFailed, cause.Error())
		}
		again := tx.Now.Add(time.Duration(slot.Attempts*slot.Attempts) * time.Minute)
		r.log.Warn("job failed", "job", j.Name, "slot", slot.Local, "again_at", again, "error", cause)
		return tx.RetrySlot(j.Name, at, owner, again, cause.Error())
	})
}

func (r *Runner) runJob(ctx context.Context, j *job, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	return pump.Recovered(func() error { return j.Job.Run(ctx, at) })
}

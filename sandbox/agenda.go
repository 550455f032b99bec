package sandbox

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// lookAgain is the longest that Run waits before it looks at Now again, which may run at
// another pace than the timers.
const lookAgain = time.Second

// task is something to be done at a time; seq keeps those of one moment in order.
type task struct {
	at     time.Time
	seq    uint64
	people bool // planned by At: it waits while people pause
	run    func(ctx context.Context)
}

// queue holds what is to be done later, the earliest first.
type queue struct {
	tasks []*task
	seq   uint64
}

// Len is for package heap.
func (q *queue) Len() int { return len(q.tasks) }

// Less puts the earlier task first, of two at the same time the older one.
func (q *queue) Less(i, j int) bool {
	a, b := q.tasks[i], q.tasks[j]
	if a.at.Equal(b.at) {
		return a.seq < b.seq
	}
	return a.at.Before(b.at)
}

// Swap is for package heap.
func (q *queue) Swap(i, j int) { q.tasks[i], q.tasks[j] = q.tasks[j], q.tasks[i] }

// Push is for package heap.
func (q *queue) Push(x any) { q.tasks = append(q.tasks, x.(*task)) }

// Pop is for package heap.
func (q *queue) Pop() any {
	last := len(q.tasks) - 1
	t := q.tasks[last]
	q.tasks[last] = nil
	q.tasks = q.tasks[:last]
	return t
}

// later puts a task into a queue; the caller holds the lock.
func (s *Sandbox) later(q *queue, at time.Time, run func(ctx context.Context)) {
	q.seq++
	heap.Push(q, &task{at: at, seq: q.seq, run: run})
	s.stir()
}

// SetPaused lets the people of a story pause: what At planned waits, while deliveries, retries
// and whatever else time does go on, and people still do what they are told by hand. When they
// go on, what came due meanwhile is done at once, in the order of time.
func (s *Sandbox) SetPaused(paused bool) {
	s.enter()
	defer s.leave()
	if s.paused == paused {
		return
	}
	s.paused = paused
	all := append(s.agenda.tasks, s.held...)
	s.agenda.tasks, s.held = nil, nil
	for _, t := range all {
		if paused && t.people {
			s.held = append(s.held, t)
		} else {
			s.agenda.tasks = append(s.agenda.tasks, t)
		}
	}
	heap.Init(&s.agenda)
	s.stir()
}

// stir wakes everybody who waits for something to be done; the caller holds the lock.
func (s *Sandbox) stir() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// earliest returns the queue whose first task is due first, or nil if all are empty.
func earliest(queues ...*queue) *queue {
	var first *queue
	for _, q := range queues {
		if q.Len() > 0 && (first == nil || q.tasks[0].at.Before(first.tasks[0].at)) {
			first = q
		}
	}
	return first
}

// Due says when the next thing is due: a delivery, a detail that becomes visible, a habit of
// a story. It reports false when nothing waits. The time may lie in the past.
func (s *Sandbox) Due() (time.Time, bool) {
	s.enter()
	defer s.leave()
	q := earliest(&s.agenda, &s.mail)
	if q == nil {
		return time.Time{}, false
	}
	return q.tasks[0].at, true
}

// Step does everything that is due at Now, one after the other, also what becomes due by it,
// and returns how many things that were. The error is that of ctx.
func (s *Sandbox) Step(ctx context.Context) (int, error) {
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		t, _, _ := s.take(&s.agenda, &s.mail)
		if t == nil {
			return n, nil
		}
		t.run(ctx)
	}
}

// take removes and returns the first due task. Without one it returns how long to wait
// (negative: for nothing in particular) and the channel that closes when something is added.
func (s *Sandbox) take(queues ...*queue) (*task, time.Duration, <-chan struct{}) {
	now := s.enter()
	defer s.leave()
	return s.takeAt(now, queues...)
}

// takeAt is take for callers that hold the lock.
func (s *Sandbox) takeAt(now time.Time, queues ...*queue) (*task, time.Duration, <-chan struct{}) {
	q := earliest(queues...)
	if q == nil {
		return nil, -1, s.wake
	}
	if wait := q.tasks[0].at.Sub(now); wait > 0 {
		return nil, min(wait, lookAgain), s.wake
	}
	return heap.Pop(q).(*task), 0, nil
}

// Run does what is due as it becomes due, until ctx ends; then it returns nil. Deliveries
// are done by Config.Workers goroutines, so they may overtake each other as on the platform.
// A second Run at the same time is an error.
func (s *Sandbox) Run(ctx context.Context) error {
	if !s.startRunning() {
		return errors.New("sandbox: Run is already running")
	}
	defer s.stopRunning()
	var wg sync.WaitGroup
	wg.Go(func() { s.work(ctx, &s.agenda) })
	for range s.cfg.Workers {
		wg.Go(func() { s.work(ctx, &s.mail) })
	}
	wg.Wait()
	return nil
}

func (s *Sandbox) startRunning() bool {
	s.enter()
	defer s.leave()
	was := s.running
	s.running = true
	return !was
}

func (s *Sandbox) stopRunning() {
	s.enter()
	defer s.leave()
	s.running = false
}

// work does the tasks of one queue until ctx ends.
func (s *Sandbox) work(ctx context.Context, q *queue) {
	for ctx.Err() == nil {
		t, wait, wake := s.begin(q)
		if t != nil {
			t.run(ctx)
			s.finish()
			continue
		}
		idle(ctx, wait, wake)
	}
}

// begin is take for Run's workers, who rest while MoveTo is at work.
func (s *Sandbox) begin(q *queue) (*task, time.Duration, <-chan struct{}) {
	now := s.enter()
	defer s.leave()
	if s.moving {
		return nil, -1, s.wake
	}
	t, wait, wake := s.takeAt(now, q)
	if t != nil {
		s.busy++
	}
	return t, wait, wake
}

// finish ends what begin began.
func (s *Sandbox) finish() {
	s.enter()
	defer s.leave()
	s.busy--
	if s.moving {
		s.stir()
	}
}

// idle waits until something is added, the wait is over (a negative one never is) or ctx ends.
func idle(ctx context.Context, wait time.Duration, wake <-chan struct{}) {
	var alarm <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-ctx.Done():
	case <-wake:
	case <-alarm:
	}
}

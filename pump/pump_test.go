package pump

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shelf holds pieces of work, each due at a time and taking a while.
type shelf struct {
	mu      sync.Mutex
	due     []time.Time
	takes   time.Duration
	done    []time.Time
	busy    int
	busiest int
	cut     int // pieces whose context ended
	err     error
}

func (s *shelf) claim(_ context.Context, n int) ([]func(context.Context), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	var out []func(context.Context)
	for len(s.due) > 0 && len(out) < n && !s.due[0].After(time.Now()) {
		s.due = s.due[1:]
		out = append(out, s.work)
	}
	return out, nil
}

func (s *shelf) work(ctx context.Context) {
	s.mu.Lock()
	s.busy++
	s.busiest = max(s.busiest, s.busy)
	s.mu.Unlock()
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	if ctx.Err() != nil {
		s.cut++
		return
	}
	s.done = append(s.done, time.Now())
}

func (s *shelf) next(context.Context) (time.Time, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.due) == 0 {
		return time.Time{}, false, nil
	}
	return s.due[0], true, nil
}

// finished tells when which pieces were done.
func (s *shelf) finished() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.done)
}

func (s *shelf) add(at ...time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = append(s.due, at...)
}

func (s *shelf) pump(workers int, log *slog.Logger) *Pump {
	return &Pump{Name: "test", Log: log, Now: time.Now, Workers: workers, Claim: s.claim, Next: s.next}
}

func times(n int, at time.Time) []time.Time {
	out := make([]time.Time, n)
	for i := range out {
		out[i] = at
	}
	return out
}

func TestDrainDoesWhatIsDueAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{takes: time.Second}
		s.add(times(10, time.Now())...)
		s.add(time.Now().Add(time.Hour))
		n, err := s.pump(3, nil).Drain(t.Context())
		if n != 10 || err != nil || len(s.done) != 10 || s.busiest != 3 {
			t.Errorf("%d pieces %v, %d done, %d at once", n, err, len(s.done), s.busiest)
		}
		s.err = errors.New("the store is away")
		if _, err := s.pump(3, nil).Drain(t.Context()); err != s.err {
			t.Errorf("got %v", err)
		}
	})
}

func TestRunStartsWorkWhenItFallsDueOrIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{takes: time.Millisecond}
		p := s.pump(2, nil)
		began := time.Now()
		s.add(began.Add(300 * time.Millisecond))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { p.Run(ctx); close(ended) }()
		time.Sleep(400 * time.Millisecond)
		if done := s.finished(); len(done) != 1 || done[0].Sub(began) > 310*time.Millisecond {
			t.Errorf("what falls due: %v", done)
		}
		time.Sleep(5 * time.Second)
		called := time.Now()
		s.add(called)
		p.Poke()
		time.Sleep(10 * time.Millisecond)
		if done := s.finished(); len(done) != 2 || done[1].Sub(called) > 2*time.Millisecond {
			t.Errorf("what is called for: %v", done)
		}
		// Without a call it is found all the same.
		s.add(time.Now())
		time.Sleep(idle)
		if done := s.finished(); len(done) != 3 {
			t.Errorf("what nobody called for: %v", done)
		}
		cancel()
		<-ended
	})
}

func TestRunLetsWorkFinishButNotForEver(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration
		cut   int
		after time.Duration
	}{{5 * time.Second, 0, 4 * time.Second}, {time.Hour, 1, endGrace}} {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{takes: c.takes}
			s.add(time.Now())
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { s.pump(1, nil).Run(ctx); close(ended) }()
			time.Sleep(time.Second)
			cancel()
			told := time.Now()
			<-ended
			if s.cut != c.cut || time.Since(told) != c.after {
				t.Errorf("work of %v: %d cut off, ended after %v", c.takes, s.cut, time.Since(told))
			}
		})
	}
}

func TestAStoreThatIsAwayIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := &shelf{err: errors.New("the store is away")}
		s.add(time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.pump(1, slog.New(slog.NewTextHandler(&log, nil))).Run(ctx); close(ended) }()
		time.Sleep(90 * time.Second)
		s.mu.Lock()
		s.err = nil
		s.mu.Unlock()
		time.Sleep(2 * idle)
		cancel()
		<-ended
		if n := strings.Count(log.String(), "the store is away"); len(s.done) != 1 || n != 2 {
			t.Errorf("%d done; %d lines in 90 s: %q", len(s.done), n, log.String())
		}
	})
}

func TestEarliestAndRecovered(t *testing.T) {
	ctx := t.Context()
	at := func(t time.Time, ok bool, err error) func(context.Context) (time.Time, bool, error) {
		return func(context.Context) (time.Time, bool, error) { return t, ok, err }
	}
	one, two := time.Unix(1, 0), time.Unix(2, 0)
	if got, ok, err := Earliest(ctx, at(two, true, nil), at(time.Time{}, false, nil), at(one, true, nil)); !got.Equal(one) || !ok || err != nil {
		t.Errorf("earliest %v %v %v", got, ok, err)
	}
	if _, ok, err := Earliest(ctx, at(time.Time{}, false, nil)); ok || err != nil {
		t.Errorf("of nothing: %v %v", ok, err)
	}
	boom := errors.New("boom")
	if _, _, err := Earliest(ctx, at(one, true, boom)); err != boom {
		t.Errorf("got %v", err)
	}
	if err := Recovered(func() error { panic("at the disco") }); err == nil || !strings.Contains(err.Error(), "disco") {
		t.Errorf("got %v", err)
	}
	if err := Recovered(func() error { return boom }); err != boom {
		t.Errorf("got %v", err)
	}
}

package sandbox

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// answering plays a receiver without a network.
type answering func(*http.Request) int

func (f answering) RoundTrip(req *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, req.Body)
	return &http.Response{StatusCode: f(req), Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

// bubble makes a sandbox whose callbacks go to a function.
func bubble(t *testing.T, c *clock, answer answering) *Sandbox {
	s, err := New(Config{Now: c.Now, CallbackURL: "http://bot.test/", Client: &http.Client{Transport: answer}})
	must(t, err)
	must(t, s.AddStaff(Staff{UserID: "wang", Name: "王"}))
	return s
}

func TestRunDeliversAtOnceAndRetriesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		var calls atomic.Int32
		s := bubble(t, c, func(*http.Request) int {
			if calls.Add(1) == 1 {
				return http.StatusBadGateway
			}
			return http.StatusOK
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		got[string](t)(s.CreateGroup("wang", "一群"))
		synctest.Wait() // no time has passed
		if n := calls.Load(); n != 1 {
			t.Errorf("%d deliveries at once", n)
		}
		if err := s.Run(ctx); err == nil {
			t.Error("a second Run")
		}
		c.Add(2 * time.Second) // the timers look again although Now was moved by hand
		<-time.After(lookAgain)
		synctest.Wait()
		if n := calls.Load(); n != 2 || s.InFlight() != 0 {
			t.Errorf("%d deliveries, %d in flight", n, s.InFlight())
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func TestRunDeliversInParallelAndPeopleDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		var underway, most atomic.Int32
		release := make(chan struct{})
		s := bubble(t, c, func(*http.Request) int {
			most.Store(max(most.Load(), underway.Add(1)))
			<-release
			underway.Add(-1)
			return http.StatusOK
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		for range 20 {
			got[string](t)(s.CreateGroup("wang", "群"))
		}
		acted := false
		s.enter()
		s.later(&s.agenda, c.Now(), func(context.Context) { acted = true })
		s.leave()
		synctest.Wait()
		if most.Load() != DefaultWorkers || !acted {
			t.Errorf("%d at once, acted %v", most.Load(), acted)
		}
		close(release)
		synctest.Wait()
		if s.InFlight() != 0 {
			t.Errorf("%d in flight", s.InFlight())
		}
		cancel()
		must(t, <-done)
	})
}

func TestASlowReceiverCountsAsARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bubble(t, newClock(), nil)
		s.cfg.Client.Transport = hanging{}
		got[string](t)(s.CreateGroup("wang", "一群"))
		got[int](t)(s.Step(context.Background()))
		if a := s.Callbacks()[0].Attempts; len(a) != 1 || a[0].Status != 0 || a[0].Err == "" {
			t.Errorf("attempts: %+v", a)
		}
	})
}

// hanging never answers.
type hanging struct{}

func (hanging) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestStepDoesThingsInTheOrderOfTime(t *testing.T) {
	w := newWorld(t, Config{})
	var order []int
	plan := func(n int, after time.Duration, q *queue) {
		now := w.enter()
		defer w.leave()
		w.later(q, now.Add(after), func(context.Context) { order = append(order, n) })
	}
	plan(3, 2*time.Second, &w.agenda)
	plan(1, time.Second, &w.agenda)
	plan(2, time.Second, &w.agenda)
	plan(4, 3*time.Second, &w.mail)
	plan(5, time.Hour, &w.agenda)
	w.clock.Add(time.Minute)
	if n := w.step(); n != 4 || !slices.Equal(order, []int{1, 2, 3, 4}) {
		t.Errorf("%d things, order %v", n, order)
	}
	if at, more := w.Due(); !more || at.Sub(w.clock.Now()) != time.Hour-time.Minute {
		t.Errorf("due %v %v", at, more)
	}
}

func TestOnEntryIsToldInOrderAndMayUseTheSandbox(t *testing.T) {
	var s *Sandbox
	var seqs []int64
	c := newClock()
	s, err := New(Config{Now: c.Now, OnEntry: func(e Entry) {
		seqs = append(seqs, e.Seq)
		if e.Kind == EntryGroup && len(seqs) == 1 {
			must(t, s.Rename(e.Chat, "改名"))
		}
	}})
	must(t, err)
	must(t, s.AddStaff(Staff{UserID: "wang", Name: "王"}))
	got[string](t)(s.CreateGroup("wang", "一群"))
	if !slices.Equal(seqs, []int64{1, 2}) {
		t.Errorf("told %v", seqs)
	}
	if all := s.Log(0); len(all) != 2 || all[1].ChatName != "改名" || all[0].Name != "王" {
		t.Errorf("log %+v", all)
	}
	if rest := s.Log(1); len(rest) != 1 || rest[0].Seq != 2 {
		t.Errorf("log after 1: %+v", rest)
	}
}

func TestTheJournalForgetsTheOldest(t *testing.T) {
	w := newWorld(t, Config{})
	now := w.enter()
	for range keepEntries + 5 {
		w.note(now, EntryFault, "", nil, bare("x"))
	}
	w.leave()
	all := w.Log(0)
	if len(all) > keepEntries || all[len(all)-1].Seq-all[0].Seq != int64(len(all)-1) {
		t.Errorf("%d entries from %d", len(all), all[0].Seq)
	}
	if rest := w.Log(all[len(all)-1].Seq - 1); len(rest) != 1 {
		t.Errorf("%d entries after the last but one", len(rest))
	}
}

func TestConfigIsChecked(t *testing.T) {
	c := newClock()
	for name, cfg := range map[string]Config{
		"no clock":     {},
		"a short key":  {Now: c.Now, AESKey: "short"},
		"a long token": {Now: c.Now, Token: strings.Repeat("a", 33)},
		"negative lag": {Now: c.Now, Lag: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

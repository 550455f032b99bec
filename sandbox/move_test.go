package sandbox

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// movable makes a sandbox that can move its own clock.
func movable(t *testing.T, c *clock, answer answering) *Sandbox {
	t.Helper()
	s, err := New(Config{Now: c.Now, Leap: c.Set, Lag: time.Minute, CallbackURL: "http://bot.test/", Client: &http.Client{Transport: answer}})
	must(t, err)
	must(t, s.AddStaff(Staff{UserID: "wang", Name: "王"}))
	return s
}

func TestMovingTheClockDoesWhatIsDueOnTheWayInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClock()
		begin := c.Now()
		var mu sync.Mutex
		var at []time.Duration
		s := movable(t, c, func(*http.Request) int {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, c.Now().Sub(begin))
			if len(at) < 3 {
				return http.StatusBadGateway
			}
			return http.StatusOK
		})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		must(t, s.SetFaults(Faults{Callbacks: CallbackFaults{Delay: time.Hour}}))
		chat := got[string](t)(s.CreateGroup("wang", "一群"))
		got[string](t)(s.Join(chat, got[string](t)(s.AddCustomer(Customer{Name: "鱼"})), How{Scene: SceneQR}))
		n := got[int](t)(s.MoveTo(ctx, begin.Add(2*time.Hour)))
		// One detail shows; two events, of which the first try of each is refused.
		hour := time.Hour
		if want := []time.Duration{hour, hour, hour + 2*time.Second, hour + 2*time.Second}; n != 5 || !slices.Equal(at, want) {
			t.Errorf("%d things, deliveries at %v, want %v", n, at, want)
		}
		if !c.Now().Equal(begin.Add(2*time.Hour)) || s.InFlight() != 0 {
			t.Errorf("it is %v, %d in flight", c.Now(), s.InFlight())
		}
		must(t, s.Rename(chat, "二群"))
		c.Add(time.Hour)
		<-time.After(lookAgain)
		synctest.Wait()
		if len(at) != 5 {
			t.Errorf("Run did not go on after the move: %v", at)
		}
		cancel()
		must(t, <-done)
	})
}

func TestTheClockIsMovedWithinLimits(t *testing.T) {
	c := newClock()
	begin := c.Now()
	s := movable(t, c, func(*http.Request) int { return http.StatusOK })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for to, want := range map[time.Duration]string{0: "backwards", -time.Hour: "backwards", longestMove + 1: "31 days"} {
		if _, err := s.MoveTo(ctx, begin.Add(to)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("by %v: %v, want %q", to, err, want)
		}
	}
	got[string](t)(s.CreateGroup("wang", "一群"))
	cancel()
	if _, err := s.MoveTo(ctx, begin.Add(time.Hour)); err == nil || !c.Now().Equal(begin) {
		t.Errorf("stopped before the first thing: %v at %v", err, c.Now())
	}
	fixed := got[*Sandbox](t)(New(Config{Now: c.Now}))
	if _, err := fixed.MoveTo(context.Background(), begin.Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "cannot move") {
		t.Errorf("a clock that cannot be moved: %v", err)
	}
	stuck := got[*Sandbox](t)(New(Config{Now: c.Now, Leap: func(time.Time) {}, CallbackURL: "http://127.0.0.1:1/"}))
	must(t, stuck.AddStaff(Staff{UserID: "wang", Name: "王"}))
	must(t, stuck.SetFaults(Faults{Callbacks: CallbackFaults{Delay: time.Minute}}))
	got[string](t)(stuck.CreateGroup("wang", "一群"))
	if _, err := stuck.MoveTo(context.Background(), begin.Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "Config.Leap") {
		t.Errorf("a Leap that does nothing: %v", err)
	}
}

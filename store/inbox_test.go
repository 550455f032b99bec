package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"xiaobu/bot"
)

func routeTo(handlers ...string) func(*Tx, bot.Event) ([]Route, error) {
	return func(*Tx, bot.Event) ([]Route, error) {
		var out []Route
		for _, h := range handlers {
			out = append(out, Route{Handler: h})
		}
		return out, nil
	}
}

func claim(t *testing.T, s *Store, handler, owner string) []Claim {
	t.Helper()
	claims, err := s.ClaimLanes(context.Background(), handler, owner, 100, time.Minute)
	must(t, err)
	return claims
}

func finish(t *testing.T, s *Store, c Claim, runs ...Run) {
	t.Helper()
	tx(t, s, func(tx *Tx) error {
		if err := tx.Hold(time.Minute, c); err != nil {
			return err
		}
		if err := tx.FinishRuns(runs...); err != nil {
			return err
		}
		return tx.Release(false, c)
	})
}

func TestAnEventIsKeptOnceHoweverOftenItComes(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		for i := range 4 {
			n, err := s.PutEvents(ctx, event("a", "l"))
			must(t, err)
			if want := map[bool]int{true: 1, false: 0}[i == 0]; n != want {
				t.Errorf("delivery %d: %d new, want %d", i, n, want)
			}
		}
		st, err := s.Read(ctx).InboxStats()
		must(t, err)
		if st.Received != 1 || st.Duplicates != 3 || st.Pending != 1 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestAnEventGoesToEachHandlerAndIsDoneWhenAllAre(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		_, err := s.PutEvents(ctx, event("a", "l"))
		must(t, err)
		n, err := s.RouteEvents(ctx, 10, routeTo("x", "y"))
		must(t, err)
		if n != 1 {
			t.Fatalf("%d routed", n)
		}
		for i, h := range []string{"x", "y"} {
			claims := claim(t, s, h, "o")
			if len(claims) != 1 || len(claims[0].Runs) != 1 {
				t.Fatalf("%s: %+v", h, claims)
			}
			got := claims[0].Runs[0].Event
			if got.Data != (bot.ChatDue{Why: "a"}) || got.Lane != "l" || !got.At.Equal(time.Unix(1700000000, 0)) {
				t.Errorf("event came back as %+v", got)
			}
			finish(t, s, claims[0], claims[0].Runs[0])
			item, err := s.Read(ctx).InboxItem(got.ID)
			must(t, err)
			if want := []string{EventOpen, EventDone}[i]; item.State != want {
				t.Errorf("after %s: %s, want %s", h, item.State, want)
			}
		}
		if _, ok, err := s.Read(ctx).NextLane("x"); ok || err != nil {
			t.Errorf("a lane is left: %v %v", ok, err)
		}
	})
}

func TestAnEventThatNobodyWantsIsDone(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		_, err := s.PutEvents(ctx, event("a", "l"))
		must(t, err)
		_, err = s.RouteEvents(ctx, 10, routeTo())
		must(t, err)
		st, err := s.Read(ctx).InboxStats()
		must(t, err)
		if st.Done != 1 || st.Pending != 0 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestALaneHasOneWorkerAndALostLeaseIsFenced(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		_, err := s.PutEvents(ctx, event("a", "l"), event("b", "l"))
		must(t, err)
		_, err = s.RouteEvents(ctx, 10, routeTo("x"))
		must(t, err)
		first := claim(t, s, "x", "one")
		if len(first) != 1 || len(first[0].Runs) != 2 {
			t.Fatalf("got %+v", first)
		}
		if again := claim(t, s, "x", "two"); len(again) != 0 {
			t.Fatalf("the lane was claimed twice: %+v", again)
		}
		c.Add(time.Minute)
		second := claim(t, s, "x", "two")
		if len(second) != 1 {
			t.Fatal("the lane is not free although its lease ran out")
		}
		err = s.Tx(ctx, func(tx *Tx) error { return tx.Hold(time.Minute, first[0]) })
		if !errors.Is(err, ErrStale) {
			t.Errorf("the old owner got %v, want %v", err, ErrStale)
		}
	})
}

func TestADeadlineGoesFirstAndAFailedRunIsNotOvertaken(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		urgent := event("urgent", "b")
		urgent.Deadline = c.Now().Add(20 * time.Second)
		_, err := s.PutEvents(ctx, event("a1", "a"), event("a2", "a"), urgent)
		must(t, err)
		_, err = s.RouteEvents(ctx, 10, routeTo("x"))
		must(t, err)
		claims, err := s.ClaimLanes(ctx, "x", "o", 1, time.Minute)
		must(t, err)
		if len(claims) != 1 || claims[0].Lane != "b" {
			t.Fatalf("first came %+v", claims)
		}
		finish(t, s, claims[0], claims[0].Runs...)

		lane := claim(t, s, "x", "o2")[0]
		later := c.Now().Add(10 * time.Second)
		tx(t, s, func(tx *Tx) error {
			if err := tx.RetryRun(lane.Runs[0], 1, later, "failed"); err != nil {
				return err
			}
			return tx.Release(false, lane)
		})
		if got := claim(t, s, "x", "o3"); len(got) != 0 {
			t.Fatalf("a run overtook the one that waits: %+v", got)
		}
		at, ok, err := s.Read(ctx).NextLane("x")
		must(t, err)
		if !ok || !at.Equal(later) {
			t.Errorf("next at %v %v, want %v", at, ok, later)
		}
		c.Add(10 * time.Second)
		if got := claim(t, s, "x", "o4"); len(got) != 1 || got[0].Runs[0].Event.Key != "a1" || got[0].Runs[0].Attempts != 1 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestADeadRunIsSeenAndMayBeRetried(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		_, err := s.PutEvents(ctx, event("a", "l"), event("b", "l"))
		must(t, err)
		_, err = s.RouteEvents(ctx, 10, routeTo("x"))
		must(t, err)
		lane := claim(t, s, "x", "o")[0]
		tx(t, s, func(tx *Tx) error {
			if err := tx.BuryRun(lane.Runs[0], 10, "broken"); err != nil {
				return err
			}
			return tx.Release(false, lane)
		})
		next := claim(t, s, "x", "o2")
		if len(next) != 1 || len(next[0].Runs) != 1 || next[0].Runs[0].Event.Key != "b" {
			t.Fatalf("the dead run holds up its lane: %+v", next)
		}
		finish(t, s, next[0], next[0].Runs...)
		dead, err := s.Read(ctx).Inbox(EventDead, 0, 10)
		must(t, err)
		if len(dead) != 1 || dead[0].Runs[0].Error != "broken" {
			t.Fatalf("dead: %+v", dead)
		}
		id := dead[0].Event.ID
		tx(t, s, func(tx *Tx) error { return tx.RetryEvent(id) })
		if err := s.Tx(ctx, func(tx *Tx) error { return tx.RetryEvent(id) }); !errors.Is(err, ErrStale) {
			t.Errorf("a second retry: %v", err)
		}
		if err := s.Tx(ctx, func(tx *Tx) error { return tx.RetryEvent(999) }); !errors.Is(err, ErrNotFound) {
			t.Errorf("a retry of nothing: %v", err)
		}
		again := claim(t, s, "x", "o3")
		if len(again) != 1 || again[0].Runs[0].Attempts != 0 {
			t.Fatalf("got %+v", again)
		}
		finish(t, s, again[0], again[0].Runs...)
		st, err := s.Read(ctx).InboxStats()
		must(t, err)
		if st.Done != 2 || st.Dead != 0 || st.Pending != 0 {
			t.Errorf("got %+v", st)
		}
	})
}

func TestTheBacklogIsWhatIsNotDone(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		r := s.Read(t.Context())
		if b, err := r.Backlog(); err != nil || b != (Backlog{}) {
			t.Errorf("of nothing: %+v %v", b, err)
		}
		_, err := s.PutEvents(t.Context(), event("k1", "l"))
		must(t, err)
		first := c.Now()
		c.Add(time.Minute)
		_, err = s.PutEvents(t.Context(), event("k2", "l"), event("k3", "l"))
		must(t, err)
		tx(t, s, func(tx *Tx) error { return tx.db.Exec(`UPDATE inbox SET state = 'dead' WHERE key = 'k2'`).Error })
		tx(t, s, func(tx *Tx) error { return tx.db.Exec(`UPDATE inbox SET state = 'done' WHERE key = 'k3'`).Error })
		if b, err := r.Backlog(); err != nil || b.Pending != 1 || b.Dead != 1 || !b.Oldest.Equal(first) {
			t.Errorf("got %+v %v", b, err)
		}
	})
}

// Many producers and workers at once: no lane is ever worked on by two, nothing is lost,
// nothing handled twice, and the order within a lane is the order of commits.
func TestLanesUnderConcurrency(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		const producers, each, lanes = 8, 60, 5
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var put sync.WaitGroup
		for p := range producers {
			put.Go(func() {
				for i := range each {
					if _, err := s.PutEvents(ctx, event(fmt.Sprintf("%d-%d", p, i), fmt.Sprintf("lane%d", i%lanes))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var mu sync.Mutex
		busy, seen := map[string]bool{}, map[string]int{}
		done := func() bool { mu.Lock(); defer mu.Unlock(); return len(seen) == producers*each }
		var work sync.WaitGroup
		for w := range 4 {
			work.Go(func() {
				for n := 0; !done() && ctx.Err() == nil; n++ {
					if _, err := s.RouteEvents(ctx, 50, routeTo("x")); err != nil {
						t.Error(err)
						return
					}
					claims, err := s.ClaimLanes(ctx, "x", fmt.Sprintf("%d-%d", w, n), 2, time.Minute)
					if err != nil {
						t.Error(err)
						return
					}
					for _, cl := range claims {
						mu.Lock()
						if busy[cl.Lane] {
							t.Errorf("lane %s has two workers", cl.Lane)
						}
						busy[cl.Lane] = true
						mu.Unlock()
						runtime.Gosched()
						mu.Lock()
						for _, r := range cl.Runs {
							seen[r.Event.Key]++
						}
						busy[cl.Lane] = false // once the release commits, the lane is anybody's
						mu.Unlock()
						err := s.Tx(ctx, func(tx *Tx) error {
							if err := tx.FinishRuns(cl.Runs...); err != nil {
								return err
							}
							return tx.Release(false, cl)
						})
						if err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		put.Wait()
		work.Wait()
		for k, n := range seen {
			if n != 1 {
				t.Errorf("event %s was handled %d times", k, n)
			}
		}
		if len(seen) != producers*each {
			t.Errorf("%d events handled, want %d", len(seen), producers*each)
		}
	})
}

package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"xiaobu/bot"
)

type act struct {
	Name string
	Rule bot.RetryRule
}

func (a act) ActionKind() string   { return "act" }
func (a act) ActionKey() string    { return a.Name }
func (a act) Retry() bot.RetryRule { return a.Rule }

func enqueue(t *testing.T, s *Store, a act, w When) bool {
	t.Helper()
	var fresh bool
	tx(t, s, func(tx *Tx) (err error) { fresh, err = tx.Enqueue(a, w); return err })
	return fresh
}

func take(t *testing.T, s *Store, owner string) []Action {
	t.Helper()
	out, err := s.ClaimActions(context.Background(), "act", owner, 10, time.Minute)
	must(t, err)
	return out
}

func TestAnActionIsWrittenAndClaimedOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		if !enqueue(t, s, act{"a", bot.RetrySafe}, When{}) || enqueue(t, s, act{"a", bot.RetrySafe}, When{}) {
			t.Fatal("the key does not tell a repeated decision from a new one")
		}
		got := take(t, s, "one")
		if len(got) != 1 || got[0].State != ActionSending || got[0].Attempts != 1 {
			t.Fatalf("got %+v", got)
		}
		var a act
		must(t, got[0].Decode(&a))
		if a.Name != "a" {
			t.Errorf("came back as %+v", a)
		}
		if again := take(t, s, "two"); len(again) != 0 {
			t.Fatalf("claimed twice: %+v", again)
		}
		tx(t, s, func(tx *Tx) error { return tx.Settle(got[0], Outcome{State: ActionSent, Result: "ok"}) })
		if err := s.Tx(context.Background(), func(tx *Tx) error { return tx.Settle(got[0], Outcome{State: ActionSent}) }); !errors.Is(err, ErrStale) {
			t.Errorf("settled twice: %v", err)
		}
	})
}

func TestADeadSendersActionsAreSafeOrUnknown(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		for _, r := range []bot.RetryRule{bot.RetrySafe, bot.RetryUnsure, bot.RetryNever} {
			enqueue(t, s, act{string(r), r}, When{})
		}
		if got := take(t, s, "dies"); len(got) != 3 {
			t.Fatalf("got %+v", got)
		}
		overdue, err := s.Read(ctx).SendingOverdue(c.Now())
		must(t, err)
		if overdue {
			t.Error("a lease that runs is overdue")
		}
		c.Add(time.Minute)
		var unknown []Action
		tx(t, s, func(tx *Tx) (err error) { unknown, err = tx.ReapActions(); return err })
		if len(unknown) != 2 {
			t.Fatalf("%d are unknown, want 2", len(unknown))
		}
		states := map[string]string{}
		for _, a := range take(t, s, "next") {
			states[a.Key] = a.State
		}
		if len(states) != 2 || states["safe"] != ActionSending || states["unsure"] != ActionUnknown {
			t.Errorf("the next sender got %v", states)
		}
	})
}

func TestAnActionPastItsDeadlineIsNotSending(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		enqueue(t, s, act{"late", bot.RetryNever}, When{Deadline: c.Now().Add(20 * time.Second)})
		enqueue(t, s, act{"future", bot.RetryNever}, When{NotBefore: c.Now().Add(time.Hour)})
		c.Add(20 * time.Second)
		got := take(t, s, "o")
		if len(got) != 1 || got[0].Key != "late" || got[0].State != ActionPending {
			t.Fatalf("got %+v", got)
		}
		at, ok, err := s.Read(context.Background()).NextAction("act")
		must(t, err)
		if !ok || !at.Equal(c.Now().Add(time.Minute)) {
			t.Errorf("next at %v, want the end of the lease", at)
		}
	})
}

func TestOnlyWhatHasNotStartedIsCancelled(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		enqueue(t, s, act{"a", bot.RetrySafe}, When{})
		take(t, s, "o")
		enqueue(t, s, act{"b", bot.RetrySafe}, When{})
		for key, want := range map[string]bool{"a": false, "b": true, "c": false} {
			tx(t, s, func(tx *Tx) error {
				got, err := tx.CancelAction(key)
				if got != want {
					t.Errorf("cancel %s: %v", key, got)
				}
				return err
			})
		}
	})
}

func TestASlotIsKeptOnceAndTakenOverWhenItsKeeperDies(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		at := c.Now()
		grab := func(owner string) (ok bool) {
			tx(t, s, func(tx *Tx) (err error) {
				ok, err = tx.ClaimSlot("nightly", at, "03:00", owner, time.Minute)
				return err
			})
			return ok
		}
		if !grab("one") || grab("two") {
			t.Fatal("the slot is not one's own")
		}
		c.Add(time.Minute)
		if !grab("two") {
			t.Fatal("a dead keeper's slot cannot be taken over")
		}
		err := s.Tx(context.Background(), func(tx *Tx) error { return tx.FinishSlot("nightly", at, "one", SlotDone, "") })
		if !errors.Is(err, ErrStale) {
			t.Errorf("the dead keeper finished it: %v", err)
		}
		tx(t, s, func(tx *Tx) error { return tx.FinishSlot("nightly", at, "two", SlotDone, "") })
		c.Add(time.Hour)
		if grab("three") {
			t.Error("a kept slot was taken again")
		}
		last, err := s.Read(context.Background()).LastSlot("nightly")
		must(t, err)
		if last.State != SlotDone || last.Attempts != 2 || !last.At.Equal(at) {
			t.Errorf("got %+v", last)
		}
	})
}

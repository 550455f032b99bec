package wecom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"xiaobu/bot"
)

// countedTokens makes a holder whose fetches are counted; fetch may be nil.
func countedTokens(clk *clock, life time.Duration, fetch func(context.Context) error) (*tokens, *atomic.Int32) {
	var n atomic.Int32
	return newTokens(clk.now, slog.New(slog.DiscardHandler), func(ctx context.Context) (string, time.Duration, error) {
		i := n.Add(1)
		if fetch != nil {
			if err := fetch(ctx); err != nil {
				return "", 0, err
			}
		}
		return fmt.Sprint("t", i), life, nil
	}), &n
}

func TestALateRefusalOfAnOldTokenDoesNotRenewTheNewOne(t *testing.T) {
	holder, fetched := countedTokens(newClock(), 2*time.Hour, nil)
	get := func(stale, want string) {
		t.Helper()
		if got, err := holder.get(background(), stale); got != want || err != nil {
			t.Errorf("stale %q: got %q, %v, want %q", stale, got, err, want)
		}
	}
	get("", "t1")
	get("t1", "t2")
	get("t1", "t2") // a call that went out with t1 long ago
	get("", "t2")
	if n := fetched.Load(); n != 2 {
		t.Errorf("fetched %d times", n)
	}
}

func TestAShortLivedTokenIsStillUsed(t *testing.T) {
	for life, used := range map[time.Duration]time.Duration{time.Minute: 29 * time.Second, 0: 114 * time.Minute} {
		clk := newClock()
		holder, fetched := countedTokens(clk, life, nil)
		for range 2 {
			if _, err := holder.get(background(), ""); err != nil {
				t.Fatal(err)
			}
			clk.add(used)
		}
		if n := fetched.Load(); n != 1 {
			t.Errorf("a token of %s was fetched %d times", life, n)
		}
	}
}

func TestOneCallerGivingUpDoesNotSpoilTheTokenForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		holder, fetched := countedTokens(newClock(), time.Hour, func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		errs := make(chan error)
		go func() { _, err := holder.get(hasty, ""); errs <- err }()
		go func() { _, err := holder.get(t.Context(), ""); errs <- err }()
		if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the hasty one got %v", err)
		}
		if err := <-errs; err != nil {
			t.Errorf("the patient one got %v", err)
		}
		if n := fetched.Load(); n != 1 {
			t.Errorf("fetched %d times", n)
		}
	})
}

func TestAFetchHasItsOwnTimeAndIsNotHeldAgainstTheSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, roundTrip(fakeHang))
		for range 2 {
			start := time.Now()
			err := c.SendText(t.Context(), []bot.UserID{"a"}, "x")
			wantClass(t, err, bot.ClassRetry)
			if took := time.Since(start); took != tokenTime {
				t.Errorf("took %s, want %s", took, tokenTime)
			}
			if bot.IsUnknown(err) {
				t.Error("a call that had no token is unknown")
			}
		}
	})
}

func TestAGoodTokenEndsTheCaution(t *testing.T) {
	clk, refuse := newClock(), true
	holder, fetched := countedTokens(clk, time.Hour, func(context.Context) error {
		if refuse {
			return &bot.APIError{Op: opToken, Code: 40001, Class: bot.ClassFix}
		}
		return nil
	})
	for range 4 {
		_, err := holder.get(background(), "")
		wantClass(t, err, bot.ClassFix)
		clk.add(tokenPauseMax)
	}
	refuse = false
	noErrors(t, together(10, func(int) error { _, err := holder.get(background(), ""); return err }))
	refuse = true
	clk.add(time.Hour)
	_, err := holder.get(background(), "")
	wantClass(t, err, bot.ClassFix)
	clk.add(tokenPause)
	_, _ = holder.get(background(), "")
	if n := fetched.Load(); n != 7 {
		t.Errorf("fetched %d times, want 7: after a success the pause begins at a minute again", n)
	}
}

func TestABusyWeComIsAskedAgainForATokenToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := []string{`{"errcode":-1}`, "<html>", `{"errcode":0,"access_token":"t","expires_in":"7200"}`}
		c := newTestClient(t, newFakeToken(func() string {
			answer := answers[0]
			answers = answers[1:]
			return answer
		}))
		_, err := c.Chat(t.Context(), "wr1")
		wantClass(t, err, bot.ClassFix) // the fake refuses all but gettoken
		if len(answers) != 0 {
			t.Errorf("%d answers left", len(answers))
		}
	})
}

func TestCloseWaitsForAFetchThatOutlivedItsCaller(t *testing.T) {
	began, ended := make(chan struct{}), false
	holder, _ := countedTokens(newClock(), 2*time.Hour, func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		ended = true
		return ctx.Err()
	})
	caller, leave := context.WithCancel(background())
	go func() { <-began; leave() }()
	if _, err := holder.get(caller, ""); !errors.Is(err, context.Canceled) {
		t.Fatalf("the caller who left got %v", err)
	}
	holder.close()
	if !ended {
		t.Error("closed while a fetch was under way")
	}
}

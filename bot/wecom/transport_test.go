package wecom

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"xiaobu/bot"
)

const chatAnswer = `{"errcode":0,"group_chat":{"chat_id":"wr1","member_version":"v"}}`

// together runs n calls at once and returns their errors.
func together(n int, call func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = call(i) })
	}
	wg.Wait()
	return errs
}

func noErrors(t *testing.T, errs []error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestAHundredColdCallsFetchOneToken(t *testing.T) {
	f := newFake(ok(chatAnswer))
	c := serve(t, f)
	noErrors(t, together(100, func(int) error {
		_, err := c.Chat(background(), "wr1")
		return err
	}))
	if n := f.tokensFetched(); n != 1 {
		t.Errorf("%d tokens fetched", n)
	}
}

func TestAHundredRefusedTokensAreRenewedOnceAndNothingIsLost(t *testing.T) {
	f := newFake(ok(fine))
	for _, keepAlive := range []bool{true, false} {
		c := serve(t, f, func(cfg *Config) {
			own := newTransport()
			own.DisableKeepAlives = !keepAlive
			cfg.Transport = own
		})
		noErrors(t, together(1, func(int) error { return c.SendWelcome(background(), "first", bot.Message{Text: "x"}) }))
		before := f.tokensFetched()
		f.revoke()
		f.mu.Lock()
		f.calls = nil
		f.mu.Unlock()
		noErrors(t, together(100, func(i int) error {
			return c.SendWelcome(background(), fmt.Sprint("code", i), bot.Message{Text: "欢迎 <你> & all"})
		}))
		if n := f.tokensFetched() - before; n != 1 {
			t.Errorf("keep-alive %v: token renewed %d times", keepAlive, n)
		}
		bodies := map[string]bool{}
		for _, s := range f.seen() {
			if !strings.Contains(s.body, `{"content":"欢迎 <你> & all"}`) {
				t.Fatalf("body came out as %s", s.body)
			}
			bodies[s.body] = true
		}
		if len(bodies) != 100 {
			t.Errorf("keep-alive %v: %d different bodies arrived, want 100", keepAlive, len(bodies))
		}
	}
}

func TestACallIsMadeAgainOnlyOnceWithANewToken(t *testing.T) {
	var calls atomic.Int32
	c := newTestClient(t, newFake(func(seen) (int, string) {
		calls.Add(1)
		return 200, `{"errcode":42001,"errmsg":"access_token expired"}`
	}))
	err := c.SendText(background(), []bot.UserID{"zhangsan"}, "x")
	wantClass(t, err, bot.ClassToken)
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

func TestATokenIsRenewedFiveMinutesBeforeItsEnd(t *testing.T) {
	f, clk := newFake(ok(chatAnswer)), newClock()
	c := newTestClient(t, f, func(cfg *Config) { cfg.Now = clk.now })
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {114 * time.Minute, 1}, {59 * time.Second, 1}, {time.Second, 2}, {time.Minute, 2}} {
		clk.add(step.after)
		if _, err := c.Chat(background(), "wr1"); err != nil {
			t.Fatal(err)
		}
		if n := f.tokensFetched(); n != step.want {
			t.Errorf("after another %s: %d tokens, want %d", step.after, n, step.want)
		}
	}
}

func TestABusyWeComIsAskedThreeTimesMoreEvenForWrites(t *testing.T) {
	for _, code := range []int{-1, 6000, 45033} {
		for failures, want := range map[int]bool{3: true, 4: false} {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int32
				c := newTestClient(t, newFake(func(seen) (int, string) {
					if int(calls.Add(1)) <= failures {
						return 200, fmt.Sprintf(`{"errcode":%d,"errmsg":"system busy"}`, code)
					}
					return 200, `{"errcode":0,"msgid":"m"}`
				}))
				err := c.SendText(t.Context(), []bot.UserID{"zhangsan"}, "x")
				if (err == nil) != want {
					t.Errorf("code %d, %d failures: %v", code, failures, err)
				}
				if err != nil {
					wantClass(t, err, bot.ClassRetry)
				}
			})
		}
	}
}

// broken are the ways an answer gets lost after the request has arrived.
var broken = map[string]func(seen) (int, string){
	"a bad gateway":       func(seen) (int, string) { return 502, "<html>" },
	"a page of HTML":      func(seen) (int, string) { return 200, "<html>" },
	"half an answer":      func(seen) (int, string) { return 200, `{"errcode":0,"msgid":"m` },
	"an empty answer":     func(seen) (int, string) { return 200, "" },
	"an array":            func(seen) (int, string) { return 200, "[]" },
	"a cut connection":    func(seen) (int, string) { panic(http.ErrAbortHandler) },
	"no code but a word":  func(seen) (int, string) { return 200, `{"errcode":"no"}` },
	"too long an answer":  func(seen) (int, string) { return 200, `{"x":"` + strings.Repeat("x", maxAnswer) + `"}` },
	"an unavailable page": func(seen) (int, string) { return 503, fine },
}

func TestAWriteWithoutAnAnswerIsUnknownAndNotRepeated(t *testing.T) {
	for name, answer := range broken {
		t.Run(name, func(t *testing.T) {
			f := newFake(answer)
			err := serve(t, f).SendText(background(), []bot.UserID{"zhangsan"}, "x")
			if !bot.IsUnknown(err) || bot.ClassOf(err) != "" {
				t.Errorf("got %v", err)
			}
			if n := len(f.seen()); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		})
	}
}

func TestAReadWithoutAnAnswerIsMadeTwiceMore(t *testing.T) {
	for name, answer := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(answer)
			_, err := serve(t, f).Chat(background(), "wr1")
			wantClass(t, err, bot.ClassRetry)
			if n := len(f.seen()); n != 3 {
				t.Errorf("%d calls, want 3", n)
			}
		})
	}
}

func TestACallThatReachedNobodyMayBeMadeAgain(t *testing.T) {
	c := newTestClient(t, nil, func(cfg *Config) { cfg.BaseURL = "http://127.0.0.1:1" })
	err := c.SendText(background(), []bot.UserID{"zhangsan"}, "x")
	wantClass(t, err, bot.ClassRetry)
	if bot.IsUnknown(err) {
		t.Error("a call that was not sent is unknown")
	}
	var e *bot.APIError
	if !errors.As(err, &e) || e.Code != 0 {
		t.Errorf("want code 0: %v", err)
	}
}

func TestAFailedDialAfterTheTokenLeavesNothingUnknown(t *testing.T) {
	f := newFake(ok(fine))
	down := false
	own := newTransport()
	dial := own.DialContext
	c := serve(t, f, func(cfg *Config) {
		own.DisableKeepAlives = true
		own.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if down {
				return nil, errors.New("no route")
			}
			return dial(ctx, network, addr)
		}
		cfg.Transport = own
	})
	noErrors(t, []error{c.SendText(background(), []bot.UserID{"a"}, "x")})
	down = true
	wantClass(t, c.SendText(background(), []bot.UserID{"a"}, "y"), bot.ClassRetry)
}

func TestAWriteThatTakesTooLongIsUnknown(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	c := serve(t, newFake(func(seen) (int, string) { <-release; return 200, fine }),
		func(cfg *Config) { cfg.Timeout = 100 * time.Millisecond })
	err := c.SendText(background(), []bot.UserID{"a"}, "x")
	if !bot.IsUnknown(err) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	_, err = c.Chat(background(), "wr1")
	wantClass(t, err, bot.ClassRetry)
	if !errors.Is(err, context.DeadlineExceeded) || bot.IsUnknown(err) {
		t.Errorf("read: %v", err)
	}
}

func TestACallerWhoGivesUpIsServedAtOnce(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Client) error{
		"read":  func(ctx context.Context, c *Client) error { _, err := c.Chat(ctx, "wr1"); return err },
		"write": func(ctx context.Context, c *Client) error { return c.SendText(ctx, []bot.UserID{"a"}, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			defer close(release)
			f := newFake(func(seen) (int, string) { <-release; return 200, fine })
			c := serve(t, f, func(cfg *Config) { cfg.Pool = 2 })
			// More callers than instances and turns: some wait for an answer, some for a turn.
			ctx, cancel := context.WithCancel(background())
			done := make(chan []error)
			go func() { done <- together(6, func(int) error { return call(ctx, c) }) }()
			eventually(t, func() bool { return len(f.seen()) == 2 })
			cancel()
			select {
			case errs := <-done:
				for _, err := range errs {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("got %v", err)
					}
				}
			case <-time.After(time.Second):
				t.Fatal("still waiting long after the caller gave up")
			}
		})
	}
}

func TestACallerWhoIsTooLateSendsNothing(t *testing.T) {
	f := newFake(ok(fine))
	c := newTestClient(t, f)
	gone, cancel := context.WithCancel(background())
	cancel()
	late, cancel := context.WithTimeout(background(), 0)
	defer cancel()
	for op, call := range everyCall(c) {
		if err := call(gone); !errors.Is(err, context.Canceled) || bot.IsUnknown(err) || bot.ClassOf(err) != "" {
			t.Errorf("%s, given up: %v", op, err)
		}
		if err := call(late); !errors.Is(err, context.DeadlineExceeded) || bot.IsUnknown(err) || bot.ClassOf(err) != bot.ClassRetry {
			t.Errorf("%s, too late: %v", op, err)
		}
	}
	if n := len(f.seen()) + f.tokensFetched(); n != 0 {
		t.Errorf("%d requests went out", n)
	}
}

func TestAnotherServersRefusalIsForAPersonToMend(t *testing.T) {
	for _, status := range []int{301, 302, 401, 403, 404} {
		var codes []int
		c := newTestClient(t, newFake(func(seen) (int, string) { return status, "not here" }), func(cfg *Config) {
			cfg.Observe = func(_ string, code int, _ time.Duration) { codes = append(codes, code) }
		})
		err := c.SendText(background(), []bot.UserID{"a"}, "x")
		wantClass(t, err, bot.ClassFix)
		if want := []int{0, httpCode + status}; fmt.Sprint(codes) != fmt.Sprint(want) {
			t.Errorf("observed %v, want %v", codes, want)
		}
	}
	c := newTestClient(t, newFake(func(seen) (int, string) { return 429, "" }))
	err := c.SendText(background(), []bot.UserID{"a"}, "x")
	wantClass(t, err, bot.ClassBackoff)
	if bot.WaitOf(err) < time.Minute {
		t.Errorf("wait %s", bot.WaitOf(err))
	}
}

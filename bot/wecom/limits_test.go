package wecom

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
)

func TestAPathThatWeComClosesStaysClosedForItsWindow(t *testing.T) {
	clk, closed := newClock(), true
	f := newFake(func(s seen) (int, string) {
		if closed && s.op == opChat {
			return 200, `{"errcode":45009,"errmsg":"api freq out of limit, hint: [1]"}`
		}
		return 200, chatAnswer
	})
	c := newTestClient(t, f, func(cfg *Config) { cfg.Now = clk.now })
	read := func() error { _, err := c.Chat(background(), "wr1"); return err }
	wantClosed := func(wait time.Duration, calls int) {
		t.Helper()
		err := read()
		wantClass(t, err, bot.ClassBackoff)
		if got := bot.WaitOf(err); got != wait {
			t.Errorf("wait %s, want %s", got, wait)
		}
		if n := len(f.seen()); n != calls {
			t.Errorf("%d calls went out, want %d", n, calls)
		}
	}
	wantClosed(time.Minute, 1)
	clk.add(20 * time.Second)
	wantClosed(40*time.Second, 1) // nothing goes out
	if _, err := c.Contact(background(), "wm1"); err != nil {
		t.Errorf("another path is closed, too: %v", err)
	}
	clk.add(40 * time.Second)
	wantClosed(5*time.Minute, 3) // tried again, and refused again
	clk.add(5 * time.Minute)
	closed = false
	noErrors(t, []error{read()})
	closed = true
	wantClosed(time.Minute, 5) // a success makes the wait short again
}

func TestTheWindowIsReadOutOfWeComsWordsWithCare(t *testing.T) {
	for msg, want := range map[string]time.Duration{
		"api freq out of limit":                                 time.Minute,
		"reach max api daily quota limit, hint: [1718000000_0]": time.Minute, // said of minutes, too
		"more than 150000 calls per hour":                       time.Hour,
		"1000 per day":                                          time.Hour,
	} {
		if got := closedFor(msg, 0); got != want {
			t.Errorf("%q: %s, want %s", msg, got, want)
		}
	}
	for refusals, want := range []time.Duration{time.Minute, 5 * time.Minute, 25 * time.Minute, time.Hour, time.Hour} {
		if got := closedFor("", refusals); got != want {
			t.Errorf("%d refusals: %s, want %s", refusals, got, want)
		}
	}
}

func TestOneMemberOfStaffGetsThirtyMessagesAMinute(t *testing.T) {
	clk, f := newClock(), newFake(ok(fine))
	c := newTestClient(t, f, func(cfg *Config) { cfg.Now = clk.now })
	text := func(to ...bot.UserID) error { return c.SendText(background(), to, "x") }
	for range 30 {
		noErrors(t, []error{text("ZhangSan", "lisi")})
	}
	err := text("wangwu", "zhangsan")
	wantClass(t, err, bot.ClassBackoff)
	if wait := bot.WaitOf(err); wait < 59*time.Second || wait > 62*time.Second {
		t.Errorf("wait %s", wait)
	}
	noErrors(t, []error{text("wangwu")})
	if n := len(f.seen()); n != 31 {
		t.Errorf("%d messages went out, want 31", n)
	}
	clk.add(bot.WaitOf(err))
	noErrors(t, []error{text("wangwu", "zhangsan")})
}

func TestAPathTakesTenThousandCallsAMinute(t *testing.T) {
	clk := newClock()
	l := newLimits(clk.now)
	for i := range 10_000 {
		if err := l.take("x"); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
	err := l.take("x")
	wantClass(t, err, bot.ClassBackoff)
	noErrors(t, []error{l.take("y")})
	clk.add(bot.WaitOf(err))
	noErrors(t, []error{l.take("x")})
}

// In any span, however it lies, no more than the quota gets through; and after the wait
// that was named, there is room.
func TestAWindowNeverLetsMoreThroughThanItsQuota(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	w := newWindow(quota{20, time.Minute})
	now := newClock().now()
	var passed []time.Time
	for range 20_000 {
		now = now.Add(time.Duration(rnd.Int64N(int64(5 * time.Second))))
		if w.used(now) >= w.calls {
			wait := w.wait(now)
			if wait <= 0 || wait > w.span+w.step {
				t.Fatalf("wait %s", wait)
			}
			now = now.Add(wait)
			if w.used(now) >= w.calls {
				t.Fatalf("no room after %s", wait)
			}
		}
		w.add(now)
		passed = append(passed, now)
		if i := len(passed) - 1 - w.calls; i >= 0 && now.Sub(passed[i]) < w.span {
			t.Fatalf("%d calls within %s", w.calls+1, now.Sub(passed[i]))
		}
	}
}

func TestAClockSetBackDoesNotOpenAWindow(t *testing.T) {
	w, now := newWindow(quota{3, time.Minute}), newClock().now()
	for range 3 {
		w.add(now)
	}
	if n := w.used(now.Add(-10 * time.Second)); n != 3 {
		t.Errorf("%d used after a small step back", n)
	}
	if n := w.used(now.Add(-24 * time.Hour)); n != 0 {
		t.Errorf("%d used after a day back: it would stay shut for a day", n)
	}
}

func TestUnusedQuotasAreForgotten(t *testing.T) {
	clk := newClock()
	l := newLimits(clk.now)
	for i := range idleQuotas + 100 {
		if i == idleQuotas {
			clk.add(2 * time.Hour)
		}
		noErrors(t, []error{l.takeMembers(opSend, []bot.UserID{bot.UserID(fmt.Sprint("user", i))})})
	}
	if n := len(l.gates); n > 200 {
		t.Errorf("%d quotas kept", n)
	}
}

func TestAWrongSecretIsNotTriedOverAndOver(t *testing.T) {
	clk := newClock()
	for _, code := range []int{40001, 40013, 40091, 60020, 50003, 99999} {
		var fetched int
		c := newTestClient(t, newFakeToken(func() string {
			fetched++
			return fmt.Sprintf(`{"errcode":%d,"errmsg":"not for %s"}`, code, testSecret)
		}), func(cfg *Config) { cfg.Now = clk.now })
		read := func() error { _, err := c.Chat(background(), "wr1"); return err }
		for i, pause := range []time.Duration{1, 2, 4, 8, 10, 10} {
			for range 3 {
				err := read()
				wantClass(t, err, bot.ClassFix)
				var e *bot.APIError
				if !errors.As(err, &e) || e.Code != code || e.Op != opToken {
					t.Errorf("got %v", err)
				}
				if strings.Contains(err.Error(), testSecret) {
					t.Errorf("the secret shows in %q", err)
				}
			}
			if fetched != i+1 {
				t.Fatalf("code %d, round %d: asked %d times", code, i, fetched)
			}
			clk.add(pause*time.Minute - time.Second)
			_ = read()
			if fetched != i+1 {
				t.Fatalf("code %d, round %d: asked again before %d minutes", code, i, pause)
			}
			clk.add(time.Second)
		}
	}
}

func TestATokenLimitIsKeptAsALimit(t *testing.T) {
	clk, fetched := newClock(), 0
	c := newTestClient(t, newFakeToken(func() string { fetched++; return `{"errcode":45009}` }),
		func(cfg *Config) { cfg.Now = clk.now })
	for range 3 {
		_, err := c.Chat(background(), "wr1")
		wantClass(t, err, bot.ClassBackoff)
	}
	if fetched != 1 {
		t.Errorf("asked %d times", fetched)
	}
}

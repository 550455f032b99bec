package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
)

const robotKey = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"

func TestARobotPostsWithItsKeyAndNoToken(t *testing.T) {
	f := newFake(ok(fine))
	c := newTestClient(t, f)
	noErrors(t, []error{c.PostRobot(background(), robotKey, "本周 <b>排行</b>"), c.PostRobot(background(), robotKey, strings.Repeat("榜", 1000))})
	got := f.seen()
	if len(got) != 2 || f.tokensFetched() != 0 {
		t.Fatalf("%d calls and %d tokens, want 2 and none", len(got), f.tokensFetched())
	}
	if got[0].op != opRobot || got[0].rawQuery != "key="+robotKey {
		t.Errorf("the call was %s?%s", got[0].op, got[0].rawQuery)
	}
	sameJSON(t, got[0].body, `{"msgtype":"text","text":{"content":"本周 <b>排行</b>"}}`)
	sameJSON(t, got[1].body, fmt.Sprintf(`{"msgtype":"text","text":{"content":%q}}`, strings.Repeat("榜", maxRobotText/3)))
}

func TestARobotSaysTwentyThingsAMinute(t *testing.T) {
	clk, f := newClock(), newFake(ok(fine))
	c := newTestClient(t, f, func(cfg *Config) { cfg.Now = clk.now })
	for range 20 {
		noErrors(t, []error{c.PostRobot(background(), robotKey, "x")})
	}
	err := c.PostRobot(background(), robotKey, "x")
	wantClass(t, err, bot.ClassBackoff)
	noErrors(t, []error{c.PostRobot(background(), "another-robot-0123", "x")})
	clk.add(bot.WaitOf(err))
	noErrors(t, []error{c.PostRobot(background(), robotKey, "x")})
	if n := len(f.seen()); n != 22 {
		t.Errorf("%d messages went out, want 22", n)
	}
}

func TestOneRobotThatSaysTooMuchClosesNoOther(t *testing.T) {
	f := newFake(func(s seen) (int, string) {
		if s.query["key"] == robotKey {
			return 200, `{"errcode":45009,"errmsg":"api freq out of limit"}`
		}
		return 200, fine
	})
	c := newTestClient(t, f)
	for range 2 { // the second is not tried
		wantClass(t, c.PostRobot(background(), robotKey, "x"), bot.ClassBackoff)
	}
	noErrors(t, []error{c.PostRobot(background(), "another-robot-0123", "x")})
	if n := len(f.seen()); n != 2 {
		t.Errorf("%d messages went out, want 2", n)
	}
}

func TestWhatARefusalOfARobotMeans(t *testing.T) {
	for code, want := range map[int]bot.Class{93000: bot.ClassGiveUp, 45009: bot.ClassBackoff, 40008: bot.ClassFix} {
		err := newTestClient(t, newFake(ok(fmt.Sprintf(`{"errcode":%d,"errmsg":"x"}`, code)))).PostRobot(background(), robotKey, "x")
		wantClass(t, err, want)
		if code == 93000 && !strings.Contains(err.Error(), "copy the webhook's address") {
			t.Errorf("it does not say what to do: %v", err)
		}
	}
	if err := newTestClient(t, newFake(func(seen) (int, string) { return 502, "" })).PostRobot(background(), robotKey, "x"); !bot.IsUnknown(err) {
		t.Errorf("a post that was cut off: %v, want unknown", err)
	}
	wantClass(t, newTestClient(t, newFake(ok(fine))).PostRobot(background(), "a/b", "x"), bot.ClassGiveUp)
}

func TestARobotsKeyShowsNowhere(t *testing.T) {
	for name, answer := range map[string]func(r *http.Request) (*http.Response, error){
		"network": func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: errors.New("cut: " + r.URL.String())}
		},
		"refused": newFake(ok(`{"errcode":93000,"errmsg":"bad key ` + robotKey + `"}`)).RoundTrip,
		"busy":    newFake(ok(`{"errcode":-1,"errmsg":"busy ` + robotKey + `"}`)).RoundTrip,
		"often":   newFake(ok(`{"errcode":45009,"errmsg":"often ` + robotKey + `"}`)).RoundTrip,
		"garbage": newFake(ok(robotKey)).RoundTrip,
		"gateway": newFake(func(seen) (int, string) { return 404, robotKey }).RoundTrip,
	} {
		t.Run(name, func(t *testing.T) {
			var n notes
			c := newTestClient(t, roundTrip(answer), func(cfg *Config) {
				cfg.Log, cfg.Observe = n.log(), func(path string, _ int, _ time.Duration) { fmt.Fprint(&n, path) }
				cfg.Wait = func(context.Context, time.Duration) {}
			})
			err := c.PostRobot(background(), robotKey, whisper)
			if err == nil {
				t.Fatal("it succeeded")
			}
			for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), n.String()} {
				if strings.Contains(text, robotKey) || strings.Contains(text, whisper) {
					t.Errorf("it shows in %q", text)
				}
			}
		})
	}
}

func TestAKeyOrAnAddressOfARobotIsRead(t *testing.T) {
	c := newTestClient(t, newFake(ok(fine)), func(cfg *Config) { cfg.BaseURL = "http://127.0.0.1:8081/x" })
	for copied, want := range map[string]string{
		robotKey:              robotKey,
		" " + robotKey + "\n": robotKey,
		"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + robotKey: robotKey,
		"http://127.0.0.1:8081/x/cgi-bin/webhook/send?key=" + robotKey:     robotKey,
		"https://evil.example/cgi-bin/webhook/send?key=" + robotKey:        "",
		"https://qyapi.weixin.qq.com/cgi-bin/message/send?key=" + robotKey: "",
		"https://qyapi.weixin.qq.com/cgi-bin/webhook/send":                 "",
		"short": "", "": "", "key=" + robotKey: "",
	} {
		got, err := c.RobotKey(copied)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", copied, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), robotKey) {
			t.Errorf("the key shows in %q", err)
		}
	}
}

package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"xiaobu/bot"
)

// No test of this room may leave a goroutine behind; the SDK leaves one per answer when it
// is given a timeout.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// whisper stands for what customers and staff write: it belongs in no log and no error.
const whisper = "顾客的悄悄话"

// everyCall makes one call of each kind.
func everyCall(c *Client) map[string]func(context.Context) error {
	text := bot.Message{Text: whisper}
	return map[string]func(context.Context) error{
		opChat:        func(ctx context.Context) error { _, err := c.Chat(ctx, "wr1"); return err },
		opChats:       func(ctx context.Context) error { _, _, err := c.Chats(ctx, []bot.UserID{"a"}, ""); return err },
		opContact:     func(ctx context.Context) error { _, err := c.Contact(ctx, "wm1"); return err },
		opFollowUsers: func(ctx context.Context) error { _, err := c.FollowUsers(ctx); return err },
		opStaff:       func(ctx context.Context) error { _, err := c.StaffMember(ctx, "a"); return err },
		opWelcome:     func(ctx context.Context) error { return c.SendWelcome(ctx, "CODE", text) },
		opGroupWelcomeAdd: func(ctx context.Context) error {
			_, err := c.SaveGroupWelcome(ctx, "", text)
			return err
		},
		opMassCreate: func(ctx context.Context) error {
			_, _, err := c.CreateMassMessage(ctx, bot.MassMessage{Owner: "a", Chats: []bot.ChatID{"wr1"}, Message: text})
			return err
		},
		opMassResults: func(ctx context.Context) error { _, _, err := c.MassResults(ctx, "m", "a", ""); return err },
		opMassRemind:  func(ctx context.Context) error { return c.RemindMassMessage(ctx, "m") },
		opSend: func(ctx context.Context) error {
			_, err := c.SendCard(ctx, []bot.UserID{bot.UserID(fmt.Sprintf("%p", &ctx))}, bot.Card{TaskID: "t", Title: whisper, Buttons: []bot.CardButton{{Text: "x", Key: "k"}}})
			return err
		},
		opJoinWayAdd: func(ctx context.Context) error {
			_, err := c.AddJoinWay(ctx, bot.JoinWay{Remark: whisper, Chats: []bot.ChatID{"wr1"}})
			return err
		},
		opContactWayDel: func(ctx context.Context) error { return c.DeleteContactWay(ctx, "x") },
		opAppChatSend:   func(ctx context.Context) error { return c.SendAppChat(ctx, "ops", whisper) },
	}
}

// richAnswer has what any call may look for.
const richAnswer = `{"errcode":0,"errmsg":"ok","group_chat":{"name":"x"},"template_id":"t","msgid":"m","config_id":"c","chatid":"x"}`

func TestAHundredMixedCallsAtOnceDoNotDisturbEachOther(t *testing.T) {
	f := newFake(ok(richAnswer))
	c := serve(t, f, func(cfg *Config) { cfg.Pool = 8 })
	var calls []func(context.Context) error
	for range 8 {
		for _, call := range everyCall(c) {
			calls = append(calls, call)
		}
	}
	noErrors(t, together(len(calls), func(i int) error { return calls[i](background()) }))
	if n := len(f.seen()); n != len(calls) {
		t.Errorf("%d calls arrived, want %d", n, len(calls))
	}
}

func TestNoMoreThanFourReadsOfAKindRunAtOnce(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	c := serve(t, newFake(func(s seen) (int, string) {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		time.Sleep(2 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		running--
		return 200, chatAnswer
	}))
	noErrors(t, together(60, func(int) error { _, err := c.Chat(background(), "wr1"); return err }))
	if most > readsAtOnce {
		t.Errorf("%d reads at once", most)
	}
}

func TestAWelcomeDoesNotWaitForReads(t *testing.T) {
	release := make(chan struct{})
	f := newFake(func(s seen) (int, string) {
		if s.op == opChat {
			<-release
		}
		return 200, richAnswer
	})
	c := serve(t, f, func(cfg *Config) { cfg.Pool = readsAtOnce + 1 })
	reads := make(chan []error)
	go func() {
		reads <- together(20, func(int) error { _, err := c.Chat(background(), "wr1"); return err })
	}()
	eventually(t, func() bool { return len(f.seen()) == readsAtOnce })
	noErrors(t, []error{c.SendWelcome(background(), "CODE", bot.Message{Text: "x"})})
	close(release)
	noErrors(t, <-reads)
}

func TestNothingIsWrittenToDisk(t *testing.T) {
	home, work := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Chdir(work)
	f := newFake(ok(richAnswer))
	c := serve(t, f)
	for op, call := range everyCall(c) {
		if err := call(background()); err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	f.revoke()
	noErrors(t, []error{c.SendWelcome(background(), "CODE", bot.Message{Text: "x"})})
	for _, dir := range []string{home, work} {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if path != dir {
				t.Errorf("%s was written", path)
			}
			return err
		})
	}
}

// leaky is a WeCom that repeats what it was sent wherever it can.
func leaky(mode string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		all := r.URL.String() + " " + r.URL.Query().Get("access_token") + " " + r.URL.Query().Get("corpsecret")
		f := newFake(func(seen) (int, string) { return 200, "" })
		f.token = r.URL.Query().Get("access_token")
		switch {
		case mode == "token refused" && opOf(r.URL.Path) == opToken:
			return newFakeToken(func() string { return fmt.Sprintf(`{"errcode":40001,"errmsg":%q}`, all) }).RoundTrip(r)
		case opOf(r.URL.Path) == opToken:
			return f.RoundTrip(r)
		case mode == "network":
			return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: errors.New("cut: " + all)}
		case mode == "refused":
			f.answer = ok(fmt.Sprintf(`{"errcode":40058,"errmsg":%q}`, all))
		case mode == "stale":
			f.answer = ok(fmt.Sprintf(`{"errcode":40014,"errmsg":%q}`, all))
		case mode == "frequency":
			f.answer = ok(fmt.Sprintf(`{"errcode":45009,"errmsg":%q}`, all))
		case mode == "garbage":
			f.answer = ok(all)
		case mode == "shape":
			f.answer = ok(fmt.Sprintf(`{"errcode":0,"group_chat":%q,"msgid":[%q],"config_id":7}`, all, all))
		case mode == "gateway":
			f.answer = func(seen) (int, string) { return 404, all }
		}
		return f.RoundTrip(r)
	})
}

func TestNoSecretAndNoTextOfPeopleShowsInErrorsAndLogs(t *testing.T) {
	for _, mode := range []string{"token refused", "network", "refused", "stale", "frequency", "garbage", "shape", "gateway"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			var n notes
			c := newTestClient(t, leaky(mode), func(cfg *Config) { cfg.Log = n.log() })
			var texts []string
			for op, call := range everyCall(c) {
				ctx, cancel := context.WithTimeout(background(), 50*time.Millisecond)
				if err := call(ctx); err != nil {
					texts = append(texts, err.Error(), fmt.Sprintf("%+v", err))
				} else if mode != "shape" {
					t.Errorf("%s succeeded", op)
				}
				cancel()
			}
			texts = append(texts, n.String())
			for _, secret := range []string{testSecret, "tok+en", url.QueryEscape("tok+en"), whisper, "access_token=", "corpsecret="} {
				for _, text := range texts {
					if strings.Contains(text, secret) && !harmless(text, secret) {
						t.Errorf("%q shows in %q", secret, text)
					}
				}
			}
		})
	}
}

// harmless lets the names of parameters pass if what they carry is starred out.
func harmless(text, name string) bool {
	if !strings.HasSuffix(name, "=") {
		return false
	}
	for _, part := range strings.Split(text, name)[1:] {
		if !strings.HasPrefix(part, "***") && part != "" {
			return false
		}
	}
	return true
}

func TestObserveIsToldOfEveryRequest(t *testing.T) {
	type note struct {
		path string
		code int
	}
	var mu sync.Mutex
	var got []note
	replies := []string{`{"errcode":42001}`, `{"errcode":-1}`, `half {`, `{"errcode":0,"group_chat":{}}`}
	c := newTestClient(t, newFake(func(seen) (int, string) {
		reply := replies[0]
		replies = replies[1:]
		return 200, reply
	}), func(cfg *Config) {
		cfg.Observe = func(path string, code int, d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, note{path, code})
		}
	})
	_, err := c.Chat(background(), "wr1")
	noErrors(t, []error{err})
	want := []note{{opToken, 0}, {opChat, 42001}, {opToken, 0}, {opChat, -1}, {opChat, httpCode}, {opChat, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnAddressMayHaveAPath(t *testing.T) {
	for _, base := range []string{"http://example.com/wecom", "http://example.com/wecom/"} {
		var paths []string
		f := newFake(ok(chatAnswer))
		c := newTestClient(t, roundTrip(func(r *http.Request) (*http.Response, error) {
			paths = append(paths, r.URL.Path)
			return f.RoundTrip(r)
		}), func(cfg *Config) { cfg.BaseURL = base })
		_, err := c.Chat(background(), "wr1")
		noErrors(t, []error{err})
		if want := []string{"/wecom/cgi-bin/gettoken", "/wecom/cgi-bin/" + opChat}; !reflect.DeepEqual(paths, want) {
			t.Errorf("paths %v, want %v", paths, want)
		}
	}
}

func TestNewRefusesBadSettings(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no corp":        {Secret: "s", Now: time.Now},
		"no secret":      {Corp: "c", Now: time.Now},
		"no clock":       {Corp: "c", Secret: "s"},
		"no address":     {Corp: "c", Secret: "s", Now: time.Now, BaseURL: "qyapi.weixin.qq.com"},
		"another scheme": {Corp: "c", Secret: "s", Now: time.Now, BaseURL: "ftp://x"},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	c, err := New(Config{Corp: "c", Secret: "s", Now: time.Now})
	if err != nil || c.Name() != "wecom" || c.Corp() != "c" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestTheDefaultTransportChecksCertificates(t *testing.T) {
	own := newTransport()
	if own.TLSClientConfig != nil && own.TLSClientConfig.InsecureSkipVerify {
		t.Error("certificates are not checked")
	}
	if own.Proxy == nil || own.MaxIdleConnsPerHost != 64 {
		t.Error("the transport has other settings")
	}
}

package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"xiaobu/bot"
)

const (
	testCorp   = "wwExampleCorp0001"
	testAgent  = 1000002
	testSecret = "SECRET-that-must-not-show"
)

// clock is a time that tests move by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// seen is a request as the fake got it.
type seen struct {
	op, token, body, rawQuery string
	query                     map[string]string
}

// fake is a WeCom small enough to read: it hands out tokens, wants the current one with
// every call, and answers what the test has put there.
type fake struct {
	mu      sync.Mutex
	fetched int    // tokens handed out
	token   string // the current one
	calls   []seen
	answer  func(s seen) (status int, body string)
}

func newFake(answer func(s seen) (int, string)) *fake { return &fake{answer: answer} }

// ok answers every call with one body.
func ok(body string) func(seen) (int, string) {
	return func(seen) (int, string) { return http.StatusOK, body }
}

const fine = `{"errcode":0,"errmsg":"ok"}`

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s := seen{op: opOf(r.URL.Path), token: r.URL.Query().Get("access_token"), body: string(body),
		rawQuery: r.URL.RawQuery, query: map[string]string{}}
	for k := range r.URL.Query() {
		s.query[k] = r.URL.Query().Get(k)
	}
	status, text := f.reply(s)
	w.Header().Set("Content-Type", "text/xml") // a type that the client must not believe
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

func (f *fake) reply(s seen) (int, string) {
	f.mu.Lock()
	if s.op == opToken {
		f.fetched++
		f.token = fmt.Sprintf("tok+en/%d", f.fetched)
		text := fmt.Sprintf(`{"errcode":0,"errmsg":"ok","access_token":%q,"expires_in":7200}`, f.token)
		f.mu.Unlock()
		return http.StatusOK, text
	}
	if s.token != f.token {
		f.mu.Unlock()
		return http.StatusOK, `{"errcode":40014,"errmsg":"invalid access_token"}`
	}
	f.calls = append(f.calls, s)
	f.mu.Unlock()
	return f.answer(s)
}

// revoke makes the current token worthless.
func (f *fake) revoke() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.token = "revoked"
}

func (f *fake) tokensFetched() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fetched
}

func (f *fake) seen() []seen {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]seen(nil), f.calls...)
}

// RoundTrip serves the fake without a network.
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	f.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// roundTrip is a transport made of a function.
type roundTrip func(r *http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newTestClient makes a client; change may alter its settings.
func newTestClient(t testing.TB, rt http.RoundTripper, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Corp: testCorp, Agent: testAgent, Secret: testSecret, Now: newClock().now, Transport: rt}
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serve runs the fake on a real connection.
func serve(t testing.TB, h http.Handler, change ...func(*Config)) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c := newTestClient(t, nil, append([]func(*Config){func(cfg *Config) { cfg.BaseURL = s.URL }}, change...)...)
	t.Cleanup(c.Close)
	return c
}

// notes collects what is logged.
type notes struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.buf.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.buf.String()
}

func (n *notes) log() *slog.Logger {
	return slog.New(slog.NewJSONHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// sameJSON compares two JSON texts by meaning.
func sameJSON(t testing.TB, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("not JSON: %v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("bad expectation: %v: %s", err, want)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// wantClass fails unless err is a refusal of a class.
func wantClass(t testing.TB, err error, want bot.Class) {
	t.Helper()
	if got := bot.ClassOf(err); got != want {
		t.Errorf("class %q, want %q: %v", got, want, err)
	}
}

// eventually waits for a condition.
func eventually(t testing.TB, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the condition never came true")
		}
	}
}

func background() context.Context { return context.Background() }

// newFakeToken is a WeCom that only answers gettoken.
func newFakeToken(answer func() string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		if opOf(r.URL.Path) != opToken {
			rec.WriteHeader(http.StatusTeapot)
			return rec.Result(), nil
		}
		_, _ = io.WriteString(rec, answer())
		return rec.Result(), nil
	})
}

// fakeHang is a WeCom that never answers.
func fakeHang(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

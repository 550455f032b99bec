// Package e2e tries the whole program against the whole sandbox, over real HTTP and
// encrypted callbacks. It holds no production code.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/configs"
	"xiaobu/sandbox"
	"xiaobu/sandbox/panel"
)

const (
	apiToken   = "0123456789abcdef"
	feedSecret = "feed-secret-0123"
)

// monday is the first day of every story, 00:00 in Shanghai.
var monday = time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) to(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.t) {
		c.t = t
	}
}

// rig is a sandbox and a bot that know only each other's addresses, and a clock for both.
type rig struct {
	t     testing.TB
	clock *clock
	box   *sandbox.Sandbox
	app   *app.App
	bot   *httptest.Server // nil in a simulation
	wecom *httptest.Server
	base  string       // address of the bot
	web   *http.Client // asks the bot
	conf  configs.Config
	log   *syncBuffer
	ids   uint64
	mu    sync.Mutex
}

// syncBuffer keeps the log for the search for secrets.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newRig starts both sides. Without now, time is moved by hand and one thing happens after
// the other; with it, the test runs the pumps itself.
func newRig(t testing.TB, seed uint64, now func() time.Time) *rig {
	t.Helper()
	return newRigOn(t, sqliteFile(t), seed, now)
}

// newRigOn is newRig on a database of one's choice.
func newRigOn(t testing.TB, database string, seed uint64, now func() time.Time) *rig {
	t.Helper()
	r := &rig{t: t, clock: &clock{t: monday.Add(-4 * time.Hour)}, log: &syncBuffer{}, web: http.DefaultClient}
	serial := now == nil
	if serial {
		now = r.clock.now
	}
	var err error
	mux := http.NewServeMux()
	r.wecom = httptest.NewServer(mux)
	r.box, err = sandbox.New(sandbox.Config{Now: now, Seed: seed, PublicURL: r.wecom.URL})
	must(t, err)
	mux.Handle("/sandbox/qr/", panel.Handler(r.box))
	mux.Handle("/", r.box.Handler())
	t.Cleanup(r.wecom.Close)
	r.conf = config(r.box.Config(), r.wecom.URL, database)
	r.app, err = app.New(context.Background(), r.options(r.conf, now, serial))
	must(t, err)
	r.bot = httptest.NewServer(r.app.Handler())
	r.base = r.bot.URL
	t.Cleanup(func() {
		r.bot.Close()
		must(t, r.app.Close())
	})
	r.box.SetCallback(r.bot.URL + "/callback/wecom")
	r.box.SetFeed(r.bot.URL+"/hooks/messages", feedSecret)
	return r
}

func (r *rig) options(conf configs.Config, now func() time.Time, serial bool) app.Options {
	// Whoever is moved by hand need not wait for the disk: no test takes the machine's power away.
	return app.Options{Config: conf, Version: "test", Now: now, Serial: serial, Scratch: serial, Owner: "rig", Random: r.random,
		Jitter: func() float64 { return 0.5 }, Log: slog.New(slog.NewTextHandler(r.log, nil))}
}

func (r *rig) random() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids++
	return fmt.Sprintf("%016X", r.ids*0x9E3779B97F4A7C15)
}

func config(box sandbox.Config, base, database string) configs.Config {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return configs.Config{
		Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1", Database: database, Timezone: zone, APIToken: apiToken, FeedSecret: feedSecret,
		WeCom: configs.WeCom{BaseURL: base, CorpID: box.CorpID, AgentID: box.AgentID, Secret: box.Secret, Token: box.Token, AESKey: box.AESKey, Settle: 2 * time.Second},
	}
}

// drain does everything that is due on both sides now.
func (r *rig) drain() {
	r.t.Helper()
	must(r.t, r.app.DrainWith(context.Background(), r.box))
}

// until lets time go by, from one thing that is due to the next.
func (r *rig) until(end time.Time) {
	r.t.Helper()
	for {
		r.drain()
		next, ok, err := r.app.NextDueWith(context.Background(), r.box)
		must(r.t, err)
		if !ok || next.After(end) {
			break
		}
		r.clock.to(next)
	}
	r.clock.to(end)
	r.drain()
}

func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	r.until(r.clock.now().Add(d))
}

// bringIn has the company read, as the start does.
func (r *rig) bringIn() {
	r.t.Helper()
	must(r.t, r.app.BringIn(context.Background()))
	r.drain()
}

// call asks the API and decodes the answer into out; it returns the status.
func (r *rig) call(method, path string, body, out any, header ...string) int {
	r.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		must(r.t, err)
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, r.base+"/api/v1"+path, in)
	must(r.t, err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := r.web.Do(req)
	must(r.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(r.t, err)
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			r.t.Fatalf("%s %s: %d %s: %v", method, path, resp.StatusCode, data, err)
		}
	}
	return resp.StatusCode
}

// want calls the API and demands a status.
func (r *rig) want(status int, method, path string, body, out any, header ...string) {
	r.t.Helper()
	var raw json.RawMessage
	if status == http.StatusNoContent {
		if got := r.call(method, path, body, nil, header...); got != status {
			r.t.Fatalf("%s %s: %d, want %d", method, path, got, status)
		}
		return
	}
	got := r.call(method, path, body, &raw, header...)
	if got != status {
		r.t.Fatalf("%s %s: %d %s, want %d", method, path, got, raw, status)
	}
	if out != nil {
		must(r.t, json.Unmarshal(raw, out))
	}
}

// items reads every page of a list.
func items[T any](r *rig, path string) []T {
	r.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var all []T
	cursor := ""
	for {
		var page struct {
			Items []T
			Next  string `json:"next_cursor"`
		}
		r.want(http.StatusOK, http.MethodGet, path+sep+"limit=200&cursor="+cursor, nil, &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// The API's objects, as a program that was written from the contract alone sees them.
type (
	member struct {
		UserID    string     `json:"user_id"`
		Kind      string     `json:"kind"`
		JoinedAt  time.Time  `json:"joined_at"`
		Scene     string     `json:"join_scene"`
		State     string     `json:"state"`
		Inviter   string     `json:"inviter"`
		InviterBy string     `json:"inviter_by"`
		Ordinal   *int       `json:"ordinal"`
		LeftAt    *time.Time `json:"left_at"`
		LeftHow   string     `json:"left_how"`
	}
	entry struct {
		ID, Staff, Status, Reason string
		ChatID                    string `json:"chat_id"`
		Member                    string
		Ordinal                   int
		AmountFen                 int64     `json:"amount_fen"`
		EarnedAt                  time.Time `json:"earned_at"`
	}
	delivery struct {
		At       time.Time
		ChatID   string `json:"chat_id"`
		Owner    string
		Outlet   string
		MsgID    string `json:"msgid"`
		Status   string
		Reason   string
		Reminder int `json:"reminders"`
	}
	modCase struct {
		ID, Member, Status, Text string
		ChatID                   string `json:"chat_id"`
	}
	inboxStats struct {
		Received, Duplicates, Pending, Done, Dead int64
	}
)

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/archive"
	"xiaobu/configs"
)

const secret = "the-secret-of-the-feed"

// shelf is an archive in the machine's memory, whose messages are not encrypted beyond their keys.
type shelf struct {
	mu   sync.Mutex
	recs []archive.Record
	key  *rsa.PrivateKey
	seen chan uint64
}

func (s *shelf) Pull(_ context.Context, seq uint64, limit int) ([]archive.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.seen <- seq:
	default:
	}
	var out []archive.Record
	for _, r := range s.recs {
		if r.Seq > seq && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) Decrypt(key []byte, message string) ([]byte, error) {
	if string(key) != "random" {
		return nil, &archive.SDKError{Code: 10006}
	}
	return []byte(message), nil
}

func (s *shelf) Picture(context.Context, string, int) ([]byte, error) { return nil, nil }

func (s *shelf) say(t *testing.T, room, words string) {
	t.Helper()
	//lint:ignore SA1019 the platform encrypts so
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, &s.key.PublicKey, []byte("random"))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := uint64(len(s.recs) + 1)
	s.recs = append(s.recs, archive.Record{Seq: n, MsgID: fmt.Sprint(n), KeyVersion: 1, RandomKey: base64.StdEncoding.EncodeToString(sealed),
		Message: fmt.Sprintf(`{"msgid":"%d","action":"send","from":"wmAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","roomid":%q,"msgtime":%d,"msgtype":"text","text":{"content":%q}}`, n, room, time.Now().UnixMilli(), words)})
}

// place is a directory with settings and a key, and a program in it.
type place struct {
	t        *testing.T
	dir      string
	shelf    *shelf
	feed     *httptest.Server
	got      chan string // texts that the feed accepted
	out, err bytes.Buffer
	program  program
}

func newPlace(t *testing.T) *place {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, dir: t.TempDir(), shelf: &shelf{key: key, seen: make(chan uint64, 100)}, got: make(chan string, 100)}
	p.feed = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || m.Text == "" {
			http.Error(w, `{"detail":"message_id has 0 bytes"}`, http.StatusUnprocessableEntity)
			return
		}
		p.got <- m.Text
		fmt.Fprint(w, `{"verdict":"ham","action":"none"}`)
	}))
	t.Cleanup(p.feed.Close)
	p.write("keys/1.pem", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	p.write("archive.yaml", fmt.Sprintf("corp_id: ww1\nsecret: hunter2\nfeed_secret: %s\nkeys: %s\nstate: %s\nfeed_url: %s/hooks/messages\n",
		secret, filepath.Join(p.dir, "keys"), filepath.Join(p.dir, "state"), p.feed.URL))
	p.program = program{vars: []string{"XIAOBU_ARCHIVE_CONFIG=" + filepath.Join(p.dir, "archive.yaml")}, stdout: &p.out, stderr: &p.err,
		open: func(configs.Archive) (archive.Source, func(), error) { return p.shelf, func() {}, nil }}
	return p
}

func (p *place) write(name, text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs the program to its end and returns its exit code.
func (p *place) run(args ...string) int {
	p.out.Reset()
	p.err.Reset()
	return p.program.exitCode(p.program.run(p.t.Context(), args))
}

func (p *place) shows(words ...string) {
	p.t.Helper()
	for _, w := range words {
		if !strings.Contains(p.out.String()+p.err.String(), w) {
			p.t.Errorf("%q is not said in:\n%s%s", w, p.out.String(), p.err.String())
		}
	}
	for _, s := range []string{secret, "hunter2"} {
		if strings.Contains(p.out.String()+p.err.String(), s) {
			p.t.Errorf("a secret shows in:\n%s%s", p.out.String(), p.err.String())
		}
	}
}

func TestOnceBringsWhatIsThere(t *testing.T) {
	p := newPlace(t)
	p.shelf.say(t, "wr1", "第一条")
	p.shelf.say(t, "", "私聊")
	if code := p.run("--dry-run"); code != 0 || len(p.got) > 0 {
		t.Errorf("dry run: code %d", code)
	}
	p.shows("posted", "text", "skipped_single")
	if code := p.run("--once"); code != 0 || <-p.got != "第一条" {
		t.Errorf("code %d", code)
	}
	p.shows("seq 2")
	if code := p.run("--once"); code != 0 || len(p.got) > 0 {
		t.Errorf("again: code %d", code)
	}
	if code := p.run("--once", "--from-seq", "0"); code != 0 || <-p.got != "第一条" {
		t.Errorf("from the start: code %d", code)
	}
	if strings.Contains(p.err.String(), "第一条") {
		t.Error("a text shows in the log")
	}
}

func TestItRunsUntilItIsStopped(t *testing.T) {
	p := newPlace(t)
	p.program.vars = append(p.program.vars, "XIAOBU_ARCHIVE_INTERVAL=1s", "XIAOBU_ARCHIVE_LISTEN=127.0.0.1:0")
	p.shelf.say(t, "wr1", "一")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.program.run(ctx, nil) }()
	if got := <-p.got; got != "一" {
		t.Error(got)
	}
	for seq := range p.shelf.seen { // the position is behind it
		if seq == 1 {
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	p.shows("seq 1")
}

func TestHealthTellsOfTrouble(t *testing.T) {
	for problem, status := range map[string]int{"": 200, "feed: 不通": 503} {
		w := httptest.NewRecorder()
		writeHealth(w, archive.Status{Seq: 7, Problem: problem, Counts: map[archive.Count]int64{{Fate: archive.Posted, Type: "text"}: 2, {Fate: archive.Posted, Type: "link"}: 1}})
		if w.Code != status || !strings.Contains(w.Body.String(), `"posted":3`) || !strings.Contains(w.Body.String(), problem) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestCheckLooksAtEverything(t *testing.T) {
	p := newPlace(t)
	p.shelf.say(t, "wr1", "一")
	if code := p.run("check"); code != 0 {
		t.Errorf("code %d", code)
	}
	p.shows("ok", "RSA 2048", "signature accepted", "clock", "record 1, key version 1")
	p.feed.Close()
	p.write("keys/2.pem", "nothing")
	p.program.open = func(configs.Archive) (archive.Source, func(), error) { return nil, nil, errors.New("没有 SDK") }
	if code := p.run("check"); code != exitFailed {
		t.Errorf("code %d", code)
	}
	p.shows("FAIL", "2.pem", "refused", "没有 SDK")
}

func TestMistakesEndWithTwo(t *testing.T) {
	p := newPlace(t)
	for _, args := range [][]string{{"pull"}, {"--onec"}, {"--once", "now"}, {"--from-seq", "-1"}, {"--config", "missing.yaml"}} {
		if code := p.run(args...); code != exitUsage {
			t.Errorf("%v: code %d: %s", args, code, p.err.String())
		}
	}
	p.program.vars = append(p.program.vars, "XIAOBU_ARCHIVE_INTERVALL=1s")
	if code := p.run("--once"); code != exitUsage {
		t.Errorf("code %d", code)
	}
	p.shows("XIAOBU_ARCHIVE_INTERVAL?")
	p.program.vars = nil
	t.Chdir(p.dir)
	if code := p.run(); code != exitUsage {
		t.Errorf("code %d", code)
	}
	p.shows("corp_id", "is missing")
	for _, args := range [][]string{{"help"}, {"--help"}, {"version"}} {
		if code := p.run(args...); code != exitDone || !strings.Contains(p.out.String(), "xiaobu-archive") {
			t.Errorf("%v: code %d", args, code)
		}
	}
}

func TestRefusedMessagesGoAgain(t *testing.T) {
	p := newPlace(t)
	p.write("state/refused.jsonl", `{"seq":3,"why":"x","post":{"message_id":"3","chat_id":"wr1","sender":"wm1","sent_at":"2026-11-23T10:00:00+08:00","type":"text","text":"再来"}}
{"seq":4,"why":"y","record":{"seq":4}}
`)
	if code := p.run("retry"); code != 0 || <-p.got != "再来" {
		t.Errorf("code %d", code)
	}
	p.shows("posted 1", "kept 1")
	if left, err := os.ReadFile(filepath.Join(p.dir, "state/refused.jsonl")); err != nil || strings.Contains(string(left), "再来") || !strings.Contains(string(left), `"seq":4`) {
		t.Errorf("%s %v", left, err)
	}
}

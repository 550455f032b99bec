package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The address of each side in a simulation; nothing listens there.
const (
	botAddress = "http://bot.invalid"
	boxAddress = "http://wecom.invalid"
)

// callTime is how long a call of the bot may take; wecom.DefaultTimeout.
const callTime = 10 * time.Second

var (
	errDown  = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errDead  = errors.New("the process is gone")
	errCutof = errors.New("connection reset by peer")
)

// stalled is what a handler panics with when its answer takes longer than anybody waits.
type stalled struct{}

// serve has a handler answer a request in the caller's own goroutine, as if over a
// connection: a handler that aborts breaks it, before or within the answer.
func serve(h http.Handler, req *http.Request) (resp *http.Response, err error) {
	in := req.Clone(req.Context())
	in.RequestURI, in.RemoteAddr, in.Host = req.URL.RequestURI(), "127.0.0.1:1", req.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	defer func() {
		switch p := recover(); p {
		case nil:
		case stalled{}:
			resp, err = nil, context.DeadlineExceeded
		case http.ErrAbortHandler:
			if w.Body.Len() == 0 {
				resp, err = nil, errCutof
				return
			}
			resp = w.Result()
			resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(w.Body.Bytes()), broken{}))
			err = nil
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, in)
	return w.Result(), nil
}

// broken is the end of an answer that never came.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// toBot carries callbacks, the feed and the operator's calls to the bot, if it is up.
type toBot struct {
	s *simulation
	// people marks the line of the operator, on which no answer is lost.
	people bool
}

func (l toBot) RoundTrip(req *http.Request) (*http.Response, error) {
	if l.s.app == nil {
		return nil, errDown
	}
	if !l.people && l.s.crashInPost > 0 {
		if l.s.crashInPost--; l.s.crashInPost == 0 {
			return nil, l.crash(req)
		}
	}
	resp, err := serve(l.s.app.Handler(), req)
	if err == nil && !l.people && l.s.loseAnswers > 0 && l.s.rand.Float64() < l.s.loseAnswers {
		return nil, errCutof // it did its work and nobody knows
	}
	return resp, err
}

// crash ends the bot while it is told something, before or after that is on the disk.
func (l toBot) crash(req *http.Request) error {
	if !l.s.crashAfter {
		l.s.line.die()
	}
	_, err := serve(l.s.app.Handler(), req)
	if l.s.crashAfter {
		l.s.line.die()
	}
	l.s.tell("the bot crashed in a callback, %s", moment(l.s.crashAfter))
	l.s.sleep()
	l.s.wake()
	return errors.Join(errDead, err)
}

// toBox carries the calls of one life of the bot.
type toBox struct {
	s      *simulation
	cancel context.CancelFunc // ends the drain that runs
	// crashAt is the call at which the process dies, counted down; 0: it lives on. after says
	// that the platform has done the work of that call.
	crashAt int
	after   bool
	dead    bool
}

func (l *toBox) RoundTrip(req *http.Request) (*http.Response, error) {
	if l.dead {
		return nil, errDead
	}
	last := l.crashAt == 1
	if l.crashAt > 0 {
		l.crashAt--
	}
	if last && !l.after {
		return nil, l.die()
	}
	if token := req.URL.Query().Get("access_token"); token != "" {
		l.s.tokens[token] = true
	}
	if strings.HasSuffix(req.URL.Path, "/groupchat/list") {
		l.s.churn()
	}
	resp, err := serve(l.s.box.Handler(), req)
	if last {
		return nil, l.die()
	}
	return resp, err
}

// die keeps what the disk holds now. Whatever this life of the bot still writes goes to files
// that nobody will read, and nothing it still sends arrives.
func (l *toBox) die() error {
	if l.dead {
		return errDead
	}
	l.dead = true
	l.s.file = l.s.copyDatabase()
	if l.cancel != nil {
		l.cancel()
	}
	return errDead
}

// copyDatabase copies the database as a power cut would leave it and returns the copy. No
// transaction is under way while the bot calls the platform.
func (s *simulation) copyDatabase() string {
	s.lives++
	next := filepath.Join(s.dir, "life"+string(rune('a'+s.lives))+".db")
	for _, end := range []string{"", "-wal"} {
		data, err := os.ReadFile(s.file + end)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		must(s.t, err)
		must(s.t, os.WriteFile(next+end, data, 0o600))
	}
	return next
}

// memoryDir is a folder that costs no disk, where the machine has one.
func memoryDir(t testing.TB) string {
	t.Helper()
	const shm = "/dev/shm"
	if _, err := os.Stat(shm); err != nil {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "xiaobu-simulation")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

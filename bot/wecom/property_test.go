package wecom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"xiaobu/bot"
)

// moody is a WeCom that carries a call out or not, and then tells the truth or nothing.
// It counts what it really did.
type moody struct {
	rnd     *rand.Rand
	effects int
	calls   int
	story   []string
	tokens  int
}

func (m *moody) RoundTrip(r *http.Request) (*http.Response, error) {
	if opOf(r.URL.Path) == opToken {
		m.tokens++
		return jsonAnswer(200, fmt.Sprintf(`{"access_token":"t%d","expires_in":7200}`, m.tokens)), nil
	}
	m.calls++
	moods := []func(*http.Request) (*http.Response, error){
		m.serve, m.serve, m.serve, m.serveThenLose, m.lose, m.hang, m.refuseConnection,
		m.say(-1), m.say(45033), m.say(40014), m.say(42001), m.say(40058), m.say(45009), m.say(41048),
	}
	return moods[m.rnd.IntN(len(moods))](r)
}

func (m *moody) tell(what string) { m.story = append(m.story, what) }

func (m *moody) serve(*http.Request) (*http.Response, error) {
	m.effects++
	m.tell("served")
	return jsonAnswer(200, `{"errcode":0,"msgid":"m","group_chat":{}}`), nil
}

func (m *moody) serveThenLose(r *http.Request) (*http.Response, error) {
	m.effects++
	m.tell("served, then")
	return m.lose(r)
}

func (m *moody) lose(*http.Request) (*http.Response, error) {
	m.tell("lost")
	switch m.rnd.IntN(4) {
	case 0:
		return nil, io.ErrUnexpectedEOF
	case 1:
		return jsonAnswer(502, "<html>"), nil
	case 2:
		return jsonAnswer(200, `{"errcode":0,"msg`), nil
	}
	return jsonAnswer(504, `{"errcode":0}`), nil
}

func (m *moody) hang(r *http.Request) (*http.Response, error) {
	m.effects += m.rnd.IntN(2)
	m.tell("hangs")
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func (m *moody) refuseConnection(*http.Request) (*http.Response, error) {
	m.tell("no connection")
	return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
}

func (m *moody) say(code int) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		m.tell(fmt.Sprint(code))
		return jsonAnswer(200, fmt.Sprintf(`{"errcode":%d,"errmsg":"x"}`, code)), nil
	}
}

func jsonAnswer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// What a write returns is the truth about what WeCom did: success means once, unknown at
// most once, every other error not at all.
func TestAWriteNeverLies(t *testing.T) {
	for seed := range uint64(600) {
		synctest.Test(t, func(t *testing.T) {
			m := &moody{rnd: rand.New(rand.NewPCG(seed, 7))}
			c := newTestClient(t, m)
			_, _, err := c.CreateMassMessage(t.Context(), bot.MassMessage{Owner: "a", Chats: []bot.ChatID{"wr1"}, Message: bot.Message{Text: "x"}})
			allowed := 0
			switch {
			case err == nil && m.effects != 1:
				t.Errorf("seed %d: success, but %d effects: %v", seed, m.effects, m.story)
			case err == nil, bot.IsUnknown(err):
				allowed = 1
			case bot.ClassOf(err) == "":
				t.Errorf("seed %d: an error without a class: %v", seed, err)
			}
			if m.effects > allowed {
				t.Errorf("seed %d: %d effects after %v: %v", seed, m.effects, m.story, err)
			}
			if m.calls > 1+1+busyRetries {
				t.Errorf("seed %d: %d calls: %v", seed, m.calls, m.story)
			}
		})
	}
}

// A read never ends as unknown, comes to an end in time and within its repetitions.
func TestAReadIsNeverUnknown(t *testing.T) {
	for seed := range uint64(600) {
		synctest.Test(t, func(t *testing.T) {
			m := &moody{rnd: rand.New(rand.NewPCG(seed, 8))}
			c := newTestClient(t, m)
			start := time.Now()
			_, err := c.Chat(t.Context(), "wr1")
			if took := time.Since(start); took > DefaultTimeout {
				t.Errorf("seed %d: %s: %v", seed, took, m.story)
			}
			if bot.IsUnknown(err) || err != nil && bot.ClassOf(err) == "" {
				t.Errorf("seed %d: %v: %v", seed, m.story, err)
			}
			if m.calls > 1+1+busyRetries+brokenRetries {
				t.Errorf("seed %d: %d calls: %v", seed, m.calls, m.story)
			}
		})
	}
}

// Whatever bytes come back, a call ends, and in one of the ways that callers know.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{fine, richAnswer, groupAnswer, "", "[]", "null", `{"errcode":-1}`, `{"errcode":"40014"}`,
		`{"errcode":1e9}`, `{"errcode":0,"group_chat":[]}`, `{"errcode":0,"group_chat":{"member_list":[null]}}`, `{"errcode":null`} {
		f.Add(seed, 200)
		f.Add(seed, 503)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		m := roundTrip(func(r *http.Request) (*http.Response, error) {
			if opOf(r.URL.Path) == opToken {
				return jsonAnswer(200, `{"access_token":"t"}`), nil
			}
			return jsonAnswer(status, body), nil
		})
		c := newTestClient(t, m)
		ctx, cancel := context.WithTimeout(background(), 2*time.Millisecond)
		defer cancel()
		_, readErr := c.Chat(ctx, "wr1")
		_, _, writeErr := c.CreateMassMessage(ctx, bot.MassMessage{Owner: "a", Chats: []bot.ChatID{"wr1"}, Message: bot.Message{Text: "x"}})
		if bot.IsUnknown(readErr) {
			t.Errorf("a read is unknown: %v", readErr)
		}
		for _, err := range []error{readErr, writeErr} {
			if err != nil && bot.ClassOf(err) == "" && !bot.IsUnknown(err) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("an error of no kind: %v", err)
			}
		}
	})
}

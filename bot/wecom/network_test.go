package wecom

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/work"

	"xiaobu/bot"
)

func TestAServerWithoutAGoodCertificateGetsNothing(t *testing.T) {
	f := newFake(ok(fine))
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about the broken handshake
	s.StartTLS()
	defer s.Close()
	c := newTestClient(t, nil, func(cfg *Config) { cfg.BaseURL = s.URL })
	defer c.Close()
	err := c.SendText(background(), []bot.UserID{"a"}, "x")
	wantClass(t, err, bot.ClassRetry)
	if f.tokensFetched() != 0 || bot.IsUnknown(err) {
		t.Errorf("the secret went to a stranger: %v", err)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var reached atomic.Bool
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer stranger.Close()
	s := httptest.NewServer(http.RedirectHandler(stranger.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	c := newTestClient(t, nil, func(cfg *Config) { cfg.BaseURL = s.URL })
	defer c.Close()
	wantClass(t, c.SendText(background(), []bot.UserID{"a"}, "x"), bot.ClassFix)
	if reached.Load() {
		t.Error("the secret went where the redirect pointed")
	}
}

// The server closes each connection after it has read a request and before it answers.
func TestAConnectionCutAfterTheRequestLeavesAWriteUnknown(t *testing.T) {
	var writes, reads atomic.Int32
	f := newFake(ok(fine))
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch opOf(r.URL.Path) {
		case opToken:
			f.ServeHTTP(w, r)
			return
		case opChat:
			reads.Add(1)
		default:
			writes.Add(1)
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}))
	errs := together(30, func(i int) error {
		if i%2 == 0 {
			return c.SendAppChat(background(), "ops", fmt.Sprint(i))
		}
		_, err := c.Chat(background(), "wr1")
		return err
	})
	for i, err := range errs {
		if i%2 == 0 && !bot.IsUnknown(err) {
			t.Errorf("write: %v", err)
		}
		if i%2 == 1 {
			wantClass(t, err, bot.ClassRetry)
		}
	}
	if writes.Load() != 15 || reads.Load() != 15*(1+brokenRetries) {
		t.Errorf("%d writes and %d reads arrived", writes.Load(), reads.Load())
	}
}

func TestFiftyBadGatewaysLeaveNothingBehind(t *testing.T) {
	c := serve(t, newFake(func(seen) (int, string) { return 502, strings.Repeat("<html>", 1000) }))
	for i, err := range together(50, func(i int) error { return c.SendAppChat(background(), "ops", fmt.Sprint(i)) }) {
		if !bot.IsUnknown(err) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	// That no goroutine is left is checked when all tests are through.
}

func TestAReadRecoversFromALostAnswer(t *testing.T) {
	for name, answer := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			c := serve(t, newFake(func(s seen) (int, string) {
				if n.Add(1) == 1 {
					return answer(s)
				}
				return 200, groupAnswer
			}))
			chat, err := c.Chat(background(), "wrA")
			if err != nil || len(chat.Members) != 5 {
				t.Errorf("got %d members, %v", len(chat.Members), err)
			}
		})
	}
}

func TestAFullGroupIsRead(t *testing.T) {
	var members []string
	for i := range 500 {
		members = append(members, fmt.Sprintf(`{"userid":"wm%d","type":2,"join_time":%d,"join_scene":3,"name":"顾客\u003c%d"}`, i, 1718000000+i, i))
	}
	c := newTestClient(t, newFake(ok(`{"errcode":0,"group_chat":{"owner":"a","member_list":[`+strings.Join(members, ",")+`]}}`)))
	chat, err := c.Chat(background(), "wr1")
	if err != nil || len(chat.Members) != 500 || chat.Members[499].Name != "顾客<499" || chat.ID != "wr1" {
		t.Errorf("got %d members, %v", len(chat.Members), err)
	}
}

// A mass message that WeCom lists must be recognised as the one that was sent.
func TestAMessageComesBackAsItWasSent(t *testing.T) {
	for _, m := range []bot.Message{
		{Text: "今晚 <8> 点 & 开团\n\"秒杀\" \\u003c \u2028 😀", Attachments: everyAttachment},
		{Text: strings.Repeat("长", 2000), Attachments: []bot.Attachment{{Type: bot.AttachLink, Title: strings.Repeat("题", 100), URL: "https://x"}}},
		{Attachments: everyAttachment[:1]},
	} {
		var sent string
		f := newFake(func(s seen) (int, string) {
			if s.op == opMassCreate {
				sent = s.body
				return 200, `{"errcode":0,"msgid":"m"}`
			}
			return 200, `{"errcode":0,"group_msg_list":[` + sent + `]}`
		})
		c := newTestClient(t, f)
		if _, _, err := c.CreateMassMessage(background(), bot.MassMessage{Owner: "a", Chats: []bot.ChatID{"wr1"}, Message: m}); err != nil {
			t.Fatal(err)
		}
		list, _, err := c.MassMessages(background(), at(0), at(1), "")
		if err != nil || len(list) != 1 || !reflect.DeepEqual(list[0].Message, m) {
			t.Errorf("sent %+v\ngot %+v, %v", m, list, err)
		}
	}
}

func TestABodyOverTheLimitIsNotSent(t *testing.T) {
	f := newFake(ok(fine))
	c := newTestClient(t, f)
	_, _, err := c.CreateMassMessage(background(), bot.MassMessage{Owner: "a", Chats: []bot.ChatID{"wr1"}, Message: bot.Message{Text: strings.Repeat("x", maxRequest)}})
	wantClass(t, err, bot.ClassGiveUp)
	if len(f.seen()) != 0 || f.tokensFetched() != 0 {
		t.Error("something went out")
	}
}

func TestAnSDKThatDoesNotStartIsAnError(t *testing.T) {
	want := errors.New("no SDK")
	p := newPool(1, func() (*work.Work, error) { return nil, want })
	for range 2 { // a failed start does not use up the pool
		if _, err := p.get(background()); !errors.Is(err, want) {
			t.Errorf("got %v", err)
		}
	}
}

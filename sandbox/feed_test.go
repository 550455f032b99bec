package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWhatPeopleSayIsPostedSigned(t *testing.T) {
	var bodies []string
	refuse := true
	w := newWorld(t, Config{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		data, _ := io.ReadAll(req.Body)
		var at int64
		var sum string
		if _, err := fmt.Sscanf(req.Header.Get("X-Xiaobu-Signature"), "t=%d,v1=%s", &at, &sum); err != nil {
			t.Errorf("signature header: %v", err)
		}
		mac := hmac.New(sha256.New, []byte("geheim"))
		fmt.Fprintf(mac, "%d.%s", w.clock.Now().Unix(), data)
		if at != w.clock.Now().Unix() || sum != hex.EncodeToString(mac.Sum(nil)) {
			t.Errorf("signature %q of %s", req.Header.Get("X-Xiaobu-Signature"), data)
		}
		bodies = append(bodies, string(data))
		if refuse {
			refuse = false
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(rw, `{"verdict":"ham"}`)
	}))
	defer server.Close()
	w.SetFeed(server.URL, "geheim")
	chat := w.group("一群")
	p := w.customers(1)[0]
	w.invite(chat, p)
	id := got[string](t)(w.Say(chat, p, "<土鸡蛋>&多少钱"))
	got[string](t)(w.Share(chat, "WANG", Message{Type: "link", Title: "群规", URL: "https://e.com"}))
	w.settle()
	if len(bodies) != 3 || bodies[0] != bodies[2] {
		t.Fatalf("posts: %q", bodies)
	}
	var sent map[string]any
	must(t, json.Unmarshal([]byte(bodies[0]), &sent))
	want := map[string]any{"message_id": id, "chat_id": chat, "sender": p, "sent_at": "2026-11-23T00:00:00+08:00", "type": "text", "text": "<土鸡蛋>&多少钱"}
	if fmt.Sprint(sent) != fmt.Sprint(want) || !strings.Contains(bodies[0], "<土鸡蛋>&") {
		t.Errorf("posted %s", bodies[0])
	}
	said := w.SaidInGroups()
	if !said[0].Posted || len(said[0].Attempts) != 2 || said[0].Answer != `{"verdict":"ham"}` || said[1].Sender != "wang" {
		t.Errorf("said: %+v", said)
	}
}

func TestAFeedThatRefusesIsGivenUp(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	w := newWorld(t, Config{FeedURL: server.URL})
	chat := w.group("一群")
	got[string](t)(w.Say(chat, "wang", "hi"))
	start := w.clock.Now()
	w.settle()
	if s := w.SaidInGroups()[0]; s.Posted || len(s.Attempts) != 4 || w.InFlight() != 0 || w.clock.Now().Sub(start) > time.Minute {
		t.Errorf("said: %+v", s)
	}
	if _, err := w.Share(chat, "wang", Message{Type: "song", Text: "x"}); err == nil {
		t.Error("an unknown type")
	}
}

package panel

import (
	"net/http"
	"strings"
	"testing"

	"xiaobu/sandbox"
)

func TestTrafficIsWatched(t *testing.T) {
	w := newWorld(t, sandbox.Config{CallbackURL: newReceiver(t, http.StatusOK)})
	chat := w.group("一群")
	w.joinWay(chat)
	w.step()
	_, out := w.control(http.MethodGet, "/requests?path=join_way", "")
	if size(out["requests"]) != 1 || dig(out, "requests", 0, "code") != 0.0 || !strings.Contains(dig(out, "requests", 0, "body").(string), chat) {
		t.Errorf("requests: %v", out)
	}
	if q := dig(out, "requests", 0, "query").(string); strings.Contains(q, w.token) {
		t.Errorf("the token is shown: %s", q)
	}
	if _, one := w.control(http.MethodGet, "/requests/2", ""); one["path"] != "/cgi-bin/externalcontact/groupchat/add_join_way" {
		t.Errorf("one request: %v", one)
	}
	_, out = w.control(http.MethodGet, "/callbacks?kind=create&chat_id="+chat, "")
	if size(out["callbacks"]) != 1 || !strings.Contains(dig(out, "callbacks", 0, "xml").(string), "<ChatId><![CDATA["+chat) ||
		dig(out, "callbacks", 0, "attempts", 0, "status") != 200.0 {
		t.Errorf("callbacks: %v", out)
	}
	if _, one := w.control(http.MethodGet, "/callbacks/1", ""); one["delivered"] != true {
		t.Errorf("one callback: %v", one)
	}
	for _, path := range []string{"/requests", "/callbacks"} {
		if status, out := w.control(http.MethodDelete, path, ""); status != http.StatusOK || out["ok"] != true {
			t.Errorf("clear %s: HTTP %d %v", path, status, out)
		}
		_, out := w.control(http.MethodGet, path, "")
		if size(out[path[1:]]) != 0 {
			t.Errorf("%s after clearing: %v", path, out)
		}
	}
}

func TestKeysAreShownWithoutThemselves(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	id, err := w.box.AddCustomer(sandbox.Customer{Name: "鱼"})
	must(t, err)
	k, err := w.box.AddContact("wang", id, sandbox.Via{})
	must(t, err)
	_, out := w.control(http.MethodGet, "/keys", "")
	if dig(out, "keys", 0, "status") != keyValid || dig(out, "keys", 0, "head") != w.token[:4] ||
		dig(out, "keys", 1, "status") != keyValid || dig(out, "keys", 1, "head") != k.WelcomeCode[:4] || dig(out, "keys", 1, "customer") != id {
		t.Errorf("keys: %v", out)
	}
	w.does("/clock", `{"by":"20s"}`)
	w.does("/token/revoke", "")
	if _, out = w.control(http.MethodGet, "/keys", ""); dig(out, "keys", 0, "status") != keyRevoked || dig(out, "keys", 1, "status") != keyExpired {
		t.Errorf("keys later: %v", out)
	}
}

func TestTheClockIsMoved(t *testing.T) {
	w := newWorld(t, sandbox.Config{CallbackURL: newReceiver(t, http.StatusOK)})
	w.does("/groups", `{"owner":"wang","name":"一群"}`)
	if out := w.does("/clock", `{"by":"1h30m"}`); out["done"] != 1.0 || out["now"] != "2026-11-22T17:30:00Z" {
		t.Errorf("by: %v", out)
	}
	if out := w.does("/clock", `{"to":"2026-11-23T10:00:00+08:00"}`); out["now"] != "2026-11-23T02:00:00Z" {
		t.Errorf("to: %v", out)
	}
	if _, out := w.control(http.MethodGet, "/clock", ""); out["movable"] != true || out["next_due"] != nil {
		t.Errorf("clock: %v", out)
	}
	for body, want := range map[string]string{
		`{}`: "by", `{"by":"-1h"}`: "backwards", `{"by":"1h","to":"2027-01-01T00:00:00Z"}`: "not both",
		`{"to":"tomorrow"}`: "to", `{"by":"999h"}`: "31 days", `{"by":2}`: "by",
	} {
		if status, out := w.control(http.MethodPost, "/clock", body); status != http.StatusBadRequest || !strings.Contains(out["error"].(string), want) {
			t.Errorf("%s: HTTP %d %v", body, status, out)
		}
	}
}

func TestTrafficRefusesWhatItDoesNotKnow(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	for path, want := range map[string]int{
		"/requests?after=x": 400, "/requests?limit=0": 400, "/requests?limit=501": 400, "/requests?code=bad": 400, "/callbacks?after=x": 400,
		"/requests/0": 404, "/requests/x": 404, "/requests/99": 404, "/callbacks/1": 404, "/callbacks/-1": 404,
	} {
		if status, out := w.control(http.MethodGet, path, ""); status != want || out["error"] == "" {
			t.Errorf("%s: HTTP %d %v, want %d", path, status, out, want)
		}
	}
}

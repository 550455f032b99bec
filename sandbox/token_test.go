package sandbox

import (
	"testing"
	"time"
)

func TestATokenIsGivenAgainUntilItExpires(t *testing.T) {
	w := newWorld(t, Config{})
	first := w.token
	w.clock.Add(7199 * time.Second)
	w.login()
	if w.token != first {
		t.Error("a second token within two hours")
	}
	if len(first) > 512 {
		t.Errorf("the token has %d bytes", len(first))
	}
	w.clock.Add(time.Second)
	if out := w.get("getcallbackip"); code(out) != 42001 {
		t.Errorf("after two hours: %v", out)
	}
	w.login()
	if w.token == first {
		t.Error("the expired token was given again")
	}
	if out := w.get("getcallbackip"); code(out) != 0 {
		t.Errorf("with the new token: %v", out)
	}
}

func TestWrongCredentialsAreNamed(t *testing.T) {
	w := newWorld(t, Config{})
	for query, want := range map[string]int{
		"":                            41002,
		"corpid=" + DefaultCorpID:     41004,
		"corpid=wwother&corpsecret=x": 40013,
		"corpid=" + DefaultCorpID + "&corpsecret=x": 40001,
	} {
		if out := w.get("gettoken?" + query); code(out) != want {
			t.Errorf("%q: %v, want %d", query, out, want)
		}
	}
	for query, want := range map[string]int{"": 41001, "?access_token=": 41001, "?access_token=x": 40014} {
		resp, err := w.server.Client().Get(w.server.URL + "/cgi-bin/getcallbackip" + query)
		if out := w.read(query, resp, err); code(out) != want {
			t.Errorf("%q: %v, want %d", query, out, want)
		}
	}
}

func TestFiveWrongSecretsBanTheAddressForAnHour(t *testing.T) {
	w := newWorld(t, Config{})
	good := "gettoken?corpid=" + DefaultCorpID + "&corpsecret=" + DefaultSecret
	for range 5 {
		w.get("gettoken?corpid=" + DefaultCorpID + "&corpsecret=wrong")
	}
	if out := w.get(good); code(out) != 45009 {
		t.Errorf("after five wrong secrets: %v", out)
	}
	w.clock.Add(time.Hour)
	if out := w.get(good); code(out) != 0 {
		t.Errorf("an hour later: %v", out)
	}
}

func TestARevokedTokenIsInvalidUntilANewOneIsFetched(t *testing.T) {
	w := newWorld(t, Config{})
	w.RevokeTokens()
	if out := w.get("getcallbackip"); code(out) != 40014 {
		t.Errorf("with a revoked token: %v", out)
	}
	w.login()
	if out := w.get("getcallbackip"); code(out) != 0 {
		t.Errorf("with a new token: %v", out)
	}
}

func TestTheDirectorySecretOpensTheDirectoryOnly(t *testing.T) {
	w := newWorld(t, Config{})
	w.token = w.get("gettoken?corpid=" + DefaultCorpID + "&corpsecret=" + DefaultDirectorySecret)["access_token"].(string)
	out := w.post("user/list_id", map[string]any{"limit": 2})
	if code(out) != 0 || size(out["dept_user"]) != 2 || out["next_cursor"] == "" {
		t.Errorf("list_id: %v", out)
	}
	out = w.post("user/list_id", map[string]any{"limit": 2, "cursor": out["next_cursor"]})
	if size(out["dept_user"]) != 1 || out["next_cursor"] != "" {
		t.Errorf("second page: %v", out)
	}
	if out := w.get("user/get?userid=wang"); code(out) != 0 {
		t.Errorf("user/get: %v", out)
	}
	if out := w.get("externalcontact/get_follow_user_list"); code(out) != 48002 {
		t.Errorf("get_follow_user_list: %v", out)
	}
}

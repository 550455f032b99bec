package panel

import (
	"encoding/json"
	"image/png"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

func TestACompanyCanBeLivedByTheControlAPI(t *testing.T) {
	w := newWorld(t, sandbox.Config{CallbackURL: newReceiver(t, http.StatusOK)})
	w.does("/staff", `{"user_id":"sun","name":"孙","position":"店长"}`)
	p := w.does("/customers", `{"name":"小鱼","with_union_id":true}`)["external_userid"].(string)
	q := w.does("/customers", `{"name":"老周"}`)["external_userid"].(string)
	chat := w.does("/groups", `{"owner":"sun","name":"一群","staff":["li"]}`)["chat_id"].(string)
	w.does("/groups/"+chat+"/join", `{"users":["`+p+`","`+q+`"],"inviter":"sun"}`)
	w.does("/say", `{"chat_id":"`+chat+`","person":"`+p+`","text":"鸡蛋多少钱"}`)
	w.does("/groups/"+chat+"/leave", `{"user":"`+p+`"}`)
	w.does("/groups/"+chat+"/remove", `{"user":"`+q+`"}`)
	way := w.joinWay(chat)
	if out := w.does("/scan", `{"config_id":"`+way+`","customer":"`+p+`"}`); out["chat_id"] != chat {
		t.Errorf("scan: %v", out)
	}
	cway := w.contactWay("sun")
	if out := w.does("/scan", `{"config_id":"`+cway+`","customer":"`+p+`"}`); out["user"] != "sun" || out["welcome_code"] == "" {
		t.Errorf("scan: %v", out)
	}
	w.does("/contacts", `{"action":"half","user":"li","customer":"`+p+`"}`)
	w.does("/contacts", `{"action":"add","user":"li","customer":"`+p+`","no_welcome":true}`)
	w.does("/contacts", `{"action":"delete","user":"li","customer":"`+p+`","by_customer":true}`)
	id := w.task("sun", "秒杀", chat)
	w.does("/tasks/"+id+"/confirm", `{"user":"sun"}`)
	w.card("sun", "case_1", "疑似广告")
	w.does("/cards/case_1/press", `{"user":"sun","key":"done"}`)
	w.does("/groups/"+chat+"/rename", `{"name":"新名"}`)
	w.does("/groups/"+chat+"/notice", `{"notice":"公告"}`)
	w.does("/groups/"+chat+"/owner", `{"user":"li"}`)
	w.does("/groups/"+chat+"/dismiss", ``)
	w.does("/staff/sun/resign", `{}`)
	if out := w.does("/verify-url", ``); out["ok"] != true {
		t.Errorf("verify-url: %v", out)
	}
	w.does("/token/revoke", ``)
	w.step()

	_, state := w.control(http.MethodGet, "/state", "")
	if size(state["groups"]) != 1 || dig(state, "groups", 0, "name") != "新名" || dig(state, "tasks", 0, "results") != 1.0 ||
		dig(state, "cards", 0, "presses") != 1.0 || state["in_flight"] != 0.0 || size(state["join_ways"]) != 1 {
		t.Errorf("state: %v", state)
	}
	_, group := w.control(http.MethodGet, "/groups/"+chat, "")
	if size(group["history"]) != 5 || dig(group, "history", 3, "how") != "removed" {
		t.Errorf("group: %v", group)
	}
	_, log := w.control(http.MethodGet, "/log?after=2&limit=5", "")
	if size(log["entries"]) != 5 || dig(log, "entries", 0, "seq") != 3.0 {
		t.Errorf("log: %v", log)
	}
	_, calls := w.control(http.MethodGet, "/calls", "")
	if dig(calls, "calls", "message/send") != 1.0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestTheControlAPIRefusesWhatItDoesNotKnow(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	for _, tc := range []struct {
		method, path, body string
		status             int
		names              string
	}{
		{"POST", "/staff", `{"user_id":"a","name":"b","salary":1}`, 400, "salary"},
		{"POST", "/staff", `{"user_id":7}`, 400, "user_id"},
		{"POST", "/staff", `{"user_id":"a"`, 400, "body"},
		{"POST", "/staff", `{} {}`, 400, "more than one"},
		{"POST", "/staff", ``, 400, "userid"},
		{"POST", "/groups", `{"owner":"nobody","name":"x"}`, 404, "nobody"},
		{"POST", "/groups/wr0/dismiss", ``, 404, "wr0"},
		{"GET", "/groups/wr0", ``, 404, "wr0"},
		{"POST", "/contacts", `{"action":"marry"}`, 400, "action"},
		{"POST", "/tasks/0/confirm", `{"user":"wang"}`, 404, ""},
		{"POST", "/cards/0/press", `{"user":"wang"}`, 404, ""},
		{"POST", "/scan", `{"config_id":"0"}`, 404, "0"},
		{"PUT", "/faults", `{"api":{"*":{"stall":"soon"}}}`, 400, "soon"},
		{"PUT", "/faults", `{"api":{"no/such":{}}}`, 404, "no/such"},
		{"GET", "/log?after=x", ``, 400, "after"},
		{"GET", "/nothing", ``, 404, "/sandbox/"},
		{"DELETE", "/state", ``, 404, ""},
	} {
		status, out := w.control(tc.method, tc.path, tc.body)
		msg, _ := out["error"].(string)
		if status != tc.status || msg == "" || !strings.Contains(msg, tc.names) {
			t.Errorf("%s %s %s: HTTP %d %v, want %d naming %q", tc.method, tc.path, tc.body, status, out, tc.status, tc.names)
		}
	}
	if out := w.does("/verify-url", ``); out["ok"] != false || out["error"] == "" {
		t.Errorf("verify-url: %v", out)
	}
}

func TestFaultsGoThroughTheControlAPIUnchanged(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	body := `{"callbacks":{"copies":2,"shuffle":5,"within":"3s","drop":0.1,"delay":"1m0s","merge":"500ms"},` +
		`"api":{"gettoken":{"calls":3,"probability":0.5,"cut_before":true,"revoke":true,"status":503,"fail":-1,"stall":"10ms","cut_after":true,"half_body":true}},` +
		`"limits":{"per_minute":9,"per_hour":8,"parallel":7,"mass_per_month":6,"mass_rule":"week","account_per_day":5,"ways":4,"temp_ways":3,"customers":2,"messages_per_day":4,"page":5},"details":{"lag":"1s","spread":"2s","stale":0.25},"dispatch":"2m0s"}`
	status, put := w.control(http.MethodPut, "/faults", body)
	_, shown := w.control(http.MethodGet, "/faults", "")
	var want map[string]any
	must(t, json.Unmarshal([]byte(body), &want))
	for _, out := range []map[string]any{put, shown} {
		if !reflect.DeepEqual(out, want) || status != http.StatusOK {
			t.Errorf("HTTP %d %v", status, out)
		}
	}
	f := w.box.Faults()
	if f.Callbacks.Within != 3*time.Second || f.Dispatch != 2*time.Minute || f.API["gettoken"].Stall != 10*time.Millisecond || f.Limits.MassPerMonth != 6 || f.Limits.MassRule != sandbox.MassWeek {
		t.Errorf("faults: %+v", f)
	}
}

func TestHelpAndPicturesAreServed(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	resp, err := w.server.Client().Get(w.server.URL + "/sandbox/")
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	for _, route := range (&panel{box: w.box}).routes() {
		if !strings.Contains(string(text), route.pattern) {
			t.Errorf("the help does not name %s", route.pattern)
		}
	}
	picture, err := w.server.Client().Get(w.server.URL + "/sandbox/qr/abc")
	must(t, err)
	defer picture.Body.Close()
	if img, err := png.Decode(picture.Body); err != nil || img.Bounds().Dx() < 100 {
		t.Errorf("picture: %v", err)
	}
	other, err := w.server.Client().Get(w.server.URL + "/elsewhere")
	must(t, err)
	other.Body.Close()
	if other.StatusCode != http.StatusNotFound {
		t.Errorf("elsewhere: HTTP %d", other.StatusCode)
	}
}

func TestJSONUnderTheTypeOfAFormIsJSON(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	for body, want := range map[string]int{`{"id":"wm1","name":"鱼"}`: http.StatusOK, `{"name":""}`: http.StatusBadRequest, ``: http.StatusBadRequest, `name=x`: http.StatusBadRequest} {
		resp, err := w.server.Client().Post(w.server.URL+"/sandbox/customers", "application/x-www-form-urlencoded", strings.NewReader(body))
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: HTTP %d, want %d", body, resp.StatusCode, want)
		}
	}
	if w.box.NameOf("wm1") != "鱼" {
		t.Error("curl cannot add a customer")
	}
}

package panel

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

func TestTheConsoleIsWorkedByTheControlAPI(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	p := w.does("/customers", `{"name":"小鱼"}`)["external_userid"].(string)
	w.does("/departments", `{"id":2,"name":"门店"}`)
	w.does("/departments/2", `{"name":"一店"}`)
	w.does("/staff/WANG", `{"department":2,"position":"店长","no_contacts":false}`)
	w.does("/staff/wang", `{"mobile":"13900000000"}`)
	if u := w.box.Staff()[0]; u.Department != 2 || u.Position != "店长" || u.Name != "王小棉" || u.Mobile == "" {
		t.Errorf("changed staff: %+v", u)
	}
	group := w.does("/tags", `{"group":"等级","names":["金","银"]}`)["group_id"].(string)
	tag := w.box.TagGroups()[0].Tags[0].ID
	w.does("/tags/"+tag+"/rename", `{"name":"钻"}`)
	w.does("/tags/shuffle", `{"group":"`+group+`"}`)
	link := dig(w.api("externalcontact/customer_acquisition/create_link", map[string]any{"link_name": "扫街", "range": map[string]any{"user_list": []string{"li"}}, "skip_verify": true}), "link", "link_id").(string)
	w.does("/links/quota", `{"contacts":2,"expires":"2027-01-01T00:00:00+08:00"}`)
	w.does("/links/"+link+"/click", ``)
	if out := w.does("/links/"+link+"/click", `{"customer":"`+p+`","channel":"bus"}`); out["user"] != "li" {
		t.Errorf("link: %v", out)
	}
	w.api("externalcontact/transfer_customer", map[string]any{"handover_userid": "li", "takeover_userid": "zhao", "external_userid": []string{p}})
	w.does("/handovers/refuse", `{"customer":"`+p+`"}`)
	for path, want := range map[string][]any{
		"/departments": {"departments", 1, "name", "一店"},
		"/links":       {"links", 0, "clicks", 2.0},
		"/handovers":   {"handovers", 0, "status", "refused"},
	} {
		if _, out := w.control(http.MethodGet, path, ""); dig(out, want[:3]...) != want[3] {
			t.Errorf("%s: %v", path, out)
		}
	}
	if _, out := w.control(http.MethodGet, "/links", ""); dig(out, "links", 0, "customers", 0, "state") != "bus" {
		t.Errorf("links: %v", out)
	}
	_, tags := w.control(http.MethodGet, "/tags", "")
	if size(dig(tags, "groups", 0, "tags")) != 2 {
		t.Errorf("tags: %v", tags)
	}
	w.does("/tags/"+tag+"/delete", ``)
	if left := (&panel{box: w.box}).tagGroups()[0].Tags; len(left) != 1 {
		t.Errorf("tags after a deletion: %v", left)
	}
	w.does("/staff/wang", `{"department":1}`)
	w.does("/departments/2/delete", ``)
}

func TestInternalGroupsAndRobotsAreWorkedByTheControlAPI(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	chat := w.does("/internal-groups", `{"owner":"wang","name":"店长群","staff":["li"]}`)["chat_id"].(string)
	key := w.does("/robots", `{"chat_id":"`+chat+`","name":"播报"}`)["key"].(string)
	resp, err := w.server.Client().Post(w.server.URL+"/cgi-bin/webhook/send?key="+key, "application/json", strings.NewReader(`{"msgtype":"text","text":{"content":"早上好"}}`))
	must(t, err)
	resp.Body.Close()
	w.does("/smart-robots", `{"id":"bot1","name":"小助手","callback_url":"http://127.0.0.1:1/","token":"t","aes_key":"`+sandbox.DefaultAESKey+`"}`)
	w.does("/smart-robots/bot1/enter", `{"user":"li"}`)
	w.does("/smart-robots/bot1/ask", `{"user":"li","text":"几点开门","chat_id":"`+chat+`"}`)
	w.does("/app/write", `{"user":"li","text":"在吗"}`)
	w.does("/app/use", `{"user":"li","action":"enter_agent"}`)
	_, groups := w.control(http.MethodGet, "/internal-groups", "")
	if dig(groups, "groups", 0, "messages", 0, "robot") != "播报" || dig(groups, "groups", 0, "by_hand") != true {
		t.Errorf("internal groups: %v", groups)
	}
	_, talks := w.control(http.MethodGet, "/talks", "")
	if size(talks["talks"]) != 2 || dig(talks, "talks", 1, "text") != "@小助手 几点开门" {
		t.Errorf("talks: %v", talks)
	}
	_, text := newBrowser(w).page("/sandbox/ui/internal")
	for _, want := range []string{"店长群", "早上好", key, "bot1", "几点开门"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	w.does("/robots/"+key+"/remove", ``)
	if _, out := w.control(http.MethodGet, "/robots", ""); dig(out, "robots", 0, "removed") != true {
		t.Errorf("robots: %v", out)
	}
	if len(w.box.Callbacks()) == 0 {
		t.Error("writing to the app made no callback")
	}
}

func TestThePageOfTheAccountWorks(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	id := w.does("/customers", `{"name":"小鱼","with_union_id":true}`)["external_userid"].(string)
	b := newBrowser(w)
	const back = "/sandbox/ui/account"
	text := b.send("/sandbox/account/follow", url.Values{"back": {back}, "person": {id}, "scene": {"ADD_SCENE_PROFILE_CARD"}})
	if f := w.box.Followers(); len(f) != 1 || f[0].Scene != "ADD_SCENE_PROFILE_CARD" || !strings.Contains(text, f[0].OpenID) {
		t.Errorf("followers: %+v", f)
	}
	b.send("/sandbox/account/callback", url.Values{"back": {back}, "url": {"http://127.0.0.1:9/a"}})
	if _, text := b.page(back); !strings.Contains(text, "http://127.0.0.1:9/a") {
		t.Error("the page does not show where pushes go")
	}
	b.send("/sandbox/staff/wang", url.Values{"back": {back}, "position": {"店长"}, "hidden": {"true"}, "inactive": {"false"}})
	if u := w.box.Staff()[0]; u.Position != "店长" || !u.Hidden || u.Inactive {
		t.Errorf("staff: %+v", u)
	}
}

func TestPeoplePauseAndDeliveriesGoOn(t *testing.T) {
	w := newWorld(t, sandbox.Config{CallbackURL: newReceiver(t, http.StatusOK)})
	var done []string
	plan := func(in time.Duration, what string) {
		w.box.At(w.clock.now().Add(in), func() error { done = append(done, what); return nil })
	}
	plan(2*time.Minute, "second")
	plan(time.Minute, "first")
	if out := w.does("/clock/pause", `{"paused":true}`); out["paused"] != true || out["held"] != 2.0 {
		t.Errorf("pause: %v", out)
	}
	plan(3*time.Minute, "third")
	w.does("/groups", `{"owner":"wang","name":"一群"}`)
	w.does("/clock", `{"by":"1h"}`)
	if c := w.box.Callbacks(); len(done) != 0 || !c[len(c)-1].Delivered {
		t.Errorf("while people pause %v is done; callbacks %+v", done, c)
	}
	_, text := newBrowser(w).page("/sandbox/ui/clock")
	if !strings.Contains(text, "3 件事等着") {
		t.Error("the page does not say what waits")
	}
	w.does("/clock/pause", `{"paused":false}`)
	w.step()
	if strings.Join(done, " ") != "first second third" {
		t.Errorf("after the pause %v is done", done)
	}
}

func TestStrangeNamesOfTheHostAreRefused(t *testing.T) {
	w := newWorld(t, sandbox.Config{PublicURL: "http://sandbox.example:8090"})
	h := Handler(w.box, "Box.Example")
	for host, want := range map[string]int{
		"127.0.0.1:8090": 200, "localhost": 200, "localhost.:1": 200, "[::1]:8090": 200, "192.168.1.4": 200, "a.localhost:1": 200,
		"sandbox.example:8090": 200, "box.example": 200, "evil.example": 403, "127.0.0.1.evil.example:8090": 403, "": 403, "evil.example:%": 403,
	} {
		r, err := http.NewRequest(http.MethodGet, "/sandbox/state", nil)
		must(t, err)
		r.Host = host
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != want {
			t.Errorf("Host %q: HTTP %d, want %d", host, rec.Code, want)
		}
	}
}

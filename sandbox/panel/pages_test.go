package panel

import (
	"image/png"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"xiaobu/sandbox"
)

// hostile is a name that wants to be markup, a template, a script and a style.
const hostile = `"><script>alert(1)</script>{{.}}'&lt;` + "\u202e"

// browser is a client that keeps cookies and follows the way back from a form.
type browser struct {
	t *testing.T
	w *world
	c *http.Client
}

func newBrowser(w *world) *browser {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	return &browser{w.t, w, &http.Client{Jar: jar, Transport: w.server.Client().Transport}}
}

// page reads a page and returns its status and text.
func (b *browser) page(path string) (int, string) {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// send sends a form and returns the page it leads to.
func (b *browser) send(path string, fields url.Values) string {
	b.t.Helper()
	status, text := b.do(http.MethodPost, path, fields)
	if status != http.StatusOK {
		b.t.Errorf("%s %v leads to HTTP %d", path, fields, status)
	}
	return text
}

func (b *browser) do(method, path string, fields url.Values) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.w.server.URL+path, strings.NewReader(fields.Encode()))
	must(b.t, err)
	req.Header.Set("Accept", "text/html,application/xhtml+xml")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.w.server.URL)
	}
	resp, err := b.c.Do(req)
	must(b.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(b.t, err)
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
		b.t.Errorf("%s has the policy %q", path, policy)
	}
	return resp.StatusCode, string(data)
}

// full is a company in which every page has something to show, all names of which are
// hostile.
type full struct {
	*world
	chat, customer, way, msgid string
}

func newFull(t *testing.T) *full {
	f := &full{world: newWorld(t, sandbox.Config{CallbackURL: newReceiver(t, http.StatusBadGateway)})}
	box := f.box
	must(t, box.AddStaff(sandbox.Staff{UserID: "mallory", Name: hostile, Position: hostile}))
	chat, err := box.CreateGroup("mallory", hostile, "li")
	must(t, err)
	f.chat = chat
	for _, name := range []string{"\u200b\u200b", "张三", hostile} {
		f.customer, err = box.AddCustomer(sandbox.Customer{Name: name, WithUnionID: true})
		must(t, err)
		_, err = box.Join(chat, f.customer, sandbox.How{Scene: sandbox.SceneLink, Inviter: "mallory"})
		must(t, err)
	}
	_, err = box.AddContact("mallory", f.customer, sandbox.Via{})
	must(t, err)
	f.api("externalcontact/send_welcome_msg", map[string]any{"welcome_code": box.Welcomes()[0].Code, "text": map[string]string{"content": hostile}})
	_, err = box.Share(chat, f.customer, sandbox.Message{Type: "link", Text: hostile, Title: hostile, URL: "javascript:alert(1)"})
	must(t, err)
	must(t, box.SetNotice(chat, hostile))
	f.msgid = f.task("mallory", hostile, chat)
	must(t, box.Confirm(f.msgid, "mallory"))
	f.task("mallory", hostile, chat)
	f.card("mallory", "case_1", hostile)
	f.way = f.joinWay(chat)
	f.contactWay("mallory")
	_, err = box.PostMoment("mallory", hostile)
	must(t, err)
	_, err = box.AddTags("<b>组", "<script>alert(1)</script>")
	must(t, err)
	must(t, box.SetFaults(sandbox.Faults{Callbacks: sandbox.CallbackFaults{Copies: 2}, API: map[string]sandbox.APIFault{"agent/get": {Fail: -1, Calls: 2}}}))
	f.step()
	return f
}

func TestEveryPageIsDrawnWithHostileNames(t *testing.T) {
	f := newFull(t)
	b := newBrowser(f.world)
	pages := map[string][]string{
		"/sandbox/":                             {"base_url: http://127.0.0.1", sandbox.DefaultAESKey},
		"/sandbox/ui/groups":                    {f.chat},
		"/sandbox/ui/groups?q=script":           {f.chat},
		"/sandbox/ui/groups/" + f.chat:          {"javascript:alert(1)", f.customer},
		"/sandbox/ui/people":                    {"mallory", "张三"},
		"/sandbox/ui/people?q=%E5%BC%A0":        {"张三"},
		"/sandbox/ui/people/MALLORY":            {"case_1", f.chat, f.customer},
		"/sandbox/ui/people/" + f.customer:      {f.way, "mallory"},
		"/sandbox/ui/account":                   {sandbox.DefaultAppSecret},
		"/sandbox/ui/internal":                  {"appchat/create"},
		"/sandbox/ui/console":                   {"&lt;b&gt;组"},
		"/sandbox/ui/codes":                     {"/sandbox/qr/" + f.way},
		"/sandbox/ui/scan/" + f.way:             {f.customer},
		"/sandbox/ui/tasks":                     {f.msgid, "case_1"},
		"/sandbox/ui/traffic":                   {"externalcontact/add_msg_template", "HTTP 502"},
		"/sandbox/ui/traffic?code=0&path=token": {"gettoken"},
		"/sandbox/ui/requests/1":                {"/cgi-bin/gettoken"},
		"/sandbox/ui/callbacks/1":               {"ChatId", "HTTP 502"},
		"/sandbox/ui/faults":                    {"agent/get", "message/send"},
		"/sandbox/ui/clock":                     {"2026-11-23"},
	}
	for _, lang := range []string{"zh", "en"} {
		b.send("/sandbox/ui/lang", url.Values{"lang": {lang}, "back": {"/sandbox/ui/clock"}})
		for path, wants := range pages {
			status, text := b.page(path)
			if status != http.StatusOK || !strings.Contains(text, "</html>") {
				t.Errorf("%s in %s: HTTP %d %.300s", path, lang, status, text)
			}
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s in %s does not show %q", path, lang, want)
				}
			}
			for _, bad := range []string{"<script>alert", `href="javascript`, "ZgotmplZ", f.token} {
				if strings.Contains(text, bad) {
					t.Errorf("%s in %s holds %q", path, lang, bad)
				}
			}
			if !strings.Contains(text, map[string]string{"zh": "客户群", "en": "Groups"}[lang]) {
				t.Errorf("%s is not in %s", path, lang)
			}
		}
	}
}

func TestPagesOfNothingAreFriendly(t *testing.T) {
	b := newBrowser(newWorld(t, sandbox.Config{}))
	for _, path := range []string{"/sandbox/", "/sandbox/ui/groups", "/sandbox/ui/people", "/sandbox/ui/people/wang", "/sandbox/ui/codes", "/sandbox/ui/tasks", "/sandbox/ui/traffic", "/sandbox/ui/faults"} {
		if status, text := b.page(path); status != http.StatusOK || strings.Contains(text, "nil") {
			t.Errorf("%s: HTTP %d", path, status)
		}
	}
	for path, want := range map[string]int{
		"/sandbox/ui/groups/wr0": 404, "/sandbox/ui/people/nobody": 404, "/sandbox/ui/scan/0": 404, "/sandbox/ui/requests/9": 404,
		"/sandbox/ui/callbacks/x": 404, "/sandbox/ui/nothing": 404, "/sandbox/ui/traffic?code=x": 400, "/sandbox/ui/traffic?after=x": 400,
	} {
		if status, text := b.page(path); status != want || !strings.Contains(text, `role="alert"`) {
			t.Errorf("%s: HTTP %d, want %d and a page that says so", path, status, want)
		}
	}
}

func TestFormsDoWhatTheirRoutesDo(t *testing.T) {
	f := newFull(t)
	b := newBrowser(f.world)
	box := f.box
	quiet := box.Faults()
	quiet.API = nil
	must(t, box.SetFaults(quiet))
	id, err := box.AddCustomer(sandbox.Customer{Name: "小鱼"})
	must(t, err)
	back := "/sandbox/ui/people/" + id
	for _, tc := range []struct {
		path   string
		fields url.Values
		holds  func() bool
	}{
		{"/sandbox/scan", url.Values{"customer": {id}, "config_id": {f.way}}, func() bool { return box.IsMember(f.chat, id) }},
		{"/sandbox/say", url.Values{"chat_id": {f.chat}, "person": {id}, "text": {"鸡蛋 多少钱"}}, func() bool {
			said := box.SaidIn(f.chat, 1)
			return said[0].Message.Text == "鸡蛋 多少钱" && said[0].Sender == id
		}},
		{"/sandbox/groups/-/leave", url.Values{"id": {f.chat}, "user": {id}}, func() bool { return !box.IsMember(f.chat, id) }},
		{"/sandbox/groups/-/join", url.Values{"id": {f.chat}, "users": {id}, "scene": {"3"}}, func() bool { return box.IsMember(f.chat, id) }},
		{"/sandbox/groups/" + f.chat + "/remove", url.Values{"user": {id}}, func() bool { return !box.IsMember(f.chat, id) }},
		{"/sandbox/contacts", url.Values{"action": {"add"}, "user": {"li"}, "customer": {id}}, func() bool { return box.AreContacts("li", id) }},
		{"/sandbox/write", url.Values{"from": {id}, "to": {"li"}, "text": {"在吗"}}, func() bool { return true }},
		{"/sandbox/contacts/mark", url.Values{"user": {"li"}, "customer": {id}, "tags": {"爱吃鱼"}}, func() bool { return true }},
		{"/sandbox/account/follow", url.Values{"person": {id}}, func() bool { return len(box.Followers()) == 1 }},
		{"/sandbox/account/say", url.Values{"person": {id}, "text": {"你好"}}, func() bool { return true }},
		{"/sandbox/account/unfollow", url.Values{"person": {id}}, func() bool { return !box.Followers()[0].Subscribed }},
		{"/sandbox/cards/case_1/press", url.Values{"user": {"mallory"}, "key": {"done"}}, func() bool { return len(box.Cards()[0].Presses) == 1 }},
		{"/sandbox/groups/" + f.chat + "/rename", url.Values{"name": {"新名"}}, func() bool { g, _ := box.Group(f.chat); return g.Name == "新名" }},
		{"/sandbox/groups/" + f.chat + "/notice", url.Values{"notice": {"公告"}}, func() bool { g, _ := box.Group(f.chat); return g.Notice == "公告" }},
		{"/sandbox/groups/" + f.chat + "/owner", url.Values{"user": {"li"}}, func() bool { g, _ := box.Group(f.chat); return g.Owner == "li" }},
		{"/sandbox/tasks", url.Values{"user": {"li"}, "text": {"自己发"}, "chats": {f.chat}}, func() bool { return len(box.Tasks()) == 3 }},
		{"/sandbox/moments", url.Values{"user": {"li"}, "text": {"早"}}, func() bool { return len(box.Moments()) == 2 }},
		{"/sandbox/staff", url.Values{"user_id": {"sun"}, "name": {"孙"}, "hidden": {"on"}}, func() bool { all := box.Staff(); return all[len(all)-1].Hidden }},
		{"/sandbox/staff/zhao/resign", nil, func() bool { return box.Staff()[2].Resigned }},
		{"/sandbox/faults/preset", url.Values{"name": {"bad_weather"}}, func() bool { return box.Faults().Callbacks.Drop == 0.05 }},
		{"/sandbox/faults/callbacks", url.Values{"copies": {"3"}, "delay": {"5s"}, "drop": {"0.5"}}, func() bool {
			c := box.Faults().Callbacks
			return c.Copies == 3 && c.Delay.Seconds() == 5 && c.Drop == 0.5 && c.Shuffle == 0 && len(box.Faults().API) == 1
		}},
		{"/sandbox/faults/limits", url.Values{"per_minute": {"7"}, "dispatch": {"1m"}}, func() bool { return box.Faults().Limits.PerMinute == 7 && box.Faults().Dispatch.Minutes() == 1 }},
		{"/sandbox/faults/details", url.Values{"lag": {"9s"}}, func() bool { return box.Faults().Details.Lag.Seconds() == 9 }},
		{"/sandbox/faults/api", url.Values{"path": {"message/send"}, "fail": {"45009"}, "calls": {"2"}}, func() bool { return box.Faults().API["message/send"].Fail == 45009 }},
		{"/sandbox/faults/api", url.Values{"path": {"message/send"}, "end": {"true"}}, func() bool { _, on := box.Faults().API["message/send"]; return !on }},
		{"/sandbox/faults/preset", url.Values{"name": {"calm"}}, func() bool { return len(box.Faults().API) == 0 && box.Faults().Callbacks.Copies == 0 }},
		{"/sandbox/callback", url.Values{"url": {"http://127.0.0.1:9/x"}}, func() bool { return box.Callback() == "http://127.0.0.1:9/x" }},
		{"/sandbox/token/revoke", nil, func() bool { return box.Tokens()[0].Revoked }},
		{"/sandbox/clock", url.Values{"by": {"1h"}}, func() bool { return f.clock.now().Hour() == 17 }},
		{"/sandbox/clock", url.Values{"to": {"2026-11-23T10:30"}}, func() bool { return shown(f.clock.now(), "15:04") == "10:30" }},
		{"/sandbox/forget", nil, func() bool { return len(box.Requests(sandbox.RequestFilter{})) == 0 }},
		{"/sandbox/groups/" + f.chat + "/dismiss", nil, func() bool { g, _ := box.Group(f.chat); return g.Dismissed }},
	} {
		fields := url.Values{"back": {back}}
		for name, values := range tc.fields {
			fields[name] = values
		}
		if text := b.send(tc.path, fields); !tc.holds() || !strings.Contains(text, `role="status"`) || !strings.Contains(text, id) {
			t.Errorf("%s %v did not do it: %s", tc.path, tc.fields, alert(text))
		}
	}
	text := b.send("/sandbox/groups", url.Values{"owner": {"li"}, "name": {"二群"}, "back": {"/sandbox/ui/groups/{chat_id}"}})
	if !strings.Contains(text, "<h1><bdi>二群") {
		t.Errorf("a new group is not shown: %s", alert(text))
	}
	if _, text := b.page("/sandbox/"); strings.Contains(text, `role="status"`) {
		t.Error("a message is shown twice")
	}
}

// alert is what a page says went wrong.
func alert(text string) string {
	_, after, _ := strings.Cut(text, `role="alert"`)
	said, _, _ := strings.Cut(after, "</p>")
	return said
}

func TestFormsSayWhatWasWrong(t *testing.T) {
	f := newFull(t)
	b := newBrowser(f.world)
	for _, tc := range []struct {
		path   string
		fields url.Values
		want   string
	}{
		{"/sandbox/scan", url.Values{"customer": {"nobody"}, "config_id": {f.way}}, "nobody"},
		{"/sandbox/scan", url.Values{"customer": {f.customer}, "config_id": {"0"}}, "not found"},
		{"/sandbox/say", url.Values{"chat_id": {f.chat}, "person": {"zhao"}, "text": {"x"}}, "zhao"},
		{"/sandbox/say", url.Values{"chat_id": {f.chat}, "person": {f.customer}}, "nothing to say"},
		{"/sandbox/faults/callbacks", url.Values{"copies": {"many"}}, "要的是整数"},
		{"/sandbox/faults/callbacks", url.Values{"copies": {"99"}}, "from 0 to 10"},
		{"/sandbox/faults/callbacks", url.Values{"drop": {"often"}}, "要的是数"},
		{"/sandbox/faults/callbacks", url.Values{"delay": {"soon"}}, "这样的时长"},
		{"/sandbox/faults/api", url.Values{"path": {"message/send"}}, "nothing is to go wrong"},
		{"/sandbox/faults/api", url.Values{"path": {"no/such"}, "fail": {"-1"}}, "not found"},
		{"/sandbox/faults/api", url.Values{"fail": {"-1"}}, "want a path"},
		{"/sandbox/faults/preset", url.Values{"name": {"storm"}}, "bad_weather"},
		{"/sandbox/clock", url.Values{"to": {"yesterday"}}, "2026-11-23T10:00"},
		{"/sandbox/clock", url.Values{"by": {"-5m"}}, "backwards"},
		{"/sandbox/callback", url.Values{"url": {"somewhere"}}, "这样的网址"},
		{"/sandbox/cards/case_1/press", url.Values{"user": {"mallory"}, "key": {"no such"}}, "not found"},
		{"/sandbox/cards/case_1/press", url.Values{"user": {"mallory"}, "key": {"done"}, "chosen": {"a=1&b=2"}}, "question=option"},
		{"/sandbox/staff", url.Values{"user_id": {"x"}, "name": {"x"}, "salary": {"1"}}, "salary"},
		{"/sandbox/tasks/" + f.msgid + "/confirm", url.Values{"user": {"mallory"}}, "nothing is waiting"},
		{"/sandbox/groups/-/leave", url.Values{"user": {f.customer}}, "not found"},
		{"/sandbox/verify-url", nil, "verify callback address"},
	} {
		fields := url.Values{"back": {"/sandbox/ui/clock"}}
		for name, values := range tc.fields {
			fields[name] = values
		}
		if tc.path == "/sandbox/verify-url" {
			f.box.SetCallback("http://127.0.0.1:1/")
		}
		if said := alert(b.send(tc.path, fields)); !strings.Contains(said, tc.want) {
			t.Errorf("%s %v says %q, want %q", tc.path, tc.fields, said, tc.want)
		}
	}
}

func TestOtherSitesAndWaysOutAreRefused(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	b := newBrowser(w)
	for _, name := range []string{"Origin", "Sec-Fetch-Site"} {
		req, err := http.NewRequest(http.MethodPost, w.server.URL+"/sandbox/staff/wang/resign", nil)
		must(t, err)
		req.Header.Set(name, map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}[name])
		resp, err := b.c.Do(req)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden || w.box.Staff()[0].Resigned {
			t.Errorf("a post with %s of another site: HTTP %d", name, resp.StatusCode)
		}
	}
	b.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, back := range []string{"https://evil.example/", "//evil.example/sandbox/", "javascript:alert(1)", ""} {
		resp, err := b.c.PostForm(w.server.URL+"/sandbox/forget", url.Values{"back": {back}})
		must(t, err)
		resp.Body.Close()
		if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || to != "/sandbox/" {
			t.Errorf("back to %q: HTTP %d %q", back, resp.StatusCode, to)
		}
	}
}

func TestProgramsKeepThePlainList(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	for path, want := range map[string]string{"/sandbox/": "text/plain", "/sandbox/help": "text/plain", "/sandbox/ui/files/style.css": "text/css", "/sandbox/ui/files/live.js": "text/javascript"} {
		resp, err := w.server.Client().Get(w.server.URL + path)
		must(t, err)
		resp.Body.Close()
		if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, want) {
			t.Errorf("%s: HTTP %d %s, want %s", path, resp.StatusCode, kind, want)
		}
	}
	for _, path := range []string{"/sandbox/ui/files/layout.html", "/sandbox/ui/files/..%2fpage.go"} {
		resp, err := w.server.Client().Get(w.server.URL + path)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: HTTP %d", path, resp.StatusCode)
		}
	}
}

func TestNamesAreShownAsFaces(t *testing.T) {
	for name, want := range map[string]string{
		"王小棉": "小棉", "孙": "孙", "anna": "A", "\u200b\u200c": "?", "": "?", "😀笑": "😀", "\u0301": "?", " 李 四 ": "李四",
	} {
		if got := initials(name); got != want {
			t.Errorf("initials of %q are %q, want %q", name, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}

func TestCodesAreRealPictures(t *testing.T) {
	w := newWorld(t, sandbox.Config{})
	for _, id := range []string{w.joinWay(w.group("一群")), strings.Repeat("长", 900)} {
		resp, err := w.server.Client().Get(w.server.URL + "/sandbox/qr/" + url.PathEscape(id))
		must(t, err)
		defer resp.Body.Close()
		img, err := png.Decode(resp.Body)
		if err != nil || img.Bounds().Dx() < 200 || img.Bounds().Dx() != img.Bounds().Dy() {
			t.Errorf("picture of %.20s: HTTP %d, %v", id, resp.StatusCode, err)
		}
	}
}

package sandbox

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// browse opens a page of the sandbox without following where it leads.
func (w *world) browse(path string, q url.Values) (*http.Response, string) {
	w.t.Helper()
	client := *w.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp := got[*http.Response](w.t)(client.Get(w.server.URL + path + "?" + q.Encode()))
	defer resp.Body.Close()
	return resp, string(got[[]byte](w.t)(io.ReadAll(resp.Body)))
}

// inClient is the address of a good login from inside the client.
func inClient(more ...string) url.Values {
	q := url.Values{"appid": {DefaultCorpID}, "redirect_uri": {"https://ops.example.com:8443/login?next=%2Fa#top"}, "response_type": {"code"},
		"scope": {"snsapi_base"}, "agentid": {"1000002"}, "state": {"s1"}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

// logIn logs in without the page and returns the code.
func (w *world) logIn(id, scope string) string {
	w.t.Helper()
	resp, body := w.browse(authorizePath, inClient("as", id, "scope", scope))
	back := got[*url.URL](w.t)(url.Parse(resp.Header.Get("Location")))
	if resp.StatusCode != http.StatusFound || back.Query().Get("code") == "" {
		w.t.Fatalf("logged in with HTTP %d %s", resp.StatusCode, body)
	}
	return back.Query().Get("code")
}

func TestOneChoosesWhoOneIs(t *testing.T) {
	w := newWorld(t, Config{})
	customer := got[string](t)(w.AddCustomer(Customer{Name: `<b>"小鱼"</b>`}))
	resp, page := w.browse(authorizePath, inClient())
	for _, want := range []string{"王小棉", "value=\"wang\"", "员工", "value=\"" + customer + "\"", "&lt;b&gt;&#34;小鱼&#34;&lt;/b&gt;", `name="state" value="s1"`, "viewport"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Type"), "text/html") {
		t.Errorf("HTTP %d %v", resp.StatusCode, resp.Header)
	}
	if _, page := w.browse(authorizePath, inClient("q", "小满")); !strings.Contains(page, `value="li"`) || strings.Contains(page, `value="wang"`) {
		t.Error("the search finds others")
	}
	resp, _ = w.browse(authorizePath, inClient("as", "Wang"))
	back := resp.Header.Get("Location")
	if !strings.HasPrefix(back, "https://ops.example.com:8443/login?code=") || !strings.HasSuffix(back, "&next=%2Fa&state=s1#top") {
		t.Errorf("back to %s", back)
	}
	w.customers(200)
	if _, page := w.browse(authorizePath, inClient()); !strings.Contains(page, "还有更多") || strings.Count(page, "<button") != 100 {
		t.Errorf("%d people on the page", strings.Count(page, "<button"))
	}
}

func TestAtADeskOnlyStaffLogIn(t *testing.T) {
	w := newWorld(t, Config{LoginDomain: "ops.example.com"})
	customer := w.customers(1)[0]
	for path, q := range map[string]url.Values{
		ssoLoginPath:  {"login_type": {"CorpApp"}, "appid": {DefaultCorpID}, "agentid": {"1000002"}, "redirect_uri": {"https://ops.example.com/login"}, "state": {"s1"}},
		qrConnectPath: {"appid": {DefaultCorpID}, "agentid": {"1000002"}, "redirect_uri": {"https://ops.example.com/login"}, "state": {"s1"}},
	} {
		if _, page := w.browse(path, q); !strings.Contains(page, `value="wang"`) || strings.Contains(page, customer) {
			t.Errorf("%s: %s", path, page)
		}
		q.Set("as", customer)
		if resp, _ := w.browse(path, q); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: a customer got HTTP %d", path, resp.StatusCode)
		}
		q.Set("as", "wang")
		resp, _ := w.browse(path, q)
		back := got[*url.URL](t)(url.Parse(resp.Header.Get("Location"))).Query()
		if out := w.get("auth/getuserinfo?code=" + back.Get("code")); out["userid"] != "wang" || out["user_ticket"] != nil {
			t.Errorf("%s: %v", path, out)
		}
		if back.Has("appid") != (path == qrConnectPath) {
			t.Errorf("%s: back with %v", path, back)
		}
	}
}

func TestLoginsAreRefused(t *testing.T) {
	w := newWorld(t, Config{TrustedDomain: "ops.example.com:8443", LoginDomain: "ops.example.com"})
	desk := func(more ...string) url.Values {
		q := inClient(append([]string{"login_type", "CorpApp", "redirect_uri", "https://ops.example.com/"}, more...)...)
		return q
	}
	for _, tc := range []struct {
		path string
		q    url.Values
		want string
	}{
		{authorizePath, inClient(), ""},
		{authorizePath, inClient("appid", ""), "41002"},
		{authorizePath, inClient("appid", "ww1"), "40013"},
		{authorizePath, inClient("redirect_uri", ""), "50001"},
		{authorizePath, inClient("redirect_uri", "/login"), "50001"},
		{authorizePath, inClient("redirect_uri", "javascript://ops.example.com:8443/"), "50001"},
		{authorizePath, inClient("redirect_uri", "https://ops.example.com/"), "50001"},
		{authorizePath, inClient("redirect_uri", "https://ops.example.com:8443.evil.com/"), "50001"},
		{authorizePath, inClient("redirect_uri", "https://ops.example.com:8443@evil.com/"), "50001"},
		{authorizePath, inClient("response_type", "token"), "40058"},
		{authorizePath, inClient("scope", "snsapi_userinfo"), "40058"},
		{authorizePath, inClient("scope", "snsapi_privateinfo", "agentid", ""), "41011"},
		{authorizePath, inClient("agentid", ""), ""},
		{authorizePath, inClient("agentid", "7"), "40056"},
		{authorizePath, inClient("state", strings.Repeat("a", 129)), "84025"},
		{authorizePath, inClient("state", "a-b"), "84025"},
		{authorizePath, inClient("as", "ghost"), "60111"},
		{ssoLoginPath, desk(), ""},
		{ssoLoginPath, desk("login_type", "ServiceApp"), "40058"},
		{ssoLoginPath, desk("agentid", ""), "40056"},
		{ssoLoginPath, desk("redirect_uri", "https://ops.example.com:8443/"), "50001"},
	} {
		resp, page := w.browse(tc.path, tc.q)
		if (resp.StatusCode == http.StatusOK) != (tc.want == "") || !strings.Contains(page, tc.want) {
			t.Errorf("%s %v: HTTP %d, want %s", tc.path, tc.q, resp.StatusCode, tc.want)
		}
	}
}

func TestALoginCodeIsGoodOnceForFiveMinutes(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	code1 := w.logIn("wang", "snsapi_base")
	for _, want := range []int{0, 42022} {
		if out := w.get("auth/getuserinfo?code=" + code1); code(out) != want {
			t.Errorf("%v, want %d", out, want)
		}
	}
	old := w.logIn("wang", "snsapi_base")
	w.clock.Add(5 * time.Minute)
	for query, want := range map[string]int{"": 40029, "?code=x": 40029, "?code=" + old: 42003, "?code=" + w.logIn("hidden", "snsapi_base"): 50002} {
		if out := w.get("auth/getuserinfo" + query); code(out) != want {
			t.Errorf("%q: %v, want %d", query, out, want)
		}
	}
	if out := w.get("user/getuserinfo?code=" + w.logIn("li", "snsapi_base")); out["UserId"] != "li" || out["DeviceId"] == "" {
		t.Errorf("in the old way: %v", out)
	}
}

func TestACustomerLogsInWithAnOpenID(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(2)
	got[Contact](t)(w.AddContact("wang", p[0], Via{}))
	out := w.get("auth/getuserinfo?code=" + w.logIn(p[0], "snsapi_base"))
	if out["external_userid"] != p[0] || out["openid"] == nil || out["userid"] != nil {
		t.Errorf("a contact: %v", out)
	}
	if again := w.get("user/getuserinfo?code=" + w.logIn(p[0], "snsapi_base")); again["OpenId"] != out["openid"] {
		t.Errorf("another openid: %v", again)
	}
	if out := w.get("auth/getuserinfo?code=" + w.logIn(p[1], "snsapi_base")); out["external_userid"] != nil || out["openid"] == nil {
		t.Errorf("somebody unknown: %v", out)
	}
}

func TestAMembersDetailsAreShownForHalfAnHour(t *testing.T) {
	w := newWorld(t, Config{})
	ticket := w.get("auth/getuserinfo?code=" + w.logIn("wang", "snsapi_privateinfo"))["user_ticket"]
	out := w.ok("auth/getuserdetail", map[string]any{"user_ticket": ticket})
	if out["userid"] != "wang" || len(out["mobile"].(string)) != 11 || out["gender"] != "0" {
		t.Errorf("details: %v", out)
	}
	w.clock.Add(30 * time.Minute)
	for body, want := range map[string]int{`{}`: 84015, `{"user_ticket":"x"}`: 84015, `{"user_ticket":"` + ticket.(string) + `"}`: 84014} {
		if out := w.post("auth/getuserdetail", body); code(out) != want {
			t.Errorf("%s: %v, want %d", body, out, want)
		}
	}
}

func TestOldLoginsAreForgotten(t *testing.T) {
	l := newLogins()
	for i := range keepLogins + 1 {
		l.keep(string(rune('a'+i)), &loginCode{})
	}
	if len(l.codes) != keepLogins || len(l.order) != keepLogins || l.codes["a"] != nil {
		t.Errorf("%d codes are kept", len(l.codes))
	}
}

func TestTicketsAreGivenAgainAndCounted(t *testing.T) {
	w := newWorld(t, Config{})
	corp, agent := w.get("get_jsapi_ticket"), w.get("ticket/get?type=agent_config")
	if code(corp) != 0 || code(agent) != 0 || corp["ticket"] == agent["ticket"] || corp["expires_in"] != 7200.0 {
		t.Fatalf("%v, %v", corp, agent)
	}
	w.clock.Add(time.Minute)
	if again := w.get("get_jsapi_ticket"); again["ticket"] != corp["ticket"] || again["expires_in"] != 7140.0 {
		t.Errorf("a minute later: %v", again)
	}
	if out := w.get("ticket/get?type=wx_card"); code(out) != 40058 {
		t.Errorf("another type: %v", out)
	}
	for range 98 {
		w.get("get_jsapi_ticket")
	}
	if out := w.get("get_jsapi_ticket"); code(out) != 45009 {
		t.Errorf("the 101st within an hour: %v", out)
	}
	if out := w.get("ticket/get?type=agent_config"); code(out) != 0 {
		t.Errorf("the other ticket: %v", out)
	}
	w.clock.Add(2 * time.Hour)
	w.login()
	if out := w.get("get_jsapi_ticket"); code(out) != 0 || out["ticket"] == corp["ticket"] {
		t.Errorf("two hours later: %v", out)
	}
}

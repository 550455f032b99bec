package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// mp is a world seen through a token of the official account.
type mp struct{ *world }

func newMP(t *testing.T, cfg Config) *mp {
	t.Helper()
	m := &mp{newWorld(t, cfg)}
	m.token = ""
	m.token = m.fetchToken()
	return m
}

func (m *mp) fetchToken() string {
	m.t.Helper()
	out := m.call("token?grant_type=client_credential&appid="+DefaultAppID+"&secret="+DefaultAppSecret, nil)
	value, _ := out["access_token"].(string)
	if value == "" || out["errcode"] != nil {
		m.t.Fatalf("token answered %v", out)
	}
	return value
}

// call makes a call below /cgi-bin/, or of a path that begins with a slash: GET without a
// body, else POST.
func (m *mp) call(path string, body any) map[string]any {
	m.t.Helper()
	address := m.server.URL + apiPrefix + path
	if strings.HasPrefix(path, "/") {
		address = m.server.URL + path
	}
	if !strings.Contains(path, "access_token=") && !strings.HasPrefix(path, "token") && m.token != "" {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		address += sep + "access_token=" + m.token
	}
	if body == nil {
		resp, err := m.server.Client().Get(address)
		return m.read(path, resp, err)
	}
	text, ok := body.(string)
	if !ok {
		text = string(encode(body))
	}
	resp, err := m.server.Client().Post(address, "application/json", strings.NewReader(text))
	return m.read(path, resp, err)
}

// well makes a call that must not be refused.
func (m *mp) well(path string, body any) map[string]any {
	m.t.Helper()
	out := m.call(path, body)
	if c, ok := out["errcode"]; ok && c != 0.0 {
		m.t.Fatalf("%s with %v answered %v", path, body, out)
	}
	return out
}

// fails makes a call that must be refused with a code.
func (m *mp) fails(want int, path string, body any) {
	m.t.Helper()
	out := m.call(path, body)
	words, _ := out["errmsg"].(string)
	if code(out) != want || !strings.Contains(words, " rid: ") {
		m.t.Errorf("%s with %v answered %v, want %d", path, body, out, want)
	}
}

// fan is a customer who follows the account.
func (m *mp) fan(name string) (customer, openID string) {
	m.t.Helper()
	customer = got[string](m.t)(m.AddCustomer(Customer{Name: name, WithUnionID: true}))
	return customer, got[string](m.t)(m.Follow(customer, ""))
}

func (m *mp) text(openID, content string) map[string]any {
	m.t.Helper()
	return m.call("message/custom/send", map[string]any{"touser": openID, "msgtype": "text", "text": map[string]any{"content": content}})
}

// last is the newest message that somebody received from the account.
func (m *mp) last() AccountMessage {
	m.t.Helper()
	all := m.AccountMessages()
	if len(all) == 0 {
		m.t.Fatal("nobody received anything")
	}
	return all[len(all)-1]
}

func TestThePlatformsAreToldApartByTheToken(t *testing.T) {
	w := newWorld(t, Config{})
	m := &mp{w}
	wecom := w.token
	account := m.fetchToken()
	m.token = wecom
	if out := m.call("getcallbackip", nil); out["errcode"] != 0.0 {
		t.Errorf("WeCom answers without errcode: %v", out)
	}
	m.token = account
	if out := m.call("getcallbackip", nil); out["errcode"] != nil || size(out["ip_list"]) == 0 {
		t.Errorf("the account answers %v", out)
	}
	if out := m.call("user/get", nil); out["total"] != 0.0 {
		t.Errorf("user/get of the account: %v", out)
	}
	m.token = wecom
	if out := m.call("user/get?userid=wang", nil); out["name"] != "王小棉" {
		t.Errorf("user/get of WeCom: %v", out)
	}
	m.fails(codeAccountToken, "menu/get?access_token="+wecom, nil)
	m.fails(codeNoToken, "menu/get?access_token=", nil)
	if m.Calls("mp/user/get") != 1 || m.Calls("user/get") != 1 {
		t.Errorf("calls: %v", m.AllCalls())
	}
	must(t, m.SetFaults(Faults{API: map[string]APIFault{"mp/user/get": {Fail: codeBusy}}}))
	m.fails(codeBusy, "user/get?access_token="+account, nil)
	if out := m.call("user/get?userid=wang", nil); code(out) != 0 {
		t.Errorf("a fault of the account hits WeCom: %v", out)
	}
}

func TestAccountTokens(t *testing.T) {
	m := newMP(t, Config{})
	const credentials = "&appid=" + DefaultAppID + "&secret=" + DefaultAppSecret
	for query, want := range map[string]int{
		"grant_type=x" + credentials:                                               codeGrantType,
		"grant_type=client_credential&secret=x":                                    codeNoCorp,
		"grant_type=client_credential&appid=" + DefaultAppID:                       codeNoSecret,
		"grant_type=client_credential&secret=x&appid=wx1":                          codeBadCorp,
		"grant_type=client_credential&secret=x&appid=" + DefaultAppID:              codeBadAppSecret,
		"grant_type=client_credential&secret=" + DefaultSecret + "&appid=" + "wx1": codeBadCorp,
	} {
		m.fails(want, "token?"+query, nil)
	}
	first := m.token
	second := m.fetchToken()
	m.clock.Add(tokenOverlap - time.Second)
	m.well("user/get?access_token="+first, nil)
	m.clock.Add(time.Second)
	m.fails(codeAccountToken, "user/get?access_token="+first, nil)
	m.well("user/get?access_token="+second, nil)
	m.clock.Add(tokenLife)
	m.fails(codeTokenExpired, "user/get?access_token="+second, nil)
	m.token = m.fetchToken()
	m.RevokeAccountTokens()
	m.fails(codeAccountToken, "user/get", nil)
	m.token = m.fetchToken()
	must(t, m.SetFaults(Faults{API: map[string]APIFault{"mp/user/get": {Revoke: true, Calls: 1}}}))
	m.fails(codeAccountToken, "user/get", nil)
	m.token = m.fetchToken()
	m.well("user/get", nil)
}

func TestStableTokens(t *testing.T) {
	m := newMP(t, Config{})
	ask := func(force bool) map[string]any {
		return m.call("stable_token", map[string]any{
			"grant_type": "client_credential", "appid": DefaultAppID, "secret": DefaultAppSecret, "force_refresh": force,
		})
	}
	first := ask(false)["access_token"].(string)
	m.clock.Add(time.Hour)
	if out := ask(false); out["access_token"] != first || out["expires_in"] != 3600.0 {
		t.Errorf("asked again: %v", out)
	}
	m.clock.Add(time.Hour - tokenOverlap)
	second := ask(false)["access_token"].(string)
	if second == first {
		t.Error("no new token in the last five minutes")
	}
	m.well("user/get?access_token="+first, nil)
	third := ask(true)["access_token"].(string)
	m.fails(codeAccountToken, "user/get?access_token="+second, nil)
	m.well("user/get?access_token="+third, nil)
	for range forcedPerDay - 1 {
		ask(true)
	}
	if out := ask(true); code(out) != codeTooMany {
		t.Errorf("forced %d times: %v", forcedPerDay+1, out)
	}
	m.fails(codeGrantType, "stable_token", `{}`)
	m.fails(codeDataFormat, "stable_token", `{"force_refresh":"yes"}`)
	m.fails(codeDataFormat, "stable_token", `[1]`)
	m.fails(codeNeedsPost, "stable_token", nil)
}

func TestOnlyListedAddressesFetchTokens(t *testing.T) {
	m := newMP(t, Config{})
	must(t, m.SetAccountIPs("10.0.0.1"))
	out := m.call("token?grant_type=client_credential&appid="+DefaultAppID+"&secret="+DefaultAppSecret, nil)
	if words, _ := out["errmsg"].(string); code(out) != codeNotListed || !strings.HasPrefix(words, "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: ") {
		t.Errorf("not listed: %v", out)
	}
	must(t, m.SetAccountIPs("10.0.0.1", "127.0.0.1"))
	m.fetchToken()
	if m.SetAccountIPs("a shop") == nil {
		t.Error("a shop is taken for an address")
	}
}

func TestQuotasOfADay(t *testing.T) {
	m := newMP(t, Config{})
	must(t, m.SetFaults(Faults{Limits: Limits{AccountPerDay: 2}}))
	m.well("user/get", nil)
	m.well("user/get", nil)
	m.fails(codeTooMany, "user/get", nil)
	m.fails(codeBadCorp, "clear_quota", `{"appid":"wx1"}`)
	for i := range clearedPerMonth {
		m.well("clear_quota", map[string]any{"appid": DefaultAppID})
		m.well("user/get", nil)
		_ = i
	}
	m.fails(codeClearedTooOften, "clear_quota", map[string]any{"appid": DefaultAppID})
	m.well("user/get", nil)
	m.fails(codeTooMany, "user/get", nil)
	m.clock.Add(24 * time.Hour)
	m.token = m.fetchToken()
	m.well("user/get", nil)
}

func TestAccountTickets(t *testing.T) {
	m := newMP(t, Config{})
	first := m.well("ticket/getticket?type=jsapi", nil)
	if first["errcode"] != 0.0 || first["expires_in"] != 7200.0 {
		t.Errorf("ticket: %v", first)
	}
	m.clock.Add(30 * time.Minute)
	again := m.well("ticket/getticket?type=jsapi", `{}`)
	if again["ticket"] != first["ticket"] || again["expires_in"] != 5400.0 {
		t.Errorf("ticket asked again: %v", again)
	}
	if card := m.well("ticket/getticket?type=wx_card", nil); card["ticket"] == first["ticket"] {
		t.Error("both kinds share a ticket")
	}
	m.fails(codeBadArgs, "ticket/getticket?type=x", nil)
}

func TestBadAccountSettings(t *testing.T) {
	for name, a := range map[string]OfficialAccount{
		"mode": {Mode: "x"}, "url": {CallbackURL: "a shop"}, "token": {Token: "x"}, "long token": {Token: strings.Repeat("x", 33)},
		"key": {AESKey: "x"},
	} {
		if _, err := New(Config{Now: newClock().Now, Account: a}); err == nil || !strings.Contains(err.Error(), "Config.Account.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMethodsAndBodies(t *testing.T) {
	m := newMP(t, Config{})
	m.fails(codeNeedsPost, "menu/create", nil)
	m.fails(codeNeedsGet, "menu/get", `{}`)
	m.fails(codeDataFormat, "menu/create", `{"button":`)
	m.fails(codeDataFormat, "menu/create", `{"button":{"a":1}}`)
	m.fails(codeEscaped, "menu/create", `{"button":[{"name":"a\u0026b"}]}`)
	if resp, err := http.Get(m.server.URL + "/cgi-bin/nothing/here?access_token=" + m.token); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown path: %v %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
}

func TestWindowsOfCustomMessages(t *testing.T) {
	for _, c := range []struct {
		name  string
		touch func(m *mp, customer string) error
		many  int
		span  time.Duration
	}{
		{"a following", func(*mp, string) error { return nil }, touchMessages, touchSpan},
		{"a message", func(m *mp, p string) error {
			m.clock.Add(touchSpan)
			_, err := m.TellAccount(p, AccountSaying{Text: "积分"})
			return err
		}, talkMessages, talkSpan},
		{"a scan", func(m *mp, p string) error {
			m.clock.Add(touchSpan)
			out := m.well("qrcode/create", `{"action_name":"QR_STR_SCENE","expire_seconds":600,"action_info":{"scene":{"scene_str":"a"}}}`)
			return m.ScanAccountCode(p, out["ticket"].(string))
		}, touchMessages, touchSpan},
		{"a menu click", func(m *mp, p string) error {
			m.clock.Add(touchSpan)
			m.well("menu/create", `{"button":[{"type":"click","name":"签到","key":"K"}]}`)
			return m.ClickMenu(p, "签到")
		}, touchMessages, touchSpan},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMP(t, Config{})
			customer, id := m.fan("小鱼")
			must(t, c.touch(m, customer))
			m.clock.Add(c.span - time.Second)
			m.token = m.fetchToken()
			for i := range c.many {
				if out := m.text(id, fmt.Sprint(i)); code(out) != 0 {
					t.Fatalf("message %d: %v", i+1, out)
				}
			}
			if out := m.text(id, "x"); code(out) != codeWindowCount || !strings.HasPrefix(out["errmsg"].(string), "out of response count limit rid: ") {
				t.Errorf("one too many: %v", out)
			}
			m.clock.Add(time.Second)
			if out := m.text(id, "x"); code(out) != codeWindow || !strings.HasPrefix(out["errmsg"].(string), "response out of time limit or subscription is canceled rid: ") {
				t.Errorf("too late: %v", out)
			}
			must(t, c.touch(m, customer))
			if c.name != "a following" {
				m.well("user/get", nil)
				if out := m.text(id, "x"); code(out) != 0 {
					t.Errorf("the window opens again: %v", out)
				}
			}
			must(t, m.Unfollow(customer))
			if out := m.text(id, "x"); code(out) != codeWindow {
				t.Errorf("unfollowed: %v", out)
			}
		})
	}
}

// The shorter window is used up first, so that the longer keeps its five.
func TestBothWindowsAddUp(t *testing.T) {
	m := newMP(t, Config{})
	customer, id := m.fan("小鱼")
	got[string](t)(m.TellAccount(customer, AccountSaying{Text: "x"}))
	for i := range touchMessages + talkMessages {
		if out := m.text(id, "x"); code(out) != 0 {
			t.Fatalf("message %d: %v", i+1, out)
		}
	}
	if out := m.text(id, "x"); code(out) != codeWindowCount {
		t.Errorf("one too many: %v", out)
	}
}

package sandbox

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ArtisanCloud/PowerLibs/v3/object"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/power"
	silentjs "github.com/silenceper/wechat/v2/work/jsapi"
	silentoauth "github.com/silenceper/wechat/v2/work/oauth"
)

func loginFamilies() []sdkFamily {
	return []sdkFamily{
		{"logins, PowerWeChat", powerLogins}, {"logins, PowerSocialite", powerProvider}, {"logins, silenceper", silentLogins},
		{"page signatures, PowerWeChat", powerTickets}, {"page signatures, silenceper", silentTickets},
	}
}

// visit opens the login page that an SDK sends people to, as somebody, and returns the code.
func (r *rig) visit(address, as string) string {
	r.t.Helper()
	u := got[*url.URL](r.t)(url.Parse(address))
	q := u.Query()
	q.Set("as", as)
	resp, body := r.browse(u.Path, q)
	if resp.StatusCode != http.StatusFound {
		r.t.Fatalf("%s answered HTTP %d %s", u.Path, resp.StatusCode, body)
	}
	return got[*url.URL](r.t)(url.Parse(resp.Header.Get("Location"))).Query().Get("code")
}

func powerLogins(t *testing.T, r *rig) {
	out, err := r.power.Auth.GetUserInfo(r.ctx, r.logIn("wang", "snsapi_privateinfo"))
	answered(t, out, err)
	same(t, "member", []any{out.UserID, out.UserTicket != ""}, []any{"wang", true})
	detail, err := r.power.Auth.GetUserDetail(r.ctx, out.UserTicket)
	must(t, err)
	same(t, "detail", []any{detail.UserID, len(detail.Mobile)}, []any{"wang", 11})
	a, _ := r.friends()
	guest, err := r.power.Auth.GetUserInfo(r.ctx, r.logIn(a, "snsapi_base"))
	answered(t, guest, err)
	same(t, "customer", []any{guest.UserID, guest.ExternalUserID, guest.OpenID != ""}, []any{"", a, true})
	if !breaks(func() { _ = r.power.OAuth.Redirect("https://shop.example.com/login") }) {
		t.Error("OAuth.Redirect works now") // it redirects a request that it has not got
	}
}

// The login of PowerWeChat is done by PowerSocialite, which has the platform's address fixed
// and a client of its own. Its connections are led to the sandbox, without encryption.
func powerProvider(t *testing.T, r *rig) {
	before := http.DefaultTransport
	there := &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(r.server.URL, "http://"))
	}}
	http.DefaultTransport = there
	defer func() {
		http.DefaultTransport = before
		there.CloseIdleConnections()
	}()
	p := r.power.OAuth.Provider
	code := r.visit(got[string](t)(p.Redirect("https://shop.example.com/login")), "wang")
	user, err := p.UserFromCode(code)
	must(t, err)
	same(t, "member", user.GetID(), "wang")
	user, err = p.Detailed().UserFromCode(r.logIn("wang", "snsapi_base")) // asks for the member by POST
	must(t, err)
	same(t, "member in detail", []any{user.GetID(), user.GetName()}, []any{"wang", "王小棉"})
	// It looks for the names of the old call in the answer of the new one, which Go finds
	// because it does not tell upper case from lower.
	info, err := p.GetUserInfo(r.logIn("li", "snsapi_privateinfo"))
	must(t, err)
	same(t, "member by the new call", info.UserID, "li")
	detail, err := p.GetUserDetail(info.UserTicket)
	must(t, err)
	same(t, "detail", detail.UserID, "li")
}

func silentLogins(t *testing.T, r *rig) {
	c := r.silent.GetOauth()
	const back = "https://shop.example.com/login"
	out := got[*silentoauth.GetUserInfoResponse](t)(c.GetUserInfo(r.visit(c.GetTargetURL(back), "wang")))
	same(t, "member", []string{out.UserID, out.UserTicket}, []string{"wang", ""})
	out = got[*silentoauth.GetUserInfoResponse](t)(c.GetUserInfo(r.visit(c.GetTargetPrivateURL(back, fmt.Sprint(DefaultAgentID)), "wang")))
	detail := got[*silentoauth.GetUserDetailResponse](t)(c.GetUserDetail(&silentoauth.GetUserDetailRequest{UserTicket: out.UserTicket}))
	same(t, "detail", []any{detail.UserID, len(detail.Mobile)}, []any{"wang", 11})
	old := got[silentoauth.ResUserInfo](t)(c.UserFromCode(r.visit(c.GetQrContentTargetURL(back), "li")))
	same(t, "member by the old call", []any{old.UserID, old.DeviceID != ""}, []any{"li", true})
	code := r.logIn("wang", "snsapi_base")
	got[*silentoauth.GetUserInfoResponse](t)(c.GetUserInfo(code))
	_, err := c.GetUserInfo(code)
	refused(t, err, codeLoginUsed)
}

// signed is the signature of a page.
func signed(ticket, nonce string, at int64, page string) string {
	sum := sha1.Sum([]byte(fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%d&url=%s", ticket, nonce, at, page)))
	return hex.EncodeToString(sum[:])
}

func powerTickets(t *testing.T, r *rig) {
	const page = "https://shop.example.com/a?b=1"
	c := r.power.JSSDK
	corp, agent := r.get("get_jsapi_ticket")["ticket"].(string), r.get("ticket/get?type=agent_config")["ticket"].(string)
	out, err := c.GetTicket(r.ctx)
	answered(t, out, err)
	same(t, "ticket", out.Ticket, agent)
	one := got[*object.HashMap](t)(c.GetAgentConfigArray(httptest.NewRequest(http.MethodGet, page, nil), DefaultAgentID, page, "n", 7))
	same(t, "signature for the app", (*one)["signature"], signed(agent, "n", 7, page))
	// It asks by POST at //cgi-bin/get_jsapi_ticket, once: the other two find the ticket.
	two := *got[*power.HashMap](t)(c.GetConfigArray(r.ctx, []string{"scanQRCode"}, false, false, nil, page))
	same(t, "config", []any{two["appId"], two["signature"]}, []any{DefaultCorpID, signed(corp, two["nonceStr"].(string), two["timestamp"].(int64), page)})
	three := *got[any](t)(c.BuildConfig(r.ctx, nil, false, false, nil, page)).(*power.HashMap)
	same(t, "config without functions", three["appId"], DefaultCorpID)
	four := *got[*object.HashMap](t)(c.ConfigSignature(r.ctx, page, "n", 7))
	same(t, "signature for the company", four["signature"], signed(corp, "n", 7, page))
}

func silentTickets(t *testing.T, r *rig) {
	const page = "https://shop.example.com/a?b=1"
	c := r.silent.JsSdk()
	corp, agent := r.get("get_jsapi_ticket")["ticket"].(string), r.get("ticket/get?type=agent_config")["ticket"].(string)
	one := got[*silentjs.Config](t)(c.GetConfig(page))
	same(t, "signature for the company", one.Signature, signed(corp, one.NonceStr, one.Timestamp, page))
	two := got[*silentjs.Config](t)(c.GetAgentConfig(page))
	same(t, "signature for the app", two.Signature, signed(agent, two.NonceStr, two.Timestamp, page))
}

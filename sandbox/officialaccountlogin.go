package sandbox

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"
)

const (
	loginLife  = 5 * time.Minute
	visitLife  = 7200 * time.Second
	returnLife = 30 * 24 * time.Hour
	keepVisits = 100_000 // tokens of both kinds

	codeNoCode        = 41008
	codeNoRefresh     = 41003
	codeBadCode       = 40029
	codeUsedCode      = 40163
	codeBadRefresh    = 40030
	codeRefreshIsOver = 42002
	codeNoScope       = 48001

	scopeBase = "snsapi_base"
	scopeInfo = "snsapi_userinfo"
)

// accountLogin is a code of a web login.
type accountLogin struct {
	f     *Follower
	scope string
	at    time.Time
	used  bool
}

// accountVisit is what a code was exchanged for.
type accountVisit struct {
	f       *Follower
	scope   string
	refresh string
	expires time.Time
}

func accountLoginAPIs() map[string]api {
	return map[string]api{
		"sns/oauth2/access_token":  accountOpen(accountRead(getVisit)),
		"sns/oauth2/refresh_token": accountOpen(accountRead(refreshVisit)),
		"sns/userinfo":             accountOpen(accountRead(getVisitor)),
		"sns/auth":                 accountOpen(accountRead(checkVisit)),
	}
}

// OpenAccountPage lets a person open a web login of the official account in their WeChat (the
// address of open.weixin.qq.com/connect/oauth2/authorize) and agree, and returns the address
// that they are sent back to, with code and state.
// See https://developers.weixin.qq.com/doc/service/guide/h5/auth.html
func (s *Sandbox) OpenAccountPage(person, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Path != authorizePath || u.Query().Get("appid") != s.cfg.Account.AppID {
		return "", fmt.Errorf("open account page: %q is no web login of the official account", address)
	}
	q := u.Query()
	site := s.visitorSite()
	back, f := checkLogin(site, q)
	if f != nil {
		return "", fmt.Errorf("open account page: %s (%d)", f.msg, f.code)
	}
	code, err := s.issueFor(site, person, q.Get("scope"))
	if err != nil {
		return "", fmt.Errorf("open account page: %w", err)
	}
	to := back.Query()
	to.Set("code", code)
	to.Set("state", q.Get("state"))
	back.RawQuery = to.Encode()
	return back.String(), nil
}

// visitorSite is the official account, whose pages anybody with WeChat opens. Which domains
// may be sent back to is set in its console and not looked at here.
func (s *Sandbox) visitorSite() *loginSite {
	return &loginSite{
		name: "公众号", scopes: []string{scopeBase, scopeInfo}, people: s.visitors, issue: s.issueVisit,
	}
}

// visitors finds customers who use WeChat by a part of their name or id.
func (s *Sandbox) visitors(search string) []loginPerson {
	s.enter()
	defer s.leave()
	var out []loginPerson
	for _, p := range s.clientele.customers {
		if p.Corp == "" && len(out) <= shownPeople && found(search, p.ID, p.Name) {
			out = append(out, loginPerson{p.ID, p.Name, "微信用户"})
		}
	}
	return out
}

// issueVisit makes a code for a person; the caller holds the lock.
func (s *Sandbox) issueVisit(now time.Time, id, scope string) (string, error) {
	f, err := s.follower(id)
	if err != nil {
		return "", err
	}
	a := &s.account
	if len(a.logins) >= keepLogins {
		maps.DeleteFunc(a.logins, func(_ string, l *accountLogin) bool { return now.Sub(l.at) >= loginLife })
	}
	if len(a.logins) >= keepLogins {
		return "", fmt.Errorf("there are %d logins under way", keepLogins)
	}
	code := s.dice.draw("account login", alphabetID, 32)
	a.logins[code] = &accountLogin{f: f, scope: scope, at: now}
	s.note(now, EntryAccount, f.Customer, nil, both("opens a page of the official account", "打开了公众号的网页"))
	return code, nil
}

// getVisit exchanges a code, once and within five minutes, for a token of the person.
// See https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsaccesstoken.html
func getVisit(c *call) (reply, *failure) {
	q, cfg, a := c.query, c.s.cfg.Account, &c.s.account
	login := a.logins[q.Get("code")]
	switch {
	case q.Get("appid") == "":
		return nil, refuse(codeNoCorp, "appid missing")
	case q.Get("secret") == "":
		return nil, refuse(codeNoSecret, "appsecret missing")
	case q.Get("grant_type") != "authorization_code":
		return nil, refuse(codeGrantType, "invalid grant_type")
	case q.Get("appid") != cfg.AppID:
		return nil, refuse(codeBadCorp, "invalid appid")
	case q.Get("secret") != cfg.Secret:
		return nil, refuse(codeBadAppSecret, "invalid appsecret")
	case q.Get("code") == "":
		return nil, refuse(codeNoCode, "missing code")
	case login == nil || c.now.Sub(login.at) >= loginLife:
		return nil, refuse(codeBadCode, "invalid code")
	case login.used:
		return nil, refuse(codeUsedCode, "code been used")
	case !a.makeRoom(c.now):
		return nil, refuse(codeMinuteQuota, "api minute-quota reach limit, must slower, retry next minute")
	}
	login.used = true
	v := &accountVisit{f: login.f, scope: login.scope, refresh: c.s.dice.draw("account visit", alphabetID+"-_", 110)}
	a.returns[v.refresh] = &accountVisit{f: v.f, scope: v.scope, refresh: v.refresh, expires: c.now.Add(returnLife)}
	return c.visit(v), nil
}

// visit makes a token for a visit.
func (c *call) visit(v *accountVisit) reply {
	value := c.s.dice.draw("account visit", alphabetID+"-_", 110)
	v.expires = c.now.Add(visitLife)
	c.s.account.visits[value] = v
	out := reply{
		"access_token": value, "expires_in": int64(visitLife / time.Second), "refresh_token": v.refresh,
		"openid": v.f.OpenID, "scope": v.scope,
	}
	if v.f.UnionID != "" && v.scope == scopeInfo {
		out["unionid"] = v.f.UnionID
	}
	return out
}

// makeRoom drops the tokens that are over when there are many, and reports whether there is
// room for more.
func (a *account) makeRoom(now time.Time) bool {
	over := func(_ string, v *accountVisit) bool { return !now.Before(v.expires) }
	if len(a.visits)+len(a.returns) >= keepVisits {
		maps.DeleteFunc(a.visits, over)
		maps.DeleteFunc(a.returns, over)
	}
	return len(a.visits)+len(a.returns) < keepVisits
}

// refreshVisit makes a new token for somebody who was here in the last thirty days.
// See https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsrefreshtoken.html
func refreshVisit(c *call) (reply, *failure) {
	q, a := c.query, &c.s.account
	value := q.Get("refresh_token")
	v := a.returns[value]
	switch {
	case q.Get("grant_type") != "refresh_token":
		return nil, refuse(codeGrantType, "invalid grant_type")
	case q.Get("appid") != c.s.cfg.Account.AppID:
		return nil, refuse(codeBadCorp, "invalid appid")
	case value == "":
		return nil, refuse(codeNoRefresh, "missing refresh_token")
	case v == nil:
		return nil, refuse(codeBadRefresh, "invalid refresh_token")
	case !c.now.Before(v.expires):
		return nil, refuse(codeRefreshIsOver, "refresh_token expired")
	case !a.makeRoom(c.now):
		return nil, refuse(codeMinuteQuota, "api minute-quota reach limit, must slower, retry next minute")
	}
	out := c.visit(&accountVisit{f: v.f, scope: v.scope, refresh: v.refresh})
	delete(out, "unionid")
	return out, nil
}

// visitOf returns the visit of the token and openid of a call.
func (c *call) visitOf() (*accountVisit, *failure) {
	value := c.query.Get("access_token")
	v := c.s.account.visits[value]
	switch {
	case value == "":
		return nil, refuse(codeNoToken, "access_token missing")
	case v == nil:
		return nil, refuse(codeAccountToken, "invalid credential, access_token is invalid or not latest")
	case !c.now.Before(v.expires):
		return nil, refuse(codeTokenExpired, "access_token expired")
	case v.f.OpenID != c.query.Get("openid"):
		return nil, refuse(codeBadUser, "invalid openid")
	}
	return v, nil
}

// getVisitor answers who the person is, if they agreed to that (snsapi_userinfo).
// See https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsuserinfo.html
func getVisitor(c *call) (reply, *failure) {
	v, f := c.visitOf()
	if f != nil {
		return nil, f
	}
	if v.scope != scopeInfo {
		return nil, refuse(codeNoScope, "api unauthorized")
	}
	p := c.s.clientele.byID[v.f.Customer]
	out := reply{
		"openid": v.f.OpenID, "nickname": p.Name, "sex": 0, "province": "", "city": "", "country": "",
		"headimgurl": strings.TrimRight(c.s.cfg.PublicURL, "/") + "/sandbox/qr/face-" + v.f.OpenID, "privilege": []string{},
	}
	if v.f.UnionID != "" {
		out["unionid"] = v.f.UnionID
	}
	return out, nil
}

// checkVisit says whether a token is still good.
// See https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsauth.html
func checkVisit(c *call) (reply, *failure) {
	_, f := c.visitOf()
	return nil, f
}

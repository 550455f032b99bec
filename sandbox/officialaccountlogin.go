package sandbox

import (
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	authorizePath = "/connect/oauth2/authorize"
	loginLife     = 5 * time.Minute
	visitLife     = 7200 * time.Second
	returnLife    = 30 * 24 * time.Hour
	keepLogins    = 10_000 // what is over goes when there are so many
	shownPeople   = 200    // on the page

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
	if err != nil || u.Path != authorizePath {
		return "", fmt.Errorf("open account page: %q is no address of a web login", address)
	}
	back, err := s.sendBack(person, u.Query())
	if err != nil {
		return "", fmt.Errorf("open account page: %w", err)
	}
	return back, nil
}

// checkLogin looks at the parameters of a web login.
func (s *Sandbox) checkLogin(q url.Values) (*url.URL, error) {
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("appid") != s.cfg.Account.AppID:
		return nil, errors.New("the appid is not that of the official account")
	case err != nil || back.Host == "" || back.Scheme != "http" && back.Scheme != "https":
		return nil, errors.New("the redirect_uri is no web address")
	case q.Get("response_type") != "code":
		return nil, errors.New("the response_type is not code")
	case q.Get("scope") != scopeBase && q.Get("scope") != scopeInfo:
		return nil, errors.New("the scope is neither snsapi_base nor snsapi_userinfo")
	case len(q.Get("state")) > 128:
		return nil, errors.New("the state has more than 128 bytes")
	}
	return back, nil
}

// sendBack gives a person a code and returns where they are sent with it.
func (s *Sandbox) sendBack(person string, q url.Values) (string, error) {
	back, err := s.checkLogin(q)
	if err != nil {
		return "", err
	}
	now := s.enter()
	defer s.leave()
	f, err := s.follower(person)
	if err != nil {
		return "", err
	}
	a := &s.account
	if len(a.logins) >= keepLogins {
		maps.DeleteFunc(a.logins, func(_ string, l *accountLogin) bool { return now.Sub(l.at) >= loginLife })
	}
	code := s.dice.draw("account login", alphabetID, 32)
	a.logins[code] = &accountLogin{f: f, scope: q.Get("scope"), at: now}
	s.note(now, EntryAccount, f.Customer, nil, "opens a page of the official account")
	to := back.Query()
	to.Set("code", code)
	to.Set("state", q.Get("state"))
	back.RawQuery = to.Encode()
	return back.String(), nil
}

// authorizeVisitor is the page of a web login. In a WeChat it would know who opened it; here
// it asks, or takes the parameter person.
func (s *Sandbox) authorizeVisitor(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if _, err := s.checkLogin(q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if person := q.Get("person"); person != "" {
		back, err := s.sendBack(person, q)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, back, http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = visitorsPage().Execute(w, s.visitors(q))
}

type visitor struct{ Name, Link string }

// visitors are the people who could have opened the page.
func (s *Sandbox) visitors(q url.Values) []visitor {
	s.enter()
	defer s.leave()
	var out []visitor
	for _, p := range s.clientele.customers {
		if p.Corp == "" && len(out) < shownPeople {
			q.Set("person", p.ID)
			out = append(out, visitor{Name: p.Name, Link: authorizePath + "?" + q.Encode()})
		}
	}
	return out
}

func visitorsPage() *template.Template {
	return template.Must(template.New("visitors").Parse(`<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>微信授权</title><h1>谁打开了这个页面?</h1><ul>
{{range .}}<li><a href="{{.Link}}">{{.Name}}</a></li>
{{end}}</ul></html>
`))
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
	}
	login.used = true
	v := &accountVisit{f: login.f, scope: login.scope, refresh: c.s.dice.draw("account visit", alphabetID+"-_", 110)}
	a.forget(c.now)
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

// forget drops the tokens that are over when there are many.
func (a *account) forget(now time.Time) {
	over := func(_ string, v *accountVisit) bool { return !now.Before(v.expires) }
	if len(a.visits)+len(a.returns) >= keepLogins {
		maps.DeleteFunc(a.visits, over)
		maps.DeleteFunc(a.returns, over)
	}
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
	}
	a.forget(c.now)
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

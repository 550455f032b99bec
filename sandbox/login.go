package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	loginCodeLife  = 5 * time.Minute
	userTicketLife = 30 * time.Minute
	stateBytes     = 128
	keepLogins     = 10_000 // codes; the oldest is forgotten with its ticket

	codeBadLogin     = 40029
	codeLoginExpired = 42003
	codeLoginUsed    = 42022
	codeBadDomain    = 50001
	codeOutOfScope   = 50002
	codeTicketOld    = 84014
	codeBadTicket    = 84015
	codeBadState     = 84025
)

// Where people log in: in the client, and at a desk in the new and the old way.
const (
	authorizePath = "/connect/oauth2/authorize"
	ssoLoginPath  = "/wwlogin/sso/login"
	qrConnectPath = "/wwopen/sso/qrConnect"
)

// loginSite is who asks people to say who they are.
type loginSite struct {
	name   string
	domain string   // where redirect_uri must lead, with its port; empty: anywhere
	scopes []string // of which one must be asked for; none at a desk
	people func(search string) []loginPerson
	// issue makes the code for a person; it is run under the lock and fails for ids that
	// cannot log in here.
	issue func(now time.Time, id, scope string) (string, error)
}

// loginPerson is somebody to choose on the page.
type loginPerson struct{ ID, Name, What string }

// loginCode is one code that a site gets for a person.
type loginCode struct {
	user     string // userid, or
	customer string // external_userid
	private  bool   // snsapi_privateinfo
	issued   time.Time
	used     bool
	ticket   string // that it was changed for
}

// userTicket opens a member's private details.
type userTicket struct {
	user   string
	issued time.Time
}

// logins are all codes and tickets.
type logins struct {
	order   []string // of the codes
	codes   map[string]*loginCode
	tickets map[string]*userTicket
}

func newLogins() logins {
	return logins{codes: map[string]*loginCode{}, tickets: map[string]*userTicket{}}
}

func loginAPIs() map[string]api {
	return map[string]api{
		"auth/getuserinfo":   read(getLogin),
		"user/getuserinfo":   read(getOldLogin),
		"auth/getuserdetail": write(getLoginDetail),
	}
}

// siteOf returns the site that an address of a login page belongs to: the appid decides.
func (s *Sandbox) siteOf(path string, q url.Values) (*loginSite, *failure) {
	switch appID := q.Get("appid"); {
	case appID == "":
		return nil, refuse(codeNoCorp, "missing appid")
	case appID == s.cfg.CorpID:
		return s.corpSite(path, q)
	case appID == s.cfg.Account.AppID && path == authorizePath:
		return s.visitorSite(), nil
	default:
		return nil, refuse(codeBadCorp, "invalid appid")
	}
}

// corpSite is the company's app: staff and customers come from inside the client, only staff
// at a desk.
func (s *Sandbox) corpSite(path string, q url.Values) (*loginSite, *failure) {
	site := &loginSite{name: "群运营助手", domain: s.cfg.TrustedDomain, people: s.everybody, issue: s.issueLogin}
	agent := fmt.Sprint(s.cfg.AgentID)
	if path == authorizePath {
		site.scopes = []string{"snsapi_base", "snsapi_privateinfo"}
		if q.Get("scope") == "snsapi_privateinfo" && q.Get("agentid") == "" {
			return nil, refuse(codeNoAgent, "missing agentid")
		}
		if id := q.Get("agentid"); id != "" && id != agent {
			return nil, refuse(codeBadAgent, "invalid agentid")
		}
		return site, nil
	}
	site.domain, site.people = s.cfg.LoginDomain, s.staffOnly
	if q.Get("agentid") != agent {
		return nil, refuse(codeBadAgent, "invalid agentid")
	}
	if kind := q.Get("login_type"); path == ssoLoginPath && kind != "CorpApp" {
		return nil, refuse(codeBadParam, "invalid Request Parameter: login_type must be CorpApp")
	}
	site.issue = func(now time.Time, id, scope string) (string, error) {
		if s.office.find(id) == nil {
			return "", fmt.Errorf("log in as %s: %w", id, ErrNotFound)
		}
		return s.issueLogin(now, id, scope)
	}
	return site, nil
}

// issueLogin makes a code for a member of staff or a customer; the caller holds the lock.
func (s *Sandbox) issueLogin(now time.Time, id, scope string) (string, error) {
	l := &loginCode{issued: now, private: scope == "snsapi_privateinfo"}
	switch u := s.office.find(id); {
	case u != nil && !u.Resigned:
		l.user = u.UserID
	case s.clientele.byID[id] != nil:
		l.customer = id
	default:
		return "", fmt.Errorf("log in as %s: %w", id, ErrNotFound)
	}
	code := s.dice.draw("login", alphabetID+"-_", 43)
	s.logins.keep(code, l)
	s.note(now, EntryLogin, id, nil, both("logs in", "登录了网页"))
	return code, nil
}

func (l *logins) keep(code string, c *loginCode) {
	l.codes[code] = c
	l.order = append(l.order, code)
	if len(l.order) > keepLogins {
		delete(l.tickets, l.codes[l.order[0]].ticket)
		delete(l.codes, l.order[0])
		l.order = l.order[1:]
	}
}

// serveLogin shows the page on which one says who one is, or sends whoever has said so to
// where they came from. Programs skip the page with as=ID in the address.
func (s *Sandbox) serveLogin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	site, f := s.siteOf(r.URL.Path, q)
	var target *url.URL
	if f == nil {
		target, f = checkLogin(site, q)
	}
	if f != nil {
		showLoginRefusal(w, f)
		return
	}
	id := q.Get("as")
	if id == "" {
		showLogin(w, r, site)
		return
	}
	code, err := s.issueFor(site, id, q.Get("scope"))
	if err != nil {
		showLoginRefusal(w, refuse(codeNoUser, "%v", err))
		return
	}
	back := target.Query()
	back.Set("code", code)
	back.Set("state", q.Get("state"))
	if r.URL.Path == qrConnectPath {
		back.Set("appid", q.Get("appid"))
	}
	target.RawQuery = back.Encode()
	http.Redirect(w, r, target.String(), http.StatusFound)
}

func (s *Sandbox) issueFor(site *loginSite, id, scope string) (string, error) {
	now := s.enter()
	defer s.leave()
	return site.issue(now, id, scope)
}

// checkLogin checks the rest of the address and returns where it leads back to. A state of
// other than letters and digits is refused, as the documentation of the code 84025 has it.
func checkLogin(site *loginSite, q url.Values) (*url.URL, *failure) {
	target, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https":
		return nil, refuse(codeBadDomain, "redirect_uri is no web address")
	case site.domain != "" && !strings.EqualFold(target.Host, site.domain):
		return nil, refuse(codeBadDomain, "redirect_uri is not in the trusted domain %s", site.domain)
	case len(q.Get("state")) > stateBytes || !madeOf(q.Get("state"), alphabetID):
		return nil, refuse(codeBadState, "invalid state: want at most %d letters and digits", stateBytes)
	}
	if len(site.scopes) == 0 {
		return target, nil
	}
	if q.Get("response_type") != "code" {
		return nil, refuse(codeBadParam, "invalid Request Parameter: response_type must be code")
	}
	for _, scope := range site.scopes {
		if q.Get("scope") == scope {
			return target, nil
		}
	}
	return nil, refuse(codeBadParam, "invalid Request Parameter: scope must be one of %s", strings.Join(site.scopes, ", "))
}

// takeLogin uses a code up.
func (c *call) takeLogin() (*loginCode, *failure) {
	l := c.s.logins.codes[c.query.Get("code")]
	switch {
	case l == nil:
		return nil, refuse(codeBadLogin, "invalid code")
	case l.used:
		return nil, refuse(codeLoginUsed, "code has been used")
	case c.now.Sub(l.issued) >= loginCodeLife:
		return nil, refuse(codeLoginExpired, "code expired")
	}
	l.used = true
	if u := c.s.office.find(l.user); l.user != "" && !u.visible() {
		return nil, refuse(codeOutOfScope, "user not in the visible range of the app")
	}
	return l, nil
}

// getLogin answers who logged in with a code: once, within five minutes.
// See https://developer.work.weixin.qq.com/document/path/91023
func getLogin(c *call) (reply, *failure) {
	l, f := c.takeLogin()
	if f != nil {
		return nil, f
	}
	return c.person(l, "userid", "openid"), nil
}

// getOldLogin is the same under its old address, with its old names.
// See https://developer.work.weixin.qq.com/document/path/91023
func getOldLogin(c *call) (reply, *failure) {
	l, f := c.takeLogin()
	if f != nil {
		return nil, f
	}
	out := c.person(l, "UserId", "OpenId")
	if l.user != "" {
		out["DeviceId"] = drawFrom(c.s.dice.fresh("device "+l.user), alphabetHex, 32)
	}
	return out, nil
}

// person is who has logged in. An external_userid is known of customers of visible staff.
func (c *call) person(l *loginCode, userName, openName string) reply {
	if l.user == "" {
		out := reply{openName: "o" + drawFrom(c.s.dice.fresh("corp openid "+l.customer), alphabetID+"-_", 27)}
		if c.s.latestContact(l.customer, nil, nil) != nil {
			out["external_userid"] = l.customer
		}
		return out
	}
	out := reply{userName: l.user}
	if l.private {
		ticket := c.s.dice.draw("user ticket", alphabetID+"-_", 128)
		c.s.logins.tickets[ticket] = &userTicket{user: l.user, issued: c.now}
		l.ticket = ticket
		out["user_ticket"] = ticket
	}
	return out
}

// getLoginDetail answers what a member agreed to show, for half an hour after logging in.
// See https://developer.work.weixin.qq.com/document/path/95833
func getLoginDetail(c *call) (reply, *failure) {
	id := c.in.need("user_ticket", codeBadTicket)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	t := c.s.logins.tickets[id]
	switch {
	case t == nil:
		return nil, refuse(codeBadTicket, "invalid user_ticket")
	case c.now.Sub(t.issued) >= userTicketLife:
		return nil, refuse(codeTicketOld, "user_ticket expired")
	}
	u := c.s.office.find(t.user)
	if u == nil || u.Resigned {
		return nil, refuse(codeNoUser, "userid not found: %s", t.user)
	}
	lower := strings.ToLower(u.UserID)
	return reply{
		"userid": u.UserID, "gender": "0", "avatar": c.s.cfg.PublicURL + "/sandbox/qr/" + url.PathEscape(u.UserID),
		"qr_code": c.s.cfg.PublicURL + "/sandbox/qr/member-" + url.PathEscape(u.UserID), "mobile": c.s.mobileOf(u),
		"email": lower + "@example.com", "biz_mail": lower + "@example.wecom.work", "address": "",
	}, nil
}

// mobileOf is a member's telephone number, made from the seed.
func (s *Sandbox) mobileOf(u *Staff) string {
	return "138" + drawFrom(s.dice.fresh("mobile "+u.UserID), alphabetDigits, 8)
}

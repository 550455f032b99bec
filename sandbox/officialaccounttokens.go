package sandbox

import (
	"fmt"
	"net"
	"slices"
	"time"
)

const (
	tokenOverlap      = 5 * time.Minute // how long the token before the newest still works
	accountTokenChars = 157
	forcedPerDay      = 20
	clearedPerMonth   = 10
	ticketLife        = 7200 * time.Second
	ticketChars       = 86
)

// accountToken is one access_token of the official account. Those of token and of
// stable_token do not touch each other.
type accountToken struct {
	value   string
	stable  bool
	expires time.Time
	ends    time.Time // earlier, because another was made or the platform wants it; zero: not
}

// accountTicket is a ticket for scripts in web pages.
type accountTicket struct {
	value   string
	expires time.Time
}

func accountTokenAPIs() map[string]api {
	return map[string]api{
		"token":             accountOpen(accountRead(getAccountToken)),
		"stable_token":      accountOpen(accountWrite(getStableToken)),
		"ticket/getticket":  accountAsked(getAccountTicket),
		"getcallbackip":     accountRead(getCallbackIP),
		"get_api_domain_ip": accountRead(getAPIDomainIP),
		"clear_quota":       accountWrite(clearQuota),
	}
}

// credentials refuses a fetch of a token from a wrong address or with wrong credentials.
func (c *call) credentials(grant, appID, secret string) *failure {
	cfg := c.s.cfg.Account
	switch {
	case grant != "client_credential":
		return refuse(codeGrantType, "invalid grant_type")
	case appID == "":
		return refuse(codeNoCorp, "appid missing")
	case secret == "":
		return refuse(codeNoSecret, "appsecret missing")
	case appID != cfg.AppID:
		return refuse(codeBadCorp, "invalid appid")
	case secret != cfg.Secret:
		return refuse(codeBadAppSecret, "invalid appsecret")
	case len(c.s.account.ips) > 0 && !slices.Contains(c.s.account.ips, c.ip):
		return refuse(codeNotListed, "invalid ip %s ipv6 ::ffff:%s, not in whitelist", c.ip, c.ip)
	}
	return nil
}

// getAccountToken makes a new token; the one before works for five minutes more.
// See https://developers.weixin.qq.com/doc/service/api/base/api_getaccesstoken.html
func getAccountToken(c *call) (reply, *failure) {
	q := c.query
	if f := c.credentials(q.Get("grant_type"), q.Get("appid"), q.Get("secret")); f != nil {
		return nil, f
	}
	c.s.account.outdate(false, c.now.Add(tokenOverlap))
	return c.newAccountToken(false), nil
}

// getStableToken answers the same token as long as it is valid, and in its last five
// minutes the next one. With force_refresh, at most 20 times a day, the old one ends at once.
// See https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html
func getStableToken(c *call) (reply, *failure) {
	in := c.in
	grant, appID, secret := in.text("grant_type"), in.text("appid"), in.text("secret")
	force := in.flag("force_refresh", false)
	if f := in.failed(); f != nil {
		return nil, f
	}
	if f := c.credentials(grant, appID, secret); f != nil {
		return nil, f
	}
	a := &c.s.account
	if force {
		if !a.forced.pass(quotaDay(c.now), forcedPerDay) {
			return nil, refuse(codeTooMany, "reach max api daily quota limit")
		}
		a.outdate(true, c.now)
		return c.newAccountToken(true), nil
	}
	for _, t := range slices.Backward(a.tokens) {
		if left := t.expires.Sub(c.now); t.stable && !t.ended(c.now) && left > tokenOverlap {
			return reply{"access_token": t.value, "expires_in": int64(left / time.Second)}, nil
		}
	}
	return c.newAccountToken(true), nil
}

func (c *call) newAccountToken(stable bool) reply {
	a := &c.s.account
	t := &accountToken{
		value:  "9" + c.s.dice.draw("account token", alphabetDigits, 1) + "_" + c.s.dice.draw("account token", alphabetID+"-_", accountTokenChars-3),
		stable: stable, expires: c.now.Add(tokenLife),
	}
	a.tokens = append(a.tokens, t)
	a.tokens = a.tokens[max(0, len(a.tokens)-keepTokens):]
	return reply{"access_token": t.value, "expires_in": int64(tokenLife / time.Second)}
}

// outdate lets the tokens of one kind end at a time at the latest.
func (a *account) outdate(stable bool, at time.Time) {
	for _, t := range a.tokens {
		if t.stable == stable && (t.ends.IsZero() || t.ends.After(at)) {
			t.ends = at
		}
	}
}

// ended reports whether a token was taken back before its time.
func (t *accountToken) ended(now time.Time) bool { return !t.ends.IsZero() && !now.Before(t.ends) }

// token returns a token by its value, valid or not, or nil.
func (a *account) token(value string) *accountToken {
	i := slices.IndexFunc(a.tokens, func(t *accountToken) bool { return t.value == value })
	if i < 0 || value == "" {
		return nil
	}
	return a.tokens[i]
}

// check refuses a call whose token is missing, unknown or too old.
func (a *account) check(c *call) *failure {
	value := c.query.Get("access_token")
	t := a.token(value)
	switch {
	case value == "":
		return refuse(codeNoToken, "access_token missing")
	case t == nil || t.ended(c.now):
		return refuse(codeAccountToken, "invalid credential, access_token is invalid or not latest")
	case !c.now.Before(t.expires):
		return refuse(codeTokenExpired, "access_token expired")
	}
	return nil
}

// SetAccountIPs lets only these addresses fetch tokens of the official account; others get
// 40164. Without any, every address may.
func (s *Sandbox) SetAccountIPs(ips ...string) error {
	for _, ip := range ips {
		if net.ParseIP(ip) == nil {
			return fmt.Errorf("set account ips: %q is no IP address", ip)
		}
	}
	now := s.enter()
	defer s.leave()
	s.account.ips = slices.Clone(ips)
	s.note(now, EntryFault, "", nil, both("the official account's IP whitelist has %d entries", "公众号的 IP 白名单有 %d 项", len(ips)))
	return nil
}

// RevokeAccountTokens makes all tokens of the official account invalid, as happens when its
// secret is reset: calls with them get 40001.
func (s *Sandbox) RevokeAccountTokens() {
	now := s.enter()
	defer s.leave()
	s.revokeAccountTokens(now)
}

func (s *Sandbox) revokeAccountTokens(now time.Time) {
	s.account.outdate(false, now)
	s.account.outdate(true, now)
	s.note(now, EntryFault, "", nil, both("all tokens of the official account were revoked", "公众号的令牌都作废了"))
}

// getAccountTicket answers the ticket for scripts in web pages, the same while it is valid.
// See https://developers.weixin.qq.com/doc/service/api/web/jssdk/api_getticket.html
func getAccountTicket(c *call) (reply, *failure) {
	kind := c.query.Get("type")
	if kind != "jsapi" && kind != "wx_card" {
		return nil, refuse(codeBadArgs, "invalid args: type must be jsapi or wx_card")
	}
	a := &c.s.account
	t := a.tickets[kind]
	if t.expires.Sub(c.now) < time.Second {
		t = accountTicket{value: c.s.dice.draw("ticket", alphabetID+"-_", ticketChars), expires: c.now.Add(ticketLife)}
		a.tickets[kind] = t
	}
	return done(reply{"ticket": t.value, "expires_in": int64(t.expires.Sub(c.now) / time.Second)}), nil
}

// clearQuota begins the counts of the day anew, at most ten times a month.
// See https://developers.weixin.qq.com/doc/service/api/openapi/api_clearquota.html
func clearQuota(c *call) (reply, *failure) {
	appID := c.in.need("appid", codeNoCorp)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	if appID != c.s.cfg.Account.AppID {
		return nil, refuse(codeBadCorp, "invalid appid")
	}
	if !c.s.account.cleared.pass(quotaMonth(c.now), clearedPerMonth) {
		return nil, refuse(codeClearedTooOften, "forbid to clear quota because of reaching the limit")
	}
	clear(c.s.account.calls)
	return nil, nil
}

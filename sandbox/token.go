package sandbox

import (
	"net/http"
	"slices"
	"time"
)

const (
	tokenLife  = 7200 * time.Second
	tokenChars = 214
	keepTokens = 100

	// wrongSecrets from one address within banSpan close gettoken for it for banSpan. The
	// platform does not publish how many it takes.
	wrongSecrets = 5
	banSpan      = time.Hour

	codeBadSecret    = 40001
	codeBadCorp      = 40013
	codeBadToken     = 40014
	codeNoToken      = 41001
	codeNoCorp       = 41002
	codeNoSecret     = 41004
	codeTokenExpired = 42001
	codeNoRight      = 48002
)

// token is one access_token.
type token struct {
	value   string
	kind    tokenKind
	expires time.Time
	revoked bool
}

// tokens holds the newest tokens and who tried wrong secrets.
type tokens struct {
	all    []*token // oldest first
	wrong  map[string][]time.Time
	banned map[string]time.Time // until
}

func newTokens() tokens {
	return tokens{wrong: map[string][]time.Time{}, banned: map[string]time.Time{}}
}

func tokenAPIs() map[string]api {
	return map[string]api{
		"gettoken":          {method: http.MethodGet, token: noToken, do: getToken},
		"getcallbackip":     read(getCallbackIP),
		"get_api_domain_ip": read(getAPIDomainIP),
	}
}

// getToken answers the token of a secret. While one is valid it is given again, with the
// seconds it has left.
// See https://developer.work.weixin.qq.com/document/path/91039
func getToken(c *call) (reply, *failure) {
	t := &c.s.tokens
	if c.now.Before(t.banned[c.ip]) {
		return nil, refuse(codeTooMany, "too many wrong secrets from your ip")
	}
	kind := noToken
	switch c.query.Get("corpsecret") {
	case c.s.cfg.Secret:
		kind = appToken
	case c.s.cfg.DirectorySecret:
		kind = directoryToken
	}
	switch {
	case c.query.Get("corpid") == "":
		return nil, refuse(codeNoCorp, "corpid missing")
	case c.query.Get("corpsecret") == "":
		return nil, refuse(codeNoSecret, "corpsecret missing")
	case c.query.Get("corpid") != c.s.cfg.CorpID:
		return nil, refuse(codeBadCorp, "invalid corpid")
	case kind == noToken:
		t.wrongSecret(c)
		return nil, refuse(codeBadSecret, "invalid credential")
	}
	tok := t.valid(c.now, kind)
	if tok == nil {
		value := c.s.dice.draw("token", alphabetID, tokenChars)
		tok = &token{value: value, kind: kind, expires: c.now.Add(tokenLife)}
		t.all = append(t.all, tok)
		t.all = t.all[max(0, len(t.all)-keepTokens):]
	}
	left := int64(tok.expires.Sub(c.now) / time.Second)
	return reply{"access_token": tok.value, "expires_in": left}, nil
}

// valid returns the token of a kind that is in use. One with less than a second left would
// be answered with zero seconds, so it does not count.
func (t *tokens) valid(now time.Time, kind tokenKind) *token {
	for _, tok := range slices.Backward(t.all) {
		if tok.kind == kind && !tok.revoked && tok.expires.Sub(now) >= time.Second {
			return tok
		}
	}
	return nil
}

// wrongSecret remembers a wrong secret and bans its address when it was one too many.
func (t *tokens) wrongSecret(c *call) {
	recent := slices.DeleteFunc(t.wrong[c.ip], func(at time.Time) bool { return c.now.Sub(at) >= banSpan })
	recent = append(recent, c.now)
	t.wrong[c.ip] = recent
	if len(recent) >= wrongSecrets {
		t.banned[c.ip] = c.now.Add(banSpan)
		delete(t.wrong, c.ip)
	}
}

// check refuses a call whose token is missing, unknown, too old or of the wrong kind.
func (t *tokens) check(c *call, want tokenKind) *failure {
	if want == noToken {
		return nil
	}
	value := c.query.Get("access_token")
	if value == "" {
		return refuse(codeNoToken, "access_token missing")
	}
	i := slices.IndexFunc(t.all, func(tok *token) bool { return tok.value == value })
	if i < 0 || t.all[i].revoked {
		return refuse(codeBadToken, "invalid access_token")
	}
	tok := t.all[i]
	if !c.now.Before(tok.expires) {
		return refuse(codeTokenExpired, "access_token expired")
	}
	if want != anyToken && tok.kind != want {
		return refuse(codeNoRight, "api forbidden for this access_token")
	}
	return nil
}

// RevokeTokens makes all tokens invalid, as the platform may do at any time: calls with them
// get 40014 until a new one is fetched.
func (s *Sandbox) RevokeTokens() {
	now := s.enter()
	defer s.leave()
	s.revokeTokens(now)
}

func (s *Sandbox) revokeTokens(now time.Time) {
	for _, tok := range s.tokens.all {
		tok.revoked = true
	}
	s.note(now, EntryFault, "", nil, both("all tokens were revoked", "access_token 都作废了"))
}

// getCallbackIP answers where callbacks come from.
// See https://developer.work.weixin.qq.com/document/path/91116
func getCallbackIP(*call) (reply, *failure) {
	return reply{"ip_list": []string{"127.0.0.1", "::1"}}, nil
}

// getAPIDomainIP answers the addresses of the API's own host.
// See https://developer.work.weixin.qq.com/document/path/92520
func getAPIDomainIP(*call) (reply, *failure) {
	return reply{"ip_list": []string{"127.0.0.1"}}, nil
}

package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// What is remembered of requests.
const (
	keepRequests   = 2000
	keepBodyBytes  = 16 << 10 // of a body and of an answer, each
	keepQueryBytes = 2 << 10
	keepPathBytes  = 256
)

// Request is one request that reached the platform and what it was answered. Tokens and
// secrets are masked down to their first characters.
type Request struct {
	Seq    int64 // 1, 2, 3 … in the order of arriving
	At     time.Time
	Took   time.Duration // by Config.Now, so nothing while that stands still
	IP     string
	Method string
	Path   string // such as /cgi-bin/message/send
	Query  string // as it came, at most 2 KiB
	Body   string // as it came, at most 16 KiB; of an upload only its type
	Size   int    // bytes of the body
	Open   bool   // it is still being answered; what follows is not known yet
	Status int    // HTTP status, 0 if the connection was cut before one was sent
	Code   int    // errcode, 0 also if there was none
	Answer string // at most 16 KiB
	Fault  string // what was ordered to go wrong with it, such as "stall 2s"; "" nothing
}

// RequestFilter chooses among the remembered requests. The zero value takes all.
type RequestFilter struct {
	After  int64  // only those with a greater Seq
	Path   string // only those whose path contains it
	Code   *int   // only those answered with this errcode
	Failed bool   // only those that were not answered with HTTP 200 and errcode 0
	Newest bool   // if Limit leaves some out, the oldest; else the newest are left out
	Limit  int    // 0: no limit
}

// traffic is the memory of requests.
type traffic struct {
	all  []*Request
	last int64
	// secrets finds the values in JSON that are not shown.
	secrets *regexp.Regexp
}

func newTraffic() traffic {
	return traffic{
		secrets: regexp.MustCompile(`("(?:access_token|refresh_token|corpsecret|secret|ticket|user_ticket|session_key)"\s*:\s*"[^"\\]{0,4})(?:[^"\\]|\\.)*`),
	}
}

// keepArrival remembers a request that has come; the caller holds the lock.
func (t *traffic) keepArrival(now time.Time, r *http.Request, body []byte) *Request {
	t.last++
	one := &Request{
		Seq: t.last, At: now, IP: hostOf(r.RemoteAddr), Method: shorten(r.Method, 16), Path: shorten(r.URL.Path, keepPathBytes),
		Query: shorten(r.URL.RawQuery, keepQueryBytes), Size: len(body), Open: true,
	}
	one.Body = shorten(string(body[:min(len(body), keepBodyBytes+utf8.UTFMax)]), keepBodyBytes)
	if kind := r.Header.Get("Content-Type"); strings.HasPrefix(kind, "multipart/") {
		one.Body = shorten(kind, keepPathBytes)
	}
	if len(t.all) >= keepRequests {
		t.all = slices.Clone(t.all[keepRequests/10:])
	}
	t.all = append(t.all, one)
	return one
}

// shorten cuts a text to at most n bytes without breaking a character. What is no UTF-8 is
// marked as such.
func shorten(v string, n int) string {
	if len(v) > n {
		for n > 0 && !utf8.RuneStart(v[n]) {
			n--
		}
		v = strings.Clone(v[:n])
	}
	return strings.ToValidUTF8(v, "\uFFFD")
}

// shown is a request with its secrets masked.
func (t *traffic) shown(one *Request) Request {
	c := *one
	c.Query = shownQuery(c.Query)
	c.Body = t.secrets.ReplaceAllString(c.Body, "$1…")
	c.Answer = t.secrets.ReplaceAllString(c.Answer, "$1…")
	return c
}

// shownQuery is a query in plain text with its secrets masked, however they were written.
func shownQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, value, given := strings.Cut(part, "=")
		name, errName := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		switch {
		case errName != nil:
			parts[i] = "…"
		case slices.Contains([]string{"access_token", "refresh_token", "corpsecret", "secret", "key"}, name):
			parts[i] = name + "=" + shorten(value, 4) + "…"
		case errValue == nil && given:
			parts[i] = name + "=" + value
		}
	}
	return strings.Join(parts, "&")
}

// Requests returns remembered requests, oldest first. Some two thousand are remembered.
func (s *Sandbox) Requests(f RequestFilter) []Request {
	s.enter()
	defer s.leave()
	var some []*Request
	for _, one := range s.traffic.all {
		if f.takes(one) {
			some = append(some, one)
		}
	}
	some = limited(some, f.Limit, f.Newest)
	out := make([]Request, 0, len(some))
	for _, one := range some {
		out = append(out, s.traffic.shown(one))
	}
	return out
}

func (f RequestFilter) takes(one *Request) bool {
	failed := !one.Open && (one.Status != http.StatusOK || one.Code != 0)
	return one.Seq > f.After && strings.Contains(one.Path, f.Path) &&
		(f.Code == nil || !one.Open && one.Code == *f.Code) && (!f.Failed || failed)
}

// limited returns the first n of a list, or the last n; 0 is all.
func limited[T any](all []T, n int, last bool) []T {
	switch {
	case n == 0 || n >= len(all):
		return all
	case last:
		return all[len(all)-n:]
	}
	return all[:n]
}

// ClearRequests forgets the requests that were answered.
func (s *Sandbox) ClearRequests() {
	s.enter()
	defer s.leave()
	s.traffic.all = slices.DeleteFunc(s.traffic.all, func(one *Request) bool { return !one.Open })
}

// CallbackFilter chooses among the remembered callbacks. The zero value takes all.
type CallbackFilter struct {
	After  int    // only those with a greater Seq
	Kind   string // only those whose kind contains it
	Chat   string // only those about this chat_id
	Who    string // only those whose first person has this id
	Missed bool   // only those that no attempt has delivered
	Newest bool   // if Limit leaves some out, the oldest; else the newest are left out
	Limit  int    // 0: no limit
}

// FindCallbacks returns some of the callbacks so far, oldest first.
func (s *Sandbox) FindCallbacks(f CallbackFilter) []Callback {
	s.enter()
	defer s.leave()
	var some []*Callback
	for _, cb := range s.post.callbacks {
		if cb.Seq > f.After && strings.Contains(cb.Kind, f.Kind) && (f.Chat == "" || f.Chat == cb.Chat) &&
			(f.Who == "" || f.Who == cb.Who) && !(f.Missed && cb.Delivered) {
			some = append(some, cb)
		}
	}
	return copied(limited(some, f.Limit, f.Newest), func(cb *Callback) { cb.Attempts = slices.Clone(cb.Attempts) })
}

// ClearCallbacks forgets the callbacks of which no copy is under way.
func (s *Sandbox) ClearCallbacks() {
	s.enter()
	defer s.leave()
	s.post.callbacks = slices.DeleteFunc(s.post.callbacks, func(cb *Callback) bool { return cb.Open == 0 })
}

// Token is an access_token, without itself.
type Token struct {
	Head      string // how it begins
	Directory bool   // made with the DirectorySecret
	Expires   time.Time
	Revoked   bool
}

// Tokens returns the newest tokens, oldest first; at most a hundred are remembered.
func (s *Sandbox) Tokens() []Token {
	s.enter()
	defer s.leave()
	var out []Token
	for _, tok := range s.tokens.all {
		out = append(out, Token{Head: tok.value[:4], Directory: tok.kind == directoryToken, Expires: tok.expires, Revoked: tok.revoked})
	}
	return out
}

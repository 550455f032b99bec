package sandbox

import (
	"fmt"
	"net/http"
	"strings"
)

// accountRead is a call that is made with GET, accountWrite one that is made with POST.
func accountRead(do func(*call) (reply, *failure)) api {
	return api{method: http.MethodGet, token: accountCall, do: do}
}

func accountWrite(do func(*call) (reply, *failure)) api {
	return api{method: http.MethodPost, token: accountCall, do: do}
}

// accountAsked is a read that programs in wide use make with POST, too, and without a body.
// Whether the platform minds is not published; they work.
func accountAsked(do func(*call) (reply, *failure)) api { return api{token: accountCall, do: do} }

// accountOpen makes a call of one that asks for no access_token of the account.
func accountOpen(op api) api {
	op.token = accountNoToken
	return op
}

// allAccountAPIs is the map of the official account's calls; see accountPrefix.
func allAccountAPIs() map[string]api {
	all := map[string]api{}
	for _, family := range []map[string]api{
		accountTokenAPIs(), accountUserAPIs(), accountTagAPIs(), accountMessageAPIs(), accountCodeAPIs(), accountMenuAPIs(),
		accountMediaAPIs(), accountTemplateAPIs(), accountNoticeAPIs(), accountLoginAPIs(),
	} {
		for path, op := range family {
			all[accountPrefix+path] = op
		}
	}
	return all
}

// find returns the call that a request is for, and the name under which it is counted. A
// path of both platforms is the account's if the token is one of the account's, or was.
func (s *Sandbox) find(r *http.Request) (string, api, bool) {
	path, below := strings.CutPrefix(r.URL.Path, apiPrefix)
	if !below {
		path = accountPrefix + strings.TrimPrefix(path, "/")
		op, known := s.accountAPIs[path]
		return path, op, known
	}
	op, known := s.apis[path]
	if strings.HasPrefix(path, "sns/") || strings.HasPrefix(path, "wxaapi/") {
		return path, api{}, false
	}
	if ours, both := s.accountAPIs[accountPrefix+path]; both && (!known || s.ofAccount(r.URL.Query().Get("access_token"))) {
		return accountPrefix + path, ours, true
	}
	return path, op, known
}

func (s *Sandbox) ofAccount(token string) bool {
	s.enter()
	defer s.leave()
	return s.account.token(token) != nil
}

// answerAccount does the work of a call of the official account. An answer with contents
// comes without errcode, except where the platform is known to send one.
func (c *call) answerAccount(op api, r *http.Request, body []byte, hit hit) (reply, int) {
	out, f := c.doAccount(op, r, body, hit)
	switch {
	case f != nil:
		code, words := f.code, f.msg
		if code == codeBadJSON || code == codeBadParam {
			code, words = codeDataFormat, "data format error: "+words
		}
		return reply{"errcode": code, "errmsg": words + " rid: " + c.rid()}, code
	case out == nil:
		return reply{"errcode": 0, "errmsg": "ok"}, 0
	}
	return out, 0
}

// done is an answer with contents that comes with errcode all the same.
func done(out reply) reply {
	out["errcode"], out["errmsg"] = 0, "ok"
	return out
}

// rid names a request in the words of a refusal.
func (c *call) rid() string {
	d := &c.s.dice
	return fmt.Sprintf("%08x-%s-%s", c.now.Unix(), d.draw("rid", alphabetHex, 8), d.draw("rid", alphabetHex, 8))
}

// doAccount checks what all calls of the account have in common and then runs the call.
func (c *call) doAccount(op api, r *http.Request, body []byte, hit hit) (reply, *failure) {
	if hit.fault.Fail != 0 {
		return nil, refuse(hit.fault.Fail, "failure ordered from the sandbox")
	}
	if hit.crowded {
		return nil, refuse(codeMinuteQuota, "api minute-quota reach limit, must slower, retry next minute")
	}
	if op.token == accountCall {
		if f := c.s.account.check(c); f != nil {
			return nil, f
		}
	}
	if !c.s.account.count(c) {
		return nil, refuse(codeTooMany, "reach max api daily quota limit")
	}
	switch {
	case op.method == http.MethodGet && r.Method != http.MethodGet:
		return nil, refuse(codeNeedsGet, "require GET method")
	case op.method == http.MethodPost && r.Method != http.MethodPost:
		return nil, refuse(codeNeedsPost, "require POST method")
	}
	return c.run(op, r, body)
}

// callsPerDay is how often the account may make a call in a day of Asia/Shanghai, as the
// console shows it to a new account; other calls have no limit here.
func callsPerDay(path string) int {
	return map[string]int{
		"token": 2_000, "message/custom/send": 500_000, "message/template/send": 100_000,
		"menu/create": 1_000, "menu/get": 10_000, "menu/delete": 1_000, "qrcode/create": 100_000,
		"user/get": 500, "user/info": 500_000, "user/info/batchget": 50_000, "user/info/updateremark": 10_000,
		"tags/create": 1_000, "tags/update": 1_000, "tags/get": 1_000,
		"media/upload": 5_000, "media/get": 10_000, "ticket/getticket": 100_000,
	}[strings.TrimPrefix(path, accountPrefix)]
}

// count lets a call through or reports that the day's quota of its path is used up.
func (a *account) count(c *call) bool {
	limit := callsPerDay(c.path)
	if limit == 0 {
		return true
	}
	n := a.calls[c.path]
	if n == nil {
		n = &dayCount{}
		a.calls[c.path] = n
	}
	return n.pass(quotaDay(c.now), orElse(c.s.faults.Limits.AccountPerDay, limit))
}

// knownPath reports whether either platform has a call of this name.
func (s *Sandbox) knownPath(path string) bool {
	_, wecom := s.apis[path]
	_, ours := s.accountAPIs[path]
	return wecom || ours
}

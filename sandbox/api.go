package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	apiPrefix     = "/cgi-bin/"
	maxBodyBytes  = 4 << 20
	maxMediaBytes = 25 << 20
)

// reply is what a call answers besides errcode and errmsg.
type reply map[string]any

// tokenKind says which secret a token was made with.
type tokenKind int

const (
	noToken tokenKind = iota
	appToken
	directoryToken
	anyToken
	accountCall    // of the official account
	accountNoToken // of the official account, without its access_token
)

// api is one call of the platform. do is run under the lock.
type api struct {
	method string
	token  tokenKind
	upload bool // the body is a file, not JSON
	do     func(c *call) (reply, *failure)
}

// read and write are the two usual kinds of calls, made with the app's token. A read takes
// its arguments from the address, so it may also come as a POST: PowerWeChat fetches agents,
// files and tickets that way, and PowerSocialite members.
func read(do func(*call) (reply, *failure)) api {
	return api{method: http.MethodGet, token: appToken, do: do}
}

func write(do func(*call) (reply, *failure)) api {
	return api{method: http.MethodPost, token: appToken, do: do}
}

// allAPIs is the map of everything that is simulated, by path below /cgi-bin/.
func allAPIs() map[string]api {
	all := map[string]api{}
	for _, family := range []map[string]api{
		tagAPIs(), idAPIs(), acquisitionAPIs(), interceptAPIs(), handoverAPIs(), statisticAPIs(),
		tokenAPIs(), directoryAPIs(), contactAPIs(), chatAPIs(), transferAPIs(), joinWayAPIs(),
		contactWayAPIs(), welcomeAPIs(), groupTemplateAPIs(), massMessageAPIs(), massResultAPIs(), momentAPIs(), loginAPIs(), ticketAPIs(), robotAPIs(), smartRobotAPIs(),
		messageAPIs(), cardAPIs(), appChatAPIs(), mediaAPIs(),
	} {
		maps.Copy(all, family)
	}
	return all
}

// call is one request while it is answered.
type call struct {
	s     *Sandbox
	path  string
	now   time.Time
	ip    string
	query url.Values
	in    args       // of a POST
	file  upload     // of an upload
	out   *mediaFile // answered instead of JSON
	robot *robot     // that speaks
}

// serveAPI answers one request of either platform.
func (s *Sandbox) serveAPI(w http.ResponseWriter, r *http.Request) {
	path, op, known := s.find(r)
	if !known {
		s.countUnknown(path, r)
		http.NotFound(w, r)
		return
	}
	limit := int64(maxBodyBytes)
	if op.upload {
		limit = maxMediaBytes
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		http.Error(w, "body is too large or was cut off", http.StatusRequestEntityTooLarge)
		return
	}
	hit := s.arrive(path, r, body)
	var out outcome
	defer func() { s.depart(path, hit.request, out) }()
	if hit.fault.CutBefore {
		panic(http.ErrAbortHandler)
	}
	if hit.fault.Status != 0 {
		out.status = hit.fault.Status
		http.Error(w, http.StatusText(hit.fault.Status), hit.fault.Status)
		return
	}
	out.told = s.answer(op, r, path, body, hit)
	if !hit.fault.CutAfter {
		out.status = http.StatusOK
	}
	hit.send(s, w, r, out.json, out.file)
}

// told is what a call answers: JSON, or a file instead of it.
type told struct {
	json []byte
	code int // errcode
	file *mediaFile
}

// answer does the work of a call.
func (s *Sandbox) answer(op api, r *http.Request, path string, body []byte, hit hit) told {
	now := s.enter()
	defer s.leave()
	c := &call{s: s, path: path, now: now, ip: hostOf(r.RemoteAddr), query: r.URL.Query()}
	if op.token >= accountCall {
		out, code := c.answerAccount(op, r, body, hit)
		s.note(now, EntryAPI, "", nil, bare(fmt.Sprintf("%s → %d", path, code)))
		return told{encode(out), code, c.out}
	}
	out, f := c.do(op, r, body, hit)
	code := 0
	if f != nil {
		code = f.code
		out = reply{"errcode": f.code, "errmsg": c.words(f)}
	} else {
		if out == nil {
			out = reply{}
		}
		out["errcode"], out["errmsg"] = 0, "ok"
	}
	s.note(now, EntryAPI, "", nil, bare(fmt.Sprintf("%s → %d", path, code)))
	return told{encode(out), code, c.out}
}

// do checks what all calls have in common and then runs the call itself.
func (c *call) do(op api, r *http.Request, body []byte, hit hit) (reply, *failure) {
	if hit.fault.Fail != 0 {
		return nil, refuse(hit.fault.Fail, "failure ordered from the sandbox")
	}
	if hit.crowded {
		return nil, refuse(codeParallel, "api concurrent out of limit")
	}
	if f := c.s.tokens.check(c, op.token); f != nil {
		return nil, f
	}
	if f := c.s.meters.count(c); f != nil {
		return nil, f
	}
	switch {
	case op.method == http.MethodPost && r.Method != http.MethodPost:
		return nil, refuse(codeEmptyParam, "some parameters are empty, this api wants POST")
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return nil, refuse(codeBadJSON, "invalid Request Parameter: this api wants GET")
	}
	return c.run(op, r, body)
}

// run reads the body of a call and does the call.
func (c *call) run(op api, r *http.Request, body []byte) (reply, *failure) {
	var f *failure
	switch {
	case op.upload:
		c.file, f = readUpload(r.Header.Get("Content-Type"), body)
	case op.method == http.MethodPost:
		c.in, f = decodeArgs(body)
	}
	if f != nil {
		return nil, f
	}
	return op.do(c)
}

// words are the errmsg of a refusal, in the platform's style.
func (c *call) words(f *failure) string {
	if f.code == codeBusy {
		return "system busy"
	}
	d := &c.s.dice
	return fmt.Sprintf("%s, hint: [%d_%s_%s], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d",
		f.msg, c.now.Unix(), d.draw("hint", alphabetDigits, 2), d.draw("hint", alphabetHex, 32), c.ip, f.code)
}

// countUnknown notes a call of a path that is not simulated.
func (s *Sandbox) countUnknown(path string, r *http.Request) {
	now := s.enter()
	defer s.leave()
	s.traffic.keepArrival(now, r, nil).end(now, outcome{status: http.StatusNotFound})
	path = shorten(path, keepPathBytes)
	s.meters.countUnknown(path)
	s.note(now, EntryAPI, "", nil, bare(path+" → HTTP 404"))
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// encode writes JSON as the platform does: without escaping < > and &.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		// Only our own structs and what came out of JSON get here.
		panic(fmt.Sprintf("sandbox: encode answer: %v", err))
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Calls returns how many requests reached a path below /cgi-bin/, answered or not, such as
// "externalcontact/groupchat/get". Of paths that are not simulated a thousand are told apart;
// the others count as "…".
func (s *Sandbox) Calls(path string) int {
	s.enter()
	defer s.leave()
	return s.meters.calls[shortPath(path)]
}

// AllCalls returns the number of requests by path below /cgi-bin/.
func (s *Sandbox) AllCalls() map[string]int {
	s.enter()
	defer s.leave()
	return maps.Clone(s.meters.calls)
}

// TotalCalls returns how many requests reached /cgi-bin/ in all.
func (s *Sandbox) TotalCalls() int {
	s.enter()
	defer s.leave()
	n := 0
	for _, calls := range s.meters.calls {
		n += calls
	}
	return n
}

func shortPath(path string) string { return strings.TrimPrefix(path, apiPrefix) }

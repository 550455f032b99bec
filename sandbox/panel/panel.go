package panel

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"xiaobu/sandbox"
)

const (
	maxControlBytes = 1 << 20
	logLimit        = 1000
)

// reply is what a call answers.
type reply map[string]any

// panel moves and shows one sandbox.
type panel struct {
	box   *sandbox.Sandbox
	pages pages
}

// Handler serves the control API and the control page under /sandbox/ and hands everything
// else to the Sandbox's own Handler. Whoever can reach it can do everything, so it belongs on
// the loopback interface. What a page of another site sends is refused, and so is a request
// whose Host is another name than localhost, that of Config.PublicURL, or one of hosts: a
// page elsewhere could have its own name lead here (DNS rebinding). An address in digits
// cannot be led astray and is always taken.
func Handler(box *sandbox.Sandbox, hosts ...string) http.Handler {
	p := &panel{box: box}
	p.pages = p.parsePages()
	known := namesOf(box.Config().PublicURL, hosts)
	control, platform := http.NewCrossOriginProtection().Handler(p.control()), box.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/" || r.URL.Path == "/sandbox":
			http.Redirect(w, r, "/sandbox/", http.StatusFound)
			return
		case strings.HasPrefix(r.URL.Path, "/sandbox/") && !known.has(r.Host):
			answerJSON(w, http.StatusForbidden, reply{"error": fmt.Sprintf("the control page is not served under the name %q, which may be another site's; use 127.0.0.1 or localhost, or name it with --host / 控制页不在这个名字下提供:请用 127.0.0.1 或 localhost,或启动时用 --host 写上它", r.Host)})
			return
		case strings.HasPrefix(r.URL.Path, "/sandbox/"):
			control.ServeHTTP(w, r)
			return
		}
		platform.ServeHTTP(w, r)
	})
}

// names are the host names under which the control page is served, in lower case.
type names map[string]bool

func namesOf(public string, hosts []string) names {
	out := names{"localhost": true}
	if u, err := url.Parse(public); err == nil {
		out[strings.ToLower(u.Hostname())] = true
	}
	for _, h := range hosts {
		out[strings.ToLower(strings.TrimSpace(h))] = true
	}
	delete(out, "")
	return out
}

// has reports whether a Host, with or without a port, is an address in digits or a known name.
func (n names) has(host string) bool {
	u, err := url.Parse("//" + host)
	if err != nil {
		return false
	}
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return net.ParseIP(name) != nil || n[name] || strings.HasSuffix(name, ".localhost")
}

// route is one call of the control API.
type route struct {
	pattern string // method and path, as http.ServeMux takes it
	help    string // the body it takes and what it does
	do      http.HandlerFunc
}

// routes lists the whole control API; GET /sandbox/ prints it.
func (p *panel) routes() []route {
	return slices.Concat(p.accountRoutes(), p.consoleRoutes(), p.internalRoutes(), []route{
		{"GET /sandbox/state", "the company in short", p.getState},
		{"GET /sandbox/log", "?after=SEQ&limit=N what happened", p.getLog},
		{"GET /sandbox/calls", "API calls by path", p.getCalls},
		{"GET /sandbox/requests", "?after=SEQ&limit=N&path=PART&code=ERRCODE&failed=true requests to the platform; without after the newest", p.getRequests},
		{"GET /sandbox/requests/{seq}", "one request with its body and answer", p.getRequest},
		{"DELETE /sandbox/requests", "forgets the requests that were answered", done(p.box.ClearRequests)},
		{"GET /sandbox/callbacks", "?after=SEQ&limit=N&kind=PART&chat_id=&who=&missed=true callbacks in plain text; without after the newest", p.getCallbacks},
		{"GET /sandbox/callbacks/{seq}", "one callback with its XML and what became of each delivery", p.getCallback},
		{"DELETE /sandbox/callbacks", "forgets the callbacks that are not under way", done(p.box.ClearCallbacks)},
		{"POST /sandbox/forget", "does both of these DELETE", command(p.postForget)},
		{"GET /sandbox/keys", "tokens and welcome codes, masked, and how long they are good", p.getKeys},
		{"GET /sandbox/clock", "what time it is here", p.getClock},
		{"POST /sandbox/clock", "by (2h, 30m …) or to (RFC 3339): moves the clock through everything that is due on the way", command(p.postClock)},
		{"POST /sandbox/clock/pause", "paused: the people of a story wait, or go on; deliveries are not held", command(p.postPause)},
		{"GET /sandbox/faults", "what goes wrong on purpose", p.getFaults},
		{"PUT /sandbox/faults", "callbacks, api, limits, details, dispatch: replaces all faults", command(p.putFaults)},
		{"GET /sandbox/faults/presets", "sets of faults under a name", p.getPresets},
		{"POST /sandbox/faults/preset", "name: replaces all faults by a set", command(p.postPreset)},
		{"POST /sandbox/faults/callbacks", "copies, shuffle, within, drop, delay, merge: replaces only these", command(p.postCallbackFaults)},
		{"POST /sandbox/faults/limits", "per_minute, per_hour, parallel, mass_per_month, mass_rule, account_per_day, messages_per_day, page, dispatch: replaces only these", command(p.postLimitFaults)},
		{"POST /sandbox/faults/details", "lag, spread, stale: replaces only these", command(p.postDetailFaults)},
		{"POST /sandbox/faults/api", "path, and calls, probability, cut_before, revoke, status, fail, stall, cut_after, half_body, or end: one path", command(p.postPathFault)},
		{"POST /sandbox/callback", "url: where events go; empty: nowhere", command(p.postCallback)},
		{"POST /sandbox/staff", "user_id, name, department, position, hidden, no_contacts, inactive", command(p.postStaff)},
		{"POST /sandbox/staff/{id}/resign", "", command(p.postResign)},
		{"POST /sandbox/customers", "id, name, union_id, with_union_id, gender, corp", command(p.postCustomer)},
		{"POST /sandbox/contacts", "action (add, half, delete), user, customer, config_id, link_id, channel, add_way, no_welcome, by_customer", command(p.postContact)},
		{"POST /sandbox/contacts/mark", "user, customer, tags (ids, or any text for a personal tag)", command(p.postMark)},
		{"POST /sandbox/groups", "owner, name, staff", command(p.postGroup)},
		{"GET /sandbox/groups/{id}", "a group with its history", p.getGroup},
		{"POST /sandbox/groups/{id}/join", "users, scene (1 direct, 2 link, 3 QR), inviter", command(p.postJoin)},
		{"POST /sandbox/groups/{id}/leave", "user", command(p.postLeave)},
		{"POST /sandbox/groups/{id}/remove", "user", command(p.postRemove)},
		{"POST /sandbox/groups/{id}/owner", "user", command(p.postOwner)},
		{"POST /sandbox/groups/{id}/admins", "users: who may act for the owner", command(p.postAdmins)},
		{"POST /sandbox/groups/{id}/rename", "name", command(p.postRename)},
		{"POST /sandbox/groups/{id}/notice", "notice", command(p.postNotice)},
		{"POST /sandbox/groups/{id}/dismiss", "", command(p.postDismiss)},
		{"POST /sandbox/scan", "config_id, customer: scans a join way or contact way", command(p.postScan)},
		{"POST /sandbox/tasks", "user, text, chats: a mass message that a member of staff sends from the client", command(p.postPersonal)},
		{"POST /sandbox/tasks/{id}/confirm", "user, targets (none: all)", command(p.postConfirm)},
		{"POST /sandbox/cards/{id}/press", "user, key, choices ([{question, options}])", command(p.postPress)},
		{"POST /sandbox/cards/{id}/menu", "user, key: the menu in the corner", command(p.postCardMenu)},
		{"POST /sandbox/moments", "user, text: a moment that a member of staff posts from the client", command(p.postMoment)},
		{"POST /sandbox/moments/{id}/publish", "user", command(p.postPublish)},
		{"POST /sandbox/moments/{id}/like", "user (whose moment), person", command(p.postLike)},
		{"POST /sandbox/moments/{id}/comment", "user (whose moment), person, text", command(p.postComment)},
		{"POST /sandbox/say", "chat_id, person, text, type, url, title", command(p.postSay)},
		{"POST /sandbox/write", "from, to, text: between contacts, outside of groups", command(p.postWrite)},
		{"POST /sandbox/verify-url", "checks the callback address", command(p.postVerify)},
		{"POST /sandbox/token/revoke", "makes all tokens invalid", command(p.postRevoke)},
		{"GET /sandbox/qr/{id}", "the picture of a QR code; it leads to the page where it is scanned", p.getPicture},
	})
}

// views lists the pages.
func (p *panel) views() []route {
	return []route{
		{"GET /sandbox/ui/groups", "groups", p.view("groups", p.viewGroups)},
		{"GET /sandbox/ui/groups/{id}", "a group as its members see it", p.view("group", p.viewGroup)},
		{"GET /sandbox/ui/people", "staff and customers", p.view("people", p.viewPeople)},
		{"GET /sandbox/ui/people/{id}", "be this person", p.view("person", p.viewPerson)},
		{"GET /sandbox/ui/codes", "QR codes", p.view("codes", p.viewCodes)},
		{"GET /sandbox/ui/scan/{id}", "scan one code", p.view("scan", p.viewScan)},
		{"GET /sandbox/ui/tasks", "mass messages and cards", p.view("tasks", p.viewTasks)},
		{"GET /sandbox/ui/account", "the official account", p.view("account", p.viewAccount)},
		{"GET /sandbox/ui/internal", "internal groups and robots", p.view("internal", p.viewInternal)},
		{"GET /sandbox/ui/console", "departments, tags, links, handovers", p.view("console", p.viewConsole)},
		{"GET /sandbox/ui/traffic", "requests and callbacks", p.view("traffic", p.viewTraffic)},
		{"GET /sandbox/ui/requests/{seq}", "one request", p.view("request", p.viewRequest)},
		{"GET /sandbox/ui/callbacks/{seq}", "one callback", p.view("callback", p.viewCallback)},
		{"GET /sandbox/ui/faults", "faults", p.view("faults", p.viewFaults)},
		{"GET /sandbox/ui/clock", "the clock", p.view("clock", p.viewClock)},
		{"GET /sandbox/ui/files/{file}", "style and script", getFile},
		{"POST /sandbox/ui/lang", "lang: zh or en", postLang},
	}
}

// control serves the control API and the pages.
func (p *panel) control() http.Handler {
	mux := http.NewServeMux()
	var help strings.Builder
	help.WriteString("Control API of the WeCom sandbox. Bodies and answers are JSON.\n\n")
	for _, r := range p.routes() {
		mux.HandleFunc(r.pattern, r.do)
		fmt.Fprintf(&help, "%-36s %s\n", r.pattern, r.help)
	}
	for _, r := range p.views() {
		mux.HandleFunc(r.pattern, r.do)
	}
	list := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, help.String())
	}
	mux.HandleFunc("GET /sandbox/help", list)
	overview := p.view("company", p.viewCompany)
	mux.HandleFunc("GET /sandbox/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			overview(w, r)
			return
		}
		list(w, r)
	})
	mux.HandleFunc("/sandbox/", func(w http.ResponseWriter, r *http.Request) {
		err := fmt.Errorf("%s %s: %w; GET /sandbox/help lists what there is", r.Method, r.URL.Path, sandbox.ErrNotFound)
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			p.render(w, r, http.StatusNotFound, "error", explained(err, langOf(r)))
			return
		}
		answerError(w, err)
	})
	return mux
}

// answerJSON writes an answer of the control API.
func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the other side is gone
}

// answerError writes 404 for ids that nobody has and 400 for everything else.
func answerError(w http.ResponseWriter, err error) {
	answerJSON(w, statusOf(err), map[string]string{"error": err.Error()})
}

func statusOf(err error) int {
	if errors.Is(err, sandbox.ErrNotFound) {
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

// command makes a handler of a function from a body to an answer. A body that is a form is
// answered with the way back to a page.
func command[T any](do func(r *http.Request, in T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		form := isForm(r)
		read := decodeStrictly
		if form {
			read = readForm
		}
		err := read(w, r, &in)
		var out any
		if err == nil {
			out, err = do(r, in)
		}
		if out == nil {
			out = reply{"ok": true}
		}
		switch {
		case form:
			answerForm(w, r, out, err)
		case err != nil:
			answerError(w, err)
		default:
			answerJSON(w, http.StatusOK, out)
		}
	}
}

// done makes a handler of something that takes and answers nothing.
func done(do func()) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		do()
		answerJSON(w, http.StatusOK, reply{"ok": true})
	}
}

// decodeStrictly reads one JSON object field by field, so that an error names the field, and
// refuses fields that the command does not have. An empty body is an empty object.
func decodeStrictly(w http.ResponseWriter, r *http.Request, in any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControlBytes))
	var fields map[string]json.RawMessage
	err := dec.Decode(&fields)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.As(err, &wrong):
		return refuse("body: must be an object such as {}, got %s", "请求体要是 {} 这样的对象，来的是 %s", wrong.Value)
	case err != nil:
		return refuse("body: %s", "请求体：%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return refuse("body: more than one value", "请求体里不止一个值")
	}
	known := map[string]reflect.Value{}
	fieldsOf(reflect.ValueOf(in).Elem(), known)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		field, ok := known[name]
		if !ok {
			return refuseUnknown(name, known)
		}
		one := json.NewDecoder(bytes.NewReader(fields[name]))
		one.DisallowUnknownFields()
		if err := one.Decode(field.Addr().Interface()); err != nil {
			return refuseValue(name, err)
		}
	}
	return nil
}

func (p *panel) getLog(w http.ResponseWriter, r *http.Request) {
	after, limit, err := window(r, logLimit)
	if err != nil {
		answerError(w, err)
		return
	}
	entries := p.box.Log(after)
	entries = entries[:min(len(entries), limit)]
	answerJSON(w, http.StatusOK, map[string]any{"entries": entries})
}

func (p *panel) getCalls(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, map[string]any{"total": p.box.TotalCalls(), "calls": p.box.AllCalls()})
}

func (p *panel) getFaults(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, faultsBodyOf(p.box.Faults()))
}

func (p *panel) putFaults(_ *http.Request, in faultsBody) (any, error) {
	if err := p.box.SetFaults(in.faults()); err != nil {
		return nil, err
	}
	return faultsBodyOf(p.box.Faults()), nil
}

func (p *panel) postVerify(r *http.Request, _ struct{}) (any, error) {
	if err := p.box.VerifyURL(r.Context()); err != nil {
		return reply{"ok": false, "error": err.Error()}, nil
	}
	return reply{"ok": true}, nil
}

func (p *panel) postRevoke(*http.Request, struct{}) (any, error) {
	p.box.RevokeTokens()
	return nil, nil
}

package panel

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"xiaobu/sandbox"
)

// shownTraffic is how many requests or callbacks one answer lists at most.
const shownTraffic = 500

// window reads after and limit of a list.
func window(r *http.Request, most int) (after int64, limit int, err error) {
	q := r.URL.Query()
	limit = most
	if text := q.Get("after"); text != "" {
		after, err = strconv.ParseInt(text, 10, 64)
	}
	if text := q.Get("limit"); text != "" && err == nil {
		limit, err = strconv.Atoi(text)
	}
	if err != nil || limit < 1 || limit > most {
		return 0, 0, refuse("after must be a number and limit from 1 to %d", "after 要的是数，limit 要在 1 到 %d 之间", most)
	}
	return after, limit, nil
}

// requestFilter reads the filter of a list of requests.
func requestFilter(r *http.Request) (sandbox.RequestFilter, error) {
	q := r.URL.Query()
	after, limit, err := window(r, shownTraffic)
	f := sandbox.RequestFilter{After: after, Limit: limit, Path: q.Get("path"), Failed: q.Get("failed") == "true", Newest: after == 0}
	if text := q.Get("code"); text != "" && err == nil {
		code, bad := strconv.Atoi(text)
		if bad != nil {
			return f, refuse("code must be a number such as 40014, got %q", "code 要的是 40014 这样的数，来的是 %q", text)
		}
		f.Code = &code
	}
	return f, err
}

func (p *panel) getRequests(w http.ResponseWriter, r *http.Request) {
	f, err := requestFilter(r)
	if err != nil {
		answerError(w, err)
		return
	}
	out := []reply{}
	for _, one := range p.box.Requests(f) {
		out = append(out, requestReply(one))
	}
	answerJSON(w, http.StatusOK, reply{"requests": out})
}

// seq reads the number in the path of a request or callback.
func seq(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no number of a request or callback: %w", r.PathValue("seq"), sandbox.ErrNotFound)
	}
	return n, nil
}

// request finds one request by the number in the path.
func (p *panel) request(r *http.Request) (sandbox.Request, error) {
	n, err := seq(r)
	if err != nil {
		return sandbox.Request{}, err
	}
	found := p.box.Requests(sandbox.RequestFilter{After: n - 1, Limit: 1})
	if len(found) == 0 || found[0].Seq != n {
		return sandbox.Request{}, fmt.Errorf("request %d is not remembered: %w", n, sandbox.ErrNotFound)
	}
	return found[0], nil
}

func (p *panel) getRequest(w http.ResponseWriter, r *http.Request) {
	one, err := p.request(r)
	if err != nil {
		answerError(w, err)
		return
	}
	answerJSON(w, http.StatusOK, requestReply(one))
}

func requestReply(one sandbox.Request) reply {
	out := reply{
		"seq": one.Seq, "at": one.At.Format(time.RFC3339Nano), "ip": one.IP, "method": one.Method, "path": one.Path,
		"query": one.Query, "body": one.Body, "size": one.Size, "open": one.Open,
	}
	if one.Fault != "" {
		out["fault"] = one.Fault
	}
	if !one.Open {
		out["took"], out["status"], out["code"], out["answer"] = one.Took.String(), one.Status, one.Code, one.Answer
	}
	return out
}

// callbackFilter reads the filter of a list of callbacks.
func callbackFilter(r *http.Request) (sandbox.CallbackFilter, error) {
	q := r.URL.Query()
	after, limit, err := window(r, shownTraffic)
	return sandbox.CallbackFilter{
		After: int(after), Limit: limit, Kind: q.Get("kind"), Chat: q.Get("chat_id"), Who: q.Get("who"),
		Missed: q.Get("missed") == "true", Newest: after == 0,
	}, err
}

func (p *panel) getCallbacks(w http.ResponseWriter, r *http.Request) {
	f, err := callbackFilter(r)
	if err != nil {
		answerError(w, err)
		return
	}
	out := []reply{}
	for _, cb := range p.box.FindCallbacks(f) {
		out = append(out, callbackReply(cb))
	}
	answerJSON(w, http.StatusOK, reply{"callbacks": out})
}

// callback finds one callback by the number in the path.
func (p *panel) callback(r *http.Request) (sandbox.Callback, error) {
	n, err := seq(r)
	if err != nil {
		return sandbox.Callback{}, err
	}
	found := p.box.FindCallbacks(sandbox.CallbackFilter{After: int(n) - 1, Limit: 1})
	if len(found) == 0 || found[0].Seq != int(n) {
		return sandbox.Callback{}, fmt.Errorf("callback %d is not remembered: %w", n, sandbox.ErrNotFound)
	}
	return found[0], nil
}

func (p *panel) getCallback(w http.ResponseWriter, r *http.Request) {
	cb, err := p.callback(r)
	if err != nil {
		answerError(w, err)
		return
	}
	answerJSON(w, http.StatusOK, callbackReply(cb))
}

func callbackReply(cb sandbox.Callback) reply {
	attempts := []reply{}
	for _, a := range cb.Attempts {
		one := reply{"at": a.At.Format(time.RFC3339Nano), "copy": a.Copy, "try": a.Try, "status": a.Status, "answer": a.Answer}
		if a.Err != "" {
			one["error"] = a.Err
		}
		attempts = append(attempts, one)
	}
	return reply{
		"seq": cb.Seq, "key": cb.Key, "at": cb.At.Format(time.RFC3339Nano), "kind": cb.Kind, "chat_id": cb.Chat, "who": cb.Who,
		"xml": cb.XML, "dropped": cb.Dropped, "delivered": cb.Delivered, "given_up": cb.GivenUp, "under_way": cb.Open, "attempts": attempts,
	}
}

func (p *panel) postForget(*http.Request, struct{}) (any, error) {
	p.box.ClearRequests()
	p.box.ClearCallbacks()
	return nil, nil
}

// welcomeLife is how long a welcome code is good.
const welcomeLife = 20 * time.Second

// shownKeys is how many tokens and welcome codes one answer lists at most, the newest.
const shownKeys = 100

// key is a token or welcome code and how long it is good, without itself.
type key struct {
	Kind     string    `json:"kind"` // app, directory or welcome
	Head     string    `json:"head"` // how it begins
	Status   string    `json:"status"`
	Expires  time.Time `json:"expires"`
	User     string    `json:"user,omitempty"`
	Customer string    `json:"customer,omitempty"`
}

// What the Status of a key says.
const (
	keyValid   = "valid"
	keyExpired = "expired"
	keyRevoked = "revoked"
	keyUsed    = "used"
	keyUnknown = "unknown" // somebody tried a code that was never given
)

// keys lists the newest tokens and welcome codes, the newest first.
func (p *panel) keys(now time.Time) []key {
	out := []key{}
	for _, tok := range slices.Backward(newest(p.box.Tokens(), shownKeys)) {
		k := key{Kind: "app", Head: tok.Head, Expires: tok.Expires, Status: keyValid}
		if tok.Directory {
			k.Kind = "directory"
		}
		switch {
		case tok.Revoked:
			k.Status = keyRevoked
		case !now.Before(tok.Expires):
			k.Status = keyExpired
		}
		out = append(out, k)
	}
	for _, wel := range slices.Backward(newest(p.box.Welcomes(), shownKeys)) {
		k := key{Kind: "welcome", Head: wel.Code[:min(len(wel.Code), 4)], Expires: wel.IssuedAt.Add(welcomeLife), User: wel.User, Customer: wel.Customer, Status: keyValid}
		switch {
		case wel.User == "":
			k.Status = keyUnknown
		case !wel.SentAt.IsZero():
			k.Status = keyUsed
		case !now.Before(k.Expires):
			k.Status = keyExpired
		}
		out = append(out, k)
	}
	return out
}

func (p *panel) getKeys(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, reply{"keys": p.keys(p.box.Summary().Now)})
}

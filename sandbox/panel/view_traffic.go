package panel

import (
	"net/http"
	"slices"

	"xiaobu/sandbox"
)

// shownRows is how many requests, and how many callbacks, the page of the traffic lists.
const shownRows = 60

type trafficView struct {
	Requests  []sandbox.Request
	Callbacks []sandbox.Callback
	Keys      []key
	Path      string
	Code      string
	Kind      string
	Failed    bool
	Missed    bool
	Callback  string // where callbacks go
}

func (p *panel) viewTraffic(r *http.Request) (any, error) {
	q := r.URL.Query()
	requests, err := requestFilter(r)
	if err != nil {
		return nil, err
	}
	callbacks, err := callbackFilter(r)
	if err != nil {
		return nil, err
	}
	requests.Limit, callbacks.Limit = shownRows, shownRows
	v := trafficView{
		Requests: p.box.Requests(requests), Callbacks: p.box.FindCallbacks(callbacks), Keys: p.keys(p.box.Summary().Now),
		Path: q.Get("path"), Code: q.Get("code"), Kind: q.Get("kind"), Failed: requests.Failed, Missed: callbacks.Missed,
		Callback: p.box.Callback(),
	}
	slices.Reverse(v.Requests)
	slices.Reverse(v.Callbacks)
	return v, nil
}

func (p *panel) viewRequest(r *http.Request) (any, error)  { return p.request(r) }
func (p *panel) viewCallback(r *http.Request) (any, error) { return p.callback(r) }

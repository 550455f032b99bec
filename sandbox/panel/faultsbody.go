package panel

import (
	"time"

	"xiaobu/sandbox"
)

// span is a duration written as 300ms, 2s, 5m …
type span time.Duration

// MarshalText writes the span.
func (d span) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a span.
func (d *span) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return refuse("must be a duration such as 300ms or 2s: %q is no duration", "要的是 300ms、2s 这样的时长，来的是 %q", text)
	}
	*d = span(v)
	return nil
}

// faultsBody is Faults as the control API speaks it.
type faultsBody struct {
	Callbacks callbackFaultsBody      `json:"callbacks"`
	API       map[string]apiFaultBody `json:"api"`
	Limits    limitsBody              `json:"limits"`
	Details   detailFaultsBody        `json:"details"`
	Dispatch  span                    `json:"dispatch"`
}

type callbackFaultsBody struct {
	Copies  int     `json:"copies"`
	Shuffle int     `json:"shuffle"`
	Within  span    `json:"within"`
	Drop    float64 `json:"drop"`
	Delay   span    `json:"delay"`
	Merge   span    `json:"merge"`
}

type detailFaultsBody struct {
	Lag    span    `json:"lag"`
	Spread span    `json:"spread"`
	Stale  float64 `json:"stale"`
}

type apiFaultBody struct {
	Calls       int     `json:"calls"`
	Probability float64 `json:"probability"`
	CutBefore   bool    `json:"cut_before"`
	Revoke      bool    `json:"revoke"`
	Status      int     `json:"status"`
	Fail        int     `json:"fail"`
	Stall       span    `json:"stall"`
	CutAfter    bool    `json:"cut_after"`
	HalfBody    bool    `json:"half_body"`
}

type limitsBody struct {
	PerMinute      int    `json:"per_minute"`
	PerHour        int    `json:"per_hour"`
	Parallel       int    `json:"parallel"`
	MassPerMonth   int    `json:"mass_per_month"`
	MassRule       string `json:"mass_rule,omitempty"`
	Ways           int    `json:"ways"`
	TempWays       int    `json:"temp_ways"`
	Customers      int    `json:"customers"`
	AccountPerDay  int    `json:"account_per_day"`
	MessagesPerDay int    `json:"messages_per_day"`
	Page           int    `json:"page"`
}

func (b faultsBody) faults() sandbox.Faults {
	f := sandbox.Faults{Limits: sandbox.Limits(b.Limits), Dispatch: time.Duration(b.Dispatch), API: map[string]sandbox.APIFault{}}
	c := b.Callbacks
	f.Callbacks = sandbox.CallbackFaults{
		Copies: c.Copies, Shuffle: c.Shuffle, Within: time.Duration(c.Within), Drop: c.Drop, Delay: time.Duration(c.Delay),
		Merge: time.Duration(c.Merge),
	}
	f.Details = sandbox.DetailFaults{Lag: time.Duration(b.Details.Lag), Spread: time.Duration(b.Details.Spread), Stale: b.Details.Stale}
	for path, a := range b.API {
		f.API[path] = sandbox.APIFault{
			Calls: a.Calls, Probability: a.Probability, CutBefore: a.CutBefore, Revoke: a.Revoke, Status: a.Status, Fail: a.Fail,
			Stall: time.Duration(a.Stall), CutAfter: a.CutAfter, HalfBody: a.HalfBody,
		}
	}
	return f
}

func faultsBodyOf(f sandbox.Faults) faultsBody {
	b := faultsBody{Limits: limitsBody(f.Limits), Dispatch: span(f.Dispatch), API: map[string]apiFaultBody{}}
	c := f.Callbacks
	b.Callbacks = callbackFaultsBody{Copies: c.Copies, Shuffle: c.Shuffle, Within: span(c.Within), Drop: c.Drop, Delay: span(c.Delay), Merge: span(c.Merge)}
	b.Details = detailFaultsBody{Lag: span(f.Details.Lag), Spread: span(f.Details.Spread), Stale: f.Details.Stale}
	for path, a := range f.API {
		b.API[path] = apiFaultBody{
			Calls: a.Calls, Probability: a.Probability, CutBefore: a.CutBefore, Revoke: a.Revoke, Status: a.Status, Fail: a.Fail,
			Stall: span(a.Stall), CutAfter: a.CutAfter, HalfBody: a.HalfBody,
		}
	}
	return b
}

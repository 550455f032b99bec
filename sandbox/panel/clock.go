package panel

import (
	"net/http"
	"time"
)

// clockBody says where to the clock is moved: by so much, or to a moment.
type clockBody struct {
	By span      `json:"by"`
	To time.Time `json:"to"`
}

// moveClock moves the clock and returns how many things were done on the way.
func (p *panel) moveClock(r *http.Request, in clockBody) (int, error) {
	to := in.To
	switch {
	case in.By != 0 && !in.To.IsZero():
		return 0, refuse("want by or to, not both", "by 和 to 只要一个")
	case in.By != 0:
		to = p.box.Summary().Now.Add(time.Duration(in.By))
	case to.IsZero():
		return 0, refuse(`want by, such as "2h", or to, such as %q`, `要 by，例如 "2h"，或 to，例如 %q`, "2026-11-23T10:00:00+08:00")
	}
	return p.box.MoveTo(r.Context(), to)
}

func (p *panel) postClock(r *http.Request, in clockBody) (any, error) {
	n, err := p.moveClock(r, in)
	if err != nil {
		return nil, err
	}
	out := p.clock()
	out["done"] = n
	return out, nil
}

// clock is what time it is here, and when the next thing is due.
func (p *panel) clock() reply {
	sum := p.box.Summary()
	out := reply{"now": sum.Now.Format(time.RFC3339Nano), "next_due": nil, "movable": p.box.Config().Leap != nil, "paused": sum.Paused, "held": sum.Held}
	if !sum.Due.IsZero() {
		out["next_due"] = sum.Due.Format(time.RFC3339Nano)
	}
	return out
}

func (p *panel) getClock(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, http.StatusOK, p.clock())
}

type pauseBody struct {
	Paused bool `json:"paused"`
}

func (p *panel) postPause(_ *http.Request, in pauseBody) (any, error) {
	p.box.SetPaused(in.Paused)
	return p.clock(), nil
}

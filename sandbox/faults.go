package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxCopies  = 10
	maxShuffle = 100
	maxMerge   = time.Second
)

// Faults is everything that goes wrong on purpose. The zero value is a healthy platform.
type Faults struct {
	Callbacks CallbackFaults
	// API holds what goes wrong with calls, by path below /cgi-bin/ such as
	// "externalcontact/groupchat/get"; "*" is every path without an entry of its own. Calls of
	// the official account have mp/ in front: "mp/user/get", "mp/sns/userinfo".
	API    map[string]APIFault
	Limits Limits
	// Details is what goes wrong with the member lists of groups.
	Details DetailFaults
	// Dispatch is how long after its creation a mass message is refused with 41063 by the
	// calls that read its progress.
	Dispatch time.Duration
}

// CallbackFaults is what goes wrong between the platform and the bot.
type CallbackFaults struct {
	// Copies is how often each event is delivered, up to 10; 0 and 1 mean once.
	Copies int
	// Shuffle holds so many events (up to 100) back and delivers them in random order, at
	// the latest after Within.
	Shuffle int
	// Within is the longest hold for Shuffle (default 2 s). Without Shuffle it delays each
	// event by a random part of it.
	Within time.Duration
	// Drop is the probability from 0 to 1 that an event is never delivered.
	Drop float64
	// Delay is added to every delivery.
	Delay time.Duration
	// Merge, up to 1 s, tells joins or leaves of one group that follow one another within it
	// in one event, with a list of members and their number in MemChangeCnt, at the time of
	// the last. Any other event of the group ends the wait.
	Merge time.Duration
}

// DetailFaults is how far groupchat/get lags behind what happened.
type DetailFaults struct {
	// Lag and a random part of Spread, drawn for each change, are added to Config.Lag. A
	// change that shows brings those before it along.
	Lag, Spread time.Duration
	// Stale is the probability from 0 to 1 that a call is answered with the list before the
	// one that shows, as by a copy that was not brought up to date.
	Stale float64
}

// APIFault is what goes wrong with the calls of one path. Several may be combined; the
// earliest in this order wins: CutBefore, Status, Fail, then after the work Stall, CutAfter,
// HalfBody.
type APIFault struct {
	// Calls is how many calls it hits before it ends; 0: until it is taken away.
	Calls int
	// Probability from 0 to 1 that it hits a call; 0 means always.
	Probability float64
	// CutBefore closes the connection without doing the work.
	CutBefore bool
	// Revoke makes all tokens invalid before the call is looked at: it is refused with 40014,
	// for the official account with 40001, until a new token is fetched.
	Revoke bool
	// Status answers with this HTTP status (400 to 599) without doing the work.
	Status int
	// Fail answers with this errcode without doing the work.
	Fail int
	// Stall does the work, but answers only after this real time.
	Stall time.Duration
	// CutAfter does the work and closes the connection without an answer.
	CutAfter bool
	// HalfBody does the work and closes the connection in the middle of the answer.
	HalfBody bool
}

// faultState is Faults in use; its API map is never shared with a caller.
type faultState struct{ Faults }

// SetFaults replaces all faults. Paths may carry /cgi-bin/ or not.
func (s *Sandbox) SetFaults(f Faults) error {
	if err := f.Callbacks.check(); err != nil {
		return fmt.Errorf("set faults: %w", err)
	}
	l := f.Limits
	if f.Dispatch < 0 || min(l.PerMinute, l.PerHour, l.Parallel, l.MassPerMonth, l.Ways, l.TempWays, l.Customers, l.AccountPerDay, l.MessagesPerDay, l.Page) < 0 {
		return fmt.Errorf("set faults: dispatch and limits must not be negative")
	}
	if l.MassRule != "" && l.MassRule != MassWeek && l.MassRule != MassDay {
		return fmt.Errorf("set faults: mass rule %q is none of week and day", l.MassRule)
	}
	if err := f.Details.check(); err != nil {
		return fmt.Errorf("set faults: %w", err)
	}
	byPath := map[string]APIFault{}
	for path, fault := range f.API {
		if err := fault.check(); err != nil {
			return fmt.Errorf("set faults: api %q: %w", path, err)
		}
		short := shortPath(path)
		if short != "*" && !s.knownPath(short) {
			return fmt.Errorf("set faults: api %q: %w", path, ErrNotFound)
		}
		byPath[short] = fault
	}
	f.API = byPath
	now := s.enter()
	defer s.leave()
	s.faults = faultState{f}
	s.releaseHeld(now)
	s.note(now, EntryFault, "", nil, both("faults were switched", "换了一套故障"))
	return nil
}

// Faults returns the faults in use; Calls are those that remain.
func (s *Sandbox) Faults() Faults {
	s.enter()
	defer s.leave()
	f := s.faults.Faults
	f.API = maps.Clone(f.API)
	return f
}

func (f CallbackFaults) check() error {
	switch {
	case f.Copies < 0 || f.Copies > maxCopies:
		return fmt.Errorf("copies must be from 0 to %d", maxCopies)
	case f.Shuffle < 0 || f.Shuffle > maxShuffle:
		return fmt.Errorf("shuffle must be from 0 to %d", maxShuffle)
	case f.Drop < 0 || f.Drop > 1:
		return fmt.Errorf("drop must be from 0 to 1")
	case f.Merge < 0 || f.Merge > maxMerge:
		return fmt.Errorf("merge must be from 0s to %v", maxMerge)
	case f.Within < 0 || f.Delay < 0:
		return fmt.Errorf("within and delay must not be negative")
	}
	return nil
}

func (f DetailFaults) check() error {
	switch {
	case f.Lag < 0 || f.Spread < 0:
		return fmt.Errorf("lag and spread of details must not be negative")
	case f.Stale < 0 || f.Stale > 1:
		return fmt.Errorf("stale must be from 0 to 1")
	}
	return nil
}

func (f APIFault) check() error {
	switch {
	case f.Calls < 0:
		return fmt.Errorf("calls must not be negative")
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("probability must be from 0 to 1")
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status must be from 400 to 599")
	case f.Stall < 0:
		return fmt.Errorf("stall must not be negative")
	}
	return nil
}

// hit is what happens to one call.
type hit struct {
	request *Request // as it is remembered
	fault   APIFault
	crowded bool // too many calls of this path are under way
}

// arrive counts a call and decides what goes wrong with it.
func (s *Sandbox) arrive(path string, r *http.Request, body []byte) hit {
	now := s.enter()
	defer s.leave()
	s.meters.calls[path]++
	s.meters.underway[path]++
	most := s.faults.Limits.Parallel
	h := hit{crowded: most > 0 && s.meters.underway[path] > most}
	h.fault = s.faults.draw(s, path)
	h.request = s.traffic.keepArrival(now, r, body)
	h.request.Fault = h.words()
	switch {
	case h.fault.Revoke && strings.HasPrefix(path, accountPrefix):
		s.revokeAccountTokens(now)
	case h.fault.Revoke:
		s.revokeTokens(now)
	}
	if h.fault.CutBefore || h.fault.Status != 0 {
		s.note(now, EntryAPI, "", nil, both("%s was cut off or answered HTTP %d before any work", "%s 什么都没做就断开了，或答了 HTTP %d", path, h.fault.Status))
	}
	return h
}

// words say what is ordered to go wrong with the call, in the order in which it would.
func (h hit) words() string {
	var out []string
	f := h.fault
	for _, one := range []struct {
		on   bool
		text string
	}{
		{f.Revoke, "revoke"}, {f.CutBefore, "cut_before"}, {f.Status != 0, fmt.Sprintf("status %d", f.Status)},
		{f.Fail != 0, fmt.Sprintf("fail %d", f.Fail)}, {h.crowded, "parallel"},
		{f.Stall > 0, "stall " + f.Stall.String()}, {f.CutAfter, "cut_after"}, {f.HalfBody, "half_body"},
	} {
		if one.on {
			out = append(out, one.text)
		}
	}
	return strings.Join(out, ", ")
}

// outcome is how a request ended.
type outcome struct {
	status int // 0: cut before an answer was sent
	told
}

func (s *Sandbox) depart(path string, one *Request, out outcome) {
	now := s.enter()
	defer s.leave()
	s.meters.underway[path]--
	one.end(now, out)
}

// end remembers how a request ended; the caller holds the lock.
func (one *Request) end(now time.Time, out outcome) {
	one.Open, one.Took = false, now.Sub(one.At)
	one.Status, one.Code = out.status, out.code
	one.Answer = shorten(string(out.json[:min(len(out.json), keepBodyBytes+utf8.UTFMax)]), keepBodyBytes)
	if out.file != nil {
		one.Answer = "(a file)"
	}
}

// draw returns the fault that hits a call of a path, if any, and counts it.
func (f *faultState) draw(s *Sandbox, path string) APIFault {
	key := path
	fault, ok := f.API[key]
	if !ok {
		key = "*"
		fault, ok = f.API[key]
	}
	if !ok {
		return APIFault{}
	}
	if p := fault.Probability; p > 0 && !chance(s.dice.stream("fault "+path), p) {
		return APIFault{}
	}
	switch fault.Calls {
	case 0:
	case 1:
		delete(f.API, key)
	default:
		left := fault
		left.Calls--
		f.API[key] = left
	}
	return fault
}

// send answers a call, or fails to. A fault after the work is the case that clients find
// hardest: they cannot know that it was done.
func (h hit) send(s *Sandbox, w http.ResponseWriter, r *http.Request, answer []byte, file *mediaFile) {
	if h.fault.Stall > 0 {
		s.cfg.Wait(r.Context(), h.fault.Stall)
	}
	if h.fault.CutAfter {
		panic(http.ErrAbortHandler)
	}
	if file != nil {
		answer = file.data
		if !h.fault.HalfBody {
			file.serve(w, r)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	if h.fault.HalfBody {
		// What was written before the panic reaches the client, so it sees a short body.
		_, _ = w.Write(answer[:len(answer)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(answer)
}

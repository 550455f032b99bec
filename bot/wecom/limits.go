package wecom

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"xiaobu/bot"
)

// readsAtOnce bounds how many reads of one kind run at once. WeCom does not publish its
// own bound; beyond it stands error 45033.
const readsAtOnce = 4

// Windows after which a path that WeCom has closed is tried again.
const (
	closedMinute = time.Minute
	closedHour   = time.Hour
	closedGrowth = 5 // the next try after a repeated refusal waits this much longer
)

// idleQuotas bounds how many quotas are kept before unused ones are dropped.
const idleQuotas = 4096

// quota is a number of calls within a span.
type quota struct {
	calls int
	span  time.Duration
}

// quotasOf lists the quotas of a path: those of every path and its own.
// https://developer.work.weixin.qq.com/document/path/90312
func quotasOf(op string) []quota {
	all := []quota{{10_000, time.Minute}, {150_000, time.Hour}}
	switch op {
	case "appchat/create":
		return append(all, quota{1000, 24 * time.Hour})
	case "appchat/update":
		return append(all, quota{1000, time.Hour})
	}
	return all
}

// memberQuotas is what one member of staff may get from the app. WeCom drops what is
// beyond without a word, so it must not be tried.
// https://developer.work.weixin.qq.com/document/path/90236
func memberQuotas() []quota {
	return []quota{{30, time.Minute}, {1000, time.Hour}}
}

// robotQuotas is how much one group robot may say.
// https://developer.work.weixin.qq.com/document/path/99110
func robotQuotas() []quota { return []quota{{20, time.Minute}} }

// limits keeps the local windows. When one is used up nobody waits in here: the call is
// refused with the time after which there is room again.
type limits struct {
	now func() time.Time

	mu    sync.Mutex // guards what follows
	gates map[string]*gate
}

// gate is what limits keeps for one path, or for one path and recipient.
type gate struct {
	windows  []*window
	openAt   time.Time // WeCom has closed the path until then
	refusals int       // by WeCom, without a success in between
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, gates: map[string]*gate{}}
}

// gate returns the gate of a key and makes it if need be; the lock must be held.
func (l *limits) gate(key string, quotas func() []quota) *gate {
	if g := l.gates[key]; g != nil {
		return g
	}
	g := &gate{}
	for _, q := range quotas() {
		g.windows = append(g.windows, newWindow(q))
	}
	l.gates[key] = g
	return g
}

// dropIdle forgets gates that would let everything through; the lock must be held.
func (l *limits) dropIdle() {
	now := l.now()
	for key, g := range l.gates {
		idle := g.refusals == 0 && !now.Before(g.openAt)
		for _, w := range g.windows {
			idle = idle && w.used(now) == 0
		}
		if idle {
			delete(l.gates, key)
		}
	}
}

// closed refuses a call of a path that nothing gets through now, without counting it.
func (l *limits) closed(op string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.gates[op]; g != nil {
		return g.check(op, l.now())
	}
	return nil
}

// take counts one call of a path, or refuses it.
func (l *limits) take(op string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.takeAll(op, l.gate(op, func() []quota { return quotasOf(op) }))
}

// takeMembers counts one message to each member of staff, or refuses them all.
func (l *limits) takeMembers(op string, to []bot.UserID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.gates) >= idleQuotas {
		l.dropIdle()
	}
	gates := make([]*gate, len(to))
	for i, user := range to {
		gates[i] = l.gate(op+" "+strings.ToLower(string(user)), memberQuotas)
	}
	return l.takeAll(op, gates...)
}

// takeRobot counts one message of a robot, or refuses it.
func (l *limits) takeRobot(op, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.gates) >= idleQuotas {
		l.dropIdle()
	}
	return l.takeAll(op, l.gate(robotGate(key), robotQuotas))
}

// robotGate names the gate of one robot: what one says too often closes no other.
func robotGate(key string) string { return opRobot + " " + key }

func (l *limits) takeAll(op string, gates ...*gate) error {
	now := l.now()
	for _, g := range gates {
		if err := g.check(op, now); err != nil {
			return err
		}
	}
	for _, g := range gates {
		for _, w := range g.windows {
			w.add(now)
		}
	}
	return nil
}

// check refuses what the gate does not let through now.
func (g *gate) check(op string, now time.Time) error {
	if wait := g.openAt.Sub(now); wait > 0 {
		return backoff(op, "closed after WeCom's refusal", wait)
	}
	for _, w := range g.windows {
		if w.used(now) >= w.calls {
			return backoff(op, fmt.Sprintf("own limit of %d in %s", w.calls, w.span), w.wait(now))
		}
	}
	return nil
}

func backoff(op, why string, wait time.Duration) error {
	return &bot.APIError{Op: op, Code: codeFrequency, Msg: why, Class: bot.ClassBackoff, Wait: wait}
}

// shut closes a gate, of a path or a robot, after WeCom has refused it as too frequent, and returns for how long.
// Calls that were under way together count as one refusal.
func (l *limits) shut(name, msg string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, now := l.gate(name, func() []quota { return quotasOf(name) }), l.now()
	if wait := g.openAt.Sub(now); wait > 0 {
		return wait
	}
	wait := closedFor(msg, g.refusals)
	g.refusals++
	g.openAt = now.Add(wait)
	return wait
}

// closedFor reads the window out of WeCom's words where they name one. They are not much
// to go by ("daily quota" is said of minutes, too), so the rest is found out by trying:
// after a minute, then ever more rarely. Nothing is closed longer than an hour at a time,
// because one call an hour is a cheap question and a day in silence is not.
func closedFor(msg string, refusals int) time.Duration {
	msg = strings.ToLower(msg)
	for _, long := range []string{"hour", "per day", "a day", "one day", "month"} {
		if strings.Contains(msg, long) {
			return closedHour
		}
	}
	wait := closedMinute
	for range min(refusals, 3) {
		wait *= closedGrowth
	}
	return min(wait, closedHour)
}

// open notes that WeCom has served a path again.
func (l *limits) open(op string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.gates[op]; g != nil {
		g.refusals = 0
	}
}

// turnstiles bounds the reads that run at once, kind by kind.
type turnstiles map[string]chan struct{}

func newTurnstiles() turnstiles {
	t := turnstiles{}
	for _, op := range []string{
		opFollowUsers, opContact, opChats, opChat, opStaff,
		opMassList, opMassTasks, opMassResults,
	} {
		t[op] = make(chan struct{}, readsAtOnce)
	}
	return t
}

// enter waits for a turn and returns how to give it back.
func (t turnstiles) enter(ctx context.Context, op string) (leave func(), err error) {
	slots, bounded := t[op]
	if !bounded {
		return func() {}, nil
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

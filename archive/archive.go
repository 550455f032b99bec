package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// How the archive goes about its work.
const (
	// window is how many messages may be pulled and not answered for. While one is held up,
	// others go on, but the position stays before it.
	window = 4 * MaxPull
	// posters is how many groups are posted for at once.
	posters = 8
	// minBackoff and maxBackoff are the waits after a failure.
	minBackoff = time.Second
	maxBackoff = time.Minute
	// maxTries is how often the feed may fail at one message while it takes others.
	maxTries = 12
	// manyRefused refusals without one acceptance are the feed's fault, not the messages'.
	manyRefused = 20
	// keeps is how long WeCom has messages, and late is when nobody may overlook any more that
	// they are not fetched.
	keeps = 5 * 24 * time.Hour
	late  = 4 * 24 * time.Hour
	// restEvery is how often the position is written while nothing comes.
	restEvery = 5 * time.Minute
)

// Config is what an Archive works with.
type Config struct {
	Source Source
	// Keys reads the private keys; it is asked again when one is missing.
	Keys  func() (*Keys, error)
	Feed  *Feed
	State *State
	// ConsentRequired leaves out customers who are not known to have agreed.
	ConsentRequired bool
	// Pictures has pictures fetched and passed on: advertisers put their codes on them.
	Pictures bool
	// FromSeq, if not nil, is where to begin in place of the position.
	FromSeq  *uint64
	Interval time.Duration
	Now      func() time.Time
	Wait     func(context.Context, time.Duration) error
	Jitter   func() float64 // in [0,1)
	Log      *slog.Logger
	// DryRun counts and posts nothing.
	DryRun bool
}

// Archive brings messages from WeCom's archive to the feed. One goroutine works it; Status
// may be asked by others.
type Archive struct {
	Config
	board
	keys     *Keys
	works    map[uint32]bool // keys that have opened something
	consents *consents
	media    sync.Mutex // held while a picture is fetched

	pulled   uint64 // the newest record that was pulled
	next     time.Time
	until    time.Time // when a look last showed that there was no more
	lost     time.Time // the until whose gap was said
	window   []*pending
	accepted int64 // by the feed, ever
	failures int   // steps that failed one after the other
	saved    time.Time
}

// pending is a record that was pulled and is not answered for.
type pending struct {
	seq   uint64
	kind  string // of the archive
	at    time.Time
	post  *Post    // a message to post
	file  string   // its picture at WeCom
	word  *consent // a word about the archive to tell
	done  bool
	tries int
	since int64 // acceptances when it first failed
	got   *reply
	no    *refusal // what could not be opened
}

// New returns an Archive that goes on where the state directory says.
func New(c Config) (*Archive, error) {
	a := &Archive{Config: c, works: map[uint32]bool{}}
	var err error
	if a.keys, err = c.Keys(); err != nil {
		return nil, err
	}
	if a.consents, err = openConsents(c.State); err != nil {
		return nil, err
	}
	p := c.State.Position()
	if c.FromSeq != nil {
		p.Seq = *c.FromSeq
		p.Until = time.Time{}
		a.Log.Warn("the position is set by hand", "seq", p.Seq, "was", c.State.Position().Seq)
		if err := c.State.save(p); err != nil {
			return nil, err
		}
	}
	a.pulled, a.until = p.Seq, p.Until
	a.board.position(p, 0)
	return a, nil
}

// gap says what is lost, once. Nobody can bring it back.
func (a *Archive) gap(to time.Time) {
	from := a.until
	if from.Equal(a.lost) && !from.IsZero() {
		return
	}
	a.lost = from
	a.Log.Error("企业微信只保留5天,这段时间的消息已无法取得 / WeCom keeps messages for 5 days; those of this time cannot be had any more", "from", from.UTC(), "to", to.UTC())
}

// Status tells how things are going.
func (a *Archive) Status() Status { return a.board.status() }

// Run works until ctx ends; posts that are under way are finished then.
func (a *Archive) Run(ctx context.Context) {
	for ctx.Err() == nil {
		more, err := a.Step(ctx)
		wait := a.Interval
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = a.backoff(err)
			a.complain(err, wait)
		case more:
			continue
		}
		if a.Wait(ctx, wait) != nil {
			return
		}
	}
}

// Once works until nothing is left. It gives up after some failures in a row.
func (a *Archive) Once(ctx context.Context) error {
	const most = 5
	for a.failures = 0; ; {
		more, err := a.Step(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && a.failures >= most:
			return err
		case err != nil:
			wait := a.backoff(err)
			a.complain(err, wait)
			if err := a.Wait(ctx, wait); err != nil {
				return err
			}
		case !more:
			return nil
		}
	}
}

// held is a failure of the feed, with the wait it asked for.
type held struct {
	words string
	wait  time.Duration
}

func (h *held) Error() string { return "feed: " + h.words }

// backoff doubles with every failure; the jitter keeps it from beating with something else.
func (a *Archive) backoff(err error) time.Duration {
	wait := min(minBackoff<<min(a.failures-1, 10), maxBackoff)
	wait += time.Duration(float64(wait) * a.Jitter() / 4)
	if h := (*held)(nil); errors.As(err, &h) {
		wait = max(wait, h.wait)
	}
	return wait
}

// complain says what is wrong and how much time is left, louder when it is short.
func (a *Archive) complain(err error, wait time.Duration) {
	now, level := a.Now(), slog.LevelWarn
	args := []any{"error", err, "again_in", wait.Round(time.Millisecond), "waiting", len(a.window)}
	if oldest := a.oldest(); !oldest.IsZero() {
		behind := now.Sub(oldest)
		args = append(args, "behind", behind.Round(time.Second), "time_left", max(keeps-behind, 0).Round(time.Second))
		if behind > late {
			level = slog.LevelError
		}
	}
	a.Log.Log(context.Background(), level, "会话存档停滞,超过5天的消息将丢失 / the archive is held up; messages are lost after 5 days", args...)
}

// oldest is a time before which nothing is left over.
func (a *Archive) oldest() time.Time {
	for _, p := range a.window {
		if !p.done && !p.at.IsZero() {
			return p.at
		}
	}
	return a.until
}

// Step pulls once, if there is room, posts what waits, and moves the position. more tells that
// the next step has something to do at once. What failed is tried again by the next step.
func (a *Archive) Step(ctx context.Context) (more bool, err error) {
	more, pullErr := a.pull(ctx)
	postErr := a.deliver(ctx)
	saveErr := a.advance(pullErr == nil && !more)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	err = errors.Join(pullErr, postErr, saveErr)
	a.board.problem(err, a.Now())
	if err != nil {
		a.failures++
		return false, err
	}
	a.failures = 0
	return more, nil
}

// pull fetches records behind the newest one. more tells that there may be others behind them:
// only an empty answer shows that there are none.
func (a *Archive) pull(ctx context.Context) (more bool, err error) {
	if len(a.window) > window-MaxPull {
		return true, nil
	}
	if err := a.pace(ctx); err != nil {
		return false, err
	}
	asked := a.Now()
	recs, err := a.Source.Pull(ctx, a.pulled, MaxPull)
	if sdk := (*SDKError)(nil); errors.As(err, &sdk) && sdk.Code == codeExpired && a.pulled > 0 {
		// What comes after the position is gone. From 0 on, WeCom begins with the oldest it has.
		a.gap(asked.Add(-keeps))
		recs, err = a.Source.Pull(ctx, 0, MaxPull)
	}
	if err != nil {
		return false, fmt.Errorf("pull: %w", err)
	}
	if !a.until.IsZero() && asked.Sub(a.until) > keeps {
		a.gap(asked.Add(-keeps))
	}
	recs = slices.DeleteFunc(recs, func(r Record) bool { return r.Seq <= a.pulled })
	slices.SortStableFunc(recs, func(x, y Record) int { return cmp.Compare(x.Seq, y.Seq) })
	recs = slices.CompactFunc(recs, func(x, y Record) bool { return x.Seq == y.Seq })
	if len(recs) == 0 {
		a.until = asked
		return false, nil
	}
	return true, a.take(recs)
}

// pace keeps the calls of WeCom's library apart.
func (a *Archive) pace(ctx context.Context) error {
	now := a.Now()
	if wait := a.next.Sub(now); wait > 0 {
		if err := a.Wait(ctx, wait); err != nil {
			return err
		}
	}
	a.next = a.Now().Add(time.Minute / callsPerMinute)
	return nil
}

// advance moves the position over what has been answered for, and writes it down. rest tells
// that WeCom has no more.
func (a *Archive) advance(rest bool) error {
	if err := a.consents.flush(); err != nil {
		return err
	}
	done := 0
	for done < len(a.window) && a.window[done].done {
		done++
	}
	p, left := a.State.Position(), a.window[done:]
	moved := done > 0
	switch idle := rest && len(left) == 0; {
	case idle:
		p.Until = a.until
		moved = moved || a.Now().Sub(a.saved) >= restEvery
	case len(left) > 0:
		p.Until = left[0].at
	case moved:
		p.Until = a.window[done-1].at
	}
	if moved {
		p.Seq = max(p.Seq, a.lastOf(done))
	}
	if moved {
		if err := a.State.save(p); err != nil {
			return err
		}
		a.saved = a.Now()
	}
	if done > 0 {
		a.Log.Info("position", "seq", p.Seq, "records", done, "waiting", len(left))
	}
	a.window = slices.Clone(left)
	a.board.position(p, len(left))
	return nil
}

// lastOf is the sequence number of the last of so many records of the window; 0 without any.
func (a *Archive) lastOf(done int) uint64 {
	if done == 0 {
		return 0
	}
	return a.window[done-1].seq
}

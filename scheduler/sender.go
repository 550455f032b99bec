package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"xiaobu/bot"
	"xiaobu/pump"
	"xiaobu/store"
)

// The sender's limits.
const (
	sendTimeout = 30 * time.Second // for one attempt
	sendLease   = 60 * time.Second // well above it: a lease that runs out means a dead sender
	maxTries    = 8                // of an action that is refused for the moment
	fixPause    = 5 * time.Minute  // while a person has to act
	tokenPause  = time.Minute
	askPause    = 2 * time.Second // before the platform is asked about an unknown outcome
	maxAskPause = 5 * time.Minute
	maxAsked    = 60 // then a person has to look
	settleTries = 5
	urgent      = time.Minute // an action with so little time left is tried again quickly
)

// Performer does one kind of action.
type Performer interface {
	ActionKind() string
	// Perform calls the platform, outside any transaction.
	Perform(ctx context.Context, a store.Action) (result any, err error)
	// Record takes facts along with the action's outcome, in one transaction with it.
	Record(tx *store.Tx, a store.Action, o store.Outcome) error
}

// Finder is a Performer that can ask the platform whether an attempt that was cut off was
// carried out after all. Not found means that it certainly was not, or that doing it twice
// shows once; an error that nobody can tell yet, or with bot.ErrUntraceable, ever.
type Finder interface {
	Find(ctx context.Context, a store.Action) (result any, found bool, err error)
}

// Sender is the outbox pump: it performs actions when they are due and never guesses about
// an outcome it does not know.
type Sender struct {
	c      SenderConfig
	claims atomic.Int64
	kinds  map[string]Performer
	pumps  pump.Group
}

// SenderConfig is what a Sender needs.
type SenderConfig struct {
	Store  *store.Store
	Now    func() time.Time
	Log    *slog.Logger
	Jitter func() float64 // in [0,1); spreads retries
	Owner  string         // unique for this process
	// Serial performs one action of a kind at a time.
	Serial bool
	// Seen is told of every outcome. May be nil.
	Seen func(kind, state string)
}

// NewSender returns a Sender that performs nothing yet.
func NewSender(c SenderConfig) *Sender {
	if c.Seen == nil {
		c.Seen = func(string, string) {}
	}
	return &Sender{c: c, kinds: map[string]Performer{}}
}

// Perform registers who performs a kind of action, so many at once. Kinds registered first
// go first.
func (s *Sender) Perform(p Performer, workers int) {
	kind := p.ActionKind()
	if s.c.Serial {
		workers = 1
	}
	s.kinds[kind] = p
	s.pumps = append(s.pumps, &pump.Pump{
		Name: "send " + kind, Log: s.c.Log, Now: s.c.Now, Workers: workers,
		Claim: func(ctx context.Context, n int) ([]func(context.Context), error) { return s.claim(ctx, kind, n) },
		Next:  func(ctx context.Context) (time.Time, bool, error) { return s.c.Store.Read(ctx).NextAction(kind) },
	})
}

// Drain performs everything that is due now and returns how much that was.
func (s *Sender) Drain(ctx context.Context) (int, error) {
	total := 0
	for {
		// One look for all kinds: most of the time nothing is due.
		if due, err := s.c.Store.Read(ctx).ActionDue(s.c.Now()); err != nil || !due {
			return total, err
		}
		n, err := s.pumps.Drain(ctx)
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
}

// NextDue returns when there will be something to do.
func (s *Sender) NextDue(ctx context.Context) (time.Time, bool, error) {
	return s.c.Store.Read(ctx).NextActionOfAll()
}

// Run performs whatever falls due, until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-s.c.Store.OutboxWake():
				s.pumps.Poke()
			}
		}
	})
	s.pumps.Run(ctx)
	wg.Wait()
}

// claim takes due actions, after those of dead senders have been given back.
func (s *Sender) claim(ctx context.Context, kind string, n int) ([]func(context.Context), error) {
	if err := s.reap(ctx); err != nil {
		return nil, err
	}
	owner := fmt.Sprintf("%s-%d", s.c.Owner, s.claims.Add(1))
	actions, err := s.c.Store.ClaimActions(ctx, kind, owner, n, sendLease)
	if err != nil {
		return nil, err
	}
	work := make([]func(context.Context), len(actions))
	for i, a := range actions {
		work[i] = func(ctx context.Context) { s.send(ctx, a) }
	}
	return work, nil
}

// reap gives back what dead senders held. What they left unknown is recorded like any
// other unknown outcome.
func (s *Sender) reap(ctx context.Context) error {
	overdue, err := s.c.Store.Read(ctx).SendingOverdue(s.c.Now())
	if err != nil || !overdue {
		return err
	}
	return s.c.Store.Tx(ctx, func(tx *store.Tx) error {
		unknown, err := tx.ReapActions()
		if err != nil {
			return err
		}
		for _, a := range unknown {
			p, ok := s.kinds[a.Kind]
			if !ok {
				continue
			}
			s.c.Log.Warn("a call was cut off by the end of the process", "action", a.Key)
			if err := p.Record(tx, a, store.Outcome{State: store.ActionUnknown, Error: a.Error}); err != nil {
				return err
			}
		}
		return nil
	})
}

// send performs one claimed action and records what became of it.
func (s *Sender) send(ctx context.Context, a store.Action) {
	p := s.kinds[a.Kind]
	var o store.Outcome
	deadline, limited := a.Expires()
	late := limited && !deadline.After(s.c.Now())
	switch {
	case a.State == store.ActionUnknown:
		o = s.ask(ctx, p, a, late)
	case late:
		o = store.Outcome{State: store.ActionExpired, Code: a.Code, Error: expired(a)}
	default:
		o = s.perform(ctx, p, a)
	}
	s.settle(ctx, p, a, o)
}

// expired says what was in the way until an action's time was over.
func expired(a store.Action) string {
	if a.Error == "" {
		return "its time was over"
	}
	return "its time was over; before that: " + a.Error
}

func (s *Sender) perform(ctx context.Context, p Performer, a store.Action) store.Outcome {
	limit := sendTimeout
	if deadline, ok := a.Expires(); ok {
		limit = min(limit, deadline.Sub(s.c.Now()))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var result any
	err := pump.Recovered(func() (err error) {
		result, err = p.Perform(ctx, a)
		return err
	})
	if err == nil {
		return store.Outcome{State: store.ActionSent, Result: result}
	}
	o := s.judge(a, err)
	o.Error = err.Error()
	var api *bot.APIError
	if errors.As(err, &api) {
		o.Code = api.Code
	}
	if o.State != store.ActionSent {
		s.c.Log.Warn("action not performed", "action", a.Key, "state", o.State, "attempts", a.Attempts, "error", err)
	}
	return o
}

// judge says what an error means for the action.
func (s *Sender) judge(a store.Action, err error) store.Outcome {
	now := s.c.Now()
	switch bot.ClassOf(err) {
	case bot.ClassDone:
		return store.Outcome{State: store.ActionSent}
	case bot.ClassGone, bot.ClassGiveUp:
		return store.Outcome{State: store.ActionFailed}
	case bot.ClassBackoff:
		return store.Outcome{State: store.ActionPending, DueAt: now.Add(max(bot.WaitOf(err), time.Second)), Free: true}
	case bot.ClassFix:
		return store.Outcome{State: store.ActionPending, DueAt: now.Add(fixPause), Free: true}
	case bot.ClassToken:
		return store.Outcome{State: store.ActionPending, DueAt: now.Add(tokenPause), Free: true}
	case bot.ClassRetry:
		if a.Attempts >= maxTries {
			return store.Outcome{State: store.ActionFailed}
		}
		return store.Outcome{State: store.ActionPending, DueAt: now.Add(s.backoff(a))}
	}
	// Nobody knows whether the call was carried out.
	if bot.RetryRule(a.Retry) == bot.RetrySafe {
		if a.Attempts >= maxTries {
			return store.Outcome{State: store.ActionFailed}
		}
		return store.Outcome{State: store.ActionPending, DueAt: now.Add(s.backoff(a))}
	}
	return store.Outcome{State: store.ActionUnknown, DueAt: now.Add(askPause)}
}

// backoff is 1 s, 4 s, 16 s …, a fifth more or less; where little time is left, fractions
// of that.
func (s *Sender) backoff(a store.Action) time.Duration {
	spread := 0.8 + 0.4*s.c.Jitter()
	if deadline, ok := a.Expires(); ok && deadline.Sub(s.c.Now()) < urgent {
		return time.Duration(math.Pow(2, float64(a.Attempts-1)) * spread * 250 * float64(time.Millisecond))
	}
	return time.Duration(math.Pow(4, float64(min(a.Attempts, 6)-1)) * spread * float64(time.Second))
}

// ask finds out what became of an attempt that was cut off.
func (s *Sender) ask(ctx context.Context, p Performer, a store.Action, late bool) store.Outcome {
	f, ok := p.(Finder)
	if !ok || a.Asked >= maxAsked {
		return s.leave(a)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	var result any
	var found bool
	err := pump.Recovered(func() (err error) {
		result, found, err = f.Find(ctx, a)
		return err
	})
	switch {
	case errors.Is(err, bot.ErrUntraceable):
		return s.leave(a)
	case err != nil:
		pause := min(askPause<<min(a.Asked, 10), maxAskPause)
		var early *bot.TooEarly
		if errors.As(err, &early) {
			// Asked in time the first time; one that is cut off again and again may wait.
			pause = max(early.Wait, min(askPause<<min(a.Attempts-1, 10), maxAskPause))
		}
		pause = max(pause, bot.WaitOf(err))
		s.c.Log.Info("outcome still unknown", "action", a.Key, "asked", a.Asked+1, "error", err)
		return store.Outcome{State: store.ActionUnknown, DueAt: s.c.Now().Add(pause), Asked: true, Error: a.Error}
	case found:
		s.c.Log.Info("a call that was cut off had been carried out", "action", a.Key)
		return store.Outcome{State: store.ActionSent, Result: result, Asked: true}
	case late:
		return store.Outcome{State: store.ActionExpired, Asked: true, Error: a.Error}
	}
	s.c.Log.Info("a call that was cut off had not been carried out", "action", a.Key)
	return store.Outcome{State: store.ActionPending, DueAt: s.c.Now(), Asked: true}
}

// leave keeps an unknown outcome for a person to see, and asks no more.
func (s *Sender) leave(a store.Action) store.Outcome {
	return store.Outcome{State: store.ActionUnknown, DueAt: s.c.Now().AddDate(100, 0, 0), Error: a.Error, Left: true}
}

// settle writes the outcome and its facts in one transaction. Facts that changed under it
// are read again; an outcome that cannot be written at all is found out about later, when
// the lease has run out.
func (s *Sender) settle(ctx context.Context, p Performer, a store.Action, o store.Outcome) {
	ctx = context.WithoutCancel(ctx)
	var err error
	for range settleTries {
		err = s.c.Store.Tx(ctx, func(tx *store.Tx) error {
			if err := tx.Settle(a, o); err != nil {
				return err
			}
			return p.Record(tx, a, o)
		})
		if !errors.Is(err, store.ErrStale) {
			break
		}
	}
	if err != nil {
		s.c.Log.Error("record an outcome", "action", a.Key, "state", o.State, "error", err)
		return
	}
	s.c.Seen(a.Kind, o.State)
}

package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

var start = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func setup(t *testing.T) (*store.Store, *clock) {
	t.Helper()
	c := &clock{t: start}
	s, err := store.OpenScratch(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), c.now)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s, c
}

// act is an action; its performer does what the script says.
type act struct {
	Name string        `json:"name"`
	Rule bot.RetryRule `json:"rule"`
}

func (a act) ActionKind() string   { return "act" }
func (a act) ActionKey() string    { return a.Name }
func (a act) Retry() bot.RetryRule { return a.Rule }

type script struct {
	perform  []error // of each attempt in turn; beyond the end: success
	find     func() (bool, error)
	attempts int
	outcomes []string
}

func (s *script) ActionKind() string { return "act" }

func (s *script) Perform(context.Context, store.Action) (any, error) {
	s.attempts++
	if s.attempts <= len(s.perform) {
		return nil, s.perform[s.attempts-1]
	}
	return "ok", nil
}

func (s *script) Record(_ *store.Tx, _ store.Action, o store.Outcome) error {
	s.outcomes = append(s.outcomes, o.State)
	return nil
}

func (s *script) Find(context.Context, store.Action) (any, bool, error) {
	found, err := s.find()
	return "found", found, err
}

func sender(s *store.Store, c *clock, p Performer) *Sender {
	snd := NewSender(SenderConfig{Store: s, Now: c.now, Log: slog.New(slog.DiscardHandler), Jitter: func() float64 { return 0.5 }, Owner: "test", Serial: true})
	snd.Perform(p, 4)
	return snd
}

func enqueue(t *testing.T, s *store.Store, a act, w store.When) {
	t.Helper()
	must(t, s.Tx(context.Background(), func(tx *store.Tx) error { _, err := tx.Enqueue(a, w); return err }))
}

// settle lets time go by until the action has a state that stays.
func settle(t *testing.T, s *store.Store, c *clock, snd *Sender, key string) store.Action {
	t.Helper()
	ctx := context.Background()
	for range 500 {
		_, err := snd.Drain(ctx)
		must(t, err)
		at, ok, err := snd.NextDue(ctx)
		must(t, err)
		if !ok || at.Sub(c.now()) > 24*time.Hour {
			break
		}
		c.add(max(at.Sub(c.now()), 0))
	}
	a, err := s.Read(ctx).ActionByKey(key)
	must(t, err)
	return a
}

func refused(class bot.Class) error { return &bot.APIError{Op: "op", Code: 1, Class: class} }

func TestWhatARefusalMeansForAnAction(t *testing.T) {
	unknown := &bot.UnknownError{Op: "op", Err: errors.New("cut off")}
	for name, tc := range map[string]struct {
		rule     bot.RetryRule
		errs     []error
		state    string
		attempts int
	}{
		"success":                     {bot.RetryNever, nil, store.ActionSent, 1},
		"busy, then success":          {bot.RetryNever, []error{refused(bot.ClassRetry), refused(bot.ClassRetry)}, store.ActionSent, 3},
		"done already":                {bot.RetryNever, []error{refused(bot.ClassDone)}, store.ActionSent, 1},
		"gone":                        {bot.RetrySafe, []error{refused(bot.ClassGone)}, store.ActionFailed, 1},
		"refused for good":            {bot.RetrySafe, []error{refused(bot.ClassGiveUp)}, store.ActionFailed, 1},
		"a limit, then success":       {bot.RetryNever, []error{&bot.APIError{Class: bot.ClassBackoff, Wait: time.Hour}}, store.ActionSent, 2},
		"an operator must act":        {bot.RetryNever, []error{refused(bot.ClassFix), refused(bot.ClassFix)}, store.ActionSent, 3},
		"cut off, may be repeated":    {bot.RetrySafe, []error{unknown}, store.ActionSent, 2},
		"cut off, must not be":        {bot.RetryNever, []error{unknown}, store.ActionUnknown, 1},
		"an error of nobody knows":    {bot.RetryNever, []error{errors.New("surprise")}, store.ActionUnknown, 1},
		"busy for ever":               {bot.RetrySafe, repeat(refused(bot.ClassRetry), 20), store.ActionFailed, maxTries},
		"cut off for ever, repeating": {bot.RetrySafe, repeat(unknown, 20), store.ActionFailed, maxTries},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := setup(t)
			p := &script{perform: tc.errs}
			enqueue(t, s, act{"a", tc.rule}, store.When{})
			a := settle(t, s, c, sender(s, c, p), "a")
			if a.State != tc.state || p.attempts != tc.attempts {
				t.Errorf("%s after %d attempts, want %s after %d", a.State, p.attempts, tc.state, tc.attempts)
			}
			if last := p.outcomes[len(p.outcomes)-1]; last != tc.state {
				t.Errorf("recorded %v", p.outcomes)
			}
		})
	}
}

func repeat(err error, n int) []error {
	out := make([]error, n)
	for i := range out {
		out[i] = err
	}
	return out
}

// A mass message that was cut off is made again only after WeCom has said that it is not there.
func TestAnUnsureActionIsAskedAbout(t *testing.T) {
	unknown := &bot.UnknownError{Op: "op", Err: errors.New("cut off")}
	for name, tc := range map[string]struct {
		answers  []any // bool: found or not; error: cannot tell
		state    string
		attempts int
	}{
		"it is there":                        {[]any{true}, store.ActionSent, 1},
		"it is not there":                    {[]any{false}, store.ActionSent, 2},
		"nobody can tell, then it is there":  {[]any{errors.New("too early"), errors.New("busy"), true}, store.ActionSent, 1},
		"nobody can ever tell: it stays put": {[]any{errors.New("never")}, store.ActionUnknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := setup(t)
			asked := 0
			p := &script{perform: []error{unknown}}
			p.find = func() (bool, error) {
				answer := tc.answers[min(asked, len(tc.answers)-1)]
				asked++
				if err, ok := answer.(error); ok {
					return false, err
				}
				return answer.(bool), nil
			}
			enqueue(t, s, act{"a", bot.RetryUnsure}, store.When{})
			a := settle(t, s, c, sender(s, c, p), "a")
			if a.State != tc.state || p.attempts != tc.attempts {
				t.Errorf("%s after %d attempts, want %s after %d", a.State, p.attempts, tc.state, tc.attempts)
			}
		})
	}
}

func TestNothingIsSentAfterItsDeadline(t *testing.T) {
	s, c := setup(t)
	p := &script{perform: repeat(refused(bot.ClassRetry), 100)}
	enqueue(t, s, act{"a", bot.RetryNever}, store.When{Deadline: start.Add(20 * time.Second)})
	a := settle(t, s, c, sender(s, c, p), "a")
	if a.State != store.ActionExpired && a.State != store.ActionFailed {
		t.Errorf("state %s", a.State)
	}
	if c.now().Sub(start) > time.Minute {
		t.Errorf("given up after %v", c.now().Sub(start))
	}
}

func TestADeadSendersCallIsUnknownAndFoundOutAbout(t *testing.T) {
	s, c := setup(t)
	ctx := context.Background()
	enqueue(t, s, act{"a", bot.RetryUnsure}, store.When{})
	_, err := s.ClaimActions(ctx, "act", "dead", 1, sendLease) // claims, and dies in the call
	must(t, err)
	p := &script{find: func() (bool, error) { return true, nil }}
	a := settle(t, s, c, sender(s, c, p), "a")
	if a.State != store.ActionSent || p.attempts != 0 {
		// The lease has to run out first.
		c.add(sendLease)
		a = settle(t, s, c, sender(s, c, p), "a")
	}
	if a.State != store.ActionSent || p.attempts != 0 || a.Result != `"found"` {
		t.Errorf("%+v after %d attempts", a, p.attempts)
	}
}

func TestAJobWhoseTimeCannotBeReadIsRefused(t *testing.T) {
	s, c := setup(t)
	if err := runner(s, c).Job(Job{Name: "nightly", Spec: "0 0 30 2 *", Zone: time.UTC}); err == nil || !strings.Contains(err.Error(), "nightly") {
		t.Errorf("got %v", err)
	}
}

func runner(s *store.Store, c *clock) *Runner {
	return NewRunner(s, c.now, "test", slog.New(slog.DiscardHandler))
}

func nightly(catchUp CatchUp, run func(time.Time) error) Job {
	return Job{Name: "nightly", Spec: "17 3 * * *", Zone: time.UTC, CatchUp: catchUp, Run: func(_ context.Context, slot time.Time) error { return run(slot) }}
}

// tick moves the clock from due to due until the end.
func tick(t *testing.T, c *clock, r *Runner, d time.Duration) {
	t.Helper()
	ctx := context.Background()
	end := c.now().Add(d)
	for {
		_, err := r.Tick(ctx)
		must(t, err)
		at, ok, err := r.NextDue(ctx)
		must(t, err)
		if !ok || at.After(end) {
			break
		}
		c.add(max(at.Sub(c.now()), 0))
	}
	c.add(end.Sub(c.now()))
}

func TestAJobKeepsEachAppointmentOnce(t *testing.T) {
	s, c := setup(t)
	var kept []time.Time
	r := runner(s, c)
	must(t, r.Job(nightly(Once, func(slot time.Time) error { kept = append(kept, slot); return nil })))
	tick(t, c, r, 72*time.Hour)
	if len(kept) != 3 || kept[0].Hour() != 3 || kept[0].Minute() != 17 {
		t.Errorf("kept %v", kept)
	}
}

func TestAMissedAppointmentIsCaughtUpOnceOrSkipped(t *testing.T) {
	for catchUp, want := range map[CatchUp]int{Once: 2, Skip: 1} {
		s, c := setup(t)
		kept := 0
		job := nightly(catchUp, func(time.Time) error { kept++; return nil })
		r := runner(s, c)
		must(t, r.Job(job))
		tick(t, c, r, 24*time.Hour)
		c.add(5 * 24 * time.Hour) // the process is down
		r = runner(s, c)
		must(t, r.Job(job))
		_, err := r.Tick(context.Background())
		must(t, err)
		if kept != want {
			t.Errorf("catch up %v: kept %d, want %d", catchUp, kept, want)
		}
	}
}

func TestAJobThatFailsOrPanicsIsTriedAgainAndThenGivenUp(t *testing.T) {
	s, c := setup(t)
	tries := 0
	r := runner(s, c)
	must(t, r.Job(nightly(Once, func(time.Time) error {
		tries++
		if tries%2 == 0 {
			panic("boom")
		}
		return errors.New("broken")
	})))
	tick(t, c, r, 23*time.Hour)
	last, err := s.Read(context.Background()).LastSlot("nightly")
	must(t, err)
	if tries != maxSlotTries || last.State != store.SlotFailed || last.Error == "" {
		t.Errorf("%d tries, slot %+v", tries, last)
	}
}

func TestAnAppointmentOfADeadProcessIsTakenOver(t *testing.T) {
	s, c := setup(t)
	slot := time.Date(2026, 11, 23, 3, 17, 0, 0, time.UTC)
	c.add(slot.Sub(start))
	must(t, s.Tx(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ClaimSlot("nightly", slot, "", "dead", slotLease)
		return err
	}))
	var kept []time.Time
	r := runner(s, c)
	must(t, r.Job(nightly(Once, func(at time.Time) error { kept = append(kept, at); return nil })))
	tick(t, c, r, 2*time.Hour)
	if len(kept) != 1 || !kept[0].Equal(slot) {
		t.Errorf("kept %v", kept)
	}
}

func TestADutyThatFailsLeavesTheOthersAlone(t *testing.T) {
	s, c := setup(t)
	bad, good := 0, 0
	r := runner(s, c)
	now := func(context.Context) (time.Time, bool, error) { return start, true, nil }
	r.Duty(Duty{Name: "bad", Next: now, Run: func(context.Context) error { bad++; panic("boom") }})
	r.Duty(Duty{Name: "good", Next: func(context.Context) (time.Time, bool, error) { return start, good == 0, nil },
		Run: func(context.Context) error { good++; return nil }})
	for range 5 {
		_, err := r.Tick(context.Background())
		must(t, err)
	}
	if bad != 1 || good != 1 {
		t.Errorf("bad ran %d times, good %d; want 1 and 1", bad, good)
	}
	c.add(dutyRest)
	_, err := r.Tick(context.Background())
	must(t, err)
	if bad != 2 {
		t.Errorf("after its rest bad ran %d times, want 2", bad)
	}
}

// Starting and stopping from many sides at once must end, and nothing may run on.
func TestRunEndsWithItsContext(t *testing.T) {
	s, _ := setup(t)
	c := &clock{t: start}
	p := &script{}
	snd := sender(s, c, p)
	r := runner(s, c)
	r.Duty(Duty{Name: "idle", Next: func(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }, Run: func(context.Context) error { return nil }})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { snd.Run(ctx) })
	wg.Go(func() { r.Run(ctx) })
	enqueue(t, s, act{"a", bot.RetrySafe}, store.When{})
	for {
		a, err := s.Read(context.Background()).ActionByKey("a")
		must(t, err)
		if a.State == store.ActionSent {
			break
		}
	}
	cancel()
	wg.Wait()
}

package rehearse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"xiaobu/app"
	"xiaobu/configs"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// Limits of a rehearsal.
const (
	MaxDays = 31
	// MaxLead is how far after the last entry of the books the first day may be: the time
	// between has to be lived through as well.
	MaxLead = 31 * 24 * time.Hour
)

// Ways in which owners confirm their tasks.
const (
	ConfirmPast = "past" // as they did so far
	ConfirmAll  = "all"
	ConfirmNone = "none"
)

// FromPast stands for a rate that is taken from the past.
const FromPast = -1.0

// Options say what is rehearsed.
type Options struct {
	Config configs.Config // Database is only read; of WeCom only CorpID, AgentID and Settle are used
	From   time.Time      // 00:00 of the first day in Config.Timezone
	Days   int            // 1 to MaxDays
	Seed   uint64
	// Confirm is one of the Confirm constants. JoinsPerDay is how many join each group a
	// day; LeaveRate which part of a group's customers, 0 to 1, leaves it a day. FromPast
	// takes either from the past four weeks.
	Confirm     string
	JoinsPerDay float64
	LeaveRate   float64
	Dir         string // an empty folder for the copy, which the caller removes
	Version     string
	// Progress is told how much of the time is over and where it stands. May be nil.
	Progress func(part float64, at time.Time)
}

// Mistake says that a rehearsal was asked for that cannot be.
type Mistake struct{ Detail string }

func (m *Mistake) Error() string { return m.Detail }

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

// to moves on to a later moment; an earlier one changes nothing.
func (c *clock) to(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.t) {
		c.t = t
	}
}

// begin sets the clock, also back.
func (c *clock) begin(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// stage is a rehearsal under way.
type stage struct {
	o      Options
	clock  *clock
	asOf   time.Time // the last entry of the books
	to     time.Time // after the last day
	left   store.LeftOut
	past   past
	box    *sandbox.Sandbox
	app    *app.App
	people *people
	ear    *inside        // where the sandbox delivers callbacks
	before map[string]int // mass messages by group in the first month, before the first day
}

// Run rehearses. A Mistake says what is wrong with the options; store.ErrNoDatabase and
// store.ErrNewer are inside the error where they apply.
func Run(ctx context.Context, o Options) (*Report, error) {
	s := &stage{o: o, clock: &clock{}, ear: &inside{}, to: o.From.AddDate(0, 0, o.Days)}
	if o.Days < 1 || o.Days > MaxDays {
		return nil, &Mistake{fmt.Sprintf("days is %d, want 1 to %d", o.Days, MaxDays)}
	}
	file := filepath.Join(o.Dir, "copy.db")
	if err := store.Copy(ctx, o.Config.Database, file); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, "sqlite:"+file); err != nil {
		return nil, err
	}
	stop, err := s.open(ctx, "sqlite:"+file)
	if err != nil {
		return nil, err
	}
	defer stop()
	s.people.plan(s.asOf, s.to)
	if err := s.live(ctx); err != nil {
		return nil, err
	}
	return s.report(ctx)
}

// prepare reads the copy, detaches it from its platform and builds the same company in a
// sandbox.
func (s *stage) prepare(ctx context.Context, dsn string) (err error) {
	s.clock.to(s.o.From) // a schema that has to be brought up to date writes nothing that counts
	st, err := store.OpenScratch(ctx, dsn, s.clock.now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	r := st.Read(ctx)
	if s.asOf, _, err = r.LastMoment(); err != nil {
		return err
	}
	if err := s.checkDates(); err != nil {
		return err
	}
	s.clock.begin(s.asOf)
	if err := st.Tx(ctx, func(tx *store.Tx) (err error) { s.left, err = tx.Detach(); return err }); err != nil {
		return err
	}
	if s.past, err = readPast(r, s.asOf); err != nil {
		return fmt.Errorf("read the past: %w", err)
	}
	w := s.o.Config.WeCom
	s.box, err = sandbox.New(sandbox.Config{Now: s.clock.now, Seed: s.o.Seed ^ ownSeeds, CorpID: w.CorpID, AgentID: w.AgentID,
		Client: &http.Client{Transport: s.ear}})
	if err != nil {
		return err
	}
	if rule := s.o.Config.WeCom.MassQuota; rule == sandbox.MassWeek || rule == sandbox.MassDay {
		if err := s.box.SetFaults(sandbox.Faults{Limits: sandbox.Limits{MassRule: rule}}); err != nil {
			return err
		}
	}
	if err := s.populate(r); err != nil {
		return fmt.Errorf("build the company: %w", err)
	}
	s.people = newPeople(s)
	return nil
}

// checkDates makes sure that the days lie ahead of the books, and not too far.
func (s *stage) checkDates() error {
	zone := s.o.Config.Timezone
	last := s.asOf.In(zone)
	next := last.AddDate(0, 0, 1).Format(time.DateOnly)
	switch {
	case !s.to.After(s.asOf):
		return &Mistake{fmt.Sprintf("the days are over: the database already knows what happened until %s; want days to come, such as --from %s", last.Format("2006-01-02 15:04"), next)}
	case s.o.From.Sub(s.asOf) > MaxLead:
		return &Mistake{fmt.Sprintf("the last entry of the database is of %s; want a day at most %d days after it, such as --from %s", last.Format("2006-01-02 15:04"), int(MaxLead.Hours()/24), next)}
	}
	return nil
}

// ownSeeds keeps the ids that the sandbox makes up apart from those of books that were kept
// against a sandbox of the same seed.
const ownSeeds = 0x7265686561727365

// Where the two sides find each other; nothing leaves the process.
const (
	platformURL = "http://wecom.rehearsal"
	callbackURL = "http://xiaobu.rehearsal/callback/wecom"
)

// open starts the bot on the copy, against the sandbox.
func (s *stage) open(ctx context.Context, dsn string) (stop func(), err error) {
	c, w := s.o.Config, s.box.Config()
	c.Database = dsn
	c.WeCom = configs.WeCom{BaseURL: platformURL, CorpID: w.CorpID, AgentID: w.AgentID, Secret: w.Secret, Token: w.Token, AESKey: w.AESKey, Settle: c.WeCom.Settle, MassQuota: c.WeCom.MassQuota}
	random := s.box.Rand("ids")
	s.app, err = app.New(ctx, app.Options{
		Config: c, Version: s.o.Version, Now: s.clock.now, Log: slog.New(slog.DiscardHandler), Serial: true, Scratch: true, Owner: "rehearsal",
		Random: func() string { return hex(random, 16) }, Jitter: func() float64 { return 0.5 },
		Transport: inside{s.box.Handler()}, Wait: func(context.Context, time.Duration) {},
	})
	if err != nil {
		return nil, err
	}
	s.ear.to = s.app.Handler()
	s.box.SetCallback(callbackURL)
	return func() { s.app.Close() }, nil
}

func hex(r *rand.Rand, n int) string {
	const digits = "0123456789ABCDEF"
	out := make([]byte, n)
	for i := range out {
		out[i] = digits[r.IntN(len(digits))]
	}
	return string(out)
}

// live moves time from one thing that is due to the next.
func (s *stage) live(ctx context.Context) error {
	for {
		if err := s.app.DrainWith(ctx, s.box); err != nil {
			return err
		}
		next, ok, err := s.app.NextDueWith(ctx, s.box)
		if err != nil {
			return err
		}
		if s.before == nil && (!ok || !next.Before(s.o.From)) {
			s.clock.to(s.o.From)
			s.countBefore()
		}
		if !ok || !next.Before(s.to) {
			break
		}
		s.clock.to(next)
		if s.o.Progress != nil {
			s.o.Progress(float64(next.Sub(s.asOf))/float64(s.to.Sub(s.asOf)), next)
		}
	}
	s.clock.to(s.to)
	return nil
}

// countBefore notes what every group has received when the first day begins.
func (s *stage) countBefore() {
	s.before = map[string]int{}
	for _, g := range s.past.chats {
		s.before[g.ChatID], _ = s.box.MassQuota(g.ChatID, s.o.From)
	}
}

// inside carries requests to a handler of this process.
type inside struct{ to http.Handler }

// RoundTrip answers a request by the handler.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	if i.to == nil {
		return nil, errors.New("nobody is there yet")
	}
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	w := &answer{header: http.Header{}, status: http.StatusOK}
	i.to.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// answer takes what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

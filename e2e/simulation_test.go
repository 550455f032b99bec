package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/sandbox"
	"xiaobu/spam"
)

var (
	seeds    = flag.Int("seeds", 60/min(slow, 6), "how many seeds the simulation lives through; CI asks for more")
	oneSeed  = flag.Int64("seed", -1, "the one seed to live through, and to tell the story of")
	seedFrom = flag.Int("from", 0, "the first of the seeds")
)

const (
	quietTime  = 27 * time.Hour // at least one night with its comparison, and every promotion once
	lastTime   = 13 * time.Hour // then an owner who does nothing is not waited for any more
	storyShown = 60             // lines of the story of a seed that failed
	maxMoments = 20_000         // of one seed; more is a bot that never comes to rest
)

// simulation is one small company that lives through some days with one bot. Everything is
// drawn from the seed; both sides, the people and the auditor take turns in one goroutine,
// and time is moved by hand.
type simulation struct {
	*rig
	test        string // that lives through it again
	seed        uint64
	rand        *rand.Rand
	dir, file   string // the database of the bot's present life
	lives       int
	line        *toBox
	skew        time.Duration // of the bot's clock
	loseAnswers float64       // probability that the answer to a callback is lost
	crashIn     int           // calls until the bot's next crash; 0: none is ordered
	crashInPost int           // callbacks until then
	crashAfter  bool
	plan        []happening
	downs       []span // when the bot was not there
	tokens      map[string]bool
	quiet       bool
	story       []told
	company     *company
	audit       *auditor
}

// span is from one moment to another.
type span struct{ from, to time.Time }

// told is a line of a story.
type told struct {
	at   time.Time
	text string
}

// happening is something that people, faults or the operator do at a time.
type happening struct {
	at time.Time
	do func()
}

// Simulation lives through as many seeds as are asked for.
func TestSimulation(t *testing.T) {
	if *oneSeed >= 0 {
		simulate(t, uint64(*oneSeed))
		return
	}
	for i := range *seeds {
		seed := uint64(*seedFrom + i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

// The same seed is the same history, to the byte.
func TestSimulationIsTheSameTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		first, second := simulate(t, seed), simulate(t, seed)
		if first != second {
			t.Errorf("seed %d: two runs have the histories %x and %x", seed, first, second)
		}
	}
}

// simulate lives through one seed and returns a hash of its history.
func simulate(t *testing.T, seed uint64) uint64 {
	t.Helper()
	s := newSimulation(t, seed)
	defer s.tellIfFailed()
	defer s.end()
	s.found()
	s.live()
	s.calm()
	s.audit.final()
	return s.history()
}

// sharedDetector is made once: it takes longer than many a seed.
var sharedDetector = sync.OnceValue(func() *spam.Detector { return spam.New() })

// newSimulation begins on the last day of a month, so that the month can be paid on the way.
func newSimulation(t *testing.T, seed uint64) *simulation {
	t.Helper()
	s := &simulation{test: "Simulation$", seed: seed, rand: rand.New(rand.NewPCG(seed, 3)), dir: memoryDir(t), tokens: map[string]bool{}}
	begin := monday.AddDate(0, 0, 7).Add(time.Duration(s.rand.Int64N(int64(24 * time.Hour)))).Truncate(time.Millisecond)
	s.rig = &rig{t: t, clock: &clock{t: begin}, log: &syncBuffer{}, base: botAddress}
	s.web = &http.Client{Transport: toBot{s: s, people: true}}
	if s.chance(0.3) {
		s.skew = time.Duration(s.rand.IntN(6001)-3000) * time.Millisecond
	}
	var err error
	s.box, err = sandbox.New(sandbox.Config{Now: s.clock.now, Seed: seed, Client: &http.Client{Transport: toBot{s: s}}, Wait: s.stall, Lag: s.pick(0, 0, 1, 5, 20)})
	must(t, err)
	s.box.SetCallback(botAddress + "/callback/wecom")
	s.box.SetFeed(botAddress+"/hooks/messages", feedSecret)
	s.file = filepath.Join(s.dir, "life.db")
	s.audit = newAuditor(s)
	return s
}

// pick draws one of some numbers of seconds.
func (s *simulation) pick(seconds ...int) time.Duration {
	return time.Duration(seconds[s.rand.IntN(len(seconds))]) * time.Second
}

func (s *simulation) chance(p float64) bool { return s.rand.Float64() < p }

func (s *simulation) botNow() time.Time { return s.clock.now().Add(s.skew) }

// stall lets a call of the bot take its time. Nobody waits longer than callTime.
func (s *simulation) stall(_ context.Context, d time.Duration) {
	s.clock.to(s.clock.now().Add(min(d, callTime)))
	if d >= callTime {
		panic(stalled{})
	}
}

// wake starts a life of the bot.
func (s *simulation) wake() {
	s.t.Helper()
	s.line = &toBox{s: s}
	s.conf = config(s.box.Config(), boxAddress, "sqlite:"+s.file)
	o := s.options(s.conf, s.botNow, true)
	o.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Transport, o.Detector = s.line, sharedDetector()
	o.Wait = func(_ context.Context, d time.Duration) { s.clock.to(s.clock.now().Add(d)) }
	o.Owner = fmt.Sprintf("life%d", s.lives)
	var err error
	s.app, err = app.New(context.Background(), o)
	must(s.t, err)
	s.bringIn(time.Second)
}

// bringIn has the company read, and tries again as the program does.
func (s *simulation) bringIn(wait time.Duration) {
	life := s.line
	var try func()
	try = func() {
		if s.app == nil || s.line != life || s.guard(s.app.BringIn) == nil {
			return
		}
		s.at(s.clock.now().Add(wait), try)
		wait = min(2*wait, time.Minute)
	}
	s.at(s.clock.now(), try)
}

// sleep ends a life of the bot in good order.
func (s *simulation) sleep() {
	s.t.Helper()
	if s.app == nil {
		return
	}
	must(s.t, s.app.Close())
	s.app = nil
}

// guard runs something of the bot that may meet its crash, and notices that.
func (s *simulation) guard(do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.line.cancel, s.line.crashAt, s.line.after = cancel, s.crashIn, s.crashAfter
	err := do(ctx)
	s.crashIn = s.line.crashAt
	if s.line.dead {
		s.tell("the bot crashed in a call, %s", moment(s.crashAfter))
		s.sleep()
		s.wake()
	}
	return err
}

// end closes the bot, whatever state the test is in.
func (s *simulation) end() {
	if s.app != nil {
		must(s.t, s.app.Close())
	}
}

// at plans something.
func (s *simulation) at(t time.Time, do func()) {
	i, _ := slices.BinarySearchFunc(s.plan, t, func(h happening, t time.Time) int {
		if h.at.After(t) {
			return 1
		}
		return -1
	})
	s.plan = slices.Insert(s.plan, i, happening{t, do})
}

// drain does everything that is due on both sides now. stirred says that the bot may have
// something to do even if the platform has nothing for it.
func (s *simulation) drain(stirred bool) {
	s.t.Helper()
	look := stirred
	for {
		n, err := s.box.Step(context.Background())
		must(s.t, err)
		if n == 0 && !look {
			return
		}
		look = false
		if s.app == nil {
			continue
		}
		err = s.guard(func(ctx context.Context) error { _, err := s.app.Drain(ctx); return err })
		if err != nil && !errors.Is(err, context.Canceled) {
			s.t.Fatalf("drain: %v", err)
		}
		look = err != nil // a new life begins with a look at everything
	}
}

// until lets time go by, from one thing that is due to the next, and has each audited.
func (s *simulation) until(end time.Time) {
	s.t.Helper()
	stirred := true
	for range maxMoments {
		for len(s.plan) > 0 && !s.plan[0].at.After(s.clock.now()) {
			h := s.plan[0]
			s.plan = s.plan[1:]
			h.do()
			stirred = true
		}
		s.drain(stirred)
		s.audit.step()
		next, bots, ok := s.next()
		if !ok || next.After(end) {
			s.clock.to(end)
			return
		}
		s.clock.to(next)
		stirred = bots
	}
	s.t.Fatalf("%d things happened and there is no end", maxMoments)
}

// next returns when something will be due for anybody, and whether it is for the bot.
func (s *simulation) next() (next time.Time, bots, ok bool) {
	if s.app != nil {
		due, some, err := s.app.NextDue(context.Background())
		must(s.t, err)
		next, bots, ok = due.Add(-s.skew), some, some
	}
	sooner := func(at time.Time, some bool) {
		if some && (!ok || at.Before(next)) {
			next, bots, ok = at, false, true
		}
	}
	sooner(s.box.Due())
	if len(s.plan) > 0 {
		sooner(s.plan[0].at, true)
	}
	return next, bots, ok
}

// tell adds a line to the story.
func (s *simulation) tell(format string, args ...any) {
	s.story = append(s.story, told{s.clock.now(), fmt.Sprintf(format, args...)})
}

// history hashes everything that happened on the platform and what was told.
func (s *simulation) history() uint64 {
	h := fnv.New64a()
	for _, e := range s.box.Log(0) {
		fmt.Fprintln(h, e.Seq, e.At.UnixNano(), e.Kind, e.Who, e.Chat, e.Text)
	}
	for _, line := range s.story {
		fmt.Fprintln(h, line.at.UnixNano(), line.text)
	}
	return h.Sum64()
}

// tellIfFailed says how to live through a seed again, and the last of its story in words.
func (s *simulation) tellIfFailed() {
	if !s.t.Failed() && *oneSeed < 0 {
		return
	}
	lines := s.story
	for _, e := range s.box.Log(0) {
		if e.Kind != sandbox.EntryAPI || *oneSeed >= 0 {
			lines = append(lines, told{e.At, fmt.Sprintf("    %s %s %s: %s", e.Kind, e.Chat, e.Who, e.Text)})
		}
	}
	slices.SortStableFunc(lines, func(a, b told) int { return a.at.Compare(b.at) })
	if *oneSeed < 0 {
		lines = lines[max(0, len(lines)-storyShown):]
	}
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "%s %s\n", line.at.In(s.conf.Timezone).Format("Mon 15:04:05.000"), strings.ReplaceAll(line.text, "\n", " | "))
	}
	s.t.Logf("seed %d; live through it again with\n\n\tgo test ./e2e -run '%s' -seed %d -v\n\n%s", s.seed, s.test, s.seed, &b)
}

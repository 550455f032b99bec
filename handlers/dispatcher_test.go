package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// blocker blocks everybody who joins, and goes wrong where it is told to. A block is a row, so
// a transaction that is taken back leaves none.
type blocker struct {
	wrong map[bot.MemberID]func() error // called before the block is written
	calls map[bot.MemberID]int
}

func (*blocker) Name() string { return "blocker" }

func (b *blocker) Handle(_ context.Context, tx *store.Tx, e bot.Event) error {
	who := e.Data.(bot.MemberJoined).Member
	b.calls[who]++
	if wrong := b.wrong[who]; wrong != nil {
		if err := wrong(); err != nil {
			return err
		}
	}
	return tx.Block(store.Blocked{Person: string(who), Reason: fmt.Sprint("call ", b.calls[who])})
}

// serialHouse is a serial dispatcher with one handler, at a time that the test moves.
type serialHouse struct {
	t        *testing.T
	s        *store.Store
	d        *Dispatcher
	b        *blocker
	now      time.Time
	joins    int
	outcomes map[string]int
}

func newSerialHouse(t *testing.T) *serialHouse {
	h := &serialHouse{t: t, now: start, b: &blocker{map[bot.MemberID]func() error{}, map[bot.MemberID]int{}}, outcomes: map[string]int{}}
	clock := func() time.Time { return h.now }
	var err error
	if h.s, err = store.OpenScratch(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.s.Close() })
	r := NewRouter()
	r.Handle(h.b, 4, bot.KindMemberJoined)
	h.d = NewDispatcher(DispatcherConfig{Store: h.s, Router: r, Now: clock, Log: slog.New(slog.DiscardHandler), Jitter: func() float64 { return 0.5 },
		Owner: "test", Serial: true, Seen: func(_, outcome string) { h.outcomes[outcome]++ }})
	return h
}

// join brings in the joins of people, each in a lane of their own.
func (h *serialHouse) join(people ...bot.MemberID) {
	h.t.Helper()
	for _, p := range people {
		h.joins++
		_, err := h.s.PutEvents(h.t.Context(), bot.Event{Key: fmt.Sprint(h.joins), Kind: bot.KindMemberJoined, At: h.now,
			Lane: bot.PersonLane("", p), Data: bot.MemberJoined{Member: p}})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *serialHouse) drain() {
	h.t.Helper()
	if _, err := h.d.Drain(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *serialHouse) blocked() []string {
	h.t.Helper()
	list, err := h.s.Read(h.t.Context()).Blocklist("", 0)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, b := range list {
		out = append(out, b.Person)
	}
	slices.Sort(out)
	return out
}

// Lanes that are handled in one transaction must not share their misfortune.
func TestABadLaneHarmsNoOtherOfItsBatch(t *testing.T) {
	for name, wrong := range map[string]func() error{
		"an error": func() error { return errors.New("no") },
		"a panic":  func() error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newSerialHouse(t)
			h.b.wrong["b"] = wrong
			h.join("a", "b", "c")
			h.drain()
			if got := h.blocked(); !slices.Equal(got, []string{"a", "c"}) {
				t.Fatalf("handled %v", got)
			}
			if !maps.Equal(h.outcomes, map[string]int{"done": 2, "retry": 1}) {
				t.Errorf("outcomes %v", h.outcomes)
			}
			h.join("b") // behind the run that failed: it must not overtake
			h.drain()
			calls := h.b.calls["b"]
			delete(h.b.wrong, "b")
			h.now = h.now.Add(2 * time.Second)
			h.drain()
			if got := h.blocked(); !slices.Equal(got, []string{"a", "b", "c"}) || h.outcomes["done"] != 4 {
				t.Errorf("then handled %v, outcomes %v", got, h.outcomes)
			}
			if calls != 2 || h.b.calls["b"] != 4 { // together and alone; then both runs, once
				t.Errorf("%d calls while it waited, %d in the end", calls, h.b.calls["b"])
			}
		})
	}
}

// A lane that was lost to somebody else meanwhile is left to them.
func TestABatchIsNotWrittenWhenALaneWasLost(t *testing.T) {
	h := newSerialHouse(t)
	h.join("a", "b", "c")
	if _, err := h.d.routeAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &worker{d: h.d, route: h.d.c.Router.routes[0]}
	work, err := w.claim(t.Context(), 1)
	if err != nil || len(work) != 1 {
		t.Fatalf("%d pieces, %v", len(work), err)
	}
	h.now = h.now.Add(2 * runLease)
	lost, err := h.s.ClaimLanes(t.Context(), "blocker", "somebody else", 1, runLease)
	if err != nil || len(lost) != 1 {
		t.Fatalf("%d lanes, %v", len(lost), err)
	}
	work[0](t.Context())
	theirs := string(lost[0].Runs[0].Event.Data.(bot.MemberJoined).Member)
	want := slices.DeleteFunc([]string{"a", "b", "c"}, func(p string) bool { return p == theirs })
	if got := h.blocked(); !slices.Equal(got, want) || h.outcomes["done"] != 2 || len(h.outcomes) != 1 {
		t.Errorf("handled %v, want %v; outcomes %v", got, want, h.outcomes)
	}
	if err := h.s.Tx(t.Context(), func(tx *store.Tx) error { return tx.Hold(runLease, lost...) }); err != nil {
		t.Errorf("they do not hold it any more: %v", err)
	}
}

package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// start is a Monday morning in Shanghai.
var start = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// shanghai has no summer time.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// house is the inbox side of the program around a platform in memory, moved by hand.
type house struct {
	t       testingT
	store   *store.Store
	d       *Dispatcher
	world   *world
	rewards *Rewards
	mu      sync.Mutex
	now     time.Time
	seq     int
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseIn(t, t.TempDir())
}

// houseWithGroup is a house that knows the group g1 of owner, with nobody else in it.
func houseWithGroup(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.readGroup(g1)
	h.pass(time.Minute)
	return h
}

// testingT is a *testing.T or a *rapid.T.
type testingT interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
}

func newHouseIn(t testingT, dir string) *house {
	t.Helper()
	h := &house{t: t, now: start}
	s, err := store.OpenScratch(context.Background(), "sqlite:"+filepath.Join(dir, "x.db"), h.clock)
	h.must(err)
	t.Cleanup(func() {
		h.must(s.Close())
		h.must(os.RemoveAll(dir))
	})
	h.store, h.world = s, newWorld(h.clock)
	log := slog.New(slog.DiscardHandler)
	h.rewards = &Rewards{Store: s, Now: h.clock, Zone: shanghai, Log: log}
	r := NewRouter()
	r.Handle(Contacts{}, 1, bot.KindContactAdded, bot.KindContactRemoved)
	r.Gather(&Sync{Store: s, Chats: h.world, Contacts: h.world, Now: h.clock, Settle: 2 * time.Second, Log: log}, 1, bot.KindChatChanged, bot.KindChatDue)
	r.Handle(h.rewards, 1, bot.KindMemberJoined, bot.KindMemberLeft)
	h.d = NewDispatcher(DispatcherConfig{Store: s, Router: r, Now: h.clock, Log: log, Jitter: func() float64 { return 0.5 }, Owner: "test", Serial: true})
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// pass lets time go by, doing whatever falls due on the way.
func (h *house) pass(d time.Duration) {
	h.t.Helper()
	ctx := context.Background()
	end := h.clock().Add(d)
	for {
		_, err := h.d.Drain(ctx)
		h.must(err)
		h.must(h.rewards.Rejudge(ctx))
		h.must(h.rewards.Settle(ctx))
		next, ok, err := h.d.NextDue(ctx)
		h.must(err)
		if due, some, err := h.rewards.Next(ctx); err == nil && some && (!ok || due.Before(next)) {
			next, ok = due, true
		}
		if !ok || next.After(end) {
			break
		}
		h.set(next)
	}
	h.set(end)
	_, err := h.d.Drain(ctx)
	h.must(err)
	h.must(h.rewards.Rejudge(ctx))
	h.must(h.rewards.Settle(ctx))
}

func (h *house) set(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t.After(h.now) {
		h.now = t
	}
}

// deliver brings events in, as the callback does.
func (h *house) deliver(events ...bot.Event) {
	h.t.Helper()
	_, err := h.store.PutEvents(context.Background(), events...)
	h.must(err)
}

// readGroup has a group read, as the start does.
func (h *house) readGroup(id bot.ChatID) {
	h.t.Helper()
	h.seq++
	h.deliver(bot.Event{Key: fmt.Sprintf("due:%d:%s", h.seq, id), Kind: bot.KindChatDue, At: h.clock(), Chat: id, Lane: bot.ChatLane(id), Derived: true, Data: bot.ChatDue{Why: "test"}})
}

func (h *house) stays(id bot.ChatID) []store.Stint {
	h.t.Helper()
	out, err := h.store.Read(context.Background()).Stints(store.StintFilter{Chat: id, Status: "all"})
	h.must(err)
	return out
}

func (h *house) stay(id bot.ChatID, user string) store.Stint {
	h.t.Helper()
	for _, s := range slices.Backward(h.stays(id)) {
		if s.UserID == user {
			return s
		}
	}
	h.t.Fatalf("%s was never in %s", user, id)
	return store.Stint{}
}

func (h *house) entries() []store.Entry {
	h.t.Helper()
	out, err := h.store.Read(context.Background()).Entries(store.EntryFilter{})
	h.must(err)
	return out
}

// world is WeCom in memory: groups with versions, and the callbacks that changes make.
type world struct {
	mu       sync.Mutex
	now      func() time.Time
	groups   map[bot.ChatID]*bot.Chat
	gone     map[bot.ChatID]bool
	contacts map[bot.ExternalUserID]bot.Contact
	shown    map[bot.ChatID]bot.Chat // what a lagging read shows instead
	err      error                   // what every read returns instead
	lag      time.Duration           // reads show the group as it was so long ago
	past     map[bot.ChatID][]moment
	reads    int
	version  int
	key      int
}

// moment is a group as it was from a time on.
type moment struct {
	from time.Time
	chat bot.Chat
}

func newWorld(now func() time.Time) *world {
	return &world{now: now, groups: map[bot.ChatID]*bot.Chat{}, gone: map[bot.ChatID]bool{}, contacts: map[bot.ExternalUserID]bot.Contact{}, shown: map[bot.ChatID]bot.Chat{}, past: map[bot.ChatID][]moment{}}
}

func (w *world) second() time.Time { return w.now().Truncate(time.Second) }

func (w *world) nextVersion() bot.MemberVersion {
	w.version++
	return bot.MemberVersion(fmt.Sprintf("v%d", w.version))
}

func (w *world) group(id bot.ChatID, owner bot.UserID) {
	w.groups[id] = &bot.Chat{ID: id, Name: "群" + string(id), Owner: owner, CreatedAt: w.second(), Version: w.nextVersion(),
		Members: []bot.Member{{ID: bot.MemberID(owner), Kind: bot.Staff, Name: "店长", JoinedAt: w.second(), Scene: bot.JoinInvited}}}
	w.past[id] = []moment{{time.Time{}, w.snapshot(id)}}
}

// event is the callback of a change.
func (w *world) event(id bot.ChatID, d bot.Detail, scene int, last bot.MemberVersion, who ...bot.MemberID) bot.Event {
	w.key++
	w.past[id] = append(w.past[id], moment{w.now(), w.snapshot(id)})
	n := len(who)
	c := bot.ChatChanged{Change: bot.ChatUpdated, Detail: d, Count: &n, Members: who, LastVersion: last, CurVersion: w.groups[id].Version}
	if d == bot.DetailAddMember {
		c.JoinScene = &scene
	} else {
		c.QuitScene = &scene
	}
	return bot.Event{Key: fmt.Sprintf("callback:%d", w.key), Kind: bot.KindChatChanged, At: w.second(), Chat: id, Lane: bot.ChatLane(id), Data: c}
}

// join puts people into a group.
func (w *world) join(id bot.ChatID, people ...bot.Member) bot.Event {
	g := w.groups[id]
	last := g.Version
	var who []bot.MemberID
	for _, m := range people {
		if m.Kind == "" {
			m.Kind = bot.Customer
		}
		if m.JoinedAt.IsZero() {
			m.JoinedAt = w.second()
		}
		g.Members = append(g.Members, m)
		who = append(who, m.ID)
	}
	g.Version = w.nextVersion()
	return w.event(id, bot.DetailAddMember, 3, last, who...)
}

// leave takes a person out; scene 0 left, 1 was removed.
func (w *world) leave(id bot.ChatID, who bot.MemberID, scene int) bot.Event {
	g := w.groups[id]
	last := g.Version
	g.Members = slices.DeleteFunc(g.Members, func(m bot.Member) bool { return m.ID == who })
	g.Version = w.nextVersion()
	return w.event(id, bot.DetailDelMember, scene, last, who)
}

func (w *world) snapshot(id bot.ChatID) bot.Chat {
	c := *w.groups[id]
	c.Members = slices.Clone(c.Members)
	return c
}

func (w *world) Chat(_ context.Context, id bot.ChatID) (bot.Chat, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	if w.err != nil {
		return bot.Chat{}, w.err
	}
	if old, ok := w.shown[id]; ok {
		return old, nil
	}
	if w.gone[id] || w.groups[id] == nil {
		return bot.Chat{}, &bot.APIError{Op: "groupchat/get", Code: 49008, Class: bot.ClassGone}
	}
	for _, m := range slices.Backward(w.past[id]) {
		if w.lag > 0 && !m.from.After(w.now().Add(-w.lag)) {
			return copied(m.chat), nil
		}
	}
	return w.snapshot(id), nil
}

func copied(c bot.Chat) bot.Chat {
	c.Members = slices.Clone(c.Members)
	return c
}

func (w *world) Chats(_ context.Context, _ []bot.UserID, _ string) ([]bot.ChatRef, string, error) {
	var out []bot.ChatRef
	for id := range w.groups {
		out = append(out, bot.ChatRef{ID: id})
	}
	return out, "", nil
}

func (w *world) Contact(_ context.Context, id bot.ExternalUserID) (bot.Contact, error) {
	if c, ok := w.contacts[id]; ok {
		return c, nil
	}
	return bot.Contact{}, &bot.APIError{Op: "externalcontact/get", Code: 84061, Class: bot.ClassGone}
}

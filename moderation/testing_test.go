package moderation

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

const g1 = bot.ChatID("wr1")

// desk is a moderator with a database, the inbox around it and a platform in memory. Its
// clock is moved by hand.
type desk struct {
	t     testing.TB
	store *store.Store
	*Moderator
	d     *handlers.Dispatcher
	world *world
	now   time.Time
	seq   int
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	return newDeskOn(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
}

// newDeskOn is newDesk with a database of the test's choice.
func newDeskOn(t testing.TB, dsn string) *desk {
	t.Helper()
	h := &desk{t: t, now: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)} // a Monday morning in Shanghai
	s, err := store.OpenScratch(context.Background(), dsn, h.clock)
	h.must(err)
	t.Cleanup(func() { h.must(s.Close()) })
	log := slog.New(slog.DiscardHandler)
	h.store, h.world = s, &world{now: h.clock, groups: map[bot.ChatID]*bot.Chat{}}
	h.Moderator = &Moderator{Store: s, Detector: spam.New(), Cards: true, Now: h.clock, Zone: time.UTC, Log: log}
	r := handlers.NewRouter()
	r.Gather(&handlers.Sync{Store: s, Chats: h.world, Contacts: h.world, Now: h.clock, Settle: 2 * time.Second, Log: log}, 1, bot.KindChatChanged, bot.KindChatDue)
	r.Handle(h.Moderator, 1, bot.KindMemberJoined, bot.KindMemberLeft, bot.KindCardPressed, bot.KindAppMessage)
	h.d = handlers.NewDispatcher(handlers.DispatcherConfig{Store: s, Router: r, Now: h.clock, Log: log, Jitter: func() float64 { return 0.5 }, Owner: "test", Serial: true})
	return h
}

// deskWithGroup is a desk that knows g1 of owner with customers 1 to n in it.
func deskWithGroup(t testing.TB, n int) *desk {
	t.Helper()
	return newDesk(t).withGroup(n)
}

// withGroup has a desk know g1 of owner with customers 1 to n in it.
func (h *desk) withGroup(n int) *desk {
	h.t.Helper()
	h.world.group(g1, "owner")
	for i := range n {
		h.world.join(g1, customer(i+1))
	}
	h.readGroup(g1)
	h.pass(time.Minute)
	return h
}

// onEach runs a test on a desk of every dialect there is.
func onEach(t *testing.T, test func(h *desk)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(newDesk(t)) })
	if base := os.Getenv("XIAOBU_TEST_POSTGRES"); base != "" {
		t.Run("postgres", func(t *testing.T) { test(newDeskOn(t, ownSchema(t, base))) })
	}
}

// ownSchema makes an empty schema and returns a DSN that lives in it.
func ownSchema(t testing.TB, base string) string {
	t.Helper()
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("moderation_%d_%x", os.Getpid(), sha256.Sum256([]byte(t.Name())))[:40]
	if _, err := db.Exec(`DROP SCHEMA IF EXISTS "` + name + `" CASCADE; CREATE SCHEMA "` + name + `"`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Exec(`DROP SCHEMA "` + name + `" CASCADE`)
		db.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func customer(n int) bot.Member {
	return bot.Member{ID: bot.MemberID(fmt.Sprintf("wm%03d", n)), Kind: bot.Customer, Name: fmt.Sprintf("顾客%d", n)}
}

func (h *desk) clock() time.Time { return h.now }

func (h *desk) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *desk) set(t time.Time) {
	if t.After(h.now) {
		h.now = t
	}
}

// pass lets time go by, doing whatever of the inbox falls due on the way.
func (h *desk) pass(d time.Duration) {
	h.t.Helper()
	ctx := context.Background()
	end := h.now.Add(d)
	for {
		_, err := h.d.Drain(ctx)
		h.must(err)
		next, ok, err := h.d.NextDue(ctx)
		h.must(err)
		if !ok || next.After(end) {
			break
		}
		h.set(next)
	}
	h.set(end)
	_, err := h.d.Drain(ctx)
	h.must(err)
}

// deliver brings events in, as the callback does.
func (h *desk) deliver(events ...bot.Event) {
	h.t.Helper()
	_, err := h.store.PutEvents(context.Background(), events...)
	h.must(err)
}

// readGroup has a group read, as the start does.
func (h *desk) readGroup(id bot.ChatID) {
	h.t.Helper()
	h.seq++
	h.deliver(bot.Event{Key: fmt.Sprintf("due:%d:%s", h.seq, id), Kind: bot.KindChatDue, At: h.now, Chat: id, Lane: bot.ChatLane(id), Derived: true, Data: bot.ChatDue{Why: "test"}})
}

// judge has a message judged as the feed does, sent now unless it says otherwise.
func (h *desk) judge(msg FeedMessage) Answer {
	h.t.Helper()
	if msg.SentAt.IsZero() {
		msg.SentAt = h.now
	}
	out, err := h.Judge(context.Background(), []FeedMessage{msg})
	h.must(err)
	h.must(out[0].Err)
	return out[0].Answer
}

// world is WeCom in memory: groups with versions, and the callbacks that changes make.
type world struct {
	now     func() time.Time
	groups  map[bot.ChatID]*bot.Chat
	version int
	broken  bool // no group can be read
}

func (w *world) next() bot.MemberVersion {
	w.version++
	return bot.MemberVersion(fmt.Sprintf("v%d", w.version))
}

func (w *world) group(id bot.ChatID, owner bot.UserID) {
	at := w.now().Truncate(time.Second)
	w.groups[id] = &bot.Chat{ID: id, Name: "群" + string(id), Owner: owner, CreatedAt: at, Version: w.next(),
		Members: []bot.Member{{ID: bot.MemberID(owner), Kind: bot.Staff, Name: "店长", JoinedAt: at, Scene: bot.JoinInvited}}}
}

func (w *world) changed(id bot.ChatID, d bot.Detail, scene int, change func(*bot.Chat), who ...bot.MemberID) bot.Event {
	g := w.groups[id]
	last, n := g.Version, len(who)
	change(g)
	g.Version = w.next()
	c := bot.ChatChanged{Change: bot.ChatUpdated, Detail: d, Count: &n, Members: who, LastVersion: last, CurVersion: g.Version}
	if d == bot.DetailAddMember {
		c.JoinScene = &scene
	} else {
		c.QuitScene = &scene
	}
	return bot.Event{Key: fmt.Sprintf("callback:%s", g.Version), Kind: bot.KindChatChanged, At: w.now().Truncate(time.Second), Chat: id, Lane: bot.ChatLane(id), Data: c}
}

// join puts people into a group.
func (w *world) join(id bot.ChatID, people ...bot.Member) bot.Event {
	var who []bot.MemberID
	for i := range people {
		people[i].JoinedAt = w.now().Truncate(time.Second)
		who = append(who, people[i].ID)
	}
	return w.changed(id, bot.DetailAddMember, 3, func(g *bot.Chat) { g.Members = append(g.Members, people...) }, who...)
}

// leave takes a person out; scene 0 left, 1 was removed.
func (w *world) leave(id bot.ChatID, who bot.MemberID, scene int) bot.Event {
	return w.changed(id, bot.DetailDelMember, scene, func(g *bot.Chat) {
		g.Members = slices.DeleteFunc(g.Members, func(m bot.Member) bool { return m.ID == who })
	}, who)
}

func (w *world) Chat(_ context.Context, id bot.ChatID) (bot.Chat, error) {
	g := w.groups[id]
	if w.broken {
		return bot.Chat{}, &bot.APIError{Op: "groupchat/get", Code: -1, Class: bot.ClassRetry}
	}
	if g == nil {
		return bot.Chat{}, &bot.APIError{Op: "groupchat/get", Code: 49008, Class: bot.ClassGone}
	}
	c := *g
	c.Members = slices.Clone(c.Members)
	return c, nil
}

func (w *world) Chats(context.Context, []bot.UserID, string) ([]bot.ChatRef, string, error) {
	return nil, "", nil
}

func (w *world) Contact(context.Context, bot.ExternalUserID) (bot.Contact, error) {
	return bot.Contact{}, &bot.APIError{Op: "externalcontact/get", Code: 84061, Class: bot.ClassGone}
}

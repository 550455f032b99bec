package sandbox

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// reader believes nothing but events: it keeps the members of each group as a program would
// that applies every change whose LastMemVer it knows.
type reader struct {
	t       *testing.T
	members map[string]map[string]bool
	version map[string]string
	gone    map[string]bool
}

func newReader(t *testing.T) *reader {
	return &reader{t: t, members: map[string]map[string]bool{}, version: map[string]string{}, gone: map[string]bool{}}
}

func (r *reader) apply(text string) {
	var e struct {
		Event, ChatId, ChangeType, UpdateDetail string
		MemChangeCnt                            int
		Item                                    []string `xml:"MemChangeList>Item"`
		LastMemVer, CurMemVer                   string
	}
	must(r.t, xml.Unmarshal([]byte(text), &e))
	if e.Event != "change_external_chat" {
		return
	}
	if e.ChangeType == "dismiss" {
		r.gone[e.ChatId] = true
		return
	}
	if e.UpdateDetail != "add_member" && e.UpdateDetail != "del_member" {
		return
	}
	if r.gone[e.ChatId] || e.MemChangeCnt != len(e.Item) || r.version[e.ChatId] != e.LastMemVer {
		r.t.Fatalf("event out of order or wrong: %s", text)
	}
	r.version[e.ChatId] = e.CurMemVer
	for _, id := range e.Item {
		if r.members[e.ChatId][id] == (e.UpdateDetail == "add_member") {
			r.t.Fatalf("%s twice: %s", e.UpdateDetail, text)
		}
		r.members[e.ChatId][id] = e.UpdateDetail == "add_member"
	}
}

// read takes a group as the API shows it.
func (r *reader) read(w *world, chat string) map[string]bool {
	shown := w.chat(chat)
	out := map[string]bool{}
	for i := range size(shown["member_list"]) {
		out[dig(shown, "member_list", i, "userid").(string)] = true
	}
	if r.members[chat] == nil {
		r.members[chat], r.version[chat] = maps.Clone(out), shown["member_version"].(string)
	}
	if r.version[chat] != shown["member_version"] {
		r.t.Fatalf("group %s shows version %v, events say %s", chat, shown["member_version"], r.version[chat])
	}
	return out
}

// live makes one random move; most moves are possible, the others must leave no trace.
func live(w *world, r *rand.Rand, chats, people []string) {
	chat, person := chats[r.IntN(len(chats))], people[r.IntN(len(people))]
	switch r.IntN(12) {
	case 0, 1, 2, 3:
		_, _ = w.Join(chat, person, How{Inviter: "wang"})
	case 4:
		_, _ = w.Join(chat, person, How{Scene: SceneLink})
	case 5:
		_, _ = w.JoinMany(chat, How{Inviter: "li"}, person, people[r.IntN(len(people))])
	case 6, 7:
		_ = w.Leave(chat, person)
	case 8:
		_ = w.Remove(chat, person)
	case 9:
		_ = w.ChangeOwner(chat, []string{"wang", "li"}[r.IntN(2)])
	case 10:
		_ = w.Rename(chat, fmt.Sprint("群", r.IntN(9)))
	case 11:
		if r.IntN(40) == 0 {
			_ = w.Dismiss(chat)
		}
		w.clock.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
	}
}

func TestEventsAloneTellTheMembers(t *testing.T) {
	for seed := range uint64(12) {
		w := newWorld(t, Config{Seed: seed})
		dice := newDice(seed)
		r := dice.fresh("moves")
		chats := []string{w.group("一群"), w.group("二群"), w.group("三群")}
		people := append(w.customers(12), "zhao")
		reader := newReader(t)
		for _, chat := range chats {
			reader.read(w, chat)
		}
		seen := 0
		for range 150 {
			live(w, r, chats, people)
			all := w.Callbacks()
			for _, cb := range all[seen:] {
				reader.apply(cb.XML)
			}
			seen = len(all)
		}
		for _, chat := range chats {
			g := got[Group](t)(w.Group(chat))
			if g.Dismissed != reader.gone[chat] {
				t.Errorf("seed %d: dissolved %v, events say %v", seed, g.Dismissed, reader.gone[chat])
			}
			if g.Dismissed {
				continue
			}
			shown := reader.read(w, chat)
			maps.DeleteFunc(reader.members[chat], func(_ string, in bool) bool { return !in })
			if !maps.Equal(shown, reader.members[chat]) || len(shown) != len(g.Members) {
				t.Errorf("seed %d: shown %v, by events %v", seed, shown, reader.members[chat])
			}
			checkHistory(t, g)
		}
	}
}

// checkHistory checks that nobody is in a group twice at a time, and that the present
// members are those whose stays are open.
func checkHistory(t *testing.T, g Group) {
	t.Helper()
	open := map[string]time.Time{}
	for _, m := range g.History {
		if until, was := open[m.User]; was && (until.IsZero() || m.Joined.Before(until)) {
			t.Errorf("%s is in %s twice", m.User, g.Name)
		}
		if !m.Left.IsZero() && m.Left.Before(m.Joined) {
			t.Errorf("%s left before joining", m.User)
		}
		open[m.User] = m.Left
	}
	for _, m := range g.Members {
		if !open[m.User].IsZero() {
			t.Errorf("%s has left, but is a member", m.User)
		}
	}
}

func TestManyGoroutinesMayUseOneSandbox(t *testing.T) {
	r := newReceiver(t)
	w := newWorld(t, Config{CallbackURL: r.server.URL, OnEntry: func(Entry) {}})
	chats := []string{w.group("一群"), w.group("二群")}
	people := w.customers(20)
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan error)
	go func() { running <- w.Run(ctx) }()
	var wg sync.WaitGroup
	for n := range uint64(6) {
		wg.Go(func() {
			dice := newDice(n)
			moves := dice.fresh("moves")
			for range 40 {
				live(w, moves, chats[:1], people)
				_, _ = w.Say(chats[1], "wang", "在")
				_, _ = w.AddContact("wang", people[moves.IntN(len(people))], Via{})
				w.post(chatGet, map[string]any{"chat_id": chats[1]})
				w.Groups()
				w.Callbacks()
				w.Log(0)
				must(t, w.SetFaults(Faults{Callbacks: CallbackFaults{Copies: moves.IntN(2), Shuffle: moves.IntN(3)}}))
			}
		})
	}
	wg.Wait()
	must(t, w.SetFaults(Faults{}))
	for w.InFlight() > 0 {
		yieldNow()
	}
	cancel()
	must(t, <-running)
	for _, cb := range w.Callbacks() {
		if !cb.Delivered || cb.Open != 0 {
			t.Errorf("callback %d: %+v", cb.Seq, cb)
		}
	}
	if slices.Contains(r.messages(), "") {
		t.Error("an empty message")
	}
}

func TestReadOutsAreCopies(t *testing.T) {
	w, _ := showcase(t)
	must(t, w.PressCard("wang", "case_0", "done"))
	w.Groups()[0].Members[0].User = "x"
	w.Groups()[0].Admins[0] = "x"
	w.Staff()[0].Name = "x"
	w.Customers()[0].Name = "x"
	w.JoinWays()[0].Chats[0] = "x"
	w.ContactWays()[0].Users[0] = "x"
	w.Tasks()[0].Results[0].Status = 9
	w.Cards()[0].Presses[0].Key = "x"
	w.AppChats()[0].Members[0] = "x"
	w.Callbacks()[0].XML = "x"
	if g := w.Groups()[0]; g.Members[0].User == "x" || g.Admins[0] == "x" {
		t.Error("groups are shared")
	}
	if w.Staff()[0].Name == "x" || w.Customers()[0].Name == "x" || w.JoinWays()[0].Chats[0] == "x" || w.ContactWays()[0].Users[0] == "x" {
		t.Error("people or ways are shared")
	}
	if w.Tasks()[0].Results[0].Status == 9 || w.Cards()[0].Presses[0].Key == "x" || w.AppChats()[0].Members[0] == "x" || w.Callbacks()[0].XML == "x" {
		t.Error("what the bot did is shared")
	}
	if w.Config().Secret != DefaultSecret || w.Config().Workers != DefaultWorkers {
		t.Errorf("config: %+v", w.Config())
	}
}

package handlers

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"xiaobu/bot"
	"xiaobu/store"
)

// modelStay is a stay as an observer knows it who saw everything once and in order.
type modelStay struct {
	chat    bot.ChatID
	user    bot.MemberID
	inviter bot.UserID
	joined  time.Time
	left    time.Time
	how     bot.LeaveHow
}

// model is the observer. It shares no code with the house.
type model struct {
	stays []*modelStay
}

func (m *model) here(chat bot.ChatID, user bot.MemberID) *modelStay {
	for _, s := range m.stays {
		if s.chat == chat && s.user == user && s.left.IsZero() {
			return s
		}
	}
	return nil
}

// ordinal counts the customers right after a join, from the definition.
func (m *model) ordinal(of *modelStay) int {
	n := 0
	for _, s := range m.stays {
		before := s.joined.Before(of.joined) || s.joined.Equal(of.joined) && s.user <= of.user
		if s.chat == of.chat && before && (s == of || s.left.IsZero() || s.left.After(of.joined)) {
			n++
		}
	}
	return n
}

// reward is what a stay earned by the rule: 50 fen up to the second customer, 100 beyond,
// held for an hour, once per person.
func (m *model) reward(of *modelStay, now time.Time) (fen int64, status string, ok bool) {
	for _, s := range m.stays {
		earlier := cmp.Or(s.joined.Compare(of.joined), cmp.Compare(s.chat, of.chat)) < 0
		if s.user == of.user && s != of && earlier {
			return 0, "", false
		}
	}
	fen = 100
	if m.ordinal(of) <= 2 {
		fen = 50
	}
	due := of.joined.Add(time.Hour)
	switch {
	case !of.left.IsZero() && of.left.Before(due):
		return fen, store.EntryVoid, true
	case now.Before(due):
		return fen, store.EntryHeld, true
	}
	return fen, store.EntryPayable, true
}

// letter is a callback on its way.
type letter struct {
	at    time.Time
	event bot.Event
}

// history drives the house, its world and the model together.
type history struct {
	h     *house
	m     *model
	post  []letter
	chats []bot.ChatID
}

func (y *history) send(rt *rapid.T, e bot.Event, copies, maxDelay int) {
	now := y.h.clock()
	for i := range copies {
		delay := time.Duration(rapid.IntRange(0, maxDelay*(1+8*i)).Draw(rt, "delay")) * time.Millisecond
		y.post = append(y.post, letter{now.Add(delay), e})
	}
	slices.SortStableFunc(y.post, func(a, b letter) int { return a.at.Compare(b.at) })
}

// pass lets time go by and delivers what arrives meanwhile.
func (y *history) pass(d time.Duration) {
	end := y.h.clock().Add(d)
	for len(y.post) > 0 && !y.post[0].at.After(end) {
		next := y.post[0]
		y.post = y.post[1:]
		y.h.pass(max(next.at.Sub(y.h.clock()), 0))
		y.h.deliver(next.event)
	}
	y.h.pass(max(end.Sub(y.h.clock()), 0))
}

func (y *history) join(rt *rapid.T) (bot.Event, bool) {
	chat := rapid.SampledFrom(y.chats).Draw(rt, "chat")
	n := rapid.IntRange(1, 8).Draw(rt, "person")
	c := customer(n)
	c.Inviter = rapid.SampledFrom([]bot.UserID{"c1", "c2"}).Draw(rt, "inviter")
	if y.m.here(chat, c.ID) != nil || y.tooSoon(chat, c.ID) {
		return bot.Event{}, false
	}
	c.JoinedAt = y.h.world.second()
	y.m.stays = append(y.m.stays, &modelStay{chat: chat, user: c.ID, inviter: c.Inviter, joined: c.JoinedAt})
	return y.h.world.join(chat, c), true
}

// tooSoon keeps a person from coming back within two seconds: WeCom's whole seconds cannot
// tell such stays apart.
func (y *history) tooSoon(chat bot.ChatID, user bot.MemberID) bool {
	for _, s := range y.m.stays {
		if s.chat == chat && s.user == user && y.h.world.second().Sub(s.joined) < 3*time.Second {
			return true
		}
	}
	return false
}

func (y *history) leave(rt *rapid.T) (bot.Event, bool) {
	var there []*modelStay
	for _, s := range y.m.stays {
		if s.left.IsZero() {
			there = append(there, s)
		}
	}
	if len(there) == 0 {
		return bot.Event{}, false
	}
	s := rapid.SampledFrom(there).Draw(rt, "who")
	scene := rapid.IntRange(0, 1).Draw(rt, "scene")
	s.left, s.how = y.h.world.second(), []bot.LeaveHow{bot.LeftAlone, bot.LeftRemoved}[scene]
	return y.h.world.leave(s.chat, s.user, scene), true
}

// compare demands that the books tell what the model knows.
func (y *history) compare(rt *rapid.T, exactLeaves bool) {
	for _, chat := range y.chats {
		var customers []store.Stint
		for _, st := range y.h.stays(chat) {
			if st.Kind == string(bot.Customer) {
				customers = append(customers, st)
			}
		}
		n := 0
		for _, s := range y.m.stays {
			if s.chat != chat {
				continue
			}
			n++
			i := slices.IndexFunc(customers, func(st store.Stint) bool { return st.UserID == string(s.user) && st.JoinedAt.Equal(s.joined) })
			if i < 0 {
				rt.Fatalf("the stay of %s in %s from %v is not in the books", s.user, chat, s.joined)
			}
			y.compareStay(rt, s, customers[i], exactLeaves)
		}
		if len(customers) != n {
			rt.Fatalf("%d stays in %s, want %d", len(customers), chat, n)
		}
	}
}

func (y *history) compareStay(rt *rapid.T, s *modelStay, st store.Stint, exactLeaves bool) {
	if st.LeftAt.IsZero() != s.left.IsZero() {
		rt.Fatalf("%s in %s: left %v, want %v", s.user, s.chat, st.LeftAt, s.left)
	}
	if exactLeaves && (!st.LeftAt.Equal(s.left) || st.LeftHow != string(s.how)) {
		rt.Fatalf("%s in %s: left %v %s, want %v %s", s.user, s.chat, st.LeftAt, st.LeftHow, s.left, s.how)
	}
	if st.Ordinal == nil {
		rt.Fatalf("%s in %s has no ordinal", s.user, s.chat)
	}
	if *st.Ordinal != y.m.ordinal(s) {
		rt.Fatalf("%s in %s joined %v: ordinal %d, want %d", s.user, s.chat, s.joined, *st.Ordinal, y.m.ordinal(s))
	}
}

// compareRewards demands the same entries. A stay that only callbacks tell of has no known
// inviter; it is left out on both sides.
func (y *history) compareRewards(rt *rapid.T) {
	want := map[string]string{}
	for _, s := range y.m.stays {
		if fen, status, ok := y.m.reward(s, y.h.clock()); ok {
			want[fmt.Sprintf("%s %s %d", s.chat, s.user, s.joined.Unix())] = fmt.Sprintf("%s %d %s", s.inviter, fen, status)
		}
	}
	for _, st := range y.allStays() {
		if st.InviterBy == ByNone {
			delete(want, fmt.Sprintf("%s %s %d", st.ChatID, st.UserID, st.JoinedAt.Unix()))
		}
	}
	for _, e := range y.h.entries() {
		key := fmt.Sprintf("%s %s %d", e.ChatID, e.Member, e.EarnedAt.Unix())
		got := fmt.Sprintf("%s %d %s", e.Staff, e.AmountFen, e.Status)
		if want[key] == "" && e.Status == store.EntryVoid {
			continue // earned until an earlier join, or before that the leave, became known
		}
		if want[key] != got {
			rt.Fatalf("entry %s: %s, want %s", key, got, want[key])
		}
		delete(want, key)
	}
	if len(want) > 0 {
		rt.Fatalf("no entry for %v", want)
	}
}

func (y *history) allStays() []store.Stint {
	var out []store.Stint
	for _, c := range y.chats {
		out = append(out, y.h.stays(c)...)
	}
	return out
}

func begin(t *testing.T, rt *rapid.T) *history {
	dir, err := os.MkdirTemp(t.TempDir(), "house")
	if err != nil {
		t.Fatal(err)
	}
	h := newHouseIn(rt, dir)
	h.rule(store.Rule{Tiers: []store.Tier{{UpTo: 2, Fen: 50}, {Fen: 100}}, HoldMS: time.Hour.Milliseconds()})
	y := &history{h: h, m: &model{}, chats: []bot.ChatID{g1, g2}}
	for _, c := range y.chats {
		h.world.group(c, "owner")
		h.readGroup(c)
	}
	h.pass(time.Minute)
	return y
}

// Callbacks that come four times, late and in any order, with a group whose details lag:
// the books come out as if each had been seen once.
func TestTheBooksEqualAModelThatSawEachEventOnce(t *testing.T) {
	t.Parallel()
	fixSeed(t)
	rapid.Check(t, func(rt *rapid.T) {
		y := begin(t, rt)
		y.h.world.lag = time.Duration(rapid.IntRange(0, 4000).Draw(rt, "lag")) * time.Millisecond
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			act := y.join
			if rapid.IntRange(0, 2).Draw(rt, "act") == 0 {
				act = y.leave
			}
			if e, ok := act(rt); ok {
				y.send(rt, e, 4, 6000)
			}
			y.pass(time.Duration(rapid.SampledFrom([]int{0, 1, 1, 2, 3, 10, 60, 2000}).Draw(rt, "pause")) * time.Second)
		}
		y.pass(time.Duration(rapid.IntRange(5, 90).Draw(rt, "rest")) * time.Minute)
		y.compare(rt, true)
		y.compareRewards(rt)
	})
}

// The same with callbacks that never come. What nobody told is found by the next read: who
// is there is right, and so are the ordinals, as long as a loss is followed by a callback.
func TestTheBooksEqualTheModelAlthoughCallbacksAreLost(t *testing.T) {
	t.Parallel()
	fixSeed(t)
	rapid.Check(t, func(rt *rapid.T) {
		y := begin(t, rt)
		lost := map[bot.ChatID]bool{}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			act := y.join
			if rapid.IntRange(0, 2).Draw(rt, "act") == 0 {
				act = y.leave
			}
			e, ok := act(rt)
			if ok {
				drop := !lost[e.Chat] && rapid.IntRange(0, 4).Draw(rt, "lost") == 0
				if lost[e.Chat] = drop; !drop {
					y.send(rt, e, 4, 1000)
				}
			}
			y.pass(time.Duration(rapid.IntRange(15, 100).Draw(rt, "pause")) * time.Second)
		}
		for _, c := range y.chats {
			y.h.readGroup(c) // the nightly comparison
		}
		y.pass(2 * time.Minute)
		y.forgetUnseen()
		y.compare(rt, false)
	})
}

// forgetUnseen drops the stays whose only trace, one callback of the two, was lost.
func (y *history) forgetUnseen() {
	stays := y.allStays()
	y.m.stays = slices.DeleteFunc(y.m.stays, func(s *modelStay) bool {
		return !s.left.IsZero() && !slices.ContainsFunc(stays, func(st store.Stint) bool {
			return st.ChatID == string(s.chat) && st.UserID == string(s.user) && st.JoinedAt.Equal(s.joined)
		})
	})
}

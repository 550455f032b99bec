package handlers

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// A code counts for whom it belonged to at the time of the join, however late that is known.
func TestACodeCountsForWhomItBelongedToThen(t *testing.T) {
	h := houseWithGroup(t)
	till := h.channel(store.Channel{Name: "till", Kind: store.ChannelGroup, Staff: "anna", State: "S1"})
	h.channel(store.Channel{Name: "door", Kind: store.ChannelGroup, ShopID: "east", State: "S2"})
	h.channel(store.Channel{Name: "friend", Kind: store.ChannelGroup, Referrer: "wm001", State: "S3"})
	h.channel(store.Channel{Name: "card", Kind: store.ChannelContact, Staff: "adviser", State: "C1"})
	changed := h.clock().Add(time.Hour)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return tx.AddChannelOwner(store.ChannelOwner{ChannelID: till, FromAt: changed.UnixMilli(), Staff: "bert"})
	}))
	by := func(n int, state string) bot.Member {
		m := customer(n)
		m.State, m.Inviter = state, ""
		h.deliver(bot.Event{Key: "added" + string(m.ID), Kind: bot.KindContactAdded, At: h.clock().Add(-time.Minute), Lane: "x",
			Data: bot.ContactAdded{User: "adviser", Customer: bot.ExternalUserID(m.ID), State: "C1"}})
		return m
	}
	early := h.world.join(g1, by(1, "S1"), by(2, "S2"), by(3, "S3"), by(4, ""))
	h.set(changed.Add(time.Minute))
	h.deliver(early, h.world.join(g1, by(5, "S1")))
	h.pass(time.Minute)
	for user, want := range map[string][3]string{
		"wm001": {"anna", ByState, ""}, "wm002": {"", ByNone, ""}, "wm003": {"", ByNone, "wm001"},
		"wm004": {"adviser", ByContactState, ""}, "wm005": {"bert", ByState, ""},
	} {
		if s := h.stay(g1, user); s.Inviter != want[0] || s.InviterBy != want[1] || s.Referrer != want[2] {
			t.Errorf("%s: %q by %s, referrer %q, want %v", user, s.Inviter, s.InviterBy, s.Referrer, want)
		}
	}
}

// ways is a platform with one group code.
type ways struct {
	bot.JoinWayMaker
	way     bot.JoinWay
	lost    error // what a change answers although it was made
	calls   int
	deleted []string
}

func (w *ways) ChangeJoinWay(_ context.Context, _ string, change func(*bot.JoinWay)) (bot.JoinWay, error) {
	w.calls++
	change(&w.way)
	return w.way, w.lost
}

func (w *ways) DeleteJoinWay(_ context.Context, config string) error {
	w.deleted = append(w.deleted, config)
	return nil
}

func TestNearTheLimitPersonalCodesThatNobodyMissesGo(t *testing.T) {
	h := houseWithGroup(t)
	ctx := context.Background()
	friend := customer(50)
	friend.Inviter = ""
	for i, c := range []string{"wm001", "wm002", "wm003", "wm004"} {
		h.deliver(h.world.join(g1, customer(i+1)))
		h.channel(store.Channel{Name: "r", Kind: store.ChannelGroup, Purpose: store.PurposeReferral, Referrer: c, HomeChat: string(g1), State: "R" + c[4:], ChatIDs: []string{string(g1)}})
	}
	h.pass(time.Minute)
	h.deliver(h.world.leave(g1, "wm002", 0)) // gone
	h.set(h.clock().Add(80 * 24 * time.Hour))
	friend.State = "R3"
	h.deliver(h.world.join(g1, friend)) // 3 brought somebody lately; 1 and 4 nobody
	h.pass(time.Minute)
	w := &ways{}
	c := &Channels{Store: h.store, Joins: w, Now: h.clock, Limit: 4, Log: quiet}
	h.must(c.RetireIdle(ctx, h.clock()))
	if len(w.deleted) != 1 || w.deleted[0] != "cfg-R2" {
		t.Errorf("after 80 days %v went, want the one whose owner left", w.deleted)
	}
	h.set(h.clock().Add(11 * 24 * time.Hour))
	c.Limit = 2
	h.must(c.RetireIdle(ctx, h.clock()))
	if len(w.deleted) != 3 || w.deleted[1] != "cfg-R1" || w.deleted[2] != "cfg-R4" {
		t.Errorf("after 91 days %v went, want 1 and 4 too", w.deleted)
	}
	if u, err := c.Usage(ctx); err != nil || u.Used != 1 || u.Retirable != 0 {
		t.Errorf("usage %+v %v", u, err)
	}
	c.Limit = 1
	var full *Conflict
	if _, err := c.Create(ctx, store.Channel{Name: "x", Kind: store.ChannelGroup, Staff: "a", ChatIDs: []string{string(g1)}}, noRemember); !errors.As(err, &full) {
		t.Errorf("one code more than the platform takes: %v", err)
	}
}

// A change whose answer was lost, and one under which the program died, are read again: the
// books come to say what the platform has.
func TestAChangeThatWasCutOffIsReadAgain(t *testing.T) {
	h := houseWithGroup(t)
	ctx := context.Background()
	h.world.group("g2", "owner")
	h.readGroup("g2")
	h.pass(time.Minute)
	id := h.channel(store.Channel{Name: "till", Kind: store.ChannelGroup, Staff: "anna", State: "S1", ChatIDs: []string{string(g1)}})
	w := &ways{way: bot.JoinWay{Chats: []bot.ChatID{g1}}}
	n := 0
	random := func() string { n++; return fmt.Sprintf("owner%d", n) }
	c := &Channels{Store: h.store, Joins: w, Now: h.clock, Random: random, Log: quiet}
	now := func() store.Channel {
		ch, err := h.store.Read(ctx).Channel(id)
		h.must(err)
		return ch
	}
	h.must(c.LookAfter(ctx))
	if w.calls != 0 || !now().LookAt.IsZero() {
		t.Errorf("%d calls for a code that needs nothing: %+v", w.calls, now())
	}
	w.lost = &bot.UnknownError{Op: "update", Err: context.DeadlineExceeded}
	chats := []string{"g2"}
	if _, err := c.Change(ctx, id, ChannelChange{ChatIDs: &chats}); !bot.IsUnknown(err) {
		t.Fatalf("got %v", err)
	}
	w.lost = nil
	h.set(h.clock().Add(codeRetry))
	h.must(c.LookAfter(ctx))
	if got := now(); got.ChatIDs[0] != "g2" || got.LeaseOwner != "" || !got.LookAt.IsZero() {
		t.Errorf("after a lost answer: %+v", got)
	}
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return tx.ClaimChannel(id, "dead", codeLease) }))
	w.way.Chats = []bot.ChatID{g1, "g2"} // it was made, and then the program died
	h.must(c.LookAfter(ctx))
	if got := now(); len(got.ChatIDs) != 1 || got.LeaseOwner != "dead" {
		t.Errorf("while somebody else may still be at it: %+v", got)
	}
	h.set(h.clock().Add(codeLease))
	h.must(c.LookAfter(ctx))
	if got := now(); len(got.ChatIDs) != 2 || got.LeaseOwner != "" {
		t.Errorf("after the program died: %+v", got)
	}
}

package handlers

import (
	"context"
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

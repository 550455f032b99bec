package handlers

import (
	"context"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// evidence is what the books keep of a stay, with the keys of the callbacks in place of ids.
type evidence struct {
	join, leave string // keys of callbacks; empty: none told
	again       int64  // how often the join's callback came again
	read, gone  bool   // a read showed the stay; a read missed the person
	by          string // how the end became known
}

func (h *house) evidence(st store.Stint) evidence {
	h.t.Helper()
	r := h.store.Read(context.Background())
	e, err := r.Evidence(st.ID)
	h.must(err)
	out := evidence{read: !e.JoinRead.IsZero(), gone: !e.LeaveRead.IsZero(), by: e.LeaveBy}
	if e.JoinCallback != nil {
		c, _, err := r.Callback(*e.JoinCallback)
		h.must(err)
		out.join, out.again = c.Key, c.Duplicates
	}
	if e.LeaveCallback != nil {
		c, _, err := r.Callback(*e.LeaveCallback)
		h.must(err)
		out.leave = c.Key
	}
	return out
}

func TestTheEvidenceOfAStayIsKept(t *testing.T) {
	for name, tc := range map[string]struct {
		live func(h *house) (want evidence)
	}{
		"a callback that came four times": {func(h *house) evidence {
			e := h.world.join(g1, customer(1))
			h.deliver(e, e)
			h.pass(time.Minute)
			h.deliver(e, e)
			return evidence{join: e.Key, again: 3, read: true}
		}},
		"read for another callback, its own came later": {func(h *house) evidence {
			e := h.world.join(g1, customer(1))
			h.deliver(h.world.join(g1, customer(2)))
			h.pass(time.Minute)
			h.deliver(e)
			h.pass(time.Minute)
			return evidence{join: e.Key, read: true}
		}},
		"a join that only the nightly read told of": {func(h *house) evidence {
			h.world.join(g1, customer(1))
			h.readGroup(g1)
			h.pass(time.Minute)
			return evidence{read: true}
		}},
		"a stay that only callbacks told of": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.pass(5 * time.Second)
			out := h.world.leave(g1, "wm001", 0)
			h.deliver(in, out)
			h.pass(time.Minute)
			return evidence{join: in.Key, leave: out.Key, by: store.LeaveByCallback}
		}},
		"a leave with its callback": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.deliver(in)
			h.pass(time.Minute)
			out := h.world.leave(g1, "wm001", 1)
			h.deliver(out)
			h.pass(time.Minute)
			return evidence{join: in.Key, leave: out.Key, read: true, gone: true, by: store.LeaveByCallback}
		}},
		"a leave whose callback came an hour late": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.deliver(in)
			h.pass(time.Minute)
			out := h.world.leave(g1, "wm001", 1)
			h.readGroup(g1)
			h.pass(time.Hour)
			h.deliver(out)
			h.pass(time.Minute)
			return evidence{join: in.Key, leave: out.Key, read: true, gone: true, by: store.LeaveByCallback}
		}},
		"a leave that nobody told of": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.deliver(in)
			h.pass(time.Minute)
			h.world.leave(g1, "wm001", 1)
			h.readGroup(g1)
			h.pass(time.Minute)
			return evidence{join: in.Key, read: true, gone: true, by: store.LeaveByRead}
		}},
		"a leave before a callback of somebody else": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.deliver(in)
			h.pass(time.Minute)
			h.world.leave(g1, "wm001", 1)
			h.pass(time.Minute)
			h.deliver(h.world.join(g1, customer(2)))
			h.pass(time.Minute)
			return evidence{join: in.Key, read: true, gone: true, by: store.LeaveByGap}
		}},
		"a leave of the old form, without a name": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.deliver(in)
			h.pass(time.Minute)
			out := h.world.leave(g1, "wm001", 1)
			c := out.Data.(bot.ChatChanged)
			c.Members = nil
			out.Data = c
			h.deliver(out)
			h.pass(time.Minute)
			return evidence{join: in.Key, leave: out.Key, read: true, gone: true, by: store.LeaveByNameless}
		}},
		"a group that was dismissed": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.deliver(in)
			h.pass(time.Minute)
			h.world.gone[g1] = true
			h.deliver(bot.Event{Key: "end", Kind: bot.KindChatChanged, At: h.clock(), Chat: g1, Lane: bot.ChatLane(g1), Data: bot.ChatChanged{Change: bot.ChatDismissed}})
			h.pass(time.Minute)
			return evidence{join: in.Key, read: true, by: store.LeaveByGroup}
		}},
		"an end that was taken back": {func(h *house) evidence {
			in := h.world.join(g1, customer(1))
			h.deliver(in)
			h.pass(time.Minute)
			here := h.world.snapshot(g1)
			h.world.leave(g1, "wm001", 1)
			h.readGroup(g1)
			h.pass(time.Hour)
			*h.world.groups[g1] = here
			h.world.groups[g1].Version = h.world.nextVersion()
			h.readGroup(g1)
			h.pass(time.Minute)
			return evidence{join: in.Key, read: true}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := houseWithGroup(t)
			want := tc.live(h)
			if got := h.evidence(h.stay(g1, "wm001")); got != want {
				t.Errorf("kept %+v, want %+v", got, want)
			}
		})
	}
}

// What told of a stay outlives the inbox, which forgets after a month.
func TestTheEvidenceOutlivesTheInbox(t *testing.T) {
	h := houseWithGroup(t)
	in := h.world.join(g1, customer(1))
	h.deliver(in)
	h.pass(time.Minute)
	h.deliver(in, in)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		n, err := tx.PruneInbox(h.clock().Add(time.Hour), 1000)
		if n == 0 {
			h.t.Fatal("nothing was forgotten")
		}
		return err
	}))
	if got, want := h.evidence(h.stay(g1, "wm001")), (evidence{join: in.Key, again: 2, read: true}); got != want {
		t.Errorf("kept %+v, want %+v", got, want)
	}
}

func TestWhatTheInviterWasDecidedByIsKept(t *testing.T) {
	h := houseWithGroup(t)
	code := h.channel(store.Channel{Name: "三号收银台", Kind: store.ChannelGroup, Staff: "wang", State: "S1"})
	staff := h.channel(store.Channel{Name: "李的名片", Kind: store.ChannelContact, Staff: "li", State: "C1"})
	added := h.clock().Add(-48 * time.Hour)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return tx.AddContact(store.Contact{Customer: "wm003", UserID: "li", AddedAt: added, State: "C1"})
	}))
	scanned, invited, friend, nobody := customer(1), customer(2), customer(3), customer(4)
	scanned.State, friend.Inviter, nobody.Inviter = "S1", "", ""
	h.deliver(h.world.join(g1, scanned, invited, friend, nobody))
	h.pass(time.Minute)
	for user, want := range map[string]store.Evidence{
		"wm001": {ChannelID: &code, ChannelName: "三号收银台", Invitor: "cashier"},
		"wm002": {Invitor: "cashier"},
		"wm003": {ChannelID: &staff, ChannelName: "李的名片", ContactAt: added},
		"wm004": {},
	} {
		got, err := h.store.Read(context.Background()).Evidence(h.stay(g1, user).ID)
		h.must(err)
		same := (got.ChannelID == nil) == (want.ChannelID == nil) && (want.ChannelID == nil || *got.ChannelID == *want.ChannelID)
		if !same || got.ChannelName != want.ChannelName || got.Invitor != want.Invitor || !got.ContactAt.Equal(want.ContactAt) {
			t.Errorf("%s: %+v, want %+v", user, got, want)
		}
	}
}

// channel makes a channel with a code and returns its id.
func (h *house) channel(c store.Channel) int64 {
	h.t.Helper()
	c.Status = store.ChannelMaking
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		if err := tx.AddChannel(&c); err != nil {
			return err
		}
		return tx.OpenChannel(c.ID, "cfg-"+c.State, "https://qr/"+c.State)
	}))
	return c.ID
}

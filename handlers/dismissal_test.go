package handlers

import (
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// dismissal ends a group and is the callback of that.
func (h *house) dismissal(id bot.ChatID) bot.Event {
	h.world.gone[id] = true
	return bot.Event{Key: "callback:dismiss", Kind: bot.KindChatChanged, At: h.world.second(), Chat: id, Lane: bot.ChatLane(id),
		Data: bot.ChatChanged{Change: bot.ChatDismissed}}
}

func (h *house) wantStay(user string, joined, left time.Time, how bot.LeaveHow) store.Stint {
	h.t.Helper()
	st := h.stay(g1, user)
	if !st.JoinedAt.Equal(joined) || !st.LeftAt.Equal(left) || st.LeftHow != string(how) {
		h.t.Errorf("%s: from %v to %v (%s), want %v to %v (%s)", user, st.JoinedAt, st.LeftAt, st.LeftHow, joined, left, how)
	}
	return st
}

// A group whose details lag is dismissed before they show who came and who went.
func TestWhatNoListShowedBeforeADismissalIsToldByTheCallbacks(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	first := h.stay(g1, "wm001").JoinedAt
	h.world.shown[g1] = h.world.snapshot(g1)
	second := h.world.second()
	h.deliver(h.world.join(g1, customer(2)), h.world.join(g1, customer(3)))
	h.pass(5 * time.Second)
	away := h.world.second()
	h.deliver(h.world.leave(g1, "wm001", 1), h.world.leave(g1, "wm003", 0))
	h.pass(5 * time.Second)
	end := h.world.second()
	h.deliver(h.dismissal(g1))
	h.pass(time.Minute)
	h.wantStay("wm001", first, away, bot.LeftRemoved)
	h.wantStay("wm003", second, away, bot.LeftAlone)
	if st := h.wantStay("wm002", second, end, bot.LeftUnknown); *st.Ordinal != 2 || st.Kind != string(bot.Customer) {
		t.Errorf("got %+v", st)
	}
	if c, err := h.store.Read(t.Context()).Chat(g1); err != nil || c.Status != store.ChatDismissed {
		t.Errorf("the group is %+v, %v", c, err)
	}
}

// Callbacks that come after the dismissal, the leave before its join, still tell of stays.
func TestCallbacksThatComeAfterADismissalAreHeard(t *testing.T) {
	h := houseWithGroup(t)
	joined := h.world.second()
	join := h.world.join(g1, customer(1), customer(2))
	h.pass(2 * time.Second)
	left := h.world.second()
	leave := h.world.leave(g1, "wm001", 0)
	h.pass(time.Second)
	end := h.world.second()
	h.deliver(h.dismissal(g1))
	h.pass(2 * time.Second)
	h.deliver(leave)
	h.pass(2 * time.Second)
	h.deliver(join)
	h.pass(time.Minute)
	h.wantStay("wm001", joined, left, bot.LeftAlone)
	h.wantStay("wm002", joined, end, bot.LeftUnknown)
	if st, err := h.store.Read(t.Context()).InboxStats(); err != nil || st.Pending != 0 {
		t.Errorf("%d events wait, %v", st.Pending, err)
	}
}

// Somebody joins in the very second of the dismissal, and that is told before it or after.
func TestAJoinInTheLastSecondOfAGroupFindsEverybodyThere(t *testing.T) {
	for _, late := range []bool{false, true} {
		h := houseWithGroup(t)
		h.deliver(h.world.join(g1, customer(1), customer(2)))
		h.pass(time.Minute)
		join, end := h.world.join(g1, customer(3)), h.dismissal(g1)
		if late {
			h.deliver(end)
			h.pass(2 * time.Second)
			h.deliver(join)
		} else {
			h.deliver(join, end)
		}
		h.pass(time.Minute)
		if st := h.wantStay("wm003", join.At, end.At, bot.LeftUnknown); *st.Ordinal != 3 {
			t.Errorf("late %v: ordinal %d, want 3", late, *st.Ordinal)
		}
	}
}

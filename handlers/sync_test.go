package handlers

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

const g1, g2 = bot.ChatID("wr1"), bot.ChatID("wr2")

func customer(n int) bot.Member {
	return bot.Member{ID: bot.MemberID(fmt.Sprintf("wm%03d", n)), Kind: bot.Customer, Name: fmt.Sprintf("顾客%d", n), Scene: bot.JoinQR, Inviter: "cashier"}
}

func TestAJoinBecomesAStayWithItsOrdinal(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.readGroup(g1)
	h.pass(time.Second)
	for n := range 3 {
		h.deliver(h.world.join(g1, customer(n)))
		h.pass(time.Minute)
	}
	for n := range 3 {
		s := h.stay(g1, fmt.Sprintf("wm%03d", n))
		if s.Ordinal == nil || *s.Ordinal != n+1 || s.Inviter != "cashier" || s.InviterBy != ByInvitor || !s.LeftAt.IsZero() {
			t.Errorf("stay %d: %+v", n, s)
		}
	}
	if s := h.stay(g1, "owner"); s.Ordinal != nil || s.Kind != "staff" {
		t.Errorf("staff: %+v", s)
	}
	c, err := h.store.Read(context.Background()).Chat(g1)
	h.must(err)
	if c.Customers != 3 || c.Staff != 1 || c.Owner != "owner" || c.Status != store.ChatActive {
		t.Errorf("group: %+v", c)
	}
}

func TestCallbacksOfOneGroupShareARead(t *testing.T) {
	h := houseWithGroup(t)
	h.world.reads = 0
	for n := range 50 {
		h.deliver(h.world.join(g1, customer(n)))
		h.pass(20 * time.Millisecond)
	}
	h.pass(time.Minute)
	if h.world.reads != 1 {
		t.Errorf("%d reads for 50 joins in a second, want 1", h.world.reads)
	}
}

// 50 joins in each of 20 groups, spread over ten seconds, must cost at most five reads a group.
func TestABusyGroupIsReadOnlySoOften(t *testing.T) {
	h := houseWithGroup(t)
	h.world.reads = 0
	for n := range 50 {
		h.deliver(h.world.join(g1, customer(n)))
		h.pass(200 * time.Millisecond)
	}
	h.pass(time.Minute)
	if h.world.reads > 4 {
		t.Errorf("%d reads for 50 joins in ten seconds, want at most 4", h.world.reads)
	}
	if got := len(h.stays(g1)); got != 51 {
		t.Errorf("%d stays, want 51", got)
	}
}

func TestLeavesTakeTimeAndKindFromTheCallback(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.join(g1, customer(1), customer(2), customer(3))
	h.readGroup(g1)
	h.pass(time.Hour)
	left := h.clock().Truncate(time.Second)
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Second)
	h.deliver(h.world.leave(g1, "wm002", 1))
	h.pass(time.Minute)
	for user, want := range map[string]string{"wm001": "left", "wm002": "removed", "wm003": ""} {
		if s := h.stay(g1, user); s.LeftHow != want {
			t.Errorf("%s: %+v, want %q", user, s, want)
		}
	}
	if s := h.stay(g1, "wm001"); !s.LeftAt.Equal(left) {
		t.Errorf("left at %v, want %v", s.LeftAt, left)
	}
}

func TestALostLeaveIsFoundAndNotCountedAtTheNextJoin(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.join(g1, customer(1), customer(2))
	h.readGroup(g1)
	h.pass(time.Hour)
	h.world.leave(g1, "wm001", 1) // its callback is lost
	h.pass(time.Hour)
	h.deliver(h.world.join(g1, customer(3)))
	h.pass(time.Minute)
	if s := h.stay(g1, "wm001"); s.LeftHow != "unknown" || s.LeftAt.IsZero() {
		t.Errorf("the lost leave: %+v", s)
	}
	if s := h.stay(g1, "wm003"); *s.Ordinal != 2 {
		t.Errorf("ordinal %d, want 2: the one who had left was counted", *s.Ordinal)
	}
}

func TestALostJoinIsFoundByTheNextRead(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.readGroup(g1)
	h.pass(time.Hour)
	h.world.join(g1, customer(1)) // lost
	h.pass(time.Hour)
	h.readGroup(g1) // the nightly comparison
	h.pass(time.Second)
	if s := h.stay(g1, "wm001"); *s.Ordinal != 1 {
		t.Errorf("got %+v", s)
	}
	if e := h.entries(); len(e) != 1 || e[0].AmountFen != 50 {
		t.Errorf("entries: %+v", e)
	}
}

func TestARejoinIsASecondStay(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Hour)
	// Leaves and is back before anybody looks.
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(time.Second)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	n := 0
	for _, s := range h.stays(g1) {
		if s.UserID == "wm001" {
			n++
		}
	}
	if n != 2 {
		t.Fatalf("%d stays, want 2", n)
	}
	if s := h.stay(g1, "wm001"); *s.Ordinal != 1 || !s.LeftAt.IsZero() {
		t.Errorf("second stay: %+v", s)
	}
}

func TestAReadThatLagsIsRepeated(t *testing.T) {
	h := houseWithGroup(t)
	h.world.shown[g1] = h.world.snapshot(g1)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(10 * time.Second)
	if got := len(h.stays(g1)); got != 1 {
		t.Fatalf("%d stays while the group lags", got)
	}
	delete(h.world.shown, g1)
	h.pass(time.Minute)
	if got := len(h.stays(g1)); got != 2 {
		t.Errorf("%d stays after the lag, want 2", got)
	}
	st, err := h.store.Read(context.Background()).InboxStats()
	h.must(err)
	if st.Pending != 0 {
		t.Errorf("%d events wait", st.Pending)
	}
}

func TestAReadThatNeverShowsTheChangeIsBelievedInTheEnd(t *testing.T) {
	h := houseWithGroup(t)
	h.world.shown[g1] = h.world.snapshot(g1)
	h.world.reads = 0
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Hour)
	st, err := h.store.Read(context.Background()).InboxStats()
	h.must(err)
	if st.Pending != 0 || h.world.reads > 20 {
		t.Errorf("%d events wait after %d reads", st.Pending, h.world.reads)
	}
}

func TestAnOldListDoesNotOverwriteANewerOne(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.join(g1, customer(1))
	h.readGroup(g1)
	h.pass(time.Minute)
	old := h.world.snapshot(g1)
	h.deliver(h.world.join(g1, customer(2)))
	h.pass(time.Minute)
	h.world.shown[g1] = old
	h.readGroup(g1)
	h.pass(10 * time.Second)
	if s := h.stay(g1, "wm002"); !s.LeftAt.IsZero() {
		t.Fatalf("an old list ended a stay: %+v", s)
	}
	delete(h.world.shown, g1)
	h.pass(2 * time.Minute)
	if s := h.stay(g1, "wm002"); !s.LeftAt.IsZero() {
		t.Errorf("got %+v", s)
	}
}

func TestAStayThatWasEndedByMistakeGoesOn(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.deliver(h.world.join(g1, customer(1)))
	h.readGroup(g1)
	h.pass(time.Minute)
	full := h.world.snapshot(g1)
	empty := full
	empty.Members, empty.Version = full.Members[:1], "glitch"
	h.world.shown[g1] = empty
	h.readGroup(g1)
	h.pass(time.Minute)
	if s := h.stay(g1, "wm001"); s.LeftAt.IsZero() {
		t.Fatal("the list is the truth, and it lacks the person")
	}
	delete(h.world.shown, g1)
	h.world.groups[g1].Version = "later"
	h.readGroup(g1)
	h.pass(time.Minute)
	if s := h.stay(g1, "wm001"); !s.LeftAt.IsZero() {
		t.Errorf("got %+v", s)
	}
	if e := h.entries(); len(e) != 1 || e[0].Status != store.EntryHeld {
		t.Errorf("entries: %+v", e)
	}
}

func TestADismissedGroupEndsItsStays(t *testing.T) {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.join(g1, customer(1))
	h.readGroup(g1)
	h.pass(time.Minute)
	h.world.gone[g1] = true
	h.deliver(bot.Event{Key: "gone", Kind: bot.KindChatChanged, At: h.world.second(), Chat: g1, Lane: bot.ChatLane(g1), Data: bot.ChatChanged{Change: bot.ChatDismissed}})
	h.pass(time.Second)
	c, err := h.store.Read(context.Background()).Chat(g1)
	h.must(err)
	if s := h.stay(g1, "wm001"); c.Status != store.ChatDismissed || s.LeftAt.IsZero() {
		t.Errorf("group %+v, stay %+v", c, s)
	}
}

func TestAFailedReadIsTriedAgainAndLosesNothing(t *testing.T) {
	h := houseWithGroup(t)
	h.world.err = &bot.APIError{Op: "groupchat/get", Code: -1, Class: bot.ClassRetry}
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	h.world.err = &bot.APIError{Op: "groupchat/get", Code: 45009, Class: bot.ClassBackoff, Wait: time.Hour}
	h.pass(3 * time.Hour)
	h.world.err = nil
	h.pass(2 * time.Hour)
	if s := h.stay(g1, "wm001"); *s.Ordinal != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestInvitersAreFoundInOrder(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.world.group(g1, "owner")
	h.readGroup(g1)
	h.pass(time.Minute)
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		for _, c := range []store.Channel{
			{Name: "till", Kind: store.ChannelGroup, Staff: "till1", State: "S1", Status: store.ChannelActive},
			{Name: "card", Kind: store.ChannelContact, Staff: "adviser", State: "C1", Status: store.ChannelActive},
		} {
			if err := tx.AddChannel(&c); err != nil {
				return err
			}
		}
		return nil
	}))
	added := func(n int, ago time.Duration) {
		h.deliver(bot.Event{Key: fmt.Sprintf("added%d", n), Kind: bot.KindContactAdded, At: h.clock().Add(-ago), Lane: "x",
			Data: bot.ContactAdded{User: "adviser", Customer: bot.ExternalUserID(customer(n).ID), State: "C1"}})
	}
	byState, byInvitor, byContact, tooOld, nobody, asked, foreign := customer(1), customer(2), customer(3), customer(4), customer(5), customer(6), customer(7)
	byState.State = "S1"
	byContact.Inviter, tooOld.Inviter, nobody.Inviter, asked.Inviter, foreign.Inviter = "", "", "", "", ""
	foreign.State = "from another system"
	added(2, time.Hour)
	added(3, 29*24*time.Hour)
	added(4, 31*24*time.Hour)
	h.world.contacts["wm006"] = bot.Contact{ID: "wm006", Follows: []bot.Follow{{User: "adviser", State: "C1", AddedAt: h.clock().Add(-time.Hour)}}}
	h.deliver(h.world.join(g1, byState, byInvitor, byContact, tooOld, nobody, asked, foreign))
	h.pass(time.Minute)
	for user, want := range map[string][2]string{
		"wm001": {"till1", ByState}, "wm002": {"cashier", ByInvitor}, "wm003": {"adviser", ByContactState},
		"wm004": {"", ByNone}, "wm005": {"", ByNone}, "wm006": {"adviser", ByContactState}, "wm007": {"", ByNone},
	} {
		if s := h.stay(g1, user); s.Inviter != want[0] || s.InviterBy != want[1] {
			t.Errorf("%s: %s by %s, want %v", user, s.Inviter, s.InviterBy, want)
		}
	}
}

// Someone who joined and left within a second is in no list, but two callbacks tell.
func TestAStayThatNoReadShowsIsKnownFromItsCallbacks(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Second)
	joined := h.world.join(g1, customer(2))
	h.pass(500 * time.Millisecond)
	left := h.world.leave(g1, "wm001", 0)
	h.deliver(left, joined) // in any order
	h.pass(time.Minute)
	s := h.stay(g1, "wm001")
	if s.LeftHow != "left" || s.LeftAt.Sub(s.JoinedAt) != time.Second || *s.Ordinal != 1 {
		t.Errorf("the brief stay: %+v", s)
	}
	if s := h.stay(g1, "wm002"); *s.Ordinal != 1 {
		t.Errorf("ordinal %d, want 1: the other left in the same second", *s.Ordinal)
	}
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	if n := len(h.entries()); n != 1 {
		t.Errorf("%d entries, want 1: who was there before is not new", n)
	}
}

func TestACallbackAboutSomebodyNobodySeesMakesNoStay(t *testing.T) {
	h := houseWithGroup(t)
	e := h.world.event(g1, bot.DetailAddMember, 3, "", "Jack", "Rose")
	h.deliver(e)
	h.pass(time.Hour)
	if got := len(h.stays(g1)); got != 1 {
		t.Errorf("%d stays, want 1", got)
	}
}

// Whoever leaves and comes back within one second has two stays, also where the second is
// over before anybody looks.
func TestAStayMayBeginInTheSecondInWhichAnotherEnds(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Minute)
	post := []bot.Event{h.world.leave(g1, "wm001", 1), h.world.join(g1, customer(1))}
	h.pass(3 * time.Millisecond)
	h.deliver(post...)
	h.pass(1997 * time.Millisecond)
	left := h.world.leave(g1, "wm001", 0)
	h.pass(50 * time.Millisecond) // a read shows it, the callback comes later
	h.deliver(left)
	h.pass(time.Minute)
	stays := slices.DeleteFunc(h.stays(g1), func(s store.Stint) bool { return s.UserID != "wm001" })
	if len(stays) != 2 || stays[0].LeftHow != "removed" || stays[1].LeftHow != "left" || !stays[1].JoinedAt.Equal(stays[0].LeftAt) {
		t.Errorf("stays: %+v", stays)
	}
}

// The same where the second stay goes on: who came meanwhile is counted behind the first.
func TestAStayThatNobodySawCountsBeforeARejoin(t *testing.T) {
	h := houseWithGroup(t)
	var post []bot.Event
	post = append(post, h.world.join(g1, customer(1)))
	h.pass(time.Second)
	post = append(post, h.world.join(g1, customer(2)))
	h.pass(time.Second)
	post = append(post, h.world.leave(g1, "wm001", 1), h.world.join(g1, customer(1)))
	h.pass(1500 * time.Millisecond)
	h.deliver(post...)
	h.pass(time.Minute)
	if s := h.stay(g1, "wm002"); *s.Ordinal != 2 {
		t.Errorf("ordinal %d, want 2: the other was still there", *s.Ordinal)
	}
	if n := len(h.stays(g1)); n != 4 { // with the owner's
		t.Errorf("%d stays, want 4", n)
	}
}

// A stay that no read shows waits with everything else for a group whose details lag: who
// came before it must be known first.
func TestAStayThatNobodySawWaitsForALaggingGroup(t *testing.T) {
	h := houseWithGroup(t)
	h.world.lag = 3200 * time.Millisecond
	first := h.world.join(g1, customer(5))
	h.pass(3 * time.Millisecond)
	h.deliver(first)
	h.pass(997 * time.Millisecond)
	h.deliver(h.world.join(g1, customer(4)))
	h.pass(3 * time.Second)
	late := h.world.join(g1, customer(8))
	h.deliver(h.world.join(g1, customer(2)), h.world.leave(g1, "wm002", 1))
	h.pass(31 * time.Millisecond)
	h.deliver(late)
	h.pass(time.Minute)
	if s := h.stay(g1, "wm002"); *s.Ordinal != 3 {
		t.Errorf("ordinal %d, want 3", *s.Ordinal)
	}
}

// Two stays that nobody saw, in one second: the one whose callbacks are complete waits for
// the other, which may count before it.
func TestAStayThatNobodySawWaitsForAnother(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(7)))
	h.pass(time.Minute)
	first := h.world.leave(g1, "wm007", 1)
	h.pass(2 * time.Millisecond)
	h.deliver(first)
	h.pass(998 * time.Millisecond)
	h.deliver(h.world.join(g1, customer(7)), h.world.leave(g1, "wm007", 1), h.world.join(g1, customer(4)))
	h.pass(time.Second)
	late := h.world.leave(g1, "wm004", 0)
	h.pass(7 * time.Millisecond)
	h.deliver(late)
	h.pass(time.Minute)
	s, err := h.store.Read(context.Background()).LastStint(g1, "wm007")
	h.must(err)
	if *s.Ordinal != 2 {
		t.Errorf("ordinal %d, want 2", *s.Ordinal)
	}
}

// A leave behind a rejoin ends the second stay; the first waits for the callback of its own.
func TestALateLeaveIsNotTakenForTheNext(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(3)))
	h.pass(time.Minute)
	late := h.world.leave(g1, "wm003", 1)
	left := h.world.second()
	h.pass(2 * time.Second)
	h.deliver(h.world.join(g1, customer(3)))
	h.pass(time.Second)
	h.deliver(h.world.leave(g1, "wm003", 0))
	h.pass(3 * time.Second)
	h.deliver(late)
	h.pass(time.Minute)
	stays := slices.DeleteFunc(h.stays(g1), func(s store.Stint) bool { return s.UserID != "wm003" })
	if len(stays) != 2 || !stays[0].LeftAt.Equal(left) || stays[0].LeftHow != "removed" || stays[1].LeftHow != "left" {
		t.Errorf("stays: %+v", stays)
	}
}

// Two leaves in one read: the second belongs to a stay whose join is still on its way.
func TestASecondLeaveWaitsForItsJoin(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(4 * time.Second)
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(2 * time.Second)
	late := h.world.join(g1, customer(1))
	h.deliver(h.world.leave(g1, "wm001", 1))
	h.pass(3 * time.Second)
	h.deliver(late)
	h.pass(5 * time.Minute)
	stays := slices.DeleteFunc(h.stays(g1), func(s store.Stint) bool { return s.UserID != "wm001" })
	if len(stays) != 2 || stays[0].LeftHow != "left" || stays[1].LeftHow != "removed" {
		t.Errorf("stays: %+v", stays)
	}
}

// The same where a read shows the second stay before its callback is there.
func TestAStayOfASecondIsKeptWhenTheNextIsSeenFirst(t *testing.T) {
	h := houseWithGroup(t)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(time.Second)
	h.deliver(h.world.leave(g1, "wm001", 0))
	h.pass(300 * time.Millisecond)
	late := h.world.join(g1, customer(1))
	h.readGroup(g1)
	h.pass(3 * time.Second)
	h.deliver(late)
	h.pass(10 * time.Minute)
	stays := slices.DeleteFunc(h.stays(g1), func(s store.Stint) bool { return s.UserID != "wm001" })
	if len(stays) != 2 || stays[0].LeftHow != "left" || !stays[1].LeftAt.IsZero() {
		t.Errorf("stays: %+v", stays)
	}
}

// Whoever looks in and comes back a second later was there twice, although the two joins are
// so close that a callback's time alone could mean either.
func TestAStayOfASecondIsNotTakenForTheNext(t *testing.T) {
	for lag := time.Duration(0); lag < 8*time.Second; lag += 1200 * time.Millisecond {
		t.Run(lag.String(), func(t *testing.T) {
			h := houseWithGroup(t)
			h.world.lag = lag
			h.deliver(h.world.join(g1, customer(1)))
			joined := h.world.second()
			h.pass(time.Second)
			h.deliver(h.world.leave(g1, "wm001", 0))
			left := h.world.second()
			h.pass(300 * time.Millisecond)
			h.deliver(h.world.join(g1, customer(1)))
			h.pass(10 * time.Minute)
			stays := slices.DeleteFunc(h.stays(g1), func(s store.Stint) bool { return s.UserID != "wm001" })
			if len(stays) != 2 || !stays[0].JoinedAt.Equal(joined) || !stays[0].LeftAt.Equal(left) || stays[0].LeftHow != "left" ||
				!stays[1].JoinedAt.Equal(left) || !stays[1].LeftAt.IsZero() {
				t.Errorf("stays: %+v", stays)
			}
		})
	}
}

// Somebody looks in, leaves and is back within two seconds, and the details show each of
// that late: the callback of the return does not tell of the first stay.
func TestAReturnWithinASecondIsNotTheBeginningOfTheStayBefore(t *testing.T) {
	h := houseWithGroup(t)
	second := h.world.second()
	h.deliver(h.world.join(g1, customer(1)))
	in := h.world.snapshot(g1)
	h.deliver(h.world.leave(g1, "wm001", 0))
	out := h.world.snapshot(g1)
	h.world.shown[g1] = in
	h.pass(time.Second)
	h.deliver(h.world.join(g1, customer(1)))
	h.pass(10 * time.Second)
	h.world.shown[g1] = out
	h.pass(20 * time.Second)
	delete(h.world.shown, g1)
	h.pass(time.Minute)
	stays := h.stays(g1)
	if len(stays) != 3 {
		t.Fatalf("%d stays, want 3: %+v", len(stays), stays)
	}
	for _, st := range stays[1:] {
		back := st.JoinedAt.After(second)
		if back != st.LeftAt.IsZero() || *st.Ordinal != 1 || !back && (!st.LeftAt.Equal(second) || st.LeftHow != "left") {
			t.Errorf("got %+v, ordinal %d", st, *st.Ordinal)
		}
	}
}

// Somebody is in and out twice in one second, which whole seconds cannot tell apart, and
// somebody else after that: it counts once and holds up nobody.
func TestTwoStaysOfOneSecondAreOne(t *testing.T) {
	h := houseWithGroup(t)
	for _, n := range []int{1, 1, 2} {
		h.deliver(h.world.join(g1, customer(n)))
		h.deliver(h.world.leave(g1, customer(n).ID, 0))
	}
	h.pass(time.Minute)
	stays := h.stays(g1)
	if len(stays) != 3 {
		t.Fatalf("%d stays, want 3: %+v", len(stays), stays)
	}
	for _, st := range stays[1:] {
		if st.LeftHow != "left" || *st.Ordinal != 1 {
			t.Errorf("got %+v, ordinal %d", st, *st.Ordinal)
		}
	}
}

// How long a list may lag counts from the first read that could be made: after minutes in
// which WeCom refused all reads, the first list may still be the old one.
func TestAnOldListIsNotBelievedAfterARefusal(t *testing.T) {
	h := houseWithGroup(t)
	h.world.err = &bot.APIError{Op: "groupchat/get", Code: 40014, Class: bot.ClassFix}
	in := h.world.join(g1, customer(1))
	shown := h.world.snapshot(g1)
	h.pass(2 * time.Second)
	left := h.clock().Truncate(time.Second)
	out := h.world.leave(g1, "wm001", 1)
	h.deliver(in, out)
	h.pass(4 * time.Minute)
	h.world.err = nil
	h.world.shown[g1] = shown
	h.pass(90 * time.Second)
	delete(h.world.shown, g1)
	h.pass(time.Hour)
	if s := h.stay(g1, "wm001"); !s.LeftAt.Equal(left) || s.LeftHow != string(bot.LeftRemoved) {
		t.Errorf("the stay ended %v %s, want %v removed", s.LeftAt, s.LeftHow, left)
	}
}

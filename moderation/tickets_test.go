package moderation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

const angry = "鸡蛋坏了三个,我要退款"

// ticketDesk is a desk at ten in the morning with g1, whose store has a manager.
func ticketDesk(t *testing.T) *desk {
	h := deskWithGroup(t, 2)
	h.Zone = time.FixedZone("CST", 8*3600)
	h.Notify = []string{"hq"}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return errors.Join(tx.PutShop(store.Shop{ID: "s1", Name: "东门店", Manager: "boss"}), tx.PlaceChat(g1, "s1", nil))
	}))
	return h
}

func (h *desk) complain(id, text string) Answer {
	h.t.Helper()
	return h.judge(FeedMessage{MessageID: id, Chat: g1, Sender: "wm001", Type: "text", Text: text})
}

func (h *desk) ticket(id int64) store.Ticket {
	h.t.Helper()
	t, err := h.store.Read(context.Background()).Ticket(id)
	h.must(err)
	return t
}

// steps is what was done about a ticket, as "what who".
func (h *desk) steps(id int64) []string {
	h.t.Helper()
	steps, err := h.store.Read(context.Background()).TicketSteps(id)
	h.must(err)
	var out []string
	for _, s := range steps {
		out = append(out, strings.TrimSpace(s.What+" "+s.Who))
	}
	return out
}

// mind does what tickets are due for until a moment.
func (h *desk) mind(until time.Time) {
	h.t.Helper()
	ctx := context.Background()
	for range 100 {
		at, ok, err := h.NextTicket(ctx)
		h.must(err)
		if !ok || at.After(until) {
			break
		}
		h.set(at)
		h.must(h.MindTickets(ctx))
	}
	h.set(until)
}

func (h *desk) pressTicket(user, task, key string) {
	h.t.Helper()
	h.seq++
	h.deliver(bot.Event{Key: fmt.Sprintf("press%d", h.seq), Kind: bot.KindCardPressed, At: h.now, Lane: "card:" + task,
		Data: bot.CardPressed{User: bot.UserID(user), TaskID: task, Key: key, UpdateCode: fmt.Sprintf("code%d", h.seq)}})
	h.pass(time.Second)
}

func TestAComplaintIsATicketAndNeverActedOn(t *testing.T) {
	h := ticketDesk(t)
	ctx := context.Background()
	a := h.complain("m1", angry)
	if a.Action != ActNone || a.CaseID != 0 {
		t.Fatalf("answer %+v", a)
	}
	h.complain("m2", "人呢?再不退款我就投诉")
	h.complain("m2", "人呢?再不退款我就投诉") // comes again
	k := h.ticket(1)
	if k.Kind != store.TicketRefund || k.Status != store.TicketOpen || k.Said != 2 || k.MemberName != "顾客1" || !k.DueAt.Equal(k.CreatedAt.Add(defaultTickets)) {
		t.Errorf("ticket %+v", k)
	}
	said, err := h.store.Read(ctx).TicketMessages(1)
	h.must(err)
	cases, err := h.store.Read(ctx).Cases("", 0, 0)
	h.must(err)
	if len(said) != 2 || len(cases) != 0 {
		t.Errorf("%d messages, %d cases", len(said), len(cases))
	}
	act, err := h.store.Read(ctx).ActionByKey("card:ticket-1-0")
	h.must(err)
	var told TellTicket
	h.must(act.Decode(&told))
	if !slices.Equal(told.To, []bot.UserID{"owner"}) || len(told.Card.Buttons) != 3 || told.Card.Quote != angry {
		t.Errorf("card %+v", told)
	}
	h.judge(FeedMessage{MessageID: "m3", Chat: g1, Sender: "owner", Type: "text", Text: "顾客投诉退款的都来找我"})
	if _, err := h.store.Read(ctx).OpenTicket(g1, "owner"); !errors.Is(err, store.ErrNotFound) {
		t.Error("staff got a ticket")
	}
}

func TestATicketThatNobodyAnswersGoesUp(t *testing.T) {
	h := ticketDesk(t)
	h.complain("m1", angry)
	h.mind(h.now.Add(24 * time.Hour))
	if got, want := h.steps(1), []string{"opened", "asked owner", "reminded owner", "escalated boss", "escalated hq"}; !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	if k := h.ticket(1); k.Status != store.TicketOpen || !k.NextAt.IsZero() {
		t.Errorf("ticket %+v", k)
	}
	stats, err := h.TicketStats(context.Background())
	if err != nil || stats.Open != 1 || stats.Overdue != 1 {
		t.Errorf("stats %+v, %v", stats, err)
	}
}

func TestATicketAsksWhoIsThere(t *testing.T) {
	h := ticketDesk(t)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return tx.PutAbsence(store.Absence{UserID: "owner", FromDay: "2026-11-23", ToDay: "2026-11-23", StandIn: "friend"})
	}))
	h.complain("m1", angry)
	if got, want := h.steps(1), []string{"opened", "asked friend"}; !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return tx.PutAbsence(store.Absence{UserID: "owner", FromDay: "2026-11-23", ToDay: "2026-11-23"})
	}))
	h.judge(FeedMessage{MessageID: "m2", Chat: g1, Sender: "wm002", Text: angry})
	if got, want := h.steps(2), []string{"opened", "escalated boss"}; !slices.Equal(got, want) {
		t.Errorf("nobody stands in: %q, want %q", got, want)
	}
	h.judge(FeedMessage{MessageID: "m3", Chat: "wrUnknown", Sender: "wm009", Text: angry})
	if got, want := h.steps(3), []string{"opened", "escalated hq"}; !slices.Equal(got, want) {
		t.Errorf("an unknown group: %q, want %q", got, want)
	}
}

func TestATicketsClockStandsStillAtNight(t *testing.T) {
	m := &Moderator{Zone: time.FixedZone("CST", 8*3600)}
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, m.Zone) }
	for _, c := range []struct {
		from   time.Time
		within time.Duration
		want   time.Time
	}{
		{at(23, 10, 0), 2 * time.Hour, at(23, 12, 0)},
		{at(23, 20, 0), 2 * time.Hour, at(24, 9, 0)},
		{at(23, 23, 0), 2 * time.Hour, at(24, 10, 0)},
		{at(23, 3, 0), 2 * time.Hour, at(23, 10, 0)},
		{at(23, 8, 0), 13 * time.Hour, at(23, 21, 0)},
		{at(23, 10, 0), 30 * time.Hour, at(25, 14, 0)},
	} {
		if got := m.wakingAfter(c.from, c.within); !got.Equal(c.want) {
			t.Errorf("%v and %v is %v, want %v", c.from, c.within, got, c.want)
		}
	}
	h := ticketDesk(t)
	h.now = at(23, 23, 30)
	h.complain("m1", angry)
	act, err := h.store.Read(context.Background()).ActionByKey("card:ticket-1-0")
	h.must(err)
	if !act.DueAt.Equal(at(24, 8, 0)) {
		t.Errorf("the owner is woken at %v", act.DueAt)
	}
}

func TestATicketIsTakenAndClosedByItsButtons(t *testing.T) {
	h := ticketDesk(t)
	ctx := context.Background()
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return tx.NameStaff("owner", "店长") }))
	h.complain("m1", angry)
	h.pressTicket("owner", "ticket-1-0", keyTake)
	if k := h.ticket(1); k.Status != store.TicketTaken || k.Who != "owner" || k.NextAt.IsZero() {
		t.Fatalf("taken: %+v", k)
	}
	h.pass(time.Hour)
	h.pressTicket("owner", "ticket-1-0", keyDone)
	if k := h.ticket(1); k.Status != store.TicketClosed || !k.NextAt.IsZero() {
		t.Fatalf("closed: %+v", k)
	}
	if got, want := h.steps(1), []string{"opened", "asked owner", "taken owner", "closed owner"}; !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	stats, err := h.TicketStats(ctx)
	if err != nil || stats.Closed != 1 || stats.Late != 0 || stats.Median < time.Hour || stats.Median > 61*time.Minute {
		t.Errorf("stats %+v, %v", stats, err)
	}
	var conflict *handlers.Conflict
	if _, err := h.TakeTicket(ctx, 1, "boss", ""); !errors.As(err, &conflict) {
		t.Errorf("a closed ticket was taken: %v", err)
	}
	h.complain("m9", angry)
	if k := h.ticket(2); k.Status != store.TicketOpen {
		t.Errorf("a new complaint: %+v", k)
	}
}

func TestATicketThatIsAdvertisingBecomesACase(t *testing.T) {
	h := ticketDesk(t)
	h.complain("m1", angry)
	h.pressTicket("owner", "ticket-1-0", keySpam)
	k := h.ticket(1)
	if k.Status != store.TicketClosed || k.CaseID == nil {
		t.Fatalf("ticket %+v", k)
	}
	c, err := h.store.Read(context.Background()).Case(*k.CaseID)
	h.must(err)
	if c.Member != "wm001" || c.Action != ActRemove || c.MessageID != "m1" || c.Reasons[0].Check != "person" {
		t.Errorf("case %+v", c)
	}
}

// Nobody is shown in the morning what was answered in the night.
func TestATicketThatIsClosedShowsNoMoreCards(t *testing.T) {
	h := ticketDesk(t)
	ctx := context.Background()
	h.set(time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)) // half past eleven
	h.complain("m1", angry)
	_, err := h.CloseTicket(ctx, 1, "boss", "")
	h.must(err)
	cards, err := h.store.Read(ctx).ActionsLike("card:ticket-1-")
	if err != nil || len(cards) != 1 || cards[0].State != store.ActionCancelled {
		t.Errorf("cards %+v, %v", cards, err)
	}
}

package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

var quiet = slog.New(slog.DiscardHandler)

func noRemember(*store.Tx, string) error { return nil }

func (h *house) judge(msg FeedMessage) Answer {
	h.t.Helper()
	if h.moderation.Detector == nil {
		h.moderation.Detector = spam.New()
	}
	msg.SentAt = h.clock()
	a, err := h.moderation.Judge(context.Background(), msg)
	h.must(err)
	return a
}

const advert = "兼职日结300,加V:abc12345,名额有限"

func TestSpamOpensACaseAndAsksTheOwner(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.world.group(g1, "owner")
	h.world.join(g1, customer(1), customer(2))
	h.readGroup(g1)
	h.pass(time.Minute)
	a := h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Type: "text", Text: advert})
	if a.Verdict != "spam" || a.Action != ActRemove || a.CaseID == 0 || len(a.Reasons) == 0 {
		t.Fatalf("answer %+v", a)
	}
	again := h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Type: "text", Text: "something else"})
	if again.CaseID != a.CaseID || again.Score != a.Score {
		t.Errorf("a repeated message got %+v, want the first answer %+v", again, a)
	}
	h.judge(FeedMessage{MessageID: "m2", Chat: g1, Sender: "wm001", Type: "text", Text: advert})
	if n, err := h.store.Read(ctx).Cases("", 0, 0); err != nil || len(n) != 1 {
		t.Errorf("%d cases for one person, %v", len(n), err)
	}
	act, err := h.store.Read(ctx).ActionByKey("card:case-1-1")
	h.must(err)
	var ask AskOwner
	h.must(act.Decode(&ask))
	if ask.To != "owner" || len(ask.Card.Buttons) != 2 || !strings.Contains(ask.Card.Quote, "兼职") {
		t.Errorf("card %+v", ask)
	}
	ham := h.judge(FeedMessage{MessageID: "m3", Chat: g1, Sender: "wm002", Type: "text", Text: "鸡蛋多少钱一盒"})
	staff := h.judge(FeedMessage{MessageID: "m4", Chat: g1, Sender: "owner", Type: "text", Text: advert})
	if ham.Verdict != "ham" || staff.Verdict != "ham" || staff.Action != ActNone {
		t.Errorf("harmless: %+v, staff: %+v", ham, staff)
	}
	stranger := h.judge(FeedMessage{MessageID: "m5", Chat: "wrUnknown", Sender: "wm999", Type: "text", Text: advert})
	if stranger.Verdict != "spam" {
		t.Errorf("a stranger in an unknown group: %+v", stranger)
	}
}

// press is a press of a button of a case's first card.
func (h *house) press(key string) {
	h.t.Helper()
	h.seq++
	h.deliver(bot.Event{Key: fmt.Sprintf("press%d", h.seq), Kind: bot.KindCardPressed, At: h.clock(), Lane: "card:case-1-1",
		Data: bot.CardPressed{User: "owner", TaskID: "case-1-1", Key: key, UpdateCode: fmt.Sprintf("code%d", h.seq)}})
}

func (h *house) caseStatus() string {
	h.t.Helper()
	c, err := h.store.Read(context.Background()).Case(1)
	h.must(err)
	return c.Status
}

func flagged(t *testing.T) *house {
	h := newHouse(t)
	h.world.group(g1, "owner")
	h.world.join(g1, customer(1))
	h.readGroup(g1)
	h.pass(time.Minute)
	h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Type: "text", Text: advert})
	return h
}

func TestARemovalIsBelievedOnlyFromTheMemberList(t *testing.T) {
	h := flagged(t)
	h.press(keyRemoved) // but the person is still there
	h.pass(30 * time.Second)
	if got := h.caseStatus(); got != store.CaseOpen && got != store.CaseAsked {
		t.Fatalf("a false claim was believed: %s", got)
	}
	h.pass(2 * time.Minute)
	h.must(h.moderation.Review(context.Background()))
	c, err := h.store.Read(context.Background()).Case(1)
	h.must(err)
	if !strings.Contains(c.Note, "still has the person") || c.Asks != 2 {
		t.Errorf("the false claim was not noticed: %+v", c)
	}
	h.deliver(h.world.leave(g1, "wm001", 1))
	h.pass(time.Minute)
	if got := h.caseStatus(); got != store.CaseRemoved {
		t.Errorf("status %s, want removed", got)
	}
}

func TestAButtonDismissesACase(t *testing.T) {
	h := flagged(t)
	h.press(keyDismiss)
	h.pass(time.Second)
	if got := h.caseStatus(); got != store.CaseDismissed {
		t.Errorf("status %s, want dismissed", got)
	}
	h.press(keyRemoved)
	h.pass(time.Second)
	if got := h.caseStatus(); got != store.CaseDismissed {
		t.Errorf("a closed case moved to %s", got)
	}
	var conflict *Conflict
	if _, err := h.moderation.Remove(context.Background(), 1); !errors.As(err, &conflict) {
		t.Errorf("a closed case was acted on: %v", err)
	}
}

func TestAnOwnerWhoDoesNotAnswerIsRemindedAndTheCaseExpires(t *testing.T) {
	h := flagged(t)
	ctx := context.Background()
	for range 200 {
		at, ok, err := h.moderation.Next(ctx)
		h.must(err)
		if !ok {
			break
		}
		h.set(at)
		h.must(h.moderation.Review(ctx))
	}
	c, err := h.store.Read(ctx).Case(1)
	h.must(err)
	if c.Status != store.CaseExpired || c.Asks != maxAsks {
		t.Errorf("case %+v", c)
	}
}

func TestABlockedPersonWhoJoinsGetsACase(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.world.group(g1, "owner")
	h.readGroup(g1)
	h.pass(time.Minute)
	h.must(h.moderation.Block(ctx, store.Blocked{Person: "union7", Reason: "卖假货"}))
	bad := customer(7)
	bad.UnionID = "union7"
	h.deliver(h.world.join(g1, bad, customer(8)))
	h.pass(time.Minute)
	cases, err := h.store.Read(ctx).Cases("", 0, 0)
	h.must(err)
	if len(cases) != 1 || cases[0].Member != "wm007" || cases[0].Action != ActRemove {
		t.Errorf("cases %+v", cases)
	}
	h.must(h.moderation.Block(ctx, store.Blocked{Person: "wm008"})) // is there already
	if cases, err = h.store.Read(ctx).Cases("", 0, 0); err != nil || len(cases) != 2 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
}

// greeter is a platform that knows names, quickly or not.
type greeter struct {
	world *world
	slow  bool
}

func (g greeter) Contact(ctx context.Context, id bot.ExternalUserID) (bot.Contact, error) {
	if g.slow {
		<-ctx.Done()
		return bot.Contact{}, ctx.Err()
	}
	return bot.Contact{ID: id, Name: "李四"}, nil
}

func (g greeter) FollowUsers(context.Context) ([]bot.UserID, error) { return nil, nil }

func (g greeter) StaffMember(_ context.Context, id bot.UserID) (bot.StaffMember, error) {
	return bot.StaffMember{ID: id, Name: "张三"}, nil
}

// greet runs the welcome of one new contact and returns what is to be sent.
func (h *house) greet(g greeter, state string, late time.Duration) (SendWelcome, bool) {
	h.t.Helper()
	ctx := context.Background()
	w := &Welcome{Contacts: g, Staff: g, Store: h.store, Now: h.clock, Log: quiet}
	h.seq++
	code := fmt.Sprintf("code%d", h.seq)
	e := bot.Event{Kind: bot.KindContactAdded, At: h.clock(), Deadline: h.clock().Add(20*time.Second - late),
		Data: bot.ContactAdded{User: "zhangsan", Customer: "wm001", State: state, WelcomeCode: code}}
	e, err := w.Fetch(ctx, e)
	h.must(err)
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return w.Handle(ctx, tx, e) }))
	a, err := h.store.Read(ctx).ActionByKey(SendWelcome{Code: code}.ActionKey())
	if errors.Is(err, store.ErrNotFound) {
		return SendWelcome{}, false
	}
	h.must(err)
	var s SendWelcome
	h.must(a.Decode(&s))
	return s, true
}

func TestAGreetingNamesPeopleAndWaitsForNobody(t *testing.T) {
	h := newHouse(t)
	if s, _ := h.greet(greeter{world: h.world}, "", 0); s.Message.Text != "您好李四,我是张三,很高兴为您服务。" {
		t.Errorf("got %q", s.Message.Text)
	}
	began := time.Now()
	if s, _ := h.greet(greeter{world: h.world, slow: true}, "", 0); s.Message.Text != "您好,我是张三,很高兴为您服务。" {
		t.Errorf("with a slow platform: %q", s.Message.Text)
	}
	if waited := time.Since(began); waited > 5*time.Second {
		t.Errorf("waited %v for a name", waited)
	}
	if _, ok := h.greet(greeter{world: h.world}, "", 20*time.Second); ok {
		t.Error("a greeting was written after its 20 seconds")
	}
}

func TestAChannelHasItsOwnGreeting(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ch := store.Channel{Name: "adviser", Kind: store.ChannelContact, Staff: "zhangsan", State: "C1", Status: store.ChannelActive}
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.PutShop(store.Shop{ID: "s1", Name: "幸福里店", Staff: []string{"zhangsan"}}); err != nil {
			return err
		}
		return tx.AddChannel(&ch)
	}))
	g := &Greetings{Store: h.store}
	_, err := g.Put(ctx, fmt.Sprint(ch.ID), bot.Message{Text: "{store}欢迎{customer}"})
	h.must(err)
	if s, _ := h.greet(greeter{world: h.world}, "C1", 0); s.Message.Text != "幸福里店欢迎李四" {
		t.Errorf("got %q", s.Message.Text)
	}
	if s, _ := h.greet(greeter{world: h.world}, "other", 0); !strings.HasPrefix(s.Message.Text, "您好李四") {
		t.Errorf("got %q", s.Message.Text)
	}
	for _, bad := range []bot.Message{{}, {Text: strings.Repeat("x", 4001)}, {Text: "{name}"}, {Text: "x", Attachments: make([]bot.Attachment, 10)}} {
		if _, err := g.Put(ctx, "default", bad); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

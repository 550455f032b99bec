package moderation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

const advert = "兼职日结300,加V:abc12345,名额有限"

func TestSpamOpensACaseAndAsksTheOwner(t *testing.T) {
	h := deskWithGroup(t, 2)
	ctx := context.Background()
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
func (h *desk) press(key string) {
	h.t.Helper()
	h.seq++
	h.deliver(bot.Event{Key: fmt.Sprintf("press%d", h.seq), Kind: bot.KindCardPressed, At: h.now, Lane: "card:case-1-1",
		Data: bot.CardPressed{User: "owner", TaskID: "case-1-1", Key: key, UpdateCode: fmt.Sprintf("code%d", h.seq)}})
}

func (h *desk) caseStatus() string {
	h.t.Helper()
	c, err := h.store.Read(context.Background()).Case(1)
	h.must(err)
	return c.Status
}

func flagged(t *testing.T) *desk {
	h := deskWithGroup(t, 1)
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
	h.must(h.Review(context.Background()))
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
	var conflict *handlers.Conflict
	if _, err := h.Remove(context.Background(), 1, ""); !errors.As(err, &conflict) {
		t.Errorf("a closed case was acted on: %v", err)
	}
}

func TestAnOwnerWhoDoesNotAnswerIsRemindedAndTheCaseExpires(t *testing.T) {
	h := flagged(t)
	ctx := context.Background()
	for range 200 {
		at, ok, err := h.Next(ctx)
		h.must(err)
		if !ok {
			break
		}
		h.set(at)
		h.must(h.Review(ctx))
	}
	c, err := h.store.Read(ctx).Case(1)
	h.must(err)
	if c.Status != store.CaseExpired || c.Asks != 3 {
		t.Errorf("case %+v", c)
	}
}

func TestABlockedPersonWhoJoinsGetsACase(t *testing.T) {
	h := deskWithGroup(t, 0)
	ctx := context.Background()
	h.must(h.Block(ctx, store.Blocked{Person: "union7", Reason: "卖假货"}))
	bad := customer(7)
	bad.UnionID = "union7"
	h.deliver(h.world.join(g1, bad, customer(8)))
	h.pass(time.Minute)
	cases, err := h.store.Read(ctx).Cases("", 0, 0)
	h.must(err)
	if len(cases) != 1 || cases[0].Member != "wm007" || cases[0].Action != ActRemove {
		t.Errorf("cases %+v", cases)
	}
	h.must(h.Block(ctx, store.Blocked{Person: "wm008"})) // is there already
	if cases, err = h.store.Read(ctx).Cases("", 0, 0); err != nil || len(cases) != 2 {
		t.Errorf("%d cases, %v", len(cases), err)
	}
}

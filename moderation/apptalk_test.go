package moderation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// write sends a text to the app.
func (h *desk) write(user, text string) {
	h.t.Helper()
	h.seq++
	h.deliver(bot.Event{Key: fmt.Sprintf("app%d", h.seq), Kind: bot.KindAppMessage, At: h.now, Lane: bot.AppLane(bot.UserID(user)),
		Data: bot.AppMessage{User: bot.UserID(user), MessageID: fmt.Sprint(h.seq), Type: "text", Text: text}})
	h.pass(time.Second)
}

// answers are what the app answered so far, texts and titles of cards.
func (h *desk) answers() (out []AnswerApp) {
	h.t.Helper()
	rows, err := h.store.Read(context.Background()).ActionsPage("", "", 0, 1000)
	h.must(err)
	for _, row := range rows {
		if row.Kind != (AnswerApp{}).ActionKind() {
			continue
		}
		var a AnswerApp
		h.must(row.Decode(&a))
		out = append(out, a)
	}
	return out
}

func (h *desk) lastAnswer() AnswerApp {
	h.t.Helper()
	all := h.answers()
	if len(all) == 0 {
		h.t.Fatal("nothing was answered")
	}
	return all[len(all)-1]
}

func staffDesk(t *testing.T) *desk {
	h := deskWithGroup(t, 4)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { return tx.NameStaff("owner", "店长") }))
	return h
}

func TestStaffAskTheAppAndFileACase(t *testing.T) {
	h := staffDesk(t)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { // said before anybody judged it
		return tx.AddMessage(store.Message{MessageID: "m1", ChatID: string(g1), Sender: "wm001", SentAt: h.now, Text: advert, Fingerprint: int64(h.Detector.Trace(advert).Text)})
	}))
	h.write("owner", "兼职日结300，加V：abc12345，名额有限！")
	a := h.lastAnswer()
	if a.To != "owner" || a.Card == nil || len(a.Card.Buttons) != 3 || !strings.Contains(a.Card.Title, "是广告") || !strings.Contains(fmt.Sprint(a.Card.Fields), "顾客1") {
		t.Fatalf("answer %+v", a)
	}
	h.pressTicket("owner", "ask-1-verdict", keyFile)
	if cards, err := h.store.Read(context.Background()).ActionsLike("card:case-"); err != nil || len(cards) != 1 {
		t.Errorf("the owner is asked by %d cards, %v", len(cards), err)
	}
	c, err := h.store.Read(context.Background()).OpenCase(g1, "wm001")
	h.must(err)
	if c.Action != ActRemove || c.MessageID != "m1" {
		t.Errorf("case %+v", c)
	}
	rec, err := h.store.Read(context.Background()).ReportRecord("owner")
	if err != nil || rec.Reports != 1 || !rec.Staff {
		t.Errorf("record %+v, %v", rec, err)
	}
	h.pressTicket("owner", "ask-1-verdict", keyHarmless)
	if ask, err := h.store.Read(context.Background()).AppAsk(1); err != nil || ask.Status != store.AskFiled {
		t.Errorf("a second press: %+v, %v", ask, err)
	}
	h.write("owner", "待办")
	if a := h.lastAnswer(); !strings.Contains(a.Text, "案件 #1") {
		t.Errorf("to do: %q", a.Text)
	}
}

func TestTheAppAsksWhoItWas(t *testing.T) {
	h := staffDesk(t)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for i := range 2 {
			if err := tx.AddMessage(store.Message{MessageID: fmt.Sprint("m", i), ChatID: string(g1), Sender: fmt.Sprintf("wm00%d", i+1), SentAt: h.now, Text: advert}); err != nil {
				return err
			}
		}
		return nil
	}))
	h.write("owner", advert)
	h.pressTicket("owner", "ask-1-verdict", keyFile)
	a := h.lastAnswer()
	if a.Card == nil || len(a.Card.Buttons) != 2 || h.openCases() != 0 {
		t.Fatalf("offer %+v", a)
	}
	h.pressTicket("owner", "ask-1-who", keyChoice+"1")
	if c, err := h.store.Read(context.Background()).OpenCase(g1, bot.MemberID(who(t, h, 1))); err != nil || c.Action != ActRemove {
		t.Errorf("case %+v, %v", c, err)
	}
}

func who(t *testing.T, h *desk, n int) string {
	t.Helper()
	ask, err := h.store.Read(context.Background()).AppAsk(1)
	h.must(err)
	return ask.Choices[n].Member
}

func TestWhomNobodyFindsIsNamed(t *testing.T) {
	h := staffDesk(t)
	h.write("owner", "这条消息没人在群里说过,请帮我看看是不是广告呢")
	h.pressTicket("owner", "ask-1-verdict", keyFile)
	if a := h.lastAnswer(); !strings.Contains(a.Text, "举报 群名 昵称") || h.openCases() != 0 {
		t.Fatalf("answer %+v", a)
	}
	for text, want := range map[string]string{"举报 群wr1": "请写", "举报 别的群 顾客2": "没有叫"} {
		h.write("owner", text)
		if a := h.lastAnswer(); !strings.Contains(a.Text, want) {
			t.Errorf("%s: %q", text, a.Text)
		}
	}
	h.write("owner", "举报 群wr1 顾客2")
	c, err := h.store.Read(context.Background()).OpenCase(g1, "wm002")
	if err != nil || c.Action != ActWarn { // the detector finds nothing in it
		t.Errorf("case %+v, %v", c, err)
	}
	if a := h.lastAnswer(); !strings.Contains(a.Text, "已立案") {
		t.Errorf("answer %q", a.Text)
	}
}

func TestOnlyStaffAreAnsweredAndNotTooOften(t *testing.T) {
	h := staffDesk(t)
	h.write("stranger", advert)
	if n := len(h.answers()); n != 0 {
		t.Fatalf("a stranger got %d answers", n)
	}
	h.write("owner", "帮助")
	if a := h.lastAnswer(); a.Text != helpText {
		t.Errorf("help: %q", a.Text)
	}
	e := bot.Event{Kind: bot.KindAppMessage, At: h.now, Lane: bot.AppLane("owner"), Data: bot.AppMessage{User: "owner", MessageID: "777", Type: "image"}}
	for _, key := range []string{"again1", "again2"} { // WeCom tells the same message by its MsgId
		e.Key = key
		h.deliver(e)
		h.pass(0)
	}
	if n := len(h.answers()); n != 2 {
		t.Errorf("%d answers, want one to help and one to the picture", n)
	}
	for range 3 * asksMinute {
		h.write("owner", advert)
	}
	before := len(h.answers())
	if a := h.answers(); before > 2*asksMinute || !strings.Contains(fmt.Sprint(a), "太快") {
		t.Errorf("%d answers within half a minute", before)
	}
	h.pass(time.Minute)
	h.write("owner", "帮助")
	if n := len(h.answers()); n != before+1 {
		t.Errorf("%d answers after a minute, want %d", n, before+1)
	}
}

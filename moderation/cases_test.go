package moderation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/scheduler"
	"xiaobu/store"
)

// shownCard is a card as somebody has it on the screen.
type shownCard struct {
	to   bot.UserID
	card bot.Card
	at   time.Time
	note string // in the place of the buttons
}

// office is the company's staff and its app chats, in memory.
type office struct {
	now   func() time.Time
	cards []*shownCard
	texts []string // "to: text"
	chats map[string]*bot.AppChat
	said  []string // in app chats
	// cut makes the next call of a kind end without an answer, after its work; refuse before.
	cut    map[string]int
	refuse map[string]error
}

func (o *office) outcome(op string) error {
	if o.cut[op] > 0 {
		o.cut[op]--
		return &bot.UnknownError{Op: op, Err: errors.New("cut off")}
	}
	return nil
}

func (o *office) SendCard(_ context.Context, to []bot.UserID, c bot.Card) (bot.CardRef, error) {
	for _, known := range o.cards {
		if known.card.TaskID == c.TaskID {
			return bot.CardRef{}, fmt.Errorf("task %s was used before", c.TaskID)
		}
	}
	o.cards = append(o.cards, &shownCard{to: to[0], card: c, at: o.now()})
	return bot.CardRef{UpdateCode: "sent:" + c.TaskID}, o.outcome("card")
}

func (o *office) UpdateCard(_ context.Context, code string, _ []bot.UserID, note string) error {
	for _, c := range o.cards {
		if strings.HasSuffix(code, ":"+c.card.TaskID) {
			c.note = note
		}
	}
	return nil
}

func (o *office) SendText(_ context.Context, to []bot.UserID, text string) error {
	o.texts = append(o.texts, string(to[0])+": "+text)
	return nil
}

func (o *office) CreateAppChat(context.Context, bot.AppChat) (string, error) { return "", nil }

func (o *office) AppChat(_ context.Context, id string) (bot.AppChat, error) {
	c := o.chats[id]
	if c == nil {
		return bot.AppChat{}, &bot.APIError{Op: "appchat/get", Code: 86003, Class: bot.ClassGone}
	}
	out := *c
	out.Users = slices.Clone(c.Users)
	return out, nil
}

func (o *office) UpdateAppChat(context.Context, string, string, bot.UserID, []bot.UserID, []bot.UserID) error {
	return nil
}

func (o *office) SendAppChat(_ context.Context, id, text string) error {
	o.said = append(o.said, id+": "+text)
	return nil
}

func (o *office) RemoveMember(_ context.Context, chat bot.ChatID, member bot.MemberID) error {
	if err := o.refuse["remove"]; err != nil {
		return err
	}
	c := o.chats[string(chat)]
	c.Users = slices.DeleteFunc(c.Users, func(u bot.UserID) bool { return string(u) == string(member) })
	return o.outcome("remove")
}

// ward is a desk with the outbox and the clock's duties around it.
type ward struct {
	*desk
	office *office
	sender *scheduler.Sender
}

func newWard(t testing.TB, customers int) *ward {
	t.Helper()
	h := deskWithGroup(t, customers)
	w := &ward{desk: h, office: &office{now: h.clock, chats: map[string]*bot.AppChat{}, cut: map[string]int{}, refuse: map[string]error{}}}
	h.AppChats, h.Notify, h.Zone = w.office, []string{"boss"}, time.FixedZone("Shanghai", 8*60*60)
	w.sender = scheduler.NewSender(scheduler.SenderConfig{Store: h.store, Now: h.clock, Log: slog.New(slog.DiscardHandler), Jitter: func() float64 { return 0.5 }, Owner: "test", Serial: true})
	for _, p := range []scheduler.Performer{CardSender{w.office}, handlers.CardUpdater{Platform: w.office}, MemberRemover{h.Moderator, w.office}, ChatPoster{w.office},
		CaseNoteTeller{handlers.StaffTeller{Platform: w.office, Now: h.clock}}} {
		w.sender.Perform(p, 1)
	}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		if err := tx.PutShop(store.Shop{ID: "s1", Name: "北门店", Manager: "manager"}); err != nil {
			return err
		}
		for _, id := range []bot.UserID{"owner", "manager", "boss"} {
			if err := tx.NameStaff(id, "员工"+string(id)); err != nil {
				return err
			}
		}
		return tx.PlaceChat(g1, "s1", nil)
	}))
	return w
}

// live lets time go by: inbox, outbox and duties, whatever is first.
func (w *ward) live(d time.Duration) {
	w.t.Helper()
	ctx := context.Background()
	end := w.now.Add(d)
	for range 10_000 {
		_, err := w.d.Drain(ctx)
		w.must(err)
		w.must(w.Review(ctx))
		_, err = w.sender.Drain(ctx)
		w.must(err)
		var first time.Time
		for _, next := range []func(context.Context) (time.Time, bool, error){w.d.NextDue, w.sender.NextDue, w.Next} {
			at, ok, err := next(ctx)
			w.must(err)
			if ok && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
		if first.IsZero() || first.After(end) {
			w.set(end)
			return
		}
		w.set(first)
	}
	w.t.Fatal("no rest")
}

// cardsOf are the cards that somebody has.
func (w *ward) cardsOf(who bot.UserID) []*shownCard {
	var out []*shownCard
	for _, c := range w.office.cards {
		if c.to == who {
			out = append(out, c)
		}
	}
	return out
}

// pressOn has somebody press a button of a card.
func (w *ward) pressOn(c *shownCard, key string) {
	w.t.Helper()
	w.seq++
	w.deliver(bot.Event{Key: fmt.Sprintf("press%d", w.seq), Kind: bot.KindCardPressed, At: w.now, Lane: "card:" + c.card.TaskID,
		Data: bot.CardPressed{User: c.to, TaskID: c.card.TaskID, Key: key, UpdateCode: "pressed:" + c.card.TaskID}})
	w.live(time.Second)
}

func (w *ward) theCase(id int64) store.Case {
	w.t.Helper()
	c, err := w.store.Read(context.Background()).Case(id)
	w.must(err)
	return c
}

// history are the steps of a case, in short.
func (w *ward) history(id int64) string {
	w.t.Helper()
	steps, err := w.store.Read(context.Background()).CaseSteps(id)
	w.must(err)
	var out []string
	for _, s := range steps {
		out = append(out, strings.TrimSuffix(s.What+":"+s.Who, ":"))
	}
	return strings.Join(out, " ")
}

func (w *ward) advertises(n int, who bot.MemberID, chat bot.ChatID) Answer {
	w.t.Helper()
	return w.judge(FeedMessage{MessageID: fmt.Sprintf("ad%d", n), Chat: chat, Sender: who, Type: "text", Text: advert})
}

func TestThoseWhoCanActAreAskedOneAfterAnother(t *testing.T) {
	w := newWard(t, 1)
	w.advertises(1, "wm001", g1)
	w.live(8 * time.Hour)
	var told []string
	for _, c := range w.office.cards {
		told = append(told, fmt.Sprintf("%s %s", c.to, c.at.Sub(w.office.cards[0].at)))
	}
	if got, want := strings.Join(told, ", "), "owner 0s, owner 30m0s, manager 2h0m0s, boss 4h0m0s"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if got, want := w.history(1), "opened asked:owner reminded:owner escalated:manager escalated:boss"; got != want {
		t.Errorf("history %s, want %s", got, want)
	}
	w.pressOn(w.cardsOf("manager")[0], keyDismiss)
	if c := w.theCase(1); c.Status != store.CaseDismissed || c.ClosedBy != "manager" {
		t.Errorf("case %+v", c)
	}
	for _, c := range w.office.cards {
		want := "已由 员工manager 处理:不是广告"
		if c.to == "manager" {
			want = "已标记为不是广告"
		}
		if c.note != want {
			t.Errorf("the card of %s says %q", c.to, c.note)
		}
	}
	if n, err := w.store.Read(context.Background()).StrikeCount("wm001", "spam", w.now, w.now.Add(time.Hour)); err != nil || n != 0 {
		t.Errorf("%d strikes stand after a dismissal, %v", n, err)
	}
}

func TestAFalseClaimIsToldAndCounted(t *testing.T) {
	w := newWard(t, 1)
	w.advertises(1, "wm001", g1)
	w.live(time.Minute)
	w.pressOn(w.cardsOf("owner")[0], keyRemoved)
	w.live(2 * time.Minute)
	again := w.cardsOf("owner")
	if len(again) != 2 || !strings.Contains(again[1].card.Title, "名单里还有此人") {
		t.Fatalf("%d cards of the owner", len(again))
	}
	w.pressOn(again[1], keyRemoved) // and again nothing was done
	w.live(2 * time.Minute)
	if n := len(w.cardsOf("manager")); n != 1 {
		t.Errorf("after two false claims the manager has %d cards", n)
	}
	if c := w.theCase(1); c.Claims != 2 || c.FalseClaims != 2 || c.Status != store.CaseAsked {
		t.Errorf("case %+v", c)
	}
	w.deliver(w.world.leave(g1, "wm001", 1))
	w.live(time.Minute)
	if c := w.theCase(1); c.Status != store.CaseRemoved || c.ClosedBy != byList {
		t.Errorf("case %+v", c)
	}
	if got := w.cardsOf("manager")[0].note; got != "已移出" {
		t.Errorf("the manager's card says %q", got)
	}
	stats, err := w.Stats(context.Background(), w.now.Add(-time.Hour), w.now.Add(time.Hour), ByOwner)
	w.must(err)
	if len(stats) != 2 || stats[1].ID != "owner" || stats[1].FalseClaims != 2 || stats[1].Removed != 1 || stats[0].Removed != 1 || *stats[0].ToRemovalMedian < 5*60_000 || *stats[0].ToCardMedian != 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestTheLadderGoesOnUntilStrikesExpire(t *testing.T) {
	w := newWard(t, 2)
	first := w.advertises(1, "wm001", g1)
	if burst := w.advertises(2, "wm001", g1); burst.CaseID != first.CaseID || w.theCase(1).Rung != RungRemove {
		t.Fatalf("what follows at once took rung %q", w.theCase(1).Rung)
	}
	w.live(burst + time.Minute)
	second := w.advertises(3, "wm001", g1)
	if first.CaseID != second.CaseID || w.theCase(1).Rung != RungBlock {
		t.Fatalf("the second strike took rung %q", w.theCase(1).Rung)
	}
	w.live(time.Minute)
	w.deliver(w.world.leave(g1, "wm001", 1))
	w.live(time.Minute)
	r := w.store.Read(context.Background())
	b, blocked, err := r.IsBlocked("wm001")
	if err != nil || !blocked || b.By != byBot || *b.CaseID != 1 {
		t.Errorf("blocked %v %+v %v", blocked, b, err)
	}
	done := w.cardsOf("manager")
	if len(done) != 1 || done[0].card.Buttons[0].Key != keyUndo {
		t.Fatalf("the manager was not told: %d cards", len(done))
	}
	w.pressOn(done[0], keyUndo)
	if _, blocked, err = r.IsBlocked("wm001"); err != nil || blocked {
		t.Errorf("still blocked after an undo, %v", err)
	}
	if c := w.theCase(1); c.Status != store.CaseDismissed || c.ClosedBy != "manager" {
		t.Errorf("case %+v", c)
	}
	if len(w.office.texts) != 1 || !strings.Contains(w.office.texts[0], "欢迎您回来") {
		t.Errorf("texts %q", w.office.texts)
	}
	var conflict *handlers.Conflict
	if _, err := w.Undo(context.Background(), 1, "anna", ""); !errors.As(err, &conflict) {
		t.Errorf("a second undo: %v", err)
	}
	w.advertises(4, "wm002", g1)
	w.now = w.now.Add(31 * 24 * time.Hour)
	w.live(time.Minute) // the first case has expired
	w.advertises(5, "wm002", g1)
	if c := w.theCase(3); c.Rung != RungRemove {
		t.Errorf("after a month the rung is %q", c.Rung)
	}
}

func TestAWarningIsAskedForOnceADay(t *testing.T) {
	w := newWard(t, 12)
	warnedBy := func(n int, who string) {
		w.must(w.store.Tx(context.Background(), func(tx *store.Tx) error {
			p, err := w.policyFor(tx.Reader, g1)
			if err != nil {
				return err
			}
			_, err = w.act(tx, p, store.Case{ChatID: string(g1), Member: who, MessageID: fmt.Sprint("m", n), Text: "加我", Verdict: "suspect", Score: 0.6})
			return err
		}))
		w.live(time.Second)
	}
	warnedBy(1, "wm001")
	warnedBy(2, "wm001")
	for n := range 10 {
		warnedBy(10+n, string(customer(n+2).ID))
	}
	cards := w.cardsOf("owner")
	if len(cards) != maxWarnings {
		t.Errorf("%d cards, want %d a day", len(cards), maxWarnings)
	}
	if first := cards[0].card; !strings.Contains(first.Note, "@顾客1 本群禁止") || first.Buttons[0].Key != keyWarned {
		t.Errorf("card %+v", first)
	}
	if got := w.history(1); got != "opened warning:owner message" {
		t.Errorf("history %s", got)
	}
	w.pressOn(cards[0], keyRaise)
	if c := w.theCase(1); c.Action != ActRemove || len(w.cardsOf("owner")) != maxWarnings+1 {
		t.Errorf("case %+v", c)
	}
	w.pressOn(cards[1], keyWarned)
	if open, _, warnings, err := w.store.Read(context.Background()).OpenCases("s1", w.now); err != nil || open != 10 || warnings != 9 {
		t.Errorf("%d open, %d of them warnings, %v", open, warnings, err)
	}
	w.live(73 * time.Hour)
	if c := w.theCase(2); c.Status != store.CaseExpired {
		t.Errorf("case %+v", c)
	}
}

func TestTheStandInAndTheNewOwnerAreAsked(t *testing.T) {
	w := newWard(t, 2)
	ctx := context.Background()
	w.must(w.store.Tx(ctx, func(tx *store.Tx) error {
		return tx.PutAbsence(store.Absence{UserID: "owner", FromDay: "2026-11-23", ToDay: "2026-11-23", StandIn: "helper"})
	}))
	w.advertises(1, "wm001", g1)
	w.live(time.Minute)
	if len(w.cardsOf("helper")) != 1 || len(w.cardsOf("owner")) != 0 {
		t.Fatalf("cards %+v", w.office.cards)
	}
	w.world.groups[g1].Owner = "heir"
	w.world.groups[g1].Version = w.world.next()
	w.readGroup(g1)
	w.live(time.Minute)
	if n := len(w.cardsOf("heir")); n != 1 {
		t.Errorf("the new owner has %d cards", n)
	}
	if got := w.cardsOf("helper")[0].note; got != "群主已更换,请新群主处理" {
		t.Errorf("the old card says %q", got)
	}
	if got, want := w.history(1), "opened stand_in:helper new_owner:heir asked:heir"; got != want {
		t.Errorf("history %s, want %s", got, want)
	}
}

func TestTheBotRemovesInAppChats(t *testing.T) {
	for name, broken := range map[string]func(*office){
		"at once": func(*office) {},
		"cut off": func(o *office) { o.cut["remove"] = 1 },
		"refused, so people": func(o *office) {
			o.refuse["remove"] = &bot.APIError{Op: "appchat/update", Code: 86006, Class: bot.ClassFix}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t, 0)
			ctx := context.Background()
			w.office.chats["ops"] = &bot.AppChat{ID: "ops", Name: "运营群", Owner: "lead", Users: []bot.UserID{"lead", "bad", "good"}}
			broken(w.office)
			forget := func(*store.Tx, string) error { return nil }
			var invalid *handlers.Invalid
			if _, err := w.Open(ctx, Opening{Chat: "nowhere", Member: "bad", Reason: "广告", By: "anna"}, forget); !errors.As(err, &invalid) || invalid.Field != "chat_id" {
				t.Errorf("a chat that is none: %v", err)
			}
			if _, err := w.Open(ctx, Opening{Chat: "ops", Member: "stranger", Reason: "广告", By: "anna"}, forget); !errors.As(err, &invalid) || invalid.Field != "member" {
				t.Errorf("nobody of the chat: %v", err)
			}
			c, err := w.Open(ctx, Opening{Chat: "ops", Member: "bad", Reason: "发广告", By: "anna"}, forget)
			w.must(err)
			if !c.AppChat || c.Status != store.CaseOpen {
				t.Fatalf("case %+v", c)
			}
			w.live(5 * time.Minute)
			c = w.theCase(c.ID)
			if name == "refused, so people" {
				if c.Status != store.CaseAsked || len(w.cardsOf("lead")) != 1 {
					t.Fatalf("case %+v, cards %d", c, len(w.cardsOf("lead")))
				}
				w.office.refuse["remove"] = nil
				w.must(w.office.RemoveMember(ctx, "ops", "bad"))
				w.pressOn(w.cardsOf("lead")[0], keyRemoved)
				w.live(time.Minute)
				if c = w.theCase(c.ID); c.Status != store.CaseRemoved || c.ClosedBy != "lead" || len(w.office.said) != 0 {
					t.Errorf("case %+v, said %q", c, w.office.said)
				}
				return
			}
			if c.Status != store.CaseRemoved || slices.Contains(w.office.chats["ops"].Users, "bad") {
				t.Errorf("case %+v in %+v; %s", c, w.office.chats["ops"], w.history(c.ID))
			}
			if len(w.office.said) != 1 || len(w.cardsOf("boss")) != 1 {
				t.Errorf("said %q, the boss has %d cards", w.office.said, len(w.cardsOf("boss")))
			}
		})
	}
}

// Nothing calls back when somebody comes into an app chat: it is read every ten minutes.
func TestTheBlocklistHoldsInAppChats(t *testing.T) {
	w := newWard(t, 0)
	ctx := context.Background()
	w.office.chats["ops"] = &bot.AppChat{ID: "ops", Name: "运营群", Owner: "lead", Users: []bot.UserID{"lead", "good"}}
	_, err := w.AddAppChat(ctx, "ops")
	w.must(err)
	w.must(w.Block(ctx, store.Blocked{Person: "bad", Reason: "泄密", ExpiresAt: w.now.Add(24 * time.Hour)}))
	w.live(time.Minute)
	w.office.chats["ops"].Users = append(w.office.chats["ops"].Users, "bad")
	w.live(15 * time.Minute)
	if c := w.theCase(1); c.Status != store.CaseRemoved || !c.AppChat {
		t.Errorf("case %+v", c)
	}
	w.live(25 * time.Hour)
	if _, blocked, err := w.store.Read(ctx).IsBlocked("bad"); err != nil || blocked {
		t.Errorf("still blocked after the time is over, %v", err)
	}
}

// Who is put on the blocklist by one group's removal gets cases in the others; an undo, or a
// way off the list, ends those too, for they are about nothing else.
func TestOffTheBlocklistMeansOffEverywhere(t *testing.T) {
	w := newWard(t, 1)
	ctx := context.Background()
	w.inGroups(customer(1), "wr2")
	w.advertises(1, "wm001", g1)
	w.live(burst + time.Minute)
	w.advertises(2, "wm001", g1)
	w.live(time.Minute)
	w.deliver(w.world.leave(g1, "wm001", 1))
	w.live(time.Minute)
	if c := w.theCase(2); c.ChatID != "wr2" || c.Status != store.CaseAsked {
		t.Fatalf("the other group: %+v", c)
	}
	if _, err := w.Undo(ctx, 1, "anna", "认错人了"); err != nil {
		t.Fatal(err)
	}
	if c := w.theCase(2); c.Status != store.CaseDismissed || c.ClosedBy != "anna" {
		t.Errorf("after the undo: %+v", c)
	}
	w.must(w.Block(ctx, store.Blocked{Person: "wm001"}))
	w.live(time.Minute)
	w.must(w.Unblock(ctx, "wm001", "anna"))
	w.live(time.Minute)
	if c := w.theCase(3); c.Status != store.CaseDismissed {
		t.Errorf("off the list: %+v", c)
	}
	for _, c := range w.office.cards {
		if c.note == "" && c.card.Buttons[0].Key != keyUndo {
			t.Errorf("a card of %s still has buttons: %s", c.to, c.card.TaskID)
		}
	}
}

// inGroups has somebody in further groups of the owner.
func (w *ward) inGroups(who bot.Member, groups ...bot.ChatID) {
	w.t.Helper()
	for _, g := range groups {
		w.world.group(g, "owner")
		w.world.join(g, who)
		w.readGroup(g)
	}
	w.live(time.Minute)
}

func TestAnOwnerGetsOneCardForTheSameTextInManyGroups(t *testing.T) {
	w := newWard(t, 1)
	w.inGroups(customer(1), "wr2", "wr3", "wr4")
	for i, g := range []bot.ChatID{g1, "wr2", "wr3"} {
		w.advertises(i, "wm001", g)
		w.live(time.Second)
	}
	cards := w.cardsOf("owner")
	if len(cards) != 1 || !strings.Contains(cards[0].card.Note, "群wr2、群wr3、群wr4") {
		t.Fatalf("%d cards, the first %+v", len(cards), cards[0].card)
	}
	for id := range int64(3) {
		if c := w.theCase(id + 1); c.Status != store.CaseAsked || c.AskedAt.IsZero() || (c.Lead == nil) != (id == 0) {
			t.Errorf("case %+v", c)
		}
	}
	w.judge(FeedMessage{MessageID: "else", Chat: "wr4", Sender: "wm001", Type: "text", Text: "刷单返现一单一结,加QQ:2233445566,名额有限"})
	w.live(time.Second)
	if cards = w.cardsOf("owner"); len(cards) != 2 {
		t.Fatalf("another text made %d cards", len(cards))
	}
	for _, g := range []bot.ChatID{g1, "wr2"} { // and not from the third
		w.deliver(w.world.leave(g, "wm001", 1))
	}
	w.pressOn(cards[0], keyRemoved)
	w.live(3 * time.Minute)
	if a, b, c := w.theCase(1), w.theCase(2), w.theCase(3); a.Status != store.CaseRemoved || b.Status != store.CaseRemoved || c.FalseClaims != 1 || c.Lead != nil {
		t.Errorf("cases %+v\n%+v\n%+v", a, b, c)
	}
	if cards = w.cardsOf("owner"); len(cards) != 3 || !strings.Contains(cards[2].card.Title, "名单里还有此人") {
		t.Errorf("%d cards after a claim that held in two of three groups", len(cards))
	}
}

func TestOnePressDismissesAllThatStandsOnACard(t *testing.T) {
	w := newWard(t, 1)
	w.inGroups(customer(1), "wr2", "wr3")
	for i, g := range []bot.ChatID{g1, "wr2", "wr3"} {
		w.advertises(i, "wm001", g)
	}
	w.live(time.Minute)
	w.pressOn(w.cardsOf("owner")[0], keyDismiss)
	for id := range int64(3) {
		if c := w.theCase(id + 1); c.Status != store.CaseDismissed {
			t.Errorf("case %+v", c)
		}
	}
	w.live(24 * time.Hour)
	if n := len(w.office.cards); n != 1 {
		t.Errorf("%d cards", n)
	}
}

// Whatever comes in whatever order, and whatever is repeated or cut off: a closed case does not
// move but by an undo, no two cards have one id, nobody is asked twice for the same step, and in
// the end nothing waits.
func TestNoOrderOfEventsBreaksACase(t *testing.T) {
	for seed := range uint64(12) {
		w := newWard(t, 2)
		w.inGroups(customer(1), "wr2")
		r := rand.New(rand.NewPCG(seed, 6))
		closed := map[int64]string{}
		var did []string
		for n := range 40 {
			did = append(did, w.anything(r, n))
			if r.IntN(3) > 0 {
				w.live(time.Duration(r.IntN(90)) * time.Second)
			}
			w.checkCases(closed, did)
		}
		w.live(80 * time.Hour)
		w.checkCases(closed, did)
		for _, c := range w.cases() {
			if !c.Closed() {
				t.Errorf("seed %d: case %d is %s in the end", seed, c.ID, c.Status)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, strings.Join(did, ", "))
		}
	}
}

// anything does one thing that may happen, and says what.
func (w *ward) anything(r *rand.Rand, n int) string {
	w.t.Helper()
	ctx := context.Background()
	chat, who := []bot.ChatID{g1, "wr2"}[r.IntN(2)], customer(1+r.IntN(2))
	id := int64(1 + r.IntN(4))
	in := slices.ContainsFunc(w.world.groups[chat].Members, func(m bot.Member) bool { return m.ID == who.ID })
	switch r.IntN(9) {
	case 0, 1, 2:
		w.advertises(n, who.ID, chat)
		return "advert"
	case 3:
		if in {
			e := w.world.leave(chat, who.ID, r.IntN(2))
			w.deliver(e, e)
			return "leave"
		}
		w.deliver(w.world.join(chat, who))
		return "join"
	case 4, 5:
		if len(w.office.cards) == 0 {
			return "-"
		}
		c := w.office.cards[r.IntN(len(w.office.cards))]
		key := []string{keyRemoved, keyDismiss, keyWarned, keyRaise, keyUndo, "other"}[r.IntN(6)]
		w.seq++
		e := bot.Event{Key: fmt.Sprintf("press%d", w.seq), Kind: bot.KindCardPressed, At: w.now, Lane: "card:" + c.card.TaskID,
			Data: bot.CardPressed{User: c.to, TaskID: c.card.TaskID, Key: key, UpdateCode: fmt.Sprintf("pressed%d:%s", w.seq, c.card.TaskID)}}
		w.deliver(e, e)
		return "press " + key + " on " + c.card.TaskID
	case 6:
		w.office.cut["card"] = 1
		return "cut"
	case 7:
		// A press that is there before the card is recorded, and both commands at once.
		_, err := w.Dismiss(ctx, id, "", "")
		_, err2 := w.Remove(ctx, id, "")
		var conflict *handlers.Conflict
		for _, err := range []error{err, err2} {
			if err != nil && !errors.As(err, &conflict) && !errors.Is(err, store.ErrNotFound) {
				w.t.Errorf("case %d: %v", id, err)
			}
		}
		return fmt.Sprintf("dismiss and remove %d", id)
	}
	if _, err := w.Undo(ctx, id, "anna", ""); err == nil {
		return fmt.Sprintf("undo %d", id)
	}
	return "-"
}

func (w *ward) cases() []store.Case {
	w.t.Helper()
	all, err := w.store.Read(context.Background()).Cases("", 0, 0)
	w.must(err)
	return all
}

// checkCases demands what must hold at any moment. closed are the cases that were closed
// before, by how.
func (w *ward) checkCases(closed map[int64]string, did []string) {
	w.t.Helper()
	open := map[string]bool{}
	for _, c := range w.cases() {
		steps, err := w.store.Read(context.Background()).CaseSteps(c.ID)
		w.must(err)
		done, ends := map[string]int{}, 0
		for _, s := range steps {
			done[s.What]++
			done[s.What+s.Who+s.Detail]++
			if s.What == store.StepRemoved || s.What == store.StepDismissed || s.What == store.StepExpired {
				ends++
			}
			if (s.What == store.StepAsked || s.What == store.StepReminded || s.What == store.StepEscalated) && done[s.What+s.Who+s.Detail] > 1 {
				w.t.Errorf("case %d: %s %s %s twice", c.ID, s.What, s.Who, s.Detail)
			}
		}
		if was := closed[c.ID]; was != "" && c.Status != was && done[store.StepUndone] == 0 {
			w.t.Errorf("case %d moved from %s to %s after %v", c.ID, was, c.Status, did)
		}
		if done[store.StepUndone] > 1 || ends > 1+done[store.StepUndone] {
			w.t.Errorf("case %d ended %d times and was undone %d times", c.ID, ends, done[store.StepUndone])
		}
		if c.Status == store.CaseExpired && c.Action == ActRemove && done[store.StepRaised]+done[store.StepEscalated] == 0 {
			w.t.Errorf("case %d expired, and nobody but the owner was asked: %s", c.ID, w.history(c.ID))
		}
		if c.Closed() {
			closed[c.ID] = c.Status
			if !c.NextAt.IsZero() || c.ClosedAt.IsZero() {
				w.t.Errorf("case %d is closed and waits: %+v", c.ID, c)
			}
			continue
		}
		if open[c.ChatID+c.Member] || closed[c.ID] != "" {
			w.t.Errorf("case %d is one too many, or open again, after %v", c.ID, did)
		}
		open[c.ChatID+c.Member] = true
		if c.NextAt.IsZero() {
			w.t.Errorf("case %d is forgotten: %+v", c.ID, c)
		}
	}
}

// Whoever is on the blocklist brings nobody in, until the time there is over.
func TestTheBlocklistStopsWhatBringsPeopleIn(t *testing.T) {
	h, _, _ := spammerWithGuests(t)
	ctx := context.Background()
	h.must(h.Block(ctx, store.Blocked{Person: "wm001", ExpiresAt: h.now.Add(time.Hour)}))
	if got := h.consequences(blockCause("wm001")); got["code"] != store.ConsequenceWanted || got["flag"] != store.ConsequenceDone {
		t.Errorf("consequences %v", got)
	}
	h.set(h.now.Add(2 * time.Hour))
	h.must(h.Review(ctx))
	if got := h.consequences(blockCause("wm001")); got["code"] != store.ConsequenceUndone || got["flag"] != store.ConsequenceUndone {
		t.Errorf("after it is over: %v", got)
	}
	if c, err := h.store.Read(ctx).Case(1); err != nil || c.Status != store.CaseDismissed || c.ClosedBy != byClock {
		t.Errorf("case %+v, %v", c, err)
	}
}

// The outbox may wait for the platform; who is found harmless meanwhile stays in the chat.
func TestNobodyIsRemovedAfterADismissal(t *testing.T) {
	w := newWard(t, 0)
	ctx := context.Background()
	w.office.chats["ops"] = &bot.AppChat{ID: "ops", Name: "运营群", Owner: "lead", Users: []bot.UserID{"lead", "harmless"}}
	c, err := w.Open(ctx, Opening{Chat: "ops", Member: "harmless", Reason: "广告", By: "anna"}, func(*store.Tx, string) error { return nil })
	w.must(err)
	waiting, err := w.store.Read(ctx).ActionsLike("remove_member:")
	w.must(err)
	if len(waiting) != 1 || waiting[0].State != store.ActionPending {
		t.Fatalf("actions %+v", waiting)
	}
	_, err = w.Dismiss(ctx, c.ID, "anna", "看错人了")
	w.must(err)
	if after, err := w.store.Read(ctx).ActionsLike("remove_member:"); err != nil || after[0].State != store.ActionCancelled {
		t.Errorf("actions %+v, %v", after, err)
	}
	// One that a sender had taken up in that moment.
	if _, err := (MemberRemover{w.Moderator, w.office}).Perform(ctx, waiting[0]); bot.ClassOf(err) != bot.ClassGiveUp {
		t.Errorf("performed all the same: %v", err)
	}
	w.live(time.Hour)
	if !slices.Contains(w.office.chats["ops"].Users, "harmless") || len(w.office.said) != 0 {
		t.Errorf("chat %+v, said %q", w.office.chats["ops"], w.office.said)
	}
}

// Somebody who leaves a chat of the app before anything was done has not been removed.
func TestWhoLeavesAnAppChatIsNotBlocked(t *testing.T) {
	for _, removing := range []bool{false, true} {
		w := newWard(t, 0)
		ctx := context.Background()
		if !removing {
			w.put("", store.PolicySettings{Mode: ModeAsk})
		}
		w.office.chats["ops"] = &bot.AppChat{ID: "ops", Name: "运营群", Owner: "lead", Users: []bot.UserID{"lead", "somebody"}}
		_, err := w.AddAppChat(ctx, "ops")
		w.must(err)
		w.must(w.store.Tx(ctx, func(tx *store.Tx) error {
			_, err := w.open(tx, store.Case{ChatID: "ops", Member: "somebody", AppChat: true, Verdict: "spam", Score: 1, Action: ActRemove, Rung: RungBlock})
			return err
		}))
		w.office.chats["ops"].Users = []bot.UserID{"lead"}
		w.live(20 * time.Minute)
		_, blocked, err := w.store.Read(ctx).IsBlocked("somebody")
		if err != nil || blocked != removing || w.theCase(1).Status != store.CaseRemoved {
			t.Errorf("removing %v: blocked %v, %v, case %+v", removing, blocked, err, w.theCase(1))
		}
	}
}

// "Removed" is neither believed nor found false by a list from before it was said.
func TestAClaimWaitsForTheList(t *testing.T) {
	w := newWard(t, 1)
	w.advertises(1, "wm001", g1)
	w.live(time.Minute)
	w.world.broken = true
	w.pressOn(w.cardsOf("owner")[0], keyRemoved)
	w.live(10 * time.Minute)
	if c := w.theCase(1); c.ClaimedBy != "owner" || c.FalseClaims != 0 || len(w.cardsOf("owner")) != 1 {
		t.Errorf("before the list was read: %+v, %d cards", c, len(w.cardsOf("owner")))
	}
	w.world.broken = false
	w.live(time.Hour)
	if c := w.theCase(1); c.FalseClaims != 1 {
		t.Errorf("after the list was read: %+v", c)
	}
}

// Only whom a card was sent to has a word by it.
func TestAPressOfSomebodyElseIsNobodysWord(t *testing.T) {
	w := newWard(t, 1)
	w.advertises(1, "wm001", g1)
	w.live(time.Minute)
	card := *w.cardsOf("owner")[0]
	for _, who := range []bot.UserID{"stranger", "manager", ""} {
		card.to = who
		w.pressOn(&card, keyDismiss)
		w.pressOn(&card, keyUndo)
	}
	card.to, card.card.TaskID = "owner", "case-1-7" // there is none
	w.pressOn(&card, keyDismiss)
	if c := w.theCase(1); c.Closed() || w.history(1) != "opened asked:owner" {
		t.Errorf("case %+v: %s", c, w.history(1))
	}
	card = *w.cardsOf("owner")[0]
	card.to = "Owner" // WeCom does not tell capital letters
	w.pressOn(&card, keyDismiss)
	if c := w.theCase(1); c.Status != store.CaseDismissed {
		t.Errorf("case %+v", c)
	}
}

func TestACaseThatFailsHoldsUpNoOther(t *testing.T) {
	w := newWard(t, 2)
	ctx := context.Background()
	w.advertises(1, "wm001", g1)
	w.advertises(2, "wm002", g1)
	w.live(time.Minute)
	w.must(w.store.Tx(ctx, func(tx *store.Tx) error {
		broken, nobody := w.theCase(1), int64(99)
		broken.Lead = &nobody // there is no such case
		return tx.SaveCase(broken, broken.Status)
	}))
	w.set(w.now.Add(time.Hour))
	if err := w.Review(ctx); err == nil || !strings.Contains(err.Error(), "case 1") {
		t.Errorf("review: %v", err)
	}
	if a, b := w.theCase(1), w.theCase(2); a.Asks != 1 || b.Asks != 2 {
		t.Errorf("%d and %d cards", a.Asks, b.Asks)
	}
}

// When the platform does not answer until it is too late, people are asked once.
func TestPeopleAreAskedOnceWhereTheBotCannotRemove(t *testing.T) {
	w := newWard(t, 0)
	w.office.chats["ops"] = &bot.AppChat{ID: "ops", Name: "运营群", Owner: "lead", Users: []bot.UserID{"lead", "bad"}}
	w.office.refuse["remove"] = &bot.APIError{Op: "appchat/update", Code: -1, Class: bot.ClassRetry}
	_, err := w.Open(context.Background(), Opening{Chat: "ops", Member: "bad", Reason: "广告", By: "anna"}, func(*store.Tx, string) error { return nil })
	w.must(err)
	w.live(50 * time.Minute)
	if n := len(w.cardsOf("lead")); n != 1 {
		t.Errorf("the owner of the chat has %d cards: %s", n, w.history(1))
	}
}

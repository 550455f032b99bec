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

// everyMinutes is a schedule for tests: every n minutes from the full hour.
func everyMinutes(n int) func(string, *time.Location) (NextFunc, error) {
	return func(spec string, _ *time.Location) (NextFunc, error) {
		if spec == "" {
			return nil, errors.New("cron is empty")
		}
		d := time.Duration(n) * time.Minute
		return func(t time.Time) time.Time { return t.Truncate(d).Add(d) }, nil
	}
}

func (h *house) promotions(every int) *Promotions {
	return &Promotions{Store: h.store, Now: h.clock, Schedule: everyMinutes(every), Zone: time.UTC, Log: quiet}
}

func sale() store.PromotionSpec {
	var s store.PromotionSpec
	s.Name, s.Schedule.Cron, s.Targets.All = "秒杀", "x", true
	s.Message.Text = "今天秒杀:{products}"
	s.Products = []store.Product{{Name: "鸡蛋30枚", PriceFen: 990, WasFen: 1990, Stock: 200}}
	return s
}

func (h *house) shops(n int) {
	h.t.Helper()
	for i := range n {
		id := bot.ChatID(fmt.Sprintf("wr%02d", i))
		h.world.group(id, bot.UserID(fmt.Sprintf("owner%d", i%2)))
		h.readGroup(id)
	}
	h.pass(time.Minute)
}

func (h *house) plan(p *Promotions, d time.Duration) {
	h.t.Helper()
	end := h.clock().Add(d)
	for {
		h.must(p.Plan(context.Background()))
		at, ok, err := p.Next(context.Background())
		h.must(err)
		if !ok || at.After(end) {
			break
		}
		h.set(at)
	}
	h.set(end)
}

func TestAnOccurrenceMakesOneTaskPerOwner(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.shops(5)
	p := h.promotions(60)
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.plan(p, time.Hour)
	r := h.store.Read(ctx)
	occs, err := r.Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 1 || occs[0].Status != store.OccurrenceRunning || !strings.Contains(occs[0].Message.Text, "鸡蛋30枚 9.90元(原价19.90元) 限200份") {
		t.Fatalf("occurrences: %+v", occs)
	}
	tasks, err := r.Tasks(occs[0].ID)
	h.must(err)
	ds, err := r.Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	if len(tasks) != 2 || len(ds) != 5 || ds[0].Status != store.DeliveryPlanned {
		t.Errorf("%d tasks, %d deliveries: %+v", len(tasks), len(ds), ds)
	}
	if _, err := r.ActionByKey(SendMass{Task: tasks[0].ID}.ActionKey()); err != nil {
		t.Errorf("the task is not on its way: %v", err)
	}
}

func TestMissedSlotsFollowThePolicy(t *testing.T) {
	for policy, want := range map[string]string{MissedSkip: store.OccurrenceSkipped, MissedSendWithin: store.OccurrenceMissed} {
		h := newHouse(t)
		ctx := context.Background()
		h.shops(2)
		p := h.promotions(60)
		spec := sale()
		spec.Schedule.Missed.Policy = policy
		promo, err := p.Create(ctx, spec, noRemember)
		h.must(err)
		h.set(promo.NextAt.Add(2*time.Hour + 20*time.Minute)) // down over three slots
		h.must(p.Plan(ctx))
		occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
		h.must(err)
		last := occs[len(occs)-1]
		if len(occs) != 3 || occs[0].Status != want || occs[1].Status != want {
			t.Fatalf("%s: %+v", policy, occs)
		}
		if lastWant := map[string]string{MissedSkip: store.OccurrenceSkipped, MissedSendWithin: store.OccurrenceRunning}[policy]; last.Status != lastWant {
			t.Errorf("%s, 20 minutes late: %s, want %s", policy, last.Status, lastWant)
		}
	}
}

func TestAVeryLongDowntimeIsNotWrittenDownSlotBySlot(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	p := h.promotions(1)
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.set(h.clock().AddDate(0, 0, 30))
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) > maxMissed {
		t.Errorf("%d occurrences", len(occs))
	}
}

func TestAPausedPromotionSendsNothingStale(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.shops(2)
	p := h.promotions(60)
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.plan(p, time.Hour) // planned, not submitted
	_, err = p.Pause(ctx, promo.ID)
	h.must(err)
	ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	for _, d := range ds {
		if d.Status != store.DeliveryCancelled {
			t.Errorf("delivery %+v", d)
		}
	}
	h.plan(p, 5*time.Hour)
	promo, err = p.Resume(ctx, promo.ID)
	h.must(err)
	if !promo.NextAt.After(h.clock()) {
		t.Errorf("resumed at %v with next %v", h.clock(), promo.NextAt)
	}
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 1 || occs[0].Status != store.OccurrenceDone {
		t.Errorf("occurrences: %+v", occs)
	}
	_, err = p.End(ctx, promo.ID)
	h.must(err)
	var conflict *Conflict
	if _, err := p.Resume(ctx, promo.ID); !errors.As(err, &conflict) {
		t.Errorf("an ended promotion was resumed: %v", err)
	}
	if _, err := p.RunNow(ctx, promo.ID, noRemember); !errors.As(err, &conflict) {
		t.Errorf("an ended promotion was run: %v", err)
	}
}

func TestAGroupWhoseQuotaIsUsedUpIsBlocked(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	h.shops(1)
	p := h.promotions(60)
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.plan(p, 31*time.Hour) // November has 30 days
	ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID})
	h.must(err)
	if len(ds) != 31 || ds[29].Status != store.DeliveryPlanned || ds[30].Status != store.DeliveryBlocked || ds[30].Reason == "" {
		t.Errorf("%d deliveries, the last two %+v", len(ds), ds[len(ds)-2:])
	}
}

func TestAScheduleEndsOnItsLastDay(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	p := h.promotions(24 * 60)
	spec := sale()
	spec.Schedule.StartsOn, spec.Schedule.EndsOn = "2026-11-25", "2026-11-26"
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	if want := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC); !promo.NextAt.Equal(want) {
		t.Errorf("first at %v, want %v", promo.NextAt, want)
	}
	h.plan(p, 10*24*time.Hour)
	promo, err = h.store.Read(ctx).Promotion(promo.ID)
	h.must(err)
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if promo.Status != store.PromotionEnded || len(occs) != 2 {
		t.Errorf("%s after %d occurrences", promo.Status, len(occs))
	}
}

// 01:30 comes twice on the night the clocks go back; the sale comes once.
func TestAWallClockTimeThatComesTwiceIsOneSlot(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 11, 1, 5, 30, 0, 0, time.UTC) // 01:30 EDT
	next := map[int64]time.Time{first.Unix(): first.Add(time.Hour), first.Add(time.Hour).Unix(): first.Add(25 * time.Hour)}
	pl := plan{zone: zone, next: func(t time.Time) time.Time { return next[t.Unix()] }}
	if got := pl.after(first); !got.Equal(first.Add(25 * time.Hour)) {
		t.Errorf("after 01:30 EDT comes %v", got.In(zone))
	}
}

func TestPromotionsThatMakeNoSenseAreRefused(t *testing.T) {
	h := newHouse(t)
	h.shops(1)
	p := h.promotions(60)
	long := strings.Repeat("鸡", 1400)
	for field, spoil := range map[string]func(*store.PromotionSpec){
		"name":                   func(s *store.PromotionSpec) { s.Name = "" },
		"schedule.cron":          func(s *store.PromotionSpec) { s.Schedule.Cron = "" },
		"schedule.timezone":      func(s *store.PromotionSpec) { s.Schedule.Timezone = "Asia/Peking" },
		"schedule.starts_on":     func(s *store.PromotionSpec) { s.Schedule.StartsOn = "2026-02-30" },
		"schedule.ends_on":       func(s *store.PromotionSpec) { s.Schedule.StartsOn, s.Schedule.EndsOn = "2026-12-02", "2026-12-01" },
		"schedule.missed.policy": func(s *store.PromotionSpec) { s.Schedule.Missed.Policy = "hope" },
		"schedule.missed.within": func(s *store.PromotionSpec) { s.Schedule.Missed.Within = "-5m" },
		"targets":                func(s *store.PromotionSpec) { s.Targets.All = false },
		"targets.chat_ids[0]":    func(s *store.PromotionSpec) { s.Targets.ChatIDs = []string{"nobody"} },
		"targets.stores[0]":      func(s *store.PromotionSpec) { s.Targets.Stores = []string{"nobody"} },
		"message.text":           func(s *store.PromotionSpec) { s.Message.Text = long },
		"message.attachments":    func(s *store.PromotionSpec) { s.Message.Attachments = make([]bot.Attachment, 10) },
		"message.attachments[0].type": func(s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: "virus"}}
		},
		"message.attachments[0].url": func(s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: "javascript:alert(1)"}}
		},
		"products[0].price_fen": func(s *store.PromotionSpec) { s.Products[0].PriceFen = -1 },
		"products[0].name":      func(s *store.PromotionSpec) { s.Products[0].Name = "" },
	} {
		s := sale()
		spoil(&s)
		_, err := p.Create(context.Background(), s, noRemember)
		var inv *Invalid
		if !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	s := sale()
	s.Message.Text = "{unknown}"
	if _, err := p.Create(context.Background(), s, noRemember); err == nil {
		t.Error("an unknown placeholder was accepted")
	}
	s = sale()
	s.Schedule.EndsOn = "2026-11-01"
	if _, err := p.Create(context.Background(), s, noRemember); err == nil {
		t.Error("a schedule that is over was accepted")
	}
}

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

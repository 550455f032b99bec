package promotions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/scheduler"
	"xiaobu/store"
)

// street is a shop with everything that delivers, moved by hand.
type street struct {
	*shop
	wecom   *platform
	office  *office
	planner *Planner
	sender  *scheduler.Sender
	results *Results
	chases  Chases
}

func newStreet(t testing.TB) *street {
	t.Helper()
	h := newShop(t)
	s := &street{shop: h, wecom: newPlatform(h.clock), office: &office{texts: map[bot.UserID][]string{}}, planner: h.planner()}
	s.start()
	return s
}

// start is what a process does: nothing of it survives the next one.
func (s *street) start() {
	log := slog.New(slog.DiscardHandler)
	s.sender = scheduler.NewSender(scheduler.SenderConfig{Store: s.store, Now: s.clock, Log: log, Jitter: func() float64 { return 0 }, Owner: "test", Serial: true})
	teller := handlers.StaffTeller{Platform: s.office, Now: s.clock}
	s.sender.Perform(&MassSender{Platform: s.wecom, Store: s.store, Now: s.clock}, 1)
	s.sender.Perform(OwnerCarder{StaffTeller: teller}, 1)
	s.sender.Perform(handlers.CardUpdater{Platform: s.office}, 1)
	s.sender.Perform(NoteTeller{StaffTeller: teller}, 1)
	s.sender.Perform(MassReminder{Platform: s.wecom}, 1)
	s.sender.Perform(MassCanceller{Platform: s.wecom}, 1)
	s.results = &Results{Platform: s.wecom, Store: s.store, Now: s.clock, Log: log}
	s.chases = Chases{Planner: s.planner}
}

// pass moves the clock on, from one thing that is due to the next.
func (s *street) pass(d time.Duration) {
	s.t.Helper()
	ctx := context.Background()
	for end := s.clock().Add(d); ; {
		_, err := s.sender.Drain(ctx)
		s.must(err)
		next := end
		for _, duty := range []struct {
			next func(context.Context) (time.Time, bool, error)
			run  func(context.Context) error
		}{{s.results.Next, s.results.Poll}, {s.chases.Next, s.chases.Run}} {
			if at, ok, err := duty.next(ctx); err != nil || ok && !at.After(s.clock()) {
				s.must(err)
				s.must(duty.run(ctx))
			}
			if at, ok, err := duty.next(ctx); err != nil || ok && at.Before(next) {
				s.must(err)
				next = at
			}
		}
		if at, ok, err := s.sender.NextDue(ctx); err != nil || ok && at.Before(next) {
			s.must(err)
			next = at
		}
		if !next.Before(end) {
			s.set(end)
			return
		}
		s.set(next)
	}
}

// run posts a promotion now, besides its schedule.
func (s *street) run(spec store.PromotionSpec) store.Occurrence {
	s.t.Helper()
	ctx := context.Background()
	promo, err := s.planner.Create(ctx, spec, noRemember)
	s.must(err)
	occ, err := s.planner.RunNow(ctx, promo.ID, false, noRemember)
	s.must(err)
	for occ.Status == store.OccurrencePlanned {
		s.must(s.planner.planBatch(ctx, occ.ID))
		occ, err = s.store.Read(ctx).Occurrence(occ.ID)
		s.must(err)
	}
	return occ
}

func (s *street) tasks(occ store.Occurrence) []store.Task {
	s.t.Helper()
	tasks, err := s.store.Read(context.Background()).Tasks(occ.ID)
	s.must(err)
	return tasks
}

// deliveries are the groups of an occurrence.
func (s *street) deliveries(occ store.Occurrence) map[string]store.Delivery {
	s.t.Helper()
	ds, err := s.store.Read(context.Background()).Deliveries(store.DeliveryFilter{Promotion: occ.PromotionID, At: occ.At})
	s.must(err)
	out := map[string]store.Delivery{}
	for _, d := range ds {
		out[d.ChatID] = d.Delivery
	}
	return out
}

func TestTheWindowEndsBeforeTheNight(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	quiet := &store.Hours{From: "21:30", To: "08:00"}
	for _, c := range []struct {
		at, within string
		quiet      *store.Hours
		want       string
	}{
		{"11-23 10:00", "", nil, "11-23 22:00"},
		{"11-23 10:00", "4h", nil, "11-23 14:00"},
		{"11-23 10:00", "10m", nil, "11-23 10:10"},
		{"11-23 10:00", "72h", nil, "11-23 23:00"},
		{"11-23 14:00", "", nil, "11-23 23:00"},
		{"11-23 14:00", "", quiet, "11-23 21:30"},
		{"11-23 22:50", "", nil, "11-23 23:20"},
		{"11-23 21:20", "", quiet, "11-23 21:50"},
		{"11-23 21:20", "15m", quiet, "11-23 21:35"},
		{"11-23 23:00", "", nil, "11-24 11:00"},
		{"11-23 23:30", "24h", nil, "11-24 23:00"},
		{"11-23 03:00", "", quiet, "11-23 15:00"},
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", "2026-"+c.at, zone)
		if err != nil {
			t.Fatal(err)
		}
		pl := plan{zone: zone}
		if pl.quiet, err = readHours(c.quiet); err != nil {
			t.Fatal(err)
		}
		if got := pl.closesAt(at, store.PromotionSpec{ConfirmWithin: c.within}).In(zone).Format("01-02 15:04"); got != c.want {
			t.Errorf("posted %s within %q: closes %s, want %s", c.at, c.within, got, c.want)
		}
	}
	for _, bad := range []string{"9m", "73h", "soon", "-1h"} {
		if _, err := confirmWithin(store.PromotionSpec{ConfirmWithin: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// The owner gets one card, three reminders at most, the stand-in and the manager are told
// once, and at the end the rest is cancelled.
func TestAnOwnerWhoDoesNotConfirmIsChased(t *testing.T) {
	s := newStreet(t)
	ctx := context.Background()
	s.groups(4)
	s.must(s.store.Tx(ctx, func(tx *store.Tx) error {
		for _, staff := range []string{"owner0", "owner1"} {
			if err := tx.NameStaff(bot.UserID(staff), "名"+staff); err != nil {
				return err
			}
		}
		if err := tx.PutShop(store.Shop{ID: "a", Name: "一店", Manager: "boss"}); err != nil {
			return err
		}
		for i := range 4 {
			if err := tx.PlaceChat(bot.ChatID(fmt.Sprintf("wr%02d", i)), "a", nil); err != nil {
				return err
			}
		}
		return tx.PutAbsence(store.Absence{UserID: "owner0", FromDay: "2026-11-23", ToDay: "2026-11-24", StandIn: "friend"})
	}))
	occ := s.run(sale())
	s.pass(time.Minute)
	if len(s.office.cards) != 2 || !slices.Equal(s.office.to, []bot.UserID{"owner0", "owner1"}) {
		t.Fatalf("cards %+v to %v", s.office.cards, s.office.to)
	}
	text := fmt.Sprint(s.office.cards[0])
	for _, want := range []string{"秒杀", "群00、群02", "14:00", "工作台→客户联系→群发助手"} {
		if !strings.Contains(text, want) {
			t.Errorf("the card does not say %s: %s", want, text)
		}
	}
	s.wecom.confirm("msg2") // the other owner
	s.pass(90 * time.Minute)
	if s.wecom.made[0].reminded != 0 {
		t.Error("reminded before a sixth of the window")
	}
	s.pass(60 * time.Minute)
	if got := [2]int{s.wecom.made[0].reminded, s.wecom.made[1].reminded}; got != [2]int{1, 0} {
		t.Errorf("after a sixth: %v reminders", got)
	}
	s.pass(4 * time.Hour)
	if got := len(s.office.texts["friend"]); s.wecom.made[0].reminded != 2 || got != 1 {
		t.Errorf("after the middle: %d reminders, the stand-in was told %d times", s.wecom.made[0].reminded, got)
	}
	if len(s.office.texts["boss"]) != 0 {
		t.Error("the manager heard too early")
	}
	s.pass(2 * time.Hour)
	if got := s.office.texts["boss"]; len(got) != 1 || !strings.Contains(got[0], "名owner0(一店,2 个群)") || strings.Contains(got[0], "owner1") {
		t.Errorf("the manager was told %q", got)
	}
	s.pass(6 * time.Hour)
	if got := s.office.texts["boss"]; len(got) != 2 || !strings.Contains(got[1], "4 个群,已发 2 个,没确认、已取消 2 个") || !strings.Contains(got[1], "名owner0") {
		t.Errorf("at the end the manager was told %q", got)
	}
	if m := s.wecom.made[0]; m.reminded != 3 || !m.cancelled || len(s.office.texts["friend"]) != 1 || len(s.office.cards) != 2 {
		t.Errorf("at the end: %d reminders, cancelled %v, %d cards", m.reminded, m.cancelled, len(s.office.cards))
	}
	ds := s.deliveries(occ)
	if d := ds["wr00"]; d.Status != store.DeliveryCancelled || Words(d) != "已取消:群主到截止时间还没有确认" {
		t.Errorf("delivery %+v: %s", d, Words(d))
	}
	if d := ds["wr01"]; d.Status != store.DeliverySent {
		t.Errorf("delivery %+v", d)
	}
}

// Two tasks of an owner with the same words cannot be told apart on the platform, so the
// second is not made while nobody knows what became of the first.
func TestTasksThatLookAlikeGoOneAfterTheOther(t *testing.T) {
	for _, made := range []bool{true, false} {
		s := newStreet(t)
		s.groups(1)
		first := s.run(sale())
		s.wecom.cutOff = made
		if !made {
			s.wecom.refuse = &bot.UnknownError{Op: "create", Err: context.DeadlineExceeded}
		}
		_, err := s.sender.Drain(context.Background())
		s.must(err)
		s.wecom.cutOff, s.wecom.refuse = false, nil
		s.set(s.clock().Add(time.Second))
		second := s.run(sale())
		_, err = s.sender.Drain(context.Background())
		s.must(err)
		if n := s.wecom.calls["create"]; n != 1 {
			t.Errorf("the second of two that look alike was made while the first was unknown: %d calls", n)
		}
		s.start() // and a restart in between
		s.pass(2 * time.Minute)
		a, b := s.tasks(first)[0], s.tasks(second)[0]
		if a.MsgID == "" || b.MsgID == "" || a.MsgID == b.MsgID || len(s.wecom.made) != 2 {
			t.Errorf("made before the cut: %v; tasks %q and %q, %d mass messages", made, a.MsgID, b.MsgID, len(s.wecom.made))
		}
		if made && a.MsgID != "msg1" {
			t.Errorf("the first task has %s, want the one that was made", a.MsgID)
		}
	}
}

// When many submissions were cut off together, the platform lists once for all of them.
func TestOneListAnswersForAllThatWereCutOff(t *testing.T) {
	s := newStreet(t)
	owners := map[string]int{}
	for i := range 120 {
		owners[fmt.Sprintf("o%03d", i)] = 1
	}
	s.own(owners)
	occ := s.run(sale())
	s.wecom.cutOff = true
	_, err := s.sender.Drain(context.Background())
	s.must(err)
	s.wecom.cutOff = false
	s.pass(5 * time.Second)
	seen := map[string]bool{}
	for _, task := range s.tasks(occ) {
		if task.MsgID == "" || seen[task.MsgID] || s.wecom.find(task.MsgID).owner != bot.UserID(task.Owner) {
			t.Errorf("task %+v", task)
		}
		seen[task.MsgID] = true
	}
	if list, tasks := s.wecom.calls["list"], s.wecom.calls["tasks"]; list > 3 || tasks > 2*120 {
		t.Errorf("%d lists and %d looks at owners for 120 tasks", list, tasks)
	}
}

// What happened to groups between planning and submission is seen.
func TestGroupsThatChangedHandsGoToTheirNewOwners(t *testing.T) {
	s := newStreet(t)
	ctx := context.Background()
	s.groups(6)
	occ := s.run(sale())
	s.must(s.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.SetChatStatus("wr00", store.ChatDismissed); err != nil {
			return err
		}
		chat, err := tx.Chat("wr02")
		if err != nil {
			return err
		}
		chat.Owner = "new"
		return tx.SaveChatRead(chat)
	}))
	s.wecom.gone = []bot.ChatID{"wr05"}
	s.pass(time.Minute)
	ds := s.deliveries(occ)
	for chat, want := range map[string]string{"wr00": "blocked owner0 104", "wr01": "submitted owner1 0", "wr02": "submitted new 0", "wr04": "submitted owner0 0", "wr05": "failed owner1 105"} {
		if d := ds[chat]; fmt.Sprint(d.Status, " ", d.Owner, " ", d.Code) != want {
			t.Errorf("%s: %s %s %d %s, want %s", chat, d.Status, d.Owner, d.Code, d.Reason, want)
		}
	}
	if len(s.wecom.made) != 3 {
		t.Errorf("%d mass messages, want one for each of three owners", len(s.wecom.made))
	}
	all := map[bot.ChatID]int{}
	for _, m := range s.wecom.made {
		for _, c := range m.chats {
			all[c]++
		}
	}
	if all["wr02"] != 1 || all["wr00"] != 0 {
		t.Errorf("posted in %v", all)
	}
}

func TestSubmissionsThatAreRefusedSayWhyInWords(t *testing.T) {
	for _, c := range []struct {
		err  error
		wait time.Duration
		want string
	}{
		{&bot.APIError{Op: "x", Code: 60111, Msg: "userid not found", Class: bot.ClassGone}, time.Minute, "没有发成:企业微信找不到这位群主(可能已离职)"},
		{&bot.APIError{Op: "x", Code: 84074, Msg: "no permission", Class: bot.ClassFix}, time.Hour, "没有发成:群主没有客户联系权限:管理后台 客户与上下游→客户联系→权限配置"},
		{&bot.APIError{Op: "x", Code: 41048, Msg: "nobody", Class: bot.ClassDone}, time.Minute, "没有发成:群主名下已经没有这些群"},
		{&bot.APIError{Op: "x", Code: 99999, Msg: "new", Class: bot.ClassGiveUp}, time.Minute, "没有发成:x: 99999 new (give_up)"},
	} {
		s := newStreet(t)
		s.groups(1)
		s.wecom.refuse = c.err
		occ := s.run(sale())
		s.pass(c.wait)
		if d := s.deliveries(occ)["wr00"]; Words(d) != c.want {
			t.Errorf("%v: %q, want %q (%+v)", c.err, Words(d), c.want, d)
		}
		if occ, err := s.store.Read(context.Background()).Occurrence(occ.ID); err != nil || occ.Status != store.OccurrenceDone {
			t.Errorf("the occurrence is %s, %v", occ.Status, err)
		}
	}
}

// An owner who says on the card that it was sent need not wait for the next look; one who
// cannot send is left alone.
func TestWhatOwnersPressOnTheirCards(t *testing.T) {
	s := newStreet(t)
	s.groups(4)
	occ := s.run(sale())
	s.pass(20 * time.Minute)
	press := func(owner int, key string) {
		t.Helper()
		data := bot.CardPressed{TaskID: s.office.cards[owner].TaskID, User: bot.UserID(fmt.Sprintf("owner%d", owner)), Key: key, UpdateCode: key}
		s.must(s.store.Tx(context.Background(), func(tx *store.Tx) error {
			return CardPresses{}.Handle(context.Background(), tx, bot.Event{Kind: bot.KindCardPressed, Data: data})
		}))
	}
	s.wecom.confirm("msg1")
	press(0, keySent)
	s.pass(time.Second)
	if d := s.deliveries(occ)["wr00"]; d.Status != store.DeliverySent {
		t.Errorf("a second after the press: %+v", d)
	}
	press(1, keyCannot)
	s.pass(14 * time.Hour)
	if n := s.wecom.made[1].reminded; n != 0 {
		t.Errorf("an owner who cannot send was reminded %d times", n)
	}
	if d := s.deliveries(occ)["wr01"]; d.Status != store.DeliveryCancelled || d.Code != reasonDeclined.code {
		t.Errorf("delivery %+v", d)
	}
}

// Five hundred owners who take their time cost few calls, and no owner waits for long.
func TestManyOpenTasksShareTheCalls(t *testing.T) {
	for _, c := range []struct {
		open  int64
		calls int // in twelve hours, for each task
	}{{1, 75}, {500, 72}, {5_000, 66}, {50_000, 19}} {
		polls, age := 0, time.Duration(0)
		for age < usualConfirm {
			age += pollAfter(polls, age, c.open)
			polls++
		}
		if total := int64(polls) * c.open / 12; polls > c.calls || total > 150_000 {
			t.Errorf("%d open tasks cost %d calls each, %d an hour", c.open, polls, total)
		}
	}
	s := newStreet(t)
	s.groups(2)
	s.run(sale())
	s.pass(13 * time.Hour)
	if n := s.wecom.calls["tasks"] / 2; n > 85 {
		t.Errorf("%d calls for a task that nobody confirmed", n)
	}
}

// Several tasks are asked about at once, each of them once.
func TestTasksAreAskedAboutAtOnce(t *testing.T) {
	s := newStreet(t)
	owners := map[string]int{}
	for i := range 30 {
		owners[fmt.Sprintf("o%02d", i)] = 1
	}
	s.own(owners)
	occ := s.run(sale())
	_, err := s.sender.Drain(context.Background())
	s.must(err)
	for _, m := range s.wecom.made {
		s.wecom.confirm(m.ID)
	}
	s.set(s.clock().Add(firstPoll))
	s.results.AtOnce = 4
	s.must(s.results.Poll(context.Background()))
	if got, err := s.store.Read(context.Background()).Occurrence(occ.ID); err != nil || got.Status != store.OccurrenceDone || s.wecom.calls["tasks"] != 30 || s.wecom.calls["results"] != 30 {
		t.Errorf("the occurrence is %s after %v calls, %v", got.Status, s.wecom.calls, err)
	}
}

// A WeCom that knows a task no longer is not asked for ever.
func TestATaskThatWeComForgotEnds(t *testing.T) {
	s := newStreet(t)
	s.groups(1)
	occ := s.run(sale())
	s.pass(time.Minute)
	s.results.Platform = forgetful{s.wecom}
	s.pass(time.Hour)
	if d := s.deliveries(occ)["wr00"]; d.Status != store.DeliveryCancelled || d.Code != 41047 {
		t.Errorf("delivery %+v", d)
	}
	if _, ok, err := s.results.Next(context.Background()); ok || err != nil {
		t.Errorf("it is asked about still: %v", err)
	}
}

type forgetful struct{ *platform }

func (forgetful) MassTasks(context.Context, string, string) ([]bot.MassTask, string, error) {
	return nil, "", &bot.APIError{Op: "tasks", Code: 41047, Class: bot.ClassGone}
}

func TestCardsFitIntoWhatWeComShows(t *testing.T) {
	long := strings.Repeat("很长的群名", 8)
	for _, c := range []struct {
		names  []string
		groups int
		want   string
	}{
		{[]string{"一群"}, 1, "一群"},
		{[]string{"一群", "二群", "三群"}, 2000, "一群、二群、三群等 2000 个群"},
		{[]string{long, long}, 2, "2 个群"},
		{[]string{"一群", long}, 2, "一群等 2 个群"},
	} {
		got := groupNames(c.names, c.groups)
		if got != c.want || len([]rune(got)) > cardNames {
			t.Errorf("%v of %d: %q, want %q", c.names, c.groups, got, c.want)
		}
	}
	w := work{plan: plan{zone: time.UTC}, promo: store.Promotion{Name: "秒杀"}}
	card := w.card(store.Chase{OccurrenceID: 1 << 60}, 1<<60, 30, 60_000, []string{long}, bot.Message{Text: "今天", Attachments: make([]bot.Attachment, 2)})
	if data, err := json.Marshal(card); err != nil || len(data) > 2048 || len([]rune(card.Note)) > 160 || !strings.Contains(card.Quote, "附件 2 个") {
		t.Errorf("%d bytes, %v: %s", len(data), err, data)
	}
	if id, ok := cardOccurrence(card.TaskID); !ok || id != 1<<60 {
		t.Errorf("%s belongs to %d", card.TaskID, id)
	}
	for _, other := range []string{"case-1-2", "mass-", "mass-x-1", ""} {
		if _, ok := cardOccurrence(other); ok {
			t.Errorf("%q is taken for an owner's card", other)
		}
	}
}

// A window is widened for a late submission, but not past what was asked for, and what is
// found out about after its end is cancelled.
func TestALateSubmissionHasATimeOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		within string
		late   time.Duration
		want   time.Duration // from planning to the end
	}{
		{"10m", time.Second, 10*time.Minute + time.Second},
		{"1h", 20 * time.Minute, time.Hour},
		{"1h", 50 * time.Minute, 80 * time.Minute},
		{"1h", 61 * time.Minute, time.Hour},
	} {
		s := newStreet(t)
		s.groups(1)
		spec := sale()
		spec.ConfirmWithin, spec.Schedule.Missed.Within = c.within, "3h"
		occ := s.run(spec)
		s.set(s.clock().Add(c.late))
		_, err := s.sender.Drain(context.Background())
		s.must(err)
		task := s.tasks(occ)[0]
		if got := task.ClosesAt.Sub(occ.CreatedAt); got != c.want {
			t.Errorf("within %s, submitted %s late: %s", c.within, c.late, got)
		}
		s.pass(2 * time.Hour)
		if !s.wecom.made[0].cancelled || s.tasks(occ)[0].Status != store.TaskCancelled {
			t.Errorf("within %s, submitted %s late: %+v", c.within, c.late, s.tasks(occ)[0])
		}
	}
}

// Who withdraws a promotion, or stops it while a task is on its way, wants nothing of it to be
// posted any more; what was posted stays.
func TestWhatIsStoppedIsTakenFromItsOwners(t *testing.T) {
	s := newStreet(t)
	ctx := context.Background()
	s.groups(4)
	occ := s.run(sale())
	s.pass(time.Minute)
	s.wecom.confirm("msg1")
	s.pass(time.Minute)
	promo, err := s.planner.As("anna").Withdraw(ctx, occ.PromotionID)
	s.must(err)
	if promo.Status != store.PromotionActive || promo.NextAt.IsZero() {
		t.Errorf("the schedule does not go on: %s, %v", promo.Status, promo.NextAt)
	}
	s.pass(24 * time.Hour)
	ds := s.deliveries(occ)
	if d := ds["wr01"]; d.Status != store.DeliveryCancelled || Words(d) != "已取消:促销被叫停,没有再发" || ds["wr00"].Status != store.DeliverySent {
		t.Errorf("%+v, %+v", d, ds["wr00"])
	}
	if m := s.wecom.made; m[0].cancelled || !m[1].cancelled || m[1].reminded != 0 {
		t.Errorf("on the platform: %+v", m)
	}
	for _, stop := range []func(*Planner, context.Context, int64) (store.Promotion, error){(*Planner).Pause, (*Planner).End, (*Planner).Withdraw} {
		s := newStreet(t)
		s.groups(1)
		occ := s.run(sale())
		s.wecom.cutOff = true
		_, err := s.sender.Drain(ctx)
		s.must(err)
		s.wecom.cutOff = false
		s.set(s.clock().Add(time.Second))
		_, err = stop(s.planner, ctx, occ.PromotionID)
		s.must(err)
		s.pass(5 * time.Minute)
		if d := s.deliveries(occ)["wr00"]; !s.wecom.made[0].cancelled || d.Status != store.DeliveryCancelled || len(s.office.cards) != 0 {
			t.Errorf("cancelled %v, %d cards, %+v", s.wecom.made[0].cancelled, len(s.office.cards), d)
		}
	}
	// One that is run while it is paused is wanted.
	_, err = s.planner.Pause(ctx, occ.PromotionID)
	s.must(err)
	s.set(s.clock().Add(time.Second))
	_, err = s.planner.RunNow(ctx, occ.PromotionID, false, noRemember)
	s.must(err)
	s.must(s.planner.Plan(ctx))
	cards := len(s.office.cards)
	s.pass(time.Hour)
	if n := len(s.wecom.made); n != 4 || s.wecom.made[3].cancelled || len(s.office.cards) != cards+2 {
		t.Errorf("%d mass messages, %d cards", n, len(s.office.cards)-cards)
	}
}

// An attempt that was cut off before WeCom had made anything of it is not repeated when its
// promotion was stopped in the meantime.
func TestWhatWasNotMadeIsNotMadeAfterAStop(t *testing.T) {
	ctx := context.Background()
	s := newStreet(t)
	s.groups(1)
	occ := s.run(sale())
	s.wecom.refuse = &bot.UnknownError{Op: "create", Err: errors.New("cut off")}
	_, err := s.sender.Drain(ctx)
	s.must(err)
	s.wecom.refuse = nil
	s.set(s.clock().Add(time.Second))
	_, err = s.planner.Pause(ctx, occ.PromotionID)
	s.must(err)
	s.pass(5 * time.Minute)
	d, task := s.deliveries(occ)["wr00"], s.tasks(occ)[0]
	if len(s.wecom.made) != 0 || d.Status != store.DeliveryCancelled || d.Code != reasonStopped.code || task.Status != store.TaskCancelled {
		t.Errorf("%d were made; %+v, %+v", len(s.wecom.made), task, d)
	}
	if occ, err = s.store.Read(ctx).Occurrence(occ.ID); err != nil || occ.Status != store.OccurrenceDone {
		t.Errorf("the occurrence is %s: %v", occ.Status, err)
	}
}

// What was not submitted when a promotion is withdrawn is cancelled before the answer, as it is
// when the promotion is paused or ended.
func TestWhatIsWithdrawnIsCancelledAtOnce(t *testing.T) {
	for name, stop := range map[string]func(*Planner, context.Context, int64) (store.Promotion, error){"pause": (*Planner).Pause, "end": (*Planner).End, "withdraw": (*Planner).Withdraw} {
		s := newStreet(t)
		s.groups(2)
		occ := s.run(sale())
		s.set(s.clock().Add(time.Second))
		_, err := stop(s.planner, context.Background(), occ.PromotionID)
		s.must(err)
		for chat, d := range s.deliveries(occ) {
			if d.Status != store.DeliveryCancelled || d.Code != reasonStopped.code {
				t.Errorf("%s: %s is %+v", name, chat, d)
			}
		}
	}
}

// Who is away is said in the company's days, also of a promotion that goes by other clocks.
func TestAStandInStandsInOnTheCompanysDays(t *testing.T) {
	for _, zone := range []string{"Asia/Shanghai", "America/Los_Angeles"} {
		s := newStreet(t)
		s.groups(1)
		s.must(s.store.Tx(context.Background(), func(tx *store.Tx) error {
			return tx.PutAbsence(store.Absence{UserID: "owner0", FromDay: "2026-11-23", ToDay: "2026-11-23", StandIn: "friend"})
		}))
		spec := sale()
		spec.Schedule.Timezone, spec.ConfirmWithin = zone, "2h"
		s.run(spec) // at two o'clock of the 23rd in UTC, the evening before in California
		s.pass(110 * time.Minute)
		if got := len(s.office.texts["friend"]); got != 1 {
			t.Errorf("%s: the stand-in was told %d times", zone, got)
		}
	}
}

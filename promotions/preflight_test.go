package promotions

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// change writes something by hand.
func (h *shop) change(fn func(*store.Tx) error) {
	h.t.Helper()
	h.must(h.store.Tx(context.Background(), fn))
}

// followers lets the owners of groups send mass messages.
func (h *shop) followers() {
	h.change(func(tx *store.Tx) error {
		return errors.Join(tx.SaveFollower("owner0"), tx.SaveFollower("owner1"), tx.NameStaff("owner0", "王芳"), tx.NameStaff("owner1", "李强"))
	})
}

// daily is a sale of every day at ten in a planner's zone, which is UTC.
func daily() store.PromotionSpec {
	s := sale()
	s.Schedule.Cron, s.Schedule.Timezone, s.Schedule.Missed = "0 10 * * *", "UTC", store.MissedSpec{Policy: MissedSendWithin, Within: defaultWithin}
	return s
}

// spend lets groups get a message by another promotion so many times in the days before.
func (h *shop) spend(times int, chats ...string) {
	h.t.Helper()
	h.change(func(tx *store.Tx) error {
		other := store.Promotion{Name: "从前", Status: store.PromotionEnded, Spec: daily()}
		if err := tx.AddPromotion(&other); err != nil {
			return err
		}
		for i := range times {
			at := tx.Now.Add(-time.Duration(i+1) * time.Hour)
			occ := store.Occurrence{PromotionID: other.ID, At: at, Status: store.OccurrenceDone}
			if _, err := tx.AddOccurrence(&occ); err != nil {
				return err
			}
			task := store.Task{OccurrenceID: occ.ID, Owner: "owner0", Part: 1, Status: store.TaskClosed, ClosesAt: at}
			if err := tx.AddTask(&task); err != nil {
				return err
			}
			var ds []store.Delivery
			for _, chat := range chats {
				ds = append(ds, store.Delivery{OccurrenceID: occ.ID, PromotionID: other.ID, TaskID: &task.ID, At: at, ChatID: chat, Owner: "owner0", Status: store.DeliveryPlanned})
			}
			if err := tx.AddDeliveries(ds); err != nil {
				return err
			}
			if _, err := tx.MoveDeliveries(task.ID, "", []string{store.DeliveryPlanned}, store.Delivery{Status: store.DeliverySent, SentAt: at}); err != nil {
				return err
			}
		}
		return nil
	})
}

func stock(n int64) *int64 { return &n }

func TestEachFindingIsFoundAndSaidInBothLanguages(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for code, c := range map[string]struct {
		level  string
		count  int64
		stops  bool
		says   string // in Chinese
		field  string
		spoil  func(h *shop, p *Planner, s *store.PromotionSpec)
		one    string // the chat, owner or store it names
		absent []string
	}{
		FindNoGroups: {level: store.Red, says: "没有一个能发的", field: "targets", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Targets.All, s.Targets.Labels = false, []string{"nothing"}
		}},
		FindQuotaAll: {level: store.Red, count: 4, says: "30 条", field: "targets", spoil: func(h *shop, _ *Planner, _ *store.PromotionSpec) {
			h.spend(30, "wr00", "wr01", "wr02", "wr03")
		}, absent: []string{FindQuota}},
		FindQuota: {level: store.Yellow, count: 2, says: "「群01」「群02」", field: "targets", spoil: func(h *shop, _ *Planner, _ *store.PromotionSpec) {
			h.spend(30, "wr01")
			h.change(func(tx *store.Tx) error { return tx.FillGroups([]string{"wr02"}, at.AddDate(0, 0, 1)) })
		}, absent: []string{FindQuotaAll}},
		FindNoOwner: {level: store.Yellow, count: 1, says: "「群99」", field: "targets", one: "wr99", spoil: func(h *shop, _ *Planner, _ *store.PromotionSpec) {
			h.change(func(tx *store.Tx) error {
				return tx.NewChat(store.Chat{ChatID: "wr99", Name: "群99", Status: store.ChatActive})
			})
		}},
		FindPermission: {level: store.Yellow, count: 1, says: "「owner9」", field: "targets", one: "owner9", spoil: func(h *shop, _ *Planner, _ *store.PromotionSpec) {
			h.change(func(tx *store.Tx) error {
				return tx.NewChat(store.Chat{ChatID: "wr98", Name: "群98", Owner: "owner9", Status: store.ChatActive})
			})
		}},
		FindAbsent: {level: store.Yellow, count: 1, says: "「王芳」", field: "targets", one: "owner0", spoil: func(h *shop, _ *Planner, _ *store.PromotionSpec) {
			h.change(func(tx *store.Tx) error {
				return errors.Join(tx.PutAbsence(store.Absence{UserID: "owner0", FromDay: "2026-11-25", ToDay: "2026-11-25"}),
					tx.PutAbsence(store.Absence{UserID: "owner1", FromDay: "2026-11-26", ToDay: "2026-11-27"}))
			})
		}},
		FindInactive: {level: store.Yellow, count: 1, says: "他们的 2 个群", field: "targets", one: "owner1", spoil: func(h *shop, _ *Planner, _ *store.PromotionSpec) {
			h.change(func(tx *store.Tx) error {
				return errors.Join(tx.SaveStaffStatus(bot.StaffMember{ID: "owner0", Status: bot.StaffActive}), tx.SaveStaffStatus(bot.StaffMember{ID: "owner1", Status: bot.StaffNotActivated}))
			})
		}, absent: []string{FindPermission}},
		FindDismissed: {level: store.Yellow, count: 1, says: "「群03」", field: "targets.chat_ids", one: "wr03", spoil: func(h *shop, _ *Planner, s *store.PromotionSpec) {
			s.Targets.All, s.Targets.ChatIDs = false, []string{"wr00", "wr03"}
			h.change(func(tx *store.Tx) error { return tx.SetChatStatus("wr03", store.ChatDismissed) })
		}},
		FindTextTooLong: {level: store.Red, count: 1, stops: true, says: "message.text", field: "message.text", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Message.Text = strings.Repeat("鸡", 1400)
		}, absent: []string{FindTextLong}},
		FindTextLong: {level: store.Yellow, count: 1, says: "最长", field: "message.text", spoil: func(h *shop, _ *Planner, s *store.PromotionSpec) {
			s.Message.Text = strings.Repeat("鸡", 1330) + "{group}"
			h.change(func(tx *store.Tx) error {
				return tx.NewChat(store.Chat{ChatID: "wr97", Name: strings.Repeat("长", 40), Owner: "owner0", Status: store.ChatActive})
			})
		}, absent: []string{FindTextTooLong}},
		FindMedia: {level: store.Red, count: 1, stops: true, says: "素材库", field: "message.attachments[0].media", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachImage, Media: "7"}}
		}},
		FindMediaExpires: {level: store.Yellow, count: 2, says: "三天", field: "message.attachments[1].media_id", spoil: func(h *shop, _ *Planner, s *store.PromotionSpec) {
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachFile, MediaID: "m1"}, {Type: bot.AttachFile, MediaID: "m2"}}
			h.now = at.AddDate(0, 0, -3)
		}},
		FindSoldOut: {level: store.Red, count: 1, stops: true, says: "售罄", field: "products", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Products[0].Stock = stock(0)
		}, absent: []string{FindProductGone, FindFewProducts}},
		FindProductGone: {level: store.Yellow, count: 1, says: "「牛奶」", field: "products", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Products = append(s.Products, store.Product{Name: "牛奶", PriceFen: 100, Stock: stock(0)})
		}, absent: []string{FindSoldOut, FindFewProducts}},
		FindFewProducts: {level: store.Yellow, count: 3, says: "3 份", field: "products", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Products[0].Stock = stock(3)
		}},
		FindNoProducts: {level: store.Yellow, says: "{products}", field: "products", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Products = nil
		}, absent: []string{FindUnnamed, FindFewProducts}},
		FindUnnamed: {level: store.Yellow, count: 1, says: "「牛奶」", field: "message.text", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Message.Text = "来店里看看"
			s.Products[0].ImageURL = "https://example.com/egg.png"
			s.Products = append(s.Products, store.Product{Name: "牛奶", PriceFen: 100})
		}, absent: []string{FindNoProducts}},
		FindPrice: {level: store.Yellow, count: 1, says: "「牛奶」", field: "products", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Products = append(s.Products, store.Product{Name: "牛奶", PriceFen: 100, WasFen: 100})
		}},
		FindCollision: {level: store.Yellow, count: 2, says: "「店庆」", field: "schedule", spoil: func(h *shop, p *Planner, _ *store.PromotionSpec) {
			other := daily()
			other.Name, other.Schedule.Cron, other.Targets.All, other.Targets.ChatIDs = "店庆", "0 18 25 * *", false, []string{"wr01", "wr02"}
			elsewhere, later := other, other
			elsewhere.Name, elsewhere.Targets.ChatIDs = "别的群", []string{"wr77"}
			later.Name, later.Schedule.Cron = "第二天", "0 18 26 * *"
			h.change(func(tx *store.Tx) error { return tx.NewChat(store.Chat{ChatID: "wr77", Status: store.ChatActive}) })
			for _, s := range []store.PromotionSpec{other, elsewhere, later} {
				_, err := p.Create(context.Background(), s, noRemember)
				h.must(err)
			}
			h.change(func(tx *store.Tx) error { return tx.SetChatStatus("wr77", store.ChatDismissed) })
		}, absent: []string{FindDayRule}},
		FindDayRule: {level: store.Yellow, count: 4, says: "每群每天只能收 1 条", field: "schedule", spoil: func(h *shop, p *Planner, _ *store.PromotionSpec) {
			p.QuotaRule = QuotaDay
			other := daily()
			other.Name, other.Schedule.Cron = "晚市", "0 18 * * *"
			_, err := p.Create(context.Background(), other, noRemember)
			h.must(err)
		}, absent: []string{FindCollision}},
		FindCalendar: {level: store.Yellow, count: 1, says: "日历", field: "schedule.days", spoil: func(_ *shop, _ *Planner, s *store.PromotionSpec) {
			s.Schedule.Days = DaysWorkdays // the calendar of the test knows nothing
		}},
		FindLink: {level: store.Yellow, count: 1, says: "HTTP 404", field: "message.attachments[0].url", spoil: func(_ *shop, p *Planner, s *store.PromotionSpec) {
			p.Links = NewLinks(answering(404))
			s.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: "http://shop.example.com/sale?key=secret"}}
		}},
	} {
		t.Run(code, func(t *testing.T) {
			h := newShop(t)
			h.groups(4)
			h.followers()
			p, spec := h.planner(), daily()
			c.spoil(h, p, &spec)
			f, err := p.Preflight(context.Background(), store.Promotion{Name: spec.Name, Spec: spec}, at)
			h.must(err)
			i := slices.IndexFunc(f.Findings, func(one store.Finding) bool { return one.Code == code })
			if i < 0 {
				t.Fatalf("not found: %+v", f.Findings)
			}
			got := f.Findings[i]
			if got.Level != c.level || got.Count != c.count || got.Stops != c.stops || got.Field != c.field || !strings.Contains(got.Text, c.says) {
				t.Errorf("found %+v", got)
			}
			inBothLanguages(t, got)
			if one := got.ChatID + got.Owner; c.one != "" && !strings.Contains(one, c.one) {
				t.Errorf("names %q, want %s", one, c.one)
			}
			for _, one := range f.Findings {
				if slices.Contains(c.absent, one.Code) {
					t.Errorf("found besides: %+v", one)
				}
			}
			if want := verdict(f.Findings); f.Verdict != want || c.level == store.Red && want != store.Red {
				t.Errorf("verdict %s", f.Verdict)
			}
		})
	}
}

// Where a group may get one message a day, a promotion is in its own way when it comes twice.
func TestAPromotionMayBeInItsOwnWay(t *testing.T) {
	for rule, want := range map[string]string{QuotaDay: FindDayRule, QuotaMonth: ""} {
		for _, at := range []int{10, 18} {
			h := newShop(t)
			h.groups(2)
			h.followers()
			p, spec := h.planner(), daily()
			p.QuotaRule, spec.Schedule.Cron = rule, "0 10,18 * * *"
			promo, err := p.Create(context.Background(), spec, noRemember)
			h.must(err)
			f, err := p.Preflight(context.Background(), promo, time.Date(2026, 11, 25, at, 0, 0, 0, time.UTC))
			h.must(err)
			got := ""
			for _, one := range f.Findings {
				got += one.Code
				if other := fmt.Sprintf("「秒杀 %d:00」", 28-at); !strings.Contains(one.Text, other) {
					t.Errorf("%s lacks %s", one.Text, other)
				}
			}
			if got != want {
				t.Errorf("%s at %d: found %q, want %q", rule, at, got, want)
			}
		}
	}
}

// inBothLanguages demands that both say the same figures, each in its own language.
func inBothLanguages(t *testing.T, f store.Finding) {
	t.Helper()
	figure := regexp.MustCompile(`\d+ [条个份位种]`)
	for _, found := range figure.FindAllString(f.Text, -1) {
		n, _, _ := strings.Cut(found, " ")
		if !strings.Contains(f.TextEN, n) {
			t.Errorf("English lacks %s: %s", n, f.TextEN)
		}
	}
	han := strings.IndexFunc(f.Text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if han < 0 || !strings.HasSuffix(f.TextEN, ".") || strings.Contains(f.TextEN, "。") || strings.Contains(f.Text+f.TextEN, "secret") {
		t.Errorf("texts %q, %q", f.Text, f.TextEN)
	}
}

func TestAPromotionWithNothingWrongIsGreen(t *testing.T) {
	h := newShop(t)
	h.groups(4)
	h.followers()
	p, spec := h.planner(), daily()
	spec.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: "http://shop.example.com/"}}
	p.Links = NewLinks(answering(200))
	promo, err := p.Create(context.Background(), spec, noRemember)
	h.must(err)
	f, err := p.Preflight(context.Background(), promo, time.Time{})
	h.must(err)
	if f.Verdict != store.Green || len(f.Findings) != 0 || !f.At.Equal(promo.NextAt) {
		t.Errorf("%+v", f)
	}
}

// What cannot go out at all is skipped at its time and not run, unless it is forced; what some
// groups cannot get is planned, and said group by group.
func TestRedStopsASlotWhereTheMessageCannotGoOut(t *testing.T) {
	for name, c := range map[string]struct {
		spoil   func(h *shop, s *store.PromotionSpec)
		slot    string // what becomes of the slot
		refused bool   // RunNow
		forced  string // the status of the deliveries of a forced run
	}{
		"sold out":  {func(_ *shop, s *store.PromotionSpec) { s.Products[0].Stock = stock(0) }, store.OccurrenceSkipped, true, store.DeliveryPlanned},
		"no group":  {func(_ *shop, s *store.PromotionSpec) { s.Targets.All, s.Targets.Labels = false, []string{"none"} }, store.OccurrenceDone, false, ""},
		"quota":     {func(h *shop, _ *store.PromotionSpec) { h.spend(30, "wr00", "wr01") }, store.OccurrenceDone, false, store.DeliveryBlocked},
		"one quota": {func(h *shop, _ *store.PromotionSpec) { h.spend(30, "wr01") }, store.OccurrenceRunning, false, store.DeliveryPlanned},
	} {
		t.Run(name, func(t *testing.T) {
			h := newShop(t)
			ctx := context.Background()
			h.groups(2)
			p, spec := h.planner(), daily()
			c.spoil(h, &spec)
			promo, err := p.Create(ctx, spec, noRemember)
			h.must(err)
			h.set(promo.NextAt)
			h.must(p.Plan(ctx))
			occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
			h.must(err)
			if len(occs) != 1 || occs[0].Status != c.slot || c.slot != store.OccurrenceRunning && occs[0].Reason == "" {
				t.Fatalf("%+v", occs)
			}
			ds, err := h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID})
			h.must(err)
			if c.slot == store.OccurrenceSkipped && len(ds) > 0 {
				t.Errorf("a skipped slot sends %+v", ds)
			}
			h.set(h.clock().Add(time.Minute))
			_, err = p.RunNow(ctx, promo.ID, false, noRemember)
			var conflict *handlers.Conflict
			if got := errors.As(err, &conflict); got != c.refused {
				t.Errorf("run: %v", err)
			}
			h.set(h.clock().Add(time.Minute))
			occ, err := p.RunNow(ctx, promo.ID, true, noRemember)
			h.must(err)
			ds, err = h.store.Read(ctx).Deliveries(store.DeliveryFilter{Promotion: promo.ID, At: occ.At})
			h.must(err)
			some := slices.ContainsFunc(ds, func(d store.DeliveryView) bool { return d.Status == c.forced })
			if c.forced == "" && len(ds) > 0 || c.forced != "" && (len(ds) != 2 || !some) {
				t.Errorf("forced: %+v", ds)
			}
		})
	}
}

// notes are the messages to people about what was found, by person.
func (h *shop) notes(promo store.Promotion, at time.Time) map[string]string {
	h.t.Helper()
	actions, err := h.store.Read(context.Background()).ActionsLike(fmt.Sprintf("promotion_note:preflight:%d:%d:", promo.ID, at.UnixMilli()))
	h.must(err)
	out := map[string]string{}
	for _, a := range actions {
		var n Note
		h.must(a.Decode(&n))
		out[string(n.To)] = n.Text
	}
	return out
}

// lookOver does what the duty has to do until a moment.
func (h *shop) lookOver(p *Planner, until time.Time) {
	h.t.Helper()
	for {
		next, ok, err := p.NextPreflight(context.Background())
		h.must(err)
		if !ok || next.After(until) {
			h.set(until)
			return
		}
		h.set(next)
		h.must(p.LookOver(context.Background()))
	}
}

func TestPeopleAreToldAnHourBeforeAndOnlyOfWhatIsNew(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(4)
	h.followers()
	h.change(func(tx *store.Tx) error {
		return errors.Join(tx.PutShop(store.Shop{ID: "s1", Name: "一店", Manager: "zhao"}), tx.PutShop(store.Shop{ID: "s2", Name: "二店", Manager: "qian"}),
			tx.PutShop(store.Shop{ID: "s3", Name: "三店"}), tx.PlaceChat("wr00", "s1", nil), tx.PlaceChat("wr01", "s2", nil), tx.PlaceChat("wr02", "s1", nil))
	})
	p := h.planner()
	p.Notify = []string{"anna"}
	promo, err := p.Create(ctx, daily(), noRemember)
	h.must(err)
	first := promo.NextAt
	h.change(func(tx *store.Tx) error { return tx.FillGroups([]string{"wr00", "wr02"}, first.AddDate(0, 0, 9)) })
	h.lookOver(p, first.Add(-61*time.Minute))
	if told := h.notes(promo, first); len(told) != 0 {
		t.Errorf("told too early: %v", told)
	}
	h.lookOver(p, first.Add(-time.Minute))
	told := h.notes(promo, first)
	if len(told) != 2 || !strings.Contains(told["anna"], "2 个群本月") || !strings.Contains(told["zhao"], "其中「一店」2 个群") || !strings.Contains(told["zhao"], "11月23日(周一)10:00") {
		t.Fatalf("told %v", told)
	}
	f, err := h.store.Read(ctx).Preflight(promo.ID)
	h.must(err)
	if f.Verdict != store.Yellow || !f.At.Equal(first) || !f.DueAt.IsZero() || !f.CheckedAt.Equal(first.Add(-time.Hour)) {
		t.Errorf("kept %+v", f)
	}

	next := func() time.Time {
		h.set(promo.NextAt)
		h.must(p.Plan(ctx))
		var err error
		promo, err = h.store.Read(ctx).Promotion(promo.ID)
		h.must(err)
		return promo.NextAt
	}
	second := next()
	h.lookOver(p, second.Add(-time.Minute))
	if told := h.notes(promo, second); len(told) != 0 {
		t.Errorf("told again of what is known: %v", told)
	}
	third := next()
	h.change(func(tx *store.Tx) error { return tx.FillGroups([]string{"wr01"}, third.AddDate(0, 0, 9)) })
	h.lookOver(p, third.Add(-time.Minute))
	if told := h.notes(promo, third); len(told) != 1 || !strings.Contains(told["qian"], "其中「二店」1 个群") {
		t.Errorf("of the third slot %v", told)
	}
	fourth := next()
	h.change(func(tx *store.Tx) error { return tx.FillGroups([]string{"wr03"}, third.AddDate(0, 0, 9)) })
	h.lookOver(p, fourth.Add(-time.Minute))
	if told := h.notes(promo, fourth); len(told) != 3 || !strings.Contains(told["qian"], "严重:全部 4 个群") || !strings.Contains(told["zhao"], "严重") {
		t.Errorf("of the fourth slot %v", told)
	}
}

// What an edit brings in the last hour is told too, though people were told before of the same
// slot; the same words come once.
func TestPeopleHearOfWhatAnEditBroughtInTheLastHour(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(2)
	h.followers()
	p := h.planner()
	p.Notify = []string{"anna"}
	spec := daily()
	spec.Products[0].Stock = stock(1)
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	sent := func(want int) {
		t.Helper()
		h.lookOver(p, h.clock())
		actions, err := h.store.Read(ctx).ActionsLike(fmt.Sprintf("promotion_note:preflight:%d:%d:anna", promo.ID, promo.NextAt.UnixMilli()))
		if h.must(err); len(actions) != want {
			t.Errorf("%d notes, want %d", len(actions), want)
		}
	}
	h.lookOver(p, promo.NextAt.Add(-30*time.Minute))
	sent(1)
	spec.Products[0].Stock = stock(0)
	_, err = p.Edit(ctx, promo.ID, 0, spec)
	h.must(err)
	sent(2)
	spec.Message.Text = "别的话:{products}"
	_, err = p.Edit(ctx, promo.ID, 0, spec)
	h.must(err)
	sent(2)
}

// Where nobody else is named, the managers hear of what stops a promotion in all their stores.
func TestManagersHearOfWhatStopsAPromotion(t *testing.T) {
	for _, notify := range [][]string{nil, {"anna"}} {
		h := newShop(t)
		h.groups(2)
		h.followers()
		h.change(func(tx *store.Tx) error {
			return errors.Join(tx.PutShop(store.Shop{ID: "s1", Name: "一店", Manager: "zhao"}), tx.PutShop(store.Shop{ID: "s2", Name: "二店", Manager: "zhao"}),
				tx.PlaceChat("wr00", "s1", nil), tx.PlaceChat("wr01", "s2", nil))
		})
		p, spec := h.planner(), daily()
		p.Notify = notify
		spec.Products[0].Stock = stock(0)
		promo, err := p.Create(context.Background(), spec, noRemember)
		h.must(err)
		h.lookOver(p, promo.NextAt)
		told := h.notes(promo, promo.NextAt)
		want := "zhao"
		if notify != nil {
			want = notify[0]
		}
		if len(told) != 1 || strings.Count(told[want], "售罄") != 1 {
			t.Errorf("notify %v: %v", notify, told)
		}
	}
}

// A promotion that is paused while its links are asked for is not looked at any more.
func TestALookThatWasOvertakenIsThrownAway(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(1)
	p, spec := h.planner(), daily()
	spec.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: "http://shop.example.com/"}}
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	dial := answering(500)
	p.Links = NewLinks(func(ctx context.Context, network, address string) (net.Conn, error) {
		if _, err := p.Pause(context.Background(), promo.ID); err != nil {
			return nil, err
		}
		return dial(ctx, network, address)
	})
	h.must(p.LookOver(ctx))
	f, err := h.store.Read(ctx).Preflight(promo.ID)
	h.must(err)
	if slices.ContainsFunc(f.Findings, func(one store.Finding) bool { return one.Code == FindLink }) {
		t.Errorf("kept %+v", f)
	}
	if _, ok, err := p.NextPreflight(ctx); ok || err != nil {
		t.Errorf("a paused promotion is looked at again: %v %v", ok, err)
	}
}

package moderation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// softly is an advertisement that the detector takes for harmless.
const softly = "家人们周末有空来我这坐坐,带大家认识几个新朋友,一个月下来收获满满,感兴趣的看我朋友圈"

func (h *desk) teach(l Lesson) Taught {
	h.t.Helper()
	t, err := h.Correct(context.Background(), l, forget)
	h.must(err)
	return t
}

func forget(*store.Tx, string) error { return nil }

func (h *desk) verdictOn(text string) string {
	h.t.Helper()
	h.must(h.CatchUp(context.Background()))
	return h.Check(text).Verdict
}

func TestACorrectionFlipsATextAndItsCopiesAtOnceAndIsUndone(t *testing.T) {
	h := deskWithGroup(t, 3)
	ctx := context.Background()
	copied := strings.Replace(softly, "一个月", "3个月", 1) + "🎁"
	before := h.Check(softly)
	if before.Verdict != "ham" {
		t.Fatalf("the detector knows it by now; choose another: %+v", before)
	}
	h.judge(FeedMessage{MessageID: "m0", Chat: g1, Sender: "wm001", Text: copied})
	got := h.teach(Lesson{Text: softly, Label: "spam", By: "anna", Note: "刷单"})
	if got.Before.Verdict != "ham" || got.After.Verdict != "spam" || got.Copies != 1 || got.Among != 1 || got.Weight != 1 || got.CaseChange != "" {
		t.Errorf("taught %+v", got)
	}
	a := h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm002", Text: copied})
	if a.Verdict != "spam" || a.Action != ActRemove || a.CaseID == 0 {
		t.Errorf("a copy: %+v", a)
	}
	found := false
	for _, r := range a.Reasons {
		found = found || r.Check == "correction" && r.Weight > 0 && !strings.Contains(r.Detail, "anna")
	}
	if !found {
		t.Errorf("reasons %+v", a.Reasons)
	}
	if got := h.verdictOn("在家闲着的姐妹早上好,今天的鸡蛋还有三十盒,想要的接龙"); got != "ham" {
		t.Errorf("another text is %s", got)
	}
	h.must(h.TakeBack(ctx, got.ID, "bo", "mistake"))
	h.must(h.CatchUp(ctx))
	if now := h.Check(softly); !reflect.DeepEqual(now, before) {
		t.Errorf("after it was taken back: %+v, before it was made: %+v", now, before)
	}
	var conflict *handlers.Conflict
	if err := h.TakeBack(ctx, got.ID, "bo", ""); !errors.As(err, &conflict) {
		t.Errorf("taken back twice: %v", err)
	}
	if now, err := h.Taught(ctx, got.ID); err != nil || now.End == nil || now.End.Who != "bo" || now.After.Verdict != "ham" {
		t.Errorf("%+v %v", now, err)
	}
}

func TestACorrectionOpensAndDismissesTheCaseOfItsMessage(t *testing.T) {
	h := deskWithGroup(t, 3)
	ctx := context.Background()
	h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Text: softly})
	opened := h.teach(Lesson{MessageID: "m1", Label: "spam"})
	if opened.CaseChange != CaseOpened || opened.CaseID == nil || opened.Who != "api" {
		t.Fatalf("taught %+v", opened)
	}
	c, err := h.store.Read(ctx).Case(*opened.CaseID)
	h.must(err)
	if c.Member != "wm001" || c.MessageID != "m1" || c.Action != ActRemove || c.Verdict != "spam" {
		t.Errorf("case %+v", c)
	}
	ham := h.teach(Lesson{CaseID: c.ID, Label: "ham", By: "bo"})
	if ham.CaseChange != CaseDismissal || ham.Before.Verdict != "spam" || ham.After.Verdict != "ham" {
		t.Errorf("taught %+v", ham)
	}
	if c, err = h.store.Read(ctx).Case(c.ID); err != nil || c.Status != store.CaseDismissed || c.ClosedBy != "bo" {
		t.Errorf("case %+v %v", c, err)
	}
	// Nor is one opened where the mode opens none, but it is learnt from.
	h.put("", store.PolicySettings{Mode: ModeDry})
	h.judge(FeedMessage{MessageID: "m3", Chat: g1, Sender: "wm002", Text: "周末一起爬山的举手,名额留给老邻居"})
	if got := h.teach(Lesson{MessageID: "m3", Label: "spam"}); got.CaseChange != "" || got.After.Verdict != "spam" {
		t.Errorf("in dry mode: %+v", got)
	}
	h.put("", store.PolicySettings{})
	// What the owner posts opens no case, whoever says that it is spam.
	h.judge(FeedMessage{MessageID: "m2", Chat: g1, Sender: "owner", Text: softly + "啦"})
	if got := h.teach(Lesson{MessageID: "m2", Label: "spam", By: "cai"}); got.CaseChange != "" {
		t.Errorf("of staff: %+v", got)
	}
	for _, l := range []Lesson{
		{Label: "spam"}, {Text: "x", MessageID: "m1", Label: "spam"}, {Text: "x", Label: "bad"}, {Text: " \n", Label: "ham"},
		{MessageID: "none", Label: "ham"}, {CaseID: 99, Label: "ham"}, {Text: "x", Label: "ham", By: strings.Repeat("x", 65)},
		{Text: strings.Repeat("x", maxFeedText+1), Label: "ham"}, {Text: "x", Label: "ham", Note: strings.Repeat("x", 501)},
	} {
		var inv *handlers.Invalid
		if _, err := h.Correct(ctx, l, forget); !errors.As(err, &inv) {
			t.Errorf("%+.40v: %v", l, err)
		}
	}
}

func TestAWordOnACaseIsWeighedAndHardEvidenceWantsTwo(t *testing.T) {
	h := deskWithGroup(t, 3)
	ctx := context.Background()
	hard := "刷单兼职日结三百,想做的加微信abc12345"
	h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Text: hard})
	learn := func(label, by string) {
		t.Helper()
		h.must(h.Store.Tx(ctx, func(tx *store.Tx) error {
			c, err := tx.Case(1)
			if err != nil {
				return err
			}
			return h.learn(tx, c, label, by)
		}))
	}
	learn("ham", "owner")
	learn("ham", "owner")
	rows, err := h.store.Read(ctx).Corrections(store.CorrectionFilter{})
	h.must(err)
	if len(rows) != 1 || rows[0].Weight != wordOfNew || rows[0].Source != store.CorrectedByCase || *rows[0].CaseID != 1 {
		t.Fatalf("corrections %+v", rows)
	}
	if got := h.verdictOn(hard); got != "spam" {
		t.Errorf("one owner overruled hard evidence: %s", got)
	}
	h.teach(Lesson{Text: hard, Label: "ham", By: "bo"})
	if got := h.verdictOn(hard); got != "ham" {
		t.Errorf("two agree, and it is %s", got)
	}
	// What was learnt of a case gives way to who corrects the text of that case.
	learn("spam", "owner")
	if got := h.teach(Lesson{CaseID: 1, Label: "ham", By: "bo"}); got.After.Verdict != "ham" || got.CaseChange != CaseDismissal {
		t.Errorf("overruled: %+v", got)
	}
	learn("spam", "owner") // after all
	if n, err := h.store.Read(ctx).CountCorrections(store.CorrectionFilter{Who: "owner"}); err != nil || n != 3 {
		t.Errorf("%d words of the owner, %v", n, err)
	}
	if got := h.verdictOn(hard); got != "spam" {
		t.Errorf("an owner against headquarters, with the detector: %s", got)
	}
	for _, c := range []struct {
		stands, refuted int
		want            float64
	}{{0, 0, 0.6}, {5, 0, 0.8}, {100, 0, 0.9}, {0, 2, 0.429}, {3, 20, 0.214}} {
		if got := trust(c.stands, c.refuted); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// goods are what the talk below is about.
var goods = strings.Fields("鸡蛋 橙子 牛奶 大米 洗衣液 排骨 西红柿 纸巾 酸奶 土豆 香蕉 豆腐 毛巾 车厘子 面包 挂面 菜籽油 红薯 饺子 牙膏")

// harmlessTalk is what customers say about some goods.
func harmlessTalk(goods []string) []string {
	var out []string
	for i, g := range goods {
		for _, talk := range []string{"%s还有吗", "我要两份%s,送到%d号楼", "昨天的%s挺新鲜的,下次活动还买", "老板,%s今天什么价", "收到,%s明天早上九点去拿", "请问%s的活动到几号结束呀,想帮隔壁阿姨也带一份"} {
			talk = strings.Replace(talk, "%s", g, 1)
			out = append(out, strings.Replace(talk, "%d", fmt.Sprint(i+1), 1))
		}
	}
	return out
}

// adverts are advertisements of some jobs.
func adverts(jobs ...string) []string {
	var out []string
	for i, job := range jobs {
		for k, ad := range []string{"招%s兼职,日结300,加V:abc%d", "宝妈在家做%s,一单一结,有意私聊微信qz%d9", "高薪诚聘%s,日入五百不是梦,扫码进群,电话1380000%d"} {
			ad = strings.Replace(ad, "%s", job, 1)
			out = append(out, strings.Replace(ad, "%d", fmt.Sprint(10000+10*i+k), 1))
		}
	}
	return out
}

// One person calls 50 harmless sentences spam on a day, and 50 advertisements harmless on the
// next. Nothing but these sentences and their near copies is judged otherwise, and a roll-back
// leaves everything to the byte as it was.
func TestPoisonedCorrectionsSpoilNothingElse(t *testing.T) {
	h := newDesk(t)
	ctx := context.Background()
	talk, ads := harmlessTalk(goods[:10]), adverts("打字员", "刷单员", "点赞", "试玩", "代发")
	others := slices.Concat(harmlessTalk(goods), adverts("打字员", "刷单员", "客服", "抄写", "直播运营", "群推广"), []string{"早上好", "谢谢", "好的", "在吗", "多少钱", "我要退款,东西是坏的", softly})
	before := map[string]Answer{}
	for _, text := range others {
		before[text] = h.Check(text)
	}
	taught := map[string]bool{}
	poison := func(text, label string) {
		t.Helper()
		h.teach(Lesson{Text: text, Label: label, By: "eve"})
		taught[text] = true
	}
	for _, text := range talk[:50] {
		poison(text, "spam")
	}
	var many *TooMany
	if _, err := h.Correct(ctx, Lesson{Text: talk[51], Label: "spam", By: "eve"}, forget); !errors.As(err, &many) {
		t.Fatalf("the 51st of a day: %v", err)
	}
	h.now = h.now.Add(25 * time.Hour)
	for i := range 50 {
		poison(ads[i%len(ads)], "ham")
	}
	memory, moved := h.memory(), map[string]int{}
	for _, text := range others {
		if reflect.DeepEqual(h.Check(text), before[text]) {
			continue
		}
		how := "others"
		for known := range taught {
			switch {
			case known == text:
				how = "taught"
			case how == "others" && memory.Alike(known)(text):
				how = "copies"
			}
		}
		if moved[how]++; how == "others" {
			t.Errorf("%q is no copy of anything and moved", text)
		}
	}
	t.Logf("of %d texts these moved: %v", len(others), moved)
	if moved["taught"] < 50 {
		t.Errorf("only %v moved: the corrections did nothing", moved)
	}
	n, err := h.Rollback(ctx, Rollback{Of: "eve", By: "anna"})
	h.must(err)
	if n != 100 {
		t.Errorf("%d were rolled back", n)
	}
	h.must(h.CatchUp(ctx))
	for _, text := range others {
		if !reflect.DeepEqual(h.Check(text), before[text]) {
			t.Errorf("%q is not judged as before", text)
		}
	}
	if n := memory.Len(); n != 0 {
		t.Errorf("%d corrections are left in memory", n)
	}
}

func TestWhatEverybodySaysIsNobodysSpam(t *testing.T) {
	h := deskWithGroup(t, saidByMany)
	for i := range saidByMany {
		h.judge(FeedMessage{MessageID: fmt.Sprint("m", i), Chat: g1, Sender: customer(i + 1).ID, Text: "好的收到!"})
	}
	var conflict *handlers.Conflict
	if _, err := h.Correct(context.Background(), Lesson{Text: "好的,收到", Label: "spam"}, forget); !errors.As(err, &conflict) {
		t.Errorf("got %v", err)
	}
	h.teach(Lesson{Text: "好的,明白", Label: "spam"}) // nobody says that
	if got := h.teach(Lesson{Text: "好的,收到", Label: "spam", Force: true}); got.After.Verdict != "spam" {
		t.Errorf("forced: %+v", got)
	}
}

// Two processes of one database: what one is taught the other knows with the next message.
func TestProcessesLearnFromOneAnother(t *testing.T) {
	onEach(t, func(h *desk) {
		other := &Moderator{Store: h.store, Detector: h.Detector, Now: h.clock, Zone: time.UTC, Log: h.Log}
		judged := func(id, chat, sender string) string {
			out, err := other.Judge(context.Background(), []FeedMessage{{MessageID: id, Chat: bot.ChatID(chat), Sender: bot.MemberID(sender), SentAt: h.now, Text: softly}})
			h.must(err)
			return out[0].Verdict
		}
		taught := h.teach(Lesson{Text: softly, Label: "spam"})
		if got := judged("m1", "wr1", "wm001"); got != "spam" {
			h.t.Errorf("the other process: %s", got)
		}
		h.must(h.TakeBack(context.Background(), taught.ID, "", ""))
		if got := judged("m2", "wr9", "wm009"); got != "ham" || other.memory().Len() != 0 {
			h.t.Errorf("after it was taken back: %s", got)
		}
	})
}

// Who forwards a text to the app and says that it is no advertising teaches that.
func TestAStaffMembersWordOnAForwardedTextIsLearnt(t *testing.T) {
	h := staffDesk(t)
	h.write("owner", advert)
	h.pressTicket("owner", "ask-1-verdict", keyHarmless)
	rows, err := h.store.Read(context.Background()).Corrections(store.CorrectionFilter{})
	h.must(err)
	if len(rows) != 1 || rows[0].Label != store.LabelHam || rows[0].Source != store.CorrectedByReport || rows[0].Weight != wordOfNew || rows[0].Text != advert {
		t.Errorf("corrections %+v", rows)
	}
}

// A message was worth a warning on one person's word; headquarters say that it is spam, and
// then that it is not: it has one strike, then none.
func TestACorrectionRaisesAWarningAndTakesStrikesBack(t *testing.T) {
	h := deskWithGroup(t, 2)
	ctx := context.Background()
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		return tx.AddCorrection(&store.Correction{Label: store.LabelSpam, Text: softly, Weight: 0.6, Who: "owner", Source: store.CorrectedByCase})
	}))
	if a := h.judge(FeedMessage{MessageID: "m1", Chat: g1, Sender: "wm001", Text: softly}); a.Verdict != "suspect" || a.Action != ActWarn {
		t.Fatalf("on one word: %+v", a)
	}
	strikes := func() (out []string) {
		rows, err := h.store.Read(ctx).Strikes("wm001")
		h.must(err)
		for _, s := range rows {
			if s.TakenAt.IsZero() {
				out = append(out, s.Verdict)
			}
		}
		return out
	}
	spam := h.teach(Lesson{MessageID: "m1", Label: "spam", By: "anna"})
	if spam.CaseChange != CaseRaised || fmt.Sprint(strikes()) != "[spam]" {
		t.Errorf("%s, strikes %v", spam.CaseChange, strikes())
	}
	h.must(h.TakeBack(ctx, spam.ID, "anna", ""))
	ham := h.teach(Lesson{MessageID: "m1", Label: "ham", By: "anna"})
	if ham.CaseChange != CaseDismissal || len(strikes()) != 0 {
		t.Errorf("%s, strikes %v", ham.CaseChange, strikes())
	}
	if a := h.judge(FeedMessage{MessageID: "m2", Chat: g1, Sender: "wm002", Text: softly}); a.Verdict != "ham" {
		t.Errorf("afterwards: %+v", a)
	}
}

// The buttons of a case's card teach by themselves.
func TestPressesOfTheOwnerAreLearnt(t *testing.T) {
	h := flagged(t)
	ctx := context.Background()
	h.press(keyRemoved)
	h.deliver(h.world.leave(g1, "wm001", 1))
	h.pass(time.Minute)
	rows, err := h.store.Read(ctx).Corrections(store.CorrectionFilter{})
	h.must(err)
	if h.caseStatus() != store.CaseRemoved || len(rows) != 1 || rows[0].Label != store.LabelSpam || rows[0].Who != "owner" || rows[0].Weight != wordOfNew {
		t.Errorf("case %s, corrections %+v", h.caseStatus(), rows)
	}
	_, err = h.Undo(ctx, 1, "anna", "")
	h.must(err)
	yes := true
	rows, err = h.store.Read(ctx).Corrections(store.CorrectionFilter{Active: &yes})
	h.must(err)
	if len(rows) != 1 || rows[0].Label != store.LabelHam || rows[0].Who != "anna" {
		t.Errorf("after the case was undone: %+v", rows)
	}
}

package moderation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/spam"
	"xiaobu/store"
)

// reason is the weight of a check in an answer; 0 where it did not speak.
func reason(a Answer, check string) (float64, string) {
	for _, r := range a.Reasons {
		if r.Check == check {
			return r.Weight, r.Detail
		}
	}
	return 0, ""
}

// stay writes a stay of a person that began before now; how says how it ended, empty: not.
func (h *desk) stay(st store.Stint, ago time.Duration, how bot.LeaveHow) {
	h.t.Helper()
	st.Kind, st.JoinedAt = string(bot.Customer), h.now.Add(-ago)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		if _, err := tx.AddStint(&st); err != nil || how == "" {
			return err
		}
		return tx.EndStint(st.ID, h.now.Add(-ago/2), how)
	}))
}

// said judges a message of somebody in a group, sent now.
func (h *desk) said(chat bot.ChatID, sender bot.MemberID, text string) Answer {
	h.t.Helper()
	h.seq++
	return h.judge(FeedMessage{MessageID: fmt.Sprint("said", h.seq), Chat: chat, Sender: sender, Text: text})
}

const greeting = "转发咱们店的祝福:祝各位街坊邻居中秋快乐,阖家团圆,平平安安"

func TestWhatManySayIsNobodysSpam(t *testing.T) {
	h := newDesk(t)
	harmless := func(what string, a Answer) {
		t.Helper()
		if a.Verdict != "ham" || a.CaseID != 0 {
			t.Errorf("%s: %s %.2f %v", what, a.Verdict, a.Score, a.Reasons)
		}
	}
	list := "#接龙 周三团购 土鸡蛋30枚一盒\n1. 张姐 两盒\n2. 老李 一盒"
	for i := range 25 {
		who := customer(i + 1).ID
		h.stay(store.Stint{ChatID: string(g1), UserID: string(who)}, time.Hour, "")
		list += fmt.Sprintf("\n%d. 邻居%d 一盒", i+3, i)
		harmless("a list that goes on", h.said(g1, who, list))
		harmless("the same list again", h.said(bot.ChatID(fmt.Sprint("wr", i)), who, "#接龙 周三团购 土鸡蛋30枚一盒\n1. 张姐 两盒\n2. 老李 一盒"))
		harmless("one", h.said(g1, who, "1"))
		harmless("received", h.said(g1, who, "收到"))
		harmless("a wish that goes round", h.said(g1, who, "祝大家新年快乐,身体健康,万事如意"))
	}
	for i := range 3 {
		harmless("one, three times", h.said(g1, "wm001", "1"))
		harmless("a greeting passed on to three groups", h.said(bot.ChatID(fmt.Sprint("wrx", i)), "wm777", greeting))
	}
	for i := range 12 {
		a := h.said(g1, "wm002", "你们卖的鸡蛋是坏的,我要退款,不退款我就投诉")
		if a.Action != ActNone || a.CaseID != 0 {
			t.Fatalf("the complaint for the %dth time: %+v", i+1, a)
		}
	}
}

func TestStaffAndOwnersAreNeverJudged(t *testing.T) {
	h := deskWithGroup(t, 1)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		return errors.Join(tx.NameStaff("anna", "安娜"), tx.NewChat(store.Chat{ChatID: "wr9", Owner: "boss", Status: store.ChatActive}))
	}))
	for who, chat := range map[bot.MemberID]bot.ChatID{"anna": "wrUnknown", "owner": "wr2", "boss": "wr9"} {
		for range 4 { // nor are they flooders
			a := h.said(chat, who, advert)
			if _, why := reason(a, "staff"); a.Verdict != "ham" || a.Score != 0 || why == "" {
				t.Errorf("%s: %+v", who, a)
			}
		}
	}
	if a := h.said("wr2", "boss", advert); a.Verdict != "spam" {
		t.Errorf("the owner of another group, who is not of the company: %+v", a)
	}
}

func TestALinkWithinMinutesOfJoiningWeighsAndALongPastSpeaksForOne(t *testing.T) {
	h := newDesk(t)
	h.stay(store.Stint{ChatID: string(g1), UserID: "new"}, 3*time.Minute, "")
	h.stay(store.Stint{ChatID: string(g1), UserID: "old"}, 200*24*time.Hour, "")
	for i := range 12 {
		h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
			return tx.Talk(map[string]string{"old": h.now.AddDate(0, 0, i-12).Format(time.DateOnly)})
		}))
	}
	const text = "在这里看 https://newshop.top/a1"
	fresh, old := h.said(g1, "new", text), h.said(g1, "old", text)
	if w, detail := reason(fresh, "age"); w != 2 || !strings.Contains(detail, "3分钟") {
		t.Errorf("the newcomer's link: %v %s", w, detail)
	}
	if w, detail := reason(old, "age"); w != -1.5 || !strings.Contains(detail, "200天") {
		t.Errorf("the old member's link: %v %s", w, detail)
	}
	if w, detail := reason(old, "history"); w != -1 || !strings.Contains(detail, "12天") {
		t.Errorf("history: %v %s", w, detail)
	}
	if fresh.Score <= old.Score {
		t.Errorf("new %v, old %v", fresh.Score, old.Score)
	}
	if w, _ := reason(h.said(g1, "new", "你好,刚进群,请问几点关门"), "age"); w != 0 {
		t.Errorf("a newcomer's question weighs %v", w)
	}
	if a := h.said(g1, "old", advert); a.Verdict == "ham" {
		t.Errorf("a good past excuses an advertisement: %+v", a)
	}
}

func TestHarmlessTalkIsRememberedADayAtATime(t *testing.T) {
	h := newDesk(t)
	for day := range 4 {
		for range 3 {
			h.said(g1, "wm1", "今天的鸡蛋还有吗")
		}
		h.said(g1, "wm2", "1")
		talk, err := h.store.Read(context.Background()).TalkOf([]string{"wm1", "wm2"})
		h.must(err)
		if talk["wm1"].Days != day+1 || talk["wm2"].Days != 0 {
			t.Fatalf("day %d: %+v", day, talk)
		}
		h.now = h.now.Add(24 * time.Hour)
	}
	if w, detail := reason(h.said(g1, "wm1", "好的谢谢老板"), "history"); w != -0.4 || !strings.Contains(detail, "4天") {
		t.Errorf("history %v %s", w, detail)
	}
}

func TestTheSameLinkAndTextAcrossGroups(t *testing.T) {
	onEach(t, func(h *desk) {
		var a Answer
		for i := range 6 {
			a = h.said(bot.ChatID(fmt.Sprint("wr", i)), bot.MemberID(fmt.Sprint("wm", i)), fmt.Sprintf("大家看看这个%d https://abc%d.top/x1", i, 7))
		}
		if w, detail := reason(a, "spread"); w != 3 || !strings.Contains(detail, "6个群") {
			h.t.Errorf("one link of six people in six groups: %v %s", w, detail)
		}
		for i := range 6 {
			a = h.said(bot.ChatID(fmt.Sprint("wr", i)), "wmx", "本周末我家阳台摆摊,欢迎大家来坐坐")
		}
		if w, detail := reason(a, "spread"); w != 2 || !strings.Contains(detail, "6个群") {
			h.t.Errorf("one text of one person in six groups: %v %s", w, detail)
		}
		h.now = h.now.Add(spreadWindow + time.Minute)
		if w, _ := reason(h.said("wr9", "wmx", "本周末我家阳台摆摊,欢迎大家来坐坐"), "spread"); w != 0 {
			h.t.Errorf("half an hour later: %v", w)
		}
	})
}

func TestAFloodIsSuspectAndNeverARemoval(t *testing.T) {
	h := deskWithGroup(t, 2)
	var msgs []FeedMessage
	for i := range 90 {
		msgs = append(msgs, say(fmt.Sprint("f", i), "wm001", fmt.Sprintf("哈哈哈哈%d", i)))
	}
	out := h.judgeAll(msgs...)
	last := out[89].Answer
	if w, detail := reason(last, "flood"); last.Verdict != "suspect" || last.Action != ActWarn || !strings.Contains(detail, "90条") || w < personFar {
		t.Errorf("ninety messages in a minute: %+v", last)
	}
	if w, _ := reason(out[8].Answer, "flood"); out[8].Verdict != "ham" || w != 0 {
		t.Errorf("nine: %+v", out[8].Answer)
	}
	if last.Score >= h.policy(g1).Removal {
		t.Errorf("the score says more than the verdict: %v", last.Score)
	}
	if a := h.said(g1, "wm002", "哈哈哈哈"); a.Verdict != "ham" {
		t.Errorf("somebody else: %+v", a)
	}
}

func TestNamesRejoinsInvitersRecordsAndReports(t *testing.T) {
	onEach(t, func(h *desk) {
		ctx := context.Background()
		h.stay(store.Stint{ChatID: string(g1), UserID: "named", Name: "小王", Nickname: "兼职日结加微信abc12345"}, 48*time.Hour, "")
		h.stay(store.Stint{ChatID: string(g1), UserID: "back", UnionID: "u1"}, 48*time.Hour, "")
		h.stay(store.Stint{ChatID: string(g1), UserID: "other", UnionID: "u1"}, 96*time.Hour, bot.LeftRemoved) // the same person
		h.stay(store.Stint{ChatID: "wr8", UserID: "elsewhere"}, 96*time.Hour, bot.LeftRemoved)
		for i := range 10 {
			how := bot.LeaveHow("")
			if i < 4 {
				how = bot.LeftRemoved
			}
			h.stay(store.Stint{ChatID: string(g1), UserID: fmt.Sprint("guest", i), Referrer: "host"}, 50*time.Hour, how)
		}
		h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
			for _, status := range []string{store.CaseRemoved, store.CaseRemoved, store.CaseDismissed, store.CaseOpen} {
				if err := tx.AddCase(&store.Case{ChatID: "wr7", Member: "record", Status: status}); err != nil {
					return err
				}
			}
			_, err := tx.AddMemberReport(&store.MemberReport{Member: "reported", Reporter: "anna", Staff: true, Day: "2026-11-23", Weight: 0.75})
			return errors.Join(err, tx.Block(store.Blocked{Person: "u9", Reason: "卖假货"}))
		}))
		h.stay(store.Stint{ChatID: string(g1), UserID: "blocked", UnionID: "u9"}, time.Hour, "")
		for _, c := range []struct {
			who, check, detail string
			weight             float64
		}{
			{"named", "name", "兼职日结", 1.5},
			{"back", "rejoin", "本群1次", 2},
			{"elsewhere", "rejoin", "其他群1次", 1.2},
			{"guest9", "inviter", "10人里有4人", 1.2},
			{"record", "history", "2次", 2.25},
			{"reported", "reports", "1人举报", 1.13},
			{"blocked", "blocklist", "卖假货", blockWeight},
		} {
			a := h.said(g1, bot.MemberID(c.who), "今天的鸡蛋还有吗")
			w, detail := reason(a, c.check)
			if w != c.weight || !strings.Contains(detail, c.detail) {
				h.t.Errorf("%s: %v", c.who, a.Reasons)
			}
			if want := map[bool]string{true: "spam", false: "ham"}[c.who == "blocked"]; a.Verdict != want {
				h.t.Errorf("%s who asks for eggs: %s %.2f, want %s", c.who, a.Verdict, a.Score, want)
			}
		}
		h.now = h.now.Add(200 * 24 * time.Hour)
		for _, who := range []bot.MemberID{"record", "back", "reported"} {
			a := h.said(g1, who, "今天的鸡蛋还有吗")
			for _, check := range []string{"history", "rejoin", "reports"} {
				if w, _ := reason(a, check); w > 0 {
					h.t.Errorf("%s, long after: %v", who, a.Reasons)
				}
			}
		}
	})
}

// A newcomer's link in six groups is suspect; once people said that it is harmless, or spam, it
// is so whoever sends it.
func TestWhatPeopleSaidAboutATextOutweighsWhoSendsIt(t *testing.T) {
	h := newDesk(t)
	send := func(who bot.MemberID, old time.Duration, text string) (a Answer) {
		h.stay(store.Stint{ChatID: string(g1), UserID: string(who)}, old, "")
		for i := range 6 {
			h.said(bot.ChatID(fmt.Sprint("wr", who, i)), who, text)
		}
		return h.said(g1, who, text)
	}
	const text, other = "在这里看新款 https://newshop.top/a1", "今晚八点老地方见面喝茶聊天"
	if a := send("wm1", time.Minute, text); a.Verdict == "ham" {
		t.Fatalf("before anybody said anything: %+v", a)
	}
	for text, label := range map[string]string{text: store.LabelHam, other: store.LabelSpam} {
		_, err := h.Correct(context.Background(), Lesson{Text: text, Label: label, By: "anna"}, func(*store.Tx, string) error { return nil })
		h.must(err)
	}
	if a := send("wm2", time.Minute, text); a.Verdict != "ham" {
		t.Errorf("after people found it harmless: %+v", a)
	}
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for i := range 20 {
			h.must(tx.Talk(map[string]string{"wm3": h.now.AddDate(0, 0, i-20).Format(time.DateOnly)}))
		}
		return nil
	}))
	if a := send("wm3", 9000*time.Hour, other); a.Verdict != "spam" {
		t.Errorf("spam, from an old member: %+v", a)
	}
}

func TestATextAloneIsJudgedByTheCompanysThresholds(t *testing.T) {
	h := newDesk(t)
	const text = advert
	was := h.Check(text)
	h.put("", store.PolicySettings{Review: score(1), Removal: score(1)})
	h.must(h.CatchUp(context.Background()))
	if now := h.Check(text); was.Verdict == "ham" || now.Verdict != "ham" || now.Score != was.Score {
		t.Errorf("%s %v, then %s %v", was.Verdict, was.Score, now.Verdict, now.Score)
	}
}

func TestAHostIsNewUntilStaffPostIt(t *testing.T) {
	h := deskWithGroup(t, 2)
	link := func(who bot.MemberID, n int) float64 {
		w, _ := reason(h.said(g1, who, fmt.Sprintf("看看 https://ourshop.cn/p/%d", n)), "newlink")
		return w
	}
	if w := link("wm001", 1); w != 0.7 {
		t.Errorf("a host that nobody knows: %v", w)
	}
	h.said(g1, "owner", "新品在 https://ourshop.cn/new")
	if w := link("wm002", 2); w != 0 {
		t.Errorf("after staff posted it: %v", w)
	}
}

// More of what speaks against somebody never makes the verdict milder, and without a text
// that is suspect by itself it is no removal.
func TestVerdictsGrowWithWhatSpeaksAgainst(t *testing.T) {
	rank := map[string]int{"ham": 0, "suspect": 1, "spam": 2}
	for _, th := range [][2]float64{{0.5, 0.9}, {0.02, 0.3}, {0.3, 0.3}, {0.9, 0.999}, {1, 1}} {
		p := Policy{Review: th[0], Removal: th[1]}
		for text := 0.0; text <= 1; text += 0.01 {
			last, lastScore := -1, -1.0
			for about := -5.0; about <= 30; about += 0.125 {
				v, score := judged(text, about, false, p)
				if rank[v] < last || score < lastScore-1e-8 || math.IsNaN(score) || score > 1 {
					t.Fatalf("thresholds %v, text %v: %v makes %s %v after %v", th, text, about, v, score, lastScore)
				}
				if text < p.Review && (v == string(spam.Spam) || score >= p.Removal && p.Removal > p.Review) {
					t.Fatalf("thresholds %v, text %v, %v: %s %v", th, text, about, v, score)
				}
				last, lastScore = rank[v], score
			}
		}
	}
}

func TestChecksNeverSayLessOfMore(t *testing.T) {
	p := Policy{StrikesExpire: defaultExpire}
	grow := map[string]func(f *facts, n int){
		"inviter": func(f *facts, n int) { f.guests = store.Guests{Joined: 100, Removed: n} },
		"spread":  func(f *facts, n int) { f.own, f.groups = n, n+3 },
		"flood":   func(f *facts, n int) { f.minute = n },
		"repeat":  func(f *facts, n int) { f.repeat = n },
		"rejoin":  func(f *facts, n int) { f.others, f.here = min(n, 5), max(0, n-5) },
		"reports": func(f *facts, n int) { f.reported = store.Reported{People: n, Weight: float64(n) / 10} },
		"newlink": func(f *facts, n int) { f.newHosts = n },
		"history": func(f *facts, n int) {
			for range n {
				f.cases = append(f.cases, store.PersonCase{Status: store.CaseRemoved})
			}
		},
	}
	for _, c := range personChecks {
		if c.name == "age" || c.name == "name" || c.name == "qr" {
			continue
		}
		last := math.Inf(-1)
		for n := range 130 {
			var f facts
			grow[c.name](&f, n)
			degree, detail := c.speak(heard{}, f, p)
			if degree < last || degree != 0 && detail == "" {
				t.Errorf("%s: %d says %v after %v", c.name, n, degree, last)
			}
			last = degree
		}
		if last <= 0 {
			t.Errorf("%s never speaks", c.name)
		}
	}
	at := time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)
	last := math.Inf(1)
	for minute := range 60 * 24 * 3 {
		f := facts{stay: store.Stint{JoinedAt: at.Add(-time.Duration(minute) * time.Minute)}, talk: store.Talked{Days: 3}, day: "2026-11-23"}
		degree, _ := checkAge(heard{FeedMessage: FeedMessage{SentAt: at, Type: "link"}}, f, p)
		if degree > last {
			t.Fatalf("a link %d minutes after the join weighs %v, one earlier %v", minute, degree, last)
		}
		last = degree
	}
}

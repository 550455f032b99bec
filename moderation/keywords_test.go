package moderation

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"xiaobu/spam"
	"xiaobu/store"
)

// keywordDesk is a desk with confirmed spam of one wave and what people say otherwise.
func keywordDesk(t *testing.T) *desk {
	h := newDesk(t)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error {
		for i, text := range []string{
			"快来星辰搬砖项目,日入三百,详情 xcbz88.vip", "今天星辰搬砖项目又出款了,加V:xingchen888", "星辰搬砖项目,宝妈在家也能做,加V:xingchen888",
		} {
			c := store.Case{ChatID: "wr1", Member: fmt.Sprint("wm", i), Text: text, Verdict: "spam", Status: store.CaseRemoved}
			if err := tx.AddCase(&c); err != nil {
				return err
			}
		}
		for i, text := range []string{"在家也能做的面包,配方发我", "今天鸡蛋又出款了吗,哈哈", "网络兼职日结的都是骗人的,大家小心"} {
			m := store.Message{MessageID: fmt.Sprint("h", i), ChatID: "wr1", Sender: "wm9", SentAt: tx.Now, Text: text, Verdict: "ham", Kind: "text"}
			if err := tx.AddMessage(m); err != nil {
				return err
			}
		}
		missed := store.Message{MessageID: "missed", ChatID: "wr1", Sender: "wm8", SentAt: tx.Now, Text: "星辰搬砖项目,宝妈在家也能做,加V:xingchen888", Verdict: "ham", Kind: "text",
			Fingerprint: int64(h.Detector.Trace("星辰搬砖项目,宝妈在家也能做,加V:xingchen888").Text)}
		return tx.AddMessage(missed)
	}))
	return h
}

func TestKeywordRulesComeFromConfirmedSpamAndHitNothingHarmless(t *testing.T) {
	h := keywordDesk(t)
	k, err := h.Keywords(context.Background(), 7, 50)
	h.must(err)
	if len(k.Words) != 50 || k.Confirmed != 3 || k.Ham != 4 {
		t.Fatalf("%d words, %d confirmed, %d harmless", len(k.Words), k.Confirmed, k.Ham)
	}
	first := k.Words[0]
	if !strings.Contains("星辰搬砖项目", first.Word) || first.Source != fromConfirmed || first.Spam != 3 || first.Ham != 0 {
		t.Errorf("first %+v", first)
	}
	builtIn := 0
	for _, w := range k.Words {
		if w.Source == fromBuiltIn {
			builtIn++
		}
		for _, text := range append(shopTalk(), "在家也能做的面包,配方发我", "网络兼职日结的都是骗人的,大家小心") {
			if strings.Contains(text, w.Word) {
				t.Errorf("%q would have hit %q", w.Word, text)
			}
		}
	}
	if builtIn == 0 || len(k.StepsZH) == 0 || len(k.StepsZH) != len(k.StepsEN) {
		t.Errorf("%d built in, steps %q", builtIn, k.StepsEN)
	}
	again, err := h.Keywords(context.Background(), 7, 50)
	h.must(err)
	if !slices.Equal(k.Words, again.Words) {
		t.Error("the same books lead to other words")
	}
	var csv, text bytes.Buffer
	h.must(k.WriteCSV(&csv))
	h.must(k.WriteText(&text))
	if strings.Count(text.String(), "\n") != 50 || !strings.HasPrefix(csv.String(), "\ufeffword,") {
		t.Errorf("%q", csv.String()[:20])
	}
}

func TestDomainsAndAccountsAreRulesOfTheirOwn(t *testing.T) {
	tr := &trial{detector: spam.New(), confirmed: []string{"看这里 xcbz88.vip 就懂", "找我 abc12345 聊聊", "看看 shop.example.com"}, ham: []string{"网址是 shop.example.com/a"}}
	tr.spam = tr.confirmed
	kinds := map[string]string{}
	for _, w := range tr.own(10) {
		kinds[w.Word] = w.Kind
	}
	if len(kinds) != 2 || kinds["xcbz88.vip"] != KeywordDomain || kinds["abc12345"] != KeywordContact {
		t.Errorf("rules %v", kinds)
	}
}

func TestSwitchesSayWhatTheyWouldHaveHit(t *testing.T) {
	got := switches([]store.SaidMessage{{Kind: "miniprogram"}, {Text: "看 a1.vip"}}, []store.SaidMessage{{Text: "二维码:https://e.com/x"}, {Kind: "link", Text: "x"}})
	want := []Switch{{"link", "链接", "links", 1, 2}, {"qr", "二维码", "QR codes", 0, 1}, {"miniprogram", "小程序", "mini-programs", 1, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

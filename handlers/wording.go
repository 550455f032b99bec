package handlers

import (
	"fmt"
	"strings"
	"time"

	"xiaobu/store"
)

// Languages of what is told to people.
const (
	Chinese = "zh"
	English = "en"
)

// Text is a sentence, or a part of one, in both languages of the house.
type Text struct{ ZH, EN string }

// In is the text in a language; Chinese where the language is not English.
func (t Text) In(lang string) string {
	if lang == English {
		return t.EN
	}
	return t.ZH
}

// fen is money that is told in yuan.
type fen int64

// sentences are written in both languages, with the times of one zone.
type sentences struct{ zone *time.Location }

// say fills a sentence: money, times and spans are told in the words of each language.
func (p sentences) say(zh, en string, args ...any) Text {
	zhWords, enWords := make([]any, len(args)), make([]any, len(args))
	for i, a := range args {
		t := p.word(a)
		zhWords[i], enWords[i] = t.ZH, t.EN
	}
	return Text{fmt.Sprintf(zh, zhWords...), fmt.Sprintf(en, enWords...)}
}

func (p sentences) word(v any) Text {
	switch v := v.(type) {
	case Text:
		return v
	case fen:
		return Text{Yuan(int64(v)), strings.TrimSuffix(Yuan(int64(v)), "元") + " yuan"}
	case time.Time:
		at := v.In(p.zone).Format("2006-01-02 15:04:05")
		return Text{at, at}
	case time.Duration:
		return span(v)
	}
	s := fmt.Sprint(v)
	return Text{s, s}
}

// span tells a length of time to the second.
func span(d time.Duration) Text {
	s := int64(d.Round(time.Second) / time.Second)
	var zh, en []string
	for _, u := range []struct {
		seconds int64
		zh, en  string
	}{{86400, "天", "d"}, {3600, "小时", "h"}, {60, "分", "min"}, {1, "秒", "s"}} {
		if n := s / u.seconds; n > 0 {
			zh, en = append(zh, fmt.Sprint(n, u.zh)), append(en, fmt.Sprint(n, " ", u.en))
			s -= n * u.seconds
		}
	}
	if len(zh) == 0 {
		return Text{"0秒", "0 s"}
	}
	return Text{strings.Join(zh, ""), strings.Join(en, " ")}
}

// named is a name with the id behind it.
func named(name, id string) Text {
	if name == "" || name == id {
		return Text{id, id}
	}
	return Text{name + "(" + id + ")", name + " (" + id + ")"}
}

// group is a group's name with its id.
func group(c store.Chat) Text {
	if c.Name == "" {
		return Text{"群 " + c.ChatID, "group " + c.ChatID}
	}
	return Text{"群「" + c.Name + "」(" + c.ChatID + ")", `group "` + c.Name + `" (` + c.ChatID + ")"}
}

// wordOf looks a word of the books up; an unknown one stays as it is.
func wordOf(words map[string]Text, v string) Text {
	if t, ok := words[v]; ok {
		return t
	}
	return Text{v, v}
}

// StatusWord is what people call a status of an entry.
func StatusWord(status string) Text {
	return wordOf(map[string]Text{
		store.EntryHeld: {"观察期内", "held"}, store.EntryPayable: {"可发放", "payable"}, store.EntryVoid: {"作废", "void"},
		store.EntryClawedBack: {"已追回", "clawed back"}, store.EntryPaid: {"已发放", "paid"},
	}, status)
}

func payoutWord(status string) Text {
	return wordOf(map[string]Text{
		store.PayoutCollected: {"收集", "collected"}, store.PayoutApproved: {"批准", "approved"}, store.PayoutPaid: {"发放", "paid"},
		store.PayoutReversed: {"撤销发放", "reversed"}, store.PayoutDiscarded: {"作废", "discarded"},
	}, status)
}

func scopeWord(scope string) Text {
	return wordOf(map[string]Text{
		OncePerCorp: {"全公司一次", "once in the whole company"}, OncePerStore: {"每个门店一次", "once per store"}, OncePerGroup: {"每个群一次", "once per group"},
	}, scope)
}

// ReasonWord tells a reason of a decision, an entry or a transfer.
func ReasonWord(reason string) Text {
	if version, ok := strings.CutPrefix(reason, "rule "); ok {
		return Text{"按规则版本 " + version + " 重算", "judged again under rule version " + version}
	}
	return wordOf(map[string]Text{
		ReasonRewarded: {"符合规则", "it meets the rule"}, ReasonNoInviter: {"找不到邀请人", "nobody is known to have brought the person"},
		ReasonNotCustomer: {"不是客户", "not a customer"}, ReasonNotNew: {"不是新客", "the person was there before"},
		ReasonBeforeEffective: {"当时还没有生效的规则", "no rule was in force"}, ReasonLeftEarly: {"提前退群", "the person left too early"},
		ReasonOverBudget: {"超出当月预算", "over the month's budget"}, ReasonDecided: {"人工决定作废", "somebody decided to void it"},
		"payout": {"发放", "payout"}, "recovered": {"扣回已发放的钱", "what was paid is kept back"},
		store.PayoutReversed: {"撤销发放", "the payout was reversed"}, reasonRejudged: {"规则有变,先收回再重算", "given back to be judged again under a changed rule"},
	}, reason)
}

// accountWord tells an account such as held:wang.
func accountWord(account string) Text {
	kind, staff, _ := strings.Cut(account, ":")
	of := func(t Text) Text { return Text{staff + "的" + t.ZH, staff + "'s " + t.EN} }
	switch kind {
	case "company":
		return Text{"公司", "the company"}
	case store.EntryHeld, store.EntryPayable, store.EntryPaid:
		return of(StatusWord(kind))
	}
	return Text{account, account}
}

// tierWord tells which step of the tiers an ordinal is in.
func tierWord(tiers []store.Tier, ordinal int) Text {
	from := 1
	for _, t := range tiers {
		switch {
		case t.UpTo == 0:
			return Text{fmt.Sprintf("第%d位起", from), fmt.Sprintf("Customers from the %s on", nth(from))}
		case ordinal <= t.UpTo && from == t.UpTo:
			return Text{fmt.Sprintf("第%d位", from), fmt.Sprintf("The %s customer alone", nth(from))}
		case ordinal <= t.UpTo:
			return Text{fmt.Sprintf("第%d到%d位", from, t.UpTo), fmt.Sprintf("The %s to %s customers", nth(from), nth(t.UpTo))}
		}
		from = t.UpTo + 1
	}
	return Text{"没有对应的档位", "Customers beyond the steps of the rule"}
}

// nth is an English ordinal: 1st, 2nd, 11th, 101st.
func nth(n int) string {
	suffix := "th"
	if tens := n % 100; tens < 11 || tens > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}

// nthWord is an ordinal in both languages.
func nthWord(n int) Text { return Text{fmt.Sprintf("第%d位", n), nth(n)} }

// Yuan writes an amount of fen the way people read it.
func Yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s%d.%02d元", sign, fen/100, fen%100)
}

package spam

import (
	"strings"
	"testing"
)

func TestHarmlessTalkAroundAnAdvertisementDoesNotLowerItsScore(t *testing.T) {
	d := New()
	for _, e := range spamExamples() {
		alone := d.Check(e.text).Score
		for _, pad := range []string{"周末去公园走了走。", "谢谢大家。", strings.Repeat("天气很好。", 100)} {
			if got := d.Check(pad + "\n" + e.text + "\n" + pad).Score; got < alone-1e-9 {
				t.Errorf("%q: %.3f alone, %.3f with %.20q around", e.text, alone, got, pad)
			}
		}
	}
}

func TestAnOfferIsJoinedWithAContactSomeClausesLater(t *testing.T) {
	v := New().Check("在家刷单赚佣金。时间自己定。随时可以停。老少都能做。加微信 hjk77889")
	if v.Verdict != Spam || !speaks(v, "topic-contact", +1) {
		t.Errorf("%+v", v)
	}
}

func TestAComplaintExcusesTheWholeTextAndAQuestionOnlyItsNeighbours(t *testing.T) {
	d := New()
	contact := "之前让我加微信abc12345。"
	far := strings.Repeat("等了很久也没有人。", 5)
	if v := d.Check("我要投诉。" + far + contact); v.Verdict != Ham {
		t.Errorf("complaint: %+v", v)
	}
	near, away := d.Check("几点开门。加我好友。"), d.Check("几点开门。"+far+"加我好友。")
	if near.Score >= away.Score {
		t.Errorf("a question nearby %.3f, far away %.3f", near.Score, away.Score)
	}
}

func TestOfOneCheckOnlyTheHeaviestRuleSpeaks(t *testing.T) {
	c := check{"x", []rule{
		{1, sigJob, 0, 0, 0, "one"},
		{-3, sigJob, sigPay | sigEarn, 0, 0, "three"},
		{2, sigJob, 0, 0, sigQuestion, "two"},
	}}
	for _, k := range []struct {
		sigs signal
		want string
	}{
		{0, ""}, {sigJob, "two"}, {sigJob | sigPay, "three"}, {sigJob | sigQuestion, "one"}, {sigPay, ""},
	} {
		got := ""
		if r := c.heaviest(k.sigs); r != none {
			got = c.rules[r].detail
		}
		if got != k.want {
			t.Errorf("%b: %q, want %q", k.sigs, got, k.want)
		}
	}
}

func TestSpansAreFewSortedAndNotNested(t *testing.T) {
	v := New().Check(strings.Repeat("刷单兼职加微信好友 ", 40))
	for _, r := range v.Reasons {
		if len(r.Spans) > maxSpans {
			t.Errorf("%s names %d places", r.Check, len(r.Spans))
		}
		for i := 1; i < len(r.Spans); i++ {
			if a, b := r.Spans[i-1], r.Spans[i]; b.Start < a.Start || b.End <= a.End {
				t.Errorf("%s: %v after %v", r.Check, b, a)
			}
		}
	}
}

package spam

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// wordsOf is what the model said for spam (+1) or against it (-1), and the pieces it named.
func wordsOf(v Verdict, text, check string) (r Reason, pieces []string) {
	for _, r = range v.Reasons {
		if r.Check != check {
			continue
		}
		for _, s := range r.Spans {
			pieces = append(pieces, text[s.Start:s.End])
		}
		return r, pieces
	}
	return Reason{}, nil
}

func TestTheModelNamesThePiecesThatSpeak(t *testing.T) {
	d := New()
	for _, c := range []struct{ text, bad, good string }{
		{"今天天气真好，大量出售元宝，需要的老板加我VX：abc12345，晚上吃什么", "元宝", ""},
		{"低价出银两，需要的滴滴", "滴滴", ""},
		{"客服让我加微信abc12345，一直不给我发货，怎么办呢", "", "一直不给我发货"},
	} {
		v := d.Check(c.text)
		bad, badPieces := wordsOf(v, c.text, checkWords)
		good, goodPieces := wordsOf(v, c.text, checkHarmless)
		if c.bad != "" && (bad.Weight <= 0 || !strings.Contains(strings.Join(badPieces, " "), c.bad)) {
			t.Errorf("%q: %+v names %q for spam, want %s", c.text, bad, badPieces, c.bad)
		}
		if c.good != "" && good.Weight >= 0 {
			t.Errorf("%q: %+v names %q against, want %s", c.text, good, goodPieces, c.good)
		}
		for _, p := range append(badPieces, goodPieces...) {
			if utf8.RuneCountInString(p) < 2 && len(p) > 1 {
				t.Errorf("%q: the piece %q is a crumb", c.text, p)
			}
		}
		if strings.Contains(strings.Join(badPieces, " "), "天气") || strings.Contains(strings.Join(badPieces, " "), "吃什么") {
			t.Errorf("%q: pieces outside the window: %q", c.text, badPieces)
		}
	}
}

func TestTalkThatIsFarFromReviewIsNotExplained(t *testing.T) {
	d := New()
	for _, text := range []string{"明天几点开门？", "老板，上次的草莓坏了一半，能退吗", "谢谢，收到了"} {
		v := d.Check(text)
		for _, check := range []string{checkWords, checkHarmless} {
			if r, pieces := wordsOf(v, text, check); len(pieces) > 0 {
				t.Errorf("%q (%.2f): %+v", text, v.Score, r)
			}
		}
	}
}

func TestRunsOfOneSideAreJoinedOverALittleOfTheOther(t *testing.T) {
	got := joined([]piece{{0, 2, 5}, {2, 3, -1}, {3, 5, 6}, {5, 6, -4}, {6, 8, 5}, {8, 9, -1}, {9, 12, 20}})
	want := []piece{{0, 5, 10}, {5, 6, -4}, {6, 12, 24}}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := runs(nil, []float64{1, 2, -1, -3, 0.5}, 7); !slices.Equal(got, []piece{{7, 9, 3}, {9, 11, -4}, {11, 12, 0.5}}) {
		t.Errorf("got %+v", got)
	}
}

func TestDetailsQuoteWhatIsReadAndNotWhatIsHidden(t *testing.T) {
	text := "\u202e低\u200b价出\u2060银\ufeff两，需要的滴滴，随时在线欢迎老板长期合作"
	r, _ := wordsOf(New().Check(text), text, checkWords)
	if !strings.Contains(r.Detail, "银两") || strings.ContainsAny(r.Detail, "\u202e\u200b\u2060\ufeff") || utf8.RuneCountInString(r.Detail) > 40 {
		t.Errorf("%q", r.Detail)
	}
}

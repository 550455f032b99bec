package spam

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestPlainTalkIsHamAndItsReasonsAreAnEmptyList(t *testing.T) {
	d := New()
	for _, text := range []string{"", " ", "\n\n", "周末一起去公园", "🌧\ufe0f", "\xff\xfe", "。。。"} {
		v := d.Check(text)
		if v.Verdict != Ham || v.Reasons == nil || len(v.Reasons) != 0 {
			t.Errorf("%q: %+v, want ham with an empty list", text, v)
		}
		if out, _ := json.Marshal(v); !strings.Contains(string(out), `"reasons":[]`) {
			t.Errorf("%q is written as %s", text, out)
		}
	}
}

func TestAVerdictIsWrittenWithTheNamesOfTheContract(t *testing.T) {
	out, err := json.Marshal(New().Check("专业代开发票，加微信 qmx66021"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"verdict":"spam"`, `"score":0.9`, `"check":"documents"`, `"detail":"代开发票`, `"weight":`, `"spans":[{"start":6,"end":18}`} {
		if !strings.Contains(string(out), part) {
			t.Errorf("%s misses %s", out, part)
		}
	}
}

func TestTheThresholdsDivideTheScores(t *testing.T) {
	text := "专业代开发票"
	score := New().Check(text).Score
	for _, c := range []struct {
		name            string
		review, removal float64
		want            Label
	}{
		{"above both", 0, score, Spam},
		{"between", score, 1, Suspect},
		{"below both", math.Nextafter(score, 1), 1, Ham},
		{"everything is spam at 0", 0, 0, Spam},
	} {
		if got := New(WithThresholds(c.review, c.removal)).Check(text).Verdict; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestThresholdsThatDivideNothingAreRefused(t *testing.T) {
	for _, c := range [][2]float64{{-0.1, 0.5}, {0.6, 0.5}, {0.5, 1.1}, {math.NaN(), 0.5}, {0.5, math.NaN()}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("thresholds %v were accepted", c)
				}
			}()
			New(WithThresholds(c[0], c[1]))
		}()
	}
}

func TestTheScoreGrowsWithTheSumOfTheWeights(t *testing.T) {
	last := -1.0
	for sum := -30.0; sum <= 30; sum += 0.5 {
		score := squash(sum)
		if score <= last || score < 0 || score > 1 {
			t.Fatalf("sum %v: score %v after %v", sum, score, last)
		}
		last = score
	}
	if got := squash(0); got != DefaultReview {
		t.Errorf("at the bias the score is %v, want %v", got, DefaultReview)
	}
}

func TestTheReasonsAddUpToTheScoreAndTheHeaviestComesFirst(t *testing.T) {
	d := New()
	for _, e := range append(slices.Clone(spamExamples()), hamExamples()...) {
		v := d.Check(e.text)
		sum, last := 0.0, math.Inf(1)
		for _, r := range v.Reasons {
			sum += r.Weight
			if math.Abs(r.Weight) > last {
				t.Errorf("%q: %s weighs %v after %v", e.text, r.Check, r.Weight, last)
			}
			last = math.Abs(r.Weight)
			if r.Check == "" || r.Detail == "" || r.Weight == 0 {
				t.Errorf("%q: empty reason %+v", e.text, r)
			}
		}
		if len(v.Reasons) > 0 && math.Abs(squash(sum)-v.Score) > 1e-9 || len(v.Reasons) == 0 && v.Verdict != Ham {
			t.Errorf("%q: reasons add up to %v, score %v", e.text, squash(sum), v.Score)
		}
	}
}

func TestSpansPointAtTheOriginalText(t *testing.T) {
	text := "各位好，这里代\u200b开\u200b發\u200b票，＋微信：Ｑｍｘ６６０２１"
	for _, c := range []struct{ check, want string }{
		{"documents", "代\u200b开\u200b發\u200b票"},
		{"contact", "Ｑｍｘ６６０２１"},
		{"add", "＋微信"},
	} {
		found := false
		for _, r := range New().Check(text).Reasons {
			for _, s := range r.Spans {
				found = found || r.Check == c.check && text[s.Start:s.End] == c.want
			}
		}
		if !found {
			t.Errorf("%s does not point at %q: %+v", c.check, c.want, New().Check(text).Reasons)
		}
	}
}

func TestOneDetectorServesManyGoroutines(t *testing.T) {
	d := New()
	examples := append(spamExamples(), hamExamples()...)
	want := make([]Verdict, len(examples))
	for i, e := range examples {
		want[i] = d.Check(e.text)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i, e := range examples {
				if got := d.Check(e.text); got.Verdict != want[i].Verdict || got.Score != want[i].Score || len(got.Reasons) != len(want[i].Reasons) {
					t.Errorf("%q: %+v, alone it was %+v", e.text, got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

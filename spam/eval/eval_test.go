package eval

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"xiaobu/spam"
)

// clock is a clock on which a millisecond passes at every look.
func clock() func() time.Time {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}
}

func options() Options { return Options{Seed: 1, Sample: 20, Now: clock()} }

// talk makes n messages that are all different.
func talk(n int, pattern, source string, bad bool) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{Text: fmt.Sprintf(pattern, i), Source: source, Spam: bad}
	}
	return rows
}

func someRows() []Row {
	rows := talk(40, "招兼职刷单日结，加我微信abc%05d", "forum", true)
	rows = append(rows, talk(60, "明天%d点到店里取，谢谢", "forum", false)...)
	rows = append(rows, talk(10, "贷款免抵押，回复%d办理", "sms-one", true)...)
	rows = append(rows, talk(10, "您的快递%d已到驿站", "sms-one", false)...)
	return append(rows, talk(5, "接龙\n1. 阿珍 %d份", "retail-own", false)...)
}

// jobAds flags what speaks of 兼职, surely if it also speaks of 微信.
func jobAds(text string) (float64, spam.Label) {
	switch job, wechat := strings.Contains(text, "兼职"), strings.Contains(text, "微信"); {
	case job && wechat:
		return 0.95, spam.Spam
	case job:
		return 0.6, spam.Suspect
	default:
		return 0.1, spam.Ham
	}
}

func TestEveryFigureIsCountedByGroup(t *testing.T) {
	rows := append(someRows(), Row{"兼职的同学周六到店里开会", "forum", false}, Row{"兼职群：微信里见", "forum", false})
	report, err := Measure(context.Background(), rows, []Column{{Name: "job", Judge: jobAds, Calibrated: true}}, options())
	if err != nil {
		t.Fatal(err)
	}
	res := report.Columns[0]
	chat := res.Review[0]
	if chat.Name != Chat || chat.Spam != 40 || chat.Ham != 62 || chat.Caught != 40 || chat.Flagged != 2 ||
		*chat.Recall != 1 || *chat.Precision != 40.0/42 || *chat.F1 != 80.0/82 || *chat.FPR != 2.0/62 {
		t.Errorf("chat at review: %+v", chat)
	}
	if c := res.Removal[0]; c.Flagged != 1 || c.Caught != 40 {
		t.Errorf("chat at removal: %+v", c)
	}
	if sms := res.Review[1]; sms.Name != SMS || *sms.Recall != 0 || sms.Precision != nil || *sms.FPR != 0 {
		t.Errorf("sms: %+v", sms)
	}
	if retail := res.Review[2]; retail.Name != Retail || retail.Recall != nil || retail.F1 != nil || retail.Ham != 5 {
		t.Errorf("retail: %+v", retail)
	}
	if s := res.SourcesReview; len(s) != 3 || s[0].Name != "forum" || s[2].Name != "sms-one" {
		t.Errorf("sources: %+v", s)
	}
	bins := res.Calibration
	if len(bins) != 10 || bins[1].Rows != 60 || bins[1].Share != 0 || bins[9].Rows != 41 || bins[9].Share != 40.0/41 || math.Abs(bins[9].Mean-0.95) > 1e-9 {
		t.Errorf("calibration: %+v", bins)
	}
	for _, k := range res.Evasions {
		if k.Copies == 0 || k.Plain != 1 || k.Removal > k.Review {
			t.Errorf("%+v", k)
		}
	}
	if len(res.Decorated) == 0 || res.Speed.PerSecond <= 0 || res.Speed.Long <= 0 {
		t.Errorf("%+v, %+v", res.Decorated, res.Speed)
	}
}

func TestTheFixedScoreFlagsNoMoreHamThanItMay(t *testing.T) {
	var all []judged
	for i := range 200 {
		all = append(all, judged{Row: Row{Source: "forum"}, score: float64(i) / 200})
	}
	all = append(all, judged{Row: Row{Source: "sms-one"}, score: 1}, judged{Row: Row{Source: "forum", Spam: true}, score: 1})
	for target, want := range map[float64]int{0.01: 2, 0.001: 0, 0.5: 100} {
		at, flagged := scoreAt(all, target), 0
		for _, j := range all[:200] {
			flagged += one(j.score >= at)
		}
		if flagged != want {
			t.Errorf("at %g, %d are flagged, want %d", target, flagged, want)
		}
	}
	// Where many have the same score, all of them are above it or none.
	for i := range 200 {
		all[i].score = 0.5
	}
	if at := scoreAt(all, 0.01); !(at > 0.5) {
		t.Errorf("all ham at 0.5, and %g is the score for 1 %%", at)
	}
}

func TestBadFilesAreNamedWithTheirLine(t *testing.T) {
	good := `{"text":"早","label":"ham","source":"a"}` + "\n"
	zipped := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(s))
		w.Close()
		return b.String()
	}
	long := strings.Repeat("长", 1<<20)
	var many strings.Builder
	for i := range 500 {
		fmt.Fprintf(&many, `{"text":"第%d条 %x","label":"ham","source":"a"}`+"\n", i, i*i*7919)
	}
	whole := zipped(many.String())
	for _, c := range []struct{ name, in, want string }{
		{"a label nobody knows", good + `{"text":"早","label":"maybe"}`, `f: line 2: label "maybe": want spam or ham`},
		{"no label", `{"text":"早"}`, `f: line 1: label ""`},
		{"no text", good + "\n" + `{"label":"ham"}`, "f: line 3: text is missing"},
		{"an empty text", `{"text":"","label":"ham"}`, "f: line 1: text is missing or empty"},
		{"no JSON", good + "hello", "f: line 2: is no JSON object"},
		{"a list", "[]", "f: line 1: is no JSON object"},
		{"a text that is a number", `{"text":7,"label":"ham"}`, "f: line 1: is no JSON object"},
		{"a long line", good + `{"text":"` + long + `","label":"ham"}`, "f: line 2: longer than 1 MiB"},
		{"half a gzip file", whole[:len(whole)/2], "the file is cut off here"},
		{"a gzip file without its end", whole[:len(whole)-4], "the file is cut off here"},
		{"half a gzip head", "\x1f\x8b\x08", "f: no gzip file"},
		{"nothing", "", "f: no rows"},
	} {
		_, err := Read("f", strings.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	rows, err := Read("f", strings.NewReader(whole))
	if err != nil || len(rows) != 500 || rows[0].Source != "a" || rows[0].Spam {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	if _, err := ReadFile("missing.jsonl"); err == nil || !strings.Contains(err.Error(), "missing.jsonl") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestThePlainDetectorsLearnAndCount(t *testing.T) {
	rows := someRows()
	p, err := Regression(context.Background(), rows, options())
	if err != nil {
		t.Fatal(err)
	}
	p.Fit(rows)
	again, _ := Regression(context.Background(), rows, options())
	for _, r := range rows[:110] {
		score, label := p.Judge(r.Text)
		if (label != spam.Ham) != r.Spam {
			t.Errorf("%q is %s (%.3f)", r.Text, label, score)
		}
		if same, _ := again.Judge(r.Text); same != score {
			t.Errorf("%q: %v, and %v when trained again", r.Text, score, same)
		}
	}
	k := Keywords([]string{"兼职", " 微信\r", "", "ABC"})
	for text, want := range map[string]float64{"兼职加微信": 2, "abc兼职": 2, "早上好": 0, "兼 职": 0} {
		if score, label := k.Judge(text); score != want || (label == spam.Spam) != (want > 0) {
			t.Errorf("%q: %g, %s", text, score, label)
		}
	}
}

func TestTheSameSeedGivesTheSameReport(t *testing.T) {
	measured := func(seed uint64) Report {
		o := options()
		o.Seed = seed
		r, err := Measure(context.Background(), someRows(), []Column{{Name: "job", Judge: jobAds}}, o)
		if err != nil {
			t.Fatal(err)
		}
		r.Columns[0].Speed = Speed{} // memory is the machine's
		return r
	}
	if a, b := measured(1), measured(1); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
	if a, b := makeCopies(someRows(), Options{Seed: 1, Sample: 9}), makeCopies(someRows(), Options{Seed: 2, Sample: 9}); reflect.DeepEqual(a, b) {
		t.Error("seeds 1 and 2 give the same copies")
	}
}

func TestTheReportIsPrintedAndMarshalled(t *testing.T) {
	o := options()
	steps := 0
	o.Progress = func(string, int, int) { steps++ }
	r, err := Measure(context.Background(), someRows(), []Column{{Name: "job", Judge: jobAds, Calibrated: true}, {Name: "words", Judge: Keywords([]string{"微信"}).Judge}}, o)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"chat recall", "sms false positives", "at 0.1 % false positives", "homophones (20)", "kaomoji (20)", "calibration of job", "messages/s"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report does not tell %q:\n%s", want, b.String())
		}
	}
	raw, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(raw), `"fpr":`) || !strings.Contains(string(raw), `"precision":null`) {
		t.Errorf("%v, %s", err, raw)
	}
	if steps < 100 {
		t.Errorf("progress was told %d times", steps)
	}
}

func TestMeasuringStopsWhenTold(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Measure(ctx, someRows(), []Column{{Name: "job", Judge: jobAds}}, options()); err == nil {
		t.Error("no error from Measure")
	}
	if _, err := Regression(ctx, someRows(), options()); err == nil {
		t.Error("no error from Regression")
	}
}

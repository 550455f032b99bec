package spam

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// onlySaid has HQ say the one thing that m knows.
func onlySaid(m *Memory, text string, spam bool) *Memory {
	m.Add(Correction{ID: 1, By: "hq", Text: text, Spam: spam, Weight: 1})
	return m
}

func TestCopiesOfACorrectedTextAreFound(t *testing.T) {
	const (
		advert = "本店诚招打包员在家就能做，一天三百现结不押金，想来的加我V：abc12345，名额只剩5个，手快有手慢无，学生宝妈优先，非诚勿扰"
		short  = "刷单日结300稳赚加微信abc12345"
		hello  = "早上好呀各位邻居"
	)
	m := NewMemory()
	for _, c := range []struct {
		name, corrected, shown string
		spam, ham              bool // whether a word for spam, or for ham, reaches what is shown
	}{
		{"the same", advert, advert, true, true},
		{"another way to write it", advert, wide(traditional(between(advert, "\u200b", anyTwo))) + "🎉🎉", true, true},
		{"separators", advert, between(advert, "·", twoHan), true, true},
		{"another figure", advert, strings.Replace(advert, "5个", "27个", 1), true, true},
		{"another account", advert, strings.Replace(advert, "abc12345", "zz998877", 1), true, false},
		{"a changed word", advert, strings.Replace(advert, "打包员", "客服", 1), true, true},
		{"a changed clause", advert, strings.Replace(advert, "一天三百现结不押金", "收入高还有专人带你入门", 1), true, false},
		{"a clause more", advert, advert + "，另外低价出售各种游戏账号，也可以代练", true, false},
		{"about the same, in other words", advert, "家里闲着的宝妈可以找我，每天手机上点点就有钱，包教会", false, false},
		{"short, the same", short, short, true, true},
		{"short, another account and figure", short, "刷单日结500稳赚加微信zz998877", true, false},
		{"short, a changed word", short, "刷单周结300稳赚加微信abc12345", false, false},
		{"short orders differ by small numbers", "我要2份鸡蛋送到3号楼", "我要5份鸡蛋送到8号楼", false, false},
		{"a greeting", hello, hello + "！！", true, true},
		{"a greeting of others", hello, "早上好呀各位朋友", false, false},
		{"numbers alone", "138", "139", false, false},
		{"signs alone", "👍👍", "🎉", false, false},
		{"the same signs", "👍👍", "👍👍", true, true},
		{"nothing", "", "", true, true},
	} {
		if got := onlySaid(m, c.corrected, true).Find(c.shown); got.Spam > 0 != c.spam || got.Ham != 0 {
			t.Errorf("%s: said to be spam: %+v, want it to reach: %v", c.name, got, c.spam)
		}
		if got := onlySaid(m, c.corrected, false).Find(c.shown); got.Ham > 0 != c.ham || got.Spam != 0 {
			t.Errorf("%s: said to be ham: %+v, want it to reach: %v", c.name, got, c.ham)
		}
		if got := m.Alike(c.corrected)(c.shown); got != c.spam {
			t.Errorf("%s: alike %v", c.name, got)
		}
	}
	for text, want := range map[string]bool{advert: true, short: true, hello: false, hello + "今天真冷": false, "好的": false, "138 0000 1111": false} {
		if m.Tellable(text) != want {
			t.Errorf("%s: tellable %v", text, !want)
		}
	}
}

func TestAPersonHasOneVoiceOnAText(t *testing.T) {
	const text = "本店诚招打包员在家就能做，一天三百现结不押金，想来的加我"
	m := NewMemory()
	for i := range 20 {
		m.Add(Correction{ID: int64(i + 1), By: "one", Text: strings.Replace(text, "三百", fmt.Sprint(i), 1), Spam: true, Weight: 0.6})
	}
	if got := m.Find(text); got.Spam != 0.6 || got.SpamPeople != 1 {
		t.Errorf("twenty corrections of one person weigh %+v", got)
	}
	m.Add(Correction{ID: 30, By: "two", Text: text, Spam: false, Weight: 0.5})
	m.Add(Correction{ID: 31, By: "three", Text: text, Spam: false, Weight: 0.25})
	if got, want := m.Find(text), (Match{Spam: 0.6, Ham: 0.75, SpamPeople: 1, HamPeople: 2, Likeness: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	m.Add(Correction{ID: 32, By: "one", Text: text, Spam: false, Weight: 0.6}) // thought again
	if got := m.Find(text); got.Spam != 0 || got.HamPeople != 3 {
		t.Errorf("who thought again: %+v", got)
	}
	if got := m.FindWithout(text, 32); got.SpamPeople != 1 || got.HamPeople != 2 {
		t.Errorf("without the second thought: %+v", got)
	}
	before := m.Find(text)
	with := m.FindWith(text, Correction{By: "four", Text: text, Spam: true, Weight: 1}, 0)
	if with.Spam != before.Spam+1 || m.Find(text) != before {
		t.Errorf("with a fourth: %+v, and then %+v", with, m.Find(text))
	}
}

func TestCorrectionsMoveVerdicts(t *testing.T) {
	d := New()
	const harmless, hard = "昨天买的橙子真甜，今天还想再来两箱", "刷单兼职日结三百，想做的加微信abc12345"
	if d.Check(harmless).Verdict != Ham || d.Check(hard).Verdict != Spam || !d.Check(hard).hard() {
		t.Fatal("the examples are judged otherwise now; choose others")
	}
	for _, c := range []struct {
		text string
		said Match
		want Label
	}{
		{harmless, Match{}, Ham},
		{harmless, Match{Spam: 0.3, SpamPeople: 1, Likeness: 1}, Ham},
		{harmless, Match{Spam: 0.6, SpamPeople: 1, Likeness: 1}, Suspect},
		{harmless, Match{Spam: 0.3 + 0.3 + 0.4, SpamPeople: 3, Likeness: 1}, Spam},
		{harmless, Match{Spam: 1, Ham: 0.6, SpamPeople: 1, HamPeople: 1, Likeness: 1}, Ham},
		{harmless, Match{Spam: 1.6, Ham: 0.6, SpamPeople: 2, HamPeople: 1, Likeness: 0.7}, Spam},
		{hard, Match{Ham: 0.6, HamPeople: 1, Likeness: 1}, Spam},
		{hard, Match{Ham: 1.2, HamPeople: 2, Likeness: 1}, Ham},
		{hard, Match{Spam: 1, SpamPeople: 1, Likeness: 1}, Spam},
	} {
		before := d.Check(c.text)
		got := d.Recall(before, c.text, c.said)
		if got.Verdict != c.want || got.Verdict != d.Label(got.Score) {
			t.Errorf("%s %+v: %s (%.3f), want %s", c.text, c.said, got.Verdict, got.Score, c.want)
		}
		sum := logit(before.Score)
		for _, r := range got.Reasons {
			if r.Check == "correction" {
				sum += r.Weight
				if r.Spans[0] != (Span{0, len(c.text)}) {
					t.Errorf("spans %v", r.Spans)
				}
			}
		}
		if math.Abs(sum-logit(got.Score)) > 1e-6 {
			t.Errorf("%s %+v: the reasons do not add up to the score", c.text, c.said)
		}
		if reflect.DeepEqual(d.Check(c.text), before) == false {
			t.Error("the verdict that was changed is not a copy")
		}
	}
}

// wordings are texts that are alike, unlike, short and long, for random histories.
func wordings() *rapid.Generator[string] {
	pieces := []string{"在家就能做的手工活", "一天三百现结不押金", "想来的找我细说", "名额只剩五个", "好的", "加V abc12345", "加V zz998877", "明天上午送到三号楼", "谢谢老板", "🎉", "12", "27"}
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 5), func(p []string) string { return strings.Join(p, "，") })
}

// scan is Find without an index: it looks at all corrections.
func scan(m *Memory, all []Correction, text string) Match {
	a := m.sketch(text)
	for _, c := range all {
		b := m.sketch(c.Text)
		t := &remembered{words: []saying{{c, b.accounts}}}
		if a.key == b.key {
			a.hear(t, 1, 0, 0)
			continue
		}
		if !a.near() || !b.near() {
			continue
		}
		a.sign()
		b.sign()
		for i := range a.keys {
			if l, news := likeness(a.sorted(), b.sorted()); a.keys[i] == b.keys[i] && l >= minLikeness {
				a.hear(t, l, news, 0)
			}
		}
	}
	return a.sum()
}

// Whatever was added and taken back, a memory holds what one holds that was only ever given
// what is left, in any order, and finds what a look at each of them finds.
func TestWhatIsTakenBackWasNeverThere(t *testing.T) {
	m, other := NewMemory(), NewMemory()
	rapid.Check(t, func(rt *rapid.T) {
		live := map[int64]Correction{}
		for id := range int64(13) { // what a failed history left
			m.Remove(id)
			other.Remove(id)
		}
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			id := int64(rapid.IntRange(1, 12).Draw(rt, "id"))
			if rapid.Bool().Draw(rt, "take back") {
				_, had := live[id]
				if m.Remove(id) != had {
					rt.Fatalf("correction %d: there %v", id, had)
				}
				delete(live, id)
				continue
			}
			c := Correction{ID: id, By: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "by"), Text: wordings().Draw(rt, "text"),
				Spam: rapid.Bool().Draw(rt, "spam"), Weight: rapid.SampledFrom([]float64{0.25, 0.6, 1}).Draw(rt, "weight")}
			m.Add(c)
			live[id] = c
		}
		var left []Correction
		for id := int64(12); id > 0; id-- {
			if c, ok := live[id]; ok {
				left = append(left, c)
				other.Add(c)
			}
		}
		if !reflect.DeepEqual(m.texts, other.texts) || !reflect.DeepEqual(m.bands, other.bands) || !reflect.DeepEqual(m.byID, other.byID) {
			rt.Fatal("the memory is not what it would be without what was taken back")
		}
		text := wordings().Draw(rt, "shown")
		if got, want := m.Find(text), scan(m, left, text); got != want {
			rt.Fatalf("%q: found %+v, a scan finds %+v", text, got, want)
		}
		for _, c := range left {
			m.Remove(c.ID)
		}
		if len(m.texts)+len(m.bands)+len(m.byID) != 0 {
			rt.Fatal("an empty memory holds something")
		}
	})
}

func TestAMemoryIsForManyAtOnce(t *testing.T) {
	m := NewMemory()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 200 {
				id := int64(w*1000 + i + 1)
				m.Add(Correction{ID: id, By: "x", Text: sentence(i), Spam: true, Weight: 1})
				m.Find(sentence(i + 1))
				m.Remove(id)
			}
		})
	}
	wg.Wait()
	if m.Len() != 0 {
		t.Errorf("%d corrections are left", m.Len())
	}
}

// sentence makes sentences of about thirty characters that have little in common.
func sentence(n int) string {
	var b strings.Builder
	x := mix(uint64(n))
	for range 30 {
		b.WriteRune(rune(0x4e00 + x%3000))
		x = mix(x)
	}
	return b.String()
}

// BenchmarkFind looks up texts of thirty characters, half of them near copies, among ever
// more corrections; scan compares with each of them, as a list does.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		m := NewMemory()
		for i := range n {
			m.Add(Correction{ID: int64(i + 1), By: "x", Text: sentence(i), Spam: true, Weight: 1})
		}
		probes := make([]string, 64)
		for i := range probes {
			probes[i] = sentence(i * 7919 % (2 * n))
			probes[i] = strings.Replace(probes[i], string([]rune(probes[i])[10]), "换", 1)
		}
		b.Run(fmt.Sprintf("index/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.Find(probes[i%len(probes)])
			}
		})
		b.Run(fmt.Sprintf("scan/%d", n), func(b *testing.B) {
			all := slices.Collect(func(yield func(*remembered) bool) {
				for _, t := range m.texts {
					if !yield(t) {
						return
					}
				}
			})
			for i := 0; b.Loop(); i++ {
				s := m.sketch(probes[i%len(probes)])
				for _, t := range all {
					if l, news := likeness(s.sorted(), t.triples); l >= minLikeness {
						s.hear(t, l, news, 0)
					}
				}
				m.pool.Put(s)
			}
		})
	}
	b.Run("index/600", func(b *testing.B) {
		m := onlySaid(NewMemory(), strings.Repeat(sentence(1)+sentence(2), 10), true)
		text := strings.Repeat(sentence(1)+sentence(3), 10)
		for b.Loop() {
			m.Find(text)
		}
	})
}

// Any text is found again by itself, whatever is said of it, and leaves nothing behind.
func FuzzMemory(f *testing.F) {
	for _, text := range odd() {
		f.Add(text[:min(len(text), 120)])
	}
	m := NewMemory()
	f.Fuzz(func(t *testing.T, text string) {
		for _, spam := range []bool{true, false} {
			if got := onlySaid(m, text, spam).Find(text); got.Likeness != 1 || got.Spam+got.Ham != 1 || got.Spam == 1 != spam {
				t.Fatalf("%.60q: %+v", text, got)
			}
			if !m.Alike(text)(text) {
				t.Fatalf("%.60q is not like itself", text)
			}
		}
		if !m.Remove(1) || len(m.texts)+len(m.bands)+len(m.byID) != 0 {
			t.Fatalf("%.60q leaves something behind", text)
		}
	})
}

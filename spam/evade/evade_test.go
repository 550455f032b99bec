package evade

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

const advert = "招兼职刷单，日结300元，加我微信 abc12345 进群领红包，电话13800138000"

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func TestEveryKindDisguisesAnAdvertisement(t *testing.T) {
	g := New(Options{})
	for _, kind := range Kinds() {
		seen := map[string]bool{}
		for seed := range uint64(200) {
			copied, changed := g.Evade(source(seed), kind, advert)
			if changed != (copied != advert) && kind != Combined {
				t.Fatalf("%s: changed is %v for %q", kind, changed, copied)
			}
			if !changed && kind != Combined || !utf8.ValidString(copied) {
				t.Fatalf("%s, seed %d: %q", kind, seed, copied)
			}
			seen[copied] = true
		}
		if len(seen) < 40 {
			t.Errorf("%s: only %d different copies in 200", kind, len(seen))
		}
	}
}

func TestEveryDecorationChangesTalk(t *testing.T) {
	g := New(Options{})
	for _, kind := range Decorations() {
		seen := map[string]bool{}
		for seed := range uint64(100) {
			copied, changed := g.Decorate(source(seed), kind, "請问买2份送A款的活动，今天还有吗？")
			if !changed && kind != WithSeveral || !utf8.ValidString(copied) {
				t.Fatalf("%s, seed %d: %q", kind, seed, copied)
			}
			seen[copied] = true
		}
		if len(seen) < 3 {
			t.Errorf("%s: only %d different copies in 100", kind, len(seen))
		}
	}
}

func TestTheSameSourceGivesTheSameCopy(t *testing.T) {
	one, two := New(Options{}), New(Options{})
	for _, kind := range Kinds() {
		for seed := range uint64(20) {
			a, _ := one.Evade(source(seed), kind, advert)
			b, _ := two.Evade(source(seed), kind, advert)
			if a != b {
				t.Errorf("%s: %q and %q", kind, a, b)
			}
		}
	}
	for _, kind := range Decorations() {
		a, _ := one.Decorate(source(1), kind, advert)
		b, _ := two.Decorate(source(1), kind, advert)
		if a != b {
			t.Errorf("%s: %q and %q", kind, a, b)
		}
	}
}

// Copies of these were looked at and written down here: what a kind does must not change
// by itself, since the default model is trained on it.
func TestWhatTheKindsDo(t *testing.T) {
	g := New(Options{Harmless: []string{"早上好"}})
	all := func(kind, text string) map[string]bool {
		found := map[string]bool{}
		for seed := range uint64(3000) {
			if copied, ok := g.Evade(source(seed), kind, text); ok {
				found[copied] = true
			}
		}
		return found
	}
	for _, c := range []struct{ kind, text, want string }{
		{FullWidth, "加V12", "加Ｖ１２"},
		{Digits, "加12", "加①②"}, {Digits, "加12", "加一二"}, {Digits, "加10", "加lo"}, {Digits, "加12", "加ⅠⅡ"},
		{Letters, "加vx", "加ѵх"}, {Letters, "加vx", "加ⓥⓧ"},
		{Homophones, "加微信", "➕V"}, {Homophones, "加微信", "加徽信"},
		{Split, "加信", "力口亻言"}, {Split, "加信", "力口信"},
		{Pinyin, "加微信", "jiaweixin"}, {Pinyin, "加微信", "jia wei xin"}, {Pinyin, "加微信", "jwx"},
		{Separators, "加我", "加.我"}, {Separators, "加我", "加  我"}, {Separators, "加我", "加***我"},
		{Traditional, "赚钱", "賺錢"}, {Emoji, "赚钱", "赚💰"},
		{Padding, "加我", "早上好\n加我"}, {Padding, "加我", "加我，早上好"}, {Padding, "加我", "早上好\n加我\n早上好"},
	} {
		if !all(c.kind, c.text)[c.want] {
			t.Errorf("%s: %q never becomes %q", c.kind, c.text, c.want)
		}
	}
}

func TestWhatCannotBeDisguisedIsNotChanged(t *testing.T) {
	g := New(Options{})
	for _, c := range []struct{ kind, text string }{
		{Digits, "加我"}, {Letters, "加我12"}, {FullWidth, "加我"}, {Homophones, "abc"}, {Split, "abc"},
		{Pinyin, "abc"}, {Separators, "a1"}, {Traditional, "abc"}, {ZeroWidth, ""}, {Pinyin, ""}, {Combined, ""},
	} {
		if copied, changed := g.Evade(source(1), c.kind, c.text); changed {
			t.Errorf("%s: %q became %q", c.kind, c.text, copied)
		}
	}
}

func TestHomophonesHandedInAreUsed(t *testing.T) {
	g := New(Options{Homophones: map[rune][]rune{'龘': {'鿃'}}})
	if copied, _ := g.Evade(source(1), Homophones, "龘"); copied != "鿃" {
		t.Errorf("got %q", copied)
	}
}

func TestTheTablesAreSound(t *testing.T) {
	g := New(Options{})
	if len(g.syllable) < 3700 || len(g.sounds) < 390 || len(g.traditional) < 1200 || len(g.parts) < 250 {
		t.Errorf("%d characters, %d syllables, %d traditional, %d split", len(g.syllable), len(g.sounds), len(g.traditional), len(g.parts))
	}
	for _, entry := range strings.Fields(splitParts) {
		r := []rune(entry)
		if len(r) < 3 || len(r) > 4 || strings.ContainsRune(string(r[1:]), r[0]) || g.parts[r[0]] != string(r[1:]) {
			t.Errorf("split %q", entry)
		}
	}
	for _, style := range digitStyles() {
		if len(style) != 10 {
			t.Errorf("%q has %d digits", style, len(style))
		}
	}
	for c := 'a'; c <= 'z'; c++ {
		if len(g.alikes[c]) == 0 || len(g.alikes[c-'a'+'A']) == 0 {
			t.Errorf("nothing looks like %c", c)
		}
	}
	for _, w := range "加微信群聊钱职刷单" {
		if len(g.sounding(w)) == 0 {
			t.Errorf("nothing sounds like %c", w)
		}
	}
}

func TestInvalidTextIsNoProblem(t *testing.T) {
	g := New(Options{})
	for _, text := range []string{"", "\xff\xfe", "加\xe5\x8a", strings.Repeat("加1a", 2000), "\u202e加我\u202c", strings.Repeat("😀", 500)} {
		for _, kind := range Kinds() {
			g.Evade(source(3), kind, text)
		}
		for _, kind := range Decorations() {
			g.Decorate(source(3), kind, text)
		}
	}
}

func FuzzEvade(f *testing.F) {
	f.Add(uint64(1), advert)
	f.Add(uint64(2), "")
	f.Add(uint64(3), "\xff①\u200b龍")
	g := New(Options{})
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		for _, kind := range Kinds() {
			if copied, changed := g.Evade(source(seed), kind, text); changed && copied == text {
				t.Fatalf("%s: %q is said to have changed", kind, text)
			}
		}
		for _, kind := range Decorations() {
			if copied, changed := g.Decorate(source(seed), kind, text); changed && copied == text {
				t.Fatalf("%s: %q is said to have changed", kind, text)
			}
		}
	})
}

func BenchmarkEvade(b *testing.B) {
	g, r, kinds := New(Options{}), source(1), Kinds()
	for i := 0; b.Loop(); i++ {
		g.Evade(r, kinds[i%len(kinds)], advert)
	}
}

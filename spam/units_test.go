package spam

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// readUnits reads text as Check does, up to the units and clauses.
func readUnits(t testing.TB, f *folder, text string) *reading {
	t.Helper()
	rd := &reading{}
	rd.readText(f, text)
	rd.cutClauses()
	return rd
}

func (rd *reading) String() string {
	var b strings.Builder
	for _, u := range rd.units {
		b.WriteRune(u.r)
	}
	return b.String()
}

func TestTheComparisonFormIsTheSameForEveryWayToWrite(t *testing.T) {
	f := newFolder()
	for _, c := range []struct{ name, text, want string }{
		{"half-width lower case", "加Ｖ：ＡＢＣ１２３", "加vabc123"},
		{"traditional", "免費領紅包", "免费领红包"},
		{"circled", "①②③ⓐⒷ⑴⒈", "123ab11"},
		{"mathematical", "𝐚𝓑𝕔𝟏𝟚𝟛", "abc123"},
		{"superscript", "¹²³ⁿ", "123n"},
		{"keycaps", "1\ufe0f\u20e32\ufe0f\u20e3", "12"},
		{"squared letters", "🆅🅧", "vx"},
		{"enclosed Han", "㊙🉐㈠", "秘得一"},
		{"radicals", "⼈⼝⽉", "人口月"},
		{"Cyrillic and Greek", "АВСабсο", "abcaбco"},
		{"small capitals", "ᴠxᴀʙ", "vxab"},
		{"pinyin with tones", "nǐ hǎo", "nihao"},
		{"zero-width", "加\u200b我\u200d微\u2060信", "加我微信"},
		{"combining marks", "加\u0336我\u20e0微\u034f信", "加我微信"},
		{"soft hyphen and tags", "加\u00ad我\U000e0041微", "加我微"},
		{"separators", "加*我-微_信", "加我微_信"},
		{"emoji", "加🎉我👍🏻", "加我"},
		{"plus signs", "＋➕﹢", "+++"},
		{"picture words", "🛰\ufe0f🐧💰", "微信qq钱"},
		{"a heart after v only", "v❤爱❤你", "v信爱你"},
		{"names of the chat's own pictures", "谢谢[玫瑰][红包]", "谢谢"},
		{"other brackets", "[加我]", "加我"},
	} {
		want := strings.ReplaceAll(c.want, "б", "б")
		if got := readUnits(t, f, c.text).String(); got != want {
			t.Errorf("%s: %q becomes %q, want %q", c.name, c.text, got, want)
		}
	}
}

func TestEveryUnitRemembersWhereItStood(t *testing.T) {
	f := newFolder()
	text := "加\u200bＶ：🛰\ufe0f 𝟏abc"
	for _, u := range readUnits(t, f, text).units {
		r, size := utf8.DecodeRuneInString(text[u.start:])
		if size != u.end-u.start {
			t.Errorf("%c stands at %d..%d, where %c is %d bytes long", u.r, u.start, u.end, r, size)
		}
	}
}

func TestOfALongTextTheTwoEndsAreRead(t *testing.T) {
	f := newFolder()
	text := "头" + strings.Repeat("中", 400_000) + "尾"
	rd := readUnits(t, f, text)
	if got := len(rd.units); got > 2*readEnd/len("中") {
		t.Errorf("%d units were read", got)
	}
	if first, last := rd.units[0], rd.units[len(rd.units)-1]; first.r != '头' || last.r != '尾' {
		t.Errorf("read from %c to %c", first.r, last.r)
	}
	for i, u := range rd.units {
		if !utf8.ValidString(text[u.start:u.end]) {
			t.Fatalf("unit %d is cut out of a character", i)
		}
	}
}

func TestWhatSpamHidesInTheMiddleOfAVeryLongTextIsNotLookedAt(t *testing.T) {
	d := New()
	pad := strings.Repeat("天气很好。", 4000)
	ad := "兼职日结300，加V：abc12345"
	for name, c := range map[string]struct {
		text string
		want Label
	}{
		"at the start":  {ad + "。" + pad, Spam},
		"at the end":    {pad + ad, Spam},
		"in the middle": {pad + ad + pad, Ham},
	} {
		if v := d.Check(c.text); v.Verdict != c.want {
			t.Errorf("%s: %s, want %s", name, v.Verdict, c.want)
		}
	}
}

func TestWordsAreReadAcrossSeparatorsButNotAcrossSentences(t *testing.T) {
	f := newFolder()
	v := newVocabulary(f, "[job]\n刷单兼职\n[add]\n加我\n")
	for _, c := range []struct {
		text string
		want bool
	}{
		{"加我", true}, {"加 我", true}, {"加.我", true}, {"加，我", true}, {"加🎉我", true}, {"加\n我", true},
		{"增加，我们", false}, {"要加 我们", false}, {"先加\n我们", false}, {"加----我", true}, {"多加----我们", false},
		{"刷单兼职", true}, {"刷单 兼职", true}, {"刷 单 兼 职", true}, {"刷，单，兼，职", true}, {"刷单，兼职", false},
	} {
		rd := readUnits(t, f, c.text)
		rd.findWords(v)
		if got := len(rd.hits) > 0; got != c.want {
			t.Errorf("%q: found %v, want %v", c.text, got, c.want)
		}
	}
}

func TestClausesEndAtPunctuationUnlessTheTextIsTakenApartByIt(t *testing.T) {
	f := newFolder()
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0}, {"好的", 1}, {"鸡蛋多少钱，送到三号楼", 2}, {"好，加我微信吧", 1}, {"加，我，微，信，好，友", 1},
		{"一共要12,500元", 1}, {"版本是1.2.3的", 1}, {"第一行\n第二行\n第三行", 3}, {strings.Repeat("长", 200), 4},
	} {
		if got := len(readUnits(t, f, c.text).clauses); got != c.want {
			t.Errorf("%q has %d clauses, want %d", c.text, got, c.want)
		}
	}
}

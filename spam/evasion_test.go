package spam

import (
	"strings"
	"testing"
	"unicode"
)

// evasions are the ways to write a message so that it reads the same and is not the same.
func evasions() map[string]func(string) string {
	return map[string]func(string) string{
		"zero-width everywhere": func(s string) string { return between(s, "\u200b", anyTwo) },
		"combining strokes":     func(s string) string { return between(s, "\u0336", anyTwo) },
		"direction overrides":   func(s string) string { return "\u202e" + s + "\u202c" },
		"full-width":            wide,
		"mathematical letters":  mathematical,
		"circled digits":        circled,
		"keycaps":               func(s string) string { return each(s, isDigit, "\ufe0f\u20e3") },
		"look-alikes": func(s string) string {
			return strings.NewReplacer("a", "а", "c", "с", "e", "е", "o", "о", "x", "х").Replace(s)
		},
		"traditional":           traditional,
		"upper case":            strings.ToUpper,
		"emoji between Han":     func(s string) string { return between(s, "🎉", twoHan) },
		"dots between Han":      func(s string) string { return between(s, "·", twoHan) },
		"stars between Han":     func(s string) string { return between(s, "**", twoHan) },
		"commas between Han":    func(s string) string { return between(s, "，", twoHan) },
		"spaces between digits": func(s string) string { return between(s, " ", twoDigits) },
		"new lines for commas":  func(s string) string { return strings.ReplaceAll(s, "，", "\n") },
		"harmless talk around": func(s string) string {
			return strings.Repeat("今天天气不错，早上去公园走了走。晚上吃什么好呢？", 20) + "\n" + s + "\n" + strings.Repeat("哈哈好的，收到。", 30)
		},
		"questions around": func(s string) string {
			return "在吗？你们好吗？早饭吃了吗？" + s + "。好不好呀？明天去哪？"
		},
	}
}

func TestAnEvasionDoesNotMakeSpamHam(t *testing.T) {
	d := New()
	for name, evade := range evasions() {
		missed := 0
		for _, e := range spamExamples() {
			v := d.Check(evade(e.text))
			if v.Verdict == Ham {
				t.Errorf("%s: %q is ham (%.2f)", name, evade(e.text), v.Score)
			}
			if v.Verdict != Spam {
				missed++
			}
		}
		if limit := len(spamExamples()) / 2; missed > limit {
			t.Errorf("%s: %d of %d are not spam any more", name, missed, len(spamExamples()))
		}
	}
}

// Who takes apart every single character may be looked at now and then, but hardly ever
// more than that.
func TestDecoratedHarmlessTalkStaysHam(t *testing.T) {
	d := New()
	for name, decorate := range evasions() {
		suspects, wronged := 0, 0
		for _, e := range hamExamples() {
			if strings.Contains(e.text, "\n") {
				continue // a list is one because of its lines
			}
			v := d.Check(decorate(e.text))
			if v.Verdict == Suspect && speaks(v, "contact", +1) && speaks(v, "disguise", +1) {
				continue // who disguises an account number may be looked at
			}
			if v.Verdict == Suspect {
				suspects++
			}
			if v.Verdict == Spam {
				wronged++
				t.Logf("%s: %q is %s (%.2f): %+v", name, decorate(e.text), v.Verdict, v.Score, v.Reasons)
			}
		}
		if wronged > 2 {
			t.Errorf("%s: %d of %d are spam", name, wronged, len(hamExamples()))
		}
		if limit := len(hamExamples()) / 3; suspects > limit {
			t.Errorf("%s: %d of %d are suspect", name, suspects, len(hamExamples()))
		}
	}
}

func TestHomophonesAndPictographsOfContactWordsAreSeen(t *testing.T) {
	d := New()
	for _, way := range []string{"微信", "薇信", "徽信", "嶶信", "v信", "V❤", "薇❤\ufe0f", "绿泡泡", "🛰\ufe0f", "微亻言", "溦芯"} {
		if v := d.Check("有事找我" + way + "：hjk77889"); !speaks(v, "contact", +1) {
			t.Errorf("%s is not read as a contact: %+v", way, v.Reasons)
		}
	}
	for _, way := range []string{"加我", "+我", "➕我", "伽我", "佳窝", "加v", "➕薇", "茄威", "十v", "力口我"} {
		if v := d.Check(way); !speaks(v, "add", +1) {
			t.Errorf("%s is not read as a call to add: %+v", way, v.Reasons)
		}
	}
	for _, way := range []string{"扣扣", "企鹅", "🐧", "QQ", "q"} {
		if v := d.Check(way + " 778899001"); !speaks(v, "contact", +1) {
			t.Errorf("%s is not read as QQ: %+v", way, v.Reasons)
		}
	}
}

// between writes sep between neighbours for which at is true.
func between(s, sep string, at func(a, b rune) bool) string {
	var b strings.Builder
	last := rune(0)
	for _, r := range s {
		if last != 0 && at(last, r) {
			b.WriteString(sep)
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}

// each writes tail after every rune for which is is true.
func each(s string, is func(rune) bool, tail string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
		if is(r) {
			b.WriteString(tail)
		}
	}
	return b.String()
}

func anyTwo(a, b rune) bool    { return true }
func twoHan(a, b rune) bool    { return unicode.Is(unicode.Han, a) && unicode.Is(unicode.Han, b) }
func twoDigits(a, b rune) bool { return isDigit(a) && isDigit(b) }

func wide(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r <= '~' {
			return r - '!' + 0xff01
		}
		return r
	}, s)
}

func mathematical(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 0x1d41a
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 0x1d400
		case isDigit(r):
			return r - '0' + 0x1d7ce
		default:
			return r
		}
	}, s)
}

func circled(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '1' && r <= '9' {
			return r - '1' + '①'
		}
		return r
	}, s)
}

// traditional turns the table of traditional forms around.
func traditional(s string) string {
	back := map[rune]rune{}
	from := rune(0)
	for _, r := range traditionalPairs() {
		if from == 0 {
			from = r
			continue
		}
		if _, ok := back[r]; !ok {
			back[r] = from
		}
		from = 0
	}
	return strings.Map(func(r rune) rune {
		if to, ok := back[r]; ok {
			return to
		}
		return r
	}, s)
}

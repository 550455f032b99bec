package spam

import (
	"strings"
	"testing"
)

// odd are texts that have broken readers of text before.
func odd() []string {
	return []string{
		"", "\x00", "\xff\xfe\xfd", "加\xe5\x8a我", "[", "[[[[", "]", "[红包", "\u202e加我微信\u202c", "a\u200bb", "1\ufe0f\u20e3", "\u20e3",
		"🇨🇳", "👨\u200d👩\u200d👧\u200d👦", strings.Repeat("😀", 10_000), strings.Repeat("\u0336", 5000), "v❤", "❤", "🛰", "点top", ".top", "a.", "@", "@@@@@", "1:", ":1",
		strings.Repeat("a.", 9000), strings.Repeat("1 ", 9000), strings.Repeat("加，", 6000), strings.Repeat("？", 9000), strings.Repeat("\n1.", 5000),
	}
}

// verify checks what must be true of every verdict.
func verify(t *testing.T, d *Detector, text string) {
	t.Helper()
	v := d.Check(text)
	if !(v.Score >= 0 && v.Score <= 1) || v.Reasons == nil || v.Verdict != d.Label(v.Score) {
		t.Fatalf("%.60q: %+v", text, v)
	}
	for _, r := range v.Reasons {
		for _, s := range r.Spans {
			if s.Start < 0 || s.Start >= s.End || s.End > len(text) || !border(text, s.Start) || !border(text, s.End) {
				t.Fatalf("%.60q: %s points at %v of %d bytes", text, r.Check, s, len(text))
			}
		}
	}
	if again := d.Check(text); again.Score != v.Score || len(again.Reasons) != len(v.Reasons) {
		t.Fatalf("%.60q: first %+v, then %+v", text, v, again)
	}
}

// border tells whether a character starts or the text ends at byte i; a stray byte counts
// as a character.
func border(text string, i int) bool {
	for at := range text {
		if at >= i {
			return at == i
		}
	}
	return i == len(text)
}

func TestNoTextBreaksTheDetector(t *testing.T) {
	d := New()
	for _, text := range odd() {
		verify(t, d, text)
		verify(t, d, text+"加微信abc12345，刷单")
		verify(t, d, strings.Repeat(text+"加我", 40))
	}
	verify(t, d, strings.Repeat("刷单，加微信abc12345。", 1<<20/30))
}

func FuzzCheck(f *testing.F) {
	for _, text := range odd() {
		f.Add(text[:min(len(text), 120)])
	}
	for _, e := range append(spamExamples(), hamExamples()...) {
		f.Add(e.text)
	}
	d := New()
	f.Fuzz(func(t *testing.T, text string) { verify(t, d, text) })
}

// sound checks that what was read of a text fits together.
func sound(t *testing.T, rd *reading) {
	t.Helper()
	starts := make([]bool, len(rd.text)+1) // of characters
	starts[len(rd.text)] = true
	for i := range rd.text {
		starts[i] = true
	}
	for i, u := range rd.units {
		if u.start < 0 || u.start >= u.end || u.end > len(rd.text) || i > 0 && u.start < rd.units[i-1].start || !starts[u.start] || !starts[u.end] {
			t.Fatalf("%.60q: unit %d is %+v", rd.text, i, u)
		}
		if u.r < 0x20 || u.gap > gapLine {
			t.Fatalf("%.60q: unit %d is %+v", rd.text, i, u)
		}
	}
	at := 0
	for _, c := range rd.clauses {
		if c.from != at || c.to <= c.from || c.to-c.from > maxClause {
			t.Fatalf("%.60q: a clause from %d to %d, expected from %d", rd.text, c.from, c.to, at)
		}
		at = c.to
	}
	if at != len(rd.units) {
		t.Fatalf("%.60q: the clauses end at unit %d of %d", rd.text, at, len(rd.units))
	}
	for _, h := range rd.hits {
		if h.from < 0 || h.from >= h.to || h.to > len(rd.units) {
			t.Fatalf("%.60q: a hit from %d to %d of %d units", rd.text, h.from, h.to, len(rd.units))
		}
	}
	if n := len(rd.units) + len(rd.hits) + len(rd.clauses); n > maxWork {
		t.Fatalf("%.60q: %d things of %d bytes", rd.text, n, len(rd.text))
	}
}

// maxWork bounds what is found in any text, however long: a bounded part of it is read.
const maxWork = 12 * readEnd

func TestWhatIsReadOfAnyTextFitsTogetherAndIsBounded(t *testing.T) {
	d, rd := New(), &reading{}
	for _, text := range append(odd(), heavy()...) {
		for _, n := range []int{1, 40, 100 << 10, 1 << 20} {
			rd.reset()
			d.read(rd, strings.Repeat(text, max(1, n/max(len(text), 1))))
			sound(t, rd)
		}
	}
	if held := cap(rd.units) + cap(rd.hits) + cap(rd.clauses) + cap(rd.shadow) + cap(rd.intros); held > 4*maxWork {
		t.Errorf("the buffers hold %d things after long texts", held)
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range append(odd(), heavy()...) {
		f.Add(text[:min(len(text), 120)], uint8(3))
	}
	d, rd := New(), &reading{}
	f.Fuzz(func(t *testing.T, text string, times uint8) {
		rd.reset()
		d.read(rd, strings.Repeat(text, int(times)))
		sound(t, rd)
		v := d.CheckWith(text, text, "t.me/abc")
		for _, r := range v.Reasons {
			for _, s := range r.Spans {
				if s.Start < 0 || s.Start >= s.End || s.End > len(text) {
					t.Fatalf("%.60q: %s points at %v of %d bytes", text, r.Check, s, len(text))
				}
			}
		}
	})
}

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

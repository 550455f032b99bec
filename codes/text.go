package codes

import (
	"strings"
	"unicode"
)

// How a line of text stands: it takes so much of an em, and its baseline is so much below its
// top. Chinese characters reach 0.88 of an em above the baseline, Latin ones 0.25 below it.
const (
	leading = 1.2
	ascent  = 0.94
)

// box is where a text may stand, in millimetres.
type box struct{ x, y, w, h float64 }

// style is how it stands there.
type style struct {
	ink   ink
	bold  bool
	most  float64 // em in millimetres; it gets smaller until the text fits
	least float64
	lines int
	left  bool // else centred
	right bool
}

// text writes a text into a box: in one line if that takes at most a third off its size, else
// in more and smaller. What does not fit at the least size ends with an ellipsis: nothing is
// ever written outside the box.
func (d *drawing) text(f *Fonts, b box, s style, text string) error {
	lines, em := fit(f, b, s, text)
	y := b.y + (b.h-float64(len(lines))*leading*em)/2 + ascent*em
	for _, line := range lines {
		x := b.x
		switch w := measure(f, line, s.bold) * em; {
		case s.right:
			x += b.w - w
		case !s.left:
			x += (b.w - w) / 2
		}
		for _, r := range line {
			g, ok := f.glyph(r, s.bold)
			if !ok {
				continue
			}
			var err error
			if x, err = d.glyph(g, s.ink, x, y, em); err != nil {
				return err
			}
		}
		y += leading * em
	}
	return nil
}

// fit finds the largest size and the lines of a text.
func fit(f *Fonts, b box, s style, text string) (lines []string, em float64) {
	const step = 0.95
	for n := 1; n <= s.lines; n++ {
		least := s.least
		if n < s.lines {
			least = max(least, s.most*2/3)
		}
		for em = min(s.most, b.h/(float64(n)*leading)); em >= least; em *= step {
			if lines = wrap(f, text, s.bold, b.w/em); len(lines) <= n {
				return lines, em
			}
		}
	}
	em = min(s.least, b.h/(float64(s.lines)*leading))
	lines = wrap(f, text, s.bold, b.w/em)
	if len(lines) <= s.lines {
		return lines, em
	}
	lines = lines[:s.lines]
	last := []rune(lines[s.lines-1])
	for len(last) > 0 && measure(f, string(last)+"…", s.bold) > b.w/em {
		last = last[:len(last)-1]
	}
	lines[s.lines-1] = string(last) + "…"
	return lines, em
}

// measure is the width of a text in ems.
func measure(f *Fonts, text string, bold bool) float64 {
	w := 0.0
	for _, r := range text {
		if g, ok := f.glyph(r, bold); ok {
			w += g.width
		}
	}
	return w
}

// wrap breaks a text into lines of at most some ems: at spaces and between Chinese characters,
// but not before a mark that closes something, and inside a word only where one word is longer
// than a line.
func wrap(f *Fonts, text string, bold bool, width float64) []string {
	var lines []string
	line := ""
	for _, piece := range pieces(text) {
		if line == "" {
			piece = strings.TrimLeft(piece, " ")
		}
		if measure(f, strings.TrimRight(line+piece, " "), bold) <= width {
			line += piece
			continue
		}
		if line != "" {
			lines = append(lines, strings.TrimRight(line, " "))
		}
		line = ""
		for _, r := range strings.TrimLeft(piece, " ") {
			if line != "" && measure(f, line+string(r), bold) > width {
				lines, line = append(lines, line), ""
			}
			line += string(r)
		}
	}
	if line = strings.TrimRight(line, " "); line != "" {
		lines = append(lines, line)
	}
	return lines
}

// pieces are the parts of a text that stay together on a line.
func pieces(text string) []string {
	var out []string
	var before rune
	for _, r := range text {
		if before == 0 || before != ' ' && !breaks(before, r) {
			if len(out) == 0 {
				out = append(out, "")
			}
			out[len(out)-1] += string(r)
		} else {
			out = append(out, string(r))
		}
		before = r
	}
	return out
}

// breaks reports whether a line may end between two characters.
func breaks(a, b rune) bool {
	switch {
	case b == ' ' || strings.ContainsRune("，。、；：！？）】》」』”’…·,.;:!?)]}%", b):
		return false
	case strings.ContainsRune("（【《「『“‘([{", a):
		return false
	}
	return wide(a) || wide(b)
}

func wide(r rune) bool {
	return unicode.Is(unicode.Han, r) || unicode.Is(unicode.Hiragana, r) || unicode.Is(unicode.Katakana, r) || r >= 0x3000 && r <= 0x303F || r >= 0xFF00 && r <= 0xFFEF
}

package spam

import (
	"unicode"
	"unicode/utf8"
)

// gap says what stood between one unit and the next, from nothing to a new line. A larger
// value divides more.
type gap uint8

const (
	gapNone   gap = iota
	gapHidden     // zero-width characters, combining marks, direction overrides
	gapSoft       // symbols, emoji, single brackets, colons: nobody's end of a clause
	gapDot        // a full stop of the Latin kind
	gapSpace
	gapHard // ，。！？；
	gapLine // a new line
)

// mark is what folding had to do to a unit. Full-width and traditional forms leave no
// mark: they are honest ways to write.
type mark uint8

const (
	markStyled  mark = 1 << iota // circled, mathematical, superscript …
	markAlike                    // a look-alike of another alphabet
	markPicture                  // a pictograph read as a word
	markColon                    // a colon or equals sign stood right before it
	markAsked                    // a question mark stood right before it
	markDot                      // a full stop of the Latin kind stood right before it
)

// folded is what one character becomes: a rune to keep, or a gap.
type folded struct {
	r    rune // 0: it is a gap
	gap  gap
	mark mark
}

// folder maps characters to their comparison form. The basic plane is a table, because it
// is consulted for every character.
type folder struct {
	bmp      [1 << 16]folded
	astral   map[rune]folded
	pictures map[rune]string
	codes    map[string]bool
}

func newFolder() *folder {
	f := &folder{astral: map[rune]folded{}, pictures: pictures(), codes: map[string]bool{}}
	for r := range rune(1 << 16) {
		f.bmp[r] = classify(r)
	}
	for _, code := range emoticonCodes() {
		f.codes[code] = true
	}
	f.addForms()
	f.addAlikes()
	f.addTraditional()
	f.addPunctuation()
	return f
}

// fold gives the comparison form of one character.
func (f *folder) fold(r rune) folded {
	if r < 1<<16 && r >= 0 {
		return f.bmp[r]
	}
	if to, ok := f.astral[r]; ok {
		return to
	}
	return classify(r)
}

// foldString gives the comparison form of a word; ok is false if part of it is a gap.
func (f *folder) foldString(s string) (out []rune, ok bool) {
	for _, r := range s {
		to := f.fold(r)
		if to.r == 0 {
			return nil, false
		}
		out = append(out, to.r)
	}
	return out, len(out) > 0
}

// set makes every character of from fold to r.
func (f *folder) set(from rune, r rune, m mark) {
	if from < 1<<16 {
		f.bmp[from] = folded{r: r, mark: m}
		return
	}
	f.astral[from] = folded{r: r, mark: m}
}

// classify is the folding of a character no table names.
func classify(r rune) folded {
	switch {
	case r == utf8.RuneError:
		return folded{gap: gapSoft}
	case r >= 0x20000 && r <= 0x3ffff: // rare Han
		return folded{r: r}
	case r >= 0xe0000 && r <= 0xe0fff, r >= 0x1f3fb && r <= 0x1f3ff: // tags, selectors, skin tones
		return folded{gap: gapHidden}
	case r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, r == 0x2800: // letters that show nothing
		return folded{gap: gapHidden}
	case unicode.IsLetter(r) && r < 1<<16, unicode.IsDigit(r):
		return folded{r: unicode.ToLower(r)}
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return folded{gap: gapHidden}
	case r == '\n', r == '\r', r == 0x2028, r == 0x2029, r == 0x85:
		return folded{gap: gapLine}
	case unicode.IsSpace(r):
		return folded{gap: gapSpace}
	case unicode.IsControl(r):
		return folded{gap: gapHidden}
	default:
		return folded{gap: gapSoft}
	}
}

// addPunctuation names the marks that divide clauses, and the few that are kept because
// words are written with them.
func (f *folder) addPunctuation() {
	for _, r := range ",!?;，。！？；｡､、…‼⁉❗❓❔❕‽" {
		f.bmp[r] = folded{gap: gapHard}
	}
	for _, r := range "?？⁉❓❔‽" {
		f.bmp[r].mark = markAsked
	}
	for _, r := range ":：=＝" {
		f.bmp[r] = folded{gap: gapSoft, mark: markColon}
	}
	for _, r := range ".．" {
		f.bmp[r] = folded{gap: gapDot, mark: markDot}
	}
	for _, r := range "+＋➕✚✛✜﹢⁺₊" {
		f.set(r, '+', 0)
	}
	for _, r := range "@＠﹫" {
		f.set(r, '@', 0)
	}
	f.set('_', '_', 0)
	f.set('＿', '_', 0)
	f.set('%', '%', 0)
	f.set('％', '%', 0)
}

// addForms folds the compatibility forms: full-width, circled, parenthesised,
// superscript, mathematical.
func (f *folder) addForms() {
	for r := rune('!'); r <= '~'; r++ {
		if to := f.bmp[r]; to.r != 0 {
			f.set(r-'!'+0xff01, to.r, 0)
		}
	}
	for _, run := range styledRuns() {
		for i := range run.n {
			f.set(run.from+i, run.to+i%run.period, markStyled)
		}
	}
	for to, from := range styledDigits() {
		for _, r := range from {
			f.set(r, rune('0'+to), markStyled)
		}
	}
	f.addPairs(styledHan(), markStyled)
}

// addAlikes folds letters of other alphabets, and Latin letters with marks, to the plain
// letter they look like.
func (f *folder) addAlikes() {
	for _, row := range alikes() {
		for _, r := range row.looks {
			f.set(r, row.letter, markAlike)
		}
	}
	for _, row := range accented() {
		for _, r := range row.looks {
			f.set(r, row.letter, 0)
		}
	}
}

func (f *folder) addTraditional() {
	f.addPairs(traditionalPairs(), 0)
}

// addPairs reads a string of pairs: what is written, what it folds to.
func (f *folder) addPairs(pairs string, m mark) {
	from := rune(0)
	for _, r := range pairs {
		switch {
		case r == ' ' || r == '\n' || r == '\t':
		case from == 0:
			from = r
		default:
			f.set(from, r, m)
			from = 0
		}
	}
}

package spam

import (
	"strings"
	"unicode/utf8"
)

// readEnd is how many bytes are read at either end of a text that is longer than both
// together: about 2,700 Han characters each. What lies between is not looked at.
const readEnd = 8 << 10

// maxSeparators is how many separators in a row may still stand inside a word; more end
// the clause.
const maxSeparators = 3

// maxCode is the length in bytes of the longest bracketed picture name looked for.
const maxCode = 16

// unit is one character of the comparison form, and where it stood.
type unit struct {
	r          rune
	start, end int  // bytes of the original text
	gap        gap  // what stood between the unit before and this one
	mark       mark // what folding had to do
}

// reading is what is known about one text while it is judged. The buffers are kept from
// text to text.
type reading struct {
	units   []unit
	asked   []int // a question mark stood before the unit of this number
	clauses []clause
	hits    []hit
	shadow  []int     // per unit: how far words reach that are not what they contain
	intros  []intro   // per unit: the words that end right before it and introduce an account
	digits  []byte    // the number being read
	listed  []entry   // the entries of a list
	said    []float64 // per unit of a window: what the model says
	pieced  []piece   // the runs of them
	text    string
	lent    signal // what all windows share

	features []feature
	tokens   []token  // of the clause being read
	spelled  []token  // the same as syllables
	numbers  []uint16 // per unit: the end of the number that starts there

	// the gap being read
	pending gap
	marks   mark
	visible int // characters of it that can be seen
}

// reset empties rd and keeps its buffers.
func (rd *reading) reset() {
	rd.units, rd.asked, rd.clauses, rd.hits = rd.units[:0], rd.asked[:0], rd.clauses[:0], rd.hits[:0]
	rd.features = rd.features[:0]
	rd.text, rd.lent = "", 0
}

// readText fills rd.units from text, or from its two ends.
func (rd *reading) readText(f *folder, text string) {
	rd.text = text
	rd.startGap()
	if len(text) <= 2*readEnd {
		rd.readPart(f, 0, len(text))
		return
	}
	head, tail := readEnd, len(text)-readEnd
	for i := 0; i < utf8.UTFMax && !utf8.RuneStart(text[head]); i++ {
		head--
	}
	for i := 0; i < utf8.UTFMax && !utf8.RuneStart(text[tail]); i++ {
		tail++
	}
	rd.readPart(f, 0, head)
	rd.pending = gapLine
	rd.readPart(f, tail, len(text))
}

// readPart reads the bytes from up to to.
func (rd *reading) readPart(f *folder, from, to int) {
	text := rd.text[:to]
	for i := from; i < to; {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
		} else if r == '[' {
			if n := codeLen(f, text[i:]); n > 0 {
				rd.addGap(folded{gap: gapSoft})
				i += n
				continue
			}
		}
		rd.readRune(f, r, i, i+size)
		i += size
	}
}

// readRune adds one character, which stood at start to end.
func (rd *reading) readRune(f *folder, r rune, start, end int) {
	to := f.fold(r)
	switch {
	case to.r != 0:
		rd.addUnit(to.r, to.mark, start, end)
	case r == keycap:
		if n := len(rd.units); n > 0 && rd.pending == gapNone {
			rd.units[n-1].mark |= markStyled
		}
	case r >= 0xfe00 && r <= 0xfe0f: // selects how the character before is drawn
	case to.gap == gapSoft && rd.readPicture(f, r, start, end):
	default:
		rd.addGap(to)
	}
}

// keycap draws a key around the digit before it.
const keycap = 0x20e3

// readPicture adds a pictograph as the word it is read as, if it is one.
func (rd *reading) readPicture(f *folder, r rune, start, end int) bool {
	if r < 0x2000 {
		return false
	}
	if word, ok := f.pictures[r]; ok {
		for _, w := range word {
			rd.addUnit(w, markPicture, start, end)
		}
		return true
	}
	n := len(rd.units)
	if n == 0 || rd.pending > gapHidden || !strings.ContainsRune(heartAfter, rd.units[n-1].r) || !strings.ContainsRune(hearts, r) {
		return false
	}
	rd.addUnit('信', markPicture, start, end)
	return true
}

func (rd *reading) startGap() {
	rd.pending, rd.marks, rd.visible = gapNone, 0, 0
}

func (rd *reading) addUnit(r rune, m mark, start, end int) {
	if n := len(rd.asked); n > 0 && rd.visible == 1 && rd.asked[n-1] == len(rd.units) && isAlnum(r) && start > 0 && rd.text[start-1] == '?' {
		rd.asked = rd.asked[:n-1] // the question mark of a link
	}
	rd.units = append(rd.units, unit{r: r, start: start, end: end, gap: rd.pending, mark: m | rd.marks})
	rd.startGap()
}

func (rd *reading) addGap(to folded) {
	if to.mark&markAsked != 0 && (len(rd.asked) == 0 || rd.asked[len(rd.asked)-1] != len(rd.units)) {
		rd.asked = append(rd.asked, len(rd.units))
	}
	rd.marks |= to.mark &^ markAsked
	rd.pending = max(rd.pending, to.gap)
	if to.gap > gapHidden {
		rd.visible++
	}
	if rd.visible > maxSeparators {
		rd.pending = max(rd.pending, gapHard)
	}
}

// codeLen is the length of the picture name in brackets at the start of s, or 0.
func codeLen(f *folder, s string) int {
	end := strings.IndexByte(s[:min(len(s), maxCode)], ']')
	if end < 0 || !f.codes[s[1:end]] {
		return 0
	}
	return end + 1
}

// clause is a piece of the text between two marks that divide.
type clause struct {
	from, to int    // units
	sigs     signal // what was found in it
	features int    // the number of features up to its end
	sum      int32  // of the weights of its features, in the model's steps
}

// Clauses shorter than minClause units are not ended by punctuation, since words may be
// taken apart with it; long ones end at a space, very long ones anywhere.
const (
	minClause  = 4
	longClause = 24
	maxClause  = 64
)

// cutClauses divides the units into clauses.
func (rd *reading) cutClauses() {
	from := 0
	for i := 1; i < len(rd.units); i++ {
		if rd.divides(i, i-from) {
			rd.clauses = append(rd.clauses, clause{from: from, to: i})
			from = i
		}
	}
	if len(rd.units) > from {
		rd.clauses = append(rd.clauses, clause{from: from, to: len(rd.units)})
	}
}

// divides tells whether a clause of n units ends before unit i.
func (rd *reading) divides(i, n int) bool {
	before, u := &rd.units[i-1], &rd.units[i]
	switch {
	case n >= maxClause:
		return true
	case u.gap < gapDot, n < minClause && u.gap != gapLine, rd.aloneBefore(i) && rd.aloneAfter(i):
		return false
	case u.gap == gapLine:
		return n >= 2
	case u.gap == gapHard:
		return !(isDigit(before.r) && isDigit(u.r))
	case u.gap == gapDot:
		return isHan(before.r) && isHan(u.r)
	default:
		return n >= longClause
	}
}

// crossable tells whether the units from up to to may be read as one word although
// something stands between them, and whether the word was taken apart on purpose.
func (rd *reading) crossable(from, to int) (ok, apart bool) {
	for i := from + 1; i < to; i++ {
		g := rd.units[i].gap
		if g == gapNone {
			continue
		}
		alone, after := rd.aloneBefore(i), rd.aloneAfter(i)
		sameScript := isHan(rd.units[i-1].r) == isHan(rd.units[i].r)
		switch {
		case g <= gapSoft, !sameScript && g < gapHard:
		case g < gapHard && (alone || after || to-from >= 3):
		case alone && after:
		default:
			return false, false
		}
		apart = apart || sameScript
	}
	return true, apart
}

// aloneBefore tells whether the unit before gap i stands between gaps.
func (rd *reading) aloneBefore(i int) bool {
	return i == 1 || rd.units[i-1].gap > gapHidden
}

// aloneAfter tells whether the unit after gap i stands between gaps.
func (rd *reading) aloneAfter(i int) bool {
	return i+1 == len(rd.units) || rd.units[i+1].gap > gapHidden
}

func isHan(r rune) bool   { return r >= 0x2e80 }
func isDigit(r rune) bool { return r >= '0' && r <= '9' }
func isLatin(r rune) bool { return r >= 'a' && r <= 'z' }
func isAlnum(r rune) bool { return isDigit(r) || isLatin(r) || r == '_' }

package spam

import "unicode/utf8"

// feature is one piece of a text a model has a weight for: a run of characters or
// syllables, or what stood between them, known only by the bucket it falls into.
type feature struct {
	bucket uint32
	from   uint16 // the first unit it was read from; a text has fewer than 1<<16
	n      uint8  // units, at most 255
}

// featureKind is what a feature was read from. It is part of the hash: the same characters
// are another feature in another kind.
type featureKind uint8

const (
	kindChars     featureKind = iota + 1 // one to three tokens
	kindSkip                             // two tokens with one between them
	kindSyllables                        // two or three syllables, whatever characters wrote them
	kindMark                             // how a unit was disguised
	kindOriginal                         // the character a disguised unit was
	kindGap                              // what stood between two units
	kindGapFirst                         // its first character
	kindGapAfter                         // and the unit after it
	kindGapBefore                        // and the unit before it
)

// Tokens are what the n-grams are made of: characters as they are, and above them what
// stands for more than one. All fit in 21 bits, so that three are one key.
const (
	noToken       = 0
	tokenBorder   = 0x110000 // the start or end of a clause
	tokenNumber   = 0x110010 // a number; plus the class of its length
	tokenMixed    = 0x110020 // letters and digits in one run; plus the class of its length
	tokenSyllable = 0x120000 // a syllable; plus its number
	tokenMask     = 1<<21 - 1
)

// token is one step of the text as n-grams see it.
type token struct {
	id       uint32
	from, to uint16 // units
}

// lengthClass puts lengths of numbers and account names together: short ones apart, then
// what account numbers, telephones and longer ones measure.
func lengthClass(n int) uint32 {
	switch {
	case n <= 5:
		return uint32(n)
	case n <= 7:
		return 6
	case n <= 10:
		return 7
	case n == mobileDigits:
		return 8
	default:
		return 9
	}
}

// hasher turns features into buckets. Of a character it knows the commonest reading.
type hasher struct {
	shift     uint     // 64 minus the binary logarithm of the number of buckets
	syllables []uint16 // from firstHan on: the number of the syllable, 0 for none
	index     map[string]uint16
}

// firstHan is the first character of the table of syllables.
const firstHan = 0x4e00

// newHasher makes a hasher for 1<<bits buckets; names are the syllables, numbered from 1.
func newHasher(bits uint, names []string, table []uint16) *hasher {
	h := &hasher{shift: 64 - bits, syllables: table, index: make(map[string]uint16, len(names))}
	for i, name := range names {
		h.index[name] = uint16(i + 1)
	}
	return h
}

// bucket hashes up to three tokens of a kind.
func (h *hasher) bucket(kind featureKind, a, b, c uint32) uint32 {
	key := uint64(a)<<42 | uint64(b)<<21 | uint64(c)
	key = (key + uint64(kind)*0xd6e8feb86659fd93) * 0x9e3779b97f4a7c15
	key ^= key >> 31
	return uint32(key * 0xbf58476d1ce4e5b9 >> h.shift)
}

// syllable is the number of a character's syllable, or 0.
func (h *hasher) syllable(r uint32) uint32 {
	if i := int(r) - firstHan; i >= 0 && i < len(h.syllables) {
		return uint32(h.syllables[i])
	}
	return 0
}

// findFeatures fills rd.features, clause by clause. No feature reaches over the border of
// a clause, so that those of a window are the same whatever stands around it.
func (rd *reading) findFeatures(h *hasher) {
	rd.markNumbers()
	for c := range rd.clauses {
		cl := &rd.clauses[c]
		rd.tokenise(cl.from, cl.to)
		rd.addGrams(h)
		rd.spell(h)
		rd.addSyllables(h)
		rd.addWriting(h, cl.from, cl.to)
		cl.features = len(rd.features)
	}
}

func (rd *reading) feature(bucket uint32, from, to uint16) {
	rd.features = append(rd.features, feature{bucket: bucket, from: from, n: uint8(min(to-from, 255))})
}

// markNumbers remembers, per unit, how far the number that starts there reaches.
func (rd *reading) markNumbers() {
	rd.numbers = resize(rd.numbers, len(rd.units))
	for _, h := range rd.hits {
		if h.sigs&sigNumber != 0 {
			rd.numbers[h.from] = max(rd.numbers[h.from], uint16(h.to))
		}
	}
}

// tokenise makes tokens of the units from up to to. Numbers and account names become one
// each: which digits they are says nothing.
func (rd *reading) tokenise(from, to int) {
	rd.tokens = append(rd.tokens[:0], token{tokenBorder, uint16(from), uint16(from)})
	for i := from; i < to; {
		end := i + 1
		switch number := int(rd.numbers[i]); {
		case number > i:
			end = min(number, to)
			rd.tokens = append(rd.tokens, token{tokenNumber + lengthClass(end-i), uint16(i), uint16(end)})
		case isAlnum(rd.units[i].r):
			end = min(rd.runEnd(i), to)
			rd.tokeniseRun(i, end)
		default:
			rd.tokens = append(rd.tokens, token{uint32(rd.units[i].r), uint16(i), uint16(end)})
		}
		i = end
	}
	rd.tokens = append(rd.tokens, token{tokenBorder, uint16(to), uint16(to)})
}

// tokeniseRun makes tokens of a run of letters and digits.
func (rd *reading) tokeniseRun(from, to int) {
	letters, digits := rd.count(from, to)
	if to-from >= minHandle && letters > 0 && digits > 1 {
		rd.tokens = append(rd.tokens, token{tokenMixed + lengthClass(to-from), uint16(from), uint16(to)})
		return
	}
	for i := from; i < to; {
		end, id := i+1, uint32(rd.units[i].r)
		if isDigit(rd.units[i].r) {
			for end < to && isDigit(rd.units[end].r) {
				end++
			}
			id = tokenNumber + lengthClass(end-i)
		}
		rd.tokens = append(rd.tokens, token{id, uint16(i), uint16(end)})
		i = end
	}
}

// addGrams adds the runs of one to three tokens, and pairs with one left out between.
func (rd *reading) addGrams(h *hasher) {
	t := rd.tokens
	for i := 1; i < len(t); i++ {
		a, b := t[i], t[i-1]
		if a.id != tokenBorder {
			rd.feature(h.bucket(kindChars, noToken, noToken, a.id), a.from, a.to)
		}
		rd.feature(h.bucket(kindChars, noToken, b.id, a.id), b.from, a.to)
		if i >= 2 {
			c := t[i-2]
			rd.feature(h.bucket(kindChars, c.id, b.id, a.id), c.from, a.to)
			rd.feature(h.bucket(kindSkip, noToken, c.id, a.id), c.from, a.to)
		}
	}
}

// spell makes syllables of the tokens: Han by the table, Latin letters if they are pinyin.
func (rd *reading) spell(h *hasher) {
	rd.spelled = rd.spelled[:0]
	for n := 0; n < len(rd.tokens); {
		t := rd.tokens[n]
		if isLatin(rune(t.id)) {
			end := n + 1
			for end < len(rd.tokens) && isLatin(rune(rd.tokens[end].id)) {
				end++
			}
			rd.spellRun(h, n, end)
			n = end
			continue
		}
		if s := h.syllable(t.id); s != 0 {
			t.id = tokenSyllable + s
		}
		rd.spelled = append(rd.spelled, t)
		n++
	}
}

// maxPinyin is the length of the longest run of letters looked at as pinyin.
const maxPinyin = 24

// spellRun adds the letters of the tokens from up to to as syllables, or as they are if
// they are no pinyin.
func (rd *reading) spellRun(h *hasher, from, to int) {
	var word [maxPinyin]byte
	mark := len(rd.spelled)
	n := to - from
	if n <= maxPinyin {
		for i := range n {
			word[i] = byte(rd.tokens[from+i].id)
		}
	}
	for at := 0; at < n; {
		size, id := 0, uint32(0)
		if n <= maxPinyin {
			size, id = h.prefix(word[at:n])
		}
		if size == 0 {
			rd.spelled = append(rd.spelled[:mark], rd.tokens[from:to]...)
			return
		}
		rd.spelled = append(rd.spelled, token{tokenSyllable + id, rd.tokens[from+at].from, rd.tokens[from+at+size-1].to})
		at += size
	}
}

// maxSyllable is the length of the longest syllable: zhuang.
const maxSyllable = 6

// prefix is the longest syllable at the start of word after which another may start.
func (h *hasher) prefix(word []byte) (size int, id uint32) {
	for n := min(maxSyllable, len(word)); n > 0; n-- {
		if n < len(word) && (word[n] == 'i' || word[n] == 'u' || word[n] == 'v') {
			continue // no syllable starts so
		}
		if s, ok := h.index[string(word[:n])]; ok {
			return n, uint32(s)
		}
	}
	return 0, 0
}

// addSyllables adds the runs of two and three syllables.
func (rd *reading) addSyllables(h *hasher) {
	t := rd.spelled
	for i := 2; i < len(t); i++ {
		a, b, c := t[i], t[i-1], t[i-2]
		if a.id != tokenBorder {
			rd.feature(h.bucket(kindSyllables, noToken, b.id, a.id), b.from, a.to)
		}
		rd.feature(h.bucket(kindSyllables, c.id, b.id, a.id), c.from, a.to)
	}
}

// addWriting adds what folding changed in the units from up to to and what stood between
// them.
func (rd *reading) addWriting(h *hasher, from, to int) {
	for i := from; i < to; i++ {
		u := &rd.units[i]
		if i > from && rd.units[i-1].end < u.start {
			rd.addBetween(h, i)
		}
		if m := u.mark & (markStyled | markAlike | markPicture); m != 0 {
			r, _ := utf8.DecodeRuneInString(rd.text[u.start:u.end])
			rd.feature(h.bucket(kindMark, noToken, noToken, uint32(m)), uint16(i), uint16(i+1))
			rd.feature(h.bucket(kindOriginal, noToken, noToken, uint32(r)&tokenMask), uint16(i), uint16(i+1))
		}
	}
}

// maxGap is how many bytes of what stands between two units are looked at.
const maxGap = 64

// addBetween adds what stood between unit i and the one before it.
func (rd *reading) addBetween(h *hasher, i int) {
	left, right := &rd.units[i-1], &rd.units[i]
	gap := rd.text[left.end:min(right.start, left.end+maxGap)]
	first, n, sum := rune(0), uint32(0), uint32(0)
	for _, r := range gap {
		if n == 0 {
			first = r
		}
		if n++; n <= 3 {
			sum = (sum*31 + uint32(r)) & tokenMask
		}
	}
	from, to := uint16(i-1), uint16(i+1)
	rd.feature(h.bucket(kindGap, noToken, min(n, 4), sum), from, to)
	if n > 1 {
		rd.feature(h.bucket(kindGapFirst, noToken, noToken, uint32(first)), from, to)
	}
	rd.feature(h.bucket(kindGapAfter, noToken, sum, uint32(right.r)), from, to)
	rd.feature(h.bucket(kindGapBefore, noToken, uint32(left.r), sum), from, to)
}

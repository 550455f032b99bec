// Package evade makes copies of a text as people write them who do not want a filter to
// read it, and as members do who only like their talk pretty. A detector is trained on
// such copies and measured with them.
//
// A copy depends on the text, the kind, the tables and the random source alone: the same
// source gives the same copy on every machine. No kind knows what a detector folds; the
// tables here are wider than any one detector's and were not made from one.
package evade

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode"
)

// The ways of disguising a text.
const (
	ZeroWidth   = "zero-width"  // characters nobody sees, and combining strokes
	FullWidth   = "full-width"  // ＡＢＣ１２３
	Digits      = "digits"      // ①②③, 一二三, Ⅰ, O for 0, l for 1
	Letters     = "letters"     // Cyrillic, Greek, mathematical, circled, small capitals
	Homophones  = "homophones"  // 加薇, 徽信, 嘉V
	Split       = "split"       // 力口 for 加, 亻言 for 信
	Pinyin      = "pinyin"      // jia wei xin, jwx
	Separators  = "separators"  // one to three marks between Han characters or digits
	Traditional = "traditional" // 賺錢
	Emoji       = "emoji"       // put between the words, or instead of them
	Padding     = "padding"     // harmless talk before, after or around
	Combined    = "combined"    // two or three of the others at once
)

// Kinds are all ways of disguising, in a fixed order.
func Kinds() []string {
	return []string{ZeroWidth, FullWidth, Digits, Letters, Homophones, Split, Pinyin, Separators, Traditional, Emoji, Padding, Combined}
}

// Options are the tables a Generator works with besides its own.
type Options struct {
	// Harmless is talk to pad with. If there is none, a few sentences of everyday talk are
	// used, which every reader knows after a thousand copies.
	Harmless []string
	// Homophones are more characters that are read as the key is. They join those of the
	// built-in table.
	Homophones map[rune][]rune
}

// Generator makes copies. It is made by New, never changes afterwards and may be used by
// any number of goroutines at once, each with its own random source.
type Generator struct {
	harmless    []string
	syllable    map[rune]string
	sounds      map[string][]rune
	more        map[rune][]rune
	parts       map[rune]string
	traditional map[rune]rune
	keywords    map[rune][][]rune // by their first character
	alikes      map[rune][]rune
}

// New makes a Generator.
func New(o Options) *Generator {
	g := &Generator{
		harmless: o.Harmless, more: o.Homophones,
		syllable: map[rune]string{}, sounds: map[string][]rune{},
		parts: map[rune]string{}, traditional: pairs(traditional), alikes: lookAlikes(), keywords: map[rune][][]rune{},
	}
	if len(g.harmless) == 0 {
		g.harmless = everydayTalk()
	}
	for group := range strings.FieldsSeq(syllables) {
		n := strings.IndexFunc(group, isHan)
		for _, r := range group[n:] {
			g.syllable[r] = group[:n]
			g.sounds[group[:n]] = append(g.sounds[group[:n]], r)
		}
	}
	for _, word := range keywords() {
		w := []rune(word)
		g.keywords[w[0]] = append(g.keywords[w[0]], w)
	}
	for entry := range strings.FieldsSeq(splitParts) {
		r := []rune(entry)
		g.parts[r[0]] = string(r[1:])
	}
	return g
}

// pairs reads a table of pairs: what is written, what to write instead.
func pairs(table string) map[rune]rune {
	m, from := map[rune]rune{}, rune(0)
	for _, r := range table {
		switch {
		case unicode.IsSpace(r):
		case from == 0:
			from = r
		default:
			m[from], from = r, 0
		}
	}
	return m
}

// Evade writes text in one of the ways of Kinds and tells whether that changed it: a text
// without a digit has no copy with disguised digits. An unknown kind is a panic, since
// kinds are written in programs.
func (g *Generator) Evade(r *rand.Rand, kind, text string) (string, bool) {
	t := []rune(text)
	var copied string
	switch kind {
	case ZeroWidth:
		copied = zeroWidth(r, t)
	case FullWidth:
		copied = fullWidth(r, t)
	case Digits:
		copied = disguiseDigits(r, t)
	case Letters:
		copied = g.disguiseLetters(r, t)
	case Homophones:
		copied = g.homophones(r, t)
	case Split:
		copied = g.split(r, t)
	case Pinyin:
		copied = g.pinyin(r, t)
	case Separators:
		copied = g.separate(r, t)
	case Traditional:
		copied = g.hant(r, t)
	case Emoji:
		copied = withEmoji(r, t)
	case Padding:
		copied = g.pad(r, text)
	case Combined:
		return g.combined(r, text)
	default:
		panic(fmt.Sprintf("evade: unknown kind %q, want one of %q", kind, Kinds()))
	}
	return copied, copied != text
}

// combined disguises in two or three ways. It counts as changed if at least two of them
// found something to change.
func (g *Generator) combined(r *rand.Rand, text string) (string, bool) {
	// In this order one way leaves the next something to do.
	order := []string{Homophones, Split, Pinyin, Traditional, Letters, Digits, FullWidth, Emoji, Separators, ZeroWidth, Padding}
	want, changed := 2+r.IntN(2), 0
	chosen := make([]bool, len(order))
	for _, i := range r.Perm(len(order))[:want] {
		chosen[i] = true
	}
	for i, kind := range order {
		if !chosen[i] {
			continue
		}
		copied, ok := g.Evade(r, kind, text)
		if ok {
			text = copied
			changed++
		}
	}
	return text, changed >= 2
}

// change picks which of the places for which eligible is true are changed: half the time
// all, otherwise a part of them and at least one.
func change(r *rand.Rand, n int, eligible func(int) bool) []bool {
	picked, places := make([]bool, n), []int{}
	share := 1.0
	if r.IntN(2) == 0 {
		share = 0.3 + float64(0.6*r.Float64())
	}
	any := false
	for i := range n {
		if eligible(i) {
			places = append(places, i)
			picked[i] = r.Float64() < share
			any = any || picked[i]
		}
	}
	if !any && len(places) > 0 {
		picked[one(r, places)] = true
	}
	return picked
}

// one is an element of s.
func one[T any](r *rand.Rand, s []T) T { return s[r.IntN(len(s))] }

func isHan(r rune) bool   { return unicode.Is(unicode.Han, r) }
func isDigit(r rune) bool { return r >= '0' && r <= '9' }
func isLatin(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

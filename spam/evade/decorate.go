package evade

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// The ways in which members decorate honest talk.
const (
	WithEmoji       = "emoji"       // pictures at the ends of clauses
	WithTildes      = "tildes"      // ~~~ and ～
	WithSpaces      = "spaces"      // 重 要 通 知
	WithNickname    = "nickname"    // 【阿珍】, ★小李★, @𝓐𝓷𝓷𝓪
	WithFullWidth   = "full-width"  // an input method left in full width
	WithTraditional = "traditional" // as members write who grew up with it
	WithPunctuation = "punctuation" // ！！！ and 。。。
	WithKaomoji     = "kaomoji"     // (｡･ω･｡)
	WithZeroWidth   = "zero-width"  // pasted from a page along with the text
	WithLines       = "lines"       // every clause on its own line
	WithStyle       = "styled"      // ①②③ and 𝓵𝓮𝓽𝓽𝓮𝓻𝓼
	WithSeveral     = "several"     // two of the others at once
)

// Decorations are all ways of decorating, in a fixed order.
func Decorations() []string {
	return []string{WithEmoji, WithTildes, WithSpaces, WithNickname, WithFullWidth, WithTraditional, WithPunctuation, WithKaomoji, WithZeroWidth, WithLines, WithStyle, WithSeveral}
}

// Decorate writes text as honest members do, in one of the ways of Decorations, and tells
// whether that changed it. An unknown kind is a panic.
func (g *Generator) Decorate(r *rand.Rand, kind, text string) (string, bool) {
	var copied string
	switch kind {
	case WithEmoji:
		copied = atEnds(r, text, func() string { return strings.Repeat(one(r, faces()), 1+r.IntN(4)) })
	case WithTildes:
		copied = atEnds(r, text, func() string { return strings.Repeat(one(r, []string{"~", "～", "〜"}), 1+r.IntN(4)) })
	case WithSpaces:
		copied = spaced(r, text)
	case WithNickname:
		copied = nicknamed(r, text)
	case WithFullWidth:
		copied = fullWidth(r, []rune(text))
	case WithTraditional:
		copied = g.hant(r, []rune(text))
	case WithPunctuation:
		copied = atEnds(r, text, func() string {
			return strings.Repeat(one(r, []string{"！", "!", "。", "？", ".", "…", "，"}), 2+r.IntN(5))
		})
	case WithKaomoji:
		copied = atEnds(r, text, func() string { return one(r, kaomoji()) })
	case WithZeroWidth:
		copied = pasted(r, text)
	case WithLines:
		copied = lined(r, text)
	case WithStyle:
		copied = restyled(r, text)
	case WithSeveral:
		return g.several(r, text)
	default:
		panic(fmt.Sprintf("evade: unknown decoration %q, want one of %q", kind, Decorations()))
	}
	return copied, copied != text
}

// several decorates in two ways.
func (g *Generator) several(r *rand.Rand, text string) (string, bool) {
	kinds, changed := Decorations(), 0
	for _, i := range r.Perm(len(kinds) - 1)[:2] {
		copied, ok := g.Decorate(r, kinds[i], text)
		if ok {
			text = copied
			changed++
		}
	}
	return text, changed == 2
}

// clauseEnds are the marks clauses end with.
const clauseEnds = "，。！？；,!?;~～\n"

// atEnds writes what add makes behind the text and, some of the time, behind its clauses.
func atEnds(r *rand.Rand, text string, add func() string) string {
	also := r.IntN(2) == 0
	var b strings.Builder
	for _, c := range text {
		if also && strings.ContainsRune(clauseEnds, c) && r.IntN(2) == 0 {
			b.WriteString(add())
		}
		b.WriteRune(c)
	}
	b.WriteString(add())
	return b.String()
}

// spaced puts spaces between the characters of the text or of one stretch of it.
func spaced(r *rand.Rand, text string) string {
	t := []rune(text)
	from, to := 0, len(t)
	if len(t) > 8 && r.IntN(2) == 0 {
		from = r.IntN(len(t) - 4)
		to = min(len(t), from+4+r.IntN(8))
	}
	var b strings.Builder
	for i, c := range t {
		if i > from && i < to && isHan(t[i-1]) && isHan(c) {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// nicknamed puts a name in front, as quoted and forwarded messages have it.
func nicknamed(r *rand.Rand, text string) string {
	names := strings.Fields("阿珍 小李 王姐 晴天 桃子 大刘 豆豆妈 3栋老陈 向日葵 糖糖 Lily Anna Tom Vivian")
	name := []rune(one(r, names))
	if alphabet := one(r, alphabets()[:10]); isLatin(name[0]) {
		for i, c := range name {
			name[i] = styled(c, alphabet)
		}
	}
	frame := strings.Split(one(r, []string{"【#】", "★#★：", "☆#☆ ", "@# ", "꧁#꧂：", "「#」", "♡#♡ ", "『#』：", "💕#💕 ", "ღ#ღ："}), "#")
	return frame[0] + string(name) + frame[1] + text
}

// pasted puts a few invisible characters where pasting from a page leaves them.
func pasted(r *rand.Rand, text string) string {
	signs := invisible()[:5]
	var b strings.Builder
	if r.IntN(2) == 0 {
		b.WriteString(one(r, signs))
	}
	for _, c := range text {
		b.WriteRune(c)
		if strings.ContainsRune(clauseEnds, c) || r.IntN(12) == 0 {
			b.WriteString(one(r, signs))
		}
	}
	b.WriteString(one(r, signs))
	return b.String()
}

// lined breaks the line behind clauses, or somewhere if there is only one.
func lined(r *rand.Rand, text string) string {
	var b strings.Builder
	broken := false
	for _, c := range text {
		b.WriteRune(c)
		if strings.ContainsRune(clauseEnds, c) && c != '\n' {
			b.WriteString(strings.Repeat("\n", 1+r.IntN(2)))
			broken = true
		}
	}
	if t := []rune(text); !broken && len(t) > 2 {
		at := 1 + r.IntN(len(t)-1)
		return string(t[:at]) + "\n" + string(t[at:])
	}
	return b.String()
}

// restyled writes digits in circles and letters in a styled alphabet.
func restyled(r *rand.Rand, text string) string {
	alphabet, digits := one(r, alphabets()[:10]), digitStyles()[one(r, []int{0, 0, 9, 10, 11})]
	var b strings.Builder
	for _, c := range text {
		switch {
		case isDigit(c):
			b.WriteString(digits[c-'0'])
		case isLatin(c):
			b.WriteRune(styled(c, alphabet))
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// kaomoji are faces made of signs.
func kaomoji() []string {
	return []string{"(｡･ω･｡)", "(*^▽^*)", "(≧▽≦)", "╮(╯▽╰)╭", "(￣▽￣)", "Σ(°△°|||)", "(ง •̀_•́)ง", "ヾ(≧O≦)〃", "(T_T)", "^_^", "QAQ", "orz", "(๑•̀ㅂ•́)و✧", "(づ｡◕‿‿◕｡)づ", "=_=", "→_→", "(╯‵□′)╯︵┻━┻", "~(￣▽￣)~*", "(*/ω＼*)", "o(╥﹏╥)o"}
}

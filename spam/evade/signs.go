package evade

import (
	"math/rand/v2"
	"strings"
)

// invisible are characters that take no room. The last two are strokes drawn through the
// character before.
func invisible() []string {
	return []string{"\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u180e", "\u200e", "\u200f", "\u2063", "\ufe0e", "\ufe0f", "\u0336", "\u0335"}
}

// zeroWidth puts invisible characters between the others.
func zeroWidth(r *rand.Rand, t []rune) string {
	signs := invisible()
	sign, mixed := one(r, signs), r.IntN(3) == 0
	picked := change(r, len(t), func(i int) bool { return i > 0 })
	var b strings.Builder
	for i, c := range t {
		if picked[i] {
			if mixed {
				sign = one(r, signs)
			}
			b.WriteString(strings.Repeat(sign, 1+r.IntN(2)))
		}
		b.WriteRune(c)
	}
	return b.String()
}

// fullWidth widens ASCII.
func fullWidth(r *rand.Rand, t []rune) string {
	picked := change(r, len(t), func(i int) bool { return t[i] > ' ' && t[i] <= '~' })
	var b strings.Builder
	for i, c := range t {
		if picked[i] {
			c += 0xff01 - '!'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// digitStyles are ways to write the ten digits, from 0 to 9.
func digitStyles() [][]string {
	lists := []string{
		"⓪ ① ② ③ ④ ⑤ ⑥ ⑦ ⑧ ⑨", "零 一 二 三 四 五 六 七 八 九", "〇 一 二 三 四 五 六 七 八 九", "零 壹 贰 叁 肆 伍 陆 柒 捌 玖",
		"0 ⑴ ⑵ ⑶ ⑷ ⑸ ⑹ ⑺ ⑻ ⑼", "0 ⒈ ⒉ ⒊ ⒋ ⒌ ⒍ ⒎ ⒏ ⒐", "O Ⅰ Ⅱ Ⅲ Ⅳ Ⅴ Ⅵ Ⅶ Ⅷ Ⅸ", "⁰ ¹ ² ³ ⁴ ⁵ ⁶ ⁷ ⁸ ⁹", "₀ ₁ ₂ ₃ ₄ ₅ ₆ ₇ ₈ ₉",
		"⓿ ❶ ❷ ❸ ❹ ❺ ❻ ❼ ❽ ❾", "0️⃣ 1️⃣ 2️⃣ 3️⃣ 4️⃣ 5️⃣ 6️⃣ 7️⃣ 8️⃣ 9️⃣", "🄋 ➀ ➁ ➂ ➃ ➄ ➅ ➆ ➇ ➈", "0 ㈠ ㈡ ㈢ ㈣ ㈤ ㈥ ㈦ ㈧ ㈨",
		"o l 2 3 4 5 б 7 8 9", "О I 2 З 4 5 6 7 В 9", "O l Z 3 4 S b 7 B q", "о 丨 2 З 4 5 б 7 8 9", "零 幺 二 三 四 五 六 七 八 九", "洞 妖 两 叁 似 舞 流 气 吧 酒",
	}
	for _, from := range []rune{'𝟎', '𝟘', '𝟢', '𝟬', '𝟶'} {
		row := []string{}
		for i := range rune(10) {
			row = append(row, string(from+i))
		}
		lists = append(lists, strings.Join(row, " "))
	}
	styles := make([][]string, len(lists))
	for i, list := range lists {
		styles[i] = strings.Fields(list)
	}
	return styles
}

// disguiseDigits writes digits in another style, sometimes each in its own.
func disguiseDigits(r *rand.Rand, t []rune) string {
	styles := digitStyles()
	style, mixed := one(r, styles), r.IntN(3) == 0
	picked := change(r, len(t), func(i int) bool { return isDigit(t[i]) })
	var b strings.Builder
	for i, c := range t {
		if !picked[i] {
			b.WriteRune(c)
			continue
		}
		if mixed {
			style = one(r, styles)
		}
		b.WriteString(style[c-'0'])
	}
	return b.String()
}

// lookAlikes are, per letter, characters of other alphabets that look like it.
func lookAlikes() map[rune][]rune {
	m := map[rune][]rune{}
	for row := range strings.FieldsSeq("aаɑαᴀᥲ bЬƅʙ cсϲᴄ dԁɗᴅ eеєҽᴇ fƒϝꜰ gɡցɢ hһнʜ iіıɪι jјʝᴊ kкκᴋ lӏⅼʟ| mмᴍ nпηɴ oоοσᴏօ " +
		"pрρᴘ qԛգ rгʀ sѕꜱ$ tтτᴛ uυսᴜ vνѵᴠ√∨ wѡԝωᴡ xхχ×ⅹ✘ yуүʏ zᴢʐ") {
		runes := []rune(row)
		m[runes[0]] = runes[1:]
		capital := runes[0] - 'a' + 'A'
		m[capital] = runes[1:]
	}
	for row := range strings.FieldsSeq("AАΑᗅ BВΒᗷ CСϹⅭ EЕΕ HНΗ IІΙⅠ JЈ KКΚK MМΜⅯ NΝ OОΟ〇 PРΡ QԚ SЅ TТΤ VѴⅤ∨ WԜЩШ XХΧⅩ✖ YУΥҮ ZΖ") {
		runes := []rune(row)
		m[runes[0]] = append(append([]rune{}, m[runes[0]]...), runes[1:]...)
	}
	return m
}

// alphabets are styled alphabets: where the capital A and the small a stand. Letters with
// an older place elsewhere in Unicode are left alone by styled.
func alphabets() [][2]rune {
	return [][2]rune{
		{0x1d400, 0x1d41a}, {0x1d468, 0x1d482}, {0x1d4d0, 0x1d4ea}, {0x1d56c, 0x1d586}, {0x1d5a0, 0x1d5ba},
		{0x1d5d4, 0x1d5ee}, {0x1d608, 0x1d622}, {0x1d63c, 0x1d656}, {0x1d670, 0x1d68a},
		{0x24b6, 0x24d0}, {0x1f110, 0x249c}, {0x1f130, 0x1f130}, {0x1f150, 0x1f150}, {0x1f170, 0x1f170},
	}
}

// styled writes a letter in a styled alphabet.
func styled(c rune, alphabet [2]rune) rune {
	if c <= 'Z' {
		return alphabet[0] + c - 'A'
	}
	return alphabet[1] + c - 'a'
}

// disguiseLetters writes Latin letters in a styled alphabet or with look-alikes.
func (g *Generator) disguiseLetters(r *rand.Rand, t []rune) string {
	alphabet, alike := one(r, alphabets()), r.IntN(2) == 0
	picked := change(r, len(t), func(i int) bool { return isLatin(t[i]) })
	var b strings.Builder
	for i, c := range t {
		switch {
		case !picked[i]:
			b.WriteRune(c)
		case alike:
			b.WriteRune(one(r, g.alikes[c]))
		default:
			b.WriteRune(styled(c, alphabet))
		}
	}
	return b.String()
}

// separate puts one to three marks between Han characters and between digits: everywhere,
// or inside the words and numbers that matter.
func (g *Generator) separate(r *rand.Rand, t []rune) string {
	marks := strings.Split(". - _ * ~ | / · • , ' ^ = # 、 ， 。 … 丶 丨 ° ☆ ★ 🔥 ❤ ⭐ 👉 🍀", " ")
	mark := one(r, marks)
	if r.IntN(4) == 0 {
		mark = " "
	}
	mark = strings.Repeat(mark, []int{1, 1, 1, 2, 2, 3}[r.IntN(6)])
	at := func(i int) bool {
		return i > 0 && (isHan(t[i-1]) && isHan(t[i]) || isDigit(t[i-1]) && isDigit(t[i]))
	}
	words := g.weighty(t)
	inside := func(i int) bool { return at(i) && (words[i] && words[i-1] || isDigit(t[i])) }
	picked := change(r, len(t), at)
	if r.IntN(3) == 0 {
		picked = change(r, len(t), inside)
	}
	var b strings.Builder
	for i, c := range t {
		if picked[i] {
			b.WriteString(mark)
		}
		b.WriteRune(c)
	}
	return b.String()
}

package spam

import "strings"

// How much of a shape it takes.
const (
	minStyled = 4 // styled or look-alike characters that are more than a decoration
	minRepeat = 3 // times the same word of an advertisement comes back
	maxShort  = 6 // units of a text too short to say anything
)

// findShapes looks at how the text is built.
func (rd *reading) findShapes() {
	for c := range rd.clauses {
		cl := &rd.clauses[c]
		if rd.offers(cl.from, cl.to) {
			rd.add(cl.from, cl.from+2, sigOffer)
		}
		rd.findAmounts(cl.from, cl.to)
		if rd.styledUnits(cl.from, cl.to) >= minStyled {
			cl.sigs |= sigStyled
		}
	}
	for _, at := range rd.asked {
		if at > 0 {
			rd.clauses[rd.clauseOf(at-1)].sigs |= sigQuestion
		}
	}
	rd.findList()
	if len(rd.units) <= maxShort {
		for c := range rd.clauses {
			rd.clauses[c].sigs |= sigShort
		}
	}
	rd.findRepeats()
}

// offers tells whether a clause starts with selling or buying: 出两张…, 卖… .
func (rd *reading) offers(from, to int) bool {
	if to-from < 3 {
		return false
	}
	not, second := "", rd.units[from+1].r
	switch rd.units[from].r {
	case '出':
		not = "来去门了现口差院生产租入发游席境国力事错手场路问名问汗血血水轨于自身行征"
	case '卖':
		not = "完得不没家吗了给掉啥光的到"
	case '收':
		not = "到货款银回听集取纳养割尾获视费据件拾了不没藏音入工盘敛放"
	default:
		return false
	}
	return !strings.ContainsRune(not, second)
}

// findAmounts looks between two units for prices, ratios (1:50, 一比二百) and amounts per
// piece or day (80一单, 一天300).
func (rd *reading) findAmounts(from, to int) {
	for i := from + 1; i < to; i++ {
		u, before := &rd.units[i], &rd.units[i-1]
		switch {
		case numeral(before.r) && u.gap <= gapHidden && strings.ContainsRune("元块毛折r", u.r) && !rd.wordAfter(i):
			rd.add(i-1, i+1, sigPrice)
			if rd.piece(i, to) {
				rd.add(i-1, i+1, sigRate)
			}
		case u.r == '比' && i+1 < to && numeral(before.r) && numeral(rd.units[i+1].r):
			rd.add(i-1, i+2, sigRatio)
		case isDigit(u.r) && u.mark&markColon != 0 && (before.r == '1' || rd.hundreds(i)) && rd.ratio(i, to):
			rd.add(i-1, i+1, sigRatio)
		case isDigit(u.r) && !isDigit(before.r) && rd.perPiece(i-1), isDigit(before.r) && !isDigit(u.r) && rd.piece(i, to):
			rd.add(i-1, i+1, sigRate)
		}
	}
}

// wordAfter tells whether unit i starts a longer Latin word: the r of "3rd".
func (rd *reading) wordAfter(i int) bool {
	return rd.units[i].r == 'r' && i+1 < len(rd.units) && rd.units[i+1].gap <= gapHidden && isAlnum(rd.units[i+1].r)
}

func numeral(r rune) bool {
	return isDigit(r) || strings.ContainsRune("一二三四五六七八九十百千万两", r)
}

// ratio tells whether the right side of a colon, from unit i on, is no time of day.
func (rd *reading) ratio(i, to int) bool {
	n := 0
	for i+n < to && isDigit(rd.units[i+n].r) && (n == 0 || rd.units[i+n].gap == gapNone) {
		n++
	}
	return n >= 3 || n <= 2 && rd.units[i-1].r == '1' && (i < 2 || !isDigit(rd.units[i-2].r))
}

// hundreds tells whether at least two digits stand before unit i.
func (rd *reading) hundreds(i int) bool {
	return i >= 3 && isDigit(rd.units[i-1].r) && isDigit(rd.units[i-2].r) && isDigit(rd.units[i-3].r)
}

// perPiece tells whether unit i ends a word such as 一单 or 一天, before an amount.
func (rd *reading) perPiece(i int) bool {
	return i > 0 && strings.ContainsRune("单条篇天结时趟", rd.units[i].r) && strings.ContainsRune("一每日秒小1", rd.units[i-1].r)
}

// piece tells whether "per piece" follows an amount that ends before unit i.
func (rd *reading) piece(i, to int) bool {
	if strings.ContainsRune("元块r米w佣", rd.units[i].r) {
		i++
	}
	if i+1 >= to || !strings.ContainsRune("一每1", rd.units[i].r) {
		return false
	}
	return strings.ContainsRune("单条篇天小趟把局", rd.units[i+1].r)
}

func (rd *reading) styledUnits(from, to int) int {
	n := 0
	for i := from; i < to; i++ {
		if rd.units[i].mark&(markStyled|markAlike) != 0 {
			n++
		}
	}
	return n
}

// findRepeats looks for words of an advertisement that come back and back.
func (rd *reading) findRepeats() {
	var seen, ends [64]int
	for _, h := range rd.hits {
		for s := h.sigs & (anyMedium | anyAdd | anyPrivate | anyTopic); s != 0; s &= s - 1 {
			at := trailing(s)
			if h.from < ends[at] {
				continue // the same word, longer
			}
			ends[at] = h.to
			if seen[at]++; seen[at] == minRepeat {
				rd.add(h.from, h.to, sigRepeat)
			}
		}
	}
}

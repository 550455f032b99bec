package spam

import "strings"

// How much makes a list that members add themselves to.
const (
	minEntries = 3  // numbered entries, or lines that name a quantity; one, under the word 接龙
	maxEntry   = 16 // units of an entry that need not name a quantity
	maxOrder   = 40 // units of one that does
	maxEntryNo = 999
)

// entry is a numbered piece of a text, from the unit after its number up to the next entry
// or line.
type entry struct {
	no, from, to int
}

// findList looks whether the text is a list that members add themselves to, with its
// numbers or without, and gives its clauses sigOrderList. What it takes is not the numbers
// alone, with which advertisers write too, but that the entries are as short as a name, or
// name a quantity. shareSignals takes the signal back from lines that advertise.
func (rd *reading) findList() {
	entries, called := rd.entries(), rd.calledFor()
	listed, first := 0, len(rd.units)
	for i := range entries {
		e := &entries[i]
		if rd.ordered(e.from, e.to) {
			listed++
			first = min(first, e.from)
		} else {
			e.to = e.from
		}
	}
	enough := listed >= minEntries && 3*listed >= 2*len(entries) || called && listed >= 1
	if !enough {
		rd.findOrderLines()
		return
	}
	for c := range rd.clauses {
		if cl := &rd.clauses[c]; cl.to <= first {
			cl.sigs |= sigOrderList // what the list is for
		}
	}
	for _, e := range entries {
		rd.list(e.from, e.to)
	}
}

// entries finds the numbers 1, 2, 3 and so on where entries may start, wherever the lines
// end; pasting often loses them. A number may come twice: two members were equally quick.
func (rd *reading) entries() []entry {
	list := rd.listed[:0]
	last, line := 0, 0
	for i := 0; i < len(rd.units); i++ {
		if rd.units[i].gap == gapLine {
			line = i
		}
		no, end := rd.entryNumber(i, line)
		if n := len(list); end > i && (no == last+1 || no == last && n > 0 && line == i || no == 1) {
			if n > 0 && list[n-1].to > i {
				list[n-1].to = i
			}
			list = append(list, entry{no, end, rd.lineEnd(end)})
			last, i = no, end-1
		}
	}
	rd.listed = list
	return list
}

// entryNumber reads the number at unit i that may start an entry: it stands apart from what
// comes before, and from what comes after unless it is a keycap, in a circle, or starts
// the line.
func (rd *reading) entryNumber(i, line int) (no, end int) {
	u := &rd.units[i]
	if !isDigit(u.r) || i > 0 && u.gap <= gapHidden && !isHan(rd.units[i-1].r) {
		return 0, i
	}
	styled := u.mark&markStyled != 0
	for end = i; end < len(rd.units) && isDigit(rd.units[end].r) && (end == i || rd.units[end].gap <= gapHidden) && no <= maxEntryNo; end++ {
		no = 10*no + int(rd.units[end].r-'0')
	}
	if end == len(rd.units) || no == 0 || no > maxEntryNo {
		return 0, i
	}
	next := &rd.units[end]
	apart := next.gap >= gapSoft && !isDigit(next.r) || next.gap == gapDot || styled || line == i && isHan(next.r)
	if !apart || isDigit(next.r) && next.gap == gapDot && u.gap <= gapHidden {
		return 0, i
	}
	return no, end
}

// lineEnd is the end of the line unit i is in, at most a little more than an entry away.
func (rd *reading) lineEnd(i int) int {
	end := i
	for end < len(rd.units) && end-i <= maxOrder && (end == i || rd.units[end].gap != gapLine) {
		end++
	}
	return end
}

// ordered tells whether the units from up to to may be an entry.
func (rd *reading) ordered(from, to int) bool {
	n := to - from
	return n > 0 && (n <= maxEntry || n <= maxOrder && rd.quantity(from, to))
}

// measures are the words goods and guests are counted with. Those that pay is counted
// with, 单 条 篇 天, are not among them.
const measures = "份斤盒箱个個袋瓶只隻件包套支串提罐杯枚根桶筐扎捆板颗粒朵盆人位盘两"

// quantity tells whether a quantity is named between two units: 2份, 三斤, +1.
func (rd *reading) quantity(from, to int) bool {
	for i := from; i < to; i++ {
		u := &rd.units[i]
		switch {
		case i > from && u.gap <= gapSpace && strings.ContainsRune(measures, u.r) && (numeral(rd.units[i-1].r) || rd.units[i-1].r == '半'):
			return true
		case i > from && isDigit(u.r) && rd.units[i-1].r == '+' && u.gap <= gapSpace:
			return true
		}
	}
	return false
}

// calledFor tells whether the text asks members to add themselves.
func (rd *reading) calledFor() bool {
	for i := 1; i < len(rd.units); i++ {
		if rd.units[i].r == '龙' && rd.units[i-1].r == '接' {
			return true
		}
	}
	return false
}

// findOrderLines looks for a list without numbers: lines that each name a quantity.
func (rd *reading) findOrderLines() {
	list, from := rd.listed[:0], 0
	for i := 1; i <= len(rd.units); i++ {
		if i < len(rd.units) && rd.units[i].gap != gapLine {
			continue
		}
		if i-from <= maxEntry && rd.quantity(from, i) {
			list = append(list, entry{0, from, i})
		}
		from = i
	}
	rd.listed = list
	if len(list) < minEntries {
		return
	}
	for _, e := range list {
		rd.list(e.from, e.to)
	}
}

// list gives sigOrderList to the clauses the units from up to to are in.
func (rd *reading) list(from, to int) {
	if from >= to {
		return
	}
	for c := rd.clauseOf(from); c <= rd.clauseOf(to-1); c++ {
		rd.clauses[c].sigs |= sigOrderList
	}
}

// notListed are what no entry of a list has: who writes it into one advertises.
const notListed = anyTopic | sigToken | sigOddLink | sigHandle | sigMessenger | sigPay | sigEarn | sigPartner

// unlist takes the signal back from lines that advertise.
func (rd *reading) unlist() {
	for c := range rd.clauses {
		if rd.clauses[c].sigs&notListed != 0 {
			rd.clauses[c].sigs &^= sigOrderList
		}
	}
}

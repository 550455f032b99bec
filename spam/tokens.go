package spam

import "strings"

// What an account name or a number must measure.
const (
	minHandle = 5
	maxHandle = 24
	minNumber = 5 // digits of the shortest account number
	maxNumber = 13
	maxFiller = 3 // units between a medium's name and the account
)

// filler are the units that may stand between a medium's name and the account.
const filler = "号码是为搜加+我的账户唯一名联系找到请可私v群"

// findTokens looks for what no list can hold: numbers, account names, links.
func (rd *reading) findTokens() {
	for i := 0; i < len(rd.units); {
		to := rd.findNumber(i)
		if to == i {
			i++
			continue
		}
		i = to
	}
	for i := 0; i < len(rd.units); {
		if !isAlnum(rd.units[i].r) {
			i++
			continue
		}
		to := rd.runEnd(i)
		rd.findName(i, to)
		i = rd.findLink(i, to)
	}
}

func (rd *reading) add(from, to int, sigs signal) {
	rd.hits = append(rd.hits, hit{from, to, sigs})
}

// runEnd is the end of the run of letters and digits that starts at i.
func (rd *reading) runEnd(i int) int {
	for i++; i < len(rd.units) && isAlnum(rd.units[i].r) && rd.units[i].gap <= gapHidden; i++ {
	}
	return i
}

// run is the text of a run, at most 32 units of it.
func (rd *reading) run(from, to int) string {
	var buf [32]byte
	n := 0
	for i := from; i < to && n < len(buf); i++ {
		buf[n] = byte(rd.units[i].r)
		n++
	}
	return string(buf[:n])
}

// findName looks whether the run from up to to is an account name.
func (rd *reading) findName(from, to int) {
	n := to - from
	if n > maxHandle {
		return
	}
	letters, digits := rd.count(from, to)
	switch {
	case from > 0 && rd.units[from-1].r == '@' && n >= minHandle && letters > 0 && rd.mention(from-1):
		rd.add(from-1, to, sigHandle)
	case n >= minHandle && letters > 0 && digits > 1 && rd.veiledInitial(from):
		rd.add(from-1, to, sigToken|sigWechatVeiled)
	case n >= minHandle && letters > 0 && rd.named(from, letters, digits):
		rd.add(from, to, sigToken)
	case digits >= minNumber && rd.prefixed(from, to):
		rd.add(from, to, sigToken)
	}
}

// named tells whether a run of so many letters and digits is introduced as an account.
func (rd *reading) named(from, letters, digits int) bool {
	switch rd.introduced(from) {
	case introAccount:
		return digits > 0 || letters > minHandle
	case introPhone:
		return digits > 1 && letters > 1
	default:
		return false
	}
}

func (rd *reading) count(from, to int) (letters, digits int) {
	for i := from; i < to; i++ {
		if isDigit(rd.units[i].r) {
			digits++
		} else if isLatin(rd.units[i].r) {
			letters++
		}
	}
	return letters, digits
}

// mention tells whether an @ is not the middle of a mail address.
func (rd *reading) mention(at int) bool {
	return at == 0 || rd.units[at].gap > gapHidden || !isAlnum(rd.units[at-1].r)
}

// intro says what the words before a number or name make of it.
type intro uint8

const (
	introNone    intro = iota
	introPhone         // 联系, 电话: a telephone, unless it has letters
	introAccount       // 微信, 加我, q群: an account
)

// introduced tells what ends shortly before unit i: 微信号是, v:, 电话.
func (rd *reading) introduced(i int) intro {
	for back := 0; back <= maxFiller && i-back > 0; back++ {
		at := i - back
		if rd.intros[at] != introNone {
			return rd.intros[at]
		}
		if rd.initial(at) && rd.units[i].gap != gapLine {
			return introAccount
		}
		if !strings.ContainsRune(filler, rd.units[at-1].r) {
			return introNone
		}
	}
	return introNone
}

// initial tells whether the unit before at is a lone v or q.
func (rd *reading) initial(at int) bool {
	r := rd.units[at-1].r
	if r != 'v' && r != 'q' {
		return false
	}
	return at == 1 || rd.units[at-1].gap > gapHidden || !isAlnum(rd.units[at-2].r)
}

// veiledInitial tells whether a character that stands for 微信 is right before unit i. They
// also end given names, so a bare telephone number after one says nothing.
func (rd *reading) veiledInitial(i int) bool {
	return i > 0 && rd.units[i].gap <= gapSpace && strings.ContainsRune("薇威徽嶶溦葳", rd.units[i-1].r)
}

// prefixed tells whether a run is a medium's initials and a number: q12345, wx12345, v12345.
func (rd *reading) prefixed(from, to int) bool {
	i := from
	for i < to && isLatin(rd.units[i].r) {
		i++
	}
	switch rd.run(from, i) {
	case "v", "q", "vx", "wx", "qq", "wxid", "vv", "tg", "qun", "w":
		return true
	default:
		return false
	}
}

package spam

import "strings"

// spelledDigit is the digit a character other than 0-9 stands for: in figures, in the
// banker's characters, in radio speech.
func spelledDigit(r rune) (d byte, ok bool) {
	switch r {
	case '〇', '零', '洞':
		return 0, true
	case '一', '壹', '幺':
		return 1, true
	case '二', '贰', '弍':
		return 2, true
	case '三', '叁', '弎':
		return 3, true
	case '四', '肆', '泗':
		return 4, true
	case '五', '伍':
		return 5, true
	case '六', '陆':
		return 6, true
	case '七', '柒', '拐':
		return 7, true
	case '八', '捌', '扒':
		return 8, true
	case '九', '玖':
		return 9, true
	default:
		return 0, false
	}
}

// letterDigit is the digit a letter looks like.
func letterDigit(r rune) (d byte, ok bool) {
	switch r {
	case 'o':
		return 0, true
	case 'l', 'i':
		return 1, true
	default:
		return 0, false
	}
}

// digitAt is the digit unit i is read as, whether it is plainly written, and whether it is
// one at all. Letters count as digits only inside a number.
func (rd *reading) digitAt(i int, inside bool) (d byte, plain, ok bool) {
	u := &rd.units[i]
	switch {
	case isDigit(u.r):
		return byte(u.r - '0'), u.mark&markStyled == 0, true
	case isHan(u.r):
		d, ok = spelledDigit(u.r)
		return d, false, ok
	case inside && rd.amongDigits(i):
		d, ok = letterDigit(u.r)
		return d, false, ok
	default:
		return 0, false, false
	}
}

// amongDigits tells whether the unit after i is a digit too, or a letter that looks like one.
func (rd *reading) amongDigits(i int) bool {
	if i+1 == len(rd.units) {
		return false
	}
	_, like := letterDigit(rd.units[i+1].r)
	return like || isDigit(rd.units[i+1].r)
}

// number is what is counted while digits are read.
type number struct {
	from, to int
	veiled   int // digits not written as 0-9
	gaps     int // gaps that can be seen
	han      int
}

// findNumber reads the number that starts at unit i, if one does, and gives the unit where
// reading goes on. A single Han digit at either end is a word of its own: 张三138…, …三份.
func (rd *reading) findNumber(i int) int {
	if _, _, ok := rd.digitAt(i, false); !ok {
		return i
	}
	if isHan(rd.units[i].r) && i+1 < len(rd.units) && isDigit(rd.units[i+1].r) {
		return i + 1
	}
	rd.digits = rd.digits[:0]
	n := number{from: i, to: i}
	for n.to < len(rd.units) {
		d, plain, ok := rd.digitAt(n.to, n.to > i)
		if !ok || n.to > i && !rd.joinsDigits(i, n.to) {
			break
		}
		rd.digits = append(rd.digits, '0'+d)
		n.count(&rd.units[n.to], plain)
	}
	next := n.to
	if n.han > 0 && n.to-i > 1 && isHan(rd.units[n.to-1].r) && isDigit(rd.units[n.to-2].r) {
		n.to, n.han, n.veiled = n.to-1, n.han-1, n.veiled-1
		rd.digits = rd.digits[:len(rd.digits)-1]
	}
	rd.judgeNumber(n)
	return next
}

func (n *number) count(u *unit, plain bool) {
	if !plain {
		n.veiled++
	}
	if isHan(u.r) {
		n.han++
	}
	if n.to > n.from && u.gap > gapHidden {
		n.gaps++
	}
	n.to++
}

// joinsDigits tells whether the digit at unit i goes on the number that started at from:
// nothing stands between, or the usual groups of a telephone number, or every digit alone.
func (rd *reading) joinsDigits(from, i int) bool {
	u := &rd.units[i]
	switch {
	case u.gap <= gapHidden:
		return true
	case u.gap == gapLine || u.mark&markColon != 0:
		return false
	default:
		group := i - rd.groupStart(from, i)
		return group >= 3 && u.gap < gapHard || group == 1 && rd.aloneAfter(i)
	}
}

// groupStart is the unit after the last gap before i, not before from.
func (rd *reading) groupStart(from, i int) int {
	for i--; i > from && rd.units[i].gap <= gapHidden; i-- {
	}
	return i
}

// judgeNumber says what a number may be.
func (rd *reading) judgeNumber(n number) {
	size := len(rd.digits)
	if size < minNumber || size > maxNumber || n.han > 0 && (size < 7 || counting(rd.digits)) {
		return
	}
	if masked := rd.maskedEnd(n); masked > n.to && masked-n.from >= mobileDigits && size >= 7 {
		n.to, size = masked, mobileDigits
	}
	sigs := sigNumber
	if phone(rd.digits, size) {
		sigs |= sigPhone
	}
	if n.veiled >= 3 || n.gaps >= 4 {
		sigs |= sigVeiledDigits
	}
	switch rd.introduced(n.from) {
	case introAccount:
		sigs |= sigToken
	case introPhone:
		if size >= 7 {
			sigs |= sigPhone
		}
	}
	if size > minNumber {
		sigs |= rd.oneCharacter(n.from)
	}
	rd.add(n.from, n.to, sigs)
}

// oneCharacter tells whether a single character right before the number at unit i stands
// for the medium it is an account of: 扣778899, 薇：13800000000. Without the colon 薇 is
// the end of a name.
func (rd *reading) oneCharacter(i int) signal {
	if i == 0 {
		return 0
	}
	u, before := &rd.units[i], rd.units[i-1].r
	switch {
	case (before == '扣' || before == '叩') && u.gap <= gapSpace:
		return sigToken | sigQQVeiled
	case u.mark&markColon != 0 && strings.ContainsRune("薇徽嶶溦", before):
		return sigToken | sigWechatVeiled
	default:
		return 0
	}
}

// maskedEnd is the end of the number with the letters that stand for hidden digits:
// 1380000xxxx.
func (rd *reading) maskedEnd(n number) int {
	to := n.to
	for to < len(rd.units) && rd.units[to].r == 'x' && to-n.from < mobileDigits {
		to++
	}
	return to
}

// mobileDigits is the length of a mobile number.
const mobileDigits = 11

// phone tells whether digits, of which n are meant, are a mobile or service number.
func phone(digits []byte, n int) bool {
	s := strings.TrimPrefix(string(digits), "86")
	if len(s) < len(digits) {
		n -= 2
	}
	mobile := n == mobileDigits && len(s) >= 2 && s[0] == '1' && s[1] >= '3'
	service := n == 10 && (strings.HasPrefix(s, "400") || strings.HasPrefix(s, "800"))
	return mobile || service
}

// counting tells whether the digits only go up: somebody counts.
func counting(digits []byte) bool {
	for i := 1; i < len(digits); i++ {
		if digits[i] != digits[i-1]+1 {
			return false
		}
	}
	return true
}

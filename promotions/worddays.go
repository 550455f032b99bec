package promotions

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// readDays reads which days words mean: the fields of day, month and weekday, and the days
// of the calendar.
func readDays(words string) (dates, days string, err error) {
	if strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return chineseDays(words)
	}
	return englishDays(words)
}

const (
	everyDay = "* * *"
	weekend  = "* * 0,6"
)

var (
	yearly  = regexp.MustCompile(`^每年(\d[\d月,和及与至到-]*)月的?([^月]+)$`)
	monthly = regexp.MustCompile(`^每?个?月(?:的)?(.+)$`)
	weekly  = regexp.MustCompile(`^每?个?(?:周|星期|礼拜)(.+)$`)
	lists   = regexp.MustCompile(`[和及与,的]+`)
)

func chineseDays(words string) (dates, days string, err error) {
	words = strings.ReplaceAll(words, " ", "")
	switch strings.TrimPrefix(strings.TrimPrefix(words, "每"), "个") {
	case "天", "日", "一天", "天天":
		return everyDay, "", nil
	case "工作日":
		return everyDay, DaysWorkdays, nil
	case "节假日", "法定节假日", "公众假期":
		return everyDay, DaysHolidays, nil
	case "周末", "双休日":
		return weekend, "", nil
	}
	if m := yearly.FindStringSubmatch(words); m != nil {
		months, err := numbers(strings.NewReplacer("月", "", "至", "-", "到", "-").Replace(m[1]), 1, 12, "month")
		if err != nil {
			return "", "", err
		}
		dates, err := monthDays(m[2])
		return dates + " " + months + " *", "", err
	}
	if m := monthly.FindStringSubmatch(words); m != nil {
		dates, err := monthDays(m[1])
		return dates + " * *", "", err
	}
	if m := weekly.FindStringSubmatch(words); m != nil {
		dates, err := weekDays(m[1])
		return "* * " + dates, "", err
	}
	return "", "", fmt.Errorf("says no days that can be understood: %q", words)
}

// monthDays reads 1日15日, 1号和最后一天 or 1日至5日.
func monthDays(words string) (string, error) {
	for _, last := range []string{"最后一天", "最后1天", "最后一日", "月底", "月末", "底", "末"} {
		words = strings.ReplaceAll(words, last, ",L,")
	}
	for _, unit := range []string{"日", "号", "號"} {
		words = strings.ReplaceAll(words, unit, ",")
	}
	for _, to := range []string{"至", "到", "-"} { // 1日至5日 has become 1,至5,
		words = strings.ReplaceAll(strings.ReplaceAll(words, ","+to, "-"), to, "-")
	}
	return numbers(words, 1, 31, "day")
}

// weekDays reads 一三五, 一、三、五, 一至五, 1,3,5 or 一和周三.
func weekDays(words string) (string, error) {
	const names = "日一二三四五六"
	for _, again := range []string{"每", "周", "星期", "礼拜"} {
		words = strings.ReplaceAll(words, again, "")
	}
	words = strings.NewReplacer("天", "日", "至", "-", "到", "-").Replace(words)
	var out []string
	for part := range strings.SplitSeq(lists.ReplaceAllString(words, ","), ",") {
		var listed []string // numbers, of which a range ends with the last
		ranged := false
		for _, r := range part {
			n := slices.Index([]rune(names), r)
			if n < 0 && r >= '1' && r <= '7' {
				n = int(r - '0')
			}
			switch {
			case r == '-' && len(listed) > 0:
				ranged = true
				continue
			case n < 0:
				return "", fmt.Errorf("says %q, which is no day of the week; want 一 to 六, 日 or 天", string(r))
			}
			if ranged {
				listed = append(listed, weekdaysAfter(listed[len(listed)-1], n)...)
				ranged = false
				continue
			}
			listed = append(listed, strconv.Itoa(n%7))
		}
		if ranged {
			return "", fmt.Errorf("has a range of days without an end")
		}
		out = append(out, listed...)
	}
	if len(out) == 0 {
		return "", fmt.Errorf("names no day of the week")
	}
	return strings.Join(out, ","), nil
}

// weekdaysAfter are the days from behind one to another, over the end of the week if need be.
func weekdaysAfter(from string, to int) []string {
	var out []string
	for n, _ := strconv.Atoi(from); n != to%7; {
		n = (n + 1) % 7
		out = append(out, strconv.Itoa(n))
	}
	return out
}

// numbers reads a list of numbers, ranges and L, and writes it as cron has it.
func numbers(list string, low, high int, what string) (string, error) {
	var out []string
	for part := range strings.SplitSeq(lists.ReplaceAllString(list, ","), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if part == "L" {
			out = append(out, part)
			continue
		}
		before := 0
		for n := range strings.SplitSeq(part, "-") {
			v, err := strconv.Atoi(n)
			if err != nil || v < low || v > high {
				return "", fmt.Errorf("says %s %q; want %d to %d", what, n, low, high)
			}
			if v < before {
				return "", fmt.Errorf("says %s %s, which goes backwards", what, part)
			}
			before = v
		}
		out = append(out, part)
	}
	if len(out) == 0 {
		return "", fmt.Errorf("names no %s", what)
	}
	return strings.Join(out, ","), nil
}

var (
	englishFiller = regexp.MustCompile(`\b(?:every|each|on|the|at|of)\b`)
	ordinal       = regexp.MustCompile(`\b(\d{1,2})(?:st|nd|rd|th)\b`)
	lastDayWords  = regexp.MustCompile(`\b(?:last day|month end|end month)\b`)
	monthFiller   = regexp.MustCompile(`\b(?:monthly|months?|days?)\b`)
	englishList   = regexp.MustCompile(`[,&\s]+(?:and\s+)?`)
	englishRange  = regexp.MustCompile(`\s*(?:-|\bto\b|\bthrough\b)\s*`)
)

func englishDays(words string) (dates, days string, err error) {
	words = strings.Join(strings.Fields(englishFiller.ReplaceAllString(words, " ")), " ")
	switch strings.TrimSuffix(words, "s") {
	case "day", "daily":
		return everyDay, "", nil
	case "workday", "working day", "business day":
		return everyDay, DaysWorkdays, nil
	case "holiday", "public holiday":
		return everyDay, DaysHolidays, nil
	case "weekday":
		return "* * 1-5", "", nil
	case "weekend":
		return weekend, "", nil
	}
	inMonth := strings.Contains(words, "month")
	words = lastDayWords.ReplaceAllString(words, ",L,")
	if inMonth {
		words = ordinal.ReplaceAllString(monthFiller.ReplaceAllString(words, " "), "$1")
	}
	words = englishRange.ReplaceAllString(words, "-")
	words = strings.Trim(englishList.ReplaceAllString(" "+words, ","), ",")
	if inMonth {
		dates, err := numbers(words, 1, 31, "day")
		return dates + " * *", "", err
	}
	var out []string
	for part := range strings.SplitSeq(words, ",") {
		from, to, ranged := strings.Cut(part, "-")
		first, err := englishWeekday(from)
		if err != nil {
			return "", "", err
		}
		if out = append(out, strconv.Itoa(first)); !ranged {
			continue
		}
		last, err := englishWeekday(to)
		if err != nil {
			return "", "", err
		}
		out = append(out, weekdaysAfter(strconv.Itoa(first), last)...)
	}
	return "* * " + strings.Join(out, ","), "", nil
}

// englishWeekday reads mon, tues, Thursday or Sundays.
func englishWeekday(name string) (int, error) {
	for i, full := range []string{"sundays", "mondays", "tuesdays", "wednesdays", "thursdays", "fridays", "saturdays"} {
		if len(name) >= 3 && strings.HasPrefix(full, name) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("says %q, which is no day; want mon to sun, every day, workdays, weekends, or the last day of month", name)
}

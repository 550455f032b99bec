package promotions

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"xiaobu/cron"
	"xiaobu/handlers"
	"xiaobu/store"
)

// wanted closes every refusal of a schedule.
const wanted = "want words such as 每周一三五 10:05, 工作日 10:05, 每月最后一天 9:05, mon,wed,fri 10:05 or workdays 10:05, 18:35, " +
	"or the five fields of cron such as 5 10 * * 1,3,5"

const maxTimes = 24 // times of a day in words

// readSchedule reads what schedule.cron says, words or fields, and which days it takes:
// words may say that too.
func readSchedule(s store.ScheduleSpec) (sched cron.Schedule, days string, err error) {
	days = cmp.Or(s.Days, DaysAll)
	fields := s.Cron
	if wordy(s.Cron) {
		var said string
		fields, said, err = readWords(s.Cron)
		if err != nil {
			return nil, "", handlers.Invalidf("schedule.cron", "%q %s; %s", s.Cron, err, wanted)
		}
		if said != "" && s.Days != "" && s.Days != said {
			return nil, "", handlers.Invalidf("schedule.days", "is %s, but %q in schedule.cron means %s; leave one of the two out", s.Days, s.Cron, said)
		}
		days = cmp.Or(said, days)
	}
	if sched, err = cron.Parse(fields); err != nil {
		return nil, "", handlers.Invalidf("schedule.cron", "%q: %s; %s", s.Cron, err, wanted)
	}
	return sched, days, nil
}

// wordy reports whether a schedule is said in words: fields have no Chinese and no clock.
func wordy(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) || timeOfDay.MatchString(plainly(text))
}

// plainly writes what a Chinese keyboard makes of digits and punctuation as ASCII.
func plainly(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= 0xff01 && r <= 0xff5e: // fullwidth forms of ! to ~
			r -= 0xff01 - '!'
		case r == '、':
			return ','
		case unicode.IsSpace(r):
			return ' '
		case r == '–' || r == '—' || r == '~':
			return '-'
		}
		return unicode.ToLower(r)
	}, text)
	return strings.TrimSpace(text)
}

// timeOfDay finds 10:05, 10点, 10点半, 10点05分, 下午3点, 10am and 6:35 pm.
var timeOfDay = regexp.MustCompile(`(?:(凌晨|清晨|早晨|早上|上午|中午|下午|傍晚|晚上|夜里) ?)?(\d{1,2})(?::(\d{2})( ?[ap]m\b)?|[点时](?:(半)|整|(\d{1,2})分?)?|( ?[ap]m\b))`)

// between is all that may stand between two times, or between a time and the days.
var between = regexp.MustCompile(`^(?: |,|;|&|和|及|与|的|\band\b|\bat\b)*$`)

// readWords turns words into fields, and into the days of the calendar that they mean.
func readWords(text string) (fields, days string, err error) {
	dayWords, times, err := splitTimes(plainly(text))
	if err != nil {
		return "", "", err
	}
	dates, days, err := readDays(dayWords)
	if err != nil {
		return "", "", err
	}
	return withTimes(times, dates), days, nil
}

// splitTimes tells the days, in front or behind, from the times of the day, in minutes.
func splitTimes(text string) (dayWords string, times []int, err error) {
	found := timeOfDay.FindAllStringSubmatchIndex(text, -1)
	if len(found) == 0 {
		return "", nil, fmt.Errorf("has no time of the day such as 10:05")
	}
	if len(found) > maxTimes {
		return "", nil, fmt.Errorf("has %d times of the day, at most %d are read", len(found), maxTimes)
	}
	for i, m := range found {
		if i > 0 && !between.MatchString(text[found[i-1][1]:m[0]]) {
			return "", nil, fmt.Errorf("has %q between two times", strings.TrimSpace(text[found[i-1][1]:m[0]]))
		}
		if m[0] > 0 && unicode.IsDigit(rune(text[m[0]-1])) {
			return "", nil, fmt.Errorf("has a time of too many digits")
		}
		minute, err := minuteOf(groups(text, m))
		if err != nil {
			return "", nil, err
		}
		times = append(times, minute)
	}
	front, back := text[:found[0][0]], text[found[len(found)-1][1]:]
	switch {
	case between.MatchString(back):
		dayWords = front
	case between.MatchString(front):
		dayWords = back
	default:
		return "", nil, fmt.Errorf("has %q behind the time", strings.TrimSpace(back))
	}
	if between.MatchString(dayWords) {
		return "", nil, fmt.Errorf("does not say on which days")
	}
	slices.Sort(times)
	return strings.TrimRight(dayWords, " ,;"), slices.Compact(times), nil
}

func groups(text string, m []int) []string {
	out := make([]string, len(m)/2)
	for i := range out {
		if m[2*i] >= 0 {
			out[i] = text[m[2*i]:m[2*i+1]]
		}
	}
	return out
}

// minuteOf reads the groups of timeOfDay.
func minuteOf(g []string) (int, error) {
	hour, _ := strconv.Atoi(g[2]) // the expression lets only digits through
	minute, _ := strconv.Atoi(cmp.Or(g[3], g[6], "0"))
	if g[5] != "" {
		minute = 30
	}
	part := cmp.Or(g[1], strings.TrimSpace(g[4]+g[7]))
	switch part {
	case "下午", "傍晚", "晚上", "夜里", "中午":
		if hour < 11 || hour == 11 && part != "中午" {
			hour += 12
		} else if hour == 12 && (part == "晚上" || part == "夜里") {
			return 0, fmt.Errorf("has %q, which may be either day; want 0:00 or 23:59", g[0])
		}
	case "am", "pm":
		if hour < 1 || hour > 12 {
			return 0, fmt.Errorf("has %q; want an hour from 1 to 12 with am or pm", g[0])
		}
		if hour %= 12; part == "pm" {
			hour += 12
		}
	}
	if hour > 23 || minute > 59 {
		return 0, fmt.Errorf("has %q, which no clock shows; want 0:00 to 23:59", strings.TrimSpace(g[0]))
	}
	return hour*60 + minute, nil
}

// withTimes writes fields for times of the day: an expression for each set of hours that has
// minutes of its own. dates are the three other fields.
func withTimes(times []int, dates string) string {
	var hours, minutes [60][]string // hours by minute; minutes by the place of their first with the same hours
	for _, t := range times {
		hours[t%60] = append(hours[t%60], strconv.Itoa(t/60))
	}
	var parts []string
	for m, h := range hours {
		first := slices.IndexFunc(hours[:], func(other []string) bool { return slices.Equal(other, h) })
		minutes[first] = append(minutes[first], strconv.Itoa(m))
	}
	for m, h := range hours {
		if len(h) > 0 && len(minutes[m]) > 0 {
			parts = append(parts, strings.Join(minutes[m], ",")+" "+strings.Join(h, ",")+" "+dates)
		}
	}
	return strings.Join(parts, "; ")
}

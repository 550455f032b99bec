package promotions

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"xiaobu/cron"
	"xiaobu/store"
)

// maxListed is how many times of a day are listed one by one.
const maxListed = 12

// Description is a schedule in words.
type Description struct {
	Fields  string // of cron
	Days    string // which days of the calendar it takes
	Chinese string
	English string
}

// Describe says in words when a schedule comes. Of one that cannot be read it repeats what
// was posted.
func Describe(s store.ScheduleSpec) Description {
	sched, days, err := readSchedule(s)
	if err != nil {
		return Description{Fields: s.Cron, Days: cmp.Or(s.Days, DaysAll), Chinese: s.Cron, English: s.Cron}
	}
	d := Description{Fields: strings.Join(strings.Fields(s.Cron), " "), Days: days,
		Chinese: describe(sched, days, chinese), English: describe(sched, days, english)}
	if wordy(s.Cron) {
		d.Fields = sched.String()
	}
	return d
}

// language is how schedules are put into words.
type language struct {
	every, workdays, holidays string // days
	filters                   map[string]string
	days                      func(e cron.Expression) string // other days
	often                     func(e cron.Expression) string // times too many to be listed
	and, at, then             string                         // between times, days and times, expressions
}

func describe(s cron.Schedule, days string, l language) string {
	var order []string
	times := map[string][]string{}
	for _, e := range s {
		on := l.on(e, days)
		if _, ok := times[on]; !ok {
			order = append(order, on)
		}
		times[on] = append(times[on], l.times(e)...)
	}
	parts := make([]string, len(order))
	for i, on := range order {
		slices.Sort(times[on])
		parts[i] = on + l.at + strings.Join(slices.Compact(times[on]), l.and)
	}
	return strings.Join(parts, l.then)
}

func (l language) on(e cron.Expression, days string) string {
	if !e.AnyDay || !e.AnyWeekday || e.Months.Len() < 12 {
		return l.days(e) + l.filters[days]
	}
	switch days {
	case DaysWorkdays:
		return l.workdays
	case DaysHolidays:
		return l.holidays
	}
	return l.every + l.filters[days]
}

func (l language) times(e cron.Expression) []string {
	if e.Hours.Len()*e.Minutes.Len() > maxListed {
		return []string{l.often(e)}
	}
	var out []string
	for _, h := range e.Hours.Values() {
		for _, m := range e.Minutes.Values() {
			out = append(out, fmt.Sprintf("%02d:%02d", h, m))
		}
	}
	return out
}

var chinese = language{
	every: "每天", workdays: "工作日", holidays: "法定节假日",
	filters: map[string]string{DaysWorkdays: "(仅工作日)", DaysNoHolidays: "(法定节假日除外)", DaysHolidays: "(仅法定节假日)"},
	days:    chineseOn, often: chineseOften, and: "、", at: " ", then: ";",
}

func chineseOn(e cron.Expression) string {
	month := "每月"
	if e.Months.Len() < 12 {
		month = "每年" + strings.Join(each(runs(e.Months.Values(), "至"), "%s月"), "、")
	}
	var parts []string
	if !e.AnyDay {
		days := each(runs(e.Days.Values(), "日至"), "%s日")
		if e.LastDay {
			days = append(days, "最后一天")
		}
		parts = append(parts, month+strings.Join(days, "、"))
	}
	if !e.AnyWeekday {
		week := chineseWeek(e.Weekdays)
		if e.Months.Len() < 12 && e.AnyDay {
			week = month + week
		}
		parts = append(parts, week)
	}
	if len(parts) == 0 {
		return month + "每天"
	}
	return strings.Join(parts, "或")
}

func chineseWeek(s cron.Set) string {
	if s == 1|1<<6 {
		return "每周末"
	}
	names := []rune("一二三四五六日")
	var out []string
	for _, run := range runsOf(mondayFirst(s)) {
		if len(run) > 2 {
			out = append(out, string(names[run[0]])+"至周"+string(names[run[len(run)-1]]))
			continue
		}
		for _, n := range run {
			out = append(out, string(names[n]))
		}
	}
	return "每周" + strings.Join(out, "、")
}

func chineseOften(e cron.Expression) string {
	hours := "每小时"
	if e.Hours.Len() < 24 {
		hours = strings.Join(each(runs(e.Hours.Values(), "至"), "%s点"), "、") + "的每小时"
	}
	if e.Minutes.Len() == 60 {
		return strings.TrimSuffix(strings.TrimSuffix(hours, "每小时"), "的") + "每分钟"
	}
	return hours + "第" + strings.Join(each(runs(e.Minutes.Values(), "至"), "%s"), "、") + "分"
}

var english = language{
	every: "every day", workdays: "on workdays", holidays: "on public holidays",
	filters: map[string]string{DaysWorkdays: " (workdays only)", DaysNoHolidays: " (not on public holidays)", DaysHolidays: " (public holidays only)"},
	days:    englishOn, often: englishOften, and: ", ", at: " at ", then: "; ",
}

func englishOn(e cron.Expression) string {
	month := "every month"
	if e.Months.Len() < 12 {
		names := []string{"", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
		var list []string
		for _, m := range e.Months.Values() {
			list = append(list, names[m])
		}
		month = and(list)
	}
	var parts []string
	if !e.AnyDay {
		var days []string
		for _, d := range e.Days.Values() {
			days = append(days, ordinalOf(d))
		}
		if e.LastDay {
			days = append(days, "last day")
		}
		parts = append(parts, "on the "+and(days)+" of "+month)
	}
	if !e.AnyWeekday {
		week := englishWeek(e.Weekdays)
		if e.Months.Len() < 12 && e.AnyDay {
			week += " of " + month
		}
		parts = append(parts, week)
	}
	if len(parts) == 0 {
		return "every day of " + month
	}
	return strings.Join(parts, " or ")
}

func englishWeek(s cron.Set) string {
	if s == 1|1<<6 {
		return "on weekends"
	}
	names := []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
	var out []string
	for _, run := range runsOf(mondayFirst(s)) {
		if len(run) > 2 {
			out = append(out, names[run[0]]+" to "+names[run[len(run)-1]])
			continue
		}
		for _, n := range run {
			out = append(out, names[n])
		}
	}
	return "every " + and(out)
}

func englishOften(e cron.Expression) string {
	minutes := "every minute"
	if e.Minutes.Len() < 60 {
		minutes = "minutes " + strings.Join(runs(e.Minutes.Values(), "-"), ", ")
	}
	if e.Hours.Len() == 24 {
		return minutes + " of every hour"
	}
	return minutes + " of the hours " + strings.Join(runs(e.Hours.Values(), "-"), ", ")
}

func ordinalOf(n int) string {
	suffix := "th"
	if n/10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

func and(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}

// mondayFirst counts the days of the week from 0 Monday to 6 Sunday.
func mondayFirst(s cron.Set) []int {
	out := []int{}
	for _, n := range s.Values() {
		out = append(out, (n+6)%7)
	}
	slices.Sort(out)
	return out
}

// runsOf parts sorted numbers into runs without gaps.
func runsOf(values []int) [][]int {
	var out [][]int
	for i, v := range values {
		if i > 0 && v == values[i-1]+1 {
			out[len(out)-1] = append(out[len(out)-1], v)
			continue
		}
		out = append(out, []int{v})
	}
	return out
}

// runs writes numbers, more than two in a row as a range.
func runs(values []int, to string) []string {
	var out []string
	for _, run := range runsOf(values) {
		if len(run) > 2 {
			out = append(out, strconv.Itoa(run[0])+to+strconv.Itoa(run[len(run)-1]))
			continue
		}
		for _, n := range run {
			out = append(out, strconv.Itoa(n))
		}
	}
	return out
}

func each(list []string, format string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprintf(format, v)
	}
	return out
}

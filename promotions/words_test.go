package promotions

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"xiaobu/cron"
	"xiaobu/handlers"
	"xiaobu/store"
)

func TestWordsBecomeFieldsAndFieldsBecomeWords(t *testing.T) {
	for _, c := range []struct{ posted, fields, days, chinese, english string }{
		{"每周一三五 10:00", "0 10 * * 1,3,5", "all", "每周一、三、五 10:00", "every Monday, Wednesday and Friday at 10:00"},
		{"每周一、三、五10点", "0 10 * * 1,3,5", "all", "每周一、三、五 10:00", "every Monday, Wednesday and Friday at 10:00"},
		{"周一,周三,周五 10：05", "5 10 * * 1,3,5", "all", "每周一、三、五 10:05", "every Monday, Wednesday and Friday at 10:05"},
		{"每星期一至五 上午9点半", "30 9 * * 1-5", "all", "每周一至周五 09:30", "every Monday to Friday at 09:30"},
		{"每周五到周日 18:35", "35 18 * * 0,5,6", "all", "每周五至周日 18:35", "every Friday to Sunday at 18:35"},
		{"每周五至周一 18:35", "35 18 * * 0,1,5,6", "all", "每周一、五至周日 18:35", "every Monday and Friday to Sunday at 18:35"},
		{"sat-mon 18:35", "35 18 * * 0,1,6", "all", "每周一、六、日 18:35", "every Monday, Saturday and Sunday at 18:35"},
		{"周日 8:05", "5 8 * * 0", "all", "每周日 08:05", "every Sunday at 08:05"},
		{"每周1,3 10:00", "0 10 * * 1,3", "all", "每周一、三 10:00", "every Monday and Wednesday at 10:00"},
		{"每天 9:05", "5 9 * * *", "all", "每天 09:05", "every day at 09:05"},
		{"每日９：０５", "5 9 * * *", "all", "每天 09:05", "every day at 09:05"},
		{"每天 10:00、18:30", "0 10 * * *; 30 18 * * *", "all", "每天 10:00、18:30", "every day at 10:00, 18:30"},
		{"每天 10:00和18:00", "0 10,18 * * *", "all", "每天 10:00、18:00", "every day at 10:00, 18:00"},
		{"工作日 10:10", "10 10 * * *", "workdays", "工作日 10:10", "on workdays at 10:10"},
		{"每个工作日下午3点05分", "5 15 * * *", "workdays", "工作日 15:05", "on workdays at 15:05"},
		{"节假日 10:10", "10 10 * * *", "holidays", "法定节假日 10:10", "on public holidays at 10:10"},
		{"周末 9:30", "30 9 * * 0,6", "all", "每周末 09:30", "on weekends at 09:30"},
		{"每月1日15日 10:00", "0 10 1,15 * *", "all", "每月1日、15日 10:00", "on the 1st and 15th of every month at 10:00"},
		{"每月1、15号 10:00", "0 10 1,15 * *", "all", "每月1日、15日 10:00", "on the 1st and 15th of every month at 10:00"},
		{"每月1日至5日 10:00", "0 10 1-5 * *", "all", "每月1日至5日 10:00", "on the 1st, 2nd, 3rd, 4th and 5th of every month at 10:00"},
		{"每月最后一天 10:00", "0 10 L * *", "all", "每月最后一天 10:00", "on the last day of every month at 10:00"},
		{"月底晚上8点", "0 20 L * *", "all", "每月最后一天 20:00", "on the last day of every month at 20:00"},
		{"每月15日和最后一天 10:00", "0 10 15,L * *", "all", "每月15日、最后一天 10:00", "on the 15th and last day of every month at 10:00"},
		{"每年11月11日 0:05", "5 0 11 11 *", "all", "每年11月11日 00:05", "on the 11th of November at 00:05"},
		{"每年1月、7月的1日 10:00", "0 10 1 1,7 *", "all", "每年1月、7月1日 10:00", "on the 1st of January and July at 10:00"},
		{"mon,wed,fri 10:00", "0 10 * * 1,3,5", "all", "每周一、三、五 10:00", "every Monday, Wednesday and Friday at 10:00"},
		{"Every Monday and Friday at 9:05am", "5 9 * * 1,5", "all", "每周一、五 09:05", "every Monday and Friday at 09:05"},
		{"Mon-Fri 6pm", "0 18 * * 1-5", "all", "每周一至周五 18:00", "every Monday to Friday at 18:00"},
		{"fri to sun 12am", "0 0 * * 0,5,6", "all", "每周五至周日 00:00", "every Friday to Sunday at 00:00"},
		{"every day 10:00, 18:30", "0 10 * * *; 30 18 * * *", "all", "每天 10:00、18:30", "every day at 10:00, 18:30"},
		{"at 10:00 and 10:30 every day", "0,30 10 * * *", "all", "每天 10:00、10:30", "every day at 10:00, 10:30"},
		{"workdays 10:10", "10 10 * * *", "workdays", "工作日 10:10", "on workdays at 10:10"},
		{"weekdays 10:10", "10 10 * * 1-5", "all", "每周一至周五 10:10", "every Monday to Friday at 10:10"},
		{"on weekends at 9:30", "30 9 * * 0,6", "all", "每周末 09:30", "on weekends at 09:30"},
		{"last day of month 10:00", "0 10 L * *", "all", "每月最后一天 10:00", "on the last day of every month at 10:00"},
		{"1st and 15th of every month 10:00", "0 10 1,15 * *", "all", "每月1日、15日 10:00", "on the 1st and 15th of every month at 10:00"},
		{"monthly on the 1st and the last day 10:00", "0 10 1,L * *", "all", "每月1日、最后一天 10:00", "on the 1st and last day of every month at 10:00"},
		{"0 10 * * 1,3,5", "0 10 * * 1,3,5", "all", "每周一、三、五 10:00", "every Monday, Wednesday and Friday at 10:00"},
		{"0  10 L * *", "0 10 L * *", "all", "每月最后一天 10:00", "on the last day of every month at 10:00"},
		{"0 10 1 * 1", "0 10 1 * 1", "all", "每月1日或每周一 10:00", "on the 1st of every month or every Monday at 10:00"},
		{"0 10 * 1-3 *", "0 10 * 1-3 *", "all", "每年1至3月每天 10:00", "every day of January, February and March at 10:00"},
		{"*/15 9-17 * * 1-5", "*/15 9-17 * * 1-5", "all", "每周一至周五 9至17点的每小时第0、15、30、45分", "every Monday to Friday at minutes 0, 15, 30, 45 of the hours 9-17"},
		{"* * * * *", "* * * * *", "all", "每天 每分钟", "every day at every minute of every hour"},
		{"5 * * * *", "5 * * * *", "all", "每天 每小时第5分", "every day at minutes 5 of every hour"},
	} {
		d := Describe(store.ScheduleSpec{Cron: c.posted})
		if d.Fields != c.fields || d.Days != c.days || d.Chinese != c.chinese || d.English != c.english {
			t.Errorf("%s:\n got %+v\nwant %+v", c.posted, d, c)
		}
	}
}

func TestWordsThatCannotBeUnderstoodAreRefusedWithAnExample(t *testing.T) {
	for posted, want := range map[string]string{
		"每周八 10:00":        "八",
		"每周一三五":            "no time of the day",
		"10:00":            "on which days",
		"每天 25:00":         "no clock",
		"每天 10:60":         "no clock",
		"每周三110:00":        "too many digits",
		"每天 10:00 左右":      "左右",
		"每天 10:00 到 12:00": "between two times",
		"每月32日 10:00":      `day "32"; want 1 to 31`,
		"每年13月1日 10:00":    `month "13"; want 1 to 12`,
		"每年2月30日 10:00":    "never comes",
		"每月25日至5日 10:00":   "backwards",
		"每周一至 10:00":       "without an end",
		"晚上12点 每天":         "either day",
		"每天 13pm":          "1 to 12",
		"someday 10:00":    "someday",
		"mo 10:00":         `"mo"`,
		"every day":        "want five",
		"61 10 * * *":      "0 to 59",
		"随便":               "no time of the day",
		"春节 10:00":         "春节",
		"":                 "empty",
	} {
		_, _, err := readSchedule(store.ScheduleSpec{Cron: posted})
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != "schedule.cron" || !strings.Contains(inv.Detail, want) || !strings.Contains(inv.Detail, "每周一三五 10:05") {
			t.Errorf("%q: %v, want %q", posted, err, want)
		}
	}
	_, _, err := readSchedule(store.ScheduleSpec{Cron: "工作日 10:00", Days: DaysHolidays})
	var inv *handlers.Invalid
	if !errors.As(err, &inv) || inv.Field != "schedule.days" {
		t.Errorf("workdays on holidays: %v", err)
	}
}

// What is told to people they may post again.
func TestADescriptionIsUnderstoodAgain(t *testing.T) {
	fixSeed(t)
	rapid.Check(t, func(t *rapid.T) {
		numbers := func(name string, min, max int) string {
			var out []string
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(min, max), 1, 6, rapid.ID).Draw(t, name) {
				out = append(out, strconv.Itoa(n))
			}
			return strings.Join(out, ",")
		}
		times := rapid.SampledFrom([]string{"5 10", "0 9,18", "15,45 8", "35 0,12,23"}).Draw(t, "times")
		s := store.ScheduleSpec{Days: rapid.SampledFrom([]string{"", DaysAll}).Draw(t, "days")}
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			s.Cron = times + " * * *"
		case 1:
			s.Cron = times + " * * " + numbers("weekdays", 0, 6)
		case 2:
			s.Cron = times + " " + numbers("days of the month", 1, 28) + rapid.SampledFrom([]string{"", ",L"}).Draw(t, "last") + " * *"
		case 3:
			s.Cron = times + " L * *"
		case 4:
			s.Cron, s.Days = times+" * * *", rapid.SampledFrom([]string{DaysWorkdays, DaysHolidays}).Draw(t, "calendar")
		case 5:
			s.Cron = times + " * * *; 7 21 * * *"
		}
		want, days, err := readSchedule(s)
		if err != nil {
			t.Fatal(err)
		}
		d := Describe(s)
		for _, words := range []string{d.Chinese, d.English} {
			got, gotDays, err := readSchedule(store.ScheduleSpec{Cron: words})
			if err != nil || clocks(got) != clocks(want) || gotDays != days {
				t.Fatalf("%q is said as %q, which means %q %s (%v)", s.Cron, words, got, gotDays, err)
			}
		}
	})
}

// clocks writes a schedule's days and each of its times, however they were put together.
func clocks(s cron.Schedule) string {
	var out []string
	for _, e := range s {
		on := e
		on.Hours, on.Minutes = 0, 0
		for _, h := range e.Hours.Values() {
			for _, m := range e.Minutes.Values() {
				out = append(out, fmt.Sprintf("%02d:%02d %+v", h, m, on))
			}
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// Whatever people type, it is understood or refused, and what is understood can be said.
func FuzzWords(f *testing.F) {
	for _, words := range []string{"每周一三五 10:05", "每年1至3月1日至5日、月底 下午3点半", "fri to mon 6pm and 12am", "1st and last day of month 10:00", "工作日 9:05、18：35", "0 10 L * 1"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		s := store.ScheduleSpec{Cron: words}
		if _, _, err := readSchedule(s); err != nil {
			return
		}
		d := Describe(s)
		if again := Describe(store.ScheduleSpec{Cron: d.Fields}); d.Chinese == "" || d.English == "" || again.Fields != d.Fields {
			t.Errorf("%q: %+v, again %+v", words, d, again)
		}
	})
}

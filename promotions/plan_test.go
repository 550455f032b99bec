package promotions

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"os"

	"pgregory.net/rapid"

	"xiaobu/handlers"
	"xiaobu/store"
)

// planned is a schedule by the Chinese calendar, ready to be asked.
func planned(t testing.TB, s store.ScheduleSpec, own ...store.CalendarDay) plan {
	t.Helper()
	pl, err := planOf(s, own...)
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	return pl
}

func planOf(s store.ScheduleSpec, own ...store.CalendarDay) (plan, error) {
	china, err := China()
	if err != nil {
		return plan{}, err
	}
	c := companyDays{country: china, own: map[string]store.CalendarDay{}}
	for _, d := range own {
		c.own[d.Date] = d
	}
	if s.Timezone == "" {
		s.Timezone = "Asia/Shanghai"
	}
	if s.Missed.Policy == "" {
		s.Missed.Policy = MissedSkip
	}
	return newPlan(s, c)
}

func moment(t testing.TB, text string, zone *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(minutes, text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestSlotsKeepToTheCalendar(t *testing.T) {
	blackout := store.CalendarDay{Date: "2026-11-27", Kind: store.DayBlackout, Name: "盘点"}
	worked := store.CalendarDay{Date: "2026-11-28", Kind: store.DayWorkday}
	holiday := store.CalendarDay{Date: "2026-11-26", Kind: store.DayHoliday, Name: "店庆"}
	for name, c := range map[string]struct {
		spec  store.ScheduleSpec
		own   []store.CalendarDay
		after string
		want  string // - for none
	}{
		"national day and its make-up Saturday": {spec: store.ScheduleSpec{Cron: "工作日 10:10"}, after: "2026-09-30 10:10",
			want: "2026-10-08 10:10, 2026-10-09 10:10, 2026-10-10 10:10, 2026-10-12 10:10"},
		"a make-up Sunday": {spec: store.ScheduleSpec{Cron: "10 10 * * *", Days: DaysWorkdays}, after: "2026-09-18 23:00",
			want: "2026-09-20 10:10, 2026-09-21 10:10"},
		"spring festival from one make-up Saturday to the other": {spec: store.ScheduleSpec{Cron: "工作日 10:10"}, after: "2026-02-13 10:10",
			want: "2026-02-14 10:10, 2026-02-24 10:10, 2026-02-25 10:10, 2026-02-26 10:10, 2026-02-27 10:10, 2026-02-28 10:10, 2026-03-02 10:10"},
		"holidays only": {spec: store.ScheduleSpec{Cron: "节假日 10:10"}, after: "2026-06-21 00:00",
			want: "2026-06-21 10:10, 2026-09-25 10:10, 2026-09-26 10:10"},
		"no holidays, but weekends": {spec: store.ScheduleSpec{Cron: "0 10 * * *", Days: DaysNoHolidays}, after: "2026-06-18 10:00",
			want: "2026-06-22 10:00, 2026-06-23 10:00, 2026-06-24 10:00, 2026-06-25 10:00, 2026-06-26 10:00, 2026-06-27 10:00"},
		"Monday, Wednesday, Friday without holidays": {spec: store.ScheduleSpec{Cron: "每周一三五 10:05", Days: DaysNoHolidays}, after: "2026-04-30 12:00",
			want: "2026-05-06 10:05, 2026-05-08 10:05"},
		"last day of months": {spec: store.ScheduleSpec{Cron: "每月最后一天 10:00", Days: DaysWorkdays}, after: "2027-12-31 10:00",
			want: "2028-01-31 10:00, 2028-02-29 10:00, 2028-03-31 10:00, 2028-05-31 10:00"},
		"the company's blackout day": {spec: store.ScheduleSpec{Cron: "0 10 * * *"}, own: []store.CalendarDay{blackout}, after: "2026-11-26 09:00",
			want: "2026-11-26 10:00, 2026-11-28 10:00"},
		"the company's own workday and holiday": {spec: store.ScheduleSpec{Cron: "工作日 10:00"}, own: []store.CalendarDay{worked, holiday}, after: "2026-11-25 10:00",
			want: "2026-11-27 10:00, 2026-11-28 10:00, 2026-11-30 10:00"},
		"the promotion's blackout days": {spec: store.ScheduleSpec{Cron: "0 10 * * *", Blackout: []string{"2026-12-24/2026-12-26", "2026-12-28"}}, after: "2026-12-23 10:00",
			want: "2026-12-27 10:00, 2026-12-29 10:00"},
		"quiet hours over midnight": {spec: store.ScheduleSpec{Cron: "0 */2 * * *", Quiet: &store.Hours{From: "22:00", To: "08:00"}}, after: "2026-11-23 18:00",
			want: "2026-11-23 20:00, 2026-11-24 08:00, 2026-11-24 10:00"},
		"quiet hours until midnight": {spec: store.ScheduleSpec{Cron: "0 0,22 * * *", Quiet: &store.Hours{From: "22:00", To: "24:00"}}, after: "2026-11-23 18:00",
			want: "2026-11-24 00:00, 2026-11-25 00:00"},
		"quiet hours at noon": {spec: store.ScheduleSpec{Cron: "0,30 11-13 * * *", Quiet: &store.Hours{From: "11:30", To: "13:30"}}, after: "2026-11-23 10:00",
			want: "2026-11-23 11:00, 2026-11-23 13:30, 2026-11-24 11:00"},
		"from starts_on to ends_on": {spec: store.ScheduleSpec{Cron: "0 0 * * *", StartsOn: "2026-11-25", EndsOn: "2026-11-26"}, after: "2026-11-20 00:00",
			want: "2026-11-25 00:00, 2026-11-26 00:00, -"},
		"nothing is left before ends_on": {spec: store.ScheduleSpec{Cron: "节假日 10:00", EndsOn: "2026-12-31"}, after: "2026-10-07 10:00", want: "-"},
		"a quiet time of every day":      {spec: store.ScheduleSpec{Cron: "0 23 * * *", Quiet: &store.Hours{From: "22:00", To: "08:00"}}, after: "2026-11-23 00:00", want: "-"},
	} {
		t.Run(name, func(t *testing.T) {
			pl := planned(t, c.spec, c.own...)
			at := moment(t, c.after, pl.zone)
			var got []string
			for range strings.Split(c.want, ", ") {
				if at = pl.after(at); at.IsZero() {
					got = append(got, "-")
					break
				}
				got = append(got, at.In(pl.zone).Format(minutes))
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("got %s, want %s", strings.Join(got, ", "), c.want)
			}
		})
	}
}

// The days of a year, from the notices of the State Council.
func TestTheChineseCalendarIsTheStateCouncils(t *testing.T) {
	c, err := China()
	if err != nil {
		t.Fatal(err)
	}
	if c.From != "2025-01-01" || c.Until != "2026-12-31" {
		t.Errorf("known from %s to %s", c.From, c.Until)
	}
	count := map[string]int{}
	for date, d := range c.days {
		count[date[:4]+" "+d.Kind]++
		at, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if wd := at.Weekday(); d.Kind == store.DayWorkday && wd != time.Saturday && wd != time.Sunday {
			t.Errorf("%s is a workday by itself", date)
		}
	}
	want := map[string]int{"2025 holiday": 28, "2025 workday": 5, "2026 holiday": 33, "2026 workday": 6}
	if !reflect.DeepEqual(count, want) {
		t.Errorf("%v, want %v", count, want)
	}
	// Holidays on weekdays less the weekend days that are worked for them: 13 in both years, as
	// the law has it, of 261 days from Monday to Friday.
	for year, want := range map[int]int{2025: 248, 2026: 248} {
		n, company := 0, companyDays{country: c}
		for at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() == year; at = at.AddDate(0, 0, 1) {
			if company.workday(at) {
				n++
			}
		}
		if n != want {
			t.Errorf("%d has %d workdays, want %d", year, n, want)
		}
	}
}

func TestCalendarFilesThatMakeNoSenseAreRefusedByLine(t *testing.T) {
	const known = "known 2026-01-01/2026-12-31\n"
	for text, want := range map[string]string{
		"":                                "known 2025",
		known + known:                     "line 2: known comes twice",
		known + "2026-02-30 holiday x":    `line 2: "2026-02-30" is no date`,
		known + "# a comment\n2026-10-01": "line 3",
		known + "2026-10-01 feast x":      "feast",
		known + "2026-10-07/2026-10-01 holiday x":                   "ends before it begins",
		known + "2026-10-01 holiday\n2026-10-01/2026-10-02 workday": "line 3: 2026-10-01 is there already",
		known + "2020-01-01/2026-10-02 workday":                     "366 days",
	} {
		if _, err := readCalendar(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "calendar.txt")
	if err := os.WriteFile(file, []byte(known+"2026-12-24 blackout 盘点 全天 # so it is\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadCalendar(file)
	if err != nil || c.days["2026-12-24"] != (store.CalendarDay{Date: "2026-12-24", Kind: store.DayBlackout, Name: "盘点 全天"}) {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := LoadCalendar(file + ".none"); err == nil {
		t.Error("a file that is not there")
	}
}

func TestSchedulesThatMakeNoSenseAreRefused(t *testing.T) {
	for field, s := range map[string]store.ScheduleSpec{
		"schedule.cron":          {Cron: "每周八 10:00"},
		"schedule.days":          {Cron: "每天 10:00", Days: "sundays"},
		"schedule.blackout[1]":   {Cron: "每天 10:00", Blackout: []string{"2026-12-24", "2026-02-30"}},
		"schedule.blackout[0]":   {Cron: "每天 10:00", Blackout: []string{"2026-12-24/2026-12-23"}},
		"schedule.blackout":      {Cron: "每天 10:00", Blackout: make([]string, maxBlackouts+1)},
		"schedule.quiet.from":    {Cron: "每天 10:00", Quiet: &store.Hours{From: "24:00", To: "08:00"}},
		"schedule.quiet.to":      {Cron: "每天 10:00", Quiet: &store.Hours{From: "08:00", To: "08:00"}},
		"schedule.starts_on":     {Cron: "每天 10:00", StartsOn: "9999-12-31"},
		"schedule.ends_on":       {Cron: "每天 10:00", EndsOn: "2026-02-29"},
		"schedule.timezone":      {Cron: "每天 10:00", Timezone: "Asia/Peking"},
		"schedule.missed.policy": {Cron: "每天 10:00", Missed: store.MissedSpec{Policy: "hope"}},
	} {
		_, err := planOf(s)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Every minute of ten years is dropped. Each one that is looked at costs some allocations, so
// these tell how many were.
func TestASearchThatFindsNothingLooksAtFewTimes(t *testing.T) {
	for name, spec := range map[string]store.ScheduleSpec{
		"days":  {Cron: "* * * * *", Days: DaysHolidays},
		"hours": {Cron: "* 22-23 * * *", Quiet: &store.Hours{From: "21:30", To: "08:00"}},
	} {
		pl := planned(t, spec)
		from := moment(t, "2026-11-23 10:00", pl.zone)
		allocations := testing.AllocsPerRun(1, func() {
			if at := pl.after(from); !at.IsZero() {
				t.Errorf("%s: found %v", name, at)
			}
		})
		if days := searchYears * 366.0; allocations > 20*days {
			t.Errorf("%s: %v allocations for %v days", name, allocations, days)
		}
	}
}

// fixSeed has a test go the same way every time, unless the command line names a seed.
func fixSeed(t *testing.T) {
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == "0" {
		if err := seed.Value.Set("1"); err != nil {
			t.Fatal(err)
		}
	}
}

// model looks at every minute and takes nothing over from the code it judges.
type model struct {
	spec  store.ScheduleSpec
	zone  *time.Location
	hours map[int]bool
	mins  map[int]bool
	own   map[string]string
}

var feasts = strings.Fields("2026-02-14w 2026-02-15 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-02-21 2026-02-22 2026-02-23 2026-02-28w 2026-04-04 2026-04-05 2026-04-06 " +
	"2026-09-20w 2026-09-25 2026-09-26 2026-09-27 2026-10-01 2026-10-02 2026-10-03 2026-10-04 2026-10-05 2026-10-06 2026-10-07 2026-10-10w")

func (m model) slot(at time.Time) bool {
	l := at.In(m.zone)
	date, clock := l.Format("2006-01-02"), l.Format("15:04")
	if m.own[date] == store.DayBlackout || m.spec.EndsOn != "" && date > m.spec.EndsOn {
		return false
	}
	for _, b := range m.spec.Blackout {
		if from, to, _ := strings.Cut(b, "/"); date == from || date >= from && date <= to {
			return false
		}
	}
	if q := m.spec.Quiet; q != nil {
		if in := clock >= q.From && clock < q.To; q.From < q.To && in || q.From > q.To && (clock >= q.From || clock < q.To) {
			return false
		}
	}
	feast, work := false, l.Weekday() != time.Sunday && l.Weekday() != time.Saturday
	for _, f := range feasts {
		if strings.TrimSuffix(f, "w") == date {
			feast, work = !strings.HasSuffix(f, "w"), strings.HasSuffix(f, "w")
		}
	}
	switch m.own[date] {
	case store.DayHoliday:
		feast, work = true, false
	case store.DayWorkday:
		feast, work = false, true
	}
	return m.spec.Days == DaysAll || m.spec.Days == DaysWorkdays && work || m.spec.Days == DaysNoHolidays && !feast || m.spec.Days == DaysHolidays && feast
}

func TestSlotsEqualLookingAtEveryMinute(t *testing.T) {
	fixSeed(t)
	starts := []string{"2026-02-12T15:00:00Z", "2026-03-06T22:00:00Z", "2026-04-03T03:00:00Z", "2026-09-30T20:00:00Z", "2026-10-02T20:00:00Z", "2026-10-30T20:00:00Z"}
	rapid.Check(t, func(t *rapid.T) {
		pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
		from, err := time.Parse(time.RFC3339, pick("from", starts...))
		if err != nil {
			t.Fatal(err)
		}
		day := func(n int) string { return from.AddDate(0, 0, n).Format(time.DateOnly) }
		m := model{hours: map[int]bool{}, mins: map[int]bool{}, own: map[string]string{}}
		m.spec = store.ScheduleSpec{Timezone: pick("zone", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"),
			Days: pick("days", DaysAll, DaysWorkdays, DaysNoHolidays, DaysHolidays), Missed: store.MissedSpec{Policy: MissedSkip}}
		var cron [2][]string
		for i, max := range []int{59, 23} {
			for range rapid.IntRange(1, 4).Draw(t, "values") {
				n := rapid.IntRange(0, max).Draw(t, "value")
				cron[i] = append(cron[i], fmt.Sprint(n))
				[]map[int]bool{m.mins, m.hours}[i][n] = true
			}
		}
		m.spec.Cron = strings.Join(cron[0], ",") + " " + strings.Join(cron[1], ",") + " * * *"
		if rapid.Bool().Draw(t, "quiet") {
			m.spec.Quiet = &store.Hours{From: pick("from", "22:00", "01:45", "12:30"), To: pick("to", "02:15", "08:00", "00:00")}
		}
		if rapid.Bool().Draw(t, "blackout") {
			m.spec.Blackout = []string{day(1) + "/" + day(2), day(4)}
		}
		if rapid.Bool().Draw(t, "ends") {
			m.spec.EndsOn = day(5)
		}
		var own []store.CalendarDay
		if kind := pick("own", "", store.DayHoliday, store.DayWorkday, store.DayBlackout); kind != "" {
			own, m.own[day(3)] = append(own, store.CalendarDay{Date: day(3), Kind: kind}), kind
		}
		pl, err := planOf(m.spec, own...)
		if err != nil {
			t.Fatal(err)
		}
		m.zone = pl.zone
		var want, got []time.Time
		seen := map[string]bool{}
		end := from.AddDate(0, 0, 9)
		for at := from.Add(-2 * time.Hour); !at.After(end); at = at.Add(time.Minute) {
			l := at.In(m.zone)
			if !m.hours[l.Hour()] || !m.mins[l.Minute()] {
				continue
			}
			wall := l.Format(minutes)
			if !seen[wall] && at.After(from) && m.slot(at) {
				want = append(want, at)
			}
			seen[wall] = true
		}
		for at := pl.after(from); !at.IsZero() && !at.After(end); at = pl.after(at) {
			got = append(got, at)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, own %v, from %v:\n%v, want\n%v", m.spec, own, from, got, want)
		}
	})
}

func (h *shop) promotion(id int64) store.Promotion {
	h.t.Helper()
	promo, err := h.store.Read(context.Background()).Promotion(id)
	h.must(err)
	return promo
}

// in is a planner of Shanghai with the Chinese calendar.
func (h *shop) inShanghai() *Planner {
	p := h.planner()
	zone, err := time.LoadLocation("Asia/Shanghai")
	h.must(err)
	p.Zone = zone
	p.Calendar, err = China()
	h.must(err)
	return p
}

func (h *shop) posted(p *Planner, change func(*store.ScheduleSpec)) store.Promotion {
	h.t.Helper()
	s := sale()
	change(&s.Schedule)
	promo, err := p.Create(context.Background(), s, noRemember)
	h.must(err)
	return promo
}

func TestAChangeOfTheCalendarMovesTheNextSlots(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.inShanghai() // it is Monday, 23 November, 10:00
	daily := h.posted(p, func(s *store.ScheduleSpec) { s.Cron = "每天 10:05" })
	early := h.posted(p, func(s *store.ScheduleSpec) { s.Cron, s.Quiet = "每天 7:05", &store.Hours{} })
	paused := h.posted(p, func(s *store.ScheduleSpec) { s.Cron = "每天 10:05" })
	_, err := p.Pause(ctx, paused.ID)
	h.must(err)
	next := func(id int64) string { return h.promotion(id).NextAt.In(p.Zone).Format("01-02 15:04") }
	check := func(what, want, wantEarly string, moved, wantMoved int) {
		t.Helper()
		if next(daily.ID) != want || next(early.ID) != wantEarly || moved != wantMoved || !h.promotion(paused.ID).NextAt.IsZero() {
			t.Errorf("%s: next %s and %s, %d moved; want %s and %s, %d", what, next(daily.ID), next(early.ID), moved, want, wantEarly, wantMoved)
		}
	}
	check("before", "11-23 10:05", "11-24 07:05", 0, 0)
	moved, err := p.PutDay(ctx, store.CalendarDay{Date: "2026-11-23", Kind: store.DayBlackout})
	h.must(err)
	check("a blackout day today", "11-24 10:05", "11-24 07:05", moved, 1)
	moved, err = p.PutDay(ctx, store.CalendarDay{Date: "2026-11-24", Kind: store.DayBlackout})
	h.must(err)
	check("and tomorrow", "11-25 10:05", "11-25 07:05", moved, 2)
	h.must(p.DropDay(ctx, "2026-11-23"))
	check("today is none after all", "11-23 10:05", "11-25 07:05", 0, 0)
	moved, err = p.PutQuiet(ctx, &store.Hours{From: "10:00", To: "11:00"})
	h.must(err)
	check("no time of the daily one is left, but not for ever", "11-23 10:05", "11-25 07:05", moved, 0)
	moved, err = p.PutQuiet(ctx, &store.Hours{From: "22:00", To: "08:00"})
	h.must(err)
	check("the early one has no quiet hours", "11-23 10:05", "11-25 07:05", moved, 0)
	if err := p.DropDay(ctx, "2026-12-24"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a day about which nothing was said: %v", err)
	}
}

// What the calendar drops by the time it comes was no slot, even where nobody moved it.
func TestASlotIsLookedAtAgainWhenItComes(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.inShanghai()
	promo := h.posted(p, func(s *store.ScheduleSpec) { s.Cron = "每天 10:05" })
	h.set(promo.NextAt.Add(10 * time.Second)) // it has come, and waits to be planned
	moved, err := p.PutDay(ctx, store.CalendarDay{Date: "2026-11-23", Kind: store.DayBlackout})
	h.must(err)
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if got := h.promotion(promo.ID).NextAt.In(p.Zone).Format(minutes); len(occs) != 0 || got != "2026-11-24 10:05" || moved != 0 {
		t.Errorf("%d occurrences, next %s, %d moved", len(occs), got, moved)
	}
	h.set(h.promotion(promo.ID).NextAt)
	_, err = p.PutQuiet(ctx, &store.Hours{From: "10:00", To: "11:00"})
	h.must(err)
	h.must(p.Plan(ctx))
	if got := h.promotion(promo.ID); got.Status != store.PromotionEnded {
		t.Errorf("without any slot left it is %s, next %v", got.Status, got.NextAt)
	}
}

func TestANewCalendarHoldsFromTheStartOfTheProgram(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.inShanghai()
	h.now = time.Date(2026, 12, 31, 4, 0, 0, 0, time.UTC)
	promo := h.posted(p, func(s *store.ScheduleSpec) { s.Cron = "工作日 10:05" })
	if got := promo.NextAt.In(p.Zone).Format(minutes); got != "2027-01-01 10:05" { // a Friday; nobody knows better
		t.Fatalf("next %s", got)
	}
	var err error
	p.Calendar, err = readCalendar("known 2025-01-01/2027-12-31\n2027-01-01/2027-01-03 holiday 元旦\n")
	h.must(err)
	h.must(p.Replan(ctx))
	if got := h.promotion(promo.ID).NextAt.In(p.Zone).Format(minutes); got != "2027-01-04 10:05" {
		t.Errorf("next %s", got)
	}
}

func TestAMissedSlotIsCarriedByTheNextOne(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(1)
	p := h.inShanghai()
	promo := h.posted(p, func(s *store.ScheduleSpec) { s.Cron, s.Missed.Policy = "每周一三五 10:05", MissedNextSlot })
	h.set(promo.NextAt.Add(2 * time.Minute))
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 1 || occs[0].Status != store.OccurrenceMissed || !strings.Contains(occs[0].Reason, "2026-11-25 10:05") {
		t.Fatalf("%+v", occs)
	}
	h.plan(p, 48*time.Hour)
	occs, err = h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 2 || occs[1].Status != store.OccurrenceRunning {
		t.Errorf("%+v", occs)
	}
}

// Whatever the clock of the machine does, a slot is posted once.
func TestAClockThatJumpsRepeatsNoSlot(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.groups(1)
	p := h.inShanghai()
	promo := h.posted(p, func(s *store.ScheduleSpec) { s.Cron = "每天 10:05" })
	h.now = promo.NextAt
	h.must(p.Plan(ctx))
	h.now = h.now.Add(-3 * time.Hour)
	h.must(p.Plan(ctx))
	_, err := p.PutDay(ctx, store.CalendarDay{Date: "2026-12-24", Kind: store.DayBlackout}) // replans by the wrong clock
	h.must(err)
	_, err = p.Pause(ctx, promo.ID)
	h.must(err)
	_, err = p.Resume(ctx, promo.ID)
	h.must(err)
	h.now = promo.NextAt.Add(time.Minute)
	h.must(p.Plan(ctx))
	h.now = h.now.AddDate(0, 0, 3) // and forward
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	var at []string
	for _, o := range occs {
		at = append(at, o.At.In(p.Zone).Format("02 15:04 ")+o.Status)
	}
	if got := strings.Join(at, ", "); got != "23 10:05 done, 24 10:05 missed, 25 10:05 missed, 26 10:05 running" {
		t.Errorf("got %s", got)
	}
}

func TestAScheduleThatNeverComesIsRefusedInWords(t *testing.T) {
	h := newShop(t)
	p := h.inShanghai()
	for name, c := range map[string]struct {
		change func(*store.ScheduleSpec)
		want   string
	}{
		"over": {func(s *store.ScheduleSpec) { s.EndsOn = "2026-11-01" }, "no time from starts_on to ends_on"},
		"quiet": {func(s *store.ScheduleSpec) {
			s.Cron, s.Quiet = "每天 23:05", &store.Hours{From: "22:00", To: "08:00"}
		}, "2026-11-23 23:05, for it is within the quiet hours 22:00-08:00"},
		"days": {func(s *store.ScheduleSpec) { s.Cron, s.EndsOn = "节假日 10:05", "2026-12-31" }, "no public holiday"},
	} {
		s := sale()
		c.change(&s.Schedule)
		_, err := p.Create(context.Background(), s, noRemember)
		var inv *handlers.Invalid
		if !errors.As(err, &inv) || inv.Field != "schedule.cron" || !strings.Contains(inv.Detail, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAForecastTellsSlotsAndWhatToThinkAbout(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	p := h.inShanghai()
	_, err := p.PutDay(ctx, store.CalendarDay{Date: "2026-11-30", Kind: store.DayBlackout, Name: "盘点"})
	h.must(err)
	codes := func(f Forecast) string {
		var out []string
		for _, a := range f.Advice {
			if a.Chinese == "" || a.English == "" {
				t.Errorf("advice without words: %+v", a)
			}
			out = append(out, a.Code)
		}
		return strings.Join(out, " ")
	}
	f, err := p.Forecast(ctx, store.ScheduleSpec{Cron: "每周一三五 10:05"})
	h.must(err)
	if len(f.Next) != forecastSlots || f.Next[0].In(p.Zone).Format(minutes) != "2026-11-23 10:05" || codes(f) != "" ||
		len(f.Dropped) != 1 || f.Dropped[0].Chinese != "公司停发日:盘点" || f.Dropped[0].At.In(p.Zone).Format(minutes) != "2026-11-30 10:05" {
		t.Errorf("%+v", f)
	}
	for name, c := range map[string]struct {
		spec store.ScheduleSpec
		want string
	}{
		"full hour":            {store.ScheduleSpec{Cron: "每天 10:30"}, AdviceCongested},
		"night":                {store.ScheduleSpec{Cron: "每天 23:05"}, AdviceNight},
		"often":                {store.ScheduleSpec{Cron: "每天 10:05,18:05"}, AdviceOften},
		"past the known end":   {store.ScheduleSpec{Cron: "工作日 10:05"}, AdviceCalendar},
		"within what is known": {store.ScheduleSpec{Cron: "工作日 10:05", EndsOn: "2026-12-31"}, ""},
		"never":                {store.ScheduleSpec{Cron: "节假日 10:05", EndsOn: "2026-12-31"}, AdviceNever},
		"left out in New York": {store.ScheduleSpec{Cron: "35 2 * * *", Timezone: "America/New_York"}, AdviceNight + " " + AdviceClocks},
		"twice in New York":    {store.ScheduleSpec{Cron: "35 1 * * *", Timezone: "America/New_York"}, AdviceNight + " " + AdviceClocks},
		"over before":          {store.ScheduleSpec{Cron: "35 1 * * *", Timezone: "America/New_York", EndsOn: "2027-03-01"}, AdviceNight},
	} {
		f, err := p.Forecast(ctx, c.spec)
		h.must(err)
		if codes(f) != c.want {
			t.Errorf("%s: advice %q, want %q", name, codes(f), c.want)
		}
	}
	f, err = p.Forecast(ctx, store.ScheduleSpec{Cron: "* * * * *", Days: DaysHolidays})
	h.must(err)
	if len(f.Next) != 0 || len(f.Dropped) != forecastDropped {
		t.Errorf("%d slots, %d dropped", len(f.Next), len(f.Dropped))
	}
}

// BenchmarkSlot looks for the next slot: of every Monday, Wednesday and Friday, and of a
// schedule of every minute of which ten years drop everything.
func BenchmarkSlot(b *testing.B) {
	for name, spec := range map[string]store.ScheduleSpec{
		"week": {Cron: "每周一三五 10:05"},
		"none": {Cron: "* * * * *", Days: DaysHolidays},
	} {
		b.Run(name, func(b *testing.B) {
			pl := planned(b, spec)
			from := moment(b, "2026-11-23 10:10", pl.zone)
			for b.Loop() {
				if at := pl.after(from); at.IsZero() != (name == "none") {
					b.Fatal(at)
				}
			}
		})
	}
}

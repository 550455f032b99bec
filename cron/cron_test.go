package cron

import (
	"flag"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	robfig "github.com/robfig/cron/v3"
	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func parse(t testing.TB, spec string) Schedule {
	t.Helper()
	s, err := Parse(spec)
	if err != nil {
		t.Fatalf("%q: %v", spec, err)
	}
	return s
}

const minutes = "2006-01-02 15:04"

func TestWhatCannotBeReadIsRefusedWithWhatIsWanted(t *testing.T) {
	for spec, want := range map[string]string{
		"":                       "empty",
		"* * * *":                "4 fields, want five",
		"* * * * * *":            "6 fields",
		"@daily":                 "want five",
		"@every 1s":              "want five",
		"CRON_TZ=UTC 0 10 * * *": "zone",
		"TZ=":                    "zone",
		"61 * * * *":             `minute is "61", want 0 to 59`,
		"-1 * * * *":             `minute is "-1", want 0 to 59`,
		"0 24 * * *":             `hour is "24", want 0 to 23`,
		"0 0 0 * *":              `day is "0", want 1 to 31`,
		"0 0 * 13 *":             `month is "13", want 1 to 12`,
		"0 0 * * 8":              `weekday is "8", want 0 to 6`,
		"0 0 * * mo":             `weekday is "mo"`,
		"0 0 * L *":              `month is "L"`,
		"0 0 LW * *":             `day is "LW"`,
		"5-1 * * * *":            `minute is "5-1"`,
		"*/0 * * * *":            `minute is "*/0"`,
		"*/x * * * *":            `minute is "*/x"`,
		"0,, * * * *":            "minute",
		"0 0 30 2 *":             "never comes",
		"0 0 31 4,6,9,11 *":      "never comes",
		"0 10 * * *;":            "0 fields",
		strings.Repeat("0 10 * * *;", 25) + "0 10 * * *": "expressions",
		strings.Repeat("0", 1000):                        "bytes",
	} {
		if _, err := Parse(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", spec, err, want)
		}
	}
}

func TestSchedulesComeWhenTheySay(t *testing.T) {
	for _, c := range []struct{ spec, zone, after, want string }{
		{"0 10 * * 1,3,5", "Asia/Shanghai", "2026-11-23 10:00", "2026-11-25 10:00 2026-11-27 10:00 2026-11-30 10:00"},
		{"0 10 * * MON,wed,5-7", "Asia/Shanghai", "2026-11-25 10:00", "2026-11-27 10:00 2026-11-28 10:00 2026-11-29 10:00 2026-11-30 10:00"},
		{"0 10 L * *", "Asia/Shanghai", "2028-01-30 00:00", "2028-01-31 10:00 2028-02-29 10:00 2028-03-31 10:00 2028-04-30 10:00"},
		{"0 10 15,L * *", "Asia/Shanghai", "2027-02-01 00:00", "2027-02-15 10:00 2027-02-28 10:00 2027-03-15 10:00"},
		{"0 10 31 * *", "Asia/Shanghai", "2026-01-31 10:00", "2026-03-31 10:00 2026-05-31 10:00 2026-07-31 10:00"},
		{"0 0 29 2 *", "UTC", "2096-02-29 00:00", "2104-02-29 00:00"}, // 2100 is no leap year
		{"0 10 1 * 1", "UTC", "2026-11-24 00:00", "2026-11-30 10:00 2026-12-01 10:00 2026-12-07 10:00"},
		{"0 10 * * *; 30 18 * * *", "UTC", "2026-11-24 10:00", "2026-11-24 18:30 2026-11-25 10:00"},
		{"*/20 9-10 * * *", "UTC", "2026-11-24 09:40", "2026-11-24 10:00 2026-11-24 10:20 2026-11-24 10:40 2026-11-25 09:00"},
		{"59 23 31 12 *", "UTC", "2026-12-31 23:59", "2027-12-31 23:59"},
		// Clocks go forward at 02:00 to 03:00, and back from 02:00 to 01:00.
		{"30 2 * * *", "America/New_York", "2026-03-07 02:30", "2026-03-09 02:30"},
		{"30 * * * *", "America/New_York", "2026-03-08 00:30", "2026-03-08 01:30 2026-03-08 03:30"},
		{"30 1 * * *", "America/New_York", "2026-10-31 01:30", "2026-11-01 01:30 2026-11-02 01:30"},
		{"30 * * * *", "America/New_York", "2026-11-01 00:30", "2026-11-01 01:30 2026-11-01 02:30"},
		// Lord Howe moves its clocks by half an hour: 02:00 to 02:30, and back from 02:00 to 01:30.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 02:15", "2026-10-05 02:15"},
		{"15 3 * * *", "Australia/Lord_Howe", "2026-10-03 03:15", "2026-10-04 03:15"},
		{"45 1 * * *", "Australia/Lord_Howe", "2026-04-04 01:45", "2026-04-05 01:45 2026-04-06 01:45"},
		{"0 10 * * *", "Australia/Lord_Howe", "2026-04-04 10:00", "2026-04-05 10:00"},
		// Samoa had no 30 December 2011.
		{"0 10 * * *", "Pacific/Apia", "2011-12-29 10:00", "2011-12-31 10:00"},
		// Midnight does not come on the day that clocks change in Beirut.
		{"0 0 * * *", "Asia/Beirut", "2026-03-28 00:00", "2026-03-30 00:00"},
	} {
		z := zone(t, c.zone)
		at, err := time.ParseInLocation(minutes, c.after, z)
		if err != nil {
			t.Fatal(err)
		}
		s := parse(t, c.spec)
		var got []string
		for range len(strings.Split(c.want, " ")) / 2 {
			at = s.Next(at, z)
			got = append(got, at.In(z).Format(minutes))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s in %s after %s: %v, want %s", c.spec, c.zone, c.after, got, c.want)
		}
	}
}

func TestAWallClockTimeComesAsOftenAsTheClocksShowIt(t *testing.T) {
	ny := zone(t, "America/New_York")
	for _, c := range []struct {
		day          string
		hour, minute int
		times        int
		utc          string
	}{
		{"2026-03-08", 2, 30, 0, ""},
		{"2026-03-08", 3, 0, 1, "2026-03-08 07:00"},
		{"2026-11-01", 1, 0, 2, "2026-11-01 05:00"},
		{"2026-11-01", 2, 0, 1, "2026-11-01 07:00"},
		{"2026-07-01", 2, 0, 1, "2026-07-01 06:00"},
	} {
		day, _ := time.Parse(time.DateOnly, c.day)
		at, n := Wall(day, c.hour, c.minute, ny)
		if n != c.times || n > 0 && at.Format(minutes) != c.utc {
			t.Errorf("%+v: %d times, first %v", c, n, at)
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

// specs draws five fields.
func specs() *rapid.Generator[string] {
	item := func(t *rapid.T, min, max int) string {
		n := rapid.IntRange(min, max).Draw(t, "n")
		switch rapid.IntRange(0, 5).Draw(t, "item") {
		case 0:
			return fmt.Sprintf("%d-%d", n, rapid.IntRange(n, max).Draw(t, "to"))
		case 1:
			return fmt.Sprintf("*/%d", rapid.IntRange(1, 9).Draw(t, "step"))
		case 2:
			return fmt.Sprintf("%d/%d", n, rapid.IntRange(1, 9).Draw(t, "step"))
		}
		return fmt.Sprint(n)
	}
	return rapid.Custom(func(t *rapid.T) string {
		var fields []string
		for _, b := range [][2]int{{0, 59}, {0, 23}, {1, 31}, {1, 12}, {0, 6}} {
			if rapid.IntRange(0, 2).Draw(t, "star") == 0 {
				fields = append(fields, "*")
				continue
			}
			var items []string
			for range rapid.IntRange(1, 3).Draw(t, "items") {
				items = append(items, item(t, b[0], b[1]))
			}
			fields = append(fields, strings.Join(items, ","))
		}
		return strings.Join(fields, " ")
	})
}

// Where clocks are never changed, the library that is used everywhere is of the same opinion.
func TestWeAgreeWithRobfig(t *testing.T) {
	fixSeed(t)
	parser := robfig.NewParser(robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow)
	rapid.Check(t, func(t *rapid.T) {
		spec := specs().Draw(t, "spec")
		theirs, err := parser.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1.6e9, 2.2e9).Draw(t, "at"), 0).UTC()
		ours, err := Parse(spec)
		if err != nil {
			if strings.Contains(err.Error(), "never comes") && theirs.Next(at).IsZero() {
				return
			}
			t.Fatalf("%q: %v", spec, err)
		}
		for range 5 {
			got, want := ours.Next(at, time.UTC), theirs.Next(at)
			if !got.Equal(want) && !want.IsZero() { // they look five years ahead, we nine
				t.Fatalf("%q after %v: %v, want %v", spec, at, got, want)
			}
			if at = got; at.IsZero() {
				return
			}
		}
	})
}

// The model looks at every minute around a change of the clocks, and knows which wall-clock
// times it has seen.
func TestNextEqualsLookingAtEveryMinute(t *testing.T) {
	fixSeed(t)
	changes := map[string][]string{
		"America/New_York":    {"2026-03-08T05:00:00Z", "2026-11-01T03:00:00Z"},
		"Australia/Lord_Howe": {"2026-04-04T12:00:00Z", "2026-10-03T13:00:00Z"},
		"Asia/Beirut":         {"2026-03-28T20:00:00Z", "2026-10-24T18:00:00Z"},
		"Asia/Shanghai":       {"2026-11-23T02:00:00Z"},
	}
	names := []string{"America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Asia/Shanghai"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "zone")
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		from, err := time.Parse(time.RFC3339, rapid.SampledFrom(changes[name]).Draw(t, "change"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(fmt.Sprintf("%s %s * * *", rapid.SampledFrom([]string{"*", "*/7", "0,30", "15", "45"}).Draw(t, "minute"),
			rapid.SampledFrom([]string{"*", "0-4", "1,2", "2", "3", "0"}).Draw(t, "hour")))
		if err != nil {
			t.Fatal(err)
		}
		var want, got []time.Time
		seen := map[string]bool{}
		end := from.Add(14 * time.Hour)
		for at := from.Add(-2 * time.Hour); !at.After(end); at = at.Add(time.Minute) {
			l := at.In(z)
			wall := l.Format(minutes)
			if s[0].Minutes.Has(l.Minute()) && s[0].Hours.Has(l.Hour()) && !seen[wall] && at.After(from) {
				want = append(want, at)
			}
			seen[wall] = true
		}
		for at := s.Next(from, z); !at.After(end); at = s.Next(at, z) {
			got = append(got, at)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s in %s from %v:\n%v, want\n%v", s, name, from, got, want)
		}
	})
}

func TestAScheduleIsReadBackAsItWasWritten(t *testing.T) {
	fixSeed(t)
	rapid.Check(t, func(t *rapid.T) {
		spec := specs().Draw(t, "spec")
		s, err := Parse(spec)
		if err != nil {
			return // it never comes
		}
		again, err := Parse(s.String())
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("%q is written %q: %+v, want %+v (%v)", spec, s, again, s, err)
		}
	})
	for spec, want := range map[string]string{
		"0 10 * * 1,3,5":              "0 10 * * 1,3,5",
		"0 10 ? * mon-sun":            "0 10 * * 0-6",
		"*/15 * 1,15,L * *":           "*/15 * 1,15,L * *",
		"0,10,20,30,40,50 0-23 * * *": "*/10 * * * *",
		" 0 10 * * * ;30 18 * * 7":    "0 10 * * *; 30 18 * * 0",
	} {
		if got := parse(t, spec).String(); got != want {
			t.Errorf("%q is written %q, want %q", spec, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range []string{"0 10 * * 1,3,5", "CRON_TZ=", "0 0 30 2 *", "0 0 L * *", "*/5 1-3/2 ? jan mon; 0 0 29 2 *"} {
		f.Add(spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := Parse(spec)
		if err != nil {
			return
		}
		if s.Next(time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC), time.UTC).IsZero() {
			t.Errorf("%q has no next time", spec)
		}
		if _, err := Parse(s.String()); err != nil {
			t.Errorf("%q is written %q: %v", spec, s, err)
		}
	})
}

package cron

import (
	"math/bits"
	"time"
)

// searchYears is how far ahead a time is looked for: from one 29 February to the next it
// can be eight years.
const searchYears = 9

// Next returns the first time after t, in UTC; zero: there is none within nine years. A
// wall-clock time that a change of the clocks leaves out does not come on that day, one
// that it brings twice comes once, the first time.
func (s Schedule) Next(t time.Time, zone *time.Location) time.Time {
	local := t.In(zone)
	year, month, d := local.Date()
	day := time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
	from := local.Hour()*60 + local.Minute()
	for end := day.AddDate(searchYears, 0, 0); day.Before(end); from = 0 {
		var best time.Time
		for _, e := range s {
			if !e.On(day) {
				continue
			}
			if n := e.first(day, from, t, zone); !n.IsZero() && (best.IsZero() || n.Before(best)) {
				best = n
			}
		}
		if !best.IsZero() {
			return best
		}
		day = s.following(day)
	}
	return time.Time{}
}

// following is the next day that need be looked at: what remains of a month that nobody
// means is passed over.
func (s Schedule) following(day time.Time) time.Time {
	for _, e := range s {
		if e.Months.Has(int(day.Month())) {
			return day.AddDate(0, 0, 1)
		}
	}
	return time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
}

// On reports whether the expression means a day; of day only the date matters.
func (e Expression) On(day time.Time) bool {
	if !e.Months.Has(int(day.Month())) {
		return false
	}
	inMonth := e.AnyDay || e.Days.Has(day.Day()) || e.LastDay && day.AddDate(0, 0, 1).Day() == 1
	inWeek := e.AnyWeekday || e.Weekdays.Has(int(day.Weekday()))
	if e.AnyDay || e.AnyWeekday {
		return inMonth && inWeek
	}
	return inMonth || inWeek
}

// first is the expression's first time on a day, from a minute of it on, that is after t.
func (e Expression) first(day time.Time, from int, t time.Time, zone *time.Location) time.Time {
	for hours := uint64(e.Hours) >> (from / 60) << (from / 60); hours != 0; hours &= hours - 1 {
		hour := bits.TrailingZeros64(hours)
		for minutes := uint64(e.Minutes); minutes != 0; minutes &= minutes - 1 {
			minute := bits.TrailingZeros64(minutes)
			if hour*60+minute < from {
				continue
			}
			if at, n := Wall(day, hour, minute, zone); n > 0 && at.After(t) {
				return at
			}
		}
	}
	return time.Time{}
}

// Wall returns when it is hour:minute on the date of day in a zone, in UTC, and how often
// that is: 0 when a change of the clocks leaves it out, 2 when it brings it twice; then the
// first is returned. It supposes that clocks are not changed twice within two days.
func Wall(day time.Time, hour, minute int, zone *time.Location) (at time.Time, times int) {
	want := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, time.UTC)
	_, before := want.Add(-24 * time.Hour).In(zone).Zone()
	_, after := want.Add(24 * time.Hour).In(zone).Zone()
	at = want.Add(-time.Duration(before) * time.Second)
	if before == after {
		return at, 1
	}
	if shows(at, want, zone) {
		times++
	}
	if second := want.Add(-time.Duration(after) * time.Second); shows(second, want, zone) {
		if times == 0 {
			at = second
		}
		times++
	}
	return at, times
}

// shows reports whether clocks of a zone show a wall-clock time, given as UTC, at a moment.
func shows(at, wall time.Time, zone *time.Location) bool {
	_, offset := at.In(zone).Zone()
	return at.Add(time.Duration(offset) * time.Second).Equal(wall)
}

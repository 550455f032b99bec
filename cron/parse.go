package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Limits of a schedule.
const (
	maxSpec        = 600 // bytes
	maxExpressions = 24
)

// Schedule is one or more expressions; it comes whenever one of them does.
type Schedule []Expression

// Expression is five fields.
type Expression struct {
	Minutes, Hours Set
	Days           Set // of the month, from 1
	Months         Set // from 1
	Weekdays       Set // 0 Sunday to 6 Saturday
	LastDay        bool
	// AnyDay and AnyWeekday tell a field that is * or ? from one that names every value: when
	// both fields name something, a day that is in either of them is meant.
	AnyDay, AnyWeekday bool
}

// Set is a set of numbers from 0 to 63.
type Set uint64

// Has reports whether a number is in the set.
func (s Set) Has(n int) bool { return s&(1<<n) != 0 }

// Len counts the numbers.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// Values lists the numbers in order.
func (s Set) Values() []int {
	out := make([]int, 0, s.Len())
	for rest := uint64(s); rest != 0; rest &= rest - 1 {
		out = append(out, bits.TrailingZeros64(rest))
	}
	return out
}

// field is one of the five.
type field struct {
	name     string
	min, max int
	example  string
}

var (
	minuteField  = field{"minute", 0, 59, "0,30 or */15"}
	hourField    = field{"hour", 0, 23, "9-18 or 10,15"}
	dayField     = field{"day", 1, 31, "1,15 or L, the last one"}
	monthField   = field{"month", 1, 12, "1-6 or jan"}
	weekdayField = field{"weekday", 0, 6, "1,3,5 or mon-fri; Sunday is also 7"}
)

// fiveFields reads an expression.
var fiveFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// Parse reads minute, hour, day of month, month and weekday: numbers, names such as mon or
// jan, lists, ranges, steps, * and ?; L is the last day of a month; 0 and 7 are Sunday.
// Several expressions are separated by semicolons. A schedule that never comes, such as
// the 30th of February, is refused, and so is a zone: it is said elsewhere.
func Parse(spec string) (Schedule, error) {
	switch {
	case strings.TrimSpace(spec) == "":
		return nil, errors.New("is empty")
	case len(spec) > maxSpec:
		return nil, fmt.Errorf("has %d bytes, at most %d are read", len(spec), maxSpec)
	case strings.Contains(spec, "TZ="):
		return nil, errors.New("names a zone, which has a setting of its own")
	}
	parts := strings.Split(spec, ";")
	if len(parts) > maxExpressions {
		return nil, fmt.Errorf("has %d expressions, at most %d are read", len(parts), maxExpressions)
	}
	s := make(Schedule, len(parts))
	for i, part := range parts {
		var err error
		if s[i], err = expression(strings.Fields(part)); err != nil {
			return nil, err
		}
		if s[i:i+1].Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.UTC).IsZero() {
			return nil, fmt.Errorf("never comes: no month has the day of %q", strings.TrimSpace(part))
		}
	}
	return s, nil
}

func expression(fields []string) (Expression, error) {
	if len(fields) != 5 {
		return Expression{}, fmt.Errorf("has %d fields, want five: minute hour day month weekday", len(fields))
	}
	asked := slices.Clone(fields)
	days, last := cutLast(fields[2])
	asked[2], asked[4] = days, sundays(strings.ToLower(fields[4]))
	for i, f := range []field{minuteField, hourField, dayField, monthField, weekdayField} {
		alone := []string{"*", "*", "*", "*", "*"}
		alone[i] = asked[i]
		if _, err := fiveFields.Parse(strings.Join(alone, " ")); err != nil || strings.Contains(","+asked[i]+",", ",,") {
			return Expression{}, fmt.Errorf("%s is %q, want %d to %d, such as %s", f.name, fields[i], f.min, f.max, f.example)
		}
	}
	read, err := fiveFields.Parse(strings.Join(asked, " "))
	if err != nil {
		return Expression{}, err
	}
	bits, ok := read.(*cron.SpecSchedule)
	if !ok {
		return Expression{}, fmt.Errorf("is read as %T", read)
	}
	const plain = 1<<63 - 1 // without the library's mark of a star
	e := Expression{Minutes: Set(bits.Minute & plain), Hours: Set(bits.Hour & plain), Days: Set(bits.Dom & plain), Months: Set(bits.Month & plain),
		Weekdays: Set(bits.Dow & plain), LastDay: last, AnyDay: starred(fields[2]), AnyWeekday: starred(fields[4])}
	if last && days == onlyLast {
		e.Days = 0
	}
	return e, nil
}

// onlyLast stands for no other day than the last, which the library does not know.
const onlyLast = "31,31"

// cutLast takes L out of the days of the month.
func cutLast(days string) (rest string, last bool) {
	items := strings.Split(days, ",")
	kept := slices.DeleteFunc(slices.Clone(items), func(item string) bool { return item == "L" || item == "l" })
	switch last = len(kept) < len(items); {
	case last && len(kept) == 0:
		return onlyLast, true
	case last:
		return strings.Join(kept, ","), true
	}
	return days, false
}

// sundays writes 0 for a Sunday that is called 7, or ends a range of weekdays: the library
// knows it as the first day of the week only.
func sundays(weekdays string) string {
	items := strings.Split(weekdays, ",")
	for i, item := range items {
		from, to, ranged := strings.Cut(item, "-")
		switch {
		case item == "7" || item == "7-7":
			items[i] = "0"
		case ranged && (to == "7" || (to == "sun" || to == "0") && from != "sun" && from != "0"):
			items[i] = from + "-6,0"
		}
	}
	return strings.Join(items, ",")
}

// starred reports whether a field says that it does not matter; */2 does matter.
func starred(field string) bool {
	for part := range strings.SplitSeq(field, ",") {
		switch part {
		case "*", "?", "*/1", "?/1":
			return true
		}
	}
	return false
}

// String writes the schedule so that Parse reads it again.
func (s Schedule) String() string {
	parts := make([]string, len(s))
	for i, e := range s {
		parts[i] = e.String()
	}
	return strings.Join(parts, "; ")
}

// String writes the five fields.
func (e Expression) String() string {
	days, weekdays := "*", "*"
	if !e.AnyDay {
		days = dayField.write(e.Days, e.LastDay)
	}
	if !e.AnyWeekday {
		weekdays = weekdayField.write(e.Weekdays, false)
	}
	return strings.Join([]string{minuteField.short(e.Minutes), hourField.short(e.Hours), days, monthField.short(e.Months), weekdays}, " ")
}

// short writes a field in which naming every value means the same as a star.
func (f field) short(s Set) string {
	if s.Len() == f.max-f.min+1 {
		return "*"
	}
	return f.write(s, false)
}

func (f field) write(s Set, last bool) string {
	values := s.Values()
	if step := even(values); step > 1 {
		low, high := values[0], values[len(values)-1]
		if low == f.min && high+step > f.max && !last {
			return fmt.Sprintf("*/%d", step)
		}
	}
	var parts []string
	for i := 0; i < len(values); {
		j := i
		for j+1 < len(values) && values[j+1] == values[j]+1 {
			j++
		}
		if j-i >= 2 {
			parts = append(parts, fmt.Sprintf("%d-%d", values[i], values[j]))
		} else {
			for _, v := range values[i : j+1] {
				parts = append(parts, strconv.Itoa(v))
			}
		}
		i = j + 1
	}
	if last {
		parts = append(parts, "L")
	}
	return strings.Join(parts, ",")
}

// even returns the step between at least four values that are evenly apart, else 0.
func even(values []int) int {
	if len(values) < 4 {
		return 0
	}
	step := values[1] - values[0]
	for i := range values[1:] {
		if values[i+1]-values[i] != step {
			return 0
		}
	}
	return step
}

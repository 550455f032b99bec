package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
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

// field is what one of the five may hold.
type field struct {
	name     string
	min, max int
	words    []string // names of values, from min
	last     bool     // L is its last day
}

var (
	minuteField  = field{name: "minute", max: 59}
	hourField    = field{name: "hour", max: 23}
	dayField     = field{name: "day", min: 1, max: 31, last: true}
	monthField   = field{name: "month", min: 1, max: 12, words: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}}
	weekdayField = field{name: "weekday", max: 7, words: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}}
)

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

func expression(fields []string) (e Expression, err error) {
	if len(fields) != 5 {
		return e, fmt.Errorf("has %d fields, want five: minute hour day month weekday", len(fields))
	}
	days, last := fields[2], false
	if e.Minutes, _, err = minuteField.read(fields[0]); err != nil {
		return e, err
	}
	if e.Hours, _, err = hourField.read(fields[1]); err != nil {
		return e, err
	}
	if e.Days, last, err = dayField.read(days); err != nil {
		return e, err
	}
	if e.Months, _, err = monthField.read(fields[3]); err != nil {
		return e, err
	}
	if e.Weekdays, _, err = weekdayField.read(fields[4]); err != nil {
		return e, err
	}
	if e.Weekdays.Has(7) {
		e.Weekdays = e.Weekdays&^(1<<7) | 1
	}
	e.LastDay, e.AnyDay, e.AnyWeekday = last, starred(days), starred(fields[4])
	return e, nil
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

func (f field) read(text string) (set Set, last bool, err error) {
	for part := range strings.SplitSeq(strings.ToLower(text), ",") {
		if f.last && part == "l" {
			last = true
			continue
		}
		s, err := f.part(part)
		if err != nil {
			return 0, false, err
		}
		set |= s
	}
	return set, last, nil
}

// part reads one item of a list: a value, a range or a star, each perhaps with a step.
func (f field) part(text string) (Set, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	low, high, step := f.min, f.top(), 1
	if span != "*" && span != "?" {
		from, to, ranged := strings.Cut(span, "-")
		var err error
		if low, err = f.value(from); err != nil {
			return 0, err
		}
		switch {
		case ranged:
			if high, err = f.value(to); err != nil {
				return 0, err
			}
			if f.top() < f.max && high == f.min && low > high {
				high = f.max // mon-sun: at the end of a range Sunday is 7
			}
		case !stepped:
			high = low
		}
		if high < low {
			return 0, fmt.Errorf("%s %q goes backwards; want the lower end first", f.name, span)
		}
	}
	if stepped {
		var err error
		if step, err = number(stepText); err != nil || step == 0 {
			return 0, fmt.Errorf("%s %q has no step such as */2", f.name, text)
		}
	}
	var set Set
	for n := low; n <= high; n += step {
		set |= 1 << n
	}
	return set, nil
}

// top is the highest value that * means: a week has seven days although Sunday has two
// numbers.
func (f field) top() int {
	if f.words != nil && f.min == 0 {
		return len(f.words) - 1
	}
	return f.max
}

func (f field) value(text string) (int, error) {
	for i, w := range f.words {
		if text == w {
			return f.min + i, nil
		}
	}
	n, err := number(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%s is %q, want %d to %d", f.name, text, f.min, f.max)
	}
	return n, nil
}

func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err
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
	if s.Len() == f.top()-f.min+1 {
		return "*"
	}
	return f.write(s, false)
}

func (f field) write(s Set, last bool) string {
	values := s.Values()
	if step := even(values); step > 1 {
		low, high := values[0], values[len(values)-1]
		if low == f.min && high+step > f.top() && !last {
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

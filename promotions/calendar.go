package promotions

import (
	"context"
	_ "embed" // the calendar that comes with the program
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"xiaobu/handlers"
	"xiaobu/store"
)

// Limits of a calendar.
const (
	maxCalendarFile = 1 << 20 // bytes
	maxSpan         = 366     // days from the first to the last of one entry
	maxOwnDays      = 5000
	maxDayName      = 100 // characters
)

//go:embed calendar/cn.txt
var chinaText string

// Calendar is what is known about public holidays.
type Calendar struct {
	days  map[string]store.CalendarDay
	From  string // the first day it is complete for, 2025-01-01
	Until string // the last
}

// China is the calendar that comes with the program.
func China() (*Calendar, error) { return readCalendar(chinaText) }

// LoadCalendar reads a calendar file: lines such as "2026-10-01/2026-10-07 holiday 国庆节",
// and one such as "known 2025-01-01/2026-12-31". An error names the line.
func LoadCalendar(file string) (*Calendar, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxCalendarFile {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", file, info.Size(), maxCalendarFile)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := readCalendar(string(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

func readCalendar(text string) (*Calendar, error) {
	c := &Calendar{days: map[string]store.CalendarDay{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if err := c.readLine(strings.Fields(line)); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if c.From == "" {
		return nil, fmt.Errorf(`does not say for which days it is complete; want a line such as "known 2025-01-01/2026-12-31"`)
	}
	return c, nil
}

func (c *Calendar) readLine(words []string) error {
	if len(words) == 0 {
		return nil
	}
	if len(words) < 2 {
		return fmt.Errorf("%q is too short; want DATE or FROM/TO, a kind and a name, such as 2026-10-01/2026-10-07 holiday 国庆节", words[0])
	}
	if words[0] == "known" {
		s, err := readSpan(words[1])
		if err != nil {
			return err
		}
		if c.From != "" {
			return fmt.Errorf("known comes twice; it was said before to be %s/%s", c.From, c.Until)
		}
		c.From, c.Until = s.from, s.to
		return nil
	}
	s, err := readSpan(words[0])
	if err != nil {
		return err
	}
	if err := checkKind(words[1]); err != nil {
		return err
	}
	dates, err := s.dates()
	if err != nil {
		return err
	}
	for _, date := range dates {
		if known, ok := c.days[date]; ok {
			return fmt.Errorf("%s is there already, as %s %s", date, known.Kind, known.Name)
		}
		c.days[date] = store.CalendarDay{Date: date, Kind: words[1], Name: strings.Join(words[2:], " ")}
	}
	return nil
}

func checkKind(kind string) error {
	switch kind {
	case store.DayHoliday, store.DayWorkday, store.DayBlackout:
		return nil
	}
	return fmt.Errorf("kind is %q; want holiday, workday or blackout", kind)
}

// span is some days, by date; both ends are included.
type span struct{ from, to string }

func readSpan(text string) (span, error) {
	from, to, ok := strings.Cut(text, "/")
	if !ok {
		to = from
	}
	for _, d := range []string{from, to} {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			return span{}, fmt.Errorf("%q is no date of the calendar; want one such as 2026-12-24, or 2026-12-24/2026-12-26", d)
		}
	}
	if to < from {
		return span{}, fmt.Errorf("%s ends before it begins", text)
	}
	return span{from, to}, nil
}

func (s span) has(date string) bool { return s.from <= date && date <= s.to }

func (s span) dates() ([]string, error) {
	var out []string
	at, err := time.Parse(time.DateOnly, s.from)
	for d := s.from; err == nil && d <= s.to; d = at.Format(time.DateOnly) {
		if out = append(out, d); len(out) > maxSpan {
			return nil, fmt.Errorf("%s/%s has more than %d days", s.from, s.to, maxSpan)
		}
		at = at.AddDate(0, 0, 1)
	}
	return out, err
}

// companyDays are a country's calendar with what the company says itself over it.
type companyDays struct {
	country *Calendar // nil: nothing is known
	own     map[string]store.CalendarDay
	quiet   *store.Hours
}

// companyDays reads what holds at this moment.
func (p *Planner) companyDays(r store.Reader) (companyDays, error) {
	c := companyDays{country: p.Calendar, own: map[string]store.CalendarDay{}}
	days, err := r.CalendarDays()
	if err != nil {
		return c, err
	}
	for _, d := range days {
		c.own[d.Date] = d
	}
	c.quiet, err = r.Quiet()
	return c, err
}

// blackout says whether nothing is posted on a day, and why.
func (c companyDays) blackout(date string) (name string, ok bool) {
	d, ok := c.own[date]
	if !ok {
		d = c.listed(date)
	}
	return d.Name, d.Kind == store.DayBlackout
}

// listed is what the country's calendar lists about a day; the zero day where it lists nothing.
func (c companyDays) listed(date string) store.CalendarDay {
	if c.country == nil {
		return store.CalendarDay{}
	}
	return c.country.days[date]
}

// entry is what holds for a day: the company's word, else the country's. That nothing is
// posted on a day does not say whether it is worked.
func (c companyDays) entry(date string) store.CalendarDay {
	if d, ok := c.own[date]; ok && d.Kind != store.DayBlackout {
		return d
	}
	return c.listed(date)
}

func (c companyDays) workday(local time.Time) bool {
	switch c.entry(local.Format(time.DateOnly)).Kind {
	case store.DayWorkday:
		return true
	case store.DayHoliday:
		return false
	}
	wd := local.Weekday()
	return wd != time.Saturday && wd != time.Sunday
}

// known reports whether the country's calendar is complete for a day, or the company has
// said what it is.
func (c companyDays) known(date string) bool {
	if d, ok := c.own[date]; ok && d.Kind != store.DayBlackout {
		return true
	}
	return c.country != nil && c.country.From <= date && date <= c.country.Until
}

// Day is a day that is not like any other, and who says so.
type Day struct {
	store.CalendarDay
	Own bool // the company; else the country's calendar
}

// Days lists the special days from one date to another. Where the company has said
// something itself, its word stands for the country's.
func (p *Planner) Days(ctx context.Context, from, to string) ([]Day, error) {
	s, err := readSpan(from + "/" + to)
	if err != nil {
		return nil, handlers.Invalidf("from", "%s", err)
	}
	dates, err := s.dates()
	if err != nil {
		return nil, handlers.Invalidf("to", "%s", err)
	}
	c, err := p.companyDays(p.Store.Read(ctx))
	if err != nil {
		return nil, err
	}
	days := []Day{}
	for _, date := range dates {
		if d, ok := c.own[date]; ok {
			days = append(days, Day{CalendarDay: d, Own: true})
		} else if d := c.listed(date); d.Kind != "" {
			days = append(days, Day{CalendarDay: d})
		}
	}
	return days, nil
}

// PutDay writes what the company says about a day, and moves the promotions concerned to
// the slot that is their next one now. It returns how many were moved.
func (p *Planner) PutDay(ctx context.Context, d store.CalendarDay) (moved int, err error) {
	if err := checkDate(d.Date); err != nil {
		return 0, err
	}
	if err := checkKind(d.Kind); err != nil {
		return 0, handlers.Invalidf("kind", "%s", strings.TrimPrefix(err.Error(), "kind "))
	}
	if n := utf8.RuneCountInString(d.Name); n > maxDayName {
		return 0, handlers.Invalidf("name", "has %d characters; want at most %d", n, maxDayName)
	}
	return p.changeDays(ctx, func(tx *store.Tx) error {
		days, err := tx.CalendarDays()
		if err != nil {
			return err
		}
		if len(days) >= maxOwnDays {
			return &handlers.Conflict{Detail: fmt.Sprintf("the company's calendar has %d days of its own already; a file (setting calendar.file) takes more", len(days))}
		}
		return tx.PutCalendarDay(d)
	})
}

// DropDay takes back what the company said about a day; ErrNotFound: it said nothing.
func (p *Planner) DropDay(ctx context.Context, date string) error {
	if err := checkDate(date); err != nil {
		return err
	}
	_, err := p.changeDays(ctx, func(tx *store.Tx) error {
		if ok, err := tx.DropCalendarDay(date); err != nil || ok {
			return err
		}
		return store.ErrNotFound
	})
	return err
}

func checkDate(date string) error {
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return handlers.Invalidf("date", "is %q; want a date of the calendar such as 2026-12-24", date)
	}
	return nil
}

// PutQuiet sets the hours in which the company posts nothing, nil for none, and returns how
// many promotions have another next slot now.
func (p *Planner) PutQuiet(ctx context.Context, h *store.Hours) (moved int, err error) {
	if _, err := readHours(h); err != nil {
		return 0, err
	}
	if h != nil && *h == (store.Hours{}) {
		h = nil
	}
	return p.changeDays(ctx, func(tx *store.Tx) error { return tx.PutQuiet(h) })
}

func (p *Planner) changeDays(ctx context.Context, change func(*store.Tx) error) (moved int, err error) {
	err = p.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		moved, err = p.replan(tx)
		return err
	})
	return moved, err
}

// Replan moves every promotion to the slot that is its next one by the calendar of now. The
// program does so when it starts: it may have come with another calendar.
func (p *Planner) Replan(ctx context.Context) error {
	return p.Store.Tx(ctx, func(tx *store.Tx) error {
		_, err := p.replan(tx)
		return err
	})
}

// replan leaves a slot alone that has come and waits to be planned, and a promotion that
// would have no slot any more: it is looked at again when its old one comes. One that cannot
// be read does not hold up the others, nor the start of the program.
func (p *Planner) replan(tx *store.Tx) (moved int, err error) {
	days, err := p.companyDays(tx.Reader)
	if err != nil {
		return 0, err
	}
	coming, err := tx.ComingPromotions(tx.Now)
	if err != nil {
		return 0, err
	}
	for _, promo := range coming {
		pl, err := newPlan(promo.Spec.Schedule, days)
		if err != nil {
			p.Log.Error("read the schedule of a promotion", "promotion", promo.ID, "error", err)
			continue
		}
		next := pl.after(tx.Now)
		if next.IsZero() || next.Equal(promo.NextAt) {
			continue
		}
		switch err := tx.MovePromotion(promo, promo.Status, next); {
		case errors.Is(err, store.ErrStale): // somebody else moved it meanwhile
		case err != nil:
			return moved, err
		default:
			moved++
		}
	}
	return moved, nil
}

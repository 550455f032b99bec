package promotions

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/cron"
	"xiaobu/handlers"
	"xiaobu/store"
)

// Policies for a slot whose time passed while nothing could be sent.
const (
	MissedSkip       = "skip"
	MissedSendWithin = "send_within"
	MissedNextSlot   = "next_slot"
)

// Which days a schedule takes, by the calendar.
const (
	DaysAll        = "all"
	DaysWorkdays   = "workdays"    // Monday to Friday without public holidays, and the days that are worked in return
	DaysNoHolidays = "no_holidays" // every day that is no public holiday
	DaysHolidays   = "holidays"    // public holidays
)

// Limits of a schedule.
const (
	defaultWithin = "30m"
	maxWithin     = 24 * time.Hour
	skipGrace     = time.Minute // lateness that is not yet a missed slot
	maxBlackouts  = 200
	firstYear     = 2000
	lastYear      = 2199
	searchYears   = 10 // how far ahead a slot is looked for that no filter drops
)

// minutes is how a slot is written for people.
const minutes = "2006-01-02 15:04"

// plan is a promotion's schedule, ready to be asked.
type plan struct {
	cron     cron.Schedule
	zone     *time.Location
	from     time.Time // zero: at once
	until    time.Time // excluded; zero: for ever
	days     string
	blackout []span
	quiet    hours
	company  companyDays
	policy   string
	within   time.Duration
}

// plan reads a promotion's schedule by the calendar that a reader sees.
func (p *Planner) plan(r store.Reader, spec store.PromotionSpec) (plan, error) {
	days, err := p.companyDays(r)
	if err != nil {
		return plan{}, err
	}
	return newPlan(spec.Schedule, days)
}

func newPlan(s store.ScheduleSpec, company companyDays) (plan, error) {
	zone, err := loadZone(s.Timezone)
	if err != nil {
		return plan{}, handlers.Invalidf("schedule.timezone", "%q is no IANA zone; want one such as Asia/Shanghai", s.Timezone)
	}
	pl := plan{zone: zone, company: company, policy: s.Missed.Policy}
	if pl.cron, pl.days, err = readSchedule(s); err != nil {
		return pl, err
	}
	if pl.from, err = day("schedule.starts_on", s.StartsOn, zone, 0); err != nil {
		return pl, err
	}
	if pl.until, err = day("schedule.ends_on", s.EndsOn, zone, 1); err != nil {
		return pl, err
	}
	if !pl.until.IsZero() && !pl.from.IsZero() && !pl.from.Before(pl.until) {
		return pl, handlers.Invalidf("schedule.ends_on", "%s is before starts_on %s", s.EndsOn, s.StartsOn)
	}
	if err := pl.readFilters(s); err != nil {
		return pl, err
	}
	return pl, pl.readMissed(s.Missed.Within)
}

func (pl *plan) readFilters(s store.ScheduleSpec) error {
	if !slices.Contains([]string{DaysAll, DaysWorkdays, DaysNoHolidays, DaysHolidays}, pl.days) {
		return handlers.Invalidf("schedule.days", "is %q; want all, workdays, no_holidays or holidays", pl.days)
	}
	if len(s.Blackout) > maxBlackouts {
		return handlers.Invalidf("schedule.blackout", "has %d entries; want at most %d", len(s.Blackout), maxBlackouts)
	}
	for i, text := range s.Blackout {
		b, err := readSpan(text)
		if err != nil {
			return handlers.Invalidf(fmt.Sprintf("schedule.blackout[%d]", i), "%s", err)
		}
		pl.blackout = append(pl.blackout, b)
	}
	quiet := s.Quiet
	if quiet == nil {
		quiet = pl.company.quiet
	}
	var err error
	pl.quiet, err = readHours(quiet)
	return handlers.Under("schedule.quiet", err)
}

func (pl *plan) readMissed(within string) error {
	switch pl.policy {
	case MissedSkip, MissedNextSlot:
		pl.within = skipGrace
		return nil
	case MissedSendWithin:
		d, err := time.ParseDuration(within)
		if err != nil || d < time.Minute || d > maxWithin {
			return handlers.Invalidf("schedule.missed.within", "is %q; want 1m to 24h, such as 30m", within)
		}
		pl.within = d
		return nil
	}
	return handlers.Invalidf("schedule.missed.policy", "is %q; want skip, send_within or next_slot", pl.policy)
}

// loadZone refuses "Local" and the empty name, which time.LoadLocation takes: a plan must
// not depend on the machine it runs on.
func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("no zone")
	}
	return time.LoadLocation(name)
}

// day reads a date as its first moment in a zone, or that of a later day.
func day(field, s string, zone *time.Location, plus int) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return t, handlers.Invalidf(field, "is %q; want a date of the calendar such as 2026-11-23, from %d to %d", s, firstYear, lastYear)
	}
	return t.AddDate(0, 0, plus), nil
}

// defaults fills in what a schedule leaves out.
func (p *Planner) defaults(s store.ScheduleSpec) store.ScheduleSpec {
	s.Timezone = cmp.Or(s.Timezone, p.Zone.String())
	s.Missed.Policy = cmp.Or(s.Missed.Policy, MissedSendWithin)
	if s.Missed.Policy == MissedSendWithin {
		s.Missed.Within = cmp.Or(s.Missed.Within, defaultWithin)
	}
	return s
}

// hours are minutes of the wall clock; without any, from and to are equal.
type hours struct{ from, to int }

func readHours(h *store.Hours) (hours, error) {
	if h == nil || *h == (store.Hours{}) {
		return hours{}, nil
	}
	from, err := clock("from", h.From)
	if err != nil {
		return hours{}, err
	}
	if h.To == "24:00" {
		h = &store.Hours{From: h.From, To: "00:00"}
	}
	to, err := clock("to", h.To)
	if err != nil {
		return hours{}, err
	}
	if from == to {
		return hours{}, handlers.Invalidf("to", "is %q like from, so it would be quiet all day; pause the promotion instead", h.To)
	}
	return hours{from, to}, nil
}

func clock(field, text string) (minutes int, err error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, handlers.Invalidf(field, "is %q; want a time of the day such as 22:00", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

func (h hours) has(minute int) bool {
	if h.from <= h.to {
		return h.from <= minute && minute < h.to
	}
	return minute >= h.from || minute < h.to
}

func (h hours) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.from/60, h.from%60, h.to/60, h.to%60)
}

// after returns the first slot after t that nothing drops; zero: there is none, or none
// within ten years.
func (pl plan) after(t time.Time) time.Time {
	t = pl.begin(t)
	for end := t.AddDate(searchYears, 0, 0); ; {
		at := pl.next(t)
		if at.IsZero() || at.After(end) {
			return time.Time{}
		}
		why := pl.drops(at)
		if why == nil {
			return at
		}
		t = pl.past(at, why)
	}
}

// never says why there is no slot after t.
func (pl plan) never(t time.Time) string {
	at := pl.next(pl.begin(t))
	if at.IsZero() {
		return "has no time from starts_on to ends_on that is still to come"
	}
	return fmt.Sprintf("never comes: days, blackout or quiet hours drop every time there is, the first one, %s, for it is %s",
		at.In(pl.zone).Format(minutes), pl.drops(at).en)
}

// begin is t, or the moment before starts_on.
func (pl plan) begin(t time.Time) time.Time {
	if !pl.from.IsZero() && t.Before(pl.from) {
		return pl.from.Add(-time.Second)
	}
	return t
}

// next returns the schedule's next time before the end, dropped or not.
func (pl plan) next(t time.Time) time.Time {
	at := pl.cron.Next(t, pl.zone)
	if !pl.until.IsZero() && !at.Before(pl.until) {
		return time.Time{}
	}
	return at
}

// drop is why a time of a schedule is no slot, in both languages.
type drop struct {
	quiet  bool // the hour is to blame, not the day
	zh, en string
}

// drops says why nothing is posted at a time of the schedule; nil: it is a slot.
func (pl plan) drops(at time.Time) *drop {
	local := at.In(pl.zone)
	date := local.Format(time.DateOnly)
	if slices.ContainsFunc(pl.blackout, func(s span) bool { return s.has(date) }) {
		return &drop{zh: "本促销的停发日", en: "a day without this promotion"}
	}
	if name, ok := pl.company.blackout(date); ok {
		return &drop{zh: "公司停发日" + named(":", name), en: "the company posts nothing on this day" + named(": ", name)}
	}
	e := pl.company.entry(date)
	switch holiday := e.Kind == store.DayHoliday; {
	case pl.days == DaysWorkdays && !pl.company.workday(local):
		return &drop{zh: "不是工作日" + named(":", e.Name), en: "no workday" + named(": ", e.Name)}
	case pl.days == DaysNoHolidays && holiday:
		return &drop{zh: "法定节假日" + named(":", e.Name), en: "a public holiday" + named(": ", e.Name)}
	case pl.days == DaysHolidays && !holiday:
		return &drop{zh: "不是法定节假日", en: "no public holiday"}
	}
	if pl.quiet.has(local.Hour()*60 + local.Minute()) {
		return &drop{quiet: true, zh: "在免打扰时段 " + pl.quiet.String(), en: "within the quiet hours " + pl.quiet.String()}
	}
	return nil
}

// named puts a name behind a reason, if there is one.
func named(colon, name string) string {
	if name == "" {
		return ""
	}
	return colon + name
}

// past returns a moment behind which the next slot is to be looked for when at was dropped:
// no day or night is looked through time by time.
func (pl plan) past(at time.Time, why *drop) time.Time {
	local := at.In(pl.zone)
	until, minute := local.AddDate(0, 0, 1), 0
	if why.quiet {
		if minute = pl.quiet.to; local.Hour()*60+local.Minute() < minute {
			until = local
		}
	}
	date := time.Date(until.Year(), until.Month(), until.Day(), 0, 0, 0, 0, time.UTC)
	end, times := cron.Wall(date, minute/60, minute%60, pl.zone)
	if end = end.Add(-time.Nanosecond); times == 0 || end.Before(at) {
		return at // the clocks leave that moment out
	}
	return end
}

// calmUntil returns when the next quiet hours begin after a moment outside of them; zero:
// there are none.
func (pl plan) calmUntil(t time.Time) time.Time { return pl.wallAfter(t, pl.quiet.from) }

func (pl plan) wallAfter(t time.Time, minute int) time.Time {
	if pl.quiet == (hours{}) {
		return time.Time{}
	}
	local := t.In(pl.zone)
	for date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC); ; date = date.AddDate(0, 0, 1) {
		if at, times := cron.Wall(date, minute/60, minute%60, pl.zone); times > 0 && at.After(t) {
			return at
		}
	}
}

// guesses reports whether it is a guess that a slot is one: the schedule asks for the
// calendar, and nobody has said yet what that day is.
func (pl plan) guesses(at time.Time) bool {
	return pl.days != DaysAll && !pl.company.known(at.In(pl.zone).Format(time.DateOnly))
}

// late says what becomes of a slot that is late: the status of an occurrence that was not
// posted and why, or nothing when it is still posted. next is the slot that follows.
func (pl plan) late(by time.Duration, next time.Time) (status, reason string) {
	if by <= pl.within {
		return "", ""
	}
	status, reason = store.OccurrenceMissed, fmt.Sprintf("late by %s, allowed %s", by.Round(time.Second), pl.within)
	switch {
	case pl.policy == MissedSkip:
		status = store.OccurrenceSkipped
	case pl.policy == MissedNextSlot && next.IsZero():
		reason = fmt.Sprintf("late by %s, and no slot follows that could carry it", by.Round(time.Second))
	case pl.policy == MissedNextSlot:
		reason = fmt.Sprintf("late by %s; the next slot, %s, carries it", by.Round(time.Second), next.In(pl.zone).Format(minutes))
	}
	return status, reason
}

package sandbox

import "time"

// The platform's limits on calls, per company and path. Going beyond closes the path for as
// long as the window.
const (
	callsPerMinute = 10_000
	callsPerHour   = 150_000
	debugPerMinute = 5 // with debug=1 in the address

	keepUnknown = 1_000 // paths that are not simulated and are counted one by one
)

// What one member of staff receives at most from one app; more is dropped without a word.
const (
	messagesPerMinute = 30
	messagesPerHour   = 1_000
)

// messagesPerDay are the person-times that one app may send in a day: 200 for each account of
// a company with a thousand.
const messagesPerDay = 200 * 1_000

// Limits replaces the platform's limits by smaller ones; 0 keeps the platform's.
type Limits struct {
	// PerMinute and PerHour are calls of one path (platform: 10,000 and 150,000).
	PerMinute, PerHour int
	// Parallel is how many calls of one path may be under way at once before 45033. The
	// platform's number is not published; 0 means no limit.
	Parallel int
	// MassPerMonth is how many mass messages a group or customer may receive in a calendar
	// month of Asia/Shanghai (platform: the number of its days).
	MassPerMonth int
	// MassRule is what mass messages are counted by instead of the month, as a company sets it
	// in its console: MassWeek (7, from Monday) or MassDay (1); empty: the month. The platform
	// does not say on which day its week begins.
	MassRule string
	// Ways is how many join ways and lasting contact ways the company may have (platform:
	// 500,000), TempWays how many temporary contact ways it may make in a day (100,000).
	Ways, TempWays int
	// Customers is how many customers a member of staff may have, as far as handing customers
	// over goes. The platform gives each company its own number; 0 means no limit.
	Customers int
	// AccountPerDay is how often each call of the official account that has a daily quota may
	// be made in a day of Asia/Shanghai.
	AccountPerDay int
	// MessagesPerDay are the person-times that the app may send in a day of Asia/Shanghai
	// (platform: 200 for each account of the company; here 200,000).
	MessagesPerDay int
	// Page is how many entries a page of a list has at most, whatever was asked for, so that
	// also short lists come in pages and may change between them.
	Page int
}

// window counts what happens within a span that begins with the first count after the last.
type window struct {
	began  time.Time
	count  int
	closed time.Time // nothing is let through before
}

// pass counts one and reports whether it is within the limit; if not, the window is closed
// for its span from now on.
func (w *window) pass(now time.Time, span time.Duration, limit int) bool {
	return w.passMany(now, span, 1, limit)
}

// passMany is pass for n at once.
func (w *window) passMany(now time.Time, span time.Duration, n, limit int) bool {
	if now.Before(w.closed) {
		return false
	}
	if w.count == 0 || now.Sub(w.began) >= span {
		w.began, w.count = now, 0
	}
	w.count += n
	if w.count > limit {
		w.closed = now.Add(span)
		w.count = 0
		return false
	}
	return true
}

// dayCount counts within one day or month of Asia/Shanghai, as quotaDay and quotaMonth name it.
type dayCount struct {
	span  string
	count int
}

// room reports whether n more are within the limit of the span.
func (d *dayCount) room(span string, n, limit int) bool {
	if d.span != span {
		d.span, d.count = span, 0
	}
	return d.count+n <= limit
}

// pass counts one and reports whether it is within the limit of the span; if not, it does not
// count.
func (d *dayCount) pass(span string, limit int) bool { return d.passMany(span, 1, limit) }

// passMany is pass for n at once.
func (d *dayCount) passMany(span string, n, limit int) bool {
	if !d.room(span, n, limit) {
		return false
	}
	d.count += n
	return true
}

// What a company may count mass messages by; see Limits.
const (
	MassWeek = "week"
	MassDay  = "day"
)

// massDays are the first and last day over which mass messages count together with those of a
// moment, and how many there may be.
func (l Limits) massDays(now time.Time) (first, last time.Time, most int) {
	local := now.In(shanghai())
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())
	switch l.MassRule {
	case MassDay:
		return day, day, 1
	case MassWeek:
		first = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		return first, first.AddDate(0, 0, 6), 7
	}
	first = day.AddDate(0, 0, 1-day.Day())
	last = first.AddDate(0, 1, -1)
	return first, last, orElse(l.MassPerMonth, last.Day())
}

func quotaDay(now time.Time) string   { return now.In(shanghai()).Format(time.DateOnly) }
func quotaMonth(now time.Time) string { return now.In(shanghai()).Format("2006-01") }

// meters count calls.
type meters struct {
	calls    map[string]int // by path, for ever
	unknown  int            // paths in calls that are not simulated
	underway map[string]int // by path, now
	windows  map[string]*callWindows
}

type callWindows struct{ minute, hour, debug window }

func newMeters() meters {
	return meters{calls: map[string]int{}, underway: map[string]int{}, windows: map[string]*callWindows{}}
}

// countUnknown counts a request to a path that is not simulated.
func (m *meters) countUnknown(path string) {
	if m.calls[path] == 0 {
		if m.unknown >= keepUnknown {
			path = "…"
		}
		m.unknown++
	}
	m.calls[path]++
}

// count lets a call through or refuses it with 45009.
// See https://developer.work.weixin.qq.com/document/path/90312
func (m *meters) count(c *call) *failure {
	w := m.windows[c.path]
	if w == nil {
		w = &callWindows{}
		m.windows[c.path] = w
	}
	limits := c.s.faults.Limits
	ok := w.minute.pass(c.now, time.Minute, orElse(limits.PerMinute, callsPerMinute)) &&
		w.hour.pass(c.now, time.Hour, orElse(limits.PerHour, callsPerHour))
	if ok && c.query.Get("debug") == "1" {
		ok = w.debug.pass(c.now, time.Minute, debugPerMinute)
	}
	if !ok {
		return refuse(codeTooMany, "api freq out of limit")
	}
	return nil
}

// atMost bounds how many entries a call gets in one page.
func (c *call) atMost(limit int) int {
	if most := c.s.faults.Limits.Page; most > 0 {
		return min(limit, most)
	}
	return limit
}

// orElse returns n, or other if n is 0.
func orElse[T int | int64](n, other T) T {
	if n == 0 {
		return other
	}
	return n
}

// received counts what one member of staff gets; unlike calls, a member is not closed out
// for a window after the limit: only the excess is dropped.
type received struct{ at []time.Time }

// take reports whether one more message reaches the member, who gets so many in a minute
// and so many in a longer span.
func (r *received) take(now time.Time, perMinute int, long time.Duration, perLong int) bool {
	for len(r.at) > 0 && now.Sub(r.at[0]) >= long {
		r.at = r.at[1:]
	}
	lastMinute := 0
	for i := len(r.at) - 1; i >= 0 && now.Sub(r.at[i]) < time.Minute; i-- {
		lastMinute++
	}
	if lastMinute >= perMinute || len(r.at) >= perLong {
		return false
	}
	r.at = append(r.at, now)
	return true
}

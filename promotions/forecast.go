package promotions

import (
	"context"
	"fmt"
	"time"

	"xiaobu/cron"
	"xiaobu/store"
)

// What a forecast holds.
const (
	forecastSlots   = 20
	forecastDropped = 50
	changesAhead    = 366 // days in which changes of the clocks are looked for
	maxChanges      = 4
)

// Forecast is what will become of a schedule.
type Forecast struct {
	Description
	Zone    *time.Location
	Next    []time.Time // the next slots, at most 20
	Dropped []Dropped   // times before the last of them that are no slots, at most 50
	Advice  []Advice
}

// Dropped is a time of a schedule at which nothing is posted, and why.
type Dropped struct {
	At      time.Time
	Chinese string
	English string
}

// Codes of advice.
const (
	AdviceNever     = "never"            // no slot is left
	AdviceCongested = "congested"        // WeCom is busy at :00 and :30
	AdviceNight     = "night"            // owners are asleep
	AdviceOften     = "often"            // more than the month's quota of a group
	AdviceCalendar  = "calendar_unknown" // the calendar does not reach that far
	AdviceClocks    = "clock_change"     // a time is left out, or comes twice
)

// Advice is something to think about; it forbids nothing.
type Advice struct {
	Code    string
	Chinese string
	English string
}

// Forecast says when a schedule comes by the calendar of now, what of it is dropped, and what
// there is to think about. A schedule that cannot be read is refused; one that never
// comes is not.
func (p *Planner) Forecast(ctx context.Context, s store.ScheduleSpec) (Forecast, error) {
	s = p.defaults(s)
	pl, err := p.plan(p.Store.Read(ctx), store.PromotionSpec{Schedule: s})
	if err != nil {
		return Forecast{}, err
	}
	f := Forecast{Description: Describe(s), Zone: pl.zone}
	now := p.Now()
	t := pl.begin(now)
	for end := t.AddDate(searchYears, 0, 0); len(f.Next) < forecastSlots; {
		at := pl.next(t)
		if at.IsZero() || at.After(end) {
			break
		}
		t = at
		if why := pl.drops(at); why == nil {
			f.Next = append(f.Next, at)
		} else if len(f.Dropped) < forecastDropped {
			f.Dropped = append(f.Dropped, Dropped{At: at, Chinese: why.zh, English: why.en})
		} else {
			t = pl.past(at, why)
		}
	}
	f.Advice = pl.advice(now, f.Next)
	return f, nil
}

func (pl plan) advice(now time.Time, next []time.Time) []Advice {
	if len(next) == 0 {
		return []Advice{{AdviceNever, "不会再有发送时间:日期范围、停发日或免打扰时段排除了所有时间", "it " + pl.never(now)}}
	}
	var out []Advice
	for _, look := range []func([]time.Time) *Advice{pl.congested, pl.nightly, often, pl.unknown} {
		if a := look(next); a != nil {
			out = append(out, *a)
		}
	}
	return append(out, pl.clockChanges(now)...)
}

// congested: WeCom advises against full and half hours, when everybody sends.
// https://developer.work.weixin.qq.com/document/path/90236
func (pl plan) congested(next []time.Time) *Advice {
	for _, at := range next {
		if local := at.In(pl.zone); local.Minute()%30 == 0 {
			better := local.Add(5 * time.Minute).Format("15:04")
			return &Advice{AdviceCongested, "整点和半点企业微信发送拥堵,建议错开几分钟,例如 " + better,
				"WeCom is congested at full and half hours; some minutes later is better, such as " + better}
		}
	}
	return nil
}

func (pl plan) nightly(next []time.Time) *Advice {
	for _, at := range next {
		if h := at.In(pl.zone).Hour(); h < 7 || h >= 22 {
			return &Advice{AdviceNight, "群发要由群主手动确认,22点至次日7点可能无人确认",
				"owners have to confirm each mass message, and between 22:00 and 7:00 they may be asleep"}
		}
	}
	return nil
}

// often looks at slots only; what groups have left is for the pre-flight to say.
func often(next []time.Time) *Advice {
	const shift = time.Hour // of the clocks
	if n := len(next); n < forecastSlots || next[n-1].Sub(next[0]) >= time.Duration(n-1)*24*time.Hour-shift {
		return nil
	}
	return &Advice{AdviceOften, "平均每天超过一次;每个群每月可收到的群发条数与当月天数相同,月底前会用完",
		"it comes more than once a day, but a group gets as many mass messages a month as the month has days"}
}

// unknown looks behind the end of the calendar.
func (pl plan) unknown(next []time.Time) *Advice {
	if pl.company.country == nil {
		return pl.guessed(next[0], "没有可用的节假日日历", "there is no calendar of public holidays")
	}
	until := pl.company.country.Until
	end, err := time.ParseInLocation(time.DateOnly, until, pl.zone)
	if err != nil {
		return nil
	}
	at := next[0]
	if end = end.AddDate(0, 0, 1); at.Before(end) {
		at = pl.after(end.Add(-time.Second))
	}
	return pl.guessed(at, "日历中的节假日安排只到 "+until, "the calendar of public holidays ends on "+until)
}

func (pl plan) guessed(at time.Time, zh, en string) *Advice {
	if at.IsZero() || !pl.guesses(at) {
		return nil
	}
	date := at.In(pl.zone).Format(time.DateOnly)
	return &Advice{AdviceCalendar, zh + ",自 " + date + " 起暂按周一至周五为工作日推算,请在新安排公布后更新日历",
		en + ", so times from " + date + " on are a guess that takes Monday to Friday for workdays; bring it up to date when more is announced"}
}

// clockChanges tells of times within a year that the clocks leave out or bring twice.
func (pl plan) clockChanges(now time.Time) []Advice {
	var out []Advice
	local := pl.begin(now).In(pl.zone)
	day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	for range changesAhead {
		if end, _ := cron.Wall(day, 0, 0, pl.zone); !pl.until.IsZero() && !end.Before(pl.until) {
			break
		}
		if pl.changes(day) {
			out = append(out, pl.oddities(day)...)
		}
		day = day.AddDate(0, 0, 1)
	}
	return out[:min(len(out), maxChanges)]
}

// changes reports whether clocks are changed on a day.
func (pl plan) changes(day time.Time) bool {
	begin, _ := cron.Wall(day, 0, 0, pl.zone)
	end, _ := cron.Wall(day.AddDate(0, 0, 1), 0, 0, pl.zone)
	return end.Sub(begin) != 24*time.Hour
}

func (pl plan) oddities(day time.Time) []Advice {
	var out []Advice
	for _, e := range pl.cron {
		if !e.On(day) {
			continue
		}
		for _, h := range e.Hours.Values() {
			for _, m := range e.Minutes.Values() {
				at := fmt.Sprintf("%s %02d:%02d", day.Format(time.DateOnly), h, m)
				switch _, times := cron.Wall(day, h, m, pl.zone); times {
				case 0:
					out = append(out, Advice{AdviceClocks, at + " 因调整夏令时不存在,那天不发送", at + " does not exist, for the clocks go forward: nothing is posted then"})
				case 2:
					out = append(out, Advice{AdviceClocks, at + " 因调整夏令时出现两次,只在第一次发送", at + " comes twice, for the clocks go back: it is posted the first time"})
				}
			}
		}
	}
	return out
}

package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/promotions"
	"xiaobu/store"
)

type scheduleSlotView struct {
	At      *time.Time `json:"at"`
	Local   string     `json:"local" doc:"by the clocks of the schedule's zone" example:"2026-11-25 10:05"`
	Weekday int        `json:"weekday" doc:"1 Monday to 7 Sunday"`
}

type scheduleDroppedView struct {
	scheduleSlotView
	Reason   string `json:"reason"`
	ReasonEN string `json:"reason_en"`
}

type adviceView struct {
	Code   string `json:"code" enum:"never,congested,night,often,calendar_unknown,clock_change"`
	Text   string `json:"text"`
	TextEN string `json:"text_en"`
}

type forecastView struct {
	CronFields string                `json:"cron_fields" doc:"several expressions are separated by semicolons"`
	Days       string                `json:"days" enum:"all,workdays,no_holidays,holidays"`
	Words      string                `json:"words" doc:"when it comes, in Chinese"`
	WordsEN    string                `json:"words_en"`
	Next       []scheduleSlotView    `json:"next" nullable:"false" doc:"the next 20 slots"`
	Dropped    []scheduleDroppedView `json:"dropped" nullable:"false" doc:"times before the last of them at which nothing is posted, at most 50"`
	Advice     []adviceView          `json:"advice" nullable:"false"`
}

func (s *server) viewForecast(f promotions.Forecast) forecastView {
	v := forecastView{CronFields: f.Fields, Days: f.Days, Words: f.Chinese, WordsEN: f.English,
		Next: []scheduleSlotView{}, Dropped: []scheduleDroppedView{}, Advice: []adviceView{}}
	slot := func(at time.Time) scheduleSlotView {
		local := at.In(f.Zone)
		return scheduleSlotView{At: s.stamp(at), Local: local.Format("2006-01-02 15:04"), Weekday: (int(local.Weekday())+6)%7 + 1}
	}
	for _, at := range f.Next {
		v.Next = append(v.Next, slot(at))
	}
	for _, d := range f.Dropped {
		v.Dropped = append(v.Dropped, scheduleDroppedView{slot(d.At), d.Chinese, d.English})
	}
	for _, a := range f.Advice {
		v.Advice = append(v.Advice, adviceView{a.Code, a.Chinese, a.English})
	}
	return v
}

type calendarDayView struct {
	Date   string `json:"date" example:"2026-10-01"`
	Kind   string `json:"kind" enum:"holiday,workday,blackout"`
	Name   string `json:"name"`
	Source string `json:"source" enum:"calendar,company" doc:"who says so: the calendar of public holidays, or the company over it"`
}

func viewDay(d promotions.Day) calendarDayView {
	v := calendarDayView{Date: d.Date, Kind: d.Kind, Name: d.Name, Source: "calendar"}
	if d.Own {
		v.Source = "company"
	}
	return v
}

type calendarView struct {
	list[calendarDayView]
	KnownFrom  *string `json:"known_from" doc:"the first day that the calendar of public holidays is complete for"`
	KnownUntil *string `json:"known_until" doc:"the last: holidays behind it are not known, and Monday to Friday are taken for workdays"`
}

type movedView struct {
	Moved int `json:"moved" doc:"promotions whose next time is another one now"`
}

type calendarDayPut struct {
	calendarDayView
	movedView
}

type quietHoursPut struct {
	hoursBody
	movedView
}

func (s *server) calendar() {
	type forecast struct {
		Body struct {
			Schedule scheduleBody `json:"schedule"`
		}
	}
	huma.Register(s.api, op(http.MethodPost, "/promotions/schedule", "when a schedule comes, in words and in times, without planning anything", http.StatusOK), func(ctx context.Context, in *forecast) (*result[forecastView], error) {
		f, err := s.Promotions.Forecast(ctx, in.Body.Schedule.spec())
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewForecast(f)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/schedule", "when it will be posted, as long as it is not paused", http.StatusOK), func(ctx context.Context, in *oneID) (*result[forecastView], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		f, err := s.Promotions.Forecast(ctx, p.Spec.Schedule)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewForecast(f)), nil
	})
	type filter struct {
		Page
		From string `query:"from" example:"2026-01-01" doc:"left out: today"`
		To   string `query:"to" example:"2026-12-31" doc:"included, at most 366 days; left out: a year from then"`
	}
	huma.Register(s.api, op(http.MethodGet, "/calendar", "public holidays, make-up workdays and days on which nothing is posted", http.StatusOK), func(ctx context.Context, in *filter) (*result[calendarView], error) {
		v, err := s.calendarPage(ctx, in.Page, in.From, in.To)
		if err != nil {
			return nil, s.fail(ctx, asked(err))
		}
		return answer(v), nil
	})
	s.calendarDays()
	s.quietHours()
}

func (s *server) calendarPage(ctx context.Context, page Page, from, to string) (calendarView, error) {
	var v calendarView
	after, err := page.words(1)
	if err != nil {
		return v, err
	}
	if from == "" {
		from = s.Now().In(s.Zone).Format(time.DateOnly)
	}
	if begin, err := time.Parse(time.DateOnly, from); to == "" && err == nil {
		to = begin.AddDate(1, 0, -1).Format(time.DateOnly)
	}
	days, err := s.Promotions.Days(ctx, from, to)
	if err != nil {
		return v, err
	}
	days = slices.DeleteFunc(days, func(d promotions.Day) bool { return d.Date <= after[0] })
	v.list = paged(days, page.Limit, viewDay, func(d promotions.Day) string { return wordsCursor(d.Date) }).Body
	if c := s.Promotions.Calendar; c != nil {
		v.KnownFrom, v.KnownUntil = &c.From, &c.Until
	}
	return v, nil
}

func (s *server) calendarDays() {
	type one struct {
		Date string `path:"date" example:"2026-12-24"`
	}
	type put struct {
		Date string `path:"date" example:"2026-12-24"`
		Body struct {
			Kind string `json:"kind" enum:"holiday,workday,blackout" doc:"blackout: nothing is posted on this day"`
			Name string `json:"name,omitempty" maxLength:"100"`
		}
	}
	huma.Register(s.api, op(http.MethodPut, "/calendar/days/{date}", "say what a day is; it stands over the calendar of public holidays", http.StatusOK), func(ctx context.Context, in *put) (*result[calendarDayPut], error) {
		d := store.CalendarDay{Date: in.Date, Kind: in.Body.Kind, Name: in.Body.Name}
		moved, err := s.Promotions.PutDay(ctx, d)
		if err != nil {
			return nil, s.fail(ctx, dated(err))
		}
		return answer(calendarDayPut{viewDay(promotions.Day{CalendarDay: d, Own: true}), movedView{moved}}), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/calendar/days/{date}", "take back what was said about a day", http.StatusNoContent), func(ctx context.Context, in *one) (*none, error) {
		if err := s.Promotions.DropDay(ctx, in.Date); err != nil {
			return nil, s.fail(ctx, dated(err))
		}
		return nil, nil
	})
}

// dated says of a date that was refused that it stood in the path.
func dated(err error) error {
	var inv *handlers.Invalid
	if !errors.As(err, &inv) || inv.Field != "date" {
		return err
	}
	return huma.Error422UnprocessableEntity(inv.Error(), &huma.ErrorDetail{Message: inv.Detail, Location: "path.date"})
}

func (s *server) quietHours() {
	type put struct{ Body hoursBody }
	huma.Register(s.api, op(http.MethodGet, "/calendar/quiet", "the hours in which the company posts nothing", http.StatusOK), func(ctx context.Context, _ *none) (*result[hoursBody], error) {
		h, err := s.Store.Read(ctx).Quiet()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if h == nil {
			h = &store.Hours{}
		}
		return answer(hoursBody(*h)), nil
	})
	huma.Register(s.api, op(http.MethodPut, "/calendar/quiet", "set the hours in which the company posts nothing", http.StatusOK), func(ctx context.Context, in *put) (*result[quietHoursPut], error) {
		h := store.Hours(in.Body)
		moved, err := s.Promotions.PutQuiet(ctx, &h)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(quietHoursPut{in.Body, movedView{moved}}), nil
	})
}

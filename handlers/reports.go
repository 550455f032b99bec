package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// When a report is told.
const (
	reportLate  = 2 * time.Hour      // later a day is not begun: nobody wants yesterday's figures in the night
	reportOver  = 3 * time.Hour      // later nothing of it goes out
	reportBack  = 7 * 24 * time.Hour // how far back news goes that was not told
	reportBatch = 100                // people in one transaction
	maxRunsLate = 31                 // missed days that are written down after a long downtime
)

// Reports tells people once a day what the books say of them. What is due stands in rows: a
// kind has the day it tells next, a day that is being told has a row with how far it has
// come, and a message is an action whose key names kind, day and person. So a day is told
// once, whoever crashes, and a change of the time does not tell it again.
type Reports struct {
	Store *store.Store
	Now   func() time.Time
	Zone  *time.Location // whose days are told
	Log   *slog.Logger
	// Chats says whether an app chat can be a target, nil takes every id.
	Chats  bot.AppChatter
	Robots *Robots
}

// Next returns when the next report is to be told, or goes on.
func (r *Reports) Next(ctx context.Context) (next time.Time, ok bool, err error) {
	rd := r.Store.Read(ctx)
	open, err := rd.OpenRuns()
	if err != nil || len(open) > 0 {
		return r.Now(), err == nil, err
	}
	reports, err := rd.Reports()
	for _, rep := range reports {
		if !rep.Enabled {
			continue
		}
		at := r.Now()
		if rep.NextDay != "" {
			at = r.at(rep.At, rep.NextDay)
		}
		if !ok || at.Before(next) {
			next, ok = at, true
		}
	}
	return next, ok && err == nil, err
}

// at is the moment of a local time on a local day. A time that a change of daylight saving
// leaves out is an hour beside it; one that it brings twice is one of the two.
func (r *Reports) at(clock, day string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly+" 15:04", day+" "+clock, r.Zone)
	if err != nil {
		panic(fmt.Sprintf("report at %q %q: %v", day, clock, err)) // both were checked when they were written
	}
	return t
}

// dayOf is the local day of a moment, and a number of days after it.
func (r *Reports) dayOf(t time.Time, plus int) string {
	y, m, d := t.In(r.Zone).Date()
	return time.Date(y, m, d+plus, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// after is the day after a day.
func after(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(fmt.Sprintf("day %q: %v", day, err))
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}

// span is a local day from its first moment to that of the next.
func (r *Reports) span(day string) (from, to time.Time) {
	return r.at("00:00", day), r.at("00:00", after(day))
}

// Tell begins the days that have come and plans their messages. A kind that fails does not
// hold up the others.
func (r *Reports) Tell(ctx context.Context) error {
	reports, err := r.Store.Read(ctx).Reports()
	if err != nil {
		return err
	}
	var errs []error
	for _, rep := range reports {
		if err := r.begin(ctx, rep); err != nil && !errors.Is(err, store.ErrStale) {
			errs = append(errs, fmt.Errorf("begin report %s: %w", rep.Kind, err))
		}
	}
	open, err := r.Store.Read(ctx).OpenRuns()
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, run := range open {
		if err := r.plan(ctx, run); err != nil && !errors.Is(err, store.ErrStale) {
			errs = append(errs, fmt.Errorf("plan report %s of %s: %w", run.Kind, run.Day, err))
		}
	}
	return errors.Join(errs...)
}

// begin writes down the days of a report that have come.
func (r *Reports) begin(ctx context.Context, rep store.Report) error {
	for rep.Enabled {
		next := r.dayOf(r.Now(), 0)
		switch {
		case rep.NextDay == "":
			if !r.at(rep.At, next).After(r.Now()) {
				next = after(next)
			}
		case r.at(rep.At, rep.NextDay).After(r.Now()):
			return nil
		case rep.NextDay < r.dayOf(r.Now(), -maxRunsLate):
			next = r.dayOf(r.Now(), -maxRunsLate)
		default:
			next = after(rep.NextDay)
		}
		err := r.Store.Tx(ctx, func(tx *store.Tx) error { return r.beginDay(tx, rep, next) })
		if err != nil {
			return err
		}
		rep.NextDay = next
	}
	return nil
}

// beginDay takes a report from its day to a later one, and writes its day down if it is one
// to be told.
func (r *Reports) beginDay(tx *store.Tx, rep store.Report, next string) error {
	if err := tx.MoveReport(rep, next); err != nil || rep.NextDay == "" || next != after(rep.NextDay) {
		return err
	}
	if told, err := tells(tx.Reader, rep, rep.NextDay); err != nil || !told {
		return err
	}
	run := store.ReportRun{Kind: rep.Kind, Day: rep.NextDay, At: r.at(rep.At, rep.NextDay), Status: store.RunPlanning, Until: tx.Now}
	if late := tx.Now.Sub(run.At); late > reportLate {
		run.Status, run.Reason = store.RunMissed, fmt.Sprintf("late by %s, allowed %s", late.Round(time.Second), reportLate)
		r.Log.Warn("report missed", "kind", run.Kind, "day", run.Day, "late_by", late)
	}
	run, err := r.window(tx.Reader, run)
	if err != nil {
		return err
	}
	_, err = tx.BeginRun(run)
	return err
}

// window says what is news on a run's day.
func (r *Reports) window(rd store.Reader, run store.ReportRun) (store.ReportRun, error) {
	from, _ := r.span(run.Day)
	return rd.Window(run, from, reportBack)
}

// tells reports whether a report is told on a day, and has a place to go to.
func tells(rd store.Reader, rep store.Report, day string) (bool, error) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return false, err
	}
	weekday := (int(t.Weekday())+6)%7 + 1
	if len(rep.Weekdays) > 0 && !slices.Contains(rep.Weekdays, weekday) {
		return false, nil
	}
	if rep.Kind == store.ReportCashier || rep.Kind == store.ReportManager {
		return true, nil
	}
	targets, err := rd.ReportTargets(rep.Kind, "", 1)
	return len(targets) > 0, err
}

// plan writes the messages of a run down, a batch of people at a time.
func (r *Reports) plan(ctx context.Context, run store.ReportRun) error {
	rd := r.Store.Read(ctx)
	rep, err := rd.Report(run.Kind)
	if err != nil {
		return err
	}
	over := run.At.Add(reportOver)
	for {
		if why := r.stopped(rep, over); why != "" {
			return r.Store.Tx(ctx, func(tx *store.Tx) error { return tx.EndRun(run, endOf(run), why) })
		}
		batch, last, err := r.batch(rd, rep, run)
		if err != nil {
			return err
		}
		if last == run.Cursor {
			return r.Store.Tx(ctx, func(tx *store.Tx) error { return tx.EndRun(run, store.RunDone, "") })
		}
		err = r.Store.Tx(ctx, func(tx *store.Tx) error {
			for _, action := range batch {
				if _, err := tx.Enqueue(action, store.When{Deadline: over}); err != nil {
					return err
				}
			}
			return tx.AdvanceRun(run, last, len(batch))
		})
		if err != nil {
			return err
		}
		run.Cursor, run.Planned = last, run.Planned+int64(len(batch))
	}
}

// stopped says why a run is not gone on with.
func (r *Reports) stopped(rep store.Report, over time.Time) string {
	switch {
	case !rep.Enabled:
		return "it was switched off"
	case !r.Now().Before(over):
		return "its time was over before everybody's message was written"
	}
	return ""
}

// endOf is the state of a run that was stopped: one without a message was missed.
func endOf(run store.ReportRun) string {
	if run.Planned == 0 {
		return store.RunMissed
	}
	return store.RunDone
}

// batch are the messages to those who come after the run's cursor, and who was the last of
// them; nobody is left when that is the cursor itself.
func (r *Reports) batch(rd store.Reader, rep store.Report, run store.ReportRun) ([]bot.Action, string, error) {
	switch run.Kind {
	case store.ReportCashier:
		return r.cashiers(rd, rep, run)
	case store.ReportStore:
		return r.stores(rd, rep, run)
	case store.ReportChain:
		return r.chain(rd, rep, run)
	case store.ReportManager:
		return r.managers(rd, rep, run)
	}
	return nil, run.Cursor, nil
}

// cashiers are the messages to those who bring customers.
func (r *Reports) cashiers(rd store.Reader, rep store.Report, run store.ReportRun) ([]bot.Action, string, error) {
	from, to := r.span(run.Day)
	staff, err := rd.StaffWithNews(run, from, to, run.Cursor, reportBatch)
	if err != nil || len(staff) == 0 {
		return nil, run.Cursor, err
	}
	news, err := rd.NewsOf(run, from, to, staff)
	if err != nil {
		return nil, "", err
	}
	of := map[string][]store.Entry{}
	for _, e := range news {
		of[e.Staff] = append(of[e.Staff], e)
	}
	out := make([]bot.Action, len(staff))
	for i, user := range staff {
		text, err := r.cashierText(rd, rep, run, user, of[user])
		if err != nil {
			return nil, "", err
		}
		out[i] = TellStaff{Report: run.Kind, Day: run.Day, To: bot.UserID(user), Text: text}
	}
	return out, staff[len(staff)-1], nil
}

package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/store"
)

// maxReportTemplate bounds a template, in bytes: what is filled in needs room, too.
const maxReportTemplate = 1200

// Place is where a leaderboard goes, as an operator writes it: one of the two.
type Place struct {
	AppChat string // id of an app chat
	Robot   string // key of a group robot, or the address of its webhook
}

// Put changes how a kind of report is told. The day that is told next stays the same when
// only its time is changed, so nothing is told twice; a report that is switched on begins
// with the next time that comes. For the chain, place says where it goes; nil leaves that as
// it is, an empty one takes it away.
func (r *Reports) Put(ctx context.Context, rep store.Report, place *Place) error {
	if err := checkReport(rep); err != nil {
		return err
	}
	var target target
	if place != nil {
		if rep.Kind != store.ReportChain {
			return Invalidf("target", "is for the chain only; a store's is set at /reports/stores/{store_id}, cashiers and managers are told by the app")
		}
		var err error
		if target, err = r.target(ctx, rep.Kind, "", *place); err != nil {
			return Under("target", err)
		}
	}
	return r.Store.Tx(ctx, func(tx *store.Tx) error {
		known, err := tx.Report(rep.Kind)
		if err != nil {
			return err
		}
		if known.Enabled && rep.Enabled {
			rep.NextDay = known.NextDay
		}
		if err := tx.SaveReport(rep); err != nil || place == nil {
			return err
		}
		return putTarget(tx, target)
	})
}

// target is a place that was read, with the key of a robot that is not kept yet.
type target struct {
	store.ReportTarget
	newKey string
}

func (t target) nowhere() bool { return t.AppChat == "" && t.RobotID == nil && t.newKey == "" }

// putTarget writes a target, or takes an empty one away.
func putTarget(tx *store.Tx, t target) error {
	if t.nowhere() {
		_, err := tx.DropReportTarget(t.Kind, t.ShopID)
		return err
	}
	if t.newKey != "" {
		robot, _, err := tx.AddRobot(store.Robot{Key: t.newKey})
		if err != nil {
			return err
		}
		t.RobotID = &robot.ID
	}
	return tx.PutReportTarget(t.ReportTarget)
}

func checkReport(rep store.Report) error {
	if t, err := time.Parse("15:04", rep.At); err != nil || t.Format("15:04") != rep.At {
		return Invalidf("at", "is %q; want a time of the day such as 21:00", rep.At)
	}
	for i, d := range rep.Weekdays {
		if d < 1 || d > 7 || slices.Contains(rep.Weekdays[:i], d) {
			return Invalidf(fmt.Sprintf("weekdays[%d]", i), "is %d; want each of 1 (Monday) to 7 (Sunday) at most once, or none for every day", d)
		}
	}
	if _, ok := languages[rep.Lang]; !ok {
		return Invalidf("lang", "is %q; want zh or en", rep.Lang)
	}
	if n := len(rep.Text); n > maxReportTemplate {
		return Invalidf("text", "has %d bytes; want at most %d, since a message has %d once it is filled in", n, maxReportTemplate, maxReportText)
	}
	known := Placeholders(rep.Kind)
	if name, found := unknownPlaceholder(rep.Text, known); found {
		return Invalidf("text", "has the unknown placeholder {%s}; known are {%s}", name, strings.Join(known, "}, {"))
	}
	if rep.Text != "" && strings.TrimSpace(rep.Text) == "" {
		return Invalidf("text", "is blank; leave it out for the text that comes with the language")
	}
	return nil
}

// PutStore says where a store's leaderboard goes.
func (r *Reports) PutStore(ctx context.Context, shop string, place Place) error {
	if _, err := r.Store.Read(ctx).Shop(shop); err != nil {
		return err
	}
	t, err := r.target(ctx, store.ReportStore, shop, place)
	if err != nil {
		return err
	}
	if t.nowhere() {
		return Invalidf("app_chat_id", "is missing: name the app chat, or the robot, that the leaderboard goes to")
	}
	return r.Store.Tx(ctx, func(tx *store.Tx) error { return putTarget(tx, t) })
}

// DropStore lets a store's leaderboard go nowhere.
func (r *Reports) DropStore(ctx context.Context, shop string) error {
	return r.Store.Tx(ctx, func(tx *store.Tx) error {
		found, err := tx.DropReportTarget(store.ReportStore, shop)
		if err == nil && !found {
			err = store.ErrNotFound
		}
		return err
	})
}

// target reads a place and asks the platform whether there is such a chat. A robot cannot be
// asked without speaking. What Redacted shows of the robot's key stands for the known one.
func (r *Reports) target(ctx context.Context, kind, shop string, p Place) (target, error) {
	t := target{ReportTarget: store.ReportTarget{Kind: kind, ShopID: shop, AppChat: p.AppChat}}
	if p.AppChat != "" && p.Robot != "" {
		return t, Invalidf("robot", "is given beside app_chat_id; want one of them")
	}
	if p.AppChat != "" {
		return t, CheckAppChat(ctx, r.Chats, "app_chat_id", p.AppChat)
	}
	if p.Robot == "" {
		return t, nil
	}
	rd := r.Store.Read(ctx)
	known, err := rd.ReportTarget(kind, shop)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return t, err
	}
	if known.RobotID != nil {
		robot, err := rd.Robot(*known.RobotID)
		if err != nil {
			return t, err
		}
		if p.Robot == Redacted(robot.Key) {
			t.RobotID = known.RobotID
			return t, nil
		}
	}
	t.newKey, err = r.Robots.read("robot", p.Robot)
	return t, err
}

// Redacted is a secret as it may be shown: its end.
func Redacted(secret string) string {
	const shown = 4
	if len(secret) <= 2*shown {
		return "****"
	}
	return "****" + secret[len(secret)-shown:]
}

// ReportPreview is what a day's report would say to one recipient.
type ReportPreview struct {
	To    string // user id, or store id; empty for the chain
	Text  string
	Quiet bool // there is nothing to tell, so nothing would be sent
}

// Preview composes a day's report for a member of staff or a store as it would be sent,
// without sending it. An empty day is today.
func (r *Reports) Preview(ctx context.Context, kind, who, day string) (ReportPreview, error) {
	rd := r.Store.Read(ctx)
	rep, err := rd.Report(kind)
	if err != nil {
		return ReportPreview{}, err
	}
	run, err := r.previewed(rd, kind, day)
	if err != nil {
		return ReportPreview{}, err
	}
	out := ReportPreview{To: who}
	out.Text, out.Quiet, err = r.textFor(rd, rep, run, who)
	return out, err
}

// previewed is a day's run: the one that was told, or what it would be now.
func (r *Reports) previewed(rd store.Reader, kind, day string) (store.ReportRun, error) {
	today := r.dayOf(r.Now(), 0)
	if day == "" {
		day = today
	}
	if t, err := time.Parse(time.DateOnly, day); err != nil || t.Format(time.DateOnly) != day {
		return store.ReportRun{}, Invalidf("day", "is %q; want a date such as 2026-11-23", day)
	}
	if day > today {
		return store.ReportRun{}, Invalidf("day", "%s is still to come; today is %s", day, today)
	}
	told, err := rd.ReportRuns(kind, day, "", 1)
	if err != nil || len(told) > 0 {
		return append(told, store.ReportRun{})[0], err
	}
	return r.window(rd, store.ReportRun{Kind: kind, Day: day, Until: r.Now()})
}

// textFor is the text for one recipient, and whether it tells nothing.
func (r *Reports) textFor(rd store.Reader, rep store.Report, run store.ReportRun, who string) (string, bool, error) {
	switch rep.Kind {
	case store.ReportCashier:
		return r.cashierPreview(rd, rep, run, who)
	case store.ReportManager:
		return r.managerPreview(rd, rep, run, who)
	case store.ReportChain:
		return r.chainText(rd, rep, run)
	}
	if who == "" {
		return "", false, Invalidf("store_id", "is missing: which store's leaderboard?")
	}
	text, quiet, err := r.storeText(rd, rep, run, who)
	if errors.Is(err, store.ErrNotFound) {
		err = Invalidf("store_id", "store %q is not known", who)
	}
	return text, quiet, err
}

func (r *Reports) managerPreview(rd store.Reader, rep store.Report, run store.ReportRun, user string) (string, bool, error) {
	shops, err := rd.Shops("", 0)
	if err != nil {
		return "", false, err
	}
	shops = slices.DeleteFunc(shops, func(s store.Shop) bool { return s.Manager != user })
	if user == "" || len(shops) == 0 {
		return "", false, Invalidf("staff", "is %q, who manages no store; want a store's manager", user)
	}
	return r.managerText(rd, rep, run, user, shops)
}

func (r *Reports) cashierPreview(rd store.Reader, rep store.Report, run store.ReportRun, user string) (string, bool, error) {
	if user == "" {
		return "", false, Invalidf("staff", "is missing: whose report?")
	}
	from, to := r.span(run.Day)
	news, err := rd.NewsOf(run, from, to, []string{user})
	if err != nil {
		return "", false, err
	}
	text, err := r.cashierText(rd, rep, run, user, news)
	return text, len(news) == 0, err
}

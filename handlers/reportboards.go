package handlers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// How long a leaderboard is; those who share the last place are shown as well, up to a bound.
const (
	storeBoard = 10
	chainBoard = 5
	boardTies  = 3
)

// stores are the leaderboards of the stores that have a place for one.
func (r *Reports) stores(rd store.Reader, rep store.Report, run store.ReportRun) ([]bot.Action, string, error) {
	targets, err := rd.ReportTargets(rep.Kind, run.Cursor, reportBatch)
	if err != nil || len(targets) == 0 {
		return nil, run.Cursor, err
	}
	var out []bot.Action
	for _, t := range targets {
		text, quiet, err := r.storeText(rd, rep, run, t.ShopID)
		if err != nil {
			return nil, "", err
		}
		if !quiet {
			out = append(out, TellGroup{Report: run.Kind, Day: run.Day, Shop: t.ShopID, AppChat: t.AppChat, Text: text})
		}
	}
	return out, targets[len(targets)-1].ShopID, nil
}

// chain is the one leaderboard of the whole chain.
func (r *Reports) chain(rd store.Reader, rep store.Report, run store.ReportRun) ([]bot.Action, string, error) {
	targets, err := rd.ReportTargets(rep.Kind, "", 1)
	if err != nil || len(targets) == 0 || run.Cursor == chainKey {
		return nil, run.Cursor, err
	}
	text, quiet, err := r.chainText(rd, rep, run)
	if err != nil || quiet {
		return nil, chainKey, err
	}
	return []bot.Action{TellGroup{Report: run.Kind, Day: run.Day, AppChat: targets[0].AppChat, Text: text}}, chainKey, nil
}

// storeText is a store's leaderboard; it is quiet on a day without a join.
func (r *Reports) storeText(rd store.Reader, rep store.Report, run store.ReportRun, id string) (string, bool, error) {
	shop, err := rd.Shop(id)
	if err != nil {
		return "", true, err
	}
	p := languages[rep.Lang]
	values := map[string]string{"store": Plain(shop.Name)}
	quiet, err := r.boards(rd, p, run, store.LeaderFilter{Shop: id}, values)
	if err != nil {
		return "", true, err
	}
	today, month := r.times(run)
	err = fillBoards(rd, p, values,
		board{"today_board", p.todayStaff, storeBoard, today.of(store.LeadersStaff, id)},
		board{"month_board", p.monthStaff, storeBoard, month.of(store.LeadersStaff, id)})
	return compose(templateOf(rep), values), quiet, err
}

// chainText is the leaderboard of the chain: its stores, and those who work in them.
func (r *Reports) chainText(rd store.Reader, rep store.Report, run store.ReportRun) (string, bool, error) {
	p := languages[rep.Lang]
	values := map[string]string{}
	quiet, err := r.boards(rd, p, run, store.LeaderFilter{}, values)
	if err != nil {
		return "", true, err
	}
	from, to := r.span(run.Day)
	f, err := rd.FunnelOf(from, to, "")
	if err != nil {
		return "", true, err
	}
	if values["promotions"] = ""; f.Groups > 0 {
		values["promotions"] = fmt.Sprintf(p.promoted, f.Confirmed, f.Owners, f.Sent, f.Groups)
	}
	today, month := r.times(run)
	err = fillBoards(rd, p, values,
		board{"today_stores", p.todayStores, chainBoard, today.of(store.LeadersStore, "")},
		board{"today_staff", p.todayStaff, chainBoard, today.of(store.LeadersStaff, "")},
		board{"month_stores", p.monthStores, chainBoard, month.of(store.LeadersStore, "")},
		board{"month_staff", p.monthStaff, chainBoard, month.of(store.LeadersStaff, "")})
	return compose(templateOf(rep), values), quiet, err
}

// times selects a run's day, and the month around it.
func (r *Reports) times(run store.ReportRun) (day, month times) {
	from, to := r.span(run.Day)
	return times{from: from, to: to}, times{period: run.Day[:len("2026-11")]}
}

type times struct {
	period   string
	from, to time.Time
}

func (t times) of(by, shop string) store.LeaderFilter {
	return store.LeaderFilter{Period: t.period, From: t.from, To: t.to, By: by, Shop: shop}
}

// boards fills in the sums of the day and the month, of one store or of everybody: the chain's
// count groups without a store too, as its board of people does. Quiet means that nobody joined
// on the day.
func (r *Reports) boards(rd store.Reader, p phrases, run store.ReportRun, f store.LeaderFilter, values map[string]string) (quiet bool, err error) {
	today, month := r.times(run)
	by := store.LeadersStore
	if f.Shop == "" {
		by = store.LeadersStaff
	}
	var sums [2]sum
	for i, t := range []times{today, month} {
		leaders, err := rd.Leaders(t.of(by, f.Shop))
		if err != nil {
			return true, err
		}
		for _, l := range leaders {
			sums[i].n += int(l.Joins)
			sums[i].fen += l.EarnedFen
		}
	}
	day, err := time.Parse(time.DateOnly, run.Day)
	if err != nil {
		return true, err
	}
	values["date"] = day.Format(p.day)
	values["joins"], values["earned"] = fmt.Sprint(sums[0].n), Yuan(sums[0].fen)
	values["month_joins"], values["month_earned"] = fmt.Sprint(sums[1].n), Yuan(sums[1].fen)
	values["today"] = fmt.Sprintf(p.boardToday, sums[0].n, Yuan(sums[0].fen))
	values["month"] = fmt.Sprintf(p.boardMonth, sums[1].n, Yuan(sums[1].fen))
	return sums[0].n == 0, nil
}

// board is one list of a leaderboard.
type board struct {
	name    string // of the placeholder
	heading string
	places  int
	filter  store.LeaderFilter
}

// fillBoards writes the lists that have somebody on them.
func fillBoards(rd store.Reader, p phrases, values map[string]string, boards ...board) error {
	for _, b := range boards {
		b.filter.Limit = b.places + boardTies
		leaders, err := rd.Leaders(b.filter)
		if err != nil {
			return err
		}
		lines := []string{b.heading}
		for _, l := range leaders {
			if l.Rank > int64(b.places) || l.Kept == 0 {
				break
			}
			name := Plain(l.Name)
			if name == "" && b.filter.By == store.LeadersStaff {
				if name, err = StaffName(rd, l.ID); err != nil {
					return err
				}
			}
			if name == "" {
				name = l.ID
			}
			lines = append(lines, fmt.Sprintf(p.place, l.Rank, name, l.Kept, Yuan(l.EarnedFen)))
		}
		values[b.name] = ""
		if len(lines) > 1 {
			values[b.name] = strings.Join(lines, "\n")
		}
	}
	return nil
}

// managers are the messages to those whose stores have something to look at.
func (r *Reports) managers(rd store.Reader, rep store.Report, run store.ReportRun) ([]bot.Action, string, error) {
	shops, err := rd.Shops("", 0)
	if err != nil {
		return nil, "", err
	}
	of := map[string][]store.Shop{}
	for _, s := range shops {
		if s.Manager > run.Cursor {
			of[s.Manager] = append(of[s.Manager], s)
		}
	}
	managers := make([]string, 0, len(of))
	for m := range of {
		managers = append(managers, m)
	}
	slices.Sort(managers)
	managers = managers[:min(len(managers), reportBatch)]
	if len(managers) == 0 {
		return nil, run.Cursor, nil
	}
	var out []bot.Action
	for _, m := range managers {
		text, quiet, err := r.managerText(rd, rep, run, m, of[m])
		if err != nil {
			return nil, "", err
		}
		if !quiet {
			out = append(out, TellStaff{Report: run.Kind, Day: run.Day, To: bot.UserID(m), Text: text})
		}
	}
	return out, managers[len(managers)-1], nil
}

// managerText is what a manager should look at; it is quiet when there is nothing.
func (r *Reports) managerText(rd store.Reader, rep store.Report, run store.ReportRun, manager string, shops []store.Shop) (string, bool, error) {
	p := languages[rep.Lang]
	name, err := StaffName(rd, manager)
	if err != nil {
		return "", true, err
	}
	var parts []string
	for _, shop := range shops {
		lines, err := r.exceptions(rd, p, run, shop)
		if err != nil {
			return "", true, err
		}
		if len(lines) > 0 {
			parts = append(parts, fmt.Sprintf(p.inStore, Plain(shop.Name))+"\n"+strings.Join(lines, "\n"))
		}
	}
	day, err := time.Parse(time.DateOnly, run.Day)
	if err != nil {
		return "", true, err
	}
	date := day.Format(p.day)
	values := map[string]string{"name": name, "date": date, "exceptions": strings.Join(parts, "\n"), "intro": fmt.Sprintf(p.intro, date)}
	if name != "" {
		values["intro"] = fmt.Sprintf(p.introTo, name, date)
	}
	return compose(templateOf(rep), values), len(parts) == 0, nil
}

// exceptions are a store's lines for its manager, from every source there is.
func (r *Reports) exceptions(rd store.Reader, p phrases, run store.ReportRun, shop store.Shop) ([]string, error) {
	var lines []string
	for _, source := range []func(store.Reader, phrases, store.ReportRun, store.Shop) ([]string, error){flagsWaiting, lostToday, badCodes, budgetsUsed, r.unreached, openCases, openTickets} {
		found, err := source(rd, p, run, shop)
		if err != nil {
			return nil, err
		}
		lines = append(lines, found...)
	}
	return lines, nil
}

// unreached says how far today's promotions have come in a store, as long as they have not come
// to all its groups.
func (r *Reports) unreached(rd store.Reader, p phrases, run store.ReportRun, shop store.Shop) ([]string, error) {
	from, to := r.span(run.Day)
	f, err := rd.FunnelOf(from, to, shop.ID)
	if err != nil || f.Sent == f.Groups {
		return nil, err
	}
	return []string{fmt.Sprintf(p.unreached, f.Confirmed, f.Owners, f.Sent, f.Groups)}, nil
}

// flagsWaiting are the joins that are held until somebody decides.
func flagsWaiting(rd store.Reader, p phrases, _ store.ReportRun, shop store.Shop) ([]string, error) {
	n, fen, err := rd.OpenFlags(shop.ID)
	if err != nil || n == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf(p.flags, n, Yuan(fen))}, nil
}

// lostToday are the joins that came to nothing since the last report.
func lostToday(rd store.Reader, p phrases, run store.ReportRun, shop store.Shop) ([]string, error) {
	var lines []string
	for _, s := range []struct{ status, phrase string }{{store.EntryVoid, p.voidToday}, {store.EntryClawedBack, p.clawedBackToday}} {
		n, fen, err := rd.Lost(shop.ID, s.status, run.Since, run.Until)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			lines = append(lines, fmt.Sprintf(s.phrase, n, Yuan(fen)))
		}
	}
	return lines, nil
}

// badCodes are the codes that lead nowhere, or soon will.
func badCodes(rd store.Reader, p phrases, _ store.ReportRun, shop store.Shop) ([]string, error) {
	channels, err := rd.AlarmedChannels(shop.ID)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, c := range channels[:min(len(channels), maxReasons)] {
		lines = append(lines, fmt.Sprintf(p.code, shortName(c.Name), p.conditions[c.Condition]))
	}
	if len(channels) > maxReasons {
		lines = append(lines, fmt.Sprintf(p.moreCodes, len(channels)))
	}
	return lines, nil
}

// budgetNear is the share of a budget from which on a manager is told, in hundredths.
const budgetNear = 80

// budgetsUsed are the budgets of the store, or of its staff, that are nearly used up. One of
// the whole company is nothing that a store's manager could look after.
func budgetsUsed(rd store.Reader, p phrases, run store.ReportRun, shop store.Shop) ([]string, error) {
	rule, err := rd.RuleAt(run.Until)
	if err != nil || rule.Budget == nil || rule.Budget.Fen <= 0 || rule.Budget.Per == store.BudgetCorp {
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil
		}
		return nil, err
	}
	by := store.LeadersStore
	if rule.Budget.Per == store.BudgetStaff {
		by = store.LeadersStaff
	}
	leaders, err := rd.Leaders(store.LeaderFilter{Period: run.Day[:len("2026-11")], By: by, Shop: shop.ID, Limit: maxReasons})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, l := range leaders {
		name := Plain(l.Name)
		if name == "" {
			name = l.ID
		}
		if used := l.EarnedFen * 100 / rule.Budget.Fen; used >= budgetNear {
			lines = append(lines, fmt.Sprintf(p.budget, name, used, Yuan(l.EarnedFen), Yuan(rule.Budget.Fen)))
		}
	}
	return lines, nil
}

// caseLate is after how long an open removal is called overdue.
const caseLate = 2 * time.Hour

// openCases are the people suspected of advertising about whom nobody has decided, also those
// of whom the owner got no card.
func openCases(rd store.Reader, p phrases, run store.ReportRun, shop store.Shop) ([]string, error) {
	n, late, warnings, err := rd.OpenCases(shop.ID, run.Until.Add(-caseLate))
	var lines []string
	if removals := n - warnings; removals > 0 {
		lines = append(lines, fmt.Sprintf(p.cases, removals, late))
	}
	if warnings > 0 {
		lines = append(lines, fmt.Sprintf(p.suspects, warnings))
	}
	return lines, err
}

// maxTickets is up to how many tickets are counted for a manager.
const maxTickets = 99

// openTickets are the complaints that nobody has answered in time.
func openTickets(rd store.Reader, p phrases, run store.ReportRun, shop store.Shop) ([]string, error) {
	late, err := rd.Tickets(store.TicketFilter{Status: store.TicketOverdue, Shop: shop.ID, Now: run.Until, Limit: maxTickets})
	if err != nil || len(late) == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf(p.tickets, len(late))}, nil
}

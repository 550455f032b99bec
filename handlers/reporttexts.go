package handlers

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/store"
)

const (
	maxReportText = 2048 // bytes of a message to staff, to an app chat or by a robot
	maxReasons    = 5    // lines that say why; then how many more there are
	maxGroupName  = 12   // characters of a group's name in such a line
)

// phrases are the sentences of the reports in one language.
type phrases struct {
	day        string            // layout of a date
	templates  map[string]string // by kind
	greetings  string            // with a name
	greeting   string            // without
	today      string            // date, people, money
	quiet      string            // date
	earlier    string            // people, money
	month      string            // people, money
	balance    string            // held, payable, paid this month
	debt       string            // held, debt, paid this month
	somebody   string            // a customer without a name
	someGroup  string
	void       string // who, group, date, money, why
	clawedBack string // who, group, money
	more       string // how many, money
	reasons    map[string]string
	otherwise  string // a reason without words of its own
	waiting    string // how many, money: held although the hold ended

	boardToday, boardMonth                           string // people, money
	todayStores, todayStaff, monthStores, monthStaff string // headings of lists
	place                                            string // rank, name, people, money

	intro, introTo             string // date; name and date
	inStore                    string // name
	flags                      string // how many, money
	voidToday, clawedBackToday string // how many, money
	code                       string // name, condition
	moreCodes                  string // how many
	conditions                 map[string]string
	budget                     string // name, percent, used, of how much
	cases, suspects            string // removals that wait and those that are late; warnings
	tickets                    string // how many
	unreached, promoted        string // owners who confirmed, owners, groups that were reached, groups
}

// languages are the languages that reports are written in.
var languages = map[string]phrases{
	"zh": {
		day: "1月2日", templates: map[string]string{
			store.ReportCashier: "{hello}\n{today}\n{earlier}\n{month}\n{balance}\n{waiting}\n{why}",
			store.ReportStore:   "{store} {date}\n{today}\n{today_board}\n{month}\n{month_board}",
			store.ReportChain:   "全部门店 {date}\n{today}\n{today_stores}\n{today_staff}\n{promotions}\n{month}\n{month_stores}\n{month_staff}",
			store.ReportManager: "{intro}\n{exceptions}",
		},
		greetings: "%s,辛苦了!", greeting: "辛苦了!",
		today: "今天(%s)您带来 %d 人进群,奖励 %s。", quiet: "今天(%s)没有新人进群。",
		earlier:  "上次播报以后另有 %d 人,奖励 %s,已计入。",
		month:    "本月共 %d 人,奖励 %s。",
		balance:  "现在观察期内 %s,可发放 %s;本月已发 %s。",
		debt:     "现在观察期内 %s;已发的奖励有 %s 因退群要扣回,下次发放时抵扣;本月已发 %s。",
		somebody: "一位顾客", someGroup: "群",
		void:       "· %s(%s)%s进群:%s,不计 %s",
		clawedBack: "· %s(%s)退群,扣回 %s",
		more:       "…等 %d 笔,共 %s",
		reasons: map[string]string{
			ReasonLeftEarly: "观察期没满就退群", ReasonNotNew: "以前进过群,不算新客", ReasonNotCustomer: "是同事,不算顾客",
			ReasonNoInviter: "邀请人不是您", ReasonBeforeEffective: "奖励还没开始", ReasonOverBudget: "本月奖励预算已用完", ReasonDecided: "经人工核实作废",
		},
		otherwise: "核对后不符合规则",
		waiting:   "另有 %d 笔(%s)待核实,核实后才能领。",

		boardToday: "今日进群 %d 人,奖励 %s。", boardMonth: "本月累计 %d 人,奖励 %s。",
		todayStores: "今日门店榜", todayStaff: "今日个人榜", monthStores: "本月门店榜", monthStaff: "本月个人榜",
		place: "%d. %s %d人 %s",

		intro: "%s 有这些情况,请看一下:", introTo: "%s,%s 有这些情况,请看一下:", inStore: "【%s】",
		flags:     "· %d 笔奖励(%s)等待核实,请决定放行还是作废",
		voidToday: "· %d 笔奖励不计(提前退群等),共 %s", clawedBackToday: "· %d 笔奖励因退群扣回,共 %s",
		code: "· 二维码「%s」%s", moreCodes: "· …有问题的二维码共 %d 个",
		conditions: map[string]string{
			store.CodeNearlyFull: "快满了,请准备下一个群", store.CodeFull: "已满,扫码进不了群", store.CodeDead: "已失效,对应的群都解散了",
		},
		budget: "· 「%s」本月预算已用 %d%%:%s / %s",
		cases:  "· 疑似广告待移出 %d 人,其中超过2小时没处理的 %d 人", suspects: "· 可疑发言待看 %d 人(已提醒群主,或超过每天提醒上限没有发卡片)", tickets: "· 顾客投诉或不同意见超时没有答复 %d 条",
		unreached: "· 今天的促销还没发全:群主确认 %d/%d 人,送达 %d/%d 群", promoted: "今日促销:群主确认 %d/%d 人,送达 %d/%d 群。",
	},
	"en": {
		day: "2 Jan", templates: map[string]string{
			store.ReportCashier: "{hello}\n{today}\n{earlier}\n{month}\n{balance}\n{waiting}\n{why}",
			store.ReportStore:   "{store}, {date}\n{today}\n{today_board}\n{month}\n{month_board}",
			store.ReportChain:   "All stores, {date}\n{today}\n{today_stores}\n{today_staff}\n{promotions}\n{month}\n{month_stores}\n{month_staff}",
			store.ReportManager: "{intro}\n{exceptions}",
		},
		greetings: "%s, well done!", greeting: "Well done!",
		today: "Today (%s) you brought %d into groups and earned %s.", quiet: "Today (%s) nobody new joined.",
		earlier:  "Since the last report %d more joined, for %s; they are counted.",
		month:    "This month: %d joined, %s earned.",
		balance:  "Now %s are waiting and %s are payable; %s of this month have been paid.",
		debt:     "Now %s are waiting; %s that were paid are taken back from the next payout because people left; %s of this month have been paid.",
		somebody: "a customer", someGroup: "a group",
		void:       "- %s (%s), joined %s: %s; %s not counted",
		clawedBack: "- %s (%s) left; %s taken back",
		more:       "… %d in all, %s",
		reasons: map[string]string{
			ReasonLeftEarly: "left too early", ReasonNotNew: "was in a group before", ReasonNotCustomer: "is a colleague",
			ReasonNoInviter: "was not invited by you", ReasonBeforeEffective: "joined before rewards began", ReasonOverBudget: "this month's budget is used up", ReasonDecided: "was looked at and voided",
		},
		otherwise: "does not fit the rule",
		waiting:   "%d more (%s) wait until somebody has looked at them.",

		boardToday: "Today %d joined, %s earned.", boardMonth: "This month %d joined, %s earned.",
		todayStores: "Stores today", todayStaff: "People today", monthStores: "Stores this month", monthStaff: "People this month",
		place: "%d. %s: %d, %s",

		intro: "Worth a look on %s:", introTo: "%s, worth a look on %s:", inStore: "[%s]",
		flags:     "- %d joins (%s) wait for somebody to release or void them",
		voidToday: "- %d joins do not count (left early or similar), %s in all", clawedBackToday: "- %d joins were taken back because people left, %s in all",
		code: "- code \"%s\": %s", moreCodes: "- … %d codes have problems",
		conditions: map[string]string{
			store.CodeNearlyFull: "nearly full, have another group ready", store.CodeFull: "full, nobody gets in by it", store.CodeDead: "dead, its groups were dissolved",
		},
		budget: "- %s has used %d%% of this month's budget: %s of %s",
		cases:  "- %d people suspected of advertising wait to be removed, %d of them for more than two hours", suspects: "- %d people said something suspect (the owner was told, or had been told often enough today)", tickets: "- %d complaints were not answered in time",
		unreached: "- today's promotions have not come to every group: %d of %d owners confirmed, %d of %d groups reached", promoted: "Promotions today: %d of %d owners confirmed, %d of %d groups reached.",
	},
}

// Placeholders lists what a template of a kind may name.
func Placeholders(kind string) []string {
	board := []string{"date", "today", "month", "joins", "earned", "month_joins", "month_earned"}
	switch kind {
	case store.ReportCashier:
		return []string{"hello", "today", "earlier", "month", "balance", "waiting", "why", "name", "date",
			"joins", "earned", "month_joins", "month_earned", "held", "payable", "paid"}
	case store.ReportStore:
		return append(board, "store", "today_board", "month_board")
	case store.ReportChain:
		return append(board, "today_stores", "today_staff", "promotions", "month_stores", "month_staff")
	}
	return []string{"intro", "exceptions", "name", "date"}
}

// compose fills a template in and leaves out lines that have nothing to say.
func compose(template string, values map[string]string) string {
	var kept []string
	for _, line := range strings.Split(template, "\n") {
		filled := strings.TrimRight(Fill(line, values), " ")
		if filled != "" || strings.TrimSpace(line) == "" {
			kept = append(kept, filled)
		}
	}
	return cutLines(strings.Trim(strings.Join(kept, "\n"), "\n"), maxReportText)
}

// cutLines leaves out the last lines of a text that is too long.
func cutLines(text string, limit int) string {
	const rest = "\n…"
	if len(text) <= limit {
		return text
	}
	text = Clip(text, limit-len(rest))
	if end := strings.LastIndexByte(text, '\n'); end > 0 {
		text = text[:end]
	}
	return text + rest
}

// DefaultText is the template of a kind that belongs to a language.
func DefaultText(kind, lang string) string {
	return languages[lang].templates[kind]
}

// templateOf is a report's own template, or the one of its language.
func templateOf(rep store.Report) string {
	if rep.Text != "" {
		return rep.Text
	}
	return DefaultText(rep.Kind, rep.Lang)
}

// sum counts entries and the money of those that stand, as the figures of the month do.
type sum struct {
	n   int
	fen int64
}

func (s *sum) add(e store.Entry) {
	if e.Reason != ReasonOverBudget {
		s.n++
	}
	if e.Status != store.EntryVoid && e.Status != store.EntryClawedBack {
		s.fen += e.AmountFen
	}
}

// cashierText is what a day's report tells one member of staff.
func (r *Reports) cashierText(rd store.Reader, rep store.Report, run store.ReportRun, user string, news []store.Entry) (string, error) {
	p := languages[rep.Lang]
	from, to := r.span(run.Day)
	var today, earlier sum
	for _, e := range news {
		switch {
		case !e.EarnedAt.Before(from) && e.EarnedAt.Before(to):
			today.add(e)
		case e.ID > run.AfterEntry && e.EarnedAt.Before(from):
			earlier.add(e)
		}
	}
	money, err := earningsOf(rd, run, user)
	if err != nil {
		return "", err
	}
	why, err := r.why(rd, p, run, news)
	if err != nil {
		return "", err
	}
	name, err := StaffName(rd, user)
	if err != nil {
		return "", err
	}
	date := from.Format(p.day)
	values := map[string]string{
		"name": name, "date": date, "hello": p.greeting, "why": why, "earlier": "", "waiting": "",
		"joins": fmt.Sprint(today.n), "earned": Yuan(today.fen), "month_joins": fmt.Sprint(money.joins), "month_earned": Yuan(money.earned),
		"held": Yuan(money.held), "payable": Yuan(max(money.payable, 0)), "paid": Yuan(money.paid),
		"today":   fmt.Sprintf(p.today, date, today.n, Yuan(today.fen)),
		"month":   fmt.Sprintf(p.month, money.joins, Yuan(money.earned)),
		"balance": fmt.Sprintf(p.balance, Yuan(money.held), Yuan(money.payable), Yuan(money.paid)),
	}
	if money.payable < 0 {
		values["balance"] = fmt.Sprintf(p.debt, Yuan(money.held), Yuan(-money.payable), Yuan(money.paid))
	}
	if name != "" {
		values["hello"] = fmt.Sprintf(p.greetings, name)
	}
	if today.n == 0 {
		values["today"] = fmt.Sprintf(p.quiet, date)
	}
	if money.waiting > 0 {
		values["waiting"] = fmt.Sprintf(p.waiting, money.waiting, Yuan(money.waitingFen))
	}
	if earlier.n > 0 {
		values["earlier"] = fmt.Sprintf(p.earlier, earlier.n, Yuan(earlier.fen))
	}
	return compose(templateOf(rep), values), nil
}

// earnings are what somebody's books say: joins, earned and paid of a month, held and payable
// in all, and what waits for somebody to decide. A payable below zero is a debt.
type earnings struct {
	joins, waiting, waitingFen  int64
	earned, paid, held, payable int64
}

func earningsOf(rd store.Reader, run store.ReportRun, user string) (earnings, error) {
	var out earnings
	lines, err := rd.Statement(store.StatementFilter{Period: run.Day[:len("2026-11")], Staff: user})
	if err == nil && len(lines) > 0 {
		l := lines[0]
		out = earnings{joins: l.Joins, earned: l.HeldFen + l.PayableFen + l.PaidFen, paid: l.PaidFen}
	}
	if err == nil {
		out.held, err = rd.Balance(store.AccountHeld + ":" + user)
	}
	if err == nil {
		out.payable, err = rd.Balance(store.AccountPayable + ":" + user)
	}
	if err == nil {
		out.waiting, out.waitingFen, err = rd.Overheld(user, run.Until.Add(-time.Hour)) // what is due this minute is no case
	}
	return out, err
}

// why says which entries came to nothing since the last report, and for what reason.
func (r *Reports) why(rd store.Reader, p phrases, run store.ReportRun, news []store.Entry) (string, error) {
	var lost []store.Entry
	var fen int64
	for _, e := range news {
		fresh := e.ID > run.AfterEntry || e.SettledAt.After(run.Since)
		if fresh && (e.Status == store.EntryVoid || e.Status == store.EntryClawedBack) {
			lost, fen = append(lost, e), fen+e.AmountFen
		}
	}
	var lines []string
	for _, e := range lost[:min(len(lost), maxReasons)] {
		line, err := r.lostLine(rd, p, e)
		if err != nil {
			return "", err
		}
		lines = append(lines, line)
	}
	if len(lost) > maxReasons {
		lines = append(lines, fmt.Sprintf(p.more, len(lost), Yuan(fen)))
	}
	return strings.Join(lines, "\n"), nil
}

func (r *Reports) lostLine(rd store.Reader, p phrases, e store.Entry) (string, error) {
	st, err := rd.Stint(e.StintID)
	if err != nil {
		return "", err
	}
	chat, err := rd.Chat(bot.ChatID(e.ChatID))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	who, group := masked(st.Name), shortName(chat.Name)
	if who == "" {
		who = p.somebody
	}
	if group == "" {
		group = p.someGroup
	}
	if e.Status == store.EntryClawedBack {
		return fmt.Sprintf(p.clawedBack, who, group, Yuan(e.AmountFen)), nil
	}
	reason := p.reasons[e.Reason]
	if reason == "" {
		reason = p.otherwise
	}
	return fmt.Sprintf(p.void, who, group, e.EarnedAt.In(r.Zone).Format(p.day), reason, Yuan(e.AmountFen)), nil
}

// StaffName is what a member of staff is called: as WeCom said once, or as in a group.
func StaffName(rd store.Reader, user string) (string, error) {
	row, err := rd.Staff(bot.UserID(user))
	if err != nil && !errors.Is(err, store.ErrNotFound) || row.Name != "" {
		return Plain(row.Name), err
	}
	stays, err := rd.PersonStints(bot.MemberID(user), "")
	if err != nil || len(stays) == 0 {
		return "", err
	}
	return Plain(stays[len(stays)-1].Name), nil
}

// masked is a customer's name as others may read it: the first character and a star.
func masked(name string) string {
	name = Plain(name)
	if name == "" {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(name)
	return string(r) + "*"
}

// shortName is a group's name, cut where it is long.
func shortName(name string) string {
	runes := []rune(Plain(name))
	if len(runes) > maxGroupName {
		return string(runes[:maxGroupName-1]) + "…"
	}
	return string(runes)
}

// Plain takes out of a name what would break a line or make a link of it: WeCom reads <a> in
// a text. Customers choose their names, and owners those of groups.
func Plain(name string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '<' || r == '>' || r < ' ' || r == utf8.RuneError:
			return -1
		case r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069':
			return -1 // line breaks and marks that turn the direction of what follows
		}
		return r
	}, name))
}

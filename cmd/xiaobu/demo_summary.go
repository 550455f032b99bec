package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/promotions"
	"xiaobu/sandbox"
	"xiaobu/store"
)

func chatID(id string) bot.ChatID { return bot.ChatID(id) }

// groupsShown is how many groups the summary shows one by one.
const groupsShown = 24

// tally is the week of one group.
type tally struct {
	before, joins, leaves, present, sent, unsent, removed int
}

// row is a line of the table; the members before the week are only shown where there were any.
func (t tally) row(name string, before bool) []string {
	cells := []string{name}
	if before {
		cells = append(cells, strconv.Itoa(t.before))
	}
	for _, n := range []int{t.joins, t.leaves, t.present, t.sent, t.unsent, t.removed} {
		cells = append(cells, strconv.Itoa(n))
	}
	return cells
}

// summary shows the week in figures, and checks them against each other and against the
// simulated company. What does not agree is an error.
func (d *demo) summary(ctx context.Context) error {
	r := d.app.Store.Read(ctx)
	groups, total, err := d.tallies(r)
	if err != nil {
		return err
	}
	d.showGroups(groups, total)
	if err := d.showPromotions(r); err != nil {
		return err
	}
	lines, sum, earned, err := d.earnings(ctx)
	if err != nil {
		return err
	}
	d.screen.print("\n这一周 · 奖励(元)", "\nThe week · rewards (yuan)")
	d.screen.table(append(append([][]string{{
		d.screen.word("员工", "staff"), d.screen.word("计奖入群", "joins"), d.screen.word("保留", "held"), d.screen.word("可发", "payable"), d.screen.word("作废", "void"),
	}}, lines...), sum))
	d.screen.print("\n核对", "\nChecks")
	return d.checks(ctx, r, total, int(earned))
}

// named is the tally of one group or of a store.
type named struct {
	name string
	tally
}

// showGroups shows a line for each group, or for each store where there are too many groups.
func (d *demo) showGroups(groups []named, total tally) {
	head := []string{d.screen.word("群", "group")}
	if len(groups) > groupsShown {
		groups = d.byStore(groups)
		head[0] = d.screen.word("门店(群数)", "store (groups)")
	}
	before := total.before > 0
	if before {
		head = append(head, d.screen.word("原有", "before"))
	}
	rows := [][]string{append(head, d.screen.word("入群", "joined"), d.screen.word("离群", "left"), d.screen.word("在群客户", "present"),
		d.screen.word("群发送达", "posted"), d.screen.word("未送达", "not posted"), d.screen.word("广告移出", "spammers out"))}
	for _, g := range groups {
		rows = append(rows, g.row(g.name, before))
	}
	d.screen.print("\n这一周 · 群", "\nThe week · groups")
	d.screen.table(append(rows, total.row(d.screen.word("合计", "total"), before)))
}

// showPromotions shows from the groups that each promotion meant to who came and left after it.
func (d *demo) showPromotions(r store.Reader) error {
	promos, err := r.Promotions(0, 0)
	if err != nil || len(promos) == 0 {
		return err
	}
	rows := [][]string{{d.screen.word("促销", "promotion"), d.screen.word("群次", "posts"), d.screen.word("受限", "blocked"), d.screen.word("群主", "owners"),
		d.screen.word("已确认", "confirmed"), d.screen.word("送达", "reached"), d.screen.word("点击", "clicks"), d.screen.word("24小时入群", "joined in 24 h"), d.screen.word("离群", "left")}}
	var total [8]int64
	row := func(name string, figures [8]int64) {
		cells := []string{name}
		for _, n := range figures {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		rows = append(rows, cells)
	}
	for _, p := range promos {
		f, err := promotions.Funnels(r, store.FunnelFilter{Promotion: p.ID})
		if err != nil {
			return err
		}
		figures := [8]int64{f[0].Groups, f[0].Blocked, f[0].Owners, f[0].Confirmed, f[0].Sent, f[0].Clicks, f[0].Joins, f[0].Leaves}
		for i, n := range figures {
			total[i] += n
		}
		row(p.Name, figures)
	}
	row(d.screen.word("合计", "total"), total)
	d.screen.print("\n这一周 · 促销", "\nThe week · promotions")
	d.screen.table(rows)
	return nil
}

// byStore adds the groups of each store up, by the stores of their names.
func (d *demo) byStore(groups []named) []named {
	var out []named
	rest := named{name: d.screen.word("其他", "others")}
	for _, st := range d.story.Stores {
		sum, n := tally{}, 0
		for _, g := range groups {
			if d.storeOf(g.name) == st.Name {
				sum, n = sum.plus(g.tally), n+1
			}
		}
		out = append(out, named{fmt.Sprintf("%s(%d)", st.Name, n), sum})
	}
	for _, g := range groups {
		if d.storeOf(g.name) == "" {
			rest.tally = rest.plus(g.tally)
		}
	}
	if rest.tally != (tally{}) {
		out = append(out, rest)
	}
	return out
}

func (d *demo) tallies(r store.Reader) (rows []named, total tally, err error) {
	delivered := map[string]tally{}
	promos, err := r.Promotions(0, 0)
	if err != nil {
		return nil, total, err
	}
	for _, p := range promos {
		ds, err := r.Deliveries(store.DeliveryFilter{Promotion: p.ID})
		if err != nil {
			return nil, total, err
		}
		for _, dl := range ds {
			t := delivered[dl.ChatID]
			if dl.Status == store.DeliverySent {
				t.sent++
			} else {
				t.unsent++
			}
			delivered[dl.ChatID] = t
		}
	}
	cases, err := r.Cases(store.CaseRemoved, 0, 0)
	if err != nil {
		return nil, total, err
	}
	for _, g := range d.box.Groups() {
		t := delivered[g.ID]
		stays, err := r.Stints(store.StintFilter{Chat: chatID(g.ID), Status: "all"})
		if err != nil {
			return nil, total, err
		}
		t.count(stays, cases, g.ID, d.story.Start)
		rows = append(rows, named{g.Name, t})
		total = total.plus(t)
	}
	return rows, total, nil
}

func (t *tally) count(stays []store.Stint, cases []store.Case, chat string, start time.Time) {
	for _, s := range stays {
		if s.Kind != "customer" {
			continue
		}
		if s.JoinedAt.Before(start) {
			t.before++
		} else {
			t.joins++
		}
		if s.LeftAt.IsZero() {
			t.present++
		} else {
			t.leaves++
		}
	}
	for _, c := range cases {
		if c.ChatID == chat {
			t.removed++
		}
	}
}

func (t tally) plus(o tally) tally {
	return tally{t.before + o.before, t.joins + o.joins, t.leaves + o.leaves, t.present + o.present, t.sent + o.sent, t.unsent + o.unsent, t.removed + o.removed}
}

// statement is a line of the API's statement.
type statement struct {
	Staff      string
	Joins      int64
	HeldFen    int64 `json:"held_fen"`
	PayableFen int64 `json:"payable_fen"`
	VoidFen    int64 `json:"void_fen"`
}

func (s statement) row(name string) []string {
	return []string{name, strconv.FormatInt(s.Joins, 10), yuan(s.HeldFen), yuan(s.PayableFen), yuan(s.VoidFen)}
}

func (s statement) plus(o statement) statement {
	return statement{s.Staff, s.Joins + o.Joins, s.HeldFen + o.HeldFen, s.PayableFen + o.PayableFen, s.VoidFen + o.VoidFen}
}

// earnings asks the API for the statements of the months the week lies in.
func (d *demo) earnings(ctx context.Context) (rows [][]string, sum []string, joins int64, err error) {
	var total statement
	byStaff, order := map[string]statement{}, []string{}
	months := []string{inShanghai(d.story.Start).Format("2006-01")}
	if last := inShanghai(d.story.End.Add(-time.Second)).Format("2006-01"); last != months[0] {
		months = append(months, last)
	}
	for _, month := range months {
		var page struct{ Items []statement }
		if err := d.api.get(ctx, http.MethodGet, "/rewards/statement?limit=500&period="+month, nil, &page); err != nil {
			return nil, nil, 0, err
		}
		for _, it := range page.Items {
			if _, known := byStaff[it.Staff]; !known {
				order = append(order, it.Staff)
			}
			byStaff[it.Staff] = byStaff[it.Staff].plus(it)
			total = total.plus(it)
		}
	}
	for _, name := range order {
		rows = append(rows, byStaff[name].row(name))
	}
	return rows, total.row(d.screen.word("合计", "total")), total.Joins, nil
}

// checks compares the books with themselves and with the company as it is.
func (d *demo) checks(ctx context.Context, r store.Reader, total tally, earned int) error {
	wrong := 0
	check := func(ok bool, zh, en string, args ...any) {
		mark := "✓"
		if !ok {
			mark = "✗"
			wrong++
		}
		d.screen.print("  "+mark+" "+zh, "  "+mark+" "+en, args...)
	}
	zh, en, figures := "入群 %d − 离群 %d = 在群 %d", "%d joined − %d left = %d present", []any{total.joins, total.leaves, total.present}
	if total.before > 0 {
		zh, en, figures = "原有 %d + "+zh, "%d before + "+en, append([]any{total.before}, figures...)
	}
	check(total.before+total.joins-total.leaves == total.present, zh, en, figures...)
	reasons, err := d.unrewarded(ctx, r)
	if err != nil {
		return err
	}
	check(earned+reasons["no_inviter"]+reasons["not_new"] == total.joins, "计奖 %d + 不知谁邀请 %d + 以前在群里 %d = 入群 %d", "%d rewarded + %d without inviter + %d known before = %d joined",
		earned, reasons["no_inviter"], reasons["not_new"], total.joins)
	present := d.presentInCompany()
	check(present == total.present, "模拟企业微信里的客户数 %d", "customers in the simulated WeCom: %d", present)
	used, twice := d.welcomesUsed()
	check(twice == 0, "欢迎语 %d 条,每个欢迎码只用一次", "%d welcomes, each code used once", used)
	posted := d.posted()
	check(posted == total.sent, "群里实际出现的群发 %d 条", "mass messages that really appeared in groups: %d", posted)
	balances, err := r.Balances()
	if err != nil {
		return err
	}
	sum := int64(0)
	for _, fen := range balances {
		sum += fen
	}
	check(sum == 0, "所有账户相加为 %s", "all accounts sum to %s", yuan(sum))
	st, err := r.InboxStats()
	if err != nil {
		return err
	}
	check(st.Pending == 0 && st.Dead == 0, "收到 %d 个回调,全部处理完", "%d callbacks received, all handled", st.Received)
	if wrong > 0 {
		return fmt.Errorf("%d figures do not agree", wrong)
	}
	return ctx.Err()
}

// unrewarded counts the joins that earned nothing by the reason that explain gives.
func (d *demo) unrewarded(ctx context.Context, r store.Reader) (map[string]int, error) {
	rewards := &handlers.Rewards{Store: d.app.Store, Now: d.clock.now}
	stints, err := r.StintsAfter(0, 0)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, st := range stints {
		if st.Kind != "customer" || st.JoinedAt.Before(d.story.Start) {
			continue
		}
		_, reason, err := rewards.Decide(ctx, st)
		if err != nil {
			return nil, err
		}
		out[reason]++
	}
	return out, nil
}

func (d *demo) presentInCompany() int {
	n := 0
	for _, g := range d.box.Groups() {
		for _, m := range g.Members {
			if !m.Staff && !g.Dismissed {
				n++
			}
		}
	}
	return n
}

func (d *demo) welcomesUsed() (used, twice int) {
	for _, w := range d.box.Welcomes() {
		if !w.SentAt.IsZero() {
			used++
		}
		if len(w.Attempts) > 1 {
			twice++
		}
	}
	return used, twice
}

func (d *demo) posted() int {
	n := 0
	for _, t := range d.box.Tasks() {
		for _, res := range t.Results {
			if res.Status == sandbox.ResultSent {
				n++
			}
		}
	}
	return n
}

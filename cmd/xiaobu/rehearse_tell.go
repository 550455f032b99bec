package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaobu/rehearse"
)

// How many lines of a list the screen shows; the page and the JSON have them all.
const shownLines = 12

// tellRehearsal shows a rehearsal as tables.
func tellRehearsal(s *screen, rep *rehearse.Report) {
	last := rep.To.AddDate(0, 0, -1)
	s.print("排练 %s 到 %s · 数据库截至 %s · 种子 %d", "Rehearsal of %s to %s · database until %s · seed %d",
		rep.From.Format(time.DateOnly), last.Format(time.DateOnly), rep.AsOf.Format("2006-01-02 15:04"), rep.Seed)
	for _, line := range rehearse.Findings(rep, s.english) {
		s.print("  %s %s", "  %s %s", mark(line), line.Text)
	}
	tellCalendar(s, rep)
	tellQuotas(s, rep)
	tellCollisions(s, rep)
	tellOwners(s, rep)
	tellMoney(s, rep)
	tellRefusals(s, rep)
	s.print("\n前提", "\nTaken as given")
	for _, a := range rep.Assumptions {
		s.print("  · %s", "  · %s", s.word(a.ZH, a.EN))
	}
}

func mark(f rehearse.Finding) string {
	if f.Bad {
		return "✗"
	}
	return "✓"
}

func num(n int) string {
	if n == 0 {
		return "·"
	}
	return strconv.Itoa(n)
}

// day is a date with its weekday.
func (s *screen) day(t time.Time) string {
	d := weekdays[t.Weekday()]
	return t.Format("01-02") + " " + s.word(d[0], d[1])
}

func tellCalendar(s *screen, rep *rehearse.Report) {
	s.print("\n日历", "\nCalendar")
	rows := [][]string{{s.word("时间", "when"), s.word("促销", "promotion"), s.word("群", "groups"), s.word("群主", "owners"), s.word("已确认", "confirmed"), s.word("送达", "sent"),
		s.word("其中晚", "of it late"), s.word("未确认", "unconfirmed"), s.word("等待", "waiting"), s.word("受限", "blocked"), s.word("失败", "failed"),
		s.word("24小时入群", "joined in 24 h"), s.word("退群", "left")}}
	for _, o := range rep.Calendar {
		name := o.Promotion
		if o.Status == "missed" || o.Status == "skipped" {
			name += s.word("(错过)", " ("+o.Status+")")
		}
		rows = append(rows, []string{s.day(o.At) + " " + o.At.Format("15:04"), name, num(o.Planned), num(o.Owners), num(o.Confirmed), num(o.Sent), num(o.SentLate),
			num(o.Unconfirmed), num(o.Waiting), num(o.Blocked), num(o.Failed), num(o.Joins24h), num(o.Leaves24h)})
	}
	t := rep.Totals
	rows = append(rows, []string{s.word("合计", "total"), "", num(t.Planned), "", "", num(t.Sent), num(t.SentLate), num(t.Unconfirmed), num(t.Waiting), num(t.Blocked), num(t.Failed), "", ""})
	s.columns(rows, 2)
}

func tellQuotas(s *screen, rep *rehearse.Report) {
	s.print("\n群发额度(剩得最少的群)", "\nQuota of mass messages (the groups with the least left)")
	rows := [][]string{{s.word("群", "group"), s.word("门店", "store"), s.word("月份", "month"), s.word("额度", "quota"), s.word("此前已用", "used before"), s.word("用到", "used"), s.word("剩", "left"), s.word("受限", "blocked")}}
	used := slices.DeleteFunc(slices.Clone(rep.Quotas), func(q rehearse.Quota) bool { return q.Used+q.Waiting+q.Blocked == 0 })
	for _, q := range used[:min(len(used), shownLines)] {
		rows = append(rows, []string{q.Group, q.Store, q.Month, num(q.Quota), num(q.Before), num(q.Used), strconv.Itoa(q.Left), num(q.Blocked)})
	}
	s.listed(rows, 3, len(used))
}

func tellCollisions(s *screen, rep *rehearse.Report) {
	if len(rep.Collisions) == 0 {
		return
	}
	s.print("\n撞车", "\nCollisions")
	rows := [][]string{{s.word("日期", "date"), s.word("程度", "how close"), s.word("促销", "promotions"), s.word("群", "groups")}}
	for _, c := range rep.Collisions[:min(len(rep.Collisions), shownLines)] {
		rows = append(rows, []string{c.Date, rehearse.Word(c.Kind, s.english), c.Posts(), num(len(c.ChatIDs))})
	}
	s.listed(rows, 3, len(rep.Collisions))
}

func tellOwners(s *screen, rep *rehearse.Report) {
	if len(rep.Owners) == 0 {
		return
	}
	s.print("\n要确认的群主", "\nOwners who must confirm")
	rows := [][]string{{s.word("群主", "owner"), s.word("群", "groups"), s.word("任务", "tasks"), s.word("确认", "confirmed"), s.word("未确认", "missed"), s.word("失败", "failed"), s.word("提醒", "reminders"), s.word("通常几分钟", "usual minutes")}}
	for _, o := range rep.Owners[:min(len(rep.Owners), shownLines)] {
		usual := "·"
		if o.MedianMinutes != nil {
			usual = strconv.Itoa(*o.MedianMinutes)
		}
		rows = append(rows, []string{o.Name, num(o.Groups), num(o.Tasks), num(o.Confirmed), num(o.Unconfirmed), num(o.Failed), num(o.Reminders), usual})
	}
	s.listed(rows, 1, len(rep.Owners))
}

func tellMoney(s *screen, rep *rehearse.Report) {
	w := rep.Rewards
	s.print("\n奖励:入群 %d 人次,计奖 %d,成本 %s(保留 %s、可发 %s、作废 %s);这些天到期可发 %s", "\nRewards: %d joins, %d rewarded, cost %s (held %s, payable %s, void %s); %s fall due for payment in these days",
		w.Joins, w.Rewarded, yuan(rep.Totals.RewardFen), yuan(w.HeldFen), yuan(w.PayableFen), yuan(w.VoidFen), yuan(w.ReleasedFen))
	if len(w.ByStaff) == 0 {
		return
	}
	rows := [][]string{{s.word("员工", "staff"), s.word("计奖入群", "joins"), s.word("金额", "amount")}}
	for _, l := range w.ByStaff[:min(len(w.ByStaff), shownLines)] {
		rows = append(rows, []string{l.Name, num(l.Joins), yuan(l.Fen)})
	}
	s.listed(rows, 1, len(w.ByStaff))
}

func tellRefusals(s *screen, rep *rehearse.Report) {
	if len(rep.Refusals) == 0 {
		return
	}
	s.print("\n不会发生的", "\nWhat would not happen")
	rows := [][]string{{s.word("原因", "why"), s.word("什么", "what"), s.word("群主", "owner"), s.word("次数", "times")}}
	for _, r := range rep.Refusals[:min(len(rep.Refusals), shownLines)] {
		rows = append(rows, []string{rehearse.Word(r.Code, s.english), r.What, r.OwnerName, num(r.Count)})
	}
	s.listed(rows, 3, len(rep.Refusals))
}

// listed shows the beginning of a list and how much longer it is.
func (s *screen) listed(rows [][]string, texts, all int) {
	s.columns(rows, texts)
	if more := all - (len(rows) - 1); more > 0 {
		s.print("  … 还有 %d 行(--html 或 --json 全有)", "  … %d more (--html or --json has them all)", more)
	}
}

// columns shows rows under a header; the first columns are texts, the others numbers.
func (s *screen) columns(rows [][]string, texts int) {
	rows = plainCells(rows)
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], cellsOf(c))
		}
	}
	for i, row := range rows {
		cells := make([]string, len(row))
		for k, c := range row {
			if cells[k] = padLeft(c, widths[k]); k < texts {
				cells[k] = pad(c, widths[k])
			}
		}
		line := strings.TrimRight(strings.Join(cells, "  "), " ")
		fmt.Fprintln(s.out, "  "+line)
		if i == 0 {
			total := 2 * (len(widths) - 1)
			for _, w := range widths {
				total += w
			}
			fmt.Fprintln(s.out, "  "+strings.Repeat("─", total))
		}
	}
}

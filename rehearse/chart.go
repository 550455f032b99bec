package rehearse

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
	"time"
)

// Charts are drawn by hand: across in hundredths of the page, so that they fit a phone and
// their words keep their size, down in pixels.

// drawing is an SVG picture in the making.
type drawing struct {
	b      strings.Builder
	height int
}

func (d *drawing) rect(x, width float64, y, height int, class, title string) {
	if width <= 0 || height <= 0 {
		return
	}
	fmt.Fprintf(&d.b, `<rect x="%.2f%%" y="%d" width="%.2f%%" height="%d" class="%s">`, x, y, width, height, class)
	if title != "" {
		fmt.Fprintf(&d.b, `<title>%s</title>`, html.EscapeString(title))
	}
	d.b.WriteString("</rect>")
}

func (d *drawing) text(x float64, y int, anchor, class, words string) {
	fmt.Fprintf(&d.b, `<text x="%.2f%%" y="%d" text-anchor="%s" class="%s">%s</text>`, x, y, anchor, class, html.EscapeString(words))
}

func (d *drawing) line(x1, x2 float64, y1, y2 int) {
	fmt.Fprintf(&d.b, `<line x1="%.2f%%" x2="%.2f%%" y1="%d" y2="%d" class="grid"/>`, x1, x2, y1, y2)
}

func (d *drawing) dot(x float64, y, r int, class, title string) {
	fmt.Fprintf(&d.b, `<circle cx="%.2f%%" cy="%d" r="%d" class="%s"><title>%s</title></circle>`, x, y, r, class, html.EscapeString(title))
}

func (d *drawing) done(label string) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg role="img" aria-label="%s" width="100%%" height="%d">%s</svg>`, html.EscapeString(label), d.height, d.b.String()))
}

// part is a piece of a bar.
type part struct {
	class, name string
	n           int
}

// parts are the outcomes in the order in which they are stacked.
func (p *page) parts(o Outcomes, late int) []part {
	return []part{
		{"sent", p.word("准时送达", "in time"), o.Sent - late}, {"late", p.word("送达但晚", "late"), late},
		{"lost", p.word("未确认", "unconfirmed"), o.Unconfirmed}, {"wait", p.word("等待确认", "waiting"), o.Waiting},
		{"block", p.word("受限", "blocked"), o.Blocked}, {"fail", p.word("失败", "failed"), o.Failed},
	}
}

// Days draws what becomes of each day's posts.
func (p *page) Days() template.HTML {
	const top, base = 22, 190
	late := map[string]int{}
	for _, o := range p.Report.Calendar {
		late[o.At.Format(time.DateOnly)] += o.SentLate
	}
	most := 1
	for _, d := range p.Report.Days {
		most = max(most, d.Planned)
	}
	g := &drawing{height: base + 40}
	g.line(0, 100, base, base)
	p.eachDay(func(i int, x, width float64, d Day) {
		y := base
		for _, part := range p.parts(d.Outcomes, late[d.Date]) {
			h := part.n * (base - top) / most
			y -= h
			g.rect(x, width, y, h, part.class, fmt.Sprintf("%s %s %d", d.Date, part.name, part.n))
		}
		if d.Planned > 0 {
			g.text(x+width/2, y-6, "middle", "value", fmt.Sprint(d.Planned))
		}
		p.dayLabel(g, i, x+width/2, base, d)
	})
	return g.done(p.word("每天的群次", "posts by day"))
}

// Money draws what each day's joins earn.
func (p *page) Money() template.HTML {
	const top, base = 22, 150
	most := int64(1)
	for _, d := range p.Report.Days {
		most = max(most, d.RewardFen)
	}
	g := &drawing{height: base + 40}
	g.line(0, 100, base, base)
	p.eachDay(func(i int, x, width float64, d Day) {
		h := int(d.RewardFen * (base - top) / most)
		g.rect(x, width, base-h, h, "money", fmt.Sprintf("%s %s", d.Date, Yuan(d.RewardFen)))
		if d.RewardFen > 0 && len(p.Report.Days) <= 14 {
			g.text(x+width/2, base-h-6, "middle", "value", Yuan(d.RewardFen))
		}
		p.dayLabel(g, i, x+width/2, base, d)
	})
	return g.done(p.word("每天的奖励", "rewards by day"))
}

func (p *page) eachDay(draw func(i int, x, width float64, d Day)) {
	slot := 100 / float64(len(p.Report.Days))
	for i, d := range p.Report.Days {
		draw(i, float64(i)*slot+slot*0.18, slot*0.64, d)
	}
}

// dayLabel names a day below its bar; of many days, one a week.
func (p *page) dayLabel(g *drawing, i int, x float64, base int, d Day) {
	if len(p.Report.Days) > 14 && i%7 != 0 {
		return
	}
	at, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return
	}
	g.text(x, base+17, "middle", "axis", at.Format("1/2"))
	g.text(x, base+33, "middle", "axis", p.weekday(at))
}

// Clock draws every slot by day and hour, as large as it reaches groups.
func (p *page) Clock() template.HTML {
	const row, head, left = 34, 24, 17.0
	first, last := 8, 20
	most := 1
	for _, o := range p.Report.Calendar {
		first, last, most = min(first, o.At.Hour()), max(last, o.At.Hour()+1), max(most, o.Planned)
	}
	across := func(hours float64) float64 { return left + (97-left)*(hours-float64(first))/float64(last-first) }
	g := &drawing{height: head + row*len(p.Report.Days) + 6}
	for h := first; h <= last; h += 2 {
		g.text(across(float64(h)), 14, "middle", "axis", fmt.Sprintf("%d", h))
		g.line(across(float64(h)), across(float64(h)), head, g.height-6)
	}
	rows := map[string]int{}
	for i, d := range p.Report.Days {
		y := head + row*i + row/2
		rows[d.Date] = y
		if at, err := time.Parse(time.DateOnly, d.Date); err == nil {
			g.text(0, y+4, "start", "axis", p.weekday(at)+" "+at.Format("2"))
		}
		g.line(left, 97, y, y)
	}
	for _, o := range p.Report.Calendar {
		class := "sent"
		switch {
		case o.Status == "missed" || o.Status == "skipped" || o.Failed > max(o.Sent, o.Blocked):
			class = "fail"
		case o.Blocked > o.Sent:
			class = "block"
		case o.Waiting > o.Sent:
			class = "wait"
		case o.Unconfirmed > o.Sent:
			class = "lost"
		case o.SentLate > o.Sent/2:
			class = "late"
		}
		title := fmt.Sprintf("%s %s: %d/%d", o.At.Format("01-02 15:04"), o.Promotion, o.Sent, o.Planned)
		g.dot(across(float64(o.At.Hour())+float64(o.At.Minute())/60), rows[o.At.Format(time.DateOnly)], 5+10*o.Planned/most, class+" dot", title)
	}
	return g.done(p.word("按小时的日历", "calendar by hour"))
}

// shownBars is how many bars a chart of groups or owners has.
const shownBars = 12

// Quota draws the quota of the groups with the least left.
func (p *page) Quota() template.HTML {
	used := slices.DeleteFunc(slices.Clone(p.Report.Quotas), func(q Quota) bool { return q.Used+q.Waiting+q.Blocked == 0 })
	g := &drawing{}
	for _, q := range used[:min(len(used), shownBars)] {
		value := fmt.Sprintf(p.word("剩 %d/%d", "%d of %d left"), q.Left, q.Quota)
		if q.Blocked > 0 {
			value += fmt.Sprintf(p.word(" · %d 条受限", " · %d blocked"), q.Blocked)
		}
		all := float64(max(q.Quota, q.Used, 1))
		g.bar(q.Group+" · "+q.Month, value, all, []part{{"before", p.word("此前已用", "used before"), q.Before}, {"sent", p.word("这些天", "these days"), q.Used - q.Before}})
	}
	return g.done(p.word("群发额度", "quota"))
}

// Owners draws who has to confirm how much.
func (p *page) Owners() template.HTML {
	g := &drawing{}
	most := 1
	for _, o := range p.Report.Owners {
		most = max(most, o.Tasks)
	}
	for _, o := range p.Report.Owners[:min(len(p.Report.Owners), shownBars)] {
		g.bar(o.Name, fmt.Sprintf(p.word("%d 个任务,%d 个群", "%d tasks, %d groups"), o.Tasks, o.Groups), float64(most), []part{
			{"sent", p.word("确认", "confirmed"), o.Confirmed}, {"lost", p.word("未确认", "unconfirmed"), o.Unconfirmed},
			{"wait", p.word("等待", "waiting"), o.Waiting}, {"fail", p.word("失败", "failed"), o.Failed},
		})
	}
	return g.done(p.word("群主的任务", "owners' tasks"))
}

// bar adds a bar with its name and value above it.
func (d *drawing) bar(name, value string, all float64, parts []part) {
	d.text(0, d.height+14, "start", "name", name)
	d.text(100, d.height+14, "end", "axis", value)
	d.rect(0, 100, d.height+20, 9, "empty", "")
	x := 0.0
	for _, part := range parts {
		width := 100 * float64(part.n) / all
		d.rect(x, width, d.height+20, 9, part.class, fmt.Sprintf("%s: %s %d", name, part.name, part.n))
		x += width
	}
	d.height += 38
}

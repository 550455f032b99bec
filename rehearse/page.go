package rehearse

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

// page is a Report with the words of one language.
type page struct {
	Report  *Report
	English bool
}

// Page shows a report as one HTML file with charts that needs nothing else, in zh or en.
func Page(rep *Report, lang string) ([]byte, error) {
	p := &page{Report: rep, English: lang == "en"}
	t, err := template.New("page").Funcs(template.FuncMap{
		"w": p.word, "yuan": Yuan, "word": func(code string) string { return Word(code, p.English) }, "cure": func(code string) string { return Cure(code, p.English) },
	}).Parse(pageText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return out.Bytes(), nil
}

// Yuan is an amount of fen as people write it.
func Yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return fmt.Sprintf("%s¥%d.%02d", sign, fen/100, fen%100)
}

func (p *page) word(zh, en string) string {
	if p.English {
		return en
	}
	return zh
}

func (p *page) weekday(t time.Time) string {
	if p.English {
		return t.Format("Mon")
	}
	return "周" + string([]rune("日一二三四五六")[t.Weekday()])
}

// Lang is the page's language for browsers.
func (p *page) Lang() string { return p.word("zh-CN", "en") }

// Last is the last day.
func (p *page) Last() string { return p.Report.To.AddDate(0, 0, -1).Format(time.DateOnly) }

// First is the first day.
func (p *page) First() string { return p.Report.From.Format(time.DateOnly) }

// AsOf is until when the books tell.
func (p *page) AsOf() string { return p.Report.AsOf.Format("2006-01-02 15:04") }

// Findings are what matters most.
func (p *page) Findings() []Finding { return Findings(p.Report, p.English) }

// Share is how much of the planned posts appears, in percent.
func (p *page) Share() int { return percent(p.Report.Totals.Sent, p.Report.Totals.Planned) }

// InTime are the posts that appear within half an hour.
func (p *page) InTime() int { return p.Report.Totals.Sent - p.Report.Totals.SentLate }

// Moment is a time as people say it.
func (p *page) Moment(t time.Time) string {
	return t.Format("01-02 ") + p.weekday(t) + t.Format(" 15:04")
}

// Assumption says one in the page's language.
func (p *page) Assumption(a Assumption) string { return p.word(a.ZH, a.EN) }

// Names are groups by their names, the first few.
func (p *page) Names(ids []string) string {
	const shown = 6
	names := map[string]string{}
	for _, g := range p.Report.Groups {
		names[g.ChatID] = g.Name
	}
	var out []string
	for _, id := range ids[:min(len(ids), shown)] {
		out = append(out, or(names[id], id))
	}
	text := strings.Join(out, p.word("、", ", "))
	switch more := len(ids) - shown; {
	case more > 0 && p.English:
		text += fmt.Sprintf(" and %d more", more)
	case more > 0:
		text += fmt.Sprintf(" 等 %d 个群", len(ids))
	}
	return text
}

// UsedQuotas are the groups that get anything.
func (p *page) UsedQuotas() []Quota {
	return slices.DeleteFunc(slices.Clone(p.Report.Quotas), func(q Quota) bool { return q.Used+q.Waiting+q.Blocked == 0 })
}

// Each is what one join of a tier earns, in fen.
func (l RewardLine) Each() int64 {
	if l.Joins == 0 {
		return 0
	}
	return l.Fen / int64(l.Joins)
}

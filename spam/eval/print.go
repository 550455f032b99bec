package eval

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes the report as tables, one column for each detector.
func (r Report) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	p := printer{w, r.Columns}
	fmt.Fprintf(w, "%d rows, seed %d / %d 条,种子 %d\n", r.Rows, r.Seed, r.Rows, r.Seed)
	p.counts("review threshold / 复核阈值", func(c Result) []Count { return c.Review })
	p.counts("removal threshold / 移除阈值", func(c Result) []Count { return c.Removal })
	p.fixed()
	p.sources("false positives by source at review / 各来源误报(复核阈值)", func(c Result) []Count { return c.SourcesReview }, func(c Count) string {
		return rate3(c.FPR) + fmt.Sprintf(" (%d/%d)", c.Flagged, c.Ham)
	}, func(c Count) bool { return c.Ham > 0 })
	p.sources("false positives by source at removal / 各来源误报(移除阈值)", func(c Result) []Count { return c.SourcesRemoval }, func(c Count) string {
		return rate3(c.FPR) + fmt.Sprintf(" (%d/%d)", c.Flagged, c.Ham)
	}, func(c Count) bool { return c.Ham > 0 })
	p.sources("recall by source at review / 各来源召回(复核阈值)", func(c Result) []Count { return c.SourcesReview }, func(c Count) string { return rate3(c.Recall) }, func(c Count) bool { return c.Spam > 0 })
	p.kinds("evasions caught: review (originals) removal / 变体识别率:复核(原文) 移除", func(c Result) []Kind { return c.Evasions })
	p.kinds("decorated harmless talk flagged: review (originals) removal / 装饰过的正常聊天误报:复核(原文) 移除", func(c Result) []Kind { return c.Decorated })
	p.calibration()
	p.speed()
	return w.Flush()
}

type printer struct {
	w       io.Writer
	columns []Result
}

// head starts a table: its title, and the detectors' names.
func (p printer) head(title string) {
	fmt.Fprintf(p.w, "\n%s\n", title)
	p.line("", func(c Result) string { return c.Name })
}

func (p printer) line(name string, cell func(Result) string) {
	cells := []string{"  " + name}
	for _, c := range p.columns {
		cells = append(cells, cell(c))
	}
	fmt.Fprintln(p.w, strings.Join(cells, "\t"))
}

func (p printer) counts(title string, of func(Result) []Count) {
	p.head(title)
	for i, c := range of(p.columns[0]) {
		if c.Spam > 0 {
			p.line(c.Name+" precision", func(r Result) string { return rate3(of(r)[i].Precision) })
			p.line(c.Name+" recall", func(r Result) string { return rate3(of(r)[i].Recall) })
			p.line(c.Name+" F1", func(r Result) string { return rate3(of(r)[i].F1) })
		}
		if c.Ham > 0 {
			p.line(c.Name+" false positives", func(r Result) string {
				return percent(of(r)[i].FPR) + fmt.Sprintf(" (%d/%d)", of(r)[i].Flagged, of(r)[i].Ham)
			})
		}
	}
}

func (p printer) fixed() {
	for n, f := range p.columns[0].Fixed {
		p.head(fmt.Sprintf("at %g %% false positives of chat ham / 聊天误报率 %g%% 时", f.Target*100, f.Target*100))
		p.line("score", func(r Result) string { return fmt.Sprintf("%.4f", r.Fixed[n].Score) })
		for i, g := range f.Groups {
			if g.Spam > 0 {
				p.line(g.Name+" recall", func(r Result) string { return rate3(r.Fixed[n].Groups[i].Recall) })
				p.line(g.Name+" F1", func(r Result) string { return rate3(r.Fixed[n].Groups[i].F1) })
			}
			if g.Name != Chat && g.Ham > 0 {
				p.line(g.Name+" false positives", func(r Result) string { return percent(r.Fixed[n].Groups[i].FPR) })
			}
		}
	}
}

func (p printer) sources(title string, of func(Result) []Count, cell func(Count) string, has func(Count) bool) {
	p.head(title)
	for i, c := range of(p.columns[0]) {
		if has(c) {
			p.line(c.Name, func(r Result) string { return cell(of(r)[i]) })
		}
	}
}

func (p printer) kinds(title string, of func(Result) []Kind) {
	p.head(title)
	all := make([]Kind, len(p.columns)) // all kinds together
	for i, k := range of(p.columns[0]) {
		if k.Copies == 0 {
			continue
		}
		for c := range p.columns {
			all[c].add(of(p.columns[c])[i])
		}
		p.line(fmt.Sprintf("%s (%d)", k.Name, k.Copies), func(r Result) string { return kindCell(of(r)[i]) })
	}
	if n := all[0].Copies; n > 0 {
		i := 0
		p.line(fmt.Sprintf("all (%d)", n), func(Result) string { i++; return kindCell(all[i-1]) })
	}
}

// add joins the copies of another kind to k.
func (k *Kind) add(o Kind) {
	n, m := float64(k.Copies), float64(o.Copies)
	mean := func(a, b float64) float64 { return (a*n + b*m) / (n + m) }
	k.Plain, k.Review, k.Removal = mean(k.Plain, o.Plain), mean(k.Review, o.Review), mean(k.Removal, o.Removal)
	k.Copies += o.Copies
}

func kindCell(k Kind) string { return fmt.Sprintf("%.3f (%.3f) %.3f", k.Review, k.Plain, k.Removal) }

func (p printer) calibration() {
	for _, c := range p.columns {
		if c.Calibration == nil {
			continue
		}
		fmt.Fprintf(p.w, "\ncalibration of %s / 分数校准\n  score\trows\tmean score\tshare of spam\n", c.Name)
		for _, b := range c.Calibration {
			fmt.Fprintf(p.w, "  %.1f-%.1f\t%d\t%.3f\t%.3f\n", b.From, b.To, b.Rows, b.Mean, b.Share)
		}
	}
}

func (p printer) speed() {
	p.head("speed, one core / 速度(单核)")
	p.line("messages/s", func(r Result) string { return fmt.Sprintf("%.0f", r.Speed.PerSecond) })
	p.line("us at 600 characters", func(r Result) string { return fmt.Sprintf("%.1f", r.Speed.Long) })
	p.line("MiB held", func(r Result) string {
		if r.Speed.Held == 0 {
			return "-"
		}
		return fmt.Sprintf("%.1f", float64(r.Speed.Held)/(1<<20))
	})
	p.line("bytes a message", func(r Result) string { return fmt.Sprintf("%.0f", r.Speed.Allocated) })
	p.line("KiB grown", func(r Result) string { return fmt.Sprintf("%.0f", float64(r.Speed.Grown)/1024) })
}

func rate3(p *float64) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%.3f", *p)
}

func percent(p *float64) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", *p*100)
}

package eval

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"xiaobu/spam"
)

// Column is one detector to measure.
type Column struct {
	Name string
	// Judge gives a score that grows with how much a text looks like spam, and the label.
	Judge func(text string) (float64, spam.Label)
	// Calibrated tells that scores mean probabilities.
	Calibrated bool
	Held       int64 // bytes of memory it holds, if measured; see Held
}

// Options say how to measure.
type Options struct {
	Seed   uint64 // of the disguised and decorated copies
	Sample int    // at most so many copies of a kind
	// Now is the clock that speed is measured with.
	Now func() time.Time
	// Progress, if set, is called again and again with what is being done and how much of it.
	Progress func(what string, done, total int)
}

// Report is all that was measured.
type Report struct {
	Rows    int      `json:"rows"`
	Seed    uint64   `json:"seed"`
	Columns []Result `json:"columns"`
}

// Result is what was measured of one detector.
type Result struct {
	Name    string  `json:"name"`
	Review  []Count `json:"review"`  // suspect or spam, by group
	Removal []Count `json:"removal"` // spam, by group
	// SourcesReview and SourcesRemoval are the same by source.
	SourcesReview  []Count `json:"sources_review"`
	SourcesRemoval []Count `json:"sources_removal"`
	Fixed          []Fixed `json:"fixed"`
	Evasions       []Kind  `json:"evasions"`
	Decorated      []Kind  `json:"decorated"`
	Calibration    []Bin   `json:"calibration,omitempty"`
	Speed          Speed   `json:"speed"`
}

// Count is how often a detector was right and wrong about some rows.
type Count struct {
	Name    string `json:"name"`
	Spam    int    `json:"spam"`
	Ham     int    `json:"ham"`
	Caught  int    `json:"caught"`  // spam that was flagged
	Flagged int    `json:"flagged"` // ham that was flagged: false positives
	// The figures made of them, 0 to 1; null where there is nothing to divide by.
	Precision *float64 `json:"precision"`
	Recall    *float64 `json:"recall"`
	F1        *float64 `json:"f1"`
	FPR       *float64 `json:"fpr"` // flagged of ham
}

// Fixed is what is caught at the lowest score at which no more than a fixed part of the
// chat ham is flagged.
type Fixed struct {
	Target float64 `json:"target"` // the part
	Score  float64 `json:"score"`  // from which a text is flagged
	Groups []Count `json:"groups"`
}

// Bin is one step of the scores.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Rows  int     `json:"rows"`
	Mean  float64 `json:"mean"`  // of the scores
	Share float64 `json:"share"` // of spam among them
}

// Targets are the parts of chat ham that may be flagged, for Fixed.
func Targets() []float64 { return []float64{0.01, 0.001} }

// judged is a row and what a detector said.
type judged struct {
	Row
	score float64
	label spam.Label
}

// Measure measures the columns on rows. The only error is ctx's.
func Measure(ctx context.Context, rows []Row, columns []Column, o Options) (Report, error) {
	report := Report{Rows: len(rows), Seed: o.Seed}
	copies := makeCopies(rows, o)
	for _, c := range columns {
		report.Columns = append(report.Columns, measure(ctx, rows, copies, c, o))
	}
	return report, ctx.Err()
}

// measure measures one column; when ctx ends it stops, and what it gives means nothing.
func measure(ctx context.Context, rows []Row, copies copies, c Column, o Options) Result {
	all := make([]judged, 0, len(rows))
	for i, r := range rows {
		if ctx.Err() != nil {
			return Result{}
		}
		score, label := c.Judge(r.Text)
		all = append(all, judged{r, score, label})
		o.progress(c.Name, i+1, len(rows))
	}
	groups, sources := sets(all)
	res := Result{Name: c.Name}
	for _, g := range groups {
		res.Review = append(res.Review, count(g.name, g.rows, atReview))
		res.Removal = append(res.Removal, count(g.name, g.rows, atRemoval))
	}
	for _, s := range sources {
		res.SourcesReview = append(res.SourcesReview, count(s.name, s.rows, atReview))
		res.SourcesRemoval = append(res.SourcesRemoval, count(s.name, s.rows, atRemoval))
	}
	for _, target := range Targets() {
		res.Fixed = append(res.Fixed, fixed(groups, all, target))
	}
	res.Evasions, res.Decorated = copies.judge(ctx, c, o)
	if c.Calibrated {
		res.Calibration = calibration(groups)
	}
	res.Speed = speed(rows, c, o)
	return res
}

func (o Options) progress(what string, done, total int) {
	if o.Progress != nil {
		o.Progress(what, done, total)
	}
}

func atReview(j judged) bool  { return j.label != spam.Ham }
func atRemoval(j judged) bool { return j.label == spam.Spam }

// set is some rows under a name.
type set struct {
	name string
	rows []judged
}

// sets divides rows by group and by source, each in a fixed order.
func sets(all []judged) (groups, sources []set) {
	byGroup, bySource := map[string][]judged{}, map[string][]judged{}
	for _, j := range all {
		byGroup[j.Group()] = append(byGroup[j.Group()], j)
		bySource[j.Source] = append(bySource[j.Source], j)
	}
	for _, name := range []string{Chat, SMS, Retail} {
		if len(byGroup[name]) > 0 {
			groups = append(groups, set{name, byGroup[name]})
		}
	}
	for name, rows := range bySource {
		sources = append(sources, set{name, rows})
	}
	slices.SortFunc(sources, func(a, b set) int { return cmp.Compare(a.name, b.name) })
	return groups, sources
}

// count counts who is right and wrong when the rows for which flagged is true are flagged.
func count(name string, rows []judged, flagged func(judged) bool) Count {
	c := Count{Name: name}
	for _, j := range rows {
		switch f := flagged(j); {
		case j.Spam:
			c.Spam++
			c.Caught += one(f)
		default:
			c.Ham++
			c.Flagged += one(f)
		}
	}
	c.Precision = part(c.Caught, c.Caught+c.Flagged)
	c.Recall = part(c.Caught, c.Spam)
	c.F1 = part(2*c.Caught, c.Spam+c.Caught+c.Flagged)
	if c.Spam == 0 {
		c.Precision, c.F1 = nil, nil
	}
	c.FPR = part(c.Flagged, c.Ham)
	return c
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func part(n, of int) *float64 {
	if of == 0 {
		return nil
	}
	p := float64(n) / float64(of)
	return &p
}

// fixed finds the score for a target and counts at it.
func fixed(groups []set, all []judged, target float64) Fixed {
	f := Fixed{Target: target, Score: scoreAt(all, target)}
	for _, g := range groups {
		f.Groups = append(f.Groups, count(g.name, g.rows, func(j judged) bool { return j.score >= f.Score }))
	}
	return f
}

// scoreAt is the lowest score from which at most target of the chat ham lies. If there is
// none to judge by, it is 0.
func scoreAt(all []judged, target float64) float64 {
	ham := []float64{}
	for _, j := range all {
		if !j.Spam && j.Group() == Chat {
			ham = append(ham, j.score)
		}
	}
	slices.Sort(ham)
	slices.Reverse(ham)
	allowed := int(target * float64(len(ham)))
	if allowed >= len(ham) {
		return 0
	}
	// Just above the first score that would flag one too many.
	return math.Nextafter(ham[allowed], math.Inf(1))
}

// calibration sorts the scores of chat, or of whatever there is, into ten bins.
func calibration(groups []set) []Bin {
	const steps = 10
	bins := make([]Bin, steps)
	for i := range bins {
		bins[i].From, bins[i].To = float64(i)/steps, float64(i+1)/steps
	}
	for _, j := range groups[0].rows {
		b := &bins[max(0, min(int(j.score*steps), steps-1))]
		b.Rows++
		b.Mean += j.score
		b.Share += float64(one(j.Spam))
	}
	for i := range bins {
		if n := float64(bins[i].Rows); n > 0 {
			bins[i].Mean /= n
			bins[i].Share /= n
		}
	}
	return bins
}

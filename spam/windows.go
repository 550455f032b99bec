package spam

import (
	"cmp"
	"math"
	"slices"
)

// maxWindow is the most clauses a window has. Short windows keep harmless text around an
// advertisement out of its score; longer ones join an offer with a contact that stands
// some clauses further.
const maxWindow = 6

// maxSpans is how many places one reason names, of maxFound it looks at.
const (
	maxSpans = 8
	maxFound = 64
)

// heard is what a window says.
type heard struct {
	from, to int // clauses
	sigs     signal
	sum      float64
}

// judge finds the window that speaks loudest for spam, and its reasons.
func (d *Detector) judge(rd *reading) (float64, []Reason) {
	if len(rd.clauses) == 0 {
		return silence, []Reason{}
	}
	d.model.weighClauses(rd)
	best, most := heard{sum: math.Inf(-1)}, d.mostOf(rd)
	rd.eachWindow(func(from, to int) {
		words := d.words(rd, from, to)
		if words+most <= best.sum {
			return // whatever the rules say
		}
		w := heard{from: from, to: to, sigs: rd.window(from, to)}
		if w.sum = words + d.sum(w.sigs); w.sum > best.sum {
			best = w
		}
	})
	return best.sum, d.reasons(rd, best)
}

// mostOf is a bound for what the rules say to any window.
func (d *Detector) mostOf(rd *reading) float64 {
	if len(rd.clauses) < 3 {
		return math.Inf(1) // not worth the look
	}
	sigs, most := rd.lent, 0.0
	for c := range rd.clauses {
		sigs |= rd.clauses[c].sigs
	}
	for i := range d.checks {
		if sigs&d.asks[i] == 0 {
			continue
		}
		largest := 0.0
		for k := range d.checks[i].rules {
			if r := d.checks[i].rules[k]; r.weight > 0 {
				r.not = 0
				if r.holds(sigs) {
					largest = max(largest, d.says[i][k])
				}
			}
		}
		most += largest
	}
	return most
}

// eachWindow calls see for all windows, the short ones first.
func (rd *reading) eachWindow(see func(from, to int)) {
	for size := 1; size <= min(maxWindow, len(rd.clauses)); size++ {
		for c := 0; c+size <= len(rd.clauses); c++ {
			see(c, c+size)
		}
	}
}

// weighClauses adds up the weights of the features of every clause, in steps.
func (m *Model) weighClauses(rd *reading) {
	at := 0
	for c := range rd.clauses {
		cl := &rd.clauses[c]
		sum := int32(0)
		for _, f := range rd.features[at:cl.features] {
			sum += int32(int8(m.weights[f.bucket]))
		}
		cl.sum, at = sum, cl.features
	}
}

// words is what the model says of the clauses from up to to without the rules.
func (d *Detector) words(rd *reading, from, to int) float64 {
	sum, s := int32(0), &d.model.settings
	for c := from; c < to; c++ {
		sum += rd.clauses[c].sum
	}
	units := rd.clauses[to-1].to - rd.clauses[from].from
	return s.Base + s.Lengths[lengthOf(units)] + float64(s.Step*float64(sum))
}

// window joins the signals of the clauses from up to to, the excuses of their neighbours
// and those of the whole text.
func (rd *reading) window(from, to int) signal {
	sigs := rd.lent
	for c := from; c < to; c++ {
		sigs |= rd.clauses[c].sigs
	}
	if from > 0 {
		sigs |= rd.clauses[from-1].sigs & excuses
	}
	if to < len(rd.clauses) {
		sigs |= rd.clauses[to].sigs & excuses
	}
	return sigs
}

// sum adds what the checks say to a set of signals.
func (d *Detector) sum(sigs signal) float64 {
	if sigs == 0 {
		return 0
	}
	sum := 0.0
	for i := range d.checks {
		if r := d.speaks(i, sigs); r != none {
			sum += d.says[i][r]
		}
	}
	return sum
}

// none is the number of no rule.
const none = -1

// speaks is the number of the rule by which check i speaks, or none.
func (d *Detector) speaks(i int, sigs signal) int {
	if sigs&d.asks[i] == 0 {
		return none
	}
	return d.checks[i].heaviest(sigs)
}

// asked are all signals that rules of c ask for. A rule asks for at least one.
func (c *check) asked() signal {
	var sigs signal
	for _, r := range c.rules {
		sigs |= r.all | r.any | r.with
	}
	return sigs
}

// heaviest is the number of the rule of c that holds and whose own weight is largest, or
// none.
func (c *check) heaviest(sigs signal) int {
	best := none
	for i := range c.rules {
		r := &c.rules[i]
		if r.holds(sigs) && (best == none || math.Abs(r.weight) > math.Abs(c.rules[best].weight)) {
			best = i
		}
	}
	return best
}

// reasons says what was said about the window, the heaviest first. They add up to its
// sum, unless nothing at all speaks for spam: then there are none.
func (d *Detector) reasons(rd *reading, w heard) []Reason {
	reasons := []Reason{}
	words := w.sum
	for i := range d.checks {
		c := &d.checks[i]
		k := d.speaks(i, w.sigs)
		if k == none {
			continue
		}
		r := &c.rules[k]
		words -= d.says[i][k]
		reasons = append(reasons, Reason{Check: c.name, Detail: r.detail, Weight: d.says[i][k], Spans: rd.spans(r.all|r.any|r.with, w.from, w.to)})
	}
	if words > 0 || words < 0 && len(reasons) > 0 {
		reasons = d.explain(reasons, rd, w, words)
	}
	slices.SortStableFunc(reasons, func(a, b Reason) int {
		return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight))
	})
	return reasons
}

// spans are the places where one of sigs was found: in the clauses from up to to and next
// to them, or anywhere if it is lent to the whole text.
func (rd *reading) spans(sigs signal, from, to int) []Span {
	if len(rd.clauses) == 0 {
		return nil
	}
	first, last := rd.clauses[max(from-1, 0)].from, rd.clauses[min(to, len(rd.clauses)-1)].to
	if sigs&textWide != 0 {
		sigs, first, last = sigs&textWide, 0, len(rd.units)
	}
	var spans []Span
	for _, h := range rd.hits {
		if h.sigs&sigs != 0 && h.from >= first && h.to <= last && len(spans) < maxFound {
			spans = append(spans, Span{rd.units[h.from].start, rd.units[h.to-1].end})
		}
	}
	return outermost(spans)
}

// outermost sorts spans and leaves out those that lie inside another.
func outermost(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	kept := spans[:0]
	for _, s := range spans {
		if n := len(kept); n < maxSpans && (n == 0 || s.End > kept[n-1].End) {
			kept = append(kept, s)
		}
	}
	return kept
}

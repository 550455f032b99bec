package spam

import (
	"cmp"
	"math"
	"slices"
)

// windowSizes are the windows looked at, in clauses. One and two keep harmless text around
// an advertisement out of its score; the wide one joins an offer with a contact that
// stands some clauses further.
func windowSizes() [3]int { return [3]int{1, 2, 6} }

// maxSpans is how many places one reason names, of maxFound it looks at.
const (
	maxSpans = 8
	maxFound = 64
)

// judge finds the window that speaks loudest for spam, and its reasons.
func (d *Detector) judge(rd *reading) (float64, []Reason) {
	best, bestAt, bestSigs := math.Inf(-1), [2]int{}, signal(0)
	for _, size := range windowSizes() {
		if size > 2 && len(rd.clauses) <= 2 {
			break
		}
		last := signal(0)
		for c := 0; c == 0 || c+size <= len(rd.clauses); c++ {
			end := min(c+size, len(rd.clauses))
			sigs := rd.window(c, end)
			if c > 0 && sigs == last {
				continue
			}
			last = sigs
			if sum := d.sum(sigs); sum > best {
				best, bestAt, bestSigs = sum, [2]int{c, end}, sigs
			}
		}
	}
	return best, d.reasons(rd, bestSigs, bestAt[0], bestAt[1])
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
		if r := d.checks[i].heaviest(sigs); r != nil {
			sum += r.weight
		}
	}
	return sum
}

// heaviest is the rule of c that holds and weighs most, or nil.
func (c *check) heaviest(sigs signal) *rule {
	var best *rule
	for i := range c.rules {
		r := &c.rules[i]
		if r.holds(sigs) && (best == nil || math.Abs(r.weight) > math.Abs(best.weight)) {
			best = r
		}
	}
	return best
}

// reasons says what the checks said to the window from up to to, the heaviest first.
func (d *Detector) reasons(rd *reading, sigs signal, from, to int) []Reason {
	reasons := []Reason{}
	for i := range d.checks {
		c := &d.checks[i]
		if r := c.heaviest(sigs); r != nil {
			reasons = append(reasons, Reason{Check: c.name, Detail: r.detail, Weight: r.weight, Spans: rd.spans(r.all|r.any|r.with, from, to)})
		}
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

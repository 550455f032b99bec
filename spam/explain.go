package spam

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// The checks by which the model itself speaks: by the words and the writing it has learnt.
const (
	checkWords    = "words"
	checkHarmless = "harmless-words"
)

// How the model's weights become pieces of the text a reader can look at.
const (
	nearReview = 2.0  // log-odds below the review threshold from which pieces are looked for
	maxPieces  = 4    // pieces named on either side
	leastPiece = 0.08 // part of its side a piece must weigh
	bridge     = 2    // units of the other side that do not part a piece, if they weigh little
	little     = 0.25 // part of the lighter neighbour that is little
)

// piece is a run of units that speak for the same side.
type piece struct {
	from, to int
	weight   float64 // steps of the model; above 0 for spam
}

// explain adds to reasons what the model says about window w, words in all: what speaks
// for spam and what speaks against, each with the pieces of the text that weigh most. A
// window that is far from the review threshold is not looked into.
func (d *Detector) explain(reasons []Reason, rd *reading, w heard, words float64) []Reason {
	if w.sum < d.near {
		if words < 0 {
			return append(reasons, Reason{Check: checkHarmless, Detail: "用词和写法像日常聊天", Weight: words})
		}
		return append(reasons, Reason{Check: checkWords, Detail: likeAdvert, Weight: words})
	}
	pieces := rd.pieces(d.model, w)
	bad := 0.0
	for _, p := range pieces {
		bad += max(p.weight, 0)
	}
	bad *= d.model.settings.Step
	good := words - bad // what is left, and what every window starts with
	if good > 0 {
		bad, good = words, 0
	}
	if bad > 0 {
		reasons = append(reasons, rd.reason(checkWords, bad, pieces))
	}
	if good < 0 {
		reasons = append(reasons, rd.reason(checkHarmless, good, pieces))
	}
	return reasons
}

const likeAdvert = "用词和写法像广告"

// reason is what the model says for a side, with the pieces that weigh most.
func (rd *reading) reason(check string, weight float64, pieces []piece) Reason {
	r := Reason{Check: check, Weight: weight}
	side := math.Copysign(1, weight)
	named := rd.heaviest(pieces, side)
	for _, p := range named {
		from, to := rd.whole(p)
		r.Spans = append(r.Spans, Span{rd.units[from].start, rd.units[to-1].end})
	}
	r.Spans = outermost(r.Spans)
	switch {
	case len(named) == 0 && side > 0:
		r.Detail = likeAdvert
	case len(named) == 0:
		r.Detail = "先按正常消息看待"
	case side > 0:
		r.Detail = "常见于广告的字词：" + rd.quoted(named)
	default:
		r.Detail = "常见于日常聊天的字词：" + rd.quoted(named)
	}
	return r
}

// How much of the pieces a detail quotes.
const (
	maxQuoted = 2
	maxQuote  = 8 // units
)

// quoted are the first pieces as they are read, not as they are written: what hides
// between the characters, or turns them around, stays out of cards.
func (rd *reading) quoted(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces[:min(len(pieces), maxQuoted)] {
		from, to := rd.whole(p)
		b.WriteString("「")
		for _, u := range rd.units[from:min(to, from+maxQuote)] {
			b.WriteRune(u.r)
		}
		if to > from+maxQuote {
			b.WriteString("…")
		}
		b.WriteString("」")
	}
	return b.String()
}

// pieces divides the clauses of window w into runs of units that speak for the same side.
// The weight of a feature is shared evenly by the units it was read from.
func (rd *reading) pieces(m *Model, w heard) []piece {
	from, to, first := rd.clauses[w.from].from, rd.clauses[w.to-1].to, 0
	if w.from > 0 {
		first = rd.clauses[w.from-1].features
	}
	rd.said = resize(rd.said, to-from)
	said := rd.said
	for _, f := range rd.features[first:rd.clauses[w.to-1].features] {
		n := max(int(f.n), 1)
		share := float64(int8(m.weights[f.bucket])) / float64(n)
		for i := int(f.from) - from; i < min(int(f.from)-from+n, len(said)); i++ {
			said[i] += share
		}
	}
	rd.pieced = rd.pieced[:0]
	for _, c := range rd.clauses[w.from:w.to] {
		first := len(rd.pieced)
		rd.pieced = runs(rd.pieced, said[c.from-from:c.to-from], c.from)
		rd.pieced = rd.pieced[:first+len(joined(rd.pieced[first:]))]
	}
	return rd.pieced
}

// runs adds to runs the neighbours that speak for the same side; the first unit is number
// from.
func runs(runs []piece, said []float64, from int) []piece {
	first := len(runs)
	for i, s := range said {
		if n := len(runs); n > first && math.Signbit(runs[n-1].weight) == math.Signbit(s) {
			runs[n-1].to++
			runs[n-1].weight += s
			continue
		}
		runs = append(runs, piece{from + i, from + i + 1, s})
	}
	return runs
}

// joined joins runs of one side over a few units that speak a little for the other: they
// are read as one.
func joined(runs []piece) []piece {
	out := runs[:0]
	for _, r := range runs {
		if n := len(out); n >= 2 && bridged(out[n-2], out[n-1], r) {
			out[n-2] = piece{out[n-2].from, r.to, out[n-2].weight + out[n-1].weight + r.weight}
			out = out[:n-1]
			continue
		}
		out = append(out, r)
	}
	return out
}

func bridged(a, b, c piece) bool {
	return b.to-b.from <= bridge && a.weight*c.weight > 0 && b.weight*a.weight <= 0 &&
		math.Abs(b.weight) < little*min(math.Abs(a.weight), math.Abs(c.weight))
}

// heaviest are the pieces that weigh most on a side, the heaviest first.
func (rd *reading) heaviest(pieces []piece, side float64) []piece {
	var mine []piece
	total := 0.0
	for _, p := range pieces {
		if p.weight*side > 0 {
			total += p.weight * side
			if rd.readable(p, side) {
				mine = append(mine, p)
			}
		}
	}
	slices.SortStableFunc(mine, func(a, b piece) int { return cmp.Compare(b.weight*side, a.weight*side) })
	n := 0
	for n < min(len(mine), maxPieces) && mine[n].weight*side >= leastPiece*total {
		n++
	}
	return mine[:n]
}

// readable tells whether a piece is more than a crumb: a single Han character says nothing
// to a reader, and two of everyday talk say little.
func (rd *reading) readable(p piece, side float64) bool {
	n := p.to - p.from
	return n > 2 || n == 2 && side > 0 || n == 1 && side > 0 && (!isHan(rd.units[p.from].r) || rd.units[p.from].mark&markPicture != 0)
}

// whole is the piece without half a number or account name at its ends.
func (rd *reading) whole(p piece) (from, to int) {
	from, to = p.from, p.to
	for from > 0 && isAlnum(rd.units[from].r) && isAlnum(rd.units[from-1].r) && rd.units[from].gap <= gapHidden {
		from--
	}
	for to < len(rd.units) && isAlnum(rd.units[to-1].r) && isAlnum(rd.units[to].r) && rd.units[to].gap <= gapHidden {
		to++
	}
	return from, to
}

package spam

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// What corrections must weigh, after those that say the opposite were taken off.
const (
	// Tells makes a text at least suspect, or ham unless the evidence is hard.
	Tells = 0.5
	// Decides makes a text spam, or ham whatever the detector found in it.
	Decides = 1.0
)

// beyond is how far from certainty the score of a text is at most that people decided on, so
// that it is beyond all thresholds that anybody sets.
const beyond = 0.001

// almost keeps sums of fractions from missing a bound by a rounding.
const almost = 1e-9

// Recall lets what people said about a text change the detector's verdict on it. The score
// moves beyond the thresholds, so that the verdict follows, and a reason of the check
// "correction" says by how much; its weight is 0 where people were heard and not followed,
// because a topic of advertisements together with a contact needs the word of more than one.
func (d *Detector) Recall(v Verdict, text string, said Match) Verdict {
	net := said.Spam - said.Ham
	if said.Likeness == 0 || math.Abs(net) < Tells-almost {
		return v
	}
	score, overruled := v.Score, false
	switch {
	case net >= Decides-almost:
		score = max(score, 1-min(beyond, (1-d.removal)/10))
	case net > 0:
		score = max(score, (d.review+d.removal)/2)
	case net <= -Decides+almost || !v.hard():
		score = min(score, beyond, d.review/10)
	default:
		overruled = true
	}
	if score == v.Score && !overruled {
		return v
	}
	r := Reason{Check: "correction", Detail: said.detail(overruled), Weight: logit(score) - logit(v.Score)}
	if text != "" {
		r.Spans = []Span{{0, len(text)}}
	}
	reasons := append(slices.Clone(v.Reasons), r)
	slices.SortStableFunc(reasons, func(a, b Reason) int { return cmp.Compare(math.Abs(b.Weight), math.Abs(a.Weight)) })
	return Verdict{Verdict: d.Label(score), Score: score, Reasons: reasons}
}

// detail says in Chinese what people said, and not who.
func (m Match) detail(overruled bool) string {
	people, what, against := m.SpamPeople, "是广告", m.HamPeople
	if m.Ham > m.Spam {
		people, what, against = m.HamPeople, "不是广告", m.SpamPeople
	}
	out := fmt.Sprintf("%d人确认过这段话%s", people, what)
	if m.Likeness < 1 {
		out = fmt.Sprintf("%d人确认过与此几乎相同的话%s(相似度%.0f%%)", people, what, math.Floor(100*m.Likeness))
	}
	if against > 0 {
		out += fmt.Sprintf(",%d人意见相反", against)
	}
	if overruled {
		out += ";广告内容与联系方式俱在,需要更多人确认"
	}
	return out
}

// hard reports whether a text that was found to be spam names both a topic of advertisements
// and a way to get in touch.
func (v Verdict) hard() bool {
	return v.Verdict == Spam && slices.ContainsFunc(v.Reasons, func(r Reason) bool { return r.Check == "topic-contact" && r.Weight > 0 })
}

// logit is the sum of log-odds behind a score; of scores without any it is a large one.
func logit(score float64) float64 {
	score = min(max(score, 1e-9), 1-1e-9)
	return math.Log(score / (1 - score))
}

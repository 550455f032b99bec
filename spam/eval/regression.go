package eval

import (
	"context"
	"math"
	"math/rand/v2"

	"xiaobu/spam"
)

// How the plain regression learns.
const (
	bucketBits = 20
	maxRun     = 3 // characters of the longest feature
	epochs     = 4
	rate       = 0.5
	ridge      = 1e-7
)

// regression is the plain thing every detector has to be better than: logistic regression
// on hashed runs of one to three characters of the text as it is.
type regression struct {
	weights []float32
	bias    float64
	at      []uint32 // the buckets of the text being read
}

// Regression trains the plain regression on rows; the same rows and seed give the same.
// The only error is ctx's.
func Regression(ctx context.Context, rows []Row, o Options) (*Plain, error) {
	m := &regression{weights: make([]float32, 1<<bucketBits)}
	slopes := make([]float32, 1<<bucketBits) // the sums of squares AdaGrad divides by
	r := rand.New(rand.NewPCG(o.Seed, 1))
	done := 0
	for range epochs {
		for _, i := range r.Perm(len(rows)) {
			m.learn(rows[i], slopes)
			if done++; done%1000 == 0 {
				o.progress("regression: training", done, epochs*len(rows))
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	return &Plain{score: m.score}, nil
}

// learn moves the weights towards one row.
func (m *regression) learn(row Row, slopes []float32) {
	miss := m.score(row.Text) - float64(one(row.Spam))
	step := miss / math.Sqrt(float64(max(len(m.at), 1)))
	for _, f := range m.at {
		slope := step + ridge*float64(m.weights[f])
		slopes[f] += float32(slope * slope)
		m.weights[f] -= float32(rate * slope / math.Sqrt(float64(slopes[f])+1e-8))
	}
	m.bias -= 0.01 * miss
}

// score is the probability that text is spam. It keeps the text's buckets in m.at.
func (m *regression) score(text string) float64 {
	m.at = m.at[:0]
	sum := 0.0
	last := [maxRun - 1]uint64{} // the last one and two characters
	for n, c := range []rune(text) {
		for run := 0; run < maxRun && run <= n; run++ {
			key := uint64(c)
			if run > 0 {
				key |= last[run-1] << 21 // what came before it
			}
			m.add(key, run)
		}
		last[1], last[0] = last[0]<<21|uint64(c), uint64(c)
	}
	for _, f := range m.at {
		sum += float64(m.weights[f])
	}
	return 1 / (1 + math.Exp(-m.bias-sum/math.Sqrt(float64(max(len(m.at), 1)))))
}

func (m *regression) add(key uint64, run int) {
	key = (key ^ uint64(run+1)<<62) * 0x9e3779b97f4a7c15
	m.at = append(m.at, uint32(key>>(64-bucketBits)))
}

// Plain is a detector to compare with. It may be used by one goroutine at a time.
type Plain struct {
	score           func(string) float64
	review, removal float64
}

// Fit sets p's thresholds as Targets says, on the chat ham of rows: those it is measured
// on, which is more than fair.
func (p *Plain) Fit(rows []Row) {
	all := make([]judged, len(rows))
	for i, r := range rows {
		all[i] = judged{Row: r, score: p.score(r.Text)}
	}
	p.review, p.removal = scoreAt(all, Targets()[0]), scoreAt(all, Targets()[1])
}

// Judge is for a Column.
func (p *Plain) Judge(text string) (float64, spam.Label) {
	score := p.score(text)
	switch {
	case score >= p.removal:
		return score, spam.Spam
	case score >= p.review:
		return score, spam.Suspect
	default:
		return score, spam.Ham
	}
}

package stories

import (
	"math/rand/v2"
	"time"
)

// chance reports true with the given probability.
func chance(r *rand.Rand, probability float64) bool { return r.Float64() < probability }

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// between draws a duration out of a span.
func between(r *rand.Rand, s Span) time.Duration {
	return s.Low + time.Duration(r.Int64N(int64(s.High-s.Low)+1))
}

// drawIndex draws an index by weight; the last one that has any if rounding is unkind.
func drawIndex(r *rand.Rand, weights []float64) int {
	total, last := 0.0, 0
	for i, w := range weights {
		total += w
		if w > 0 {
			last = i
		}
	}
	at := r.Float64() * total
	for i, w := range weights {
		if at -= w; at < 0 && w > 0 {
			return i
		}
	}
	return last
}

// moment draws a moment of the story within its busy hours, by the weights of days and hours.
func (l *life) moment(r *rand.Rand) time.Time {
	n := int(l.End.Sub(l.Start) / day)
	weights := make([]float64, n)
	for d := range weights {
		weights[d] = l.Script.Joins.weight(d)
	}
	return l.momentOf(r, drawIndex(r, weights))
}

// momentOf draws a moment of one day, counted from 0.
func (l *life) momentOf(r *rand.Rand, d int) time.Time {
	hour := drawIndex(r, l.Script.Joins.Hours[:])
	return l.Start.AddDate(0, 0, d).Add(time.Duration(hour)*time.Hour + time.Duration(r.Int64N(int64(time.Hour))))
}

// awake moves a moment at night to the next morning.
func awake(t time.Time) time.Time {
	morning := midnight(t)
	switch hour := t.In(shanghai()).Hour(); {
	case hour < 8:
		return morning.Add(8*time.Hour + time.Duration(t.Minute())*time.Minute)
	case hour >= 22:
		return morning.Add(32*time.Hour + time.Duration(t.Minute())*time.Minute)
	}
	return t
}

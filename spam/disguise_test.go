package spam

import (
	"math/rand/v2"
	"testing"

	"xiaobu/spam/evade"
)

// The model was trained on sentences like our examples, so this tells that disguise is seen
// through and decoration overlooked, not how well the model knows what it never saw.
func TestExamplesAreJudgedRightlyInEveryDisguise(t *testing.T) {
	d, g := New(), evade.New(evade.Options{})
	rate := func(kinds []string, write func(*rand.Rand, string, string) (string, bool), examples []example) map[string]float64 {
		flagged := map[string]float64{}
		for i, kind := range kinds {
			r, n, found := rand.New(rand.NewPCG(1, uint64(i))), 0, 0
			for range 4 {
				for _, e := range examples {
					if c, changed := write(r, kind, e.text); changed {
						n++
						if d.Check(c).Verdict != Ham {
							found++
						}
					}
				}
			}
			flagged[kind] = float64(found) / float64(n)
		}
		return flagged
	}
	for kind, caught := range rate(evade.Kinds(), g.Evade, spamExamples()) {
		if caught < 0.95 {
			t.Errorf("%s: %.2f of the examples of spam are caught, want 0.95", kind, caught)
		}
	}
	for kind, flagged := range rate(evade.Decorations(), g.Decorate, hamExamples()) {
		if flagged > 0.02 {
			t.Errorf("%s: %.2f of the examples of harmless talk are flagged, want at most 0.02", kind, flagged)
		}
	}
}

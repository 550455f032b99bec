package spam

import (
	"math/rand"
	"slices"
	"testing"
)

// naive finds words the slow way.
func naive(words [][]rune, units []unit) [][2]int {
	var found [][2]int
	for end := 1; end <= len(units); end++ {
		for id, w := range words {
			from := end - len(w)
			if from < 0 {
				continue
			}
			same := true
			for i, r := range w {
				same = same && units[from+i].r == r
			}
			if same {
				found = append(found, [2]int{id, end})
			}
		}
	}
	return found
}

func TestTheMatcherFindsExactlyWhatASlowSearchFinds(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	letters := []rune("加我微信群vq😀")
	text := func(n int) []rune {
		out := make([]rune, n)
		for i := range out {
			out[i] = letters[rng.Intn(len(letters))]
		}
		return out
	}
	for range 300 {
		index := map[string]bool{}
		var words [][]rune
		for range 1 + rng.Intn(12) {
			w := text(1 + rng.Intn(4))
			if slices.Contains(w, '😀') || index[string(w)] {
				continue
			}
			index[string(w)] = true
			words = append(words, w)
		}
		var units []unit
		for _, r := range text(40) {
			units = append(units, unit{r: r})
		}
		var got [][2]int
		newMatcher(words).match(units, func(word, end int) { got = append(got, [2]int{word, end}) })
		want := naive(words, units)
		order := func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !slices.Equal(got, want) {
			t.Fatalf("words %q: found %v, want %v", words, got, want)
		}
	}
}

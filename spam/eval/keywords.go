package eval

import (
	"strings"
)

// Keywords is the detector most groups have: a list of words, and a text that contains one
// is flagged, however it is meant. A text's score is the number of words in it.
func Keywords(words []string) *Plain {
	byFirst := map[rune][]string{}
	for _, w := range words {
		if w = strings.ToLower(strings.TrimSpace(w)); w != "" {
			first := []rune(w)[0]
			byFirst[first] = append(byFirst[first], w)
		}
	}
	count := func(text string) float64 {
		text = strings.ToLower(text)
		n := 0
		for at, r := range text {
			for _, w := range byFirst[r] {
				n += one(strings.HasPrefix(text[at:], w))
			}
		}
		return float64(n)
	}
	return &Plain{score: count, review: 1, removal: 1}
}

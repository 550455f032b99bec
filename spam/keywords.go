package spam

import (
	"slices"
	"unicode/utf8"
)

// Keywords are the words of the vocabulary that speak for spam, in the comparison form and
// in order: what nobody has to offer in a shop's group, and how to get in touch. As a list
// of forbidden words, which is what many filters are, they flag much that is harmless; the
// Detector never judges by one word alone.
func Keywords() []string {
	const speaking = anyTopic | anyLure | anyVeiled | anyAdd | anyPrivate | anyGroup | sigMessenger | sigTone | sigReferral
	var words []string
	for _, w := range newVocabulary(newFolder(), vocabText).words {
		if w.sigs&speaking != 0 && utf8.RuneCountInString(w.text) >= 2 {
			words = append(words, w.text)
		}
	}
	slices.Sort(words)
	return words
}

package spam

import "strings"

// minTelling is how many characters a word has that says enough by itself.
const minTelling = 3

// TellingWord is a word of the built-in vocabulary that speaks for an advertisement by itself.
type TellingWord struct {
	Word  string // in Chinese characters, simplified
	Topic string // the group of the vocabulary: job, gamble, loan …
}

// TellingWords lists the words of the built-in vocabulary that name what nobody has to offer in
// a shop's group, in their order, each once: those of at least three Chinese characters.
func TellingWords() []TellingWord {
	groups := vocabSignals()
	var out []TellingWord
	seen := map[string]bool{}
	group := ""
	for line := range strings.Lines(vocabText) {
		line = strings.TrimSpace(line)
		if name, ok := groupName(line); ok {
			group = name
			continue
		}
		if strings.HasPrefix(line, "#") || groups[group]&anyTopic == 0 {
			continue
		}
		for entry := range strings.FieldsSeq(line) {
			for _, word := range expand(entry) {
				if tells(word) && !seen[word] {
					seen[word] = true
					out = append(out, TellingWord{word, group})
				}
			}
		}
	}
	return out
}

func tells(word string) bool {
	n := 0
	for _, r := range word {
		if !isHan(r) {
			return false
		}
		n++
	}
	return n >= minTelling
}

package spam

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed vocab.txt
var vocabText string

// plainGroup is the group of words that hide the words inside them.
const plainGroup = "plain"

// word is one entry of the vocabulary.
type word struct {
	text   string
	sigs   signal
	n      int  // its length in units
	plain  bool // it hides the words inside it
	latinL bool // starts with a Latin letter: must not follow one
	latinR bool // ends with a Latin letter: must not precede one
	digitL bool // starts with a digit: must not follow one
	intro  intro
}

// vocabulary is the word list and the matcher for it.
type vocabulary struct {
	words   []word
	matcher *matcher
}

// introOf tells what a word makes of a number or name after it.
func introOf(sigs signal) intro {
	switch {
	case sigs&(anyMedium|anyAdd|anyPrivate|anyGroup) != 0:
		return introAccount
	case sigs&sigReach != 0:
		return introPhone
	default:
		return introNone
	}
}

// newVocabulary reads the list. The list is part of the program, so a mistake in it is a
// panic that every test shows.
func newVocabulary(f *folder, list string) *vocabulary {
	v := &vocabulary{}
	groups, index := vocabSignals(), map[string]int{}
	group := ""
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if name, ok := groupName(line); ok {
			if _, known := groups[name]; !known {
				panic("spam: vocabulary: unknown group " + name)
			}
			group = name
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		for entry := range strings.FieldsSeq(line) {
			for _, text := range expand(entry) {
				w := v.word(index, f.mustFold(text, entry))
				w.sigs |= groups[group]
				w.plain = w.plain || group == plainGroup
				w.intro = introOf(w.sigs)
			}
		}
	}
	v.buildMatcher()
	return v
}

// mustFold is the comparison form of a word of the entry.
func (f *folder) mustFold(text, entry string) []rune {
	r, ok := f.foldString(text)
	if !ok {
		panic(fmt.Sprintf("spam: vocabulary: %q of %q has no comparison form", text, entry))
	}
	return r
}

// word is the word r, new or known.
func (v *vocabulary) word(index map[string]int, r []rune) *word {
	id, known := index[string(r)]
	if !known {
		id = len(v.words)
		index[string(r)] = id
		v.words = append(v.words, word{
			text: string(r), n: len(r),
			latinL: isLatin(r[0]), latinR: isLatin(r[len(r)-1]), digitL: isDigit(r[0]),
		})
	}
	return &v.words[id]
}

func (v *vocabulary) buildMatcher() {
	runes := make([][]rune, len(v.words))
	for i := range v.words {
		runes[i] = []rune(v.words[i].text)
	}
	v.matcher = newMatcher(runes)
}

// groupName is the group a line of the list starts, if it starts one.
func groupName(line string) (string, bool) {
	if !strings.HasPrefix(line, "[") || !strings.HasSuffix(line, "]") {
		return "", false
	}
	name := line[1 : len(line)-1]
	return name, name != "" && name[0] >= 'a' && name[0] <= 'z'
}

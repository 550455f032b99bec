package spam

import "strings"

// expand writes out an entry of the vocabulary: (ab|c|) stands for one of the choices or
// nothing, [abc] for one of the characters, [1-9] for the digits between; classes may stand inside
// choices.
func expand(entry string) []string {
	open := strings.IndexAny(entry, "([")
	if open < 0 {
		return []string{entry}
	}
	closing := map[byte]string{'(': ")", '[': "]"}[entry[open]]
	n := strings.Index(entry[open:], closing)
	if n < 0 {
		panic("spam: vocabulary: " + closing + " missing in " + entry)
	}
	inside, rest := entry[open+1:open+n], expand(entry[open+n+1:])
	var choices []string
	if closing == "]" {
		choices = characters(inside)
	} else {
		for choice := range strings.SplitSeq(inside, "|") {
			choices = append(choices, expand(choice)...)
		}
	}
	var out []string
	for _, choice := range choices {
		for _, tail := range rest {
			out = append(out, entry[:open]+choice+tail)
		}
	}
	return out
}

// characters lists the characters of a class.
func characters(class string) []string {
	runes := []rune(class)
	var out []string
	for i := 0; i < len(runes); i++ {
		if i+2 < len(runes) && runes[i+1] == '-' {
			for r := runes[i]; r <= runes[i+2]; r++ {
				out = append(out, string(r))
			}
			i += 2
			continue
		}
		out = append(out, string(runes[i]))
	}
	return out
}

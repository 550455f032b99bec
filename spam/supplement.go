package spam

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
)

//go:embed supplement.txt
var supplementText string

// OwnSource is the source of the samples Supplement writes.
const OwnSource = "own"

// Supplement writes samples of our own: of every pattern of supplement.txt so many. They
// are harmless talk of a shop's group, which public samples lack, and the advertisements
// such a group sees. The same seed gives the same sentences.
func Supplement(each int, seed uint64) []Sample {
	words, ham, ads := readSupplement(supplementText)
	rng := rand.New(rand.NewPCG(seed, 2))
	var out []Sample
	for range each {
		for _, p := range ham {
			out = append(out, Sample{Text: fillPattern(p, words, rng), Source: OwnSource, Weight: 1})
		}
		for _, p := range ads {
			out = append(out, Sample{Text: fillPattern(p, words, rng), Source: OwnSource, Spam: true, Weight: 1})
		}
	}
	return out
}

// readSupplement reads the lists of words and the patterns. The text is part of the
// program, so a mistake in it is a panic that every test shows.
func readSupplement(text string) (words map[string][]string, ham, ads []string) {
	words = map[string][]string{}
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, list, isList := strings.Cut(strings.TrimPrefix(line, "{"), "} ")
		switch {
		case line == "", strings.HasPrefix(line, "# "):
		case line == "[ham]", line == "[spam]":
			section = line
		case strings.HasPrefix(line, "{") && isList && !strings.ContainsAny(name, "{|（("+"，") && len(strings.Fields(list)) > 3:
			words[name] = strings.Fields(strings.ReplaceAll(list, "_", "\u00a0"))
		case section == "[ham]":
			ham = append(ham, strings.ReplaceAll(line, `\n`, "\n"))
		case section == "[spam]":
			ads = append(ads, line)
		default:
			panic("spam: supplement: " + line)
		}
	}
	return words, ham, ads
}

// fillPattern writes one sentence: one of the choices of every bracket, one word of every list.
func fillPattern(p string, words map[string][]string, rng *rand.Rand) string {
	var b strings.Builder
	for {
		at := strings.IndexAny(p, "({")
		if at < 0 {
			b.WriteString(p)
			return strings.ReplaceAll(b.String(), "\u00a0", " ")
		}
		b.WriteString(p[:at])
		closing := map[byte]byte{'(': ')', '{': '}'}[p[at]]
		end := at + strings.IndexByte(p[at:], closing)
		if end < at {
			panic("spam: supplement: a bracket is open in " + p)
		}
		inside := p[at+1 : end]
		choices := strings.Split(inside, "|")
		if p[at] == '{' {
			choices = words[inside]
		}
		if len(choices) == 0 {
			panic(fmt.Sprintf("spam: supplement: no list %q", inside))
		}
		b.WriteString(fillPattern(choices[rng.IntN(len(choices))], words, rng))
		p = p[end+1:]
	}
}

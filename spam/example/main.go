// Command example judges the lines of its standard input and prints what spam found, with
// the places that speak for spam and against it marked: in red and green, or in ⟦⟧ and ⟨⟩
// where the environment sets NO_COLOR.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"xiaobu/spam"
)

func main() {
	paint := colours
	if os.Getenv("NO_COLOR") != "" {
		paint = brackets
	}
	detector := spam.New()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		v := detector.Check(lines.Text())
		fmt.Printf("%s %.2f %s\n", v.Verdict, v.Score, highlight(lines.Text(), v.Reasons, paint))
		for _, r := range v.Reasons {
			fmt.Printf("    %+.1f %s：%s%s\n", r.Weight, r.Check, r.Detail, quoted(lines.Text(), r.Spans))
		}
	}
}

// side tells for what a piece of a text speaks.
type side int

const (
	neither side = iota
	against
	forSpam
)

// colours paints for a terminal.
func colours(s string, to side) string {
	switch to {
	case forSpam:
		return "\x1b[31m" + s + "\x1b[0m"
	case against:
		return "\x1b[32m" + s + "\x1b[0m"
	default:
		return s
	}
}

// brackets paints for a file.
func brackets(s string, to side) string {
	switch to {
	case forSpam:
		return "⟦" + s + "⟧"
	case against:
		return "⟨" + s + "⟩"
	default:
		return s
	}
}

// highlight paints the pieces of text the reasons point at. A piece that speaks for both
// sides is painted for spam.
func highlight(text string, reasons []spam.Reason, paint func(string, side) string) string {
	sides := make([]side, len(text))
	for _, r := range reasons {
		to := against
		if r.Weight > 0 {
			to = forSpam
		}
		for _, s := range r.Spans {
			for i := s.Start; i < s.End; i++ {
				sides[i] = max(sides[i], to)
			}
		}
	}
	var b strings.Builder
	for from := 0; from < len(text); {
		to := from + 1
		for to < len(text) && sides[to] == sides[from] {
			to++
		}
		b.WriteString(paint(text[from:to], sides[from]))
		from = to
	}
	return b.String()
}

// quoted are the pieces of text at spans.
func quoted(text string, spans []spam.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(" “" + text[s.Start:s.End] + "”")
	}
	return b.String()
}

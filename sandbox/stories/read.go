package stories

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// shownProblems is how many problems an error shows.
const shownProblems = 20

// Problem is one thing that is wrong in a file.
type Problem struct {
	Line    int    // from 1; 0: of the file as a whole
	Key     string // such as joins.ways.code
	Wrong   string // what is wrong with it
	Example string // a good value, "" for none
}

// Error is everything that is wrong with a file, in the order of its lines.
type Error struct {
	File     string
	Problems []Problem
}

// Error shows the first twenty problems, a line for each.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i == shownProblems {
			fmt.Fprintf(&b, "\n%s: %d more", e.File, len(e.Problems)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
		if p.Key != "" {
			b.WriteString(p.Key + ": ")
		}
		b.WriteString(p.Wrong)
		if p.Example != "" {
			b.WriteString(", e.g. " + p.Example)
		}
	}
	return b.String()
}

// reader remembers what is wrong while a file is read; whatever is wrong reads as the default.
type reader struct{ problems []Problem }

// value is one value of a file; node is nil if the file does not have it.
type value struct {
	r    *reader
	node *yaml.Node
	line int
	key  string
}

func (v value) wrong(example, format string, args ...any) {
	v.r.problems = append(v.r.problems, Problem{Line: v.line, Key: v.key, Wrong: fmt.Sprintf(format, args...), Example: example})
}

// has reports whether the file has the value; null counts as left out.
func (v value) has() bool { return v.node != nil && v.node.Tag != "!!null" }

// fields is a mapping while it is read.
type fields struct {
	value
	by   map[string]value
	read map[string]bool
	keys []string
}

// fields reads a mapping; what is no mapping has no fields.
func (v value) fields(example string) *fields {
	f := &fields{value: v, by: map[string]value{}, read: map[string]bool{}}
	if !v.has() {
		return f
	}
	if v.node.Kind != yaml.MappingNode {
		v.wrong(example, "must have keys of its own")
		return f
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		k, n := v.node.Content[i], v.node.Content[i+1]
		one := value{v.r, resolved(n), k.Line, joined(v.key, k.Value)}
		if _, twice := f.by[k.Value]; twice {
			one.wrong("", "is given twice")
			continue
		}
		f.by[k.Value] = one
		f.keys = append(f.keys, k.Value)
	}
	return f
}

func joined(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// resolved follows an alias to what it stands for.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// get returns a field, which may be left out.
func (f *fields) get(name string) value {
	f.read[name] = true
	if v, ok := f.by[name]; ok {
		return v
	}
	return value{f.r, nil, f.line, joined(f.key, name)}
}

// end complains about the keys that nobody asked for.
func (f *fields) end() {
	var known []string
	for name := range f.read {
		known = append(known, name)
	}
	slices.Sort(known)
	for _, name := range f.keys {
		if !f.read[name] {
			f.by[name].wrong("", "unknown key; here may stand %s", strings.Join(known, ", "))
		}
	}
}

// items reads a list of at most so many.
func (v value) items(most int, example string) []value {
	if !v.has() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.wrong(example, "must be a list")
		return nil
	}
	if len(v.node.Content) > most {
		v.wrong("", "has %d entries, at most %d are allowed", len(v.node.Content), most)
		return nil
	}
	out := make([]value, 0, len(v.node.Content))
	for i, n := range v.node.Content {
		out = append(out, value{v.r, resolved(n), n.Line, fmt.Sprintf("%s[%d]", v.key, i+1)})
	}
	return out
}

// scalar returns the text of a plain value.
func (v value) scalar(example string) (string, bool) {
	if !v.has() {
		return "", false
	}
	if v.node.Kind != yaml.ScalarNode {
		v.wrong(example, "must be a plain value")
		return "", false
	}
	return v.node.Value, true
}

// text reads a text of at most so many characters.
func (v value) text(most int, example string) string {
	t, ok := v.scalar(example)
	if n := utf8.RuneCountInString(t); ok && n > most {
		v.wrong("", "has %d characters, at most %d are allowed", n, most)
		return ""
	}
	return t
}

// need is text for what must not be left out.
func (v value) need(most int, example string) string {
	t := v.text(most, example)
	if t == "" && (!v.has() || v.node.Kind == yaml.ScalarNode && v.node.Value == "") {
		v.wrong(example, "is missing")
	}
	return t
}

// flag reads true or false.
func (v value) flag() bool {
	t, ok := v.scalar("true")
	if ok && t != "true" && t != "false" {
		v.wrong("true", "%q is neither true nor false", t)
	}
	return t == "true"
}

// choice reads one of some words, the first if it is left out.
func (v value) choice(words ...string) string {
	t, ok := v.scalar(words[0])
	if !ok {
		return words[0]
	}
	if !slices.Contains(words, t) {
		v.wrong("", "%q is none of %s", t, strings.Join(words, ", "))
		return words[0]
	}
	return t
}

// number reads a number within bounds.
func (v value) number(orElse, low, high float64, example string) float64 {
	t, ok := v.scalar(example)
	if !ok {
		return orElse
	}
	n, err := strconv.ParseFloat(t, 64)
	if err != nil || math.IsNaN(n) || n < low || n > high {
		v.wrong(example, "%q is no number from %v to %v", t, low, high)
		return orElse
	}
	return n
}

// whole reads a whole number within bounds.
func (v value) whole(orElse, low, high int, example string) int {
	n := v.number(float64(orElse), float64(low), float64(high), example)
	if n != math.Trunc(n) {
		v.wrong(example, "%v is no whole number", n)
		return orElse
	}
	return int(n)
}

// share reads a part of the whole such as 15%.
func (v value) share(orElse float64, example string) float64 {
	t, ok := v.scalar(example)
	if !ok {
		return orElse
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(t, "%"), 64)
	if err != nil || !strings.HasSuffix(t, "%") || math.IsNaN(n) || n < 0 || n > 100 {
		v.wrong(example, "%q is no share from 0%% to 100%%", t)
		return orElse
	}
	return n / 100
}

// Span is a range of durations, both ends included.
type Span struct{ Low, High time.Duration }

// span reads a range such as 2m..12m or 1d..3d; one duration is a range of its own.
func (v value) span(orElse Span, most time.Duration, example string) Span {
	t, ok := v.scalar(example)
	if !ok {
		return orElse
	}
	low, high, ranged := strings.Cut(t, "..")
	if !ranged {
		high = low
	}
	a, errA := duration(low)
	b, errB := duration(high)
	if errA != nil || errB != nil || a < 0 || a > b || b > most {
		v.wrong(example, "%q is no range of durations from 0m to %s", t, days(most))
		return orElse
	}
	return Span{a, b}
}

// duration is time.ParseDuration with days.
func duration(t string) (time.Duration, error) {
	if n, ok := strings.CutSuffix(t, "d"); ok {
		f, err := strconv.ParseFloat(n, 64)
		if err == nil && !(math.Abs(f) < 1e5) {
			err = strconv.ErrRange
		}
		return time.Duration(f * float64(24*time.Hour)), err
	}
	return time.ParseDuration(t)
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

// Range is a range of numbers, both ends included.
type Range struct{ Low, High int }

// counts reads a range such as 430..480; one number is a range of its own.
func (v value) counts(most int, example string) Range {
	t, ok := v.scalar(example)
	if !ok {
		return Range{}
	}
	low, high, ranged := strings.Cut(t, "..")
	if !ranged {
		high = low
	}
	a, errA := strconv.Atoi(low)
	b, errB := strconv.Atoi(high)
	if errA != nil || errB != nil || a < 0 || a > b || b > most {
		v.wrong(example, "%q is no range of numbers from 0 to %d", t, most)
		return Range{}
	}
	return Range{a, b}
}

// clock reads a time of day such as 14:30.
func (v value) clock(orElse time.Duration) time.Duration {
	t, ok := v.scalar(`"14:30"`)
	if !ok {
		return orElse
	}
	at, err := time.Parse("15:04", t)
	if err != nil {
		v.wrong(`"14:30"`, "%q is no time of day", t)
		return orElse
	}
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// texts reads a list of texts that are not empty.
func (v value) texts(most, chars int, example string) []string {
	var out []string
	for _, one := range v.items(most, "["+example+"]") {
		out = append(out, one.need(chars, example))
	}
	return out
}

package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
)

// screen shows lines, and below them, in a terminal, a progress bar that stays at the bottom.
type screen struct {
	out      io.Writer
	terminal bool
	english  bool
	bar      string
	shown    int // the last progress that was printed where there is no terminal, in percent
}

func newScreen(out io.Writer, lang string) *screen {
	s := &screen{out: out, english: lang == "en"}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		s.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s
}

// word picks the reader's language.
func (s *screen) word(zh, en string) string {
	if s.english {
		return en
	}
	return zh
}

// print shows a line.
func (s *screen) print(zh, en string, args ...any) {
	if s.terminal && s.bar != "" {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
	fmt.Fprintf(s.out, s.word(zh, en)+"\n", plainArgs(args)...)
	if s.terminal && s.bar != "" {
		fmt.Fprint(s.out, s.bar)
	}
}

// plain drops from the words of others what moves the cursor or turns the direction of writing,
// and makes one line of them: anybody can call themselves so.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, text)
}

// plainArgs is plain for what is put into a line.
func plainArgs(args []any) []any {
	args = slices.Clone(args)
	for i, a := range args {
		if v := reflect.ValueOf(a); v.Kind() == reflect.String {
			args[i] = plain(v.String())
		}
	}
	return args
}

// plainCells is plain for the cells of a table.
func plainCells(rows [][]string) [][]string {
	out := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			out[i] = append(out[i], plain(cell))
		}
	}
	return out
}

// progress shows how much of the week is over; without a terminal, a line for every tenth.
func (s *screen) progress(part float64, now time.Time) {
	const cells = 28
	part = min(max(part, 0), 1)
	full := int(part * cells)
	bar := fmt.Sprintf("%s [%s%s] %3.0f%%", s.moment(now), strings.Repeat("█", full), strings.Repeat("░", cells-full), part*100)
	switch {
	case s.terminal:
		s.bar = bar
		fmt.Fprint(s.out, "\r\x1b[K"+bar)
		if part == 1 {
			s.bar = ""
			fmt.Fprintln(s.out)
		}
	case int(part*10) > s.shown/10:
		s.shown = int(part*10) * 10
		fmt.Fprintln(s.out, bar)
	}
}

var weekdays = [...][2]string{{"周日", "Sun"}, {"周一", "Mon"}, {"周二", "Tue"}, {"周三", "Wed"}, {"周四", "Thu"}, {"周五", "Fri"}, {"周六", "Sat"}}

// moment is a time of the story as people say it.
func (s *screen) moment(t time.Time) string {
	t = inShanghai(t)
	day := weekdays[t.Weekday()]
	return s.word(day[0], day[1]) + " " + t.Format("15:04")
}

// pad fills a text up to a width; Chinese characters are two wide.
func pad(s string, cells int) string {
	return s + strings.Repeat(" ", max(cells-cellsOf(s), 0))
}

func padLeft(s string, cells int) string {
	return strings.Repeat(" ", max(cells-cellsOf(s), 0)) + s
}

func cellsOf(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case r == '\u200b' || r == '\u200d' || r == '\ufe0f' || r == '\u200c':
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// table shows rows under a header; all columns but the first are numbers.
func (s *screen) table(rows [][]string) {
	rows = plainCells(rows)
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], cellsOf(c))
		}
	}
	for i, row := range rows {
		cells := make([]string, len(row))
		for k, c := range row {
			if k == 0 {
				cells[k] = pad(c, widths[k])
			} else {
				cells[k] = padLeft(c, widths[k])
			}
		}
		line := "  " + strings.Join(cells, "  ")
		if i == len(rows)-1 {
			fmt.Fprintln(s.out, "  "+strings.Repeat("─", cellsOf(line)-2))
		}
		fmt.Fprintln(s.out, line)
		if i == 0 {
			fmt.Fprintln(s.out, "  "+strings.Repeat("─", cellsOf(line)-2))
		}
	}
}

func inShanghai(t time.Time) time.Time {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		zone = time.FixedZone("CST", 8*3600)
	}
	return t.In(zone)
}

// wipe takes the progress bar away.
func (s *screen) wipe() {
	if s.bar != "" {
		fmt.Fprint(s.out, "\r\x1b[K")
		s.bar = ""
	}
}

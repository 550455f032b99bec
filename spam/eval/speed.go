package eval

import (
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// Speed is how fast a detector is and what it holds and takes.
type Speed struct {
	PerSecond float64 `json:"messages_per_second"`  // of the rows, on one core
	Long      float64 `json:"us_at_600_characters"` // microseconds for a text of 600 characters
	Allocated float64 `json:"bytes_per_message"`    // memory asked for and dropped
	Held      int64   `json:"bytes_held"`           // memory the detector holds; 0 if not measured
	Grown     int64   `json:"bytes_grown"`          // memory held after all rows, above that held before
}

// Enough of both to measure.
const (
	speedTexts = 200_000
	longTexts  = 2_000
	longRunes  = 600
)

// speed judges rows again and again with one goroutine.
func speed(rows []Row, c Column, o Options) Speed {
	judge := func(n int) {
		for i := range n {
			c.Judge(rows[i%len(rows)].Text)
		}
	}
	judge(min(len(rows), 2000)) // buffers have grown
	o.progress(c.Name+": speed", 0, 2)
	before, asked := memory()
	started := o.Now()
	n := calls(o, judge)
	took := o.Now().Sub(started)
	after, askedAfter := memory()
	s := Speed{Held: c.Held, Allocated: float64(askedAfter-asked) / float64(n), Grown: int64(after) - int64(before)}
	s.PerSecond = float64(n) / max(took.Seconds(), 1e-9)

	o.progress(c.Name+": speed", 1, 2)
	long := longText(rows)
	started = o.Now()
	for range longTexts {
		c.Judge(long)
	}
	s.Long = o.Now().Sub(started).Seconds() * 1e6 / longTexts
	o.progress(c.Name+": speed", 2, 2)
	return s
}

// calls judges for about half a second, at most speedTexts texts, and tells how many.
func calls(o Options, judge func(int)) int {
	const batch = 5000
	started, n := o.Now(), 0
	for n < speedTexts && (n == 0 || o.Now().Sub(started) < time.Second/2) {
		judge(batch)
		n += batch
	}
	return n
}

// Held is how much memory is held after build that was not before: that of what build made
// and somebody keeps.
func Held(build func()) int64 {
	before, _ := memory()
	build()
	after, _ := memory()
	return max(int64(after)-int64(before), 0)
}

// memory is what is held after cleaning up, and what was asked for in all.
func memory() (held, asked uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.TotalAlloc
}

// longText is 600 characters of the rows' chat, one message after the other.
func longText(rows []Row) string {
	var b strings.Builder
	n := 0
	for i := 0; n < longRunes; i++ {
		text := rows[i%len(rows)].Text + "，"
		b.WriteString(text)
		n += utf8.RuneCountInString(text)
	}
	return string([]rune(b.String())[:longRunes])
}

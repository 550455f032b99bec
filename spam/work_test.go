package spam

import (
	"math"
	"strings"
	"testing"
)

// work is what a text makes the detector do, counted in things looked at.
func work(d *Detector, text string) int {
	rd := &reading{}
	d.read(rd, text)
	d.near = math.Inf(-1) // every window is explained
	windows, pieces := 0, 0
	if len(rd.clauses) > 0 {
		d.judge(rd)
		rd.eachWindow(func(int, int) { windows++ })
		pieces = len(rd.pieced) + len(rd.said)
	}
	return len(rd.units) + len(rd.hits) + len(rd.clauses) + len(rd.asked) + len(rd.features) + len(rd.listed) + windows + pieces
}

// heavy are pieces that, repeated, make the most of each reader.
func heavy() []string {
	return []string{
		"加我微信", "刷单兼职日结", "a.", "a点", "1 ", "一", "1380000", "v", "@a", "？", "加，", "[红包]", "[", "😀", "\n1.", "出1比2，", "\u200b", "abc12345微信", "jiaweixin", "jia wei xin ", "加.我*微 信", "①阿珍2份 ", "qq.com/g/", "a-b.com ",
	}
}

func TestTwiceTheTextIsAtMostTwiceTheWork(t *testing.T) {
	d := New()
	for _, piece := range heavy() {
		n := readEnd / len(piece) / 2
		one, two := work(d, strings.Repeat(piece, n)), work(d, strings.Repeat(piece, 2*n))
		if two > 2*one+one/10+16 {
			t.Errorf("%q: %d units of work, twice the text %d", piece, one, two)
		}
	}
}

func TestTheWorkOnALongTextIsThatOnItsTwoEnds(t *testing.T) {
	d := New()
	for _, piece := range heavy() {
		hundred, mega := strings.Repeat(piece, 100<<10/len(piece)), strings.Repeat(piece, 1<<20/len(piece))
		ends := work(d, strings.Repeat(piece, 2*readEnd/len(piece)))
		for _, text := range []string{hundred, mega} {
			if got := work(d, text); got > ends+ends/10+16 {
				t.Errorf("%q: %d for %d bytes, %d for %d", piece, got, len(text), ends, 2*readEnd)
			}
		}
	}
}

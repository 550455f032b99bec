package codes

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// Every poster is as large as its paper, and what hangs on the wall is read again: from the
// PNG, from the PDF, and from a small, turned, blurred photograph of it.
func TestPostersAreReadAgain(t *testing.T) {
	f := chinese(t)
	for i, p := range posters() {
		for size, want := range map[Size]image.Point{A6: {1240, 1748}, A4: {2480, 3508}} {
			if i > 0 && size == A4 {
				continue // drawn like A6
			}
			var picture, doc bytes.Buffer
			must(t, p.PNG(&picture, f, size))
			must(t, p.PDF(&doc, f, size))
			keep(t, fmt.Sprintf("poster-%d-%s.png", i, size), picture.Bytes())
			keep(t, fmt.Sprintf("poster-%d-%s.pdf", i, size), doc.Bytes())
			img, err := png.Decode(&picture)
			must(t, err)
			if img.Bounds().Size() != want {
				t.Errorf("%s has %v dots, want %v", size, img.Bounds().Size(), want)
			}
			check(t, img, p.Content, "PNG")
			if size == A4 {
				continue
			}
			degrees := []float64{7, -12, 0}[i]
			check(t, photo(t, img, degrees), p.Content, fmt.Sprintf("photo, turned by %v", degrees))
			pages := pagesOf(t, doc.Bytes())
			if len(pages) != 1 {
				t.Fatalf("the PDF has %d pages", len(pages))
			}
			check(t, pages[0].raster(), p.Content, "PDF")
			if n := differing(img.(*image.Paletted), pages[0].raster()); n > want.X*want.Y/200 {
				t.Errorf("poster %d %s: PDF and PNG differ in %d dots", i, size, n)
			}
		}
	}
}

// keep writes what was drawn to a folder for people who want to look at it.
func keep(t *testing.T, name string, data []byte) {
	if dir := os.Getenv("XIAOBU_TEST_KEEP"); dir != "" {
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
}

func check(t *testing.T, img image.Image, want, what string) {
	t.Helper()
	if got, err := read(img); err != nil || got != want {
		t.Errorf("%s: read %q %v, want %q", what, got, err, want)
	}
}

// photo is a poster as a telephone far away sees it: 480 pixels wide, turned, out of focus,
// grey, and as a bad JPEG.
func photo(t *testing.T, img image.Image, degrees float64) image.Image {
	t.Helper()
	const side = 480
	small := image.NewGray(image.Rect(0, 0, side, side*3/2))
	draw.Draw(small, small.Bounds(), image.NewUniform(color.Gray{120}), image.Point{}, draw.Src)
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	scale := 0.85 * side / float64(img.Bounds().Dx())
	centre := img.Bounds().Size().Div(2)
	draw.BiLinear.Transform(small, f64.Aff3{
		scale * cos, -scale * sin, side/2 - scale*(cos*float64(centre.X)-sin*float64(centre.Y)),
		scale * sin, scale * cos, side*3/4 - scale*(sin*float64(centre.X)+cos*float64(centre.Y)),
	}, img, img.Bounds(), draw.Src, nil)
	blurred := image.NewGray(small.Rect)
	for y := 1; y < small.Rect.Dy()-1; y++ {
		for x := 1; x < side-1; x++ {
			sum := 0
			for dy := -1; dy <= 1; dy++ {
				for dx := -1; dx <= 1; dx++ {
					sum += int(small.GrayAt(x+dx, y+dy).Y)
				}
			}
			blurred.SetGray(x, y, color.Gray{uint8(30 + sum/9*3/4)})
		}
	}
	var b bytes.Buffer
	must(t, jpeg.Encode(&b, blurred, &jpeg.Options{Quality: 40}))
	out, err := jpeg.Decode(&b)
	must(t, err)
	return out
}

// differing counts the dots that are dark in one picture and light in the other.
func differing(a, b *image.Paletted) int {
	n := 0
	for i := range a.Pix {
		if d := int(a.Pix[i])%levels - int(b.Pix[i])%levels; d > levels/2 || d < -levels/2 {
			n++
		}
	}
	return n
}

// pagesOf draws the pages of a PDF anew, from the operators that this package writes. Any
// other operator is an error.
func pagesOf(t *testing.T, doc []byte) []drawing {
	t.Helper()
	var pages []drawing
	for rest := string(doc); ; {
		_, after, ok := strings.Cut(rest, "stream\n")
		if !ok {
			return pages
		}
		var data string
		data, rest, _ = strings.Cut(after, "\nendstream")
		z, err := zlib.NewReader(strings.NewReader(data))
		must(t, err)
		text, err := io.ReadAll(z)
		must(t, err)
		var w, h float64
		box := string(doc[bytes.Index(doc, []byte("/MediaBox")):])
		_, err = fmt.Sscanf(box, "/MediaBox [0 0 %f %f]", &w, &h)
		must(t, err)
		const pt = 25.4 / 72
		page := drawing{w: w * pt, h: h * pt}
		var s shape
		var stack []float64
		for _, word := range strings.Fields(string(text)) {
			if v, err := strconv.ParseFloat(word, 64); err == nil {
				stack = append(stack, v)
				continue
			}
			at := func(i int) point { return point{stack[i] * pt, (h - stack[i+1]) * pt} }
			switch word {
			case "m":
				s.path = append(s.path, segment{0, [3]point{at(0)}})
			case "l":
				s.path = append(s.path, segment{1, [3]point{at(0)}})
			case "c":
				s.path = append(s.path, segment{3, [3]point{at(0), at(2), at(4)}})
			case "rg", "g":
				if s.ink = black; stack[len(stack)-1] > 0.1 {
					s.ink = grey
				}
			case "f":
				page.shapes = append(page.shapes, s)
				s.path = nil
			case "h", "w", "J", "j", "G": // closing, and how lines would look
			default:
				t.Fatalf("the PDF has an operator %q", word)
			}
			stack = stack[:0]
		}
		pages = append(pages, page)
	}
}

func TestASheetHasEightCardsAPage(t *testing.T) {
	f := chinese(t)
	var cards []Poster
	for i := range 11 {
		p := posters()[i%2]
		p.Content = fmt.Sprintf("https://xiaobu.example.com/q/%012d", i)
		cards = append(cards, p)
	}
	var doc, again bytes.Buffer
	must(t, Sheet(&doc, f, "人民路店", day, cards))
	must(t, Sheet(&again, f, "人民路店", day, cards))
	if !bytes.Equal(doc.Bytes(), again.Bytes()) {
		t.Error("the same cards of the same day must be the same bytes")
	}
	keep(t, "sheet.pdf", doc.Bytes())
	pages := pagesOf(t, doc.Bytes())
	if len(pages) != 2 {
		t.Fatalf("%d pages", len(pages))
	}
	if w, h := math.Round(pages[0].w), math.Round(pages[0].h); w != 297 || h != 210 {
		t.Errorf("a page is %v by %v mm", w, h)
	}
	sheets := []*image.Paletted{pages[0].raster(), pages[1].raster()}
	for i, p := range cards {
		img := sheets[i/8]
		cell := image.Rect(0, 0, img.Rect.Dx()/4, img.Rect.Dy()/2)
		cell = cell.Add(image.Pt(i%4*cell.Dx(), i%8/4*cell.Dy()))
		card := image.NewGray(image.Rect(0, 0, cell.Dx(), cell.Dy()))
		draw.Draw(card, card.Rect, img, cell.Min, draw.Src)
		check(t, card, p.Content, fmt.Sprintf("card %d", i))
	}
	if err := Sheet(io.Discard, f, "", day, nil); err == nil {
		t.Error("a sheet of nothing must be refused")
	}
}

// No text leaves its box, and no text is lost before it is as small as it may be.
func TestTextsStayInTheirBoxes(t *testing.T) {
	f := chinese(t)
	b := box{10, 10, 80, 12}
	for _, text := range []string{"店", "收银员 王小丽", strings.Repeat("小步生活超市", 10), strings.Repeat("龘", 300), strings.Repeat("W", 200),
		"Supercalifragilistic expialidocious 超市", strings.Repeat("！", 40), strings.Repeat("（", 60)} {
		for _, s := range []style{{most: 9, least: 3, lines: 1}, {most: 9, least: 3, lines: 2, bold: true}, {most: 40, least: 20, lines: 1, left: true}, {most: 5, least: 2, lines: 4, right: true}} {
			var d drawing
			must(t, d.text(f, b, s, text))
			for _, s := range d.shapes {
				low, high := s.bounds()
				if low.x < b.x-0.6 || high.x > b.x+b.w+0.6 || low.y < b.y-0.5 || high.y > b.y+b.h+0.5 {
					t.Errorf("%.10s…: from %v to %v", text, low, high)
				}
			}
			if len(d.shapes) == 0 {
				t.Errorf("%.10s… in %+v: nothing is drawn", text, s)
			}
		}
	}
	lines, em := fit(f, box{w: 89, h: 11}, style{most: 6, least: 2.6, lines: 2}, strings.Repeat("小步", 30))
	if strings.Join(lines, "") != strings.Repeat("小步", 30) || em < 2.6 {
		t.Errorf("60 characters must fit: %q at %v", lines, em)
	}
}

func TestWherePiecesBreak(t *testing.T) {
	for text, want := range map[string]string{
		"扫码进群":         "扫|码|进|群",
		"每天10点秒杀":      "每|天|10|点|秒|杀",
		"店（北京）!":       "店|（北|京）!",
		"Fresh Market": "Fresh |Market",
		"鸡蛋9.9元,先到":    "鸡|蛋|9.9|元,|先|到",
	} {
		if got := strings.Join(pieces(text), "|"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// A name is printed right or not at all; emoji are not part of it.
func TestMissingCharactersAreNamed(t *testing.T) {
	f := latin(t)
	p := Poster{Headline: "Scan", Store: "Café 王家", Who: "王", Code: "1", Content: "https://x.cn/q/1", Day: day}
	err := p.PNG(io.Discard, f, A6)
	var missing *MissingGlyphs
	if !errors.As(err, &missing) || !slices.Equal(missing.Runes, []rune("王家")) || missing.Text != p.Store {
		t.Fatalf("got %v", err)
	}
	for _, word := range []string{"王 (U+738B)", "家", "print.font", "fonts-noto-cjk"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %s", err, word)
		}
	}
	for text, want := range map[string]string{
		"Anna😀":             "Anna",
		"👨‍👩‍👧 A  \t B️ \n": "A B",
		"\u200bx\u202ey":    "xy",
		"😀":                 "",
	} {
		if got, missing := f.plain(text); got != want || len(missing) > 0 {
			t.Errorf("%q: %q %q, want %q", text, got, missing, want)
		}
	}
	all, missingRunes := chinese(t).plain("王龘㼆𠮷Aé—·【】（）★阿不都热依木·买买提")
	if len(missingRunes) > 0 || all != "王龘㼆𠮷Aé—·【】（）★阿不都热依木·买买提" {
		t.Errorf("%q lacks %q", all, missingRunes)
	}
}

func TestFontsThatCannotBeUsed(t *testing.T) {
	if _, err := OpenFonts("", []string{t.TempDir(), "/nowhere"}); !errors.Is(err, ErrNoFont) {
		t.Errorf("got %v", err)
	}
	file := filepath.Join(t.TempDir(), "broken.ttf")
	must(t, os.WriteFile(file, []byte("no font"), 0o600))
	for _, name := range []string{file, "/nowhere/x.ttf"} {
		if _, err := OpenFonts(name, nil); err == nil || !strings.Contains(err.Error(), "print.font") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The mainland's forms of characters are printed, in the weight that was asked for.
func TestWhichFontOfACollectionIsTaken(t *testing.T) {
	best := func(bold bool, names ...string) string {
		return slices.MaxFunc(names, func(a, b string) int { return fitness(strings.Fields(a), bold) - fitness(strings.Fields(b), bold) })
	}
	noto := []string{"Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans Mono CJK JP", "Noto Sans Mono CJK SC"}
	pingfang := []string{"PingFang HK Regular", "PingFang SC Thin", "PingFang SC Regular", "PingFang SC Medium", "PingFang SC Semibold", "PingFang TC Semibold"}
	for _, c := range []struct {
		got, want string
	}{
		{best(false, noto...), "Noto Sans CJK SC"},
		{best(false, pingfang...), "PingFang SC Regular"},
		{best(true, pingfang...), "PingFang SC Semibold"},
		{best(false, "Microsoft YaHei", "Microsoft YaHei UI"), "Microsoft YaHei"},
		{best(true, "WenQuanYi Micro Hei", "WenQuanYi Micro Hei Mono"), "WenQuanYi Micro Hei"},
	} {
		if c.got != c.want {
			t.Errorf("took %s, want %s", c.got, c.want)
		}
	}
}

// A picture of WeCom's is read and drawn anew; what is no picture of a code says so.
func TestDecode(t *testing.T) {
	m, err := encode("https://work.weixin.qq.com/gm/0123456789abcdef")
	must(t, err)
	got, err := Decode(m.picture(8))
	if err != nil || got != "https://work.weixin.qq.com/gm/0123456789abcdef" {
		t.Errorf("%q %v", got, err)
	}
	var blank, huge bytes.Buffer
	must(t, png.Encode(&blank, image.NewGray(image.Rect(0, 0, 300, 300))))
	must(t, png.Encode(&huge, image.NewPaletted(image.Rect(0, 0, maxPictureSide+1, 1), palette())))
	if _, err := Decode(blank.Bytes()); !errors.Is(err, ErrNoCode) {
		t.Errorf("blank: %v", err)
	}
	for name, data := range map[string][]byte{"huge": huge.Bytes(), "no picture": []byte("<html>"), "cut": m.picture(8)[:200], "empty": nil} {
		if _, err := Decode(data); err == nil || errors.Is(err, ErrNoCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	m, err := encode("https://x.cn/q/1")
	must(f, err)
	f.Add(m.picture(2))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = Decode(data) }) // must not panic
}

func BenchmarkPoster(b *testing.B) {
	f := chinese(b)
	p := posters()[0]
	for _, size := range []Size{A6, A4} {
		b.Run("pdf/"+string(size), func(b *testing.B) {
			for b.Loop() {
				must(b, p.PDF(io.Discard, f, size))
			}
		})
		b.Run("png/"+string(size), func(b *testing.B) {
			for b.Loop() {
				must(b, p.PNG(io.Discard, f, size))
			}
		})
	}
}

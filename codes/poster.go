package codes

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Poster is what is printed around one code.
type Poster struct {
	Headline string
	Store    string // name
	Who      string // such as 收银员 王小丽; may be empty
	Place    string // such as 2号收银台; may be empty
	Code     string // the short code that a person can read out
	Content  string // what the QR code holds
	Warning  string // printed small; empty: nothing to warn of
	Day      time.Time

	storeID string // not printed; empty: none
}

// Size is a format of paper.
type Size string

// Sizes of a poster; a card is as large as a postcard.
const (
	A4 Size = "A4"
	A6 Size = "A6"
)

// Measures of A6, in which a poster is laid out, and of the others beside it, in millimetres.
const (
	cardWidth, cardHeight = 105, 148.5
	scaleA4               = 2.0
	scaleA7               = 74.25 / 105
	cardsAcross           = 4 // of A7 on a landscape A4
	cardsDown             = 2
	cardsPerPage          = cardsAcross * cardsDown
)

// MissingGlyphs says that a text has letters that no font of the machine has. A poster with a
// wrong name is worse than none.
type MissingGlyphs struct {
	Text  string
	Runes []rune
}

func (e *MissingGlyphs) Error() string {
	var list []string
	for _, r := range e.Runes {
		list = append(list, fmt.Sprintf("%c (U+%04X)", r, r))
	}
	return fmt.Sprintf("no font of this machine has the characters %s of %q: install fonts-noto-cjk or name a font that has them in the setting print.font",
		strings.Join(list, ", "), e.Text)
}

// set returns the poster with texts as they can be printed.
func (p Poster) set(f *Fonts) (Poster, error) {
	for _, text := range []*string{&p.Headline, &p.Store, &p.Who, &p.Place, &p.Code, &p.Warning} {
		plain, missing := f.plain(*text)
		if len(missing) > 0 {
			return p, &MissingGlyphs{*text, missing}
		}
		*text = plain
	}
	if p.Content == "" {
		return p, errors.New("a poster without a QR code is of no use")
	}
	return p, nil
}

// title is what the document calls itself.
func (p Poster) title() string {
	return strings.Join(strings.Fields(strings.Join([]string{p.Store, p.Who, p.Place, p.Code}, " ")), " ")
}

// layout draws a poster on a page that is scale times as wide as A6.
func (p Poster) layout(f *Fonts, scale float64) (drawing, error) {
	m, err := encode(p.Content)
	if err != nil {
		return drawing{}, err
	}
	d := drawing{w: cardWidth * scale, h: cardHeight * scale}
	d.rect(green, 8*scale, 8*scale, 89*scale, 1.6*scale)
	for _, t := range []struct {
		text string
		box  box
		s    style
	}{
		{p.Headline, box{8, 11, 89, 20}, style{ink: green, bold: true, most: 10.5, least: 4, lines: 2}},
		{p.Store, box{8, 31, 89, 11.5}, style{ink: black, bold: true, most: 6.2, least: 2.6, lines: 2}},
		{"打开微信扫一扫", box{8, 111, 89, 5}, style{ink: grey, most: 3.8, least: 3, lines: 1}},
		{p.Who, box{8, 116.5, 89, 8}, style{ink: black, bold: true, most: 5.6, least: 2.4, lines: 2}},
		{p.Place, box{8, 125, 89, 6}, style{ink: grey, most: 4, least: 2, lines: 2}},
		{p.Warning, box{8, 131.3, 89, 3}, style{ink: grey, most: 2.4, least: 1.6, lines: 1}},
		{"编号 " + p.Code, box{8, 135.5, 52, 4}, style{ink: grey, most: 3, least: 1.6, lines: 1, left: true}},
		{p.Day.Format("2006-01-02") + " 印制", box{62, 135.5, 35, 4}, style{ink: grey, most: 2.6, least: 1.6, lines: 1, right: true}},
	} {
		b, s := t.box, t.s
		b.x, b.y, b.w, b.h = b.x*scale, b.y*scale, b.w*scale, b.h*scale
		s.most, s.least = s.most*scale, s.least*scale
		if err := d.text(f, b, s, t.text); err != nil {
			return d, err
		}
	}
	const side = 69
	d.code(m, (cardWidth-side)/2*scale, 42*scale, side*scale)
	return d, nil
}

// draw is a poster on a sheet of its own.
func (p Poster) draw(f *Fonts, size Size) (drawing, error) {
	p, err := p.set(f)
	if err != nil {
		return drawing{}, err
	}
	scale := 1.0
	if size == A4 {
		scale = scaleA4
	}
	d, err := p.layout(f, scale)
	d.w, d.h = cardWidth*scale, 148*scale
	if size == A4 {
		d.h = 297
	}
	return d, err
}

// PDF writes a poster as a PDF.
func (p Poster) PDF(w io.Writer, f *Fonts, size Size) error {
	d, err := p.draw(f, size)
	if err != nil {
		return err
	}
	return pdf(w, []drawing{d}, p.title(), p.Headline, p.Day)
}

// PNG writes a poster as a picture of 300 dots an inch.
func (p Poster) PNG(w io.Writer, f *Fonts, size Size) error {
	d, err := p.draw(f, size)
	if err != nil {
		return err
	}
	return d.png(w)
}

// Sheet writes cards as a PDF of landscape A4 pages with eight cards each and marks to cut
// along.
func Sheet(w io.Writer, f *Fonts, title string, day time.Time, cards []Poster) error {
	if len(cards) == 0 {
		return errors.New("there is no card to print")
	}
	var pages []drawing
	for i, p := range cards {
		p, err := p.set(f)
		if err != nil {
			return err
		}
		card, err := p.layout(f, scaleA7)
		if err != nil {
			return err
		}
		if i%cardsPerPage == 0 {
			pages = append(pages, drawing{w: 297, h: 210})
			pages[len(pages)-1].cutMarks()
		}
		n := i % cardsPerPage
		pages[len(pages)-1].place(card, float64(n%cardsAcross)*74.25, float64(n/cardsAcross)*105, 1)
	}
	return pdf(w, pages, title, "", day)
}

// cutMarks draws crosses where four cards meet, and ticks at the edges.
func (d *drawing) cutMarks() {
	const thick, long = 0.15, 6.0
	for column := range cardsAcross + 1 {
		for row := range cardsDown + 1 {
			x, y := float64(column)*d.w/cardsAcross, float64(row)*d.h/cardsDown
			if column > 0 && column < cardsAcross {
				d.rect(grey, x-thick/2, max(0, y-long), thick, min(d.h, y+long)-max(0, y-long))
			}
			if row > 0 && row < cardsDown {
				d.rect(grey, max(0, x-long), y-thick/2, min(d.w, x+long)-max(0, x-long), thick)
			}
		}
	}
}

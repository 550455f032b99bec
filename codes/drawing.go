package codes

import (
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// ink is a colour of print. There are few, so that a picture needs one byte a pixel.
type ink int

const (
	black ink = iota
	grey
	green
	inks
)

// rgb is how an ink looks, from 0 to 255.
var rgb = [inks][3]uint8{black: {0, 0, 0}, grey: {95, 95, 95}, green: {7, 140, 70}}

// point is a place on a page in millimetres from its upper left corner.
type point struct{ x, y float64 }

// segment is a piece of an outline: it goes to the last of its n points; with three, the
// first two are the control points of a cubic curve. A move (n is 0) begins a contour at p[0].
type segment struct {
	n int
	p [3]point
}

// shape is an area filled with one ink: what its contours wind around.
type shape struct {
	ink  ink
	path []segment
}

// drawing is a page, from which PDF and PNG are both made. Text is in it as outlines, so
// that every printer has every character.
type drawing struct {
	w, h   float64 // millimetres
	shapes []shape
}

// rect adds a rectangle.
func (s *shape) rect(x, y, w, h float64) {
	s.path = append(s.path, segment{0, [3]point{{x, y}}}, segment{1, [3]point{{x + w, y}}},
		segment{1, [3]point{{x + w, y + h}}}, segment{1, [3]point{{x, y + h}}})
}

func (d *drawing) rect(i ink, x, y, w, h float64) {
	s := shape{ink: i}
	s.rect(x, y, w, h)
	d.shapes = append(d.shapes, s)
}

// glyph adds a character whose baseline begins at x, y; em is the size of the font in
// millimetres. It returns where the next one begins.
func (d *drawing) glyph(g glyph, i ink, x, y, em float64) (float64, error) {
	f, scale := g.face.font, em/float64(g.face.em)
	var b sfnt.Buffer
	outline, err := f.LoadGlyph(&b, g.index, fixed.I(g.face.em), nil)
	if err != nil {
		return x, err
	}
	at := func(p fixed.Point26_6) point {
		return point{x + float64(p.X)/64*scale, y + float64(p.Y)/64*scale}
	}
	s := shape{ink: i}
	var now point
	for _, o := range outline {
		seg := segment{n: 1}
		switch o.Op {
		case sfnt.SegmentOpMoveTo:
			seg = segment{n: 0, p: [3]point{at(o.Args[0])}}
		case sfnt.SegmentOpLineTo:
			seg.p[0] = at(o.Args[0])
		case sfnt.SegmentOpQuadTo:
			seg = cubic(now, at(o.Args[0]), at(o.Args[1]))
		case sfnt.SegmentOpCubeTo:
			seg = segment{n: 3, p: [3]point{at(o.Args[0]), at(o.Args[1]), at(o.Args[2])}}
		}
		now = seg.p[max(seg.n-1, 0)]
		s.path = append(s.path, seg)
	}
	if len(s.path) > 0 {
		d.shapes = append(d.shapes, s)
	}
	return x + g.width*em, nil
}

// cubic writes a quadratic curve as a cubic one, which is all that PDF knows.
func cubic(from, control, to point) segment {
	third := func(p point) point {
		return point{p.x + (control.x-p.x)*2/3, p.y + (control.y-p.y)*2/3}
	}
	return segment{n: 3, p: [3]point{third(from), third(to), to}}
}

// place adds another drawing, smaller or larger, with its corner at x, y.
func (d *drawing) place(other drawing, x, y, scale float64) {
	for _, s := range other.shapes {
		moved := shape{ink: s.ink, path: make([]segment, len(s.path))}
		for i, seg := range s.path {
			for j, p := range seg.p {
				seg.p[j] = point{x + p.x*scale, y + p.y*scale}
			}
			moved.path[i] = seg
		}
		d.shapes = append(d.shapes, moved)
	}
}

// bounds are the corners of a shape.
func (s shape) bounds() (low, high point) {
	low, high = s.path[0].p[0], s.path[0].p[0]
	for _, seg := range s.path {
		for _, p := range seg.p[:max(seg.n, 1)] {
			low = point{min(low.x, p.x), min(low.y, p.y)}
			high = point{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	return low, high
}

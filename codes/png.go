package codes

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/vector"
)

// levels are the steps between paper and ink; each ink has so many entries of the palette.
const levels = 64

// palette holds every ink from paper to solid.
func palette() color.Palette {
	p := make(color.Palette, 0, int(inks)*levels)
	for _, c := range rgb {
		for l := range levels {
			mix := func(v uint8) uint8 { return uint8(255 - (255-int(v))*l/(levels-1)) }
			p = append(p, color.RGBA{mix(c[0]), mix(c[1]), mix(c[2]), 255})
		}
	}
	return p
}

// solid is the palette's entry of an ink.
func solid(i ink) uint8 { return uint8(int(i)*levels + levels - 1) }

// raster draws a page at 300 dots an inch.
func (d drawing) raster() *image.Paletted {
	img := image.NewPaletted(image.Rect(0, 0, int(math.Round(d.w/dot)), int(math.Round(d.h/dot))), palette())
	var r vector.Rasterizer
	for _, s := range d.shapes {
		s.fill(&r, img)
	}
	return img
}

// fill draws one shape; of two on one another the stronger shows.
func (s shape) fill(r *vector.Rasterizer, img *image.Paletted) {
	low, high := s.bounds()
	area := image.Rect(int(math.Floor(low.x/dot)), int(math.Floor(low.y/dot)), int(math.Ceil(high.x/dot))+1, int(math.Ceil(high.y/dot))+1)
	r.Reset(area.Dx(), area.Dy())
	at := func(p point) (x, y float32) {
		return float32(p.x/dot - float64(area.Min.X)), float32(p.y/dot - float64(area.Min.Y))
	}
	for i, seg := range s.path {
		x, y := at(seg.p[0])
		switch seg.n {
		case 0:
			if i > 0 {
				r.ClosePath()
			}
			r.MoveTo(x, y)
		case 1:
			r.LineTo(x, y)
		default:
			x2, y2 := at(seg.p[1])
			x3, y3 := at(seg.p[2])
			r.CubeTo(x, y, x2, y2, x3, y3)
		}
	}
	r.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, area.Dx(), area.Dy()))
	r.DrawOp = draw.Src
	r.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	for y := range area.Dy() {
		row := mask.Pix[y*mask.Stride:]
		for x := range area.Dx() {
			p := image.Pt(area.Min.X+x, area.Min.Y+y)
			level := int(row[x]) * (levels - 1) / 255
			if level == 0 || !p.In(img.Rect) {
				continue
			}
			if o := img.PixOffset(p.X, p.Y); level >= int(img.Pix[o])%levels {
				img.Pix[o] = uint8(int(s.ink)*levels + level)
			}
		}
	}
}

// png writes a page as a PNG that knows how large it is on paper.
func (d drawing) png(w io.Writer) error {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, d.raster()); err != nil {
		return err
	}
	const head = 8 + 4 + 4 + 13 + 4 // signature and IHDR, behind which the size belongs
	for _, part := range [][]byte{b.Bytes()[:head], physical(), b.Bytes()[head:]} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// physical is the chunk pHYs: how many dots a metre there are.
func physical() []byte {
	const metre = 1000 / dot
	chunk := binary.BigEndian.AppendUint32(nil, 9)
	chunk = append(chunk, "pHYs"...)
	perMetre := uint32(math.Round(metre))
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

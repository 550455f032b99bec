package codes

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // a picture of a code may be one
	"image/png"
	"math"

	"github.com/boombuler/barcode/qr"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// Measures of a code, in its modules and in dots of print.
const (
	quiet = 4           // empty modules around it
	dot   = 25.4 / dots // millimetres
	dots  = 300         // an inch, of PNGs
)

// matrix are the modules of a QR code, true is dark.
type matrix [][]bool

// encode makes a QR code of error level Q, of which a quarter may be dirty or torn.
func encode(content string) (matrix, error) {
	code, err := qr.Encode(content, qr.Q, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("make a QR code of %d bytes: %w", len(content), err)
	}
	side := code.Bounds().Dx()
	m := make(matrix, side)
	for y := range m {
		m[y] = make([]bool, side)
		for x := range m[y] {
			r, _, _, _ := code.At(x, y).RGBA()
			m[y][x] = r == 0
		}
	}
	return m, nil
}

// code draws a QR code with its quiet zone into a square. Modules begin and end on whole dots
// of print, so that none is blurred.
func (d *drawing) code(m matrix, x, y, side float64) {
	all := float64(len(m) + 2*quiet)
	module := max(1, math.Floor(side/all/dot)) * dot
	snap := func(v float64) float64 { return math.Round((v+(side-all*module)/2)/dot) * dot }
	x, y = snap(x)+quiet*module, snap(y)+quiet*module
	s := shape{ink: black}
	for row, line := range m {
		for from := 0; from < len(line); from++ {
			to := from
			for to < len(line) && line[to] {
				to++
			}
			if to > from {
				s.rect(x+float64(from)*module, y+float64(row)*module, float64(to-from)*module, module)
				from = to
			}
		}
	}
	d.shapes = append(d.shapes, s)
}

// picture is a QR code as a PNG for a screen, with so many pixels a module.
func (m matrix) picture(pixels int) []byte {
	side := (len(m) + 2*quiet) * pixels
	img := image.NewPaletted(image.Rect(0, 0, side, side), palette())
	for y := range side {
		for x := range side {
			row, column := y/pixels-quiet, x/pixels-quiet
			if row >= 0 && row < len(m) && column >= 0 && column < len(m) && m[row][column] {
				img.SetColorIndex(x, y, solid(black))
			}
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // a buffer takes everything
	return b.Bytes()
}

// Limits of a picture that is read.
const (
	maxPictureSide  = 8192        // pixels
	maxPictureDots  = 2048 * 2048 // of all of it; the worst takes 0.3 s
	MaxPictureBytes = 2 << 20     // of its file
)

// ErrNoCode says that a picture shows no QR code that can be read.
var ErrNoCode = errors.New("no QR code can be read in it")

// Decode reads what the QR code on a PNG or JPEG holds.
func Decode(picture []byte) (content string, err error) {
	conf, kind, err := image.DecodeConfig(bytes.NewReader(picture))
	switch {
	case err != nil:
		return "", fmt.Errorf("is no PNG or JPEG: %w", err)
	case conf.Width > maxPictureSide || conf.Height > maxPictureSide || conf.Width*conf.Height > maxPictureDots:
		return "", fmt.Errorf("has %d by %d pixels, at most %d each and %d in all", conf.Width, conf.Height, maxPictureSide, maxPictureDots)
	}
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("is a broken %s: %w", kind, err)
	}
	return read(img)
}

// read finds a QR code in a picture. The reader is handed what strangers made: where it
// stumbles, there is no code.
func read(img image.Image) (content string, err error) {
	defer func() {
		if recover() != nil {
			content, err = "", ErrNoCode
		}
	}()
	source := gozxing.NewLuminanceSourceFromImage(img)
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer)
		if err != nil {
			continue
		}
		if result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil && result.GetText() != "" {
			return result.GetText(), nil
		}
	}
	return "", ErrNoCode
}

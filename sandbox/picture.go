package sandbox

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
)

// Picture draws a PNG that looks like a QR code and is another one for each id; it cannot be
// scanned.
func Picture(id string) []byte {
	const modules, scale, margin = 21, 8, 2
	sum := sha256.Sum256([]byte(id))
	dots := rand.New(rand.NewChaCha8(sum))
	side := (modules + 2*margin) * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range modules {
		for x := range modules {
			dark := dots.IntN(2) == 1
			if eye, on := finder(x, y, modules); eye {
				dark = on
			}
			if dark {
				fill(img, (x+margin)*scale, (y+margin)*scale, scale)
			}
		}
	}
	var out bytes.Buffer
	_ = png.Encode(&out, img) // a Buffer takes everything
	return out.Bytes()
}

// finder says whether a module belongs to one of the three squares in the corners, and
// whether it is dark there.
func finder(x, y, modules int) (eye, dark bool) {
	const size = 7
	if x >= modules-size-1 && y <= size {
		x = modules - 1 - x
	}
	if y >= modules-size-1 && x <= size {
		y = modules - 1 - y
	}
	if x > size || y > size {
		return false, false
	}
	ring := max(abs(x-size/2), abs(y-size/2))
	return true, ring <= 1 || ring == 3
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

func fill(img *image.Paletted, left, top, size int) {
	for y := top; y < top+size; y++ {
		for x := left; x < left+size; x++ {
			img.SetColorIndex(x, y, 1)
		}
	}
}

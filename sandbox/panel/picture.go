package panel

import (
	"image"
	"image/color"
	"image/png"
	"net/http"

	"github.com/boombuler/barcode/qr"
)

// What a picture of a code looks like, in pixels.
const (
	moduleSide = 8
	quietZone  = 4 * moduleSide
	codeChars  = 100 // of an id that fit into a picture
)

// getPicture draws the QR code of an id. The code of a join way or contact way leads to the
// page where somebody scans it; a telephone reaches that page if it reaches PublicURL. The
// same picture stands in for faces and logos.
func (p *panel) getPicture(w http.ResponseWriter, r *http.Request) {
	id := clip(r.PathValue("id"), codeChars)
	code, err := qr.Encode(p.box.Config().PublicURL+pagePath+"scan/"+escapePath(id), qr.M, qr.Unicode)
	if err != nil {
		answerError(w, err)
		return
	}
	modules := code.Bounds().Dx()
	side := modules*moduleSide + 2*quietZone
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := quietZone; y < side-quietZone; y++ {
		for x := quietZone; x < side-quietZone; x++ {
			if dark, _, _, _ := code.At((x-quietZone)/moduleSide, (y-quietZone)/moduleSide).RGBA(); dark == 0 {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	w.Header().Set("Content-Type", "image/png")
	_ = png.Encode(w, img) // the other side is gone
}

package codes

import (
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// pdf writes pages of one size as a PDF. Title and subject can be searched for; the text itself
// is outlines. The same pages of the same day are the same bytes.
func pdf(w io.Writer, pages []drawing, title, subject string, day time.Time) error {
	size := fpdf.SizeType{Wd: pages[0].w, Ht: pages[0].h}
	doc := fpdf.NewCustom(&fpdf.InitType{OrientationStr: "P", UnitStr: "mm", Size: size})
	doc.SetCatalogSort(true)
	doc.SetCreationDate(day)
	doc.SetModificationDate(day)
	doc.SetProducer("Xiaobu", true)
	doc.SetTitle(title, true)
	doc.SetSubject(subject, true)
	doc.SetLang("zh-CN")
	doc.SetAutoPageBreak(false, 0)
	for _, page := range pages {
		doc.AddPageFormat("P", size)
		for _, s := range page.shapes {
			c := rgb[s.ink]
			doc.SetFillColor(int(c[0]), int(c[1]), int(c[2]))
			s.trace(doc)
		}
	}
	return doc.Output(w)
}

func (s shape) trace(doc *fpdf.Fpdf) {
	for i, seg := range s.path {
		switch p := seg.p; seg.n {
		case 0:
			if i > 0 {
				doc.ClosePath()
			}
			doc.MoveTo(p[0].x, p[0].y)
		case 1:
			doc.LineTo(p[0].x, p[0].y)
		default:
			doc.CurveBezierCubicTo(p[0].x, p[0].y, p[1].x, p[1].y, p[2].x, p[2].y)
		}
	}
	doc.ClosePath()
	doc.DrawPath("F")
}

package spam

import "strings"

// CheckWith judges a text together with what its message carries besides: what the QR codes
// in its pictures say, the address, the title and the description of a card. Each is read
// as a line of its own behind the text, by the same rules. Spans lie in the text; what was
// found in something carried has none.
func (d *Detector) CheckWith(text string, carried ...string) Verdict {
	v := d.Check(strings.Join(append([]string{text}, carried...), "\n"))
	for i := range v.Reasons {
		r := &v.Reasons[i]
		kept := r.Spans[:0]
		for _, s := range r.Spans {
			if s.End <= len(text) {
				kept = append(kept, s)
			}
		}
		r.Spans = kept
	}
	return v
}

package spam

import "slices"

// minTraced is how many letters, digits and Han characters a text must have for its
// fingerprint to say anything: everybody writes 好的 and 收到.
const minTraced = 10

// maxTokens is how many tokens of one text are kept.
const maxTokens = 8

// Trace is what copies of a text have in common, however they are dressed up.
type Trace struct {
	Text   uint64   // of the comparison form of what is read; 0: too short to say anything
	Tokens []uint64 // of links and accounts in it, in their order, each once, at most maxTokens
	Hosts  []uint64 // of the hosts of its links alike, but not of those that everybody links to
}

// Trace fingerprints a text: copies that differ only in what the comparison form leaves out
// (case, width, look-alikes, separators, emoji, invisible characters) have the same. The
// fingerprints are the same on every machine.
func (d *Detector) Trace(text string) Trace {
	rd := d.pool.Get().(*reading)
	rd.readText(d.fold, text)
	rd.cutClauses()
	rd.findWords(d.vocab)
	rd.findTokens()
	out := Trace{Tokens: rd.tokenPrints(), Hosts: rd.hostPrints()}
	if len(rd.units) >= minTraced {
		out.Text = rd.print(0, len(rd.units))
	}
	rd.reset()
	d.pool.Put(rd)
	return out
}

// tokenPrints are the fingerprints of what names an account or a place in the net.
func (rd *reading) tokenPrints() []uint64 {
	const links = sigLink | sigOddLink
	var out []uint64
	for _, h := range rd.hits {
		if h.sigs&(sigToken|sigPhone|sigHandle|links) == 0 || len(out) == maxTokens {
			continue
		}
		to := h.to
		if h.sigs&links != 0 {
			to = rd.pathEnd(to)
		}
		if p := rd.print(h.from, to); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// hostPrints are the fingerprints of the hosts of links.
func (rd *reading) hostPrints() []uint64 {
	var out []uint64
	for _, h := range rd.hits {
		if h.sigs&(sigLink|sigOddLink) == 0 || len(out) == maxTokens {
			continue
		}
		if p := rd.print(h.from, h.to); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// pathEnd is the end of a link whose host ends at unit i. What follows a question mark is
// left out: it is what differs from copy to copy.
func (rd *reading) pathEnd(i int) int {
	for i < len(rd.units) && rd.units[i].gap <= gapDot && (isAlnum(rd.units[i].r) || rd.units[i].r == '_' || rd.units[i].r == '@') {
		i++
	}
	return i
}

// print is the FNV-1a hash of units, character by character.
func (rd *reading) print(from, to int) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := from; i < to; i++ {
		h = (h ^ uint64(rd.units[i].r)) * prime
	}
	if h ^= h >> 32; h == 0 { // the lower bits are the better ones
		return 1
	}
	return h
}

package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

const (
	alphabetHex    = "0123456789abcdef"
	alphabetDigits = "0123456789"
	alphabetID     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

// dice is the only source of chance. Each purpose draws from a stream of its own, so that
// one more call of one kind does not change what the others draw.
type dice struct {
	seed    uint64
	streams map[string]*rand.Rand
}

func newDice(seed uint64) dice {
	return dice{seed: seed, streams: map[string]*rand.Rand{}}
}

// fresh starts a stream that always begins with the same draws for the same name.
func (d *dice) fresh(name string) *rand.Rand {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, d.seed), name...))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// stream returns the running stream of a purpose.
func (d *dice) stream(purpose string) *rand.Rand {
	r, ok := d.streams[purpose]
	if !ok {
		r = d.fresh("stream " + purpose)
		d.streams[purpose] = r
	}
	return r
}

// draw returns n characters of an alphabet from the stream of a purpose.
func (d *dice) draw(purpose, alphabet string, n int) string {
	return drawFrom(d.stream(purpose), alphabet, n)
}

func drawFrom(r *rand.Rand, alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(out)
}

// chance reports true with the given probability.
func chance(r *rand.Rand, probability float64) bool { return r.Float64() < probability }

package archive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Random histories: messages of some groups under changing keys, a feed that falters in every way it
// can, and starts in between. Every message is accepted or kept as refused, those that are
// accepted come in their group's order, and the position never passes what is neither.
func TestRandomHistoriesLoseNothing(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 7))
			r := newRig(t)
			r.src.limit = 1 + chance.IntN(9)
			said := map[string]uint64{} // by text
			tries := map[string]uint64{}
			r.box.answer = func(p Post, _ int) (int, string) { // the same whatever comes first
				tries[p.Text]++
				number, _ := strconv.ParseUint(p.Text, 10, 64)
				fate := rand.New(rand.NewPCG(seed, number<<16|tries[p.Text]))
				if fate.IntN(10) < 4 {
					return []int{-1, 500, 502, 503, 403, 422, 400, 200}[fate.IntN(8)], ""
				}
				return 0, ""
			}
			r.start()
			var before uint64
			for range 60 {
				switch chance.IntN(10) {
				case 0, 1, 2, 3:
					text := fmt.Sprintf("%04d", len(said))
					r.src.version = 1 + chance.Uint32N(2)
					r.src.text([]string{room1, room2, "wr3"}[chance.IntN(3)], anna, text)
					said[text] = r.src.seq
				case 4:
					r.start()
				default:
					_, _ = r.a.Step(context.Background()) // what fails is tried again
				}
				before = r.audit(said, before)
			}
			r.box.answer = nil
			r.start()
			r.once()
			if before = r.audit(said, before); before != r.src.seq {
				t.Errorf("position %d, want %d", before, r.src.seq)
			}
		})
	}
}

// audit compares what was said with what the feed and the disk have, and returns the position.
func (r *rig) audit(said map[string]uint64, before uint64) uint64 {
	r.t.Helper()
	answered := map[string]bool{}
	last := map[string]string{}
	for _, p := range r.box.got {
		if !answered[p.Text] { // a repeat is none of the order
			if p.Text < last[p.ChatID] && !slices.ContainsFunc(r.refusals(), func(no refusal) bool { return no.Post.Text == p.Text }) {
				r.t.Errorf("%s came after %s", p.Text, last[p.ChatID])
			}
			last[p.ChatID] = p.Text
		}
		answered[p.Text] = true
	}
	for _, row := range r.refusals() {
		answered[row.Post.Text] = true
	}
	position := r.saved().Seq
	if position < before {
		r.t.Errorf("the position went back from %d to %d", before, position)
	}
	for text, seq := range said {
		if seq <= position && !answered[text] {
			r.t.Errorf("%s (%d) is lost behind position %d", text, seq, position)
		}
	}
	if leftovers, _ := filepath.Glob(filepath.Join(r.dir, "*.new")); len(leftovers) > 0 {
		r.t.Errorf("left over: %v", leftovers)
	}
	if log := r.log.String(); strings.Contains(log, testSecret) {
		r.t.Error("a secret shows in the log")
	}
	if info, err := os.Stat(filepath.Join(r.dir, positionFile)); err == nil && info.Mode().Perm() != 0o600 {
		r.t.Errorf("mode %v", info.Mode())
	}
	return position
}

package wecom

import "time"

// windowSteps is how finely a window slides; one more step is kept, so that a call is
// forgotten only when it is older than the whole span.
const windowSteps = 60

// window counts calls within a sliding span. It knows no clock and no lock.
type window struct {
	quota
	step   time.Duration
	counts [windowSteps + 1]int
	sum    int
	head   int64 // the step that counts[head%len] belongs to
}

func newWindow(q quota) *window { return &window{quota: q, step: q.span / windowSteps} }

// advance forgets what has become too old. A clock that was set back stays in the newest
// step, unless it was set back by so much that nothing counted so far can be right.
func (w *window) advance(now time.Time) {
	at, size := now.UnixNano()/int64(w.step), int64(len(w.counts))
	if at >= w.head+size || at <= w.head-size {
		w.counts, w.sum, w.head = [windowSteps + 1]int{}, 0, at
		return
	}
	for w.head < at {
		w.head++
		w.sum -= w.counts[w.head%size]
		w.counts[w.head%size] = 0
	}
}

// used returns how many calls count at a time.
func (w *window) used(now time.Time) int {
	w.advance(now)
	return w.sum
}

// add counts one call.
func (w *window) add(now time.Time) {
	w.advance(now)
	w.counts[w.head%int64(len(w.counts))]++
	w.sum++
}

// wait returns when there is room again in a window that is used up.
func (w *window) wait(now time.Time) time.Duration {
	size := int64(len(w.counts))
	for step := w.head - size + 1; step <= w.head; step++ {
		if step >= 0 && w.counts[step%size] > 0 {
			return time.Unix(0, (step+size)*int64(w.step)).Sub(now)
		}
	}
	return 0
}

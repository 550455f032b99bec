package archive

import (
	"maps"
	"sync"
	"time"
)

// What became of messages. What begins with skipped is not passed on.
const (
	Posted  = "posted"
	Refused = "refused" // by the feed, or could not be opened; kept in a file
	Noticed = "noticed" // consents and revocations

	skippedSingle    = "skipped_single"     // between two people, not in a group
	skippedStaff     = "skipped_staff"      // of staff, whom the feed never judges
	skippedRobot     = "skipped_robot"      // of the company's robots
	skippedDisagreed = "skipped_disagreed"  // of customers who did not agree to the archive
	skippedNoConsent = "skipped_no_consent" // of customers who are not known to have agreed
	skippedRevoked   = "skipped_revoked"    // taken back before they were passed on
	skippedSilent    = "skipped_silent"     // calls, rooms, changes of company, types that are not known
)

// Count is how many messages of a type had a fate.
type Count struct {
	Fate string
	Type string // of the archive; empty where it is not known
}

// Status is how the archive is doing.
type Status struct {
	Seq     uint64    // up to which everything has been answered for
	Until   time.Time // before which nothing is left over; zero before the first look
	Waiting int       // messages that were pulled and not answered for
	Problem string    // what is wrong now; empty: nothing
	Since   time.Time // since when
	Counts  map[Count]int64
}

// board is the status, for whoever asks while work goes on.
type board struct {
	mu sync.Mutex
	s  Status
}

func (b *board) count(fate, kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.s.Counts == nil {
		b.s.Counts = map[Count]int64{}
	}
	b.s.Counts[Count{fate, kind}]++
}

func (b *board) position(p Position, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.s.Seq, b.s.Until, b.s.Waiting = p.Seq, p.Until, waiting
}

// problem notes what is wrong, and keeps since when anything was.
func (b *board) problem(err error, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.s.Problem, b.s.Since = "", time.Time{}
	case b.s.Problem == "":
		b.s.Since = now
		fallthrough
	default:
		b.s.Problem = err.Error()
	}
}

func (b *board) status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.s
	s.Counts = maps.Clone(b.s.Counts)
	return s
}

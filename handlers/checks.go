package handlers

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"xiaobu/store"
)

// Signals that are looked for.
const (
	SignalBurst  = "burst"  // many joins at one till within a short time
	SignalShare  = "share"  // one inviter has nearly all joins of a group or store
	SignalKnown  = "known"  // the person was known already, in another group or under another user id
	SignalRing   = "ring"   // the same people join and leave again and again
	SignalTills  = "tills"  // one person came through the codes of several staff
	SignalLeaves = "leaves" // the inviter's people leave right after their hold
	SignalStaff  = "staff"  // the customer may be a colleague
)

// DefaultChecks are what the program comes with. The three that any busy day shows (burst,
// share, known) never reach the threshold by themselves, nor does any other alone.
func DefaultChecks() store.CheckSettings {
	const hour = int64(time.Hour / time.Millisecond)
	return store.CheckSettings{Enabled: true, Threshold: 1,
		Burst:  store.Check{Weight: 0.4, WindowMS: hour / 60, Count: 20},
		Share:  store.Check{Weight: 0.2, WindowMS: 7 * 24 * hour, Count: 20, Share: 0.8},
		Known:  store.Check{Weight: 0.3},
		Ring:   store.Check{Weight: 0.7, WindowMS: 14 * 24 * hour, WithinMS: 72 * hour, Count: 3},
		Tills:  store.Check{Weight: 0.6, WindowMS: 7 * 24 * hour, Count: 3},
		Leaves: store.Check{Weight: 0.6, WindowMS: 30 * 24 * hour, WithinMS: 48 * hour, Count: 5, Share: 0.3},
		Staff:  store.Check{Weight: 0.7},
	}
}

// NamedCheck is a check with the name of its signal, and which of its fields matter.
type NamedCheck struct {
	Signal                          string
	Check                           *store.Check
	Windowed, Left, Counted, Shared bool
}

// NamedChecks lists the checks of settings; writing to them changes the settings.
func NamedChecks(c *store.CheckSettings) []NamedCheck {
	return []NamedCheck{
		{Signal: SignalBurst, Check: &c.Burst, Windowed: true, Counted: true},
		{Signal: SignalShare, Check: &c.Share, Windowed: true, Counted: true, Shared: true},
		{Signal: SignalKnown, Check: &c.Known},
		{Signal: SignalRing, Check: &c.Ring, Windowed: true, Left: true, Counted: true},
		{Signal: SignalTills, Check: &c.Tills, Windowed: true, Counted: true},
		{Signal: SignalLeaves, Check: &c.Leaves, Windowed: true, Left: true, Counted: true, Shared: true},
		{Signal: SignalStaff, Check: &c.Staff},
	}
}

// Bounds of the checks.
const (
	maxThreshold = 10
	maxWindow    = 92 * 24 * time.Hour
	maxCount     = 1000
)

// Checks returns what is looked for now: the newest version, or what the program comes with.
func (r *Rewards) Checks(ctx context.Context) (store.Checks, error) {
	return checksOf(r.Store.Read(ctx))
}

func checksOf(rd store.Reader) (store.Checks, error) {
	c, err := rd.LastChecks()
	if errors.Is(err, store.ErrNotFound) {
		return store.Checks{Data: DefaultChecks()}, nil
	}
	return c, err
}

// PutChecks changes what is looked for. Entries that are flagged already stay flagged.
func (r *Rewards) PutChecks(ctx context.Context, c store.Checks) (store.Checks, error) {
	if err := checkChecks(&c.Data); err != nil {
		return c, err
	}
	if err := checkWho(c.By, c.Note); err != nil {
		return c, err
	}
	err := r.Store.Tx(ctx, func(tx *store.Tx) error { return tx.AddChecks(&c) })
	return c, err
}

func checkWho(by, note string) error {
	if n := utf8.RuneCountInString(strings.TrimSpace(by)); n == 0 || n > maxName {
		return Invalidf("by", "has %d characters; want who decides, 1 to %d", n, maxName)
	}
	return CheckMost("note", note, maxNote)
}

func checkChecks(c *store.CheckSettings) error {
	if !(c.Threshold > 0 && c.Threshold <= maxThreshold) {
		return Invalidf("threshold", "is %g; want more than 0, at most %d", c.Threshold, maxThreshold)
	}
	for _, n := range NamedChecks(c) {
		field := "signals." + n.Signal + "."
		ch := n.Check
		switch {
		case !(ch.Weight >= 0 && ch.Weight <= maxThreshold):
			return Invalidf(field+"weight", "is %g; want 0 to %d", ch.Weight, maxThreshold)
		case n.Windowed && (ch.Window() < time.Second || ch.Window() > maxWindow):
			return Invalidf(field+"window", "is %s; want 1s to %s", ch.Window(), maxWindow)
		case n.Left && (ch.Within() < time.Second || ch.Within() > maxWindow):
			return Invalidf(field+"within", "is %s; want 1s to %s", ch.Within(), maxWindow)
		case n.Counted && (ch.Count < 2 || ch.Count > maxCount):
			return Invalidf(field+"count", "is %d; want 2 to %d", ch.Count, maxCount)
		case n.Shared && !(ch.Share > 0 && ch.Share <= 1):
			return Invalidf(field+"share", "is %g; want more than 0, at most 1", ch.Share)
		}
	}
	return nil
}

// weigh sums signals as people add decimals: 0.7 and 0.3 are 1.
func weigh(signals []store.Signal) float64 {
	sum := 0.0
	for _, s := range signals {
		sum += math.Round(s.Weight * 1000)
	}
	return sum / 1000
}

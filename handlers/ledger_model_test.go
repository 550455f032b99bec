package handlers

import (
	"cmp"
	"slices"
	"time"

	"xiaobu/store"
)

// What follows judges every stay from the whole history at once, straight from the rules of the
// game. It shares no code with the house: what is in force, who is one person, what an entry is
// worth and what becomes of it are said here a second time, as plainly as possible.

// fact is one stay as the books know it.
type fact struct {
	id                int64
	chat, user, union string
	staff             bool // whether the person is one of the company
	inviter           string
	joined, left      time.Time
	ordinal           int
}

// law is a version of the rule.
type law struct {
	version        int64
	from           time.Time
	tiers          []store.Tier
	hold, clawback time.Duration
	once           string
	overrides      []store.Override
	budget         *store.Budget
}

// place is where a group belongs.
type place struct {
	shop  string
	label string
}

// verdict is what must have become of one stay.
type verdict struct {
	reason   string // as explain gives it, but for leaves and budgets
	staff    string
	fen      int64
	version  int64
	terms    string
	due      time.Time
	clawback time.Duration
	status   string // of the entry of a stay that is rewarded
	period   string
}

// early reports whether the stay earned and lost it again.
func (v verdict) early() bool {
	return v.reason == ReasonRewarded && (v.status == store.EntryVoid || v.status == store.EntryClawedBack)
}

// cash is an entry whose money went out.
type cash struct {
	verdict
	once      string // the scope of its rule
	payout    int64
	recovered int64 // the payout that got it back; 0: none
}

// referee is the model: it knows the rules, where the groups belong, and what was paid.
type referee struct {
	laws []law
	at   map[string]place // of a group, now
	was  map[string]place // of a group, when the joins were booked
	paid map[int64]cash   // by stay: what it was worth when it was paid
	zone *time.Location
}

// inForce is the newest version that had begun at a moment.
func (j *referee) inForce(at time.Time) (rule law, ok bool) {
	for _, r := range j.laws {
		if !r.from.After(at) && r.version > rule.version {
			rule, ok = r, true
		}
	}
	return rule, ok
}

// verdicts judges all stays as things stand at now.
func (j *referee) verdicts(facts []fact, now time.Time) map[int64]verdict {
	out, of := map[int64]verdict{}, persons(facts)
	for _, s := range facts {
		out[s.id] = j.verdict(s, of, facts, now)
	}
	return out
}

func (j *referee) verdict(s fact, person map[int64]int64, facts []fact, now time.Time) verdict {
	if c, ok := j.paid[s.id]; ok {
		c.status = store.EntryPaid
		if !j.keeps(s) {
			c.status = store.EntryClawedBack
		}
		return c.verdict
	}
	rule, ok := j.inForce(s.joined)
	once := rule.once
	if !ok {
		once = OncePerCorp
	}
	fresh := true
	for _, o := range facts {
		if o.id == s.id || person[o.id] != person[s.id] {
			continue
		}
		// What was paid for a later join stands in the place of this one, which it would have had to
		// give way to.
		if before(o, s) && j.sameScope(once, s.chat, o.chat) || before(s, o) && j.keeps(o) && j.sameScope(j.paid[o.id].once, s.chat, o.chat) {
			fresh = false
		}
	}
	switch {
	case s.inviter == "":
		return verdict{reason: ReasonNoInviter}
	case s.staff:
		return verdict{reason: ReasonNotCustomer}
	case !fresh:
		return verdict{reason: ReasonNotNew}
	case !ok:
		return verdict{reason: ReasonBeforeEffective}
	}
	return j.reward(s, rule, now)
}

// reward is what a rule makes of a stay that earns.
func (j *referee) reward(s fact, rule law, now time.Time) verdict {
	v := verdict{reason: ReasonRewarded, staff: s.inviter, version: rule.version, clawback: rule.clawback, period: s.joined.In(j.zone).Format("2006-01")}
	tiers, hold := rule.tiers, rule.hold
	for _, o := range rule.overrides {
		here := j.was[s.chat]
		if here.shop != "" && slices.Contains(o.Stores, here.shop) || slices.Contains(o.Labels, here.label) {
			v.terms, tiers = o.Name, o.Tiers
			if o.HoldMS != nil {
				hold = time.Duration(*o.HoldMS) * time.Millisecond
			}
			if o.ClawbackMS != nil {
				v.clawback = time.Duration(*o.ClawbackMS) * time.Millisecond
			}
			break
		}
	}
	for _, t := range tiers {
		if v.fen = t.Fen; t.UpTo == 0 || s.ordinal <= t.UpTo {
			break
		}
	}
	v.due = s.joined.Add(hold)
	v.status = state(s.left, v.due, v.clawback, now)
	return v
}

// keeps reports whether a stay has been paid for and nobody takes it back: then the person has
// earned somebody a reward, whatever becomes known later.
func (j *referee) keeps(s fact) bool {
	c, paid := j.paid[s.id]
	return paid && (s.left.IsZero() || !s.left.Before(c.due.Add(c.clawback)))
}

// state is what becomes of an entry nobody has paid.
func state(left, due time.Time, clawback time.Duration, now time.Time) string {
	switch {
	case !left.IsZero() && left.Before(due):
		return store.EntryVoid
	case !left.IsZero() && left.Before(due.Add(clawback)):
		return store.EntryClawedBack
	case now.Before(due):
		return store.EntryHeld
	}
	return store.EntryPayable
}

// before is the order in which stays of one person count.
func before(a, b fact) bool {
	return cmp.Or(a.joined.Compare(b.joined), cmp.Compare(a.chat, b.chat), cmp.Compare(a.user, b.user)) < 0
}

// sameScope reports whether having been in the one group makes nobody new in the other.
func (j *referee) sameScope(once, chat, other string) bool {
	switch {
	case chat == other || once == OncePerCorp:
		return true
	case once == OncePerStore:
		return j.at[chat].shop != "" && j.at[chat].shop == j.at[other].shop
	}
	return false
}

// persons gives every stay the number of its person: stays with one union id are one person's,
// and so are stays with one user id.
func persons(facts []fact) map[int64]int64 {
	of := map[int64]int64{}
	for _, s := range facts {
		of[s.id] = s.id
	}
	for again := true; again; {
		again = false
		for _, a := range facts {
			for _, b := range facts {
				same := a.user == b.user || a.union != "" && a.union == b.union
				if same && of[a.id] < of[b.id] {
					of[b.id], again = of[a.id], true
				}
			}
		}
	}
	return of
}

// debt is an entry whose money is to come back.
type debt struct {
	stay, entry int64
	staff       string
	fen         int64
}

// recoverable are the debts that the gross pay of a payout covers: of each member of staff the
// oldest, whole ones only.
func recoverable(debts []debt, gross map[string]int64) []int64 {
	var out []int64
	slices.SortFunc(debts, func(a, b debt) int { return cmp.Compare(a.entry, b.entry) })
	blocked := map[string]bool{}
	for _, d := range debts {
		if blocked[d.staff] || gross[d.staff] < d.fen {
			blocked[d.staff] = true
			continue
		}
		gross[d.staff] -= d.fen
		out = append(out, d.stay)
	}
	return out
}

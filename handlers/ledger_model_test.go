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

// terms is a version of the rule.
type terms struct {
	version        int64
	from           time.Time
	tiers          []store.Tier
	hold, clawback time.Duration
	once           string
}

// verdict is what must have become of one stay.
type verdict struct {
	reason string // as explain gives it, but for leaves
	staff  string
	fen    int64
	rule   terms
	due    time.Time
	status string // of the entry of a stay that is rewarded
	period string
	paid   bool // its money left the house, also if it was taken back afterwards
}

// early reports whether the stay earned and lost it again.
func (v verdict) early() bool {
	return v.reason == ReasonRewarded && (v.status == store.EntryVoid || v.status == store.EntryClawedBack)
}

// referee is the model: it knows the rules and which stays have been paid, and nothing else.
type referee struct {
	rules []terms
	shop  map[string]string // of a group
	paid  map[int64]verdict // by stay: what it was worth when it was paid
	zone  *time.Location
}

// inForce is the newest version that had begun at a moment.
func (j *referee) inForce(at time.Time) (rule terms, ok bool) {
	for _, r := range j.rules {
		if !r.from.After(at) && r.version > rule.version {
			rule, ok = r, true
		}
	}
	return rule, ok
}

// verdicts judges all stays as things stand at now.
func (j *referee) verdicts(facts []fact, now time.Time) map[int64]verdict {
	out := map[int64]verdict{}
	for _, s := range facts {
		out[s.id] = j.verdict(s, persons(facts), facts, now)
	}
	return out
}

func (j *referee) verdict(s fact, person map[int64]int64, facts []fact, now time.Time) verdict {
	if v, ok := j.paid[s.id]; ok {
		v.status, v.paid = store.EntryPaid, true
		if !j.keeps(s) {
			v.status = store.EntryClawedBack
		}
		return v
	}
	rule, ok := j.inForce(s.joined)
	once := rule.once
	if !ok {
		once = OncePerCorp
	}
	new := true
	for _, o := range facts {
		rewarded := j.keeps(o)
		if o.id != s.id && person[o.id] == person[s.id] && j.sameScope(once, s.chat, o.chat) && (before(o, s) || rewarded) {
			new = false
		}
	}
	switch {
	case s.inviter == "":
		return verdict{reason: ReasonNoInviter}
	case s.staff:
		return verdict{reason: ReasonNotCustomer}
	case !new:
		return verdict{reason: ReasonNotNew}
	case !ok:
		return verdict{reason: ReasonBeforeEffective}
	}
	v := verdict{reason: ReasonRewarded, staff: s.inviter, rule: rule, due: s.joined.Add(rule.hold), period: s.joined.In(j.zone).Format("2006-01")}
	v.fen = worth(rule.tiers, s.ordinal)
	v.status = state(s.left, v.due, rule.clawback, now)
	return v
}

// keeps reports whether a stay has been paid for and nobody takes it back: then the person has
// earned somebody a reward, whatever becomes known later.
func (j *referee) keeps(s fact) bool {
	v, paid := j.paid[s.id]
	return paid && (s.left.IsZero() || !s.left.Before(v.due.Add(v.rule.clawback)))
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

func worth(tiers []store.Tier, ordinal int) int64 {
	for _, t := range tiers {
		if t.UpTo == 0 || ordinal <= t.UpTo {
			return t.Fen
		}
	}
	return 0
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
		return j.shop[chat] != "" && j.shop[chat] == j.shop[other]
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

// sorted returns the facts in the order of their joins.
func sorted(facts []fact) []fact {
	out := slices.Clone(facts)
	slices.SortFunc(out, func(a, b fact) int { return cmp.Or(a.joined.Compare(b.joined), cmp.Compare(a.user, b.user)) })
	return out
}

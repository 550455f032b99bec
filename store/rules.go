package store

import (
	"errors"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"
)

// Tier is one step of a reward rule: joins up to an ordinal earn so many fen.
type Tier struct {
	UpTo int   `json:"up_to,omitempty"` // 0 in the last tier: everything beyond
	Fen  int64 `json:"fen"`
}

// Override is what a rule says differently of the groups of some stores or with some labels.
type Override struct {
	Name       string   `json:"name"` // unique within its rule
	Stores     []string `json:"stores,omitempty"`
	Labels     []string `json:"labels,omitempty"`
	Tiers      []Tier   `json:"tiers"`
	HoldMS     *int64   `json:"hold_ms,omitempty"`     // nil: as the rule says
	ClawbackMS *int64   `json:"clawback_ms,omitempty"` // nil: as the rule says
}

// covers reports whether the override holds for a group of a shop with labels.
func (o Override) covers(shop string, labels []string) bool {
	return shop != "" && slices.Contains(o.Stores, shop) ||
		slices.ContainsFunc(labels, func(l string) bool { return slices.Contains(o.Labels, l) })
}

// Scopes of a budget.
const (
	BudgetCorp  = "corp"
	BudgetStore = "store"
	BudgetStaff = "staff"
)

// Budget caps what the joins of one month may earn within a scope.
type Budget struct {
	Fen int64  `json:"fen"`
	Per string `json:"per"` // corp, store or staff
}

// Allows reports whether so many fen may be spent on top of what is spent already.
func (b Budget) Allows(spent, fen int64) bool { return spent+fen <= b.Fen }

// Rule is one version of the reward rule. The rule in force at a moment is the newest
// version whose EffectiveFrom is not after it.
type Rule struct {
	Version       int64      `gorm:"primaryKey;autoIncrement:false"`
	EffectiveFrom time.Time  `gorm:"serializer:ms"`
	Tiers         []Tier     `gorm:"serializer:json"`
	HoldMS        int64      `gorm:"column:hold_ms"`
	ClawbackMS    int64      `gorm:"column:clawback_ms"`
	OncePer       string     // corp, store or group
	Overrides     []Override `gorm:"serializer:json"` // the first that covers a group holds
	Budget        *Budget    `gorm:"serializer:json"` // nil: no cap
	Note          string     // why it was put, in the words of whoever did
	By            string     `gorm:"column:put_by"` // who put it; empty: not said
	CreatedAt     time.Time  `gorm:"serializer:ms"`
}

// TableName is the table of rule versions.
func (Rule) TableName() string { return "rule" }

// Hold is how long a reward waits.
func (r Rule) Hold() time.Duration { return time.Duration(r.HoldMS) * time.Millisecond }

// Clawback is how long after the hold a leave still takes the reward back.
func (r Rule) Clawback() time.Duration { return time.Duration(r.ClawbackMS) * time.Millisecond }

// Terms is what a rule says of the joins of one group.
type Terms struct {
	Name           string // the override's; empty: the rule itself
	Tiers          []Tier
	Hold, Clawback time.Duration
}

// Fen is what a join with an ordinal earns.
func (t Terms) Fen(ordinal int) int64 {
	return t.Tiers[t.Step(ordinal)].Fen
}

// Step is which of the tiers a join with an ordinal falls into.
func (t Terms) Step(ordinal int) int {
	i := slices.IndexFunc(t.Tiers, func(step Tier) bool { return step.UpTo == 0 || ordinal <= step.UpTo })
	if i < 0 {
		return len(t.Tiers) - 1 // no rule that was let in is without a last step
	}
	return i
}

// Terms returns what the rule says of the joins of a group: of which shop it is (empty: of
// none) and how it is labelled.
func (r Rule) Terms(shop string, labels []string) Terms {
	for _, o := range r.Overrides {
		if o.covers(shop, labels) {
			return r.with(o)
		}
	}
	return r.with(Override{Tiers: r.Tiers})
}

// TermsNamed returns the terms under which an entry was booked. A group may have changed its
// store since; the entry's terms stay.
func (r Rule) TermsNamed(name string) Terms {
	for _, o := range r.Overrides {
		if name != "" && o.Name == name {
			return r.with(o)
		}
	}
	return r.with(Override{Tiers: r.Tiers})
}

func (r Rule) with(o Override) Terms {
	t := Terms{Name: o.Name, Tiers: o.Tiers, Hold: r.Hold(), Clawback: r.Clawback()}
	if o.HoldMS != nil {
		t.Hold = time.Duration(*o.HoldMS) * time.Millisecond
	}
	if o.ClawbackMS != nil {
		t.Clawback = time.Duration(*o.ClawbackMS) * time.Millisecond
	}
	return t
}

// AddRule writes a new version and sets its number. Of two that are put at once, one fails
// with ErrStale.
func (tx *Tx) AddRule(r *Rule) error {
	last, err := tx.LastRule()
	if err != nil && err != ErrNotFound {
		return err
	}
	r.Version, r.CreatedAt, r.Overrides = last.Version+1, tx.Now, notNil(r.Overrides)
	return staleIfTaken(tx.db.Create(r).Error)
}

// staleIfTaken says that somebody else took the next number.
func staleIfTaken(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return ErrStale
	}
	return err
}

// LastRule returns the newest version.
func (r Reader) LastRule() (Rule, error) {
	return first[Rule](r.db.Order("version DESC"))
}

// RuleAt returns the version in force at a moment, or ErrNotFound if none was yet.
func (r Reader) RuleAt(t time.Time) (Rule, error) {
	return first[Rule](r.db.Where("effective_from <= ?", ms(t)).Order("version DESC"))
}

// RuleVersion returns one version.
func (r Reader) RuleVersion(v int64) (Rule, error) {
	return first[Rule](r.db.Where("version = ?", v))
}

// RuleSpan is a version of the rule and the span of time in which it holds: from its
// EffectiveFrom until a later version's. One that is not after it holds never.
type RuleSpan struct {
	Rule
	Until time.Time // excluded; zero: no end is known
}

// RuleSpans lists versions, newest first, from behind one (0: from the newest).
func (r Reader) RuleSpans(before int64, limit int) ([]RuleSpan, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rules, err := all[Rule](limited(r.db.Where("version < ?", before).Order("version DESC"), limit))
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	until, _, err := r.min(`SELECT MIN(effective_from) FROM rule WHERE version > ?`, rules[0].Version)
	if err != nil {
		return nil, err
	}
	spans := make([]RuleSpan, len(rules))
	for i, rule := range rules {
		spans[i] = RuleSpan{rule, until}
		if until.IsZero() || rule.EffectiveFrom.Before(until) {
			until = rule.EffectiveFrom
		}
	}
	return spans, nil
}

// LastClosedPeriod returns the last month of a payout that is neither reversed nor discarded,
// empty if there is none. A payout of nothing closes no month.
func (r Reader) LastClosedPeriod() (period string, err error) {
	err = r.db.Raw(`SELECT COALESCE(MAX(period), '') FROM payout WHERE joins > 0 AND status IN ('collected', 'approved', 'paid')`).Scan(&period).Error
	return period, err
}

package store

import (
	"time"
)

// Tier is one step of a reward rule: joins up to an ordinal earn so many fen.
type Tier struct {
	UpTo int   `json:"up_to,omitempty"` // 0 in the last tier: everything beyond
	Fen  int64 `json:"fen"`
}

// Rule is one version of the reward rule. The rule in force at a moment is the newest
// version whose EffectiveFrom is not after it.
type Rule struct {
	Version       int64     `gorm:"primaryKey;autoIncrement:false"`
	EffectiveFrom time.Time `gorm:"serializer:ms"`
	Tiers         []Tier    `gorm:"serializer:json"`
	HoldMS        int64     `gorm:"column:hold_ms"`
	ClawbackMS    int64     `gorm:"column:clawback_ms"`
	OncePer       string    // corp, store or group
	CreatedAt     time.Time `gorm:"serializer:ms"`
}

// TableName is the table of rule versions.
func (Rule) TableName() string { return "rule" }

// Hold is how long a reward waits.
func (r Rule) Hold() time.Duration { return time.Duration(r.HoldMS) * time.Millisecond }

// Clawback is how long after the hold a leave still takes the reward back.
func (r Rule) Clawback() time.Duration { return time.Duration(r.ClawbackMS) * time.Millisecond }

// Fen is what a join with an ordinal earns.
func (r Rule) Fen(ordinal int) int64 {
	for _, t := range r.Tiers {
		if t.UpTo == 0 || ordinal <= t.UpTo {
			return t.Fen
		}
	}
	return 0
}

// AddRule writes a new version and sets its number.
func (tx *Tx) AddRule(r *Rule) error {
	last, err := tx.LastRule()
	if err != nil && err != ErrNotFound {
		return err
	}
	r.Version, r.CreatedAt = last.Version+1, tx.Now
	return tx.db.Create(r).Error
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

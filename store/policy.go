package store

import (
	"math"
	"time"
)

// Ladder says what a person's first, second … strike leads to: rungs note, warn, remove and
// block. The last rung stays.
type Ladder struct {
	Suspect []string `json:"suspect,omitempty"`
	Spam    []string `json:"spam,omitempty"`
}

// PolicySettings are settings of moderation as somebody wrote them. What is empty is not set:
// a group then goes by the company's, the company by what the program comes with.
type PolicySettings struct {
	Mode            string             `json:"mode,omitempty"`
	Review          *float64           `json:"review,omitempty"`
	Removal         *float64           `json:"removal,omitempty"`
	Checks          map[string]float64 `json:"checks,omitempty"` // weights by name, those that are set
	Ladder          Ladder             `json:"ladder,omitzero"`
	StrikesExpireMS int64              `json:"strikes_expire_ms,omitempty"`
	TicketsWithinMS int64              `json:"tickets_within_ms,omitempty"`
}

// PolicyVersion is a version of the settings of the company or of one group.
type PolicyVersion struct {
	Version   int64          `gorm:"primaryKey;autoIncrement:false"` // counted over all of them
	ChatID    string         // empty: the company's
	Data      PolicySettings `gorm:"serializer:json"`
	Dropped   bool           // the group goes by the company's settings again
	Note      string
	By        string    `gorm:"column:put_by"`
	CreatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of versions of the settings.
func (PolicyVersion) TableName() string { return "policy" }

// PolicyMark tells whether any settings changed: the newest version, and when it was written. A
// number alone would not do, for one that was never committed is given again.
type PolicyMark struct{ Version, CreatedAt int64 }

// PolicyMark returns the mark of the newest version; zero where there is none.
func (r Reader) PolicyMark() (m PolicyMark, err error) {
	err = r.db.Raw(`SELECT version, created_at FROM policy ORDER BY version DESC LIMIT 1`).Scan(&m).Error
	return m, err
}

const newestPolicies = `version IN (SELECT MAX(version) FROM policy GROUP BY chat_id)`

// Policies lists the newest settings of the company, if it has any, and of all groups that have
// their own, by group.
func (r Reader) Policies() ([]PolicyVersion, error) {
	return all[PolicyVersion](r.db.Where(newestPolicies+" AND dropped = ?", false).Order("chat_id"))
}

// GroupPolicies lists the newest settings of groups that have their own, from behind a group.
func (r Reader) GroupPolicies(after string, limit int) ([]PolicyVersion, error) {
	return all[PolicyVersion](limited(r.db.Where(newestPolicies+" AND dropped = ? AND chat_id > ?", false, after).Order("chat_id"), limit))
}

// Policy returns the newest version of the settings of a group, or of the company (empty), or
// ErrNotFound if there never was one. It may be one that was dropped.
func (r Reader) Policy(chat string) (PolicyVersion, error) {
	return first[PolicyVersion](r.db.Where("chat_id = ?", chat).Order("version DESC"))
}

// PolicyVersions lists versions of the settings of a group, or of the company (empty), newest
// first, from behind one (0: from the newest).
func (r Reader) PolicyVersions(chat string, before int64, limit int) ([]PolicyVersion, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return all[PolicyVersion](limited(r.db.Where("chat_id = ? AND version < ?", chat, before).Order("version DESC"), limit))
}

// AddPolicy writes a new version and sets its number. Of two that are put at once, one fails
// with ErrStale.
func (tx *Tx) AddPolicy(v *PolicyVersion) error {
	var last int64
	if err := tx.db.Raw(`SELECT COALESCE(MAX(version), 0) FROM policy`).Scan(&last).Error; err != nil {
		return err
	}
	v.Version, v.CreatedAt = last+1, tx.Now
	return staleIfTaken(tx.db.Create(v).Error)
}

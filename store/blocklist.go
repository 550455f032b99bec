package store

import (
	"time"

	"gorm.io/gorm/clause"
)

// Blocked is someone who must not be in any group.
type Blocked struct {
	Person    string `gorm:"primaryKey"` // a user id or a union id
	Reason    string
	By        string    `gorm:"column:by_user"` // who put the person there; empty: nobody said
	CaseID    *int64    // the case whose removal did it; nil: somebody asked for it
	CreatedAt time.Time `gorm:"serializer:ms"`
	ExpiresAt time.Time `gorm:"serializer:ms"` // zero: never
}

// TableName is the blocklist.
func (Blocked) TableName() string { return "blocked" }

// Block puts a person on the blocklist. Of one who is there already a case changes nothing;
// what somebody asks for takes the place of what was said before.
func (tx *Tx) Block(b Blocked) error {
	b.CreatedAt = tx.Now
	known := clause.OnConflict{DoNothing: true}
	if b.CaseID == nil {
		known = clause.OnConflict{Columns: []clause.Column{{Name: "person"}}, DoUpdates: clause.AssignmentColumns([]string{"reason", "by_user", "case_id", "expires_at"})}
	}
	return tx.db.Clauses(known).Create(&b).Error
}

// Unblock takes a person off the blocklist.
func (tx *Tx) Unblock(person string) error {
	res := tx.db.Exec(`DELETE FROM blocked WHERE person = ?`, person)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return res.Error
}

// BlockedByCase lists whom a case put on the blocklist.
func (r Reader) BlockedByCase(id int64) ([]Blocked, error) {
	return all[Blocked](r.db.Where("case_id = ?", id).Order("person"))
}

// BlockedUntil lists those whose time on the blocklist is over.
func (r Reader) BlockedUntil(now time.Time, limit int) ([]Blocked, error) {
	return all[Blocked](r.db.Where("expires_at <= ?", ms(now)).Order("expires_at, person").Limit(limit))
}

// NextBlocked returns when the time of somebody on the list is over.
func (r Reader) NextBlocked() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(expires_at) FROM blocked")
}

// IsBlocked reports whether a person is on the blocklist under one of the names.
func (r Reader) IsBlocked(names ...string) (Blocked, bool, error) {
	known := make([]string, 0, len(names))
	for _, n := range names {
		if n != "" {
			known = append(known, n)
		}
	}
	b, err := first[Blocked](r.db.Where("person IN ?", known).Order("person"))
	if err == ErrNotFound {
		return b, false, nil
	}
	return b, err == nil, err
}

// Blocklist lists blocked people by name, from behind the cursor.
func (r Reader) Blocklist(cursor string, limit int) ([]Blocked, error) {
	return all[Blocked](limited(r.db.Where("person > ?", cursor).Order("person"), limit))
}

package store

import (
	"time"

	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// Absence says when a member of staff is away and who stands in.
type Absence struct {
	UserID    string    `gorm:"primaryKey"`
	FromDay   string    // 2026-11-23, a local day
	ToDay     string    // the last day, included
	StandIn   string    // a member of staff; empty: nobody
	UpdatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of absences.
func (Absence) TableName() string { return "absence" }

// Covers reports whether a local day (2026-11-23) is within the absence.
func (a Absence) Covers(day string) bool { return a.FromDay <= day && day <= a.ToDay }

// PutAbsence writes when somebody is away, in place of what was known.
func (tx *Tx) PutAbsence(a Absence) error {
	a.UpdatedAt = tx.Now
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "user_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"from_day", "to_day", "stand_in", "updated_at"}),
	}).Create(&a).Error
}

// EndAbsence forgets that somebody is or will be away.
func (tx *Tx) EndAbsence(id bot.UserID) error {
	return tx.db.Exec(`DELETE FROM absence WHERE user_id = ?`, string(id)).Error
}

// Absence returns the absence of a member of staff, whether it has come, or is over, or not.
func (r Reader) Absence(id bot.UserID) (Absence, error) {
	return first[Absence](r.db.Where("user_id = ?", string(id)))
}

// Absences lists absences by user id, from behind the cursor; with a local day only those
// that cover it.
func (r Reader) Absences(day, cursor string, limit int) ([]Absence, error) {
	q := r.db.Where("user_id > ?", cursor).Order("user_id")
	if day != "" {
		q = q.Where("from_day <= ? AND to_day >= ?", day, day)
	}
	return all[Absence](limited(q, limit))
}

package store

import (
	"errors"
	"time"

	"gorm.io/gorm/clause"
)

// Kinds of days in a calendar.
const (
	DayHoliday  = "holiday"  // a public holiday
	DayWorkday  = "workday"  // a weekend day that is worked, or any other day that counts as one
	DayBlackout = "blackout" // nothing is posted
)

// CalendarDay is a day about which the company has said something itself.
type CalendarDay struct {
	Date      string `gorm:"primaryKey"` // 2026-12-24
	Kind      string
	Name      string
	UpdatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of the company's own days.
func (CalendarDay) TableName() string { return "calendar_day" }

// PutCalendarDay writes a day, new or known.
func (tx *Tx) PutCalendarDay(d CalendarDay) error {
	d.UpdatedAt = tx.Now
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "date"}},
		DoUpdates: clause.AssignmentColumns([]string{"kind", "name", "updated_at"}),
	}).Create(&d).Error
}

// DropCalendarDay takes back what was said about a day; false: nothing was.
func (tx *Tx) DropCalendarDay(date string) (bool, error) {
	res := tx.db.Exec(`DELETE FROM calendar_day WHERE date = ?`, date)
	return res.RowsAffected == 1, res.Error
}

// CalendarDays lists the company's own days in order.
func (r Reader) CalendarDays() ([]CalendarDay, error) {
	return all[CalendarDay](r.db.Order("date"))
}

// QuietHours are the hours of every day in which the company posts nothing; the table holds
// at most one row of them.
type QuietHours struct {
	ID        int64
	Begins    string    // wall clock, 22:00
	Ends      string    // excluded, may be on the next day
	UpdatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of the quiet hours.
func (QuietHours) TableName() string { return "quiet_hours" }

const theQuietHours = 1

// PutQuiet sets the company's quiet hours; nil: there are none.
func (tx *Tx) PutQuiet(h *Hours) error {
	if h == nil {
		return tx.db.Exec(`DELETE FROM quiet_hours WHERE id = ?`, theQuietHours).Error
	}
	row := QuietHours{ID: theQuietHours, Begins: h.From, Ends: h.To, UpdatedAt: tx.Now}
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"begins", "ends", "updated_at"}),
	}).Create(&row).Error
}

// Quiet returns the company's quiet hours; nil: there are none.
func (r Reader) Quiet() (*Hours, error) {
	row, err := first[QuietHours](r.db.Where("id = ?", theQuietHours))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return &Hours{From: row.Begins, To: row.Ends}, err
}

package store

import (
	"time"
)

// Payout is a set of entries paid together.
type Payout struct {
	ID        int64
	Period    string // 2026-11
	TotalFen  int64
	CreatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of payouts.
func (Payout) TableName() string { return "payout" }

// AddPayout pays every payable entry earned in a span of time and returns the payout. One
// that would pay nothing is written too, with a total of 0, so that the asker sees it.
func (tx *Tx) AddPayout(period string, from, to time.Time) (Payout, error) {
	p := Payout{Period: period, CreatedAt: tx.Now}
	if err := tx.db.Create(&p).Error; err != nil {
		return p, err
	}
	entries, err := tx.Entries(EntryFilter{Status: EntryPayable, From: from, To: to})
	if err != nil {
		return p, err
	}
	for _, e := range entries {
		if err := tx.MoveEntry(e, EntryPaid, "payout", &p.ID); err != nil {
			return p, err
		}
		p.TotalFen += e.AmountFen
	}
	return p, one(tx.db.Exec(`UPDATE payout SET total_fen = ? WHERE id = ?`, p.TotalFen, p.ID))
}

// Payout returns one payout.
func (r Reader) Payout(id int64) (Payout, error) {
	return first[Payout](r.db.Where("id = ?", id))
}

// PayoutLine is what one member of staff gets in a payout.
type PayoutLine struct {
	Staff     string
	Joins     int64
	AmountFen int64
}

// PayoutLines sums a payout by staff.
func (r Reader) PayoutLines(id int64) ([]PayoutLine, error) {
	lines := []PayoutLine{}
	err := r.db.Raw(`SELECT staff, COUNT(*) AS joins, SUM(amount_fen) AS amount_fen FROM entry WHERE payout_id = ? GROUP BY staff ORDER BY staff`, id).Scan(&lines).Error
	return lines, err
}

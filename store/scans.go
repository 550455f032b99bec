package store

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// ChannelDay is how often the page of a channel's code was opened on a day. It is a statistic:
// what a crash loses of the last seconds is not counted.
type ChannelDay struct {
	ChannelID int64  `gorm:"primaryKey"`
	Day       string `gorm:"primaryKey"` // of the configured zone, 2026-11-22
	Scans     int64
	LastAt    time.Time `gorm:"serializer:ms"`
}

// TableName is the table of scans.
func (ChannelDay) TableName() string { return "channel_day" }

// AddScans adds what was counted of some channels and days.
func (tx *Tx) AddScans(days []ChannelDay) error {
	if len(days) == 0 {
		return nil
	}
	return tx.db.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "channel_id"}, {Name: "day"}},
		DoUpdates: clause.Assignments(map[string]any{
			"scans":   gorm.Expr("channel_day.scans + excluded.scans"),
			"last_at": gorm.Expr("CASE WHEN excluded.last_at > channel_day.last_at THEN excluded.last_at ELSE channel_day.last_at END"),
		}),
	}).CreateInBatches(days, 500).Error
}

// Scans lists the days of a channel on which its page was opened, from behind the day after.
func (r Reader) Scans(channel int64, after string, limit int) ([]ChannelDay, error) {
	return all[ChannelDay](limited(r.db.Where("channel_id = ? AND day > ?", channel, after).Order("day"), limit))
}

// ScanCount counts how often the page of a channel was opened on the days that are kept.
func (r Reader) ScanCount(channel int64) (int64, error) {
	var n int64
	err := r.db.Raw(`SELECT COALESCE(SUM(scans), 0) FROM channel_day WHERE channel_id = ?`, channel).Scan(&n).Error
	return n, err
}

// PruneScans forgets the days before one.
func (tx *Tx) PruneScans(before string) error {
	return tx.db.Exec(`DELETE FROM channel_day WHERE day < ?`, before).Error
}

// ChannelPicture is what the platform's own code of a channel holds.
type ChannelPicture struct {
	ChannelID int64  `gorm:"primaryKey"`
	Address   string // of the picture it was read from
	Content   string
	ReadAt    time.Time `gorm:"serializer:ms"`
}

// TableName is the table of what platforms' codes hold.
func (ChannelPicture) TableName() string { return "channel_picture" }

// ChannelPicture returns what was last read of a channel's code.
func (r Reader) ChannelPicture(channel int64) (ChannelPicture, error) {
	return first[ChannelPicture](r.db.Where("channel_id = ?", channel))
}

// ChannelContents returns which of some contents are those of channels' codes.
func (r Reader) ChannelContents(of []string) ([]string, error) {
	out := []string{}
	err := r.db.Model(&ChannelPicture{}).Where("content IN ?", of).Order("content").Pluck("content", &out).Error
	return out, err
}

// PutChannelPicture writes what was read of a channel's code.
func (tx *Tx) PutChannelPicture(p ChannelPicture) error {
	p.ReadAt = tx.Now
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "channel_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"address", "content", "read_at"}),
	}).Create(&p).Error
}

// CodesToPrint lists the channels of a region, or of a shop, or all, that have a code, shop by
// shop; personal codes of customers are not among them.
func (r Reader) CodesToPrint(region, shop string, limit int) ([]Channel, error) {
	q := r.db.Where("status = ? AND purpose <> ?", ChannelActive, PurposeReferral).Order("shop_id, id")
	return all[Channel](limited(inShops(q, region, shop), limit))
}

package store

import "time"

// Who did something where no person is named.
const (
	ByAPI      = "api"      // a caller who did not say
	BySchedule = "schedule" // nobody: it came to its end
)

// What can happen to a promotion.
const (
	ChangeCreated  = "created"
	ChangeCopied   = "copied" // made as a copy of another
	ChangeEdited   = "edited"
	ChangeApproved = "approved"
	ChangeRejected = "rejected"
	ChangePaused   = "paused"
	ChangeResumed  = "resumed"
	ChangeRun      = "run" // posted besides its schedule
	ChangeEnded    = "ended"
	// ChangeWithdrawn: what was not posted yet was taken back, also from its owners.
	ChangeWithdrawn = "withdrawn"
)

// PromotionChange is one thing that happened to a promotion. Rows are only ever added.
type PromotionChange struct {
	ID          int64
	PromotionID int64
	At          time.Time `gorm:"serializer:ms"`
	Who         string
	What        string
	Version     int64 // of the promotion afterwards
	Note        string
	// Spec is the promotion as it was written by this; nil where it was not written.
	Spec *PromotionSpec `gorm:"serializer:json"`
}

// TableName is the table of changes.
func (PromotionChange) TableName() string { return "promotion_change" }

// AddPromotionChange writes down what happened to a promotion.
func (tx *Tx) AddPromotionChange(c PromotionChange) error {
	c.At = tx.Now
	if c.Who == "" {
		c.Who = ByAPI
	}
	return tx.db.Create(&c).Error
}

// StoppedSince reports whether somebody paused, ended or withdrew a promotion after a moment,
// and nobody resumed it since. That its schedule came to its end is nobody's doing.
func (r Reader) StoppedSince(promotion int64, at time.Time) (bool, error) {
	var stopped bool
	err := r.db.Raw(`SELECT EXISTS (SELECT 1 FROM promotion_change AS c WHERE promotion_id = ? AND at > ? AND what IN (?, ?, ?) AND who <> ?
		AND NOT EXISTS (SELECT 1 FROM promotion_change AS r WHERE r.promotion_id = c.promotion_id AND r.id > c.id AND r.what = ?))`,
		promotion, ms(at), ChangePaused, ChangeEnded, ChangeWithdrawn, BySchedule, ChangeResumed).Scan(&stopped).Error
	return stopped, err
}

// LockPromotion keeps everybody else from changing a promotion until the transaction ends.
func (tx *Tx) LockPromotion(id int64) error { return tx.hold("promotion", id) }

// EditPromotion writes a new version of a promotion: p with its new name, spec, status, next
// occurrence and writer. It fails with ErrStale when the promotion is no longer as known.
func (tx *Tx) EditPromotion(known, p Promotion) (Promotion, error) {
	p.Version, p.ApprovedBy, p.UpdatedAt = known.Version+1, "", tx.Now
	if err := one(tx.samePromotion(known).Model(&Promotion{}).
		Select("Name", "Spec", "Status", "NextAt", "By", "Version", "ApprovedBy", "UpdatedAt").UpdateColumns(&p)); err != nil {
		return p, err
	}
	if err := tx.lookAgain(p.ID, p.NextAt); err != nil {
		return p, err
	}
	return p, tx.AddPromotionChange(PromotionChange{PromotionID: p.ID, Who: p.By, What: ChangeEdited, Version: p.Version, Spec: &p.Spec})
}

// ApprovePromotion writes down who agreed to a promotion's version, and what it is and when it
// is posted from now on. It fails with ErrStale when the promotion is no longer as known.
func (tx *Tx) ApprovePromotion(known Promotion, by, status string, next time.Time) error {
	err := one(tx.samePromotion(known).Updates(map[string]any{
		"approved_by": by, "status": status, "next_at": ms(next), "updated_at": tx.Now.UnixMilli(),
	}))
	if err != nil {
		return err
	}
	return tx.lookAgain(known.ID, next)
}

// PromotionChanges lists what happened to a promotion, oldest first, from behind an id.
func (r Reader) PromotionChanges(promotion, cursor int64, limit int) ([]PromotionChange, error) {
	return all[PromotionChange](limited(r.db.Where("promotion_id = ? AND id > ?", promotion, cursor).Order("id"), limit))
}

// PromotionVersion returns the change that wrote a version of a promotion.
func (r Reader) PromotionVersion(promotion, version int64) (PromotionChange, error) {
	return first[PromotionChange](r.db.Where("promotion_id = ? AND version = ? AND spec IS NOT NULL", promotion, version))
}

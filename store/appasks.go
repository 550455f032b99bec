package store

import (
	"time"

	"gorm.io/gorm/clause"
)

// States of a text that somebody asked about.
const (
	AskOpen     = "open"
	AskFiled    = "filed"    // it led to a case
	AskHarmless = "harmless" // it was said to be no advertising
	AskClosed   = "closed"
)

// AskChoice is somebody whom a text may be from.
type AskChoice struct {
	ChatID    string `json:"chat_id"`
	Member    string `json:"member"`
	MessageID string `json:"message_id"`
}

// AppAsk is a text that a member of staff sent to the app. It is forgotten after some days.
type AppAsk struct {
	ID        int64
	UserID    string
	MessageID string // the platform's; unique
	Text      string
	Status    string
	Choices   []AskChoice `gorm:"serializer:json"`
	CreatedAt time.Time   `gorm:"serializer:ms"`
}

// TableName is the table of texts that were asked about.
func (AppAsk) TableName() string { return "app_ask" }

// AddAppAsk writes a text down and sets its ID; false says that it is known already.
func (tx *Tx) AddAppAsk(a *AppAsk) (bool, error) {
	a.CreatedAt, a.Choices = tx.Now, notNil(a.Choices)
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(a)
	return res.RowsAffected == 1, res.Error
}

// AppAsk returns one text that was asked about.
func (r Reader) AppAsk(id int64) (AppAsk, error) { return first[AppAsk](r.db.Where("id = ?", id)) }

// SaveAppAsk writes what became of a text, and whom it may be from. It fails with ErrStale
// when its status is not what the caller knew.
func (tx *Tx) SaveAppAsk(a AppAsk, known string) error {
	a.Choices = notNil(a.Choices)
	return one(tx.db.Model(&a).Where("id = ? AND status = ?", a.ID, known).Select("Status", "Choices").Updates(&a))
}

// AppAskCount counts what somebody sent to the app since a moment.
func (r Reader) AppAskCount(user string, since time.Time) (n int64, err error) {
	err = r.db.Model(&AppAsk{}).Where("user_id = ? AND created_at >= ?", user, ms(since)).Count(&n).Error
	return n, err
}

// PruneAppAsks forgets texts from before a time, at most limit at once.
func (tx *Tx) PruneAppAsks(before time.Time, limit int) (int64, error) {
	res := tx.db.Exec(`DELETE FROM app_ask WHERE id IN (SELECT id FROM app_ask WHERE created_at < ? LIMIT ?)`, before.UnixMilli(), limit)
	return res.RowsAffected, res.Error
}

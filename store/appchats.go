package store

import (
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// AppChat is a chat of the app that is looked after, as it was last read.
type AppChat struct {
	ChatID    string `gorm:"primaryKey"`
	Name      string
	Owner     string
	Members   []string  `gorm:"serializer:json"`
	CreatedAt time.Time `gorm:"serializer:ms"` // when it became known here
	LookedAt  time.Time `gorm:"serializer:ms"`
	NextAt    time.Time `gorm:"serializer:ms"` // when it is read again
	Problem   string    // why the last read failed; empty: it did not
}

// TableName is the table of app chats.
func (AppChat) TableName() string { return "app_chat" }

// Has reports whether a person was in the chat when it was last read.
func (c AppChat) Has(member bot.MemberID) bool { return slices.Contains(c.Members, string(member)) }

// PutAppChat writes an app chat as it was read just now.
func (tx *Tx) PutAppChat(c AppChat) error {
	c.CreatedAt, c.LookedAt, c.Members = tx.Now, tx.Now, notNil(c.Members)
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "chat_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"name", "owner", "members", "looked_at", "next_at", "problem"}),
	}).Create(&c).Error
}

// LookAtAppChat says when an app chat is to be read, and why the last read failed. One that is
// not looked after any more is left alone.
func (tx *Tx) LookAtAppChat(id bot.ChatID, at time.Time, problem string) error {
	return tx.db.Exec(`UPDATE app_chat SET next_at = ?, problem = ? WHERE chat_id = ?`, at.UnixMilli(), problem, string(id)).Error
}

// DropAppChat forgets an app chat.
func (tx *Tx) DropAppChat(id bot.ChatID) error {
	res := tx.db.Exec(`DELETE FROM app_chat WHERE chat_id = ?`, string(id))
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return res.Error
}

// AppChat returns one app chat.
func (r Reader) AppChat(id bot.ChatID) (AppChat, error) {
	return first[AppChat](r.db.Where("chat_id = ?", string(id)))
}

// AppChats lists app chats by id, from behind the cursor.
func (r Reader) AppChats(cursor string, limit int) ([]AppChat, error) {
	return all[AppChat](limited(r.db.Where("chat_id > ?", cursor).Order("chat_id"), limit))
}

// DueAppChats lists the app chats that are to be read.
func (r Reader) DueAppChats(now time.Time, limit int) ([]AppChat, error) {
	return all[AppChat](r.db.Where("next_at <= ?", ms(now)).Order("next_at, chat_id").Limit(limit))
}

// NextAppChat returns when the next app chat is to be read.
func (r Reader) NextAppChat() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(next_at) FROM app_chat")
}

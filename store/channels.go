package store

import (
	"time"

	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// Channel kinds and states.
const (
	ChannelGroup   = "group_qr"
	ChannelContact = "contact_qr"

	ChannelMaking  = "making" // its code is being asked for
	ChannelActive  = "active"
	ChannelDeleted = "deleted" // its code is gone; joins that carry its state still count
)

// Channel is a QR code with an owner.
type Channel struct {
	ID         int64
	Name       string
	Kind       string
	Staff      string
	State      string
	ChatIDs    []string `gorm:"serializer:json;column:chat_ids"`
	AutoCreate bool
	BaseName   string
	ConfigID   string
	QRCode     string `gorm:"column:qr_code"`
	Status     string
	CreatedAt  time.Time `gorm:"serializer:ms"`
	DeletedAt  time.Time `gorm:"serializer:ms"`
}

// TableName is the table of channels.
func (Channel) TableName() string { return "channel" }

// AddChannel writes a channel and sets its ID.
func (tx *Tx) AddChannel(c *Channel) error {
	c.CreatedAt = tx.Now
	c.ChatIDs = notNil(c.ChatIDs)
	return tx.db.Create(c).Error
}

// OpenChannel records the code that the platform made for a channel.
func (tx *Tx) OpenChannel(id int64, configID, qrCode string) error {
	return one(tx.db.Exec(`UPDATE channel SET config_id = ?, qr_code = ?, status = 'active' WHERE id = ? AND status = 'making'`,
		configID, qrCode, id))
}

// CloseChannel marks a channel as deleted. Its state stays taken for ever.
func (tx *Tx) CloseChannel(id int64) error {
	return one(tx.db.Exec(`UPDATE channel SET status = 'deleted', deleted_at = ? WHERE id = ? AND status <> 'deleted'`, tx.Now.UnixMilli(), id))
}

// Channel returns one channel.
func (r Reader) Channel(id int64) (Channel, error) {
	return first[Channel](r.db.Where("id = ?", id))
}

// ChannelByState returns the channel whose codes carry a state, deleted ones too.
func (r Reader) ChannelByState(state string) (Channel, error) {
	if state == "" {
		return Channel{}, ErrNotFound
	}
	return first[Channel](r.db.Where("state = ?", state))
}

// Channels lists the channels that were not deleted, from behind the id cursor.
func (r Reader) Channels(cursor int64, limit int) ([]Channel, error) {
	return all[Channel](limited(r.db.Where("id > ? AND status = ?", cursor, ChannelActive).Order("id"), limit))
}

// Ids of the greetings that do not belong to a channel.
const (
	WelcomeDefault = "default"
	WelcomeGroup   = "group"
)

// Welcome is a greeting.
type Welcome struct {
	ID          string `gorm:"primaryKey"`
	Text        string
	Attachments []bot.Attachment `gorm:"serializer:json"`
	TemplateID  string           // of the group greeting, given by the platform
	UpdatedAt   time.Time        `gorm:"serializer:ms"`
}

// TableName is the table of greetings.
func (Welcome) TableName() string { return "welcome" }

// Welcome returns one greeting.
func (r Reader) Welcome(id string) (Welcome, error) {
	return first[Welcome](r.db.Where("id = ?", id))
}

// PutWelcome writes a greeting, new or known.
func (tx *Tx) PutWelcome(w Welcome) error {
	w.UpdatedAt = tx.Now
	w.Attachments = notNil(w.Attachments)
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"text", "attachments", "template_id", "updated_at"}),
	}).Create(&w).Error
}

// ChannelCount counts the channels of a kind that ever had a code, deleted ones too.
func (r Reader) ChannelCount(kind string) (int64, error) {
	var n int64
	err := r.db.Table("channel").Where("kind = ? AND status <> ?", kind, ChannelMaking).Count(&n).Error
	return n, err
}

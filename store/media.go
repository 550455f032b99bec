package store

import (
	"time"

	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// Media is a file of the library: what promotions can post.
type Media struct {
	ID            int64
	Name          string             // as people see it, with its ending
	Type          bot.AttachmentType // image, video or file
	Mime          string             // found out from the bytes
	Size          int64              // bytes
	Width, Height int                // of an image in pixels, else 0
	SHA256        string             `gorm:"column:sha256"` // hexadecimal
	CreatedAt     time.Time          `gorm:"serializer:ms"`
}

// TableName is the table of files.
func (Media) TableName() string { return "media" }

// MediaContent is what is in a file.
type MediaContent struct {
	MediaID int64 `gorm:"primaryKey;autoIncrement:false"`
	Data    []byte
}

// TableName is the table of what is in files.
func (MediaContent) TableName() string { return "media_content" }

// MediaUpload is what the platform gave for a file.
type MediaUpload struct {
	MediaID    int64 `gorm:"primaryKey;autoIncrement:false"`
	PlatformID string
	UploadedAt time.Time `gorm:"serializer:ms"`
	ExpiresAt  time.Time `gorm:"serializer:ms"`
}

// TableName is the table of uploads.
func (MediaUpload) TableName() string { return "media_upload" }

// AddMedia writes a file and sets its ID.
func (tx *Tx) AddMedia(m *Media, data []byte) error {
	m.CreatedAt = tx.Now
	if err := tx.db.Create(m).Error; err != nil {
		return err
	}
	return tx.db.Create(&MediaContent{MediaID: m.ID, Data: data}).Error
}

// DeleteMedia forgets a file and what the platform gave for it.
func (tx *Tx) DeleteMedia(id int64) error {
	for _, table := range []string{"media_upload", "media_content"} {
		if err := tx.db.Exec(`DELETE FROM `+table+` WHERE media_id = ?`, id).Error; err != nil {
			return err
		}
	}
	return one(tx.db.Exec(`DELETE FROM media WHERE id = ?`, id))
}

// Media returns one file.
func (r Reader) Media(id int64) (Media, error) { return first[Media](r.db.Where("id = ?", id)) }

// HoldMedia is Media for a transaction that is going to refer to the file: until it ends,
// nobody can delete the file.
func (tx *Tx) HoldMedia(id int64) (Media, error) {
	q := tx.db.Where("id = ?", id)
	if tx.dialect == postgres { // on SQLite there is one writer at a time
		q = q.Clauses(clause.Locking{Strength: "SHARE"})
	}
	return first[Media](q)
}

// MediaFiles lists files of a type, or of all, from behind the id cursor.
func (r Reader) MediaFiles(kind string, cursor int64, limit int) ([]Media, error) {
	return all[Media](limited(where(r.db.Where("id > ?", cursor).Order("id"), "type", kind), limit))
}

// MediaSize is how many bytes all files have.
func (r Reader) MediaSize() (int64, error) {
	var n int64
	err := r.db.Raw(`SELECT COALESCE(SUM(size), 0) FROM media`).Scan(&n).Error
	return n, err
}

// MediaContent returns what is in a file.
func (r Reader) MediaContent(id int64) ([]byte, error) {
	c, err := first[MediaContent](r.db.Where("media_id = ?", id))
	return c.Data, err
}

// MediaUpload returns what the platform gave for a file last.
func (r Reader) MediaUpload(id int64) (MediaUpload, error) {
	return first[MediaUpload](r.db.Where("media_id = ?", id))
}

// MediaUploads lists what the platform gave for all files.
func (r Reader) MediaUploads() ([]MediaUpload, error) {
	return all[MediaUpload](r.db.Order("media_id"))
}

// PutMediaUpload writes what the platform gave for a file, in the place of what it gave
// before.
func (tx *Tx) PutMediaUpload(u MediaUpload) error {
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "media_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"platform_id", "uploaded_at", "expires_at"}),
	}).Create(&u).Error
}

// DropMediaUpload forgets what the platform gave for a file, unless it gave something else
// since.
func (tx *Tx) DropMediaUpload(id int64, platformID string) error {
	return tx.db.Exec(`DELETE FROM media_upload WHERE media_id = ? AND platform_id = ?`, id, platformID).Error
}

// Phrase is a text of the library, to be used again. The API calls it a text.
type Phrase struct {
	ID          int64
	Name        string
	Category    string
	Text        string
	Attachments []bot.Attachment `gorm:"serializer:json"`
	CreatedAt   time.Time        `gorm:"serializer:ms"`
	UpdatedAt   time.Time        `gorm:"serializer:ms;autoUpdateTime:false"` // gorm's own would not be in ms
}

// TableName is the table of texts.
func (Phrase) TableName() string { return "phrase" }

// AddPhrase writes a text and sets its ID.
func (tx *Tx) AddPhrase(p *Phrase) error {
	p.CreatedAt, p.UpdatedAt, p.Attachments = tx.Now, tx.Now, notNil(p.Attachments)
	return tx.db.Create(p).Error
}

// SavePhrase writes what a text says now.
func (tx *Tx) SavePhrase(p Phrase) error {
	p.UpdatedAt, p.Attachments = tx.Now, notNil(p.Attachments)
	return one(tx.db.Model(&p).Where("id = ?", p.ID).Select("Name", "Category", "Text", "Attachments", "UpdatedAt").Updates(&p))
}

// DeletePhrase forgets a text.
func (tx *Tx) DeletePhrase(id int64) error {
	return one(tx.db.Exec(`DELETE FROM phrase WHERE id = ?`, id))
}

// Phrase returns one text.
func (r Reader) Phrase(id int64) (Phrase, error) { return first[Phrase](r.db.Where("id = ?", id)) }

// Phrases lists texts of a category, or of all, from behind the id cursor.
func (r Reader) Phrases(category string, cursor int64, limit int) ([]Phrase, error) {
	return all[Phrase](limited(where(r.db.Where("id > ?", cursor).Order("id"), "category", category), limit))
}

package store

import "time"

// Where a consent is known from.
const (
	ConsentCallback = "callback" // WeCom told the app
	ConsentArchive  = "archive"  // it stood in the message archive
)

// Consent is what a customer last said about the message archive: to a member of staff, or in
// a group.
type Consent struct {
	Customer string `gorm:"primaryKey"`
	UserID   string `gorm:"primaryKey"` // empty: in a group, or not known to whom
	ChatID   string `gorm:"primaryKey"` // empty: to a member of staff
	Agreed   bool
	Source   string
	At       time.Time `gorm:"serializer:ms"` // when it was said
}

// TableName is the table of consents.
func (Consent) TableName() string { return "consent" }

// PutConsent writes what a customer said, unless something later is known from the same place.
func (tx *Tx) PutConsent(c Consent) error {
	return tx.db.Exec(`INSERT INTO consent (customer, user_id, chat_id, agreed, source, at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (customer, user_id, chat_id) DO UPDATE SET agreed = excluded.agreed, source = excluded.source, at = excluded.at
		WHERE excluded.at >= consent.at`, c.Customer, c.UserID, c.ChatID, c.Agreed, c.Source, ms(c.At)).Error
}

// ConsentFilter selects consents; empty fields select everything. After are customer, member
// of staff and group of the last one of the page before.
type ConsentFilter struct {
	Customer string
	Agreed   *bool
	After    [3]string
	Limit    int // 0: no limit
}

// Consents lists what customers said, by customer, member of staff and group.
func (r Reader) Consents(f ConsentFilter) ([]Consent, error) {
	q := where(r.db.Where("(customer, user_id, chat_id) > (?, ?, ?)", f.After[0], f.After[1], f.After[2]).
		Order("customer, user_id, chat_id"), "customer", f.Customer)
	if f.Agreed != nil {
		q = q.Where("agreed = ?", *f.Agreed)
	}
	return all[Consent](limited(q, f.Limit))
}

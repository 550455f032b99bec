package store

import "time"

// FirstAnswer is what a POST with an Idempotency-Key led to the first time.
type FirstAnswer struct {
	Route     string
	Key       string
	BodyHash  string
	Resource  string    // the id of what was created
	CreatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of first answers.
func (FirstAnswer) TableName() string { return "idempotency" }

// FirstAnswer returns what a key led to, or ErrNotFound.
func (r Reader) FirstAnswer(route, key string) (FirstAnswer, error) {
	return first[FirstAnswer](r.db.Where("route = ? AND key = ?", route, key))
}

// Remember keeps the first answer, in the transaction that creates what it is about. False
// means that someone else was first.
func (tx *Tx) Remember(a FirstAnswer) (bool, error) {
	res := tx.db.Exec(`INSERT INTO idempotency (route, key, body_hash, resource, created_at) VALUES (?,?,?,?,?) ON CONFLICT (route, key) DO NOTHING`,
		a.Route, a.Key, a.BodyHash, a.Resource, tx.Now.UnixMilli())
	return res.RowsAffected == 1, res.Error
}

// PruneAnswers forgets first answers from before a time.
func (tx *Tx) PruneAnswers(before time.Time) error {
	return tx.db.Exec(`DELETE FROM idempotency WHERE created_at < ?`, before.UnixMilli()).Error
}

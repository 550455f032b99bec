package store

import (
	"time"

	"gorm.io/gorm/clause"
)

// Kinds and states of consequences.
const (
	ConsequenceCode = "code" // Ref is a channel whose code is stopped
	ConsequenceFlag = "flag" // Ref is an entry that is held for review

	ConsequenceWanted = "wanted"
	ConsequenceDone   = "done"
	ConsequenceUndone = "undone"
	ConsequenceFailed = "failed"
)

// Consequence is something that followed from the removal, or the blocking, of an inviter.
type Consequence struct {
	ID        int64
	Cause     string // case:<id> or block:<person>
	Person    string
	Kind      string
	Ref       int64
	State     string
	Note      string
	CreatedAt time.Time `gorm:"serializer:ms"`
	ChangedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of consequences.
func (Consequence) TableName() string { return "consequence" }

// AddConsequence writes a consequence, wanted from now on, and sets its ID; false says that
// its cause has it already. One that was undone is wanted again.
func (tx *Tx) AddConsequence(c *Consequence) (bool, error) {
	c.State, c.CreatedAt, c.ChangedAt = ConsequenceWanted, tx.Now, tx.Now
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(c)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error == nil, res.Error
	}
	known, err := first[Consequence](tx.db.Where("cause = ? AND kind = ? AND ref = ?", c.Cause, c.Kind, c.Ref))
	if err != nil {
		return false, err
	}
	c.ID, c.CreatedAt = known.ID, known.CreatedAt
	if known.State != ConsequenceUndone {
		return false, nil
	}
	return true, tx.SaveConsequence(*c, ConsequenceUndone)
}

// SaveConsequence writes what became of a consequence. It fails with ErrStale when its state
// is not what the caller knew.
func (tx *Tx) SaveConsequence(c Consequence, known string) error {
	c.ChangedAt = tx.Now
	return one(tx.db.Model(&c).Where("id = ? AND state = ?", c.ID, known).Select("State", "Note", "ChangedAt").Updates(&c))
}

// Consequence returns one consequence.
func (r Reader) Consequence(id int64) (Consequence, error) {
	return first[Consequence](r.db.Where("id = ?", id))
}

// Consequences lists what followed from a cause.
func (r Reader) Consequences(cause string) ([]Consequence, error) {
	return all[Consequence](r.db.Where("cause = ?", cause).Order("id"))
}

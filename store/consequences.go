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

// StandingConsequences lists what was done, or is about to be, to a person's codes and guests.
func (r Reader) StandingConsequences(person string) ([]Consequence, error) {
	return all[Consequence](r.db.Where("person = ? AND state IN ?", person, []string{ConsequenceWanted, ConsequenceDone}).Order("id"))
}

// ConsequenceStands reports whether another cause has led to the same, and stands.
func (r Reader) ConsequenceStands(c Consequence) (bool, error) {
	var n int64
	err := r.db.Model(&Consequence{}).Where("kind = ? AND ref = ? AND id <> ? AND state IN ?", c.Kind, c.Ref, c.ID, []string{ConsequenceWanted, ConsequenceDone}).Count(&n).Error
	return n > 0, err
}

// CodesOfPerson lists the codes that belong to a person, a member of staff or a customer, at
// most limit of them.
func (r Reader) CodesOfPerson(person string, limit int) ([]Channel, error) {
	return all[Channel](r.db.Where("status = ? AND (staff = ? OR referrer = ?)", ChannelActive, person, person).Order("id").Limit(limit))
}

// ReopenChannel records the new code of a channel that was deleted.
func (tx *Tx) ReopenChannel(c Channel) error {
	if err := one(tx.db.Exec(`UPDATE channel SET status = 'active', deleted_at = NULL, config_id = ?, qr_code = ?, look_at = ? WHERE id = ? AND status = 'deleted'`,
		c.ConfigID, c.QRCode, tx.Now.UnixMilli(), c.ID)); err != nil {
		return err
	}
	return tx.linkChats(c.ID, c.ChatIDs)
}

// HeldOfGuests lists the held entries for people whom somebody brought, as staff or as the
// customer whose code it was, at most limit of them.
func (r Reader) HeldOfGuests(person string, limit int) ([]Entry, error) {
	return all[Entry](r.db.Where(`status = ? AND (staff = ? OR stint_id IN (SELECT id FROM stint WHERE referrer = ? AND state IN (SELECT state FROM channel WHERE referrer = ?)))`,
		EntryHeld, person, person, person).Order("id").Limit(limit))
}

// LiftFlag takes back a flag that nobody decided about; ErrStale says that somebody did.
func (tx *Tx) LiftFlag(entryID int64) error {
	return one(tx.db.Exec(`DELETE FROM flag WHERE entry_id = ? AND status = ?`, entryID, FlagOpen))
}

// Bringing is what became of the people whom somebody brought into groups.
type Bringing struct {
	People  int64
	Removed int64 // of those, for spam
}

// BroughtInBy counts the customers whom somebody brought, as staff or by a personal code.
func (r Reader) BroughtInBy(person string) (g Bringing, err error) {
	err = r.db.Raw(`SELECT COUNT(DISTINCT s.user_id) AS people, COUNT(DISTINCT c.member) AS removed FROM stint s
		LEFT JOIN mod_case c ON c.member = s.user_id AND c.status = 'removed' AND c.verdict = 'spam'
		WHERE s.kind = 'customer' AND (s.inviter = ? AND s.inviter <> '' OR s.referrer = ? AND s.referrer <> '' AND s.state IN (SELECT state FROM channel WHERE referrer = ?))`,
		person, person, person).Scan(&g).Error
	return g, err
}

package store

import (
	"time"

	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// Case states.
const (
	CaseOpen      = "open"
	CaseAsked     = "asked_owner"
	CaseRemoved   = "removed" // the group's own member list shows the person gone
	CaseDismissed = "dismissed"
	CaseExpired   = "expired"
)

// Reason is one argument for or against a verdict.
type Reason struct {
	Check  string  `json:"check"`
	Detail string  `json:"detail"`
	Weight float64 `json:"weight"`
	Spans  []Span  `json:"spans,omitempty"` // the pieces of the text it speaks of
}

// Span is a piece of a text: the bytes from Start up to, but not including, End.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Case is something to decide about a person in a group.
type Case struct {
	ID         int64
	ChatID     string
	Member     string
	MemberName string
	MessageID  string // empty when the person, not a message, is the cause
	Text       string
	Verdict    string
	Score      float64
	Reasons    []Reason `gorm:"serializer:json"`
	Action     string
	Status     string
	ClaimedBy  string // who pressed "removed"; believed once the member list agrees
	Note       string
	Asks       int       // how often the owner was asked
	CreatedAt  time.Time `gorm:"serializer:ms"`
	AskedAt    time.Time `gorm:"serializer:ms"`
	NextAt     time.Time `gorm:"serializer:ms"` // when to look at it again
	ClosedAt   time.Time `gorm:"serializer:ms"`
	ClosedBy   string
}

// TableName is the table of cases.
func (Case) TableName() string { return "mod_case" }

// AddCase writes a case and sets its ID.
func (tx *Tx) AddCase(c *Case) error {
	c.CreatedAt = tx.Now
	c.Reasons = notNil(c.Reasons)
	return tx.db.Create(c).Error
}

// SaveCase writes how far a case has come. It fails with ErrStale when its status is not
// what the caller knew.
func (tx *Tx) SaveCase(c Case, known string) error {
	return one(tx.db.Model(&c).Where("id = ? AND status = ?", c.ID, known).
		Select("Action", "Status", "ClaimedBy", "Note", "Asks", "AskedAt", "NextAt", "ClosedAt", "ClosedBy").Updates(&c))
}

// Case returns one case.
func (r Reader) Case(id int64) (Case, error) { return first[Case](r.db.Where("id = ?", id)) }

// OpenCase returns the case that is not closed yet about a person in a group.
func (r Reader) OpenCase(chat bot.ChatID, member bot.MemberID) (Case, error) {
	return first[Case](r.db.Where("chat_id = ? AND member = ? AND status IN ?", string(chat), string(member), []string{CaseOpen, CaseAsked}))
}

// Cases lists cases from behind the id cursor; an empty status means all.
func (r Reader) Cases(status string, cursor int64, limit int) ([]Case, error) {
	return all[Case](limited(where(r.db.Where("id > ?", cursor).Order("id"), "status", status), limit))
}

// DueCases lists the cases to look at again.
func (r Reader) DueCases(now time.Time, limit int) ([]Case, error) {
	return all[Case](r.db.Where("next_at <= ?", ms(now)).Order("next_at, id").Limit(limit))
}

// NextCase returns when the next case is to be looked at again.
func (r Reader) NextCase() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(next_at) FROM mod_case")
}

// Blocked is someone who must not be in any group.
type Blocked struct {
	Person    string `gorm:"primaryKey"` // a user id or a union id
	Reason    string
	CaseID    *int64
	CreatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the blocklist.
func (Blocked) TableName() string { return "blocked" }

// Block puts a person on the blocklist; a known one stays with its first reason.
func (tx *Tx) Block(b Blocked) error {
	b.CreatedAt = tx.Now
	return tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&b).Error
}

// Unblock takes a person off the blocklist.
func (tx *Tx) Unblock(person string) error {
	res := tx.db.Exec(`DELETE FROM blocked WHERE person = ?`, person)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return res.Error
}

// IsBlocked reports whether a person is on the blocklist under one of the names.
func (r Reader) IsBlocked(names ...string) (Blocked, bool, error) {
	known := make([]string, 0, len(names))
	for _, n := range names {
		if n != "" {
			known = append(known, n)
		}
	}
	b, err := first[Blocked](r.db.Where("person IN ?", known))
	if err == ErrNotFound {
		return b, false, nil
	}
	return b, err == nil, err
}

// Blocklist lists blocked people by name, from behind the cursor.
func (r Reader) Blocklist(cursor string, limit int) ([]Blocked, error) {
	return all[Blocked](limited(r.db.Where("person > ?", cursor).Order("person"), limit))
}

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

// ChatsOfStaff lists the active groups that a member of staff owns, or whose shop he manages or
// works in, at most limit of them.
func (r Reader) ChatsOfStaff(user string, limit int) ([]Chat, error) {
	shops, err := r.shopIDsOf(user)
	if err != nil {
		return nil, err
	}
	return all[Chat](r.db.Where("status = ? AND (owner = ? OR shop_id <> '' AND shop_id IN ?)", ChatActive, user, shops).Order("chat_id").Limit(limit))
}

// shopIDsOf lists the shops that a member of staff manages or works in.
func (r Reader) shopIDsOf(user string) ([]string, error) {
	q, err := r.ofStaff(user)
	if err != nil {
		return nil, err
	}
	return pluck[string](q.Table("shop"), "id")
}

// SaidIn lists what customers said in some groups since a moment, the latest first: copies of
// a fingerprint (unless it is 0), or else everything of who is in them.
func (r Reader) SaidIn(chats []string, print int64, since time.Time, limit int) ([]Message, error) {
	q := r.db.Where("chat_id IN ? AND sent_at >= ?", chats, ms(since)).Order("sent_at DESC, message_id").Limit(limit)
	if print != 0 {
		return all[Message](q.Where("fingerprint = ? AND fingerprint <> 0", print))
	}
	return all[Message](q.Where("sender IN (SELECT user_id FROM stint WHERE chat_id IN ? AND left_at IS NULL AND kind = 'customer')", chats))
}

// MembersNamed lists the stays of customers that go on in some groups under a name or nickname.
func (r Reader) MembersNamed(chats []string, name string, limit int) ([]Stint, error) {
	return all[Stint](r.db.Where("chat_id IN ? AND left_at IS NULL AND kind = 'customer' AND (name = ? OR nickname = ?)", chats, name, name).Order("chat_id, user_id").Limit(limit))
}

// LastOpenAsk returns the last text that somebody asked about since a moment and that nothing
// became of yet.
func (r Reader) LastOpenAsk(user string, since time.Time) (AppAsk, error) {
	return first[AppAsk](r.db.Where("user_id = ? AND status = ? AND created_at >= ?", user, AskOpen, ms(since)).Order("id DESC"))
}

// OpenIn lists the oldest cases and tickets of some groups that wait for somebody, at most
// limit of each.
func (r Reader) OpenIn(chats []string, limit int) ([]Case, []Ticket, error) {
	cases, err := all[Case](r.db.Where("status IN ? AND chat_id IN ?", []string{CaseOpen, CaseAsked}, chats).Order("id").Limit(limit))
	if err != nil {
		return nil, nil, err
	}
	tickets, err := all[Ticket](r.db.Where("status <> ? AND chat_id IN ?", TicketClosed, chats).Order("id").Limit(limit))
	return cases, tickets, err
}

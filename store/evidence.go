package store

import (
	"errors"
	"time"

	"xiaobu/bot"
)

// How the end of a stay became known.
const (
	LeaveByCallback = "callback" // a callback named the person
	LeaveByNameless = "nameless" // a callback said that somebody left, and nobody else was missing
	LeaveByGap      = "gap"      // a read missed the person; the callbacks say by when the change had happened
	LeaveByRead     = "read"     // a read missed the person; nothing tells when that happened
	LeaveByGroup    = "group"    // the group was dismissed
)

// Callback is a callback that told of stays. It outlives the event in the inbox.
type Callback struct {
	ID         int64
	Key        string    // the event's key in the inbox
	At         time.Time `gorm:"serializer:ms"` // when it happened, as the callback says
	ReceivedAt time.Time `gorm:"serializer:ms"` // when it came first
	Duplicates int64     // how often it came again
}

// TableName is the table of kept callbacks.
func (Callback) TableName() string { return "callback" }

// Evidence is what the house knew when it wrote a stay down. A stay that was written before
// evidence was kept has none of its join.
type Evidence struct {
	StintID       int64     `gorm:"primaryKey;autoIncrement:false"`
	JoinCallback  *int64    // the Callback that told of the join; nil: none did
	JoinRead      time.Time `gorm:"serializer:ms"` // when the first read began that showed it; zero: none did
	JoinVersion   string    // the member list's version in that read
	Invitor       string    // whom that read named as inviter, whoever was decided upon
	ChannelID     *int64    // the channel by which the inviter was decided
	ChannelName   string    // what it was called then
	ContactAt     time.Time `gorm:"serializer:ms"` // when the customer was added through that channel
	LeaveCallback *int64    // the Callback that told of the end
	LeaveRead     time.Time `gorm:"serializer:ms"` // when the read began that missed the person
	LeaveVersion  string
	LeaveBy       string    // callback, nameless, gap, read or group; empty: it has not ended
	ReopenedAt    time.Time `gorm:"serializer:ms"` // when an end was last taken back
}

// TableName is the table of evidence.
func (Evidence) TableName() string { return "evidence" }

// Kept reports whether anything of the join was kept.
func (e Evidence) Kept() bool { return e.JoinCallback != nil || !e.JoinRead.IsZero() }

// PutEvidence writes what a new stay is based on.
func (tx *Tx) PutEvidence(e Evidence) error {
	_, err := tx.exec(`INSERT INTO evidence (stint_id, join_read, join_version, invitor, channel_id, channel_name, contact_at, leave_read, leave_version, leave_by)
		VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (stint_id) DO NOTHING`,
		e.StintID, ms(e.JoinRead), e.JoinVersion, e.Invitor, e.ChannelID, e.ChannelName, ms(e.ContactAt), ms(e.LeaveRead), e.LeaveVersion, e.LeaveBy)
	return err
}

// PutLeaveEvidence writes what the end of a stay is based on, in the place of what was known
// of its end before; the first read that missed the person stays.
func (tx *Tx) PutLeaveEvidence(e Evidence) error {
	_, err := tx.exec(`INSERT INTO evidence (stint_id, join_version, invitor, channel_name, leave_read, leave_version, leave_by) VALUES (?,'','','',?,?,?)
		ON CONFLICT (stint_id) DO UPDATE SET leave_callback = NULL, leave_by = excluded.leave_by,
		leave_version = CASE WHEN evidence.leave_read IS NULL THEN excluded.leave_version ELSE evidence.leave_version END,
		leave_read = COALESCE(evidence.leave_read, excluded.leave_read)`,
		e.StintID, ms(e.LeaveRead), e.LeaveVersion, e.LeaveBy)
	return err
}

// DropLeaveEvidence records that the end of a stay was taken back.
func (tx *Tx) DropLeaveEvidence(stint int64) error {
	_, err := tx.exec(`UPDATE evidence SET leave_callback = NULL, leave_read = NULL, leave_version = '', leave_by = '', reopened_at = ? WHERE stint_id = ?`,
		tx.Now.UnixMilli(), stint)
	return err
}

// KeepCallback keeps an event of the inbox as a callback that told of stays and returns its id.
func (tx *Tx) KeepCallback(event int64) (id int64, err error) {
	err = tx.db.Raw(`INSERT INTO callback (key, at, received_at, duplicates) SELECT key, at, received_at, duplicates FROM inbox WHERE id = ?
		ON CONFLICT (key) DO UPDATE SET duplicates = excluded.duplicates RETURNING id`, event).Scan(&id).Error
	if err == nil && id == 0 {
		err = ErrNotFound
	}
	return id, err
}

// TellJoin records which callback told of a stay's beginning, unless that is known already.
func (tx *Tx) TellJoin(stint, callback int64) error {
	_, err := tx.exec(`UPDATE evidence SET join_callback = ? WHERE stint_id = ? AND join_callback IS NULL`, callback, stint)
	return err
}

// TellLeave records which callback told of a stay's end, unless that is known already.
func (tx *Tx) TellLeave(stint, callback int64) error {
	_, err := tx.exec(`UPDATE evidence SET leave_callback = ? WHERE stint_id = ? AND leave_callback IS NULL`, callback, stint)
	return err
}

// Evidence returns what is known of how a stay was found; all zero where nothing was kept.
func (r Reader) Evidence(stint int64) (Evidence, error) {
	e, err := first[Evidence](r.db.Where("stint_id = ?", stint))
	if errors.Is(err, ErrNotFound) {
		return Evidence{StintID: stint}, nil
	}
	return e, err
}

// Callback returns a kept callback, with the inbox's event id as long as the inbox has it
// (0 afterwards).
func (r Reader) Callback(id int64) (Callback, int64, error) {
	c, err := first[Callback](r.db.Where("id = ?", id))
	if err != nil {
		return c, 0, err
	}
	row, err := first[eventRow](r.db.Where("key = ?", c.Key))
	if errors.Is(err, ErrNotFound) {
		return c, 0, nil
	}
	c.Duplicates = row.Duplicates
	return c, row.ID, err
}

// keepDuplicates brings kept callbacks up to date before the inbox forgets their events.
func (tx *Tx) keepDuplicates(forgotten string, args ...any) error {
	return tx.db.Exec(`UPDATE callback SET duplicates = (SELECT duplicates FROM inbox WHERE inbox.key = callback.key)
		WHERE key IN (SELECT key FROM inbox WHERE id IN (`+forgotten+`))`, args...).Error
}

// Counted is a customer who was counted for an ordinal.
type Counted struct {
	StintID  int64
	UserID   string
	Name     string
	JoinedAt time.Time `gorm:"serializer:ms"`
	SeenAt   time.Time `gorm:"serializer:ms"` // when the house learned of the stay
}

// PeopleAt lists the customers who were in a group right after a stay began, as the books
// know it now, in the order in which they are counted: by join time, then user id. The stay's
// own person is the last; of one who is staff, all customers who were there.
func (r Reader) PeopleAt(st Stint, limit int) ([]Counted, error) {
	at := st.JoinedAt.UnixMilli()
	people := []Counted{}
	err := limited(r.db.Table("stint").Select("id AS stint_id, user_id, name, joined_at, seen_at").
		Where("chat_id = ? AND kind = ?", st.ChatID, string(bot.Customer)).
		Where("joined_at <= ? AND (joined_at < ? OR user_id <= ?)", at, at, st.UserID).
		Where("(left_at IS NULL OR left_at > ? OR id = ?)", at, st.ID).
		Order("joined_at, user_id"), limit).Find(&people).Error
	return people, err
}

// PersonStays lists the stays of whoever a user id or union id names, newest first.
func (r Reader) PersonStays(person string, limit int) ([]Stint, error) {
	byUser, err := all[Stint](limited(r.db.Where("user_id = ?", person).Order("joined_at DESC, id DESC"), limit))
	if err != nil || len(byUser) > 0 {
		return byUser, err
	}
	return all[Stint](limited(r.db.Where("union_id = ? AND union_id <> ''", person).Order("joined_at DESC, id DESC"), limit))
}

// StaysIn lists all stays of a person in a group, newest first.
func (r Reader) StaysIn(chat bot.ChatID, user bot.MemberID) ([]Stint, error) {
	return all[Stint](r.db.Where("chat_id = ? AND user_id = ?", string(chat), string(user)).Order("joined_at DESC"))
}

// StaysTold lists the stays in a group of some people, and those that ended at some moments.
func (r Reader) StaysTold(chat bot.ChatID, users []string, ends []time.Time) ([]Stint, error) {
	var out []Stint
	err := chunked(users, func(part []string) error {
		stays, err := all[Stint](r.db.Where("chat_id = ? AND user_id IN ?", string(chat), part).Order("joined_at, user_id"))
		out = append(out, stays...)
		return err
	})
	if err != nil || len(ends) == 0 {
		return out, err
	}
	at := make([]any, len(ends))
	for i, t := range ends {
		at[i] = ms(t)
	}
	more, err := all[Stint](r.db.Where("chat_id = ? AND left_at IN ?", string(chat), at).Order("joined_at, user_id"))
	return append(out, more...), err
}

// NextRule returns the version that comes into force first after a moment, the newest of
// several; ErrNotFound if none does.
func (r Reader) NextRule(t time.Time) (Rule, error) {
	return first[Rule](r.db.Where("effective_from > ?", ms(t)).Order("effective_from, version DESC"))
}

// RulesAround returns a version with the one before and the one after it, as far as there are.
func (r Reader) RulesAround(version int64) ([]Rule, error) {
	return all[Rule](r.db.Where("version BETWEEN ? AND ?", version-1, version+1).Order("version"))
}

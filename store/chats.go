package store

import (
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// Group states.
const (
	ChatActive    = "active"
	ChatDismissed = "dismissed"
)

// Chat is a customer group as it was last read.
type Chat struct {
	ChatID string `gorm:"primaryKey"`
	Name   string
	Owner  string
	Status string
	ShopID string
	Labels []string `gorm:"serializer:json"`
	// HandsOff says that promotions leave the group alone.
	HandsOff bool
	// Version is the member list's version at the last read; Versions are that and
	// earlier ones that the stays already reflect, newest first, at most 100.
	Version   string
	Versions  []string `gorm:"serializer:json"`
	Customers int
	Staff     int
	CreatedAt time.Time `gorm:"serializer:ms"`
	SyncedAt  time.Time `gorm:"serializer:ms"` // zero: never read
	FirstSeen time.Time `gorm:"serializer:ms"`
	Via       string    `gorm:"-"` // what took it in, where targets were asked for; see TargetSpec
}

// TableName is the table of groups.
func (Chat) TableName() string { return "chat" }

// Chat returns one group.
func (r Reader) Chat(id bot.ChatID) (Chat, error) {
	return first[Chat](r.db.Where("chat_id = ?", string(id)))
}

// ChatFilter selects groups; empty fields select everything.
type ChatFilter struct {
	Status string
	ShopID string
	Owner  string
	Cursor string // the last chat id of the page before
	Limit  int    // 0: no limit
}

// Chats lists groups by chat id.
func (r Reader) Chats(f ChatFilter) ([]Chat, error) {
	q := r.db.Where("chat_id > ?", f.Cursor).Order("chat_id")
	q = where(q, "status", f.Status)
	q = where(q, "shop_id", f.ShopID)
	q = where(q, "owner", f.Owner)
	if f.Limit > 0 {
		q = q.Limit(f.Limit)
	}
	return all[Chat](q)
}

func where(q *gorm.DB, column, value string) *gorm.DB {
	if value == "" {
		return q
	}
	return q.Where(column+" = ?", value)
}

// Names are some that messages mention.
type Names struct{ Chat, Shop, Region, Staff string }

// LongestNames returns the name with the most bytes of each kind; empty where none is known.
func (r Reader) LongestNames() (Names, error) {
	var n Names
	err := r.db.Raw(`SELECT
		COALESCE((SELECT name FROM chat WHERE status = ? ORDER BY octet_length(name) DESC LIMIT 1), '') AS chat,
		COALESCE((SELECT name FROM shop ORDER BY octet_length(name) DESC LIMIT 1), '') AS shop,
		COALESCE((SELECT region FROM shop ORDER BY octet_length(region) DESC LIMIT 1), '') AS region,
		COALESCE((SELECT name FROM staff ORDER BY octet_length(name) DESC LIMIT 1), '') AS staff`, ChatActive).Scan(&n).Error
	return n, err
}

// NewChat writes a group that was not known before; a known one stays as it is.
func (tx *Tx) NewChat(c Chat) error {
	c.FirstSeen, c.Labels, c.Versions = tx.Now, notNil(c.Labels), notNil(c.Versions)
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&c)
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	return tx.addLabels(c)
}

func (tx *Tx) addLabels(c Chat) error {
	for _, l := range c.Labels {
		if err := tx.db.Exec(`INSERT INTO chat_label (label, chat_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, l, c.ChatID).Error; err != nil {
			return err
		}
	}
	return nil
}

// SaveChatRead writes what a read of a group found.
func (tx *Tx) SaveChatRead(c Chat) error {
	c.Versions = notNil(c.Versions)
	if err := tx.planMoved(c); err != nil {
		return err
	}
	if err := tx.askNewOwner(c); err != nil {
		return err
	}
	return one(tx.db.Model(&c).Where("chat_id = ?", c.ChatID).
		Select("Name", "Owner", "Status", "Version", "Versions", "Customers", "Staff", "CreatedAt", "SyncedAt").Updates(&c))
}

// planMoved takes occurrences that are being planned back to a group's new owner if they have
// passed him: groups are planned in the order of their owners, and one that went to an owner
// before it would be forgotten.
func (tx *Tx) planMoved(c Chat) error {
	return tx.db.Exec(`UPDATE occurrence SET cursor_owner = ?, cursor_chat_id = '' WHERE status = 'planned' AND cursor_owner >= ?
		AND EXISTS (SELECT 1 FROM chat WHERE chat_id = ? AND owner <> ?)`, c.Owner, c.Owner, c.ChatID, c.Owner).Error
}

// SetChatStatus marks a group as dismissed, or as active again.
func (tx *Tx) SetChatStatus(id bot.ChatID, status string) error {
	return one(tx.db.Exec(`UPDATE chat SET status = ? WHERE chat_id = ?`, status, string(id)))
}

// PlaceChat puts a group into a shop and labels it. Codes of the shop may have waited for it,
// and where a person is new once in each shop, joins are judged again.
func (tx *Tx) PlaceChat(id bot.ChatID, shopID string, labels []string) error {
	if err := tx.LockLedger(); err != nil {
		return err
	}
	was, err := tx.Chat(id)
	if err != nil {
		return err
	}
	if err := tx.LookAtWaitingCodes(); err != nil {
		return err
	}
	c := Chat{ChatID: string(id), ShopID: shopID, Labels: notNil(labels)}
	if err := one(tx.db.Model(&c).Where("chat_id = ?", c.ChatID).Select("ShopID", "Labels").Updates(&c)); err != nil {
		return err
	}
	if err := tx.relabel(was, c); err != nil {
		return err
	}
	if was.ShopID == shopID {
		return nil
	}
	return tx.rejudgePlaced(c.ChatID)
}

func (tx *Tx) relabel(was, c Chat) error {
	if slices.Equal(was.Labels, c.Labels) {
		return nil
	}
	if err := tx.db.Exec(`DELETE FROM chat_label WHERE chat_id = ?`, c.ChatID).Error; err != nil {
		return err
	}
	return tx.addLabels(c)
}

// SetHandsOff says whether promotions leave a group alone.
func (tx *Tx) SetHandsOff(id bot.ChatID, off bool) error {
	return one(tx.db.Exec(`UPDATE chat SET hands_off = ? WHERE chat_id = ?`, off, string(id)))
}

// Stint is one stay of one person in one group.
type Stint struct {
	ID        int64
	ChatID    string
	UserID    string
	Kind      string
	Name      string
	Nickname  string
	UnionID   string
	JoinedAt  time.Time `gorm:"serializer:ms"`
	JoinScene string
	State     string
	Inviter   string
	InviterBy string // state, invitor, contact_state or none
	Referrer  string // the customer whose personal code led here; empty: none
	// Ordinal is the number of customers in the group right after this join; nil for staff.
	Ordinal *int
	SeenAt  time.Time `gorm:"serializer:ms"` // when it was first read
	LeftAt  time.Time `gorm:"serializer:ms"` // zero: present
	LeftHow string
}

// TableName is the table of stays.
func (Stint) TableName() string { return "stint" }

// Present reports whether the person was in the group at t. Someone who left in the same
// second as t was not.
func (s Stint) Present(t time.Time) bool {
	return !s.JoinedAt.After(t) && (s.LeftAt.IsZero() || s.LeftAt.After(t))
}

// AddStint writes a new stay and sets its ID. A known one (same group, person and join
// time) is left alone and returns false.
func (tx *Tx) AddStint(s *Stint) (bool, error) {
	s.SeenAt = tx.Now
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(s)
	return res.RowsAffected == 1, res.Error
}

// NameStint updates what a person is called in a group, and the person's union id once it
// becomes known.
func (tx *Tx) NameStint(s Stint) error {
	return one(tx.db.Model(&s).Where("id = ?", s.ID).Select("Name", "Nickname", "UnionID").Updates(&s))
}

// EndStint records how and when a stay ended, or what became known about its end later.
func (tx *Tx) EndStint(id int64, at time.Time, how bot.LeaveHow) error {
	return one(tx.db.Exec(`UPDATE stint SET left_at = ?, left_how = ? WHERE id = ?`, at.UnixMilli(), string(how), id))
}

// StintFilter selects stays in a group.
type StintFilter struct {
	Chat   bot.ChatID
	Status string // present, left or all
	// AfterJoined and AfterUser continue behind the last item of the page before.
	AfterJoined time.Time
	AfterUser   string
	Limit       int // 0: no limit
}

// Stints lists stays, oldest join first.
func (r Reader) Stints(f StintFilter) ([]Stint, error) {
	q := r.db.Where("chat_id = ?", string(f.Chat)).Order("joined_at, user_id")
	switch f.Status {
	case "present":
		q = q.Where("left_at IS NULL")
	case "left":
		q = q.Where("left_at IS NOT NULL")
	}
	if f.AfterUser != "" {
		at := f.AfterJoined.UnixMilli()
		q = q.Where("(joined_at > ? OR (joined_at = ? AND user_id > ?))", at, at, f.AfterUser)
	}
	if f.Limit > 0 {
		q = q.Limit(f.Limit)
	}
	return all[Stint](q)
}

// StintsLeftAfter lists the stays of a group that had not ended at t: what is needed to
// count who was present at any moment from t on.
func (r Reader) StintsLeftAfter(chat bot.ChatID, t time.Time) ([]Stint, error) {
	return all[Stint](r.db.Where("chat_id = ? AND (left_at IS NULL OR left_at > ?)", string(chat), ms(t)).Order("joined_at, user_id"))
}

// LastStint returns a person's newest stay in a group.
func (r Reader) LastStint(chat bot.ChatID, user bot.MemberID) (Stint, error) {
	return first[Stint](r.db.Where("chat_id = ? AND user_id = ?", string(chat), string(user)).Order("joined_at DESC"))
}

// StintAt returns the stay of a person in a group that began at a moment.
func (r Reader) StintAt(chat bot.ChatID, user bot.MemberID, joined time.Time) (Stint, error) {
	return first[Stint](r.db.Where("chat_id = ? AND user_id = ? AND joined_at = ?", string(chat), string(user), ms(joined)))
}

// Stint returns one stay.
func (r Reader) Stint(id int64) (Stint, error) {
	return first[Stint](r.db.Where("id = ?", id))
}

// samePerson are the user ids of one person, from a user id and a union id: whoever shares a
// known union id with one of them is the same. The index of union ids leaves out the empty ones,
// and is only used when the question does so too.
const samePerson = `WITH RECURSIVE person (user_id) AS (
	SELECT CAST(? AS TEXT) UNION SELECT user_id FROM stint WHERE union_id = ? AND union_id <> ''
	UNION SELECT other.user_id FROM person JOIN stint AS mine ON mine.user_id = person.user_id AND mine.union_id <> ''
		JOIN stint AS other ON other.union_id = mine.union_id AND other.union_id <> ''
) SELECT user_id FROM person`

// PersonStints lists all stays of one person in all groups, oldest first. Two stays are of
// one person when they share the user id or a known union id, and so is whatever either of them
// shares with a third.
func (r Reader) PersonStints(user bot.MemberID, unionID string) ([]Stint, error) {
	stints, err := all[Stint](r.db.Where("user_id IN ("+samePerson+")", string(user), unionID))
	if err != nil {
		return nil, err
	}
	sortStints(stints)
	return stints, nil
}

// PresentPerson lists the stays that go on of a person named by user id or union id.
func (r Reader) PresentPerson(person string) ([]Stint, error) {
	return all[Stint](r.db.Where("left_at IS NULL AND (user_id = ? OR union_id = ? AND union_id <> '')", person, person).Order("id"))
}

// JoinCount counts the joins that carried a channel's state.
func (r Reader) JoinCount(state string) (int64, error) {
	var n int64
	err := r.db.Table("stint").Where("state = ? AND state <> '' AND kind = ?", state, string(bot.Customer)).Count(&n).Error
	return n, err
}

// ReopenStint takes back the end of a stay that the group shows to go on.
func (tx *Tx) ReopenStint(id int64) error {
	return one(tx.db.Exec(`UPDATE stint SET left_at = NULL, left_how = '' WHERE id = ?`, id))
}

// StintsAfter lists stays in the order they were written, from behind an id.
func (r Reader) StintsAfter(id int64, limit int) ([]Stint, error) {
	return all[Stint](limited(r.db.Where("id > ?", id).Order("id"), limit))
}

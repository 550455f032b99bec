package store

import (
	"cmp"
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

// What a code is for. Referral codes belong to customers and are made in a way of their own.
const (
	PurposeCashier  = "cashier"
	PurposeTill     = "till"
	PurposePoster   = "poster"
	PurposeStore    = "store"
	PurposeReferral = "referral"
)

// Conditions of a code, as its groups were when it was last looked at.
const (
	CodeLive       = "live"
	CodeNearlyFull = "nearly_full" // no group has room beyond the last few places
	CodeFull       = "full"        // nobody gets into any of its groups by it
	CodeDead       = "dead"        // all its groups were dissolved
)

// Channel is a QR code with an owner.
type Channel struct {
	ID         int64
	Name       string
	Kind       string
	Staff      string // whom its joins count for now; empty: only for the shop, or for the referrer
	State      string
	ChatIDs    []string `gorm:"serializer:json;column:chat_ids"`
	AutoCreate bool
	BaseName   string
	ConfigID   string
	QRCode     string `gorm:"column:qr_code"`
	Status     string
	CreatedAt  time.Time `gorm:"serializer:ms"`
	DeletedAt  time.Time `gorm:"serializer:ms"`

	ShopID      string
	Place       string // where it hangs, such as 3号收银台
	Purpose     string
	Code        string    // the slug of its public page, /q/{code}
	Threshold   int       // people from whom on a group counts as nearly full
	NextChatIDs []string  `gorm:"serializer:json;column:next_chat_ids"` // groups in reserve, in their order
	Referrer    string    // the customer whose personal code it is
	HomeChat    string    // the group that a personal code was asked for
	Condition   string    // live, nearly_full, full or dead
	Alarm       string    // why, for people; empty: nothing is wrong
	LookAt      time.Time `gorm:"serializer:ms"` // when the duty is to look at it; zero: no need
	AskedAt     time.Time `gorm:"serializer:ms"` // when somebody was asked for a new group; zero: nobody is
	AskedKey    string    // the key of the action that asked
	LeaseOwner  string    // who is changing it at the platform, or was cut off doing so
}

// TableName is the table of channels.
func (Channel) TableName() string { return "channel" }

// DefaultThreshold is from how many people on a group counts as nearly full.
const DefaultThreshold = 190

// AddChannel writes a channel with its first owner and sets its ID.
func (tx *Tx) AddChannel(c *Channel) error {
	c.CreatedAt = tx.Now
	c.ChatIDs, c.NextChatIDs = notNil(c.ChatIDs), notNil(c.NextChatIDs)
	c.Condition, c.Purpose = cmp.Or(c.Condition, CodeLive), cmp.Or(c.Purpose, PurposeCashier)
	c.Threshold = cmp.Or(c.Threshold, DefaultThreshold)
	if err := tx.db.Create(c).Error; err != nil {
		return err
	}
	if err := tx.linkChats(c.ID, c.ChatIDs); err != nil {
		return err
	}
	return tx.AddChannelOwner(ChannelOwner{ChannelID: c.ID, Staff: c.Staff, ShopID: c.ShopID})
}

// linkChats keeps by group which codes lead to it.
func (tx *Tx) linkChats(id int64, chats []string) error {
	if err := tx.db.Exec(`DELETE FROM channel_chat WHERE channel_id = ?`, id).Error; err != nil {
		return err
	}
	for _, chat := range chats {
		if err := tx.db.Exec(`INSERT INTO channel_chat (chat_id, channel_id) VALUES (?,?) ON CONFLICT DO NOTHING`, chat, id).Error; err != nil {
			return err
		}
	}
	return nil
}

// OpenChannel records the code that the platform made for a channel.
func (tx *Tx) OpenChannel(id int64, configID, qrCode string) error {
	return one(tx.db.Exec(`UPDATE channel SET config_id = ?, qr_code = ?, status = 'active', look_at = ? WHERE id = ? AND status = 'making'`,
		configID, qrCode, tx.Now.UnixMilli(), id))
}

// CloseChannel marks a channel as deleted. Its state stays taken for ever.
func (tx *Tx) CloseChannel(id int64) error {
	if err := tx.linkChats(id, nil); err != nil {
		return err
	}
	return one(tx.db.Exec(`UPDATE channel SET status = 'deleted', deleted_at = ?, look_at = NULL WHERE id = ? AND status <> 'deleted'`, tx.Now.UnixMilli(), id))
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

// ChannelByCode returns the channel whose public page has a slug, deleted ones too.
func (r Reader) ChannelByCode(code string) (Channel, error) {
	if code == "" {
		return Channel{}, ErrNotFound
	}
	return first[Channel](r.db.Where("code = ? AND code <> ''", code))
}

// Channels lists the channels that were not deleted, from behind the id cursor; personal
// codes of customers are not among them.
func (r Reader) Channels(cursor int64, limit int) ([]Channel, error) {
	return all[Channel](limited(r.db.Where("id > ? AND status = ? AND purpose <> ?", cursor, ChannelActive, PurposeReferral).Order("id"), limit))
}

// ChannelOwner says whom the joins of a code count for from a moment on.
type ChannelOwner struct {
	ChannelID int64  `gorm:"primaryKey;autoIncrement:false"`
	FromAt    int64  `gorm:"primaryKey;autoIncrement:false"` // milliseconds; 0: from the beginning
	Staff     string // may be empty
	ShopID    string // may be empty
}

// TableName is the table of owners of codes.
func (ChannelOwner) TableName() string { return "channel_owner" }

// AddChannelOwner records whose a code is from a moment on.
func (tx *Tx) AddChannelOwner(o ChannelOwner) error {
	return tx.db.Exec(`INSERT INTO channel_owner (channel_id, from_at, staff, shop_id) VALUES (?,?,?,?)
		ON CONFLICT (channel_id, from_at) DO UPDATE SET staff = excluded.staff, shop_id = excluded.shop_id`,
		o.ChannelID, o.FromAt, o.Staff, o.ShopID).Error
}

// ChannelOwnerAt returns whose a code was at a moment.
func (r Reader) ChannelOwnerAt(id int64, at time.Time) (ChannelOwner, error) {
	return first[ChannelOwner](r.db.Where("channel_id = ? AND from_at <= ?", id, at.UnixMilli()).Order("from_at DESC"))
}

// ClaimChannel takes the right to change an active code at the platform; ErrStale says that
// somebody else has it. Whoever loses it by a crash leaves a code that is looked at then.
func (tx *Tx) ClaimChannel(id int64, owner string, lease time.Duration) error {
	until := tx.Now.Add(lease).UnixMilli()
	return one(tx.db.Exec(`UPDATE channel SET lease_owner = ?, lease_until = ?, look_at = ? WHERE id = ? AND status = 'active' AND lease_until <= ?`,
		owner, until, until, id, tx.Now.UnixMilli()))
}

// ReleaseChannel gives the right back and says when the code is to be looked at next; zero:
// no need. A claim that was lost is ErrStale.
func (tx *Tx) ReleaseChannel(id int64, owner string, look time.Time) error {
	return one(tx.db.Exec(`UPDATE channel SET lease_owner = '', lease_until = 0, look_at = ? WHERE id = ? AND lease_owner = ?`, ms(look), id, owner))
}

// DropChannel gives the right back although nobody knows what the platform has now: the code
// is looked at again at a time, and read there first.
func (tx *Tx) DropChannel(id int64, owner string, look time.Time) error {
	return one(tx.db.Exec(`UPDATE channel SET lease_until = 0, look_at = ? WHERE id = ? AND lease_owner = ?`, ms(look), id, owner))
}

// EditChannel writes what the house alone decides of a code.
func (tx *Tx) EditChannel(c Channel) error {
	c.NextChatIDs = notNil(c.NextChatIDs)
	return one(tx.db.Model(&c).Where("id = ?", c.ID).Select("Name", "Staff", "ShopID", "Place", "Purpose", "Threshold", "NextChatIDs").Updates(&c))
}

// SaveWay writes what the platform has of a group code, and the reserve that is left.
func (tx *Tx) SaveWay(c Channel) error {
	c.ChatIDs, c.NextChatIDs = notNil(c.ChatIDs), notNil(c.NextChatIDs)
	if err := tx.linkChats(c.ID, c.ChatIDs); err != nil {
		return err
	}
	return one(tx.db.Model(&c).Where("id = ?", c.ID).Select("ChatIDs", "NextChatIDs", "AutoCreate", "BaseName").Updates(&c))
}

// SaveCondition writes how a code is, whether somebody is asked, and when to look again.
func (tx *Tx) SaveCondition(c Channel) error {
	return one(tx.db.Model(&c).Where("id = ? AND status = ?", c.ID, ChannelActive).Select("Condition", "Alarm", "AskedAt", "AskedKey", "LookAt").Updates(&c))
}

// DueChannels lists the codes to look at, by time.
func (r Reader) DueChannels(now time.Time, limit int) ([]Channel, error) {
	return all[Channel](r.db.Where("look_at IS NOT NULL AND look_at <= ?", now.UnixMilli()).Order("look_at, id").Limit(limit))
}

// NextChannelLook returns when the next code is to be looked at.
func (r Reader) NextChannelLook() (at time.Time, ok bool, err error) {
	return r.min(`SELECT MIN(look_at) FROM channel WHERE look_at IS NOT NULL`)
}

// LookAtCodesOf has the codes looked at that lead to a group whose size went from one number
// to another: past a code's threshold or the end of what codes let in, or down again.
func (tx *Tx) LookAtCodesOf(chat string, before, after, full int) error {
	now := tx.Now.UnixMilli()
	which, args := "condition <> 'live'", []any{now, now, now, chat} // there may be room again
	if after > before {
		which, args = "threshold > ? AND threshold <= ?", append(args, before, after)
		if before < full && after >= full {
			which, args = "threshold <= ?", append(args[:4], after)
		}
	}
	return tx.db.Exec(`UPDATE channel SET look_at = ? WHERE status = 'active' AND (look_at IS NULL OR look_at > ?) AND lease_until <= ?
		AND id IN (SELECT channel_id FROM channel_chat WHERE chat_id = ?) AND `+which, args...).Error
}

// LookAtAllCodesOf has every code looked at that leads to a group.
func (tx *Tx) LookAtAllCodesOf(chat string) error {
	return tx.db.Exec(`UPDATE channel SET look_at = ? WHERE status = 'active' AND (look_at IS NULL OR look_at > ?) AND lease_until <= ?
		AND id IN (SELECT channel_id FROM channel_chat WHERE chat_id = ?)`, tx.Now.UnixMilli(), tx.Now.UnixMilli(), tx.Now.UnixMilli(), chat).Error
}

// LookAtWaitingCodes has the codes looked at that lack room: there is a group more that might
// be put in.
func (tx *Tx) LookAtWaitingCodes() error {
	return tx.db.Exec(`UPDATE channel SET look_at = ? WHERE status = 'active' AND condition <> 'live' AND (look_at IS NULL OR look_at > ?) AND lease_until <= ?`,
		tx.Now.UnixMilli(), tx.Now.UnixMilli(), tx.Now.UnixMilli()).Error
}

// LookAtTightCodes has the codes looked at that lack room or lead to a group that does, as
// far as the books know: a net below what events say. Personal codes are left to the events.
func (tx *Tx) LookAtTightCodes() error {
	return tx.db.Exec(`UPDATE channel SET look_at = ? WHERE status = 'active' AND kind = 'group_qr' AND purpose <> 'referral' AND look_at IS NULL
		AND (condition <> 'live' OR EXISTS (SELECT 1 FROM channel_chat AS l JOIN chat ON chat.chat_id = l.chat_id WHERE l.channel_id = channel.id
			AND (chat.status = 'dismissed' OR chat.customers + chat.staff >= channel.threshold
				OR (SELECT COUNT(*) FROM stint WHERE stint.chat_id = l.chat_id AND stint.join_scene = 'qr') >= channel.threshold)))`, tx.Now.UnixMilli()).Error
}

// QRJoins counts the joins of a group by code, those who left too.
func (r Reader) QRJoins(chat string) (int, error) {
	var n int64
	err := r.db.Table("stint").Where("chat_id = ? AND join_scene = 'qr'", chat).Count(&n).Error
	return int(n), err
}

// CodesOf counts the active codes that lead to a group; personal ones are not counted.
func (r Reader) CodesOf(chat string) (int64, error) {
	var n int64
	err := r.db.Raw(`SELECT COUNT(*) FROM channel_chat AS l JOIN channel ON channel.id = l.channel_id
		WHERE l.chat_id = ? AND channel.status = 'active' AND channel.purpose <> ?`, chat, PurposeReferral).Scan(&n).Error
	return n, err
}

// AskAgain forgets that somebody was asked by an action that did not arrive.
func (tx *Tx) AskAgain(key string, look time.Time) error {
	return tx.db.Exec(`UPDATE channel SET asked_key = '', look_at = ? WHERE asked_key = ? AND status = 'active'`, look.UnixMilli(), key).Error
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

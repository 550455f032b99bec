package store

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// sortStints orders stays by join time; stays of one second by group, then person, so that
// everybody counts them alike.
func sortStints(stints []Stint) {
	slices.SortFunc(stints, func(a, b Stint) int {
		return cmp.Or(a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.ChatID, b.ChatID), cmp.Compare(a.UserID, b.UserID))
	})
}

// StaffRow is a member of staff as far as is known.
type StaffRow struct {
	UserID   string `gorm:"primaryKey"`
	Name     string
	Follows  bool      // may have customers
	SyncedAt time.Time `gorm:"serializer:ms"`
	Status   bot.StaffStatus
	LookedAt time.Time `gorm:"serializer:ms"` // when Status was read; zero: never
}

// TableName is the table of staff.
func (StaffRow) TableName() string { return "staff" }

// Staff returns one member of staff.
func (r Reader) Staff(id bot.UserID) (StaffRow, error) {
	return first[StaffRow](r.db.Where("user_id = ?", string(id)))
}

// IsStaff reports whether a person is known to belong to the company.
func (r Reader) IsStaff(id bot.MemberID) (bool, error) {
	_, err := r.Staff(bot.UserID(id))
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// AllStaff lists everybody who is known to work for the company, by user id.
func (r Reader) AllStaff() ([]StaffRow, error) {
	return all[StaffRow](r.db.Order("user_id"))
}

// Owners lists the members of staff who may have customers.
func (r Reader) Owners() ([]string, error) {
	return pluck[string](r.db.Table("staff").Where("follows = ?", true).Order("user_id"), "user_id")
}

// NameStaff writes a member of staff's name; an empty name does not erase a known one.
func (tx *Tx) NameStaff(id bot.UserID, name string) error {
	return tx.db.Exec(`INSERT INTO staff (user_id, name, follows) VALUES (?,?,?)
		ON CONFLICT (user_id) DO UPDATE SET name = CASE WHEN excluded.name = '' THEN staff.name ELSE excluded.name END`,
		string(id), name, false).Error
}

// SaveFollower records that a member of staff may have customers. Nobody loses that mark
// because a list was short.
func (tx *Tx) SaveFollower(id bot.UserID) error {
	return tx.db.Exec(`INSERT INTO staff (user_id, name, follows, synced_at) VALUES (?,'',?,?)
		ON CONFLICT (user_id) DO UPDATE SET follows = excluded.follows, synced_at = excluded.synced_at`,
		string(id), true, tx.Now.UnixMilli()).Error
}

// OwnersToLookAt lists owners of active groups whose status was not read since a moment, those
// who were looked at longest ago first.
func (r Reader) OwnersToLookAt(since time.Time, limit int) ([]string, error) {
	var out []string
	err := r.db.Raw(`SELECT g.owner FROM (SELECT DISTINCT owner FROM chat WHERE status = 'active' AND owner <> '') AS g
		LEFT JOIN staff ON staff.user_id = g.owner WHERE COALESCE(staff.looked_at, 0) < ?
		ORDER BY COALESCE(staff.looked_at, 0), g.owner LIMIT ?`, since.UnixMilli(), limit).Scan(&out).Error
	return out, err
}

// SaveStaffStatus writes what was read of a member of staff; an empty name does not erase a
// known one, an empty status does: it is not known any more.
func (tx *Tx) SaveStaffStatus(m bot.StaffMember) error {
	return tx.db.Exec(`INSERT INTO staff (user_id, name, follows, status, looked_at) VALUES (?,?,?,?,?)
		ON CONFLICT (user_id) DO UPDATE SET name = CASE WHEN excluded.name = '' THEN staff.name ELSE excluded.name END,
		status = excluded.status, looked_at = excluded.looked_at`,
		string(m.ID), m.Name, false, string(m.Status), tx.Now.UnixMilli()).Error
}

// Contact is one time that a customer and a member of staff became contacts.
type Contact struct {
	Customer  string
	UserID    string
	AddedAt   time.Time `gorm:"serializer:ms"`
	State     string
	RemovedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of contacts.
func (Contact) TableName() string { return "contact" }

// AddContact records a contact; a known one is left alone.
func (tx *Tx) AddContact(c Contact) error {
	return tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&c).Error
}

// EndContact records that a contact ended.
func (tx *Tx) EndContact(customer bot.ExternalUserID, user bot.UserID, at time.Time) error {
	return tx.db.Exec(`UPDATE contact SET removed_at = ? WHERE customer = ? AND user_id = ? AND removed_at IS NULL AND added_at <= ?`,
		at.UnixMilli(), string(customer), string(user), at.UnixMilli()).Error
}

// Contacts lists the times a customer was added by anybody, newest first.
func (r Reader) Contacts(customer bot.ExternalUserID) ([]Contact, error) {
	return all[Contact](r.db.Where("customer = ?", string(customer)).Order("added_at DESC, user_id"))
}

// AllContacts lists every time that anybody was added, oldest first.
func (r Reader) AllContacts() ([]Contact, error) {
	return all[Contact](r.db.Order("added_at, user_id, customer"))
}

// ContactCount counts the contacts that carried a channel's state.
func (r Reader) ContactCount(state string) (int64, error) {
	var n int64
	err := r.db.Table("contact").Where("state = ? AND state <> ''", state).Count(&n).Error
	return n, err
}

// Shop is a retail store; the API calls it a store.
type Shop struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	Region    string
	Manager   string
	Staff     []string  `gorm:"serializer:json"`
	CreatedAt time.Time `gorm:"serializer:ms"`
	UpdatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of shops.
func (Shop) TableName() string { return "shop" }

// PutShop writes a shop, new or known.
func (tx *Tx) PutShop(s Shop) error {
	s.CreatedAt, s.UpdatedAt = tx.Now, tx.Now
	s.Staff = notNil(s.Staff)
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"name", "region", "manager", "staff", "updated_at"}),
	}).Create(&s).Error
}

// Shop returns one shop.
func (r Reader) Shop(id string) (Shop, error) {
	return first[Shop](r.db.Where("id = ?", id))
}

// Shops lists shops by id, from behind the cursor.
func (r Reader) Shops(cursor string, limit int) ([]Shop, error) {
	return all[Shop](limited(r.db.Where("id > ?", cursor).Order("id"), limit))
}

func limited(q *gorm.DB, limit int) *gorm.DB {
	if limit > 0 {
		return q.Limit(limit)
	}
	return q
}

// ShopOfStaff returns the shop that a member of staff manages or works in; the first by id
// where there are several.
func (r Reader) ShopOfStaff(user string) (Shop, error) {
	q, err := r.ofStaff(user)
	if err != nil {
		return Shop{}, err
	}
	return first[Shop](q)
}

// ofStaff selects the shops that a member of staff manages or works in, by id.
func (r Reader) ofStaff(user string) (*gorm.DB, error) {
	quoted, err := json.Marshal(user)
	if err != nil {
		return nil, err
	}
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(string(quoted))
	return r.db.Where(`manager = ? OR staff LIKE ? ESCAPE '\'`, user, "%"+escaped+"%").Order("id"), nil
}

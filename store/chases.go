package store

import (
	"time"

	"gorm.io/gorm/clause"
)

// Chase is what is still to be done so that an occurrence is confirmed in time: a row for each
// owner who has tasks, and one with an empty owner for the managers of the stores.
type Chase struct {
	OccurrenceID int64     `gorm:"primaryKey"`
	Owner        string    `gorm:"primaryKey"`
	Step         int       // how much is behind it
	NextAt       time.Time `gorm:"serializer:ms"` // zero: over
	BeganAt      time.Time `gorm:"serializer:ms"` // the first submission
	ClosesAt     time.Time `gorm:"serializer:ms"` // what is not confirmed then is cancelled
	DeclinedAt   time.Time `gorm:"serializer:ms"` // the owner said that they cannot send; zero: did not
}

// TableName is the table of chases.
func (Chase) TableName() string { return "chase" }

// AddChase begins a chase; one that is known is left alone.
func (tx *Tx) AddChase(c Chase) error {
	return tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&c).Error
}

// SaveChase writes how far a chase has come. It fails with ErrStale when its next time is not
// the one that the caller knew.
func (tx *Tx) SaveChase(c Chase, known time.Time) error {
	q := tx.db.Table("chase").Where("occurrence_id = ? AND owner = ?", c.OccurrenceID, c.Owner)
	if known.IsZero() {
		q = q.Where("next_at IS NULL")
	} else {
		q = q.Where("next_at = ?", ms(known))
	}
	return one(q.Updates(map[string]any{"step": c.Step, "next_at": ms(c.NextAt), "declined_at": ms(c.DeclinedAt)}))
}

// Chase returns the chase of one owner of an occurrence, or with an empty owner its managers'.
func (r Reader) Chase(occurrence int64, owner string) (Chase, error) {
	return first[Chase](r.db.Where("occurrence_id = ? AND owner = ?", occurrence, owner))
}

// DueChases lists the chases whose next time has come.
func (r Reader) DueChases(now time.Time, limit int) ([]Chase, error) {
	return all[Chase](r.db.Where("next_at <= ?", ms(now)).Order("next_at, occurrence_id, owner").Limit(limit))
}

// NextChase returns when the next chase goes on; ok is false when none does.
func (r Reader) NextChase() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(next_at) FROM chase")
}

// OwnerTasks lists an owner's tasks of an occurrence by their parts.
func (r Reader) OwnerTasks(occurrence int64, owner string) ([]Task, error) {
	return all[Task](r.db.Where("occurrence_id = ? AND owner = ?", occurrence, owner).Order("part"))
}

// AskAbout has those tasks of an occurrence asked about now that wait for their owners and
// that the platform was not asked about since a moment: those of one owner, or with an empty
// owner of all. It returns how many these are.
func (tx *Tx) AskAbout(occurrence int64, owner string, since time.Time) (int64, error) {
	q := tx.db.Table("task").Where("occurrence_id = ? AND status = ? AND (polled_at IS NULL OR polled_at < ?)", occurrence, TaskSubmitted, ms(since))
	res := where(q, "owner", owner).Updates(map[string]any{"next_poll_at": tx.Now.UnixMilli()})
	return res.RowsAffected, res.Error
}

// Waiting is an owner with groups of a store that wait for their confirmation, or waited for
// it in vain.
type Waiting struct {
	Manager string // of the store
	ShopID  string
	Shop    string // its name
	Owner   string
	Groups  int `gorm:"column:n"`
}

// Unconfirmed lists who has not confirmed an occurrence, by manager, store and owner; groups
// without a store's manager are left out. Deliveries of the given status count.
func (r Reader) Unconfirmed(occurrence int64, status string) ([]Waiting, error) {
	var out []Waiting
	err := r.db.Raw(`SELECT shop.manager, shop.id AS shop_id, shop.name AS shop, delivery.owner, COUNT(*) AS n
		FROM delivery JOIN chat ON chat.chat_id = delivery.chat_id JOIN shop ON shop.id = chat.shop_id JOIN task ON task.id = delivery.task_id
		WHERE delivery.occurrence_id = ? AND delivery.status = ? AND shop.manager <> '' AND task.confirmed_at IS NULL
		GROUP BY shop.manager, shop.id, shop.name, delivery.owner ORDER BY shop.manager, shop.id, delivery.owner`, occurrence, status).Scan(&out).Error
	return out, err
}

// TakeTurn lets a task be submitted if no other planned task of its owner looks like it.
// False means that another one goes first.
func (tx *Tx) TakeTurn(owner, likeness string, task int64) (bool, error) {
	res := tx.db.Exec(`INSERT INTO mass_turn (owner, likeness, task_id) VALUES (?,?,?)
		ON CONFLICT (owner, likeness) DO UPDATE SET task_id = excluded.task_id
		WHERE mass_turn.task_id = excluded.task_id OR NOT EXISTS (SELECT 1 FROM task WHERE task.id = mass_turn.task_id AND task.status = 'planned')`,
		owner, likeness, task)
	return res.RowsAffected == 1, res.Error
}

// EndTurn lets the next task go that looks like this one.
func (tx *Tx) EndTurn(task int64) error {
	return tx.db.Exec(`DELETE FROM mass_turn WHERE task_id = ?`, task).Error
}

// PlannedChats lists the groups of a task that it is still to be submitted for, as they are now.
func (r Reader) PlannedChats(task int64) ([]Chat, error) {
	return all[Chat](r.db.Where(`chat_id IN (SELECT chat_id FROM delivery WHERE task_id = ? AND status = ?)`, task, DeliveryPlanned).Order("chat_id"))
}

// MoveToTask gives one group of a task to another task, which belongs to the group's new owner.
func (tx *Tx) MoveToTask(from int64, chat string, to Task) error {
	return one(tx.db.Exec(`UPDATE delivery SET task_id = ?, owner = ? WHERE task_id = ? AND chat_id = ?`, to.ID, to.Owner, from, chat))
}

// KnownMassMessages returns which of some mass messages belong to tasks.
func (r Reader) KnownMassMessages(msgIDs []string) (map[string]bool, error) {
	known := map[string]bool{}
	err := chunked(msgIDs, func(part []string) error {
		ids, err := pluck[string](r.db.Table("task").Where("msgid IN ? AND msgid <> ''", part), "msgid")
		for _, id := range ids {
			known[id] = true
		}
		return err
	})
	return known, err
}

// OpenTasks counts the tasks that the platform is still asked about.
func (r Reader) OpenTasks() (int64, error) {
	var n int64
	// In two parts, as the indices are.
	err := r.db.Raw(`SELECT (SELECT COUNT(*) FROM task WHERE next_poll_at IS NOT NULL AND lease_until IS NULL) +
		(SELECT COUNT(*) FROM task WHERE next_poll_at IS NOT NULL AND lease_until IS NOT NULL)`).Scan(&n).Error
	return n, err
}

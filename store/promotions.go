package store

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// States of promotions, occurrences, tasks and deliveries.
const (
	PromotionActive   = "active"
	PromotionPaused   = "paused"
	PromotionEnded    = "ended"
	PromotionProposed = "proposed" // waits for a second person
	PromotionRejected = "rejected" // by the second person; it may be changed and proposed again

	OccurrencePlanned = "planned"
	OccurrenceRunning = "running"
	OccurrenceDone    = "done"
	OccurrenceMissed  = "missed"  // its time passed while nothing could be sent
	OccurrenceSkipped = "skipped" // left out on purpose

	TaskPlanned   = "planned"   // to be made
	TaskSubmitted = "submitted" // made; the owner has not confirmed
	TaskConfirmed = "confirmed" // the owner confirmed; groups may still be without a result
	TaskClosed    = "closed"    // every group has its final result
	TaskFailed    = "failed"    // refused
	TaskCancelled = "cancelled"

	DeliveryPlanned   = "planned"
	DeliverySubmitted = "submitted"
	DeliverySent      = "sent"
	DeliveryFailed    = "failed"
	DeliveryUnsent    = "unsent" // the owner confirmed, but this group was not among those reached
	DeliveryCancelled = "cancelled"
	DeliveryBlocked   = "blocked" // not even tried: its quota is used up
)

// Product is one line of a promotion's offer.
type Product struct {
	Name     string `json:"name"`
	PriceFen int64  `json:"price_fen"`
	WasFen   int64  `json:"was_fen,omitempty"`
	Stock    *int64 `json:"stock,omitempty"` // nil: not said
	Limit    int64  `json:"limit,omitempty"` // per person; 0: none
	ImageURL string `json:"image_url,omitempty"`
	Media    string `json:"media,omitempty"` // id of its picture in the library
}

// SoldOut reports whether nothing is left of a product.
func (p Product) SoldOut() bool { return p.Stock != nil && *p.Stock == 0 }

// PromotionSpec is a promotion as it was posted.
type PromotionSpec struct {
	Name     string       `json:"name"`
	Schedule ScheduleSpec `json:"schedule"`
	Targets  TargetSpec   `json:"targets"`
	Message  bot.Message  `json:"message"`
	Products []Product    `json:"products"`
	Link     *LinkSpec    `json:"link,omitempty"` // what {link} stands for
	// ConfirmWithin is how long owners may confirm, such as 12h; what they have not confirmed
	// then is cancelled.
	ConfirmWithin string `json:"confirm_within,omitempty"`
	// Approval says that nothing is posted until a second person agreed to this version.
	Approval bool `json:"approval,omitempty"`
}

// ScheduleSpec says when a promotion is posted.
type ScheduleSpec struct {
	Cron     string     `json:"cron"` // minute hour day month weekday, or words such as 每周一三五 10:00
	Timezone string     `json:"timezone"`
	StartsOn string     `json:"starts_on,omitempty"` // 2026-11-23, in the zone
	EndsOn   string     `json:"ends_on,omitempty"`   // the last day, included
	Days     string     `json:"days,omitempty"`      // all (also empty), workdays, no_holidays, holidays
	Blackout []string   `json:"blackout,omitempty"`  // days without it: 2026-12-24 or 2026-12-24/2026-12-26
	Quiet    *Hours     `json:"quiet,omitempty"`     // hours without it; nil: the company's
	Missed   MissedSpec `json:"missed"`
}

// Hours are those of every day from one wall-clock time to another, which may be on the next day.
type Hours struct {
	From string `json:"from"` // 22:00
	To   string `json:"to"`   // 08:00, excluded
}

// MissedSpec says what becomes of a slot whose time passed while nothing could be sent.
type MissedSpec struct {
	Policy string `json:"policy"` // skip, send_within or next_slot
	Within string `json:"within,omitempty"`
}

// TargetSpec selects what a promotion is posted in, at the moment of an occurrence. What takes a
// group in is called by the first that holds: "chat", "label:…", "store:…", "owner:…" or "all".
type TargetSpec struct {
	Selection
	All      bool      `json:"all"`
	Exclude  Selection `json:"exclude"`
	AppChats []string  `json:"app_chats,omitempty"` // staff chats that the app owns
	Robots   []int64   `json:"robots,omitempty"`    // robots of internal groups
}

// Selection names customer groups in several ways; one that holds is enough.
type Selection struct {
	ChatIDs []string `json:"chat_ids"`
	Labels  []string `json:"labels"`
	Stores  []string `json:"stores"`
	Owners  []string `json:"owners,omitempty"`
}

// LinkSpec is the address behind {link}.
type LinkSpec struct {
	URL string `json:"url"`
	Per string `json:"per,omitempty"` // what has a link of its own: promotion, owner, store, group
}

// Promotion is a plan to post something again and again.
type Promotion struct {
	ID        int64
	Name      string
	Status    string
	Spec      PromotionSpec `gorm:"serializer:json"`
	NextAt    time.Time     `gorm:"serializer:ms"` // zero: no further occurrence
	CreatedAt time.Time     `gorm:"serializer:ms"`
	UpdatedAt time.Time     `gorm:"serializer:ms"`
	// Version counts how often Spec was written, from 1; By is who wrote this version, and
	// ApprovedBy who else agreed to it (empty: nobody).
	Version    int64
	By         string `gorm:"column:put_by"`
	ApprovedBy string
}

// TableName is the table of promotions.
func (Promotion) TableName() string { return "promotion" }

// AddPromotion writes a promotion and sets its ID. Where By is empty the API wrote it.
func (tx *Tx) AddPromotion(p *Promotion) error { return tx.addPromotion(p, ChangeCreated, "") }

// CopyPromotion is AddPromotion for a copy of another promotion.
func (tx *Tx) CopyPromotion(p *Promotion, of int64) error {
	return tx.addPromotion(p, ChangeCopied, fmt.Sprintf("promotion %d", of))
}

func (tx *Tx) addPromotion(p *Promotion, what, note string) error {
	if p.By == "" {
		p.By = ByAPI
	}
	p.CreatedAt, p.UpdatedAt, p.Version = tx.Now, tx.Now, 1
	if err := tx.db.Create(p).Error; err != nil {
		return err
	}
	if err := tx.lookAgain(p.ID, p.NextAt); err != nil {
		return err
	}
	return tx.AddPromotionChange(PromotionChange{PromotionID: p.ID, Who: p.By, What: what, Version: p.Version, Note: note, Spec: &p.Spec})
}

// MovePromotion sets a promotion's status and next occurrence. It fails with ErrStale when
// either, or its version, changed since p was read.
func (tx *Tx) MovePromotion(p Promotion, status string, next time.Time) error {
	if err := one(tx.samePromotion(p).Updates(map[string]any{"status": status, "next_at": ms(next), "updated_at": tx.Now.UnixMilli()})); err != nil {
		return err
	}
	return tx.lookAgain(p.ID, next)
}

func (tx *Tx) samePromotion(p Promotion) *gorm.DB {
	q := tx.db.Table("promotion").Where("id = ? AND status = ? AND version = ?", p.ID, p.Status, p.Version)
	if p.NextAt.IsZero() {
		return q.Where("next_at IS NULL")
	}
	return q.Where("next_at = ?", ms(p.NextAt))
}

// Promotion returns one promotion.
func (r Reader) Promotion(id int64) (Promotion, error) {
	return first[Promotion](r.db.Where("id = ?", id))
}

// Promotions lists promotions from behind the id cursor.
func (r Reader) Promotions(cursor int64, limit int) ([]Promotion, error) {
	return all[Promotion](limited(r.db.Where("id > ?", cursor).Order("id"), limit))
}

// OpenPromotions lists the promotions that have not ended.
func (r Reader) OpenPromotions() ([]Promotion, error) {
	return all[Promotion](r.db.Where("status <> ?", PromotionEnded).Order("id"))
}

// DuePromotions lists promotions whose next occurrence has come.
func (r Reader) DuePromotions(now time.Time) ([]Promotion, error) {
	return all[Promotion](r.db.Where("next_at <= ?", ms(now)).Order("next_at, id"))
}

// ComingPromotions lists promotions whose next occurrence is still to come.
func (r Reader) ComingPromotions(now time.Time) ([]Promotion, error) {
	return all[Promotion](r.db.Where("next_at > ?", ms(now)).Order("id"))
}

// NextPromotion returns when the next occurrence of any promotion is; ok is false when
// there is none.
func (r Reader) NextPromotion() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(next_at) FROM promotion")
}

func (r Reader) min(query string, args ...any) (at time.Time, ok bool, err error) {
	var due *int64
	if err := r.db.Raw(query, args...).Scan(&due).Error; err != nil || due == nil {
		return time.Time{}, false, err
	}
	return fromMS(*due), true, nil
}

// Occurrence is one slot of a promotion.
type Occurrence struct {
	ID          int64
	PromotionID int64
	At          time.Time `gorm:"serializer:ms"`
	Status      string
	Reason      string
	// Message is what goes out. Placeholders of what differs from group to group stand in it
	// still; the tasks' actions hold what each group gets.
	Message   bot.Message   `gorm:"serializer:json"`
	Spec      PromotionSpec `gorm:"serializer:json"` // the promotion when the slot came; not in lists
	Cursor    GroupCursor   `gorm:"embedded;embeddedPrefix:cursor_"`
	CreatedAt time.Time     `gorm:"serializer:ms"`
	DoneAt    time.Time     `gorm:"serializer:ms"`
	// StoppingAt is since when the tasks that are not submitted are being cancelled; zero: none is.
	StoppingAt time.Time `gorm:"serializer:ms"`
	Version    int64     // of the promotion that it goes by; 0: not kept then
	SummedAt   time.Time `gorm:"serializer:ms"` // since when its funnel is in the promotion's sums; zero: not yet
}

// GroupCursor is how far an occurrence's planning has come among the groups, which are
// ordered by owner and id.
type GroupCursor struct {
	Owner  string
	ChatID string
}

// TableName is the table of occurrences.
func (Occurrence) TableName() string { return "occurrence" }

// AddOccurrence writes a slot of a promotion; a known one is left alone and returns false.
func (tx *Tx) AddOccurrence(o *Occurrence) (bool, error) {
	o.CreatedAt = tx.Now
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(o)
	return res.RowsAffected == 1, res.Error
}

// LockOccurrence keeps everybody else from planning or ending an occurrence until the
// transaction ends.
func (tx *Tx) LockOccurrence(id int64) error { return tx.hold("occurrence", id) }

// hold keeps a row for a transaction. SQLite has one writer anyway. Other rows may still begin
// to refer to it: who plans an occurrence refers to its promotion, and who pauses that holds
// the promotion and wants the occurrence.
func (tx *Tx) hold(table string, id int64) error {
	if tx.dialect == sqlite {
		return nil
	}
	return tx.db.Exec(`SELECT 1 FROM `+table+` WHERE id = ? FOR NO KEY UPDATE`, id).Error
}

// MoveOccurrence records how far an occurrence's planning has come; running means that it is
// over. It fails with ErrStale when the occurrence is not being planned.
func (tx *Tx) MoveOccurrence(id int64, status string, cursor GroupCursor) error {
	return one(tx.db.Exec(`UPDATE occurrence SET status = ?, cursor_owner = ?, cursor_chat_id = ? WHERE id = ? AND status = 'planned'`,
		status, cursor.Owner, cursor.ChatID, id))
}

// EndOccurrence ends a running occurrence if none of its tasks and outlets is open any more.
// An empty reason leaves the one that is there. The caller must have locked it, or two that close the last two would each see the other's.
func (tx *Tx) EndOccurrence(id int64, reason string) error {
	return tx.db.Exec(`UPDATE occurrence SET status = 'done', reason = COALESCE(NULLIF(?, ''), reason), done_at = ? WHERE id = ? AND status = 'running' AND NOT EXISTS (
		SELECT 1 FROM task WHERE occurrence_id = ? AND status IN ('planned', 'submitted', 'confirmed')) AND NOT EXISTS (
		SELECT 1 FROM delivery WHERE occurrence_id = ? AND outlet <> '' AND status = 'planned')`, reason, tx.Now.UnixMilli(), id, id, id).Error
}

// StopOccurrence takes back, all at once, the actions of an occurrence's planned tasks that
// have not been started: nothing more of it goes out. The tasks are left to be cancelled. The
// key of a task's action is its id behind a prefix.
func (tx *Tx) StopOccurrence(id int64, prefix, reason string) error {
	res := tx.db.Exec(`UPDATE outbox SET state = 'cancelled', done_at = ? WHERE state = 'pending' AND key IN (
		SELECT CAST(? AS TEXT) || CAST(id AS TEXT) FROM task WHERE occurrence_id = ? AND status = 'planned')`, tx.Now.UnixMilli(), prefix, id)
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	return one(tx.db.Exec(`UPDATE occurrence SET stopping_at = ?, reason = ? WHERE id = ?`, tx.Now.UnixMilli(), reason, id))
}

// StoppedTasks lists planned tasks of an occurrence whose action was taken back.
func (r Reader) StoppedTasks(occurrence int64, prefix string, limit int) ([]Task, error) {
	// The first condition is that of the index, from which cancelled tasks vanish.
	return all[Task](r.db.Where("occurrence_id = ? AND status IN ('planned', 'submitted', 'confirmed')", occurrence).
		Where("status = 'planned' AND NOT EXISTS (SELECT 1 FROM outbox WHERE key = CAST(? AS TEXT) || CAST(task.id AS TEXT) AND state <> 'cancelled')", prefix).
		Order("id").Limit(limit))
}

// OccurrenceStopped records that all tasks that were taken back are cancelled.
func (tx *Tx) OccurrenceStopped(id int64) error {
	return one(tx.db.Exec(`UPDATE occurrence SET stopping_at = NULL WHERE id = ?`, id))
}

// PlannedOccurrences lists the occurrences whose planning, or stopping, is not over.
func (r Reader) PlannedOccurrences() ([]Occurrence, error) {
	return all[Occurrence](r.db.Omit("Spec").Where(`id IN (SELECT id FROM occurrence WHERE status = 'planned'
		UNION ALL SELECT id FROM occurrence WHERE stopping_at IS NOT NULL)`).Order("at, id"))
}

// NextPlanned returns the time of the first occurrence whose planning, or stopping, is not
// over; ok is false when there is none.
func (r Reader) NextPlanned() (at time.Time, ok bool, err error) {
	return r.min(`SELECT MIN(at) FROM occurrence WHERE id IN (SELECT id FROM occurrence WHERE status = 'planned'
		UNION ALL SELECT id FROM occurrence WHERE stopping_at IS NOT NULL)`)
}

// Occurrence returns one occurrence.
func (r Reader) Occurrence(id int64) (Occurrence, error) {
	return first[Occurrence](r.db.Where("id = ?", id))
}

// OccurrenceAt returns a promotion's occurrence of a time.
func (r Reader) OccurrenceAt(promotion int64, at time.Time) (Occurrence, error) {
	return first[Occurrence](r.db.Where("promotion_id = ? AND at = ?", promotion, ms(at)))
}

// Occurrences lists a promotion's occurrences from behind a time, oldest first.
func (r Reader) Occurrences(promotion int64, after time.Time, limit int) ([]Occurrence, error) {
	q := r.db.Omit("Spec").Where("promotion_id = ?", promotion).Order("at")
	if !after.IsZero() {
		q = q.Where("at > ?", ms(after))
	}
	return all[Occurrence](limited(q, limit))
}

// Task is one owner's part of an occurrence: what the platform makes a mass message of.
type Task struct {
	ID           int64
	OccurrenceID int64
	Owner        string
	Part         int // an owner with more groups than one task may have gets several parts
	Status       string
	MsgID        string    `gorm:"column:msgid"`
	SubmittedAt  time.Time `gorm:"serializer:ms"`
	ConfirmedAt  time.Time `gorm:"serializer:ms"`
	NextPollAt   time.Time `gorm:"serializer:ms"`
	LeaseUntil   time.Time `gorm:"serializer:ms"` // whoever asks about it has it until then; zero: nobody
	PolledAt     time.Time `gorm:"serializer:ms"` // when the platform was last asked about it
	Polls        int
	Reminders    int
	ClosesAt     time.Time `gorm:"serializer:ms"` // when it is cancelled if nobody confirmed
}

// TableName is the table of tasks.
func (Task) TableName() string { return "task" }

// AddTask writes a task and sets its ID.
func (tx *Tx) AddTask(t *Task) error { return tx.db.Create(t).Error }

// HasTasks reports whether an occurrence has any task.
func (r Reader) HasTasks(occurrence int64) (bool, error) {
	var some bool
	err := r.db.Raw(`SELECT EXISTS (SELECT 1 FROM task WHERE occurrence_id = ?)`, occurrence).Scan(&some).Error
	return some, err
}

// LastParts returns how many parts the tasks of some owners of an occurrence have already,
// of those from one owner to another.
func (r Reader) LastParts(occurrence int64, from, to string) (map[string]int, error) {
	var rows []struct {
		Owner string
		N     int
	}
	err := r.db.Raw(`SELECT owner, MAX(part) AS n FROM task WHERE occurrence_id = ? AND owner >= ? AND owner <= ? GROUP BY owner`,
		occurrence, from, to).Scan(&rows).Error
	out := map[string]int{}
	for _, row := range rows {
		out[row.Owner] = row.N
	}
	return out, err
}

// SaveTask writes how far a task has come, and ends the lease on it. It fails with ErrStale
// when its status is not what the caller knew.
func (tx *Tx) SaveTask(t Task, known string) error {
	t.LeaseUntil = time.Time{}
	return one(tx.db.Model(&t).Where("id = ? AND status = ?", t.ID, known).
		Select("Status", "MsgID", "SubmittedAt", "ConfirmedAt", "NextPollAt", "LeaseUntil", "PolledAt", "Polls", "Reminders", "ClosesAt").Updates(&t))
}

// LeaseTask gives a task that is due to whoever asks about it now. False means that somebody
// else does.
func (tx *Tx) LeaseTask(t Task, until time.Time) (bool, error) {
	res := tx.db.Exec(`UPDATE task SET lease_until = ? WHERE id = ? AND next_poll_at = ? AND (lease_until IS NULL OR lease_until <= ?)`,
		until.UnixMilli(), t.ID, ms(t.NextPollAt), tx.Now.UnixMilli())
	return res.RowsAffected == 1, res.Error
}

// Task returns one task.
func (r Reader) Task(id int64) (Task, error) { return first[Task](r.db.Where("id = ?", id)) }

// TaskByMsgID returns the task that a mass message belongs to.
func (r Reader) TaskByMsgID(msgID string) (Task, error) {
	if msgID == "" {
		return Task{}, ErrNotFound
	}
	return first[Task](r.db.Where("msgid = ? AND msgid <> ''", msgID))
}

// Tasks lists an occurrence's tasks.
func (r Reader) Tasks(occurrence int64) ([]Task, error) {
	return all[Task](r.db.Where("occurrence_id = ?", occurrence).Order("id"))
}

// TasksSince lists the tasks that were submitted since a time and those that are not over.
func (r Reader) TasksSince(t time.Time) ([]Task, error) {
	open := []string{TaskPlanned, TaskSubmitted, TaskConfirmed}
	return all[Task](r.db.Where("submitted_at >= ? OR status IN ?", ms(t), open).Order("id"))
}

// DueTasks lists tasks whose results are to be asked for and that nobody asks for now; first
// those that somebody held who died.
func (r Reader) DueTasks(now time.Time, limit int) ([]Task, error) {
	due, err := all[Task](r.db.Where("lease_until <= ? AND next_poll_at <= ?", ms(now), ms(now)).Order("lease_until, id").Limit(limit))
	if err != nil || len(due) == limit {
		return due, err
	}
	more, err := all[Task](r.db.Where("next_poll_at <= ? AND lease_until IS NULL", ms(now)).Order("next_poll_at, id").Limit(limit - len(due)))
	return append(due, more...), err
}

// NextTask returns when the next task's results are to be asked for, of those that somebody
// asks for now when the lease ends.
func (r Reader) NextTask() (at time.Time, ok bool, err error) {
	return r.min(`SELECT MIN(t) FROM (SELECT MIN(next_poll_at) AS t FROM task WHERE next_poll_at IS NOT NULL AND lease_until IS NULL
		UNION ALL SELECT MIN(CASE WHEN lease_until > next_poll_at THEN lease_until ELSE next_poll_at END) FROM task WHERE lease_until IS NOT NULL) AS due`)
}

// Delivery is one group of one occurrence.
type Delivery struct {
	ID           int64
	OccurrenceID int64
	PromotionID  int64
	TaskID       *int64
	At           time.Time `gorm:"serializer:ms"`
	ChatID       string    // of an outlet: the app chat's id, or robot:7
	Owner        string    // empty for an outlet
	Outlet       string    // app_chat or robot; empty for a group
	Status       string
	Code         int
	Reason       string
	SubmittedAt  time.Time `gorm:"serializer:ms"`
	SentAt       time.Time `gorm:"serializer:ms"`
	Via          string    // what took the group in, see TargetSpec; empty: not kept then
}

// TableName is the table of deliveries.
func (Delivery) TableName() string { return "delivery" }

// AddDeliveries writes groups of an occurrence.
func (tx *Tx) AddDeliveries(ds []Delivery) error {
	if len(ds) == 0 {
		return nil
	}
	if tx.dialect == postgres {
		return tx.db.CreateInBatches(ds, 500).Error
	}
	// One statement writes one row, of which SQLite then keeps no copies of pages, and is read once.
	put, err := tx.db.Statement.ConnPool.PrepareContext(tx.db.Statement.Context, `INSERT INTO delivery
		(occurrence_id, promotion_id, task_id, at, chat_id, owner, outlet, status, code, reason, via) VALUES (?,?,?,?,?,?,?,?,?,?,?)`)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, d := range ds {
		_, err := put.ExecContext(tx.db.Statement.Context, d.OccurrenceID, d.PromotionID, d.TaskID, d.At.UnixMilli(), d.ChatID, d.Owner, d.Outlet, d.Status, d.Code, d.Reason, d.Via)
		if err != nil {
			return err
		}
	}
	return nil
}

// MoveDeliveries changes the status of a task's deliveries that have one of the known
// statuses, or of one chat of it.
func (tx *Tx) MoveDeliveries(task int64, chat string, known []string, d Delivery) (int64, error) {
	q := tx.db.Model(&Delivery{}).Where("task_id = ? AND status IN ?", task, known)
	if chat != "" {
		q = q.Where("chat_id = ?", chat)
	}
	set := map[string]any{"status": d.Status, "code": d.Code, "reason": d.Reason}
	if !d.SubmittedAt.IsZero() {
		set["submitted_at"] = ms(d.SubmittedAt)
	}
	if !d.SentAt.IsZero() {
		set["sent_at"] = ms(d.SentAt)
	}
	res := q.Updates(set)
	return res.RowsAffected, res.Error
}

// DeliveryView is a delivery with what its task knows.
type DeliveryView struct {
	Delivery  `gorm:"embedded"`
	MsgID     string `gorm:"column:msgid"`
	Reminders int
	Name      string // of the group
	ShopID    string // of the store that the group belongs to now
}

// DeliveryFilter selects deliveries of a promotion.
type DeliveryFilter struct {
	Promotion int64
	At        time.Time // zero: all occurrences
	Cursor    int64
	Limit     int
}

// Deliveries lists deliveries in the order they were planned.
func (r Reader) Deliveries(f DeliveryFilter) ([]DeliveryView, error) {
	q := r.db.Table("delivery").Select("delivery.*, task.msgid, task.reminders, chat.name, chat.shop_id").
		Joins("LEFT JOIN task ON task.id = delivery.task_id").Joins("LEFT JOIN chat ON chat.chat_id = delivery.chat_id").
		Where("delivery.promotion_id = ? AND delivery.id > ?", f.Promotion, f.Cursor).Order("delivery.id")
	if !f.At.IsZero() {
		q = q.Where("delivery.occurrence_id = (SELECT id FROM occurrence WHERE promotion_id = ? AND at = ?)", f.Promotion, ms(f.At))
	}
	return all[DeliveryView](limited(q, f.Limit))
}

// Delivery returns one group of one occurrence.
func (r Reader) Delivery(id int64) (Delivery, error) {
	return first[Delivery](r.db.Where("id = ?", id))
}

// TaskDeliveries lists the groups of a task.
func (r Reader) TaskDeliveries(task int64) ([]Delivery, error) {
	return all[Delivery](r.db.Where("task_id = ?", task).Order("id"))
}

// DeliveryCounts counts an occurrence's deliveries by status: all of them, or those in the
// stores of a manager.
func (r Reader) DeliveryCounts(occurrence int64, manager string) (map[string]int, error) {
	q := r.db.Table("delivery").Select("delivery.status, COUNT(*) AS n").Where("occurrence_id = ?", occurrence).Group("delivery.status")
	if manager != "" {
		q = q.Joins("JOIN chat ON chat.chat_id = delivery.chat_id JOIN shop ON shop.id = chat.shop_id").Where("shop.manager = ?", manager)
	}
	var rows []struct {
		Status string
		N      int
	}
	err := q.Scan(&rows).Error
	out := map[string]int{}
	for _, row := range rows {
		out[row.Status] = row.N
	}
	return out, err
}

// OpenOccurrences lists a promotion's occurrences that are not over.
func (r Reader) OpenOccurrences(promotion int64) ([]Occurrence, error) {
	return all[Occurrence](r.db.Omit("Spec").Where("promotion_id = ? AND status IN ?", promotion, []string{OccurrencePlanned, OccurrenceRunning}).Order("at"))
}

// CountReminder counts a reminder of a task.
func (tx *Tx) CountReminder(task int64) error {
	return one(tx.db.Exec(`UPDATE task SET reminders = reminders + 1 WHERE id = ?`, task))
}

// PollTask asks for another look at a task's results.
func (tx *Tx) PollTask(task int64, at time.Time) error {
	return one(tx.db.Exec(`UPDATE task SET next_poll_at = ?, lease_until = NULL WHERE id = ?`, ms(at), task))
}

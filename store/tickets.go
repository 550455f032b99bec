package store

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// Kinds of tickets.
const (
	TicketComplaint = "complaint" // with goods, service, or a threat to complain elsewhere
	TicketRefund    = "refund"    // wants money or goods back
	TicketDissent   = "dissent"   // speaks against the shop or its offers (唱反调)
)

// Ticket states.
const (
	TicketOpen   = "open"
	TicketTaken  = "taken"
	TicketClosed = "closed"
)

// Ticket is something that a customer said in a group and that a person has to answer.
type Ticket struct {
	ID         int64
	Kind       string
	ChatID     string
	Member     string
	MemberName string
	Text       string // what was said first
	Said       int    // how many messages it has
	Status     string
	Who        string // who took it, or closed it
	Note       string
	CaseID     *int64    // it was advertising after all
	Asks       int       // how often people were told
	CreatedAt  time.Time `gorm:"serializer:ms"`
	DueAt      time.Time `gorm:"serializer:ms"` // by when it is to be closed
	NextAt     time.Time `gorm:"serializer:ms"` // when to look at it again; zero: no more
	ClosedAt   time.Time `gorm:"serializer:ms"`
}

// TableName is the table of tickets.
func (Ticket) TableName() string { return "ticket" }

// TicketMessage is one thing that was said in a ticket.
type TicketMessage struct {
	TicketID  int64     `gorm:"primaryKey;autoIncrement:false"`
	MessageID string    `gorm:"primaryKey"`
	SentAt    time.Time `gorm:"serializer:ms"`
	Text      string
}

// TableName is the table of what was said in tickets.
func (TicketMessage) TableName() string { return "ticket_message" }

// TicketStep is one step of a ticket: who did what, when and why.
type TicketStep struct {
	ID       int64
	TicketID int64
	At       time.Time `gorm:"serializer:ms"`
	What     string    // opened, asked, reminded, escalated, taken, closed, spam, failed
	Who      string
	Note     string
}

// TableName is the table of steps of tickets.
func (TicketStep) TableName() string { return "ticket_step" }

// OpenTicket returns the ticket of a member of a group that is not closed.
func (r Reader) OpenTicket(chat bot.ChatID, member bot.MemberID) (Ticket, error) {
	return first[Ticket](r.db.Where("chat_id = ? AND member = ? AND status <> ?", string(chat), string(member), TicketClosed))
}

// AddTicket writes a ticket and sets its ID. A member of a group has one open ticket at most:
// where there is one already nothing is written, and false is returned.
func (tx *Tx) AddTicket(t *Ticket) (bool, error) {
	t.Status, t.CreatedAt = TicketOpen, tx.Now
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(t)
	if res.Error != nil || res.RowsAffected != 1 {
		return false, res.Error
	}
	return true, tx.AddTicketStep(TicketStep{TicketID: t.ID, What: "opened"})
}

// AddTicketMessage keeps something that was said in a ticket, up to a number of messages;
// beyond it is only counted. A message that is known is left alone.
func (tx *Tx) AddTicketMessage(t Ticket, m TicketMessage, most int) error {
	m.TicketID = t.ID
	if t.Said < most {
		res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&m)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
	}
	return one(tx.db.Exec(`UPDATE ticket SET said = said + 1 WHERE id = ?`, t.ID))
}

// AddTicketStep writes down what was done about a ticket, now.
func (tx *Tx) AddTicketStep(s TicketStep) error {
	s.At = tx.Now
	return tx.db.Create(&s).Error
}

// SaveTicket writes how far a ticket has come. It fails with ErrStale when its status is not
// what the caller knew.
func (tx *Tx) SaveTicket(t Ticket, known string) error {
	return one(tx.db.Model(&t).Where("id = ? AND status = ?", t.ID, known).
		Select("Status", "Who", "Note", "CaseID", "Asks", "NextAt", "ClosedAt").Updates(&t))
}

// Ticket returns one ticket.
func (r Reader) Ticket(id int64) (Ticket, error) { return first[Ticket](r.db.Where("id = ?", id)) }

// TicketMessages lists what was said in a ticket, oldest first.
func (r Reader) TicketMessages(id int64) ([]TicketMessage, error) {
	return all[TicketMessage](r.db.Where("ticket_id = ?", id).Order("sent_at, message_id"))
}

// TicketSteps lists what became of a ticket, oldest first.
func (r Reader) TicketSteps(id int64) ([]TicketStep, error) {
	return all[TicketStep](r.db.Where("ticket_id = ?", id).Order("id"))
}

// TicketFilter selects tickets; empty fields select everything.
type TicketFilter struct {
	Status string // open, taken or closed; overdue: not closed in time
	Chat   string
	Shop   string    // the shop whose groups they are of
	Now    time.Time // what overdue goes by
	Cursor int64     // the last id of the page before
	Limit  int
}

// TicketOverdue is what a filter calls tickets that should be closed by now.
const TicketOverdue = "overdue"

func (r Reader) ticketsOf(f TicketFilter) *gorm.DB {
	q := where(r.db.Where("id > ?", f.Cursor).Order("id"), "chat_id", f.Chat)
	if f.Shop != "" {
		q = q.Where("chat_id IN (SELECT chat_id FROM chat WHERE shop_id = ?)", f.Shop)
	}
	if f.Status == TicketOverdue {
		return q.Where("status <> ? AND due_at <= ?", TicketClosed, ms(f.Now))
	}
	return where(q, "status", f.Status)
}

// Tickets lists tickets in the order in which they were opened.
func (r Reader) Tickets(f TicketFilter) ([]Ticket, error) {
	return all[Ticket](limited(r.ticketsOf(f), f.Limit))
}

// DueTickets lists the tickets to look at again.
func (r Reader) DueTickets(now time.Time, limit int) ([]Ticket, error) {
	return all[Ticket](r.db.Where("next_at <= ?", ms(now)).Order("next_at, id").Limit(limit))
}

// NextTicket returns when the next ticket is to be looked at again.
func (r Reader) NextTicket() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(next_at) FROM ticket WHERE next_at IS NOT NULL")
}

// TicketTime is how long a ticket that was closed took.
type TicketTime struct {
	CreatedAt time.Time `gorm:"serializer:ms"`
	DueAt     time.Time `gorm:"serializer:ms"`
	ClosedAt  time.Time `gorm:"serializer:ms"`
}

// TicketTimes lists the times of tickets that were closed since a moment, at most limit of
// them, the latest first.
func (r Reader) TicketTimes(since time.Time, limit int) ([]TicketTime, error) {
	return all[TicketTime](r.db.Table("ticket").Where("status = ? AND closed_at >= ?", TicketClosed, ms(since)).Order("closed_at DESC").Limit(limit))
}

// TicketCounts are the tickets that wait for somebody.
type TicketCounts struct {
	Open    int64 // nobody took them
	Taken   int64
	Overdue int64 // of both
}

// TicketCounts counts the tickets that wait at a moment.
func (r Reader) TicketCounts(now time.Time) (c TicketCounts, err error) {
	err = r.db.Raw(`SELECT COALESCE(SUM(CASE WHEN status = 'open' THEN 1 ELSE 0 END), 0) AS open,
		COALESCE(SUM(CASE WHEN status = 'taken' THEN 1 ELSE 0 END), 0) AS taken,
		COALESCE(SUM(CASE WHEN due_at <= ? THEN 1 ELSE 0 END), 0) AS overdue FROM ticket WHERE status <> 'closed'`, ms(now)).Scan(&c).Error
	return c, err
}

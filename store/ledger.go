package store

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Entry states. A void or clawed back entry stays in the books with its reason.
const (
	EntryHeld       = "held"
	EntryPayable    = "payable"
	EntryVoid       = "void"
	EntryClawedBack = "clawed_back"
	EntryPaid       = "paid"
)

// Entry is one join that earned.
type Entry struct {
	ID          int64
	Key         string // names the join: join:<chat>:<person>:<joined_at>
	StintID     int64
	Staff       string
	ChatID      string
	Member      string
	UnionID     string
	Ordinal     int
	AmountFen   int64
	RuleVersion int64
	Terms       string // the name of the rule's override; empty: the rule itself
	Status      string
	EarnedAt    time.Time `gorm:"serializer:ms"`
	DueAt       time.Time `gorm:"serializer:ms"`
	SettledAt   time.Time `gorm:"serializer:ms"`
	Reason      string
	PayoutID    *int64
}

// TableName is the table of entries.
func (Entry) TableName() string { return "entry" }

// AddEntry writes a new entry and the transfer that earns it; a known one is left alone.
func (tx *Tx) AddEntry(e *Entry) (bool, error) {
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(e)
	if res.Error != nil || res.RowsAffected == 0 {
		return false, res.Error
	}
	return true, tx.post(*e, "", EntryHeld, e.Reason)
}

// MoveEntry takes an entry from its status to another, with the transfer that belongs to
// the step. It fails with ErrStale when the entry moved meanwhile.
func (tx *Tx) MoveEntry(e Entry, status, reason string, payout *int64) error {
	res := tx.db.Table("entry").Where("id = ? AND status = ?", e.ID, e.Status).Updates(map[string]any{
		"status": status, "reason": reason, "settled_at": tx.Now.UnixMilli(), "payout_id": payout,
	})
	if err := one(res); err != nil {
		return err
	}
	return tx.post(e, e.Status, status, reason)
}

// account names where money is while an entry has a status. Every status has its account,
// so the balances always tell the same as the entries.
func account(e Entry, status string) string {
	switch status {
	case EntryHeld, EntryPayable, EntryPaid:
		return status + ":" + e.Staff
	default: // not earned yet, void or clawed back: with the company
		return "company"
	}
}

// post writes the transfer of an entry's step. A step between two statuses whose money is
// with the company moves nothing.
func (tx *Tx) post(e Entry, from, to, reason string) error {
	debit, credit := account(e, from), account(e, to)
	if debit == credit || e.AmountFen == 0 {
		return nil
	}
	var n int64
	if err := tx.db.Table("transfer").Where("entry_id = ?", e.ID).Count(&n).Error; err != nil {
		return err
	}
	return tx.db.Exec(`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) VALUES (?,?,?,?,?,?,?)`,
		fmt.Sprintf("%s:%d:%s", e.Key, n+1, to), e.ID, tx.Now.UnixMilli(), debit, credit, e.AmountFen, reason).Error
}

// Transfer is money moved between two accounts.
type Transfer struct {
	ID        int64
	Key       string
	EntryID   int64
	At        time.Time `gorm:"serializer:ms"`
	Debit     string
	Credit    string
	AmountFen int64
	Reason    string
}

// TableName is the table of transfers.
func (Transfer) TableName() string { return "transfer" }

// Transfers lists the transfers of an entry in order.
func (r Reader) Transfers(entryID int64) ([]Transfer, error) {
	return all[Transfer](r.db.Where("entry_id = ?", entryID).Order("id"))
}

// Released sums what became payable from one moment to another, To excluded, in fen.
func (r Reader) Released(from, to time.Time) (fen int64, err error) {
	err = r.db.Raw(`SELECT COALESCE(SUM(amount_fen), 0) FROM transfer WHERE credit LIKE 'payable:%' AND at >= ? AND at < ?`, ms(from), ms(to)).Scan(&fen).Error
	return fen, err
}

// Balances sums all accounts in fen; the sum over all accounts is always zero.
func (r Reader) Balances() (map[string]int64, error) {
	var rows []struct {
		Account string
		Fen     int64
	}
	err := r.db.Raw(`SELECT account, SUM(fen) AS fen FROM (
		SELECT credit AS account, amount_fen AS fen FROM transfer UNION ALL SELECT debit, -amount_fen FROM transfer) AS moves
		GROUP BY account`).Scan(&rows).Error
	out := map[string]int64{}
	for _, row := range rows {
		out[row.Account] = row.Fen
	}
	return out, err
}

// EntryFilter selects entries; empty fields select everything.
type EntryFilter struct {
	Staff, ChatID, Member, Status string
	From, To                      time.Time // by earning time, To excluded
	Payout                        int64
	Cursor                        int64
	Limit                         int
}

// Entries lists entries in the order they were written.
func (r Reader) Entries(f EntryFilter) ([]Entry, error) {
	q := r.db.Where("id > ?", f.Cursor).Order("id")
	q = where(q, "staff", f.Staff)
	q = where(q, "chat_id", f.ChatID)
	q = where(q, "member", f.Member)
	q = where(q, "status", f.Status)
	q = between(q, "earned_at", f.From, f.To)
	if f.Payout > 0 {
		q = q.Where("payout_id = ?", f.Payout)
	}
	return all[Entry](limited(q, f.Limit))
}

func between(q *gorm.DB, column string, from, to time.Time) *gorm.DB {
	if !from.IsZero() {
		q = q.Where(column+" >= ?", ms(from))
	}
	if !to.IsZero() {
		q = q.Where(column+" < ?", ms(to))
	}
	return q
}

// Entry returns one entry.
func (r Reader) Entry(id int64) (Entry, error) {
	return first[Entry](r.db.Where("id = ?", id))
}

// EntryOfStint returns the entry of a stay.
func (r Reader) EntryOfStint(stintID int64) (Entry, error) {
	return first[Entry](r.db.Where("stint_id = ?", stintID))
}

// DueEntries lists held entries whose hold has run out, oldest first.
func (r Reader) DueEntries(now time.Time, limit int) ([]Entry, error) {
	return all[Entry](r.db.Where("status = ? AND due_at <= ?", EntryHeld, ms(now)).Order("due_at, id").Limit(limit))
}

// NextDueEntry returns when the next held entry falls due; ok is false when none is held.
func (r Reader) NextDueEntry() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(due_at) FROM entry WHERE status = 'held'")
}

// StatementLine is what one member of staff earned in a period, by status, in fen.
type StatementLine struct {
	Staff                                                string
	Joins                                                int64
	HeldFen, PayableFen, VoidFen, ClawedBackFen, PaidFen int64
}

// StatementFilter selects a statement's lines.
type StatementFilter struct {
	From, To time.Time // by earning time, To excluded
	Staff    string    // empty: everybody
	After    string    // the last staff of the page before
	Limit    int       // 0: no limit
}

// Statement sums entries by staff and status.
func (r Reader) Statement(f StatementFilter) ([]StatementLine, error) {
	lines := []StatementLine{}
	q := r.db.Table("entry").Select(`staff, COUNT(*) AS joins,
		SUM(CASE WHEN status = 'held' THEN amount_fen ELSE 0 END) AS held_fen,
		SUM(CASE WHEN status = 'payable' THEN amount_fen ELSE 0 END) AS payable_fen,
		SUM(CASE WHEN status = 'void' THEN amount_fen ELSE 0 END) AS void_fen,
		SUM(CASE WHEN status = 'clawed_back' THEN amount_fen ELSE 0 END) AS clawed_back_fen,
		SUM(CASE WHEN status = 'paid' THEN amount_fen ELSE 0 END) AS paid_fen`).Where("staff > ?", f.After)
	q = where(between(q, "earned_at", f.From, f.To), "staff", f.Staff)
	err := limited(q.Group("staff").Order("staff"), f.Limit).Scan(&lines).Error
	return lines, err
}

// JoinKey names a join, and with it the entry it may earn.
func JoinKey(s Stint) string {
	return fmt.Sprintf("join:%s:%s:%d", s.ChatID, s.UserID, s.JoinedAt.Unix())
}

// EntriesOfStints returns the entries of stays by the id of their stay; a stay that earned
// nothing has none.
func (r Reader) EntriesOfStints(stays []Stint) (map[int64]Entry, error) {
	of := make(map[int64]Entry, len(stays))
	err := chunked(stays, func(part []Stint) error {
		ids := make([]int64, len(part))
		for i, st := range part {
			ids[i] = st.ID
		}
		entries, err := all[Entry](r.db.Where("stint_id IN ?", ids))
		for _, e := range entries {
			of[e.StintID] = e
		}
		return err
	})
	return of, err
}

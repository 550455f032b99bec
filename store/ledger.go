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

// Why a budget's entry is void: what was left of the month's budget did not cover it.
const ReasonOverBudget = "over_budget"

// Entry is one join that earned, or would have but for a budget.
type Entry struct {
	ID          int64
	Key         string // names the join: join:<chat>:<person>:<joined_at>
	StintID     int64
	Staff       string
	ChatID      string
	Member      string
	UnionID     string
	Ordinal     int
	AmountFen   int64 // of a void entry: what it would have earned
	RuleVersion int64
	Terms       string // the name of the rule's override that it was booked under; empty: the rule itself
	Period      string // the month of EarnedAt in the configured zone, such as 2026-11
	Status      string
	EarnedAt    time.Time `gorm:"serializer:ms"`
	DueAt       time.Time `gorm:"serializer:ms"`
	SettledAt   time.Time `gorm:"serializer:ms"`
	Reason      string
	PayoutID    *int64 // the payout that collected or paid it
	RecoveredBy *int64 // the payout that got back what was paid and then clawed back
}

// TableName is the table of entries.
func (Entry) TableName() string { return "entry" }

// CashOut reports whether staff were given the money: what happens afterwards can only be
// settled by a later payout.
func (e Entry) CashOut() bool {
	return e.Status == EntryPaid || e.Status == EntryClawedBack && e.PayoutID != nil
}

// LockLedger lets nobody else judge, settle, pay or put a rule before this transaction ends, as
// on SQLite, where there is one writer: each first looks at what the others write, and the figures
// of a month are rows that many share. It comes before the first look.
func (tx *Tx) LockLedger() error {
	if tx.dialect == sqlite {
		return nil
	}
	return tx.db.Exec("SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' ledger'))").Error
}

// AddEntry writes a new entry, held or void, with the transfer that earns it; a known one is
// left alone.
func (tx *Tx) AddEntry(e *Entry) (bool, error) {
	e.SettledAt = settledAt(Entry{}, *e, tx.Now)
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(e)
	if res.Error != nil || res.RowsAffected == 0 {
		return false, res.Error
	}
	if err := tx.post(Entry{}, *e, e.Reason, 0); err != nil {
		return false, err
	}
	return true, tx.tally(Entry{}, *e)
}

// MoveEntry takes an entry from its status to another, with the transfer that belongs to
// the step. It fails with ErrStale when the entry moved meanwhile.
func (tx *Tx) MoveEntry(e Entry, status, reason string, payout *int64) error {
	to := e
	to.Status, to.Reason, to.PayoutID = status, reason, payout
	return tx.ChangeEntry(e, to, reason)
}

// ChangeEntry makes of an entry what another version of it says: status, reason, amount,
// rule and terms, when it is due, and which payouts have to do with it. The transfers that
// belong to the step tell why. It fails with ErrStale when the entry moved meanwhile.
func (tx *Tx) ChangeEntry(from, to Entry, why string) error {
	to.SettledAt = settledAt(from, to, tx.Now)
	q := tx.db.Table("entry").Where("id = ? AND status = ? AND rule_version = ? AND amount_fen = ?", from.ID, from.Status, from.RuleVersion, from.AmountFen)
	res := sameID(sameID(q, "payout_id", from.PayoutID), "recovered_by", from.RecoveredBy).Updates(map[string]any{
		"status": to.Status, "reason": to.Reason, "amount_fen": to.AmountFen, "rule_version": to.RuleVersion, "terms": to.Terms,
		"due_at": ms(to.DueAt), "settled_at": ms(to.SettledAt), "payout_id": to.PayoutID, "recovered_by": to.RecoveredBy,
	})
	if err := one(res); err != nil {
		return err
	}
	n, err := tx.transferCount(from.ID)
	if err != nil {
		return err
	}
	if err := tx.post(from, to, why, n); err != nil {
		return err
	}
	return tx.tally(from, to)
}

// settledAt is when an entry came to its status: what is held is not settled, and a step that
// leaves the status as it is (a debt that is recovered, another amount) settles nothing anew.
func settledAt(from, to Entry, now time.Time) time.Time {
	switch to.Status {
	case EntryHeld:
		return time.Time{}
	case from.Status:
		return from.SettledAt
	}
	return now
}

// moveEntries is MoveEntry for all entries of a payout that have a status, from payable to
// paid or back. It returns how many they are.
func (tx *Tx) moveEntries(of int64, from, to, reason, why string, payout *int64) (int64, error) {
	if tx.dialect == postgres { // on SQLite there is one writer
		if err := tx.db.Exec("SELECT 1 FROM entry WHERE payout_id = ? FOR UPDATE", of).Error; err != nil {
			return 0, err
		}
	}
	err := tx.db.Exec(`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason)
		SELECT e.key || ':' || ((SELECT COUNT(*) FROM transfer t WHERE t.entry_id = e.id) + 1) || ':' || CAST(@to AS TEXT) || ':' || CAST(@why AS TEXT),
			e.id, CAST(@at AS BIGINT), CAST(@from AS TEXT) || ':' || e.staff, CAST(@to AS TEXT) || ':' || e.staff, e.amount_fen, CAST(@why AS TEXT)
		FROM entry e WHERE e.payout_id = @of AND e.status = @from AND e.amount_fen > 0 ORDER BY e.id`,
		map[string]any{"of": of, "from": from, "to": to, "why": why, "at": tx.Now.UnixMilli()}).Error
	if err != nil {
		return 0, err
	}
	if err := tx.tallyMoved(of, from, to); err != nil {
		return 0, err
	}
	res := tx.db.Exec(`UPDATE entry SET status = ?, reason = ?, settled_at = ?, payout_id = ? WHERE payout_id = ? AND status = ?`,
		to, reason, tx.Now.UnixMilli(), payout, of, from)
	return res.RowsAffected, res.Error
}

func sameID(q *gorm.DB, column string, id *int64) *gorm.DB {
	if id == nil {
		return q.Where(column + " IS NULL")
	}
	return q.Where(column+" = ?", *id)
}

func (tx *Tx) transferCount(entry int64) (n int64, err error) {
	err = tx.db.Table("transfer").Where("entry_id = ?", entry).Count(&n).Error
	return n, err
}

// The accounts. Those of staff are their name, a colon and the user id.
const (
	AccountCompany = "company"
	AccountHeld    = "held"
	AccountPayable = "payable" // below zero: a debt
	AccountPaid    = "paid"
)

// standing is what an entry puts into the accounts of its staff; the company has the same
// with the opposite sign.
type standing struct{ held, payable, paid int64 }

// standing follows from the entry alone, so the balances always tell the same as the
// entries.
func (e Entry) standing() standing {
	switch e.Status {
	case EntryHeld:
		return standing{held: e.AmountFen}
	case EntryPayable:
		return standing{payable: e.AmountFen}
	case EntryPaid:
		return standing{paid: e.AmountFen}
	}
	if e.CashOut() && e.RecoveredBy == nil {
		return standing{paid: e.AmountFen, payable: -e.AmountFen} // a debt, until a payout recovers it
	}
	return standing{}
}

// post writes the transfers of an entry's step, of which it has n already. A step that moves
// no money writes none; one to another amount gives the old one back first.
func (tx *Tx) post(from, to Entry, why string, n int64) error {
	a, b := from.standing(), to.standing()
	if from.AmountFen != to.AmountFen && a != (standing{}) && b != (standing{}) {
		if err := tx.transfer(to, a, standing{}, fmt.Sprintf("%d:%s", n+1, EntryVoid), why); err != nil {
			return err
		}
		a, n = standing{}, n+1
	}
	if a == b {
		return nil
	}
	return tx.transfer(to, a, b, fmt.Sprintf("%d:%s", n+1, to.Status), why)
}

// transfer writes the one transfer that leads from one standing to another. Its key names
// the entry, the step and why: join:wr1:wm1:1700000000:2:void:left_early.
func (tx *Tx) transfer(e Entry, from, to standing, step, why string) error {
	t := Transfer{Key: e.Key + ":" + step + ":" + why, EntryID: e.ID, At: tx.Now, Debit: AccountCompany, Credit: AccountCompany, Reason: why}
	for _, account := range []struct {
		name string
		fen  int64
	}{{AccountHeld, to.held - from.held}, {AccountPayable, to.payable - from.payable}, {AccountPaid, to.paid - from.paid}} {
		switch {
		case account.fen < 0:
			t.Debit, t.AmountFen = account.name+":"+e.Staff, -account.fen
		case account.fen > 0:
			t.Credit, t.AmountFen = account.name+":"+e.Staff, account.fen
		}
	}
	_, err := tx.exec(`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) VALUES (?,?,?,?,?,?,?)`,
		t.Key, t.EntryID, t.At.UnixMilli(), t.Debit, t.Credit, t.AmountFen, t.Reason)
	return err
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

// Released sums what became payable from one moment to another, To excluded, in fen. What a
// payout recovers or a reversal gives back had become payable before.
func (r Reader) Released(from, to time.Time) (fen int64, err error) {
	err = r.db.Raw(`SELECT COALESCE(SUM(amount_fen), 0) FROM transfer WHERE credit LIKE 'payable:%' AND debit NOT LIKE 'paid:%' AND at >= ? AND at < ?`, ms(from), ms(to)).Scan(&fen).Error
	return fen, err
}

// TransferFilter selects transfers; empty fields select everything.
type TransferFilter struct {
	Entry    int64
	Staff    string    // on whose accounts
	From, To time.Time // To excluded
	AfterAt  time.Time // with AfterID: the last one of the page before
	AfterID  int64
	Limit    int
}

// FindTransfers lists transfers in the order of their time.
func (r Reader) FindTransfers(f TransferFilter) ([]Transfer, error) {
	q := between(r.db.Order("at, id"), "at", f.From, f.To)
	if f.AfterID > 0 {
		q = q.Where("at >= ? AND (at > ? OR id > ?)", ms(f.AfterAt), ms(f.AfterAt), f.AfterID)
	}
	if f.Entry > 0 {
		q = q.Where("entry_id = ?", f.Entry)
	}
	if f.Staff != "" {
		accounts := staffAccounts(f.Staff)
		q = q.Where("(credit IN ? OR debit IN ?)", accounts, accounts)
	}
	return all[Transfer](limited(q, f.Limit))
}

func staffAccounts(staff string) []string {
	return []string{AccountHeld + ":" + staff, AccountPaid + ":" + staff, AccountPayable + ":" + staff}
}

// Balance is what an account holds, in fen.
type Balance struct {
	Account string
	Fen     int64
}

// BalanceFilter selects balances.
type BalanceFilter struct {
	Staff string // empty: all accounts
	After string // the last account of the page before
	Limit int    // 0: no limit
}

// FindBalances sums the transfers of accounts, by name.
func (r Reader) FindBalances(f BalanceFilter) ([]Balance, error) {
	// The first accounts of both sides together are among the first of each side.
	side := func(column, sign string) *gorm.DB {
		q := r.db.Table("transfer").Select(column+" AS account, "+sign+"SUM(amount_fen) AS fen").Where(column+" > ?", f.After)
		if f.Staff != "" {
			q = q.Where(column+" IN ?", staffAccounts(f.Staff))
		}
		return limited(q.Group(column).Order(column), f.Limit)
	}
	q := r.db.Raw(`SELECT account, SUM(fen) AS fen FROM (SELECT * FROM (?) AS c UNION ALL SELECT * FROM (?) AS d) AS m GROUP BY account ORDER BY account`,
		side("credit", ""), side("debit", "-"))
	rows := []Balance{}
	err := q.Scan(&rows).Error
	if f.Limit > 0 && len(rows) > f.Limit {
		rows = rows[:f.Limit]
	}
	return rows, err
}

// Balances is what all accounts hold, in fen; together they hold zero.
func (r Reader) Balances() (map[string]int64, error) {
	rows, err := r.FindBalances(BalanceFilter{})
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

// unflagged leaves out the entries that wait for somebody to decide.
const unflagged = `NOT EXISTS (SELECT 1 FROM flag WHERE flag.entry_id = entry.id AND flag.status = 'open')`

// DueEntries lists held entries whose hold has run out, oldest first. Those with an open flag
// are not due.
func (r Reader) DueEntries(now time.Time, limit int) ([]Entry, error) {
	return all[Entry](r.db.Where("status = ? AND due_at <= ? AND "+unflagged, EntryHeld, ms(now)).Order("due_at, id").Limit(limit))
}

// NextDueEntry returns when the next held entry without an open flag falls due; ok is false
// when there is none.
func (r Reader) NextDueEntry() (at time.Time, ok bool, err error) {
	return r.min("SELECT due_at FROM entry WHERE status = 'held' AND " + unflagged + " ORDER BY due_at LIMIT 1")
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

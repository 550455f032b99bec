package store

// Tally is what the entries of one month, member of staff and group come to. It is kept in
// the same transaction as each step of an entry; the audit compares it with the entries.
type Tally struct {
	Period        string
	Staff         string
	ChatID        string
	Joins         int64 // entries but those that a budget refused, whatever became of them
	Kept          int64 // of them held, payable or paid
	HeldFen       int64
	PayableFen    int64
	VoidFen       int64 // with what a budget refused
	ClawedBackFen int64
	PaidFen       int64
}

// TableName is the table of cached figures.
func (Tally) TableName() string { return "tally" }

// tally is what one entry adds to the figures.
func (e Entry) tally() Tally {
	t := Tally{Period: e.Period, Staff: e.Staff, ChatID: e.ChatID}
	if e.Reason != ReasonOverBudget {
		t.Joins = 1
	}
	switch e.Status {
	case EntryHeld:
		t.Kept, t.HeldFen = 1, e.AmountFen
	case EntryPayable:
		t.Kept, t.PayableFen = 1, e.AmountFen
	case EntryPaid:
		t.Kept, t.PaidFen = 1, e.AmountFen
	case EntryVoid:
		t.VoidFen = e.AmountFen
	case EntryClawedBack:
		t.ClawedBackFen = e.AmountFen
	}
	return t
}

// tally brings the figures from one state of an entry to the next. A new entry comes from
// none.
func (tx *Tx) tally(from, to Entry) error {
	d := to.tally()
	if from.ID != 0 {
		old := from.tally()
		d.Joins, d.Kept, d.HeldFen, d.PayableFen = d.Joins-old.Joins, d.Kept-old.Kept, d.HeldFen-old.HeldFen, d.PayableFen-old.PayableFen
		d.VoidFen, d.ClawedBackFen, d.PaidFen = d.VoidFen-old.VoidFen, d.ClawedBackFen-old.ClawedBackFen, d.PaidFen-old.PaidFen
	}
	return tx.db.Exec(`INSERT INTO tally (period, staff, chat_id, joins, kept, held_fen, payable_fen, void_fen, clawed_back_fen, paid_fen)
		VALUES (?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (period, staff, chat_id) DO UPDATE SET joins = tally.joins + excluded.joins, kept = tally.kept + excluded.kept,
		held_fen = tally.held_fen + excluded.held_fen, payable_fen = tally.payable_fen + excluded.payable_fen, void_fen = tally.void_fen + excluded.void_fen,
		clawed_back_fen = tally.clawed_back_fen + excluded.clawed_back_fen, paid_fen = tally.paid_fen + excluded.paid_fen`,
		d.Period, d.Staff, d.ChatID, d.Joins, d.Kept, d.HeldFen, d.PayableFen, d.VoidFen, d.ClawedBackFen, d.PaidFen).Error
}

// tallyMoved is tally for all entries of a payout that go from payable to paid or back, and
// are not moved yet.
func (tx *Tx) tallyMoved(of int64, from, to string) error {
	column := map[string]string{EntryPayable: "payable_fen", EntryPaid: "paid_fen"}
	return tx.db.Exec(`INSERT INTO tally (period, staff, chat_id, joins, kept, held_fen, void_fen, clawed_back_fen, `+column[from]+`, `+column[to]+`)
		SELECT e.period, e.staff, e.chat_id, 0, 0, 0, 0, 0, -SUM(e.amount_fen), SUM(e.amount_fen) FROM entry e WHERE e.payout_id = ? AND e.status = ?
		GROUP BY e.period, e.staff, e.chat_id ORDER BY e.period, e.staff, e.chat_id
		ON CONFLICT (period, staff, chat_id) DO UPDATE SET payable_fen = tally.payable_fen + excluded.payable_fen, paid_fen = tally.paid_fen + excluded.paid_fen`,
		of, from).Error
}

// StatementLine is what one member of staff earned in a month, by status, in fen.
type StatementLine struct {
	Staff                                                string
	Joins                                                int64
	HeldFen, PayableFen, VoidFen, ClawedBackFen, PaidFen int64
}

// StatementFilter selects a statement's lines.
type StatementFilter struct {
	Period string // a month, such as 2026-11
	Staff  string // empty: everybody
	After  string // the last staff of the page before
	Limit  int    // 0: no limit
}

// Statement sums a month by staff.
func (r Reader) Statement(f StatementFilter) ([]StatementLine, error) {
	lines := []StatementLine{}
	q := r.db.Table("tally").Select(`staff, SUM(joins) AS joins, SUM(held_fen) AS held_fen, SUM(payable_fen) AS payable_fen, SUM(void_fen) AS void_fen,
		SUM(clawed_back_fen) AS clawed_back_fen, SUM(paid_fen) AS paid_fen`).Where("period = ? AND staff > ?", f.Period, f.After)
	err := limited(where(q, "staff", f.Staff).Group("staff").Order("staff"), f.Limit).Scan(&lines).Error
	return lines, err
}

// Spent sums what a month's entries have come to, held, payable or paid, within the scope
// of a rule's budget that an entry falls into: in fen. A group without a store is a scope of
// its own. Nobody else spends from a budget of the rule until the transaction ends.
func (tx *Tx) Spent(rule Rule, e Entry) (fen int64, err error) {
	if tx.dialect == postgres { // on SQLite there is one writer
		if err := tx.db.Exec("SELECT 1 FROM rule WHERE version = ? FOR UPDATE", rule.Version).Error; err != nil {
			return 0, err
		}
	}
	q := tx.db.Table("tally").Select("COALESCE(SUM(held_fen + payable_fen + paid_fen), 0)").Where("period = ?", e.Period)
	switch rule.Budget.Per {
	case BudgetStaff:
		q = q.Where("staff = ?", e.Staff)
	case BudgetStore:
		q = q.Where("(chat_id = ? OR chat_id IN (SELECT b.chat_id FROM chat AS a JOIN chat AS b ON b.shop_id = a.shop_id WHERE a.chat_id = ? AND a.shop_id <> ''))", e.ChatID, e.ChatID)
	}
	err = q.Scan(&fen).Error
	return fen, err
}

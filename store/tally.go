package store

import (
	"time"

	"gorm.io/gorm"
)

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

// tallyFields names the figures in the order of figures.
var tallyFields = [...]string{"joins", "kept", "held_fen", "payable_fen", "void_fen", "clawed_back_fen", "paid_fen"}

func (t *Tally) figures() [len(tallyFields)]*int64 {
	return [...]*int64{&t.Joins, &t.Kept, &t.HeldFen, &t.PayableFen, &t.VoidFen, &t.ClawedBackFen, &t.PaidFen}
}

// add adds other figures so many times.
func (t *Tally) add(other Tally, times int64) {
	for i, v := range other.figures() {
		*t.figures()[i] += times * *v
	}
}

// tally brings the figures from one state of an entry to the next. A new entry comes from
// none.
func (tx *Tx) tally(from, to Entry) error {
	d := to.tally()
	if from.ID != 0 {
		d.add(from.tally(), -1)
	}
	return tx.stepTally(d)
}

// stepTally adds to one row, which need not be there yet.
func (tx *Tx) stepTally(d Tally) error {
	_, err := tx.exec(`INSERT INTO tally (period, staff, chat_id, joins, kept, held_fen, payable_fen, void_fen, clawed_back_fen, paid_fen)
		VALUES (?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (period, staff, chat_id) DO UPDATE SET joins = tally.joins + excluded.joins, kept = tally.kept + excluded.kept,
		held_fen = tally.held_fen + excluded.held_fen, payable_fen = tally.payable_fen + excluded.payable_fen, void_fen = tally.void_fen + excluded.void_fen,
		clawed_back_fen = tally.clawed_back_fen + excluded.clawed_back_fen, paid_fen = tally.paid_fen + excluded.paid_fen`,
		d.Period, d.Staff, d.ChatID, d.Joins, d.Kept, d.HeldFen, d.PayableFen, d.VoidFen, d.ClawedBackFen, d.PaidFen)
	return err
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

// Who a leaderboard is of.
const (
	LeadersStaff = "staff"
	LeadersStore = "store"
)

// Leader is a place on a leaderboard.
type Leader struct {
	Rank      int64 // the same where the figures are the same
	ID        string
	Name      string
	ShopID    string // of staff the shop they belong to, the first by id where there are several; empty: none
	ShopName  string
	Joins     int64 // that earned, whatever became of them
	Kept      int64 // of them held, payable or paid
	EarnedFen int64 // held, payable and paid
}

// LeaderFilter selects what a leaderboard counts.
type LeaderFilter struct {
	Period       string    // a month; empty: From and To
	From, To     time.Time // by join time, To excluded
	By           string    // LeadersStaff or LeadersStore; groups without a shop lead no store
	Shop, Region string    // only joins of these shops' groups, as they are placed now
	Offset       int64
	Limit        int // 0: no limit
}

// Leaders lists staff or shops by what they earned, then by how many joins stayed, then by
// id. A month is read from the tally, other times from the entries.
func (r Reader) Leaders(f LeaderFilter) ([]Leader, error) {
	id, shops := "x.staff", ""
	if f.By == LeadersStore {
		id = "s.id"
	}
	if f.By == LeadersStore || f.Shop != "" || f.Region != "" {
		shops = "JOIN chat c ON c.chat_id = x.chat_id JOIN shop s ON s.id = c.shop_id"
	}
	q := r.db.Table("(?) AS x "+shops, r.figuresOf(f)).Select(id + " AS id, SUM(x.joins) AS joins, SUM(x.kept) AS kept, SUM(x.fen) AS fen")
	q = where(where(q, "s.id", f.Shop), "s.region", f.Region)
	q = q.Group(id).Having("SUM(x.joins) > 0")
	page := r.db.Table("(?) AS g", q).Select("RANK() OVER (ORDER BY fen DESC, kept DESC) AS rank, id, joins, kept, fen AS earned_fen").
		Order("earned_fen DESC, kept DESC, id").Offset(int(f.Offset))
	leaders := []Leader{}
	if err := limited(page, f.Limit).Scan(&leaders).Error; err != nil {
		return nil, err
	}
	return leaders, r.nameLeaders(f.By, leaders)
}

// figuresOf is the question for joins, kept and fen by staff and group.
func (r Reader) figuresOf(f LeaderFilter) *gorm.DB {
	if f.Period != "" {
		return r.db.Table("tally").Select("staff, chat_id, joins, kept, held_fen + payable_fen + paid_fen AS fen").Where("period = ?", f.Period)
	}
	const kept = "CASE WHEN status IN ('held', 'payable', 'paid') THEN "
	q := r.db.Table("entry").Select("staff, chat_id, SUM(CASE WHEN reason <> 'over_budget' THEN 1 ELSE 0 END) AS joins, SUM(" + kept + "1 ELSE 0 END) AS kept, SUM(" + kept + "amount_fen ELSE 0 END) AS fen")
	return between(q, "earned_at", f.From, f.To).Group("staff, chat_id")
}

func (r Reader) nameLeaders(by string, leaders []Leader) error {
	names, of := map[string]string{}, map[string]Shop{}
	var err error
	if by == LeadersStaff {
		if of, err = r.shopsOfStaff(); err != nil {
			return err
		}
	}
	err = chunked(leaders, func(part []Leader) error {
		ids := make([]string, len(part))
		for i, l := range part {
			ids[i] = l.ID
		}
		if by == LeadersStore {
			shops, err := all[Shop](r.db.Where("id IN ?", ids))
			for _, s := range shops {
				names[s.ID], of[s.ID] = s.Name, s
			}
			return err
		}
		staff, err := all[StaffRow](r.db.Where("user_id IN ?", ids))
		for _, s := range staff {
			names[s.UserID] = s.Name
		}
		return err
	})
	for i := range leaders {
		l := &leaders[i]
		l.Name, l.ShopID, l.ShopName = names[l.ID], of[l.ID].ID, of[l.ID].Name
	}
	return err
}

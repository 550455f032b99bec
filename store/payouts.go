package store

import (
	"slices"
	"time"
)

// Payout states.
const (
	PayoutCollected = "collected" // proposed: its entries are set aside for it and still payable
	PayoutApproved  = "approved"
	PayoutPaid      = "paid"
	PayoutReversed  = "reversed"  // was paid; its entries are payable again
	PayoutDiscarded = "discarded" // was never paid
)

// Payout is a set of entries paid together. Its figures are those of its lines.
type Payout struct {
	ID           int64
	Period       string // 2026-11
	Status       string
	CarryOver    bool      // what earlier months left over is in it too
	Joins        int64     // entries it pays
	GrossFen     int64     // what they earned
	RecoveredFen int64     // kept back of it for entries that were clawed back after they were paid
	TotalFen     int64     // paid out: GrossFen - RecoveredFen
	CreatedAt    time.Time `gorm:"serializer:ms"`
}

// TableName is the table of payouts.
func (Payout) TableName() string { return "payout" }

// PayoutStep is a payout's way to a status.
type PayoutStep struct {
	ID       int64
	PayoutID int64
	Status   string
	At       time.Time `gorm:"serializer:ms"`
	Who      string
	Note     string // why; empty: not said
}

// TableName is the table of steps.
func (PayoutStep) TableName() string { return "payout_step" }

// PayoutLine is what one member of staff gets in a payout, with the names of the day on which
// it was collected.
type PayoutLine struct {
	PayoutID     int64  `gorm:"primaryKey"`
	Staff        string `gorm:"primaryKey"`
	StaffName    string // empty: never known
	ShopID       string // empty: of no shop
	ShopName     string
	Region       string
	Joins        int64
	GrossFen     int64
	RecoveredFen int64
	AmountFen    int64 // GrossFen - RecoveredFen, never negative
}

// TableName is the table of lines.
func (PayoutLine) TableName() string { return "payout_line" }

// Kinds of items.
const (
	ItemReward   = "reward"
	ItemRecovery = "recovery" // its amount is kept back
)

// PayoutItem is one entry behind a line, as it was.
type PayoutItem struct {
	PayoutID    int64 `gorm:"primaryKey"`
	EntryID     int64 `gorm:"primaryKey"`
	Kind        string
	Staff       string
	AmountFen   int64     // never negative
	EarnedAt    time.Time `gorm:"serializer:ms"`
	ChatID      string
	ChatName    string
	Member      string
	Ordinal     int
	RuleVersion int64
	Terms       string // see Entry
	PaidIn      *int64 // of a recovery: the payout that had paid the entry
}

// TableName is the table of items.
func (PayoutItem) TableName() string { return "payout_item" }

// Rejudging returns a rejudge that is not done and may still change joins from before a
// moment, or ErrNotFound.
func (r Reader) Rejudging(before time.Time) (Rejudge, error) {
	return first[Rejudge](r.db.Where("done_at IS NULL AND from_at < ?", ms(before)).Order("id"))
}

// Collect writes a payout and sets aside for it every payable entry of its month, and of
// earlier ones where it carries them over, that is in no other payout. One without entries
// is written too.
func (tx *Tx) Collect(p *Payout, who string) error {
	p.Status, p.CreatedAt = PayoutCollected, tx.Now
	if err := tx.db.Create(p).Error; err != nil {
		return err
	}
	q := tx.db.Table("entry").Where("status = ? AND payout_id IS NULL", EntryPayable)
	if p.CarryOver {
		q = q.Where("period <= ?", p.Period)
	} else {
		q = q.Where("period = ?", p.Period)
	}
	if err := q.Updates(map[string]any{"payout_id": p.ID}).Error; err != nil {
		return err
	}
	if err := tx.addStep(p.ID, PayoutCollected, who, ""); err != nil {
		return err
	}
	return tx.Propose(p)
}

// Propose writes the items and lines of a payout that is not paid yet, as they are now, and
// its figures.
func (tx *Tx) Propose(p *Payout) error {
	for _, table := range []string{"payout_item", "payout_line"} {
		if err := tx.db.Exec(`DELETE FROM `+table+` WHERE payout_id = ?`, p.ID).Error; err != nil {
			return err
		}
	}
	err := tx.db.Exec(`INSERT INTO payout_item (payout_id, entry_id, kind, staff, amount_fen, earned_at, chat_id, chat_name, member, ordinal, rule_version, terms)
		SELECT e.payout_id, e.id, 'reward', e.staff, e.amount_fen, e.earned_at, e.chat_id, COALESCE(c.name, ''), e.member, e.ordinal, e.rule_version, e.terms
		FROM entry e LEFT JOIN chat c ON c.chat_id = e.chat_id WHERE e.payout_id = ? AND e.status = 'payable'`, p.ID).Error
	if err != nil {
		return err
	}
	debts, err := tx.recoverable(p.ID)
	if err != nil {
		return err
	}
	for _, e := range debts {
		err := tx.db.Exec(`INSERT INTO payout_item (payout_id, entry_id, kind, staff, amount_fen, earned_at, chat_id, chat_name, member, ordinal, rule_version, terms, paid_in)
			SELECT CAST(? AS BIGINT), e.id, 'recovery', e.staff, e.amount_fen, e.earned_at, e.chat_id, COALESCE(c.name, ''), e.member, e.ordinal, e.rule_version, e.terms, e.payout_id
			FROM entry e LEFT JOIN chat c ON c.chat_id = e.chat_id WHERE e.id = ?`, p.ID, e.ID).Error
		if err != nil {
			return err
		}
	}
	return tx.addLines(p)
}

// recoverable lists the debts that the rewards of a payout cover: of each member of staff the
// oldest, whole ones only, as far as nothing has to be paid in. The rest waits.
func (r Reader) recoverable(payout int64) ([]Entry, error) {
	debts, err := all[Entry](r.db.Where(`status = 'clawed_back' AND payout_id IS NOT NULL AND recovered_by IS NULL AND amount_fen > 0
		AND staff IN (SELECT staff FROM payout_item WHERE payout_id = ?)`, payout).Order("staff, id"))
	if err != nil || len(debts) == 0 {
		return nil, err
	}
	var gross []struct {
		Staff string
		Fen   int64
	}
	err = r.db.Raw(`SELECT staff, SUM(amount_fen) AS fen FROM payout_item WHERE payout_id = ? AND kind = 'reward' GROUP BY staff`, payout).Scan(&gross).Error
	if err != nil {
		return nil, err
	}
	left := map[string]int64{}
	for _, g := range gross {
		left[g.Staff] = g.Fen
	}
	var out []Entry
	for _, e := range debts {
		if left[e.Staff] < e.AmountFen {
			left[e.Staff] = 0 // newer debts wait for this one
			continue
		}
		left[e.Staff] -= e.AmountFen
		out = append(out, e)
	}
	return out, nil
}

// addLines sums the items of a payout by staff.
func (tx *Tx) addLines(p *Payout) error {
	var lines []PayoutLine
	err := tx.db.Raw(`SELECT i.payout_id, i.staff, COALESCE(s.name, '') AS staff_name,
		SUM(CASE WHEN i.kind = 'reward' THEN 1 ELSE 0 END) AS joins, SUM(CASE WHEN i.kind = 'reward' THEN i.amount_fen ELSE 0 END) AS gross_fen,
		SUM(CASE WHEN i.kind = 'recovery' THEN i.amount_fen ELSE 0 END) AS recovered_fen
		FROM payout_item i LEFT JOIN staff s ON s.user_id = i.staff WHERE i.payout_id = ? GROUP BY i.payout_id, i.staff, s.name ORDER BY i.staff`, p.ID).Scan(&lines).Error
	if err != nil {
		return err
	}
	of, err := tx.shopsOfStaff()
	if err != nil {
		return err
	}
	p.Joins, p.GrossFen, p.RecoveredFen = 0, 0, 0
	for i := range lines {
		l := &lines[i]
		shop := of[l.Staff]
		l.ShopID, l.ShopName, l.Region = shop.ID, shop.Name, shop.Region
		l.AmountFen = l.GrossFen - l.RecoveredFen
		p.Joins, p.GrossFen, p.RecoveredFen = p.Joins+l.Joins, p.GrossFen+l.GrossFen, p.RecoveredFen+l.RecoveredFen
	}
	p.TotalFen = p.GrossFen - p.RecoveredFen
	for part := range slices.Chunk(lines, 500) {
		if err := tx.db.Create(part).Error; err != nil {
			return err
		}
	}
	return one(tx.db.Exec(`UPDATE payout SET joins = ?, gross_fen = ?, recovered_fen = ?, total_fen = ? WHERE id = ?`,
		p.Joins, p.GrossFen, p.RecoveredFen, p.TotalFen, p.ID))
}

// shopsOfStaff is ShopOfStaff for everybody.
func (r Reader) shopsOfStaff() (map[string]Shop, error) {
	shops, err := r.Shops("", 0)
	of := map[string]Shop{}
	for _, s := range shops {
		for _, user := range append([]string{s.Manager}, s.Staff...) {
			if _, ok := of[user]; !ok && user != "" {
				of[user] = s
			}
		}
	}
	return of, err
}

// StandsAsProposed reports whether a payout that is not paid yet would still pay what its
// items say.
func (r Reader) StandsAsProposed(id int64) (bool, error) {
	var gone int64
	err := r.db.Raw(`SELECT COUNT(*) FROM payout_item i JOIN entry e ON e.id = i.entry_id WHERE i.payout_id = ? AND i.kind = 'reward'
		AND NOT (e.status = 'payable' AND COALESCE(e.payout_id, 0) = i.payout_id AND e.staff = i.staff AND e.amount_fen = i.amount_fen)`, id).Scan(&gone).Error
	if err != nil || gone > 0 {
		return false, err
	}
	debts, err := r.recoverable(id)
	if err != nil {
		return false, err
	}
	said, err := r.recoveries(id)
	return slices.EqualFunc(debts, said, func(e Entry, it PayoutItem) bool { return e.ID == it.EntryID }), err
}

func (r Reader) recoveries(id int64) ([]PayoutItem, error) {
	return all[PayoutItem](r.db.Where("payout_id = ? AND kind = ?", id, ItemRecovery).Order("staff, entry_id"))
}

// StepPayout takes a payout from its status to another. It fails with ErrStale when the
// payout moved meanwhile.
func (tx *Tx) StepPayout(p *Payout, status, who, note string) error {
	if err := one(tx.db.Exec(`UPDATE payout SET status = ? WHERE id = ? AND status = ?`, status, p.ID, p.Status)); err != nil {
		return err
	}
	p.Status = status
	return tx.addStep(p.ID, status, who, note)
}

func (tx *Tx) addStep(id int64, status, who, note string) error {
	return tx.db.Create(&PayoutStep{PayoutID: id, Status: status, At: tx.Now, Who: who, Note: note}).Error
}

// PayEntries pays what is proposed, and keeps back what is owed. It fails with ErrStale when
// that changed meanwhile.
func (tx *Tx) PayEntries(p Payout) error {
	moved, err := tx.moveEntries(p.ID, EntryPayable, EntryPaid, "payout", "payout", &p.ID)
	if err != nil {
		return err
	}
	if moved != p.Joins {
		return ErrStale
	}
	debts, err := tx.recoveries(p.ID)
	if err != nil {
		return err
	}
	for _, it := range debts {
		e, err := tx.Entry(it.EntryID)
		if err != nil {
			return err
		}
		if !e.CashOut() || e.Status != EntryClawedBack || e.RecoveredBy != nil {
			return ErrStale
		}
		to := e
		to.RecoveredBy = &p.ID
		if err := tx.ChangeEntry(e, to, "recovered"); err != nil {
			return err
		}
	}
	return nil
}

// RecoveredLater returns a payout that kept back an entry which another one had paid;
// ErrNotFound if there is none.
func (r Reader) RecoveredLater(id int64) (Payout, error) {
	return first[Payout](r.db.Where("id IN (SELECT recovered_by FROM entry WHERE payout_id = ? AND recovered_by IS NOT NULL)", id).Order("id DESC"))
}

// ReverseEntries takes back what a payout did: what it paid is payable again, what it kept
// back is owed again, and what was clawed back after it had paid it is owed no longer, for
// the money is back with the rest.
func (tx *Tx) ReverseEntries(p Payout) error {
	debts, err := all[Entry](tx.db.Where("payout_id = ? AND status = ?", p.ID, EntryClawedBack).Order("id"))
	if err != nil {
		return err
	}
	for _, e := range debts {
		to := e
		to.PayoutID = nil
		if err := tx.ChangeEntry(e, to, PayoutReversed); err != nil {
			return err
		}
	}
	if debts, err = all[Entry](tx.db.Where("recovered_by = ?", p.ID).Order("id")); err != nil {
		return err
	}
	for _, e := range debts {
		to := e
		to.RecoveredBy = nil
		if err := tx.ChangeEntry(e, to, PayoutReversed); err != nil {
			return err
		}
	}
	if _, err = tx.moveEntries(p.ID, EntryPaid, EntryPayable, "rewarded", PayoutReversed, nil); err != nil {
		return err
	}
	return tx.rejudgePaid(p.ID)
}

// rejudgePaid has all joins of the people judged again whose joins a payout had paid: while
// these stood because they were paid, earlier ones that became known later earned nothing. The
// stays say who is who: an entry keeps the union id that was known when it was booked.
func (tx *Tx) rejudgePaid(id int64) error {
	from, ok, err := tx.min(`SELECT MIN(t) FROM (
		SELECT MIN(s.joined_at) AS t FROM payout_item i JOIN stint s ON s.user_id = i.member WHERE i.payout_id = ? UNION ALL
		SELECT MIN(s.joined_at) FROM payout_item i JOIN entry e ON e.id = i.entry_id JOIN stint p ON p.id = e.stint_id
		JOIN stint s ON s.union_id = p.union_id AND s.union_id <> '' WHERE i.payout_id = ? AND p.union_id <> '') AS joins`, id, id)
	if err != nil || !ok {
		return err
	}
	return tx.AskRejudge(from)
}

// FreeEntries lets the entries that were set aside for a payout be collected again.
func (tx *Tx) FreeEntries(p Payout) error {
	return tx.db.Exec(`UPDATE entry SET payout_id = NULL WHERE payout_id = ? AND status = 'payable'`, p.ID).Error
}

// Payout returns one payout.
func (r Reader) Payout(id int64) (Payout, error) {
	return first[Payout](r.db.Where("id = ?", id))
}

// PayoutFilter selects payouts; empty fields select everything.
type PayoutFilter struct {
	Period, Status string
	Cursor         int64
	Limit          int
}

// Payouts lists payouts in the order they were collected.
func (r Reader) Payouts(f PayoutFilter) ([]Payout, error) {
	q := where(where(r.db.Where("id > ?", f.Cursor).Order("id"), "period", f.Period), "status", f.Status)
	return all[Payout](limited(q, f.Limit))
}

// PayoutLines lists what a payout pays, by staff.
func (r Reader) PayoutLines(id int64) ([]PayoutLine, error) {
	return all[PayoutLine](r.db.Where("payout_id = ?", id).Order("staff"))
}

// PayoutItems lists the entries of a payout: by staff, rewards before recoveries, oldest
// join first.
func (r Reader) PayoutItems(id int64) ([]PayoutItem, error) {
	return all[PayoutItem](r.db.Where("payout_id = ?", id).Order("staff, kind DESC, earned_at, entry_id"))
}

// PayoutSteps lists the steps of a payout in order.
func (r Reader) PayoutSteps(id int64) ([]PayoutStep, error) {
	return all[PayoutStep](r.db.Where("payout_id = ?", id).Order("id"))
}

// Unpaid is what is payable of a month and not paid.
type Unpaid struct {
	Period       string // 2026-11
	Joins        int64
	Staff        int64 // who earned it
	PayableFen   int64
	CollectedFen int64 // of it, in payouts that are not paid yet
}

// Unpaid lists the months of which something is payable, from behind the cursor.
func (r Reader) Unpaid(cursor string, limit int) ([]Unpaid, error) {
	rows := []Unpaid{}
	q := r.db.Table("entry").Select(`period, COUNT(*) AS joins, COUNT(DISTINCT staff) AS staff, SUM(amount_fen) AS payable_fen,
		SUM(CASE WHEN payout_id IS NULL THEN 0 ELSE amount_fen END) AS collected_fen`).Where("status = 'payable' AND period > ?", cursor)
	err := limited(q.Group("period").Order("period"), limit).Scan(&rows).Error
	return rows, err
}

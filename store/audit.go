package store

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// What an audit compares.
const (
	AuditTally   = "tally"   // the cached figures of a month with the entries; subject: month, staff and group
	AuditEntry   = "entry"   // an entry's transfers with where its status says the money is; subject: its id
	AuditAccount = "account" // an account's transfers with the entries; subject: its name, or "all" for the sum of all
	AuditPayout  = "payout"  // a payout's figures with the entries it paid and recovered, and with its lines; subject: its id
)

// Audit is one look at the books as a whole.
type Audit struct {
	ID          int64
	At          time.Time `gorm:"serializer:ms"`
	Entries     int64     // that were compared
	Transfers   int64
	Differences int64 // found; the first maxDifferences of them are kept
	Repaired    int64 // rows of the tally that were rebuilt
}

// TableName is the table of audits.
func (Audit) TableName() string { return "audit" }

// Difference is a figure that is not what it should be.
type Difference struct {
	ID       int64
	AuditID  int64
	What     string // AuditTally and so on
	Subject  string
	Field    string
	Want     int64 // what the other side of the books comes to
	Have     int64
	Repaired bool
}

// TableName is the table of differences.
func (Difference) TableName() string { return "difference" }

// maxDifferences bounds what is kept of one audit: more would only say that all is wrong.
const maxDifferences = 1000

// tallyKey names a row of the tally.
type tallyKey struct{ period, staff, chat string }

func (k tallyKey) String() string { return k.period + " " + k.staff + " " + k.chat }

// Findings are what an audit found, before it is written down.
type Findings struct {
	Audit       Audit
	Differences []Difference
	wrong       []tallyKey // rows of the tally to rebuild, all of them
}

func (f *Findings) compare(what, subject, field string, want, have int64) {
	if want == have {
		return
	}
	f.Audit.Differences++
	if len(f.Differences) < maxDifferences {
		f.Differences = append(f.Differences, Difference{What: what, Subject: subject, Field: field, Want: want, Have: have})
	}
}

// Audit compares the books with themselves: each entry with its transfers; accounts, cached
// figures and payouts with the entries; all accounts with zero. It reads everything; on a
// Snapshot it sees one moment.
func (r Reader) Audit() (*Findings, error) {
	a := auditing{f: &Findings{}, r: r, accounts: map[string]*balance{}, tallies: map[tallyKey]*Tally{}, payouts: map[int64]*paidBy{}}
	for _, step := range []func() error{a.entries, a.tally, a.comparePayouts} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
	}
	a.compareAccounts()
	return a.f, nil
}

// balance is an account as the entries and as the transfers tell it, in fen.
type balance struct{ want, have int64 }

// auditing reads the books once, in pieces, and sums on the way.
type auditing struct {
	f        *Findings
	r        Reader
	accounts map[string]*balance
	tallies  map[tallyKey]*Tally
	payouts  map[int64]*paidBy
}

// paidBy is what the entries say a payout did.
type paidBy struct{ joins, gross, recovered int64 }

// auditPiece is how many entries are held in memory at once.
const auditPiece = 1000

func (a *auditing) entries() error {
	last := int64(0)
	for {
		entries, err := a.piece(last)
		if err != nil {
			return err
		}
		upTo := never // what is left belongs to no entry
		if len(entries) > 0 {
			upTo = entries[len(entries)-1].ID
		}
		if err := a.transfers(entries, last, upTo); err != nil {
			return err
		}
		if len(entries) == 0 {
			return nil
		}
		last = upTo
	}
}

// piece reads the next entries: the columns that count, without gorm's ways, for there are
// many.
func (a *auditing) piece(after int64) ([]Entry, error) {
	rows, err := a.r.db.Raw(`SELECT id, staff, chat_id, period, status, reason, amount_fen, payout_id, recovered_by FROM entry WHERE id > ? ORDER BY id LIMIT ?`, after, auditPiece).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]Entry, 0, auditPiece)
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.ID, &e.Staff, &e.ChatID, &e.Period, &e.Status, &e.Reason, &e.AmountFen, &e.PayoutID, &e.RecoveredBy); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// transfers compares entries with their transfers: those of the ids above the last entry of
// the piece before, up to the last of this one.
func (a *auditing) transfers(entries []Entry, after, upTo int64) error {
	rows, err := a.r.db.Raw(`SELECT entry_id, debit, credit, amount_fen FROM transfer WHERE entry_id > ? AND entry_id <= ? ORDER BY entry_id`, after, upTo).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	i, moved := 0, map[string]int64{}
	for rows.Next() {
		var id, fen int64
		var debit, credit string
		if err := rows.Scan(&id, &debit, &credit, &fen); err != nil {
			return err
		}
		for ; i < len(entries) && entries[i].ID < id; i++ {
			a.entry(entries[i], moved)
			clear(moved)
		}
		if i == len(entries) || entries[i].ID != id {
			a.f.compare(AuditEntry, fmt.Sprint(id), "entry", 1, 0) // a transfer of an entry that is gone
		}
		moved[debit] -= fen
		moved[credit] += fen
		a.account(debit).have -= fen
		a.account(credit).have += fen
		a.f.Audit.Transfers++
	}
	for ; i < len(entries); i++ {
		a.entry(entries[i], moved)
		clear(moved)
	}
	return rows.Err()
}

func (a *auditing) account(name string) *balance {
	b := a.accounts[name]
	if b == nil {
		b = &balance{}
		a.accounts[name] = b
	}
	return b
}

// entry compares what an entry's transfers moved with where its status says the money is.
func (a *auditing) entry(e Entry, moved map[string]int64) {
	s := e.standing()
	for _, account := range []struct {
		name string
		fen  int64
	}{{AccountHeld, s.held}, {AccountPayable, s.payable}, {AccountPaid, s.paid}} {
		name := account.name + ":" + e.Staff
		a.f.compare(AuditEntry, fmt.Sprint(e.ID), account.name, account.fen, moved[name])
		if account.fen != 0 {
			a.account(name).want += account.fen
		}
	}
	out := s.held + s.payable + s.paid
	a.f.compare(AuditEntry, fmt.Sprint(e.ID), AccountCompany, -out, moved[AccountCompany])
	a.account(AccountCompany).want -= out
	k := tallyKey{e.Period, e.Staff, e.ChatID}
	t := a.tallies[k]
	if t == nil {
		t = &Tally{Period: e.Period, Staff: e.Staff, ChatID: e.ChatID}
		a.tallies[k] = t
	}
	t.add(e.tally(), 1)
	if e.CashOut() && e.PayoutID != nil {
		p := a.payout(*e.PayoutID)
		p.joins, p.gross = p.joins+1, p.gross+e.AmountFen
	}
	if e.RecoveredBy != nil {
		a.payout(*e.RecoveredBy).recovered += e.AmountFen
	}
	a.f.Audit.Entries++
}

func (a *auditing) payout(id int64) *paidBy {
	p := a.payouts[id]
	if p == nil {
		p = &paidBy{}
		a.payouts[id] = p
	}
	return p
}

// comparePayouts compares what payouts say they paid with the entries, and with their lines.
func (a *auditing) comparePayouts() error {
	var rows []struct {
		Payout
		Lines int64
	}
	err := a.r.db.Raw(`SELECT p.id, p.status, p.joins, p.gross_fen, p.recovered_fen, p.total_fen, (SELECT COALESCE(SUM(amount_fen), 0) FROM payout_line l WHERE l.payout_id = p.id) AS lines
		FROM payout p ORDER BY p.id`).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, p := range rows {
		want, id := *a.payout(p.ID), fmt.Sprint(p.ID)
		delete(a.payouts, p.ID)
		if p.Status != PayoutPaid { // no money left, or it came back
			a.f.compare(AuditPayout, id, "joins", want.joins, 0)
			continue
		}
		a.f.compare(AuditPayout, id, "joins", want.joins, p.Joins)
		a.f.compare(AuditPayout, id, "gross_fen", want.gross, p.GrossFen)
		a.f.compare(AuditPayout, id, "recovered_fen", want.recovered, p.RecoveredFen)
		a.f.compare(AuditPayout, id, "total_fen", want.gross-want.recovered, p.TotalFen)
		a.f.compare(AuditPayout, id, "lines_fen", p.TotalFen, p.Lines)
	}
	for _, id := range slices.Sorted(maps.Keys(a.payouts)) {
		a.f.compare(AuditPayout, fmt.Sprint(id), "joins", a.payouts[id].joins, 0) // there is no such payout
	}
	return nil
}

func (a *auditing) compareAccounts() {
	all := int64(0)
	for _, name := range slices.Sorted(maps.Keys(a.accounts)) {
		b := a.accounts[name]
		a.f.compare(AuditAccount, name, "fen", b.want, b.have)
		all += b.have
	}
	a.f.compare(AuditAccount, "all", "fen", 0, all)
}

// tally compares the cached figures with those that the entries came to.
func (a *auditing) tally() error {
	rows, err := a.r.db.Raw(`SELECT period, staff, chat_id, joins, kept, held_fen, payable_fen, void_fen, clawed_back_fen, paid_fen FROM tally ORDER BY period, staff, chat_id`).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var have Tally
		if err := rows.Scan(&have.Period, &have.Staff, &have.ChatID, &have.Joins, &have.Kept, &have.HeldFen, &have.PayableFen, &have.VoidFen, &have.ClawedBackFen, &have.PaidFen); err != nil {
			return err
		}
		k := tallyKey{have.Period, have.Staff, have.ChatID}
		want := a.tallies[k]
		if want == nil {
			want = &Tally{}
		}
		a.compareTally(k, *want, have)
		delete(a.tallies, k)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	missing := slices.SortedFunc(maps.Keys(a.tallies), func(x, y tallyKey) int { return cmp.Compare(x.String(), y.String()) })
	for _, k := range missing {
		a.compareTally(k, *a.tallies[k], Tally{})
	}
	return nil
}

func (a *auditing) compareTally(k tallyKey, want, have Tally) {
	before, w, h := a.f.Audit.Differences, want.figures(), have.figures()
	for i, name := range tallyFields {
		a.f.compare(AuditTally, k.String(), name, *w[i], *h[i])
	}
	if a.f.Audit.Differences > before {
		a.f.wrong = append(a.f.wrong, k)
	}
}

// AddAudit writes down what an audit found.
func (tx *Tx) AddAudit(f *Findings) error {
	f.Audit.At = tx.Now
	if err := tx.db.Create(&f.Audit).Error; err != nil {
		return err
	}
	for i := range f.Differences {
		f.Differences[i].AuditID = f.Audit.ID
	}
	for part := range slices.Chunk(f.Differences, 100) {
		if err := tx.db.Create(part).Error; err != nil {
			return err
		}
	}
	return nil
}

// RebuildTally sums rows of the tally anew that an audit found wrong, at most limit of
// them, and says so in the audit. It returns how many are left. Nothing else in the books is
// ever repaired by a program.
func (tx *Tx) RebuildTally(f *Findings, limit int) (left int, err error) {
	part := f.wrong[:min(limit, len(f.wrong))]
	for _, k := range part {
		if err := tx.sumTally(k); err != nil {
			return 0, err
		}
		err := tx.db.Exec(`UPDATE difference SET repaired = ? WHERE audit_id = ? AND what = ? AND subject = ?`, true, f.Audit.ID, AuditTally, k.String()).Error
		if err != nil {
			return 0, err
		}
	}
	err = one(tx.db.Exec(`UPDATE audit SET repaired = repaired + ? WHERE id = ?`, len(part), f.Audit.ID))
	return len(f.wrong) - len(part), err
}

// Repaired takes what was rebuilt off the list.
func (f *Findings) Repaired(left int) {
	f.Audit.Repaired += int64(len(f.wrong) - left)
	f.wrong = f.wrong[len(f.wrong)-left:]
}

// sumTally makes one row of the tally what its entries come to now.
func (tx *Tx) sumTally(k tallyKey) error {
	// The row is written first: until the end of the transaction nobody else can step it.
	if err := tx.stepTally(Tally{Period: k.period, Staff: k.staff, ChatID: k.chat}); err != nil {
		return err
	}
	entries, err := all[Entry](tx.db.Where("period = ? AND staff = ? AND chat_id = ?", k.period, k.staff, k.chat))
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return one(tx.db.Exec(`DELETE FROM tally WHERE period = ? AND staff = ? AND chat_id = ?`, k.period, k.staff, k.chat))
	}
	var t Tally
	for _, e := range entries {
		t.add(e.tally(), 1)
	}
	return one(tx.db.Table("tally").Where("period = ? AND staff = ? AND chat_id = ?", k.period, k.staff, k.chat).Updates(map[string]any{
		"joins": t.Joins, "kept": t.Kept, "held_fen": t.HeldFen, "payable_fen": t.PayableFen, "void_fen": t.VoidFen, "clawed_back_fen": t.ClawedBackFen, "paid_fen": t.PaidFen,
	}))
}

// LastAudit returns the newest audit, or ErrNotFound before the first.
func (r Reader) LastAudit() (Audit, error) {
	return first[Audit](r.db.Order("id DESC"))
}

// AuditByID returns one audit.
func (r Reader) AuditByID(id int64) (Audit, error) {
	return first[Audit](r.db.Where("id = ?", id))
}

// Differences lists what an audit found, from behind the cursor.
func (r Reader) Differences(audit, cursor int64, limit int) ([]Difference, error) {
	return all[Difference](limited(r.db.Where("audit_id = ? AND id > ?", audit, cursor).Order("id"), limit))
}

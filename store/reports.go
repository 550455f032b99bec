package store

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm/clause"
)

// The kinds of reports.
const (
	ReportCashier = "cashier" // what everybody who brings customers earned
	ReportStore   = "store"   // a store's leaderboard
	ReportChain   = "chain"   // the chain's leaderboard
	ReportManager = "manager" // what a store's manager should look at
)

// Report is how one kind of report is told.
type Report struct {
	Kind     string `gorm:"primaryKey"`
	Enabled  bool
	At       string    // local time, 21:00
	Weekdays []int     `gorm:"serializer:json"` // 1 Monday to 7 Sunday; empty: every day
	Lang     string    // zh or en
	Text     string    // a template; empty: the one that belongs to Lang
	NextDay  string    // the local day that is told next, 2026-11-23; empty: not decided yet
	SavedAt  time.Time `gorm:"column:updated_at;serializer:ms"` // zero: never changed
}

// TableName is the table of reports.
func (Report) TableName() string { return "report" }

// seedReports writes the reports that a new database tells: the leaderboards wait for a
// place to go to.
func (tx *Tx) seedReports() error {
	rows := []Report{{Kind: ReportCashier, At: "21:00"}, {Kind: ReportManager, At: "21:10"}, {Kind: ReportStore, At: "21:05"}, {Kind: ReportChain, At: "21:05"}}
	for i := range rows {
		rows[i].Enabled, rows[i].Lang, rows[i].Weekdays = true, "zh", []int{}
	}
	return tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error
}

// Reports lists all kinds of reports.
func (r Reader) Reports() ([]Report, error) {
	return all[Report](r.db.Order("kind"))
}

// Report returns one kind.
func (r Reader) Report(kind string) (Report, error) {
	return first[Report](r.db.Where("kind = ?", kind))
}

// SaveReport writes how a kind is told, and which day is next.
func (tx *Tx) SaveReport(r Report) error {
	r.SavedAt, r.Weekdays = tx.Now, notNil(r.Weekdays)
	return one(tx.db.Model(&r).Where("kind = ?", r.Kind).Select("Enabled", "At", "Weekdays", "Lang", "Text", "NextDay", "SavedAt").Updates(&r))
}

// MoveReport takes a kind from one day to the next. It fails with ErrStale when somebody
// else did, or when its time was changed meanwhile.
func (tx *Tx) MoveReport(r Report, next string) error {
	return one(tx.db.Exec(`UPDATE report SET next_day = ? WHERE kind = ? AND next_day = ? AND at = ? AND enabled = ?`, next, r.Kind, r.NextDay, r.At, true))
}

// ReportTarget is where a leaderboard goes: an app chat or a group robot.
type ReportTarget struct {
	Kind    string
	ShopID  string // empty: the chain
	AppChat string
	RobotID *int64
	SavedAt time.Time `gorm:"column:updated_at;serializer:ms"`
}

// TableName is the table of targets.
func (ReportTarget) TableName() string { return "report_target" }

// PutReportTarget writes a target, new or known.
func (tx *Tx) PutReportTarget(t ReportTarget) error {
	t.SavedAt = tx.Now
	return tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "kind"}, {Name: "shop_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"app_chat", "robot_id", "updated_at"}),
	}).Create(&t).Error
}

// DropReportTarget takes a target away; false: there was none.
func (tx *Tx) DropReportTarget(kind, shop string) (bool, error) {
	res := tx.db.Exec(`DELETE FROM report_target WHERE kind = ? AND shop_id = ?`, kind, shop)
	return res.RowsAffected == 1, res.Error
}

// ReportTarget returns where the leaderboard of a store, or of the chain, goes.
func (r Reader) ReportTarget(kind, shop string) (ReportTarget, error) {
	return first[ReportTarget](r.db.Where("kind = ? AND shop_id = ?", kind, shop))
}

// ReportTargets lists the targets of a kind by store, from behind one; empty: from the first.
func (r Reader) ReportTargets(kind, after string, limit int) ([]ReportTarget, error) {
	q := r.db.Where("kind = ?", kind).Order("shop_id")
	if after != "" {
		q = q.Where("shop_id > ?", after)
	}
	return all[ReportTarget](limited(q, limit))
}

// States of a day of a report.
const (
	RunPlanning = "planning"
	RunDone     = "done"
	RunMissed   = "missed"
)

// ReportRun is one day of one report. Its news is what was booked with an id after
// AfterEntry up to LastEntry, and what changed after Since up to Until.
type ReportRun struct {
	ID         int64
	Kind       string
	Day        string    // local, 2026-11-23
	At         time.Time `gorm:"serializer:ms"` // when it was to be told
	Status     string
	Since      time.Time `gorm:"serializer:ms"`
	Until      time.Time `gorm:"serializer:ms"`
	AfterEntry int64
	LastEntry  int64
	Cursor     string // whom it was planned for last
	Planned    int64  // messages
	Reason     string
	CreatedAt  time.Time `gorm:"serializer:ms"`
	DoneAt     time.Time `gorm:"serializer:ms"`
}

// TableName is the table of days that were told.
func (ReportRun) TableName() string { return "report_run" }

// BeginRun writes a day of a report down; false: it is known already, and is not told again.
func (tx *Tx) BeginRun(run ReportRun) (bool, error) {
	run.CreatedAt = tx.Now
	if run.Status == RunMissed {
		run.DoneAt = tx.Now
	}
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&run)
	return res.RowsAffected == 1, res.Error
}

// Window completes a run whose Until is set: its news goes on from the day before it, or
// begins at from if that would be longer ago than longest. On PostgreSQL an entry can appear
// with an id below one that was seen: then its mention may be lost, never its money, which is
// in the sums.
func (r Reader) Window(run ReportRun, from time.Time, longest time.Duration) (ReportRun, error) {
	before, err := first[ReportRun](r.db.Where("kind = ? AND day < ?", run.Kind, run.Day).Order("day DESC"))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return run, err
	}
	run.Since, run.AfterEntry = before.Until, before.LastEntry
	if before.Status == RunMissed {
		run.Since, run.AfterEntry = before.Since, before.AfterEntry
	}
	if run.Since.Before(run.Until.Add(-longest)) {
		run.Since = from
		err := r.db.Raw(`SELECT COALESCE(MIN(id) - 1, (SELECT COALESCE(MAX(id), 0) FROM entry)) FROM entry WHERE earned_at >= ?`, ms(from)).Scan(&run.AfterEntry).Error
		if err != nil {
			return run, err
		}
	}
	return run, r.db.Raw(`SELECT COALESCE(MAX(id), 0) FROM entry`).Scan(&run.LastEntry).Error
}

// AdvanceRun notes that a run has been planned up to somebody, with so many messages more.
// It fails with ErrStale when somebody else did it.
func (tx *Tx) AdvanceRun(run ReportRun, cursor string, more int) error {
	return one(tx.db.Exec(`UPDATE report_run SET cursor = ?, planned = planned + ? WHERE id = ? AND cursor = ? AND status = ?`,
		cursor, more, run.ID, run.Cursor, RunPlanning))
}

// EndRun notes that nothing more is planned for a run.
func (tx *Tx) EndRun(run ReportRun, status, reason string) error {
	return one(tx.db.Exec(`UPDATE report_run SET status = ?, reason = ?, done_at = ? WHERE id = ? AND status = ?`,
		status, reason, tx.Now.UnixMilli(), run.ID, RunPlanning))
}

// OpenRuns lists the days that are being planned.
func (r Reader) OpenRuns() ([]ReportRun, error) {
	return all[ReportRun](r.db.Where("status = 'planning'").Order("kind, day"))
}

// ReportRuns lists the days of a kind, newest first, before a day; one day where it is named.
func (r Reader) ReportRuns(kind, day, before string, limit int) ([]ReportRun, error) {
	q := where(r.db.Where("kind = ?", kind), "day", day)
	if before != "" {
		q = q.Where("day < ?", before)
	}
	return all[ReportRun](limited(q.Order("day DESC"), limit))
}

// PruneRuns forgets days from before a time.
func (tx *Tx) PruneRuns(before time.Time) error {
	return tx.db.Exec(`DELETE FROM report_run WHERE created_at < ? AND status <> ?`, before.UnixMilli(), RunPlanning).Error
}

// StaffWithNews lists, from behind one, who is to hear of a day from one moment up to
// another: who brought somebody, had a join booked that was not told yet, lost something or
// was paid.
func (r Reader) StaffWithNews(run ReportRun, from, to time.Time, after string, limit int) ([]string, error) {
	var staff []string
	err := r.db.Raw(`SELECT staff FROM (
		SELECT staff FROM entry WHERE earned_at >= ? AND earned_at < ?
		UNION SELECT staff FROM entry WHERE id > ? AND id <= ? AND earned_at < ?
		UNION SELECT staff FROM entry WHERE settled_at > ? AND settled_at <= ? AND status IN ('void', 'clawed_back', 'paid')
		) AS news WHERE staff > ? ORDER BY staff LIMIT ?`,
		ms(from), ms(to), run.AfterEntry, run.LastEntry, ms(from), ms(run.Since), ms(run.Until), after, limit).Scan(&staff).Error
	return staff, err
}

// NewsOf lists the entries that a day's report to some people is about, by id: see
// StaffWithNews.
func (r Reader) NewsOf(run ReportRun, from, to time.Time, staff []string) ([]Entry, error) {
	known := map[int64]bool{}
	out := []Entry{}
	err := chunked(staff, func(part []string) error {
		for _, q := range []struct {
			where string
			args  []any
		}{
			{"earned_at >= ? AND earned_at < ?", []any{ms(from), ms(to)}},
			{"id > ? AND id <= ? AND earned_at < ?", []any{run.AfterEntry, run.LastEntry, ms(from)}},
			{"settled_at > ? AND settled_at <= ? AND status IN ('void', 'clawed_back', 'paid')", []any{ms(run.Since), ms(run.Until)}},
		} {
			found, err := all[Entry](r.db.Where("staff IN ?", part).Where(q.where, q.args...))
			if err != nil {
				return err
			}
			for _, e := range found {
				if !known[e.ID] {
					known[e.ID] = true
					out = append(out, e)
				}
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return out, err
}

// Balance sums one account, such as held:zhang, in fen.
func (r Reader) Balance(account string) (fen int64, err error) {
	err = r.db.Raw(`SELECT (SELECT COALESCE(SUM(amount_fen), 0) FROM transfer WHERE credit = ?) - (SELECT COALESCE(SUM(amount_fen), 0) FROM transfer WHERE debit = ?)`,
		account, account).Scan(&fen).Error
	return fen, err
}

// Lost counts and sums what the joins of a store's groups lost by a status after one moment
// up to another.
func (r Reader) Lost(shop, status string, since, until time.Time) (n, fen int64, err error) {
	var row struct{ N, Fen int64 }
	err = r.db.Raw(`SELECT COUNT(*) AS n, COALESCE(SUM(e.amount_fen), 0) AS fen FROM entry e JOIN chat c ON c.chat_id = e.chat_id
		WHERE c.shop_id = ? AND e.status = ? AND e.settled_at > ? AND e.settled_at <= ?`, shop, status, ms(since), ms(until)).Scan(&row).Error
	return row.N, row.Fen, err
}

// Overheld counts and sums what is held of somebody's although its hold ended before a
// moment: somebody has to decide about it.
func (r Reader) Overheld(staff string, before time.Time) (n, fen int64, err error) {
	var row struct{ N, Fen int64 }
	err = r.db.Raw(`SELECT COUNT(*) AS n, COALESCE(SUM(amount_fen), 0) AS fen FROM entry WHERE status = 'held' AND due_at < ? AND staff = ?`,
		ms(before), staff).Scan(&row).Error
	return row.N, row.Fen, err
}

// AlarmedChannels lists a store's codes that lead nowhere, or soon will.
func (r Reader) AlarmedChannels(shop string) ([]Channel, error) {
	return all[Channel](inShops(r.db.Where("status = ? AND condition <> ?", ChannelActive, CodeLive).Order("id"), "", shop))
}

// OpenFlags counts and sums the entries of a store's groups that wait for a decision.
func (r Reader) OpenFlags(shop string) (n, fen int64, err error) {
	var row struct{ N, Fen int64 }
	err = r.db.Raw(`SELECT COUNT(*) AS n, COALESCE(SUM(e.amount_fen), 0) AS fen FROM flag f JOIN entry e ON e.id = f.entry_id JOIN chat c ON c.chat_id = e.chat_id
		WHERE f.status = ? AND e.status = ? AND c.shop_id = ?`, FlagOpen, EntryHeld, shop).Scan(&row).Error
	return row.N, row.Fen, err
}

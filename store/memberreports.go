package store

import (
	"time"

	"gorm.io/gorm/clause"
)

// Outcomes of a report on a member; empty while nobody knows.
const (
	ReportRight = "right" // the person's case ended in a removal
	ReportWrong = "wrong" // it was dismissed, or the removal was taken back
)

// MemberReport is somebody's word on a member of a group. A reporter has one a day on each
// person.
type MemberReport struct {
	ID        int64
	ChatID    string
	Member    string
	Reporter  string
	Staff     bool   // the reporter works for the company
	Day       string // the local day, 2026-11-23
	MessageID string // the message it is about; empty: the person
	Text      string
	Note      string
	Weight    float64 // what the word counted when it was given, 0 to 1
	CaseID    *int64  // the case that it led to, or that decided it
	Outcome   string
	CreatedAt time.Time `gorm:"serializer:ms"`
}

// TableName is the table of reports on members.
func (MemberReport) TableName() string { return "member_report" }

// AddMemberReport writes a report and sets its ID. One more of the same reporter on the same
// person and day is not written; false says so, and the report becomes the one there is.
func (tx *Tx) AddMemberReport(m *MemberReport) (bool, error) {
	m.CreatedAt = tx.Now
	res := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(m)
	if res.Error != nil || res.RowsAffected == 1 {
		return res.Error == nil, res.Error
	}
	known, err := first[MemberReport](tx.db.Where("member = ? AND reporter = ? AND day = ?", m.Member, m.Reporter, m.Day))
	*m = known
	return false, err
}

// LinkReport notes the case that a report led to.
func (tx *Tx) LinkReport(id, caseID int64) error {
	return one(tx.db.Exec(`UPDATE member_report SET case_id = ? WHERE id = ?`, caseID, id))
}

// SettleReports says whether the reports on a case's person were right: those that nobody
// knew of yet, and those that the case decided before.
func (tx *Tx) SettleReports(c Case, outcome string) error {
	if err := tx.db.Exec(`UPDATE member_report SET outcome = ? WHERE member = ? AND case_id = ? AND outcome <> ''`, outcome, c.Member, c.ID).Error; err != nil {
		return err
	}
	return tx.db.Exec(`UPDATE member_report SET outcome = ?, case_id = ? WHERE member = ? AND outcome = ''`, outcome, c.ID, c.Member).Error
}

// ReportRecord is how a reporter did.
type ReportRecord struct {
	Reporter string
	Staff    bool
	Reports  int64
	Right    int64 `gorm:"column:were_right"`
	Wrong    int64 `gorm:"column:were_wrong"`
}

const reportRecord = `SELECT reporter, MAX(CASE WHEN staff THEN 1 ELSE 0 END) = 1 AS staff, COUNT(*) AS reports,
	SUM(CASE WHEN outcome = 'right' THEN 1 ELSE 0 END) AS were_right, SUM(CASE WHEN outcome = 'wrong' THEN 1 ELSE 0 END) AS were_wrong FROM member_report `

// ReportRecord returns how somebody's reports did; zero for who never gave one.
func (r Reader) ReportRecord(reporter string) (out ReportRecord, err error) {
	err = r.db.Raw(reportRecord+`WHERE reporter = ? GROUP BY reporter`, reporter).Scan(&out).Error
	return out, err
}

// ReportRecords lists reporters by name, from behind the cursor.
func (r Reader) ReportRecords(cursor string, limit int) (out []ReportRecord, err error) {
	err = r.db.Raw(reportRecord+`WHERE reporter > ? GROUP BY reporter ORDER BY reporter LIMIT ?`, cursor, limit).Scan(&out).Error
	return out, err
}

// MemberReportFilter selects reports; empty fields select everything.
type MemberReportFilter struct {
	Chat, Member, Reporter string
	Cursor                 int64
	Limit                  int
}

// MemberReports lists reports in the order in which they came.
func (r Reader) MemberReports(f MemberReportFilter) ([]MemberReport, error) {
	q := where(where(where(r.db.Where("id > ?", f.Cursor).Order("id"), "chat_id", f.Chat), "member", f.Member), "reporter", f.Reporter)
	return all[MemberReport](limited(q, f.Limit))
}

// MemberReport returns one report.
func (r Reader) MemberReport(id int64) (MemberReport, error) {
	return first[MemberReport](r.db.Where("id = ?", id))
}

// Reported is what people said about a member lately.
type Reported struct {
	People int     // how many reporters
	Weight float64 // what their words count together
}

// memberWordsMost caps what customers' words count together: a group that gangs up on one
// member weighs no more than that. Words of staff come on top.
const memberWordsMost = 1.0

// ReportsAbout sums up, for each of some members, the reports since a moment that were not
// found to be wrong. A reporter counts once, by the heaviest word; who nobody reported is
// not in the answer.
func (r Reader) ReportsAbout(members []string, since time.Time) (map[string]Reported, error) {
	out := map[string]Reported{}
	err := chunked(members, func(part []string) error {
		var rows []struct {
			Member    string
			People    int
			Customers float64
			Staff     float64
		}
		err := r.db.Raw(`SELECT member, COUNT(*) AS people, SUM(CASE WHEN staff THEN 0 ELSE weight END) AS customers, SUM(CASE WHEN staff THEN weight ELSE 0 END) AS staff
			FROM (SELECT member, reporter, staff, MAX(weight) AS weight FROM member_report
				WHERE member IN ? AND created_at >= ? AND outcome <> 'wrong' GROUP BY member, reporter, staff) AS words GROUP BY member`, part, ms(since)).Scan(&rows).Error
		for _, row := range rows {
			out[row.Member] = Reported{People: row.People, Weight: min(row.Customers, memberWordsMost) + row.Staff}
		}
		return err
	})
	return out, err
}

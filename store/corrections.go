package store

import (
	"time"

	"gorm.io/gorm"
)

// What a correction says of a text.
const (
	LabelSpam = "spam"
	LabelHam  = "ham"
)

// Where a correction comes from.
const (
	CorrectedByAPI    = "api"
	CorrectedByCase   = "case"   // what became of a case
	CorrectedByReport = "report" // what somebody decided about a report
)

// Correction is somebody's word that a text is spam, or ham. It is never changed; taking it
// back is a row of its own.
type Correction struct {
	ID        int64
	Seq       int64 // counts the changes of corrections, in the order of their commits
	Label     string
	Text      string  // what was judged
	Weight    float64 // how much the word counts, as it was weighed when it came
	Who       string
	Source    string
	Note      string
	MessageID string // empty: the text was named
	CaseID    *int64
	// CaseChange is what the correction did to the case: opened, raised or dismissed it; empty:
	// nothing.
	CaseChange string
	At         time.Time `gorm:"serializer:ms"`
}

// TableName is the table of corrections.
func (Correction) TableName() string { return "correction" }

// CorrectionEnd says that a correction was taken back.
type CorrectionEnd struct {
	CorrectionID int64 `gorm:"primaryKey;autoIncrement:false"`
	Seq          int64
	Who          string
	Note         string
	At           time.Time `gorm:"serializer:ms"`
}

// TableName is the table of corrections that were taken back.
func (CorrectionEnd) TableName() string { return "correction_end" }

// CorrectionFilter chooses corrections. Empty fields choose all.
type CorrectionFilter struct {
	Who, Label string
	From, To   time.Time // when it was made; To is excluded
	Active     *bool     // not taken back, or taken back
	CaseID     int64
	Source     string
	Cursor     int64 // only those with a larger id
	Limit      int
}

const notEnded = "NOT EXISTS (SELECT 1 FROM correction_end WHERE correction_id = correction.id)"

func (f CorrectionFilter) on(q *gorm.DB) *gorm.DB {
	q = where(where(where(q.Where("id > ?", f.Cursor), "who", f.Who), "label", f.Label), "source", f.Source)
	if !f.From.IsZero() {
		q = q.Where("at >= ?", ms(f.From))
	}
	if !f.To.IsZero() {
		q = q.Where("at < ?", ms(f.To))
	}
	if f.CaseID != 0 {
		q = q.Where("case_id = ?", f.CaseID)
	}
	switch {
	case f.Active == nil:
	case *f.Active:
		q = q.Where(notEnded)
	default:
		q = q.Where("NOT " + notEnded)
	}
	return q
}

// nextCorrection counts one change more. Others who write a change wait until this
// transaction ends, so nobody who reads ever sees a change before an earlier one.
func (tx *Tx) nextCorrection() (seq int64, err error) {
	err = tx.db.Raw(`INSERT INTO correction_head (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = correction_head.seq + 1 RETURNING seq`).Scan(&seq).Error
	return seq, err
}

// AddCorrection writes a correction and sets its ID, Seq and At.
func (tx *Tx) AddCorrection(c *Correction) error {
	var err error
	if c.Seq, err = tx.nextCorrection(); err != nil {
		return err
	}
	c.At = tx.Now
	return tx.db.Create(c).Error
}

// EndCorrections takes back all corrections that a filter chooses and that are not taken back
// yet, and returns how many these were. Cursor, Limit and Active of the filter do not matter.
func (tx *Tx) EndCorrections(f CorrectionFilter, who, note string) (int64, error) {
	seq, err := tx.nextCorrection() // first: from here on nobody adds any
	if err != nil {
		return 0, err
	}
	yes := true
	f.Active, f.Cursor = &yes, 0
	var ids []int64
	if err := f.on(tx.db.Model(&Correction{})).Order("id").Pluck("id", &ids).Error; err != nil {
		return 0, err
	}
	ends := make([]CorrectionEnd, len(ids))
	for i, id := range ids {
		ends[i] = CorrectionEnd{CorrectionID: id, Seq: seq, Who: who, Note: note, At: tx.Now}
	}
	if len(ends) == 0 {
		return 0, nil
	}
	return int64(len(ends)), tx.db.CreateInBatches(ends, 100).Error
}

// EndCorrection takes one correction back. One that is taken back already is ErrStale.
func (tx *Tx) EndCorrection(id int64, who, note string) error {
	if _, err := tx.Correction(id); err != nil {
		return err
	}
	seq, err := tx.nextCorrection()
	if err != nil {
		return err
	}
	return staleIfTaken(tx.db.Create(&CorrectionEnd{CorrectionID: id, Seq: seq, Who: who, Note: note, At: tx.Now}).Error)
}

// Correction returns one correction.
func (r Reader) Correction(id int64) (Correction, error) {
	return first[Correction](r.db.Where("id = ?", id))
}

// CorrectionEnds returns those of some corrections that were taken back.
func (r Reader) CorrectionEnds(ids []int64) ([]CorrectionEnd, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return all[CorrectionEnd](r.db.Where("correction_id IN ?", ids).Order("correction_id"))
}

// Corrections lists corrections by id.
func (r Reader) Corrections(f CorrectionFilter) ([]Correction, error) {
	return all[Correction](limited(f.on(r.db).Order("id"), f.Limit))
}

// CountCorrections counts the corrections that a filter chooses. Cursor and Limit do not matter.
func (r Reader) CountCorrections(f CorrectionFilter) (int, error) {
	var n int64
	f.Cursor = 0
	err := f.on(r.db.Model(&Correction{})).Count(&n).Error
	return int(n), err
}

// CorrectionHead returns the seq of the last change; 0: there was none.
func (r Reader) CorrectionHead() (seq int64, err error) {
	err = r.db.Raw(`SELECT seq FROM correction_head WHERE id = 1`).Scan(&seq).Error
	return seq, err
}

// NewCorrections lists corrections in the order of their changes, from behind one seq up to
// another; of those that were taken back up to it, none.
func (r Reader) NewCorrections(after, upTo int64, limit int) ([]Correction, error) {
	return all[Correction](r.db.Where("seq > ? AND seq <= ?", after, upTo).
		Where("NOT EXISTS (SELECT 1 FROM correction_end e WHERE e.correction_id = correction.id AND e.seq <= ?)", upTo).Order("seq").Limit(limit))
}

// NewCorrectionEnds lists the ids of corrections that were taken back behind one seq and up to
// another.
func (r Reader) NewCorrectionEnds(after, upTo int64) (ids []int64, err error) {
	err = r.db.Raw(`SELECT correction_id FROM correction_end WHERE seq > ? AND seq <= ? ORDER BY correction_id`, after, upTo).Scan(&ids).Error
	return ids, err
}

// CorrectionRecord counts, of what a person said about texts through cases and reports, how
// much stands and how much somebody else took back.
func (r Reader) CorrectionRecord(who string) (stands, refuted int, err error) {
	var out struct{ Stands, Refuted int }
	err = r.db.Raw(`SELECT COALESCE(SUM(CASE WHEN e.correction_id IS NULL THEN 1 ELSE 0 END), 0) AS stands,
			COALESCE(SUM(CASE WHEN e.who <> c.who THEN 1 ELSE 0 END), 0) AS refuted
		FROM correction c LEFT JOIN correction_end e ON e.correction_id = c.id WHERE c.who = ? AND c.source <> ?`, who, CorrectedByAPI).Scan(&out).Error
	return out.Stands, out.Refuted, err
}

// RecentTexts lists the newest messages of the feed, at most limit, not older than a moment.
func (r Reader) RecentTexts(since time.Time, limit int) ([]Message, error) {
	return all[Message](r.db.Select("message_id", "sender", "text", "verdict").Where("received_at >= ?", ms(since)).Order("received_at DESC, message_id").Limit(limit))
}

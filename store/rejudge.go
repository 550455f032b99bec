package store

import "time"

// Phases of a rejudge.
const (
	RejudgeRetract = "retract" // the money of the old version goes back first, so that a budget serves in order
	RejudgeJudge   = "judge"
	RejudgeDone    = "done"
)

// Rejudge is the work of judging joins again because a rule reaches into the past. It is
// done in batches; the row is its cursor.
type Rejudge struct {
	ID       int64
	FromAt   time.Time `gorm:"serializer:ms"` // joins at or after it
	Phase    string
	JoinedAt time.Time `gorm:"serializer:ms"` // with StintID: the last stay that was done in this phase
	StintID  int64
	Stays    int64     // to judge, when it was asked for
	Judged   int64     // so far
	AskedAt  time.Time `gorm:"serializer:ms"`
	DoneAt   time.Time `gorm:"serializer:ms"`
}

// TableName is the table of rejudges.
func (Rejudge) TableName() string { return "rejudge" }

// AskRejudge asks for all joins since a moment to be judged again by the rules in force. It
// belongs into the transaction that adds a rule version with that effective date, or that
// reverses a payout.
func (tx *Tx) AskRejudge(from time.Time) error {
	j := Rejudge{FromAt: from, Phase: RejudgeJudge, AskedAt: tx.Now}
	if err := tx.db.Table("stint").Where("joined_at >= ?", ms(from)).Count(&j.Stays).Error; err != nil {
		return err
	}
	if rule, err := tx.LastRule(); err == nil && rule.Budget != nil {
		j.Phase = RejudgeRetract
	}
	return tx.db.Create(&j).Error
}

// OpenRejudge returns the oldest rejudge that is not done, or ErrNotFound. While there is
// one, entries that no payout has may still change.
func (r Reader) OpenRejudge() (Rejudge, error) {
	return first[Rejudge](r.db.Where("done_at IS NULL").Order("id"))
}

// RejudgeLeft counts the stays that wait to be judged again.
func (r Reader) RejudgeLeft() (n int64, err error) {
	err = r.db.Raw("SELECT COALESCE(SUM(CASE WHEN stays > judged THEN stays - judged ELSE 0 END), 0) FROM rejudge WHERE done_at IS NULL").Scan(&n).Error
	return n, err
}

// Rejudges lists rejudges, newest first; before is the id of the last one of the page before.
func (r Reader) Rejudges(before int64, limit int) ([]Rejudge, error) {
	q := r.db.Order("id DESC")
	if before > 0 {
		q = q.Where("id < ?", before)
	}
	return all[Rejudge](limited(q, limit))
}

// MoveRejudge writes how far a rejudge came. It fails with ErrStale when somebody else moved
// it meanwhile.
func (tx *Tx) MoveRejudge(from, to Rejudge) error {
	return one(tx.db.Table("rejudge").Where("id = ? AND phase = ? AND stint_id = ? AND judged = ?", from.ID, from.Phase, from.StintID, from.Judged).
		Updates(map[string]any{"phase": to.Phase, "joined_at": ms(to.JoinedAt), "stint_id": to.StintID, "judged": to.Judged, "done_at": ms(to.DoneAt)}))
}

// RejudgeStints lists the stays that a rejudge has to look at next, in the order of their
// joins.
func (r Reader) RejudgeStints(j Rejudge, limit int) ([]Stint, error) {
	from := j.JoinedAt
	if from.IsZero() {
		from = j.FromAt
	}
	return all[Stint](r.db.Where("joined_at >= ? AND (joined_at > ? OR id > ?)", ms(from), ms(from), j.StintID).Order("joined_at, id").Limit(limit))
}

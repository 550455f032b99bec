package store

import (
	"errors"
	"time"
)

// Phases of a rejudge.
const (
	RejudgeRetract = "retract" // the money of the old version goes back first, so that a budget serves in order
	RejudgeJudge   = "judge"
	RejudgeDone    = "done"
)

// Rejudge is the work of judging joins again because a rule reaches into the past, a payout was
// reversed or a group has another shop. It is done in batches; the row is its cursor.
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

// AskRejudge asks for all joins since a moment to be judged again by the rules in force, as the
// groups are placed then. It belongs into the transaction that adds a rule version with that
// effective date, that reverses a payout, or that gives a group another shop. One that is still
// at the beginning does the new work with its own, reaching farther back if need be; so one that is
// under way is followed by at most one more.
func (tx *Tx) AskRejudge(from time.Time) error {
	if err := tx.LockLedger(); err != nil {
		return err
	}
	j := Rejudge{FromAt: from, Phase: RejudgeJudge, AskedAt: tx.Now}
	if rule, err := tx.LastRule(); err == nil && rule.Budget != nil {
		j.Phase = RejudgeRetract
	}
	open, err := first[Rejudge](tx.db.Where("done_at IS NULL AND phase = ? AND stint_id = 0", j.Phase).Order("id DESC"))
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case err == nil && !open.FromAt.After(from):
		return nil
	}
	if err := tx.db.Table("stint").Where("joined_at >= ?", ms(from)).Count(&j.Stays).Error; err != nil {
		return err
	}
	if open.ID != 0 {
		return one(tx.db.Exec("UPDATE rejudge SET from_at = ?, stays = ? WHERE id = ?", ms(from), j.Stays, open.ID))
	}
	return tx.db.Create(&j).Error
}

// rejudgePlaced asks for the joins to be judged again that may be new or not since a group
// belongs to another shop: those of customers who were in it and in others, if the shops matter to any
// of them. Groups that nobody has joined yet are placed at no cost.
func (tx *Tx) rejudgePlaced(chat string) error {
	since, ok, err := tx.min("SELECT MIN(effective_from) FROM rule WHERE once_per = 'store'")
	if err != nil || !ok {
		return err
	}
	// An earlier join may have had to give way to a later one that was paid, so it is judged again too.
	from, ok, err := tx.min(`WITH RECURSIVE person (user_id) AS (
			SELECT user_id FROM stint WHERE chat_id = ? AND kind = 'customer'
			UNION SELECT other.user_id FROM person JOIN stint AS mine ON mine.user_id = person.user_id AND mine.union_id <> ''
				JOIN stint AS other ON other.union_id = mine.union_id AND other.union_id <> ''
		) SELECT MIN(s.joined_at) FROM person JOIN stint s ON s.user_id = person.user_id
		HAVING MAX(s.joined_at) >= ? AND MAX(CASE WHEN s.chat_id <> ? THEN 1 ELSE 0 END) = 1`, chat, ms(since), chat)
	if err != nil || !ok {
		return err
	}
	return tx.AskRejudge(from)
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
	return one(tx.db.Table("rejudge").Where("id = ? AND from_at = ? AND phase = ? AND stint_id = ? AND judged = ?", from.ID, ms(from.FromAt), from.Phase, from.StintID, from.Judged).
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

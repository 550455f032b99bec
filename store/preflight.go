package store

import (
	"time"
)

// How grave a finding is.
const (
	Red    = "red"    // pointless or impossible
	Yellow = "yellow" // somebody should look at it
	Green  = "green"  // a verdict only: nothing was found
)

// Finding is something that is wrong with a promotion at a moment.
type Finding struct {
	Code   string `json:"code"`
	Level  string `json:"level"`
	Stops  bool   `json:"stops,omitempty"`   // the message cannot go out at all
	Field  string `json:"field,omitempty"`   // of the promotion
	ChatID string `json:"chat_id,omitempty"` // where it is about one group
	Owner  string `json:"owner,omitempty"`   // where it is about one owner
	Store  string `json:"store,omitempty"`   // where it is about one store
	Count  int64  `json:"count"`             // groups, owners or things, as the text says
	Text   string `json:"text"`              // for an operator, in Chinese
	TextEN string `json:"text_en"`
}

// Preflight is what was found before a promotion's next slot.
type Preflight struct {
	PromotionID int64     `gorm:"primaryKey"`
	At          time.Time `gorm:"serializer:ms"` // the slot it is about
	CheckedAt   time.Time `gorm:"serializer:ms"` // zero: not looked at yet
	Verdict     string    // Red, Yellow or Green
	Findings    []Finding `gorm:"serializer:json"`
	Told        []string  `gorm:"serializer:json"` // what people know already: codes, with the store if it is about one
	DueAt       time.Time `gorm:"serializer:ms"`   // when it is looked at again; zero: it is not
}

// TableName is the table of what was found.
func (Preflight) TableName() string { return "preflight" }

// lookAgain asks for a look at a promotion that was written or moved, unless nothing is to come
// of it.
func (tx *Tx) lookAgain(promotion int64, next time.Time) error {
	var due any
	if !next.IsZero() {
		due = tx.Now.UnixMilli()
	}
	return tx.db.Exec(`INSERT INTO preflight (promotion_id, verdict, findings, told, due_at) VALUES (?,'','[]','[]',?)
		ON CONFLICT (promotion_id) DO UPDATE SET due_at = excluded.due_at`, promotion, due).Error
}

// SavePreflight writes down what was found. It fails with ErrStale when another look was asked
// for since known, the time for which this one was.
func (tx *Tx) SavePreflight(f Preflight, known time.Time) error {
	f.Findings, f.Told = notNil(f.Findings), notNil(f.Told)
	q := tx.db.Model(&f).Where("promotion_id = ?", f.PromotionID)
	if known.IsZero() {
		q = q.Where("due_at IS NULL")
	} else {
		q = q.Where("due_at = ?", ms(known))
	}
	return one(q.Select("At", "CheckedAt", "Verdict", "Findings", "Told", "DueAt").Updates(&f))
}

// Preflight returns what was found before a promotion's next slot.
func (r Reader) Preflight(promotion int64) (Preflight, error) {
	return first[Preflight](r.db.Where("promotion_id = ?", promotion))
}

// Preflights returns what was found of some promotions, by id; those without a look are left
// out.
func (r Reader) Preflights(promotions []int64) (map[int64]Preflight, error) {
	out := map[int64]Preflight{}
	err := chunked(promotions, func(part []int64) error {
		rows, err := all[Preflight](r.db.Where("promotion_id IN ? AND checked_at IS NOT NULL", part))
		for _, f := range rows {
			out[f.PromotionID] = f
		}
		return err
	})
	return out, err
}

// DuePreflights lists the looks that are due, oldest first.
func (r Reader) DuePreflights(now time.Time, limit int) ([]Preflight, error) {
	return all[Preflight](r.db.Where("due_at <= ?", ms(now)).Order("due_at, promotion_id").Limit(limit))
}

// NextPreflight returns when the next look is due; ok is false when there is none.
func (r Reader) NextPreflight() (at time.Time, ok bool, err error) {
	return r.min("SELECT MIN(due_at) FROM preflight WHERE due_at IS NOT NULL")
}

// PromotionsOf lists promotions that were posted between two moments, or may be before the
// second because their next time is, by id; posted are the ids of the first kind.
func (r Reader) PromotionsOf(from, to time.Time, limit int) (list []Promotion, posted []int64, err error) {
	posted, err = pluck[int64](r.db.Table("occurrence").Distinct("promotion_id").
		Where("at >= ? AND at < ? AND status IN ('planned', 'running', 'done')", ms(from), ms(to)).Order("promotion_id").Limit(limit), "promotion_id")
	if err != nil {
		return nil, nil, err
	}
	q := r.db.Where("next_at < ?", ms(to))
	if len(posted) > 0 {
		q = q.Or("id IN ?", posted)
	}
	list, err = all[Promotion](q.Order("id").Limit(limit))
	return list, posted, err
}

// openAtMost is how long after its time a delivery may still reach its group: the lateness
// that is allowed, the time to confirm, and patience with a task that will not be cancelled.
const openAtMost = 6 * 24 * time.Hour

// usesQuota are the deliveries that use the quota of a span: what was sent in it, and what may
// be sent at any time because it waits for its owner.
const usesQuota = `delivery.at >= ? AND delivery.at < ? AND (delivery.status IN ('planned', 'submitted')
	OR delivery.status = 'sent' AND COALESCE(delivery.sent_at, delivery.at) >= ?)`

func quotaArgs(from, to time.Time) []any {
	return []any{from.Add(-openAtMost).UnixMilli(), to.UnixMilli(), from.UnixMilli()}
}

// QuotaOccurrences counts the occurrences that may use the quota of groups from one time to
// another, each of a group's once.
func (r Reader) QuotaOccurrences(from, to time.Time) (int, error) {
	var n int
	err := r.db.Raw(`SELECT COUNT(*) FROM occurrence WHERE at >= ? AND at < ? AND status IN ('planned', 'running', 'done')`,
		from.Add(-openAtMost).UnixMilli(), to.UnixMilli()).Scan(&n).Error
	return n, err
}

// UsedQuota counts, by group, what uses the quota of some groups from one time to another.
func (r Reader) UsedQuota(chats []string, from, to time.Time) (map[string]int, error) {
	out := map[string]int{}
	err := chunked(chats, func(part []string) error {
		var rows []struct {
			ChatID string
			N      int
		}
		err := r.db.Raw(`SELECT chat_id, COUNT(*) AS n FROM delivery WHERE chat_id IN ? AND `+usesQuota+` GROUP BY chat_id`,
			append([]any{part}, quotaArgs(from, to)...)...).Scan(&rows).Error
		for _, row := range rows {
			out[row.ChatID] = row.N
		}
		return err
	})
	return out, err
}

// FillGroups remembers that groups get no more mass messages until a time.
func (tx *Tx) FillGroups(chats []string, until time.Time) error {
	for _, chat := range chats {
		err := tx.db.Exec(`INSERT INTO quota_full (chat_id, until) VALUES (?,?)
			ON CONFLICT (chat_id) DO UPDATE SET until = excluded.until WHERE quota_full.until < excluded.until`, chat, until.UnixMilli()).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// FullGroups tells which of some groups get no more mass messages at a moment, as the platform
// said.
func (r Reader) FullGroups(chats []string, at time.Time) (map[string]bool, error) {
	out := map[string]bool{}
	err := chunked(chats, func(part []string) error {
		full, err := pluck[string](r.db.Table("quota_full").Where("chat_id IN ? AND until > ?", part, at.UnixMilli()), "chat_id")
		for _, chat := range full {
			out[chat] = true
		}
		return err
	})
	return out, err
}

// PruneQuota forgets the groups that may get mass messages again.
func (tx *Tx) PruneQuota() error {
	return tx.db.Exec(`DELETE FROM quota_full WHERE until <= ?`, tx.Now.UnixMilli()).Error
}

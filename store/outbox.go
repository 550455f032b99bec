package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"xiaobu/bot"
)

// Action states in the outbox.
const (
	ActionPending   = "pending"   // to be performed once due
	ActionSending   = "sending"   // being performed under a lease
	ActionSent      = "sent"      // performed
	ActionFailed    = "failed"    // refused for good
	ActionUnknown   = "unknown"   // cut off: nobody knows whether it was performed
	ActionExpired   = "expired"   // its deadline passed first
	ActionCancelled = "cancelled" // taken back before it was performed
)

// Action is something to do outside, as it is kept. Data is JSON of the action's own type,
// Result JSON of what the platform answered.
type Action struct {
	ID        int64
	Key       string
	Kind      string
	Retry     string
	State     string
	DueAt     time.Time `gorm:"serializer:ms"`
	Deadline  int64     // milliseconds; see never
	Attempts  int
	Asked     int // how often the platform was asked about an unknown outcome
	Owner     string
	TriedAt   time.Time `gorm:"serializer:ms"`
	EventID   *int64
	CreatedAt time.Time `gorm:"serializer:ms"`
	DoneAt    time.Time `gorm:"serializer:ms"`
	Code      int
	Error     string
	Result    string
	Data      string
}

// TableName is the table of actions.
func (Action) TableName() string { return "outbox" }

// Expires returns the action's deadline; ok is false when it has none.
func (a Action) Expires() (time.Time, bool) { return fromMS(a.Deadline), a.Deadline != never }

// Decode reads the action's data into v.
func (a Action) Decode(v any) error {
	if err := json.Unmarshal([]byte(a.Data), v); err != nil {
		return fmt.Errorf("decode action %s: %w", a.Key, err)
	}
	return nil
}

// When says when an action may be performed. Zero times mean at once and for ever.
type When struct {
	NotBefore time.Time
	Deadline  time.Time
	// Cause is the event that led to the action, 0 for none.
	Cause int64
}

// Enqueue writes an action down, to be performed after the commit. A key that is known is a
// no-op and returns false.
func (tx *Tx) Enqueue(a bot.Action, when When) (bool, error) {
	data, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("encode action %s: %w", a.ActionKey(), err)
	}
	due, deadline := tx.Now, never
	if when.NotBefore.After(due) {
		due = when.NotBefore
	}
	if !when.Deadline.IsZero() {
		deadline = when.Deadline.UnixMilli()
	}
	var cause any
	if when.Cause != 0 {
		cause = when.Cause
	}
	res := tx.db.Exec(`INSERT INTO outbox (key, kind, retry, state, due_at, deadline, attempts, asked, owner, lease_until, event_id, created_at, code, error, result, data)
		VALUES (?,?,?,'pending',?,?,0,0,'',0,?,?,0,'','',?) ON CONFLICT (key) DO NOTHING`,
		a.ActionKey(), a.ActionKind(), string(a.Retry()), due.UnixMilli(), deadline, cause, tx.Now.UnixMilli(), string(data))
	tx.wakeOutbox = tx.wakeOutbox || res.RowsAffected == 1
	return res.RowsAffected == 1, res.Error
}

// CancelAction takes an action back if it has not been started; false when it is too late.
func (tx *Tx) CancelAction(key string) (bool, error) {
	res := tx.db.Exec(`UPDATE outbox SET state = 'cancelled', done_at = ? WHERE key = ? AND state = 'pending'`, tx.Now.UnixMilli(), key)
	return res.RowsAffected == 1, res.Error
}

// ClaimActions takes up to n actions of a kind that are due: pending ones to be performed
// (they are sending from now on) and unknown ones to be asked about. Whoever holds a lease
// that has run out is presumed dead; ReapActions has to come first.
func (s *Store) ClaimActions(ctx context.Context, kind, owner string, n int, lease time.Duration) ([]Action, error) {
	if due, err := s.Read(ctx).actionDue(kind, s.now()); err != nil || !due {
		return nil, err
	}
	var claimed []Action
	err := s.Tx(ctx, func(tx *Tx) (err error) {
		claimed, err = tx.claimActions(kind, owner, n, lease)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim actions of kind %s: %w", kind, err)
	}
	return claimed, nil
}

func (r Reader) actionDue(kind string, now time.Time) (bool, error) {
	var n int64
	err := r.db.Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE kind = ? AND state IN ('pending', 'unknown') AND due_at <= ?
		AND lease_until <= ? AND (state = 'pending' OR retry = 'unsure') LIMIT 1) AS due`,
		kind, now.UnixMilli(), now.UnixMilli()).Scan(&n).Error
	return n > 0, err
}

func (tx *Tx) claimActions(kind, owner string, n int, lease time.Duration) ([]Action, error) {
	now := tx.Now.UnixMilli()
	lock := ""
	if tx.dialect == postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	var claimed []Action
	err := tx.db.Raw(`UPDATE outbox SET owner = ?, lease_until = ?,
		attempts = CASE WHEN state = 'pending' THEN attempts + 1 ELSE attempts END,
		tried_at = CASE WHEN state = 'pending' THEN ? ELSE tried_at END,
		state = CASE WHEN state = 'pending' AND deadline > ? THEN 'sending' ELSE state END
		WHERE id IN (SELECT id FROM outbox WHERE kind = ? AND state IN ('pending', 'unknown') AND due_at <= ? AND lease_until <= ?
			AND (state = 'pending' OR retry = 'unsure') ORDER BY deadline, due_at, id LIMIT ?`+lock+`) RETURNING *`,
		owner, tx.Now.Add(lease).UnixMilli(), now, now, kind, now, now, n).Scan(&claimed).Error
	return claimed, err
}

// ReapActions ends the leases that ran out while an action was being sent: its sender died,
// so safe actions wait again and all others are unknown. It returns those whose outcome is
// unknown now.
func (tx *Tx) ReapActions() ([]Action, error) {
	now := tx.Now.UnixMilli()
	err := tx.db.Exec(`UPDATE outbox SET state = 'pending', owner = '', lease_until = 0, due_at = ?
		WHERE state = 'sending' AND lease_until <= ? AND retry = 'safe'`, now, now).Error
	if err != nil {
		return nil, err
	}
	var unknown []Action
	err = tx.db.Raw(`UPDATE outbox SET state = 'unknown', owner = '', lease_until = 0, due_at = ?, error = 'the process ended during the call'
		WHERE state = 'sending' AND lease_until <= ? RETURNING *`, now, now).Scan(&unknown).Error
	return unknown, err
}

// SendingOverdue reports whether some lease of a sending action has run out.
func (r Reader) SendingOverdue(now time.Time) (bool, error) {
	var n int64
	err := r.db.Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM outbox WHERE state = 'sending' AND lease_until <= ? LIMIT 1) AS due`, now.UnixMilli()).Scan(&n).Error
	return n > 0, err
}

// Outcome is what became of an attempt.
type Outcome struct {
	State  string    // one of the action states
	DueAt  time.Time // for pending and unknown: when to go on
	Code   int       // the platform's code, 0 for none
	Error  string    // words without secrets
	Result any       // what the platform answered, kept as JSON
	Asked  bool      // the platform was asked about an unknown outcome
	Left   bool      // the outcome is unknown for good: nobody asks any more
	// Free means that the attempt does not count, because nothing was tried.
	Free bool
}

// Settle records an outcome. It fails with ErrStale when the claim was lost.
func (tx *Tx) Settle(a Action, o Outcome) error {
	result := ""
	if o.Result != nil {
		data, err := json.Marshal(o.Result)
		if err != nil {
			return err
		}
		result = string(data)
	}
	set := map[string]any{"state": o.State, "owner": "", "lease_until": 0, "code": o.Code, "error": o.Error, "result": result}
	switch o.State {
	case ActionPending, ActionUnknown:
		set["due_at"] = o.DueAt.UnixMilli()
	default:
		set["done_at"] = tx.Now.UnixMilli()
	}
	if o.Asked {
		set["asked"] = a.Asked + 1
	}
	if o.Free {
		set["attempts"] = max(a.Attempts-1, 0)
	}
	return one(tx.db.Table("outbox").Where("id = ? AND owner = ?", a.ID, a.Owner).Updates(set))
}

// NextAction returns when something of a kind is due next; ok is false when nothing waits.
func (r Reader) NextAction(kind string) (at time.Time, ok bool, err error) {
	var due *int64
	err = r.db.Raw(`SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) FROM outbox
		WHERE kind = ? AND state IN ('pending', 'unknown') AND (state = 'pending' OR retry = 'unsure')`, kind).Scan(&due).Error
	if err != nil || due == nil {
		return time.Time{}, false, err
	}
	return fromMS(*due), true, nil
}

const anyActionDue = `SELECT EXISTS (SELECT 1 FROM outbox WHERE state IN ('pending', 'unknown') AND due_at <= ? AND lease_until <= ?
	AND (state = 'pending' OR retry = 'unsure')) OR EXISTS (SELECT 1 FROM outbox WHERE state = 'sending' AND lease_until <= ?)`

// ActionDue reports whether any action is due, or was left by a sender that died.
func (r Reader) ActionDue(now time.Time) (bool, error) {
	ms := now.UnixMilli()
	var due bool
	err := r.db.Raw(anyActionDue, ms, ms, ms).Scan(&due).Error
	return due, err
}

// NextActionOfAll is NextAction for all kinds together.
func (r Reader) NextActionOfAll() (at time.Time, ok bool, err error) {
	return r.min(`SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) FROM outbox
		WHERE state IN ('pending', 'unknown') AND (state = 'pending' OR retry = 'unsure')`)
}

// Actions lists the actions that an event led to.
func (r Reader) Actions(eventID int64) ([]Action, error) {
	return all[Action](r.db.Where("event_id = ?", eventID).Order("id"))
}

// ActionByKey returns one action.
func (r Reader) ActionByKey(key string) (Action, error) {
	return first[Action](r.db.Where("key = ?", key))
}

// ActionsLike lists the actions whose key begins with a prefix, oldest first.
func (r Reader) ActionsLike(prefix string) ([]Action, error) {
	return all[Action](r.db.Where("key >= ? AND key < ?", prefix, prefix+"\uffff").Order("id"))
}

// OutboxCounts counts actions by kind and state.
func (r Reader) OutboxCounts() (map[[2]string]int64, error) {
	var rows []struct {
		Kind, State string
		N           int64
	}
	err := r.db.Raw(`SELECT kind, state, COUNT(*) AS n FROM outbox GROUP BY kind, state`).Scan(&rows).Error
	counts := map[[2]string]int64{}
	for _, row := range rows {
		counts[[2]string{row.Kind, row.State}] = row.N
	}
	return counts, err
}

// PruneOutbox forgets finished actions from before a time, at most limit at once. Unknown
// and failed ones stay for a person to see.
func (tx *Tx) PruneOutbox(before time.Time, limit int) (int64, error) {
	res := tx.db.Exec(`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state IN ('sent', 'expired', 'cancelled') AND done_at < ? LIMIT ?)`,
		before.UnixMilli(), limit)
	return res.RowsAffected, res.Error
}

// ActionsPage lists the actions whose key begins with a prefix, oldest first, from behind
// an id; an empty state means all.
func (r Reader) ActionsPage(prefix, state string, after int64, limit int) ([]Action, error) {
	q := r.db.Where("key >= ? AND key < ? AND id > ?", prefix, prefix+"\uffff", after).Order("id")
	return all[Action](limited(where(q, "state", state), limit))
}

// ActionStates counts the actions whose key begins with a prefix, by state.
func (r Reader) ActionStates(prefix string) (map[string]int64, error) {
	var rows []struct {
		State string
		N     int64
	}
	err := r.db.Raw(`SELECT state, COUNT(*) AS n FROM outbox WHERE key >= ? AND key < ? GROUP BY state`, prefix, prefix+"\uffff").Scan(&rows).Error
	counts := map[string]int64{}
	for _, row := range rows {
		counts[row.State] = row.N
	}
	return counts, err
}

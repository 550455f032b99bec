package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"xiaobu/bot"
)

// runsPerClaim is how many runs of a lane are handed out at once.
const runsPerClaim = 1000

// Claim is the right to work in one lane of one handler until the lease ends. Its owner is
// the fence: a transaction of someone who lost the lease fails with ErrStale.
type Claim struct {
	Handler string
	Lane    string
	Owner   string
	Runs    []Run // deadline first, then arrival
}

// Run is one handler's work on one event.
type Run struct {
	ID        int64
	Attempts  int
	NotBefore time.Time
	LookedAt  time.Time // when it was first postponed: somebody looked and it had to wait; zero: never
	Event     bot.Event
}

// ClaimLanes takes up to n lanes of a handler that have something due and are free, for as
// long as the lease. The owner must be unique for each call.
func (s *Store) ClaimLanes(ctx context.Context, handler, owner string, n int, lease time.Duration) ([]Claim, error) {
	if due, err := s.Read(ctx).laneDue(handler, s.now()); err != nil || !due {
		return nil, err
	}
	var claims []Claim
	err := s.Tx(ctx, func(tx *Tx) error {
		claims = nil
		lanes, err := tx.claimLanes(handler, owner, n, lease)
		if err != nil {
			return err
		}
		runs, err := tx.pendingRuns(handler, lanes)
		for _, lane := range lanes {
			claims = append(claims, Claim{Handler: handler, Lane: lane, Owner: owner, Runs: runs[lane]})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim lanes of %s: %w", handler, err)
	}
	return claims, nil
}

// laneDue asks without taking the write lock: most of the time nothing is due.
func (r Reader) laneDue(handler string, now time.Time) (bool, error) {
	var n int64
	err := r.db.Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM lane WHERE handler = ? AND due_at <= ? AND lease_until <= ? LIMIT 1) AS due`,
		handler, now.UnixMilli(), now.UnixMilli()).Scan(&n).Error
	return n > 0, err
}

func (tx *Tx) claimLanes(handler, owner string, n int, lease time.Duration) ([]string, error) {
	now := tx.Now.UnixMilli()
	lock := ""
	if tx.dialect == postgres {
		lock = " FOR UPDATE SKIP LOCKED"
	}
	var lanes []string
	err := tx.db.Raw(`UPDATE lane SET owner = ?, lease_until = ? WHERE handler = ? AND lane IN (
		SELECT lane FROM lane WHERE handler = ? AND due_at <= ? AND lease_until <= ? ORDER BY deadline, due_at LIMIT ?`+lock+`)
		RETURNING lane`, owner, tx.Now.Add(lease).UnixMilli(), handler, handler, now, now, n).Scan(&lanes).Error
	return lanes, err
}

// runRow is a run together with its event.
type runRow struct {
	RunID     int64
	Attempts  int
	NotBefore int64
	LookedAt  *int64
	Row       eventRow `gorm:"embedded"`
}

// pendingRuns returns the first runs of each lane. One look serves all lanes, unless they
// have more runs than one claim holds: then each gets a look, and its share, of its own.
func (tx *Tx) pendingRuns(handler string, lanes []string) (map[string][]Run, error) {
	of := make(map[string][]Run, len(lanes))
	err := chunked(lanes, func(part []string) error {
		runs, err := tx.firstRuns(handler, part)
		if err == nil && len(runs) == runsPerClaim && len(part) > 1 {
			runs = nil
			for _, lane := range part {
				more, err := tx.firstRuns(handler, []string{lane})
				if err != nil {
					return err
				}
				runs = append(runs, more...)
			}
		}
		for _, r := range runs {
			of[r.Event.Lane] = append(of[r.Event.Lane], r)
		}
		return err
	})
	return of, err
}

func (tx *Tx) firstRuns(handler string, lanes []string) ([]Run, error) {
	var rows []runRow
	err := tx.db.Raw(`SELECT run.id AS run_id, run.attempts, run.not_before, run.looked_at, inbox.* FROM run JOIN inbox ON inbox.id = run.event_id
		WHERE run.handler = ? AND run.lane IN ? AND run.state = 'pending' ORDER BY run.lane, run.deadline, run.id LIMIT ?`,
		handler, lanes, runsPerClaim).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	runs := make([]Run, 0, len(rows))
	for _, r := range rows {
		e, err := r.Row.event()
		if err != nil {
			return nil, err
		}
		run := Run{ID: r.RunID, Attempts: r.Attempts, NotBefore: fromMS(r.NotBefore), Event: e}
		if r.LookedAt != nil {
			run.LookedAt = fromMS(*r.LookedAt)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// Hold renews the lease of claims that were made together; it fails with ErrStale when the
// lease of any was lost.
func (tx *Tx) Hold(lease time.Duration, claims ...Claim) error {
	return chunked(claims, func(part []Claim) error {
		return exactly(len(part), tx.db.Exec(`UPDATE lane SET lease_until = ? WHERE handler = ? AND lane IN ? AND owner = ?`,
			tx.Now.Add(lease).UnixMilli(), part[0].Handler, lanesOf(part), part[0].Owner))
	})
}

func lanesOf(claims []Claim) []string {
	lanes := make([]string, len(claims))
	for i, c := range claims {
		lanes[i] = c.Lane
	}
	return lanes
}

// FinishRuns marks runs of a claim as done, in the transaction that holds their effects.
func (tx *Tx) FinishRuns(runs ...Run) error {
	return chunked(runs, func(part []Run) error {
		ids, events := make([]int64, len(part)), make([]int64, len(part))
		for i, r := range part {
			ids[i], events[i] = r.ID, r.Event.ID
		}
		err := tx.db.Exec(`UPDATE run SET state = 'done', error = '', finished_at = ? WHERE id IN ?`, tx.Now.UnixMilli(), ids).Error
		if err != nil {
			return err
		}
		return tx.db.Exec(`UPDATE inbox SET open_runs = open_runs - 1,
			state = CASE WHEN open_runs <= 1 AND state = 'open' THEN 'done' ELSE state END WHERE id IN ?`, events).Error
	})
}

// RetryRun keeps a failed run for later. The error's text must hold no secret.
func (tx *Tx) RetryRun(run Run, attempts int, notBefore time.Time, why string) error {
	return one(tx.db.Exec(`UPDATE run SET attempts = ?, not_before = ?, error = ? WHERE id = ?`,
		attempts, notBefore.UnixMilli(), why, run.ID))
}

// BuryRun gives a run up: it is dead until a person retries it.
func (tx *Tx) BuryRun(run Run, attempts int, why string) error {
	err := one(tx.db.Exec(`UPDATE run SET state = 'dead', attempts = ?, error = ?, finished_at = ? WHERE id = ?`,
		attempts, why, tx.Now.UnixMilli(), run.ID))
	if err != nil {
		return err
	}
	return one(tx.db.Exec(`UPDATE inbox SET open_runs = open_runs - 1, state = 'dead' WHERE id = ?`, run.Event.ID))
}

// PostponeRuns moves runs to a later time without counting an attempt, and remembers when
// that was done first.
func (tx *Tx) PostponeRuns(notBefore time.Time, runs ...Run) error {
	return chunked(runs, func(part []Run) error {
		ids := make([]int64, len(part))
		for i, r := range part {
			ids[i] = r.ID
		}
		return tx.db.Exec(`UPDATE run SET not_before = ?, looked_at = COALESCE(looked_at, ?) WHERE id IN ?`, notBefore.UnixMilli(), tx.Now.UnixMilli(), ids).Error
	})
}

// Release gives lanes back that were claimed together. An ordinary lane is next due when its
// first run is, so that nothing overtakes a run that waits for another try; a lane whose runs
// are handled together (gathered) is due when any of them is.
func (tx *Tx) Release(gathered bool, claims ...Claim) error {
	next := `SELECT not_before FROM run WHERE run.handler = lane.handler AND run.lane = lane.lane AND run.state = 'pending' ORDER BY run.deadline, run.id LIMIT 1`
	if gathered {
		next = `SELECT MIN(not_before) FROM run WHERE run.handler = lane.handler AND run.lane = lane.lane AND run.state = 'pending'`
	}
	return chunked(claims, func(part []Claim) error {
		lanes := lanesOf(part)
		err := exactly(len(part), tx.db.Exec(`UPDATE lane SET owner = '', lease_until = 0, due_at = COALESCE((`+next+`), 0), deadline = COALESCE((
			SELECT MIN(deadline) FROM run WHERE run.handler = lane.handler AND run.lane = lane.lane AND run.state = 'pending'), ?)
			WHERE handler = ? AND lane IN ? AND owner = ?`, never, part[0].Handler, lanes, part[0].Owner))
		if err != nil {
			return err
		}
		return tx.db.Exec(`DELETE FROM lane WHERE handler = ? AND lane IN ? AND owner = '' AND NOT EXISTS (
			SELECT 1 FROM run WHERE run.handler = lane.handler AND run.lane = lane.lane AND run.state = 'pending')`, part[0].Handler, lanes).Error
	})
}

// NextLane returns when the next lane of a handler is due, leased ones when their lease
// ends; ok is false when nothing waits.
func (r Reader) NextLane(handler string) (at time.Time, ok bool, err error) {
	var due *int64
	err = r.db.Raw(`SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) FROM lane WHERE handler = ?`, handler).Scan(&due).Error
	if err != nil || due == nil {
		return time.Time{}, false, err
	}
	return fromMS(*due), true, nil
}

// LaneDue reports whether any handler has a lane that is due and free.
func (r Reader) LaneDue(now time.Time) (bool, error) {
	var n int64
	err := r.db.Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM lane WHERE due_at <= ? AND lease_until <= ? LIMIT 1) AS due`,
		now.UnixMilli(), now.UnixMilli()).Scan(&n).Error
	return n > 0, err
}

// NextLaneOfAll is NextLane for all handlers together.
func (r Reader) NextLaneOfAll() (at time.Time, ok bool, err error) {
	return r.min(`SELECT MIN(CASE WHEN lease_until > due_at THEN lease_until ELSE due_at END) FROM lane`)
}

// releaseLeases ends every lease. Only for a database that nobody else can have open.
func (tx *Tx) releaseLeases() error {
	for _, stmt := range []string{
		`UPDATE lane SET owner = '', lease_until = 0 WHERE lease_until > 0`,
		`UPDATE outbox SET lease_until = 0 WHERE state = 'sending'`,
		`UPDATE slot SET lease_until = 0 WHERE state = 'running'`,
		`UPDATE task SET lease_until = NULL WHERE lease_until IS NOT NULL`,
		`UPDATE channel SET lease_until = 0, look_at = 0 WHERE lease_until > 0 AND status = 'active'`,
	} {
		if err := tx.db.Exec(stmt).Error; err != nil {
			return err
		}
	}
	return nil
}

// chunked calls fn with parts of at most 100 items: SQLite's driver binds parameters in
// quadratic time.
func chunked[T any](items []T, fn func([]T) error) error {
	for len(items) > 0 {
		n := min(len(items), 100)
		if err := fn(items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

func pluck[T any](q *gorm.DB, column string) ([]T, error) {
	out := []T{}
	err := q.Pluck(column, &out).Error
	return out, err
}

// skipLocked lets several processes take different rows on PostgreSQL; SQLite has one writer.
func (tx *Tx) skipLocked() []clause.Expression {
	if tx.dialect == sqlite {
		return nil
	}
	return []clause.Expression{clause.Locking{Strength: "UPDATE", Options: "SKIP LOCKED"}}
}

package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
)

// Event states in the inbox.
const (
	EventNew  = "new"  // written down, not yet handed to the handlers
	EventOpen = "open" // handlers are at work or will be
	EventDone = "done"
	EventDead = "dead" // a handler gave up; a person may retry it
)

// eventRow is an event as it is kept. Its Data is JSON of the kind's type.
type eventRow struct {
	ID         int64
	Key        string
	Kind       string
	Lane       string
	ChatID     string
	At         time.Time `gorm:"serializer:ms"`
	Deadline   time.Time `gorm:"serializer:ms"`
	Derived    bool
	ReceivedAt time.Time `gorm:"serializer:ms"`
	Duplicates int64
	State      string
	OpenRuns   int64
	Data       string
}

func (eventRow) TableName() string { return "inbox" }

func (r eventRow) event() (bot.Event, error) {
	data, err := bot.DecodeData(bot.EventKind(r.Kind), []byte(r.Data))
	return bot.Event{
		ID: r.ID, Key: r.Key, Kind: bot.EventKind(r.Kind), At: r.At, Deadline: r.Deadline,
		Chat: bot.ChatID(r.ChatID), Lane: r.Lane, Derived: r.Derived, Data: data,
	}, err
}

// PutEvents writes events down and returns how many were new; an event whose Key is known
// only counts as a duplicate. What it returns for is on disk. It goes ahead of other
// writers, and callers that come together share a commit.
func (s *Store) PutEvents(ctx context.Context, events ...bot.Event) (int, error) {
	rows, err := encodeEvents(events) // outside the transaction, which others wait for
	if err != nil {
		return 0, err
	}
	var fresh int
	put := func(tx *Tx) (err error) {
		fresh, err = tx.putRows(rows)
		return err
	}
	if s.writer != nil {
		err = s.writer.put(ctx, put)
	} else {
		err = s.Tx(ctx, put)
	}
	if err != nil {
		return 0, fmt.Errorf("write events: %w", err)
	}
	return fresh, nil
}

// PutEvents is Store.PutEvents inside a transaction.
func (tx *Tx) PutEvents(events ...bot.Event) (int, error) {
	rows, err := encodeEvents(events)
	if err != nil {
		return 0, err
	}
	return tx.putRows(rows)
}

func encodeEvents(events []bot.Event) ([]eventRow, error) {
	rows := make([]eventRow, len(events))
	for i, e := range events {
		data, err := json.Marshal(e.Data)
		if err != nil {
			return nil, fmt.Errorf("encode event %s: %w", e.Key, err)
		}
		rows[i] = eventRow{Key: e.Key, Kind: string(e.Kind), Lane: e.Lane, ChatID: string(e.Chat), At: e.At, Deadline: e.Deadline, Derived: e.Derived, Data: string(data)}
	}
	return rows, nil
}

// putRows writes events and returns how many were new. One statement writes one event:
// SQLite keeps no copies of pages for a statement that touches a single row.
func (tx *Tx) putRows(rows []eventRow) (int, error) {
	fresh := 0
	for _, r := range rows {
		n, err := tx.exec(`INSERT INTO inbox (key, kind, lane, chat_id, at, deadline, derived, received_at, duplicates, state, open_runs, data)
			VALUES (?,?,?,?,?,?,?,?,0,'new',0,?) ON CONFLICT (key) DO NOTHING`,
			r.Key, r.Kind, r.Lane, r.ChatID, r.At.UnixMilli(), ms(r.Deadline), r.Derived, tx.Now.UnixMilli(), r.Data)
		if err != nil {
			return 0, err
		}
		if n == 1 {
			fresh++
			tx.wakeInbox = true
			continue
		}
		if _, err := tx.exec(`UPDATE inbox SET duplicates = duplicates + 1 WHERE key = ?`, r.Key); err != nil {
			return 0, err
		}
	}
	return fresh, nil
}

// Route is one handler's interest in an event.
type Route struct {
	Handler   string
	NotBefore time.Time // zero: at once
}

// RouteEvents hands up to limit new events to their handlers: route names them, and each
// gets a run of its own. An event that nobody wants is done. It returns how many it routed.
func (s *Store) RouteEvents(ctx context.Context, limit int, route func(*Tx, bot.Event) ([]Route, error)) (int, error) {
	var n int
	if some, err := s.Read(ctx).unrouted(); err != nil || !some {
		return 0, err
	}
	err := s.Tx(ctx, func(tx *Tx) error {
		rows, err := all[eventRow](tx.db.Where(isNew).Order("id").Limit(limit).Clauses(tx.skipLocked()...))
		if err != nil {
			return err
		}
		n = len(rows)
		return tx.route(rows, route)
	})
	if err != nil {
		return 0, fmt.Errorf("route events: %w", err)
	}
	return n, nil
}

// isNew finds what no handler has been given yet. Its second half is that of the index:
// SQLite uses a partial index only where the query says the same words.
const isNew = `state = 'new' AND state <> 'done'`

// unrouted asks without taking the write lock: most of the time nothing is new.
func (r Reader) unrouted() (bool, error) {
	var n int64
	err := r.db.Raw(`SELECT COUNT(*) FROM (SELECT 1 FROM inbox WHERE ` + isNew + ` LIMIT 1) AS fresh`).Scan(&n).Error
	return n > 0, err
}

// assignment is a run that is about to be written.
type assignment struct {
	event     int64
	handler   string
	lane      string
	notBefore int64
	deadline  int64
}

func (tx *Tx) route(rows []eventRow, route func(*Tx, bot.Event) ([]Route, error)) error {
	var runs []assignment
	open := map[int64]int{}
	for i, r := range rows {
		e, err := r.event()
		if err != nil {
			// Nobody can read it; it must not hold up what came behind it.
			rows[i].State = EventDead
			continue
		}
		routes, err := route(tx, e)
		if err != nil {
			return err
		}
		for _, to := range routes {
			a := assignment{event: r.ID, handler: to.Handler, lane: r.Lane, notBefore: tx.Now.UnixMilli(), deadline: never}
			if to.NotBefore.After(tx.Now) {
				a.notBefore = to.NotBefore.UnixMilli()
			}
			if !r.Deadline.IsZero() {
				a.deadline = r.Deadline.UnixMilli()
			}
			runs = append(runs, a)
		}
		open[r.ID] = len(routes)
	}
	if err := tx.assign(runs); err != nil {
		return err
	}
	for _, r := range rows {
		state := EventOpen
		switch {
		case r.State == EventDead:
			state = EventDead
		case open[r.ID] == 0:
			state = EventDone
		}
		if err := tx.db.Exec(`UPDATE inbox SET state = ?, open_runs = ? WHERE id = ?`, state, open[r.ID], r.ID).Error; err != nil {
			return err
		}
	}
	return nil
}

// assign writes runs. All lanes are touched first and in one order: the lane's row lock
// makes the order of runs in a lane the order of commits, and two transactions that touch
// the same lanes cannot wait for each other in a circle.
func (tx *Tx) assign(runs []assignment) error {
	lanes := slices.Clone(runs)
	slices.SortFunc(lanes, func(a, b assignment) int {
		return cmp.Or(cmp.Compare(a.handler, b.handler), cmp.Compare(a.lane, b.lane))
	})
	for _, a := range lanes {
		if err := tx.touchLane(a); err != nil {
			return err
		}
	}
	for _, a := range runs {
		err := tx.db.Exec(`INSERT INTO run (event_id, handler, lane, state, not_before, deadline, attempts, error)
			VALUES (?,?,?,'pending',?,?,0,'')`, a.event, a.handler, a.lane, a.notBefore, a.deadline).Error
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) touchLane(a assignment) error {
	return tx.db.Exec(`INSERT INTO lane (handler, lane, due_at, deadline, owner, lease_until) VALUES (?,?,?,?,'',0)
		ON CONFLICT (handler, lane) DO UPDATE SET
		due_at = CASE WHEN excluded.due_at < lane.due_at THEN excluded.due_at ELSE lane.due_at END,
		deadline = CASE WHEN excluded.deadline < lane.deadline THEN excluded.deadline ELSE lane.deadline END`,
		a.handler, a.lane, a.notBefore, a.deadline).Error
}

// InboxStats counts the inbox. Received, Duplicates and Done count what came from outside;
// Pending and Dead count everything, derived events too.
type InboxStats struct {
	Received, Duplicates, Pending, Done, Dead int64
	OldestPending                             time.Time // zero when nothing waits
}

// InboxStats counts the inbox.
func (r Reader) InboxStats() (InboxStats, error) {
	var rows []struct {
		Derived bool
		State   string
		N, Dup  int64
		Oldest  int64
	}
	err := r.db.Raw(`SELECT derived, state, COUNT(*) AS n, SUM(duplicates) AS dup, MIN(received_at) AS oldest
		FROM inbox GROUP BY derived, state`).Scan(&rows).Error
	var s InboxStats
	for _, row := range rows {
		if !row.Derived {
			s.Received += row.N
			s.Duplicates += row.Dup
		}
		switch row.State {
		case EventDone:
			if !row.Derived {
				s.Done += row.N
			}
		case EventDead:
			s.Dead += row.N
		default:
			s.Pending += row.N
			if t := fromMS(row.Oldest); s.OldestPending.IsZero() || t.Before(s.OldestPending) {
				s.OldestPending = t
			}
		}
	}
	return s, err
}

// Backlog is what of the inbox is not done.
type Backlog struct {
	Pending, Dead int64
	Oldest        time.Time // when the oldest pending event came; zero when nothing waits
}

// Backlog counts what is not done; cheap enough for a metric.
func (r Reader) Backlog() (b Backlog, err error) {
	err = r.db.Raw(`SELECT COALESCE(SUM(CASE WHEN state = 'dead' THEN 0 ELSE 1 END), 0) AS pending,
		COALESCE(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), 0) AS dead FROM inbox WHERE state <> 'done'`).Scan(&b).Error
	if err != nil || b.Pending == 0 {
		return b, err
	}
	b.Oldest, _, err = r.min(`SELECT MIN(received_at) FROM inbox WHERE id IN (
		(SELECT MIN(id) FROM inbox WHERE state = 'new'), (SELECT MIN(id) FROM inbox WHERE state = 'open'))`)
	return b, err
}

// InboxItem is an event with what became of it.
type InboxItem struct {
	Event      bot.Event
	State      string
	ReceivedAt time.Time
	Duplicates int64
	Runs       []RunInfo
}

// RunInfo is one handler's work on an event.
type RunInfo struct {
	EventID    int64
	Handler    string
	State      string
	Attempts   int
	Error      string
	NotBefore  time.Time `gorm:"serializer:ms"`
	FinishedAt time.Time `gorm:"serializer:ms"`
}

// Inbox lists events, newest first, from before the id cursor (0: the newest). The status
// is pending, done or dead; empty means all.
func (r Reader) Inbox(status string, cursor int64, limit int) ([]InboxItem, error) {
	q := r.db.Order("id DESC").Limit(limit)
	switch status {
	case "":
	case "pending":
		q = q.Where("state IN ?", []string{EventNew, EventOpen})
	default:
		q = q.Where("state = ?", status)
	}
	if cursor > 0 {
		q = q.Where("id < ?", cursor)
	}
	rows, err := all[eventRow](q)
	if err != nil {
		return nil, err
	}
	return r.inboxItems(rows)
}

// InboxItem returns one event.
func (r Reader) InboxItem(id int64) (InboxItem, error) {
	row, err := first[eventRow](r.db.Where("id = ?", id))
	if err != nil {
		return InboxItem{}, err
	}
	items, err := r.inboxItems([]eventRow{row})
	if err != nil {
		return InboxItem{}, err
	}
	return items[0], nil
}

func (r Reader) inboxItems(rows []eventRow) ([]InboxItem, error) {
	items := make([]InboxItem, 0, len(rows))
	for _, row := range rows {
		e, err := row.event()
		if err != nil {
			return nil, err
		}
		runs, err := all[RunInfo](r.db.Table("run").Where("event_id = ?", row.ID).Order("id"))
		if err != nil {
			return nil, err
		}
		items = append(items, InboxItem{Event: e, State: row.State, ReceivedAt: row.ReceivedAt, Duplicates: row.Duplicates, Runs: runs})
	}
	return items, nil
}

// RetryEvent gives the dead runs of an event another life. It is ErrNotFound where there is
// no such event and ErrStale where it has no dead run.
func (tx *Tx) RetryEvent(id int64) error {
	row, err := first[eventRow](tx.db.Where("id = ?", id))
	if err != nil {
		return err
	}
	handlers, err := pluck[string](tx.db.Table("run").Where("event_id = ? AND state = 'dead'", id).Order("handler"), "handler")
	if err != nil {
		return err
	}
	if len(handlers) == 0 {
		return ErrStale
	}
	for _, h := range handlers {
		if err := tx.touchLane(assignment{handler: h, lane: row.Lane, notBefore: tx.Now.UnixMilli(), deadline: never}); err != nil {
			return err
		}
	}
	err = tx.db.Exec(`UPDATE run SET state = 'pending', attempts = 0, error = '', not_before = ?, finished_at = NULL
		WHERE event_id = ? AND state = 'dead'`, tx.Now.UnixMilli(), id).Error
	if err != nil {
		return err
	}
	tx.wakeInbox = true
	return one(tx.db.Exec(`UPDATE inbox SET state = 'open', open_runs = open_runs + ? WHERE id = ?`, len(handlers), id))
}

// PruneInbox forgets done events received before a time, at most limit at once, and returns
// how many. Their keys go with them, so keep them for longer than anyone would replay.
func (tx *Tx) PruneInbox(before time.Time, limit int) (int64, error) {
	const old = `SELECT id FROM inbox WHERE state = 'done' AND received_at < ? ORDER BY received_at, id LIMIT ?`
	if err := tx.keepDuplicates(old, before.UnixMilli(), limit); err != nil {
		return 0, err
	}
	res := tx.db.Exec(`DELETE FROM inbox WHERE id IN (`+old+`)`, before.UnixMilli(), limit)
	return res.RowsAffected, res.Error
}

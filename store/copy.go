package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// ErrNoDatabase says that there is no database to copy yet.
var ErrNoDatabase = errors.New("there is no database yet")

// Copy writes a copy of a database, as it is at one moment, to a new SQLite file, also while
// programs have it open. The database is only read: of SQLite no page is written, not even
// back from its write-ahead log; of PostgreSQL no right but SELECT is needed. The copy has
// the database's own schema version; Open brings it up to date. A database without a schema
// is ErrNoDatabase, one of a newer version ErrNewer.
func Copy(ctx context.Context, dsn, file string) error {
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("copy database: %s exists already", file)
	}
	var err error
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		err = copySQLite(ctx, path, file)
	} else {
		err = copyPostgres(ctx, dsn, file)
	}
	if err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	return nil
}

func copySQLite(ctx context.Context, path, file string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNoDatabase, path)
	} else if err != nil {
		return err
	}
	db, err := rawSQLite(path, "mode=ro")
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := knownVersion(ctx, db, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'goose_db_version'"); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", file)
	return err
}

// asker is a *sql.DB or *sql.Tx.
type asker interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// knownVersion returns the schema version of a database, if this program knows it. The
// question counts the tables that hold it.
func knownVersion(ctx context.Context, db asker, question string) (int64, error) {
	var tables, have int64
	if err := db.QueryRowContext(ctx, question).Scan(&tables); err != nil {
		return 0, err
	}
	if tables == 0 {
		return 0, fmt.Errorf("%w: it has no schema", ErrNoDatabase)
	}
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&have); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	want, err := knownSchema()
	if err != nil {
		return 0, err
	}
	if have > want {
		return 0, fmt.Errorf("%w: schema %d, this program knows %d; install the newer version", ErrNewer, have, want)
	}
	return have, nil
}

// copyPostgres reads every table in one read-only transaction.
func copyPostgres(ctx context.Context, dsn, file string) error {
	s := &Store{now: func() time.Time { return time.Time{} }}
	defer s.Close()
	if err := s.openPostgres(ctx, dsn); err != nil {
		return err
	}
	pool, err := s.read.DB()
	if err != nil {
		return err
	}
	from, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer from.Rollback()
	version, err := knownVersion(ctx, from, "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('goose_db_version')")
	if err != nil {
		return err
	}
	db, err := rawSQLite(file)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := schemaOf(ctx, db, version); err != nil {
		return err
	}
	return copyTables(ctx, from, db)
}

// schemaOf gives an empty SQLite database the schema of a version.
func schemaOf(ctx context.Context, db *sql.DB, version int64) error {
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	_, err = p.UpTo(ctx, version)
	return err
}

func copyTables(ctx context.Context, from *sql.Tx, db *sql.DB) error {
	tables, err := texts(ctx, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version' ORDER BY name")
	if err != nil {
		return err
	}
	to, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer to.Rollback() // after a commit it does nothing
	for _, table := range tables {
		if err := copyTable(ctx, from, to, table); err != nil {
			return fmt.Errorf("table %s: %w", table, err)
		}
	}
	return to.Commit()
}

func copyTable(ctx context.Context, from, to *sql.Tx, table string) error {
	columns, err := texts(ctx, to, "SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
	if err != nil {
		return err
	}
	for i, c := range columns {
		columns[i] = `"` + c + `"`
	}
	names := strings.Join(columns, ", ")
	put, err := to.PrepareContext(ctx, `INSERT INTO "`+table+`" (`+names+`) VALUES (?`+strings.Repeat(",?", len(columns)-1)+`)`)
	if err != nil {
		return err
	}
	defer put.Close()
	rows, err := from.QueryContext(ctx, `SELECT `+names+` FROM "`+table+`"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	row, at := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		at[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(at...); err != nil {
			return err
		}
		if _, err := put.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return rows.Err()
}

func texts(ctx context.Context, db asker, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// LastMoment returns the latest time at which the house wrote something down: until then the
// books tell what happened. ok is false when nothing ever happened.
func (r Reader) LastMoment() (at time.Time, ok bool, err error) {
	return r.min(`SELECT MAX(t) FROM (
		SELECT MAX(received_at) AS t FROM inbox UNION ALL SELECT MAX(finished_at) FROM run
		UNION ALL SELECT MAX(created_at) FROM outbox UNION ALL SELECT MAX(done_at) FROM outbox UNION ALL SELECT MAX(tried_at) FROM outbox
		UNION ALL SELECT MAX(done_at) FROM slot UNION ALL SELECT MAX(synced_at) FROM chat UNION ALL SELECT MAX(synced_at) FROM staff UNION ALL SELECT MAX(looked_at) FROM staff
		UNION ALL SELECT MAX(seen_at) FROM stint UNION ALL SELECT MAX(created_at) FROM rule UNION ALL SELECT MAX(settled_at) FROM entry
		UNION ALL SELECT MAX(at) FROM transfer UNION ALL SELECT MAX(updated_at) FROM promotion UNION ALL SELECT MAX(created_at) FROM occurrence
		UNION ALL SELECT MAX(updated_at) FROM shop UNION ALL SELECT MAX(created_at) FROM channel
		UNION ALL SELECT MAX(reported_at) FROM order_report) AS moments`)
}

// LeftOut counts what a copy cannot go on with.
type LeftOut struct {
	Events  int64 // callbacks that were not handled yet, and reads of groups that were asked for
	Actions int64 // greetings, cards and changes of cards that were not sent yet
}

// Detach ends, in a copy, what only the platform of the original could go on with: events
// from outside whose change no other platform shows, and actions that answer such an event.
// What is derived from the books (rewards of a known join) and mass messages stay.
func (tx *Tx) Detach() (LeftOut, error) {
	var out LeftOut
	const outside = `SELECT id FROM inbox WHERE state IN ('new', 'open') AND (derived = 0 OR kind = 'chat_due')`
	for _, stmt := range []string{
		`UPDATE run SET state = 'done' WHERE state = 'pending' AND event_id IN (` + outside + `)`,
		`DELETE FROM lane WHERE NOT EXISTS (SELECT 1 FROM run WHERE run.handler = lane.handler AND run.lane = lane.lane AND run.state = 'pending')`,
	} {
		if err := tx.db.Exec(stmt).Error; err != nil {
			return out, err
		}
	}
	res := tx.db.Exec(`UPDATE inbox SET state = 'done', open_runs = 0 WHERE id IN (` + outside + `)`)
	if res.Error != nil {
		return out, res.Error
	}
	out.Events = res.RowsAffected
	res = tx.db.Exec(`UPDATE outbox SET state = 'cancelled', done_at = ?, owner = '', lease_until = 0
		WHERE state IN ('pending', 'sending', 'unknown') AND kind NOT LIKE 'mass%'`, tx.Now.UnixMilli())
	out.Actions = res.RowsAffected
	return out, res.Error
}

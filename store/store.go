package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Errors that callers tell apart.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrStale: the row changed, or was claimed by someone else, in the meantime.
	ErrStale = errors.New("changed in the meantime")
	// ErrInUse: another process has the database open.
	ErrInUse = errors.New("database is in use by another process")
	// ErrNewer: the database was written by a newer version of the program.
	ErrNewer = errors.New("database is from a newer version")

	errReadOnly = errors.New("database was opened only to look at it")
)

// Store is an open database. It is safe for many goroutines.
type Store struct {
	now     func() time.Time
	dialect dialect
	write   *gorm.DB // one connection on SQLite, a pool on PostgreSQL
	read    *gorm.DB
	writer  *writer // SQLite only: commits what many callers bring together
	closers []func() error
	scratch bool // nobody will miss it: nothing is forced to the disk
	inbox   chan struct{}
	outbox  chan struct{}
}

type dialect int

const (
	sqlite dialect = iota
	postgres
)

// Open opens and migrates the database: "sqlite:FILE" or "postgres://…". The clock is asked
// once per transaction. A SQLite file is held by one process at a time: a second Open fails
// with ErrInUse. A database of a newer version fails with ErrNewer and is left as it is.
func Open(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	return openStore(ctx, dsn, &Store{now: now})
}

// OpenScratch is Open for a SQLite file that is thrown away afterwards: what is written may
// be lost when the machine stops, and nobody waits for the disk. Files are migrated once in
// a process; a new one begins as a copy.
func OpenScratch(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	return openStore(ctx, dsn, &Store{now: now, scratch: true})
}

func openStore(ctx context.Context, dsn string, s *Store) (*Store, error) {
	s.inbox, s.outbox = make(chan struct{}, 1), make(chan struct{}, 1)
	var err error
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		err = s.openSQLite(ctx, strings.TrimPrefix(dsn, "sqlite:"))
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		err = s.openPostgres(ctx, dsn)
	default:
		err = errors.New("a database is sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME")
	}
	if err == nil {
		err = s.begin(ctx)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return s, nil
}

// OpenReader opens a database only to look at it, also while a program has it open. Tx
// fails on it.
func OpenReader(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	s := &Store{now: now, inbox: make(chan struct{}, 1), outbox: make(chan struct{}, 1)}
	var err error
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		err = s.openSQLiteReader(ctx, path)
	} else {
		err = s.openPostgres(ctx, dsn)
	}
	if err == nil {
		err = s.sameSchema(ctx)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	s.write = nil
	return s, nil
}

// begin brings the schema and the rows that must exist up to date.
func (s *Store) begin(ctx context.Context) error {
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.Tx(ctx, func(tx *Tx) error {
		if s.dialect == sqlite {
			// The file's lock is ours, so whoever held these leases is dead.
			if err := tx.releaseLeases(); err != nil {
				return err
			}
		}
		return tx.seed()
	})
}

// Close ends all work of the store. Transactions that are under way finish first.
func (s *Store) Close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return s.read.WithContext(ctx).Raw("SELECT 1").Scan(&one).Error
}

// InboxWake receives a token after a commit that wrote events. It may be missed by a
// process that was not listening; the rows are not.
func (s *Store) InboxWake() <-chan struct{} { return s.inbox }

// OutboxWake is InboxWake for actions.
func (s *Store) OutboxWake() <-chan struct{} { return s.outbox }

// Read returns a reader that sees what is committed.
func (s *Store) Read(ctx context.Context) Reader {
	return Reader{db: s.read.WithContext(ctx), dialect: s.dialect}
}

// Reader answers questions. A Tx is a Reader too and then sees its own writes.
type Reader struct {
	db      *gorm.DB
	dialect dialect
}

// Tx is a write transaction. Now is its one moment: UTC, whole milliseconds.
type Tx struct {
	Reader
	Now        time.Time
	wakeInbox  bool
	wakeOutbox bool
}

// Tx runs fn in a transaction and commits when it returns nil. No network call and no other
// transaction may happen inside fn. It may be called again when PostgreSQL finds a
// conflict, so fn must have no effects but through tx. On SQLite many callers share one
// commit; each still fails or succeeds alone. A panic in fn is returned as an error.
func (s *Store) Tx(ctx context.Context, fn func(*Tx) error) error {
	if s.writer != nil {
		return s.writer.do(ctx, fn)
	}
	if s.write == nil {
		return errReadOnly
	}
	var err error
	for range maxConflicts {
		if err = s.txOnce(ctx, fn); !isConflict(err) {
			return err
		}
	}
	return err
}

// maxConflicts is how often a transaction is tried when PostgreSQL reports a deadlock or a
// serialization failure.
const maxConflicts = 5

func (s *Store) txOnce(ctx context.Context, fn func(*Tx) error) error {
	var tx *Tx
	err := s.write.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		tx = s.newTx(db)
		return guard(fn, tx)
	})
	if err == nil {
		s.wake(tx)
	}
	return err
}

func (s *Store) newTx(db *gorm.DB) *Tx {
	return &Tx{Reader: Reader{db: db, dialect: s.dialect}, Now: s.now().UTC().Truncate(time.Millisecond)}
}

func (s *Store) wake(tx *Tx) {
	if tx.wakeInbox {
		poke(s.inbox)
	}
	if tx.wakeOutbox {
		poke(s.outbox)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// guard turns a panic of fn into an error, so that it ends one transaction and nothing else.
func guard(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return fn(tx)
}

func gormConfig(now func() time.Time) *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return now().UTC() },
		TranslateError:         true,
	}
}

// pool bounds a connection pool.
func pool(db *sql.DB, size int) {
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(0)
	db.SetConnMaxLifetime(0)
}

// exec runs a statement of the hot path past gorm's builders and returns how many rows it
// changed.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	if tx.dialect == postgres {
		res := tx.db.Exec(query, args...)
		return res.RowsAffected, res.Error
	}
	res, err := tx.db.Statement.ConnPool.ExecContext(tx.db.Statement.Context, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one turns "no row was changed" into ErrStale; more than one is a mistake of the program.
func one(res *gorm.DB) error { return exactly(1, res) }

// exactly is one for a statement that is to change n rows.
func exactly(n int, res *gorm.DB) error {
	switch {
	case res.Error != nil:
		return res.Error
	case res.RowsAffected < int64(n):
		return ErrStale
	case res.RowsAffected > int64(n):
		return fmt.Errorf("%d rows changed, want %d", res.RowsAffected, n)
	}
	return nil
}

// first reads one row into a T.
func first[T any](q *gorm.DB) (T, error) {
	var rows []T
	if err := q.Limit(1).Find(&rows).Error; err != nil {
		return *new(T), err
	}
	if len(rows) == 0 {
		return *new(T), ErrNotFound
	}
	return rows[0], nil
}

// all reads the rows into a slice of T.
func all[T any](q *gorm.DB) ([]T, error) {
	rows := []T{}
	err := q.Find(&rows).Error
	return rows, err
}

// notNil keeps an empty list from being written as NULL.
func notNil[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// Snapshot lets fn read what was committed at one moment, however long it takes. It holds up
// no writer.
func (s *Store) Snapshot(ctx context.Context, fn func(Reader) error) error {
	opts := &sql.TxOptions{ReadOnly: true}
	if s.dialect == postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	return s.read.WithContext(ctx).Transaction(func(db *gorm.DB) error { return fn(Reader{db: db, dialect: s.dialect}) }, opts)
}

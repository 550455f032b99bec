package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	sqlitedriver "github.com/glebarez/sqlite"
	"github.com/gofrs/flock"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// Readers is the size of SQLite's read pool. Reads never wait for the writer.
const sqliteReaders = 4

// pragma is a setting that every connection gets through the DSN, and what it reads back as.
type pragma struct{ name, value, readback string }

// busy_timeout comes first: the ones after it may have to wait for a lock.
var (
	writerPragmas = []pragma{
		{"busy_timeout", "5000", "5000"},
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "1", "1"},
		{"cache_size", "-16384", "-16384"},
		{"journal_size_limit", "67108864", "67108864"},
		{"wal_autocheckpoint", "4000", "4000"},
		{"temp_store", "MEMORY", "2"}, // savepoints copy pages; not through the disk
	}
	readerPragmas = []pragma{
		{"busy_timeout", "5000", "5000"},
		{"synchronous", "FULL", "2"},
		{"foreign_keys", "1", "1"},
		{"cache_size", "-4096", "-4096"},
		{"query_only", "1", "1"},
	}
)

func sqliteDSN(path string, pragmas []pragma, params ...string) string {
	for _, p := range pragmas {
		params = append(params, "_pragma="+p.name+"("+p.value+")")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(params, "&")
}

func (s *Store) openSQLite(ctx context.Context, path string) error {
	s.dialect = sqlite
	if path == "" {
		return errors.New("sqlite: needs a file, such as sqlite:xiaobu.db")
	}
	if strings.Contains(path, ":memory:") {
		return errors.New("sqlite::memory: would forget everything; name a file, such as sqlite:xiaobu.db")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := s.lockFile(abs); err != nil {
		return err
	}
	pragmas := slices.Clone(writerPragmas)
	if s.scratch {
		if err := fillScratch(ctx, abs); err != nil {
			return err
		}
		pragmas = append(pragmas, pragma{"synchronous", "OFF", "0"})
		pragmas = slices.DeleteFunc(pragmas, func(p pragma) bool { return p.name == "synchronous" && p.value == "FULL" })
	}
	s.write, err = s.openPool(ctx, sqliteDSN(abs, pragmas, "_txlock=immediate"), pragmas, 1)
	if err != nil {
		return err
	}
	s.read, err = s.openPool(ctx, sqliteDSN(abs, readerPragmas), readerPragmas, sqliteReaders)
	if err != nil {
		return err
	}
	s.writer = newWriter(s)
	s.closers = append(s.closers, s.writer.close)
	return nil
}

// emptySQLite is a migrated database without rows. To migrate one takes longer than many a
// test, and under the race detector seconds.
var emptySQLite struct {
	sync.Mutex
	file []byte
}

// fillScratch lets a scratch file that does not exist yet begin as a migrated one.
func fillScratch(ctx context.Context, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	emptySQLite.Lock()
	defer emptySQLite.Unlock()
	if emptySQLite.file == nil {
		var err error
		if emptySQLite.file, err = migratedSQLite(ctx); err != nil {
			return err
		}
	}
	return os.WriteFile(path, emptySQLite.file, 0o600)
}

func migratedSQLite(ctx context.Context) ([]byte, error) {
	dir, err := os.MkdirTemp("", "xiaobu-empty")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	s := &Store{now: func() time.Time { return time.UnixMilli(0) }}
	if err = s.openSQLite(ctx, path); err == nil {
		err = s.migrate(ctx)
	}
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func (s *Store) openSQLiteReader(ctx context.Context, path string) error {
	s.dialect = sqlite
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(abs); err != nil {
		return err
	}
	s.read, err = s.openPool(ctx, sqliteDSN(abs, readerPragmas), readerPragmas, 1)
	return err
}

// lockFile keeps a second process away from the file for as long as this one lives; the
// kernel lets go of the lock even when the process is killed.
func (s *Store) lockFile(path string) error {
	if dir := filepath.Dir(path); !isDir(dir) {
		return fmt.Errorf("the folder %s does not exist", dir)
	}
	lock := flock.New(path + ".lock")
	ok, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	if !ok {
		return fmt.Errorf("%w: %s", ErrInUse, path)
	}
	s.closers = append(s.closers, lock.Close)
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (s *Store) openPool(ctx context.Context, dsn string, pragmas []pragma, size int) (*gorm.DB, error) {
	db, err := s.openGorm(sqlitedriver.Open(dsn), size)
	if err != nil {
		return nil, err
	}
	raw, err := db.DB()
	if err != nil {
		return nil, err
	}
	return db, checkPragmas(ctx, raw, pragmas, size)
}

func (s *Store) openGorm(d gorm.Dialector, size int) (*gorm.DB, error) {
	schema.RegisterSerializer("ms", msSerializer{})
	db, err := gorm.Open(d, gormConfig(s.now))
	if err != nil {
		return nil, err
	}
	raw, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool(raw, size)
	s.closers = append(s.closers, raw.Close)
	return db, nil
}

// checkPragmas reads every setting back on every connection: a setting that did not take,
// say because the file is on a network share without WAL, ends the start.
func checkPragmas(ctx context.Context, db *sql.DB, pragmas []pragma, size int) error {
	conns := make([]*sql.Conn, 0, size)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range size {
		c, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		conns = append(conns, c)
		for _, p := range pragmas {
			var got string
			if err := c.QueryRowContext(ctx, "PRAGMA "+p.name).Scan(&got); err != nil {
				return fmt.Errorf("read pragma %s: %w", p.name, err)
			}
			if !strings.EqualFold(got, p.readback) {
				return fmt.Errorf("pragma %s is %s, want %s", p.name, got, p.readback)
			}
		}
	}
	return nil
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

var errPostgresBackup = errors.New("this database is PostgreSQL: use pg_dump and pg_restore")

// Backup writes a copy of a SQLite database to a new file, also while a program has it open.
func Backup(ctx context.Context, dsn, file string) error {
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok {
		return errPostgresBackup
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if _, err := os.Stat(file); err == nil {
		return fmt.Errorf("backup: %s exists already", file)
	}
	db, err := rawSQLite(path)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return fmt.Errorf("backup to %s: %w", file, err)
	}
	return nil
}

// rawSQLite opens a file on one plain connection, outside any Store.
func rawSQLite(path string, params ...string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", sqliteDSN(abs, []pragma{{"busy_timeout", "5000", ""}}, params...))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Restore puts a backup in the place of a SQLite database that no program has open. What
// was there is kept beside it as FILE.before-restore.
func Restore(ctx context.Context, dsn, file string) error {
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok {
		return errPostgresBackup
	}
	if err := checkBackup(ctx, file); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	var lock Store
	if err := lock.lockFile(path); err != nil {
		return err
	}
	defer lock.Close()
	fresh := path + ".restoring"
	if err := copyFile(file, fresh); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if _, err := os.Stat(path); err == nil {
		// The write-ahead log goes along with the file it belongs to.
		for _, suffix := range []string{"", "-wal", "-shm"} {
			err := os.Rename(path+suffix, path+".before-restore"+suffix)
			if err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("restore: %w", err)
			}
		}
	}
	return os.Rename(fresh, path)
}

// checkBackup makes sure that a file is a whole database of this program.
func checkBackup(ctx context.Context, file string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	db, err := rawSQLite(file)
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&verdict); err != nil {
		return fmt.Errorf("%s is not a database: %w", file, err)
	}
	if verdict != "ok" {
		return fmt.Errorf("%s is damaged: %s", file, verdict)
	}
	var version int64
	if err := db.QueryRowContext(ctx, "SELECT MAX(version_id) FROM goose_db_version").Scan(&version); err != nil {
		return fmt.Errorf("%s is not a backup of xiaobu", file)
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema up to this program's version. Migrations are numbered SQL files
// per dialect, each applied in a transaction and recorded; they are appended, never edited.
func (s *Store) migrate(ctx context.Context) error {
	p, err := s.migrator()
	if err != nil {
		return err
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have > want {
		return fmt.Errorf("%w: schema %d, this program knows %d; install the newer version or restore a backup", ErrNewer, have, want)
	}
	if have == want {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate from schema %d to %d: %w", have, want, err)
	}
	return s.forgetSchema()
}

// forgetSchema closes the idle connections that read. SQLite's driver asks a statement for
// its columns before SQLite notices that the schema changed: the first SELECT * on a
// connection from before a migration lacks the new columns.
func (s *Store) forgetSchema() error {
	if s.dialect == postgres {
		return nil
	}
	db, err := s.read.DB()
	if err != nil {
		return err
	}
	db.SetMaxIdleConns(-1)
	db.SetMaxIdleConns(sqliteReaders)
	return nil
}

// sameSchema makes sure that a database that is only read has this program's schema.
func (s *Store) sameSchema(ctx context.Context) error {
	var have int64
	err := s.read.WithContext(ctx).Raw("SELECT MAX(version_id) FROM goose_db_version").Scan(&have).Error
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	want, err := knownSchema()
	if err != nil {
		return err
	}
	if have != want {
		return fmt.Errorf("schema is %d, this program knows %d; start xiaobu serve or migrate first", have, want)
	}
	return nil
}

// knownSchema is the number of this program's last migration.
func knownSchema() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/sqlite/*.sql") // in the order of their numbers
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(files[len(files)-1])
}

func (s *Store) migrator() (*goose.Provider, error) {
	db, err := s.write.DB()
	if err != nil {
		return nil, err
	}
	dir, dialect := "migrations/sqlite", goose.DialectSQLite3
	if s.dialect == postgres {
		dir, dialect = "migrations/postgres", goose.DialectPostgres
	}
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, db, files)
}

// SchemaVersion returns the number of the last migration that was applied.
func (s *Store) SchemaVersion(ctx context.Context) (int64, error) {
	p, err := s.migrator()
	if err != nil {
		return 0, err
	}
	return p.GetDBVersion(ctx)
}

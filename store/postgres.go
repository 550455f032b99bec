package store

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	pgdriver "gorm.io/driver/postgres"
)

// postgresConns is how many connections one process takes.
const postgresConns = 16

func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	s.dialect = postgres
	db, err := s.openGorm(pgdriver.Open(dsn), postgresConns)
	if err != nil {
		// The driver's words may repeat the DSN with its password.
		return errors.New("cannot connect to PostgreSQL: " + redactDSN(err.Error(), dsn))
	}
	s.write, s.read = db, db
	return s.Ping(ctx)
}

// isConflict reports a deadlock or a serialization failure: the whole transaction may
// simply be run again.
func isConflict(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// redactDSN cuts a DSN, and the password in it, out of a text.
func redactDSN(text, dsn string) string {
	text = strings.ReplaceAll(text, dsn, "postgres://…")
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok && password != "" {
			text = strings.ReplaceAll(text, password, "…")
		}
	}
	return text
}

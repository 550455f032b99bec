package store

import (
	"database/sql"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
)

// A database from before the ledger had months, figures and debts is brought to them.
func TestOldBooksGetMonthsFiguresAndDebts(t *testing.T) {
	for name, dsn := range dsns(t) {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			oldSchema(t, dsn, 1, func(db *sql.DB) { oldBooks(t, db) })
			s := open(t, dsn, c)
			r := s.Read(t.Context())
			lines, err := r.Statement(StatementFilter{Period: "2026-11"})
			must(t, err)
			equal(t, "November", lines, []StatementLine{{Staff: "li", Joins: 3, HeldFen: 1, VoidFen: 4, ClawedBackFen: 8}})
			lines, err = r.Statement(StatementFilter{Period: "2026-12"})
			must(t, err)
			equal(t, "December", lines, []StatementLine{{Staff: "li", Joins: 1, PaidFen: 2}})
			balances, err := r.Balances()
			must(t, err)
			if want := map[string]int64{"company": -3, "held:li": 1, "payable:li": -8, "paid:li": 10}; !maps.Equal(balances, want) {
				t.Errorf("balances %v, want %v", balances, want)
			}
		})
	}
}

// oldSchema makes a database of an earlier schema and lets something be written into it.
func oldSchema(t *testing.T, dsn string, version int64, write func(*sql.DB)) {
	t.Helper()
	s := &Store{now: newClock().Now}
	defer s.Close()
	var err error
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		err = s.openSQLite(t.Context(), path)
	} else {
		err = s.openPostgres(t.Context(), dsn)
	}
	must(t, err)
	p, err := s.migrator()
	must(t, err)
	_, err = p.UpTo(t.Context(), version)
	must(t, err)
	db, err := s.write.DB()
	must(t, err)
	write(db)
}

// oldBooks writes entries around the end of a month in Shanghai into a database of schema 1.
func oldBooks(t *testing.T, db *sql.DB) {
	t.Helper()
	exec(t, db, `INSERT INTO rule VALUES (1, 0, '[{"fen":1}]', 0, 0, 'corp', 0)`)
	midnight := time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC).UnixMilli()
	for i, e := range []struct {
		at           int64
		fen          int
		status, path string
		payout       string
	}{
		{midnight - 1, 1, "held", "company held:li", "NULL"},
		{midnight, 2, "paid", "company held:li payable:li paid:li", "5"},
		{midnight - 1000, 4, "void", "company held:li company", "NULL"},
		{midnight - 2000, 8, "clawed_back", "company held:li payable:li paid:li company", "5"},
	} {
		n := i + 1
		exec(t, db, fmt.Sprintf(`INSERT INTO stint (id, chat_id, user_id, kind, name, nickname, union_id, joined_at, join_scene, state, inviter, inviter_by, seen_at, left_how)
			VALUES (%d, 'wr1', 'wm%d', 'customer', '', '', '', %d, '', '', 'li', '', 0, '')`, n, n, e.at))
		exec(t, db, fmt.Sprintf(`INSERT INTO entry (id, key, stint_id, staff, chat_id, member, union_id, ordinal, amount_fen, rule_version, status, earned_at, due_at, settled_at, reason, payout_id)
			VALUES (%d, 'join:%d', %d, 'li', 'wr1', 'wm%d', '', 1, %d, 1, '%s', %d, 0, 9, '', %s)`, n, n, n, n, e.fen, e.status, e.at, e.payout))
		path := strings.Fields(e.path)
		for k := 1; k < len(path); k++ {
			exec(t, db, fmt.Sprintf(`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) VALUES ('join:%d:%d', %d, 9, '%s', '%s', %d, '')`, n, k, n, path[k-1], path[k], e.fen))
		}
	}
}

func exec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

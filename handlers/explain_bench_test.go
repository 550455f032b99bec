package handlers

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"xiaobu/store"
)

// groupStays is how many customers joined each group, as many as WeCom lets in.
const groupStays = 500

// manyBooks makes a database of -stays stays and returns its file: full groups that customers
// joined one after the other; every tenth left, every hundredth was in another group before.
// Each has its entry and its evidence.
func manyBooks(b *testing.B, from time.Time) string {
	file := filepath.Join(b.TempDir(), "many.db")
	s, err := store.OpenScratch(context.Background(), "sqlite:"+file, func() time.Time { return from })
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	withSQL(b, file,
		`PRAGMA journal_mode = OFF`, `PRAGMA synchronous = OFF`,
		fmt.Sprintf(`CREATE TABLE n AS WITH RECURSIVE n(i, at) AS (SELECT 0, %d UNION ALL SELECT i + 1, at + 1000 FROM n LIMIT %d) SELECT i, at FROM n`, from.UnixMilli(), *benchStays),
		fmt.Sprintf(`INSERT INTO chat (chat_id, name, owner, status, shop_id, labels, version, versions, customers, staff, first_seen)
			SELECT 'wr' || i, '北门店' || i || '群', 'owner', 'active', '', '[]', 'v', '[]', %d, 1, 0 FROM n WHERE i < %d`, groupStays, *benchStays/groupStays),
		`INSERT INTO staff (user_id, name, follows) SELECT 'cashier' || i, '收银员' || i, 0 FROM n WHERE i < 5000`,
		fmt.Sprintf(`INSERT INTO stint (id, chat_id, user_id, kind, name, nickname, union_id, joined_at, join_scene, state, inviter, inviter_by, ordinal, seen_at, left_at, left_how)
			SELECT i + 1, 'wr' || (i / %[1]d), 'wm' || i, 'customer', '顾客' || i, '', 'u' || (i - (i %% 100 = 99)), at, 'qr', '', 'cashier' || (i %% 5000), 'invitor',
			i %% %[1]d + 1, at + 2000, CASE i %% 10 WHEN 3 THEN at + 86400000 END, '' FROM n`, groupStays),
		`INSERT INTO entry (id, key, stint_id, staff, chat_id, member, union_id, ordinal, amount_fen, rule_version, status, earned_at, due_at, reason, period)
			SELECT id, 'join:' || chat_id || ':' || user_id || ':' || joined_at, id, inviter, chat_id, user_id, union_id, ordinal, 50, 1, 'payable', joined_at, joined_at + 1000, 'rewarded', '2026-11' FROM stint`,
		`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason)
			SELECT key || ':1:held', id, earned_at, 'company', 'held:' || staff, 50, 'rewarded' FROM entry`,
		`INSERT INTO callback (id, key, at, received_at, duplicates) SELECT id, hex(randomblob(32)), joined_at, joined_at + 10, 0 FROM stint`,
		`INSERT INTO evidence (stint_id, join_callback, join_read, join_version, invitor, channel_name, leave_version, leave_by)
			SELECT id, id, seen_at, 'v' || id, inviter, '', '', '' FROM stint`,
		`DROP TABLE n`)
	return file
}

func withSQL(b *testing.B, file string, statements ...string) {
	b.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, stmt := range statements {
		if _, err := db.Exec(stmt); err != nil {
			b.Fatalf("%v\n%s", err, stmt)
		}
	}
}

// dropIndices takes the indices away that the schema names itself.
func dropIndices(b *testing.B, file string) {
	b.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('stint', 'entry', 'transfer', 'contact', 'callback')`)
	if err != nil {
		b.Fatal(err)
	}
	var drop []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			b.Fatal(err)
		}
		drop = append(drop, "DROP INDEX "+name)
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	withSQL(b, file, drop...)
}

// BenchmarkExplain explains joins in full groups all over the books; with a million stays the median must stay below 50 ms. The
// same without the schema's own indices tells what they are worth.
func BenchmarkExplain(b *testing.B) {
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	file := manyBooks(b, from)
	b.Run("indices", func(b *testing.B) {
		explain := explainer(b, file, from)
		for b.Loop() {
			explain()
		}
	})
	dropIndices(b, file)
	b.Run("none", func(b *testing.B) {
		explain := explainer(b, file, from)
		for range 5 { // each takes seconds
			explain()
		}
	})
}

// explainer returns what explains one join after the other; the median is reported at the end.
func explainer(b *testing.B, file string, from time.Time) func() {
	s, err := store.OpenReader(context.Background(), "sqlite:"+file, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	})
	r := &Rewards{Store: s, Now: func() time.Time { return from.AddDate(0, 1, 0) }, Zone: time.UTC}
	return func() {
		i := int64(len(took))
		st, err := s.Read(b.Context()).Stint(i*7919*groupStays%int64(*benchStays) + 1 + i*131%groupStays)
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		x, err := r.ExplainStay(b.Context(), st, time.UTC)
		took = append(took, time.Since(began))
		if err != nil || len(x.Steps) < 7 || len(x.People) == 0 {
			b.Fatalf("%v %+v", err, x)
		}
	}
}

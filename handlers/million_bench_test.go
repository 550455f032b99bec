package handlers

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// The figures of docs/DESIGN.md are those of -stays 1000000.
var benchStays = flag.Int("stays", 50_000, "how many stays and entries the benchmark of the ledger has")

// chain is a year of a chain: 500 stores with four groups and ten cashiers each, every stay
// with an entry, every third person known from another group. Months that are over are paid.
const (
	chainGroups = 2000
	chainStaff  = 5000
)

// chainSQL fills a database. %[1]d is how many stays, %[2]d the first moment, %[3]d the
// milliseconds between two, %[4]d now.
var chainSQL = []string{
	`CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %[1]d)
		SELECT i, (i * 7919) %% 2000 AS g, ((i * 7919) %% 2000) / 4 * 10 + (i / 7) %% 10 AS c, %[2]d + i * %[3]d AS at FROM n`,
	`INSERT INTO shop (id, name, region, manager, staff, created_at, updated_at) SELECT 's' || i, '门店' || i, '区' || (i %% 20), '',
		(SELECT json_group_array('c' || (i * 10 + k.value)) FROM json_each('[0,1,2,3,4,5,6,7,8,9]') AS k), 0, 0 FROM n WHERE i < 500`,
	`INSERT INTO staff (user_id, name, follows) SELECT 'c' || i, '收银员' || i, 1 FROM n WHERE i < 5000`,
	`INSERT INTO chat (chat_id, name, owner, status, shop_id, labels, version, versions, customers, staff, first_seen)
		SELECT 'wr' || i, '群' || i, 'c' || (i / 4 * 10), 'active', 's' || (i / 4), '[]', '', '[]', 0, 0, 0 FROM n WHERE i < 2000`,
	`INSERT INTO rule (version, effective_from, tiers, hold_ms, clawback_ms, once_per, created_at) VALUES (2, %[2]d, '[{"up_to":100,"fen":50},{"fen":100}]', 604800000, 0, 'group', 0)`,
	`INSERT INTO stint (id, chat_id, user_id, kind, name, nickname, union_id, joined_at, join_scene, state, inviter, inviter_by, ordinal, seen_at, left_how)
		SELECT i + 1, 'wr' || g, 'wm' || i, 'customer', '顾客' || i, '', 'o' || (i %% (%[1]d * 2 / 3)), at, 'qr', '', 'c' || c, 'invitor', i / 2000 + 1, at, '' FROM n`,
	`INSERT INTO entry (id, key, stint_id, staff, chat_id, member, union_id, ordinal, amount_fen, rule_version, period, status, earned_at, due_at, settled_at, reason)
		SELECT id, 'join:' || chat_id || ':' || user_id || ':' || (joined_at / 1000), id, inviter, chat_id, user_id, union_id, ordinal, CASE WHEN ordinal <= 100 THEN 50 ELSE 100 END, 2,
		strftime('%%Y-%%m', joined_at / 1000 + 28800, 'unixepoch'),
		CASE WHEN joined_at + 604800000 > %[4]d THEN 'held' WHEN id %% 33 = 0 THEN 'void' ELSE 'payable' END,
		joined_at, joined_at + 604800000, joined_at, 'rewarded' FROM stint`,
	`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) SELECT key || ':1:held:rewarded', id, earned_at, 'company', 'held:' || staff, amount_fen, 'rewarded' FROM entry`,
	`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) SELECT key || ':2:payable:rewarded', id, due_at, 'held:' || staff, 'payable:' || staff, amount_fen, 'rewarded' FROM entry WHERE status = 'payable'`,
	`INSERT INTO transfer (key, entry_id, at, debit, credit, amount_fen, reason) SELECT key || ':2:void:left_early', id, due_at, 'held:' || staff, 'company', amount_fen, 'left_early' FROM entry WHERE status = 'void'`,
	`INSERT INTO tally (period, staff, chat_id, joins, kept, held_fen, payable_fen, void_fen, clawed_back_fen, paid_fen)
		SELECT period, staff, chat_id, COUNT(*), SUM(status <> 'void'), SUM(CASE status WHEN 'held' THEN amount_fen ELSE 0 END), SUM(CASE status WHEN 'payable' THEN amount_fen ELSE 0 END),
		SUM(CASE status WHEN 'void' THEN amount_fen ELSE 0 END), 0, 0 FROM entry GROUP BY period, staff, chat_id`,
	`DROP TABLE n`,
	`ANALYZE`,
}

// newChain writes the chain's year into a new file and returns the open store. The indices
// of the big tables are made after the rows, which is several times faster.
func newChain(b *testing.B) (*store.Store, *sql.DB) {
	b.Helper()
	ctx, file, now := context.Background(), filepath.Join(b.TempDir(), "chain.db"), func() time.Time { return start }
	open := func() *store.Store {
		s, err := store.Open(ctx, "sqlite:"+file, now)
		check(b, err)
		return s
	}
	check(b, open().Close()) // the schema
	db, err := sql.Open("sqlite", "file:"+file)
	check(b, err)
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	run := func(query string) {
		if _, err := db.Exec(query); err != nil {
			b.Fatalf("%.200s: %v", query, err)
		}
	}
	run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; PRAGMA temp_store = MEMORY")
	indices := column(b, db, "SELECT name || '|' || sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('stint', 'entry', 'transfer')")
	for _, index := range indices {
		name, _, _ := strings.Cut(index, "|")
		run("DROP INDEX " + name)
	}
	year := 365 * 24 * time.Hour
	for _, query := range chainSQL {
		run(fmt.Sprintf(query+" --%[1]d %[2]d %[3]d %[4]d", *benchStays, start.Add(-year).UnixMilli(), year.Milliseconds()/int64(*benchStays), start.UnixMilli()))
	}
	for _, index := range indices {
		_, create, _ := strings.Cut(index, "|")
		run(create)
	}
	run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -4096") // as the program reads
	s := open()
	b.Cleanup(func() { s.Close() })
	return s, db
}

func column(b *testing.B, db *sql.DB, query string, args ...any) []string {
	b.Helper()
	found, err := db.Query(query, args...)
	check(b, err)
	defer found.Close()
	var out []string
	for found.Next() {
		var v string
		check(b, found.Scan(&v))
		out = append(out, v)
	}
	check(b, found.Err())
	return out
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// median runs something again and again, each time the i-th, and reports its median.
func median(b *testing.B, unit string, do func(i int)) time.Duration {
	b.Helper()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		t := time.Now()
		do(i)
		took = append(took, time.Since(t))
	}
	slices.Sort(took)
	m := took[len(took)/2]
	b.ReportMetric(float64(m.Microseconds())/1000, unit)
	return m
}

// plainly times the same question asked without indices and without the tally, and reports
// how many times longer that takes.
func plainly(b *testing.B, db *sql.DB, fast time.Duration, query string, args ...any) {
	b.Helper()
	t := time.Now()
	if len(column(b, db, query, args...)) == 0 {
		b.Errorf("nothing was found plainly: %s", query)
	}
	slow := time.Since(t)
	b.ReportMetric(float64(slow.Microseconds())/1000, "plain-ms")
	b.ReportMetric(float64(slow)/float64(max(fast, 1)), "x-faster")
}

// BenchmarkChain asks the books of a chain with a year of joins, and books one join more.
// Bounds with a million stays: each question 50 ms, booking a join 1 ms beside its commit.
func BenchmarkChain(b *testing.B) {
	ctx := context.Background()
	t := time.Now()
	s, db := newChain(b)
	b.Logf("%d stays in %s", *benchStays, time.Since(t).Round(time.Millisecond))
	r := &Rewards{Store: s, Now: func() time.Time { return start }, Zone: shanghai, Log: slog.New(slog.DiscardHandler)}
	rd := s.Read(ctx)
	const sums = `COUNT(*), SUM(CASE status WHEN 'held' THEN amount_fen ELSE 0 END), SUM(CASE status WHEN 'payable' THEN amount_fen ELSE 0 END), SUM(CASE status WHEN 'void' THEN amount_fen ELSE 0 END)`
	span := func(from time.Time, days int) []any {
		return []any{from.UnixMilli(), from.AddDate(0, 0, days).UnixMilli()}
	}
	aDay := time.Date(2026, 10, 20, 0, 0, 0, 0, shanghai)
	month, day := span(time.Date(2026, 10, 1, 0, 0, 0, 0, shanghai), 31), span(aDay, 1)
	stay := func(i int) string { return fmt.Sprint((i*104_729 + 7) % *benchStays) }
	questions := []struct {
		name  string
		ask   func(i int) (int, error)
		plain string
		args  []any
	}{
		{"statement/everybody", func(int) (int, error) {
			l, err := rd.Statement(store.StatementFilter{Period: "2026-10"})
			return len(l), err
		}, "SELECT staff || " + strings.ReplaceAll(sums, ", SUM", " || SUM") + " FROM entry NOT INDEXED WHERE earned_at >= ? AND earned_at < ? GROUP BY staff ORDER BY staff", month},
		{"statement/page", func(int) (int, error) {
			l, err := rd.Statement(store.StatementFilter{Period: "2026-10", Limit: 51})
			return len(l), err
		}, "SELECT staff || " + strings.ReplaceAll(sums, ", SUM", " || SUM") + " FROM entry NOT INDEXED WHERE earned_at >= ? AND earned_at < ? GROUP BY staff ORDER BY staff LIMIT 51", month},
		{"leaders/staff", func(int) (int, error) {
			l, err := rd.Leaders(store.LeaderFilter{Period: "2026-10", By: store.LeadersStaff, Limit: 51})
			return len(l), err
		}, "SELECT staff FROM entry NOT INDEXED WHERE earned_at >= ? AND earned_at < ? AND status <> 'void' GROUP BY staff ORDER BY SUM(amount_fen) DESC, staff LIMIT 51", month},
		{"leaders/stores", func(int) (int, error) {
			l, err := rd.Leaders(store.LeaderFilter{Period: "2026-10", By: store.LeadersStore, Limit: 51})
			return len(l), err
		}, "SELECT c.shop_id FROM entry e NOT INDEXED JOIN chat c ON c.chat_id = e.chat_id WHERE e.earned_at >= ? AND e.earned_at < ? AND e.status <> 'void' GROUP BY c.shop_id ORDER BY SUM(e.amount_fen) DESC LIMIT 51", month},
		{"leaders/region", func(int) (int, error) {
			l, err := rd.Leaders(store.LeaderFilter{Period: "2026-10", By: store.LeadersStaff, Region: "区7", Limit: 51})
			return len(l), err
		}, "SELECT e.staff FROM entry e NOT INDEXED JOIN chat c ON c.chat_id = e.chat_id JOIN shop s ON s.id = c.shop_id WHERE e.earned_at >= ? AND e.earned_at < ? AND s.region = '区7' GROUP BY e.staff ORDER BY SUM(e.amount_fen) DESC LIMIT 51", month},
		{"leaders/day", func(int) (int, error) {
			l, err := rd.Leaders(store.LeaderFilter{From: aDay, To: aDay.AddDate(0, 0, 1), By: store.LeadersStaff, Limit: 51})
			return len(l), err
		}, "SELECT staff FROM entry NOT INDEXED WHERE earned_at >= ? AND earned_at < ? AND status <> 'void' GROUP BY staff ORDER BY SUM(amount_fen) DESC LIMIT 51", day},
		{"explain", func(i int) (int, error) {
			id := (i*104_729 + 7) % *benchStays
			x, err := r.Explain(ctx, bot.ChatID(fmt.Sprint("wr", id*7919%chainGroups)), bot.MemberID(fmt.Sprint("wm", id)), time.Time{}, shanghai)
			return len(x.Stint.UserID), err
		}, "SELECT 1 FROM stint st NOT INDEXED WHERE st.user_id = ? OR st.union_id = ?", []any{"wm" + stay(3), "o" + stay(3)}},
		{"transfers/staff", func(i int) (int, error) {
			l, err := rd.FindTransfers(store.TransferFilter{Staff: fmt.Sprint("c", i%chainStaff), Limit: 51})
			return len(l), err
		}, "SELECT id FROM transfer NOT INDEXED WHERE debit LIKE '%:c7' OR credit LIKE '%:c7'", nil},
		{"entries/staff", func(i int) (int, error) {
			l, err := rd.Entries(store.EntryFilter{Staff: fmt.Sprint("c", i%chainStaff), Limit: 51})
			return len(l), err
		}, "SELECT id FROM entry NOT INDEXED WHERE staff = 'c7'", nil},
		{"balances/staff", func(i int) (int, error) {
			l, err := rd.FindBalances(store.BalanceFilter{Staff: fmt.Sprint("c", i%chainStaff)})
			return len(l), err
		}, "SELECT SUM(amount_fen) FROM transfer NOT INDEXED WHERE debit LIKE '%:c7' OR credit LIKE '%:c7'", nil},
	}
	for _, q := range questions {
		b.Run(q.name, func(b *testing.B) {
			fast := median(b, "median-ms", func(i int) {
				if n, err := q.ask(i); err != nil || n == 0 {
					b.Fatalf("%d found: %v", n, err)
				}
			})
			plainly(b, db, fast, q.plain, q.args...)
		})
	}
	b.Run("book", func(b *testing.B) { benchBook(b, r) })
	for _, per := range []string{store.BudgetCorp, store.BudgetStore, store.BudgetStaff} {
		check(b, s.Tx(ctx, func(tx *store.Tx) error {
			return tx.AddRule(&store.Rule{EffectiveFrom: start, Tiers: []store.Tier{{Fen: 50}}, OncePer: OncePerGroup, Budget: &store.Budget{Fen: 1 << 40, Per: per}})
		}))
		b.Run("book/budget-"+per, func(b *testing.B) { benchBook(b, r) })
	}
	b.Run("audit", func(b *testing.B) {
		for b.Loop() {
			if a, err := r.Audit(ctx, false); err != nil || a.Differences != 0 || a.Entries < int64(*benchStays) {
				b.Fatalf("%+v %v", a, err)
			}
		}
	})
}

// benchBook books joins, each in a transaction, and tells what of that is the booking; the
// rest is the commit.
func benchBook(b *testing.B, r *Rewards) {
	var inside []time.Duration
	median(b, "median-ms", func(i int) {
		id := fmt.Sprint(b.Name(), b.N, "x", i)
		ordinal := 1000 + i
		st := store.Stint{ChatID: fmt.Sprint("wr", i%chainGroups), UserID: "wm" + id, UnionID: "o" + id, Kind: "customer", JoinedAt: start.Add(time.Duration(i) * time.Second),
			Inviter: fmt.Sprint("c", i%chainGroups/4*10), InviterBy: ByInvitor, Ordinal: &ordinal}
		check(b, r.Store.Tx(context.Background(), func(tx *store.Tx) error {
			_, err := tx.AddStint(&st)
			return err
		}))
		var took time.Duration
		check(b, r.Store.Tx(context.Background(), func(tx *store.Tx) error {
			t := time.Now()
			err := r.judgePerson(tx, bot.MemberID(st.UserID), st.UnionID)
			took = time.Since(t)
			return err
		}))
		inside = append(inside, took)
	})
	slices.Sort(inside)
	b.ReportMetric(float64(inside[len(inside)/2].Microseconds())/1000, "booking-ms")
}

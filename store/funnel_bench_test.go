package store

import (
	"flag"
	"testing"
)

var occurrences = flag.Int("occurrences", 20, "how many occurrences a benchmark of funnels counts, of 2,000 groups and 500 owners each")

// BenchmarkFunnel reads the funnels of a promotion that goes to 2,000 groups three times a
// week, into each of which somebody comes at every tenth.
func BenchmarkFunnel(b *testing.B) {
	for name, dsn := range dsns(b) {
		c := newClock()
		s := open(b, dsn, c)
		first, last := marketOf(b, s, c, *occurrences)
		for _, f := range []struct {
			what string
			FunnelFilter
		}{
			{"occurrence", FunnelFilter{Promotion: 1, Occurrence: last.ID}},
			{"occurrence by owner", FunnelFilter{Promotion: 1, Occurrence: last.ID, By: ByOwner, Limit: 50}},
			{"occurrence by store", FunnelFilter{Promotion: 1, Occurrence: last.ID, By: ByStore}},
			{"promotion", FunnelFilter{Promotion: 1}},
			{"promotion by owner", FunnelFilter{Promotion: 1, By: ByOwner, Limit: 50}},
			{"promotion by store", FunnelFilter{Promotion: 1, By: ByStore, Limit: 50}},
		} {
			b.Run(name+"/"+f.what, func(b *testing.B) {
				for b.Loop() {
					got, err := s.Read(b.Context()).Funnels(f.FunnelFilter)
					if err != nil || len(got) == 0 || got[0].Groups == 0 {
						b.Fatalf("%+v %v", got, err)
					}
				}
			})
		}
		for _, by := range []string{ByStore, ByOwner, ByGroup} {
			b.Run(name+"/coverage of 30 days by "+by, func(b *testing.B) {
				for b.Loop() {
					got, err := s.Read(b.Context()).Coverage(CoverageFilter{From: last.At.AddDate(0, 0, -30), To: last.At.Add(1), By: by, Limit: 50})
					if err != nil || len(got) == 0 || first.ID == last.ID {
						b.Fatalf("%d %v", len(got), err)
					}
				}
			})
		}
	}
}

// marketOf writes a promotion's occurrences; all but those of the last five days are summed.
func marketOf(b *testing.B, s *Store, c *clock, n int) (first, last Occurrence) {
	b.Helper()
	numbers := func(to string) string {
		return `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ` + to + `) `
	}
	const day = 86400000
	run := func(query string, args ...any) {
		tx(b, s, func(tx *Tx) error { return tx.db.Exec(query, args...).Error })
	}
	end := c.Now().UnixMilli()
	start := end - int64(n)*7*day/3
	run(`INSERT INTO promotion (id, name, status, spec, created_at, updated_at) VALUES (1, 'p', 'active', '{}', 0, 0)`)
	run(`INSERT INTO chat (chat_id, name, owner, shop_id, labels, status, version, versions, customers, staff, first_seen)
		` + numbers("1999") + `SELECT 'wr' || i, 'g', 'owner' || (i / 4), 's' || (i / 100), '[]', 'active', '', '[]', 0, 0, 0 FROM n`)
	stays, every := max(n/10, 2), int64(10*7*day/3)
	run(`INSERT INTO stint (chat_id, user_id, kind, name, nickname, union_id, joined_at, join_scene, state, inviter, inviter_by, seen_at, left_at, left_how)
		`+numbers("1999")+`, k(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM k WHERE j < CAST(? AS BIGINT))
		SELECT 'wr' || i, 'w' || j || 'x' || i, 'customer', '', '', '', CAST(? AS BIGINT) + j * CAST(? AS BIGINT), '', '', '', '', 0,
		CASE WHEN j % 3 = 0 THEN CAST(? AS BIGINT) + j * CAST(? AS BIGINT) + 3600000 END, '' FROM n, k`, stays, start, every, start, every)
	for i := range n {
		occ := Occurrence{PromotionID: 1, At: fromMS(start + int64(i+1)*7*day/3), Status: OccurrenceDone}
		tx(b, s, func(tx *Tx) error { _, err := tx.AddOccurrence(&occ); return err })
		run(`INSERT INTO task (id, occurrence_id, owner, part, status, msgid, confirmed_at, polls, reminders, closes_at)
			`+numbers("499")+`SELECT CAST(? AS BIGINT) * 1000 + i, CAST(? AS BIGINT), 'owner' || i, 1, 'closed', '', CASE WHEN i % 10 > 0 THEN 1 END, 0, 0, 0 FROM n`, occ.ID, occ.ID)
		run(`INSERT INTO delivery (occurrence_id, promotion_id, task_id, at, chat_id, owner, status, code, reason, sent_at)
			`+numbers("1999")+`SELECT CAST(? AS BIGINT), 1, CAST(? AS BIGINT) * 1000 + i / 4, CAST(? AS BIGINT), 'wr' || i, 'owner' || (i / 4),
			CASE WHEN i / 4 % 10 > 0 THEN 'sent' ELSE 'cancelled' END, 0, '', CASE WHEN i / 4 % 10 > 0 THEN CAST(? AS BIGINT) END FROM n`, occ.ID, occ.ID, ms(occ.At), ms(occ.At))
		if i == 0 {
			first = occ
		}
		last = occ
		if end-occ.At.UnixMilli() > 5*day {
			sumUp(b, s, occ)
		}
	}
	if s.dialect == postgres {
		run("ANALYZE") // which it does by itself, some time later
	}
	return first, last
}

package store

import (
	"context"
	"flag"
	"fmt"
	"testing"
)

// The figures of docs/DESIGN.md are those of -chats 1000000.
var benchChats = flag.Int("chats", 10_000, "how many groups the benchmark of targets has, twenty to an owner")

// BenchmarkTargets reads all groups that a selection means, in pages as planning does.
func BenchmarkTargets(b *testing.B) {
	s := benchStore(b)
	n := *benchChats
	for _, stmt := range []string{
		`INSERT INTO chat (chat_id, name, owner, status, shop_id, labels, version, versions, customers, staff, first_seen)
			WITH RECURSIVE g(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM g LIMIT ?)
			SELECT 'wr' || hex(i * 2654435761 % 4294967296) || printf('%08d', i), 'name', printf('owner%06d', i / 20), 'active', printf('s%d', i / 20 % 1000),
				CASE WHEN i % 2 = 0 THEN '["even"]' ELSE '[]' END, '1', '["1","2","3","4"]', 100, 3, 1 FROM g`,
		`INSERT INTO chat_label (label, chat_id) SELECT 'even', chat_id FROM chat WHERE labels <> '[]' LIMIT ?`,
	} {
		if err := s.write.Exec(stmt, n).Error; err != nil {
			b.Fatal(err)
		}
	}
	var half []string
	for i := range 500 {
		half = append(half, fmt.Sprintf("s%d", i))
	}
	r := s.Read(context.Background())
	for name, spec := range map[string]TargetSpec{
		"all": {All: true}, "store": {Selection: Selection{Stores: []string{"s7"}}}, "stores": {Selection: Selection{Stores: half}},
		"label": {Selection: Selection{Labels: []string{"even"}}}, "exclude": {All: true, Exclude: Selection{Labels: []string{"even"}}},
	} {
		b.Run(name, func(b *testing.B) {
			groups := 0
			for b.Loop() {
				groups = 0
				for f := (TargetFilter{TargetSpec: spec, Limit: 2000}); ; {
					rows, err := r.Targets(f)
					if err != nil {
						b.Fatal(err)
					}
					if groups += len(rows); len(rows) < f.Limit {
						break
					}
					f.After = GroupCursor{rows[len(rows)-1].Owner, rows[len(rows)-1].ChatID}
				}
			}
			b.ReportMetric(float64(groups), "groups")
		})
	}
}

package promotions

import (
	"context"
	"testing"
	"time"

	"xiaobu/store"
)

// BenchmarkPreflight looks at a sale of all groups of a chain on a day when another sale and
// as many as the quota allows went out: nothing of it is read group by group.
func BenchmarkPreflight(b *testing.B) {
	h, _ := benchShop(b, *benchGroups)
	ctx := context.Background()
	p := h.planner()
	p.QuotaRule = QuotaDay
	other, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.set(other.NextAt)
	h.must(p.Plan(ctx))
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	stop := peak(b)
	var f store.Preflight
	for b.Loop() {
		if f, err = p.Preflight(ctx, promo, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(stop(), "MiB")
	if n := len(f.Findings); n != 4 || f.Findings[0].Count != int64(*benchGroups) {
		b.Fatalf("found %+v", f.Findings)
	}
}

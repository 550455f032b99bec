package handlers

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xiaobu/store"
)

// An audit tells of every difference without a customer's name, and repairs only figures
// that can be summed anew, only when it is asked to.
func TestAnAuditTellsAndRepairsOnlyFigures(t *testing.T) {
	dir := t.TempDir()
	h := newHouseIn(t, dir)
	h.world.group(g1, "owner")
	h.readGroup(g1)
	h.pass(time.Minute)
	ctx := context.Background()
	var log bytes.Buffer
	h.rewards.Log = slog.New(slog.NewTextHandler(&log, nil))
	m := customer(1)
	m.Name = "王小明"
	h.deliver(h.world.join(g1, m, customer(2)))
	h.pass(time.Minute)
	if a, err := h.rewards.Audit(ctx, true); err != nil || a.Differences != 0 || a.Entries != 2 || log.Len() > 0 {
		t.Fatalf("sound books: %+v %v\n%s", a, err, log.String())
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "x.db")) // past the store
	h.must(err)
	defer db.Close()
	_, err = db.Exec("UPDATE tally SET held_fen = 7")
	h.must(err)
	for _, repair := range []bool{false, true} {
		log.Reset()
		a, err := h.rewards.Audit(ctx, repair)
		h.must(err)
		if a.Differences != 1 || (a.Repaired == 1) != repair || !strings.Contains(log.String(), "level=ERROR") || strings.Contains(log.String(), "王小明") {
			t.Errorf("repair %v: %+v\n%s", repair, a, log.String())
		}
	}
	last, err := h.store.Read(ctx).LastAudit()
	h.must(err)
	lines, err := h.store.Read(ctx).Statement(store.StatementFilter{Period: "2026-11"})
	h.must(err)
	if last.Differences != 0 || len(lines) != 1 || lines[0].HeldFen != 100 {
		t.Errorf("after the repair: %+v, %s", last, fmt.Sprint(lines))
	}
}

package promotions

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/store"
)

// The figures of docs/DESIGN.md are those of -groups 10000, 100000 and 1000000.
var benchGroups = flag.Int("groups", 2000, "how many groups the benchmark of planning has, twenty to an owner")

// benchShop is a chain whose groups have names as WeCom gives them, in no order. What a test
// forgoes, the disk, is waited for here.
func benchShop(b *testing.B, groups int) (*shop, string) {
	b.Helper()
	h := &shop{t: b, now: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)}
	file := filepath.Join(b.TempDir(), "x.db")
	open := func() {
		var err error
		h.store, err = store.Open(context.Background(), "sqlite:"+file, h.clock)
		h.must(err)
	}
	open()
	h.must(h.store.Close())
	db := rawBench(b, file)
	_, err := db.Exec(`INSERT INTO chat (chat_id, name, owner, status, shop_id, labels, version, versions, customers, staff, first_seen)
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT ?)
		SELECT 'wrOgQhDgAA' || hex(i * 2654435761 % 4294967296) || printf('%08d', i), '秒杀' || i || '群', printf('owner%06d', i / 20), 'active', 's' || (i / 20), '["秒杀"]', '', '[]', 150, 2, 0 FROM n`, groups)
	h.must(err)
	h.must(db.Close())
	open()
	b.Cleanup(func() { h.must(h.store.Close()) })
	return h, file
}

func rawBench(b *testing.B, file string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-16384)&_pragma=wal_autocheckpoint(4000)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return db
}

// peak samples how much memory the process has from the machine, in MiB, until it is stopped;
// what it had before is taken off.
func peak(b *testing.B) (stop func() float64) {
	b.Helper()
	var most, first float64
	look := func() {
		data, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			return // no Linux: 0 MiB
		}
		pages, _ := strconv.Atoi(strings.Fields(string(data))[1])
		most = max(most, float64(pages*os.Getpagesize())/(1<<20))
	}
	look()
	first = most
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				look()
			}
		}
	})
	return func() float64 {
		close(quit)
		wg.Wait()
		return most - first
	}
}

// processor is how long the machine has worked for this process, in seconds; 0 where there is
// no Linux to tell. It says more than the clock while the machine is busy with other work.
func processor() float64 {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return float64(user+system) / 100
}

// BenchmarkPlanning plans one occurrence after the other for all groups of a chain, each a day
// after the last.
func BenchmarkPlanning(b *testing.B) {
	h, _ := benchShop(b, *benchGroups)
	p := h.planner()
	ctx := context.Background()
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	stop, began := peak(b), processor()
	n := 0
	for b.Loop() {
		at, _, err := p.Next(ctx)
		h.must(err)
		h.set(at)
		h.must(p.Plan(ctx))
		n++
	}
	b.ReportMetric((processor()-began)/float64(n), "cpu-s/op")
	b.ReportMetric(stop(), "MiB")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n**benchGroups), "µs/group")
	var rows, tasks int
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	for _, o := range occs {
		counts, err := h.store.Read(ctx).DeliveryCounts(o.ID, "")
		h.must(err)
		rows += counts[store.DeliveryPlanned]
	}
	for _, o := range occs {
		of, err := h.store.Read(ctx).Tasks(o.ID)
		h.must(err)
		tasks += len(of)
	}
	if rows != n**benchGroups || tasks != n*(*benchGroups/20) {
		b.Errorf("%d deliveries and %d tasks after %d occurrences", rows, tasks, n)
	}
}

// BenchmarkPlanningTakenBack pauses a promotion when all of an occurrence is planned and nothing
// submitted. The longest transaction is that for which callbacks may have to wait.
func BenchmarkPlanningTakenBack(b *testing.B) {
	h, _ := benchShop(b, *benchGroups)
	p := h.planner()
	ctx := context.Background()
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	var strict time.Duration
	n := 0
	for b.Loop() {
		b.StopTimer()
		at, _, err := p.Next(ctx)
		h.must(err)
		h.set(at)
		h.must(p.Plan(ctx))
		b.StartTimer()
		began := b.Elapsed()
		h.must(h.store.Tx(ctx, func(tx *store.Tx) error { return takeBack(tx, promo.ID) }))
		strict += b.Elapsed() - began
		h.must(p.cancelTaken(ctx, promo.ID))
		n++
	}
	b.ReportMetric(float64(strict.Milliseconds())/float64(n), "first-ms")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n**benchGroups), "µs/group")
}

// BenchmarkPlanningRows is the bound of BenchmarkPlanning: the same rows, made up and put into
// the same tables by prepared statements, 2,000 groups in a transaction.
func BenchmarkPlanningRows(b *testing.B) {
	h, file := benchShop(b, *benchGroups)
	promo, err := h.planner().Create(context.Background(), sale(), noRemember)
	h.must(err)
	h.must(h.store.Close())
	db := rawBench(b, file)
	defer db.Close()
	began := processor()
	n := 0
	for b.Loop() {
		n++
		h.must(rawRows(db, promo.ID, int64(n)))
	}
	b.ReportMetric((processor()-began)/float64(n), "cpu-s/op")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n**benchGroups), "µs/group")
	h.store, err = store.Open(context.Background(), "sqlite:"+file, h.clock)
	h.must(err)
}

func rawRows(db *sql.DB, promo, at int64) error {
	rows, err := db.Query(`SELECT chat_id, owner FROM chat ORDER BY owner, chat_id`)
	if err != nil {
		return err
	}
	var chats, owners []string
	for rows.Next() {
		var chat, owner string
		if err := rows.Scan(&chat, &owner); err != nil {
			return err
		}
		chats, owners = append(chats, chat), append(owners, owner)
	}
	res, err := db.Exec(`INSERT INTO occurrence (promotion_id, at, status, reason, message, created_at) VALUES (?,?,'done','','{}',0)`, promo, at)
	if err != nil {
		return err
	}
	occ, err := res.LastInsertId()
	if err != nil {
		return err
	}
	for len(chats) > 0 {
		k := min(len(chats), 2000)
		if err := rawBatch(db, promo, at, occ, chats[:k], owners[:k]); err != nil {
			return err
		}
		chats, owners = chats[k:], owners[k:]
	}
	return nil
}

func rawBatch(db *sql.DB, promo, at, occ int64, chats, owners []string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var put [3]*sql.Stmt
	for i, query := range []string{
		`INSERT INTO task (occurrence_id, owner, part, status, msgid, polls, reminders, closes_at) VALUES (?,?,1,'planned','',0,0,0)`,
		`INSERT INTO delivery (occurrence_id, promotion_id, task_id, at, chat_id, owner, outlet, status, code, reason) VALUES (?,?,?,?,?,?,'','planned',0,'')`,
		`INSERT INTO outbox (key, kind, retry, state, due_at, deadline, attempts, asked, owner, lease_until, created_at, code, error, result, data) VALUES (?,'mass','unsure','pending',0,0,0,0,'',0,0,0,'','',?)`,
	} {
		if put[i], err = tx.Prepare(query); err != nil {
			return err
		}
	}
	for len(chats) > 0 {
		k := 0
		for k < len(chats) && owners[k] == owners[0] {
			k++
		}
		res, err := put[0].Exec(occ, owners[0])
		if err != nil {
			return err
		}
		task, err := res.LastInsertId()
		if err != nil {
			return err
		}
		for _, chat := range chats[:k] {
			if _, err := put[1].Exec(occ, promo, task, at, chat, owners[0]); err != nil {
				return err
			}
		}
		if _, err := put[2].Exec(fmt.Sprintf("mass:%d", task), strings.Repeat(chats[0], k)); err != nil {
			return err
		}
		chats, owners = chats[k:], owners[k:]
	}
	return tx.Commit()
}

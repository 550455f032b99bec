package handlers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// program is one of several that work on the same books.
type program struct {
	store   *store.Store
	rewards *Rewards
	payouts *Payouts
	d       *Dispatcher
}

// programs starts two programs on each database there is; on SQLite they share the one process
// that a file allows.
func programs(t *testing.T, now func() time.Time) map[string][]*program {
	t.Helper()
	out := map[string][]*program{}
	log := slog.New(slog.DiscardHandler)
	start := func(kind string, s *store.Store) {
		rewards := &Rewards{Store: s, Now: now, Zone: time.UTC, Log: log}
		r := NewRouter()
		r.Handle(rewards, 4, bot.KindMemberJoined, bot.KindMemberLeft)
		d := NewDispatcher(DispatcherConfig{Store: s, Router: r, Now: now, Log: log, Jitter: func() float64 { return 0 }, Owner: fmt.Sprint(kind, len(out[kind]))})
		out[kind] = append(out[kind], &program{s, rewards, &Payouts{Store: s, Now: now, Zone: time.UTC, CatchUp: rewards.CatchUp}, d})
	}
	open := func(dsn string) *store.Store {
		s, err := store.OpenScratch(context.Background(), dsn, now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	s := open("sqlite:" + filepath.Join(t.TempDir(), "x.db"))
	start("sqlite", s)
	start("sqlite", s)
	if base := os.Getenv("XIAOBU_TEST_POSTGRES"); base != "" {
		dsn := ownSchema(t, base)
		start("postgres", open(dsn))
		start("postgres", open(dsn))
	}
	return out
}

// ownSchema makes an empty schema and returns a DSN that lives in it.
func ownSchema(t *testing.T, base string) string {
	t.Helper()
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("ledger_%d", os.Getpid())
	if _, err := db.Exec(`DROP SCHEMA IF EXISTS "` + name + `" CASCADE; CREATE SCHEMA "` + name + `"`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Exec(`DROP SCHEMA "` + name + `" CASCADE`)
		db.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// told writes a stay as the reading of a group does, or its end, and tells the features.
func (p *program) told(t *testing.T, st *store.Stint, key string, write func(tx *store.Tx) error) {
	err := p.store.Tx(context.Background(), func(tx *store.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		return announce(tx, *st, key)
	})
	if err != nil {
		t.Error(err)
	}
}

// busy lets a program do what is due until it is told to stop.
func (p *program) busy(t *testing.T, stop *atomic.Bool) {
	ctx := context.Background()
	for !stop.Load() {
		_, err := p.d.Drain(ctx)
		if err == nil {
			err = p.rewards.CatchUp(ctx)
		}
		if err != nil && !errors.Is(err, store.ErrStale) {
			t.Error(err)
			return
		}
	}
}

// Two programs judge the same people, under two names in two lanes that turn out to be one, take
// back, settle and pay, all at once: nothing happens twice, and the books agree with themselves.
func TestTwoProgramsKeepOneLedger(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return time.UnixMilli(now.Load()).UTC() }
	now.Store(end.Add(-2 * time.Hour).UnixMilli())
	for kind, both := range programs(t, clock) {
		t.Run(kind, func(t *testing.T) {
			now.Store(end.Add(-2 * time.Hour).UnixMilli())
			together(t, both, &now, end)
		})
	}
}

func together(t *testing.T, both []*program, now *atomic.Int64, end time.Time) {
	const people = 24
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := both[0].rewards.PutRule(ctx, store.Rule{Tiers: []store.Tier{{Fen: 50}}, HoldMS: 1000, ClawbackMS: (48 * time.Hour).Milliseconds(), OncePer: OncePerCorp,
		EffectiveFrom: end.Add(-24 * time.Hour)}, noRemember)
	must(err)
	must(both[0].store.Tx(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.NewChat(store.Chat{ChatID: "wr1", Status: store.ChatActive}), tx.NewChat(store.Chat{ChatID: "wr2", Status: store.ChatActive}))
	}))
	var stop atomic.Bool
	var pumps, reads sync.WaitGroup
	for _, p := range both {
		pumps.Go(func() { p.busy(t, &stop) })
	}
	stays := [2][people]store.Stint{}
	for side, p := range both {
		reads.Go(func() {
			for n := range people {
				st := &stays[side][n]
				*st = store.Stint{ChatID: fmt.Sprint("wr", side+1), UserID: fmt.Sprintf("wm%d-%d", n, side), Kind: "customer", Inviter: fmt.Sprint("c", side),
					InviterBy: ByInvitor, JoinedAt: end.Add(time.Duration(side-7200) * time.Second), Ordinal: new(int)}
				p.told(t, st, "joined", func(tx *store.Tx) error { _, err := tx.AddStint(st); return err })
				st.UnionID = fmt.Sprint("u", n)
				p.told(t, st, "known", func(tx *store.Tx) error { return tx.NameStint(*st) })
			}
		})
	}
	reads.Wait()
	now.Store(end.UnixMilli())
	for side, p := range both {
		reads.Go(func() {
			for range 3 {
				if _, err := p.payouts.Make(ctx, PayoutAsk{Period: "2026-11"}, noRemember); err != nil && !errors.Is(err, store.ErrStale) {
					t.Error(err)
				}
			}
		})
		reads.Go(func() {
			for n := side; n < people; n += 4 { // half of them leave, from either group
				st := &stays[side][n]
				p.told(t, st, "left", func(tx *store.Tx) error { return tx.EndStint(st.ID, end, bot.LeftAlone) })
			}
		})
	}
	reads.Wait()
	stop.Store(true)
	pumps.Wait()
	for _, p := range both {
		now.Add((time.Minute).Milliseconds()) // leases and retries
		_, err := p.d.Drain(ctx)
		must(err)
		must(p.rewards.CatchUp(ctx))
	}
	_, err = both[0].payouts.Make(ctx, PayoutAsk{Period: "2026-11"}, noRemember)
	must(err)
	agree(t, both[0], people)
}

// agree demands one reward for each person who stayed, and that everything paid adds up.
func agree(t *testing.T, p *program, people int) {
	t.Helper()
	ctx := context.Background()
	r := p.store.Read(ctx)
	stats, err := r.InboxStats()
	if err != nil || stats.Pending+stats.Dead > 0 {
		t.Errorf("%+v %v", stats, err)
	}
	entries, err := r.Entries(store.EntryFilter{})
	if err != nil {
		t.Fatal(err)
	}
	kept, paid := map[string]int{}, int64(0)
	for _, e := range entries {
		if e.Status == store.EntryPaid || e.Status == store.EntryPayable || e.Status == store.EntryHeld {
			who, _, _ := strings.Cut(e.Member, "-")
			kept[who]++
		}
		if e.CashOut() && e.RecoveredBy == nil {
			paid += e.AmountFen
		}
	}
	for who, n := range kept {
		if n > 1 {
			t.Errorf("%s earned %d rewards", who, n)
		}
	}
	if len(kept) < people/2 {
		t.Errorf("%d people earned a reward, of %d", len(kept), people)
	}
	payouts, err := r.Payouts(store.PayoutFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range payouts {
		paid -= out.TotalFen
	}
	if paid != 0 {
		t.Errorf("the payouts and what was paid differ by %d: %+v", paid, payouts)
	}
	audit, err := p.rewards.Audit(ctx, false)
	if err != nil || audit.Differences > 0 {
		differences, _ := r.Differences(audit.ID, 0, 20)
		t.Errorf("%+v %v %+v", audit, err, differences)
	}
}

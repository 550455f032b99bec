package handlers

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// plot is one database that many histories are lived in, one after the other: making a new one
// for each would take longer than living through it.
type plot struct {
	t     *testing.T
	path  string
	store *store.Store
	raw   *sql.DB // sees every table, and puts back what a new database holds
	names []string
	now   time.Time
	left  int                // transactions until the power is cut, 0: it is not
	cut   context.CancelFunc // cuts the power
}

func newPlot(t *testing.T) *plot {
	t.Helper()
	dir, err := os.MkdirTemp("", "plot")
	if err != nil {
		t.Fatal(err)
	}
	p := &plot{t: t, path: filepath.Join(dir, "x.db"), now: monthEnd}
	p.open()
	t.Cleanup(func() {
		p.raw.Close()
		p.store.Close()
		os.RemoveAll(dir)
	})
	p.people()
	blank := filepath.Join(dir, "blank.db")
	if p.raw, err = sql.Open("sqlite", "file:"+p.path+"?_pragma=busy_timeout(5000)&_pragma=synchronous(0)"); err != nil {
		t.Fatal(err)
	}
	p.raw.SetMaxOpenConns(1)
	p.exec("VACUUM INTO '" + blank + "'")
	p.exec("ATTACH DATABASE '" + blank + "' AS blank")
	rows, err := p.raw.Query("SELECT name FROM blank.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		p.names = append(p.names, name)
	}
	return p
}

// company is the world at the beginning: three groups with nobody but their owner in them.
func (p *plot) company() *world {
	w := newWorld(func() time.Time { return p.now })
	for _, g := range []bot.ChatID{g1, g2, g3} {
		w.group(g, "owner")
	}
	return w
}

// people lets the program get to know the company once, for all histories.
func (p *plot) people() {
	ctx := context.Background()
	_, d := p.furnish(p.company(), "first")
	for _, g := range []bot.ChatID{g1, g2, g3} {
		if _, err := p.store.PutEvents(ctx, bot.Event{Key: "due:" + string(g), Kind: bot.KindChatDue, At: p.now, Chat: g, Lane: bot.ChatLane(g), Derived: true, Data: bot.ChatDue{Why: "test"}}); err != nil {
			p.t.Fatal(err)
		}
	}
	if _, err := d.Drain(ctx); err != nil {
		p.t.Fatal(err)
	}
	err := p.store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.NameStaff("colleague", "同事"); err != nil {
			return err
		}
		for _, id := range []string{"s1", "s2"} {
			if err := tx.PutShop(store.Shop{ID: id, Name: "店" + id}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *plot) open() {
	s, err := store.OpenScratch(context.Background(), "sqlite:"+p.path, p.clock)
	if err != nil {
		p.t.Fatal(err)
	}
	p.store = s
}

// clock is what the store asks at the beginning of each transaction.
func (p *plot) clock() time.Time {
	if p.left > 0 {
		if p.left--; p.left == 0 {
			p.cut()
		}
	}
	return p.now
}

func (p *plot) exec(query string) {
	if _, err := p.raw.Exec(query); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// clear makes the database new.
func (p *plot) clear() {
	all := "BEGIN IMMEDIATE;"
	for _, name := range p.names {
		all += "DELETE FROM main." + name + "; INSERT INTO main." + name + " SELECT * FROM blank." + name + ";"
	}
	p.exec(all + "COMMIT")
	p.now, p.left = monthEnd, 0
}

// reopen is what happens when the program is started again.
func (p *plot) reopen() {
	if err := p.store.Close(); err != nil {
		p.t.Fatal(err)
	}
	p.open()
}

// rows reads a whole table as it lies there, in the order of a column.
func rows[T any](p *plot, query string, scan func(*sql.Rows, *T) error) []T {
	rs, err := p.raw.Query(query)
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	defer rs.Close()
	var out []T
	for rs.Next() {
		var v T
		if err := scan(rs, &v); err != nil {
			p.t.Fatalf("%s: %v", query, err)
		}
		out = append(out, v)
	}
	return out
}

// furnish puts the handlers of rewards around the store, as after a start of the program.
func (p *plot) furnish(w *world, owner string) (*Rewards, *Dispatcher) {
	log, now := slog.New(slog.DiscardHandler), func() time.Time { return p.now }
	rewards := &Rewards{Store: p.store, Now: now, Zone: shanghai, Log: log}
	r := NewRouter()
	r.Handle(Contacts{}, 1, bot.KindContactAdded, bot.KindContactRemoved)
	r.Gather(&Sync{Store: p.store, Chats: w, Contacts: w, Now: now, Settle: 2 * time.Second, Log: log}, 1, bot.KindChatChanged, bot.KindChatDue)
	r.Handle(rewards, 1, bot.KindMemberJoined, bot.KindMemberLeft)
	return rewards, NewDispatcher(DispatcherConfig{Store: p.store, Router: r, Now: now, Log: log, Jitter: func() float64 { return 0.5 }, Owner: owner, Serial: true})
}

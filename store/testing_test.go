package store

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	pg "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"xiaobu/bot"
)

// postgresEnv names the database that the conformance tests may use besides SQLite, such as
// postgres://postgres@127.0.0.1:5432/xiaobu_test. Each test makes a schema of its own in it.
const postgresEnv = "XIAOBU_TEST_POSTGRES"

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// onEach runs a test on every dialect there is.
func onEach(t *testing.T, test func(t *testing.T, s *Store, c *clock)) {
	t.Helper()
	for name, dsn := range dsns(t) {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			test(t, open(t, dsn, c), c)
		})
	}
}

func dsns(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "test.db")}
	if base := os.Getenv(postgresEnv); base != "" {
		out["postgres"] = ownSchema(t, base)
	}
	return out
}

// ownSchema makes an empty schema and returns a DSN that lives in it.
func ownSchema(t testing.TB, base string) string {
	t.Helper()
	db, err := gorm.Open(pg.Open(base), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower(fmt.Sprintf("t_%d_%s", os.Getpid(), strings.NewReplacer("/", "_", "#", "_", "-", "_").Replace(t.Name())))
	if len(name) > 60 {
		name = name[len(name)-60:]
	}
	if err := db.Exec(`DROP SCHEMA IF EXISTS "` + name + `" CASCADE`).Error; err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(`CREATE SCHEMA "` + name + `"`).Error; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		db.Exec(`DROP SCHEMA "` + name + `" CASCADE`)
		raw.Close()
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

func open(t testing.TB, dsn string, c *clock) *Store {
	t.Helper()
	if path, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		must(t, fillScratch(context.Background(), path))
	}
	s, err := Open(context.Background(), dsn, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func tx(t testing.TB, s *Store, fn func(*Tx) error) {
	t.Helper()
	must(t, s.Tx(context.Background(), fn))
}

func event(key, lane string) bot.Event {
	return bot.Event{Key: key, Kind: bot.KindChatDue, Lane: lane, Chat: "wr1", At: time.Unix(1700000000, 0).UTC(), Data: bot.ChatDue{Why: key}}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sqlitedriver "github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// models are all types that are read from or written to a table as a whole.
var models = []any{
	eventRow{}, Action{}, Slot{}, Chat{}, Stint{}, StaffRow{}, Contact{}, Shop{}, Channel{}, ChannelOwner{}, Welcome{}, Rule{}, Entry{}, Transfer{},
	Payout{}, PayoutStep{}, PayoutLine{}, PayoutItem{}, Promotion{}, Occurrence{}, Task{}, Delivery{}, Message{}, MessageToken{}, Case{}, Blocked{}, FirstAnswer{},
	Callback{}, Evidence{}, Media{}, MediaContent{}, MediaUpload{}, Phrase{}, ChannelDay{}, ChannelPicture{}, Link{}, LinkHour{}, Order{}, CalendarDay{}, QuietHours{},
	PromotionChange{}, Absence{}, Chase{}, Preflight{},
	PolicyVersion{}, Consent{}, Correction{}, CorrectionEnd{}, CaseStep{}, Strike{}, Warning{}, AppChat{},
	Ticket{}, TicketMessage{}, TicketStep{}, MemberReport{}, AppAsk{}, Consequence{},
}

// Columns that only SQL speaks of.
var plumbing = map[string][]string{
	"outbox":  {"lease_until"},
	"slot":    {"owner", "lease_until"},
	"channel": {"lease_until"},
}

func TestModelsAndSchemaHaveTheSameColumns(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		for _, m := range models {
			stmt := &gorm.Statement{DB: s.read}
			must(t, stmt.Parse(m))
			types, err := s.read.Migrator().ColumnTypes(stmt.Schema.Table)
			must(t, err)
			var have []string
			for _, col := range types {
				if !slices.Contains(plumbing[stmt.Schema.Table], col.Name()) {
					have = append(have, col.Name())
				}
			}
			want := slices.Clone(stmt.Schema.DBNames)
			slices.Sort(have)
			slices.Sort(want)
			if !slices.Equal(have, want) {
				t.Errorf("table %s has %v, its model %v", stmt.Schema.Table, have, want)
			}
		}
	})
}

// Every time in a model must be kept as milliseconds: SQLite would keep it as text, which
// sorts wrongly across zones.
func TestEveryTimeIsKeptAsMilliseconds(t *testing.T) {
	for _, m := range models {
		typ := reflect.TypeOf(m)
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Type == reflect.TypeFor[time.Time]() && !strings.Contains(f.Tag.Get("gorm"), "serializer:ms") {
				t.Errorf("%s.%s lacks serializer:ms", typ, f.Name)
			}
		}
	}
}

func TestTimesComeBackAsUTCAndZeroStaysZero(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		at := time.Date(2026, 11, 23, 18, 30, 0, 123e6, time.FixedZone("+8", 8*3600))
		tx(t, s, func(tx *Tx) error { return tx.NewChat(Chat{ChatID: "wr1", Status: ChatActive, CreatedAt: at}) })
		got, err := s.Read(context.Background()).Chat("wr1")
		must(t, err)
		if !got.CreatedAt.Equal(at) || got.CreatedAt.Location() != time.UTC {
			t.Errorf("got %v, want %v", got.CreatedAt, at)
		}
		if !got.SyncedAt.IsZero() {
			t.Errorf("a time that was never set came back as %v", got.SyncedAt)
		}
	})
}

func TestATransactionFailsOrPanicsAlone(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx := context.Background()
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				err := s.Tx(ctx, func(tx *Tx) error {
					if err := tx.Block(Blocked{Person: fmt.Sprint(i)}); err != nil {
						return err
					}
					switch i % 3 {
					case 1:
						return boom
					case 2:
						panic("boom")
					}
					return nil
				})
				if (err == nil) != (i%3 == 0) {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		got, err := s.Read(ctx).Blocklist("", 0)
		must(t, err)
		if len(got) != 20 {
			t.Errorf("%d rows, want 20", len(got))
		}
	})
}

// Callers share commits; each that is told of success must find its rows, also those that
// come while a commit is being put together.
func TestWhoeverIsToldOfSuccessHasBeenWritten(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		const callers, each = 40, 25
		ctx := context.Background()
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for n := range each {
					key := fmt.Sprintf("%d-%d", i, n)
					if i%2 == 0 {
						if err := s.Tx(ctx, func(tx *Tx) error { return tx.Block(Blocked{Person: key}) }); err != nil {
							t.Error(err)
						}
						if _, ok, err := s.Read(ctx).IsBlocked(key); err != nil || !ok {
							t.Errorf("%s: %v %v after success", key, ok, err)
						}
					} else if _, err := s.PutEvents(ctx, event(key, "")); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		kept, err := s.Read(ctx).Inbox("pending", 0, 2*callers*each)
		must(t, err)
		if len(kept) != callers/2*each {
			t.Errorf("%d events are kept, want %d", len(kept), callers/2*each)
		}
	})
}

func TestACancelledTransactionIsNotStarted(t *testing.T) {
	onEach(t, func(t *testing.T, s *Store, c *clock) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := s.Tx(ctx, func(tx *Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestASecondProcessIsKeptAway(t *testing.T) {
	dsn := "sqlite:" + filepath.Join(t.TempDir(), "x.db")
	c := newClock()
	s := open(t, dsn, c)
	if _, err := Open(context.Background(), dsn, c.Now); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want %v", err, ErrInUse)
	}
	must(t, s.Close())
	again, err := Open(context.Background(), dsn, c.Now)
	must(t, err)
	must(t, again.Close())
}

func TestADatabaseOfANewerVersionIsLeftAlone(t *testing.T) {
	for name, dsn := range dsns(t) {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			s, err := Open(context.Background(), dsn, c.Now)
			must(t, err)
			must(t, s.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, ?)`, true).Error)
			must(t, s.Close())
			if _, err := Open(context.Background(), dsn, c.Now); !errors.Is(err, ErrNewer) {
				t.Errorf("got %v, want %v", err, ErrNewer)
			}
		})
	}
}

func TestOpenRefusesWhatItCannotUse(t *testing.T) {
	c := newClock()
	text := filepath.Join(t.TempDir(), "text.db")
	must(t, os.WriteFile(text, []byte(strings.Repeat("this is not a database\n", 500)), 0o600))
	for _, dsn := range []string{"", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite:" + filepath.Join(t.TempDir(), "no", "such", "x.db"),
		"sqlite:" + text, "postgres://nobody:hunter2@127.0.0.1:1/none?connect_timeout=1"} {
		_, err := Open(context.Background(), dsn, c.Now)
		if err == nil {
			t.Errorf("%q was opened", dsn)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestPragmasHoldOnEveryConnection(t *testing.T) {
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "odd name?#%.db"), newClock())
	if _, err := os.Stat(filepath.Join(filepath.Dir(dbFile(t, s)), "odd name?#%.db")); err != nil {
		t.Errorf("the file has another name: %v", err)
	}
	if err := s.read.Exec(`DELETE FROM meta`).Error; err == nil {
		t.Error("the read pool can write")
	}
	wrong := []pragma{{"busy_timeout", "5000", "1"}}
	raw, err := s.read.DB()
	must(t, err)
	if err := checkPragmas(context.Background(), raw, wrong, sqliteReaders); err == nil {
		t.Error("a pragma that did not take was not noticed")
	}
}

func dbFile(t *testing.T, s *Store) string {
	t.Helper()
	var seq int
	var name, file string
	row := s.read.Raw("PRAGMA database_list").Row()
	must(t, row.Scan(&seq, &name, &file))
	return file
}

// A full disk: what cannot be written is an error, what was written stays, and work goes on
// once there is room again.
// A transaction takes the file's write lock when it begins, not when it first writes: a
// second writer waits instead of failing in the middle.
func TestATransactionTakesTheLockAtOnce(t *testing.T) {
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), newClock())
	other, err := gorm.Open(sqlitedriver.Open("file:"+dbFile(t, s)+"?_pragma=busy_timeout(0)"), &gorm.Config{Logger: logger.Discard})
	must(t, err)
	raw, err := other.DB()
	must(t, err)
	defer raw.Close()
	if err := other.Exec(`BEGIN IMMEDIATE`).Error; err != nil {
		t.Fatalf("nobody writes, but %v", err)
	}
	must(t, other.Exec(`ROLLBACK`).Error)
	tx(t, s, func(*Tx) error {
		if err := other.Exec(`BEGIN IMMEDIATE`).Error; err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("a second writer: %v", err)
		}
		return nil
	})
}

func TestAFullDiskLosesNothing(t *testing.T) {
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), newClock())
	ctx := context.Background()
	_, err := s.PutEvents(ctx, event("before", "l"))
	must(t, err)
	var pages int
	must(t, s.write.Raw("PRAGMA page_count").Scan(&pages).Error)
	must(t, s.write.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+4)).Error)
	kept, refused := 0, 0
	for i := range 400 {
		switch _, err := s.PutEvents(ctx, event(fmt.Sprintf("%d-%s", i, strings.Repeat("x", 200)), "l")); {
		case err == nil:
			kept++
		default:
			refused++
		}
	}
	if refused == 0 {
		t.Fatal("the disk was never full")
	}
	must(t, s.write.Exec("PRAGMA max_page_count = 1000000").Error)
	_, err = s.PutEvents(ctx, event("after", "l"))
	must(t, err)
	st, err := s.Read(ctx).InboxStats()
	must(t, err)
	if want := int64(kept + 2); st.Received != want {
		t.Errorf("%d events are kept, want %d", st.Received, want)
	}
}

func TestABackupIsAWholeDatabaseAndCanBeRestored(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	dsn := "sqlite:" + filepath.Join(dir, "x.db")
	s := open(t, dsn, newClock())
	_, err := s.PutEvents(ctx, event("a", "l"))
	must(t, err)
	copied := filepath.Join(dir, "copy.db")
	must(t, Backup(ctx, dsn, copied))
	if err := Backup(ctx, dsn, copied); err == nil {
		t.Error("a backup was overwritten")
	}
	if err := Restore(ctx, dsn, copied); !errors.Is(err, ErrInUse) {
		t.Errorf("restore under a running program: %v", err)
	}
	_, err = s.PutEvents(ctx, event("b", "l"))
	must(t, err)
	must(t, s.Close())
	must(t, Restore(ctx, dsn, copied))
	b := open(t, dsn, newClock())
	st, err := b.Read(ctx).InboxStats()
	must(t, err)
	if st.Received != 1 {
		t.Errorf("after the restore: %+v", st)
	}
	old := open(t, dsn[:len(dsn)-len("x.db")]+"x.db.before-restore", newClock())
	st, err = old.Read(ctx).InboxStats()
	must(t, err)
	if st.Received != 2 {
		t.Errorf("what was there before: %+v", st)
	}
}

func TestRestoreRefusesWhatIsNotABackup(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	must(t, os.WriteFile(text, []byte("hello"), 0o600))
	dsn := "sqlite:" + filepath.Join(dir, "x.db")
	for _, file := range []string{text, filepath.Join(dir, "none")} {
		if err := Restore(context.Background(), dsn, file); err == nil {
			t.Errorf("%s was restored", file)
		}
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), newClock())
	must(t, s.Close())
	if err := s.Tx(context.Background(), func(*Tx) error { return nil }); err == nil {
		t.Error("a transaction on a closed store succeeded")
	}
}

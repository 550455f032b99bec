package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"xiaobu/bot"
)

// fillEverything writes a row or more into every table.
func fillEverything(t *testing.T, s *Store) {
	t.Helper()
	tx(t, s, func(tx *Tx) error {
		if _, err := tx.PutEvents(event("k1", "chat:wr1")); err != nil {
			return err
		}
		stint := Stint{ChatID: "wr1", UserID: "wm1", Kind: "customer", Name: "张🙂三", JoinedAt: tx.Now, UnionID: "o1"}
		if _, err := tx.AddStint(&stint); err != nil {
			return err
		}
		if err := tx.NewChat(Chat{ChatID: "wr1", Name: "一群", Owner: "wang", Status: ChatActive, Labels: []string{"秒杀"}}); err != nil {
			return err
		}
		rule, err := tx.LastRule()
		if err != nil {
			return err
		}
		entry := Entry{Key: "join:1", StintID: stint.ID, Staff: "wang", ChatID: "wr1", Member: "wm1", Ordinal: 1, AmountFen: 50,
			RuleVersion: rule.Version, Period: "2026-11", Status: EntryHeld, EarnedAt: tx.Now, DueAt: tx.Now}
		if _, err := tx.AddEntry(&entry); err != nil {
			return err
		}
		channel := Channel{Name: "c", Kind: ChannelGroup, Staff: "wang", State: "xb1", ChatIDs: []string{"wr1"}, AutoCreate: true, Status: ChannelMaking}
		promo := Promotion{Name: "p", Status: PromotionActive}
		robot, _, err := tx.AddRobot(Robot{Name: "r", Key: "k"})
		if err != nil {
			return err
		}
		for _, err := range []error{
			tx.PutEvidence(Evidence{StintID: stint.ID, JoinRead: tx.Now, JoinVersion: "v1"}),
			tx.db.Exec(`INSERT INTO callback (key, at, received_at, duplicates) VALUES ('k1', 1, 2, 3)`).Error,
			tx.SaveFollower("wang"), tx.NameStaff("li", "李"), tx.AddContact(Contact{Customer: "wm1", UserID: "wang", AddedAt: tx.Now}),
			tx.PutShop(Shop{ID: "s1", Name: "店"}), tx.AddChannel(&channel), tx.AddPromotion(&promo),
			tx.AddMessage(Message{MessageID: "m1", ChatID: "wr1", Sender: "wm1", SentAt: tx.Now, Score: 0.25, Tokens: []int64{7}}),
			tx.AddCase(&Case{ChatID: "wr1", Member: "wm1", Status: CaseOpen}), tx.Block(Blocked{Person: "wm2"}),
			tx.AddStep(CaseStep{CaseID: 1, What: StepOpened}), tx.AddStrike(Strike{Member: "wm1", ChatID: "wr1", ExpiresAt: tx.Now}),
			warning(tx, Warning{Member: "wm1", Day: "2026-11-23"}), tx.PutAppChat(AppChat{ChatID: "ops", NextAt: tx.Now}),
			tx.PutReportTarget(ReportTarget{Kind: ReportChain, RobotID: &robot.ID}),
			tx.AddScans([]ChannelDay{{ChannelID: 1, Day: "2026-11-22", Scans: 2, LastAt: tx.Now}}), tx.PutChannelPicture(ChannelPicture{ChannelID: 1, Address: "a", Content: "c"}),
			tx.PutCalendarDay(CalendarDay{Date: "2026-12-24", Kind: DayBlackout}), tx.PutQuiet(&Hours{From: "22:00", To: "08:00"}),
			tx.PutAbsence(Absence{UserID: "wang", FromDay: "2026-11-23", ToDay: "2026-11-24", StandIn: "li"}),
			tx.AddChecks(&Checks{By: "anna"}), tx.AddFlag(Flag{EntryID: entry.ID, Weight: 1.1, Threshold: 1, Signals: []Signal{{Name: "ring", Weight: 0.7}}}),
			tx.DecideFlag(FlagDecision{EntryID: entry.ID, Decision: DecideRelease, Who: "anna"}),
			tx.AddMedia(&Media{Name: "海报.png", Type: bot.AttachImage}, []byte{0x89, 0, 0xff}), tx.PutMediaUpload(MediaUpload{MediaID: 1, PlatformID: "m", UploadedAt: tx.Now, ExpiresAt: tx.Now}),
			tx.AddPhrase(&Phrase{Name: "p", Attachments: []bot.Attachment{{Type: bot.AttachImage, Media: "1"}}}),
			tx.AddPolicy(&PolicyVersion{ChatID: "wr1", Data: PolicySettings{Mode: "dry"}}), tx.SeeHosts(map[int64]bool{1: true}), tx.Talk(map[string]string{"wm1": "2026-11-23"}),
			tx.FillGroups([]string{"wr1"}, tx.Now.AddDate(0, 0, 8)),
			tx.PutConsent(Consent{Customer: "wm1", UserID: "wang", Agreed: true, Source: ConsentCallback, At: tx.Now}),
			tx.MissSlot("job", tx.Now, "local"), tx.db.Exec(`INSERT INTO meta (key, value) VALUES ('a', 'b')`).Error,
			tx.db.Exec(`INSERT INTO audit (id, at, entries, transfers, differences, repaired) VALUES (1, 1, 1, 1, 1, 0)`).Error,
			tx.db.Exec(`INSERT INTO difference (audit_id, what, subject, field, want, have, repaired) VALUES (1, 'tally', 's', 'f', 1, 2, false)`).Error,
			tx.db.Exec(`INSERT INTO rejudge (from_at, phase, stint_id, stays, judged, asked_at) VALUES (1, 'judge', 0, 0, 0, 1)`).Error,
			tx.MoveEntry(entry, EntryPayable, "rewarded", nil), tx.Collect(&Payout{Period: "2026-11", CarryOver: true}, "anna"),
			tx.db.Exec(`INSERT INTO idempotency (route, key, body_hash, resource, created_at) VALUES ('r', 'k', 'h', '1', 1)`).Error,
		} {
			if err != nil {
				return err
			}
		}
		if _, err := tx.BeginRun(ReportRun{Kind: ReportCashier, Day: "2026-11-23", At: tx.Now, Status: RunPlanning, Since: tx.Now, Until: tx.Now}); err != nil {
			return err
		}
		said := Correction{Label: LabelHam, Text: "早", Weight: 0.6, Who: "wang", Source: CorrectedByCase}
		if err := tx.AddCorrection(&said); err != nil {
			return err
		}
		if err := tx.EndCorrection(said.ID, "li", "n"); err != nil {
			return err
		}
		if err := fillTickets(tx); err != nil {
			return err
		}
		occ := Occurrence{PromotionID: promo.ID, At: tx.Now, Status: OccurrenceRunning}
		if _, err := tx.AddOccurrence(&occ); err != nil {
			return err
		}
		link := Link{Code: "code1", PromotionID: promo.ID, OccurrenceID: occ.ID, URL: "https://x"}
		if err := errors.Join(tx.AddLinks([]Link{link}), tx.AddClicks([]LinkHour{{LinkID: 1, Hour: tx.Now, Clicks: 1}}, []LinkUse{{LinkID: 1, Clicks: 1, At: tx.Now}}),
			tx.AddOrders([]Order{{OrderID: "o1", Code: "code1", At: tx.Now}}, map[string]Link{"code1": {ID: 1, PromotionID: promo.ID, OccurrenceID: occ.ID}})); err != nil {
			return err
		}
		task := Task{OccurrenceID: occ.ID, Owner: "wang", Part: 1, Status: TaskPlanned, ClosesAt: tx.Now}
		if err := tx.AddTask(&task); err != nil {
			return err
		}
		if err := tx.AddChase(Chase{OccurrenceID: occ.ID, Owner: "wang", NextAt: tx.Now, BeganAt: tx.Now, ClosesAt: tx.Now}); err != nil {
			return err
		}
		if _, err := tx.TakeTurn("wang", "alike", task.ID); err != nil {
			return err
		}
		if _, err := tx.Enqueue(testAction{"mass", "mass:1"}, When{}); err != nil {
			return err
		}
		if _, err := tx.Enqueue(testAction{"welcome", "welcome:1"}, When{}); err != nil {
			return err
		}
		if err := tx.SumFunnels(occ, map[string][]Funnel{ByOwner: {{ID: "wang", Groups: 1}}}); err != nil {
			return err
		}
		return tx.AddDeliveries([]Delivery{{OccurrenceID: occ.ID, PromotionID: promo.ID, TaskID: &task.ID, At: tx.Now, ChatID: "wr1", Owner: "wang", Status: DeliveryPlanned}})
	})
	_, err := s.RouteEvents(context.Background(), 10, func(*Tx, bot.Event) ([]Route, error) { return []Route{{Handler: "sync"}}, nil })
	must(t, err)
}

// fillTickets writes a row into each table around tickets.
func fillTickets(tx *Tx) error {
	ticket := Ticket{Kind: TicketRefund, ChatID: "wr1", Member: "wm1", DueAt: tx.Now}
	_, err := tx.AddTicket(&ticket)
	_, err2 := tx.AddMemberReport(&MemberReport{ChatID: "wr1", Member: "wm1", Reporter: "wm2", Day: "2026-11-23", Weight: 0.25})
	_, err3 := tx.AddAppAsk(&AppAsk{UserID: "wang", MessageID: "1", Status: AskOpen})
	_, err4 := tx.AddConsequence(&Consequence{Cause: "case:1", Person: "wm1", Kind: ConsequenceCode, Ref: 1})
	return errors.Join(err, err2, err3, err4, tx.AddTicketMessage(ticket, TicketMessage{MessageID: "m1", SentAt: tx.Now}, 10))
}

func warning(tx *Tx, w Warning) error {
	_, err := tx.AddWarning(w, 1)
	return err
}

type testAction struct{ kind, key string }

func (a testAction) ActionKind() string { return a.kind }
func (a testAction) ActionKey() string  { return a.key }
func (testAction) Retry() bot.RetryRule { return bot.RetrySafe }

// dump reads all rows of all tables, by table.
func dump(t *testing.T, s *Store) map[string][]map[string]any {
	t.Helper()
	names := []string{}
	files, err := fs.Glob(migrations, "migrations/sqlite/*.sql")
	must(t, err)
	for _, file := range files {
		found, err := fs.ReadFile(migrations, file)
		must(t, err)
		for _, line := range strings.Split(string(found), "\n") {
			if rest, ok := strings.CutPrefix(line, "CREATE TABLE "); ok {
				names = append(names, strings.Fields(rest)[0])
			}
		}
	}
	out := map[string][]map[string]any{}
	for _, name := range names {
		var rows []map[string]any
		must(t, s.read.Table(name).Order("1, 2").Find(&rows).Error)
		for _, row := range rows {
			for k, v := range row {
				if b, ok := v.(bool); ok { // SQLite has no truth values
					row[k] = int64(0)
					if b {
						row[k] = int64(1)
					}
				}
			}
		}
		out[name] = rows
	}
	return out
}

func onEachCopy(t *testing.T, test func(t *testing.T, dsn string)) {
	for name, dsn := range dsns(t) {
		t.Run(name, func(t *testing.T) { test(t, dsn) })
	}
}

// sums is the hash of a SQLite database's file and log; of PostgreSQL, nothing.
func sums(t *testing.T, dsn string) string {
	t.Helper()
	path, ok := strings.CutPrefix(dsn, "sqlite:")
	if !ok {
		return ""
	}
	var out strings.Builder
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		must(t, err)
		fmt.Fprintf(&out, "%s %x\n", suffix, sha256.Sum256(data))
	}
	return out.String()
}

func TestACopyHoldsEverythingAndTheOriginalIsOnlyRead(t *testing.T) {
	onEachCopy(t, func(t *testing.T, dsn string) {
		c := newClock()
		s := open(t, dsn, c)
		fillEverything(t, s)
		before := sums(t, dsn)
		file := filepath.Join(t.TempDir(), "copy.db")
		must(t, Copy(t.Context(), dsn, file)) // while the program has it open
		if after := sums(t, dsn); before != after {
			t.Error("the original's bytes changed")
		}
		// What is written afterwards is not in it.
		tx(t, s, func(tx *Tx) error { return tx.SaveFollower("late") })
		if err := Copy(t.Context(), dsn, file); err == nil {
			t.Error("a copy must not overwrite another file")
		}
		twin := open(t, "sqlite:"+file, c)
		want, got := dump(t, s), dump(t, twin)
		for table, rows := range want {
			if table == "staff" {
				rows = rows[1:] // late, the first by name
			}
			if len(rows) == 0 || len(rows) != len(got[table]) {
				t.Errorf("table %s: %d rows in the copy, want %d and more than none", table, len(got[table]), len(rows))
				continue
			}
			for i, row := range rows {
				for column, v := range row {
					if fmt.Sprint(v) != fmt.Sprint(got[table][i][column]) {
						t.Errorf("table %s: %s is %v in the copy, want %v", table, column, got[table][i][column], v)
					}
				}
			}
		}
	})
}

// A program that was killed leaves its write-ahead log behind. The copy knows what is in it,
// and does not write it back.
func TestACopyReadsTheLogOfAKilledProgram(t *testing.T) {
	dir := t.TempDir()
	live := open(t, "sqlite:"+filepath.Join(dir, "live.db"), newClock())
	tx(t, live, func(tx *Tx) error { return tx.SaveFollower("wang") })
	killed := filepath.Join(dir, "killed.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, "live.db"+suffix))
		must(t, err)
		must(t, os.WriteFile(killed+suffix, data, 0o600))
	}
	before := sums(t, "sqlite:"+killed)
	file := filepath.Join(dir, "copy.db")
	must(t, Copy(t.Context(), "sqlite:"+killed, file))
	if after := sums(t, "sqlite:"+killed); before != after {
		t.Error("the original's bytes changed")
	}
	if _, err := open(t, "sqlite:"+file, newClock()).Read(t.Context()).Staff("wang"); err != nil {
		t.Errorf("what was in the log: %v", err)
	}
}

func TestWhatCannotBeCopiedIsSaid(t *testing.T) {
	dir := t.TempDir()
	into := func() string { return filepath.Join(t.TempDir(), "copy.db") }
	if err := Copy(t.Context(), "sqlite:"+filepath.Join(dir, "none.db"), into()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("no file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("asking for a copy made a database")
	}
	must(t, os.WriteFile(filepath.Join(dir, "empty.db"), nil, 0o600))
	if err := Copy(t.Context(), "sqlite:"+filepath.Join(dir, "empty.db"), into()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("an empty file: %v", err)
	}
	onEachCopy(t, func(t *testing.T, dsn string) {
		if strings.HasPrefix(dsn, "postgres") {
			if err := Copy(t.Context(), dsn, into()); !errors.Is(err, ErrNoDatabase) {
				t.Errorf("no schema: %v", err)
			}
		}
		s := open(t, dsn, newClock())
		must(t, s.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, ?)`, true).Error)
		if err := Copy(t.Context(), dsn, into()); !errors.Is(err, ErrNewer) {
			t.Errorf("a newer schema: %v", err)
		}
	})
}

// A role that may only read is enough.
func TestACopyOfPostgresNeedsNoMoreThanSelect(t *testing.T) {
	dsn, ok := dsns(t)["postgres"]
	if !ok {
		t.Skip(postgresEnv + " is not set")
	}
	s := open(t, dsn, newClock())
	fillEverything(t, s)
	u, err := url.Parse(dsn)
	must(t, err)
	schema := u.Query().Get("search_path")
	role := "reader_" + schema
	if len(role) > 60 {
		role = role[:60]
	}
	db, err := sql.Open("pgx", dsn)
	must(t, err)
	defer db.Close()
	for _, stmt := range []string{
		`CREATE ROLE "` + role + `" LOGIN PASSWORD 'x'`, `GRANT USAGE ON SCHEMA "` + schema + `" TO "` + role + `"`,
		`GRANT SELECT ON ALL TABLES IN SCHEMA "` + schema + `" TO "` + role + `"`,
	} {
		_, err := db.Exec(stmt)
		must(t, err)
	}
	t.Cleanup(func() {
		for _, stmt := range []string{`DROP OWNED BY "` + role + `"`, `DROP ROLE "` + role + `"`} {
			if _, err := s.write.ConnPool.ExecContext(context.Background(), stmt); err != nil {
				t.Error(err)
			}
		}
	})
	u.User = url.UserPassword(role, "x")
	must(t, Copy(t.Context(), u.String(), filepath.Join(t.TempDir(), "copy.db")))
}

// Callbacks that nobody handled yet and greetings that nobody sent belong to the original's
// platform; a promised mass message belongs to the plan.
func TestACopyIsDetachedFromItsPlatform(t *testing.T) {
	c := newClock()
	s := open(t, "sqlite:"+filepath.Join(t.TempDir(), "x.db"), c)
	fillEverything(t, s)
	c.Add(time.Minute)
	var out LeftOut
	tx(t, s, func(tx *Tx) (err error) { out, err = tx.Detach(); return err })
	if out.Events != 1 || out.Actions != 1 {
		t.Errorf("left out: %+v", out)
	}
	claims, err := s.ClaimLanes(t.Context(), "sync", "a", 10, time.Minute)
	must(t, err)
	st, err := s.Read(t.Context()).InboxStats()
	must(t, err)
	if len(claims) != 0 || st.Pending != 0 {
		t.Errorf("still waiting: %d lanes, %+v", len(claims), st)
	}
	if a, err := s.Read(t.Context()).ActionByKey("mass:1"); err != nil || a.State != ActionPending {
		t.Errorf("the mass message: %+v %v", a, err)
	}
	at, ok, err := s.Read(t.Context()).LastMoment()
	if err != nil || !ok || !at.Equal(c.Now()) {
		t.Errorf("last moment: %v %v %v", at, ok, err)
	}
}

// While a program writes, a copy is of one moment: of two rows that are written together it
// has both or neither.
func TestACopyIsOfOneMoment(t *testing.T) {
	onEachCopy(t, func(t *testing.T, dsn string) {
		s := open(t, dsn, newClock())
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		written := make(chan int)
		go func() {
			n := 0
			for ; ctx.Err() == nil; n++ {
				_ = s.Tx(context.Background(), func(tx *Tx) error {
					if err := tx.Block(Blocked{Person: fmt.Sprint("a", n)}); err != nil {
						return err
					}
					return tx.SaveFollower(bot.UserID(fmt.Sprint("a", n)))
				})
			}
			written <- n
		}()
		seen := map[int64]bool{}
		for len(seen) < 3 {
			file := filepath.Join(t.TempDir(), "copy.db")
			must(t, Copy(t.Context(), dsn, file))
			twin := open(t, "sqlite:"+file, newClock())
			var blocked, staff int64
			must(t, twin.read.Table("blocked").Count(&blocked).Error)
			must(t, twin.read.Table("staff").Count(&staff).Error)
			if blocked != staff {
				t.Fatalf("%d and %d of rows that are written together", blocked, staff)
			}
			seen[blocked] = true
		}
		stop()
		if n := <-written; n == 0 {
			t.Error("nothing was written meanwhile")
		}
	})
}

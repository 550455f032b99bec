package rehearse

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"xiaobu/configs"
	"xiaobu/sandbox"
	"xiaobu/store"
)

// busy is a chain that has lived through a week and has more planned for the next: sales
// that meet, one whose picture will have expired, one that uses up a month's quota.
func busy(t testing.TB) *rig {
	t.Helper()
	r, story := chain(t, "sqlite:"+filepath.Join(t.TempDir(), "xiaobu.db"))
	r.until(story.End)
	group := story.Stores[0].Groups[0].ID
	r.promote("周一早市", "20 10 * * 1", map[string]any{"message": map[string]any{"text": "周一早市", "attachments": []map[string]any{{"type": "image", "media": r.poster()}}}})
	r.promote("旧海报", "0 16 * * 5", map[string]any{"message": map[string]any{"text": "看海报", "attachments": []map[string]any{{"type": "image", "media_id": "old"}}}})
	r.promote("整点特价", "0 8-18 * * *", map[string]any{"targets": map[string]any{"chat_ids": []string{group}}, "schedule": map[string]any{"cron": "0 8-18 * * *", "starts_on": "2026-12-01"}})
	return r
}

// again opens the copy that a rehearsal has left behind.
func again(t testing.TB, o Options) store.Reader {
	t.Helper()
	s, err := store.Open(context.Background(), "sqlite:"+filepath.Join(o.Dir, "copy.db"), func() time.Time { return o.From })
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s.Read(context.Background())
}

// One company is lived once and rehearsed by all tests that only read it.
func TestRehearsal(t *testing.T) {
	r := busy(t)
	before := readFile(t, file(r.conf))
	wal := readFile(t, file(r.conf)+"-wal")
	o := options(t, r.conf) // while the program has the database open
	rep := run(t, o)
	if !bytes.Equal(before, readFile(t, file(r.conf))) || !bytes.Equal(wal, readFile(t, file(r.conf)+"-wal")) {
		t.Error("the original changed")
	}
	books := again(t, o)
	t.Run("calendar", func(t *testing.T) { checkCalendar(t, rep) })
	t.Run("quotas", func(t *testing.T) { checkQuotas(t, rep, books) })
	t.Run("rewards", func(t *testing.T) { checkRewards(t, rep, books) })
	t.Run("people", func(t *testing.T) { checkPeople(t, rep) })
	t.Run("refusals", func(t *testing.T) { checkRefusals(t, rep) })
	t.Run("collisions", func(t *testing.T) { checkCollisions(t, rep) })
	t.Run("page", func(t *testing.T) { checkPage(t, rep) })
	t.Run("same seed", func(t *testing.T) { checkSeeds(t, r.conf) })
	t.Run("people as asked for", func(t *testing.T) { checkAsked(t, r.conf) })
	t.Run("days", func(t *testing.T) { checkDays(t, r.conf) })
	t.Run("mistakes", func(t *testing.T) { checkMistakes(t, r.conf) })
	if path := os.Getenv("REHEARSAL_PAGES"); path != "" { // to look at
		must(t, os.WriteFile(filepath.Join(path, "zh.html"), []byte(pageOf(t, rep)), 0o644))
		en, err := Page(rep, "en")
		must(t, err)
		must(t, os.WriteFile(filepath.Join(path, "en.html"), en, 0o644))
		must(t, os.WriteFile(filepath.Join(path, "report.json"), []byte(asJSON(t, rep)), 0o644))
	}
}

func pageOf(t testing.TB, rep *Report) string {
	t.Helper()
	page, err := Page(rep, "zh")
	must(t, err)
	return string(page)
}

// slots counts the calendar by promotion.
func slots(rep *Report) map[string][]Occurrence {
	out := map[string][]Occurrence{}
	for _, o := range rep.Calendar {
		out[o.Promotion] = append(out[o.Promotion], o)
	}
	return out
}

func checkCalendar(t *testing.T, rep *Report) {
	by := slots(rep)
	for name, want := range map[string]int{"周一三五秒杀": 3, "周一早市": 1, "旧海报": 1, "整点特价": 6 * 11} {
		if len(by[name]) != want {
			t.Errorf("%s: %d slots, want %d", name, len(by[name]), want)
		}
	}
	sale := by["周一三五秒杀"][0]
	if sale.At.Format(time.RFC3339) != "2026-11-30T10:00:00+08:00" || sale.Planned != 6 || sale.Owners != 3 || sale.Past {
		t.Errorf("the first sale: %+v", sale)
	}
	if sale.Sent != 4 || sale.Unconfirmed != 2 { // one of three owners never confirmed so far
		t.Errorf("the habits of the past: %+v", sale.Outcomes)
	}
	var sum Outcomes
	for _, o := range rep.Calendar {
		parts := o.Sent + o.Unconfirmed + o.Waiting + o.Blocked + o.Failed
		if o.Planned != parts || o.Planned != len(o.ChatIDs) {
			t.Errorf("%s %s: %+v", o.At, o.Promotion, o.Outcomes)
		}
		sum.Sent += o.Sent
	}
	days := 0
	for _, d := range rep.Days {
		days += d.Sent
	}
	if sum.Sent != rep.Totals.Sent || days != sum.Sent || len(rep.Days) != 7 {
		t.Errorf("sent: %d by slot, %d by day, %d in all", sum.Sent, days, rep.Totals.Sent)
	}
}

// What the sandbox counted, as WeCom does, is what the deliveries say.
func checkQuotas(t *testing.T, rep *Report, books store.Reader) {
	promos, err := books.Promotions(0, 0)
	must(t, err)
	sent := map[string]int{}
	for _, p := range promos {
		ds, err := books.Deliveries(store.DeliveryFilter{Promotion: p.ID})
		must(t, err)
		for _, d := range ds {
			if d.Status == store.DeliverySent {
				sent[d.ChatID+d.SentAt.In(rep.From.Location()).Format("2006-01")]++
			}
		}
	}
	blocked := 0
	for _, q := range rep.Quotas {
		if q.Used != sent[q.ChatID+q.Month] || q.Left != q.Quota-q.Used || q.Quota != map[string]int{"2026-11": 30, "2026-12": 31}[q.Month] {
			t.Errorf("%+v; the deliveries say %d", q, sent[q.ChatID+q.Month])
		}
		blocked += q.Blocked
	}
	if first := rep.Quotas[0]; first.Left != 0 || first.Blocked == 0 || first.Month != "2026-12" {
		t.Errorf("the group that runs out comes first: %+v", first)
	}
	if blocked != rep.Totals.Blocked {
		t.Errorf("%d blocked by group, %d in all", blocked, rep.Totals.Blocked)
	}
}

func checkRewards(t *testing.T, rep *Report, books store.Reader) {
	w := rep.Rewards
	entries, err := books.Entries(store.EntryFilter{From: rep.From, To: rep.To})
	must(t, err)
	var want Rewards
	joins := len(entries)
	sums := map[string]*int64{store.EntryHeld: &want.HeldFen, store.EntryPayable: &want.PayableFen, store.EntryVoid: &want.VoidFen, store.EntryClawedBack: new(int64)}
	for _, e := range entries {
		*sums[e.Status] += e.AmountFen
	}
	if w.HeldFen != want.HeldFen || w.PayableFen != want.PayableFen || w.VoidFen != want.VoidFen || w.Rewarded != joins || w.Rewarded == 0 {
		t.Errorf("rewards %+v, the books say %+v and %d joins", w, want, joins)
	}
	byDay := int64(0)
	for _, d := range rep.Days {
		byDay += d.RewardFen
	}
	for name, fen := range map[string]int64{"days": byDay, "staff": total(w.ByStaff), "groups": total(w.ByGroup), "tiers": total(w.ByTier)} {
		if fen != w.HeldFen+w.PayableFen || fen != rep.Totals.RewardFen {
			t.Errorf("by %s: %d fen, want %d", name, fen, w.HeldFen+w.PayableFen)
		}
	}
	not := 0
	for _, c := range w.NotRewarded {
		not += c.Count
	}
	if w.Rewarded+not != w.Joins || w.Joins != rep.Totals.Joins {
		t.Errorf("%d rewarded and %d not, of %d joins", w.Rewarded, not, w.Joins)
	}
	balances, err := books.Balances()
	must(t, err)
	payable := int64(0)
	for account, fen := range balances {
		if strings.HasPrefix(account, "payable:") {
			payable += fen
		}
	}
	if before := payable - w.ReleasedFen; before < 0 || w.ReleasedFen == 0 {
		t.Errorf("%d fen fell due, the accounts hold %d", w.ReleasedFen, payable)
	}
}

func total(lines []RewardLine) int64 {
	sum := int64(0)
	for _, l := range lines {
		sum += l.Fen
	}
	return sum
}

// About as many come as in the week before, and nobody comes to nothing without a word.
func checkPeople(t *testing.T, rep *Report) {
	joins, leaves := 0, 0
	for _, g := range rep.Groups {
		joins, leaves = joins+g.Joins, leaves+g.Leaves
	}
	if joins != rep.Totals.Joins || leaves != rep.Totals.Leaves || joins < 150 || joins > 400 || rep.Totals.Welcomes == 0 {
		t.Errorf("joins %d, leaves %d: %+v", joins, leaves, rep.Totals)
	}
	tasks := 0
	for _, o := range rep.Owners {
		perDay := 0
		for _, n := range o.PerDay {
			perDay += n
		}
		if perDay != o.Tasks || o.Confirmed+o.Unconfirmed+o.Waiting+o.Failed != o.Tasks || !o.Listed {
			t.Errorf("owner %+v", o)
		}
		tasks += o.Tasks
	}
	if len(rep.Owners) != 3 || tasks != rep.Totals.Tasks {
		t.Errorf("%d owners with %d tasks, %d in all", len(rep.Owners), tasks, rep.Totals.Tasks)
	}
}

func checkRefusals(t *testing.T, rep *Report) {
	found := map[string]int{}
	for _, r := range rep.Refusals {
		found[r.Code] += r.Count
		if Word(r.Code, true) == r.Code {
			t.Errorf("nobody says what %s means", r.Code)
		}
	}
	if found["quota_used"] != rep.Totals.Blocked || found["quota_used"] == 0 || found["media_expired"] != slots(rep)["旧海报"][0].Failed || found["media_expired"] == 0 || found["not_confirmed"] == 0 {
		t.Errorf("refusals: %v", found)
	}
}

func checkCollisions(t *testing.T, rep *Report) {
	hour := slices.IndexFunc(rep.Collisions, func(c Collision) bool {
		return c.Date == "2026-11-30" && slices.Equal(c.Promotions, []string{"周一三五秒杀", "周一早市"})
	})
	if hour < 0 || rep.Collisions[hour].Kind != SameHour || len(rep.Collisions[hour].ChatIDs) != 6 {
		t.Errorf("Monday at ten: %+v", rep.Collisions)
	}
	if first := rep.Collisions[0]; first.Kind != SameMinute || first.Date != "2026-12-02" || len(first.ChatIDs) != 1 {
		t.Errorf("Wednesday at ten in one group: %+v", first)
	}
}

// The page needs nothing from elsewhere and says what the report says.
func checkPage(t *testing.T, rep *Report) {
	for lang, want := range map[string][]string{"zh": {"周一早市", "额度", "前提", "附件素材已失效"}, "en": {"周一早市", "Quota", "Taken as given", "attached file has expired"}} {
		page, err := Page(rep, lang)
		must(t, err)
		for _, w := range append(want, "<svg", "2026-11-30") {
			if !bytes.Contains(page, []byte(w)) {
				t.Errorf("the page in %s does not say %q", lang, w)
			}
		}
		for _, outside := range []string{"http://", "https://", "src=", "<script", "@import", "NaN", "%!"} {
			if bytes.Contains(page, []byte(outside)) {
				t.Errorf("the page in %s has %q", lang, outside)
			}
		}
	}
	evil := *rep
	evil.Calendar = []Occurrence{{At: rep.From, Promotion: `<img src=x onerror="1">`}}
	page, err := Page(&evil, "zh")
	must(t, err)
	if bytes.Contains(page, []byte("<img")) {
		t.Error("a promotion's name became a tag")
	}
}

func checkSeeds(t *testing.T, c configs.Config) {
	short := func(seed uint64) *Report {
		o := options(t, c)
		o.Days, o.Seed = 2, seed
		return run(t, o)
	}
	one, same, other := short(1), short(1), short(2)
	if asJSON(t, one) != asJSON(t, same) || pageOf(t, one) != pageOf(t, same) {
		t.Error("the same seed gave another report")
	}
	if other.Seed = one.Seed; asJSON(t, one) == asJSON(t, other) {
		t.Error("another seed gave the same report")
	}
}

// When nobody is to come or go, the nightly comparison finds every group as the books have
// it: the sandbox shows what the books know.
func checkAsked(t *testing.T, c configs.Config) {
	with := func(confirm string) Totals {
		o := options(t, c)
		o.Days, o.Confirm, o.JoinsPerDay, o.LeaveRate = 2, confirm, 0, 0
		return run(t, o).Totals
	}
	none, all := with(ConfirmNone), with(ConfirmAll)
	if none.Joins+none.Leaves+all.Joins+all.Leaves != 0 {
		t.Errorf("somebody came or went: %+v %+v", none, all)
	}
	if none.Sent != 0 || none.Unconfirmed == 0 || all.Unconfirmed != 0 || all.Sent == 0 {
		t.Errorf("nobody confirms %+v, everybody %+v", none, all)
	}
}

// A company that counts mass messages by the day has other quotas.
func checkDays(t *testing.T, c configs.Config) {
	o := options(t, c)
	o.Config.WeCom.MassQuota = sandbox.MassDay
	o.Days, o.Confirm, o.JoinsPerDay, o.LeaveRate = 2, ConfirmAll, 0, 0
	rep := run(t, o)
	first := o.From.In(c.Timezone)
	used := 0
	for _, q := range rep.Quotas {
		if q.Quota != 1 || q.Used > 1 || q.Left != 1-q.Used || q.Month != first.Format(time.DateOnly) && q.Month != first.AddDate(0, 0, 1).Format(time.DateOnly) {
			t.Errorf("%+v", q)
		}
		used += q.Used
	}
	if used == 0 || used != rep.Totals.Sent {
		t.Errorf("%d used, %d sent", used, rep.Totals.Sent)
	}
}

// What waits when the copy is made goes on: a task that was submitted, and one that was only
// promised when the program died.
func TestWhatIsUnderWayGoesOn(t *testing.T) {
	r, story := chain(t, "sqlite:"+filepath.Join(t.TempDir(), "xiaobu.db"))
	r.until(story.Start.Add(10*time.Hour + time.Minute)) // Monday 10:01: submitted
	o := options(t, r.conf)
	o.From, o.Days, o.Confirm = monday, 1, ConfirmAll
	rep := run(t, o)
	if len(rep.Calendar) != 1 || !rep.Calendar[0].Past || rep.Calendar[0].Sent != 6 {
		t.Errorf("submitted: %+v", rep.Calendar)
	}
	tasks := r.box.Tasks()
	if len(tasks) != 3 || !tasks[0].Shares[0].ConfirmedAt.IsZero() {
		t.Errorf("the rehearsal reached the real company: %+v", tasks)
	}
	var made struct{ At time.Time }
	r.call(http.MethodPost, "/promotions/1/run", map[string]any{}, &made) // planned, not sent: nobody drains
	o.Dir = t.TempDir()
	if rep = run(t, o); len(rep.Calendar) != 2 || rep.Calendar[1].Sent != 6 {
		t.Errorf("promised: %+v", rep.Calendar)
	}
}

func checkMistakes(t *testing.T, c configs.Config) {
	for name, change := range map[string]func(*Options){
		"days that are over": func(o *Options) { o.From = monday.AddDate(0, 0, -7) },
		"days too far ahead": func(o *Options) { o.From = monday.AddDate(0, 2, 0) },
		"no days":            func(o *Options) { o.Days = 0 },
		"more than a month":  func(o *Options) { o.Days = MaxDays + 1 },
	} {
		o := options(t, c)
		change(&o)
		var m *Mistake
		if _, err := Run(context.Background(), o); !errors.As(err, &m) || m.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := options(t, c)
	o.Config.Database = "sqlite:" + filepath.Join(t.TempDir(), "none.db")
	if _, err := Run(context.Background(), o); !errors.Is(err, store.ErrNoDatabase) {
		t.Errorf("no database: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o = options(t, c)
	o.Progress = func(float64, time.Time) { cancel() }
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// Who is no longer on WeCom's list of members with customer contact cannot have a task; the
// report says so, and invents no reason.
func TestAnOwnerWhoIsNoLongerListedIsRefused(t *testing.T) {
	r := newRig(t, "sqlite:"+filepath.Join(t.TempDir(), "xiaobu.db"))
	for _, id := range []string{"stays", "leaves"} {
		must(t, r.box.AddStaff(sandbox.Staff{UserID: id, Name: id}))
		_, err := r.box.CreateGroup(id, id+"' group")
		must(t, err)
	}
	must(t, r.app.BringIn(context.Background()))
	r.until(monday.Add(-time.Hour))
	r.promote("每日秒杀", "0 10 * * *", nil)
	must(t, r.box.Resign("leaves"))
	r.until(monday.Add(4 * time.Hour)) // after the nightly comparison
	r.close()
	o := options(t, r.conf)
	o.From, o.Days = monday.AddDate(0, 0, 1), 2
	rep := run(t, o)
	if len(rep.Refusals) != 1 || rep.Refusals[0].Code != "no_permission" || rep.Refusals[0].Owner != "leaves" || rep.Refusals[0].Count != 2 {
		t.Errorf("refusals: %+v", rep.Refusals)
	}
	for _, owner := range rep.Owners {
		if owner.Listed != (owner.UserID == "stays") || owner.Failed != map[bool]int{false: 2}[owner.Listed] {
			t.Errorf("owner %+v", owner)
		}
	}
}

// Books in PostgreSQL are rehearsed from a copy in SQLite, and stay as they are.
func TestBooksInPostgres(t *testing.T) {
	base := os.Getenv("XIAOBU_TEST_POSTGRES")
	if base == "" {
		t.Skip("XIAOBU_TEST_POSTGRES is not set")
	}
	db, err := sql.Open("pgx", base)
	must(t, err)
	schema := fmt.Sprintf("rehearse_%d", os.Getpid())
	_, err = db.Exec(`CREATE SCHEMA ` + schema)
	must(t, err)
	t.Cleanup(func() {
		_, err := db.Exec(`DROP SCHEMA ` + schema + ` CASCADE`)
		must(t, err)
		must(t, db.Close())
	})
	u, err := url.Parse(base)
	must(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	r, story := chain(t, u.String())
	r.until(story.Start.Add(40 * time.Hour))
	before := rowsOf(t, db, schema)
	o := options(t, r.conf)
	o.From, o.Days = monday.AddDate(0, 0, 2), 2
	rep := run(t, o)
	if len(rep.Calendar) != 1 || rep.Calendar[0].Planned != 6 || rep.Totals.Joins == 0 {
		t.Errorf("%+v", rep.Totals)
	}
	if after := rowsOf(t, db, schema); !slices.Equal(before, after) {
		t.Errorf("the original changed: %v, then %v", before, after)
	}
}

// rowsOf counts the rows of every table that a rehearsal's twin would write.
func rowsOf(t *testing.T, db *sql.DB, schema string) []int {
	t.Helper()
	var out []int
	for _, table := range []string{"inbox", "outbox", "slot", "stint", "occurrence", "delivery", "task", "transfer"} {
		var n int
		must(t, db.QueryRow(`SELECT COUNT(*) FROM `+schema+`.`+table).Scan(&n))
		out = append(out, n)
	}
	return out
}

package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/store"
)

// office is the part of the house that tells reports, with entries written by hand.
type office struct {
	t       testing.TB
	store   *store.Store
	reports *Reports
	zone    *time.Location
	now     time.Time
	joins   int
}

func newOffice(t testing.TB, zone string) *office {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, zone: loc, now: time.Date(2026, 11, 23, 8, 0, 0, 0, loc)}
	o.store, err = store.OpenScratch(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"), func() time.Time { return o.now })
	o.must(err)
	t.Cleanup(func() { o.must(o.store.Close()) })
	o.reports = o.another()
	o.tell()
	return o
}

// another is the feature as it is after a new start.
func (o *office) another() *Reports {
	return &Reports{Store: o.store, Now: func() time.Time { return o.now }, Zone: o.zone, Log: slog.New(slog.DiscardHandler)}
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) tx(fn func(*store.Tx) error) {
	o.t.Helper()
	o.must(o.store.Tx(context.Background(), fn))
}

// local is a moment of November 2026 in the office's zone.
func (o *office) local(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour, minute, 0, 0, o.zone)
}

// until lets the clock go to a moment, telling what falls due on the way.
func (o *office) until(end time.Time) {
	o.t.Helper()
	for {
		next, ok, err := o.reports.Next(context.Background())
		o.must(err)
		if !ok || next.After(end) {
			break
		}
		if next.After(o.now) {
			o.now = next
		}
		o.tell()
	}
	o.now = end
}

func (o *office) tell() {
	o.t.Helper()
	o.must(o.reports.Tell(context.Background()))
}

// join books a join of now; change may make something else of it.
func (o *office) join(staff, customer string, change ...func(*store.Entry)) store.Entry {
	o.t.Helper()
	o.joins++
	var e store.Entry
	o.tx(func(tx *store.Tx) error {
		at := o.now.Truncate(time.Second)
		st := store.Stint{ChatID: "wr1", UserID: fmt.Sprintf("wm%d", o.joins), Kind: "customer", Name: customer, JoinedAt: at, Inviter: staff}
		if _, err := tx.AddStint(&st); err != nil {
			return err
		}
		e = store.Entry{Key: store.JoinKey(st), StintID: st.ID, Staff: staff, ChatID: "wr1", Member: st.UserID, Ordinal: 1, AmountFen: 50, RuleVersion: 1,
			Period: at.In(o.zone).Format("2006-01"), Status: store.EntryHeld, EarnedAt: at, DueAt: at.Add(168 * time.Hour), Reason: ReasonRewarded}
		for _, c := range change {
			c(&e)
		}
		_, err := tx.AddEntry(&e)
		return err
	})
	return e
}

// move takes an entry to another status.
func (o *office) move(e *store.Entry, status, reason string) {
	o.t.Helper()
	o.tx(func(tx *store.Tx) error { return tx.MoveEntry(*e, status, reason, e.PayoutID) })
	e.Status, e.Reason = status, reason
}

// told are the messages that were written down: report:kind:day:who.
func (o *office) told() []string {
	o.t.Helper()
	actions, err := o.store.Read(context.Background()).ActionsLike("report:")
	o.must(err)
	keys := make([]string, len(actions))
	for i, a := range actions {
		keys[i] = strings.TrimPrefix(a.Key, "report:")
	}
	return keys
}

func (o *office) wantTold(want ...string) {
	o.t.Helper()
	if got := o.told(); !slices.Equal(got, want) {
		o.t.Errorf("told %q, want %q", got, want)
	}
}

// runs are the days of the cashiers' report: day and status, newest first.
func (o *office) runs() []string {
	o.t.Helper()
	rows, err := o.store.Read(context.Background()).ReportRuns(store.ReportCashier, "", "", 0)
	o.must(err)
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Day + " " + r.Status
	}
	return out
}

// put changes how cashiers are told.
func (o *office) put(change func(*store.Report)) {
	o.t.Helper()
	rep, err := o.store.Read(context.Background()).Report(store.ReportCashier)
	o.must(err)
	change(&rep)
	o.must(o.reports.Put(context.Background(), rep, nil))
}

func TestADayIsToldOnceInEveryZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"Asia/Shanghai", "America/Chicago", "UTC"} {
		o := newOffice(t, zone)
		o.now = o.local(23, 20, 59)
		o.join("zhang", "王芳")
		o.until(o.local(23, 23, 59))
		o.wantTold("cashier:2026-11-23:zhang")
		o.until(o.local(25, 12, 0))
		o.wantTold("cashier:2026-11-23:zhang")
	}
}

// A night whose clocks are turned has its time once, or not at all and an hour beside it.
func TestADayWithAChangeOfClocksIsToldOnce(t *testing.T) {
	t.Parallel()
	for day, at := range map[string]string{"2026-11-01": "01:30", "2027-03-14": "02:30"} {
		o := newOffice(t, "America/Chicago")
		d, err := time.ParseInLocation(time.DateOnly, day, o.zone)
		o.must(err)
		o.now = d.Add(-time.Hour)
		o.put(func(rep *store.Report) { rep.At, rep.Enabled, rep.NextDay = at, false, "" })
		o.put(func(rep *store.Report) { rep.Enabled = true })
		o.tell()
		o.now = d.Add(10 * time.Minute)
		o.join("zhang", "王芳")
		o.until(d.Add(23 * time.Hour))
		o.wantTold("cashier:" + day + ":zhang")
		rows, err := o.store.Read(t.Context()).ReportRuns(store.ReportCashier, day, "", 1)
		o.must(err)
		if hour := rows[0].At.In(o.zone).Hour(); hour < 1 || hour > 3 {
			t.Errorf("%s at %s was told at %s", day, at, rows[0].At.In(o.zone))
		}
	}
}

func TestWhoComesBackLateTellsTheDayOrWritesItDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		back func(o *office) time.Time
		told []string
		runs []string
	}{
		{"an hour late", func(o *office) time.Time { return o.local(23, 22, 0) }, []string{"cashier:2026-11-23:zhang"}, []string{"2026-11-23 done"}},
		{"in the night", func(o *office) time.Time { return o.local(24, 3, 0) }, []string{}, []string{"2026-11-23 missed"}},
		{"days later in the evening", func(o *office) time.Time { return o.local(25, 21, 30) }, []string{"cashier:2026-11-25:zhang"},
			[]string{"2026-11-25 done", "2026-11-24 missed", "2026-11-23 missed"}},
		{"a year later", func(o *office) time.Time { return o.local(23, 9, 0).AddDate(1, 0, 0) }, []string{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t, "Asia/Shanghai")
			o.join("zhang", "王芳")
			o.now = c.back(o)
			o.reports = o.another()
			o.tell()
			o.wantTold(c.told...)
			if runs := o.runs(); c.runs != nil && !slices.Equal(runs, c.runs) {
				t.Errorf("runs %q, want %q", runs, c.runs)
			} else if len(runs) > maxRunsLate+1 {
				t.Errorf("%d days were written down", len(runs))
			}
			if next, ok, err := o.reports.Next(t.Context()); err != nil || !ok || !next.After(o.now) {
				t.Errorf("next is %s, %v, %v", next, ok, err)
			}
		})
	}
}

func TestAnotherTimeDoesNotTellADayTwice(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "Asia/Shanghai")
	o.join("zhang", "王芳")
	o.until(o.local(23, 21, 30))
	o.put(func(rep *store.Report) { rep.At = "22:00" })
	o.until(o.local(23, 23, 0))
	o.put(func(rep *store.Report) { rep.Enabled = false })
	o.put(func(rep *store.Report) { rep.Enabled, rep.At = true, "23:30" })
	o.until(o.local(24, 7, 0))
	o.wantTold("cashier:2026-11-23:zhang")
	// An earlier time on the same day: what was promised for today is told at once.
	o.join("zhang", "李娜")
	o.until(o.local(24, 20, 0))
	o.put(func(rep *store.Report) { rep.At = "19:00" })
	o.until(o.local(24, 20, 1))
	o.wantTold("cashier:2026-11-23:zhang", "cashier:2026-11-24:zhang")
}

func TestWhatIsSwitchedOffOrOnAnotherWeekdayIsNotTold(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "Asia/Shanghai")
	o.put(func(rep *store.Report) { rep.Weekdays = []int{3} }) // Wednesday, the 25th
	for day := 23; day < 30; day++ {
		o.until(o.local(day, 12, 0))
		o.join("zhang", "王芳")
	}
	o.put(func(rep *store.Report) { rep.Enabled = false })
	o.until(o.local(30, 23, 0))
	o.wantTold("cashier:2026-11-25:zhang")
}

// Whoever dies at any look at the clock leaves everybody told once, after a new start.
func TestACrashAtAnyMomentTellsEverybodyOnce(t *testing.T) {
	t.Parallel()
	const people = 2*reportBatch + 50
	for crash := 1; ; crash++ {
		o := newOffice(t, "Asia/Shanghai")
		for i := range people {
			o.join(fmt.Sprintf("staff%03d", i), "王芳")
		}
		o.now = o.local(23, 21, 0)
		looks, died := 0, false
		o.reports.Now = func() time.Time {
			if looks++; looks == crash {
				panic("the process ends here")
			}
			return o.now
		}
		func() {
			defer func() { died = recover() != nil }()
			o.tell()
		}()
		o.reports = o.another()
		o.tell()
		if told := o.told(); len(told) != people {
			t.Fatalf("crash %d: %d messages, want %d", crash, len(told), people)
		}
		rows, err := o.store.Read(t.Context()).ReportRuns(store.ReportCashier, "", "", 0)
		o.must(err)
		if len(rows) != 1 || rows[0].Planned != people || rows[0].Status != store.RunDone {
			t.Fatalf("crash %d: %+v", crash, rows)
		}
		if !died {
			if crash < 6 {
				t.Fatalf("only %d moments to die at", crash)
			}
			return
		}
	}
}

// A run that cannot go on in time ends, and says how far it came.
func TestARunThatIsInterruptedTooLongEnds(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "Asia/Shanghai")
	for i := range reportBatch + 1 {
		o.join(fmt.Sprintf("staff%03d", i), "王芳")
	}
	o.now = o.local(23, 21, 0)
	looks := 0
	o.reports.Now = func() time.Time {
		if looks++; looks > 14 {
			panic("the process ends here")
		}
		return o.now
	}
	func() {
		defer func() { _ = recover() }()
		o.tell()
	}()
	before := len(o.told())
	o.now = o.local(24, 4, 0)
	o.reports = o.another()
	o.tell()
	rows, err := o.store.Read(t.Context()).ReportRuns(store.ReportCashier, "2026-11-23", "", 1)
	o.must(err)
	if len(o.told()) != before || rows[0].Status == store.RunPlanning {
		t.Errorf("%d messages after %d, run %+v", len(o.told()), before, rows[0])
	}
}

func TestWhatACashierReads(t *testing.T) {
	t.Parallel()
	over := func(e *store.Entry) { e.Status, e.Reason = store.EntryVoid, ReasonOverBudget }
	for _, c := range []struct {
		name, lang string
		live       func(o *office)
		want       string
	}{
		{"two joins", "zh", func(o *office) { o.join("zhang", "王芳"); o.join("zhang", "李娜") },
			"张敏,辛苦了!\n今天(11月23日)您带来 2 人进群,奖励 1.00元。\n本月共 2 人,奖励 1.00元。\n现在观察期内 1.00元,可发放 0.00元;本月已发 0.00元。"},
		{"in English", "en", func(o *office) { o.join("zhang", "王芳") },
			"张敏, well done!\nToday (23 Nov) you brought 1 into groups and earned 0.50元.\nThis month: 1 joined, 0.50元 earned.\nNow 0.50元 are waiting and 0.00元 are payable; 0.00元 of this month have been paid."},
		{"one left again, one beyond the budget", "zh", func(o *office) {
			e := o.join("zhang", "王芳")
			o.join("zhang", "李娜")
			o.join("zhang", "<a href=\"https://x\">点我</a>", over)
			o.move(&e, store.EntryVoid, ReasonLeftEarly)
		},
			"张敏,辛苦了!\n今天(11月23日)您带来 2 人进群,奖励 0.50元。\n本月共 2 人,奖励 0.50元。\n现在观察期内 0.50元,可发放 0.00元;本月已发 0.00元。\n" +
				"· 王*(美食一群)11月23日进群:观察期没满就退群,不计 0.50元\n· a*(美食一群)11月23日进群:本月奖励预算已用完,不计 0.50元"},
		{"more than a few", "zh", func(o *office) {
			for range 7 {
				o.join("zhang", "", over)
			}
		},
			"张敏,辛苦了!\n今天(11月23日)没有新人进群。\n本月共 0 人,奖励 0.00元。\n现在观察期内 0.00元,可发放 0.00元;本月已发 0.00元。\n" +
				strings.Repeat("· 一位顾客(美食一群)11月23日进群:本月奖励预算已用完,不计 0.50元\n", 5) + "…等 7 笔,共 3.50元"},
		{"paid, and gone after that", "zh", func(o *office) {
			e, f := o.join("zhang", "王芳"), o.join("zhang", "李娜")
			for _, e := range []*store.Entry{&e, &f} {
				o.move(e, store.EntryPayable, ReasonRewarded)
				paid := int64(1)
				e.PayoutID = nil
				o.tx(func(tx *store.Tx) error { return tx.MoveEntry(*e, store.EntryPaid, "payout", &paid) })
				e.Status, e.Reason, e.PayoutID = store.EntryPaid, "payout", &paid
			}
			o.move(&f, store.EntryClawedBack, ReasonLeftEarly)
		},
			"张敏,辛苦了!\n今天(11月23日)您带来 2 人进群,奖励 0.50元。\n本月共 2 人,奖励 0.50元。\n" +
				"现在观察期内 0.00元;已发的奖励有 0.50元 因退群要扣回,下次发放时抵扣;本月已发 0.50元。\n· 李*(美食一群)退群,扣回 0.50元"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOffice(t, "Asia/Shanghai")
			o.tx(func(tx *store.Tx) error {
				if err := tx.NewChat(store.Chat{ChatID: "wr1", Name: "美食一群", Status: store.ChatActive}); err != nil {
					return err
				}
				return tx.NameStaff("zhang", "张敏")
			})
			o.put(func(rep *store.Report) { rep.Lang = c.lang })
			c.live(o)
			p, err := o.reports.Preview(t.Context(), store.ReportCashier, "zhang", "")
			o.must(err)
			if p.Text != c.want || p.Quiet {
				t.Errorf("it reads\n%s\nwant\n%s", p.Text, c.want)
			}
			o.until(o.local(23, 21, 0))
			actions, err := o.store.Read(t.Context()).ActionsLike("report:")
			o.must(err)
			if _, text := ReportOf(actions[0]); text != c.want {
				t.Errorf("what is sent differs from the preview:\n%s", text)
			}
		})
	}
}

func TestATemplateOfOnesOwnIsFilledIn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "Asia/Shanghai")
	o.put(func(rep *store.Report) {
		rep.Text = "{name} {date}\n{earlier}\n今日{joins}人 {earned}\n\n{why}\n月{month_joins}/{month_earned} {held} {payable} {paid} {不是}"
	})
	o.join("zhang", "王芳")
	p, err := o.reports.Preview(t.Context(), store.ReportCashier, "zhang", "2026-11-23")
	o.must(err)
	if want := " 11月23日\n今日1人 0.50元\n\n月1/0.50元 0.50元 0.00元 0.00元 {不是}"; p.Text != want {
		t.Errorf("it reads %q, want %q", p.Text, want)
	}
}

func BenchmarkTellFiveThousandCashiers(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		o := newOffice(b, "Asia/Shanghai")
		o.tx(func(tx *store.Tx) error {
			return tx.NewChat(store.Chat{ChatID: "wr1", Name: "美食一群", Status: store.ChatActive})
		})
		for i := range 10_000 {
			o.join(fmt.Sprintf("staff%04d", i%5000), "王芳")
		}
		o.now = o.local(23, 21, 0)
		b.StartTimer()
		o.tell()
		b.StopTimer()
		if n := len(o.told()); n != 5000 {
			b.Fatalf("%d messages", n)
		}
		b.StartTimer()
	}
}

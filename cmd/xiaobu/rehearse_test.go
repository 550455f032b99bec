package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xiaobu/rehearse"
	"xiaobu/store"
)

// smallCompany is a database with one owner, one group and a sale every day at ten.
func smallCompany(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), "sqlite:xiaobu.db", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	next := inShanghai(time.Now()).AddDate(0, 0, 1)
	promo := store.Promotion{Name: "每日秒杀", Status: store.PromotionActive, NextAt: time.Date(next.Year(), next.Month(), next.Day(), 10, 0, 0, 0, next.Location())}
	promo.Spec.Name, promo.Spec.Message.Text, promo.Spec.Targets.All = "每日秒杀", "早上好", true
	promo.Spec.Schedule.Cron, promo.Spec.Schedule.Timezone = "0 10 * * *", "Asia/Shanghai"
	promo.Spec.Schedule.Missed.Policy, promo.Spec.Schedule.Missed.Within = "send_within", "30m"
	err = s.Tx(context.Background(), func(tx *store.Tx) error {
		if err := tx.SaveFollower("wang@xb"); err != nil {
			return err
		}
		if err := tx.NewChat(store.Chat{ChatID: "wr1", Name: "一群", Owner: "wang@xb", Status: store.ChatActive, CreatedAt: tx.Now}); err != nil {
			return err
		}
		return tx.AddPromotion(&promo)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRehearseTellsThreeWays(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	smallCompany(t) // and it stays open, as under serve
	table := xiaobu(t, "", nil, "rehearse", "--days", "3", "--html", "page.html")
	if table.code != exitDone || table.err != "" || !strings.Contains(table.out, "每日秒杀") || !strings.Contains(table.out, "wang@xb") || !strings.Contains(table.out, "前提") {
		t.Errorf("%+v", table)
	}
	if en := xiaobu(t, "", nil, "rehearse", "--days", "3", "--lang", "en"); !strings.Contains(en.out, "Calendar") || strings.Contains(en.out, "%!") {
		t.Errorf("%+v", en)
	}
	page, err := os.ReadFile("page.html")
	if err != nil || !strings.Contains(string(page), "每日秒杀") {
		t.Errorf("page: %v", err)
	}
	asJSON := xiaobu(t, "", nil, "rehearse", "--days", "3", "--json")
	var rep rehearse.Report
	if err := json.Unmarshal([]byte(asJSON.out), &rep); err != nil {
		t.Fatalf("%v: %+v", err, asJSON)
	}
	if rep.Schema != rehearse.Schema || len(rep.Calendar) != 3 || rep.Totals.Sent != 3 || rep.Owners[0].Basis != rehearse.BasisNone {
		t.Errorf("%s", asJSON.out)
	}
	if rep.Collisions == nil || rep.Refusals == nil || rep.Rewards.ByStaff == nil || rep.Rewards.NotRewarded == nil {
		t.Errorf("a list is null: %s", asJSON.out)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "xiaobu-rehearse-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestRehearseEndsWithTwoOnDaysThatAreOver(t *testing.T) {
	t.Chdir(t.TempDir())
	smallCompany(t)
	for _, from := range []string{"2020-01-01", "2199-01-01"} {
		if r := xiaobu(t, "", nil, "rehearse", "--from", from); r.code != exitUsage || !strings.Contains(r.err, "such as --from 20") {
			t.Errorf("from %s: %+v", from, r)
		}
	}
}

func TestRehearseStopsWhenItIsInterrupted(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	smallCompany(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, msg strings.Builder
	err := run(ctx, []string{"rehearse"}, nil, strings.NewReader(""), &out, &msg)
	if code := exitCode(err, &msg); code != exitFailed {
		t.Errorf("exit %d: %v", code, err)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "xiaobu-rehearse-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

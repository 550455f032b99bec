package promotions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// conflict demands that something is refused for the state it is in, in words that contain says.
func conflict(t *testing.T, err error, says string) {
	t.Helper()
	var c *handlers.Conflict
	if !errors.As(err, &c) || !strings.Contains(c.Detail, says) {
		t.Errorf("got %v, want a conflict about %q", err, says)
	}
}

func state(p store.Promotion) string {
	next := "never"
	if !p.NextAt.IsZero() {
		next = "next"
	}
	return fmt.Sprintf("%s %s v%d by %s approved by %q", p.Status, next, p.Version, p.By, p.ApprovedBy)
}

// Every way through approval: each step and what it leaves behind.
func TestWhatASecondPersonAgreesTo(t *testing.T) {
	ctx := context.Background()
	h := newShop(t)
	h.groups(2)
	p := h.planner()
	spec := sale()
	spec.Approval = true
	var inv *handlers.Invalid
	if _, err := p.Create(ctx, spec, noRemember); !errors.As(err, &inv) || inv.Field != "by" {
		t.Errorf("proposed by nobody: %v", err)
	}
	promo, err := p.As(" anna ").Create(ctx, spec, noRemember)
	h.must(err)
	id := promo.ID
	dearer := spec
	dearer.Products = []store.Product{{Name: "鸡蛋30枚", PriceFen: 1090}}
	free := dearer
	free.Approval = false
	for i, step := range []struct {
		do   func() (store.Promotion, error)
		want string // a state, or what is refused
	}{
		{func() (store.Promotion, error) { return promo, nil }, `proposed never v1 by anna approved by ""`},
		{func() (store.Promotion, error) { return p.Resume(ctx, id) }, "refused: waits for a second person"},
		{func() (store.Promotion, error) { _, err := p.RunNow(ctx, id, false, noRemember); return promo, err }, "refused: waits for a second person"},
		{func() (store.Promotion, error) { return p.As("ANNA").Approve(ctx, id, Decision{}) }, "refused: somebody else"},
		{func() (store.Promotion, error) { return p.As("ben").Approve(ctx, id, Decision{Version: 2}) }, "refused: version 1 is by anna, not 2"},
		{func() (store.Promotion, error) { return p.As("ben").Approve(ctx, id, Decision{Version: 1}) }, `active next v1 by anna approved by "ben"`},
		{func() (store.Promotion, error) { return p.As("ben").Approve(ctx, id, Decision{}) }, `active next v1 by anna approved by "ben"`},
		{func() (store.Promotion, error) { return p.As("carl").Approve(ctx, id, Decision{}) }, "refused: nothing to decide"},
		{func() (store.Promotion, error) { return p.As("ben").Edit(ctx, id, 1, dearer) }, `proposed never v2 by ben approved by ""`},
		{func() (store.Promotion, error) { return p.As("anna").Edit(ctx, id, 1, dearer) }, `proposed never v2 by ben approved by ""`}, // nothing changes
		{func() (store.Promotion, error) { return p.As("carl").Reject(ctx, id, Decision{Note: "太贵"}) }, `rejected never v2 by ben approved by ""`},
		{func() (store.Promotion, error) { return p.As("anna").Approve(ctx, id, Decision{}) }, "refused: nothing to decide"},
		{func() (store.Promotion, error) { return p.Resume(ctx, id) }, "refused: was rejected"},
		{func() (store.Promotion, error) { return p.As("anna").Edit(ctx, id, 2, free) }, `proposed never v3 by anna approved by ""`},
		{func() (store.Promotion, error) { return p.Pause(ctx, id) }, `paused never v3 by anna approved by ""`},
		{func() (store.Promotion, error) { return p.Resume(ctx, id) }, `active next v3 by anna approved by ""`},
	} {
		got, err := step.do()
		if says, refused := strings.CutPrefix(step.want, "refused: "); refused {
			conflict(t, err, says)
		} else if err != nil || state(got) != step.want {
			t.Errorf("step %d: %s %v, want %s", i, state(got), err, step.want)
		}
	}
}

// To take approval out of a promotion takes approval, pausing in between or not.
func TestApprovalIsNotEditedAway(t *testing.T) {
	ctx := context.Background()
	h := newShop(t)
	h.groups(2)
	p := h.planner()
	p.SecondPerson = true
	promo, err := p.As("anna").Create(ctx, sale(), noRemember)
	h.must(err)
	promo, err = p.As("ben").Approve(ctx, promo.ID, Decision{})
	h.must(err)
	_, err = p.As("ben").Pause(ctx, promo.ID)
	h.must(err)
	other := sale()
	other.Message.Text = "别的"
	if _, err := p.Edit(ctx, promo.ID, 0, other); err == nil {
		t.Error("nobody edited it")
	}
	promo, err = p.As("ben").Edit(ctx, promo.ID, 0, other)
	h.must(err)
	if want := `paused never v2 by ben approved by ""`; state(promo) != want {
		t.Errorf("%s, want %s", state(promo), want)
	}
	_, err = p.RunNow(ctx, promo.ID, false, noRemember)
	conflict(t, err, "nobody else has agreed")
	promo, err = p.As("ben").Resume(ctx, promo.ID)
	h.must(err)
	if promo.Status != store.PromotionProposed {
		t.Errorf("resumed as %s", state(promo))
	}
	_, err = p.As("ben").Approve(ctx, promo.ID, Decision{})
	conflict(t, err, "somebody else")
	_, err = p.As("ben").Pause(ctx, promo.ID)
	h.must(err)
	promo, err = p.As("anna").Approve(ctx, promo.ID, Decision{})
	h.must(err)
	if want := `paused never v2 by ben approved by "anna"`; state(promo) != want {
		t.Errorf("%s, want %s", state(promo), want)
	}
	if promo, err = p.Resume(ctx, promo.ID); err != nil || promo.Status != store.PromotionActive {
		t.Errorf("%s %v", state(promo), err)
	}
}

// An edit is of the version that was read; what is under way stays as it was planned, and a
// slot that has come is not lost.
func TestAnEditMeetsWhatIsUnderWay(t *testing.T) {
	ctx := context.Background()
	h := newShop(t)
	h.groups(2)
	p := h.planner()
	promo, err := p.Create(ctx, sale(), noRemember)
	h.must(err)
	h.plan(p, time.Hour)
	h.set(promo.NextAt.Add(time.Hour + 5*time.Minute)) // the second slot has come, and nobody planned it
	changed := sale()
	changed.Schedule.Blackout = []string{} // an empty list is none
	changed.Message.Text = "改了:{products}"
	promo, err = p.As("anna").Edit(ctx, promo.ID, 1, changed)
	h.must(err)
	_, err = p.As("ben").Edit(ctx, promo.ID, 1, sale())
	conflict(t, err, "version 2 is by anna, not 1")
	h.must(p.Plan(ctx))
	occs, err := h.store.Read(ctx).Occurrences(promo.ID, time.Time{}, 0)
	h.must(err)
	if len(occs) != 2 || occs[0].Version != 1 || !strings.HasPrefix(occs[0].Message.Text, "今天") || occs[1].Version != 2 || !strings.HasPrefix(occs[1].Message.Text, "改了") {
		t.Errorf("occurrences: %+v", occs)
	}
	// A planner that read the promotion before the edit plans nothing by what it knew.
	stale := promo
	changed.Message.Text = "又改了"
	_, err = p.Edit(ctx, promo.ID, 0, changed)
	h.must(err)
	stale, err = h.store.Read(ctx).Promotion(promo.ID)
	h.must(err)
	stale.Version = 2
	h.set(stale.NextAt)
	err = p.planOne(ctx, stale)
	if !errors.Is(err, store.ErrStale) {
		t.Errorf("planned by an old version: %v", err)
	}
	gone := changed
	gone.Schedule.EndsOn = "2026-11-01"
	if _, err := p.Edit(ctx, promo.ID, 0, gone); err == nil {
		t.Error("an edit left no time")
	}
	_, err = p.End(ctx, promo.ID)
	h.must(err)
	_, err = p.Edit(ctx, promo.ID, 0, sale())
	conflict(t, err, "has ended")
}

func TestACopyIsPaused(t *testing.T) {
	ctx := context.Background()
	h := newShop(t)
	h.groups(2)
	p := h.planner()
	spec := sale()
	spec.Name = strings.Repeat("秒", maxPromotionName)
	promo, err := p.Create(ctx, spec, noRemember)
	h.must(err)
	_, err = p.End(ctx, promo.ID)
	h.must(err)
	made, err := p.As("anna").Copy(ctx, promo.ID, "", noRemember)
	h.must(err)
	if want := strings.Repeat("秒", 96) + "(副本)"; state(made) != `paused never v1 by anna approved by ""` || made.Name != want || made.Spec.Name != want || made.Spec.Message.Text != spec.Message.Text {
		t.Errorf("%s: %+v", state(made), made)
	}
	if made, err = p.Resume(ctx, made.ID); err != nil || made.Status != store.PromotionActive || made.NextAt.IsZero() {
		t.Errorf("%s %v", state(made), err)
	}
	_, err = p.Copy(ctx, 99, "", noRemember)
	if !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

func TestEveryChangeIsWrittenDown(t *testing.T) {
	ctx := context.Background()
	h := newShop(t)
	h.groups(2)
	p := h.planner()
	spec := sale()
	spec.Schedule.EndsOn = "2026-11-23"
	promo, err := p.As("anna").Create(ctx, spec, noRemember)
	h.must(err)
	other := spec
	other.Name = "晚市"
	do := func(_ any, err error) { t.Helper(); h.must(err) }
	do(p.As("ben").Edit(ctx, promo.ID, 0, other))
	do(p.As("ben").Edit(ctx, promo.ID, 0, other)) // nothing changes
	do(p.Pause(ctx, promo.ID))
	do(p.Pause(ctx, promo.ID))
	do(p.As("carl").Resume(ctx, promo.ID))
	do(p.As("carl").RunNow(ctx, promo.ID, false, noRemember))
	h.plan(p, 30*time.Hour)
	rows, err := h.store.Read(ctx).PromotionChanges(promo.ID, 0, 0)
	h.must(err)
	var got []string
	for _, c := range rows {
		got = append(got, fmt.Sprintf("%s %s v%d %t", c.Who, c.What, c.Version, c.Spec != nil))
	}
	if want := "anna created v1 true, ben edited v2 true, api paused v2 false, carl resumed v2 false, carl run v2 false, schedule ended v2 false"; strings.Join(got, ", ") != want {
		t.Errorf("got %s\nwant %s", strings.Join(got, ", "), want)
	}
	if rows[4].Note != "2026-11-23T02:00:00Z" {
		t.Errorf("run at %q", rows[4].Note)
	}
}

func TestDifferencesAreToldFieldByField(t *testing.T) {
	stock := int64(5)
	a, b := sale(), sale()
	b.Name = "晚市"
	b.Schedule.Cron, b.Schedule.Quiet = "y", &store.Hours{From: "22:00", To: "08:00"}
	a.Targets.Stores, b.Targets.Stores = []string{"s1", "s2", "s3"}, []string{"s3", "s4", "s1"}
	a.Targets.Labels, b.Targets.Labels = nil, []string{}
	a.Targets.Owners, b.Targets.Owners = []string{"x", "y"}, []string{"y", "x"}
	b.Targets.Robots = []int64{7}
	b.Products[0].PriceFen, b.Products[0].Stock = 890, nil
	b.Products = append(b.Products, store.Product{Name: "牛奶", PriceFen: 500, Stock: &stock})
	a.Message.Attachments = []bot.Attachment{{Type: bot.AttachLink, Title: "t", URL: "https://example.com/"}}
	got, err := Differences(a, b)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range got {
		from, _ := json.Marshal(d.From)
		to, _ := json.Marshal(d.To)
		lines = append(lines, fmt.Sprintf("%s: %s → %s", d.Field, from, to))
	}
	want := []string{
		`message.attachments[0]: {"title":"t","type":"link","url":"https://example.com/"} → null`,
		`name: "秒杀" → "晚市"`,
		`products[0].price_fen: 990 → 890`,
		`products[0].stock: 200 → null`,
		`products[1]: null → {"name":"牛奶","price_fen":500,"stock":5}`,
		`schedule.cron: "0 * * * *" → "y"`,
		`schedule.quiet: null → {"from":"22:00","to":"08:00"}`,
		`targets.robots: [] → [7]`,
		`targets.stores: ["s2"] → ["s4"]`,
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if same, err := Differences(a, a); err != nil || len(same) != 0 {
		t.Errorf("of itself: %v %v", same, err)
	}
}

// Whoever stands in for somebody is there themselves.
func TestAStandInIsThere(t *testing.T) {
	h := newShop(t)
	ctx := context.Background()
	h.must(h.store.Tx(ctx, func(tx *store.Tx) error {
		for _, a := range []store.Absence{
			{UserID: "a", FromDay: "2026-11-23", ToDay: "2026-11-24", StandIn: "b"},
			{UserID: "b", FromDay: "2026-11-24", ToDay: "2026-11-24", StandIn: "c"},
			{UserID: "d", FromDay: "2026-11-23", ToDay: "2026-11-23"},
			{UserID: "e", FromDay: "2026-11-23", ToDay: "2026-11-23", StandIn: "f"},
			{UserID: "f", FromDay: "2026-11-23", ToDay: "2026-11-23", StandIn: "e"},
		} {
			if err := tx.PutAbsence(a); err != nil {
				return err
			}
		}
		return nil
	}))
	for ask, want := range map[string]string{
		"a 2026-11-22": "false ", "a 2026-11-23": "true b", "a 2026-11-24": "true c", "a 2026-11-25": "false ",
		"c 2026-11-24": "false ", "d 2026-11-23": "true ", "e 2026-11-23": "true ", "f 2026-11-23": "true ",
	} {
		user, day, _ := strings.Cut(ask, " ")
		away, who, err := handlers.StandIn(h.store.Read(ctx), bot.UserID(user), day)
		if got := fmt.Sprintf("%t %s", away, who); err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", ask, got, err, want)
		}
	}
}

func TestAbsencesThatCannotBeAreRefused(t *testing.T) {
	h := newShop(t)
	h.must(h.store.Tx(context.Background(), func(tx *store.Tx) error { return tx.SaveFollower("li") }))
	good := store.Absence{UserID: "wang", FromDay: "2026-11-23", ToDay: "2026-11-23", StandIn: "li"}
	r := h.store.Read(context.Background())
	h.must(CheckAbsence(r, good))
	for name, c := range map[string]struct {
		field string
		spoil func(*store.Absence)
	}{
		"no day":        {"from", func(a *store.Absence) { a.FromDay = "2026-02-30" }},
		"no last day":   {"to", func(a *store.Absence) { a.ToDay = "" }},
		"backwards":     {"to", func(a *store.Absence) { a.ToDay = "2026-11-22" }},
		"for ever":      {"to", func(a *store.Absence) { a.ToDay = "2062-11-22" }},
		"for oneself":   {"stand_in", func(a *store.Absence) { a.StandIn = "wang" }},
		"by a stranger": {"stand_in", func(a *store.Absence) { a.StandIn = "nobody" }},
	} {
		a := good
		c.spoil(&a)
		var inv *handlers.Invalid
		if err := CheckAbsence(r, a); !errors.As(err, &inv) || inv.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

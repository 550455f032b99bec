package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/sandbox"
)

type preflight struct {
	At        time.Time
	CheckedAt time.Time `json:"checked_at"`
	Verdict   string
	Findings  []struct {
		Code, Level, Field, Text string
		Stops                    bool
		Count                    int64
		TextEN                   string `json:"text_en"`
	}
}

func (f preflight) codes() string {
	var codes []string
	for _, one := range f.Findings {
		codes = append(codes, one.Code)
	}
	return strings.Join(codes, " ")
}

// What is wrong with a promotion is shown before it is made, when it is, and an hour before
// it goes out; what cannot go out does not, unless somebody insists.
func TestAPromotionIsLookedOverBeforeItGoesOut(t *testing.T) {
	r, w := townRig(t)
	sold := func(stock int) map[string]any {
		return map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 10 * * *"}, "targets": map[string]any{"chat_ids": w.groups[:2]},
			"message": map[string]any{"text": "秒杀:{products}"}, "products": []any{map[string]any{"name": "鸡蛋", "price_fen": 990, "stock": stock}}}
	}
	var f preflight
	r.want(http.StatusOK, http.MethodPost, "/promotions/preflight", sold(0), &f)
	if f.Verdict != "red" || f.codes() != "sold_out" || !f.Findings[0].Stops || f.Findings[0].TextEN == "" {
		t.Fatalf("before it is made: %+v", f)
	}
	r.refusal(http.StatusUnprocessableEntity, "name", http.MethodPost, "/promotions/preflight", map[string]any{"name": "", "schedule": sold(1)["schedule"],
		"targets": sold(1)["targets"], "message": sold(1)["message"]})
	var promo struct {
		ID        string
		NextAt    time.Time `json:"next_at"`
		Preflight *preflight
	}
	r.want(http.StatusCreated, http.MethodPost, "/promotions", sold(0), &promo)
	if promo.Preflight == nil || promo.Preflight.Verdict != "red" || !promo.Preflight.At.Equal(promo.NextAt) {
		t.Fatalf("made: %+v", promo)
	}
	list := items[struct{ Preflight *preflight }](r, "/promotions")
	if n := len(list); n != 1 || list[0].Preflight == nil || list[0].Preflight.codes() != "sold_out" {
		t.Errorf("listed: %+v", list)
	}
	r.want(http.StatusOK, http.MethodGet, "/promotions/"+promo.ID+"/preflight?at=2027-01-05T10:00:00%2B08:00", nil, &f)
	if !f.At.Equal(time.Date(2027, 1, 5, 2, 0, 0, 0, time.UTC)) || f.Verdict != "red" {
		t.Errorf("at another time: %+v", f)
	}
	r.until(promo.NextAt.Add(time.Minute))
	occs := items[struct{ Status, Reason string }](r, "/promotions/"+promo.ID+"/occurrences")
	if occs[0].Status != "skipped" || !strings.Contains(occs[0].Reason, "sold out") || len(r.box.Tasks()) != 0 {
		t.Errorf("it went out: %+v", occs)
	}
	r.want(http.StatusConflict, http.MethodPost, "/promotions/"+promo.ID+"/run", nil, nil)
	r.want(http.StatusOK, http.MethodPost, "/promotions/"+promo.ID+"/run", map[string]any{"force": true}, nil)
	r.pass(time.Minute)
	if n := len(r.box.Tasks()); n == 0 {
		t.Error("it was forced and did not go out")
	}
}

// What the owners send by hand uses the same quota: the books learn of it when WeCom says so,
// and leave the group alone for the rest of the day.
func TestTheDaysQuotaIsKeptWhateverIsSentByHand(t *testing.T) {
	r, w := townRig(t)
	r.restart(func(o *app.Options) { o.Config.WeCom.MassQuota = "day" })
	must(t, r.box.SetFaults(sandbox.Faults{Limits: sandbox.Limits{MassRule: sandbox.MassDay}}))
	group, err := r.box.Group(w.groups[0])
	must(t, err)
	_, err = r.box.SendPersonally(group.Owner, "手动发的", w.groups[0])
	must(t, err)
	var promo struct{ ID string }
	r.want(http.StatusCreated, http.MethodPost, "/promotions", map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 3 1 1 *"},
		"targets": map[string]any{"chat_ids": w.groups[:1]}, "message": map[string]any{"text": "秒杀"}}, &promo)
	type delivery struct {
		Status string
		Code   int
		Reason string
	}
	run := func() delivery {
		r.want(http.StatusOK, http.MethodPost, "/promotions/"+promo.ID+"/run", nil, nil)
		r.pass(time.Minute)
		for _, task := range r.box.Tasks() {
			if len(task.Shares) == 1 && task.Shares[0].ConfirmedAt.IsZero() {
				must(t, r.box.Confirm(task.MsgID, task.Shares[0].User))
			}
		}
		r.pass(10 * time.Minute)
		all := items[delivery](r, "/promotions/"+promo.ID+"/deliveries")
		return all[len(all)-1]
	}
	if d := run(); d.Status != "failed" || d.Code != 3 {
		t.Errorf("the first: %+v", d)
	}
	if d := run(); d.Status != "blocked" || !strings.Contains(d.Reason, "by hand") {
		t.Errorf("the second: %+v", d)
	}
	r.pass(24 * time.Hour)
	if d := run(); d.Status != "sent" {
		t.Errorf("the next day: %+v", d)
	}
	if d := run(); d.Status != "blocked" {
		t.Errorf("again that day: %+v", d)
	}
}

// Whose account cannot confirm is learnt in the night and said in the next pre-flight.
func TestOwnersWhoCannotConfirmAreFoundBeforehand(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, nil)
	for _, owner := range []string{"works", "sleeps", "leaves"} {
		must(t, r.box.AddStaff(sandbox.Staff{UserID: owner, Name: "名" + owner}))
		_, err := r.box.CreateGroup(owner, owner+"的群")
		must(t, err)
	}
	r.bringIn()
	r.until(monday)
	must(t, r.box.UpdateStaff(sandbox.Staff{UserID: "sleeps", Name: "名sleeps", Inactive: true}))
	must(t, r.box.Resign("leaves"))
	sale := map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 10 * * *"}, "targets": map[string]any{"all": true}, "message": map[string]any{"text": "秒杀"}}
	var f preflight
	r.want(http.StatusOK, http.MethodPost, "/promotions/preflight", sale, &f)
	if f.codes() != "" {
		t.Errorf("before the night: %+v", f)
	}
	r.until(monday.Add(4 * time.Hour))
	r.want(http.StatusOK, http.MethodPost, "/promotions/preflight", sale, &f)
	if f.codes() != "owner_inactive" || f.Verdict != "yellow" || f.Findings[0].Count != 2 || !strings.Contains(f.Findings[0].Text, "「名leaves」「名sleeps」") {
		t.Errorf("after it: %+v", f)
	}
}

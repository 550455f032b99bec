package e2e

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"xiaobu/app"
	"xiaobu/sandbox"
)

// restart ends the bot and starts it again on its database, with other settings.
func (r *rig) restart(change func(*app.Options)) {
	r.t.Helper()
	r.bot.Close()
	must(r.t, r.app.Close())
	o := r.options(r.conf, r.clock.now, true)
	change(&o)
	var err error
	r.app, err = app.New(context.Background(), o)
	must(r.t, err)
	r.bot = httptest.NewServer(r.app.Handler())
	r.base = r.bot.URL
	r.box.SetCallback(r.bot.URL + "/callback/wecom")
}

type payout struct {
	ID, Status string
	Total      int64 `json:"total_fen"`
	Items      []struct {
		Staff, Name string
		Store       string `json:"store_name"`
		Amount      int64  `json:"amount_fen"`
	}
	Steps []struct{ Status, By, Note string }
}

// One collects, another approves, the first pays; whatever is repeated happens once. What is
// exported stays what it was.
func TestAMonthIsPaidByTwo(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "人民路店", "region": "华东", "staff": []string{"cashier0"}}, nil)
	for range 3 {
		_, err := r.box.Join(w.groups[0], w.customer(), sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
		must(t, err)
		r.pass(time.Minute)
	}
	r.until(time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)) // midnight in Shanghai
	var p payout
	post := func(path string, body map[string]any, key string, status int) payout {
		t.Helper()
		var v payout
		r.want(status, http.MethodPost, "/rewards/payouts"+path, body, &v, "Idempotency-Key", key)
		return v
	}
	for range 2 {
		p = post("", map[string]any{"period": "2026-11", "by": "anna"}, "collect", http.StatusCreated)
	}
	if p.ID != "1" || p.Status != "collected" || p.Total != 150 || len(p.Items) != 1 || p.Items[0].Store != "人民路店" || p.Items[0].Amount != 150 {
		t.Errorf("collected %+v", p)
	}
	r.refusal(http.StatusConflict, "somebody else", http.MethodPost, "/rewards/payouts/1/approve", map[string]any{"by": "ANNA "})
	for range 2 {
		post("/1/approve", map[string]any{"by": "ben"}, "approve", http.StatusOK)
		p = post("/1/pay", map[string]any{"by": "anna"}, "pay", http.StatusOK)
	}
	if p.Status != "paid" || len(p.Steps) != 3 || p.Steps[1].By != "ben" {
		t.Errorf("paid %+v", p)
	}
	r.refusal(http.StatusConflict, "payout 1 is paid", http.MethodPost, "/rewards/payouts/1/pay", map[string]any{"by": "anna"})
	_, csv := r.download("/rewards/payouts/1?format=csv")
	_, xlsx := r.download("/rewards/payouts/1?format=xlsx")
	_, english := r.download("/rewards/payouts/1?format=xlsx&lang=en")

	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "解放路店", "staff": []string{}}, nil)
	r.restart(func(o *app.Options) { o.Config.SecondPerson = true })
	_, again := r.download("/rewards/payouts/1?format=csv")
	_, xlsxAgain := r.download("/rewards/payouts/1?format=xlsx")
	_, englishAgain := r.download("/rewards/payouts/1?format=xlsx&lang=en")
	if !bytes.Equal(csv, again) || !bytes.Equal(xlsx, xlsxAgain) || !bytes.Equal(english, englishAgain) || bytes.Equal(xlsx, english) {
		t.Error("the exports of another program with other names differ")
	}
	r.refusal(http.StatusUnprocessableEntity, "by", http.MethodPost, "/rewards/payouts", map[string]any{"period": "2026-11"})
	if got := items[payout](r, "/rewards/payouts?period=2026-11&status=paid"); len(got) != 1 || got[0].ID != "1" || got[0].Total != 150 {
		t.Errorf("the list: %+v", got)
	}
	if got := items[map[string]any](r, "/rewards/unpaid"); len(got) != 0 {
		t.Errorf("unpaid: %v", got)
	}
	p = post("/1/reverse", map[string]any{"by": "ben", "reason": "转账失败"}, "reverse", http.StatusOK)
	if p.Status != "reversed" || p.Items[0].Store != "人民路店" || p.Steps[3].Note != "转账失败" {
		t.Errorf("reversed: %+v", p)
	}
	if _, marked := r.download("/rewards/payouts/1?format=csv"); !bytes.Contains(marked, []byte(",reversed,")) {
		t.Errorf("a reversed payout is exported as\n%s", marked)
	}
	r.pass(time.Minute)
	if got := items[struct {
		Period  string
		Over    bool
		Payable int64 `json:"payable_fen"`
	}](r, "/rewards/unpaid"); len(got) != 1 || got[0].Period != "2026-11" || !got[0].Over || got[0].Payable != 150 {
		t.Errorf("unpaid: %+v", got)
	}
}

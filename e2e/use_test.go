package e2e

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"xiaobu/sandbox"
)

// download reads something that is no JSON.
func (r *rig) download(path string) (kind string, data []byte) {
	r.t.Helper()
	req, err := http.NewRequest(http.MethodGet, r.bot.URL+"/api/v1"+path, nil)
	must(r.t, err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	resp, err := http.DefaultClient.Do(req)
	must(r.t, err)
	defer resp.Body.Close()
	data, err = io.ReadAll(resp.Body)
	must(r.t, err)
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, resp.StatusCode, data)
	}
	return resp.Header.Get("Content-Type"), data
}

// A cashier's code brings customers; the month is paid, exported and explained.
func TestAMonthIsPaidAndExplained(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/rewards/rule", map[string]any{"effective_from": r.clock.now(), "tiers": []any{map[string]any{"up_to": 2, "fen": 50}, map[string]any{"fen": 100}}, "hold": "1h"}, nil)
	var code struct {
		ID, State string
		ConfigID  string `json:"config_id"`
		QRCode    string `json:"qr_code"`
	}
	r.want(http.StatusCreated, http.MethodPost, "/channels", map[string]any{"name": "收银台1", "kind": "group_qr", "staff": "cashier0", "chat_ids": w.groups[:1]}, &code)
	if len(code.State) > 30 || code.State == "" || code.QRCode == "" {
		t.Errorf("the code: %+v", code)
	}
	var brought []string
	for range 3 {
		c := w.customer()
		brought = append(brought, c)
		_, err := r.box.Join("", c, sandbox.How{ConfigID: code.ConfigID})
		must(t, err)
		r.pass(10 * time.Second)
	}
	must(t, r.box.Leave(w.groups[0], brought[0])) // within the hold
	r.pass(2 * time.Hour)
	var counts struct{ Joins int }
	r.want(http.StatusOK, http.MethodGet, "/channels/"+code.ID, nil, &counts)
	if counts.Joins != 3 {
		t.Errorf("the code brought %d, want 3", counts.Joins)
	}
	var paid struct {
		ID    string
		Total int64 `json:"total_fen"`
		Items []struct {
			Staff  string
			Amount int64 `json:"amount_fen"`
		}
	}
	r.until(time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)) // midnight in Shanghai
	r.want(http.StatusCreated, http.MethodPost, "/rewards/payouts", map[string]any{"period": "2026-11"}, &paid)
	if paid.Total != 150 || len(paid.Items) != 1 || paid.Items[0].Staff != "cashier0" {
		t.Errorf("paid: %+v", paid)
	}
	kind, data := r.download("/rewards/payouts/" + paid.ID + "?format=csv")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
	must(t, err)
	if !strings.HasPrefix(kind, "text/csv") || len(rows) != 2 || fmt.Sprint(rows[0][:5], rows[1][:5]) != "[period staff joins amount_yuan amount_fen] [2026-11 cashier0 2 1.50 150]" {
		t.Errorf("%s: %v", kind, rows)
	}
	_, data = r.download("/rewards/payouts/" + paid.ID + "?format=xlsx")
	book, err := excelize.OpenReader(strings.NewReader(string(data)))
	must(t, err)
	if v, err := book.GetCellValue("发放汇总", "L2"); err != nil || v != "1.50" {
		t.Errorf("the sheet says %q %v", v, err)
	}
	var statement struct{ Items []map[string]any }
	r.want(http.StatusOK, http.MethodGet, "/rewards/statement?period=2026-11&staff=cashier0", nil, &statement)
	if fmt.Sprint(statement.Items) != "[map[clawed_back_fen:0 held_fen:0 joins:3 paid_fen:150 payable_fen:0 staff:cashier0 void_fen:50]]" {
		t.Errorf("statement %v", statement.Items)
	}
	for member, want := range map[string][2]string{brought[0]: {"not_rewarded", "left_early"}, brought[2]: {"rewarded", "rewarded"}} {
		var x struct {
			Decision, Reason string
			Evidence         []string
			Stay             struct {
				JoinedAt string `json:"joined_at"`
			}
			Steps  []map[string]any
			People []map[string]any
			WhatIf []map[string]any `json:"what_if"`
		}
		r.want(http.StatusOK, http.MethodGet, "/rewards/explain?chat_id="+w.groups[0]+"&member="+member, nil, &x)
		if x.Decision != want[0] || x.Reason != want[1] || len(x.Evidence) < 3 || len(x.Steps) != len(x.Evidence) || len(x.WhatIf) == 0 {
			t.Errorf("%s: %+v, want %v", member, x, want)
		}
		if call := x.Steps[0]; call["kind"] != "callback" || call["event_key"] == nil || call["event_id"] == nil || call["zh"] != x.Evidence[0] || call["duplicates"] == nil {
			t.Errorf("the callback: %v", call)
		}
		if last := x.People[len(x.People)-1]; last["user_id"] != member || last["joined_at"] != x.Stay.JoinedAt {
			t.Errorf("the people counted: %v", x.People)
		}
		zh := x.Evidence[0]
		r.want(http.StatusOK, http.MethodGet, "/rewards/explain?lang=en&chat_id="+w.groups[0]+"&member="+member+"&joined_at="+url.QueryEscape(x.Stay.JoinedAt), nil, &x)
		if !strings.HasPrefix(x.Evidence[0], "WeCom's callback says that ") || zh == x.Evidence[0] {
			t.Errorf("in English: %q", x.Evidence[0])
		}
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/channels/"+code.ID, nil, nil)
}

// Who is on the blocklist gets a case in every group, now and later.
func TestTheBlocklist(t *testing.T) {
	r, w := townRig(t)
	present, later := w.customer(), w.customer()
	_, err := r.box.Join(w.groups[0], present, sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
	must(t, err)
	r.pass(time.Minute)
	for _, who := range []string{present, later} {
		r.want(http.StatusCreated, http.MethodPost, "/moderation/blocklist", map[string]any{"user_id": who, "reason": "拉人"}, nil)
	}
	_, err = r.box.Join(w.groups[1], later, sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier1"})
	must(t, err)
	r.pass(time.Minute)
	about := map[string]string{}
	for _, c := range items[modCase](r, "/moderation/cases") {
		about[c.Member] = c.Status
	}
	if about[present] != "asked_owner" || about[later] != "asked_owner" || len(about) != 2 {
		t.Errorf("cases %v", about)
	}
	if n := len(items[map[string]any](r, "/moderation/blocklist")); n != 2 {
		t.Errorf("%d on the list", n)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/moderation/blocklist", map[string]any{"user_id": present}, nil)
	r.want(http.StatusNoContent, http.MethodDelete, "/moderation/blocklist/"+later, nil, nil)
	r.refusal(http.StatusNotFound, "", http.MethodDelete, "/moderation/blocklist?user_id="+later, nil)
	r.refusal(http.StatusUnprocessableEntity, "person", http.MethodDelete, "/moderation/blocklist", nil)
}

// What is said in a group before the bot knows it is not forgotten: the owner is asked as
// soon as there is one.
func TestSpamInAGroupThatIsNotKnownYet(t *testing.T) {
	r := newRig(t, 1, nil)
	w := &town{t: t, box: r.box, url: r.wecom.URL}
	w.populate(1)
	must(t, r.box.SetFaults(sandbox.Faults{API: map[string]sandbox.APIFault{"externalcontact/groupchat/get": {Fail: -1}}}))
	spammer := w.customer()
	_, err := r.box.Join(w.groups[0], spammer, sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
	must(t, err)
	_, err = r.box.Say(w.groups[0], spammer, "兼职日结300,加V:abc12345,名额有限")
	must(t, err)
	r.pass(time.Minute)
	if cases := items[modCase](r, "/moderation/cases"); len(cases) != 1 || cases[0].Status != "open" {
		t.Fatalf("before the group is known: %+v", cases)
	}
	must(t, r.box.SetFaults(sandbox.Faults{}))
	r.pass(5 * time.Minute)
	if cases := items[modCase](r, "/moderation/cases"); cases[0].Status != "asked_owner" {
		t.Errorf("after: %+v", cases)
	}
	if n := len(r.box.Cards()); n != 1 {
		t.Errorf("%d cards, want 1", n)
	}
}

// An owner may send a mass message to some groups first and to another hours later; what
// nobody sent by the evening is stopped.
func TestAnOwnerSendsTheRestLater(t *testing.T) {
	r := newRig(t, 1, nil)
	w := &town{t: t, box: r.box, url: r.wecom.URL}
	must(t, r.box.AddStaff(sandbox.Staff{UserID: "wang", Name: "王"}))
	for i := range 3 {
		id, err := r.box.CreateGroup("wang", fmt.Sprintf("%d群", i))
		must(t, err)
		w.groups = append(w.groups, id)
	}
	r.bringIn()
	r.until(monday.Add(10 * time.Hour))
	var promo struct{ ID string }
	r.want(http.StatusCreated, http.MethodPost, "/promotions", map[string]any{"name": "秒杀", "schedule": map[string]any{"cron": "0 3 1 1 *"},
		"targets": map[string]any{"all": true}, "message": map[string]any{"text": "秒杀"}}, &promo)
	r.want(http.StatusOK, http.MethodPost, "/promotions/"+promo.ID+"/run", nil, nil)
	r.pass(time.Minute)
	task := r.box.Tasks()[0]
	status := func() map[string]string {
		out := map[string]string{}
		for _, d := range items[delivery](r, "/promotions/"+promo.ID+"/deliveries") {
			out[d.ChatID] = d.Status
		}
		return out
	}
	must(t, r.box.ConfirmSome(task.MsgID, "wang", w.groups[0]))
	r.pass(time.Hour)
	if got := status(); got[w.groups[0]] != "sent" || got[w.groups[1]] != "unsent" {
		t.Errorf("after an hour: %v", got)
	}
	r.pass(2 * time.Hour)
	must(t, r.box.ConfirmSome(task.MsgID, "wang", w.groups[1]))
	r.pass(10 * time.Hour)
	if got := status(); got[w.groups[1]] != "sent" || got[w.groups[2]] != "unsent" {
		t.Errorf("at the end: %v", got)
	}
	if r.box.Tasks()[0].CancelledAt.IsZero() {
		t.Error("the third group may still get it at midnight")
	}
}

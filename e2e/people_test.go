package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"xiaobu/app"
)

// What a selection means is shown before anything is posted; a group that is hands-off is in no
// selection, and says so.
func TestTargetsAreShownAndHandsKeptOff(t *testing.T) {
	r, w := townRig(t)
	hers, his := w.groups[0], w.groups[1]
	var g struct {
		Labels   []string
		HandsOff bool `json:"hands_off"`
	}
	r.want(http.StatusOK, http.MethodPut, "/groups/"+hers, map[string]any{"labels": []string{"秒杀"}, "hands_off": true}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+hers, map[string]any{}, &g)
	if !g.HandsOff || len(g.Labels) != 1 {
		t.Errorf("what was left out has changed: %+v", g)
	}
	var v struct {
		Groups, Customers, Owners int
		HandsOff                  int `json:"hands_off"`
		Items                     []struct {
			ChatID string `json:"chat_id"`
			Via    string
		}
		Warnings []struct{ Code string }
	}
	ask := func(targets map[string]any) {
		t.Helper()
		r.want(http.StatusOK, http.MethodPost, "/promotions/targets", map[string]any{"targets": targets}, &v)
	}
	ask(map[string]any{"all": true})
	if v.Groups != 1 || v.Owners != 1 || v.HandsOff != 1 || len(v.Items) != 1 || v.Items[0].ChatID != his || v.Items[0].Via != "all" || len(v.Warnings) != 0 {
		t.Errorf("all: %+v", v)
	}
	ask(map[string]any{"labels": []string{"秒杀"}})
	if v.Groups != 0 || v.HandsOff != 1 || len(v.Warnings) != 1 || v.Warnings[0].Code != "no_groups" {
		t.Errorf("by label: %+v", v)
	}
	r.refusal(http.StatusUnprocessableEntity, "hands-off", http.MethodPost, "/promotions", with(func(p map[string]any) { p["targets"] = map[string]any{"chat_ids": []string{hers}} }))
	r.refusal(http.StatusUnprocessableEntity, "targets.exclude.stores[0]", http.MethodPost, "/promotions/targets", map[string]any{"targets": map[string]any{"all": true, "exclude": map[string]any{"stores": []string{"s9"}}}})
	r.want(http.StatusCreated, http.MethodPost, "/promotions", with(func(p map[string]any) {}), nil)
	r.want(http.StatusOK, http.MethodGet, "/promotions/1/targets?limit=1", nil, &v)
	if v.Groups != 1 || v.HandsOff != 1 {
		t.Errorf("of the promotion: %+v", v)
	}
}

type promotionState struct {
	ID, Status, By, Name string
	Version              int
	ApprovedBy           *string    `json:"approved_by"`
	NextAt               *time.Time `json:"next_at"`
}

// Anna writes, Ben agrees, Carl changes what the other did not read: every step has a name.
func TestAPromotionIsPostedByTwo(t *testing.T) {
	r, _ := townRig(t)
	r.restart(func(o *app.Options) { o.Config.PromotionsSecondPerson = true })
	body := func(text, by string, version int) map[string]any {
		return with(func(p map[string]any) {
			p["message"], p["by"] = map[string]any{"text": text}, by
			if version > 0 {
				p["version"] = version
			}
		})
	}
	r.refusal(http.StatusUnprocessableEntity, "by", http.MethodPost, "/promotions", with(func(map[string]any) {}))
	var p promotionState
	for range 2 {
		r.want(http.StatusCreated, http.MethodPost, "/promotions", body("一", "anna", 0), &p, "Idempotency-Key", "k")
	}
	if p.ID != "1" || p.Status != "proposed" || p.NextAt != nil || p.By != "anna" || p.Version != 1 {
		t.Errorf("proposed: %+v", p)
	}
	r.pass(7 * 24 * time.Hour)
	if n := len(items[map[string]any](r, "/promotions/1/occurrences")); n != 0 {
		t.Errorf("%d occurrences of what nobody agreed to", n)
	}
	r.refusal(http.StatusConflict, "waits for a second person", http.MethodPost, "/promotions/1/run", nil)
	r.refusal(http.StatusConflict, "somebody else", http.MethodPost, "/promotions/1/approve", map[string]any{"by": "Anna"})
	for range 2 {
		r.want(http.StatusOK, http.MethodPost, "/promotions/1/approve", map[string]any{"by": "ben", "version": 1, "note": "好"}, &p)
	}
	if p.Status != "active" || p.NextAt == nil || p.ApprovedBy == nil || *p.ApprovedBy != "ben" {
		t.Errorf("approved: %+v", p)
	}
	r.want(http.StatusOK, http.MethodPut, "/promotions/1", body("二", "carl", 1), &p)
	if p.Status != "proposed" || p.Version != 2 || p.ApprovedBy != nil {
		t.Errorf("edited: %+v", p)
	}
	r.refusal(http.StatusConflict, "version 2 is by carl", http.MethodPut, "/promotions/1", body("三", "anna", 1))
	r.refusal(http.StatusConflict, "version 2 is by carl", http.MethodPost, "/promotions/1/approve", map[string]any{"by": "ben", "version": 1})
	r.want(http.StatusOK, http.MethodPost, "/promotions/1/reject", map[string]any{"by": "ben", "note": "不行"}, &p)
	r.want(http.StatusOK, http.MethodPost, "/promotions/1/pause", map[string]any{"by": "ben"}, nil)
	r.want(http.StatusOK, http.MethodPost, "/promotions/1/resume?by=anna", nil, &p)
	if p.Status != "proposed" {
		t.Errorf("resumed: %+v", p)
	}
	for range 2 {
		r.want(http.StatusCreated, http.MethodPost, "/promotions/1/copy", map[string]any{"name": "又一个", "by": "anna"}, &p, "Idempotency-Key", "k")
	}
	if p.ID != "2" || p.Status != "paused" || p.Name != "又一个" {
		t.Errorf("copied: %+v", p)
	}
	r.want(http.StatusCreated, http.MethodPost, "/promotions/1/copy", nil, &p)
	if p.ID != "3" || p.Name != "秒杀(副本)" {
		t.Errorf("copied without a word: %+v", p)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/promotions/1?by=anna", nil, nil)
	var told []string
	for _, c := range items[struct {
		By, What string
		Note     *string
		Fields   []struct {
			Field    string
			From, To any
		}
	}](r, "/promotions/1/changes") {
		line := c.By + " " + c.What
		for _, f := range c.Fields {
			line += fmt.Sprintf(" %s %v→%v", f.Field, f.From, f.To)
		}
		if c.Note != nil {
			line += " " + *c.Note
		}
		told = append(told, line)
	}
	if want := "anna created; ben approved 好; carl edited message.text 一→二; ben rejected 不行; ben paused; anna resumed; anna ended"; strings.Join(told, "; ") != want {
		t.Errorf("told %s\nwant %s", strings.Join(told, "; "), want)
	}
}

// Commands take a body, a query or nothing, as they always did.
func TestCommandsNeedNoName(t *testing.T) {
	r, _ := townRig(t)
	r.want(http.StatusCreated, http.MethodPost, "/promotions", with(func(map[string]any) {}), nil)
	var p promotionState
	for _, body := range []any{nil, map[string]any{}, map[string]any{"by": "anna"}} {
		r.want(http.StatusOK, http.MethodPost, "/promotions/1/pause", body, &p)
		r.want(http.StatusOK, http.MethodPost, "/promotions/1/resume", body, &p)
		if p.Status != "active" || p.NextAt == nil || p.By != "api" || p.ApprovedBy != nil {
			t.Errorf("%+v", p)
		}
		r.pass(time.Second)
		r.want(http.StatusOK, http.MethodPost, "/promotions/1/run", body, nil)
	}
}

func TestAbsencesAreToldAndListed(t *testing.T) {
	r, _ := townRig(t)
	const path = "/staff/cashier0/absence"
	r.refusal(http.StatusNotFound, "", http.MethodPut, "/staff/nobody/absence", map[string]any{"from": "2026-11-23", "to": "2026-11-24"})
	r.refusal(http.StatusUnprocessableEntity, "to", http.MethodPut, path, map[string]any{"from": "2026-11-23", "to": "2026-11-22"})
	r.refusal(http.StatusUnprocessableEntity, "stand_in", http.MethodPut, path, map[string]any{"from": "2026-11-23", "to": "2026-11-23", "stand_in": "nobody"})
	r.want(http.StatusOK, http.MethodPut, path, map[string]any{"from": "2026-11-01", "to": "2026-11-30", "stand_in": "cashier1"}, nil)
	type absence struct {
		Staff, From, To string
		StandIn         *string `json:"stand_in"`
		Away            bool
	}
	got := items[absence](r, "/staff/absences?day=2026-11-30")
	if len(got) != 1 || got[0].Staff != "cashier0" || got[0].StandIn == nil || *got[0].StandIn != "cashier1" || !got[0].Away {
		t.Errorf("away: %+v", got)
	}
	for range 2 {
		r.want(http.StatusNoContent, http.MethodDelete, path, nil, nil)
	}
	if got := items[absence](r, "/staff/absences"); len(got) != 0 {
		t.Errorf("still away: %+v", got)
	}
}

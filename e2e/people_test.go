package e2e

import (
	"net/http"
	"testing"
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

package e2e

import (
	"net/http"
	"testing"
	"time"

	"xiaobu/sandbox"
)

// ruleView is a version of the rule as the API shows it.
type ruleView struct {
	Version  string
	Status   string
	From     time.Time  `json:"effective_from"`
	Until    *time.Time `json:"in_force_until"`
	Hold     string
	By, Note string
	Warnings []string
	Budget   *struct {
		Fen int64
		Per string
	}
	Overrides []struct {
		Name, Hold, Clawback string
		Stores, Labels       []string
		Tiers                []struct {
			UpTo int `json:"up_to"`
			Fen  int64
		}
	}
}

func TestRulesDifferForStoresAndTellTheirHistory(t *testing.T) {
	r, w := townRig(t)
	now := r.clock.now()
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "北门店"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": "s1"}, nil)
	tiers := []any{map[string]any{"up_to": 1, "fen": 50}, map[string]any{"fen": 100}}
	rule := map[string]any{"effective_from": now.Add(-time.Hour), "tiers": tiers, "hold": "1h", "by": "anna", "note": "新店开业",
		"overrides": []any{map[string]any{"name": "新店", "stores": []string{"s1"}, "labels": []string{"没有"}, "tiers": []any{map[string]any{"fen": 200}}, "hold": "30m"}},
		"budget":    map[string]any{"fen": 100_000, "per": "store"}}
	var put, again, newest ruleView
	r.want(http.StatusOK, http.MethodPut, "/rewards/rule", rule, &put, "Idempotency-Key", "k1")
	if put.Version != "2" || put.Status != "in_force" || len(put.Warnings) != 1 || put.By != "anna" || put.Budget == nil || put.Budget.Per != "store" ||
		len(put.Overrides) != 1 || put.Overrides[0].Hold != "30m" || put.Overrides[0].Clawback != "" || put.Overrides[0].Tiers[0].Fen != 200 {
		t.Errorf("put: %+v", put)
	}
	r.want(http.StatusOK, http.MethodPut, "/rewards/rule", rule, &again, "Idempotency-Key", "k1")
	if again.Version != "2" {
		t.Errorf("the same request made version %s", again.Version)
	}
	r.refusal(422, "Idempotency-Key", http.MethodPut, "/rewards/rule", map[string]any{"tiers": tiers}, "Idempotency-Key", "k1")
	r.want(http.StatusOK, http.MethodPut, "/rewards/rule", map[string]any{"tiers": tiers, "effective_from": now.Add(48 * time.Hour)}, nil)

	for where, body := range map[string]map[string]any{
		"overrides[0].stores": {"tiers": tiers, "overrides": []any{map[string]any{"name": "x", "stores": []string{"s404"}, "tiers": tiers}}},
		"overrides[0].hold":   {"tiers": tiers, "overrides": []any{map[string]any{"name": "x", "stores": []string{"s1"}, "tiers": tiers, "hold": "soon"}}},
		"overrides[0]":        {"tiers": tiers, "overrides": []any{map[string]any{"name": "x", "tiers": tiers}}},
		"budget.fen":          {"tiers": tiers, "budget": map[string]any{"fen": 0, "per": "corp"}},
		"budget.per":          {"tiers": tiers, "budget": map[string]any{"fen": 1, "per": "year"}},
		"effective_from":      {"tiers": tiers, "effective_from": now.AddDate(3, 0, 0)},
	} {
		r.refusal(422, where, http.MethodPut, "/rewards/rule", body)
	}
	history := items[ruleView](r, "/rewards/rules")
	r.want(http.StatusOK, http.MethodGet, "/rewards/rule", nil, &newest)
	if len(history) != 3 || newest.Version != "3" || newest.Status != "pending" || history[0].Version != "3" ||
		history[1].Status != "in_force" || !history[1].Until.Equal(now.Add(48*time.Hour)) || history[2].Status != "replaced" {
		t.Errorf("history: %+v", history)
	}

	for i, cashier := range []string{"cashier0", "cashier1"} {
		_, err := r.box.Join(w.groups[i], w.customer(), sandbox.How{Inviter: cashier})
		must(t, err)
	}
	r.pass(time.Minute)
	for group, want := range map[string]int64{w.groups[0]: 200, w.groups[1]: 50} {
		got := items[struct {
			Amount int64 `json:"amount_fen"`
		}](r, "/rewards/entries?chat_id="+group)
		if len(got) != 1 || got[0].Amount != want {
			t.Errorf("%s: %+v, want %d", group, got, want)
		}
	}
}

func TestARuleIsPreviewedBesideWhatTheMonthDidCost(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/rewards/rule", map[string]any{"tiers": []any{map[string]any{"fen": 50}}, "hold": "1h"}, nil)
	for i, cashier := range []string{"cashier0", "cashier1", "cashier1"} {
		_, err := r.box.Join(w.groups[min(i, 1)], w.customer(), sandbox.How{Inviter: cashier})
		must(t, err)
		r.pass(time.Minute)
	}
	r.pass(2 * time.Hour)
	type beside struct {
		Name       string
		Was, Would struct{ Joins, Fen int }
		Difference int `json:"difference_fen"`
	}
	var got struct {
		Period     string
		Joins      int
		Total      beside
		Gain, Lose []beside
		Notes      []string
		ByTier     []struct{ Would struct{ Joins int } } `json:"by_tier"`
	}
	candidate := map[string]any{"tiers": []any{map[string]any{"up_to": 1, "fen": 50}, map[string]any{"fen": 80}}, "hold": "1h", "period": "2026-11"}
	r.want(http.StatusOK, http.MethodPost, "/rewards/rule/preview", candidate, &got)
	if got.Joins != 3 || got.Total.Was.Fen != 150 || got.Total.Would.Fen != 180 || got.Total.Difference != 30 || len(got.Gain) != 1 || got.Gain[0].Name != "cashier1" ||
		len(got.Lose) != 0 || len(got.ByTier) != 2 || got.ByTier[0].Would.Joins != 2 || len(got.Notes) != 1 {
		t.Errorf("%+v", got)
	}
	if n := len(items[ruleView](r, "/rewards/rules")); n != 2 {
		t.Errorf("%d versions after a preview", n)
	}
	candidate["period"] = "2027-01"
	r.refusal(422, "period", http.MethodPost, "/rewards/rule/preview", candidate)
	r.refusal(422, "tiers", http.MethodPost, "/rewards/rule/preview", map[string]any{"tiers": []any{map[string]any{"up_to": 1, "fen": 1}}})
	delete(candidate, "period")
	r.want(http.StatusOK, http.MethodPost, "/rewards/rule/preview", candidate, &got)
	if got.Period != "2026-10" || got.Total.Was.Fen != 0 {
		t.Errorf("the last month that ended: %+v", got)
	}
}

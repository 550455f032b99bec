package e2e

import (
	"net/http"
	"testing"
	"time"

	"xiaobu/sandbox"
)

type flagged struct {
	Entry struct {
		ID, Status, Reason string
	}
	Status  string
	Weight  float64
	Signals []struct {
		Signal, ZH, EN string
		Weight         float64
		Stays          []struct {
			Member string
			Joined time.Time `json:"joined_at"`
		}
	}
	Decision *struct{ Decision, By, Note string }
}

func TestWhatIsFlaggedWaitsForADecision(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "北门店"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": "s1"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/rewards/rule", map[string]any{"tiers": []any{map[string]any{"fen": 50}}, "hold": "1h"}, nil)
	var checks map[string]any
	r.want(http.StatusOK, http.MethodGet, "/rewards/checks", nil, &checks)
	if checks["version"] != "0" || checks["threshold"] != 1.0 || len(checks["signals"].(map[string]any)) != 7 {
		t.Errorf("checks: %v", checks)
	}
	checks["by"], checks["threshold"] = "wang", 0.4
	checks["signals"] = map[string]any{"burst": map[string]any{"count": 3, "window": "90s"}}
	r.want(http.StatusOK, http.MethodPut, "/rewards/checks", checks, &checks) // as it was read
	for where, body := range map[string]map[string]any{
		"by":                    {"threshold": 1},
		"threshold":             {"by": "wang", "threshold": -1},
		"signals":               {"by": "wang", "signals": map[string]any{"luck": map[string]any{"weight": 1}}},
		"signals.known.window":  {"by": "wang", "signals": map[string]any{"known": map[string]any{"window": "1h"}}},
		"signals.leaves.within": {"by": "wang", "signals": map[string]any{"leaves": map[string]any{"within": "soon"}}},
	} {
		r.refusal(422, where, http.MethodPut, "/rewards/checks", body)
	}
	for range 3 {
		_, err := r.box.Join(w.groups[0], w.customer(), sandbox.How{Inviter: "cashier0"})
		must(t, err)
	}
	r.pass(2 * time.Hour)
	open := items[flagged](r, "/rewards/flags?status=open&staff=cashier0&store_id=s1")
	if len(open) != 3 || open[0].Entry.Status != "held" || open[0].Weight != 0.4 || len(open[0].Signals) != 1 || open[0].Signals[0].Signal != "burst" ||
		len(open[0].Signals[0].Stays) != 3 || open[0].Signals[0].ZH == "" || open[0].Signals[0].EN == "" {
		t.Fatalf("open: %+v", open)
	}
	if n := len(items[flagged](r, "/rewards/flags?store_id=s2")); n != 0 {
		t.Errorf("%d flags in another store", n)
	}
	var f flagged
	release, void := "/rewards/entries/"+open[0].Entry.ID+"/release", "/rewards/entries/"+open[1].Entry.ID+"/void"
	r.refusal(422, "by", http.MethodPost, release, map[string]any{"note": "x"})
	r.refusal(404, "", http.MethodPost, "/rewards/entries/999/release", map[string]any{"by": "wang"})
	r.want(http.StatusOK, http.MethodPost, release, map[string]any{"by": "wang", "note": "开业当天"}, &f)
	if f.Status != "released" || f.Entry.Status != "payable" || f.Decision == nil || f.Decision.By != "wang" || f.Decision.Note != "开业当天" {
		t.Errorf("released: %+v", f)
	}
	r.want(http.StatusOK, http.MethodPost, void, map[string]any{"by": "wang"}, &f)
	if f.Status != "voided" || f.Entry.Status != "void" || f.Entry.Reason != "decided" {
		t.Errorf("voided: %+v", f)
	}
	r.refusal(409, "released by wang", http.MethodPost, release, map[string]any{"by": "li"})
	r.refusal(409, "voided by wang", http.MethodPost, "/rewards/entries/"+open[1].Entry.ID+"/release", map[string]any{"by": "li"})
	if open = items[flagged](r, "/rewards/flags?status=open"); len(open) != 1 {
		t.Errorf("still open: %+v", open)
	}
}

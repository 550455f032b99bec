package e2e

import (
	"net/http"
	"testing"
	"time"

	"xiaobu/sandbox"
)

// auditView is what an audit found, as the API shows it.
type auditView struct {
	ID                                        string
	Entries, Transfers, Differences, Repaired int64
	Items                                     []struct {
		What, Subject, Field string
		Want, Have           int64
		Repaired             bool
	}
}

func TestTheLedgerIsOpenToAnAccountant(t *testing.T) {
	r, w := townRig(t)
	now := r.clock.now()
	r.want(http.StatusNotFound, http.MethodGet, "/rewards/audit", nil, nil)
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "北门店", "region": "北", "staff": []string{"cashier0"}}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": "s1"}, nil)
	for i, cashier := range []string{"cashier0", "cashier0", "cashier1"} {
		_, err := r.box.Join(w.groups[i/2], w.customer(), sandbox.How{Inviter: cashier})
		must(t, err)
	}
	r.pass(time.Minute)

	type leader struct {
		Rank      int
		ID        string
		Store     string `json:"store_name"`
		Joins     int
		EarnedFen int64 `json:"earned_fen"`
	}
	month, day := now.Format("2006-01"), now.Format(time.DateOnly)
	for _, query := range []string{"period=" + month, "day=" + day, "period=" + month + "&limit=1"} {
		leaders := items[leader](r, "/rewards/leaderboard?"+query)
		if len(leaders) != 2 || leaders[0] != (leader{1, "cashier0", "北门店", 2, 100}) || leaders[1].ID != "cashier1" || leaders[1].Rank != 2 {
			t.Errorf("%s: %+v", query, leaders)
		}
	}
	if stores := items[leader](r, "/rewards/leaderboard?by=store&region=%E5%8C%97&period="+month); len(stores) != 1 || stores[0].ID != "s1" || stores[0].EarnedFen != 100 {
		t.Errorf("stores: %+v", stores)
	}
	r.refusal(422, "query.period", http.MethodGet, "/rewards/leaderboard", nil)
	r.refusal(422, "query.period", http.MethodGet, "/rewards/leaderboard?period=2026-13", nil)
	r.refusal(422, "query.day", http.MethodGet, "/rewards/leaderboard?day=2026-02-30", nil)
	r.refusal(422, "query.by", http.MethodGet, "/rewards/leaderboard?by=moon&period="+month, nil)
	r.refusal(422, "query.cursor", http.MethodGet, "/rewards/transfers?cursor=5", nil)
	r.want(http.StatusNotFound, http.MethodGet, "/rewards/transfers?entry=x", nil, nil)

	type move struct {
		EntryID       string `json:"entry_id"`
		Debit, Credit string
		Amount        int64 `json:"amount_fen"`
	}
	all := items[move](r, "/rewards/transfers?limit=2")
	if mine := items[move](r, "/rewards/transfers?staff=cashier1"); len(all) != 3 || len(mine) != 1 || mine[0].Credit != "held:cashier1" || mine[0].Amount != 50 {
		t.Errorf("transfers %+v, of one %+v", all, mine)
	}
	balances := items[struct {
		Account string
		Fen     int64
	}](r, "/rewards/balances?limit=1")
	if len(balances) != 3 || balances[0].Account != "company" || balances[0].Fen != -150 {
		t.Errorf("balances %+v", balances)
	}

	var a auditView
	r.want(http.StatusOK, http.MethodPost, "/rewards/audit", nil, &a)
	if a.Entries != 3 || a.Transfers != 3 || a.Differences != 0 {
		t.Errorf("%+v", a)
	}
	r.pass(26 * time.Hour)
	var nightly auditView
	r.want(http.StatusOK, http.MethodGet, "/rewards/audit", nil, &nightly)
	if nightly.ID == a.ID || nightly.Entries != 3 {
		t.Errorf("nobody looked at night: %+v", nightly)
	}
	r.want(http.StatusOK, http.MethodPut, "/rewards/rule", map[string]any{"effective_from": now.Add(-time.Hour), "tiers": []any{map[string]any{"fen": 70}}}, nil)
	r.pass(time.Minute)
	again := items[struct {
		Status string
		Judged int
	}](r, "/rewards/rejudges")
	if len(again) != 1 || again[0].Status != "done" || again[0].Judged < 3 {
		t.Errorf("rejudges %+v", again)
	}
	if leaders := items[leader](r, "/rewards/leaderboard?period="+month); leaders[0].EarnedFen != 140 {
		t.Errorf("after the new rule: %+v", leaders)
	}
}

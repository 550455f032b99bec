package e2e

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/sandbox"
)

type ticket struct {
	ID, Kind, Member, Text, Status string
	Said                           int
	Overdue                        bool
	Who                            *string
	CaseID                         *string   `json:"case_id"`
	DueAt                          time.Time `json:"due_at"`
	Messages                       []struct{ Text string }
	History                        []struct{ What, Who string }
}

func (t ticket) steps() (out []string) {
	for _, h := range t.History {
		out = append(out, strings.TrimSpace(h.What+" "+h.Who))
	}
	return out
}

// pressFirst presses a button of the newest card whose task id begins with something.
func (r *rig) pressFirst(task, user, key string) {
	r.t.Helper()
	cards := r.box.Cards()
	for _, c := range slices.Backward(cards) {
		if strings.HasPrefix(c.TaskID, task) && slices.Contains(c.To, user) {
			must(r.t, r.box.PressCard(user, c.TaskID, key))
			r.pass(time.Minute)
			return
		}
	}
	r.t.Fatalf("%s has no card %s among %d", user, task, len(cards))
}

// A customer complains at night; the owner hears of it in the morning, nobody is removed, and
// what the owner presses is what the books say.
func TestAComplaintIsAnswered(t *testing.T) {
	r, w := townRig(t)
	r.until(monday.Add(time.Hour))
	who := w.customer()
	_, err := r.box.Join(w.groups[0], who, sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
	must(t, err)
	r.pass(time.Minute)
	for _, text := range []string{"鸡蛋坏了三个,退款", "不处理我就打12315投诉,电话13812345678"} {
		_, err = r.box.Say(w.groups[0], who, text)
		must(t, err)
		r.pass(time.Minute)
	}
	open := items[ticket](r, "/moderation/tickets?status=open&chat_id="+w.groups[0])
	if len(open) != 1 || open[0].Kind != "refund" || open[0].Said != 2 || open[0].Member != who || open[0].DueAt.Format("15:04") != "10:00" {
		t.Fatalf("tickets %+v", open)
	}
	if n := len(items[modCase](r, "/moderation/cases")); n != 0 || len(r.box.Cards()) != 0 {
		t.Fatalf("%d cases, %d cards at night", n, len(r.box.Cards()))
	}
	r.pass(7*time.Hour + 30*time.Minute)
	r.pressFirst("ticket-1-", "owner0", "take")
	r.pass(3 * time.Hour)
	if late := items[ticket](r, "/moderation/tickets?status=overdue"); len(late) != 1 || !late[0].Overdue || late[0].Status != "taken" {
		t.Errorf("overdue: %+v", late)
	}
	r.pressFirst("ticket-1-taken-", "owner0", "done")
	var one ticket
	r.want(http.StatusOK, http.MethodGet, "/moderation/tickets/1", nil, &one)
	if got := one.steps(); one.Status != "closed" || len(one.Messages) != 2 || !slices.Equal(got, []string{"opened", "asked owner0", "taken owner0", "reminded owner0", "closed owner0"}) {
		t.Errorf("ticket %+v", one)
	}
	var stats struct {
		Open, Closed int
		Late         int `json:"closed_late"`
		Median       int `json:"median_seconds"`
	}
	r.want(http.StatusOK, http.MethodGet, "/moderation/tickets/stats", nil, &stats)
	if stats.Open != 0 || stats.Closed != 1 || stats.Late != 1 || stats.Median < 8*3600 {
		t.Errorf("stats %+v", stats)
	}
	r.refusal(http.StatusConflict, "closed", http.MethodPost, "/moderation/tickets/1/take", map[string]any{"by": "anna"})
	r.refusal(http.StatusUnprocessableEntity, "by", http.MethodPost, "/moderation/tickets/1/close", map[string]any{"by": ""})
	r.refusal(http.StatusNotFound, "", http.MethodPost, "/moderation/tickets/7/spam", map[string]any{"by": "anna"})
}

// Members report one of them; their words add up to a look, not to a removal, and count more
// once they were right.
func TestReportsOnAMember(t *testing.T) {
	r, w := townRig(t)
	var people []string
	for range 4 {
		people = append(people, w.bring("cashier0"))
	}
	r.pass(time.Minute)
	type report struct {
		ID     string
		Weight float64
		CaseID *string `json:"case_id"`
	}
	var first, again report
	body := map[string]any{"chat_id": w.groups[0], "member": people[0], "reporter": people[1], "note": "发广告"}
	r.want(http.StatusCreated, http.MethodPost, "/moderation/reports", body, &first, "Idempotency-Key", "r1")
	r.want(http.StatusCreated, http.MethodPost, "/moderation/reports", body, &again, "Idempotency-Key", "r1")
	if first.ID != again.ID || first.Weight != 0.25 || first.CaseID != nil {
		t.Errorf("first %+v, again %+v", first, again)
	}
	for _, by := range people[2:] {
		body["reporter"] = by
		r.want(http.StatusCreated, http.MethodPost, "/moderation/reports", body, &again)
	}
	cases := items[modCase](r, "/moderation/cases")
	if again.CaseID == nil || len(cases) != 1 || cases[0].Status == "removed" {
		t.Fatalf("report %+v, cases %+v", again, cases)
	}
	r.want(http.StatusOK, http.MethodPost, "/moderation/cases/"+*again.CaseID+"/dismiss", nil, nil)
	type reporter struct {
		Reporter string
		Wrong    int
		Weight   float64
	}
	by := items[reporter](r, "/moderation/reporters")
	if len(by) != 3 || by[0].Wrong != 1 || by[0].Weight != 0.2 {
		t.Errorf("reporters %+v", by)
	}
	if n := len(items[report](r, "/moderation/reports?member="+people[0])); n != 3 {
		t.Errorf("%d reports", n)
	}
	body["reporter"] = people[0]
	r.refusal(http.StatusUnprocessableEntity, "reporter", http.MethodPost, "/moderation/reports", body)
}

// The rules for WeCom's own setting come in three shapes, also where nothing was said yet.
func TestKeywordRulesAreExported(t *testing.T) {
	r, _ := townRig(t)
	var k struct {
		Words []struct{ Word, Source string }
		Steps []string `json:"steps_zh"`
	}
	r.want(http.StatusOK, http.MethodGet, "/moderation/keywords?limit=7", nil, &k)
	if len(k.Words) != 7 || k.Words[0].Source != "built_in" || len(k.Steps) == 0 {
		t.Errorf("keywords %+v", k)
	}
	for format, lines := range map[string]int{"csv": 8, "txt": 7} {
		req, err := http.NewRequest(http.MethodGet, r.base+"/api/v1/moderation/keywords?limit=7&format="+format, nil)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+apiToken)
		resp, err := r.web.Do(req)
		must(t, err)
		body, err := io.ReadAll(resp.Body)
		must(t, err)
		must(t, resp.Body.Close())
		if n := strings.Count(string(body), "\n"); resp.StatusCode != http.StatusOK || n != lines || !strings.Contains(string(body), k.Words[0].Word) {
			t.Errorf("%s: %d, %q", format, resp.StatusCode, body)
		}
	}
	r.refusal(http.StatusUnprocessableEntity, "limit", http.MethodGet, "/moderation/keywords?limit=0", nil)
}

package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"xiaobu/app"
)

type correction struct {
	ID, Label, Text, By, Source string
	Weight                      float64
	Active                      bool
	CaseID                      *string              `json:"case_id"`
	CaseChange                  *string              `json:"case_change"`
	TakenBack                   *struct{ By string } `json:"taken_back"`
	Before, After               struct {
		Verdict string
		Score   float64
		Reasons []struct {
			Check  string
			Weight float64
			Spans  []struct{ Start, End int }
		}
	}
	NearCopies struct{ Count, Among int } `json:"near_copies"`
}

// Headquarters say that a text is spam; its copies are so from the next message on, also
// after a restart, until the word is taken back or all of that person's are.
func TestWhatPeopleSayAboutTextsIsLearnt(t *testing.T) {
	r, w := townRig(t)
	r.until(monday.Add(10 * time.Hour))
	const text = "家人们周末有空来我这坐坐,带大家认识几个新朋友,一个月下来收获满满,感兴趣的看我朋友圈"
	check := func(text string) string {
		t.Helper()
		var v struct{ Verdict string }
		r.want(http.StatusOK, http.MethodPost, "/moderation/check", map[string]any{"text": text}, &v)
		return v.Verdict
	}
	say := func(id, text string) string {
		t.Helper()
		body := fmt.Sprintf(`{"message_id":%q,"chat_id":%q,"sender":"wmX","sent_at":%q,"type":"text","text":%q}`, id, w.groups[0], r.clock.now().Format(time.RFC3339), text)
		status, v := r.post(body, feedSecret, r.clock.now())
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, v)
		}
		return v["verdict"].(string)
	}
	if got := say("m1", text) + check(text); got != "hamham" {
		t.Fatalf("it is %s before anybody said anything; choose another text", got)
	}
	var c, again correction
	body := map[string]any{"message_id": "m1", "label": "spam", "by": "anna", "note": "刷单"}
	r.want(http.StatusCreated, http.MethodPost, "/moderation/corrections", body, &c, "Idempotency-Key", "c1")
	r.want(http.StatusCreated, http.MethodPost, "/moderation/corrections", body, &again, "Idempotency-Key", "c1")
	if c.ID != again.ID || c.Before.Verdict != "ham" || c.After.Verdict != "spam" || c.NearCopies.Count != 1 || c.Text != text || c.By != "anna" ||
		c.CaseChange == nil || *c.CaseChange != "opened" || c.CaseID == nil || again.CaseID == nil || *again.CaseID != *c.CaseID {
		t.Errorf("correction %+v, again %+v", c, again)
	}
	if last := c.After.Reasons[0]; last.Check != "correction" || len(last.Spans) != 1 || last.Spans[0].End != len(text) {
		t.Errorf("reasons %+v", c.After.Reasons)
	}
	copied := strings.Replace(text, "孩子奶粉钱", "买菜钱", 1) + "👀"
	if got := say("m2", copied); got != "spam" {
		t.Errorf("a copy is %s", got)
	}
	r.restart(func(*app.Options) {})
	if got := check(copied); got != "spam" {
		t.Errorf("a copy is %s after a restart", got)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/moderation/corrections/"+c.ID+"?by=bo", nil, nil)
	if got := check(text); got != "ham" {
		t.Errorf("it is %s after the word was taken back", got)
	}
	r.refusal(http.StatusConflict, "already", http.MethodDelete, "/moderation/corrections/"+c.ID, nil)
	r.refusal(http.StatusUnprocessableEntity, "text", http.MethodPost, "/moderation/corrections", map[string]any{"label": "ham"})
	r.refusal(http.StatusUnprocessableEntity, "message_id", http.MethodPost, "/moderation/corrections", map[string]any{"message_id": "none", "label": "ham"})
	r.refusal(http.StatusUnprocessableEntity, "label", http.MethodPost, "/moderation/corrections", map[string]any{"text": "x", "label": "bad"})
	r.refusal(http.StatusNotFound, "", http.MethodGet, "/moderation/corrections/99", nil)
	r.manyCorrections(c.ID)
}

// manyCorrections has one person say too much, and rolls it back. first was taken back by then.
func (r *rig) manyCorrections(first string) {
	r.t.Helper()
	for i := range 50 {
		r.want(http.StatusCreated, http.MethodPost, "/moderation/corrections", map[string]any{"text": fmt.Sprintf("第%d条", i), "label": "spam", "by": "eve"}, nil)
	}
	r.refusal(http.StatusTooManyRequests, "eve", http.MethodPost, "/moderation/corrections", map[string]any{"text": "再来一条", "label": "spam", "by": "eve"})
	if n := len(items[correction](r, "/moderation/corrections?active=true&label=spam&by=eve&limit=500")); n != 50 {
		r.t.Errorf("%d corrections of eve", n)
	}
	over := items[correction](r, "/moderation/corrections?active=false")
	if len(over) != 1 || over[0].ID != first || over[0].TakenBack == nil || over[0].TakenBack.By != "bo" {
		r.t.Errorf("taken back: %+v", over)
	}
	var rolled struct{ Count int }
	roll := map[string]any{"by": "eve", "from": r.clock.now().Add(-time.Hour), "to": r.clock.now().Add(time.Hour), "done_by": "anna"}
	r.want(http.StatusOK, http.MethodPost, "/moderation/corrections/rollback", roll, &rolled)
	if rolled.Count != 50 || len(items[correction](r, "/moderation/corrections?active=true&from="+url.QueryEscape(monday.Format(time.RFC3339)))) != 0 {
		r.t.Errorf("rolled back %+v", rolled)
	}
	r.refusal(http.StatusUnprocessableEntity, "by", http.MethodPost, "/moderation/corrections/rollback", map[string]any{})
}

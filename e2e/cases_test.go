package e2e

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
	"xiaobu/sandbox"
)

// caseStory is a case with what was done about it.
type caseStory struct {
	modCase
	Rung     string
	ClosedBy string `json:"closed_by"`
	History  []struct{ What, Who, Detail string }
	Messages []struct{ Text string }
	Strikes  []struct {
		Rung    string
		TakenAt *string `json:"taken_at"`
	}
	Invitation string
	Unblocked  int
}

func (r *rig) caseStory(id string) caseStory {
	r.t.Helper()
	var c caseStory
	r.want(http.StatusOK, http.MethodGet, "/moderation/cases/"+id, nil, &c)
	return c
}

// scrape reads the metrics.
func (r *rig) scrape() (int, string) {
	r.t.Helper()
	resp, err := http.Get(r.bot.URL + "/metrics")
	must(r.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	must(r.t, err)
	return resp.StatusCode, string(data)
}

func (c caseStory) steps() string {
	var out []string
	for _, s := range c.History {
		out = append(out, s.What)
	}
	return strings.Join(out, " ")
}

// Somebody on the blocklist joins: the owner has a card as soon as the group may be read, the
// removal is believed from the list, and one press of the manager takes all of it back.
func TestABlockedPersonIsShownWithinSecondsAndTheDecisionCanBeTakenBack(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/s1", map[string]any{"name": "北门店", "manager": "cashier1"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": "s1"}, nil)
	bad, other := w.customer(), w.customer()
	r.want(http.StatusOK, http.MethodPost, "/moderation/blocklist/many", map[string]any{"by": "anna", "reason": "卖假货", "people": []any{map[string]any{"user_id": bad}, map[string]any{"union_id": "union-nobody", "expires_at": r.clock.now().Add(time.Hour)}}}, nil)
	r.refusal(http.StatusUnprocessableEntity, "expires_at", http.MethodPost, "/moderation/blocklist", map[string]any{"user_id": other, "expires_at": r.clock.now().Add(-time.Hour)})
	kind, table := r.download("/moderation/blocklist?format=csv")
	if !strings.HasPrefix(kind, "text/csv") || !strings.Contains(string(table), bad+",卖假货,anna,") {
		t.Errorf("%s: %s", kind, table)
	}
	joined := r.clock.now()
	_, err := r.box.Join(w.groups[0], bad, sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
	must(t, err)
	r.pass(time.Minute)
	cards := r.box.Cards()
	if len(cards) != 1 || cards[0].At.Sub(joined) > 5*time.Second {
		t.Fatalf("cards %+v, joined %s", cards, joined)
	}
	owner := cards[0].To[0]
	r.pressFirst(cards[0].TaskID, owner, "removed") // which is not true
	r.pass(3 * time.Minute)
	if c := r.caseStory("1"); c.Status != "asked_owner" || !strings.HasSuffix(c.steps(), "claimed claim_false reminded") {
		t.Errorf("case %+v", c)
	}
	var evening struct{ Text string }
	r.want(http.StatusOK, http.MethodGet, "/reports/manager/preview?staff=cashier1", nil, &evening)
	if !strings.Contains(evening.Text, "疑似广告待移出 1 人,其中超过2小时没处理的 0 人") {
		t.Errorf("the manager's evening: %q", evening.Text)
	}
	if _, text := r.scrape(); !strings.Contains(text, `xiaobu_cases{status="asked_owner"} 1`) {
		t.Error("the metrics do not count the case")
	}
	must(t, r.box.Remove(w.groups[0], bad))
	r.pass(time.Minute)
	if c := r.caseStory("1"); c.Status != "removed" {
		t.Errorf("case %+v", c)
	}
	if _, text := r.scrape(); !strings.Contains(text, "xiaobu_case_removal_seconds_count 1") || !strings.Contains(text, `xiaobu_case_removal_seconds_bucket{le="10"} 0`) {
		t.Error("the metrics do not count the removal")
	}
	var total struct {
		Total struct {
			Removed     int
			FalseClaims int     `json:"false_claims"`
			ToCard      float64 `json:"seconds_to_card_median"`
		}
		Items []struct{ ID string }
	}
	r.want(http.StatusOK, http.MethodGet, "/moderation/stats?by=store&from=2026-01-01T00:00:00Z", nil, &total)
	if total.Total.Removed != 1 || total.Total.FalseClaims != 1 || len(total.Items) != 1 || total.Items[0].ID != "s1" {
		t.Errorf("stats %+v", total)
	}
	r.refusal(http.StatusUnprocessableEntity, "by", http.MethodPost, "/moderation/cases/1/undo", map[string]any{"by": " "})
	var undone caseStory
	r.want(http.StatusOK, http.MethodPost, "/moderation/cases/1/undo", map[string]any{"by": "anna", "note": "认错人了"}, &undone)
	if undone.Status != "dismissed" || undone.ClosedBy != "anna" || !strings.Contains(undone.Invitation, "欢迎您回来") {
		t.Errorf("undone %+v", undone)
	}
	r.refusal(http.StatusConflict, "", http.MethodPost, "/moderation/cases/1/undo", map[string]any{"by": "anna"})
}

// In a chat of the app the bot removes by itself, and believes the chat's own list.
func TestTheBotRemovesFromAnAppChat(t *testing.T) {
	r, w := townRig(t)
	_ = w
	room, err := r.app.Platform.CreateAppChat(t.Context(), bot.AppChat{ID: "ops", Name: "运营群", Owner: "owner0", Users: []bot.UserID{"owner0", "cashier0", "cashier1"}})
	must(t, err)
	r.refusal(http.StatusUnprocessableEntity, "chat_id", http.MethodPost, "/moderation/cases", map[string]any{"chat_id": "elsewhere", "member": "cashier1", "reason": "广告", "by": "anna"})
	var c caseStory
	body := map[string]any{"chat_id": room, "member": "cashier1", "reason": "在群里发广告", "by": "anna"}
	r.want(http.StatusCreated, http.MethodPost, "/moderation/cases", body, &c, "Idempotency-Key", "k1")
	var again caseStory
	r.want(http.StatusCreated, http.MethodPost, "/moderation/cases", body, &again, "Idempotency-Key", "k1")
	r.pass(time.Minute)
	if c = r.caseStory(c.ID); again.ID != c.ID || c.Status != "removed" || c.steps() != "opened bot_removes bot_removed removed warning" {
		t.Errorf("case %+v: %s", c, c.steps())
	}
	if chat := r.box.AppChats()[0]; slices.Contains(chat.Members, "cashier1") || len(chat.Messages) != 1 {
		t.Errorf("chat %+v", chat)
	}
	if n := len(items[map[string]any](r, "/app-chats")); n != 1 {
		t.Errorf("%d app chats", n)
	}
	r.want(http.StatusNoContent, http.MethodDelete, "/app-chats/"+room, nil, nil)
	r.refusal(http.StatusNotFound, "", http.MethodDelete, "/app-chats/"+room, nil)
}

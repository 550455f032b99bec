package e2e

import (
	"maps"
	"net/http"
	"strings"
	"testing"
)

// code is a channel with what a printed code needs.
type code struct {
	ID, Name, Staff, State, Code, URL, Place, Purpose string
	StoreID                                           *string  `json:"store_id"`
	ConfigID                                          string   `json:"config_id"`
	ChatIDs                                           []string `json:"chat_ids"`
	NextChatIDs                                       []string `json:"next_chat_ids"`
	AutoCreate                                        bool     `json:"auto_create"`
	BaseName                                          string   `json:"base_name"`
	Threshold                                         int
}

// codeBody is a good request for a group code, changed.
func codeBody(chats []string, change map[string]any) map[string]any {
	b := map[string]any{"name": "3号收银台", "kind": "group_qr", "staff": "cashier0", "chat_ids": chats}
	maps.Copy(b, change)
	return b
}

func TestACodeKnowsWhereItHangs(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/east", map[string]any{"name": "东门店", "region": "东区"}, nil)
	var c, again code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{
		"staff": "", "store_id": "east", "place": "门口", "purpose": "poster", "state": "door_1-A", "next_chat_ids": w.groups[1:2]}), &c)
	r.want(http.StatusOK, http.MethodGet, "/channels/"+c.ID, nil, &again)
	if c.State != "door_1-A" || len(c.Code) != 12 || c.URL != "http://127.0.0.1/q/"+c.Code || *again.StoreID != "east" ||
		again.Place != "门口" || again.Purpose != "poster" || again.NextChatIDs[0] != w.groups[1] || again.Threshold != 190 {
		t.Errorf("got %+v and %+v", c, again)
	}
}

func TestCodesThatCannotBeAreRefused(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/east", map[string]any{"name": "东门店"}, nil)
	must(t, r.box.Resign("cashier1"))
	must(t, r.box.Dismiss(w.groups[1]))
	r.drain()
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{"state": "taken"}), nil)
	made := len(r.box.JoinWays())
	for _, c := range []struct {
		status int
		where  string
		change map[string]any
	}{
		{422, "staff", map[string]any{"staff": ""}},
		{422, "staff", map[string]any{"staff": "cashier1"}}, // has left the company
		{422, "staff", map[string]any{"staff": "nobody"}},
		{422, "staff", map[string]any{"staff": "", "store_id": "east", "kind": "contact_qr", "chat_ids": nil}},
		{422, "store_id", map[string]any{"store_id": "west"}},
		{422, "state", map[string]any{"state": strings.Repeat("s", 31)}},
		{422, "state", map[string]any{"state": "前台"}},
		{409, "taken", map[string]any{"state": "taken"}},
		{422, "purpose", map[string]any{"purpose": "referral"}},
		{422, "threshold", map[string]any{"threshold": 201}},
		{422, "place", map[string]any{"place": strings.Repeat("台", 61)}},
		{422, "chat_ids[0]", map[string]any{"chat_ids": []string{"wrFOREIGN"}}},
		{422, "chat_ids[0]", map[string]any{"chat_ids": w.groups[1:2]}}, // dissolved
		{422, "chat_ids", map[string]any{"chat_ids": append(make([]string, 5), w.groups[0])}},
		{422, "next_chat_ids[0]", map[string]any{"next_chat_ids": []string{"wrFOREIGN"}}},
	} {
		r.refusal(c.status, c.where, http.MethodPost, "/channels", codeBody(w.groups[:1], c.change))
	}
	if n := len(r.box.JoinWays()) + len(r.box.ContactWays()); n != made {
		t.Errorf("%d codes at the platform, want %d", n, made)
	}
}

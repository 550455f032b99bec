package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaobu/sandbox"
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
	Condition, Alarm                                  string
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

// scan lets customers scan a code at the platform, ten at a time, and returns the groups they
// came into.
func (w *town) scan(r *rig, config string, n int) map[string]int {
	r.t.Helper()
	into := map[string]int{}
	for ; n > 0; n -= 10 {
		var people []string
		for range min(n, 10) {
			people = append(people, w.customer())
		}
		chat, err := w.box.JoinMany("", sandbox.How{ConfigID: config}, people...)
		must(r.t, err)
		into[chat] += len(people)
		r.pass(10 * time.Second)
	}
	r.pass(time.Minute)
	return into
}

// notes are the texts about codes that somebody got.
func (r *rig) notes(to string) []string {
	var out []string
	for _, m := range r.box.AppMessages() {
		if slices.Contains(m.To, to) && strings.Contains(m.Text, "入群码") {
			out = append(out, m.Text)
		}
	}
	return out
}

func (r *rig) code(id string) code {
	r.t.Helper()
	var c code
	r.want(http.StatusOK, http.MethodGet, "/channels/"+id, nil, &c)
	return c
}

func (r *rig) way(config string) sandbox.JoinWay {
	r.t.Helper()
	for _, w := range r.box.JoinWays() {
		if w.ConfigID == config {
			return w
		}
	}
	r.t.Fatalf("no code %s at the platform", config)
	return sandbox.JoinWay{}
}

// A printed code lives on: three groups fill up, the reserve goes in, then the manager is
// asked once a day, and the group made then is taken in by itself.
func TestAPrintedCodeNeverDies(t *testing.T) {
	if slow > 1 {
		t.Skip("too many people for the race detector")
	}
	r, w := townRig(t)
	var groups []string
	for i := range 4 {
		id, err := r.box.CreateGroup("owner0", fmt.Sprintf("东门%d群", i+1))
		must(t, err)
		groups = append(groups, id)
	}
	r.pass(time.Minute)
	r.want(http.StatusOK, http.MethodPut, "/stores/east", map[string]any{"name": "东门店", "manager": "owner2"}, nil)
	for _, id := range groups[:3] {
		r.want(http.StatusOK, http.MethodPut, "/groups/"+id, map[string]any{"store_id": "east"}, nil)
	}
	var c, twin code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(groups[:3], map[string]any{"store_id": "east", "next_chat_ids": groups[3:]}), &c)
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(groups[:3], map[string]any{"store_id": "east", "name": "4号收银台"}), &twin)
	w.scan(r, c.ConfigID, 580)
	if got := r.code(c.ID); got.Condition != "live" || len(got.ChatIDs) != 3 {
		t.Errorf("with 580 in: %+v", got)
	}
	w.scan(r, c.ConfigID, 10)
	if got := r.code(c.ID); got.Condition != "live" || !slices.Equal(got.ChatIDs, groups) || len(got.NextChatIDs) != 0 {
		t.Errorf("with 590 in the reserve is not put in: %+v", got)
	}
	if got := r.way(twin.ConfigID).Chats; !slices.Contains(got, groups[3]) {
		t.Errorf("the other code of the store did not get its new group: %v", got)
	}
	if into := w.scan(r, c.ConfigID, 200); into[groups[3]] != 190 {
		t.Errorf("came into %v", into)
	}
	if got := r.code(c.ID); got.Condition != "nearly_full" || !strings.Contains(got.Alarm, "约9个位置") || !strings.Contains(got.Alarm, "owner2") {
		t.Errorf("with 790 in: %+v", got)
	}
	if n := r.notes("owner2"); len(n) != 1 || !strings.Contains(n[0], "东门店 「3号收银台」等 2 个码") {
		t.Errorf("the manager read %q", n)
	}
	w.scan(r, c.ConfigID, 10)
	if got := r.code(c.ID); got.Condition != "full" {
		t.Errorf("with 800 in: %+v", got)
	}
	if n := r.notes("owner2"); len(n) != 2 || !strings.Contains(n[1], "都满了") {
		t.Errorf("the manager read %q", n)
	}
	r.pass(30 * time.Hour)
	if n := r.notes("owner2"); len(n) != 3 {
		t.Errorf("a day later the manager read %d notes, want one a day: %q", len(n), n)
	}
	fresh, err := r.box.CreateGroup("owner2", "东门5群")
	must(t, err)
	r.pass(time.Minute)
	if got := r.code(c.ID); got.Condition != "live" || !slices.Contains(got.ChatIDs, fresh) || got.Alarm != "" || len(got.ChatIDs) != 5 {
		t.Errorf("the new group is not taken in: %+v", got)
	}
	if n := r.notes("owner2"); len(n) != 4 || !strings.Contains(n[3], "已恢复") {
		t.Errorf("the manager read %q", n)
	}
	if into := w.scan(r, c.ConfigID, 5); into[fresh] != 5 {
		t.Errorf("came into %v", into)
	}
	var g struct {
		StoreID string `json:"store_id"`
	}
	r.want(http.StatusOK, http.MethodGet, "/groups/"+fresh, nil, &g)
	if g.StoreID != "east" {
		t.Errorf("the new group is of store %q", g.StoreID)
	}
}

// wecomCall makes a call as another program of the company does.
func (r *rig) wecomCall(path string, body map[string]any) map[string]any {
	r.t.Helper()
	ask := func(req *http.Request) (out map[string]any) {
		resp, err := http.DefaultClient.Do(req)
		must(r.t, err)
		defer resp.Body.Close()
		must(r.t, json.NewDecoder(resp.Body).Decode(&out))
		if out["errcode"] != 0.0 {
			r.t.Fatalf("%s: %v", req.URL.Path, out)
		}
		return out
	}
	box := r.box.Config()
	req, err := http.NewRequest(http.MethodGet, r.wecom.URL+"/cgi-bin/gettoken?corpid="+box.CorpID+"&corpsecret="+box.Secret, nil)
	must(r.t, err)
	token := ask(req)["access_token"].(string)
	data, err := json.Marshal(body)
	must(r.t, err)
	req, err = http.NewRequest(http.MethodPost, r.wecom.URL+"/cgi-bin/"+path+"?access_token="+token, bytes.NewReader(data))
	must(r.t, err)
	return ask(req)
}

func TestAChangedCodeKeepsWhatOthersSet(t *testing.T) {
	r, w := townRig(t)
	var c code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{"auto_create": true, "base_name": "东门"}), &c)
	r.wecomCall("externalcontact/groupchat/update_join_way", map[string]any{"config_id": c.ConfigID, "scene": 2, "remark": "别人写的",
		"auto_create_room": 1, "room_base_name": "西门", "room_base_id": 77, "chat_id_list": w.groups[:1], "state": c.State, "mark_source": true})
	r.want(http.StatusOK, http.MethodPatch, "/channels/"+c.ID, map[string]any{"chat_ids": w.groups[:2], "place": "门口"}, &c)
	way := r.way(c.ConfigID)
	if way.Remark != "别人写的" || way.BaseName != "西门" || way.BaseID != 77 || !way.AutoCreate || !way.MarkSource || way.State != c.State || len(way.Chats) != 2 {
		t.Errorf("the code is now %+v", way)
	}
	if c.BaseName != "西门" || c.Place != "门口" || c.Name != "3号收银台" || len(c.ChatIDs) != 2 {
		t.Errorf("the channel is now %+v", c)
	}
	var card code
	r.want(http.StatusCreated, http.MethodPost, "/channels", map[string]any{"name": "导购", "kind": "contact_qr", "staff": "cashier0"}, &card)
	r.wecomCall("externalcontact/update_contact_way", map[string]any{"config_id": card.ConfigID, "remark": "r2", "skip_verify": false, "style": 1})
	r.want(http.StatusOK, http.MethodPatch, "/channels/"+card.ID, map[string]any{"staff": "cashier1"}, &card)
	got := r.wecomCall("externalcontact/get_contact_way", map[string]any{"config_id": card.ConfigID})["contact_way"].(map[string]any)
	if got["remark"] != "r2" || got["skip_verify"] != false || got["style"] != 1.0 || got["state"] != card.State || got["user"].([]any)[0] != "cashier1" {
		t.Errorf("the staff code is now %v", got)
	}
	r.refusal(http.StatusUnprocessableEntity, "staff", http.MethodPatch, "/channels/"+card.ID, map[string]any{"staff": "nobody"})
	r.refusal(http.StatusUnprocessableEntity, "chat_ids", http.MethodPatch, "/channels/"+c.ID, map[string]any{"chat_ids": []string{}})
	r.refusal(http.StatusNotFound, "", http.MethodPatch, "/channels/999", map[string]any{"name": "x"})
}

func TestTwoWritersLoseNothing(t *testing.T) {
	r, w := townRig(t)
	var c code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], nil), &c)
	var wg sync.WaitGroup
	for _, change := range []map[string]any{{"chat_ids": w.groups[:2]}, {"auto_create": true}, {"base_name": "东门"}, {"place": "门口"}, {"staff": "cashier1"}} {
		wg.Go(func() {
			if got := r.call(http.MethodPatch, "/channels/"+c.ID, change, nil); got != http.StatusOK {
				t.Errorf("%v: %d", change, got)
			}
		})
	}
	wg.Wait()
	way, got := r.way(c.ConfigID), r.code(c.ID)
	if len(way.Chats) != 2 || !way.AutoCreate || way.BaseName != "东门" || len(got.ChatIDs) != 2 || got.Place != "门口" || got.Staff != "cashier1" || !got.AutoCreate || got.BaseName != "东门" {
		t.Errorf("the code is %+v, the channel %+v", way, got)
	}
}

type referral struct {
	ID, Member, State, Code, Status string
	ConfigID                        string `json:"config_id"`
	Joins, Present                  int
}

func TestACustomerGetsOnePersonalCode(t *testing.T) {
	r, w := townRig(t)
	one := w.customer()
	_, err := r.box.Join(w.groups[0], one, sandbox.How{Scene: sandbox.SceneDirect, Inviter: "cashier0"})
	must(t, err)
	r.pass(time.Minute)
	body := map[string]any{"chat_id": w.groups[0], "member": one}
	var first, again, keyed referral
	r.want(http.StatusCreated, http.MethodPost, "/referrals", body, &first, "Idempotency-Key", "k1")
	r.want(http.StatusCreated, http.MethodPost, "/referrals", body, &keyed, "Idempotency-Key", "k2")
	r.want(http.StatusCreated, http.MethodPost, "/referrals", body, &again)
	if first.ID == "" || first != again || first != keyed || len(r.box.JoinWays()) != 1 {
		t.Fatalf("got %+v, %+v and %+v", first, again, keyed)
	}
	a, b := w.customer(), w.customer()
	for _, id := range []string{a, b} {
		_, err := r.box.Join("", id, sandbox.How{ConfigID: first.ConfigID})
		must(t, err)
	}
	r.pass(time.Minute)
	must(t, r.box.Leave(w.groups[0], b))
	r.pass(time.Minute)
	var entries []entry
	for _, e := range items[entry](r, "/rewards/entries") {
		if e.Member == a || e.Member == b {
			entries = append(entries, e)
		}
	}
	list := items[referral](r, "/referrals?member="+one+"&chat_id="+w.groups[0]+"&status=active")
	if len(list) != 1 || list[0].Joins != 2 || list[0].Present != 1 || len(entries) != 0 {
		t.Errorf("the code brought %+v, entries %+v", list, entries)
	}
	for _, m := range items[struct {
		UserID   string `json:"user_id"`
		Referrer string
		By       string `json:"inviter_by"`
	}](r, "/groups/"+w.groups[0]+"/members") {
		if m.UserID == a && (m.Referrer != one || m.By != "none") {
			t.Errorf("the new member came by %+v", m)
		}
	}
	r.refusal(http.StatusUnprocessableEntity, "member", http.MethodPost, "/referrals", map[string]any{"chat_id": w.groups[0], "member": b})
	r.refusal(http.StatusUnprocessableEntity, "member", http.MethodPost, "/referrals", map[string]any{"chat_id": w.groups[0], "member": "cashier0"})
	r.refusal(http.StatusUnprocessableEntity, "chat_id", http.MethodPost, "/referrals", map[string]any{"chat_id": "wrNONE", "member": one})
	r.want(http.StatusNoContent, http.MethodDelete, "/referrals/"+first.ID, nil, nil)
	r.want(http.StatusCreated, http.MethodPost, "/referrals", body, &again)
	var use struct{ Used, Limit, Referrals, Retirable int }
	r.want(http.StatusOK, http.MethodGet, "/channels/usage", nil, &use)
	if again.ID == first.ID || use.Used != 1 || use.Limit != 500_000 || use.Referrals != 1 || use.Retirable != 0 {
		t.Errorf("after retiring: %+v, usage %+v", again, use)
	}
	must(t, r.box.SetFaults(sandbox.Faults{Limits: sandbox.Limits{Ways: 1}}))
	r.refusal(http.StatusBadGateway, "500,000", http.MethodPost, "/channels", codeBody(w.groups[:1], nil))
	if n := len(items[referral](r, "/referrals?status=retired")); n != 1 {
		t.Errorf("%d retired codes", n)
	}
	if n := len(items[code](r, "/channels")); n != 0 {
		t.Errorf("%d channels are listed, want no personal codes", n)
	}
}

func TestTheEstateTellsHowEachCodeDoes(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/east", map[string]any{"name": "东门店", "region": "东区", "manager": "owner0"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/stores/west", map[string]any{"name": "=西门店", "region": "西区"}, nil)
	var till, door, card code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{"store_id": "east", "place": "3号收银台"}), &till)
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[1:2], map[string]any{"store_id": "west", "staff": "", "purpose": "poster"}), &door)
	r.want(http.StatusCreated, http.MethodPost, "/channels", map[string]any{"name": "导购", "kind": "contact_qr", "staff": "cashier0"}, &card)
	scan := func(c code) {
		_, err := r.box.Join("", w.customer(), sandbox.How{ConfigID: c.ConfigID})
		must(t, err)
		r.pass(time.Minute)
	}
	scan(till)
	r.pass(8 * 24 * time.Hour)
	scan(till)
	scan(till)
	must(t, r.box.Dismiss(w.groups[1]))
	r.pass(time.Minute)
	type estateCode struct {
		ID, Status, Alarm, Place, Region string
		StoreName                        string `json:"store_name"`
		StaffName                        string `json:"staff_name"`
		Joins                            int
		Days                             []struct {
			Day   string
			Joins int
		}
		Groups []struct {
			ChatID          string `json:"chat_id"`
			Status          string
			Members, ByCode int
		}
		LastJoin *time.Time `json:"last_join_at"`
	}
	all := items[estateCode](r, "/channels/estate?")
	if len(all) != 3 {
		t.Fatalf("%d codes: %+v", len(all), all)
	}
	got := all[0]
	if got.Status != "live" || got.StoreName != "东门店" || got.StaffName != "收银0" || got.Joins != 3 || len(got.Days) != 14 || got.Days[13].Joins != 2 ||
		got.Days[5].Joins != 1 || got.Days[13].Day != r.clock.now().In(r.conf.Timezone).Format(time.DateOnly) || got.Groups[0].Members != 5 || got.LastJoin == nil {
		t.Errorf("the till: %+v", got)
	}
	if got := all[1]; got.Status != "dead" || !strings.Contains(got.Alarm, "解散") || got.Groups[0].Status != "dismissed" {
		t.Errorf("the door: %+v", got)
	}
	if got := all[2]; got.Status != "unused" || got.Alarm == "" {
		t.Errorf("the card: %+v", got)
	}
	for query, want := range map[string]string{"store_id=east": till.ID, "region=西区": door.ID, "status=dead": door.ID, "status=unused": card.ID, "status=live": till.ID} {
		if some := items[estateCode](r, "/channels/estate?"+query); len(some) != 1 || some[0].ID != want {
			t.Errorf("%s: %+v", query, some)
		}
	}
	req, err := http.NewRequest(http.MethodGet, r.base+"/api/v1/channels/estate?format=csv", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+apiToken)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	rows, err := csv.NewReader(resp.Body).ReadAll()
	must(t, err)
	if len(rows) != 4 || rows[1][2] != "3号收银台" || rows[1][13] != "3" || rows[2][9] != "'=西门店" {
		t.Errorf("the table: %q", rows)
	}
}

// WeCom opens the next group by itself: it belongs where the group before it belonged, and
// its joins count.
func TestAGroupThatWeComOpensIsLearnt(t *testing.T) {
	r, w := townRig(t)
	r.want(http.StatusOK, http.MethodPut, "/stores/east", map[string]any{"name": "东门店"}, nil)
	r.want(http.StatusOK, http.MethodPut, "/groups/"+w.groups[0], map[string]any{"store_id": "east", "labels": []string{"秒杀"}, "hands_off": true}, nil)
	var c code
	r.want(http.StatusCreated, http.MethodPost, "/channels", codeBody(w.groups[:1], map[string]any{"auto_create": true, "base_name": "东门", "threshold": 195}), &c)
	into := w.scan(r, c.ConfigID, 200)
	if got := r.code(c.ID); len(into) != 1 || got.Condition != "nearly_full" || len(r.notes("owner0")) != 0 {
		t.Errorf("before: %v, %+v, notes %q", into, got, r.notes("owner0"))
	}
	into = w.scan(r, c.ConfigID, 10)
	got := r.code(c.ID)
	if len(got.ChatIDs) != 2 || got.Condition != "live" || into[got.ChatIDs[1]] != 10 {
		t.Fatalf("the new group is not known: %v, %+v", into, got)
	}
	var g struct {
		StoreID   string `json:"store_id"`
		Labels    []string
		Customers int
		HandsOff  bool `json:"hands_off"`
	}
	r.want(http.StatusOK, http.MethodGet, "/groups/"+got.ChatIDs[1], nil, &g)
	if g.StoreID != "east" || !slices.Equal(g.Labels, []string{"秒杀"}) || g.Customers != 10 || !g.HandsOff {
		t.Errorf("the new group is %+v", g)
	}
	var counts struct{ Joins int }
	r.want(http.StatusOK, http.MethodGet, "/channels/"+c.ID, nil, &counts)
	if counts.Joins != 210 {
		t.Errorf("%d joins, want 210", counts.Joins)
	}
}

package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	serveds   = "externalcontact/contact_list"
	openGIDs  = "externalcontact/opengid_to_chatid"
	unionIDs  = "idconvert/unionid_to_external_userid"
	contactOf = "externalcontact/get?external_userid="
)

func idCalls() []goodCall {
	return []goodCall{
		{serveds, `{"cursor":"","limit":1000}`, `{"info_list":[{"is_customer":true,"tmp_openid":"x","external_userid":"x","add_time":1,"follow_userid":"x"}],"next_cursor":""}`},
		{openGIDs, `{"opengid":"$OPENGID"}`, `{"chat_id":"x"}`},
		{unionIDs, `{"unionid":"$UNION","openid":"o","subject_type":0}`, `{"external_userid":"x"}`},
		{"externalcontact/unionid_to_external_userid", `{"unionid":"$UNION","openid":"o"}`, `{"external_userid":"x"}`},
	}
}

func TestMembersOfAnEstablishedGroupAreServed(t *testing.T) {
	w := newWorld(t, Config{})
	people, now := w.customers(3), w.clock.Now()
	var members []Presence
	for _, id := range people {
		members = append(members, Presence{User: id, Joined: now.Add(-time.Hour), Scene: SceneQR})
	}
	got[string](t)(w.EstablishGroup("wang", "老群", nil, now.Add(-48*time.Hour), members))
	if list := w.ok(serveds, map[string]any{})["info_list"].([]any); len(list) != len(people) {
		t.Errorf("%d are served", len(list))
	}
}

func TestAGroupIsFoundByItsOpenGID(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	gid := got[string](t)(w.OpenGID(chat))
	if out := w.ok(openGIDs, map[string]any{"opengid": gid}); out["chat_id"] != chat || gid == chat {
		t.Errorf("%s: %v", gid, out)
	}
	body := func(id string) string { return fmt.Sprintf(`{"opengid":%q}`, id) }
	w.refused(openGIDs, map[string]int{`{}`: 40063, body("oGnobody"): 90501, body(chat): 90501})
	must(t, w.Dismiss(chat))
	w.refused(openGIDs, map[string]int{body(gid): 49008})
	if _, err := w.OpenGID(chat); err == nil {
		t.Error("a dissolved group was opened")
	}
}

func TestAPersonIsFoundByUnionID(t *testing.T) {
	w := newWorld(t, Config{})
	p := got[string](t)(w.AddCustomer(Customer{Name: "甲", UnionID: "oUnion"}))
	body := `{"unionid":"oUnion","openid":"oOpen"}`
	w.refused(unionIDs, map[string]int{`{"openid":"x"}`: 40063, body: 84061, `{"unionid":"o"}`: 84061, `{"unionid":"o","subject_type":2}`: 40058})
	got[Contact](t)(w.AddContact("wang", p, Via{}))
	if out := w.ok(unionIDs, body); out["external_userid"] != p {
		t.Errorf("%v", out)
	}
	must(t, w.DeleteContact("wang", p, false))
	w.refused(unionIDs, map[string]int{body: 84061})
}

func TestEverybodyServedIsListed(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(3)
	chat := w.group("一群")
	w.invite(chat, p[0])
	got[Contact](t)(w.AddContact("li", p[1], Via{}))
	w.invite(chat, p[1], p[2])
	must(t, w.Leave(chat, p[2]))
	var rows []any
	cursor := ""
	for range 2 {
		out := w.ok(serveds, map[string]any{"limit": 2, "cursor": cursor})
		rows = append(rows, out["info_list"].([]any)...)
		cursor = out["next_cursor"].(string)
	}
	if len(rows) != 3 || cursor != "" || dig(rows, 0, "chat_id") != chat || dig(rows, 1, "follow_userid") != "li" ||
		dig(rows, 1, "chat_id") != nil || dig(rows, 2, "tmp_openid") != dig(rows, 1, "tmp_openid") {
		t.Errorf("%v", rows)
	}
	w.clock.Add(31 * 24 * time.Hour)
	w.login()
	if out := w.ok(serveds, `{}`); dig(out, "info_list", 0, "tmp_openid") == dig(rows, 0, "tmp_openid") {
		t.Error("a temporary id is for ever")
	}
	w.refused(serveds, map[string]int{`{"limit":1001}`: 40058, `{"cursor":"x"}`: 50100})
}

func TestFollowersArePaged(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(2)
	got[Contact](t)(w.AddContact("wang", p[1], Via{}))
	for i := range 501 {
		id := fmt.Sprintf("u%d", i)
		must(t, w.AddStaff(Staff{UserID: id, Name: "员"}))
		got[Contact](t)(w.AddContact(id, p[0], Via{NoWelcome: true}))
	}
	first := w.get(contactOf + p[0])
	cursor := first["next_cursor"].(string)
	second := w.get(contactOf + p[0] + "&cursor=" + cursor)
	if size(first["follow_user"]) != 500 || size(second["follow_user"]) != 1 || second["next_cursor"] != "" ||
		dig(second, "follow_user", 0, "userid") != "u500" || dig(second, "external_contact", "external_userid") != p[0] {
		t.Errorf("%d and then %v", size(first["follow_user"]), second)
	}
	for _, wrong := range []string{contactOf + p[1] + "&cursor=" + cursor, contactOf + p[0] + "&cursor=x"} {
		if out := w.get(wrong); code(out) != 50100 {
			t.Errorf("%s: %v", strings.TrimPrefix(wrong, contactOf), out)
		}
	}
}

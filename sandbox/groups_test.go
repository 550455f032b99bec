package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func (w *world) chat(id string) map[string]any {
	w.t.Helper()
	out := w.ok("externalcontact/groupchat/get", map[string]any{"chat_id": id, "need_name": 1})
	return out["group_chat"].(map[string]any)
}

// memberRow finds a person in an answered member list.
func memberRow(chat map[string]any, user string) map[string]any {
	for i := range size(chat["member_list"]) {
		if m := dig(chat, "member_list", i); dig(m, "userid") == user {
			return m.(map[string]any)
		}
	}
	return nil
}

func TestTheMemberListTellsHowPeopleCame(t *testing.T) {
	w := newWorld(t, Config{Seed: 1})
	chat := w.group("一群")
	p := w.customers(4)
	way := w.ok("externalcontact/groupchat/add_join_way", map[string]any{"scene": 2, "state": "s1", "chat_id_list": []string{chat}})
	w.invite(chat, p[0])
	got[string](t)(w.Join(chat, p[1], How{Scene: SceneLink, Inviter: p[0]}))
	got[string](t)(w.Join(chat, p[2], How{Scene: SceneLink, Inviter: "li"}))
	got[string](t)(w.Join("", p[3], How{ConfigID: way["config_id"].(string)}))
	out := w.chat(chat)
	for user, want := range map[string][3]any{
		"wang": {1.0, nil, nil}, "li": {1.0, "wang", nil}, p[0]: {1.0, "wang", nil},
		p[1]: {2.0, nil, nil}, p[2]: {2.0, "li", nil}, p[3]: {3.0, nil, "s1"},
	} {
		m := memberRow(out, user)
		if gotten := [3]any{m["join_scene"], dig(m, "invitor", "userid"), m["state"]}; gotten != want {
			t.Errorf("%s: %v, want %v", user, gotten, want)
		}
	}
	if m := memberRow(out, p[0]); m["type"] != 2.0 || m["unionid"] == nil || m["name"] != "顾客" || m["join_time"] != float64(w.clock.Now().Unix()) {
		t.Errorf("customer: %v", m)
	}
	if m := memberRow(out, "li"); m["type"] != 1.0 || m["unionid"] != nil || m["name"] != "李小满" {
		t.Errorf("staff: %v", m)
	}
	if g := got[Group](t)(w.Group(chat)); g.Members[3].Inviter != p[0] {
		t.Errorf("auditors must know the customer who invited: %+v", g.Members[3])
	}
	plain := w.ok("externalcontact/groupchat/get", map[string]any{"chat_id": chat})
	if dig(plain, "group_chat", "member_list", 0, "name") != nil {
		t.Error("names without need_name")
	}
}

func TestMemberVersionsFormAChain(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	before := w.chat(chat)["member_version"]
	p := w.customers(3)
	w.invite(chat, p...)
	must(t, w.Leave(chat, p[0]))
	must(t, w.Remove(chat, p[1]))
	must(t, w.Rename(chat, "新名"))
	seen := map[any]bool{before: true}
	for _, cb := range w.Callbacks() {
		if !strings.Contains(cb.XML, "LastMemVer") {
			continue
		}
		if last := cut(cb.XML, "<LastMemVer><![CDATA[", "]]>"); last != before {
			t.Errorf("%s: last version %s, want %v", cb.Kind, last, before)
		}
		cur := cut(cb.XML, "<CurMemVer><![CDATA[", "]]>")
		if len(cur) != 32 || seen[cur] {
			t.Errorf("version %q", cur)
		}
		seen[cur] = true
		before = cur
	}
	if len(seen) != 6 {
		t.Errorf("%d versions, want 6", len(seen))
	}
	if now := w.chat(chat)["member_version"]; now != before {
		t.Errorf("the group shows %v, the last event %v", now, before)
	}
}

func cut(text, left, right string) string {
	_, text, _ = strings.Cut(text, left)
	text, _, _ = strings.Cut(text, right)
	return text
}

func TestMembersShowOnlyAfterTheLag(t *testing.T) {
	w := newWorld(t, Config{Lag: 3 * time.Second})
	chat := w.group("一群")
	p := w.customers(1)[0]
	old := w.chat(chat)["member_version"]
	w.invite(chat, p)
	if out := w.chat(chat); memberRow(out, p) != nil || out["member_version"] != old {
		t.Error("the member shows at once")
	}
	if at, more := w.Due(); !more || !at.Equal(w.clock.Now().Add(3*time.Second)) {
		t.Errorf("due %v, %v", at, more)
	}
	w.clock.Add(3 * time.Second)
	if n := w.step(); n != 1 {
		t.Errorf("%d things done", n)
	}
	if out := w.chat(chat); memberRow(out, p) == nil || out["member_version"] == old {
		t.Error("the member does not show after the lag")
	}
	must(t, w.Leave(chat, p))
	if out := w.chat(chat); memberRow(out, p) == nil {
		t.Error("the member is gone at once")
	}
}

func TestGroupsArePagedByOwner(t *testing.T) {
	w := newWorld(t, Config{})
	want := map[any]bool{}
	for i := range 7 {
		want[w.group(fmt.Sprint("群", i))] = true
	}
	got[string](t)(w.CreateGroup("li", "别人的群"))
	page := func(cursor any) map[string]any {
		return w.ok("externalcontact/groupchat/list", map[string]any{
			"limit": 3, "cursor": cursor, "owner_filter": map[string]any{"userid_list": []string{"wang"}},
		})
	}
	out := page("")
	var seen []any
	for {
		for i := range size(out["group_chat_list"]) {
			seen = append(seen, dig(out, "group_chat_list", i, "chat_id"))
		}
		if out["next_cursor"] == "" {
			break
		}
		if len(seen) == 3 { // a group of an earlier page vanishes meanwhile
			must(t, w.Dismiss(seen[0].(string)))
		}
		out = page(out["next_cursor"])
	}
	if len(seen) != 7 {
		t.Errorf("%d groups, want 7", len(seen))
	}
	for _, id := range seen {
		if !want[id] {
			t.Errorf("%v is not wang's", id)
		}
	}
	all := w.ok("externalcontact/groupchat/list", map[string]any{"limit": 1000})
	if n := size(all["group_chat_list"]); n != 7 {
		t.Errorf("%d groups in all, want 7", n)
	}
	other := w.post("externalcontact/batch/get_by_user", map[string]any{"userid_list": []string{"wang"}, "cursor": page("")["next_cursor"]})
	if code(other) != 50100 {
		t.Errorf("a cursor of another list: %v", other)
	}
}

func TestMoreThanAThousandGroupsWantAnOwnerFilter(t *testing.T) {
	w := newWorld(t, Config{})
	for i := range 1001 {
		w.group(fmt.Sprint("群", i))
	}
	if out := w.post("externalcontact/groupchat/list", map[string]any{"limit": 10}); code(out) != 81017 {
		t.Errorf("without filter: %v", out)
	}
	w.ok("externalcontact/groupchat/list", map[string]any{"limit": 10, "owner_filter": map[string]any{"userid_list": []string{"wang"}}})
}

func TestAGroupIsFullAtFiveHundred(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	p := w.customers(499)
	got[string](t)(w.JoinMany(chat, How{Inviter: "wang"}, p[:498]...))
	if _, err := w.Join(chat, p[498], How{Inviter: "wang"}); err == nil {
		t.Error("the 501st came in")
	}
	must(t, w.Leave(chat, p[0]))
	w.invite(chat, p[498])
}

func TestImpossibleMovesAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	p := w.customers(2)
	w.invite(chat, p[0])
	for name, err := range map[string]error{
		"join twice":             second(w.Join(chat, p[0], How{Inviter: "wang"})),
		"join an unknown group":  second(w.Join("wr0", p[1], How{Inviter: "wang"})),
		"an unknown person":      second(w.Join(chat, "wm0", How{Inviter: "wang"})),
		"an inviter from afar":   second(w.Join(chat, p[1], How{Inviter: "zhao"})),
		"nobody invites":         second(w.Join(chat, p[1], How{Scene: SceneDirect})),
		"QR with an inviter":     second(w.Join(chat, p[1], How{Scene: SceneQR, Inviter: "wang"})),
		"an unknown code":        second(w.Join("", p[1], How{ConfigID: "0"})),
		"nobody joins":           second(w.JoinMany(chat, How{Inviter: "wang"})),
		"the same twice":         second(w.JoinMany(chat, How{Inviter: "wang"}, p[1], p[1])),
		"leave without being in": w.Leave(chat, p[1]),
		"the owner leaves":       w.Leave(chat, "wang"),
		"a customer as owner":    w.ChangeOwner(chat, p[0]),
		"an owner from afar":     w.ChangeOwner(chat, "zhao"),
		"no name":                w.Rename(chat, ""),
		"a customer owns":        second(w.CreateGroup(p[0], "x")),
		"a stranger talks":       second(w.Say(chat, p[1], "hi")),
		"silence":                second(w.Say(chat, p[0], "")),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n := len(got[Group](t)(w.Group(chat)).History); n != 3 {
		t.Errorf("refused moves left traces: %d stays", n)
	}
}

func second(_ string, err error) error { return err }

func TestAHistoryKeepsEveryStay(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	p := w.customers(1)[0]
	w.invite(chat, p)
	w.clock.Add(time.Minute)
	must(t, w.Remove(chat, p))
	w.clock.Add(time.Minute)
	got[string](t)(w.Join(chat, p, How{Scene: SceneLink, Inviter: "li"}))
	h := got[Group](t)(w.Group(chat)).History[2:]
	if len(h) != 2 || h[0].LeftHow != LeftRemoved || h[0].Left.Sub(h[0].Joined) != time.Minute || !h[1].Left.IsZero() || h[1].Scene != SceneLink {
		t.Errorf("history: %+v", h)
	}
}

func TestAResignedOwnersGroupsCanBeTransferred(t *testing.T) {
	w := newWorld(t, Config{})
	chat, busy := w.group("一群"), got[string](t)(w.CreateGroup("zhao", "二群"))
	must(t, w.Resign("wang"))
	events := len(w.Callbacks())
	got[string](t)(w.Join(chat, w.customers(1)[0], How{Inviter: "li"}))
	if len(w.Callbacks()) != events {
		t.Error("events go on after the owner has resigned")
	}
	list := w.ok("externalcontact/groupchat/list", map[string]any{"limit": 10, "status_filter": 1})
	if dig(list, "group_chat_list", 0, "chat_id") != chat || size(list["group_chat_list"]) != 1 {
		t.Errorf("orphans: %v", list)
	}
	out := w.ok("externalcontact/groupchat/transfer", map[string]any{"chat_id_list": []string{chat, busy}, "new_owner": "zhao"})
	if size(out["failed_chat_list"]) != 1 || dig(out, "failed_chat_list", 0, "errcode") != 90504.0 {
		t.Errorf("transfer: %v", out)
	}
	if g := w.chat(chat); g["owner"] != "zhao" || memberRow(g, "zhao") == nil {
		t.Errorf("after the transfer: %v", g)
	}
	out = w.ok("externalcontact/groupchat/transfer", map[string]any{"chat_id_list": []string{busy}, "new_owner": "li"})
	if dig(out, "failed_chat_list", 0, "errcode") != 90500.0 {
		t.Errorf("transfer of a working owner's group: %v", out)
	}
	w.ok("externalcontact/groupchat/onjob_transfer", map[string]any{"chat_id_list": []string{busy}, "new_owner": "li"})
	w.ok("externalcontact/groupchat/onjob_transfer", map[string]any{"chat_id_list": []string{busy}, "new_owner": "zhao"})
	out = w.ok("externalcontact/groupchat/onjob_transfer", map[string]any{"chat_id_list": []string{busy}, "new_owner": "li"})
	if dig(out, "failed_chat_list", 0, "errcode") != 40128.0 {
		t.Errorf("third transfer in 90 days: %v", out)
	}
}

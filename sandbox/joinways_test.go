package sandbox

import (
	"slices"
	"strings"
	"testing"
)

func TestAJoinWayGoesOnToTheNextGroupAfterTwoHundredScans(t *testing.T) {
	w := newWorld(t, Config{})
	one, two := w.group("一群"), w.group("二群")
	id := w.ok("externalcontact/groupchat/add_join_way", map[string]any{
		"scene": 2, "auto_create_room": 0, "state": "s", "chat_id_list": []string{one, two},
	})["config_id"].(string)
	counts := map[string]int{}
	for _, p := range w.customers(400) {
		counts[got[string](t)(w.Join("", p, How{ConfigID: id}))]++
	}
	if counts[one] != 200 || counts[two] != 200 {
		t.Errorf("%d and %d scans", counts[one], counts[two])
	}
	if _, err := w.Join("", w.customers(1)[0], How{ConfigID: id}); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("with all groups full: %v", err)
	}
}

func TestAFullJoinWayMakesANewGroupUnlessToldOtherwise(t *testing.T) {
	w := newWorld(t, Config{})
	one := w.group("一群")
	id := w.ok("externalcontact/groupchat/add_join_way", map[string]any{
		"scene": 2, "chat_id_list": []string{one}, "room_base_name": "幸福里", "room_base_id": 7,
	})["config_id"].(string)
	for _, p := range w.customers(200) {
		got[string](t)(w.Join("", p, How{ConfigID: id}))
	}
	next := got[string](t)(w.Join("", w.customers(1)[0], How{ConfigID: id}))
	if g := got[Group](t)(w.Group(next)); next == one || g.Name != "幸福里7" || g.Owner != "wang" {
		t.Errorf("new group: %+v", g.Name)
	}
	way := w.ok("externalcontact/groupchat/get_join_way", map[string]any{"config_id": id})
	if dig(way, "join_way", "chat_id_list", 1) != next || dig(way, "join_way", "room_base_id") != 8.0 {
		t.Errorf("join way: %v", way)
	}
	if !slices.ContainsFunc(w.Callbacks(), func(cb Callback) bool { return cb.Chat == next && cb.Kind == "change_external_chat.create" }) {
		t.Error("no create event")
	}
}

func TestAnUpdateOverwritesAJoinWayAsAWhole(t *testing.T) {
	w := newWorld(t, Config{PublicURL: "http://sandbox.test/"})
	one, two := w.group("一群"), w.group("二群")
	id := w.ok("externalcontact/groupchat/add_join_way", map[string]any{
		"scene": 2, "auto_create_room": 0, "state": "s", "remark": strings.Repeat("长", 40), "chat_id_list": []string{one}, "mark_source": true,
	})["config_id"]
	shown := func() map[string]any {
		return w.ok("externalcontact/groupchat/get_join_way", map[string]any{"config_id": id})["join_way"].(map[string]any)
	}
	if way := shown(); way["remark"] != strings.Repeat("长", 30) || way["auto_create_room"] != 0.0 || way["qr_code"] != "http://sandbox.test/sandbox/qr/"+id.(string) {
		t.Errorf("added: %v", way)
	}
	w.ok("externalcontact/groupchat/update_join_way", map[string]any{"config_id": id, "scene": 2, "chat_id_list": []string{two}})
	if way := shown(); way["remark"] != "" || way["state"] != "" || way["auto_create_room"] != 1.0 || way["mark_source"] != false || dig(way, "chat_id_list", 0) != two {
		t.Errorf("updated: %v", way)
	}
	w.ok("externalcontact/groupchat/del_join_way", map[string]any{"config_id": id})
	if out := w.post("externalcontact/groupchat/get_join_way", map[string]any{"config_id": id}); code(out) != 41044 {
		t.Errorf("deleted: %v", out)
	}
	if len(w.JoinWays()) != 0 {
		t.Error("the deleted join way is still there")
	}
}

func TestAContactWayLeadsToItsPeople(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 2, Name: "门店"}))
	must(t, w.AddStaff(Staff{UserID: "qian", Name: "钱", Department: 2}))
	id := w.ok("externalcontact/add_contact_way", map[string]any{
		"type": 2, "scene": 2, "state": "s", "remark": "r", "user": []string{"li"}, "party": []int{2},
	})["config_id"].(string)
	reached := map[string]bool{}
	for _, p := range w.customers(20) {
		reached[got[Contact](t)(w.AddContact("", p, Via{ConfigID: id})).User] = true
	}
	if len(reached) != 2 || !reached["li"] || !reached["qian"] {
		t.Errorf("reached %v", reached)
	}
	if _, err := w.AddContact("wang", w.customers(1)[0], Via{ConfigID: id}); err == nil {
		t.Error("the way led to somebody it does not name")
	}
	w.ok("externalcontact/update_contact_way", map[string]any{"config_id": id, "state": "neu"})
	out := w.ok("externalcontact/get_contact_way", map[string]any{"config_id": id})
	if dig(out, "contact_way", "state") != "neu" || dig(out, "contact_way", "remark") != "r" || dig(out, "contact_way", "user", 0) != "li" {
		t.Errorf("updated: %v", out)
	}
	list := w.ok("externalcontact/list_contact_way", map[string]any{})
	if dig(list, "contact_way", 0, "config_id") != id {
		t.Errorf("list: %v", list)
	}
	w.ok("externalcontact/del_contact_way", map[string]any{"config_id": id})
	if len(w.ContactWays()) != 0 {
		t.Error("the deleted contact way is still there")
	}
}

package sandbox

import (
	"errors"
	"strings"
	"testing"
)

func TestOnlyVisibleStaffAreSeen(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	must(t, w.AddStaff(Staff{UserID: "quiet", Name: "静", NoContacts: true}))
	must(t, w.Resign("zhao"))
	out := w.get("externalcontact/get_follow_user_list")
	if n := size(out["follow_user"]); n != 2 {
		t.Errorf("follow users: %v", out["follow_user"])
	}
	out = w.get("user/simplelist?department_id=1")
	if n := size(out["userlist"]); n != 3 {
		t.Errorf("userlist: %v", out["userlist"])
	}
	if out := w.get("user/get?userid=zhao"); code(out) != 60111 {
		t.Errorf("resigned: %v", out)
	}
	out = w.get("agent/get?agentid=1000002")
	if size(dig(out, "allow_partys", "partyid")) != 0 || size(dig(out, "allow_userinfos", "user")) != 3 {
		t.Errorf("agent/get: %v", out)
	}
	chat := got[string](t)(w.CreateGroup("hidden", "暗群"))
	got[string](t)(w.Join(chat, w.customers(1)[0], How{Inviter: "hidden"}))
	got[Contact](t)(w.AddContact("hidden", w.customers(1)[0], Via{}))
	if n := len(w.Callbacks()); n != 0 {
		t.Errorf("%d events about hidden staff", n)
	}
	if out := w.ok("externalcontact/groupchat/list", map[string]any{"limit": 10}); size(out["group_chat_list"]) != 0 {
		t.Errorf("hidden groups are listed: %v", out)
	}
}

func TestIdsAreMadeFromTheSeedAndTaken(t *testing.T) {
	w := newWorld(t, Config{Seed: 1})
	id := got[string](t)(w.AddCustomer(Customer{Name: "甲"}))
	if len(id) != 32 || !strings.HasPrefix(id, "wm") {
		t.Errorf("id %q", id)
	}
	other := got[string](t)(w.AddCustomer(Customer{Name: "乙", Corp: "别家公司"}))
	if !strings.HasPrefix(other, "wo") {
		t.Errorf("id of a WeCom user: %q", other)
	}
	if _, err := w.AddCustomer(Customer{Name: "丙", ID: id}); err == nil {
		t.Error("an id was given twice")
	}
	if err := w.AddStaff(Staff{UserID: "WANG", Name: "x"}); err == nil {
		t.Error("a userid was given twice")
	}
	if err := w.AddStaff(Staff{UserID: "x", Name: "x", Department: 5}); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown department: %v", err)
	}
	must(t, w.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, w.AddStaff(Staff{UserID: "x", Name: "x", Department: 5}))
	if out := w.get("department/list?id=5"); dig(out, "department", 0, "parentid") != 1.0 || size(out["department"]) != 1 {
		t.Errorf("department/list: %v", out)
	}
}

func TestAContactIsShownWithItsStateAndRemark(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(1)[0]
	way := w.ok("externalcontact/add_contact_way", map[string]any{"type": 1, "scene": 2, "state": "渠道一", "user": []string{"wang"}})
	k := got[Contact](t)(w.AddContact("", p, Via{ConfigID: way["config_id"].(string)}))
	if k.User != "wang" || k.State != "渠道一" || k.WelcomeCode == "" {
		t.Errorf("contact: %+v", k)
	}
	w.ok("externalcontact/remark", map[string]any{
		"userid": "wang", "external_userid": p, "remark": "老客", "remark_mobiles": []string{"13800000001"},
	})
	out := w.get("externalcontact/get?external_userid=" + p)
	follow := dig(out, "follow_user", 0)
	if dig(follow, "state") != "渠道一" || dig(follow, "remark") != "老客" || dig(follow, "add_way") != 1.0 ||
		dig(follow, "remark_mobiles", 0) != "13800000001" || dig(follow, "createtime") != float64(w.clock.Now().Unix()) {
		t.Errorf("get: %v", out)
	}
	if union, _ := dig(out, "external_contact", "unionid").(string); union == "" {
		t.Errorf("no union id: %v", out)
	}
	out = w.ok("externalcontact/batch/get_by_user", map[string]any{"userid_list": []string{"wang"}})
	if dig(out, "external_contact_list", 0, "follow_info", "state") != "渠道一" {
		t.Errorf("batch: %v", out)
	}
	last := w.Callbacks()[len(w.Callbacks())-1]
	if last.Kind != "change_external_contact.edit_external_contact" {
		t.Errorf("a remark made the event %s", last.Kind)
	}
}

func TestContactsEndOnOneSideOrTheOther(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(1)[0]
	got[Contact](t)(w.AddContact("wang", p, Via{}))
	must(t, w.DeleteContact("wang", p, true))
	if out := w.get("externalcontact/list?userid=wang"); size(out["external_userid"]) != 1 {
		t.Errorf("after the customer deleted wang, wang still has the customer: %v", out)
	}
	must(t, w.DeleteContact("wang", p, false))
	if out := w.get("externalcontact/list?userid=wang"); code(out) != 84061 {
		t.Errorf("after wang deleted the customer: %v", out)
	}
	if out := w.get("externalcontact/get?external_userid=" + p); code(out) != 84061 {
		t.Errorf("get after wang deleted the customer: %v", out)
	}
	got[Contact](t)(w.AddContact("wang", p, Via{}))
	if _, err := w.AddContact("wang", p, Via{}); err == nil {
		t.Error("added twice")
	}
	if n := len(w.Contacts()); n != 2 {
		t.Errorf("%d contacts in all", n)
	}
}

func TestAHalfContactIsNoContactYet(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(1)[0]
	half := got[Contact](t)(w.HalfAddContact("wang", p, Via{}))
	if out := w.get("externalcontact/get?external_userid=" + p); code(out) != 84061 {
		t.Errorf("get: %v", out)
	}
	w.ok("externalcontact/send_welcome_msg", map[string]any{"welcome_code": half.WelcomeCode, "text": map[string]string{"content": "您好"}})
	whole := got[Contact](t)(w.AddContact("wang", p, Via{}))
	if whole.WelcomeCode != "" {
		t.Error("a customer who was welcomed by the half contact got a second code")
	}
	if out := w.get("externalcontact/get?external_userid=" + p); code(out) != 0 {
		t.Errorf("get: %v", out)
	}
}

func TestContactsArePaged(t *testing.T) {
	w := newWorld(t, Config{})
	people := w.customers(5)
	for i, p := range people {
		got[Contact](t)(w.AddContact([]string{"wang", "li"}[i%2], p, Via{}))
	}
	seen, cursor := map[any]bool{}, ""
	for range 3 {
		out := w.ok("externalcontact/batch/get_by_user", map[string]any{"userid_list": []string{"wang", "li"}, "limit": 2, "cursor": cursor})
		for i := range size(out["external_contact_list"]) {
			seen[dig(out, "external_contact_list", i, "external_contact", "external_userid")] = true
		}
		cursor = out["next_cursor"].(string)
	}
	if len(seen) != 5 || cursor != "" {
		t.Errorf("%d people, last cursor %q", len(seen), cursor)
	}
}

package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	handOver       = "externalcontact/transfer_customer"
	handOverResult = "externalcontact/transfer_result"
	inherit        = "externalcontact/resigned/transfer_customer"
	inheritResult  = "externalcontact/resigned/transfer_result"
	unassigned     = "externalcontact/get_unassigned_list"
)

// customerCalls are those about customers beyond contacts.
func customerCalls() []goodCall {
	return slices.Concat(tagCalls(), interceptCalls(), acquisitionCalls(), handoverCalls(), statisticCalls(), idCalls())
}

func handoverCalls() []goodCall {
	const who, result = `"handover_userid":"%s","takeover_userid":"li"`, `{"customer":[{"external_userid":"x","status":2,"takeover_time":1}],"next_cursor":""}`
	return []goodCall{
		{handOver, `{` + fmt.Sprintf(who, "wang") + `,"external_userid":["$CUST"],"transfer_success_msg":"您好"}`, `{"customer":[{"external_userid":"x","errcode":0}]}`},
		{handOverResult, `{` + fmt.Sprintf(who, "wang") + `,"cursor":""}`, result},
		{inherit, `{` + fmt.Sprintf(who, "gone") + `,"external_userid":["$CUST"]}`, `{"customer":[{"external_userid":"x","errcode":40131}]}`},
		{inheritResult, `{` + fmt.Sprintf(who, "gone") + `,"cursor":""}`, result},
		{unassigned, `{"page_id":0,"page_size":100,"cursor":""}`, `{"info":[{"handover_userid":"x","external_userid":"x","dimission_time":1}],"is_last":true,"next_cursor":""}`},
	}
}

// handovers makes somebody who has resigned, one of whose two customers is on the way to li.
func (w *world) handovers() {
	w.t.Helper()
	must(w.t, w.AddStaff(Staff{UserID: "gone", Name: "走"}))
	p := w.customers(2)
	for _, customer := range p {
		got[Contact](w.t)(w.AddContact("gone", customer, Via{}))
	}
	must(w.t, w.Resign("gone"))
	w.handOver(inherit, "gone", "li", 0, p[0])
}

// handOver asks for handovers, each of which must answer a code.
func (w *world) handOver(path, from, to string, want int, customers ...string) {
	w.t.Helper()
	out := w.ok(path, map[string]any{"handover_userid": from, "takeover_userid": to, "external_userid": customers})
	for i, customer := range customers {
		if dig(out, "customer", i, "external_userid") != customer || dig(out, "customer", i, "errcode") != float64(want) {
			w.t.Errorf("%s of %s from %s to %s: %v, want %d", path, customer, from, to, out, want)
		}
	}
}

// handoverStatus is how one stands.
func (w *world) handoverStatus(path, from, to string) (status, at any) {
	w.t.Helper()
	out := w.ok(path, map[string]any{"handover_userid": from, "takeover_userid": to})
	return dig(out, "customer", 0, "status"), dig(out, "customer", 0, "takeover_time")
}

func TestACustomerIsHandedOverAfterADay(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(1)
	got[Contact](t)(w.AddContact("wang", p[0], Via{}))
	n := len(w.Callbacks())
	w.handOver(handOver, "wang", "li", 0, p[0])
	w.handOver(handOver, "wang", "zhao", 40129, p[0])
	done := w.clock.Now().Add(24 * time.Hour)
	if status, at := w.handoverStatus(handOverResult, "wang", "li"); status != 2.0 || at != float64(done.Unix()) {
		t.Errorf("waiting: %v %v", status, at)
	}
	w.until(done)
	w.login()
	same(t, "events", w.kinds(n), []string{"change_external_contact.del_external_contact", "change_external_contact.add_external_contact"})
	if del, add := w.Callbacks()[n].XML, w.Callbacks()[n+1].XML; !strings.Contains(del, "<Source><![CDATA[DELETE_BY_TRANSFER]]></Source>") ||
		!strings.Contains(del, "[wang]") || !strings.Contains(add, "[li]") || strings.Contains(add, "WelcomeCode") {
		t.Errorf("%s\n%s", del, add)
	}
	if status, at := w.handoverStatus(handOverResult, "wang", "li"); status != 1.0 || at != float64(done.Unix()) {
		t.Errorf("done: %v %v", status, at)
	}
	if out := w.get("externalcontact/get?external_userid=" + p[0]); dig(out, "follow_user", 0, "userid") != "li" || dig(out, "follow_user", 0, "add_way") != 202.0 || size(out["follow_user"]) != 1 {
		t.Errorf("the contact: %v", out)
	}
	// Twice in ninety days, then no more till the first is ninety days old.
	w.handOver(handOver, "li", "zhao", 0, p[0])
	w.until(done.Add(24 * time.Hour))
	w.login()
	w.handOver(handOver, "zhao", "wang", 40128, p[0])
	w.clock.Set(done.AddDate(0, 0, 90))
	w.login()
	w.handOver(handOver, "zhao", "wang", 0, p[0])
}

func TestAHandoverMayFail(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(3)
	for _, customer := range p {
		got[Contact](t)(w.AddContact("wang", customer, Via{}))
	}
	w.handOver(handOver, "wang", "li", 0, p[0])
	n := len(w.Callbacks())
	must(t, w.RefuseHandover(p[0]))
	if err := w.RefuseHandover(p[0]); err == nil {
		t.Error("refused twice")
	}
	if status, at := w.handoverStatus(handOverResult, "wang", "li"); status != 3.0 || at != 0.0 {
		t.Errorf("refused: %v %v", status, at)
	}
	w.handOver(handOver, "wang", "zhao", 0, p[1], p[2])
	must(t, w.SetFaults(Faults{Limits: Limits{Customers: 1}}))
	w.until(w.clock.Now().Add(24 * time.Hour))
	w.login()
	same(t, "events", w.kinds(n), []string{"change_external_contact.transfer_fail", "change_external_contact.del_external_contact",
		"change_external_contact.add_external_contact", "change_external_contact.transfer_fail"})
	if first, last := w.Callbacks()[n].XML, w.Callbacks()[n+3].XML; !strings.Contains(first, "customer_refused") || !strings.Contains(last, "customer_limit_exceed") {
		t.Errorf("%s\n%s", first, last)
	}
	if h := w.Handovers()[2]; h.Status != HandoverFull || !h.DoneAt.IsZero() {
		t.Errorf("%+v", h)
	}
	w.handOver(handOver, "wang", "zhao", 40099, p[0])
}

func TestHandoversAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddStaff(Staff{UserID: "new", Name: "新", Inactive: true}))
	must(t, w.AddStaff(Staff{UserID: "inner", Name: "内", NoContacts: true}))
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	p := w.customers(2)
	got[Contact](t)(w.AddContact("wang", p[0], Via{}))
	body := func(from, to, more string) string {
		return fmt.Sprintf(`{"handover_userid":%q,"takeover_userid":%q,"external_userid":[%q]%s}`, from, to, p[0], more)
	}
	many := `["x"` + strings.Repeat(`,"x"`, 100) + `]`
	w.refused(handOver, map[string]int{
		body("", "li", ""):                                  41009,
		body("wang", "", ""):                                41009,
		body("nobody", "li", ""):                            60111,
		body("hidden", "li", ""):                            60011,
		body("wang", "nobody", ""):                          60111,
		body("wang", "inner", ""):                           84074,
		body("wang", "new", ""):                             40098,
		`{"handover_userid":"wang","takeover_userid":"li"}`: 41035,
		`{"handover_userid":"wang","takeover_userid":"li","external_userid":` + many + `}`: 40058,
		body("wang", "li", `,"transfer_success_msg":"`+strings.Repeat("长", 201)+`"`):       40058,
	})
	w.refused(inherit, map[string]int{body("wang", "li", ""): 40097, body("nobody", "li", ""): 60111, body("hidden", "li", ""): 60011})
	w.refused(inheritResult, map[string]int{body("wang", "li", ""): 40097})
	w.refused(handOverResult, map[string]int{body("wang", "li", `,"cursor":"x"`): 50100})
	w.handOver(handOver, "wang", "li", 40096, "wmnobody")
	w.handOver(handOver, "wang", "li", 40131, p[1])
	w.handOver(handOver, "wang", "WANG", 40130, p[0])
	w.refused(unassigned, map[string]int{
		`{"page_size":1001}`: 40058, `{"page_size":0}`: 40058, `{"page_id":51,"page_size":1000}`: 40058,
		`{"page_id":-1}`: 40058, `{"cursor":"x"}`: 50100, `{"page_id":"0","page_size":"50"}`: 0,
	})
}

func TestCustomersOfTheResignedAreInherited(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(3)
	got[Contact](t)(w.AddContact("wang", p[0], Via{}))
	got[Contact](t)(w.AddContact("zhao", p[1], Via{}))
	got[Contact](t)(w.AddContact("zhao", p[2], Via{}))
	must(t, w.Resign("wang"))
	w.clock.Add(time.Minute)
	gone := w.clock.Now()
	must(t, w.Resign("zhao"))
	list := func(body map[string]any) (ids []any, out map[string]any) {
		out = w.ok(unassigned, body)
		for i := range size(out["info"]) {
			ids = append(ids, dig(out, "info", i, "external_userid"))
		}
		return ids, out
	}
	ids, out := list(map[string]any{"page_size": 2})
	same(t, "the latest to go first", ids, []any{p[1], p[2]})
	if out["is_last"] != false || dig(out, "info", 0, "dimission_time") != float64(gone.Unix()) || dig(out, "info", 0, "handover_userid") != "zhao" {
		t.Errorf("%v", out)
	}
	ids, out = list(map[string]any{"page_size": 2, "cursor": out["next_cursor"], "page_id": 7})
	same(t, "the next page by cursor", ids, []any{p[0]})
	if ids, _ := list(map[string]any{"page_size": 2, "page_id": 1}); len(ids) != 1 || out["is_last"] != true {
		t.Errorf("the next page by number: %v", ids)
	}
	n := len(w.Callbacks())
	w.handOver(inherit, "zhao", "li", 0, p[1])
	w.handOver(inherit, "zhao", "li", 0, p[2])
	must(t, w.RefuseHandover(p[2]))
	ids, _ = list(map[string]any{})
	same(t, "what is left", ids, []any{p[2], p[0]})
	w.until(gone.Add(24 * time.Hour))
	w.login()
	same(t, "nothing more is told about the resigned", w.kinds(n), []string{"change_external_contact.transfer_fail", "change_external_contact.add_external_contact"})
	if status, _ := w.handoverStatus(inheritResult, "zhao", "li"); status != 1.0 {
		t.Errorf("done: %v", status)
	}
}

func TestAnOwnerPassesOn300GroupsADay(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddStaff(Staff{UserID: "new", Name: "新", Inactive: true}))
	var chats []string
	for range 301 {
		chats = append(chats, w.group("群"))
	}
	pass := func(chats []string) (failed any) {
		return w.ok("externalcontact/groupchat/onjob_transfer", map[string]any{"chat_id_list": chats, "new_owner": "zhao"})["failed_chat_list"]
	}
	for i := range 3 {
		if failed := pass(chats[i*100 : i*100+100]); size(failed) != 0 {
			t.Fatalf("%v", failed)
		}
	}
	if failed := pass(chats[300:]); dig(failed, 0, "errcode") != 45009.0 {
		t.Errorf("the 301st: %v", failed)
	}
	w.clock.Add(24 * time.Hour)
	w.login()
	if failed := pass(chats[300:]); size(failed) != 0 {
		t.Errorf("the next day: %v", failed)
	}
	w.refused("externalcontact/groupchat/onjob_transfer", map[string]int{fmt.Sprintf(`{"chat_id_list":[%q],"new_owner":"new"}`, chats[0]): 40098})
}

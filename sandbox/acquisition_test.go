package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	linkCreate    = "externalcontact/customer_acquisition/create_link"
	linkGet       = "externalcontact/customer_acquisition/get"
	linkUpdate    = "externalcontact/customer_acquisition/update_link"
	linkDelete    = "externalcontact/customer_acquisition/delete_link"
	linkList      = "externalcontact/customer_acquisition/list_link"
	linkCustomers = "externalcontact/customer_acquisition/customer"
	linkStatistic = "externalcontact/customer_acquisition/statistic"
	linkQuota     = "externalcontact/customer_acquisition_quota"
)

func acquisitionCalls() []goodCall {
	const link = `"link":{"link_id":"x","link_name":"x","url":"x","create_time":1}`
	const body = `"link_name":"链接","range":{"user_list":["wang"],"department_list":[1]},"skip_verify":true,
		"priority_option":{"priority_type":2,"priority_userid_list":["wang"]},"mark_source":true`
	return []goodCall{
		{linkCreate, `{` + body + `}`, `{` + link + `}`},
		{linkUpdate, `{"link_id":"$LINK",` + body + `}`, `{}`},
		{linkGet, `{"link_id":"$LINK"}`, `{` + link + `,"range":{"user_list":["x"],"department_list":[]}}`},
		{linkList, `{"limit":100,"cursor":""}`, `{"link_id_list":["x"],"next_cursor":""}`},
		{linkCustomers, `{"link_id":"$LINK","limit":1000,"cursor":""}`, `{"customer_list":[{"external_userid":"x","userid":"x","chat_status":0,"state":"x"}],"next_cursor":""}`},
		{linkQuota, "", `{"total":1,"balance":1,"quota_list":[{"expire_date":1,"balance":1}]}`},
		{linkStatistic, `{"link_id":"$LINK","start_time":$YESTERDAY,"end_time":$YESTERDAY}`, `{"click_link_customer_cnt":0,"new_customer_cnt":0}`},
		{linkDelete, `{"link_id":"$LINK"}`, `{}`},
	}
}

// link makes an acquisition link to wang through which one customer has come.
func (w *world) link(more string) string {
	w.t.Helper()
	out := w.ok(linkCreate, `{"link_name":"链接","range":{"user_list":["WANG"]}`+more+`}`)
	return dig(out, "link", "link_id").(string)
}

func (w *world) come(link, channel string) Contact {
	w.t.Helper()
	return got[Contact](w.t)(w.AddContact("", w.customers(1)[0], Via{LinkID: link, Channel: channel}))
}

func TestACustomerComesThroughALink(t *testing.T) {
	w := newWorld(t, Config{})
	id := w.link("")
	k := w.come(id, "报纸")
	if k.User != "wang" || k.State != "报纸" || k.AddWay != 16 || k.WelcomeCode == "" {
		t.Errorf("%+v", k)
	}
	must(t, w.Write("wang", k.Customer, "您好"))
	must(t, w.Write(k.Customer, "wang", "在吗"))
	must(t, w.Write(k.Customer, "wang", "喂"))
	same(t, "events", w.kinds(0), []string{"change_external_contact.add_external_contact", "customer_acquisition.customer_start_chat"})
	long := w.come(id, strings.Repeat("渠", 30))
	if long.State != strings.Repeat("渠", 21) {
		t.Errorf("a channel of 90 bytes came back as %d", len(long.State))
	}
	must(t, w.ClickLink(id))
	first := w.ok(linkCustomers, map[string]any{"link_id": id, "limit": 1})
	second := w.ok(linkCustomers, map[string]any{"link_id": id, "limit": 1, "cursor": first["next_cursor"]})
	if dig(first, "customer_list", 0, "chat_status") != 1.0 || dig(first, "customer_list", 0, "state") != "报纸" || dig(second, "customer_list", 0, "chat_status") != 0.0 || second["next_cursor"] != "" {
		t.Errorf("%v\n%v", first, second)
	}
	w.clock.Add(24 * time.Hour)
	w.login()
	out := w.ok(linkStatistic, map[string]any{"link_id": id, "start_time": w.day(-1), "end_time": w.day(0)})
	if out["click_link_customer_cnt"] != 3.0 || out["new_customer_cnt"] != 2.0 {
		t.Errorf("%v", out)
	}
	if out := w.get(linkQuota); out["total"] != 1000.0 || out["balance"] != 998.0 || dig(out, "quota_list", 0, "balance") != 998.0 {
		t.Errorf("%v", out)
	}
}

func TestALinkAsksLeadsAndEnds(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, w.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 5}))
	id := w.link(`,"skip_verify":false`)
	w.come(id, "传单")
	same(t, "events", w.kinds(0), []string{"customer_acquisition.friend_request", "change_external_contact.add_external_contact"})
	if xml := w.Callbacks()[0].XML; !strings.Contains(xml, "传单") || !strings.Contains(xml, id) {
		t.Errorf("%s", xml)
	}
	friend := w.customers(1)[0]
	got[Contact](t)(w.AddContact("li", friend, Via{}))
	w.ok(linkUpdate, map[string]any{"link_id": id, "range": map[string]any{"department_list": []string{"5"}}, "priority_option": map[string]any{"priority_type": 2, "priority_userid_list": []string{"li"}}})
	if k := w.come(id, ""); k.User != "chen" || k.State != "" {
		t.Errorf("to the department: %+v", k)
	}
	if _, err := w.AddContact("", friend, Via{LinkID: id}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a friend of li's is led to li, whose contact she is: %v", err)
	}
	out := w.ok(linkGet, map[string]any{"link_id": id})
	if dig(out, "link", "skip_verify") != false || size(dig(out, "range", "user_list")) != 0 || dig(out, "range", "department_list", 0) != 5.0 || dig(out, "priority_option", "priority_userid_list", 0) != "li" {
		t.Errorf("%v", out)
	}
	n := len(w.Callbacks())
	must(t, w.Resign("chen"))
	must(t, w.Resign("zhao"))
	same(t, "nobody is behind it, told once", w.kinds(n), []string{"customer_acquisition.link_unavailable"})
	if _, err := w.AddContact("", w.customers(1)[0], Via{LinkID: id}); err == nil {
		t.Error("a customer came to nobody")
	}
	w.ok(linkDelete, map[string]any{"link_id": id})
	same(t, "the end", w.kinds(n+1), []string{"customer_acquisition.delete_link"})
	if len(w.AcquisitionLinks()) != 0 || w.ClickLink(id) == nil {
		t.Error("the link is still there")
	}
}

func TestTheAcquisitionQuotaIsUsedUp(t *testing.T) {
	w := newWorld(t, Config{})
	id := w.link("")
	must(t, w.SetAcquisitionQuota(20, w.clock.Now().Add(time.Hour)))
	for range 20 {
		w.come(id, "")
	}
	var events []string
	for _, kind := range w.kinds(0) {
		if strings.HasPrefix(kind, "customer_acquisition") {
			events = append(events, kind)
		}
	}
	same(t, "events", events, []string{"customer_acquisition.balance_low", "customer_acquisition.balance_exhausted"})
	if _, err := w.AddContact("", w.customers(1)[0], Via{LinkID: id}); err == nil {
		t.Error("the twenty-first came")
	}
	w.refused(linkCreate, map[string]int{`{"link_name":"链接","range":{"user_list":["wang"]}}`: 41095})
	must(t, w.SetAcquisitionQuota(5, w.clock.Now().Add(time.Hour)))
	w.come(id, "")
	w.clock.Add(time.Hour)
	if out := w.get(linkQuota); out["total"] != 5.0 || out["balance"] != 0.0 || size(out["quota_list"]) != 0 {
		t.Errorf("after it expired: %v", out)
	}
}

func TestLinksAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 5, Name: "多"}))
	for i := range 500 {
		must(t, w.AddStaff(Staff{UserID: fmt.Sprintf("u%d", i), Name: "员", Department: 5}))
	}
	must(t, w.AddStaff(Staff{UserID: "new", Name: "新", Inactive: true}))
	must(t, w.AddStaff(Staff{UserID: "inner", Name: "内", NoContacts: true}))
	link := func(rest string) string { return `{"link_name":"链接",` + rest + `}` }
	const wang = `"range":{"user_list":["wang"]}`
	w.refused(linkCreate, map[string]int{
		`{` + wang + `}`: 40063,
		`{"link_name":"` + strings.Repeat("长", 31) + `",` + wang + `}`: 40058,
		`{"link_name":"链接"}`:                                                                    40063,
		link(`"range":{}`):                                                                      40063,
		link(`"range":{"user_list":["nobody"]}`):                                                60111,
		link(`"range":{"user_list":["new"]}`):                                                   41054,
		link(`"range":{"user_list":["inner"]}`):                                                 84074,
		link(`"range":{"department_list":[77]}`):                                                60123,
		link(`"range":{"department_list":["x"]}`):                                               40058,
		link(`"range":{"department_list":[5]}`):                                                 0,
		link(`"range":{"department_list":[5],"user_list":["wang"]}`):                            40058, // 501
		link(wang + `,"priority_option":{"priority_type":3}`):                                   40058,
		link(wang + `,"priority_option":{"priority_type":2}`):                                   40063,
		link(wang + `,"priority_option":{"priority_type":1}`):                                   0,
		link(wang + `,"priority_option":{"priority_type":2,"priority_userid_list":["nobody"]}`): 60111,
	})
	for _, path := range []string{linkGet, linkUpdate, linkDelete, linkCustomers} {
		w.refused(path, map[string]int{`{}`: 40063, `{"link_id":"nobody"}`: 40058})
	}
	id := w.link("")
	body := func(more string) string { return fmt.Sprintf(`{"link_id":%q%s}`, id, more) }
	w.refused(linkCustomers, map[string]int{body(`,"limit":1001`): 40058, body(`,"cursor":"x"`): 50100})
	w.refused(linkStatistic, map[string]int{body(""): 40063, body(fmt.Sprintf(`,"start_time":%d,"end_time":%d`, w.day(0), w.day(0))): 40058,
		body(fmt.Sprintf(`,"start_time":%d,"end_time":%d`, w.day(-31), w.day(-1))): 40058, body(fmt.Sprintf(`,"start_time":%d,"end_time":%d`, w.day(-1), w.day(-1))): 0})
	w.refused(linkList, map[string]int{`{"limit":101}`: 40058, `{"cursor":"x"}`: 50100})
	first := w.ok(linkList, `{"limit":2}`)
	if out := w.ok(linkList, map[string]any{"cursor": first["next_cursor"]}); size(first["link_id_list"]) != 2 || dig(out, "link_id_list", 0) != id {
		t.Errorf("%v %v", first, out)
	}
	for _, via := range []Via{{LinkID: "nobody"}, {LinkID: id, ConfigID: "x"}} {
		if _, err := w.AddContact("", w.customers(1)[0], via); err == nil {
			t.Errorf("%+v", via)
		}
	}
	if _, err := w.AddContact("li", w.customers(1)[0], Via{LinkID: id}); err == nil {
		t.Error("the link led to li")
	}
}

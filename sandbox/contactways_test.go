package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	wayAdd    = "externalcontact/add_contact_way"
	wayGet    = "externalcontact/get_contact_way"
	wayUpdate = "externalcontact/update_contact_way"
	wayList   = "externalcontact/list_contact_way"
	wayClose  = "externalcontact/close_temp_chat"
)

// contactWay makes a QR code to a member of staff and returns its config id.
func (w *world) contactWay(user, more string) string {
	w.t.Helper()
	return w.ok(wayAdd, fmt.Sprintf(`{"type":1,"scene":2,"user":[%q]%s}`, user, more))["config_id"].(string)
}

// tempChat begins a temporary chat of an hour.
func (w *world) tempChat(user, customer string) {
	w.t.Helper()
	way := w.contactWay(user, `,"is_temp":true,"chat_expires_in":3600,"conclusions":{"text":{"content":"再见"}}`)
	got[Contact](w.t)(w.AddContact("", customer, Via{ConfigID: way, NoWelcome: true}))
}

func TestContactWaysAreRefused(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddStaff(Staff{UserID: "new", Name: "新", Inactive: true}))
	must(t, w.AddStaff(Staff{UserID: "inner", Name: "内", NoContacts: true}))
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	one := func(more string) string { return `{"type":1,"scene":2,"user":["wang"]` + more + `}` }
	temp := func(more string) string { return one(`,"is_temp":true` + more) }
	users := strings.TrimSuffix(strings.Repeat(`"wang",`, 101), ",")
	w.refused(wayAdd, map[string]int{
		`{"scene":2,"user":["wang"]}`:                                          41037,
		`{"type":3,"scene":2,"user":["wang"]}`:                                 41037,
		`{"type":1,"user":["wang"]}`:                                           41038,
		`{"type":1,"scene":3,"user":["wang"]}`:                                 41038,
		one(`,"style":-1`):                                                     41039,
		`{"type":1,"scene":2}`:                                                 40058,
		`{"type":1,"scene":2,"user":["wang","li"]}`:                            40058,
		`{"type":2,"scene":2}`:                                                 40063,
		`{"type":2,"scene":2,"user":[` + users + `]}`:                          41041,
		`{"type":1,"scene":2,"user":["new"]}`:                                  41054,
		`{"type":1,"scene":2,"user":["inner"]}`:                                84074,
		`{"type":1,"scene":2,"user":["hidden"]}`:                               60011,
		`{"type":1,"scene":2,"user":["nobody"]}`:                               60111,
		`{"type":2,"scene":2,"party":[77]}`:                                    60123,
		one(`,"state":"` + strings.Repeat("渠", 31) + `"`):                      40058,
		one(`,"remark":"` + strings.Repeat("备", 31) + `"`):                     40058,
		one(`,"state":"` + strings.Repeat("渠", 30) + `"`):                      0,
		one(`,"expires_in":99999999`):                                          0, // of a lasting way it means nothing
		temp(``):                                                               0,
		temp(`,"expires_in":1209600,"chat_expires_in":1209600`):                0,
		temp(`,"expires_in":1209601`):                                          40058,
		temp(`,"expires_in":-1`):                                               40058,
		temp(`,"chat_expires_in":1209601`):                                     40058,
		temp(`,"chat_expires_in":-1`):                                          40058,
		temp(`,"unionid":5`):                                                   40058,
		temp(`,"conclusions":{}`):                                              44004,
		temp(`,"conclusions":{"text":{"content":""},"image":{"media_id":""}}`): 44004,
		temp(`,"conclusions":{"image":{"media_id":"nobody"}}`):                 40007,
		temp(`,"conclusions":{"link":{"title":"t"}}`):                          41010,
	})
	w.refused(wayClose, map[string]int{`{"external_userid":"x"}`: 41009, `{"userid":"wang"}`: 41035, `{"userid":"wang","external_userid":"x"}`: 40096})
}

func TestThereAreOnlySoManyWays(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.SetFaults(Faults{Limits: Limits{Ways: 2, TempWays: 2}}))
	chat := w.group("一群")
	join := fmt.Sprintf(`{"scene":2,"chat_id_list":[%q]}`, chat)
	w.contactWay("wang", "")
	w.ok("externalcontact/groupchat/add_join_way", join)
	lasting, temp := `{"type":1,"scene":2,"user":["wang"]}`, `{"type":1,"scene":2,"user":["wang"],"is_temp":true}`
	w.refused("externalcontact/groupchat/add_join_way", map[string]int{join: 41045})
	for i, want := range []int{0, 0, 41045} {
		if out := w.post(wayAdd, temp); code(out) != want {
			t.Errorf("temporary way %d: %v", i+1, out)
		}
	}
	w.refused(wayAdd, map[string]int{lasting: 41045})
	w.clock.Add(24 * time.Hour)
	w.login()
	w.refused(wayAdd, map[string]int{temp: 0, lasting: 41045})
}

func TestATemporaryWayAndItsChatEnd(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(3)
	way := w.contactWay("wang", `,"state":"s","is_temp":true,"expires_in":3600,"chat_expires_in":600,"unionid":"`+w.Customers()[0].UnionID+`",
		"conclusions":{"text":{"content":"再见"},"link":{"title":"t","url":"https://e.com"}}`)
	shown := dig(w.ok(wayGet, map[string]any{"config_id": way}), "contact_way")
	if dig(shown, "is_temp") != true || dig(shown, "expires_in") != 3600.0 || dig(shown, "chat_expires_in") != 600.0 ||
		dig(shown, "unionid") != w.Customers()[0].UnionID || dig(shown, "conclusions", "text", "content") != "再见" || dig(shown, "conclusions", "link", "title") != "t" {
		t.Errorf("get_contact_way: %v", shown)
	}
	if out := w.ok(wayList, `{}`); size(out["contact_way"]) != 0 {
		t.Errorf("temporary ways are listed: %v", out)
	}
	if _, err := w.AddContact("", p[1], Via{ConfigID: way}); err == nil {
		t.Error("somebody else scanned it")
	}
	k := got[Contact](t)(w.AddContact("", p[0], Via{ConfigID: way}))
	if k.TempUntil.Sub(w.clock.Now()) != 10*time.Minute || k.State != "s" {
		t.Errorf("contact: %+v", k)
	}
	n := len(w.Callbacks())
	w.clock.Add(10 * time.Minute)
	w.step()
	if out := w.get("externalcontact/list?userid=wang"); code(out) != 84061 || len(w.Callbacks()) != n {
		t.Errorf("after the chat: %v, events %v", out, w.kinds(n))
	}
	if !slices.ContainsFunc(w.Log(0), func(e Entry) bool { return e.Kind == EntryContact && strings.Contains(e.Text, "再见 [link]") }) {
		t.Error("nobody read the conclusion")
	}
	w.ok(wayUpdate, map[string]any{"config_id": way, "unionid": "", "expires_in": 7200, "conclusions": map[string]any{"text": map[string]any{"content": "慢走"}}})
	w.tempChat("wang", p[1])
	w.ok(wayClose, map[string]any{"userid": "wang", "external_userid": p[1]})
	w.refused(wayClose, map[string]int{fmt.Sprintf(`{"userid":"wang","external_userid":%q}`, p[1]): 84061})
	w.clock.Add(2*time.Hour - time.Second)
	got[Contact](t)(w.AddContact("", p[2], Via{ConfigID: way}))
	w.clock.Add(time.Second)
	if _, err := w.AddContact("li", p[2], Via{ConfigID: way}); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an expired way: %v", err)
	}
	got[Contact](t)(w.AddContact("li", p[2], Via{}))
	w.login()
	w.refused(wayClose, map[string]int{fmt.Sprintf(`{"userid":"li","external_userid":%q}`, p[2]): 84061})
}

func TestContactWaysAreListedByTimeAndPage(t *testing.T) {
	w := newWorld(t, Config{})
	start := w.clock.Now()
	old := w.contactWay("wang", "")
	w.clock.Add(91 * 24 * time.Hour)
	w.login()
	fresh := []string{w.contactWay("wang", ""), w.contactWay("li", ""), w.contactWay("zhao", "")}
	ids := func(out map[string]any) (list []string) {
		for i := range size(out["contact_way"]) {
			list = append(list, dig(out, "contact_way", i, "config_id").(string))
		}
		return list
	}
	same(t, "by default", ids(w.ok(wayList, `{}`)), fresh)
	same(t, "a range", ids(w.ok(wayList, map[string]any{"start_time": start.Unix(), "end_time": start.Unix()})), []string{old})
	first := w.ok(wayList, `{"limit":2}`)
	second := w.ok(wayList, map[string]any{"limit": 2, "cursor": first["next_cursor"]})
	same(t, "two pages", append(ids(first), ids(second)...), fresh)
	w.refused(wayList, map[string]int{`{"limit":1001}`: 40058, `{"limit":0}`: 40058, `{"cursor":"x"}`: 50100, `{"start_time":9,"end_time":8}`: 40058})
}

func TestAnExclusiveWayKeepsACompanyTogether(t *testing.T) {
	w := newWorld(t, Config{})
	way := w.ok(wayAdd, `{"type":2,"scene":2,"user":["wang","li","zhao"],"is_exclusive":true}`)["config_id"].(string)
	add := func(corp string) string {
		p := got[string](t)(w.AddCustomer(Customer{Name: "客", Corp: corp}))
		return got[Contact](t)(w.AddContact("", p, Via{ConfigID: way})).User
	}
	first := add("采购公司")
	for range 8 {
		if other := add("采购公司"); other != first {
			t.Errorf("the company was led to %s and to %s", first, other)
		}
	}
}

package sandbox

import (
	"fmt"
	"testing"
	"time"
)

// massTo makes a mass message to groups and returns its msgid.
func (w *world) massTo(sender, text string, chats ...string) string {
	w.t.Helper()
	out := w.ok("externalcontact/add_msg_template", map[string]any{
		"chat_type": "group", "sender": sender, "chat_id_list": chats, "text": map[string]string{"content": text},
	})
	return out["msgid"].(string)
}

func (w *world) results(msgid, user string) []any {
	w.t.Helper()
	out := w.ok("externalcontact/get_groupmsg_send_result", map[string]any{"msgid": msgid, "userid": user})
	list, _ := out["send_list"].([]any)
	return list
}

func TestNothingIsSentBeforeTheOwnerConfirms(t *testing.T) {
	w := newWorld(t, Config{})
	one, two, other := w.group("一群"), w.group("二群"), got[string](t)(w.CreateGroup("li", "别人的"))
	out := w.ok("externalcontact/add_msg_template", map[string]any{
		"chat_type": "group", "sender": "WANG", "chat_id_list": []string{one, other, two, one, "wr0"},
		"text":        map[string]string{"content": "秒杀"},
		"attachments": []any{map[string]any{"msgtype": "link", "link": map[string]string{"title": "t", "url": "https://e.com"}}},
	})
	id := out["msgid"].(string)
	if size(out["fail_list"]) != 2 || dig(out, "fail_list", 0) != other {
		t.Errorf("fail_list: %v", out)
	}
	status := func() any {
		return dig(w.ok("externalcontact/get_groupmsg_task", map[string]any{"msgid": id}), "task_list", 0, "status")
	}
	if status() != 0.0 || len(w.results(id, "wang")) != 0 || len(got[Group](t)(w.Group(one)).Posts) != 0 {
		t.Error("sent before anybody confirmed")
	}
	if err := w.Confirm(id, "li"); err == nil {
		t.Error("somebody else confirmed")
	}
	must(t, w.ConfirmSome(id, "wang", one))
	if list := w.results(id, "wang"); len(list) != 1 || dig(list[0], "chat_id") != one || dig(list[0], "status") != 1.0 {
		t.Errorf("after some: %v", list)
	}
	if status() != 2.0 {
		t.Error("the task does not count as confirmed")
	}
	must(t, w.Confirm(id, "wang"))
	if posts := got[Group](t)(w.Group(two)).Posts; len(posts) != 1 || posts[0].Text != "秒杀" || len(posts[0].Attachments) != 1 {
		t.Errorf("posts: %+v", posts)
	}
	if posts := got[Group](t)(w.Group(one)).Posts; len(posts) != 1 {
		t.Errorf("sent twice to one group: %+v", posts)
	}
	if err := w.Confirm(id, "wang"); err == nil {
		t.Error("confirmed although nothing is left")
	}
}

func TestTheMonthsQuotaIsSharedWithPersonalSends(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	for range 29 { // November has 30 days
		got[string](t)(w.SendPersonally("wang", "手动发", chat))
	}
	id := w.massTo("wang", "第三十条", chat)
	must(t, w.Confirm(id, "wang"))
	over := w.massTo("wang", "第三十一条", chat)
	must(t, w.Confirm(over, "wang"))
	if list := w.results(id, "wang"); dig(list[0], "status") != 1.0 {
		t.Errorf("the 30th: %v", list)
	}
	if list := w.results(over, "wang"); dig(list[0], "status") != 3.0 || dig(list[0], "send_time") != nil {
		t.Errorf("the 31st: %v", list)
	}
	w.clock.Set(time.Date(2026, 12, 1, 0, 0, 0, 0, shanghai()))
	w.login()
	id = w.massTo("wang", "新月", chat)
	must(t, w.Confirm(id, "wang"))
	if list := w.results(id, "wang"); dig(list[0], "status") != 1.0 {
		t.Errorf("in the next month: %v", list)
	}
	if n := len(got[Group](t)(w.Group(chat)).Posts); n != 31 {
		t.Errorf("%d posts", n)
	}
	must(t, w.SetFaults(Faults{Limits: Limits{MassPerMonth: 1}}))
	id = w.massTo("wang", "小额度", chat)
	must(t, w.Confirm(id, "wang"))
	if list := w.results(id, "wang"); dig(list[0], "status") != 3.0 {
		t.Errorf("with a quota of one: %v", list)
	}
}

func TestAGroupThatChangedHandsStaysUnsent(t *testing.T) {
	w := newWorld(t, Config{})
	one, two := w.group("一群"), w.group("二群")
	id := w.massTo("wang", "x", one, two)
	must(t, w.ChangeOwner(one, "li"))
	must(t, w.Confirm(id, "wang"))
	if list := w.results(id, "wang"); len(list) != 1 || dig(list[0], "chat_id") != two {
		t.Errorf("results: %v", list)
	}
}

func TestCustomersGetMassMessagesFromTheirOwnStaff(t *testing.T) {
	w := newWorld(t, Config{})
	p := w.customers(4)
	got[Contact](t)(w.AddContact("wang", p[0], Via{}))
	got[Contact](t)(w.AddContact("wang", p[1], Via{}))
	got[Contact](t)(w.AddContact("li", p[1], Via{}))
	got[Contact](t)(w.AddContact("li", p[2], Via{}))
	out := w.ok("externalcontact/add_msg_template", map[string]any{
		"external_userid": p, "text": map[string]string{"content": "x"},
	})
	id := out["msgid"].(string)
	if size(out["fail_list"]) != 1 || dig(out, "fail_list", 0) != p[3] {
		t.Errorf("fail_list: %v", out)
	}
	must(t, w.DeleteContact("li", p[2], true))
	if list := w.results(id, "li"); len(list) != 2 || dig(list[0], "status") != 0.0 {
		t.Errorf("before: %v", list)
	}
	must(t, w.Confirm(id, "li"))
	want := map[any]float64{p[1]: 1, p[2]: 2}
	for _, r := range w.results(id, "li") {
		if dig(r, "status") != want[dig(r, "external_userid")] {
			t.Errorf("result: %v", r)
		}
	}
	if list := w.results(id, "wang"); len(list) != 1 || dig(list[0], "status") != 0.0 {
		t.Errorf("wang has not confirmed: %v", list)
	}
}

func TestAnEmptyTagFilterIsNone(t *testing.T) {
	w := newWorld(t, Config{})
	got[Contact](t)(w.AddContact("wang", w.customers(1)[0], Via{}))
	body := `{"sender":"wang","tag_filter":{"group_list":%s},"text":{"content":"x"}}`
	for list, want := range map[string]int{`null`: 0, `[]`: 0, `[{"tag_list":[]}]`: 0, `[{"tag_list":["et1"]}]`: 41048} {
		if out := w.post("externalcontact/add_msg_template", fmt.Sprintf(body, list)); code(out) != want {
			t.Errorf("%s: %v, want %d", list, out, want)
		}
	}
}

func TestAMessageIsRemindedOfThreeTimesADay(t *testing.T) {
	w := newWorld(t, Config{})
	id := w.massTo("wang", "x", w.group("一群"))
	remind := func() int { return code(w.post("externalcontact/remind_groupmsg_send", map[string]any{"msgid": id})) }
	for range 3 {
		if n := remind(); n != 0 {
			t.Errorf("reminder: %d", n)
		}
	}
	if n := remind(); n != 41094 {
		t.Errorf("the fourth in a day: %d", n)
	}
	w.clock.Add(24 * time.Hour)
	w.login()
	if n := remind(); n != 0 {
		t.Errorf("a day later: %d", n)
	}
	cancel := func() int { return code(w.post("externalcontact/cancel_groupmsg_send", map[string]any{"msgid": id})) }
	if n := cancel(); n != 0 {
		t.Errorf("cancel: %d", n)
	}
	if a, b := cancel(), remind(); a != 41093 || b != 41093 {
		t.Errorf("after the cancellation: %d, %d", a, b)
	}
	if err := w.Confirm(id, "wang"); err == nil {
		t.Error("a cancelled task was confirmed")
	}
	if task := w.Tasks()[0]; len(task.Reminders) != 4 || task.CancelledAt.IsZero() {
		t.Errorf("task: %+v", task)
	}
}

func TestTheListShowsWhoseMessagesTheyAre(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("一群")
	must(t, w.SetFaults(Faults{Dispatch: time.Minute}))
	id := w.massTo("wang", "公司发", chat)
	now := w.clock.Now().Unix()
	list := func(more map[string]any) map[string]any {
		body := map[string]any{"chat_type": "group", "start_time": now - 60, "end_time": now + 60}
		for k, v := range more {
			body[k] = v
		}
		return w.post("externalcontact/get_groupmsg_list_v2", body)
	}
	if out := list(nil); code(out) != 41063 {
		t.Errorf("at once: %v", out)
	}
	if out := w.post("externalcontact/get_groupmsg_task", map[string]any{"msgid": id}); code(out) != 41063 {
		t.Errorf("its task at once: %v", out)
	}
	must(t, w.SetFaults(Faults{}))
	got[string](t)(w.SendPersonally("wang", "自己发", chat))
	out := list(nil)
	if size(out["group_msg_list"]) != 2 || dig(out, "group_msg_list", 0, "msgid") != id || dig(out, "group_msg_list", 0, "creator") != nil ||
		dig(out, "group_msg_list", 0, "text", "content") != "公司发" || dig(out, "group_msg_list", 1, "creator") != "wang" {
		t.Errorf("all: %v", out)
	}
	if out := list(map[string]any{"filter_type": 0}); size(out["group_msg_list"]) != 1 {
		t.Errorf("the company's: %v", out)
	}
	if out := list(map[string]any{"filter_type": 1, "creator": "wang"}); dig(out, "group_msg_list", 0, "create_type") != 1.0 {
		t.Errorf("wang's own: %v", out)
	}
	out = list(map[string]any{"limit": 1})
	if out["next_cursor"] == "" {
		t.Errorf("first page: %v", out)
	}
	if out = list(map[string]any{"limit": 1, "cursor": out["next_cursor"]}); out["next_cursor"] != "" || dig(out, "group_msg_list", 0, "text", "content") != "自己发" {
		t.Errorf("second page: %v", out)
	}
	if out := list(map[string]any{"chat_type": "single"}); size(out["group_msg_list"]) != 0 {
		t.Errorf("to customers: %v", out)
	}
}

// A company may count mass messages by the week or the day instead of the month.
func TestMassMessagesAreCountedAsTheCompanySet(t *testing.T) {
	for rule, c := range map[string]struct{ first, second, after int }{
		MassDay:  {1, 0, 1}, // one a day
		MassWeek: {7, 0, 7}, // seven from Monday to Sunday
	} {
		w := newWorld(t, Config{})
		chat := w.group("一群")
		must(t, w.SetFaults(Faults{Limits: Limits{MassRule: rule}}))
		sent := func() (n int) {
			for range 8 {
				before := len(got[Group](t)(w.Group(chat)).Posts)
				got[string](t)(w.SendPersonally("wang", "手动发", chat))
				n += len(got[Group](t)(w.Group(chat)).Posts) - before
			}
			return n
		}
		if n := sent(); n != c.first {
			t.Errorf("%s: %d at first, want %d", rule, n, c.first)
		}
		if n := sent(); n != c.second {
			t.Errorf("%s: %d more in the same %s", rule, n, rule)
		}
		_, last, _ := w.Faults().Limits.massDays(w.clock.Now())
		w.clock.Set(last.AddDate(0, 0, 1).Add(-time.Second))
		if n := sent(); n != 0 {
			t.Errorf("%s: %d in its last second", rule, n)
		}
		w.clock.Set(last.AddDate(0, 0, 1))
		if n := sent(); n != c.after {
			t.Errorf("%s: %d after it, want %d", rule, n, c.after)
		}
	}
	w := newWorld(t, Config{})
	if err := w.SetFaults(Faults{Limits: Limits{MassRule: "year"}}); err == nil {
		t.Error("a rule that there is not was set")
	}
}

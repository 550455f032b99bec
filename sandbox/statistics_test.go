package sandbox

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

const (
	byOwner  = "externalcontact/groupchat/statistic"
	byDay    = "externalcontact/groupchat/statistic_group_by_day"
	behavior = "externalcontact/get_user_behavior_data"
)

func statisticCalls() []goodCall {
	const data = `"data":{"new_chat_cnt":1,"chat_total":1,"chat_has_msg":0,"new_member_cnt":1,"member_total":1,"member_has_msg":0,"msg_total":0,"migrate_trainee_chat_cnt":0}`
	return []goodCall{
		{byOwner, `{"day_begin_time":$YESTERDAY,"day_end_time":$YESTERDAY,"owner_filter":{"userid_list":["wang"]},"order_by":2,"order_asc":0,"offset":0,"limit":1000}`,
			`{"total":1,"next_offset":1,"items":[{"owner":"x",` + data + `}]}`},
		{byDay, `{"day_begin_time":$YESTERDAY,"day_end_time":$YESTERDAY,"owner_filter":{"userid_list":["wang"]}}`, `{"items":[{"stat_time":1,` + data + `}]}`},
		{behavior, `{"userid":["wang"],"partyid":[1],"start_time":$YESTERDAY,"end_time":$YESTERDAY}`,
			`{"behavior_data":[{"stat_time":1,"chat_cnt":0,"message_cnt":0,"negative_feedback_cnt":0,"new_apply_cnt":0,"new_contact_cnt":0}]}`},
	}
}

// day is the number of seconds at which a day begins, so many days from the first of the
// clock, and as many hours into it.
func (w *world) day(n int, hours ...time.Duration) int64 {
	at := time.Date(2026, 11, 23+n, 0, 0, 0, 0, shanghai())
	for _, h := range hours {
		at = at.Add(h * time.Hour)
	}
	return at.Unix()
}

// history lives through three days and ends on the fourth.
func history(t *testing.T) (*world, string) {
	w := newWorld(t, Config{})
	p := w.customers(4)
	chat, other := w.group("一群"), got[string](t)(w.CreateGroup("li", "二群"))
	w.invite(chat, p[0], p[1])
	got[string](t)(w.Say(chat, p[0], "几点开门"))
	got[string](t)(w.Say(chat, p[0], "今天呢"))
	w.clock.Set(time.Unix(w.day(1, 23), 0))
	got[string](t)(w.Say(chat, "wang", "九点"))
	w.invite(chat, p[2])
	must(t, w.Leave(chat, p[1]))
	third := w.group("三群")
	must(t, w.ChangeOwner(third, "li"))
	w.clock.Set(time.Unix(w.day(2), 0))
	got[string](t)(w.SendPersonally("wang", "秒杀", chat))
	must(t, w.Dismiss(other))
	w.clock.Set(time.Unix(w.day(3, 6), 0))
	w.login()
	return w, chat
}

// counts are the figures of an answer without the constant one.
func counts(data any) map[string]any {
	out := maps.Clone(data.(map[string]any))
	delete(out, "migrate_trainee_chat_cnt")
	return out
}

func figuresOf(newChats, chats, talking, newMembers, members, voices, messages float64) map[string]any {
	return map[string]any{
		"new_chat_cnt": newChats, "chat_total": chats, "chat_has_msg": talking, "new_member_cnt": newMembers,
		"member_total": members, "member_has_msg": voices, "msg_total": messages,
	}
}

func TestGroupsAreCountedByOwner(t *testing.T) {
	w, _ := history(t)
	out := w.ok(byOwner, map[string]any{"day_begin_time": w.day(0), "day_end_time": w.day(1, 5), "order_by": 3})
	if out["total"] != 2.0 || out["next_offset"] != 2.0 || dig(out, "items", 0, "owner") != "wang" {
		t.Fatalf("two days: %v", out)
	}
	// wang: one group with wang, li, p0, p2; p1 has left. li: 二群, and 三群 from wang.
	same(t, "wang", counts(dig(out, "items", 0, "data")), figuresOf(1, 1, 1, 5, 4, 2, 3))
	same(t, "li", counts(dig(out, "items", 1, "data")), figuresOf(2, 2, 0, 3, 3, 0, 0))
	out = w.ok(byOwner, map[string]any{"day_begin_time": w.day(2, 23), "owner_filter": map[string]any{"userid_list": []string{"LI"}}})
	same(t, "li after a group was dissolved", counts(dig(out, "items", 0, "data")), figuresOf(0, 1, 0, 0, 2, 0, 0))
	for order, first := range map[int]string{0: "li", 1: "li", 2: "li", 3: "wang", 4: "wang"} {
		for ascending := range 2 {
			out := w.ok(byOwner, map[string]any{"day_begin_time": w.day(0), "day_end_time": w.day(1), "order_by": order, "order_asc": ascending, "offset": ascending, "limit": 1})
			if dig(out, "items", 0, "owner") != first || out["next_offset"] != float64(1+ascending) {
				t.Errorf("order %d, ascending %d: %v", order, ascending, out)
			}
		}
	}
	out = w.ok(byOwner, map[string]any{"day_begin_time": w.day(0), "offset": 7})
	if size(out["items"]) != 0 || out["next_offset"] != 2.0 {
		t.Errorf("beyond the end: %v", out)
	}
}

func TestGroupsAreCountedByDay(t *testing.T) {
	w, _ := history(t)
	out := w.ok(byDay, map[string]any{"day_begin_time": w.day(-1), "day_end_time": w.day(2), "owner_filter": map[string]any{"userid_list": []string{"wang"}}})
	want := []map[string]any{
		figuresOf(0, 0, 0, 0, 0, 0, 0), figuresOf(1, 1, 1, 4, 4, 1, 2), figuresOf(0, 1, 1, 1, 4, 2, 3), figuresOf(0, 1, 1, 0, 4, 2, 4),
	}
	if size(out["items"]) != len(want) {
		t.Fatalf("%v", out)
	}
	for i, figures := range want {
		same(t, fmt.Sprintf("day %d", i), counts(dig(out, "items", i, "data")), figures)
		if dig(out, "items", i, "stat_time") != float64(w.day(i-1)) {
			t.Errorf("day %d: %v", i, dig(out, "items", i))
		}
	}
}

func TestStatisticsAreRefused(t *testing.T) {
	w, _ := history(t)
	span := func(begin, end int64, more string) string {
		return fmt.Sprintf(`{"day_begin_time":%d,"day_end_time":%d%s}`, begin, end, more)
	}
	ranges := map[string]int{
		`{}`:                               40063,
		`{"day_end_time":5}`:               40063,
		span(w.day(2), w.day(1), ""):       40058,
		span(w.day(2), w.day(3), ""):       40058, // today
		span(w.day(-27), w.day(2), ""):     0,
		span(w.day(-28), w.day(2), ""):     40058, // 31 days
		span(w.day(-177), w.day(-177), ""): 0,
		span(w.day(-178), w.day(-178), ""): 40058,
		span(w.day(1), w.day(1), `,"owner_filter":{"userid_list":["nobody"]}`): 60111,
		span(w.day(1), w.day(1), `,"owner_filter":{"userid_list":"wang"}`):     40058,
	}
	w.refused(byDay, ranges)
	w.refused(byOwner, ranges)
	w.refused(byOwner, map[string]int{
		span(w.day(1), w.day(1), `,"order_by":5`):  40058,
		span(w.day(1), w.day(1), `,"order_asc":2`): 40058,
		span(w.day(1), w.day(1), `,"limit":1001`):  40058,
		span(w.day(1), w.day(1), `,"limit":0`):     40058,
		span(w.day(1), w.day(1), `,"offset":-1`):   40058,
	})
	who := func(more string) string { return fmt.Sprintf(`{"start_time":%d%s}`, w.day(1), more) }
	until := fmt.Sprintf(`,"end_time":%d`, w.day(1))
	w.refused(behavior, map[string]int{
		who(until):                          40063,
		who(`,"userid":["wang"]`):           40063,
		who(until + `,"userid":["nobody"]`): 60111,
		who(until + `,"partyid":[77]`):      60123,
	})
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	w.refused(byDay, map[string]int{span(w.day(1), w.day(1), `,"owner_filter":{"userid_list":["hidden"]}`): 60011})
	for i := range 998 {
		must(t, w.AddStaff(Staff{UserID: fmt.Sprintf("u%d", i), Name: "员"}))
	}
	w.refused(byDay, map[string]int{
		span(w.day(1), w.day(1), ""):                                         81017,
		span(w.day(1), w.day(1), `,"owner_filter":{"userid_list":["wang"]}`): 0,
	})
}

func TestBehaviorIsCounted(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddDepartment(Department{ID: 5, Name: "门店"}))
	must(t, w.AddStaff(Staff{UserID: "chen", Name: "陈", Department: 5}))
	p := w.customers(4)
	for i, user := range []string{"wang", "wang", "wang", "chen"} {
		got[Contact](t)(w.AddContact(user, p[i], Via{AddWay: []int{1, 4, 3, 6}[i]}))
	}
	w.clock.Set(time.Unix(w.day(1, 9), 0))
	must(t, w.Write(p[0], "wang", "有货吗"))
	w.clock.Add(10 * time.Minute)
	must(t, w.Write("wang", p[0], "有"))
	must(t, w.Write("wang", p[1], "到店有礼"))
	must(t, w.Write(p[1], "wang", "好的")) // an answer, not an opening
	must(t, w.Write(p[2], "wang", "在吗"))
	must(t, w.DeleteContact("wang", p[1], true))
	w.clock.Set(time.Unix(w.day(2), 0))
	must(t, w.Write("wang", p[2], "昨天忙")) // too late for yesterday
	w.clock.Set(time.Unix(w.day(3), 0))
	w.login()
	out := w.ok(behavior, map[string]any{"userid": []string{"wang"}, "start_time": w.day(0), "end_time": w.day(2)})
	day := func(i int) map[string]any { return dig(out, "behavior_data", i).(map[string]any) }
	same(t, "first day", day(0), map[string]any{"stat_time": float64(w.day(0)), "chat_cnt": 0.0, "message_cnt": 0.0, "negative_feedback_cnt": 0.0, "new_apply_cnt": 1.0, "new_contact_cnt": 3.0})
	same(t, "second day", day(1), map[string]any{"stat_time": float64(w.day(1)), "chat_cnt": 2.0, "message_cnt": 2.0, "negative_feedback_cnt": 1.0,
		"new_apply_cnt": 0.0, "new_contact_cnt": 0.0, "reply_percentage": 50.0, "avg_reply_time": 10.0})
	same(t, "third day", day(2), map[string]any{"stat_time": float64(w.day(2)), "chat_cnt": 1.0, "message_cnt": 1.0, "negative_feedback_cnt": 0.0, "new_apply_cnt": 0.0, "new_contact_cnt": 0.0})
	out = w.ok(behavior, map[string]any{"partyid": []int{1}, "userid": []string{"chen"}, "start_time": w.day(0), "end_time": w.day(0)})
	if day(0)["new_contact_cnt"] != 4.0 || day(0)["new_apply_cnt"] != 2.0 {
		t.Errorf("the whole company, nobody twice: %v", out)
	}
	if err := w.Write(p[1], "wang", "喂"); err == nil {
		t.Error("a customer wrote to whom she has deleted")
	}
	if err := w.Write("li", p[0], "喂"); err == nil {
		t.Error("strangers wrote to each other")
	}
}

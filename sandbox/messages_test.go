package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func (w *world) message(to, kind string, body any, more ...any) map[string]any {
	w.t.Helper()
	all := map[string]any{"touser": to, "msgtype": kind, "agentid": DefaultAgentID, kind: body}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i].(string)] = more[i+1]
	}
	return w.post("message/send", all)
}

func TestMessagesReachTheVisibleAndNameTheOthers(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.Resign("zhao"))
	out := w.message("wang|Nobody|zhao|LI", "text", map[string]string{"content": "开会"}, "toparty", "9", "totag", "1")
	if code(out) != 0 || out["invaliduser"] != "nobody|zhao" || out["invalidparty"] != "9" || out["invalidtag"] != "1" {
		t.Errorf("answered %v", out)
	}
	m := w.AppMessages()[0]
	if strings.Join(m.To, "|") != "wang|li" || m.Text != "开会" {
		t.Errorf("message: %+v", m)
	}
	w.message("@all", "markdown", map[string]string{"content": "**好**"})
	if m := w.AppMessages()[1]; len(m.To) != 2 {
		t.Errorf("to all: %+v", m)
	}
}

func TestALongTextIsCut(t *testing.T) {
	w := newWorld(t, Config{})
	w.message("wang", "text", map[string]string{"content": strings.Repeat("好", 1000)})
	if text := w.AppMessages()[0].Text; text != strings.Repeat("好", 682) {
		t.Errorf("%d bytes", len(text))
	}
}

func TestAFloodIsDroppedSilently(t *testing.T) {
	w := newWorld(t, Config{})
	for i := range 32 {
		if out := w.message("wang|li", "text", map[string]string{"content": fmt.Sprint(i)}); code(out) != 0 {
			t.Fatalf("message %d: %v", i, out)
		}
		if i == 0 {
			w.clock.Add(time.Second)
		}
	}
	all := w.AppMessages()
	if len(all[29].Dropped) != 0 || len(all[30].Dropped) != 2 || len(all[31].To) != 0 {
		t.Errorf("30th %+v, 31st %+v", all[29], all[30])
	}
	w.clock.Add(time.Minute)
	w.message("wang", "text", map[string]string{"content": "后来"})
	if m := w.AppMessages()[32]; len(m.To) != 1 {
		t.Errorf("a minute later: %+v", m)
	}
}

func TestARepeatedMessageIsShownOnce(t *testing.T) {
	w := newWorld(t, Config{})
	send := func() any {
		return w.message("wang", "text", map[string]string{"content": "同"}, "enable_duplicate_check", 1, "duplicate_check_interval", 600)["msgid"]
	}
	first := send()
	if send() != first {
		t.Error("another msgid for the repeated message")
	}
	if m := w.AppMessages()[1]; !m.Duplicate || len(m.To) != 0 {
		t.Errorf("the repeated message: %+v", m)
	}
	w.clock.Add(10 * time.Minute)
	if send() == first {
		t.Error("the message after the interval counts as repeated")
	}
}

func TestAMessageCanBeRecalledForADay(t *testing.T) {
	w := newWorld(t, Config{})
	id := w.message("wang", "text", map[string]string{"content": "错"})["msgid"]
	w.clock.Add(24*time.Hour - time.Second)
	w.login()
	w.ok("message/recall", map[string]any{"msgid": id})
	if w.AppMessages()[0].Recalled.IsZero() {
		t.Error("not recalled")
	}
	w.clock.Add(2 * time.Second)
	if out := w.post("message/recall", map[string]any{"msgid": id}); code(out) != 40058 {
		t.Errorf("after a day: %v", out)
	}
}

func cardBody(task string) map[string]any {
	return map[string]any{
		"card_type": "button_interaction", "task_id": task,
		"main_title":              map[string]string{"title": "疑似广告", "desc": "一群"},
		"horizontal_content_list": []any{map[string]string{"keyname": "发送人", "value": "小鱼"}},
		"button_list":             []any{map[string]any{"text": "已移出", "key": "done", "style": 1}, map[string]any{"text": "误报", "key": "no"}},
	}
}

func TestACardIsPressedAndThenChangedOnce(t *testing.T) {
	w := newWorld(t, Config{CallbackURL: "http://127.0.0.1:1/"})
	out := w.message("wang|li", "template_card", cardBody("case_1"))
	if code(out) != 0 || out["response_code"] == "" {
		t.Fatalf("send: %v", out)
	}
	if again := w.message("wang", "template_card", cardBody("case_1")); code(again) != 42014 {
		t.Errorf("the same task_id again: %v", again)
	}
	card := w.Cards()[0]
	if card.Title != "疑似广告" || !strings.Contains(card.Text, "发送人: 小鱼") || len(card.Buttons) != 2 || len(card.To) != 2 {
		t.Errorf("card: %+v", card)
	}
	for name, err := range map[string]error{
		"another key": w.PressCard("wang", "case_1", "x"), "another card": w.PressCard("wang", "case_2", "done"), "not shown": w.PressCard("zhao", "case_1", "done"),
	} {
		if err == nil {
			t.Errorf("%s was pressed", name)
		}
	}
	must(t, w.PressCard("wang", "case_1", "done"))
	press := w.Cards()[0].Presses[0]
	xml := w.Callbacks()[0].XML
	want := "<xml>\n<ToUserName><![CDATA[" + DefaultCorpID + "]]></ToUserName>\n<FromUserName><![CDATA[wang]]></FromUserName>\n" +
		fmt.Sprintf("<CreateTime>%d</CreateTime>\n", w.clock.Now().Unix()) + "<MsgType><![CDATA[event]]></MsgType>\n" +
		"<Event><![CDATA[template_card_event]]></Event>\n<EventKey><![CDATA[done]]></EventKey>\n<TaskId><![CDATA[case_1]]></TaskId>\n" +
		"<CardType><![CDATA[button_interaction]]></CardType>\n<ResponseCode><![CDATA[" + press.ResponseCode + "]]></ResponseCode>\n" +
		"<AgentID>1000002</AgentID>\n</xml>"
	if xml != want {
		t.Errorf("event:\n%s\nwant:\n%s", xml, want)
	}
	update := map[string]any{
		"userids": []string{"wang", "Zhao"}, "agentid": DefaultAgentID, "response_code": press.ResponseCode, "button": map[string]string{"replace_name": "已处理"},
	}
	changed := w.ok("message/update_template_card", update)
	if dig(changed, "invaliduser", 0) != "zhao" || size(changed["invaliduser"]) != 1 {
		t.Errorf("update: %v", changed)
	}
	if again := w.post("message/update_template_card", update); code(again) != 60140 {
		t.Errorf("the code again: %v", again)
	}
	if err := w.PressCard("wang", "case_1", "done"); err == nil {
		t.Error("the changed card was pressed")
	}
	must(t, w.PressCard("li", "case_1", "no"))
	w.clock.Add(72*time.Hour + time.Second)
	w.login()
	update["response_code"] = w.Cards()[0].Presses[1].ResponseCode
	if late := w.post("message/update_template_card", update); code(late) != 60140 {
		t.Errorf("after 72 hours: %v", late)
	}
}

func TestAWholeCardMayReplaceACard(t *testing.T) {
	w := newWorld(t, Config{CallbackURL: "http://127.0.0.1:1/"})
	out := w.message("wang|li", "template_card", cardBody("case_1"))
	w.ok("message/update_template_card", map[string]any{
		"atall": 1, "agentid": DefaultAgentID, "response_code": out["response_code"],
		"template_card": map[string]any{"card_type": "text_notice", "main_title": map[string]string{"title": "已处理"},
			"card_action": map[string]any{"type": 1, "url": "https://e.com"}},
	})
	if u := w.Cards()[0].Updates[0]; u.Text != "已处理" || len(u.Users) != 2 {
		t.Errorf("update: %+v", u)
	}
}

func TestCardsWantACallback(t *testing.T) {
	w := newWorld(t, Config{})
	if out := w.message("wang", "template_card", cardBody("case_1")); code(out) != 43012 {
		t.Errorf("without callback: %v", out)
	}
	w.SetCallback("http://127.0.0.1:1/")
	if out := w.message("wang", "template_card", cardBody("case_1")); code(out) != 0 {
		t.Errorf("with callback: %v", out)
	}
}

func TestAppChatsAreForStaff(t *testing.T) {
	w := newWorld(t, Config{})
	out := w.ok("appchat/create", map[string]any{"name": "值班群", "userlist": []string{"wang", "li", "WANG"}, "chatid": "ops1"})
	if out["chatid"] != "ops1" {
		t.Errorf("create: %v", out)
	}
	for name, tc := range map[string]struct {
		path string
		body map[string]any
		want int
	}{
		"the same id":   {"appchat/create", map[string]any{"userlist": []string{"wang", "li"}, "chatid": "ops1"}, 86215},
		"a bad id":      {"appchat/create", map[string]any{"userlist": []string{"wang", "li"}, "chatid": "a-b"}, 86001},
		"one member":    {"appchat/create", map[string]any{"userlist": []string{"wang"}}, 86006},
		"a customer":    {"appchat/create", map[string]any{"userlist": []string{"wang", w.customers(1)[0]}}, 86216},
		"another owner": {"appchat/create", map[string]any{"userlist": []string{"wang", "li"}, "owner": "zhao"}, 86216},
		"an unknown id": {"appchat/update", map[string]any{"chatid": "x", "name": "y"}, 86003},
		"no text":       {"appchat/send", map[string]any{"chatid": "ops1", "msgtype": "text", "text": map[string]string{}}, 44004},
		"the owner out": {"appchat/update", map[string]any{"chatid": "ops1", "add_user_list": []string{"zhao"}, "del_user_list": []string{"wang"}}, 86216},
	} {
		if out := w.post(tc.path, tc.body); code(out) != tc.want {
			t.Errorf("%s: %v, want %d", name, out, tc.want)
		}
	}
	w.ok("appchat/update", map[string]any{"chatid": "ops1", "name": "值班群A", "owner": "zhao", "add_user_list": []string{"zhao"}, "del_user_list": []string{"li"}})
	if info := w.get("appchat/get?chatid=ops1")["chat_info"]; dig(info, "owner") != "zhao" || dig(info, "name") != "值班群A" || size(dig(info, "userlist")) != 2 {
		t.Errorf("get: %v", info)
	}
	w.ok("appchat/send", map[string]any{"chatid": "ops1", "msgtype": "text", "text": map[string]string{"content": "开工"}})
	if a := w.AppChats()[0]; len(a.Messages) != 1 || a.Messages[0].Text != "开工" {
		t.Errorf("chat: %+v", a)
	}
}

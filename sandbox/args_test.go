package sandbox

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestArgumentsAreChecked goes through the calls with one thing wrong each. $CHAT is a group
// of wang's, $CUST a contact of wang's, $WAY a join way, $CWAY a contact way, $TASK a mass
// message, $IMG an uploaded image.
func TestArgumentsAreChecked(t *testing.T) {
	w := newWorld(t, Config{CallbackURL: "http://127.0.0.1:1/"})
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	must(t, w.AddStaff(Staff{UserID: "nocontact", Name: "无", NoContacts: true}))
	must(t, w.AddStaff(Staff{UserID: "idle", Name: "闲", Inactive: true}))
	chat, gone := w.group("一群"), w.group("散群")
	cust := w.customers(2)
	got[Contact](t)(w.AddContact("wang", cust[0], Via{}))
	must(t, w.Dismiss(gone))
	hiddenChat := got[string](t)(w.CreateGroup("hidden", "暗群"))
	way := w.ok("externalcontact/groupchat/add_join_way", map[string]any{"scene": 2, "chat_id_list": []string{chat}})["config_id"].(string)
	cway := w.ok("externalcontact/add_contact_way", map[string]any{"type": 1, "scene": 2, "user": []string{"wang"}})["config_id"].(string)
	task := w.ok("externalcontact/add_msg_template", map[string]any{"chat_type": "group", "sender": "wang", "text": map[string]string{"content": "x"}})["msgid"].(string)
	img := w.upload("media/upload?type=image", 100)["media_id"].(string)
	fill := strings.NewReplacer("$CHAT", chat, "$GONE", gone, "$DARK", hiddenChat, "$CUST", cust[0], "$LONER", cust[1],
		"$WAY", way, "$CWAY", cway, "$TASK", task, "$IMG", img,
		"$3001", strings.Repeat("好", 1001), "$4001", strings.Repeat("好", 1334), "$31", strings.Repeat("好", 31))
	for _, tc := range argumentCases() {
		path, body := fill.Replace(tc.path), fill.Replace(tc.body)
		var out map[string]any
		if body == "" {
			out = w.get(path)
		} else {
			out = w.post(path, body)
		}
		if code(out) != tc.want {
			t.Errorf("%s %s: got %v, want %d", tc.path, tc.body, out, tc.want)
		}
		msg, _ := out["errmsg"].(string)
		if tc.want != 0 && !strings.Contains(msg, "hint: [") {
			t.Errorf("%s %s: errmsg %q has no hint", tc.path, tc.body, msg)
		}
		if !strings.Contains(msg, tc.names) {
			t.Errorf("%s %s: errmsg %q does not name %q", tc.path, tc.body, msg, tc.names)
		}
	}
}

type argumentCase struct {
	path, body string // no body: GET
	want       int
	names      string
}

func argumentCases() []argumentCase {
	const ec, gc = "externalcontact/", "externalcontact/groupchat/"
	var cases []argumentCase
	for _, family := range [][]argumentCase{directoryCases(), chatCases(ec, gc), wayCases(ec, gc), welcomeCases(ec), massCases(ec), messageCases(), appChatCases()} {
		cases = append(cases, family...)
	}
	return append(cases,
		argumentCase{gc + "get", `{"chat_id":`, 40035, "Warning: wrong json format."},
		argumentCase{gc + "get", `["$CHAT"]`, 40035, "Warning: wrong json format."},
		argumentCase{gc + "get", `null`, 40035, "Warning: wrong json format."},
		argumentCase{gc + "get", `{"chat_id":"$CHAT"} x`, 40035, "Warning: wrong json format."},
		argumentCase{gc + "get", `{"chat_id":"\u003c"}`, 40033, ""},
		argumentCase{gc + "get", `{"chat_id":"\\u003c"}`, 40050, ""},
		argumentCase{gc + "get", "", 40063, "POST"},
		argumentCase{ec + "list", `{"userid":"wang"}`, 41009, ""}, // it reads the address only
		argumentCase{ec + "list?userid=li", `{}`, 84061, ""},      // but takes a POST
	)
}

func directoryCases() []argumentCase {
	return []argumentCase{
		{"department/get", "", 41019, ""},
		{"department/get?id=99", "", 60123, ""},
		{"agent/get", "", 41011, "agentid"},
		{"agent/get?agentid=7", "", 40056, ""},
		{"agent/get?agentid=1000002", "", 0, ""},
		{"user/get", "", 41009, "userid"},
		{"user/get?userid=nobody", "", 60111, "nobody"},
		{"user/get?userid=hidden", "", 60011, ""},
		{"user/get?userid=WANG", "", 0, ""},
		{"user/simplelist", "", 41019, "department_id"},
		{"user/simplelist?department_id=x", "", 40058, "department_id"},
		{"user/simplelist?department_id=9", "", 60123, ""},
		{"department/list?id=9", "", 60123, ""},
		{"department/list", "", 0, ""},
		{"department/simplelist", "", 0, ""},
		{"user/list_id", `{}`, 48002, ""},
		{"getcallbackip", "", 0, ""},
		{"get_api_domain_ip", "", 0, ""},
	}
}

func chatCases(ec, gc string) []argumentCase {
	return []argumentCase{
		{ec + "list", "", 41009, ""},
		{ec + "list?userid=li", "", 84061, ""},
		{ec + "list?userid=nocontact", "", 84074, ""},
		{ec + "list?userid=hidden", "", 60011, ""},
		{ec + "get", "", 41035, ""},
		{ec + "get?external_userid=wm1", "", 40096, ""},
		{ec + "get?external_userid=$LONER", "", 84061, ""},
		{ec + "get?external_userid=$CUST&cursor=zz", "", 50100, ""},
		{ec + "batch/get_by_user", `{}`, 41009, ""},
		{ec + "batch/get_by_user", `{"userid_list":"wang"}`, 40058, "userid_list"},
		{ec + "batch/get_by_user", `{"userid_list":["wang"],"limit":101}`, 40058, "limit"},
		{ec + "batch/get_by_user", `{"userid_list":["wang"],"cursor":"zz"}`, 50100, ""},
		{ec + "remark", `{"userid":"wang","external_userid":"$LONER","remark":"x"}`, 84061, ""},
		{ec + "remark", `{"userid":"wang","external_userid":"$CUST","remark":"$31"}`, 40058, "remark"},
		{ec + "remark", `{"userid":"wang","external_userid":"$CUST","remark_mobiles":[1]}`, 40058, "remark_mobiles"},
		{gc + "list", `{}`, 40058, "limit"},
		{gc + "list", `{"limit":1001}`, 40058, "limit"},
		{gc + "list", `{"limit":"100"}`, 40058, "limit"},
		{gc + "list", `{"limit":1.5}`, 40058, "limit"},
		{gc + "list", `{"limit":10,"status_filter":4}`, 40058, "status_filter"},
		{gc + "list", `{"limit":10,"cursor":"zz"}`, 50100, ""},
		{gc + "list", `{"limit":10,"owner_filter":[]}`, 40058, "owner_filter"},
		{gc + "list", `{"limit":10,"owner_filter":{"userid_list":["nobody"]}}`, 60111, ""},
		{gc + "list", `{"limit":10,"owner_filter":{"userid_list":["hidden"]}}`, 60011, ""},
		{gc + "list", `{"limit":10,"owner_filter":null,"cursor":null}`, 0, ""},
		{gc + "get", `{}`, 40063, "chat_id"},
		{gc + "get", `{"chat_id":7}`, 40058, "chat_id"},
		{gc + "get", `{"chat_id":"wr0"}`, 40050, ""},
		{gc + "get", `{"chat_id":"$GONE"}`, 49008, ""},
		{gc + "get", `{"chat_id":"$DARK"}`, 60011, ""},
		{gc + "get", `{"chat_id":"$CHAT","need_name":true}`, 40058, "need_name"},
		{gc + "get", `{"chat_id":"$CHAT","need_name":2}`, 40058, "need_name"},
		{gc + "get?", `{"chat_id":"$CHAT","need_name":1}`, 0, ""},
		{gc + "transfer", `{"chat_id_list":["$CHAT"]}`, 41009, "new_owner"},
		{gc + "transfer", `{"new_owner":"li"}`, 40063, "chat_id_list"},
	}
}

func wayCases(ec, gc string) []argumentCase {
	return []argumentCase{
		{gc + "add_join_way", `{"chat_id_list":["$CHAT"]}`, 41038, "scene"},
		{gc + "add_join_way", `{"scene":2}`, 40063, "chat_id_list"},
		{gc + "add_join_way", `{"scene":2,"chat_id_list":["1","2","3","4","5","6"]}`, 41091, ""},
		{gc + "add_join_way", `{"scene":2,"chat_id_list":["wr0"]}`, 40050, ""},
		{gc + "add_join_way", `{"scene":2,"chat_id_list":["$CHAT"],"state":"$31"}`, 40058, "state"},
		{gc + "add_join_way", `{"scene":2,"chat_id_list":["$CHAT"],"auto_create_room":true}`, 40058, "auto_create_room"},
		{gc + "add_join_way", `{"scene":2,"chat_id_list":["$CHAT"],"remark":"$31"}`, 0, ""},
		{gc + "get_join_way", `{}`, 41042, "config_id"},
		{gc + "get_join_way", `{"config_id":"0"}`, 41044, ""},
		{gc + "update_join_way", `{"config_id":"$WAY"}`, 41038, "scene"},
		{gc + "del_join_way", `{"config_id":"0"}`, 41044, ""},
		{ec + "add_contact_way", `{"scene":2,"user":["wang"]}`, 41037, "type"},
		{ec + "add_contact_way", `{"type":1,"user":["wang"]}`, 41038, "scene"},
		{ec + "add_contact_way", `{"type":1,"scene":2,"user":["wang","li"]}`, 40058, "user"},
		{ec + "add_contact_way", `{"type":1,"scene":2,"user":["nobody"]}`, 60111, ""},
		{ec + "add_contact_way", `{"type":1,"scene":2,"user":["idle"]}`, 41054, ""},
		{ec + "add_contact_way", `{"type":1,"scene":2,"user":["nocontact"]}`, 84074, ""},
		{ec + "add_contact_way", `{"type":2,"scene":2}`, 40063, ""},
		{ec + "add_contact_way", `{"type":2,"scene":2,"party":["1"]}`, 40058, "party"},
		{ec + "add_contact_way", `{"type":2,"scene":2,"party":[1],"state":"$31"}`, 40058, "state"},
		{ec + "get_contact_way", `{"config_id":"0"}`, 41044, ""},
		{ec + "update_contact_way", `{"config_id":"$CWAY","user":[]}`, 40058, "user"},
		{ec + "del_contact_way", `{}`, 41042, ""},
		{ec + "list_contact_way", `{"limit":0}`, 40058, "limit"},
		{ec + "list_contact_way", `{"start_time":2,"end_time":1}`, 40058, ""},
	}
}

func welcomeCases(ec string) []argumentCase {
	return []argumentCase{
		{ec + "send_welcome_msg", `{"text":{"content":"x"}}`, 41049, "welcome_code"},
		{ec + "send_welcome_msg", `{"welcome_code":"0","text":{"content":"x"}}`, 41050, ""},
		{ec + "send_welcome_msg", `{"welcome_code":"0","text":{}}`, 44004, ""},
		{ec + "send_welcome_msg", `{"welcome_code":"0","text":{"content":"$4001"}}`, 45002, "text.content"},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"poem","poem":{}}]}`, 41065, "attachments[0]."},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"image","link":{}}]}`, 41065, ""},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"image","image":{}}]}`, 41006, "media_id"},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"image","image":{"media_id":"0"}}]}`, 40007, ""},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"video","video":{"media_id":"$IMG"}}]}`, 40007, ""},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"link","link":{"title":"x"}}]}`, 41010, "url"},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"link","link":{"title":"x","url":"example.com"}}]}`, 45034, "url"},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"link","link":{"title":"$31$31","url":"https://example.com"}}]}`, 45002, "title"},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{"msgtype":"miniprogram","miniprogram":{"title":"x","appid":"a","page":"p","pic_media_id":"$IMG"}}]}`, 41050, ""},
		{ec + "send_welcome_msg", `{"welcome_code":"0","attachments":[{},{},{},{},{},{},{},{},{},{}]}`, 41064, ""},
		{ec + "group_welcome_template/add", `{"text":{"content":"$3001"}}`, 45002, "text.content"},
		{ec + "group_welcome_template/add", `{}`, 44004, ""},
		{ec + "group_welcome_template/add", `{"text":{"content":"x"},"notify":2}`, 40058, "notify"},
		{ec + "group_welcome_template/get", `{}`, 40063, "template_id"},
		{ec + "group_welcome_template/edit", `{"template_id":"0","text":{"content":"x"}}`, 41058, ""},
	}
}

func massCases(ec string) []argumentCase {
	return []argumentCase{
		{ec + "add_msg_template", `{"chat_type":"group","text":{"content":"x"}}`, 40063, "sender"},
		{ec + "add_msg_template", `{"chat_type":"crowd","sender":"wang","text":{"content":"x"}}`, 40058, "chat_type"},
		{ec + "add_msg_template", `{"chat_type":"group","sender":"nobody","text":{"content":"x"}}`, 60111, ""},
		{ec + "add_msg_template", `{"chat_type":"group","sender":"hidden","text":{"content":"x"}}`, 60011, ""},
		{ec + "add_msg_template", `{"chat_type":"group","sender":"li","text":{"content":"x"}}`, 41048, ""},
		{ec + "add_msg_template", `{"chat_type":"group","sender":"li","chat_id_list":["$CHAT"],"text":{"content":"x"}}`, 41048, ""},
		{ec + "add_msg_template", `{"chat_type":"group","sender":"wang","text":{"content":"$4001"}}`, 45002, "text.content"},
		{ec + "add_msg_template", `{"chat_type":"group","sender":"wang"}`, 44004, ""},
		{ec + "add_msg_template", `{"chat_type":"group","sender":"wang","text":"x"}`, 40058, "text"},
		{ec + "add_msg_template", `{"text":{"content":"x"}}`, 40063, ""},
		{ec + "add_msg_template", `{"sender":"li","text":{"content":"x"}}`, 41048, ""},
		{ec + "add_msg_template", `{"external_userid":["$LONER"],"text":{"content":"x"}}`, 41048, ""},
		{ec + "add_msg_template", `{"sender":"wang","allow_select":1,"text":{"content":"x"}}`, 40058, "allow_select"},
		{ec + "get_groupmsg_list_v2", `{"chat_type":"group"}`, 40063, "start_time"},
		{ec + "get_groupmsg_list_v2", `{"start_time":1,"end_time":2}`, 40063, "chat_type"},
		{ec + "get_groupmsg_list_v2", `{"chat_type":"group","start_time":1,"end_time":9999999}`, 40058, "31 days"},
		{ec + "get_groupmsg_list_v2", `{"chat_type":"group","start_time":1,"end_time":2,"limit":101}`, 40058, "limit"},
		{ec + "get_groupmsg_list_v2", `{"chat_type":"group","start_time":1,"end_time":2,"filter_type":3}`, 40058, "filter_type"},
		{ec + "get_groupmsg_task", `{}`, 41046, "msgid"},
		{ec + "get_groupmsg_task", `{"msgid":"0"}`, 41047, ""},
		{ec + "get_groupmsg_task", `{"msgid":"$TASK","limit":1001}`, 40058, "limit"},
		{ec + "get_groupmsg_send_result", `{"msgid":"$TASK"}`, 41009, "userid"},
		{ec + "get_groupmsg_send_result", `{"msgid":"$TASK","userid":"nobody"}`, 60111, ""},
		{ec + "remind_groupmsg_send", `{"msgid":"0"}`, 41047, ""},
		{ec + "cancel_groupmsg_send", `{}`, 41046, ""},
	}
}

func messageCases() []argumentCase {
	card := func(fields string) string {
		return `{"touser":"wang","agentid":1000002,"msgtype":"template_card","template_card":{"card_type":"button_interaction",` + fields + `}}`
	}
	const good = `"main_title":{"title":"x"},"button_list":[{"text":"a","key":"a"}]`
	return []argumentCase{
		{"message/send", `{"touser":"wang","msgtype":"text","text":{"content":"x"}}`, 41011, "agentid"},
		{"message/send", `{"touser":"wang","msgtype":"text","agentid":7,"text":{"content":"x"}}`, 40056, ""},
		{"message/send", `{"touser":"wang","msgtype":"text","agentid":"1000002","text":{"content":"x"}}`, 0, ""},
		{"message/send", `{"touser":"wang","msgtype":"song","agentid":1000002}`, 40008, ""},
		{"message/send", `{"touser":"wang","msgtype":"text","agentid":1000002,"text":{"content":""}}`, 44004, ""},
		{"message/send", `{"msgtype":"text","agentid":1000002,"text":{"content":"x"}}`, 82001, ""},
		{"message/send", `{"touser":"nobody|hidden","msgtype":"text","agentid":1000002,"text":{"content":"x"}}`, 81013, ""},
		{"message/send", `{"touser":"wang","msgtype":"markdown","agentid":1000002,"markdown":{"content":"$3001"}}`, 45002, "content"},
		{"message/send", `{"touser":"wang","msgtype":"textcard","agentid":1000002,"textcard":{"title":"x","description":"y"}}`, 41010, "url"},
		{"message/send", `{"touser":"wang","msgtype":"textcard","agentid":1000002,"textcard":{"description":"y","url":"https://e.com"}}`, 41016, "title"},
		{"message/send", `{"touser":"wang","msgtype":"text","agentid":1000002,"text":{"content":"x"},"duplicate_check_interval":14401}`, 40058, "duplicate"},
		{"message/send", card(good), 42014, "task_id"},
		{"message/send", card(`"task_id":"a b",` + good), 42014, "task_id"},
		{"message/send", card(`"task_id":"t1","main_title":{"title":"x"}`), 40058, "button_list"},
		{"message/send", card(`"task_id":"t1","main_title":{"title":"x"},"button_list":[{"text":"a"}]`), 42019, "key"},
		{"message/send", card(`"task_id":"t1","main_title":{"title":"x"},"button_list":[{"text":"a","key":"a"},{"text":"b","key":"a"}]`), 42018, "key"},
		{"message/send", card(`"task_id":"t1","button_list":[{"text":"a","key":"a"}]`), 41016, "title"},
		{"message/send", card(`"task_id":"t1","quote_area":{"type":3},` + good), 40058, "quote_area.type"},
		{"message/send", card(`"task_id":"t1","card_action":{"type":1},` + good), 41010, "card_action.url"},
		{"message/send", `{"touser":"wang","agentid":1000002,"msgtype":"template_card","template_card":{"card_type":"hologram"}}`, 40058, "card_type"},
		{"message/update_template_card", `{"agentid":1000002,"userids":["wang"],"button":{"replace_name":"x"}}`, 60140, "response_code"},
		{"message/update_template_card", `{"agentid":1000002,"userids":["wang"],"response_code":"0","button":{"replace_name":"x"}}`, 60140, ""},
		{"message/update_template_card", `{"agentid":1000002,"userids":["wang"],"response_code":"0"}`, 40063, "template_card"},
		{"message/recall", `{}`, 40063, "msgid"},
		{"message/recall", `{"msgid":"0"}`, 40058, "msgid"},
		{"media/upload?type=poem", `x`, 41006, "media"},
	}
}

func appChatCases() []argumentCase {
	// One member of staff is hidden, so the app's visible range is not the whole company.
	return []argumentCase{
		{"appchat/create", `{"userlist":["wang","li"]}`, 60011, ""},
		{"appchat/get?chatid=x", "", 60011, ""},
		{"appchat/send", `{"chatid":"x","msgtype":"text","text":{"content":"x"}}`, 60011, ""},
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	w := newWorld(t, Config{})
	for _, path := range []string{"externalcontact/unknown", "externalcontact/groupchat/kick", ""} {
		resp, err := w.server.Client().Get(w.server.URL + "/cgi-bin/" + path)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%q: HTTP %d", path, resp.StatusCode)
		}
	}
	if n := w.Calls("/cgi-bin/externalcontact/groupchat/kick"); n != 1 {
		t.Errorf("the unknown call was counted %d times", n)
	}
}

func TestMarkupIsAnsweredUnescaped(t *testing.T) {
	w := newWorld(t, Config{})
	chat := w.group("<一>&二群")
	resp, err := w.server.Client().Post(w.url("externalcontact/groupchat/get"), "application/json", strings.NewReader(`{"chat_id":"`+chat+`"}`))
	must(t, err)
	defer resp.Body.Close()
	buf := new(strings.Builder)
	if _, err := io.Copy(buf, resp.Body); err != nil || !strings.Contains(buf.String(), "<一>&二群") {
		t.Errorf("answered %s, %v", buf, err)
	}
}

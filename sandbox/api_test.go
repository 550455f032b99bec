package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// goodCall is a call with every field that is read, and an answer with the documented shape:
// the answer of the sandbox must have the same fields with values of the same kinds.
type goodCall struct {
	path   string
	body   string // of a POST
	answer string
}

// goodCalls use the ids of a showcase: $CHAT, $OTHER, $CUST, $CODE, $IMG, $VID, $FILE, $WAY,
// $CWAY, $TASK, $TPL, $MSG, $RC, $NOW, $TAGGROUP, $TAG, $TAG2.
func goodCalls() []goodCall {
	return slices.Concat(directoryCalls(), contactCalls(), groupCalls(), wayCalls(), massCalls(), messageCalls(),
		customerCalls(),
		momentCalls(), loginCalls(), robotCalls())
}

func loginCalls() []goodCall {
	return []goodCall{
		{"auth/getuserinfo?code=$LOGIN1", "", `{"userid":"x","user_ticket":"x"}`},
		{"user/getuserinfo?code=$LOGIN2", "", `{"UserId":"x","DeviceId":"x"}`},
		{"auth/getuserdetail", `{"user_ticket":"$TICKET"}`, `{"userid":"x","gender":"1","avatar":"x","qr_code":"x","mobile":"x","email":"x","biz_mail":"x","address":""}`},
		{"get_jsapi_ticket", "", `{"ticket":"x","expires_in":7200}`},
		{"ticket/get?type=agent_config", "", `{"ticket":"x","expires_in":7200}`},
	}
}

func robotCalls() []goodCall {
	path := "webhook/send?key=$ROBOT"
	return []goodCall{
		{path, `{"msgtype":"text","text":{"content":"x","mentioned_list":["wang","@all"],"mentioned_mobile_list":["13800001111"]}}`, `{}`},
		{path, `{"msgtype":"markdown","markdown":{"content":"x"}}`, `{}`},
		{path, `{"msgtype":"markdown_v2","markdown_v2":{"content":"x"}}`, `{}`},
		{path, `{"msgtype":"image","image":` + robotImage(fileOf("image", 100)) + `}`, `{}`},
		{path, `{"msgtype":"news","news":{"articles":[{"title":"x","description":"x","url":"https://e.com","picurl":"https://e.com/a.png"}]}}`, `{}`},
	}
}

func momentCalls() []goodCall {
	return []goodCall{
		{addMomentPath, `{"text":{"content":"x"},"attachments":[{"msgtype":"image","image":{"media_id":"$MIMG"}}],
			"visible_range":{"sender_list":{"user_list":["wang"],"department_list":[1]},"external_contact_list":{"tag_list":["$TAG"]}}}`, `{"jobid":"x"}`},
		{addMomentPath, `{"attachments":[{"msgtype":"link","link":{"title":"t","url":"https://e.com","media_id":"$MIMG"}}]}`, `{"jobid":"x"}`},
		{ec + "get_moment_task_result?jobid=$JOB", "", `{"status":3,"type":"add_moment_task","result":{"errcode":0,"errmsg":"ok","moment_id":"x",
			"invalid_sender_list":{"user_list":[],"department_list":[]},"invalid_external_contact_list":{"tag_list":[]}}}`},
		{ec + "get_moment_list", `{"start_time":1795000000,"end_time":1796000000,"creator":"","filter_type":2,"cursor":"","limit":20}`,
			`{"next_cursor":"","moment_list":[{"moment_id":"x","create_time":1,"create_type":0,"visible_type":1,"text":{"content":"x"}}]}`},
		{ec + "get_moment_task", `{"moment_id":"$MOM","cursor":"","limit":10}`, `{"next_cursor":"","task_list":[{"userid":"x","publish_status":1}]}`},
		{ec + "get_moment_customer_list", `{"moment_id":"$MOM","userid":"li","cursor":"","limit":10}`, `{"next_cursor":"","customer_list":[{"userid":"x","external_userid":"x"}]}`},
		{ec + "get_moment_send_result", `{"moment_id":"$MOM","userid":"li","cursor":"","limit":10}`, `{"next_cursor":"","customer_list":[{"external_userid":"x"}]}`},
		{ec + "get_moment_comments", `{"moment_id":"$MOM","userid":"li"}`, `{"comment_list":[],"like_list":[{"external_userid":"x","create_time":1}]}`},
		{ec + "cancel_moment_task", `{"moment_id":"$MOM"}`, `{}`},
	}
}

func directoryCalls() []goodCall {
	return []goodCall{
		{"gettoken?corpid=" + DefaultCorpID + "&corpsecret=" + DefaultSecret, "", `{"access_token":"x","expires_in":7200}`},
		{"getcallbackip", "", `{"ip_list":["1.1.1.1"]}`},
		{"get_api_domain_ip", "", `{"ip_list":["1.1.1.1"]}`},
		{"agent/get?agentid=1000002", "", `{"agentid":1,"name":"x","square_logo_url":"x","description":"","allow_userinfos":{"user":[]},"allow_partys":{"partyid":[1]},"allow_tags":{"tagid":[]},"close":0,"redirect_domain":"","report_location_flag":0,"isreportenter":0,"home_url":""}`},
		{"user/get?userid=wang", "", `{"userid":"x","name":"x","department":[1],"order":[1],"position":"","is_leader_in_dept":[0],"direct_leader":[],"telephone":"","alias":"","status":1,"open_userid":"x","main_department":1}`},
		{"user/simplelist?department_id=1", "", `{"userlist":[{"userid":"x","name":"x","department":[1],"open_userid":"x"}]}`},
		{"user/list?department_id=1&fetch_child=1", "", `{"userlist":[{"userid":"x","name":"x","department":[1],"position":"","status":1,"main_department":1}]}`},
		{"user/getuserid", `{"mobile":"13800000001"}`, `{"userid":"x"}`},
		{"user/convert_to_openid", `{"userid":"wang"}`, `{"openid":"x"}`},
		{"user/convert_to_userid", `{"openid":"$PAYID"}`, `{"userid":"x"}`},
		{"department/list?id=1", "", `{"department":[{"id":1,"name":"x","name_en":"","department_leader":[],"parentid":0,"order":1}]}`},
		{"department/get?id=1", "", `{"department":{"id":1,"name":"x","name_en":"","department_leader":[],"parentid":0,"order":1}}`},
		{"department/simplelist?id=1", "", `{"department_id":[{"id":1,"parentid":0,"order":1}]}`},
	}
}

func contactCalls() []goodCall {
	const ec = "externalcontact/"
	contact := `{"external_userid":"x","name":"x","avatar":"x","type":1,"gender":0,"unionid":"x"}`
	follow := `"userid":"x","remark":"","description":"","createtime":1,"remark_corp_name":"","remark_mobiles":[],"oper_userid":"x","add_way":1,"state":"x"`
	return []goodCall{
		{ec + "get_follow_user_list", "", `{"follow_user":["x"]}`},
		{ec + "list?userid=wang", "", `{"external_userid":["x"]}`},
		{ec + "get?external_userid=$CUST", "", `{"external_contact":` + contact + `,"follow_user":[{` + follow + `,"tags":[]}],"next_cursor":""}`},
		{ec + "batch/get_by_user", `{"userid_list":["wang"],"cursor":"","limit":100}`,
			`{"external_contact_list":[{"external_contact":` + contact + `,"follow_info":{` + follow + `,"tag_id":[]}}],"next_cursor":""}`},
		{ec + "remark", `{"userid":"wang","external_userid":"$CUST","remark":"","description":"d","remark_company":"c","remark_mobiles":[""]}`, `{}`},
		{ec + "send_welcome_msg", `{"welcome_code":"$CODE","text":{"content":"您好"},"attachments":[
			{"msgtype":"image","image":{"media_id":"$IMG"}},{"msgtype":"image","image":{"pic_url":"https://e.com/a.png"}},
			{"msgtype":"link","link":{"title":"t","picurl":"https://e.com/a.png","desc":"d","url":"https://e.com"}},
			{"msgtype":"miniprogram","miniprogram":{"title":"t","pic_media_id":"$IMG","appid":"wx1","page":"/p"}},
			{"msgtype":"video","video":{"media_id":"$VID"}},{"msgtype":"file","file":{"media_id":"$FILE"}}]}`, `{}`},
		{ec + "group_welcome_template/add", `{"text":{"content":"x"},"image":{"media_id":"$IMG"},"notify":1}`, `{"template_id":"x"}`},
		{ec + "group_welcome_template/get", `{"template_id":"$TPL"}`, `{"text":{"content":"x"},"link":{"title":"x","url":"x"}}`},
		{ec + "group_welcome_template/edit", `{"template_id":"$TPL","text":{"content":"x"},"link":{"title":"t","url":"https://e.com"}}`, `{}`},
		{ec + "group_welcome_template/del", `{"template_id":"$TPL"}`, `{}`},
	}
}

func groupCalls() []goodCall {
	const gc = "externalcontact/groupchat/"
	return []goodCall{
		{gc + "list", `{"status_filter":0,"owner_filter":{"userid_list":["wang"]},"cursor":"","limit":100}`, `{"group_chat_list":[{"chat_id":"x","status":0}],"next_cursor":""}`},
		{gc + "get", `{"chat_id":"$CHAT","need_name":1}`, `{"group_chat":{"chat_id":"x","name":"x","owner":"x","create_time":1,"notice":"",
			"member_list":[{"userid":"x","type":1,"join_time":1,"join_scene":1,"group_nickname":"","name":"x"}],"admin_list":[{"userid":"x"}],"member_version":"x"}}`},
		{gc + "transfer", `{"chat_id_list":["$CHAT"],"new_owner":"li"}`, `{"failed_chat_list":[{"chat_id":"x","errcode":1,"errmsg":"x"}]}`},
		{gc + "onjob_transfer", `{"chat_id_list":["$OTHER"],"new_owner":"li"}`, `{"failed_chat_list":[]}`},
	}
}

func wayCalls() []goodCall {
	const ec, gc = "externalcontact/", "externalcontact/groupchat/"
	const join = `"scene":2,"remark":"r","auto_create_room":1,"room_base_name":"b","room_base_id":10,"chat_id_list":["$CHAT"],"state":"s","mark_source":true`
	return []goodCall{
		{gc + "add_join_way", `{` + join + `}`, `{"config_id":"x"}`},
		{gc + "update_join_way", `{"config_id":"$WAY",` + join + `}`, `{}`},
		{gc + "get_join_way", `{"config_id":"$WAY"}`, `{"join_way":{"config_id":"x","qr_code":"x",` + join + `}}`},
		{gc + "del_join_way", `{"config_id":"$WAY"}`, `{}`},
		{ec + "add_contact_way", `{"type":2,"scene":2,"style":1,"remark":"r","skip_verify":true,"state":"s","user":["wang"],"party":[1],"is_temp":false,"is_exclusive":false,"mark_source":true}`,
			`{"config_id":"x","qr_code":"x"}`},
		{ec + "update_contact_way", `{"config_id":"$CWAY","remark":"r","skip_verify":true,"style":1,"state":"s","user":["wang"],"party":[1],"mark_source":true}`, `{}`},
		{ec + "get_contact_way", `{"config_id":"$CWAY"}`, `{"contact_way":{"config_id":"x","type":1,"scene":2,"remark":"r","skip_verify":true,"state":"s","qr_code":"x","user":["x"],"party":[1]}}`},
		{ec + "add_contact_way", `{"type":1,"scene":2,"user":["wang"],"is_temp":true,"expires_in":86400,"chat_expires_in":3600,"unionid":"o",
			"conclusions":{"text":{"content":"再见"},"link":{"title":"t","picurl":"https://e.com/a.png","desc":"d","url":"https://e.com"}}}`, `{"config_id":"x","qr_code":"x"}`},
		{ec + "close_temp_chat", `{"userid":"zhao","external_userid":"$CUST"}`, `{}`},
		{ec + "list_contact_way", `{"start_time":1,"end_time":4000000000,"cursor":"","limit":1000}`, `{"contact_way":[{"config_id":"x"}],"next_cursor":""}`},
		{ec + "del_contact_way", `{"config_id":"$CWAY"}`, `{}`},
	}
}

func massCalls() []goodCall {
	const ec = "externalcontact/"
	return []goodCall{
		{ec + "add_msg_template", `{"chat_type":"group","chat_id_list":["$CHAT"],"sender":"wang","allow_select":false,"text":{"content":"x"},"attachments":[{"msgtype":"image","image":{"media_id":"$IMG"}}]}`,
			`{"fail_list":[],"msgid":"x"}`},
		{ec + "add_msg_template", `{"chat_type":"single","external_userid":["$CUST"],"sender":"wang","tag_filter":{"group_list":[{"tag_list":["et1"]}]},"text":{"content":"x"}}`,
			`{"fail_list":[],"msgid":"x"}`},
		{ec + "get_groupmsg_list_v2", `{"chat_type":"group","start_time":$NOW,"end_time":$NOW,"creator":"","filter_type":0,"limit":50,"cursor":""}`,
			`{"next_cursor":"","group_msg_list":[{"msgid":"x","create_time":1,"create_type":0,"text":{"content":"x"},"attachments":[{"msgtype":"image","image":{"media_id":"x"}}]}]}`},
		{ec + "get_groupmsg_task", `{"msgid":"$TASK","limit":500,"cursor":""}`, `{"next_cursor":"","task_list":[{"userid":"x","status":2,"send_time":1}]}`},
		{ec + "get_groupmsg_send_result", `{"msgid":"$TASK","userid":"wang","limit":500,"cursor":""}`,
			`{"next_cursor":"","send_list":[{"chat_id":"x","userid":"x","status":1,"send_time":1}]}`},
		{ec + "remind_groupmsg_send", `{"msgid":"$TASK"}`, `{}`},
		{ec + "cancel_groupmsg_send", `{"msgid":"$TASK"}`, `{}`},
	}
}

func messageCalls() []goodCall {
	const head = `{"touser":"wang","toparty":"1","totag":"","agentid":1000002,"safe":0,"enable_duplicate_check":0,"duplicate_check_interval":1800,`
	const sent = `"invaliduser":"","invalidparty":"","invalidtag":"","unlicenseduser":"","msgid":"x"`
	return []goodCall{
		{"message/send", head + `"msgtype":"text","text":{"content":"x"}}`, `{` + sent + `}`},
		{"message/send", head + `"msgtype":"markdown","markdown":{"content":"x"}}`, `{` + sent + `}`},
		{"message/send", head + `"msgtype":"textcard","textcard":{"title":"t","description":"d","url":"https://e.com","btntxt":"更多"}}`, `{` + sent + `}`},
		{"message/send", head + `"msgtype":"template_card","template_card":{"card_type":"button_interaction","source":{"desc":"x","desc_color":0},
			"action_menu":{"action_list":[{"text":"x","key":"x"}]},"main_title":{"title":"x","desc":"x"},"quote_area":{"type":0,"title":"x","quote_text":"x"},
			"sub_title_text":"x","horizontal_content_list":[{"keyname":"x","value":"x","type":0}],"card_action":{"type":1,"url":"https://e.com"},"task_id":"fresh",
			"button_list":[{"text":"x","style":1,"key":"x","type":0},{"text":"y","type":1,"url":"https://e.com"}]}}`, `{` + sent + `,"response_code":"x"}`},
		{"message/update_template_card", `{"userids":["wang"],"partyids":[1],"tagids":[1],"agentid":1000002,"response_code":"$RC","button":{"replace_name":"x"}}`, `{"invaliduser":[]}`},
		{"message/recall", `{"msgid":"$MSG"}`, `{}`},
		{"appchat/create", `{"name":"x","owner":"wang","userlist":["wang","li","zhao"],"chatid":"ops1"}`, `{"chatid":"x"}`},
		{"appchat/update", `{"chatid":"ops1","name":"x","owner":"li","add_user_list":["zhao"],"del_user_list":["wang"]}`, `{}`},
		{"appchat/get?chatid=ops1", "", `{"chat_info":{"chatid":"x","name":"x","owner":"x","userlist":["x"]}}`},
		{"appchat/send", `{"chatid":"ops1","msgtype":"text","text":{"content":"x"},"safe":0}`, `{}`},
	}
}

// showcase is a company in which every good call succeeds.
func showcase(t *testing.T) (*world, *strings.Replacer) {
	w := newWorld(t, Config{CallbackURL: "http://127.0.0.1:1/"})
	_, robotKey := w.robot()
	chat, other := w.group("一群"), w.group("二群")
	must(t, w.SetAdmins(chat, "li"))
	w.clock.Add(24 * time.Hour) // what is counted is of yesterday
	w.login()
	fan := w.customers(1)[0]
	got[Contact](t)(w.AddContact("li", fan, Via{}))
	mom, made := w.moment(momentText("上新"))
	must(t, w.PublishMoment(mom, "li"))
	must(t, w.LikeMoment(mom, "li", fan))
	p := w.customers(1)[0]
	cway := w.ok("externalcontact/add_contact_way", map[string]any{"type": 1, "scene": 2, "state": "s", "user": []string{"wang"}})["config_id"].(string)
	k := got[Contact](t)(w.AddContact("", p, Via{ConfigID: cway}))
	w.tempChat("zhao", p)
	w.handovers()
	must(t, w.UpdateStaff(Staff{UserID: "zhao", Name: "赵收银", Mobile: "13800000001"}))
	link := w.link("")
	w.come(link, "报纸")
	way := w.ok("externalcontact/groupchat/add_join_way", map[string]any{"scene": 2, "chat_id_list": []string{chat}})["config_id"].(string)
	tpl := w.ok("externalcontact/group_welcome_template/add", map[string]any{
		"text": map[string]string{"content": "x"}, "link": map[string]string{"title": "t", "url": "https://e.com"},
	})["template_id"].(string)
	file := func(kind string) string { return w.upload("media/upload?type="+kind, 100)["media_id"].(string) }
	img := file("image")
	task := w.ok("externalcontact/add_msg_template", map[string]any{
		"chat_type": "group", "sender": "wang", "text": map[string]string{"content": "x"},
		"attachments": []any{map[string]any{"msgtype": "image", "image": map[string]string{"media_id": img}}},
	})["msgid"].(string)
	must(t, w.Confirm(task, "wang"))
	card := w.message("wang", "template_card", cardBody("case_0"))
	w.ok("appchat/create", map[string]any{"userlist": []string{"wang", "li"}, "chatid": "ops0"})
	group, tags := w.tags("来源", "一店", "二店")
	return w, strings.NewReplacer("$CHAT", chat, "$OTHER", other, "$CUST", p, "$CODE", k.WelcomeCode, "$IMG", img,
		"$VID", file("video"), "$FILE", file("file"), "$WAY", way, "$CWAY", cway, "$TASK", task, "$TPL", tpl,
		"$MSG", card["msgid"].(string), "$RC", card["response_code"].(string), "$NOW", fmt.Sprint(w.clock.Now().Unix()),
		"$LOGIN1", w.logIn("wang", "snsapi_privateinfo"), "$LOGIN2", w.logIn("wang", "snsapi_base"),
		"$TICKET", w.get("auth/getuserinfo?code=" + w.logIn("wang", "snsapi_privateinfo"))["user_ticket"].(string),
		"$ROBOT", robotKey, "$MOM", mom, "$JOB", made["jobid"].(string), "$MIMG", w.upload("media/upload_attachment?media_type=image&attachment_type=1", 100)["media_id"].(string),
		"$TAGGROUP", group, "$TAG2", tags[1], "$TAG", tags[0], "$LINK", link, "$PAYID", w.ok("user/convert_to_openid", map[string]any{"userid": "wang"})["openid"].(string), "$RULE", w.rule("广告", InterceptBlock, 1, "加我微信"),
		"$YESTERDAY", fmt.Sprint(w.day(0)), "$OPENGID", got[string](t)(w.OpenGID(chat)), "$UNION", w.Customers()[1].UnionID)
}

func (w *world) make(path, body string) map[string]any {
	w.t.Helper()
	if body == "" {
		return w.get(path)
	}
	return w.post(path, body)
}

func TestAnswersHaveTheDocumentedShape(t *testing.T) {
	w, fill := showcase(t)
	for _, c := range goodCalls() {
		out := w.make(fill.Replace(c.path), fill.Replace(c.body))
		if code(out) != 0 || out["errmsg"] != "ok" {
			t.Errorf("%s: %v", c.path, out)
			continue
		}
		var want map[string]any
		must(t, json.Unmarshal([]byte(c.answer), &want))
		if diff := missing("", want, out); diff != "" {
			t.Errorf("%s: %s in %v", c.path, diff, out)
		}
	}
}

// missing says what of a sample an answer lacks.
func missing(at string, want, out any) string {
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", out) {
		return fmt.Sprintf("%s is %T, want %T", at, out, want)
	}
	switch want := want.(type) {
	case map[string]any:
		for name, v := range want {
			if diff := missing(at+"."+name, v, out.(map[string]any)[name]); diff != "" {
				return diff
			}
		}
	case []any:
		list := out.([]any)
		if len(want) > 0 && len(list) == 0 {
			return at + " is empty"
		}
		if len(want) > 0 {
			return missing(at+"[0]", want[0], list[0])
		}
	}
	return ""
}

func TestEveryCallHasAGoodCall(t *testing.T) {
	w := newWorld(t, Config{})
	covered := map[string]bool{"user/list_id": true, "aibot/response": true} // tested on their own
	for _, c := range goodCalls() {
		path, _, _ := strings.Cut(c.path, "?")
		covered[path] = true
	}
	for path, op := range w.apis {
		if !covered[path] && !op.upload && !strings.HasPrefix(path, "media/") { // files have tests of their own

			t.Errorf("%s is never called well", path)
		}
	}
}

// Each field of each good call is replaced by an object that fits nowhere: the call must be
// refused, and the words must name the field.
func TestEveryFieldOfTheWrongTypeIsNamed(t *testing.T) {
	w, fill := showcase(t)
	for _, c := range goodCalls() {
		if c.body == "" {
			continue
		}
		var body map[string]any
		must(t, json.Unmarshal([]byte(fill.Replace(c.body)), &body))
		for _, spoilt := range spoil(body) {
			out := w.post(fill.Replace(c.path), spoilt.body)
			msg, _ := out["errmsg"].(string)
			if code(out) == 0 || !strings.Contains(msg, spoilt.field) {
				t.Errorf("%s with a bad %s: %v", c.path, spoilt.field, out)
			}
		}
	}
}

type spoilt struct {
	field string
	body  map[string]any
}

// spoil makes copies of a body with one field each, at any depth, replaced.
func spoil(body map[string]any) []spoilt {
	var out []spoilt
	for _, name := range slices.Sorted(maps.Keys(body)) {
		with := func(v any) map[string]any {
			c := maps.Clone(body)
			c[name] = v
			return c
		}
		var wrong any = map[string]any{"x": 1}
		if _, object := body[name].(map[string]any); object {
			wrong = []any{7}
		}
		out = append(out, spoilt{name, with(wrong)})
		switch inner := body[name].(type) {
		case map[string]any:
			for _, s := range spoil(inner) {
				out = append(out, spoilt{s.field, with(s.body)})
			}
		case []any:
			for i, item := range inner {
				object, ok := item.(map[string]any)
				if !ok {
					continue
				}
				for _, s := range spoil(object) {
					list := slices.Clone(inner)
					list[i] = s.body
					out = append(out, spoilt{s.field, with(list)})
				}
			}
		}
	}
	return out
}

func FuzzABodyIsAnsweredOrRefused(f *testing.F) {
	for _, c := range goodCalls() {
		f.Add(c.path, c.body)
	}
	f.Add(chatGet, `{"chat_id":"\`)
	f.Add(chatGet, `{"chat_id":"\u003`)
	f.Fuzz(func(t *testing.T, path, body string) {
		c := newClock()
		s, err := New(Config{Now: c.Now})
		must(t, err)
		must(t, s.AddStaff(Staff{UserID: "wang", Name: "王"}))
		op, ok := s.apis[path]
		if !ok || op.method != http.MethodPost || op.upload {
			return
		}
		in, refused := decodeArgs([]byte(body))
		if refused != nil {
			return
		}
		s.enter()
		defer s.leave()
		out, refused := op.do(&call{s: s, path: path, now: c.Now(), in: in})
		if refused == nil {
			encode(out)
		}
	})
}

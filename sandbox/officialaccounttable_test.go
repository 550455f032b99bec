package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stage is an account with a follower, and with ids for the bodies of calls.
func stage(t *testing.T) (*mp, *strings.Replacer) {
	t.Helper()
	m := newMP(t, Config{})
	p, id := m.fan("小鱼")
	got[string](t)(m.TellAccount(p, AccountSaying{Text: "在吗"}))
	stranger := got[string](t)(m.AddCustomer(Customer{Name: "路人"}))
	m.enter()
	known, err := m.follower(stranger)
	m.leave()
	must(t, err)
	ids := []string{"$ID", id, "$STRANGER", known.OpenID}
	for kind, data := range sampleFiles() {
		out := m.uploadFile("media/upload?type="+kind, "a", data)
		file, _ := out["media_id"].(string)
		if file == "" {
			file, _ = out["thumb_media_id"].(string)
		}
		ids = append(ids, "$"+strings.ToUpper(kind), file)
	}
	ids = append(ids, "$KEPT", m.uploadFile("material/add_material?type=image", "a.png", sampleFiles()["image"])["media_id"].(string))
	ids = append(ids, "$TPL", m.well("template/api_add_template", `{"template_id_short":"46001"}`)["template_id"].(string))
	notice := m.well("/wxaapi/newtmpl/addtemplate", `{"tid":46004,"kidList":[1,2],"sceneDesc":"抽奖"}`)["priTmplId"].(string)
	ids = append(ids, "$NOTICE", notice)
	must(t, m.AnswerNotices(p, notice, true))
	must(t, m.AllowOnce(p, 7))
	tag := m.well("tags/create", `{"tag":{"name":"团长"}}`)
	ids = append(ids, "$TAG", fmt.Sprint(dig(tag, "tag", "id")))
	return m, strings.NewReplacer(ids...)
}

const accountData = `{"thing1":{"value":"土鸡蛋"},"time2":{"value":"10:00"},"amount3":{"value":"￥9.90"},"thing4":{"value":"x"}}`

// goodAccountCalls have every field that is read; POST only.
func goodAccountCalls() map[string][]string {
	custom := func(kind, inner string) string {
		return `{"touser":"$ID","msgtype":"` + kind + `","customservice":{"kf_account":"a@b"},"` + kind + `":` + inner + `}`
	}
	code := func(action, scene string) string {
		return `{"action_name":"` + action + `","expire_seconds":600,"action_info":{"scene":` + scene + `}}`
	}
	return map[string][]string{
		"stable_token":           {`{"grant_type":"client_credential","appid":"` + DefaultAppID + `","secret":"` + DefaultAppSecret + `","force_refresh":false}`},
		"clear_quota":            {`{"appid":"` + DefaultAppID + `"}`},
		"user/info/batchget":     {`{"user_list":[{"openid":"$ID","lang":"zh_CN"}]}`},
		"user/info/updateremark": {`{"openid":"$ID","remark":"团长"}`},
		"user/tag/get":           {`{"tagid":$TAG,"next_openid":""}`},
		"tags/create":            {`{"tag":{"name":"新"}}`}, "tags/update": {`{"tag":{"id":$TAG,"name":"旧"}}`},
		"tags/getidlist":                {`{"openid":"$ID"}`},
		"tags/members/batchtagging":     {`{"openid_list":["$ID"],"tagid":$TAG}`},
		"tags/members/batchuntagging":   {`{"openid_list":["$ID"],"tagid":$TAG}`},
		"tags/members/getblacklist":     {`{"begin_openid":""}`},
		"tags/members/batchblacklist":   {`{"openid_list":["$ID"]}`},
		"tags/members/batchunblacklist": {`{"openid_list":["$ID"]}`},
		"tags/delete":                   {`{"tag":{"id":$TAG}}`},
		"message/custom/send": {
			custom("text", `{"content":"x"}`), custom("image", `{"media_id":"$IMAGE"}`), custom("voice", `{"media_id":"$VOICE"}`),
			custom("video", `{"media_id":"$VIDEO","thumb_media_id":"$THUMB","title":"t","description":"d"}`),
			custom("music", `{"title":"t","description":"d","musicurl":"https://e.com","hqmusicurl":"https://e.com","thumb_media_id":"$THUMB"}`),
			custom("news", `{"articles":[{"title":"t","description":"d","url":"https://e.com","picurl":"https://e.com"}]}`),
			custom("msgmenu", `{"head_content":"h","list":[{"id":"1","content":"c"}],"tail_content":"t"}`),
			custom("miniprogrampage", `{"title":"t","appid":"wx1","pagepath":"p","thumb_media_id":"$IMAGE"}`),
		},
		"message/custom/typing": {`{"touser":"$ID","command":"Typing"}`},
		"qrcode/create": {
			code("QR_SCENE", `{"scene_id":1}`), code("QR_LIMIT_SCENE", `{"scene_id":1}`),
			code("QR_STR_SCENE", `{"scene_str":"a"}`), code("QR_LIMIT_STR_SCENE", `{"scene_str":"a"}`),
		},
		"menu/create": {`{"button":[{"type":"click","name":"a","key":"k"},{"type":"miniprogram","name":"b","url":"https://e.com","appid":"wx1","pagepath":"p"},
			{"name":"c","sub_button":[{"type":"view","name":"d","url":"https://e.com"},{"type":"media_id","name":"e","media_id":"$KEPT"}]}]}`},
		"template/api_set_industry":     {`{"industry_id1":"1","industry_id2":4}`},
		"template/api_add_template":     {`{"template_id_short":"46001","keyword_name_list":["商品名称"]}`},
		"message/template/send":         {`{"touser":"$ID","template_id":"$TPL","client_msg_id":"a","url":"https://e.com","miniprogram":{"appid":"wx1","pagepath":"p"},"data":` + accountData + `}`},
		"message/template/subscribe":    {`{"touser":"$ID","template_id":"x","scene":"7","title":"t","url":"https://e.com","miniprogram":{"appid":"wx1","pagepath":"p"},"data":{"content":{"value":"v"}}}`},
		"template/del_private_template": {`{"template_id":"$TPL"}`},
		"/wxaapi/newtmpl/addtemplate":   {`{"tid":"46002","kidList":[1,2],"sceneDesc":"x"}`},
		"message/subscribe/bizsend":     {`{"touser":"$ID","template_id":"$NOTICE","page":"https://e.com","miniprogram":{"appid":"wx1","pagepath":"p"},"data":{"thing1":{"value":"x"},"phrase2":{"value":"中"}}}`},
		"/wxaapi/newtmpl/deltemplate":   {`{"priTmplId":"$NOTICE"}`},
		"material/get_material":         {`{"media_id":"$KEPT"}`},
		"material/batchget_material":    {`{"type":"image","offset":0,"count":20}`},
		"material/del_material":         {`{"media_id":"$KEPT"}`},
	}
}

func TestBytesOfFilesThatAreForgottenAreNotCounted(t *testing.T) {
	files := accountFiles{byID: map[string]*accountFile{}}
	for i := range keepAccountFiles + 10 {
		files.add(&accountFile{id: strconv.Itoa(i), data: []byte{1}})
	}
	if len(files.all) != keepAccountFiles || files.bytes != keepAccountFiles {
		t.Errorf("%d files of %d bytes", len(files.all), files.bytes)
	}
}

func TestGoodAccountCalls(t *testing.T) {
	calls := goodAccountCalls()
	for path, op := range allAccountAPIs() {
		short := strings.TrimPrefix(path, accountPrefix)
		if op.method == http.MethodPost && !op.upload && calls[short] == nil && calls["/"+short] == nil {
			t.Errorf("%s is never called well", path)
		}
	}
	for path, bodies := range calls {
		for _, body := range bodies {
			m, fill := stage(t)
			if path == "material/get_material" {
				continue // answers a picture; the SDKs read it
			}
			m.well(path, fill.Replace(body))
		}
	}
}

// Each field of each good call is replaced by an object that fits nowhere: the call must be
// refused, and the words must name the field.
func TestEveryFieldOfAnAccountCallIsChecked(t *testing.T) {
	m, fill := stage(t)
	for path, bodies := range goodAccountCalls() {
		for _, text := range bodies {
			var body map[string]any
			must(t, json.Unmarshal([]byte(fill.Replace(text)), &body))
			for _, spoilt := range spoil(body) {
				out := m.call(path, spoilt.body)
				if words, _ := out["errmsg"].(string); code(out) == 0 || out["errcode"] == nil || !strings.Contains(words, spoilt.field) {
					t.Errorf("%s with a bad %s: %v", path, spoilt.field, out)
				}
			}
		}
	}
}

// Each body is refused with the code the platform documents for it.
func TestCodesOfTheAccount(t *testing.T) {
	m, fill := stage(t)
	long := func(n int) string { return strings.Repeat("x", n) }
	custom := func(kind, inner string) string {
		return `{"touser":"$ID","msgtype":"` + kind + `","` + kind + `":` + inner + `}`
	}
	scene := func(action, scene string) string {
		return `{"action_name":"` + action + `","action_info":{"scene":` + scene + `}}`
	}
	button := func(list ...string) string { return `{"button":[` + strings.Join(list, ",") + `]}` }
	click := `{"type":"click","name":"a","key":"k"}`
	subs := func(list ...string) string {
		return button(`{"name":"a","sub_button":[` + strings.Join(list, ",") + `]}`)
	}
	tpl := func(data string) string { return `{"touser":"$ID","template_id":"$TPL","data":` + data + `}` }
	value := func(old, v string) string { return tpl(strings.Replace(accountData, old, v, 1)) }
	for _, c := range []struct {
		code int
		path string
		body string
	}{
		{codeBadUser, "message/custom/send", `{"touser":"x","msgtype":"text","text":{"content":"x"}}`},
		{codeWindow, "message/custom/send", `{"touser":"$STRANGER","msgtype":"text","text":{"content":"x"}}`},
		{codeBadMsgType, "message/custom/send", `{"touser":"$ID","msgtype":"x"}`},
		{codeEmptyText, "message/custom/send", custom("text", `{"content":""}`)},
		{codeTooLong, "message/custom/send", custom("text", `{"content":"`+long(textBytes+1)+`"}`)},
		{codeBadMediaID, "message/custom/send", custom("image", `{"media_id":"x"}`)},
		{codeBadMediaID, "message/custom/send", custom("image", `{"media_id":"$VOICE"}`)},
		{codeNewsCount, "message/custom/send", custom("news", `{"articles":[]}`)},
		{codeNewsCount, "message/custom/send", custom("news", `{"articles":[{"title":"a"},{"title":"b"}]}`)},
		{codeTypingName, "message/custom/typing", `{"touser":"$ID","command":"x"}`},
		{codeTypingWindow, "message/custom/typing", `{"touser":"$STRANGER","command":"Typing"}`},
		{codeBadAction, "qrcode/create", scene("X", `{}`)},
		{codeBadScene, "qrcode/create", scene("QR_SCENE", `{"scene_id":0}`)},
		{codeBadScene, "qrcode/create", scene("QR_SCENE", `{"scene_id":4294967296}`)},
		{codeBadScene, "qrcode/create", scene("QR_LIMIT_SCENE", `{"scene_id":100001}`)},
		{codeBadScene, "qrcode/create", scene("QR_STR_SCENE", `{"scene_str":""}`)},
		{codeBadScene, "qrcode/create", scene("QR_LIMIT_STR_SCENE", `{"scene_str":"`+long(sceneChars+1)+`"}`)},
		{codeBadScene, "qrcode/create", `{"action_name":"QR_STR_SCENE","expire_seconds":2592001,"action_info":{"scene":{"scene_str":"a"}}}`},
		{codeButtons, "menu/create", button()},
		{codeButtons, "menu/create", button(click, click, click, click)},
		{codeSubButtons, "menu/create", subs(click, click, click, click, click, click)},
		{codeButtonKind, "menu/create", button(`{"type":"x","name":"a"}`)},
		{codeButtonName, "menu/create", button(`{"type":"click","name":"` + long(topNameBytes+1) + `","key":"k"}`)},
		{codeButtonKey, "menu/create", button(`{"type":"click","name":"a","key":"` + long(keyBytes+1) + `"}`)},
		{codeButtonURL, "menu/create", button(`{"type":"view","name":"a","url":"` + long(menuURLBytes+1) + `"}`)},
		{codeSubKind, "menu/create", subs(`{"type":"x","name":"a"}`)},
		{codeSubName, "menu/create", subs(`{"type":"click","name":"` + long(subNameBytes+1) + `","key":"k"}`)},
		{codeSubKey, "menu/create", subs(`{"type":"click","name":"a"}`)},
		{codeSubURL, "menu/create", subs(`{"type":"view","name":"a"}`)},
		{codeBadMediaID, "menu/create", button(`{"type":"media_id","name":"a","media_id":"$IMAGE"}`)},
		{codeTemplateID, "message/template/send", `{"touser":"$ID","template_id":"x","data":{}}`},
		{codeNotSubscribed, "message/template/send", `{"touser":"$STRANGER","template_id":"$TPL","data":` + accountData + `}`},
		{codeTemplateData, "message/template/send", tpl(`{}`)},
		{codeTemplateData, "message/template/send", value("土鸡蛋", strings.Repeat("蛋", 21))},
		{codeTemplateData, "message/template/send", value("￥9.90", "free")},
		{codeTemplateData, "message/template/send", value("10:00", "morning")},
		{codeTemplateID, "template/api_add_template", `{"template_id_short":"1"}`},
		{codeBadArgs, "template/api_add_template", `{"template_id_short":"46001","keyword_name_list":["x"]}`},
		{codeTemplateID, "template/del_private_template", `{"template_id":"x"}`},
		{codeBadArgs, "template/api_set_industry", `{"industry_id1":0,"industry_id2":42}`},
		{codeNotAllowed, "message/subscribe/bizsend", `{"touser":"$STRANGER","template_id":"$NOTICE","data":{"thing1":{"value":"x"},"phrase2":{"value":"中"}}}`},
		{codeBadPage, "message/subscribe/bizsend", `{"touser":"$ID","template_id":"$NOTICE","page":"x","data":{"thing1":{"value":"x"},"phrase2":{"value":"中"}}}`},
		{codeTemplateData, "message/subscribe/bizsend", `{"touser":"$ID","template_id":"$NOTICE","data":{"thing1":{"value":"x"},"phrase2":{"value":"won"}}}`},
		{codeNotAllowed, "message/template/subscribe", `{"touser":"$ID","template_id":"x","scene":"8","title":"t","data":{"content":{"value":"v"}}}`},
		{codeNoticeTitle, "/wxaapi/newtmpl/addtemplate", `{"tid":1,"kidList":[1,2],"sceneDesc":"x"}`},
		{codeNoticeKeywords, "/wxaapi/newtmpl/addtemplate", `{"tid":46002,"kidList":[1],"sceneDesc":"x"}`},
		{codeNoticeKeywords, "/wxaapi/newtmpl/addtemplate", `{"tid":46002,"kidList":[1,9],"sceneDesc":"x"}`},
		{codeNoticeScene, "/wxaapi/newtmpl/addtemplate", `{"tid":46002,"kidList":[1,2],"sceneDesc":""}`},
		{codeBadUser, "user/info/updateremark", `{"openid":"x","remark":""}`},
		{codeBadArgs, "user/info/updateremark", `{"openid":"$ID","remark":"` + long(followerRemarkChars+1) + `"}`},
		{codeBadUser, "user/info/batchget", `{"user_list":[{"openid":"x"}]}`},
		{codeUserListLen, "user/info/batchget", `{"user_list":[` + strings.Repeat(`{"openid":"$ID"},`, batchInfo) + `{"openid":"$ID"}]}`},
		{codeUserListLen, "tags/members/batchblacklist", `{"openid_list":[` + strings.Repeat(`"$ID",`, batchBlock) + `"$ID"]}`},
		{codeUserListLen, "tags/members/batchtagging", `{"openid_list":[` + strings.Repeat(`"$ID",`, batchTag) + `"$ID"],"tagid":$TAG}`},
		{codeTagUnknown, "tags/members/batchtagging", `{"openid_list":["$ID"],"tagid":1}`},
		{codeNotOfThisUser, "tags/members/batchtagging", `{"openid_list":["$STRANGER"],"tagid":$TAG}`},
		{codeTagTaken, "tags/create", `{"tag":{"name":"团长"}}`},
		{codeTagName, "tags/create", `{"tag":{"name":"` + long(tagNameBytes+1) + `"}}`},
		{codeTagSystem, "tags/update", `{"tag":{"id":2,"name":"x"}}`},
		{codeTagSystem, "tags/delete", `{"tag":{"id":2}}`},
		{codeTagUnknown, "tags/delete", `{"tag":{"id":9999}}`},
		{codeBadMediaID, "material/get_material", `{"media_id":"$IMAGE"}`},
		{codeBadMediaID, "material/del_material", `{"media_id":"x"}`},
		{codeBadArgs, "material/batchget_material", `{"type":"image","offset":0,"count":21}`},
		{codeAccountMedia, "material/batchget_material", `{"type":"x","offset":0,"count":1}`},
	} {
		m.fails(c.code, c.path, fill.Replace(c.body))
	}
	for _, c := range []struct {
		code int
		path string
	}{
		{codeBadUser, "user/info?openid=x"}, {codeBadUser, "user/get?next_openid=x"}, {codeBadMediaID, "media/get?media_id=x"},
		{codeNoticeTitle, "/wxaapi/newtmpl/getpubtemplatekeywords?tid=1"}, {codeBadArgs, "/wxaapi/newtmpl/getpubtemplatetitles?ids=616&start=0&limit=31"},
	} {
		m.fails(c.code, c.path, nil)
	}
	for _, c := range []struct {
		code int
		path string
		data []byte
	}{
		{codeAccountMedia, "media/upload?type=x", []byte("x")}, {codeAccountFormat, "media/upload?type=image", []byte("no picture")},
		{codeAccountThumb, "media/upload?type=thumb", make([]byte, 64<<10+1)}, {codeAccountVoice, "media/upload?type=voice", make([]byte, 2<<20+1)},
		{codeDataFormat, "material/add_material?type=video", sampleFiles()["video"]}, {codeEmptyMedia, "media/upload?type=image", nil},
		{codeAccountFormat, "media/uploadimg", []byte("no picture")}, {codeAccountImage, "media/uploadimg", make([]byte, 1<<20+1)},
	} {
		if out := m.uploadFile(c.path, "a", c.data); code(out) != c.code {
			t.Errorf("%s: %v, want %d", c.path, out, c.code)
		}
	}
}

func TestLimitsOfTheAccount(t *testing.T) {
	m, fill := stage(t)
	for i := range maxAccountTags - 2 {
		m.well("tags/create", fmt.Sprintf(`{"tag":{"name":"%d"}}`, i))
	}
	m.fails(codeTagTooMany, "tags/create", `{"tag":{"name":"one more"}}`)
	for i := range tagsOfOne {
		m.well("tags/members/batchtagging", fill.Replace(fmt.Sprintf(`{"openid_list":["$ID"],"tagid":%d}`, firstOwnTag+i)))
	}
	m.fails(codeTagOfOne, "tags/members/batchtagging", fill.Replace(fmt.Sprintf(`{"openid_list":["$ID"],"tagid":%d}`, firstOwnTag+tagsOfOne)))
	m.well("tags/members/batchtagging", fill.Replace(fmt.Sprintf(`{"openid_list":["$ID"],"tagid":%d}`, firstOwnTag)))
	for range maxAccountTemplates - 1 {
		m.well("template/api_add_template", `{"template_id_short":"46001"}`)
	}
	m.fails(codeTemplatesFull, "template/api_add_template", `{"template_id_short":"46001"}`)
	for range maxNotices - 1 {
		m.well("/wxaapi/newtmpl/addtemplate", `{"tid":46001,"kidList":[1,2],"sceneDesc":"x"}`)
	}
	m.fails(codeNoticeCount, "/wxaapi/newtmpl/addtemplate", `{"tid":46001,"kidList":[1,2],"sceneDesc":"x"}`)
	m.well("template/api_set_industry", `{"industry_id1":1,"industry_id2":2}`)
	m.fails(codeIndustry, "template/api_set_industry", `{"industry_id1":1,"industry_id2":2}`)
	m.well("message/custom/typing", fill.Replace(`{"touser":"$ID","command":"Typing"}`))
	m.fails(codeTypingTwice, "message/custom/typing", fill.Replace(`{"touser":"$ID","command":"Typing"}`))
	m.clock.Add(typingSpan)
	m.well("message/custom/typing", fill.Replace(`{"touser":"$ID","command":"Typing"}`))
	for i := range maxPermanent {
		m.account.permanent[fmt.Sprint("scene ", i)] = true
	}
	body := `{"action_name":"QR_LIMIT_STR_SCENE","action_info":{"scene":{"scene_str":"%s"}}}`
	m.fails(codeTooManyCode, "qrcode/create", fmt.Sprintf(body, "new"))
	m.well("qrcode/create", fmt.Sprintf(body, "scene 7"))
}

func TestCodesEnd(t *testing.T) {
	m := newMP(t, Config{})
	p := got[string](t)(m.AddCustomer(Customer{Name: "小鱼"}))
	short := m.well("qrcode/create", `{"action_name":"QR_SCENE","action_info":{"scene":{"scene_id":7}}}`)
	same(t, "seconds by default", short["expire_seconds"], 60.0)
	long := m.well("qrcode/create", `{"action_name":"QR_LIMIT_SCENE","action_info":{"scene":{"scene_id":7}}}`)
	same(t, "seconds of a permanent one", long["expire_seconds"], nil)
	m.clock.Add(time.Minute)
	if err := m.ScanAccountCode(p, short["ticket"].(string)); err == nil {
		t.Error("a code that is over was scanned")
	}
	must(t, m.ScanAccountCode(p, long["url"].(string)))
	info := m.well("user/info?openid="+m.Followers()[0].OpenID, nil)
	same(t, "scene", []any{info["qr_scene"], info["qr_scene_str"], info["subscribe_scene"]}, []any{7.0, "", ByCode})
	if resp := got[*http.Response](t)(http.Get(m.server.URL + showCodePath + "?ticket=x")); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the picture of no code: HTTP %d", resp.StatusCode)
	} else {
		_ = resp.Body.Close()
	}
}

// The same person has the same openid, and the account and the company know the same union id.
func TestFollowersAreTheCustomers(t *testing.T) {
	m := newMP(t, Config{})
	with := got[string](t)(m.AddCustomer(Customer{Name: "小鱼", UnionID: "o1"}))
	twin := got[string](t)(m.AddCustomer(Customer{Name: "小鱼", UnionID: "o1"}))
	without := got[string](t)(m.AddCustomer(Customer{Name: "老周"}))
	worker := got[string](t)(m.AddCustomer(Customer{Name: "客户", Corp: "别家"}))
	id := got[string](t)(m.Follow(with, ByLink))
	if _, err := m.Follow(twin, ""); err == nil {
		t.Error("the same person follows twice")
	}
	other := got[string](t)(m.Follow(without, ""))
	same(t, "union ids", []any{m.well("user/info?openid="+id, nil)["unionid"], m.well("user/info?openid="+other, nil)["unionid"]}, []any{"o1", nil})
	if _, err := m.Follow(worker, ""); err == nil {
		t.Error("a WeCom user follows")
	}
	must(t, m.Unfollow(twin))
	gone := m.well("user/info?openid="+id, nil)
	same(t, "who left", []any{gone["subscribe"], gone["unionid"]}, []any{0.0, nil})
	same(t, "the same openid again", got[string](t)(m.Follow(with, "")), id)
	if _, err := m.Follow(with, "x"); err == nil {
		t.Error("x is a way of following")
	}
}

func TestThePageOfFollowers(t *testing.T) {
	m := newMP(t, Config{})
	var ids []string
	for range followersPage + 1 {
		ids = append(ids, got[string](t)(m.Follow(got[string](t)(m.AddCustomer(Customer{Name: "客"})), "")))
	}
	page := m.well("user/get", nil)
	same(t, "first page", []any{page["total"], page["count"], page["next_openid"]}, []any{float64(followersPage + 1), float64(followersPage), ids[followersPage-1]})
	page = m.well("user/get?next_openid="+ids[followersPage-1], nil)
	same(t, "second page", []any{page["count"], dig(page, "data", "openid", 0)}, []any{1.0, ids[followersPage]})
	page = m.well("user/get?next_openid="+ids[followersPage], nil)
	same(t, "third page", []any{page["count"], page["data"], page["next_openid"]}, []any{0.0, nil, ""})
}

// A phone keeps the menu for five minutes.
func TestMenusAreSeenLate(t *testing.T) {
	m := newMP(t, Config{})
	p, _ := m.fan("小鱼")
	set := func(key string) {
		m.well("menu/create", `{"button":[{"type":"click","name":"a","key":"`+key+`"},{"type":"pic_weixin","name":"b","key":"p"}]}`)
	}
	set("old")
	must(t, m.ClickMenu(p, "old"))
	set("new")
	m.clock.Add(menuSeenFor - time.Second)
	must(t, m.ClickMenu(p, "old"))
	m.clock.Add(time.Second)
	must(t, m.ClickMenu(p, "new"))
	for _, what := range []string{"old", "", "b"} {
		if m.ClickMenu(p, what) == nil {
			t.Errorf("%q was pressed", what)
		}
	}
	m.well("menu/delete", nil)
	m.fails(codeNoMenu, "menu/get", nil)
	m.clock.Add(menuSeenFor)
	if m.ClickMenu(p, "new") == nil {
		t.Error("a menu that is gone was pressed")
	}
}

func TestWebLogins(t *testing.T) {
	m := newMP(t, Config{})
	p := got[string](t)(m.AddCustomer(Customer{Name: "小鱼", UnionID: "o1"}))
	address := func(scope string) string {
		return "https://open.weixin.qq.com" + authorizePath + "?appid=" + DefaultAppID + "&redirect_uri=https%3A%2F%2Fe.com%2Fa&response_type=code&scope=" + scope + "&state=s#wechat_redirect"
	}
	login := func(scope string) string {
		back := got[string](t)(m.OpenAccountPage(p, address(scope)))
		head, rest, _ := strings.Cut(back, "code=")
		code, tail, _ := strings.Cut(rest, "&")
		same(t, "where to", []string{head, tail}, []string{"https://e.com/a?", "state=s"})
		return code
	}
	exchange := func(code string) string {
		return "/sns/oauth2/access_token?appid=" + DefaultAppID + "&secret=" + DefaultAppSecret + "&grant_type=authorization_code&code=" + code
	}
	for _, bad := range []string{"", address("snsapi_login"), strings.Replace(address(scopeBase), "https%3A", "x", 1), strings.Replace(address(scopeBase), DefaultAppID, "wx1", 1)} {
		if _, err := m.OpenAccountPage(p, bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
	code := login(scopeBase)
	m.fails(codeBadAppSecret, strings.Replace(exchange(code), DefaultAppSecret, "x", 1), nil)
	m.fails(codeBadCorp, strings.Replace(exchange(code), DefaultAppID, "x", 1), nil)
	m.fails(codeGrantType, strings.Replace(exchange(code), "authorization_code", "x", 1), nil)
	m.fails(codeNoCode, exchange(""), nil)
	m.fails(codeBadCode, exchange("x"), nil)
	base := m.well(exchange(code), nil)
	m.fails(codeUsedCode, exchange(code), nil)
	same(t, "scope base", []any{base["unionid"], base["scope"]}, []any{nil, scopeBase})
	with := func(out map[string]any) string {
		return "?access_token=" + out["access_token"].(string) + "&openid=" + out["openid"].(string)
	}
	m.fails(codeNoScope, "/sns/userinfo"+with(base), nil)
	late := login(scopeInfo)
	m.clock.Add(loginLife)
	m.fails(codeBadCode, exchange(late), nil)
	info := m.well(exchange(login(scopeInfo)), nil)
	same(t, "union id", info["unionid"], "o1")
	same(t, "name", m.well("/sns/userinfo"+with(info), nil)["nickname"], "小鱼")
	m.fails(codeBadUser, "/sns/userinfo"+with(info)+"x", nil)
	m.fails(codeAccountToken, "/sns/auth?access_token=x&openid=x", nil)
	m.fails(codeNoToken, "/sns/auth?access_token=&openid=x", nil)
	m.well("/sns/auth"+with(info), nil)
	m.clock.Add(visitLife)
	m.fails(codeTokenExpired, "/sns/auth"+with(info), nil)
	refresh := "/sns/oauth2/refresh_token?appid=" + DefaultAppID + "&grant_type=refresh_token&refresh_token="
	again := m.well(refresh+info["refresh_token"].(string), nil)
	m.well("/sns/auth"+with(again), nil)
	m.fails(codeBadRefresh, refresh+"x", nil)
	m.fails(codeNoRefresh, refresh, nil)
	m.clock.Add(returnLife)
	m.fails(codeRefreshIsOver, refresh+info["refresh_token"].(string), nil)
	resp, page := m.browse(authorizePath, inClient("appid", DefaultAppID, "scope", scopeInfo))
	same(t, "the page", []any{resp.StatusCode, strings.Contains(page, `value="`+p+`"`), strings.Contains(page, "wang")}, []any{200, true, false})
	resp, _ = m.browse(authorizePath, inClient("appid", DefaultAppID, "scope", scopeInfo, "as", p))
	same(t, "after choosing", []any{resp.StatusCode, strings.HasPrefix(resp.Header.Get("Location"), "https://ops.example.com:8443/login?code=")}, []any{302, true})
}

func TestTemplatesThatAreRefused(t *testing.T) {
	m, fill := stage(t)
	must(t, m.RefuseTemplates(m.Followers()[0].Customer, true))
	before := len(m.AccountMessages())
	out := m.well("message/template/send", fill.Replace(`{"touser":"$ID","template_id":"$TPL","data":`+accountData+`}`))
	m.settle()
	last := m.Callbacks()[len(m.Callbacks())-1]
	same(t, "messages", len(m.AccountMessages()), before)
	if !strings.Contains(last.XML, fmt.Sprintf("<MsgID>%.0f</MsgID>", out["msgid"])) || !strings.Contains(last.XML, "<![CDATA[failed:user block]]>") {
		t.Errorf("the event: %s", last.XML)
	}
}

// What blocked people write is kept from the account and opens no window.
func TestBlockedPeople(t *testing.T) {
	m := newMP(t, Config{})
	p, id := m.fan("小鱼")
	m.clock.Add(touchSpan)
	m.well("tags/members/batchblacklist", `{"openid_list":["`+id+`"]}`)
	before := len(m.Callbacks())
	got[string](t)(m.TellAccount(p, AccountSaying{Text: "x"}))
	same(t, "pushes", len(m.Callbacks()), before)
	same(t, "a message", code(m.text(id, "x")), codeWindow)
}

func TestFilesOfTheAccountEnd(t *testing.T) {
	m, fill := stage(t)
	image := fill.Replace("$IMAGE")
	got[string](t)(m.TellAccount(m.Followers()[0].Customer, AccountSaying{Type: "image"}))
	xml := m.Callbacks()[len(m.Callbacks())-1].XML
	_, rest, _ := strings.Cut(xml, "<MediaId><![CDATA[")
	sent, _, _ := strings.Cut(rest, "]]>")
	resp := got[*http.Response](t)(http.Get(m.server.URL + "/cgi-bin/media/get?media_id=" + sent + "&access_token=" + m.token))
	same(t, "what a person sent", []string{resp.Status, resp.Header.Get("Content-Type")}, []string{"200 OK", "image/png"})
	_ = resp.Body.Close()
	_, rest, _ = strings.Cut(xml, "<PicUrl><![CDATA["+DefaultPublicURL)
	address, _, _ := strings.Cut(rest, "]]>")
	uploaded := m.uploadFile("media/uploadimg", "a.png", sampleFiles()["image"])["url"].(string)
	for where, want := range map[string]int{address: 200, strings.TrimPrefix(uploaded, DefaultPublicURL): 200, accountFilePath + "x": 404} {
		resp := got[*http.Response](t)(http.Get(m.server.URL + where))
		same(t, where, resp.StatusCode, want)
		_ = resp.Body.Close()
	}
	m.clock.Add(mediaLife)
	m.token = m.fetchToken()
	m.fails(codeBadMediaID, "media/get?media_id="+image, nil)
	got[string](t)(m.TellAccount(m.Followers()[0].Customer, AccountSaying{Text: "x"}))
	m.fails(codeBadMediaID, "message/custom/send", fill.Replace(`{"touser":"$ID","msgtype":"image","image":{"media_id":"$IMAGE"}}`))
	m.well("message/custom/send", fill.Replace(`{"touser":"$ID","msgtype":"image","image":{"media_id":"$KEPT"}}`))
}

// The same seed and the same calls give the same bytes.
func TestTheAccountIsDeterministic(t *testing.T) {
	tell := func() string {
		m, fill := stage(t)
		for _, path := range []string{"qrcode/create", "message/template/send", "user/info/batchget"} {
			m.well(path, fill.Replace(goodAccountCalls()[path][0]))
		}
		m.settle()
		return string(encode([]any{m.AccountMessages(), m.Callbacks(), m.Followers(), m.AccountCodes()}))
	}
	if a, b := tell(), tell(); a != b {
		t.Errorf("twice the same calls:\n%s\n%s", a, b)
	}
}

func FuzzAnAccountBodyIsAnsweredOrRefused(f *testing.F) {
	for path, bodies := range goodAccountCalls() {
		for _, body := range bodies {
			f.Add(accountPrefix+strings.TrimPrefix(path, "/"), body)
		}
	}
	f.Fuzz(func(t *testing.T, path, body string) {
		c := newClock()
		s, err := New(Config{Now: c.Now})
		must(t, err)
		p := got[string](t)(s.AddCustomer(Customer{Name: "x"}))
		got[string](t)(s.Follow(p, ""))
		op, ok := s.accountAPIs[path]
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

func FuzzAPassiveReplyIsShownOrNot(f *testing.F) {
	f.Add("<xml><ToUserName>o</ToUserName><MsgType>news</MsgType><ArticleCount>-1</ArticleCount></xml>")
	f.Add("<xml><Encrypt>x</Encrypt></xml>")
	f.Fuzz(func(t *testing.T, answer string) {
		c := newClock()
		s, err := New(Config{Now: c.Now, Account: OfficialAccount{Mode: ModeCompatible}})
		must(t, err)
		p := got[string](t)(s.AddCustomer(Customer{Name: "x"}))
		id := got[string](t)(s.Follow(p, ""))
		s.enter()
		defer s.leave()
		answer = strings.Replace(answer, "<ToUserName>o<", "<ToUserName>"+id+"<", 1)
		s.readReply(c.Now(), &letter{callback: s.post.callbacks[0], try: 1}, http.StatusOK, answer)
	})
}

package sandbox

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// robot makes an internal group with wang and li in it, and a robot in the group.
func (w *world) robot() (chat, key string) {
	w.t.Helper()
	chat = got[string](w.t)(w.CreateInternalGroup("wang", "值班群", "li"))
	return chat, got[string](w.t)(w.AddRobot(chat, "播报"))
}

func robotImage(data []byte) string {
	return fmt.Sprintf(`{"base64":%q,"md5":"%x"}`, base64.StdEncoding.EncodeToString(data), md5.Sum(data))
}

func TestRobotsSpeak(t *testing.T) {
	w := newWorld(t, Config{})
	w.token = ""
	_, key := w.robot()
	_, otherKey := w.robot()
	upload := func(kind, key string) string {
		return w.uploadFile("webhook/upload_media?key="+key+"&type="+kind, "a."+kind, fileOf(kind, 100))["media_id"].(string)
	}
	file, foreign := upload("file", key), upload("file", otherKey)
	article := `{"title":"标题","description":"描述","url":"https://e.com","picurl":"https://e.com/a.png"}`
	li := w.mobileOf(w.office.find("li"))
	card := `{"card_type":"text_notice","main_title":{"title":"开业"},"card_action":{"type":1,"url":"https://e.com"},
		"horizontal_content_list":[{"type":2,"keyname":"附件","value":"a","media_id":"` + file + `"}]}`
	for _, tc := range []struct {
		kind, body string
		want       int
		text       string
		mentioned  []string
	}{
		{"text", `{"content":"开会","mentioned_list":["WANG","ghost","@all"],"mentioned_mobile_list":["` + li + `"]}`, 0, "开会", []string{"wang", "li", "@all"}},
		{"text", `{"content":"` + strings.Repeat("x", 2048) + `"}`, 0, strings.Repeat("x", 2048), nil},
		{"text", `{"content":"` + strings.Repeat("x", 2049) + `"}`, 40058, "", nil},
		{"text", `{}`, 44004, "", nil},
		{"markdown", `{"content":"**好** <@li>"}`, 0, "**好** <@li>", []string{"li"}},
		{"markdown", `{"content":"` + strings.Repeat("x", 4097) + `"}`, 40058, "", nil},
		{"markdown_v2", `{"content":"| 表 | <@li> |"}`, 0, "| 表 | <@li> |", nil},
		{"image", robotImage(fileOf("image", 2<<20)), 0, "", nil},
		{"image", robotImage(fileOf("image", 2<<20+1)), 40009, "", nil},
		{"image", robotImage([]byte("<svg/>")), 40004, "", nil},
		{"image", strings.Replace(robotImage(fileOf("image", 100)), `"md5":"`, `"md5":"0`, 1), 40058, "", nil},
		{"image", `{"base64":"*","md5":"x"}`, 40058, "", nil},
		{"image", `{"md5":"x"}`, 44001, "", nil},
		{"news", `{"articles":[` + article + `]}`, 0, "标题\n描述", nil},
		{"news", `{"articles":[` + strings.Repeat(article+",", 8) + article + `]}`, 45008, "", nil},
		{"news", `{"articles":[{"title":"x","appid":"wx1","pagepath":"p"}]}`, 41010, "", nil},
		{"file", `{"media_id":"` + file + `"}`, 0, "a.file", nil},
		{"voice", `{"media_id":"` + upload("voice", key) + `"}`, 0, "a.voice", nil},
		{"file", `{"media_id":"` + foreign + `"}`, 40007, "", nil},
		{"template_card", card, 0, "开业\n附件: a", nil},
		{"template_card", `{"card_type":"vote_interaction"}`, 40058, "", nil},
		{"video", `{}`, 40008, "", nil},
	} {
		w.clock.Add(time.Minute)
		out := w.post("webhook/send?key="+key, fmt.Sprintf(`{"msgtype":%q,%q:%s}`, tc.kind, tc.kind, tc.body))
		if code(out) != tc.want {
			t.Errorf("%s %.60s: %v, want %d", tc.kind, tc.body, out, tc.want)
			continue
		}
		said := w.AppChats()[0].Messages
		if tc.want == 0 && (said[len(said)-1].Text != tc.text || said[len(said)-1].Robot != "播报" || !reflect.DeepEqual(said[len(said)-1].Mentioned, tc.mentioned)) {
			t.Errorf("%s %.60s: %+v", tc.kind, tc.body, said[len(said)-1])
		}
	}
	w.login()
	if out := w.get("media/get?media_id=" + file); code(out) != 40007 {
		t.Errorf("the app fetches a robot's file: %v", out)
	}
}

func TestOnlyTheKeyOpensAWebhook(t *testing.T) {
	w := newWorld(t, Config{})
	chat, key := w.robot()
	say := `{"msgtype":"text","text":{"content":"x"}}`
	for _, path := range []string{"webhook/send", "webhook/send?key=", "webhook/send?key=x"} {
		if out := w.post(path, say); code(out) != 93000 {
			t.Errorf("%s: %v", path, out)
		}
	}
	if out := w.upload("webhook/upload_media?key=x&type=file", 100); code(out) != 93000 {
		t.Errorf("upload: %v", out)
	}
	for path, want := range map[string]int{"image": 40005, "": 40005, "file": 0} {
		if out := w.upload("webhook/upload_media?key="+key+"&type="+path, 100); code(out) != want {
			t.Errorf("upload %q: %v", path, out)
		}
	}
	for i := range 21 {
		want := 0
		if i == 20 {
			want = 45009
		}
		if out := w.post("webhook/send?key="+key, say); code(out) != want {
			t.Errorf("message %d within a minute: %v", i+1, out)
		}
	}
	w.clock.Add(time.Minute)
	if out := w.post("webhook/send?key="+key, say); code(out) != 0 {
		t.Errorf("a minute later: %v", out)
	}
	must(t, w.RemoveRobot(key))
	if out := w.post("webhook/send?key="+key, say); code(out) != 93000 {
		t.Errorf("removed: %v", out)
	}
	customers := w.group("一群")
	for name, err := range map[string]error{
		"removed twice": w.RemoveRobot(key), "without a name": errOf(w.AddRobot(chat, "")), "in a customer group": errOf(w.AddRobot(customers, "x")),
	} {
		if err == nil {
			t.Errorf("a robot %s", name)
		}
	}
	if all := w.Robots(); len(all) != 1 || all[0].RemovedAt.IsZero() {
		t.Errorf("robots: %+v", all)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestAppChatsHaveLimits(t *testing.T) {
	w := newWorld(t, Config{})
	byHand := got[string](t)(w.CreateInternalGroup("wang", "值班群", "li"))
	if out := w.get("appchat/get?chatid=" + byHand); code(out) != 86008 {
		t.Errorf("a chat made by hand: %v", out)
	}
	w.ok("appchat/create", map[string]any{"userlist": []string{"wang", "li"}, "chatid": "ops1"})
	r := &w.appRooms
	send := map[string]any{"chatid": "ops1", "msgtype": "text", "text": map[string]string{"content": "x"}}
	r.pushedMinute.count = chatPushesPerMinute - 3
	r.pushedMinute.began, r.pushedHour.began = w.clock.Now(), w.clock.Now()
	if a, b := code(w.post("appchat/send", send)), code(w.post("appchat/send", send)); a != 0 || b != 45009 {
		t.Errorf("beyond the minute: %d, %d", a, b)
	}
	w.clock.Add(time.Minute)
	r.pushedHour.count = chatPushesPerHour - 1
	if out := w.post("appchat/send", send); code(out) != 45009 {
		t.Errorf("beyond the hour: %v", out)
	}
	r.changed = window{count: chatChangesPerHour, began: w.clock.Now()}
	if out := w.post("appchat/update", map[string]any{"chatid": "ops1", "name": "y"}); code(out) != 45009 {
		t.Errorf("changes: %v", out)
	}
	r.made = window{count: chatsMadePerDay, began: w.clock.Now()}
	if out := w.post("appchat/create", map[string]any{"userlist": []string{"wang", "li"}}); code(out) != 45009 {
		t.Errorf("creations: %v", out)
	}
}

func TestAppChatsTakeAllTypes(t *testing.T) {
	w := newWorld(t, Config{})
	w.ok("appchat/create", map[string]any{"userlist": []string{"wang", "li"}, "chatid": "ops1"})
	media := func(kind string) map[string]any {
		return map[string]any{"media_id": w.upload("media/upload?type="+kind, 100)["media_id"]}
	}
	article := map[string]any{"title": "题", "url": "https://e.com", "content": "文", "thumb_media_id": media("image")["media_id"]}
	for _, tc := range []struct {
		kind string
		body any
		want int
	}{
		{"text", map[string]any{"content": "x"}, 0}, {"markdown", map[string]any{"content": "x"}, 0},
		{"image", media("image"), 0}, {"voice", media("voice"), 0}, {"video", media("video"), 0}, {"file", media("file"), 0},
		{"textcard", map[string]any{"title": "题", "description": "文", "url": "https://e.com"}, 0},
		{"news", map[string]any{"articles": []any{article}}, 0}, {"mpnews", map[string]any{"articles": []any{article}}, 0},
		{"image", media("file"), 40007}, {"template_card", map[string]any{}, 40008}, {"miniprogram_notice", map[string]any{}, 40008},
	} {
		if out := w.post("appchat/send", map[string]any{"chatid": "ops1", "msgtype": tc.kind, tc.kind: tc.body, "safe": 0}); code(out) != tc.want {
			t.Errorf("%s: %v, want %d", tc.kind, out, tc.want)
		}
	}
	if n := len(w.AppChats()[0].Messages); n != 9 {
		t.Errorf("%d messages", n)
	}
}

package archive

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// clear is a message as DecryptData returns it, with a body of its type.
func clear(kind, body string) string {
	return fmt.Sprintf(`{"msgid":"CAQQexample0001_external","action":"send","from":%q,"tolist":["lihua",%q],"roomid":%q,"msgtime":1763863200123,"msgtype":%q,%s}`,
		anna, ben, room1, kind, body)
}

// inner puts a body into a text, as parts of messages have it.
func inner(body string) string {
	data, _ := json.Marshal(body) // a string
	return string(data)
}

func TestEveryTypeOfMessageIsRead(t *testing.T) {
	for _, tc := range []struct {
		kind string
		body string
		want said
	}{
		{"text", `"text":{"content":"今天还有草莓吗"}`, said{kind: "text", text: "今天还有草莓吗"}},
		{"markdown", `"info":{"content":"**通知**"}`, said{kind: "text", text: "**通知**"}},
		{"link", `"link":{"title":"团购","description":"点开看","link_url":"https://shop.example/t","image_url":"https://shop.example/a.png"}`,
			said{kind: "link", title: "团购", text: "点开看", url: "https://shop.example/t"}},
		{"card", fmt.Sprintf(`"card":{"corpname":"微信联系人","userid":%q}`, ben), said{kind: "card", title: "微信联系人", text: ben}},
		{"weapp", `"weapp":{"title":"抽奖","description":"天天送","username":"gh_x@app","displayname":"小店"}`, said{kind: "miniprogram", title: "小店\n抽奖", text: "天天送"}},
		{"sphfeed", `"sphfeed":{"feed_type":4,"sph_name":"某某严选","feed_desc":"直播中"}`, said{kind: "link", title: "某某严选", text: "直播中"}},
		{"image", `"image":{"md5sum":"0","filesize":12,"sdkfileid":"F"}`, said{kind: "image", file: "F"}},
		{"emotion", `"emotion":{"type":1,"width":2,"height":3,"imagesize":4,"md5sum":"0","sdkfileid":"F"}`, said{kind: "image"}},
		{"voice", `"voice":{"md5sum":"0","voice_size":5,"play_length":6,"sdkfileid":"F"}`, said{kind: "file"}},
		{"video", `"video":{"md5sum":"0","filesize":5,"play_length":6,"sdkfileid":"F"}`, said{kind: "file"}},
		{"file", `"file":{"md5sum":"0","filename":"价目表.xlsx","fileext":"xlsx","filesize":9,"sdkfileid":"F"}`, said{kind: "file", title: "价目表.xlsx"}},
		{"redpacket", `"redpacket":{"type":1,"wish":"生意兴隆","totalcnt":3,"totalamount":30}`, said{kind: "text", text: "生意兴隆"}},
		{"external_redpacket", `"redpacket":{"type":1,"wish":"新年好","totalcnt":3,"totalamount":30}`, said{kind: "text", text: "新年好"}},
		{"location", `"location":{"longitude":121.5,"latitude":31.2,"address":"人民路1号","title":"门店","zoom":15}`, said{kind: "text", title: "门店", text: "人民路1号"}},
		{"docmsg", `"doc":{"title":"x"},"docmsg":{"title":"报名表","doc_creator":"wm1","link_url":"https://doc.example/1"}`, said{kind: "link", title: "报名表", url: "https://doc.example/1"}},
		{"vote", `"vote":{"votetitle":"去哪","voteitem":["东门","西门"],"votetype":101,"voteid":"v"}`, said{kind: "text", title: "去哪", text: "东门\n西门"}},
		{"collect", `"collect":{"room_name":"群","creator":"c","title":"登记","details":[{"id":1,"ques":"姓名","type":"Text"},{"id":2,"ques":"电话","type":"Number"}]}`,
			said{kind: "text", title: "登记", text: "姓名\n电话"}},
		{"todo", `"todo":{"title":"取货","content":"五点前"}`, said{kind: "text", title: "取货", text: "五点前"}},
		{"calendar", `"calendar":{"title":"试吃会","place":"店里","remarks":"带证"}`, said{kind: "text", title: "试吃会", text: "店里\n带证"}},
		{"meeting", `"meeting":{"topic":"直播课","address":"线上","remarks":"免费"}`, said{kind: "text", title: "直播课", text: "线上\n免费"}},
		{"news", `"info":{"item":[{"title":"上新","description":"到店看","url":"https://shop.example/n","picurl":"p"},{"title":"第二条","description":"","url":"https://shop.example/m"}]}`,
			said{kind: "link", text: "上新\n到店看\n第二条\nhttps://shop.example/m", url: "https://shop.example/n"}},
		{"mixed", `"mixed":{"item":[{"type":"text","content":` + inner(`{"content":"你好"}`) + `},{"type":"image","content":` + inner(`{"md5sum":"x","filesize":1}`) +
			`},{"type":"link","content":` + inner(`{"title":"看这里","link_url":"https://x.example"}`) + `}]}`,
			said{kind: "text", text: "你好\n看这里", url: "https://x.example"}},
		{"chatrecord", `"chatrecord":{"title":"群聊","item":[{"type":"ChatRecordText","msgtime":1603875610,"content":` + inner(`{"content":"外层"}`) + `,"from_chatroom":false},` +
			`{"type":"ChatRecord","content":` + inner(`{"title":"里层","item":[{"type":"ChatRecordText","content":`+inner(`{"content":"最里"}`)+`}]}`) + `},` +
			`{"type":"ChatRecordMixed","content":` + inner(`{"item":[{"type":"text","content":`+inner(`{"content":"混合"}`)+`}]}`) + `}]}`,
			said{kind: "text", title: "群聊", text: "外层\n里层\n最里\n混合"}},
	} {
		m, err := parse([]byte(clear(tc.kind, tc.body)))
		if err != nil {
			t.Errorf("%s: %v", tc.kind, err)
			continue
		}
		if got, ok := say(m.Type, m.body, 0); !ok || got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.kind, got, tc.want)
		}
		if m.ID != "CAQQexample0001_external" || m.From != anna || m.Room != room1 || !m.At.Equal(time.UnixMilli(1763863200123)) {
			t.Errorf("%s: %+v", tc.kind, m)
		}
	}
	for _, kind := range []string{"meeting_voice_call", "voip_doc_share", "brand_new"} {
		m, err := parse([]byte(clear(kind, fmt.Sprintf(`%q:{"title":"x"}`, kind))))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := say(m.Type, m.body, 0); ok {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

func TestFieldsOfAnotherShapeDoNotHideTheOthers(t *testing.T) {
	m, err := parse([]byte(clear("vote", `"vote":{"voteitem":"one","votetitle":"仍可读","item":7}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := say(m.Type, m.body, 0); got.title != "仍可读" {
		t.Errorf("%+v", got)
	}
	m, err = parse([]byte(strings.Replace(clear("text", `"text":{"content":"引号"}`), "1763863200123", `"1763863200123"`, 1)))
	if err != nil || m.At.UnixMilli() != 1763863200123 {
		t.Errorf("%v %v", m.At, err)
	}
	m, err = parse([]byte(strings.Replace(clear("text", `"text":{"content":"浮点"}`), "1763863200123", `1.763863200123e12`, 1)))
	if err != nil || m.At.UnixMilli() != 1763863200123 {
		t.Errorf("%v %v", m.At, err)
	}
}

func TestForwardsWithinForwardsEnd(t *testing.T) {
	body := `{"content":"到底了"}`
	kind := "ChatRecordText"
	for range 12 {
		body = `{"title":"层","item":[{"type":"` + kind + `","content":` + inner(body) + `}]}`
		kind = "ChatRecord"
	}
	m, err := parse([]byte(clear("chatrecord", `"chatrecord":`+body)))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := say(m.Type, m.body, 0)
	if n := strings.Count(got.title+got.text, "层"); n != maxDepth+1 {
		t.Errorf("%d levels: %+v", n, got)
	}
	many := strings.Repeat(`{"type":"ChatRecordText","content":"{\"content\":\"长长长长长长长长长长\"}"},`, 9000)
	m, err = parse([]byte(clear("chatrecord", `"chatrecord":{"title":"多","item":[`+strings.TrimSuffix(many, ",")+`]}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := say(m.Type, m.body, 0); len(got.text) > maxText || strings.Count(got.text, "\n") > maxItems {
		t.Errorf("%d bytes", len(got.text))
	}
}

func TestIdsTellWhoSpeaks(t *testing.T) {
	for id, want := range map[string]int{anna: fromCustomer, "woAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": fromCustomer, "zhangsan": fromStaff, "wbing": fromStaff,
		"wbAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": fromRobot, "": fromStaff, "李四": fromStaff, "wmei": fromCustomer} { // the feed knows wmei
		if got := sender(id); got != want {
			t.Errorf("%s: %d, want %d", id, got, want)
		}
	}
}

// Whatever comes, it is read without a panic, and what is passed on is bounded and whole letters.
func FuzzMessages(f *testing.F) {
	f.Add(clear("text", `"text":{"content":"a"}`))
	f.Add(clear("chatrecord", `"chatrecord":{"item":[{"type":"ChatRecord","content":"{}"}]}`))
	f.Add(clear("mixed", `"mixed":{"item":[{"type":"text","content":"{\"content\":\"你好\"}"}]}`))
	f.Add(clear("revoke", `"revoke":{"pre_msgid":"x"}`))
	f.Add(`{"msgid":"1","action":"switch","time":1,"user":"a"}`)
	f.Add("{\"msgid\":\"1\xff\",\"msgtime\":-1}")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse([]byte(text))
		if err != nil {
			return
		}
		if m.At.IsZero() && m.Action != actionSwitch {
			t.Error("no time")
		}
		s, _ := say(m.Type, m.body, 0)
		if len(s.text) > maxText || len(s.title) > maxTitle || len(s.url) > maxURL {
			t.Error("too long")
		}
		for _, part := range []string{s.text, s.title, s.url} {
			if !utf8.ValidString(part) {
				t.Errorf("broken letters in %q", part)
			}
		}
	})
}

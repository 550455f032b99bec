package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"xiaobu/bot/wecom/crypt"
)

// replying is a world whose receiver answers every callback with what reply returns.
func replying(t *testing.T, reply func() string) *world {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, reply())
	}))
	t.Cleanup(server.Close)
	return newWorld(t, Config{CallbackURL: server.URL})
}

// sealed is a passive reply in its envelope.
func sealed(t *testing.T, message string) string {
	t.Helper()
	codec := got[*crypt.Codec](t)(crypt.New(DefaultToken, DefaultAESKey, DefaultCorpID))
	encrypted := codec.Seal([]byte(message), [16]byte{1, 2, 3})
	return fmt.Sprintf("<xml><Encrypt><![CDATA[%s]]></Encrypt><MsgSignature><![CDATA[%s]]></MsgSignature><TimeStamp>%s</TimeStamp><Nonce><![CDATA[%s]]></Nonce></xml>",
		encrypted, codec.Sign("1", "n", encrypted), "1", "n")
}

// toWang is a passive reply to wang without its envelope.
func toWang(kind, rest string) string {
	return "<xml><ToUserName><![CDATA[wang]]></ToUserName><FromUserName><![CDATA[" + DefaultCorpID + "]]></FromUserName>" +
		"<CreateTime>1</CreateTime><MsgType><![CDATA[" + kind + "]]></MsgType>" + rest + "</xml>"
}

func TestStaffWriteToTheApp(t *testing.T) {
	w := newWorld(t, Config{})
	must(t, w.AddStaff(Staff{UserID: "hidden", Name: "隐", Hidden: true}))
	head := func(kind string) string {
		return "<xml>\n<ToUserName><![CDATA[" + DefaultCorpID + "]]></ToUserName>\n<FromUserName><![CDATA[wang]]></FromUserName>\n" +
			fmt.Sprintf("<CreateTime>%d</CreateTime>\n<MsgType><![CDATA[%s]]></MsgType>\n", w.clock.Now().Unix(), kind)
	}
	id := got[string](t)(w.WriteToApp("Wang", "你好"))
	image := fileOf("image", 100)
	got[string](t)(w.SendToApp("wang", "image", "a.png", image))
	got[string](t)(w.SendToApp("wang", "voice", "a.amr", fileOf("voice", 100)))
	got[string](t)(w.SendToApp("wang", "video", "a.mp4", fileOf("video", 100)))
	for _, e := range [][2]string{{"subscribe", ""}, {"enter_agent", ""}, {"click", "KEY"}, {"view", "https://e.com"}} {
		must(t, w.UseApp("wang", e[0], e[1]))
	}
	all, files := w.Callbacks(), w.Uploads()
	for i, want := range []string{
		head("text") + "<Content><![CDATA[你好]]></Content>\n<MsgId>" + id + "</MsgId>\n<AgentID>1000002</AgentID>\n</xml>",
		head("image") + "<PicUrl><![CDATA[" + DefaultPublicURL + "/pic_wework/1/0]]></PicUrl>\n<MediaId><![CDATA[" + files[0].MediaID + "]]></MediaId>\n<MsgId>",
		head("voice") + "<MediaId><![CDATA[" + files[1].MediaID + "]]></MediaId>\n<Format><![CDATA[amr]]></Format>\n<MsgId>",
		head("video") + "<MediaId><![CDATA[" + files[2].MediaID + "]]></MediaId>\n<ThumbMediaId><![CDATA[" + files[3].MediaID + "]]></ThumbMediaId>\n<MsgId>",
		head("event") + "<Event><![CDATA[subscribe]]></Event>\n<AgentID>1000002</AgentID>\n</xml>",
		head("event") + "<Event><![CDATA[enter_agent]]></Event>\n<EventKey><![CDATA[]]></EventKey>\n<AgentID>1000002</AgentID>\n</xml>",
		head("event") + "<Event><![CDATA[click]]></Event>\n<EventKey><![CDATA[KEY]]></EventKey>\n<AgentID>1000002</AgentID>\n</xml>",
		head("event") + "<Event><![CDATA[view]]></Event>\n<EventKey><![CDATA[https://e.com]]></EventKey>\n<AgentID>1000002</AgentID>\n</xml>",
	} {
		if !strings.HasPrefix(all[i].XML, want) || !all[i].AppEvent {
			t.Errorf("%s:\n%s\nwant:\n%s", all[i].Kind, all[i].XML, want)
		}
	}
	resp := got[*http.Response](t)(w.server.Client().Get(w.url("media/get?media_id=" + files[0].MediaID)))
	defer resp.Body.Close()
	if body := got[[]byte](t)(io.ReadAll(resp.Body)); !bytes.Equal(body, image) {
		t.Errorf("%d bytes were fetched", len(body))
	}
	voice := got[*http.Response](t)(w.server.Client().Get(w.url("media/get/jssdk?media_id=" + files[1].MediaID)))
	voice.Body.Close()
	if voice.Header.Get("Content-Type") != "audio/amr" {
		t.Errorf("voice: %v", voice.Header)
	}
	for name, err := range map[string]error{
		"hidden": errOf(w.WriteToApp("hidden", "x")), "nobody": errOf(w.WriteToApp("ghost", "x")), "no text": errOf(w.WriteToApp("wang", "")),
		"a long text": errOf(w.WriteToApp("wang", strings.Repeat("x", 2049))), "a file": errOf(w.SendToApp("wang", "file", "a", fileOf("file", 10))),
		"no picture": errOf(w.SendToApp("wang", "image", "a", fileOf("file", 10))), "no event": w.UseApp("wang", "dance", ""),
		"no key": w.UseApp("wang", "click", ""), "a key": w.UseApp("wang", "subscribe", "x"),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAPassiveReplyIsShown(t *testing.T) {
	message := ""
	w := replying(t, func() string { return sealed(t, message) })
	id := w.upload("media/upload?type=image", 100)["media_id"].(string)
	for _, tc := range []struct{ kind, rest, want string }{
		{"text", "<Content><![CDATA[收到]]></Content>", "收到"},
		{"image", "<Image><MediaId><![CDATA[" + id + "]]></MediaId></Image>", "a.png"},
		{"news", "<ArticleCount>2</ArticleCount><Articles><item><Title>一</Title><Url>https://e.com</Url></item><item><Title>二</Title><Description>文</Description></item></Articles>", "一\n二\n文"},
	} {
		message = toWang(tc.kind, tc.rest)
		got[string](t)(w.WriteToApp("wang", "在吗"))
		w.settle()
		all := w.AppMessages()
		if len(all) == 0 || !all[len(all)-1].Passive || all[len(all)-1].Text != tc.want || strings.Join(all[len(all)-1].To, "|") != "wang" {
			t.Errorf("%s: %+v, %v", tc.kind, all, w.Log(0))
		}
	}
	if n := len(w.AppMessages()); n != 3 {
		t.Errorf("%d messages", n)
	}
}

func TestAnAnswerThatIsNoneChangesNothing(t *testing.T) {
	answer := ""
	w := replying(t, func() string { return answer })
	open := toWang("text", "<Content>x</Content>")
	for name, body := range map[string]string{
		"nothing": "", "success": "success", "in the clear": open, "no XML": "{}",
		"a wrong signature": strings.Replace(sealed(t, open), "<Nonce><![CDATA[n", "<Nonce><![CDATA[m", 1),
		"to another":        sealed(t, strings.Replace(open, "wang", "li", 1)),
		"no message":        sealed(t, "x"), "a doctype": sealed(t, `<!DOCTYPE x [<!ENTITY e "y">]>`+open), "another root": sealed(t, "<x></x>"),
		"another type": sealed(t, toWang("hologram", "")), "an unknown image": sealed(t, toWang("image", "<Image><MediaId>x</MediaId></Image>")),
		"a button without a press": sealed(t, toWang("update_button", "<Button><ReplaceName>x</ReplaceName></Button>")),
		"nine articles":            sealed(t, toWang("news", "<Articles>"+strings.Repeat("<item><Title>x</Title></item>", 9)+"</Articles>")),
		"too deep":                 sealed(t, toWang("text", strings.Repeat("<a>", 20)+strings.Repeat("</a>", 20))),
	} {
		answer = body
		got[string](t)(w.WriteToApp("wang", "在吗"))
		w.settle()
		if n := len(w.AppMessages()); n != 0 {
			t.Fatalf("%s was shown", name)
		}
	}
	answer = sealed(t, toWang("text", "<Content>x</Content><Type>no number</Type><Mode>0x1p-2</Mode>"))
	got[string](t)(w.WriteToApp("wang", "在吗"))
	w.settle()
	if n := len(w.AppMessages()); n != 1 {
		t.Errorf("an answer with a number that is none: %d messages", n)
	}
	if w.InFlight() != 0 {
		t.Error("an answer that was not understood is delivered again")
	}
}

func TestAPassiveReplyChangesTheCard(t *testing.T) {
	message := toWang("update_button", "<Button><ReplaceName><![CDATA[已处理]]></ReplaceName></Button>")
	w := replying(t, func() string { return sealed(t, message) })
	w.message("wang|li", "template_card", cardBody("case_1"))
	must(t, w.PressCard("wang", "case_1", "done"))
	w.settle()
	card := w.Cards()[0]
	if len(card.Updates) != 1 || card.Updates[0].Text != "已处理" || strings.Join(card.Updates[0].Users, "|") != "wang" {
		t.Fatalf("updates: %+v, %v", card.Updates, w.Log(0))
	}
	if out := w.post("message/update_template_card", map[string]any{"userids": []string{"wang"}, "agentid": DefaultAgentID,
		"response_code": card.Presses[0].ResponseCode, "button": map[string]string{"replace_name": "x"}}); code(out) != 60140 {
		t.Errorf("the code of the press: %v", out)
	}
	message = strings.Replace(toWang("update_template_card", `<TemplateCard><CardType>text_notice</CardType>
		<Source><IconUrl>https://e.com/a.png</IconUrl><Desc>助手</Desc><DescColor>1</DescColor></Source>
		<MainTitle><Title>已处理</Title><Desc>李</Desc></MainTitle><SubTitleText>谢谢</SubTitleText>
		<HorizontalContentList><KeyName>一</KeyName><Value>二</Value></HorizontalContentList>
		<HorizontalContentList><Type>1</Type><KeyName>网</KeyName><Value>站</Value><Url>https://e.com</Url></HorizontalContentList>
		<CardAction><Type>1</Type><Url>https://e.com</Url></CardAction></TemplateCard>`), "wang", "li", 1)
	must(t, w.PressCard("li", "case_1", "no"))
	w.settle()
	if u := w.Cards()[0].Updates; len(u) != 2 || u[1].Text != "助手\n已处理\n李\n谢谢\n一: 二\n网: 站" || u[1].Users[0] != "li" {
		t.Errorf("updates: %+v, %v", u, w.Log(0))
	}
}

func FuzzAPassiveReplyIsReadOrRefused(f *testing.F) {
	f.Add([]byte(toWang("text", "<Content>x</Content>")))
	f.Add([]byte(toWang("update_template_card", "<TemplateCard><CardType>vote_interaction</CardType><Checkbox><OptionList><Id>1</Id></OptionList></Checkbox></TemplateCard>")))
	f.Fuzz(func(t *testing.T, message []byte) {
		c := newClock()
		s := got[*Sandbox](t)(New(Config{Now: c.Now}))
		must(t, s.AddStaff(Staff{UserID: "wang", Name: "王"}))
		fields, err := xmlFields(message)
		if err != nil {
			return
		}
		s.enter()
		defer s.leave()
		for _, kind := range []string{"text", "image", "news"} {
			_ = (&call{s: s, now: c.Now(), in: newArgs(fields)}).answerMember(&Callback{Who: "wang"}, kind)
		}
		(&call{s: s, now: c.Now(), in: newArgs(fields)}).readCard(newArgs(fields), cardUpdated)
	})
}

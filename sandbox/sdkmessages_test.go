package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/messages"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/power"
	powerappchat "github.com/ArtisanCloud/PowerWeChat/v3/src/work/message/appChat/request"
	powermessage "github.com/ArtisanCloud/PowerWeChat/v3/src/work/message/request"
	powerresponse "github.com/ArtisanCloud/PowerWeChat/v3/src/work/message/response"
	silentappchat "github.com/silenceper/wechat/v2/work/appchat"
	silentmaterial "github.com/silenceper/wechat/v2/work/material"
	silentmessage "github.com/silenceper/wechat/v2/work/message"
)

func messageFamilies() []sdkFamily {
	return []sdkFamily{
		{"app messages, PowerWeChat", powerMessages}, {"app messages, silenceper", silentMessages},
		{"cards, PowerWeChat", powerCards}, {"the messenger, PowerWeChat", powerPanics},
		{"app chats, PowerWeChat", powerAppChats}, {"app chats, silenceper", silentAppChats},
		{"media, PowerWeChat", powerMedia}, {"media from an address, PowerWeChat", powerMediaFromAddress}, {"media, silenceper", silentMedia},
	}
}

// powerHead is what all messages to wang and somebody unknown have in common.
func powerHead(kind string) powermessage.RequestMessageSend {
	return powermessage.RequestMessageSend{ToUser: "wang|Nobody", MsgType: kind, AgentID: DefaultAgentID}
}

// newest is the last message that the app sent, its type and what there is to read.
func (r *rig) newest() []string {
	all := r.AppMessages()
	m := all[len(all)-1]
	return []string{m.MsgID, m.Type, m.Text}
}

func powerMessages(t *testing.T, r *rig) {
	c := r.power.Message
	text, err := c.SendText(r.ctx, &powermessage.RequestMessageSendText{RequestMessageSend: powerHead("text"), Text: &powermessage.RequestText{Content: "<a href=\"https://e.com/?a=1&b=2\">看</a>"}})
	answered(t, text, err)
	same(t, "text", r.newest(), []string{text.MsgID, "text", "<a href=\"https://e.com/?a=1&b=2\">看</a>"})
	same(t, "who is unknown", text.InvalidUser, "nobody")
	markdown, err := c.SendMarkdown(r.ctx, &powermessage.RequestMessageSendMarkdown{RequestMessageSend: powerHead("markdown"), Markdown: &powermessage.RequestMarkdown{Content: "**好**"}})
	answered(t, markdown, err)
	same(t, "markdown", r.newest(), []string{markdown.MsgID, "markdown", "**好**"})
	card, err := c.SendTextCard(r.ctx, &powermessage.RequestMessageSendTextCard{RequestMessageSend: powerHead("textcard"), TextCard: &powermessage.RequestTextCard{Title: "题", Description: "文", Url: "https://e.com"}})
	answered(t, card, err)
	same(t, "textcard", r.newest(), []string{card.MsgID, "textcard", "题\n文"})
	r.powerFileMessages()
	free, err := c.Send(r.ctx, power.HashMap{"touser": "@all", "msgtype": "text", "agentid": DefaultAgentID, "text": power.HashMap{"content": "大家好"}})
	answered(t, free, err)
	same(t, "to everybody", r.AppMessages()[10].To, []string{"wang", "li", "zhao"})
	recalled, err := c.Recall(r.ctx, free.MsgID)
	answered(t, recalled, err)
	same(t, "recalled", r.AppMessages()[10].Recalled.IsZero(), false)
}

// powerFileMessages are those that carry files and articles.
func (r *rig) powerFileMessages() {
	t, c := r.t, r.power.Message
	image, video, file := r.shelf()
	voice := r.recording()
	check := func(kind, text string, out *powerresponse.ResponseMessageSend, err error) {
		t.Helper()
		answered(t, out, err)
		same(t, kind, r.newest(), []string{out.MsgID, kind, text})
	}
	out, err := c.SendImage(r.ctx, &powermessage.RequestMessageSendImage{RequestMessageSend: powerHead("image"), Image: &powermessage.RequestImage{MediaID: image}})
	check("image", "a.png", out, err)
	out, err = c.SendVoice(r.ctx, &powermessage.RequestMessageSendVoice{RequestMessageSend: powerHead("voice"), Voice: &powermessage.RequestVoice{MediaID: voice}})
	check("voice", "a.png", out, err)
	out, err = c.SendVideo(r.ctx, &powermessage.RequestMessageSendVideo{RequestMessageSend: powerHead("video"), Video: &powermessage.RequestVideo{MediaID: video, Title: "题", Description: "文"}})
	check("video", "题\n文\na.png", out, err)
	out, err = c.SendFile(r.ctx, &powermessage.RequestMessageSendFile{RequestMessageSend: powerHead("file"), File: &powermessage.RequestFile{MediaID: file}})
	check("file", "a.png", out, err)
	out, err = c.SendNews(r.ctx, &powermessage.RequestMessageSendNews{RequestMessageSend: powerHead("news"), News: &powermessage.RequestNews{
		Article: []*powermessage.RequestNewsArticle{{Title: "一", Description: "文", URL: "https://e.com/?a=1&b=2"}, {Title: "二", AppID: "wx1", PagePath: "/p"}}}})
	check("news", "一\n文\n二", out, err)
	out, err = c.SendMpNews(r.ctx, &powermessage.RequestMessageSendMPNews{RequestMessageSend: powerHead("mpnews"), MPNews: &powermessage.RequestMPNews{
		Article: []*powermessage.RequestMPNewsArticle{{Title: "一", ThumbMediaID: image, Content: "<p>文</p>", Digest: "要"}}}})
	check("mpnews", "一\n要", out, err)
	out, err = c.SendMiniProgramNotice(r.ctx, &powermessage.RequestMessageSendMiniProgramNotice{RequestMessageSend: powerHead("miniprogram_notice"), MiniProgramNotice: &powermessage.MiniProgramNotice{
		Appid: "wx1", Page: "/p", Title: "订单通知", Description: "今天下午", ContentItem: []*powermessage.ContentItem{{Key: "单号", Value: "1"}}}})
	check("miniprogram_notice", "订单通知\n今天下午\n单号: 1", out, err)
}

func silentMessages(t *testing.T, r *rig) {
	c := r.silent.GetMessage()
	// It sends agentid as a string, which the platform takes.
	head := &silentmessage.SendRequestCommon{ToUser: "wang|Nobody", AgentID: strconv.Itoa(DefaultAgentID)}
	text := got[*silentmessage.SendResponse](t)(c.SendText(silentmessage.SendTextRequest{SendRequestCommon: head, Text: silentmessage.TextField{Content: "你好"}}))
	same(t, "text", r.newest(), []string{text.MsgID, "text", "你好"})
	same(t, "who is unknown", text.InvalidUser, "nobody")
	// It writes < as \u003c in this call, which the platform does not read.
	_, err := c.SendText(silentmessage.SendTextRequest{SendRequestCommon: head, Text: silentmessage.TextField{Content: "<a>"}})
	refused(t, err, codeEscaped)
	free := got[*silentmessage.SendResponse](t)(c.Send("markdown", map[string]any{
		"touser": "li", "msgtype": "markdown", "agentid": DefaultAgentID, "markdown": map[string]string{"content": "**好**"}}))
	same(t, "markdown", r.newest(), []string{free.MsgID, "markdown", "**好**"})
	image := got[*silentmessage.SendResponse](t)(c.SendImage(silentmessage.SendImageRequest{SendRequestCommon: head, Image: silentmessage.ImageField{MediaID: r.picture()}}))
	same(t, "image", r.newest(), []string{image.MsgID, "image", "a.png"})
	voice := got[*silentmessage.SendResponse](t)(c.SendVoice(silentmessage.SendVoiceRequest{SendRequestCommon: head, Voice: silentmessage.VoiceField{MediaID: r.recording()}}))
	same(t, "voice", r.newest(), []string{voice.MsgID, "voice", "a.png"})
}

// picture and recording upload one.
func (r *rig) picture() string { return r.upload("media/upload?type=image", 100)["media_id"].(string) }
func (r *rig) recording() string {
	return r.upload("media/upload?type=voice", 100)["media_id"].(string)
}

func powerCards(t *testing.T, r *rig) {
	c := r.power.Message
	sent, err := c.SendTemplateCard(r.ctx, &powermessage.RequestMessageSendTemplateCard{
		RequestMessageSend: powerHead("template_card"),
		TemplateCard: &powermessage.RequestTemplateCard{
			CardType: "button_interaction", TaskID: "case_1",
			Source:     &powermessage.TemplateCardSource{Desc: "小步"},
			MainTitle:  &powermessage.TemplateCardMainTitle{Title: "广告?", Desc: "一群"},
			CardAction: &powermessage.TemplateCardAction{Type: 1, Url: "https://e.com/?a=1&b=2"},
			HorizontalContentList: []*powermessage.TemplateCardHorizontalContentListItem{
				{Keyname: "谁", Value: "小明"}, {Keyname: "证据", Value: "打开", Type: 1, Url: "https://e.com"}},
			ButtonList: []*powermessage.TemplateCardButtonListItem{{Text: "踢", Style: 1, Key: "remove"}, {Text: "留", Style: 2, Key: "keep"}},
		}})
	answered(t, sent, err)
	card := r.Cards()[0]
	same(t, "card", []any{card.MsgID, card.Title, card.Facts[0], card.Buttons}, []any{sent.MsgID, "广告?", Fact{"谁", "小明"}, []Button{{"踢", "remove"}, {"留", "keep"}}})
	must(t, r.PressCard("wang", "case_1", "remove"))
	code := r.Cards()[0].Presses[0].ResponseCode
	_, err = c.UpdateTemplateCard(r.ctx, &power.HashMap{"userids": []string{"wang"}, "response_code": code, "button": power.HashMap{"replace_name": "已踢"}})
	// It takes invaliduser for a string, which in this one call is a list; the agentid it
	// fills in by itself.
	if err == nil {
		t.Error("UpdateTemplateCard reads its answer now")
	}
	same(t, "update", r.Cards()[0].Updates, []CardUpdate{{At: r.Cards()[0].At, Users: []string{"wang"}, Text: "已踢"}})
	r.powerOtherCards()
}

// powerOtherCards are the four other kinds.
func (r *rig) powerOtherCards() {
	options := []*powermessage.TemplateCardOptionListItem{{ID: "a", Text: "甲"}, {ID: "b", Text: "乙"}}
	submit := &powermessage.TemplateCardSubmitButton{Text: "交", Key: "ok"}
	action := &powermessage.TemplateCardAction{Type: 1, Url: "https://e.com"}
	for _, card := range []*powermessage.RequestTemplateCard{
		{CardType: "text_notice", EmphasisContent: &powermessage.TemplateCardEmphasisContent{Title: "100", Desc: "人"}, CardAction: action,
			JumpList: []*powermessage.TemplateCardJumpListItem{{Type: 1, Title: "看", Url: "https://e.com"}}},
		{CardType: "news_notice", CardImage: &powermessage.TemplateCardImage{Url: "https://e.com/a.png", AspectRatio: 1.5}, CardAction: action,
			VerticalContentList: []*powermessage.TemplateCardVerticalContentListItem{{Title: "一", Desc: "文"}}},
		{CardType: "vote_interaction", TaskID: "vote", SubmitButton: submit, Checkbox: &powermessage.TemplateCardCheckbox{
			QuestionKey: "q", Mode: 1, OptionList: []*powermessage.TemplateCardCheckboxOptionListItem{{ID: "a", Text: "甲", IsChecked: true}, {ID: "b", Text: "乙"}}}},
		{CardType: "multiple_interaction", TaskID: "many", SubmitButton: submit, SelectList: []*powermessage.TemplateCardSelectList{
			{QuestionKey: "q", Title: "哪", SelectedID: "b", OptionList: options}}},
	} {
		card.MainTitle = &powermessage.TemplateCardMainTitle{Title: card.CardType}
		out, err := r.power.Message.SendTemplateCard(r.ctx, &powermessage.RequestMessageSendTemplateCard{RequestMessageSend: powerHead("template_card"), TemplateCard: card})
		answered(r.t, out, err)
		all := r.Cards()
		same(r.t, "card", []string{all[len(all)-1].MsgID, all[len(all)-1].CardType, all[len(all)-1].Title}, []string{out.MsgID, card.CardType, card.CardType})
	}
	must(r.t, r.PressCard("wang", "vote", "ok", Choice{Question: "q", Options: []string{"a", "b"}}))
	must(r.t, r.PressCard("wang", "many", "ok"))
	all := r.Cards()
	same(r.t, "many options", all[3].Presses[0].Choices, []Choice{{Question: "q", Options: []string{"a", "b"}}})
	same(r.t, "the option that was set", all[4].Presses[0].Choices, []Choice{{Question: "q", Options: []string{"b"}}})
}

// The messenger for app messages lacks the message that it writes to.
func powerPanics(t *testing.T, r *rig) {
	text := messages.NewMessage(&power.HashMap{"content": "x"})
	for name, try := range map[string]func(){
		"Message.Message":  func() { r.power.Message.Message(text) },
		"Messager.Message": func() { r.power.Messager.Message(text) },
		"Messager.Send":    func() { _, _ = r.power.Messager.OfAgent(DefaultAgentID).ToUser("wang").Send(r.ctx, nil) },
	} {
		if !breaks(try) {
			t.Errorf("%s works now", name)
		}
	}
}

// breaks reports whether a call panics.
func breaks(try func()) (broken bool) {
	defer func() { broken = recover() != nil }()
	try()
	return false
}

func powerAppChats(t *testing.T, r *rig) {
	c := r.power.MessageAppChat
	made, err := c.Create(r.ctx, &powerappchat.RequestAppChatCreate{Name: "运营", Owner: "wang", UserList: []string{"wang", "li"}, ChatID: "ops1"})
	answered(t, made, err)
	updated, err := c.Update(r.ctx, &powerappchat.RequestAppChatUpdate{ChatID: made.ChatID, Name: "运营二", Owner: "li", AddUserList: []string{"zhao"}, DelUserList: []string{"wang"}})
	answered(t, updated, err)
	read, err := c.Get(r.ctx, "ops1")
	answered(t, read, err)
	same(t, "chat", []any{(*read.ChatInfo)["name"], (*read.ChatInfo)["owner"], (*read.ChatInfo)["userlist"]}, []any{"运营二", "li", []any{"li", "zhao"}})
	sent, err := c.Send(r.ctx, &power.HashMap{"chatid": "ops1", "msgtype": "markdown", "markdown": power.HashMap{"content": "**好**"}})
	answered(t, sent, err)
	same(t, "said", r.AppChats()[0].Messages[0].Text, "**好**")
}

func silentAppChats(t *testing.T, r *rig) {
	c := r.silent.GetAppChat()
	r.ok("appchat/create", map[string]any{"userlist": []string{"wang", "li"}, "chatid": "ops1"}) // it cannot make one
	got[*silentappchat.SendResponse](t)(c.SendText(silentappchat.SendTextRequest{
		SendRequestCommon: &silentappchat.SendRequestCommon{ChatID: "ops1"}, Text: silentappchat.TextField{Content: "早"}}))
	got[*silentappchat.SendResponse](t)(c.Send("markdown", map[string]any{"chatid": "ops1", "msgtype": "markdown", "markdown": map[string]string{"content": "**好**"}}))
	got[*silentappchat.SendResponse](t)(c.SendImage(silentappchat.SendImageRequest{
		SendRequestCommon: &silentappchat.SendRequestCommon{ChatID: "ops1"}, Image: silentappchat.ImageField{MediaID: r.picture()}}))
	got[*silentappchat.SendResponse](t)(c.SendVoice(silentappchat.SendVoiceRequest{
		SendRequestCommon: &silentappchat.SendRequestCommon{ChatID: "ops1"}, Voice: silentappchat.VoiceField{MediaID: r.recording()}}))
	said := r.AppChats()[0].Messages
	same(t, "said", []string{said[0].Text, said[1].Text, said[2].Type, said[3].Type}, []string{"早", "**好**", "image", "voice"})
}

// onDisk writes a file of a kind to upload.
func onDisk(t *testing.T, kind string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a."+kind)
	must(t, os.WriteFile(path, fileOf(kind, 100), 0o600))
	return path
}

// shelved are the kinds of the uploads so far.
func (r *rig) shelved() []string {
	var out []string
	for _, m := range r.Uploads() {
		out = append(out, m.Purpose+" "+m.Type)
	}
	return out
}

func powerMedia(t *testing.T, r *rig) {
	c := r.power.Media
	image, err := c.UploadTempImage(r.ctx, onDisk(t, "image"), nil)
	answered(t, image, err)
	same(t, "upload", []any{r.Uploads()[0].MediaID, r.Uploads()[0].Name, r.Uploads()[0].Size, image.CreatedAt},
		[]any{image.MediaID, "a.image", 100, strconv.FormatInt(r.clock.Now().Unix(), 10)})
	voice, err := c.UploadTempVoice(r.ctx, onDisk(t, "voice"), nil)
	answered(t, voice, err)
	video, err := c.UploadTempVideo(r.ctx, onDisk(t, "video"), nil)
	answered(t, video, err)
	other, err := c.UploadTempFile(r.ctx, onDisk(t, "file"), nil)
	answered(t, other, err)
	moment, err := c.UploadMediaImage(r.ctx, "1", onDisk(t, "image"), nil)
	answered(t, moment, err)
	same(t, "time", moment.CreatedAt, int(r.clock.Now().Unix()))
	clip, err := c.UploadMediaVideo(r.ctx, "1", onDisk(t, "video"), nil)
	answered(t, clip, err)
	same(t, "uploads", r.shelved(), []string{"message image", "message voice", "message video", "message file", "moment image", "moment video"})
	forever, err := c.UploadImage(r.ctx, onDisk(t, "image"), nil)
	answered(t, forever, err)
	same(t, "address", strings.HasPrefix(forever.URL, DefaultPublicURL), true)
	resp, err := c.Get(r.ctx, image.MediaID) // by POST
	must(t, err)
	data, err := io.ReadAll(resp.Body)
	must(t, err)
	same(t, "bytes", data, fileOf("image", 100))
}

// PowerWeChat fetches from any address what it then uploads.
func powerMediaFromAddress(t *testing.T, r *rig) {
	t.Setenv("TMPDIR", t.TempDir()) // it writes down what it fetches, under the name in the address
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = w.Write(fileOf(strings.TrimPrefix(path.Ext(q.URL.Path), "."), 100))
	}))
	defer server.Close()
	c := r.power.Media
	image, err := c.UploadTempImageUrl(r.ctx, server.URL+"/a.image", nil)
	answered(t, image, err)
	voice, err := c.UploadTempVoiceUrl(r.ctx, server.URL+"/a.voice", nil)
	answered(t, voice, err)
	video, err := c.UploadTempVideoUrl(r.ctx, server.URL+"/a.video", nil)
	answered(t, video, err)
	other, err := c.UploadTempFileUrl(r.ctx, server.URL+"/a.file", nil)
	answered(t, other, err)
	moment, err := c.UploadMediaImageUrl(r.ctx, "1", server.URL+"/b.image", nil)
	answered(t, moment, err)
	clip, err := c.UploadMediaVideoUrl(r.ctx, "1", server.URL+"/b.video", nil)
	answered(t, clip, err)
	same(t, "uploads", r.shelved(), []string{"message image", "message voice", "message video", "message file", "moment image", "moment video"})
	same(t, "name", r.Uploads()[5].Name, "b.video")
}

func silentMedia(t *testing.T, r *rig) {
	c := r.silent.GetMaterial()
	image := got[*silentmaterial.UploadTempFileResponse](t)(c.UploadTempFile(onDisk(t, "image"), "image"))
	same(t, "upload", []any{r.Uploads()[0].MediaID, r.Uploads()[0].Size, image.CreateAt}, []any{image.MediaID, 100, strconv.FormatInt(r.clock.Now().Unix(), 10)})
	got[*silentmaterial.UploadTempFileResponse](t)(c.UploadTempFileFromReader("b.amr", "voice", bytes.NewReader(fileOf("voice", 100))))
	same(t, "upload from memory", r.Uploads()[1].Name, "b.amr")
	moment := got[*silentmaterial.UploadAttachmentResponse](t)(c.UploadAttachment(onDisk(t, "image"), "image", 1))
	same(t, "time", moment.CreateAt, r.clock.Now().Unix())
	got[*silentmaterial.UploadAttachmentResponse](t)(c.UploadAttachmentFromReader("c.png", "image", bytes.NewReader(fileOf("image", 100)), 2))
	same(t, "uploads", r.shelved(), []string{"message image", "message voice", "moment image", "album image"})
	forever := got[*silentmaterial.UploadImgResponse](t)(c.UploadImg(onDisk(t, "image")))
	again := got[*silentmaterial.UploadImgResponse](t)(c.UploadImgFromReader("c.png", bytes.NewReader(fileOf("image", 100))))
	same(t, "addresses", []bool{strings.HasPrefix(forever.URL, DefaultPublicURL), forever.URL != again.URL}, []bool{true, true})
	same(t, "bytes", got[[]byte](t)(c.GetTempFile(image.MediaID)), fileOf("image", 100))
	_, err := c.GetTempFile("nobody's")
	refused(t, err, codeBadMedia)
}

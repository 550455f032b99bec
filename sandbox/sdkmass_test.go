package sandbox

import (
	"testing"

	powertemplate "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/groupWelcomeTemplate/request"
	powermass "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/messageTemplate/request"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
)

func massFamilies() []sdkFamily {
	return []sdkFamily{
		{"mass messages, PowerWeChat", powerMass}, {"mass messages, silenceper", silentMass},
		{"welcomes, PowerWeChat", powerWelcomes}, {"welcomes, silenceper", silentWelcomes},
		{"group templates, PowerWeChat", powerTemplates}, {"group templates, silenceper", silentTemplates},
	}
}

// shelf uploads one file of each kind that attachments name.
func (r *rig) shelf() (image, video, file string) {
	r.t.Helper()
	id := func(kind string) string { return r.upload("media/upload?type="+kind, 100)["media_id"].(string) }
	return id("image"), id("video"), id("file")
}

// powerAttachments are all kinds of them.
func (r *rig) powerAttachments() []powermass.MessageTemplateInterface {
	image, video, file := r.shelf()
	return []powermass.MessageTemplateInterface{
		&powermass.ImageOfMessage{MsgType: "image", Image: &powermass.Image{MediaID: image}},
		&powermass.ImageOfMessage{MsgType: "image", Image: &powermass.Image{PicURL: "https://e.com/a.png?b=1&c=2"}},
		&powermass.LinkOfMessage{MsgType: "link", Link: &powermass.Link{Title: "今日", PicURL: "https://e.com/a.png", Desc: "d", URL: "https://e.com/?a=1&b=2"}},
		&powermass.MiniProgramOfMessage{MsgType: "miniprogram", MiniProgram: &powermass.MiniProgram{Title: "小店", PicMediaID: image, AppID: "wx1", Page: "/p"}},
		&powermass.VideoOfMessage{MsgType: "video", Video: &powermass.Video{MediaID: video}},
		&powermass.FileOfMessage{MsgType: "file", File: &powermass.File{MediaID: file}},
	}
}

// silentAttachments are the same. Its type sends the sections of all kinds in each.
func (r *rig) silentAttachments() []*silent.Attachment {
	image, video, file := r.shelf()
	return []*silent.Attachment{
		{MsgType: "image", Image: silent.AttachmentImg{MediaID: image}},
		{MsgType: "image", Image: silent.AttachmentImg{PicURL: "https://e.com/a.png?b=1&c=2"}},
		{MsgType: "link", Link: silent.AttachmentLink{Title: "今日", PicURL: "https://e.com/a.png", Desc: "d", URL: "https://e.com/?a=1&b=2"}},
		{MsgType: "miniprogram", MiniProgram: silent.AttachmentMiniProgram{Title: "小店", PicMediaID: image, AppID: "wx1", Page: "/p"}},
		{MsgType: "video", Video: silent.AttachmentVideo{MediaID: video}},
		{MsgType: "file", File: silent.AttachmentFile{MediaID: file}},
	}
}

var attachmentKinds = []string{"image", "image", "link", "miniprogram", "video", "file"}

func kindsOf(all []Attachment) []string {
	var out []string
	for _, a := range all {
		out = append(out, a.Type)
	}
	return out
}

func powerMass(t *testing.T, r *rig) {
	c := r.power.ExternalContactMessageTemplate
	a, b := r.friends()
	one, two := r.group("一群"), r.group("二群")
	out, err := c.AddMsgTemplate(r.ctx, &powermass.RequestAddMsgTemplate{
		ChatType: "group", Sender: "wang", ChatIdList: []string{one, two, "wrnone"}, Text: &powermass.TextOfMessage{Content: "开团 <8> & 点"}, Attachments: r.powerAttachments()})
	answered(t, out, err)
	same(t, "groups that fail", out.FailList, []string{"wrnone"})
	same(t, "task", []any{r.Tasks()[0].MsgID, r.Tasks()[0].Text, kindsOf(r.Tasks()[0].Attachments)}, []any{out.MsgID, "开团 <8> & 点", attachmentKinds})
	reminded, err := c.RemindGroupMsgSend(r.ctx, &powermass.RequestRemindGroupMsgSend{MsgID: out.MsgID})
	answered(t, reminded, err)
	same(t, "reminders", len(r.Tasks()[0].Reminders), 1)
	must(t, r.ConfirmSome(out.MsgID, "wang", one))
	results, err := c.GetGroupMsgSendResult(r.ctx, out.MsgID, "wang", 100, "")
	answered(t, results, err)
	same(t, "groups with a result", []any{len(results.SendList), results.SendList[0].ChatID, results.SendList[0].Status, results.SendList[0].SendTime},
		[]any{1, one, ResultSent, int(r.clock.Now().Unix())})
	cancelled, err := c.CancelGroupMsgSend(r.ctx, &powermass.RequestCancelGroupMsgSend{MsgID: out.MsgID})
	answered(t, cancelled, err)
	if err := r.ConfirmSome(out.MsgID, "wang", two); err == nil {
		t.Error("a cancelled task was confirmed")
	}

	single, err := c.AddMsgTemplate(r.ctx, &powermass.RequestAddMsgTemplate{ChatType: "single", ExternalUserID: []string{a, b}, Text: &powermass.TextOfMessage{Content: "您好"}})
	answered(t, single, err)
	tasks, err := c.GetGroupMsgTask(r.ctx, single.MsgID, 1, "")
	answered(t, tasks, err)
	same(t, "first share", []any{len(tasks.TaskList), tasks.TaskList[0].UserID, tasks.TaskList[0].Status}, []any{1, "wang", 0})
	// It sends the cursor under the name msgcursorid, so it reads the first page for ever.
	same(t, "there is more", tasks.NextCursor != "", true)
	next, err := c.GetGroupMsgTask(r.ctx, single.MsgID, 1, tasks.NextCursor)
	answered(t, next, err)
	same(t, "share on the next page", next.TaskList[0].UserID, "wang")

	now, both := r.clock.Now().Unix(), 2
	list, err := c.GetGroupMsgListV2(r.ctx, &powermass.RequestGetGroupMsgListV2{ChatType: "group", StartTime: now, EndTime: now, FilterType: &both, Limit: 10})
	answered(t, list, err)
	same(t, "listed", []any{len(list.GroupMsgList), list.GroupMsgList[0].MsgID, list.GroupMsgList[0].Text.Content, list.GroupMsgList[0].Attachments[2].Link.URL},
		[]any{1, out.MsgID, "开团 <8> & 点", "https://e.com/?a=1&b=2"})
}

func silentMass(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	a, b := r.friends()
	one, two := r.group("一群"), r.group("二群")
	out := got[*silent.AddMsgTemplateResponse](t)(c.AddMsgTemplate(&silent.AddMsgTemplateRequest{
		ChatType: "group", Sender: "wang", ChatIDList: []string{one, two, "wrnone"}, Text: silent.MsgText{Content: "开团 <8> & 点"}, Attachments: r.silentAttachments()}))
	same(t, "groups that fail", out.FailList, []string{"wrnone"})
	same(t, "task", []any{r.Tasks()[0].MsgID, r.Tasks()[0].Text, kindsOf(r.Tasks()[0].Attachments)}, []any{out.MsgID, "开团 <8> & 点", attachmentKinds})
	must(t, c.RemindGroupMsgSend(&silent.RemindGroupMsgSendRequest{MsgID: out.MsgID}))
	same(t, "reminders", len(r.Tasks()[0].Reminders), 1)
	must(t, r.ConfirmSome(out.MsgID, "wang", one))
	results := got[*silent.GetGroupMsgSendResultResponse](t)(c.GetGroupMsgSendResult(&silent.GetGroupMsgSendResultRequest{MsgID: out.MsgID, UserID: "wang", Limit: 100}))
	same(t, "groups with a result", []any{len(results.SendList), *results.SendList[0]},
		[]any{1, silent.Send{ChatID: one, UserID: "wang", Status: ResultSent, SendTime: int(r.clock.Now().Unix())}})
	must(t, c.CancelGroupMsgSend(&silent.CancelGroupMsgSendRequest{MsgID: out.MsgID}))
	if err := r.ConfirmSome(out.MsgID, "wang", two); err == nil {
		t.Error("a cancelled task was confirmed")
	}

	single := got[*silent.AddMsgTemplateResponse](t)(c.AddMsgTemplate(&silent.AddMsgTemplateRequest{ChatType: "single", ExternalUserID: []string{a, b}, Text: silent.MsgText{Content: "您好"}}))
	var users []string
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		tasks := got[*silent.GetGroupMsgTaskResponse](t)(c.GetGroupMsgTask(&silent.GetGroupMsgTaskRequest{MsgID: single.MsgID, Limit: 1, Cursor: cursor}))
		users = append(users, tasks.TaskList[0].UserID)
		cursor = tasks.NextCursor
	}
	same(t, "shares", users, []string{"wang", "li"})

	now := r.clock.Now().Unix()
	list := got[*silent.GetGroupMsgListV2Response](t)(c.GetGroupMsgListV2(&silent.GetGroupMsgListV2Request{ChatType: "group", StartTime: now, EndTime: now, FilterType: 2, Limit: 10}))
	same(t, "listed", []any{len(list.GroupMsgList), list.GroupMsgList[0].MsgID, list.GroupMsgList[0].Text.Content, list.GroupMsgList[0].Attachments[2].Link.URL},
		[]any{1, out.MsgID, "开团 <8> & 点", "https://e.com/?a=1&b=2"})
}

func powerWelcomes(t *testing.T, r *rig) {
	k := got[Contact](t)(r.AddContact("wang", r.customers(1)[0], Via{}))
	send := &powermass.RequestSendWelcomeMsg{WelcomeCode: k.WelcomeCode, Text: &powermass.TextOfMessage{Content: "欢迎"}, Attachments: r.powerAttachments()}
	out, err := r.power.ExternalContactMessageTemplate.SendWelcomeMsg(r.ctx, send)
	answered(t, out, err)
	w := r.Welcomes()[0]
	same(t, "welcome", []any{w.Customer, w.Text, kindsOf(w.Attachments)}, []any{k.Customer, "欢迎", attachmentKinds})
	again, err := r.power.ExternalContactMessageTemplate.SendWelcomeMsg(r.ctx, send)
	must(t, err)
	same(t, "errcode of the second", again.ErrCode, codeWelcomeUsed)
}

func silentWelcomes(t *testing.T, r *rig) {
	k := got[Contact](t)(r.AddContact("wang", r.customers(1)[0], Via{}))
	send := &silent.SendWelcomeMsgRequest{WelcomeCode: k.WelcomeCode, Text: silent.MsgText{Content: "欢迎"}, Attachments: r.silentAttachments()}
	must(t, r.silent.GetExternalContact().SendWelcomeMsg(send))
	w := r.Welcomes()[0]
	same(t, "welcome", []any{w.Customer, w.Text, kindsOf(w.Attachments)}, []any{k.Customer, "欢迎", attachmentKinds})
	refused(t, r.silent.GetExternalContact().SendWelcomeMsg(send), codeWelcomeUsed)
}

func powerTemplates(t *testing.T, r *rig) {
	c := r.power.ExternalContactGroupWelcomeTemplate
	image, _, _ := r.shelf()
	added, err := c.AddGroupWelcomeTemplate(r.ctx, &powertemplate.RequestGroupWelcomeTemplateAdd{Text: &powermass.TextOfMessage{Content: "%NICKNAME% 你好"}, Image: &powermass.Image{MediaID: image}, AgentID: DefaultAgentID})
	answered(t, added, err)
	same(t, "stored", []any{r.GroupTemplates()[0].Text, r.GroupTemplates()[0].Attachment.Type, r.GroupTemplates()[0].Notify}, []any{"%NICKNAME% 你好", "image", false})
	edited, err := c.EditGroupWelcomeTemplate(r.ctx, &powertemplate.RequestGroupWelcomeTemplateEdit{TemplateID: added.TemplateID, MiniProgram: &powermass.MiniProgram{Title: "小店", PicMediaID: image, AppID: "wx1", Page: "/p"}})
	answered(t, edited, err)
	out, err := c.GetGroupWelcomeTemplate(r.ctx, added.TemplateID)
	answered(t, out, err)
	// It has no field for a link in this answer.
	same(t, "read", []any{out.Image == nil, (*out.MiniProgram)["title"]}, []any{true, "小店"})
	deleted, err := c.DelGroupWelcomeTemplate(r.ctx, added.TemplateID, DefaultAgentID)
	answered(t, deleted, err)
	same(t, "templates left", len(r.GroupTemplates()), 0)
}

func silentTemplates(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	image, _, _ := r.shelf()
	added := got[*silent.AddGroupWelcomeTemplateResponse](t)(c.AddGroupWelcomeTemplate(&silent.AddGroupWelcomeTemplateRequest{
		Text: silent.MsgText{Content: "%NICKNAME% 你好"}, Image: &silent.AttachmentImg{MediaID: image}, AgentID: DefaultAgentID}))
	// It cannot send notify 0, so members are always told.
	same(t, "stored", []any{r.GroupTemplates()[0].Text, r.GroupTemplates()[0].Attachment.Type, r.GroupTemplates()[0].Notify}, []any{"%NICKNAME% 你好", "image", true})
	must(t, c.EditGroupWelcomeTemplate(&silent.EditGroupWelcomeTemplateRequest{TemplateID: added.TemplateID, Link: &silent.AttachmentLink{Title: "今日", URL: "https://e.com"}}))
	out := got[*silent.GetGroupWelcomeTemplateResponse](t)(c.GetGroupWelcomeTemplate(&silent.GetGroupWelcomeTemplateRequest{TemplateID: added.TemplateID}))
	same(t, "read", []any{out.Image.MediaID, out.Link}, []any{"", silent.AttachmentLink{Title: "今日", URL: "https://e.com"}})
	must(t, c.DelGroupWelcomeTemplate(&silent.DelGroupWelcomeTemplateRequest{TemplateID: added.TemplateID, AgentID: DefaultAgentID}))
	same(t, "templates left", len(r.GroupTemplates()), 0)
}

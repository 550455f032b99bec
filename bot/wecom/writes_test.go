package wecom

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"xiaobu/bot"
)

// everyAttachment is one of each kind.
var everyAttachment = []bot.Attachment{
	{Type: bot.AttachImage, MediaID: "MEDIA_ID"},
	{Type: bot.AttachImage, ImageURL: "https://example.com/p.png"},
	{Type: bot.AttachLink, Title: "消息标题", ImageURL: "https://example.com/a.png", Desc: "消息描述", URL: "https://example.com/path?a=1&b=2"},
	{Type: bot.AttachMiniprogram, Title: "小程序", MediaID: "COVER", AppID: "wx8bd80126147dfAAA", Page: "/path/index.html"},
	{Type: bot.AttachVideo, MediaID: "VIDEO"},
	{Type: bot.AttachFile, MediaID: "FILE"},
}

const everyAttachmentJSON = `[
 {"msgtype":"image","image":{"media_id":"MEDIA_ID"}},
 {"msgtype":"image","image":{"pic_url":"https://example.com/p.png"}},
 {"msgtype":"link","link":{"title":"消息标题","picurl":"https://example.com/a.png","desc":"消息描述","url":"https://example.com/path?a=1&b=2"}},
 {"msgtype":"miniprogram","miniprogram":{"title":"小程序","pic_media_id":"COVER","appid":"wx8bd80126147dfAAA","page":"/path/index.html"}},
 {"msgtype":"video","video":{"media_id":"VIDEO"}},
 {"msgtype":"file","file":{"media_id":"FILE"}}]`

func done(err error) (any, error) { return nil, err }

func TestMessagesToCustomersGoOutAsDocumented(t *testing.T) {
	runShapes(t, map[string]shape{
		"a welcome": {
			call: func(c *Client) (any, error) {
				return done(c.SendWelcome(background(), "CODE", bot.Message{Text: "你好，<欢迎> & \u2028\"再见\"", Attachments: everyAttachment}))
			},
			op: opWelcome, answer: fine,
			body: `{"welcome_code":"CODE","text":{"content":"你好，<欢迎> & ` + "\u2028" + `\"再见\""},"attachments":` + everyAttachmentJSON + `}`,
		},
		"a welcome of text alone": {
			call: func(c *Client) (any, error) {
				return done(c.SendWelcome(background(), "CODE", bot.Message{Text: "你好"}))
			},
			op: opWelcome, answer: fine, body: `{"welcome_code":"CODE","text":{"content":"你好"}}`,
		},
		"a welcome of attachments alone": {
			call: func(c *Client) (any, error) {
				return done(c.SendWelcome(background(), "CODE", bot.Message{Attachments: everyAttachment[:1]}))
			},
			op: opWelcome, answer: fine,
			body: `{"welcome_code":"CODE","attachments":[{"msgtype":"image","image":{"media_id":"MEDIA_ID"}}]}`,
		},
		"a new group welcome": {
			call: func(c *Client) (any, error) {
				return c.SaveGroupWelcome(background(), "", bot.Message{Text: "亲爱的%NICKNAME%，欢迎入群", Attachments: everyAttachment[2:3]})
			},
			op: opGroupWelcomeAdd, answer: `{"errcode":0,"template_id":"msgEXAMPLE01"}`, want: "msgEXAMPLE01",
			body: `{"text":{"content":"亲爱的%NICKNAME%，欢迎入群"},"link":{"title":"消息标题","picurl":"https://example.com/a.png","desc":"消息描述","url":"https://example.com/path?a=1&b=2"},"notify":1}`,
		},
		"a changed group welcome": {
			call: func(c *Client) (any, error) {
				return c.SaveGroupWelcome(background(), "msgEXAMPLE01", bot.Message{Text: "欢迎"})
			},
			op: opGroupWelcomeSet, answer: fine, want: "msgEXAMPLE01",
			body: `{"template_id":"msgEXAMPLE01","text":{"content":"欢迎"}}`,
		},
		"a mass message": {
			call: func(c *Client) (any, error) {
				id, failed, err := c.CreateMassMessage(background(), bot.MassMessage{Owner: "zhangsan", Chats: []bot.ChatID{"wr1", "wr2"},
					Message: bot.Message{Text: "今晚 8 点开团", Attachments: everyAttachment}})
				return id + string(failed[0]), err
			},
			op: opMassCreate, answer: `{"errcode":0,"fail_list":["wr2"],"msgid":"msgGC"}`, want: "msgGCwr2",
			body: `{"chat_type":"group","chat_id_list":["wr1","wr2"],"sender":"zhangsan","allow_select":false,"text":{"content":"今晚 8 点开团"},"attachments":` + everyAttachmentJSON + `}`,
		},
		"a reminder": {
			call: func(c *Client) (any, error) { return done(c.RemindMassMessage(background(), "msgGC")) },
			op:   opMassRemind, answer: fine, body: `{"msgid":"msgGC"}`,
		},
		"a stop": {
			call: func(c *Client) (any, error) { return done(c.CancelMassMessage(background(), "msgGC")) },
			op:   opMassCancel, answer: fine, body: `{"msgid":"msgGC"}`,
		},
	})
}

func TestMessagesToStaffGoOutAsDocumented(t *testing.T) {
	card := bot.Card{TaskID: "kick_review-0001@1", Title: "疑似广告，请群主处理", Desc: "销售客服群", Quote: "加我微信<领红包>",
		Note: "请在群内移出该成员后点已处理", Fields: []bot.CardField{{Name: "发送人", Value: "王语嫣"}, {Name: "时间", Value: "06-10 20:00"}},
		Buttons: []bot.CardButton{{Text: "已移出", Key: "done", Primary: true}, {Text: "误报", Key: "ignore"}}, URL: "https://example.com/console/review/1"}
	runShapes(t, map[string]shape{
		"a card": {
			call: func(c *Client) (any, error) {
				return c.SendCard(background(), []bot.UserID{"zhangsan", "lisi"}, card)
			},
			op:     opSend,
			answer: `{"errcode":0,"invaliduser":"lisi","msgid":"xxxx","response_code":"xyzxyz"}`, want: bot.CardRef{MsgID: "xxxx", UpdateCode: "xyzxyz"},
			body: `{"touser":"zhangsan|lisi","msgtype":"template_card","agentid":1000002,"enable_duplicate_check":1,"duplicate_check_interval":1800,
			 "template_card":{"card_type":"button_interaction","main_title":{"title":"疑似广告，请群主处理","desc":"销售客服群"},
			 "quote_area":{"type":0,"quote_text":"加我微信<领红包>"},"sub_title_text":"请在群内移出该成员后点已处理",
			 "horizontal_content_list":[{"keyname":"发送人","value":"王语嫣"},{"keyname":"时间","value":"06-10 20:00"}],
			 "card_action":{"type":1,"url":"https://example.com/console/review/1"},"task_id":"kick_review-0001@1",
			 "button_list":[{"text":"已移出","style":1,"key":"done"},{"text":"误报","style":2,"key":"ignore"}]}}`,
		},
		"a card with nothing to spare": {
			call: func(c *Client) (any, error) {
				return c.SendCard(background(), []bot.UserID{"zhangsan"}, bot.Card{TaskID: "t", Title: "t", Buttons: []bot.CardButton{{Text: "好", Key: "k"}}})
			},
			op: opSend, answer: fine, want: bot.CardRef{},
			body: `{"touser":"zhangsan","msgtype":"template_card","agentid":1000002,"enable_duplicate_check":1,"duplicate_check_interval":1800,
			 "template_card":{"card_type":"button_interaction","main_title":{"title":"t"},"task_id":"t","button_list":[{"text":"好","style":2,"key":"k"}]}}`,
		},
		"a text": {
			call: func(c *Client) (any, error) {
				return done(c.SendText(background(), []bot.UserID{"UserID1", "UserID2"}, "你的快递已到"))
			},
			op: opSend, answer: `{"errcode":0,"msgid":"x"}`,
			body: `{"touser":"UserID1|UserID2","msgtype":"text","agentid":1000002,"text":{"content":"你的快递已到"},"enable_duplicate_check":1,"duplicate_check_interval":1800}`,
		},
		"a note on a card": {
			call: func(c *Client) (any, error) {
				return done(c.UpdateCard(background(), "CODE", []bot.UserID{"zhangsan"}, "已处理"))
			},
			op: opUpdateCard, answer: `{"errcode":0,"invaliduser":[]}`,
			body: `{"userids":["zhangsan"],"agentid":1000002,"response_code":"CODE","button":{"replace_name":"已处理"}}`,
		},
		"a note on everyone's card": {
			call: func(c *Client) (any, error) { return done(c.UpdateCard(background(), "CODE", nil, "已处理")) },
			op:   opUpdateCard, answer: fine,
			body: `{"atall":1,"agentid":1000002,"response_code":"CODE","button":{"replace_name":"已处理"}}`,
		},
	})
}

func TestCodesAndAppChatsGoOutAsDocumented(t *testing.T) {
	way := bot.JoinWay{ConfigID: "9ad", Remark: "aa_remark", AutoCreate: true, BaseName: "销售客服群", Chats: []bot.ChatID{"wr1", "wr2"}, State: "klsdup3kj3s1"}
	wayBody := `"scene":2,"remark":"aa_remark","auto_create_room":1,"room_base_name":"销售客服群","room_base_id":1,"chat_id_list":["wr1","wr2"],"state":"klsdup3kj3s1","mark_source":true}`
	contact := bot.ContactWay{ConfigID: "42b", Remark: "渠道客户", User: "zhangsan", State: "camp_a"}
	runShapes(t, map[string]shape{
		"a new group code": {
			call: func(c *Client) (any, error) { return c.AddJoinWay(background(), way) },
			op:   opJoinWayAdd, answer: `{"errcode":0,"config_id":"9ad"}`, want: "9ad", body: `{` + wayBody,
		},
		"a group code that opens no groups": {
			call: func(c *Client) (any, error) {
				return c.AddJoinWay(background(), bot.JoinWay{Chats: []bot.ChatID{"wr1"}, BaseName: "not used"})
			},
			op: opJoinWayAdd, answer: `{"errcode":0,"config_id":"9ad"}`, want: "9ad",
			body: `{"scene":2,"auto_create_room":0,"chat_id_list":["wr1"],"mark_source":true}`,
		},
		"a deleted group code": {
			call: func(c *Client) (any, error) { return done(c.DeleteJoinWay(background(), "9ad")) },
			op:   opJoinWayDel, answer: fine, body: `{"config_id":"9ad"}`,
		},
		"a new staff code": {
			call: func(c *Client) (any, error) {
				id, qr, err := c.AddContactWay(background(), contact)
				return id + " " + qr, err
			},
			op: opContactWayAdd, answer: `{"errcode":0,"config_id":"42b","qr_code":"https://q"}`, want: "42b https://q",
			body: `{"type":1,"scene":2,"remark":"渠道客户","skip_verify":true,"state":"camp_a","user":["zhangsan"],"is_exclusive":false,"mark_source":true}`,
		},
		"a deleted staff code": {
			call: func(c *Client) (any, error) { return done(c.DeleteContactWay(background(), "42b")) },
			op:   opContactWayDel, answer: fine, body: `{"config_id":"42b"}`,
		},
		"a new app chat": {
			call: func(c *Client) (any, error) {
				return c.CreateAppChat(background(), bot.AppChat{ID: "opsroom01", Name: "运营值班群", Owner: "zhangsan", Users: []bot.UserID{"zhangsan", "lisi"}})
			},
			op: opAppChatCreate, answer: `{"errcode":0,"chatid":"opsroom01"}`, want: "opsroom01",
			body: `{"name":"运营值班群","owner":"zhangsan","userlist":["zhangsan","lisi"],"chatid":"opsroom01"}`,
		},
		"a changed app chat": {
			call: func(c *Client) (any, error) {
				return done(c.UpdateAppChat(background(), "ops", "A", "lisi", []bot.UserID{"zhaoliu"}, []bot.UserID{"wangwu"}))
			},
			op: opAppChatSet, answer: fine,
			body: `{"chatid":"ops","name":"A","owner":"lisi","add_user_list":["zhaoliu"],"del_user_list":["wangwu"]}`,
		},
		"a text in an app chat": {
			call: func(c *Client) (any, error) { return done(c.SendAppChat(background(), "ops", "你的快递已到")) },
			op:   opAppChatSend, answer: fine, body: `{"chatid":"ops","msgtype":"text","text":{"content":"你的快递已到"},"safe":0}`,
		},
		"a removed member": {
			call: func(c *Client) (any, error) { return done(c.RemoveMember(background(), "ops", "wangwu")) },
			op:   opAppChatSet, answer: fine, body: `{"chatid":"ops","del_user_list":["wangwu"]}`,
		},
	})
}

func TestWhatWouldDoHarmIsNotSent(t *testing.T) {
	many := make([]bot.ChatID, maxMassChats+1)
	text := bot.Message{Text: "x"}
	buttons := []bot.CardButton{{Text: "x", Key: "k"}}
	for name, call := range map[string]func(*Client) error{
		"a mass message to nobody, which WeCom takes for all": func(c *Client) error {
			_, _, err := c.CreateMassMessage(background(), bot.MassMessage{Owner: "a", Message: text})
			return err
		},
		"a mass message without an owner": func(c *Client) error {
			_, _, err := c.CreateMassMessage(background(), bot.MassMessage{Chats: many[:1], Message: text})
			return err
		},
		"a mass message to too many": func(c *Client) error {
			_, _, err := c.CreateMassMessage(background(), bot.MassMessage{Owner: "a", Chats: many, Message: text})
			return err
		},
		"an empty welcome":       func(c *Client) error { return c.SendWelcome(background(), "CODE", bot.Message{}) },
		"a welcome without code": func(c *Client) error { return c.SendWelcome(background(), "", text) },
		"an unknown attachment": func(c *Client) error {
			return c.SendWelcome(background(), "CODE", bot.Message{Attachments: []bot.Attachment{{Type: "gif"}}})
		},
		"a group welcome with two attachments": func(c *Client) error {
			_, err := c.SaveGroupWelcome(background(), "", bot.Message{Attachments: everyAttachment[:2]})
			return err
		},
		"an empty group welcome": func(c *Client) error { _, err := c.SaveGroupWelcome(background(), "", bot.Message{}); return err },
		"a card without buttons": func(c *Client) error {
			_, err := c.SendCard(background(), []bot.UserID{"a"}, bot.Card{TaskID: "t"})
			return err
		},
		"a card with a strange id": func(c *Client) error {
			_, err := c.SendCard(background(), []bot.UserID{"a"}, bot.Card{TaskID: "群1", Buttons: buttons})
			return err
		},
		"a card whose button has no key": func(c *Client) error {
			_, err := c.SendCard(background(), []bot.UserID{"a"}, bot.Card{TaskID: "t", Buttons: []bot.CardButton{{Text: "x"}}})
			return err
		},
		"a text to nobody":   func(c *Client) error { return c.SendText(background(), nil, "x") },
		"too many owners":    func(c *Client) error { _, _, err := c.Chats(background(), make([]bot.UserID, 101), ""); return err },
		"too many groups":    func(c *Client) error { _, err := c.AddJoinWay(background(), bot.JoinWay{Chats: many[:6]}); return err },
		"a staff code alone": func(c *Client) error { _, _, err := c.AddContactWay(background(), bot.ContactWay{}); return err },
		"a state that would be cut": func(c *Client) error {
			_, err := c.AddJoinWay(background(), bot.JoinWay{Chats: many[:1], State: strings.Repeat("s", 31)})
			return err
		},
		"an app chat of one": func(c *Client) error {
			_, err := c.CreateAppChat(background(), bot.AppChat{Users: []bot.UserID{"a"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(ok(fine))
			wantClass(t, call(newTestClient(t, f)), bot.ClassGiveUp)
			if n := len(f.seen()); n != 0 {
				t.Errorf("%d calls went out", n)
			}
		})
	}
}

func TestAMessageThatReachesNobodyIsAnError(t *testing.T) {
	for _, lists := range []string{`"invaliduser":"zhangsan|lisi"`, `"invaliduser":"zhangsan","unlicenseduser":"lisi"`} {
		c := newTestClient(t, newFake(ok(`{"errcode":0,`+lists+`}`)))
		wantClass(t, c.SendText(background(), []bot.UserID{"ZhangSan", "lisi"}, "x"), bot.ClassGiveUp)
	}
}

func TestTextsAreCutWhereWeComWouldCutOrRefuse(t *testing.T) {
	long := strings.Repeat("字", 3000)
	f := newFake(ok(fine))
	c := newTestClient(t, f)
	noErrors(t, []error{
		c.SendText(background(), []bot.UserID{"a"}, long),
		c.SendWelcome(background(), "CODE", bot.Message{Text: long, Attachments: []bot.Attachment{{Type: bot.AttachLink, Title: long, Desc: long}}}),
	})
	_, err := c.SendCard(background(), []bot.UserID{"a"}, bot.Card{TaskID: "t", Title: long, Desc: long, Quote: long, Note: long,
		Fields:  []bot.CardField{{Name: long, Value: long}, {}, {}, {}, {}, {}, {Name: "seventh"}},
		Buttons: []bot.CardButton{{Text: long, Key: "k"}}})
	noErrors(t, []error{err})
	var sent [3]struct {
		Text        textWire
		Attachments []attachmentWire
		Card        cardWire `json:"template_card"`
	}
	for i, s := range f.seen() {
		if err := json.Unmarshal([]byte(s.body), &sent[i]); err != nil || !utf8.ValidString(s.body) {
			t.Fatalf("%v: %q", err, s.body)
		}
	}
	card := sent[2].Card
	for name, got := range map[string][2]int{
		"text":          {len(sent[0].Text.Content), 2046},
		"welcome":       {len(sent[1].Text.Content), 3999},
		"link title":    {len(sent[1].Attachments[0].Link.Title), 126},
		"link desc":     {len(sent[1].Attachments[0].Link.Desc), 510},
		"card title":    {utf8.RuneCountInString(card.Title.Title), 36},
		"card desc":     {utf8.RuneCountInString(card.Title.Desc), 44},
		"card quote":    {utf8.RuneCountInString(card.Quote.Text), 300},
		"card note":     {utf8.RuneCountInString(card.Note), 160},
		"card fields":   {len(card.Fields), 6},
		"card value":    {utf8.RuneCountInString(card.Fields[0].Value), 30},
		"card button":   {utf8.RuneCountInString(card.Buttons[0].Text), 10},
		"card ellipsis": {strings.Count(card.Title.Title, "…"), 1},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %d, want %d", name, got[0], got[1])
		}
	}
}

func TestAnAppChatMadeAgainIsTheSameChat(t *testing.T) {
	f := newFake(func(s seen) (int, string) {
		if s.op == opAppChatCreate {
			return 200, `{"errcode":86215,"errmsg":"chatid already exists"}`
		}
		return 200, `{"errcode":0,"chat_info":{"name":"值班群","userlist":["a","b"]}}`
	})
	c := newTestClient(t, f)
	id, err := c.CreateAppChat(background(), bot.AppChat{ID: "ops", Name: "值班群", Users: []bot.UserID{"a", "b"}})
	if id != "ops" || err != nil {
		t.Errorf("got %q, %v", id, err)
	}
	_, err = c.CreateAppChat(background(), bot.AppChat{ID: "ops", Name: "别的群", Users: []bot.UserID{"a", "b"}})
	wantClass(t, err, bot.ClassFix)
	_, err = c.CreateAppChat(background(), bot.AppChat{ID: "ops", Name: "值班群", Users: []bot.UserID{"a", "c"}})
	wantClass(t, err, bot.ClassFix)
}

func TestASuccessWithoutAnIDIsUnknown(t *testing.T) {
	c := newTestClient(t, newFake(ok(fine)))
	_, _, err := c.CreateMassMessage(background(), bot.MassMessage{Owner: "a", Chats: []bot.ChatID{"wr1"}, Message: bot.Message{Text: "x"}})
	if !bot.IsUnknown(err) {
		t.Errorf("got %v", err)
	}
}

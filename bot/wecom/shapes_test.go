package wecom

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
)

// shape is one call: what goes out, what comes back, and what becomes of it.
type shape struct {
	call   func(c *Client) (any, error)
	op     string
	body   string            // JSON; empty for a GET
	query  map[string]string // beside the token
	answer string
	want   any
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

func runShapes(t *testing.T, shapes map[string]shape) {
	t.Helper()
	for name, s := range shapes {
		t.Run(name, func(t *testing.T) {
			f := newFake(ok(s.answer))
			got, err := s.call(newTestClient(t, f))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, s.want) {
				t.Errorf("got  %+v\nwant %+v", got, s.want)
			}
			calls := f.seen()
			if len(calls) != 1 || calls[0].op != s.op {
				t.Fatalf("calls %+v", calls)
			}
			wantRequest(t, calls[0], s)
		})
	}
}

func wantRequest(t *testing.T, got seen, s shape) {
	t.Helper()
	if s.body != "" {
		sameJSON(t, got.body, s.body)
	} else if got.body != "" {
		t.Errorf("a GET with a body: %s", got.body)
	}
	want := map[string]string{"access_token": got.token}
	for k, v := range s.query {
		want[k] = v
	}
	if !reflect.DeepEqual(got.query, want) {
		t.Errorf("query %v, want %v", got.query, want)
	}
	if strings.Contains(got.body, "null") || strings.Contains(got.body, `\u`) || strings.Contains(got.rawQuery, "?") {
		t.Errorf("null, an escape or a stray mark in %s %s", got.rawQuery, got.body)
	}
}

const groupAnswer = `{"errcode":0,"errmsg":"ok","group_chat":{"chat_id":"wrA","name":"销售客服群","owner":"zhangsan",
 "create_time":1572505490,"notice":"文明沟通","member_list":[
 {"userid":"zhangsan","type":1,"join_time":1572505490,"join_scene":1,"group_nickname":"","name":"张三"},
 {"userid":"lisi","type":1,"join_time":"1572505491","join_scene":1,"invitor":{"userid":"zhangsan"},"group_nickname":"客服小张","name":"李思"},
 {"userid":"wm2","type":2,"unionid":"oz2","join_time":1572505493,"join_scene":2,"group_nickname":"","name":"由客户邀请"},
 {"userid":"wm3","type":2,"join_time":1572505494,"join_scene":3,"state":"klsdup3kj3s1","invitor":null,"name":"扫码"},
 {"userid":"wo4","type":9,"join_time":1572505495,"join_scene":9}],
 "admin_list":[{"userid":"lisi"}],"member_version":"71217227bbd112ecfe3a49c482195cb4"}}`

// page is what a call returns that lists something.
type page struct {
	items any
	next  string
}

func TestGroupsAndPeopleAreReadAsDocumented(t *testing.T) {
	runShapes(t, map[string]shape{
		"a group": {
			call: func(c *Client) (any, error) { return c.Chat(background(), "wrA") },
			op:   opChat, body: `{"chat_id":"wrA","need_name":1}`, answer: groupAnswer,
			want: bot.Chat{
				ID: "wrA", Name: "销售客服群", Owner: "zhangsan", Admins: []bot.UserID{"lisi"},
				CreatedAt: at(1572505490), Version: "71217227bbd112ecfe3a49c482195cb4",
				Members: []bot.Member{
					{ID: "zhangsan", Kind: bot.Staff, Name: "张三", JoinedAt: at(1572505490), Scene: bot.JoinInvited},
					{ID: "lisi", Kind: bot.Staff, Name: "李思", Nickname: "客服小张", JoinedAt: at(1572505491), Scene: bot.JoinInvited, Inviter: "zhangsan"},
					{ID: "wm2", Kind: bot.Customer, Name: "由客户邀请", UnionID: "oz2", JoinedAt: at(1572505493), Scene: bot.JoinLink},
					{ID: "wm3", Kind: bot.Customer, Name: "扫码", JoinedAt: at(1572505494), Scene: bot.JoinQR, State: "klsdup3kj3s1"},
					{ID: "wo4", Kind: bot.Customer, JoinedAt: at(1572505495)},
				},
			},
		},
		"the groups of owners": {
			call: func(c *Client) (any, error) {
				items, next, err := c.Chats(background(), []bot.UserID{"zhangsan"}, "")
				return page{items, next}, err
			},
			op: opChats, body: `{"status_filter":0,"owner_filter":{"userid_list":["zhangsan"]},"cursor":"","limit":1000}`,
			answer: `{"errcode":0,"group_chat_list":[{"chat_id":"wr1","status":0},{"chat_id":"wr2","status":1},{"chat_id":"wr3","status":2},{"chat_id":"wr4","status":3}],"next_cursor":"tJz"}`,
			want:   page{[]bot.ChatRef{{ID: "wr1"}, {ID: "wr2", OwnerGone: true}, {ID: "wr3", OwnerGone: true}, {ID: "wr4"}}, "tJz"},
		},
		"the groups of all": {
			call: func(c *Client) (any, error) {
				items, next, err := c.Chats(background(), nil, "tJz")
				return page{items, next}, err
			},
			op: opChats, body: `{"status_filter":0,"cursor":"tJz","limit":1000}`,
			answer: `{"errcode":84061,"errmsg":"not external contact"}`,
			want:   page{[]bot.ChatRef(nil), ""},
		},
		"a customer": {
			call: func(c *Client) (any, error) { return c.Contact(background(), "wm1") },
			op:   opContact, query: map[string]string{"external_userid": "wm1"},
			answer: `{"errcode":0,"errmsg":"ok","external_contact":{"external_userid":"wm1","name":"李四","type":1,"gender":0,"unionid":"oz1"},
			 "follow_user":[{"userid":"zhangsan","remark":"李四-团长","createtime":1718000001,"tags":[{"group_name":"来源","type":1}],"add_way":1,"state":"camp_a"}],"next_cursor":""}`,
			want: bot.Contact{ID: "wm1", Name: "李四", UnionID: "oz1",
				Follows: []bot.Follow{{User: "zhangsan", AddedAt: at(1718000001), State: "camp_a"}}},
		},
		"staff with customers": {
			call: func(c *Client) (any, error) { return c.FollowUsers(background()) },
			op:   opFollowUsers, answer: `{"errcode":0,"errmsg":"ok","follow_user":["zhangsan","lisi"]}`,
			want: []bot.UserID{"zhangsan", "lisi"},
		},
		"a member of staff": {
			call: func(c *Client) (any, error) { return c.StaffMember(background(), "zhangsan") },
			op:   opStaff, query: map[string]string{"userid": "zhangsan"},
			answer: `{"errcode":0,"userid":"zhangsan","name":"张三","department":[1,2],"gender":"1","status":1}`,
			want:   bot.StaffMember{ID: "zhangsan", Name: "张三", Status: bot.StaffActive},
		},
		"a disabled member": {
			call: func(c *Client) (any, error) { return c.StaffMember(background(), "a") },
			op:   opStaff, query: map[string]string{"userid": "a"}, answer: `{"errcode":0,"userid":"a","name":"a","status":2}`, want: bot.StaffMember{ID: "a", Name: "a", Status: bot.StaffDisabled},
		},
		"a member who never signed in": {
			call: func(c *Client) (any, error) { return c.StaffMember(background(), "a") },
			op:   opStaff, query: map[string]string{"userid": "a"}, answer: `{"errcode":0,"userid":"a","name":"a","status":4}`, want: bot.StaffMember{ID: "a", Name: "a", Status: bot.StaffNotActivated},
		},
		"a member who left": {
			call: func(c *Client) (any, error) { return c.StaffMember(background(), "a") },
			op:   opStaff, query: map[string]string{"userid": "a"}, answer: `{"errcode":0,"userid":"a","name":"a","status":5}`, want: bot.StaffMember{ID: "a", Name: "a", Status: bot.StaffLeft},
		},
		"a member of a status that nobody documented": {
			call: func(c *Client) (any, error) { return c.StaffMember(background(), "a") },
			op:   opStaff, query: map[string]string{"userid": "a"}, answer: `{"errcode":0,"userid":"a","name":"a","status":3}`, want: bot.StaffMember{ID: "a", Name: "a"},
		},
	})
}

func TestMassMessagesAndCodesAreReadAsDocumented(t *testing.T) {
	runShapes(t, map[string]shape{
		"mass messages": {
			call: func(c *Client) (any, error) {
				items, next, err := c.MassMessages(background(), at(1718000000), at(1718600000), "")
				return page{items, next}, err
			},
			op: opMassList, body: `{"chat_type":"group","start_time":1718000000,"end_time":1718600000,"filter_type":0,"limit":100,"cursor":""}`,
			answer: `{"errcode":0,"next_cursor":"n","group_msg_list":[{"msgid":"m1","creator":"","create_time":"1718000000","create_type":0,"text":{"content":"今晚"},
			 "attachments":[{"msgtype":"image","image":{"media_id":"M"}},{"msgtype":"link","link":{"title":"t","picurl":"p","desc":"d","url":"u"}}]},{"msgid":"m2","create_time":1718000001}]}`,
			want: page{[]bot.MassMessageRef{
				{ID: "m1", CreatedAt: at(1718000000), Message: bot.Message{Text: "今晚", Attachments: []bot.Attachment{
					{Type: bot.AttachImage, MediaID: "M"}, {Type: bot.AttachLink, Title: "t", ImageURL: "p", Desc: "d", URL: "u"}}}},
				{ID: "m2", CreatedAt: at(1718000001)},
			}, "n"},
		},
		"tasks of a mass message": {
			call: func(c *Client) (any, error) {
				items, next, err := c.MassTasks(background(), "m1", "c")
				return page{items, next}, err
			},
			op: opMassTasks, body: `{"msgid":"m1","limit":1000,"cursor":"c"}`,
			answer: `{"errcode":0,"next_cursor":"","task_list":[{"userid":"zhangsan","status":2,"send_time":1718001000},{"userid":"lisi","status":0}]}`,
			want:   page{[]bot.MassTask{{Owner: "zhangsan", Confirmed: true, SentAt: at(1718001000)}, {Owner: "lisi"}}, ""},
		},
		"results of a mass message": {
			call: func(c *Client) (any, error) {
				items, next, err := c.MassResults(background(), "m1", "zhangsan", "")
				return page{items, next}, err
			},
			op: opMassResults, body: `{"msgid":"m1","userid":"zhangsan","limit":1000,"cursor":""}`,
			answer: `{"errcode":0,"send_list":[{"chat_id":"wr1","userid":"zhangsan","status":1,"send_time":1718001000},{"external_userid":"wm2","status":3},
			 {"chat_id":"wr2","status":0},{"chat_id":"wr3","status":2},{"chat_id":"wr4","status":"3"}]}`,
			want: page{[]bot.SendResult{{Chat: "wr1", Status: bot.SendDone, SentAt: at(1718001000)},
				{Chat: "wr2", Status: bot.SendPending}, {Chat: "wr3", Status: bot.SendRefused}, {Chat: "wr4", Status: bot.SendQuota}}, ""},
		},
		"a group code": {
			call: func(c *Client) (any, error) { return c.JoinWay(background(), "9ad") },
			op:   opJoinWayGet, body: `{"config_id":"9ad"}`,
			answer: `{"errcode":0,"join_way":{"config_id":"9ad","scene":2,"remark":"r","auto_create_room":1,"room_base_name":"群","room_base_id":10,"chat_id_list":["wr1","wr2"],"state":"s","mark_source":true,"qr_code":"https://q"}}`,
			want:   bot.JoinWay{ConfigID: "9ad", Remark: "r", AutoCreate: true, BaseName: "群", Chats: []bot.ChatID{"wr1", "wr2"}, State: "s", QRCode: "https://q"},
		},
		"a staff code": {
			call: func(c *Client) (any, error) { return c.ContactWay(background(), "42b") },
			op:   opContactWayGet, body: `{"config_id":"42b"}`,
			answer: `{"errcode":0,"contact_way":{"config_id":"42b","type":1,"scene":2,"remark":"r","skip_verify":true,"state":"s","qr_code":"https://q","user":["zhangsan"],"party":[]}}`,
			want:   bot.ContactWay{ConfigID: "42b", Remark: "r", State: "s", User: "zhangsan", QRCode: "https://q"},
		},
		"an app chat": {
			call: func(c *Client) (any, error) { return c.AppChat(background(), "ops") },
			op:   opAppChatGet, query: map[string]string{"chatid": "ops"},
			answer: `{"errcode":0,"chat_info":{"chatid":"ops","name":"值班群","owner":"zhangsan","userlist":["zhangsan","lisi"]}}`,
			want:   bot.AppChat{ID: "ops", Name: "值班群", Owner: "zhangsan", Users: []bot.UserID{"zhangsan", "lisi"}},
		},
	})
}

func TestACustomerOfManyIsReadPageByPage(t *testing.T) {
	f := newFake(func(s seen) (int, string) {
		if s.query["cursor"] == "" {
			return 200, `{"external_contact":{"name":"李四"},"follow_user":[{"userid":"a"}],"next_cursor":"2+/"}`
		}
		return 200, `{"errcode":0,"external_contact":{"name":"李四","unionid":"u"},"follow_user":[{"userid":"b"}]}`
	})
	got, err := newTestClient(t, f).Contact(background(), "wm1")
	want := bot.Contact{ID: "wm1", Name: "李四", UnionID: "u", Follows: []bot.Follow{{User: "a"}, {User: "b"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if calls := f.seen(); len(calls) != 2 || calls[1].query["cursor"] != "2+/" {
		t.Errorf("calls %+v", calls)
	}
}

func TestAnEndlessListEnds(t *testing.T) {
	n := 0
	f := newFake(func(seen) (int, string) { n++; return 200, `{"next_cursor":"` + strings.Repeat("x", n) + `"}` })
	_, err := newTestClient(t, f).Contact(background(), "wm1")
	wantClass(t, err, bot.ClassGiveUp)
	if len(f.seen()) != maxFollowPages {
		t.Errorf("%d pages", len(f.seen()))
	}
}

func TestWhatIsGoneIsSaidToBeGone(t *testing.T) {
	for code, call := range map[string]func(*Client) error{
		"49008": func(c *Client) error { _, err := c.Chat(background(), "wr1"); return err },
		"40050": func(c *Client) error { _, err := c.Chat(background(), "wr1"); return err },
		"40096": func(c *Client) error { _, err := c.Contact(background(), "wm1"); return err },
		"84061": func(c *Client) error { _, err := c.Contact(background(), "wm1"); return err },
		"60111": func(c *Client) error { _, err := c.StaffMember(background(), "x"); return err },
		"41044": func(c *Client) error { _, err := c.JoinWay(background(), "x"); return err },
	} {
		err := call(newTestClient(t, newFake(ok(`{"errcode":`+code+`,"errmsg":"gone"}`))))
		if !bot.IsGone(err) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestASuccessOfAnotherShape(t *testing.T) {
	f := newFake(ok(`{"errcode":0,"group_chat":"?","msgid":["?"]}`))
	c := newTestClient(t, f)
	_, err := c.Chat(background(), "wr1")
	wantClass(t, err, bot.ClassFix)
	if err := c.SendText(background(), []bot.UserID{"a"}, "x"); !bot.IsUnknown(err) {
		t.Errorf("a write that succeeded and cannot be read: %v", err)
	}
	_, err = newTestClient(t, newFake(ok(fine))).Chat(background(), "wr1")
	wantClass(t, err, bot.ClassRetry)
}

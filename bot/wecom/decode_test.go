package wecom

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaobu/bot"
)

const (
	sampleChat     = "wrEXAMPLEchat00000000000000000001"
	sampleCustomer = "wmEXAMPLEcustomer0000000000000001"
	version1       = "9c3f97c2ada667dfb5f6d03308d963e1"
	version2       = "71217227bbd112ecfe3a49c482195cb4"
	version3       = "5e8e8a0f0f6e2b6d77c4a1d3b9f0c2aa"
)

func num(n int) *int { return &n }

// knownSamples are the sample events that features read, by file name.
func knownSamples() map[string]any {
	added := func(state, code string, half bool) bot.ContactAdded {
		return bot.ContactAdded{User: "zhangsan", Customer: sampleCustomer, State: state, WelcomeCode: code, Half: half}
	}
	update := func(detail bot.Detail) bot.ChatChanged {
		return bot.ChatChanged{Change: bot.ChatUpdated, Detail: detail}
	}
	members := func(detail bot.Detail, join, quit *int, count int, last, cur bot.MemberVersion, ids ...bot.MemberID) bot.ChatChanged {
		return bot.ChatChanged{Change: bot.ChatUpdated, Detail: detail, JoinScene: join, QuitScene: quit, Count: num(count),
			Members: ids, LastVersion: last, CurVersion: cur}
	}
	return map[string]any{
		"change_external_chat.create":                           bot.ChatChanged{Change: bot.ChatCreated},
		"change_external_chat.dismiss":                          bot.ChatChanged{Change: bot.ChatDismissed},
		"change_external_chat.update.change_name":               update(bot.DetailChangeName),
		"change_external_chat.update.change_notice":             update(bot.DetailChangeNotice),
		"change_external_chat.update.change_owner":              update(bot.DetailChangeOwner),
		"change_external_chat.update.add_member.legacy_no_list": members(bot.DetailAddMember, num(0), nil, 1, "", ""),
		"change_external_chat.update.add_member.invited": members(bot.DetailAddMember, num(0), nil, 2, version1, version2,
			"wmEXAMPLEcustomer0000000000000001", "wmEXAMPLEcustomer0000000000000002"),
		"change_external_chat.update.add_member.scan_qr": members(bot.DetailAddMember, num(3), nil, 1, version1, version2,
			"wmEXAMPLEcustomer0000000000000003"),
		"change_external_chat.update.change_name.with_zero_scene_and_versions": members(bot.DetailChangeName, num(0), nil, 2, version1, version2),
		"change_external_chat.update.del_member.kicked": members(bot.DetailDelMember, nil, num(1), 1, version2, version3,
			"wmEXAMPLEcustomer0000000000000003"),
		"change_external_chat.update.del_member.left": members(bot.DetailDelMember, nil, num(0), 1, version2, version3,
			"wmEXAMPLEcustomer0000000000000002"),
		"change_external_chat.update.doc_example_all_fields": members(bot.DetailAddMember, num(1), num(0), 10, version1, version2, "Jack", "Rose"),

		"change_external_contact.add_external_contact":                 added("camp_20240610_a", "WELCOMECODE_EXAMPLE_1", false),
		"change_external_contact.add_external_contact.no_welcome_code": added("", "", false),
		"change_external_contact.add_half_external_contact":            added("camp_20240610_a", "WELCOMECODE_EXAMPLE_2", true),
		"change_external_contact.del_external_contact":                 bot.ContactRemoved{User: "zhangsan", Customer: sampleCustomer},
		"change_external_contact.del_external_contact.by_transfer": bot.ContactRemoved{User: "zhangsan", Customer: sampleCustomer,
			Source: "DELETE_BY_TRANSFER"},
		"change_external_contact.del_follow_user": bot.ContactRemoved{User: "zhangsan", Customer: sampleCustomer, ByCustomer: true},

		"app_message.text":                           bot.AppMessage{User: "zhangsan", MessageID: "1234567890123456", Type: "text", Text: "this is a test"},
		"app_message.image":                          bot.AppMessage{User: "zhangsan", MessageID: "1234567890123457", Type: "image", MediaID: "MEDIA_ID"},
		"change_external_contact.msg_audit_approved": bot.ConsentGiven{User: "zhangsan", Customer: sampleCustomer},

		"app_event.template_card_event": bot.CardPressed{User: "zhangsan", TaskID: "kick_review_0001", Key: "approve",
			CardType: "button_interaction", UpdateCode: "RESPONSE_CODE_EXAMPLE"},
		"app_event.template_card_menu_event": bot.CardPressed{User: "zhangsan", TaskID: "kick_review_0001", Key: "menu_stop",
			CardType: "text_notice", UpdateCode: "RESPONSE_CODE_EXAMPLE", Menu: true},
		"app_event.template_card_event.with_selected_items": bot.CardPressed{User: "zhangsan", TaskID: "vote_0001", Key: "submit",
			CardType: "multiple_interaction", UpdateCode: "RESPONSE_CODE_EXAMPLE",
			Selected: map[string][]string{"question_key1": {"selection_id1", "selection_id2"}}},
	}
}

// sampleFiles returns the samples by name, without their ending.
func sampleFiles(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/events/*.xml")
	if err != nil || len(paths) < 60 {
		t.Fatalf("%d samples: %v", len(paths), err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimSuffix(filepath.Base(path), ".xml")] = data
	}
	return files
}

func kindOf(data any) bot.EventKind {
	switch data.(type) {
	case bot.ChatChanged:
		return bot.KindChatChanged
	case bot.ContactAdded:
		return bot.KindContactAdded
	case bot.ContactRemoved:
		return bot.KindContactRemoved
	case bot.ConsentGiven:
		return bot.KindConsentGiven
	case bot.CardPressed:
		return bot.KindCardPressed
	case bot.AppMessage:
		return bot.KindAppMessage
	}
	return bot.KindRaw
}

func laneOf(data any) string {
	switch d := data.(type) {
	case bot.ChatChanged:
		return "chat:" + sampleChat
	case bot.ContactAdded, bot.ContactRemoved, bot.ConsentGiven:
		return "contact:" + sampleCustomer
	case bot.CardPressed:
		return "card:" + d.TaskID
	case bot.AppMessage:
		return "app:" + string(d.User)
	}
	return ""
}

func TestEverySampleDecodes(t *testing.T) {
	known := knownSamples()
	for name, file := range sampleFiles(t) {
		t.Run(name, func(t *testing.T) {
			root, err := parseXML(file)
			if err != nil {
				t.Fatal(err)
			}
			if root.child("Encrypt") != nil {
				if got := root.get("Encrypt"); got != "BASE64_CIPHERTEXT" {
					t.Errorf("encrypted text %q", got)
				}
				return
			}
			e, err := decode(bot.CorpID(root.get("ToUserName")), file, newClock().now())
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(file)
			if e.Key != fmt.Sprintf("%08x.%s", e.At.Unix(), base64.RawURLEncoding.EncodeToString(sum[:])) || e.At.Unix()/1000 != 1718000 || e.At.Location() != time.UTC {
				t.Errorf("got %+v", e)
			}
			if want, typed := known[name]; typed {
				wantTyped(t, e, want)
			} else {
				wantRaw(t, e, root, string(file))
			}
			delete(known, name)
		})
	}
	for name := range known {
		t.Errorf("no sample %s", name)
	}
}

func wantTyped(t *testing.T, e bot.Event, want any) {
	t.Helper()
	if !reflect.DeepEqual(e.Data, want) {
		t.Errorf("data %+v, want %+v", e.Data, want)
	}
	if e.Kind != kindOf(want) || e.Lane != laneOf(want) || (e.Chat != "") != (e.Kind == bot.KindChatChanged) {
		t.Errorf("kind %s lane %s chat %s", e.Kind, e.Lane, e.Chat)
	}
}

func wantRaw(t *testing.T, e bot.Event, root *node, file string) {
	t.Helper()
	want := bot.Raw{MsgType: root.get("MsgType"), Event: root.get("Event"), ChangeType: root.get("ChangeType"), XML: file}
	if e.Kind != bot.KindRaw || !reflect.DeepEqual(e.Data, want) {
		t.Errorf("got %s %+v", e.Kind, e.Data)
	}
	lane := "raw:" + want.Event
	switch want.Event {
	case "":
		lane = "raw:" + want.MsgType
	case "change_external_contact":
		lane = "contact:" + sampleCustomer
	}
	if e.Lane != lane || !e.Deadline.IsZero() {
		t.Errorf("lane %q, want %q; deadline %s", e.Lane, lane, e.Deadline)
	}
}

func TestMessagesToTheAppDecode(t *testing.T) {
	const head = "<xml><ToUserName>" + testCorp + "</ToUserName><FromUserName>wang</FromUserName><CreateTime>1718000100</CreateTime><MsgId>7</MsgId>"
	for body, want := range map[string]any{
		"<AgentID>1</AgentID><MsgType>link</MsgType><Title>标题</Title><Description>说明</Description><Url>https://e.com/x</Url>": bot.AppMessage{User: "wang", MessageID: "7", Type: "link", Title: "标题", Text: "说明", URL: "https://e.com/x"},
		"<AgentID>1</AgentID><MsgType>location</MsgType><Label>东门</Label>":                                                    bot.AppMessage{User: "wang", MessageID: "7", Type: "location", Text: "东门"},
		"<AgentID>1</AgentID><MsgType>hologram</MsgType>":                                                                     nil,
		"<MsgType>text</MsgType><Content>x</Content>":                                                                         nil, // of an official account
	} {
		e, err := decode(testCorp, []byte(head+body+"</xml>"), newClock().now())
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			if e.Kind != bot.KindRaw {
				t.Errorf("%s: %+v", body, e)
			}
			continue
		}
		wantTyped(t, e, want)
	}
}

// event writes a message with a few fields.
func event(fields string) []byte {
	return []byte("<xml><ToUserName>" + testCorp + "</ToUserName><FromUserName>sys</FromUserName><MsgType>event</MsgType>" + fields + "</xml>")
}

const (
	chatFields    = "<CreateTime>1718000100</CreateTime><Event>change_external_chat</Event><ChatId>wr1</ChatId>"
	contactFields = "<CreateTime>1718000100</CreateTime><Event>change_external_contact</Event><UserID>a</UserID><ExternalUserID>wm1</ExternalUserID>"
)

func mustDecode(t *testing.T, fields string) bot.Event {
	t.Helper()
	e, err := decode(testCorp, event(fields), newClock().now())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAMemberListKeepsEveryMember(t *testing.T) {
	for name, list := range map[string]string{
		"items":             "<MemChangeList><Item><![CDATA[A]]></Item><Item> B </Item>\n<Item>C</Item></MemChangeList>",
		"commas in CDATA":   "<MemChangeList><![CDATA[A,B, C]]></MemChangeList>",
		"commas":            "<MemChangeList>A,B,,C</MemChangeList>",
		"items after other": "<MemChangeList><Count>3</Count><Item>A</Item><Item>B</Item><Item>C</Item><Item></Item></MemChangeList>",
	} {
		d := mustDecode(t, chatFields+"<ChangeType>update</ChangeType>"+list).Data.(bot.ChatChanged)
		if want := []bot.MemberID{"A", "B", "C"}; !reflect.DeepEqual(d.Members, want) {
			t.Errorf("%s: %v", name, d.Members)
		}
	}
}

func TestNumbersMayBeWrittenInAnyWay(t *testing.T) {
	d := mustDecode(t, chatFields+"<ChangeType> update </ChangeType><JoinScene> <![CDATA[ 0 ]]> </JoinScene><QuitScene>1</QuitScene><MemChangeCnt/>").Data.(bot.ChatChanged)
	if d.JoinScene == nil || *d.JoinScene != 0 || d.QuitScene == nil || *d.QuitScene != 1 || d.Count != nil {
		t.Errorf("got %+v", d)
	}
}

func TestWhatHasNotTheShapeItShouldHaveIsKeptRaw(t *testing.T) {
	for name, fields := range map[string]string{
		"a bad number":              chatFields + "<ChangeType>update</ChangeType><JoinScene>many</JoinScene>",
		"a huge number":             chatFields + "<ChangeType>update</ChangeType><MemChangeCnt>99999999999999999999</MemChangeCnt>",
		"an unknown change":         chatFields + "<ChangeType>merge</ChangeType>",
		"a group without an id":     "<CreateTime>1</CreateTime><Event>change_external_chat</Event><ChangeType>create</ChangeType>",
		"a contact without a user":  "<CreateTime>1</CreateTime><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType><ExternalUserID>wm1</ExternalUserID>",
		"another contact change":    contactFields + "<ChangeType>something_new</ChangeType>",
		"a card without a task":     "<CreateTime>1</CreateTime><Event>template_card_event</Event>",
		"a name that never ends":    "<CreateTime>1</CreateTime><Event>" + strings.Repeat("长", 100) + "</Event>",
		"an event with no name":     "<CreateTime>1</CreateTime>",
		"an event of a later WeCom": "<CreateTime>1</CreateTime><Event>brand_new</Event>",
	} {
		e := mustDecode(t, fields)
		raw, isRaw := e.Data.(bot.Raw)
		if !isRaw || e.Kind != bot.KindRaw || raw.XML != string(event(fields)) || e.Lane == "" || len(e.Lane) > 80 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestAWelcomeHasTwentySecondsFromTheEarlierClock(t *testing.T) {
	fields := contactFields + "<ChangeType>add_external_contact</ChangeType><WelcomeCode>W</WelcomeCode>"
	happened := time.Unix(1718000100, 0).UTC()
	for _, tc := range []struct{ now, want time.Time }{
		{happened.Add(5 * time.Second), happened.Add(20 * time.Second)},
		{happened.Add(-3 * time.Second), happened.Add(17 * time.Second)}, // our clock runs behind
		{happened.Add(time.Hour), happened.Add(20 * time.Second)},
	} {
		e, err := decode(testCorp, event(fields), tc.now.In(time.FixedZone("", 3600)))
		if err != nil || !e.Deadline.Equal(tc.want) || e.Deadline.Location() != time.UTC {
			t.Errorf("at %s: deadline %s, want %s: %v", tc.now, e.Deadline, tc.want, err)
		}
	}
}

func TestOptionsAreReadInBothSpellings(t *testing.T) {
	for _, name := range []string{"Option", "Opiton"} {
		e := mustDecode(t, strings.ReplaceAll("<CreateTime>1</CreateTime><Event>template_card_event</Event><TaskId>t</TaskId><SelectedItems>"+
			"<SelectedItem><QuestionKey>q</QuestionKey><XIds><XId>1</XId><XId>2</XId></XIds></SelectedItem>"+
			"<SelectedItem><QuestionKey>r</QuestionKey><XIds><XId>3</XId></XIds></SelectedItem><Other/></SelectedItems>", "X", name))
		want := map[string][]string{"q": {"1", "2"}, "r": {"3"}}
		if d := e.Data.(bot.CardPressed); !reflect.DeepEqual(d.Selected, want) {
			t.Errorf("%s: %v", name, d.Selected)
		}
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	good := string(event(chatFields))
	for name, text := range map[string]string{
		"nothing":           "",
		"a word":            "hello",
		"JSON":              `{"xml":{}}`,
		"half a message":    good[:len(good)-9],
		"two messages":      good + good,
		"a tail":            good + "x",
		"a DOCTYPE":         `<!DOCTYPE xml [<!ENTITY a "b">]>` + good,
		"a DOCTYPE within":  strings.Replace(good, "<MsgType>", `<!ENTITY x SYSTEM "file:///etc/passwd"><MsgType>`, 1),
		"an entity":         strings.Replace(good, "sys", "&boom;", 1),
		"a bad time":        strings.Replace(good, "1718000100", "yesterday", 1),
		"no time":           strings.Replace(good, "CreateTime", "Created", 2),
		"a negative time":   strings.Replace(good, "1718000100", "-1", 1),
		"a time too far":    strings.Replace(good, "1718000100", "253402300800", 1),
		"too deep":          strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1),
		"too many elements": "<xml>" + strings.Repeat("<a/>", maxNodes) + "</xml>",
		"torn characters":   strings.Replace(good, "sys", "\xe4\xb8", 1),
	} {
		if _, err := decode(testCorp, []byte(text), newClock().now()); !errors.Is(err, errXML) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decode("wwOther", event(chatFields), newClock().now()); !errors.Is(err, errCorp) {
		t.Errorf("another company: %v", err)
	}
	if _, err := decode(testCorp, []byte(strings.Replace(good, testCorp, "", 1)), newClock().now()); err != nil {
		t.Errorf("no company named: %v", err)
	}
}

// keyForm is the second in hexadecimal and a SHA-256.
var keyForm = regexp.MustCompile(`^[0-9a-f]{8,10}\.[A-Za-z0-9_-]{43}$`)

func FuzzDecode(f *testing.F) {
	for _, file := range sampleFiles(f) {
		f.Add(file)
	}
	now := newClock().now()
	f.Fuzz(func(t *testing.T, message []byte) {
		e, err := decode(testCorp, message, now)
		if err != nil {
			if !errors.Is(err, errXML) && !errors.Is(err, errCorp) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if !keyForm.MatchString(e.Key) || e.Lane == "" || e.Kind == "" || e.Data == nil || e.At.Year() > 9999 {
			t.Fatalf("an event that cannot be stored: %+v", e)
		}
		if e.Kind != bot.KindRaw && kindOf(e.Data) != e.Kind {
			t.Fatalf("%s carries %T", e.Kind, e.Data)
		}
	})
}

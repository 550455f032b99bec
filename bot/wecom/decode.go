package wecom

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"xiaobu/bot"
)

const (
	// welcomeTime is how long a welcome code works.
	welcomeTime = 20 * time.Second
	// lastTime is the first second that RFC 3339 cannot write any more.
	lastTime = 253402300800
	// maxLane bounds the free part of a raw event's lane, in bytes.
	maxLane = 64
)

// errCorp says that a message is meant for another company.
var errCorp = errors.New("message for another company")

// decode turns a decrypted message into an event. What it does not know, and what does not
// have the shape it should have, becomes a bot.Raw with everything kept; only what is no
// message at all is an error. The key is over the whole message, because two different
// events may share their sender and their second.
// https://developer.work.weixin.qq.com/document/path/92130
func decode(corp bot.CorpID, message []byte, now time.Time) (bot.Event, error) {
	n, err := parseXML(message)
	if err != nil {
		return bot.Event{}, err
	}
	if to := n.get("ToUserName"); to != "" && to != string(corp) {
		return bot.Event{}, errCorp
	}
	at, err := strconv.ParseInt(n.get("CreateTime"), 10, 64)
	if err != nil || at < 0 || at >= lastTime {
		return bot.Event{}, fmt.Errorf("%w: CreateTime is no time", errXML)
	}
	e := bot.Event{Key: keyOf(message, at), At: time.Unix(at, 0).UTC(), Corp: corp}
	if fill(&e, n, now) {
		return e, nil
	}
	e.Kind = bot.KindRaw
	e.Data = bot.Raw{MsgType: n.get("MsgType"), Event: n.get("Event"), ChangeType: n.get("ChangeType"), XML: string(message)}
	e.Chat, e.Lane = rawLane(n)
	return e, nil
}

// fill sets the kind, data and lane of an event that features read. It reports false for
// every other event and leaves e as it was.
func fill(e *bot.Event, n *node, now time.Time) bool {
	if n.get("MsgType") != "event" {
		return fillMessage(e, n)
	}
	switch n.get("Event") {
	case "change_external_chat":
		return fillChat(e, n)
	case "change_external_contact":
		return fillContact(e, n, now)
	case "template_card_event":
		return fillCard(e, n, false)
	case "template_card_menu_event":
		return fillCard(e, n, true)
	}
	return false
}

// fillChat reads a change of a customer group.
func fillChat(e *bot.Event, n *node) bool {
	id := bot.ChatID(n.get("ChatId"))
	d := bot.ChatChanged{
		Change:      bot.Change(n.get("ChangeType")),
		Detail:      bot.Detail(n.get("UpdateDetail")),
		LastVersion: bot.MemberVersion(n.get("LastMemVer")),
		CurVersion:  bot.MemberVersion(n.get("CurMemVer")),
	}
	switch d.Change {
	case bot.ChatCreated, bot.ChatUpdated, bot.ChatDismissed:
	default:
		return false
	}
	var errs [3]error
	d.JoinScene, errs[0] = n.number("JoinScene")
	d.QuitScene, errs[1] = n.number("QuitScene")
	d.Count, errs[2] = n.number("MemChangeCnt")
	if id == "" || errors.Join(errs[:]...) != nil {
		return false
	}
	if changed := n.child("MemChangeList"); changed != nil {
		for _, m := range changed.list("Item") {
			d.Members = append(d.Members, bot.MemberID(m))
		}
	}
	e.Kind, e.Chat, e.Lane, e.Data = bot.KindChatChanged, id, bot.ChatLane(id), d
	return true
}

// fillContact reads the beginning or the end of a contact.
func fillContact(e *bot.Event, n *node, now time.Time) bool {
	user, customer := bot.UserID(n.get("UserID")), bot.ExternalUserID(n.get("ExternalUserID"))
	if user == "" || customer == "" {
		return false
	}
	switch change := n.get("ChangeType"); change {
	case "add_external_contact", "add_half_external_contact":
		d := bot.ContactAdded{User: user, Customer: customer, State: n.get("State"),
			WelcomeCode: n.get("WelcomeCode"), Half: change == "add_half_external_contact"}
		if d.WelcomeCode != "" {
			e.Deadline = earlier(e.At, now.UTC()).Add(welcomeTime)
		}
		e.Kind, e.Data = bot.KindContactAdded, d
	case "del_external_contact", "del_follow_user":
		e.Kind, e.Data = bot.KindContactRemoved, bot.ContactRemoved{User: user, Customer: customer,
			ByCustomer: change == "del_follow_user", Source: n.get("Source")}
	case "msg_audit_approved":
		// The welcome code it brings is left: the greeting goes with that of the contact's beginning.
		e.Kind, e.Data = bot.KindConsentGiven, bot.ConsentGiven{User: user, Customer: customer}
	default:
		return false
	}
	e.Lane = bot.ContactLane(customer)
	return true
}

// earlier guards against a clock that runs behind or ahead of WeCom's.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// fillCard reads a press on a card.
// https://developer.work.weixin.qq.com/document/path/90240
func fillCard(e *bot.Event, n *node, menu bool) bool {
	d := bot.CardPressed{
		User:       bot.UserID(n.get("FromUserName")),
		TaskID:     n.get("TaskId"),
		Key:        n.get("EventKey"),
		CardType:   n.get("CardType"),
		UpdateCode: n.get("ResponseCode"),
		Menu:       menu,
	}
	if d.User == "" || d.TaskID == "" {
		return false
	}
	if items := n.child("SelectedItems"); items != nil {
		d.Selected = selected(items)
	}
	e.Kind, e.Lane, e.Data = bot.KindCardPressed, "card:"+d.TaskID, d
	return true
}

// fillMessage reads what a member of staff sent to the app. A message of another kind, such as
// one of the official account, has no AgentID.
// https://developer.work.weixin.qq.com/document/path/90239
func fillMessage(e *bot.Event, n *node) bool {
	d := bot.AppMessage{User: bot.UserID(n.get("FromUserName")), MessageID: n.get("MsgId"), Type: n.get("MsgType"), MediaID: n.get("MediaId")}
	switch d.Type {
	case "text":
		d.Text = n.get("Content")
	case "link":
		d.Title, d.Text, d.URL = n.get("Title"), n.get("Description"), n.get("Url")
	case "location":
		d.Text = n.get("Label")
	case "image", "voice", "video":
	default:
		return false
	}
	if d.User == "" || d.MessageID == "" || n.get("AgentID") == "" {
		return false
	}
	e.Kind, e.Lane, e.Data = bot.KindAppMessage, bot.AppLane(d.User), d
	return true
}

// selected reads the chosen options by question. WeCom spells their element in two ways.
func selected(items *node) map[string][]string {
	var chosen map[string][]string
	for _, item := range items.children {
		ids := item.child("OptionIds", "OpitonIds")
		if item.name != "SelectedItem" || ids == nil {
			continue
		}
		options := ids.list("OptionId")
		if ids.child("OpitonId") != nil {
			options = ids.list("OpitonId")
		}
		if chosen == nil {
			chosen = map[string][]string{}
		}
		question := item.get("QuestionKey")
		chosen[question] = append(chosen[question], options...)
	}
	return chosen
}

// rawLane keeps raw events of one group or contact in order with the others; the rest is
// ordered by what kind of event it is.
func rawLane(n *node) (bot.ChatID, string) {
	event := n.get("Event")
	if chat := bot.ChatID(n.get("ChatId")); chat != "" && event == "change_external_chat" {
		return chat, bot.ChatLane(chat)
	}
	if customer := bot.ExternalUserID(n.get("ExternalUserID")); customer != "" && event == "change_external_contact" {
		return "", bot.ContactLane(customer)
	}
	if event == "" {
		event = n.get("MsgType")
	}
	return "", "raw:" + cutBytes(event, maxLane)
}

// keyOf names a message by its SHA-256, behind its time in hexadecimal seconds: a repeated
// delivery has the same key, two messages of one second have not, and keys that are written
// together lie together in an index.
func keyOf(message []byte, at int64) string {
	sum := sha256.Sum256(message)
	return fmt.Sprintf("%08x.%s", at, base64.RawURLEncoding.EncodeToString(sum[:]))
}

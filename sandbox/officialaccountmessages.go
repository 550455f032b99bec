package sandbox

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

const (
	keepAccountMessages = 100_000

	// What the account may send after a message of a person, and after a menu click, a
	// following or a scan, by the rules in force; before they were 20 in 48 hours.
	talkMessages  = 5
	talkSpan      = 48 * time.Hour
	touchMessages = 3
	touchSpan     = time.Minute

	menuItems     = 10
	thumbMedia    = "thumb"
	typingSpan    = 15 * time.Second
	cardTitleLen  = 64
	pagePathBytes = 1024

	codeWindow       = 45015
	codeWindowCount  = 45047
	codeNewsCount    = 45008
	codeTypingName   = 45072
	codeTypingWindow = 45080
	codeTypingTwice  = 45081
	codeBadCard      = 40073
	codeBadArticle   = 53600
)

// How a message of the account came to a person.
const (
	ViaCustom    = "custom"    // customer-service message
	ViaReply     = "reply"     // answer to a push
	ViaTemplate  = "template"  // template message
	ViaSubscribe = "subscribe" // subscription notice
	ViaSystem    = "system"    // the platform's own words
)

// AccountMessage is something a person received from the official account.
type AccountMessage struct {
	ID       int64 // the msgid of a template message, else a number of the sandbox's own
	At       time.Time
	OpenID   string
	Customer string // external_userid
	Via      string // one of the Via constants
	Type     string // text, image, voice, video, music, news, msgmenu, miniprogrampage, template …
	Text     string // what there is to read
	Title    string
	URL      string // where a press leads
	MediaID  string
	Template string // template_id
	Account  string // the customer-service account it comes from or goes to, "" for none
	// Body is the request that sent it; nil for answers to pushes, and above 16 KiB.
	Body json.RawMessage
}

// replyWindow is how many messages may be sent until when.
type replyWindow struct {
	until time.Time
	left  int
}

func openTalk(now time.Time) replyWindow {
	return replyWindow{until: now.Add(talkSpan), left: talkMessages}
}

func openTouch(now time.Time) replyWindow {
	return replyWindow{until: now.Add(touchSpan), left: touchMessages}
}

func (w replyWindow) open(now time.Time) bool { return now.Before(w.until) }

// allowance returns the window a message may use, the one that ends first, or the refusal.
func (f *Follower) allowance(now time.Time) (*replyWindow, *failure) {
	some := false
	for _, w := range []*replyWindow{&f.touch, &f.talk} {
		if f.Subscribed && w.open(now) {
			some = true
			if w.left > 0 {
				return w, nil
			}
		}
	}
	if some {
		return nil, refuse(codeWindowCount, "out of response count limit")
	}
	return nil, refuse(codeWindow, "response out of time limit or subscription is canceled")
}

// AccountMessages returns what people received from the official account, oldest first. Some
// hundred thousand are remembered.
func (s *Sandbox) AccountMessages() []AccountMessage {
	s.enter()
	defer s.leave()
	return copied(s.account.messages, shallow)
}

// showAccountMessage lets a person see a message.
func (s *Sandbox) showAccountMessage(now time.Time, f *Follower, m AccountMessage) int64 {
	a := &s.account
	m.ID, m.At, m.OpenID, m.Customer = a.nextSent(), now, f.OpenID, f.Customer
	if len(a.messages) >= keepAccountMessages {
		a.messages = slices.Clone(a.messages[keepAccountMessages/10:])
	}
	a.messages = append(a.messages, &m)
	s.note(now, EntryAccount, f.Customer, nil, both("receives from the official account (%s, %s)", "收到公众号消息(%s，%s)", m.Via, m.Type))
	return m.ID
}

func accountMessageAPIs() map[string]api {
	return map[string]api{
		"message/custom/send":   accountWrite(sendCustom),
		"message/custom/typing": accountWrite(showTyping),
	}
}

// receiver reads touser.
func (c *call) receiver() *Follower {
	f, refused := c.knownOpenID(c.in.text("touser"))
	if refused != nil {
		c.in.bad(refused.code, "%s: touser", refused.msg)
	}
	return f
}

// sendCustom sends a customer-service message, within a window.
// See https://developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage.html
func sendCustom(c *call) (reply, *failure) {
	f := c.receiver()
	m := AccountMessage{Via: ViaCustom, Type: c.in.text("msgtype")}
	m.Account = c.in.part("customservice").text("kf_account")
	c.readCustom(&m)
	if refused := c.in.failed(); refused != nil {
		return nil, refused
	}
	w, refused := f.allowance(c.now)
	if refused != nil {
		return nil, refused
	}
	w.left--
	m.Body = c.sentBody()
	f.typing = time.Time{}
	c.s.showAccountMessage(c.now, f, m)
	return nil, nil
}

// sentBody is the request of a message as it is remembered.
func (c *call) sentBody() json.RawMessage {
	if body := encode(c.in.fields); len(body) <= keepBodyBytes {
		return body
	}
	return nil
}

// readCustom reads what belongs to the type of a message.
func (c *call) readCustom(m *AccountMessage) {
	in := c.in.part(m.Type)
	switch m.Type {
	case "text":
		m.Text = in.maxBytes("content", in.need("content", codeEmptyText), textBytes)
	case "image", "voice":
		m.MediaID = c.fileID(in, "media_id", m.Type)
	case "video":
		m.MediaID = c.fileID(in, "media_id", "video")
		if in.text("thumb_media_id") != "" {
			c.fileID(in, "thumb_media_id", thumbMedia)
		}
		m.Title, m.Text = in.text("title"), in.text("description")
	case "music":
		m.Title, m.Text = in.text("title"), in.text("description")
		m.URL = in.link("musicurl", urlBytes, codeNoURL)
		in.link("hqmusicurl", urlBytes, codeNoURL)
		m.MediaID = c.fileID(in, "thumb_media_id", thumbMedia)
	case "news":
		c.readNews(in, m)
	case "msgmenu":
		readMsgMenu(in, m)
	case "miniprogrampage":
		m.Title = in.maxBytes("title", in.text("title"), cardTitleLen)
		in.need("appid", codeBadCorp)
		m.URL = in.maxBytes("pagepath", in.need("pagepath", codeEmptyParam), pagePathBytes)
		m.MediaID = c.fileID(in, "thumb_media_id", "image")
	case "mpnews":
		in.text("media_id")
		in.bad(codeBadMediaID, "invalid media_id: %smedia_id, articles are not simulated", in.where)
	case "mpnewsarticle":
		in.text("article_id")
		in.bad(codeBadArticle, "invalid article_id: %sarticle_id, articles are not simulated", in.where)
	case "wxcard":
		in.text("card_id")
		in.bad(codeBadCard, "invalid card id: %scard_id, cards are not simulated", in.where)
	default:
		c.in.bad(codeBadMsgType, "invalid message type: msgtype")
	}
}

// readNews reads the one article that a message may have.
func (c *call) readNews(in args, m *AccountMessage) {
	articles := in.parts("articles")
	if len(articles) != 1 {
		in.bad(codeNewsCount, "articles count out of limit: %sarticles must have one entry", in.where)
		return
	}
	a := articles[0]
	m.Title, m.Text = a.need("title", codeNoTitle), a.text("description")
	m.URL = a.link("url", urlBytes, 0)
	a.link("picurl", urlBytes, 0)
}

// readMsgMenu reads a menu in a message; a press on an entry sends its text.
func readMsgMenu(in args, m *AccountMessage) {
	lines := []string{in.text("head_content")}
	items := in.parts("list")
	if len(items) < 1 || len(items) > menuItems {
		in.bad(codeBadArgs, "invalid args: %slist must have 1 to %d entries", in.where, menuItems)
	}
	for _, item := range items {
		item.numberOrText("id", 0)
		lines = append(lines, item.need("content", codeEmptyText))
	}
	lines = append(lines, in.text("tail_content"))
	m.Text = strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
}

// fileID reads the id of an uploaded file of a kind.
func (c *call) fileID(in args, name, kind string) string {
	id := in.text(name)
	if !c.s.account.file(id, kind, c.now) {
		in.bad(codeBadMediaID, "invalid media_id: %s%s is no %s that was uploaded", in.where, name, kind)
	}
	return id
}

// showTyping shows that somebody is typing, for fifteen seconds or until the next message.
// See https://developers.weixin.qq.com/doc/service/api/customer/message/api_customtyping.html
func showTyping(c *call) (reply, *failure) {
	f, command := c.receiver(), c.in.text("command")
	if command != "Typing" && command != "CancelTyping" {
		c.in.bad(codeTypingName, "invalid command: command must be Typing or CancelTyping")
	}
	if refused := c.in.failed(); refused != nil {
		return nil, refused
	}
	if !f.talk.open(c.now) || !f.Subscribed {
		return nil, refuse(codeTypingWindow, "need message from the user within the last 48 hours")
	}
	if command == "CancelTyping" {
		f.typing = time.Time{}
		return nil, nil
	}
	if c.now.Before(f.typing) {
		return nil, refuse(codeTypingTwice, "already typing, send again in %v", f.typing.Sub(c.now))
	}
	f.typing = c.now.Add(typingSpan)
	return nil, nil
}

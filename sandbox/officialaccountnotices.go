package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// titlesPage is how many titles of the shelf a page has at most.
const titlesPage = 30

func accountNoticeAPIs() map[string]api {
	return map[string]api{
		"wxaapi/newtmpl/getcategory":            accountRead(listCategories),
		"wxaapi/newtmpl/getpubtemplatetitles":   accountRead(listShelf),
		"wxaapi/newtmpl/getpubtemplatekeywords": accountRead(listKeywords),
		"wxaapi/newtmpl/addtemplate":            accountWrite(addNotice),
		"wxaapi/newtmpl/gettemplate":            accountRead(listNotices),
		"wxaapi/newtmpl/deltemplate":            accountWrite(deleteNotice),
		"message/subscribe/bizsend":             accountWrite(sendNotice),
	}
}

// shelfCategory is the only trade the sandbox's shelf has titles for.
const shelfCategory = 616

// listCategories answers the account's trades.
// See https://developers.weixin.qq.com/doc/service/api/notify/notify/api_getcategory.html
func listCategories(*call) (reply, *failure) {
	return done(reply{"data": []reply{{"id": shelfCategory, "name": "超市/便利店"}}}), nil
}

// listShelf answers the titles on the shelf for trades.
// See https://developers.weixin.qq.com/doc/service/api/notify/notify/api_getpubtemplatetitles.html
func listShelf(c *call) (reply, *failure) {
	start, errStart := strconv.Atoi(c.query.Get("start"))
	limit, errLimit := strconv.Atoi(c.query.Get("limit"))
	if errStart != nil || errLimit != nil || start < 0 || limit < 1 || limit > titlesPage {
		return nil, refuse(codeBadArgs, "invalid args: start must not be negative, limit must be from 1 to %d", titlesPage)
	}
	list := []reply{}
	if slices.Contains(strings.Split(c.query.Get("ids"), ","), strconv.Itoa(shelfCategory)) {
		for _, t := range shelf() {
			list = append(list, reply{"tid": t.number(), "title": t.title, "type": 2, "categoryId": strconv.Itoa(shelfCategory)})
		}
	}
	total := len(list)
	list = list[min(start, total):min(start+limit, total)]
	return done(reply{"count": total, "data": list}), nil
}

// listKeywords answers the keywords of a title.
// See https://developers.weixin.qq.com/doc/service/api/notify/notify/api_getpubtemplatekeywords.html
func listKeywords(c *call) (reply, *failure) {
	t := shelfFind(c.query.Get("tid"))
	if t == nil {
		return nil, refuse(codeNoticeTitle, "template tid not found")
	}
	list := []reply{}
	for _, k := range t.keywords {
		list = append(list, reply{"kid": k.id, "name": k.name, "example": k.example, "rule": k.rule})
	}
	return done(reply{"count": len(list), "data": list}), nil
}

// addNotice takes a title from the shelf for subscription notices, with two to five keywords.
// See https://developers.weixin.qq.com/doc/service/api/notify/notify/api_addtemplate.html
func addNotice(c *call) (reply, *failure) {
	title := shelfFind(strconv.FormatInt(c.in.numberOrText("tid", 0), 10))
	kids, scene := c.in.numbers("kidList"), c.in.text("sceneDesc")
	if title == nil {
		c.in.bad(codeNoticeTitle, "template tid not found")
	}
	if len(kids) < 2 || len(kids) > 5 {
		c.in.bad(codeNoticeKeywords, "invalid kidList: want 2 to 5 entries")
	}
	if n := utf8.RuneCountInString(scene); n < 1 || n > sceneDescChars {
		c.in.bad(codeNoticeScene, "invalid sceneDesc: want 1 to %d characters", sceneDescChars)
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	t := &accountTemplate{title: title.title}
	for _, id := range kids {
		i := slices.IndexFunc(title.keywords, func(k shelfKeyword) bool { return k.id == id })
		if i < 0 {
			return nil, refuse(codeNoticeKeywords, "invalid kidList: the title does not have all of them")
		}
		t.keywords = append(t.keywords, title.keywords[i])
	}
	a := &c.s.account
	if len(a.notices) >= maxNotices {
		return nil, refuse(codeNoticeCount, "template count out of limit")
	}
	t.id = c.s.dice.draw("account template", alphabetID+"-_", 43)
	a.notices = append(a.notices, t)
	return done(reply{"priTmplId": t.id}), nil
}

// listNotices answers what addNotice took.
// See https://developers.weixin.qq.com/doc/service/api/notify/notify/api_gettemplate.html
func listNotices(c *call) (reply, *failure) {
	list := []reply{}
	for _, t := range c.s.account.notices {
		list = append(list, reply{"priTmplId": t.id, "title": t.title, "content": t.content(), "example": t.example(), "type": 2})
	}
	return done(reply{"data": list}), nil
}

// deleteNotice puts one back.
// See https://developers.weixin.qq.com/doc/service/api/notify/notify/api_deletetemplate.html
func deleteNotice(c *call) (reply, *failure) {
	id := c.in.text("priTmplId")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	a := &c.s.account
	if templateOf(a.notices, id) == nil {
		return nil, refuse(codeTemplateID, "invalid template_id")
	}
	a.notices = slices.DeleteFunc(a.notices, func(t *accountTemplate) bool { return t.id == id })
	return nil, nil
}

// sendNotice sends a subscription notice, one for each time that the person allowed it.
// See https://developers.weixin.qq.com/doc/service/api/notify/notify/api_sendsubscribemessage.html
func sendNotice(c *call) (reply, *failure) {
	f := c.receiver()
	t := templateOf(c.s.account.notices, c.in.text("template_id"))
	m := AccountMessage{Via: ViaSubscribe, Type: "template"}
	if t == nil {
		c.in.bad(codeTemplateID, "invalid template_id")
	} else {
		m.Template, m.Title, m.Text = t.id, t.title, c.readData(t)
	}
	if page := c.in.text("page"); page != "" && !strings.Contains(page, "://") {
		c.in.bad(codeBadPage, "invalid page: page has no scheme")
	}
	c.target(&m, "page")
	if refused := c.in.failed(); refused != nil {
		return nil, refused
	}
	if f.grants[t.id] == 0 {
		return nil, refuse(codeNotAllowed, "user refuse to accept the msg")
	}
	f.grants[t.id]--
	m.Body = c.sentBody()
	c.s.showAccountMessage(c.now, f, m)
	return nil, nil
}

// AnswerNotices lets a person who is asked in a page of the account allow one notice of a
// template (a priTmplId) or refuse it, and makes the event subscribe_msg_popup_event.
func (s *Sandbox) AnswerNotices(person, template string, allow bool) error {
	now := s.enter()
	defer s.leave()
	f, err := s.follower(person)
	if err != nil {
		return fmt.Errorf("answer notices: %w", err)
	}
	if templateOf(s.account.notices, template) == nil {
		return fmt.Errorf("answer notices: template %w", ErrNotFound)
	}
	status := "reject"
	if allow {
		status = "accept"
		if f.grants == nil {
			f.grants = map[string]int{}
		}
		f.grants[template]++
	}
	x := s.newPush(now, f, "event")
	x.text("Event", "subscribe_msg_popup_event")
	x.b.WriteString("<SubscribeMsgPopupEvent>\n<List>\n")
	x.text("TemplateId", template)
	x.text("SubscribeStatusString", status)
	x.text("PopupScene", "2")
	x.b.WriteString("</List>\n</SubscribeMsgPopupEvent>\n")
	s.push(now, f, "subscribe_msg_popup_event", x)
	return nil
}

// maxOnceScene is the highest scene of a one-time message.
const maxOnceScene = 10_000

// AllowOnce lets a person allow one message of a scene from 0 to 10,000, as they do on the
// page mp/subscribemsg.
func (s *Sandbox) AllowOnce(person string, scene int) error {
	s.enter()
	defer s.leave()
	f, err := s.follower(person)
	switch {
	case err != nil:
		return fmt.Errorf("allow once: %w", err)
	case scene < 0 || scene > maxOnceScene:
		return errors.New("allow once: a scene is from 0 to 10000")
	}
	if f.scenes == nil {
		f.scenes = map[string]int{}
	}
	f.scenes[strconv.Itoa(scene)]++
	return nil
}

// sendOnce sends the one message that a person allowed for a scene. It needs no following.
// See https://developers.weixin.qq.com/doc/service/api/notify/message/api_sendsubscribemessage.html
func sendOnce(c *call) (reply, *failure) {
	f := c.receiver()
	m := AccountMessage{Via: ViaSubscribe, Type: "template", Template: c.in.need("template_id", codeTemplateID)}
	m.Title = c.in.need("title", codeNoTitle)
	if utf8.RuneCountInString(m.Title) > sceneDescChars {
		c.in.bad(codeTooLong, "size over limit: title has more than %d characters", sceneDescChars)
	}
	scene := strconv.FormatInt(c.in.numberOrText("scene", -1), 10)
	m.Text = c.in.part("data").part("content").need("value", codeTemplateData)
	c.target(&m, "url")
	if refused := c.in.failed(); refused != nil {
		return nil, refused
	}
	if f.scenes[scene] == 0 {
		return nil, refuse(codeNotAllowed, "user refuse to accept the msg")
	}
	f.scenes[scene]--
	m.Body = c.sentBody()
	c.s.showAccountMessage(c.now, f, m)
	return nil, nil
}

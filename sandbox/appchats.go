package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	appChatIDChars = 32
	appChatName    = 50
	minChatMembers = 2
	maxChatMembers = 500
	chatsPerMinute = 200 // that reach one member; more is dropped
	chatsPerDay    = 10_000

	// What the company may do with these chats.
	chatsMadePerDay     = 1_000
	chatChangesPerHour  = 1_000
	chatPushesPerMinute = 20_000 // person-times
	chatPushesPerHour   = 300_000

	codeBadChatID     = 86001
	codeNoAppChat     = 86003
	codeChatMembers   = 86006
	codeForeignChat   = 86008
	codeChatExists    = 86215
	codeBadChatMember = 86216
)

// AppChat is an internal group chat, made by the app or by hand. Customers are never in one.
type AppChat struct {
	ChatID    string
	ByHand    bool // the app cannot touch it, but a robot can be in it
	Name      string
	Owner     string
	Members   []string
	CreatedAt time.Time
	Messages  []AppChatMessage
}

// AppChatMessage is what the app or a robot said in an AppChat.
type AppChatMessage struct {
	At        time.Time
	Type      string
	Text      string
	Robot     string   // name of the robot; empty: the app
	Mentioned []string // userids, and @all
}

// appRooms are the app's internal chats.
type appRooms struct {
	all      []*AppChat
	byID     map[string]*AppChat
	received map[string]*received

	made, changed, pushedMinute, pushedHour window
}

func newAppRooms() appRooms {
	return appRooms{byID: map[string]*AppChat{}, received: map[string]*received{}}
}

// AppChats returns the app's internal chats, oldest first.
func (s *Sandbox) AppChats() []AppChat {
	s.enter()
	defer s.leave()
	return copied(s.appRooms.all, func(a *AppChat) {
		a.Members, a.Messages = slices.Clone(a.Members), slices.Clone(a.Messages)
	})
}

func appChatAPIs() map[string]api {
	return map[string]api{
		"appchat/create": write(createAppChat),
		"appchat/get":    read(getAppChat),
		"appchat/update": write(updateAppChat),
		"appchat/send":   write(sendAppChat),
	}
}

// members returns the visible staff behind userids; the first bad one is remembered.
func (c *call) members(ids []string) []string {
	var out []string
	for _, id := range ids {
		u := c.s.office.find(id)
		if u == nil || !u.visible() {
			c.in.bad(codeBadChatMember, "invalid member in chat: %s", id)
			continue
		}
		if !slices.Contains(out, u.UserID) {
			out = append(out, u.UserID)
		}
	}
	return out
}

// wholeCompany refuses an app whose visible range is not the whole company.
func (c *call) wholeCompany() *failure {
	if !c.s.office.allVisible() {
		return refuse(codeNotVisible, "the app's visible range must be the root department")
	}
	return nil
}

// createAppChat makes an internal chat.
// See https://developer.work.weixin.qq.com/document/path/90245
func createAppChat(c *call) (reply, *failure) {
	in := c.in
	if f := c.wholeCompany(); f != nil {
		return nil, f
	}
	a := &AppChat{ChatID: in.text("chatid"), CreatedAt: c.now}
	a.Name = in.maxChars("name", in.text("name"), appChatName)
	a.Members = c.members(in.list("userlist", 10_000))
	owner := c.members([]string{orText(in.text("owner"), first(a.Members))})
	if len(a.ChatID) > appChatIDChars || !madeOf(a.ChatID, alphabetID) {
		in.bad(codeBadChatID, "invalid chatid")
	}
	if len(a.Members) < minChatMembers || len(a.Members) > maxChatMembers {
		in.bad(codeChatMembers, "too few or many members")
	}
	if c.s.appRooms.byID[a.ChatID] != nil {
		in.bad(codeChatExists, "chatid already exists")
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	a.Owner = owner[0]
	if !slices.Contains(a.Members, a.Owner) {
		return nil, refuse(codeBadChatMember, "invalid member in chat: the owner is not in userlist")
	}
	if !c.s.appRooms.made.pass(c.now, 24*time.Hour, chatsMadePerDay) {
		return nil, refuse(codeTooMany, "reach max api daily quota limit")
	}
	if a.ChatID == "" {
		a.ChatID = c.s.dice.draw("app chat", alphabetID, appChatIDChars)
	}
	c.s.appRooms.all = append(c.s.appRooms.all, a)
	c.s.appRooms.byID[a.ChatID] = a
	return reply{"chatid": a.ChatID}, nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func orText(v, other string) string {
	if v == "" {
		return other
	}
	return v
}

// appChat returns the chat with an id.
func (c *call) appChat(id string) (*AppChat, *failure) {
	if f := c.wholeCompany(); f != nil {
		return nil, f
	}
	a := c.s.appRooms.byID[id]
	switch {
	case id == "":
		return nil, refuse(codeBadChatID, "missing chatid")
	case a == nil:
		return nil, refuse(codeNoAppChat, "chatid not exist")
	case a.ByHand:
		return nil, refuse(codeForeignChat, "chat was not created by this app")
	}
	return a, nil
}

// getAppChat answers an internal chat.
// See https://developer.work.weixin.qq.com/document/path/90247
func getAppChat(c *call) (reply, *failure) {
	a, f := c.appChat(c.query.Get("chatid"))
	if f != nil {
		return nil, f
	}
	return reply{"chat_info": reply{
		"chatid": a.ChatID, "name": a.Name, "owner": a.Owner, "userlist": slices.Clone(a.Members), "chat_type": 0,
	}}, nil
}

// updateAppChat renames an internal chat, hands it over, adds and removes members.
// See https://developer.work.weixin.qq.com/document/path/90246
func updateAppChat(c *call) (reply, *failure) {
	in := c.in
	id, name, owner := in.text("chatid"), in.text("name"), in.text("owner")
	in.maxChars("name", name, appChatName)
	add := c.members(in.list("add_user_list", 10_000))
	del := in.list("del_user_list", 10_000)
	if f := in.failed(); f != nil {
		return nil, f
	}
	a, f := c.appChat(id)
	if f != nil {
		return nil, f
	}
	members := unique(append(slices.Clone(a.Members), add...))
	members = slices.DeleteFunc(members, func(m string) bool {
		return slices.ContainsFunc(del, func(d string) bool { return strings.EqualFold(d, m) })
	})
	if len(members) < minChatMembers || len(members) > maxChatMembers {
		return nil, refuse(codeChatMembers, "too few or many members")
	}
	next := a.Owner
	if owner != "" {
		u := c.s.office.find(owner)
		if u == nil {
			return nil, refuse(codeBadChatMember, "invalid member in chat: %s", owner)
		}
		next = u.UserID
	}
	if !slices.Contains(members, next) {
		return nil, refuse(codeBadChatMember, "invalid member in chat: the owner is not in it")
	}
	if !c.s.appRooms.changed.pass(c.now, time.Hour, chatChangesPerHour) {
		return nil, refuse(codeTooMany, "api freq out of limit")
	}
	a.Members, a.Owner, a.Name = members, next, orText(name, a.Name)
	return nil, nil
}

// sendAppChat says something in an internal chat, which nobody sees before.
// See https://developer.work.weixin.qq.com/document/path/90248
func sendAppChat(c *call) (reply, *failure) {
	in := c.in
	id, kind := in.text("chatid"), in.need("msgtype", codeBadMsgType)
	text := ""
	if slices.Contains(appChatTypes(), kind) {
		text = c.readMessage(kind)
	} else {
		in.bad(codeBadMsgType, "invalid message type")
	}
	in.between("safe", 0, 0, 1)
	if f := in.failed(); f != nil {
		return nil, f
	}
	a, f := c.appChat(id)
	if f != nil {
		return nil, f
	}
	r := &c.s.appRooms
	if !r.pushedMinute.passMany(c.now, time.Minute, len(a.Members), chatPushesPerMinute) ||
		!r.pushedHour.passMany(c.now, time.Hour, len(a.Members), chatPushesPerHour) {
		return nil, refuse(codeTooMany, "api freq out of limit")
	}
	c.s.sayInside(c.now, a, AppChatMessage{At: c.now, Type: kind, Text: text})
	return nil, nil
}

// sayInside shows a message in an internal chat to those of its members who are not flooded.
func (s *Sandbox) sayInside(now time.Time, a *AppChat, m AppChatMessage) {
	a.Messages = append(a.Messages, m)
	for _, user := range a.Members {
		r := s.appRooms.received[user]
		if r == nil {
			r = &received{}
			s.appRooms.received[user] = r
		}
		if r.take(now, chatsPerMinute, 24*time.Hour, chatsPerDay) {
			s.note(now, EntryMessage, user, nil, bare(a.Name+": "+m.Text))
		}
	}
}

// CreateInternalGroup lets a member of staff make an internal group by hand and returns its
// id. Calls about it are refused with 86008.
func (s *Sandbox) CreateInternalGroup(owner, name string, staff ...string) (string, error) {
	now := s.enter()
	defer s.leave()
	a := &AppChat{ByHand: true, Name: name, CreatedAt: now}
	for _, id := range append([]string{owner}, staff...) {
		u := s.office.find(id)
		if u == nil || u.Resigned {
			return "", fmt.Errorf("create internal group: %s: %w", id, ErrNotFound)
		}
		a.Members = append(a.Members, u.UserID)
	}
	a.Members = unique(a.Members)
	a.Owner, a.ChatID = a.Members[0], s.dice.draw("internal group", alphabetID, appChatIDChars)
	s.appRooms.all, s.appRooms.byID[a.ChatID] = append(s.appRooms.all, a), a
	return a.ChatID, nil
}

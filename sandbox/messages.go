package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxRecipients   = 1000
	maxParties      = 100
	duplicateSpan   = 1800
	maxDuplicate    = 4 * 60 * 60
	recallSpan      = 24 * time.Hour
	codeBadMsgType  = 40008
	codeAllInvalid  = 81013
	codeNoRecipient = 82001
)

// AppMessage is a message that the app sent to staff.
type AppMessage struct {
	MsgID     string
	At        time.Time
	Type      string   // as msgtype; the answer to a callback has its type too
	To        []string // userids that it reached
	Dropped   []string // userids that had too many already; nobody is told
	Invalid   []string // as in invaliduser
	Text      string   // what there is to read
	Body      json.RawMessage
	TaskID    string    // of a template card
	Duplicate bool      // not shown again because of enable_duplicate_check
	Recalled  time.Time // zero: not recalled
	Passive   bool      // the answer to a callback, not a call
}

// appMessages are all messages of the app.
type appMessages struct {
	all      []*AppMessage
	byID     map[string]*AppMessage
	recent   map[string]*AppMessage // by what enable_duplicate_check compares
	received map[string]*received   // by userid
	cards    []*Card
	byTask   map[string]*Card
	codes    map[string]*responseCode
	sent     dayCount // person-times that the app has sent
}

func newAppMessages() appMessages {
	return appMessages{
		byID: map[string]*AppMessage{}, recent: map[string]*AppMessage{}, received: map[string]*received{},
		byTask: map[string]*Card{}, codes: map[string]*responseCode{},
	}
}

// AppMessages returns what the app sent to staff, oldest first.
func (s *Sandbox) AppMessages() []AppMessage {
	s.enter()
	defer s.leave()
	return copied(s.apps.all, shallow)
}

func messageAPIs() map[string]api {
	return map[string]api{
		"message/send":   write(sendMessage),
		"message/recall": write(recallMessage),
	}
}

// agent checks the agentid of a call, which may be a number or a string.
func (c *call) agent() {
	switch id := c.in.numberOrText("agentid", -1); {
	case id == -1:
		c.in.bad(codeNoAgent, "missing agentid")
	case id != c.s.cfg.AgentID:
		c.in.bad(codeBadAgent, "invalid agentid")
	}
}

// recipients are those a message is addressed to.
type recipients struct {
	users                     []*Staff
	badUser, badParty, badTag []string
}

// recipients reads touser, toparty and totag.
func (c *call) recipients() recipients {
	in := c.in
	users, parties, tags := split(in.text("touser")), split(in.text("toparty")), split(in.text("totag"))
	if len(users) > maxRecipients {
		in.bad(codeUserListLen, "userid list is too long")
	}
	if len(parties) > maxParties || len(tags) > maxParties {
		in.bad(codeBadParam, "invalid Request Parameter: toparty or totag has more than %d entries", maxParties)
	}
	if len(users)+len(parties)+len(tags) == 0 {
		in.bad(codeNoRecipient, "user, party and tag are all empty")
	}
	to := recipients{badTag: tags} // the sandbox has no tags
	everybody := slices.Equal(users, []string{"@all"})
	var ids []int
	for _, text := range parties {
		id, err := strconv.Atoi(text)
		if err != nil || c.s.office.department(id) == nil {
			to.badParty = append(to.badParty, text)
			continue
		}
		ids = append(ids, id)
	}
	for _, id := range users {
		if u := c.s.office.find(id); !everybody && (u == nil || !u.visible()) {
			to.badUser = append(to.badUser, strings.ToLower(id))
		}
	}
	var within []Department
	for _, id := range ids {
		within = append(within, c.s.office.below(id)...)
	}
	for _, u := range c.s.office.staff {
		named := everybody || slices.ContainsFunc(within, func(d Department) bool { return u.in(d.ID) }) ||
			slices.ContainsFunc(users, func(id string) bool { return strings.EqualFold(id, u.UserID) })
		if named && u.visible() {
			to.users = append(to.users, u)
		}
	}
	if len(to.users) == 0 {
		in.bad(codeAllInvalid, "user & party & tag all invalid")
	}
	return to
}

// split cuts a list written with bars.
func split(list string) []string {
	return slices.DeleteFunc(strings.Split(list, "|"), func(v string) bool { return v == "" })
}

// sendMessage sends a message to staff. What is too much for one member is dropped without a
// word; what is too much for the app in a day is refused.
// See https://developer.work.weixin.qq.com/document/path/90236
func sendMessage(c *call) (reply, *failure) {
	in := c.in
	c.agent()
	kind := in.need("msgtype", codeBadMsgType)
	m := &AppMessage{At: c.now, Type: kind}
	var card *Card
	switch {
	case kind == "template_card":
		card = c.readCard(in.part(kind), cardSent)
		m.Text, m.TaskID = card.Text, card.TaskID
	case kind == "miniprogram_notice" && in.text("touser") == "@all":
		in.bad(codeBadParam, "invalid Request Parameter: touser of a miniprogram_notice must not be @all")
	case kind == "miniprogram_notice" || slices.Contains(appChatTypes(), kind):
		m.Text = c.readMessage(kind)
	default:
		in.bad(codeBadMsgType, "invalid message type")
	}
	span := in.between("duplicate_check_interval", duplicateSpan, 0, maxDuplicate)
	unique := in.between("enable_duplicate_check", 0, 0, 1) == 1
	in.between("safe", 0, 0, 2)
	in.between("enable_id_trans", 0, 0, 1)
	to := c.recipients()
	if f := in.failed(); f != nil {
		return nil, f
	}
	m.Body, m.Invalid = encode(in.fields[kind]), to.badUser
	out := reply{
		"invaliduser": strings.Join(to.badUser, "|"), "invalidparty": strings.Join(to.badParty, "|"),
		"invalidtag": strings.Join(to.badTag, "|"), "unlicenseduser": "",
	}
	same := fmt.Sprint(in.text("touser"), "\n", in.text("toparty"), "\n", in.text("totag"), "\n", kind, "\n", string(m.Body))
	if first := c.s.apps.recent[same]; unique && first != nil && c.now.Sub(first.At) < time.Duration(span)*time.Second {
		m.MsgID, m.Duplicate = first.MsgID, true
		c.s.apps.all = append(c.s.apps.all, m)
		out["msgid"] = m.MsgID
		return out, nil
	}
	if !c.s.apps.sent.passMany(quotaDay(c.now), len(to.users), orElse(c.s.faults.Limits.MessagesPerDay, messagesPerDay)) {
		return nil, refuse(codeTooMany, "reach max message daily quota limit")
	}
	c.s.apps.recent[same] = m
	c.s.showMessage(c.now, m, to.users)
	out["msgid"] = m.MsgID
	if card != nil {
		out["response_code"] = c.s.showCard(c.now, card, m)
	}
	return out, nil
}

// showMessage brings a message to those who are not flooded.
func (s *Sandbox) showMessage(now time.Time, m *AppMessage, users []*Staff) {
	m.MsgID = s.dice.draw("message", alphabetID, 64)
	s.apps.all = append(s.apps.all, m)
	s.apps.byID[m.MsgID] = m
	for _, u := range users {
		r := s.apps.received[u.UserID]
		if r == nil {
			r = &received{}
			s.apps.received[u.UserID] = r
		}
		if !r.take(now, messagesPerMinute, time.Hour, messagesPerHour) {
			m.Dropped = append(m.Dropped, u.UserID)
			continue
		}
		m.To = append(m.To, u.UserID)
		s.note(now, EntryMessage, u.UserID, nil, bare(m.Text))
	}
}

// recallMessage takes a message of the last 24 hours back.
// See https://developer.work.weixin.qq.com/document/path/94867
func recallMessage(c *call) (reply, *failure) {
	id := c.in.need("msgid", codeEmptyParam)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	m := c.s.apps.byID[id]
	if m == nil || c.now.Sub(m.At) > recallSpan {
		return nil, refuse(codeBadParam, "invalid Request Parameter: msgid is unknown or older than 24 hours")
	}
	if m.Recalled.IsZero() {
		m.Recalled = c.now
	}
	return nil, nil
}

package sandbox

import (
	"context"
	"time"
)

const (
	maxWays      = 500_000 // join ways and lasting contact ways
	maxTempWays  = 100_000 // temporary contact ways made in a day
	tempWayTime  = 7 * 24 * time.Hour
	tempChatTime = 24 * time.Hour
	tempLongest  = 14 * 24 * time.Hour

	codeWayQuota = 41045
)

// Conclusion is what a customer reads at the end of a temporary chat: a text, one more part,
// or both.
type Conclusion struct {
	Text       string
	Attachment Attachment // image, link or miniprogram; Type "" for none
}

// roomForWay refuses one way more than the company may have.
func (c *call) roomForWay(temp bool) *failure {
	w, limits := &c.s.ways, c.s.faults.Limits
	if !temp {
		lasting := len(w.joins)
		for _, k := range w.contacts {
			if !k.Temp {
				lasting++
			}
		}
		if lasting >= orElse(limits.Ways, maxWays) {
			return refuse(codeWayQuota, "contact way config over limit")
		}
		return nil
	}
	if !w.temp.pass(quotaDay(c.now), orElse(limits.TempWays, maxTempWays)) {
		return refuse(codeWayQuota, "temporary contact way over limit of the day")
	}
	return nil
}

// readTempWay reads what only temporary ways have; others ignore it.
func (c *call) readTempWay(w *ContactWay) {
	in := c.in
	longest := int64(tempLongest / time.Second)
	if !w.Temp {
		return
	}
	expires, chat := in.number("expires_in", 0), in.number("chat_expires_in", 0)
	if expires < 0 || expires > longest {
		in.bad(codeBadParam, "invalid Request Parameter: expires_in must be from 1 to %d", longest)
	}
	if chat < 0 || chat > longest {
		in.bad(codeBadParam, "invalid Request Parameter: chat_expires_in must be from 1 to %d", longest)
	}
	if expires > 0 || w.ExpiresAt.IsZero() { // 0 is what clients send who leave it out
		w.expiresIn = orElse(expires, int64(tempWayTime/time.Second))
		w.ExpiresAt = c.now.Add(time.Duration(w.expiresIn) * time.Second)
	}
	if chat > 0 || w.ChatFor == 0 {
		w.ChatFor = time.Duration(orElse(chat, int64(tempChatTime/time.Second))) * time.Second
	}
	if in.has("unionid") {
		w.UnionID = in.text("unionid")
	}
	if in.has("conclusions") {
		w.Conclusion = c.conclusion()
	}
}

// filled reports whether an object has anything in it but empty texts.
func (a args) filled() bool {
	for _, v := range a.fields {
		if v != nil && v != "" {
			return true
		}
	}
	return false
}

// conclusion reads the last words of temporary chats; of several parts the first in the
// platform's order counts. Clients send all parts, most of them empty.
func (c *call) conclusion() Conclusion {
	in := c.in.part("conclusions")
	text := in.part("text")
	out := Conclusion{Text: text.maxBytes("content", text.text("content"), massBytes)}
	for _, kind := range []string{"image", "link", "miniprogram"} {
		if in.part(kind).filled() {
			out.Attachment = c.attachment(in, kind)
			break
		}
	}
	if out.Text == "" && out.Attachment.Type == "" {
		in.bad(codeEmptyText, "conclusions has neither text nor attachment")
	}
	return out
}

// shownTemp adds what get_contact_way shows of temporary ways alone. A picture comes back as
// a link.
func (s *Sandbox) shownTemp(w *ContactWay, out reply) {
	if !w.Temp {
		return
	}
	out["expires_in"], out["chat_expires_in"] = w.expiresIn, int64(w.ChatFor/time.Second)
	if w.UnionID != "" {
		out["unionid"] = w.UnionID
	}
	conclusions := reply{}
	if w.Conclusion.Text != "" {
		conclusions["text"] = reply{"content": w.Conclusion.Text}
	}
	if kind := w.Conclusion.Attachment.Type; kind == "image" {
		conclusions[kind] = reply{"pic_url": s.qrLink(w.ConfigID)}
	} else if kind != "" {
		conclusions[kind] = w.Conclusion.Attachment.Body
	}
	if len(conclusions) > 0 {
		out["conclusions"] = conclusions
	}
}

// beginTempChat plans the end of a contact that a temporary way began.
func (s *Sandbox) beginTempChat(now time.Time, k *Contact, w *ContactWay) {
	k.TempUntil, k.conclusion = now.Add(w.ChatFor), w.Conclusion
	s.later(&s.agenda, k.TempUntil, func(context.Context) {
		now := s.enter()
		defer s.leave()
		s.endTempChat(now, k)
	})
}

// endTempChat sends the conclusion and ends the contact. The platform names no event for it,
// so there is none.
func (s *Sandbox) endTempChat(now time.Time, k *Contact) {
	if !k.ByStaff.IsZero() {
		return
	}
	k.ByStaff = now
	k.TempUntil = now
	text := both("the temporary chat with %s ended", "和 %s 的临时会话结束了", k.User)
	if k.conclusion.Text != "" {
		text = text.and(": "+k.conclusion.Text, "："+k.conclusion.Text)
	}
	if k.conclusion.Attachment.Type != "" {
		kind := " [" + k.conclusion.Attachment.Type + "]"
		text = text.and(kind, kind)
	}
	s.note(now, EntryContact, k.Customer, nil, text)
}

// closeTempChat ends a temporary chat early; the conclusion is sent. Lasting contacts are not
// touched.
// See https://developer.work.weixin.qq.com/document/path/92572
func closeTempChat(c *call) (reply, *failure) {
	user, customer := c.in.need("userid", codeNoUserID), c.in.need("external_userid", codeNoCustomer)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	_, k, f := c.seeContact(user, customer)
	if f != nil {
		return nil, f
	}
	if k.TempUntil.IsZero() {
		return nil, refuse(codeNoRelation, "no temporary chat")
	}
	c.s.endTempChat(c.now, k)
	return nil, nil
}

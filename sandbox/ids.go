package sandbox

import "fmt"

const servedLimit = 1000

func idAPIs() map[string]api {
	return map[string]api{
		"externalcontact/contact_list":               write(listServed),
		"externalcontact/opengid_to_chatid":          write(chatOfOpenGID),
		"externalcontact/unionid_to_external_userid": write(customerOfUnionID), // the older path
		"idconvert/unionid_to_external_userid":       write(customerOfUnionID),
	}
}

// OpenGID returns the id that a mini program of the company gets for a group in which it is
// opened.
func (s *Sandbox) OpenGID(chat string) (string, error) {
	s.enter()
	defer s.leave()
	if _, err := s.living(chat); err != nil {
		return "", fmt.Errorf("opengid: %w", err)
	}
	return s.openGID(chat), nil
}

func (s *Sandbox) openGID(chat string) string {
	return "oG" + drawFrom(s.dice.fresh("opengid "+chat), alphabetID, 26)
}

// chatOfOpenGID answers the customer group that a mini program was opened in; groups of
// others are unknown.
// See https://developer.work.weixin.qq.com/document/path/94822
func chatOfOpenGID(c *call) (reply, *failure) {
	id := c.in.need("opengid", codeEmptyParam)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	for _, g := range c.s.rooms.all {
		if c.s.openGID(g.id) != id {
			continue
		}
		if _, f := c.seeChat(g.id); f != nil {
			return nil, f
		}
		return reply{"chat_id": g.id}, nil
	}
	return nil, refuse(codeNoGroup, "chat is not external group chat")
}

// customerOfUnionID answers the external_userid of a person whom a visible member of staff
// has as a customer. The open id, of a service account, is not looked at. There is no call
// for the way back: externalcontact/get shows the union id.
// See https://developer.work.weixin.qq.com/document/path/95926
func customerOfUnionID(c *call) (reply, *failure) {
	union := c.in.need("unionid", codeEmptyParam)
	c.in.text("openid")
	c.in.between("subject_type", 0, 0, 1)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	for _, p := range c.s.clientele.customers {
		if p.UnionID == union && p.Corp == "" && c.s.latestContact(p.ID, nil, nil) != nil {
			return reply{"external_userid": p.ID}, nil
		}
	}
	return nil, refuse(codeNoRelation, "not external contact")
}

// listServed answers everybody whom visible staff serve: each contact, and each customer in
// each group, in the order of adding and joining. The temporary id of a person changes with
// the month.
// See https://developer.work.weixin.qq.com/document/path/99434
func listServed(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", servedLimit, 1, servedLimit))
	cursor := c.in.text("cursor")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	var rows []row
	for _, k := range c.s.clientele.contacts {
		u := c.s.office.find(k.User)
		if c.s.clientele.current[pair{k.User, k.Customer}] == k && k.active() && u.serves() {
			out := c.served(k.Customer, k.AddedAt.Unix())
			out["follow_userid"] = k.User
			rows = append(rows, row{k.served, out})
		}
	}
	for _, g := range c.s.rooms.all {
		if !g.listed() {
			continue
		}
		for _, m := range g.stays {
			if !m.staff && m.to == 0 {
				out := c.served(m.user, m.joined.Unix())
				out["chat_id"] = g.id
				rows = append(rows, row{m.served, out})
			}
		}
	}
	sortRows(rows)
	return answerRows("served", "info_list", cursor, limit, rows)
}

func (c *call) served(customer string, since int64) reply {
	month := quotaMonth(c.now)
	return reply{
		"is_customer": true, "external_userid": customer, "add_time": since,
		"tmp_openid": "tmp" + drawFrom(c.s.dice.fresh("tmp_openid "+month+" "+customer), alphabetID, 29),
	}
}

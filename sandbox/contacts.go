package sandbox

import (
	"slices"
	"unicode/utf8"
)

const (
	batchUsers = 100
	batchLimit = 100
	// followerPage is how many staff externalcontact/get answers on a page.
	followerPage = 500

	codeBadCustomer  = 40096
	codeNoCustomer   = 41035
	codeNoRelation   = 84061
	codeNoPermission = 84074
)

func contactAPIs() map[string]api {
	return map[string]api{
		"externalcontact/get_follow_user_list": read(listFollowUsers),
		"externalcontact/list":                 read(listContacts),
		"externalcontact/get":                  read(getContact),
		"externalcontact/batch/get_by_user":    write(batchContacts),
		"externalcontact/remark":               write(remarkContact),
	}
}

// active reports whether the member of staff has the customer; a customer who has deleted
// the member still counts.
func (k *Contact) active() bool { return !k.Half && k.ByStaff.IsZero() }

// seeServer returns a visible member of staff who deals with customers, or the refusal.
func (c *call) seeServer(userID string) (*Staff, *failure) {
	u, f := c.s.office.seeStaff(userID)
	if f != nil {
		return nil, f
	}
	if u.NoContacts {
		return nil, refuse(codeNoPermission, "no permission to use external contact: %s", userID)
	}
	return u, nil
}

// listFollowUsers answers the visible staff who deal with customers.
// See https://developer.work.weixin.qq.com/document/path/92571
func listFollowUsers(c *call) (reply, *failure) {
	users := []string{}
	for _, u := range c.s.office.staff {
		if u.serves() {
			users = append(users, u.UserID)
		}
	}
	return reply{"follow_user": users}, nil
}

// listContacts answers the customers of a member of staff; 84061 when there are none.
// See https://developer.work.weixin.qq.com/document/path/92113
func listContacts(c *call) (reply, *failure) {
	id := c.query.Get("userid")
	if id == "" {
		return nil, refuse(codeNoUserID, "missing userid")
	}
	u, f := c.seeServer(id)
	if f != nil {
		return nil, f
	}
	var customers []string
	for _, k := range c.s.clientele.ofUser[u.UserID] {
		if k.active() {
			customers = append(customers, k.Customer)
		}
	}
	if len(customers) == 0 {
		return nil, refuse(codeNoRelation, "not external contact")
	}
	return reply{"external_userid": customers}, nil
}

// getContact answers a customer and the visible staff who have the customer, 500 on a page.
// See https://developer.work.weixin.qq.com/document/path/92114
func getContact(c *call) (reply, *failure) {
	id := c.query.Get("external_userid")
	if id == "" {
		return nil, refuse(codeNoCustomer, "missing external_userid")
	}
	p := c.s.clientele.byID[id]
	if p == nil {
		return nil, refuse(codeBadCustomer, "invalid external userid")
	}
	var rows []row
	for i, u := range c.s.office.staff {
		k := c.s.clientele.current[pair{u.UserID, id}]
		if k == nil || !k.active() || !u.serves() {
			continue
		}
		f := followerOf(k)
		f["tags"] = c.shownTags(k)
		rows = append(rows, row{i + 1, f})
	}
	if len(rows) == 0 {
		return nil, refuse(codeNoRelation, "not external contact")
	}
	out, f := answerRows("follower "+id, "follow_user", c.query.Get("cursor"), followerPage, rows)
	if f == nil {
		out["external_contact"] = c.externalContact(p)
	}
	return out, f
}

// externalContact is a customer as the API shows it.
func (c *call) externalContact(p *Customer) reply {
	out := reply{
		"external_userid": p.ID, "name": p.Name, "type": 1, "gender": p.Gender,
		"avatar": c.s.cfg.PublicURL + "/sandbox/qr/" + p.ID,
	}
	if p.Corp != "" {
		out["type"], out["corp_name"], out["corp_full_name"] = 2, p.Corp, p.Corp
	} else if p.UnionID != "" {
		out["unionid"] = p.UnionID
	}
	return out
}

// followerOf is what both calls about a contact show of it.
func followerOf(k *Contact) reply {
	out := reply{
		"userid": k.User, "remark": k.Remark, "description": k.Description,
		"createtime": k.AddedAt.Unix(), "remark_corp_name": k.company,
		"remark_mobiles": append([]string{}, k.mobiles...), "oper_userid": k.Customer,
		"add_way": k.AddWay,
	}
	if k.State != "" {
		out["state"] = k.State
	}
	return out
}

// batchContacts answers the contacts of up to 100 members of staff, page by page.
// See https://developer.work.weixin.qq.com/document/path/92994
func batchContacts(c *call) (reply, *failure) {
	users := c.in.list("userid_list", batchUsers)
	limit := int(c.in.between("limit", 50, 1, batchLimit))
	cursor := c.in.text("cursor")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	if len(users) == 0 {
		return nil, refuse(codeNoUserID, "missing userid_list")
	}
	var all []*Contact
	for _, id := range users {
		u, f := c.seeServer(id)
		if f != nil {
			return nil, f
		}
		for _, k := range c.s.clientele.ofUser[u.UserID] {
			if k.active() {
				all = append(all, k)
			}
		}
	}
	slices.SortFunc(all, func(a, b *Contact) int { return a.key - b.key })
	all = slices.Compact(all)
	some, next, f := page("contact", cursor, c.atMost(limit), all, func(k *Contact) int { return k.key })
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, k := range some {
		follow := followerOf(k)
		follow["tag_id"] = append([]string{}, c.s.tagsOf(k)...)
		out = append(out, reply{
			"external_contact": c.externalContact(c.s.clientele.byID[k.Customer]), "follow_info": follow,
		})
	}
	return reply{"external_contact_list": out, "next_cursor": next}, nil
}

// seeContact returns a visible member of staff and the contact with a customer, or the
// refusal.
func (c *call) seeContact(user, customer string) (*Staff, *Contact, *failure) {
	u, f := c.seeServer(user)
	if f != nil {
		return nil, nil, f
	}
	if c.s.clientele.byID[customer] == nil {
		return nil, nil, refuse(codeBadCustomer, "invalid external userid")
	}
	k := c.s.clientele.current[pair{u.UserID, customer}]
	if k == nil || !k.active() {
		return nil, nil, refuse(codeNoRelation, "not external contact")
	}
	return u, k, nil
}

// remarkContact writes what a member of staff notes about a customer, and makes the event
// edit_external_contact, as any edit does.
// See https://developer.work.weixin.qq.com/document/path/92115
func remarkContact(c *call) (reply, *failure) {
	in := c.in
	user := in.need("userid", codeNoUserID)
	customer := in.need("external_userid", codeNoCustomer)
	remark := in.maxChars("remark", in.text("remark"), 20)
	description := in.maxChars("description", in.text("description"), 150)
	company := in.maxChars("remark_company", in.text("remark_company"), 20)
	mobiles := in.list("remark_mobiles", 20)
	if f := in.failed(); f != nil {
		return nil, f
	}
	u, k, f := c.seeContact(user, customer)
	if f != nil {
		return nil, f
	}
	if in.has("remark") {
		k.Remark = remark
	}
	if in.has("description") {
		k.Description = description
	}
	if in.has("remark_company") {
		k.company = company
	}
	if in.has("remark_mobiles") {
		k.mobiles = slices.DeleteFunc(mobiles, func(m string) bool { return m == "" })
	}
	c.s.contactEvent(c.now, u, k, "edit_external_contact", "")
	return nil, nil
}

// trimChars cuts a text after n characters.
func trimChars(v string, n int) string {
	if utf8.RuneCountInString(v) <= n {
		return v
	}
	return string([]rune(v)[:n])
}

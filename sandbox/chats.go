package sandbox

import "time"

const (
	maxOwners      = 100
	maxUnfiltered  = 1000 // groups that may be listed without naming owners
	codeBadChat    = 40050
	codeChatGone   = 49008
	codeListTooBig = 81017
)

func chatAPIs() map[string]api {
	return map[string]api{
		"externalcontact/groupchat/list": write(listChats),
		"externalcontact/groupchat/get":  write(getChat),
	}
}

// status is the owner state of a group.
func (g *group) status() int {
	switch {
	case g.owner.Resigned:
		return groupOrphan
	case g.inherited:
		return groupInherited
	}
	return groupNormal
}

// listed reports whether the app sees a group in lists: a resigned owner does not hide it.
func (g *group) listed() bool { return !g.dismissed && !g.owner.Hidden }

// listChats answers the groups of the visible staff, page by page, in the order of making.
// See https://developer.work.weixin.qq.com/document/path/92120
func listChats(c *call) (reply, *failure) {
	in := c.in
	status := int(in.between("status_filter", 0, 0, 3))
	limit := int(in.between("limit", 0, 1, 1000))
	cursor := in.text("cursor")
	owners := in.part("owner_filter").list("userid_list", maxOwners)
	if f := in.failed(); f != nil {
		return nil, f
	}
	wanted := map[*Staff]bool{}
	for _, id := range owners {
		u := c.s.office.find(id)
		if u == nil || u.Hidden {
			_, f := c.s.office.seeStaff(id)
			return nil, f
		}
		wanted[u] = true
	}
	var all []*group
	seen := 0
	for _, g := range c.s.rooms.all {
		if !g.listed() {
			continue
		}
		seen++
		if (len(owners) == 0 || wanted[g.owner]) && (status == 0 || g.status() == status) {
			all = append(all, g)
		}
	}
	if len(owners) == 0 && seen > maxUnfiltered {
		return nil, refuse(codeListTooBig, "request data count exceeds limit")
	}
	some, next, f := page("chat", cursor, c.atMost(limit), all, func(g *group) int { return g.key })
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, g := range some {
		out = append(out, reply{"chat_id": g.id, "status": g.status()})
	}
	return reply{"group_chat_list": out, "next_cursor": next}, nil
}

// seeChat returns a group that the app may see, or the refusal for it.
func (c *call) seeChat(id string) (*group, *failure) {
	g := c.s.rooms.byID[id]
	switch {
	case g == nil:
		return nil, refuse(codeBadChat, "invalid chatid")
	case g.owner.Hidden:
		return nil, refuse(codeNotVisible, "no privilege to access this chat")
	case g.dismissed:
		return nil, refuse(codeChatGone, "chat is dismissed")
	}
	return g, nil
}

// getChat answers a group with its members, as they were Config.Lag ago (see also
// DetailFaults).
// See https://developer.work.weixin.qq.com/document/path/92122
func getChat(c *call) (reply, *failure) {
	id := c.in.need("chat_id", codeEmptyParam)
	withName := c.in.between("need_name", 0, 0, 1) == 1
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	g, f := c.seeChat(id)
	if f != nil {
		return nil, f
	}
	at := g.visibleVersion(c.now)
	if stale := c.s.faults.Details.Stale; stale > 0 && at > 0 && chance(c.s.dice.stream("stale"), stale) {
		at--
	}
	members := []reply{}
	for _, m := range g.stays {
		if m.from <= at && (m.to == 0 || m.to > at) {
			members = append(members, c.memberOf(m, withName))
		}
	}
	admins := []reply{}
	for _, id := range g.admins {
		admins = append(admins, reply{"userid": id})
	}
	return reply{"group_chat": reply{
		"chat_id": g.id, "name": g.name, "owner": g.owner.UserID, "create_time": g.created.Unix(),
		"notice": g.notice, "member_list": members, "admin_list": admins,
		"member_version": g.versions[at].id,
	}}, nil
}

// visibleVersion is the index of the newest version that shows by now.
func (g *group) visibleVersion(now time.Time) int {
	at := len(g.versions) - 1
	for at > 0 && g.versions[at].shown.After(now) {
		at--
	}
	return at
}

// memberOf is one member as the platform shows it: customers who invite stay unnamed.
func (c *call) memberOf(m *stay, withName bool) reply {
	out := reply{
		"userid": m.user, "type": 2, "join_time": m.joined.Unix(), "join_scene": m.scene,
		"group_nickname": "",
	}
	if m.staff {
		out["type"] = 1
	} else if p := c.s.clientele.byID[m.user]; p.UnionID != "" && p.Corp == "" {
		out["unionid"] = p.UnionID
	}
	if m.inviter != "" && c.s.office.find(m.inviter) != nil {
		out["invitor"] = reply{"userid": m.inviter}
	}
	if m.state != "" {
		out["state"] = m.state
	}
	if withName {
		out["name"] = c.s.nameOf(m.user)
	}
	return out
}

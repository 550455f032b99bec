package sandbox

import (
	"slices"
	"time"
)

const (
	statisticDays  = 30  // that one call may cover
	statisticKept  = 180 // days before today
	behaviorPeople = 100
)

func statisticAPIs() map[string]api {
	return map[string]api{
		"externalcontact/groupchat/statistic":              write(countByOwner),
		"externalcontact/groupchat/statistic_group_by_day": write(countByDay),
		"externalcontact/get_user_behavior_data":           write(countBehavior),
	}
}

// days reads a range of days that ends yesterday at the latest. Times are cut down to the
// beginning of their day; both days belong to the range, which has 30 of them at most.
func (c *call) days(beginName, endName string, endRequired bool) (begin, end int) {
	in := c.in
	first := in.number(beginName, 0)
	last := in.number(endName, 0)
	switch {
	case first <= 0:
		in.bad(codeEmptyParam, "missing %s", beginName)
	case last <= 0 && endRequired:
		in.bad(codeEmptyParam, "missing %s", endName)
	case last <= 0:
		last = first
	}
	begin, end = dayOf(time.Unix(first, 0)), dayOf(time.Unix(last, 0))
	today := dayOf(c.now)
	switch {
	case end < begin:
		in.bad(codeBadParam, "invalid Request Parameter: %s is before %s", endName, beginName)
	case end-begin >= statisticDays:
		in.bad(codeBadParam, "invalid Request Parameter: %s to %s is over %d days", beginName, endName, statisticDays)
	case end >= today:
		in.bad(codeBadParam, "invalid Request Parameter: %s must be yesterday at the latest", endName)
	case begin < today-statisticKept:
		in.bad(codeBadParam, "invalid Request Parameter: %s is over %d days ago", beginName, statisticKept)
	}
	return begin, end
}

// owners reads whose groups are counted; nil means everybody's.
func (c *call) owners() (map[*Staff]bool, *failure) {
	ids := c.in.part("owner_filter").list("userid_list", maxOwners)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	if len(ids) == 0 {
		seen := 0
		for _, u := range c.s.office.staff {
			if u.visible() {
				seen++
			}
		}
		if seen > maxUnfiltered {
			return nil, refuse(codeListTooBig, "request data count exceeds limit")
		}
		return nil, nil
	}
	wanted := map[*Staff]bool{}
	for _, id := range ids {
		u := c.s.office.find(id)
		if u == nil || u.Hidden {
			_, f := c.s.office.seeStaff(id)
			return nil, f
		}
		wanted[u] = true
	}
	return wanted, nil
}

// figures are those of some groups over some days.
type figures struct {
	newChats, chats, chatsWithTalk       int
	newMembers, members, membersWithTalk int
	messages                             int
}

func (f figures) answer() reply {
	return reply{
		"new_chat_cnt": f.newChats, "chat_total": f.chats, "chat_has_msg": f.chatsWithTalk,
		"new_member_cnt": f.newMembers, "member_total": f.members, "member_has_msg": f.membersWithTalk,
		"msg_total": f.messages, "migrate_trainee_chat_cnt": 0,
	}
}

// count adds a group to the figures of the days from begin to end: what is new is counted
// over these days, what there is as of the end of the last of them.
func (f *figures) count(g *group, begin, end int) {
	from, until := dayStart(begin), dayStart(end+1)
	isNew := func(at time.Time) bool { return !at.Before(from) && at.Before(until) }
	if isNew(g.created) {
		f.newChats++
	}
	for _, m := range g.stays {
		if isNew(m.joined) {
			f.newMembers++
		}
	}
	if !g.ended.IsZero() && g.ended.Before(until) {
		return
	}
	f.chats++
	for _, m := range g.stays {
		if m.joined.Before(until) && (m.left.IsZero() || !m.left.Before(until)) {
			f.members++
		}
	}
	messages, voices := g.talk.until(end)
	f.messages += messages
	f.membersWithTalk += voices
	if messages > 0 {
		f.chatsWithTalk++
	}
}

// ownerFigures are the figures of each owner who had a group by the end of a day, in the
// order of the staff. A group counts for who owned it at the end of that day.
func (c *call) ownerFigures(wanted map[*Staff]bool, begin, end int) ([]*Staff, []figures) {
	byOwner := map[*Staff]*figures{}
	for _, g := range c.s.rooms.all {
		u := g.ownerAt(dayStart(end + 1).Add(-1))
		if u == nil || u.Hidden || len(wanted) > 0 && !wanted[u] {
			continue
		}
		if byOwner[u] == nil {
			byOwner[u] = &figures{}
		}
		byOwner[u].count(g, begin, end)
	}
	var owners []*Staff
	var all []figures
	for _, u := range c.s.office.staff {
		if f := byOwner[u]; f != nil {
			owners, all = append(owners, u), append(all, *f)
		}
	}
	return owners, all
}

// countByOwner answers the figures of groups by owner.
// See https://developer.work.weixin.qq.com/document/path/92133
func countByOwner(c *call) (reply, *failure) {
	in := c.in
	begin, end := c.days("day_begin_time", "day_end_time", false)
	order := in.between("order_by", 1, 0, 4) // clients that leave it out send 0
	ascending := in.between("order_asc", 0, 0, 1) == 1
	offset := int(in.between("offset", 0, 0, 1<<31-1))
	limit := int(in.between("limit", 500, 1, 1000))
	wanted, f := c.owners()
	if f != nil {
		return nil, f
	}
	owners, all := c.ownerFigures(wanted, begin, end)
	rank := func(i int) int {
		return []int{all[i].newChats, all[i].newChats, all[i].chats, all[i].newMembers, all[i].members}[order]
	}
	places := make([]int, len(owners))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int {
		if ascending {
			return rank(a) - rank(b)
		}
		return rank(b) - rank(a)
	})
	items := []reply{}
	next := min(offset+limit, len(places))
	for _, i := range places[min(offset, len(places)):next] {
		items = append(items, reply{"owner": owners[i].UserID, "data": all[i].answer()})
	}
	return reply{"total": len(places), "next_offset": next, "items": items}, nil
}

// countByDay answers the figures of groups day by day.
// See https://developer.work.weixin.qq.com/document/path/92133
func countByDay(c *call) (reply, *failure) {
	begin, end := c.days("day_begin_time", "day_end_time", false)
	wanted, f := c.owners()
	if f != nil {
		return nil, f
	}
	items := []reply{}
	for day := begin; day <= end; day++ {
		var sum figures
		for _, g := range c.s.rooms.all {
			u := g.ownerAt(dayStart(day + 1).Add(-1))
			if u != nil && !u.Hidden && (len(wanted) == 0 || wanted[u]) {
				sum.count(g, day, day)
			}
		}
		items = append(items, reply{"stat_time": dayStart(day).Unix(), "data": sum.answer()})
	}
	return reply{"items": items}, nil
}

// countBehavior answers, day by day, what some staff did with their customers outside of
// groups.
// See https://developer.work.weixin.qq.com/document/path/92132
func countBehavior(c *call) (reply, *failure) {
	users, parties := c.in.list("userid", behaviorPeople), c.in.numbers("partyid")
	begin, end := c.days("start_time", "end_time", true)
	if len(parties) > behaviorPeople {
		c.in.bad(codeBadParam, "invalid Request Parameter: partyid has more than %d entries", behaviorPeople)
	}
	if len(users)+len(parties) == 0 {
		c.in.bad(codeEmptyParam, "missing userid or partyid")
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	people, f := c.peopleOf(users, parties)
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for day := begin; day <= end; day++ {
		out = append(out, c.s.behavior(people, day))
	}
	return reply{"behavior_data": out}, nil
}

// peopleOf are the staff that are named and those of the named departments and everything
// below them; of a department only those who deal with customers count.
func (c *call) peopleOf(users []string, parties []int) (map[string]bool, *failure) {
	people := map[string]bool{}
	for _, id := range users {
		u, f := c.seeServer(id)
		if f != nil {
			return nil, f
		}
		people[u.UserID] = true
	}
	for _, id := range parties {
		if c.s.office.department(id) == nil {
			return nil, refuse(codeNoDepartment, "department not found: %d", id)
		}
		for _, d := range c.s.office.below(id) {
			for _, u := range c.s.office.staff {
				if u.Department == d.ID && u.serves() {
					people[u.UserID] = true
				}
			}
		}
	}
	return people, nil
}

// behavior counts one day. Requests are contacts that came about by the member's own doing;
// the share of answered chats and the minutes until the answer are there only if there is
// something to divide by.
func (s *Sandbox) behavior(people map[string]bool, day int) reply {
	chats, messages, opened, replied, applied, added, lost := 0, 0, 0, 0, 0, 0, 0
	var waited time.Duration
	for who, x := range s.exchanges[day] {
		if !people[who.user] {
			continue
		}
		messages += x.sent
		if x.sent > 0 {
			chats++
		}
		if !x.opened.IsZero() {
			opened++
		}
		if !x.replied.IsZero() {
			replied++
			waited += x.replied.Sub(x.opened)
		}
	}
	for _, k := range s.clientele.contacts {
		if !people[k.User] {
			continue
		}
		if !k.ByCustomer.IsZero() && dayOf(k.ByCustomer) == day {
			lost++
		}
		if k.Half || dayOf(k.AddedAt) != day {
			continue
		}
		added++
		if slices.Contains([]int{2, AddWayGroup, 5, 6}, k.AddWay) { // phone, group, phone book, WeChat
			applied++
		}
	}
	out := reply{
		"stat_time": dayStart(day).Unix(), "chat_cnt": chats, "message_cnt": messages,
		"negative_feedback_cnt": lost, "new_apply_cnt": applied, "new_contact_cnt": added,
	}
	if opened > 0 {
		out["reply_percentage"] = float64(replied) * 100 / float64(opened)
	}
	if replied > 0 {
		out["avg_reply_time"] = int(waited / time.Minute / time.Duration(replied))
	}
	return out
}

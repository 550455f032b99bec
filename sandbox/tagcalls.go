package sandbox

import (
	"cmp"
	"math"
	"slices"
)

const (
	codeBadTag    = 40068
	codeTagExists = 40071
	codeManyTags  = 40126
	codeForeign   = 301002
)

func tagAPIs() map[string]api {
	return map[string]api{
		"externalcontact/get_corp_tag_list": write(listTags),
		"externalcontact/add_corp_tag":      write(addTags),
		"externalcontact/edit_corp_tag":     write(editTag),
		"externalcontact/del_corp_tag":      write(deleteTags),
		"externalcontact/mark_tag":          write(markTags),
	}
}

// maxIDs is how many ids the lists of tags take in one call; the platform does not say.
const maxIDs = 3000

// listTags answers all tags; or those of some groups; or some tags. Group ids win over tag
// ids. Deleted ones come, marked, only when ids are given; ids that nobody has are left out.
// See https://developer.work.weixin.qq.com/document/path/92117
func listTags(c *call) (reply, *failure) {
	tags, groups := c.in.list("tag_id", maxIDs), c.in.list("group_id", maxIDs)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	byID := len(tags)+len(groups) > 0
	all := slices.Clone(c.s.tagShelf.groups)
	slices.SortStableFunc(all, func(a, b *tagGroup) int { return cmp.Compare(b.Order, a.Order) })
	out := []reply{}
	for _, g := range all {
		var some []*Tag
		switch {
		case len(groups) > 0 && slices.Contains(groups, g.ID):
			some = g.tags
		case len(groups) == 0 && len(tags) > 0:
			some = slices.DeleteFunc(slices.Clone(g.tags), func(t *Tag) bool { return !slices.Contains(tags, t.ID) })
		case !byID:
			some = livingTags(g.tags)
		}
		if len(some) > 0 {
			out = append(out, g.answer(some, byID))
		}
	}
	return reply{"tag_group": out}, nil
}

// answer is a group with some of its tags as the API shows it.
func (g *tagGroup) answer(tags []*Tag, withDeleted bool) reply {
	inside := []reply{}
	for _, t := range tags {
		one := reply{"id": t.ID, "name": t.Name, "create_time": t.CreatedAt.Unix(), "order": t.Order}
		if withDeleted {
			one["deleted"] = t.Deleted
		}
		inside = append(inside, one)
	}
	out := reply{
		"group_id": g.ID, "group_name": g.Name, "create_time": g.CreatedAt.Unix(), "order": g.Order, "tag": inside,
	}
	if withDeleted {
		out["deleted"] = g.Deleted
	}
	return out
}

// tagOrder reads the place of a tag; nil when it is not given.
func (a args) tagOrder() *int64 {
	n := a.between("order", 0, 0, math.MaxUint32)
	if !a.has("order") {
		return nil
	}
	return &n
}

// tagName reads the name of a tag or group of at most 30 characters.
func (a args) tagName(name string) string { return a.maxChars(name, a.text(name), tagChars) }

// addTags adds tags to a group, which is made unless it exists by id or by name. Names that
// come twice are taken once; a name that the group has is refused. The answer shows the new
// tags alone.
// See https://developer.work.weixin.qq.com/document/path/92117
func addTags(c *call) (reply, *failure) {
	in := c.in
	groupID, groupName := in.text("group_id"), in.tagName("group_name")
	order := in.tagOrder()
	in.numberOrText("agentid", 0)
	var names []string
	orders := map[string]int64{}
	for _, tag := range in.parts("tag") {
		name, order := tag.tagName("name"), tag.tagOrder()
		if name == "" {
			tag.bad(codeEmptyParam, "missing %sname", tag.where)
		}
		if slices.Contains(names, name) {
			continue
		}
		names = append(names, name)
		if order != nil {
			orders[name] = *order
		}
	}
	if len(names) == 0 {
		in.bad(codeEmptyParam, "missing tag: a tag group cannot be empty")
	}
	if groupID == "" && groupName == "" {
		in.bad(codeEmptyParam, "missing group_id or group_name")
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	g, f := c.groupForTags(groupID, groupName, names)
	if f != nil {
		return nil, f
	}
	if g == nil {
		var place int64
		if order != nil {
			place = *order
		}
		g = c.s.newTagGroup(c.now, groupName, place, true)
	}
	made := []*Tag{}
	for _, name := range names {
		made = append(made, c.s.fill(c.now, g, name, orders[name], true))
	}
	return reply{"tag_group": g.answer(made, false)}, nil
}

// groupForTags finds the group that new tags go to, nil if it is to be made.
func (c *call) groupForTags(id, name string, names []string) (*tagGroup, *failure) {
	shelf := &c.s.tagShelf
	g := shelf.named(name)
	if id != "" {
		var t *Tag
		if g, t = shelf.find(id); g == nil || t != nil || g.Deleted {
			return nil, refuse(codeBadTag, "invalid tag group id")
		}
	}
	if g != nil && slices.ContainsFunc(names, g.has) {
		return nil, refuse(codeTagExists, "tag name already exists")
	}
	if shelf.count()+len(names) > maxTags {
		return nil, refuse(codeManyTags, "tag count over limit, at most %d", maxTags)
	}
	return g, nil
}

// editTag changes the name or the place of a tag or a group that the app made.
// See https://developer.work.weixin.qq.com/document/path/92117
func editTag(c *call) (reply, *failure) {
	in := c.in
	id := in.need("id", codeEmptyParam)
	name, order := in.tagName("name"), in.tagOrder()
	in.numberOrText("agentid", 0)
	if f := in.failed(); f != nil {
		return nil, f
	}
	g, t, f := c.ownTag(id)
	if f != nil {
		return nil, f
	}
	if t != nil && name != "" && name != t.Name && g.has(name) {
		return nil, refuse(codeTagExists, "tag name already exists")
	}
	if t == nil && name != "" && name != g.Name && c.s.tagShelf.named(name) != nil {
		return nil, refuse(codeTagExists, "tag group name already exists")
	}
	c.s.editTag(c.now, g, t, name, order)
	return nil, nil
}

// ownTag returns a tag or group that the app may change: t is nil for a group. The platform
// has no code of its own for tags that somebody else made; it answers that the app is not
// theirs.
func (c *call) ownTag(id string) (*tagGroup, *Tag, *failure) {
	g, t := c.s.tagShelf.find(id)
	it := t
	if g != nil && t == nil {
		it = &g.Tag
	}
	switch {
	case it == nil || it.Deleted:
		return nil, nil, refuse(codeBadTag, "invalid tagid")
	case !it.ByApp:
		return nil, nil, refuse(codeForeign, "not allow operate tag created by another app")
	}
	return g, t, nil
}

// deleteTags deletes tags and groups that the app made; if one of them cannot be deleted,
// none is.
// See https://developer.work.weixin.qq.com/document/path/92117
func deleteTags(c *call) (reply, *failure) {
	tags, groups := unique(c.in.list("tag_id", maxIDs)), unique(c.in.list("group_id", maxIDs))
	c.in.numberOrText("agentid", 0)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	if len(tags)+len(groups) == 0 {
		return nil, refuse(codeEmptyParam, "missing tag_id or group_id")
	}
	for i, id := range slices.Concat(tags, groups) {
		_, t, f := c.ownTag(id)
		if f == nil && (t != nil) != (i < len(tags)) {
			f = refuse(codeBadTag, "invalid tagid")
		}
		if f != nil {
			return nil, f
		}
	}
	for _, id := range tags {
		g, t := c.s.tagShelf.tag(id)
		c.s.dropTag(c.now, g, t)
	}
	for _, id := range groups {
		if g, _ := c.s.tagShelf.find(id); !g.Deleted {
			c.s.dropTagGroup(c.now, g)
		}
	}
	return nil, nil
}

// markTags puts tags on a customer of a member of staff and takes others off, and makes the
// event edit_external_contact, also when nothing changes.
// See https://developer.work.weixin.qq.com/document/path/92118
func markTags(c *call) (reply, *failure) {
	in := c.in
	user, customer := in.need("userid", codeNoUserID), in.need("external_userid", codeNoCustomer)
	add, remove := in.list("add_tag", maxIDs), in.list("remove_tag", maxIDs)
	if f := in.failed(); f != nil {
		return nil, f
	}
	if len(add)+len(remove) == 0 {
		return nil, refuse(codeEmptyParam, "missing add_tag or remove_tag")
	}
	u, k, f := c.seeContact(user, customer)
	if f != nil {
		return nil, f
	}
	for _, id := range slices.Concat(add, remove) {
		if _, t := c.s.tagShelf.tag(id); t == nil {
			return nil, refuse(codeBadTag, "invalid tagid: %s", id)
		}
	}
	k.Tags = slices.DeleteFunc(unique(append(k.Tags, add...)), func(id string) bool { return slices.Contains(remove, id) })
	c.s.contactEvent(c.now, u, k, "edit_external_contact", "")
	return nil, nil
}

// shownTags are the tags on a contact as externalcontact/get shows them: the company's, then
// the member's own, which have no id.
func (c *call) shownTags(k *Contact) []reply {
	out := []reply{}
	for _, id := range c.s.tagsOf(k) {
		g, t := c.s.tagShelf.tag(id)
		out = append(out, reply{"group_name": g.Name, "tag_name": t.Name, "tag_id": t.ID, "type": 1})
	}
	for _, name := range k.PersonalTags {
		out = append(out, reply{"group_name": "", "tag_name": name, "type": 2})
	}
	return out
}

// tagFilter is the filter of a mass message: one tag of each group of the list.
type tagFilter [][]string

// readTagFilter reads a filter; a filter without tags is none.
func (c *call) readTagFilter() tagFilter {
	var filter tagFilter
	for _, group := range c.in.part("tag_filter").parts("group_list") {
		if tags := group.list("tag_list", 100); len(tags) > 0 {
			filter = append(filter, tags)
		}
	}
	return filter
}

// passes reports whether a contact has a tag of each group.
func (f tagFilter) passes(s *Sandbox, k *Contact) bool {
	mine := s.tagsOf(k)
	for _, group := range f {
		if !slices.ContainsFunc(group, func(id string) bool { return slices.Contains(mine, id) }) {
			return false
		}
	}
	return true
}

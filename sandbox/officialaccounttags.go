package sandbox

import "slices"

func accountTagAPIs() map[string]api {
	return map[string]api{
		"tags/create":                 accountWrite(createAccountTag),
		"tags/get":                    accountRead(listAccountTags),
		"tags/update":                 accountWrite(renameAccountTag),
		"tags/delete":                 accountWrite(deleteAccountTag),
		"tags/getidlist":              accountWrite(listTagsOfOne),
		"tags/members/batchtagging":   accountWrite(func(c *call) (reply, *failure) { return c.tagFollowers(true) }),
		"tags/members/batchuntagging": accountWrite(func(c *call) (reply, *failure) { return c.tagFollowers(false) }),
		"user/tag/get":                accountWrite(listTagged),
	}
}

func (a *account) tag(id int) *accountTag {
	i := slices.IndexFunc(a.tags, func(t accountTag) bool { return t.id == id })
	if i < 0 {
		return nil
	}
	return &a.tags[i]
}

func (a *account) tagged(id int) []*Follower {
	return a.having(func(f *Follower) bool { return slices.Contains(f.Tags, id) })
}

// accountTagName reads the name of a tag, which no other may have.
func (c *call) accountTagName(in args, own int) string {
	name := in.text("name")
	if name == "" || len(name) > tagNameBytes {
		in.bad(codeTagName, "invalid tag name: %sname must have 1 to %d bytes", in.where, tagNameBytes)
	}
	if slices.ContainsFunc(c.s.account.tags, func(t accountTag) bool { return t.name == name && t.id != own }) {
		in.bad(codeTagTaken, "invalid tag name: %sname is taken", in.where)
	}
	return name
}

// ownAccountTag reads the id of a tag that the account made itself.
func (c *call) ownAccountTag(in args) *accountTag {
	id := in.numberOrText("id", 0)
	t := c.s.account.tag(int(id))
	switch {
	case id >= 0 && id < firstOwnTag:
		in.bad(codeTagSystem, "can't modify sys tag: %sid", in.where)
	case t == nil:
		in.bad(codeTagUnknown, "invalid tag: %sid", in.where)
	}
	return t
}

// createAccountTag makes a tag; there can be a hundred.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/tagmgnt/api_createtag.html
func createAccountTag(c *call) (reply, *failure) {
	name := c.accountTagName(c.in.part("tag"), 0)
	a := &c.s.account
	if len(a.tags) >= maxAccountTags {
		c.in.bad(codeTagTooMany, "create tag too many: at most %d", maxAccountTags)
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	a.lastTag++
	a.tags = append(a.tags, accountTag{id: a.lastTag, name: name})
	return reply{"tag": reply{"id": a.lastTag, "name": name}}, nil
}

// listAccountTags answers all tags and how many people have them.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/tagmgnt/api_gettags.html
func listAccountTags(c *call) (reply, *failure) {
	out := []reply{}
	for _, t := range c.s.account.tags {
		out = append(out, reply{"id": t.id, "name": t.name, "count": len(c.s.account.tagged(t.id))})
	}
	return reply{"tags": out}, nil
}

// renameAccountTag gives a tag another name.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/tagmgnt/api_updatetag.html
func renameAccountTag(c *call) (reply, *failure) {
	in := c.in.part("tag")
	t := c.ownAccountTag(in)
	own := 0
	if t != nil {
		own = t.id
	}
	name := c.accountTagName(in, own)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	t.name = name
	return nil, nil
}

// deleteAccountTag takes a tag away, from the people who have it, too.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/tagmgnt/api_deletetag.html
func deleteAccountTag(c *call) (reply, *failure) {
	t := c.ownAccountTag(c.in.part("tag"))
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	id, a := t.id, &c.s.account
	for _, f := range a.tagged(id) {
		f.Tags = slices.DeleteFunc(f.Tags, func(other int) bool { return other == id })
	}
	a.tags = slices.DeleteFunc(a.tags, func(t accountTag) bool { return t.id == id })
	return nil, nil
}

// listTagsOfOne answers the tags of a person.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/tagmgnt/api_gettagidlist.html
func listTagsOfOne(c *call) (reply, *failure) {
	id := c.in.text("openid")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	f, refused := c.knownOpenID(id)
	if refused != nil {
		return nil, refused
	}
	return reply{"tagid_list": append([]int{}, f.Tags...)}, nil
}

// tagFollowers gives a tag to up to fifty followers or takes it away.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/tagmgnt/api_batchtagging.html
func (c *call) tagFollowers(on bool) (reply, *failure) {
	people := c.knownOpenIDs(batchTag)
	id := int(c.in.numberOrText("tagid", 0))
	if c.s.account.tag(id) == nil {
		c.in.bad(codeTagUnknown, "invalid tag: tagid")
	}
	for _, f := range people {
		switch {
		case !f.Subscribed:
			c.in.bad(codeNotOfThisUser, "not subscribed: openid_list")
		case on && len(f.Tags) >= tagsOfOne && !slices.Contains(f.Tags, id):
			c.in.bad(codeTagOfOne, "tag too many: openid_list has somebody with %d tags", tagsOfOne)
		}
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	for _, f := range people {
		f.Tags = slices.DeleteFunc(f.Tags, func(other int) bool { return other == id })
		if on {
			f.Tags = append(f.Tags, id)
		}
	}
	return nil, nil
}

// listTagged answers those who have a tag, ten thousand a page. The page of the call says GET
// and shows a body; programs send POST, so only that is taken.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/tagmgnt/api_gettagfans.html
func listTagged(c *call) (reply, *failure) {
	id, after := int(c.in.numberOrText("tagid", 0)), c.in.text("next_openid")
	if c.s.account.tag(id) == nil {
		c.in.bad(codeTagUnknown, "invalid tag: tagid")
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	return c.page(c.s.account.tagged(id), after, false)
}

package sandbox

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	followersPage       = 10_000
	batchInfo           = 100
	batchBlock          = 20
	batchTag            = 50
	maxAccountTags      = 100
	tagNameBytes        = 30
	tagsOfOne           = 20
	followerRemarkChars = 30
	starTag             = 2
	firstOwnTag         = 100

	codeTagSystem     = 45058
	codeTagTooMany    = 45056
	codeTagOfOne      = 45059
	codeTagTaken      = 45157
	codeTagName       = 45158
	codeTagUnknown    = 45159
	codeNotOfThisUser = 49003
)

// accountTag is a tag of followers.
type accountTag struct {
	id   int
	name string
}

func accountUserAPIs() map[string]api {
	return map[string]api{
		"user/info":                     accountRead(getAccountUser),
		"user/info/batchget":            accountWrite(getAccountUsers),
		"user/info/updateremark":        accountWrite(remarkAccountUser),
		"user/get":                      accountRead(listFollowers),
		"tags/members/getblacklist":     accountWrite(listBlocked),
		"tags/members/batchblacklist":   accountWrite(func(c *call) (reply, *failure) { return c.block(true) }),
		"tags/members/batchunblacklist": accountWrite(func(c *call) (reply, *failure) { return c.block(false) }),
	}
}

// knownOpenID returns who has an openid, or the refusal for it.
func (c *call) knownOpenID(id string) (*Follower, *failure) {
	if f := c.s.account.byOpenID[id]; f != nil {
		return f, nil
	}
	return nil, refuse(codeBadUser, "invalid openid")
}

// knownOpenIDs reads openid_list, of 1 to most entries.
func (c *call) knownOpenIDs(most int) []*Follower {
	ids := c.in.list("openid_list", most*10)
	if len(ids) == 0 || len(ids) > most {
		c.in.bad(codeUserListLen, "invalid openid list size: openid_list must have 1 to %d entries", most)
	}
	out := []*Follower{}
	for _, id := range ids {
		f, refused := c.knownOpenID(id)
		if refused != nil {
			c.in.bad(refused.code, "%s: openid_list", refused.msg)
			continue
		}
		out = append(out, f)
	}
	return out
}

// info is what the account may know of a person.
func (f *Follower) info(lang string) reply {
	if !f.Subscribed {
		return reply{"subscribe": 0, "openid": f.OpenID, "tagid_list": []int{}}
	}
	out := reply{
		"subscribe": 1, "openid": f.OpenID, "nickname": "", "sex": 0, "language": lang, "city": "", "province": "",
		"country": "", "headimgurl": "", "subscribe_time": f.Since.Unix(), "remark": f.Remark, "groupid": 0,
		"tagid_list": append([]int{}, f.Tags...), "subscribe_scene": f.Scene, "qr_scene": 0, "qr_scene_str": "",
	}
	if len(f.Tags) > 0 {
		out["groupid"] = f.Tags[0]
	}
	if f.UnionID != "" {
		out["unionid"] = f.UnionID
	}
	if f.CodeNumber {
		out["qr_scene"], _ = strconv.ParseInt(f.CodeScene, 10, 64)
	} else {
		out["qr_scene_str"] = f.CodeScene
	}
	return out
}

// language is the language of an answer, which is Chinese unless another is asked for.
func language(asked string) string {
	if slices.Contains([]string{"zh_TW", "en"}, asked) {
		return asked
	}
	return "zh_CN"
}

// getAccountUser answers what the account knows of somebody; since the end of 2021 without
// name and picture, and of those who do not follow nothing.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_userinfo.html
func getAccountUser(c *call) (reply, *failure) {
	f, refused := c.knownOpenID(c.query.Get("openid"))
	if refused != nil {
		return nil, refused
	}
	return f.info(language(c.query.Get("lang"))), nil
}

// getAccountUsers is getAccountUser for up to a hundred people.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_batchuserinfo.html
func getAccountUsers(c *call) (reply, *failure) {
	list := c.in.parts("user_list")
	if len(list) == 0 || len(list) > batchInfo {
		c.in.bad(codeUserListLen, "invalid openid list size: user_list must have 1 to %d entries", batchInfo)
	}
	out := []reply{}
	for _, item := range list {
		id, lang := item.text("openid"), item.text("lang")
		f, refused := c.knownOpenID(id)
		if refused != nil {
			item.bad(refused.code, "%s: %sopenid", refused.msg, item.where)
			continue
		}
		out = append(out, f.info(language(lang)))
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	return reply{"user_info_list": out}, nil
}

// remarkAccountUser sets the name under which the account keeps a follower.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_updateremark.html
func remarkAccountUser(c *call) (reply, *failure) {
	id, remark := c.in.text("openid"), c.in.text("remark")
	if utf8.RuneCountInString(remark) > followerRemarkChars {
		c.in.bad(codeBadArgs, "invalid args: remark has more than %d characters", followerRemarkChars)
	}
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	f, refused := c.knownOpenID(id)
	if refused != nil {
		return nil, refused
	}
	f.Remark = remark
	return nil, nil
}

// page answers a page of openids that begins behind one of them.
func (c *call) page(all []*Follower, after string, total bool) (reply, *failure) {
	from := 0
	if after != "" {
		from = slices.IndexFunc(all, func(f *Follower) bool { return f.OpenID == after }) + 1
		if from == 0 {
			return nil, refuse(codeBadUser, "invalid openid")
		}
	}
	ids := []string{}
	for _, f := range all[from:min(len(all), from+followersPage)] {
		ids = append(ids, f.OpenID)
	}
	out := reply{"count": len(ids), "next_openid": ""}
	if total {
		out["total"] = len(all)
	}
	if len(ids) > 0 {
		out["data"], out["next_openid"] = reply{"openid": ids}, ids[len(ids)-1]
	}
	return out, nil
}

// having returns the people the account knows for which a condition holds.
func (a *account) having(is func(*Follower) bool) []*Follower {
	out := []*Follower{}
	for _, f := range a.followers {
		if is(f) {
			out = append(out, f)
		}
	}
	return out
}

// listFollowers answers those who follow, ten thousand a page.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_getfans.html
func listFollowers(c *call) (reply, *failure) {
	return c.page(c.s.account.having(func(f *Follower) bool { return f.Subscribed }), c.query.Get("next_openid"), true)
}

// listBlocked answers those whom the account has blocked.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_getblacklist.html
func listBlocked(c *call) (reply, *failure) {
	after := c.in.text("begin_openid")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	return c.page(c.s.account.having(func(f *Follower) bool { return f.Blocked }), after, true)
}

// block blocks up to twenty people or ends that; what blocked people write is not pushed.
// See https://developers.weixin.qq.com/doc/service/api/usermanage/userinfo/api_batchblacklist.html
func (c *call) block(blocked bool) (reply, *failure) {
	people := c.knownOpenIDs(batchBlock)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	for _, f := range people {
		f.Blocked = blocked
	}
	return nil, nil
}

package sandbox

import (
	"testing"

	powerway "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/contactWay/request"
	powermass "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/messageTemplate/request"
	powercontact "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/request"
	powertag "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/tag/request"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
)

func contactFamilies() []sdkFamily {
	return []sdkFamily{
		{"contacts, PowerWeChat", powerContacts}, {"contacts, silenceper", silentContacts},
		{"contact ways, PowerWeChat", powerContactWays}, {"contact ways, silenceper", silentContactWays},
		{"tags, PowerWeChat", powerTags}, {"tags, silenceper", silentTags},
	}
}

// friends makes two customers of wang's, the second of them li's too.
func (r *rig) friends() (string, string) {
	p := r.customers(2)
	for _, k := range [][2]string{{"wang", p[0]}, {"wang", p[1]}, {"li", p[1]}} {
		got[Contact](r.t)(r.AddContact(k[0], k[1], Via{AddWay: AddWayCard}))
	}
	return p[0], p[1]
}

func powerContacts(t *testing.T, r *rig) {
	c := r.power.ExternalContact
	a, b := r.friends()
	users, err := c.GetFollowUsers(r.ctx)
	answered(t, users, err)
	same(t, "follow users", users.FollowUser, []string{"wang", "li", "zhao"})
	list, err := c.List(r.ctx, "wang")
	answered(t, list, err)
	same(t, "customers", list.ExternalUserID, []string{a, b})
	none, err := c.List(r.ctx, "zhao")
	must(t, err)
	same(t, "errcode for no customers", none.ErrCode, codeNoRelation)

	remarked, err := c.Remark(r.ctx, &powercontact.RequestExternalContactRemark{
		UserID: "wang", ExternalUserID: b, Remark: "老顾客 <&>", Description: "爱吃鱼", RemarkCompany: "鱼行", RemarkMobiles: []string{"13900000000"},
	})
	answered(t, remarked, err)
	one, err := c.Get(r.ctx, b, "")
	answered(t, one, err)
	same(t, "customer", [2]any{one.ExternalContact.ExternalUserID, one.ExternalContact.Type}, [2]any{b, 1})
	same(t, "followers", [2]string{one.FollowUsers[0].UserID, one.FollowUsers[1].UserID}, [2]string{"wang", "li"})
	f := one.FollowUsers[0]
	same(t, "remarks", []string{f.Remark, f.Description, f.RemarkCorpName, f.RemarkMobiles[0]}, []string{"老顾客 <&>", "爱吃鱼", "鱼行", "13900000000"})
	same(t, "way", [2]int{f.AddWay, f.CreateTime}, [2]int{AddWayCard, int(r.clock.Now().Unix())})

	var seen []string
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		batch, err := c.BatchGet(r.ctx, []string{"wang", "li"}, cursor, 2)
		answered(t, batch, err)
		for _, k := range batch.ExternalContactList {
			seen = append(seen, k.FollowInfo.UserID+" "+k.ExternalContact.ExternalUserID)
		}
		cursor = batch.NextCursor
	}
	same(t, "contacts page by page", seen, []string{"wang " + a, "wang " + b, "li " + b})
}

func silentContacts(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	a, b := r.friends()
	same(t, "follow users", got[[]string](t)(c.GetFollowUserList()), []string{"wang", "li", "zhao"})
	same(t, "customers", got[[]string](t)(c.GetExternalUserList("wang")), []string{a, b})
	_, err := c.GetExternalUserList("zhao")
	refused(t, err, codeNoRelation)

	remark := silent.UpdateUserRemarkRequest{
		UserID: "wang", ExternalUserID: b, Remark: "老顾客", Description: "爱吃鱼", RemarkCompany: "鱼行", RemarkMobiles: []string{"13900000000"},
	}
	must(t, c.UpdateUserRemark(remark))
	// It writes & as \u0026 in this call, which the platform does not read.
	remark.Remark = "鱼&虾"
	refused(t, c.UpdateUserRemark(remark), codeEscaped)
	one := got[*silent.ExternalUserDetailResponse](t)(c.GetExternalUserDetail(b))
	same(t, "customer", [2]any{one.ExternalContact.ExternalUserID, one.ExternalContact.Type}, [2]any{b, int64(1)})
	same(t, "followers", [2]string{one.FollowUser[0].UserID, one.FollowUser[1].UserID}, [2]string{"wang", "li"})
	f := one.FollowUser[0]
	same(t, "remarks", []string{f.Remark, f.Description, f.RemarkCorpName, f.RemarkMobiles[0]}, []string{"老顾客", "爱吃鱼", "鱼行", "13900000000"})
	same(t, "way", [2]int64{f.AddWay, f.CreateTime}, [2]int64{AddWayCard, r.clock.Now().Unix()})

	var seen []string
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		some, next, err := c.BatchGetExternalUserDetails(silent.BatchGetExternalUserDetailsRequest{UserIDList: []string{"wang", "li"}, Cursor: cursor, Limit: 2})
		must(t, err)
		for _, k := range some {
			seen = append(seen, k.FollowInfo.UserID+" "+k.ExternalContact.ExternalUserID)
		}
		cursor = next
	}
	same(t, "contacts page by page", seen, []string{"wang " + a, "wang " + b, "li " + b})
}

func powerContactWays(t *testing.T, r *rig) {
	c := r.power.ExternalContactContactWay
	added, err := c.Add(r.ctx, &powerway.RequestAddContactWay{Type: 2, Scene: 2, Style: 1, Remark: "门口", SkipVerify: true, State: "door", User: []string{"wang", "li"}})
	answered(t, added, err)
	k := got[Contact](t)(r.AddContact("li", r.customers(1)[0], Via{ConfigID: added.ConfigID}))
	same(t, "state of who scanned it", k.State, "door")
	way, err := c.Get(r.ctx, added.ConfigID)
	answered(t, way, err)
	same(t, "way", []any{way.ContactWay.Remark, way.ContactWay.Type, way.ContactWay.QrCode, way.ContactWay.User},
		[]any{"门口", 2, added.QRCode, []string{"wang", "li"}})

	updated, err := c.Update(r.ctx, &powerway.RequestUpdateContactWay{ConfigID: added.ConfigID, Remark: "窗口", State: "window", User: []string{"zhao"}})
	answered(t, updated, err)
	same(t, "updated", r.ContactWays()[0].State+" "+r.ContactWays()[0].Users[0], "window zhao")
	list, err := c.List(r.ctx, &powerway.RequestListContactWay{StartTime: r.clock.Now().Unix() - 1, EndTime: r.clock.Now().Unix() + 1, Limit: 10})
	answered(t, list, err)
	same(t, "listed", list.ContactWayIDs[0].ConfigID, added.ConfigID)
	deleted, err := c.Delete(r.ctx, added.ConfigID)
	answered(t, deleted, err)
	same(t, "ways left", len(r.ContactWays()), 0)

	p := r.customers(1)[0]
	temp, err := c.Add(r.ctx, &powerway.RequestAddContactWay{Type: 1, Scene: 2, User: []string{"wang"}, IsTemp: true, ChatExpiresIn: 3600, Conclusions: &powerway.Conclusions{
		Text: &powermass.TextOfMessage{Content: "再见"}, Link: &powermass.Link{Title: "下次", URL: "https://e.com"}}})
	answered(t, temp, err)
	got[Contact](t)(r.AddContact("", p, Via{ConfigID: temp.ConfigID}))
	read, err := c.Get(r.ctx, temp.ConfigID)
	answered(t, read, err)
	w := read.ContactWay
	same(t, "temporary way", []any{w.IsTemp, w.ChatExpiresIn, w.Conclusions.Text.Content, w.Conclusions.Link.URL}, []any{true, 3600, "再见", "https://e.com"})
	closed, err := c.CloseTempChat(r.ctx, "wang", p)
	answered(t, closed, err)
	same(t, "the chat ended", r.Contacts()[1].ByStaff.IsZero(), false)
}

func silentContactWays(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	added := got[*silent.AddContactWayResponse](t)(c.AddContactWay(&silent.AddContactWayRequest{
		Type: 2, Scene: 2, Style: 1, Remark: "门口", SkipVerify: true, State: "door", User: []string{"wang", "li"}, MarkSource: true}))
	k := got[Contact](t)(r.AddContact("li", r.customers(1)[0], Via{ConfigID: added.ConfigID}))
	same(t, "state of who scanned it", k.State, "door")
	way := got[*silent.GetContactWayResponse](t)(c.GetContactWay(&silent.GetContactWayRequest{ConfigID: added.ConfigID})).ContactWay
	same(t, "way", []any{way.Remark, way.Type, way.QrCode, way.User, way.MarkSource}, []any{"门口", 2, added.QrCode, []string{"wang", "li"}, true})

	got[*silent.UpdateContactWayResponse](t)(c.UpdateContactWay(&silent.UpdateContactWayRequest{ConfigID: added.ConfigID, Remark: "窗口", State: "window", User: []string{"zhao"}}))
	same(t, "updated", r.ContactWays()[0].State+" "+r.ContactWays()[0].Users[0], "window zhao")
	now := int(r.clock.Now().Unix())
	list := got[*silent.ListContactWayResponse](t)(c.ListContactWay(&silent.ListContactWayRequest{StartTime: now - 1, EndTime: now + 1, Limit: 10}))
	same(t, "listed", list.ContactWay[0].ConfigID, added.ConfigID)
	got[*silent.DelContactWayResponse](t)(c.DelContactWay(&silent.DelContactWayRequest{ConfigID: added.ConfigID}))
	same(t, "ways left", len(r.ContactWays()), 0)

	p := r.customers(1)[0]
	temp := got[*silent.AddContactWayResponse](t)(c.AddContactWay(&silent.AddContactWayRequest{Type: 1, Scene: 2, User: []string{"wang"}, IsTemp: true, ChatExpiresIn: 3600,
		Conclusions: silent.ConclusionsRequest{Text: silent.ConclusionsText{Content: "再见"}, Link: silent.ConclusionsLink{Title: "下次", URL: "https://e.com"}}}))
	got[Contact](t)(r.AddContact("", p, Via{ConfigID: temp.ConfigID}))
	w := got[*silent.GetContactWayResponse](t)(c.GetContactWay(&silent.GetContactWayRequest{ConfigID: temp.ConfigID})).ContactWay
	same(t, "temporary way", []any{w.IsTemp, w.ChatExpiresIn, w.Conclusions.Text.Content, w.Conclusions.Link.URL}, []any{true, 3600, "再见", "https://e.com"})
	must(t, c.CloseTempChat(&silent.CloseTempChatRequest{UserID: "wang", ExternalUserID: p}))
	same(t, "the chat ended", r.Contacts()[1].ByStaff.IsZero(), false)
}

func powerTags(t *testing.T, r *rig) {
	c := r.power.ExternalContactTag
	a, _ := r.friends()
	added, err := c.AddCorpTag(r.ctx, &powertag.RequestTagAddCorpTag{GroupName: "口味", Order: 1, Tag: []powertag.RequestTagAddCorpTagFieldTag{{Name: "甜", Order: 2}, {Name: "辣 & 麻", Order: 1}}})
	answered(t, added, err)
	sweet, hot := added.TagGroups.Tags[0].ID, added.TagGroups.Tags[1].ID
	marked, err := c.MarkTag(r.ctx, &powertag.RequestTagMarkTag{UserID: "wang", ExternalUserID: a, AddTag: []string{sweet, hot}})
	answered(t, marked, err)
	edited, err := c.EditCorpTag(r.ctx, &powertag.RequestTagEditCorpTag{ID: hot, Name: "很辣", Order: 1})
	answered(t, edited, err)
	one, err := r.power.ExternalContact.Get(r.ctx, a, "")
	answered(t, one, err)
	tags := one.FollowUsers[0].Tags
	same(t, "tags of the customer", []any{tags[0].TagName, tags[1].TagName, tags[1].GroupName, tags[1].TagID, tags[1].Type}, []any{"甜", "很辣", "口味", hot, 1})
	batch, err := r.power.ExternalContact.BatchGet(r.ctx, []string{"wang"}, "", 1)
	answered(t, batch, err)
	same(t, "tags in the batch", batch.ExternalContactList[0].FollowInfo.TagIDs, []string{sweet, hot})
	deleted, err := c.DelCorpTag(r.ctx, &powertag.RequestTagDelCorpTag{TagID: []string{sweet}})
	answered(t, deleted, err)
	list, err := c.GetCorpTagList(r.ctx, nil, nil)
	answered(t, list, err)
	g := list.TagGroups[0]
	same(t, "listed", []any{len(list.TagGroups), g.GroupName, g.Order, len(g.Tags), g.Tags[0].ID, g.Tags[0].Name}, []any{1, "口味", 1, 1, hot, "很辣"})
	named, err := c.GetCorpTagList(r.ctx, []string{sweet}, nil)
	answered(t, named, err)
	same(t, "the deleted one by its id", named.TagGroups[0].Tags[0].Deleted, true)
}

func silentTags(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	a, _ := r.friends()
	added := got[*silent.TagGroup](t)(c.AddCropTag(silent.AddCropTagRequest{GroupName: "口味", Order: 1, Tag: []silent.AddCropTagItem{{Name: "甜", Order: 2}, {Name: "辣", Order: 1}}, AgentID: DefaultAgentID}))
	sweet, hot := added.Tag[0].ID, added.Tag[1].ID
	must(t, c.MarkTag(silent.MarkTagRequest{UserID: "wang", ExternalUserID: a, AddTag: []string{sweet, hot}}))
	// It names the agent agent_id in these two, which nobody reads.
	must(t, c.EditCropTag(silent.EditCropTagRequest{ID: hot, Name: "很辣", Order: 1, AgentID: "1"}))
	one := got[*silent.ExternalUserDetailResponse](t)(c.GetExternalUserDetail(a))
	same(t, "tags of the customer", one.FollowUser[0].Tags, []silent.Tag{
		{GroupName: "口味", TagName: "甜", TagID: sweet, Type: 1}, {GroupName: "口味", TagName: "很辣", TagID: hot, Type: 1}})
	must(t, c.DeleteCropTag(silent.DeleteCropTagRequest{TagID: []string{sweet}, AgentID: "1"}))
	now := r.clock.Now().Unix()
	// It looks for the order of a group under group_order and finds none.
	same(t, "listed", got[[]silent.TagGroup](t)(c.GetCropTagList(silent.GetCropTagRequest{})), []silent.TagGroup{
		{GroupID: added.GroupID, GroupName: "口味", CreateTime: now, Tag: []silent.TagGroupTagItem{{ID: hot, Name: "很辣", CreateTime: now, Order: 1}}}})
	named := got[[]silent.TagGroup](t)(c.GetCropTagList(silent.GetCropTagRequest{TagID: []string{sweet}}))
	same(t, "the deleted one by its id", named[0].Tag[0].Deleted, true)
}

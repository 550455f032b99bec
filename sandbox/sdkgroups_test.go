package sandbox

import (
	"testing"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel/power"
	powergroup "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/groupChat/request"
	powertransfer "github.com/ArtisanCloud/PowerWeChat/v3/src/work/externalContact/transfer/request"
	silent "github.com/silenceper/wechat/v2/work/externalcontact"
)

func groupFamilies() []sdkFamily {
	return []sdkFamily{
		{"groups, PowerWeChat", powerGroups}, {"groups, silenceper", silentGroups},
		{"join ways, PowerWeChat", powerJoinWays}, {"join ways, silenceper", silentJoinWays},
		{"group transfers, PowerWeChat", powerGroupTransfers}, {"group transfers, silenceper", silentGroupTransfers},
	}
}

// busyGroup is a group of wang's with li as admin, a customer whom wang invited and one who
// came by a code with a state.
func (r *rig) busyGroup() (chat, invited, scanned string) {
	r.t.Helper()
	chat = r.group("早市群")
	must(r.t, r.SetAdmins(chat, "li"))
	must(r.t, r.SetNotice(chat, "每天十点"))
	p := r.customers(2)
	r.invite(chat, p[0])
	way := r.ok("externalcontact/groupchat/add_join_way", map[string]any{"scene": 2, "chat_id_list": []string{chat}, "state": "poster"})
	got[string](r.t)(r.Join("", p[1], How{ConfigID: way["config_id"].(string)}))
	return chat, p[0], p[1]
}

func powerGroups(t *testing.T, r *rig) {
	c := r.power.ExternalContactGroupChat
	chat, invited, scanned := r.busyGroup()
	other := got[string](t)(r.CreateGroup("li", "夜市群"))
	var seen []string
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		list, err := c.List(r.ctx, &powergroup.RequestGroupChatList{Cursor: cursor, Limit: 1})
		answered(t, list, err)
		seen = append(seen, list.GroupChatList[0].ChatID)
		cursor = list.NextCursor
	}
	same(t, "groups page by page", seen, []string{chat, other})
	list, err := c.List(r.ctx, &powergroup.RequestGroupChatList{OwnerFilter: &power.HashMap{"userid_list": []string{"li"}}, Limit: 10})
	answered(t, list, err)
	same(t, "groups of one owner", []any{len(list.GroupChatList), list.GroupChatList[0].ChatID}, []any{1, other})

	detail, err := c.Get(r.ctx, chat, 1)
	answered(t, detail, err)
	g, want := detail.GroupChat, got[Group](t)(r.Group(chat))
	same(t, "group", []any{g.Name, g.Owner, g.Notice, g.MemberVersion, g.AdminList[0].UserID, g.CreateTime},
		[]any{"早市群", "wang", "每天十点", want.Version, "li", int(want.CreatedAt.Unix())})
	same(t, "members", len(g.MemberList), 4)
	guest, poster := g.MemberList[2], g.MemberList[3]
	same(t, "who was invited", []any{guest.UserID, guest.Type, guest.JoinScene, guest.Invitor.UserID, guest.Name, guest.UnionID},
		[]any{invited, 2, SceneDirect, "wang", "顾客", r.Customers()[0].UnionID})
	same(t, "who scanned", []any{poster.UserID, poster.JoinScene, poster.State, poster.Invitor == nil}, []any{scanned, SceneQR, "poster", true})
}

func silentGroups(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	chat, invited, scanned := r.busyGroup()
	other := got[string](t)(r.CreateGroup("li", "夜市群"))
	var seen []string
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		list := got[*silent.GroupChatListResponse](t)(c.GetGroupChatList(&silent.GroupChatListRequest{Cursor: cursor, Limit: 1}))
		seen = append(seen, list.GroupChatList[0].ChatID)
		cursor = list.NextCursor
	}
	same(t, "groups page by page", seen, []string{chat, other})
	list := got[*silent.GroupChatListResponse](t)(c.GetGroupChatList(&silent.GroupChatListRequest{OwnerFilter: silent.OwnerFilter{UseridList: []string{"li"}}, Limit: 10}))
	same(t, "groups of one owner", list.GroupChatList, []silent.GroupChatList{{ChatID: other}})

	g := got[*silent.GroupChatDetailResponse](t)(c.GetGroupChatDetail(&silent.GroupChatDetailRequest{ChatID: chat, NeedName: 1})).GroupChat
	want := got[Group](t)(r.Group(chat))
	same(t, "group", []any{g.Name, g.Owner, g.Notice, g.MemberVersion, g.AdminList[0].UserID, g.CreateTime},
		[]any{"早市群", "wang", "每天十点", want.Version, "li", want.CreatedAt.Unix()})
	now := int(r.clock.Now().Unix())
	same(t, "members", g.MemberList[2:], []silent.GroupChatMember{
		{UserID: invited, Type: 2, JoinTime: now, JoinScene: SceneDirect, Invitor: silent.Invitor{UserID: "wang"}, Name: "顾客", UnionID: r.Customers()[0].UnionID},
		{UserID: scanned, Type: 2, JoinTime: now, JoinScene: SceneQR, Name: "顾客", UnionID: r.Customers()[1].UnionID, State: "poster"},
	})
}

func powerJoinWays(t *testing.T, r *rig) {
	c := r.power.ExternalContactGroupChat
	chat := r.group("一群")
	added, err := c.AddJoinWay(r.ctx, &powergroup.RequestAddJoinWay{Scene: 2, Remark: "海报", AutoCreateRoom: 1, RoomBaseName: "分群", RoomBaseId: 7, ChatIdList: []string{chat}, State: "poster"})
	answered(t, added, err)
	way, err := c.GetJoinWay(r.ctx, &powergroup.RequestGetJoinWay{ConfigId: added.ConfigId})
	answered(t, way, err)
	w := way.JoinWay
	same(t, "way", []any{w.ConfigId, w.Scene, w.Remark, w.AutoCreateRoom, w.RoomBaseName, w.RoomBaseId, w.ChatIdList, w.State},
		[]any{added.ConfigId, 2, "海报", 1, "分群", 7, []string{chat}, "poster"})
	p := r.customers(2)
	same(t, "where it leads", got[string](t)(r.Join("", p[0], How{ConfigID: added.ConfigId})), chat)
	updated, err := c.UpdateJoinWay(r.ctx, &powergroup.RequestUpdateJoinWay{ConfigId: added.ConfigId, Scene: 2, ChatIdList: []string{chat}, State: "flyer"})
	answered(t, updated, err)
	// It always sends auto_create_room, so that the platform's default of 1 never counts.
	same(t, "updated", []any{r.JoinWays()[0].State, r.JoinWays()[0].AutoCreate, r.JoinWays()[0].BaseName}, []any{"flyer", false, ""})
	deleted, err := c.DelJoinWay(r.ctx, &powergroup.RequestDelJoinWay{ConfigId: added.ConfigId})
	answered(t, deleted, err)
	if _, err := r.Join("", p[1], How{ConfigID: added.ConfigId}); err == nil {
		t.Error("a deleted way still leads somewhere")
	}
}

func silentJoinWays(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	chat := r.group("一群")
	added := got[*silent.AddJoinWayResponse](t)(c.AddJoinWay(&silent.AddJoinWayRequest{
		Scene: 2, Remark: "海报", AutoCreateRoom: 1, RoomBaseName: "分群", RoomBaseID: 7, ChatIDList: []string{chat}, State: "poster", MarkSource: true}))
	way := got[*silent.GetJoinWayResponse](t)(c.GetJoinWay(&silent.JoinWayConfigRequest{ConfigID: added.ConfigID})).JoinWay
	same(t, "way", way, silent.JoinWay{ConfigID: added.ConfigID, Scene: 2, Remark: "海报", AutoCreateRoom: 1, RoomBaseName: "分群", RoomBaseID: 7,
		ChatIDList: []string{chat}, QrCode: way.QrCode, State: "poster", MarkSource: true})
	p := r.customers(2)
	same(t, "where it leads", got[string](t)(r.Join("", p[0], How{ConfigID: added.ConfigID})), chat)
	must(t, c.UpdateJoinWay(&silent.UpdateJoinWayRequest{ConfigID: added.ConfigID, Scene: 2, ChatIDList: []string{chat}, State: "flyer"}))
	same(t, "updated", []any{r.JoinWays()[0].State, r.JoinWays()[0].AutoCreate, r.JoinWays()[0].BaseName}, []any{"flyer", false, ""})
	must(t, c.DelJoinWay(&silent.JoinWayConfigRequest{ConfigID: added.ConfigID}))
	if _, err := r.Join("", p[1], How{ConfigID: added.ConfigID}); err == nil {
		t.Error("a deleted way still leads somewhere")
	}
}

func powerGroupTransfers(t *testing.T, r *rig) {
	orphan, other := r.group("一群"), got[string](t)(r.CreateGroup("li", "二群"))
	second := r.group("三群")
	must(t, r.Resign("wang"))
	out, err := r.power.ExternalContactTransfer.GroupChatTransfer(r.ctx, &powertransfer.RequestGroupChatTransfer{ChatIDList: []string{orphan, other}, NewOwner: "zhao"})
	answered(t, out, err)
	same(t, "failures", []any{len(out.Customer), (*out.Customer[0])["chat_id"], (*out.Customer[0])["errcode"]}, []any{1, other, float64(codeNotGone)})
	same(t, "owner", got[Group](t)(r.Group(orphan)).Owner, "zhao")
	again, err := r.power.ExternalContact.TransferGroupChat(r.ctx, []string{second, other}, "zhao")
	answered(t, again, err)
	same(t, "failures", []any{len(again.ExternalContactList), again.ExternalContactList[0].ChatID, again.ExternalContactList[0].ErrCode}, []any{1, other, codeNotGone})
	same(t, "owner", got[Group](t)(r.Group(second)).Owner, "zhao")
}

func silentGroupTransfers(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	orphan, other := r.group("一群"), got[string](t)(r.CreateGroup("li", "二群"))
	must(t, r.Resign("wang"))
	chats := []string{orphan, other}
	onJob := got[*silent.GroupChatOnJobTransferResponse](t)(c.GroupChatOnJobTransfer(&silent.GroupChatOnJobTransferRequest{ChatIDList: chats, NewOwner: "zhao"}))
	same(t, "failures on the job", []any{len(onJob.FailedChatList), onJob.FailedChatList[0].ChatID, onJob.FailedChatList[0].ErrCode}, []any{1, orphan, codeOwnerGone})
	out := got[*silent.GroupChatTransferResponse](t)(c.GroupChatTransfer(&silent.GroupChatTransferRequest{ChatIDList: chats, NewOwner: "zhao"}))
	same(t, "failures", []any{len(out.FailedChatList), out.FailedChatList[0].ChatID, out.FailedChatList[0].ErrCode}, []any{1, other, codeSameOwner})
	for _, chat := range chats {
		same(t, "owner", got[Group](t)(r.Group(chat)).Owner, "zhao")
	}
}

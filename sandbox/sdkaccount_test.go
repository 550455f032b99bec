package sandbox

import (
	"testing"

	silentdirectory "github.com/silenceper/wechat/v2/work/addresslist"
)

func accountFamilies() []sdkFamily {
	return []sdkFamily{
		{"directory, PowerWeChat", powerDirectory}, {"directory, silenceper", silentDirectory},
		{"token, PowerWeChat", powerToken}, {"token, silenceper", silentToken},
	}
}

// branch is a shop with a cashier.
func (r *rig) branch() {
	must(r.t, r.AddDepartment(Department{ID: 7, Name: "门店"}))
	must(r.t, r.AddStaff(Staff{UserID: "Qian", Name: "钱收银", Department: 7, Position: "收银", Mobile: "13800000007"}))
}

func powerDirectory(t *testing.T, r *rig) {
	r.branch()
	agent, err := r.power.Agent.Get(r.ctx, DefaultAgentID)
	answered(t, agent, err)
	same(t, "agent", []any{agent.AgentID, agent.AllowParty.PartyID}, []any{DefaultAgentID, []int{1}})
	user, err := r.power.User.Get(r.ctx, "qian")
	must(t, err) // its answer has two fields errcode, so there is nothing to check
	same(t, "user", []any{user.UserID, user.Name, user.Position, user.MainDepartment, user.Status}, []any{"Qian", "钱收银", "收银", 7, 1})
	users, err := r.power.User.GetDepartmentUsers(r.ctx, 7, 0)
	answered(t, users, err)
	same(t, "users of the shop", []any{len(users.UserList), users.UserList[0].UserID, users.UserList[0].Department}, []any{1, "Qian", []int{7}})
	all, err := r.power.Department.List(r.ctx, 1)
	answered(t, all, err)
	same(t, "departments", []any{len(all.Departments), all.Departments[1].ID, all.Departments[1].Name, all.Departments[1].ParentID}, []any{2, 7, "门店", 1})
	shop, err := r.power.Department.Get(r.ctx, 7)
	answered(t, shop, err)
	same(t, "the shop", []any{shop.Department.ID, shop.Department.Name}, []any{7, "门店"})
	ids, err := r.power.Department.SimpleList(r.ctx, 7)
	answered(t, ids, err)
	same(t, "ids below the shop", []any{len(ids.DepartmentIDs), ids.DepartmentIDs[0].ID, ids.DepartmentIDs[0].ParentID}, []any{1, 7, 1})

	r.powerOtherIDs()

	var seen []string
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		some, err := r.powerDirectory.User.ListID(r.ctx, cursor, 3)
		answered(t, some, err)
		for _, u := range some.DeptUser {
			seen = append(seen, u.UserID)
		}
		cursor = some.NextCursor
	}
	same(t, "everybody page by page", seen, []string{"wang", "li", "zhao", "Qian"})
	with, err := r.power.User.ListID(r.ctx, "", 3)
	must(t, err)
	same(t, "errcode with the app's token", with.ErrCode, codeNoRight)
}

// powerOtherIDs finds members of staff by what else they have.
func (r *rig) powerOtherIDs() {
	t, c := r.t, r.power.User
	open, err := c.UserIdToOpenID(r.ctx, "qian")
	answered(t, open, err)
	user, err := c.OpenIDToUserID(r.ctx, open.OpenID)
	answered(t, user, err)
	same(t, "user by openid", user.UserID, "Qian")
	found, err := c.MobileToUserID(r.ctx, "13800000007")
	answered(t, found, err)
	same(t, "user by mobile", found.UserID, "Qian")
	all, err := c.GetDetailedDepartmentUsers(r.ctx, 7, 0)
	answered(t, all, err)
	same(t, "users in detail", []any{len(all.UserList), all.UserList[0].UserID, all.UserList[0].Position}, []any{1, "Qian", "收银"})
}

func silentDirectory(t *testing.T, r *rig) {
	r.branch()
	c := r.silent.GetAddressList()
	user := got[*silentdirectory.UserGetResponse](t)(c.UserGet("qian"))
	same(t, "user", []any{user.UserID, user.Name, user.Position, user.MainDepartment, user.Status}, []any{"Qian", "钱收银", "收银", 7, 1})
	users := got[[]*silentdirectory.UserList](t)(c.UserSimpleList(7))
	same(t, "users of the shop", []any{len(users), users[0].UserID, users[0].Department}, []any{1, "Qian", []int{7}})
	open := got[string](t)(c.ConvertToOpenID("qian"))
	same(t, "user by openid", got[string](t)(c.ConvertToUserID(open)), "Qian")
	found := got[*silentdirectory.GetUseridResponse](t)(c.GetUserid(&silentdirectory.GetUseridRequest{Mobile: "13800000007"}))
	same(t, "user by mobile", found.Userid, "Qian")
	all := got[[]*silentdirectory.Department](t)(c.DepartmentList())
	same(t, "departments", []any{len(all), all[1].ID, all[1].Name, all[1].ParentID}, []any{2, 7, "门店", 1})
	some := got[[]*silentdirectory.Department](t)(c.DepartmentListByID(7))
	same(t, "departments below the shop", []any{len(some), some[0].ID}, []any{1, 7})
	shop := got[*silentdirectory.Department](t)(c.DepartmentGet(7))
	same(t, "the shop", []any{shop.ID, shop.Name}, []any{7, "门店"})
	ids := got[[]*silentdirectory.DepartmentID](t)(c.DepartmentSimpleList(7))
	same(t, "ids below the shop", []any{len(ids), ids[0].ID, ids[0].ParentID}, []any{1, 7, 1})

	var seen []string
	for cursor, page := "", 0; page == 0 || cursor != ""; page++ {
		some := got[*silentdirectory.UserListIDResponse](t)(r.silentDir.GetAddressList().UserListID(&silentdirectory.UserListIDRequest{Cursor: cursor, Limit: 3}))
		for _, u := range some.DeptUser {
			seen = append(seen, u.UserID)
		}
		cursor = some.NextCursor
	}
	same(t, "everybody page by page", seen, []string{"wang", "li", "zhao", "Qian"})
	_, err := c.UserListID(&silentdirectory.UserListIDRequest{Limit: 3})
	refused(t, err, codeNoRight)
}

func powerToken(t *testing.T, r *rig) {
	ips, err := r.power.Base.GetCallbackIP(r.ctx)
	answered(t, ips, err)
	same(t, "callback addresses", len(ips.IPList) > 0, true)
	r.RevokeTokens()
	before := r.Calls("gettoken")
	ips2, err := r.power.Base.GetAPIDomainIP(r.ctx)
	answered(t, ips2, err)
	same(t, "API addresses", len(ips2.IPList) > 0, true)
	same(t, "tokens fetched after the old one was revoked", r.Calls("gettoken")-before, 1)
}

func silentToken(t *testing.T, r *rig) {
	c := r.silent.GetExternalContact()
	got[[]string](t)(c.GetFollowUserList())
	before := r.Calls("gettoken")
	got[[]string](t)(c.GetFollowUserList())
	same(t, "tokens fetched for the second call", r.Calls("gettoken")-before, 0)
	r.RevokeTokens()
	_, err := c.GetFollowUserList() // it keeps the token that was refused
	refused(t, err, codeBadToken)
}

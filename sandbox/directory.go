package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

const (
	codeBadAgent       = 40056
	codeNoWeChat       = 43004
	codeNotFound       = 46004
	codeNoAgent        = 41011
	codeNoDepartment   = 60123
	codeNoDepartmentID = 41019
	maxUserIDs         = 10_000
)

func directoryAPIs() map[string]api {
	either := func(do func(*call) (reply, *failure)) api {
		return api{method: http.MethodGet, token: anyToken, do: do}
	}
	return map[string]api{
		"agent/get":              read(getAgent),
		"user/get":               either(getUser),
		"user/simplelist":        either(listUsers),
		"user/list_id":           {method: http.MethodPost, token: directoryToken, do: listUserIDs},
		"user/list":              either(listUserDetails),
		"user/getuserid":         write(userOfMobile),
		"user/convert_to_openid": write(openIDOfUser),
		"user/convert_to_userid": write(userOfOpenID),
		"department/list":        either(listDepartments),
		"department/simplelist":  either(listDepartmentIDs),
		"department/get":         either(getDepartment),
	}
}

// getAgent answers the app and whom it may see: department 1 if that is everybody, else the
// visible staff one by one.
// See https://developer.work.weixin.qq.com/document/path/90227
func getAgent(c *call) (reply, *failure) {
	id := c.query.Get("agentid")
	if id == "" {
		return nil, refuse(codeNoAgent, "missing agentid")
	}
	if id != strconv.FormatInt(c.s.cfg.AgentID, 10) {
		return nil, refuse(codeBadAgent, "invalid agentid")
	}
	users, parties := []reply{}, []int{}
	if c.s.office.allVisible() {
		parties = append(parties, rootDepartment)
	} else {
		for _, u := range c.s.office.staff {
			if u.visible() {
				users = append(users, reply{"userid": u.UserID})
			}
		}
	}
	return reply{
		"agentid": c.s.cfg.AgentID, "name": "群运营助手", "description": "", "close": 0,
		"square_logo_url": c.s.cfg.PublicURL + "/sandbox/qr/logo",
		"allow_userinfos": reply{"user": users},
		"allow_partys":    reply{"partyid": parties},
		"allow_tags":      reply{"tagid": []int{}},
		"redirect_domain": c.s.cfg.TrustedDomain, "home_url": "", "report_location_flag": 0, "isreportenter": 0,
	}, nil
}

// allVisible reports whether the app's visible range is the whole company.
func (o *office) allVisible() bool {
	return !slices.ContainsFunc(o.staff, func(u *Staff) bool { return u.Hidden })
}

// getUser answers one member of staff, without what the platform has withheld from new apps
// since 2022 (avatar, gender, mobile, email …).
// See https://developer.work.weixin.qq.com/document/path/90196
func getUser(c *call) (reply, *failure) {
	id := c.query.Get("userid")
	if id == "" {
		return nil, refuse(codeNoUserID, "missing userid")
	}
	u, f := c.s.office.seeStaff(id)
	if f != nil {
		return nil, f
	}
	return u.detail(), nil
}

// detail is a member of staff as far as an app sees them.
func (u *Staff) detail() reply {
	return reply{
		"userid": u.UserID, "name": u.Name, "department": []int{u.Department}, "order": []int{0},
		"position": u.Position, "is_leader_in_dept": []int{0}, "direct_leader": []string{},
		"telephone": "", "alias": "", "status": u.status(), "open_userid": u.openID(),
		"main_department": u.Department,
	}
}

// department reads an optional department id from the address.
func (c *call) department(name string, absent int) (int, *failure) {
	text := c.query.Get(name)
	if text == "" {
		return absent, nil
	}
	id, err := strconv.Atoi(text)
	if err != nil {
		return 0, refuse(codeBadParam, "invalid Request Parameter: %s must be an integer", name)
	}
	if c.s.office.department(id) == nil {
		return 0, refuse(codeNoDepartment, "department not found: %d", id)
	}
	return id, nil
}

// listUsers answers the visible staff of one department, with fetch_child=1 also of those
// below it.
// See https://developer.work.weixin.qq.com/document/path/90200
func listUsers(c *call) (reply, *failure) {
	return c.usersOf(func(u *Staff) reply {
		return reply{"userid": u.UserID, "name": u.Name, "department": []int{u.Department}, "open_userid": u.openID()}
	})
}

// listUserDetails is listUsers with what user/get shows of each.
// See https://developer.work.weixin.qq.com/document/path/90201
func listUserDetails(c *call) (reply, *failure) { return c.usersOf((*Staff).detail) }

func (c *call) usersOf(shown func(*Staff) reply) (reply, *failure) {
	id, f := c.department("department_id", 0)
	if f != nil {
		return nil, f
	}
	if id == 0 {
		return nil, refuse(codeNoDepartmentID, "missing department_id")
	}
	users := []reply{}
	for _, u := range c.s.office.staff {
		below := c.query.Get("fetch_child") == "1" && c.s.office.inAny(u, []int{id})
		if u.visible() && (u.Department == id || below) {
			users = append(users, shown(u))
		}
	}
	return reply{"userlist": users}, nil
}

// userOfMobile answers the member of staff with a mobile number.
// See https://developer.work.weixin.qq.com/document/path/95402
func userOfMobile(c *call) (reply, *failure) {
	mobile := c.in.need("mobile", codeEmptyParam)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	for _, u := range c.s.office.staff {
		if u.Mobile == mobile && u.visible() {
			return reply{"userid": u.UserID}, nil
		}
	}
	return nil, refuse(codeNotFound, "user not found")
}

// openIDOfUser answers the id that a member of staff has for payments in WeChat; who has not
// activated the account is bound to none.
// See https://developer.work.weixin.qq.com/document/path/90202
func openIDOfUser(c *call) (reply, *failure) {
	id := c.in.need("userid", codeNoUserID)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	u, f := c.s.office.seeStaff(id)
	if f != nil {
		return nil, f
	}
	if u.Inactive {
		return nil, refuse(codeNoWeChat, "user is not bound to wechat")
	}
	return reply{"openid": c.s.payID(u)}, nil
}

func (s *Sandbox) payID(u *Staff) string {
	return "oD" + drawFrom(s.dice.fresh("openid "+u.UserID), alphabetID, 26)
}

// userOfOpenID is the way back from openIDOfUser.
// See https://developer.work.weixin.qq.com/document/path/90202
func userOfOpenID(c *call) (reply, *failure) {
	id := c.in.need("openid", codeEmptyParam)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	for _, u := range c.s.office.staff {
		if u.visible() && c.s.payID(u) == id {
			return reply{"userid": u.UserID}, nil
		}
	}
	return nil, refuse(codeNotFound, "user not found")
}

// listUserIDs answers every member of staff with the department; it wants a token of the
// address book's secret, which sees everybody.
// See https://developer.work.weixin.qq.com/document/path/96067
func listUserIDs(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", maxUserIDs, 1, maxUserIDs))
	cursor := c.in.text("cursor")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	var rows []row
	for i, u := range c.s.office.staff {
		if !u.Resigned {
			rows = append(rows, row{i + 1, reply{"userid": u.UserID, "department": u.Department}})
		}
	}
	return answerRows("user", "dept_user", cursor, c.atMost(limit), rows)
}

// below returns a department and everything below it; 0 means all.
func (o *office) below(id int) []Department {
	var out []Department
	for _, d := range o.departments {
		for up := &d; up != nil; up = o.department(up.Parent) {
			if id == 0 || up.ID == id {
				out = append(out, d)
				break
			}
		}
	}
	return out
}

// listDepartments answers a department and those below it.
// See https://developer.work.weixin.qq.com/document/path/90208
func listDepartments(c *call) (reply, *failure) {
	id, f := c.department("id", 0)
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, d := range c.s.office.below(id) {
		out = append(out, d.answer())
	}
	return reply{"department": out}, nil
}

// getDepartment answers one department.
// See https://developer.work.weixin.qq.com/document/path/95351
func getDepartment(c *call) (reply, *failure) {
	id, f := c.department("id", 0)
	if f != nil {
		return nil, f
	}
	d := c.s.office.department(id)
	if d == nil {
		return nil, refuse(codeNoDepartmentID, "missing id")
	}
	return reply{"department": d.answer()}, nil
}

// answer is a department as the API shows it.
func (d Department) answer() reply {
	return reply{
		"id": d.ID, "name": d.Name, "name_en": "", "department_leader": []string{},
		"parentid": d.Parent, "order": departmentOrder(d),
	}
}

// listDepartmentIDs answers the ids of a department and those below it.
// See https://developer.work.weixin.qq.com/document/path/95350
func listDepartmentIDs(c *call) (reply, *failure) {
	id, f := c.department("id", 0)
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, d := range c.s.office.below(id) {
		out = append(out, reply{"id": d.ID, "parentid": d.Parent, "order": departmentOrder(d)})
	}
	return reply{"department_id": out}, nil
}

func departmentOrder(d Department) int { return 100_000_000 - d.ID }

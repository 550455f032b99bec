package sandbox

import (
	"slices"
	"time"
)

const (
	maxTaskRange = 31 * 24 * time.Hour
	resultLimit  = 1000
)

func massResultAPIs() map[string]api {
	return map[string]api{
		"externalcontact/get_groupmsg_list_v2":     write(listMassMessages),
		"externalcontact/get_groupmsg_task":        write(listMassShares),
		"externalcontact/get_groupmsg_send_result": write(listMassResults),
	}
}

// listMassMessages answers the mass messages of at most a month.
// See https://developer.work.weixin.qq.com/document/path/93338
func listMassMessages(c *call) (reply, *failure) {
	in := c.in
	kind := in.need("chat_type", codeEmptyParam)
	begin, end := in.seconds(maxTaskRange)
	creator := in.text("creator")
	filter := in.between("filter_type", 2, 0, 2)
	limit := int(in.between("limit", 50, 1, 100))
	cursor := in.text("cursor")
	if kind != "single" && kind != "group" {
		in.bad(codeBadParam, "invalid Request Parameter: chat_type must be single or group")
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	var all []*massTask
	for _, t := range c.s.mass.all {
		at := t.CreatedAt.Unix()
		if t.ChatType != kind || at < begin || at > end || !t.passes(filter, creator) {
			continue
		}
		if c.now.Sub(t.CreatedAt) < c.s.faults.Dispatch {
			return nil, refuse(codeDispatch, "group msg is being dispatched")
		}
		all = append(all, t)
	}
	some, next, f := page("mass", cursor, c.atMost(limit), all, func(t *massTask) int { return t.key })
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, t := range some {
		out = append(out, t.shown())
	}
	return reply{"group_msg_list": out, "next_cursor": next}, nil
}

// passes applies the filters of the list: 0 made by the company, 1 by a person, 2 both.
func (t *massTask) passes(filter int64, creator string) bool {
	if filter == 0 && t.Personal || filter == 1 && !t.Personal {
		return false
	}
	return creator == "" || t.Personal && t.Sender == creator
}

// shown is a mass message in the list; who made it is only known of personal ones.
func (t *massTask) shown() reply {
	out := reply{"msgid": t.MsgID, "create_time": t.CreatedAt.Unix(), "create_type": 0}
	if t.Personal {
		out["create_type"], out["creator"] = 1, t.Sender
	}
	if t.Text != "" {
		out["text"] = reply{"content": t.Text}
	}
	out["attachments"] = shownAttachments(t.Attachments)
	return out
}

// readyTask returns the mass message that a call names, once it has been dispatched.
func (c *call) readyTask() (*massTask, *failure) {
	t, f := c.namedTask()
	if f == nil && c.now.Sub(t.CreatedAt) < c.s.faults.Dispatch {
		f = refuse(codeDispatch, "group msg is being dispatched")
	}
	return t, f
}

// listMassShares answers who is to confirm a mass message and who has.
// See https://developer.work.weixin.qq.com/document/path/93338
func listMassShares(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", 500, 1, resultLimit))
	cursor := c.in.text("cursor")
	t, f := c.readyTask()
	if f != nil {
		return nil, f
	}
	rows := make([]row, 0, len(t.Shares))
	for i, share := range t.Shares {
		out := reply{"userid": share.User, "status": 0}
		if !share.ConfirmedAt.IsZero() {
			out["status"], out["send_time"] = 2, share.ConfirmedAt.Unix()
		}
		rows = append(rows, row{i + 1, out})
	}
	return answerRows("share "+t.MsgID, "task_list", cursor, c.atMost(limit), rows)
}

// listMassResults answers what became of one member's share. Groups that got nothing yet do
// not appear; customers do, with status 0.
// See https://developer.work.weixin.qq.com/document/path/93338
func listMassResults(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", 500, 1, resultLimit))
	cursor := c.in.text("cursor")
	user := c.in.need("userid", codeNoUserID)
	t, f := c.readyTask()
	if f != nil {
		return nil, f
	}
	u := c.s.office.find(user)
	if u == nil {
		return nil, refuse(codeNoUser, "userid not found: %s", user)
	}
	target := "external_userid"
	if t.ChatType == "group" {
		target = "chat_id"
	}
	var rows []row
	for i, r := range t.Results {
		if r.User == u.UserID {
			out := reply{target: r.Target, "userid": r.User, "status": r.Status}
			if r.Status == ResultSent {
				out["send_time"] = r.At.Unix()
			}
			rows = append(rows, row{i + 1, out})
		}
	}
	if t.ChatType == "single" {
		rows = append(rows, t.unsent(u)...)
	}
	return answerRows("result "+t.MsgID, "send_list", cursor, c.atMost(limit), rows)
}

// unsent are the customers of one member's share without a result.
func (t *massTask) unsent(u *Staff) []row {
	var rows []row
	for _, share := range t.Shares {
		for i, id := range share.Targets {
			if share.User == u.UserID && !t.sent[id] {
				rows = append(rows, row{massCustomers + i + 1, reply{"external_userid": id, "userid": u.UserID, "status": ResultUnsent}})
			}
		}
	}
	return rows
}

// row is one entry of a paged answer with its key.
type row struct {
	key int
	out reply
}

// sortRows puts rows into the order of their keys, as pages want them.
func sortRows(rows []row) { slices.SortFunc(rows, func(a, b row) int { return a.key - b.key }) }

// answerRows answers one page of rows under a name.
func answerRows(list, name, cursor string, limit int, rows []row) (reply, *failure) {
	some, next, f := page(list, cursor, limit, rows, func(r row) int { return r.key })
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, r := range some {
		out = append(out, r.out)
	}
	return reply{name: out, "next_cursor": next}, nil
}

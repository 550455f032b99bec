package sandbox

import (
	"slices"
	"time"
)

const (
	massBytes     = 4000
	massChats     = 2000
	massCustomers = 10_000
	maxReminders  = 3
	reminderSpan  = 24 * time.Hour

	codeNoMsgID   = 41046
	codeBadMsgID  = 41047
	codeNobody    = 41048
	codeDispatch  = 41063
	codeCancelled = 41093
	codeReminders = 41094
)

// Outcomes of a mass message for one group or customer, as the platform numbers them.
const (
	ResultUnsent   = 0
	ResultSent     = 1
	ResultNoFriend = 2
	ResultQuota    = 3 // the quota of the group or customer was used up
)

// Task is one mass message (群发): nothing is sent before a member of staff confirms it.
type Task struct {
	MsgID       string
	ChatType    string // group or single
	Sender      string // as in the call; empty: whoever has the customers
	Personal    bool   // made by a member of staff in the client, not through the API
	Text        string
	Attachments []Attachment
	CreatedAt   time.Time
	CancelledAt time.Time   // zero: not cancelled
	Reminders   []time.Time // through the API
	Shares      []Share     // what each member of staff is to confirm
	Results     []Result    // in the order of sending
}

// Share is what one member of staff is to send.
type Share struct {
	User        string
	Targets     []string  // chat_ids or external_userids
	ConfirmedAt time.Time // the first time anything was sent; zero: never
}

// Result is what became of a mass message for one group or customer.
type Result struct {
	User   string
	Target string // chat_id or external_userid
	Status int    // ResultSent, ResultNoFriend or ResultQuota
	At     time.Time
}

// massTask is a Task while it is kept.
type massTask struct {
	Task
	key  int
	sent map[string]bool // targets that have a result
}

func newTask(t Task) *massTask { return &massTask{Task: t, sent: map[string]bool{}} }

// mass are all mass messages and what each group and customer has received by day.
type mass struct {
	all      []*massTask
	byID     map[string]*massTask
	received map[quotaKey]int
}

// quotaKey is a group or customer on a day such as 2026-11-23.
type quotaKey struct{ target, day string }

func newMass() mass {
	return mass{byID: map[string]*massTask{}, received: map[quotaKey]int{}}
}

func massMessageAPIs() map[string]api {
	return map[string]api{
		"externalcontact/add_msg_template":     write(addMassMessage),
		"externalcontact/remind_groupmsg_send": write(remindMassMessage),
		"externalcontact/cancel_groupmsg_send": write(cancelMassMessage),
	}
}

// addMassMessage makes a task for staff to confirm. Groups that the sender does not own and
// customers the sender does not have are answered in fail_list; if nobody is left, 41048.
// See https://developer.work.weixin.qq.com/document/path/92135
func addMassMessage(c *call) (reply, *failure) {
	in := c.in
	kind := in.text("chat_type")
	if kind == "" {
		kind = "single"
	}
	text := in.part("text")
	t := newTask(Task{ChatType: kind, CreatedAt: c.now})
	t.Text = text.maxBytes("content", text.text("content"), massBytes)
	t.Attachments = c.attachments()
	in.flag("allow_select", false)
	if t.Text == "" && len(t.Attachments) == 0 {
		in.bad(codeEmptyText, "text and attachments are both empty")
	}
	var failed []string
	switch kind {
	case "group":
		failed = c.shareGroups(t)
	case "single":
		failed = c.shareCustomers(t)
	default:
		in.bad(codeBadParam, "invalid Request Parameter: chat_type must be single or group")
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	if len(t.Shares) == 0 {
		return nil, refuse(codeNobody, "no customer to send to")
	}
	c.s.keepTask(c.now, t)
	return reply{"msgid": t.MsgID, "fail_list": append([]string{}, failed...)}, nil
}

// keepTask gives a task its id and tells those who are to confirm it.
func (s *Sandbox) keepTask(now time.Time, t *massTask) {
	t.key = len(s.mass.all) + 1
	t.MsgID = "msg" + s.dice.draw("mass message", alphabetID, 27)
	s.mass.all = append(s.mass.all, t)
	s.mass.byID[t.MsgID] = t
	for _, share := range t.Shares {
		s.note(now, EntryTask, share.User, nil, both("is to confirm %s for %d %s targets: %s", "要确认群发 %s，%d 个对象(%s)：%s", t.MsgID, len(share.Targets), t.ChatType, t.Text))
	}
	if !t.Personal {
		made := t.copied()
		s.tellWatchers(now, func(w Watcher) { w.TaskMade(made) })
	}
}

// sender returns the member of staff that a call names, or nil.
func (c *call) sender(required bool) *Staff {
	id := c.in.text("sender")
	if id == "" {
		if required {
			c.in.bad(codeEmptyParam, "missing sender")
		}
		return nil
	}
	u, f := c.seeServer(id)
	if f != nil {
		c.in.bad(f.code, "%s", f.msg)
	}
	return u
}

// shareGroups finds the groups of a task; without a list all groups of the sender.
func (c *call) shareGroups(t *massTask) (failed []string) {
	u := c.sender(true)
	chats := c.in.list("chat_id_list", massChats)
	if c.in.failed() != nil {
		return nil
	}
	t.Sender = u.UserID
	if len(chats) == 0 {
		for _, g := range c.s.rooms.all {
			if g.owner == u && !g.dismissed {
				chats = append(chats, g.id)
			}
		}
	}
	share := Share{User: u.UserID}
	for _, id := range unique(chats) {
		g := c.s.rooms.byID[id]
		if g == nil || g.dismissed || g.owner != u {
			failed = append(failed, id)
			continue
		}
		share.Targets = append(share.Targets, id)
	}
	if len(share.Targets) > 0 {
		t.Shares = []Share{share}
	}
	return failed
}

// shareCustomers finds the customers of a task and who is to write to each: the sender, or
// the member of staff who has had the customer for the shortest time. With a tag filter it is
// the member who put the tags on; named customers win over a filter.
func (c *call) shareCustomers(t *massTask) (failed []string) {
	u := c.sender(false)
	customers := c.in.list("external_userid", massCustomers)
	filter := c.readTagFilter()
	if u == nil && len(customers) == 0 && len(filter) == 0 {
		c.in.bad(codeEmptyParam, "missing external_userid or sender")
	}
	if c.in.failed() != nil {
		return nil
	}
	if u != nil {
		t.Sender = u.UserID
	}
	if len(customers) == 0 {
		customers = c.s.filtered(u, filter)
	} else {
		filter = nil
	}
	for _, id := range unique(customers) {
		k := c.s.latestContact(id, u, filter)
		if k == nil {
			failed = append(failed, id)
			continue
		}
		i := slices.IndexFunc(t.Shares, func(s Share) bool { return s.User == k.User })
		if i < 0 {
			t.Shares = append(t.Shares, Share{User: k.User})
			i = len(t.Shares) - 1
		}
		t.Shares[i].Targets = append(t.Shares[i].Targets, id)
	}
	return failed
}

// filtered are the customers who pass a tag filter, of one member of staff if u is given,
// in the order of becoming contacts.
func (s *Sandbox) filtered(u *Staff, filter tagFilter) []string {
	contacts := s.clientele.contacts
	if u != nil {
		contacts = s.clientele.ofUser[u.UserID]
	}
	var out []string
	for _, k := range contacts {
		if filter.passes(s, k) && (len(filter) == 0 || s.latestContact(k.Customer, u, filter) == k) {
			out = append(out, k.Customer)
		}
	}
	return out
}

// latestContact returns the newest contact of a customer that passes a tag filter, with one
// member of staff if u is given.
func (s *Sandbox) latestContact(customer string, u *Staff, filter tagFilter) *Contact {
	var latest *Contact
	for _, other := range s.office.staff {
		k := s.clientele.current[pair{other.UserID, customer}]
		if k == nil || !k.active() || !other.serves() || u != nil && u != other || !filter.passes(s, k) {
			continue
		}
		if latest == nil || k.key > latest.key {
			latest = k
		}
	}
	return latest
}

// unique drops what comes twice, keeping the order.
func unique(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		was := seen[id]
		seen[id] = true
		return was
	})
}

// namedTask returns the mass message that a call names.
func (c *call) namedTask() (*massTask, *failure) {
	id := c.in.need("msgid", codeNoMsgID)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	t := c.s.mass.byID[id]
	if t == nil {
		return nil, refuse(codeBadMsgID, "invalid msgid")
	}
	return t, nil
}

// remindMassMessage reminds those who have not confirmed: at most three times in 24 hours.
// See https://developer.work.weixin.qq.com/document/path/97610
func remindMassMessage(c *call) (reply, *failure) {
	t, f := c.namedTask()
	if f != nil {
		return nil, f
	}
	if !t.CancelledAt.IsZero() {
		return nil, refuse(codeCancelled, "group msg canceled")
	}
	recent := 0
	for _, at := range t.Reminders {
		if c.now.Sub(at) < reminderSpan {
			recent++
		}
	}
	if recent >= maxReminders {
		return nil, refuse(codeReminders, "remind over frequency limit")
	}
	t.Reminders = append(t.Reminders, c.now)
	for _, share := range t.Shares {
		if share.ConfirmedAt.IsZero() {
			c.s.note(c.now, EntryTask, share.User, nil, both("is reminded of %s", "被提醒还有群发 %s 没确认", t.MsgID))
		}
	}
	reminded := t.copied()
	c.s.tellWatchers(c.now, func(w Watcher) { w.TaskReminded(reminded) })
	return nil, nil
}

// cancelMassMessage stops what has not been sent.
// See https://developer.work.weixin.qq.com/document/path/97611
func cancelMassMessage(c *call) (reply, *failure) {
	t, f := c.namedTask()
	if f != nil {
		return nil, f
	}
	if !t.CancelledAt.IsZero() {
		return nil, refuse(codeCancelled, "group msg canceled")
	}
	t.CancelledAt = c.now
	c.s.note(c.now, EntryTask, t.Sender, nil, both("%s was cancelled", "群发 %s 取消了", t.MsgID))
	return nil, nil
}

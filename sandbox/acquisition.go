package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	linkPeople    = 500
	linkNameChars = 30
	channelBytes  = 64
	linkListMax   = 100
	linkPage      = 1000
	// What a new company has bought, until SetAcquisitionQuota says otherwise.
	acquisitionQuota = 1000
	acquisitionDays  = 360

	// AddWayLink is how a contact came about through an acquisition link.
	AddWayLink = 16

	codeLinkQuota = 41095
)

// AcquisitionLink is an address that makes whoever opens it a contact of somebody of the
// staff (获客链接). Each contact uses up one of the quota.
type AcquisitionLink struct {
	ID          string // link_id
	Name        string
	Users       []string
	Departments []int
	SkipVerify  bool
	// Priority leads customers who are contacts of somebody already to the same: 0 no, 1 to
	// anybody of the company, 2 to PriorityUsers.
	Priority      int
	PriorityUsers []string
	MarkSource    bool
	CreatedAt     time.Time
	Clicks        []time.Time
	Customers     []LinkCustomer

	key         int
	unavailable bool // everybody behind it is gone, and that was told
}

// LinkCustomer is one contact that came through a link.
type LinkCustomer struct {
	User     string
	Customer string
	State    string // the customer_channel of the address that was opened
	At       time.Time
	Chatted  bool // the customer has written to the member of staff since
}

// acquisition is what the company has of links and quota.
type acquisition struct {
	links   []*AcquisitionLink
	last    int
	total   int
	balance int
	expires time.Time
}

func newAcquisition(now time.Time) acquisition {
	return acquisition{total: acquisitionQuota, balance: acquisitionQuota, expires: dayStart(dayOf(now) + acquisitionDays)}
}

func (a *acquisition) link(id string) *AcquisitionLink {
	i := slices.IndexFunc(a.links, func(l *AcquisitionLink) bool { return l.ID == id })
	if i < 0 {
		return nil
	}
	return a.links[i]
}

// AcquisitionLinks returns the links there are, oldest first.
func (s *Sandbox) AcquisitionLinks() []AcquisitionLink {
	s.enter()
	defer s.leave()
	return copied(s.acquisition.links, func(l *AcquisitionLink) {
		l.Users, l.Departments = slices.Clone(l.Users), slices.Clone(l.Departments)
		l.PriorityUsers, l.Clicks, l.Customers = slices.Clone(l.PriorityUsers), slices.Clone(l.Clicks), slices.Clone(l.Customers)
	})
}

// SetAcquisitionQuota buys so many contacts through links, until a day; what was left is
// gone. With 0 links are closed.
func (s *Sandbox) SetAcquisitionQuota(contacts int, expires time.Time) error {
	s.enter()
	defer s.leave()
	if contacts < 0 {
		return fmt.Errorf("set acquisition quota: %d is negative", contacts)
	}
	a := &s.acquisition
	a.total, a.balance, a.expires = contacts, contacts, expires
	return nil
}

// left is what may still be used of the quota.
func (a *acquisition) left(now time.Time) int {
	if !now.Before(a.expires) {
		return 0
	}
	return a.balance
}

// ClickLink opens a link without going on to become a contact.
func (s *Sandbox) ClickLink(linkID string) error {
	now := s.enter()
	defer s.leave()
	l := s.acquisition.link(linkID)
	if l == nil {
		return fmt.Errorf("click link %q: %w", linkID, ErrNotFound)
	}
	l.Clicks = append(l.Clicks, now)
	return nil
}

// followLink opens a link and finds the member of staff behind it. A link that asks for
// consent makes the event friend_request; staff then always consent.
func (s *Sandbox) followLink(now time.Time, linkID, user, customer, channel string) (string, *AcquisitionLink, error) {
	l := s.acquisition.link(linkID)
	if l == nil || s.clientele.byID[customer] == nil {
		return "", nil, fmt.Errorf("link %q or customer %q: %w", linkID, customer, ErrNotFound)
	}
	l.Clicks = append(l.Clicks, now)
	users := s.behind(l)
	switch {
	case len(users) == 0:
		return "", nil, fmt.Errorf("link %s leads to nobody", linkID)
	case s.acquisition.left(now) == 0:
		return "", nil, fmt.Errorf("link %s: the quota is used up", linkID)
	case user == "":
		user = s.friendFor(l, customer)
	}
	if u := s.office.find(user); u != nil {
		user = u.UserID
	}
	if user == "" {
		user = users[s.dice.stream("acquisition link").IntN(len(users))]
	} else if l.Priority == 0 && !slices.Contains(users, user) {
		return "", nil, fmt.Errorf("link %s does not lead to %s", linkID, user)
	}
	if k := s.clientele.current[pair{user, customer}]; !l.SkipVerify && (k == nil || !k.active()) {
		s.acquisitionEvent(now, "friend_request", customer, func(x *event) {
			x.text("LinkId", l.ID)
			if channel != "" {
				x.text("State", channel)
			}
		})
	}
	return user, l, nil
}

// behind are the staff that a link can lead to.
func (s *Sandbox) behind(l *AcquisitionLink) []string {
	var users []string
	for _, u := range s.office.staff {
		if u.Resigned || u.NoContacts || u.Inactive {
			continue
		}
		if slices.Contains(l.Users, u.UserID) || s.office.inAny(u, l.Departments) {
			users = append(users, u.UserID)
		}
	}
	return users
}

// inAny reports whether a member of staff is in one of some departments or below it.
func (o *office) inAny(u *Staff, departments []int) bool {
	for d := o.department(u.Department); d != nil; d = o.department(d.Parent) {
		if slices.Contains(departments, d.ID) {
			return true
		}
	}
	return false
}

// friendFor returns the member of staff whom a link prefers because the customer has them
// already, or "".
func (s *Sandbox) friendFor(l *AcquisitionLink, customer string) string {
	if l.Priority == 0 {
		return ""
	}
	for _, u := range s.office.staff {
		k := s.clientele.current[pair{u.UserID, customer}]
		if k != nil && k.active() && u.serves() && (l.Priority == 1 || slices.Contains(l.PriorityUsers, u.UserID)) {
			return u.UserID
		}
	}
	return ""
}

// acquired notes a contact that came through a link and uses up the quota. At a tenth of
// what was bought the platform warns; it does not say at what figure.
func (s *Sandbox) acquired(now time.Time, l *AcquisitionLink, k *Contact) {
	l.Customers = append(l.Customers, LinkCustomer{User: k.User, Customer: k.Customer, State: k.State, At: now})
	a := &s.acquisition
	a.balance--
	switch a.balance {
	case 0:
		s.acquisitionEvent(now, "balance_exhausted", "", func(*event) {})
	case a.total / 10:
		s.acquisitionEvent(now, "balance_low", "", func(*event) {})
	}
}

// startChat notes that a customer wrote for the first time since coming through a link.
func (s *Sandbox) startChat(now time.Time, u *Staff, customer string) {
	for _, l := range s.acquisition.links {
		for i := range l.Customers {
			c := &l.Customers[i]
			if c.User != u.UserID || c.Customer != customer || c.Chatted {
				continue
			}
			c.Chatted = true
			if u.serves() {
				s.acquisitionEvent(now, "customer_start_chat", customer, func(x *event) {
					x.text("UserID", u.UserID)
					x.text("ExternalUserID", customer)
				})
			}
		}
	}
}

// lookAtLinks tells of links that nobody is behind any more.
func (s *Sandbox) lookAtLinks(now time.Time) {
	for _, l := range s.acquisition.links {
		gone := len(s.behind(l)) == 0
		if gone && !l.unavailable {
			s.acquisitionEvent(now, "link_unavailable", "", func(x *event) { x.text("LinkId", l.ID) })
		}
		l.unavailable = gone
	}
}

// acquisitionEvent makes a customer_acquisition event.
func (s *Sandbox) acquisitionEvent(now time.Time, change, who string, more func(*event)) {
	x := s.newEvent(now, "customer_acquisition")
	x.text("ChangeType", change)
	more(x)
	s.emit(now, x, Callback{Kind: "customer_acquisition." + change, Who: who})
}

func acquisitionAPIs() map[string]api {
	const ca = "externalcontact/customer_acquisition/"
	return map[string]api{
		ca + "create_link": write(createLink),
		ca + "list_link":   write(listLinks),
		ca + "get":         write(getLink),
		ca + "update_link": write(updateLink),
		ca + "delete_link": write(deleteLink),
		ca + "customer":    write(listLinkCustomers),
		ca + "statistic":   write(countLink),
		"externalcontact/customer_acquisition_quota": read(getAcquisitionQuota),
	}
}

// readLink reads what create and update share into l; absent fields keep their value.
func (c *call) readLink(l *AcquisitionLink) *failure {
	in := c.in
	if in.has("link_name") {
		l.Name = in.maxChars("link_name", in.text("link_name"), linkNameChars)
	}
	l.SkipVerify = in.flag("skip_verify", l.SkipVerify)
	l.MarkSource = in.flag("mark_source", l.MarkSource)
	if part := in.part("range"); in.has("range") {
		l.Users, l.Departments = part.list("user_list", linkPeople), part.departments("department_list")
	}
	if part := in.part("priority_option"); in.has("priority_option") {
		l.Priority = int(part.between("priority_type", 0, 0, 2))
		l.PriorityUsers = part.list("priority_userid_list", linkPeople)
		if l.Priority == 2 && len(l.PriorityUsers) == 0 {
			part.bad(codeEmptyParam, "missing %spriority_userid_list", part.where)
		}
	}
	if l.Name == "" {
		in.bad(codeEmptyParam, "missing link_name")
	}
	if len(l.Users)+len(l.Departments) == 0 {
		in.bad(codeEmptyParam, "missing range.user_list or range.department_list")
	}
	if f := in.failed(); f != nil {
		return f
	}
	return c.checkLinkPeople(l)
}

// checkLinkPeople checks that the people and departments of a link exist and are not too
// many.
func (c *call) checkLinkPeople(l *AcquisitionLink) *failure {
	for _, list := range [][]string{l.Users, l.PriorityUsers} {
		for i, id := range list {
			u, f := c.seeServer(id)
			if f != nil {
				return f
			}
			if u.Inactive {
				return refuse(codeInactiveUser, "user not activated: %s", id)
			}
			list[i] = u.UserID
		}
	}
	for _, id := range l.Departments {
		if c.s.office.department(id) == nil {
			return refuse(codeNoDepartment, "department not found: %d", id)
		}
	}
	if len(c.s.behind(l)) > linkPeople {
		return refuse(codeBadParam, "invalid Request Parameter: range has more than %d people", linkPeople)
	}
	return nil
}

// departments reads an optional array of department ids, which one SDK sends as texts.
func (a args) departments(name string) []int {
	items, ok := a.fields[name].([]any)
	if !ok || !slices.ContainsFunc(items, func(v any) bool { _, text := v.(string); return text }) {
		return a.numbers(name)
	}
	var out []int
	for _, item := range items {
		text, _ := item.(string)
		id, err := strconv.Atoi(text)
		if err != nil {
			a.wrongType(name, "an array of integers")
		}
		out = append(out, id)
	}
	return out
}

// createLink makes a link. Without anything left of the quota none is made.
// See https://developer.work.weixin.qq.com/document/path/97297
func createLink(c *call) (reply, *failure) {
	l := &AcquisitionLink{SkipVerify: true, MarkSource: true, CreatedAt: c.now}
	if f := c.readLink(l); f != nil {
		return nil, f
	}
	if c.s.acquisition.left(c.now) == 0 {
		return nil, refuse(codeLinkQuota, "customer acquisition quota is used up")
	}
	a := &c.s.acquisition
	a.last++
	l.key, l.ID = a.last, "ca"+c.s.dice.draw("acquisition link", alphabetHex, 16)
	a.links = append(a.links, l)
	return reply{"link": l.shown()}, nil
}

func (l *AcquisitionLink) shown() reply {
	return reply{
		"link_id": l.ID, "link_name": l.Name, "url": "https://work.weixin.qq.com/ca/" + l.ID,
		"create_time": l.CreatedAt.Unix(), "skip_verify": l.SkipVerify, "mark_source": l.MarkSource,
	}
}

// namedLink returns the link that a call names.
func (c *call) namedLink() (*AcquisitionLink, *failure) {
	id := c.in.need("link_id", codeEmptyParam)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	l := c.s.acquisition.link(id)
	if l == nil {
		return nil, refuse(codeBadParam, "invalid Request Parameter: link_id")
	}
	return l, nil
}

// listLinks answers the ids of the links, oldest first.
// See https://developer.work.weixin.qq.com/document/path/97297
func listLinks(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", linkListMax, 1, linkListMax))
	cursor := c.in.text("cursor")
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	some, next, f := page("acquisition link", cursor, limit, c.s.acquisition.links, func(l *AcquisitionLink) int { return l.key })
	if f != nil {
		return nil, f
	}
	ids := []string{}
	for _, l := range some {
		ids = append(ids, l.ID)
	}
	return reply{"link_id_list": ids, "next_cursor": next}, nil
}

// getLink answers a link.
// See https://developer.work.weixin.qq.com/document/path/97297
func getLink(c *call) (reply, *failure) {
	l, f := c.namedLink()
	if f != nil {
		return nil, f
	}
	out := reply{
		"link":  l.shown(),
		"range": reply{"user_list": append([]string{}, l.Users...), "department_list": append([]int{}, l.Departments...)},
	}
	if l.Priority > 0 {
		out["priority_option"] = reply{"priority_type": l.Priority, "priority_userid_list": append([]string{}, l.PriorityUsers...)}
	}
	return out, nil
}

// updateLink changes the fields that are given; the range is replaced as a whole.
// See https://developer.work.weixin.qq.com/document/path/97297
func updateLink(c *call) (reply, *failure) {
	old, f := c.namedLink()
	if f != nil {
		return nil, f
	}
	l := *old
	l.Users, l.PriorityUsers = slices.Clone(old.Users), slices.Clone(old.PriorityUsers)
	if f := c.readLink(&l); f != nil {
		return nil, f
	}
	*old = l
	return nil, nil
}

// deleteLink ends a link and makes the event delete_link.
// See https://developer.work.weixin.qq.com/document/path/97297
func deleteLink(c *call) (reply, *failure) {
	l, f := c.namedLink()
	if f != nil {
		return nil, f
	}
	a := &c.s.acquisition
	a.links = slices.DeleteFunc(a.links, func(o *AcquisitionLink) bool { return o == l })
	c.s.acquisitionEvent(c.now, "delete_link", "", func(x *event) { x.text("LinkId", l.ID) })
	return nil, nil
}

// listLinkCustomers answers who came through a link, oldest first.
// See https://developer.work.weixin.qq.com/document/path/97298
func listLinkCustomers(c *call) (reply, *failure) {
	limit := int(c.in.between("limit", linkPage, 1, linkPage))
	cursor := c.in.text("cursor")
	l, f := c.namedLink()
	if f != nil {
		return nil, f
	}
	var rows []row
	for i, k := range l.Customers {
		if u := c.s.office.find(k.User); !u.serves() {
			continue
		}
		status := 0
		if k.Chatted {
			status = 1
		}
		rows = append(rows, row{i + 1, reply{"external_userid": k.Customer, "userid": k.User, "chat_status": status, "state": k.State}})
	}
	return answerRows("link "+l.ID, "customer_list", cursor, limit, rows)
}

// getAcquisitionQuota answers what is left of the quota.
// See https://developer.work.weixin.qq.com/document/path/97375
func getAcquisitionQuota(c *call) (reply, *failure) {
	a, list := &c.s.acquisition, []reply{}
	if a.left(c.now) > 0 {
		list = append(list, reply{"expire_date": a.expires.Unix(), "balance": a.balance})
	}
	return reply{"total": a.total, "balance": a.left(c.now), "quota_list": list}, nil
}

// countLink answers how often a link was opened and how many contacts came through it over
// some days.
// See https://developer.work.weixin.qq.com/document/path/97375
func countLink(c *call) (reply, *failure) {
	begin, end := c.days("start_time", "end_time", true)
	l, f := c.namedLink()
	if f != nil {
		return nil, f
	}
	within := func(at time.Time) bool { return dayOf(at) >= begin && dayOf(at) <= end }
	clicks, customers := 0, 0
	for _, at := range l.Clicks {
		if within(at) {
			clicks++
		}
	}
	for _, k := range l.Customers {
		if within(k.At) {
			customers++
		}
	}
	return reply{"click_link_customer_cnt": clicks, "new_customer_cnt": customers}, nil
}

// channelState is the customer_channel of an address as it comes back: cut after 64 bytes.
func channelState(channel string) string {
	return strings.ToValidUTF8(channel[:min(len(channel), channelBytes)], "")
}

package sandbox

import (
	"fmt"
	"slices"
	"time"
)

const (
	contactWayUsers = 100
	listWaySpan     = 90 * 24 * time.Hour

	codeWayType      = 41037
	codeWayStyle     = 41039
	codeWayUsers     = 41041
	codeInactiveUser = 41054
)

// ContactWay is a QR code to members of staff (联系我).
type ContactWay struct {
	ConfigID   string
	Type       int // 1 one member of staff, 2 several
	Scene      int // 1 mini program, 2 QR code
	Remark     string
	SkipVerify bool
	State      string
	Users      []string
	Parties    []int
	MarkSource bool
	CreatedAt  time.Time
	// Exclusive leads all customers of one other company to the same member of staff.
	Exclusive bool
	// Temp ways end at ExpiresAt, and the chats that they begin after ChatFor, with the
	// Conclusion as the last word.
	Temp       bool
	ExpiresAt  time.Time
	ChatFor    time.Duration
	UnionID    string // of the only person who may scan a temporary way; "" for everybody
	Conclusion Conclusion

	style     int64
	expiresIn int64
	key       int
}

func (w *ways) contact(configID string) *ContactWay {
	i := slices.IndexFunc(w.contacts, func(k *ContactWay) bool { return k.ConfigID == configID })
	if i < 0 {
		return nil
	}
	return w.contacts[i]
}

// ContactWays returns the contact ways there are, oldest first.
func (s *Sandbox) ContactWays() []ContactWay {
	s.enter()
	defer s.leave()
	return copied(s.ways.contacts, func(w *ContactWay) {
		w.Users, w.Parties = slices.Clone(w.Users), slices.Clone(w.Parties)
	})
}

// scanContactWay finds the member of staff that a scan leads a customer to; with a userid it
// must be one of the way's.
func (s *Sandbox) scanContactWay(now time.Time, configID, user, customer string) (string, *ContactWay, error) {
	way := s.ways.contact(configID)
	p := s.clientele.byID[customer]
	switch {
	case way == nil || p == nil:
		return "", nil, fmt.Errorf("contact way %q or customer %q: %w", configID, customer, ErrNotFound)
	case way.Temp && !now.Before(way.ExpiresAt):
		return "", nil, fmt.Errorf("contact way %s has expired", configID)
	case way.Temp && way.UnionID != "" && way.UnionID != p.UnionID:
		return "", nil, fmt.Errorf("contact way %s is for somebody else", configID)
	}
	var users []string
	for _, u := range s.office.staff {
		if !u.Resigned && !u.NoContacts && !u.Inactive && (slices.Contains(way.Users, u.UserID) || slices.Contains(way.Parties, u.Department)) {
			users = append(users, u.UserID)
		}
	}
	if len(users) == 0 {
		return "", nil, fmt.Errorf("contact way %s leads to nobody", configID)
	}
	if mine := s.colleagueOf(p, users); user == "" && way.Exclusive && mine != "" {
		return mine, way, nil
	}
	if user == "" {
		return users[s.dice.stream("contact way").IntN(len(users))], way, nil
	}
	if u := s.office.find(user); u == nil || !slices.Contains(users, u.UserID) {
		return "", nil, fmt.Errorf("contact way %s does not lead to %s", configID, user)
	}
	return user, way, nil
}

// colleagueOf returns the one of some staff who has a customer of the same other company
// already, or "".
func (s *Sandbox) colleagueOf(p *Customer, users []string) string {
	for _, k := range s.clientele.contacts {
		if p.Corp != "" && k.active() && slices.Contains(users, k.User) && s.clientele.byID[k.Customer].Corp == p.Corp {
			return k.User
		}
	}
	return ""
}

func contactWayAPIs() map[string]api {
	return map[string]api{
		"externalcontact/add_contact_way":    write(addContactWay),
		"externalcontact/get_contact_way":    write(getContactWay),
		"externalcontact/list_contact_way":   write(listContactWays),
		"externalcontact/update_contact_way": write(updateContactWay),
		"externalcontact/del_contact_way":    write(deleteContactWay),
		"externalcontact/close_temp_chat":    write(closeTempChat),
	}
}

// readContactWay reads what add and update share into w; absent fields keep their value.
func (c *call) readContactWay(w *ContactWay) *failure {
	in := c.in
	if in.has("remark") {
		w.Remark = in.maxChars("remark", in.text("remark"), remarkChars)
	}
	if in.has("state") {
		w.State = in.maxChars("state", in.text("state"), stateChars)
	}
	w.SkipVerify = in.flag("skip_verify", w.SkipVerify)
	w.MarkSource = in.flag("mark_source", w.MarkSource)
	if w.style = in.number("style", w.style); w.style < 0 {
		in.bad(codeWayStyle, "invalid style")
	}
	c.readTempWay(w)
	if in.has("user") {
		w.Users = in.list("user", 10_000)
	}
	if in.has("party") {
		w.Parties = in.numbers("party")
	}
	if len(w.Users) > contactWayUsers {
		in.bad(codeWayUsers, "contact way user over limit")
	}
	if w.Type == 1 && len(w.Users) != 1 {
		in.bad(codeBadParam, "invalid Request Parameter: user must have one entry for type 1")
	}
	if w.Type == 2 && len(w.Users)+len(w.Parties) == 0 {
		in.bad(codeEmptyParam, "missing user or party")
	}
	if f := in.failed(); f != nil {
		return f
	}
	for i, id := range w.Users {
		u, f := c.seeServer(id)
		if f != nil {
			return f
		}
		if u.Inactive {
			return refuse(codeInactiveUser, "user not activated: %s", id)
		}
		w.Users[i] = u.UserID
	}
	for _, id := range w.Parties {
		if c.s.office.department(id) == nil {
			return refuse(codeNoDepartment, "department not found: %d", id)
		}
	}
	return nil
}

// addContactWay makes a QR code to members of staff.
// See https://developer.work.weixin.qq.com/document/path/92572
func addContactWay(c *call) (reply, *failure) {
	in := c.in
	w := &ContactWay{SkipVerify: true, CreatedAt: c.now}
	w.Type, w.Scene = int(in.number("type", 0)), int(in.number("scene", 0))
	w.Exclusive, w.Temp = in.flag("is_exclusive", false), in.flag("is_temp", false)
	if w.Type < 1 || w.Type > 2 {
		in.bad(codeWayType, "missing or invalid type")
	}
	if w.Scene < 1 || w.Scene > 2 {
		in.bad(codeWayScene, "missing or invalid scene")
	}
	if f := c.readContactWay(w); f != nil {
		return nil, f
	}
	if f := c.roomForWay(w.Temp); f != nil {
		return nil, f
	}
	c.s.ways.last++
	w.key = c.s.ways.last
	w.ConfigID = c.s.dice.draw("contact way", alphabetHex, 32)
	c.s.ways.contacts = append(c.s.ways.contacts, w)
	out := reply{"config_id": w.ConfigID}
	if w.Scene == 2 {
		out["qr_code"] = c.s.qrLink(w.ConfigID)
	}
	return out, nil
}

func (c *call) namedContactWay() (*ContactWay, *failure) {
	id := c.in.need("config_id", codeNoConfig)
	if f := c.in.failed(); f != nil {
		return nil, f
	}
	w := c.s.ways.contact(id)
	if w == nil {
		return nil, refuse(codeBadConfig, "invalid config_id")
	}
	return w, nil
}

// getContactWay answers a contact way.
// See https://developer.work.weixin.qq.com/document/path/92572
func getContactWay(c *call) (reply, *failure) {
	w, f := c.namedContactWay()
	if f != nil {
		return nil, f
	}
	out := reply{
		"config_id": w.ConfigID, "type": w.Type, "scene": w.Scene, "style": w.style,
		"remark": w.Remark, "skip_verify": w.SkipVerify, "state": w.State,
		"user": append([]string{}, w.Users...), "party": append([]int{}, w.Parties...),
		"is_temp": w.Temp, "is_exclusive": w.Exclusive, "mark_source": w.MarkSource,
	}
	c.s.shownTemp(w, out)
	if w.Scene == 2 {
		out["qr_code"] = c.s.qrLink(w.ConfigID)
	}
	return reply{"contact_way": out}, nil
}

// listContactWays answers the ids of lasting contact ways by time of making, by default of
// the last 90 days.
// See https://developer.work.weixin.qq.com/document/path/92572
func listContactWays(c *call) (reply, *failure) {
	in := c.in
	end := in.number("end_time", c.now.Unix())
	begin := in.number("start_time", time.Unix(end, 0).Add(-listWaySpan).Unix())
	limit := int(in.between("limit", 100, 1, 1000))
	cursor := in.text("cursor")
	if end < begin {
		in.bad(codeBadParam, "invalid Request Parameter: end_time is before start_time")
	}
	if f := in.failed(); f != nil {
		return nil, f
	}
	var all []*ContactWay
	for _, w := range c.s.ways.contacts {
		if at := w.CreatedAt.Unix(); !w.Temp && at >= begin && at <= end {
			all = append(all, w)
		}
	}
	some, next, f := page("way", cursor, c.atMost(limit), all, func(w *ContactWay) int { return w.key })
	if f != nil {
		return nil, f
	}
	out := []reply{}
	for _, w := range some {
		out = append(out, reply{"config_id": w.ConfigID})
	}
	return reply{"contact_way": out, "next_cursor": next}, nil
}

// updateContactWay changes the fields that are given; users and departments are replaced as
// a whole.
// See https://developer.work.weixin.qq.com/document/path/92572
func updateContactWay(c *call) (reply, *failure) {
	old, f := c.namedContactWay()
	if f != nil {
		return nil, f
	}
	w := *old
	w.Users = slices.Clone(old.Users)
	if f := c.readContactWay(&w); f != nil {
		return nil, f
	}
	*old = w
	return nil, nil
}

// deleteContactWay ends a contact way: its code leads nowhere any more.
// See https://developer.work.weixin.qq.com/document/path/92572
func deleteContactWay(c *call) (reply, *failure) {
	w, f := c.namedContactWay()
	if f != nil {
		return nil, f
	}
	c.s.ways.contacts = slices.DeleteFunc(c.s.ways.contacts, func(k *ContactWay) bool { return k == w })
	return nil, nil
}

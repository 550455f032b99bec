package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// Ways of adding a contact, as far as the sandbox uses them.
const (
	AddWayUnknown = 0
	AddWayQR      = 1
	AddWayCard    = 3
	AddWayGroup   = 4
)

// Via is how a contact comes about.
type Via struct {
	// ConfigID is the contact way that the customer scans; empty: none.
	ConfigID string
	// LinkID is the acquisition link that the customer opens, Channel the customer_channel in
	// its address; empty: none.
	LinkID  string
	Channel string
	// AddWay is the platform's number; with a ConfigID it is always 1, with a
	// LinkID 16.
	AddWay int
	// NoWelcome leaves the welcome code out of the event, as when the company's own welcome
	// is set up in the console or the two have chatted before.
	NoWelcome bool
}

// AddContact makes a customer and a member of staff contacts and makes the event
// add_external_contact. With a ConfigID user may be empty: the contact way chooses. The
// event has a welcome code unless Via says otherwise, the customer is a WeCom user, or the
// half contact before was already welcomed.
func (s *Sandbox) AddContact(user, customer string, via Via) (Contact, error) {
	return s.befriend(user, customer, via, false)
}

// HalfAddContact lets a customer add a member of staff who has not added the customer back,
// and makes the event add_half_external_contact. AddContact makes it whole.
func (s *Sandbox) HalfAddContact(user, customer string, via Via) (Contact, error) {
	return s.befriend(user, customer, via, true)
}

func (s *Sandbox) befriend(user, customer string, via Via, half bool) (Contact, error) {
	now := s.enter()
	defer s.leave()
	fail := func(err error) (Contact, error) {
		return Contact{}, fmt.Errorf("add contact %s and %s: %w", user, customer, err)
	}
	in, err := s.wayTo(now, user, customer, via)
	if err != nil {
		return fail(err)
	}
	user = in.user
	u, p := s.office.find(user), s.clientele.byID[customer]
	switch {
	case u == nil || u.Resigned || p == nil:
		return fail(ErrNotFound)
	case u.NoContacts:
		return fail(fmt.Errorf("%s may not deal with customers", u.UserID))
	}
	before := s.clientele.current[pair{u.UserID, customer}]
	if before != nil && (before.active() && before.ByCustomer.IsZero() || half && before.Half) {
		return fail(fmt.Errorf("they are contacts already"))
	}
	k := &Contact{User: u.UserID, Customer: customer, AddedAt: now, AddWay: in.add, State: in.state, Half: half}
	greeted := before != nil && before.Half && s.welcomes.used(before.WelcomeCode)
	if !via.NoWelcome && p.Corp == "" && !greeted {
		k.WelcomeCode = s.issueWelcome(now, k)
	}
	s.clientele.keep(k)
	if in.temp != nil {
		s.beginTempChat(now, k, in.temp)
	}
	change := "add_external_contact"
	if half {
		change = "add_half_external_contact"
	}
	s.note(now, EntryContact, customer, nil, both("%s: %s (%s)", contactWords(change)+": %[2]s (%[3]s)", change, u.UserID, u.Name))
	s.contactEvent(now, u, k, change, k.WelcomeCode)
	if in.link != nil && !half {
		s.acquired(now, in.link, k)
	}
	return *k, nil
}

// entrance is how a customer gets to a member of staff.
type entrance struct {
	user  string
	add   int
	state string
	temp  *ContactWay      // for a temporary chat
	link  *AcquisitionLink // that was opened
}

// wayTo finds the member of staff that a code or a link leads to.
func (s *Sandbox) wayTo(now time.Time, user, customer string, via Via) (entrance, error) {
	in := entrance{user: user, add: via.AddWay}
	switch {
	case via.ConfigID != "" && via.LinkID != "":
		return in, errors.New("want a config id or a link id, not both")
	case via.ConfigID != "":
		chosen, way, err := s.scanContactWay(now, via.ConfigID, user, customer)
		if err != nil {
			return in, err
		}
		in.user, in.state, in.add = chosen, way.State, AddWayQR
		if way.Temp {
			in.temp = way
		}
	case via.LinkID != "":
		chosen, link, err := s.followLink(now, via.LinkID, user, customer, channelState(via.Channel))
		if err != nil {
			return in, err
		}
		in.user, in.state, in.add, in.link = chosen, channelState(via.Channel), AddWayLink, link
	}
	return in, nil
}

// keep makes a contact the current one of its two people.
func (l *clientele) keep(k *Contact) {
	k.key = len(l.contacts) + 1
	l.served++
	k.served = l.served
	l.contacts = append(l.contacts, k)
	who := pair{k.User, k.Customer}
	mine := l.ofUser[k.User]
	if old := l.current[who]; old != nil {
		for i := range mine {
			if mine[i] == old {
				mine = append(mine[:i:i], mine[i+1:]...)
				break
			}
		}
	}
	l.current[who] = k
	l.ofUser[k.User] = append(mine, k)
}

// DeleteContact ends a contact: by the member of staff (event del_external_contact) or by
// the customer (event del_follow_user; the member keeps the customer).
func (s *Sandbox) DeleteContact(user, customer string, byCustomer bool) error {
	now := s.enter()
	defer s.leave()
	u := s.office.find(user)
	if u == nil {
		return fmt.Errorf("delete contact %s and %s: %w", user, customer, ErrNotFound)
	}
	k := s.clientele.current[pair{u.UserID, customer}]
	if k == nil || !k.ByStaff.IsZero() || byCustomer && !k.ByCustomer.IsZero() {
		return fmt.Errorf("delete contact %s and %s: %w", user, customer, ErrNotFound)
	}
	change := "del_external_contact"
	if byCustomer {
		change = "del_follow_user"
		k.ByCustomer = now
	} else {
		k.ByStaff = now
	}
	s.note(now, EntryContact, customer, nil, both("%s: %s (%s)", contactWords(change)+": %[2]s (%[3]s)", change, u.UserID, u.Name))
	s.contactEvent(now, u, k, change, "")
	return nil
}

// contactEvent makes a change_external_contact event, if the app sees the member of staff.
func (s *Sandbox) contactEvent(now time.Time, u *Staff, k *Contact, change, code string) {
	if !u.serves() {
		return
	}
	x := s.newEvent(now, "change_external_contact")
	x.text("ChangeType", change)
	x.text("UserID", k.User)
	x.text("ExternalUserID", k.Customer)
	withState := change != "del_external_contact" && change != "del_follow_user"
	if withState && k.State != "" {
		x.text("State", k.State)
	}
	if code != "" {
		x.text("WelcomeCode", code)
	}
	s.emit(now, x, Callback{Kind: "change_external_contact." + change, Who: k.Customer})
}

// contactWords says in Chinese what a change of a contact was.
func contactWords(change string) string {
	switch change {
	case "add_external_contact":
		return "加上了员工"
	case "add_half_external_contact":
		return "单方加了员工"
	case "del_follow_user":
		return "删了员工"
	}
	return "被员工删了"
}

package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rootDepartment is the company itself.
const rootDepartment = 1

// Department is a part of the company.
type Department struct {
	ID     int    // 1 is the company
	Name   string // required
	Parent int    // 0 becomes 1
}

// Staff is a member of the company.
type Staff struct {
	UserID     string // required; upper and lower case are the same
	Name       string // required
	Department int    // 0 becomes 1
	Position   string
	// Mobile finds the member by user/getuserid; it is shown to nobody.
	Mobile string
	// Hidden staff are outside the app's visible range: the app sees neither them nor their
	// groups and contacts, and gets no events about them.
	Hidden bool
	// NoContacts staff may not deal with customers (no 客户联系).
	NoContacts bool
	// Inactive staff have not activated their account; contact ways refuse them.
	Inactive bool
	// Resigned and ResignedAt are set by Resign and ignored by AddStaff.
	Resigned   bool
	ResignedAt time.Time

	resignation int         // 1, 2, 3 … in the order of resigning
	handed      []time.Time // when groups went to others today
}

// Customer is somebody from outside.
type Customer struct {
	// ID is an external_userid; empty: one is made.
	ID   string
	Name string // required
	// UnionID is the person across apps; empty: none, unless WithUnionID is set.
	UnionID string
	// WithUnionID makes a union id from the seed.
	WithUnionID bool
	// Gender is 0 unknown, 1 male, 2 female.
	Gender int
	// Corp is the name of the customer's company, for a WeCom user of another company
	// (type 2, id wo…); empty for a WeChat user (type 1, id wm…).
	Corp string
}

// office is the company's own people.
type office struct {
	departments []Department
	staff       []*Staff
	byID        map[string]*Staff // by userid in lower case
	resigned    int
}

func newOffice() office {
	return office{departments: []Department{{ID: rootDepartment, Name: "沙箱公司"}}, byID: map[string]*Staff{}}
}

func (o *office) find(userID string) *Staff { return o.byID[strings.ToLower(userID)] }

// visible reports whether the app sees a member of staff.
func (u *Staff) visible() bool { return !u.Hidden && !u.Resigned }

// serves reports whether the app sees what a member of staff does with customers.
func (u *Staff) serves() bool { return u.visible() && !u.NoContacts }

// status is 1 for active and 4 for somebody who has not activated the account.
func (u *Staff) status() int {
	if u.Inactive {
		return 4
	}
	return 1
}

// openID is the id of a member of staff across companies.
func (u *Staff) openID() string { return "woid" + strings.ToLower(u.UserID) }

// seeStaff returns a visible member of staff or the refusal for it.
func (o *office) seeStaff(userID string) (*Staff, *failure) {
	u := o.find(userID)
	switch {
	case u == nil || u.Resigned:
		return nil, refuse(codeNoUser, "userid not found: %s", userID)
	case u.Hidden:
		return nil, refuse(codeNotVisible, "no privilege to access/modify contact/party/agent: %s", userID)
	}
	return u, nil
}

// AddDepartment adds a department below an existing one.
func (s *Sandbox) AddDepartment(d Department) error {
	now := s.enter()
	defer s.leave()
	if d.Parent == 0 {
		d.Parent = rootDepartment
	}
	if d.ID <= rootDepartment || d.Name == "" {
		return errors.New("add department: want an id above 1 and a name")
	}
	if s.office.department(d.ID) != nil {
		return fmt.Errorf("add department %d: it exists", d.ID)
	}
	if s.office.department(d.Parent) == nil {
		return fmt.Errorf("add department %d: parent %d: %w", d.ID, d.Parent, ErrNotFound)
	}
	s.office.departments = append(s.office.departments, d)
	s.partyEvent(now, "create_party", d)
	return nil
}

func (o *office) department(id int) *Department {
	for i := range o.departments {
		if o.departments[i].ID == id {
			return &o.departments[i]
		}
	}
	return nil
}

// AddStaff adds a member of staff.
func (s *Sandbox) AddStaff(u Staff) error {
	now := s.enter()
	defer s.leave()
	if u.Department == 0 {
		u.Department = rootDepartment
	}
	u.Resigned, u.ResignedAt = false, time.Time{}
	switch {
	case u.UserID == "" || u.Name == "" || strings.ContainsAny(u.UserID, "| ") || u.UserID[0] == '@':
		return fmt.Errorf("add staff %q: want a userid without | or blanks that does not begin with @, and a name", u.UserID)
	case s.office.find(u.UserID) != nil:
		return fmt.Errorf("add staff %s: the userid is taken", u.UserID)
	case s.office.department(u.Department) == nil:
		return fmt.Errorf("add staff %s: department %d: %w", u.UserID, u.Department, ErrNotFound)
	}
	s.office.staff = append(s.office.staff, &u)
	s.office.byID[strings.ToLower(u.UserID)] = &u
	s.newStaffEvent(now, &u)
	return nil
}

// Staff returns everybody who works or worked for the company, in the order of AddStaff.
func (s *Sandbox) Staff() []Staff {
	s.enter()
	defer s.leave()
	return copied(s.office.staff, shallow)
}

// Resign ends somebody's work for the company. Groups stay with their resigned owner until
// they are transferred; the platform sends no more events about them.
func (s *Sandbox) Resign(userID string) error {
	now := s.enter()
	defer s.leave()
	u := s.office.find(userID)
	if u == nil || u.Resigned {
		return fmt.Errorf("resign %s: %w", userID, ErrNotFound)
	}
	s.office.resigned++
	u.Resigned, u.ResignedAt, u.resignation = true, now, s.office.resigned
	s.lookAtLinks(now)
	s.staffEvent(now, u, "delete_user", func(*event) {})
	return nil
}

// clientele is everybody from outside and their contacts with staff.
type clientele struct {
	customers []*Customer
	byID      map[string]*Customer
	contacts  []*Contact            // all there ever were, oldest first
	current   map[pair]*Contact     // the latest of two people
	ofUser    map[string][]*Contact // by userid as written in Staff
	handovers []*Handover
	served    int // counts contacts and joins of customers, in their order
}

// pair is a member of staff and a customer.
type pair struct{ user, customer string }

func newClientele() clientele {
	return clientele{
		byID: map[string]*Customer{}, current: map[pair]*Contact{}, ofUser: map[string][]*Contact{},
	}
}

// AddCustomer adds somebody from outside, who at first belongs to no group and is nobody's
// contact, and returns the external_userid.
func (s *Sandbox) AddCustomer(p Customer) (string, error) {
	s.enter()
	defer s.leave()
	if p.Name == "" || p.Gender < 0 || p.Gender > 2 {
		return "", errors.New("add customer: want a name, and a gender from 0 to 2")
	}
	if p.ID == "" {
		p.ID = "wm" + s.dice.draw("customer", alphabetID, 30)
		if p.Corp != "" {
			p.ID = "wo" + p.ID[2:]
		}
	}
	if s.clientele.byID[p.ID] != nil || s.office.find(p.ID) != nil {
		return "", fmt.Errorf("add customer %s: the id is taken", p.ID)
	}
	if p.UnionID == "" && p.WithUnionID {
		p.UnionID = "o" + s.dice.draw("unionid", alphabetID, 27)
	}
	s.clientele.customers = append(s.clientele.customers, &p)
	s.clientele.byID[p.ID] = &p
	return p.ID, nil
}

// Customers returns everybody from outside, in the order of AddCustomer.
func (s *Sandbox) Customers() []Customer {
	s.enter()
	defer s.leave()
	return copied(s.clientele.customers, shallow)
}

// Customer returns somebody from outside by external_userid.
func (s *Sandbox) Customer(id string) (Customer, error) {
	s.enter()
	defer s.leave()
	p := s.clientele.byID[id]
	if p == nil {
		return Customer{}, fmt.Errorf("customer %q: %w", id, ErrNotFound)
	}
	return *p, nil
}

// FindCustomers returns those from outside whose id, name or company contains a word, whatever
// its case, the newest first: so many after having skipped some, and how many there are in all.
// Unlike Customers it copies only these.
func (s *Sandbox) FindCustomers(word string, skip, limit int) (found []Customer, total int) {
	s.enter()
	defer s.leave()
	word = strings.ToLower(strings.TrimSpace(word))
	for _, p := range slices.Backward(s.clientele.customers) {
		if word != "" && !strings.Contains(strings.ToLower(p.ID+"\n"+p.Name+"\n"+p.Corp), word) {
			continue
		}
		if total >= skip && len(found) < limit {
			found = append(found, *p)
		}
		total++
	}
	return found, total
}

// ContactsOf returns the newest contacts of a customer or a member of staff that the member has
// not ended, at most so many, the newest first.
func (s *Sandbox) ContactsOf(person string, limit int) []Contact {
	s.enter()
	defer s.leave()
	var out []Contact
	for _, k := range slices.Backward(s.clientele.contacts) {
		if len(out) < limit && (k.User == person || k.Customer == person) && k.ByStaff.IsZero() {
			c := *k
			c.mobiles, c.Tags, c.PersonalTags = slices.Clone(k.mobiles), slices.Clone(k.Tags), slices.Clone(k.PersonalTags)
			out = append(out, c)
		}
	}
	return out
}

// NameOf returns the name of a person by userid or external_userid, "" if nobody has it.
func (s *Sandbox) NameOf(id string) string {
	s.enter()
	defer s.leave()
	return s.nameOf(id)
}

// nameOf returns the name of a person by userid or external_userid, "" if nobody has it.
func (s *Sandbox) nameOf(id string) string {
	if p := s.clientele.byID[id]; p != nil {
		return p.Name
	}
	if u := s.office.find(id); u != nil {
		return u.Name
	}
	return ""
}

// Contact is a customer who is or was in the address book of a member of staff.
type Contact struct {
	User     string // userid
	Customer string // external_userid
	AddedAt  time.Time
	AddWay   int    // 0 unknown, 1 by QR code, … as the platform numbers them
	State    string // of the contact way that was scanned
	// Half is set while only the customer has added the member of staff.
	Half bool
	// ByCustomer is when the customer deleted the member of staff; the member still has the
	// customer then. ByStaff is when the member deleted the customer. Zero: never.
	ByCustomer, ByStaff time.Time
	// WelcomeCode is the code in the event of this contact, "" for none.
	WelcomeCode string
	// TempUntil is when a temporary chat ends, zero for a lasting contact.
	TempUntil   time.Time
	Remark      string
	Description string
	// Tags are the ids of the company's tags that were put on the customer, deleted ones too.
	Tags []string
	// PersonalTags are the tags that only this member of staff uses; they have no id.
	PersonalTags []string

	key        int        // 1, 2, 3 … in the order of adding
	served     int        // as in clientele
	conclusion Conclusion // of a temporary chat
	company    string
	mobiles    []string
}

// Contacts returns all contacts there ever were, oldest first.
func (s *Sandbox) Contacts() []Contact {
	s.enter()
	defer s.leave()
	return copied(s.clientele.contacts, func(k *Contact) {
		k.mobiles, k.Tags, k.PersonalTags = slices.Clone(k.mobiles), slices.Clone(k.Tags), slices.Clone(k.PersonalTags)
	})
}

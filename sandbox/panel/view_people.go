package panel

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"xiaobu/sandbox"
)

type peopleView struct {
	Staff     []sandbox.Staff
	More      int // staff that are not shown
	Customers []sandbox.Customer
	Pager     pager // of the customers
}

func (p *panel) viewPeople(r *http.Request) (any, error) {
	var v peopleView
	word := r.URL.Query().Get(wordField)
	for _, u := range p.box.Staff() {
		switch {
		case !contains(word, u.UserID, u.Name, u.Position):
		case len(v.Staff) == shownStaff:
			v.More++
		default:
			v.Staff = append(v.Staff, u)
		}
	}
	_, total := p.box.FindCustomers(word, 0, 0)
	pg, err := pageOf(r, shownPeople, total)
	v.Pager = pg
	v.Customers, _ = p.box.FindCustomers(word, pg.skip(), pg.Size)
	return v, err
}

// personView is somebody to be: what they see and what they can do.
type personView struct {
	ID        string
	Staff     *sandbox.Staff
	Customer  *sandbox.Customer
	Groups    []sandbox.GroupSummary
	Others    []sandbox.GroupSummary // living groups that they are not in
	Contacts  []sandbox.Contact      // that have not ended, the newest first
	Codes     []codeView
	Colleague []sandbox.Staff    // staff at work, for a customer to add
	Customers []sandbox.Customer // for staff to add
	Welcomes  []sandbox.Welcome  // that a customer received
	Inbox     []sandbox.AppMessage
	Tasks     tasksView
	Moments   []sandbox.Moment // those they publish or see
	Tags      []sandbox.Tag    // of the company
	Follows   bool             // the official account
	Menu      []sandbox.Button // of the official account
	Received  []sandbox.AccountMessage
	Links     []sandbox.AcquisitionLink
	Handovers []sandbox.Handover // that wait
	// Departments are for a member of staff to be in.
	Departments []sandbox.Department
}

func (p *panel) viewPerson(r *http.Request) (any, error) {
	v := personView{ID: r.PathValue("id")}
	sum := p.box.Summary()
	for _, u := range sum.Staff {
		if strings.EqualFold(u.UserID, v.ID) {
			v.ID, v.Staff = u.UserID, &u
		}
	}
	if c, err := p.box.Customer(v.ID); err == nil {
		v.Customer = &c
	}
	if v.Staff == nil && v.Customer == nil {
		return nil, fmt.Errorf("person %q: %w", v.ID, sandbox.ErrNotFound)
	}
	v.Groups = p.box.GroupsOf(v.ID)
	for _, g := range sum.Groups {
		if !g.Dismissed && !slices.ContainsFunc(v.Groups, func(in sandbox.GroupSummary) bool { return in.ID == g.ID }) {
			v.Others = append(v.Others, g)
		}
	}
	v.Colleague = atWork(sum.Staff)
	v.Colleague = v.Colleague[:min(len(v.Colleague), shownStaff)]
	p.addContacts(&v)
	p.addMoments(&v)
	if v.Customer != nil {
		p.addCustomerViews(&v)
		return v, nil
	}
	v.Departments = p.box.Departments()
	for _, g := range p.box.TagGroups() {
		v.Tags = append(v.Tags, slices.DeleteFunc(g.Tags, func(t sandbox.Tag) bool { return t.Deleted })...)
	}
	v.Customers, v.Tasks = p.somebody(r), p.tasksOf(v.ID)
	for _, m := range slices.Backward(p.box.AppMessages()) {
		if slices.Contains(m.To, v.ID) && len(v.Inbox) < shownEntries {
			v.Inbox = append(v.Inbox, m)
		}
	}
	return v, nil
}

// addContacts adds the contacts that have not ended, and the welcomes that came of them.
func (p *panel) addContacts(v *personView) {
	v.Contacts = p.box.ContactsOf(v.ID, shownPeople)
	for _, w := range slices.Backward(p.box.Welcomes()) {
		if w.Customer == v.ID && !w.SentAt.IsZero() && len(v.Welcomes) < shownEntries {
			v.Welcomes = append(v.Welcomes, w)
		}
	}
}

// addMoments adds the moments that a member of staff publishes or a customer sees, each with
// those shares only.
func (p *panel) addMoments(v *personView) {
	for _, m := range slices.Backward(p.box.Moments()) {
		m.Shares = slices.DeleteFunc(m.Shares, func(s sandbox.MomentShare) bool {
			return s.User != v.ID && !slices.Contains(s.Shown, v.ID)
		})
		if len(m.Shares) > 0 && m.MomentID != "" && len(v.Moments) < shownEntries {
			v.Moments = append(v.Moments, m)
		}
	}
}

// addCustomerViews adds what only customers see: codes, links, handovers, the official account.
func (p *panel) addCustomerViews(v *personView) {
	v.Codes = p.codes()
	v.Codes = v.Codes[:min(len(v.Codes), shownPicks)]
	v.Links = p.box.AcquisitionLinks()
	v.Handovers = slices.DeleteFunc(p.box.Handovers(), func(h sandbox.Handover) bool {
		return h.Customer != v.ID || h.Status != sandbox.HandoverWaiting
	})
	v.Follows = slices.ContainsFunc(p.box.Followers(), func(f sandbox.Follower) bool { return f.Customer == v.ID && f.Subscribed })
	v.Menu = p.box.AccountMenu()
	for _, m := range slices.Backward(p.box.AccountMessages()) {
		if m.Customer == v.ID && len(v.Received) < shownEntries {
			v.Received = append(v.Received, m)
		}
	}
}

package panel

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"xiaobu/sandbox"
)

type peopleView struct {
	Query     string
	Staff     []sandbox.Staff
	Customers []sandbox.Customer
	More      int // customers that are not shown
}

func (p *panel) viewPeople(r *http.Request) (any, error) {
	v := peopleView{Query: r.URL.Query().Get("q")}
	for _, u := range p.box.Staff() {
		if contains(v.Query, u.UserID, u.Name, u.Position) {
			v.Staff = append(v.Staff, u)
		}
	}
	for _, c := range slices.Backward(p.box.Customers()) {
		switch {
		case !contains(v.Query, c.ID, c.Name, c.Corp):
		case len(v.Customers) == shownPeople:
			v.More++
		default:
			v.Customers = append(v.Customers, c)
		}
	}
	return v, nil
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
	for _, c := range p.box.Customers() {
		if c.ID == v.ID {
			v.Customer = &c
		}
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
	v.Customers, v.Tasks = p.somebody(), p.tasksOf(v.ID)
	for _, m := range slices.Backward(p.box.AppMessages()) {
		if slices.Contains(m.To, v.ID) && len(v.Inbox) < shownEntries {
			v.Inbox = append(v.Inbox, m)
		}
	}
	return v, nil
}

// addContacts adds the contacts that have not ended, and the welcomes that came of them.
func (p *panel) addContacts(v *personView) {
	for _, k := range slices.Backward(p.box.Contacts()) {
		if (k.User == v.ID || k.Customer == v.ID) && k.ByStaff.IsZero() && len(v.Contacts) < shownPeople {
			v.Contacts = append(v.Contacts, k)
		}
	}
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

package panel

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaobu/sandbox"
)

// consoleRoutes are what an administrator does in the console, and what it shows.
func (p *panel) consoleRoutes() []route {
	return []route{
		{"GET /sandbox/departments", "the departments", p.getDepartments},
		{"POST /sandbox/departments", "id, name, parent (0: the company)", command(p.postDepartment)},
		{"POST /sandbox/departments/{id}", "name, parent (0: the company): replaces both", command(p.postDepartmentChange)},
		{"POST /sandbox/departments/{id}/delete", "a department with nobody in it", command(p.postDepartmentDelete)},
		{"POST /sandbox/staff/{id}", "name, department, position, mobile, hidden, no_contacts, inactive: changes only what is given", command(p.postStaffChange)},
		{"GET /sandbox/tags", "groups of tags with their tags", p.getTags},
		{"POST /sandbox/tags", "group, names: tags of the company made in the console", command(p.postTags)},
		{"POST /sandbox/tags/{id}/rename", "name: of a tag or a group of tags", command(p.postTagRename)},
		{"POST /sandbox/tags/{id}/delete", "a tag or a group of tags", command(p.postTagDelete)},
		{"POST /sandbox/tags/shuffle", "group (none: the groups themselves): another order", command(p.postTagShuffle)},
		{"GET /sandbox/links", "acquisition links", p.getLinks},
		{"POST /sandbox/links/{id}/click", "customer, channel, user: opens a link; without customer only so far", command(p.postLink)},
		{"POST /sandbox/links/quota", "contacts, expires (RFC 3339): replaces the quota of the links", command(p.postLinkQuota)},
		{"GET /sandbox/handovers", "customers that were handed over, or are to be", p.getHandovers},
		{"POST /sandbox/handovers/refuse", "customer: refuses to be handed over while it waits", command(p.postHandoverRefuse)},
	}
}

type consoleView struct {
	Departments []sandbox.Department
	Tags        []sandbox.TagGroup
	Links       []sandbox.AcquisitionLink
	Handovers   []sandbox.Handover
	Customers   []sandbox.Customer
}

func (p *panel) viewConsole(r *http.Request) (any, error) {
	v := consoleView{Departments: p.box.Departments(), Tags: p.tagGroups(), Links: p.box.AcquisitionLinks(), Customers: p.somebody(r)}
	v.Handovers = slices.Clone(newest(p.box.Handovers(), shownPeople))
	slices.Reverse(v.Handovers)
	return v, nil
}

// tagGroups are the groups of tags without what was deleted.
func (p *panel) tagGroups() []sandbox.TagGroup {
	groups := slices.DeleteFunc(p.box.TagGroups(), func(g sandbox.TagGroup) bool { return g.Deleted })
	for i := range groups {
		groups[i].Tags = slices.DeleteFunc(groups[i].Tags, func(t sandbox.Tag) bool { return t.Deleted })
	}
	return groups
}

func (p *panel) getDepartments(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, d := range p.box.Departments() {
		list = append(list, reply{"id": d.ID, "name": d.Name, "parent": d.Parent})
	}
	answerJSON(w, http.StatusOK, reply{"departments": list})
}

type departmentBody struct {
	ID     int    `json:"id"`
	Name   string `json:"name"`
	Parent int    `json:"parent"`
}

func (p *panel) postDepartment(_ *http.Request, in departmentBody) (any, error) {
	return nil, p.box.AddDepartment(sandbox.Department{ID: in.ID, Name: in.Name, Parent: in.Parent})
}

type departmentChange struct {
	Name   string `json:"name"`
	Parent int    `json:"parent"`
}

func (p *panel) postDepartmentChange(r *http.Request, in departmentChange) (any, error) {
	id, err := departmentID(r)
	if err != nil {
		return nil, err
	}
	return nil, p.box.UpdateDepartment(sandbox.Department{ID: id, Name: in.Name, Parent: in.Parent})
}

func (p *panel) postDepartmentDelete(r *http.Request, _ struct{}) (any, error) {
	id, err := departmentID(r)
	if err != nil {
		return nil, err
	}
	return nil, p.box.DeleteDepartment(id)
}

func departmentID(r *http.Request) (int, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return 0, refuse("the department in the path must be a whole number, got %q", "路径里的部门要的是整数，来的是 %q", r.PathValue("id"))
	}
	return id, nil
}

// staffChange holds nil for what stays as it is.
type staffChange struct {
	Name       *string `json:"name"`
	Department *int    `json:"department"`
	Position   *string `json:"position"`
	Mobile     *string `json:"mobile"`
	Hidden     *bool   `json:"hidden"`
	NoContacts *bool   `json:"no_contacts"`
	Inactive   *bool   `json:"inactive"`
}

func (p *panel) postStaffChange(r *http.Request, in staffChange) (any, error) {
	id := r.PathValue("id")
	all := p.box.Staff()
	i := slices.IndexFunc(all, func(u sandbox.Staff) bool { return strings.EqualFold(u.UserID, id) })
	if i < 0 {
		return nil, fmt.Errorf("staff %q: %w", id, sandbox.ErrNotFound)
	}
	u := all[i]
	replace(&u.Name, in.Name)
	replace(&u.Department, in.Department)
	replace(&u.Position, in.Position)
	replace(&u.Mobile, in.Mobile)
	replace(&u.Hidden, in.Hidden)
	replace(&u.NoContacts, in.NoContacts)
	replace(&u.Inactive, in.Inactive)
	return nil, p.box.UpdateStaff(u)
}

// replace sets a field if there is something to set it to.
func replace[T any](field *T, with *T) {
	if with != nil {
		*field = *with
	}
}

func (p *panel) getTags(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, g := range p.tagGroups() {
		tags := []reply{}
		for _, t := range g.Tags {
			tags = append(tags, reply{"id": t.ID, "name": t.Name, "order": t.Order, "by_app": t.ByApp})
		}
		list = append(list, reply{"group_id": g.ID, "name": g.Name, "order": g.Order, "by_app": g.ByApp, "tags": tags})
	}
	answerJSON(w, http.StatusOK, reply{"groups": list})
}

type tagsBody struct {
	Group string   `json:"group"`
	Names []string `json:"names"`
}

func (p *panel) postTags(_ *http.Request, in tagsBody) (any, error) {
	g, err := p.box.AddTags(in.Group, in.Names...)
	return reply{"group_id": g.ID}, err
}

func (p *panel) postTagRename(r *http.Request, in nameBody) (any, error) {
	return nil, p.box.RenameTag(r.PathValue("id"), in.Name)
}

func (p *panel) postTagDelete(r *http.Request, _ struct{}) (any, error) {
	return nil, p.box.DeleteTag(r.PathValue("id"))
}

type shuffleBody struct {
	Group string `json:"group"`
}

func (p *panel) postTagShuffle(_ *http.Request, in shuffleBody) (any, error) {
	return nil, p.box.ShuffleTags(in.Group)
}

func (p *panel) getLinks(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, l := range p.box.AcquisitionLinks() {
		came := []reply{}
		for _, c := range newest(l.Customers, shownNewest) {
			came = append(came, reply{"user": c.User, "customer": c.Customer, "state": c.State, "at": c.At.Format(time.RFC3339), "chatted": c.Chatted})
		}
		list = append(list, reply{"link_id": l.ID, "name": l.Name, "users": l.Users, "clicks": len(l.Clicks), "customers": came})
	}
	answerJSON(w, http.StatusOK, reply{"links": list})
}

type linkBody struct {
	Customer string `json:"customer"`
	Channel  string `json:"channel"`
	User     string `json:"user"`
}

func (p *panel) postLink(r *http.Request, in linkBody) (any, error) {
	id := r.PathValue("id")
	if in.Customer == "" {
		return nil, p.box.ClickLink(id)
	}
	k, err := p.box.AddContact(in.User, in.Customer, sandbox.Via{LinkID: id, Channel: in.Channel})
	return contactAnswer(k), err
}

type linkQuotaBody struct {
	Contacts int       `json:"contacts"`
	Expires  time.Time `json:"expires"`
}

func (p *panel) postLinkQuota(_ *http.Request, in linkQuotaBody) (any, error) {
	return nil, p.box.SetAcquisitionQuota(in.Contacts, in.Expires)
}

// handoverWord names the states of a handover.
func handoverWord(status int) string {
	switch status {
	case sandbox.HandoverDone:
		return "done"
	case sandbox.HandoverWaiting:
		return "waiting"
	case sandbox.HandoverRefused:
		return "refused"
	}
	return "full"
}

func (p *panel) getHandovers(w http.ResponseWriter, _ *http.Request) {
	list := []reply{}
	for _, h := range newest(p.box.Handovers(), logLimit) {
		one := reply{"from": h.From, "to": h.To, "customer": h.Customer, "resigned": h.Resigned, "asked": h.AskedAt.Format(time.RFC3339), "status": handoverWord(h.Status)}
		if !h.DoneAt.IsZero() {
			one["done"] = h.DoneAt.Format(time.RFC3339)
		}
		list = append(list, one)
	}
	answerJSON(w, http.StatusOK, reply{"handovers": list})
}

type customerOnly struct {
	Customer string `json:"customer"`
}

func (p *panel) postHandoverRefuse(_ *http.Request, in customerOnly) (any, error) {
	return nil, p.box.RefuseHandover(in.Customer)
}

package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// UpdateStaff replaces what is known of a member of staff, found by UserID, who has not
// resigned. With Config.DirectoryEvents it makes the event update_user with what changed, if
// the app sees the member and anything that it may know has changed.
func (s *Sandbox) UpdateStaff(u Staff) error {
	now := s.enter()
	defer s.leave()
	old := s.office.find(u.UserID)
	if u.Department == 0 {
		u.Department = rootDepartment
	}
	switch {
	case old == nil || old.Resigned:
		return fmt.Errorf("update staff %s: %w", u.UserID, ErrNotFound)
	case u.Name == "":
		return fmt.Errorf("update staff %s: want a name", u.UserID)
	case s.office.department(u.Department) == nil:
		return fmt.Errorf("update staff %s: department %d: %w", u.UserID, u.Department, ErrNotFound)
	}
	before := *old
	old.Name, old.Department, old.Position, old.Mobile = u.Name, u.Department, u.Position, u.Mobile
	old.Hidden, old.NoContacts, old.Inactive = u.Hidden, u.NoContacts, u.Inactive
	s.lookAtLinks(now)
	changed := old.Name != before.Name || old.Department != before.Department || old.Position != before.Position || old.Inactive != before.Inactive
	if changed {
		s.staffEvent(now, old, "update_user", func(x *event) {
			if old.Name != before.Name {
				x.text("Name", old.Name)
			}
			if old.Department != before.Department {
				x.text("Department", strconv.Itoa(old.Department))
				x.number("MainDepartment", int64(old.Department))
			}
			if old.Position != before.Position {
				x.text("Position", old.Position)
			}
			if old.Inactive != before.Inactive {
				x.number("Status", int64(old.status()))
			}
		})
	}
	return nil
}

// Departments returns the departments there are, the company first, else in the order of
// making.
func (s *Sandbox) Departments() []Department {
	s.enter()
	defer s.leave()
	return slices.Clone(s.office.departments)
}

// UpdateDepartment gives a department another name or another parent, which must not be
// itself or below it. Parent 0 is the company.
func (s *Sandbox) UpdateDepartment(d Department) error {
	now := s.enter()
	defer s.leave()
	old := s.office.department(d.ID)
	if d.Parent == 0 && d.ID != rootDepartment {
		d.Parent = rootDepartment
	}
	switch {
	case old == nil || d.Parent != 0 && s.office.department(d.Parent) == nil:
		return fmt.Errorf("update department %d below %d: %w", d.ID, d.Parent, ErrNotFound)
	case d.Name == "":
		return fmt.Errorf("update department %d: want a name", d.ID)
	case d.ID == rootDepartment && d.Parent != 0 || d.ID != rootDepartment && s.office.isBelow(d.Parent, d.ID):
		return fmt.Errorf("update department %d: it cannot be below %d", d.ID, d.Parent)
	}
	*old = d
	s.partyEvent(now, "update_party", d)
	return nil
}

// isBelow reports whether a department is another or below it.
func (o *office) isBelow(id, top int) bool {
	return slices.ContainsFunc(o.below(top), func(d Department) bool { return d.ID == id })
}

// DeleteDepartment deletes a department without people and departments in it.
func (s *Sandbox) DeleteDepartment(id int) error {
	now := s.enter()
	defer s.leave()
	d := s.office.department(id)
	fail := func(err error) error { return fmt.Errorf("delete department %d: %w", id, err) }
	switch {
	case d == nil:
		return fail(ErrNotFound)
	case id == rootDepartment:
		return fail(errors.New("it is the company"))
	case len(s.office.below(id)) > 1:
		return fail(errors.New("there are departments below it"))
	case slices.ContainsFunc(s.office.staff, func(u *Staff) bool { return !u.Resigned && u.Department == id }):
		return fail(errors.New("there are people in it"))
	}
	gone := *d
	s.office.departments = slices.DeleteFunc(s.office.departments, func(d Department) bool { return d.ID == id })
	s.partyEvent(now, "delete_party", gone)
	return nil
}

// staffEvent makes a change_contact event about a member of staff whom the app sees.
func (s *Sandbox) staffEvent(now time.Time, u *Staff, change string, more func(*event)) {
	if u.Hidden {
		return
	}
	s.directoryEvent(now, change, u.UserID, func(x *event) {
		x.text("UserID", u.UserID)
		more(x)
	})
}

// newStaffEvent tells of somebody new, without what the platform withholds from apps.
func (s *Sandbox) newStaffEvent(now time.Time, u *Staff) {
	s.staffEvent(now, u, "create_user", func(x *event) {
		x.text("Name", u.Name)
		x.text("Department", strconv.Itoa(u.Department))
		x.number("MainDepartment", int64(u.Department))
		x.text("IsLeaderInDept", "0")
		x.text("Position", u.Position)
		x.number("Status", int64(u.status()))
	})
}

// partyEvent makes a change_contact event about a department.
func (s *Sandbox) partyEvent(now time.Time, change string, d Department) {
	s.directoryEvent(now, change, "", func(x *event) {
		x.number("Id", int64(d.ID))
		if change == "delete_party" {
			return
		}
		x.text("Name", d.Name)
		x.number("ParentId", int64(d.Parent))
		if change == "create_party" {
			x.number("Order", int64(departmentOrder(d)))
		}
	})
}

// directoryEvent makes a change_contact event, if the company sends them.
func (s *Sandbox) directoryEvent(now time.Time, change, who string, more func(*event)) {
	if !s.cfg.DirectoryEvents {
		return
	}
	x := s.newEvent(now, "change_contact")
	x.text("ChangeType", change)
	more(x)
	s.emit(now, x, Callback{Kind: "change_contact." + change, Who: who})
}

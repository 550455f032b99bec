package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	maxTags  = 3000 // of the company, all groups together
	tagChars = 30   // of the name of a tag or of a group
)

// TagGroup is a group of tags for customers (企业客户标签组). A group without tags does not
// exist: the last tag takes its group along.
type TagGroup struct {
	ID        string
	Name      string
	Order     int64 // the highest comes first
	CreatedAt time.Time
	ByApp     bool // made through the API: the app may change it
	Deleted   bool
	Tags      []Tag // the deleted ones too, in the order of making
}

// Tag is one tag for customers. What is deleted is remembered, and gone from all customers.
type Tag struct {
	ID        string
	Name      string
	Order     int64 // the highest comes first
	CreatedAt time.Time
	ByApp     bool
	Deleted   bool
}

// tagGroup is a TagGroup while it is kept.
type tagGroup struct {
	Tag  // the group's own fields
	tags []*Tag
}

// tagShelf are the tags of the company, groups in the order of making.
type tagShelf struct{ groups []*tagGroup }

// find returns a tag, with its group, or a group by its id; deleted ones too.
func (l *tagShelf) find(id string) (*tagGroup, *Tag) {
	for _, g := range l.groups {
		if g.ID == id {
			return g, nil
		}
		for _, t := range g.tags {
			if t.ID == id {
				return g, t
			}
		}
	}
	return nil, nil
}

// tag returns a tag that is not deleted, with its group, or nils.
func (l *tagShelf) tag(id string) (*tagGroup, *Tag) {
	if g, t := l.find(id); t != nil && !t.Deleted {
		return g, t
	}
	return nil, nil
}

// named returns a group that is not deleted by its name, or nil.
func (l *tagShelf) named(name string) *tagGroup {
	for _, g := range l.groups {
		if g.Name == name && !g.Deleted {
			return g
		}
	}
	return nil
}

// count is how many tags there are.
func (l *tagShelf) count() int {
	n := 0
	for _, g := range l.groups {
		n += len(livingTags(g.tags))
	}
	return n
}

// livingTags returns the tags that are not deleted, the highest order first, older ones first
// among equals.
func livingTags(tags []*Tag) []*Tag {
	out := slices.DeleteFunc(slices.Clone(tags), func(t *Tag) bool { return t.Deleted })
	slices.SortStableFunc(out, func(a, b *Tag) int { return cmp.Compare(b.Order, a.Order) })
	return out
}

func (g *tagGroup) has(name string) bool {
	return slices.ContainsFunc(g.tags, func(t *Tag) bool { return t.Name == name && !t.Deleted })
}

// newTagGroup adds an empty group, which the caller must fill.
func (s *Sandbox) newTagGroup(now time.Time, name string, order int64, byApp bool) *tagGroup {
	g := &tagGroup{Tag: s.newTag(now, name, order, byApp)}
	s.tagShelf.groups = append(s.tagShelf.groups, g)
	s.tagEvent(now, "create", g.ID, "tag_group")
	return g
}

func (s *Sandbox) newTag(now time.Time, name string, order int64, byApp bool) Tag {
	return Tag{ID: "et" + s.dice.draw("tag", alphabetID, 30), Name: name, Order: order, CreatedAt: now, ByApp: byApp}
}

// fill adds a tag to a group.
func (s *Sandbox) fill(now time.Time, g *tagGroup, name string, order int64, byApp bool) *Tag {
	t := s.newTag(now, name, order, byApp)
	g.tags = append(g.tags, &t)
	s.tagEvent(now, "create", t.ID, "tag")
	return &t
}

// dropTag deletes a tag, takes it off all customers without a word, and deletes a group that
// is left empty.
func (s *Sandbox) dropTag(now time.Time, g *tagGroup, t *Tag) {
	t.Deleted = true
	s.tagEvent(now, "delete", t.ID, "tag")
	if len(livingTags(g.tags)) == 0 {
		g.Deleted = true
		s.tagEvent(now, "delete", g.ID, "tag_group")
	}
}

// dropTagGroup deletes a group with all its tags. The platform does not say whether each tag
// is reported too; here only the group is.
func (s *Sandbox) dropTagGroup(now time.Time, g *tagGroup) {
	g.Deleted = true
	for _, t := range g.tags {
		t.Deleted = true
	}
	s.tagEvent(now, "delete", g.ID, "tag_group")
}

// tagEvent makes a change_external_tag event; kind is tag or tag_group, "" for none.
func (s *Sandbox) tagEvent(now time.Time, change, id, kind string) {
	x := s.newEvent(now, "change_external_tag")
	x.text("ChangeType", change)
	if id != "" {
		x.text("Id", id)
	}
	if kind != "" {
		x.text("TagType", kind)
	}
	s.emit(now, x, Callback{Kind: "change_external_tag." + change})
}

// AddTags adds tags to a group of that name as the company's administrator does in the
// console, and returns the group. Without such a group it is made. Each of them is an event
// of its own; the app may neither change nor delete them.
func (s *Sandbox) AddTags(group string, names ...string) (TagGroup, error) {
	now := s.enter()
	defer s.leave()
	g := s.tagShelf.named(group)
	fail := func(what string) (TagGroup, error) {
		return TagGroup{}, fmt.Errorf("add tags to %q: %s", group, what)
	}
	if len(names) == 0 || group == "" {
		return fail("want a group and a tag")
	}
	if s.tagShelf.count()+len(names) > maxTags {
		return fail(fmt.Sprintf("a company has at most %d", maxTags))
	}
	for i, name := range append([]string{group}, names...) {
		if name == "" || utf8.RuneCountInString(name) > tagChars {
			return fail(fmt.Sprintf("want names of 1 to %d characters", tagChars))
		}
		if i > 0 && (g != nil && g.has(name) || slices.Contains(names[:i-1], name)) {
			return fail("the name " + name + " is taken")
		}
	}
	if g == nil {
		g = s.newTagGroup(now, group, 0, false)
	}
	for _, name := range names {
		s.fill(now, g, name, 0, false)
	}
	return g.shown(), nil
}

// RenameTag gives a tag or a group of tags another name, as in the console.
func (s *Sandbox) RenameTag(id, name string) error {
	now := s.enter()
	defer s.leave()
	g, t := s.tagShelf.find(id)
	if g == nil || g.Deleted || t != nil && t.Deleted {
		return fmt.Errorf("rename tag %q: %w", id, ErrNotFound)
	}
	if name == "" || utf8.RuneCountInString(name) > tagChars || t == nil && s.tagShelf.named(name) != nil || t != nil && g.has(name) {
		return fmt.Errorf("rename tag %s: want a free name of 1 to %d characters", id, tagChars)
	}
	s.editTag(now, g, t, name, nil)
	return nil
}

// editTag changes the name (unless it is "") and the order (unless it is nil) of a tag, or
// of its group if there is none.
func (s *Sandbox) editTag(now time.Time, g *tagGroup, t *Tag, name string, order *int64) {
	kind := "tag"
	if t == nil {
		t, kind = &g.Tag, "tag_group"
	}
	if name != "" {
		t.Name = name
	}
	if order != nil {
		t.Order = *order
	}
	s.tagEvent(now, "update", t.ID, kind)
}

// DeleteTag deletes a tag or a whole group, as in the console.
func (s *Sandbox) DeleteTag(id string) error {
	now := s.enter()
	defer s.leave()
	g, t := s.tagShelf.find(id)
	switch {
	case g == nil || g.Deleted || t != nil && t.Deleted:
		return fmt.Errorf("delete tag %q: %w", id, ErrNotFound)
	case t != nil:
		s.dropTag(now, g, t)
	default:
		s.dropTagGroup(now, g)
	}
	return nil
}

// ShuffleTags puts the tags of a group into another order, as dragging in the console does;
// with "" it does so with the groups themselves. One event, shuffle, tells of it.
func (s *Sandbox) ShuffleTags(group string) error {
	now := s.enter()
	defer s.leave()
	var all []*Tag
	if group == "" {
		for _, g := range s.tagShelf.groups {
			all = append(all, &g.Tag)
		}
	} else if g, t := s.tagShelf.find(group); g != nil && t == nil {
		all = g.tags
	}
	all = livingTags(all)
	if len(all) == 0 {
		return fmt.Errorf("shuffle tags of %q: %w", group, ErrNotFound)
	}
	for i, place := range s.dice.stream("tag order").Perm(len(all)) {
		all[i].Order = int64(place)
	}
	s.tagEvent(now, "shuffle", group, "")
	return nil
}

// TagGroups returns every group of tags there ever was, in the order of making.
func (s *Sandbox) TagGroups() []TagGroup {
	s.enter()
	defer s.leave()
	out := make([]TagGroup, 0, len(s.tagShelf.groups))
	for _, g := range s.tagShelf.groups {
		out = append(out, g.shown())
	}
	return out
}

func (g *tagGroup) shown() TagGroup {
	return TagGroup{
		ID: g.ID, Name: g.Name, Order: g.Order, CreatedAt: g.CreatedAt, ByApp: g.ByApp, Deleted: g.Deleted,
		Tags: copied(g.tags, shallow),
	}
}

// Mark puts tags on a customer as a member of staff does in the client. The ids are those of
// the company's tags; any other text is a personal tag of the member, which has no id. It
// makes the event edit_external_contact.
func (s *Sandbox) Mark(user, customer string, tags ...string) error {
	now := s.enter()
	defer s.leave()
	u, k := s.contactOf(user, customer)
	if k == nil {
		return fmt.Errorf("mark %s by %s: %w", customer, user, ErrNotFound)
	}
	if len(tags) == 0 || slices.Contains(tags, "") {
		return fmt.Errorf("mark %s by %s: %w", customer, user, errors.New("want tags"))
	}
	for _, id := range tags {
		if _, t := s.tagShelf.tag(id); t != nil {
			k.Tags = unique(append(k.Tags, id))
		} else {
			k.PersonalTags = unique(append(k.PersonalTags, id))
		}
	}
	s.contactEvent(now, u, k, "edit_external_contact", "")
	return nil
}

// contactOf returns a member of staff and the contact with a customer, nil without one.
func (s *Sandbox) contactOf(user, customer string) (*Staff, *Contact) {
	u := s.office.find(user)
	if u == nil {
		return nil, nil
	}
	k := s.clientele.current[pair{u.UserID, customer}]
	if k == nil || !k.active() {
		return u, nil
	}
	return u, k
}

// tagsOf are the tags on a contact that still exist.
func (s *Sandbox) tagsOf(k *Contact) []string {
	return slices.DeleteFunc(slices.Clone(k.Tags), func(id string) bool {
		_, t := s.tagShelf.tag(id)
		return t == nil
	})
}

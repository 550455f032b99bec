package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What is planted exists already, under the ids it has elsewhere: a company that is copied
// into a sandbox to see how it goes on. Planting makes no events and asks no questions that
// the real company has answered long ago; only ids must be new and people known.

// PlantGroup puts in a customer group with the stays of its History, in the order of
// joining; Members is left out. ID and Owner are required. The owner need not be in the
// group or may have resigned, and more people than fit may be there.
func (s *Sandbox) PlantGroup(p Group) error {
	s.enter()
	defer s.leave()
	u := s.office.find(p.Owner)
	switch {
	case p.ID == "" || s.rooms.byID[p.ID] != nil:
		return fmt.Errorf("plant group %q: want an id that is not taken", p.ID)
	case u == nil:
		return fmt.Errorf("plant group %s: owner %q: %w", p.ID, p.Owner, ErrNotFound)
	}
	g := &group{
		key: len(s.rooms.all) + 1, id: p.ID, name: p.Name, owner: u, admins: slices.Clone(p.Admins), notice: p.Notice,
		created: p.CreatedAt, dismissed: p.Dismissed, present: map[string]*stay{}, posts: slices.Clone(p.Posts),
		owners: []ownership{{p.CreatedAt, u}}, talk: newTalk(),
	}
	if p.Dismissed {
		g.ended = p.CreatedAt // nobody says when
	}
	if p.Version == "" {
		p.Version = s.dice.draw("version", alphabetHex, 32)
	}
	g.versions = []version{{id: p.Version, shown: p.CreatedAt}}
	for _, m := range p.History {
		staff := s.office.find(m.User)
		if staff == nil && s.clientele.byID[m.User] == nil {
			return fmt.Errorf("plant group %s: member %q: %w", p.ID, m.User, ErrNotFound)
		}
		if staff != nil {
			m.User = staff.UserID
		}
		if m.Left.IsZero() && g.present[m.User] != nil {
			return fmt.Errorf("plant group %s: %s is in it twice", p.ID, m.User)
		}
		s.clientele.served++
		g.plant(m, staff != nil, s.clientele.served)
	}
	s.rooms.all = append(s.rooms.all, g)
	s.rooms.byID[g.id] = g
	return nil
}

// plant adds a stay; one that has ended is in no version that anybody can read.
func (g *group) plant(m Stay, staff bool, served int) {
	p := &stay{served: served, user: m.User, staff: staff, joined: m.Joined, left: m.Left, how: m.LeftHow, scene: m.Scene, inviter: m.Inviter, state: m.State}
	g.stays = append(g.stays, p)
	if p.scene == SceneQR {
		g.scans++
	}
	if m.Left.IsZero() {
		g.present[p.user] = p
	} else {
		p.to = -1
	}
}

// PlantContact puts in a contact of a customer and a member of staff. User, Customer and
// AddedAt are required; there is no welcome code any more.
func (s *Sandbox) PlantContact(k Contact) error {
	s.enter()
	defer s.leave()
	u := s.office.find(k.User)
	if u == nil || s.clientele.byID[k.Customer] == nil {
		return fmt.Errorf("plant contact %s and %s: %w", k.User, k.Customer, ErrNotFound)
	}
	k.User, k.WelcomeCode = u.UserID, ""
	s.clientele.keep(&k)
	return nil
}

// PlantJoinWay puts in a QR code into groups; ConfigID is required.
func (s *Sandbox) PlantJoinWay(w JoinWay) error {
	s.enter()
	defer s.leave()
	if w.ConfigID == "" || s.ways.join(w.ConfigID) != nil {
		return fmt.Errorf("plant join way %q: want a config id that is not taken", w.ConfigID)
	}
	for _, id := range w.Chats {
		if s.rooms.byID[id] == nil {
			return fmt.Errorf("plant join way %s: group %q: %w", w.ConfigID, id, ErrNotFound)
		}
	}
	s.ways.last++
	w.key, w.Chats = s.ways.last, slices.Clone(w.Chats)
	s.ways.joins = append(s.ways.joins, &w)
	return nil
}

// PlantContactWay puts in a QR code to members of staff; ConfigID is required.
func (s *Sandbox) PlantContactWay(w ContactWay) error {
	s.enter()
	defer s.leave()
	if w.ConfigID == "" || s.ways.contact(w.ConfigID) != nil {
		return fmt.Errorf("plant contact way %q: want a config id that is not taken", w.ConfigID)
	}
	s.ways.last++
	w.key, w.Users, w.Parties = s.ways.last, slices.Clone(w.Users), slices.Clone(w.Parties)
	s.ways.contacts = append(s.ways.contacts, &w)
	return nil
}

// PlantMedia puts in an uploaded file without its bytes, for messages unless it has another
// Purpose. It can be used for three days from UploadedAt.
func (s *Sandbox) PlantMedia(m Media) error {
	s.enter()
	defer s.leave()
	if m.MediaID == "" || m.UploadedAt.IsZero() || s.media.byID[m.MediaID] != nil {
		return errors.New("plant media: want a media id that is not taken and a time")
	}
	if m.Purpose == "" {
		m.Purpose = purposeMessage
	}
	f := &mediaFile{Media: m}
	s.media.all, s.media.byID[m.MediaID] = append(s.media.all, f), f
	return nil
}

// PlantTask puts in a mass message with its Shares, in the order of making. Results that are
// sent use up the quota of their groups and customers on the day of their time.
func (s *Sandbox) PlantTask(t Task) error {
	s.enter()
	defer s.leave()
	if t.MsgID == "" || s.mass.byID[t.MsgID] != nil {
		return fmt.Errorf("plant mass message %q: want a msgid that is not taken", t.MsgID)
	}
	for _, share := range t.Shares {
		if s.office.find(share.User) == nil {
			return fmt.Errorf("plant mass message %s: %q: %w", t.MsgID, share.User, ErrNotFound)
		}
	}
	kept := newTask(t)
	kept.key = len(s.mass.all) + 1
	s.mass.all = append(s.mass.all, kept)
	s.mass.byID[t.MsgID] = kept
	for _, r := range t.Results {
		kept.sent[r.Target] = true
		if r.Status == ResultSent {
			s.mass.received[quotaKey{r.Target, quotaDay(r.At)}]++
		}
	}
	return nil
}

// MassQuota returns how many mass messages a group or customer has received in the calendar
// month (or what Limits.MassRule names) of a moment, in Asia/Shanghai, and how many it may
// receive.
func (s *Sandbox) MassQuota(target string, at time.Time) (received, quota int) {
	s.enter()
	defer s.leave()
	return s.massQuota(target, at)
}

package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What a group holds.
const (
	groupSize = 500 // people
	groupByQR = 200 // joins by QR code in all; then a join way goes on to its next group
)

// Ways into a group, as groupchat/get numbers them.
const (
	SceneDirect = 1 // a member pulled the person in
	SceneLink   = 2 // through an invitation link that a member passed on
	SceneQR     = 3 // by a QR code
)

// Ways out of a group.
const (
	LeftAlone   = "left"
	LeftRemoved = "removed"
)

// Owner states of a group, as groupchat/list numbers them.
const (
	groupNormal    = 0
	groupOrphan    = 1 // the owner has resigned
	groupInherited = 3
)

// Group is a customer group (客户群).
type Group struct {
	ID        string // chat_id
	Name      string
	Owner     string // userid
	Admins    []string
	Notice    string
	CreatedAt time.Time
	Dismissed bool
	Version   string // member_version
	Members   []Stay // who is in it now, in the order of joining
	History   []Stay // every stay there ever was, in the order of joining
	Posts     []Post // the mass messages that were sent into it
}

// Stay is one stay of one person in a group.
type Stay struct {
	User    string // userid or external_userid
	Name    string
	Staff   bool
	Joined  time.Time
	Left    time.Time // zero while present
	LeftHow string    // LeftAlone or LeftRemoved
	Scene   int       // SceneDirect, SceneLink or SceneQR
	// Inviter is who really invited; the API shows it only if it is staff. Empty for QR.
	Inviter string
	State   string // of the join way that was scanned
}

// Post is a mass message in a group.
type Post struct {
	At          time.Time
	MsgID       string
	User        string // the member of staff who sent it
	Text        string
	Attachments []Attachment
}

// stay is a Stay while it is kept. from and to count the group's versions: the person is in
// those from (inclusive) to (exclusive); to is 0 while present.
type stay struct {
	user     string
	staff    bool
	joined   time.Time
	left     time.Time
	how      string
	scene    int
	inviter  string
	state    string
	from, to int
	served   int // as in clientele
}

// version is one member_version and when groupchat/get begins to show it.
type version struct {
	id    string
	shown time.Time
}

// group is a Group while it is kept.
type group struct {
	key       int // 1, 2, 3 … in the order of making
	id        string
	name      string
	owner     *Staff
	admins    []string
	notice    string
	created   time.Time
	dismissed bool
	inherited bool
	stays     []*stay
	present   map[string]*stay
	versions  []version
	news      *memberNews // joins or leaves that wait to be told with others
	scans     int
	posts     []Post
	handovers []time.Time // on the job
	owners    []ownership
	ended     time.Time // when it was dissolved
	talk      talk
}

// ownership is who has owned a group since when.
type ownership struct {
	since time.Time
	owner *Staff
}

// ownerAt returns who owned a group at a time, nil if it did not exist yet.
func (g *group) ownerAt(at time.Time) *Staff {
	for _, o := range slices.Backward(g.owners) {
		if !o.since.After(at) {
			return o.owner
		}
	}
	return nil
}

// rooms are all customer groups.
type rooms struct {
	all  []*group
	byID map[string]*group
}

func newRooms() rooms { return rooms{byID: map[string]*group{}} }

// CreateGroup makes a customer group of an owner and other staff, and the event create; it
// returns the chat_id.
func (s *Sandbox) CreateGroup(owner, name string, staff ...string) (string, error) {
	now := s.enter()
	defer s.leave()
	u, people, err := s.founders(owner, staff, now)
	if err != nil {
		return "", fmt.Errorf("create group %s: %w", name, err)
	}
	return s.makeGroup(now, u, name, people).id, nil
}

// founders are the owner of a group and the staff whom the owner takes along.
func (s *Sandbox) founders(owner string, staff []string, at time.Time) (*Staff, []*stay, error) {
	u := s.office.find(owner)
	switch {
	case u == nil || u.Resigned:
		return nil, nil, fmt.Errorf("owner %s: %w", owner, ErrNotFound)
	case u.NoContacts:
		return nil, nil, fmt.Errorf("owner %s may not deal with customers", owner)
	}
	people := []*stay{{user: u.UserID, staff: true, joined: at, scene: SceneDirect}}
	for _, id := range staff {
		other := s.office.find(id)
		if other == nil || other.Resigned {
			return nil, nil, fmt.Errorf("member %s: %w", id, ErrNotFound)
		}
		people = append(people, &stay{user: other.UserID, staff: true, joined: at, scene: SceneDirect, inviter: u.UserID})
	}
	return u, people, nil
}

// makeGroup makes a group with its first people and the event create.
func (s *Sandbox) makeGroup(now time.Time, owner *Staff, name string, people []*stay) *group {
	g := s.keepGroup(now, owner, name, people)
	s.note(now, EntryGroup, owner.UserID, g, both("the group was made", "建了群"))
	s.groupEvent(now, g, "create", func(*event) {})
	made := s.shown(g)
	s.tellWatchers(now, func(w Watcher) { w.GroupMade(made) })
	return g
}

// keepGroup makes a group without telling anybody.
func (s *Sandbox) keepGroup(created time.Time, owner *Staff, name string, people []*stay) *group {
	g := &group{
		key: len(s.rooms.all) + 1, id: "wr" + s.dice.draw("group", alphabetID, 30), name: name,
		owner: owner, created: created, present: map[string]*stay{}, owners: []ownership{{created, owner}}, talk: newTalk(),
	}
	g.versions = []version{{id: s.dice.draw("version", alphabetHex, 32), shown: created}}
	for _, p := range people {
		if g.present[p.user] == nil {
			g.stays = append(g.stays, p)
			g.present[p.user] = p
		}
	}
	s.rooms.all = append(s.rooms.all, g)
	s.rooms.byID[g.id] = g
	return g
}

// living returns a group that is not dissolved.
func (s *Sandbox) living(chat string) (*group, error) {
	g := s.rooms.byID[chat]
	if g == nil {
		return nil, fmt.Errorf("group %q: %w", chat, ErrNotFound)
	}
	if g.dismissed {
		return nil, fmt.Errorf("group %s is dissolved", chat)
	}
	return g, nil
}

// member returns a group and a present member of it.
func (s *Sandbox) member(chat, person string) (*group, *stay, error) {
	g, err := s.living(chat)
	if err != nil {
		return nil, nil, err
	}
	if u := s.office.find(person); u != nil {
		person = u.UserID
	}
	m := g.present[person]
	if m == nil {
		return nil, nil, fmt.Errorf("%q in group %s: %w", person, chat, ErrNotFound)
	}
	return g, m, nil
}

// ChangeOwner hands a group over to a member of staff who is in it.
func (s *Sandbox) ChangeOwner(chat, user string) error {
	now := s.enter()
	defer s.leave()
	g, m, err := s.member(chat, user)
	if err != nil {
		return fmt.Errorf("change owner: %w", err)
	}
	u := s.office.find(user)
	if !m.staff || u.NoContacts || u.Resigned {
		return fmt.Errorf("change owner: %s cannot own a customer group", user)
	}
	if g.owner == u {
		return fmt.Errorf("change owner: %s is the owner", user)
	}
	s.handOver(now, g, u)
	return nil
}

func (s *Sandbox) handOver(now time.Time, g *group, u *Staff) {
	g.inherited = g.inherited || g.owner.Resigned
	g.owner = u
	g.owners = append(g.owners, ownership{now, u})
	g.admins = slices.DeleteFunc(g.admins, func(a string) bool { return a == u.UserID })
	s.note(now, EntryGroup, u.UserID, g, both("is the new owner", "成了新群主"))
	s.updateEvent(now, g, "change_owner")
}

// Rename gives a group another name.
func (s *Sandbox) Rename(chat, name string) error {
	return s.changeGroup(chat, both("rename", "改了群名"), "change_name", func(g *group) error {
		if name == "" {
			return errors.New("want a name")
		}
		g.name = name
		return nil
	})
}

// SetNotice changes a group's notice board.
func (s *Sandbox) SetNotice(chat, notice string) error {
	return s.changeGroup(chat, both("set notice", "改了群公告"), "change_notice", func(g *group) error {
		g.notice = notice
		return nil
	})
}

// SetAdmins names the staff who may act for the owner; there is no event for it.
func (s *Sandbox) SetAdmins(chat string, users ...string) error {
	return s.changeGroup(chat, both("set admins", "定了群管理员"), "", func(g *group) error {
		var admins []string
		for _, id := range users {
			u := s.office.find(id)
			if u == nil || g.present[u.UserID] == nil || g.owner == u {
				return fmt.Errorf("%s is no other member of staff in the group", id)
			}
			admins = append(admins, u.UserID)
		}
		g.admins = admins
		return nil
	})
}

func (s *Sandbox) changeGroup(chat string, what words, detail string, change func(*group) error) error {
	now := s.enter()
	defer s.leave()
	g, err := s.living(chat)
	if err == nil {
		err = change(g)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what.en, err)
	}
	s.note(now, EntryGroup, g.owner.UserID, g, what)
	if detail != "" {
		s.updateEvent(now, g, detail)
	}
	return nil
}

// Dismiss dissolves a group. There are no events about its members; their stays stay open.
func (s *Sandbox) Dismiss(chat string) error {
	now := s.enter()
	defer s.leave()
	g, err := s.living(chat)
	if err != nil {
		return fmt.Errorf("dismiss: %w", err)
	}
	g.dismissed, g.ended = true, now
	s.note(now, EntryGroup, g.owner.UserID, g, both("the group was dissolved", "群解散了"))
	s.groupEvent(now, g, "dismiss", func(*event) {})
	return nil
}

// Groups returns all groups, also dissolved ones, in the order of making.
func (s *Sandbox) Groups() []Group {
	s.enter()
	defer s.leave()
	out := make([]Group, 0, len(s.rooms.all))
	for _, g := range s.rooms.all {
		out = append(out, s.shown(g))
	}
	return out
}

// Group returns one group.
func (s *Sandbox) Group(chat string) (Group, error) {
	s.enter()
	defer s.leave()
	g := s.rooms.byID[chat]
	if g == nil {
		return Group{}, fmt.Errorf("group %q: %w", chat, ErrNotFound)
	}
	return s.shown(g), nil
}

func (s *Sandbox) shown(g *group) Group {
	out := Group{
		ID: g.id, Name: g.name, Owner: g.owner.UserID, Admins: slices.Clone(g.admins), Notice: g.notice,
		CreatedAt: g.created, Dismissed: g.dismissed, Version: g.versions[len(g.versions)-1].id,
		Posts: slices.Clone(g.posts),
	}
	for _, m := range g.stays {
		shown := s.shownStay(m)
		out.History = append(out.History, shown)
		if m.to == 0 {
			out.Members = append(out.Members, shown)
		}
	}
	return out
}

func (s *Sandbox) shownStay(m *stay) Stay {
	return Stay{
		User: m.user, Name: s.nameOf(m.user), Staff: m.staff, Joined: m.joined, Left: m.left,
		LeftHow: m.how, Scene: m.scene, Inviter: m.inviter, State: m.state,
	}
}

package stories

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"xiaobu/sandbox"
)

// Options says how a story is lived. The zero value is as it is written.
type Options struct {
	// Monday is the first day, 00:00 in Asia/Shanghai; zero: the next Monday that has not
	// begun yet by Now.
	Monday time.Time
	// Days is how long it goes on, at most 31; 0: as written.
	Days int
	// Scale makes a story smaller or bigger (0.01 to 10; 0 is 1): the joins, contacts, talk
	// and, if it is below 1, the members at the start.
	Scale float64
}

// Story is a script that is lived in a sandbox. Its people act when Step or Run comes to
// their time.
type Story struct {
	Script     *Script
	Start, End time.Time // 00:00 of the first day and after the last
	Stores     []Store   // as they are at the start
	Customers  []string  // external_userids of those who may come, without the members at the start
	Spammers   []string  // external_userids
	Members    int       // customers in groups at the start, one who is in two counted twice
	Joins      int       // that are planned; what happens differs a little
}

// Store is one shop of a Story.
type Store struct {
	ID       string // such as xingfuli
	Name     string // such as 幸福里店
	Region   string
	Owners   []string // userids of those who own its groups
	Manager  string   // userid, "" for none
	People   []Person // everybody who works there
	Groups   []Group
	visitors float64
}

// Person is one of a store's staff.
type Person struct {
	ID, Position string
	diligence    Diligence
	brings       float64
	serves       bool // may deal with customers, and has a code that works
}

// Group is a customer group of a Store.
type Group struct {
	ID   string // chat_id
	Name string
}

// Staff returns the userids of everybody in the store, in the order of the script.
func (st Store) Staff() []string {
	out := make([]string, 0, len(st.People))
	for _, p := range st.People {
		out = append(out, p.ID)
	}
	return out
}

// With returns the userids of those in a position.
func (st Store) With(position string) []string {
	var out []string
	for _, p := range st.People {
		if p.Position == position {
			out = append(out, p.ID)
		}
	}
	return out
}

// life is a Story while it is lived. All of it but Story is used by Step or Run only, one
// thing after the other.
type life struct {
	*Story
	s      *sandbox.Sandbox
	scale  float64
	homes  map[string]int      // store of a customer, by index
	rooms  [][]Group           // of each store, with those made later
	store  map[string]int      // of a group, by index
	person map[string]Person   // by userid
	active map[string][]string // of a group: who passes on links and speaks
	firsts map[string]string   // of a group: chat_ids by the names at the start
	passed map[string]int      // of a group: milestones that are behind it
	gone   map[string]bool     // userids of those who have resigned
}

// Begin builds the company of a script in a sandbox, with the groups as they are at the
// start, and plans its days. People use the QR codes that the bot has made by the time they
// come; without any they find other ways. Everything is drawn from the sandbox's seed. Now is
// the sandbox's time; groups that exist before are established without events.
func Begin(s *sandbox.Sandbox, sc *Script, o Options) (*Story, error) {
	now := s.Config().Now()
	o, err := o.filled(sc, now)
	if err != nil {
		return nil, fmt.Errorf("story %s: %w", sc.Name, err)
	}
	l := &life{
		Story: &Story{Script: sc, Start: o.Monday, End: o.Monday.AddDate(0, 0, o.Days)},
		s:     s, scale: o.Scale, homes: map[string]int{}, store: map[string]int{}, person: map[string]Person{},
		active: map[string][]string{}, firsts: map[string]string{}, passed: map[string]int{}, gone: map[string]bool{},
	}
	s.Watch(l)
	if err := l.open(now); err != nil {
		return nil, fmt.Errorf("story %s: %w", sc.Name, err)
	}
	if err := l.populate(); err != nil {
		return nil, fmt.Errorf("story %s: %w", sc.Name, err)
	}
	l.plan(o.Days)
	return l.Story, nil
}

func (o Options) filled(sc *Script, now time.Time) (Options, error) {
	o.Days = cmp.Or(o.Days, sc.Days)
	o.Scale = cmp.Or(o.Scale, 1)
	if o.Monday.IsZero() {
		o.Monday = nextMonday(now)
	}
	o.Monday = o.Monday.In(shanghai())
	switch {
	case o.Days < 1 || o.Days > maxDays:
		return o, fmt.Errorf("days must be from 1 to %d", maxDays)
	case !(o.Scale >= 0.01 && o.Scale <= 10):
		return o, errors.New("scale must be from 0.01 to 10")
	case !o.Monday.Equal(midnight(o.Monday)) || o.Monday.Weekday() != time.Monday:
		return o, errors.New("monday must be 00:00 of a Monday in Asia/Shanghai")
	}
	return o, nil
}

// shanghai is the zone of the platform; it has had no summer time since 1991.
func shanghai() *time.Location { return time.FixedZone("Asia/Shanghai", 8*60*60) }

func midnight(t time.Time) time.Time {
	t = t.In(shanghai())
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func nextMonday(now time.Time) time.Time {
	d := midnight(now)
	if d.Before(now) {
		d = d.AddDate(0, 0, 1)
	}
	for d.Weekday() != time.Monday {
		d = d.AddDate(0, 0, 1)
	}
	return d
}

// open makes departments, staff and groups.
func (l *life) open(now time.Time) error {
	r := l.s.Rand("story stores")
	for i, plan := range l.Script.Stores {
		department := 2 + i // 1 is the company
		if err := l.s.AddDepartment(sandbox.Department{ID: department, Name: plan.Name}); err != nil {
			return err
		}
		st := Store{ID: plan.ID, Name: plan.Name, Region: plan.Region, visitors: plan.Visitors}
		for _, p := range plan.people() {
			if err := l.hire(&st, p, department, r); err != nil {
				return err
			}
		}
		l.Stores = append(l.Stores, st)
		l.rooms = append(l.rooms, nil)
		for n, g := range plan.rooms() {
			if g.Owner == "" {
				g.Owner = st.Owners[n%len(st.Owners)]
			}
			if err := l.openGroup(i, g, now, r); err != nil {
				return err
			}
		}
		l.Stores[i].Groups = slices.Clone(l.rooms[i])
	}
	return nil
}

func (l *life) hire(st *Store, p StaffPlan, department int, r *rand.Rand) error {
	name := p.Name
	if name == "" {
		name = pick(r, surnames()) + pick(r, givenNames())
	}
	err := l.s.AddStaff(sandbox.Staff{
		UserID: p.ID, Name: name, Department: department, Position: p.Position,
		Hidden: p.Hidden, Inactive: p.Inactive, NoContacts: p.NoContacts,
	})
	if err != nil {
		return err
	}
	one := Person{ID: p.ID, Position: p.Position, diligence: l.Script.Diligence[p.Diligence], brings: p.Brings, serves: !p.NoContacts && !p.Inactive && !p.Hidden}
	st.People = append(st.People, one)
	l.person[p.ID] = one
	if p.Owner {
		st.Owners = append(st.Owners, p.ID)
	}
	if p.Manager && st.Manager == "" {
		st.Manager = p.ID
	}
	return nil
}

// openGroup makes a group: a new one with its event, or one that has its members already.
func (l *life) openGroup(store int, g GroupPlan, now time.Time, r *rand.Rand) error {
	staff := slices.DeleteFunc(l.Stores[store].Staff(), func(u string) bool { return u == g.Owner })
	var id string
	var err error
	if g.Age.High == 0 {
		id, err = l.s.CreateGroup(g.Owner, g.Name, staff...)
	} else {
		id, err = l.establish(store, g, staff, now, r)
	}
	if err != nil {
		return err
	}
	l.adopt(store, id, g.Name)
	l.firsts[g.Name] = id
	return nil
}

// adopt counts a group among a store's, once.
func (l *life) adopt(store int, id, name string) {
	if _, known := l.store[id]; !known {
		l.store[id] = store
		l.rooms[store] = append(l.rooms[store], Group{ID: id, Name: name})
	}
}

// establish makes a group with the members it has at the start.
func (l *life) establish(store int, g GroupPlan, staff []string, now time.Time, r *rand.Rand) (string, error) {
	age := between(r, g.Age)
	created := now.Add(-age).Truncate(time.Second)
	n := g.Members.Low + r.IntN(g.Members.High-g.Members.Low+1)
	if l.scale < 1 {
		n = int(float64(n) * l.scale)
	}
	times := make([]time.Time, n)
	for i := range times {
		// Groups fill fast and then slowly.
		part := r.Float64()
		times[i] = created.Add(time.Minute + time.Duration(part*part*float64(age-age/100))).Truncate(time.Second)
		if times[i].After(now) {
			times[i] = now
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	members := make([]sandbox.Presence, 0, n)
	for i, at := range times {
		id, err := l.s.AddCustomer(l.newCustomer(r, i))
		if err != nil {
			return "", err
		}
		m := sandbox.Presence{User: id, Joined: at, Scene: sandbox.SceneQR}
		switch way := r.IntN(10); {
		case way < 3:
			m.Scene, m.Inviter = sandbox.SceneDirect, g.Owner
		case way < 5 && i > 0:
			m.Scene, m.Inviter = sandbox.SceneLink, members[r.IntN(i)].User
		}
		members = append(members, m)
		l.homes[id] = store
	}
	id, err := l.s.EstablishGroup(g.Owner, g.Name, staff, created, members)
	for _, m := range members[:min(g.Active, n)] {
		l.active[id] = append(l.active[id], m.User)
	}
	l.Members += n
	return id, err
}

func (l *life) newCustomer(r *rand.Rand, i int) sandbox.Customer {
	c := l.Script.Customers
	p := sandbox.Customer{Name: customerName(r, i, c), WithUnionID: chance(r, c.UnionID), Gender: r.IntN(3)}
	if chance(r, c.WeCom) {
		p.Corp, p.WithUnionID = pick(r, surnames())+"记商贸", false
	}
	return p
}

// populate makes the people who may come, and the spammers.
func (l *life) populate() error {
	r := l.s.Rand("story people")
	staff := l.s.Staff()
	for i := range l.Script.Customers.Count {
		p := l.newCustomer(r, i)
		home := l.drawStore(r)
		if i < l.Script.Customers.AlsoStaff && i < len(staff) {
			p.Name, p.Corp = staff[i].Name, ""
			home = staff[i].Department - 2
		}
		id, err := l.s.AddCustomer(p)
		if err != nil {
			return err
		}
		l.Customers = append(l.Customers, id)
		l.homes[id] = home
	}
	for _, sp := range l.Script.Spammers {
		for _, name := range sp.Names {
			id, err := l.s.AddCustomer(sandbox.Customer{Name: name, WithUnionID: true})
			if err != nil {
				return err
			}
			l.Spammers = append(l.Spammers, id)
		}
	}
	return nil
}

// drawStore draws one of the stores by how many visitors they have.
func (l *life) drawStore(r *rand.Rand) int {
	weights := make([]float64, len(l.Stores))
	for i, st := range l.Stores {
		weights[i] = st.visitors
	}
	return drawIndex(r, weights)
}

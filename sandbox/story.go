package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The sizes of a story.
const (
	defaultDays      = 7
	defaultCustomers = 320
	defaultJoins     = 250
	maxStoryDays     = 31
	maxStoryPeople   = 5000
)

// ChainOptions says how the story of a chain of stores goes. The zero value is a usual week.
type ChainOptions struct {
	// Monday is the first day, 00:00 in Asia/Shanghai; zero: the next Monday that has not
	// begun yet.
	Monday time.Time
	// Days is how long it goes on (default 7, at most 31).
	Days int
	// Customers is how many people may become customers (default 320, 60 to 5000).
	Customers int
	// Joins is how many joins are planned (default 250, at most 5000). Some come to nothing,
	// and some people come back, so the number that happens differs a little.
	Joins int
}

// Story is a chain of stores that lives in a sandbox. Its people act when Step or Run comes
// to their time.
type Story struct {
	Start, End time.Time // 00:00 of the first day and after the last
	Stores     []Store
	Customers  []string // external_userids of those who may join
	Spammer    string   // external_userid
}

// Store is one shop of a Story.
type Store struct {
	ID       string // such as xingfuli
	Name     string // such as 幸福里店
	Region   string
	Xiaobu   string   // userid of the owner of its groups
	Manager  string   // userid
	Cashiers []string // userids
	Groups   []StoreGroup
}

// StoreGroup is a customer group of a Store.
type StoreGroup struct {
	ID   string // chat_id
	Name string
}

// Staff returns the userids of everybody in the store, the owner of the groups first.
func (st Store) Staff() []string {
	return append([]string{st.Xiaobu, st.Manager}, st.Cashiers...)
}

// chain is a Story while it is lived.
type chain struct {
	*Story
	s       *Sandbox
	homes   map[string]int // store of a customer, by index
	manners map[string]manner
}

// Chain builds a small supermarket chain in a sandbox and plans a week of its life: three
// stores with two groups each, some hundreds of possible customers and one spammer. People
// use the QR codes that the bot has made by the time they come; without any they find other
// ways. Everything is planned with the sandbox's seed.
func Chain(s *Sandbox, o ChainOptions) (*Story, error) {
	o, err := o.filled(s)
	if err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	c := &chain{
		Story: &Story{Start: o.Monday, End: o.Monday.AddDate(0, 0, o.Days), Stores: chainStores()},
		s:     s, homes: map[string]int{}, manners: map[string]manner{},
	}
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	if err := c.populate(o.Customers); err != nil {
		return nil, fmt.Errorf("chain: %w", err)
	}
	c.plan(o)
	s.enter()
	defer s.leave()
	s.watchers = append(s.watchers, c)
	return c.Story, nil
}

// filled puts in the defaults and checks the rest.
func (o ChainOptions) filled(s *Sandbox) (ChainOptions, error) {
	o.Days = orElse(o.Days, defaultDays)
	o.Customers = orElse(o.Customers, defaultCustomers)
	o.Joins = orElse(o.Joins, defaultJoins)
	if o.Monday.IsZero() {
		o.Monday = nextMonday(s.cfg.Now())
	}
	o.Monday = o.Monday.In(shanghai())
	switch {
	case o.Days < 1 || o.Days > maxStoryDays:
		return o, fmt.Errorf("days must be from 1 to %d", maxStoryDays)
	case o.Customers < 60 || o.Customers > maxStoryPeople:
		return o, fmt.Errorf("customers must be from 60 to %d", maxStoryPeople)
	case o.Joins < 1 || o.Joins > maxStoryPeople:
		return o, fmt.Errorf("joins must be from 1 to %d", maxStoryPeople)
	case !o.Monday.Equal(midnight(o.Monday)) || o.Monday.Weekday() != time.Monday:
		return o, errors.New("monday must be 00:00 of a Monday in Asia/Shanghai")
	}
	return o, nil
}

func midnight(t time.Time) time.Time {
	t = t.In(shanghai())
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func nextMonday(now time.Time) time.Time {
	day := midnight(now)
	if day.Before(now) {
		day = day.AddDate(0, 0, 1)
	}
	for day.Weekday() != time.Monday {
		day = day.AddDate(0, 0, 1)
	}
	return day
}

// chainStores are the stores before they have people and groups.
func chainStores() []Store {
	return []Store{
		{ID: "xingfuli", Name: "幸福里店", Region: "城东", Xiaobu: "wang_xb", Manager: "chen_dz", Cashiers: []string{"zhou_sy", "wu_sy"}},
		{ID: "wangjiang", Name: "望江路店", Region: "城南", Xiaobu: "li_xb", Manager: "zhang_dz", Cashiers: []string{"sun_sy", "qian_sy"}},
		{ID: "beimenqiao", Name: "北门桥店", Region: "城北", Xiaobu: "liu_xb", Manager: "huang_dz", Cashiers: []string{"xu_sy", "he_sy"}},
	}
}

// staffName returns the name of a member of the chain's staff.
func staffName(user string) string {
	return map[string]string{
		"wang_xb": "王小棉", "chen_dz": "陈国强", "zhou_sy": "周玉兰", "wu_sy": "吴婷婷",
		"li_xb": "李小满", "zhang_dz": "张建华", "sun_sy": "孙丽萍", "qian_sy": "钱多多",
		"liu_xb": "刘小禾", "huang_dz": "黄志远", "xu_sy": "徐慧敏", "he_sy": "何雨欣",
	}[user]
}

// open makes departments, staff and groups.
func (c *chain) open() error {
	positions := []string{"小布", "店长", "收银", "收银"}
	for i := range c.Stores {
		st := &c.Stores[i]
		department := rootDepartment + 1 + i
		if err := c.s.AddDepartment(Department{ID: department, Name: st.Name}); err != nil {
			return err
		}
		for j, user := range st.Staff() {
			u := Staff{UserID: user, Name: staffName(user), Department: department, Position: positions[j]}
			if err := c.s.AddStaff(u); err != nil {
				return err
			}
		}
		for n := 1; n <= 2; n++ {
			name := fmt.Sprintf("%s%d群", st.Name, n)
			id, err := c.s.CreateGroup(st.Xiaobu, name, st.Staff()[1:]...)
			if err != nil {
				return err
			}
			st.Groups = append(st.Groups, StoreGroup{ID: id, Name: name})
		}
		c.manners[st.Xiaobu] = []manner{prompt, slow, never}[i]
	}
	return nil
}

// populate makes the people who may come, and the spammer.
func (c *chain) populate(n int) error {
	r := c.s.dice.fresh("chain people")
	for i := range n {
		p := Customer{Name: customerName(r, i), WithUnionID: chance(r, 0.85), Gender: r.IntN(3)}
		id, err := c.s.AddCustomer(p)
		if err != nil {
			return err
		}
		c.Customers = append(c.Customers, id)
		c.homes[id] = r.IntN(len(c.Stores))
	}
	id, err := c.s.AddCustomer(Customer{Name: "兼职福利-琳琳", WithUnionID: true})
	c.Spammer = id
	return err
}

// at plans something that somebody does; a failure is only noted, as the world may have
// changed by then.
func (c *chain) at(when time.Time, do func() error) {
	if !when.Before(c.End) {
		return
	}
	c.s.enter()
	defer c.s.leave()
	c.soon(when, do)
}

// soon is at for callers that hold the lock.
func (c *chain) soon(when time.Time, do func() error) {
	if !when.Before(c.End) {
		return
	}
	c.s.later(&c.s.agenda, when, func(context.Context) {
		if err := do(); err != nil {
			now := c.s.enter()
			defer c.s.leave()
			c.s.note(now, EntryStory, "", nil, "came to nothing: "+err.Error())
		}
	})
}

package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The ways of the people in a story, as parts of a hundred unless said otherwise.
const (
	scanShare    = 45 // of joins by a QR code
	inviteShare  = 30 // by a member of staff; the rest by links
	repeatShare  = 15 // of joins by somebody who has joined elsewhere before
	leaveShare   = 14 // of people who leave again within three days
	returnShare  = 30 // of those who come back
	contactCount = 70 // scans of contact ways, for 250 joins
)

// plan puts the week into the agenda.
func (c *chain) plan(o ChainOptions) {
	r := c.s.dice.fresh("chain week")
	c.planJoins(r, o)
	c.planContacts(r, max(1, o.Joins*contactCount/defaultJoins), o.Days)
	c.planTalk(r, o.Days)
	c.planSpam(r, o.Days)
}

// openTime draws a moment of a day within opening hours, with the crowds before lunch and
// after work.
func openTime(r *rand.Rand, day time.Time) time.Time {
	crowd := []int{1, 2, 3, 3, 2, 1, 1, 1, 2, 3, 3, 2, 1} // 8:00, 9:00 … 20:00
	total := 0
	for _, n := range crowd {
		total += n
	}
	pick := r.IntN(total)
	hour := 0
	for pick >= crowd[hour] {
		pick -= crowd[hour]
		hour++
	}
	return day.Add(time.Duration(8+hour)*time.Hour + time.Duration(r.Int64N(int64(time.Hour))))
}

// openDay draws a day; weekends are busier.
func (c *chain) openDay(r *rand.Rand, days int) time.Time {
	for {
		day := c.Start.AddDate(0, 0, r.IntN(days))
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		if weekend || chance(r, 0.7) {
			return day
		}
	}
}

// between draws a duration.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// planJoins plans who joins when and how. Times are drawn first and given out in order, so
// that people who join a second group have joined a first one before.
func (c *chain) planJoins(r *rand.Rand, o ChainOptions) {
	times := make([]time.Time, o.Joins)
	for i := range times {
		times[i] = openTime(r, c.openDay(r, o.Days))
	}
	slices.SortFunc(times, time.Time.Compare)
	newcomers := 0
	for i, when := range times {
		person := ""
		if newcomers >= len(c.Customers) || newcomers > 20 && r.IntN(100) < repeatShare {
			person = c.Customers[r.IntN(newcomers)]
		} else {
			person = c.Customers[newcomers]
			newcomers++
		}
		v := visit{person: person, store: c.homes[person], group: r.IntN(2), own: c.s.dice.fresh(fmt.Sprint("visit ", i))}
		switch way := r.IntN(100); {
		case way < scanShare:
			c.at(when, func() error { return c.scan(v) })
		case way < scanShare+inviteShare:
			c.at(when, func() error { return c.beInvited(v, when) })
		default:
			c.at(when, func() error { return c.followLink(v) })
		}
	}
}

// visit is one person's wish to join a group of a store.
type visit struct {
	person string
	store  int
	group  int
	own    *rand.Rand // the person's own luck, whatever others draw
}

// chat returns the group of the visit, or the store's other one if the person is in it.
func (c *chain) chat(v visit) (string, error) {
	groups := c.Stores[v.store].Groups
	for i := range groups {
		id := groups[(v.group+i)%len(groups)].ID
		if !c.inGroup(id, v.person) {
			return id, nil
		}
	}
	return "", fmt.Errorf("%s is in all groups of %s", v.person, c.Stores[v.store].Name)
}

func (c *chain) inGroup(chat, person string) bool {
	c.s.enter()
	defer c.s.leave()
	return c.s.rooms.byID[chat].present[person] != nil
}

// customersIn returns the customers in a group, in the order of joining.
func (c *chain) customersIn(chat string) []string {
	c.s.enter()
	defer c.s.leave()
	var out []string
	for _, m := range c.s.rooms.byID[chat].stays {
		if m.to == 0 && !m.staff && m.user != c.Spammer {
			out = append(out, m.user)
		}
	}
	return out
}

// scan joins by one of the codes that lead to the store, or else by the group's own code.
func (c *chain) scan(v visit) error {
	var codes []string
	for _, w := range c.s.JoinWays() {
		if slices.ContainsFunc(c.Stores[v.store].Groups, func(g StoreGroup) bool { return slices.Contains(w.Chats, g.ID) }) {
			codes = append(codes, w.ConfigID)
		}
	}
	if len(codes) == 0 {
		chat, err := c.chat(v)
		if err != nil {
			return err
		}
		return c.join(v, chat, How{Scene: SceneQR})
	}
	return c.join(v, "", How{ConfigID: codes[v.own.IntN(len(codes))]})
}

// beInvited becomes a contact of somebody in the store, who pulls the person in minutes later.
func (c *chain) beInvited(v visit, when time.Time) error {
	chat, err := c.chat(v)
	if err != nil {
		return err
	}
	staff := c.Stores[v.store].Staff()
	user := staff[v.own.IntN(len(staff))]
	if !c.knows(user, v.person) {
		if _, err := c.s.AddContact(user, v.person, Via{AddWay: AddWayCard}); err != nil {
			return err
		}
	}
	c.at(when.Add(between(v.own, time.Minute, 6*time.Minute)), func() error {
		return c.join(v, chat, How{Scene: SceneDirect, Inviter: user})
	})
	return nil
}

func (c *chain) knows(user, person string) bool {
	c.s.enter()
	defer c.s.leave()
	k := c.s.clientele.current[pair{user, person}]
	return k != nil && k.active()
}

// followLink joins by a link that a customer in the group has passed on, or a member of
// staff while there are no customers.
func (c *chain) followLink(v visit) error {
	chat, err := c.chat(v)
	if err != nil {
		return err
	}
	inviter := c.Stores[v.store].Xiaobu
	if there := c.customersIn(chat); len(there) > 0 {
		inviter = there[v.own.IntN(len(there))]
	}
	return c.join(v, chat, How{Scene: SceneLink, Inviter: inviter})
}

// join joins and plans whether the person stays.
func (c *chain) join(v visit, chat string, how How) error {
	joined, err := c.s.Join(chat, v.person, how)
	if err != nil || v.own.IntN(100) >= leaveShare {
		return err
	}
	now := c.s.cfg.Now()
	leave := awake(now.Add(between(v.own, time.Hour, 72*time.Hour)))
	back := leave.Add(between(v.own, 3*time.Hour, 30*time.Hour))
	returns := v.own.IntN(100) < returnShare
	c.at(leave, func() error { return c.s.Leave(joined, v.person) })
	if returns {
		c.at(awake(back), func() error { return c.followLink(v) })
	}
	return nil
}

// awake moves a moment at night to the next morning.
func awake(t time.Time) time.Time {
	day := midnight(t)
	switch hour := t.In(shanghai()).Hour(); {
	case hour < 8:
		return day.Add(8*time.Hour + time.Duration(t.Minute())*time.Minute)
	case hour >= 22:
		return day.Add(32*time.Hour + time.Duration(t.Minute())*time.Minute)
	}
	return t
}

// planContacts plans who scans the personal codes of staff, and what becomes of it.
func (c *chain) planContacts(r *rand.Rand, n, days int) {
	for i := range n {
		when := openTime(r, c.openDay(r, days))
		person := c.Customers[r.IntN(len(c.Customers))]
		own := c.s.dice.fresh(fmt.Sprint("contact ", i))
		c.at(when, func() error { return c.addContact(person, own, when) })
	}
}

// addContact scans a contact way of the person's store, or is added by a card without one.
// One in twenty only half adds; one in ten deletes the member of staff later.
func (c *chain) addContact(person string, r *rand.Rand, when time.Time) error {
	staff := c.Stores[c.homes[person]].Staff()
	user, via := staff[r.IntN(len(staff))], Via{AddWay: AddWayCard}
	var codes []ContactWay
	for _, w := range c.s.ContactWays() {
		if slices.ContainsFunc(w.Users, func(u string) bool { return slices.Contains(staff, u) }) {
			codes = append(codes, w)
		}
	}
	if len(codes) > 0 {
		w := codes[r.IntN(len(codes))]
		user, via = w.Users[r.IntN(len(w.Users))], Via{ConfigID: w.ConfigID}
	}
	half := r.IntN(20) == 0
	deletes := r.IntN(10) == 0
	if c.knows(user, person) {
		return nil
	}
	add := c.s.AddContact
	if half {
		add = c.s.HalfAddContact
	}
	if _, err := add(user, person, via); err != nil {
		return err
	}
	if deletes {
		c.at(when.Add(between(r, 2*time.Hour, 48*time.Hour)), func() error { return c.s.DeleteContact(user, person, true) })
	}
	return nil
}

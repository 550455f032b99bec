package stories

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"xiaobu/sandbox"
)

// plan puts the days into the sandbox's agenda.
func (l *life) plan(days int) {
	r := l.s.Rand("story days")
	l.planJoins(r, days)
	l.planLeaves(r, days)
	n := int(math.Round(l.Script.Contacts.PerDay * float64(days) * l.scale))
	for i := range n {
		when := l.moment(r)
		person := pick(r, l.Customers)
		own := l.s.Rand(fmt.Sprint("contact ", i))
		l.at(when, func() error { return l.addContact(person, own, when) })
	}
	l.planTalk(r, days)
	l.planSpam(r)
	l.planEvents()
}

// at plans something that somebody does before the end.
func (l *life) at(when time.Time, do func() error) {
	if when.Before(l.End) {
		l.s.At(when, do)
	}
}

// visit is one person's wish to join a group of a store.
type visit struct {
	person string
	store  int
	own    *rand.Rand // the person's own luck, whatever others draw
}

// planJoins plans who joins when and how. Times are drawn first and given out in order, so
// that people who join a second group have joined a first one before.
func (l *life) planJoins(r *rand.Rand, days int) {
	j := l.Script.Joins
	total := 0.0
	for d := range days {
		total += j.weight(d) * j.PerDay * l.scale
	}
	l.Joins = int(math.Round(total))
	times := make([]time.Time, l.Joins)
	for i := range times {
		times[i] = l.moment(r)
	}
	slices.SortFunc(times, time.Time.Compare)
	newcomers := 0
	for i, when := range times {
		person := ""
		if newcomers >= len(l.Customers) || newcomers > 20 && chance(r, j.Repeat) {
			person = l.Customers[r.IntN(newcomers)]
		} else {
			person = l.Customers[newcomers]
			newcomers++
		}
		v := visit{person, l.homes[person], l.s.Rand(fmt.Sprint("visit ", i))}
		l.at(when, l.way(v, drawIndex(r, []float64{j.Code, j.Invitation, j.Link}), when))
	}
}

// way is what a person does to join: 0 by a code, 1 by an invitation, 2 by a link.
func (l *life) way(v visit, way int, when time.Time) func() error {
	switch way {
	case 0:
		return func() error { return l.scan(v) }
	case 1:
		return func() error { return l.beInvited(v, when) }
	}
	return func() error { return l.followLink(v) }
}

// chat returns the group that a visit leads to: one of the store's that has room and that
// the person is not in, the newest if the script says so.
func (l *life) chat(v visit) (string, error) {
	var open []string
	for _, g := range l.rooms[v.store] {
		there := l.s.Headcount(g.ID)
		if there > 0 && there < 500 && !l.s.IsMember(g.ID, v.person) {
			open = append(open, g.ID)
		}
	}
	if len(open) == 0 {
		return "", fmt.Errorf("%s has no group for %s", l.Stores[v.store].Name, v.person)
	}
	if l.Script.Joins.Newest {
		return open[len(open)-1], nil
	}
	return pick(v.own, open), nil
}

// customersIn returns the customers in a group, without the spammers, in the order of joining.
func (l *life) customersIn(chat string) []string {
	var out []string
	for _, m := range l.s.Members(chat) {
		if !m.Staff && !slices.Contains(l.Spammers, m.User) {
			out = append(out, m.User)
		}
	}
	return out
}

// talkers are those who speak and pass on links: the active ones of a group, else anybody.
func (l *life) talkers(chat string) []string {
	there := l.customersIn(chat)
	active := l.active[chat]
	if len(active) == 0 {
		return there
	}
	both := slices.DeleteFunc(slices.Clone(there), func(p string) bool { return !slices.Contains(active, p) })
	if len(both) == 0 {
		return there
	}
	return both
}

// scan joins by one of the codes that lead to the store, or else by the group's own code.
func (l *life) scan(v visit) error {
	var codes []string
	var weights []float64
	for _, w := range l.s.JoinWays() {
		if slices.ContainsFunc(w.Chats, func(chat string) bool { st, ok := l.store[chat]; return ok && st == v.store }) {
			codes = append(codes, w.ConfigID)
			weights = append(weights, l.brings(v.store, w.Remark))
		}
	}
	if len(codes) == 0 {
		chat, err := l.chat(v)
		if err != nil {
			return err
		}
		return l.join(v, chat, sandbox.How{Scene: sandbox.SceneQR})
	}
	return l.join(v, "", sandbox.How{ConfigID: codes[drawIndex(v.own, weights)]})
}

// brings is how many people a code brings beside others: as many as the person whom its
// remark names; if it names nobody, as many as is usual.
func (l *life) brings(store int, remark string) float64 {
	for _, p := range l.Stores[store].People {
		if strings.Contains(remark, p.ID) {
			if l.gone[p.ID] {
				return 0
			}
			return p.brings
		}
	}
	return 1
}

// server draws somebody of a store who deals with customers, by how many they bring.
func (l *life) server(r *rand.Rand, store int) (string, error) {
	var users []string
	var weights []float64
	for _, p := range l.Stores[store].People {
		if p.serves && !l.gone[p.ID] {
			users = append(users, p.ID)
			weights = append(weights, p.brings)
		}
	}
	if len(users) == 0 {
		return "", fmt.Errorf("nobody of %s deals with customers", l.Stores[store].Name)
	}
	return users[drawIndex(r, weights)], nil
}

// beInvited becomes a contact of somebody in the store, who pulls the person in minutes later.
func (l *life) beInvited(v visit, when time.Time) error {
	user, err := l.server(v.own, v.store)
	if err != nil {
		return err
	}
	if !l.s.AreContacts(user, v.person) {
		if _, err := l.s.AddContact(user, v.person, sandbox.Via{AddWay: sandbox.AddWayCard}); err != nil {
			return err
		}
	}
	l.at(when.Add(between(v.own, Span{time.Minute, 6 * time.Minute})), func() error {
		chat, err := l.chat(v)
		if err != nil {
			return err
		}
		if !l.s.IsMember(chat, user) { // a group that a code has opened has only its owner
			if _, err := l.s.Join(chat, user, sandbox.How{Scene: sandbox.SceneQR}); err != nil {
				return err
			}
		}
		return l.join(v, chat, sandbox.How{Scene: sandbox.SceneDirect, Inviter: user})
	})
	return nil
}

// followLink joins by a link that a customer in the group has passed on, or its owner while
// there are no customers.
func (l *life) followLink(v visit) error {
	chat, err := l.chat(v)
	if err != nil {
		return err
	}
	return l.join(v, chat, sandbox.How{Scene: sandbox.SceneLink, Inviter: l.passesOn(chat, v)})
}

func (l *life) passesOn(chat string, v visit) string {
	if there := l.talkers(chat); len(there) > 0 {
		return pick(v.own, there)
	}
	g, err := l.s.Group(chat)
	if err != nil {
		return ""
	}
	return g.Owner
}

// join joins and plans whether the person stays.
func (l *life) join(v visit, chat string, how sandbox.How) error {
	joined, err := l.s.Join(chat, v.person, how)
	if err != nil {
		return err
	}
	now := l.s.Config().Now()
	l.grown(joined, now)
	leaves := l.Script.Leaves
	if !chance(v.own, leaves.Share) {
		return nil
	}
	leave := awake(now.Add(between(v.own, leaves.After)))
	back := leave.Add(between(v.own, leaves.ReturnAfter))
	returns := chance(v.own, leaves.Return)
	l.at(leave, func() error { return l.s.Leave(joined, v.person) })
	if returns {
		l.at(awake(back), func() error { return l.followLink(v) })
	}
	return nil
}

// planLeaves plans which of the members at the start leave.
func (l *life) planLeaves(r *rand.Rand, days int) {
	n := int(math.Round(l.Script.Leaves.Daily * float64(l.Members) * float64(days)))
	if n == 0 {
		return
	}
	var chats []string
	for _, groups := range l.rooms {
		for _, g := range groups {
			if len(l.customersIn(g.ID)) > 0 {
				chats = append(chats, g.ID)
			}
		}
	}
	for i := range n {
		chat := pick(r, chats)
		own := l.s.Rand(fmt.Sprint("tired ", i))
		l.at(l.moment(r), func() error {
			there := l.customersIn(chat)
			if len(there) == 0 {
				return nil
			}
			return l.s.Leave(chat, there[own.IntN(len(there))])
		})
	}
}

// addContact scans a contact way of the person's store, or is added by a card without one.
// Some only half add; some delete the member of staff later.
func (l *life) addContact(person string, r *rand.Rand, when time.Time) error {
	store := l.homes[person]
	user, err := l.server(r, store)
	if err != nil {
		return err
	}
	via := sandbox.Via{AddWay: sandbox.AddWayCard}
	var codes []sandbox.ContactWay
	staff := l.Stores[store].Staff()
	for _, w := range l.s.ContactWays() {
		if slices.ContainsFunc(w.Users, func(u string) bool { return slices.Contains(staff, u) && !l.gone[u] }) {
			codes = append(codes, w)
		}
	}
	if len(codes) > 0 {
		w := pick(r, codes)
		user, via = pick(r, w.Users), sandbox.Via{ConfigID: w.ConfigID}
	}
	half, deletes := chance(r, l.Script.Contacts.Half), chance(r, l.Script.Contacts.Deleted)
	if l.s.AreContacts(user, person) {
		return nil
	}
	add := l.s.AddContact
	if half {
		add = l.s.HalfAddContact
	}
	if _, err := add(user, person, via); err != nil {
		return err
	}
	if deletes {
		l.at(when.Add(between(r, Span{2 * time.Hour, 2 * day})), func() error { return l.s.DeleteContact(user, person, true) })
	}
	return nil
}

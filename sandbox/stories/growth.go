package stories

import (
	"fmt"
	"slices"
	"time"

	"xiaobu/sandbox"
)

// GroupMade counts a group that somebody has made among the groups of its owner's store.
func (l *life) GroupMade(g sandbox.Group) {
	for i, st := range l.Stores {
		if slices.Contains(st.Staff(), g.Owner) {
			l.adopt(i, g.ID, g.Name)
		}
	}
}

// grown looks what follows from a group's size after a join.
func (l *life) grown(chat string, now time.Time) {
	if l.Script.Split == nil && len(l.Script.Milestone) == 0 {
		return
	}
	there := l.customersIn(chat)
	for l.passed[chat] < len(l.Script.Milestone) && len(there) >= l.Script.Milestone[l.passed[chat]].Members {
		m := l.Script.Milestone[l.passed[chat]]
		l.passed[chat]++
		l.celebrate(chat, m, now)
	}
	store, known := l.store[chat]
	groups := l.rooms[store]
	s := l.Script.Split
	if s != nil && known && len(groups) < s.Most && groups[len(groups)-1].ID == chat && len(there) >= s.At {
		l.split(store, chat, now)
	}
}

// celebrate lets the owner say that a group has reached a size, and people bring others.
func (l *life) celebrate(chat string, m Milestone, now time.Time) {
	r := l.s.Rand(fmt.Sprint("milestone ", m.Members, " ", chat))
	l.at(now.Add(between(r, Span{time.Minute, 5 * time.Minute})), func() error { return l.reply(chat, m.Say) })
	for range m.Brings {
		person := pick(r, l.Customers)
		v := visit{person, l.store[chat], l.s.Rand(fmt.Sprint("brought ", m.Members, " ", chat, person))}
		l.at(awake(now.Add(between(r, Span{10 * time.Minute, max(m.Within, time.Hour)}))), func() error {
			if l.s.IsMember(chat, person) {
				return nil // asked by two friends
			}
			return l.join(v, chat, sandbox.How{Scene: sandbox.SceneLink, Inviter: l.passesOn(chat, v)})
		})
	}
}

// split makes a store's next group; some of the active members come along.
func (l *life) split(store int, from string, now time.Time) {
	s := l.Script.Split
	plan := l.Script.Stores[store]
	old, err := l.s.Group(from)
	if err != nil {
		return
	}
	r := l.s.Rand("split " + from)
	n := len(l.rooms[store]) + 1
	staff := slices.DeleteFunc(l.Stores[store].Staff(), func(u string) bool { return u == old.Owner })
	id, err := l.s.CreateGroup(old.Owner, plan.fill(s.Name, n, false), staff...)
	if err != nil {
		return // the owner has resigned; the store stays with the groups it has
	}
	l.adopt(store, id, plan.fill(s.Name, n, false))
	movers := l.talkers(from)
	r.Shuffle(len(movers), func(i, j int) { movers[i], movers[j] = movers[j], movers[i] })
	along := s.Along.Low + r.IntN(s.Along.High-s.Along.Low+1)
	for i, person := range movers[:min(along, len(movers))] {
		l.active[id] = append(l.active[id], person)
		l.at(now.Add(time.Duration(i+1)*20*time.Second), func() error {
			_, err := l.s.Join(id, person, sandbox.How{Scene: sandbox.SceneDirect, Inviter: old.Owner})
			return err
		})
	}
}

package sandbox

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Rand returns a source of chance that begins with the same draws for the same name and
// seed, whatever else is drawn. It is for one goroutine.
func (s *Sandbox) Rand(name string) *rand.Rand {
	s.enter()
	defer s.leave()
	return s.dice.fresh(name)
}

// At plans something that people do at a time, which may be past: then Step or Run does it
// at once. It waits while people pause (SetPaused). An error is only noted (EntryStory), as the
// world may have changed by then.
func (s *Sandbox) At(when time.Time, do func() error) {
	s.enter()
	defer s.leave()
	s.agenda.seq++
	t := &task{at: when, seq: s.agenda.seq, people: true, run: func(context.Context) {
		if err := do(); err != nil {
			now := s.enter()
			defer s.leave()
			s.note(now, EntryStory, "", nil, both("came to nothing: %v", "没有做成：%v", err))
		}
	}}
	if s.paused {
		s.held = append(s.held, t)
		return
	}
	heap.Push(&s.agenda, t)
	s.stir()
}

// Watcher is told what happens that people react to: by Step or Run, at the time when it
// happened, in the order of happening. It may use the Sandbox.
type Watcher interface {
	// TaskMade is told of a mass message that staff are to confirm.
	TaskMade(t Task)
	// TaskReminded is told of a reminder of one; the last of Reminders is the one.
	TaskReminded(t Task)
	// CardShown is told of a card that was sent to staff.
	CardShown(c Card)
	// GroupMade is told of a new customer group, also of one that a full join way opened.
	GroupMade(g Group)
}

// Watch adds a watcher; what happened before is not told.
func (s *Sandbox) Watch(w Watcher) {
	s.enter()
	defer s.leave()
	s.watchers = append(s.watchers, w)
}

// tellWatchers plans the telling; the caller holds the lock.
func (s *Sandbox) tellWatchers(now time.Time, tell func(Watcher)) {
	for _, w := range s.watchers {
		s.later(&s.agenda, now, func(context.Context) { tell(w) })
	}
}

// copied returns a task for handing out.
func (t *massTask) copied() Task {
	c := t.Task
	c.Shares, c.Results, c.Reminders = slices.Clone(t.Shares), slices.Clone(t.Results), slices.Clone(t.Reminders)
	for i := range c.Shares {
		c.Shares[i].Targets = slices.Clone(c.Shares[i].Targets)
	}
	return c
}

// Card returns a card by its task_id as it is now.
func (s *Sandbox) Card(taskID string) (Card, error) {
	s.enter()
	defer s.leave()
	c := s.apps.byTask[taskID]
	if c == nil {
		return Card{}, fmt.Errorf("card %q: %w", taskID, ErrNotFound)
	}
	return copied([]*Card{c}, deepenCard)[0], nil
}

// Waits reports whether a mass message still waits for a member of staff to confirm it: it
// was neither confirmed by them nor cancelled.
func (s *Sandbox) Waits(msgID, user string) bool {
	s.enter()
	defer s.leave()
	_, share, err := s.mass.share(msgID, s.office.find(user))
	return err == nil && share.ConfirmedAt.IsZero()
}

// IsMember reports whether a person is in a group now. Nobody is in one that was dissolved.
func (s *Sandbox) IsMember(chat, person string) bool {
	s.enter()
	defer s.leave()
	_, _, err := s.member(chat, person)
	return err == nil
}

// Headcount returns how many are in a group now, 0 if there is no such group or it was
// dissolved.
func (s *Sandbox) Headcount(chat string) int {
	s.enter()
	defer s.leave()
	g, err := s.living(chat)
	if err != nil {
		return 0
	}
	return len(g.present)
}

// Members returns who is in a group now, in the order of joining; nobody if there is no
// such group or it was dissolved.
func (s *Sandbox) Members(chat string) []Stay {
	s.enter()
	defer s.leave()
	g, err := s.living(chat)
	if err != nil {
		return nil
	}
	out := make([]Stay, 0, len(g.present))
	for _, m := range g.stays {
		if m.to == 0 {
			out = append(out, s.shownStay(m))
		}
	}
	return out
}

// AreContacts reports whether a member of staff has a customer; one who has deleted the
// member still counts.
func (s *Sandbox) AreContacts(user, customer string) bool {
	s.enter()
	defer s.leave()
	k := s.clientele.current[pair{user, customer}]
	return k != nil && k.active()
}

// Presence is somebody who was in a group before anybody looked.
type Presence struct {
	User    string // userid or external_userid
	Joined  time.Time
	Scene   int    // SceneDirect, SceneLink or SceneQR
	Inviter string // of whom it is not checked that they were there then; empty for QR
}

// EstablishGroup makes a customer group that has been there for a while, with everybody who
// is in it, and returns its chat_id. It makes no events: they lie before the time of the
// app. The members must be in the order of joining, after created and not after now; the
// owner and staff are members since created and are not named again.
func (s *Sandbox) EstablishGroup(owner, name string, staff []string, created time.Time, members []Presence) (string, error) {
	now := s.enter()
	defer s.leave()
	fail := func(err error) (string, error) { return "", fmt.Errorf("establish group %s: %w", name, err) }
	u, people, err := s.founders(owner, staff, created)
	switch {
	case err != nil:
		return fail(err)
	case created.After(now):
		return fail(fmt.Errorf("created at %v, which is still to come", created))
	case len(people)+len(members) > groupSize:
		return fail(fmt.Errorf("a group holds %d people, not %d", groupSize, len(people)+len(members)))
	}
	g := s.keepGroup(created, u, name, people)
	for i, m := range members {
		id, err := s.mayJoin(g, m.User, nil)
		last := g.stays[len(g.stays)-1].joined
		if err == nil && (m.Joined.Before(last) || m.Joined.After(now) || m.Scene < SceneDirect || m.Scene > SceneQR) {
			err = fmt.Errorf("joined at %v by scene %d: want the order of joining, and a scene from 1 to 3", m.Joined, m.Scene)
		}
		if err != nil {
			s.forgetGroup(g)
			return fail(fmt.Errorf("member %d: %w", i+1, err))
		}
		s.clientele.served++
		p := &stay{user: id, staff: s.office.find(id) != nil, joined: m.Joined, scene: m.Scene, inviter: m.Inviter, served: s.clientele.served}
		g.stays = append(g.stays, p)
		g.present[id] = p
		if m.Scene == SceneQR && g.scans < groupByQR {
			g.scans++
		}
	}
	s.note(now, EntryGroup, u.UserID, g, both("the group has been there since %s, with %d members", "群从 %s 就在了，有 %d 人", created.In(shanghai()).Format(time.DateOnly), len(g.present)))
	return g.id, nil
}

// forgetGroup takes back the newest group.
func (s *Sandbox) forgetGroup(g *group) {
	s.rooms.all = s.rooms.all[:len(s.rooms.all)-1]
	delete(s.rooms.byID, g.id)
}

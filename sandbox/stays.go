package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// How is the way a person comes into a group.
type How struct {
	// Scene is SceneDirect, SceneLink or SceneQR. 0 is SceneQR with a ConfigID, else
	// SceneDirect.
	Scene int
	// Inviter is the member of the group, staff or customer, who pulled the person in or
	// passed the link on; required for SceneDirect.
	Inviter string
	// ConfigID is the join way that was scanned. The group is then the first of its groups
	// that is not full, so the chat must be left empty.
	ConfigID string
}

// Join brings a person (customer or staff) into a group and returns its chat_id. It makes
// the event update / add_member.
func (s *Sandbox) Join(chat, person string, how How) (string, error) {
	return s.JoinMany(chat, how, person)
}

// JoinMany brings several people into a group at once: one event, one new version.
func (s *Sandbox) JoinMany(chat string, how How, people ...string) (string, error) {
	now := s.enter()
	defer s.leave()
	if len(people) == 0 {
		return "", errors.New("join: nobody is named")
	}
	g, base, err := s.wayIn(now, chat, how, len(people))
	if err != nil {
		return "", fmt.Errorf("join: %w", err)
	}
	ids := make([]string, 0, len(people))
	for _, person := range people {
		id, err := s.mayJoin(g, person, ids)
		if err != nil {
			return "", fmt.Errorf("join: %w", err)
		}
		ids = append(ids, id)
	}
	if len(g.present)+len(ids) > groupSize || base.scene == SceneQR && g.scans+len(ids) > groupByQR {
		return "", fmt.Errorf("join: group %s is %w", g.id, ErrFull)
	}
	last, cur := s.newVersion(now, g)
	for _, id := range ids {
		m := base
		m.user, m.staff, m.joined, m.from = id, s.office.find(id) != nil, now, len(g.versions)-1
		s.clientele.served++
		m.served = s.clientele.served
		g.stays = append(g.stays, &m)
		g.present[id] = &m
		s.note(now, EntryJoin, id, g, s.joinText(&m))
	}
	scene := int64(0) // the event knows only "invited in some way" and "scanned"
	if base.scene == SceneQR {
		scene = 3
		g.scans += len(ids)
	}
	s.memberEvent(now, g, "add_member", "JoinScene", scene, ids, last, cur)
	return g.id, nil
}

// wayIn finds the group that people come into, and what their stays have in common.
func (s *Sandbox) wayIn(now time.Time, chat string, how How, n int) (*group, stay, error) {
	if how.ConfigID != "" {
		if chat != "" || how.Inviter != "" || how.Scene != 0 && how.Scene != SceneQR {
			return nil, stay{}, errors.New("with a config id there is neither chat nor inviter, and the scene is QR")
		}
		g, way, err := s.scanJoinWay(now, how.ConfigID, n)
		if err != nil {
			return nil, stay{}, err
		}
		return g, stay{scene: SceneQR, state: way.State}, nil
	}
	g, err := s.living(chat)
	if err != nil {
		return nil, stay{}, err
	}
	base := stay{scene: how.Scene}
	if base.scene == 0 {
		base.scene = SceneDirect
	}
	switch {
	case base.scene < SceneDirect || base.scene > SceneQR:
		return nil, stay{}, fmt.Errorf("scene %d is none of 1, 2, 3", how.Scene)
	case base.scene == SceneDirect && how.Inviter == "":
		return nil, stay{}, errors.New("a direct invitation wants an inviter")
	case base.scene == SceneQR && how.Inviter != "":
		return nil, stay{}, errors.New("a QR code has no inviter")
	}
	if how.Inviter != "" {
		_, m, err := s.member(chat, how.Inviter)
		if err != nil {
			return nil, stay{}, fmt.Errorf("inviter: %w", err)
		}
		base.inviter = m.user
	}
	return g, base, nil
}

// mayJoin checks that a person exists and is not in the group; others come along too.
func (s *Sandbox) mayJoin(g *group, person string, others []string) (string, error) {
	if u := s.office.find(person); u != nil {
		person = u.UserID
	} else if s.clientele.byID[person] == nil {
		return "", fmt.Errorf("person %q: %w", person, ErrNotFound)
	}
	if g.present[person] != nil {
		return "", fmt.Errorf("%s is in group %s already", person, g.id)
	}
	for _, other := range others {
		if other == person {
			return "", fmt.Errorf("%s is named twice", person)
		}
	}
	return person, nil
}

func (s *Sandbox) joinText(m *stay) words {
	switch {
	case m.scene == SceneQR && m.state != "":
		return both("joined by QR code, state %s", "扫码进群,state %s", m.state)
	case m.scene == SceneQR:
		return both("joined by the group's own QR code", "扫群自己的码进群")
	case m.scene == SceneLink && m.inviter == "":
		return both("joined by a link", "点链接进群")
	case m.scene == SceneLink:
		return both("joined by a link from %s", "点 %s 的链接进群", s.nameOf(m.inviter))
	}
	return both("was invited by %s", "由 %s 邀请进群", s.nameOf(m.inviter))
}

// newVersion gives a group the next member_version; the change shows after Config.Lag and
// what DetailFaults adds to it.
func (s *Sandbox) newVersion(now time.Time, g *group) (last, cur string) {
	last = g.versions[len(g.versions)-1].id
	cur = s.dice.draw("version", alphabetHex, 32)
	lag := s.cfg.Lag + s.faults.Details.Lag
	if spread := s.faults.Details.Spread; spread > 0 {
		lag += time.Duration(s.dice.stream("details").Int64N(int64(spread)))
	}
	shown := now.Add(lag)
	g.versions = append(g.versions, version{id: cur, shown: shown})
	if lag > 0 {
		s.later(&s.agenda, shown, func(context.Context) {
			now := s.enter()
			defer s.leave()
			s.note(now, EntryDetail, "", g, both("version %s shows", "群详情显示到版本 %s", cur))
		})
	}
	return last, cur
}

// Leave lets a person leave a group. The owner cannot; nobody is asked.
func (s *Sandbox) Leave(chat, person string) error {
	return s.quit(chat, person, LeftAlone)
}

// Remove lets the owner of a group remove a person by hand.
func (s *Sandbox) Remove(chat, person string) error {
	return s.quit(chat, person, LeftRemoved)
}

func (s *Sandbox) quit(chat, person, how string) error {
	now := s.enter()
	defer s.leave()
	g, m, err := s.member(chat, person)
	if err != nil {
		return fmt.Errorf("leave group: %w", err)
	}
	if m.user == g.owner.UserID {
		return fmt.Errorf("leave group: %s owns group %s", m.user, g.id)
	}
	last, cur := s.newVersion(now, g)
	m.left, m.how, m.to = now, how, len(g.versions)-1
	delete(g.present, m.user)
	scene, text := int64(0), both("left the group", "退出了群")
	if how == LeftRemoved {
		scene, text = 1, both("was removed from the group", "被移出了群")
	}
	s.note(now, EntryLeave, m.user, g, text)
	s.memberEvent(now, g, "del_member", "QuitScene", scene, []string{m.user}, last, cur)
	return nil
}

// heard reports whether the app gets events about a group: not about one of hidden staff,
// and none after the owner has resigned.
func (g *group) heard() bool { return g.owner.serves() }

// groupEvent makes a change_external_chat event.
func (s *Sandbox) groupEvent(now time.Time, g *group, change string, more func(*event)) {
	s.chatEvent(now, g, change, change, "", more)
}

// updateEvent makes an update without members.
func (s *Sandbox) updateEvent(now time.Time, g *group, detail string) {
	s.chatEvent(now, g, "update", "update."+detail, "", func(x *event) { x.text("UpdateDetail", detail) })
}

// memberNews is an update with members that is still to be told.
type memberNews struct {
	detail    string // add_member or del_member
	sceneName string
	scene     int64
	ids       []string
	at        time.Time // of the last change
	last, cur string    // the versions before the first and after the last change
}

// memberEvent makes an update with members, or adds it to the one that waits for company.
func (s *Sandbox) memberEvent(now time.Time, g *group, detail, sceneName string, scene int64, ids []string, last, cur string) {
	n := g.news
	if n != nil && n.detail == detail && n.scene == scene {
		n.ids, n.at, n.cur = append(n.ids, ids...), now, cur
		return
	}
	s.tellNews(g)
	g.news = &memberNews{at: now, detail: detail, sceneName: sceneName, scene: scene, ids: slices.Clone(ids), last: last, cur: cur}
	if merge := s.faults.Callbacks.Merge; merge > 0 {
		n := g.news
		s.later(&s.agenda, now.Add(merge), func(context.Context) {
			s.enter()
			defer s.leave()
			if g.news == n {
				s.tellNews(g)
			}
		})
		return
	}
	s.tellNews(g)
}

// tellNews makes the event of the members that wait for it, if there are any.
func (s *Sandbox) tellNews(g *group) {
	n := g.news
	if n == nil {
		return
	}
	g.news = nil
	s.chatEvent(n.at, g, "update", "update."+n.detail, n.ids[0], func(x *event) {
		x.text("UpdateDetail", n.detail)
		x.number(n.sceneName, n.scene)
		x.number("MemChangeCnt", int64(len(n.ids)))
		x.items("MemChangeList", n.ids)
		x.text("LastMemVer", n.last)
		x.text("CurMemVer", n.cur)
	})
}

func (s *Sandbox) chatEvent(now time.Time, g *group, change, kind, who string, more func(*event)) {
	s.tellNews(g) // what happened before is told before
	if !g.heard() {
		return
	}
	x := s.newEvent(now, "change_external_chat")
	x.text("ChatId", g.id)
	x.text("ChangeType", change)
	more(x)
	s.emit(now, x, Callback{Kind: "change_external_chat." + kind, Chat: g.id, Who: who})
}

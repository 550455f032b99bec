package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Confirm lets a member of staff send the whole of a mass message that waits for it. In a
// group whose quota is used up nothing appears and its result is ResultQuota.
func (s *Sandbox) Confirm(msgID, user string) error {
	return s.ConfirmSome(msgID, user)
}

// ConfirmSome is Confirm for some of the groups or customers; the rest stays unsent and may
// be confirmed later. Without targets it is everything that is unsent.
func (s *Sandbox) ConfirmSome(msgID, user string, targets ...string) error {
	now := s.enter()
	defer s.leave()
	t, share, err := s.mass.share(msgID, s.office.find(user))
	if err != nil {
		return fmt.Errorf("confirm %s by %s: %w", msgID, user, err)
	}
	unsent := slices.DeleteFunc(slices.Clone(share.Targets), func(id string) bool { return t.sent[id] })
	if len(targets) == 0 {
		targets = unsent
	}
	for _, id := range targets {
		if !slices.Contains(unsent, id) {
			return fmt.Errorf("confirm %s by %s: %s is not waiting", msgID, user, id)
		}
	}
	if len(targets) == 0 {
		return fmt.Errorf("confirm %s by %s: %w", msgID, user, errors.New("nothing is waiting"))
	}
	if share.ConfirmedAt.IsZero() {
		share.ConfirmedAt = now
	}
	s.note(now, EntryTask, share.User, nil, both("confirmed %s for %d of %d", "确认了群发 %s，%d/%d 个", t.MsgID, len(targets), len(share.Targets)))
	for _, id := range targets {
		s.send(now, t, share.User, id)
	}
	return nil
}

// share finds what one member of staff is to send of a task.
func (m *mass) share(msgID string, u *Staff) (*massTask, *Share, error) {
	t := m.byID[msgID]
	if t == nil || u == nil {
		return nil, nil, ErrNotFound
	}
	if !t.CancelledAt.IsZero() {
		return nil, nil, errors.New("it was cancelled")
	}
	for i := range t.Shares {
		if t.Shares[i].User == u.UserID {
			return t, &t.Shares[i], nil
		}
	}
	return nil, nil, errors.New("it is not for this member of staff")
}

// send brings a confirmed mass message to one group or customer. A group that was dissolved
// or handed over since stays unsent.
func (s *Sandbox) send(now time.Time, t *massTask, user, target string) {
	g := s.rooms.byID[target]
	if t.ChatType == "group" && (g == nil || g.dismissed || g.owner.UserID != user) {
		return
	}
	r := Result{User: user, Target: target, Status: ResultSent, At: now}
	if t.ChatType == "single" {
		if k := s.clientele.current[pair{user, target}]; k == nil || !k.active() || !k.ByCustomer.IsZero() {
			r.Status = ResultNoFriend
		}
	}
	if received, quota := s.massQuota(target, now); r.Status == ResultSent && received >= quota {
		r.Status = ResultQuota
	}
	t.Results = append(t.Results, r)
	t.sent[target] = true
	if r.Status != ResultSent {
		s.note(now, EntryPost, user, g, both("%s was not sent to %s: status %d", "群发 %s 没有发到 %s:状态 %d", t.MsgID, target, r.Status))
		return
	}
	s.mass.received[quotaKey{target, quotaDay(now)}]++
	if g == nil {
		s.converse(now, pair{user, target}, false)
	} else {
		g.talk.say(now, user)
		g.posts = append(g.posts, Post{At: now, MsgID: t.MsgID, User: user, Text: t.Text, Attachments: t.Attachments})
	}
	s.note(now, EntryPost, user, g, bare(t.Text))
}

// massQuota is how many mass messages a group or customer has received in the month, week or
// day of a moment, and how many it may receive.
func (s *Sandbox) massQuota(target string, at time.Time) (received, quota int) {
	first, last, quota := s.faults.Limits.massDays(at)
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		received += s.mass.received[quotaKey{target, quotaDay(day)}]
	}
	return received, quota
}

// SendPersonally lets a member of staff send a mass message from the client to groups that
// they own, which uses up the same quota. It returns the msgid.
func (s *Sandbox) SendPersonally(user, text string, chats ...string) (string, error) {
	now := s.enter()
	defer s.leave()
	u := s.office.find(user)
	if u == nil || text == "" || len(chats) == 0 {
		return "", fmt.Errorf("send personally by %s: want a member of staff, a text and groups", user)
	}
	for _, id := range chats {
		if g, err := s.living(id); err != nil || g.owner != u {
			return "", fmt.Errorf("send personally by %s: %s is no group of theirs", user, id)
		}
	}
	t := newTask(Task{
		ChatType: "group", Sender: u.UserID, Personal: true, Text: text, CreatedAt: now,
		Shares: []Share{{User: u.UserID, Targets: unique(chats), ConfirmedAt: now}},
	})
	s.keepTask(now, t)
	for _, id := range t.Shares[0].Targets {
		s.send(now, t, u.UserID, id)
	}
	return t.MsgID, nil
}

// Tasks returns all mass messages, oldest first.
func (s *Sandbox) Tasks() []Task {
	s.enter()
	defer s.leave()
	out := make([]Task, 0, len(s.mass.all))
	for _, t := range s.mass.all {
		out = append(out, t.copied())
	}
	return out
}

package handlers

import (
	"context"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// dismiss closes a group that no longer exists, and with it the stays in it. No list will
// ever show what callbacks still wait for: they alone tell who was there and who left before
// the end, also those that come after it.
func (s *Sync) dismiss(ctx context.Context, id bot.ChatID, events []bot.Event, at time.Time) (Gathered, error) {
	now := s.Now().UTC()
	snap, err := s.compare(ctx, bot.Chat{ID: id}, events, now)
	if err != nil || snap.stored.ChatID == "" {
		return Gathered{}, err
	}
	if snap.stored.Status == store.ChatDismissed {
		at = snap.lastEnd(at)
	}
	snap.open = snap.orphans(now)
	if snap.brief, err = ofKind(s.Store.Read(ctx), append(snap.findBrief(), snap.cutShort(at)...)); err != nil {
		return Gathered{}, err
	}
	c := changes{left: snap.closing(at)}
	g := Gathered{Open: snap.open, Again: snap.again(now, s.Settle, false)}
	g.Apply = func(_ context.Context, tx *store.Tx) error {
		if err := s.applyLeaves(tx, snap, c); err != nil {
			return err
		}
		if err := s.applyJoins(tx, snap, c); err != nil {
			return err
		}
		return tx.SetChatStatus(id, store.ChatDismissed)
	}
	return g, nil
}

// lastEnd is when a dismissed group ended: with the last stay in it, that of its owner.
func (s snapshot) lastEnd(otherwise time.Time) time.Time {
	var last time.Time
	for _, st := range s.stays {
		if st.LeftAt.After(last) {
			last = st.LeftAt
		}
	}
	if last.IsZero() {
		return otherwise
	}
	return last
}

// orphans returns the callbacks of leaves that wait a while for those of their joins.
func (s snapshot) orphans(now time.Time) []int64 {
	var open []int64
	for i, h := range s.hints {
		if now.Sub(h.at) < lateLimit && s.orphaned(i) {
			open = append(open, h.id)
		}
	}
	return open
}

// closing ends the stays that go on: as a callback tells, else with the group.
func (s snapshot) closing(at time.Time) []leave {
	var out []leave
	for _, st := range s.stays {
		if !st.LeftAt.IsZero() {
			continue
		}
		l, ok := s.toldLeave(st)
		if !ok {
			l = leave{st, notBefore(at, st.JoinedAt), bot.LeftUnknown}
		}
		out = append(out, l)
	}
	return out
}

// cutShort finds stays that no read ever showed and that ended with the group: a callback
// says that a person joined, none that the same person left, and the books have no such stay.
func (s snapshot) cutShort(at time.Time) []store.Stint {
	var out []store.Stint
	for i, h := range s.hints {
		if h.Detail != bot.DetailAddMember {
			continue
		}
		for _, id := range h.Members {
			if _, left := s.leaveAfter(i, id, h.at); left || s.knows(i, id, at) {
				continue
			}
			out = append(out, store.Stint{ChatID: string(s.chat.ID), UserID: string(id), JoinedAt: h.at, JoinScene: string(sceneOf(h)),
				LeftAt: notBefore(at, h.at), LeftHow: string(bot.LeftUnknown), InviterBy: ByNone})
		}
	}
	return out
}

// notBefore is a time, but not before another.
func notBefore(at, earliest time.Time) time.Time {
	if at.Before(earliest) {
		return earliest
	}
	return at
}

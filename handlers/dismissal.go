package handlers

import (
	"context"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// dismiss closes a group that no longer exists, and with it the stays in it. No list will
// ever show what callbacks still wait for: they alone tell who was there and who left before
// the end, also those that come after it.
func (s *Sync) dismiss(ctx context.Context, id bot.ChatID, runs []store.Run, at time.Time) (Gathered, error) {
	now := s.Now().UTC()
	snap, err := s.compare(ctx, bot.Chat{ID: id}, runs, now)
	if err != nil || snap.stored.ChatID == "" {
		return Gathered{}, err
	}
	snap.gone = true
	if snap.stored.Status == store.ChatDismissed {
		at = snap.lastEnd(at)
	}
	snap.open = snap.orphans(now)
	if snap.brief, err = ofKind(s.Store.Read(ctx), lastOfEach(append(snap.findBrief(), snap.cutShort(at)...))); err != nil {
		return Gathered{}, err
	}
	ended, told := snap.closing(at)
	ordinals := snap.lasting(at).ordinals(changes{left: told})
	g := Gathered{Open: snap.open, Again: snap.again(now, s.Settle, false)}
	g.Apply = func(_ context.Context, tx *store.Tx) error {
		if err := s.applyLeaves(tx, snap, changes{left: append(told, ended...)}); err != nil {
			return err
		}
		if err := addBrief(tx, snap, ordinals); err != nil {
			return err
		}
		if err := tellCallbacks(tx, snap); err != nil {
			return err
		}
		if err := tx.SetChatStatus(id, store.ChatDismissed); err != nil {
			return err
		}
		return tx.LookAtAllCodesOf(string(id))
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
		if h.age(now) < lateLimit && s.orphaned(i) {
			open = append(open, h.id)
		}
	}
	return open
}

// closing ends the stays that go on: with the group, or before it as a callback told.
func (s snapshot) closing(at time.Time) (ended, told []leave) {
	for _, st := range s.stays {
		if !st.LeftAt.IsZero() {
			continue
		}
		if l, ok := s.toldLeave(st); ok {
			told = append(told, l)
			continue
		}
		ended = append(ended, leave{st, notBefore(at, st.JoinedAt), bot.LeftUnknown, store.LeaveByGroup})
	}
	return ended, told
}

// lasting is the snapshot with the stays that ended with the group, as if they went on:
// whoever joined in its last second found them there.
func (s snapshot) lasting(at time.Time) snapshot {
	s.stays, s.brief = slices.Clone(s.stays), slices.Clone(s.brief)
	for _, all := range [][]store.Stint{s.stays, s.brief} {
		for i, st := range all {
			if st.LeftHow == string(bot.LeftUnknown) && !st.LeftAt.Before(at) {
				all[i].LeftAt = time.Time{}
			}
		}
	}
	return s
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
			out = append(out, s.told(h, id, notBefore(at, h.at), bot.LeftUnknown))
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

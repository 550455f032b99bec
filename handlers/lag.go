package handlers

import (
	"maps"
	"slices"
	"time"

	"xiaobu/bot"
)

// How long a group that does not show what a callback told is read again, counted from the
// first read that was made for it. WeCom updates the details of a group some time after it has
// sent the callback.
const (
	lagLimit   = 2 * time.Minute  // then the read is believed
	nameLimit  = 20 * time.Second // the same for changes that carry no version
	staleLimit = time.Minute      // the same for a list that looks older than the one in the books
	lateLimit  = 10 * time.Second // for the callback of a leave that a read found first
	holdLimit  = 3 * lateLimit    // for one after another of those, while others of the group wait
	minAgain   = 200 * time.Millisecond
	readSpread = 2.5 // reads of a busy group are this many settle times apart
)

// stale reports whether the snapshot shows an older list than the one in the books: its
// version is one the group has already left behind, and no callback says it came back.
func (s snapshot) stale() bool {
	v := s.chat.Version
	if v == "" || string(v) == s.stored.Version || !slices.Contains(s.stored.Versions, string(v)) {
		return false
	}
	for _, h := range s.hints {
		if h.CurVersion == v {
			return false
		}
	}
	return true
}

// unexplained reports whether the read shows something whose cause is still on its way:
// somebody is gone and no callback says so; or somebody who joined before others is told of
// by one callback of two. The missing callback may only be late, and it tells who was there
// when, on which the ordinals of the others depend.
func (s snapshot) unexplained(c changes, now time.Time) bool {
	if len(s.hints) == 0 {
		return false
	}
	oldest := s.age(now)
	if oldest < lateLimit && slices.ContainsFunc(c.left, func(l leave) bool { return l.how == bot.LeftUnknown }) {
		return true
	}
	if oldest >= holdLimit {
		return false
	}
	var begun []time.Time // of the stays that would be written now
	for _, m := range c.joined {
		begun = append(begun, m.JoinedAt)
	}
	for _, st := range s.brief {
		begun = append(begun, st.JoinedAt)
	}
	for i, h := range s.hints {
		if !slices.Contains(s.open, h.id) {
			continue
		}
		joined := h.Detail == bot.DetailAddMember // seen to join and not there: others may have joined after
		left := s.orphaned(i)                     // seen to leave and never there: others may have joined before
		if slices.ContainsFunc(begun, func(at time.Time) bool { return joined && !at.Before(h.at) || left && !at.After(h.at) }) {
			return true
		}
	}
	return false
}

// waiting returns the callbacks whose change the snapshot does not show yet, or that wait
// for another to make sense.
func (s snapshot) waiting(now time.Time) []int64 {
	shown := s.shown()
	later := s.forward(s.chat.Version)
	reached := s.reached()
	behind := false // a change before this one does not show, so this one cannot either
	var open []int64
	for i, h := range s.hints {
		age := h.age(now)
		lags := age < lagLimit && s.lags(i, age, later, shown[h.CurVersion] || h.at.Before(reached), behind)
		if lags && h.CurVersion != "" {
			maps.Copy(later, s.forward(h.CurVersion))
			behind = behind || h.memberChange()
		}
		if lags || age < lateLimit && (s.orphaned(i) || s.hides(i)) {
			open = append(open, h.id)
		}
	}
	return s.inPairs(open)
}

// orphaned reports whether the i-th callback says that somebody left of whom no stay is
// known: the callback of the join may only be late.
func (s snapshot) orphaned(i int) bool {
	h := s.hints[i]
	if h.Detail != bot.DetailDelMember {
		return false
	}
	return slices.ContainsFunc(h.Members, func(id bot.MemberID) bool {
		if slices.ContainsFunc(s.hints[:i], func(j hint) bool { return j.Detail == bot.DetailAddMember && slices.Contains(j.Members, id) }) {
			return false
		}
		st, ok := s.lastBefore(id, h.at)
		if ok && st.LeftAt.IsZero() {
			end, known := s.leaveAfter(s.beginning(st), id, st.JoinedAt)
			return known && end.id != h.id // another callback ends that stay
		}
		return !ok || st.LeftAt.Before(h.at) && st.LeftHow != string(bot.LeftUnknown)
	})
}

// inPairs lets the join and the leave of somebody whom no read will show wait for each
// other: only both together tell of that stay.
func (s snapshot) inPairs(open []int64) []int64 {
	for i, h := range s.hints {
		if h.Detail != bot.DetailAddMember {
			continue
		}
		for _, id := range h.Members {
			end, ok := s.leaveAfter(i, id, h.at)
			if !ok || s.knows(i, id, end.at) {
				continue
			}
			joinOpen, leaveOpen := slices.Contains(open, h.id), slices.Contains(open, end.id)
			if joinOpen && !leaveOpen {
				open = append(open, end.id)
			}
			if leaveOpen && !joinOpen {
				open = append(open, h.id)
			}
		}
	}
	return open
}

// shown collects the versions the snapshot includes: its own, those of earlier reads, those
// of joins that are to be seen in it, and, link by link, those that callbacks say came before.
func (s snapshot) shown() map[bot.MemberVersion]bool {
	shown := map[bot.MemberVersion]bool{s.chat.Version: true}
	for _, v := range s.stored.Versions {
		shown[bot.MemberVersion(v)] = true
	}
	for _, h := range s.hints {
		if h.Detail == bot.DetailAddMember && h.CurVersion != "" && s.lists(h) {
			shown[h.CurVersion] = true
		}
	}
	s.follow(shown, func(h hint) (from, to bot.MemberVersion) { return h.CurVersion, h.LastVersion })
	return shown
}

// forward collects the versions that callbacks say came after one.
func (s snapshot) forward(v bot.MemberVersion) map[bot.MemberVersion]bool {
	later := map[bot.MemberVersion]bool{v: true}
	s.follow(later, func(h hint) (from, to bot.MemberVersion) { return h.LastVersion, h.CurVersion })
	delete(later, v)
	return later
}

// follow adds to a set what the callbacks link to its members, as far as the links go.
func (s snapshot) follow(set map[bot.MemberVersion]bool, link func(hint) (from, to bot.MemberVersion)) {
	for grown := true; grown; {
		grown = false
		for _, h := range s.hints {
			if from, to := link(h); from != "" && to != "" && set[from] && !set[to] {
				set[to], grown = true, true
			}
		}
	}
}

// lists reports whether everybody whose join a callback tells of is in the list since then.
func (s snapshot) lists(h hint) bool {
	for _, id := range h.Members {
		if !slices.ContainsFunc(s.chat.Members, func(m bot.Member) bool { return m.ID == id && m.JoinedAt.Sub(h.at).Abs() <= sameJoin }) {
			return false
		}
	}
	return len(h.Members) > 0
}

// lags reports whether the snapshot lacks the i-th callback's change: one that is to come
// later than what it shows, or, where nothing proves that it is shown, one that comes behind
// another that is lacking, or of which the list shows nothing.
func (s snapshot) lags(i int, age time.Duration, later map[bot.MemberVersion]bool, shown, behind bool) bool {
	h := s.hints[i]
	switch {
	case h.Change != bot.ChatUpdated:
		return false
	case h.Detail == bot.DetailChangeOwner:
		return age < nameLimit && s.stored.Owner == string(s.chat.Owner)
	case h.Detail == bot.DetailChangeName:
		return age < nameLimit && s.stored.Name == s.chat.Name
	case !h.memberChange():
		return false
	case h.CurVersion == "":
		return s.hides(i)
	case later[h.CurVersion]:
		return true
	}
	return !shown && (behind || string(s.chat.Version) == s.stored.Version || s.hides(i))
}

// reached is the moment up to which the snapshot certainly tells everything: it, or a read
// before it, shows a join or a leave that happened then.
func (s snapshot) reached() time.Time {
	var last time.Time
	for _, m := range s.chat.Members {
		if m.JoinedAt.After(last) {
			last = m.JoinedAt
		}
	}
	for _, st := range s.stays {
		if st.JoinedAt.After(last) {
			last = st.JoinedAt
		}
		if st.LeftAt.After(last) && st.LeftHow != string(bot.LeftUnknown) {
			last = st.LeftAt
		}
	}
	return last
}

// hides reports whether the member list lacks what the i-th callback says: someone who
// joined is not there since then and was not seen to leave, or someone who left still is.
func (s snapshot) hides(i int) bool {
	h := s.hints[i]
	for _, id := range h.Members {
		switch m := slices.IndexFunc(s.chat.Members, func(m bot.Member) bool { return m.ID == id }); {
		case h.Detail == bot.DetailDelMember:
			if m >= 0 && !s.cameAfter(i, s.chat.Members[m]) {
				return true
			}
		case h.Detail == bot.DetailAddMember:
			if (m < 0 || s.chat.Members[m].JoinedAt.Before(h.at.Add(-sameJoin))) && !s.sawLeave(i, id) {
				return true
			}
		}
	}
	return false
}

// cameAfter reports whether a listed stay began after the leave that the i-th callback tells
// of. In the same second the order of the callbacks decides.
func (s snapshot) cameAfter(i int, m bot.Member) bool {
	if at := s.hints[i].at; !m.JoinedAt.Equal(at) {
		return m.JoinedAt.After(at)
	}
	return slices.ContainsFunc(s.hints[i+1:], func(h hint) bool {
		return h.Detail == bot.DetailAddMember && h.at.Equal(m.JoinedAt) && slices.Contains(h.Members, m.ID)
	})
}

// sawLeave reports whether the stay that the i-th callback began, or a later one of that
// person, is known to have ended. A leave in the same second may belong to the stay before.
func (s snapshot) sawLeave(i int, id bot.MemberID) bool {
	joined := s.hints[i].at
	for _, st := range s.stays {
		if st.UserID == string(id) && !st.LeftAt.IsZero() && !st.JoinedAt.Before(joined.Add(-sameJoin)) {
			return true
		}
	}
	_, ok := s.leaveAfter(i, id, joined)
	return ok
}

// again says when to read the group again: soon after a change that does not show, ever
// later the longer it does not; a group that is busy is left alone a while longer, so that
// the many share a read.
func (s snapshot) again(now time.Time, settle time.Duration, progress bool) time.Time {
	wait := max(settle, minAgain)
	if progress {
		return now.Add(time.Duration(float64(wait) * readSpread))
	}
	return now.Add(max(wait, s.age(now)/2))
}

// age is that of the callback that has waited longest for a read to show it.
func (s snapshot) age(now time.Time) (longest time.Duration) {
	for _, h := range s.hints {
		longest = max(longest, h.age(now))
	}
	return longest
}

package handlers

import (
	"slices"
	"time"

	"xiaobu/bot"
)

// How long a group that does not show what a callback told is read again. WeCom updates the
// details of a group some time after it has sent the callback.
const (
	lagLimit   = 2 * time.Minute  // then the read is believed
	nameLimit  = 20 * time.Second // the same for changes that carry no version
	staleLimit = time.Minute      // the same for a list that looks older than the one in the books
	lateLimit  = 10 * time.Second // for the callback of a leave that a read found first
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

// unexplained reports whether somebody is gone and no callback says so yet, although
// callbacks do come: the missing one may only be late, and it tells when the person left,
// on which the ordinals of those who joined meanwhile depend.
func (s snapshot) unexplained(c changes, now time.Time) bool {
	if len(s.hints) == 0 || now.Sub(s.hints[0].at) >= lateLimit {
		return false
	}
	return slices.ContainsFunc(c.left, func(l leave) bool { return l.how == bot.LeftUnknown })
}

// waiting returns the callbacks whose change the snapshot does not show yet.
func (s snapshot) waiting(now time.Time) []int64 {
	shown := s.shown()
	var open []int64
	for _, h := range s.hints {
		if s.lags(h, shown, now.Sub(h.at)) {
			open = append(open, h.id)
		}
	}
	return open
}

// shown collects the versions the snapshot includes: its own, those of earlier reads, and,
// link by link, those that callbacks say came before.
func (s snapshot) shown() map[bot.MemberVersion]bool {
	shown := map[bot.MemberVersion]bool{s.chat.Version: true}
	for _, v := range s.stored.Versions {
		shown[bot.MemberVersion(v)] = true
	}
	for grown := true; grown; {
		grown = false
		for _, h := range s.hints {
			if h.LastVersion != "" && shown[h.CurVersion] && !shown[h.LastVersion] {
				shown[h.LastVersion], grown = true, true
			}
		}
	}
	return shown
}

func (s snapshot) lags(h hint, shown map[bot.MemberVersion]bool, age time.Duration) bool {
	switch {
	case h.Change != bot.ChatUpdated || age >= lagLimit:
		return false
	case h.Detail == bot.DetailChangeOwner:
		return age < nameLimit && s.stored.Owner == string(s.chat.Owner)
	case h.Detail == bot.DetailChangeName:
		return age < nameLimit && s.stored.Name == s.chat.Name
	case !h.memberChange():
		return false
	case h.CurVersion == "":
		return s.hides(h)
	case shown[h.CurVersion]:
		return false
	}
	return s.chat.Version == h.LastVersion || string(s.chat.Version) == s.stored.Version || s.hides(h)
}

// hides reports whether the member list lacks what a callback says: someone who joined is
// not there and was never seen, or someone who left still is.
func (s snapshot) hides(h hint) bool {
	for _, id := range h.Members {
		there := slices.ContainsFunc(s.chat.Members, func(m bot.Member) bool {
			return m.ID == id && !m.JoinedAt.After(h.at)
		})
		if h.Detail == bot.DetailDelMember && there {
			return true
		}
		if h.Detail == bot.DetailAddMember && !there && !s.sawLeave(id, h.at) {
			return true
		}
	}
	return false
}

// sawLeave reports whether a person who joined at a moment is known to have left since.
func (s snapshot) sawLeave(id bot.MemberID, joined time.Time) bool {
	for _, st := range s.stays {
		if st.UserID == string(id) && !st.LeftAt.IsZero() && !st.LeftAt.Before(joined) {
			return true
		}
	}
	for _, h := range s.hints {
		if h.Detail == bot.DetailDelMember && !h.at.Before(joined) && slices.Contains(h.Members, id) {
			return true
		}
	}
	return false
}

// again says when to read the group again: soon after a change that does not show, ever
// later the longer it does not; a group that is busy is left alone a while longer, so that
// the many share a read.
func (s snapshot) again(now time.Time, settle time.Duration, progress bool) time.Time {
	wait := max(settle, minAgain)
	if progress {
		return now.Add(time.Duration(float64(wait) * readSpread))
	}
	var age time.Duration
	for _, h := range s.hints {
		age = max(age, now.Sub(h.at))
	}
	return now.Add(max(wait, age/2))
}

package handlers

import (
	"cmp"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// hint is a ChatChanged event together with when it happened.
type hint struct {
	bot.ChatChanged
	id     int64
	at     time.Time
	looked time.Time // when the group was first read while it waited
}

// age is how long reads have had to show what the callback says.
func (h hint) age(now time.Time) time.Duration { return now.Sub(h.looked) }

func (h hint) memberChange() bool {
	return h.Detail == bot.DetailAddMember || h.Detail == bot.DetailDelMember
}

// snapshot is a group as it was just read, beside what the house knew of it.
type snapshot struct {
	chat   bot.Chat
	began  time.Time     // the read shows at least what was so then
	readAt time.Time     // and nothing that was not so by then
	stored store.Chat    // zero if the group is new
	stays  []store.Stint // that go on, or ended after the earliest moment that matters
	hints  []hint        // the callbacks that wait for this read, by time
	open   []int64       // callbacks whose change the read does not show yet
	brief  []store.Stint // stays that began and ended between two reads
	gone   bool          // the group is no more: nothing was read
}

// stay names one stay in a group: a person who left and came back has a new join time.
type stay struct {
	user string
	unix int64
}

func stayOf(s store.Stint) stay { return stay{s.UserID, s.JoinedAt.Unix()} }

// leave is the end of a stay.
type leave struct {
	stint store.Stint
	at    time.Time
	how   bot.LeaveHow
	by    string // how it became known
}

// changes is the difference between a snapshot and what the house knew.
type changes struct {
	joined   []bot.Member // by join time, then user id
	left     []leave
	reopened []store.Stint // ended in the books, but the group still has them
	renamed  []store.Stint
}

func (c changes) any() bool {
	return len(c.joined)+len(c.left)+len(c.reopened) > 0
}

// diff compares the members of a snapshot with the stays in the books.
func (s snapshot) diff() changes {
	var c changes
	known := map[stay]store.Stint{}
	for _, st := range s.stays {
		known[stayOf(st)] = st
	}
	present := map[stay]bool{}
	for _, m := range s.chat.Members {
		key := stay{string(m.ID), m.JoinedAt.Unix()}
		present[key] = true
		st, ok := known[key]
		switch {
		case !ok:
			c.joined = append(c.joined, m)
			continue
		case !st.LeftAt.IsZero():
			c.reopened = append(c.reopened, st)
		}
		if named, changed := rename(st, m); changed {
			c.renamed = append(c.renamed, named)
		}
	}
	for _, st := range s.stays {
		if st.LeftAt.IsZero() && !present[stayOf(st)] {
			c.left = append(c.left, s.leaveOf(st))
		}
	}
	slices.SortFunc(c.joined, func(a, b bot.Member) int {
		return cmp.Or(a.JoinedAt.Compare(b.JoinedAt), cmp.Compare(a.ID, b.ID))
	})
	return c
}

// rename takes over what is said of a person now; what was known is not erased by silence.
func rename(st store.Stint, m bot.Member) (store.Stint, bool) {
	name, nick, union := cmp.Or(m.Name, st.Name), m.Nickname, cmp.Or(m.UnionID, st.UnionID)
	if name == st.Name && nick == st.Nickname && union == st.UnionID {
		return st, false
	}
	st.Name, st.Nickname, st.UnionID = name, nick, union
	return st, true
}

// leaveOf says when and how a stay ended: as the first callback after its beginning says
// that names the person; where none does, at the last moment that the callbacks leave open.
func (s snapshot) leaveOf(st store.Stint) leave {
	if told, ok := s.toldLeave(st); ok {
		return told
	}
	at, how, by := s.readAt, bot.LeftUnknown, store.LeaveByRead
	if h, ok := s.onlyNamelessLeave(); ok {
		at, how, by = h.at, leftHow(h), store.LeaveByNameless
	} else if gap, ok := s.gap(); ok {
		at, by = gap, store.LeaveByGap
	}
	return leave{st, notBefore(at, st.JoinedAt), how, by}
}

// toldLeave is the end of a stay as a callback that names the person tells it.
func (s snapshot) toldLeave(st store.Stint) (leave, bool) {
	h, ok := s.leaveAfter(s.beginning(st), bot.MemberID(st.UserID), st.JoinedAt)
	return leave{st, h.at, leftHow(h), store.LeaveByCallback}, ok
}

// beginning returns the index of the callback that told of a stay's beginning, -1 if it is
// not among those that wait. Of several that fit, the nearest in time, then the last; one that
// told of another stay to the second does not fit, nor one whose change no read has shown.
func (s snapshot) beginning(st store.Stint) int {
	best, found := sameJoin, -1
	for i, h := range s.hints {
		if h.Detail != bot.DetailAddMember || !slices.Contains(h.Members, bot.MemberID(st.UserID)) || slices.Contains(s.open, h.id) {
			continue
		}
		d := h.at.Sub(st.JoinedAt).Abs()
		if d > 0 && s.begins(bot.MemberID(st.UserID), h.at) {
			continue
		}
		if d <= best {
			best, found = d, i
		}
	}
	return found
}

// leaveAfter returns the first callback behind the i-th that says a person left, not before
// a moment, and that has not ended an earlier stay of the person already. One behind a
// further join ends that stay, not this.
func (s snapshot) leaveAfter(i int, id bot.MemberID, moment time.Time) (hint, bool) {
	var rejoin time.Time
	for _, h := range s.hints[i+1:] {
		switch {
		case !slices.Contains(h.Members, id):
		case h.Detail == bot.DetailAddMember && h.at.Sub(moment) > sameJoin && rejoin.IsZero():
			rejoin = h.at
		case h.Detail == bot.DetailDelMember && !h.at.Before(moment) && !s.spent(h, id, moment):
			// Within one second only versions tell which was first.
			another := !rejoin.IsZero() && (rejoin.Before(h.at) || h.LastVersion != "")
			return h, !another
		}
	}
	return hint{}, false
}

// spent reports whether a callback's leave is the end of a stay in the books that began
// before a moment.
func (s snapshot) spent(h hint, id bot.MemberID, moment time.Time) bool {
	return slices.ContainsFunc(s.stays, func(st store.Stint) bool {
		return st.UserID == string(id) && st.JoinedAt.Before(moment) && st.LeftAt.Equal(h.at)
	})
}

// inOrder sorts callbacks by time, and those of one second by the versions that link them.
func inOrder(hints []hint) []hint {
	slices.SortStableFunc(hints, func(a, b hint) int { return a.at.Compare(b.at) })
	out := make([]hint, 0, len(hints))
	for len(hints) > 0 {
		n := 1
		for n < len(hints) && hints[n].at.Equal(hints[0].at) {
			n++
		}
		out = append(out, linked(hints[:n])...)
		hints = hints[n:]
	}
	return out
}

// linked puts callbacks into the order in which each follows on from another, as far as
// their versions tell; the rest keep their places.
func linked(hints []hint) []hint {
	if len(hints) < 2 {
		return hints
	}
	after := map[bot.MemberVersion]int{} // by LastVersion
	made := map[bot.MemberVersion]bool{} // CurVersions
	for i, h := range hints {
		if h.LastVersion != "" && h.CurVersion != "" {
			after[h.LastVersion] = i
			made[h.CurVersion] = true
		}
	}
	out := make([]hint, 0, len(hints))
	used := make([]bool, len(hints))
	take := func(i int) {
		for ok := true; ok && !used[i]; i, ok = after[hints[i].CurVersion] {
			used[i] = true
			out = append(out, hints[i])
			if hints[i].CurVersion == "" {
				return
			}
		}
	}
	for i, h := range hints {
		if !made[h.LastVersion] {
			take(i)
		}
	}
	for i := range hints {
		take(i) // what is left goes round in circles
	}
	return out
}

// leftHow reads a callback's scene: 0 left, 1 was removed.
func leftHow(h hint) bot.LeaveHow {
	if h.QuitScene == nil {
		return bot.LeftUnknown
	}
	if *h.QuitScene == 1 {
		return bot.LeftRemoved
	}
	return bot.LeftAlone
}

// onlyNamelessLeave returns the one callback of the old form, which says that somebody left
// but not who.
func (s snapshot) onlyNamelessLeave() (hint, bool) {
	var found []hint
	for _, h := range s.hints {
		if h.Detail == bot.DetailDelMember && len(h.Members) == 0 {
			found = append(found, h)
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	return hint{}, false
}

// gap returns the latest moment at which a change can have happened that no callback told
// of: the first callback that does not follow on from what was known before.
func (s snapshot) gap() (time.Time, bool) {
	follows := map[bot.MemberVersion]bot.MemberVersion{}
	for _, h := range s.hints {
		if h.LastVersion != "" && h.CurVersion != "" {
			follows[h.LastVersion] = h.CurVersion
		}
	}
	linked := map[bot.MemberVersion]bool{}
	for v := bot.MemberVersion(s.stored.Version); ; {
		next, ok := follows[v]
		if !ok || linked[next] {
			break
		}
		linked[next] = true
		v = next
	}
	lastRead := s.stored.SyncedAt.Truncate(time.Second) // callbacks tell whole seconds
	for _, h := range s.hints {
		if h.memberChange() && !h.at.Before(lastRead) && !linked[h.CurVersion] && !slices.Contains(s.stored.Versions, string(h.CurVersion)) {
			return h.at, true
		}
	}
	return time.Time{}, false
}

// refinements finds stays whose end was only guessed and that a callback names after all:
// the one that began last before the callback.
func (s snapshot) refinements() []leave {
	var out []leave
	for _, h := range s.hints {
		if h.Detail != bot.DetailDelMember || h.QuitScene == nil {
			continue
		}
		for _, id := range h.Members {
			if st, ok := s.lastBefore(id, h.at); ok && st.LeftHow == string(bot.LeftUnknown) {
				out = append(out, leave{st, h.at, leftHow(h), store.LeaveByCallback})
			}
		}
	}
	return out
}

// lastBefore returns the stay of a person that began last before a moment.
func (s snapshot) lastBefore(id bot.MemberID, at time.Time) (last store.Stint, ok bool) {
	for _, st := range s.stays { // by join time
		if st.UserID == string(id) && !st.JoinedAt.After(at) {
			last, ok = st, true
		}
	}
	return last, ok
}

// sameJoin is how far a callback's time and the join time it means may be apart.
const sameJoin = time.Second

// findBrief finds stays that no read ever showed: one callback says that a person joined, a
// later one that the same person left, and neither the list nor the books have that stay.
func (s snapshot) findBrief() []store.Stint {
	var out []store.Stint
	for i, h := range s.hints {
		if h.Detail != bot.DetailAddMember {
			continue
		}
		for _, id := range h.Members {
			end, ok := s.leaveAfter(i, id, h.at)
			if !ok || slices.Contains(s.open, end.id) || s.knows(i, id, end.at) {
				continue
			}
			out = append(out, s.told(h, id, end.at, leftHow(end)))
		}
	}
	return lastOfEach(out)
}

// told is a stay that only callbacks tell of: its beginning by h, its end as given.
func (s snapshot) told(h hint, id bot.MemberID, left time.Time, how bot.LeaveHow) store.Stint {
	return store.Stint{ChatID: string(s.chat.ID), UserID: string(id), JoinedAt: h.at, JoinScene: string(sceneOf(h)),
		LeftAt: left, LeftHow: string(how), InviterBy: ByNone}
}

// lastOfEach keeps of several stays of a person that began in one second the one that ended
// last: whole seconds name them all the same.
func lastOfEach(stays []store.Stint) []store.Stint {
	var out []store.Stint
	for _, st := range stays {
		i := slices.IndexFunc(out, func(o store.Stint) bool { return stayOf(o) == stayOf(st) })
		switch {
		case i < 0:
			out = append(out, st)
		case st.LeftAt.After(out[i].LeftAt):
			out[i] = st
		}
	}
	return out
}

// knows reports whether the list or the books have the stay of a person whose beginning the
// i-th callback tells of, and which ended at a time: one that began at about the callback's
// time, before that end, and that is not another's.
func (s snapshot) knows(i int, id bot.MemberID, ended time.Time) bool {
	joined := s.hints[i].at
	return s.stayed(id, func(t time.Time) bool {
		return t.Equal(joined) || t.Sub(joined).Abs() <= sameJoin && t.Before(ended) && !s.toldOf(id, t)
	})
}

// begins reports whether the list or the books have a stay of a person that began at just
// that second.
func (s snapshot) begins(id bot.MemberID, at time.Time) bool { return s.stayed(id, at.Equal) }

// stayed reports whether the list or the books have a stay of a person whose beginning fits.
func (s snapshot) stayed(id bot.MemberID, fits func(joined time.Time) bool) bool {
	return slices.ContainsFunc(s.chat.Members, func(m bot.Member) bool { return m.ID == id && fits(m.JoinedAt) }) ||
		slices.ContainsFunc(s.stays, func(st store.Stint) bool { return st.UserID == string(id) && fits(st.JoinedAt) })
}

// toldOf reports whether a callback says that a person joined at just that second.
func (s snapshot) toldOf(id bot.MemberID, at time.Time) bool {
	return slices.ContainsFunc(s.hints, func(h hint) bool {
		return h.Detail == bot.DetailAddMember && h.at.Equal(at) && slices.Contains(h.Members, id)
	})
}

// sceneOf reads a callback's scene: 0 invited, 3 scanned a code; the page's own sample has 1.
func sceneOf(h hint) bot.JoinScene {
	switch {
	case h.JoinScene == nil:
		return ""
	case *h.JoinScene == 3:
		return bot.JoinQR
	}
	return bot.JoinInvited
}

// ordinals counts, for each new customer, the customers in the group right after the join.
func (s snapshot) ordinals(c changes) map[stay]int {
	ended := map[stay]time.Time{}
	for _, l := range c.left {
		ended[stayOf(l.stint)] = l.at
	}
	reopened := map[stay]bool{}
	for _, st := range c.reopened {
		reopened[stayOf(st)] = true
	}
	var people []store.Stint
	for _, st := range s.stays {
		if st.Kind != string(bot.Customer) {
			continue
		}
		if at, ok := ended[stayOf(st)]; ok {
			st.LeftAt = at
		} else if reopened[stayOf(st)] {
			st.LeftAt = time.Time{}
		}
		people = append(people, st)
	}
	var fresh []store.Stint
	for _, m := range c.joined {
		if m.Kind == bot.Customer {
			fresh = append(fresh, store.Stint{UserID: string(m.ID), JoinedAt: m.JoinedAt})
		}
	}
	for _, st := range s.brief {
		if st.Kind == string(bot.Customer) {
			fresh = append(fresh, st)
		}
	}
	people = append(people, fresh...)
	out := map[stay]int{}
	for _, st := range fresh {
		out[stayOf(st)] = countUpTo(people, st)
	}
	return out
}

// countUpTo counts who was present right after a join, the one who joined included.
func countUpTo(people []store.Stint, st store.Stint) int {
	n := 0
	for _, p := range people {
		earlier := cmp.Or(p.JoinedAt.Compare(st.JoinedAt), cmp.Compare(p.UserID, st.UserID)) <= 0
		if earlier && (p.Present(st.JoinedAt) || stayOf(p) == stayOf(st)) {
			n++
		}
	}
	return n
}

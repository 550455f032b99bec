package handlers

import (
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// joinEvidence is what a stay that this read shows is based on.
func (s snapshot) joinEvidence(st store.Stint, m bot.Member, by inviting) store.Evidence {
	e := store.Evidence{StintID: st.ID, JoinRead: s.began, JoinVersion: string(s.chat.Version), Invitor: string(m.Inviter), ContactAt: by.addedAt}
	if by.channel.ID != 0 {
		e.ChannelID, e.ChannelName = &by.channel.ID, by.channel.Name
	}
	return e
}

// briefEvidence is what a stay that no read ever showed is based on.
func (s snapshot) briefEvidence(st store.Stint) store.Evidence {
	e := store.Evidence{StintID: st.ID, LeaveBy: store.LeaveByGroup}
	if slices.ContainsFunc(s.hints, func(h hint) bool { return h.ends(st) }) {
		e.LeaveBy = store.LeaveByCallback
	}
	return e
}

// leaveEvidence is what the end of a stay is based on. Of a group that is gone nothing was read.
func (s snapshot) leaveEvidence(l leave) store.Evidence {
	e := store.Evidence{StintID: l.stint.ID, LeaveBy: l.by}
	if !s.gone {
		e.LeaveRead, e.LeaveVersion = s.began, string(s.chat.Version)
	}
	return e
}

// ends reports whether a callback tells of the end of a stay, by name or of the old form.
func (h hint) ends(st store.Stint) bool {
	return h.Detail == bot.DetailDelMember && h.at.Equal(st.LeftAt) && (len(h.Members) == 0 || slices.Contains(h.Members, bot.MemberID(st.UserID)))
}

// tellCallbacks records which of the callbacks that are dealt with told of which stays. The
// read that wrote a stay down may have been made for another callback, so stays that were
// known before are looked at too.
func tellCallbacks(tx *store.Tx, s snapshot) error {
	users, ends := s.named()
	stays, err := tx.StaysTold(s.chat.ID, users, ends)
	if err != nil {
		return err
	}
	kept := map[int64]int64{} // callbacks by event
	tell := func(h hint, stint int64, what func(stint, callback int64) error) error {
		id, ok := kept[h.id]
		if !ok {
			if id, err = tx.KeepCallback(h.id); err != nil {
				return err
			}
			kept[h.id] = id
		}
		return what(stint, id)
	}
	for _, st := range stays {
		if i := s.beginning(st); i >= 0 {
			if err := tell(s.hints[i], st.ID, tx.TellJoin); err != nil {
				return err
			}
		}
		end := slices.IndexFunc(s.hints, func(h hint) bool { return h.ends(st) && !slices.Contains(s.open, h.id) })
		if !st.LeftAt.IsZero() && end >= 0 {
			if err := tell(s.hints[end], st.ID, tx.TellLeave); err != nil {
				return err
			}
		}
	}
	return nil
}

// named collects the people whom the callbacks name that are dealt with, and the times of
// leaves that name nobody.
func (s snapshot) named() (users []string, ends []time.Time) {
	seen := map[bot.MemberID]bool{}
	for _, h := range s.hints {
		if !h.memberChange() || slices.Contains(s.open, h.id) {
			continue
		}
		if h.Detail == bot.DetailDelMember && len(h.Members) == 0 {
			ends = append(ends, h.at)
		}
		for _, id := range h.Members {
			if !seen[id] {
				seen[id] = true
				users = append(users, string(id))
			}
		}
	}
	return users, ends
}

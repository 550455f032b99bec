package moderation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/spam"
	"xiaobu/store"
)

// maxBlocked is how many people one call may put on the blocklist.
const maxBlocked = 1000

// Block puts a person on the blocklist. Whoever is in a group right now gets a case at once.
func (m *Moderator) Block(ctx context.Context, b store.Blocked) error {
	return m.BlockAll(ctx, []store.Blocked{b})
}

// BlockAll puts people on the blocklist, all or none of them; who is there already stays with
// the first reason.
func (m *Moderator) BlockAll(ctx context.Context, people []store.Blocked) error {
	if len(people) == 0 || len(people) > maxBlocked {
		return handlers.Invalidf("people", "has %d entries; want 1 to %d", len(people), maxBlocked)
	}
	for i, b := range people {
		if err := m.checkBlocked(b); err != nil {
			if len(people) > 1 {
				err = handlers.Under(fmt.Sprintf("people[%d]", i), err)
			}
			return err
		}
	}
	return m.Store.Tx(ctx, func(tx *store.Tx) error {
		for _, b := range people {
			if err := m.block(tx, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// block puts a person on the blocklist, opens cases in the groups where the person is, and stops
// what the person brings people in with.
func (m *Moderator) block(tx *store.Tx, b store.Blocked) error {
	if err := tx.Block(b); err != nil {
		return err
	}
	members, err := membersOf(tx, b.Person)
	if err != nil {
		return err
	}
	for _, member := range members {
		if err := stop(tx, blockCause(b.Person), member); err != nil {
			return err
		}
	}
	return m.findBlocked(tx, b)
}

func (m *Moderator) checkBlocked(b store.Blocked) error {
	switch {
	case b.Person == "" || len(b.Person) > maxMessageID:
		return handlers.Invalidf("person", "has %d bytes; want a user id or union id", len(b.Person))
	case len(b.Reason) > maxReason:
		return handlers.Invalidf("reason", "has %d bytes; want at most %d", len(b.Reason), maxReason)
	case len(b.By) > maxBy:
		return handlers.Invalidf("by", "has %d bytes; want at most %d", len(b.By), maxBy)
	case !b.ExpiresAt.IsZero() && !b.ExpiresAt.After(m.Now()):
		return handlers.Invalidf("expires_at", "is %s, which is over; want a time to come, or nothing", b.ExpiresAt.In(m.Zone).Format(time.RFC3339))
	}
	return nil
}

// findBlocked opens a case in each group where somebody on the blocklist is now.
func (m *Moderator) findBlocked(tx *store.Tx, b store.Blocked) error {
	stays, err := tx.PresentPerson(b.Person)
	if err != nil {
		return err
	}
	for _, st := range stays {
		if st.Kind == string(bot.Customer) {
			if err := m.openBlocked(tx, blockedCase(st.ChatID, st.UserID, b)); err != nil {
				return err
			}
		}
	}
	chats, err := tx.AppChats("", 0)
	if err != nil {
		return err
	}
	for _, chat := range chats {
		if err := m.findBlockedInside(tx, chat, b); err != nil {
			return err
		}
	}
	return nil
}

func (m *Moderator) findBlockedInside(tx *store.Tx, chat store.AppChat, b store.Blocked) error {
	if !chat.Has(bot.MemberID(b.Person)) {
		return nil
	}
	c := blockedCase(chat.ChatID, b.Person, b)
	c.AppChat = true
	return m.openBlocked(tx, c)
}

// openBlocked opens a case about somebody on the blocklist, where the group is looked after.
func (m *Moderator) openBlocked(tx *store.Tx, c store.Case) error {
	p, err := m.policyFor(tx.Reader, bot.ChatID(c.ChatID))
	if err != nil || p.Mode == ModeOff || p.Mode == ModeDry {
		return err
	}
	_, err = m.open(tx, c)
	return err
}

func blockedCase(chat, member string, b store.Blocked) store.Case {
	detail := "黑名单上的人进群了"
	if b.Reason != "" {
		detail += ":" + b.Reason
	}
	return store.Case{ChatID: chat, Member: member, Verdict: string(spam.Spam), Score: 1, Action: ActRemove,
		Reasons: []store.Reason{{Check: "blocklist", Detail: detail, Weight: 10}}}
}

// joined opens a case about somebody on the blocklist, under whatever name he is there. A union
// id that becomes known later is told as a join again.
func (m *Moderator) joined(tx *store.Tx, e bot.Event, d bot.MemberJoined) error {
	if d.Kind != bot.Customer {
		return nil
	}
	st, err := tx.Stint(d.StintID)
	if err != nil || !st.LeftAt.IsZero() {
		return err
	}
	names := []string{string(d.Member), d.UnionID}
	stays, err := tx.PersonStints(d.Member, d.UnionID)
	if err != nil {
		return err
	}
	for _, other := range stays {
		names = append(names, other.UserID, other.UnionID)
	}
	b, blocked, err := tx.IsBlocked(names...)
	if err != nil || !blocked {
		return err
	}
	return m.openBlocked(tx, blockedCase(string(e.Chat), string(d.Member), b))
}

// blockFor puts the person of a confirmed removal on the blocklist under all names that are
// known, and tells those who can take it back.
func (m *Moderator) blockFor(tx *store.Tx, c store.Case) error {
	union, err := m.unionOf(tx, c)
	if err != nil {
		return err
	}
	added := 0
	for _, name := range []string{c.Member, union} {
		if name == "" {
			continue
		}
		_, known, err := tx.IsBlocked(name)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		b := store.Blocked{Person: name, Reason: fmt.Sprintf("案件 %d:%s", c.ID, handlers.Clip(opening(c), maxQuote)), By: byBot, CaseID: &c.ID}
		if err := m.block(tx, b); err != nil {
			return err
		}
		added++
	}
	if added == 0 {
		return nil
	}
	if err := m.step(tx, c, store.StepBlocked, byBot, fmt.Sprintf("加入黑名单(%d 个编号)", added)); err != nil {
		return err
	}
	return m.tellDone(tx, c, "已移出并加入黑名单")
}

// unionOf is the union id of a case's person, empty where none is known.
func (m *Moderator) unionOf(tx *store.Tx, c store.Case) (string, error) {
	if c.UnionID != "" || c.AppChat {
		return c.UnionID, nil
	}
	st, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return st.UnionID, err
}

// Unblock takes a person off the blocklist. Cases that are open for nothing else are closed.
func (m *Moderator) Unblock(ctx context.Context, person, by string) error {
	if by == "" {
		by = byAPI
	}
	return m.Store.Tx(ctx, func(tx *store.Tx) error { return m.unblock(tx, person, by) })
}

func (m *Moderator) unblock(tx *store.Tx, person, by string) error {
	if err := tx.Unblock(person); err != nil {
		return err
	}
	if err := takeBack(tx, blockCause(person)); err != nil {
		return err
	}
	return m.forgive(tx, person, by)
}

// expireBlocked takes off the blocklist whose time is over.
func (m *Moderator) expireBlocked(ctx context.Context) error {
	return m.Store.Tx(ctx, func(tx *store.Tx) error {
		over, err := tx.BlockedUntil(tx.Now, caseBatch)
		if err != nil {
			return err
		}
		for _, b := range over {
			if err := m.unblock(tx, b.Person, byClock); err != nil {
				return err
			}
		}
		return nil
	})
}

// membersOf are the user ids under which a person, named by user id or union id, is in groups
// now; a user id itself is one of them in any case.
func membersOf(tx *store.Tx, person string) ([]string, error) {
	stays, err := tx.PresentPerson(person)
	members := []string{person}
	for _, st := range stays {
		if !slices.Contains(members, st.UserID) {
			members = append(members, st.UserID)
		}
	}
	return members, err
}

// forgive closes the open cases that are about nothing but the blocklist, of somebody who is
// not on it any more under any name.
func (m *Moderator) forgive(tx *store.Tx, person, by string) error {
	members, err := membersOf(tx, person)
	if err != nil {
		return err
	}
	for _, member := range members {
		open, err := tx.OpenCasesOf(bot.MemberID(member))
		if err != nil {
			return err
		}
		for _, c := range open {
			if c, err = tx.HoldCase(c.ID); err != nil {
				return err
			}
			_, still, err := tx.IsBlocked(member, c.UnionID)
			if err != nil {
				return err
			}
			if still || c.Closed() || c.MessageID != "" || !onBlocklist(c.Reasons) {
				continue
			}
			if err := m.dismissed(tx, c, "the person is not on the blocklist any more", by, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

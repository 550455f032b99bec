package moderation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// stillThere reports whether the person of a case is in the group, as far as it was read.
func (m *Moderator) stillThere(tx *store.Tx, c store.Case) (there, known bool, err error) {
	if c.AppChat {
		chat, err := tx.AppChat(bot.ChatID(c.ChatID))
		if errors.Is(err, store.ErrNotFound) {
			return false, false, nil
		}
		return chat.Has(bot.MemberID(c.Member)), err == nil, err
	}
	last, err := tx.LastStint(bot.ChatID(c.ChatID), bot.MemberID(c.Member))
	if errors.Is(err, store.ErrNotFound) {
		return false, false, nil
	}
	return last.LeftAt.IsZero(), err == nil, err
}

// lookAgain has a case's group read.
func (m *Moderator) lookAgain(tx *store.Tx, c store.Case, why string) error {
	id := bot.ChatID(c.ChatID)
	if c.AppChat {
		return tx.LookAtAppChat(id, tx.Now, "")
	}
	_, err := tx.PutEvents(bot.Event{Key: "due:" + why + ":" + c.ChatID, Kind: bot.KindChatDue, At: tx.Now, Chat: id,
		Lane: bot.ChatLane(id), Derived: true, Data: bot.ChatDue{Why: "case"}})
	return err
}

// Next returns when there is something to look at: a case, an app chat, or somebody whose time
// on the blocklist is over.
func (m *Moderator) Next(ctx context.Context) (time.Time, bool, error) {
	r := m.Store.Read(ctx)
	var first time.Time
	found := false
	for _, next := range []func() (time.Time, bool, error){r.NextCase, r.NextBlocked, m.nextAppChat(r)} {
		at, ok, err := next()
		if err != nil {
			return first, false, err
		}
		if ok && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	return first, found, nil
}

// Review looks at the cases whose time has come: a claim that the list does not bear out is
// asked about again, who does not answer is reminded, then others are asked, and in the end a
// case expires.
func (m *Moderator) Review(ctx context.Context) error {
	errs := []error{m.expireBlocked(ctx), m.lookAtAppChats(ctx)}
	due, err := m.Store.Read(ctx).DueCases(m.Now(), caseBatch)
	errs = append(errs, err)
	for _, c := range due { // one that fails holds up no other
		err := m.Store.Tx(ctx, func(tx *store.Tx) error {
			now, err := tx.HoldCase(c.ID)
			if err != nil || now.NextAt.IsZero() || now.NextAt.After(tx.Now) {
				return err
			}
			return m.review(tx, now)
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("review case %d: %w", c.ID, err))
		}
	}
	return errors.Join(errs...)
}

func (m *Moderator) review(tx *store.Tx, c store.Case) error {
	there, known, err := m.stillThere(tx, c)
	if err != nil {
		return err
	}
	waits := false
	if c.ClaimedBy != "" && (there || !known) {
		read, err := readSinceClaim(tx, c)
		if err != nil {
			return err
		}
		known, waits = known || read, !read
	}
	if !there && known {
		by, note := c.ClaimedBy, "the member list does not have the person"
		if by == "" {
			by = byList
		}
		return m.removed(tx, c, note, by, c.ClaimedBy != "")
	}
	if !tx.Now.Before(c.CreatedAt.Add(caseLife)) {
		note := "nobody acted in time"
		if c.Action == ActWarn {
			note = "the warning was the end of it"
		}
		return m.close(tx, c, store.CaseExpired, note, byClock, "")
	}
	if waits {
		c.NextAt = m.within(c, tx.Now.Add(recheck))
		return tx.SaveCase(c, c.Status)
	}
	if c.ClaimedBy != "" {
		return m.falseClaim(tx, c)
	}
	if c.Action != ActRemove {
		c.NextAt = c.CreatedAt.Add(caseLife)
		return tx.SaveCase(c, c.Status)
	}
	if c, err = m.newOwner(tx, c); err != nil {
		return err
	}
	if follows, err := m.followsLead(tx, c); err != nil || follows {
		return err
	}
	return m.ask(tx, c)
}

// readSinceClaim reports whether the list of a case's group was read after somebody last said
// "removed". Before that it neither bears him out nor speaks against him.
func readSinceClaim(tx *store.Tx, c store.Case) (bool, error) {
	steps, err := tx.CaseSteps(c.ID)
	if err != nil {
		return false, err
	}
	var claimed, read time.Time
	for _, s := range steps {
		if s.What == store.StepClaimed {
			claimed = s.At
		}
	}
	if c.AppChat {
		chat, err := tx.AppChat(bot.ChatID(c.ChatID))
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		read = chat.LookedAt
	} else {
		chat, err := tx.Chat(bot.ChatID(c.ChatID))
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		read = chat.SyncedAt
	}
	return !read.IsZero() && !read.Before(claimed), nil
}

// falseClaim tells whoever said "removed" that the list still has the person. Who says so again
// and again is not asked any more; others are.
func (m *Moderator) falseClaim(tx *store.Tx, c store.Case) error {
	by := c.ClaimedBy
	c.Note, c.ClaimedBy, c.Lead = by+" said removed, but the member list still has the person", "", nil
	c.FalseClaims++
	if err := m.step(tx, c, store.StepClaimFalse, by, "成员名单里还有此人"); err != nil {
		return err
	}
	if c.FalseClaims >= maxClaims {
		c.Level = max(c.Level, levelManager)
		if err := tx.SaveCase(c, c.Status); err != nil {
			return err
		}
		return m.ask(tx, c)
	}
	if !m.Cards {
		return tx.SaveCase(c, c.Status)
	}
	at, err := m.place(tx, c)
	if err != nil {
		return err
	}
	c.NextAt = m.within(c, tx.Now.Add(m.gap(levelOwner)))
	return m.send(tx, c, at, []bot.UserID{bot.UserID(by)}, store.StepClaimFalse)
}

// newOwner begins to ask anew where the group was handed over meanwhile.
func (m *Moderator) newOwner(tx *store.Tx, c store.Case) (store.Case, error) {
	at, err := m.place(tx, c)
	if err != nil || c.Owner == "" || at.owner == "" || string(at.owner) == c.Owner {
		return c, err
	}
	if err := m.settleCards(tx, c, "群主已更换,请新群主处理", ""); err != nil {
		return c, err
	}
	if err := m.step(tx, c, store.StepNewOwner, string(at.owner), "原群主 "+c.Owner); err != nil {
		return c, err
	}
	c.Owner, c.Level, c.Lead = string(at.owner), levelOwner, nil
	return c, nil
}

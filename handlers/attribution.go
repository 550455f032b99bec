package handlers

import (
	"context"
	"errors"
	"sync"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// How the inviter of a join was found.
const (
	ByState        = "state"         // the code that was scanned
	ByInvitor      = "invitor"       // the member of staff who invited, as WeCom tells it
	ByContactState = "contact_state" // the staff code through which the customer was added before
	ByNone         = "none"
)

// contactWindow is how long before a join a staff code still counts for it.
const contactWindow = 30 * 24 * time.Hour

// Limits of asking the platform about new members.
const (
	maxContactAsks = 20
	contactAskTime = 3 * time.Second
)

// inviting is who brought a new member, and what tells so.
type inviting struct {
	inviter  string        // the member of staff; empty: nobody
	by       string        // state, invitor, contact_state or none
	referrer string        // the customer whose personal code it was; empty: none
	channel  store.Channel // whose state was carried, at the join or when the customer was added
	addedAt  time.Time     // by contact_state: when the customer was added
}

// inviterOf decides who brought a new member, once and for all. A code counts for whom it
// belonged to at the time of the join. One without staff (a store's, a customer's) brought
// the member all the same, so no earlier contact with staff counts beside it.
func inviterOf(r store.Reader, m bot.Member) (inviting, error) {
	ch, err := r.ChannelByState(m.State)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return inviting{}, err
	}
	if err != nil || ch.Kind != store.ChannelGroup {
		return withoutCode(r, m)
	}
	out := inviting{by: ByNone, channel: ch}
	if ch.Referrer != string(m.ID) {
		out.referrer = ch.Referrer
	}
	owner, err := r.ChannelOwnerAt(ch.ID, m.JoinedAt)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return inviting{}, err
	}
	switch {
	case owner.Staff != "":
		out.inviter, out.by = owner.Staff, ByState
	case m.Inviter != "":
		out.inviter, out.by = string(m.Inviter), ByInvitor
	}
	return out, nil
}

// withoutCode decides for a member who carries no state of a group code.
func withoutCode(r store.Reader, m bot.Member) (inviting, error) {
	if m.Inviter != "" {
		return inviting{inviter: string(m.Inviter), by: ByInvitor}, nil
	}
	if m.Kind == bot.Customer {
		return contactStaff(r, bot.ExternalUserID(m.ID), m.JoinedAt)
	}
	return inviting{by: ByNone}, nil
}

// contactStaff returns whose staff code last added a customer in the time before a join.
func contactStaff(r store.Reader, id bot.ExternalUserID, joined time.Time) (inviting, error) {
	contacts, err := r.Contacts(id)
	if err != nil {
		return inviting{}, err
	}
	for _, c := range contacts { // newest first
		if c.AddedAt.After(joined) || c.AddedAt.Before(joined.Add(-contactWindow)) {
			continue
		}
		ch, err := r.ChannelByState(c.State)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return inviting{}, err
		}
		if ch.Kind != store.ChannelContact {
			continue
		}
		owner, err := r.ChannelOwnerAt(ch.ID, c.AddedAt)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return inviting{}, err
		}
		if owner.Staff != "" {
			return inviting{inviter: owner.Staff, by: ByContactState, channel: ch, addedAt: c.AddedAt}, nil
		}
	}
	return inviting{by: ByNone}, nil
}

// askContacts asks the platform whose contacts the new members are where nothing else tells
// who brought them and no contact of theirs is known: the callback of a contact may be late
// or lost, and the decision is made only once. What cannot be asked in time stays unknown.
func (s *Sync) askContacts(ctx context.Context, snap snapshot, c changes) []store.Contact {
	if s.Contacts == nil || snap.stored.SyncedAt.IsZero() {
		return nil // a group seen for the first time: its members joined long ago
	}
	var ask []bot.ExternalUserID
	r := s.Store.Read(ctx)
	for _, m := range c.joined {
		if m.Kind != bot.Customer || m.Inviter != "" || len(ask) == maxContactAsks || snap.readAt.Sub(m.JoinedAt) > contactWindow {
			continue
		}
		if _, err := r.ChannelByState(m.State); err == nil {
			continue
		}
		if known, err := r.Contacts(bot.ExternalUserID(m.ID)); err == nil && len(known) == 0 {
			ask = append(ask, bot.ExternalUserID(m.ID))
		}
	}
	if len(ask) == 0 || !s.hasContactChannels(r) {
		return nil
	}
	return s.readContacts(ctx, ask)
}

// hasContactChannels reports whether any staff code was ever made: without one the answer
// cannot change anything.
func (s *Sync) hasContactChannels(r store.Reader) bool {
	n, err := r.ChannelCount(store.ChannelContact)
	return err == nil && n > 0
}

func (s *Sync) readContacts(ctx context.Context, ask []bot.ExternalUserID) []store.Contact {
	ctx, cancel := context.WithTimeout(ctx, contactAskTime)
	defer cancel()
	found := make([][]bot.Follow, len(ask))
	read := func(i int) {
		c, err := s.Contacts.Contact(ctx, ask[i])
		if err != nil && !bot.IsGone(err) {
			s.Log.Warn("ask whose contact a new member is", "error", err)
		}
		found[i] = c.Follows
	}
	var wg sync.WaitGroup
	for i := range ask {
		if s.Serial {
			read(i)
		} else {
			wg.Go(func() { read(i) })
		}
	}
	wg.Wait()
	var out []store.Contact
	for i, follows := range found {
		for _, f := range follows {
			out = append(out, store.Contact{Customer: string(ask[i]), UserID: string(f.User), AddedAt: f.AddedAt, State: f.State})
		}
	}
	return out
}

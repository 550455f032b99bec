package handlers

import (
	"context"
	"errors"
	"fmt"

	"xiaobu/bot"
	"xiaobu/store"
)

// SignalRemovedInviter flags the reward for somebody whose inviter was removed for spam, or
// put on the blocklist. No check looks for it: it is set when that happens.
const SignalRemovedInviter = "removed_inviter"

// StopCode is the action of stopping a person's code because of what that person did, or of
// making it work again.
type StopCode struct {
	Consequence int64 `json:"consequence"`
	Channel     int64 `json:"channel"`
	Again       bool  `json:"again"` // make it work again
	Turn        int64 `json:"turn"`  // which time it is stopped or restored: the moment, in ms
}

// ActionKind names the action.
func (StopCode) ActionKind() string { return "code_stop" }

// ActionKey makes each turn of a code one.
func (a StopCode) ActionKey() string {
	if a.Again {
		return fmt.Sprintf("code_again:%d:%d", a.Consequence, a.Turn)
	}
	return fmt.Sprintf("code_stop:%d:%d", a.Consequence, a.Turn)
}

// Retry is safe: a code that is gone is not taken back twice. One that is made again and was
// cut off may leave a second one at the platform, which nobody has a picture of.
func (StopCode) Retry() bot.RetryRule { return bot.RetrySafe }

// CodeStopper performs StopCode.
type CodeStopper struct{ Channels *Channels }

// ActionKind names the action it performs.
func (CodeStopper) ActionKind() string { return StopCode{}.ActionKind() }

// Perform takes the code back at the platform, or makes it anew.
func (s CodeStopper) Perform(ctx context.Context, a store.Action) (any, error) {
	var stop StopCode
	if err := a.Decode(&stop); err != nil {
		return nil, err
	}
	if stop.Again {
		return nil, s.Channels.again(ctx, stop.Channel)
	}
	err := s.Channels.Delete(ctx, stop.Channel)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // somebody else took it back
	}
	return nil, err
}

// Record notes what became of the code. One that is to work again by now is made again.
func (CodeStopper) Record(tx *store.Tx, a store.Action, o store.Outcome) error {
	var stop StopCode
	if err := a.Decode(&stop); err != nil {
		return err
	}
	if o.State != store.ActionSent && o.State != store.ActionFailed {
		return nil
	}
	c, err := tx.Consequence(stop.Consequence)
	if err != nil {
		return err
	}
	known := c.State
	switch {
	case stop.Again && known == store.ConsequenceUndone && o.State == store.ActionSent:
		c.Note = "the code works again on its page; pictures of it that WeCom made before do not"
	case stop.Again && known == store.ConsequenceUndone:
		c.Note = "the code could not be made again: " + o.Error
	case stop.Again:
		return nil // it was stopped once more
	case known == store.ConsequenceUndone && o.State == store.ActionSent:
		if stands, err := tx.ConsequenceStands(c); err != nil || stands {
			return err
		}
		_, err := tx.Enqueue(StopCode{Consequence: c.ID, Channel: stop.Channel, Again: true, Turn: tx.Now.UnixMilli()}, store.When{})
		return err
	case known != store.ConsequenceWanted:
		return nil
	case o.State == store.ActionSent:
		c.State, c.Note = store.ConsequenceDone, "the code was taken back"
	default:
		c.State, c.Note = store.ConsequenceFailed, "the code could not be taken back: "+o.Error
	}
	return tx.SaveConsequence(c, known)
}

// again makes the code of a channel that was taken back anew, under the same state and page.
func (c *Channels) again(ctx context.Context, id int64) error {
	refuse := func(msg string) error {
		return &bot.APIError{Op: StopCode{}.ActionKind(), Msg: msg, Class: bot.ClassGiveUp}
	}
	r := c.Store.Read(ctx)
	ch, err := r.Channel(id)
	if err != nil {
		return err
	}
	switch {
	case ch.Status == store.ChannelActive:
		return nil
	case ch.Status != store.ChannelDeleted:
		return refuse("the code is being made")
	case !c.offers(ch.Kind):
		return refuse("the platform does not offer it")
	}
	if ch.Referrer != "" {
		if _, err := r.ReferralOf(ch.Referrer, ch.HomeChat); !errors.Is(err, store.ErrNotFound) {
			return refuse("the customer has another code by now")
		}
	}
	var inv *Invalid
	if err := CheckChats(r, "chat_ids", ch.ChatIDs); errors.As(err, &inv) {
		return refuse(inv.Detail)
	} else if err != nil {
		return err
	}
	if ch.ConfigID, ch.QRCode, err = c.makeCode(ctx, ch); err != nil {
		return err
	}
	err = c.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.ReopenChannel(ch) })
	if err != nil {
		return errors.Join(err, c.dropCode(ctx, ch))
	}
	return nil
}

// HoldForReview flags a held entry with a signal that somebody has to look at; false says that
// it has a flag already, or is not held any more.
func HoldForReview(tx *store.Tx, e store.Entry, s store.Signal) (bool, error) {
	if e.Status != store.EntryHeld {
		return false, nil
	}
	if _, err := tx.Flag(e.ID); !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	checks, err := checksOf(tx.Reader)
	if err != nil {
		return false, err
	}
	s.Weight = max(checks.Data.Threshold, 1)
	return true, tx.AddFlag(store.Flag{EntryID: e.ID, Weight: s.Weight, Threshold: checks.Data.Threshold, ChecksVersion: checks.Version, Signals: []store.Signal{s}})
}

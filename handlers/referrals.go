package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// The company's codes at the platform, and how room is made.
const (
	waysLimit    = 500_000             // group and staff codes together, as WeCom has it
	waysTight    = 95                  // per cent of them from which on personal codes are retired
	referralIdle = 90 * 24 * time.Hour // a personal code that brought nobody for so long may go
	retireBatch  = 100
	retireNight  = 5_000 // codes that are retired in one night at most
	makingTime   = 5 * time.Minute
)

// Usage says how much of what the platform allows is used.
type Usage struct {
	Used      int64 // codes of this installation; others of the company cannot be counted
	Limit     int64
	Referrals int64
	Retirable int64 // personal codes of people who left, or that brought nobody for 90 days
}

// Usage counts the codes.
func (c *Channels) Usage(ctx context.Context) (Usage, error) {
	r := c.Store.Read(ctx)
	n, err := r.WayCounts()
	if err != nil {
		return Usage{}, err
	}
	idle, err := r.IdleReferralCount(c.Now().Add(-referralIdle))
	return Usage{Used: n.Used, Limit: c.limit(), Referrals: n.Referrals, Retirable: idle}, err
}

func (c *Channels) limit() int64 { return cmp.Or(c.Limit, waysLimit) }

// checkLimit refuses one code more than the platform would take.
func (c *Channels) checkLimit(r store.Reader) error {
	n, err := r.WayCounts()
	if err == nil && n.Used >= c.limit() {
		err = &Conflict{fmt.Sprintf("there are %d codes, and WeCom takes %d; delete channels or retire referrals first (GET /channels/usage)", n.Used, c.limit())}
	}
	return err
}

// Refer gives a customer who is in a group a personal code into it: the one there is, or a
// new one. Joins by it count for the customer and are paid to nobody.
func (c *Channels) Refer(ctx context.Context, chat, member string, remember Remember) (store.Channel, error) {
	r := c.Store.Read(ctx)
	if err := CheckChats(r, "chat_id", []string{chat}); err != nil {
		var inv *Invalid
		if errors.As(err, &inv) {
			inv.Field = "chat_id"
		}
		return store.Channel{}, err
	}
	last, err := r.LastStint(bot.ChatID(chat), bot.MemberID(member))
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && !last.LeftAt.IsZero():
		return store.Channel{}, Invalidf("member", "%q is not in the group", member)
	case err != nil:
		return store.Channel{}, err
	case last.Kind != string(bot.Customer):
		return store.Channel{}, Invalidf("member", "%q is staff: a member of staff gets a channel", member)
	}
	known, err := c.knownReferral(ctx, member, chat, remember)
	if !errors.Is(err, store.ErrNotFound) {
		return known, err
	}
	at, err := r.Chat(bot.ChatID(chat))
	if err != nil {
		return store.Channel{}, err
	}
	return c.Create(ctx, store.Channel{Name: "老带新 " + member[:min(len(member), maxChannelName-10)], Kind: store.ChannelGroup, Purpose: store.PurposeReferral,
		ShopID: at.ShopID, ChatIDs: []string{chat}, Referrer: member, HomeChat: chat}, remember)
}

// knownReferral returns the code there is. One whose making was cut off is given up.
func (c *Channels) knownReferral(ctx context.Context, member, chat string, remember Remember) (store.Channel, error) {
	known, err := c.Store.Read(ctx).ReferralOf(member, chat)
	if err != nil {
		return known, err
	}
	if known.Status == store.ChannelActive {
		return known, c.Store.Tx(ctx, func(tx *store.Tx) error { return remember(tx, fmt.Sprint(known.ID)) })
	}
	if c.Now().Sub(known.CreatedAt) < makingTime {
		return known, &Conflict{"the code of this member is being made; ask again in a moment"}
	}
	if err := c.Store.Tx(ctx, func(tx *store.Tx) error { return tx.CloseChannel(known.ID) }); err != nil {
		return known, err
	}
	return known, store.ErrNotFound
}

// Retire takes a personal code back by hand.
func (c *Channels) Retire(ctx context.Context, id int64) error {
	ch, err := c.Store.Read(ctx).Channel(id)
	if err == nil && ch.Purpose != store.PurposeReferral {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.Delete(ctx, id)
}

// RetireIdle retires personal codes that nobody misses, oldest first, while the codes are near
// the platform's limit.
func (c *Channels) RetireIdle(ctx context.Context, _ time.Time) error {
	for done := 0; done < retireNight; {
		r := c.Store.Read(ctx)
		n, err := r.WayCounts()
		if err != nil {
			return err
		}
		over := n.Used - c.limit()*waysTight/100
		if over <= 0 {
			return nil
		}
		idle, err := r.IdleReferrals(c.Now().Add(-referralIdle), int(min(over, retireBatch)))
		if err != nil {
			return err
		}
		if len(idle) == 0 {
			c.Log.Error("codes are near the limit of the platform, and none can be retired", "used", n.Used, "limit", c.limit())
			return nil
		}
		for _, ch := range idle {
			if err := c.Delete(ctx, ch.ID); err != nil {
				return fmt.Errorf("retire code %d: %w", ch.ID, err)
			}
		}
		done += len(idle)
		c.Log.Info("personal codes retired", "codes", len(idle))
	}
	return nil
}

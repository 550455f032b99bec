package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// Who changes a code at the platform holds it for a while; the calls end well before.
const (
	codeLease = time.Minute
	codeCalls = 40 * time.Second
	leaseWait = 100 * time.Millisecond // between two tries to get hold of a code
	leaseTry  = 50
)

// ChannelChange says what of a channel is to change; nil leaves it as it is.
type ChannelChange struct {
	Name, Staff, ShopID, Place, Purpose, BaseName *string
	ChatIDs, NextChatIDs                          *[]string
	AutoCreate                                    *bool
	Threshold                                     *int
}

// over is the channel with the change made.
func (d ChannelChange) over(ch store.Channel) store.Channel {
	set(&ch.Name, d.Name)
	set(&ch.Staff, d.Staff)
	set(&ch.ShopID, d.ShopID)
	set(&ch.Place, d.Place)
	set(&ch.Purpose, d.Purpose)
	set(&ch.BaseName, d.BaseName)
	set(&ch.ChatIDs, d.ChatIDs)
	set(&ch.NextChatIDs, d.NextChatIDs)
	set(&ch.AutoCreate, d.AutoCreate)
	set(&ch.Threshold, d.Threshold)
	if ch.Threshold == 0 {
		ch.Threshold = store.DefaultThreshold
	}
	return ch
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// Change changes a channel, and its code at the platform where the platform has to know. One
// change of a channel is made after the other. When a new member of staff gets it, joins from
// the next second on count for them.
func (c *Channels) Change(ctx context.Context, id int64, d ChannelChange) (store.Channel, error) {
	was, err := c.Store.Read(ctx).Channel(id)
	if err == nil && was.Status != store.ChannelActive {
		err = store.ErrNotFound
	}
	if err == nil {
		err = c.check(ctx, d.over(was), was)
	}
	if err != nil {
		return was, err
	}
	ch, owner, err := c.hold(ctx, id)
	if err != nil {
		return was, err
	}
	ctx, cancel := context.WithTimeout(ctx, codeCalls)
	defer cancel()
	now := d.over(ch)
	if err := c.changeCode(ctx, &now, ch, d); err != nil {
		return was, errors.Join(err, c.letGo(ctx, id, owner, err))
	}
	err = c.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if now.Staff != ch.Staff || now.ShopID != ch.ShopID {
			from := tx.Now.Truncate(time.Second).Add(time.Second) // joins are told by whole seconds
			if err := tx.AddChannelOwner(store.ChannelOwner{ChannelID: id, FromAt: from.UnixMilli(), Staff: now.Staff, ShopID: now.ShopID}); err != nil {
				return err
			}
		}
		if err := tx.EditChannel(now); err != nil {
			return err
		}
		if err := tx.SaveWay(now); err != nil {
			return err
		}
		return tx.ReleaseChannel(id, owner, tx.Now)
	})
	return now, err
}

// changeCode tells the platform what it has to know of a change, and takes over how the code
// is there.
func (c *Channels) changeCode(ctx context.Context, now *store.Channel, was store.Channel, d ChannelChange) error {
	if now.Kind == store.ChannelContact {
		if now.Staff == was.Staff {
			return nil
		}
		_, err := c.Contacts.ChangeContactWay(ctx, now.ConfigID, bot.UserID(now.Staff))
		return err
	}
	if d.ChatIDs == nil && d.AutoCreate == nil && d.BaseName == nil {
		return nil
	}
	way, err := c.Joins.ChangeJoinWay(ctx, now.ConfigID, func(w *bot.JoinWay) {
		if d.ChatIDs != nil {
			w.Chats = chatIDs(*d.ChatIDs)
		}
		set(&w.AutoCreate, d.AutoCreate)
		set(&w.BaseName, d.BaseName)
	})
	takeOver(now, way)
	return err
}

// takeOver notes what the platform has of a group code.
func takeOver(ch *store.Channel, w bot.JoinWay) {
	ch.ChatIDs, ch.AutoCreate, ch.BaseName = nil, w.AutoCreate, w.BaseName
	for _, id := range w.Chats {
		ch.ChatIDs = append(ch.ChatIDs, string(id))
	}
	ch.NextChatIDs = slices.DeleteFunc(slices.Clone(ch.NextChatIDs), func(id string) bool { return slices.Contains(ch.ChatIDs, id) })
}

func chatIDs(ids []string) []bot.ChatID {
	out := make([]bot.ChatID, len(ids))
	for i, id := range ids {
		out[i] = bot.ChatID(id)
	}
	return out
}

// hold waits for the right to change a code at the platform, and reads the channel again.
func (c *Channels) hold(ctx context.Context, id int64) (ch store.Channel, owner string, err error) {
	owner = c.Random()
	for try := 0; ; try++ {
		err = c.Store.Tx(ctx, func(tx *store.Tx) error {
			if ch, err = tx.Channel(id); err != nil {
				return err
			}
			if ch.Status != store.ChannelActive {
				return store.ErrNotFound
			}
			return tx.ClaimChannel(id, owner, codeLease)
		})
		if !errors.Is(err, store.ErrStale) {
			return ch, owner, err
		}
		if try == leaseTry {
			return ch, owner, &Conflict{fmt.Sprintf("channel %d is being changed by somebody else; try again in a minute", id)}
		}
		t := time.NewTimer(leaseWait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ch, owner, ctx.Err()
		case <-t.C:
		}
	}
}

// letGo ends a change that failed. What the platform has is read again unless it refused.
func (c *Channels) letGo(ctx context.Context, id int64, owner string, cause error) error {
	return c.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if bot.ClassOf(cause) != "" && bot.ClassOf(cause) != bot.ClassRetry {
			return tx.ReleaseChannel(id, owner, tx.Now)
		}
		return tx.DropChannel(id, owner, tx.Now.Add(codeRetry))
	})
}

package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// How codes are looked after.
const (
	codeBatch = 50
	codeRetry = 10 * time.Minute // after a call that failed
	codeAgain = time.Hour        // while the platform is to open a group by itself
	askEvery  = 24 * time.Hour   // while nobody has made a group
)

// room is a group that a code leads to, or could.
type room struct {
	store.Chat
	// used is how far the group is filled: the people in it, or the joins by code ever,
	// whichever is more. Codes let nobody in beyond 200, and the sources disagree of what.
	used int
}

// codePlan is what to do about a code as its groups are.
type codePlan struct {
	rooms     []room   // the groups it leads to that go on
	out       []string // dissolved groups
	add       string   // a group to put in; empty: none
	ask       bool     // the platform has to be asked how the code is there
	condition string
}

// Next returns when a code is to be looked at.
func (c *Channels) Next(ctx context.Context) (time.Time, bool, error) {
	return c.Store.Read(ctx).NextChannelLook()
}

// LookAfter looks at the codes whose time has come: takes out groups that were dissolved,
// puts in the next one where the others are nearly full, has one made where there is none,
// and takes over the groups that WeCom opened by itself.
func (c *Channels) LookAfter(ctx context.Context) error {
	due, err := c.Store.Read(ctx).DueChannels(c.Now(), codeBatch)
	if err != nil {
		return err
	}
	for _, ch := range due {
		if err := c.look(ctx, ch); err != nil && !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("look after code %d: %w", ch.ID, err)
		}
	}
	return nil
}

// CheckAll has the codes looked at that lack room, as a net below what events say.
func (c *Channels) CheckAll(ctx context.Context, _ time.Time) error {
	return c.Store.Tx(ctx, func(tx *store.Tx) error { return tx.LookAtTightCodes() })
}

// look does what a code needs now. The platform is asked only where the books cannot know.
func (c *Channels) look(ctx context.Context, ch store.Channel) error {
	cutOff := ch.LeaseOwner != ""
	p, err := planOf(c.Store.Read(ctx), ch)
	if err != nil {
		return err
	}
	if !c.offers(ch.Kind) {
		return c.Store.Tx(ctx, func(tx *store.Tx) error { ch.LookAt = time.Time{}; return tx.SaveCondition(ch) })
	}
	if !cutOff && !p.ask {
		return c.Store.Tx(ctx, func(tx *store.Tx) error { return settleCode(tx, ch.ID) })
	}
	ch, owner, err := c.hold(ctx, ch.ID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, codeCalls)
	defer cancel()
	if ch.Kind == store.ChannelContact {
		return c.readStaff(ctx, ch, owner)
	}
	way, err := c.Joins.ChangeJoinWay(ctx, ch.ConfigID, func(w *bot.JoinWay) { w.Chats = p.chats(w.Chats) })
	if err != nil {
		c.Log.Warn("code not looked after", "channel", ch.ID, "error", err)
		return c.retryLook(ctx, ch.ID, owner, err)
	}
	return c.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		before := ch.ChatIDs
		takeOver(&ch, way)
		for _, id := range ch.ChatIDs {
			if !slices.Contains(before, id) {
				if err := settleIn(tx, bot.ChatID(id), ch, p.rooms); err != nil {
					return err
				}
			}
		}
		if err := tx.SaveWay(ch); err != nil {
			return err
		}
		if err := tx.ReleaseChannel(ch.ID, owner, time.Time{}); err != nil {
			return err
		}
		return settleCode(tx, ch.ID)
	})
}

// retryLook leaves a code whose call failed for later. A code that the platform does not have
// any more leads nowhere.
func (c *Channels) retryLook(ctx context.Context, id int64, owner string, cause error) error {
	return c.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if !bot.IsGone(cause) {
			return tx.DropChannel(id, owner, tx.Now.Add(max(codeRetry, bot.WaitOf(cause))))
		}
		ch, err := tx.Channel(id)
		if err != nil {
			return err
		}
		if err := tx.ReleaseChannel(id, owner, time.Time{}); err != nil {
			return err
		}
		ch.Condition, ch.Alarm, ch.LookAt = store.CodeDead, "企业微信里已经没有这个码,请删除后重新生成", time.Time{}
		return tx.SaveCondition(ch)
	})
}

// readStaff takes over whom a staff code leads to, after a change that was cut off.
func (c *Channels) readStaff(ctx context.Context, ch store.Channel, owner string) error {
	way, err := c.Contacts.ContactWay(ctx, ch.ConfigID)
	if err != nil {
		return c.retryLook(ctx, ch.ID, owner, err)
	}
	return c.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if user := string(way.User); user != "" && user != ch.Staff {
			ch.Staff = user
			if err := tx.AddChannelOwner(store.ChannelOwner{ChannelID: ch.ID, FromAt: tx.Now.UnixMilli(), Staff: user, ShopID: ch.ShopID}); err != nil {
				return err
			}
			if err := tx.EditChannel(ch); err != nil {
				return err
			}
		}
		return tx.ReleaseChannel(ch.ID, owner, time.Time{})
	})
}

// planOf says what a code needs, from the books alone.
func planOf(r store.Reader, ch store.Channel) (codePlan, error) {
	p := codePlan{condition: store.CodeLive}
	if ch.Kind != store.ChannelGroup {
		return p, nil
	}
	for _, id := range ch.ChatIDs {
		chat, err := r.Chat(bot.ChatID(id))
		switch {
		case errors.Is(err, store.ErrNotFound):
			chat = store.Chat{ChatID: id, Status: store.ChatActive} // it was opened a moment ago
		case err != nil:
			return p, err
		}
		if chat.Status == store.ChatDismissed {
			p.out = append(p.out, id)
			continue
		}
		rm, err := roomOf(r, chat)
		if err != nil {
			return p, err
		}
		p.rooms = append(p.rooms, rm)
	}
	p.condition = conditionOf(ch, p.rooms)
	if p.condition != store.CodeLive {
		add, err := nextRoom(r, ch, p)
		if err != nil {
			return p, err
		}
		p.add = add
	}
	p.ask = p.add != "" || len(p.out) > 0 && len(p.rooms) > 0 || p.condition != store.CodeLive && ch.AutoCreate
	return p, nil
}

func roomOf(r store.Reader, chat store.Chat) (room, error) {
	joins, err := r.QRJoins(chat.ChatID)
	return room{chat, max(chat.Customers+chat.Staff, joins)}, err
}

func conditionOf(ch store.Channel, rooms []room) string {
	least := groupByQR
	for _, rm := range rooms {
		least = min(least, rm.used)
	}
	switch {
	case len(rooms) > 0 && least < ch.Threshold:
		return store.CodeLive
	case ch.AutoCreate, len(rooms) > 0 && least < groupByQR:
		return store.CodeNearlyFull
	case len(rooms) == 0:
		return store.CodeDead
	}
	return store.CodeFull
}

// nextRoom finds the group to put in: the first of the reserve that has room, else the newest
// of the shop that has; once somebody was asked to make one, also a new group of theirs.
func nextRoom(r store.Reader, ch store.Channel, p codePlan) (string, error) {
	var reserve, more []store.Chat
	for _, id := range ch.NextChatIDs {
		chat, err := r.Chat(bot.ChatID(id))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		reserve = append(reserve, chat)
	}
	if ch.ShopID != "" {
		chats, err := r.Chats(store.ChatFilter{Status: store.ChatActive, ShopID: ch.ShopID})
		if err != nil {
			return "", err
		}
		more = chats
	}
	made, err := madeSince(r, ch, p)
	if err != nil {
		return "", err
	}
	more = append(more, made...)
	slices.SortStableFunc(more, func(a, b store.Chat) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ChatID, b.ChatID))
	})
	for _, chat := range append(reserve, more...) {
		if chat.Status != store.ChatActive || slices.Contains(ch.ChatIDs, chat.ChatID) {
			continue
		}
		rm, err := roomOf(r, chat)
		if err != nil {
			return "", err
		}
		if rm.used < ch.Threshold {
			return chat.ChatID, nil
		}
	}
	return "", nil
}

// madeSince lists the groups that were made since somebody was asked, by those who may have
// been: groups of another shop are not meant.
func madeSince(r store.Reader, ch store.Channel, p codePlan) ([]store.Chat, error) {
	if ch.AskedAt.IsZero() {
		return nil, nil
	}
	whom, err := whoMakes(r, ch, p.rooms)
	if err != nil {
		return nil, err
	}
	var out []store.Chat
	for _, user := range whom {
		chats, err := r.Chats(store.ChatFilter{Status: store.ChatActive, Owner: user})
		if err != nil {
			return nil, err
		}
		for _, chat := range chats {
			since := ch.AskedAt.Truncate(time.Second)
			if !chat.CreatedAt.Before(since) && (chat.ShopID == "" || chat.ShopID == ch.ShopID) {
				out = append(out, chat)
			}
		}
	}
	return out, nil
}

// whoMakes lists who can make a group for a code, whom to ask first: the shop's manager, the
// owners of its groups, its staff.
func whoMakes(r store.Reader, ch store.Channel, rooms []room) ([]string, error) {
	var out []string
	add := func(user string) {
		if user != "" && !slices.Contains(out, user) {
			out = append(out, user)
		}
	}
	if ch.ShopID != "" {
		shop, err := r.Shop(ch.ShopID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		add(shop.Manager)
	}
	for _, rm := range rooms {
		add(rm.Owner)
	}
	for _, id := range ch.ChatIDs { // dissolved ones had an owner too
		chat, err := r.Chat(bot.ChatID(id))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		add(chat.Owner)
	}
	add(ch.Staff)
	return out, nil
}

// chats are the groups that a code is to lead to, given those it leads to at the platform.
// Full groups make room for the new one; one group has to stay.
func (p codePlan) chats(at []bot.ChatID) []bot.ChatID {
	keep := slices.DeleteFunc(slices.Clone(at), func(id bot.ChatID) bool { return slices.Contains(p.out, string(id)) })
	if p.add == "" || slices.Contains(keep, bot.ChatID(p.add)) {
		if len(keep) == 0 {
			return at
		}
		return keep
	}
	full := slices.Clone(p.rooms)
	slices.SortStableFunc(full, func(a, b room) int { return cmp.Compare(b.used, a.used) })
	for _, rm := range full {
		if len(keep) < maxJoinWayChats {
			break
		}
		keep = slices.DeleteFunc(keep, func(id bot.ChatID) bool { return string(id) == rm.ChatID })
	}
	return append(keep[:min(len(keep), maxJoinWayChats-1)], bot.ChatID(p.add))
}

// settleIn gives a group that a code leads to now the shop and labels of the groups beside it,
// if it has no shop yet; then promotions leave it alone, too, as they do those. One that nobody
// knew is read.
func settleIn(tx *store.Tx, id bot.ChatID, ch store.Channel, beside []room) error {
	if err := tx.NewChat(store.Chat{ChatID: string(id), Status: store.ChatActive}); err != nil {
		return err
	}
	chat, err := tx.Chat(id)
	if err != nil {
		return err
	}
	if chat.SyncedAt.IsZero() {
		_, err := tx.PutEvents(bot.Event{Key: fmt.Sprintf("due:code%d:%s", ch.ID, id), Kind: bot.KindChatDue, At: tx.Now, Chat: id,
			Lane: bot.ChatLane(id), Derived: true, Data: bot.ChatDue{Why: "code"}})
		if err != nil {
			return err
		}
	}
	if chat.ShopID == "" && slices.ContainsFunc(beside, func(rm room) bool { return rm.HandsOff }) {
		if err := tx.SetHandsOff(id, true); err != nil {
			return err
		}
	}
	shop, labels := ch.ShopID, chat.Labels
	for _, rm := range slices.Backward(beside) {
		if rm.ShopID != "" && (ch.ShopID == "" || rm.ShopID == ch.ShopID) {
			shop, labels = rm.ShopID, rm.Labels
		}
	}
	if chat.ShopID != "" || shop == "" {
		return nil
	}
	if len(chat.Labels) > 0 {
		labels = chat.Labels
	}
	return tx.PlaceChat(id, shop, labels)
}

// watchCodes has the codes looked at that a read of their group makes tighter or wider, and
// those that wait for a group like one that is new.
func watchCodes(tx *store.Tx, snap snapshot, c changes) error {
	if snap.stored.ChatID == "" {
		return tx.LookAtWaitingCodes()
	}
	chat := snap.row()
	joins, err := tx.QRJoins(chat.ChatID)
	if err != nil {
		return err
	}
	before := joins
	for _, m := range c.joined {
		if m.Scene == bot.JoinQR {
			before--
		}
	}
	was, is := max(snap.stored.Customers+snap.stored.Staff, before), max(chat.Customers+chat.Staff, joins)
	if snap.stored.Status == store.ChatDismissed {
		return tx.LookAtAllCodesOf(chat.ChatID)
	}
	if was == is {
		return nil
	}
	return tx.LookAtCodesOf(chat.ChatID, was, is, groupByQR)
}

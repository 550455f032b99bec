package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"xiaobu/bot"
	"xiaobu/store"
)

// Limits of a channel.
const (
	maxChannelName  = 60 // characters
	maxRemark       = 30 // characters that WeCom keeps of a remark
	maxJoinWayChats = 5
	maxPlace        = 60 // characters
	maxState        = 30 // that WeCom takes
	maxReserve      = 20 // groups that wait for a code's groups to fill up
	groupByQR       = 200
	maxBaseName     = 40              // characters
	closeTime       = 5 * time.Second // for taking back a code nobody will use
)

// Channels makes QR codes with an owner. The state they carry is random unless it was asked
// for: a code printed for an earlier installation never counts for a channel of this one.
type Channels struct {
	Store    *store.Store
	Joins    bot.JoinWayMaker    // may be nil
	Contacts bot.ContactWayMaker // may be nil
	Staff    bot.StaffReader     // tells who left the company; may be nil
	Random   func() string       // 16 or more letters and digits, new each time
	Now      func() time.Time
	Limit    int64 // codes that the platform takes; 0: 500,000
	Log      *slog.Logger
}

// Remember keeps, in the transaction that creates something, that a request led to it. It
// returns ErrRepeated when the request had been answered meanwhile.
type Remember func(tx *store.Tx, resource string) error

// ErrRepeated says that another request with the same key was first.
var ErrRepeated = errors.New("request was repeated")

// Create makes a channel and its code.
func (c *Channels) Create(ctx context.Context, ch store.Channel, remember Remember) (store.Channel, error) {
	if ch.Purpose == "" {
		ch.Purpose = purposeOf(ch)
	}
	if err := c.check(ctx, ch, store.Channel{}); err != nil {
		return ch, err
	}
	if err := c.checkLimit(c.Store.Read(ctx)); err != nil {
		return ch, err
	}
	if ch.State == "" {
		ch.State = "xb" + c.Random()[:14]
	}
	ch.Code, ch.Status = strings.ToLower(c.Random()[:codeLength]), store.ChannelMaking
	if err := c.Store.Tx(ctx, func(tx *store.Tx) error { return addChannel(tx, &ch) }); err != nil {
		return ch, err
	}
	var err error
	if ch.ConfigID, ch.QRCode, err = c.makeCode(ctx, ch); err != nil {
		c.forget(ctx, ch)
		return ch, fmt.Errorf("make the code of channel %q: %w", ch.Name, err)
	}
	ch.Status = store.ChannelActive
	err = c.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.OpenChannel(ch.ID, ch.ConfigID, ch.QRCode); err != nil {
			return err
		}
		return remember(tx, fmt.Sprint(ch.ID))
	})
	if err != nil {
		c.forget(ctx, ch)
	}
	return ch, err
}

// codeLength is the length of a code's slug: 60 random bits are not found by trying.
const codeLength = 12

// purposeOf is what a code is for where nobody said.
func purposeOf(ch store.Channel) string {
	if ch.Staff == "" {
		return store.PurposeStore
	}
	return store.PurposeCashier
}

// addChannel writes a channel down unless its state is taken; the states of deleted codes
// are, for joins may still carry them.
func addChannel(tx *store.Tx, ch *store.Channel) error {
	if _, err := tx.ChannelByState(ch.State); !errors.Is(err, store.ErrNotFound) {
		if err == nil {
			err = &Conflict{fmt.Sprintf("state %q belongs to another code, or did", ch.State)}
		}
		return err
	}
	if ch.Referrer != "" {
		if _, err := tx.ReferralOf(ch.Referrer, ch.HomeChat); !errors.Is(err, store.ErrNotFound) {
			if err == nil {
				err = &Conflict{"the code of this member is being made; ask again in a moment"}
			}
			return err
		}
	}
	ch.ID = 0
	return tx.AddChannel(ch)
}

func (c *Channels) makeCode(ctx context.Context, ch store.Channel) (config, qr string, err error) {
	if ch.Kind == store.ChannelContact {
		return c.Contacts.AddContactWay(ctx, bot.ContactWay{Remark: remark(ch.Name), User: bot.UserID(ch.Staff), State: ch.State})
	}
	way := bot.JoinWay{Remark: remark(ch.Name), State: ch.State, AutoCreate: ch.AutoCreate, BaseName: ch.BaseName}
	for _, id := range ch.ChatIDs {
		way.Chats = append(way.Chats, bot.ChatID(id))
	}
	if config, err = c.Joins.AddJoinWay(ctx, way); err != nil {
		return "", "", err
	}
	made, err := c.Joins.JoinWay(ctx, config)
	if err != nil {
		return config, "", fmt.Errorf("read the picture of the code: %w", err)
	}
	return config, made.QRCode, nil
}

func remark(name string) string {
	r := []rune(name)
	return string(r[:min(len(r), maxRemark)])
}

// forget closes a channel that did not come about, and its code if there is one.
func (c *Channels) forget(ctx context.Context, ch store.Channel) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if ch.ConfigID != "" {
		if err := c.dropCode(ctx, ch); err != nil {
			c.Log.Warn("a code that nobody uses is left at the platform", "channel", ch.ID, "config_id", ch.ConfigID, "error", err)
		}
	}
	if err := c.Store.Tx(ctx, func(tx *store.Tx) error { return tx.CloseChannel(ch.ID) }); err != nil {
		c.Log.Error("close channel", "channel", ch.ID, "error", err)
	}
}

func (c *Channels) dropCode(ctx context.Context, ch store.Channel) error {
	var err error
	if ch.Kind == store.ChannelContact {
		err = c.Contacts.DeleteContactWay(ctx, ch.ConfigID)
	} else {
		err = c.Joins.DeleteJoinWay(ctx, ch.ConfigID)
	}
	if bot.IsGone(err) {
		return nil
	}
	return err
}

// Delete takes a channel's code back. Joins that carried its state still count for it.
func (c *Channels) Delete(ctx context.Context, id int64) error {
	ch, err := c.Store.Read(ctx).Channel(id)
	if err != nil {
		return err
	}
	if ch.Status != store.ChannelActive {
		return store.ErrNotFound
	}
	if !c.offers(ch.Kind) {
		return ErrNotOffered
	}
	if err := c.dropCode(ctx, ch); err != nil {
		return fmt.Errorf("delete the code of channel %d: %w", id, err)
	}
	return c.Store.Tx(ctx, func(tx *store.Tx) error { return tx.CloseChannel(id) })
}

func (c *Channels) offers(kind string) bool {
	if kind == store.ChannelContact {
		return c.Contacts != nil
	}
	return c.Joins != nil
}

// check refuses what a channel cannot be; of one that is changed, only what changes is asked
// about.
func (c *Channels) check(ctx context.Context, ch, was store.Channel) error {
	if err := checkKind(ch); err != nil {
		return err
	}
	switch {
	case ch.State != "" && !isState(ch.State):
		return Invalidf("state", "is %q; want 1 to %d letters, digits, _ or -", Clip(ch.State, 2*maxState), maxState)
	case ch.Threshold < 0 || ch.Threshold > groupByQR:
		return Invalidf("threshold", "is %d; want 1 to %d people, for nobody gets in by a code beyond that", ch.Threshold, groupByQR)
	case !slices.Contains([]string{store.PurposeCashier, store.PurposeTill, store.PurposePoster, store.PurposeStore, store.PurposeReferral}, ch.Purpose):
		return Invalidf("purpose", "is %q; want cashier, till, poster or store", ch.Purpose)
	case !c.offers(ch.Kind):
		return ErrNotOffered
	}
	r := c.Store.Read(ctx)
	if ch.ShopID != was.ShopID {
		if err := checkShop(r, ch.ShopID); err != nil {
			return err
		}
	}
	if !slices.Equal(ch.ChatIDs, was.ChatIDs) {
		if err := CheckChats(r, "chat_ids", ch.ChatIDs); err != nil {
			return err
		}
	}
	if !slices.Equal(ch.NextChatIDs, was.NextChatIDs) {
		if err := CheckChats(r, "next_chat_ids", ch.NextChatIDs); err != nil {
			return err
		}
	}
	if ch.Staff == was.Staff {
		return nil
	}
	return c.checkStaff(ctx, ch.Staff)
}

// checkKind refuses what does not go together in a code of its kind.
func checkKind(ch store.Channel) error {
	switch {
	case ch.Kind != store.ChannelGroup && ch.Kind != store.ChannelContact:
		return Invalidf("kind", "is %q; want group_qr or contact_qr", ch.Kind)
	case ch.Name == "" || utf8.RuneCountInString(ch.Name) > maxChannelName:
		return Invalidf("name", "has %d characters; want 1 to %d", utf8.RuneCountInString(ch.Name), maxChannelName)
	case utf8.RuneCountInString(ch.Place) > maxPlace:
		return Invalidf("place", "has %d characters; want at most %d", utf8.RuneCountInString(ch.Place), maxPlace)
	case ch.Staff == "" && ch.Kind == store.ChannelContact:
		return Invalidf("staff", "is missing: the user id of whom customers add by it")
	case ch.Staff == "" && ch.ShopID == "" && ch.Referrer == "":
		return Invalidf("staff", "is missing: the user id of whom the joins count for (or a store_id, and they count for the store)")
	case ch.Kind == store.ChannelContact && len(ch.ChatIDs) > 0:
		return Invalidf("chat_ids", "belongs to a group_qr; a contact_qr leads to its staff")
	case ch.Kind == store.ChannelContact && len(ch.NextChatIDs) > 0:
		return Invalidf("next_chat_ids", "belongs to a group_qr; a contact_qr leads to its staff")
	case ch.Kind == store.ChannelGroup && (len(ch.ChatIDs) == 0 || len(ch.ChatIDs) > maxJoinWayChats):
		return Invalidf("chat_ids", "has %d groups; want 1 to %d", len(ch.ChatIDs), maxJoinWayChats)
	case len(ch.NextChatIDs) > maxReserve:
		return Invalidf("next_chat_ids", "has %d groups; want at most %d", len(ch.NextChatIDs), maxReserve)
	case utf8.RuneCountInString(ch.BaseName) > maxBaseName:
		return Invalidf("base_name", "has %d characters; WeCom takes at most %d", utf8.RuneCountInString(ch.BaseName), maxBaseName)
	}
	return nil
}

// isState reports whether a text can be a code's state on every way that it goes.
func isState(s string) bool {
	foreign := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	}
	return s != "" && len(s) <= maxState && !strings.ContainsFunc(s, foreign)
}

func checkShop(r store.Reader, id string) error {
	if id == "" {
		return nil
	}
	_, err := r.Shop(id)
	if errors.Is(err, store.ErrNotFound) {
		return Invalidf("store_id", "store %q is not known; PUT /stores/%s first", id, id)
	}
	return err
}

// checkStaff refuses somebody of whom the platform says that there is no such member. Who
// cannot be asked about now, or may not be seen by the app, is accepted.
func (c *Channels) checkStaff(ctx context.Context, id string) error {
	if id == "" || c.Staff == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, contactAskTime)
	defer cancel()
	_, err := c.Staff.StaffMember(ctx, bot.UserID(id))
	if bot.IsGone(err) {
		return Invalidf("staff", "%q is not a member of the company, or not any more", id)
	}
	if err != nil {
		c.Log.Warn("ask whether a member of staff is still there", "staff", id, "error", err)
	}
	return nil
}

// CheckChats refuses groups that are not known or dissolved.
func CheckChats(r store.Reader, field string, ids []string) error {
	for i, id := range ids {
		chat, err := r.Chat(bot.ChatID(id))
		switch {
		case errors.Is(err, store.ErrNotFound):
			return Invalidf(fmt.Sprintf("%s[%d]", field, i), "group %q is not known", id)
		case err != nil:
			return err
		case chat.Status == store.ChatDismissed:
			return Invalidf(fmt.Sprintf("%s[%d]", field, i), "group %q was dissolved", id)
		}
	}
	return nil
}

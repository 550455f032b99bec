package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"xiaobu/bot"
	"xiaobu/store"
)

// Limits of bringing a company in.
const (
	ownersPerList = 100    // WeCom's limit for one list of groups
	maxListPages  = 10_000 // a cursor that never ends is a lie
	putBatch      = 200    // rows written in one transaction

	ownersPerLook = 2000           // owners whose accounts are looked at in one night
	lookedLately  = 12 * time.Hour // and not again before
)

// Corp brings the whole company in: who may have customers, which groups they own. It reads
// no group itself but asks Sync to, so that there is one way in which groups are read. It
// runs at start and every night; nothing is deleted because a list was short.
type Corp struct {
	Store *store.Store
	Staff bot.StaffReader
	Chats bot.ChatReader
	Log   *slog.Logger
}

// Compare has every group of the company read: those the platform lists and those the house
// knows. The stamp names this comparison; the same stamp asks for each group only once.
func (c *Corp) Compare(ctx context.Context, why, stamp string) error {
	users, err := c.Staff.FollowUsers(ctx)
	if err != nil {
		return fmt.Errorf("list members with customer contact: %w", err)
	}
	if err := c.saveFollowers(ctx, users); err != nil {
		return err
	}
	owners, err := c.owners(ctx, users)
	if err != nil {
		return err
	}
	asked := 0
	for part := range slices.Chunk(owners, ownersPerList) {
		n, err := c.listGroups(ctx, part, why, stamp)
		asked += n
		if err != nil {
			return fmt.Errorf("list groups: %w", err)
		}
	}
	n, err := c.knownGroups(ctx, why, stamp)
	c.Log.Info("company compared", "why", why, "members", len(users), "groups_listed", asked, "groups_not_listed", n)
	return err
}

func (c *Corp) saveFollowers(ctx context.Context, users []bot.UserID) error {
	for part := range slices.Chunk(users, putBatch) {
		err := c.Store.Tx(ctx, func(tx *store.Tx) error {
			for _, u := range part {
				if err := tx.SaveFollower(u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// owners are the members just listed and those listed earlier: whoever left the list may
// still own groups.
func (c *Corp) owners(ctx context.Context, users []bot.UserID) ([]bot.UserID, error) {
	known, err := c.Store.Read(ctx).Owners()
	if err != nil {
		return nil, err
	}
	seen := map[bot.UserID]bool{}
	var owners []bot.UserID
	for _, u := range users {
		if !seen[u] {
			seen[u] = true
			owners = append(owners, u)
		}
	}
	for _, k := range known {
		if u := bot.UserID(k); !seen[u] {
			seen[u] = true
			owners = append(owners, u)
		}
	}
	return owners, nil
}

// listGroups follows every page of a list of groups.
func (c *Corp) listGroups(ctx context.Context, owners []bot.UserID, why, stamp string) (int, error) {
	cursor, total := "", 0
	for range maxListPages {
		page, next, err := c.Chats.Chats(ctx, owners, cursor)
		if err != nil {
			return total, err
		}
		chats := make([]bot.ChatID, len(page))
		for i, ref := range page {
			chats[i] = ref.ID
		}
		total += len(chats)
		if err := c.ask(ctx, chats, why, stamp); err != nil {
			return total, err
		}
		if next == "" || next == cursor {
			return total, nil
		}
		cursor = next
	}
	return total, errors.New("the list of groups has no end")
}

// knownGroups asks for the active groups of the books too: one that is no longer listed may
// have been dissolved, handed over, or only left out.
func (c *Corp) knownGroups(ctx context.Context, why, stamp string) (int, error) {
	known, err := c.Store.Read(ctx).Chats(store.ChatFilter{Status: store.ChatActive})
	if err != nil {
		return 0, err
	}
	chats := make([]bot.ChatID, len(known))
	for i, k := range known {
		chats[i] = bot.ChatID(k.ChatID)
	}
	return len(chats), c.ask(ctx, chats, why, stamp)
}

// ask writes down that groups are to be read.
func (c *Corp) ask(ctx context.Context, chats []bot.ChatID, why, stamp string) error {
	for part := range slices.Chunk(chats, putBatch) {
		err := c.Store.Tx(ctx, func(tx *store.Tx) error {
			for _, id := range part {
				_, err := tx.PutEvents(bot.Event{
					Key: "due:" + why + ":" + stamp + ":" + string(id), Kind: bot.KindChatDue, At: tx.Now,
					Chat: id, Lane: bot.ChatLane(id), Derived: true, Data: bot.ChatDue{Why: why},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// LookAtOwners reads whether the owners of active groups can use the platform, of a large company
// those who were looked at longest ago. Whoever is no member any more counts as having left; of
// whoever it refuses to show nothing is known. Any other error ends the look, and the next one
// goes on where it ended.
func (c *Corp) LookAtOwners(ctx context.Context, now time.Time) error {
	owners, err := c.Store.Read(ctx).OwnersToLookAt(now.Add(-lookedLately), ownersPerLook)
	if err != nil {
		return err
	}
	for _, id := range owners {
		m, err := c.Staff.StaffMember(ctx, bot.UserID(id))
		switch {
		case bot.IsGone(err):
			m = bot.StaffMember{ID: bot.UserID(id), Status: bot.StaffLeft}
		case bot.ClassOf(err) == bot.ClassFix, bot.ClassOf(err) == bot.ClassGiveUp:
			m = bot.StaffMember{ID: bot.UserID(id)}
		case err != nil:
			return fmt.Errorf("look at an owner: %w", err)
		}
		if err := c.Store.Tx(ctx, func(tx *store.Tx) error { return tx.SaveStaffStatus(m) }); err != nil {
			return err
		}
	}
	c.Log.Info("owners looked at", "owners", len(owners))
	return nil
}

package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

// shopBody is a store as it is put.
type shopBody struct {
	Name    string   `json:"name" minLength:"1" maxLength:"100"`
	Region  string   `json:"region,omitempty" maxLength:"100"`
	Manager string   `json:"manager,omitempty" maxLength:"64" doc:"user id"`
	Staff   []string `json:"staff,omitempty" maxItems:"500" doc:"user ids"`
}

type shopView struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Region  string   `json:"region"`
	Manager string   `json:"manager"`
	Staff   []string `json:"staff" nullable:"false"`
}

func viewShop(s store.Shop) shopView {
	v := shopView{ID: s.ID, Name: s.Name, Region: s.Region, Manager: s.Manager, Staff: s.Staff}
	if v.Staff == nil {
		v.Staff = []string{}
	}
	return v
}

func (s *server) shops() {
	type put struct {
		ID   string `path:"id" minLength:"1" maxLength:"64"`
		Body shopBody
	}
	huma.Register(s.api, op(http.MethodPut, "/stores/{id}", "write a store", http.StatusOK), func(ctx context.Context, in *put) (*result[shopView], error) {
		shop := store.Shop{ID: in.ID, Name: in.Body.Name, Region: in.Body.Region, Manager: in.Body.Manager, Staff: in.Body.Staff}
		if err := s.Store.Tx(ctx, func(tx *store.Tx) error { return tx.PutShop(shop) }); err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(viewShop(shop)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/stores", "list stores", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[shopView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Shops(after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, viewShop, func(r store.Shop) string { return wordsCursor(r.ID) }), nil
	})
}

type groupView struct {
	ChatID    string     `json:"chat_id"`
	Name      string     `json:"name"`
	Owner     string     `json:"owner"`
	StoreID   *string    `json:"store_id"`
	Customers int        `json:"customers"`
	Staff     int        `json:"staff"`
	Status    string     `json:"status" enum:"active,dismissed"`
	CreatedAt *time.Time `json:"created_at"`
	SyncedAt  *time.Time `json:"synced_at"`
	Labels    []string   `json:"labels" nullable:"false"`
	HandsOff  bool       `json:"hands_off" doc:"promotions leave it alone"`
}

func (s *server) viewGroup(c store.Chat) groupView {
	v := groupView{ChatID: c.ChatID, Name: c.Name, Owner: c.Owner, StoreID: text(c.ShopID), Customers: c.Customers, Staff: c.Staff,
		Status: c.Status, CreatedAt: s.stamp(c.CreatedAt), SyncedAt: s.stamp(c.SyncedAt), Labels: c.Labels, HandsOff: c.HandsOff}
	if v.Labels == nil {
		v.Labels = []string{}
	}
	return v
}

type groupBody struct {
	StoreID *string  `json:"store_id,omitempty" nullable:"true" maxLength:"64" doc:"the store it belongs to; left out or null: unchanged; empty: none"`
	Labels  []string `json:"labels,omitempty" maxItems:"50" doc:"left out: unchanged"`
	// HandsOff is for groups that are not ours to post in, such as those of a distributor.
	HandsOff *bool `json:"hands_off,omitempty" doc:"promotions leave it alone; left out: unchanged"`
}

func (s *server) groups() {
	type one struct {
		ChatID string `path:"chat_id"`
	}
	type put struct {
		ChatID string `path:"chat_id"`
		Body   groupBody
	}
	type filter struct {
		Page
		Status string `query:"status" enum:"active,dismissed"`
		Store  string `query:"store_id" maxLength:"64"`
		Owner  string `query:"owner" maxLength:"64"`
	}
	huma.Register(s.api, op(http.MethodGet, "/groups", "list groups", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[groupView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Chats(store.ChatFilter{Status: in.Status, ShopID: in.Store, Owner: in.Owner, Cursor: after[0], Limit: in.Limit + 1})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewGroup, func(c store.Chat) string { return wordsCursor(c.ChatID) }), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/groups/{chat_id}", "one group", http.StatusOK), func(ctx context.Context, in *one) (*result[groupView], error) {
		return s.group(ctx, in.ChatID)
	})
	huma.Register(s.api, op(http.MethodPut, "/groups/{chat_id}", "put a group into a store and label it", http.StatusOK), func(ctx context.Context, in *put) (*result[groupView], error) {
		if err := s.Store.Tx(ctx, func(tx *store.Tx) error { return placeGroup(tx, in.ChatID, in.Body) }); err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.group(ctx, in.ChatID)
	})
	s.members()
}

func (s *server) group(ctx context.Context, id string) (*result[groupView], error) {
	c, err := s.Store.Read(ctx).Chat(bot.ChatID(id))
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return answer(s.viewGroup(c)), nil
}

func placeGroup(tx *store.Tx, id string, b groupBody) error {
	c, err := tx.Chat(bot.ChatID(id))
	if err != nil {
		return err
	}
	if b.StoreID != nil {
		c.ShopID = *b.StoreID
	}
	if b.Labels != nil {
		c.Labels = b.Labels
	}
	for i, l := range c.Labels {
		if n := utf8.RuneCountInString(l); n == 0 || n > 50 {
			return &handlers.Invalid{Field: fmt.Sprintf("labels[%d]", i), Detail: "want 1 to 50 characters"}
		}
	}
	if c.ShopID != "" {
		if _, err := tx.Shop(c.ShopID); errors.Is(err, store.ErrNotFound) {
			return &handlers.Invalid{Field: "store_id", Detail: fmt.Sprintf("store %q is not known; PUT /stores/%s first", c.ShopID, c.ShopID)}
		} else if err != nil {
			return err
		}
	}
	if b.HandsOff != nil {
		if err := tx.SetHandsOff(bot.ChatID(id), *b.HandsOff); err != nil {
			return err
		}
	}
	return tx.PlaceChat(bot.ChatID(id), c.ShopID, c.Labels)
}

type memberView struct {
	UserID    string     `json:"user_id"`
	Kind      string     `json:"kind" enum:"customer,staff"`
	Name      string     `json:"name"`
	UnionID   *string    `json:"union_id"`
	JoinedAt  *time.Time `json:"joined_at"`
	JoinScene *string    `json:"join_scene" doc:"invited, link or qr"`
	State     *string    `json:"state"`
	Inviter   *string    `json:"inviter"`
	InviterBy string     `json:"inviter_by" enum:"state,invitor,contact_state,none"`
	Referrer  *string    `json:"referrer" doc:"the customer whose personal code led here"`
	Ordinal   *int       `json:"ordinal"`
	LeftAt    *time.Time `json:"left_at"`
	LeftHow   *string    `json:"left_how" doc:"left, removed or unknown"`
}

func (s *server) viewMember(m store.Stint) memberView {
	return memberView{
		UserID: m.UserID, Kind: m.Kind, Name: m.Name, UnionID: text(m.UnionID), JoinedAt: s.stamp(m.JoinedAt),
		JoinScene: text(m.JoinScene), State: text(m.State), Inviter: text(m.Inviter), InviterBy: m.InviterBy, Referrer: text(m.Referrer),
		Ordinal: m.Ordinal, LeftAt: s.stamp(m.LeftAt), LeftHow: text(m.LeftHow),
	}
}

func (s *server) members() {
	type filter struct {
		Page
		ChatID string `path:"chat_id"`
		Status string `query:"status" default:"present" enum:"present,left,all"`
	}
	huma.Register(s.api, op(http.MethodGet, "/groups/{chat_id}/members", "stays in a group, oldest join first", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[memberView]], error) {
		after, err := in.words(2)
		if err != nil {
			return nil, err
		}
		f := store.StintFilter{Chat: bot.ChatID(in.ChatID), Status: in.Status, AfterUser: after[1], Limit: in.Limit + 1}
		if after[0] != "" {
			at, err := strconv.ParseInt(after[0], 10, 64)
			if err != nil {
				return nil, badCursor()
			}
			f.AfterJoined = time.UnixMilli(at)
		}
		r := s.Store.Read(ctx)
		if _, err := r.Chat(f.Chat); err != nil {
			return nil, s.fail(ctx, err)
		}
		rows, err := r.Stints(f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewMember, func(m store.Stint) string {
			return wordsCursor(strconv.FormatInt(m.JoinedAt.UnixMilli(), 10), m.UserID)
		}), nil
	})
}

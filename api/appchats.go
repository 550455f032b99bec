package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
	"xiaobu/store"
)

type appChatView struct {
	ChatID   string     `json:"chat_id"`
	Name     string     `json:"name"`
	Owner    string     `json:"owner"`
	Members  []string   `json:"members" nullable:"false"`
	LookedAt *time.Time `json:"looked_at" doc:"when it was last read; nothing calls back, so it is read every ten minutes"`
	Problem  *string    `json:"problem" doc:"why the last read failed"`
}

func (s *server) viewAppChat(c store.AppChat) appChatView {
	return appChatView{c.ChatID, c.Name, c.Owner, c.Members, s.stamp(c.LookedAt), text(c.Problem)}
}

// appChats keeps the chats of the app that are looked after.
func (s *server) appChats() {
	type path struct {
		ID string `path:"chat_id"`
	}
	huma.Register(s.api, op(http.MethodGet, "/app-chats", "chats of the app that are looked after", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[appChatView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).AppChats(after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewAppChat, func(c store.AppChat) string { return wordsCursor(c.ChatID) }), nil
	})
	put := op(http.MethodPut, "/app-chats/{chat_id}", "look after a chat that the app made", http.StatusOK)
	put.Description = "WeCom has no list of them. A case that is opened by hand in such a chat makes it known by itself."
	huma.Register(s.api, put, func(ctx context.Context, in *path) (*result[appChatView], error) {
		c, err := s.Moderation.AddAppChat(ctx, bot.ChatID(in.ID))
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewAppChat(c)), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/app-chats/{chat_id}", "look after it no longer", http.StatusNoContent), func(ctx context.Context, in *path) (*none, error) {
		if err := s.Store.Tx(ctx, func(tx *store.Tx) error { return tx.DropAppChat(bot.ChatID(in.ID)) }); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
}

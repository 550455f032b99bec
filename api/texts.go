package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type textBody struct {
	Name        string           `json:"name" example:"早安"`
	Category    string           `json:"category,omitempty" example:"秒杀"`
	Text        string           `json:"text,omitempty" maxLength:"20000" doc:"with the placeholders of promotions"`
	Attachments []attachmentBody `json:"attachments,omitempty" maxItems:"50"`
}

func (b textBody) phrase(id int64) store.Phrase {
	return store.Phrase{ID: id, Name: b.Name, Category: b.Category, Text: b.Text, Attachments: messageBody{Attachments: b.Attachments}.message().Attachments}
}

type textView struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Category    string           `json:"category"`
	Text        string           `json:"text"`
	Attachments []attachmentBody `json:"attachments" nullable:"false"`
	CreatedAt   *time.Time       `json:"created_at"`
	UpdatedAt   *time.Time       `json:"updated_at"`
}

func (s *server) viewText(p store.Phrase) textView {
	return textView{ID: idString(p.ID), Name: p.Name, Category: p.Category, Text: p.Text, Attachments: viewAttachments(p.Attachments),
		CreatedAt: s.stamp(p.CreatedAt), UpdatedAt: s.stamp(p.UpdatedAt)}
}

func (s *server) phrase(ctx context.Context, id string) (store.Phrase, error) {
	return byID(id, s.Store.Read(ctx).Phrase)
}

// texts registers the library of texts (话术).
func (s *server) texts() {
	type create struct {
		Keyed
		Body textBody
	}
	type change struct {
		ID   string `path:"id"`
		Body textBody
	}
	type filter struct {
		Page
		Category string `query:"category" doc:"left out: all"`
	}
	huma.Register(s.api, op(http.MethodPost, "/texts", "keep a text that promotions can take over", http.StatusCreated), func(ctx context.Context, in *create) (*result[textView], error) {
		p, err := once(ctx, s, "POST /texts", in.Keyed, in.Body, func(remember handlers.Remember) (store.Phrase, error) {
			return s.Phrases.Add(ctx, in.Body.phrase(0), remember)
		}, func(id string) (store.Phrase, error) { return s.phrase(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewText(p)), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/texts", "list the texts of the library", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[textView]], error) {
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.Phrase, error) {
			return s.Store.Read(ctx).Phrases(in.Category, after, limit)
		}, s.viewText, func(p store.Phrase) int64 { return p.ID })
	})
	huma.Register(s.api, op(http.MethodGet, "/texts/{id}", "one text of the library", http.StatusOK), func(ctx context.Context, in *oneID) (*result[textView], error) {
		p, err := s.phrase(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewText(p)), nil
	})
	huma.Register(s.api, op(http.MethodPut, "/texts/{id}", "write what it says from now on; promotions that took it over keep what it said", http.StatusOK), func(ctx context.Context, in *change) (*result[textView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		p, err := s.Phrases.Change(ctx, in.Body.phrase(id))
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewText(p)), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/texts/{id}", "forget a text", http.StatusNoContent), s.dropping(s.Phrases.Delete))
}

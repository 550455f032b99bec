package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/promotions"
	"xiaobu/store"
)

// promotionChanges offers what people do with a promotion that is written already, and what
// they did.
func (s *server) promotionChanges() {
	s.editPromotion()
	s.copyPromotion()
	s.decidePromotion()
	s.promotionHistory()
}

// PromotionBody has the name that huma needs to look into what is embedded.
type PromotionBody = promotionBody

func (s *server) editPromotion() {
	type promotionEdit struct {
		ID   string `path:"id"`
		Body struct {
			PromotionBody
			Version int64 `json:"version,omitempty" minimum:"1" doc:"the version that was read before; refused with 409 when there is a newer one. Left out: whatever it is by now"`
		}
	}
	put := op(http.MethodPut, "/promotions/{id}", "write it anew", http.StatusOK)
	put.Description = "The whole promotion, as it is posted. Occurrences that are under way go on as they were planned. Where a second person has to agree, " +
		"it is proposed again and not posted until then; one that is paused stays so."
	huma.Register(s.api, put, func(ctx context.Context, in *promotionEdit) (*result[promotionView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		spec, err := s.spec(ctx, in.Body.PromotionBody)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		p, err := s.Promotions.As(in.Body.By).Edit(ctx, id, in.Body.Version, spec)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.answerPromotion(ctx, p)
	})
}

func (s *server) copyPromotion() {
	type promotionCopy struct {
		Keyed
		ID   string `path:"id"`
		Body *struct {
			Name string `json:"name,omitempty" doc:"left out: the other's with (副本) behind it"`
			By   string `json:"by,omitempty" doc:"who does this; left out: api"`
		}
	}
	huma.Register(s.api, bare(op(http.MethodPost, "/promotions/{id}/copy", "make a new one like it, paused", http.StatusCreated)), func(ctx context.Context, in *promotionCopy) (*result[promotionView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		var name, by string
		if in.Body != nil {
			name, by = in.Body.Name, in.Body.By
		}
		p, err := once(ctx, s, "POST /promotions/"+idString(id)+"/copy", in.Keyed, in.Body, func(remember handlers.Remember) (store.Promotion, error) {
			return s.Promotions.As(by).Copy(ctx, id, name, remember)
		}, func(made string) (store.Promotion, error) { return s.promotion(ctx, made) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.answerPromotion(ctx, p)
	})
}

func (s *server) decidePromotion() {
	type promotionDecision struct {
		ID   string `path:"id"`
		Body struct {
			By      string `json:"by" doc:"who decides" example:"ben"`
			Note    string `json:"note,omitempty"`
			Version int64  `json:"version,omitempty" minimum:"1" doc:"the version that was looked at; refused with 409 when there is a newer one. Left out: whatever it is by now"`
		}
	}
	for _, c := range []struct {
		name, summary string
		do            func(*promotions.Planner, context.Context, int64, promotions.Decision) (store.Promotion, error)
	}{
		{"approve", "somebody else than who wrote it agrees: it may be posted", (*promotions.Planner).Approve},
		{"reject", "it is not posted as it is; it may be written anew", (*promotions.Planner).Reject},
	} {
		huma.Register(s.api, op(http.MethodPost, "/promotions/{id}/"+c.name, c.summary, http.StatusOK), func(ctx context.Context, in *promotionDecision) (*result[promotionView], error) {
			id, err := idOf(in.ID)
			if err != nil {
				return nil, err
			}
			p, err := c.do(s.Promotions.As(in.Body.By), ctx, id, promotions.Decision{Version: in.Body.Version, Note: in.Body.Note})
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return s.answerPromotion(ctx, p)
		})
	}
}

type fieldChange struct {
	Field string `json:"field" example:"products[1].price_fen"`
	From  any    `json:"from" doc:"what it was; of a list of words or numbers, those that went; null: nothing"`
	To    any    `json:"to" doc:"what it is; of a list of words or numbers, those that came; null: nothing"`
}

type changeView struct {
	ID      string        `json:"id"`
	At      *time.Time    `json:"at"`
	By      string        `json:"by" doc:"api: nobody was named; schedule: it has no time left"`
	What    string        `json:"what" enum:"created,copied,edited,approved,rejected,paused,resumed,run,ended,withdrawn"`
	Version int64         `json:"version" doc:"of the promotion afterwards"`
	Note    *string       `json:"note"`
	Fields  []fieldChange `json:"fields" nullable:"false" doc:"what an edit changed"`
}

func (s *server) promotionHistory() {
	type filter struct {
		Page
		ID string `path:"id"`
	}
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/changes", "what happened to it, oldest first: who, when and what", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[changeView]], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		r := s.Store.Read(ctx)
		rows, err := r.PromotionChanges(p.ID, after, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		views, err := s.viewChanges(r, rows)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(views, in.Limit, func(v changeView) changeView { return v }, func(v changeView) string { return v.ID }), nil
	})
}

// viewChanges tells what each edit changed, against the version before.
func (s *server) viewChanges(r store.Reader, rows []store.PromotionChange) ([]changeView, error) {
	var before *store.PromotionSpec
	views := make([]changeView, len(rows))
	for i, c := range rows {
		views[i] = changeView{ID: idString(c.ID), At: s.stamp(c.At), By: c.Who, What: c.What, Version: c.Version, Note: text(c.Note), Fields: []fieldChange{}}
		if c.What == store.ChangeEdited {
			if before == nil {
				last, err := r.PromotionVersion(c.PromotionID, c.Version-1)
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return nil, err
				}
				before = last.Spec
			}
			if before != nil && c.Spec != nil {
				fields, err := promotions.Differences(*before, *c.Spec)
				if err != nil {
					return nil, err
				}
				for _, f := range fields {
					views[i].Fields = append(views[i].Fields, fieldChange(f))
				}
			}
		}
		if c.Spec != nil {
			before = c.Spec
		}
	}
	return views, nil
}

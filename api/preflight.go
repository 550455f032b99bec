package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

type findingView struct {
	Code   string `json:"code" example:"quota"`
	Level  string `json:"level" enum:"red,yellow" doc:"red: pointless or impossible; yellow: somebody should look at it"`
	Stops  bool   `json:"stops" doc:"the message cannot go out: the occurrence will be skipped, and run answers 409 unless it is forced"`
	Field  string `json:"field,omitempty" doc:"of the promotion"`
	ChatID string `json:"chat_id,omitempty" doc:"where it is about one group"`
	Owner  string `json:"owner,omitempty" doc:"where it is about one owner"`
	Store  string `json:"store,omitempty" doc:"where it is about one store"`
	Count  int64  `json:"count" doc:"groups, owners or things, as the text says"`
	Text   string `json:"text" doc:"what is wrong and what to do, in Chinese"`
	TextEN string `json:"text_en"`
}

type preflightView struct {
	At        *time.Time    `json:"at" doc:"the moment that it is about"`
	CheckedAt *time.Time    `json:"checked_at"`
	Verdict   string        `json:"verdict" enum:"green,yellow,red" doc:"the gravest level of the findings"`
	Findings  []findingView `json:"findings" nullable:"false"`
}

func (s *server) viewPreflight(f store.Preflight) preflightView {
	v := preflightView{At: s.stamp(f.At), CheckedAt: s.stamp(f.CheckedAt), Verdict: f.Verdict, Findings: []findingView{}}
	for _, found := range f.Findings {
		v.Findings = append(v.Findings, findingView(found))
	}
	return v
}

// promotionViewer shows promotions together with what was found before their next slot.
func (s *server) promotionViewer(ctx context.Context, rows []store.Promotion) (func(store.Promotion) promotionView, error) {
	ids := make([]int64, len(rows))
	for i, p := range rows {
		ids[i] = p.ID
	}
	looks, err := s.Store.Read(ctx).Preflights(ids)
	return func(p store.Promotion) promotionView {
		v := s.viewPromotion(p)
		if f, ok := looks[p.ID]; ok && !p.NextAt.IsZero() {
			look := s.viewPreflight(f)
			v.Preflight = &look
		}
		return v
	}, err
}

func (s *server) answerPromotion(ctx context.Context, p store.Promotion) (*result[promotionView], error) {
	view, err := s.promotionViewer(ctx, []store.Promotion{p})
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return answer(view(p)), nil
}

func (s *server) preflights() {
	type ask struct {
		At   time.Time `query:"at" doc:"a moment; left out: the promotion's next time"`
		Body promotionBody
	}
	huma.Register(s.api, op(http.MethodPost, "/promotions/preflight", "what would be wrong with a promotion, without making it; its links are asked for", http.StatusOK), func(ctx context.Context, in *ask) (*result[preflightView], error) {
		spec, err := s.spec(ctx, in.Body)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		f, err := s.Promotions.PreflightSpec(ctx, spec, in.At)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewPreflight(f)), nil
	})
	type filter struct {
		ID string    `path:"id"`
		At time.Time `query:"at" doc:"a moment; left out: its next time"`
	}
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/preflight", "what is wrong with a promotion, looked at afresh; its links are asked for", http.StatusOK), func(ctx context.Context, in *filter) (*result[preflightView], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		f, err := s.Promotions.Preflight(ctx, p, in.At)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewPreflight(f)), nil
	})
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type costView struct {
	Joins         int   `json:"joins" doc:"joins that earned, whatever became of them"`
	Fen           int64 `json:"fen" doc:"held, payable and paid"`
	HeldFen       int64 `json:"held_fen" doc:"the part of fen that a leave may still void"`
	VoidFen       int64 `json:"void_fen"`
	ClawedBackFen int64 `json:"clawed_back_fen"`
	RefusedJoins  int   `json:"refused_joins" doc:"refused by the budget"`
	RefusedFen    int64 `json:"refused_fen"`
}

// besideView is what a part of the month did cost and would have cost.
type besideView struct {
	Name       string   `json:"name" doc:"of the override, the store (its id) or the staff; empty: the rule itself, groups without a store"`
	Was        costView `json:"was"`
	Would      costView `json:"would"`
	Difference int64    `json:"difference_fen" doc:"how much more it would have cost"`
}

type tierCost struct {
	Override string   `json:"override" doc:"empty: the rule itself"`
	Tier     tierBody `json:"tier"`
	Would    costView `json:"would"`
}

type previewView struct {
	Period   string       `json:"period"`
	From     *time.Time   `json:"from"`
	To       *time.Time   `json:"to"`
	Joins    int          `json:"joins" doc:"joins of customers, whether they earned or not"`
	Total    besideView   `json:"total"`
	ByTier   []tierCost   `json:"by_tier" nullable:"false"`
	ByTerms  []besideView `json:"by_override" nullable:"false"`
	ByStore  []besideView `json:"by_store" nullable:"false"`
	Gain     []besideView `json:"gain" nullable:"false" doc:"the ten staff who would have gained most"`
	Lose     []besideView `json:"lose" nullable:"false" doc:"the ten staff who would have lost most"`
	Notes    []string     `json:"notes" nullable:"false" doc:"what the figures do not know"`
	Warnings []string     `json:"warnings" nullable:"false" doc:"what is allowed but may not be meant"`
}

func viewBeside(b handlers.Beside) besideView {
	return besideView{Name: b.Name, Was: costView(b.Was), Would: costView(b.Would), Difference: b.Difference()}
}

func viewBesides(parts []handlers.Beside) []besideView {
	out := []besideView{}
	for _, b := range parts {
		out = append(out, viewBeside(b))
	}
	return out
}

func (s *server) viewPreview(p handlers.Preview) previewView {
	v := previewView{Period: p.Period, From: s.stamp(p.From), To: s.stamp(p.To), Joins: p.Joins, Total: viewBeside(p.Total), ByTier: []tierCost{},
		ByTerms: viewBesides(p.Terms), ByStore: viewBesides(p.Stores), Gain: viewBesides(p.Gain), Lose: viewBesides(p.Lose), Notes: append([]string{}, p.Notes...)}
	for _, t := range p.Tiers {
		v.ByTier = append(v.ByTier, tierCost{Override: t.Terms, Tier: viewTiers([]store.Tier{t.Step})[0], Would: costView(t.Cost)})
	}
	return v
}

type previewBody struct {
	RuleTerms
	Period string `json:"period,omitempty" example:"2026-11" doc:"left out: the last month that ended"`
}

func (s *server) rulePreview() {
	type ask struct{ Body previewBody }
	huma.Register(s.api, op(http.MethodPost, "/rewards/rule/preview", "what a month would have cost under a candidate, whatever its effective_from", http.StatusOK), func(ctx context.Context, in *ask) (*result[previewView], error) {
		rule, err := in.Body.rule(s.Now())
		if err != nil {
			return nil, err
		}
		p, err := s.Rewards.PreviewRule(ctx, rule, in.Body.Period)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		v := s.viewPreview(p)
		if v.Warnings, err = s.Rewards.Warnings(ctx, rule); err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(v), nil
	})
}

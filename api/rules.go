package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type tierBody struct {
	UpTo *int  `json:"up_to,omitempty" minimum:"1" doc:"the last ordinal of this step; left out in the last step"`
	Fen  int64 `json:"fen" minimum:"0"`
}

type overrideBody struct {
	Name     string     `json:"name" doc:"unique in its rule" example:"新店"`
	Stores   []string   `json:"stores,omitempty" doc:"ids of stores whose groups it covers"`
	Labels   []string   `json:"labels,omitempty" doc:"it also covers the groups with one of these labels"`
	Tiers    []tierBody `json:"tiers" minItems:"1" maxItems:"20"`
	Hold     string     `json:"hold,omitempty" doc:"left out: as the rule says"`
	Clawback string     `json:"clawback,omitempty" doc:"left out: as the rule says"`
}

type budgetBody struct {
	Fen int64  `json:"fen" minimum:"1" doc:"what the joins of one month may earn within the scope"`
	Per string `json:"per" enum:"corp,store,staff"`
}

// RuleTerms is what whoever puts a rule, or asks what it would cost, says of it.
type RuleTerms struct {
	EffectiveFrom *time.Time     `json:"effective_from,omitempty" doc:"left out: now"`
	Tiers         []tierBody     `json:"tiers" minItems:"1" maxItems:"20"`
	Hold          string         `json:"hold,omitempty" doc:"how long a reward waits, such as 168h; left out: 168h"`
	Clawback      string         `json:"clawback,omitempty" doc:"how long after the hold a leave still takes it back; left out: 0s"`
	OncePer       string         `json:"once_per,omitempty" enum:"corp,store,group" doc:"left out: corp"`
	Overrides     []overrideBody `json:"overrides,omitempty" doc:"other terms for some stores or labels; the first that covers a group holds"`
	Budget        *budgetBody    `json:"budget,omitempty" doc:"a month's cap; left out: none"`
	Note          string         `json:"note,omitempty" doc:"why it is put"`
	By            string         `json:"by,omitempty" doc:"who puts it"`
}

type ruleBody struct {
	Version string `json:"version,omitempty" readOnly:"true" doc:"given by the server"`
	RuleTerms
	Status    string     `json:"status,omitempty" readOnly:"true" doc:"in_force, pending (its date is to come), ended, or replaced (a later version took all of its time)"`
	Until     *time.Time `json:"in_force_until,omitempty" readOnly:"true" doc:"when a later version takes over; absent: no end is known"`
	CreatedAt *time.Time `json:"created_at,omitempty" readOnly:"true"`
	Warnings  []string   `json:"warnings,omitempty" readOnly:"true" doc:"what is allowed but may not be meant"`
}

// rule turns the body into a rule; the features judge the rest.
func (b RuleTerms) rule(now time.Time) (store.Rule, error) {
	r := store.Rule{EffectiveFrom: now.Truncate(time.Second), Tiers: tiersOf(b.Tiers), OncePer: b.OncePer, Note: b.Note, By: b.By}
	if b.EffectiveFrom != nil {
		r.EffectiveFrom = *b.EffectiveFrom
	}
	if r.OncePer == "" {
		r.OncePer = handlers.OncePerCorp
	}
	if b.Budget != nil {
		r.Budget = &store.Budget{Fen: b.Budget.Fen, Per: b.Budget.Per}
	}
	for i, o := range b.Overrides {
		field := fmt.Sprintf("overrides[%d].", i)
		over := store.Override{Name: o.Name, Stores: o.Stores, Labels: o.Labels, Tiers: tiersOf(o.Tiers)}
		var err error
		if over.HoldMS, err = span(field+"hold", o.Hold); err != nil {
			return r, err
		}
		if over.ClawbackMS, err = span(field+"clawback", o.Clawback); err != nil {
			return r, err
		}
		r.Overrides = append(r.Overrides, over)
	}
	hold, err := duration("hold", b.Hold, 168*time.Hour)
	if err != nil {
		return r, err
	}
	clawback, err := duration("clawback", b.Clawback, 0)
	r.HoldMS, r.ClawbackMS = hold.Milliseconds(), clawback.Milliseconds()
	return r, err
}

func tiersOf(bodies []tierBody) []store.Tier {
	var out []store.Tier
	for _, t := range bodies {
		tier := store.Tier{Fen: t.Fen}
		if t.UpTo != nil {
			tier.UpTo = *t.UpTo
		}
		out = append(out, tier)
	}
	return out
}

func duration(field, v string, otherwise time.Duration) (time.Duration, error) {
	if v == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		return 0, huma.Error422UnprocessableEntity(field+" is no duration", &huma.ErrorDetail{Message: "want a duration such as 168h or 90m", Location: "body." + field})
	}
	return d, nil
}

// span is a duration in milliseconds, nil when it is left out.
func span(field, v string) (*int64, error) {
	d, err := duration(field, v, -1)
	if err != nil || v == "" {
		return nil, err
	}
	ms := d.Milliseconds()
	return &ms, nil
}

// short writes a duration without the parts that are zero: 168h, 1h30m, 0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (s *server) viewRule(r store.RuleSpan) ruleBody {
	b := ruleBody{Version: idString(r.Version), Status: spanStatus(r, s.Now()), Until: s.stamp(r.Until), CreatedAt: s.stamp(r.CreatedAt)}
	b.RuleTerms = RuleTerms{EffectiveFrom: s.stamp(r.EffectiveFrom), Tiers: viewTiers(r.Tiers), Hold: short(r.Hold()), Clawback: short(r.Clawback()),
		OncePer: r.OncePer, Note: r.Note, By: r.By}
	if r.Budget != nil {
		b.Budget = &budgetBody{Fen: r.Budget.Fen, Per: r.Budget.Per}
	}
	for _, o := range r.Overrides {
		b.Overrides = append(b.Overrides, overrideBody{Name: o.Name, Stores: o.Stores, Labels: o.Labels, Tiers: viewTiers(o.Tiers),
			Hold: shortMS(o.HoldMS), Clawback: shortMS(o.ClawbackMS)})
	}
	return b
}

func shortMS(ms *int64) string {
	if ms == nil {
		return ""
	}
	return short(time.Duration(*ms) * time.Millisecond)
}

func viewTiers(tiers []store.Tier) []tierBody {
	var out []tierBody
	for _, t := range tiers {
		tier := tierBody{Fen: t.Fen}
		if t.UpTo > 0 {
			tier.UpTo = &t.UpTo
		}
		out = append(out, tier)
	}
	return out
}

func spanStatus(r store.RuleSpan, now time.Time) string {
	switch {
	case !r.Until.IsZero() && !r.EffectiveFrom.Before(r.Until):
		return "replaced"
	case now.Before(r.EffectiveFrom):
		return "pending"
	case !r.Until.IsZero() && !now.Before(r.Until):
		return "ended"
	}
	return "in_force"
}

func (s *server) rewardRule() {
	type put struct {
		Keyed
		Body ruleBody
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/rule", "the newest version of the reward rule", http.StatusOK), func(ctx context.Context, _ *none) (*result[ruleBody], error) {
		spans, err := s.Store.Read(ctx).RuleSpans(0, 1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewRule(spans[0])), nil // the first day's rule is always there
	})
	huma.Register(s.api, op(http.MethodPut, "/rewards/rule", "a new version of the reward rule", http.StatusOK), func(ctx context.Context, in *put) (*result[ruleBody], error) {
		v, err := once(ctx, s, "PUT /rewards/rule", in.Keyed, in.Body, func(remember handlers.Remember) (ruleBody, error) {
			rule, err := in.Body.rule(s.Now())
			if err != nil {
				return ruleBody{}, err
			}
			if rule, err = s.Rewards.PutRule(ctx, rule, remember); err != nil {
				return ruleBody{}, err
			}
			return s.ruleVersion(ctx, idString(rule.Version))
		}, func(version string) (ruleBody, error) { return s.ruleVersion(ctx, version) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(v), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/rewards/rules", "all versions of the reward rule, newest first", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[ruleBody]], error) {
		before, err := in.number()
		if err != nil {
			return nil, err
		}
		spans, err := s.Store.Read(ctx).RuleSpans(before, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(spans, in.Limit, s.viewRule, func(r store.RuleSpan) string { return idString(r.Version) }), nil
	})
	s.rulePreview()
}

// ruleVersion shows a version that was just put, with what may not be meant.
func (s *server) ruleVersion(ctx context.Context, version string) (ruleBody, error) {
	n, err := idOf(version)
	if err != nil {
		return ruleBody{}, err
	}
	spans, err := s.Store.Read(ctx).RuleSpans(n+1, 1)
	if err != nil {
		return ruleBody{}, err
	}
	v := s.viewRule(spans[0])
	v.Warnings, err = s.Rewards.Warnings(ctx, spans[0].Rule)
	return v, err
}

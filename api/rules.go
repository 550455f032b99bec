package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

type ruleBody struct {
	Version       string     `json:"version,omitempty" readOnly:"true" doc:"given by the server"`
	EffectiveFrom *time.Time `json:"effective_from,omitempty" doc:"left out: now"`
	Tiers         []tierBody `json:"tiers" minItems:"1" maxItems:"20"`
	Hold          string     `json:"hold,omitempty" doc:"how long a reward waits, such as 168h; left out: 168h"`
	Clawback      string     `json:"clawback,omitempty" doc:"how long after the hold a leave still takes it back; left out: 0s"`
	OncePer       string     `json:"once_per,omitempty" enum:"corp,store,group" doc:"left out: corp"`
}

type tierBody struct {
	UpTo *int  `json:"up_to,omitempty" minimum:"1" doc:"the last ordinal of this step; left out in the last step"`
	Fen  int64 `json:"fen" minimum:"0"`
}

// rule turns the body into a rule; the features judge the rest.
func (b ruleBody) rule(now time.Time) (store.Rule, error) {
	r := store.Rule{EffectiveFrom: now.Truncate(time.Second), OncePer: b.OncePer}
	if b.EffectiveFrom != nil {
		r.EffectiveFrom = *b.EffectiveFrom
	}
	if r.OncePer == "" {
		r.OncePer = "corp"
	}
	for _, t := range b.Tiers {
		tier := store.Tier{Fen: t.Fen}
		if t.UpTo != nil {
			tier.UpTo = *t.UpTo
		}
		r.Tiers = append(r.Tiers, tier)
	}
	hold, err := duration("hold", b.Hold, 168*time.Hour)
	if err != nil {
		return r, err
	}
	clawback, err := duration("clawback", b.Clawback, 0)
	r.HoldMS, r.ClawbackMS = hold.Milliseconds(), clawback.Milliseconds()
	return r, err
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

func (s *server) viewRule(r store.Rule) ruleBody {
	b := ruleBody{Version: idString(r.Version), EffectiveFrom: s.stamp(r.EffectiveFrom), Hold: short(r.Hold()), Clawback: short(r.Clawback()), OncePer: r.OncePer}
	for _, t := range r.Tiers {
		tier := tierBody{Fen: t.Fen}
		if t.UpTo > 0 {
			tier.UpTo = &t.UpTo
		}
		b.Tiers = append(b.Tiers, tier)
	}
	return b
}

func (s *server) rewardRule() {
	type put struct{ Body ruleBody }
	huma.Register(s.api, op(http.MethodGet, "/rewards/rule", "the newest version of the reward rule", http.StatusOK), func(ctx context.Context, _ *none) (*result[ruleBody], error) {
		r, err := s.Store.Read(ctx).LastRule()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewRule(r)), nil
	})
	huma.Register(s.api, op(http.MethodPut, "/rewards/rule", "a new version of the reward rule", http.StatusOK), func(ctx context.Context, in *put) (*result[ruleBody], error) {
		rule, err := in.Body.rule(s.Now())
		if err != nil {
			return nil, err
		}
		if rule, err = s.Rewards.PutRule(ctx, rule); err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewRule(rule)), nil
	})
}

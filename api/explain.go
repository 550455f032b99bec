package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
)

type explanation struct {
	Decision string     `json:"decision" enum:"rewarded,not_rewarded"`
	Reason   string     `json:"reason" enum:"rewarded,no_inviter,not_customer,not_new,before_effective,left_early"`
	Evidence []string   `json:"evidence" nullable:"false"`
	Stay     memberView `json:"stay"`
	Entry    *entryView `json:"entry"`
}

func (s *server) explain() {
	type filter struct {
		ChatID string `query:"chat_id" required:"true" maxLength:"128"`
		Member string `query:"member" required:"true" maxLength:"128"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/explain", "why a join earned or did not", http.StatusOK), func(ctx context.Context, in *filter) (*result[explanation], error) {
		x, err := s.Rewards.Explain(ctx, bot.ChatID(in.ChatID), bot.MemberID(in.Member), s.Zone)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		v := explanation{Decision: x.Decision, Reason: x.Reason, Evidence: x.Evidence, Stay: s.viewMember(x.Stint)}
		if x.Entry != nil {
			e := s.viewEntry(*x.Entry)
			v.Entry = &e
		}
		return answer(v), nil
	})
}

package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
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

type entryView struct {
	ID          string     `json:"id"`
	Staff       string     `json:"staff"`
	ChatID      string     `json:"chat_id"`
	Member      string     `json:"member"`
	Ordinal     int        `json:"ordinal"`
	AmountFen   int64      `json:"amount_fen"`
	RuleVersion string     `json:"rule_version"`
	Status      string     `json:"status" enum:"held,payable,void,clawed_back,paid"`
	EarnedAt    *time.Time `json:"earned_at"`
	DueAt       *time.Time `json:"due_at"`
	SettledAt   *time.Time `json:"settled_at"`
	Reason      string     `json:"reason"`
}

func (s *server) viewEntry(e store.Entry) entryView {
	return entryView{ID: idString(e.ID), Staff: e.Staff, ChatID: e.ChatID, Member: e.Member, Ordinal: e.Ordinal, AmountFen: e.AmountFen,
		RuleVersion: idString(e.RuleVersion), Status: e.Status, EarnedAt: s.stamp(e.EarnedAt), DueAt: s.stamp(e.DueAt),
		SettledAt: s.stamp(e.SettledAt), Reason: e.Reason}
}

func (s *server) rewards() {
	s.rewardRule()
	type filter struct {
		Page
		Staff  string    `query:"staff" maxLength:"64"`
		ChatID string    `query:"chat_id" maxLength:"128"`
		Member string    `query:"member" maxLength:"128"`
		Status string    `query:"status" enum:"held,payable,void,clawed_back,paid"`
		From   time.Time `query:"from" doc:"earned at or after"`
		To     time.Time `query:"to" doc:"earned before"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/entries", "joins that earned", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[entryView]], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Entries(store.EntryFilter{Staff: in.Staff, ChatID: in.ChatID, Member: in.Member, Status: in.Status,
			From: in.From, To: in.To, Cursor: after, Limit: in.Limit + 1})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewEntry, func(e store.Entry) string { return idString(e.ID) }), nil
	})
	s.statement()
	s.explain()
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

type statementView struct {
	Staff         string `json:"staff"`
	Joins         int64  `json:"joins" doc:"joins that earned, whatever became of them"`
	HeldFen       int64  `json:"held_fen"`
	PayableFen    int64  `json:"payable_fen"`
	VoidFen       int64  `json:"void_fen"`
	ClawedBackFen int64  `json:"clawed_back_fen"`
	PaidFen       int64  `json:"paid_fen"`
}

func (s *server) statement() {
	type filter struct {
		Page
		Period string `query:"period" required:"true" example:"2026-11" doc:"a month"`
		Staff  string `query:"staff" maxLength:"64"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/statement", "what staff earned in a month", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[statementView]], error) {
		from, to, err := s.period(in.Period, "query.period")
		if err != nil {
			return nil, err
		}
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		lines, err := s.Store.Read(ctx).Statement(store.StatementFilter{From: from, To: to, Staff: in.Staff, After: after[0], Limit: in.Limit + 1})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		view := func(l store.StatementLine) statementView { return statementView(l) }
		return paged(lines, in.Limit, view, func(l store.StatementLine) string { return wordsCursor(l.Staff) }), nil
	})
}

// period reads a month in the configured zone.
func (s *server) period(v, at string) (from, to time.Time, err error) {
	from, err = time.ParseInLocation("2006-01", v, s.Zone)
	if err != nil {
		return from, to, huma.Error422UnprocessableEntity(fmt.Sprintf("period %q is no month", v),
			&huma.ErrorDetail{Message: "want a month such as 2026-11", Location: at})
	}
	return from, from.AddDate(0, 1, 0), nil
}

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

package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
	"xiaobu/handlers"
	"xiaobu/store"
)

type explanation struct {
	Decision   string       `json:"decision" enum:"rewarded,not_rewarded"`
	Reason     string       `json:"reason" doc:"rewarded, no_inviter, not_customer, not_new, before_effective, left_early, over_budget or decided"`
	Evidence   []string     `json:"evidence" nullable:"false" doc:"the steps as sentences in the language that was asked for"`
	Stay       memberView   `json:"stay"`
	Entry      *entryView   `json:"entry"`
	Steps      []stepView   `json:"steps" nullable:"false" doc:"the facts in the order of the argument"`
	People     []personView `json:"people" nullable:"false" doc:"the customers who were in the group right after the join, in counting order, at most 600; a customer's own join is the last"`
	WhatIf     []whatIfView `json:"what_if" nullable:"false" doc:"what would have had to be different, and what the same judge would have said then"`
	OtherStays []memberView `json:"other_stays" nullable:"false" doc:"the person's other stays in this group, newest first; joined_at asks for one of them"`
}

// factsView is the ids, times and figures behind a sentence; what does not belong is left out.
type factsView struct {
	At          *time.Time `json:"at,omitempty"`
	EventID     string     `json:"event_id,omitempty" doc:"of a callback, as long as the inbox has it"`
	EventKey    string     `json:"event_key,omitempty"`
	ReceivedAt  *time.Time `json:"received_at,omitempty"`
	Duplicates  *int64     `json:"duplicates,omitempty" doc:"how often the callback came again"`
	Version     string     `json:"version,omitempty" doc:"of the member list that was read"`
	ChannelID   string     `json:"channel_id,omitempty"`
	Staff       string     `json:"staff,omitempty"`
	ChatID      string     `json:"chat_id,omitempty"`
	RuleVersion string     `json:"rule_version,omitempty"`
	Override    string     `json:"override,omitempty"`
	Ordinal     int        `json:"ordinal,omitempty"`
	People      int        `json:"people,omitempty"`
	AmountFen   *int64     `json:"amount_fen,omitempty"`
	Debit       string     `json:"debit,omitempty"`
	Credit      string     `json:"credit,omitempty"`
	Status      string     `json:"status,omitempty"`
	PayoutID    string     `json:"payout_id,omitempty"`
	By          string     `json:"by,omitempty" doc:"who decided"`
	Signal      string     `json:"signal,omitempty" doc:"the name of a sign that something is worth a look"`
}

type stepView struct {
	Kind string `json:"kind" doc:"callback, read, inviter, referrer, person, rule, scope, ordinal, amount, hold, flag, signal, decision, leave, transfer, payout or status"`
	ZH   string `json:"zh"`
	EN   string `json:"en"`
	factsView
}

type personView struct {
	UserID   string     `json:"user_id"`
	Name     string     `json:"name"`
	JoinedAt *time.Time `json:"joined_at"`
}

type whatIfView struct {
	Kinds    []string `json:"kinds" nullable:"false" doc:"what is different: stay_longer, first_stay, inviter, contact, customer, rule_in_force, budget, decision, release, ordinal, rule_version, other_inviter, leave; several only make the difference together"`
	ZH       string   `json:"zh"`
	EN       string   `json:"en"`
	Decision string   `json:"decision" enum:"rewarded,not_rewarded"`
	Reason   string   `json:"reason"`
	factsView
}

func (s *server) viewFacts(f handlers.Facts) factsView {
	v := factsView{At: s.stamp(f.At), EventKey: f.EventKey, EventID: idOrNone(f.EventID), ReceivedAt: s.stamp(f.Received), Version: f.Version,
		ChannelID: idOrNone(f.ChannelID), Staff: f.Staff, ChatID: f.ChatID, RuleVersion: idOrNone(f.Rule), Override: f.Override,
		Ordinal: f.Ordinal, People: f.People, Debit: f.Debit, Credit: f.Credit, Status: f.Status, PayoutID: idOrNone(f.Payout), By: f.By, Signal: f.Signal}
	if f.EventKey != "" {
		v.Duplicates = &f.Duplicates
	}
	if f.AmountFen != 0 {
		v.AmountFen = &f.AmountFen
	}
	return v
}

func idOrNone(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

func (s *server) viewExplanation(x handlers.Explanation, lang string) explanation {
	v := explanation{Decision: x.Decision, Reason: x.Reason, Evidence: x.Evidence(lang), Stay: s.viewMember(x.Stint)}
	if x.Entry != nil {
		e := s.viewEntry(*x.Entry)
		v.Entry = &e
	}
	v.Steps = mapped(x.Steps, func(st handlers.Step) stepView {
		return stepView{Kind: st.Kind, ZH: st.ZH, EN: st.EN, factsView: s.viewFacts(st.Facts)}
	})
	v.People = mapped(x.People, func(p store.Counted) personView {
		return personView{UserID: p.UserID, Name: p.Name, JoinedAt: s.stamp(p.JoinedAt)}
	})
	v.WhatIf = mapped(x.WhatIf, func(w handlers.WhatIf) whatIfView {
		return whatIfView{Kinds: w.Kinds, ZH: w.ZH, EN: w.EN, Decision: w.Decision, Reason: w.Reason, factsView: s.viewFacts(w.Facts)}
	})
	v.OtherStays = mapped(x.Others, s.viewMember)
	return v
}

// ViewExplanation is an explanation as /rewards/explain answers it, for other programs that
// write it as JSON.
func ViewExplanation(x handlers.Explanation, zone *time.Location, lang string) any {
	return (&server{Config: Config{Zone: zone}}).viewExplanation(x, lang)
}

func mapped[T, V any](rows []T, view func(T) V) []V {
	out := make([]V, len(rows))
	for i, row := range rows {
		out[i] = view(row)
	}
	return out
}

func (s *server) explain() {
	type filter struct {
		ChatID   string    `query:"chat_id" required:"true" maxLength:"128"`
		Member   string    `query:"member" required:"true" maxLength:"128"`
		JoinedAt time.Time `query:"joined_at" doc:"the stay that began then; left out: the latest"`
		Lang     string    `query:"lang" default:"zh" enum:"zh,en" doc:"of evidence"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/explain", "why a join earned or did not", http.StatusOK), func(ctx context.Context, in *filter) (*result[explanation], error) {
		x, err := s.Rewards.Explain(ctx, bot.ChatID(in.ChatID), bot.MemberID(in.Member), in.JoinedAt, s.Zone)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewExplanation(x, in.Lang)), nil
	})
}

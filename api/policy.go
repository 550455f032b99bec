package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/moderation"
	"xiaobu/store"
)

type ladderBody struct {
	Suspect []string `json:"suspect,omitempty" nullable:"false" doc:"what the first, second … suspect message of a person leads to: note, warn, remove or block; the last rung stays" example:"[\"note\",\"warn\"]"`
	Spam    []string `json:"spam,omitempty" nullable:"false" doc:"the same of spam" example:"[\"remove\",\"block\"]"`
}

type ticketsBody struct {
	Within string `json:"within,omitempty" doc:"how soon somebody has to take a complaint" example:"2h"`
}

// policyBody is what moderation goes by. What is left out of a group's settings is the company's,
// what is left out of those is as the program comes with.
type policyBody struct {
	ChatID        string             `json:"chat_id,omitempty" readOnly:"true"`
	Version       string             `json:"version,omitempty" readOnly:"true" doc:"0: what the program comes with"`
	Mode          string             `json:"mode,omitempty" enum:",off,dry,ask,act" doc:"off: nothing is judged; dry: judged and written down, nobody hears of it; ask: people are asked; act: the bot also removes where the platform lets it"`
	Review        *float64           `json:"review,omitempty" nullable:"true" doc:"the score from which on a message is suspect; null: the model's"`
	Removal       *float64           `json:"removal,omitempty" nullable:"true" doc:"the score from which on it is spam; null: the model's"`
	Checks        map[string]float64 `json:"checks,omitempty" doc:"the weight of each check of a person, as log-odds; 0: not looked at"`
	Ladder        ladderBody         `json:"ladder,omitzero"`
	StrikesExpire string             `json:"strikes_expire,omitempty" doc:"how long a strike counts" example:"720h"`
	Tickets       ticketsBody        `json:"tickets,omitzero"`
	By            string             `json:"by,omitempty" doc:"who changes it"`
	Note          string             `json:"note,omitempty"`
	CreatedAt     *time.Time         `json:"created_at,omitempty" readOnly:"true"`
	InForce       *policyInForce     `json:"in_force,omitempty" readOnly:"true"`
}

// policyInForce is what follows: everything is said.
type policyInForce struct {
	Mode          string             `json:"mode" enum:"off,dry,ask,act"`
	Review        float64            `json:"review"`
	Removal       float64            `json:"removal"`
	Checks        map[string]float64 `json:"checks"`
	Ladder        ladderBody         `json:"ladder"`
	StrikesExpire string             `json:"strikes_expire"`
	Tickets       ticketsBody        `json:"tickets"`
}

func (b policyBody) settings(chat string) (store.PolicyVersion, error) {
	v := store.PolicyVersion{ChatID: chat, By: b.By, Note: b.Note, Data: store.PolicySettings{Mode: b.Mode, Review: b.Review, Removal: b.Removal,
		Checks: b.Checks, Ladder: store.Ladder(b.Ladder)}}
	var err error
	if v.Data.StrikesExpireMS, err = milliseconds("strikes_expire", b.StrikesExpire); err == nil {
		v.Data.TicketsWithinMS, err = milliseconds("tickets.within", b.Tickets.Within)
	}
	return v, err
}

// milliseconds is a duration that is more than nothing; 0 where it is left out.
func milliseconds(field, v string) (int64, error) {
	d, err := duration(field, v, 0)
	if err == nil && v != "" && d < time.Millisecond {
		err = handlers.Invalidf(field, "is %s; want some time, such as 2h", d)
	}
	return d.Milliseconds(), err
}

// setDuration is a span of milliseconds as settings say it; empty where it is not set.
func setDuration(ms int64) string {
	if ms == 0 {
		return ""
	}
	return short(time.Duration(ms) * time.Millisecond)
}

func (s *server) viewPolicy(v store.PolicyVersion) policyBody {
	return policyBody{ChatID: v.ChatID, Version: idString(v.Version), Mode: v.Data.Mode, Review: v.Data.Review, Removal: v.Data.Removal,
		Checks: v.Data.Checks, Ladder: ladderBody(v.Data.Ladder), StrikesExpire: setDuration(v.Data.StrikesExpireMS),
		Tickets: ticketsBody{setDuration(v.Data.TicketsWithinMS)}, By: v.By, Note: v.Note, CreatedAt: s.stamp(v.CreatedAt)}
}

// viewSettings shows what was written. The company's settings say everything but thresholds that are the
// model's, a group's only what differs; both say what is in force.
func (s *server) viewSettings(v moderation.Settings) policyBody {
	p := v.InForce
	b := s.viewPolicy(v.PolicyVersion)
	b.InForce = &policyInForce{Mode: p.Mode, Review: p.Review, Removal: p.Removal, Checks: p.Checks, Ladder: ladderBody(p.Ladder),
		StrikesExpire: short(p.StrikesExpire), Tickets: ticketsBody{short(p.TicketsWithin)}}
	if v.ChatID == "" {
		b.Mode, b.Checks, b.Ladder, b.StrikesExpire, b.Tickets = p.Mode, p.Checks, ladderBody(p.Ladder), b.InForce.StrikesExpire, b.InForce.Tickets
	}
	return b
}

// GroupPath names the group whose settings are meant.
type GroupPath struct {
	ChatID string `path:"chat_id" maxLength:"128"`
}

func (s *server) policy() {
	type put struct{ Body policyBody }
	huma.Register(s.api, op(http.MethodGet, "/moderation/settings", "what moderation goes by in groups without settings of their own", http.StatusOK), func(ctx context.Context, _ *none) (*result[policyBody], error) {
		v, err := s.Moderation.Settings(ctx, "")
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewSettings(v)), nil
	})
	huma.Register(s.api, op(http.MethodPut, "/moderation/settings", "change it from the next message on; what is left out is as the program comes with", http.StatusOK), func(ctx context.Context, in *put) (*result[policyBody], error) {
		return s.putPolicy(ctx, "", in.Body)
	})
	s.groupPolicy()
	type versions struct {
		Page
		ChatID string `query:"chat_id" maxLength:"128" doc:"left out: the company's"`
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/settings/versions", "who changed settings when, newest first", http.StatusOK), func(ctx context.Context, in *versions) (*result[list[policyBody]], error) {
		return numbered(ctx, s, in.Page, func(before int64, limit int) ([]store.PolicyVersion, error) {
			return s.Store.Read(ctx).PolicyVersions(in.ChatID, before, limit)
		}, s.viewPolicy, func(v store.PolicyVersion) int64 { return v.Version })
	})
}

func (s *server) putPolicy(ctx context.Context, chat string, b policyBody) (*result[policyBody], error) {
	v, err := b.settings(chat)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out, err := s.Moderation.PutSettings(ctx, v)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return answer(s.viewSettings(out)), nil
}

func (s *server) groupPolicy() {
	huma.Register(s.api, op(http.MethodGet, "/moderation/settings/groups", "groups with settings of their own", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[policyBody]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).GroupPolicies(after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewPolicy, func(v store.PolicyVersion) string { return wordsCursor(v.ChatID) }), nil
	})
	huma.Register(s.api, op(http.MethodGet, "/moderation/settings/groups/{chat_id}", "in what a group differs from the company", http.StatusOK), func(ctx context.Context, in *GroupPath) (*result[policyBody], error) {
		v, err := s.Moderation.Settings(ctx, in.ChatID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewSettings(v)), nil
	})
	type put struct {
		GroupPath
		Body policyBody
	}
	huma.Register(s.api, op(http.MethodPut, "/moderation/settings/groups/{chat_id}", "say in what a group differs; what is left out is the company's", http.StatusOK), func(ctx context.Context, in *put) (*result[policyBody], error) {
		return s.putPolicy(ctx, in.ChatID, in.Body)
	})
	type drop struct {
		GroupPath
		By   string `query:"by" maxLength:"64"`
		Note string `query:"note" maxLength:"500"`
	}
	huma.Register(s.api, op(http.MethodDelete, "/moderation/settings/groups/{chat_id}", "have a group go by the company's settings again", http.StatusNoContent), func(ctx context.Context, in *drop) (*none, error) {
		if err := s.Moderation.DropSettings(ctx, store.PolicyVersion{ChatID: in.ChatID, By: in.By, Note: in.Note}); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
}

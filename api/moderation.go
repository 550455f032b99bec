package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/moderation"
	"xiaobu/store"
)

type reasonView struct {
	Check  string     `json:"check"`
	Detail string     `json:"detail"`
	Weight float64    `json:"weight" doc:"above 0 speaks for spam, below against"`
	Spans  []textSpan `json:"spans,omitempty" doc:"the pieces of the text it speaks of"`
}

type textSpan struct {
	Start int `json:"start" doc:"first byte of the text, in UTF-8"`
	End   int `json:"end" doc:"the byte after the last"`
}

func viewSpans(spans []store.Span) []textSpan {
	out := make([]textSpan, len(spans))
	for i, s := range spans {
		out[i] = textSpan(s)
	}
	return out
}

func viewReasons(rs []store.Reason) []reasonView {
	out := []reasonView{}
	for _, r := range rs {
		out = append(out, reasonView{r.Check, r.Detail, r.Weight, viewSpans(r.Spans)})
	}
	return out
}

type caseView struct {
	ID        string       `json:"id"`
	ChatID    string       `json:"chat_id"`
	Member    string       `json:"member"`
	MessageID *string      `json:"message_id"`
	Text      string       `json:"text"`
	Verdict   string       `json:"verdict" enum:"spam,suspect,ham"`
	Score     float64      `json:"score"`
	Reasons   []reasonView `json:"reasons" nullable:"false"`
	Action    string       `json:"action" enum:"none,warn,remove"`
	Status    string       `json:"status" enum:"open,asked_owner,removed,dismissed,expired"`
	Note      *string      `json:"note"`
	CreatedAt *time.Time   `json:"created_at"`
	AskedAt   *time.Time   `json:"asked_at"`
	ClosedAt  *time.Time   `json:"closed_at"`
	ClosedBy  *string      `json:"closed_by"`
}

func (s *server) viewCase(c store.Case) caseView {
	return caseView{ID: idString(c.ID), ChatID: c.ChatID, Member: c.Member, MessageID: text(c.MessageID), Text: c.Text, Verdict: c.Verdict,
		Score: c.Score, Reasons: viewReasons(c.Reasons), Action: c.Action, Status: c.Status, Note: text(c.Note),
		CreatedAt: s.stamp(c.CreatedAt), AskedAt: s.stamp(c.AskedAt), ClosedAt: s.stamp(c.ClosedAt), ClosedBy: text(c.ClosedBy)}
}

type checkView struct {
	Verdict string       `json:"verdict" enum:"spam,suspect,ham"`
	Score   float64      `json:"score"`
	Reasons []reasonView `json:"reasons" nullable:"false"`
}

func viewCheck(v moderation.Answer) checkView {
	return checkView{Verdict: v.Verdict, Score: v.Score, Reasons: viewReasons(v.Reasons)}
}

func (s *server) moderation() {
	type check struct {
		Body struct {
			Text string `json:"text"`
		}
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/check", "judge a text alone", http.StatusOK), func(ctx context.Context, in *check) (*result[checkView], error) {
		if err := s.Moderation.CatchUp(ctx); err != nil {
			return nil, s.fail(ctx, err)
		}
		v := s.Moderation.Check(in.Body.Text)
		return answer(viewCheck(v)), nil
	})
	type filter struct {
		Page
		Status string `query:"status" enum:"open,asked_owner,removed,dismissed,expired"`
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/cases", "list cases", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[caseView]], error) {
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.Case, error) {
			return s.Store.Read(ctx).Cases(in.Status, after, limit)
		}, s.viewCase, func(c store.Case) int64 { return c.ID })
	})
	huma.Register(s.api, op(http.MethodGet, "/moderation/cases/{id}", "one case", http.StatusOK), func(ctx context.Context, in *oneID) (*result[caseView], error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		c, err := s.Store.Read(ctx).Case(id)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewCase(c)), nil
	})
	s.caseCommands()
	s.blocklist()
}

func (s *server) caseCommands() {
	command := func(name, summary string, do func(context.Context, int64) (store.Case, error)) {
		huma.Register(s.api, op(http.MethodPost, "/moderation/cases/{id}/"+name, summary, http.StatusOK), func(ctx context.Context, in *oneID) (*result[caseView], error) {
			id, err := idOf(in.ID)
			if err != nil {
				return nil, err
			}
			c, err := do(ctx, id)
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return answer(s.viewCase(c)), nil
		})
	}
	command("remove", "have the person removed: the owner is asked", s.Moderation.Remove)
	command("dismiss", "it was no spam", s.Moderation.Dismiss)
}

type blockedView struct {
	Person    string     `json:"person" doc:"a user id or a union id"`
	Reason    string     `json:"reason"`
	CreatedAt *time.Time `json:"created_at"`
}

func (s *server) viewBlocked(b store.Blocked) blockedView {
	return blockedView{Person: b.Person, Reason: b.Reason, CreatedAt: s.stamp(b.CreatedAt)}
}

// blockBody names a person by any of the ids they are known under.
type blockBody struct {
	Person  string `json:"person,omitempty" doc:"a user id or a union id"`
	UserID  string `json:"user_id,omitempty"`
	UnionID string `json:"union_id,omitempty"`
	Member  string `json:"member,omitempty" doc:"the same as user_id, as a case names it"`
	Reason  string `json:"reason,omitempty" maxLength:"500"`
}

func (b blockBody) names() []string {
	var out []string
	for _, n := range []string{b.Person, b.UserID, b.UnionID, b.Member} {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}

func (s *server) blocklist() {
	type put struct {
		Keyed
		Body blockBody
	}
	huma.Register(s.api, op(http.MethodGet, "/moderation/blocklist", "people who must not be in any group", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[blockedView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Blocklist(after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewBlocked, func(b store.Blocked) string { return wordsCursor(b.Person) }), nil
	})
	huma.Register(s.api, op(http.MethodPost, "/moderation/blocklist", "block a person; whoever is in a group gets a case", http.StatusCreated), func(ctx context.Context, in *put) (*result[blockedView], error) {
		names := in.Body.names()
		if len(names) == 0 {
			return nil, huma.Error422UnprocessableEntity("name a person", &huma.ErrorDetail{Message: "want a user id or union id", Location: "body.person"})
		}
		for _, n := range names {
			if err := s.Moderation.Block(ctx, store.Blocked{Person: n, Reason: in.Body.Reason}); err != nil {
				return nil, s.fail(ctx, err)
			}
		}
		b, _, err := s.Store.Read(ctx).IsBlocked(names[0])
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewBlocked(b)), nil
	})
	s.unblock()
}

func (s *server) unblock() {
	del := func(ctx context.Context, person string) (*none, error) {
		if err := s.Store.Tx(ctx, func(tx *store.Tx) error { return tx.Unblock(person) }); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	}
	type path struct {
		Person string `path:"person"`
	}
	huma.Register(s.api, op(http.MethodDelete, "/moderation/blocklist/{person}", "take a person off the list", http.StatusNoContent), func(ctx context.Context, in *path) (*none, error) {
		return del(ctx, in.Person)
	})
	type query struct {
		Person  string `query:"person"`
		UserID  string `query:"user_id"`
		UnionID string `query:"union_id"`
		Body    *blockBody
	}
	huma.Register(s.api, op(http.MethodDelete, "/moderation/blocklist", "take a person off the list", http.StatusNoContent), func(ctx context.Context, in *query) (*none, error) {
		names := blockBody{Person: in.Person, UserID: in.UserID, UnionID: in.UnionID}.names()
		if in.Body != nil {
			names = append(names, in.Body.names()...)
		}
		if len(names) == 0 {
			return nil, huma.Error422UnprocessableEntity("name a person", &huma.ErrorDetail{Message: "want a user id or union id", Location: "query.person"})
		}
		return del(ctx, names[0])
	})
}

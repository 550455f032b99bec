package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/codes"
	"xiaobu/store"
)

type blockedView struct {
	Person    string     `json:"person" doc:"a user id or a union id"`
	Reason    string     `json:"reason"`
	By        *string    `json:"by" doc:"who put the person there; bot: a removal did"`
	CaseID    *string    `json:"case_id" doc:"the case whose removal did it; null: somebody asked for it"`
	CreatedAt *time.Time `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at" doc:"null: never"`
}

func (s *server) viewBlocked(b store.Blocked) blockedView {
	v := blockedView{Person: b.Person, Reason: b.Reason, By: text(b.By), CreatedAt: s.stamp(b.CreatedAt), ExpiresAt: s.stamp(b.ExpiresAt)}
	if b.CaseID != nil {
		v.CaseID = text(idString(*b.CaseID))
	}
	return v
}

// blockBody names a person by any of the ids they are known under.
type blockBody struct {
	Person    string     `json:"person,omitempty" doc:"a user id or a union id"`
	UserID    string     `json:"user_id,omitempty"`
	UnionID   string     `json:"union_id,omitempty"`
	Member    string     `json:"member,omitempty" doc:"the same as user_id, as a case names it"`
	Reason    string     `json:"reason,omitempty" maxLength:"500"`
	By        string     `json:"by,omitempty" maxLength:"64" doc:"who wants it" example:"anna"`
	ExpiresAt *time.Time `json:"expires_at,omitempty" nullable:"true" doc:"left out: never"`
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

// blocked are the rows that a body asks for, one for each name.
func (b blockBody) blocked(where string) ([]store.Blocked, error) {
	names := b.names()
	if len(names) == 0 {
		return nil, huma.Error422UnprocessableEntity("name a person", &huma.ErrorDetail{Message: "want a user id or union id", Location: where})
	}
	var out []store.Blocked
	for _, n := range names {
		row := store.Blocked{Person: n, Reason: b.Reason, By: b.By}
		if b.ExpiresAt != nil {
			row.ExpiresAt = b.ExpiresAt.UTC()
		}
		out = append(out, row)
	}
	return out, nil
}

func (s *server) blocklist() {
	type query struct {
		Page
		Format string `query:"format" default:"json" enum:"json,csv" doc:"csv: the whole list in one table"`
	}
	get := tabled[list[blockedView]](s, op(http.MethodGet, "/moderation/blocklist", "people who must not be in any group", http.StatusOK))
	huma.Register(s.api, get, func(ctx context.Context, in *query) (*huma.StreamResponse, error) {
		if in.Format == "csv" {
			return s.exportBlocklist(ctx)
		}
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Blocklist(after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.asJSON(paged(rows, in.Limit, s.viewBlocked, func(b store.Blocked) string { return wordsCursor(b.Person) }).Body), nil
	})
	type put struct {
		Keyed
		Body blockBody
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/blocklist", "block a person; whoever is in a group gets a case", http.StatusCreated), func(ctx context.Context, in *put) (*result[blockedView], error) {
		rows, err := in.Body.blocked("body.person")
		if err != nil {
			return nil, err
		}
		if err := s.Moderation.BlockAll(ctx, rows); err != nil {
			return nil, s.fail(ctx, err)
		}
		b, _, err := s.Store.Read(ctx).IsBlocked(rows[0].Person)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewBlocked(b)), nil
	})
	s.blockMany()
	s.unblock()
}

func (s *server) exportBlocklist(ctx context.Context) (*huma.StreamResponse, error) {
	rows, err := s.Store.Read(ctx).Blocklist("", 0)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	clock := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	word := func(v *string) string {
		if v == nil {
			return ""
		}
		return *v
	}
	table := [][]string{{"person", "reason", "by", "case_id", "created_at", "expires_at"}}
	for _, b := range rows {
		v := s.viewBlocked(b)
		table = append(table, []string{v.Person, v.Reason, word(v.By), word(v.CaseID), clock(v.CreatedAt), clock(v.ExpiresAt)})
	}
	data, err := codes.Table(table)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", csvKind+"; charset=utf-8")
		ctx.SetHeader("Content-Disposition", `attachment; filename="blocklist.csv"`)
		_, _ = ctx.BodyWriter().Write(data) // the client may be gone
	}}, nil
}

// blockMany puts many people on the list in one call, all or none.
func (s *server) blockMany() {
	type many struct {
		Body struct {
			People []blockBody `json:"people" minItems:"1" maxItems:"1000"`
			Reason string      `json:"reason,omitempty" maxLength:"500" doc:"of those who have none of their own"`
			By     string      `json:"by,omitempty" maxLength:"64"`
		}
	}
	type added struct {
		Listed int `json:"listed" doc:"names that are on the list now, whether or not they were before"`
	}
	huma.Register(s.api, op(http.MethodPost, "/moderation/blocklist/many", "block up to 1,000 people, all or none", http.StatusOK), func(ctx context.Context, in *many) (*result[added], error) {
		var rows []store.Blocked
		for _, b := range in.Body.People {
			if b.Reason == "" {
				b.Reason = in.Body.Reason
			}
			if b.By == "" {
				b.By = in.Body.By
			}
			named, err := b.blocked("body.people")
			if err != nil {
				return nil, err
			}
			rows = append(rows, named...)
		}
		if err := s.Moderation.BlockAll(ctx, rows); err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(added{len(rows)}), nil
	})
}

func (s *server) unblock() {
	del := func(ctx context.Context, person string) (*none, error) {
		if err := s.Moderation.Unblock(ctx, person, ""); err != nil {
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

package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

type targetGroup struct {
	ChatID    string  `json:"chat_id"`
	Name      string  `json:"name"`
	Owner     string  `json:"owner"`
	StoreID   *string `json:"store_id"`
	Customers int     `json:"customers"`
	Via       string  `json:"via" doc:"what takes it in, the first that holds: chat, label:…, store:…, owner:… or all"`
}

func viewTargetGroup(c store.Chat) targetGroup {
	return targetGroup{ChatID: c.ChatID, Name: c.Name, Owner: c.Owner, StoreID: text(c.ShopID), Customers: c.Customers, Via: c.Via}
}

type targetWarning struct {
	Code   string `json:"code" enum:"no_groups,no_owner,label_unused"`
	Field  string `json:"field"`
	Text   string `json:"text" doc:"in Chinese"`
	TextEN string `json:"text_en"`
}

type targetsList struct {
	Groups    int64           `json:"groups" doc:"that would get it now"`
	Customers int64           `json:"customers" doc:"in these groups"`
	Owners    int64           `json:"owners" doc:"who would have to confirm"`
	Stores    int64           `json:"stores"`
	NoOwner   int64           `json:"no_owner" doc:"of the groups, whose owner is not known: they would be blocked"`
	HandsOff  int64           `json:"hands_off" doc:"selected, and left alone because they are hands-off"`
	Excluded  int64           `json:"excluded" doc:"selected, and excluded again"`
	Warnings  []targetWarning `json:"warnings" nullable:"false"`
	Items     []targetGroup   `json:"items" nullable:"false"`
	Next      string          `json:"next_cursor" doc:"empty on the last page"`
}

// targets shows what a selection means at this moment.
func (s *server) targets() {
	type ask struct {
		Page
		Body struct {
			Targets targetsBody `json:"targets"`
		}
	}
	type one struct {
		Page
		ID string `path:"id"`
	}
	post := op(http.MethodPost, "/promotions/targets", "the groups that targets mean now", http.StatusOK)
	post.Description = "Nothing is written. The groups of a promotion are taken anew at each of its occurrences. Groups come by owner, then id."
	huma.Register(s.api, post, func(ctx context.Context, in *ask) (*result[targetsList], error) {
		spec, err := in.Body.Targets.spec()
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if err := s.Promotions.CheckTargets(ctx, spec); err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.showTargets(ctx, spec, in.Page)
	})
	huma.Register(s.api, op(http.MethodGet, "/promotions/{id}/targets", "the groups that it means now", http.StatusOK), func(ctx context.Context, in *one) (*result[targetsList], error) {
		p, err := s.promotion(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.showTargets(ctx, p.Spec.Targets, in.Page)
	})
}

func (s *server) showTargets(ctx context.Context, t store.TargetSpec, page Page) (*result[targetsList], error) {
	after, err := page.words(2)
	if err != nil {
		return nil, err
	}
	c, warnings, groups, err := s.Promotions.Targets(ctx, t, store.GroupCursor{Owner: after[0], ChatID: after[1]}, page.Limit+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	v := targetsList{Groups: c.Groups, Customers: c.Customers, Owners: c.Owners, Stores: c.Stores, NoOwner: c.NoOwner, HandsOff: c.HandsOff, Excluded: c.Excluded,
		Warnings: []targetWarning{}}
	items := paged(groups, page.Limit, viewTargetGroup, func(c store.Chat) string { return wordsCursor(c.Owner, c.ChatID) }).Body
	v.Items, v.Next = items.Items, items.NextCursor
	for _, w := range warnings {
		v.Warnings = append(v.Warnings, targetWarning(w))
	}
	return answer(v), nil
}

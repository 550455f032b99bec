package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/moderation"
	"xiaobu/store"
)

type consequenceView struct {
	Kind      string     `json:"kind" enum:"code,flag" doc:"code: a code of the person was taken back; flag: a reward for somebody the person brought is held for review"`
	Ref       string     `json:"ref" doc:"the channel, or the entry"`
	State     string     `json:"state" enum:"wanted,done,undone,failed"`
	Note      string     `json:"note"`
	ChangedAt *time.Time `json:"changed_at"`
}

type invitedByView struct {
	Inviter      string  `json:"inviter" doc:"user id"`
	Customer     bool    `json:"customer" doc:"a customer, by a personal code"`
	Guests       int64   `json:"guests" doc:"people whom the inviter brought, this one among them"`
	Removed      int64   `json:"removed" doc:"of those, how many were removed for spam"`
	RemovedShare float64 `json:"removed_share"`
}

type consequencesView struct {
	Inviter *invitedByView    `json:"inviter" doc:"who brought the person; null: nobody is known"`
	Items   []consequenceView `json:"items" nullable:"false"`
}

func (s *server) consequencesOf(r store.Reader, id int64) (consequencesView, error) {
	c, err := r.Case(id)
	if err != nil {
		return consequencesView{}, err
	}
	by, err := moderation.Inviter(r, c)
	if err != nil {
		return consequencesView{}, err
	}
	out := consequencesView{Items: []consequenceView{}}
	if by.Inviter != "" {
		out.Inviter = &invitedByView{Inviter: by.Inviter, Customer: by.Customer, Guests: by.People, Removed: by.Removed}
		if by.People > 0 {
			out.Inviter.RemovedShare = float64(by.Removed) / float64(by.People)
		}
	}
	all, err := r.Consequences(moderation.CaseCause(id))
	for _, k := range all {
		out.Items = append(out.Items, consequenceView{k.Kind, idString(k.Ref), k.State, k.Note, s.stamp(k.ChangedAt)})
	}
	return out, err
}

// consequences is what followed from a removal besides the removal.
func (s *server) consequences() {
	huma.Register(s.api, op(http.MethodGet, "/moderation/cases/{id}/consequences", "who brought the person, and what followed from the removal", http.StatusOK), func(ctx context.Context, in *oneID) (*result[consequencesView], error) {
		v, err := byID(in.ID, func(id int64) (consequencesView, error) { return s.consequencesOf(s.Store.Read(ctx), id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(v), nil
	})
}

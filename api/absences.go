package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/bot"
	"xiaobu/promotions"
	"xiaobu/store"
)

type absenceView struct {
	Staff       string  `json:"staff"`
	Name        string  `json:"name"`
	From        string  `json:"from"`
	To          string  `json:"to"`
	StandIn     *string `json:"stand_in"`
	StandInName string  `json:"stand_in_name"`
	Away        bool    `json:"away" doc:"today, in the configured zone"`
}

func (s *server) viewAbsence(r store.Reader) func(store.Absence) absenceView {
	today := s.Now().In(s.Zone).Format("2006-01-02")
	name := func(id string) string {
		row, _ := r.Staff(bot.UserID(id)) // without a name the id will do
		return row.Name
	}
	return func(a store.Absence) absenceView {
		return absenceView{Staff: a.UserID, Name: name(a.UserID), From: a.FromDay, To: a.ToDay, StandIn: text(a.StandIn), StandInName: name(a.StandIn), Away: a.Covers(today)}
	}
}

// absences is who is away, and who is told in their place of tasks that wait.
func (s *server) absences() {
	type absencePut struct {
		ID   string `path:"id" maxLength:"64"`
		Body struct {
			From    string `json:"from" example:"2026-11-23" doc:"a local day"`
			To      string `json:"to" example:"2026-11-27" doc:"the last day, included"`
			StandIn string `json:"stand_in,omitempty" maxLength:"64" doc:"user id of who is told of what waits; WeCom lets nobody but the owner confirm it. Left out: nobody"`
		}
	}
	type one struct {
		ID string `path:"id" maxLength:"64"`
	}
	type filter struct {
		Page
		Day string `query:"day" example:"2026-11-23" maxLength:"10" doc:"only who is away on this local day"`
	}
	huma.Register(s.api, op(http.MethodPut, "/staff/{id}/absence", "say when somebody is away, and who stands in", http.StatusOK), func(ctx context.Context, in *absencePut) (*result[absenceView], error) {
		a := store.Absence{UserID: in.ID, FromDay: in.Body.From, ToDay: in.Body.To, StandIn: in.Body.StandIn}
		err := s.Store.Tx(ctx, func(tx *store.Tx) error {
			if _, err := tx.Staff(bot.UserID(in.ID)); err != nil {
				return err
			}
			if err := promotions.CheckAbsence(tx.Reader, a); err != nil {
				return err
			}
			return tx.PutAbsence(a)
		})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(s.viewAbsence(s.Store.Read(ctx))(a)), nil
	})
	huma.Register(s.api, op(http.MethodDelete, "/staff/{id}/absence", "somebody is there again", http.StatusNoContent), func(ctx context.Context, in *one) (*none, error) {
		if err := s.Store.Tx(ctx, func(tx *store.Tx) error { return tx.EndAbsence(bot.UserID(in.ID)) }); err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	})
	huma.Register(s.api, op(http.MethodGet, "/staff/absences", "who is, was or will be away", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[absenceView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		if in.Day != "" {
			if _, err := s.day(in.Day, "query.day"); err != nil {
				return nil, err
			}
		}
		r := s.Store.Read(ctx)
		rows, err := r.Absences(in.Day, after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewAbsence(r), func(a store.Absence) string { return wordsCursor(a.UserID) }), nil
	})
}

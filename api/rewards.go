package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

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
	s.flags()
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
	s.ledger()
	s.explain()
}

type statementView struct {
	Staff         string `json:"staff"`
	Joins         int64  `json:"joins" doc:"joins that earned, whatever became of them; not those that a budget refused"`
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
		if _, _, err := s.period(in.Period, "query.period"); err != nil {
			return nil, err
		}
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		lines, err := s.Store.Read(ctx).Statement(store.StatementFilter{Period: in.Period, Staff: in.Staff, After: after[0], Limit: in.Limit + 1})
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

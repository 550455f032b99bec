package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/store"
)

func (s *server) ledger() {
	s.transfers()
	s.balances()
	s.leaderboard()
	s.rejudges()
	s.audits()
}

type transferView struct {
	ID        string     `json:"id"`
	Key       string     `json:"key" doc:"names the join, the step and why"`
	EntryID   string     `json:"entry_id"`
	At        *time.Time `json:"at"`
	Debit     string     `json:"debit" doc:"the account it is taken from"`
	Credit    string     `json:"credit" doc:"the account it is given to"`
	AmountFen int64      `json:"amount_fen"`
	Reason    string     `json:"reason"`
}

func (s *server) viewTransfer(t store.Transfer) transferView {
	return transferView{ID: idString(t.ID), Key: t.Key, EntryID: idString(t.EntryID), At: s.stamp(t.At), Debit: t.Debit, Credit: t.Credit, AmountFen: t.AmountFen, Reason: t.Reason}
}

func (s *server) transfers() {
	type filter struct {
		Page
		Entry string    `query:"entry" maxLength:"20" doc:"of one entry"`
		Staff string    `query:"staff" maxLength:"64" doc:"on the accounts of one member of staff"`
		From  time.Time `query:"from" doc:"at or after"`
		To    time.Time `query:"to" doc:"before"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/transfers", "money moved between accounts, oldest first", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[transferView]], error) {
		at, id, err := in.moment()
		if err != nil {
			return nil, err
		}
		f := store.TransferFilter{Staff: in.Staff, From: in.From, To: in.To, AfterAt: at, AfterID: id, Limit: in.Limit + 1}
		if in.Entry != "" {
			if f.Entry, err = idOf(in.Entry); err != nil {
				return nil, s.fail(ctx, err)
			}
		}
		rows, err := s.Store.Read(ctx).FindTransfers(f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, s.viewTransfer, func(t store.Transfer) string { return momentCursor(t.At, t.ID) }), nil
	})
}

type balanceView struct {
	Account string `json:"account" example:"payable:zhang" doc:"company, or held, payable or paid and a user id"`
	Fen     int64  `json:"fen" doc:"of a payable account below zero: a debt"`
}

func (s *server) balances() {
	type filter struct {
		Page
		Staff string `query:"staff" maxLength:"64" doc:"the three accounts of one member of staff"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/balances", "what the accounts hold: the sums of all transfers; all accounts together hold zero", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[balanceView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).FindBalances(store.BalanceFilter{Staff: in.Staff, After: after[0], Limit: in.Limit + 1})
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		view := func(b store.Balance) balanceView { return balanceView(b) }
		return paged(rows, in.Limit, view, func(b store.Balance) string { return wordsCursor(b.Account) }), nil
	})
}

type leaderView struct {
	Rank      int64  `json:"rank" doc:"the same where the figures are the same"`
	ID        string `json:"id" doc:"of staff a user id, of a store its id"`
	Name      string `json:"name"`
	StoreID   string `json:"store_id" doc:"the store that staff belong to, or the store itself; empty: none"`
	StoreName string `json:"store_name"`
	Joins     int64  `json:"joins" doc:"joins that earned, whatever became of them"`
	Kept      int64  `json:"kept" doc:"of them held, payable or paid"`
	EarnedFen int64  `json:"earned_fen" doc:"held, payable and paid"`
}

func viewLeader(l store.Leader) leaderView {
	return leaderView{Rank: l.Rank, ID: l.ID, Name: l.Name, StoreID: l.ShopID, StoreName: l.ShopName, Joins: l.Joins, Kept: l.Kept, EarnedFen: l.EarnedFen}
}

func (s *server) leaderboard() {
	type filter struct {
		Page
		Period  string `query:"period" example:"2026-11" doc:"a month; or day"`
		Day     string `query:"day" example:"2026-11-23" doc:"a day of joins; or period"`
		By      string `query:"by" enum:"staff,store" default:"staff"`
		StoreID string `query:"store_id" maxLength:"64" doc:"joins of one store's groups"`
		Region  string `query:"region" maxLength:"100" doc:"joins of one region's groups"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/leaderboard", "staff or stores by what they earned in a month or on a day, most first", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[leaderView]], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		f := store.LeaderFilter{By: in.By, Shop: in.StoreID, Region: in.Region, Offset: after, Limit: in.Limit + 1}
		switch {
		case (in.Period == "") == (in.Day == ""):
			return nil, huma.Error422UnprocessableEntity("give a period or a day", &huma.ErrorDetail{Message: "want a month such as 2026-11, or a day", Location: "query.period"})
		case in.Period != "":
			f.Period = in.Period
			_, _, err = s.period(in.Period, "query.period")
		default:
			f.From, err = s.day(in.Day, "query.day")
			f.To = f.From.AddDate(0, 0, 1)
		}
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Leaders(f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		next := after + int64(in.Limit) // places move while people page; a place is the best cursor there is
		return paged(rows, in.Limit, viewLeader, func(store.Leader) string { return idString(next) }), nil
	})
}

// day reads a day in the configured zone and returns its beginning.
func (s *server) day(v, at string) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, v, s.Zone)
	if err != nil {
		wrong := &huma.ErrorDetail{Message: fmt.Sprintf("is %q; want a day such as 2026-11-23", v), Location: at}
		return day, huma.Error422UnprocessableEntity(field(at)+": "+wrong.Message, wrong)
	}
	return day, nil
}

type rejudgeView struct {
	ID      string     `json:"id"`
	From    *time.Time `json:"from" doc:"joins at or after it are judged again"`
	Status  string     `json:"status" enum:"retract,judge,done" doc:"retract: the old rule's money goes back before a budget is spent anew"`
	Stays   int64      `json:"stays" doc:"to judge, when it was asked for"`
	Judged  int64      `json:"judged" doc:"so far"`
	AskedAt *time.Time `json:"asked_at"`
	DoneAt  *time.Time `json:"done_at"`
}

func (s *server) rejudges() {
	view := func(j store.Rejudge) rejudgeView {
		return rejudgeView{ID: idString(j.ID), From: s.stamp(j.FromAt), Status: j.Phase, Stays: j.Stays, Judged: j.Judged, AskedAt: s.stamp(j.AskedAt), DoneAt: s.stamp(j.DoneAt)}
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/rejudges", "joins judged again because a rule reaches into the past, a group changed stores, or a payout was reversed; newest first", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[rejudgeView]], error) {
		before, err := in.number()
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Rejudges(before, in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return paged(rows, in.Limit, view, func(j store.Rejudge) string { return idString(j.ID) }), nil
	})
}

type differenceView struct {
	What     string `json:"what" enum:"tally,entry,account,payout"`
	Subject  string `json:"subject" doc:"of a tally its month, staff and group; of an entry or payout its id; of an account its name, or all"`
	Field    string `json:"field"`
	Want     int64  `json:"want" doc:"what the other side of the books comes to"`
	Have     int64  `json:"have"`
	Repaired bool   `json:"repaired"`
}

type auditView struct {
	ID          string           `json:"id"`
	At          *time.Time       `json:"at"`
	Entries     int64            `json:"entries" doc:"that were compared"`
	Transfers   int64            `json:"transfers"`
	Differences int64            `json:"differences" doc:"found; the items are the first 1,000 of them at most"`
	Repaired    int64            `json:"repaired" doc:"rows of cached figures that were rebuilt"`
	Items       []differenceView `json:"items" nullable:"false"`
	NextCursor  string           `json:"next_cursor"`
}

type auditAsk struct {
	Repair bool `json:"repair,omitempty" doc:"rebuild cached figures that are wrong from the entries; nothing else is ever repaired"`
}

func (s *server) audits() {
	type ask struct{ Body *auditAsk }
	type look struct {
		Page
		ID string `query:"id" maxLength:"20" doc:"an audit; left out: the newest"`
	}
	huma.Register(s.api, op(http.MethodPost, "/rewards/audit", "compare the books with themselves now", http.StatusOK), func(ctx context.Context, in *ask) (*result[auditView], error) {
		a, err := s.Rewards.Audit(ctx, in.Body != nil && in.Body.Repair)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.viewAudit(ctx, a, 0, 50)
	})
	huma.Register(s.api, op(http.MethodGet, "/rewards/audit", "what the newest audit of the books found", http.StatusOK), func(ctx context.Context, in *look) (*result[auditView], error) {
		after, err := in.number()
		if err != nil {
			return nil, err
		}
		a, err := s.audit(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.viewAudit(ctx, a, after, in.Limit)
	})
}

func (s *server) audit(ctx context.Context, id string) (store.Audit, error) {
	if id == "" {
		a, err := s.Store.Read(ctx).LastAudit()
		if errors.Is(err, store.ErrNotFound) {
			return a, huma.Error404NotFound("the books were not audited yet: they are every night, and on POST /rewards/audit")
		}
		return a, err
	}
	return byID(id, s.Store.Read(ctx).AuditByID)
}

func (s *server) viewAudit(ctx context.Context, a store.Audit, after int64, limit int) (*result[auditView], error) {
	a, err := s.Store.Read(ctx).AuditByID(a.ID) // as it stands after a repair
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	rows, err := s.Store.Read(ctx).Differences(a.ID, after, limit+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	view := func(d store.Difference) differenceView {
		return differenceView{What: d.What, Subject: d.Subject, Field: d.Field, Want: d.Want, Have: d.Have, Repaired: d.Repaired}
	}
	p := paged(rows, limit, view, func(d store.Difference) string { return idString(d.ID) }).Body
	return answer(auditView{ID: idString(a.ID), At: s.stamp(a.At), Entries: a.Entries, Transfers: a.Transfers, Differences: a.Differences, Repaired: a.Repaired,
		Items: p.Items, NextCursor: p.NextCursor}), nil
}

package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/codes"
	"xiaobu/promotions"
	"xiaobu/store"
)

// tablePage is how many rows of a table are read at once.
const tablePage = 500

type funnelFigures struct {
	Groups      int64 `json:"groups" doc:"that were meant; each is blocked, sent, failed, unsent, cancelled or waiting"`
	Blocked     int64 `json:"blocked"`
	Tasks       int64 `json:"tasks"`
	Owners      int64 `json:"owners" doc:"who had something to confirm"`
	Confirmed   int64 `json:"confirmed" doc:"owners who confirmed all of it"`
	GroupsSent  int64 `json:"groups_sent" doc:"that were reached"`
	Failed      int64 `json:"failed"`
	Unsent      int64 `json:"unsent"`
	Cancelled   int64 `json:"cancelled"`
	Waiting     int64 `json:"waiting"`
	Outlets     int64 `json:"outlets" doc:"staff chats, besides the groups"`
	OutletsSent int64 `json:"outlets_sent"`
	Clicks      int64 `json:"clicks"`
	Orders      int64 `json:"orders"`
	AmountFen   int64 `json:"amount_fen" doc:"of the orders"`
	Joins24h    int64 `json:"joins_24h" doc:"customers, in the 24 hours after each group was reached"`
	Leaves24h   int64 `json:"leaves_24h"`
}

func viewFigures(f promotions.FunnelRow) funnelFigures {
	return funnelFigures{Groups: f.Groups, Blocked: f.Blocked, Tasks: f.Tasks, Owners: f.Owners, Confirmed: f.Confirmed, GroupsSent: f.Sent,
		Failed: f.Failed, Unsent: f.Unsent, Cancelled: f.Cancelled, Waiting: f.Waiting, Outlets: f.Outlets, OutletsSent: f.OutletsSent,
		Clicks: f.Clicks, Orders: f.Orders, AmountFen: f.AmountFen, Joins24h: f.Joins, Leaves24h: f.Leaves}
}

type funnelRow struct {
	ID   string `json:"id" doc:"of the store or owner; empty: groups without one"`
	Name string `json:"name"`
	funnelFigures
}

type funnelView struct {
	At *time.Time `json:"at" doc:"of the occurrence; null: all occurrences, each counted by itself"`
	funnelFigures
	Items      []funnelRow `json:"items" nullable:"false" doc:"store by store or owner by owner, where by asks for it"`
	NextCursor string      `json:"next_cursor" doc:"empty on the last page"`
}

type funnelQuery struct {
	Page
	ID     string    `path:"id"`
	At     time.Time `query:"at" doc:"one occurrence; left out: all"`
	By     string    `query:"by" enum:"store,owner" doc:"left out: only the sums"`
	Format string    `query:"format" default:"json" enum:"json,csv" doc:"csv: all rows in one table"`
}

func (s *server) funnels() {
	get := op(http.MethodGet, "/promotions/{id}/funnel", "from the groups that were meant to who came, left and bought", http.StatusOK)
	get.Description = "Rows by store and owner leave staff chats out. What came by a link belongs to a store or an owner where the link does. " +
		"Who comes or goes within a day after two messages is counted for both."
	huma.Register(s.api, tabled[funnelView](s, get), func(ctx context.Context, in *funnelQuery) (*huma.StreamResponse, error) {
		f, err := s.funnelFilter(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		if in.Format == "csv" {
			return s.funnelTable(f), nil
		}
		v, err := s.funnel(ctx, in, f)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.asJSON(v), nil
	})
	s.coverage()
}

// funnelFilter finds the promotion, and the occurrence where one is asked for.
func (s *server) funnelFilter(ctx context.Context, in *funnelQuery) (store.FunnelFilter, error) {
	p, err := s.promotion(ctx, in.ID)
	if err != nil {
		return store.FunnelFilter{}, err
	}
	occurrence, err := s.occurrenceAt(ctx, p.ID, in.At)
	return store.FunnelFilter{Promotion: p.ID, Occurrence: occurrence, By: in.By}, err
}

// occurrenceAt is the id of a promotion's occurrence of a time; 0 where no time is asked for.
func (s *server) occurrenceAt(ctx context.Context, promotion int64, at time.Time) (int64, error) {
	if at.IsZero() {
		return 0, nil
	}
	o, err := s.Store.Read(ctx).OccurrenceAt(promotion, at)
	return o.ID, err
}

func (s *server) funnel(ctx context.Context, in *funnelQuery, f store.FunnelFilter) (funnelView, error) {
	r := s.Store.Read(ctx)
	v := funnelView{At: s.stamp(in.At), Items: []funnelRow{}}
	whole := f
	whole.By = store.ByAll
	sums, err := promotions.Funnels(r, whole)
	if err != nil {
		return v, err
	}
	v.funnelFigures = viewFigures(sums[0])
	if f.By == store.ByAll {
		return v, nil
	}
	if f.From, f.Begun, err = in.word(); err != nil {
		return v, err
	}
	f.Limit = in.Limit + 1
	rows, err := promotions.Funnels(r, f)
	if err != nil {
		return v, err
	}
	page := paged(rows, in.Limit, func(f promotions.FunnelRow) funnelRow {
		return funnelRow{ID: f.ID, Name: f.Name, funnelFigures: viewFigures(f)}
	}, func(f promotions.FunnelRow) string { return wordCursor(f.ID) })
	v.Items, v.NextCursor = page.Body.Items, page.Body.NextCursor
	return v, nil
}

// word reads a cursor that is one string, which may be empty; begun is false on the first page.
func (p Page) word() (word string, begun bool, err error) {
	words, err := p.words(2)
	if err != nil {
		return "", false, err
	}
	return words[1], p.Cursor != "", nil
}

// wordCursor is never empty, as the cursor of an empty string alone would be.
func wordCursor(word string) string { return wordsCursor("", word) }

func number(n int64) string { return strconv.FormatInt(n, 10) }

// moment is a time in a table; nothing where there is none.
func (s *server) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.Zone).Format(time.RFC3339)
}

func (s *server) funnelTable(f store.FunnelFilter) *huma.StreamResponse {
	return s.asTable(fmt.Sprintf("funnel-%d", f.Promotion), func(ctx context.Context, t codes.TableWriter) error {
		rows, err := promotions.Funnels(s.Store.Read(ctx), f)
		if err != nil {
			return err
		}
		err = t.Row([]string{"id", "name", "groups", "blocked", "tasks", "owners", "confirmed", "groups_sent", "failed", "unsent", "cancelled", "waiting",
			"outlets", "outlets_sent", "clicks", "orders", "amount_yuan", "joins_24h", "leaves_24h"})
		for _, r := range rows {
			if err != nil {
				return err
			}
			err = t.Row([]string{r.ID, r.Name, number(r.Groups), number(r.Blocked), number(r.Tasks), number(r.Owners), number(r.Confirmed), number(r.Sent), number(r.Failed),
				number(r.Unsent), number(r.Cancelled), number(r.Waiting), number(r.Outlets), number(r.OutletsSent), number(r.Clicks), number(r.Orders), yuan(r.AmountFen),
				number(r.Joins), number(r.Leaves)})
		}
		return err
	})
}

// deliveryTable writes deliveries a page at a time: there may be millions.
func (s *server) deliveryTable(f store.DeliveryFilter) *huma.StreamResponse {
	return s.asTable(fmt.Sprintf("deliveries-%d", f.Promotion), func(ctx context.Context, t codes.TableWriter) error {
		err := t.Row([]string{"id", "at", "chat_id", "name", "store_id", "owner", "outlet", "status", "code", "reason", "msgid", "submitted_at", "sent_at", "reminders"})
		f.Limit = tablePage
		for err == nil {
			var rows []store.DeliveryView
			if rows, err = s.Store.Read(ctx).Deliveries(f); err != nil || len(rows) == 0 {
				return err
			}
			for _, d := range rows {
				f.Cursor = d.ID
				if err := t.Row([]string{number(d.ID), s.moment(d.At), d.ChatID, d.Name, d.ShopID, d.Owner, d.Outlet, d.Status, strconv.Itoa(d.Code), d.Reason, d.MsgID,
					s.moment(d.SubmittedAt), s.moment(d.SentAt), strconv.Itoa(d.Reminders)}); err != nil {
					return err
				}
			}
			err = t.Flush()
		}
		return err
	})
}

type coverFigures struct {
	Groups  int64 `json:"groups" doc:"that were meant, once for each occurrence"`
	Blocked int64 `json:"blocked"`
	Reached int64 `json:"reached"`
}

type coverPeriod struct {
	From *time.Time `json:"from" doc:"its first moment"`
	coverFigures
}

type coverView struct {
	ID   string `json:"id" doc:"of the store, owner or group; empty: groups without one"`
	Name string `json:"name"`
	coverFigures
	Periods []coverPeriod `json:"periods" nullable:"false" doc:"oldest first"`
}

func viewCovered(c store.Covered) coverFigures { return coverFigures{c.Groups, c.Blocked, c.Sent} }

func (s *server) coverage() {
	type query struct {
		Page
		From string `query:"from" doc:"local day; left out: 30 days in all" example:"2026-11-01"`
		To   string `query:"to" doc:"the last day, included; left out: today" example:"2026-11-30"`
		By   string `query:"by" default:"store" enum:"store,owner,group"`
		Days int    `query:"days" default:"7" minimum:"1" maximum:"366" doc:"how many days make a period"`
	}
	get := op(http.MethodGet, "/coverage", "which groups promotions meant and reached over time, by store, owner or group", http.StatusOK)
	huma.Register(s.api, get, func(ctx context.Context, in *query) (*result[list[coverView]], error) {
		f := store.CoverageFilter{By: in.By, Limit: in.Limit + 1}
		var err error
		if f.After, f.Begun, err = in.word(); err != nil {
			return nil, err
		}
		rows, err := s.Promotions.Coverage(ctx, promotions.Span{From: in.From, To: in.To, Days: in.Days}, f)
		if err != nil {
			return nil, s.fail(ctx, asked(err))
		}
		return paged(rows, in.Limit, func(c promotions.Covering) coverView {
			v := coverView{ID: c.ID, Name: c.Name, coverFigures: viewCovered(c.Covered), Periods: []coverPeriod{}}
			for _, p := range c.Periods {
				v.Periods = append(v.Periods, coverPeriod{s.stamp(p.At), viewCovered(p)})
			}
			return v
		}, func(c promotions.Covering) string { return wordCursor(c.ID) }), nil
	})
}

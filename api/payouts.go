package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type payoutItem struct {
	Staff        string `json:"staff"`
	Name         string `json:"name" doc:"as it was when the payout was collected; empty: never known"`
	StoreID      string `json:"store_id" doc:"empty: of no store"`
	StoreName    string `json:"store_name"`
	Region       string `json:"region"`
	Joins        int64  `json:"joins" doc:"joins that are paid"`
	GrossFen     int64  `json:"gross_fen" doc:"what they earned"`
	RecoveredFen int64  `json:"recovered_fen" doc:"kept back of it for joins that were clawed back after they had been paid"`
	AmountFen    int64  `json:"amount_fen" doc:"to be paid: gross_fen - recovered_fen"`
}

type payoutStep struct {
	Status string     `json:"status" enum:"collected,approved,paid,reversed,discarded"`
	At     *time.Time `json:"at"`
	By     string     `json:"by"`
	Note   string     `json:"note" doc:"why; empty: not said"`
}

// PayoutHead is a payout without its items. Its name is a public one because the OpenAPI
// document leaves out what is embedded under a private one.
type PayoutHead struct {
	ID           string     `json:"id"`
	Period       string     `json:"period"`
	Status       string     `json:"status" enum:"collected,approved,paid,reversed,discarded"`
	CarryOver    bool       `json:"carry_over" doc:"what earlier months left over is in it too"`
	Joins        int64      `json:"joins"`
	GrossFen     int64      `json:"gross_fen"`
	RecoveredFen int64      `json:"recovered_fen"`
	TotalFen     int64      `json:"total_fen" doc:"paid out: gross_fen - recovered_fen"`
	CreatedAt    *time.Time `json:"created_at"`
}

type payoutView struct {
	PayoutHead
	Items []payoutItem `json:"items" nullable:"false" doc:"one for each member of staff"`
	Steps []payoutStep `json:"steps" nullable:"false" doc:"who brought it to which status, oldest first"`
}

func (s *server) viewPayout(p store.Payout) PayoutHead {
	return PayoutHead{ID: idString(p.ID), Period: p.Period, Status: p.Status, CarryOver: p.CarryOver, Joins: p.Joins, GrossFen: p.GrossFen,
		RecoveredFen: p.RecoveredFen, TotalFen: p.TotalFen, CreatedAt: s.stamp(p.CreatedAt)}
}

func (s *server) payouts() {
	s.makePayout()
	s.listPayouts()
	s.stepPayout()
	s.showPayout()
	s.unpaid()
}

func (s *server) showPayout() {
	type one struct {
		ID     string `path:"id"`
		Format string `query:"format" default:"json" enum:"json,csv,xlsx" doc:"csv: for programs, a row for each member of staff; xlsx: for people, with every entry and rule"`
		Lang   string `query:"lang" default:"zh" enum:"zh,en" doc:"of the headings of xlsx"`
	}
	get := op(http.MethodGet, "/rewards/payouts/{id}", "one payout, as JSON, CSV or XLSX", http.StatusOK)
	get.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[payoutView](), true, "")},
		csvKind:            {}, xlsxKind: {},
	}}}
	get.Description = "A paid payout is exported as it was when it was paid, whatever stores and staff are called now. " +
		"Amounts are before tax; which kind of income a reward is and what tax it bears is payroll's to say, in the columns left empty for it."
	huma.Register(s.api, get, func(ctx context.Context, in *one) (*huma.StreamResponse, error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		if in.Format != "json" {
			out, err := s.export(ctx, id, in.Format, in.Lang)
			if err != nil {
				return nil, s.fail(ctx, err)
			}
			return out, nil
		}
		p, err := s.payout(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.asJSON(p), nil
	})
}

func (s *server) makePayout() {
	type create struct {
		Keyed
		Body struct {
			Period    string `json:"period" example:"2026-11" doc:"a month that is over, in the configured zone"`
			By        string `json:"by,omitempty" example:"anna" doc:"who collects: then it is only collected, and paid after somebody else approved it. Left out: it is paid at once, unless the setting rewards.second_person forbids that"`
			CarryOver bool   `json:"carry_over,omitempty" doc:"also take what earlier months left over"`
		}
	}
	post := op(http.MethodPost, "/rewards/payouts", "pay or collect what is payable of a month", http.StatusCreated)
	post.Description = "Without `by` everything payable of the month is paid at once. With it the payout is only collected: somebody else approves it, then it is paid. " +
		"What was clawed back after it had been paid is kept back, oldest first, as far as nobody has to pay in. " +
		"Refused with 422 while the month is not over, with 409 when `by` is given and nothing is payable, and while joins of the month are judged again."
	huma.Register(s.api, post, func(ctx context.Context, in *create) (*result[payoutView], error) {
		v, err := once(ctx, s, "POST /rewards/payouts", in.Keyed, in.Body, func(remember handlers.Remember) (payoutView, error) {
			p, err := s.Payouts.Make(ctx, handlers.PayoutAsk(in.Body), remember)
			if err != nil {
				return payoutView{}, err
			}
			return s.payout(ctx, idString(p.ID))
		}, func(id string) (payoutView, error) { return s.payout(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(v), nil
	})
}

func (s *server) listPayouts() {
	type filter struct {
		Page
		Period string `query:"period" maxLength:"7" example:"2026-11" doc:"a month"`
		Status string `query:"status" enum:"collected,approved,paid,reversed,discarded"`
	}
	huma.Register(s.api, op(http.MethodGet, "/rewards/payouts", "payouts in the order they were collected", http.StatusOK), func(ctx context.Context, in *filter) (*result[list[PayoutHead]], error) {
		return numbered(ctx, s, in.Page, func(after int64, limit int) ([]store.Payout, error) {
			return s.Store.Read(ctx).Payouts(store.PayoutFilter{Period: in.Period, Status: in.Status, Cursor: after, Limit: limit})
		}, s.viewPayout, func(p store.Payout) int64 { return p.ID })
	})
}

type unpaidView struct {
	Period       string `json:"period" doc:"a month"`
	Over         bool   `json:"over" doc:"the month is over, so it may be paid"`
	Joins        int64  `json:"joins"`
	Staff        int64  `json:"staff" doc:"how many members of staff earned it"`
	PayableFen   int64  `json:"payable_fen"`
	CollectedFen int64  `json:"collected_fen" doc:"of it, in payouts that are not paid yet"`
}

func (s *server) unpaid() {
	huma.Register(s.api, op(http.MethodGet, "/rewards/unpaid", "months of which something is payable and not paid", http.StatusOK), func(ctx context.Context, in *Page) (*result[list[unpaidView]], error) {
		after, err := in.words(1)
		if err != nil {
			return nil, err
		}
		rows, err := s.Store.Read(ctx).Unpaid(after[0], in.Limit+1)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		running := s.Now().In(s.Zone).Format("2006-01")
		view := func(u store.Unpaid) unpaidView {
			return unpaidView{Period: u.Period, Over: u.Period < running, Joins: u.Joins, Staff: u.Staff, PayableFen: u.PayableFen, CollectedFen: u.CollectedFen}
		}
		return paged(rows, in.Limit, view, func(u store.Unpaid) string { return wordsCursor(u.Period) }), nil
	})
}

// stepPayout offers the steps of a payout that somebody takes by name.
func (s *server) stepPayout() {
	type step struct {
		Keyed
		ID   string `path:"id"`
		Body struct {
			By string `json:"by" example:"ben" doc:"who takes this step"`
		}
	}
	type reasoned struct {
		Keyed
		ID   string `path:"id"`
		Body struct {
			By     string `json:"by" example:"ben" doc:"who takes this step"`
			Reason string `json:"reason" example:"重复统计" doc:"why"`
		}
	}
	for _, c := range []struct {
		name, summary string
		do            func(context.Context, int64, string, handlers.Remember) (store.Payout, error)
	}{
		{"approve", "a second person agrees to a collected payout; refused, with what it pays now, when that changed", s.Payouts.Approve},
		{"pay", "pay an approved payout; refused, and back to collected, when what it pays changed", s.Payouts.Pay},
	} {
		huma.Register(s.api, op(http.MethodPost, "/rewards/payouts/{id}/"+c.name, c.summary, http.StatusOK), func(ctx context.Context, in *step) (*result[payoutView], error) {
			return s.takeStep(ctx, c.name, in.ID, in.Keyed, in.Body, func(id int64, remember handlers.Remember) (store.Payout, error) {
				return c.do(ctx, id, in.Body.By, remember)
			})
		})
	}
	for _, c := range []struct {
		name, summary string
		do            func(context.Context, int64, string, string, handlers.Remember) (store.Payout, error)
	}{
		{"reverse", "take a paid payout back: its joins are payable again", s.Payouts.Reverse},
		{"discard", "give up a payout that is not paid", s.Payouts.Discard},
	} {
		huma.Register(s.api, op(http.MethodPost, "/rewards/payouts/{id}/"+c.name, c.summary, http.StatusOK), func(ctx context.Context, in *reasoned) (*result[payoutView], error) {
			return s.takeStep(ctx, c.name, in.ID, in.Keyed, in.Body, func(id int64, remember handlers.Remember) (store.Payout, error) {
				return c.do(ctx, id, in.Body.By, in.Body.Reason, remember)
			})
		})
	}
}

func (s *server) takeStep(ctx context.Context, name, id string, k Keyed, body any, do func(int64, handlers.Remember) (store.Payout, error)) (*result[payoutView], error) {
	n, err := idOf(id)
	if err != nil {
		return nil, err
	}
	show := func(id string) (payoutView, error) { return s.payout(ctx, id) }
	v, err := once(ctx, s, "POST /rewards/payouts/"+idString(n)+"/"+name, k, body, func(remember handlers.Remember) (payoutView, error) {
		if _, err := do(n, remember); err != nil {
			return payoutView{}, err
		}
		return show(idString(n))
	}, show)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return answer(v), nil
}

func (s *server) payout(ctx context.Context, id string) (payoutView, error) {
	n, err := idOf(id)
	if err != nil {
		return payoutView{}, err
	}
	r := s.Store.Read(ctx)
	p, err := r.Payout(n)
	if err != nil {
		return payoutView{}, err
	}
	v := payoutView{PayoutHead: s.viewPayout(p), Items: []payoutItem{}, Steps: []payoutStep{}}
	lines, err := r.PayoutLines(n)
	if err != nil {
		return v, err
	}
	for _, l := range lines {
		v.Items = append(v.Items, payoutItem{Staff: l.Staff, Name: l.StaffName, StoreID: l.ShopID, StoreName: l.ShopName, Region: l.Region,
			Joins: l.Joins, GrossFen: l.GrossFen, RecoveredFen: l.RecoveredFen, AmountFen: l.AmountFen})
	}
	steps, err := r.PayoutSteps(n)
	for _, st := range steps {
		v.Steps = append(v.Steps, payoutStep{Status: st.Status, At: s.stamp(st.At), By: st.Who, Note: st.Note})
	}
	return v, err
}

package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/xuri/excelize/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

type payoutItem struct {
	Staff     string `json:"staff"`
	Joins     int64  `json:"joins"`
	AmountFen int64  `json:"amount_fen"`
}

type payoutView struct {
	ID        string       `json:"id"`
	Period    string       `json:"period"`
	TotalFen  int64        `json:"total_fen"`
	CreatedAt *time.Time   `json:"created_at"`
	Items     []payoutItem `json:"items" nullable:"false"`
}

func (s *server) payouts() {
	type create struct {
		Keyed
		Body struct {
			Period string `json:"period" example:"2026-11" doc:"the month whose payable rewards are paid"`
		}
	}
	type one struct {
		ID     string `path:"id"`
		Format string `query:"format" default:"json" enum:"json,csv,xlsx"`
	}
	huma.Register(s.api, op(http.MethodPost, "/rewards/payouts", "pay what is payable of a month", http.StatusCreated), func(ctx context.Context, in *create) (*result[payoutView], error) {
		from, to, err := s.period(in.Body.Period, "body.period")
		if err != nil {
			return nil, err
		}
		v, err := once(ctx, s, "POST /rewards/payouts", in.Keyed, in.Body, func(remember handlers.Remember) (payoutView, error) {
			var id int64
			err := s.Store.Tx(ctx, func(tx *store.Tx) error {
				p, err := tx.AddPayout(in.Body.Period, from, to)
				if err != nil {
					return err
				}
				id = p.ID
				return remember(tx, idString(p.ID))
			})
			if err != nil {
				return payoutView{}, err
			}
			return s.payout(ctx, idString(id))
		}, func(id string) (payoutView, error) { return s.payout(ctx, id) })
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return answer(v), nil
	})
	get := op(http.MethodGet, "/rewards/payouts/{id}", "one payout, as JSON, CSV or XLSX", http.StatusOK)
	huma.Register(s.api, get, func(ctx context.Context, in *one) (*huma.StreamResponse, error) {
		p, err := s.payout(ctx, in.ID)
		if err != nil {
			return nil, s.fail(ctx, err)
		}
		return s.export(p, in.Format)
	})
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
	v := payoutView{ID: id, Period: p.Period, TotalFen: p.TotalFen, CreatedAt: s.stamp(p.CreatedAt), Items: []payoutItem{}}
	lines, err := r.PayoutLines(n)
	for _, l := range lines {
		v.Items = append(v.Items, payoutItem(l))
	}
	return v, err
}

func (s *server) export(p payoutView, format string) (*huma.StreamResponse, error) {
	var data []byte
	var kind string
	var err error
	switch format {
	case "csv":
		kind = "text/csv; charset=utf-8"
		data, err = csvOf(p)
	case "xlsx":
		kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
		data, err = xlsxOf(p)
	default:
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			ctx.SetHeader("Content-Type", "application/json")
			_ = s.api.Marshal(ctx.BodyWriter(), "application/json", p) // the client may be gone
		}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("export payout %s: %w", p.ID, err)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", kind)
		ctx.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="payout-%s-%s.%s"`, p.Period, p.ID, format))
		_, _ = ctx.BodyWriter().Write(data)
	}}, nil
}

// The columns of an export.
var payoutHeader = [...]string{"period", "staff", "joins", "amount_yuan", "amount_fen"}

// csvOf writes a table that spreadsheets open with the right characters: UTF-8 with a mark.
func csvOf(p payoutView) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	rows := [][]string{payoutHeader[:]}
	for _, it := range p.Items {
		rows = append(rows, []string{p.Period, cell(it.Staff), strconv.FormatInt(it.Joins, 10), yuan(it.AmountFen), strconv.FormatInt(it.AmountFen, 10)})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// cell keeps a spreadsheet from taking a name for a formula.
func cell(v string) string {
	if v != "" && bytes.ContainsAny([]byte(v[:1]), "=+-@\t\r") {
		return "'" + v
	}
	return v
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

func xlsxOf(p payoutView) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "Sheet1"
	header := make([]any, len(payoutHeader))
	for i, h := range payoutHeader {
		header[i] = h
	}
	if err := f.SetSheetRow(sheet, "A1", &header); err != nil {
		return nil, err
	}
	for i, it := range p.Items {
		row := []any{p.Period, it.Staff, it.Joins, float64(it.AmountFen) / 100, it.AmountFen}
		if err := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+2), &row); err != nil {
			return nil, err
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

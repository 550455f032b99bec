package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/codes"
	"xiaobu/store"
)

// The media types of an export.
const (
	csvKind  = "text/csv"
	xlsxKind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)

// statement is a payout with all that an export of it shows. Of a paid one nothing of it
// ever changes but that it may be reversed, so the same program with the same settings
// writes the same bytes for ever.
type statement struct {
	store.Payout
	lines []store.PayoutLine
	steps []store.PayoutStep
	items []store.PayoutItem   // workbook only
	rules map[int64]store.Rule // those that the items name
}

// export writes a payout as a file.
func (s *server) export(ctx context.Context, id int64, format, lang string) (*huma.StreamResponse, error) {
	p, err := s.readStatement(ctx, id, format == "xlsx")
	if err != nil {
		return nil, err
	}
	var data []byte
	kind := csvKind + "; charset=utf-8"
	if format == "xlsx" {
		kind = xlsxKind
		data, err = workbook(p, s.Zone, lang)
	} else {
		data, err = csvOf(p)
	}
	if err != nil {
		return nil, fmt.Errorf("export payout %d: %w", id, err)
	}
	name := fmt.Sprintf("payout-%s-%d", p.Period, id)
	if p.Status != store.PayoutPaid {
		name += "-" + p.Status
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", kind)
		ctx.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, name, format))
		_, _ = ctx.BodyWriter().Write(data) // the client may be gone
	}}, nil
}

func (s *server) readStatement(ctx context.Context, id int64, whole bool) (p statement, err error) {
	r := s.Store.Read(ctx)
	if p.Payout, err = r.Payout(id); err != nil {
		return p, err
	}
	if p.lines, err = r.PayoutLines(id); err != nil || !whole {
		return p, err
	}
	if p.steps, err = r.PayoutSteps(id); err != nil {
		return p, err
	}
	if p.items, err = r.PayoutItems(id); err != nil {
		return p, err
	}
	p.rules = map[int64]store.Rule{}
	for _, it := range p.items {
		if _, ok := p.rules[it.RuleVersion]; ok {
			continue
		}
		if p.rules[it.RuleVersion], err = r.RuleVersion(it.RuleVersion); err != nil {
			return p, err
		}
	}
	return p, nil
}

// The columns of a CSV, for programs: one row for each member of staff and no totals. The
// amount is what is to be paid before tax. What tax it bears is payroll's to say: the last
// two columns are left empty for it.
var csvHeader = [...]string{
	"period", "staff", "joins", "amount_yuan", "amount_fen", "gross_yuan", "gross_fen", "recovered_yuan", "recovered_fen",
	"name", "store_id", "store_name", "region", "payout_id", "status", "taxable_yuan", "taxable_fen", "tax_category", "tax_yuan",
}

// csvOf writes a payout as a table.
func csvOf(p statement) ([]byte, error) {
	rows := [][]string{csvHeader[:]}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, l := range p.lines {
		rows = append(rows, []string{
			p.Period, l.Staff, number(l.Joins), yuan(l.AmountFen), number(l.AmountFen), yuan(l.GrossFen), number(l.GrossFen),
			yuan(l.RecoveredFen), number(l.RecoveredFen), l.StaffName, l.ShopID, l.ShopName, l.Region,
			number(p.ID), p.Status, yuan(l.AmountFen), number(l.AmountFen), "", "",
		})
	}
	return codes.Table(rows)
}

// tabled lets an operation answer with JSON of a type, or with CSV.
func tabled[T any](s *server, o huma.Operation) huma.Operation {
	o.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")}, csvKind: {},
	}}}
	return o
}

// asJSON answers with a body where the operation may answer with a file, too.
func (s *server) asJSON(v any) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		_ = s.api.Marshal(ctx.BodyWriter(), "application/json", v) // the client may be gone
	}}
}

// asTable answers with a table while its rows are read. When reading fails the connection is
// closed, for half a table must not look like a whole one.
func (s *server) asTable(name string, write func(context.Context, codes.TableWriter) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", csvKind+"; charset=utf-8")
		ctx.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.csv"`, name))
		t, err := codes.NewTable(ctx.BodyWriter())
		if err == nil {
			err = write(ctx.Context(), t)
		}
		if err == nil {
			err = t.Flush()
		}
		if err != nil {
			s.Log.Warn("write a table", "table", name, "error", err)
			panic(http.ErrAbortHandler)
		}
	}}
}

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

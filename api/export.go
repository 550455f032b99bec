package api

import (
	"context"
	"fmt"
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

func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

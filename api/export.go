package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/xuri/excelize/v2"
)

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

package codes

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
)

// Table writes rows as CSV that spreadsheets open with the right characters, UTF-8 with a
// mark, and in which no cell is taken for a formula.
func Table(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	for _, row := range rows {
		row = slices.Clone(row)
		for i, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				row[i] = "'" + cell
			}
		}
		if err := w.Write(row); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

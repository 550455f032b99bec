package codes

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
)

// TableWriter writes rows as CSV that spreadsheets open with the right characters, UTF-8 with
// a mark, and in which no cell is taken for a formula.
type TableWriter struct{ w *csv.Writer }

// NewTable begins a table.
func NewTable(w io.Writer) (TableWriter, error) {
	_, err := io.WriteString(w, "\ufeff")
	return TableWriter{csv.NewWriter(w)}, err
}

// Row writes a row.
func (t TableWriter) Row(row []string) error {
	row = slices.Clone(row)
	for i, cell := range row {
		if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
			row[i] = "'" + cell
		}
	}
	return t.w.Write(row)
}

// Flush writes what was kept back.
func (t TableWriter) Flush() error {
	t.w.Flush()
	return t.w.Error()
}

// Table is a whole table; see TableWriter.
func Table(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	t, err := NewTable(&b)
	for _, row := range rows {
		if err == nil {
			err = t.Row(row)
		}
	}
	if err == nil {
		err = t.Flush()
	}
	return b.Bytes(), err
}

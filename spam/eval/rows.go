// Package eval measures a detector on labelled messages: how much of what is spam it
// finds, whom it flags by mistake, what disguise and decoration change, whether its scores
// can be believed, and how fast it is.
//
// Chat and SMS are told apart, since promises of an SMS are not what people write in
// groups, and so is a shop's own talk. Accuracy is never told: a detector that finds
// nothing is right about every harmless message.
package eval

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"xiaobu/spam"
)

// maxLine bounds a line of a file, in bytes.
const maxLine = 1 << 20

// Row is one labelled message.
type Row struct {
	Text   string
	Source string // where it is from; "unnamed" if the file does not say
	Spam   bool
}

// The groups of sources that are reported apart.
const (
	Chat   = "chat"   // all others
	SMS    = "sms"    // sources that start with sms
	Retail = "retail" // sources that start with retail: a shop's group, harmless all of it
)

// Group is the group of r's source.
func (r Row) Group() string {
	switch {
	case strings.HasPrefix(r.Source, SMS):
		return SMS
	case strings.HasPrefix(r.Source, Retail):
		return Retail
	default:
		return Chat
	}
}

// ReadFile reads the rows of a file of JSON lines, {"text","label":"spam"|"ham","source"}
// each, plain or gzipped. Errors name the file and the line.
func ReadFile(name string) ([]Row, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(name, f)
}

// Read reads rows as ReadFile does; name is what errors call the file.
func Read(name string, in io.Reader) ([]Row, error) {
	head := bufio.NewReader(in)
	if magic, _ := head.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(head)
		if err != nil {
			return nil, fmt.Errorf("%s: no gzip file: %w", name, err)
		}
		in = unzipped
	} else {
		in = head
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	var rows []Row
	n := 0
	for lines.Scan() && lines.Err() == nil { // the last line before an error may be half a one
		n++
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		row, err := readRow(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, n, err)
		}
		rows = append(rows, row)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s: line %d: longer than %d MiB", name, n+1, maxLine>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%s: line %d: the file is cut off here", name, n+1)
	case err != nil:
		return nil, fmt.Errorf("%s: line %d: %w", name, n+1, err)
	case len(rows) == 0:
		return nil, fmt.Errorf("%s: no rows, want JSON lines such as {\"text\":\"…\",\"label\":\"ham\",\"source\":\"…\"}", name)
	}
	return rows, nil
}

// readRow reads one line.
func readRow(line []byte) (Row, error) {
	var r struct {
		Text   *string `json:"text"`
		Label  string  `json:"label"`
		Source string  `json:"source"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return Row{}, fmt.Errorf("is no JSON object with text, label and source: %w", err)
	}
	switch {
	case r.Text == nil || *r.Text == "":
		return Row{}, errors.New("text is missing or empty")
	case r.Label != string(spam.Spam) && r.Label != string(spam.Ham):
		return Row{}, fmt.Errorf("label %q: want spam or ham", r.Label)
	case r.Source == "":
		r.Source = "unnamed"
	}
	return Row{Text: *r.Text, Source: r.Source, Spam: r.Label == string(spam.Spam)}, nil
}

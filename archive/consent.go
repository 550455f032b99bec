package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// consent is what a customer last said about being archived. It is kept for the person, not
// for the group it was said in: who disagrees anywhere is left out everywhere.
type consent struct {
	Person string    `json:"person"`
	ChatID string    `json:"chat_id,omitempty"` // where it was said
	Agreed bool      `json:"agreed"`
	At     time.Time `json:"at"`
}

// consents are the last words of everybody, kept in a file that is only added to, and made
// short when it is opened.
type consents struct {
	state   *State
	of      map[string]consent
	unsaved []consent
}

func openConsents(s *State) (*consents, error) {
	c := &consents{state: s, of: map[string]consent{}}
	data, err := os.ReadFile(filepath.Join(s.dir, consentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read consents: %w", err)
	}
	lines := 0
	for sc := bufio.NewScanner(bytes.NewReader(data)); sc.Scan(); lines++ {
		var row consent
		if json.Unmarshal(sc.Bytes(), &row) == nil && row.Person != "" { // else a line that a crash cut off; its record comes again
			c.put(row)
		}
	}
	if s.dry || lines <= 2*len(c.of) {
		return c, nil
	}
	return c, replace(filepath.Join(s.dir, consentFile), c.all())
}

// put takes a word in unless a later one is known.
func (c *consents) put(row consent) bool {
	if known, ok := c.of[row.Person]; ok && (known.At.After(row.At) || known == row) {
		return false
	}
	c.of[row.Person] = row
	return true
}

// all lists the last words by person.
func (c *consents) all() []byte {
	rows := make([]consent, 0, len(c.of))
	for _, row := range c.of {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b consent) int { return bytes.Compare([]byte(a.Person), []byte(b.Person)) })
	return jsonLines(rows)
}

// note takes a word in; flush writes it down.
func (c *consents) note(row consent) {
	if c.put(row) {
		c.unsaved = append(c.unsaved, row)
	}
}

// flush writes down what was noted, on disk when it returns.
func (c *consents) flush() error {
	if err := c.state.add(consentFile, jsonLines(c.unsaved)); err != nil {
		return fmt.Errorf("save consents: %w", err)
	}
	c.unsaved = nil
	return nil
}

// allows reports whether a person's messages may be passed on, and if not, which count of
// skipped messages they belong to.
func (c *consents) allows(person string, required bool) (bool, string) {
	row, known := c.of[person]
	switch {
	case known && !row.Agreed:
		return false, skippedDisagreed
	case !known && required:
		return false, skippedNoConsent
	}
	return true, ""
}

func jsonLines[T any](rows []T) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, row := range rows {
		_ = enc.Encode(row) // plain structs and a buffer: nothing can fail
	}
	return out.Bytes()
}

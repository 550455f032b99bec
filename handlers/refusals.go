package handlers

import (
	"errors"
	"fmt"
)

// Invalid is a refusal of what somebody asked for: which field, and what is wrong with it.
type Invalid struct {
	Field  string
	Detail string
}

func (e *Invalid) Error() string { return e.Field + ": " + e.Detail }

// Invalidf refuses a field: the rest says what is wrong with it and what is wanted.
func Invalidf(field, format string, args ...any) error {
	return &Invalid{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Under puts a field that was found invalid below another, if there is one.
func Under(parent string, err error) error {
	var inv *Invalid
	if errors.As(err, &inv) && parent != "" {
		return &Invalid{Field: parent + "." + inv.Field, Detail: inv.Detail}
	}
	return err
}

// Conflict says that a thing is in the wrong state for what was asked.
type Conflict struct{ Detail string }

func (e *Conflict) Error() string { return e.Detail }

package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Codes that any call may answer. Those of one family stand in its file.
const (
	codeBusy        = -1
	codeBadUser     = 40003
	codeUserListLen = 40032
	codeEscaped     = 40033
	codeBadJSON     = 40035
	codeBadParam    = 40058
	codeEmptyParam  = 40063
	codeNoUserID    = 41009
	codeNoURL       = 41010
	codeNoTitle     = 41016
	codeEmptyText   = 44004
	codeTooLong     = 45002
	codeTooMany     = 45009
	codeParallel    = 45033
	codeNoScheme    = 45034
	codeBadCursor   = 50100
	codeNotVisible  = 60011
	codeNoUser      = 60111
)

// failure is a refusal with the platform's code and words.
type failure struct {
	code int
	msg  string
}

func refuse(code int, format string, v ...any) *failure {
	return &failure{code: code, msg: fmt.Sprintf(format, v...)}
}

// args reads the fields of a JSON object and remembers the first thing that is wrong, so
// that a handler reads everything first and asks once. Null counts as absent; fields that
// nobody reads are ignored, as on the platform.
type args struct {
	where  string // path of this object in the body, with a dot at its end
	fields map[string]any
	first  **failure // shared with the objects inside
}

func newArgs(fields map[string]any) args { return args{fields: fields, first: new(*failure)} }

// decodeArgs turns a body into args; anything but a JSON object is refused.
func decodeArgs(body []byte) (args, *failure) {
	if hasEscapedMarkup(body) {
		return args{}, refuse(codeEscaped, "invalid charset, \\uXXXX is not supported, send the character itself")
	}
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	err := dec.Decode(&fields)
	if err == nil && fields == nil {
		err = fmt.Errorf("not an object")
	}
	if err == nil {
		if _, more := dec.Token(); more != io.EOF {
			err = fmt.Errorf("more than one value")
		}
	}
	if err != nil {
		return args{}, refuse(codeBadJSON, "Warning: wrong json format. invalid Request Parameter: %v", err)
	}
	return newArgs(fields), nil
}

// hasEscapedMarkup looks for < > & written as escapes, which the platform does not read.
func hasEscapedMarkup(body []byte) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		i++ // whatever follows the backslash belongs to it
		if body[i] == 'u' && i+4 < len(body) {
			switch strings.ToLower(string(body[i+1 : i+5])) {
			case "003c", "003e", "0026":
				return true
			}
		}
	}
	return false
}

// bad remembers a refusal unless there is one already.
func (a args) bad(code int, format string, v ...any) {
	if *a.first == nil {
		*a.first = refuse(code, format, v...)
	}
}

// failed returns the first thing that was wrong, or nil.
func (a args) failed() *failure { return *a.first }

func (a args) has(name string) bool { return a.fields[name] != nil }

func (a args) wrongType(name, want string) {
	a.bad(codeBadParam, "invalid Request Parameter: %s%s must be %s", a.where, name, want)
}

// text reads an optional string.
func (a args) text(name string) string {
	if !a.has(name) {
		return ""
	}
	v, ok := a.fields[name].(string)
	if !ok {
		a.wrongType(name, "a string")
	}
	return v
}

// need reads a string that must not be empty; code and words say what is missing.
func (a args) need(name string, code int) string {
	v := a.text(name)
	if v == "" {
		a.bad(code, "missing %s%s", a.where, name)
	}
	return v
}

// maxChars refuses a text of more than n characters.
func (a args) maxChars(name, v string, n int) string {
	if utf8.RuneCountInString(v) > n {
		a.bad(codeBadParam, "invalid Request Parameter: %s%s has more than %d characters", a.where, name, n)
	}
	return v
}

// maxBytes refuses a text of more than n bytes.
func (a args) maxBytes(name, v string, n int) string {
	if len(v) > n {
		a.bad(codeTooLong, "size over limit: %s%s has more than %d bytes", a.where, name, n)
	}
	return v
}

// link reads an URL with its scheme, of at most n bytes; missing is the code for none, or 0
// if it may be absent.
func (a args) link(name string, n, missing int) string {
	v := a.text(name)
	switch {
	case v == "" && missing != 0:
		a.bad(missing, "missing %s%s", a.where, name)
	case v != "" && !strings.Contains(v, "://"):
		a.bad(codeNoScheme, "%s%s has no scheme", a.where, name)
	}
	return a.maxBytes(name, v, n)
}

// number reads an optional whole number.
func (a args) number(name string, absent int64) int64 {
	if !a.has(name) {
		return absent
	}
	v, ok := a.fields[name].(json.Number)
	n, err := v.Int64()
	if !ok || err != nil {
		a.wrongType(name, "an integer")
	}
	return n
}

// numberOrText reads a whole number that the platform also takes as a string.
func (a args) numberOrText(name string, absent int64) int64 {
	v, ok := a.fields[name].(string)
	if !ok {
		return a.number(name, absent)
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		a.wrongType(name, "an integer")
	}
	return n
}

// between reads a whole number from low to high; an absent one outside of them is required.
func (a args) between(name string, absent, low, high int64) int64 {
	n := a.number(name, absent)
	if n < low || n > high {
		a.bad(codeBadParam, "invalid Request Parameter: %s%s must be from %d to %d", a.where, name, low, high)
	}
	return n
}

// flag reads an optional true or false.
func (a args) flag(name string, absent bool) bool {
	if !a.has(name) {
		return absent
	}
	v, ok := a.fields[name].(bool)
	if !ok {
		a.wrongType(name, "true or false")
	}
	return v
}

// list reads an optional array of strings with at most n entries.
func (a args) list(name string, n int) []string {
	if !a.has(name) {
		return nil
	}
	items, ok := a.fields[name].([]any)
	if !ok {
		a.wrongType(name, "an array of strings")
	}
	if len(items) > n {
		a.bad(codeBadParam, "invalid Request Parameter: %s%s has more than %d entries", a.where, name, n)
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		v, ok := item.(string)
		if !ok {
			a.wrongType(name, "an array of strings")
		}
		out = append(out, v)
	}
	return out
}

// part reads an object inside; without one it is empty.
func (a args) part(name string) args {
	inside := args{where: a.where + name + ".", first: a.first}
	if !a.has(name) {
		return inside
	}
	fields, ok := a.fields[name].(map[string]any)
	if !ok {
		a.wrongType(name, "an object")
	}
	inside.fields = fields
	return inside
}

// parts reads an optional array of objects.
func (a args) parts(name string) []args {
	if !a.has(name) {
		return nil
	}
	items, ok := a.fields[name].([]any)
	if !ok {
		a.wrongType(name, "an array of objects")
	}
	out := make([]args, 0, len(items))
	for i, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			a.wrongType(name, "an array of objects")
		}
		out = append(out, args{where: fmt.Sprintf("%s%s[%d].", a.where, name, i), fields: fields, first: a.first})
	}
	return out
}

// numbers reads an optional array of whole numbers.
func (a args) numbers(name string) []int {
	if !a.has(name) {
		return nil
	}
	items, ok := a.fields[name].([]any)
	if !ok {
		a.wrongType(name, "an array of integers")
	}
	out := make([]int, 0, len(items))
	for _, item := range items {
		v, _ := item.(json.Number)
		n, err := v.Int64()
		if err != nil {
			a.wrongType(name, "an array of integers")
		}
		out = append(out, int(n))
	}
	return out
}

// seconds reads start_time and end_time, which must not be further apart than most.
func (a args) seconds(most time.Duration) (begin, end int64) {
	begin, end = a.number("start_time", 0), a.number("end_time", 0)
	switch {
	case begin <= 0 || end <= 0:
		a.bad(codeEmptyParam, "missing start_time or end_time")
	case end < begin || end-begin > int64(most/time.Second):
		a.bad(codeBadParam, "invalid Request Parameter: start_time to end_time is over %d days or turned around", most/(24*time.Hour))
	}
	return begin, end
}

// ratio reads the width of a picture over its height, from 1.3 to 2.25.
func (a args) ratio(name string) {
	if !a.has(name) {
		return
	}
	v, ok := a.fields[name].(json.Number)
	n, err := v.Float64()
	if !ok || err != nil || n < 1.3 || n > 2.25 {
		a.wrongType(name, "a number from 1.3 to 2.25")
	}
}

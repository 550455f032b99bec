package panel

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"xiaobu/sandbox"
)

// refusal is what is wrong with a control call, in both languages. Programs are told in
// English, pages in theirs.
type refusal struct{ en, zh string }

// Error is the English text.
func (e *refusal) Error() string { return e.en }

// refuse makes a refusal of one sentence in both languages, with the same arguments.
func refuse(en, zh string, args ...any) error {
	return &refusal{fmt.Sprintf(en, args...), fmt.Sprintf(zh, args...)}
}

// explained is an error in the language of a page. What the sandbox itself refuses is in
// English, with a word before it that says what kind of refusal it is.
func explained(err error, lang string) string {
	var known *refusal
	switch {
	case lang == "en":
		return err.Error()
	case errors.As(err, &known):
		return known.zh
	case errors.Is(err, sandbox.ErrNotFound):
		return "没有这个 ID：" + err.Error()
	}
	return "沙箱不接受：" + err.Error()
}

// refuseUnknown refuses a field that a call does not take, and names those that it takes.
func refuseUnknown(name string, known map[string]reflect.Value) error {
	if len(known) == 0 {
		return refuse("field %q is unknown; this call takes none", "不认识字段 %q；这个命令不带任何字段", name)
	}
	list := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	return refuse("field %q is unknown; this call takes %s", "不认识字段 %q；这个命令的字段有：%s", name, list)
}

// refuseValue says what would be right in a field.
func refuseValue(name string, err error) error {
	var kind *json.UnmarshalTypeError
	var known *refusal
	var moment *time.ParseError
	switch {
	case errors.As(err, &moment):
		return refuse("field %q must be a time such as 2026-11-23T10:00:00+08:00, got %s", "字段 %q 要的是 2026-11-23T10:00:00+08:00 这样的时间，来的是 %s", name, moment.Value)
	case errors.As(err, &kind):
		if kind.Field != "" {
			name += "." + kind.Field
		}
		en, zh := kindWords(kind.Type)
		return refuse("field %[1]q must be %[2]s, got %[4]s", "字段 %[1]q 要的是%[3]s，来的是 %[4]s", name, en, zh, kind.Value)
	case errors.As(err, &known):
		return refuse("field %[1]q %[2]s", "字段 %[1]q %[3]s", name, known.en, known.zh)
	}
	return refuse("field %[1]q: %[2]s", "字段 %[1]q：%[2]s", name, strings.TrimPrefix(err.Error(), "json: "))
}

// kindWords say what JSON a type is written as.
func kindWords(t reflect.Type) (en, zh string) {
	switch t.Kind() {
	case reflect.Int64:
		return "a duration such as \"2s\"", " \"2s\" 这样的时长" // a span
	case reflect.Pointer:
		return kindWords(t.Elem())
	case reflect.String:
		return "a string", "文字"
	case reflect.Bool:
		return "true or false", " true 或 false"
	case reflect.Int:
		return "a whole number", "整数"
	case reflect.Float64:
		return "a number", "数"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "a string of base64", " base64 文字"
		}
		return "a list", "列表"
	}
	return "an object", "对象"
}

package panel

import (
	"bytes"
	"encoding"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pagePath is where the pages are, beside the overview at /sandbox/.
const pagePath = "/sandbox/ui/"

// elsewhere stands for the id in the path of a form that sends it as a field of this name,
// because it is chosen on the page.
const (
	elsewhere = "-"
	idField   = "id"
	backField = "back"
)

// isForm reports whether a body comes from a form of a page: it says where to go back to.
// The type alone does not tell, as curl sends JSON under the type of forms. The body is left
// to be read.
func isForm(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxControlBytes+1))
	r.Body = io.NopCloser(bytes.NewReader(body))
	fields, bad := url.ParseQuery(string(body))
	return err == nil && bad == nil && fields.Has(backField)
}

// readForm reads a form into the same struct as a JSON body, by the names of its fields. An
// empty field is left as it is.
func readForm(w http.ResponseWriter, r *http.Request, in any) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxControlBytes)
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("form: %w", err)
	}
	if id := r.PostForm.Get(idField); id != "" && r.PathValue("id") == elsewhere {
		r.SetPathValue("id", id)
	}
	known := map[string]reflect.Value{}
	fieldsOf(reflect.ValueOf(in).Elem(), known)
	for name, values := range r.PostForm {
		field, ok := known[name]
		if !ok && name != backField && name != idField {
			return refuseUnknown(name, known)
		}
		if !ok || strings.Join(values, "") == "" {
			continue
		}
		if err := setField(field, values); err != nil {
			return refuseValue(name, err)
		}
	}
	return nil
}

// fieldsOf collects the fields of a struct by their JSON names, those of embedded structs too.
func fieldsOf(v reflect.Value, out map[string]reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			fieldsOf(v.Field(i), out)
			continue
		}
		out[field.Tag.Get("json")] = v.Field(i)
	}
}

// setField sets a field from the texts of a form.
func setField(field reflect.Value, values []string) (err error) {
	text := strings.TrimSpace(values[0])
	switch into := field.Addr().Interface().(type) {
	case *time.Time:
		if *into, err = time.ParseInLocation("2006-01-02T15:04", text, shanghai()); err != nil {
			*into, err = time.Parse(time.RFC3339, text)
		}
		if err != nil {
			return refuse("must be a time such as 2026-11-23T10:00, got %q", "要的是 2026-11-23T10:00 这样的时间，来的是 %q", text)
		}
	case encoding.TextUnmarshaler:
		return into.UnmarshalText([]byte(text))
	case *string:
		*into = values[0]
	case *[]string:
		*into = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	case *bool:
		*into = text == "on" || text == "true" || text == "1"
	case *int:
		if *into, err = strconv.Atoi(text); err != nil {
			return refuse("must be a whole number, got %q", "要的是整数，来的是 %q", text)
		}
	case *float64:
		if *into, err = strconv.ParseFloat(text, 64); err != nil {
			return refuse("must be a number, got %q", "要的是数，来的是 %q", text)
		}
	default:
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			return setField(field.Elem(), values)
		}
		return refuse("cannot be sent by a form", "不能用表单发，请用 JSON")
	}
	return nil
}

// backTo is the page that a form wants to see next. {chat_id} and the like in it are taken
// from the answer of the command.
func backTo(r *http.Request, out any) string {
	back := r.PostFormValue(backField)
	if answer, ok := out.(reply); ok {
		for name, v := range answer {
			back = strings.ReplaceAll(back, "{"+name+"}", url.PathEscape(fmt.Sprint(v)))
		}
	}
	if !strings.HasPrefix(back, "/sandbox/") {
		return "/sandbox/"
	}
	return back
}

// answerForm leads back to a page that tells what came of a form.
func answerForm(w http.ResponseWriter, r *http.Request, out any, err error) {
	if answer, ok := out.(reply); ok && err == nil && answer["ok"] == false {
		err = fmt.Errorf("%v", answer["error"])
	}
	if err != nil {
		setFlash(w, "!", explained(err, langOf(r)))
		back := backTo(r, nil)
		if strings.Contains(back, "{") {
			back = "/sandbox/"
		}
		http.Redirect(w, r, back, http.StatusSeeOther)
		return
	}
	setFlash(w, "+", "ok")
	http.Redirect(w, r, backTo(r, out), http.StatusSeeOther)
}

// escapePath writes an id as one part of a path.
func escapePath(id string) string { return url.PathEscape(id) }

// actPath is the address of a command, such as /sandbox/groups/wr1/join.
func actPath(parts ...string) string {
	for i := range parts {
		parts[i] = escapePath(parts[i])
	}
	return "/sandbox/" + strings.Join(parts, "/")
}

package api

import (
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
)

const (
	unchecked = "validation failed" // the detail of requests that do not fit the document
	tooLarge  = "request body is too large"
	oneOf     = "expected value to be one of "
	badTime   = "invalid date/time for format "
	wantTime  = "want a time such as 2026-11-23T10:05:00+08:00"
)

// plainly has what the framework refuses say, as our own refusals do, which field is wrong and
// what is wanted.
func plainly(schemas huma.Registry) huma.Transformer {
	return func(c huma.Context, _ string, v any) (any, error) {
		e, ok := v.(*huma.ErrorModel)
		if ok && strings.HasPrefix(e.Detail, tooLarge) {
			e.Detail = fmt.Sprintf("the body is too large; at most %d bytes are taken", c.Operation().MaxBodyBytes-1)
			if c.Operation().MaxBodyBytes == maxUpload {
				e.Detail = "file: is too large; WeCom takes at most 10 MB of an image or a video and 20 MB of another file"
			}
		}
		if !ok || e.Detail != unchecked || len(e.Errors) == 0 {
			return v, nil
		}
		for _, d := range e.Errors {
			reword(d, bodySchema(c), schemas)
		}
		e.Detail = field(e.Errors[0].Location) + ": " + e.Errors[0].Message
		if more := len(e.Errors) - 1; more > 0 {
			e.Detail += fmt.Sprintf("; and %d more", more)
		}
		return e, nil
	}
}

// reword rewrites one mistake. The framework shows the whole object that has a field too many
// or too few, and names the latter in words only.
func reword(d *huma.ErrorDetail, body *huma.Schema, schemas huma.Registry) {
	var missing string
	switch n, _ := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &missing); {
	case n == 1:
		d.Location, d.Message, d.Value = d.Location+"."+missing, "is missing", nil
	case d.Message == validation.MsgUnexpectedProperty:
		d.Message, d.Value = "is not known", nil
		if known := fields(body, d.Location, schemas); len(known) > 0 {
			d.Message += "; known are " + strings.Join(known, ", ")
		}
	case strings.HasPrefix(d.Message, oneOf):
		choice := strings.TrimPrefix(strings.Trim(d.Message[len(oneOf):], `"`), ", ") // where nothing may be said, nothing is the first
		d.Message = fmt.Sprintf("is %q; want one of %s", fmt.Sprint(d.Value), choice)
	case d.Message == validation.MsgExpectedRFC3339DateTime, strings.HasPrefix(d.Message, badTime):
		d.Message = fmt.Sprintf("is %q; %s", fmt.Sprint(d.Value), wantTime)
	}
}

// field is a location as people name it: schedule.cron of body.schedule.cron.
func field(location string) string {
	for _, part := range []string{"body", "query", "path", "header"} {
		if rest, ok := strings.CutPrefix(location, part+"."); ok {
			return rest
		}
	}
	if rest, ok := strings.CutPrefix(location, "body["); ok {
		return "[" + rest // of a list
	}
	return location
}

func bodySchema(c huma.Context) *huma.Schema {
	body := c.Operation().RequestBody
	kind, _, err := mime.ParseMediaType(c.Header("Content-Type"))
	if body == nil || err != nil || body.Content[kind] == nil {
		return nil
	}
	return body.Content[kind].Schema
}

// fields are the names, sorted, of the object in which a location has one that is not known;
// none where the document does not tell.
func fields(s *huma.Schema, location string, schemas huma.Registry) []string {
	steps := strings.Split(strings.ReplaceAll(location, "[", ".["), ".")
	for _, step := range steps[1:] {
		if s != nil && s.Ref != "" {
			s = schemas.SchemaFromRef(s.Ref)
		}
		switch {
		case s == nil:
			return nil
		case strings.HasPrefix(step, "["):
			s = s.Items
		case s.Properties[step] == nil:
			names := slices.Sorted(maps.Keys(s.Properties))
			return slices.DeleteFunc(names, func(name string) bool { return s.Properties[name].ReadOnly })
		default:
			s = s.Properties[step]
		}
	}
	return nil
}

package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"xiaobu/handlers"
	"xiaobu/store"
)

// Page is what every list takes.
type Page struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500" doc:"items on a page"`
	Cursor string `query:"cursor" maxLength:"400" doc:"next_cursor of the page before"`
}

// list is what every list answers.
type list[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor" doc:"empty on the last page"`
}

// paged turns one row more than a page into a page and its cursor.
func paged[R, T any](rows []R, limit int, view func(R) T, cursor func(R) string) *result[list[T]] {
	l := list[T]{Items: []T{}}
	for i, r := range rows {
		if i == limit {
			l.NextCursor = cursor(rows[i-1])
			break
		}
		l.Items = append(l.Items, view(r))
	}
	return answer(l)
}

// number reads a cursor that is an id.
func (p Page) number() (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.Cursor, 10, 64)
	if err != nil || n < 0 {
		return 0, badCursor()
	}
	return n, nil
}

// numbered answers a page of a list in the order of an id, which is its cursor. read gets
// the id of the row before the page, and how many rows to read.
func numbered[R, T any](ctx context.Context, s *server, p Page, read func(after int64, limit int) ([]R, error), view func(R) T, id func(R) int64) (*result[list[T]], error) {
	after, err := p.number()
	if err != nil {
		return nil, err
	}
	rows, err := read(after, p.Limit+1)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return paged(rows, p.Limit, view, func(r R) string { return idString(id(r)) }), nil
}

// words reads a cursor of strings.
func (p Page) words(n int) ([]string, error) {
	if p.Cursor == "" {
		return make([]string, n), nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	parts := strings.Split(string(raw), "\n")
	if err != nil || len(parts) != n {
		return nil, badCursor()
	}
	return parts, nil
}

func wordsCursor(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\n")))
}

// moment reads a cursor of a time and an id.
func (p Page) moment() (at time.Time, id int64, err error) {
	if p.Cursor == "" {
		return at, 0, nil
	}
	ms, number, _ := strings.Cut(p.Cursor, ".")
	t, err := strconv.ParseInt(ms, 10, 64)
	if err == nil {
		id, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || id <= 0 {
		return at, 0, badCursor()
	}
	return time.UnixMilli(t), id, nil
}

func momentCursor(at time.Time, id int64) string { return fmt.Sprintf("%d.%d", at.UnixMilli(), id) }

func badCursor() error {
	return huma.Error422UnprocessableEntity("cursor is not one of ours; begin without it",
		&huma.ErrorDetail{Message: "is not a next_cursor of this list", Location: "query.cursor"})
}

// idOf reads an id of a path: what is no number of ours does not exist.
func idOf(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, huma.Error404NotFound("not found")
	}
	return n, nil
}

// byID gets what an id of a path names.
func byID[T any](id string, get func(int64) (T, error)) (v T, err error) {
	n, err := idOf(id)
	if err != nil {
		return v, err
	}
	return get(n)
}

func idString(n int64) string { return strconv.FormatInt(n, 10) }

type oneID struct {
	ID string `path:"id"`
}

// dropping answers a DELETE of what an id names.
func (s *server) dropping(drop func(context.Context, int64) error) func(context.Context, *oneID) (*none, error) {
	return func(ctx context.Context, in *oneID) (*none, error) {
		id, err := idOf(in.ID)
		if err != nil {
			return nil, err
		}
		if err := drop(ctx, id); err != nil {
			return nil, s.fail(ctx, err)
		}
		return nil, nil
	}
}

// Keyed is the header of a POST that creates.
type Keyed struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"the same key answers the first result again"`
}

// once creates something at most once per key: a repeated request gets what the first one
// made, and the same key with another body is refused. make creates; it must call the
// Remember it is given in the transaction that does. show answers with what exists.
func once[T any](ctx context.Context, s *server, route string, k Keyed, body any,
	create func(handlers.Remember) (T, error), show func(resource string) (T, error),
) (T, error) {
	var zero T
	if k.Key == "" {
		return create(func(*store.Tx, string) error { return nil })
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return zero, err
	}
	sum := sha256.Sum256(raw)
	first := store.FirstAnswer{Route: route, Key: k.Key, BodyHash: hex.EncodeToString(sum[:])}
	replay := func() (T, error) {
		known, err := s.Store.Read(ctx).FirstAnswer(route, k.Key)
		if err != nil {
			return zero, err
		}
		if known.BodyHash != first.BodyHash {
			return zero, huma.Error422UnprocessableEntity("this Idempotency-Key was used with another body",
				&huma.ErrorDetail{Message: "was used with another body", Location: "header.Idempotency-Key"})
		}
		return show(known.Resource)
	}
	if v, err := replay(); !errors.Is(err, store.ErrNotFound) {
		return v, err
	}
	v, err := create(func(tx *store.Tx, resource string) error {
		first.Resource = resource
		fresh, err := tx.Remember(first)
		if err == nil && !fresh {
			return handlers.ErrRepeated
		}
		return err
	})
	if errors.Is(err, handlers.ErrRepeated) {
		return replay()
	}
	return v, err
}

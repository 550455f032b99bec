package store

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"gorm.io/gorm/schema"
)

// never stands for "no deadline" in columns that are sorted by deadline.
const never int64 = 1<<53 - 1

// ms is how a time is kept: whole milliseconds since 1970. The zero time is NULL.
func ms(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func fromMS(v int64) time.Time { return time.UnixMilli(v).UTC() }

// msSerializer lets a time.Time field of a model live in a column of milliseconds; gorm
// finds it under the name "ms".
type msSerializer struct{}

func (msSerializer) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, v any) error {
	var t time.Time
	switch v := v.(type) {
	case nil:
	case int64:
		t = fromMS(v)
	default:
		return fmt.Errorf("column %s holds a %T, want milliseconds", field.DBName, v)
	}
	field.ReflectValueOf(ctx, dst).Set(reflect.ValueOf(t))
	return nil
}

func (msSerializer) Value(_ context.Context, _ *schema.Field, _ reflect.Value, v any) (any, error) {
	t, ok := v.(time.Time)
	if !ok {
		return nil, fmt.Errorf("a %T is not a time", v)
	}
	return ms(t), nil
}

package accounts

import (
	"database/sql"
	"reflect"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// isText reports whether a field of the type keeps text.
func isText(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.String
}

func isTime(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time](), reflect.TypeFor[bun.NullTime](), reflect.TypeFor[sql.NullTime]():
		return true
	}
	return false
}

// isMark reports whether a field of the type says whether, or since when, something is so.
func isMark(t reflect.Type) bool {
	return isTime(t) || t.Kind() == reflect.Bool || t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Bool
}

// marked reports whether a mark is set. A time in the future is one, too.
func marked(f *schema.Field, user reflect.Value) bool {
	switch v := f.Value(user); m := v.Interface().(type) {
	case time.Time:
		return !m.IsZero()
	case *time.Time:
		return m != nil && !m.IsZero()
	case bun.NullTime:
		return !m.IsZero()
	case sql.NullTime:
		return m.Valid && !m.Time.IsZero()
	default:
		v = reflect.Indirect(v)
		return v.IsValid() && v.Bool()
	}
}

// mark is what to store in a column for "since now".
func mark(f *schema.Field, now time.Time) any {
	if f.IndirectType.Kind() == reflect.Bool {
		return true
	}
	return now
}

// unmarked is what to store in a column for "not".
func unmarked(f *schema.Field) any {
	if f.IndirectType.Kind() == reflect.Bool {
		return false
	}
	return nil
}

// setField sets a field of a user: one of text to a string, a mark to a time.
func setField(f *schema.Field, user reflect.Value, value any) {
	target := f.Value(user)
	switch target.Interface().(type) {
	case bun.NullTime:
		value = bun.NullTime{Time: value.(time.Time)}
	case sql.NullTime:
		value = sql.NullTime{Time: value.(time.Time), Valid: true}
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		target = target.Elem()
	}
	if target.Kind() == reflect.Bool {
		value = true
	}
	target.Set(reflect.ValueOf(value).Convert(target.Type()))
}

// textOf returns the text of a field; "" if it is nil.
func textOf(f *schema.Field, user reflect.Value) string {
	v := reflect.Indirect(f.Value(user))
	if !v.IsValid() {
		return ""
	}
	return v.String()
}

// setMark sets a column that the table keeps to "since now".
func setMark(q *bun.UpdateQuery, f *schema.Field, now time.Time) *bun.UpdateQuery {
	if f == nil {
		return q
	}
	return q.Set("? = ?", f.SQLName, mark(f, now))
}

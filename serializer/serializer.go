// Package serializer turns users into the subjects that sessions keep, and back: any
// type of user by two functions ([New]), or the rows of a table through Bun ([Table]).
package serializer

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/kahu-go/kahu/app"
)

var errNoSubject = errors.New("serializer: the user's key is empty")

// New returns a serializer for users of one type.
//
//	users := serializer.New((*User).Name, store.ByName)
//
// key returns what is stored: it is unique, never changes and is not empty, or
// Serialize fails. byKey returns the user of a key. If it returns nil, a nil pointer
// or sql.ErrNoRows, the user is gone; any other error is a fault. Both are called
// concurrently.
func New[U any](key func(U) string, byKey func(ctx context.Context, key string) (U, error)) app.Serializer {
	if key == nil || byKey == nil {
		panic("serializer: New needs both functions")
	}
	return &typed[U]{key, byKey}
}

type typed[U any] struct {
	key   func(U) string
	byKey func(ctx context.Context, key string) (U, error)
}

func (t *typed[U]) Serialize(_ context.Context, user any) (string, error) {
	u, ok := user.(U)
	if !ok {
		return "", fmt.Errorf("serializer: the user is a %T, not a %s", user, reflect.TypeFor[U]())
	}
	if isNil(u) {
		return "", fmt.Errorf("serializer: the user is a nil %T", u)
	}
	subject := t.key(u)
	if subject == "" {
		return "", errNoSubject
	}
	return subject, nil
}

func (t *typed[U]) Deserialize(ctx context.Context, subject string) (any, error) {
	u, err := t.byKey(ctx, subject)
	if err != nil || isNil(u) {
		return nil, err
	}
	return u, nil
}

// isNil reports whether v is nil or holds a nil of any type.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan:
		return r.IsNil()
	}
	return false
}

package serializer_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/serializer"
)

type hobbit struct{ name string }

func (h *hobbit) key() string { return h.name }

func TestNew(t *testing.T) {
	shire := map[string]*hobbit{"frodo": {"frodo"}, "0": {"0"}}
	byKey := func(_ context.Context, key string) (*hobbit, error) { return shire[key], nil }
	users := serializer.New((*hobbit).key, byKey)

	t.Run("a user comes back from its subject", func(t *testing.T) {
		for _, want := range shire {
			subject, err := users.Serialize(t.Context(), want)
			require.NoError(t, err)
			assert.Equal(t, want.name, subject)
			got, err := users.Deserialize(t.Context(), subject)
			require.NoError(t, err)
			assert.Same(t, want, got)
		}
	})
	t.Run("a value serves as well as a pointer", func(t *testing.T) {
		type account struct{ Username string }
		users := serializer.New(func(a account) string { return a.Username },
			func(_ context.Context, name string) (account, error) { return account{name}, nil })
		subject, err := users.Serialize(t.Context(), account{"sam"})
		require.NoError(t, err)
		got, err := users.Deserialize(t.Context(), subject)
		require.NoError(t, err)
		assert.Equal(t, account{"sam"}, got)
	})
	for name, user := range map[string]any{
		"another type is refused":          "frodo",
		"a value for a pointer is refused": hobbit{"frodo"},
		"nil is refused":                   nil,
		"a nil pointer is refused":         (*hobbit)(nil),
		"an empty subject is refused":      &hobbit{},
	} {
		t.Run(name, func(t *testing.T) {
			subject, err := users.Serialize(t.Context(), user)
			require.Error(t, err)
			assert.Empty(t, subject)
		})
	}
	t.Run("a nil pointer says that the user is gone", func(t *testing.T) {
		got, err := users.Deserialize(t.Context(), "sauron")
		require.NoError(t, err)
		assert.True(t, got == nil, "an untyped nil")
	})
	t.Run("no rows say that the user is gone", func(t *testing.T) {
		users := serializer.New((*hobbit).key, func(context.Context, string) (*hobbit, error) { return &hobbit{}, sql.ErrNoRows })
		got, err := users.Deserialize(t.Context(), "frodo")
		require.ErrorIs(t, err, sql.ErrNoRows)
		assert.True(t, got == nil)
	})
	t.Run("a fault is passed on without a user", func(t *testing.T) {
		fault := errors.New("down")
		users := serializer.New((*hobbit).key, func(context.Context, string) (*hobbit, error) { return &hobbit{"frodo"}, fault })
		got, err := users.Deserialize(t.Context(), "frodo")
		require.ErrorIs(t, err, fault)
		assert.True(t, got == nil)
	})
	t.Run("a missing function panics", func(t *testing.T) {
		assert.PanicsWithValue(t, "serializer: New needs both functions", func() { serializer.New(nil, byKey) })
		assert.PanicsWithValue(t, "serializer: New needs both functions", func() { serializer.New[*hobbit]((*hobbit).key, nil) })
	})
}

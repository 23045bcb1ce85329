package storetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
	"github.com/kahu-go/kahu/tokenstores/storetest"
)

func token(id string) *tokenstores.Token {
	return &tokenstores.Token{ID: id, Type: "api", Subject: "frodo", Hash: "h", Created: time.Unix(1, 0)}
}

// methods calls each method of a store.
var methods = map[string]func(ctx context.Context, s tokenstores.Store) error{
	"Find":   func(ctx context.Context, s tokenstores.Store) error { _, err := s.Find(ctx, "api", "a"); return err },
	"Insert": func(ctx context.Context, s tokenstores.Store) error { return s.Insert(ctx, token("a")) },
	"Touch": func(ctx context.Context, s tokenstores.Store) error {
		return s.Touch(ctx, "api", "a", "h", time.Unix(2, 0), "")
	},
	"Rotate": func(ctx context.Context, s tokenstores.Store) error {
		return s.Rotate(ctx, "api", "a", "h", time.Unix(9, 0), token("b"))
	},
	"Renew": func(ctx context.Context, s tokenstores.Store) error {
		return s.Renew(ctx, "api", "a", "h", tokenstores.Renewal{Hash: "i", Used: time.Unix(2, 0)})
	},
	"Delete": func(ctx context.Context, s tokenstores.Store) error {
		_, err := s.Delete(ctx, "api", "a", "")
		return err
	},
	"List": func(ctx context.Context, s tokenstores.Store) error {
		_, err := s.List(ctx, "api", "frodo")
		return err
	},
	"DeleteAll": func(ctx context.Context, s tokenstores.Store) error {
		_, err := s.DeleteAll(ctx, "api", "frodo", "")
		return err
	},
	"DeleteType": func(ctx context.Context, s tokenstores.Store) error { _, err := s.DeleteType(ctx, "api"); return err },
	"Prune": func(ctx context.Context, s tokenstores.Store) error {
		_, err := s.Prune(ctx, time.Unix(1, 0), 1)
		return err
	},
}

func TestFaulty(t *testing.T) {
	t.Run("passes the suite while it is whole", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) tokenstores.Store { return storetest.NewFaulty(tokenstores.NewMemory()) })
	})
	t.Run("fails on the call that was named and on no other", func(t *testing.T) {
		f := storetest.NewFaulty(tokenstores.NewMemory())
		f.FailCall(2)
		require.NoError(t, methods["Find"](t.Context(), f))
		require.ErrorIs(t, methods["Insert"](t.Context(), f), storetest.ErrFault)
		found, err := f.Find(t.Context(), "api", "a")
		require.NoError(t, err)
		assert.Nil(t, found, "a call that failed did nothing")
		assert.Equal(t, []string{"Find", "Insert", "Find"}, f.Calls())
	})
	t.Run("fails in the methods that were named until it is healed", func(t *testing.T) {
		for name, call := range methods {
			f := storetest.NewFaulty(tokenstores.NewMemory())
			require.NoError(t, f.Insert(t.Context(), token("a")))
			f.Fail(name)
			for range 2 {
				require.ErrorIs(t, call(t.Context(), f), storetest.ErrFault, name)
			}
			f.Heal()
			require.NoError(t, call(t.Context(), f), name)
		}
	})
	t.Run("fails in every method if none was named", func(t *testing.T) {
		f := storetest.NewFaulty(tokenstores.NewMemory())
		f.Fail()
		for name, call := range methods {
			require.ErrorIs(t, call(t.Context(), f), storetest.ErrFault, name)
		}
	})
	t.Run("does the work and fails where answers are lost", func(t *testing.T) {
		f := storetest.NewFaulty(tokenstores.NewMemory())
		f.Fail("Insert")
		f.LoseAnswers()
		require.ErrorIs(t, f.Insert(t.Context(), token("a")), storetest.ErrFault)
		found, err := f.Find(t.Context(), "api", "a")
		require.NoError(t, err)
		assert.NotNil(t, found)
	})
}

func TestFaultyDenylist(t *testing.T) {
	calls := map[string]func(ctx context.Context, l tokenstores.Denylist) error{
		"Deny": func(ctx context.Context, l tokenstores.Denylist) error {
			return l.Deny(ctx, tokenstores.Denial{Key: "a", Mark: "1", Until: time.Unix(9, 0)})
		},
		"Find": func(ctx context.Context, l tokenstores.Denylist) error {
			_, err := l.Find(ctx, "frodo", "a")
			return err
		},
		"Prune": func(ctx context.Context, l tokenstores.Denylist) error {
			_, err := l.Prune(ctx, time.Unix(1, 0), 1)
			return err
		},
	}
	t.Run("passes the suite while it is whole", func(t *testing.T) {
		storetest.RunDenylist(t, func(*testing.T) tokenstores.Denylist {
			return storetest.NewFaultyDenylist(tokenstores.NewMemoryDenylist())
		})
	})
	t.Run("fails in the methods that were named, or in all, until it is healed", func(t *testing.T) {
		for name, call := range calls {
			for _, methods := range [][]string{{name}, nil} {
				f := storetest.NewFaultyDenylist(tokenstores.NewMemoryDenylist())
				f.Fail(methods...)
				require.ErrorIs(t, call(t.Context(), f), storetest.ErrFault, name)
				f.Heal()
				require.NoError(t, call(t.Context(), f), name)
				assert.Equal(t, []string{name, name}, f.Calls())
			}
		}
	})
	t.Run("does the work and fails where an answer is lost", func(t *testing.T) {
		f := storetest.NewFaultyDenylist(tokenstores.NewMemoryDenylist())
		f.FailCall(1)
		f.LoseAnswers()
		require.ErrorIs(t, calls["Deny"](t.Context(), f), storetest.ErrFault)
		found, err := f.Find(t.Context(), "frodo", "a")
		require.NoError(t, err)
		assert.Equal(t, []string{"1"}, found.Marks)
	})
}

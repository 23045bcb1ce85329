package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/tokenstores"
)

var contextClauses = []clause{
	{"Find and List under a cancelled context are errors, never nothing", func(t *testing.T, s tokenstores.Store) {
		insert(t, s, token("one"))
		for _, id := range []string{"one", "unknown", "a\x00", ""} {
			found, err := s.Find(cancelled(t), "api", id)
			require.Error(t, err)
			assert.Nil(t, found)
			tokens, err := s.List(cancelled(t), "api", id)
			require.Error(t, err)
			assert.Nil(t, tokens)
		}
	}},
	{"writes under a cancelled context are errors and write nothing", func(t *testing.T, s tokenstores.Store) {
		want, ctx := insert(t, s, token("one")), cancelled(t)
		_, deleted := s.Delete(ctx, "api", "one", "")
		_, deletedAll := s.DeleteAll(ctx, "api", "frodo", "")
		_, deletedType := s.DeleteType(ctx, "api")
		_, pruned := s.Prune(ctx, start.AddDate(1, 0, 0), 10)
		for name, err := range map[string]error{
			"Insert":     s.Insert(ctx, token("two")),
			"Touch":      s.Touch(ctx, "api", "one", want.Hash, start.Add(time.Hour), ""),
			"Rotate":     s.Rotate(ctx, "api", "one", want.Hash, until, token("two")),
			"Renew":      s.Renew(ctx, "api", "one", want.Hash, renewal("one", "b", start.Add(time.Hour))),
			"Delete":     deleted,
			"DeleteAll":  deletedAll,
			"DeleteType": deletedType,
			"Prune":      pruned,
		} {
			require.Error(t, err, name)
			require.NotErrorIs(t, err, tokenstores.ErrTokenGone, name)
			require.NotErrorIs(t, err, tokenstores.ErrTokenRotated, name)
		}
		assertGone(t, s, "api", "two")
		assertToken(t, want, find(t, s, "api", "one"))
	}},
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

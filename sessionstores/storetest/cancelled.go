package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var contextClauses = []clause{
	{"Find under a cancelled context is an error, never nothing", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "key", record())
		for _, key := range []string{"key", "unknown"} {
			r, err := s.Find(cancelled(t), key)
			require.Error(t, err)
			assert.Nil(t, r)
		}
	}},
	{"writes under a cancelled context are errors and write nothing", func(t *testing.T, s app.SessionStore) {
		want := insert(t, s, "key", record())
		changed, ctx := *want, cancelled(t)
		changed.Data = data("lost", "true")
		for name, err := range map[string]error{
			"Insert": s.Insert(ctx, "new", "key", record()),
			"Update": s.Update(ctx, "key", &changed),
			"Touch":  s.Touch(ctx, "key", start.Add(time.Hour), start.Add(2*time.Hour)),
			"Delete": s.Delete(ctx, "key"),
		} {
			require.Error(t, err, name)
			require.NotErrorIs(t, err, app.ErrSessionGone, name)
			require.NotErrorIs(t, err, app.ErrSessionChanged, name)
		}
		if l, ok := s.(app.SessionLimiter); ok {
			ended, err := l.InsertLimited(ctx, "new", "", record(), 1)
			require.Error(t, err)
			assert.Empty(t, ended)
		}
		assertGone(t, s, "new")
		assertRecord(t, want, find(t, s, "key"))
	}},
	{"lists and sweeps under a cancelled context are errors", func(t *testing.T, s app.SessionStore) {
		insert(t, s, "key", record())
		ctx := cancelled(t)
		if l, ok := s.(app.SessionLister); ok {
			_, err := l.ListSessions(ctx, "session", "frodo")
			require.Error(t, err)
			_, err = l.DeleteSessions(ctx, "session", "frodo", "")
			require.Error(t, err)
		}
		if p, ok := s.(app.SessionPruner); ok {
			_, err := p.PruneSessions(ctx, start.AddDate(1, 0, 0), 10)
			require.Error(t, err)
		}
		find(t, s, "key")
	}},
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

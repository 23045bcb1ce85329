package sessionstores_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/internal/sqltrace"
	"github.com/kahu-go/kahu/sessionstores"
)

// A client that repeats calls whose answers were lost moves a session once, and is told so.
func TestMoveSessionAgain(t *testing.T) {
	again := func(t *testing.T, store app.SessionStore) {
		r := record("frodo")
		require.NoError(t, store.Insert(t.Context(), "old", "", r))
		r.Data = map[string]json.RawMessage{"cart": json.RawMessage(`1`)}
		repeated := *r
		mover := store.(app.SessionMover)
		require.NoError(t, mover.MoveSession(t.Context(), "new", "old", r))
		require.NoError(t, mover.MoveSession(t.Context(), "new", "old", &repeated))
		assert.EqualValues(t, 2, repeated.Version)
		found, err := store.Find(t.Context(), "new")
		require.NoError(t, err)
		assert.EqualValues(t, 2, found.Version, "once")
		late := *r
		late.Version = 1
		require.NoError(t, store.Update(t.Context(), "new", r))
		assert.Error(t, mover.MoveSession(t.Context(), "new", "old", &late), "somebody has used it since")
	}
	onEach(t, func(t *testing.T, db *bun.DB) { again(t, sessionstores.NewBun(db)) })
	t.Run("Redis", func(t *testing.T) { again(t, sessionstores.NewRedis(dial(t))) })
}

func TestMoveSessionIsOneStatement(t *testing.T) {
	onEachTraced(t, func(t *testing.T, db *bun.DB, trace *sqltrace.Trace) {
		store, r := sessionstores.NewBun(db), record("frodo")
		require.NoError(t, store.Insert(t.Context(), "old", "", r))
		trace.Reset()
		require.NoError(t, store.MoveSession(t.Context(), "new", "old", r))
		assert.Equal(t, sqltrace.Counts{Execs: 1}, trace.Counts())
	})
}

// What a session was given in a transaction of the application goes with it, the cookie too.
func TestATransactionThatFailsTakesRegenerateAndSaveBack(t *testing.T) {
	onEach(t, func(t *testing.T, db *bun.DB) {
		sessions := app.NewSessions(sessionstores.NewBun(db), names, app.SessionOptions{})
		h := app.New().Use(sessions.Layer, func(ctx *app.Context, _ app.Handler) error {
			ctx.Status = 204
			if ctx.Request.URL.Path == "/login" {
				return ctx.Login("frodo")
			}
			x, err := ctx.Session()
			require.NoError(t, err)
			require.True(t, ctx.IsAuthenticated())
			handle, outside := x.Handle(), ctx.Context()
			require.NoError(t, x.Set("cart", 1))
			require.ErrorIs(t, database.Transact(outside, db, func(inside context.Context) error {
				ctx.SetContext(inside)
				require.NoError(t, x.Save())
				require.NoError(t, x.Regenerate())
				require.NotEqual(t, handle, x.Handle())
				return assert.AnError
			}), assert.AnError)
			ctx.SetContext(outside)
			assert.Equal(t, handle, x.Handle())
			assert.Equal(t, []string{"cart"}, x.Names())
			id, err := ctx.Identity()
			require.NoError(t, err)
			assert.Equal(t, handle, id.Handle)
			return nil
		})
		cookie := serve(h, "/login", nil).Result().Cookies()[0]
		for range 2 {
			w := serve(h, "/change", cookie)
			require.Equal(t, 204, w.Code)
			require.Empty(t, w.Result().Cookies())
		}
		list, err := sessions.List(t.Context(), "frodo")
		require.NoError(t, err)
		require.Len(t, list, 1)
		found, err := sessionstores.NewBun(db).Find(t.Context(), list[0].Handle)
		require.NoError(t, err)
		assert.Equal(t, `1`, string(found.Data["cart"]), "which was set before, and is saved at the end")
	})
}

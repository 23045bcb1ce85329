package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestSessionSave(t *testing.T) {
	save := func(_ *app.Context, x *app.Session) error { return x.Save() }
	t.Run("stores an empty new session and sets its cookie", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/save"] = save
		s := m.seat()
		assert.Equal(t, []string{"Insert"}, m.since(func() { assert.NotNil(t, s.get("/save").set) }))
		assert.Equal(t, []string{"Find"}, m.since(func() { assert.Nil(t, s.get("/names").set) }), "it is found")
	})
	t.Run("stores the values now and the end of the request not again", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/save"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", "lembas"))
			assert.Equal(t, []string{"Insert"}, m.since(func() { assert.NoError(t, x.Save()) }))
			assert.False(t, x.IsNew())
			return nil
		}
		s := m.seat()
		assert.Equal(t, []string{"Insert"}, m.since(func() { s.get("/save") }))
		assert.Equal(t, "cart", s.get("/names").body)
	})
	t.Run("stays though the answer is 5xx and what came after it does not", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/fail"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", "lembas"))
			require.NoError(t, x.Save())
			require.NoError(t, x.Set("theme", "dark"))
			return errBoom
		}
		s := m.seat()
		a := s.get("/fail")
		assert.Equal(t, 500, a.status)
		require.NotNil(t, a.set, "its cookie is kept")
		assert.Equal(t, "cart", s.get("/names").body)
	})
	t.Run("of what was not changed says that it is in use", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/save"] = save
		s := m.in()
		m.clock.Advance(time.Second)
		assert.Equal(t, []string{"Find", "Touch"}, m.since(func() { s.get("/save") }))
		assert.Equal(t, m.clock.Now(), m.rows()[0].Seen)
		m.told.Expect(t)
		m.clock.Advance(time.Minute)
		assert.Equal(t, []string{"Find", "Touch"}, m.since(func() { s.get("/save") }), "the end of the request not again")
		m.told.Expect(t, app.EventSessionRenewed)
	})
	t.Run("after Logout stores nothing", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/bye"] = func(ctx *app.Context, x *app.Session) error {
			require.NoError(t, x.Save())
			require.NoError(t, ctx.Logout())
			return x.Save()
		}
		s := m.in()
		a := s.get("/bye")
		require.Equal(t, 200, a.status)
		require.Len(t, a.raw, 1)
		assert.Negative(t, a.set.MaxAge, "delete wins")
		assert.Empty(t, m.rows())
	})
	t.Run("after Logout stores what is set then", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/bye"] = func(ctx *app.Context, x *app.Session) error {
			require.NoError(t, ctx.Logout())
			require.NoError(t, x.Flash("info", "farewell"))
			return x.Save()
		}
		s := m.in()
		old := s.as()
		require.Len(t, s.get("/bye").raw, 1)
		assert.Equal(t, "flash", s.get("/names").body)
		assert.Equal(t, 401, old.get("/me").status)
		assert.Equal(t, 401, s.get("/me").status)
	})
	// Trap: a logged-out session written back.
	t.Run("of a session that was ended meanwhile does not bring it back", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		var handle string
		m.does["/slow"] = func(ctx *app.Context, x *app.Session) error {
			handle = x.Handle()
			_, err := m.sessions.LogoutAll(ctx.Context(), &hobbit{"frodo"})
			require.NoError(t, err)
			require.NoError(t, x.Set("cart", "lembas"))
			return x.Save()
		}
		s := m.in()
		a := s.get("/slow")
		assert.Equal(t, 200, a.status)
		assert.Empty(t, a.raw)
		assert.Empty(t, m.rows())
		r, err := m.store.Find(t.Context(), handle)
		require.NoError(t, err)
		assert.Nil(t, r)
	})
	t.Run("to a store that fails is 503 and sets no cookie", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/save"] = save
		m.store.Fail("Insert", "Touch")
		a := m.seat().get("/save")
		assert.Equal(t, 503, a.status)
		assert.Empty(t, a.raw)
	})
	t.Run("bounds what it stores", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{MaxBytes: 100})
		m.does["/save"] = func(_ *app.Context, x *app.Session) error {
			assert.ErrorIs(t, x.Set("cart", strings.Repeat("x", 100)), app.ErrSessionTooLarge)
			return x.Save()
		}
		s := m.seat()
		assert.Equal(t, 200, s.get("/save").status)
		assert.Empty(t, s.get("/names").body)
	})
}

func TestSessionSkipSave(t *testing.T) {
	t.Run("drops what was changed", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/skip"] = func(_ *app.Context, x *app.Session) error {
			x.SkipSave()
			return x.Set("theme", "dark")
		}
		s := m.seat()
		assert.Empty(t, m.since(func() { assert.Empty(t, s.get("/skip").raw) }), "of a visitor")
		s.get("/set")
		s.get("/skip")
		assert.Equal(t, "cart", s.get("/names").body)
	})
	t.Run("does not even say that the session is in use", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{Idle: 10 * time.Minute})
		m.does["/skip"] = func(_ *app.Context, x *app.Session) error { x.SkipSave(); return nil }
		s := m.in()
		m.clock.Advance(9 * time.Minute)
		assert.Equal(t, []string{"Find"}, m.since(func() { s.get("/skip") }))
		m.clock.Advance(time.Minute)
		assert.Equal(t, 401, s.get("/me").status)
	})
	t.Run("is no hindrance to what is written at once", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/in"] = func(ctx *app.Context, x *app.Session) error {
			x.SkipSave()
			return ctx.Login(&hobbit{"frodo"})
		}
		m.does["/kept"] = func(_ *app.Context, x *app.Session) error {
			x.SkipSave()
			require.NoError(t, x.Set("a", 1))
			require.NoError(t, x.Save())
			return x.Set("b", 2)
		}
		m.does["/out"] = func(ctx *app.Context, x *app.Session) error {
			x.SkipSave()
			return ctx.Logout()
		}
		s := m.seat()
		s.get("/in")
		assert.Equal(t, "frodo", s.get("/me").body)
		s.get("/kept")
		assert.Equal(t, "a", s.get("/names").body)
		old := s.as()
		s.get("/out")
		assert.Equal(t, 401, old.get("/me").status)
	})
}

func TestExpiredSessionIsDeletedWhenItIsMet(t *testing.T) {
	expired := func(t *testing.T) (*moot, *seat) {
		m := newMoot(t, app.SessionOptions{})
		s := m.in()
		m.clock.Advance(time.Hour)
		return m, s
	}
	t.Run("by the end of the request", func(t *testing.T) {
		m, s := expired(t)
		assert.Equal(t, []string{"Find", "Delete"}, m.since(func() { assert.Equal(t, 401, s.get("/me").status) }))
		m.told.Expect(t, app.EventSessionExpired, app.EventDenied)
		assert.Equal(t, []string{"Find"}, m.since(func() { assert.Equal(t, 401, s.get("/me").status) }))
		m.told.Expect(t, app.EventSessionMissed, app.EventDenied)
		m.clock.Advance(-time.Hour)
		assert.Equal(t, 401, s.get("/me").status, "it is gone for good")
	})
	t.Run("by a new session in the same step", func(t *testing.T) {
		m, s := expired(t)
		assert.Equal(t, []string{"Find", "Insert"}, m.since(func() { assert.Equal(t, 200, s.get("/set").status) }))
		m.clock.Advance(-time.Hour)
		assert.Empty(t, m.rows())
	})
	t.Run("and a fault in that is nobody's but ours", func(t *testing.T) {
		m, s := expired(t)
		m.store.Fail("Delete")
		assert.Equal(t, 401, s.get("/me").status)
		m.store.Heal()
		s.get("/me")
		m.told.Expect(t, app.EventSessionExpired, app.EventDenied, app.EventSessionExpired, app.EventDenied)
	})
	t.Run("also by a request without a user of its own", func(t *testing.T) {
		m, s := expired(t)
		assert.Equal(t, []string{"Find", "Delete"}, m.since(func() { assert.Equal(t, 200, s.get("/names").status) }))
	})
}

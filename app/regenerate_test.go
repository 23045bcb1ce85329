package app_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

// grower is a moot where sessions are regenerated.
func grower(t *testing.T, o app.SessionOptions) *moot {
	m := newMoot(t, o)
	m.does["/fill"] = func(_ *app.Context, x *app.Session) error {
		for _, name := range []string{"cart", "theme", "draft"} {
			require.NoError(t, x.Set(name, name))
		}
		return x.Flash("info", "welcome")
	}
	m.does["/grow"] = func(_ *app.Context, x *app.Session) error { return x.Regenerate("theme") }
	return m
}

func TestSessionRegenerate(t *testing.T) {
	t.Run("gives another id and drops the values but those that are named", func(t *testing.T) {
		m := grower(t, app.SessionOptions{Stamp: func(any) string { return "one" }})
		s := m.in()
		s.get("/fill")
		old := s.as()
		m.told.Reset()
		a := s.get("/grow")
		require.Equal(t, 200, a.status)
		require.Len(t, a.raw, 1)
		assert.Regexp(t, `^__Host-session=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax$`, a.raw[0])
		assert.NotEqual(t, old.cookie.Value, s.cookie.Value)
		told := m.told.Expect(t, app.EventSessionRegenerated)
		assert.Equal(t, m.rows()[0].Handle, told[0].Session)
		assert.Equal(t, "theme", s.get("/names").body)
		assert.Equal(t, "frodo", s.get("/me").body)
		m.told.Reset()
		assert.Equal(t, 401, old.get("/me").status)
		m.told.Expect(t, app.EventSessionMissed, app.EventDenied)
		assert.Len(t, m.rows(), 1)
	})
	t.Run("is one question to the store", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		s := m.in()
		assert.Equal(t, []string{"Find", "MoveSession"}, m.since(func() { s.get("/grow") }))
	})
	t.Run("shows the new handle at once", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		m.does["/grow"] = func(ctx *app.Context, x *app.Session) error {
			before, err := ctx.Identity()
			require.NoError(t, err)
			was := before.Handle
			require.NoError(t, m.sessions.RequireLogin(ctx, func(ctx *app.Context) error {
				require.NoError(t, x.Regenerate())
				id, err := ctx.Identity()
				require.NoError(t, err)
				assert.Equal(t, x.Handle(), id.Handle)
				return nil
			}))
			id, err := m.sessions.Identity(ctx)
			require.NoError(t, err)
			assert.Equal(t, x.Handle(), id.Handle)
			assert.Equal(t, was, before.Handle, "what others hold stays as it is")
			assert.NotEqual(t, was, x.Handle())
			mine, err := m.sessions.Mine(ctx)
			require.NoError(t, err)
			require.Len(t, mine, 1)
			assert.True(t, mine[0].Current)
			return x.Set("after", 1)
		}
		s := m.in()
		require.Equal(t, 200, s.get("/grow").status)
		assert.Equal(t, "after", s.get("/names").body)
	})
	t.Run("leaves when the user logged in and when the session ends", func(t *testing.T) {
		m := grower(t, app.SessionOptions{Idle: 10 * time.Minute, Absolute: 15 * time.Minute})
		m.does["/recent"] = func(ctx *app.Context, _ *app.Session) error {
			return app.RequireRecentLogin(5*time.Minute)(ctx, ok)
		}
		s := m.in()
		before := m.rows()[0]
		m.clock.Advance(9 * time.Minute)
		s.get("/grow")
		after := m.rows()[0]
		assert.Equal(t, before.LoggedIn, after.LoggedIn)
		assert.Equal(t, before.Created, after.Created)
		assert.Equal(t, m.clock.Now(), after.Seen)
		assert.Equal(t, 401, s.get("/recent").status, "it is no login")
		m.clock.Advance(6*time.Minute - time.Microsecond)
		assert.Equal(t, "frodo", s.get("/me").body)
		m.clock.Advance(time.Microsecond)
		assert.Equal(t, 401, s.get("/me").status)
	})
	t.Run("of a visitor of whom nothing is stored drops the values", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		m.does["/both"] = func(ctx *app.Context, x *app.Session) error {
			require.NoError(t, m.does["/fill"](ctx, x))
			return x.Regenerate("theme")
		}
		s := m.seat()
		assert.Equal(t, []string{"Insert"}, m.since(func() { s.get("/both") }))
		assert.Equal(t, "theme", s.get("/names").body)
		assert.Empty(t, m.since(func() { assert.Empty(t, m.seat().get("/grow").raw) }))
	})
	t.Run("of a visitor's session moves it", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		s := m.seat()
		s.get("/fill")
		old := s.as()
		s.get("/grow")
		assert.Equal(t, "theme", s.get("/names").body)
		assert.Empty(t, old.get("/names").body)
	})
	t.Run("keeps the answer of 5xx from nothing", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		m.does["/grow"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Regenerate())
			return errBoom
		}
		s := m.in()
		a := s.get("/grow")
		assert.Equal(t, 500, a.status)
		require.NotNil(t, a.set, "the old id is dead, so the client needs the new one")
		assert.Equal(t, "frodo", s.get("/me").body)
	})
	t.Run("with a store that fails is 503 and leaves the session as it was", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		m.does["/swallow"] = func(_ *app.Context, x *app.Session) error {
			require.Error(t, x.Regenerate())
			return nil
		}
		s := m.in()
		s.get("/fill")
		m.store.Fail("MoveSession")
		for path, want := range map[string]int{"/grow": 503, "/swallow": 200} {
			a := s.get(path)
			assert.Equal(t, want, a.status)
			assert.Empty(t, a.raw)
		}
		assert.Equal(t, "cart draft flash theme", s.get("/names").body)
		assert.Equal(t, "frodo", s.get("/me").body)
	})
	t.Run("with a store that cannot move sessions is an error that names it", func(t *testing.T) {
		s := app.NewSessions(plain{sessionstores.NewMemory()}, &hobbits{}, app.SessionOptions{})
		assert.ErrorContains(t, serveError(get("/"), s.Layer, func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			return x.Regenerate()
		}), "Regenerate needs a store that is a SessionMover, app_test.plain is none")
	})
	t.Run("from another site is 403", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		r := post("/grow", "text/plain", "")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		s := m.in()
		r.AddCookie(&http.Cookie{Name: cookieName, Value: s.cookie.Value})
		assert.Equal(t, 403, record(m.app, r).Code)
	})
}

// Trap: a logged-out session written back.
func TestSessionRegenerateAgainstOthers(t *testing.T) {
	for name, end := range map[string]func(m *moot, ctx context.Context, s *seat){
		"logged out everywhere": func(m *moot, ctx context.Context, _ *seat) {
			_, err := m.sessions.LogoutAll(ctx, &hobbit{"frodo"})
			require.NoError(m.t, err)
		},
		"logged out in another tab": func(m *moot, _ context.Context, s *seat) { require.Equal(m.t, 200, s.as().get("/logout").status) },
	} {
		t.Run("a session that was "+name+" meanwhile stays ended", func(t *testing.T) {
			m := grower(t, app.SessionOptions{})
			s := m.in()
			m.does["/slow"] = func(ctx *app.Context, x *app.Session) error {
				return m.sessions.RequireLogin(ctx, func(ctx *app.Context) error {
					require.True(t, ctx.IsAuthenticated())
					end(m, ctx.Context(), s)
					err := x.Regenerate()
					assert.ErrorIs(t, err, app.ErrLoginRequired)
					assert.ErrorIs(t, err, app.ErrSessionGone)
					assert.False(t, ctx.IsAuthenticated())
					return err
				})
			}
			a := s.get("/slow")
			assert.Equal(t, 401, a.status)
			assert.Empty(t, a.raw)
			assert.Empty(t, m.rows())
		})
	}
	t.Run("a visitor's session that was ended meanwhile is an empty one", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		s := m.seat()
		s.get("/fill")
		m.does["/slow"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, m.store.Delete(t.Context(), x.Handle()))
			require.NoError(t, x.Regenerate("theme"))
			assert.Zero(t, x.Len())
			return nil
		}
		assert.Empty(t, s.get("/slow").raw)
	})
	t.Run("what another tab saved meanwhile is kept if it is named", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		s := m.in()
		m.does["/theme"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("draft", "lost"))
			return x.Set("theme", "of the other tab")
		}
		m.does["/slow"] = func(_ *app.Context, x *app.Session) error {
			s.as().get("/theme")
			require.NoError(t, x.Regenerate("theme"))
			var theme string
			_, err := x.Get("theme", &theme)
			assert.Equal(t, "of the other tab", theme)
			return err
		}
		require.Equal(t, 200, s.get("/slow").status)
		assert.Equal(t, "theme", s.get("/names").body)
	})
	t.Run("what another tab saves afterwards under the old id is dropped", func(t *testing.T) {
		m := grower(t, app.SessionOptions{})
		s := m.in()
		m.does["/slow"] = func(_ *app.Context, x *app.Session) error {
			other := s.as()
			require.NotNil(t, other.get("/grow").set)
			s.cookie = other.cookie
			return x.Set("late", 1)
		}
		before := s.as()
		assert.Empty(t, before.get("/slow").raw)
		assert.Empty(t, s.get("/names").body)
		assert.Equal(t, "frodo", s.get("/me").body)
	})
	t.Run("what remembers the client still does", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		handle := w.mellon.handles()
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		res := record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			return x.Regenerate()
		})), r)
		c.SetCookie(cookieName, res.Result().Cookies()[0].Value)
		require.Equal(t, 200, c.Get("/others").Status)
		assert.Equal(t, handle, w.mellon.handles(), "others were forgotten, and this client is not one")
		require.Equal(t, 204, c.Get("/logout").Status)
		assert.Empty(t, w.mellon.handles())
	})
}

// plain has the five methods alone.
type plain struct{ app.SessionStore }

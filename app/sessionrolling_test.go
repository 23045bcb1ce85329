package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestRollingCookie(t *testing.T) {
	rolling := app.SessionOptions{Cookie: app.SessionCookie{MaxAge: time.Hour, Rolling: true}, Idle: time.Hour}
	t.Run("is sent again when the session is extended and at most once a minute", func(t *testing.T) {
		m := newMoot(t, rolling)
		s := m.in()
		id := s.cookie.Value
		for range 3 {
			m.clock.Advance(time.Minute - time.Microsecond)
			assert.Empty(t, s.get("/me").raw)
			m.clock.Advance(time.Microsecond)
			a := s.get("/me")
			require.Len(t, a.raw, 1)
			assert.Equal(t, cookieName+"="+id+"; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax", a.raw[0])
			assert.Empty(t, s.get("/me").raw)
		}
	})
	t.Run("is sent again with a change no more often", func(t *testing.T) {
		m := newMoot(t, rolling)
		m.does["/unset"] = func(_ *app.Context, x *app.Session) error { return x.Delete("cart") }
		s := m.in()
		assert.Empty(t, s.get("/set").raw)
		m.clock.Advance(time.Minute)
		assert.Len(t, s.get("/unset").raw, 1)
		assert.Empty(t, s.get("/set").raw)
	})
	t.Run("is never sent to who has no session", func(t *testing.T) {
		m := newMoot(t, rolling)
		s := m.in()
		m.clock.Advance(time.Hour)
		assert.Empty(t, m.seat().get("/names").raw, "a visitor")
		assert.Empty(t, s.get("/names").raw, "who was logged in")
		assert.Empty(t, s.get("/names").raw, "whose session was deleted")
	})
	t.Run("is not sent by a page that does not ask for the session", func(t *testing.T) {
		w := newShire(t, rolling)
		c := w.client(t)
		c.Get("/login")
		w.clock.Advance(2 * time.Minute)
		assert.Empty(t, c.Get("/plain").Header["Set-Cookie"])
		assert.Len(t, c.Get("/me").Header["Set-Cookie"], 1)
	})
	// Otherwise the id that a login has just given would be overwritten by the dead one before it.
	t.Run("is not sent for a session that was ended meanwhile", func(t *testing.T) {
		m := newMoot(t, rolling)
		m.does["/slow"] = func(ctx *app.Context, x *app.Session) error {
			if ctx.Request.URL.RawQuery != "" {
				require.NoError(t, x.Set("cart", 1))
			}
			return m.store.Delete(t.Context(), x.Handle())
		}
		for _, path := range []string{"/slow", "/slow?change"} {
			s := m.in()
			m.clock.Advance(time.Minute)
			a := s.get(path)
			assert.Equal(t, 200, a.status)
			assert.Empty(t, a.raw, path)
		}
	})
	t.Run("is not sent over the one of a new id", func(t *testing.T) {
		m := newMoot(t, rolling)
		m.does["/again"] = func(ctx *app.Context, x *app.Session) error {
			require.NoError(t, x.Save())
			require.NoError(t, x.Regenerate())
			require.NoError(t, x.Set("cart", 1))
			return nil
		}
		s := m.in()
		before := s.cookie.Value
		m.clock.Advance(time.Minute)
		require.Len(t, s.get("/again").raw, 1)
		assert.NotEqual(t, before, s.cookie.Value)
		assert.Equal(t, "frodo", s.get("/me").body)
	})
	t.Run("is sent once for a login with MaxAge", func(t *testing.T) {
		m := newMoot(t, rolling)
		m.does["/login"] = func(ctx *app.Context, _ *app.Session) error { return ctx.Login(&hobbit{"frodo"}, app.MaxAge(month)) }
		s := m.in()
		m.clock.Advance(time.Hour)
		assert.Empty(t, s.get("/me").raw)
		assert.Empty(t, s.get("/set").raw)
	})
	t.Run("is not sent if the store cannot be asked", func(t *testing.T) {
		m := newMoot(t, rolling)
		s := m.in()
		m.clock.Advance(time.Minute)
		m.store.Fail("Touch")
		a := s.get("/names")
		assert.Equal(t, 503, a.status)
		assert.Empty(t, a.raw)
	})
	t.Run("needs a MaxAge of over a minute", func(t *testing.T) {
		for _, age := range []time.Duration{0, time.Second, time.Minute} {
			assert.PanicsWithValue(t, "app: SessionCookie: Rolling needs a MaxAge of over a minute", func() {
				app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{Cookie: app.SessionCookie{Rolling: true, MaxAge: age}})
			})
		}
	})
	t.Run("is off by default", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{Cookie: app.SessionCookie{MaxAge: time.Hour}})
		s := m.in()
		m.clock.Advance(time.Minute)
		assert.Empty(t, s.get("/me").raw)
	})
}

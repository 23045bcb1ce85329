package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

const month = 30 * 24 * time.Hour

// stayer is a moot where one stays logged in for a month.
func stayer(t *testing.T, o app.SessionOptions, opts ...app.LoginOption) *moot {
	m := newMoot(t, o)
	m.does["/login"] = func(ctx *app.Context, _ *app.Session) error {
		return ctx.Login(&hobbit{"frodo"}, append(opts, app.MaxAge(month))...)
	}
	m.does["/short"] = func(ctx *app.Context, _ *app.Session) error { return ctx.Login(&hobbit{"frodo"}) }
	m.does["/grow"] = func(_ *app.Context, x *app.Session) error { return x.Regenerate() }
	m.does["/confirm"] = func(ctx *app.Context, _ *app.Session) error { return ctx.ConfirmLogin(&hobbit{"frodo"}) }
	m.does["/recent"] = func(ctx *app.Context, _ *app.Session) error { return app.RequireRecentLogin(5*time.Minute)(ctx, ok) }
	return m
}

// lasts finds out to the microsecond that a session lasts for so long from now on.
func (m *moot) lasts(s *seat, d time.Duration) {
	m.t.Helper()
	m.clock.Advance(d - time.Microsecond)
	assert.Equal(m.t, "frodo", s.as().get("/me").body, "just before the end")
	m.clock.Advance(time.Microsecond)
	assert.Equal(m.t, 401, s.as().get("/me").status, "at the end")
}

// idles finds out that a session which is not used for so long is over.
func (m *moot) idles(s *seat, d time.Duration) {
	m.t.Helper()
	require.Equal(m.t, m.clock.Now().Add(d), m.rows()[0].Ends)
	m.clock.Advance(d)
	assert.Equal(m.t, 401, s.get("/me").status)
}

func TestMaxAge(t *testing.T) {
	t.Run("keeps who is away logged in for so long and the cookie with them", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s := m.seat()
		a := s.get("/login")
		require.Len(t, a.raw, 1)
		assert.Regexp(t, `^__Host-session=[A-Za-z0-9_-]{43}; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax$`, a.raw[0])
		assert.Equal(t, m.clock.Now().Add(month), m.rows()[0].Ends)
		assert.Empty(t, s.get("/names").body, "it is no value of the application's")
		m.lasts(s, month)
	})
	t.Run("is not extended by use", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s := m.in()
		for range 29 {
			m.clock.Advance(24 * time.Hour)
			a := s.get("/me")
			require.Equal(t, "frodo", a.body, "nor cut by Idle")
			assert.Empty(t, a.raw)
			require.Equal(t, m.clock.Now(), m.rows()[0].Seen)
		}
		m.lasts(s, 24*time.Hour)
	})
	t.Run("survives a change of values", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s := m.in()
		m.clock.Advance(time.Hour)
		assert.Empty(t, s.get("/set").raw)
		m.lasts(s, month-time.Hour)
	})
	t.Run("survives Clear and Save", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		m.does["/clear"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Save())
			require.NoError(t, x.Clear())
			return x.Save()
		}
		s := m.in()
		s.get("/set")
		m.clock.Advance(time.Hour)
		require.Equal(t, 200, s.get("/clear").status)
		m.lasts(s, month-time.Hour)
	})
	t.Run("survives Regenerate with what is left of it", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s := m.in()
		m.clock.Advance(24 * time.Hour)
		a := s.get("/grow")
		require.NotNil(t, a.set)
		assert.Equal(t, 29*24*3600, a.set.MaxAge)
		m.lasts(s, month-24*time.Hour)
	})
	t.Run("begins anew with ConfirmLogin", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s := m.in()
		m.clock.Advance(24 * time.Hour)
		require.Equal(t, 401, s.get("/recent").status)
		a := s.get("/confirm")
		require.NotNil(t, a.set)
		assert.Equal(t, 30*24*3600, a.set.MaxAge)
		assert.Equal(t, 200, s.get("/recent").status)
		m.lasts(s, month)
	})
	t.Run("is no recent login", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s := m.in()
		m.clock.Advance(5 * time.Minute)
		assert.Equal(t, 200, s.get("/recent").status)
		m.clock.Advance(time.Microsecond)
		assert.Equal(t, 401, s.get("/recent").status)
	})
	t.Run("ends with a login without it", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{}, app.KeepSession("_max-age"))
		m.does["/short"] = func(ctx *app.Context, _ *app.Session) error {
			return ctx.Login(&hobbit{"frodo"}, app.KeepSession("_max-age"))
		}
		s := m.in()
		a := s.get("/short")
		require.NotNil(t, a.set)
		assert.Zero(t, a.set.MaxAge)
		m.idles(s, 30*time.Minute)
	})
	t.Run("may be shorter than Idle", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{Cookie: app.SessionCookie{MaxAge: month}})
		m.does["/login"] = func(ctx *app.Context, _ *app.Session) error {
			return ctx.Login(&hobbit{"frodo"}, app.MaxAge(time.Second))
		}
		s := m.seat()
		assert.Equal(t, 1, s.get("/login").set.MaxAge, "and its cookie shorter than others")
		m.lasts(s, time.Second)
	})
	t.Run("of others is as ever", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s := m.seat()
		s.get("/short")
		m.idles(s, 30*time.Minute)
	})
	t.Run("ends by Logout and from elsewhere", func(t *testing.T) {
		m := stayer(t, app.SessionOptions{})
		s, other := m.in(), m.in()
		old := s.as()
		assert.Negative(t, s.get("/logout").set.MaxAge)
		assert.Equal(t, 401, old.get("/me").status)
		_, err := m.sessions.LogoutAll(t.Context(), &hobbit{"frodo"})
		require.NoError(t, err)
		assert.Equal(t, 401, other.get("/me").status)
	})
	t.Run("is bounded", func(t *testing.T) {
		for d, fine := range map[time.Duration]bool{0: true, time.Second: true, 400 * 24 * time.Hour: true, 400*24*time.Hour + 1: false, time.Second - 1: false, -1: false, 1<<63 - 1: false, -1 << 63: false} {
			m := newMoot(t, app.SessionOptions{})
			m.does["/login"] = func(ctx *app.Context, _ *app.Session) error {
				err := ctx.Login(&hobbit{"frodo"}, app.MaxAge(d))
				if !fine {
					assert.ErrorContains(t, err, "app: Login with MaxAge: ")
				}
				return err
			}
			a := m.seat().get("/login")
			assert.Equal(t, fine, a.status == 200, d)
			assert.Len(t, m.rows(), map[bool]int{true: 1}[fine], d)
			assert.Len(t, a.raw, map[bool]int{true: 1}[fine], d)
		}
	})
	t.Run("goes with no WithoutSession", func(t *testing.T) {
		assert.ErrorContains(t, serveError(get("/"), func(ctx *app.Context, next app.Handler) error { return next(ctx) }, func(ctx *app.Context) error {
			return ctx.Login(&hobbit{"frodo"}, app.WithoutSession(), app.MaxAge(time.Hour))
		}), "app: Login: MaxAge contradicts WithoutSession")
	})
	t.Run("that was damaged in the store is as none", func(t *testing.T) {
		for _, value := range []string{`"-1h"`, `"99999h"`, `"x"`, `7`, `null`} {
			m := stayer(t, app.SessionOptions{})
			s := m.in()
			rec, err := m.store.Find(t.Context(), m.rows()[0].Handle)
			require.NoError(t, err)
			rec.Data["_max-age"] = []byte(value)
			require.NoError(t, m.store.Update(t.Context(), m.rows()[0].Handle, rec))
			m.clock.Advance(time.Hour)
			require.Equal(t, 200, s.get("/set").status, "Idle counts from here on")
			m.idles(s, 30*time.Minute)
		}
	})
	t.Run("and Remember bring the client back afterwards", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.client()
		logIn := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			return ctx.Login(&hobbit{"frodo"}, app.Remember(true), app.MaxAge(24*time.Hour))
		}))
		for _, cookie := range record(logIn, get("/")).Result().Cookies() {
			c.SetCookie(cookie.Name, cookie.Value)
		}
		w.clock.Advance(24*time.Hour - time.Second)
		require.Equal(t, "frodo", c.Get("/me").Body)
		assert.Equal(t, []string{"Remember"}, w.mellon.calls, "nobody asked who is remembered")
		w.clock.Advance(time.Second)
		require.Equal(t, "frodo", c.Get("/me").Body)
		assert.Equal(t, w.clock.Now().Add(30*time.Minute), w.mine(c)[0].Ends, "in a session as any other")
	})
}

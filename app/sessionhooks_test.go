package app_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestValid(t *testing.T) {
	// judged is a moot whose sessions are judged by a function that tests change.
	judged := func(t *testing.T) (m *moot, judge *func(ctx *app.Context, x *app.Session) (bool, error)) {
		judge = new(func(ctx *app.Context, x *app.Session) (bool, error))
		*judge = func(*app.Context, *app.Session) (bool, error) { return true, nil }
		m = newMoot(t, app.SessionOptions{Valid: func(ctx *app.Context, x *app.Session) (bool, error) { return (*judge)(ctx, x) }})
		return m, judge
	}
	no := func(*app.Context, *app.Session) (bool, error) { return false, nil }
	t.Run("is asked once a request and only about a session that is stored", func(t *testing.T) {
		m, judge := judged(t)
		asked := 0
		*judge = func(ctx *app.Context, x *app.Session) (bool, error) {
			asked++
			return x.Handle() != "" && ctx.User().(*hobbit).Name == "frodo" && x.Len() == 0, nil
		}
		m.seat().get("/names")
		s := m.in()
		assert.Zero(t, asked)
		assert.Equal(t, "frodo", s.get("/me").body)
		assert.Equal(t, 1, asked, "and may use the session and its user")
	})
	t.Run("ends the session if it says no", func(t *testing.T) {
		m, judge := judged(t)
		m.does["/set2"] = func(_ *app.Context, x *app.Session) error { return x.Set("theme", "dark") }
		s := m.in()
		s.get("/set")
		old := s.as()
		handle := m.rows()[0].Handle
		*judge = no
		calls := m.since(func() { assert.Equal(t, 401, s.get("/me").status) })
		assert.Equal(t, []string{"Find", "Delete"}, calls)
		told := m.told.Expect(t, app.EventSessionInvalid, app.EventDenied)
		assert.Equal(t, "frodo", told[0].Subject)
		assert.Equal(t, handle, told[0].Session)
		assert.EqualError(t, told[0].Reason, "SessionOptions.Valid says that it is not")
		assert.ErrorIs(t, told[0].Reason, app.ErrNoCredentials)
		*judge = func(*app.Context, *app.Session) (bool, error) { return true, nil }
		assert.Equal(t, 401, old.get("/me").status, "for good")
		assert.NotNil(t, s.get("/set2").set, "a visitor as any other")
		assert.Equal(t, "theme", s.get("/names").body)
	})
	t.Run("leaves nothing of what it proved or set if it says no", func(t *testing.T) {
		m, judge := judged(t)
		*judge = func(ctx *app.Context, x *app.Session) (bool, error) {
			require.True(t, ctx.IsAuthenticated())
			require.NoError(t, app.RequireLogin(ctx, ok))
			require.NoError(t, app.Authenticate(m.sessions)(ctx, ok))
			return false, x.Set("cart", "lembas")
		}
		m.does["/who"] = func(ctx *app.Context, x *app.Session) error {
			assert.Nil(t, ctx.User())
			assert.Empty(t, x.Handle())
			assert.Zero(t, x.Len())
			return nil
		}
		assert.Empty(t, m.in().get("/who").raw)
		assert.Empty(t, m.rows())
	})
	t.Run("may end the session itself", func(t *testing.T) {
		m, judge := judged(t)
		*judge = func(ctx *app.Context, _ *app.Session) (bool, error) { return false, ctx.Logout() }
		s := m.in()
		a := s.get("/me")
		assert.Equal(t, 401, a.status)
		assert.Negative(t, a.set.MaxAge)
		m.told.Expect(t, app.EventLogout, app.EventDenied)
	})
	for name, fault := range map[string]error{
		"an error": errBoom, "an error of the client": &app.Error{Status: 403}, "a rejection": &app.Rejection{}, "no credentials": app.ErrNoCredentials,
		"a login that is required": app.ErrLoginRequired, "an anonymous one": app.ErrAnonymous,
	} {
		for _, valid := range []bool{true, false} {
			t.Run("that returns "+name+" is a fault and ends nothing", func(t *testing.T) {
				m, judge := judged(t)
				s := m.in()
				*judge = func(*app.Context, *app.Session) (bool, error) { return valid, fault }
				for _, path := range []string{"/me", "/names"} {
					a := s.get(path)
					assert.Equal(t, 503, a.status)
					assert.Empty(t, a.raw)
				}
				assert.Len(t, m.rows(), 1)
			})
		}
	}
	t.Run("that panics lets nobody in who recovers from it", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{Valid: func(*app.Context, *app.Session) (bool, error) { panic("the palantir is dark") }})
		c := w.client(t)
		c.Get("/login")
		assert.Equal(t, 500, c.Get("/me").Status)
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		entered := false
		res := record(quiet().Use(w.sessions.Layer, func(ctx *app.Context, next app.Handler) (err error) {
			defer func() { _ = recover(); err = next(ctx) }()
			_, _ = ctx.Identity()
			return nil
		}, app.RequireLogin, last(func(*app.Context) error { entered = true; return nil })), r)
		assert.Equal(t, 503, res.Code)
		assert.False(t, entered)
	})
	t.Run("is not asked by Logout", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{Valid: func(*app.Context, *app.Session) (bool, error) { return false, errBoom }})
		c := w.client(t)
		c.Get("/login")
		assert.Equal(t, 204, c.Get("/logout").Status)
		list, err := w.sessions.List(t.Context(), &hobbit{"frodo"})
		require.NoError(t, err)
		assert.Empty(t, list)
	})
	t.Run("with a store that cannot end the session is 503", func(t *testing.T) {
		m, judge := judged(t)
		s := m.in()
		*judge = no
		m.store.Fail("Delete")
		assert.Equal(t, 503, s.get("/me").status)
		m.store.Heal()
		assert.Equal(t, 401, s.get("/me").status)
	})
	t.Run("forgets the client that is remembered", func(t *testing.T) {
		valid := true
		w := newBuckland(t, app.SessionOptions{Valid: func(*app.Context, *app.Session) (bool, error) { return valid, nil }})
		c, other := w.in("frodo", "&remember"), w.in("frodo", "&remember")
		require.Equal(t, 200, c.Get("/me").Status)
		valid = false
		assert.Equal(t, 401, c.Get("/me").Status)
		valid = true
		assert.Equal(t, 401, c.Get("/me").Status, "it is not brought back")
		assert.Equal(t, "frodo", other.Get("/me").Body)
		assert.Len(t, w.mellon.handles(), 1)
	})
	t.Run("that logs in is about the new session", func(t *testing.T) {
		m, judge := judged(t)
		*judge = func(ctx *app.Context, _ *app.Session) (bool, error) { return true, ctx.Login(&hobbit{"sam"}) }
		s := m.in()
		a := s.get("/me")
		assert.Equal(t, "sam", a.body)
		assert.NotNil(t, a.set)
	})
}

func TestBeforeSave(t *testing.T) {
	type hook = func(ctx *app.Context, x *app.Session) error
	before := func(t *testing.T, f hook) (m *moot, asked *int) {
		asked = new(int)
		m = newMoot(t, app.SessionOptions{BeforeSave: func(ctx *app.Context, x *app.Session) error {
			*asked++
			return f(ctx, x)
		}})
		return m, asked
	}
	stamped := func(_ *app.Context, x *app.Session) error { return x.Set("touched", x.Len()) }
	t.Run("is asked before what changed is saved and may set values", func(t *testing.T) {
		m, asked := before(t, stamped)
		s := m.seat()
		assert.Equal(t, []string{"Insert"}, m.since(func() { s.get("/set") }), "of a new session")
		assert.Equal(t, "cart touched", s.get("/names").body)
		m.does["/theme"] = func(_ *app.Context, x *app.Session) error { return x.Set("theme", "dark") }
		assert.Equal(t, []string{"Find", "Update"}, m.since(func() { s.get("/theme") }), "of one that is stored")
		assert.Equal(t, "cart theme touched", s.get("/names").body)
		assert.Equal(t, 2, *asked)
	})
	t.Run("is not asked where nothing changed", func(t *testing.T) {
		m, asked := before(t, stamped)
		m.does["/both"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", 1))
			return x.Delete("cart")
		}
		m.seat().get("/names")
		m.seat().get("/both")
		s := m.in()
		m.clock.Advance(time.Hour / 4)
		s.get("/me")
		s.get("/logout")
		assert.Zero(t, *asked)
	})
	t.Run("is not asked again when another request saved meanwhile", func(t *testing.T) {
		m, asked := before(t, stamped)
		s := m.in()
		m.does["/slow"] = func(_ *app.Context, x *app.Session) error {
			s.as().get("/set")
			return x.Set("theme", "dark")
		}
		s.get("/slow")
		assert.Equal(t, 2, *asked, "once by each")
		assert.Equal(t, "cart theme touched", s.get("/names").body)
	})
	t.Run("that refuses is answered and nothing is saved", func(t *testing.T) {
		for want, err := range map[int]error{500: errBoom, 409: &app.Error{Status: 409, Message: "No"}} {
			m, _ := before(t, func(_ *app.Context, x *app.Session) error { return errors.Join(x.Set("touched", 1), err) })
			s := m.in()
			a := s.get("/set")
			assert.Equal(t, want, a.status)
			assert.Empty(t, a.raw)
			assert.Empty(t, s.get("/names").body)
			assert.Equal(t, want, m.seat().get("/set").status, "of a visitor")
		}
	})
	t.Run("that panics is 500 and nothing is saved", func(t *testing.T) {
		m, _ := before(t, func(*app.Context, *app.Session) error { panic("the palantir is dark") })
		s := m.in()
		assert.Equal(t, 500, s.get("/set").status)
		assert.Empty(t, s.get("/names").body)
	})
	t.Run("is asked by Save once and cannot call it", func(t *testing.T) {
		m, asked := before(t, func(_ *app.Context, x *app.Session) error {
			for _, err := range []error{x.Save(), x.Regenerate()} {
				assert.ErrorContains(t, err, "BeforeSave cannot save the session itself")
			}
			return x.Set("touched", 1)
		})
		m.does["/save"] = func(_ *app.Context, x *app.Session) error { return x.Save() }
		s := m.seat()
		require.Equal(t, 200, s.get("/save").status)
		assert.Equal(t, "touched", s.get("/names").body, "of an empty new session, too")
		assert.Equal(t, 1, *asked)
	})
	t.Run("that logs in is not asked about that", func(t *testing.T) {
		m, asked := before(t, func(ctx *app.Context, _ *app.Session) error {
			return ctx.Login(&hobbit{"sam"}, app.KeepSession("cart"))
		})
		m.does["/save"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", 1))
			return x.Save()
		}
		s := m.in()
		require.Equal(t, 200, s.get("/save").status)
		assert.Equal(t, "sam", s.get("/me").body)
		assert.Equal(t, "cart", s.get("/names").body)
		assert.Equal(t, 1, *asked)
	})
	t.Run("that logs out before a Save has the session ended", func(t *testing.T) {
		m, _ := before(t, func(ctx *app.Context, _ *app.Session) error { return ctx.Logout() })
		m.does["/save"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", 1))
			return x.Save()
		}
		s := m.in()
		a := s.get("/save")
		assert.Equal(t, 200, a.status)
		assert.Negative(t, a.set.MaxAge)
		assert.Empty(t, m.rows())
	})
	t.Run("is asked before Regenerate and Login keep what changed", func(t *testing.T) {
		m, asked := before(t, stamped)
		m.does["/grow"] = func(_ *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", 1))
			return x.Regenerate("cart", "touched")
		}
		m.does["/keep"] = func(ctx *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", 2))
			return ctx.Login(&hobbit{"frodo"}, app.KeepSession("cart", "touched"))
		}
		s := m.in()
		s.get("/grow")
		assert.Equal(t, "cart touched", s.get("/names").body)
		s.get("/keep")
		assert.Equal(t, "cart touched", s.get("/names").body)
		assert.Equal(t, 2, *asked)
		m.does["/drop"] = func(ctx *app.Context, x *app.Session) error {
			require.NoError(t, x.Set("cart", 3))
			return ctx.Login(&hobbit{"frodo"})
		}
		s.get("/drop")
		assert.Equal(t, 2, *asked, "a login that keeps nothing")
	})
	t.Run("is bounded as any change", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{MaxBytes: 60, BeforeSave: func(_ *app.Context, x *app.Session) error {
			return x.Set("much", "0123456789012345678901234567890123456789")
		}})
		s := m.seat()
		assert.Equal(t, 413, s.get("/set").status)
		assert.Empty(t, s.get("/names").body)
	})
}

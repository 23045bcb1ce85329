package app_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// Trap: a fault answered 401, which logs everybody out while a database is away.
func TestValidThatAsksForAUserWhoCannotBeLoaded(t *testing.T) {
	asks := func(ctx *app.Context, _ *app.Session) (bool, error) { return ctx.User() != nil, nil }
	t.Run("ends no session", func(t *testing.T) {
		m := newMoot(t, app.SessionOptions{Valid: asks})
		s := m.in()
		m.users.err = errBoom
		for _, path := range []string{"/me", "/names", "/set"} {
			assert.Equal(t, 503, s.get(path).status, path)
		}
		m.users.err = nil
		assert.Equal(t, "frodo", s.get("/me").body)
		m.told.Expect(t)
	})
	t.Run("forgets no client", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{Valid: asks})
		c := w.in("frodo", "&remember")
		w.users.err = errBoom
		assert.Equal(t, 503, c.Get("/me").Status)
		w.users.err = nil
		assert.Len(t, w.mellon.handles(), 1)
		assert.Equal(t, "frodo", c.Get("/me").Body)
	})
}

func TestValidThatFailsAfterAGuardLetsNobodyIn(t *testing.T) {
	for name, end := range map[string]func() (bool, error){
		"by an error": func() (bool, error) { return true, errBoom },
		"by a panic":  func() (bool, error) { panic("the palantir is dark") },
	} {
		for by, guard := range map[string]func(s *app.Sessions, ctx *app.Context) error{
			"RequireLogin": func(s *app.Sessions, ctx *app.Context) error { return s.RequireLogin(ctx, ok) },
			"Authenticate": func(s *app.Sessions, ctx *app.Context) error { return app.Authenticate(s)(ctx, ok) },
			"Login":        func(_ *app.Sessions, ctx *app.Context) error { return ctx.Login(&hobbit{"sam"}) },
		} {
			t.Run(by+" "+name, func(t *testing.T) {
				m, dark := newMoot(t, app.SessionOptions{}), false
				sessions := m.sessions
				sessions = m.sessions.With(func(o *app.SessionOptions) {
					o.Valid = func(ctx *app.Context, _ *app.Session) (bool, error) {
						if !dark {
							return true, nil
						}
						assert.NoError(t, guard(sessions, ctx))
						return end()
					}
				})
				s := m.in()
				dark = true
				r := get("/")
				r.AddCookie(s.cookie)
				entered := false
				w := record(quiet().Use(sessions.Layer, func(ctx *app.Context, next app.Handler) (err error) {
					defer func() { _ = recover(); err = next(ctx) }()
					_, _ = ctx.Identity()
					return nil
				}, app.RequireLogin, last(func(*app.Context) error { entered = true; return nil })), r)
				assert.Equal(t, 503, w.Code)
				assert.False(t, entered)
			})
		}
	}
}

// A thief has the session's cookie and not the one that remembers its client.
func TestInvalidSessionForgetsItsClientWhoeverPresentsIt(t *testing.T) {
	thief := func(t *testing.T) (w *buckland, get func() int, valid *bool) {
		valid = new(bool)
		*valid = true
		w = newBuckland(t, app.SessionOptions{Valid: func(*app.Context, *app.Session) (bool, error) { return *valid, nil }})
		owner, c := w.in("frodo", "&remember"), w.client()
		c.SetCookie(cookieName, owner.Cookie(cookieName).Value)
		*valid = false
		return w, func() int { return c.Get("/me").Status }, valid
	}
	t.Run("and ends", func(t *testing.T) {
		w, get, _ := thief(t)
		assert.Equal(t, 401, get())
		assert.Empty(t, w.mellon.handles())
	})
	t.Run("and stays if that cannot be", func(t *testing.T) {
		w, get, valid := thief(t)
		w.mellon.failing("Revoke", errBoom)
		assert.Equal(t, 503, get())
		w.mellon.during = nil
		w.users.err = errBoom
		assert.Equal(t, 503, get())
		w.users.err, *valid = nil, true
		assert.Equal(t, 200, get())
	})
	t.Run("and ends though its user is gone", func(t *testing.T) {
		w, get, valid := thief(t)
		w.users.gone = true
		assert.Equal(t, 401, get())
		w.users.gone, *valid = false, true
		assert.Equal(t, 401, get())
	})
}

func TestBeforeSaveChangesNoAnswer(t *testing.T) {
	var body any
	m := newMoot(t, app.SessionOptions{BeforeSave: func(ctx *app.Context, _ *app.Session) error {
		ctx.Status, ctx.Body = 418, body
		return nil
	}})
	m.does["/set"] = func(ctx *app.Context, x *app.Session) error {
		ctx.Body = map[string]int{"rings": 19}
		return x.Set("cart", "lembas")
	}
	for _, body = range []any{nil, "tea", map[string]int{"rings": 1}} {
		a := m.seat().get("/set")
		assert.Equal(t, 200, a.status)
		assert.Equal(t, `{"rings":19}`, a.body)
		assert.NotNil(t, a.set)
	}
}

func TestBeforeSaveThatAsksForAUserWhoCannotBeLoaded(t *testing.T) {
	m := newMoot(t, app.SessionOptions{BeforeSave: func(ctx *app.Context, x *app.Session) error {
		return x.Set("by", ctx.User() != nil)
	}})
	m.does["/save"] = func(_ *app.Context, x *app.Session) error {
		require.NoError(t, x.Set("cart", "lembas"))
		assert.ErrorIs(t, x.Save(), errBoom)
		return nil
	}
	s := m.in()
	m.users.err = errBoom
	for _, path := range []string{"/set", "/save"} {
		a := s.get(path)
		assert.Equal(t, 503, a.status, path)
		assert.Empty(t, a.raw)
	}
	m.users.err = nil
	assert.Empty(t, s.get("/names").body, "nothing is saved")
}

// A fault is answered until the session that it is of is ended, and no other is.
func TestFaultOfOneKindAndTheLoginOfAnother(t *testing.T) {
	serve := func(t *testing.T, do func(ctx *app.Context, users, admins *app.Sessions) error) *httptest.ResponseRecorder {
		w := newGondor(t)
		c := w.client("/admin/in", "/user/in")
		admins := w.admins.With(func(o *app.SessionOptions) {
			o.Valid = func(*app.Context, *app.Session) (bool, error) { return true, errBoom }
		})
		r := get("/")
		for _, name := range []string{cookieName, adminCookie} {
			r.AddCookie(&http.Cookie{Name: name, Value: c.Cookie(name).Value})
		}
		return record(quiet().Use(w.users.Layer, admins.Layer, last(func(ctx *app.Context) error {
			ctx.Status = 200
			x, err := admins.Session(ctx)
			require.Error(t, err)
			assert.Empty(t, x.Names(), "which keeps the fault")
			return do(ctx, w.users, admins)
		})), r)
	}
	assert.Equal(t, 503, serve(t, func(*app.Context, *app.Sessions, *app.Sessions) error { return nil }).Code)
	assert.Equal(t, 200, serve(t, func(ctx *app.Context, _, admins *app.Sessions) error { return admins.Logout(ctx) }).Code)
	assert.Equal(t, 503, serve(t, func(ctx *app.Context, users, _ *app.Sessions) error { return users.Logout(ctx) }).Code)
	assert.Equal(t, 503, serve(t, func(ctx *app.Context, users, _ *app.Sessions) error { return users.Login(ctx, &hobbit{"frodo"}) }).Code)
}

// Trap: what a user was about to keep is found by whoever sits at the browser next, and the cookie
// of it takes the place of the one that another tab's login has set.
func TestWhatIsSetInASessionThatWasEndedBeginsNone(t *testing.T) {
	ended := func(t *testing.T, write func(x *app.Session) error) (*moot, *seat) {
		m := newMoot(t, app.SessionOptions{})
		m.does["/slow"] = func(ctx *app.Context, x *app.Session) error {
			_, err := m.sessions.LogoutAll(ctx.Context(), &hobbit{"frodo"})
			require.NoError(t, err)
			require.NoError(t, x.Set("draft", "to Galadriel"))
			_ = write(x)
			require.NoError(t, x.Set("letter", "to Galadriel"))
			return m.does["/then"](ctx, x)
		}
		return m, m.in()
	}
	for name, write := range map[string]func(x *app.Session) error{
		"Save":       func(x *app.Session) error { return x.Save() },
		"Regenerate": func(x *app.Session) error { return x.Regenerate("draft") },
	} {
		t.Run("after "+name, func(t *testing.T) {
			for what, then := range map[string]func(ctx *app.Context, x *app.Session) error{
				"at the end of the request": func(*app.Context, *app.Session) error { return nil },
				"by another Save":           func(_ *app.Context, x *app.Session) error { return x.Save() },
			} {
				m, s := ended(t, write)
				m.does["/then"] = then
				a := s.get("/slow")
				assert.Equal(t, 200, a.status, what)
				assert.Empty(t, a.raw, what)
				assert.Empty(t, s.get("/names").body, what)
			}
		})
		t.Run("but a login does, after "+name, func(t *testing.T) {
			m, s := ended(t, write)
			m.does["/then"] = func(ctx *app.Context, x *app.Session) error {
				require.NoError(t, ctx.Login(&hobbit{"sam"}))
				return x.Set("theme", "dark")
			}
			require.NotNil(t, s.get("/slow").set)
			assert.Equal(t, "theme", s.get("/names").body)
			assert.Equal(t, "sam", s.get("/me").body)
		})
	}
	t.Run("but a farewell after its own logout does", func(t *testing.T) {
		m, s := ended(t, func(x *app.Session) error { return x.Save() })
		m.does["/then"] = func(ctx *app.Context, x *app.Session) error {
			require.NoError(t, ctx.Logout())
			return x.Flash("info", "farewell")
		}
		require.NotNil(t, s.get("/slow").set)
		assert.Equal(t, "flash", s.get("/names").body)
	})
}

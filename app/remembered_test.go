package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestRemembered(t *testing.T) {
	t.Run("is who asked for it and nobody else", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		yes, no := w.in("frodo", "&remember"), w.in("sam", "")
		assert.Len(t, w.mellon.handles(), 1)
		w.lapse()
		assert.Equal(t, "frodo", yes.Get("/me").Body)
		assert.Equal(t, 401, no.Get("/me").Status)
	})
	t.Run("begins a session with a cookie of its own and asks once", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		before := c.Cookie(cookieName).Value
		w.lapse()
		w.mellon.calls = nil
		require.Equal(t, 200, c.Get("/me").Status)
		assert.NotEqual(t, before, c.Cookie(cookieName).Value)
		assert.Equal(t, []string{"Authenticate", "Remembers"}, w.mellon.calls)
		require.Equal(t, 200, c.Get("/me").Status)
		assert.Len(t, w.mellon.calls, 2, "there is a session now")
		assert.Len(t, w.mine(c), 1)
	})
	t.Run("is told as the use of a credential and a session and not as a login", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		w.lapse()
		w.told.take()
		require.Equal(t, 200, c.Get("/me").Status)
		assert.Equal(t, []string{
			"13:00 session expired via session of frodo in #1 from 192.0.2.1",
			"13:00 credential used via mellon of frodo from 192.0.2.1",
			"13:00 session created via session of frodo in #2 from 192.0.2.1",
		}, w.told.take())
	})
	t.Run("is no recent login whenever that was", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		require.Equal(t, 200, c.Get("/recent").Status)
		w.clock.Advance(time.Second)
		c.SetCookie(cookieName, "") // the browser was closed
		assert.Equal(t, "frodo", c.Get("/me").Body)
		assert.Equal(t, 401, c.Get("/recent").Status)
		list := w.mine(c)
		assert.Equal(t, w.clock.Now().Add(-time.Second), list[0].LoggedIn, "but that is when they logged in")
		require.Equal(t, 204, c.Get("/confirm?name=frodo").Status)
		assert.Equal(t, 200, c.Get("/recent").Status)
	})
	t.Run("by who says that they logged in just now is no login either", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		for handle, row := range w.mellon.rows {
			row.loggedIn = w.clock.Now().Add(24 * time.Hour)
			w.mellon.rows[handle] = row
		}
		c.SetCookie(cookieName, "")
		assert.Equal(t, 200, c.Get("/me").Status)
		assert.Equal(t, 401, c.Get("/recent").Status)
	})
	t.Run("leaves what a visitor collected behind", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		c.SetCookie(cookieName, "")
		stolen := w.client()
		require.Equal(t, 204, stolen.Get("/set").Status)
		c.SetCookie(cookieName, stolen.Cookie(cookieName).Value) // somebody planted it
		assert.Equal(t, "frodo", c.Get("/me").Body)
		assert.Empty(t, c.Get("/cart").Body)
		assert.Empty(t, stolen.Get("/cart").Body, "the planted session is over")
		assert.Equal(t, 401, stolen.Get("/me").Status)
	})
	t.Run("ends with logout", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		old := c.Cookie("__Host-mellon-session").Value
		require.Equal(t, 204, c.Get("/logout").Status)
		assert.Empty(t, w.mellon.handles())
		c.SetCookie("__Host-mellon-session", old)
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("ends with a login that does not ask for it", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		require.Equal(t, 204, c.Get("/login?name=sam").Status)
		assert.Empty(t, w.mellon.handles())
		w.lapse()
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("without a Rememberer is an error", func(t *testing.T) {
		s, _ := memorySessions()
		assert.ErrorContains(t, serveError(get("/"), s.Layer, func(ctx *app.Context) error {
			return ctx.Login(&hobbit{"frodo"}, app.Remember(true))
		}), "SessionOptions.Remember")
	})
}

// Fail closed: what cannot be found out, written, or ended lets nobody in, now or later.
func TestRememberedFaults(t *testing.T) {
	for _, method := range []string{"Authenticate", "Remembers"} {
		t.Run(method, func(t *testing.T) {
			w := newBuckland(t, app.SessionOptions{})
			c := w.in("frodo", "&remember")
			w.lapse()
			w.mellon.failing(method, errBoom)
			session := c.Cookie(cookieName).Value
			res := c.Get("/me")
			assert.Equal(t, 503, res.Status)
			assert.Equal(t, session, c.Cookie(cookieName).Value, "there is no new session")
			list, err := w.sessions.List(t.Context(), &hobbit{"frodo"})
			require.NoError(t, err)
			assert.Empty(t, list)
			w.mellon.during = nil
			assert.Equal(t, "frodo", c.Get("/me").Body, "and when it is found out they are back")
		})
	}
	t.Run("a session that cannot be ended again is not given to the client", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		w.lapse()
		old := c.Cookie(cookieName).Value
		w.mellon.failing("Remembers", errBoom)
		w.store.fail["Delete"] = errBoom
		assert.Equal(t, 503, c.Get("/me").Status)
		assert.Equal(t, old, c.Cookie(cookieName).Value)
	})
	t.Run("who is logged out meanwhile does not come back", func(t *testing.T) {
		for _, broken := range []bool{false, true} {
			w := newBuckland(t, app.SessionOptions{})
			c := w.in("frodo", "&remember")
			w.lapse()
			old := c.Cookie(cookieName).Value
			w.mellon.during = func(method string) error {
				if method == "Remembers" { // the session is there by now
					w.mellon.during = nil
					w.mellon.remove(func(string, mellonRow) bool { return true })
					if broken {
						w.store.fail["Delete"] = errBoom
					}
				}
				return nil
			}
			want := 401
			if broken {
				want = 503
			}
			assert.Equal(t, want, c.Get("/me").Status)
			assert.Equal(t, old, c.Cookie(cookieName).Value)
			delete(w.store.fail, "Delete")
			assert.Equal(t, 401, c.Get("/me").Status)
		}
	})
	t.Run("a login that cannot be stored is not remembered", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.client()
		w.store.fail["Insert"] = errBoom
		res := c.Get("/login?name=frodo&remember")
		assert.Equal(t, 503, res.Status)
		assert.Empty(t, cookiesOf(res))
		assert.Empty(t, w.mellon.handles())
		delete(w.store.fail, "Insert")
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("who cannot be remembered is not logged in", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.client()
		w.mellon.failing("Remember", errBoom)
		res := c.Get("/login?name=frodo&remember")
		assert.Equal(t, 503, res.Status)
		assert.Empty(t, cookiesOf(res))
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("who cannot be forgotten is not logged out and can try again", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		w.mellon.failing("Forget", errBoom)
		assert.Equal(t, 503, c.Get("/logout").Status)
		assert.Equal(t, 200, c.Get("/me").Status)
		w.mellon.during = nil
		assert.Equal(t, 204, c.Get("/logout").Status)
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("a panic is no answer", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		w.lapse()
		w.mellon.during = func(string) error { panic(errBoom) }
		assert.Equal(t, 500, c.Get("/me").Status)
	})
	t.Run("a word that was replaced brings nobody back", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		old := c.Cookie("__Host-mellon-session").Value
		w.lapse()
		require.Equal(t, 200, c.Get("/me").Status)
		thief := w.client()
		thief.SetCookie("__Host-mellon-session", old)
		assert.Equal(t, 401, thief.Get("/me").Status)
	})
}

// R78
func TestNobodyAfterLogoutInTheSameRequest(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	c := w.in("frodo", "&remember")
	asked := 0
	a := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
		asked++
		assert.True(t, ctx.IsAuthenticated())
		if err := ctx.Logout(); err != nil {
			return err
		}
		id, err := ctx.Identity()
		assert.NoError(t, err)
		assert.Nil(t, id)
		assert.Nil(t, ctx.User())
		assert.False(t, ctx.IsAuthenticated())
		id, err = w.sessions.Identity(ctx)
		assert.NoError(t, err)
		assert.Nil(t, id, "nor is anybody brought back in the same request")
		_, err = w.sessions.Mine(ctx)
		assert.ErrorIs(t, err, app.ErrLoginRequired)
		return nil
	}))
	r := get("/")
	for _, name := range []string{cookieName, "__Host-mellon-session"} {
		r.AddCookie(c.Cookie(name))
	}
	record(a, r)
	assert.Equal(t, 1, asked)
}

func TestNobodyAfterLoginAndLogoutInTheSameRequest(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	var id *app.Identity
	res := record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
		require.NoError(t, ctx.Login(&hobbit{"frodo"}))
		require.True(t, ctx.IsAuthenticated())
		require.NoError(t, ctx.Logout())
		assert.False(t, ctx.IsAuthenticated())
		var err error
		id, err = ctx.Identity()
		return err
	})), get("/"))
	assert.Nil(t, id)
	for _, cookie := range res.Result().Cookies() {
		assert.Negative(t, cookie.MaxAge, cookie.Name)
	}
}

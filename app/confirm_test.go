package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestConfirmLogin(t *testing.T) {
	t.Run("makes a login recent and keeps all that the session held under a new id", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "")
		require.Equal(t, 204, c.Get("/set").Status)
		assert.Equal(t, 200, c.Get("/recent").Status)
		w.clock.Advance(5*time.Minute + time.Second)
		assert.Equal(t, 401, c.Get("/recent").Status)
		before := c.Cookie(cookieName).Value
		w.told.take()
		require.Equal(t, 204, c.Get("/confirm?name=frodo").Status)
		assert.Equal(t, []string{
			"12:05 session created via session of frodo in #2 from 192.0.2.1",
			"12:05 login via session of frodo in #2 from 192.0.2.1",
		}, w.told.take())
		assert.Equal(t, 200, c.Get("/recent").Status)
		assert.Equal(t, "lembas", c.Get("/cart").Body)
		list := w.mine(c)
		require.Len(t, list, 1)
		assert.Equal(t, w.clock.Now(), list[0].LoggedIn)
		replay := w.client()
		replay.SetCookie(cookieName, before)
		assert.Equal(t, 401, replay.Get("/me").Status, "the old id is no session any more")
		assert.NotEqual(t, before, c.Cookie(cookieName).Value)
	})
	t.Run("keeps what the client is remembered by", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		handles := w.mellon.handles()
		w.mellon.calls = nil
		require.Equal(t, 204, c.Get("/confirm?name=frodo").Status)
		assert.Equal(t, handles, w.mellon.handles())
		assert.Empty(t, w.mellon.calls)
		require.Equal(t, "0", c.Get("/others").Body)
		assert.Equal(t, handles, w.mellon.handles(), "the new session knows that it is its own")
		w.lapse()
		assert.Equal(t, "frodo", c.Get("/me").Body)
	})
	t.Run("of another user is 403 and changes nothing", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "&remember")
		require.Equal(t, 204, c.Get("/set").Status)
		w.clock.Advance(6 * time.Minute)
		before, handles := c.Cookie(cookieName).Value, w.mellon.handles()
		w.told.take()
		res := c.Get("/confirm?name=sam")
		assert.Equal(t, 403, res.Status)
		assert.Empty(t, res.Header["Set-Cookie"])
		assert.Equal(t, before, c.Cookie(cookieName).Value)
		assert.Equal(t, handles, w.mellon.handles())
		assert.Equal(t, 401, c.Get("/recent").Status)
		assert.Equal(t, "frodo", c.Get("/me").Body)
		assert.Equal(t, "lembas", c.Get("/cart").Body)
		list, err := w.sessions.List(t.Context(), &hobbit{"sam"})
		require.NoError(t, err)
		assert.Empty(t, list)
		assert.Contains(t, w.told.take(), "12:06 access denied via session of frodo in #1 from 192.0.2.1: 403 That is another account: app: ConfirmLogin of another user")
	})
	t.Run("of nobody is ErrLoginRequired and logs nobody in", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		for name, c := range map[string]*apptest.Client{"no cookie": w.client(), "logged out": w.in("frodo", "")} {
			c.Get("/logout")
			res := c.Get("/confirm?name=frodo")
			assert.Equal(t, 401, res.Status, name)
			assert.Empty(t, res.Header["Set-Cookie"], name)
		}
		s, _ := memorySessions()
		err := serveError(get("/"), s.Layer, func(ctx *app.Context) error { return ctx.ConfirmLogin(&hobbit{"frodo"}) })
		assert.ErrorIs(t, err, app.ErrLoginRequired)
	})
	t.Run("of a visitor with a session is ErrLoginRequired", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.client()
		require.Equal(t, 204, c.Get("/set").Status)
		assert.Equal(t, 401, c.Get("/confirm?name=frodo").Status)
		assert.Equal(t, "lembas", c.Get("/cart").Body)
	})
	t.Run("from another site is refused", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "")
		before := c.Cookie(cookieName).Value
		r := c.NewRequest("POST", "/confirm?name=frodo", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		assert.Equal(t, 403, c.Do(r).Status)
		assert.Equal(t, before, c.Cookie(cookieName).Value)
	})
	t.Run("that cannot be stored leaves the session as it was", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "")
		w.store.fail["Insert"] = errBoom
		res := c.Get("/confirm?name=frodo")
		assert.Equal(t, 503, res.Status)
		assert.Empty(t, res.Header["Set-Cookie"])
		assert.Equal(t, 200, c.Get("/me").Status)
	})
	t.Run("of nil or a typed nil is a fault", func(t *testing.T) {
		w := newBuckland(t, app.SessionOptions{})
		c := w.in("frodo", "")
		for name, user := range map[string]any{"nil": nil, "a typed nil": (*hobbit)(nil), "another type": "frodo"} {
			r := get("/")
			r.AddCookie(c.Cookie(cookieName))
			res := record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error { return ctx.ConfirmLogin(user) })), r)
			assert.Equal(t, 500, res.Code, name)
		}
		assert.Equal(t, 200, c.Get("/me").Status)
	})
	t.Run("without Sessions names what is missing", func(t *testing.T) {
		other := app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{Kind: "admin"})
		s, _ := memorySessions()
		assert.ErrorContains(t, serveError(get("/"), s.Layer, func(ctx *app.Context) error { return other.ConfirmLogin(ctx, &hobbit{"frodo"}) }), "admin")
		res := serve(get("/"), last(func(ctx *app.Context) error { return ctx.ConfirmLogin(&hobbit{"frodo"}) }))
		assert.Equal(t, 500, res.Code)
	})
}

func TestRecentLoginIsExactlySoLongAgo(t *testing.T) {
	w := newBuckland(t, app.SessionOptions{})
	c := w.in("frodo", "")
	w.clock.Advance(5 * time.Minute)
	assert.Equal(t, 200, c.Get("/recent").Status)
	w.clock.Advance(time.Microsecond)
	assert.Equal(t, 401, c.Get("/recent").Status)
	assert.Panics(t, func() { app.RequireRecentLogin(0) })
	assert.Panics(t, func() { app.RequireRecentLogin(-time.Second) })
}

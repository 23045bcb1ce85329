package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

// A gondor has two kinds of user in one store, with the same subjects.
type gondor struct {
	t             *testing.T
	clock         *apptest.Clock
	users, admins *app.Sessions
	remembers     map[string]*mellon
	app           *app.App
}

const (
	adminCookie       = "__Host-admin"
	userMellonCookie  = "__Host-mellon-session"
	adminMellonCookie = "__Host-mellon-admin"
)

func newGondor(t *testing.T) *gondor {
	w := &gondor{t: t, clock: apptest.NewClock(time.Date(3019, 3, 15, 12, 0, 0, 0, time.UTC))}
	w.remembers = map[string]*mellon{"user": newMellon(w.clock, "session"), "admin": newMellon(w.clock, "admin")}
	store := sessionstores.NewMemory()
	w.users = app.NewSessions(store, &hobbits{}, app.SessionOptions{Clock: w.clock.Now, Remember: w.remembers["user"], LoginPage: "/user/in"})
	w.admins = app.NewSessions(store, &hobbits{}, app.SessionOptions{Kind: "admin", Clock: w.clock.Now, Remember: w.remembers["admin"], LoginPage: "/admin/in"})
	w.app = quiet().Use(w.users.Layer, w.admins.Layer, last(w.route))
	return w
}

func (w *gondor) route(ctx *app.Context) error {
	frodo := &hobbit{"frodo"}
	remember := app.Remember(ctx.Request.URL.Query().Has("remember"))
	switch ctx.Status = 200; ctx.Request.URL.Path {
	case "/in":
		return ctx.Login(frodo, remember)
	case "/user/in":
		return w.users.Login(ctx, frodo, remember)
	case "/admin/in":
		return w.admins.Login(ctx, frodo, remember)
	case "/out":
		return ctx.Logout()
	case "/user/out":
		return w.users.Logout(ctx)
	case "/admin/out":
		return w.admins.Logout(ctx)
	case "/admin":
		return w.admins.RequireLogin(ctx, w.whose)
	case "/user":
		return w.users.RequireLogin(ctx, w.whose)
	case "/admin/recent":
		return w.admins.RequireLogin(ctx, last2(app.RequireRecentLogin(time.Minute), ok))
	case "/admin/confirm":
		return w.admins.ConfirmLogin(ctx, frodo)
	case "/user/back":
		return w.users.ReturnToOrRedirect(ctx, "/user/home")
	case "/admin/back":
		return w.admins.ReturnToOrRedirect(ctx, "/admin/home")
	}
	return app.RequireLogin(ctx, w.whose)
}

// whose answers with the cookie of the kind that the request's user is of.
func (w *gondor) whose(ctx *app.Context) error {
	id, err := ctx.Identity()
	if err != nil {
		return err
	}
	ctx.Body = "neither"
	for kind, s := range map[string]*app.Sessions{"user": w.users, "admin": w.admins} {
		if own, err := s.Identity(ctx); err == nil && own == id {
			ctx.Body = kind
		}
	}
	return nil
}

func (w *gondor) client(paths ...string) *apptest.Client {
	c := apptest.NewClient(w.t, w.app)
	for _, path := range paths {
		require.Equal(w.t, 200, c.Get(path).Status)
	}
	return c
}

func TestAdminsAreNoUsers(t *testing.T) {
	t.Run("a user's session never satisfies the admins' guard", func(t *testing.T) {
		w := newGondor(t)
		c := w.client("/user/in?remember")
		assert.Equal(t, "user", c.Get("/user").Body)
		assert.Equal(t, 401, c.Get("/admin").Status)
		c.SetCookie(adminCookie, c.Cookie(cookieName).Value)
		assert.Equal(t, 401, c.Get("/admin").Status, "the user's id under the admins' name")
		c.SetCookie(adminMellonCookie, c.Cookie(userMellonCookie).Value)
		assert.Equal(t, 401, c.Get("/admin").Status, "what remembers the user under the admins' name")
		list, err := w.users.List(t.Context(), &hobbit{"frodo"})
		require.NoError(t, err)
		c.SetCookie(adminCookie, list[0].Handle)
		assert.Equal(t, 401, c.Get("/admin").Status, "the handle of the user's session")
		assert.Equal(t, 401, c.Get("/admin/confirm").Status, "there is no admin to confirm")
		assert.Equal(t, 401, c.Get("/admin/recent").Status)
	})
	t.Run("nor the other way around", func(t *testing.T) {
		w := newGondor(t)
		c := w.client("/admin/in?remember")
		assert.Equal(t, "admin", c.Get("/admin").Body)
		c.SetCookie(cookieName, c.Cookie(adminCookie).Value)
		c.SetCookie(userMellonCookie, c.Cookie(adminMellonCookie).Value)
		assert.Equal(t, 401, c.Get("/user").Status)
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("what was proved above does not count", func(t *testing.T) {
		w := newGondor(t)
		c := w.client("/user/in")
		for name, layer := range map[string]app.Middleware{"the other kind": w.users.RequireLogin, "a strategy": app.Authenticate(proves("frodo", "*"))} {
			a := quiet().Use(w.users.Layer, w.admins.Layer, layer, w.admins.RequireLogin, last(ok))
			r := get("/")
			r.AddCookie(c.Cookie(cookieName))
			assert.Equal(t, 401, record(a, r).Code, name)
		}
	})
	t.Run("a plain guard is that of the first in the stack", func(t *testing.T) {
		w := newGondor(t)
		assert.Equal(t, "user", w.client("/in", "/admin/in").Get("/me").Body)
		assert.Equal(t, 401, w.client("/admin/in").Get("/me").Status)
		assert.Equal(t, "admin", w.client("/in", "/admin/in").Get("/admin").Body, "and its guard's below that")
	})
}

func TestLogoutOfOneKindAtAClientLeavesTheOther(t *testing.T) {
	for _, test := range []struct {
		out, gone, left string
	}{
		{"/out", "/user", "/admin"}, {"/user/out", "/user", "/admin"}, {"/admin/out", "/admin", "/user"},
	} {
		w := newGondor(t)
		c := w.client("/user/in?remember", "/admin/in?remember", test.out)
		assert.Equal(t, 401, c.Get(test.gone).Status, test.out)
		assert.Equal(t, 200, c.Get(test.left).Status, test.out)
		w.clock.Advance(time.Hour)
		assert.Equal(t, 401, c.Get(test.gone).Status, test.out)
		assert.Equal(t, 200, c.Get(test.left).Status, "who is remembered as one kind stays so: "+test.out)
	}
}

func TestSessionsOfOneKindAreNotTheOthers(t *testing.T) {
	frodo := &hobbit{"frodo"}
	kinds := func(w *gondor) (user, admin int) {
		for kind, s := range map[*int]*app.Sessions{&user: w.users, &admin: w.admins} {
			list, err := s.List(t.Context(), frodo)
			require.NoError(t, err)
			*kind = len(list)
		}
		return user, admin
	}
	setup := func(t *testing.T) (*gondor, *apptest.Client) {
		w := newGondor(t)
		w.client("/user/in?remember", "/admin/in?remember")
		return w, w.client("/user/in?remember", "/admin/in?remember")
	}
	within := func(w *gondor, c *apptest.Client, h app.Handler) {
		r := get("/")
		for _, name := range []string{cookieName, adminCookie} {
			r.AddCookie(c.Cookie(name))
		}
		require.Equal(t, 204, record(quiet().Use(w.users.Layer, w.admins.Layer, last(func(ctx *app.Context) error { ctx.Status = 204; return h(ctx) })), r).Code)
	}
	t.Run("List and Mine", func(t *testing.T) {
		w, c := setup(t)
		user, admin := kinds(w)
		assert.Equal(t, []int{2, 2}, []int{user, admin})
		within(w, c, func(ctx *app.Context) error {
			mine, err := w.admins.Mine(ctx)
			require.NoError(t, err)
			require.Len(t, mine, 2)
			assert.True(t, mine[0].Current != mine[1].Current)
			x, err := w.admins.Session(ctx)
			require.NoError(t, err)
			for _, s := range mine {
				assert.Equal(t, s.Current, s.Handle == x.Handle())
			}
			return nil
		})
	})
	t.Run("End", func(t *testing.T) {
		w, _ := setup(t)
		list, err := w.users.List(t.Context(), frodo)
		require.NoError(t, err)
		there, err := w.admins.End(t.Context(), frodo, list[0].Handle)
		require.NoError(t, err)
		assert.False(t, there)
		there, err = w.users.End(t.Context(), frodo, list[0].Handle)
		require.NoError(t, err)
		assert.True(t, there)
		user, admin := kinds(w)
		assert.Equal(t, []int{1, 2}, []int{user, admin})
		assert.Len(t, w.remembers["admin"].handles(), 2)
		assert.Len(t, w.remembers["user"].handles(), 1)
	})
	t.Run("LogoutOthers", func(t *testing.T) {
		w, c := setup(t)
		within(w, c, func(ctx *app.Context) error {
			n, err := w.admins.LogoutOthers(ctx)
			assert.Equal(t, 1, n)
			return err
		})
		user, admin := kinds(w)
		assert.Equal(t, []int{2, 1}, []int{user, admin})
		assert.Len(t, w.remembers["user"].handles(), 2)
		assert.Equal(t, "admin", c.Get("/admin").Body)
	})
	t.Run("LogoutAll", func(t *testing.T) {
		w, c := setup(t)
		n, err := w.admins.LogoutAll(t.Context(), frodo)
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		user, admin := kinds(w)
		assert.Equal(t, []int{2, 0}, []int{user, admin})
		assert.Equal(t, 401, c.Get("/admin").Status)
		assert.Equal(t, "user", c.Get("/user").Body)
	})
	t.Run("MaxPerUser", func(t *testing.T) {
		w := newGondor(t)
		single := w.admins.With(func(o *app.SessionOptions) { o.MaxPerUser = 1 })
		c := w.client("/user/in", "/admin/in")
		record(quiet().Use(single.Layer, last(func(ctx *app.Context) error { return ctx.Login(frodo) })), get("/"))
		assert.Equal(t, "user", c.Get("/user").Body)
		assert.Equal(t, 401, c.Get("/admin").Status)
	})
}

func TestReturnToOfOneKindIsNotTheOthers(t *testing.T) {
	w := newGondor(t)
	c := w.client()
	c.Header.Set("Accept", "text/html")
	res := c.Get("/admin?secret=plans")
	require.Equal(t, 303, res.Status)
	assert.Equal(t, "/admin/in", res.Header.Get("Location"))
	assert.Nil(t, c.Cookie(cookieName), "the users' session is not begun for it")
	for _, path := range []string{"/user/in", "/admin/in"} {
		require.Equal(t, 200, c.Get(path).Status)
	}
	assert.Equal(t, "/user/home", c.Get("/user/back").Header.Get("Location"))
	assert.Equal(t, "/admin?secret=plans", c.Get("/admin/back").Header.Get("Location"))
	assert.Equal(t, "/admin/home", c.Get("/admin/back").Header.Get("Location"))
}

func TestRememberedAsOneKindIsNotTheOther(t *testing.T) {
	w := newGondor(t)
	c := w.client("/user/in?remember")
	w.clock.Advance(time.Hour)
	assert.Equal(t, 401, c.Get("/admin").Status)
	assert.Nil(t, c.Cookie(adminCookie))
	assert.Empty(t, w.remembers["admin"].calls)
	assert.Equal(t, "user", c.Get("/user").Body)
	t.Run("one Rememberer for two kinds is refused", func(t *testing.T) {
		shared := newMellon(w.clock, "session")
		assert.PanicsWithValue(t, `app: SessionOptions.Remember is of the kind "session" and the sessions are of "admin": it would bring users of one kind back as another`, func() {
			app.NewSessions(sessionstores.NewMemory(), &hobbits{}, app.SessionOptions{Kind: "admin", Remember: shared})
		})
	})
}

func TestLoginOfOneKindLeavesTheOther(t *testing.T) {
	w := newGondor(t)
	c := w.client("/user/in")
	before := c.Cookie(cookieName).Value
	require.Equal(t, http.StatusOK, c.Get("/admin/in").Status)
	assert.Equal(t, before, c.Cookie(cookieName).Value)
	assert.Equal(t, []string{"user", "admin"}, []string{c.Get("/user").Body, c.Get("/admin").Body})
}

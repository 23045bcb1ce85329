package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
)

func TestLogin(t *testing.T) {
	t.Run("gives a new id, ends the old session and drops what it held", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Post("/value/cart", "text/plain", "lembas")
		before := c.Cookie(cookieName).Value
		require.Equal(t, 204, c.Get("/login").Status)
		assert.NotEqual(t, before, c.Cookie(cookieName).Value)
		assert.Empty(t, c.Get("/value/cart").Body)
		replay := w.client(t)
		replay.SetCookie(cookieName, before)
		assert.Equal(t, 401, replay.Get("/me").Status)
		assert.Empty(t, replay.Get("/value/cart").Body, "the old row is gone")
	})
	t.Run("again gives a new id again and ends the first", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		first := c.Cookie(cookieName).Value
		c.Get("/login")
		assert.NotEqual(t, first, c.Cookie(cookieName).Value)
		replay := w.client(t)
		replay.SetCookie(cookieName, first)
		assert.Equal(t, 401, replay.Get("/me").Status)
	})
	t.Run("keeps what it is told to keep", func(t *testing.T) {
		s, _ := memorySessions()
		var lembas, ring bool
		a := quiet().Use(s.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			if err != nil {
				return err
			}
			switch ctx.Request.URL.Path {
			case "/fill":
				require.NoError(t, x.Set("lembas", 3))
				return x.Set("ring", 1)
			case "/login":
				return ctx.Login(&hobbit{"frodo"}, app.KeepSession("lembas"))
			}
			lembas, _ = x.Get("lembas", new(int))
			ring, err = x.Get("ring", new(int))
			return err
		}))
		c := apptest.NewClient(t, a)
		c.Get("/fill")
		c.Get("/login")
		c.Get("/")
		assert.True(t, lembas)
		assert.False(t, ring)
	})
	t.Run("is one find, and one insert that deletes the old row", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		assert.Equal(t, []string{"Insert"}, w.store.Calls(), "a first visit has nothing to find")
		c.Get("/login")
		assert.Equal(t, []string{"Insert", "Find", "Insert"}, w.store.Calls())
	})
	t.Run("makes the request authenticated", func(t *testing.T) {
		s, _ := memorySessions()
		serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
			assert.False(t, ctx.IsAuthenticated())
			require.NoError(t, ctx.Login(&hobbit{"frodo"}))
			assert.True(t, ctx.IsAuthenticated())
			u, found := app.User[*hobbit](ctx)
			assert.True(t, found)
			assert.Equal(t, "frodo", u.Name)
			id, err := ctx.Identity()
			require.NoError(t, err)
			assert.Equal(t, "session", id.Via)
			assert.Equal(t, []string{"*"}, id.Scopes)
			return nil
		}))
	})
	// Trap: a typed nil as a user.
	t.Run("refuses nobody, a typed nil, and what the serializer does not take", func(t *testing.T) {
		for name, user := range map[string]any{"nil": nil, "a typed nil": (*hobbit)(nil), "another type": "frodo", "an empty subject": &hobbit{}} {
			s, store := memorySessions()
			res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
				err := ctx.Login(user)
				assert.False(t, ctx.IsAuthenticated(), name)
				return err
			}))
			assert.Equal(t, 500, res.Code, name)
			assert.Empty(t, res.Result().Cookies(), name)
			assert.Empty(t, store.Calls(), name)
		}
	})
	t.Run("that fails leaves the visitor's session alone", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Post("/value/cart", "text/plain", "lembas")
		w.users.err = errBoom
		assert.Equal(t, 500, c.Get("/login").Status)
		w.users.err = nil
		w.store.Fail("Insert")
		res := c.Get("/login")
		assert.Equal(t, 503, res.Status)
		assert.Empty(t, res.Header["Set-Cookie"])
		w.store.Heal()
		assert.Equal(t, "lembas", c.Get("/value/cart").Body)
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("twice in one request leaves one cookie and one session", func(t *testing.T) {
		s, _ := memorySessions()
		res := serve(get("/"), s.Layer, last(func(ctx *app.Context) error {
			require.NoError(t, ctx.Login(&hobbit{"frodo"}))
			return ctx.Login(&hobbit{"sam"})
		}))
		assert.Len(t, res.Header()["Set-Cookie"], 1)
		frodo, err := s.List(t.Context(), &hobbit{"frodo"})
		require.NoError(t, err)
		assert.Empty(t, frodo)
		sam, err := s.List(t.Context(), &hobbit{"sam"})
		require.NoError(t, err)
		assert.Len(t, sam, 1)
	})
	// Trap: a session made by merely authenticating.
	t.Run("does not happen by authenticating", func(t *testing.T) {
		s, store := memorySessions()
		res := serve(get("/"), s.Layer, app.Authenticate(always{&hobbit{"frodo"}}), last(ok))
		assert.Equal(t, 200, res.Code)
		assert.Empty(t, res.Result().Cookies())
		assert.Empty(t, store.Calls())
	})
	t.Run("notes where the session was made", func(t *testing.T) {
		s, _ := memorySessions()
		r := get("/")
		r.RemoteAddr = "[2001:db8::1]:1234"
		r.Header.Set("User-Agent", strings.Repeat("é", 300)+"\x00\xff")
		serve(r, s.Layer, last(func(ctx *app.Context) error { return ctx.Login(&hobbit{"frodo"}) }))
		list, err := s.List(t.Context(), &hobbit{"frodo"})
		require.NoError(t, err)
		require.Len(t, list, 1)
		assert.Equal(t, "2001:db8::1", list[0].Address)
		assert.Equal(t, strings.Repeat("é", 128), list[0].Agent)
	})
}

// always is a strategy that proves one user and cannot end anything.
type always struct{ user any }

func (a always) Authenticate(*app.Context) (*app.Identity, error) {
	return &app.Identity{User: a.user, Via: "always"}, nil
}

func TestLogout(t *testing.T) {
	t.Run("deletes the row, expires the cookie as it was set, and is not cached", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		old := c.Cookie(cookieName).Value
		res := c.Get("/logout")
		assert.Equal(t, 204, res.Status)
		assert.Equal(t, []string{cookieName + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}, res.Header["Set-Cookie"])
		assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		c.SetCookie(cookieName, old)
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("again, and of nobody, is no error and sets no cookie", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		for range 2 {
			res := c.Get("/logout")
			assert.Equal(t, 204, res.Status)
			assert.Empty(t, res.Header["Set-Cookie"])
		}
		assert.Empty(t, w.store.Calls())
	})
	t.Run("does not load the user or the session", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		c.Get("/logout")
		assert.Equal(t, []string{"Insert", "Delete"}, w.store.Calls())
	})
	t.Run("leaves nobody for the rest of the request", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		a := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			assert.True(t, ctx.IsAuthenticated())
			require.NoError(t, ctx.Logout())
			assert.False(t, ctx.IsAuthenticated())
			assert.Nil(t, ctx.User())
			return app.RequireLogin(ctx, ok)
		}))
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		assert.Equal(t, 401, record(a, r).Code)
	})
	t.Run("that the store refuses is 5xx, and the cookie stays to try again", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		w.store.Fail("Delete")
		res := c.Get("/logout")
		assert.Equal(t, 503, res.Status)
		assert.Empty(t, res.Header["Set-Cookie"])
		w.store.Heal()
		assert.Equal(t, 200, c.Get("/me").Status)
		assert.Equal(t, 204, c.Get("/logout").Status)
	})
	// Trap: a client that hangs up and so undoes its logout.
	t.Run("of a client that hangs up happens", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		old := c.Cookie(cookieName)
		r := get("/logout")
		r.AddCookie(old)
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		record(w.app, r.WithContext(ctx))
		assert.Equal(t, 401, c.Get("/me").Status)
	})
	t.Run("after it a new session can begin in the same request", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		old := c.Cookie(cookieName).Value
		a := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			require.NoError(t, ctx.Logout())
			return setting(ctx)
		}))
		r := get("/")
		r.AddCookie(&http.Cookie{Name: cookieName, Value: old})
		res := record(a, r)
		require.Len(t, res.Header()["Set-Cookie"], 1)
		fresh := res.Result().Cookies()[0].Value
		assert.Len(t, fresh, 43)
		assert.NotEqual(t, old, fresh)
	})
	t.Run("without Sessions names what is missing", func(t *testing.T) {
		var err error
		res := serve(get("/"), last(func(ctx *app.Context) error { err = ctx.Logout(); return err }))
		assert.Equal(t, 500, res.Code)
		assert.ErrorContains(t, err, "Sessions layer")
	})
}

// ender is a strategy whose credential is a header, and can be ended.
type ender struct {
	ended *int
	err   error
}

func (e ender) Authenticate(ctx *app.Context) (*app.Identity, error) {
	if ctx.Request.Header.Get("Authorization") == "" {
		return nil, app.ErrNoCredentials
	}
	return &app.Identity{User: &hobbit{"sam"}, Via: "ender", Deliberate: true}, nil
}

func (e ender) End(*app.Context, *app.Identity) error {
	*e.ended++
	return e.err
}

func TestLogoutUnderAToken(t *testing.T) {
	setup := func(t *testing.T, err error) (*shire, *apptest.Client, http.Handler, *int) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		ended := new(int)
		return w, c, quiet().Use(w.sessions.Layer, app.Authenticate(ender{ended, err}), last(func(ctx *app.Context) error {
			if err := ctx.Logout(); err != nil {
				return err
			}
			ctx.Status = 204
			assert.False(t, ctx.IsAuthenticated())
			return nil
		})), ended
	}
	request := func(c *apptest.Client) *http.Request {
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		r.Header.Set("Authorization", "x")
		return r
	}
	t.Run("ends the token and leaves the session", func(t *testing.T) {
		_, c, h, ended := setup(t, nil)
		res := record(h, request(c))
		assert.Equal(t, 204, res.Code)
		assert.Equal(t, 1, *ended)
		assert.Empty(t, res.Header()["Set-Cookie"])
		assert.Equal(t, 200, c.Get("/me").Status)
	})
	t.Run("that cannot be ended now is 503", func(t *testing.T) {
		_, c, h, _ := setup(t, errBoom)
		assert.Equal(t, 503, record(h, request(c)).Code)
	})
	t.Run("of a strategy that cannot end anything is ErrCannotEnd", func(t *testing.T) {
		var err error
		res := serve(get("/"), app.Authenticate(always{&hobbit{"sam"}}), last(func(ctx *app.Context) error { err = ctx.Logout(); return err }))
		assert.Equal(t, 500, res.Code)
		assert.ErrorIs(t, err, app.ErrCannotEnd)
	})
}

// Trap: a cookie of one kind of user opened as another's.
func TestTwoKindsOfUser(t *testing.T) {
	store := sessionstores.NewMemory()
	users := app.NewSessions(store, &hobbits{}, app.SessionOptions{})
	admins := app.NewSessions(store, &hobbits{}, app.SessionOptions{Kind: "admin"})
	a := quiet().Use(users.Layer, admins.Layer, last(func(ctx *app.Context) error {
		switch ctx.Request.URL.Path {
		case "/in":
			return ctx.Login(&hobbit{"frodo"})
		case "/admin/in":
			return admins.Login(ctx, &hobbit{"gandalf"})
		case "/admin/out":
			return admins.RequireLogin(ctx, func(ctx *app.Context) error { return ctx.Logout() })
		case "/admin/me":
			return admins.RequireLogin(ctx, func(ctx *app.Context) error {
				ctx.Body = ctx.User().(*hobbit).Name
				return nil
			})
		}
		return app.RequireLogin(ctx, func(ctx *app.Context) error {
			ctx.Body = ctx.User().(*hobbit).Name
			return nil
		})
	}))
	c := apptest.NewClient(t, a)
	c.Get("/in")
	assert.Equal(t, 401, c.Get("/admin/me").Status, "a user is no admin")
	c.SetCookie("__Host-admin", c.Cookie(cookieName).Value)
	assert.Equal(t, 401, c.Get("/admin/me").Status, "a user's id in the admins' cookie")
	c.Get("/admin/in")
	assert.Equal(t, "gandalf", c.Get("/admin/me").Body)
	assert.Equal(t, "frodo", c.Get("/me").Body, "both at once")
	c.Get("/admin/out")
	assert.Equal(t, 401, c.Get("/admin/me").Status)
	assert.Equal(t, "frodo", c.Get("/me").Body, "the user is still in")
}

func TestSessionsOfAUser(t *testing.T) {
	w := newShire(t, app.SessionOptions{})
	clients := []*apptest.Client{w.client(t), w.client(t), w.client(t)}
	for _, c := range clients {
		require.Equal(t, 204, c.Get("/login").Status)
	}
	list, err := w.sessions.List(t.Context(), &hobbit{"frodo"})
	require.NoError(t, err)
	require.Len(t, list, 3)
	for _, s := range list {
		r := get("/me")
		r.AddCookie(&http.Cookie{Name: cookieName, Value: s.Handle})
		assert.Equal(t, 401, record(w.app, r).Code, "a handle is no cookie")
	}
	others := quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
		n, err := w.sessions.LogoutOthers(ctx)
		assert.Equal(t, 2, n)
		return err
	}))
	r := get("/")
	r.AddCookie(clients[1].Cookie(cookieName))
	record(others, r)
	assert.Equal(t, 401, clients[0].Get("/me").Status)
	assert.Equal(t, 200, clients[1].Get("/me").Status)
	n, err := w.sessions.LogoutAll(t.Context(), &hobbit{"frodo"})
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Equal(t, 401, clients[1].Get("/me").Status)
	assert.ErrorContains(t, serveError(get("/"), w.sessions.Layer, func(ctx *app.Context) error { _, err := w.sessions.LogoutOthers(ctx); return err }), "login required")
	t.Run("a store that cannot list says so", func(t *testing.T) {
		s := app.NewSessions(struct{ app.SessionStore }{sessionstores.NewMemory()}, &hobbits{}, app.SessionOptions{})
		_, err := s.List(t.Context(), &hobbit{"frodo"})
		assert.ErrorIs(t, err, app.ErrCannotList)
		_, err = s.LogoutAll(t.Context(), &hobbit{"frodo"})
		assert.ErrorIs(t, err, app.ErrCannotList)
	})
}

func serveError(r *http.Request, layer app.Middleware, h app.Handler) (err error) {
	quiet().Use(layer, last(func(ctx *app.Context) error { err = h(ctx); return nil })).ServeHTTP(httptest.NewRecorder(), r)
	return err
}

// Method by Sec-Fetch-Site and Origin by how the request was proved.
func TestCrossSiteRequests(t *testing.T) {
	w := newShire(t, app.SessionOptions{TrustedOrigins: []string{"https://friend.example"}})
	lax := newShire(t, app.SessionOptions{InsecureAllowCrossOrigin: true})
	for _, test := range []struct {
		name, method, site, origin string
		shire                      *shire
		want                       int
	}{
		{"same origin", "POST", "same-origin", "https://example.com", w, 204},
		{"typed into the browser", "POST", "none", "", w, 204},
		{"no browser", "POST", "", "", w, 204},
		{"an old browser on the same site", "POST", "", "https://example.com", w, 204},
		{"a safe method from anywhere", "GET", "cross-site", "https://evil.example", w, 200},
		{"HEAD from anywhere", "HEAD", "cross-site", "https://evil.example", w, 200},
		{"another site", "POST", "cross-site", "https://evil.example", w, 403},
		{"another site without Origin", "POST", "cross-site", "", w, 403},
		{"a sibling domain", "POST", "same-site", "https://evil.example.com", w, 403},
		{"an old browser on another site", "POST", "", "https://evil.example", w, 403},
		{"a sandboxed frame", "POST", "", "null", w, 403},
		{"the trusted origin", "POST", "cross-site", "https://friend.example", w, 204},
		{"the trusted origin over http", "POST", "cross-site", "http://friend.example", w, 403},
		{"PUT from another site", "PUT", "cross-site", "", w, 403},
		{"DELETE from another site", "DELETE", "cross-site", "", w, 403},
		{"another site where it is allowed", "POST", "cross-site", "https://evil.example", lax, 204},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, path := range []string{"/login", "/logout", "/value/x"} {
				if (test.method == "GET" || test.method == "HEAD") && path != "/value/x" {
					continue
				}
				r := httptest.NewRequest(test.method, "https://example.com"+path, strings.NewReader("v"))
				if test.site != "" {
					r.Header.Set("Sec-Fetch-Site", test.site)
				}
				if test.origin != "" {
					r.Header.Set("Origin", test.origin)
				}
				res := record(test.shire.app, r)
				assert.Equal(t, test.want, res.Code, path)
				if test.want == 403 {
					assert.Empty(t, res.Header()["Set-Cookie"], path)
				}
			}
		})
	}
	t.Run("a user's own action from another site is refused, and not as anonymous", func(t *testing.T) {
		c := w.client(t)
		c.Get("/login")
		r := httptest.NewRequest("POST", "https://example.com/greet", nil)
		r.AddCookie(c.Cookie(cookieName))
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		assert.Equal(t, 403, record(w.app, r).Code)
	})
	t.Run("a token proves the request, wherever it comes from", func(t *testing.T) {
		a := quiet().Use(w.sessions.Layer, app.Authenticate(ender{new(int), nil}), last(func(ctx *app.Context) error {
			_, err := ctx.Session()
			ctx.Status = 204
			return err
		}))
		r := httptest.NewRequest("POST", "https://example.com/", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Authorization", "x")
		assert.Equal(t, 204, record(a, r).Code)
	})
	t.Run("a handler that asks nobody is not concerned", func(t *testing.T) {
		r := httptest.NewRequest("POST", "https://example.com/plain", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		assert.Equal(t, 200, record(w.app, r).Code)
	})
}

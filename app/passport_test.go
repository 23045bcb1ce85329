package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
)

// What passport gets wrong, each as a test that fails when it is so here.
func TestPassport(t *testing.T) {
	t.Run("a list that only passes is no open door", func(t *testing.T) {
		s, _ := memorySessions()
		for name, guard := range map[string]app.Middleware{
			"Authenticate":     app.Authenticate(passes(), passes()),
			"sessions":         app.Authenticate(passes(), s),
			"AuthenticateWith": app.AuthenticateWith(app.AuthenticateOptions{}, passes()),
			"Authorize":        app.Authorize(passes()),
			"after Identify":   app.Compose(app.Identify(passes()), app.RequireLogin),
		} {
			entered := false
			res := serve(get("/"), s.Layer, guard, last(func(ctx *app.Context) error { entered = true; return ok(ctx) }))
			assert.Equal(t, 401, res.Code, name)
			assert.False(t, entered, name)
		}
	})
	t.Run("a fault opens no weaker strategy", func(t *testing.T) {
		for name, guard := range map[string]app.Middleware{
			"Authenticate": app.Authenticate(fails(errBoom), proves("sam")), "Identify": app.Identify(fails(errBoom)),
			"AuthenticateWith": app.AuthenticateWith(app.AuthenticateOptions{Failure: "/login"}, fails(errBoom), proves("sam")), "Authorize": app.Authorize(fails(errBoom), proves("sam")),
		} {
			assert.Equal(t, 503, serve(get("/"), guard, last(ok)).Code, name)
		}
	})
	t.Run("who fails and then succeeds is in and is told of no failure", func(t *testing.T) {
		d := newDoor(app.SessionOptions{})
		form := app.AuthenticateWith(app.AuthenticateOptions{Login: true, Failure: "/login", FailureFlash: &app.Flash{}}, asks("A", rejects("No")), asks("B", proves("sam", "*")))
		res := serve(get("/"), d.sessions.Layer, form, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			all, err := x.Flashes()
			assert.Empty(t, all)
			return errors.Join(err, whoami(ctx))
		}))
		assert.Equal(t, 200, res.Code)
		assert.Equal(t, "sam", res.Body.String())
		assert.Empty(t, res.Header()["Www-Authenticate"])
		assert.Empty(t, res.Header()["Location"])
	})
	t.Run("the first failure is answered and no later one with a status", func(t *testing.T) {
		res := serve(get("/"), app.Authenticate(rejects("Wrong password"), fails(&app.Rejection{Status: 403, Message: "Forbidden"})), last(ok))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, "Wrong password", title(t, res))
	})
	t.Run("a 401 always has a challenge", func(t *testing.T) {
		s, _ := memorySessions()
		for name, guard := range map[string]app.Middleware{
			"a wrong password": app.Authenticate(rejects("Wrong password")), "no credentials": app.Authenticate(passes()),
			"a form": app.AuthenticateWith(app.AuthenticateOptions{FailureFlash: &app.Flash{}}, rejects("Wrong password")),
			"guards": app.RequireLogin, "an account": app.Authorize(passes()),
		} {
			res := serve(get("/"), s.Layer, guard, last(ok))
			assert.Equal(t, 401, res.Code, name)
			assert.NotEmpty(t, res.Header().Get("WWW-Authenticate"), name)
		}
	})
	t.Run("an error keeps the challenges and what layers above have set", func(t *testing.T) {
		res := serve(get("/"), func(ctx *app.Context, next app.Handler) error {
			ctx.Header().Set("Access-Control-Allow-Origin", "https://app.example.com")
			ctx.Header().Add("Set-Cookie", "language=qya")
			err := next(ctx)
			assert.Equal(t, []string{"Basic realm=\"a\"", "Bearer"}, app.Challenges(err), "a layer above can ask for them")
			return fmt.Errorf("the guard: %w", err)
		}, app.Authenticate(asks(`Basic realm="a"`, passes()), asks("Bearer", passes())))
		assert.Equal(t, 401, res.Code)
		assert.Equal(t, []string{`Basic realm="a"`, "Bearer"}, res.Header()["Www-Authenticate"])
		assert.Equal(t, "https://app.example.com", res.Header().Get("Access-Control-Allow-Origin"))
		assert.Equal(t, "language=qya", res.Header().Get("Set-Cookie"))
	})
	t.Run("a strategy that panics lets nobody in", func(t *testing.T) {
		for name, guard := range map[string]app.Middleware{
			"Authenticate": app.Authenticate(panics("boom"), proves("sam")), "Identify": app.Identify(panics("boom")),
			"AuthenticateWith": app.AuthenticateWith(app.AuthenticateOptions{}, panics("boom")), "Authorize": app.Authorize(panics("boom")),
			"a choice": app.Authenticate(app.Choose(func(*app.Context) (app.Strategy, error) { panic("boom") })),
		} {
			assert.Equal(t, 500, serve(get("/"), guard, last(ok)).Code, name)
		}
	})
	t.Run("what a handler returns after it has asked is the request's error", func(t *testing.T) {
		res := serve(get("/"), last(func(ctx *app.Context) error {
			if _, err := ctx.Ask(passes()); err != nil {
				return err
			}
			return ctx.Throw(418, "")
		}))
		assert.Equal(t, 418, res.Code)
	})
}

// Two requests are within one strategy at once, and the first to come is the last to go.
func TestPassportKeepsTwoUsersApart(t *testing.T) {
	inside, second := make(chan struct{}), make(chan struct{})
	shared := says(func(ctx *app.Context) (*app.Identity, error) {
		name := ctx.Request.Header.Get("X-Name")
		if name == "frodo" {
			close(inside)
			<-second
		}
		return &app.Identity{User: &hobbit{name}, Scopes: []string{name}, Info: name}, nil
	})
	strategy := app.WithInfo(app.Choose(func(*app.Context) (app.Strategy, error) { return shared, nil }), tagged(""))
	a := quiet().Use(app.AuthenticateWith(app.AuthenticateOptions{}, strategy), app.Authorize(always{&hobbit{"gollum"}}), last(func(ctx *app.Context) error {
		id, err := ctx.Identity()
		ctx.Body = id.User.(*hobbit).Name + " " + id.Scopes[0] + " " + ctx.Account().User.(*hobbit).Name
		return err
	}))
	as := func(name string) string {
		r := get("/")
		r.Header.Set("X-Name", name)
		return record(a, r).Body.String()
	}
	frodo := make(chan string)
	go func() { frodo <- as("frodo") }()
	<-inside
	assert.Equal(t, "sam sam gollum", as("sam"))
	close(second)
	assert.Equal(t, "frodo frodo gollum", <-frodo)
}

// An identity that a strategy hands to everybody is nobody's to change.
func TestPassportIdentityIsTheRequests(t *testing.T) {
	one := &app.Identity{User: &hobbit{"frodo"}, Scopes: []string{"*"}, Info: "shared"}
	shared := says(func(*app.Context) (*app.Identity, error) { return one, nil })
	s, _ := memorySessions()
	for _, guard := range []app.Middleware{
		app.Authenticate(shared), app.Authorize(shared), app.Authenticate(app.WithInfo(shared, tagged("mine"))),
		app.AuthenticateWith(app.AuthenticateOptions{Login: true}, shared),
	} {
		assert.Equal(t, 200, serve(get("/"), s.Layer, guard, last(ok)).Code)
		assert.Equal(t, &app.Identity{User: &hobbit{"frodo"}, Scopes: []string{"*"}, Info: "shared"}, one)
	}
}

func TestPassportSessions(t *testing.T) {
	t.Run("a cart survives neither login nor logout", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Post("/value/cart", "text/plain", "lembas")
		c.Get("/login")
		assert.Empty(t, c.Get("/value/cart").Body, "a visitor's is not the user's")
		c.Post("/value/cart", "text/plain", "the ring")
		c.Get("/logout")
		assert.Empty(t, c.Get("/value/cart").Body, "a user's is not the next visitor's")
		c.Get("/login")
		assert.Empty(t, c.Get("/value/cart").Body, "nor does it come back")
	})
	t.Run("what is set before a logout in the same request is gone with it", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		res := record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			require.NoError(t, err)
			require.NoError(t, x.Set("cart", "the ring"))
			return errors.Join(err, ctx.Logout())
		})), r)
		require.Len(t, res.Result().Cookies(), 1)
		assert.Empty(t, res.Result().Cookies()[0].Value)
		assert.NotContains(t, w.store.Calls(), "Update")
	})
	t.Run("a session that ended while a slow request ran does not come back", func(t *testing.T) {
		for name, end := range map[string]func(c *apptest.Client){
			"logout": func(c *apptest.Client) { c.Get("/logout") },
			"login":  func(c *apptest.Client) { c.Get("/login") },
		} {
			w := newShire(t, app.SessionOptions{})
			c := w.client(t)
			c.Get("/login")
			old := c.Cookie(cookieName)
			r := get("/")
			r.AddCookie(old)
			res := record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
				x, err := ctx.Session()
				require.NoError(t, err)
				assert.True(t, ctx.IsAuthenticated())
				end(c)
				return errors.Join(err, x.Set("cart", "lembas"))
			})), r)
			assert.Empty(t, res.Header()["Set-Cookie"], name)
			replay := w.client(t)
			replay.SetCookie(cookieName, old.Value)
			assert.Equal(t, 401, replay.Get("/me").Status, name)
			assert.Empty(t, replay.Get("/value/cart").Body, name)
		}
	})
	t.Run("a user who is gone is nobody and not a fault for ever", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		w.users.gone = true
		assert.Equal(t, "hello false", c.Get("/greet").Body, "pages for everybody go on")
		assert.Equal(t, 401, c.Get("/me").Status)
		w.users.gone = false
		assert.Equal(t, 204, c.Get("/login").Status, "and one can log in again")
		assert.Equal(t, "frodo", c.Get("/me").Body)
	})
	t.Run("a user who cannot be serialized costs the visitor nothing and is not logged in", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Post("/value/cart", "text/plain", "lembas")
		before := c.Cookie(cookieName).Value
		w.users.err = errBoom
		assert.Equal(t, 500, c.Get("/login").Status)
		assert.Equal(t, before, c.Cookie(cookieName).Value)
		assert.Equal(t, "lembas", c.Get("/value/cart").Body)
		r := get("/")
		r.AddCookie(c.Cookie(cookieName))
		record(quiet().Use(w.sessions.Layer, last(func(ctx *app.Context) error {
			require.Error(t, ctx.Login(&hobbit{"frodo"}))
			assert.False(t, ctx.IsAuthenticated())
			return nil
		})), r)
	})
	t.Run("a page that asks for no user loads none", func(t *testing.T) {
		w := newShire(t, app.SessionOptions{})
		c := w.client(t)
		c.Get("/login")
		w.store.Fail("Find")
		w.users.err = errBoom
		assert.Equal(t, 200, c.Get("/plain").Status)
	})
	t.Run("return-to and messages survive the login that they are for", func(t *testing.T) {
		h := newHall(app.SessionOptions{}, app.AuthenticateOptions{Login: true, Success: "/home", ReturnTo: true, SuccessFlash: &app.Flash{Text: "Welcome"}, FailureFlash: &app.Flash{}})
		c := h.client(t)
		c.Do(navigation("/secret"))
		h.send(c, "wrong")
		assert.Equal(t, "/secret", location(h.send(c, "sam")))
		assert.Equal(t, "error: Wrong name or password, success: Welcome", c.Get("/flashes").Body)
	})
}

// The guard of connect-ensure-login redirects everybody.
func TestPassportGuardNegotiates(t *testing.T) {
	d := newDoor(app.SessionOptions{})
	for name, guard := range map[string]app.Middleware{"RequireLogin": app.RequireLogin, "of the kind": d.sessions.RequireLogin, "scopes": app.RequireScopes("read"), "as a strategy": app.Authenticate(d.sessions)} {
		t.Run(name, func(t *testing.T) {
			res := serve(navigation("/secret"), d.sessions.Layer, guard, last(ok))
			assert.Equal(t, 303, res.Code)
			assert.Equal(t, "/login", res.Header().Get("Location"))
			r := get("/secret")
			r.Header.Set("Accept", "application/json")
			res = serve(r, d.sessions.Layer, guard, last(ok))
			assert.Equal(t, 401, res.Code)
			assert.Equal(t, []string{`Cookie realm="session"`}, res.Header()["Www-Authenticate"])
			assert.True(t, strings.HasPrefix(res.Header().Get("Content-Type"), "application/json"))
		})
	}
	t.Run("a handler with its user", func(t *testing.T) {
		h := app.LoggedIn(func(ctx *app.Context, _ *hobbit) error { return ok(ctx) })
		assert.Equal(t, http.StatusSeeOther, serve(navigation("/"), d.sessions.Layer, last(h)).Code)
		assert.Equal(t, http.StatusUnauthorized, serve(get("/"), d.sessions.Layer, last(h)).Code)
	})
}

package kahu_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/sessionstores"
)

// What follows is what docs/koa.md shows; a test compares the two.

func koaViews(ctx *app.Context) error {
	session, err := ctx.Session()
	if err != nil {
		return err
	}
	views := 0
	if _, err := session.Get("views", &views); err != nil {
		return err
	}
	views++
	ctx.Body = fmt.Sprint(views, " views")
	return session.Set("views", views)
}

func koaFlash(r *router.Router, forge app.Handler) {
	r.Open().Post("/rings", func(ctx *app.Context) error {
		if err := forge(ctx); err != nil {
			return err
		}
		session, err := ctx.Session()
		if err != nil {
			return err
		}
		if err := session.Flash("info", "The ring is forged"); err != nil {
			return err
		}
		return ctx.Redirect("/rings") // 303
	})
	r.Open().Get("/rings", func(ctx *app.Context) error {
		session, err := ctx.Session()
		if err != nil {
			return err
		}
		ctx.Body, err = session.Flashes() // once
		return err
	})
}

func koaLogin(local app.Strategy) app.Handler {
	return func(ctx *app.Context) error {
		id, err := ctx.Authenticate(local)
		if err != nil {
			return err
		}
		var in struct {
			Stay bool `json:"stay"`
		}
		if err := ctx.Bind(&in); err != nil {
			return err
		}
		var age time.Duration // as long as any other
		if in.Stay {
			age = 30 * 24 * time.Hour
		}
		ctx.Status = 204
		return ctx.Login(id.User, app.MaxAge(age), app.KeepSession("cart"))
	}
}

func koaRegenerate(ctx *app.Context) error {
	session, err := ctx.Session()
	if err != nil {
		return err
	}
	ctx.Status = 204
	return session.Regenerate("cart")
}

var theme = app.Cookie{Name: "theme", MaxAge: 30 * 24 * time.Hour}

func koaCookie(ctx *app.Context) error {
	chosen, err := theme.Get(ctx)
	if errors.Is(err, http.ErrNoCookie) { // none, or a forged one
		chosen = "dark"
		err = theme.Set(ctx, chosen)
	}
	ctx.Body = chosen
	return err
}

func koaKeys(a *app.App, newest, older []byte) error {
	keys, err := app.NewKeys(newest, older) // the first signs, all verify
	if err != nil {
		return err
	}
	a.Keys = keys
	return nil
}

// What follows is not shown.

// koaVisitor is a browser with a session.
func koaVisitor(t *testing.T, o app.SessionOptions, layers ...app.Middleware) (*apptest.Client, *app.Sessions) {
	t.Helper()
	sessions := app.NewSessions(sessionstores.NewMemory(), &everybody{}, o)
	return koaServe(t, append([]app.Middleware{sessions.Layer}, layers...)...), sessions
}

func TestKoaViews(t *testing.T) {
	c, _ := koaVisitor(t, app.SessionOptions{}, answering(koaViews))
	for _, want := range []string{"1 views", "2 views", "3 views"} {
		res := c.Get("/")
		assert.Equal(t, 200, res.Status)
		assert.Equal(t, want, res.Body)
		assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		assert.Contains(t, res.Header["Vary"], "Cookie")
	}
	require.NotNil(t, c.Cookie("__Host-session"))
}

func TestKoaFlash(t *testing.T) {
	r := router.New()
	koaFlash(r, nothing)
	c, _ := koaVisitor(t, app.SessionOptions{}, r.Layer)
	res := c.PostJSON("/rings", struct{}{})
	assert.Equal(t, 303, res.Status)
	assert.Equal(t, "/rings", res.Header.Get("Location"))
	assert.Equal(t, `[{"kind":"info","text":"The ring is forged"}]`, c.Get("/rings").Body)
	assert.NotContains(t, c.Get("/rings").Body, "forged")
}

// named proves whoever says a name.
type named struct{}

func (named) Authenticate(ctx *app.Context) (*app.Identity, error) {
	name := ctx.Get("X-Name")
	if name == "" {
		return nil, app.ErrNoCredentials
	}
	return &app.Identity{User: &User{name}, Scopes: []string{"*"}, Via: "name"}, nil
}

func TestKoaStaysLoggedInAndKeepsTheCart(t *testing.T) {
	clock := apptest.NewClock(time.Now())
	r := router.New()
	r.Open().Post("/login", koaLogin(named{}))
	r.Open().Post("/regenerate", koaRegenerate)
	r.Open().Post("/cart", func(ctx *app.Context) error {
		session, err := ctx.Session()
		if err != nil {
			return err
		}
		ctx.Status = 204
		return errors.Join(session.Set("cart", []string{"lembas"}), session.Set("secret", 1))
	})
	r.Open().Get("/cart", func(ctx *app.Context) error {
		session, err := ctx.Session()
		if err != nil {
			return err
		}
		var cart []string
		_, err = session.Get("cart", &cart)
		user, _ := app.User[*User](ctx)
		ctx.Body = fmt.Sprint(user, " ", cart, " ", session.Names())
		return err
	})
	for _, stay := range []bool{false, true} {
		c, _ := koaVisitor(t, app.SessionOptions{Clock: clock.Now}, r.Layer)
		c.Now = clock.Now
		assert.Equal(t, 204, c.PostJSON("/cart", struct{}{}).Status)
		assert.Equal(t, "<nil> [lembas] [cart secret]", c.Get("/cart").Body)
		before := c.Cookie("__Host-session").Value

		assert.Equal(t, 401, c.PostJSON("/login", map[string]bool{"stay": stay}).Status)
		c.Header.Set("X-Name", "frodo")
		res := c.PostJSON("/login", map[string]bool{"stay": stay})
		assert.Equal(t, 204, res.Status)
		maxAge := 0
		if stay {
			maxAge = 30 * 24 * 60 * 60
		}
		assert.Equal(t, maxAge, res.SetCookie("__Host-session").MaxAge)
		assert.Equal(t, "&{frodo} [lembas] [cart]", c.Get("/cart").Body)
		atLogin := c.Cookie("__Host-session").Value
		assert.NotEqual(t, before, atLogin)

		assert.Equal(t, 204, c.PostJSON("/cart", struct{}{}).Status)
		assert.Equal(t, 204, c.PostJSON("/regenerate", struct{}{}).Status)
		assert.Equal(t, "&{frodo} [lembas] [cart]", c.Get("/cart").Body)
		assert.NotEqual(t, atLogin, c.Cookie("__Host-session").Value)
		for _, old := range []string{before, atLogin} {
			r := c.NewRequest("GET", "/cart", nil)
			r.Header.Set("Cookie", "__Host-session="+old)
			assert.Equal(t, "<nil> [] []", c.Do(r).Body, "an old id opens nothing")
		}

		clock.Advance(13 * time.Hour)
		want := "<nil> [] []"
		if stay {
			want = "&{frodo} [lembas] [cart]"
		}
		assert.Equal(t, want, c.Get("/cart").Body)
		clock.Advance(30 * 24 * time.Hour)
		assert.Equal(t, "<nil> [] []", c.Get("/cart").Body)
	}
}

func TestKoaSignedCookie(t *testing.T) {
	newest, older := []byte("the doors of Durin, lord of Moria"), []byte("speak, friend, and enter through")
	a, before := app.New(), app.New()
	require.NoError(t, koaKeys(a, newest, older))
	require.NoError(t, koaKeys(before, older, []byte("even the wise cannot see all ends.")))
	for _, x := range []*app.App{a, before} {
		x.Use(answering(koaCookie))
	}
	c, old := koaClient(t, a), koaClient(t, before)
	res := c.Get("/")
	assert.Equal(t, "dark", res.Body)
	set := res.SetCookie("theme")
	assert.Equal(t, 30*24*60*60, set.MaxAge)
	assert.True(t, set.Secure && set.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, set.SameSite)
	assert.Equal(t, "/", set.Path)
	assert.Empty(t, c.Get("/").Header["Set-Cookie"])

	c.SetCookie("theme", "light")
	res = c.Get("/")
	assert.Equal(t, "dark", res.Body, "a forged one is none")
	assert.NotNil(t, res.SetCookie("theme"))

	old.Get("/")
	c.CopyCookies(old)
	res = c.Get("/")
	assert.Equal(t, "dark", res.Body)
	assert.NotNil(t, res.SetCookie("theme"), "signed anew with the newest")
	assert.Equal(t, 500, koaServe(t, answering(koaCookie)).Get("/").Status, "without keys")
	_, err := app.NewKeys([]byte("mellon"))
	assert.Error(t, err)
}

package kahu_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

var koaSessionClaims = []koaClaim{
	{"the values alone go: who is logged in stays", func(t *testing.T) {
		c, sessions := koaVisitor(t, app.SessionOptions{}, answering(koaCart))
		apptest.ActAs(t, c, sessions, &User{"frodo"})
		c.Post("/set", "text/plain", "")
		assert.Equal(t, "&{frodo} lembas", c.Get("/").Body)
		c.Post("/clear", "text/plain", "")
		assert.Equal(t, "&{frodo} ", c.Get("/").Body)
	}},
	{"the row goes first, then the cookie; a client without a cookie is sent none", func(t *testing.T) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		c := koaServe(t, app.NewSessions(store, &everybody{}, app.SessionOptions{}).Layer, answering(koaCart))
		assert.Empty(t, c.Post("/logout", "text/plain", "").Header["Set-Cookie"])
		c.Post("/set", "text/plain", "")
		store.Fail("Delete")
		res := c.Post("/logout", "text/plain", "")
		assert.Equal(t, 503, res.Status)
		assert.Empty(t, res.Header["Set-Cookie"])
		store.Heal()
		id := c.Cookie("__Host-session").Value
		res = c.Post("/logout", "text/plain", "")
		assert.Negative(t, res.SetCookie("__Host-session").MaxAge)
		assert.Equal(t, "<nil> ", koaAsk(c, "GET", "/", "Cookie", "__Host-session="+id).Body)
	}},
	{"when somebody asks, so a page that does not costs no query", func(t *testing.T) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		c := koaServe(t, app.NewSessions(store, &everybody{}, app.SessionOptions{}).Layer, koaEarly, answering(koaCart))
		c.Post("/set", "text/plain", "")
		before := len(store.Calls())
		assert.Equal(t, 200, c.Get("/alive").Status)
		assert.Len(t, store.Calls(), before)
	}},
	{"if a value changed, before the headers; of parallel requests each keeps its own changes; an answer of 5xx saves none", func(t *testing.T) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		a := app.New()
		a.OnError = func(*app.Context, error) {}
		c := koaClient(t, a.Use(app.NewSessions(store, &everybody{}, app.SessionOptions{}).Layer, answering(koaCart)))
		c.Post("/set", "text/plain", "")
		before := len(store.Calls())
		c.Post("/set", "text/plain", "")
		assert.Equal(t, []string{"Find"}, store.Calls()[before:], "the same value is no change")
		assert.Equal(t, 500, c.Post("/fail", "text/plain", "").Status)
		assert.Equal(t, "<nil> lembas", c.Get("/").Body)
		assert.Equal(t, 409, c.Post("/refuse", "text/plain", "").Status)
		assert.Equal(t, "<nil> pie", c.Get("/").Body)

		var both *apptest.Client
		both, _ = koaVisitor(t, app.SessionOptions{}, answering(func(ctx *app.Context) error {
			session, err := ctx.Session()
			require.NoError(t, err)
			ctx.Body = session.Names()
			switch ctx.Request.URL.Path {
			case "/outer":
				err = session.Set("outer", 1)
				both.Get("/inner")
			case "/inner":
				err = session.Set("inner", 1)
			case "/begin":
				err = session.Set("begun", 1)
			}
			return err
		}))
		both.Get("/begin")
		both.Get("/outer")
		assert.Equal(t, `["begun","inner","outer"]`, both.Get("/").Body)
	}},
	{"30 minutes without use and 12 hours at most, by the server's clock, in place of a day", func(t *testing.T) {
		clock := apptest.NewClock(time.Now())
		c, sessions := koaVisitor(t, app.SessionOptions{Clock: clock.Now}, answering(koaCart))
		apptest.ActAs(t, c, sessions, &User{"frodo"})
		for range 24 {
			clock.Advance(29 * time.Minute)
			assert.Equal(t, "&{frodo} ", c.Get("/").Body)
		}
		clock.Advance(29 * time.Minute) // 12 hours and 5 minutes
		assert.Equal(t, "<nil> ", c.Get("/").Body)
		apptest.ActAs(t, c, sessions, &User{"frodo"})
		clock.Advance(30 * time.Minute)
		assert.Equal(t, "<nil> ", c.Get("/").Body)
	}},
	{"now, also if it is empty", func(t *testing.T) {
		c, _ := koaVisitor(t, app.SessionOptions{}, answering(func(ctx *app.Context) error {
			session, err := ctx.Session()
			require.NoError(t, err)
			ctx.Body = fmt.Sprint(session.IsNew(), session.Len())
			return session.Save()
		}))
		assert.Equal(t, "true 0", c.Get("/").Body)
		assert.Equal(t, "false 0", c.Get("/").Body)
	}},
	{"Login, Logout, Save and Regenerate write all the same", func(t *testing.T) {
		c, _ := koaVisitor(t, app.SessionOptions{}, answering(func(ctx *app.Context) error {
			session, err := ctx.Session()
			require.NoError(t, err)
			session.SkipSave()
			ctx.Status = 204
			if ctx.Request.URL.Path == "/save" {
				return errors.Join(session.Set("ring", 1), session.Save())
			}
			return session.Set("ring", 1)
		}))
		assert.Empty(t, c.Get("/").Header["Set-Cookie"])
		assert.NotEmpty(t, c.Get("/save").Header["Set-Cookie"])
	}},
	{"the cookie is sent again at most once a minute", func(t *testing.T) {
		clock := apptest.NewClock(time.Now())
		c, _ := koaVisitor(t, app.SessionOptions{Clock: clock.Now, Cookie: app.SessionCookie{MaxAge: time.Hour, Rolling: true}}, answering(koaCart))
		c.Now = clock.Now
		c.Post("/set", "text/plain", "")
		clock.Advance(59 * time.Second)
		assert.Nil(t, c.Get("/").SetCookie("__Host-session"))
		clock.Advance(time.Second)
		assert.NotNil(t, c.Get("/").SetCookie("__Host-session"))
		assert.Nil(t, c.Get("/").SetCookie("__Host-session"))
	}},
	{"0, the default: the cookie goes with the browser", func(t *testing.T) {
		c, _ := koaVisitor(t, app.SessionOptions{}, answering(koaCart))
		assert.Zero(t, c.Post("/set", "text/plain", "").SetCookie("__Host-session").MaxAge)
	}},
	{"a session that is not valid is ended, its row too", func(t *testing.T) {
		valid := true
		c, _ := koaVisitor(t, app.SessionOptions{Valid: func(*app.Context, *app.Session) (bool, error) { return valid, nil }}, answering(koaCart))
		c.Post("/set", "text/plain", "")
		id := c.Cookie("__Host-session").Value
		valid = false
		assert.Equal(t, "<nil> ", c.Get("/").Body)
		valid = true
		assert.Equal(t, "<nil> ", koaAsk(c, "GET", "/", "Cookie", "__Host-session="+id).Body)
	}},
	{"a store that fails is 503, and `App.OnError` told; it is never taken for no session. What the application has refused stays its answer", func(t *testing.T) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		told := 0
		a := app.New()
		a.OnError = func(*app.Context, error) { told++ }
		c := koaClient(t, a.Use(app.NewSessions(store, &everybody{}, app.SessionOptions{}).Layer, answering(koaCart)))
		c.Post("/set", "text/plain", "")
		store.Fail("Find")
		assert.Equal(t, 503, c.Get("/").Status)
		assert.Equal(t, 1, told)
		store.Heal()
		store.Fail("Update")
		assert.Equal(t, 409, c.Post("/refuse", "text/plain", "").Status)
		assert.Equal(t, 2, told)
	}},
	{"`__Host-session`, or the kind that is set", func(t *testing.T) {
		c, _ := koaVisitor(t, app.SessionOptions{Kind: "admin"}, answering(koaCart))
		assert.NotNil(t, c.Post("/set", "text/plain", "").SetCookie("__Host-admin"))
	}},
	{"with the request, and never with the id", func(t *testing.T) {
		clock := apptest.NewClock(time.Now())
		sessions := app.NewSessions(sessionstores.NewMemory(), &everybody{}, app.SessionOptions{Clock: clock.Now})
		a := app.New()
		told := apptest.Record(a)
		c := koaClient(t, a.Use(sessions.Layer, answering(koaCart)))
		c.Post("/set", "text/plain", "")
		id := c.Cookie("__Host-session").Value
		told.Reset()
		clock.Advance(time.Hour)
		c.Get("/")
		c.SetCookie("__Host-session", strings.Repeat("A", len(id)))
		c.Get("/")
		for _, e := range told.Expect(t, app.EventSessionExpired, app.EventSessionMissed) {
			assert.NotContains(t, fmt.Sprintf("%+v", e), id)
		}
	}},
	{"unsafe requests from other sites are answered 403; `SessionOptions.TrustedOrigins`", func(t *testing.T) {
		c, _ := koaVisitor(t, app.SessionOptions{TrustedOrigins: []string{"https://map.shire.example"}}, answering(koaCart))
		for origin, status := range map[string]int{"https://mordor.example": 403, "https://map.shire.example": 204, "https://shire.example": 204} {
			assert.Equal(t, status, koaAsk(c, "POST", "/set", "Origin", origin).Status, origin)
		}
	}},
}

// koaCart sets a value in the session by POST, tells it by GET.
func koaCart(ctx *app.Context) error {
	session, err := ctx.Session()
	if err != nil {
		return err
	}
	switch ctx.Request.URL.Path {
	case "/set":
		ctx.Status = 204
		return session.Set("cart", "lembas")
	case "/clear":
		ctx.Status = 204
		return session.Clear()
	case "/logout":
		ctx.Status = 204
		return ctx.Logout()
	case "/fail":
		return errors.Join(session.Set("cart", "poison"), ctx.Throw(500, ""))
	case "/refuse":
		return errors.Join(session.Set("cart", "pie"), ctx.Throw(409, ""))
	}
	var cart string
	_, err = session.Get("cart", &cart)
	user, _ := app.User[*User](ctx)
	ctx.Body = fmt.Sprint(user, " ", cart)
	return err
}

package kahu_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

var koaApplication = []koaClaim{
	{"a nil layer panics, and so does `Use` after the first request", func(t *testing.T) {
		assert.Panics(t, func() { app.New().Use(nil) })
		a := app.New()
		koaClient(t, a).Get("/")
		assert.Panics(t, func() { a.Use(koaEarly) })
	}},
	{"a second call runs nothing and is answered 500, though its error is dropped", func(t *testing.T) {
		below := 0
		a := app.New()
		a.OnError = func(*app.Context, error) {}
		c := koaClient(t, a.Use(func(ctx *app.Context, next app.Handler) error {
			_ = next(ctx)
			_ = next(ctx)
			return nil
		}, answering(func(ctx *app.Context) error { below++; ctx.Status = 204; return nil })))
		assert.Equal(t, 500, c.Get("/").Status)
		assert.Equal(t, 1, below)
	}},
	{"told once of what is answered 5xx or came after the headers, and not of 4xx", func(t *testing.T) {
		for status, times := range map[int]int{400: 0, 404: 0, 499: 0, 500: 1, 503: 1} {
			_, told := koaTold(t, func(ctx *app.Context) error { return ctx.Throw(status, "") })
			assert.Len(t, told, times, status)
		}
		res, told := koaTold(t, func(ctx *app.Context) error {
			_, _ = io.WriteString(ctx.Writer(), "half")
			return ctx.Throw(404, "")
		})
		assert.True(t, res.Aborted)
		assert.Len(t, told, 1)
	}},
	{"shows method and route, and nothing that the client sent", func(t *testing.T) {
		var printed string
		koaHand(t, func(ctx *app.Context) error {
			printed = fmt.Sprintf("%+v %s", ctx, slog.AnyValue(ctx).Resolve())
			return nil
		}, "GET", "/secret?secret=1", "Authorization", "Basic secret")
		assert.Contains(t, printed, "GET")
		assert.NotContains(t, strings.ToLower(printed), "secret")
	}},
	{"of a request's context, below `app.Mount`, `app.Wrap` and `app.Adapt`; elsewhere ctx is an argument", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) { assert.Nil(t, app.FromContext(ctx.Context())) })
		var below *app.Context
		koaHand(t, app.Mount(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { below = app.FromContext(r.Context()) })), "GET", "/")
		assert.NotNil(t, below)
	}},
	{"nothing to say: who has written to `ctx.Writer()` has answered", func(t *testing.T) {
		res := koaGet(t, func(ctx *app.Context) error {
			_, err := io.WriteString(ctx.Writer(), "by hand")
			ctx.Status, ctx.Body = 404, "too late"
			return err
		})
		assert.Equal(t, 200, res.Status)
		assert.Equal(t, "by hand", res.Body)
	}},
	{"the session is saved before the first byte", func(t *testing.T) {
		c, _ := koaVisitor(t, app.SessionOptions{}, answering(func(ctx *app.Context) error {
			session, err := ctx.Session()
			require.NoError(t, err)
			require.NoError(t, session.Set("ring", 1))
			_, err = io.WriteString(ctx.Writer(), "by hand")
			assert.ErrorIs(t, session.Set("ring", 2), app.ErrHeadersSent)
			return err
		}))
		res := c.Get("/")
		assert.Equal(t, "by hand", res.Body)
		assert.NotNil(t, res.SetCookie("__Host-session"))
	}},
	{"asked when first called; a fault is answered 503 and is never nobody", func(t *testing.T) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		sessions := app.NewSessions(store, &everybody{}, app.SessionOptions{})
		asks := false
		c := koaServe(t, sessions.Layer, answering(func(ctx *app.Context) error {
			if asks {
				_ = ctx.User()
			}
			ctx.Body = "hello"
			return nil
		}))
		apptest.ActAs(t, c, sessions, &User{"frodo"})
		store.Fail("Find")
		assert.Equal(t, 200, c.Get("/").Status)
		asks = true
		assert.Equal(t, 503, c.Get("/").Status)
	}},
	{"also if the connection was cut", func(t *testing.T) {
		over := false
		res := koaGet(t, func(ctx *app.Context) error {
			ctx.OnFinish(func() { over = true })
			panic(http.ErrAbortHandler)
		})
		assert.True(t, res.Aborted)
		assert.True(t, over)
	}},
}

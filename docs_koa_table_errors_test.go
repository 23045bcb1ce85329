package kahu_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

var koaErrors = []koaClaim{
	{`has to be returned; "" is the status in words`, func(t *testing.T) {
		assert.Equal(t, 404, koaIn(t, func(ctx *app.Context) { _ = ctx.Throw(409, "dropped") }).Status)
		assert.Equal(t, `{"errors":[{"title":"Conflict","status":409}]}`, koaGet(t, func(ctx *app.Context) error { return ctx.Throw(409, "") }).Body)
	}},
	{"the Message is for the client, the Cause for the log; Extensions are shown in JSON and problem details", func(t *testing.T) {
		res := koaGet(t, func(*app.Context) error {
			return &app.Error{Status: 409, Message: "Taken", Cause: errors.New("secret"), Extensions: map[string]any{"by": "sam"}}
		})
		assert.JSONEq(t, `{"errors":[{"title":"Taken","status":409,"by":"sam"}]}`, res.Body)
	}},
	{"nil if so; one form, Go compares", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) {
			assert.NoError(t, ctx.Assert(true, 404, "No such ring"))
			assert.EqualError(t, ctx.Assert(false, 404, "No such ring"), "404 No such ring")
		})
	}},
	{"of any error that wraps an `app.Error`; 400 to 599, so 200 and 302 are answered 500", func(t *testing.T) {
		for status, want := range map[int]int{404: 404, 599: 599, 200: 500, 302: 500, 0: 500, 9999: 500} {
			res := koaGet(t, func(ctx *app.Context) error { return fmt.Errorf("look: %w", ctx.Throw(status, "Lost")) })
			assert.Equal(t, want, res.Status, status)
		}
	}},
	{"below 500 the Message is always shown; a 5xx says its status alone unless Expose", func(t *testing.T) {
		said := func(status int, expose bool) bool {
			return strings.Contains(koaGet(t, func(*app.Context) error { return &app.Error{Status: status, Message: "Back at noon", Expose: expose} }).Body, "Back at noon")
		}
		assert.True(t, said(499, false))
		assert.False(t, said(503, false))
		assert.True(t, said(503, true))
	}},
	{"beside those that are set: cookies, Vary and CORS stay, what describes the answer that is given up goes", func(t *testing.T) {
		res := koaGet(t, func(ctx *app.Context) error {
			require.NoError(t, app.Cookie{Name: "a", Unsigned: true}.Set(ctx, "b"))
			ctx.Vary("Origin")
			ctx.Header().Set("Access-Control-Allow-Origin", "*")
			require.NoError(t, ctx.SetETag("7"))
			ctx.Attachment("rings.pdf")
			return &app.Error{Status: 503, Header: http.Header{"Retry-After": {"60"}}}
		})
		assert.Equal(t, "60", res.Header.Get("Retry-After"))
		assert.NotNil(t, res.SetCookie("a"))
		assert.Contains(t, res.Header["Vary"], "Origin")
		assert.Equal(t, "*", res.Header.Get("Access-Control-Allow-Origin"))
		assert.Empty(t, res.Header.Get("ETag"))
		assert.Empty(t, res.Header.Get("Content-Disposition"))
		assert.Contains(t, res.Header.Get("Content-Type"), "json")
	}},
	{"500, with nothing of it shown; 503 if a deadline or a connection to the database is the reason", func(t *testing.T) {
		res := koaGet(t, func(*app.Context) error { return errors.New("secret") })
		assert.Equal(t, `{"errors":[{"title":"Internal Server Error","status":500}]}`, res.Body)
		assert.Equal(t, 503, koaGet(t, func(*app.Context) error { return fmt.Errorf("ask: %w", context.DeadlineExceeded) }).Status)
	}},
	{"JSON, problem details (RFC 9457), a page or text, as the client asks; `App.Translate` translates it", func(t *testing.T) {
		a := app.New()
		a.Translate = func(ctx *app.Context, title string) string {
			if ctx.AcceptsLanguages("en", "de") == "de" && title == "Login required" {
				return "Bitte anmelden"
			}
			return title
		}
		c := koaClient(t, a.Use(answering(func(*app.Context) error { return app.ErrLoginRequired })))
		for accept, contentType := range map[string]string{
			"application/json": "application/json; charset=utf-8", "application/problem+json": "application/problem+json",
			"text/html": "text/html; charset=utf-8", "text/plain": "text/plain; charset=utf-8", "*/*": "application/json; charset=utf-8",
		} {
			res := koaAsk(c, "GET", "/", "Accept", accept, "Accept-Language", "de")
			assert.Equal(t, contentType, res.Header.Get("Content-Type"))
			assert.Contains(t, res.Body, "Bitte anmelden")
		}
	}},
	{"who does not return it has answered it, and nobody is told", func(t *testing.T) {
		told := 0
		a := app.New()
		a.OnError = func(*app.Context, error) { told++ }
		a.Use(func(ctx *app.Context, next app.Handler) error {
			if next(ctx) != nil {
				ctx.Body = "all is well"
			}
			return nil
		}, answering(func(*app.Context) error { return errors.New("fire") }))
		assert.Equal(t, "all is well", koaClient(t, a).Get("/").Body)
		assert.Zero(t, told)
	}},
	{"500 with its stack in the log, as an `*app.PanicError`", func(t *testing.T) {
		for _, v := range []any{"no error", errors.New("one"), 7} {
			res, told := koaTold(t, func(*app.Context) error { panic(v) })
			assert.Equal(t, 500, res.Status)
			require.Len(t, told, 1)
			p, ok := errors.AsType[*app.PanicError](told[0])
			require.True(t, ok)
			assert.Contains(t, string(p.Stack), "docs_koa_table_test.go")
		}
	}},
	{"the connection is cut, so that nobody takes the half for the whole", func(t *testing.T) {
		assert.True(t, koaGet(t, func(ctx *app.Context) error {
			require.NoError(t, ctx.Flush())
			return errors.New("fire")
		}).Aborted)
	}},
}

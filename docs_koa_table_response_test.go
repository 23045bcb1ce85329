package kahu_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/sessionstores/storetest"
)

var koaResponse = []koaClaim{
	{"from 200 to 999, anything else is answered 500; 0 means 200 with a Body and 404 without", func(t *testing.T) {
		for status, want := range map[int]int{0: 404, 200: 200, 299: 299, 999: 999, 199: 500, 1000: 500, -1: 500} {
			assert.Equal(t, want, koaGet(t, func(ctx *app.Context) error { ctx.Status = status; return nil }).Status, status)
		}
		assert.Equal(t, 200, koaGet(t, koaBody("")).Status)
	}},
	{"text/plain, also if it begins with `<`: a page says `ctx.SetType(\"html\")`", func(t *testing.T) {
		assert.Equal(t, "text/plain; charset=utf-8", koaGet(t, koaBody("<h1>")).Header.Get("Content-Type"))
		res := koaGet(t, func(ctx *app.Context) error { ctx.SetType("html"); ctx.Body = "<h1>"; return nil })
		assert.Equal(t, "text/html; charset=utf-8", res.Header.Get("Content-Type"))
		assert.Equal(t, "application/octet-stream", koaGet(t, koaBody([]byte("ring"))).Header.Get("Content-Type"))
	}},
	{"any `io.Reader`, closed afterwards if it can be; if it fails in the middle the connection is cut, and `App.OnError` told", func(t *testing.T) {
		closed := false
		res := koaGet(t, koaBody(struct {
			io.Reader
			io.Closer
		}{strings.NewReader("ring"), koaCloser(func() { closed = true })}))
		assert.Equal(t, "ring", res.Body)
		assert.True(t, closed)
		failure := errors.New("the river has risen")
		res, told := koaTold(t, koaBody(io.MultiReader(strings.NewReader("half"), koaFailing{failure})))
		assert.True(t, res.Aborted)
		require.Len(t, told, 1)
		assert.ErrorIs(t, told[0], failure)
	}},
	{"JSON by `encoding/json`; what cannot be encoded is 500", func(t *testing.T) {
		for want, body := range map[string]any{"0": 0, "false": false, `{"name":"one"}`: &Ring{Name: "one"}, "[]": []string{}, "null": (*Ring)(nil)} {
			res := koaGet(t, koaBody(body))
			assert.Equal(t, 200, res.Status)
			assert.Equal(t, want, res.Body)
			assert.Equal(t, "application/json; charset=utf-8", res.Header.Get("Content-Type"))
		}
		assert.Equal(t, 500, koaGet(t, koaBody(make(chan int))).Status)
	}},
	{"without its cookies and what a site says for itself, such as CORS", func(t *testing.T) {
		res := koaGet(t, koaBody(&http.Response{
			StatusCode: 206, Body: io.NopCloser(strings.NewReader("ring")),
			Header: http.Header{"Set-Cookie": {"a=b"}, "Access-Control-Allow-Origin": {"*"}, "Content-Type": {"text/ring"}, "Etag": {`"7"`}},
		}))
		assert.Equal(t, 206, res.Status)
		assert.Equal(t, "ring", res.Body)
		assert.Equal(t, "text/ring", res.Header.Get("Content-Type"))
		assert.Equal(t, `"7"`, res.Header.Get("ETag"))
		assert.Empty(t, res.Header["Set-Cookie"])
		assert.Empty(t, res.Header["Access-Control-Allow-Origin"])
	}},
	{"nil is no Body, and a Status that was set stays: a 401 is no 204. JSON's null is `json.RawMessage(\"null\")`", func(t *testing.T) {
		assert.Equal(t, 404, koaGet(t, koaBody(nil)).Status)
		assert.Equal(t, 401, koaGet(t, func(ctx *app.Context) error { ctx.Status, ctx.Body = 401, nil; return nil }).Status)
		res := koaGet(t, koaBody(json.RawMessage("null")))
		assert.Equal(t, "200 null", fmt.Sprint(res.Status, " ", res.Body))
	}},
	{"4xx and 5xx say the status in the format that the client takes; others are empty", func(t *testing.T) {
		status := func(status int, accept string) string {
			return koaHand(t, func(ctx *app.Context) error { ctx.Status = status; return nil }, "GET", "/", "Accept", accept).Body
		}
		assert.Equal(t, `{"errors":[{"title":"Conflict","status":409}]}`, status(409, "application/json"))
		assert.Equal(t, "Conflict", status(409, "text/plain"))
		assert.Contains(t, status(503, "text/html"), "<p>Service Unavailable</p>")
		assert.Empty(t, status(200, "text/plain"))
		assert.Empty(t, status(302, "text/plain"))
	}},
	{"closes the stream; a mere `ctx.Body = b` cannot", func(t *testing.T) {
		closed := 0
		stream := struct {
			io.Reader
			io.Closer
		}{strings.NewReader("ring"), koaCloser(func() { closed++ })}
		assert.Equal(t, "b", koaGet(t, func(ctx *app.Context) error { ctx.Body = stream; ctx.ReplaceBody("b"); return nil }).Body)
		assert.Equal(t, 1, closed)
		assert.Equal(t, "b", koaGet(t, func(ctx *app.Context) error { ctx.Body = stream; ctx.Body = "b"; return nil }).Body)
		assert.Equal(t, 1, closed)
	}},
	{"for streams; one that turns out longer or shorter cuts the connection", func(t *testing.T) {
		for length, cut := range map[int64]bool{3: true, 4: false, 5: true} {
			res := koaGet(t, func(ctx *app.Context) error {
				ctx.Body = io.MultiReader(strings.NewReader("ring"))
				ctx.SetLength(length)
				return nil
			})
			assert.Equal(t, cut, res.Aborted, length)
			assert.Equal(t, fmt.Sprint(length), res.Header.Get("Content-Length"))
		}
	}},
	{"a line each, which means the same", func(t *testing.T) {
		res := koaIn(t, func(ctx *app.Context) { ctx.Append("Link", "<a>", "<b>"); ctx.Append("Link", "<c>") })
		assert.Equal(t, []string{"<a>", "<b>", "<c>"}, res.Header["Link"])
	}},
	{"an error for what no tag can hold", func(t *testing.T) {
		koaIn(t, func(ctx *app.Context) {
			assert.NoError(t, ctx.SetETag(`W/"7"`))
			assert.Error(t, ctx.SetETag("seven rings"))
		})
	}},
	{"the fallback for old clients is made, with `_` for what is not ASCII", func(t *testing.T) {
		res := koaIn(t, func(ctx *app.Context) { ctx.Attachment("der eine für alle.pdf") })
		assert.Equal(t, `attachment; filename="der eine f_r alle.pdf"; filename*=UTF-8''der%20eine%20f%C3%BCr%20alle.pdf`, res.Header.Get("Content-Disposition"))
		assert.Equal(t, `inline; filename="map.png"`, koaIn(t, func(ctx *app.Context) { ctx.Inline("map.png") }).Header.Get("Content-Disposition"))
	}},
	{"303 in place of 302; what a browser may read as another site is an error; no body", func(t *testing.T) {
		for target, status := range map[string]int{"/login?next=/": 303, "https://mordor.example": 500, "//mordor.example": 500, `/\mordor.example`: 500, "javascript:alert(1)": 500} {
			res := koaGet(t, func(ctx *app.Context) error { return ctx.Redirect(target) })
			assert.Equal(t, status, res.Status, target)
			if status == 303 {
				assert.Equal(t, target, res.Header.Get("Location"))
				assert.Empty(t, res.Body)
			}
		}
		assert.Equal(t, 308, koaGet(t, func(ctx *app.Context) error { ctx.Status = 308; return ctx.Redirect("/") }).Status)
	}},
	{"another site is asked for by name", func(t *testing.T) {
		res := koaGet(t, func(ctx *app.Context) error { return ctx.RedirectExternal("https://bree.example/inn") })
		assert.Equal(t, "303 https://bree.example/inn", fmt.Sprint(res.Status, " ", res.Header.Get("Location")))
		assert.Equal(t, 500, koaGet(t, func(ctx *app.Context) error { return ctx.RedirectExternal("javascript:alert(1)") }).Status)
	}},
	{"scheme and host must be ours, and only the path is sent", func(t *testing.T) {
		for referer, want := range map[string]string{"https://shire.example/rings?one=1#top": "/rings?one=1", "http://shire.example/rings": "/home", "https://mordor.example/": "/home", "rings": "/home", "": "/home"} {
			res := koaHand(t, func(ctx *app.Context) error { return ctx.Back("/home") }, "GET", "/", "Referer", referer)
			assert.Equal(t, want, res.Header.Get("Location"), referer)
		}
	}},
	{"the session is saved first, which may fail: 503 and an error", func(t *testing.T) {
		store := storetest.NewFaulty(sessionstores.NewMemory())
		c := koaServe(t, app.NewSessions(store, &everybody{}, app.SessionOptions{}).Layer, answering(func(ctx *app.Context) error {
			session, err := ctx.Session()
			require.NoError(t, err)
			require.NoError(t, session.Set("ring", 1))
			err = ctx.Flush()
			ctx.Body = "later"
			return err
		}))
		res := c.Get("/")
		assert.Equal(t, "200 later", fmt.Sprint(res.Status, " ", res.Body))
		assert.NotNil(t, c.Cookie("__Host-session"))
		store.Fail("Insert")
		c.SetCookie("__Host-session", "")
		assert.Equal(t, 503, c.Get("/").Status)
	}},
}

type koaCloser func()

func (c koaCloser) Close() error { c(); return nil }

type koaFailing struct{ err error }

func (f koaFailing) Read([]byte) (int, error) { return 0, f.err }

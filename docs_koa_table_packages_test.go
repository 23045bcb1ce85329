package kahu_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/middleware"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/throttle"
)

var koaPackages = []koaClaim{
	{"is a layer; a nil one panics", func(t *testing.T) {
		assert.Panics(t, func() { app.Compose(koaEarly, nil) })
	}},
	{"Range and If-Modified-Since as well; lists directories unless the file system has none; no `.gz` beside a file", func(t *testing.T) {
		files := fstest.MapFS{"map.txt": {Data: []byte("the Shire")}, "map.txt.gz": {Data: []byte("zipped")}}
		c := koaRoutes(t, func(r *router.Router) {
			r.Mount("/static", http.StripPrefix("/static", http.FileServerFS(files)))
			r.Get("/map", func(ctx *app.Context) error {
				http.ServeFileFS(ctx.Writer(), ctx.Request, files, "map.txt")
				return nil
			})
		})
		assert.Contains(t, c.Get("/static/").Body, "map.txt")
		assert.Equal(t, "the Shire", koaAsk(c, "GET", "/static/map.txt", "Accept-Encoding", "gzip").Body)
		assert.Equal(t, "the", koaAsk(c, "GET", "/map", "Range", "bytes=0-2").Body)
	}},
	{"gzip and zstd; not what is somebody's own, of which the length tells secrets", func(t *testing.T) {
		long := strings.Repeat("one ring ", 500)
		c, sessions := koaVisitor(t, app.SessionOptions{}, middleware.Compress(middleware.CompressOptions{}), answering(func(ctx *app.Context) error {
			if ctx.Request.URL.Path == "/mine" {
				_ = ctx.User()
			}
			ctx.Body = long
			return nil
		}))
		apptest.ActAs(t, c, sessions, &User{"frodo"})
		for _, coding := range []string{"gzip", "zstd"} {
			assert.Equal(t, coding, koaAsk(c, "GET", "/", "Accept-Encoding", coding).Header.Get("Content-Encoding"))
			assert.Empty(t, koaAsk(c, "GET", "/mine", "Accept-Encoding", coding).Header.Get("Content-Encoding"))
		}
	}},
	{"one layer; weak tags; none for streams and what is no-store", func(t *testing.T) {
		tag := func(h app.Handler) string {
			return koaServe(t, middleware.ETag, answering(h)).Get("/").Header.Get("ETag")
		}
		assert.Regexp(t, `^W/"`, tag(koaBody("ring")))
		assert.Empty(t, tag(koaBody(strings.NewReader("ring"))))
		assert.Empty(t, tag(func(ctx *app.Context) error {
			ctx.Header().Set("Cache-Control", "no-store")
			ctx.Body = "ring"
			return nil
		}))
	}},
	{"an error's answer has them, too", func(t *testing.T) {
		res := koaServe(t, middleware.Headers(middleware.HeadersOptions{}), answering(func(ctx *app.Context) error { return ctx.Throw(404, "") })).Get("/")
		for _, name := range []string{"Content-Security-Policy", "Strict-Transport-Security", "Referrer-Policy", "X-Frame-Options", "X-Content-Type-Options"} {
			assert.NotEmpty(t, res.Header.Get(name), name)
		}
	}},
	{"sends RateLimit and RateLimit-Policy, and X-RateLimit-Limit and so on by `ThrottleOptions.LegacyHeaders`; a counter that fails is 503", func(t *testing.T) {
		c := koaServe(t, middleware.Throttle(throttle.NewMemory(), middleware.ThrottleOptions{Limit: 1, LegacyHeaders: true}), answering(koaSays("ring")))
		res := c.Get("/")
		assert.Equal(t, 200, res.Status)
		for _, name := range []string{"RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} {
			assert.NotEmpty(t, res.Header.Get(name), name)
		}
		res = c.Get("/")
		assert.Equal(t, 429, res.Status)
		assert.NotEmpty(t, res.Header.Get("Retry-After"))
		assert.Equal(t, 503, koaServe(t, middleware.Throttle(brokenCounter{}, middleware.ThrottleOptions{Limit: 1}), answering(koaSays("ring"))).Get("/").Status)
	}},
	{"the origins are named, where @koa/cors takes each; everybody's together with cookies panics", func(t *testing.T) {
		c := koaServe(t, middleware.CORS(middleware.CORSOptions{Origins: []string{"https://map.shire.example"}}), answering(koaSays("ring")))
		assert.Equal(t, "https://map.shire.example", koaAsk(c, "GET", "/", "Origin", "https://map.shire.example").Header.Get("Access-Control-Allow-Origin"))
		assert.Empty(t, koaAsk(c, "GET", "/", "Origin", "https://mordor.example").Header.Get("Access-Control-Allow-Origin"))
		assert.Panics(t, func() { middleware.CORS(middleware.CORSOptions{Origins: []string{"*"}, Credentials: true}) })
		assert.Panics(t, func() { middleware.CORS(middleware.CORSOptions{}) })
	}},
	{"read when asked for, on any method; strict; 1 MiB for forms, too; another type is 415, in place of `{}`", func(t *testing.T) {
		c := koaServe(t, answering(func(ctx *app.Context) error {
			var in struct {
				Ring string `json:"ring"`
			}
			err := ctx.Bind(&in)
			ctx.Body = in.Ring
			return err
		}))
		send := func(method, contentType, body string) string {
			r := httptest.NewRequest(method, "https://shire.example/", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			res := c.Do(r)
			if res.Status != 200 {
				return fmt.Sprint(res.Status)
			}
			return res.Body
		}
		assert.Equal(t, "one", send("DELETE", "application/json", `{"ring":"one"}`))
		assert.Equal(t, "one", send("POST", "application/x-www-form-urlencoded", `ring=one`))
		assert.Equal(t, "400", send("POST", "application/json", `{"ring":"one","ring":"two"}`))
		assert.Equal(t, "413", send("POST", "application/x-www-form-urlencoded", "ring="+strings.Repeat("o", 1<<20)))
		assert.Len(t, send("POST", "application/x-www-form-urlencoded", "ring="+strings.Repeat("o", 1<<20-5)), 1<<20-5)
		assert.Equal(t, "415", send("POST", "text/plain", "one"))
	}},
}

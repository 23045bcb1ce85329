package kahu_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/router"
)

var koaRouter = []koaClaim{
	{"also for methods that nobody knows; a route for the method goes before it", func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) { r.All("/", koaSays("all")); r.Get("/", koaSays("get")) })
		assert.Equal(t, "all", koaAsk(c, "RINGS", "/").Body)
		assert.Equal(t, "get", c.Get("/").Body)
	}},
	{"guards cover each prefix", func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) {
			r.Guard(app.Authenticate(named{})).Each([]string{"/colour", "/color"}, func(r *router.Router) { r.Get("", koaSays("grey")) })
		})
		for _, prefix := range []string{"/colour", "/color"} {
			assert.Equal(t, 401, c.Get(prefix).Status)
			assert.Equal(t, 401, c.Get(prefix+"/none").Status)
			assert.Equal(t, "grey", koaAsk(c, "GET", prefix, "X-Name", "sam").Body)
		}
	}},
	{"a name twice panics", func(t *testing.T) {
		r := router.New()
		r.Get("/", nothing).Name("home")
		assert.Panics(t, func() { r.Get("/home", nothing).Name("home") })
	}},
	{"auth stands before 404, 405, OPTIONS and redirects, too", func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) {
			r.Guard(app.Authenticate(named{})).Group("/admin", func(r *router.Router) { r.Get("/", nothing) })
		})
		for _, ask := range [][2]string{{"GET", "/admin/none"}, {"DELETE", "/admin/"}, {"OPTIONS", "/admin/"}, {"GET", "/admin"}} {
			assert.Equal(t, 401, koaAsk(c, ask[0], ask[1]).Status, ask)
		}
		assert.Equal(t, 405, koaAsk(c, "DELETE", "/admin/", "X-Name", "sam").Status)
		assert.Equal(t, 307, koaAsk(c, "GET", "/admin", "X-Name", "sam").Status)
	}},
	{"one route runs, the most specific, in whatever order they were added; two of which neither is panic", func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) { r.Get("/{page}", koaSays("a page")); r.Get("/rings", koaSays("rings")) })
		assert.Equal(t, "rings", c.Get("/rings").Body)
		assert.Equal(t, "a page", c.Get("/home").Body)
		assert.Panics(t, func() {
			koaRoutes(t, func(r *router.Router) { r.Get("/{a}/b", nothing); r.Get("/a/{b}", nothing) })
		})
	}},
	{"405, 501 and 204 with Allow on known paths; unknown paths are 404", func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) { r.Get("/rings", nothing) })
		for method, status := range map[string]int{"DELETE": 405, "RINGS": 501, "OPTIONS": 204} {
			res := koaAsk(c, method, "/rings")
			assert.Equal(t, status, res.Status, method)
			assert.NotEmpty(t, res.Header.Get("Allow"))
			assert.Equal(t, 404, koaAsk(c, method, "/none").Status, method)
		}
	}},
	{"301, for other methods than GET and HEAD 308; an unknown parameter panics while building", func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) { r.Redirect("/ring/{id}", "/rings/{id}") })
		for method, status := range map[string]int{"GET": 301, "HEAD": 301, "POST": 308, "DELETE": 308} {
			res := koaAsk(c, method, "/ring/7?one=1")
			assert.Equal(t, status, res.Status, method)
			assert.Equal(t, "/rings/7?one=1", res.Header.Get("Location"))
		}
		assert.Panics(t, func() { router.New().Redirect("/ring/{id}", "/rings/{ring}") })
	}},
	{"for the routes of the Router that it returns; guards run first", func(t *testing.T) {
		var order []string
		note := func(word string) { order = append(order, word) }
		c := koaRoutes(t, func(r *router.Router) {
			r = r.Param("id", func(ctx *app.Context, value string, next app.Handler) error { note("param " + value); return next(ctx) })
			r.Guard(func(ctx *app.Context, next app.Handler) error { note("guard"); return next(ctx) }).Get("/rings/{id}", nothing)
		})
		c.Get("/rings/7")
		assert.Equal(t, []string{"guard", "param 7"}, order)
	}},
	{`decoded once; "" if absent; typed: what is none is 404`, func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) {
			r.Get("/rings/{id}", func(ctx *app.Context) error { ctx.Body = ctx.Param("id") + "|" + ctx.Param("none"); return nil })
		})
		assert.Equal(t, "a/b%2F|", c.Get("/rings/a%2Fb%252F").Body)
	}},
	{"the other way round: both matter by default, for two spellings are two ways past a check", func(t *testing.T) {
		c := koaRoutes(t, func(r *router.Router) { r.Get("/rings", nothing); r.NotFound(koaSays("none")) })
		assert.Equal(t, "none", c.Get("/Rings").Body)
		assert.Equal(t, "none", c.Get("/rings/").Body)
	}},
	{"without port and case; no regular expressions; does not go on to the routes of another host", func(t *testing.T) {
		api, site := router.New(), router.New()
		site.Get("/rings", koaSays("site"))
		c := koaServe(t, router.Host("API.shire.example", api.Layer), site.Layer)
		c.Base = "https://api.SHIRE.example:8443"
		assert.Equal(t, 404, c.Get("/rings").Status)
		assert.Panics(t, func() { router.Host("api.*", api.Layer) })
	}},
}

// koaRoutes returns a client of routes.
func koaRoutes(t *testing.T, build func(r *router.Router)) *apptest.Client {
	t.Helper()
	r := router.New()
	build(r)
	return koaServe(t, r.Layer)
}

package router_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func TestMatched(t *testing.T) {
	api, site := router.New(), router.New()
	api.Get("/", reply("api")).Name("api")
	api.Guard(lock("g")).Get("/rings/:id", reply("ring")).Name("ring")
	api.All("/all", reply("all")).Name("all")
	api.Mount("/files", echo("files")).Name("files")
	api.Get("/shire/", reply("shire"))
	site.Get("/", reply("site")).Name("site")
	site.All("/all", reply("all")).Name("site's all")
	var got, other router.RouteInfo
	var ok, otherOK bool
	var pattern string
	a := quiet(func(ctx *app.Context, next app.Handler) error {
		_, early := api.Matched(ctx)
		assert.False(t, early, "before it was asked")
		err := next(ctx)
		got, ok = api.Matched(ctx)
		other, otherOK = site.Matched(ctx)
		pattern = ctx.Request.Pattern
		return err
	}, app.Wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r.WithContext(r.Context())) })
	}), router.Host("api.example", api.Layer), site.Layer)
	for _, tc := range []struct {
		name, method, host, path string
		want                     string
		pattern                  string
	}{
		{"a route", "GET", "api.example", "/", "GET / api open", "GET /{$}"},
		{"the same route of another table", "GET", "shire.example", "/", "site", "GET /{$}"},
		{"a route whose guard kept out", "GET", "api.example", "/rings/3", "GET /rings/{id} ring guarded", "GET /rings/{id}"},
		{"HEAD is GET's", "HEAD", "api.example", "/rings/3", "GET /rings/{id} ring guarded", "GET /rings/{id}"},
		{"every method", "BREW", "api.example", "/all", "* /all all open", "/all"},
		{"every method of another table", "BREW", "shire.example", "/all", "site's all", "/all"},
		{"a mounted handler", "GET", "api.example", "/files/x", "* /files files open", "/files/"},
		{"405", "POST", "api.example", "/rings/3", "", ""},
		{"404", "GET", "api.example", "/none", "", ""},
		{"a redirect", "GET", "api.example", "/shire", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := request(t, tc.method, tc.path)
			q.Host = tc.host
			serve(a, q)
			assert.Equal(t, tc.pattern, pattern)
			if tc.host != "api.example" {
				assert.False(t, ok)
				assert.True(t, otherOK)
				assert.Equal(t, tc.want, other.Name)
				return
			}
			assert.False(t, otherOK)
			assert.Equal(t, tc.want != "", ok)
			if ok {
				mark := "open"
				if got.Mark == router.Guarded {
					mark = "guarded"
				}
				assert.Equal(t, tc.want, got.Method+" "+got.Path+" "+got.Name+" "+mark)
			}
		})
	}
	t.Run("a pattern that somebody made up is no route", func(t *testing.T) {
		quiet(func(ctx *app.Context, next app.Handler) error {
			ctx.Request.Pattern = "GET /" + "{$}"
			_, ok := api.Matched(ctx)
			assert.False(t, ok)
			ctx.Request.Pattern = ""
			err := next(ctx)
			ctx.Request.Pattern = ctx.Request.Pattern[:3]
			_, ok = api.Matched(ctx)
			assert.False(t, ok, "a part of it")
			return err
		}, api.Layer).ServeHTTP(discard{}, request(t, "GET", "/"))
	})
	t.Run("the whole site of two tables", func(t *testing.T) {
		first, second := router.New(), router.New()
		first.Mount("/", echo("first"))
		second.Mount("/", echo("second"))
		do(t, quiet(func(ctx *app.Context, next app.Handler) error {
			err := next(ctx)
			_, ok := first.Matched(ctx)
			assert.True(t, ok)
			_, ok = second.Matched(ctx)
			assert.False(t, ok)
			return err
		}, first.Layer, second.Layer), "GET", "/x")
	})
}

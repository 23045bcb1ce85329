package router_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func TestMethods(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/ring", reply("get"))
		r.Post("/ring", reply("post"))
		r.Put("/ring", reply("put"))
		r.Patch("/ring", reply("patch"))
		r.Delete("/ring", reply("delete"))
		r.Handle("PROPFIND", "/ring", reply("propfind"))
		r.Handle("HEAD", "/own", func(ctx *app.Context) error { ctx.Status = 204; return nil })
		r.Get("/own", reply("get"))
		r.Handle("OPTIONS", "/own", reply("options"))
	})
	for _, tc := range []struct {
		name, method, path string
		status             int
		body               string
	}{
		{"GET", "GET", "/ring", 200, "get"},
		{"POST", "POST", "/ring", 200, "post"},
		{"PUT", "PUT", "/ring", 200, "put"},
		{"PATCH", "PATCH", "/ring", 200, "patch"},
		{"DELETE", "DELETE", "/ring", 200, "delete"},
		{"a method of WebDAV", "PROPFIND", "/ring", 200, "propfind"},
		{"HEAD is answered by GET, without a body", "HEAD", "/ring", 200, ""},
		{"an explicit HEAD wins over GET", "HEAD", "/own", 204, ""},
		{"an explicit OPTIONS wins over the built-in answer", "OPTIONS", "/own", 200, "options"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, a, tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.body, w.Body.String())
		})
	}
}

func TestPaths(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/", reply("home"))
		r.Get("/rings/{id}", reply("ring", "id"))
		r.Get("/rings/one", reply("the one"))
		r.Get("/rings/:id/bearers/:bearer", reply("bearer", "id", "bearer"))
		r.Get("/files/{path...}", reply("file", "path"))
		r.Get("/shire/", reply("shire"))
		r.Get("/time/10%3A30", reply("time"))
		r.Get("/Zürich", reply("city"))
		r.Get("/exact/{$}", reply("exact"))
	})
	for _, tc := range []struct {
		name, path string
		status     int
		body       string
		params     []string
	}{
		{"GET / is the home page", "/", 200, "home", nil},
		{"GET / is no catch-all", "/mordor", 418, "last", nil},
		{"a parameter", "/rings/3", 200, "ring", []string{"3"}},
		{"a literal is more specific than a parameter", "/rings/one", 200, "the one", nil},
		{"Koa's colons", "/rings/1/bearers/frodo", 200, "bearer", []string{"1", "frodo"}},
		{"an encoded slash stays in its parameter", "/rings/a%2Fb", 200, "ring", []string{"a/b"}},
		{"a parameter is decoded once", "/rings/a%2520b", 200, "ring", []string{"a%20b"}},
		{"a plus stays a plus", "/rings/a+b", 200, "ring", []string{"a+b"}},
		{"a parameter is not empty", "/rings/", 418, "last", nil},
		{"the rest of the path", "/files/a/b.txt", 200, "file", []string{"a/b.txt"}},
		{"the rest may be empty", "/files/", 200, "file", []string{""}},
		{"a path that ends in a slash", "/shire/", 200, "shire", nil},
		{"a path that ends in a slash matches nothing below", "/shire/hobbiton", 418, "last", nil},
		{"{$} says the same", "/exact/", 200, "exact", nil},
		{"{$} says the same of what is below", "/exact/x", 418, "last", nil},
		{"an encoded colon is a literal", "/time/10:30", 200, "time", nil},
		{"letters beyond ASCII", "/Z%C3%BCrich", 200, "city", nil},
		{"case matters", "/Rings/3", 418, "last", nil},
		{"a trailing slash matters", "/rings/3/", 418, "last", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, a, "GET", tc.path)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.body, w.Body.String())
			assert.Equal(t, tc.params, w.Header()["Param"])
		})
	}
}

func TestPattern(t *testing.T) {
	r := router.New()
	r.Get("/rings/:id", reply("ring"))
	var outer, inner string
	a := quiet(func(ctx *app.Context, next app.Handler) error {
		q := ctx.Request
		err := next(ctx)
		outer = q.Pattern
		return err
	}, r.Layer, func(ctx *app.Context, _ app.Handler) error {
		inner = ctx.Request.Pattern
		return nil
	})
	t.Run("lands on the request of the layers above", func(t *testing.T) {
		do(t, a, "GET", "/rings/3")
		assert.Equal(t, "GET /rings/{id}", outer)
	})
	t.Run("is empty where nothing matched", func(t *testing.T) {
		do(t, a, "GET", "/none")
		assert.Empty(t, outer)
	})
	t.Run("of a ServeMux around the router stays where nothing matched", func(t *testing.T) {
		var id string
		mux := http.NewServeMux()
		mux.Handle("/{realm}/", app.Adapt(r.Layer)(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			inner, id = q.Pattern, q.PathValue("realm")
		})))
		do(t, mux, "GET", "/gondor/x")
		assert.Equal(t, "/{realm}/", inner)
		assert.Equal(t, "gondor", id)
	})
}

func TestChain(t *testing.T) {
	first, second := router.New(), router.New()
	first.Get("/a", reply("first"))
	first.Guard(lock("first's")).Group("/both", func(r *router.Router) { r.Get("/a", reply("first")) })
	second.Get("/a", reply("second"))
	second.Get("/b", reply("second"))
	second.Guard(lock("second's")).Group("/both", func(r *router.Router) { r.Get("/b", reply("second")) })
	a := quiet(first.Layer, second.Layer, last)
	t.Run("the first router that matches answers", func(t *testing.T) {
		assert.Equal(t, "first", do(t, a, "GET", "/a").Body.String())
	})
	t.Run("what one does not match goes on to the next", func(t *testing.T) {
		assert.Equal(t, "second", do(t, a, "GET", "/b").Body.String())
		assert.Equal(t, "last", do(t, a, "GET", "/c").Body.String())
	})
	t.Run("behind the guards of its groups", func(t *testing.T) {
		w := do(t, a, "GET", "/both/b")
		assert.Equal(t, 401, w.Code)
		assert.Equal(t, "first's", trail(w))
		w = withKey(t, a, "GET", "/both/b")
		assert.Equal(t, "second", w.Body.String())
		assert.Equal(t, "first's second's", trail(w))
		assert.Equal(t, "first's second's last", trail(withKey(t, a, "GET", "/both/c")))
	})
}

func TestLayersOfARoute(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/none", reply("none"))
		api := r.With(step("with"))
		api.Optional(step("optional")).Get("/optional", reply("optional"))
		api.Guard(step("guard"), step("second")).With(step("inner")).Get("/guarded", reply("guarded"))
		api.Get("/with", reply("with"))
	})
	for path, want := range map[string]string{
		"/none": "", "/with": "with", "/optional": "with optional", "/guarded": "with guard second inner",
	} {
		assert.Equal(t, want, trail(do(t, a, "GET", path)), path)
	}
}

func TestSiblingsShareNoLayers(t *testing.T) {
	a := build(func(r *router.Router) {
		base := r.With(step("1"), step("2"), step("3"))
		left, right := base.With(step("left")), base.With(step("right"))
		left.Get("/left", reply(""))
		right.Get("/right", reply(""))
		base.Get("/base", reply(""))
	})
	assert.Equal(t, "1 2 3 left", trail(do(t, a, "GET", "/left")))
	assert.Equal(t, "1 2 3 right", trail(do(t, a, "GET", "/right")))
	assert.Equal(t, "1 2 3", trail(do(t, a, "GET", "/base")))
}

func TestRoutes(t *testing.T) {
	r := router.New()
	r.Open().Post("/session", reply(""))
	r.Get("/", reply(""))
	r.Guard(lock("g")).Group("/rings", func(r *router.Router) {
		r.Get("/:id", reply("")).Name("ring")
		r.Optional(step("o")).Delete("/{id}", reply(""))
	})
	r.Optional(step("o")).Mount("/files", http.NotFoundHandler()).Name("files")
	want := []router.RouteInfo{
		{Method: "POST", Path: "/session", Mark: router.Open},
		{Method: "GET", Path: "/"},
		{Method: "GET", Path: "/rings/{id}", Name: "ring", Mark: router.Guarded, Guards: []string{"router.lock"}},
		{Method: "DELETE", Path: "/rings/{id}", Mark: router.Guarded, Guards: []string{"router.lock"}},
		{Method: "*", Path: "/files", Name: "files", Mark: router.Optional},
	}
	assert.Equal(t, want, slices.Collect(r.Routes()), "in the order in which they were added")
	for first := range r.Routes() {
		assert.Equal(t, "/session", first.Path)
		break
	}
	var marks []string
	for rt := range r.Routes() {
		marks = append(marks, rt.Mark.String())
	}
	assert.Equal(t, []string{"open", "unmarked", "guarded", "guarded", "optional"}, marks)
}

func TestServesFromManyGoroutines(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Guard(step("g")).Group("/g", func(r *router.Router) { r.Get("/{id}", reply("ok", "id")) })
		r.Get("/{path...}", reply("all", "path"))
	})
	done := make(chan string)
	for _, target := range []string{"/g/1", "/g/2", "//g/3", "/g%2f4", "/x", "/g/a/b"} {
		go func() {
			w := serve(a, httptest.NewRequest("GET", "http://shire.example"+target, nil))
			done <- w.Header().Get("Param") + w.Header().Get("Location")
		}()
	}
	var got []string
	for range 6 {
		got = append(got, <-done)
	}
	assert.ElementsMatch(t, []string{"1", "2", "/g/3", "g/4", "x", "g/a/b"}, got)
}

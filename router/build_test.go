package router_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func TestPathsThatAreRefused(t *testing.T) {
	for _, tc := range []struct{ name, path, why string }{
		{"nothing", "", "empty"},
		{"no slash before it", "rings", "begin with /"},
		{"a host", "example.com/rings", "begin with /"},
		{"an empty segment", "/rings//one", "no request has"},
		{"two slashes", "//", "no request has"},
		{"a dot", "/rings/./one", "no request has"},
		{"two dots", "/rings/../one", "no request has"},
		{"encoded dots", "/rings/%2e%2E/one", "no request has"},
		{"an encoded slash alone, which ServeMux mistakes", "/rings/%2f", "no request has"},
		{"a broken encoding", "/rings/%zz", "%zz"},
		{"a colon in a literal", "/rings:one", "%3A"},
		{"Koa's two parameters in a segment", "/:from-:to", "whole segments"},
		{"Koa's optional parameter", "/rings/:id?", "whole segments"},
		{"Koa's optional group", "/rings{/:id}", "whole segments"},
		{"Koa's wildcard", "/files/*path", "whole segments"},
		{"a regular expression", "/rings/(.*)", "whole segments"},
		{"a parameter with a suffix", "/rings/{id}.json", "no parameter"},
		{"a parameter with a prefix", "/ring-{id}", "whole segments"},
		{"a parameter without a name", "/rings/{}", "no parameter"},
		{"a parameter with a bad name", "/rings/{1d}", "no parameter"},
		{"a colon without a name", "/rings/:", "%3A"},
		{"the same name twice", "/rings/{id}/{id}", "duplicate"},
		{"a rest in the middle", "/files/{path...}/x", "follows"},
		{"a rest with a slash", "/files/{path...}/", "follows"},
		{"an end in the middle", "/files/{$}/x", "no parameter"},
		{"an end that is no segment", "/files{$}", "whole segments"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			panics(t, func() { router.New().Get(tc.path, reply("")) }, tc.why)
		})
	}
}

func TestWrongCallsPanic(t *testing.T) {
	layer := step("x")
	for _, tc := range []struct {
		name string
		f    func(r *router.Router)
		why  []string
	}{
		{"a nil handler", func(r *router.Router) { r.Get("/a", nil) }, []string{"GET /a", "nil"}},
		{"a nil handler for all methods", func(r *router.Router) { r.All("/a", nil) }, []string{"All /a", "nil"}},
		{"no path for all methods", func(r *router.Router) { r.All("", reply("")) }, []string{"empty"}},
		{"a path in a group without a slash before it", func(r *router.Router) {
			r.Group("/admin", func(r *router.Router) { r.Get("me", reply("")) })
		}, []string{"/admin", `"me" does not begin with /`}},
		{"a group in a group without a slash before it", func(r *router.Router) {
			r.Group("/admin", func(r *router.Router) { r.Group("root", func(*router.Router) {}) })
		}, []string{"/admin", `"root" does not begin with /`}},
		{"no prefixes", func(r *router.Router) { r.Each(nil, func(*router.Router) {}) }, []string{"Each needs a prefix"}},
		{"prefixes without a function", func(r *router.Router) { r.Each([]string{"/a"}, nil) }, []string{"/a", "nil"}},
		{"a Param without a function", func(r *router.Router) { r.Param("id", nil) }, []string{"Param id", "nil"}},
		{"a Param without a name", func(r *router.Router) { r.Param("", mark("x")) }, []string{"Param", "name alone"}},
		{"a Param with braces", func(r *router.Router) { r.Param("{id}", mark("x")) }, []string{"{id}", "name alone"}},
		{"a Param with a colon", func(r *router.Router) { r.Param(":id", mark("x")) }, []string{":id", "name alone"}},
		{"a nil handler to mount", func(r *router.Router) { r.Mount("/a", nil) }, []string{"/a", "nil"}},
		{"no method", func(r *router.Router) { r.Handle("", "/a", reply("")) }, []string{"no method"}},
		{"a method in lower case", func(r *router.Router) { r.Handle("get", "/a", reply("")) }, []string{`"get"`, "upper case"}},
		{"a method that is none", func(r *router.Router) { r.Handle("GET /x", "/a", reply("")) }, []string{"no method"}},
		{"TRACE", func(r *router.Router) { r.Handle("TRACE", "/a", reply("")) }, []string{"TRACE"}},
		{"CONNECT", func(r *router.Router) { r.Handle("CONNECT", "/a", reply("")) }, []string{"CONNECT"}},
		{"the reserved method", func(r *router.Router) { r.Handle("ANY", "/a", reply("")) }, []string{"ANY"}},
		{"a guard without layers", func(r *router.Router) { r.Guard() }, []string{"Guard needs a layer"}},
		{"a guard of an empty list", func(r *router.Router) { r.Guard([]app.Middleware{}...) }, []string{"Guard needs a layer"}},
		{"Optional of a nil layer", func(r *router.Router) { r.Optional(nil) }, []string{"Optional: layer 0 is nil"}},
		{"With without layers", func(r *router.Router) { r.With() }, []string{"With needs a layer"}},
		{"a nil guard", func(r *router.Router) { r.Guard(layer, nil) }, []string{"Guard", "layer 1 is nil"}},
		{"a nil layer", func(r *router.Router) { r.With(nil) }, []string{"With", "layer 0 is nil"}},
		{"a nil Optional layer", func(r *router.Router) { r.Optional(nil) }, []string{"Optional", "layer 0 is nil"}},
		{"Open below Guard", func(r *router.Router) { r.Guard(layer).Open() }, []string{"Open", "guarded"}},
		{"Open in a guarded group", func(r *router.Router) {
			r.Guard(layer).Group("/a", func(r *router.Router) { r.Open() })
		}, []string{"Open", "guarded"}},
		{"Open below Optional", func(r *router.Router) { r.Optional(layer).Open() }, []string{"Open", "optional"}},
		{"a group without a function", func(r *router.Router) { r.Group("/a", nil) }, []string{"/a", "nil"}},
		{"a group with a rest", func(r *router.Router) { r.Group("/{a...}", func(*router.Router) {}) }, []string{"{a...}"}},
		{"a group with a bad prefix", func(r *router.Router) { r.Group("a", func(*router.Router) {}) }, []string{"begin with /"}},
		{"a mount with a rest", func(r *router.Router) { r.Mount("/{a...}", http.NotFoundHandler()) }, []string{"{a...}"}},
		{"no child", func(r *router.Router) { r.Include("/a", nil) }, []string{"/a", "another router"}},
		{"its own child", func(r *router.Router) { r.Include("/a", r) }, []string{"/a", "another router"}},
		{"the same route twice", func(r *router.Router) {
			r.Get("/a/{x}", reply(""))
			r.Get("/a/:y", reply(""))
		}, []string{"GET /a/{x} (", "GET /a/{y} (", "conflicts"}},
		{"routes of which neither is more specific", func(r *router.Router) {
			r.Get("/x/{id}/b", reply(""))
			r.Get("/x/a/{id}", reply(""))
		}, []string{"GET /x/{id}/b (", "GET /x/a/{id} (", "neither is more specific"}},
		{"mounting at one place twice", func(r *router.Router) {
			r.Mount("/a", http.NotFoundHandler())
			r.Mount("/a", http.NotFoundHandler())
		}, []string{"/a", "conflicts"}},
		{"a name twice", func(r *router.Router) {
			r.Get("/a", reply("")).Name("ring")
			r.Get("/b", reply("")).Name("ring")
		}, []string{"GET /a", "GET /b", `"ring"`}},
		{"an empty name", func(r *router.Router) { r.Get("/a", reply("")).Name("") }, []string{"GET /a", "name"}},
		{"two names", func(r *router.Router) { r.Get("/a", reply("")).Name("a").Name("b") }, []string{"GET /a", "one name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			panics(t, func() { tc.f(router.New()) }, tc.why...)
		})
	}
}

func TestBuildingEnds(t *testing.T) {
	for name, end := range map[string]func(r *router.Router){
		"with the first request": func(r *router.Router) { do(t, quiet(r.Layer), "GET", "/") },
		"with Include":           func(r *router.Router) { router.New().Include("/x", r) },
	} {
		t.Run(name, func(t *testing.T) {
			r := router.New()
			guarded := r.Guard(step("g"))
			route := r.Get("/a", reply(""))
			quiet(r.Layer)
			r.Get("/b", reply(""))
			end(r)
			panics(t, func() { r.Get("/c", reply("")) }, "after the first request")
			panics(t, func() { r.Mount("/c", http.NotFoundHandler()) }, "after the first request")
			panics(t, func() { guarded.Group("/c", func(*router.Router) {}) }, "after the first request")
			panics(t, func() { r.Guard(step("g")).Include("/c", router.New()) }, "after the first request")
			panics(t, func() { route.Name("late") }, "after the first request")
		})
	}
}

func TestStrict(t *testing.T) {
	r := router.NewStrict()
	panics(t, func() { r.Get("/a", reply("")) }, "GET /a", "who may call it")
	panics(t, func() { r.With(step("x")).Post("/b", reply("")) }, "POST /b", "who may call it")
	panics(t, func() { r.Mount("/c", http.NotFoundHandler()) }, "* /c", "who may call it")
	panics(t, func() { r.Group("/g", func(r *router.Router) { r.Get("/d", reply("")) }) }, "GET /g/d")
	child := router.New()
	child.Get("/e", reply(""))
	panics(t, func() { r.Include("/child", child) }, "GET /child/e", "who may call it")
	r.Guard(step("g")).Include("/guarded", child)
	r.Open().Get("/open", reply(""))
	r.Optional(step("o")).Get("/optional", reply(""))
	r.Guard(step("g")).Get("/a", reply(""))
	n := 0
	for range r.Routes() {
		n++
	}
	assert.Equal(t, 4, n)
}

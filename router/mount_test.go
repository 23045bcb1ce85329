package router_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// echo is a net/http handler that answers what it was asked.
func echo(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if app.FromContext(r.Context()) == nil {
			panic("no Context")
		}
		w.Header().Set("Path", r.URL.Path)
		_, _ = w.Write([]byte(name + " " + r.Method))
	})
}

func TestMount(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/{path...}", reply("page"))
		r.Mount("/files", echo("files"))
		r.Mount("/below/", echo("below"))
		r.Get("/files/special", reply("special"))
		r.Handle("PROPFIND", "/dav", reply("dav"))
		r.Guard(lock("admin")).Mount("/admin", echo("admin"))
		r.Mount("/realms/{realm}/wiki", echo("wiki"))
		r.Mount("/short", http.StripPrefix("/short", echo("short")))
	})
	for _, tc := range []struct {
		name, method, target string
		status               int
		body, path           string
	}{
		{"the prefix itself", "GET", "/files", 200, "files GET", "/files"},
		{"below it", "GET", "/files/a/b", 200, "files GET", "/files/a/b"},
		{"every method", "DELETE", "/files/a", 200, "files DELETE", "/files/a"},
		{"HEAD", "HEAD", "/files/a", 200, "files HEAD", "/files/a"},
		{"OPTIONS", "OPTIONS", "/files/a", 200, "files OPTIONS", "/files/a"},
		{"a method of another route", "PROPFIND", "/files/a", 200, "files PROPFIND", "/files/a"},
		{"a method of no route", "BREW", "/files/a", 200, "files BREW", "/files/a"},
		{"a method in lower case", "get", "/files/a", 200, "files get", "/files/a"},
		{"a route below it is more specific", "GET", "/files/special", 200, "special", ""},
		{"but only for its method", "POST", "/files/special", 200, "files POST", "/files/special"},
		{"a segment that only begins like it", "GET", "/filesystem", 200, "page", ""},
		{"a prefix with a slash: below", "BREW", "/below/x", 200, "below BREW", "/below/x"},
		{"a prefix with a slash: not itself", "PUT", "/below", 307, "", ""},
		{"a prefix with a slash: not itself, for no route's method", "BREW", "/below", 307, "", ""},
		{"a roundabout path", "BREW", "//files/a", 307, "", ""},
		{"a parameter", "GET", "/realms/gondor/wiki/x", 200, "wiki GET", "/realms/gondor/wiki/x"},
		{"a shorter path", "GET", "/short/x", 200, "short GET", "/x"},
		{"an encoded slash below it", "GET", "/files/a%2Fb", 200, "files GET", "/files/a/b"},
		{"an encoded slash that leads to a route", "GET", "/files%2Fspecial", 200, "page", ""},
		{"an encoded slash below it that leads to a route", "GET", "/files/x%2F..%2Fspecial", 418, "last", ""},
		{"encoded dots that lead out", "GET", "/files/%2e%2e/secret", 418, "last", ""},
		{"encoded dots that lead into a guarded mount", "GET", "/files/..%2fadmin/me", 401, "", ""},
		{"the guarded mount", "GET", "/admin/me", 401, "", ""},
		{"the guarded mount, by an encoded slash", "GET", "/admin%2fme", 401, "", ""},
		{"the guarded mount, roundabout", "GET", "//admin/me", 401, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, a, tc.method, tc.target)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.path, w.Header().Get("Path"))
			if tc.status != 401 {
				assert.Equal(t, tc.body, w.Body.String())
			}
		})
	}
}

func TestMountOfTheWholeSite(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Open().Mount("/", echo("old"))
		r.Open().Get("/new", reply("new"))
		r.Guard(lock("admin")).Group("/admin", func(r *router.Router) { r.Get("/me", reply("me")) })
	})
	assert.Equal(t, "new", do(t, a, "GET", "/new").Body.String())
	assert.Equal(t, "old POST", do(t, a, "POST", "/new").Body.String())
	assert.Equal(t, "old GET", do(t, a, "GET", "/").Body.String())
	for _, target := range []string{"/admin/me", "/admin", "/admin/none", "/admin%2fme", "//admin/me", "/x%2f..%2fadmin/me", "/%61dmin/none", "/x/%2e%2e/admin/none"} {
		for _, method := range []string{"GET", "POST", "BREW", "OPTIONS"} {
			w := do(t, a, method, target)
			assert.Equal(t, 401, w.Code, "%s %s", method, target)
			assert.Empty(t, w.Header().Get("Path"), "%s %s", method, target)
		}
	}
	assert.Equal(t, "old PUT", withKey(t, a, "PUT", "/admin/none").Body.String())
}

// TestTraceAndConnect goes through Adapt, since an App refuses these by itself.
func TestTraceAndConnect(t *testing.T) {
	r := router.New()
	r.Get("/rings", reply("rings"))
	r.Mount("/files", echo("files"))
	r.Guard(lock("admin")).Group("/admin", func(r *router.Router) { r.Get("/me", reply("me")) })
	h := app.Adapt(r.Layer)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, method := range []string{"TRACE", "CONNECT"} {
		for target, want := range map[string]int{
			"/rings": 405, "//rings": 405, "/files/x": 405, "/files": 405, "/none": 418,
			"/admin/me": 401, "//admin/me": 401, "/x/../admin/me": 401, "/admin/none": 401, "/admin%2fme": 401,
		} {
			w := httptest.NewRecorder()
			q := request(t, "GET", target)
			q.Method = method
			h.ServeHTTP(w, q)
			assert.Equal(t, want, w.Code, "%s %s", method, target)
			if want == 405 {
				assert.NotEmpty(t, w.Header().Get("Allow"))
				assert.NotContains(t, w.Header().Get("Allow"), "ANY")
			}
		}
	}
}

func TestInclude(t *testing.T) {
	child := router.New()
	child.Get("/", reply("list", "realm"))
	child.Get("/{id}", reply("item", "realm", "id")).Name("item")
	child.Guard(lock("child")).Group("/admin", func(r *router.Router) { r.Get("/me", reply("me")) })
	child.Open().Post("/", reply("new"))
	child.Mount("/files", echo("files"))
	r := router.New()
	r.Guard(lock("parent")).Include("/realms/{realm}", child)
	other := router.New()
	other.Include("/plain", child)
	other.Group("/nested", func(r *router.Router) { r.With(step("with")).Include("/deep", leaf()) })
	a, b := quiet(r.Layer, last), quiet(other.Layer, last)

	for _, tc := range []struct {
		name         string
		h            http.Handler
		method, path string
		status       int
		trail        string
		params       []string
	}{
		{"parameters of both are merged", a, "GET", "/realms/shire/3", 200, "parent", []string{"shire", "3"}},
		{"the root of the child", a, "GET", "/realms/shire/", 200, "parent", []string{"shire"}},
		{"layers of the parent come first", a, "GET", "/realms/shire/admin/me", 200, "parent child", nil},
		{"405 of the child", a, "PUT", "/realms/shire/3", 405, "parent", nil},
		{"404 below the parent's guard", a, "GET", "/realms/shire/a/b", 418, "parent last", nil},
		{"404 below both guards", a, "GET", "/realms/shire/admin/x", 418, "parent child last", nil},
		{"a mounted handler of the child", a, "BREW", "/realms/shire/files/x", 200, "parent", nil},
		{"the same child elsewhere", b, "GET", "/plain/3", 200, "", []string{"", "3"}},
		{"its guards alone", b, "GET", "/plain/admin/x", 418, "child last", nil},
		{"in a group", b, "GET", "/nested/deep/x", 200, "with", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withKey(t, tc.h, tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.trail, trail(w))
			assert.Equal(t, tc.params, w.Header()["Param"])
		})
	}
	t.Run("the child answers by itself, too", func(t *testing.T) {
		assert.Equal(t, "item", do(t, quiet(child.Layer), "GET", "/3").Body.String())
	})
	t.Run("names lead to the whole path", func(t *testing.T) {
		u, err := r.URL("item", "shire", "3")
		require.NoError(t, err)
		assert.Equal(t, "/realms/shire/3", u)
		u, err = child.URL("item", "3")
		require.NoError(t, err)
		assert.Equal(t, "/3", u)
	})
	t.Run("a name twice panics", func(t *testing.T) {
		panics(t, func() {
			r := router.New()
			r.Include("/a", child)
			r.Include("/b", child)
		}, `"item"`, "/a/{id}", "/b/{id}")
	})
	t.Run("no child opens what its parent guards", func(t *testing.T) {
		for rt := range r.Routes() {
			assert.Equal(t, router.Guarded, rt.Mark, rt.Path)
		}
		assert.Len(t, slices.Collect(r.Routes()), 5)
		assert.Equal(t, 401, do(t, a, "POST", "/realms/shire/").Code)
	})
}

func leaf() *router.Router {
	r := router.New()
	r.Get("/x", reply("x"))
	return r
}

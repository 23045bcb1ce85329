package router_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func withFallbacks(r *router.Router) {
	r.Open().Get("/", reply("home"))
	r.Open().Get("/rings", reply("rings"))
	r.With(step("json")).NotFound(reply("no page"))
	r.MethodNotAllowed(reply("no method"))
	r.Open().Group("/api", func(r *router.Router) {
		r.Get("/rings", reply("api"))
		r.NotFound(func(ctx *app.Context) error {
			ctx.Body = map[string]string{"error": ctx.Request.URL.Path}
			return nil
		})
		r.Group("/{version}", func(r *router.Router) { r.NotFound(reply("no version")) })
		r.Group("/v1", func(r *router.Router) {
			r.NotFound(func(ctx *app.Context) error { ctx.Status = 410; return nil })
		})
	})
	r.With(step("sessions")).Guard(lock("admin")).Group("/admin", func(r *router.Router) {
		r.Get("/me", reply("me"))
		r.With(step("inner")).NotFound(reply("no admin page"))
		r.MethodNotAllowed(func(ctx *app.Context) error { return ctx.Throw(ctx.Status, "Not so") })
		r.Guard(lock("root")).Group("/root", func(r *router.Router) { r.Get("/key", reply("key")) })
	})
}

func TestFallbacks(t *testing.T) {
	a := build(withFallbacks)
	for _, tc := range []struct {
		name, method, path string
		status             int
		body, trail, allow string
	}{
		{"an unknown path", "GET", "/none", 404, "no page", "json", ""},
		{"an unknown path by a method that nobody knows", "BREW", "/none", 404, "no page", "json", ""},
		{"the prefix of a group", "GET", "/api", 404, "{\"error\":\"/api\"}", "", ""},
		{"below the prefix of a group", "DELETE", "/api/x/y", 404, "no version", "", ""},
		{"a literal is deeper than a wildcard", "GET", "/api/v1/x", 410, "Gone", "", ""},
		{"a segment that only begins like it", "GET", "/apis", 404, "no page", "json", ""},
		{"behind the guards of the group", "GET", "/admin/none", 404, "no admin page", "sessions admin inner", ""},
		{"by an encoded slash", "GET", "/admin%2fnone", 404, "no page", "sessions admin json", ""},
		{"in a group that has none of its own", "GET", "/admin/root/none", 404, "no admin page", "sessions admin root inner", ""},
		{"a wrong method", "POST", "/rings", 405, "no method", "", "GET, HEAD"},
		{"a method that nobody knows", "BREW", "/rings", 501, "no method", "", "GET, HEAD"},
		{"OPTIONS is answered without it", "OPTIONS", "/rings", 204, "", "", "GET, HEAD"},
		{"a wrong method behind a guard", "POST", "/admin/me", 405, "Not so", "sessions admin", "GET, HEAD"},
		{"a redirect needs none", "GET", "//rings", 307, "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withKey(t, a, tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			assert.Contains(t, w.Body.String(), tc.body)
			assert.Equal(t, tc.trail, trail(w))
			assert.Equal(t, tc.allow, w.Header().Get("Allow"))
		})
	}
	t.Run("nobody without a key is told", func(t *testing.T) {
		for _, path := range []string{"/admin/none", "/admin", "/admin%2fx", "/admin/root/none", "/%61dmin/none"} {
			w := do(t, a, "GET", path)
			assert.Equal(t, 401, w.Code, path)
			assert.NotContains(t, w.Body.String(), "no admin page")
		}
		w := do(t, a, "POST", "/admin/me")
		assert.Equal(t, 401, w.Code)
		assert.Empty(t, w.Header().Get("Allow"))
	})
	t.Run("children bring theirs", func(t *testing.T) {
		child := router.New()
		child.Get("/x", reply("x"))
		child.With(step("child")).NotFound(reply("child's 404"))
		child.MethodNotAllowed(reply("child's 405"))
		b := build(func(r *router.Router) { r.Guard(lock("g")).With(step("parent")).Include("/child", child) })
		w := withKey(t, b, "GET", "/child/none")
		assert.Equal(t, "child's 404", w.Body.String())
		assert.Equal(t, "g parent child", trail(w))
		assert.Equal(t, "child's 405", withKey(t, b, "PUT", "/child/x").Body.String())
		assert.Equal(t, 401, do(t, b, "GET", "/child/none").Code)
		assert.Equal(t, 418, withKey(t, b, "GET", "/none").Code)
	})
}

// TestFallbacksOnTheWire asks a server: HEAD has no body, and an error of the handler
// keeps Allow.
func TestFallbacksOnTheWire(t *testing.T) {
	r := router.New()
	withFallbacks(r)
	server := httptest.NewServer(quiet(r.Layer))
	t.Cleanup(server.Close)
	res, err := server.Client().Head(server.URL + "/none")
	require.NoError(t, err)
	body, err := io.ReadAll(bufio.NewReader(res.Body))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 404, res.StatusCode)
	assert.Equal(t, int64(len("no page")), res.ContentLength)
	assert.Empty(t, body)

	q, err := http.NewRequest("BREW", server.URL+"/rings", nil)
	require.NoError(t, err)
	res, err = server.Client().Do(q)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, "501 Not Implemented", res.Status)
	assert.Equal(t, "GET, HEAD", res.Header.Get("Allow"))
}

// TestUnknownMethodsAreNotReported: anybody can make one up, and fill a log.
func TestUnknownMethodsAreNotReported(t *testing.T) {
	r := router.New()
	r.Get("/rings", reply("rings"))
	a := quiet(r.Layer)
	a.OnError = func(_ *app.Context, err error) { t.Errorf("reported: %v", err) }
	w := do(t, a, "BREW", "/rings")
	assert.Equal(t, 501, w.Code)
	assert.Contains(t, w.Body.String(), "Not Implemented")
}

func TestFallbacksThatAreRefused(t *testing.T) {
	h := reply("")
	for _, tc := range []struct {
		name string
		f    func(r *router.Router)
		why  []string
	}{
		{"a nil handler", func(r *router.Router) { r.NotFound(nil) }, []string{"NotFound", "nil"}},
		{"a nil handler for methods", func(r *router.Router) { r.MethodNotAllowed(nil) }, []string{"MethodNotAllowed", "nil"}},
		{"twice", func(r *router.Router) { r.NotFound(h); r.With(step("x")).NotFound(h) }, []string{"NotFound twice"}},
		{"twice for methods", func(r *router.Router) {
			r.Group("/a/{x}", func(r *router.Router) { r.MethodNotAllowed(h) })
			r.Group("/a/{y}", func(r *router.Router) { r.MethodNotAllowed(h) })
		}, []string{"MethodNotAllowed twice", "/a/{y}"}},
		{"a guard without a group", func(r *router.Router) { r.Guard(step("g")).NotFound(h) }, []string{"NotFound", "no group"}},
		{"a guard within a group", func(r *router.Router) {
			r.Guard(step("g")).Group("/a", func(r *router.Router) { r.Guard(step("more")).NotFound(h) })
		}, []string{"NotFound", "no group", `"/a/"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			panics(t, func() { tc.f(router.New()) }, tc.why...)
		})
	}
	t.Run("after the first request", func(t *testing.T) {
		r := router.New()
		do(t, quiet(r.Layer), "GET", "/")
		panics(t, func() { r.NotFound(h) }, "after the first request")
	})
}

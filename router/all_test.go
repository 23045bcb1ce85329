package router_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func TestAll(t *testing.T) {
	a := build(func(r *router.Router) {
		r.All("/rings/{id}", reply("all", "id"))
		r.Put("/rings/{other}", reply("put", "other"))
		r.Get("/first", reply("get"))
		r.All("/first", reply("all"))
		r.All("/own", reply("all"))
		r.Handle("HEAD", "/own", func(ctx *app.Context) error { ctx.Status = 204; return nil })
		r.Handle("PROPFIND", "/dav/{path...}", reply("dav"))
		r.All("/dav/calendar", reply("calendar"))
		r.Guard(lock("admin")).Group("/admin", func(r *router.Router) { r.All("/me", reply("me")) })
		r.Mount("/files", echo("files"))
		r.Get("/files", reply("list"))
		r.Get("/files/special", reply("special"))
		r.Get("/shire/", reply("slash"))
		r.All("/shire/", reply("all"))
	})
	for _, tc := range []struct {
		name, method, path string
		status             int
		body               string
	}{
		{"GET", "GET", "/rings/3", 200, "all"},
		{"HEAD has no body", "HEAD", "/rings/3", 200, ""},
		{"DELETE", "DELETE", "/rings/3", 200, "all"},
		{"OPTIONS is the handler's own", "OPTIONS", "/rings/3", 200, "all"},
		{"a method of another route", "PROPFIND", "/rings/3", 200, "all"},
		{"a method that nobody knows", "BREW", "/rings/3", 200, "all"},
		{"a method in lower case", "get", "/rings/3", 200, "all"},
		{"a route for the method goes before it", "PUT", "/rings/3", 200, "put"},
		{"also if it was added first", "GET", "/first", 200, "get"},
		{"and answers HEAD", "HEAD", "/first", 200, ""},
		{"other methods are still its own", "POST", "/first", 200, "all"},
		{"HEAD of its own", "HEAD", "/own", 204, ""},
		{"GET beside a HEAD of its own", "GET", "/own", 200, "all"},
		{"a path that is more specific counts more than the method", "PROPFIND", "/dav/calendar", 200, "calendar"},
		{"the prefix of a mounted handler", "GET", "/files", 200, "list"},
		{"the prefix of a mounted handler by another method", "POST", "/files", 200, "files POST"},
		{"HEAD below a mounted handler goes to the route", "HEAD", "/files/special", 200, ""},
		{"a path with a slash", "GET", "/shire/", 200, "slash"},
		{"a path with a slash by another method", "BREW", "/shire/", 200, "all"},
		{"a path without its slash by another method", "BREW", "/shire", 307, ""},
		{"behind a guard", "BREW", "/admin/me", 401, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, a, tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			if tc.status != 401 {
				assert.Equal(t, tc.body, w.Body.String())
			}
			if tc.body == "put" || tc.path == "/rings/3" && tc.body == "all" {
				assert.Equal(t, "3", w.Header().Get("Param"))
			}
		})
	}
	t.Run("TRACE and CONNECT are refused", func(t *testing.T) {
		r := router.New()
		r.All("/rings", reply("all"))
		h := app.Adapt(r.Layer)(http.NotFoundHandler())
		for _, method := range []string{"TRACE", "CONNECT"} {
			q := request(t, "GET", "/rings")
			q.Method = method
			w := httptest.NewRecorder()
			h.ServeHTTP(w, q)
			assert.Equal(t, 405, w.Code, method)
			assert.Equal(t, "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT", w.Header().Get("Allow"), method)
		}
	})
}

// TestAllOnTheWire asks a server, since a recorder would show what HEAD hides.
func TestAllOnTheWire(t *testing.T) {
	r := router.New()
	r.All("/rings/{id}", reply("all"))
	r.Redirect("/old", "/rings/1")
	server := httptest.NewServer(quiet(r.Layer))
	t.Cleanup(server.Close)
	for _, tc := range []struct {
		line, body string
		status     int
		length     int64
	}{
		{"HEAD /rings/3", "", 200, 3},
		{"OPTIONS /rings/3", "all", 200, 3},
		{"BREW /rings/3", "all", 200, 3},
		{"HEAD /old", "", 301, 0},
		{"BREW /old", "", 308, 0},
		{"TRACE /rings/3", "", 405, 0},
	} {
		res := raw(t, server.Listener.Addr().String(), tc.line+" HTTP/1.1")
		assert.Equal(t, tc.status, res.StatusCode, tc.line)
		if tc.status != 405 {
			body, _ := io.ReadAll(res.Body) // an error after HEAD: the body that it was told of does not come
			assert.Equal(t, tc.body, string(body), tc.line)
			if tc.body != "" || tc.length > 0 {
				assert.Equal(t, tc.length, res.ContentLength, tc.line)
			}
		}
	}
}

func TestEach(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Guard(lock("paint")).Each([]string{"/colour", "/color", "/realms/{realm}/color"}, func(r *router.Router) {
			r.Get("", reply("all"))
			r.Get("/{name}", reply("one", "realm", "name"))
		})
		r.Each([]string{"/hobbits/{name}", "/hobbits"}, func(r *router.Router) { r.Get("", reply("hobbit", "name")) })
	})
	for _, tc := range []struct {
		name, path, body string
		params           []string
	}{
		{"the first", "/colour", "all", nil},
		{"the second", "/color", "all", nil},
		{"below it", "/color/grey", "one", []string{"", "grey"}},
		{"with a parameter of its own", "/realms/shire/color/grey", "one", []string{"shire", "grey"}},
		{"an optional parameter", "/hobbits/frodo", "hobbit", []string{"frodo"}},
		{"an optional parameter that is not there", "/hobbits", "hobbit", []string{""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := withKey(t, a, "GET", tc.path)
			assert.Equal(t, 200, w.Code)
			assert.Equal(t, tc.body, w.Body.String())
			assert.Equal(t, tc.params, w.Header()["Param"])
		})
	}
	t.Run("guards cover each prefix", func(t *testing.T) {
		for _, path := range []string{"/colour", "/color/none/x", "/colour/none/x", "/realms/shire/color/x/y", "/colour%2fx"} {
			assert.Equal(t, 401, do(t, a, "DELETE", path).Code, path)
		}
	})
}

// TestAHandlersOwn404Stays shows that a route which was met is never a 405 or another
// router's, whatever its handler leaves.
func TestAHandlersOwn404Stays(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/empty", nothing)
		r.Get("/said", func(ctx *app.Context) error { ctx.Status = 404; return nil })
		r.Get("/thrown", func(ctx *app.Context) error { return ctx.Throw(404, "No such ring") })
		r.Post("/empty", reply("post"))
		r.NotFound(reply("custom"))
	})
	for path, want := range map[string]string{"/empty": "Not Found", "/said": "Not Found", "/thrown": "No such ring"} {
		w := do(t, a, "GET", path)
		assert.Equal(t, 404, w.Code, path)
		assert.Empty(t, w.Header().Get("Allow"), path)
		assert.Contains(t, w.Body.String(), want, path)
	}
}

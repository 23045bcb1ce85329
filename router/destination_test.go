package router_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/router"
)

func movedRings(r *router.Router) {
	r.Open().Redirect("/old", "/rings")
	r.Open().Redirect("/old/{id}", "/rings/{id}")
	r.Open().Redirect("/swap/{a}/{b}", "/swapped/{b}/{a}/")
	r.Open().Redirect("/files/{path...}", "/static/{path...}")
	r.Open().Redirect("/flat/{path...}", "/rings/{path}")
	r.Open().Redirect("/top/{path...}", "/{path...}")
	r.Open().Redirect("/query", "/search?q=ring&all#top")
	r.Open().Redirect("/Gimli/{id}", "/Zwerg%2FGimlé/{id}")
	r.Open().RedirectExternal("/wiki/{page}", "https://wiki.shire.example:8443/pages/{page}")
	r.Open().RedirectExternal("/out", "https://shire.example")
	r.Open().RedirectExternal("/out6", "http://[::1]:80/x?a=1")
	r.Guard(lock("guard")).Redirect("/guarded", "/rings")
	r.Open().Get("/own", reply("own"))
	r.Open().Redirect("/own", "/rings")
	r.Open().Group("/realms/{realm}", func(r *router.Router) {
		r.Get("/rings/{id}", reply("ring")).Name("ring")
		r.RedirectTo("/jewels/{id}", "ring")
		r.Redirect("/up", "/rings")
	})
}

func TestRedirectRoute(t *testing.T) {
	a := build(movedRings)
	for _, tc := range []struct {
		name, method, path string
		status             int
		location           string
	}{
		{"GET", "GET", "/old", 301, "/rings"},
		{"HEAD", "HEAD", "/old", 301, "/rings"},
		{"POST keeps its method", "POST", "/old", 308, "/rings"},
		{"OPTIONS", "OPTIONS", "/old", 308, "/rings"},
		{"a method that nobody knows", "BREW", "/old", 308, "/rings"},
		{"the query is kept", "GET", "/old?a=1&b=%2f", 301, "/rings?a=1&b=%2f"},
		{"the query is appended to its own", "GET", "/query?a=1", 301, "/search?q=ring&all&a=1#top"},
		{"a parameter", "GET", "/old/3", 301, "/rings/3"},
		{"a parameter with a slash", "GET", "/old/a%2Fb", 301, "/rings/a%2Fb"},
		{"a parameter is escaped", "GET", "/old/a%20%3F%23%25%C3%A9", 301, "/rings/a%20%3F%23%25%C3%A9"},
		{"parameters by their names", "GET", "/swap/1/2", 301, "/swapped/2/1/"},
		{"the rest", "GET", "/files/a/b%3F.txt", 301, "/static/a/b%3F.txt"},
		{"an empty rest", "GET", "/files/", 301, "/static/"},
		{"a rest in one segment", "GET", "/flat/a/b", 301, "/rings/a%2Fb"},
		{"literals are escaped", "GET", "/Gimli/1", 301, "/Zwerg%2FGiml%C3%A9/1"},
		{"another site", "GET", "/wiki/a%2Fb?x=1", 301, "https://wiki.shire.example:8443/pages/a%2Fb?x=1"},
		{"another site by POST", "POST", "/wiki/a", 308, "https://wiki.shire.example:8443/pages/a"},
		{"another site alone", "GET", "/out?x=1", 301, "https://shire.example?x=1"},
		{"another site by its address", "GET", "/out6", 301, "http://[::1]:80/x?a=1"},
		{"a named route", "GET", "/realms/shire/jewels/3", 301, "/realms/shire/rings/3"},
		{"a path of the site from within a group", "GET", "/realms/shire/up", 301, "/rings"},
		{"beside a route for the method", "POST", "/own", 308, "/rings"},

		{"line ends", "GET", "/old/a%0d%0aSet-Cookie:x", 301, "/rings/a%0D%0ASet-Cookie:x"},
		{"a NUL", "GET", "/old/%00", 301, "/rings/%00"},
		{"a host in the rest", "GET", "/top/evil.example", 301, "/evil.example"},
		{"a host and an encoded slash in the rest", "GET", "/top/%2fevil.example", 404, ""},
		{"a host and two encoded slashes in the rest", "GET", "/top/%2f%2fevil.example", 404, ""},
		{"a host and a backslash in the rest", "GET", "/top/%5cevil.example", 301, "/%5Cevil.example"},
		{"dots in the rest", "GET", "/files/%2e%2e/x", 404, ""},
		{"dots in a parameter", "GET", "/old/%2e%2e", 404, ""},
		{"an at sign for another site", "GET", "/wiki/@evil.example", 301, "https://wiki.shire.example:8443/pages/@evil.example"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, a, tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.location, w.Header().Get("Location"))
			if tc.status != 404 {
				assert.Zero(t, w.Body.Len())
			}
		})
	}
	t.Run("a route for the method goes before it", func(t *testing.T) {
		assert.Equal(t, "own", do(t, a, "GET", "/own").Body.String())
	})
	t.Run("behind its guard", func(t *testing.T) {
		w := do(t, a, "GET", "/guarded")
		assert.Equal(t, 401, w.Code)
		assert.Empty(t, w.Header().Get("Location"))
		assert.Equal(t, "/rings", withKey(t, a, "GET", "/guarded").Header().Get("Location"))
	})
	t.Run("moves with the table that is included", func(t *testing.T) {
		child := router.New()
		child.Get("/new/{id}", reply("new")).Name("new")
		child.RedirectTo("/old/{id}", "new")
		child.Redirect("/site", "/elsewhere")
		b := build(func(r *router.Router) { r.Include("/realms/{realm}", child) })
		assert.Equal(t, "/realms/shire/new/3", do(t, b, "GET", "/realms/shire/old/3").Header().Get("Location"))
		assert.Equal(t, "/elsewhere", do(t, b, "GET", "/realms/shire/site").Header().Get("Location"))
	})
}

// TestRedirectRouteKeepsMethodAndBody goes through a client that follows.
func TestRedirectRouteKeepsMethodAndBody(t *testing.T) {
	r := router.New()
	r.Redirect("/old/{id}", "/new/{id}")
	r.Mount("/new", http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		_, _ = io.WriteString(w, q.Method+" "+q.URL.RequestURI()+" "+string(body))
	}))
	server := httptest.NewServer(quiet(r.Layer))
	t.Cleanup(server.Close)
	for method, want := range map[string]string{"GET": "GET /new/3?a=1 ", "POST": "POST /new/3?a=1 mellon", "PUT": "PUT /new/3?a=1 mellon"} {
		var body io.Reader
		if method != "GET" {
			body = strings.NewReader("mellon")
		}
		q, err := http.NewRequest(method, server.URL+"/old/3?a=1", body)
		require.NoError(t, err)
		res, err := server.Client().Do(q)
		require.NoError(t, err)
		got, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, want, string(got))
	}
}

func TestRedirectsThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    func(r *router.Router)
		why  []string
	}{
		{"no path", func(r *router.Router) { r.Redirect("/a", "b") }, []string{"/a", `"b"`, "RedirectTo", "RedirectExternal"}},
		{"nothing", func(r *router.Router) { r.Redirect("/a", "") }, []string{"no path"}},
		{"another site as a path", func(r *router.Router) { r.Redirect("/a", "https://evil.example") }, []string{"RedirectExternal"}},
		{"two slashes", func(r *router.Router) { r.Redirect("/a", "//evil.example") }, []string{"//evil.example"}},
		{"a parameter that is not there", func(r *router.Router) { r.Redirect("/a/{id}", "/b/{name}") }, []string{"* /a/{id} (", "{name}"}},
		{"a query that has to be encoded", func(r *router.Router) { r.Redirect("/a", "/b?c=d e") }, []string{"encoded"}},
		{"a query with a line end", func(r *router.Router) { r.Redirect("/a", "/b?c=\r\nd") }, []string{"encoded"}},
		{"a fragment with a letter beyond ASCII", func(r *router.Router) { r.Redirect("/a", "/b#é") }, []string{"encoded"}},
		{"itself", func(r *router.Router) { r.Redirect("/a/{x}", "/a/{x}") }, []string{"* /a/{x} (", "itself"}},
		{"itself with parameters that change places", func(r *router.Router) { r.Redirect("/a/{x}/{y}", "/a/{y}/{x}") }, []string{"itself"}},
		{"itself in another case", func(*router.Router) {
			router.NewWith(router.Options{IgnoreCase: true, IgnoreSlash: true}).Redirect("/a", "/A/")
		}, []string{"itself"}},
		{"a bad path to lead from", func(r *router.Router) { r.Redirect("a", "/b") }, []string{"begin with /"}},
		{"a name that is not there", func(r *router.Router) { r.RedirectTo("/a", "ring") }, []string{"* /a (", `"ring"`, "before"}},
		{"a named route with another parameter", func(r *router.Router) {
			r.Get("/rings/{id}", reply("")).Name("ring")
			r.RedirectTo("/a/{ring}", "ring")
		}, []string{"{id}"}},
		{"another site by a path", func(r *router.Router) { r.RedirectExternal("/a", "/b") }, []string{"http://"}},
		{"another site without a scheme", func(r *router.Router) { r.RedirectExternal("/a", "//evil.example") }, []string{"http://"}},
		{"a script", func(r *router.Router) { r.RedirectExternal("/a", "javascript:alert(1)") }, []string{"http://"}},
		{"a scheme without slashes", func(r *router.Router) { r.RedirectExternal("/a", "http:evil.example") }, []string{"host"}},
		{"another scheme", func(r *router.Router) { r.RedirectExternal("/a", "ftp://shire.example") }, []string{"http://"}},
		{"another site without a host", func(r *router.Router) { r.RedirectExternal("/a", "https:///x") }, []string{"host"}},
		{"a port without a host", func(r *router.Router) { r.RedirectExternal("/a", "https://:80/x") }, []string{"host"}},
		{"a user", func(r *router.Router) { r.RedirectExternal("/a", "https://frodo@shire.example") }, []string{"user"}},
		{"a user and a password", func(r *router.Router) { r.RedirectExternal("/a", "https://frodo:mellon@shire.example/x") }, []string{"user"}},
		{"a backslash in the host", func(r *router.Router) { r.RedirectExternal("/a", `https://evil.example\.shire.example`) }, nil},
		{"a parameter in the host", func(r *router.Router) { r.RedirectExternal("/a/{host}", "https://{host}/x") }, nil},
		{"a host beyond ASCII", func(r *router.Router) { r.RedirectExternal("/a", "https://mühle.example") }, []string{"host"}},
		{"a line end in the host", func(r *router.Router) { r.RedirectExternal("/a", "https://shire.example\r\nX:y") }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			panics(t, func() { tc.f(router.New()) }, tc.why...)
		})
	}
}

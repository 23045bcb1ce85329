package router_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// loosely has routes of every sort.
func loosely(o router.Options) *app.App {
	r := router.NewWith(o)
	r.Get("/", reply("home"))
	r.Get("/Rings/{id}", reply("ring", "id")).Name("ring")
	r.Get("/rings/{id}/Bearers/", reply("bearers", "id"))
	r.Get("/files", reply("list"))
	r.Get("/files/{path...}", reply("file", "path"))
	r.Post("/rest/{path...}", reply("rest", "path"))
	r.Get("/Zürich/ÄÖ", reply("city"))
	r.Get("/raw/%FF", reply("raw"))
	r.Mount("/Old", echo("old"))
	r.Mount("/below/", echo("below"))
	r.Guard(lock("admin")).Group("/Admin", func(r *router.Router) { r.Get("/Me", reply("me")) })
	return quiet(r.Layer, last)
}

func TestOptions(t *testing.T) {
	strict := router.Options{}
	anyCase, anySlash := router.Options{IgnoreCase: true}, router.Options{IgnoreSlash: true}
	both := router.Options{IgnoreCase: true, IgnoreSlash: true}
	for _, tc := range []struct {
		name         string
		o            router.Options
		method, path string
		status       int
		body, param  string
		location     string
	}{
		{"by default case matters", strict, "GET", "/rings/3", 418, "last", "", ""},
		{"by default a slash matters", strict, "GET", "/Rings/3/", 418, "last", "", ""},
		{"by default a missing slash is a redirect", strict, "GET", "/rings/3/Bearers", 307, "", "", "/rings/3/Bearers/"},

		{"a literal in lower case", anyCase, "GET", "/rings/3", 200, "ring", "3", ""},
		{"a literal in upper case", anyCase, "GET", "/RINGS/3", 200, "ring", "3", ""},
		{"an encoded letter", anyCase, "GET", "/%52ings/3", 200, "ring", "3", ""},
		{"a parameter keeps its case", anyCase, "GET", "/rings/AbC", 200, "ring", "AbC", ""},
		{"a parameter keeps its encoding", anyCase, "GET", "/rings/A%2FB%C3%84", 200, "ring", "A/BÄ", ""},
		{"a rest keeps its case", anyCase, "GET", "/FILES/A/b%2FC", 200, "file", "A/b/C", ""},
		{"letters beyond ASCII", anyCase, "GET", "/Z%C3%9CRICH/%C3%A4%C3%B6", 200, "city", "", ""},
		{"a mounted handler sees its path", anyCase, "GET", "/OLD/X", 200, "old GET", "", ""},
		{"405 in another case", anyCase, "POST", "/RINGS/3", 405, "", "", ""},
		{"case ignored the slash still matters", anyCase, "GET", "/rings/3/", 418, "last", "", ""},
		{"a redirect keeps the case", anyCase, "GET", "//RINGS/AbC", 307, "", "", "/RINGS/AbC"},
		{"a redirect to the slash keeps the case", anyCase, "GET", "/RINGS/AbC/bearers", 307, "", "", "/RINGS/AbC/bearers/"},
		{"bytes that are no text", anyCase, "GET", "/rings/%FFa", 200, "ring", "\xffa", ""},
		{"bytes that are no text as a literal", anyCase, "GET", "/RAW/%ff", 200, "raw", "", ""},
		{"other bytes that are no text", anyCase, "GET", "/raw/%FE", 418, "last", "", ""},
		{"the letter that stands for no text", anyCase, "GET", "/raw/%EF%BF%BD", 418, "last", "", ""},

		{"a slash too many", anySlash, "GET", "/Rings/3/", 200, "ring", "3", ""},
		{"a slash too few", anySlash, "GET", "/rings/3/Bearers", 200, "bearers", "3", ""},
		{"the slash that is written", anySlash, "GET", "/rings/3/Bearers/", 200, "bearers", "3", ""},
		{"the slash ignored case still matters", anySlash, "GET", "/rings/3/", 418, "last", "", ""},
		{"the home page", anySlash, "GET", "/", 200, "home", "", ""},
		{"a literal beside a rest", anySlash, "GET", "/files/", 200, "list", "", ""},
		{"a rest keeps its slash", anySlash, "GET", "/files/a/", 200, "file", "a/", ""},
		{"an empty rest", anySlash, "POST", "/rest/", 200, "rest", "", ""},
		{"an empty rest without its slash", anySlash, "POST", "/rest", 200, "rest", "", ""},
		{"405 of a rest without its slash", anySlash, "GET", "/rest", 405, "", "", ""},
		{"a mounted handler", anySlash, "GET", "/Old/", 200, "old GET", "", ""},
		{"a mounted handler without its slash", anySlash, "GET", "/below", 200, "below GET", "", ""},
		{"two slashes are a redirect", anySlash, "GET", "/Rings/3//", 307, "", "", "/Rings/3/"},
		{"405 with a slash", anySlash, "POST", "/Rings/3/", 405, "", "", ""},

		{"a redirect to an empty rest", anySlash, "POST", "//rest", 307, "", "", "/rest"},

		{"both", both, "GET", "/RINGS/AbC/BEARERS", 200, "bearers", "AbC", ""},
		{"an empty parameter is none", both, "GET", "/rings//", 418, "last", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, loosely(tc.o), tc.method, tc.path)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.param, w.Header().Get("Param"))
			assert.Equal(t, tc.location, w.Header().Get("Location"))
			if tc.status != 405 {
				assert.Equal(t, tc.body, w.Body.String())
			}
		})
	}
}

// TestGuardsHoldForEverySpelling is the trap "login at a path spelling that the guard
// does not see", where more spellings lead to a route.
func TestGuardsHoldForEverySpelling(t *testing.T) {
	var reached atomic.Bool
	r := router.NewWith(router.Options{IgnoreCase: true, IgnoreSlash: true})
	secret := func(*app.Context) error { reached.Store(true); return nil }
	r.Open().Get("/{page}", reply("page"))
	r.Open().Get("/{path...}", reply("all"))
	r.Guard(lock("admin")).Group("/Admin", func(r *router.Router) {
		r.Get("/Me/", secret)
		r.All("/files/{path...}", secret)
	})
	server := httptest.NewServer(quiet(r.Layer, last))
	t.Cleanup(server.Close)
	for _, path := range []string{
		"/Admin/Me/", "/Admin/Me", "/admin/me", "/ADMIN/ME/", "/aDmIn/mE", "/%41dmin/me", "/%61DMIN/%4D%65/", "/adm%C4%B1n/me", "/ADM%C4%B0N/me",
		"/admin", "/ADMIN/", "/ADMIN/none", "/ADMIN/none/", "//ADMIN/me", "/x/../ADMIN/me/", "/ADMIN%2fme", "/ADMIN/Files/x", "/ADMIN/FILES/", "/ADMIN/FILES",
		"/x%2f..%2fADMIN/me", "/ADMIN%2F", "/Admin//me//", "/ADMIN/%2e%2e/x",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "BREW"} {
			res := raw(t, server.Listener.Addr().String(), method+" "+path+" HTTP/1.1")
			assert.Equal(t, 401, res.StatusCode, "%s %s", method, path)
			require.False(t, reached.Load(), path)
		}
	}
	for _, path := range []string{"/administrator", "/Adm", "/x/admin/me"} {
		assert.Equal(t, 200, do(t, quiet(r.Layer), "GET", path).Code, path)
	}
}

func TestOptionsOfATable(t *testing.T) {
	t.Run("routes that differ by what is ignored conflict", func(t *testing.T) {
		panics(t, func() {
			r := router.NewWith(router.Options{IgnoreCase: true})
			r.Get("/a/{x}", reply(""))
			r.Get("/A/{y}", reply(""))
		}, "GET /a/{x} (", "GET /A/{y} (", "conflicts")
		panics(t, func() {
			r := router.NewWith(router.Options{IgnoreSlash: true})
			r.Get("/a", reply(""))
			r.Get("/a/", reply(""))
		}, "GET /a (", "GET /a/ (", "conflicts")
	})
	t.Run("listing and URLs are as it was written", func(t *testing.T) {
		r := router.NewWith(router.Options{IgnoreCase: true, IgnoreSlash: true})
		r.Get("/Rings/{Id}/", reply("")).Name("ring")
		for info := range r.Routes() {
			assert.Equal(t, "/Rings/{Id}/", info.Path)
		}
		u, err := r.URL("ring", "AbC")
		require.NoError(t, err)
		assert.Equal(t, "/Rings/AbC/", u)
	})
	t.Run("Strict is NewStrict", func(t *testing.T) {
		panics(t, func() { router.NewWith(router.Options{Strict: true}).Get("/a", reply("")) }, "who may call it")
	})
	t.Run("an included child takes on its parent's", func(t *testing.T) {
		child := router.NewWith(router.Options{IgnoreCase: true})
		child.Guard(lock("g")).Group("/Admin", func(r *router.Router) { r.Get("/Me", reply("me")) })
		narrow, wide := router.New(), router.NewWith(router.Options{IgnoreCase: true})
		narrow.Include("/", child)
		wide.Include("/", child)
		assert.Equal(t, 401, do(t, quiet(narrow.Layer, last), "GET", "/Admin/Me").Code)
		assert.Equal(t, 418, do(t, quiet(narrow.Layer, last), "GET", "/admin/me").Code)
		assert.Equal(t, 401, do(t, quiet(wide.Layer, last), "GET", "/ADMIN/none").Code)
	})
	t.Run("a mounted handler is kept from what it would decode", func(t *testing.T) {
		a := loosely(router.Options{IgnoreCase: true, IgnoreSlash: true})
		assert.Equal(t, 401, do(t, a, "GET", "/OLD/..%2FADMIN/me").Code)
		assert.Equal(t, http.StatusTeapot, do(t, a, "GET", "/OLD/..%2Ffiles").Code)
	})
}

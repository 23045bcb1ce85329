package router_test

import (
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/router"
)

// line returns the line above the call, as a panic writes it.
func line() string {
	_, file, n, _ := runtime.Caller(1)
	return fmt.Sprintf("(%s:%d)", file, n-1)
}

// TestConflictsNameBothPlaces compares the lines that a panic names with those of this
// file, where the first route is the one above the call of line.
func TestConflictsNameBothPlaces(t *testing.T) {
	for _, tc := range []struct {
		name  string
		first func(r *router.Router) string
		then  func(r *router.Router)
		want  []string
	}{
		{"the same route twice", func(r *router.Router) string {
			r.Get("/rings/{id}", reply(""))
			return line()
		}, func(r *router.Router) { r.Get("/rings/:other", reply("")) },
			[]string{"GET /rings/{other} (", "GET /rings/{id} ", "both match the same requests"}},
		{"neither is more specific", func(r *router.Router) string {
			r.Group("/x", func(r *router.Router) { r.Get("/{id}/b", reply("")) })
			return line()
		}, func(r *router.Router) { r.Get("/x/a/{id}", reply("")) },
			[]string{"GET /x/a/{id} (", "GET /x/{id}/b ", `like "/x/a/b"`, "neither is more specific"}},
		{"HEAD beside a narrower GET", func(r *router.Router) string {
			r.Get("/rings/{id}", reply(""))
			return line()
		}, func(r *router.Router) { r.Handle("HEAD", "/rings/{path...}", reply("")) },
			[]string{"HEAD /rings/{path...} (", "GET /rings/{id} ", "fewer methods"}},
		{"every method twice", func(r *router.Router) string {
			r.All("/me", reply(""))
			return line()
		}, func(r *router.Router) { r.All("/me", reply("")) }, []string{"* /me ("}},
		{"every method and neither is more specific", func(r *router.Router) string {
			r.Handle("BREW", "/admin/{x}", reply(""))
			return line()
		}, func(r *router.Router) { r.All("/{x}/me", reply("")) },
			[]string{"* /{x}/me (", "BREW /admin/{x} ", "neither is more specific"}},
		{"a method after every method", func(r *router.Router) string {
			r.All("/{x}/me", reply(""))
			return line()
		}, func(r *router.Router) { r.Handle("BREW", "/admin/{x}", reply("")) },
			[]string{"BREW /admin/{x} (", "* /{x}/me "}},
		{"a mounted handler twice", func(r *router.Router) string {
			r.Mount("/files", http.NotFoundHandler())
			return line()
		}, func(r *router.Router) { r.Mount("/files/", http.NotFoundHandler()) }, []string{"* /files/ (", "* /files "}},
		{"a redirect", func(r *router.Router) string {
			r.Redirect("/old", "/new")
			return line()
		}, func(r *router.Router) { r.RedirectExternal("/old", "https://shire.example") }, []string{"* /old ("}},
		{"a route of a child has its own line", func(r *router.Router) string {
			r.Get("/rings/{id}", reply(""))
			return line()
		}, func(r *router.Router) {
			child := router.New()
			child.Get("/{name}", reply(""))
			r.Include("/rings", child)
		}, []string{"GET /rings/{name} (", "GET /rings/{id} "}},
		{"a name twice", func(r *router.Router) string {
			r.Get("/a", reply("")).Name("ring")
			return line()
		}, func(r *router.Router) { r.Get("/b", reply("")).Name("ring") }, []string{"GET /a ", "GET /b (", `"ring"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := router.New()
			place := tc.first(r)
			panics(t, func() { tc.then(r) }, append(tc.want, place)...)
			r = router.New()
			tc.first(r)
			text := sentence(func() { tc.then(r) })
			places := regexp.MustCompile(`\([^()]*_test\.go:\d+\)`).FindAllString(text, -1)
			require.Len(t, places, 2, text)
			assert.NotEqual(t, places[0], places[1])
			assert.NotContains(t, text, "registered at")
		})
	}
}

// TestOfSeveralConflictsTheFirstIsNamed: a panic that names another line each time would
// send its reader in circles.
func TestOfSeveralConflictsTheFirstIsNamed(t *testing.T) {
	for range 20 {
		panics(t, func() {
			r := router.New()
			r.Get("/x/{a}/b", reply(""))
			r.Get("/x/{a}/c", reply(""))
			r.Get("/x/{a}/d", reply(""))
			r.Get("/x/y/{a}", reply(""))
		}, "GET /x/{a}/b (")
	}
}

// TestNothingIsLeftToTheFirstRequest: what ServeMux would refuse is refused where it is
// added, also if it takes the place of a route for every method.
func TestNothingIsLeftToTheFirstRequest(t *testing.T) {
	r := router.New()
	r.All("/{a}/{b}", reply(""))
	panics(t, func() { r.Get("/{id}/{id}", reply("")) }, "duplicate parameter {id}")
	r.Get("/{c}/{d}", reply("get"))
	assert.Equal(t, "get", do(t, quiet(r.Layer), "GET", "/x/y").Body.String())
}

// sentence returns what f panics with.
func sentence(f func()) (text string) {
	defer func() { text, _ = recover().(string) }()
	f()
	return ""
}

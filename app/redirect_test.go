package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
)

var (
	goodPaths = []string{"/", "/login", "/login?next=%2F%2Fexample.org#top", "/a b", "/ä", "/a//b", "/@example.org", "/:80", "/.//example.org", "/" + strings.Repeat("x", 2047)}
	badPaths  = []string{
		"", "login", "?a", "#a", ".", "//example.org", "///example.org", `/\example.org`, `\\example.org`, `\/example.org`, `/a\b`,
		"/\t/example.org", "/\n/example.org", "/\r\nSet-Cookie: a=1", "\t//example.org", " //example.org", " /login", "/a\x00", "/a\x7f",
		"https://example.org", "http:example.org", "https:/example.org", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "mailto:a@example.org",
		"/" + strings.Repeat("x", 2048),
	}
)

func redirecting(path string) app.Middleware {
	return last(func(ctx *app.Context) error {
		ctx.Body = "given up"
		return ctx.Redirect(path)
	})
}

func TestRedirect(t *testing.T) {
	for _, path := range goodPaths {
		w, told := answered(get("/"), redirecting(path))
		assert.Equal(t, http.StatusSeeOther, w.Code, path)
		assert.Equal(t, path, w.Header().Get("Location"))
		assert.Empty(t, w.Body.String())
		assert.Empty(t, told)
	}
	for _, path := range badPaths {
		w, told := answered(get("/"), redirecting(path))
		assert.Equal(t, http.StatusInternalServerError, w.Code, path)
		assert.Empty(t, w.Header()["Location"], path)
		assert.Len(t, told, 1, path)
	}
}

func FuzzRedirect(f *testing.F) {
	for _, path := range append(goodPaths, badPaths...) {
		f.Add(path)
	}
	base := &url.URL{Scheme: "https", Host: "example.com", Path: "/here"}
	f.Fuzz(func(t *testing.T, path string) {
		w := serve(get("/"), redirecting(path))
		if w.Code != http.StatusSeeOther {
			assert.Empty(t, w.Header()["Location"])
			return
		}
		// What browsers make of it: they drop tabs and line ends and read \ as /.
		location := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimFunc(w.Header().Get("Location"), func(r rune) bool { return r <= ' ' }))
		assert.True(t, strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//"), "%q", path)
		if u, err := base.Parse(location); err == nil {
			assert.Equal(t, "example.com", u.Host, "%q", path)
		}
	})
}

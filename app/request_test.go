package app_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

func TestGet(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: Shire.example:80\r\nConnection: close\r\nREFERER: /bag-end\r\nx-ring: one\r\nX-Ring: two\r\n\r\n"
	for _, test := range []struct{ name, header, want string }{
		{"in any case", "x-RING", "one"},
		{"as HTTP spells it", "Referer", "/bag-end"},
		{"as it is spelled", "referrer", "/bag-end"},
		{"the host", "host", "Shire.example:80"},
		{"not there", "X-Mordor", ""},
		{"no name", "X\r\nRing", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, body := sayRaw(t, saying(func(ctx *app.Context) string { return ctx.Get(test.header) }), request)
			assert.Equal(t, test.want, body)
		})
	}
}

func TestIdempotent(t *testing.T) {
	for method, want := range map[string]bool{
		"GET": true, "HEAD": true, "PUT": true, "DELETE": true, "OPTIONS": true,
		"POST": false, "PATCH": false, "get": false, "MORDOR": false,
	} {
		t.Run(method, func(t *testing.T) {
			asked := false
			serve(httptest.NewRequest(method, "/", nil), last(func(ctx *app.Context) error {
				asked = true
				assert.Equal(t, want, ctx.Idempotent())
				return nil
			}))
			assert.True(t, asked)
		})
	}
}

// sayAfter answers with what a handler says after a layer above has changed the path.
func sayAfter(path string, what func(ctx *app.Context) string) *app.App {
	return quiet().Use(func(ctx *app.Context, next app.Handler) error {
		if err := ctx.SetPath(path); err != nil {
			return err
		}
		return next(ctx)
	}, last(func(ctx *app.Context) error {
		ctx.Status, ctx.Body = http.StatusOK, what(ctx)
		return nil
	}))
}

func TestSetPath(t *testing.T) {
	t.Run("is for the layers below and the original stays", func(t *testing.T) {
		a := sayAfter("/bag end/%", func(ctx *app.Context) string {
			u := ctx.Request.URL
			return strings.Join([]string{u.Path, u.EscapedPath() + u.RawPath, u.RawQuery, ctx.OriginalURL(), ctx.Href()}, " ")
		})
		_, body := sayRaw(t, a, "GET /ring%2Fs?a=b HTTP/1.1\r\nHost: Shire.example\r\nConnection: close\r\n\r\n")
		assert.Equal(t, "/bag end/% /bag%20end/%25 a=b /ring%2Fs?a=b http://shire.example/ring%2Fs?a=b", body)
	})
	t.Run("a request that no server has read keeps its original too", func(t *testing.T) {
		r, err := http.NewRequest(http.MethodGet, "/rings?a=b", nil)
		require.NoError(t, err)
		assert.Equal(t, "/rings?a=b", record(sayAfter("/x", (*app.Context).OriginalURL), r).Body.String())
	})
	t.Run("the request of whoever holds it stays as it is", func(t *testing.T) {
		r := get("/rings")
		assert.Equal(t, "/x", record(sayAfter("/x", func(ctx *app.Context) string { return ctx.Request.URL.Path }), r).Body.String())
		assert.Equal(t, "/rings", r.URL.Path)
	})
	for _, path := range []string{"", "rings", "//mordor.example", "?a=b", "*", "https://mordor.example/", `\mordor`} {
		t.Run("no path "+strings.NewReplacer("/", "s", "*", "star").Replace(path), func(t *testing.T) {
			assert.Equal(t, http.StatusInternalServerError, record(sayAfter(path, (*app.Context).OriginalURL), get("/")).Code)
		})
	}
}

func TestHrefAndOriginalURL(t *testing.T) {
	seen := saying(func(ctx *app.Context) string { return ctx.Href() + " " + ctx.OriginalURL() })
	for _, test := range []struct{ name, target, host, want string }{
		{"a path", "/a%20b?c=d&e", "Shire.example:1337", "http://shire.example:1337/a%20b?c=d&e /a%20b?c=d&e"},
		{"two slashes", "//mordor.example/x", "shire.example", "http://shire.example//mordor.example/x //mordor.example/x"},
		{"the absolute form names the host", "http://bree.example/x?y", "shire.example", "http://bree.example/x?y /x?y"},
		{"the absolute form of another scheme", "gopher://bree.example/x", "shire.example", "http://bree.example/x /x"},
		{"no host", "/x", "shire.example,mordor.example", " /x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, body := sayRaw(t, seen, "GET "+test.target+" HTTP/1.1\r\nHost: "+test.host+"\r\nConnection: close\r\n\r\n")
			assert.Equal(t, test.want, body)
		})
	}
}

func TestOrigin(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"a site", []string{"https://shire.example:8443"}, "https://shire.example:8443"},
		{"none that may be told", []string{"null"}, "null"},
		{"none", nil, ""},
		{"two", []string{"https://shire.example", "https://mordor.example"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := get("/")
			if test.lines != nil {
				r.Header["Origin"] = test.lines
			}
			assert.Equal(t, test.want, record(saying((*app.Context).Origin), r).Body.String())
		})
	}
}

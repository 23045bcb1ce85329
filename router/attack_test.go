package router_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// raw sends bytes to a server and returns its answer.
func raw(t *testing.T, address, requestLine string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "%s\r\nHost: shire.example\r\nConnection: close\r\n\r\n", requestLine)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err, requestLine)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// TestHostileRequestLines sends what no client of ours would to a real server: no
// spelling reaches the guarded handler, none is a fault, none is sent to another site.
func TestHostileRequestLines(t *testing.T) {
	var reached atomic.Bool
	secret := func(*app.Context) error { reached.Store(true); return nil }
	r := router.New()
	r.Open().Get("/", reply("home"))
	r.Open().Get("/{page}", reply("page"))
	r.Guard(lock("admin")).Group("/admin", func(r *router.Router) {
		r.Get("/me", secret)
		r.Handle("HEAD", "/head", secret)
		r.Get("/files/{path...}", secret)
		r.Handle("OPTIONS", "/options", secret)
		r.Mount("/old", app.Adapt(func(*app.Context, app.Handler) error { reached.Store(true); return nil })(http.NotFoundHandler()))
	})
	server := httptest.NewServer(quiet(r.Layer))
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()

	targets := []string{
		"/admin/me", "/admin%2fme", "/admin%2Fme", "//admin/me", "///admin//me", "/x/../admin/me", "/./admin/./me",
		"/x/%2e%2e/admin/me", "/x/..%2fadmin/me", "/%61dmin/me", "/%2561dmin/me", "/ADMIN/me", "/admin/me/", "/admin/me/.",
		"/admin/me/..", "/admin/../admin/me", "/admin;x=1/me", "/admin/me;x=1", "/admin/me%00", "/admin%00/me", "/admin/me?x=/../",
		"/admin/me%20", "/admin\\me", "\\admin\\me", "/admin/./me", "/admin/files/../me", "/admin/files/%2e%2e/me", "/admin/head", "/admin/options",
		"/admin/old", "/admin/old/x", "/admin/old%2fx", "http://shire.example/admin/me", "http://evil.example//admin/me", "http://shire.example",
		"*", "admin/me", "", "//", "//evil.example", "//evil.example/%2e%2e", "//evil.example/..", `/\evil.example`, `//\evil.example/..`, "/%5cevil.example",
		"/%2fevil.example", "/.//evil.example", "/%0d%0aLocation:x", "//%0d%0aLocation:x", "/é", "//é/", "/%zz", "/%", "?", "#", "/#/admin/me",
		"evil.example:443", "javascript:alert(1)", "/" + strings.Repeat("../", 300) + "admin/me", "/" + strings.Repeat("a/", 3000),
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "GETX", "ANY", "-", "BREW", "PRI"}
	for _, target := range targets {
		for _, method := range methods {
			line := method + " " + target + " HTTP/1.1"
			res := raw(t, address, line)
			if slices.Contains([]string{"get", "GETX", "ANY", "-", "BREW", "PRI"}, method) && res.StatusCode == 501 {
				assert.NotEmpty(t, res.Header.Get("Allow"), line)
			} else {
				assert.Less(t, res.StatusCode, 500, line)
			}
			if to := res.Header.Get("Location"); to != "" {
				assert.Regexp(t, `^/([^/\\]|$)`, to, line)
				assert.NotContains(t, to, `\`, line)
				assert.Equal(t, 307, res.StatusCode, line)
			}
			if method == "TRACE" || method == "CONNECT" {
				assert.GreaterOrEqual(t, res.StatusCode, 400, line)
			}
			require.False(t, reached.Load(), line)
		}
	}
	t.Run("and the handler can be reached", func(t *testing.T) {
		q, err := http.NewRequest("GET", server.URL+"/admin/me", nil)
		require.NoError(t, err)
		q.Header.Set("Key", "speak friend")
		res, err := server.Client().Do(q)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
		require.NoError(t, res.Body.Close())
		assert.True(t, reached.Load())
	})
	t.Run("a target that is no path is a bad request", func(t *testing.T) {
		assert.Equal(t, 400, raw(t, address, "GET * HTTP/1.1").StatusCode)
	})
}

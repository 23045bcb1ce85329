package router_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

var (
	fuzzPrefixes = []string{"", "/", "/admin", "/a", "/a/b", "/{x}", "/{x}/admin", "/a/{y}", "/%61dmin"}
	fuzzPaths    = []string{"/", "/me", "/a", "/a/", "/{z}", "/{z}/", "/b/{w}", "/{rest...}", "/admin/me", "/a%2Fb"}
	fuzzMethods  = []string{"GET", "POST", "HEAD", "PUT", "OPTIONS", "BREW"}
)

// A named is a route of the plain ServeMux that the router is compared with.
type named struct {
	pattern string
	guarded bool
}

func (*named) ServeHTTP(http.ResponseWriter, *http.Request) {}

// A maze is a random table of routes, twice.
type maze struct {
	app      http.Handler
	mux      *http.ServeMux
	prefixes []string // of guarded groups
}

// newMaze reads three bytes for each route: its group, its path, its method.
func newMaze(t *testing.T, plan []byte) *maze {
	m := &maze{mux: http.NewServeMux()}
	r := router.New()
	for len(plan) >= 3 && len(m.prefixes) < 20 {
		prefix := fuzzPrefixes[int(plan[0]>>1)%len(fuzzPrefixes)]
		guarded := plan[0]&1 == 1
		method := fuzzMethods[int(plan[2])%len(fuzzMethods)]
		p := fuzzPaths[int(plan[1])%len(fuzzPaths)]
		plan = plan[3:]
		base := r.Open()
		if guarded {
			base = r.Guard(lock("guard"))
			m.prefixes = append(m.prefixes, strings.TrimSuffix(prefix, "/"))
		}
		base.Group(prefix, func(r *router.Router) { m.add(t, r, method, strings.TrimSuffix(prefix, "/"), p, guarded) })
	}
	m.app = app.Adapt(r.Layer)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Next", "yes") }))
	return m
}

// add gives both the same route, and requires that both refuse it or none.
func (m *maze) add(t *testing.T, r *router.Router, method, prefix, p string, guarded bool) {
	pattern := method + " " + prefix + p
	if strings.HasSuffix(pattern, "/") {
		pattern += "{$}"
	}
	refused := recovers(func() { m.mux.Handle(pattern, &named{pattern, guarded}) })
	got := recovers(func() {
		r.Handle(method, p, func(ctx *app.Context) error {
			ctx.Header().Set("Ran", ctx.Request.Pattern)
			return nil
		})
	})
	require.Equal(t, refused, got, pattern)
}

func recovers(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

// segmentsOf returns what lies between the slashes of a cleaned path, decoded.
func segmentsOf(escaped string) []string {
	segments := strings.Split(strings.TrimPrefix(path.Clean("/"+escaped), "/"), "/")
	for i, s := range segments {
		if d, err := url.PathUnescape(s); err == nil {
			segments[i] = d
		}
	}
	if slices.Equal(segments, []string{""}) {
		return nil
	}
	return segments
}

// isBelow reports whether a path is at or below a prefix; literal: as spelled there.
func isBelow(p, prefix []string, literal bool) bool {
	if len(p) < len(prefix) {
		return false
	}
	for i, s := range prefix {
		if p[i] != s && !strings.HasPrefix(s, "{") {
			return false
		}
		if literal && strings.HasPrefix(s, "{") && strings.HasSuffix(p[i], "...}") {
			return false
		}
	}
	return true
}

// guardedBy reports whether some guarded group covers a path and the route, if there
// is one, does not spell out that group's prefix.
func (m *maze) guardedBy(escaped string, matched *named) bool {
	return slices.ContainsFunc(m.prefixes, func(prefix string) bool {
		want := segmentsOf(prefix)
		if !isBelow(segmentsOf(escaped), want, false) {
			return false
		}
		if matched == nil {
			return true
		}
		_, route, _ := strings.Cut(matched.pattern, " ")
		return !isBelow(segmentsOf(route), want, true)
	})
}

// FuzzTable shows that a router and a plain ServeMux agree on what matches and that
// no request goes past the guard of a group that its path is in.
func FuzzTable(f *testing.F) {
	f.Add([]byte{5, 1, 0, 4, 7, 0, 0, 0, 0}, "GET", "/admin/me")
	f.Add([]byte{5, 1, 0, 0, 7, 0}, "POST", "/x/../admin//me")
	f.Add([]byte{5, 1, 0, 0, 7, 0, 11, 4, 1}, "BREW", "/admin%2fme")
	f.Add([]byte{13, 1, 0, 12, 4, 0, 0, 3, 2}, "HEAD", "//x/%61dmin/me")
	f.Add([]byte{7, 3, 0, 15, 6, 0, 9, 5, 4}, "OPTIONS", "/a/b/..%2f%2e%2e")
	f.Add([]byte{1, 7, 0}, "CONNECT", "/./a/")
	f.Add([]byte{10, 5, 3, 2, 4, 0}, "get", "http://evil.example//a/%2F")
	f.Add([]byte{4, 9, 0, 5, 2, 0}, "TRACE", "*")
	f.Fuzz(func(t *testing.T, plan []byte, method, target string) {
		if strings.ContainsAny(method+target, " \r\n\t") {
			return
		}
		q, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: shire.example\r\n\r\n")))
		if err != nil {
			return
		}
		m := newMaze(t, plan)
		h, _ := m.mux.Handler(q)
		want, _ := h.(*named)
		if method == "CONNECT" || method == "TRACE" || q.RequestURI == "*" {
			want = nil
		}
		m.withoutKey(t, q, want)
		q.Header.Set("Key", "speak friend")
		m.withKey(t, q, want)
	})
}

func (m *maze) withoutKey(t *testing.T, q *http.Request, want *named) {
	w := httptest.NewRecorder()
	m.app.ServeHTTP(w, q.Clone(q.Context()))
	require.Less(t, w.Code, 500)
	if m.guardedBy(q.URL.EscapedPath(), want) || want != nil && want.guarded {
		assert.Equal(t, 401, w.Code)
		assert.Empty(t, w.Header().Get("Ran"))
		assert.Empty(t, w.Header().Get("Next"))
		assert.Empty(t, w.Header().Get("Location"))
		assert.Empty(t, w.Header().Get("Allow"))
	}
}

func (m *maze) withKey(t *testing.T, q *http.Request, want *named) {
	w := httptest.NewRecorder()
	m.app.ServeHTTP(w, q.Clone(q.Context()))
	require.Less(t, w.Code, 500)
	if want != nil {
		assert.Equal(t, want.pattern, w.Header().Get("Ran"))
	} else {
		assert.Empty(t, w.Header().Get("Ran"))
	}
	to := w.Header().Get("Location")
	if to == "" {
		return
	}
	assert.Regexp(t, `^/([^/\\]|$)`, to)
	again, err := url.ParseRequestURI(to)
	require.NoError(t, err)
	h, _ := m.mux.Handler(&http.Request{Method: q.Method, URL: again})
	assert.IsType(t, (*named)(nil), h, "%s leads to no route", to)
}

package router_test

import (
	"bufio"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzTable shows of random tables and paths that router and ServeMux agree on what
// matches, with what parameters, and that no request goes past the guard of a group that
// its path is in.
func FuzzTable(f *testing.F) {
	for _, seed := range []struct{ plan, method, target string }{
		{"\x00\x09\x01\x00\x00\x0c\x07\x00\x00", "GET", "/admin/me"},
		{"\x00\x09\x01\x00\x00\x00\x07\x00\x00", "POST", "/x/../admin//me"},
		{"\x00\x09\x01\x00\x00\x00\x07\x00\x00\x15\x04\x01\x00", "BREW", "/admin%2fme"},
		{"\x00\x19\x01\x00\x00\x18\x04\x00\x00\x00\x03\x02\x00", "HEAD", "//x/%61dmin/me"},
		{"\x00\x0d\x03\x00\x03\x1c\x06\x00\x07\x11\x05\x04\x00", "OPTIONS", "/a/b/..%2f%2e%2e"},
		{"\x00\x01\x07\x00\x00", "CONNECT", "/./a/"},
		{"\x00\x12\x05\x03\x00\x00\x04\x00\x00", "get", "http://evil.example//a/%2F"},
		{"\x00\x08\x09\x00\x00\x09\x02\x00\x00", "TRACE", "*"},
		{"\x01\x25\x01\x00\x00\x00\x07\x06\x00", "GET", "/ADMIN/%4De"},
		{"\x03\x0b\x0a\x06\x0b\x03\x0b\x07\x00", "BREW", "/aDmin/mE/Me/"},
		{"\x02\x00\x0b\x00\x00\x00\x04\x06\x00", "HEAD", "/B"},
		{"\x02\x03\x07\x07\x03\x0a\x03\x06\x00", "PUT", "/a/b/"},
		{"\x03\x17\x04\x05\x07\x14\x05\x06\x00", "BREW", "/%C4%B1/ADM%C4%B1N/x/"},
		{"\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00\x02\x00", "HEAD", "/"},
	} {
		f.Add([]byte(seed.plan), seed.method, seed.target)
	}
	f.Fuzz(func(t *testing.T, plan []byte, method, target string) {
		if m := newMaze(t, plan); m != nil {
			m.walk(t, method, target)
		}
	})
}

// TestRandomTables walks through tables as FuzzTable does, on paths that are those of
// their routes and groups, spelled in some way or other.
func TestRandomTables(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	methods := []string{"GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW", "DELETE", "TRACE", "get"}
	for range 1500 {
		plan := make([]byte, 1+4*(1+random.IntN(6)))
		for i := range plan {
			plan[i] = byte(random.Uint32())
		}
		m := newMaze(t, plan)
		if m == nil || len(m.routes) == 0 {
			continue
		}
		for range 6 {
			method, target := methods[random.IntN(len(methods))], m.spell(random)
			m.walk(t, method, target)
			if t.Failed() {
				t.Fatalf("plan %q, %s %s", plan, method, target)
			}
		}
	}
}

// spell writes the path of some route, or one near it, in a roundabout way.
func (m *maze) spell(random *rand.Rand) string {
	paths := m.prefixes
	for _, n := range m.routes {
		paths = append(paths, n.path)
	}
	segments := strings.Split(paths[random.IntN(len(paths))], "/")
	words := []string{"x", "Me", "b", "admin", "a%2Fb", "%2e%2e", "..%2fadmin", "%4De", "%C4%B1", "a/b/"}
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			s = words[random.IntN(len(words))]
		}
		switch random.IntN(12) {
		case 0:
			s = strings.ToUpper(s)
		case 1:
			s = strings.Replace(s, "a", "%61", 1)
		case 2:
			s = strings.Replace(s, "m", "%4D", 1)
		case 3:
			s += "/."
		case 4:
			s += "/x/.."
		case 5:
			s += "/"
		case 6:
			s += "%2f"
		}
		segments[i] = s
	}
	target := strings.Join(segments, "/")
	switch random.IntN(8) {
	case 0:
		target += "/"
	case 1:
		target += "/none"
	case 2:
		target = strings.TrimSuffix(target, "/")
	}
	return "/" + strings.TrimPrefix(target, "/")
}

// walk asks for a target twice: without the key of the guards and with it.
func (m *maze) walk(t *testing.T, method, target string) {
	if strings.ContainsAny(method+target, " \r\n\t") {
		return
	}
	q, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: shire.example\r\n\r\n")))
	if err != nil {
		return
	}
	var want *named
	if method != "CONNECT" && method != "TRACE" && isClean(q) {
		want = m.find(t, method, q.URL.EscapedPath())
	}
	m.withoutKey(t, q, want)
	q.Header.Set("Key", "speak friend")
	m.withKey(t, q, want)
}

func isClean(q *http.Request) bool {
	p := q.URL.EscapedPath()
	clean := path.Clean(p)
	return q.RequestURI != "*" && strings.HasPrefix(p, "/") && (p == clean || p == clean+"/" && p != "//")
}

func (m *maze) withoutKey(t *testing.T, q *http.Request, want *named) {
	w := httptest.NewRecorder()
	m.app.ServeHTTP(w, q.Clone(q.Context()))
	require.NotEqual(t, 500, w.Code)
	guarded := m.guardedBy(q.URL.EscapedPath(), want) || want != nil && want.guarded
	if hidden(q, want) {
		guarded = guarded && m.guardedBy(q.URL.EscapedPath(), nil)
	}
	if guarded {
		assert.Equal(t, 401, w.Code)
		for _, name := range []string{"Ran", "Next", "Location", "Allow"} {
			assert.Empty(t, w.Header().Get(name), name)
		}
	}
}

// hidden reports whether a mounted handler may have been kept from a path that is
// somebody else's once it is decoded.
func hidden(q *http.Request, want *named) bool {
	return want != nil && want.mount && q.URL.RawPath != ""
}

func (m *maze) withKey(t *testing.T, q *http.Request, want *named) {
	w := httptest.NewRecorder()
	m.app.ServeHTTP(w, q.Clone(q.Context()))
	require.NotEqual(t, 500, w.Code)
	switch ran := w.Header().Get("Ran"); {
	case want != nil && (ran != "" || !hidden(q, want)):
		assert.Equal(t, want.label(), ran)
		assert.Equal(t, strings.TrimPrefix(want.method+" "+want.path, " "), strings.TrimPrefix(w.Header().Get("Matched"), "* "))
		m.params(t, q, w, want)
	case want == nil:
		assert.Empty(t, ran)
		assert.Empty(t, w.Header().Get("Matched"))
	}
	if to := w.Header().Get("Location"); to != "" {
		assert.Regexp(t, `^/([^/\\]|$)`, to)
		again, err := url.ParseRequestURI(to)
		require.NoError(t, err)
		assert.NotNil(t, m.find(t, q.Method, again.EscapedPath()), "%s leads to no route", to)
	}
}

// params requires that the parameters are what the path has in their places.
func (m *maze) params(t *testing.T, q *http.Request, w *httptest.ResponseRecorder, want *named) {
	var values []string
	parts := strings.Split(q.URL.EscapedPath()[1:], "/")
	for i, s := range strings.Split(want.path[1:], "/") {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		part := strings.Join(parts[min(i, len(parts)):], "/")
		if !strings.HasSuffix(s, "...}") {
			part = parts[i]
		}
		if decoded, err := url.PathUnescape(part); err == nil {
			part = decoded
		}
		values = append(values, url.QueryEscape(part))
	}
	assert.Equal(t, values, w.Header()["Param"])
}

package router_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/router"
)

func TestRedirect(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/the/old/shire/", reply("shire"))
		r.Delete("/rings/{id}", reply("gone"))
		r.Get("/{a}/{b}", reply("two"))
		r.Get("/{name}", reply("one"))
		r.Get("/far/off/places/{path...}", reply("far"))
	})
	for _, tc := range []struct{ name, method, path, location string }{
		{"to the slash", "GET", "/the/old/shire", "/the/old/shire/"},
		{"to the slash of a rest", "GET", "/far/off/places", "/far/off/places/"},
		{"with the query", "GET", "/the/old/shire?road=1&b=%2f", "/the/old/shire/?road=1&b=%2f"},
		{"keeps the method", "DELETE", "//rings/3", "/rings/3"},
		{"dots", "DELETE", "/a/../rings/./3", "/rings/3"},
		{"keeps the encoding", "GET", "//a%20b/c%2Fd", "/a%20b/c%2Fd"},
		{"an encoded slash stays one segment", "GET", "//a%2F", "/a%2F"},
		{"two slashes and a host", "GET", "//evil.example/%2e%2e", "/evil.example/%2e%2e"},
		{"two slashes, a host and dots", "GET", "//evil.example/x/..", "/evil.example"},
		{"many slashes", "GET", "////evil.example", "/evil.example"},
		{"a backslash", "GET", `//\evil.example`, "/%5Cevil.example"},
		{"an encoded backslash", "GET", `/x/../%5Cevil.example`, "/%5Cevil.example"},
		{"a backslash behind dots", "GET", `/x/..//\evil.example/y`, "/%5Cevil.example/y"},
		{"encoded slashes", "GET", `/.//%2f%2fevil.example`, "/%2f%2fevil.example"},
		{"an absolute target", "GET", "http://evil.example//x", "/x"},
		{"encoded line ends", "GET", "//a%0d%0aSet-Cookie:x", "/a%0d%0aSet-Cookie:x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := do(t, a, tc.method, tc.path)
			assert.Equal(t, 307, w.Code)
			assert.Equal(t, tc.location, w.Header().Get("Location"))
			assert.Zero(t, w.Body.Len())
		})
	}
	t.Run("only to where a route is", func(t *testing.T) {
		for _, path := range []string{"//", "/x/..", "//a/b/c", "/a/b/c/../d"} {
			assert.Equal(t, 418, do(t, a, "GET", path).Code, path)
		}
		assert.Equal(t, 405, do(t, a, "POST", "//the/old/shire/").Code)
	})
	t.Run("encodes what a hand-made query may contain", func(t *testing.T) {
		q := request(t, "GET", "/the/old/shire")
		q.URL.RawQuery = "a=\r\nSet-Cookie: x\u00fc"
		w := serve(a, q)
		assert.Equal(t, "/the/old/shire/?a=%0D%0ASet-Cookie:+x%C3%BC", w.Header().Get("Location"))
	})
}

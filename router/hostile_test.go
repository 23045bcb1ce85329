package router_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// TestNoMethodStandsForTraceAndConnect: whatever methods the routes of a table have, those
// that are never served do not lead to them.
func TestNoMethodStandsForTraceAndConnect(t *testing.T) {
	r := router.New()
	r.Handle("-", "/a", reply("a"))
	r.All("/all", reply("all"))
	r.Mount("/files", echo("files"))
	h := app.Adapt(r.Layer)(http.NotFoundHandler())
	for _, path := range []string{"/a", "/all", "/files/x", "//all"} {
		for _, method := range []string{"TRACE", "CONNECT"} {
			q := request(t, "GET", path)
			q.Method = method
			assert.Equal(t, 405, serve(h, q).Code, "%s %s", method, path)
		}
	}
	assert.Equal(t, "a", do(t, h, "-", "/a").Body.String())
	assert.Equal(t, "all", do(t, h, "-", "/all").Body.String())
	assert.Equal(t, "files nobody's", do(t, h, "nobody's", "/files/x").Body.String())
}

// TestAQueryBeginsNoFragment: only a request that was made by hand has a # in its query,
// which is none of the address that it is sent to.
func TestAQueryBeginsNoFragment(t *testing.T) {
	a := build(func(r *router.Router) {
		r.Get("/rings", reply("rings"))
		r.Redirect("/old", "/rings#top")
		r.RedirectExternal("/out", "https://shire.example/")
	})
	for path, want := range map[string]string{
		"/old?a#b":    "/rings?a%23b#top",
		"/out?a#b":    "https://shire.example/?a%23b",
		"//rings?a#b": "/rings?a%23b",
	} {
		assert.Equal(t, want, do(t, a, "GET", path).Header().Get("Location"))
	}
}

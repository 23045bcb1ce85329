package router_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// hosts is an App with routes for some hosts.
func hosts() *app.App {
	api, below, address, site := router.New(), router.New(), router.New(), router.New()
	api.Get("/", reply("api"))
	api.Guard(lock("api")).Group("/admin", func(r *router.Router) { r.Get("/me", reply("api's me")) })
	api.Post("/rings", reply("api's rings"))
	below.Get("/", reply("below"))
	address.Get("/", reply("address"))
	site.Get("/", reply("site"))
	site.Get("/rings", reply("site's rings"))
	site.Get("/admin/me", reply("site's me"))
	site.Get("/only", reply("only"))
	return quiet(
		router.Host("api.Shire.example", step("host"), api.Layer),
		router.Host("*.shire.example", below.Layer),
		router.Host("::1", address.Layer),
		router.Host("192.0.2.7", address.Layer),
		site.Layer,
	)
}

func at(t *testing.T, h http.Handler, method, host, path string) (status int, body, trail string, allow string) {
	t.Helper()
	q := request(t, method, path)
	q.Host = host
	w := serve(h, q)
	if w.Code == 200 {
		body = w.Body.String()
	}
	return w.Code, body, w.Header().Get("Trail"), w.Header().Get("Allow")
}

func TestHost(t *testing.T) {
	a := hosts()
	for _, tc := range []struct {
		name, method, host, path string
		status                   int
		body, trail, allow       string
	}{
		{"the host", "GET", "api.shire.example", "/", 200, "api", "host", ""},
		{"in upper case", "GET", "API.SHIRE.EXAMPLE", "/", 200, "api", "host", ""},
		{"with a port", "GET", "api.shire.example:8443", "/", 200, "api", "host", ""},
		{"a wildcard", "GET", "www.shire.example", "/", 200, "below", "", ""},
		{"a wildcard covers all that is below", "GET", "a.b.shire.example:1", "/", 200, "below", "", ""},
		{"a wildcard does not cover the host itself", "GET", "shire.example", "/", 200, "site", "", ""},
		{"an end that is no label", "GET", "evilshire.example", "/", 200, "site", "", ""},
		{"nothing before the dot", "GET", ".shire.example", "/", 200, "site", "", ""},
		{"a host behind it", "GET", "api.shire.example.evil.example", "/", 200, "site", "", ""},
		{"an address", "GET", "192.0.2.7:80", "/", 200, "address", "", ""},
		{"an address of six", "GET", "[::1]:80", "/", 200, "address", "", ""},
		{"an address of six written out", "GET", "[0:0:0:0:0:0:0:1]", "/", 200, "address", "", ""},
		{"no host", "GET", "", "/", 200, "site", "", ""},
		{"a dot at the end is another host", "GET", "api.shire.example.", "/", 200, "site", "", ""},
		{"what is no host", "GET", "api.shire.example/x", "/", 200, "site", "", ""},

		{"404 does not go on to another host", "GET", "api.shire.example", "/only", 404, "", "host", ""},
		{"405 of the host", "GET", "api.shire.example", "/rings", 405, "", "host", "POST"},
		{"a guard of the host", "GET", "api.shire.example", "/admin/me", 401, "", "host", ""},
		{"a guard of the host covers its 404", "GET", "api.shire.example", "/admin/none", 401, "", "host", ""},
		{"a guard of another host does not", "GET", "shire.example", "/admin/me", 200, "site's me", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, body, trail, allow := at(t, a, tc.method, tc.host, tc.path)
			assert.Equal(t, tc.status, status)
			assert.Equal(t, tc.body, body)
			assert.Equal(t, tc.trail, trail)
			assert.Equal(t, tc.allow, allow)
		})
	}
	t.Run("what a client says by X-Forwarded-Host counts nothing", func(t *testing.T) {
		q := request(t, "GET", "/")
		q.Header.Set("X-Forwarded-Host", "api.shire.example")
		q.Host = "elsewhere.example"
		assert.Equal(t, "site", serve(a, q).Body.String())
	})
}

func TestHostsThatAreRefused(t *testing.T) {
	for name, host := range map[string]string{
		"nothing": "", "a port": "shire.example:80", "a scheme": "http://shire.example", "a path": "shire.example/",
		"a star alone": "*", "a star and a dot": "*.", "a star in a label": "*shire.example", "a star within": "api.*.example",
		"letters beyond ASCII": "mühle.example", "an empty label": "shire..example", "a dot at the end": "shire.example.",
		"a user": "frodo@shire.example", "a line end": "shire.example\r\n", "an address with a port": "[::1]:80", "a zone": "fe80::1%eth0",
	} {
		t.Run(name, func(t *testing.T) {
			panics(t, func() { router.Host(host, step("x")) }, "Host", "without a port")
		})
	}
	panics(t, func() { router.Host("shire.example") }, "Host needs a layer")
	panics(t, func() { router.Host("shire.example", nil) }, "Host", "layer 0 is nil")
}

package middleware_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

var careful = map[string]string{
	"Content-Security-Policy":      "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
	"Referrer-Policy":              "strict-origin-when-cross-origin",
	"X-Frame-Options":              "DENY",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
	"Strict-Transport-Security":    "max-age=63072000",
	"X-Content-Type-Options":       "nosniff",
}

func TestHeadersAreOnEveryAnswer(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := ask(get("/"), middleware.Headers(middleware.HeadersOptions{}), end.layer)
			assert.Equal(t, end.status, w.Code)
			for header, want := range careful {
				assert.Equal(t, []string{want}, w.Header()[header], header)
			}
		})
	}
	t.Run("an error's page has its own policy which allows less", func(t *testing.T) {
		w := ask(get("/", "Accept", "text/html"), middleware.Headers(middleware.HeadersOptions{}), fails(assert.AnError))
		assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
		assert.Len(t, w.Header()["Content-Security-Policy"], 1)
		assert.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
	})
	t.Run("a session that cannot be saved", func(t *testing.T) {
		s, store := shire(app.SessionOptions{})
		store.Fail("Insert")
		w := ask(get("/"), middleware.Headers(middleware.HeadersOptions{}), s.Layer, last(func(ctx *app.Context) error {
			x, err := ctx.Session()
			assert.NoError(t, err)
			return x.Set("ring", 1)
		}))
		assert.Equal(t, 503, w.Code)
		assert.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
	})
}

func TestHandlersOverrideHeaders(t *testing.T) {
	for name, layer := range map[string]app.Middleware{
		"ours": last(func(ctx *app.Context) error {
			ctx.Header().Set("X-Frame-Options", "SAMEORIGIN")
			ctx.Header().Del("Referrer-Policy")
			return ok(ctx)
		}),
		"a foreign one": last(app.Mount(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Frame-Options", "SAMEORIGIN")
			w.Header().Del("Referrer-Policy")
		}))),
	} {
		t.Run(name, func(t *testing.T) {
			headers := middleware.Headers(middleware.HeadersOptions{})
			w := ask(get("/"), headers, layer)
			assert.Equal(t, []string{"SAMEORIGIN"}, w.Header()["X-Frame-Options"])
			assert.NotContains(t, w.Header(), "Referrer-Policy")
		})
	}
	t.Run("and what one does to a value concerns no other request", func(t *testing.T) {
		headers := middleware.Headers(middleware.HeadersOptions{})
		w := ask(get("/"), headers, last(func(ctx *app.Context) error {
			ctx.Header()["X-Frame-Options"][0] = "ALLOWALL"
			ctx.Header().Add("X-Frame-Options", "x")
			return ok(ctx)
		}))
		assert.Equal(t, careful["Cross-Origin-Opener-Policy"], w.Header().Get("Cross-Origin-Opener-Policy"), "nor any other header")
		w = ask(get("/"), headers, last(ok))
		assert.Equal(t, []string{"DENY"}, w.Header()["X-Frame-Options"])
		assert.Equal(t, careful["Referrer-Policy"], w.Header().Get("Referrer-Policy"))
	})
}

func ok(ctx *app.Context) error {
	ctx.Body = "ok"
	return nil
}

// Browsers ignore the header over http, and a proxy that nobody trusts cannot claim TLS.
func TestHeadersOfTLS(t *testing.T) {
	proxies := app.NewProxies(app.ProxyOptions{Networks: []string{"10.0.0.0/8"}})
	for _, c := range []struct {
		name, peer, proto string
		tls, want         bool
	}{
		{"http", "192.0.2.7:1", "", false, false}, {"https", "192.0.2.7:1", "", true, true},
		{"a trusted proxy says https", "10.0.0.7:1", "https", false, true},
		{"a trusted proxy says http", "10.0.0.7:1", "http", true, false},
		{"a client says https", "192.0.2.7:1", "https", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			setIf(r.Header, "X-Forwarded-Proto", c.proto)
			a, w := quiet(middleware.Headers(middleware.HeadersOptions{}), last(ok)), httptest.NewRecorder()
			a.Proxies = proxies
			a.ServeHTTP(w, r)
			assert.Equal(t, c.want, w.Header().Get("Strict-Transport-Security") != "")
			assert.Equal(t, "DENY", w.Header().Get("X-Frame-Options"))
		})
	}
}

func TestHeadersOptions(t *testing.T) {
	w := ask(get("/"), middleware.Headers(middleware.HeadersOptions{
		ContentSecurityPolicy: "default-src 'none'", ReferrerPolicy: "no-referrer", FrameOptions: "-", CrossOriginOpenerPolicy: "-",
		CrossOriginResourcePolicy: "cross-origin", PermissionsPolicy: "-", StrictTransportSecurity: "max-age=60; includeSubDomains",
	}), last(ok))
	for header, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer", "X-Frame-Options": "", "Cross-Origin-Opener-Policy": "",
		"Cross-Origin-Resource-Policy": "cross-origin", "Permissions-Policy": "", "Strict-Transport-Security": "max-age=60; includeSubDomains",
	} {
		assert.Equal(t, want, w.Header().Get(header), header)
	}
	t.Run("all can be left out", func(t *testing.T) {
		w := ask(get("/"), middleware.Headers(middleware.HeadersOptions{"-", "-", "-", "-", "-", "-", "-"}), last(ok))
		for header := range careful {
			assert.Equal(t, header == "X-Content-Type-Options", w.Header().Get(header) != "", header)
		}
	})
	for name, o := range map[string]middleware.HeadersOptions{
		"a line break": {ContentSecurityPolicy: "default-src 'self'\r\nSet-Cookie: a=b"}, "a null byte": {ReferrerPolicy: "a\x00"},
		"more than ASCII": {PermissionsPolicy: "camera=(küche)"}, "a line break for TLS": {StrictTransportSecurity: "max-age=1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			panics(t, "printable ASCII only", func() { middleware.Headers(o) })
		})
	}
}

func ExampleHeaders() {
	a := app.New().Use(middleware.Headers(middleware.HeadersOptions{ContentSecurityPolicy: "default-src 'none'", PermissionsPolicy: "-"}), last(ok))
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Header().Get("Content-Security-Policy"), w.Header().Get("X-Frame-Options"), w.Header().Get("Permissions-Policy"))
	// Output: default-src 'none' DENY
}

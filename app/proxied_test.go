package app_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
)

// fetching answers with what another server says.
func fetching(t *testing.T, h http.HandlerFunc, before func(ctx *app.Context)) *respWire {
	other := httptest.NewServer(h)
	t.Cleanup(other.Close)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return newRespWire(t, last(func(ctx *app.Context) error {
		r, err := http.NewRequestWithContext(ctx.Context(), ctx.Request.Method, other.URL, nil)
		if err != nil {
			return err
		}
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		ctx.Body = res
		if before != nil {
			before(ctx)
		}
		return nil
	}))
}

func TestAnswerOfAnotherServer(t *testing.T) {
	t.Run("its status and headers and body", func(t *testing.T) {
		w := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "image/png")
			h.Set("Content-Language", "sjn")
			h.Set("ETag", `"a"`)
			h.Set("X-Rings", "3")
			h.Add("Link", "</a>")
			h.Add("Link", "</b>")
			h.Set("Vary", "Origin")
			w.WriteHeader(203)
			_, _ = io.WriteString(w, "hello")
		}, func(ctx *app.Context) { ctx.Vary("Accept") })
		got := w.ask("GET", "/")
		assert.Equal(t, 203, got.status)
		assert.Equal(t, "hello", got.body)
		assert.Equal(t, "5", got.respLength())
		assert.Equal(t, "image/png", got.header.Get("Content-Type"))
		assert.Equal(t, "sjn", got.header.Get("Content-Language"))
		assert.Equal(t, `"a"`, got.header.Get("ETag"))
		assert.Equal(t, "3", got.header.Get("X-Rings"))
		assert.Equal(t, []string{"</a>", "</b>"}, got.header["Link"])
		assert.Equal(t, []string{"Accept", "Origin"}, got.header["Vary"])
		assert.Len(t, got.header["Date"], 1)
		assert.Empty(t, w.reports())
	})
	t.Run("what is set here stays", func(t *testing.T) {
		w := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public")
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(404)
		}, func(ctx *app.Context) {
			ctx.Status = 502
			ctx.SetType("text/plain")
			ctx.Header().Set("Cache-Control", "no-store")
		})
		got := w.ask("GET", "/")
		assert.Equal(t, 502, got.status)
		assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
		assert.Equal(t, "text/plain; charset=utf-8", got.header.Get("Content-Type"))
	})
	t.Run("what speaks for a site or a connection is not passed on", func(t *testing.T) {
		names := []string{
			"Set-Cookie", "Set-Cookie2", "Keep-Alive", "X-Own", "Proxy-Authenticate", "Trailer", "Upgrade", "Www-Authenticate", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Strict-Transport-Security", "Clear-Site-Data",
			"Alt-Svc", "Server", "X-Accel-Redirect", "X-Sendfile", "Service-Worker-Allowed", "Refresh",
		}
		w := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
			for _, name := range names {
				w.Header().Set(name, "evil")
			}
			w.Header()["Connection"] = []string{"keep-alive, x-own"}
			_, _ = io.WriteString(w, "hello")
		}, nil)
		got := w.ask("GET", "/")
		assert.Equal(t, "hello", got.body)
		assert.NotContains(t, got.raw, "evil")
	})
	t.Run("a place to go is passed on if clients may be sent there", func(t *testing.T) {
		for to, want := range map[string]string{
			"https://example.org/": "https://example.org/", "/a": "/a", "javascript:alert(1)": "", "//example.org": "", `/\example.org`: "", "https://sam@example.org/": "",
		} {
			w := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(302)
			}, nil)
			got := w.ask("GET", "/")
			assert.Equal(t, 302, got.status)
			assert.Equal(t, want, got.header.Get("Location"), to)
		}
	})
	t.Run("HEAD has the length and reads nothing", func(t *testing.T) {
		w := fetching(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "12345") }, nil)
		got := w.ask("HEAD", "/")
		assert.Equal(t, "12345", got.respLength())
		assert.Empty(t, w.reports())
	})
	t.Run("what the client has opened has no coding and no length of before", func(t *testing.T) {
		w := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = io.WriteString(z, strings.Repeat("one ring ", 1000))
			_ = z.Close()
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(b.Bytes())
		}, nil)
		got := w.ask("GET", "/")
		assert.False(t, got.cut)
		assert.Equal(t, strings.Repeat("one ring ", 1000), got.body)
		assert.Empty(t, got.header["Content-Encoding"])
	})
	t.Run("one that is cut cuts ours", func(t *testing.T) {
		w := fetching(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, strings.Repeat("x", 50_000))
			panic(http.ErrAbortHandler)
		}, nil)
		assert.True(t, w.ask("GET", "/").cut)
		assert.Len(t, w.reports(), 1)
	})
}

// Made by hand: everything that a response need not have.
func TestAnswerOfAnotherServerIsClosed(t *testing.T) {
	for name, c := range map[string]struct {
		res    func(body io.ReadCloser) *http.Response
		h      func(ctx *app.Context) error
		method string
		status int
	}{
		"after it was sent":            {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 200, Body: b} }, nil, "GET", 200},
		"for HEAD":                     {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 200, Body: b} }, nil, "HEAD", 200},
		"if its status has no body":    {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 304, Body: b} }, nil, "GET", 304},
		"if its status is none":        {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 42, Body: b} }, nil, "GET", 500},
		"if an error is answered":      {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 200, Body: b} }, func(*app.Context) error { return errBoom }, "GET", 500},
		"if it is replaced":            {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 200, Body: b} }, func(ctx *app.Context) error { ctx.ReplaceBody("x"); return nil }, "GET", 200},
		"if the client goes elsewhere": {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 200, Body: b} }, func(ctx *app.Context) error { return ctx.Redirect("/") }, "GET", 303},
		"after headers of their own": {func(b io.ReadCloser) *http.Response { return &http.Response{StatusCode: 200, Body: b} }, func(ctx *app.Context) error {
			res := ctx.Body
			ctx.Body = nil
			err := ctx.Flush()
			ctx.Body = res
			return err
		}, "GET", 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stream{Reader: strings.NewReader("hello")}
			w := newRespWire(t, last(func(ctx *app.Context) error {
				ctx.Body = c.res(s)
				if c.h == nil {
					return nil
				}
				return c.h(ctx)
			}))
			got := w.ask(c.method, "/")
			assert.Equal(t, c.status, got.status)
			<-w.over
			assert.Equal(t, 1, s.closed)
		})
	}
	t.Run("one without a body is empty", func(t *testing.T) {
		w := newRespWire(t, last(func(ctx *app.Context) error { ctx.Body = &http.Response{StatusCode: 202}; return nil }))
		got := w.ask("GET", "/")
		assert.Equal(t, 202, got.status)
		assert.Empty(t, got.body)
		require.Empty(t, w.reports())
	})
}

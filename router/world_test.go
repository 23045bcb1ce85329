package router_test

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// reply answers with a text and the parameters of the path.
func reply(text string, params ...string) app.Handler {
	return func(ctx *app.Context) error {
		for _, p := range params {
			ctx.Header().Add("Param", ctx.Param(p))
		}
		ctx.Body = text
		return nil
	}
}

// step is a layer that leaves its name in the answer.
func step(name string) app.Middleware {
	return func(ctx *app.Context, next app.Handler) error {
		ctx.Header().Add("Trail", name)
		return next(ctx)
	}
}

// lock is a guard: it leaves its name and lets in who has the header Key.
func lock(name string) app.Middleware {
	return func(ctx *app.Context, next app.Handler) error {
		ctx.Header().Add("Trail", name)
		if ctx.Request.Header.Get("Key") == "" {
			return app.ErrLoginRequired
		}
		return next(ctx)
	}
}

func quiet(layers ...app.Middleware) *app.App {
	a := app.New()
	a.Logger = slog.New(slog.DiscardHandler)
	return a.Use(layers...)
}

// request reads a request as a server reads it, so that the target keeps its spelling.
func request(t testing.TB, method, target string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: shire.example\r\n\r\n")))
	require.NoError(t, err, "%s %s", method, target)
	return r
}

// do serves one request without a key.
func do(t testing.TB, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	return serve(h, request(t, method, target))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// withKey serves one request that every lock lets in.
func withKey(t testing.TB, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	r := request(t, method, target)
	r.Header.Set("Key", "speak friend")
	return serve(h, r)
}

func trail(w *httptest.ResponseRecorder) string { return strings.Join(w.Header()["Trail"], " ") }

// last is a layer at the end of the stack that tells that it was reached.
func last(ctx *app.Context, _ app.Handler) error {
	ctx.Header().Add("Trail", "last")
	ctx.Status, ctx.Body = http.StatusTeapot, "last"
	return nil
}

// panics requires that f panics with a sentence of this package that has all the words.
func panics(t *testing.T, f func(), words ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		text, ok := recover().(string)
		require.True(t, ok, "no panic with a sentence")
		assert.True(t, strings.HasPrefix(text, "router: "), text)
		for _, w := range words {
			assert.Contains(t, text, w)
		}
		assert.NotContains(t, strings.ReplaceAll(text, "_test.go:", ""), ".go:", "a line of the router tells nobody anything")
	}()
	f()
}

// build returns a router's Layer as a whole App.
func build(f func(r *router.Router)) *app.App {
	r := router.New()
	f(r)
	return quiet(r.Layer, last)
}

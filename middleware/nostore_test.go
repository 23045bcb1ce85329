package middleware_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

func TestNoStore(t *testing.T) {
	for name, layer := range map[string]app.Middleware{"an answer": answer("token"), "by hand": ends["written by hand"].layer, "a stream": ends["a stream"].layer} {
		assert.Equal(t, "no-store", ask(get("/"), middleware.NoStore, layer).Header().Get("Cache-Control"), name)
	}
	t.Run("a handler has the last word", func(t *testing.T) {
		w := ask(get("/"), middleware.NoStore, last(func(ctx *app.Context) error {
			ctx.Header().Set("Cache-Control", "public, max-age=60")
			return ok(ctx)
		}))
		assert.Equal(t, "public, max-age=60", w.Header().Get("Cache-Control"))
	})
	t.Run("errors have it too", func(t *testing.T) {
		w := ask(get("/"), middleware.NoStore, last(func(ctx *app.Context) error { return ctx.Throw(400, "Wrong code 1234") }))
		assert.Equal(t, 400, w.Code)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	})
	t.Run("answers that depend on who asks have it anyway", func(t *testing.T) {
		s, _ := shire(app.SessionOptions{})
		w := ask(get("/"), s.Layer, last(func(ctx *app.Context) error { ctx.Body = ctx.IsAuthenticated(); return nil }))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, "Cookie", w.Header().Get("Vary"))
	})
}

func ExampleNoStore() {
	a := app.New().Use(middleware.NoStore, answer("token"))
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("POST", "/token", nil))
	fmt.Println(w.Header().Get("Cache-Control"))
	// Output: no-store
}

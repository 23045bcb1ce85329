package middleware_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

// idBelow runs RequestID and returns what is below knows the request by.
func idBelow(t *testing.T, o middleware.RequestIDOptions, headers ...string) string {
	t.Helper()
	var id string
	w := ask(get("/", headers...), middleware.RequestID(o), last(func(ctx *app.Context) error {
		id = middleware.RequestIDOf(ctx.Context())
		return nil
	}))
	name := o.Header
	if name == "" {
		name = "X-Request-Id"
	}
	assert.Equal(t, id, w.Header().Get(name))
	return id
}

func TestRequestID(t *testing.T) {
	first, second := idBelow(t, middleware.RequestIDOptions{}), idBelow(t, middleware.RequestIDOptions{})
	assert.Regexp(t, "^[A-Z2-7]{26}$", first)
	assert.NotEqual(t, first, second)
	assert.NotEqual(t, "shire-7", idBelow(t, middleware.RequestIDOptions{}, "X-Request-Id", "shire-7"), "a client does not choose")
	assert.NotEmpty(t, idBelow(t, middleware.RequestIDOptions{Header: "Trace-Id"}))
	assert.Empty(t, middleware.RequestIDOf(context.Background()))

	trusting := middleware.RequestIDOptions{Trust: func(ctx *app.Context) bool { return ctx.Request.Header.Get("X-Proxy") == "ours" }}
	for _, c := range []struct {
		name, id string
		taken    bool
	}{
		{"a uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", true}, {"all that may be in it", "aZ09-_.:=", true},
		{"128 letters", strings.Repeat("a", 128), true}, {"129 letters", strings.Repeat("a", 129), false}, {"empty", "", false},
		{"a space", "a b", false}, {"a line break", "a\nb", false}, {"a quote", `a"b`, false}, {"a null byte", "a\x00", false},
		{"more than ASCII", "kahu\u2028", false}, {"markup", "<script>", false}, {"a comma", "a,b", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := idBelow(t, trusting, "X-Request-Id", c.id, "X-Proxy", "ours")
			assert.Equal(t, c.taken, got == c.id)
			assert.NotEmpty(t, got)
			assert.NotEqual(t, "shire-7", idBelow(t, trusting, "X-Request-Id", "shire-7"), "from another")
		})
	}
}

func TestRequestIDIsOnEveryAnswer(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := ask(get("/"), middleware.RequestID(middleware.RequestIDOptions{}), end.layer)
			assert.Equal(t, end.status, w.Code)
			assert.Len(t, w.Header()["X-Request-Id"], 1)
		})
	}
}

func TestRequestIDRefuses(t *testing.T) {
	for _, name := range []string{"X Id", "X-Id:", "X-Id\r\n", "ünique"} {
		panics(t, "is no name of a header", func() { middleware.RequestID(middleware.RequestIDOptions{Header: name}) })
	}
}

func ExampleRequestID() {
	behind := middleware.RequestID(middleware.RequestIDOptions{
		Trust: func(ctx *app.Context) bool { return strings.HasPrefix(ctx.Request.RemoteAddr, "10.0.0.7:") }, // our load balancer
	})
	a := app.New().Use(behind, last(func(ctx *app.Context) error {
		ctx.Body = middleware.RequestIDOf(ctx.Context())
		return nil
	}))
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.0.0.7:4711"
	r.Header.Set("X-Request-Id", "shire-7")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	fmt.Println(w.Body)
	// Output: shire-7
}

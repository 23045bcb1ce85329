package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/middleware"
)

// waits gives up when its context does, as a store would.
func waits(ctx *app.Context) error {
	<-ctx.Context().Done()
	return fmt.Errorf("query: %w", ctx.Context().Err())
}

// In a bubble the clock jumps when all wait, and a goroutine that is left fails the test.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func TestTimeout(t *testing.T) {
	bubble(t, "a handler that waits is answered 503 in time", func(t *testing.T) {
		began := time.Now()
		assert.Equal(t, 503, ask(get("/"), middleware.Timeout(5*time.Second), last(waits)).Code)
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
	bubble(t, "below Wrap too", func(t *testing.T) {
		assert.Equal(t, 503, ask(get("/"), middleware.Timeout(5*time.Second), middleware.Compress(middleware.CompressOptions{}), last(waits)).Code)
	})
	bubble(t, "a handler sees when it has to be done", func(t *testing.T) {
		ask(get("/"), middleware.Timeout(5*time.Second), last(func(ctx *app.Context) error {
			deadline, has := ctx.Context().Deadline()
			assert.True(t, has)
			assert.Equal(t, time.Now().Add(5*time.Second), deadline)
			assert.NoError(t, ctx.Context().Err())
			return nil
		}))
	})
	bubble(t, "one that does not look is waited for and answered", func(t *testing.T) {
		w := ask(get("/"), middleware.Timeout(time.Second), last(func(ctx *app.Context) error {
			time.Sleep(time.Minute)
			assert.ErrorIs(t, ctx.Context().Err(), context.DeadlineExceeded)
			return ok(ctx)
		}))
		assert.Equal(t, 200, w.Code)
	})
	bubble(t, "a stream is written under the same limit", func(t *testing.T) {
		a := quiet(middleware.Timeout(time.Second), last(func(ctx *app.Context) error {
			ctx.Body = endless{ctx.Context()}
			return nil
		}))
		w := httptest.NewRecorder()
		assert.Panics(t, func() { a.ServeHTTP(w, get("/")) }, "the connection is cut")
		assert.NotEmpty(t, w.Body.String())
	})
	bubble(t, "a client that goes is told from one whose time is up", func(t *testing.T) {
		client, leave := context.WithCancel(t.Context())
		var seen error
		ask(get("/").WithContext(client), middleware.Timeout(time.Minute), last(func(ctx *app.Context) error {
			leave()
			seen = waits(ctx)
			return seen
		}))
		assert.ErrorIs(t, seen, context.Canceled)
	})
	bubble(t, "a panic ends the context as well", func(t *testing.T) {
		var c context.Context
		ask(get("/"), middleware.Timeout(time.Minute), last(func(ctx *app.Context) error { c = ctx.Context(); panic("Balrog") }))
		assert.ErrorIs(t, c.Err(), context.Canceled)
	})
}

// endless gives a byte each 100 ms until its context is over.
type endless struct{ ctx context.Context }

func (e endless) Read(b []byte) (int, error) {
	select {
	case <-e.ctx.Done():
		return 0, e.ctx.Err()
	case <-time.After(100 * time.Millisecond):
		b[0] = 'x'
		return 1, nil
	}
}

var _ io.Reader = endless{}

type key struct{}

func TestTimeoutOfARouteReplacesThatAbove(t *testing.T) {
	named := func(ctx *app.Context, next app.Handler) error {
		ctx.SetContext(context.WithValue(ctx.Context(), key{}, "frodo"))
		return next(ctx)
	}
	left := func(ctx *app.Context) time.Duration {
		deadline, has := ctx.Context().Deadline()
		if !has {
			return 0
		}
		return time.Until(deadline)
	}
	for _, c := range []struct {
		name   string
		layers []app.Middleware
		want   time.Duration
	}{
		{"a longer one", []app.Middleware{middleware.Timeout(time.Second), named, middleware.Timeout(time.Minute)}, time.Minute},
		{"a shorter one", []app.Middleware{middleware.Timeout(time.Minute), named, middleware.Timeout(time.Second)}, time.Second},
		{"three", []app.Middleware{middleware.Timeout(time.Second), named, middleware.Timeout(time.Minute), middleware.Timeout(time.Hour)}, time.Hour},
		{"none", []app.Middleware{middleware.Timeout(time.Second), named, middleware.NoTimeout}, 0},
		{"none and then one", []app.Middleware{middleware.Timeout(time.Second), named, middleware.NoTimeout, middleware.Timeout(time.Minute)}, time.Minute},
		{"none where there is none", []app.Middleware{named, middleware.NoTimeout}, 0},
	} {
		bubble(t, c.name, func(t *testing.T) {
			ask(get("/"), append(c.layers, last(func(ctx *app.Context) error {
				assert.Equal(t, c.want, left(ctx))
				assert.Equal(t, "frodo", ctx.Context().Value(key{}), "values stay")
				return nil
			}))...)
		})
	}
	bubble(t, "an answer that goes on outlives the limit and ends with the client", func(t *testing.T) {
		client, leave := context.WithCancel(t.Context())
		ask(get("/").WithContext(client), middleware.Timeout(time.Second), middleware.NoTimeout, last(func(ctx *app.Context) error {
			time.Sleep(time.Hour)
			assert.NoError(t, ctx.Context().Err())
			derived, cancel := context.WithCancel(ctx.Context())
			defer cancel()
			leave()
			<-derived.Done()
			assert.True(t, errors.Is(ctx.Context().Err(), context.Canceled))
			return nil
		}))
	})
}

func TestTimeoutRefuses(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second} {
		panics(t, "needs a positive duration", func() { middleware.Timeout(d) })
	}
}

func ExampleTimeout() {
	a := app.New().Use(middleware.Timeout(time.Millisecond), last(func(ctx *app.Context) error {
		<-ctx.Context().Done() // a database would
		return ctx.Context().Err()
	}))
	a.OnError = func(*app.Context, error) {}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Code)
	// Output: 503
}

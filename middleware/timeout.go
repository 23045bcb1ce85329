package middleware

import (
	"context"
	"time"

	"github.com/kahu-go/kahu/app"
)

// Timeout returns a layer that ends the request's context after d, so that stores, databases and
// clients below give up; a handler that returns their error is answered 503. A handler that does not
// look at its context is waited for: nobody can answer for it while it runs. The body of an answer
// is streamed under the same limit. A client that is slow to send or to read is the server's
// concern, see [app.App.Server].
//
// Of two Timeouts the inner one decides, so a route that takes long has its own below that of the
// application; one without an end has [NoTimeout]. Timeout panics if d is not positive.
func Timeout(d time.Duration) app.Middleware {
	if d <= 0 {
		panic("middleware: Timeout needs a positive duration")
	}
	return func(ctx *app.Context, next app.Handler) error {
		above := untimed(ctx.Context())
		limited, cancel := context.WithTimeout(above, d)
		ctx.OnFinish(cancel)
		ctx.SetContext(&timed{limited, above})
		return next(ctx)
	}
}

// NoTimeout is a layer that lifts the Timeout above, for answers that go on: server-sent events,
// WebSockets, downloads. The context still ends with the request.
func NoTimeout(ctx *app.Context, next app.Handler) error {
	ctx.SetContext(untimed(ctx.Context()))
	return next(ctx)
}

// A timed context knows the one that is not.
type timed struct {
	context.Context
	above context.Context
}

type timedKey struct{}

func (t *timed) Value(key any) any {
	if key == (timedKey{}) {
		return t
	}
	return t.Context.Value(key)
}

// untimed returns ctx as it would be without a Timeout above.
func untimed(ctx context.Context) context.Context {
	t, ok := ctx.Value(timedKey{}).(*timed)
	if !ok {
		return ctx
	}
	return &lifted{t.above, ctx}
}

// A lifted context ends with one and has the values of another.
type lifted struct {
	context.Context
	values context.Context
}

func (l *lifted) Value(key any) any { return l.values.Value(key) }

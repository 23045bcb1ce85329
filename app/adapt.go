package app

import (
	"net/http"
	"reflect"
)

// Mount returns a Handler that answers with h, which finds the Context with
// [FromContext]. A handler that writes nothing has answered 200, as in net/http.
func Mount(h http.Handler) Handler {
	return func(ctx *Context) error {
		ctx.carry()
		h.ServeHTTP(ctx.w, ctx.Request)
		if !ctx.sent {
			ctx.w.WriteHeader(http.StatusOK)
		}
		return nil
	}
}

// Adapt returns a net/http middleware that runs our layers around any http.Handler:
// in a ServeMux, in chi, in gin. Below one that runs already, layers share its
// Context, as long as it is the same request: one that a handler makes and serves
// inside the process has a Context of its own and inherits no user.
//
// Without an App above, errors are logged to slog.Default and there are no Keys; use
// [App.Adapt] for an App's own.
func Adapt(layers ...Middleware) func(http.Handler) http.Handler {
	return adapt(nil, layers)
}

// Adapt is [Adapt] with this App's logger, keys and error hook.
func (a *App) Adapt(layers ...Middleware) func(http.Handler) http.Handler {
	return adapt(a, layers)
}

func adapt(a *App, layers []Middleware) func(http.Handler) http.Handler {
	m := Compose(layers...)
	return func(h http.Handler) http.Handler {
		run := m.Then(Mount(h))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := FromContext(r.Context())
			if ctx != nil && ctx.serves(w, r) {
				_ = ctx.below(w, r, run) // it is answered, and reported
				return
			}
			ctx = newContext(a, w, r)
			ctx.answer(ctx.protect(run))
		})
	}
}

// serves reports whether w and r are this Context's request, and not one that was
// made inside the process with its context.Context.
func (c *Context) serves(w http.ResponseWriter, r *http.Request) bool {
	if r.Header != nil && reflect.ValueOf(r.Header).Pointer() == reflect.ValueOf(c.Request.Header).Pointer() {
		return true
	}
	for {
		switch x := w.(type) {
		case *responder:
			return x.ctx == c
		case interface{ Unwrap() http.ResponseWriter }:
			w = x.Unwrap()
		default:
			return false
		}
	}
}

// protect runs h and makes an error of a panic.
func (c *Context) protect(h Handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
		}
	}()
	return h(c)
}

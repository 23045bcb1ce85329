package app

import (
	"net/http"
	"reflect"
)

// Mount returns a Handler that answers with h, which finds the Context with
// [FromContext]. A handler that writes nothing has answered 200, as in net/http.
func Mount(h http.Handler) Handler {
	return func(ctx *Context) error {
		if ctx.self != ctx {
			return ErrCopied
		}
		return ctx.handOver(newCall(ctx, nil, nil), h)
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

// Adapt is [Adapt] with this App's logger, keys and hooks.
func (a *App) Adapt(layers ...Middleware) func(http.Handler) http.Handler {
	return adapt(a, layers)
}

func adapt(a *App, layers []Middleware) func(http.Handler) http.Handler {
	m := Compose(layers...)
	return func(h http.Handler) http.Handler {
		run := m.Then(Mount(h))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			k := callOf(r.Context())
			if k != nil && k.ctx.serves(w, r) && k.enter(false) {
				defer k.leave()
				_ = k.ctx.below(w, r, run) // it is answered, and reported
				return
			}
			newContext(a, w, r).serve(r, run)
		})
	}
}

// serves reports whether w and r are this Context's request, and not one that was
// made inside the process with its context.Context.
func (c *Context) serves(w http.ResponseWriter, r *http.Request) bool {
	if r.Header != nil && reflect.ValueOf(r.Header).Pointer() == reflect.ValueOf(c.header).Pointer() {
		return true
	}
	for {
		switch x := w.(type) {
		case *responder:
			return x.ctx == c
		case *writer:
			return (*Context)(x) == c
		case interface{ Unwrap() http.ResponseWriter }:
			w = x.Unwrap()
		default:
			return false
		}
	}
}

// serve runs h for the whole request and sends the answer. What is above knows r, and layers may have
// replaced it. The files of a form that somebody below parsed by net/http are removed here: the server
// looks for them in its own request only, and not after a panic.
func (c *Context) serve(r *http.Request, h Handler) {
	parsed := r.MultipartForm != nil // by somebody above, who removes them
	defer func() {
		handUp(r, c.Request)
		if !parsed && r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll()
		}
	}()
	defer c.finish()
	defer c.dropBody()
	defer c.endEvents() // though a panic cuts the connection
	c.answer(c.protect(h))
}

// handUp tells those who know one request what was done with a copy of it: which route it was, and
// the form that was read.
func handUp(r, replaced *http.Request) {
	r.Pattern = replaced.Pattern
	if r.MultipartForm == nil {
		r.MultipartForm = replaced.MultipartForm
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

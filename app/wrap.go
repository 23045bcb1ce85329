package app

import (
	"context"
	"net/http"
	"sync"
)

// Wrap makes a layer of a net/http middleware. What is below runs with the request
// and the writer that the middleware passes on, and its answer, errors too, is written
// when it returns, so that the middleware sees it. Layers above get the error, and see
// the answer as sent.
//
// The layer returns only after what is below has, even if the middleware answers
// before (http.TimeoutHandler). A middleware that calls its handler late or twice gets
// nothing from it; the request is [ErrNext].
func Wrap(middleware func(http.Handler) http.Handler) Middleware {
	h := middleware(http.HandlerFunc(serveBelow))
	return func(ctx *Context, next Handler) error {
		if ctx.self != ctx {
			return ErrCopied
		}
		call := &wrapCall{ctx: ctx, next: next}
		r, outer, above := ctx.Request, ctx.w, ctx.w.call
		outer.call = call
		defer func() { ctx.Request, ctx.w, outer.call = r, outer, above }()
		h.ServeHTTP(outer, r.WithContext(context.WithValue(r.Context(), carryKey{}, call)))
		return call.finish(outer, above)
	}
}

// A wrapCall is one run of a Wrap. The request's context carries it to what is below.
type wrapCall struct {
	ctx   *Context
	next  Handler
	mu    sync.Mutex // held while what is below runs, perhaps in another goroutine
	over  bool
	err   error
	early int // the status that the middleware sent meanwhile
}

// serveBelow is the handler that the wrapped middleware calls.
func serveBelow(w http.ResponseWriter, r *http.Request) {
	call, ok := r.Context().Value(carryKey{}).(*wrapCall)
	if !ok {
		panic("app: Wrap: the middleware dropped the request's context")
	}
	call.mu.Lock()
	defer call.mu.Unlock()
	if call.over {
		call.err = ErrNext
		return
	}
	call.over = true
	call.err = call.ctx.below(w, r, call.next)
}

// finish waits for what is below, then takes what the middleware left as the answer.
func (call *wrapCall) finish(outer *responder, above *wrapCall) error {
	call.mu.Lock()
	defer call.mu.Unlock()
	call.over = true
	outer.call = above
	outer.WriteHeader(http.StatusOK)
	call.ctx.sent = true
	if call.early != 0 {
		call.ctx.Status = call.early
	}
	return call.err
}

// overtakes reports whether the middleware sends headers while what is below still
// runs, in another goroutine: they are its own, and the Context is not to be touched.
func (call *wrapCall) overtakes(status int) bool {
	if call.mu.TryLock() {
		call.mu.Unlock()
		return false
	}
	call.early = status
	return true
}

// below runs next with another request and writer, then writes the answer to it.
func (c *Context) below(w http.ResponseWriter, r *http.Request, next Handler) error {
	outer, above := c.w, c.Request
	c.Request = r
	c.w = &responder{ctx: c, w: w, outer: outer, encoding: w.Header()["Content-Encoding"]}
	defer func() {
		above.Pattern = c.Request.Pattern // which route it was concerns those above, too
		c.w, c.Request = outer, above
	}()
	err := next(c)
	if err == nil {
		err = c.misuse
	}
	c.answer(err)
	return err
}

package app

import "net/http"

// Wrap makes a layer of a net/http middleware. What is below runs with the request
// and the writer that the middleware passes on, and its answer, errors too, is written
// when it returns, so that the middleware sees it. Layers above get the error, and see
// the answer as sent.
//
// The layer returns only after what is below has, even if the middleware answers
// before (http.TimeoutHandler): nothing below is then saved or sent. A middleware that
// calls its handler late or twice gets nothing from it; the request is [ErrNext].
func Wrap(middleware func(http.Handler) http.Handler) Middleware {
	w := new(wrapped)
	w.handler = middleware(http.HandlerFunc(w.serveBelow))
	return w.layer
}

// wrapped is a net/http middleware as a layer.
type wrapped struct{ handler http.Handler }

func (w *wrapped) layer(ctx *Context, next Handler) error {
	if ctx.self != ctx {
		return ErrCopied
	}
	return ctx.handOver(newCall(ctx, w, next), w.handler)
}

// serveBelow is the handler that the wrapped middleware calls.
func (w *wrapped) serveBelow(rw http.ResponseWriter, r *http.Request) {
	k := callOf(r.Context())
	for k != nil && k.by != w {
		k = k.above // another Wrap's, which the middleware has inside
	}
	if k == nil {
		panic("app: Wrap: the middleware dropped the request's context")
	}
	if !k.enter(true) {
		return
	}
	defer k.leave()
	k.err = k.ctx.below(rw, r, k.next)
}

package router

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/kahu-go/kahu/app"
)

// A fallback answers below a prefix what no route answers.
type fallback struct {
	stack
	prefix  pattern // as it was written
	key     pattern // as it is compared
	handler app.Handler
	run     app.Handler // the handler within the layers below the guards
}

// NotFound lets h answer the paths at or below the Router's prefix that match no route,
// which otherwise go on to the next layer. Status is 404 when h runs; h may change it.
//
// It runs behind the guards of the group that the path is in, and within the layers of
// the Router that are below its guards. It panics for a Router with a guard that no
// group is behind, and the second time for the same prefix. Of several that cover a
// path the one with the deepest prefix answers.
func (r *Router) NotFound(h app.Handler) {
	f := r.fallback("NotFound", h)
	r.table.addFallback("NotFound", &r.table.notFound, f)
}

// MethodNotAllowed lets h answer a method that a path at or below the Router's prefix
// does not have. Status is 405 when h runs, or 501 for a method that nobody knows, and
// Allow is set; OPTIONS is answered without it. For the rest it is as [Router.NotFound],
// behind the guards of the path's first route if all its routes have some.
func (r *Router) MethodNotAllowed(h app.Handler) {
	f := r.fallback("MethodNotAllowed", h)
	r.table.addFallback("MethodNotAllowed", &r.table.notAllowed, f)
}

func (r *Router) fallback(method string, h app.Handler) *fallback {
	if h == nil {
		panic(fmt.Sprintf("router: %s: the handler is nil", method))
	}
	if r.guards > r.covered {
		panic(fmt.Sprintf("router: %s: its guard stands before no group: call it in Guard(…).Group(%q, …)", method, r.prefix.text+"/"))
	}
	return &fallback{stack: r.stack, prefix: r.prefix, handler: h}
}

func (t *table) addFallback(method string, to *[]*fallback, f *fallback) {
	t.building()
	f.key = t.key(f.prefix)
	if slices.ContainsFunc(*to, func(other *fallback) bool { return other.key.shape() == f.key.shape() }) {
		panic(fmt.Sprintf("router: %s twice for the prefix %q", method, f.prefix.text))
	}
	below := stack{layers: f.layers[f.guards:]}
	f.run = below.around(f.handler)
	*to = append(*to, f)
}

// below returns a copy of f for another table.
func (f *fallback) below(r *Router) *fallback {
	return &fallback{stack: r.plus(f.stack), prefix: r.group(f.prefix.text), handler: f.handler}
}

// answering returns the deepest of the fallbacks, which are sorted, for a path, or nil.
func (t *table) answering(fallbacks []*fallback, r *http.Request) app.Handler {
	if len(fallbacks) == 0 {
		return nil
	}
	path := t.keys(segments(r.URL))
	i := slices.IndexFunc(fallbacks, func(f *fallback) bool { return f.key.covers(path) })
	if i < 0 {
		return nil
	}
	return fallbacks[i].run
}

// unknown answers a path without a route, or nil for the next layer.
func (t *table) unknown(r *http.Request) app.Handler {
	h := t.answering(t.notFound, r)
	if h == nil {
		return nil
	}
	return func(ctx *app.Context) error {
		ctx.Status = http.StatusNotFound
		return h(ctx)
	}
}

// refuse answers a method that a known path does not have. Allow goes with the error, so
// that no layer above can lose it (RFC 9110 section 15.5.6).
func (t *table) refuse(r *http.Request, allow string) app.Handler {
	h, known := t.answering(t.notAllowed, r), t.knows(r.Method)
	return func(ctx *app.Context) error {
		switch {
		case ctx.Request.Method == http.MethodOptions:
			ctx.Header().Set("Allow", allow)
			ctx.Status, ctx.Body = http.StatusNoContent, nil
			return nil
		case known && h == nil:
			return &app.Error{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {allow}}}
		}
		ctx.Header().Set("Allow", allow)
		ctx.Status = http.StatusMethodNotAllowed
		if !known {
			// No error, which would be reported: anybody can make up a method.
			ctx.Status, ctx.Body = http.StatusNotImplemented, nil
		}
		if h == nil {
			return nil
		}
		return h(ctx)
	}
}

// knows reports whether a method is one of RFC 9110 or PATCH, or some route has it.
func (t *table) knows(method string) bool {
	return method == http.MethodHead || refused(method) || method != every && slices.Contains(t.methods, method)
}

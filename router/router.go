package router

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/kahu-go/kahu/app"
)

// A Router adds routes to a table. [Router.Guard], [Router.With], [Router.Group] and
// the like return or pass on another Router over the same table, whose routes have
// more layers or a longer path; the one they were called on stays as it was.
//
// Wrong calls panic with a sentence, and so does every call that builds after the
// first request. Build in one goroutine; then a Router is safe for concurrent use.
type Router struct {
	stack
	table   *table
	prefix  pattern
	covered int // guards that a group is behind
}

// New returns a Router without routes.
func New() *Router { return NewWith(Options{}) }

// NewStrict returns a Router that refuses routes of which nobody said who may call
// them: adding one that is not below Guard, Optional or Open panics.
func NewStrict() *Router { return NewWith(Options{Strict: true}) }

// Layer leads requests to the routes of the whole table, no matter which of its
// Routers it is taken from. What matches no route goes on to next.
func (r *Router) Layer(ctx *app.Context, next app.Handler) error { return r.table.serve(ctx, next) }

// Get adds a route for GET, which answers HEAD too.
func (r *Router) Get(path string, h app.Handler) *Route { return r.Handle(http.MethodGet, path, h) }

// Post adds a route for POST.
func (r *Router) Post(path string, h app.Handler) *Route { return r.Handle(http.MethodPost, path, h) }

// Put adds a route for PUT.
func (r *Router) Put(path string, h app.Handler) *Route { return r.Handle(http.MethodPut, path, h) }

// Patch adds a route for PATCH.
func (r *Router) Patch(path string, h app.Handler) *Route { return r.Handle(http.MethodPatch, path, h) }

// Delete adds a route for DELETE.
func (r *Router) Delete(path string, h app.Handler) *Route {
	return r.Handle(http.MethodDelete, path, h)
}

// All adds a route for every method, OPTIONS and those that nobody knows included; TRACE
// and CONNECT are still refused. A route for one method goes before it on the same path.
func (r *Router) All(path string, h app.Handler) *Route {
	if h == nil {
		panic(fmt.Sprintf("router: All %s: the handler is nil", path))
	}
	return r.add(&Route{pattern: r.route(path), handler: h})
}

// Handle adds a route for a method, in upper case: HEAD and OPTIONS to answer these
// otherwise than the router does, or one like PROPFIND. It panics for TRACE and
// CONNECT, which are never served, for a path that is none, and for a route that
// conflicts with another one. In a Group the path may be "", the prefix itself.
func (r *Router) Handle(method, path string, h app.Handler) *Route {
	if h == nil {
		panic(fmt.Sprintf("router: %s %s: the handler is nil", method, path))
	}
	checkMethod(method)
	return r.add(&Route{method: method, pattern: r.route(path), handler: h})
}

func (r *Router) add(rt *Route) *Route {
	rt.stack, rt.caller = r.stack, caller()
	return r.table.add(rt)
}

// Guard returns a Router whose routes run these layers first and let in only whom
// they let in: app.RequireLogin, app.Authenticate(…). They stand before what its groups
// do not match, too; layers that a guard builds on are added before it, by
// [Router.With]. It panics without layers.
func (r *Router) Guard(layers ...app.Middleware) *Router {
	checkLayers("Guard", layers)
	return r.with(stack{layers: layers, guards: len(layers), mark: Guarded})
}

// Optional returns a Router whose routes serve everybody and know who is there: these
// layers say so, such as app.Identify(…), or, without layers, a session that is above.
// Below Guard it adds layers, and the routes stay guarded.
func (r *Router) Optional(layers ...app.Middleware) *Router {
	checkNoneNil("Optional", layers)
	return r.with(stack{layers: layers, mark: Optional})
}

// Open returns a Router whose routes serve everybody, on purpose. It panics below
// Guard and Optional, whose layers it does not remove.
func (r *Router) Open() *Router {
	if r.mark > Open {
		panic(fmt.Sprintf("router: Open below a router that is %s: add the route beside it", r.mark))
	}
	return r.with(stack{mark: Open})
}

// With returns a Router whose routes run layers that say nothing about who may call
// them. It panics without layers.
func (r *Router) With(layers ...app.Middleware) *Router {
	checkLayers("With", layers)
	return r.with(stack{layers: layers})
}

func (r *Router) with(more stack) *Router {
	return &Router{table: r.table, prefix: r.prefix, stack: r.plus(more), covered: r.covered}
}

// Group calls f with a Router for the paths at and below prefix, which may contain
// parameters. The guards that stand before the group cover the whole prefix; those
// that f adds belong to their routes only. The prefix "/" is the whole site.
func (r *Router) Group(prefix string, f func(r *Router)) {
	if f == nil {
		panic(fmt.Sprintf("router: Group %s: the function is nil", prefix))
	}
	n := &Router{table: r.table, prefix: r.group(prefix), stack: r.stack, covered: r.guards}
	r.table.cover(n.prefix, n.stack)
	f(n)
}

// Each is Group for several prefixes: what f adds is there below each of them, and with
// the path "" at each. A route has one name, so f gives none. It panics without prefixes.
func (r *Router) Each(prefixes []string, f func(r *Router)) {
	if len(prefixes) == 0 {
		panic("router: Each needs a prefix")
	}
	for _, prefix := range prefixes {
		r.Group(prefix, f)
	}
}

// Mount leads every request at or below prefix to a net/http handler, whatever its
// method, unless a more specific route matches. A prefix that ends in "/" is for what
// is below it only. The handler sees the whole path: http.StripPrefix shortens it. It
// finds the Context with app.FromContext.
//
// A path whose encoding hides another place from the router (/files/..%2fadmin) does
// not reach the handler, which may decode before it looks.
func (r *Router) Mount(prefix string, h http.Handler) *Route {
	if h == nil {
		panic(fmt.Sprintf("router: Mount %s: the handler is nil", prefix))
	}
	p := r.route(prefix)
	if p.rest() {
		panic(fmt.Sprintf("router: Mount %s: a prefix has no {name...}", prefix))
	}
	if r.guards > 0 {
		r.table.cover(p, r.stack)
	}
	return r.add(&Route{pattern: p, handler: app.Mount(h), mount: true})
}

// Include adds the routes and groups of another table below prefix, with the layers of
// r before theirs, as if they had been added here, names included. r's guards cover
// the prefix. The same child may be included several times, if its routes have no names;
// to build on it afterwards panics.
func (r *Router) Include(prefix string, child *Router) {
	if child == nil || child.table == r.table {
		panic(fmt.Sprintf("router: Include %s: needs another router, made with New", prefix))
	}
	child.table.seal()
	r.Group(prefix, func(r *Router) {
		for _, g := range child.table.groups {
			r.table.cover(r.group(g.prefix.text), r.plus(g.stack))
		}
		for _, rt := range child.table.routes {
			r.table.add(rt.below(r))
		}
		r.include(child.table)
	})
}

// include adds what else a child has.
func (r *Router) include(child *table) {
	for _, f := range child.notFound {
		r.table.addFallback("NotFound", &r.table.notFound, f.below(r))
	}
	for _, f := range child.notAllowed {
		r.table.addFallback("MethodNotAllowed", &r.table.notAllowed, f.below(r))
	}
}

// route returns the pattern of a route's path below r.
func (r *Router) route(path string) pattern {
	p, err := r.parse(path)
	if err == nil && p.text == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		panic(fmt.Sprintf("router: the path %q: %v", r.prefix.text+path, err))
	}
	return p
}

// group returns the pattern of a group's prefix below r, without a slash at its end.
func (r *Router) group(prefix string) pattern {
	p, err := r.parse(prefix)
	if err == nil && p.rest() {
		err = errors.New("a prefix has no {name...}")
	}
	if err != nil {
		panic(fmt.Sprintf("router: the prefix %q: %v", r.prefix.text+prefix, err))
	}
	return p.withoutSlash()
}

// parse reads a path below r's prefix, of which it is no part: "me" below /admin would be
// /adminme, which no group covers.
func (r *Router) parse(path string) (pattern, error) {
	if path != "" && path[0] != '/' {
		return pattern{}, fmt.Errorf("%q does not begin with /", path)
	}
	return parse(r.prefix.text + path)
}

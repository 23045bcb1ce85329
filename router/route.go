package router

import (
	"fmt"
	"iter"
	"net/http"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// A Route is one method and path with its handler.
type Route struct {
	stack
	method  string // "": every one
	pattern pattern
	handler app.Handler
	mount   bool
	to      *destination // of a redirect
	name    string
	caller  string // the line of the program that added it

	table  *table
	order  int
	key    pattern        // the pattern as it is compared
	label  string         // what Request.Pattern is set to
	run    app.Handler    // the handler within its layers
	guard  app.Middleware // what stands before 405 and the like; nil: nothing
	strays []*group       // guarded groups that a wildcard of the path reaches into
}

// Name gives the route a name for [Router.URL]. It panics if the name is empty or
// taken, or if the route has one.
func (rt *Route) Name(name string) *Route {
	rt.table.building()
	if name == "" || rt.name != "" {
		panic(fmt.Sprintf("router: %s: a route has one name, which is not empty", rt))
	}
	if other := rt.table.names[name]; other != nil {
		panic(fmt.Sprintf("router: %s and %s are both named %q", other.where(), rt.where(), name))
	}
	rt.name = name
	rt.table.names[name] = rt
	return rt
}

// String returns method and path.
func (rt *Route) String() string { return rt.info().Method + " " + rt.pattern.text }

// below returns a copy of the route for another table.
func (rt *Route) below(r *Router) *Route {
	return &Route{
		stack:   r.plus(rt.stack),
		method:  rt.method,
		pattern: r.route(rt.pattern.text),
		handler: rt.handler,
		mount:   rt.mount,
		to:      rt.to,
		name:    rt.name,
		caller:  rt.caller,
	}
}

// A RouteInfo tells about a route.
type RouteInfo struct {
	Method string // "*": every method, as for a mounted handler
	Path   string // with {name} for parameters
	Name   string // "": none
	Mark   Mark
	Guards []string // what they and the layers above them are called in the source, such as app.RequireLogin, the outermost first
}

func (rt *Route) info() RouteInfo {
	method := rt.method
	if method == "" {
		method = "*"
	}
	return RouteInfo{Method: method, Path: rt.pattern.text, Name: rt.name, Mark: rt.mark, Guards: rt.guardNames()}
}

// Routes returns all routes of the table, in the order in which they were added.
func (r *Router) Routes() iter.Seq[RouteInfo] {
	return func(yield func(RouteInfo) bool) {
		for _, rt := range r.table.routes {
			if !yield(rt.info()) {
				return
			}
		}
	}
}

// URL returns the path of a named route, with its parameters in their order, escaped:
// a slash in {id} becomes %2F, in {path...} it stays. It is an error if no route has
// the name, if there are too few parameters or too many, and if one is such that the
// path would not lead to the route: an empty one, "." and "..", "/" alone.
func (r *Router) URL(name string, params ...string) (string, error) {
	rt := r.table.names[name]
	if rt == nil {
		return "", fmt.Errorf("router: no route is named %q", name)
	}
	u, err := rt.pattern.url(params)
	if err != nil {
		return "", fmt.Errorf("router: the URL of %q: %w", name, err)
	}
	return u, nil
}

func checkMethod(method string) {
	const token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	if method == "" || strings.Trim(method, token) != "" {
		panic(fmt.Sprintf("router: %q is no method: they are in upper case", method))
	}
	if refused(method) || method == every {
		panic(fmt.Sprintf("router: no route can have the method %s", method))
	}
}

// refused reports whether a method is never served (RFC 9110 sections 9.3.6, 9.3.8).
func refused(method string) bool {
	return method == http.MethodTrace || method == http.MethodConnect
}

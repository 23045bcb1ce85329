package router

import (
	"fmt"
	"slices"

	"github.com/kahu-go/kahu/app"
)

// A param is a layer for the routes whose path has a parameter.
type param struct {
	name string
	f    func(ctx *app.Context, value string, next app.Handler) error
	at   int // how many layers were there before it
}

// Param returns a Router that runs f for its routes whose path has the parameter {name},
// prefixes included, with the value of that: to load what it stands for, or to answer
// 404. It is a layer: the request goes on with next.
//
// It runs once for a request, after the layers that were there before it and always
// after all guards of the route, so that nothing is loaded for who is not let in; what
// has to judge by that which was loaded is a layer, or another Param, and no guard. If
// several parameters of a path have one, all run where the last of these was added, in
// the order of the path; several of the same name run in the order in which they were
// added. Param panics for what is no name, and without f.
func (r *Router) Param(name string, f func(ctx *app.Context, value string, next app.Handler) error) *Router {
	if !isName(name) {
		panic(fmt.Sprintf("router: Param %q: it is the name alone, without braces or a colon", name))
	}
	if f == nil {
		panic(fmt.Sprintf("router: Param %s: the function is nil", name))
	}
	return r.with(stack{params: []param{{name: name, f: f}}})
}

// layer returns the param as a layer.
func (p param) layer() app.Middleware {
	return func(ctx *app.Context, next app.Handler) error { return p.f(ctx, ctx.Param(p.name), next) }
}

// along returns s with the params that concern a path among its layers.
func (s stack) along(path pattern) stack {
	var layers []app.Middleware
	at := s.guards
	for _, segment := range path.segments {
		for _, p := range s.params {
			if segment.kind != literal && segment.text == p.name {
				layers, at = append(layers, p.layer()), max(at, p.at)
			}
		}
	}
	s.layers = slices.Insert(slices.Clone(s.layers), at, layers...)
	return s
}

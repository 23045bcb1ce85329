package router

import (
	"net/url"
	"slices"
	"strings"
	"unsafe"

	"github.com/kahu-go/kahu/app"
)

// covering returns the guards of the groups, which are sorted, that the path is in, or
// nil.
func (t *table) covering(groups []*group, u *url.URL) app.Middleware {
	if len(groups) == 0 {
		return nil
	}
	var found []*group
	var guards []app.Middleware
	for _, path := range readings(u) {
		for _, g := range t.deepest(groups, path) {
			if !slices.Contains(found, g) {
				found, guards = append(found, g), append(guards, g.prefix.asking(g.guard, path))
			}
		}
	}
	switch len(guards) {
	case 0:
		return nil
	case 1:
		return guards[0]
	}
	return app.Compose(guards...)
}

// deepest returns the groups that a path is in, but for those that another one answers
// for. They are several if they overlap, as /admin and /{realm}/towns do.
func (t *table) deepest(groups []*group, path []string) (found []*group) {
	path = t.keys(path)
	for _, g := range groups {
		if g.key.covers(path) && !slices.ContainsFunc(found, g.yields) {
			found = append(slices.DeleteFunc(found, g.includes), g)
		}
	}
	return found
}

// yields reports whether another group that covers the same path answers for g: one that
// lies in it or includes it.
func (g *group) yields(to *group) bool {
	return to.key.within(g.key) && !g.key.within(to.key) || to.includes(g)
}

// includes reports whether another group has g's prefix, and no guard that g has not.
func (g *group) includes(other *group) bool {
	return g.key.text == other.key.text && g.begins(other.stack)
}

// within reports whether all that p covers, a prefix, is at or below another one.
func (p pattern) within(prefix pattern) bool {
	if len(p.segments) < len(prefix.segments) {
		return false
	}
	for i, s := range prefix.segments {
		if s.kind == literal && p.segments[i] != s {
			return false
		}
	}
	return true
}

// begins reports whether the guards of s begin with those of t: the very same ones, since
// two that one function made are not alike.
func (s stack) begins(t stack) bool {
	return s.guards >= t.guards && slices.EqualFunc(s.layers[:t.guards], t.layers[:t.guards], same)
}

// same reports whether two layers are one value, which Go does not say of functions.
func same(a, b app.Middleware) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&a)) == *(*unsafe.Pointer)(unsafe.Pointer(&b))
}

// asking returns a guard that finds the parameters of p in the Context, as a path has
// them, and not those of a route that reaches into p, or none. What is behind it finds
// its own.
func (p pattern) asking(guard app.Middleware, path []string) app.Middleware {
	if guard == nil || !p.wild() {
		return guard
	}
	return func(ctx *app.Context, next app.Handler) error {
		names, values := p.params(path)
		exchange := func() {
			for i, name := range names {
				other := ctx.Request.PathValue(name)
				ctx.Request.SetPathValue(name, values[i])
				values[i] = other
			}
		}
		exchange()
		defer exchange()
		return guard(ctx, func(ctx *app.Context) error {
			exchange()
			defer exchange()
			return next(ctx)
		})
	}
}

// params returns the parameters of p that a path has.
func (p pattern) params(path []string) (names, values []string) {
	for i, s := range p.segments {
		switch {
		case s.kind == tail:
			names, values = append(names, s.text), append(values, strings.Join(path[min(i, len(path)):], "/"))
		case s.kind == wildcard && i < len(path):
			names, values = append(names, s.text), append(values, path[i])
		}
	}
	return names, values
}

// readings returns the segments of a path as ServeMux reads them, and if its encoding
// may hide something also those that somebody finds who decodes it first: whoever
// comes next may be one of these, so the guards of both apply.
func readings(u *url.URL) [][]string {
	path := segments(u)
	if u.RawPath == "" {
		return [][]string{path}
	}
	return [][]string{path, strings.Split(cleanPath(u.Path)[1:], "/")}
}

// segments returns those of the plain path, decoded.
func segments(u *url.URL) []string {
	path := strings.Split(cleanPath(u.EscapedPath())[1:], "/")
	for i, s := range path {
		path[i] = unescape(s)
	}
	return path
}

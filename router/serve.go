package router

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kahu-go/kahu/app"
)

func (t *table) serve(ctx *app.Context, next app.Handler) error {
	t.seal()
	f := t.find(ctx.Request)
	if f.route == nil {
		return t.miss(ctx, next, f)
	}
	if len(f.route.strays) > 0 {
		if guard := t.covering(f.route.strays, ctx.Request.URL); guard != nil {
			return guard(ctx, f.route.run)
		}
	}
	return f.route.run(ctx)
}

// miss answers a request without a route, behind the guards of where it is.
func (t *table) miss(ctx *app.Context, next app.Handler, f finding) error {
	answer := next
	switch {
	case f.status == http.StatusNotFound:
		if h := t.unknown(ctx.Request); h != nil {
			answer = h
		}
	case f.behind != nil:
		answer = redirect(f.location)
	case f.status == http.StatusMethodNotAllowed:
		answer = t.refuse(ctx.Request, f.allow)
	default: // the target "*"
		answer = func(ctx *app.Context) error { return ctx.Throw(http.StatusBadRequest, "") }
	}
	guard := t.guardOf(ctx.Request, f)
	if guard == nil {
		return answer(ctx)
	}
	return guard(ctx, answer)
}

func redirect(to string) app.Handler {
	return func(ctx *app.Context) error {
		ctx.Header().Set("Location", to)
		// 307 keeps the method, so that no DELETE is turned into a GET.
		ctx.Status, ctx.Body = http.StatusTemporaryRedirect, nil
		return nil
	}
}

// guardOf returns the guards that stand before a request without a route, or nil.
func (t *table) guardOf(r *http.Request, f finding) app.Middleware {
	var routes []*Route
	switch {
	case f.behind != nil:
		routes = []*Route{f.behind}
	case f.allow != "":
		routes = t.routesAt(r, strings.Split(f.allow, ", ")...)
	}
	first := firstOf(routes)
	if first == nil {
		return t.covering(t.groups, r.URL)
	}
	if around := t.covering(first.strays, r.URL); around != nil {
		return app.Compose(around, first.guard)
	}
	return first.guard
}

// routesAt returns the routes that the plain path of r has for these methods.
func (t *table) routesAt(r *http.Request, methods ...string) []*Route {
	var routes []*Route
	clean := cleanPath(r.URL.EscapedPath())
	for _, m := range methods {
		if rt, _ := t.at(m, clean); rt != nil {
			routes = append(routes, rt)
		}
	}
	return routes
}

// firstOf returns the route that was added first, if all are guarded.
func firstOf(routes []*Route) *Route {
	var first *Route
	for _, rt := range routes {
		if rt.guard == nil {
			return nil
		}
		if first == nil || rt.order < first.order {
			first = rt
		}
	}
	return first
}

// covering returns the guards of the deepest of the groups, which are sorted, that the
// path is in, or nil.
func (t *table) covering(groups []*group, u *url.URL) app.Middleware {
	if len(groups) == 0 {
		return nil
	}
	var found []*group
	for _, path := range t.readings(u) {
		i := slices.IndexFunc(groups, func(g *group) bool { return g.key.covers(path) })
		if i >= 0 && !slices.Contains(found, groups[i]) {
			found = append(found, groups[i])
		}
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0].guard
	}
	return app.Compose(found[0].guard, found[1].guard)
}

// readings returns the segments of a path as ServeMux reads them, and if its encoding
// may hide something also those that somebody finds who decodes it first: whoever
// comes next may be one of these, so the guards of both apply.
func (t *table) readings(u *url.URL) [][]string {
	path := t.segments(cleanPath(u.EscapedPath()))
	if u.RawPath == "" {
		return [][]string{path}
	}
	decoded := strings.Split(cleanPath(u.Path)[1:], "/")
	for i, s := range decoded {
		decoded[i] = t.segment(s)
	}
	return [][]string{path, decoded}
}

// segments returns those of a clean path, decoded, as they are compared.
func (t *table) segments(clean string) []string {
	segments := strings.Split(clean[1:], "/")
	for i, s := range segments {
		segments[i] = t.segment(unescape(s))
	}
	return segments
}

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
		if guard := covering(f.route.strays, ctx.Request.URL); guard != nil {
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
	case f.behind != nil:
		answer = redirect(f.location)
	case f.status == http.StatusMethodNotAllowed:
		answer = notAllowed(f.allow)
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

// notAllowed answers a method that a known path does not have. Allow goes with the
// error, so that no layer above can lose it (RFC 9110 section 15.5.6).
func notAllowed(allow string) app.Handler {
	return func(ctx *app.Context) error {
		if ctx.Request.Method != http.MethodOptions {
			return &app.Error{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {allow}}}
		}
		ctx.Header().Set("Allow", allow)
		ctx.Status, ctx.Body = http.StatusNoContent, nil
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
		return covering(t.groups, r.URL)
	}
	if around := covering(first.strays, r.URL); around != nil {
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
func covering(groups []*group, u *url.URL) app.Middleware {
	if len(groups) == 0 {
		return nil
	}
	var found []*group
	for _, path := range readings(u) {
		i := slices.IndexFunc(groups, func(g *group) bool { return g.prefix.covers(path) })
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
func readings(u *url.URL) [][]string {
	escaped := strings.Split(cleanPath(u.EscapedPath())[1:], "/")
	for i, s := range escaped {
		if decoded, err := url.PathUnescape(s); err == nil {
			escaped[i] = decoded
		}
	}
	if u.RawPath == "" {
		return [][]string{escaped}
	}
	return [][]string{escaped, strings.Split(cleanPath(u.Path)[1:], "/")}
}

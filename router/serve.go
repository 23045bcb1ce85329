package router

import (
	"net/http"
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
	own := first.pattern.asking(first.guard, segments(r.URL))
	if around := t.covering(first.strays, r.URL); around != nil {
		return app.Compose(around, own)
	}
	return own
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

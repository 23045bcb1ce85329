package router

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// A destination is where a redirect leads.
type destination struct {
	text   string // as it was written
	name   string // of a route; "": the fields below
	origin string // "": this one
	path   pattern
	query  string
	end    string // the fragment with its #
}

// Redirect adds a route for every method whose path has moved for good: 301 for GET and
// HEAD, and 308, which keeps method and body, for others. to is a path of this site,
// whatever the prefix of the Router, which may have a query and a fragment. Parameters
// that both paths have are carried over, and the request's query is appended: /old/{id}
// to /rings/{id}. A value that no path can have in that place is answered 404.
//
// It panics if to is no such path, has a parameter that from does not have, or leads to
// from itself. For a redirect that is not for good, or not for all, write a handler that
// calls [app.Context.Redirect].
func (r *Router) Redirect(from, to string) *Route {
	if !strings.HasPrefix(to, "/") {
		panic(fmt.Sprintf("router: Redirect %s: %q is no path: name a route with RedirectTo, another site with RedirectExternal", from, to))
	}
	return r.redirect("Redirect", from, "", to)
}

// RedirectTo is [Router.Redirect] to the path of a named route, which moves with it into
// the tables that include it. It panics if no route has the name yet.
func (r *Router) RedirectTo(from, name string) *Route {
	return r.add(&Route{pattern: r.route(from), to: &destination{text: name, name: name}})
}

// RedirectExternal is [Router.Redirect] to another site, such as
// "https://shire.example/rings/{id}". It panics for a scheme other than http and https, and
// for an address with a user or without a host. Parameters can only stand in its path.
func (r *Router) RedirectExternal(from, address string) *Route {
	origin, rest := cutOrigin(address)
	if err := checkOrigin(origin); err != nil {
		panic(fmt.Sprintf("router: RedirectExternal %s to %q: %v", from, address, err))
	}
	return r.redirect("RedirectExternal", from, origin, rest)
}

// cutOrigin cuts scheme and host off an address.
func cutOrigin(address string) (origin, rest string) {
	scheme, after, found := strings.Cut(address, "://")
	if !found {
		return address, ""
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		end = len(after)
	}
	return scheme + "://" + after[:end], after[end:]
}

// checkOrigin refuses what is not a scheme and a host as every browser reads them.
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("it begins with neither http:// nor https://")
	case u.User != nil:
		return errors.New("it has a user")
	case u.Hostname() == "" || strings.ContainsFunc(origin, notPlain) || strings.ContainsAny(origin, `\{}%"<>^|`+"`"):
		return errors.New("its host is none")
	}
	return nil
}

// notPlain reports whether a header or a URL cannot have c as it is.
func notPlain(c rune) bool { return c <= ' ' || c >= 0x7f }

func (r *Router) redirect(method, from, origin, to string) *Route {
	d := &destination{text: origin + to, origin: origin}
	to, end, found := strings.Cut(to, "#")
	if found {
		d.end = "#" + end
	}
	to, d.query, _ = strings.Cut(to, "?")
	path, err := parse(to)
	if err == nil && strings.ContainsFunc(d.query+d.end, notPlain) {
		err = errors.New("its query has to be encoded")
	}
	if err != nil {
		panic(fmt.Sprintf("router: %s %s to %q: %v", method, from, d.text, err))
	}
	d.path = path
	return r.add(&Route{pattern: r.route(from), to: d})
}

// handler returns what answers on a route that leads to d.
func (d *destination) handler(rt *Route) app.Handler {
	to := *d
	if to.name != "" {
		named := rt.table.names[to.name]
		if named == nil {
			panic(fmt.Sprintf("router: %s leads to a route named %q, which has to be there before", rt.where(), to.name))
		}
		to.path = named.pattern
	}
	for _, s := range to.path.segments {
		if s.kind != literal && !rt.pattern.has(s.text) {
			panic(fmt.Sprintf("router: %s leads to %q, whose {%s} it does not have", rt.where(), to.text, s.text))
		}
	}
	if to.origin == "" && rt.table.key(to.path).shape() == rt.key.shape() {
		panic(fmt.Sprintf("router: %s leads to itself", rt.where()))
	}
	return to.redirect
}

func (d *destination) redirect(ctx *app.Context) error {
	var params []string
	for _, s := range d.path.segments {
		if s.kind != literal {
			params = append(params, ctx.Param(s.text))
		}
	}
	path, err := d.path.url(params)
	if err != nil {
		return &app.Error{Status: http.StatusNotFound, Cause: fmt.Errorf("router: redirect to %q: %w", d.text, err)}
	}
	query := d.query
	if more := ctx.Request.URL.RawQuery; query == "" {
		query = more
	} else if more != "" {
		query += "&" + more
	}
	ctx.Header().Set("Location", d.origin+location(path, query)+d.end)
	ctx.Status, ctx.Body = movedStatus(ctx.Request.Method), nil
	return nil
}

func movedStatus(method string) int {
	if method == http.MethodGet || method == http.MethodHead {
		return http.StatusMovedPermanently
	}
	return http.StatusPermanentRedirect
}

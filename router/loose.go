package router

import (
	"net/http"
	"net/url"
)

// askLoosely looks for the path of r in a table that ignores something of it.
func (t *table) askLoosely(r *http.Request, method string) finding {
	escaped := r.URL.EscapedPath()
	if cleanPath(escaped) != escaped || r.RequestURI == "*" {
		return t.askMux(r, method) // which redirects or refuses
	}
	path := t.path(escaped)
	f := t.askAs(r, method, path)
	if t.IgnoreSlash && f.status >= 300 && f.status < 400 {
		path += "/" // it is there for {name...} or a mounted handler
		f = t.askAs(r, method, path)
	}
	if f.route != nil && path != escaped {
		f.route.setParams(r)
	}
	return f
}

// askAs asks ServeMux as if r had another path.
func (t *table) askAs(r *http.Request, method, escaped string) finding {
	if own := r.URL; own.EscapedPath() != escaped {
		r.URL = &url.URL{Path: unescape(escaped), RawPath: escaped}
		defer func() { r.URL = own }()
	}
	return t.askMux(r, method)
}

// setParams gives r the parameters as they are spelled in its own path.
func (rt *Route) setParams(r *http.Request) {
	names, values := rt.pattern.params(segments(r.URL))
	for i, name := range names {
		r.SetPathValue(name, values[i])
	}
}

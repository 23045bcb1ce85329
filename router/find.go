package router

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
)

// A finding is what the table has for a request: a route, or a status in its place.
type finding struct {
	route    *Route
	status   int
	allow    string // of a 405
	location string // of a redirect
	behind   *Route // where the redirect leads
}

// A probe is the writer that ServeMux is given. A route tells it that it was met;
// otherwise it takes what ServeMux has to say.
type probe struct {
	route  *Route
	status int
	header http.Header
}

var probes = sync.Pool{New: func() any { return &probe{header: http.Header{}} }}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// A target is a Route as ServeMux knows it.
type target Route

func (t *target) ServeHTTP(w http.ResponseWriter, _ *http.Request) { w.(*probe).route = (*Route)(t) }

// find asks for the route of a request, and leaves its pattern and parameters there.
// Without a route the request stays as it was: it may be another router's.
func (t *table) find(r *http.Request) finding {
	if r.Pattern == "" {
		f := t.search(r)
		r.Pattern = f.label()
		return f
	}
	before := *r
	f := t.search(r)
	if f.route == nil {
		*r = before
		return f
	}
	r.Pattern = f.label()
	return f
}

func (f finding) label() string {
	if f.route == nil {
		return ""
	}
	return f.route.label
}

func (t *table) search(r *http.Request) finding {
	method := r.Method
	if refused(method) {
		method = nobodys // ServeMux would not clean the path of a CONNECT
	}
	f := t.ask(r, method)
	if f.status == http.StatusMethodNotAllowed && t.takesAll(r.Method) {
		f = t.ask(r, every)
	}
	switch {
	case f.route != nil && f.route.mount && t.hides(r, f.route):
		return finding{status: http.StatusNotFound}
	case f.status >= 300 && f.status < 400:
		return t.plain(r, method)
	}
	f.allow = withoutEvery(f.allow)
	return f
}

// nobodys stands for the methods that are never served. It is in lower case, so that no
// route can have it.
const nobodys = "nobody's"

// takesAll reports whether a method that has no route may be for one of every method.
func (t *table) takesAll(method string) bool { return len(t.all) > 0 && !refused(method) }

// ask looks for a method and the path of r, as the table reads that.
func (t *table) ask(r *http.Request, method string) finding {
	if t.loose() {
		return t.askLoosely(r, method)
	}
	return t.askMux(r, method)
}

// askMux lets ServeMux look for a method and the path of r.
func (t *table) askMux(r *http.Request, method string) finding {
	if own := r.Method; own != method {
		r.Method = method
		defer func() { r.Method = own }()
	}
	p := probes.Get().(*probe)
	t.mux.ServeHTTP(p, r)
	f := finding{route: p.route, status: p.status, allow: p.header.Get("Allow")}
	p.route, p.status = nil, 0
	clear(p.header)
	probes.Put(p)
	return f
}

// plain looks at the plain path of a roundabout one. ServeMux would redirect even to
// where nothing is, and encodes once more what is encoded already.
func (t *table) plain(r *http.Request, method string) finding {
	clean := cleanPath(r.URL.EscapedPath())
	rt, at := t.at(method, clean)
	if rt == nil && t.takesAll(r.Method) {
		rt, at = t.at(every, clean)
	}
	if rt != nil {
		return finding{status: http.StatusTemporaryRedirect, location: location(at, r.URL.RawQuery), behind: rt}
	}
	f := t.ask(request(method, clean), method)
	f.allow = withoutEvery(f.allow)
	return f
}

// at returns the route of a clean path, and that path: with a slash at its end if the
// route has one and the table minds it.
func (t *table) at(method, clean string) (*Route, string) {
	path := t.path(clean)
	if rt := t.exactly(method, path); rt != nil {
		return rt, clean
	}
	if strings.HasSuffix(path, "/") {
		return nil, ""
	}
	rt := t.exactly(method, path+"/")
	if rt == nil || t.IgnoreSlash {
		return rt, clean
	}
	return rt, clean + "/"
}

func (t *table) exactly(method, path string) *Route {
	h, _ := t.mux.Handler(request(method, path))
	rt, _ := h.(*target)
	return (*Route)(rt)
}

// hides reports whether the path, once decoded, is no longer the mounted handler's.
// A segment such as ..%2fadmin is one of many to ServeMux; behind it somebody may
// decode first and split then.
func (t *table) hides(r *http.Request, rt *Route) bool {
	if r.URL.RawPath == "" {
		return false
	}
	clean := (&url.URL{Path: cleanPath(r.URL.Path)}).EscapedPath()
	for _, method := range []string{r.Method, every} {
		if found, _ := t.at(method, clean); found != nil {
			return found != rt
		}
	}
	return true
}

// request returns what ServeMux needs to know of a request.
func request(method, escaped string) *http.Request {
	decoded, err := url.PathUnescape(escaped)
	if err != nil {
		decoded = escaped
	}
	return &http.Request{Method: method, URL: &url.URL{Path: decoded, RawPath: escaped}}
}

// cleanPath returns a path as ServeMux cleans it: rooted, without empty segments and
// dots, with the slash at its end.
func cleanPath(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	clean := path.Clean(p)
	switch bare, slash := strings.CutSuffix(p, "/"); {
	case !slash || clean == "/":
		return clean
	case bare == clean:
		return p
	}
	return clean + "/"
}

// location returns a reference to a clean path. That begins with one slash, never two,
// and has neither \ nor control characters, which url.EscapedPath encodes: it cannot
// be read as another site. A # of the query, which only a hand-made request has, begins
// no fragment.
func location(clean, query string) string {
	if query == "" {
		return clean
	}
	var b strings.Builder
	b.WriteString(clean)
	b.WriteByte('?')
	for _, c := range []byte(query) {
		if c == '#' || c <= ' ' || c >= 0x7f {
			b.WriteString(url.QueryEscape(string([]byte{c})))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func withoutEvery(allow string) string {
	if !strings.Contains(allow, every) {
		return allow
	}
	methods := slices.DeleteFunc(strings.Split(allow, ", "), func(m string) bool { return m == every })
	return strings.Join(methods, ", ")
}

package router_test

import (
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

var (
	mazePrefixes = []string{"", "/", "/admin", "/a", "/a/b", "/{x}", "/{x}/admin", "/a/{y}", "/%61dmin", "/Admin", "/a/B"}
	mazeInner    = []string{"/b", "/{i}", "/Me", "/"}
	mazePaths    = []string{"/", "/me", "/a", "/a/", "/{z}", "/{z}/", "/b/{w}", "/{rest...}", "/admin/me", "/a%2Fb", "/ME/", "/B/{rest...}"}
	mazeMethods  = []string{"GET", "POST", "HEAD", "PUT", "OPTIONS", "BREW", "", "mount"}
)

// A named is a route as the maze's own reading has it.
type named struct {
	method, path string // "": every method
	mount        bool
	guarded      bool
}

func (*named) ServeHTTP(http.ResponseWriter, *http.Request) {}

// label is what Request.Pattern has to be.
func (n *named) label() string {
	switch {
	case n.mount:
		return strings.TrimSuffix(n.path, "/") + "/"
	case strings.HasSuffix(n.path, "/"):
		return strings.TrimPrefix(n.method+" "+n.path+"{$}", " ")
	}
	return strings.TrimPrefix(n.method+" "+n.path, " ")
}

// A maze is a random table of routes, twice: as a router and as a list.
type maze struct {
	router.Options
	app      http.Handler
	r        *router.Router
	mux      *http.ServeMux // that is asked what it refuses
	all      bool           // some route is for every method
	routes   []*named
	prefixes []string // of guarded groups
}

// newMaze reads one byte for the options and four for each route: its group, its path,
// its method, its inner group. It returns nil for a table that is refused half-way.
func newMaze(t *testing.T, plan []byte) *maze {
	m := &maze{mux: http.NewServeMux()}
	if len(plan) > 0 {
		m.Options = router.Options{IgnoreCase: plan[0]&1 == 1, IgnoreSlash: plan[0]&2 == 2}
		plan = plan[1:]
	}
	m.r = router.NewWith(m.Options)
	for ; len(plan) >= 4 && len(m.routes) < 20; plan = plan[4:] {
		if !m.add(t, plan[0], plan[1], plan[2], plan[3]) {
			return nil
		}
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Next", "yes") })
	m.app = app.Adapt(m.tell, m.r.Layer)(next)
	return m
}

// tell is above the router and says which route it led to.
func (m *maze) tell(ctx *app.Context, next app.Handler) error {
	err := next(ctx)
	if info, ok := m.r.Matched(ctx); ok {
		ctx.Header().Set("Matched", info.Method+" "+info.Path)
	}
	return err
}

// add gives both the same route, and requires of plain ones that ServeMux refuses the same.
func (m *maze) add(t *testing.T, group, p, method, inner byte) bool {
	prefix := mazePrefixes[int(group>>2)%len(mazePrefixes)]
	n := &named{
		method: mazeMethods[int(method)%len(mazeMethods)],
		path:   strings.TrimSuffix(prefix, "/"),
	}
	own := mazePaths[int(p)%len(mazePaths)]
	if n.method == "mount" {
		n.method, n.mount = "", true
		if strings.HasSuffix(own, "...}") {
			own = "/"
		}
	}
	guards := []string{}
	base, within := m.r.Open(), func(r *router.Router) { m.route(r, n, own) }
	if group&1 == 1 {
		base, guards, n.guarded = m.r.Guard(lock("outer")), append(guards, n.path), true
	}
	if inner&2 == 2 {
		add, prefix := within, mazeInner[int(inner>>2)%len(mazeInner)]
		n.path += strings.TrimSuffix(prefix, "/")
		guard := inner&1 == 1
		if guard {
			guards, n.guarded = append(guards, n.path), true
		}
		within = func(r *router.Router) {
			if guard {
				r = r.Guard(lock("inner"))
			}
			r.Group(prefix, add)
		}
	}
	n.path += own
	panicked := recovers(func() {
		if group&2 == 0 {
			base.Group(prefix, within)
			return
		}
		child := router.New()
		within(child)
		base.Include(prefix, child)
	})
	m.all = m.all || n.method == ""
	if !m.all && m.Options == (router.Options{}) {
		pattern := n.label()
		require.Equal(t, recovers(func() { m.mux.Handle(pattern, n) }), panicked, pattern)
	}
	if !panicked {
		m.routes, m.prefixes = append(m.routes, n), append(m.prefixes, guards...)
	}
	return !panicked || n.method != ""
}

// route adds it and lets it say that it ran.
func (m *maze) route(r *router.Router, n *named, own string) {
	h := func(ctx *app.Context) error {
		ctx.Header().Set("Ran", ctx.Request.Pattern)
		for _, name := range parameters(n.path) {
			ctx.Header().Add("Param", url.QueryEscape(ctx.Param(name)))
		}
		return nil
	}
	switch {
	case n.mount:
		r.Mount(own, app.Adapt(func(ctx *app.Context, _ app.Handler) error { return h(ctx) })(http.NotFoundHandler()))
	case n.method == "":
		r.All(own, h)
	default:
		r.Handle(n.method, own, h)
	}
}

func recovers(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

// find returns the route of a clean path: the one whose path ServeMux finds the most
// specific of those that have the method. A route for the method itself goes before one
// for HEAD by GET, and that before one for every method.
func (m *maze) find(t *testing.T, method, escaped string) *named {
	mux, taken := http.NewServeMux(), map[string]bool{}
	methods := []string{method, ""}
	if method == "HEAD" {
		methods = []string{"HEAD", "GET", ""}
	}
	for _, own := range methods {
		for _, n := range m.routes {
			if n.method != own {
				continue
			}
			for _, p := range m.patterns(n) {
				if key := strings.ReplaceAll(blank.ReplaceAllString(p, "{$1}"), "%61", "a"); !taken[key] {
					taken[key] = true
					require.False(t, recovers(func() { mux.Handle(p, n) }), "%s is ambiguous", p)
				}
			}
		}
	}
	return m.look(mux, escaped)
}

var blank = regexp.MustCompile(`\{[a-z]*(\.*)\}`)

// patterns are what a route is for ServeMux under the options.
func (m *maze) patterns(n *named) []string {
	p := m.lower(n.path)
	if m.IgnoreSlash && p != "/" {
		p = strings.TrimSuffix(p, "/")
	}
	switch {
	case n.mount && strings.HasSuffix(p, "/"):
		return []string{strings.TrimSuffix(p, "/") + "/{all...}"}
	case n.mount:
		return []string{p, p + "/{all...}"}
	case strings.HasSuffix(p, "/"):
		return []string{p + "{$}"}
	}
	return []string{p}
}

func (m *maze) look(mux *http.ServeMux, escaped string) *named {
	escaped = m.lower(escaped)
	paths := []string{escaped}
	if m.IgnoreSlash {
		bare := strings.TrimSuffix(escaped, "/")
		paths = []string{bare, bare + "/"}
	}
	for _, p := range paths {
		decoded, _ := url.PathUnescape(p)
		h, _ := mux.Handler(&http.Request{Method: "GET", URL: &url.URL{Path: decoded, RawPath: p}})
		if n, ok := h.(*named); ok && p != "" {
			return n
		}
	}
	return nil
}

// lower writes the segments of an encoded path in lower case, but for parameters.
func (m *maze) lower(escaped string) string {
	if !m.IgnoreCase {
		return escaped
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if lower := strings.ToLower(strings.ToUpper(decoded)); err == nil && lower != decoded && !strings.HasPrefix(s, "{") {
			segments[i] = url.PathEscape(lower)
		}
	}
	return strings.Join(segments, "/")
}

// segmentsOf returns what lies between the slashes of a cleaned path, decoded.
func (m *maze) segmentsOf(escaped string) []string {
	segments := strings.Split(strings.TrimPrefix(path.Clean("/"+m.lower(escaped)), "/"), "/")
	for i, s := range segments {
		if d, err := url.PathUnescape(s); err == nil {
			segments[i] = d
		}
	}
	if slices.Equal(segments, []string{""}) {
		return nil
	}
	return segments
}

// guardedBy reports whether some guarded group covers a path and the route, if there
// is one, does not spell out that group's prefix.
func (m *maze) guardedBy(escaped string, matched *named) bool {
	return slices.ContainsFunc(m.prefixes, func(prefix string) bool {
		want := m.segmentsOf(prefix)
		if !isBelow(m.segmentsOf(escaped), want, false) {
			return false
		}
		return matched == nil || !isBelow(m.segmentsOf(matched.path), want, true)
	})
}

// isBelow reports whether a path is at or below a prefix; literal: as spelled there.
func isBelow(p, prefix []string, literal bool) bool {
	if len(p) < len(prefix) {
		return false
	}
	for i, s := range prefix {
		if p[i] != s && !strings.HasPrefix(s, "{") {
			return false
		}
		if literal && strings.HasPrefix(s, "{") && strings.HasSuffix(p[i], "...}") {
			return false
		}
	}
	return true
}

// parameters are the names in a path, in its order.
func parameters(p string) (all []string) {
	for _, s := range strings.Split(p, "/") {
		if inner, ok := strings.CutPrefix(s, "{"); ok {
			all = append(all, strings.TrimSuffix(strings.TrimSuffix(inner, "}"), "..."))
		}
	}
	return all
}

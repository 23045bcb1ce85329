package router

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kahu-go/kahu/app"
)

// A table is the routes of all Routers that come from one New.
type table struct {
	mux    *http.ServeMux
	routes []*Route
	names  map[string]*Route
	groups []*group // guarded ones, the deepest first
	strict bool

	methods []string // that mounted handlers are registered for
	mounts  []*Route

	once   sync.Once
	sealed atomic.Bool
}

// A group is a prefix with guards.
type group struct {
	stack
	prefix pattern
	guard  app.Middleware
}

// every stands for all methods that no route has. Mounted handlers are registered for
// it and for each method by name: ServeMux would refuse a pattern without a method
// beside "GET /{path...}", since neither is more specific.
const every = "ANY"

func newTable() *table {
	return &table{
		mux:     http.NewServeMux(),
		names:   map[string]*Route{},
		methods: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, every},
	}
}

// building panics once the table is in use.
func (t *table) building() {
	if t.sealed.Load() {
		panic("router: a route or group was added after the first request, or after Include of its router")
	}
}

// seal ends the building.
func (t *table) seal() {
	t.once.Do(func() {
		t.sealed.Store(true)
		for _, rt := range t.routes {
			for _, g := range t.groups {
				if rt.pattern.reaches(g.prefix, rt.mount) {
					rt.strays = append(rt.strays, g)
				}
			}
		}
	})
}

// add puts a route into the table.
func (t *table) add(rt *Route) *Route {
	t.building()
	if t.strict && rt.mark == Unmarked {
		panic(fmt.Sprintf("router: %s says nothing about who may call it: add it below Guard, Optional or Open", rt))
	}
	rt.table, rt.order = t, len(t.routes)
	rt.run, rt.guard = rt.around(rt.handler), rt.cover()
	if rt.mount {
		t.addMount(rt)
	} else {
		t.addMethod(rt.method)
		t.register(rt.method, rt.pattern.exact(), rt)
	}
	t.routes = append(t.routes, rt)
	if name := rt.name; name != "" {
		rt.name = ""
		rt.Name(name)
	}
	return rt
}

func (t *table) addMount(rt *Route) {
	t.mounts = append(t.mounts, rt)
	for _, method := range t.methods {
		t.registerMount(method, rt)
	}
}

func (t *table) addMethod(method string) {
	if slices.Contains(t.methods, method) {
		return
	}
	t.methods = append(t.methods, method)
	for _, rt := range t.mounts {
		t.registerMount(method, rt)
	}
}

func (t *table) registerMount(method string, rt *Route) {
	if !rt.pattern.slash {
		t.register(method, rt.pattern.text, rt)
	}
	t.register(method, rt.pattern.withoutSlash().text+"/", rt)
}

// sites are lines of this package, which say nothing to whoever reads the panic.
var sites = regexp.MustCompile(` \(registered at [^)]*\)`)

func (t *table) register(method, path string, rt *Route) {
	defer func() {
		if v := recover(); v != nil {
			panic("router: " + sites.ReplaceAllString(fmt.Sprint(v), ""))
		}
	}()
	t.mux.Handle(method+" "+path, (*target)(rt))
}

// cover puts the guards of a stack, if it has any, before all that is below prefix.
func (t *table) cover(prefix pattern, s stack) {
	t.building()
	if s.guards == 0 {
		return
	}
	t.groups = append(t.groups, &group{stack: s, prefix: prefix, guard: s.cover()})
	slices.SortStableFunc(t.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(len(b.prefix.segments), len(a.prefix.segments)), slices.CompareFunc(a.prefix.segments, b.prefix.segments, compareKinds))
	})
}

// compareKinds sorts literals before wildcards.
func compareKinds(a, b segment) int { return cmp.Compare(a.kind, b.kind) }

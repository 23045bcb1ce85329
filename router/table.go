package router

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/kahu-go/kahu/app"
)

// A table is the routes of all Routers that come from one New.
type table struct {
	Options
	mux    *http.ServeMux
	places map[string]place // what mux has
	stale  bool             // mux has a route whose place another one took
	routes []*Route
	names  map[string]*Route
	labels map[*byte]*Route // by the address of what Request.Pattern is set to
	groups []*group         // guarded ones, once sealed the deepest first

	methods []string // that routes for every method are registered for
	all     []*Route

	notFound   []*fallback // once sealed the deepest first
	notAllowed []*fallback

	once   sync.Once
	sealed atomic.Bool
}

// A group is a prefix with guards.
type group struct {
	stack
	prefix pattern // as it was written
	key    pattern // as it is compared
	guard  app.Middleware
}

// every stands for all methods that no route has. A route for every method is registered
// for it and for each method by name: ServeMux would refuse a pattern without a method
// beside "GET /{path...}", since neither is more specific.
const every = "ANY"

func newTable(o Options) *table {
	return &table{
		Options: o,
		mux:     http.NewServeMux(),
		places:  map[string]place{},
		names:   map[string]*Route{},
		labels:  map[*byte]*Route{},
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
		t.settle()
		slices.SortStableFunc(t.groups, func(a, b *group) int { return deeper(a.key, b.key) })
		slices.SortStableFunc(t.notFound, func(a, b *fallback) int { return deeper(a.key, b.key) })
		slices.SortStableFunc(t.notAllowed, func(a, b *fallback) int { return deeper(a.key, b.key) })
		for _, rt := range t.routes {
			rt.strays = t.strays(rt)
		}
	})
}

// strays returns the groups that a wildcard of a route's path, or what is below it, reaches into.
func (t *table) strays(rt *Route) (found []*group) {
	if !rt.key.wild() && !rt.key.slash && !rt.mount {
		return nil
	}
	for _, g := range t.groups {
		if rt.key.reaches(g.key, rt.mount) {
			found = append(found, g)
		}
	}
	return found
}

// add puts a route into the table.
func (t *table) add(rt *Route) *Route {
	t.building()
	if t.Strict && rt.mark == Unmarked {
		panic(fmt.Sprintf("router: %s says nothing about who may call it: add it below Guard, Optional or Open", rt))
	}
	rt.table, rt.order, rt.key, rt.label = t, len(t.routes), t.key(rt.pattern), rt.newLabel()
	if rt.to != nil {
		rt.handler = rt.to.handler(rt)
	}
	rt.run, rt.guard = rt.along(rt.pattern).around(rt.handler), rt.cover()
	if rt.method == "" {
		t.addToAll(rt)
	} else {
		t.addMethod(rt.method)
		t.register(rt.method, rt, rt.key, false)
	}
	t.routes = append(t.routes, rt)
	t.labels[unsafe.StringData(rt.label)] = rt
	if name := rt.name; name != "" {
		rt.name = ""
		rt.Name(name)
	}
	return rt
}

func (t *table) addToAll(rt *Route) {
	for _, method := range t.methods {
		t.registerForAll(method, rt)
	}
	t.all = append(t.all, rt)
}

// addMethod makes a method known. HEAD is GET's, for routes of every method too.
func (t *table) addMethod(method string) {
	if method == http.MethodHead || slices.Contains(t.methods, method) {
		return
	}
	t.methods = append(t.methods, method)
	for _, rt := range t.all {
		t.registerForAll(method, rt)
	}
}

func (t *table) registerForAll(method string, rt *Route) {
	if !rt.mount || !rt.key.slash {
		t.register(method, rt, rt.key, false)
	}
	if rt.mount {
		t.register(method, rt, rt.key.withoutSlash(), true)
	}
}

// cover puts the guards of a stack, if it has any, before all that is below prefix.
func (t *table) cover(prefix pattern, s stack) {
	t.building()
	if s.guards > 0 {
		t.groups = append(t.groups, &group{stack: s, prefix: prefix, key: t.key(prefix), guard: s.cover()})
	}
}

// deeper sorts prefixes with more segments first, and literals before wildcards.
func deeper(a, b pattern) int {
	return cmp.Or(cmp.Compare(len(b.segments), len(a.segments)), slices.CompareFunc(a.segments, b.segments, compareKinds))
}

// compareKinds sorts literals before wildcards.
func compareKinds(a, b segment) int { return cmp.Compare(a.kind, b.kind) }

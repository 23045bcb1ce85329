package router

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
)

// A place is a method and path of ServeMux, and whose it is.
type place struct {
	text  string // as ServeMux reads it
	route *Route
}

// register takes the place of a method and path for a route. A route for this method
// goes before one for every method, whichever was added first.
func (t *table) register(method string, rt *Route, p pattern, subtree bool) {
	text, key := method+" "+p.exact(), method+" "+p.shape()
	if subtree {
		text, key = method+" "+p.text+"/", key+"/{...}"
	}
	other, taken := t.places[key]
	switch {
	case !taken:
		t.handle(text, rt)
	case rt.method == "" && other.route.method != "":
		return
	case rt.method != "" && other.route.method == "":
		t.stale = true
	default:
		panic(conflict(rt, other.route, "both match the same requests"))
	}
	t.places[key] = place{text, rt}
}

// handle gives ServeMux a route, unless it conflicts with one that is there.
func (t *table) handle(text string, rt *Route) {
	defer func() {
		if v := recover(); v != nil {
			panic(t.explain(text, rt, fmt.Sprint(v)))
		}
	}()
	t.mux.Handle(text, (*target)(rt))
}

// settle makes ServeMux anew if routes have taken the places of others.
func (t *table) settle() {
	if !t.stale {
		return
	}
	t.mux = http.NewServeMux()
	for _, p := range t.places {
		t.mux.Handle(p.text, (*target)(p.route))
	}
}

// explain says what ServeMux has against a route. It does not say which of ours the
// other one is: the first that it does not take together with this one.
func (t *table) explain(text string, rt *Route, why string) string {
	var first *Route
	for _, p := range t.places {
		if first != nil && first.order < p.route.order {
			continue
		}
		if v := clash(p.text, text); v != "" {
			first, why = p.route, v
		}
	}
	if first == nil {
		return fmt.Sprintf("router: %s: %s", rt.where(), why)
	}
	_, why, _ = strings.Cut(why, ":\n")
	return conflict(rt, first, why)
}

// clash returns what ServeMux has against two patterns together.
func clash(a, b string) (why string) {
	mux := http.NewServeMux()
	mux.Handle(a, http.NotFoundHandler())
	defer func() {
		if v := recover(); v != nil {
			why = fmt.Sprint(v)
		}
	}()
	mux.Handle(b, http.NotFoundHandler())
	return ""
}

func conflict(rt, other *Route, why string) string {
	return fmt.Sprintf("router: %s conflicts with %s: %s", rt.where(), other.where(), why)
}

// where returns a route and the line of the program that added it.
func (rt *Route) where() string { return fmt.Sprintf("%s (%s)", rt, rt.caller) }

// inside is how the names of this package's functions begin.
const inside = "github.com/kahu-go/kahu/router."

// caller returns the line of the program that called this package.
func caller() string {
	var calls [8]uintptr
	frames := runtime.CallersFrames(calls[:runtime.Callers(2, calls[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, inside) {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if !more {
			return "?"
		}
	}
}

package router

import (
	"strings"
	"unsafe"

	"github.com/kahu-go/kahu/app"
)

// Matched returns the route of this table that a request was led to, also one whose
// guards kept the request out, or false if there is none. Layers above the router can
// ask once their next has returned: for logs and measures, and never to decide who may
// pass. Of routers within routers the innermost knows.
func (r *Router) Matched(ctx *app.Context) (RouteInfo, bool) {
	rt := r.table.labels[unsafe.StringData(ctx.Request.Pattern)]
	if rt == nil || ctx.Request.Pattern != rt.label {
		return RouteInfo{}, false
	}
	return rt.info(), true
}

// newLabel returns what Request.Pattern is to be: what ServeMux would set, in memory of
// its own. By its address it is told from the same text of another table, and so a
// request needs to carry nothing more.
func (rt *Route) newLabel() string {
	switch {
	case rt.method != "":
		return rt.method + " " + rt.pattern.exact()
	case rt.mount:
		return strings.Clone(rt.pattern.withoutSlash().text + "/")
	}
	return strings.Clone(rt.pattern.exact())
}

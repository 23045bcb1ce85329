// Package router leads requests to handlers by method and path. Matching is that of
// http.ServeMux; what ServeMux lacks is here: groups, layers and guards of a route,
// marks, names, a list of all routes, and answers of its own for what matches nothing.
//
//	r := router.New()
//	r.Open().Get("/", home)
//	r.Guard(app.RequireLogin).Group("/rings", func(r *router.Router) {
//		r.Get("/{id}", ring).Name("ring")
//		r.Delete("/{id}", mountDoom)
//	})
//
//	a := app.New()
//	a.Use(sessions.Layer, r.Layer)
//
// # Paths
//
// "/rings/{id}" has a parameter, which [app.Context.Param] returns decoded;
// "/rings/:id" means the same. "/files/{path...}" takes all that follows, slashes too.
// Upper and lower case differ, unless [Options] say otherwise. A path that ends in "/" is
// that path alone: Get("/", h) is the home page and no catch-all. A colon that begins no
// parameter is written %3A. One route for several paths is [Router.Each], one for every
// method [Router.All], and a path that has moved [Router.Redirect].
//
// Of several routes that match, the one with the most specific path is taken, in whatever
// order they were added; on the same path one for the method goes before one for all. Two
// of which neither is more specific panic when the second is added, and name the lines of
// both.
//
// # What matches no route
//
//   - An unknown path goes on to the next layer, which may be another router.
//   - A known path with another method is answered 405 with Allow, or 501 if nobody knows
//     the method: neither RFC 9110 or RFC 5789 nor a route of the table. OPTIONS is 204
//     with Allow. GET answers HEAD.
//   - A path that is spelled in a roundabout way (//rings, /x/../rings, /admin for
//     /admin/) is sent to the plain one by 307, if a route is there.
//   - TRACE and CONNECT lead nowhere.
//   - What a route's handler leaves unanswered is 404, and nobody else is asked.
//
// [Router.NotFound] and [Router.MethodNotAllowed] have handlers of your own answer.
//
// # Guards
//
// r.Guard(g).Group("/admin", f) guards the prefix, not just the routes: g stands before
// everything at or below /admin, whatever the method, also before 404, 405, OPTIONS and
// redirects, and before routes with a wildcard that reaches in from outside, such as
// "/{path...}". Only a route from elsewhere that spells the prefix out, such as
// r.Open().Get("/admin/login", h), has its own guards alone. If groups lie in each
// other, the deepest one that matches counts; if they overlap, as /admin and
// /{realm}/towns do, or have the same prefix, all do.
//
// A guard finds in [app.Context.Param] what the path has for the parameters of its route,
// before 405 and redirects, too, and where there is none, or one from outside, for those of
// its group's prefix.
//
// Of the layers of [Router.With] only those above a guard run for what is not matched, and
// those around a handler of [Router.NotFound]; those of [Router.Param] do not.
//
// Outside of such groups the guards of a path's first route answer for 405 and
// OPTIONS, provided that all its routes are guarded.
package router

// Package app is the core of kahu: layers in the manner of Koa, and authentication in
// the manner of passport.
//
//	sessions := app.NewSessions(store, users, app.SessionOptions{})
//
//	a := app.New()
//	a.Use(sessions.Layer)
//	a.Use(func(ctx *app.Context, next app.Handler) error {
//		if !ctx.IsAuthenticated() {
//			return ctx.Throw(401, "Who are you?")
//		}
//		return next(ctx)
//	})
//	err := a.Run(ctx, ":3000")
//
// # Layers
//
// A [Middleware] works, calls next, and works again when everything below has returned.
// The answer is prepared in the [Context] and written once, after the whole stack, so
// that layers above can change it and sessions are saved before their cookies go out.
// An error that a layer returns is answered, whoever returns it: by its status if it is
// an [Error] or a [Rejection], else by 500, with nothing of it shown to the client.
//
// # Who sent the request
//
// A [Strategy] finds that out; [Authenticate], [Identify], [RequireLogin] and
// [LoggedIn] are the guards, [Context.Login] and [Context.Logout] begin and end a
// session. A question that cannot be answered, because a store or a database fails, is
// a fault: it is answered 503 and is never taken for "nobody".
//
// # The rest of net/http
//
// An [App] is an http.Handler. [Wrap] makes a layer of a net/http middleware, [Mount] a
// [Handler] of an http.Handler, and [Adapt] a net/http middleware of layers.
package app

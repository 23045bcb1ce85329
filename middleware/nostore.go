package middleware

import "github.com/kahu-go/kahu/app"

// NoStore is a layer for answers that nobody may keep, such as those with tokens in them:
// Cache-Control: no-store. A handler that sets the header itself has the last word. Answers to requests that
// asked who sent them have it without this layer.
func NoStore(ctx *app.Context, next app.Handler) error {
	ctx.Header().Set("Cache-Control", "no-store")
	return next(ctx)
}

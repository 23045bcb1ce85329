package middleware

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/kahu-go/kahu/app"
)

// RequestIDOptions are the options of [RequestID]. The zero value is safe.
type RequestIDOptions struct {
	// Header carries the id; "": X-Request-Id.
	Header string

	// Trust reports whether the id that a request brings is taken over, because a proxy of ours
	// has written it: at most 128 letters, digits, '-', '_', '.', ':' and '='. nil: never, each
	// request gets an id of its own.
	Trust func(ctx *app.Context) bool
}

type requestIDKey struct{}

// RequestID returns a layer that gives each request a random id: in a header of the answer, and
// for [RequestIDOf] in the request's context.
func RequestID(o RequestIDOptions) app.Middleware {
	if o.Header == "" {
		o.Header = "X-Request-Id"
	}
	mustHeader("RequestIDOptions.Header", o.Header)
	return func(ctx *app.Context, next app.Handler) error {
		id := ""
		if o.Trust != nil && o.Trust(ctx) {
			id = sound(ctx.Request.Header.Get(o.Header))
		}
		if id == "" {
			id = rand.Text()
		}
		ctx.SetContext(context.WithValue(ctx.Context(), requestIDKey{}, id))
		ctx.Header().Set(o.Header, id)
		return next(ctx)
	}
}

// RequestIDOf returns the id of the request that a context belongs to, or "".
func RequestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

const idChars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:="

func sound(id string) string {
	if len(id) > 128 || strings.Trim(id, idChars) != "" {
		return ""
	}
	return id
}

const tokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// mustHeader panics for what is no name of a header.
func mustHeader(option, name string) {
	if name == "" || strings.Trim(name, tokenChars) != "" {
		panic("middleware: " + option + " is no name of a header")
	}
}

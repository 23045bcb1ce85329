package app

import "context"

// The request's context carries the Context below Wrap, Mount and Adapt, so that
// plain net/http handlers can ask for it.
type carryKey struct{}

// FromContext returns the Context that a request's context carries, or nil. Below
// [Wrap], [Mount] and [Adapt] there is one.
func FromContext(ctx context.Context) *Context {
	switch v := ctx.Value(carryKey{}).(type) {
	case *Context:
		return v
	case *call:
		return v.ctx
	}
	return nil
}

// UserFrom returns the user that a context carries: that of [FromContext], or the
// one that [Context.Detach] kept. False means nobody, or a user of another type.
func UserFrom[U any](ctx context.Context) (user U, ok bool) {
	switch v := ctx.Value(carryKey{}).(type) {
	case detached:
		user, ok = v.user.(U)
		return user, ok
	case nil:
		return user, false
	}
	return User[U](FromContext(ctx))
}

// A detached context keeps the user of a request that may be over.
type detached struct{ user any }

// Detach returns a context for work that outlives the request, such as sending
// mail: it is not cancelled with it and keeps its values and its user for [UserFrom].
// Detach asks who that is, as [Context.User] does.
func (c *Context) Detach() context.Context {
	return context.WithValue(context.WithoutCancel(c.Context()), carryKey{}, detached{c.User()})
}

// carry puts c into the context of its request in place of another: of a request that
// was made inside the process, whose user is not this one's.
func (c *Context) carry() {
	c.SetContext(context.WithValue(c.Context(), carryKey{}, c))
}

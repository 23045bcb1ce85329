package app

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// RequireLogin is a layer that lets in whoever is proved. Nobody is answered 401 with
// [ErrLoginRequired], a fault 5xx.
func RequireLogin(ctx *Context, next Handler) error {
	if _, err := requireIdentity(ctx); err != nil {
		return err
	}
	return next(ctx)
}

// requireIdentity returns who sent the request, or the error that keeps them out.
func requireIdentity(ctx *Context) (*Identity, error) {
	id, err := ctx.Identity()
	if err != nil {
		return nil, err
	}
	if id != nil {
		return id, nil
	}
	if len(ctx.kinds) == 0 && len(ctx.asked) == 0 {
		return nil, fmt.Errorf("app: a guard without anything above that could prove a user: %w", errNoSessions)
	}
	why := ctx.denied(nil, refusal{why: ErrLoginRequired}.challenge(ctx, ctx.asked))
	if len(ctx.kinds) == 0 {
		return nil, why
	}
	return nil, ctx.kinds[0].s.loginRequired(ctx, why)
}

// denied tells that somebody is kept out, nil if nobody is known.
func (c *Context) denied(id *Identity, why error) error {
	if !c.listened() {
		return why
	}
	e := Event{Name: EventDenied, Reason: why}
	if id != nil {
		e.Via, e.User, e.Subject = id.Via, id.User, id.Subject
	}
	c.Emit(e)
	return why
}

// RequireScopes returns a layer that lets in a proved user whose credential has all
// the scopes, or "*". Nobody is answered 401, too little 403 with the Code
// "insufficient_scope" (RFC 6750 section 3.1). It panics without a scope.
func RequireScopes(scopes ...string) Middleware {
	scopes = mustScopes("RequireScopes", scopes)
	return func(ctx *Context, next Handler) error {
		return ctx.scoped(scopes, next, func(id *Identity) bool {
			return !slices.ContainsFunc(scopes, func(s string) bool { return !id.Allows(s) })
		})
	}
}

// RequireAnyScope is [RequireScopes] where one of the scopes is enough.
func RequireAnyScope(scopes ...string) Middleware {
	scopes = mustScopes("RequireAnyScope", scopes)
	return func(ctx *Context, next Handler) error {
		return ctx.scoped(scopes, next, func(id *Identity) bool { return slices.ContainsFunc(scopes, id.Allows) })
	}
}

func mustScopes(name string, scopes []string) []string {
	if len(scopes) == 0 || slices.Contains(scopes, "") {
		panic("app: " + name + " needs scopes, none of them empty")
	}
	return slices.Clone(scopes)
}

// scoped runs next for a user whose credential is enough.
func (c *Context) scoped(scopes []string, next Handler, enough func(*Identity) bool) error {
	id, err := requireIdentity(c)
	if err != nil {
		return err
	}
	if enough(id) {
		return next(c)
	}
	return c.tooLittle(id, scopes...)
}

// tooLittle tells that a credential is short of scopes.
func (c *Context) tooLittle(id *Identity, scopes ...string) error {
	by := []Strategy{id.by}
	no := refusal{&Rejection{Status: http.StatusForbidden, Code: "insufficient_scope", Scopes: scopes}, &by[0]}
	return c.denied(id, no.challenge(c, by))
}

// Allows reports whether the identity's credential has a scope: that one, or "*".
func (id *Identity) Allows(scope string) bool {
	return slices.Contains(id.Scopes, scope) || slices.Contains(id.Scopes, "*")
}

// RequireRecentLogin returns a layer that lets in who logged in to this session at
// most d ago, for what must not be open to somebody who finds the browser open
// (ASVS 7.5.1). To be remembered is no login. Others are answered 401, and browsers that came
// for a page are sent to the [SessionOptions].ConfirmPage, if there is one; every credential
// that is no session is answered 401. It panics if d is not positive.
func RequireRecentLogin(d time.Duration) Middleware {
	if d <= 0 {
		panic("app: RequireRecentLogin needs a positive duration")
	}
	return func(ctx *Context, next Handler) error {
		id, err := requireIdentity(ctx)
		if err != nil {
			return err
		}
		if id.of != nil && id.of.loggedInWithin(d) {
			return next(ctx)
		}
		why := ctx.denied(id, &Error{Status: http.StatusUnauthorized, Message: "Recent login required", Cause: ErrLoginRequired})
		if id.of == nil {
			return why
		}
		return id.of.s.goTo(ctx, id.of.s.o.ConfirmPage, why)
	}
}

// LoggedIn returns a Handler that is given its user. Nobody is answered 401, a user
// of another type 403, so the handler cannot be routed without its guard.
func LoggedIn[U any](h func(ctx *Context, user U) error) Handler {
	return func(ctx *Context) error {
		id, err := requireIdentity(ctx)
		if err != nil {
			return err
		}
		user, ok := id.User.(U)
		if !ok {
			return ctx.denied(id, &Error{Status: http.StatusForbidden, Cause: fmt.Errorf("app: LoggedIn wants a %T, the user is a %T", user, id.User)})
		}
		return h(ctx, user)
	}
}

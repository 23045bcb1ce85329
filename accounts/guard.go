package accounts

import (
	"errors"
	"strings"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// RequireLogin is a layer that lets in whom an access token proves, if the account is not
// disabled, and answers everybody else in the Format.
func (a *Accounts) RequireLogin(ctx *app.Context, next app.Handler) error {
	if err := a.prove(ctx); err != nil {
		return a.fail(ctx, err)
	}
	return next(ctx)
}

// OneOf returns a layer that lets in whom one of the kinds proves, such as users and
// admins. Identity.Via tells which: it is the Resource; app.User does where they are of
// different types. Nobody is answered in the Format of the first. It panics without a kind,
// and for two that take each other's tokens.
func OneOf(kinds ...*Accounts) app.Middleware {
	types := map[string]bool{}
	for _, a := range kinds {
		types[a.o.Tokens.Type()] = true
	}
	if len(kinds) == 0 || len(types) < len(kinds) {
		panic("accounts: OneOf needs accounts, each with a JWTOptions.Kind of its own")
	}
	return func(ctx *app.Context, next app.Handler) error {
		var first error
		for _, a := range kinds {
			err := a.prove(ctx)
			switch {
			case err == nil:
				return next(ctx)
			case failureOf(err) == nil:
				return err
			case first == nil, errors.Is(err, strategies.ErrTokenExpired):
				first = err // an expired one is of this kind, other kinds only say no
			}
		}
		return kinds[0].fail(ctx, first)
	}
}

// prove makes the user of the access token the request's. What is refused is a Failure.
func (a *Accounts) prove(ctx *app.Context) error {
	id, err := ctx.Authenticate(a.guard)
	if err != nil {
		return accessFailure(err)
	}
	if a.barred(id.User) {
		ctx.Forget(id.Info)
		return unauthorized(AccessInvalid, errBarred)
	}
	return nil
}

// who returns the user whom this kind's own guard has proved, and nobody else's: another kind
// may have users of the same type and number.
func (a *Accounts) who(ctx *app.Context) (any, error) {
	if !a.guard.State(ctx).Authenticated {
		return nil, unauthorized(AccessMissing, app.ErrNoCredentials)
	}
	return a.guard.User(ctx), nil
}

var errBarred = &app.Rejection{Code: "invalid_token", Cause: errors.New("accounts: the account may not log in")}

// accessFailure says what is wrong with an access token.
func accessFailure(err error) error {
	switch {
	case failureOf(err) == nil && !errors.Is(err, app.ErrNoCredentials):
		return err
	case errors.Is(err, strategies.ErrTokenExpired):
		return unauthorized(AccessExpired, err)
	case errors.Is(err, app.ErrInvalidCredentials):
		return unauthorized(AccessInvalid, err)
	}
	return unauthorized(AccessMissing, err)
}

// AccessToken is where api_guard's clients put the token: in the Authorization header,
// behind the last "Bearer " or without a scheme. Another scheme's text is an invalid token.
func AccessToken() strategies.Source { return strategies.FromHeaderFunc("Authorization", bare) }

func bare(value string) string {
	if i := strings.LastIndex(value, "Bearer "); i >= 0 {
		value = value[i+len("Bearer "):]
	}
	if value = strings.TrimSpace(value); value == "Bearer" {
		return "" // nothing behind it, as it arrives
	}
	return value
}

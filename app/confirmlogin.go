package app

import (
	"errors"
	"net/http"
)

// ConfirmLogin is for the page that asks a user who is logged in for the password once more: user
// is who has proved themselves again, and has to be the session's. The login is as new as
// any other, for [RequireRecentLogin] too: it has a new id, and all that the session held. Nobody
// to confirm is [ErrLoginRequired], and another user is answered 403.
func (c *Context) ConfirmLogin(user any) error {
	x, err := c.defaultSession()
	if err != nil {
		return err
	}
	return x.confirm(user)
}

// ConfirmLogin is [Context.ConfirmLogin] for this kind of user.
func (s *Sessions) ConfirmLogin(ctx *Context, user any) error {
	x, err := s.session(ctx)
	if err != nil {
		return err
	}
	return x.confirm(user)
}

func (x *Session) confirm(user any) error {
	id, err := x.identify()
	if err != nil {
		return err
	}
	if id == nil {
		return ErrLoginRequired
	}
	subject, err := x.s.subject(x.ctx.Context(), user)
	if err != nil {
		return err
	}
	if subject != x.rec.Subject {
		return x.ctx.denied(id, &Error{Status: http.StatusForbidden, Message: "That is another account", Cause: errors.New("app: ConfirmLogin of another user")})
	}
	return x.loginWith(user, loginOptions{keepAll: true, maxAge: maxAgeOf(x.rec)})
}

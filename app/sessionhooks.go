package app

import (
	"fmt"
	"net/http"
)

// validate asks [SessionOptions].Valid about the session that was found, which the hook may use.
func (x *Session) validate() (err error) {
	c := x.ctx
	identity, proven := c.identity, c.proven
	err = errInterrupted
	defer func() {
		x.loadErr = err
		if id := c.identity; err != nil && id != nil && id.of == x {
			c.identity, c.proven = identity, proven // the hook has asked a guard, say: that was too early
		}
	}()
	valid, fault := x.s.o.Valid(c, x)
	if fault == nil {
		fault = c.fault // it took a user who could not be asked for to be nobody
	}
	switch {
	case fault != nil:
		// Whatever it is: a fault is never "not logged in".
		err = &Error{Status: http.StatusServiceUnavailable, Cause: fmt.Errorf("app: SessionOptions.Valid: %w", fault)}
	case valid:
		err = nil
	default:
		err = x.invalidate()
	}
	return err
}

// invalidate ends a session, and what would bring its user back at this client.
func (x *Session) invalidate() error {
	if x.rec == nil {
		return nil // the hook has ended it
	}
	e := Event{Name: EventSessionInvalid, Subject: x.rec.Subject, Session: x.key, Reason: errInvalid}
	if err := x.forgetInvalid(); err != nil {
		return err
	}
	if err := x.end(x.key); err != nil {
		return err
	}
	x.tell(e)
	x.ctx.note(x.s, nil, errInvalid)
	x.forget()
	x.unprove()
	return nil
}

// forgetInvalid forgets the client that sent the request, and that of the session, which may be
// another: a thief need not have the cookie that remembers it.
func (x *Session) forgetInvalid() error {
	if x.s.o.Remember == nil {
		return nil
	}
	if err := x.forgetClient(x.key); err != nil {
		return err
	}
	if noted(x.rec, rememberName) == "" {
		return nil
	}
	user, err := x.user()
	switch {
	case gone(user, err):
		return nil // nobody is brought back
	case err != nil:
		return unavailable(fmt.Errorf("app: deserialize the user: %w", err))
	}
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	return x.s.revokeRemembered(ctx, user, x.key, x.rec)
}

// beforeSave asks [SessionOptions].BeforeSave, which may set values. A user who could not be
// asked for is a fault, as everywhere.
func (x *Session) beforeSave() error {
	if x.s.o.BeforeSave == nil || x.saving {
		return nil
	}
	x.saving = true
	defer func() { x.saving = false }()
	before := x.ctx.fault
	if err := x.s.o.BeforeSave(x.ctx, x); err != nil {
		return fmt.Errorf("app: SessionOptions.BeforeSave: %w", err)
	}
	if before == nil {
		return x.ctx.fault
	}
	return nil
}

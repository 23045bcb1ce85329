package app

import (
	"fmt"
	"net/http"
)

// validate asks [SessionOptions].Valid about the session that was found, which the hook may use.
func (x *Session) validate() (err error) {
	err = errInterrupted
	defer func() { x.loadErr = err }()
	valid, fault := x.s.o.Valid(x.ctx, x)
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
	if x.s.o.Remember != nil {
		if err := x.forgetClient(x.key); err != nil {
			return err
		}
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

// beforeSave asks [SessionOptions].BeforeSave, which may set values.
func (x *Session) beforeSave() error {
	if x.s.o.BeforeSave == nil || x.saving {
		return nil
	}
	x.saving = true
	defer func() { x.saving = false }()
	if err := x.s.o.BeforeSave(x.ctx, x); err != nil {
		return fmt.Errorf("app: SessionOptions.BeforeSave: %w", err)
	}
	return nil
}

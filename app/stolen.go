package app

import (
	"cmp"
	"errors"
	"fmt"
)

// EndStolen ends the sessions of the user whose credential was stolen, of the kind that the
// Rememberer is for. It calls this first and then ends all that remembers the user: what fails in
// between leaves the theft to be found when the credential comes again. Without such Sessions in
// the stack, or if their store is no [SessionLister], it does nothing.
func (c *Context) EndStolen(by Rememberer, stolen *Stolen) error {
	for _, x := range c.kinds {
		if x.s.o.Remember == nil || x.s.o.Kind != kindOf(by) {
			continue
		}
		if err := x.s.endStolen(c, stolen); err != nil && !errors.Is(err, ErrCannotList) {
			return err
		}
	}
	return nil
}

// endStolen asks no Serializer: a user who cannot be loaded has a thief, too.
func (s *Sessions) endStolen(c *Context, stolen *Stolen) error {
	lister, ok := s.store.(SessionLister)
	if !ok {
		return fmt.Errorf("%w: %T", ErrCannotList, s.store)
	}
	ctx, cancel := writing(c.Context())
	defer cancel()
	_, err := s.endAll(ctx, c, lister, Event{User: stolen.User, Subject: stolen.Subject}, "")
	return err
}

// robbed ends the sessions of a user whose credential a thief has, if that is why a Rememberer
// rejected it: also those that it brought back while it ended the rest.
func (s *Sessions) robbed(c *Context, why error) error {
	stolen, ok := errors.AsType[*Stolen](why)
	if !ok {
		return nil
	}
	err := s.endStolen(c, stolen)
	if errors.Is(err, ErrCannotList) {
		c.report(err)
		return nil
	}
	return err
}

// forgetClient ends what remembers the client and the sessions that this has brought back, but
// those under keep. What is rejected is forgotten, too.
func (x *Session) forgetClient(keep ...string) error {
	ended, err := x.s.o.Remember.Forget(x.ctx)
	if rejects(err) {
		err = x.s.robbed(x.ctx, err)
	}
	if err != nil {
		return unavailable(err)
	}
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	for _, id := range ended {
		if err := x.s.endClient(ctx, x.ctx, id.Subject, id.Handle, keep...); err != nil {
			return err
		}
	}
	return nil
}

// kindOf is the kind of user that a Rememberer is for.
func kindOf(r Rememberer) string { return cmp.Or(r.Kind(), defaultKind) }

// unstamped reports whether a Rememberer says that it knows of no stamps.
func unstamped(r Rememberer) bool {
	s, ok := r.(interface{ Stamped() bool })
	return ok && !s.Stamped()
}

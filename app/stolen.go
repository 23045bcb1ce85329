package app

import (
	"errors"
	"reflect"
)

// robbed ends the sessions of a user whose credential a thief has, too, if that is why a Rememberer
// rejected it: what it brought back before may be the thief's.
func (s *Sessions) robbed(c *Context, why error) error {
	stolen, ok := errors.AsType[*Stolen](why)
	if !ok || isNil(stolen.User) {
		return nil
	}
	_, err := s.endSessions(c.Context(), c, stolen.User, nil)
	if errors.Is(err, ErrCannotList) {
		c.report(err)
		return nil
	}
	return err
}

// forgetClient ends what remembers the client. What is rejected is forgotten, too.
func (x *Session) forgetClient() error {
	err := x.s.o.Remember.Forget(x.ctx)
	if rejects(err) {
		return x.s.robbed(x.ctx, err)
	}
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// unstamped reports whether a Rememberer says that it knows of no stamps.
func unstamped(r Rememberer) bool {
	s, ok := r.(interface{ Stamped() bool })
	return ok && !s.Stamped()
}

func sameRememberer(a, b Rememberer) bool {
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && a == b
}

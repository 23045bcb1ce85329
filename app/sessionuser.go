package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// identify says whose session it is.
func (x *Session) identify() (*Identity, error) {
	if err := x.load(); err != nil {
		if x.refused == nil && !x.asked {
			x.asked, x.idErr = true, err
			x.ctx.note(x.s, nil, err)
		}
		return nil, err
	}
	if x.asked {
		return x.identity, x.idErr
	}
	x.asked = true
	x.idErr = errInterrupted
	x.identity, x.idErr = x.whose()
	return x.identity, x.idErr
}

// whose asks who is logged in to the session that was found, or else who is remembered.
func (x *Session) whose() (*Identity, error) {
	if x.rec == nil || x.rec.Subject == "" {
		if x.rec != nil {
			x.why = errNobody
		}
		x.ctx.note(x.s, nil, x.why)
		return x.remembered()
	}
	user, err := x.user()
	switch {
	case gone(user, err):
		return nil, x.drop(errUserGone)
	case err != nil:
		err = unavailable(fmt.Errorf("app: deserialize the user: %w", err))
		x.ctx.note(x.s, nil, err)
		return nil, err
	case !x.s.bound(x.rec, user):
		return nil, x.unbind(user)
	}
	id := x.identityOf(user)
	x.ctx.note(x.s, id, nil)
	return id, nil
}

func (x *Session) user() (any, error) {
	if x.rec.Joined {
		return x.rec.User, nil
	}
	ctx, cancel := x.s.reading(x.ctx.Context())
	defer cancel()
	return x.s.users.Deserialize(ctx, x.rec.Subject)
}

func (x *Session) identityOf(user any) *Identity {
	return &Identity{
		User: user, Scopes: []string{"*"}, Via: "session", of: x, by: x.s,
		Subject: x.rec.Subject, Handle: x.key, LoggedIn: x.rec.LoggedIn,
	}
}

// unbind ends a session whose user has changed what it was bound to, and what would bring it
// back.
func (x *Session) unbind(user any) error {
	ctx, cancel := writing(x.ctx.Context())
	defer cancel()
	if err := x.s.revokeRemembered(ctx, user, x.key, x.rec); err != nil {
		x.ctx.note(x.s, nil, err)
		return err
	}
	return x.drop(errStampChanged)
}

// drop ends a session whose user is gone, or that is not theirs any more.
func (x *Session) drop(why error) error {
	e := Event{Name: EventSessionRevoked, Subject: x.rec.Subject, Session: x.key, Reason: why}
	if err := x.end(x.key); err != nil {
		x.ctx.note(x.s, nil, err)
		return err
	}
	x.tell(e)
	x.ctx.note(x.s, nil, why)
	x.forget()
	return nil
}

// loggedInWithin reports whether the session began with a login, at most d ago.
func (x *Session) loggedInWithin(d time.Duration) bool {
	return x.rec != nil && !x.rec.LoggedIn.Before(x.rec.Created) && x.s.now().Sub(x.rec.LoggedIn) <= d
}

// subject returns what the session of user is stored under.
func (s *Sessions) subject(ctx context.Context, user any) (string, error) {
	if isNil(user) {
		return "", errors.New("app: there is no user to log in: nil")
	}
	subject, err := s.users.Serialize(ctx, user)
	if err != nil {
		return "", fmt.Errorf("app: serialize the user: %w", err)
	}
	if subject == "" {
		return "", errors.New("app: the Serializer made an empty subject")
	}
	return subject, nil
}

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
		return nil, err
	}
	if x.asked {
		return x.identity, x.idErr
	}
	x.asked = true
	if x.rec == nil || x.rec.Subject == "" {
		return nil, nil
	}
	x.idErr = errInterrupted
	user, err := x.user()
	x.idErr = nil
	switch {
	case gone(user, err):
		x.idErr = x.drop()
	case err != nil:
		x.idErr = unavailable(fmt.Errorf("app: deserialize the user: %w", err))
	default:
		x.identity = x.identityOf(user)
	}
	return x.identity, x.idErr
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
	return &Identity{User: user, Scopes: []string{"*"}, Via: "session", of: x}
}

// drop ends a session whose user is gone.
func (x *Session) drop() error {
	if err := x.end(x.key); err != nil {
		return err
	}
	x.forget()
	return nil
}

func (x *Session) loggedInWithin(d time.Duration) bool {
	return x.rec != nil && !x.rec.LoggedIn.IsZero() && x.s.now().Sub(x.rec.LoggedIn) <= d
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

package strategies

import (
	"context"
	"errors"
	"fmt"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

var (
	_ app.Rechecker = (*Bearer)(nil)
	_ app.Rechecker = (*APIKey)(nil)
	_ app.Rechecker = (*JWT)(nil)
	_ app.Rechecker = (*Remember)(nil)
	_ app.Rechecker = (*Guard[*IssuedToken, TokenOptions])(nil)
)

// Recheck asks the store whether a token that proved an identity is there still, live, and the
// same, and whether its owner is. It is no use of the token.
func (b *Bearer) Recheck(ctx context.Context, id *app.Identity) error {
	was, ok := id.Info.(*tokenstores.Token)
	if !ok {
		return fmt.Errorf("strategies: Bearer knows nothing of a %T", id.Info)
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	t, err := b.store.Find(ctx, b.o.Type, was.ID)
	switch {
	case errors.Is(err, tokenstores.ErrTokenDamaged):
		return invalidToken(err)
	case err != nil:
		return away("find the token", err)
	case t == nil || t.Type != b.o.Type || !equal(t.Hash, was.Hash):
		return invalidToken(errors.New("there is none with this id"))
	case !t.Live(b.now()):
		return invalidToken(errors.New("it has expired"))
	}
	_, err = b.owner(ctx, t)
	return err
}

// Recheck asks whether a token that proved an identity has expired or was ended since, and whether its
// user is there still.
func (j *JWT) Recheck(ctx context.Context, id *app.Identity) error {
	c, ok := id.Info.(*JWTClaims)
	if !ok {
		return fmt.Errorf("strategies: JWT knows nothing of a %T", id.Info)
	}
	if j.expired(c, j.now()) {
		return invalidToken(ErrTokenExpired)
	}
	_, err := j.current(ctx, c)
	return err
}

// Recheck asks the store whether a series that proved an identity is there still and live, and
// whether its user is, and has what the series is bound to. Nothing is ended or replaced.
func (r *Remember) Recheck(ctx context.Context, id *app.Identity) error {
	t, err := r.find(ctx, id.Handle)
	switch {
	case err != nil:
		return err
	case t == nil || t.Subject != id.Subject:
		return notRemembered(errEnded)
	case !t.Live(r.now()):
		return notRemembered(ErrTokenExpired)
	}
	state, err := decodeFamily(t)
	if err != nil {
		return notRemembered(err)
	}
	user, err := r.owner(ctx, t)
	switch {
	case err != nil:
		return err
	case isNil(user):
		return notRemembered(errGone)
	case !r.bound(&device{row: t, state: state, user: user}):
		return notRemembered(errStamp)
	}
	return nil
}

// Recheck is the Issuer's, if it has one.
func (g *Guard[T, O]) Recheck(ctx context.Context, id *app.Identity) error {
	r, ok := any(g.kind).(app.Rechecker)
	if !ok {
		return fmt.Errorf("strategies: %T is no app.Rechecker", g.kind)
	}
	return r.Recheck(ctx, id)
}

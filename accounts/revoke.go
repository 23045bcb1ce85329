package accounts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/prune"
	"github.com/kahu-go/kahu/passwords"
)

var errChanged = errors.New("accounts: the password was changed meanwhile")

// transact does the work in one transaction, as far as Options.Transact reaches. It goes on
// though the client hangs up: a password is changed and its sessions ended, or neither.
func (a *Accounts) transact(ctx *app.Context, work func(*app.Context) error) error {
	before := ctx.Context()
	defer ctx.SetContext(before)
	return a.o.Transact(context.WithoutCancel(before), func(c context.Context) error {
		ctx.SetContext(c)
		return work(ctx)
	})
}

// changing changes an account and ends what it is signed in with. In one transaction that
// is last, since the change keeps others from the account until the end. Without one it is
// first, too, so that a fault leaves nobody in whom the change was to put out; who signs in
// in between is put out at last.
func (a *Accounts) changing(ctx *app.Context, user any, keep bool, change func(*app.Context) error) error {
	own := false
	if keep {
		var err error // before the change, which a session may be bound to
		if own, err = a.ownSession(ctx, user); err != nil {
			return err
		}
	}
	if !a.atomic {
		if err := a.endAll(ctx, user, own); err != nil {
			return err
		}
	}
	if err := change(ctx); err != nil {
		return err
	}
	return a.endAll(ctx, user, own)
}

// EndAll ends everything that a user is signed in with, and the tokens in mails. Call it
// when an account is disabled, in the same transaction. What cannot be ended does not keep
// the rest from ending.
func (a *Accounts) EndAll(ctx context.Context, user any) error {
	var err error
	if a.o.Sessions != nil {
		_, err = a.o.Sessions.LogoutAll(ctx, user)
	}
	return errors.Join(err, a.endTokens(ctx, user))
}

// endAll is EndAll, and keeps the request's own session, which is the user's, if it is told to.
func (a *Accounts) endAll(ctx *app.Context, user any, keep bool) error {
	if !keep {
		return a.EndAll(ctx.Context(), user)
	}
	_, err := a.o.Sessions.LogoutOthers(ctx)
	return errors.Join(err, a.endTokens(ctx.Context(), user))
}

// ownSession reports whether the request has a session of the user's.
func (a *Accounts) ownSession(ctx *app.Context, user any) (bool, error) {
	if a.o.Sessions == nil {
		return false, nil
	}
	id, err := a.o.Sessions.Identity(ctx)
	return err == nil && id != nil && a.same(ctx.Context(), id.User, user), err
}

// renewSession gives the request's own session a new id, and binds it to what the user has now:
// one that is bound to the password's hash would end with the next request.
func (a *Accounts) renewSession(ctx *app.Context, now any) error {
	own, err := a.ownSession(ctx, now)
	if err != nil || !own {
		return err
	}
	err = a.o.Sessions.ConfirmLogin(ctx, now)
	if e, ok := errors.AsType[*app.Error](err); ok && e.Status == http.StatusForbidden {
		// A page of another site has asked, by a token. It is given no session.
		_, err = a.o.Sessions.LogoutAll(ctx.Context(), now)
	}
	return err
}

// same reports whether two values are one account.
func (a *Accounts) same(ctx context.Context, one, other any) bool {
	s, err := a.store.Users().Serialize(ctx, one)
	if err != nil {
		return false
	}
	t, err := a.store.Users().Serialize(ctx, other)
	return err == nil && s == t
}

func (a *Accounts) endTokens(ctx context.Context, user any) error {
	all := a.endLegacy(ctx, user)
	for _, r := range append([]Revoker{a.o.Tokens}, a.o.Others...) {
		_, err := r.RevokeAll(ctx, user, "")
		all = errors.Join(all, err)
	}
	return errors.Join(all, a.endMails(ctx, user))
}

// endLegacy comes before our own tokens end: an exchange that is going on then finds either
// no old token, or its new one is ended.
func (a *Accounts) endLegacy(ctx context.Context, user any) error {
	if len(a.o.Legacy) == 0 {
		return nil
	}
	subject, err := a.store.Users().Serialize(ctx, user)
	if err != nil {
		return err
	}
	var all error
	for _, l := range a.o.Legacy {
		_, err := l.RevokeAll(ctx, subject)
		all = errors.Join(all, err)
	}
	return all
}

// Prune removes the tokens in mails that are over, and what the JWT's Prune removes, and
// returns how many there were.
func (a *Accounts) Prune(ctx context.Context) (int, error) {
	total, err := a.o.Tokens.Prune(ctx)
	if a.mails == nil {
		return total, err
	}
	n, pruned := a.mails[PurposeReset].Prune(ctx) // all of one store
	return total + n, errors.Join(err, pruned)
}

// PruneEvery prunes about every interval, jittered, until ctx ends. Errors are logged and do
// not end it. Run it in a goroutine of its own.
func (a *Accounts) PruneEvery(ctx context.Context, interval time.Duration) {
	prune.Loop(ctx, interval, func(ctx context.Context) {
		if _, err := a.Prune(ctx); err != nil && ctx.Err() == nil {
			a.o.Logger.ErrorContext(ctx, "expired tokens were not removed", "error", err)
		}
	})
}

// unavailable marks a fault of what is asked as such. What says itself how to answer stays.
func unavailable(what string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*app.Error](err); ok || isPassword(err) {
		return err
	}
	e := &app.Error{Status: http.StatusServiceUnavailable, Cause: fmt.Errorf("accounts: %s: %w", what, err)}
	if errors.Is(err, passwords.ErrBusy) {
		e.Header = http.Header{"Retry-After": {"1"}}
	}
	return e
}

// isPassword reports whether a new password is what is wrong.
func isPassword(err error) bool {
	return errors.Is(err, passwords.ErrTooShort) || errors.Is(err, passwords.ErrTooLong) || errors.Is(err, passwords.ErrNUL)
}

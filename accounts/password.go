package accounts

import (
	"context"
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A PasswordChange is what it takes to change a password.
type PasswordChange struct {
	Current      string // the old one; not asked for with InsecureChangeWithoutPassword
	Password     string
	Confirmation *string // nil: not asked for
}

// ChangePassword changes the password of whoever is signed in, ends everything that the
// account was signed in with, and answers with new tokens.
func (a *Accounts) ChangePassword(ctx *app.Context) error {
	body, err := a.body(ctx, "current_password", "password", "password_confirmation")
	if err != nil {
		return a.fail(ctx, err)
	}
	pair, err := a.ReplacePassword(ctx, ctx.User(), PasswordChange{body["current_password"], body["password"], confirmation(body)})
	return a.answer(ctx, Done{Key: PasswordChanged, User: ctx.User(), Tokens: pair}, err)
}

// ReplacePassword changes the password of a user and ends, in one transaction, what
// docs/accounts.md says: of the request's own session it keeps the data. It returns new
// tokens. What is wrong is a *[Failure] 422.
func (a *Accounts) ReplacePassword(ctx *app.Context, user any, c PasswordChange) (pair *strategies.TokenPair, err error) {
	email := a.store.Status(user).Email
	if err := a.checkPassword(email, c.Password, c.Confirmation); err != nil {
		return nil, err
	}
	old, err := a.storedHash(ctx.Context(), user)
	if err != nil {
		return nil, err
	}
	if err := a.checkCurrent(ctx, email, c.Current); err != nil {
		return nil, err
	}
	hash, err := a.hash(ctx.Context(), c.Password)
	if err != nil {
		return nil, err
	}
	err = a.transact(ctx, func(ctx *app.Context) error {
		if err := a.replaceHash(ctx.Context(), user, old, hash); err != nil {
			return err
		}
		if err := a.endAll(ctx, user, true); err != nil {
			return err
		}
		pair, err = a.issue(ctx, user)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pair, nil
}

func (a *Accounts) storedHash(ctx context.Context, user any) (string, error) {
	ctx, cancel := a.ask(ctx)
	defer cancel()
	hash, err := a.store.Hash(ctx, user)
	return hash, unavailable("read the password's hash", err)
}

// checkCurrent asks for the password again, and counts it as an attempt to sign in: an
// access token that was stolen must not be a way to guess.
func (a *Accounts) checkCurrent(ctx *app.Context, email, current string) error {
	if a.o.InsecureChangeWithoutPassword {
		return nil
	}
	_, err := a.credentials(ctx, email, current)
	if f := failureOf(err); f != nil && f.Status == http.StatusUnauthorized {
		return &Failure{Status: http.StatusUnprocessableEntity, Key: CurrentWrong, Field: "current_password", Cause: err}
	}
	return err
}

// replaceHash stores a hash if the password is still the one that was read before.
func (a *Accounts) replaceHash(ctx context.Context, user any, old, hash string) error {
	ctx, cancel := a.ask(ctx)
	defer cancel()
	replaced, err := a.store.ReplaceHash(ctx, user, old, hash)
	if err != nil {
		return unavailable("store the password's hash", err)
	}
	if !replaced {
		return &Failure{Status: http.StatusConflict, Key: CurrentWrong, Field: "current_password", Cause: errChanged}
	}
	return nil
}

// DeleteAccount ends everything that the account is signed in with, and removes it.
func (a *Accounts) DeleteAccount(ctx *app.Context) error {
	err := a.Remove(ctx, ctx.User())
	return a.answer(ctx, Done{Key: AccountDeleted}, err)
}

// Remove deletes the account of a user, in one transaction with all that it is signed in
// with.
func (a *Accounts) Remove(ctx *app.Context, user any) error {
	return a.transact(ctx, func(ctx *app.Context) error {
		if err := a.endAll(ctx, user, false); err != nil {
			return err
		}
		c, cancel := a.ask(ctx.Context())
		defer cancel()
		return unavailable("delete the account", a.store.Delete(c, user))
	})
}

package accounts

import (
	"context"
	"database/sql"
	"errors"
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
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
	user, err := a.who(ctx)
	if err != nil {
		return a.fail(ctx, err)
	}
	body, err := a.body(ctx, "current_password", "password", "password_confirmation")
	if err != nil {
		return a.fail(ctx, err)
	}
	pair, err := a.ReplacePassword(ctx, user, PasswordChange{body["current_password"], body["password"], confirmation(body)})
	return a.answer(ctx, Done{Key: PasswordChanged, User: user, Tokens: pair}, err)
}

// ReplacePassword changes the password of a user and ends, in one transaction, what
// docs/accounts.md says: of the request's own session it keeps the data, under a new id. It
// returns new tokens. What is wrong is a *[Failure] 422.
func (a *Accounts) ReplacePassword(ctx *app.Context, user any, c PasswordChange) (pair *strategies.TokenPair, err error) {
	if err := a.checkPassword(a.store.Status(user).Email, c.Password, c.Confirmation); err != nil {
		return nil, err
	}
	old, err := a.checkCurrent(ctx, user, c.Current)
	if err != nil {
		return nil, err
	}
	hash, err := a.hash(ctx.Context(), c.Password)
	if err != nil {
		return nil, err
	}
	err = a.transact(ctx, func(ctx *app.Context) error {
		err := a.changing(ctx, user, true, func(ctx *app.Context) error { return a.replaceHash(ctx.Context(), user, old, hash) })
		if err != nil {
			return err
		}
		pair, err = a.goOn(ctx, user)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pair, nil
}

// goOn signs in again who has changed their password. What tokens say of them, and what their
// session is bound to, is what they are now.
func (a *Accounts) goOn(ctx *app.Context, user any) (*strategies.TokenPair, error) {
	now, err := a.reload(ctx.Context(), user)
	if err != nil {
		return nil, err
	}
	if err := a.renewSession(ctx, now); err != nil {
		return nil, err
	}
	return a.issue(ctx, now)
}

func (a *Accounts) reload(ctx context.Context, user any) (any, error) {
	subject, err := a.store.Users().Serialize(ctx, user)
	if err != nil {
		return nil, err
	}
	ctx, cancel := a.ask(ctx)
	defer cancel()
	now, err := a.store.Users().Deserialize(ctx, subject)
	if gone(now, err) {
		return nil, &Failure{Status: http.StatusConflict, Key: AccessInvalid, Cause: errors.New("accounts: the account is gone")}
	}
	return now, unavailable("load the account", err)
}

func (a *Accounts) storedHash(ctx context.Context, user any) (string, error) {
	ctx, cancel := a.ask(ctx)
	defer cancel()
	hash, err := a.store.Hash(ctx, user)
	return hash, unavailable("read the password's hash", err)
}

// guesses is how often the password of an account that is signed in may be wrong in an hour.
const guesses = 20

// CheckPassword asks a user who is signed in for the password again, before something that
// cannot be undone. A wrong one is a *[Failure] 422, too many are 429. It counts apart from
// sign-ins, with which strangers could keep people from what they want to do.
func (a *Accounts) CheckPassword(ctx *app.Context, user any, password string) error {
	_, err := a.checkPasswordOf(ctx, user, password)
	return err
}

// checkCurrent is CheckPassword, unless it is not asked for, and returns the hash.
func (a *Accounts) checkCurrent(ctx *app.Context, user any, current string) (hash string, err error) {
	if a.o.InsecureChangeWithoutPassword {
		return a.storedHash(ctx.Context(), user)
	}
	return a.checkPasswordOf(ctx, user, current)
}

// checkPasswordOf returns the hash of the password that was checked. What is refused is told of,
// as it is of a login.
func (a *Accounts) checkPasswordOf(ctx *app.Context, user any, current string) (hash string, err error) {
	subject, err := a.store.Users().Serialize(ctx.Context(), user)
	if err != nil {
		return "", err
	}
	hash, err = a.tryPassword(ctx, user, subject, current)
	if f := failureOf(err); f != nil {
		e := app.Event{Name: app.EventLoginFailed, Via: a.guard.Name(), User: user, Subject: subject, Reason: f}
		if f.Status == http.StatusTooManyRequests {
			e.Name = app.EventLoginThrottled
		}
		ctx.Emit(e)
	}
	return hash, err
}

// tryPassword counts first: an access token that was stolen must not be a way to guess.
func (a *Accounts) tryPassword(ctx *app.Context, user any, subject, current string) (hash string, err error) {
	if hash, err = a.storedHash(ctx.Context(), user); err != nil {
		return "", err
	}
	key := "current:" + a.o.Tokens.Type() + ":" + subject
	if err := a.count(ctx, key, guesses); err != nil {
		return "", err
	}
	err = a.o.Hasher.Verify(ctx.Context(), hash, current)
	switch {
	case errors.Is(err, passwords.ErrMismatch), err == nil && hash == "":
		return "", &Failure{Status: http.StatusUnprocessableEntity, Key: CurrentWrong, Field: "current_password", Cause: err}
	case err != nil:
		return "", unavailable("check the password", err)
	}
	if err := a.o.Attempts.Reset(ctx.Context(), key); err != nil {
		a.o.Logger.WarnContext(ctx.Context(), "guesses were not reset", "error", err)
	}
	return hash, nil
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
	user, err := a.who(ctx)
	if err == nil {
		err = a.Remove(ctx, user)
	}
	return a.answer(ctx, Done{Key: AccountDeleted}, err)
}

// Remove deletes the account of a user, in one transaction with all that it is signed in
// with.
func (a *Accounts) Remove(ctx *app.Context, user any) error {
	return a.transact(ctx, func(ctx *app.Context) error {
		// What is signed in goes first, for its rows may refer to the account, which nobody signs
		// in to meanwhile: in a transaction it is held, and without one all ends once more.
		if _, err := a.storedHash(ctx.Context(), user); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := a.endAll(ctx, user, false); err != nil {
			return err
		}
		c, cancel := a.ask(ctx.Context())
		defer cancel()
		if err := a.store.Delete(c, user); err != nil || a.atomic {
			return unavailable("delete the account", err)
		}
		return a.endAll(ctx, user, false)
	})
}

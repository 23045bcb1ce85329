package accounts

import (
	"context"
	"database/sql"
	"errors"
	"reflect"

	"github.com/kahu-go/kahu/app"
)

// RequestReset mails a token to choose a new password. Whether there is an account, the
// answer is the same, and so is what it costs.
func (a *Accounts) RequestReset(ctx *app.Context) error {
	body, err := a.body(ctx, "email")
	if err == nil {
		err = a.MailReset(ctx, body["email"])
	}
	return a.answer(ctx, Done{Key: ResetRequested}, err)
}

// MailReset mails a token to choose a new password, if there is an account that may log in.
// An address that can be none is a *[Failure] 422, too many requests are 429.
func (a *Accounts) MailReset(ctx *app.Context, email string) error {
	return a.mailTo(ctx, PurposeReset, email, func(s Status) bool { return !s.Disabled })
}

// mailTo mails a token to the account of an address, if there is one and it is fit.
func (a *Accounts) mailTo(ctx *app.Context, p Purpose, text string, fit func(Status) bool) error {
	email, err := canonicalEmail(text)
	if err != nil {
		return err
	}
	if err := a.countMail(ctx, p, email); err != nil {
		return err
	}
	user, hash, err := a.byEmail(ctx.Context(), email)
	if err != nil {
		return err
	}
	if user == nil || !fit(a.store.Status(user)) {
		return a.pretendMail(ctx, p, email)
	}
	// To the address as it is stored, never as it was typed: a Store may ignore case.
	send, err := a.prepareMail(ctx, p, user, letter{Email: a.store.Status(user).Email, Password: boundTo(hash)})
	if err == nil {
		send()
	}
	return err
}

// byEmail returns the user of an address and the hash of the password, nil if there is none.
func (a *Accounts) byEmail(ctx context.Context, email string) (any, string, error) {
	ctx, cancel := a.ask(ctx)
	defer cancel()
	user, hash, err := a.store.ByEmail(ctx, email)
	switch {
	case gone(user, err):
		return nil, "", nil
	case err != nil:
		return nil, "", unavailable("find the account", err)
	}
	return user, hash, nil
}

// gone reports whether a Store or Serializer said that there is no such user.
func gone(user any, err error) bool {
	if err != nil {
		return errors.Is(err, sql.ErrNoRows)
	}
	v := reflect.ValueOf(user)
	return user == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// ResetPassword stores a new password for the token of a mail, once, and ends everything
// that the account was signed in with. It signs nobody in.
func (a *Accounts) ResetPassword(ctx *app.Context) error {
	body, err := a.body(ctx, "token", "password", "password_confirmation")
	if err == nil {
		err = a.Reset(ctx, body["token"], body["password"], confirmation(body))
	}
	return a.answer(ctx, Done{Key: PasswordReset}, err)
}

// Reset stores a new password for the token of a mail. A token that is none, or was used,
// and what is wrong with the password are a *[Failure] 422. The token proves the address,
// too.
func (a *Accounts) Reset(ctx *app.Context, token, password string, confirmation *string) error {
	o, err := a.open(ctx.Context(), PurposeReset, token, false)
	if err != nil {
		return err
	}
	if err := a.checkPassword(o.status.Email, password, confirmation); err != nil {
		return err // the token is still good for another try
	}
	hash, err := a.hash(ctx.Context(), password)
	if err != nil {
		return err
	}
	return a.transact(ctx, func(ctx *app.Context) error {
		o, err := a.open(ctx.Context(), PurposeReset, token, true)
		if err != nil {
			return err
		}
		if o.status.Email != o.letter.Email {
			return badLink(errors.New("the address was changed meanwhile"))
		}
		return a.resetTo(ctx, o, hash)
	})
}

func (a *Accounts) resetTo(ctx *app.Context, o *opened, hash string) error {
	old, err := a.storedHash(ctx.Context(), o.user)
	switch {
	case err != nil:
		return err
	case o.letter.Password != boundTo(old):
		return badLink(errChanged)
	}
	return a.changing(ctx, o.user, false, func(ctx *app.Context) error {
		if err := a.replaceHash(ctx.Context(), o.user, old, hash); err != nil {
			return err
		}
		if o.status.Verified {
			return nil
		}
		return a.confirm(ctx.Context(), o)
	})
}

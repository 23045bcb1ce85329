package accounts

import (
	"context"
	"errors"

	"github.com/kahu-go/kahu/app"
)

// RequestVerify mails a token to confirm an address once more. Whether there is an account
// that needs it, the answer is the same.
func (a *Accounts) RequestVerify(ctx *app.Context) error {
	body, err := a.body(ctx, "email")
	if err == nil {
		err = a.MailVerify(ctx, body["email"])
	}
	return a.answer(ctx, Done{Key: VerifyRequested}, err)
}

// MailVerify mails a token to confirm an address, as [Accounts.MailReset] does.
func (a *Accounts) MailVerify(ctx *app.Context, email string) error {
	return a.mailTo(ctx, PurposeVerify, email, func(s Status) bool { return !s.Disabled && !s.Verified })
}

// VerifyEmail confirms the address of an account by the token of a mail. It signs nobody
// in.
func (a *Accounts) VerifyEmail(ctx *app.Context) error {
	body, err := a.body(ctx, "token")
	if err == nil {
		err = a.Confirm(ctx, body["token"])
	}
	return a.answer(ctx, Done{Key: EmailVerified}, err)
}

// Confirm confirms the address of an account by the token of a mail: a *[Failure] 422 if it
// is none, or was used, or the account has another address by now. Programs that look at
// mails follow links: let a page ask, and call this for a POST.
func (a *Accounts) Confirm(ctx *app.Context, token string) error {
	return a.transact(ctx, func(ctx *app.Context) error {
		o, err := a.open(ctx.Context(), PurposeVerify, token, true)
		if err != nil {
			return err
		}
		return a.confirm(ctx.Context(), o)
	})
}

func (a *Accounts) confirm(ctx context.Context, o *opened) error {
	ctx, cancel := a.ask(ctx)
	defer cancel()
	confirmed, err := a.store.Verify(ctx, o.user, o.letter.Email)
	if err != nil {
		return unavailable("confirm the address", err)
	}
	if !confirmed {
		return badLink(errors.New("the address was changed meanwhile"))
	}
	return nil
}

// ChangeEmail mails a token to the new address of whoever is signed in, and a notice to the
// old one. Nothing changes until the token comes back.
func (a *Accounts) ChangeEmail(ctx *app.Context) error {
	user, err := a.who(ctx)
	if err != nil {
		return a.fail(ctx, err)
	}
	body, err := a.body(ctx, "email", "current_password")
	if err == nil {
		err = a.MailChange(ctx, user, body["email"], body["current_password"])
	}
	return a.answer(ctx, Done{Key: ChangeRequested, User: user}, err)
}

// MailChange mails a token to a new address of a user. Whether another account has it, the
// answer is the same: only who reads the mails of an address is told.
func (a *Accounts) MailChange(ctx *app.Context, user any, text, current string) error {
	email, err := canonicalEmail(text)
	if err != nil {
		return err
	}
	old := a.store.Status(user).Email
	hash, err := a.checkCurrent(ctx, user, current)
	if err != nil {
		return err
	}
	if err := a.countMail(ctx, PurposeEmail, email); err != nil {
		return err
	}
	send, err := a.prepareMail(ctx, PurposeEmail, user, letter{Email: email, Old: old, Password: boundTo(hash)})
	if err != nil {
		return err
	}
	send()
	return a.notify(ctx, old)
}

// notify tells the old address that another one was asked for, though not without limit.
func (a *Accounts) notify(ctx *app.Context, old string) error {
	switch err := a.countMail(ctx, PurposeNotice, old); {
	case failureOf(err) != nil:
		return nil
	case err != nil:
		return err
	}
	m := a.compose(ctx, PurposeNotice, "")
	m.To = old
	a.send(ctx, m)
	return nil
}

// ConfirmEmail gives an account the address that the token of a mail was sent to.
func (a *Accounts) ConfirmEmail(ctx *app.Context) error {
	body, err := a.body(ctx, "token")
	if err == nil {
		err = a.ReplaceEmail(ctx, body["token"])
	}
	return a.answer(ctx, Done{Key: EmailChanged}, err)
}

// ReplaceEmail gives an account the address that the token of a mail was sent to, and ends
// the tokens in all other mails. An address that another account has by now is a
// *[Failure] 422, as is a token that is none or was used.
func (a *Accounts) ReplaceEmail(ctx *app.Context, token string) error {
	return a.transact(ctx, func(ctx *app.Context) error {
		o, err := a.open(ctx.Context(), PurposeEmail, token, true)
		if err != nil {
			return err
		}
		switch hash, err := a.storedHash(ctx.Context(), o.user); {
		case err != nil:
			return err
		case o.letter.Password != boundTo(hash):
			return badLink(errChanged) // whoever asked knows a password that is none any more
		}
		c, cancel := a.ask(ctx.Context())
		defer cancel()
		replaced, err := a.store.ReplaceEmail(c, o.user, o.letter.Old, o.letter.Email)
		switch {
		case errors.Is(err, ErrEmailTaken):
			return unprocessable("email", EmailTaken)
		case errors.Is(err, ErrUnstorable):
			return unprocessable("email", EmailInvalid)
		case err != nil:
			return unavailable("change the address", err)
		case !replaced:
			return badLink(errors.New("the address was changed meanwhile"))
		}
		return a.endMails(ctx.Context(), o.user)
	})
}

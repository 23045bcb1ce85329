package main

import (
	"errors"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
)

// accountData is what the page of an account shows.
type accountData struct {
	Email            string
	Verified         bool
	Password, Change form
}

func accountForms(u *User) accountData {
	return accountData{
		Email: u.Email, Verified: !u.VerifiedAt.IsZero(),
		Password: form{Username: u.Username, Action: "/account/password", Button: "Change the password",
			Fields: append([]field{currentField("current-password", "Your password until now")}, newPassword("New password")...)},
		Change: form{Username: u.Username, Action: "/account/email", Button: "Change the address",
			Fields: []field{emailField("email", "New address", ""), currentField("email-password", "Your password")}},
	}
}

func (s *site) account(ctx *app.Context, u *User) error { return showAccount(ctx, accountForms(u)) }

func showAccount(ctx *app.Context, d accountData) error {
	return show(ctx, "account", page{Title: "Account", Problem: d.Password.wrong || d.Change.wrong, Data: d})
}

// changePassword ends all other sessions, all devices and all tokens, and forgets where the
// user stays logged in.
func (s *site) changePassword(ctx *app.Context, u *User) error {
	in, err := ctx.BindStrings(0, "current_password", "password", "password_confirmation")
	if err != nil {
		return err
	}
	again := in["password_confirmation"]
	_, err = s.people.ReplacePassword(ctx, u, accounts.PasswordChange{Current: in["current_password"], Password: in["password"], Confirmation: &again})
	if err != nil {
		d := accountForms(u)
		if err := d.Password.refuse(ctx, err); err != nil {
			return err
		}
		return showAccount(ctx, d)
	}
	if err := s.withoutTokens(ctx); err != nil {
		return err
	}
	return flash(ctx, "info", "Your password was changed. You are logged out everywhere else, and your tokens work no more.", "/account")
}

// changeEmail changes nothing until the link in the mail is followed.
func (s *site) changeEmail(ctx *app.Context, u *User) error {
	in, err := ctx.BindStrings(0, "email", "current_password")
	if err != nil {
		return err
	}
	if err := s.people.MailChange(ctx, u, in["email"], in["current_password"]); err != nil {
		d := accountForms(u)
		d.Change.Fields[0].Value = in["email"]
		if err := d.Change.refuse(ctx, err); err != nil {
			return err
		}
		return showAccount(ctx, d)
	}
	return flash(ctx, "info", "A mail is on its way to the new address. Open the link in it to use that address from now on.", "/account")
}

// mailVerification sends the mail of the sign-up once more.
func (s *site) mailVerification(ctx *app.Context, u *User) error {
	err := s.people.MailVerify(ctx, u.Email)
	if why, ok := errors.AsType[*accounts.Failure](err); ok {
		return flash(ctx, "error", sentence(why), "/account")
	}
	if err != nil {
		return err
	}
	return flash(ctx, "info", "A mail is on its way to you.", "/account")
}

func showClose(ctx *app.Context) error {
	return showForm(ctx, "close", "Delete the account", form{Action: "/account/close", Button: "Delete my account", Danger: true})
}

// closeAccount cannot be undone, so there is a guard that asks for the password again.
func (s *site) closeAccount(ctx *app.Context, u *User) error {
	if err := s.people.Remove(ctx, u); err != nil {
		return err
	}
	if err := ctx.Logout(); err != nil {
		return err
	}
	return flash(ctx, "info", "Your account was deleted.", "/")
}

package main

import (
	"fmt"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
)

var passwordHint = fmt.Sprintf("At least %d characters. A few words are easier to remember than signs.", passwordPolicy.MinLength())

func signUpForm(username, email string) form {
	return form{Action: "/signup", Button: "Sign up", Fields: append([]field{
		{ID: "username", Name: "username", Label: "Username", Hint: "Letters, digits, dots, hyphens and underscores.", Type: "text", Complete: "username", Value: username},
		emailField("email", "E-mail address", email),
	}, newPassword("Password")...)}
}

func showSignUp(ctx *app.Context) error {
	id, err := ctx.Identity()
	switch {
	case err != nil:
		return err
	case id != nil:
		return ctx.Redirect("/dashboard")
	}
	return showForm(ctx, "signup", "Sign up", signUpForm("", ""))
}

// signUp makes an account and logs in. That an address has an account already cannot be
// kept from who wants one with it, as long as nobody has to confirm it first.
func (s *site) signUp(ctx *app.Context) error {
	if _, err := ctx.Session(); err != nil {
		return err // a form on another site, before a password is hashed
	}
	in, err := ctx.BindStrings(0, "username", "email", "password", "password_confirmation")
	if err != nil {
		return err
	}
	again := in["password_confirmation"]
	user, _, err := s.people.Register(ctx, accounts.Registration{
		Email: in["email"], Password: in["password"], Confirmation: &again, Fields: map[string]string{"username": in["username"]},
	})
	if err != nil {
		f := signUpForm(in["username"], in["email"])
		if err := f.refuse(ctx, err); err != nil {
			return err
		}
		return showForm(ctx, "signup", "Sign up", f)
	}
	if err := s.withoutTokens(ctx); err != nil {
		return err
	}
	if err := ctx.Login(user); err != nil {
		return err
	}
	return flash(ctx, "info", "Welcome. A mail is on its way to you, to confirm your address.", "/dashboard")
}

// withoutTokens ends the tokens that were made in this request: a browser has its session.
func (s *site) withoutTokens(ctx *app.Context) error {
	_, err := s.people.Guard().Logout(ctx)
	return err
}

// showForm answers with a page that is one form.
func showForm(ctx *app.Context, name, title string, f form) error {
	return show(ctx, name, page{Title: title, Problem: f.wrong, Data: f})
}

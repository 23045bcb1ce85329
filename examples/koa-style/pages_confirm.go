package main

import "github.com/kahu-go/kahu/app"

func confirmForm(u *User) form {
	password := currentField("current-password", "Your password")
	password.Focus = true
	return form{Username: u.Username, Action: "/confirm", Button: "Go on", Fields: []field{password}}
}

func showConfirm(ctx *app.Context, u *User) error { return askAgain(ctx, confirmForm(u)) }

func askAgain(ctx *app.Context, f form) error { return showForm(ctx, "confirm", "Is it you?", f) }

// confirm takes the password of who is logged in again, and leads to what asked for that.
func (s *site) confirm(ctx *app.Context, u *User) error {
	in, err := ctx.BindStrings(0, "current_password")
	if err != nil {
		return err
	}
	if err := s.people.CheckPassword(ctx, u, in["current_password"]); err != nil {
		f := confirmForm(u)
		if err := f.refuse(ctx, err); err != nil {
			return err
		}
		return askAgain(ctx, f)
	}
	if err := ctx.ConfirmLogin(u); err != nil {
		return err
	}
	return ctx.ReturnToOrRedirect("/account")
}

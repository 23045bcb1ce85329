package main

import (
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// A stay says whether somebody wants to be remembered when the session is over.
type stay struct {
	Remember bool `json:"remember"`
}

// login answers a browser's form with the page, everybody else with the user.
func login(local *strategies.Local) app.Handler {
	return func(ctx *app.Context) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err
		}
		var want stay
		if err := ctx.Bind(&want); err != nil {
			return err
		}
		if err := ctx.Login(id.User, app.Remember(want.Remember)); err != nil {
			return err
		}
		if wantsPage(ctx) {
			return ctx.Redirect("/")
		}
		ctx.Status, ctx.Body = http.StatusCreated, view(id.User.(*User))
		return nil
	}
}

func logout(ctx *app.Context) error {
	ctx.Status = http.StatusNoContent
	return ctx.Logout()
}

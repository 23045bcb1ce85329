package main

import (
	"errors"
	"net/http"

	"github.com/kahu-go/kahu/app"
)

// loginData is what the form to log in shows: what was typed and chosen, and what is wrong.
type loginData struct {
	Name     string `json:"username"`
	Remember bool   `json:"remember"`
	Problem  string `json:"-"`
}

func showLogin(ctx *app.Context) error {
	id, err := ctx.Identity()
	switch {
	case err != nil:
		return err
	case id != nil:
		return ctx.Redirect("/dashboard")
	}
	return show(ctx, "login", page{Title: "Log in", Data: loginData{}})
}

// loginForm logs in and leads to where the browser wanted to go, or shows the form again and
// says why not.
func (s *site) loginForm(ctx *app.Context) error {
	if _, err := ctx.Session(); err != nil {
		return err // a form on another site, before a password is checked
	}
	id, err := s.local.Authenticate(ctx)
	if err != nil {
		return s.loginAgain(ctx, err)
	}
	var typed loginData
	if err := ctx.Bind(&typed); err != nil {
		return err
	}
	if err := ctx.Login(id.User, app.Remember(typed.Remember)); err != nil {
		return err
	}
	return ctx.ReturnToOrRedirect("/dashboard")
}

func (s *site) loginAgain(ctx *app.Context, why error) error {
	status, problem := loginProblem(why)
	if status == 0 {
		return why
	}
	var typed loginData
	if err := ctx.Bind(&typed); err != nil {
		return err
	}
	if e, ok := errors.AsType[*app.Error](why); ok {
		ctx.Header()["Retry-After"] = e.Header["Retry-After"]
	}
	ctx.Status, typed.Problem = status, problem
	return show(ctx, "login", page{Title: "Log in", Problem: true, Data: typed})
}

// loginProblem says what a person can do about an error; 0: nothing.
func loginProblem(err error) (status int, problem string) {
	if e, ok := errors.AsType[*app.Error](err); ok && e.Status == http.StatusTooManyRequests {
		return e.Status, e.Message + "."
	}
	r, ok := errors.AsType[*app.Rejection](err)
	switch {
	case errors.Is(err, app.ErrNoCredentials), ok && r.Status == http.StatusBadRequest:
		return http.StatusBadRequest, "Type your username and your password."
	case ok:
		return http.StatusUnauthorized, r.Message + "."
	}
	return 0, ""
}

// logoutForm is logout for pages.
func logoutForm(ctx *app.Context) error {
	if err := ctx.Logout(); err != nil {
		return err
	}
	return ctx.Redirect("/")
}

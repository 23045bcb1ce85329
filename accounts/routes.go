package accounts

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

// An Action is something that people do with their accounts, and its route.
type Action string

// The first six are api_guard's. The others are there if Options.Mail has a Mailer.
const (
	SignUp         Action = "sign up"         // POST /sign_up
	SignIn         Action = "sign in"         // POST /sign_in
	SignOut        Action = "sign out"        // DELETE /sign_out
	RefreshTokens  Action = "refresh tokens"  // POST /tokens
	ChangePassword Action = "change password" // PATCH /passwords
	DeleteAccount  Action = "delete account"  // DELETE /delete

	RequestReset  Action = "request reset"  // POST /resets
	ResetPassword Action = "reset password" // PATCH /resets
	RequestVerify Action = "request verify" // POST /verifications
	VerifyEmail   Action = "verify e-mail"  // PATCH /verifications
	ChangeEmail   Action = "change e-mail"  // POST /emails
	ConfirmEmail  Action = "confirm e-mail" // PATCH /emails
)

// MountOptions say which routes there are, where, and how they are done.
type MountOptions struct {
	// Path comes before all of them; "": "/", the resource and "s", such as /users. "/" is
	// for routes such as /sign_in.
	Path string

	// Only leaves all other actions out, Except these. Not both.
	Only, Except []Action

	// Paths are other paths for actions, below Path.
	Paths map[Action]string

	// Handlers answer instead of ours. The methods of Accounts are there to be called.
	Handlers map[Action]app.Handler

	// Layers stand before and after an action's handler, and below its guard.
	Layers map[Action][]app.Middleware
}

// A route is how an action is reached.
type route struct {
	action       Action
	method, path string
	guarded      bool
	mailed       bool
	handler      func(*Accounts, *app.Context) error
}

var routes = []route{
	{SignUp, http.MethodPost, "/sign_up", false, false, (*Accounts).SignUp},
	{SignIn, http.MethodPost, "/sign_in", false, false, (*Accounts).SignIn},
	{SignOut, http.MethodDelete, "/sign_out", true, false, (*Accounts).SignOut},
	{RefreshTokens, http.MethodPost, "/tokens", false, false, (*Accounts).RefreshTokens},
	{ChangePassword, http.MethodPatch, "/passwords", true, false, (*Accounts).ChangePassword},
	{DeleteAccount, http.MethodDelete, "/delete", true, false, (*Accounts).DeleteAccount},
	{RequestReset, http.MethodPost, "/resets", false, true, (*Accounts).RequestReset},
	{ResetPassword, http.MethodPatch, "/resets", false, true, (*Accounts).ResetPassword},
	{RequestVerify, http.MethodPost, "/verifications", false, true, (*Accounts).RequestVerify},
	{VerifyEmail, http.MethodPatch, "/verifications", false, true, (*Accounts).VerifyEmail},
	{ChangeEmail, http.MethodPost, "/emails", true, true, (*Accounts).ChangeEmail},
	{ConfirmEmail, http.MethodPatch, "/emails", false, true, (*Accounts).ConfirmEmail},
}

// Mount puts the routes into r, each marked as guarded or open. It panics for an action
// that does not exist or is not there.
func (a *Accounts) Mount(r *router.Router, o MountOptions) {
	if o.Path == "" {
		o.Path = "/" + a.o.Resource + "s"
	}
	o.mustBeKnown(a)
	r.Group(o.Path, func(r *router.Router) {
		for _, route := range routes {
			if a.has(route) && o.wants(route.action) {
				a.mount(r, route, &o)
			}
		}
	})
}

func (a *Accounts) mount(r *router.Router, route route, o *MountOptions) {
	handler := func(ctx *app.Context) error { return route.handler(a, ctx) }
	if own := o.Handlers[route.action]; own != nil {
		handler = own
	}
	if path, ok := o.Paths[route.action]; ok {
		route.path = path
	}
	if route.guarded {
		r = r.Guard(a.RequireLogin)
	} else {
		r = r.Open()
	}
	if layers := o.Layers[route.action]; len(layers) > 0 {
		r = r.With(layers...)
	}
	r.Handle(route.method, route.path, handler)
}

// has reports whether the options let the action be.
func (a *Accounts) has(r route) bool { return !r.mailed || a.mails != nil }

func (o *MountOptions) wants(action Action) bool {
	if len(o.Only) > 0 {
		return slices.Contains(o.Only, action)
	}
	return !slices.Contains(o.Except, action)
}

func (o *MountOptions) mustBeKnown(a *Accounts) {
	if len(o.Only) > 0 && len(o.Except) > 0 {
		panic("accounts: MountOptions: either Only or Except")
	}
	known := func(action Action) {
		for _, r := range routes {
			if r.action == action && a.has(r) {
				return
			}
		}
		panic(fmt.Sprintf("accounts: MountOptions: there is no action %q", action))
	}
	for _, action := range append(slices.Clone(o.Only), o.Except...) {
		known(action)
	}
	for action := range o.Paths {
		known(action)
	}
	for action := range o.Handlers {
		known(action)
	}
	for action := range o.Layers {
		known(action)
	}
}

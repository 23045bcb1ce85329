package main

import (
	"errors"
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

// dashboardData is what the dashboard shows.
type dashboardData struct {
	Base     string
	Sessions []app.SessionInfo
	Devices  []strategies.Device
	Tokens   []tokenstores.Token
	Form     tokenForm
	Scopes   []choice
	Expiries []choice
	New      *strategies.IssuedToken // made just now
}

func (s *site) dashboard(ctx *app.Context, u *User) error {
	return s.showDashboard(ctx, u, dashboardData{Form: tokenForm{Expiry: "30"}})
}

// showDashboard adds what is stored to what the request has to say.
func (s *site) showDashboard(ctx *app.Context, u *User, d dashboardData) (err error) {
	if d.Sessions, err = s.sessions.Mine(ctx); err != nil {
		return err
	}
	if d.Devices, err = s.jwt.Devices(ctx.Context(), u); err != nil {
		return err
	}
	if d.Tokens, err = s.tokens.List(ctx.Context(), u); err != nil {
		return err
	}
	d.Base, d.Scopes, d.Expiries = s.base, d.Form.scopes(), d.Form.expiries()
	return show(ctx, "dashboard", page{Title: "Dashboard", Problem: d.Form.wrong(), Data: d})
}

// createTokenForm makes a token and answers with the page that shows it, instead of
// sending the browser to one: then the token need not be kept for the next request,
// neither in an address, which logs and histories hold, nor in the session's row, and
// it is in nobody's cache. The price is that reloading the page asks to send the form again.
func (s *site) createTokenForm(ctx *app.Context, u *User) error {
	form, err := readTokenForm(ctx)
	if err != nil {
		return err
	}
	var issued *strategies.IssuedToken
	if !form.wrong() {
		issued, err = s.tokens.Issue(ctx.Context(), u, form.options(address(ctx)))
	}
	switch {
	case errors.Is(err, strategies.ErrTokenOptions):
		form.NameProblem = "A token cannot have this name." // the rest was chosen from a list
	case err != nil:
		return err
	}
	if form.wrong() {
		ctx.Status = http.StatusBadRequest
		return s.showDashboard(ctx, u, dashboardData{Form: form})
	}
	ctx.Status = http.StatusCreated
	ctx.Header().Set("Cache-Control", "no-store")
	return s.showDashboard(ctx, u, dashboardData{Form: tokenForm{Expiry: "30"}, New: issued})
}

func (s *site) revokeTokenForm(ctx *app.Context, u *User) error {
	there, err := s.tokens.Revoke(ctx.Context(), u, ctx.Param("id"))
	if err != nil {
		return err
	}
	if !there {
		return flash(ctx, "error", "That token is gone already.", "/dashboard")
	}
	return flash(ctx, "info", "The token was revoked. It works no more.", "/dashboard")
}

package main

import (
	"fmt"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

// sessionsData is what the page of sessions shows.
type sessionsData struct {
	Sessions   []app.SessionInfo
	Others     bool                // there are sessions but this one
	Remembered []tokenstores.Token // devices on which the user stays logged in
}

const sessionsPage = "/account/sessions"

func (s *site) showSessions(ctx *app.Context, u *User) (err error) {
	var d sessionsData
	if d.Sessions, err = s.sessions.Mine(ctx); err != nil {
		return err
	}
	if d.Remembered, err = s.remember.List(ctx.Context(), u); err != nil {
		return err
	}
	d.Others = len(d.Sessions) > 1
	return show(ctx, "sessions", page{Title: "Sessions", Data: d})
}

// endSession ends a session of the user's, and forgets its device. Another user's is as good as
// none.
func (s *site) endSession(ctx *app.Context, u *User) error {
	this, err := s.sessions.Session(ctx)
	if err != nil {
		return err
	}
	handle := ctx.Param("handle")
	if handle == this.Handle() {
		return logoutForm(ctx)
	}
	there, err := s.sessions.End(ctx.Context(), u, handle)
	if err != nil {
		return err
	}
	if !there {
		return flash(ctx, "error", "That session is over already.", sessionsPage)
	}
	return flash(ctx, "info", "The session was ended. Whoever uses that device has to log in again.", sessionsPage)
}

// endOtherSessions logs the user out everywhere else.
func (s *site) endOtherSessions(ctx *app.Context) error {
	n, err := s.sessions.LogoutOthers(ctx)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d other sessions were ended.", n)
	if n == 1 {
		text = "One other session was ended."
	}
	return flash(ctx, "info", text, sessionsPage)
}

// endAllSessions logs the user out everywhere, here too.
func (s *site) endAllSessions(ctx *app.Context, u *User) error {
	if _, err := s.sessions.LogoutAll(ctx.Context(), u); err != nil {
		return err
	}
	if err := ctx.Logout(); err != nil {
		return err
	}
	return flash(ctx, "info", "You are logged out everywhere.", "/login")
}

// forgetDevice leaves the session alone that the device may have.
func (s *site) forgetDevice(ctx *app.Context, u *User) error {
	there, err := s.remember.Revoke(ctx.Context(), u, ctx.Param("id"))
	if err != nil {
		return err
	}
	if !there {
		return flash(ctx, "error", "That device is forgotten already.", sessionsPage)
	}
	return flash(ctx, "info", "The device was forgotten. When its session is over, it takes the password again.", sessionsPage)
}

package main

import (
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
)

// newApp puts the program together: a stack of layers, the last one the routes.
func newApp(c *config, s *stores) (*app.App, *app.Sessions) {
	users := serializer.NewTable[User](s.db, serializer.TableOptions{LookUp: []string{"username", "email"}})
	sessions := app.NewSessions(s.sessions, users, app.SessionOptions{
		Cookie:         app.SessionCookie{InsecureHTTP: !c.https()},
		TrustedOrigins: []string{c.baseURL.Scheme + "://" + c.baseURL.Host},
	})
	local := strategies.NewLocal(users.ByNameWithHash, strategies.LocalOptions{Rehash: users.ReplaceHash, Attempts: s.attempts})

	r := router.New()
	r.Optional().Get("/", home(s.db))
	r.Open().Get("/healthz", health(s))
	r.Open().Post("/session", login(local))
	r.Open().Delete("/session", logout)
	r.Open().Post("/logout", logoutForm)
	r.Guard(app.RequireLogin).Get("/session", app.LoggedIn(func(ctx *app.Context, u *User) error {
		ctx.Body = view(u)
		return nil
	}))
	r.Guard(app.RequireLogin).Group("/ringsofpower", func(r *router.Router) {
		r.Get("", listRings(s.db))
		r.Delete("/{id}", mountDoom(s.db)).Name("ring")
	})

	a := app.New()
	a.Keys = c.keys
	a.Use(sessions.Layer, r.Layer)
	return a, sessions
}

// login answers a browser's form with the page, everybody else with the user.
func login(local *strategies.Local) app.Handler {
	return func(ctx *app.Context) error {
		id, err := local.Authenticate(ctx)
		if err != nil {
			return err
		}
		if err := ctx.Login(id.User); err != nil {
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

// logoutForm is logout for pages, whose forms know no DELETE.
func logoutForm(ctx *app.Context) error {
	if err := ctx.Logout(); err != nil {
		return err
	}
	return ctx.Redirect("/")
}

func health(s *stores) app.Handler {
	return func(ctx *app.Context) error {
		if err := s.ping(ctx.Context()); err != nil {
			return &app.Error{Status: http.StatusServiceUnavailable, Cause: err}
		}
		ctx.Body = map[string]string{"status": "ok"}
		return nil
	}
}

package main

import (
	"net/http"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
)

func (s *site) routes() *router.Router {
	r := router.New()
	r.Open().Get("/healthz", health(s.stores))
	s.sessionRoutes(r)
	s.pageRoutes(r)
	s.apiRoutes(r)
	return r
}

// sessionRoutes are for programs that keep a cookie.
func (s *site) sessionRoutes(r *router.Router) {
	r.Open().Post("/session", login(s.local))
	r.Open().Delete("/session", logout)
	r.Guard(app.RequireLogin).Get("/session", app.LoggedIn(func(ctx *app.Context, u *User) error {
		ctx.Body = view(u)
		return nil
	}))
	r.Guard(app.RequireLogin).Group("/ringsofpower", func(r *router.Router) {
		r.Get("", listRings(s.db))
		r.Delete("/{id}", mountDoom(s.db)).Name("ring")
	})
}

// pageRoutes are for people. Forms know no DELETE, so all they change is a POST.
func (s *site) pageRoutes(r *router.Router) {
	r.Optional().Get("/", s.home)
	r.Open().Get("/assets/{name}", asset)
	r.Open().Get("/login", showLogin)
	r.Open().Post("/login", s.loginForm)
	r.Open().Post("/logout", logoutForm)
	r.Guard(loginPage).Group("/dashboard", func(r *router.Router) {
		r.Get("", app.LoggedIn(s.dashboard))
		r.Post("/tokens", app.LoggedIn(s.createTokenForm))
		r.Post("/tokens/{id}/revoke", app.LoggedIn(s.revokeTokenForm))
		r.Post("/sessions/end-others", s.endOtherSessions)
	})
}

// apiRoutes are for programs that send a token.
func (s *site) apiRoutes(r *router.Router) {
	r.Open().Post("/token", s.bareToken)
	r.Open().Post("/api/login", s.apiLogin)
	r.Open().Post("/api/logout", s.apiLogout)

	token := r.Guard(app.Authenticate(s.api))
	token.Get("/api/dashboard", hello)
	token.Get("/api/me", app.LoggedIn(s.me))
	token.Guard(app.RequireScopes("rings:read")).Get("/api/rings", listRings(s.db))
	token.Guard(app.RequireScopes("rings:write")).Delete("/api/rings/{id}", mountDoom(s.db))

	r.Guard(app.Authenticate(s.api, s.sessions)).Group("/api/tokens", func(r *router.Router) {
		r.Get("", app.LoggedIn(s.listTokens))
		r.Post("", app.LoggedIn(s.createToken))
		r.Delete("/{id}", app.LoggedIn(s.revokeToken))
	})
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

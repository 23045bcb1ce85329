package main

import (
	"net/http"
	"time"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/strategies"
)

func (s *site) routes() *router.Router {
	r := router.New()
	r.Open().Get("/healthz", health(s.stores))
	s.sessionRoutes(r)
	s.pageRoutes(r)
	s.apiRoutes(r)
	s.jwtRoutes(r)
	s.accountRoutes(r)
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
	r.Guard(app.RequireLogin).Group("/dashboard", func(r *router.Router) {
		r.Get("", app.LoggedIn(s.dashboard))
		r.Post("/tokens", app.LoggedIn(s.createTokenForm))
		r.Post("/tokens/{id}/revoke", app.LoggedIn(s.revokeTokenForm))
		r.Post("/devices/{id}/end", app.LoggedIn(s.endDeviceForm))
		r.Post("/devices/end-all", app.LoggedIn(s.endAllDevicesForm))
	})
	r.Open().Get("/signup", showSignUp)
	r.Open().Post("/signup", s.signUp)
	r.Guard(app.RequireLogin).Group("/account", s.accountPages)
	r.Guard(app.RequireLogin).Group("/confirm", func(r *router.Router) {
		r.Get("", app.LoggedIn(showConfirm))
		r.Post("", app.LoggedIn(s.confirm))
	})
	mailedPages{s.people, "", "/login", "/account"}.routes(r)
	mailedPages{s.admins, "/admins", "/", ""}.routes(r)
}

// recently is how long a password is good for what cannot be undone.
const recently = 15 * time.Minute

func (s *site) accountPages(r *router.Router) {
	r.Get("", app.LoggedIn(s.account))
	r.Post("/password", app.LoggedIn(s.changePassword))
	r.Post("/email", app.LoggedIn(s.changeEmail))
	r.Post("/verification", app.LoggedIn(s.mailVerification))
	r.Group("/sessions", func(r *router.Router) {
		r.Get("", app.LoggedIn(s.showSessions))
		r.Post("/{handle}/end", app.LoggedIn(s.endSession))
		r.Post("/end-others", s.endOtherSessions)
		r.Post("/end-all", app.LoggedIn(s.endAllSessions))
	})
	r.Post("/remembered/{id}/forget", app.LoggedIn(s.forgetDevice))
	r.Guard(app.RequireRecentLogin(recently)).Group("/close", func(r *router.Router) {
		r.Get("", showClose)
		r.Post("", app.LoggedIn(s.closeAccount))
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

// jwtRoutes are for programs on devices, and for gateways that verify their tokens.
func (s *site) jwtRoutes(r *router.Router) {
	r.Open().Post("/jwt/login", s.jwtLogin)
	r.Open().Post("/jwt/refresh", s.jwtRefresh)
	r.Open().Post("/jwt/logout", s.jwtLogout)

	token := r.Guard(app.Authenticate(s.phones))
	token.Get("/jwt/me", app.LoggedIn(s.jwtMe))
	token.Group("/jwt/devices", func(r *router.Router) {
		r.Get("", app.LoggedIn(s.listDevices))
		r.Delete("", app.LoggedIn(s.endOtherDevices))
		r.Delete("/{id}", app.LoggedIn(s.endDevice))
	})

	r.Open().Get("/.well-known/jwks.json", s.jwtKeys.Publish)
	r.Open().Post("/oauth/revoke", strategies.RevocationEndpoint(s.jwt, s.tokens))
	r.Guard(app.Authenticate(s.phones, s.api)).Post("/oauth/introspect", strategies.IntrospectionEndpoint(s.jwt, s.tokens))
}

// accountRoutes are for clients of api_guard. Nobody makes themselves an admin where others
// can reach the program.
func (s *site) accountRoutes(r *router.Router) {
	s.people.Mount(r, accounts.MountOptions{})
	var admins accounts.MountOptions
	if !s.alone {
		admins.Except = []accounts.Action{accounts.SignUp}
	}
	s.admins.Mount(r, admins)
	r.Guard(accounts.OneOf(s.people, s.admins)).Get("/posts", listPosts)
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

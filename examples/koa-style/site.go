package main

import (
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
)

// tokenExpiry is how long a token lives unless it is asked for otherwise.
const tokenExpiry = 30 * 24 * time.Hour

// A site is the program put together.
type site struct {
	base     string // how it is reached, without a slash at the end
	keys     *app.Keys
	stores   *stores
	db       *bun.DB
	sessions *app.Sessions
	local    *strategies.Local
	tokens   *strategies.Bearer
	api      *strategies.Guard[*strategies.IssuedToken, strategies.TokenOptions]
}

func newSite(c *config, s *stores) *site {
	users := serializer.NewTable[User](s.db, serializer.TableOptions{LookUp: []string{"username", "email"}})
	local := strategies.NewLocal(users.ByNameWithHash, strategies.LocalOptions{Rehash: users.ReplaceHash, Attempts: s.attempts})
	tokens := strategies.NewBearer(s.tokens, users, strategies.BearerOptions{Expiry: tokenExpiry})
	return &site{
		base: strings.TrimSuffix(c.baseURL.String(), "/"), keys: c.keys, stores: s, db: s.db,
		sessions: app.NewSessions(s.sessions, users, app.SessionOptions{
			Cookie:         app.SessionCookie{InsecureHTTP: !c.https()},
			TrustedOrigins: []string{c.baseURL.Scheme + "://" + c.baseURL.Host},
		}),
		local: local, tokens: tokens,
		api: strategies.NewGuard("api", tokens, strategies.GuardOptions{Local: local, ByID: users.Deserialize}),
	}
}

// app is the stack of layers, the last one the routes.
func (s *site) app() *app.App {
	a := app.New()
	a.Keys = s.keys
	return a.Use(s.sessions.Layer, s.routes().Layer)
}

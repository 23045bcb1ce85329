package main

import (
	"log/slog"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/serializer"
	"github.com/kahu-go/kahu/strategies"
)

// maxSessions is how many sessions one user has at once: the oldest ends for a newer one.
const maxSessions = 10

// tokenExpiry is how long a token lives unless it is asked for otherwise.
const tokenExpiry = 30 * 24 * time.Hour

// A site is the program put together.
type site struct {
	base     string // how it is reached, without a slash at the end
	alone    bool   // nobody else can reach it: development
	keys     *app.Keys
	jwtKeys  *strategies.JWTKeys
	hasher   passwords.Hasher
	stores   *stores
	db       *bun.DB
	events   func(*app.Context, app.Event)
	sessions *app.Sessions
	remember *strategies.Remember
	local    *strategies.Local
	tokens   *strategies.Bearer
	api      *strategies.Guard[*strategies.IssuedToken, strategies.TokenOptions]
	jwt      *strategies.JWT
	phones   *strategies.Guard[*strategies.TokenPair, strategies.PairOptions]
	people   *accounts.Accounts
	admins   *accounts.Accounts
	log      *slog.Logger
	proxies  *app.Proxies
	hosts    []string
}

// newSite puts it together; mails go out by the mailer.
func newSite(c *config, stores *stores, mailer accounts.Mailer) *site {
	s := &site{base: strings.TrimSuffix(c.baseURL.String(), "/"), alone: c.local() && !c.https(), keys: c.keys, jwtKeys: c.jwtKeys, hasher: c.hasher, stores: stores, db: stores.db, events: app.LogEvents(c.log), log: c.log, proxies: c.proxies, hosts: c.hosts()}
	users := serializer.NewTable[User](s.db, serializer.TableOptions{LookUp: []string{"username", "email"}, Stamp: "PasswordStamp"})
	members := newMembers(s.db)
	s.remember, s.sessions = s.newSessions(users, app.SessionOptions{
		Cookie:         app.SessionCookie{InsecureHTTP: !c.https()},
		TrustedOrigins: []string{c.baseURL.Scheme + "://" + c.baseURL.Host},
	})
	s.local = strategies.NewLocal(users.ByNameWithHash, strategies.LocalOptions{
		Hasher: c.hasher, Rehash: users.ReplaceHash, Attempts: stores.attempts, Disabled: func(user any) bool { return members.Status(user).Disabled },
	})
	guard := strategies.GuardOptions{Local: s.local, ByID: users.Deserialize}
	s.tokens = strategies.NewBearer(stores.tokens, users, strategies.BearerOptions{Expiry: tokenExpiry})
	s.api = strategies.NewGuard("api", s.tokens, guard)
	s.jwt = strategies.NewJWT(members.Users(), s.jwtOptions())
	s.phones = strategies.NewGuard("jwt", s.jwt, guard)
	s.people, s.admins = s.newPeople(members, mailer), s.newAdmins(mailer)
	return s
}

// newSessions makes the sessions, and what brings them back for those who want that. They end
// together, and with the password.
func (s *site) newSessions(users app.Serializer, o app.SessionOptions) (*strategies.Remember, *app.Sessions) {
	remember := strategies.NewRemember(s.stores.tokens, users, strategies.RememberOptions{
		Cookie: o.Cookie, TrustedOrigins: o.TrustedOrigins, Stamp: passwordStamp,
	})
	o.Remember, o.Stamp, o.MaxPerUser = remember, passwordStamp, maxSessions
	o.LoginPage, o.ConfirmPage = "/login", "/confirm"
	return remember, app.NewSessions(s.stores.sessions, users, o)
}

func (s *site) jwtOptions() strategies.JWTOptions {
	return strategies.JWTOptions{
		Issuer: s.base, Audience: s.base, Keys: s.jwtKeys,
		Refresh: strategies.RefreshOptions{Store: s.stores.tokens}, Denylist: s.stores.denials,
	}
}

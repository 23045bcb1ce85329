package main

import (
	"context"
	"net/url"

	"github.com/kahu-go/kahu/accounts"
	"github.com/kahu-go/kahu/database"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
)

var passwordPolicy = passwords.NewPolicy(passwords.PolicyOptions{})

// mailed are the pages that mails point to.
var mailed = map[accounts.Purpose]string{
	accounts.PurposeReset: "/reset/new", accounts.PurposeVerify: "/verify", accounts.PurposeEmail: "/email",
}

// newPeople makes the routes of the users, who have sessions, and tokens for programs, too.
// With a session its device is forgotten. A new password forgets the one that asks as well.
// Their JWTs are those of /jwt, but for the header that api_guard's clients send them in.
func (s *site) newPeople(store members, mailer accounts.Mailer) *accounts.Accounts {
	o := s.accountOptions("", mailer)
	o.Tokens = s.jwt.With(asAPIGuard)
	o.Fields = []string{"username"}
	o.Sessions, o.Others = s.sessions, []accounts.Revoker{s.tokens, s.remember}
	return accounts.New(store, o)
}

// newAdmins makes those of the admins, whom a kind of their own keeps apart: user 1 is not
// admin 1.
func (s *site) newAdmins(mailer accounts.Mailer) *accounts.Accounts {
	store := accounts.NewUsers(s.db, "admins")
	o := s.accountOptions("/admins", mailer)
	o.Resource = "admin"
	jwt := s.jwtOptions()
	jwt.Kind = "admin"
	asAPIGuard(&jwt)
	o.Tokens = strategies.NewJWT(store.Users(), jwt)
	return accounts.New(store, o)
}

func asAPIGuard(o *strategies.JWTOptions) {
	o.Refresh.NeedsAccess, o.Sources = true, []strategies.Source{accounts.AccessToken()}
}

// accountOptions are what both kinds have in common. Their pages are below prefix.
func (s *site) accountOptions(prefix string, mailer accounts.Mailer) accounts.Options {
	o := accounts.Options{
		Policy: passwordPolicy, Hasher: s.hasher, Attempts: s.stores.attempts,
		Mail: accounts.MailOptions{Mailer: mailer, Tokens: s.stores.tokens, Link: func(p accounts.Purpose, token string) string {
			return s.base + prefix + mailed[p] + "?token=" + url.QueryEscape(token)
		}},
	}
	if s.stores.redis == nil { // otherwise credentials end there before the account changes here
		o.Transact = func(ctx context.Context, work func(context.Context) error) error {
			return database.Transact(ctx, s.db, work)
		}
	}
	return o
}

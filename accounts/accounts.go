// Package accounts has the routes that an application with accounts needs: signing up, in
// and out, refreshing tokens, changing and resetting the password, confirming and changing
// the e-mail address, deleting the account. On the wire they are those of the Rails gem
// api_guard by default.
package accounts

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/throttle"
	"github.com/kahu-go/kahu/tokenstores"
)

// Accounts are the accounts of one kind, such as users or admins, and the handlers for
// their routes, which [Accounts.Mount] puts into a router. Make it with [New].
type Accounts struct {
	store     Store
	o         Options
	local     *strategies.Local
	guard     *Guard
	languages language.Matcher
	atomic    bool                            // Options.Transact was given
	mails     map[Purpose]*strategies.OneTime // nil without Options.Mail
}

// A Guard proves people by their access tokens.
type Guard = strategies.Guard[*strategies.TokenPair, strategies.PairOptions]

// Options are the options of [New]. Tokens is required.
type Options struct {
	// Tokens are what people are signed in with. The JWT's Serializer must be the Store's
	// Users.
	Tokens *strategies.JWT

	// Resource names one account in messages and realms; "": user.
	Resource string

	// Fields are the names of further texts that a sign-up may bring, such as "name": at
	// most 255 bytes each. Nothing else of a body gets to the Store.
	Fields []string

	// Sessions and Others are what else an account may be signed in with. They end when
	// the table in docs/accounts.md says so.
	Sessions *app.Sessions
	Others   []Revoker

	// Legacy are tokens of another system that are still exchanged for ours. They end with
	// Others: one that was stolen would otherwise buy a new one of ours.
	Legacy []strategies.LegacyTokens

	// Transact makes one transaction of what is done to all stores. database.Transact with
	// the database in it does, for those that are in this database. nil: each for itself, in
	// an order that puts nobody in whom a change was to put out.
	Transact func(ctx context.Context, work func(context.Context) error) error

	// View is what an answer may show of a user, who is never nil, in the formats that show
	// one; nil: nothing.
	View func(user any) any

	// Policy says which passwords are good enough; nil: passwords.NewPolicy's default.
	Policy *passwords.Policy

	// Hasher makes and checks hashes; nil: bcrypt.
	Hasher passwords.Hasher

	// Attempts counts sign-ins, and requests for mails; nil: in memory.
	Attempts throttle.Counter

	// Mail lets people reset passwords and confirm addresses; without a Mailer these routes
	// are not there.
	Mail MailOptions

	// Address is where a request comes from, by which attempts are counted; nil:
	// app.Context.Address. See strategies.LocalOptions for what is wrong with that behind a
	// reverse proxy.
	Address func(ctx *app.Context) netip.Addr

	// RequireVerified refuses sign-ins until the address is confirmed, as a wrong password is.
	RequireVerified bool

	// Format says what answers look like; nil: [APIGuard].
	Format Format

	// Catalogues have the messages in several languages, of which the request's
	// Accept-Language chooses; the first is the default. nil: English and German.
	Catalogues []Catalogue

	// InsecureChangeWithoutPassword changes a password and an address for whoever has an
	// access token, as api_guard does: a token that was stolen is an account that was stolen.
	InsecureChangeWithoutPassword bool

	// Timeout bounds each question to a store; 0: 2 seconds.
	Timeout time.Duration

	// Logger gets what must not fail a request; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// MailOptions say how people get mails.
type MailOptions struct {
	// Mailer sends. It must not block, and so not tell by its time whether there is an
	// account: [NewMailQueue] makes one of any.
	Mailer Mailer

	// Tokens keeps the tokens in the mails.
	Tokens tokenstores.Store

	// Link returns the address of the page that a mail with this token points to.
	Link func(p Purpose, token string) string

	// Compose writes a mail; nil: short texts in the language of the request.
	Compose func(ctx *app.Context, p Purpose, link string) Mail

	// Expiry is how long a token to reset a password is good for; 0: 1 hour. Those that
	// confirm an address are good for a day.
	Expiry time.Duration
}

// A Revoker ends the credentials of a user: *strategies.Bearer and *strategies.JWT.
type Revoker interface {
	RevokeAll(ctx context.Context, user any, keep string) (int, error)
}

// New makes the accounts of a kind. It panics without a Store or Tokens, and for options
// that contradict each other.
func New(store Store, o Options) *Accounts {
	if store == nil || o.Tokens == nil {
		panic("accounts: New needs a Store and Options.Tokens")
	}
	atomic := o.Transact != nil
	o.setDefaults()
	if s, ok := store.(interface{ HasField(column string) bool }); ok {
		for _, name := range o.Fields {
			if !s.HasField(name) {
				panic("accounts: Options.Fields: the Store keeps no " + name)
			}
		}
	}
	a := &Accounts{store: store, o: o, atomic: atomic, languages: languagesOf(o.Catalogues)}
	a.local = strategies.NewLocal(a.find, strategies.LocalOptions{
		Username: "email", Password: "password", Hasher: o.Hasher, Attempts: o.Attempts, Disabled: a.barred, Rehash: a.rehash,
		Address: o.Address, Timeout: o.Timeout, Logger: o.Logger, Clock: o.Clock,
	})
	a.guard = strategies.NewGuard(o.Resource, o.Tokens, strategies.GuardOptions{Local: a.local, ByID: store.Users().Deserialize})
	if o.Mail.Mailer != nil {
		a.mails = o.mailTokens()
	}
	return a
}

// Guard returns what people are signed in by, for routes of the application that are not
// mounted here: it speaks of the request's token, and answers as the application does. It
// asks neither whether the account was disabled since, nor whether its address is confirmed:
// [Accounts.RequireLogin] does, and answers in the Format.
func (a *Accounts) Guard() *Guard { return a.guard }

func (o *Options) setDefaults() {
	o.Resource = cmp.Or(o.Resource, "user")
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	o.Mail.Expiry = cmp.Or(o.Mail.Expiry, time.Hour)
	if o.Policy == nil {
		o.Policy = passwords.NewPolicy(passwords.PolicyOptions{})
	}
	if o.Hasher == nil {
		o.Hasher = passwords.NewBcrypt(passwords.BcryptOptions{})
	}
	if o.Attempts == nil {
		o.Attempts = throttle.NewMemory()
	}
	if o.Address == nil {
		o.Address = (*app.Context).Address
	}
	if o.Format == nil {
		o.Format = APIGuard
	}
	if len(o.Catalogues) == 0 {
		o.Catalogues = []Catalogue{English, German}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Transact == nil {
		o.Transact = func(ctx context.Context, work func(context.Context) error) error { return work(ctx) }
	}
	o.mustBeSafe()
}

func (o *Options) mustBeSafe() {
	m := o.Mail
	switch {
	case !o.Tokens.Revocable():
		panic("accounts: Options.Tokens: JWTs that nothing can end: give them a Denylist or a Refresh.Store")
	case strings.Trim(o.Resource, "abcdefghijklmnopqrstuvwxyz_") != "":
		panic("accounts: Options.Resource: lower-case letters and underscores")
	case o.Timeout < 0 || m.Expiry < time.Minute || m.Expiry > 24*time.Hour:
		panic("accounts: Options: Timeout is negative, or Mail.Expiry under a minute or over a day")
	case m.Mailer != nil && (m.Tokens == nil || m.Link == nil):
		panic("accounts: Options.Mail: a Mailer needs Tokens and Link")
	case m.Mailer == nil && o.RequireVerified:
		panic("accounts: Options.RequireVerified needs Options.Mail, or nobody could sign in")
	}
	for _, name := range o.Fields {
		if name == "" || name == "email" || name == "password" || name == "password_confirmation" {
			panic("accounts: Options.Fields: " + name + " is no further field")
		}
	}
}

// barred reports whether a user may not sign in, whatever the password.
func (a *Accounts) barred(user any) bool {
	s := a.store.Status(user)
	return s.Disabled || a.o.RequireVerified && !s.Verified
}

// ask bounds one question to a store.
func (a *Accounts) ask(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, a.o.Timeout)
}

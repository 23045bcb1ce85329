package strategies

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/passwords"
)

// maxBasic is how long the credentials are at most: 1 KiB in base64.
const maxBasic = 1368

// Basic proves a user by a name and a password in the Authorization header (RFC 7617). Make
// it with [NewBasic]. It makes no session: the pair comes with each request, and each costs
// what it costs to check a password. For programs [APIKey] is the better choice: a key costs no
// such thing, is not the password, and can be revoked alone.
//
// No credentials and another scheme are passed on. A header that cannot be read is 400: two
// of them, base64 that is not the padded one to the last bit, no colon, no UTF-8, control
// characters, or over 1 KiB. The name ends at the first colon, so that passwords have
// colons. A pair that is wrong is 401 with the challenge; so is one with an empty name or
// password, for which nobody is asked: who sent it knows already that it is empty, and some
// directories take an empty password for an anonymous login, which succeeds (RFC 4513 section
// 5.1.2).
//
// The password is readable to all who see the request: do not use it but over https (RFC
// 7617 section 4).
//
// Browsers keep the pair and send it by themselves, also when a page of another site makes
// them. So an unsafe request from another site is refused with 403, as those with a session
// are. For the same reason nothing here can end it: Basic is no [app.Ender], and ctx.Logout
// answers [app.ErrCannotEnd] rather than a success after which the browser is still let in.
type Basic struct {
	verify    func(ctx context.Context, c Credentials) (user any, err error)
	o         BasicOptions
	challenge string
	origins   *http.CrossOriginProtection
}

var (
	_ app.Strategy   = (*Basic)(nil)
	_ app.Challenger = (*Basic)(nil)
	_ app.Describer  = (*Basic)(nil)
)

// BasicOptions are the options of [NewBasic]. The zero value is safe.
//
// Where a [Local] verifies, each request that succeeds takes back the attempts at its account, as a
// login does: behind a program that asks all the time, somebody who guesses has only the limit
// of [LocalOptions].AddressLimit to mind.
type BasicOptions struct {
	// Realm is what a browser may show when it asks for the password; "": Restricted.
	Realm string

	// TrustedOrigins are other sites whose pages may send unsafe requests, such as
	// "https://shire.example".
	TrustedOrigins []string

	// Address is the client's, in [Credentials]; nil: [app.Context.Address]. Give it what
	// [LocalOptions].Address has.
	Address func(ctx *app.Context) netip.Addr

	// Users write the subject of a user into Identity.Subject, so that logs can name them;
	// nil: they are not named.
	Users app.Serializer
}

// NewBasic makes the strategy. verify returns the user of a name and a password; the
// method Verify of a [Local] does, which counts attempts and bounds how many passwords are
// checked at a time. The pair is wrong if it returns an *[app.Rejection],
// [app.ErrInvalidCredentials], [passwords.ErrMismatch], sql.ErrNoRows or a nil user; an
// *[app.Error], such as a 429, is answered as it is, and anything else is a fault. NewBasic
// panics without verify, for a realm that cannot be quoted, and for what is no origin.
func NewBasic[U any](verify func(ctx context.Context, c Credentials) (user U, err error), o BasicOptions) *Basic {
	if verify == nil {
		panic("strategies: NewBasic needs a way to verify names and passwords")
	}
	o.Realm = cmp.Or(o.Realm, "Restricted")
	if strings.ContainsFunc(o.Realm, notQuotable) {
		panic("strategies: BasicOptions.Realm: printable ASCII without quotes and backslashes")
	}
	if o.Address == nil {
		o.Address = (*app.Context).Address
	}
	origins := http.NewCrossOriginProtection()
	for _, origin := range o.TrustedOrigins {
		if err := origins.AddTrustedOrigin(origin); err != nil {
			panic("strategies: BasicOptions.TrustedOrigins: " + err.Error())
		}
	}
	return &Basic{
		verify:    func(ctx context.Context, c Credentials) (any, error) { return verify(ctx, c) },
		o:         o,
		challenge: `Basic realm="` + o.Realm + `", charset="UTF-8"`,
		origins:   origins,
	}
}

// Authenticate proves the user of the header's name and password.
func (b *Basic) Authenticate(ctx *app.Context) (*app.Identity, error) {
	c, err := basicCredentials(ctx)
	if err != nil {
		return nil, err
	}
	if err := ctx.CheckOrigin(b.origins); err != nil {
		err = &app.Error{Status: http.StatusForbidden, Message: "Cross-site request refused", Cause: err}
		ctx.Emit(app.Event{Name: app.EventDenied, Via: "basic", Reason: err})
		return nil, err
	}
	c.Address = b.o.Address(ctx)
	user, err := b.user(ctx.Context(), c)
	if err != nil {
		EmitLogin(ctx, "basic", err)
		return nil, err
	}
	id := &app.Identity{User: user, Scopes: []string{"*"}, Via: "basic"}
	if isNil(b.o.Users) {
		return id, nil
	}
	if id.Subject, err = subjectOf(ctx.Context(), b.o.Users, user); err != nil {
		return nil, err
	}
	return id, nil
}

// user asks verify, unless it cannot be right.
func (b *Basic) user(ctx context.Context, c Credentials) (any, error) {
	if c.Name == "" || c.Password == "" {
		return nil, wrongPair(errors.New("the name or the password is empty"))
	}
	user, err := b.verify(ctx, c)
	rejection, _ := errors.AsType[*app.Rejection](err)
	fault, _ := errors.AsType[*app.Error](err)
	switch {
	case err == nil && isNil(user):
		return nil, wrongPair(errors.New("there is no user for them"))
	case err == nil, rejection != nil, fault != nil:
		return user, err
	case slices.ContainsFunc(wrongPairs, func(wrong error) bool { return errors.Is(err, wrong) }):
		return nil, wrongPair(err)
	}
	return nil, unavailable("check the name and the password", err)
}

// wrongPairs are errors of verify that say no. The last two would let the request go on, and
// there are credentials.
var wrongPairs = []error{sql.ErrNoRows, app.ErrInvalidCredentials, passwords.ErrMismatch, app.ErrNoCredentials, app.ErrAnonymous}

func wrongPair(why error) error {
	return &app.Rejection{Message: "Wrong username or password", Cause: why}
}

// Challenge asks for a name and a password, in UTF-8 (RFC 7617 section 2.1).
func (b *Basic) Challenge(*app.Context, error) string { return b.challenge }

// Describe says that it looks at the Authorization header.
func (b *Basic) Describe() (name, looksAt string) { return "basic", "the Authorization header" }

func basicCredentials(ctx *app.Context) (c Credentials, err error) {
	scheme, rest, err := authorizationHeader(ctx)
	switch {
	case err != nil:
		return c, err
	case !strings.EqualFold(scheme, "Basic"):
		return c, app.ErrNoCredentials
	}
	var ok bool
	if c.Name, c.Password, ok = parseBasic(rest); !ok {
		return c, badRequest("Malformed Authorization header")
	}
	return c, nil
}

// parseBasic reads what follows the scheme (RFC 7617 section 2).
func parseBasic(rest string) (name, password string, ok bool) {
	text, spaced := strings.CutPrefix(rest, " ")
	if !spaced || len(text) > maxBasic {
		return "", "", false
	}
	pair, err := base64.StdEncoding.DecodeString(text)
	// The decoder skips line ends and takes bits that nobody reads: each pair has one text.
	if err != nil || base64.StdEncoding.EncodeToString(pair) != text {
		return "", "", false
	}
	if !utf8.Valid(pair) || bytes.ContainsFunc(pair, unicode.IsControl) {
		return "", "", false
	}
	return strings.Cut(string(pair), ":")
}

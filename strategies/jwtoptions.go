package strategies

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

// JWTOptions are the options of [NewJWT]. Issuer, Audience, and keys are required, and so
// is a way to end a token before it expires.
type JWTOptions struct {
	// Issuer and Audience are who makes the tokens and for whom, as they stand in each:
	// compared exactly (RFC 7519 sections 4.1.1 and 4.1.3).
	Issuer, Audience string

	// Keys sign tokens and verify them.
	Keys *JWTKeys

	// Remote are the keys of another issuer, instead of Keys: its tokens are verified, none
	// are issued.
	Remote *RemoteKeys

	// Kind tells the users of one table from those of another that has the same Issuer and
	// Audience: user 1 is not admin 1. "": the only kind.
	Kind string

	// Typ is the type in the header of a token, which tells it from those that the issuer
	// makes for other purposes; "": at+jwt (RFC 9068).
	Typ string

	// Expiry is how long an access token lives; 0: 15 minutes.
	Expiry time.Duration

	// Leeway is how far the clocks of others may be off; 0: none, at most a minute.
	Leeway time.Duration

	// Refresh says how refresh tokens are; without a Store there are none.
	Refresh RefreshOptions

	// Denylist ends single tokens, devices, and all that a user has. It is asked once for
	// each request.
	Denylist tokenstores.Denylist

	// Allowlist accepts a token only while its device is in Refresh.Store, which is asked
	// once for each request, instead of a Denylist.
	Allowlist bool

	// InsecureIrrevocable lets each token live until it expires, whatever happens.
	InsecureIrrevocable bool

	// Stamp returns a text that changes when all tokens of a user must end, such as the hash
	// of the password or a number in the user's row. A hash of it goes into each token. nil:
	// none.
	Stamp func(user any) string

	// Claims returns what else to say of a user in each token. It is an explicit list: what
	// is in the token can be read by whoever has it. A reserved name is an error. nil: nothing.
	Claims func(ctx context.Context, user any) (map[string]any, error)

	// LookUp returns the user of a token that is genuine; nil and sql.ErrNoRows say that
	// there is none. nil: the Serializer's, by the subject.
	LookUp func(ctx context.Context, c *JWTClaims) (user any, err error)

	// Valid has the last word about a token that is genuine and live: an *app.Rejection
	// refuses it, any other error is a fault. It is asked about requests, so that an
	// [IntrospectionEndpoint] knows nothing of it. nil: it is valid.
	Valid func(ctx *app.Context, c *JWTClaims, user any) error

	// Sources are where a token may be, asked in this order; nil: the Authorization header.
	Sources []Source

	// Realm is named in the challenge; "": api.
	Realm string

	// Timeout bounds each question to a store and the Serializer; 0: 2 seconds.
	Timeout time.Duration

	// Logger gets the reasons for which tokens are refused, and what must not fail a
	// request; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// NoGrace is the Grace of refresh tokens that are good for one use, whatever happens to
// the answer.
const NoGrace time.Duration = -1

// RefreshOptions say how the refresh tokens of a [JWT] are.
type RefreshOptions struct {
	// Store keeps one row for each device; nil: there are no refresh tokens.
	Store tokenstores.Store

	// Idle is after how long without use a device has to log in again; 0: 14 days.
	Idle time.Duration

	// Absolute is how long after its login a device has to log in again, however often it
	// was refreshed; 0: 90 days.
	Absolute time.Duration

	// Grace is how long after its use a token is answered with the same successor again, for
	// answers that were lost and for tabs that refresh at once; 0: 10 seconds, at most a
	// minute, [NoGrace]: not at all. It counts from the first use. See RFC 9700 section 4.14.2
	// for what it costs: whoever steals a token can use it for so long.
	Grace time.Duration

	// NeedsAccess takes a refresh token only together with an access token of its device,
	// which may have expired.
	NeedsAccess bool

	// EndsAccess ends the access token that was issued before when a refresh succeeds.
	EndsAccess bool

	// Prefix begins every token, so that leaked ones can be searched for; "": kahu_refresh_.
	Prefix string

	// Keys make MACs of the hashes; nil: SHA-256.
	Keys *TokenKeys
}

func (o *JWTOptions) setDefaults() {
	o.Typ = cmp.Or(o.Typ, "at+jwt")
	o.Expiry = cmp.Or(o.Expiry, 15*time.Minute)
	o.Realm = cmp.Or(o.Realm, "api")
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	o.Refresh.Idle = cmp.Or(o.Refresh.Idle, 14*24*time.Hour)
	o.Refresh.Absolute = cmp.Or(o.Refresh.Absolute, 90*24*time.Hour)
	o.Refresh.Grace = cmp.Or(o.Refresh.Grace, 10*time.Second)
	o.Refresh.Prefix = cmp.Or(o.Refresh.Prefix, "kahu_refresh_")
	if len(o.Sources) == 0 {
		o.Sources = []Source{FromAuthorization()}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
}

// mustBeSafe panics for options that are missing, contradict each other, or are unsafe.
func (o *JWTOptions) mustBeSafe() {
	switch {
	case !isClaim(o.Issuer) || !isClaim(o.Audience):
		panic("strategies: JWTOptions: Issuer and Audience are required, without control characters, at most 255 bytes")
	case (o.Keys == nil) == (o.Remote == nil):
		panic("strategies: JWTOptions: either Keys, which sign and verify, or Remote, which verify another issuer's tokens")
	case len(o.Kind) > 64 || strings.Trim(o.Kind, digits+"-_.") != "":
		panic("strategies: JWTOptions.Kind: letters, digits, '-', '_' and '.', at most 64")
	case !isClaim(o.Typ), strings.ContainsFunc(o.Realm, notQuotable):
		panic("strategies: JWTOptions: Typ and Realm: printable, Realm ASCII without quotes and backslashes")
	case o.Expiry < time.Second || o.Expiry > 30*24*time.Hour:
		panic("strategies: JWTOptions.Expiry is under a second or over 30 days: what lives longer is a refresh token")
	case o.Leeway < 0 || o.Leeway > time.Minute:
		panic("strategies: JWTOptions.Leeway is negative or over a minute")
	case o.Timeout < 0:
		panic("strategies: JWTOptions.Timeout is negative")
	}
	o.mustEnd()
	o.Refresh.mustBeSafe(o)
}

// mustEnd panics unless it is said how tokens end, in one way.
func (o *JWTOptions) mustEnd() {
	ways := 0
	for _, chosen := range []bool{!isNil(o.Denylist), o.Allowlist, o.InsecureIrrevocable} {
		if chosen {
			ways++
		}
	}
	switch {
	case ways > 1:
		panic("strategies: JWTOptions: one of Denylist, Allowlist and InsecureIrrevocable")
	case ways == 0 && o.Remote == nil:
		panic("strategies: JWTOptions: a token that is logged out must end: give a Denylist, or an Allowlist, or say InsecureIrrevocable")
	case o.Allowlist && isNil(o.Refresh.Store):
		panic("strategies: JWTOptions: an Allowlist needs the Refresh.Store that it is in")
	}
}

func (o *RefreshOptions) mustBeSafe(j *JWTOptions) {
	switch {
	case isNil(o.Store) && (o.NeedsAccess || o.EndsAccess):
		panic("strategies: RefreshOptions without a Store: there are no refresh tokens")
	case j.Remote != nil && !isNil(o.Store):
		panic("strategies: JWTOptions: tokens of another issuer are not refreshed here")
	case o.EndsAccess && j.InsecureIrrevocable:
		panic("strategies: RefreshOptions.EndsAccess needs a Denylist or an Allowlist")
	case o.Idle < j.Expiry || !sensible(o.Idle) || !sensible(o.Absolute):
		panic("strategies: RefreshOptions: Idle and Absolute must be positive, at most 100 years, and Idle no shorter than an access token lives")
	case o.Grace != NoGrace && (o.Grace < 0 || o.Grace > time.Minute):
		panic("strategies: RefreshOptions.Grace is negative or over a minute")
	case len(o.Prefix) > 32 || strings.Trim(o.Prefix, digits+"-_.") != "":
		panic("strategies: RefreshOptions.Prefix: letters, digits, '-', '_' and '.', at most 32")
	}
}

// isClaim reports whether a text of the configuration can stand in a token.
func isClaim(text string) bool {
	return text != "" && len(text) <= 255 && !strings.ContainsFunc(text, hidden)
}

package strategies

import (
	"cmp"
	"log/slog"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

// Never is the Expiry of a token that does not expire. It has to be asked for.
const Never time.Duration = -1

const (
	month       = 30 * 24 * time.Hour
	hundredYear = 100 * 365 * 24 * time.Hour
	touchEvery  = time.Minute
)

// BearerOptions are the options of [NewBearer]. The zero value is safe.
type BearerOptions struct {
	// Type is what the tokens are for: it is part of each row and each hash, and a token
	// of another Type is unknown. Two kinds of user in one store need a Type each: with one
	// Type, the token of a user opens what is an administrator's whose subject is the same, such
	// as the id 1. "": api.
	Type string

	// Prefix begins every token, so that leaked ones can be searched for; "": kahu_.
	Prefix string

	// Realm is named in the challenge; "": Type.
	Realm string

	// Expiry is how long a token lives that says nothing else; 0: 30 days, [Never]: for ever.
	Expiry time.Duration

	// IdleLimit ends a token that is not used for so long; 0: no limit. At least 2 minutes,
	// because use is written once a minute.
	IdleLimit time.Duration

	// NoTouch leaves the time of the last use unwritten. Not together with IdleLimit.
	NoTouch bool

	// Keys make MACs of the hashes; nil: SHA-256.
	Keys *TokenKeys

	// Form is the name of a field in which a form may bring the token (RFC 6750 section
	// 2.2); "": none.
	Form string

	// SchemeOptional takes a header that is nothing but a token, too.
	SchemeOptional bool

	// InsecureQuery is the name of a query parameter that may hold the token. It ends up in
	// logs, histories and Referer headers. "": none.
	InsecureQuery string

	// Extract replaces all of that: it returns the token's text, or app.ErrNoCredentials,
	// or an *app.Rejection.
	Extract func(ctx *app.Context) (string, error)

	// Valid has the last word about a token that is genuine and live: an *app.Rejection
	// refuses it, any other error is a fault. nil: it is valid.
	Valid func(ctx *app.Context, t *tokenstores.Token, user any) error

	// Timeout bounds each question to the store and the Serializer; 0: 2 seconds.
	Timeout time.Duration

	// Logger gets what must not fail a request; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// setDefaults panics for what is wrong in the options, which the application calls name.
func (o *BearerOptions) setDefaults(name string) {
	o.Type = cmp.Or(o.Type, "api")
	o.Prefix = cmp.Or(o.Prefix, "kahu_")
	o.Realm = cmp.Or(o.Realm, o.Type)
	o.Expiry = cmp.Or(o.Expiry, month)
	o.Timeout = cmp.Or(o.Timeout, 2*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	const plain = digits + "-_."
	switch {
	case len(o.Type) > 64 || strings.Trim(o.Type, plain) != "":
		panic("strategies: " + name + ".Type: letters, digits, '-', '_' and '.', at most 64")
	case len(o.Prefix) > 32 || strings.Trim(o.Prefix, plain) != "":
		panic("strategies: " + name + ".Prefix: letters, digits, '-', '_' and '.', at most 32")
	case strings.ContainsFunc(o.Realm, notQuotable):
		panic("strategies: " + name + ".Realm: printable ASCII without quotes and backslashes")
	case o.Expiry != Never && !sensible(o.Expiry), o.Timeout < 0:
		panic("strategies: " + name + ": Expiry and Timeout must be positive, Expiry at most 100 years, or Never")
	case o.IdleLimit != 0 && (o.IdleLimit < 2*touchEvery || !sensible(o.IdleLimit)):
		panic("strategies: " + name + ".IdleLimit is under 2 minutes or over 100 years")
	case o.IdleLimit != 0 && o.NoTouch:
		panic("strategies: " + name + ": an IdleLimit needs the last use, which NoTouch leaves unwritten")
	}
}

func sensible(d time.Duration) bool { return d > 0 && d <= hundredYear }

func notQuotable(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }

package strategies

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
)

const year = 365 * 24 * time.Hour

// APIKey proves a user by an opaque token in a header of its own, for programs that call
// an API. It issues, lists, finds, rotates and revokes keys as the [Bearer] in it does, whose
// methods it has; only a hash of each is stored. Make it with [NewAPIKey].
//
// A request without the header is passed on, and so is an empty header; two with different
// values are 400; a key that is malformed, unknown, expired, revoked, or whose owner is gone
// is 401, alike. What the store cannot answer is a fault. Tokens of another Type are
// unknown here, those of a [Bearer] in the same store too.
//
// A page of another site has to ask (CORS) before it sends the header, so the request is
// let through to the session, and the Authorization header stays free for another
// credential.
type APIKey struct {
	*Bearer
	header string // as the application spells it
	from   Source
}

var (
	_ app.Strategy                       = (*APIKey)(nil)
	_ app.Challenger                     = (*APIKey)(nil)
	_ app.Describer                      = (*APIKey)(nil)
	_ app.Ender                          = (*APIKey)(nil)
	_ Issuer[*IssuedToken, TokenOptions] = (*APIKey)(nil)
	_ TokenAuthority                     = (*APIKey)(nil)
)

// APIKeyOptions are the options of [NewAPIKey]. The zero value is safe.
type APIKeyOptions struct {
	// Header holds the key and nothing else; "": X-API-Key.
	Header string

	// Type is what the keys are for: it is part of each row and each hash. Two kinds of user in
	// one store need a Type each: with one Type, the key of a user opens what is an
	// administrator's whose subject is the same, such as the id 1. "": apikey.
	Type string

	// Prefix begins every key, so that leaked ones can be searched for; "": kahu_key_.
	Prefix string

	// Realm is named in the challenge; "": Type.
	Realm string

	// Expiry is how long a key lives that says nothing else; 0: 365 days, because a key is
	// kept where nobody can log in again. Change it in time with Rotate and an overlap.
	// [Never]: for ever.
	Expiry time.Duration

	// IdleLimit ends a key that is not used for so long; 0: no limit. At least 2 minutes,
	// because use is written once a minute.
	IdleLimit time.Duration

	// NoTouch leaves the time of the last use unwritten. Not together with IdleLimit.
	NoTouch bool

	// Keys make MACs of the hashes; nil: SHA-256.
	Keys *TokenKeys

	// Valid has the last word about a key that is genuine and live: an *app.Rejection
	// refuses it, any other error is a fault. nil: it is valid.
	Valid func(ctx *app.Context, t *tokenstores.Token, user any) error

	// Timeout bounds each question to the store and the Serializer; 0: 2 seconds.
	Timeout time.Duration

	// Logger gets what must not fail a request; nil: slog.Default().
	Logger *slog.Logger

	// Clock is the time; nil: time.Now.
	Clock func() time.Time
}

// NewAPIKey makes the strategy. It panics without a store or a Serializer, for options that
// contradict each other, and for a Header that has another use or that pages of other sites
// may send without asking. A store that can is asked to load owners with their keys, in one
// query.
func NewAPIKey(store tokenstores.Store, users app.Serializer, o APIKeyOptions) *APIKey {
	if isNil(store) || isNil(users) {
		panic("strategies: NewAPIKey needs a store and a Serializer")
	}
	header := cmp.Or(o.Header, "X-API-Key")
	if name := http.CanonicalHeaderKey(header); slices.Contains(takenHeaders, name) || strings.HasPrefix(name, "Sec-") {
		panic("strategies: APIKeyOptions.Header: " + name + " is for other things")
	}
	tokens := BearerOptions{
		Type: cmp.Or(o.Type, "apikey"), Prefix: cmp.Or(o.Prefix, "kahu_key_"), Realm: o.Realm, Expiry: cmp.Or(o.Expiry, year),
		IdleLimit: o.IdleLimit, NoTouch: o.NoTouch, Keys: o.Keys, Valid: o.Valid, Timeout: o.Timeout, Logger: o.Logger, Clock: o.Clock,
	}
	tokens.setDefaults("APIKeyOptions")
	return &APIKey{newBearer(store, users, tokens, "apikey"), header, FromHeader(header)}
}

// takenHeaders hold no keys. Fetch lets a page set the first ones for any site, without
// CORS; servers and proxies make use of the others.
var takenHeaders = []string{
	"Accept", "Accept-Language", "Content-Language", "Content-Type", "Range",
	"Authorization", "Connection", "Content-Length", "Cookie", "Expect", "Forwarded", "Host", "Origin", "Proxy-Authorization", "Referer",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

// Authenticate proves the owner of the request's key. Identity.Info is the
// *[tokenstores.Token], Identity.Scopes are its scopes.
func (k *APIKey) Authenticate(ctx *app.Context) (*app.Identity, error) {
	text, err := k.from.find(ctx)
	switch {
	case err != nil:
		return nil, err
	case text == "":
		return nil, app.ErrNoCredentials
	}
	return k.prove(ctx, text, k.from.deliberate)
}

// presented is what a [Guard] remembers the answer for.
func (k *APIKey) presented(ctx *app.Context) string {
	return strings.Join(ctx.Request.Header.Values(k.header), "\n")
}

// Challenge says in which header a key is wanted, and what is wrong with it as [Bearer]
// does. There is no registered scheme for keys: APIKey is a name that clients who know no
// better ignore.
func (k *APIKey) Challenge(_ *app.Context, why error) string {
	return tokenChallenge(`APIKey realm="`+k.o.Realm+`", header="`+k.header+`"`, why)
}

// Describe names the header.
func (k *APIKey) Describe() (name, looksAt string) { return k.kind, "the header " + k.header }

// Introspect describes a live key, which is no token of OAuth and has none of its types.
func (k *APIKey) Introspect(ctx context.Context, text string) (*Introspection, error) {
	found, err := k.Bearer.Introspect(ctx, text)
	if found != nil {
		found.Type = ""
	}
	return found, err
}

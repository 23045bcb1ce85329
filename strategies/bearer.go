package strategies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
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

// Bearer proves a user by an opaque token in the Authorization header (RFC 6750), and
// makes, lists and revokes such tokens. Only a hash of each is stored. Make it with
// [NewBearer].
//
// No credentials and a foreign scheme are passed on; a malformed header is 400
// invalid_request; a token that is malformed, unknown, expired, revoked, or whose owner
// is gone is 401 invalid_token, alike. What the store cannot answer is a fault.
type Bearer struct {
	store tokenstores.Store
	users app.Serializer
	o     BearerOptions
}

var (
	_ app.Strategy   = (*Bearer)(nil)
	_ app.Challenger = (*Bearer)(nil)
	_ app.Ender      = (*Bearer)(nil)
)

// BearerOptions are the options of [NewBearer]. The zero value is safe.
type BearerOptions struct {
	// Type is what the tokens are for: it is part of each row and each hash, and a token
	// of another Type is unknown. "": api.
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

// NewBearer makes the strategy. It panics without a store or a Serializer, and for
// options that contradict each other. If the store is a [tokenstores.UserJoiner] it is
// asked to load owners with their tokens, in one query.
func NewBearer(store tokenstores.Store, users app.Serializer, o BearerOptions) *Bearer {
	if isNil(store) || isNil(users) {
		panic("strategies: NewBearer needs a store and a Serializer")
	}
	o.setDefaults()
	if j, ok := store.(tokenstores.UserJoiner); ok {
		store = j.JoinUsers(users)
	}
	return &Bearer{store, users, o}
}

func (o *BearerOptions) setDefaults() {
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
		panic("strategies: BearerOptions.Type: letters, digits, '-', '_' and '.', at most 64")
	case len(o.Prefix) > 32 || strings.Trim(o.Prefix, plain) != "":
		panic("strategies: BearerOptions.Prefix: letters, digits, '-', '_' and '.', at most 32")
	case strings.ContainsFunc(o.Realm, notQuotable):
		panic("strategies: BearerOptions.Realm: printable ASCII without quotes and backslashes")
	case o.Expiry != Never && !sensible(o.Expiry), o.Timeout < 0:
		panic("strategies: BearerOptions: Expiry and Timeout must be positive, Expiry at most 100 years, or Never")
	case o.IdleLimit != 0 && (o.IdleLimit < 2*touchEvery || !sensible(o.IdleLimit)):
		panic("strategies: BearerOptions.IdleLimit is under 2 minutes or over 100 years")
	case o.IdleLimit != 0 && o.NoTouch:
		panic("strategies: BearerOptions: an IdleLimit needs the last use, which NoTouch leaves unwritten")
	}
}

func sensible(d time.Duration) bool { return d > 0 && d <= hundredYear }

func notQuotable(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }

// Authenticate proves the owner of the request's token. Identity.Info is the
// *[tokenstores.Token], Identity.Scopes are its scopes.
func (b *Bearer) Authenticate(ctx *app.Context) (*app.Identity, error) {
	text, err := b.extract(ctx)
	if err != nil {
		return nil, err
	}
	t, user, err := b.verify(ctx.Context(), text)
	if err == nil && b.o.Valid != nil {
		err = b.o.Valid(ctx, t, user)
	}
	if err != nil {
		return nil, err
	}
	b.touch(ctx, t)
	return &app.Identity{User: user, Scopes: slices.Clone(t.Scopes), Info: t, Via: "bearer", Deliberate: b.deliberate(ctx, text)}, nil
}

func (b *Bearer) extract(ctx *app.Context) (string, error) {
	if b.o.Extract != nil {
		return b.o.Extract(ctx)
	}
	return b.o.places(ctx)
}

// deliberate reports whether the token came in the header, which no form of another
// site can set.
func (b *Bearer) deliberate(ctx *app.Context, text string) bool {
	inHeader, err := authorization(ctx, b.o.SchemeOptional)
	return b.o.Extract == nil && err == nil && inHeader == text
}

// verify returns the live token of a text and its owner.
func (b *Bearer) verify(ctx context.Context, text string) (*tokenstores.Token, any, error) {
	want, ok := parseTokenText(b.o.Prefix, text)
	if !ok {
		return nil, nil, invalidToken(errors.New("it cannot be one of ours"))
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	t, err := b.store.Find(ctx, b.o.Type, want.id)
	switch {
	case errors.Is(err, tokenstores.ErrTokenDamaged):
		b.o.Logger.ErrorContext(ctx, "a stored token cannot be read", "error", err)
		return nil, nil, invalidToken(err)
	case err != nil:
		return nil, nil, away("find the token", err)
	case t == nil || t.Type != b.o.Type:
		return nil, nil, invalidToken(errors.New("there is none with this id"))
	case !b.o.Keys.matches(t.Hash, b.o.Type, want):
		return nil, nil, invalidToken(errors.New("its secret is wrong"))
	case !t.Live(b.now()):
		return nil, nil, invalidToken(errors.New("it has expired"))
	}
	user, err := b.owner(ctx, t)
	return t, user, err
}

func (b *Bearer) owner(ctx context.Context, t *tokenstores.Token) (any, error) {
	if t.Joined {
		if isNil(t.User) {
			return nil, invalidToken(errGone)
		}
		return t.User, nil
	}
	user, err := b.users.Deserialize(ctx, t.Subject)
	switch {
	case noRows(err), err == nil && isNil(user):
		return nil, invalidToken(errGone)
	case err != nil:
		return nil, away("deserialize the token's owner", err)
	}
	return user, nil
}

var errGone = errors.New("its owner is gone")

func invalidToken(why error) error {
	return &app.Rejection{Code: "invalid_token", Message: "Invalid token", Cause: why}
}

// touch writes that a token which was verified is in use. Its failure is nobody's harm.
func (b *Bearer) touch(ctx *app.Context, t *tokenstores.Token) {
	now := b.now()
	if b.o.NoTouch || now.Sub(t.LastUsed) < touchEvery {
		return
	}
	c, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), b.o.Timeout)
	defer cancel()
	if err := b.store.Touch(c, t.Type, t.ID, t.Hash, now, addressOf(ctx)); err != nil {
		b.o.Logger.WarnContext(c, "the last use of a token was not written", "error", err)
		return
	}
	t.LastUsed, t.Address = now, addressOf(ctx)
}

func addressOf(ctx *app.Context) string {
	if a := ctx.Address(); a.IsValid() {
		return a.String()
	}
	return ""
}

// End revokes the token that proved the request, and no other.
func (b *Bearer) End(ctx *app.Context, id *app.Identity) error {
	t, ok := id.Info.(*tokenstores.Token)
	if !ok {
		return fmt.Errorf("strategies: Bearer cannot end a %T", id.Info)
	}
	_, err := b.revoke(ctx.Context(), t.ID, t.Subject)
	return err
}

// Challenge says what RFC 6750 section 3 wants said. It repeats nothing that the
// client sent.
func (b *Bearer) Challenge(_ *app.Context, why error) string {
	return bearerChallenge(b.o.Realm, why)
}

func bearerChallenge(realm string, why error) string {
	c := `Bearer realm="` + realm + `"`
	r, ok := errors.AsType[*app.Rejection](why)
	if !ok {
		return c
	}
	switch r.Code {
	case "invalid_token", "invalid_request", "insufficient_scope":
		c += `, error="` + r.Code + `"`
	}
	if scopes := strings.Join(r.Scopes, " "); scopes != "" && !strings.ContainsFunc(scopes, notQuotable) {
		c += `, scope="` + scopes + `"`
	}
	return c
}

func (b *Bearer) now() time.Time { return b.o.Clock().UTC().Truncate(time.Microsecond) }

// badRequest is a request from which it cannot be told what the credential is.
func badRequest(message string) error {
	return &app.Rejection{Status: http.StatusBadRequest, Code: "invalid_request", Message: message}
}

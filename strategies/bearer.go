package strategies

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/tokenstores"
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
	kind  string // "bearer", or of what it is a part
}

var (
	_ app.Strategy   = (*Bearer)(nil)
	_ app.Challenger = (*Bearer)(nil)
	_ app.Describer  = (*Bearer)(nil)
	_ app.Ender      = (*Bearer)(nil)
)

// NewBearer makes the strategy. It panics without a store or a Serializer, and for
// options that contradict each other. If the store is a [tokenstores.UserJoiner] it is
// asked to load owners with their tokens, in one query.
func NewBearer(store tokenstores.Store, users app.Serializer, o BearerOptions) *Bearer {
	if isNil(store) || isNil(users) {
		panic("strategies: NewBearer needs a store and a Serializer")
	}
	o.setDefaults("BearerOptions")
	return newBearer(store, users, o, "bearer")
}

func newBearer(store tokenstores.Store, users app.Serializer, o BearerOptions, kind string) *Bearer {
	if j, ok := store.(tokenstores.UserJoiner); ok {
		store = j.JoinUsers(users)
	}
	return &Bearer{store, users, o, kind}
}

// Authenticate proves the owner of the request's token. Identity.Info is the
// *[tokenstores.Token], Identity.Scopes are its scopes.
func (b *Bearer) Authenticate(ctx *app.Context) (*app.Identity, error) {
	text, err := b.extract(ctx)
	if err != nil {
		return nil, err
	}
	return b.prove(ctx, text, b.deliberate(ctx, text))
}

// prove returns the owner of a token, which is then in use.
func (b *Bearer) prove(ctx *app.Context, text string, deliberate bool) (*app.Identity, error) {
	t, user, err := b.verify(ctx.Context(), text)
	if err == nil && b.o.Valid != nil {
		err = b.o.Valid(ctx, t, user)
	}
	if err != nil {
		return nil, err
	}
	b.touch(ctx, t)
	return &app.Identity{
		User: user, Scopes: slices.Clone(t.Scopes), Info: t, Via: b.kind,
		Subject: t.Subject, Handle: t.ID, Deliberate: deliberate,
	}, nil
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
		return fmt.Errorf("strategies: %s cannot end a %T", b.kind, id.Info)
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
	return tokenChallenge(`Bearer realm="`+realm+`"`, why)
}

// tokenChallenge adds to a challenge what is wrong with the token.
func tokenChallenge(c string, why error) string {
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

// Describe names the places where the token may be.
func (b *Bearer) Describe() (name, looksAt string) {
	if b.o.Extract != nil {
		return b.kind, "a place of the application's"
	}
	looksAt = "the Authorization header"
	if b.o.Form != "" {
		looksAt += ", the form's " + b.o.Form
	}
	if b.o.InsecureQuery != "" {
		looksAt += ", the query's " + b.o.InsecureQuery
	}
	return b.kind, looksAt
}

func (b *Bearer) now() time.Time { return b.o.Clock().UTC().Truncate(time.Microsecond) }

// badRequest is a request from which it cannot be told what the credential is.
func badRequest(message string) error {
	return &app.Rejection{Status: http.StatusBadRequest, Code: "invalid_request", Message: message}
}

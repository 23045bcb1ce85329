package strategies

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/jws"
	"github.com/kahu-go/kahu/tokenstores"
)

var (
	// ErrTokenExpired is the cause for which a genuine token is refused that has expired.
	ErrTokenExpired = errors.New("strategies: the token has expired")

	// ErrTokenRevoked is the cause for which a genuine token is refused that was ended.
	ErrTokenRevoked = errors.New("strategies: the token was revoked")
)

// JWT proves a user by a signed token (RFC 7519), makes such tokens and the refresh tokens
// that go with them, and ends both. Make it with [NewJWT].
//
// Verification is strict (RFC 8725): each key is good for one algorithm; exp, iss, aud, sub
// and typ must be there and right; what a header says of keys is never followed. A token of
// another issuer is passed on; what is malformed, forged, expired, revoked or another
// kind's is 401 invalid_token, alike, and the reason goes to the log. What cannot be found
// out is a fault. The user is loaded for each request, so who is gone is gone at once.
type JWT struct {
	users       app.Serializer
	o           JWTOptions
	given       JWTOptions // o, before the stores joined the users
	refreshType string     // the Type of the rows of refresh tokens
}

var (
	_ app.Strategy                    = (*JWT)(nil)
	_ app.Challenger                  = (*JWT)(nil)
	_ app.Ender                       = (*JWT)(nil)
	_ Issuer[*TokenPair, PairOptions] = (*JWT)(nil)
)

// NewJWT makes the strategy. It panics without what [JWTOptions] requires, and for options
// that are unsafe or contradict each other. Stores that can are asked to load the user
// together with what they are asked for.
func NewJWT(users app.Serializer, o JWTOptions) *JWT {
	if isNil(users) {
		panic("strategies: NewJWT needs a Serializer")
	}
	o.setDefaults()
	o.mustBeSafe()
	o.Sources = slices.Clone(o.Sources)
	given := o
	if s, ok := o.Refresh.Store.(tokenstores.UserJoiner); ok && o.LookUp == nil {
		o.Refresh.Store = s.JoinUsers(users)
	}
	if d, ok := o.Denylist.(tokenstores.DenylistJoiner); ok && o.LookUp == nil {
		o.Denylist = d.JoinUsers(users)
	}
	// Rows of another issuer, audience or kind in the same table are unknown.
	sum := sha256.Sum256([]byte(o.Issuer + "\x00" + o.Audience + "\x00" + o.Kind))
	return &JWT{users, o, given, "refresh." + base62(sum[:16], idChars)}
}

// With returns a copy of j with the options that change sets; it panics as [NewJWT] does.
// Stores that change leaves alone are shared. Tests use it to make tokens that j refuses,
// such as those of another time or key.
func (j *JWT) With(change func(o *JWTOptions)) *JWT {
	o := j.given
	o.Sources = slices.Clone(o.Sources)
	change(&o)
	return NewJWT(j.users, o)
}

// Authenticate proves the user of the request's token. Identity.Info is the *[JWTClaims],
// Identity.Scopes are its scopes.
func (j *JWT) Authenticate(ctx *app.Context) (*app.Identity, error) {
	text, from, err := j.find(ctx)
	if err != nil {
		return nil, err
	}
	c, user, err := j.verify(ctx.Context(), text)
	if err == nil && j.o.Valid != nil {
		err = j.o.Valid(ctx, c, user)
	}
	if err != nil {
		return nil, j.logged(ctx.Context(), err)
	}
	return &app.Identity{User: user, Scopes: slices.Clone(c.Scopes), Info: c, Via: "jwt", Subject: c.Subject, Handle: c.ID, Deliberate: from.deliberate}, nil
}

// find returns the token's text, and where it was.
func (j *JWT) find(ctx *app.Context) (string, Source, error) {
	for _, from := range j.o.Sources {
		if text, err := from.find(ctx); text != "" || err != nil {
			return text, from, err
		}
	}
	return "", Source{}, app.ErrNoCredentials
}

// presented is what a [Guard] remembers the answer for.
func (j *JWT) presented(ctx *app.Context) string {
	text, _, err := j.find(ctx)
	if err != nil {
		return err.Error()
	}
	return text
}

// verify returns the claims of a live token, and its user.
func (j *JWT) verify(ctx context.Context, text string) (*JWTClaims, any, error) {
	c, err := j.genuine(ctx, text)
	if err != nil {
		return nil, nil, err
	}
	if j.expired(c, j.now()) {
		return nil, nil, invalidToken(ErrTokenExpired)
	}
	user, err := j.current(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return c, user, nil
}

// genuine returns the claims of a token that was made for us, though it may have expired or
// be revoked. No claim is used before the signature is checked, but for the issuer's name,
// which tells whose key it takes.
func (j *JWT) genuine(ctx context.Context, text string) (*JWTClaims, error) {
	m, err := jws.Parse(text)
	if err != nil {
		return nil, invalidToken(err)
	}
	c, err := decodeClaims(m.Payload)
	switch {
	case err != nil:
		return nil, invalidToken(err)
	case c.Issuer == "":
		return nil, invalidToken(errors.New("no issuer"))
	case c.Issuer != j.o.Issuer:
		return nil, app.ErrNoCredentials
	}
	key, err := j.key(ctx, m.Header.KeyID)
	switch {
	case err != nil:
		return nil, away("find the key of the issuer", err)
	case key == nil:
		return nil, invalidToken(errors.New("there is no such key"))
	}
	if err := m.Verify(key); err != nil {
		return nil, invalidToken(err)
	}
	if err := j.check(c, m.Header.Type, j.now()); err != nil {
		return nil, invalidToken(err)
	}
	return c, nil
}

func (j *JWT) key(ctx context.Context, id string) (*jws.Key, error) {
	if j.o.Keys != nil {
		return j.o.Keys.find(id, j.now()), nil
	}
	return j.o.Remote.find(ctx, id)
}

// logged tells why a token is refused, which the client is not told.
func (j *JWT) logged(ctx context.Context, err error) error {
	if r, ok := errors.AsType[*app.Rejection](err); ok {
		j.o.Logger.InfoContext(ctx, "a JWT was refused", "issuer", j.o.Issuer, "reason", r.Cause)
	}
	return err
}

// Challenge says what RFC 6750 section 3 wants said. It repeats nothing that the client
// sent.
func (j *JWT) Challenge(_ *app.Context, why error) string { return bearerChallenge(j.o.Realm, why) }

// End ends the token that proved the request and its device: the refresh token, and all
// other access tokens that were issued to it. It is [app.ErrCannotEnd] if the options know
// no way.
func (j *JWT) End(ctx *app.Context, id *app.Identity) error {
	c, ok := id.Info.(*JWTClaims)
	if !ok {
		return fmt.Errorf("strategies: JWT cannot end a %T", id.Info)
	}
	return j.end(ctx.Context(), c)
}

// Describe names the places where the token may be.
func (j *JWT) Describe() (name, looksAt string) {
	places := make([]string, len(j.o.Sources))
	for i, from := range j.o.Sources {
		places[i] = from.name
	}
	return "jwt", strings.Join(places, ", ")
}

// Type tells the tokens of one [Guard] from those of others.
func (j *JWT) Type() string { return j.refreshType }

func (j *JWT) now() time.Time { return j.o.Clock().UTC().Truncate(time.Microsecond) }

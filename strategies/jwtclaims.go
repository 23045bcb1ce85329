package strategies

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/strictjson"
)

// JWTClaims are what a verified token says. It is Identity.Info of who was proved by one.
type JWTClaims struct {
	Issuer   string
	Subject  string // whose it is, as the application's Serializer writes it
	Audience []string
	ID       string // with Issuer it names the token, whatever its text
	Device   string // the family of refresh tokens that it belongs to; "": none
	Client   string // to whom it was issued; "": not said
	Scopes   []string

	IssuedAt, NotBefore, Expires time.Time // UTC, whole seconds; zero: not said

	own     ownClaims
	payload []byte
}

// ownClaims are those of this package.
type ownClaims struct {
	Kind  string `json:"kind,omitempty"`
	Epoch string `json:"epoch,omitempty"` // the mark of the user when the token was issued
	Stamp string `json:"stamp,omitempty"`
}

// Decode reads the claims into a struct or map, the application's own among them.
func (c *JWTClaims) Decode(v any) error {
	if err := json.Unmarshal(c.payload, v); err != nil {
		return fmt.Errorf("strategies: claims: %w", err)
	}
	return nil
}

// Claims returns the claims of the token that proved the request, the application's own
// among them, and whether one did and has claims of these types.
//
//	role, ok := strategies.Claims[struct{ Role string `json:"role"` }](ctx)
func Claims[T any](ctx *app.Context) (claims T, ok bool) {
	id, err := ctx.Identity()
	if err != nil || id == nil {
		return claims, false
	}
	c, ok := id.Info.(*JWTClaims)
	if !ok || c.Decode(&claims) != nil {
		return *new(T), false
	}
	return claims, true
}

// wireClaims are the claims with a meaning for us, as they stand in a token.
type wireClaims struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  audience        `json:"aud"`
	Expires   numericDate     `json:"exp"`
	NotBefore numericDate     `json:"nbf"`
	IssuedAt  numericDate     `json:"iat"`
	ID        string          `json:"jti"`
	Device    string          `json:"sid"`
	Client    string          `json:"client_id"`
	Scope     string          `json:"scope"`
	Own       json.RawMessage `json:"kahu"`
}

// reserved are the names that no claim of the application can have.
var reserved = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "client_id", "scope", "kahu"}

// An audience is one name or several (RFC 7519 section 4.1.3).
type audience []string

func (a *audience) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		*a = audience{""}
		return json.Unmarshal(text, &(*a)[0])
	}
	var names []*string
	if err := json.Unmarshal(text, &names); err != nil {
		return err
	}
	for _, name := range names {
		if name == nil {
			return errors.New("null in the audience")
		}
		*a = append(*a, *name)
	}
	return nil
}

// A numericDate is a number of whole seconds since 1970, 0 if it is not said. Fractions,
// exponents and what a float64 cannot hold are refused.
type numericDate int64

func (d *numericDate) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n <= 0 || n > 253402300799 { // the end of the year 9999
		return errors.New("a time that is no whole number of seconds")
	}
	*d = numericDate(n)
	return nil
}

func (d numericDate) time() time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Unix(int64(d), 0).UTC()
}

// decodeClaims reads claims strictly: RFC 7519 section 4 and RFC 8725 section 3.7.
func decodeClaims(payload []byte) (*JWTClaims, error) {
	var w wireClaims
	if err := strictjson.Decode(payload, &w); err != nil {
		return nil, err
	}
	return &JWTClaims{
		Issuer: w.Issuer, Subject: w.Subject, Audience: w.Audience, ID: w.ID, Device: w.Device, Client: w.Client,
		Scopes: strings.Fields(w.Scope), IssuedAt: w.IssuedAt.time(), NotBefore: w.NotBefore.time(), Expires: w.Expires.time(),
		own: ownOf(w.Own), payload: payload,
	}, nil
}

// ownOf reads the claims of this package. What another issuer may mean by the name does
// not matter.
func ownOf(raw json.RawMessage) (own ownClaims) {
	if raw == nil || json.Unmarshal(raw, &own) != nil {
		return ownClaims{}
	}
	return own
}

// check refuses claims that are not for us, or not now.
func (j *JWT) check(c *JWTClaims, typ string, now time.Time) error {
	switch {
	case typ != j.o.Typ:
		return errors.New("a token of another type")
	case !slices.Contains(c.Audience, j.o.Audience):
		return errors.New("a token for another audience")
	case j.o.Keys != nil && c.own.Kind != j.o.Kind:
		return errors.New("a token of another kind of user")
	case !isClaim(c.Subject):
		return errors.New("no subject")
	case c.Expires.IsZero():
		return errors.New("no expiry")
	case c.ID == "" && (j.o.Keys != nil || !isNil(j.o.Denylist)), len(c.ID) > 255, len(c.Device) > 255:
		return errors.New("no usable id")
	case now.Add(j.o.Leeway).Before(c.NotBefore), now.Add(j.o.Leeway).Before(c.IssuedAt):
		return errors.New("a token from the future")
	}
	return nil
}

func (j *JWT) expired(c *JWTClaims, now time.Time) bool {
	return !now.Before(c.Expires.Add(j.o.Leeway))
}

package strategies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kahu-go/kahu/internal/jws"
)

// PairOptions say what is special about one login.
type PairOptions struct {
	Name    string         // what the user calls the device; at most 200 bytes
	Client  string         // the program that asks; refresh tokens are good for no other; "": any
	Scopes  []string       // what it allows; none: nothing that RequireScopes guards, "*": everything
	Claims  map[string]any // what else each token of this device says, beside JWTOptions.Claims and before them
	Address string         // where it was asked for

	NoRefresh bool // an access token alone
}

// A TokenPair is an access token and, unless there is none, the refresh token that goes
// with it: this once, they are stored nowhere. It prints without them and encodes as JSON
// with them (RFC 6749 section 5.1):
//
//	{"access_token":"eyJ…","token_type":"Bearer","expires_in":900,"refresh_token":"kahu_refresh_…","scope":"rings:read"}
type TokenPair struct {
	User   any        // whose they are
	Claims *JWTClaims // of the access token

	access, refresh func() string // functions, so that no printing of values can show them
	now             time.Time
}

// Access is the access token.
func (p *TokenPair) Access() string { return p.access() }

// Refresh is the refresh token, or "".
func (p *TokenPair) Refresh() string { return p.refresh() }

// ExpiresIn is how long the access token is good for.
func (p *TokenPair) ExpiresIn() time.Duration { return p.Claims.Expires.Sub(p.now) }

// String keeps the tokens out of logs.
func (p *TokenPair) String() string { return "token pair " + p.Claims.ID }

// Format is String for every verb.
func (p *TokenPair) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, p.String()) }

// LogValue is String for slog, whose JSON would have the tokens.
func (p *TokenPair) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalJSON is for the answer to the one who asked for the tokens.
func (p *TokenPair) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Access    string `json:"access_token"`
		Type      string `json:"token_type"`
		ExpiresIn int64  `json:"expires_in"`
		Refresh   string `json:"refresh_token,omitempty"`
		Scope     string `json:"scope,omitempty"`
	}{p.Access(), "Bearer", int64(p.ExpiresIn() / time.Second), p.Refresh(), strings.Join(p.Claims.Scopes, " ")})
}

// Issue logs a device of a user in, whose password nobody asks for here: an access token,
// and a refresh token if there is a place to keep it.
func (j *JWT) Issue(ctx context.Context, user any, o PairOptions) (*TokenPair, error) {
	if j.o.Keys == nil {
		return nil, errors.New("strategies: tokens of another issuer are not issued here")
	}
	if j.o.Allowlist && o.NoRefresh {
		return nil, fmt.Errorf("%w: an access token alone has no device that could be on the Allowlist", ErrTokenOptions)
	}
	subject, err := subjectOf(ctx, j.users, user)
	if err != nil {
		return nil, err
	}
	if j.o.Stamp != nil && j.o.Stamp(user) == "" {
		return nil, errors.New("strategies: JWTOptions.Stamp returned nothing, to which a token could be bound")
	}
	if !isClaim(subject) {
		return nil, fmt.Errorf("%w: the subject of the user has over 255 bytes or control characters", ErrTokenOptions)
	}
	own, err := o.check()
	if err != nil {
		return nil, err
	}
	epoch, err := j.epoch(ctx, subject)
	if err != nil {
		return nil, err
	}
	a := access{user: user, subject: subject, client: o.Client, scopes: o.Scopes, epoch: epoch, claims: own, issued: j.now()}
	if a.id, err = randomID(); err != nil {
		return nil, err
	}
	if isNil(j.o.Refresh.Store) || o.NoRefresh {
		return j.pair(ctx, a, "")
	}
	device, refresh, err := j.newDevice(&a, o)
	if err != nil {
		return nil, err
	}
	// Stored last: no device is left behind whose claims make no token.
	pair, err := j.pair(ctx, a, refresh)
	if err != nil {
		return nil, err
	}
	if err := j.insertDevice(ctx, device); err != nil {
		return nil, err
	}
	return pair, nil
}

// check returns the claims of the options as they are stored.
func (o *PairOptions) check() (map[string]json.RawMessage, error) {
	t := TokenOptions{Name: o.Name, Scopes: o.Scopes, Meta: o.Claims}
	if err := t.check(); err != nil {
		return nil, err
	}
	if o.Client != "" && !isClaim(o.Client) {
		return nil, fmt.Errorf("%w: a client is named by at most 255 bytes without control characters", ErrTokenOptions)
	}
	if err := notReserved(o.Claims); err != nil {
		return nil, err
	}
	return encodeMeta(o.Claims)
}

// notReserved refuses claims of the application that could be taken for others, whatever
// their case: not every program that reads them is as strict as we are.
func notReserved(claims map[string]any) error {
	for name := range claims {
		if slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, name) }) {
			return fmt.Errorf("%w: the claim %q is reserved", ErrTokenOptions, name)
		}
	}
	return nil
}

// An access is what an access token is made of.
type access struct {
	user            any
	id, subject     string
	client, device  string
	scopes          []string
	epoch           string
	claims          map[string]json.RawMessage
	issued, noLater time.Time // noLater: when the device ends; zero: never
}

// pair signs the access token and puts the refresh token beside it.
func (j *JWT) pair(ctx context.Context, a access, refresh string) (*TokenPair, error) {
	payload, err := j.payload(ctx, a)
	if err != nil {
		return nil, err
	}
	text, err := jws.Sign(j.o.Keys.signing(), j.o.Typ, payload)
	if err != nil { // they are too long: a key that signs was checked
		return nil, fmt.Errorf("%w: the claims: %w", ErrTokenOptions, err)
	}
	claims, err := decodeClaims(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: the claims: %w", ErrTokenOptions, err)
	}
	return &TokenPair{a.user, claims, func() string { return text }, func() string { return refresh }, j.now().Truncate(time.Second)}, nil
}

func (j *JWT) payload(ctx context.Context, a access) ([]byte, error) {
	claims := map[string]any{}
	for name, value := range a.claims {
		claims[name] = value
	}
	if j.o.Claims != nil {
		more, err := j.o.Claims(ctx, a.user)
		if err != nil {
			return nil, fmt.Errorf("strategies: claims of the user: %w", err)
		}
		if err := notReserved(more); err != nil {
			return nil, err
		}
		maps.Copy(claims, more)
	}
	expires := a.issued.Add(j.o.Expiry)
	if !a.noLater.IsZero() && a.noLater.Before(expires) {
		expires = a.noLater
	}
	claims["iss"], claims["aud"], claims["sub"], claims["jti"] = j.o.Issuer, j.o.Audience, a.subject, a.id
	claims["iat"], claims["exp"] = a.issued.Unix(), expires.Unix()
	for name, value := range map[string]string{"sid": a.device, "client_id": a.client, "scope": strings.Join(a.scopes, " ")} {
		if value != "" {
			claims[name] = value
		}
	}
	if own := (ownClaims{j.o.Kind, a.epoch, j.stamp(a.user)}); own != (ownClaims{}) {
		claims["kahu"] = own
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("%w: claims: %w", ErrTokenOptions, err)
	}
	return payload, nil
}

// Credential returns the claims of the access token that Issue made.
func (j *JWT) Credential(p *TokenPair) any { return p.Claims }

// EndIssued ends the tokens that Issue made.
func (j *JWT) EndIssued(ctx context.Context, p *TokenPair) error { return j.end(ctx, p.Claims) }

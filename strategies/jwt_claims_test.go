package strategies_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

type ringClaims struct {
	Role  string `json:"role"`
	Rings int    `json:"rings"`
	Sub   string `json:"sub"`
}

func TestJWTClaimsOfTheApplication(t *testing.T) {
	h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
		o.Claims = func(ctx context.Context, user any) (map[string]any, error) {
			return map[string]any{"role": "bearer of " + user.(*hobbit).Name, "rings": 1}, nil
		}
	})
	pair := h.issue(t, strategies.PairOptions{Claims: map[string]any{"rings": 9, "colour": "grey", "ʀole": "other", "nested": map[string]any{"sub": "sauron"}}})
	h.do(withHeader("Authorization", "Bearer "+pair.Access()), func(ctx *app.Context) error {
		c, ok := strategies.Claims[ringClaims](ctx)
		assert.True(t, ok)
		assert.Equal(t, ringClaims{"bearer of frodo", 1, "frodo"}, c, "those of the options are later, and the reserved last")
		every, ok := strategies.Claims[map[string]any](ctx)
		assert.True(t, ok)
		assert.Equal(t, "grey", every["colour"])
		assert.Equal(t, shire, every["iss"])
		_, ok = strategies.Claims[struct {
			Role int `json:"role"`
		}](ctx)
		assert.False(t, ok, "of another type")
		ctx.Status = 204
		return nil
	})
	assert.Equal(t, 1, h.reached)
	assert.Error(t, pair.Claims.Decode(new(int)))
}

func TestJWTClaimsOfNobody(t *testing.T) {
	h, opaque := newHarbour(t), newTower(t, strategies.BearerOptions{})
	text := opaque.issue(t, strategies.TokenOptions{}).Text()
	for name, layers := range map[string][]app.Middleware{"nobody": {app.Identify(h.jwt)}, "nothing that could prove": nil, "another credential": {app.Authenticate(opaque.bearer)}} {
		r := withHeader("Authorization")
		if name == "another credential" {
			r.Header.Set("Authorization", "Bearer "+text)
		}
		ran := false
		h.under(r, append(layers, func(ctx *app.Context, _ app.Handler) error {
			c, ok := strategies.Claims[ringClaims](ctx)
			assert.False(t, ok, name)
			assert.Zero(t, c, name)
			ran = true
			return nil
		})...)
		assert.True(t, ran, name)
	}
}

// S69's contrary: what the application says never replaces what a verifier goes by.
func TestJWTReservedClaimsCannotBeOverridden(t *testing.T) {
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "client_id", "scope", "kahu",
		"ISS", "Sub", "eXp", "Client_ID", "KAHU", "ſub", "iſs", "\u212aahu",
	} {
		_, err := newHarbour(t).jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{Claims: map[string]any{name: "x"}})
		require.ErrorIs(t, err, strategies.ErrTokenOptions, name)
		h := newHarbour(t, func(_ *harbour, o *strategies.JWTOptions) {
			o.Claims = func(context.Context, any) (map[string]any, error) { return map[string]any{name: "x"}, nil }
		})
		_, err = h.jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{})
		require.ErrorIs(t, err, strategies.ErrTokenOptions, name)
	}
}

// A token that we would not take ourselves does not go out.
func TestJWTClaimsThatNobodyCouldReadAreNotIssued(t *testing.T) {
	for name, raw := range map[string]string{"a name twice": `{"a":1,"a":2}`, "half a surrogate pair": `"\ud800"`, "nesting without end": nestedText(100)} {
		_, err := newHarbour(t).jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{Claims: map[string]any{"x": json.RawMessage(raw)}})
		assert.ErrorIs(t, err, strategies.ErrTokenOptions, name)
	}
}

func nestedText(n int) string {
	text := "1"
	for range n {
		text = "[" + text + "]"
	}
	return text
}

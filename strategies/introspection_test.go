package strategies_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/strategies"
)

func TestIntrospection(t *testing.T) {
	eachGateway(t, func(t *testing.T, g *gateway) {
		pair := g.issue(t, strategies.PairOptions{Client: "palantir", Scopes: []string{"rings:read", "rings:write"}, Claims: map[string]any{"secret": "of the application"}})
		now := float64(landing.Unix())
		t.Run("describes an access token", func(t *testing.T) {
			assert.Equal(t, map[string]any{
				"active": true, "scope": "rings:read rings:write", "client_id": "palantir", "token_type": "Bearer", "exp": now + 900, "iat": now,
				"sub": "frodo", "aud": shireAPI, "iss": shire, "jti": pair.Claims.ID, "sid": pair.Claims.Device,
			}, g.active(t, pair.Access()))
		})
		t.Run("describes a refresh token, which is used by that as little", func(t *testing.T) {
			want := map[string]any{
				"active": true, "scope": "rings:read rings:write", "client_id": "palantir", "exp": now + (90 * day).Seconds(), "iat": now,
				"sub": "frodo", "iss": shire, "sid": pair.Claims.Device,
			}
			for range 2 {
				assert.Equal(t, want, g.active(t, pair.Refresh()))
			}
			assert.NotContains(t, g.store.Calls(), "Renew")
		})
		t.Run("describes an opaque token", func(t *testing.T) {
			token := must(g.opaque.Issue(t.Context(), ringBearer, strategies.TokenOptions{Scopes: []string{"a"}}))
			assert.Equal(t, map[string]any{
				"active": true, "scope": "a", "token_type": "Bearer", "exp": now + (30 * day).Seconds(), "iat": now, "sub": "frodo", "jti": token.ID,
			}, g.active(t, token.Text()))
			must(g.opaque.Revoke(t.Context(), ringBearer, token.ID))
			g.inactive(t, token.Text())
		})
	})
}

func TestIntrospectionOfWhatIsNotLive(t *testing.T) {
	eachGateway(t, func(t *testing.T, g *gateway) {
		t.Run("garbage", func(t *testing.T) {
			for _, text := range []string{"garbage", "a.b.c", "kahu_refresh_", "kahu_", strings.Repeat(".", 50_000), "\x00", `{"active":true}`, "Bearer x"} {
				g.inactive(t, text)
			}
		})
		t.Run("forged", func(t *testing.T) {
			one, two := g.issue(t, strategies.PairOptions{}), g.issue(t, strategies.PairOptions{})
			a, b := piecesOf(one), piecesOf(two)
			for _, text := range []string{
				one.Access()[:strings.LastIndex(one.Access(), ".")] + two.Access()[strings.LastIndex(two.Access(), "."):],
				resummed("kahu_refresh_" + a.id + b.proof + a.secret), resummed(a.proven + b.secret),
			} {
				g.inactive(t, text)
			}
			g.alive(t, one)
		})
		t.Run("a refresh token that was used, which ends nothing", func(t *testing.T) {
			one := g.issue(t, strategies.PairOptions{})
			two := g.refresh(t, one.Refresh())
			g.inactive(t, one.Refresh())
			g.clock.Advance(time.Minute)
			g.inactive(t, one.Refresh(), "to ask about it is no use of it")
			g.active(t, two.Refresh())
			g.active(t, two.Access())
		})
		t.Run("revoked", func(t *testing.T) {
			for _, end := range []func(p *strategies.TokenPair) error{
				func(p *strategies.TokenPair) error { return g.jwt.EndIssued(t.Context(), p) },
				func(p *strategies.TokenPair) error {
					_, err := g.jwt.Revoke(t.Context(), ringBearer, p.Claims.Device)
					return err
				},
				func(*strategies.TokenPair) error { _, err := g.jwt.RevokeAll(t.Context(), ringBearer, ""); return err },
			} {
				pair := g.issue(t, strategies.PairOptions{})
				require.NoError(t, end(pair))
				g.inactive(t, pair.Access())
				g.inactive(t, pair.Refresh())
			}
		})
		t.Run("of a user who is gone", func(t *testing.T) {
			pair, token := g.issue(t, strategies.PairOptions{}), must(g.opaque.Issue(t.Context(), ringBearer, strategies.TokenOptions{}))
			g.users.gone = true
			for _, text := range []string{pair.Access(), pair.Refresh(), token.Text()} {
				g.inactive(t, text)
			}
			g.users.gone = false
			g.active(t, pair.Refresh())
		})
		t.Run("expired", func(t *testing.T) {
			pair := g.issue(t, strategies.PairOptions{})
			g.clock.Advance(15 * time.Minute)
			g.inactive(t, pair.Access())
			g.active(t, pair.Refresh())
			g.clock.Advance(14 * day)
			g.inactive(t, pair.Refresh())
		})
	})
}

func TestIntrospectionAnswersWhoIsAuthenticated(t *testing.T) {
	g := newGateway(t)
	pair := g.issue(t, strategies.PairOptions{})
	body := url.Values{"token": {pair.Access()}}.Encode()
	t.Run("and nobody else", func(t *testing.T) {
		before := g.questions()
		g.own = "garbage"
		for _, path := range []string{"/oauth/introspect", "/open"} {
			w := g.post(path, formType, body)
			assert.Equal(t, 401, w.Code, path)
			assert.NotContains(t, w.Body.String(), "active")
		}
		assert.Equal(t, before, g.questions(), "also where the guard was forgotten")
	})
}

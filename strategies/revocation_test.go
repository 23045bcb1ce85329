package strategies_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

func TestRevocation(t *testing.T) {
	t.Run("of one token ends the other", func(t *testing.T) {
		for which, text := range map[string]func(*strategies.TokenPair) string{"access": (*strategies.TokenPair).Access, "refresh": (*strategies.TokenPair).Refresh} {
			t.Run(which, func(t *testing.T) {
				eachGateway(t, func(t *testing.T, g *gateway) {
					pair, other := g.issue(t, strategies.PairOptions{}), g.issue(t, strategies.PairOptions{})
					next := g.refresh(t, pair.Refresh())
					w := g.revoke(text(next), "")
					assert.Equal(t, 200, w.Code)
					assert.Empty(t, w.Body.String())
					assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
					g.ended(t, pair, next)
					g.alive(t, other)
					assert.Equal(t, 200, g.revoke(text(next), "").Code, "once more is no error")
				})
			})
		}
	})
	t.Run("of a token that is over ends the device that is not", func(t *testing.T) {
		eachGateway(t, func(t *testing.T, g *gateway) {
			one, two := g.issue(t, strategies.PairOptions{}), g.issue(t, strategies.PairOptions{})
			nextOne, nextTwo := g.refresh(t, one.Refresh()), g.refresh(t, two.Refresh())
			g.clock.Advance(time.Hour)
			assert.Equal(t, 200, g.revoke(one.Access(), "").Code)
			assert.Equal(t, 200, g.revoke(two.Refresh(), "").Code)
			g.ended(t, nextOne, nextTwo)
			assert.NotContains(t, g.names(), app.EventReused, "to give it back is no use of it")
		})
	})
	t.Run("of an opaque token", func(t *testing.T) {
		g := newGateway(t)
		token := must(g.opaque.Issue(t.Context(), ringBearer, strategies.TokenOptions{}))
		assert.Equal(t, 200, g.revoke(token.Text(), "anybody").Code)
		g.inactive(t, token.Text())
	})
	t.Run("of what is no token is fine, and ends nothing", func(t *testing.T) {
		eachGateway(t, func(t *testing.T, g *gateway) {
			one, two := g.issue(t, strategies.PairOptions{}), g.issue(t, strategies.PairOptions{})
			a, b := piecesOf(one), piecesOf(two)
			for _, text := range []string{
				"garbage", "a.b.c", "kahu_refresh_x", one.Claims.Device, one.Claims.ID, resummed("kahu_" + strings.Repeat("a", 65)),
				one.Access()[:strings.LastIndex(one.Access(), ".")+1], resummed("kahu_refresh_" + a.id + b.proof + a.secret),
			} {
				w := g.revoke(text, "")
				assert.Equal(t, 200, w.Code, text)
				assert.Empty(t, w.Body.String())
			}
			g.alive(t, one)
			g.alive(t, two)
		})
	})
	t.Run("is the client's to whom it was issued", func(t *testing.T) {
		eachGateway(t, func(t *testing.T, g *gateway) {
			pair := g.issue(t, strategies.PairOptions{Client: "palantir"})
			for _, text := range []string{pair.Access(), pair.Refresh()} {
				for _, client := range []string{"", "mirror", "Palantir"} {
					w := g.revoke(text, client)
					assert.Equal(t, 400, w.Code, client)
					assert.JSONEq(t, `{"error":"invalid_client"}`, w.Body.String())
					assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
				}
			}
			g.letsIn(t, pair.Access())
			assert.Equal(t, 200, g.revoke(pair.Refresh(), "palantir").Code)
			g.ended(t, pair)
		})
	})
	t.Run("that the options know no way for is said to be none", func(t *testing.T) {
		g := newGateway(t, func(_ *harbour, o *strategies.JWTOptions) {
			o.Denylist, o.Refresh.Store, o.InsecureIrrevocable = nil, nil, true
		})
		assert.Equal(t, 500, g.revoke(g.issue(t, strategies.PairOptions{}).Access(), "").Code)
	})
}

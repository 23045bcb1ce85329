package strategies_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// An embassy takes the tokens of another issuer, whose keys it has over the network.
func newEmbassy(t *testing.T, edit ...func(*harbour, *strategies.JWTOptions)) *harbour {
	t.Helper()
	server := httptest.NewServer(app.New().Use(func(ctx *app.Context, _ app.Handler) error { return keysFor(t, "ES256").Publish(ctx) }))
	t.Cleanup(server.Close)
	keys := strategies.NewRemoteKeys(server.URL, strategies.RemoteKeysOptions{Algorithms: []string{"ES256"}, InsecureHTTP: true})
	return newHarbour(t, append([]func(*harbour, *strategies.JWTOptions){func(_ *harbour, o *strategies.JWTOptions) {
		o.Remote, o.Refresh.Store = keys, nil
	}}, edit...)...)
}

func TestJWTOfAnotherIssuer(t *testing.T) {
	t.Run("is let in, whatever it says for itself", func(t *testing.T) {
		h := newEmbassy(t)
		h.letsIn(t, newDraft("ES256").text())
		h.letsIn(t, draftWith(claim("kahu", `{"kind":"admin","stamp":"x"}`)), "that is the other's own")
		h.refuses(t, draftWith(key(signer("ES256", attacker()))), notGood)
		h.refuses(t, draftWith(claim("jti", "")), "no usable id")
	})
	t.Run("needs no id where nothing ends it", func(t *testing.T) {
		h := newEmbassy(t, func(_ *harbour, o *strategies.JWTOptions) { o.Denylist = nil })
		text := draftWith(claim("jti", ""))
		h.letsIn(t, text)
		assert.Equal(t, 500, h.logout(text).Code)
		h.letsIn(t, text)
	})
	t.Run("is not issued here", func(t *testing.T) {
		_, err := newEmbassy(t).jwt.Issue(t.Context(), &hobbit{Name: "frodo"}, strategies.PairOptions{})
		assert.ErrorContains(t, err, "not issued here")
	})
	t.Run("is ended by a logout, with its device", func(t *testing.T) {
		h := newEmbassy(t)
		one, two := draftWith(claim("sid", `"phone"`)), draftWith(all(claim("sid", `"phone"`), claim("jti", `"token-2"`)))
		other := draftWith(all(claim("sid", `"tablet"`), claim("jti", `"token-3"`)))
		assert.Equal(t, 204, h.logout(one).Code)
		h.refuses(t, one, strategies.ErrTokenRevoked.Error())
		h.refuses(t, two, strategies.ErrTokenRevoked.Error())
		h.letsIn(t, other)
	})
	t.Run("is ended with all of its user's, if it does not say that it is younger", func(t *testing.T) {
		h := newEmbassy(t)
		_, err := h.jwt.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, "")
		require.NoError(t, err)
		h.refuses(t, newDraft("ES256").text(), strategies.ErrTokenRevoked.Error(), "of the same second")
		h.refuses(t, draftWith(claim("iat", "")), strategies.ErrTokenRevoked.Error(), "of no time")
		h.clock.Advance(time.Second)
		h.letsIn(t, draftWith(claim("iat", seconds(1))))
		h.letsIn(t, draftWith(claim("sub", `"sam"`)))
	})
	t.Run("stays ended as long as it lives", func(t *testing.T) {
		h := newEmbassy(t)
		long := claim("exp", seconds(24*3600))
		every, phone := draftWith(long), draftWith(all(long, claim("sub", `"sam"`), claim("sid", `"phone"`)))
		_, err := h.jwt.RevokeAll(t.Context(), &hobbit{Name: "frodo"}, "")
		require.NoError(t, err)
		require.Equal(t, 204, h.logout(draftWith(all(long, claim("sub", `"sam"`), claim("sid", `"phone"`), claim("jti", `"token-2"`)))).Code)
		for range 23 {
			h.clock.Advance(time.Hour)
			_, err := h.jwt.Prune(t.Context())
			require.NoError(t, err)
			h.refuses(t, every, strategies.ErrTokenRevoked.Error())
			h.refuses(t, phone, strategies.ErrTokenRevoked.Error())
		}
	})
}

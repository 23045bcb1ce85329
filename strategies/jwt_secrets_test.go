package strategies_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/strategies"
)

// printed is what becomes of a value in everything that prints.
func printed(t testing.TB, v any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%t"} {
		_, _ = fmt.Fprintf(&out, verb+" "+verb+"\n", v, []any{v, map[string]any{"v": v}, struct{ V any }{v}})
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		log.Info("printed", "v", v, slog.Group("g", "v", v))
	}
	return out.String()
}

func TestTokenPairsPrintWithoutTheirTokens(t *testing.T) {
	h := newHarbour(t)
	pair := h.issue(t, strategies.PairOptions{})
	out := printed(t, pair) + printed(t, *pair)
	for _, secret := range append(strings.Split(pair.Access(), "."), pair.Refresh()[35:70]) {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), fmt.Sprint([]byte(secret))} {
			assert.False(t, strings.Contains(out, form), form)
		}
	}
	assert.Contains(t, out, "token pair "+pair.Claims.ID)
}

// The answer to who asked is the only place for the texts: RFC 6749 section 5.1.
func TestTokenPairsEncodeForTheirOwner(t *testing.T) {
	h := newHarbour(t)
	for name, test := range map[string]struct {
		o    strategies.PairOptions
		want string
	}{
		"all of it": {strategies.PairOptions{Scopes: []string{"a", "b"}}, `{"access_token":%q,"token_type":"Bearer","expires_in":900,"refresh_token":%q,"scope":"a b"}`},
		"the least": {strategies.PairOptions{NoRefresh: true}, `{"access_token":%q,"token_type":"Bearer","expires_in":900}%.0s`},
	} {
		pair := h.issue(t, test.o)
		b, err := json.Marshal(pair)
		require.NoError(t, err)
		assert.JSONEq(t, fmt.Sprintf(test.want, pair.Access(), pair.Refresh()), string(b), name)
		assert.Equal(t, 15*time.Minute, pair.ExpiresIn(), "counted from the second in which it was issued, as exp and iat are")
	}
}

func TestJWTEventsAndLogsHaveNoTokens(t *testing.T) {
	h := newDock(t)
	var pair *strategies.TokenPair
	h.during("", func(ctx *app.Context) (err error) {
		pair, err = h.guard.Attempt(ctx, right, strategies.PairOptions{})
		return err
	})
	for _, text := range []string{pair.Access(), pair.Access() + "x", draftWith(claim("sub", `"`+pair.Refresh()+"\x00\"")), pair.Refresh()} {
		h.during(text, func(ctx *app.Context) error { _, err := h.guard.Check(ctx); return err })
	}
	h.during(pair.Access(), func(ctx *app.Context) error { _, err := h.guard.Logout(ctx); return err })
	h.send(pair.Access())
	require.NotEmpty(t, h.log.String())
	require.GreaterOrEqual(t, len(h.events), 5)
	b, err := json.Marshal(h.events)
	require.NoError(t, err)
	out := h.log.String() + string(b) + printed(t, h.events)
	for _, secret := range append(strings.Split(pair.Access(), "."), pair.Refresh()[35:70]) {
		assert.False(t, strings.Contains(out, secret), secret)
	}
}

// Neither the strategy nor what it hands out has a key to print.
func TestJWTPrintsNoKeys(t *testing.T) {
	h := newHarbour(t, withKeys(keysFor(t, "HS256")))
	secret := material()["HS256"].([]byte)
	pair := h.issue(t, strategies.PairOptions{})
	out := printed(t, pair.Claims) + printed(t, keysFor(t, "HS256")) + printed(t, strategies.JWTKey{ID: "a", Algorithm: "HS256", Key: secret})
	for _, form := range []string{string(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint(secret), "[]"), encoded(string(secret))} {
		assert.False(t, strings.Contains(out, form))
	}
}

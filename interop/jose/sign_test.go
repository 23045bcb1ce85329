package jose_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/strategies"
)

// refusals are the bad tokens that jose makes, and what the log says of each.
var refusals = map[string]string{
	"for another audience":            "for another audience",
	"of another type":                 "of another type",
	"of no type":                      "of another type",
	"that has expired":                "has expired",
	"that never expires":              "no expiry",
	"of nobody":                       "no subject",
	"that is good later":              "from the future",
	"with something critical":         "crit is refused",
	"of a stranger":                   "the signature is not good",
	"of a stranger with its key":      "jwk is refused",
	"with a key that is unknown":      "there is no such key",
	"with a key of another algorithm": "of another algorithm than the key",
	"with a public key as the secret": "of another algorithm than the key",
	"without a signature":             "malformed",
	"of another issuer":               "", // for another strategy to judge
}

func TestWeVerifyJosesTokens(t *testing.T) {
	var made struct {
		JWKS   json.RawMessage
		Tokens map[string]string
	}
	node(t, "sign.mjs", map[string]any{"issuer": issuer, "audience": audience, "algorithms": asymmetric}, &made)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(made.JWKS) }))
	defer server.Close()
	remote := newGate(strategies.JWTOptions{
		Remote: strategies.NewRemoteKeys(server.URL, strategies.RemoteKeysOptions{Algorithms: asymmetric, InsecureHTTP: true}),
	})

	for _, name := range append(slices.Clone(asymmetric), "for several audiences") {
		t.Run(name, func(t *testing.T) { remote.letsIn(t, made.Tokens[name]) })
	}
	for _, name := range symmetric {
		keys, err := strategies.NewJWTKeys(strategies.JWTKey{ID: name, Algorithm: name, Key: secret})
		require.NoError(t, err)
		shared := newGate(strategies.JWTOptions{Keys: keys, InsecureIrrevocable: true})
		t.Run(name, func(t *testing.T) { shared.letsIn(t, made.Tokens[name]) })
	}
	for name, reason := range refusals {
		t.Run(name, func(t *testing.T) { remote.refuses(t, made.Tokens[name], reason) })
	}
	assert.Len(t, made.Tokens, len(asymmetric)+1+len(symmetric)+len(refusals), "each was tried")
}

// A gate is an application that answers with the user of a token, and what it says.
type gate struct {
	app *app.App
	log *bytes.Buffer
}

func newGate(o strategies.JWTOptions) gate {
	log := new(bytes.Buffer)
	o.Issuer, o.Audience, o.Logger = issuer, audience, slog.New(slog.NewTextHandler(log, nil))
	return gate{app.New().Use(app.Authenticate(strategies.NewJWT(hobbits{}, o)), func(ctx *app.Context, _ app.Handler) error {
		claims, _ := strategies.Claims[struct{ Role string }](ctx)
		id, err := ctx.Identity()
		ctx.Body = map[string]any{"user": ctx.User(), "scopes": id.Scopes, "role": claims.Role}
		return err
	}), log}
}

func (g gate) ask(t *testing.T, text string) *apptest.Response {
	t.Helper()
	c := apptest.NewClient(t, g.app)
	c.Header.Set("Authorization", "Bearer "+text)
	return c.Get("/")
}

// letsIn checks that a token is good, and the same with other claims or with another
// signature is not.
func (g gate) letsIn(t *testing.T, text string) {
	t.Helper()
	require.NotEmpty(t, text)
	r := g.ask(t, text)
	require.Equal(t, 200, r.Status, r.Body)
	assert.JSONEq(t, `{"user":{"Name":"frodo"},"scopes":["rings:read"],"role":"Träger"}`, r.Body)
	g.refuses(t, withOtherClaims(text), "the signature is not good")
	g.refuses(t, withAnotherSignature(text), "the signature is not good")
}

func (g gate) refuses(t *testing.T, text, reason string) {
	t.Helper()
	require.NotEmpty(t, text)
	g.log.Reset()
	r := g.ask(t, text)
	assert.Equal(t, 401, r.Status, r.Body)
	challenge := `Bearer realm="api", error="invalid_token"`
	if reason == "" {
		challenge = `Bearer realm="api"`
	}
	assert.Equal(t, challenge, r.Header.Get("WWW-Authenticate"))
	assert.Contains(t, g.log.String(), reason)
}

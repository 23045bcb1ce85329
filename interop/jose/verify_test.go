package jose_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/router"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
)

const (
	issuer   = "https://shire.example"
	audience = "https://shire.example/api"
)

var (
	asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	symmetric  = []string{"HS256", "HS384", "HS512"}
)

// A hobbit is a user, with a name that is the subject.
type hobbit struct{ Name string }

type hobbits struct{}

func (hobbits) Serialize(_ context.Context, user any) (string, error) {
	return user.(*hobbit).Name, nil
}
func (hobbits) Deserialize(_ context.Context, name string) (any, error) {
	return &hobbit{name}, nil
}

// A verdict is what jose says of a token.
type verdict struct {
	Claims struct {
		Sub, Scope, Jti, Sid, Role string
	}
	Header  struct{ Alg, Kid, Typ string }
	Refused string
}

// A sample is a token of ours, and what jose is to say of it.
type sample struct {
	Name    string `json:"-"`
	Alg     string `json:"alg"`
	Text    string `json:"text"`
	Refusal string `json:"-"` // "": none
}

func TestJoseVerifiesOurTokens(t *testing.T) {
	keys := ourKeys(t)
	r := router.New()
	r.Open().Get("/.well-known/jwks.json", keys[0].Publish)
	server := httptest.NewServer(app.New().Use(r.Layer))
	defer server.Close()

	samples := ourTokens(t, keys)
	var verdicts []verdict
	node(t, "verify.mjs", map[string]any{
		"jwks": server.URL + "/.well-known/jwks.json", "issuer": issuer, "audience": audience, "tokens": samples,
	}, &verdicts)
	require.Len(t, verdicts, len(samples))
	for i, s := range samples {
		t.Run(s.Name, func(t *testing.T) {
			v := verdicts[i]
			require.Equal(t, s.Refusal, v.Refused)
			if s.Refusal != "" {
				return
			}
			assert.Equal(t, []string{s.Alg, "key-" + s.Alg, "at+jwt"}, []string{v.Header.Alg, v.Header.Kid, v.Header.Typ})
			assert.Equal(t, []string{"frodo", "rings:read rings:write", "Träger"}, []string{v.Claims.Sub, v.Claims.Scope, v.Claims.Role})
			assert.NotEmpty(t, v.Claims.Jti)
			assert.NotEmpty(t, v.Claims.Sid)
		})
	}
}

// ourKeys returns sets that have the same keys, and each another one that signs.
func ourKeys(t *testing.T) []*strategies.JWTKeys {
	t.Helper()
	var all []strategies.JWTKey
	for _, algorithm := range asymmetric {
		all = append(all, ourKey(t, algorithm))
	}
	sets := make([]*strategies.JWTKeys, len(all))
	for i := range all {
		var err error
		sets[i], err = strategies.NewJWTKeys(slices.Concat(all[i:], all[:i])...)
		require.NoError(t, err)
	}
	return sets
}

func ourKey(t *testing.T, algorithm string) strategies.JWTKey {
	t.Helper()
	key := strategies.JWTKey{ID: "key-" + algorithm, Algorithm: algorithm, Key: secret}
	var err error
	switch algorithm[0] {
	case 'R', 'P':
		key.Key, err = rsa.GenerateKey(rand.Reader, 2048) // no more than it takes, to be quick
	case 'E':
		key, err = strategies.GenerateJWTKey(key.ID, algorithm)
	}
	require.NoError(t, err)
	return key
}

// ourTokens are good ones of each algorithm, and what was made of them.
func ourTokens(t *testing.T, keys []*strategies.JWTKeys) (samples []sample) {
	t.Helper()
	for i, algorithm := range asymmetric {
		samples = append(samples, variants(algorithm, issue(t, keys[i], audience, time.Now()))...)
	}
	for _, algorithm := range symmetric {
		set, err := strategies.NewJWTKeys(ourKey(t, algorithm))
		require.NoError(t, err)
		samples = append(samples, variants(algorithm, issue(t, set, audience, time.Now()))...)
	}
	es256 := keys[slices.Index(asymmetric, "ES256")]
	stranger := ourKey(t, "ES256")
	impostor, err := strategies.NewJWTKeys(stranger)
	require.NoError(t, err)
	stranger.ID = "key-unknown"
	unknown, err := strategies.NewJWTKeys(stranger)
	require.NoError(t, err)
	return append(samples,
		sample{"for another audience", "ES256", issue(t, es256, "https://gondor.example", time.Now()), "ERR_JWT_CLAIM_VALIDATION_FAILED"},
		sample{"that has expired", "ES256", issue(t, es256, audience, time.Now().Add(-time.Hour)), "ERR_JWT_EXPIRED"},
		sample{"of a stranger", "ES256", issue(t, impostor, audience, time.Now()), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"},
		sample{"with a key that is unknown", "ES256", issue(t, unknown, audience, time.Now()), "ERR_JWKS_NO_MATCHING_KEY"},
	)
}

// issue makes a token.
func issue(t *testing.T, keys *strategies.JWTKeys, audience string, now time.Time) string {
	t.Helper()
	j := strategies.NewJWT(hobbits{}, strategies.JWTOptions{
		Issuer: issuer, Audience: audience, Keys: keys, Clock: func() time.Time { return now },
		Refresh: strategies.RefreshOptions{Store: tokenstores.NewMemory()}, Denylist: tokenstores.NewMemoryDenylist(),
		Claims: func(context.Context, any) (map[string]any, error) { return map[string]any{"role": "Träger"}, nil },
	})
	pair, err := j.Issue(t.Context(), &hobbit{"frodo"}, strategies.PairOptions{Scopes: []string{"rings:read", "rings:write"}})
	require.NoError(t, err)
	return pair.Access()
}

// variants are a token, and the same with other claims and with another signature.
func variants(algorithm, text string) []sample {
	const wrong = "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
	return []sample{
		{algorithm, algorithm, text, ""},
		{algorithm + " with other claims", algorithm, withOtherClaims(text), wrong},
		{algorithm + " with another signature", algorithm, withAnotherSignature(text), wrong},
	}
}

func withOtherClaims(text string) string {
	return tampered(text, 1, func(claims []byte) []byte { return bytes.Replace(claims, []byte("frodo"), []byte("gandalf"), 1) })
}

func withAnotherSignature(text string) string {
	return tampered(text, 2, func(signature []byte) []byte {
		signature[len(signature)/2] ^= 1
		return signature
	})
}

// tampered changes a part of a token.
func tampered(text string, part int, change func([]byte) []byte) string {
	parts := strings.Split(text, ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		panic(err)
	}
	parts[part] = base64.RawURLEncoding.EncodeToString(change(b))
	return strings.Join(parts, ".")
}

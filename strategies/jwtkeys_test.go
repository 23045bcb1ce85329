package strategies_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/internal/jws"
	"github.com/kahu-go/kahu/strategies"
)

var (
	keyTime = time.Date(3018, 9, 23, 12, 0, 0, 0, time.UTC)

	rsaPair = sync.OnceValue(func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return k
	})
)

func ecPair(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return k
}

func edPair(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return k
}

// ringSecret is a secret that is easy to find where it should not be.
func ringSecret(end byte) []byte { return append([]byte("one ring to rule them all, one "), end) }

func jwtKeys(t testing.TB, keys ...strategies.JWTKey) *strategies.JWTKeys {
	t.Helper()
	k, err := strategies.NewJWTKeys(keys...)
	require.NoError(t, err)
	return k
}

// verifiedBy signs with the first key of some and returns the ID of the key that verifies it among others.
func verifiedBy(t *testing.T, signer, verifier *strategies.JWTKeys, now time.Time) string {
	t.Helper()
	text, err := jws.Sign(signer.Signing(), "JWT", []byte("{}"))
	require.NoError(t, err)
	m, err := jws.Parse(text)
	require.NoError(t, err)
	k := verifier.Find(m.Header.KeyID, now)
	if k == nil || m.Verify(k) != nil {
		return ""
	}
	return k.ID()
}

func TestJWTKeysRotate(t *testing.T) {
	first := strategies.JWTKey{ID: "2024-05", Algorithm: "ES256", Key: ecPair(t)}
	second := strategies.JWTKey{ID: "2024-06", Algorithm: "EdDSA", Key: edPair(t)}
	before, keys := jwtKeys(t, first), jwtKeys(t, first)
	require.Equal(t, "2024-05", verifiedBy(t, before, keys, keyTime))

	retired := first
	retired.Until = keyTime.Add(time.Hour)
	require.NoError(t, keys.Replace(second, retired))
	assert.Equal(t, "2024-06", verifiedBy(t, keys, keys, keyTime), "the new key signs")
	assert.Equal(t, "2024-05", verifiedBy(t, before, keys, keyTime), "the old one verifies")
	assert.Equal(t, "2024-05", verifiedBy(t, before, keys, keyTime.Add(time.Hour-1)))
	assert.Empty(t, verifiedBy(t, before, keys, keyTime.Add(time.Hour)), "until its grace is over")
	assert.Empty(t, verifiedBy(t, keys, before, keyTime), "a kid that is unknown")

	require.Error(t, keys.Replace(), "no key at all")
	require.Error(t, keys.Replace(retired))
	assert.Equal(t, "2024-06", verifiedBy(t, keys, keys, keyTime), "what was refused changes nothing")

	half := retired
	half.Key = ecPublic(first)
	require.NoError(t, keys.Replace(second, half))
	assert.Equal(t, "2024-05", verifiedBy(t, before, keys, keyTime), "the public half is enough to verify")
}

func ecPublic(k strategies.JWTKey) *ecdsa.PublicKey { return &k.Key.(*ecdsa.PrivateKey).PublicKey }

func TestJWTKeysFindByTheWholeID(t *testing.T) {
	one := strategies.JWTKey{ID: "a", Algorithm: "EdDSA", Key: edPair(t)}
	two := strategies.JWTKey{ID: "b", Algorithm: "EdDSA", Key: edPair(t)}
	alone, both := jwtKeys(t, one), jwtKeys(t, one, two)
	assert.Equal(t, "a", alone.Find("a", keyTime).ID())
	assert.Equal(t, "a", alone.Find("", keyTime).ID(), "a token without kid can mean one key only")
	assert.Equal(t, "b", both.Find("b", keyTime).ID())
	assert.Nil(t, both.Find("", keyTime), "and does not say which of two")
	for _, id := range []string{"c", "A", " a", "a ", "a\x00", "../a", "a/../a", "a' OR '1'='1", "*", "%", strings.Repeat("a", 256)} {
		assert.Nil(t, both.Find(id, keyTime), "%q", id)
		assert.Nil(t, alone.Find(id, keyTime), "%q", id)
	}
}

func TestNewJWTKeysRefuses(t *testing.T) {
	pair, secret := ecPair(t), strategies.JWTKey{ID: "s", Algorithm: "HS256", Key: ringSecret('1')}
	good := strategies.JWTKey{ID: "a", Algorithm: "ES256", Key: pair}
	with := func(change func(k *strategies.JWTKey)) strategies.JWTKey {
		k := good
		change(&k)
		return k
	}
	for _, c := range []struct {
		name string
		keys []strategies.JWTKey
		says string
	}{
		{"no key", nil, "at least one"},
		{"no ID", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.ID = "" })}, "1 to 64"},
		{"a long ID", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.ID = strings.Repeat("a", 65) })}, "1 to 64"},
		{"an ID with a blank", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.ID = "a b" })}, "1 to 64"},
		{"an ID with a quote", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.ID = `"` })}, "1 to 64"},
		{"an ID that is no ASCII", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.ID = "ä" })}, "1 to 64"},
		{"an ID with a line feed", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.ID = "a\n" })}, "1 to 64"},
		{"no key in it", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.Key = nil })}, "JWT key a: "},
		{"none", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.Algorithm = "none" })}, `"none" is no algorithm`},
		{"an algorithm of another type", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.Algorithm = "RS256" })}, "RS256"},
		{"a public key for HMAC", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.Algorithm, k.Key = "HS256", &pair.PublicKey })}, "[]byte"},
		{"a first key that cannot sign", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.Key = &pair.PublicKey })}, "private half"},
		{"a first key that ends", []strategies.JWTKey{with(func(k *strategies.JWTKey) { k.Until = keyTime })}, "no Until"},
		{"an ID twice", []strategies.JWTKey{good, {ID: "a", Algorithm: "EdDSA", Key: edPair(t)}}, "two JWT keys have the ID a"},
		{"a key twice", []strategies.JWTKey{good, {ID: "b", Algorithm: "ES256", Key: &pair.PublicKey}}, "the same key"},
		{"an RSA key for two algorithms", []strategies.JWTKey{{ID: "a", Algorithm: "RS256", Key: rsaPair()}, {ID: "b", Algorithm: "PS256", Key: rsaPair()}}, "the same key"},
		{"a secret beside a pair", []strategies.JWTKey{good, secret}, "do not go together"},
		{"a pair beside a secret", []strategies.JWTKey{secret, good}, "do not go together"},
		{"a short secret", []strategies.JWTKey{{ID: "s", Algorithm: "HS256", Key: ringSecret('1')[:31]}}, "at least 32"},
		{"a secret that is short for its algorithm", []strategies.JWTKey{{ID: "s", Algorithm: "HS512", Key: ringSecret('1')}}, "at least 64"},
		{"a secret of one byte", []strategies.JWTKey{{ID: "s", Algorithm: "HS256", Key: make([]byte, 32)}}, "too few different"},
		{"a secret of seven bytes", []strategies.JWTKey{{ID: "s", Algorithm: "HS256", Key: bytes.Repeat([]byte("abcdefg"), 5)}}, "too few different"},
		{"a weak key behind a good one", []strategies.JWTKey{secret, {ID: "t", Algorithm: "HS256", Key: make([]byte, 32)}}, "too few different"},
	} {
		t.Run(c.name, func(t *testing.T) {
			keys, err := strategies.NewJWTKeys(c.keys...)
			require.ErrorContains(t, err, c.says)
			assert.Nil(t, keys)
			assert.True(t, strings.HasPrefix(err.Error(), "strategies: "))
			assert.NotContains(t, err.Error(), "one ring")
		})
	}
}

func TestNewJWTKeysTakesTheBounds(t *testing.T) {
	for _, k := range []strategies.JWTKey{
		{ID: strings.Repeat("a", 64), Algorithm: "HS256", Key: ringSecret('1')[:32]},
		{ID: "2024-05_a.b:c/D", Algorithm: "HS256", Key: bytes.Repeat([]byte("abcdefgh"), 4)},
	} {
		_, err := strategies.NewJWTKeys(k)
		assert.NoError(t, err)
	}
}

// While keys are replaced every token verifies: nobody sees half of a set.
func TestJWTKeysReplaceAtOnce(t *testing.T) {
	one := strategies.JWTKey{ID: "1", Algorithm: "HS256", Key: ringSecret('1')}
	two := strategies.JWTKey{ID: "2", Algorithm: "HS256", Key: ringSecret('2')}
	keys := jwtKeys(t, one, two)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 50 {
				if (i+j)%2 == 0 {
					assert.NoError(t, keys.Replace(two, one))
				} else {
					assert.NoError(t, keys.Replace(one, two))
				}
			}
		})
		group.Go(func() {
			for range 50 {
				text, err := jws.Sign(keys.Signing(), "", []byte("{}"))
				if !assert.NoError(t, err) {
					return
				}
				m, err := jws.Parse(text)
				assert.NoError(t, err)
				assert.NoError(t, m.Verify(keys.Find(m.Header.KeyID, keyTime)))
			}
		})
	}
	group.Wait()
}

func TestJWTKeysPrintWithoutKeys(t *testing.T) {
	key := strategies.JWTKey{ID: "bag-end", Algorithm: "HS256", Key: ringSecret('1')}
	keys := jwtKeys(t, key)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.Equal(t, "JWT key bag-end for HS256", fmt.Sprintf(verb, key))
		assert.Equal(t, "JWT key bag-end for HS256", fmt.Sprintf(verb, &key))
		assert.Equal(t, "1 JWT keys", fmt.Sprintf(verb, keys))
		_, _ = fmt.Fprintf(&out, verb+verb, []strategies.JWTKey{key}, struct{ keys *strategies.JWTKeys }{keys})
	}
	raw, err := json.Marshal(map[string]any{"key": key, "pointer": &key, "keys": keys})
	require.NoError(t, err)
	out.Write(raw)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("", "key", key, "keys", keys)
	slog.New(slog.NewTextHandler(&out, nil)).Info("", "key", key, "keys", keys)
	for _, secret := range []string{"one ring", "111 110 101", "6f6e65", "0x6f, 0x6e", "b25lIHJpbmc"} {
		assert.NotContains(t, out.String(), secret)
	}
}

func pemOf(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func TestJWTKeyFromPEM(t *testing.T) {
	ec, ed, r := ecPair(t), edPair(t), rsaPair()
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return pemOf(t, "PRIVATE KEY", der, err)
	}
	pkix := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		return pemOf(t, "PUBLIC KEY", der, err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	for _, c := range []struct {
		name, algorithm, text string
		signs                 bool
	}{
		{"PKCS #8 with RSA", "RS256", pkcs8(r), true},
		{"PKCS #8 with RSA for PS512", "PS512", pkcs8(r), true},
		{"PKCS #8 with EC", "ES256", pkcs8(ec), true},
		{"PKCS #8 with Ed25519", "EdDSA", pkcs8(ed), true},
		{"PKCS #1", "RS256", pemOf(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r), nil), true},
		{"SEC 1", "ES256", pemOf(t, "EC PRIVATE KEY", sec1, err), true},
		{"PKIX with RSA", "RS256", pkix(&r.PublicKey), false},
		{"PKIX with EC", "ES256", pkix(&ec.PublicKey), false},
		{"PKIX with Ed25519", "EdDSA", pkix(ed.Public()), false},
		{"blank lines around it", "EdDSA", "\n\n" + pkcs8(ed) + "\n \n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := strategies.JWTKeyFromPEM("bag-end", c.algorithm, []byte(c.text))
			require.NoError(t, err)
			assert.Equal(t, "bag-end", k.ID)
			assert.Equal(t, c.algorithm, k.Algorithm)
			assert.Zero(t, k.Until)
			_, err = strategies.NewJWTKeys(k)
			assert.Equal(t, c.signs, err == nil, "%v", err)
		})
	}
}

func TestJWTKeyFromPEMRefuses(t *testing.T) {
	ec := ecPair(t)
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	good := pemOf(t, "PRIVATE KEY", der, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	other, err := x509.MarshalPKCS8PrivateKey(p384)
	require.NoError(t, err)
	withHeaders := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES-256-CBC,00"}, Bytes: x509.MarshalPKCS1PrivateKey(rsaPair())}))
	for _, c := range []struct{ name, algorithm, text, says string }{
		{"nothing", "ES256", "", "no PEM block"},
		{"no PEM", "ES256", "one ring to rule them all", "no PEM block"},
		{"a secret", "HS256", "one ring to rule them all, one ring to find them", "no PEM block"},
		{"two keys", "ES256", good + good, "behind the first"},
		{"text behind it", "ES256", good + "one ring", "behind the first"},
		{"text before it", "ES256", "one ring\n" + good, "before it"},
		{"an encrypted key", "RS256", withHeaders, "encrypted"},
		{"an encrypted key of PKCS #8", "ES256", pemOf(t, "ENCRYPTED PRIVATE KEY", der, nil), "encrypted"},
		{"a certificate", "ES256", pemOf(t, "CERTIFICATE", der, nil), "cannot be read"},
		{"parameters", "ES256", pemOf(t, "EC PARAMETERS", der, nil), "cannot be read"},
		{"garbage in it", "ES256", pemOf(t, "PRIVATE KEY", []byte("one ring"), nil), "cannot be read"},
		{"something behind the key in it", "ES256", pemOf(t, "PRIVATE KEY", append(der[:len(der):len(der)], 0), nil), "cannot be read"},
		{"a private key as a public one", "ES256", pemOf(t, "PUBLIC KEY", der, nil), "cannot be read"},
		{"another curve", "ES256", pemOf(t, "PRIVATE KEY", other, nil), "P-256"},
		{"another algorithm", "RS256", good, "RS256"},
		{"a PEM as secret", "HS256", good, "[]byte"},
		{"no algorithm", "", good, "no algorithm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := strategies.JWTKeyFromPEM("bag-end", c.algorithm, []byte(c.text))
			require.ErrorContains(t, err, c.says)
			assert.Zero(t, k)
			assert.NotContains(t, err.Error(), "one ring")
		})
	}
	t.Run("no ID", func(t *testing.T) {
		_, err := strategies.JWTKeyFromPEM("", "ES256", []byte(good))
		assert.ErrorContains(t, err, "1 to 64")
	})
}

func TestGenerateJWTKey(t *testing.T) {
	for _, algorithm := range []string{"HS256", "HS384", "HS512", "RS256", "ES256", "ES384", "ES512", "EdDSA"} {
		k, err := strategies.GenerateJWTKey("bag-end", algorithm)
		require.NoError(t, err)
		assert.Equal(t, "bag-end", verifiedBy(t, jwtKeys(t, k), jwtKeys(t, k), keyTime), algorithm)
		if algorithm == "RS256" {
			continue // it takes long
		}
		other, err := strategies.GenerateJWTKey("bag-end", algorithm)
		require.NoError(t, err)
		assert.Empty(t, verifiedBy(t, jwtKeys(t, k), jwtKeys(t, other), keyTime), "no two are alike")
	}
	for _, algorithm := range []string{"", "none", "hs256", "HS1", "A256GCM"} {
		_, err := strategies.GenerateJWTKey("bag-end", algorithm)
		assert.ErrorContains(t, err, "is no algorithm")
	}
	_, err := strategies.GenerateJWTKey("", "EdDSA")
	assert.ErrorContains(t, err, "1 to 64")
}

func published(t *testing.T, keys *strategies.JWTKeys) (*httptest.ResponseRecorder, []map[string]string) {
	t.Helper()
	a := app.New()
	a.Use(func(ctx *app.Context, _ app.Handler) error { return keys.Publish(ctx) })
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/.well-known/jwks.json", nil))
	require.Equal(t, http.StatusOK, w.Code)
	var set struct{ Keys []map[string]string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &set))
	return w, set.Keys
}

func TestPublish(t *testing.T) {
	keys := jwtKeys(t,
		strategies.JWTKey{ID: "1", Algorithm: "ES256", Key: ecPair(t)},
		strategies.JWTKey{ID: "2", Algorithm: "RS256", Key: rsaPair(), Until: keyTime.Add(time.Hour)},
		strategies.JWTKey{ID: "3", Algorithm: "EdDSA", Key: edPair(t).Public(), Until: keyTime},
	)
	now := keyTime
	keys.Clock = func() time.Time { return now }
	w, set := published(t, keys)
	assert.Equal(t, "application/jwk-set+json", w.Header().Get("Content-Type"))
	assert.Equal(t, "public, max-age=300", w.Header().Get("Cache-Control"))
	require.Len(t, set, 2, "what has ended is not there")
	for i, want := range []string{"1", "2"} {
		assert.Equal(t, want, set[i]["kid"])
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			assert.NotContains(t, set[i], private)
		}
	}
	now = keyTime.Add(time.Hour)
	_, set = published(t, keys)
	assert.Len(t, set, 1)
}

func TestPublishNeverHasSecrets(t *testing.T) {
	keys := jwtKeys(t, strategies.JWTKey{ID: "1", Algorithm: "HS256", Key: ringSecret('1')})
	w, _ := published(t, keys)
	assert.Equal(t, `{"keys":[]}`, w.Body.String())
}

func TestPublishByTheTimeOfDay(t *testing.T) {
	keys := jwtKeys(t,
		strategies.JWTKey{ID: "1", Algorithm: "EdDSA", Key: edPair(t)},
		strategies.JWTKey{ID: "2", Algorithm: "EdDSA", Key: edPair(t), Until: time.Unix(1, 0)},
		strategies.JWTKey{ID: "3", Algorithm: "EdDSA", Key: edPair(t), Until: time.Now().Add(24 * time.Hour)},
	)
	_, set := published(t, keys)
	assert.Len(t, set, 2)
}

func ExampleJWTKeys_Replace() {
	old, _ := strategies.GenerateJWTKey("2024-05", "EdDSA")
	keys, err := strategies.NewJWTKeys(old)
	if err != nil {
		panic(err)
	}
	// A month later. What the old key signed is good for as long as a token lives.
	fresh, _ := strategies.GenerateJWTKey("2024-06", "EdDSA")
	old.Until = time.Now().Add(15 * time.Minute)
	fmt.Println(keys.Replace(fresh, old), keys)
	// Output: <nil> 2 JWT keys
}

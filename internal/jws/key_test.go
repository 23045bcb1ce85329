//lint:file-ignore SA1019 keys that nothing but a hand makes are made by hand

package jws_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/jws"
)

func TestNewKey(t *testing.T) {
	for _, algorithm := range algorithms {
		private, public := newKey(t, "id", algorithm), publicKey(t, "id", algorithm)
		assert.Equal(t, "id", private.ID())
		assert.Equal(t, algorithm, private.Algorithm())
		assert.Equal(t, strings.HasPrefix(algorithm, "HS"), private.Symmetric())
		assert.Equal(t, !strings.HasPrefix(algorithm, "HS"), jws.Asymmetric(algorithm))
		assert.True(t, private.CanSign())
		assert.Equal(t, private.Symmetric(), public.CanSign())
		assert.True(t, private.SameMaterial(public))
		assert.False(t, private.SameMaterial(must(jws.NewKey("", "HS512", bytes.Repeat([]byte("another"), 10)))))
	}
	assert.False(t, jws.Asymmetric("none"))
	assert.False(t, newKey(t, "", "HS256").SameMaterial(newKey(t, "", "EdDSA")))
	assert.False(t, newKey(t, "", "ES256").SameMaterial(newKey(t, "", "RS256")))
}

// rsaOf is the public key of a modulus with this many bits, which is all that is looked at.
func rsaOf(bits uint, e int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: e}
}

func TestNewKeyRefuses(t *testing.T) {
	type signer struct{ *ecdsa.PrivateKey }
	good := rsaKey()
	rsaWith := func(change func(k *rsa.PrivateKey)) *rsa.PrivateKey {
		k := &rsa.PrivateKey{PublicKey: good.PublicKey, D: good.D, Primes: append([]*big.Int(nil), good.Primes...), Precomputed: good.Precomputed}
		change(k)
		return k
	}
	one := big.NewInt(1)
	for _, c := range []struct {
		name, algorithm string
		material        any
		says            string
	}{
		{"no algorithm", "", secret(64), "is no algorithm"},
		{"none", "none", secret(64), "is no algorithm"},
		{"another case", "hs256", secret(64), "is no algorithm"},
		{"an algorithm for encryption", "RSA-OAEP", good, "is no algorithm"},
		{"no secret", "HS256", nil, "nil"},
		{"an empty secret", "HS256", []byte{}, "0 bytes"},
		{"a nil secret", "HS256", []byte(nil), "0 bytes"},
		{"31 bytes for HS256", "HS256", secret(31), "at least 32"},
		{"47 bytes for HS384", "HS384", secret(47), "at least 48"},
		{"63 bytes for HS512", "HS512", secret(63), "at least 64"},
		{"a string for a secret", "HS256", string(secret(32)), "a string"},
		{"a public key for a secret", "HS256", &good.PublicKey, "*rsa.PublicKey"},
		{"no RSA key", "RS256", nil, "nil"},
		{"a nil RSA key", "RS256", (*rsa.PrivateKey)(nil), "nil"},
		{"a nil public RSA key", "PS256", (*rsa.PublicKey)(nil), "nil"},
		{"an empty RSA key", "RS256", new(rsa.PublicKey), "no modulus"},
		{"an empty private RSA key", "RS256", new(rsa.PrivateKey), "nil"},
		{"an RSA key that is no pointer", "RS256", good.PublicKey, "rsa.PublicKey, it takes"},
		{"a negative modulus", "RS256", &rsa.PublicKey{N: new(big.Int).Neg(good.N), E: good.E}, "no modulus"},
		{"RSA with 1024 bits", "RS256", rsaOf(1024, 65537), "2048"},
		{"RSA with 2047 bits", "PS512", rsaOf(2047, 65537), "2048"},
		{"RSA with 8193 bits", "RS256", rsaOf(8193, 65537), "8192"},
		{"RSA with an even modulus", "RS256", &rsa.PublicKey{N: new(big.Int).Lsh(one, 2047), E: 65537}, "even"},
		{"the exponent 0", "RS256", rsaOf(2048, 0), "exponent"},
		{"the exponent 1", "RS256", rsaOf(2048, 1), "exponent"},
		{"the exponent 2", "RS256", rsaOf(2048, 2), "exponent"},
		{"an even exponent", "RS256", rsaOf(2048, 65536), "exponent"},
		{"a negative exponent", "RS256", rsaOf(2048, -3), "exponent"},
		{"an exponent of 32 bits", "RS256", rsaOf(2048, 1<<31+1), "exponent"},
		{"RSA whose private half is another's", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.D = new(big.Int).Sub(k.D, one) }), "contradicts"},
		{"RSA whose private half is zero", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.D = new(big.Int) }), "contradicts"},
		{"RSA whose private half is negative", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.D = big.NewInt(-1) }), "contradicts"},
		{"RSA whose modulus is another", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.N = new(big.Int).Add(k.N, big.NewInt(2)) }), "contradicts"},
		{"RSA with one prime", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.Primes = k.Primes[:1] }), "takes 2"},
		{"RSA with three primes", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.Primes = append(k.Primes, one) }), "takes 2"},
		{"RSA with a nil prime", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.Primes[1] = nil }), "no primes"},
		{"RSA with a prime of zero", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.Primes[1] = new(big.Int) }), "no primes"},
		{"RSA with a prime of one", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.Primes[0], k.Primes[1] = one, k.N }), "contradicts"},
		{"RSA with a negative prime", "RS256", rsaWith(func(k *rsa.PrivateKey) { k.Primes[0] = new(big.Int).Neg(k.Primes[0]) }), "no primes"},
		{"a curve for RSA", "RS256", p256(), "*ecdsa.PrivateKey"},
		{"no EC key", "ES256", nil, "nil"},
		{"a nil EC key", "ES256", (*ecdsa.PrivateKey)(nil), "nil"},
		{"a nil public EC key", "ES256", (*ecdsa.PublicKey)(nil), "nil"},
		{"an empty EC key", "ES256", new(ecdsa.PrivateKey), "nil"},
		{"an EC key without a point", "ES256", &ecdsa.PublicKey{Curve: elliptic.P256()}, "nil"},
		{"an EC key that is no pointer", "ES256", p256().PublicKey, "ecdsa.PublicKey, it takes"},
		{"P-384 for ES256", "ES256", p384(), "P-256"},
		{"P-256 for ES384", "ES384", &p256().PublicKey, "P-384"},
		{"P-256 for ES512", "ES512", p256(), "P-521"},
		{"P-224", "ES256", must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)), "P-256"},
		{"a curve of nobody", "ES256", &ecdsa.PublicKey{Curve: (*elliptic.CurveParams)(nil), X: one, Y: one}, "P-256"},
		{"no point on the curve", "ES256", &ecdsa.PublicKey{Curve: elliptic.P256(), X: one, Y: one}, "no point"},
		{"the point 0, 0", "ES256", &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int), Y: new(big.Int)}, "no point"},
		{"a negative coordinate", "ES256", &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).Neg(p256().X), Y: p256().Y}, "no point"},
		{"a coordinate that is too long", "ES256", &ecdsa.PublicKey{Curve: elliptic.P256(), X: good.N, Y: p256().Y}, "no point"},
		{"EC halves that do not belong together", "ES256", &ecdsa.PrivateKey{PublicKey: p256().PublicKey, D: big.NewInt(7)}, "private half"},
		{"a private half of zero", "ES256", &ecdsa.PrivateKey{PublicKey: p256().PublicKey, D: new(big.Int)}, "private half"},
		{"a private half without end", "ES256", &ecdsa.PrivateKey{PublicKey: p256().PublicKey, D: good.N}, "private half"},
		{"something that signs with an EC key", "ES256", signer{p256()}, "jws_test.signer"},
		{"no Ed25519 key", "EdDSA", nil, "nil"},
		{"a nil Ed25519 key", "EdDSA", ed25519.PrivateKey(nil), "0 bytes"},
		{"half an Ed25519 key", "EdDSA", ed()[:32], "32 bytes"},
		{"a public Ed25519 key that is short", "EdDSA", ed25519.PublicKey(ed()[:31]), "31 bytes"},
		{"bytes for Ed25519", "EdDSA", []byte(ed()), "[]uint8"},
		{"a pointer to an Ed25519 key", "EdDSA", new(ed25519.PrivateKey), "*ed25519.PrivateKey"},
		{"Ed25519 halves that do not belong together", "EdDSA", append(ed()[:32:32], make([]byte, 32)...), "private half"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := jws.NewKey("id", c.algorithm, c.material)
			require.ErrorContains(t, err, c.says)
			assert.Nil(t, k)
			assert.NotContains(t, err.Error(), "one ring", "the secret itself")
		})
	}
	t.Run("a long id", func(t *testing.T) {
		_, err := jws.NewKey(strings.Repeat("i", 257), "HS256", secret(32))
		assert.ErrorContains(t, err, "256 bytes")
	})
	t.Run("an id that is no UTF-8", func(t *testing.T) {
		_, err := jws.NewKey("\xff", "HS256", secret(32))
		assert.ErrorContains(t, err, "UTF-8")
	})
}

func TestNewKeyTakesTheBounds(t *testing.T) {
	for _, material := range []*rsa.PublicKey{rsaOf(2048, 3), rsaOf(8192, 65537), rsaOf(2048, 1<<31-1)} {
		_, err := jws.NewKey("", "RS256", material)
		assert.NoError(t, err)
	}
}

// Who changes what they gave changes no key.
func TestKeysAreCopies(t *testing.T) {
	for _, algorithm := range []string{"HS256", "EdDSA", "ES256", "RS256"} {
		t.Run(algorithm, func(t *testing.T) {
			var k, public *jws.Key
			switch algorithm {
			case "HS256":
				given := secret(32)
				k = must(jws.NewKey("", algorithm, given))
				public = newKey(t, "", algorithm)
				clear(given)
			case "EdDSA":
				given, half := bytes.Clone(ed()), bytes.Clone(ed()[32:])
				k = must(jws.NewKey("", algorithm, ed25519.PrivateKey(given)))
				public = must(jws.NewKey("", algorithm, ed25519.PublicKey(half)))
				clear(given)
				clear(half)
			case "ES256":
				given := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
				k = must(jws.NewKey("", algorithm, given))
				public = must(jws.NewKey("", algorithm, &given.PublicKey))
				given.D.SetInt64(1)
				given.X.SetInt64(1)
			case "RS256":
				given := must(rsa.GenerateKey(rand.Reader, 2048))
				k = must(jws.NewKey("", algorithm, given))
				public = must(jws.NewKey("", algorithm, &given.PublicKey))
				given.D.SetInt64(1)
				given.N.SetInt64(1)
				given.E = 3
			}
			text, err := jws.Sign(k, "", []byte(claims))
			require.NoError(t, err)
			m, err := jws.Parse(text)
			require.NoError(t, err)
			assert.NoError(t, m.Verify(k))
			assert.NoError(t, m.Verify(public))
		})
	}
}

func TestKeysPrintWithoutTheKey(t *testing.T) {
	for _, algorithm := range algorithms {
		k := newKey(t, "bag-end", algorithm)
		want := algorithm + ` key "bag-end"`
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			assert.Equal(t, want, fmt.Sprintf(verb, k), verb)
			assert.Equal(t, want, fmt.Sprintf(verb, *k), verb)
		}
		assert.Equal(t, want, k.String())
		type keeper struct { // whose fields fmt cannot ask for their text
			key  jws.Key
			keys []jws.Key
			any  any
		}
		hidden := keeper{*k, []jws.Key{*k}, *k}
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%p"} {
			_, _ = fmt.Fprintf(&out, verb+verb, hidden, *k)
		}
		raw, err := json.Marshal(map[string]any{"pointer": k, "value": *k})
		require.NoError(t, err)
		assert.JSONEq(t, `{"pointer":"`+strings.ReplaceAll(want, `"`, `\"`)+`","value":"`+strings.ReplaceAll(want, `"`, `\"`)+`"}`, string(raw))
		slog.New(slog.NewJSONHandler(&out, nil)).Info("", "key", k, "value", *k)
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "key", k, "value", *k, "group", []*jws.Key{k})
		for _, secret := range []string{"one ring", "111 110 101", "6f6e65", "0x6f, 0x6e, 0x65", b64([]byte("one ring t"))[:12]} {
			assert.NotContains(t, out.String(), secret)
		}
	}
	assert.Equal(t, "no key", fmt.Sprint(jws.Key{}))
}

package jws_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/jws"
)

var algorithms = []string{
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// Private keys that take time to make are made once.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	ed     = sync.OnceValue(func() ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed(bytes.Repeat([]byte("ring"), 8))
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// secret has n bytes and begins with a text that is easy to find.
func secret(n int) []byte {
	return []byte("one ring to rule them all, one ring to find them, one ring to bring them all and in the darkness")[:n]
}

// halves returns the material that signs and the one that only verifies.
func halves(algorithm string) (private, public any) {
	switch algorithm {
	case "HS256", "HS384", "HS512":
		n := map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}[algorithm]
		return secret(n), secret(n)
	case "ES256":
		return p256(), &p256().PublicKey
	case "ES384":
		return p384(), &p384().PublicKey
	case "ES512":
		return p521(), &p521().PublicKey
	case "EdDSA":
		return ed(), ed().Public()
	}
	return rsaKey(), &rsaKey().PublicKey
}

func newKey(t testing.TB, id, algorithm string) *jws.Key {
	t.Helper()
	private, _ := halves(algorithm)
	k, err := jws.NewKey(id, algorithm, private)
	require.NoError(t, err)
	return k
}

func publicKey(t testing.TB, id, algorithm string) *jws.Key {
	t.Helper()
	_, public := halves(algorithm)
	k, err := jws.NewKey(id, algorithm, public)
	require.NoError(t, err)
	return k
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// signed makes a message with a header of any text, signed with HS256.
func signed(t testing.TB, header, payload string) string {
	t.Helper()
	return signedInput(t, b64([]byte(header))+"."+b64([]byte(payload)))
}

// decode is the lax decoder of the library.
func decode(part string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(part) }

// signedInput signs any text as if it were the first two parts.
func signedInput(t testing.TB, input string) string {
	t.Helper()
	return input + "." + b64(hmacOf(input))
}

package kahu_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/app"
	"github.com/kahu-go/kahu/app/apptest"
	"github.com/kahu-go/kahu/passwords"
	"github.com/kahu-go/kahu/sessionstores"
	"github.com/kahu-go/kahu/strategies"
	"github.com/kahu-go/kahu/tokenstores"
	"github.com/kahu-go/kahu/tokenstores/storetest"
)

// idChars is how many characters the id in a token has, and what refresh tokens call a proof.
const idChars = 22

var securityOfAlgorithms = []claim{
	{"SHA-256 of kind and id | 256 random bits in an id", idAtRest},
	{"opaque token, behind its prefix | 71 characters", opaqueTexts},
	{"refresh token and remembered client, behind the prefix | 93 characters", refreshTexts},
	{"128 random bits in an id, 256 in a secret; keys of HMAC have 32 bytes at least", opaqueBits},
	{"128 random bits in an id, 128 in a proof, 256 in a secret", refreshBits},
	{"secrets of 32, 48 or 64 bytes at least; RSA of 2,048 to 8,192 bits; `jti` of 128 random bits", keysOfJWTs},
	{"by gorilla/securecookie | keys of 32 bytes at least", func(t *testing.T, n int) {
		_, err := app.NewKeys(secret(n))
		assert.NoError(t, err)
		_, err = app.NewKeys(secret(n - 1))
		assert.Error(t, err)
	}},
	{"16 bytes of salt and 32 bytes of key", func(t *testing.T, salt, key int) {
		hash, err := passwords.NewArgon2id(passwords.Argon2idOptions{InsecureMemory: 8}).Hash(t.Context(), innPassword)
		require.NoError(t, err)
		parts := strings.Split(hash, "$")
		for at, want := range map[int]int{4: salt, 5: key} {
			raw, err := base64.RawStdEncoding.DecodeString(parts[at])
			require.NoError(t, err)
			assert.Len(t, raw, want)
		}
	}},
	{"which others keep for 5 minutes", func(t *testing.T, d time.Duration) {
		keys := jwtOptions(t, nil, strategies.RefreshOptions{}).Keys
		res := apptest.NewClient(t, app.New().Use(onPath(map[string]app.Handler{"/": keys.Publish}))).Get("/")
		assert.Equal(t, fmt.Sprintf("public, max-age=%d", d/time.Second), res.Header.Get("Cache-Control"))
	}},
	{"made of fewer than 8 different bytes", func(t *testing.T, n int) {
		for different, want := range map[int]bool{n: true, n - 1: false} {
			few := bytes.Repeat(secret(different), 32)
			_, err := app.NewKeys(few)
			assert.Equal(t, want, err == nil)
			_, err = strategies.NewJWTKeys(strategies.JWTKey{ID: "1", Algorithm: "HS256", Key: few})
			assert.Equal(t, want, err == nil)
		}
	}},
}

func opaqueTexts(t *testing.T, n int) {
	store := storetest.NewFaulty(tokenstores.NewMemory())
	b := strategies.NewBearer(store, reviewedUsers, strategies.BearerOptions{})
	once, err := strategies.NewOneTime(store, strategies.OneTimeOptions{Type: "reset"}).Issue(t.Context(), "frodo", nil)
	require.NoError(t, err)
	text := apptest.Token(t, b, ringbearer, strategies.TokenOptions{})
	assert.Len(t, strings.TrimPrefix(text, "kahu_"), n)
	assert.Len(t, strings.TrimPrefix(once.Text(), "kahu_once_"), n)
	finds := func(text string) bool {
		before := len(store.Calls())
		live(t, b, text)
		return len(store.Calls()) > before
	}
	assert.True(t, finds(text))
	for _, other := range []string{text[:len(text)-1], text + "a", text[:len(text)-1] + "_", text[1:]} {
		assert.False(t, finds(other), other)
	}
}

func refreshTexts(t *testing.T, n int) {
	device := newDevice(t, reviewClock(), strategies.RefreshOptions{})
	assert.Len(t, strings.TrimPrefix(device.refresh, "kahu_refresh_"), n)
	clock := reviewClock()
	c := loggedIn(t, sessionstores.NewMemory(), app.SessionOptions{Clock: clock.Now, Remember: rememberWith(strategies.RememberOptions{Clock: clock.Now})})
	assert.Len(t, strings.TrimPrefix(c.Cookie("__Host-remember").Value, "kahu_remember_"), n)
}

// secret is so many bytes of which no two are alike.
func secret(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// randomBits checks that each part of texts is so many random bits, no fewer and no more: of many one is as large as can be, and none larger.
func randomBits(t *testing.T, want []int, parts func() []string) {
	t.Helper()
	widest := make([]int, len(want))
	for range 64 {
		for i, part := range parts() {
			n, ok := new(big.Int).SetString(part, 62)
			require.True(t, ok, part)
			widest[i] = max(widest[i], n.BitLen())
		}
	}
	assert.Equal(t, want, widest)
}

func opaqueBits(t *testing.T, id, token, key int) {
	b := bearerWith(strategies.BearerOptions{})
	randomBits(t, []int{id, token}, func() []string {
		text := strings.TrimPrefix(apptest.Token(t, b, ringbearer, strategies.TokenOptions{}), "kahu_")
		return []string{text[:idChars], text[idChars : len(text)-6]}
	})
	_, err := strategies.NewTokenKeys(strategies.TokenKey{ID: "1", Secret: secret(key)})
	assert.NoError(t, err)
	_, err = strategies.NewTokenKeys(strategies.TokenKey{ID: "1", Secret: secret(key - 1)})
	assert.Error(t, err)
}

func refreshBits(t *testing.T, id, proof, token int) {
	clock := reviewClock()
	randomBits(t, []int{id, proof, token}, func() []string {
		text := strings.TrimPrefix(newDevice(t, clock, strategies.RefreshOptions{}).refresh, "kahu_refresh_")
		return []string{text[:idChars], text[idChars : 2*idChars], text[2*idChars : len(text)-6]}
	})
}

func keysOfJWTs(t *testing.T, hs256, hs384, hs512, shortest, longest, id int) {
	for algorithm, n := range map[string]int{"HS256": hs256, "HS384": hs384, "HS512": hs512} {
		_, err := strategies.NewJWTKeys(strategies.JWTKey{ID: "1", Algorithm: algorithm, Key: secret(n)})
		assert.NoError(t, err, algorithm)
		_, err = strategies.NewJWTKeys(strategies.JWTKey{ID: "1", Algorithm: algorithm, Key: secret(n - 1)})
		assert.Error(t, err, algorithm)
	}
	signing, err := strategies.GenerateJWTKey("1", "ES256")
	require.NoError(t, err)
	for bits, want := range map[int]bool{shortest - 1: false, shortest: true, longest: true, longest + 1: false} {
		modulus := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), uint(bits-1)), big.NewInt(1))
		_, err := strategies.NewJWTKeys(signing, strategies.JWTKey{ID: "2", Algorithm: "RS256", Key: &rsa.PublicKey{N: modulus, E: 65537}})
		assert.Equal(t, want, err == nil, "%d bits: %v", bits, err)
	}
	j := jwtWith(t, func(*strategies.JWTOptions) {})
	randomBits(t, []int{id}, func() []string {
		return []string{apptest.JWTPair(t, j, ringbearer, strategies.PairOptions{}).Claims.ID}
	})
}

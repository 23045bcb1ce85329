package jws_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kahu-go/kahu/internal/jws"
)

func TestJWK(t *testing.T) {
	want := map[string][]string{ // the members, in their order
		"RSA": {"kty", "use", "alg", "kid", "n", "e"},
		"EC":  {"kty", "use", "alg", "kid", "crv", "x", "y"},
		"OKP": {"kty", "use", "alg", "kid", "crv", "x"},
	}
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			k := newKey(t, "bag-end", algorithm)
			raw, ok := k.JWK()
			if k.Symmetric() {
				assert.False(t, ok)
				assert.Nil(t, raw)
				return
			}
			require.True(t, ok)
			var members map[string]string
			require.NoError(t, json.Unmarshal(raw, &members))
			assert.ElementsMatch(t, want[members["kty"]], keysOf(members), "the public ones and no other")
			assert.Equal(t, "sig", members["use"])
			assert.Equal(t, algorithm, members["alg"])
			assert.Equal(t, "bag-end", members["kid"])

			public, err := jws.ParseJWK(raw)
			require.NoError(t, err)
			assert.False(t, public.CanSign())
			assert.Equal(t, algorithm, public.Algorithm())
			assert.Equal(t, "bag-end", public.ID())
			assert.True(t, public.SameMaterial(k))
			again, _ := public.JWK()
			assert.Equal(t, string(raw), string(again))
		})
	}
}

func keysOf(m map[string]string) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	return names
}

// members makes a JWK of pairs; a value that is no string is JSON as it stands.
func members(pairs ...any) json.RawMessage {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		b.Write(must(json.Marshal(pairs[i])))
		b.WriteString(":")
		b.Write(must(json.Marshal(pairs[i+1])))
	}
	return json.RawMessage(b.String() + "}")
}

type raw = json.RawMessage

// A private JWK of each type, without alg, kid and use.
func ecMembers() []any {
	point := must(p256().PublicKey.Bytes())
	return []any{"kty", "EC", "crv", "P-256", "x", b64(point[1:33]), "y", b64(point[33:]), "d", b64(must(p256().Bytes()))}
}

func rsaMembers() []any {
	k := rsaKey()
	return []any{
		"kty", "RSA", "n", b64(k.N.Bytes()), "e", "AQAB", "d", b64(k.D.Bytes()), "p", b64(k.Primes[0].Bytes()), "q", b64(k.Primes[1].Bytes()),
		"dp", b64(k.Precomputed.Dp.Bytes()), "dq", b64(k.Precomputed.Dq.Bytes()), "qi", b64(k.Precomputed.Qinv.Bytes()),
	}
}

func okpMembers() []any {
	return []any{"kty", "OKP", "crv", "Ed25519", "x", b64(ed()[32:]), "d", b64(ed()[:32])}
}

func octMembers() []any { return []any{"kty", "oct", "k", b64(secret(64))} }

func public(private []any) []any {
	var kept []any
	for i := 0; i < len(private); i += 2 {
		if name := private[i].(string); strings.Contains(" kty crv x y n e ", " "+name+" ") {
			kept = append(kept, private[i:i+2]...)
		}
	}
	return kept
}

// with returns members with some changed or more.
func with(all []any, pairs ...any) []any {
	changed := append([]any(nil), all...)
next:
	for i := 0; i < len(pairs); i += 2 {
		for j := 0; j < len(changed); j += 2 {
			if changed[j] == pairs[i] {
				changed[j+1] = pairs[i+1]
				continue next
			}
		}
		changed = append(changed, pairs[i], pairs[i+1])
	}
	return changed
}

func TestParseJWKTakes(t *testing.T) {
	for _, c := range []struct {
		name      string
		members   []any
		allowed   []string
		algorithm string
		signs     bool
	}{
		{"a private EC key", ecMembers(), nil, "ES256", true},
		{"a public EC key", public(ecMembers()), nil, "ES256", false},
		{"a private Ed25519 key", okpMembers(), nil, "EdDSA", true},
		{"a public Ed25519 key", public(okpMembers()), nil, "EdDSA", false},
		{"a private RSA key", with(rsaMembers(), "alg", "PS384"), nil, "PS384", true},
		{"a public RSA key", with(public(rsaMembers()), "alg", "RS512"), nil, "RS512", false},
		{"a secret", with(octMembers(), "alg", "HS384"), nil, "HS384", true},
		{"an RSA key without alg, if one is allowed", public(rsaMembers()), []string{"ES256", "RS256"}, "RS256", false},
		{"a secret without alg, if one is allowed", octMembers(), []string{"HS512"}, "HS512", true},
		{"use", with(ecMembers(), "use", "sig"), nil, "ES256", true},
		{"key_ops", with(ecMembers(), "key_ops", []string{"sign", "verify"}), nil, "ES256", true},
		{"key_ops that only verify", with(ecMembers(), "key_ops", []string{"verify"}), nil, "ES256", false},
		{"use and key_ops", with(ecMembers(), "use", "sig", "key_ops", []string{"verify"}), nil, "ES256", false},
		{"members that are nobody's", with(ecMembers(), "x5t", "a", "x5c", []string{"MIIB"}, "rings", raw(`{"a":[1]}`)), nil, "ES256", true},
		{"an escaped kty", []any{"kty", raw(`"\u004fKP"`), "crv", "Ed25519", "x", b64(ed()[32:])}, nil, "EdDSA", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := jws.ParseJWK(members(with(c.members, "kid", "bag-end")...), c.allowed...)
			require.NoError(t, err)
			assert.Equal(t, c.algorithm, k.Algorithm())
			assert.Equal(t, c.signs, k.CanSign())
			assert.Equal(t, "bag-end", k.ID())
			assert.True(t, k.SameMaterial(newKeyOrSecret(t, c.algorithm)))
		})
	}
}

func newKeyOrSecret(t *testing.T, algorithm string) *jws.Key {
	t.Helper()
	if strings.HasPrefix(algorithm, "HS") {
		return must(jws.NewKey("", algorithm, secret(64)))
	}
	return newKey(t, "", algorithm)
}

func TestParseJWKRefuses(t *testing.T) {
	ec, okp, key := ecMembers(), okpMembers(), with(rsaMembers(), "alg", "RS256")
	point := must(p256().PublicKey.Bytes())
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	for _, c := range []struct {
		name string
		raw  json.RawMessage
	}{
		{"nothing", raw("")},
		{"an empty object", raw("{}")},
		{"a list", raw("[]")},
		{"a string", raw(`"EC"`)},
		{"null", raw("null")},
		{"something behind it", raw(string(members(ec...)) + "{}")},
		{"a set", raw(`{"keys":[` + string(members(ec...)) + `]}`)},
		{"65 KiB", members(with(ec, "x5c", strings.Repeat("a", 65<<10))...)},
		{"no kty", members(ec[2:]...)},
		{"another kty", members(with(ec, "kty", "RSA")...)},
		{"kty in lower case", members(with(ec, "kty", "ec")...)},
		{"kty of nobody", members(with(ec, "kty", "AKP")...)},
		{"kty twice", members(append([]any{"kty", "oct"}, ec...)...)},
		{"alg twice", members(append([]any{"alg", "ES256", "alg", "ES256"}, ec...)...)},
		{"a member twice that is nobody's", members(append([]any{"a", 1, "a", 1}, ec...)...)},
		{"Kty", members(append([]any{"Kty", "EC"}, ec...)...)},
		{"ALG", members(with(ec, "ALG", "ES256")...)},
		{"invalid UTF-8", raw(strings.Replace(string(members(ec...)), "EC", "EC\xff", 1))},
		{"alg of another type", members(with(ec, "alg", "RS256")...)},
		{"alg of another curve", members(with(ec, "alg", "ES384")...)},
		{"alg none", members(with(ec, "alg", "none")...)},
		{"alg for encryption", members(with(ec, "alg", "ECDH-ES")...)},
		{"alg that is a number", members(with(ec, "alg", 256)...)},
		{"alg that is null", members(with(ec, "alg", nil)...)},
		{"an alg that is misspelt", members(with(ec, "alg", "ES521")...)},
		{"RSA without alg", members(rsaMembers()...)},
		{"a secret without alg", members(octMembers()...)},
		{"a secret that is too short", members(with(octMembers(), "alg", "HS256", "k", b64(secret(31)))...)},
		{"an empty secret", members(with(octMembers(), "alg", "HS256", "k", "")...)},
		{"no secret", members("kty", "oct", "alg", "HS256")},
		{"use for encryption", members(with(ec, "use", "enc")...)},
		{"use of nobody", members(with(ec, "use", "SIG")...)},
		{"use that is a list", members(with(ec, "use", []string{"sig"})...)},
		{"key_ops for encryption", members(with(ec, "key_ops", []string{"encrypt", "wrapKey"})...)},
		{"key_ops that is empty", members(with(ec, "key_ops", []string{})...)},
		{"key_ops with one twice", members(with(ec, "key_ops", []string{"verify", "sign", "verify"})...)},
		{"key_ops that is a string", members(with(ec, "key_ops", "verify")...)},
		{"kid that is a number", members(with(ec, "kid", 1)...)},
		{"kid of 257 bytes", members(with(ec, "kid", strings.Repeat("k", 257))...)},
		{"no curve", members(append([]any{"kty", "EC"}, ec[4:]...)...)},
		{"another curve", members(with(ec, "crv", "P-384")...)},
		{"secp256k1", members(with(ec, "crv", "secp256k1")...)},
		{"a curve for RSA", members(with(key, "crv", "P-256")...)},
		{"a point that is not on the curve", members(with(ec, "y", b64(append(point[33:64:64], point[64]^1)))...)},
		{"a coordinate with a zero before it", members(with(ec, "x", b64(append([]byte{0}, point[1:33]...)))...)},
		{"a coordinate that is short", members(with(ec, "x", b64(point[1:32]))...)},
		{"coordinates that are right only together", members(with(ec, "x", b64(point[1:32]), "y", b64(point[32:]))...)},
		{"a private half with a zero before it", members(with(ec, "d", b64(append([]byte{0}, must(p256().Bytes())...)))...)},
		{"a coordinate that is empty", members(with(ec, "y", "")...)},
		{"no coordinate", members(with(public(ec), "y", nil)...)},
		{"a coordinate that is a number", members(with(ec, "y", 1)...)},
		{"padding", members(with(ec, "x", b64(point[1:33])+"=")...)},
		{"a line break", members(with(ec, "x", b64(point[1:33])+"\n")...)},
		{"unused bits", members(with(okp, "x", withUnusedBit(b64(ed()[32:])))...)},
		{"standard base64", members(with(ec, "x", strings.Repeat("+/", 21)+"8")...)},
		{"a private half that is another's", members(with(ec, "d", b64(secret(32)))...)},
		{"a private half that is short", members(with(ec, "d", b64(secret(31)))...)},
		{"a private half of zero", members(with(ec, "d", b64(make([]byte, 32)))...)},
		{"an empty private half", members(with(ec, "d", "")...)},
		{"Ed448", members(with(okp, "crv", "Ed448")...)},
		{"X25519", members(with(okp, "crv", "X25519")...)},
		{"Ed25519 that is short", members(with(okp, "x", b64(ed()[33:]))...)},
		{"Ed25519 whose halves do not belong together", members(with(okp, "x", b64(secret(32)))...)},
		{"Ed25519 with an empty private half", members(with(okp, "d", "")...)},
		{"Ed25519 without the public half", members("kty", "OKP", "crv", "Ed25519", "d", b64(ed()[:32]))},
		{"RSA with 1024 bits", members("kty", "RSA", "alg", "RS256", "n", b64(small.N.Bytes()), "e", "AQAB")},
		{"RSA with a zero before the modulus", members(with(key, "n", b64(append([]byte{0}, rsaKey().N.Bytes()...)))...)},
		{"RSA with a zero before the exponent", members(with(key, "e", "AAEAAQ")...)},
		{"RSA with the exponent 1", members(with(public(key), "alg", "RS256", "e", "AQ")...)},
		{"RSA with an exponent of 32 bits", members(with(public(key), "alg", "RS256", "e", "gAAAAQ")...)},
		{"RSA with an endless exponent", members(with(public(key), "alg", "RS256", "e", b64(rsaKey().N.Bytes()))...)},
		{"RSA without an exponent", members("kty", "RSA", "alg", "RS256", "n", b64(rsaKey().N.Bytes()))},
		{"RSA without a modulus", members("kty", "RSA", "alg", "RS256", "e", "AQAB")},
		{"RSA without primes", members(with(public(key), "alg", "RS256", "d", b64(rsaKey().D.Bytes()))...)},
		{"RSA with three primes", members(with(key, "oth", raw(`[{"r":"AQ","d":"AQ","t":"AQ"}]`))...)},
		{"RSA whose private half is another's", members(with(key, "d", b64(new(big.Int).Add(rsaKey().D, big.NewInt(2)).Bytes()))...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := jws.ParseJWK(c.raw)
			require.Error(t, err)
			assert.Nil(t, k)
			for i := 5; i < len(ec); i += 2 {
				assert.NotContains(t, err.Error(), ec[i], "the key itself")
			}
			assert.NotContains(t, err.Error(), b64(secret(12)))
		})
	}
}

func TestParseJWKTakesOnlyWhatIsAllowed(t *testing.T) {
	for _, c := range []struct {
		name    string
		members []any
		allowed []string
		says    string
	}{
		{"another algorithm of the type", with(public(rsaMembers()), "alg", "RS512"), []string{"RS256", "PS256"}, "not among"},
		{"several that it could be", public(rsaMembers()), []string{"RS256", "PS256"}, "several"},
		{"none that it could be", public(ecMembers()), []string{"RS256", "ES384"}, "not among"},
		{"a secret where public keys are allowed", with(octMembers(), "alg", "HS256"), []string{"RS256"}, "not among"},
		{"a name of no algorithm", public(ecMembers()), []string{"none"}, "not among"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := jws.ParseJWK(members(c.members...), c.allowed...)
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func FuzzParseJWK(f *testing.F) {
	for _, all := range [][]any{
		ecMembers(), okpMembers(), with(rsaMembers(), "alg", "RS256"), with(octMembers(), "alg", "HS256"), public(ecMembers()),
		with(public(rsaMembers()), "alg", "PS512", "e", "Aw"), with(ecMembers(), "key_ops", []string{"verify"}, "use", "sig"), with(okpMembers(), "d", nil),
	} {
		f.Add([]byte(members(all...)))
	}
	f.Add([]byte(`{"kty":"RSA","alg":"RS256","n":"AQ","e":"AQ","d":"AQ","p":"AQ","q":"AQ"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := jws.ParseJWK(text)
		if err != nil {
			require.Nil(t, k)
			return
		}
		raw, ok := k.JWK()
		require.Equal(t, !k.Symmetric(), ok)
		if ok {
			public, err := jws.ParseJWK(raw)
			require.NoError(t, err)
			require.True(t, public.SameMaterial(k))
			require.False(t, public.CanSign())
		}
		require.ErrorIs(t, k.VerifyRaw([]byte("a.b"), []byte("c")), jws.ErrSignature)
		if k.CanSign() {
			text, err := jws.Sign(k, "JWT", []byte("{}"))
			require.NoError(t, err)
			m, err := jws.Parse(text)
			require.NoError(t, err)
			require.NoError(t, m.Verify(k))
		}
	})
}

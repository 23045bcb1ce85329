package strategies_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"hash"
	"strings"

	"github.com/kahu-go/kahu/internal/jws"
)

func keyed(h func() hash.Hash, secret []byte) func(input string) []byte {
	return func(input string) []byte {
		m := hmac.New(h, secret)
		m.Write([]byte(input))
		return m.Sum(nil)
	}
}

// publicKeysAsSecrets are MACs keyed with what everybody knows: CVE-2015-9235.
func publicKeysAsSecrets() []forgery {
	var list []forgery
	confuse := func(alg, what, mac string, h func() hash.Hash, secret []byte, more ...edit) {
		edits := append([]edit{header("alg", quote(mac)), key(keyed(h, secret))}, more...)
		list = append(list, forgery{mac + " with the " + alg + " key's " + what, otherAlg, all(edits...), nil, alg, invalid})
	}
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		for what, secret := range publicBytes(alg) {
			confuse(alg, what, "HS256", sha256.New, secret)
		}
		der := publicBytes(alg)["PEM"]
		confuse(alg, "PEM", "HS384", sha512.New384, der)
		confuse(alg, "PEM", "HS512", sha512.New, der)
	}
	noKid := all(header("kid", ""), header("alg", `"HS256"`), key(keyed(sha256.New, publicBytes("ES256")["PEM"])))
	return append(list, forgery{"HS256 with a public key's PEM and without a kid", "there is no such key", noKid, nil, "", invalid})
}

// publicBytes are the ways in which a public key may have been written down.
func publicBytes(alg string) map[string][]byte {
	public := material()[alg].(crypto.Signer).Public()
	der := must(x509.MarshalPKIXPublicKey(public))
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk, _ := must(jws.NewKey(kidOf(alg), alg, public)).JWK()
	ways := map[string][]byte{
		"PEM": text, "PEM without its last newline": text[:len(text)-1], "DER": der, "JWK": jwk, "JWK Set": []byte(`{"keys":[` + string(jwk) + `]}`),
	}
	switch k := public.(type) {
	case *rsa.PublicKey:
		ways["modulus"], ways["PKCS #1"] = k.N.Bytes(), x509.MarshalPKCS1PublicKey(k)
	case *ecdsa.PublicKey:
		point := must(k.Bytes())
		ways["point"], ways["coordinate"] = point, point[1:33]
	case ed25519.PublicKey:
		ways["bytes"] = k
	}
	return ways
}

func signaturesOfSecrets() []forgery {
	by := func(secret string) edit { return key(keyed(sha256.New, []byte(secret))) }
	return refusedFor(notGood, "HS256", map[string]edit{
		"an empty secret":                by(""),
		"the kid as the secret":          by(kidOf("HS256")),
		"a secret that is guessed":       by("secret"),
		"a secret of zeros":              by(strings.Repeat("\x00", 32)),
		"the name of the issuer":         by(shire),
		"another secret of ours":         key(keyed(sha256.New, material()["HS512"].([]byte))),
		"a MAC of zeros":                 signature(func([]byte) []byte { return make([]byte, 32) }),
		"half of the MAC":                signature(func(good []byte) []byte { return good[:16] }),
		"one byte of the MAC":            signature(func(good []byte) []byte { return good[:1] }),
		"a MAC and one byte":             signature(func(good []byte) []byte { return append(good, 0) }),
		"the MAC in hex":                 signature(func(good []byte) []byte { return []byte(hex.EncodeToString(good)) }),
		"a hash without a secret":        key(func(input string) []byte { sum := sha256.Sum256([]byte(input)); return sum[:] }),
		"a MAC of a longer hash, cut":    key(func(input string) []byte { return keyed(sha512.New, material()["HS256"].([]byte))(input)[:32] }),
		"the MAC of what is not encoded": key(func(input string) []byte { return keyed(sha256.New, material()["HS256"].([]byte))(decodedInput(input)) }),
	})
}
